#include "model/backoff.h"

#include "base/rand.h"

int64_t backoff_ms(int64_t attempt, unsigned retry_after_s)
{
	int64_t most = BACKOFF_BASE_MS;
	int64_t least = 1000;
	int64_t wait;

	while (attempt-- > 1 && most < BACKOFF_CAP_MS)
		most *= 2;
	if (most > BACKOFF_CAP_MS)
		most = BACKOFF_CAP_MS;
	wait = rand_below((uint32_t)most);
	if (wait < (int64_t)retry_after_s * 1000)
		wait = (int64_t)retry_after_s * 1000;
	return wait < least ? least : wait;
}
