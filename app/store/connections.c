#include "store/connections.h"

#include "io/db.h"
#include "store/column.h"

/* In the order of enum connection_status. */
static const char *const STATUSES[] = {"active", "reauth_required", "disconnected"};

#define SELECT_CONNECTION "SELECT " CONNECTION_COLUMNS " FROM coach_calendar_connections c "

/* Every write-back under a lease: nobody else has it, and the tokens are those it was taken for. */
#define WHERE_LEASE_IS_OURS                                                                        \
	"WHERE tenant_id = ? AND owner_id = ? AND id = ? AND token_version = ? "                   \
	"AND lease_owner = ?"

DB_STATEMENT(CONNECTIONS_GET, SELECT_CONNECTION "WHERE c.tenant_id = ? AND c.id = ?");

DB_STATEMENT(CONNECTIONS_LIST,
	     SELECT_CONNECTION "WHERE c.tenant_id = ? AND c.owner_id = ? "
			       "AND c.status <> 'disconnected' ORDER BY c.created_at, c.id");

DB_STATEMENT(CONNECTIONS_FIND_ACCOUNT,
	     SELECT_CONNECTION "WHERE c.tenant_id = ? AND c.owner_id = ? "
			       "AND c.provider = CONVERT(? USING ascii) AND c.account_id = ?");

/* status_since is set before status: MariaDB assigns from left to right. */
DB_STATEMENT(CONNECTIONS_RENEW,
	     "UPDATE coach_calendar_connections SET account_email = ?, granted_scopes = ?, "
	     "access_token = ?, refresh_token = COALESCE(?, refresh_token), access_expires_at = ?, "
	     "token_version = token_version + 1, lease_owner = NULL, lease_until = NULL, "
	     "refresh_error = NULL, refresh_retry_at = NULL, connected_at = UTC_TIMESTAMP(3), "
	     "status_since = IF(status = 'active', status_since, UTC_TIMESTAMP(3)), "
	     "status = 'active' "
	     "WHERE tenant_id = ? AND owner_id = ? AND id = ? AND provider = ? AND account_id = ?");

DB_STATEMENT(CONNECTIONS_INSERT,
	     "INSERT INTO coach_calendar_connections (account_email, granted_scopes, access_token, "
	     "refresh_token, access_expires_at, tenant_id, owner_id, id, provider, account_id, "
	     "calendar_id, calendar_name, status) "
	     "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'active')");

/* A lease_owner is made for one try, so taking it twice is taking it once. */
DB_STATEMENT_KEYED(CONNECTIONS_TAKE_LEASE,
		   "UPDATE coach_calendar_connections SET lease_owner = ?, "
		   "lease_until = TIMESTAMPADD(MICROSECOND, ? * 1000, UTC_TIMESTAMP(3)) "
		   "WHERE tenant_id = ? AND owner_id = ? AND id = ? AND token_version = ? "
		   "AND status = 'active' "
		   "AND (refresh_retry_at IS NULL OR refresh_retry_at <= UTC_TIMESTAMP(3)) "
		   "AND (lease_owner IS NULL OR lease_until IS NULL "
		   "OR lease_until <= UTC_TIMESTAMP(3) OR lease_owner = ?)");

DB_STATEMENT_KEYED(CONNECTIONS_STORE_TOKENS,
		   "UPDATE coach_calendar_connections SET access_token = ?, "
		   "refresh_token = COALESCE(?, refresh_token), access_expires_at = ?, "
		   "token_version = token_version + 1, lease_owner = NULL, lease_until = NULL, "
		   "refresh_error = NULL, refresh_retry_at = NULL " WHERE_LEASE_IS_OURS);

/* A sealed blob has a random nonce: if it stands there, it was we who wrote it. */
DB_STATEMENT(CONNECTIONS_HOLDS,
	     "SELECT 1 FROM coach_calendar_connections "
	     "WHERE tenant_id = ? AND owner_id = ? AND id = ? AND access_token = ?");

DB_STATEMENT_KEYED(CONNECTIONS_REQUIRE_REAUTH,
		   "UPDATE coach_calendar_connections SET status = 'reauth_required', "
		   "status_since = UTC_TIMESTAMP(3), access_token = IF(?, access_token, NULL), "
		   "refresh_token = IF(?, refresh_token, NULL), access_expires_at = NULL, "
		   "token_version = token_version + 1, "
		   "lease_owner = NULL, lease_until = NULL, refresh_error = 'reauth_required', "
		   "refresh_retry_at = NULL " WHERE_LEASE_IS_OURS);

DB_STATEMENT_KEYED(CONNECTIONS_NOTE_FAILURE,
		   "UPDATE coach_calendar_connections SET lease_owner = NULL, lease_until = NULL, "
		   "refresh_error = ?, refresh_retry_at = "
		   "TIMESTAMPADD(MICROSECOND, ? * 1000, UTC_TIMESTAMP(3)) " WHERE_LEASE_IS_OURS);

/* An hour back, so that it is expired also for a host whose clock is behind the database's. */
DB_STATEMENT_KEYED(CONNECTIONS_EXPIRE_ACCESS,
		   "UPDATE coach_calendar_connections "
		   "SET access_expires_at = UTC_TIMESTAMP(3) - INTERVAL 1 HOUR "
		   "WHERE tenant_id = ? AND owner_id = ? AND id = ? AND token_version = ?");

DB_STATEMENT(CONNECTIONS_COUNT,
	     "SELECT status, COUNT(*) FROM coach_calendar_connections GROUP BY status");

const char *connection_status_word(enum connection_status status)
{
	return STATUSES[status];
}

/* Compared here and not by the server, to which every expression is work in each request. */
void connection_from_row(const struct db_value *values, struct connection *out)
{
	int64_t now_ms = values[20].number;

	*out = (struct connection){
		.id = db_as_id(&values[0]),
		.tenant = db_as_id(&values[1]),
		.owner = db_as_id(&values[2]),
		.provider = values[3].bytes,
		.account_id = values[4].bytes,
		.account_email = values[5].bytes,
		.calendar_id = values[6].bytes,
		.calendar_name = values[7].bytes,
		.granted_scopes = values[8].bytes,
		.status = column_word(&values[9], STATUSES, ARRAY_LEN(STATUSES)),
		.access_token = values[10].bytes,
		.refresh_token = values[11].bytes,
		.access_expires_ms = db_as_time(&values[12]),
		.token_version = values[13].number,
		.lease_owner = db_as_id(&values[14]),
		.lease_runs = db_as_time(&values[15]) > now_ms,
		.refresh_error = values[16].bytes,
		.refresh_wait_ms = column_ahead(&values[17], now_ms),
		.connected_ms = db_as_time(&values[18]),
		.status_since_ms = db_as_time(&values[19]),
	};
}

enum err connections_get(struct db *db, const struct id *tenant, const struct id *id,
			 struct arena *arena, struct connection *out, struct fail *why)
{
	const struct db_value in[] = {db_id(tenant), db_id(id)};
	struct db_value row[CONNECTION_N_COLUMNS];
	enum err e;

	*out = (struct connection){0};
	e = db_read(db, &CONNECTIONS_GET, in, ARRAY_LEN(in), arena, row, ARRAY_LEN(row), why);
	if (!e)
		connection_from_row(row, out);
	return e;
}

enum err connections_find_account(struct db *db, const struct id *tenant, const struct id *owner,
				  struct slice provider, struct slice account_id,
				  struct arena *arena, struct connection *out, struct fail *why)
{
	const struct db_value in[] = {
		db_id(tenant),
		db_id(owner),
		db_text(provider),
		db_text(account_id),
	};
	struct db_value row[CONNECTION_N_COLUMNS];
	enum err e;

	*out = (struct connection){0};
	e = db_read(db, &CONNECTIONS_FIND_ACCOUNT, in, ARRAY_LEN(in), arena, row, ARRAY_LEN(row),
		    why);
	if (!e)
		connection_from_row(row, out);
	return e;
}

enum err connections_list(struct db *db, const struct id *tenant, const struct id *owner,
			  struct arena *arena, struct connection **out, size_t *n, struct fail *why)
{
	const struct db_value in[] = {db_id(tenant), db_id(owner)};
	struct db_rows rows;
	enum err e;

	*out = NULL;
	*n = 0;
	e = db_read_all(db, &CONNECTIONS_LIST, in, ARRAY_LEN(in), arena, &rows, why);
	if (e || rows.n_rows == 0)
		return e;
	*out = arena_array(arena, rows.n_rows, sizeof(**out));
	if (!*out)
		return ERR_NOMEM;
	*n = rows.n_rows;
	for (size_t i = 0; i < rows.n_rows; i++)
		connection_from_row(rows.values + i * rows.n_columns, &(*out)[i]);
	return OK;
}

/*
 * The existing row is renewed by its id and by nothing else: the blobs are sealed to that id and
 * would not open in another row.
 */
enum err connections_put(struct db *db, const struct connection *conn, struct fail *why)
{
	enum { N_RENEWED = 10 };
	const struct db_value in[] = {
		column_optional_text(conn->account_email),
		db_text(conn->granted_scopes.len > 0 ? conn->granted_scopes : SLICE("")),
		column_optional_bytes(conn->access_token),
		column_optional_bytes(conn->refresh_token),
		db_time(conn->access_expires_ms),
		db_id(&conn->tenant),
		db_id(&conn->owner),
		db_id(&conn->id),
		db_text(conn->provider),
		db_text(conn->account_id),
		db_text(conn->calendar_id.len > 0 ? conn->calendar_id : SLICE("primary")),
		column_optional_text(conn->calendar_name),
	};
	uint64_t changed = 0;
	enum err e = db_run(db, &CONNECTIONS_RENEW, in, N_RENEWED, &changed, why);

	if (!e && changed == 0)
		e = db_run(db, &CONNECTIONS_INSERT, in, ARRAY_LEN(in), NULL, why);
	return e;
}

enum err connections_take_lease(struct db *db, const struct connection *conn,
				const struct id *lease_owner, int64_t lease_ms, bool *taken,
				struct fail *why)
{
	const struct db_value in[] = {
		db_id(lease_owner),  db_int(lease_ms), db_id(&conn->tenant),
		db_id(&conn->owner), db_id(&conn->id), db_int(conn->token_version),
		db_id(lease_owner),
	};
	uint64_t changed = 0;
	enum err e = db_run(db, &CONNECTIONS_TAKE_LEASE, in, ARRAY_LEN(in), &changed, why);

	*taken = !e && changed == 1;
	return e;
}

enum { N_SET_MAX = 3, N_LEASE = 5 };

/* Runs a statement that ends in WHERE_LEASE_IS_OURS after its own n_set values. */
static enum err write_back(struct db *db, const struct db_statement *statement,
			   const struct db_value set[N_SET_MAX], size_t n_set,
			   const struct db_value lease[N_LEASE], struct fail *why)
{
	struct db_value in[N_SET_MAX + N_LEASE];
	uint64_t changed = 0;
	size_t n = 0;
	enum err e;

	for (size_t i = 0; i < n_set; i++)
		in[n++] = set[i];
	for (size_t i = 0; i < N_LEASE; i++)
		in[n++] = lease[i];
	e = db_run(db, statement, in, n, &changed, why);
	return !e && changed == 0 ? ERR_STALE : e;
}

#define LEASE_OF(conn, lease_owner)                                                                \
	{                                                                                          \
		db_id(&(conn)->tenant), db_id(&(conn)->owner), db_id(&(conn)->id),                 \
			db_int((conn)->token_version), db_id(lease_owner)                          \
	}

/* The answer was lost and a repetition found the lease gone: did the first run take it along? */
static enum err unless_it_holds(struct db *db, const struct connection *conn,
				struct slice access_token)
{
	const struct db_value in[] = {
		db_id(&conn->tenant),
		db_id(&conn->owner),
		db_id(&conn->id),
		db_bytes(access_token),
	};
	struct db_value one;

	return db_read(db, &CONNECTIONS_HOLDS, in, ARRAY_LEN(in), NULL, &one, 1, NULL)
		       ? ERR_DB_UNSURE
		       : OK;
}

enum err connections_store_tokens(struct db *db, const struct connection *conn,
				  const struct id *lease_owner, struct slice access_token,
				  struct slice refresh_token, int64_t access_expires_ms,
				  struct fail *why)
{
	const struct db_value lease[] = LEASE_OF(conn, lease_owner);
	const struct db_value set[] = {
		db_bytes(access_token),
		column_optional_bytes(refresh_token),
		db_time(access_expires_ms),
	};
	enum err e = write_back(db, &CONNECTIONS_STORE_TOKENS, set, ARRAY_LEN(set), lease, why);

	return e == ERR_DB_UNSURE ? unless_it_holds(db, conn, access_token) : e;
}

enum err connections_require_reauth(struct db *db, const struct connection *conn,
				    const struct id *lease_owner, bool keep, struct fail *why)
{
	const struct db_value lease[] = LEASE_OF(conn, lease_owner);
	const struct db_value set[N_SET_MAX] = {db_int(keep), db_int(keep)};

	return write_back(db, &CONNECTIONS_REQUIRE_REAUTH, set, 2, lease, why);
}

enum err connections_note_failure(struct db *db, const struct connection *conn,
				  const struct id *lease_owner, const char *error,
				  int64_t holdoff_ms, struct fail *why)
{
	const struct db_value lease[] = LEASE_OF(conn, lease_owner);
	const struct db_value set[N_SET_MAX] = {db_string(error), db_int(holdoff_ms)};

	return write_back(db, &CONNECTIONS_NOTE_FAILURE, set, 2, lease, why);
}

enum err connections_expire_access(struct db *db, const struct connection *conn, struct fail *why)
{
	const struct db_value in[] = {
		db_id(&conn->tenant),
		db_id(&conn->owner),
		db_id(&conn->id),
		db_int(conn->token_version),
	};

	return db_run(db, &CONNECTIONS_EXPIRE_ACCESS, in, ARRAY_LEN(in), NULL, why);
}

enum err connections_count(struct db *db, struct arena *arena,
			   int64_t counts[CONNECTION_N_STATUSES], struct fail *why)
{
	struct db_rows rows;
	enum err e;

	for (size_t i = 0; i < CONNECTION_N_STATUSES; i++)
		counts[i] = 0;
	e = db_read_all(db, &CONNECTIONS_COUNT, NULL, 0, arena, &rows, why);
	for (size_t i = 0; !e && i < rows.n_rows; i++) {
		const struct db_value *row = rows.values + i * rows.n_columns;

		counts[column_word(&row[0], STATUSES, ARRAY_LEN(STATUSES))] = row[1].number;
	}
	return e;
}
