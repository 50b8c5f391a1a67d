#ifndef CB_BASE_CLOCK_H
#define CB_BASE_CLOCK_H
/*
 * clock: what time it is. The one place that asks the system, so that tests can set it.
 * Leases and deadlines use the monotonic clock, everything that is stored the wall clock.
 * Stands on libc.
 */
#include <stdint.h>

/* Milliseconds since 1970-01-01T00:00:00Z. */
int64_t clock_now_ms(void);

/* Milliseconds of a clock that never jumps and counts from an arbitrary point. */
int64_t clock_mono_ms(void);

/* Microseconds of the same, for measuring. */
int64_t clock_mono_us(void);

/* Waits that long, through signals. */
void clock_sleep_ms(int64_t ms);

/* From now on clock_now_ms gives this instant (tests alone); a negative one ends that. */
void clock_set_for_test(int64_t now_ms);

#endif
