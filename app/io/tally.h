#ifndef CB_IO_TALLY_H
#define CB_IO_TALLY_H
/*
 * tally: how many calls each of many subjects may still make from this process: a few in every
 * minute without asking anybody, and those that were set aside for it where all processes
 * count. A fixed table: whoever has not called for longest makes room.
 * Stands on base; pthreads. Safe from all threads.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct tally;

/* free_per_min: the calls of a subject in a minute that cost nothing. NULL without memory. */
struct tally *tally_new(unsigned free_per_min);
/* No thread may be in it. NULL is fine. */
void tally_free(struct tally *tally);

/* Takes one call of subject's. False: there is none left, more must be set aside. now_ms is of the
 * monotonic clock. */
bool tally_take(struct tally *tally, struct slice subject, int64_t now_ms);

/* Sets n calls aside for subject until until_ms; what was set aside before is forgotten. */
void tally_set_aside(struct tally *tally, struct slice subject, unsigned n, int64_t until_ms);

#endif
