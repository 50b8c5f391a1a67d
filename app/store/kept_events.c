#include "store/kept_events.h"

#include "io/db.h"
#include "store/mappings.h"

#define OF_OWNER "WHERE m.tenant_id = ? AND m.owner_id = ? "

DB_STATEMENT(KEPT_EVENTS_FIND, "SELECT " MAPPING_COLUMNS MAPPING_FROM OF_OWNER "AND m.id = ?");

/* The last of fewer ids stands for those that are missing. */
#define IDS_8 "?, ?, ?, ?, ?, ?, ?, ?"
#define IDS_64 IDS_8 ", " IDS_8 ", " IDS_8 ", " IDS_8 ", " IDS_8 ", " IDS_8 ", " IDS_8 ", " IDS_8
DB_STATEMENT(KEPT_EVENTS_OF,
	     "SELECT " MAPPING_COLUMNS MAPPING_FROM OF_OWNER "AND m.id IN (" IDS_64 ")");

DB_STATEMENT(KEPT_EVENTS_CALENDARS, "SELECT DISTINCT m.connection_id, m.calendar_id " MAPPING_FROM
				    "FORCE INDEX (ix_mappings_connection) " OF_OWNER
				    "ORDER BY m.connection_id, m.calendar_id");

/* The new event may stand there already, when this runs again after a lost answer. */
DB_STATEMENT_KEYED(KEPT_EVENTS_REWRITE,
		   "UPDATE calendar_event_mappings SET event = ? WHERE tenant_id = ? AND id = ? "
		   "AND state = 'placed' AND (event = ? OR event = ?)");

DB_STATEMENT_KEYED(KEPT_EVENTS_REMOVE,
		   "UPDATE calendar_event_mappings SET state = 'removed', event = NULL "
		   "WHERE tenant_id = ? AND id = ? AND state IN ('placed', 'removed')");

enum err kept_events_find(struct db *db, struct kept_owner owner, const struct id *id,
			  struct arena *arena, struct mapping *out, struct fail *why)
{
	const struct db_value in[] = {db_id(owner.tenant), db_id(owner.owner), db_id(id)};
	struct db_value row[MAPPING_N_COLUMNS];
	enum err e;

	*out = (struct mapping){0};
	e = db_read(db, &KEPT_EVENTS_FIND, in, ARRAY_LEN(in), arena, row, ARRAY_LEN(row), why);
	if (!e)
		mapping_from_row(row, out);
	return e;
}

enum err kept_events_of(struct db *db, struct kept_owner owner, struct kept_list *list,
			struct arena *arena, struct fail *why)
{
	struct db_value in[2 + KEPT_EVENTS_MAX] = {db_id(owner.tenant), db_id(owner.owner)};
	struct db_rows rows;
	enum err e;

	list->rows = NULL;
	list->n_rows = 0;
	if (list->n_ids == 0)
		return OK;
	for (size_t i = 0; i < KEPT_EVENTS_MAX; i++)
		in[2 + i] = db_id(&list->ids[i < list->n_ids ? i : list->n_ids - 1]);
	e = db_read_all(db, &KEPT_EVENTS_OF, in, ARRAY_LEN(in), arena, &rows, why);
	if (e)
		return e;
	list->rows = arena_array(arena, rows.n_rows + 1, sizeof(*list->rows));
	if (!list->rows)
		return ERR_NOMEM;
	list->n_rows = rows.n_rows;
	for (size_t i = 0; i < rows.n_rows; i++)
		mapping_from_row(rows.values + i * rows.n_columns, &list->rows[i]);
	return OK;
}

enum err kept_events_calendars(struct db *db, struct kept_owner owner, struct arena *arena,
			       struct kept_calendar **out, size_t *n, struct fail *why)
{
	const struct db_value in[] = {db_id(owner.tenant), db_id(owner.owner)};
	struct db_rows rows;
	enum err e = db_read_all(db, &KEPT_EVENTS_CALENDARS, in, ARRAY_LEN(in), arena, &rows, why);

	*out = NULL;
	*n = 0;
	if (e)
		return e;
	*out = arena_array(arena, rows.n_rows + 1, sizeof(**out));
	if (!*out)
		return ERR_NOMEM;
	*n = rows.n_rows;
	for (size_t i = 0; i < rows.n_rows; i++) {
		const struct db_value *row = rows.values + i * rows.n_columns;

		(*out)[i] = (struct kept_calendar){db_as_id(&row[0]), row[1].bytes};
	}
	return OK;
}

enum err kept_events_rewrite(struct db *db, const struct mapping *mapping, struct slice event,
			     struct fail *why)
{
	const struct db_value in[] = {
		db_text(event),          db_id(&mapping->tenant), db_id(&mapping->id),
		db_text(mapping->event), db_text(event),
	};
	uint64_t changed = 0;
	enum err e = db_run(db, &KEPT_EVENTS_REWRITE, in, ARRAY_LEN(in), &changed, why);

	return !e && changed == 0 ? ERR_STALE : e;
}

enum err kept_events_remove(struct db *db, const struct mapping *mapping, struct fail *why)
{
	const struct db_value in[] = {db_id(&mapping->tenant), db_id(&mapping->id)};

	return db_run(db, &KEPT_EVENTS_REMOVE, in, ARRAY_LEN(in), NULL, why);
}
