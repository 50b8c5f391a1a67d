#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "io/batch.h"

enum { THREADS = 64, EACH = 200, CROWD = BATCH_ITEMS_MAX + 44 };

/* One write: what it asks for, and what the flush has seen of it. */
struct item {
	int number;
	int written;
};

/* A flush that a test can stop at its door. */
struct gate {
	pthread_mutex_t lock;
	sem_t arrived;
	sem_t open;
	bool closed;
	size_t flushes;
	size_t largest;
	size_t sizes[4];
	bool blocks_signals;
};

static void gate_init(struct gate *gate, bool closed)
{
	*gate = (struct gate){.closed = closed};
	pthread_mutex_init(&gate->lock, NULL);
	sem_init(&gate->arrived, 0, 0);
	sem_init(&gate->open, 0, 0);
}

static void gate_fini(struct gate *gate)
{
	pthread_mutex_destroy(&gate->lock);
	sem_destroy(&gate->arrived);
	sem_destroy(&gate->open);
}

/* Numbers that divide by 7 are refused. */
static enum err answer_for(const struct item *item)
{
	return item->number % 7 == 0 ? ERR_STALE : OK;
}

static void flush(void *cx, void *const items[], size_t n, enum err results[])
{
	struct gate *gate = cx;
	sigset_t now;

	pthread_sigmask(SIG_SETMASK, NULL, &now);
	pthread_mutex_lock(&gate->lock);
	gate->blocks_signals = sigismember(&now, SIGTERM) == 1;
	if (gate->flushes < 4)
		gate->sizes[gate->flushes] = n;
	gate->flushes++;
	if (n > gate->largest)
		gate->largest = n;
	pthread_mutex_unlock(&gate->lock);
	if (gate->closed) {
		sem_post(&gate->arrived);
		sem_wait(&gate->open);
	}
	for (size_t i = 0; i < n; i++) {
		struct item *item = items[i];

		item->written++;
		results[i] = answer_for(item);
	}
}

static void forget(void *cx, void *const items[], size_t n, enum err results[])
{
	(void)cx;
	(void)items;
	(void)n;
	(void)results;
}

struct caller {
	pthread_t thread;
	struct batch *batch;
	sem_t *begun;
	int number;
	int wrong;
};

static void *write_many(void *cx)
{
	struct caller *caller = cx;

	for (int i = 0; i < EACH; i++) {
		struct item item = {.number = caller->number * EACH + i};
		enum err e = batch_write(caller->batch, &item);

		caller->wrong += e != answer_for(&item) || item.written != 1;
	}
	return NULL;
}

static void *write_one(void *cx)
{
	struct caller *caller = cx;
	struct item item = {.number = caller->number};
	enum err e;

	sem_post(caller->begun);
	e = batch_write(caller->batch, &item);
	caller->wrong += e != answer_for(&item) || item.written != 1;
	return NULL;
}

static void every_thread_gets_the_outcome_of_its_own_item(void **state)
{
	struct caller callers[THREADS] = {{0}};
	struct gate gate;
	struct batch *batch;

	(void)state;
	gate_init(&gate, false);
	batch = batch_new(flush, &gate);
	assert_non_null(batch);
	for (int i = 0; i < THREADS; i++) {
		callers[i].batch = batch;
		callers[i].number = i;
		assert_int_equal(pthread_create(&callers[i].thread, NULL, write_many, &callers[i]),
				 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(callers[i].thread, NULL);
		assert_int_equal(callers[i].wrong, 0);
	}
	batch_free(batch);
	assert_true(gate.largest > 1);
	assert_true(gate.blocks_signals);
	gate_fini(&gate);
}

/* Waits until so many threads have handed in; there is no sign for it but the queue itself. */
static void start_crowd(struct caller *callers, int n, struct batch *batch, sem_t *begun)
{
	for (int i = 0; i < n; i++) {
		callers[i] = (struct caller){.batch = batch, .begun = begun, .number = i + 1};
		assert_int_equal(pthread_create(&callers[i].thread, NULL, write_one, &callers[i]),
				 0);
	}
	for (int i = 0; i < n; i++)
		sem_wait(begun);
}

static void join_crowd(struct caller *callers, int n)
{
	for (int i = 0; i < n; i++) {
		pthread_join(callers[i].thread, NULL);
		assert_int_equal(callers[i].wrong, 0);
	}
}

static void what_comes_during_a_flush_goes_with_the_next_one(void **state)
{
	static struct caller first[1], crowd[CROWD];
	struct gate gate;
	struct batch *batch;
	sem_t begun;

	(void)state;
	gate_init(&gate, true);
	sem_init(&begun, 0, 0);
	batch = batch_new(flush, &gate);
	start_crowd(first, 1, batch, &begun);
	sem_wait(&gate.arrived); /* the first one is being written, alone */
	start_crowd(crowd, CROWD, batch, &begun);
	gate.closed = false; /* the writer stands at the gate and reads this behind it */
	sem_post(&gate.open);
	join_crowd(crowd, CROWD);
	join_crowd(first, 1);
	batch_free(batch);
	assert_int_equal(gate.sizes[0], 1);
	assert_true(gate.largest > 1);
	assert_in_range(gate.largest, 2, BATCH_ITEMS_MAX);
	assert_true(gate.flushes >= 3); /* more than one flush can take */
	sem_destroy(&begun);
	gate_fini(&gate);
}

static void an_item_that_flush_says_nothing_about_did_not_happen(void **state)
{
	struct batch *batch = batch_new(forget, NULL);
	struct item item = {.number = 1};

	(void)state;
	assert_int_equal(batch_write(batch, &item), ERR_INTERNAL);
	batch_free(batch);
}

static void a_batch_that_was_never_used_ends(void **state)
{
	(void)state;
	batch_free(batch_new(forget, NULL));
	batch_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_thread_gets_the_outcome_of_its_own_item),
		cmocka_unit_test(what_comes_during_a_flush_goes_with_the_next_one),
		cmocka_unit_test(an_item_that_flush_says_nothing_about_did_not_happen),
		cmocka_unit_test(a_batch_that_was_never_used_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
