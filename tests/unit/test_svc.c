#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/config.h"
#include "service/svc.h"
#include "tests/unit/store_fixture.h"

static struct id tenant;

static int start(void **state)
{
	if (store_start(state))
		return -1;
	tenant = store_tenant("ours");
	return 0;
}

static struct svc svc_of(struct config *config, char *jwt_tenant)
{
	config->jwt_tenant = jwt_tenant;
	return (struct svc){.config = config, .db = store_db()};
}

static void the_tenant_of_user_tokens_is_asked_for_once(void **state)
{
	char name[] = "ours";
	struct config config = *store_config();
	struct svc svc = svc_of(&config, name);
	struct id found;

	(void)state;
	assert_int_equal(svc_jwt_tenant(&svc, &found, NULL), OK);
	assert_true(id_equal(&found, &tenant));
	store_sql("UPDATE tenants SET name = 'theirs' WHERE name = 'ours'");
	found = (struct id){0};
	assert_int_equal(svc_jwt_tenant(&svc, &found, NULL), OK);
	assert_true(id_equal(&found, &tenant));
	free(svc.jwt_tenant);
}

static void a_tenant_that_is_not_there_yet_is_asked_for_again(void **state)
{
	char name[] = "late";
	struct config config = *store_config();
	struct svc svc = svc_of(&config, name);
	struct id late, found;

	(void)state;
	assert_int_equal(svc_jwt_tenant(&svc, &found, NULL), ERR_CONFIG);
	late = store_tenant("late");
	assert_int_equal(svc_jwt_tenant(&svc, &found, NULL), OK);
	assert_true(id_equal(&found, &late));
	free(svc.jwt_tenant);
}

static bool finds_it(void *cx, unsigned number)
{
	struct id found;

	(void)number;
	return !svc_jwt_tenant(cx, &found, NULL) && id_equal(&found, &tenant);
}

static void threads_that_ask_at_once_all_get_it(void **state)
{
	char name[] = "theirs";
	struct config config = *store_config();
	struct svc svc = svc_of(&config, name);

	(void)state;
	assert_int_equal(store_race(finds_it, &svc), STORE_THREADS);
	free(svc.jwt_tenant);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_tenant_of_user_tokens_is_asked_for_once,
				       store_fresh_arena),
		cmocka_unit_test_setup(a_tenant_that_is_not_there_yet_is_asked_for_again,
				       store_fresh_arena),
		cmocka_unit_test_setup(threads_that_ask_at_once_all_get_it, store_fresh_arena),
	};

	return cmocka_run_group_tests_name("svc", tests, start, store_stop);
}
