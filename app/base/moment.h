#ifndef CB_BASE_MOMENT_H
#define CB_BASE_MOMENT_H
/*
 * moment: milliseconds that no two calls share, over all workers of a machine: one counter in
 * shared memory, made before the fork. It follows the clock and runs ahead of it when more than one
 * is asked for in a millisecond. Lock-free: a worker that is killed blocks nobody. Stands on clock.
 */
#include <stdint.h>

struct moment;

/* NULL without memory. */
struct moment *moment_new(void);
/* Gives the page back. NULL is fine. */
void moment_free(struct moment *moment);

/* Milliseconds since 1970, later than every one given before and not before now. */
int64_t moment_next(struct moment *moment);

/*
 * The same, at least ahead_ms later than the last one: for one who has found that another machine,
 * or an earlier life of this one, has given out `next` already.
 */
int64_t moment_skip(struct moment *moment, int64_t ahead_ms);

#endif
