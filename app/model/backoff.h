#ifndef CB_MODEL_BACKOFF_H
#define CB_MODEL_BACKOFF_H
/*
 * backoff: when to try again: exponential with full jitter, base 30 s, at most 1 h.
 * Pure but for the randomness. Stands on base/rand.
 * Source: contract section 3 (the queue).
 */
#include <stdint.h>

enum { BACKOFF_BASE_MS = 30 * 1000, BACKOFF_CAP_MS = 3600 * 1000 };

/*
 * Milliseconds to wait after the attempt-th failure (1 and up), never under retry_after_s
 * (0: the other side named none), never under one second.
 */
int64_t backoff_ms(int64_t attempt, unsigned retry_after_s);

#endif
