#include "io/batch.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdlib.h>

/* One thread that hands in; lies on its stack. */
struct entry {
	struct entry *next;
	void *item;
	enum err result;
	bool leads; /* it was woken to write, not because it is written */
	sem_t wake; /* its own, so that nobody else is woken with it */
};

struct batch {
	batch_flush *flush;
	void *together;
	void *alone;
	pthread_mutex_t lock; /* guards what follows */
	struct entry *first;
	struct entry **end; /* where the next one is hung */
	bool led;           /* a thread is writing, or was woken to */
};

struct batch *batch_new(batch_flush *flush, void *together, void *alone)
{
	struct batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return NULL;
	batch->flush = flush;
	batch->together = together;
	batch->alone = alone;
	batch->end = &batch->first;
	pthread_mutex_init(&batch->lock, NULL);
	return batch;
}

void batch_free(struct batch *batch)
{
	if (!batch)
		return;
	pthread_mutex_destroy(&batch->lock);
	free(batch);
}

static void wake(struct entry *entry)
{
	sem_post(&entry->wake); /* what was written is its owner's again, who may be gone */
}

/* Returns when mine is written, or is to lead: at once where nobody does. */
static void stand_in_line(struct batch *batch, struct entry *mine)
{
	bool led;

	pthread_mutex_lock(&batch->lock);
	*batch->end = mine;
	batch->end = &mine->next;
	led = batch->led;
	mine->leads = !led;
	batch->led = true;
	pthread_mutex_unlock(&batch->lock);
	while (led && sem_wait(&mine->wake))
		; /* a signal handler ran */
}

/* Takes those who stand first, as many as fit into one flush; the leader is the first of them. */
static size_t take(struct batch *batch, struct entry *taken[])
{
	size_t n = 0;

	pthread_mutex_lock(&batch->lock);
	while (batch->first && n < BATCH_ITEMS_MAX) {
		taken[n++] = batch->first;
		batch->first = batch->first->next;
	}
	if (!batch->first)
		batch->end = &batch->first;
	pthread_mutex_unlock(&batch->lock);
	return n;
}

/* Whoever stands first now leads the next flush. */
static void pass_on(struct batch *batch)
{
	struct entry *next;

	pthread_mutex_lock(&batch->lock);
	next = batch->first;
	batch->led = next != NULL;
	if (next)
		next->leads = true;
	pthread_mutex_unlock(&batch->lock);
	if (next)
		wake(next);
}

/* Writes the items of all who wait by now. */
static enum err lead(struct batch *batch)
{
	struct entry *taken[BATCH_ITEMS_MAX];
	void *items[BATCH_ITEMS_MAX];
	size_t n = take(batch, taken);
	enum err e;

	for (size_t i = 0; i < n; i++)
		items[i] = taken[i]->item;
	e = batch->flush(batch->together, items, n, NULL);
	pass_on(batch);
	for (size_t i = 1; i < n; i++) {
		taken[i]->result = e;
		wake(taken[i]);
	}
	return e;
}

static enum err write_together(struct batch *batch, void *item)
{
	struct entry mine = {.item = item};

	sem_init(&mine.wake, 0, 0);
	stand_in_line(batch, &mine);
	if (mine.leads)
		mine.result = lead(batch);
	sem_destroy(&mine.wake);
	return mine.result;
}

enum err batch_write(struct batch *batch, void *item, struct fail *why)
{
	if (!write_together(batch, item))
		return OK;
	return batch->flush(batch->alone, &item, 1, why);
}
