#ifndef CB_STORE_CALLERS_H
#define CB_STORE_CALLERS_H
/*
 * callers: who calls, for which owner, into which calendar, in one joined SELECT over api_keys or
 * sessions, owners, the owner's default connection and the provider's pause. It is the
 * first statement of every request, so it is one.
 * Slices live in the arena given. Errors: those of io/db.
 * Stands on io/db, store/owners, store/connections.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/rand.h"
#include "base/text.h"
#include "store/connections.h"
#include "store/owners.h"

struct db;

enum scope { SCOPE_EVENTS = 1, SCOPE_APPOINTMENTS = 2, SCOPE_CONNECTORS = 4, SCOPE_ADMIN = 8 };
enum role { ROLE_COACH, ROLE_ADMIN };

/* The owner a request is about, the default connection, and whether its provider is paused. */
struct target {
	struct owner owner;           /* id none: there is no such owner */
	struct connection connection; /* id none: no calendar connected */
	int64_t provider_pause_ms; /* how long the provider stays paused for everyone; 0: it is not
				    */
	struct slice provider_pause_reason; /* an err_code */
};

struct api_key {
	struct id id;
	struct id tenant;
	unsigned scopes;   /* of enum scope */
	int64_t unused_ms; /* since its use was last noted; -1: nobody has used it before */
};

struct session {
	struct id id;
	struct id tenant;
	struct owner owner; /* whose session it is */
	enum role role;
	int64_t expires_ms;
	int64_t idle_ms; /* since it was last seen */
};

/*
 * By API key: key_hash is its SHA-256; owner (may be empty) the external id of the owner it speaks
 * for, looked up inside the key's tenant. ERR_NOT_FOUND: no such key, expired or revoked.
 */
MUST_USE enum err callers_by_key(struct db *db, struct slice key_hash, struct slice owner,
				 struct arena *arena, struct api_key *key, struct target *target,
				 struct fail *why);

/*
 * By session: session_hash likewise; only one that is open, not expired and idle less than
 * idle_max_ms. An empty owner is the session's own.
 */
MUST_USE enum err callers_by_session(struct db *db, struct slice session_hash, int64_t idle_max_ms,
				     struct slice owner, struct arena *arena,
				     struct session *session, struct target *target,
				     struct fail *why);

/*
 * By tenant and external id: user tokens, the demo host. OK with an owner of none when there is
 * none.
 */
MUST_USE enum err callers_by_owner(struct db *db, const struct id *tenant, struct slice owner,
				   struct arena *arena, struct target *target, struct fail *why);

/*
 * The same for a connection that is named by its id, within a tenant: connection, whatever its
 * status, and its owner. ERR_NOT_FOUND.
 */
MUST_USE enum err callers_target_of(struct db *db, const struct id *tenant,
				    const struct id *connection, struct arena *arena,
				    struct target *target, struct fail *why);

#endif
