#include "store/sessions.h"

#include "io/db.h"

DB_STATEMENT(SESSIONS_OFFER,
	     "INSERT INTO sessions (id, tenant_id, owner_id, role, link_hash, link_expires_at) "
	     "VALUES (?, ?, ?, ?, ?, TIMESTAMPADD(MICROSECOND, ? * 1000, UTC_TIMESTAMP(3)))");

/* The link's hash stays, so that the row still says that it was opened. */
DB_STATEMENT(SESSIONS_OPEN,
	     "UPDATE sessions SET session_hash = ?, opened_at = UTC_TIMESTAMP(3), "
	     "seen_at = UTC_TIMESTAMP(3), "
	     "expires_at = TIMESTAMPADD(MICROSECOND, ? * 1000, UTC_TIMESTAMP(3)) "
	     "WHERE link_hash = ? AND opened_at IS NULL AND link_expires_at > UTC_TIMESTAMP(3)");

DB_STATEMENT(
	SESSIONS_ADD,
	"INSERT INTO sessions (id, tenant_id, owner_id, role, session_hash, opened_at, seen_at, "
	"expires_at) VALUES (?, ?, ?, ?, ?, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), "
	"TIMESTAMPADD(MICROSECOND, ? * 1000, UTC_TIMESTAMP(3)))");

DB_STATEMENT_KEYED(SESSIONS_TOUCH, "UPDATE sessions SET seen_at = UTC_TIMESTAMP(3) WHERE id = ? "
				   "AND opened_at IS NOT NULL");

DB_STATEMENT_KEYED(SESSIONS_DROP, "DELETE FROM sessions WHERE id = ?");

DB_STATEMENT_KEYED(SESSIONS_CLEAN,
		   "DELETE FROM sessions "
		   "WHERE COALESCE(expires_at, link_expires_at) <= UTC_TIMESTAMP(3) "
		   "LIMIT ?");

static const char *role_word(enum role role)
{
	return role == ROLE_ADMIN ? "admin" : "coach";
}

/* Both ways to make one differ in which hash stands there and whose time runs. */
static enum err insert(struct db *db, const struct db_statement *statement, const struct id *tenant,
		       const struct id *owner, const struct db_value rest[3], struct fail *why)
{
	struct id id = id_new();
	const struct db_value in[] = {
		db_id(&id), db_id(tenant), db_id(owner), rest[0], rest[1], rest[2],
	};

	return db_run(db, statement, in, ARRAY_LEN(in), NULL, why);
}

enum err sessions_offer(struct db *db, const struct id *tenant, const struct id *owner,
			enum role role, struct slice link_hash, int64_t valid_ms, struct fail *why)
{
	const struct db_value rest[] = {
		db_string(role_word(role)),
		db_bytes(link_hash),
		db_int(valid_ms),
	};

	return insert(db, &SESSIONS_OFFER, tenant, owner, rest, why);
}

enum err sessions_add(struct db *db, const struct id *tenant, const struct id *owner,
		      enum role role, struct slice session_hash, int64_t valid_ms, struct fail *why)
{
	const struct db_value rest[] = {
		db_string(role_word(role)),
		db_bytes(session_hash),
		db_int(valid_ms),
	};

	return insert(db, &SESSIONS_ADD, tenant, owner, rest, why);
}

enum err sessions_open(struct db *db, struct slice link_hash, struct slice session_hash,
		       int64_t valid_ms, struct fail *why)
{
	const struct db_value in[] = {
		db_bytes(session_hash),
		db_int(valid_ms),
		db_bytes(link_hash),
	};
	uint64_t changed = 0;
	enum err e = db_run(db, &SESSIONS_OPEN, in, ARRAY_LEN(in), &changed, why);

	return !e && changed == 0 ? ERR_NOT_FOUND : e;
}

enum err sessions_touch(struct db *db, const struct id *id, struct fail *why)
{
	const struct db_value in[] = {db_id(id)};

	return db_run(db, &SESSIONS_TOUCH, in, ARRAY_LEN(in), NULL, why);
}

enum err sessions_drop(struct db *db, const struct id *id, struct fail *why)
{
	const struct db_value in[] = {db_id(id)};

	return db_run(db, &SESSIONS_DROP, in, ARRAY_LEN(in), NULL, why);
}

enum err sessions_clean(struct db *db, unsigned limit, struct fail *why)
{
	const struct db_value in[] = {db_int(limit)};

	return db_run(db, &SESSIONS_CLEAN, in, ARRAY_LEN(in), NULL, why);
}
