#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/provider_limits.h"
#include "tests/unit/store_fixture.h"

static int begin(void **state)
{
	store_sql("DELETE FROM provider_limits");
	return store_fresh_arena(state);
}

static int start(void **state)
{
	return store_start(state);
}

static void pause_for(const char *subject, int64_t ms, const char *reason)
{
	assert_int_equal(provider_limits_pause(store_db(), subject, ms, reason, NULL), OK);
}

static int64_t left(const char *subject)
{
	int64_t ms = -1;

	assert_int_equal(provider_limits_left(store_db(), subject, &ms, NULL), OK);
	return ms;
}

static size_t list_all(struct provider_pause **out)
{
	size_t n;

	assert_int_equal(provider_limits_list(store_db(), store_arena(), out, &n, NULL), OK);
	return n;
}

static void a_pause_is_of_its_subject_alone(void **state)
{
	(void)state;
	assert_int_equal(left("google"), 0);
	pause_for("google", 60000, "provider_rate_limited");
	assert_in_range(left("google"), 40000, 60000);
	assert_int_equal(left("google:1"), 0);
	assert_int_equal(left("' OR 1=1 -- "), 0);
}

static void a_longer_pause_stays_with_its_reason(void **state)
{
	struct provider_pause *list;

	(void)state;
	pause_for("google", 60000, "provider_misconfigured");
	pause_for("google", 1000, "provider_rate_limited");
	assert_in_range(left("google"), 40000, 60000);
	assert_int_equal(list_all(&list), 1);
	assert_true(slice_is(list[0].reason, "provider_misconfigured"));
	pause_for("google", 120000, "provider_rate_limited");
	assert_in_range(left("google"), 100000, 120000);
	assert_int_equal(list_all(&list), 1);
	assert_true(slice_is(list[0].reason, "provider_rate_limited"));
	assert_true(slice_is(list[0].subject, "google"));
	assert_in_range(list[0].left_ms, 100000, 120000);
}

static void a_pause_that_is_over_is_none(void **state)
{
	struct provider_pause *list;

	(void)state;
	pause_for("google", 60000, "x");
	store_sql("UPDATE provider_limits SET paused_until = UTC_TIMESTAMP(3) - INTERVAL 1 SECOND");
	assert_int_equal(left("google"), 0);
	assert_int_equal(list_all(&list), 0);
	pause_for("google", 60000, "y");
	assert_in_range(left("google"), 40000, 60000);
	assert_int_equal(list_all(&list), 1);
	assert_true(slice_is(list[0].reason, "y"));
}

static void what_works_again_is_not_paused(void **state)
{
	(void)state;
	pause_for("google", 60000, "x");
	pause_for("outlook", 60000, "x");
	assert_int_equal(provider_limits_resume(store_db(), "google", NULL), OK);
	assert_int_equal(provider_limits_resume(store_db(), "google", NULL), OK);
	assert_int_equal(left("google"), 0);
	assert_in_range(left("outlook"), 40000, 60000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_pause_is_of_its_subject_alone, begin),
		cmocka_unit_test_setup(a_longer_pause_stays_with_its_reason, begin),
		cmocka_unit_test_setup(a_pause_that_is_over_is_none, begin),
		cmocka_unit_test_setup(what_works_again_is_not_paused, begin),
	};

	return cmocka_run_group_tests_name("provider_limits", tests, start, store_stop);
}
