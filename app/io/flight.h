#ifndef CB_IO_FLIGHT_H
#define CB_IO_FLIGHT_H
/*
 * flight: one thread of the process does a thing, the others that want the same wait for it.
 * It spares work and is no lock: what must happen once over all processes is decided in
 * the database. Stands on base; pthreads.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rand.h"

struct flight;

/* NULL when there is no memory. Made after the fork. */
struct flight *flight_new(void);
/* No thread may be in it. NULL is fine. */
void flight_free(struct flight *flight);

/*
 * True: nobody is at it, the caller does it now and must call flight_leave.
 * False: somebody was, and has left since (or deadline_ms of the monotonic clock has passed):
 * look at the result.
 */
bool flight_enter(struct flight *flight, const struct id *key, int64_t deadline_ms);

/* Wakes all that wait for key. */
void flight_leave(struct flight *flight, const struct id *key);

#endif
