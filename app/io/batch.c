#include "io/batch.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

enum { WRITER_STACK_BYTES = 256 * 1024 };

/* One thread that waits; lies on its stack. */
struct entry {
	struct entry *next;
	void *item;
	enum err result;
	sem_t done; /* its own, so that nobody else is woken with it */
};

struct batch {
	batch_flush *flush;
	void *cx;
	pthread_t writer;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t work;
	struct entry *first;
	struct entry **end; /* where the next one is hung */
	bool stop;
};

/* Takes the first entries that fit into one flush. Waits for one; 0 means stop. */
static size_t take(struct batch *batch, struct entry *taken[])
{
	size_t n = 0;

	pthread_mutex_lock(&batch->lock);
	while (!batch->first && !batch->stop)
		pthread_cond_wait(&batch->work, &batch->lock);
	while (batch->first && n < BATCH_ITEMS_MAX) {
		taken[n++] = batch->first;
		batch->first = batch->first->next;
	}
	if (!batch->first)
		batch->end = &batch->first;
	pthread_mutex_unlock(&batch->lock);
	return n;
}

static void *write_all(void *cx)
{
	struct batch *batch = cx;
	struct entry *taken[BATCH_ITEMS_MAX];
	void *items[BATCH_ITEMS_MAX];
	enum err results[BATCH_ITEMS_MAX];
	size_t n;

	while ((n = take(batch, taken)) > 0) {
		for (size_t i = 0; i < n; i++) {
			items[i] = taken[i]->item;
			results[i] = ERR_INTERNAL; /* what flush forgets did not happen */
		}
		batch->flush(batch->cx, items, n, results);
		for (size_t i = 0; i < n; i++) {
			taken[i]->result = results[i];
			sem_post(&taken[i]->done); /* from here on it is gone */
		}
	}
	return NULL;
}

/* Signals are for the threads that await them: the writer takes none. */
static int start_writer(struct batch *batch)
{
	pthread_attr_t attr;
	sigset_t all, before;
	int failed;

	if (pthread_attr_init(&attr))
		return -1;
	pthread_attr_setstacksize(&attr, WRITER_STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&batch->writer, &attr, write_all, batch);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return failed;
}

struct batch *batch_new(batch_flush *flush, void *cx)
{
	struct batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return NULL;
	batch->flush = flush;
	batch->cx = cx;
	batch->end = &batch->first;
	pthread_mutex_init(&batch->lock, NULL);
	pthread_cond_init(&batch->work, NULL);
	if (!start_writer(batch))
		return batch;
	pthread_cond_destroy(&batch->work);
	pthread_mutex_destroy(&batch->lock);
	free(batch);
	return NULL;
}

void batch_free(struct batch *batch)
{
	if (!batch)
		return;
	pthread_mutex_lock(&batch->lock);
	batch->stop = true;
	pthread_cond_signal(&batch->work);
	pthread_mutex_unlock(&batch->lock);
	pthread_join(batch->writer, NULL);
	pthread_cond_destroy(&batch->work);
	pthread_mutex_destroy(&batch->lock);
	free(batch);
}

enum err batch_write(struct batch *batch, void *item)
{
	struct entry mine = {.item = item};
	bool was_empty;

	sem_init(&mine.done, 0, 0);
	pthread_mutex_lock(&batch->lock);
	was_empty = !batch->first;
	*batch->end = &mine;
	batch->end = &mine.next;
	pthread_mutex_unlock(&batch->lock);
	if (was_empty)
		pthread_cond_signal(&batch->work);
	while (sem_wait(&mine.done))
		; /* a signal handler ran */
	sem_destroy(&mine.done);
	return mine.result;
}
