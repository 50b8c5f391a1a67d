#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/tenants.h"
#include "tests/unit/store_fixture.h"

static struct id tenant;

static int start(void **state)
{
	if (store_start(state))
		return -1;
	tenant = store_tenant("first");
	return 0;
}

static void a_tenant_is_found_by_its_exact_name(void **state)
{
	struct id found;

	(void)state;
	assert_int_equal(tenants_find(store_db(), SLICE("default"), &found, NULL), OK);
	assert_true(id_equal(&found, &TENANT_DEFAULT));
	assert_int_equal(tenants_find(store_db(), SLICE("first"), &found, NULL), OK);
	assert_true(id_equal(&found, &tenant));
	assert_int_equal(tenants_find(store_db(), SLICE("First"), &found, NULL), ERR_NOT_FOUND);
	assert_int_equal(tenants_find(store_db(), SLICE(HOSTILE), &found, NULL), ERR_NOT_FOUND);
	assert_true(id_is_none(&found));
}

static void a_tenant_has_a_name(void **state)
{
	struct id nobody = id_new();
	struct slice name;

	(void)state;
	assert_int_equal(tenants_name(store_db(), &tenant, store_arena(), &name, NULL), OK);
	assert_true(slice_is(name, "first"));
	assert_int_equal(tenants_name(store_db(), &nobody, store_arena(), &name, NULL),
			 ERR_NOT_FOUND);
	assert_int_equal(name.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_tenant_is_found_by_its_exact_name, store_fresh_arena),
		cmocka_unit_test_setup(a_tenant_has_a_name, store_fresh_arena),
	};

	return cmocka_run_group_tests_name("tenants", tests, start, store_stop);
}
