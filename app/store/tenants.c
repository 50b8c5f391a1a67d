#include "store/tenants.h"

#include "io/db.h"
#include "store/column.h"

const struct id TENANT_DEFAULT = {.bytes = {[ID_BYTES - 1] = 1}};

DB_STATEMENT(TENANTS_FIND, "SELECT id FROM tenants WHERE name = CONVERT(? USING ascii)");

DB_STATEMENT(TENANTS_NAME, "SELECT name FROM tenants WHERE id = ?");

DB_STATEMENT(TENANTS_ADD, "INSERT INTO tenants (id, name) VALUES (?, ?)");

DB_STATEMENT(TENANTS_LIST, "SELECT id, name, created_at FROM tenants ORDER BY name LIMIT 10000");

enum err tenants_find(struct db *db, struct slice name, struct id *out, struct fail *why)
{
	const struct db_value in[] = {db_text(name)};

	return column_read_id(db, &TENANTS_FIND, in, ARRAY_LEN(in), out, why);
}

enum err tenants_name(struct db *db, const struct id *tenant, struct arena *arena,
		      struct slice *out, struct fail *why)
{
	const struct db_value in[] = {db_id(tenant)};
	struct db_value name = {0};
	enum err e = db_read(db, &TENANTS_NAME, in, ARRAY_LEN(in), arena, &name, 1, why);

	*out = name.bytes;
	return e;
}

enum err tenants_add(struct db *db, const struct id *id, struct slice name, struct fail *why)
{
	const struct db_value in[] = {db_id(id), db_text(name)};

	return db_run(db, &TENANTS_ADD, in, ARRAY_LEN(in), NULL, why);
}

enum err tenants_list(struct db *db, struct arena *arena, struct tenant **out, size_t *n,
		      struct fail *why)
{
	struct db_rows rows;
	enum err e;

	*out = NULL;
	*n = 0;
	e = db_read_all(db, &TENANTS_LIST, NULL, 0, arena, &rows, why);
	if (e || rows.n_rows == 0)
		return e;
	*out = arena_array(arena, rows.n_rows, sizeof(**out));
	if (!*out)
		return ERR_NOMEM;
	*n = rows.n_rows;
	for (size_t i = 0; i < rows.n_rows; i++) {
		const struct db_value *row = rows.values + i * rows.n_columns;

		(*out)[i] = (struct tenant){db_as_id(&row[0]), row[1].bytes, db_as_time(&row[2])};
	}
	return OK;
}
