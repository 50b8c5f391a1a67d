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

static bool resume(const char *subject, const char *reason)
{
	bool was;

	assert_int_equal(provider_limits_resume(store_db(), subject, reason, &was, NULL), OK);
	return was;
}

static void what_works_again_is_not_paused(void **state)
{
	(void)state;
	pause_for("google", 60000, "x");
	pause_for("outlook", 60000, "x");
	assert_false(resume("google", "y"));
	assert_in_range(left("google"), 40000, 60000);
	assert_true(resume("google", "x"));
	assert_false(resume("google", "x"));
	assert_int_equal(left("google"), 0);
	assert_in_range(left("outlook"), 40000, 60000);
}

static int64_t reserve(const char *subject, const struct provider_pace *pace)
{
	int64_t wait_ms = -1;

	assert_int_equal(provider_limits_reserve(store_db(), subject, pace, &wait_ms, NULL), OK);
	return wait_ms;
}

static void calls_are_given_out_at_their_pace_and_a_burst_ahead(void **state)
{
	const struct provider_pace pace = {.calls = 10, .each_ms = 6000, .burst_ms = 90000};

	(void)state;
	/* 0, 60 and then 120 s ahead: the third would begin more than 90 s ahead */
	assert_int_equal(reserve("google:1", &pace), 0);
	assert_int_equal(reserve("google:1", &pace), 0);
	assert_in_range(reserve("google:1", &pace), 20000, 30000);
	assert_int_equal(reserve("google:2", &pace), 0);
	store_sql("UPDATE provider_limits SET calls_due_at = calls_due_at - INTERVAL 31 SECOND");
	assert_int_equal(reserve("google:1", &pace), 0);
	assert_in_range(reserve("google:1", &pace), 1, 90000);
}

static void idle_time_is_not_saved_up(void **state)
{
	const struct provider_pace pace = {.calls = 10, .each_ms = 6000, .burst_ms = 30000};

	(void)state;
	assert_int_equal(reserve("google:1", &pace), 0);
	store_sql("UPDATE provider_limits SET calls_due_at = calls_due_at - INTERVAL 1 HOUR");
	assert_int_equal(reserve("google:1", &pace), 0);
	assert_in_range(reserve("google:1", &pace), 20000, 30000);
}

static void a_pace_and_a_pause_of_one_subject_leave_each_other_alone(void **state)
{
	const struct provider_pace pace = {.calls = 10, .each_ms = 6000, .burst_ms = 0};

	(void)state;
	assert_int_equal(reserve("google:1", &pace), 0);
	assert_int_equal(left("google:1"), 0);
	pause_for("google:1", 60000, "x");
	assert_in_range(left("google:1"), 40000, 60000);
	assert_true(resume("google:1", "x"));
	assert_in_range(reserve("google:1", &pace), 40000, 60000);
}

static void only_what_nobody_called_for_a_day_is_forgotten(void **state)
{
	(void)state;
	pause_for("google:old", 1000, "x");
	pause_for("google:paused", 86400000, "x");
	pause_for("google:new", 1000, "x");
	store_sql("UPDATE provider_limits SET updated_at = updated_at - INTERVAL 25 HOUR, "
		  "paused_until = IF(subject = 'google:old', updated_at, paused_until) "
		  "WHERE subject <> 'google:new'");
	assert_int_equal(provider_limits_clean(store_db(), 10, NULL), OK);
	assert_int_equal(
		store_number("SELECT COUNT(*) FROM provider_limits WHERE subject = 'google:old'"),
		0);
	assert_int_equal(store_number("SELECT COUNT(*) FROM provider_limits"), 2);
}

static void a_refused_application_is_listed_until_it_is_known_to_work(void **state)
{
	struct provider_pause *list;

	(void)state;
	pause_for("google", 60000, "provider_misconfigured");
	store_sql("UPDATE provider_limits SET paused_until = UTC_TIMESTAMP(3) - INTERVAL 1 DAY");
	assert_int_equal(left("google"), 0);
	assert_int_equal(list_all(&list), 1);
	assert_true(slice_is(list[0].reason, "provider_misconfigured"));
	assert_int_equal(list[0].left_ms, 0);
	assert_true(resume("google", "provider_misconfigured"));
	assert_int_equal(list_all(&list), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_pause_is_of_its_subject_alone, begin),
		cmocka_unit_test_setup(a_longer_pause_stays_with_its_reason, begin),
		cmocka_unit_test_setup(a_pause_that_is_over_is_none, begin),
		cmocka_unit_test_setup(what_works_again_is_not_paused, begin),
		cmocka_unit_test_setup(calls_are_given_out_at_their_pace_and_a_burst_ahead, begin),
		cmocka_unit_test_setup(idle_time_is_not_saved_up, begin),
		cmocka_unit_test_setup(a_pace_and_a_pause_of_one_subject_leave_each_other_alone,
				       begin),
		cmocka_unit_test_setup(only_what_nobody_called_for_a_day_is_forgotten, begin),
		cmocka_unit_test_setup(a_refused_application_is_listed_until_it_is_known_to_work,
				       begin),
	};

	return cmocka_run_group_tests_name("provider_limits", tests, start, store_stop);
}
