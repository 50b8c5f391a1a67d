#include "base/moment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

enum { PROCESSES = 4, EACH = 5000, NOW_MS = 1000000 };

static void moments_follow_the_clock(void **state)
{
	struct moment *moment = moment_new();

	(void)state;
	clock_set_for_test(NOW_MS);
	assert_int_equal(moment_next(moment), NOW_MS);
	clock_set_for_test(NOW_MS + 50);
	assert_int_equal(moment_next(moment), NOW_MS + 50);
	clock_set_for_test(-1);
	moment_free(moment);
}

static void no_moment_is_given_twice_when_the_clock_stands_still_or_goes_back(void **state)
{
	struct moment *moment = moment_new();

	(void)state;
	clock_set_for_test(NOW_MS);
	assert_int_equal(moment_next(moment), NOW_MS);
	assert_int_equal(moment_next(moment), NOW_MS + 1);
	clock_set_for_test(NOW_MS - 500);
	assert_int_equal(moment_next(moment), NOW_MS + 2);
	clock_set_for_test(-1);
	moment_free(moment);
}

static void a_skip_leaves_room_behind_what_is_taken(void **state)
{
	struct moment *moment = moment_new();

	(void)state;
	clock_set_for_test(NOW_MS);
	assert_int_equal(moment_next(moment), NOW_MS);
	assert_int_equal(moment_skip(moment, 1000), NOW_MS + 1000);
	assert_int_equal(moment_next(moment), NOW_MS + 1001);
	clock_set_for_test(-1);
	moment_free(moment);
}

static void take_many(struct moment *moment, int64_t *taken)
{
	for (int i = 0; i < EACH; i++)
		taken[i] = moment_next(moment);
	_exit(0);
}

static int compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void no_two_processes_are_given_the_same_moment(void **state)
{
	size_t bytes = sizeof(int64_t) * PROCESSES * EACH;
	int64_t *all = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct moment *moment = moment_new();

	(void)state;
	assert_true(all != MAP_FAILED);
	for (int i = 0; i < PROCESSES; i++)
		if (fork() == 0)
			take_many(moment, all + i * EACH);
	while (wait(NULL) > 0)
		;
	qsort(all, PROCESSES * EACH, sizeof(all[0]), compare);
	for (size_t i = 1; i < PROCESSES * EACH; i++)
		assert_true(all[i] > all[i - 1]);
	munmap(all, bytes);
	moment_free(moment);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moments_follow_the_clock),
		cmocka_unit_test(no_moment_is_given_twice_when_the_clock_stands_still_or_goes_back),
		cmocka_unit_test(a_skip_leaves_room_behind_what_is_taken),
		cmocka_unit_test(no_two_processes_are_given_the_same_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
