#include "store/callers.h"

#include "base/digest.h"
#include "io/db.h"
#include "store/column.h"

/*
 * All of these are joins over unique keys with constants, so that the server reads one row a
 * table before it does anything else. It optimizes them anew in every request, so they have no
 * expression or condition that a row can as well be judged by here.
 */
#define TARGET_COLUMNS OWNER_COLUMNS ", " CONNECTION_COLUMNS ", p.paused_until, p.reason "

#define JOIN_DEFAULT_CONNECTION                                                                    \
	"LEFT JOIN coach_calendar_connections c ON c.tenant_id = o.tenant_id "                     \
	"AND c.owner_id = o.id AND c.id = o.default_connection_id " JOIN_PAUSE

#define JOIN_PAUSE "LEFT JOIN provider_limits p ON p.subject = c.provider "

enum { TARGET_N_COLUMNS = OWNER_N_COLUMNS + CONNECTION_N_COLUMNS + 2 };

/* clang-format off */
DB_STATEMENT(CALLERS_BY_KEY,
	"SELECT k.id, k.tenant_id, k.key_hash, CAST(k.scopes AS UNSIGNED), k.last_used_at, "
	TARGET_COLUMNS
	"FROM api_keys k "
	"LEFT JOIN owners o ON o.tenant_id = k.tenant_id AND o.external_id = ? "
	JOIN_DEFAULT_CONNECTION
	"WHERE k.key_hash = ? AND k.revoked_at IS NULL "
	"AND (k.expires_at IS NULL OR k.expires_at > UTC_TIMESTAMP(3))");

DB_STATEMENT(CALLERS_BY_SESSION,
	"SELECT s.id, s.tenant_id, s.role, s.expires_at, "
	"TIMESTAMPDIFF(MICROSECOND, s.seen_at, UTC_TIMESTAMP(3)) DIV 1000, "
	"w.id, w.tenant_id, w.external_id, w.email, w.display_name, w.time_zone, "
	"w.default_connection_id, "
	TARGET_COLUMNS
	"FROM sessions s "
	"JOIN owners w ON w.tenant_id = s.tenant_id AND w.id = s.owner_id "
	"LEFT JOIN owners o ON o.tenant_id = s.tenant_id "
	"AND o.external_id = COALESCE(?, w.external_id) "
	JOIN_DEFAULT_CONNECTION
	"WHERE s.session_hash = ? AND s.opened_at IS NOT NULL "
	"AND s.expires_at > UTC_TIMESTAMP(3) "
	"AND s.seen_at > TIMESTAMPADD(MICROSECOND, -1000 * ?, UTC_TIMESTAMP(3))");

DB_STATEMENT(CALLERS_BY_OWNER,
	"SELECT "
	TARGET_COLUMNS
	"FROM owners o "
	JOIN_DEFAULT_CONNECTION
	"WHERE o.tenant_id = ? AND o.external_id = ?");

DB_STATEMENT(CALLERS_TARGET_OF,
	"SELECT "
	TARGET_COLUMNS
	"FROM coach_calendar_connections c "
	"JOIN owners o ON o.tenant_id = c.tenant_id AND o.id = c.owner_id "
	JOIN_PAUSE
	"WHERE c.tenant_id = ? AND c.id = ?");
/* clang-format on */

static const char *const ROLES[] = {"coach", "admin"};

/* The database's clock, the last column of a connection and there also without one. */
static int64_t now_ms(const struct db_value *values)
{
	return values[OWNER_N_COLUMNS + CONNECTION_N_COLUMNS - 1].number;
}

static void target_from_row(const struct db_value *values, struct target *out)
{
	const struct db_value *pause = values + OWNER_N_COLUMNS + CONNECTION_N_COLUMNS;

	owner_from_row(values, &out->owner);
	connection_from_row(values + OWNER_N_COLUMNS, &out->connection);
	out->provider_pause_ms = column_ahead(&pause[0], now_ms(values));
	if (out->provider_pause_ms > 0)
		out->provider_pause_reason = pause[1].bytes;
}

/* The owner and his default connection; a disconnected one is as none. */
static void default_from_row(const struct db_value *values, struct target *out)
{
	target_from_row(values, out);
	if (out->connection.status == CONNECTION_DISCONNECTED)
		*out = (struct target){.owner = out->owner};
}

static void key_from_row(const struct db_value *row, int64_t now, struct api_key *out)
{
	int64_t last_used_ms = db_as_time(&row[4]);

	*out = (struct api_key){
		.id = db_as_id(&row[0]),
		.tenant = db_as_id(&row[1]),
		.scopes = (unsigned)row[3].number,
		.unused_ms = last_used_ms < 0 ? -1 : now - last_used_ms,
	};
}

enum err callers_by_key(struct db *db, struct slice key_hash, struct slice owner,
			struct arena *arena, struct api_key *key, struct target *target,
			struct fail *why)
{
	enum { KEY_N_COLUMNS = 5 };
	const struct db_value in[] = {column_optional_text(owner), db_bytes(key_hash)};
	struct db_value row[KEY_N_COLUMNS + TARGET_N_COLUMNS];
	enum err e;

	*key = (struct api_key){0};
	*target = (struct target){0};
	e = db_read(db, &CALLERS_BY_KEY, in, ARRAY_LEN(in), arena, row, ARRAY_LEN(row), why);
	if (e)
		return e;
	/* the index is not the last word: the hash is compared as a secret is, in constant time */
	if (!digest_equal(row[2].bytes, key_hash))
		return ERR_NOT_FOUND;
	key_from_row(row, now_ms(row + KEY_N_COLUMNS), key);
	default_from_row(row + KEY_N_COLUMNS, target);
	return OK;
}

enum err callers_by_session(struct db *db, struct slice session_hash, int64_t idle_max_ms,
			    struct slice owner, struct arena *arena, struct session *session,
			    struct target *target, struct fail *why)
{
	enum { SESSION_N_COLUMNS = 5 + OWNER_N_COLUMNS };
	const struct db_value in[] = {
		column_optional_text(owner),
		db_bytes(session_hash),
		db_int(idle_max_ms),
	};
	struct db_value row[SESSION_N_COLUMNS + TARGET_N_COLUMNS];
	enum err e;

	*session = (struct session){0};
	*target = (struct target){0};
	e = db_read(db, &CALLERS_BY_SESSION, in, ARRAY_LEN(in), arena, row, ARRAY_LEN(row), why);
	if (e)
		return e;
	*session = (struct session){
		.id = db_as_id(&row[0]),
		.tenant = db_as_id(&row[1]),
		.role = column_word(&row[2], ROLES, ARRAY_LEN(ROLES)),
		.expires_ms = db_as_time(&row[3]),
		.idle_ms = row[4].number,
	};
	owner_from_row(row + 5, &session->owner);
	default_from_row(row + SESSION_N_COLUMNS, target);
	return OK;
}

enum err callers_by_owner(struct db *db, const struct id *tenant, struct slice owner,
			  struct arena *arena, struct target *target, struct fail *why)
{
	const struct db_value in[] = {db_id(tenant), column_optional_text(owner)};
	struct db_value row[TARGET_N_COLUMNS];
	enum err e;

	*target = (struct target){0};
	e = db_read(db, &CALLERS_BY_OWNER, in, ARRAY_LEN(in), arena, row, ARRAY_LEN(row), why);
	if (!e)
		default_from_row(row, target);
	return e == ERR_NOT_FOUND ? OK : e;
}

enum err callers_target_of(struct db *db, const struct id *tenant, const struct id *connection,
			   struct arena *arena, struct target *target, struct fail *why)
{
	const struct db_value in[] = {db_id(tenant), db_id(connection)};
	struct db_value row[TARGET_N_COLUMNS];
	enum err e;

	*target = (struct target){0};
	e = db_read(db, &CALLERS_TARGET_OF, in, ARRAY_LEN(in), arena, row, ARRAY_LEN(row), why);
	if (!e)
		target_from_row(row, target);
	return e;
}
