#ifndef CB_STORE_SYNC_CLAIM_H
#define CB_STORE_SYNC_CLAIM_H
/*
 * sync_claim: takes jobs off the queue, fairly: tenants share the room, a tenant's connections take
 * turns, and of one connection no more than a few jobs run at once. So whoever has one job waits
 * for a turn of the others, never for their jobs; and the cost does not grow with what waits.
 * Stands on io/db, store/sync_queue.
 * Source: design "Leases, not locks held"; figures F22; security requirement L8.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/rand.h"
#include "base/text.h"
#include "store/sync_queue.h"

struct db;

enum { SYNC_CLAIM_MAX = 64 };

struct sync_claim {
	struct slice provider;   /* whose calendars; while it is paused nothing is given out */
	struct id token;         /* fresh: of this claim alone */
	unsigned max;            /* 1 to SYNC_CLAIM_MAX: as many as the caller can begin at once */
	unsigned per_connection; /* of one connection over all processes and hosts */
	int64_t lease_ms;        /* by the database's clock; count it from before the call */
};

struct sync_claimed {
	struct sync_job *jobs; /* in the arena */
	size_t n;
	bool more; /* there may be others to claim at once */
};

/*
 * Claims jobs in one short transaction (SKIP LOCKED); each counts one attempt more. A running one
 * whose lease has ended is given out again, or is dead (result "worker_lost") when that was its
 * last attempt. Begin none of them unless the answer is OK: on any error their leases run out.
 */
MUST_USE enum err sync_claim(struct db *db, const struct sync_claim *claim, struct arena *arena,
			     struct sync_claimed *out, struct fail *why);

#endif
