#ifndef CB_IO_BATCH_H
#define CB_IO_BATCH_H
/*
 * batch: many threads' small writes as one. Of the threads that hand in an item at one time the
 * first writes the items of all, and wakes the others with the outcome; whoever comes meanwhile
 * goes with the next one. A thread that comes alone writes at once. Nothing is weakened: an item
 * counts only when its flush has said so.
 * Safe from all threads. Stands on base; pthreads.
 */
#include <stddef.h>

#include "base/err.h"

struct batch;

enum { BATCH_ITEMS_MAX = 32 };

/* Writes items[0..n-1] (1 to BATCH_ITEMS_MAX), all of them or none, on one of their threads. */
typedef enum err batch_flush(void *cx, void *const items[], size_t n, struct fail *why);

/*
 * flush is called with together, by one thread at a time, for the items of all; and with alone, by
 * any thread, for an item of its own that could not be written with the others. NULL: no memory.
 */
struct batch *batch_new(batch_flush *flush, void *together, void *alone);

/* No thread may be in it or hand in any more. NULL is fine. */
void batch_free(struct batch *batch);

/*
 * Hands item in and waits for its outcome. When the flush that it went with failed, it is written
 * once more, alone: so one item's failure is no other's, and why tells of this one. There is no
 * giving up early, as the write may already be under way: the flush itself is bounded by the
 * database's time limits.
 */
MUST_USE enum err batch_write(struct batch *batch, void *item, struct fail *why);

#endif
