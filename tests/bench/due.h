#ifndef CB_BENCH_DUE_H
#define CB_BENCH_DUE_H
/*
 * due: answers that wait for their moment, the earliest first (a binary heap).
 * For one thread; stands on nothing.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct due_entry {
	uint64_t at_ns;   /* CLOCK_MONOTONIC */
	void *conn;       /* whom to answer; not looked at */
	int32_t exchange; /* which of its exchanges */
};

struct due {
	struct due_entry *heap;
	size_t n;
	size_t room;
};

/* Now on CLOCK_MONOTONIC, in nanoseconds. */
uint64_t due_now_ns(void);

/* Adds an entry. Ends the program when there is no memory. */
void due_put(struct due *due, struct due_entry entry);

/* Takes the earliest entry if its moment has come; false if there is none. */
bool due_take(struct due *due, uint64_t now_ns, struct due_entry *out);

/* Milliseconds until the earliest entry, rounded up; -1 if there is none. */
int due_wait_ms(const struct due *due, uint64_t now_ns);
#endif
