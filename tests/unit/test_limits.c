#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "web/limits.h"

/* The beginning of a window of 600 s, and of one of 60 s. */
static const int64_t BEGIN_S = 600 * 2900000;

static struct limits *limits;

static int make(void **state)
{
	(void)state;
	clock_set_for_test(BEGIN_S * 1000);
	limits = limits_new();
	return limits ? 0 : -1;
}

static int drop(void **state)
{
	(void)state;
	limits_free(limits);
	clock_set_for_test(-1);
	return 0;
}

static void at(int64_t seconds)
{
	clock_set_for_test((BEGIN_S + seconds) * 1000);
}

/* How many of n are let through, of at most 10 in 600 s. */
static unsigned taken(const char *subject, unsigned n)
{
	unsigned wait_s, through = 0;

	while (n-- > 0)
		through += limits_take(limits, LIMIT_FAILURES, slice_of(subject), 10, 600, &wait_s);
	return through;
}

static unsigned wait_s(const char *subject)
{
	unsigned wait;
	bool within = limits_within(limits, LIMIT_FAILURES, slice_of(subject), 10, 600, &wait);

	assert_int_equal(within, wait == 0);
	return wait;
}

static void no_more_than_the_limit_are_let_through(void **state)
{
	(void)state;
	assert_int_equal(taken("a", 1000), 10);
	assert_int_equal(taken("b", 3), 3);
	assert_int_equal(taken("b", 1000), 7);
}

static void kinds_and_subjects_are_counted_apart(void **state)
{
	unsigned wait;

	(void)state;
	assert_int_equal(taken("a", 20), 10);
	assert_int_equal(taken("b", 20), 10);
	assert_int_equal(taken("", 20), 10);
	assert_int_equal(taken("aaaaaaaa", 20), 10);
	assert_int_equal(taken("aaaaaaaaa", 20), 10);
	assert_true(limits_take(limits, LIMIT_DEMO, SLICE("a"), 10, 600, &wait));
	assert_true(limits_take(limits, LIMIT_KEY, SLICE("a"), 10, 600, &wait));
}

static void looking_does_not_count(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(wait_s("a"), 0);
	assert_int_equal(taken("a", 20), 10);
	assert_int_not_equal(wait_s("a"), 0);
}

static void the_end_of_a_window_does_not_let_twice_as_many_through(void **state)
{
	(void)state;
	at(599);
	assert_int_equal(taken("a", 20), 10);
	at(600);
	assert_int_equal(taken("a", 20), 0);
	at(659);
	assert_int_equal(taken("a", 20), 0);
	at(660);
	assert_int_equal(taken("a", 20), 1);
	at(900);
	assert_int_equal(taken("a", 20), 4);
	at(1800);
	assert_int_equal(taken("a", 20), 10);
}

static void what_is_refused_is_not_counted(void **state)
{
	(void)state;
	assert_int_equal(taken("a", 10000), 10);
	at(1199);
	assert_int_not_equal(taken("a", 1), 0);
}

static void one_more_is_let_through_after_the_time_that_was_told(void **state)
{
	static const int64_t MOMENTS[] = {0, 1, 299, 590, 599};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(MOMENTS); i++) {
		char name[16];
		unsigned wait;

		snprintf(name, sizeof(name), "told%zu", i);
		at(MOMENTS[i]);
		assert_int_equal(taken(name, 20), 10);
		wait = wait_s(name);
		at(MOMENTS[i] + wait - 1);
		assert_int_equal(taken(name, 1), 0);
		assert_int_equal(wait_s(name), 1);
		at(MOMENTS[i] + wait);
		assert_int_equal(taken(name, 20), 1);
	}
}

static void a_limit_of_none_lets_nothing_through_and_a_vast_one_everything(void **state)
{
	unsigned wait;

	(void)state;
	assert_false(limits_take(limits, LIMIT_DEMO, SLICE("a"), 0, 60, &wait));
	assert_int_equal(wait, 60);
	for (unsigned i = 0; i < 300000; i++)
		assert_true(limits_take(limits, LIMIT_KEY, SLICE("a"), INT64_MAX, 60, &wait));
	for (unsigned i = 0; i < 200000; i++)
		assert_true(limits_take(limits, LIMIT_KEY, SLICE("b"), 200000, 60, &wait));
	assert_false(limits_take(limits, LIMIT_KEY, SLICE("b"), 200000, 60, &wait));
}

static void a_full_table_makes_room_and_keeps_the_newest(void **state)
{
	char name[32];

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		at(i / 1000);
		snprintf(name, sizeof(name), "192.0.2.%u", i);
		if (taken(name, 1) != 1)
			fail_msg("%s was refused", name);
	}
	assert_int_equal(taken("newest", 20), 10);
	assert_int_equal(taken("newest", 20), 0);
}

/* One more worker. */
static void child(unsigned n)
{
	_exit((int)taken("shared", n));
}

static void all_workers_share_one_count(void **state)
{
	enum { WORKERS = 8 };
	int total = 0;

	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		at(1200 * round);
		total = 0;
		for (unsigned i = 0; i < WORKERS; i++) {
			if (fork() == 0)
				child(1000);
		}
		for (unsigned i = 0; i < WORKERS; i++) {
			int status = 0;

			assert_true(wait(&status) > 0);
			assert_true(WIFEXITED(status));
			total += WEXITSTATUS(status);
		}
		assert_int_equal(total, 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_more_than_the_limit_are_let_through, make, drop),
		cmocka_unit_test_setup_teardown(kinds_and_subjects_are_counted_apart, make, drop),
		cmocka_unit_test_setup_teardown(looking_does_not_count, make, drop),
		cmocka_unit_test_setup_teardown(
			the_end_of_a_window_does_not_let_twice_as_many_through, make, drop),
		cmocka_unit_test_setup_teardown(what_is_refused_is_not_counted, make, drop),
		cmocka_unit_test_setup_teardown(
			one_more_is_let_through_after_the_time_that_was_told, make, drop),
		cmocka_unit_test_setup_teardown(
			a_limit_of_none_lets_nothing_through_and_a_vast_one_everything, make, drop),
		cmocka_unit_test_setup_teardown(a_full_table_makes_room_and_keeps_the_newest, make,
						drop),
		cmocka_unit_test_setup_teardown(all_workers_share_one_count, make, drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
