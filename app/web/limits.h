#ifndef CB_WEB_LIMITS_H
#define CB_WEB_LIMITS_H
/*
 * limits: how often who may do what, over all workers of this machine: a fixed table of
 * counters in shared memory, made before the fork. Old entries make room for new ones.
 * Nothing is locked: a worker that dies at any point holds up nobody.
 * Stands on base/rand, base/clock.
 * Source: security requirements A6, A7, L7.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

struct limits;

enum limit_kind { LIMIT_DEMO, LIMIT_FAILURES, LIMIT_ACCOUNT, LIMIT_KEY, LIMIT_STRANGER };

/* NULL without memory. */
struct limits *limits_new(void);
/* Gives the table back. NULL is fine. */
void limits_free(struct limits *limits);

/*
 * Counts one for subject, if in the last window_s seconds there were fewer than max; those of the
 * window before this one count by the share of it that still lies within. What is refused is not
 * counted, so nobody is locked out for longer by trying on.
 *
 * max            0 or more; above 262,143 there is no limit
 * retry_after_s  when refused: how many seconds until one more is let through, else 0
 */
bool limits_take(struct limits *limits, enum limit_kind kind, struct slice subject, int64_t max,
		 unsigned window_s, unsigned *retry_after_s);

/* Looks without counting. */
bool limits_within(struct limits *limits, enum limit_kind kind, struct slice subject, int64_t max,
		   unsigned window_s, unsigned *retry_after_s);

#endif
