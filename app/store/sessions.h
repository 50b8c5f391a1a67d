#ifndef CB_STORE_SESSIONS_H
#define CB_STORE_SESSIONS_H
/*
 * sessions: the table of that name: sign-in links and the browser sessions they become.
 * All times are judged by the database's clock. Errors: those of io/db. Stands on io/db.
 */
#include <stdint.h>

#include "base/err.h"
#include "base/rand.h"
#include "base/text.h"
#include "store/callers.h"

struct db;

/* A sign-in link that nobody has opened; link_hash is the SHA-256 of its secret. */
MUST_USE enum err sessions_offer(struct db *db, const struct id *tenant, const struct id *owner,
				 enum role role, struct slice link_hash, int64_t valid_ms,
				 struct fail *why);

/*
 * Opens the link, once: the row becomes a session under session_hash for valid_ms.
 * ERR_NOT_FOUND: no such link, opened before, or too old. An unknown outcome counts as used.
 */
MUST_USE enum err sessions_open(struct db *db, struct slice link_hash, struct slice session_hash,
				int64_t valid_ms, struct fail *why);

/* A session without a link, for one who showed a user token. */
MUST_USE enum err sessions_add(struct db *db, const struct id *tenant, const struct id *owner,
			       enum role role, struct slice session_hash, int64_t valid_ms,
			       struct fail *why);

/* Seen now; called at most once a minute a session. */
MUST_USE enum err sessions_touch(struct db *db, const struct id *id, struct fail *why);

/* Ends it; OK also when it is gone. */
MUST_USE enum err sessions_drop(struct db *db, const struct id *id, struct fail *why);

/* Deletes what can never be used again, at most limit rows. */
MUST_USE enum err sessions_clean(struct db *db, unsigned limit, struct fail *why);

#endif
