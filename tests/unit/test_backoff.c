#include "model/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { ROUNDS = 2000 };

static int64_t longest_of(int64_t attempt)
{
	int64_t longest = 0;

	for (int i = 0; i < ROUNDS; i++) {
		int64_t wait = backoff_ms(attempt, 0);

		if (wait > longest)
			longest = wait;
	}
	return longest;
}

static void test_the_first_failure_waits_at_most_the_base(void **state)
{
	int64_t longest = longest_of(1);

	(void)state;
	assert_in_range(longest, BACKOFF_BASE_MS / 2, BACKOFF_BASE_MS);
}

static void test_each_failure_doubles_what_may_be_waited(void **state)
{
	int64_t longest = longest_of(4);

	(void)state;
	assert_in_range(longest, BACKOFF_BASE_MS * 6, BACKOFF_BASE_MS * 8);
}

static void test_nobody_waits_longer_than_the_cap(void **state)
{
	int64_t longest = longest_of(INT64_MAX);

	(void)state;
	assert_in_range(longest, BACKOFF_CAP_MS / 2, BACKOFF_CAP_MS);
}

static void test_retry_after_is_never_undercut(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++)
		assert_true(backoff_ms(1, 45) >= 45000);
}

static void test_nobody_tries_again_within_a_second(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++)
		assert_true(backoff_ms(1, 0) >= 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_failure_waits_at_most_the_base),
		cmocka_unit_test(test_each_failure_doubles_what_may_be_waited),
		cmocka_unit_test(test_nobody_waits_longer_than_the_cap),
		cmocka_unit_test(test_retry_after_is_never_undercut),
		cmocka_unit_test(test_nobody_tries_again_within_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
