#include "store/appointments.h"

#include <stdlib.h>
#include <string.h>

#include "io/db.h"
#include "store/column.h"

#define SELECT_APPOINTMENT                                                                         \
	"SELECT appointment_id, coach_id, client_name, client_email, start_time, end_time, "       \
	"time_zone, service_name, notes, location, status, version, revision, updated_at "         \
	"FROM appointments "

/* Unless it is older than what is stored; version itself comes last. */
#define TAKE(column) column " = IF(VALUES(version) < version, " column ", VALUES(" column ")), "

/* The trigger before the insert has moved what quiet says to was_quiet. */
/* clang-format off */
DB_STATEMENT_KEYED(APPOINTMENTS_PUT,
	"INSERT INTO appointments (tenant_id, appointment_id, coach_id, client_name, "
	"client_email, start_time, end_time, time_zone, service_name, notes, location, status, "
	"version, quiet) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
	"ON DUPLICATE KEY UPDATE "
	TAKE("coach_id") TAKE("client_name") TAKE("client_email") TAKE("start_time")
	TAKE("end_time") TAKE("time_zone") TAKE("service_name") TAKE("notes") TAKE("location")
	TAKE("status")
	"quiet = VALUES(was_quiet), "
	"version = IF(VALUES(version) < version, version, COALESCE(VALUES(version), version))");
/* clang-format on */

DB_STATEMENT(APPOINTMENTS_GET, SELECT_APPOINTMENT "WHERE tenant_id = ? AND appointment_id = ?");

DB_STATEMENT_KEYED(APPOINTMENTS_CANCEL, "UPDATE appointments SET status = 'cancelled' "
					"WHERE tenant_id = ? AND appointment_id = ?");

DB_STATEMENT(APPOINTMENTS_LIST, SELECT_APPOINTMENT
	     "WHERE tenant_id = ? AND coach_id = ? AND start_time <= ? "
	     "AND (start_time < ? OR appointment_id < ?) "
	     "AND (? IS NULL OR INSTR(CONCAT_WS('\\n', client_name, client_email, service_name, "
	     "appointment_id) COLLATE utf8mb4_unicode_ci, ?) > 0) "
	     "ORDER BY start_time DESC, appointment_id DESC LIMIT ?");

/* So many are looked up at once; the last one stands for those that are missing. */
enum { VERSIONS_AT_ONCE = 32 };
#define MARKS_8 "?, ?, ?, ?, ?, ?, ?, ?"

DB_STATEMENT(APPOINTMENTS_VERSIONS,
	     "SELECT appointment_id, version FROM appointments WHERE tenant_id = ? "
	     "AND appointment_id IN (" MARKS_8 ", " MARKS_8 ", " MARKS_8 ", " MARKS_8 ") "
	     "AND version IS NOT NULL");

enum { N_COLUMNS = 14, PUT_N_IN = 14 };

static void from_row(const struct db_value *row, struct appointment_row *out)
{
	*out = (struct appointment_row){
		.appointment =
			{
				.id = row[0].bytes,
				.coach = row[1].bytes,
				.client_name = row[2].bytes,
				.client_email = row[3].bytes,
				.start_ms = db_as_time(&row[4]),
				.end_ms = db_as_time(&row[5]),
				.time_zone = row[6].bytes,
				.service = row[7].bytes,
				.notes = row[8].bytes,
				.location = row[9].bytes,
				.version = row[11].kind == DB_NULL ? -1 : row[11].number,
			},
		.revision = row[12].number,
		.updated_ms = db_as_time(&row[13]),
	};
	if (!appointment_status_find(row[10].bytes, &out->appointment.status))
		out->appointment.status = APPOINTMENT_PENDING;
}

static void fill_put(const struct id *tenant, const struct appointment *item, bool quiet,
		     struct db_value *in)
{
	const struct db_value values[PUT_N_IN] = {
		db_id(tenant),
		db_text(item->id),
		db_text(item->coach),
		column_optional_text(item->client_name),
		column_optional_text(item->client_email),
		db_time(item->start_ms),
		db_time(item->end_ms),
		column_optional_text(item->time_zone),
		column_optional_text(item->service),
		column_optional_text(item->notes),
		column_optional_text(item->location),
		db_string(appointment_status_word(item->status)),
		item->version < 0 ? db_null() : db_int(item->version),
		db_int(quiet),
	};

	memcpy(in, values, sizeof(values));
}

static int compare(struct slice a, struct slice b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len > 0 ? memcmp(a.data, b.data, len) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* By coach and appointment, those of one id in the order in which they came. */
static int in_lock_order(const void *at_a, const void *at_b)
{
	const struct appointment *a = *(const struct appointment *const *)at_a;
	const struct appointment *b = *(const struct appointment *const *)at_b;
	int order = compare(a->coach, b->coach);

	if (!order)
		order = compare(a->id, b->id);
	return order ? order : (a > b) - (a < b);
}

/*
 * Writers that go through the rows and lanes in one order wait for each other, but not in a circle.
 */
static enum err sort(const struct appointment *items, size_t n, const struct appointment ***out)
{
	const struct appointment **sorted = calloc(n, sizeof(*sorted));

	*out = sorted;
	if (!sorted)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		sorted[i] = &items[i];
	qsort(sorted, n, sizeof(*sorted), in_lock_order);
	return OK;
}

enum err appointments_put(struct db *db, const struct id *tenant, const struct appointment *items,
			  size_t n, bool quiet, struct fail *why)
{
	const struct appointment **sorted = NULL;
	struct db_value *rows = calloc(n, PUT_N_IN * sizeof(*rows));
	enum err e = rows ? sort(items, n, &sorted) : ERR_NOMEM;

	for (size_t i = 0; !e && i < n; i++)
		fill_put(tenant, sorted[i], quiet, rows + i * PUT_N_IN);
	if (!e && n == 1)
		e = db_run(db, &APPOINTMENTS_PUT, rows, PUT_N_IN, NULL, why);
	else if (!e)
		e = db_run_many(db, &APPOINTMENTS_PUT, rows, n, PUT_N_IN, NULL, why);
	free(sorted);
	free(rows);
	return e;
}

/* One lookup's worth of them. */
static enum err find_older(struct db *db, const struct id *tenant, const struct appointment *items,
			   size_t n, bool *is_older, struct fail *why)
{
	struct arena *arena = arena_new(8192, 65536);
	struct db_value in[1 + VERSIONS_AT_ONCE] = {db_id(tenant)};
	struct db_rows rows = {0};
	enum err e = arena ? OK : ERR_NOMEM;

	for (size_t i = 0; i < VERSIONS_AT_ONCE; i++)
		in[1 + i] = db_text(items[i < n ? i : n - 1].id);
	if (!e)
		e = db_read_all(db, &APPOINTMENTS_VERSIONS, in, ARRAY_LEN(in), arena, &rows, why);
	for (size_t i = 0; i < rows.n_rows * n; i++) {
		const struct db_value *row = rows.values + i / n * rows.n_columns;
		const struct appointment *item = &items[i % n];

		if (slice_equal(item->id, row[0].bytes))
			is_older[i % n] = item->version >= 0 && item->version < row[1].number;
	}
	arena_free(arena);
	return e;
}

enum err appointments_find_older(struct db *db, const struct id *tenant,
				 const struct appointment *items, size_t n, bool *is_older,
				 struct fail *why)
{
	enum err e = OK;

	memset(is_older, 0, n * sizeof(*is_older));
	for (size_t i = 0; !e && i < n; i += VERSIONS_AT_ONCE) {
		size_t left = n - i < VERSIONS_AT_ONCE ? n - i : VERSIONS_AT_ONCE;

		e = find_older(db, tenant, items + i, left, is_older + i, why);
	}
	return e;
}

enum err appointments_get(struct db *db, const struct id *tenant, struct slice id,
			  struct arena *arena, struct appointment_row *out, struct fail *why)
{
	const struct db_value in[] = {db_id(tenant), db_text(id)};
	struct db_value row[N_COLUMNS];
	enum err e;

	*out = (struct appointment_row){0};
	e = db_read(db, &APPOINTMENTS_GET, in, ARRAY_LEN(in), arena, row, ARRAY_LEN(row), why);
	if (!e)
		from_row(row, out);
	return e;
}

enum err appointments_cancel(struct db *db, const struct id *tenant, struct slice id,
			     struct fail *why)
{
	const struct db_value in[] = {db_id(tenant), db_text(id)};
	uint64_t found = 0;
	enum err e = db_run(db, &APPOINTMENTS_CANCEL, in, ARRAY_LEN(in), &found, why);

	return !e && found == 0 ? ERR_NOT_FOUND : e;
}

enum err appointments_list(struct db *db, const struct appointment_search *search,
			   struct arena *arena, struct appointment_row **out, size_t *n,
			   struct fail *why)
{
	static const int64_t LAST_MS = INT64_C(253402300799000); /* the end of 9999 */
	int64_t before_ms = search->before_ms < 0 ? LAST_MS : search->before_ms;
	const struct db_value in[] = {
		db_id(&search->tenant),
		db_text(search->coach),
		db_time(before_ms),
		db_time(before_ms),
		db_text(search->before_id.len ? search->before_id : SLICE("")),
		column_optional_text(search->text),
		column_optional_text(search->text),
		db_int(search->max),
	};
	struct db_rows rows;
	enum err e = db_read_all(db, &APPOINTMENTS_LIST, in, ARRAY_LEN(in), arena, &rows, why);

	*out = NULL;
	*n = 0;
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
