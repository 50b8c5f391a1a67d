#ifndef CB_IO_BATCH_H
#define CB_IO_BATCH_H
/*
 * batch: many threads' small writes as one. A thread hands in an item and waits; one writer
 * thread takes all that wait, flushes them together and wakes their threads with the result.
 * Nothing is weakened: an item counts only when its flush has said so.
 * Made after the fork. Stands on base; pthreads.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct batch;

enum { BATCH_ITEMS_MAX = 256 };

/*
 * Writes items[0..n-1] (1 to BATCH_ITEMS_MAX) and puts each one's outcome into results; runs on the
 * writer thread with an arena of its own inside cx if it needs one.
 */
typedef void batch_flush(void *cx, void *const items[], size_t n, enum err results[]);

/* Starts the writer. NULL when there is no memory or thread. */
struct batch *batch_new(batch_flush *flush, void *cx);

/* Flushes what waits, ends the writer. No thread may hand in any more. NULL is fine. */
void batch_free(struct batch *batch);

/*
 * Hands item in and waits for its outcome. item is borrowed until then; there is no giving up
 * early, as the write may already be under way: the flush itself is bounded by the database's time
 * limits.
 */
MUST_USE enum err batch_write(struct batch *batch, void *item);

#endif
