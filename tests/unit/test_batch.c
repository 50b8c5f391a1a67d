#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
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

/* A flush that a test can stop at its door; the one for many items, and the one for a lone one. */
struct gate {
	pthread_mutex_t lock;
	sem_t arrived;
	sem_t open;
	bool closed;
	unsigned inside;
	unsigned most_inside;
	size_t flushes;
	size_t largest;
	size_t sizes[4];
	size_t alone;
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

/* Numbers that divide by 7 are refused, and all that go with them. */
static enum err answer_for(const struct item *item)
{
	return item->number % 7 == 0 ? ERR_STALE : OK;
}

static void enter(struct gate *gate, size_t n)
{
	pthread_mutex_lock(&gate->lock);
	if (gate->flushes < 4)
		gate->sizes[gate->flushes] = n;
	gate->flushes++;
	if (n > gate->largest)
		gate->largest = n;
	if (++gate->inside > gate->most_inside)
		gate->most_inside = gate->inside;
	pthread_mutex_unlock(&gate->lock);
	if (gate->closed) {
		sem_post(&gate->arrived);
		sem_wait(&gate->open);
	}
}

static enum err flush_all(struct gate *gate, void *const items[], size_t n)
{
	enum err e = OK;

	enter(gate, n);
	for (size_t i = 0; i < n; i++)
		e = e ? e : answer_for(items[i]);
	for (size_t i = 0; !e && i < n; i++)
		((struct item *)items[i])->written++;
	pthread_mutex_lock(&gate->lock);
	gate->inside--;
	pthread_mutex_unlock(&gate->lock);
	return e;
}

/* Either face of a gate is what a batch calls its flush with. */
struct face {
	struct gate *gate;
	bool alone;
};

static enum err flush(void *cx, void *const items[], size_t n, struct fail *why)
{
	struct face *face = cx;
	struct item *item = items[0];

	if (!face->alone)
		return flush_all(face->gate, items, n);
	pthread_mutex_lock(&face->gate->lock);
	face->gate->alone++;
	pthread_mutex_unlock(&face->gate->lock);
	if (n != 1)
		return ERR_INTERNAL;
	if (answer_for(item))
		return fail_set(why, answer_for(item), "%d", item->number);
	item->written++;
	return OK;
}

struct caller {
	pthread_t thread;
	struct batch *batch;
	sem_t *begun;
	int number;
	int wrong;
};

/* Written once or refused, as it would have been alone; a refusal speaks of this item. */
static bool is_right(struct batch *batch, int number)
{
	struct item item = {.number = number};
	struct fail why = {0};
	enum err e = batch_write(batch, &item, &why);
	char said[16];

	snprintf(said, sizeof(said), "%d", number);
	if (answer_for(&item))
		return e == answer_for(&item) && item.written == 0 && !strcmp(why.detail, said);
	return e == OK && item.written == 1;
}

static void *write_many(void *cx)
{
	struct caller *caller = cx;

	for (int i = 0; i < EACH; i++)
		caller->wrong += !is_right(caller->batch, caller->number * EACH + i);
	return NULL;
}

static void *write_one(void *cx)
{
	struct caller *caller = cx;

	sem_post(caller->begun);
	caller->wrong += !is_right(caller->batch, caller->number);
	return NULL;
}

static void every_thread_gets_the_outcome_of_its_own_item(void **state)
{
	struct caller callers[THREADS] = {{0}};
	struct gate gate;
	struct face together = {&gate, false}, alone = {&gate, true};
	struct batch *batch = batch_new(flush, &together, &alone);

	(void)state;
	gate_init(&gate, false);
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
	assert_int_equal(gate.most_inside, 1);
	gate_fini(&gate);
}

/* Waits until so many threads have handed in; there is no sign for it but the queue itself. */
static void start_crowd(struct caller *callers, int n, struct batch *batch, sem_t *begun)
{
	for (int i = 0; i < n; i++) {
		/* none that is refused */
		callers[i] = (struct caller){.batch = batch, .begun = begun, .number = 7 * i + 1};
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
	struct face together = {&gate, false}, alone = {&gate, true};
	struct batch *batch = batch_new(flush, &together, &alone);
	sem_t begun;

	(void)state;
	gate_init(&gate, true);
	sem_init(&begun, 0, 0);
	start_crowd(first, 1, batch, &begun);
	sem_wait(&gate.arrived); /* the first one is being written, by itself */
	start_crowd(crowd, CROWD, batch, &begun);
	gate.closed = false; /* the one at the gate reads this behind it */
	sem_post(&gate.open);
	join_crowd(crowd, CROWD);
	join_crowd(first, 1);
	batch_free(batch);
	assert_int_equal(gate.sizes[0], 1);
	assert_in_range(gate.largest, 2, BATCH_ITEMS_MAX);
	assert_true(gate.flushes >= 3); /* more than one flush can take */
	assert_int_equal(gate.alone, 0);
	sem_destroy(&begun);
	gate_fini(&gate);
}

static void an_item_that_comes_by_itself_is_written_at_once(void **state)
{
	struct gate gate;
	struct face together = {&gate, false}, alone = {&gate, true};
	struct batch *batch = batch_new(flush, &together, &alone);

	(void)state;
	gate_init(&gate, false);
	for (int i = 1; i <= 3; i++)
		assert_true(is_right(batch, i));
	assert_int_equal(gate.flushes, 3);
	assert_true(is_right(batch, 7));
	assert_int_equal(gate.alone, 1);
	batch_free(batch);
	batch_free(NULL);
	gate_fini(&gate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_thread_gets_the_outcome_of_its_own_item),
		cmocka_unit_test(what_comes_during_a_flush_goes_with_the_next_one),
		cmocka_unit_test(an_item_that_comes_by_itself_is_written_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
