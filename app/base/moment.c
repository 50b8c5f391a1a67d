#include "base/moment.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>

#include "base/clock.h"

struct moment {
	_Atomic int64_t last_ms;
};

struct moment *moment_new(void)
{
	void *page = mmap(NULL, sizeof(struct moment), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? NULL : page;
}

void moment_free(struct moment *moment)
{
	if (moment)
		munmap(moment, sizeof(*moment));
}

int64_t moment_skip(struct moment *moment, int64_t ahead_ms)
{
	int64_t now = clock_now_ms();
	int64_t last = atomic_load(&moment->last_ms);
	int64_t next;

	do {
		next = last + ahead_ms;
		if (next < now)
			next = now;
	} while (!atomic_compare_exchange_weak(&moment->last_ms, &last, next));
	return next;
}

int64_t moment_next(struct moment *moment)
{
	return moment_skip(moment, 1);
}
