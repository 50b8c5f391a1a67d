#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

static void a_name_is_given_to_one_tenant(void **state)
{
	struct id made = id_new(), second = id_new(), found;

	(void)state;
	assert_int_equal(tenants_add(store_db(), &made, SLICE("second"), NULL), OK);
	assert_int_equal(tenants_find(store_db(), SLICE("second"), &found, NULL), OK);
	assert_true(id_equal(&found, &made));
	assert_int_equal(tenants_add(store_db(), &second, SLICE("second"), NULL), ERR_DUPLICATE);
	assert_int_equal(tenants_find(store_db(), SLICE("second"), &found, NULL), OK);
	assert_true(id_equal(&found, &made));
}

static void the_list_holds_all_by_their_names(void **state)
{
	struct tenant *list;
	size_t n;

	(void)state;
	store_tenant("aardvark");
	assert_int_equal(tenants_list(store_db(), store_arena(), &list, &n, NULL), OK);
	assert_true(n >= 3);
	assert_true(slice_is(list[0].name, "aardvark") && slice_is(list[1].name, "default"));
	assert_true(id_equal(&list[1].id, &TENANT_DEFAULT));
	for (size_t i = 1; i < n; i++) {
		assert_true(strcmp(list[i - 1].name.data, list[i].name.data) < 0);
		assert_true(list[i].created_ms > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_tenant_is_found_by_its_exact_name, store_fresh_arena),
		cmocka_unit_test_setup(a_tenant_has_a_name, store_fresh_arena),
		cmocka_unit_test_setup(a_name_is_given_to_one_tenant, store_fresh_arena),
		cmocka_unit_test_setup(the_list_holds_all_by_their_names, store_fresh_arena),
	};

	return cmocka_run_group_tests_name("tenants", tests, start, store_stop);
}
