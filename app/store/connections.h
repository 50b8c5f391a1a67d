#ifndef CB_STORE_CONNECTIONS_H
#define CB_STORE_CONNECTIONS_H
/*
 * connections: the table coach_calendar_connections. Tokens come and go as sealed blobs; this
 * file never opens one. Every statement names tenant (and owner, where there is one).
 * Slices live in the arena given. Errors: those of io/db.
 * Stands on io/db.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/rand.h"
#include "base/text.h"

struct db;
struct db_rows;
struct db_value;

enum connection_status { CONNECTION_ACTIVE, CONNECTION_REAUTH_REQUIRED, CONNECTION_DISCONNECTED };
enum { CONNECTION_N_STATUSES = 3 };

struct connection {
	struct id id;
	struct id tenant;
	struct id owner;
	struct slice provider;
	struct slice account_id;
	struct slice account_email;
	struct slice calendar_id;
	struct slice calendar_name; /* may be empty */
	struct slice granted_scopes;
	enum connection_status status;
	struct slice access_token;  /* sealed, column "access_token"; empty: none */
	struct slice refresh_token; /* sealed, column "refresh_token"; empty: none */
	int64_t access_expires_ms;  /* -1: unknown */
	int64_t token_version;
	struct id lease_owner;      /* none: nobody refreshes */
	bool lease_runs;            /* lease_until lies ahead, by the database's clock */
	struct slice refresh_error; /* empty: the last refresh went well; else an err_code */
	int64_t refresh_wait_ms; /* how long callers shall still wait for the next try; 0: none */
	int64_t connected_ms;
	int64_t status_since_ms;
};

/* The word in the table and in answers: "active", "reauth_required", "disconnected". */
const char *connection_status_word(enum connection_status status);

/*
 * The columns of a connection, for statements that join it as `c` (the tables' other columns may
 * stand before), and how such a row is read: values[0] is the first of CONNECTION_N_COLUMNS.
 * An outer join without a row gives an id of none.
 */
#define CONNECTION_COLUMNS                                                                         \
	"c.id, c.tenant_id, c.owner_id, c.provider, c.account_id, c.account_email, "               \
	"c.calendar_id, "                                                                          \
	"c.calendar_name, c.granted_scopes, c.status, c.access_token, c.refresh_token, "           \
	"c.access_expires_at, c.token_version, c.lease_owner, c.lease_until, c.refresh_error, "    \
	"c.refresh_retry_at, c.connected_at, c.status_since, UTC_TIMESTAMP(3)"
enum { CONNECTION_N_COLUMNS = 21 };
/* Reads such a row; slices borrow from values. */
void connection_from_row(const struct db_value *values, struct connection *out);

/* One connection of a tenant; ERR_NOT_FOUND. */
MUST_USE enum err connections_get(struct db *db, const struct id *tenant, const struct id *id,
				  struct arena *arena, struct connection *out, struct fail *why);

/* All of an owner that are not disconnected, the oldest first. */
MUST_USE enum err connections_list(struct db *db, const struct id *tenant, const struct id *owner,
				   struct arena *arena, struct connection **out, size_t *n,
				   struct fail *why);

/* The owner's connection to that account, whatever its status; ERR_NOT_FOUND. */
MUST_USE enum err connections_find_account(struct db *db, const struct id *tenant,
					   const struct id *owner, struct slice provider,
					   struct slice account_id, struct arena *arena,
					   struct connection *out, struct fail *why);

/*
 * Stores a new consent: inserts the connection or, when the owner had this account already, renews
 * tokens, scopes, address and status of that row, frees its lease and counts token_version up; id,
 * settings and mappings stay. conn->id must be the existing row's id, or a fresh one.
 * An empty refresh_token leaves the stored one as it is. Empty calendar_id: "primary".
 * ERR_DUPLICATE: the owner has this account under another id (a consent was faster): find it and
 * seal the tokens for that row.
 */
MUST_USE enum err connections_put(struct db *db, const struct connection *conn, struct fail *why);

/*
 * Takes the refresh lease in one compare-and-set: only if token_version is still conn's, no failed
 * refresh is held off, and nobody else holds a running lease; one's own is renewed. *taken says
 * whether we have it now. Decide nothing on an error.
 */
MUST_USE enum err connections_take_lease(struct db *db, const struct connection *conn,
					 const struct id *lease_owner, int64_t lease_ms,
					 bool *taken, struct fail *why);

/*
 * Writes refreshed tokens back, if the lease and the version are still ours; counts the version up,
 * frees the lease, forgets refresh_error. An empty refresh_token keeps the stored one. ERR_STALE:
 * overtaken.
 */
MUST_USE enum err connections_store_tokens(struct db *db, const struct connection *conn,
					   const struct id *lease_owner, struct slice access_token,
					   struct slice refresh_token, int64_t access_expires_ms,
					   struct fail *why);

/* The grant is good for nothing any more: status reauth_required, both tokens gone unless they are
 * to be kept. ERR_STALE: overtaken. */
MUST_USE enum err connections_require_reauth(struct db *db, const struct connection *conn,
					     const struct id *lease_owner, bool keep,
					     struct fail *why);

/* The refresh failed for now: frees the lease, notes the error word, no try before holdoff_ms from
 * now. */
MUST_USE enum err connections_note_failure(struct db *db, const struct connection *conn,
					   const struct id *lease_owner, const char *error,
					   int64_t holdoff_ms, struct fail *why);

/* The provider answered 401 to the access token of that version: it counts as expired from now on.
 */
MUST_USE enum err connections_expire_access(struct db *db, const struct connection *conn,
					    struct fail *why);

/* How many there are of each status, over all tenants: counts[CONNECTION_ACTIVE], ... */
MUST_USE enum err connections_count(struct db *db, struct arena *arena,
				    int64_t counts[CONNECTION_N_STATUSES], struct fail *why);

#endif
