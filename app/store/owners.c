#include "store/owners.h"

#include "io/db.h"
#include "store/column.h"

DB_STATEMENT(OWNERS_GET,
	     "SELECT " OWNER_COLUMNS " FROM owners o WHERE o.tenant_id = ? AND o.id = ?");

DB_STATEMENT(OWNERS_FIND,
	     "SELECT " OWNER_COLUMNS " FROM owners o WHERE o.tenant_id = ? AND o.external_id = ?");

DB_STATEMENT(OWNERS_LIST,
	     "SELECT " OWNER_COLUMNS
	     " FROM owners o WHERE o.tenant_id = ? ORDER BY o.external_id LIMIT 10000");

DB_STATEMENT_KEYED(
	OWNERS_PUT,
	"INSERT INTO owners (id, tenant_id, external_id, email, display_name, time_zone) "
	"VALUES (?, ?, ?, ?, ?, ?) "
	"ON DUPLICATE KEY UPDATE email = COALESCE(VALUES(email), email), "
	"display_name = COALESCE(VALUES(display_name), display_name), "
	"time_zone = COALESCE(VALUES(time_zone), time_zone), "
	"updated_at = UTC_TIMESTAMP(3)");

DB_STATEMENT(OWNERS_FIND_ID, "SELECT id FROM owners WHERE tenant_id = ? AND external_id = ?");

DB_STATEMENT_KEYED(
	OWNERS_SET_DEFAULT,
	"UPDATE owners o SET o.default_connection_id = ?, o.updated_at = UTC_TIMESTAMP(3) "
	"WHERE o.tenant_id = ? AND o.id = ? AND (? = 0 OR o.default_connection_id IS NULL) "
	"AND EXISTS (SELECT 1 FROM coach_calendar_connections c "
	"WHERE c.tenant_id = ? AND c.owner_id = ? AND c.id = ?)");

void owner_from_row(const struct db_value *values, struct owner *out)
{
	*out = (struct owner){
		.id = db_as_id(&values[0]),
		.tenant = db_as_id(&values[1]),
		.external_id = values[2].bytes,
		.email = values[3].bytes,
		.name = values[4].bytes,
		.time_zone = values[5].bytes,
		.default_connection = db_as_id(&values[6]),
	};
}

static enum err read_owner(struct db *db, const struct db_statement *statement,
			   const struct id *tenant, struct db_value key, struct arena *arena,
			   struct owner *out, struct fail *why)
{
	const struct db_value in[] = {db_id(tenant), key};
	struct db_value row[OWNER_N_COLUMNS];
	enum err e;

	*out = (struct owner){0};
	e = db_read(db, statement, in, ARRAY_LEN(in), arena, row, ARRAY_LEN(row), why);
	if (!e)
		owner_from_row(row, out);
	return e;
}

enum err owners_get(struct db *db, const struct id *tenant, const struct id *id,
		    struct arena *arena, struct owner *out, struct fail *why)
{
	return read_owner(db, &OWNERS_GET, tenant, db_id(id), arena, out, why);
}

enum err owners_find(struct db *db, const struct id *tenant, struct slice external_id,
		     struct arena *arena, struct owner *out, struct fail *why)
{
	return read_owner(db, &OWNERS_FIND, tenant, db_text(external_id), arena, out, why);
}

enum err owners_list(struct db *db, const struct id *tenant, struct arena *arena,
		     struct owner **out, size_t *n, struct fail *why)
{
	const struct db_value in[] = {db_id(tenant)};
	struct db_rows rows;
	enum err e;

	*out = NULL;
	*n = 0;
	e = db_read_all(db, &OWNERS_LIST, in, ARRAY_LEN(in), arena, &rows, why);
	if (e || rows.n_rows == 0)
		return e;
	*out = arena_array(arena, rows.n_rows, sizeof(**out));
	if (!*out)
		return ERR_NOMEM;
	*n = rows.n_rows;
	for (size_t i = 0; i < rows.n_rows; i++)
		owner_from_row(rows.values + i * rows.n_columns, &(*out)[i]);
	return OK;
}

enum err owners_put(struct db *db, struct owner *owner, struct fail *why)
{
	struct id fresh = id_new();
	const struct db_value in[] = {
		db_id(&fresh),
		db_id(&owner->tenant),
		db_text(owner->external_id),
		column_optional_text(owner->email),
		column_optional_text(owner->name),
		column_optional_text(owner->time_zone),
	};
	const struct db_value key[] = {db_id(&owner->tenant), db_text(owner->external_id)};
	enum err e = db_run(db, &OWNERS_PUT, in, ARRAY_LEN(in), NULL, why);

	if (!e)
		e = column_read_id(db, &OWNERS_FIND_ID, key, ARRAY_LEN(key), &owner->id, why);
	return e;
}

enum err owners_set_default(struct db *db, const struct id *tenant, const struct id *owner,
			    const struct id *connection, bool if_none, struct fail *why)
{
	const struct db_value in[] = {
		db_id(connection), db_id(tenant), db_id(owner),      db_int(if_none),
		db_id(tenant),     db_id(owner),  db_id(connection),
	};
	uint64_t changed = 0;
	enum err e = db_run(db, &OWNERS_SET_DEFAULT, in, ARRAY_LEN(in), &changed, why);

	if (!e && changed == 0 && !if_none)
		e = ERR_NOT_FOUND;
	return e;
}
