#include "store/tenants.h"

#include "io/db.h"
#include "store/column.h"

const struct id TENANT_DEFAULT = {.bytes = {[ID_BYTES - 1] = 1}};

DB_STATEMENT(TENANTS_FIND, "SELECT id FROM tenants WHERE name = CONVERT(? USING ascii)");

DB_STATEMENT(TENANTS_NAME, "SELECT name FROM tenants WHERE id = ?");

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
