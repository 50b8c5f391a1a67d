#include "store/api_keys.h"

#include "io/db.h"

/* So that of two who add a key at once the second one counts that of the first, too. */
DB_STATEMENT(API_KEYS_LOCK_TENANT, "UPDATE tenants SET name = name WHERE id = ?");

DB_STATEMENT(API_KEYS_ADD,
	     "INSERT INTO api_keys (id, tenant_id, name, prefix, key_hash, scopes, expires_at) "
	     "SELECT ?, ?, ?, ?, ?, ?, ? FROM DUAL WHERE (SELECT COUNT(*) FROM api_keys k "
	     "WHERE k.tenant_id = ? AND k.name = ? AND k.revoked_at IS NULL "
	     "AND (k.expires_at IS NULL OR k.expires_at > UTC_TIMESTAMP(3))) < ?");

DB_STATEMENT(API_KEYS_LIST,
	     "SELECT k.id, t.name, k.name, k.prefix, k.scopes, k.created_at, k.expires_at, "
	     "k.revoked_at, k.last_used_at FROM api_keys k JOIN tenants t ON t.id = k.tenant_id "
	     "ORDER BY k.created_at, k.id");

DB_STATEMENT(
	API_KEYS_REVOKE,
	"UPDATE api_keys SET revoked_at = UTC_TIMESTAMP(3) WHERE id = ? AND revoked_at IS NULL");

DB_STATEMENT(API_KEYS_MARK_FIRST_USE, "UPDATE api_keys SET last_used_at = UTC_TIMESTAMP(3) "
				      "WHERE id = ? AND last_used_at IS NULL");

DB_STATEMENT_KEYED(API_KEYS_TOUCH,
		   "UPDATE api_keys SET last_used_at = UTC_TIMESTAMP(3) WHERE id = ?");

enum err api_keys_add(struct db *tx, const struct api_key_row *row, const struct id *tenant,
		      struct slice key_hash, struct fail *why)
{
	const struct db_value lock[] = {db_id(tenant)};
	const struct db_value in[] = {
		db_id(&row->id),           db_id(tenant),      db_text(row->name),
		db_text(row->prefix),      db_bytes(key_hash), db_text(row->scopes),
		db_time(row->expires_ms),  db_id(tenant),      db_text(row->name),
		db_int(API_KEYS_LIVE_MAX),
	};
	uint64_t added = 0;
	enum err e = db_run(tx, &API_KEYS_LOCK_TENANT, lock, ARRAY_LEN(lock), NULL, why);

	if (!e)
		e = db_run(tx, &API_KEYS_ADD, in, ARRAY_LEN(in), &added, why);
	return !e && added == 0 ? ERR_DUPLICATE : e;
}

static void from_row(const struct db_value *row, struct api_key_row *out)
{
	*out = (struct api_key_row){
		.id = db_as_id(&row[0]),
		.tenant = row[1].bytes,
		.name = row[2].bytes,
		.prefix = row[3].bytes,
		.scopes = row[4].bytes,
		.created_ms = db_as_time(&row[5]),
		.expires_ms = db_as_time(&row[6]),
		.revoked_ms = db_as_time(&row[7]),
		.last_used_ms = db_as_time(&row[8]),
	};
}

enum err api_keys_list(struct db *db, struct arena *arena, struct api_key_row **out, size_t *n,
		       struct fail *why)
{
	struct db_rows rows;
	enum err e;

	*out = NULL;
	*n = 0;
	e = db_read_all(db, &API_KEYS_LIST, NULL, 0, arena, &rows, why);
	if (e || rows.n_rows == 0)
		return e;
	*out = arena_array(arena, rows.n_rows, sizeof(**out));
	if (!*out)
		return ERR_NOMEM;
	*n = rows.n_rows;
	for (size_t i = 0; i < rows.n_rows; i++)
		from_row(rows.values + i * rows.n_columns, &(*out)[i]);
	return OK;
}

enum err api_keys_revoke(struct db *db, const struct id *id, struct fail *why)
{
	const struct db_value in[] = {db_id(id)};
	uint64_t changed = 0;
	enum err e = db_run(db, &API_KEYS_REVOKE, in, ARRAY_LEN(in), &changed, why);

	return !e && changed == 0 ? ERR_NOT_FOUND : e;
}

enum err api_keys_mark_first_use(struct db *db, const struct id *id, bool *first, struct fail *why)
{
	const struct db_value in[] = {db_id(id)};
	uint64_t changed = 0;
	enum err e = db_run(db, &API_KEYS_MARK_FIRST_USE, in, ARRAY_LEN(in), &changed, why);

	*first = !e && changed == 1;
	return e;
}

enum err api_keys_touch(struct db *db, const struct id *id, struct fail *why)
{
	const struct db_value in[] = {db_id(id)};

	return db_run(db, &API_KEYS_TOUCH, in, ARRAY_LEN(in), NULL, why);
}
