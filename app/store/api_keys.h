#ifndef CB_STORE_API_KEYS_H
#define CB_STORE_API_KEYS_H
/*
 * api_keys: the table of that name, as the operator's command and the marks of use see it (the
 * lookup of a caller is in store/callers). Errors: those of io/db. Stands on io/db.
 * Source: security requirement A1.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/rand.h"
#include "base/text.h"

struct db;

/* One row for listing; slices in the arena. Times in ms, -1: none. */
struct api_key_row {
	struct id id;
	struct slice tenant; /* its name */
	struct slice name;
	struct slice prefix;
	struct slice scopes; /* comma list */
	int64_t created_ms;
	int64_t expires_ms;
	int64_t revoked_ms;
	int64_t last_used_ms; /* exact to an hour */
};

/* So many characters of a key are no secret: they name it in lists and logs. */
enum { KEY_PREFIX_BYTES = 12 };

/* Keys of one tenant and name that hold at a time: the one in use and the one that follows it. */
enum { API_KEYS_LIVE_MAX = 2 };

/*
 * Adds one; tx is a transaction. scopes is a comma list of events, appointments, connectors, admin;
 * expires_ms -1: never. ERR_DUPLICATE: API_KEYS_LIVE_MAX of that name are neither revoked nor
 * expired.
 */
MUST_USE enum err api_keys_add(struct db *tx, const struct api_key_row *row,
			       const struct id *tenant, struct slice key_hash, struct fail *why);

/* All, the oldest first. */
MUST_USE enum err api_keys_list(struct db *db, struct arena *arena, struct api_key_row **out,
				size_t *n, struct fail *why);

/* ERR_NOT_FOUND when there is none or it was revoked before. */
MUST_USE enum err api_keys_revoke(struct db *db, const struct id *id, struct fail *why);

/* Marks the first use; *first says whether it was this one. */
MUST_USE enum err api_keys_mark_first_use(struct db *db, const struct id *id, bool *first,
					  struct fail *why);

/* Used now; called at most once an hour a key. */
MUST_USE enum err api_keys_touch(struct db *db, const struct id *id, struct fail *why);

#endif
