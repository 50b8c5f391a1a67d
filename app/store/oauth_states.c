#include "store/oauth_states.h"

#include "io/db.h"
#include "store/column.h"

enum { N_COLUMNS = 20 };

#define COLUMNS                                                                                    \
	"s.state_hash, s.id, s.tenant_id, s.owner_id, o.external_id, s.provider, s.browser_hash, " \
	"s.handed_on, s.return_to, s.expected_account, s.expires_at <= UTC_TIMESTAMP(3), "         \
	"COALESCE(TIMESTAMPDIFF(MICROSECOND, s.used_at, UTC_TIMESTAMP(3)) DIV 1000, -1), "         \
	"s.code_hash, s.outcome, s.pending_access, s.pending_refresh, "                            \
	"s.pending_expires_at, s.pending_scopes, s.pending_account_id, s.pending_account_email "   \
	"FROM oauth_states s JOIN owners o ON o.tenant_id = s.tenant_id AND o.id = s.owner_id "

#define NOTHING_PENDING                                                                            \
	"pending_access = NULL, pending_refresh = NULL, pending_expires_at = NULL, "               \
	"pending_scopes = NULL, pending_account_id = NULL, pending_account_email = NULL "

DB_STATEMENT(
	OAUTH_STATES_ADD,
	"INSERT INTO oauth_states (state_hash, id, tenant_id, owner_id, provider, browser_hash, "
	"handed_on, return_to, expected_account, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, "
	"TIMESTAMPADD(MICROSECOND, ? * 1000, UTC_TIMESTAMP(3)))");

/* The derived table is what lets MariaDB read the table that it deletes from. */
DB_STATEMENT_KEYED(OAUTH_STATES_DROP_OLDEST,
		   "DELETE FROM oauth_states WHERE state_hash IN (SELECT state_hash FROM "
		   "(SELECT state_hash FROM oauth_states WHERE tenant_id = ? AND owner_id = ? "
		   "AND used_at IS NULL AND expires_at > UTC_TIMESTAMP(3) AND state_hash <> ? "
		   "ORDER BY created_at DESC, id DESC LIMIT 1000 OFFSET ?) old)");

DB_STATEMENT(OAUTH_STATES_GET, "SELECT " COLUMNS "WHERE s.state_hash = ?");

DB_STATEMENT(OAUTH_STATES_GET_BY_ID, "SELECT " COLUMNS "WHERE s.id = ?");

/*
 * Not keyed: an outcome that we do not know counts as used. What was handed on belongs to the first
 * browser that comes back with it.
 */
DB_STATEMENT(OAUTH_STATES_USE,
	     "UPDATE oauth_states SET used_at = UTC_TIMESTAMP(3), browser_hash = ?, code_hash = ? "
	     "WHERE state_hash = ? AND used_at IS NULL AND expires_at > UTC_TIMESTAMP(3) "
	     "AND (browser_hash IS NULL OR handed_on OR browser_hash = ?)");

/* Of several who decide at once, from what each has read, one does. */
DB_STATEMENT_KEYED(OAUTH_STATES_DECIDE, "UPDATE oauth_states SET outcome = ?, " NOTHING_PENDING
					"WHERE state_hash = ? AND outcome <=> ?");

/* Who is asked has ten minutes to answer, however long the consent itself took. */
DB_STATEMENT_KEYED(OAUTH_STATES_KEEP,
		   "UPDATE oauth_states SET outcome = 'confirm', pending_access = ?, "
		   "pending_refresh = ?, pending_expires_at = ?, pending_scopes = ?, "
		   "pending_account_id = ?, pending_account_email = ?, expires_at = "
		   "GREATEST(expires_at, UTC_TIMESTAMP(3) + INTERVAL 10 MINUTE) "
		   "WHERE state_hash = ? AND used_at IS NOT NULL "
		   "AND (outcome IS NULL OR outcome = 'confirm')");

DB_STATEMENT_KEYED(OAUTH_STATES_CLEAN,
		   "DELETE FROM oauth_states WHERE expires_at < UTC_TIMESTAMP(3) - INTERVAL 1 DAY "
		   "ORDER BY expires_at LIMIT ?");

static void from_row(const struct db_value *row, struct oauth_state *out)
{
	*out = (struct oauth_state){
		.state_hash = row[0].bytes,
		.id = db_as_id(&row[1]),
		.tenant = db_as_id(&row[2]),
		.owner = db_as_id(&row[3]),
		.owner_external_id = row[4].bytes,
		.provider = row[5].bytes,
		.browser_hash = row[6].bytes,
		.handed_on = row[7].number != 0,
		.return_to = row[8].bytes,
		.expected_account = row[9].bytes,
		.expired = row[10].number != 0,
		.used = row[11].number >= 0,
		.used_ms_ago = row[11].number,
		.code_hash = row[12].bytes,
		.outcome = row[13].bytes,
		.pending_access = row[14].bytes,
		.pending_refresh = row[15].bytes,
		.pending_expires_ms = db_as_time(&row[16]),
		.pending_scopes = row[17].bytes,
		.pending_account_id = row[18].bytes,
		.pending_account_email = row[19].bytes,
	};
}

enum err oauth_states_add(struct db *db, const struct oauth_state *state, int64_t valid_ms,
			  unsigned max_open, struct fail *why)
{
	const struct db_value row[] = {
		db_bytes(state->state_hash),
		db_id(&state->id),
		db_id(&state->tenant),
		db_id(&state->owner),
		db_text(state->provider),
		column_optional_bytes(state->browser_hash),
		db_int(state->handed_on),
		db_bytes(state->return_to),
		column_optional_text(state->expected_account),
		db_int(valid_ms),
	};
	const struct db_value oldest[] = {
		db_id(&state->tenant),
		db_id(&state->owner),
		db_bytes(state->state_hash),
		db_int(max_open > 0 ? max_open - 1 : 0),
	};
	enum err e = db_run(db, &OAUTH_STATES_ADD, row, ARRAY_LEN(row), NULL, why);

	if (!e)
		e = db_run(db, &OAUTH_STATES_DROP_OLDEST, oldest, ARRAY_LEN(oldest), NULL, why);
	return e;
}

static enum err read_one(struct db *db, const struct db_statement *statement, struct db_value key,
			 struct arena *arena, struct oauth_state *out, struct fail *why)
{
	struct db_value row[N_COLUMNS];
	enum err e;

	*out = (struct oauth_state){0};
	e = db_read(db, statement, &key, 1, arena, row, ARRAY_LEN(row), why);
	if (!e)
		from_row(row, out);
	return e;
}

enum err oauth_states_get(struct db *db, struct slice state_hash, struct arena *arena,
			  struct oauth_state *out, struct fail *why)
{
	return read_one(db, &OAUTH_STATES_GET, db_bytes(state_hash), arena, out, why);
}

enum err oauth_states_get_by_id(struct db *db, const struct id *id, struct arena *arena,
				struct oauth_state *out, struct fail *why)
{
	return read_one(db, &OAUTH_STATES_GET_BY_ID, db_id(id), arena, out, why);
}

enum err oauth_states_use(struct db *db, struct slice state_hash, struct slice browser_hash,
			  struct slice code_hash, bool *won, struct fail *why)
{
	const struct db_value in[] = {
		column_optional_bytes(browser_hash),
		column_optional_bytes(code_hash),
		db_bytes(state_hash),
		column_optional_bytes(browser_hash),
	};
	uint64_t changed = 0;
	enum err e = db_run(db, &OAUTH_STATES_USE, in, ARRAY_LEN(in), &changed, why);

	*won = !e && changed == 1;
	return e;
}

enum err oauth_states_decide(struct db *db, const struct oauth_state *read, const char *outcome,
			     struct fail *why)
{
	const struct db_value in[] = {
		db_string(outcome),
		db_bytes(read->state_hash),
		column_optional_text(read->outcome),
	};
	uint64_t changed = 0;
	enum err e = db_run(db, &OAUTH_STATES_DECIDE, in, ARRAY_LEN(in), &changed, why);

	return !e && changed == 0 ? ERR_STALE : e;
}

enum err oauth_states_keep(struct db *db, const struct oauth_state *state, struct fail *why)
{
	const struct db_value in[] = {
		column_optional_bytes(state->pending_access),
		column_optional_bytes(state->pending_refresh),
		db_time(state->pending_expires_ms),
		column_optional_text(state->pending_scopes),
		column_optional_text(state->pending_account_id),
		column_optional_text(state->pending_account_email),
		db_bytes(state->state_hash),
	};
	uint64_t changed = 0;
	enum err e = db_run(db, &OAUTH_STATES_KEEP, in, ARRAY_LEN(in), &changed, why);

	return !e && changed == 0 ? ERR_STALE : e;
}

enum err oauth_states_clean(struct db *db, unsigned limit, struct fail *why)
{
	const struct db_value in[] = {db_int(limit)};

	return db_run(db, &OAUTH_STATES_CLEAN, in, ARRAY_LEN(in), NULL, why);
}
