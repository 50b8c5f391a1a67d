#ifndef CB_IO_PREFORK_H
#define CB_IO_PREFORK_H
/*
 * prefork: a parent that forks W workers, restarts what dies (with backoff), drains on SIGTERM
 * or SIGINT, and reloads on SIGHUP: the new workers first, then the old ones drain.
 * The parent does nothing else: it opens no connection and runs no thread.
 * Stands on base.
 */
#include <stdatomic.h>
#include <stdbool.h>

#include "base/err.h"

enum { PREFORK_WORKERS_MAX = 256, PREFORK_DRAIN_S = 40 };

struct prefork {
	/*
	 * Prepares what workers inherit (settings, key ring, CA store), in the parent, at the start
	 * and at each reload; *prepared goes to work. An error at a reload keeps what was there.
	 */
	enum err (*prepare)(void *cx, void **prepared, unsigned *workers, struct fail *why);

	/* Gives it back, when the last worker that was forked with it has gone. */
	void (*release)(void *cx, void *prepared);

	/*
	 * The life of a worker, in its own process: returns its exit status once *stop is not 0
	 * and its work is finished.
	 */
	int (*work)(void *cx, void *prepared, const atomic_int *stop);

	void *cx;
};

/*
 * Runs until a signal ends it. A worker that has not drained after PREFORK_DRAIN_S is killed.
 * returns the exit status of the program: 0, or 1 when the first prepare failed (why says it)
 */
int prefork_run(const struct prefork *prefork, struct fail *why);

/* For a process without a parent of ours (--once): the same signals, no fork. */
const atomic_int *prefork_signals(void);

/* RLIMIT_CORE 0 and not dumpable (not in sanitizer builds), descriptors up to the hard limit, umask
 * 0077. */
void prefork_harden(void);

#endif
