#include "store/audit_log.h"

#include "io/db.h"
#include "store/column.h"

enum { NAME_MAX_BYTES = 160, WORD_MAX = 32, ADDRESS_MAX = 45, REQUEST_MAX = 64 };

DB_STATEMENT(AUDIT_LOG_ADD,
	     "INSERT INTO audit_log (id, at, tenant_id, actor, action, object, result, address, "
	     "request_id) VALUES (?, UTC_TIMESTAMP(3), ?, ?, ?, ?, ?, ?, ?)");

/* What an ASCII column takes of text: nothing from outside may keep a line from being written. */
static struct slice ascii(struct slice text, size_t max, char *out)
{
	size_t len = text.len < max ? text.len : max;

	for (size_t i = 0; i < len; i++)
		out[i] = text.data[i] >= ' ' && text.data[i] <= '~' ? text.data[i] : '?';
	return (struct slice){out, len};
}

enum err audit_log_add(struct db *db, const struct audit *audit, struct fail *why)
{
	char action[WORD_MAX], result[WORD_MAX], address[ADDRESS_MAX], request[REQUEST_MAX];
	struct id id = id_new();
	struct slice actor = column_cut(audit->actor, NAME_MAX_BYTES);
	struct slice object = column_cut(audit->object, NAME_MAX_BYTES);
	const struct db_value in[] = {
		db_id(&id),
		db_id(&audit->tenant),
		db_text(actor.len > 0 ? actor : SLICE("nobody")),
		db_text(ascii(slice_of(audit->action), WORD_MAX, action)),
		db_text(object.len > 0 ? object : SLICE("")),
		db_text(ascii(slice_of(audit->result), WORD_MAX, result)),
		column_optional_text(ascii(audit->address, ADDRESS_MAX, address)),
		column_optional_text(ascii(audit->request_id, REQUEST_MAX, request)),
	};

	return db_run(db, &AUDIT_LOG_ADD, in, ARRAY_LEN(in), NULL, why);
}
