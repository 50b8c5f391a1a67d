#include "io/flight.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BUCKETS = 64 };

/* One thing that somebody is at. Freed by the last one who looks at it. */
struct going {
	struct going *next;
	struct id key;
	unsigned waiting;
	bool over;
	pthread_cond_t left;
};

struct flight {
	pthread_mutex_t lock;
	pthread_condattr_t monotonic;
	struct going *buckets[BUCKETS];
};

struct flight *flight_new(void)
{
	struct flight *flight = calloc(1, sizeof(*flight));

	if (!flight)
		return NULL;
	pthread_mutex_init(&flight->lock, NULL);
	pthread_condattr_init(&flight->monotonic);
	pthread_condattr_setclock(&flight->monotonic, CLOCK_MONOTONIC);
	return flight;
}

static void going_free(struct going *going)
{
	pthread_cond_destroy(&going->left);
	free(going);
}

void flight_free(struct flight *flight)
{
	if (!flight)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		while (flight->buckets[i]) {
			struct going *going = flight->buckets[i];

			flight->buckets[i] = going->next;
			going_free(going);
		}
	}
	pthread_condattr_destroy(&flight->monotonic);
	pthread_mutex_destroy(&flight->lock);
	free(flight);
}

/* Where the link to key is, or would be. An id ends in random bits. */
static struct going **place_of(struct flight *flight, const struct id *key)
{
	struct going **at = &flight->buckets[key->bytes[ID_BYTES - 1] % BUCKETS];

	while (*at && !id_equal(&(*at)->key, key))
		at = &(*at)->next;
	return at;
}

/* Without memory nobody will wait for us: work is done twice, which is allowed. */
static void begin(struct flight *flight, struct going **at, const struct id *key)
{
	struct going *going = calloc(1, sizeof(*going));

	if (!going)
		return;
	going->key = *key;
	pthread_cond_init(&going->left, &flight->monotonic);
	*at = going;
}

static void wait_for(struct flight *flight, struct going *going, int64_t deadline_ms)
{
	struct timespec until = {.tv_sec = deadline_ms / 1000,
				 .tv_nsec = deadline_ms % 1000 * 1000000};
	int late = 0;

	going->waiting++;
	while (!going->over && !late)
		late = pthread_cond_timedwait(&going->left, &flight->lock, &until);
	going->waiting--;
	if (going->over && !going->waiting)
		going_free(going);
}

bool flight_enter(struct flight *flight, const struct id *key, int64_t deadline_ms)
{
	struct going **at;
	bool first;

	pthread_mutex_lock(&flight->lock);
	at = place_of(flight, key);
	first = !*at;
	if (first)
		begin(flight, at, key);
	else
		wait_for(flight, *at, deadline_ms);
	pthread_mutex_unlock(&flight->lock);
	return first;
}

void flight_leave(struct flight *flight, const struct id *key)
{
	struct going **at, *going;

	pthread_mutex_lock(&flight->lock);
	at = place_of(flight, key);
	going = *at;
	if (going) {
		*at = going->next;
		going->over = true;
		if (going->waiting)
			pthread_cond_broadcast(&going->left);
		else
			going_free(going);
	}
	pthread_mutex_unlock(&flight->lock);
}
