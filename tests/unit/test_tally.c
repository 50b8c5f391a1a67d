#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "io/tally.h"

enum { FREE = 10, MINUTE_MS = 60000, THREADS = 8 };

static struct tally *tally;
static atomic_uint won;

static int begin(void **state)
{
	(void)state;
	tally = tally_new(FREE);
	return tally ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	tally_free(tally);
	return 0;
}

/* How many in a row until there is none. */
static unsigned take_all(struct slice subject, int64_t now_ms)
{
	unsigned n = 0;

	while (n < 1000 && tally_take(tally, subject, now_ms))
		n++;
	return n;
}

static void the_first_of_each_minute_are_free(void **state)
{
	(void)state;
	assert_int_equal(take_all(SLICE("google:1"), MINUTE_MS), FREE);
	assert_int_equal(take_all(SLICE("google:2"), MINUTE_MS), FREE);
	assert_int_equal(take_all(SLICE("google:1"), 2 * MINUTE_MS - 1), 0);
	assert_int_equal(take_all(SLICE("google:1"), 2 * MINUTE_MS), FREE);
}

static void what_is_set_aside_lasts_until_its_time_and_adds_up_with_nothing(void **state)
{
	(void)state;
	take_all(SLICE("google:1"), MINUTE_MS);
	tally_set_aside(tally, SLICE("google:1"), 20, MINUTE_MS + 5000);
	tally_set_aside(tally, SLICE("google:1"), 7, MINUTE_MS + 5000);
	assert_true(tally_take(tally, SLICE("google:1"), MINUTE_MS + 4999));
	assert_int_equal(take_all(SLICE("google:1"), MINUTE_MS + 5000), 0);
	assert_int_equal(take_all(SLICE("google:1"), MINUTE_MS + 4999), 6);
}

static void who_was_silent_for_longest_makes_room(void **state)
{
	char name[32];

	(void)state;
	take_all(SLICE("google:first"), MINUTE_MS);
	for (unsigned i = 0; i < 50000; i++) {
		snprintf(name, sizeof(name), "google:%u", i);
		assert_true(tally_take(tally, slice_of(name), MINUTE_MS + 1));
	}
	assert_int_equal(take_all(SLICE("google:first"), MINUTE_MS + 1), FREE);
}

static void *grab(void *cx)
{
	(void)cx;
	atomic_fetch_add(&won, take_all(SLICE("google:1"), MINUTE_MS));
	return NULL;
}

static void threads_share_one_count(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	atomic_store(&won, 0);
	tally_set_aside(tally, SLICE("google:1"), 100, 2 * MINUTE_MS);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, grab, NULL), 0);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(atomic_load(&won), FREE + 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_first_of_each_minute_are_free, begin, end),
		cmocka_unit_test_setup_teardown(
			what_is_set_aside_lasts_until_its_time_and_adds_up_with_nothing, begin,
			end),
		cmocka_unit_test_setup_teardown(who_was_silent_for_longest_makes_room, begin, end),
		cmocka_unit_test_setup_teardown(threads_share_one_count, begin, end),
	};

	return cmocka_run_group_tests_name("tally", tests, NULL, NULL);
}
