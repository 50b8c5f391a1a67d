/* due: answers that wait for their moment, the earliest first. */
#include "tests/bench/due.h"

#include <stdlib.h>
#include <time.h>

enum {
	FIRST_ROOM = 1024,
	NS_PER_MS = 1000000,
};

uint64_t due_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

void due_put(struct due *due, struct due_entry entry)
{
	size_t i = due->n;

	if (due->n == due->room) {
		due->room = due->room ? 2 * due->room : FIRST_ROOM;
		due->heap = reallocarray(due->heap, due->room, sizeof(*due->heap));
		if (!due->heap)
			abort();
	}
	due->n++;
	for (; i > 0 && due->heap[(i - 1) / 2].at_ns > entry.at_ns; i = (i - 1) / 2)
		due->heap[i] = due->heap[(i - 1) / 2];
	due->heap[i] = entry;
}

/* Lets the last entry sink from the top to its place. */
static void due_sink(struct due *due)
{
	struct due_entry last = due->heap[due->n];
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= due->n)
			break;
		if (child + 1 < due->n && due->heap[child + 1].at_ns < due->heap[child].at_ns)
			child++;
		if (due->heap[child].at_ns >= last.at_ns)
			break;
		due->heap[i] = due->heap[child];
		i = child;
	}
	due->heap[i] = last;
}

bool due_take(struct due *due, uint64_t now_ns, struct due_entry *out)
{
	if (due->n == 0 || due->heap[0].at_ns > now_ns)
		return false;
	*out = due->heap[0];
	due->n--;
	if (due->n > 0)
		due_sink(due);
	return true;
}

int due_wait_ms(const struct due *due, uint64_t now_ns)
{
	if (due->n == 0)
		return -1;
	if (due->heap[0].at_ns <= now_ns)
		return 0;
	return (int)((due->heap[0].at_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS);
}
