#include "base/clock.h"

#include <errno.h>
#include <stdatomic.h>
#include <time.h>

enum { MS_PER_S = 1000, US_PER_S = 1000000, NS_PER_MS = 1000000, NS_PER_US = 1000 };

static _Atomic int64_t instant_for_test = -1;

static struct timespec read_clock(clockid_t id)
{
	struct timespec at = {0};

	clock_gettime(id, &at); /* fails for an unknown clock only */
	return at;
}

int64_t clock_now_ms(void)
{
	int64_t fixed = atomic_load_explicit(&instant_for_test, memory_order_relaxed);
	struct timespec at;

	if (fixed >= 0)
		return fixed;
	at = read_clock(CLOCK_REALTIME);
	return (int64_t)at.tv_sec * MS_PER_S + at.tv_nsec / NS_PER_MS;
}

int64_t clock_mono_ms(void)
{
	return clock_mono_us() / (US_PER_S / MS_PER_S);
}

int64_t clock_mono_us(void)
{
	struct timespec at = read_clock(CLOCK_MONOTONIC);

	return (int64_t)at.tv_sec * US_PER_S + at.tv_nsec / NS_PER_US;
}

void clock_set_for_test(int64_t now_ms)
{
	atomic_store_explicit(&instant_for_test, now_ms, memory_order_relaxed);
}

void clock_sleep_ms(int64_t ms)
{
	struct timespec left = {
		.tv_sec = ms / MS_PER_S,
		.tv_nsec = ms % MS_PER_S * NS_PER_MS,
	};

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}
