#ifndef CB_STORE_MAPPINGS_H
#define CB_STORE_MAPPINGS_H
/*
 * mappings: the table calendar_event_mappings: one row an event of ours, from the intent to what
 * stands in the calendar; at once the idempotency record of its request.
 * Every write-back names the claim token: 0 rows means somebody took over (ERR_STALE).
 * Slices live in the arena given. Errors: those of io/db. Stands on io/db.
 * Source: contract "Exactly once"; the migration 0006 says what the columns mean.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/rand.h"
#include "base/text.h"

struct db;
struct db_value;

enum mapping_state {
	MAPPING_INTENDED, /* committed, nobody was answered: it will be carried forward */
	MAPPING_UNSURE, /* the caller was told of failure, the outcome is unknown: it will be looked
			   at */
	MAPPING_PLACED, /* stands in the calendar */
	MAPPING_REFUSED, /* stands nowhere; a repetition starts it anew */
	MAPPING_REMOVED  /* stood, and was taken out by us */
};

enum { MAPPING_EVENT_ID_BYTES = 40 };

struct mapping {
	struct id id;
	struct id tenant;
	struct id owner;
	struct id connection;
	const char *origin; /* ORIGIN_EVENT, ...: also the scope of replay_key */
	enum mapping_state state;
	struct slice request_id; /* may be empty */
	struct slice replay_key; /* 32 bytes, or empty */
	bool keyed;              /* replay_key is of an Idempotency-Key, not of the body */
	struct slice body_hash;  /* 32 bytes */
	struct slice event_ref;  /* the id we give out */
	struct slice calendar_id;
	struct slice provider_event_id;
	int64_t generation;
	struct slice html_link; /* may be empty */
	struct slice event;     /* event_write's JSON; empty when placed, but of origin "event" */
	struct slice answer;    /* what its first caller got; may be empty */
	bool answered;          /* placed, and a caller was told so */
	int64_t placed_ms;      /* when it was marked placed, or answered if that was later */
	struct id claim_token;
	bool claim_runs; /* claim_until lies ahead, by the database's clock */
	int64_t attempt;
	int64_t tried_ms; /* when the attempt before ours began: its claim token tells */
	int64_t created_ms;
	int64_t age_ms; /* since created, by the database's clock */
};

/*
 * The columns of a mapping, for statements of other files that read it as `m`, and how such a row
 * is read: values[0] is the first of MAPPING_N_COLUMNS. Slices borrow from values.
 */
#define MAPPING_COLUMNS                                                                            \
	"m.id, m.tenant_id, m.owner_id, m.connection_id, m.origin, m.state, m.request_id, "        \
	"m.replay_key, m.keyed, m.body_hash, m.event_ref, m.calendar_id, m.provider_event_id, "    \
	"m.generation, m.html_link, m.event, m.claim_token, "                                      \
	"COALESCE(m.claim_until > UTC_TIMESTAMP(3), 0), m.attempt, m.created_at, "                 \
	"TIMESTAMPDIFF(MICROSECOND, m.created_at, UTC_TIMESTAMP(3)) DIV 1000, "                    \
	"m.answered, m.answer, m.placed_at "
#define MAPPING_FROM "FROM calendar_event_mappings m "
enum { MAPPING_N_COLUMNS = 24 };
/* Reads such a row. */
void mapping_from_row(const struct db_value *values, struct mapping *out);

/* One statement's rows at most, where many are written at once. */
enum { MAPPINGS_AT_ONCE = 32 };

/* One intent: its row, for how long it is claimed, and how far ahead settle_at is. */
struct intent {
	const struct mapping *mapping;
	int64_t claim_ms;
	int64_t settle_ms;
};

/*
 * Commits n intents, all of them or none. ERR_DUPLICATE: a key of one of them is there. Made for
 * io/batch.
 */
MUST_USE enum err mappings_add(struct db *db, const struct intent *const intents[], size_t n,
			       struct fail *why);

/* By the request that made it; ERR_NOT_FOUND. */
MUST_USE enum err mappings_find_request(struct db *db, struct slice request_id, struct arena *arena,
					struct mapping *out, struct fail *why);

/* By its replay key in the scope of tenant, owner and origin; ERR_NOT_FOUND. */
MUST_USE enum err mappings_find_replay(struct db *db, const struct id *tenant,
				       const struct id *owner, const char *origin,
				       struct slice replay_key, struct arena *arena,
				       struct mapping *out, struct fail *why);

/* By its id within the tenant; ERR_NOT_FOUND. */
MUST_USE enum err mappings_get(struct db *db, const struct id *tenant, const struct id *id,
			       struct arena *arena, struct mapping *out, struct fail *why);

/*
 * Takes it over: a compare-and-set on the claim token as it was read; state becomes
 * intended, attempt counts up. Unless by_same_request, only when no claim runs. mapping is as it
 * was read, but may carry the claimer's own request_id: the row has that one from now on, so that
 * nginx's repetition of the claimer finds it. ERR_STALE: too late, or placed meanwhile.
 */
MUST_USE enum err mappings_claim(struct db *db, const struct mapping *mapping,
				 const struct id *claim_token, bool by_same_request,
				 int64_t claim_ms, int64_t settle_ms, struct fail *why);

/* The next id for an event whose last one is used up at the provider. ERR_STALE. */
MUST_USE enum err mappings_renew_event_id(struct db *db, const struct mapping *mapping,
					  struct slice provider_event_id, int64_t generation,
					  struct fail *why);

/* One placed mark. */
struct placed_mark {
	struct id id;
	struct id claim_token;
	struct slice provider_event_id;
	struct slice html_link;
	struct slice answer; /* may be empty */
	int64_t placed_ms;
	bool answered; /* whoever marks it tells a caller */
};

/*
 * Marks n events placed, each only if its claim is still ours. ERR_STALE: one of them was not, the
 * others are marked; whatever the error, a mark may be written once more. Made for io/batch.
 */
MUST_USE enum err mappings_mark_placed(struct db *db, const struct placed_mark *const marks[],
				       size_t n, struct fail *why);

/* A placed one that nobody was told of yet: now, at now_ms, a caller is. */
MUST_USE enum err mappings_mark_answered(struct db *db, const struct mapping *mapping,
					 int64_t now_ms, struct fail *why);

/* Ends an attempt that placed nothing: state refused (nothing stands) or unsure; error is an
 * err_code. ERR_STALE. */
MUST_USE enum err mappings_end(struct db *db, const struct mapping *mapping,
			       enum mapping_state state, const char *error, struct fail *why);

/*
 * Frees the replay key of an answered row (placed, refused, removed), so that a new request may
 * have it. OK also when another request has claimed the row since: then nothing is freed.
 */
MUST_USE enum err mappings_release(struct db *db, const struct mapping *mapping, struct fail *why);

/*
 * For calbridge-sync: claims the row whose settle_at has passed the longest ago and whose claim
 * does not run (SKIP LOCKED, one short transaction), for claim_ms; the next look is settle_ms
 * ahead. Its state stays what it was (intended or unsure). ERR_NOT_FOUND: nothing is due.
 */
MUST_USE enum err mappings_claim_due(struct db *db, int64_t claim_ms, int64_t settle_ms,
				     struct arena *arena, struct mapping *out, struct fail *why);

/* Not now: gives the claim back, the next look is settle_ms ahead. ERR_STALE. */
MUST_USE enum err mappings_postpone(struct db *db, const struct mapping *mapping, int64_t settle_ms,
				    struct fail *why);

/* Forgets what only replays need of rows settled more than a day ago, at most limit rows. */
MUST_USE enum err mappings_clean(struct db *db, unsigned limit, struct fail *why);

/* What has not come to its end, over all tenants. */
struct mapping_counts {
	int64_t intended;
	int64_t unsure;
	int64_t due; /* of both: calbridge-sync should be at them */
};

MUST_USE enum err mappings_count(struct db *db, struct mapping_counts *out, struct fail *why);

#endif
