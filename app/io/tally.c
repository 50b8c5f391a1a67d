#include "io/tally.h"

#include <pthread.h>
#include <stdlib.h>

enum { SETS = 1024, WAYS = 4, MINUTE_MS = 60000 };

/* One subject. A minute that has passed counts for nothing, so nobody has to clear it. */
struct count {
	uint64_t key;
	int64_t used_ms; /* when it called last */
	int64_t minute;
	unsigned free_used; /* in this minute */
	unsigned aside;
	int64_t aside_until_ms;
};

struct tally {
	pthread_mutex_t lock;
	unsigned free_per_min;
	struct count counts[SETS][WAYS];
};

struct tally *tally_new(unsigned free_per_min)
{
	struct tally *tally = calloc(1, sizeof(*tally));

	if (!tally)
		return NULL;
	tally->free_per_min = free_per_min;
	pthread_mutex_init(&tally->lock, NULL);
	return tally;
}

void tally_free(struct tally *tally)
{
	if (!tally)
		return;
	pthread_mutex_destroy(&tally->lock);
	free(tally);
}

/* FNV-1a: who shares a count is only asked to call more seldom. */
static uint64_t hash(struct slice subject)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < subject.len; i++)
		h = (h ^ (unsigned char)subject.data[i]) * 0x100000001b3u;
	return h;
}

/* The count of subject, which takes the place of the one that has been silent for longest. */
static struct count *count_of(struct tally *tally, struct slice subject)
{
	uint64_t key = hash(subject);
	struct count *set = tally->counts[key % SETS];
	struct count *oldest = &set[0];

	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].key == key)
			return &set[i];
		if (set[i].used_ms < oldest->used_ms)
			oldest = &set[i];
	}
	*oldest = (struct count){.key = key};
	return oldest;
}

bool tally_take(struct tally *tally, struct slice subject, int64_t now_ms)
{
	struct count *count;
	bool taken = true;

	pthread_mutex_lock(&tally->lock);
	count = count_of(tally, subject);
	count->used_ms = now_ms;
	if (count->minute != now_ms / MINUTE_MS) {
		count->minute = now_ms / MINUTE_MS;
		count->free_used = 0;
	}
	if (count->free_used < tally->free_per_min)
		count->free_used++;
	else if (count->aside > 0 && now_ms < count->aside_until_ms)
		count->aside--;
	else
		taken = false;
	pthread_mutex_unlock(&tally->lock);
	return taken;
}

void tally_set_aside(struct tally *tally, struct slice subject, unsigned n, int64_t until_ms)
{
	struct count *count;

	pthread_mutex_lock(&tally->lock);
	count = count_of(tally, subject);
	count->aside = n;
	count->aside_until_ms = until_ms;
	pthread_mutex_unlock(&tally->lock);
}
