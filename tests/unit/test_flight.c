#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "io/flight.h"

enum { THREADS = 32, EACH = 2000, KEYS = 3, FAR_MS = 60000 };

static struct id key_of(unsigned number)
{
	struct id key = {{0}};

	/* the same bucket for all of them, so that they have to be told apart */
	key.bytes[0] = (unsigned char)(number + 1);
	return key;
}

static int64_t far(void)
{
	return clock_mono_ms() + FAR_MS;
}

static void the_first_does_it_and_so_does_the_next_after_it_left(void **state)
{
	struct flight *flight = flight_new();
	struct id a = key_of(0), b = key_of(1);

	(void)state;
	assert_true(flight_enter(flight, &a, far()));
	assert_true(flight_enter(flight, &b, far()));
	flight_leave(flight, &a);
	assert_true(flight_enter(flight, &a, far()));
	flight_leave(flight, &a);
	flight_leave(flight, &b);
	flight_leave(flight, &b); /* leaving what one is not in does nothing */
	flight_free(flight);
}

static void a_waiter_gives_up_at_its_deadline(void **state)
{
	struct flight *flight = flight_new();
	struct id a = key_of(0);
	int64_t began_ms = clock_mono_ms(), took_ms;

	(void)state;
	assert_true(flight_enter(flight, &a, far()));
	assert_false(flight_enter(flight, &a, began_ms + 50));
	took_ms = clock_mono_ms() - began_ms;
	assert_in_range(took_ms, 49, 5000);
	assert_false(flight_enter(flight, &a, began_ms - 1)); /* was up before */
	flight_leave(flight, &a);
	flight_free(flight);
}

/* A flight that is left open is freed with the rest. */
static void freeing_needs_no_leaving(void **state)
{
	struct flight *flight = flight_new();
	struct id a = key_of(0), b = key_of(1);

	(void)state;
	assert_true(flight_enter(flight, &a, far()));
	assert_true(flight_enter(flight, &b, far()));
	flight_free(flight);
	flight_free(NULL);
}

struct shared {
	struct flight *flight;
	struct id key;
	sem_t begun;
	bool done;
	atomic_int led;
	atomic_int saw_done;
};

static void *come_late(void *cx)
{
	struct shared *shared = cx;

	sem_post(&shared->begun);
	if (flight_enter(shared->flight, &shared->key, far())) {
		shared->led++;
		flight_leave(shared->flight, &shared->key);
	} else {
		/* not locked: the flight itself orders this after the leader's writing */
		shared->saw_done += shared->done;
	}
	return NULL;
}

static void all_that_wait_are_woken_and_see_what_was_done(void **state)
{
	struct shared shared = {.flight = flight_new(), .key = key_of(0)};
	pthread_t threads[THREADS];

	(void)state;
	sem_init(&shared.begun, 0, 0);
	assert_true(flight_enter(shared.flight, &shared.key, far()));
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, come_late, &shared), 0);
	for (int i = 0; i < THREADS; i++)
		sem_wait(&shared.begun);
	shared.done = true;
	flight_leave(shared.flight, &shared.key);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	/* who had not entered yet when the flight was left leads one of his own */
	assert_int_equal(shared.led + shared.saw_done, THREADS);
	sem_destroy(&shared.begun);
	flight_free(shared.flight);
}

struct storm {
	struct flight *flight;
	int inside[KEYS]; /* guarded by the flight alone */
	atomic_int wrong;
	atomic_int led;
};

static void *enter_often(void *cx)
{
	struct storm *storm = cx;

	for (unsigned i = 0; i < EACH; i++) {
		unsigned number = i % KEYS;
		struct id key = key_of(number);

		if (!flight_enter(storm->flight, &key, far()))
			continue;
		storm->wrong += storm->inside[number]++ != 0;
		storm->led++;
		storm->inside[number]--;
		flight_leave(storm->flight, &key);
	}
	return NULL;
}

static void never_are_two_at_the_same_thing(void **state)
{
	static struct storm storm;
	pthread_t threads[THREADS];

	(void)state;
	storm.flight = flight_new();
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, enter_often, &storm), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(storm.wrong, 0);
	assert_true(storm.led > 0);
	flight_free(storm.flight);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_does_it_and_so_does_the_next_after_it_left),
		cmocka_unit_test(a_waiter_gives_up_at_its_deadline),
		cmocka_unit_test(freeing_needs_no_leaving),
		cmocka_unit_test(all_that_wait_are_woken_and_see_what_was_done),
		cmocka_unit_test(never_are_two_at_the_same_thing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
