#include "store/sync_queue.h"

#include "base/log.h"
#include "io/db.h"
#include "store/column.h"

/* In the order of enum sync_state. */
static const char *const STATES[] = {"waiting", "running", "done", "dead"};

/* So many milliseconds from now. */
#define AHEAD "TIMESTAMPADD(MICROSECOND, ? * 1000, UTC_TIMESTAMP(3))"

/* At the end of the line, or where it stands if it has its turn already. */
#define NEXT_TURN "turn_at = IF(turn_at <= UTC_TIMESTAMP(3), turn_at, UTC_TIMESTAMP(3))"

/*
 * A write-back leaves the claim token where it is: run again after a lost answer it finds the row
 * again. Assignments run from left to right, and none reads what one before it has changed.
 */
#define WHERE_CLAIM_IS_OURS "WHERE tenant_id = ? AND id = ? AND claim_token = ?"

DB_STATEMENT_KEYED(SYNC_QUEUE_FINISH, "UPDATE calendar_sync_queue SET "
				      "state = IF(generation = ?, 'done', 'waiting'), "
				      "due_at = IF(generation = ?, NULL, UTC_TIMESTAMP(3)), "
				      "done_generation = ?, attempt = 0, result = ?, "
				      "ended_at = UTC_TIMESTAMP(3) " WHERE_CLAIM_IS_OURS);

/* Something new was said meanwhile: that has its attempts before it. */
DB_STATEMENT_KEYED(SYNC_QUEUE_FAIL,
		   "UPDATE calendar_sync_queue SET "
		   "state = IF(generation = ? AND attempt >= ?, 'dead', 'waiting'), "
		   "due_at = IF(generation <> ?, UTC_TIMESTAMP(3), "
		   "IF(attempt >= ?, NULL, " AHEAD ")), "
		   "attempt = IF(generation = ?, attempt, 0), result = ?, "
		   "ended_at = UTC_TIMESTAMP(3) " WHERE_CLAIM_IS_OURS);

DB_STATEMENT_KEYED(SYNC_QUEUE_POSTPONE, "UPDATE calendar_sync_queue SET due_at = " AHEAD ", "
					"attempt = attempt - (state = 'running' AND attempt > 0), "
					"state = 'waiting' " WHERE_CLAIM_IS_OURS);

/* After a write-back: its lane has room again, or this very job is due. */
DB_STATEMENT_KEYED(SYNC_QUEUE_GO_ON,
		   "UPDATE calendar_sync_lanes SET is_full = FALSE, " NEXT_TURN
		   " WHERE connection_id = ? AND (is_full OR EXISTS (SELECT 1 "
		   "FROM calendar_sync_queue q WHERE q.id = ? AND q.due_at <= UTC_TIMESTAMP(3)))");

/* pause_reason is set before paused_until: MariaDB assigns from left to right. */
DB_STATEMENT_KEYED(SYNC_QUEUE_PAUSE,
		   "UPDATE calendar_sync_lanes SET "
		   "pause_reason = IF(paused_until >= " AHEAD ", pause_reason, ?), "
		   "paused_until = GREATEST(COALESCE(paused_until, UTC_TIMESTAMP(3)), " AHEAD "), "
		   "turn_at = GREATEST(turn_at, paused_until) "
		   "WHERE tenant_id = ? AND connection_id = ?");

DB_STATEMENT_KEYED(SYNC_QUEUE_RESUME,
		   "UPDATE calendar_sync_lanes SET paused_until = NULL, pause_reason = NULL, "
		   "turn_at = UTC_TIMESTAMP(3) WHERE tenant_id = ? AND connection_id = ?");

DB_STATEMENT(SYNC_QUEUE_WAKE, "UPDATE calendar_sync_lanes SET " NEXT_TURN
			      " WHERE tenant_id = ? AND connection_id = ?");

/* clang-format off */
DB_STATEMENT(SYNC_QUEUE_FILL,
	"INSERT INTO calendar_sync_queue (tenant_id, connection_id, appointment_id, sync_id) "
	"SELECT a.tenant_id, l.connection_id, a.appointment_id, ? FROM calendar_sync_lanes l "
	"JOIN appointments a ON a.tenant_id = l.tenant_id AND a.coach_id = l.coach_id "
	"LEFT JOIN calendar_sync_queue q "
	"ON q.connection_id = l.connection_id AND q.appointment_id = a.appointment_id "
	"WHERE l.tenant_id = ? AND l.connection_id = ? AND l.is_fed "
	"AND a.end_time > UTC_TIMESTAMP(3) "
	"AND IF(q.id IS NULL, a.status = 'confirmed', ? = 1 OR q.state <> 'done') "
	"ON DUPLICATE KEY UPDATE "
	"calendar_sync_queue.generation = calendar_sync_queue.generation + 1, "
	"calendar_sync_queue.loud_generation = IF(calendar_sync_queue.state IN ('done', 'dead'), "
	"0, calendar_sync_queue.loud_generation), "
	"calendar_sync_queue.attempt = IF(calendar_sync_queue.state = 'running', "
	"calendar_sync_queue.attempt, 0), "
	"calendar_sync_queue.due_at = IF(calendar_sync_queue.state = 'running', "
	"calendar_sync_queue.due_at, VALUES(due_at)), "
	"calendar_sync_queue.queued_at = IF(calendar_sync_queue.state IN ('done', 'dead'), "
	"VALUES(queued_at), calendar_sync_queue.queued_at), "
	"calendar_sync_queue.sync_id = VALUES(sync_id), "
	"calendar_sync_queue.state = IF(calendar_sync_queue.state = 'running', 'running', "
	"'waiting')");
/* clang-format on */

DB_STATEMENT(SYNC_QUEUE_RETRY, "UPDATE calendar_sync_queue SET state = 'waiting', attempt = 0, "
			       "due_at = UTC_TIMESTAMP(3), queued_at = UTC_TIMESTAMP(3) "
			       "WHERE tenant_id = ? AND connection_id = ? AND state = 'dead' "
			       "AND (? IS NULL OR id = ?)");

DB_STATEMENT_KEYED(SYNC_QUEUE_DROP, "DELETE FROM calendar_sync_queue "
				    "WHERE tenant_id = ? AND connection_id = ?");

#define SELECT_JOB "SELECT " SYNC_JOB_COLUMNS " FROM calendar_sync_queue q "

DB_STATEMENT(SYNC_QUEUE_GET, SELECT_JOB "WHERE q.tenant_id = ? AND q.id = ?");

DB_STATEMENT(SYNC_QUEUE_LIST_DEAD,
	     SELECT_JOB "WHERE q.tenant_id = ? AND q.connection_id = ? AND q.state = 'dead' "
			"AND q.due_at IS NULL AND q.id > ? ORDER BY q.id LIMIT ?");

DB_STATEMENT(SYNC_QUEUE_OF_APPOINTMENT,
	     SELECT_JOB "WHERE q.tenant_id = ? AND q.appointment_id = ? ORDER BY q.connection_id");

DB_STATEMENT(SYNC_QUEUE_COUNT, "SELECT state, COUNT(*) FROM calendar_sync_queue "
			       "WHERE tenant_id = ? AND connection_id = ? GROUP BY state");

DB_STATEMENT(SYNC_QUEUE_PROGRESS,
	     "SELECT COUNT(*), COALESCE(SUM(state = 'done'), 0), COALESCE(SUM(state = 'dead'), 0) "
	     "FROM calendar_sync_queue "
	     "WHERE tenant_id = ? AND connection_id = ? AND sync_id = ?");

DB_STATEMENT(SYNC_QUEUE_TOTAL,
	     "SELECT COALESCE(SUM(state = 'waiting'), 0), COALESCE(SUM(state = 'running'), 0), "
	     "COALESCE(SUM(state = 'dead'), 0), GREATEST(0, COALESCE(TIMESTAMPDIFF(MICROSECOND, "
	     "MIN(due_at), UTC_TIMESTAMP(3)) DIV 1000, 0)) "
	     "FROM calendar_sync_queue WHERE state IN ('waiting', 'running', 'dead')");

const char *sync_state_word(enum sync_state state)
{
	return STATES[state];
}

void sync_job_from_row(const struct db_value *values, struct sync_job *out)
{
	*out = (struct sync_job){
		.id = db_as_id(&values[0]),
		.tenant = db_as_id(&values[1]),
		.connection = db_as_id(&values[2]),
		.appointment = values[3].bytes,
		.state = column_word(&values[4], STATES, ARRAY_LEN(STATES)),
		.generation = values[5].number,
		.quiet = values[6].number != 0,
		.attempt = values[7].number,
		.claim_token = db_as_id(&values[8]),
		.result = values[9].bytes,
		.queued_ms = db_as_time(&values[10]),
		.due_ms = db_as_time(&values[11]),
		.ended_ms = db_as_time(&values[12]),
	};
}

/* Write-backs. */

/* If this fails, the lane has its turn when the job's lease would have ended. */
static void go_on(struct db *db, const struct sync_job *job)
{
	const struct db_value in[] = {db_id(&job->connection), db_id(&job->id)};

	struct fail ignored = {0};
	enum err e = db_run(db, &SYNC_QUEUE_GO_ON, in, ARRAY_LEN(in), NULL, &ignored);

	if (e)
		log_note(LOG_WARNING, "sync", "a lane waits for a lease: %s", ignored.detail);
}

static enum err write_back(struct db *db, const struct db_statement *statement,
			   const struct sync_job *job, const struct db_value *in, size_t n_in,
			   struct fail *why)
{
	uint64_t changed = 0;
	enum err e = db_run(db, statement, in, n_in, &changed, why);

	if (!e && changed == 0)
		return ERR_STALE;
	if (!e)
		go_on(db, job);
	return e;
}

enum err sync_queue_finish(struct db *db, const struct sync_job *job, const char *result,
			   struct fail *why)
{
	const struct db_value in[] = {
		db_int(job->generation),  db_int(job->generation), db_int(job->generation),
		db_string(result),        db_id(&job->tenant),     db_id(&job->id),
		db_id(&job->claim_token),
	};

	return write_back(db, &SYNC_QUEUE_FINISH, job, in, ARRAY_LEN(in), why);
}

/* Dead after so many attempts. */
static enum err fail_after(struct db *db, const struct sync_job *job, int64_t attempts,
			   const char *error, int64_t delay_ms, struct fail *why)
{
	const struct db_value in[] = {
		db_int(job->generation),  db_int(attempts),    db_int(job->generation),
		db_int(attempts),         db_int(delay_ms),    db_int(job->generation),
		db_string(error),         db_id(&job->tenant), db_id(&job->id),
		db_id(&job->claim_token),
	};

	return write_back(db, &SYNC_QUEUE_FAIL, job, in, ARRAY_LEN(in), why);
}

enum err sync_queue_fail(struct db *db, const struct sync_job *job, const char *error,
			 int64_t delay_ms, struct fail *why)
{
	return fail_after(db, job, SYNC_ATTEMPTS, error, delay_ms, why);
}

enum err sync_queue_bury(struct db *db, const struct sync_job *job, const char *error,
			 struct fail *why)
{
	return fail_after(db, job, 0, error, 0, why);
}

enum err sync_queue_postpone(struct db *db, const struct sync_job *job, int64_t delay_ms,
			     struct fail *why)
{
	const struct db_value in[] = {
		db_int(delay_ms),
		db_id(&job->tenant),
		db_id(&job->id),
		db_id(&job->claim_token),
	};

	return write_back(db, &SYNC_QUEUE_POSTPONE, job, in, ARRAY_LEN(in), why);
}

/* A connection's lane. */

enum err sync_queue_pause(struct db *db, const struct id *tenant, const struct id *connection,
			  int64_t pause_ms, const char *reason, struct fail *why)
{
	const struct db_value in[] = {
		db_int(pause_ms), db_string(reason), db_int(pause_ms),
		db_id(tenant),    db_id(connection),
	};

	return db_run(db, &SYNC_QUEUE_PAUSE, in, ARRAY_LEN(in), NULL, why);
}

enum err sync_queue_resume(struct db *db, const struct id *tenant, const struct id *connection,
			   struct fail *why)
{
	const struct db_value in[] = {db_id(tenant), db_id(connection)};

	return db_run(db, &SYNC_QUEUE_RESUME, in, ARRAY_LEN(in), NULL, why);
}

/* Opens jobs: the lane is woken first, and both or none. */
struct opening {
	const struct id *tenant;
	const struct id *connection;
	const struct db_statement *statement;
	const struct db_value *in;
	size_t n_in;
	uint64_t n;
};

static enum err open_jobs(struct db *tx, void *cx, struct fail *why)
{
	struct opening *opening = cx;
	const struct db_value in[] = {db_id(opening->tenant), db_id(opening->connection)};
	enum err e = db_run(tx, &SYNC_QUEUE_WAKE, in, ARRAY_LEN(in), NULL, why);

	opening->n = 0;
	if (!e)
		e = db_run(tx, opening->statement, opening->in, opening->n_in, &opening->n, why);
	return e;
}

enum err sync_queue_fill(struct db *db, const struct id *tenant, const struct id *connection,
			 const struct id *sync, bool all, struct fail *why)
{
	const struct db_value in[] = {db_id(sync), db_id(tenant), db_id(connection), db_int(all)};
	struct opening opening = {
		.tenant = tenant,
		.connection = connection,
		.statement = &SYNC_QUEUE_FILL,
		.in = in,
		.n_in = ARRAY_LEN(in),
	};

	return db_transact(db, open_jobs, &opening, why);
}

enum err sync_queue_retry(struct db *db, const struct id *tenant, const struct id *connection,
			  const struct id *job, uint64_t *n, struct fail *why)
{
	const struct db_value in[] = {db_id(tenant), db_id(connection), db_id(job), db_id(job)};
	struct opening opening = {
		.tenant = tenant,
		.connection = connection,
		.statement = &SYNC_QUEUE_RETRY,
		.in = in,
		.n_in = ARRAY_LEN(in),
	};
	enum err e = db_transact(db, open_jobs, &opening, why);

	*n = e ? 0 : opening.n;
	return e;
}

enum err sync_queue_drop(struct db *db, const struct id *tenant, const struct id *connection,
			 struct fail *why)
{
	const struct db_value in[] = {db_id(tenant), db_id(connection)};

	return db_run(db, &SYNC_QUEUE_DROP, in, ARRAY_LEN(in), NULL, why);
}

/* Looking. */

enum err sync_queue_get(struct db *db, const struct id *tenant, const struct id *job,
			struct arena *arena, struct sync_job *out, struct fail *why)
{
	const struct db_value in[] = {db_id(tenant), db_id(job)};
	struct db_value row[SYNC_JOB_N_COLUMNS];
	enum err e;

	*out = (struct sync_job){0};
	e = db_read(db, &SYNC_QUEUE_GET, in, ARRAY_LEN(in), arena, row, ARRAY_LEN(row), why);
	if (!e)
		sync_job_from_row(row, out);
	return e;
}

static enum err from_rows(const struct db_rows *rows, struct arena *arena, struct sync_jobs *out)
{
	if (rows->n_rows == 0)
		return OK;
	out->items = arena_array(arena, rows->n_rows, sizeof(*out->items));
	if (!out->items)
		return ERR_NOMEM;
	out->n = rows->n_rows;
	for (size_t i = 0; i < rows->n_rows; i++)
		sync_job_from_row(rows->values + i * rows->n_columns, &out->items[i]);
	return OK;
}

enum err sync_queue_list_dead(struct db *db, const struct sync_dead *page, struct arena *arena,
			      struct sync_jobs *out, struct fail *why)
{
	const struct db_value in[] = {
		db_id(&page->tenant),
		db_id(&page->connection),
		db_bytes((struct slice){(const char *)page->after.bytes, ID_BYTES}),
		db_int(page->max),
	};
	struct db_rows rows;
	enum err e = db_read_all(db, &SYNC_QUEUE_LIST_DEAD, in, ARRAY_LEN(in), arena, &rows, why);

	*out = (struct sync_jobs){0};
	return e ? e : from_rows(&rows, arena, out);
}

enum err sync_queue_of_appointment(struct db *db, const struct id *tenant, struct slice appointment,
				   struct arena *arena, struct sync_jobs *out, struct fail *why)
{
	const struct db_value in[] = {db_id(tenant), db_text(appointment)};
	struct db_rows rows;
	enum err e =
		db_read_all(db, &SYNC_QUEUE_OF_APPOINTMENT, in, ARRAY_LEN(in), arena, &rows, why);

	*out = (struct sync_jobs){0};
	return e ? e : from_rows(&rows, arena, out);
}

enum err sync_queue_count(struct db *db, const struct id *tenant, const struct id *connection,
			  struct arena *arena, int64_t counts[SYNC_N_STATES], struct fail *why)
{
	const struct db_value in[] = {db_id(tenant), db_id(connection)};
	struct db_rows rows;
	enum err e;

	for (size_t i = 0; i < SYNC_N_STATES; i++)
		counts[i] = 0;
	e = db_read_all(db, &SYNC_QUEUE_COUNT, in, ARRAY_LEN(in), arena, &rows, why);
	for (size_t i = 0; !e && i < rows.n_rows; i++) {
		const struct db_value *row = rows.values + i * rows.n_columns;

		counts[column_word(&row[0], STATES, ARRAY_LEN(STATES))] = row[1].number;
	}
	return e;
}

enum err sync_queue_progress(struct db *db, const struct id *tenant, const struct id *connection,
			     const struct id *sync, struct sync_progress *out, struct fail *why)
{
	const struct db_value in[] = {db_id(tenant), db_id(connection), db_id(sync)};
	struct db_value row[3] = {0};
	enum err e = db_read(db, &SYNC_QUEUE_PROGRESS, in, ARRAY_LEN(in), NULL, row, ARRAY_LEN(row),
			     why);

	*out = (struct sync_progress){row[0].number, row[1].number, row[2].number};
	return e;
}

enum err sync_queue_total(struct db *db, struct sync_totals *out, struct fail *why)
{
	struct db_value row[4] = {0};
	enum err e = db_read(db, &SYNC_QUEUE_TOTAL, NULL, 0, NULL, row, ARRAY_LEN(row), why);

	*out = (struct sync_totals){row[0].number, row[1].number, row[2].number, row[3].number};
	return e;
}
