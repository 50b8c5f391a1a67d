#ifndef CB_STORE_OAUTH_STATES_H
#define CB_STORE_OAUTH_STATES_H
/*
 * oauth_states: the table of that name: one row a consent under way.
 * Slices live in the arena given. Errors: those of io/db. Stands on io/db.
 * Source: security requirements O1 to O6.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/rand.h"
#include "base/text.h"

struct db;

struct oauth_state {
	struct slice state_hash; /* 32 bytes */
	struct id id; /* names the row where the state itself must not stand (confirmation, seal) */
	struct id tenant;
	struct id owner;
	struct slice owner_external_id;
	struct slice provider;
	struct slice browser_hash; /* 32 bytes; empty: handed on, no browser yet */
	bool handed_on;
	struct slice return_to;        /* sealed, column "return_to", by the key of the flow */
	struct slice expected_account; /* account id or address; empty: any */
	bool expired;                  /* by the database's clock */
	bool used;
	int64_t used_ms_ago;         /* by the database's clock; -1: not yet */
	struct slice code_hash;      /* of the code it was used with */
	struct slice outcome;        /* empty: not decided yet */
	struct slice pending_access; /* sealed, columns "pending_access" and "pending_refresh" */
	struct slice pending_refresh;
	int64_t pending_expires_ms;
	struct slice pending_scopes;
	struct slice pending_account_id;
	struct slice pending_account_email;
};

/*
 * Starts a flow that is valid for valid_ms, and drops the owner's oldest open ones beyond
 * max_open.
 */
MUST_USE enum err oauth_states_add(struct db *db, const struct oauth_state *state, int64_t valid_ms,
				   unsigned max_open, struct fail *why);

/* Reads one, whatever has become of it; ERR_NOT_FOUND. */
MUST_USE enum err oauth_states_get(struct db *db, struct slice state_hash, struct arena *arena,
				   struct oauth_state *out, struct fail *why);

/* The same by its id. */
MUST_USE enum err oauth_states_get_by_id(struct db *db, const struct id *id, struct arena *arena,
					 struct oauth_state *out, struct fail *why);

/*
 * Uses it up, once, and binds it to the browser that came (browser_hash) and the code it brought.
 * *won says whether this call did. An unknown outcome counts as used (ERR_DB_UNSURE).
 */
MUST_USE enum err oauth_states_use(struct db *db, struct slice state_hash,
				   struct slice browser_hash, struct slice code_hash, bool *won,
				   struct fail *why);

/*
 * Writes down what came of it, for repetitions, and wipes what was pending, if its outcome is still
 * the one that was read; outcome is a word of ours. ERR_STALE: it has another one by now.
 */
MUST_USE enum err oauth_states_decide(struct db *db, const struct oauth_state *read,
				      const char *outcome, struct fail *why);

/*
 * Keeps a sealed grant until the person confirms (the pending_* of state), outcome "confirm".
 * ERR_STALE: it is decided already, or nobody has used it up.
 */
MUST_USE enum err oauth_states_keep(struct db *db, const struct oauth_state *state,
				    struct fail *why);

/* Deletes rows that expired more than a day ago, at most limit. */
MUST_USE enum err oauth_states_clean(struct db *db, unsigned limit, struct fail *why);

#endif
