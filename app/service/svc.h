#ifndef CB_SERVICE_SVC_H
#define CB_SERVICE_SVC_H
/*
 * svc: what every service is handed. struct svc is built once per worker, struct work once per
 * request or job. Stands on io and base.
 */
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/rand.h"
#include "base/text.h"

struct batch;
struct config;
struct db;
struct flight;
struct http;
struct http_trust;
struct moment;
struct seal_ring;
struct tally;

/* Calls of an account that a process makes each minute without counting them with the others. */
enum { SVC_FREE_CALLS = 10 };

/* One per worker; safe from all its threads. */
struct svc {
	const struct config *config;
	const struct seal_ring *ring;
	struct moment *moments; /* over all workers of the machine */
	struct db *db;
	struct http *http;
	struct batch *intents; /* gathers them (struct intent), over a connection of its own */
	struct db *intents_db;
	struct batch *marks; /* the placed ones (struct placed_mark), likewise */
	struct db *marks_db;
	struct tally *calls;      /* how many calls of an account this process may still make */
	struct flight *slots;     /* one thread an account waits for a slot at the provider */
	struct flight *refreshes; /* of a token, of the keys: one at a time in this process */
	_Atomic(struct id *) jwt_tenant; /* NULL: not asked for yet */
};

/* One request or job: where its memory is, by when it must be done, and whose it is in logs. */
struct work {
	struct svc *svc;
	struct arena *arena;
	int64_t deadline_ms;     /* of the monotonic clock */
	int64_t began_ms;        /* of the wall clock; 0 for jobs */
	struct slice request_id; /* empty for jobs */
	struct slice address;    /* of the client; empty for jobs */
};

/*
 * Opens what a worker needs, after the fork; what it is given is borrowed for its life. moments may
 * be NULL where nothing is booked. returns OK, ERR_CONFIG, ERR_NOMEM; out needs no svc_close then
 */
MUST_USE enum err svc_open(const struct config *config, const struct seal_ring *ring,
			   const struct http_trust *trust, struct moment *moments, struct svc *out,
			   struct fail *why);

/* Closes it; no work may be under way. */
void svc_close(struct svc *svc);

/*
 * The tenant of user tokens, JWT_TENANT. The database is asked once: the id of a name stays what it
 * is. ERR_CONFIG: there is none of that name; those of io/db.
 */
MUST_USE enum err svc_jwt_tenant(struct svc *svc, struct id *out, struct fail *why);

#endif
