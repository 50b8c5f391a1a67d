#include "store/provider_limits.h"

#include "io/db.h"

/* reason is set before paused_until: MariaDB assigns from left to right. */
DB_STATEMENT_KEYED(PROVIDER_LIMITS_PAUSE,
		   "INSERT INTO provider_limits (subject, paused_until, reason, updated_at) "
		   "VALUES (?, TIMESTAMPADD(MICROSECOND, ? * 1000, UTC_TIMESTAMP(3)), ?, "
		   "UTC_TIMESTAMP(3)) "
		   "ON DUPLICATE KEY UPDATE "
		   "reason = IF(paused_until >= VALUES(paused_until), reason, VALUES(reason)), "
		   "paused_until = IF(paused_until >= VALUES(paused_until), paused_until, "
		   "VALUES(paused_until)), "
		   "updated_at = UTC_TIMESTAMP(3)");

DB_STATEMENT(PROVIDER_LIMITS_LEFT,
	     "SELECT GREATEST(0, TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(3), paused_until) "
	     "DIV 1000) FROM provider_limits WHERE subject = ?");

DB_STATEMENT_KEYED(PROVIDER_LIMITS_RESUME,
		   "UPDATE provider_limits SET paused_until = NULL, reason = NULL, "
		   "updated_at = UTC_TIMESTAMP(3) WHERE subject = ? AND reason = ?");

/* Not keyed: a repetition would set the same calls aside once more, so it is left at that. */
DB_STATEMENT(PROVIDER_LIMITS_RESERVE,
	     "UPDATE provider_limits SET calls_due_at = TIMESTAMPADD(MICROSECOND, ? * 1000, "
	     "IF(calls_due_at > UTC_TIMESTAMP(3), calls_due_at, UTC_TIMESTAMP(3))), "
	     "updated_at = UTC_TIMESTAMP(3) WHERE subject = ? AND (calls_due_at IS NULL "
	     "OR calls_due_at <= TIMESTAMPADD(MICROSECOND, ? * 1000, UTC_TIMESTAMP(3)))");

DB_STATEMENT(PROVIDER_LIMITS_DUE,
	     "SELECT TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(3), calls_due_at) DIV 1000 "
	     "FROM provider_limits WHERE subject = ?");

DB_STATEMENT_KEYED(PROVIDER_LIMITS_ADD, "INSERT IGNORE INTO provider_limits (subject, updated_at) "
					"VALUES (?, UTC_TIMESTAMP(3))");

DB_STATEMENT_KEYED(PROVIDER_LIMITS_CLEAN,
		   "DELETE FROM provider_limits "
		   "WHERE updated_at < TIMESTAMPADD(DAY, -1, UTC_TIMESTAMP(3)) "
		   "AND (paused_until IS NULL OR paused_until < UTC_TIMESTAMP(3)) "
		   "ORDER BY subject LIMIT ?");

DB_STATEMENT(PROVIDER_LIMITS_LIST,
	     "SELECT subject, GREATEST(0, TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(3), "
	     "paused_until) DIV 1000), reason FROM provider_limits "
	     "WHERE paused_until > UTC_TIMESTAMP(3) OR reason = ? ORDER BY subject");

enum err provider_limits_pause(struct db *db, const char *subject, int64_t pause_ms,
			       const char *reason, struct fail *why)
{
	const struct db_value in[] = {db_string(subject), db_int(pause_ms), db_string(reason)};

	return db_run(db, &PROVIDER_LIMITS_PAUSE, in, ARRAY_LEN(in), NULL, why);
}

enum err provider_limits_left(struct db *db, const char *subject, int64_t *left_ms,
			      struct fail *why)
{
	const struct db_value in[] = {db_string(subject)};
	struct db_value out = {0};
	enum err e;

	*left_ms = 0;
	e = db_read(db, &PROVIDER_LIMITS_LEFT, in, ARRAY_LEN(in), NULL, &out, 1, why);
	if (!e)
		*left_ms = out.number;
	return e == ERR_NOT_FOUND ? OK : e;
}

enum err provider_limits_resume(struct db *db, const char *subject, const char *reason, bool *was,
				struct fail *why)
{
	const struct db_value in[] = {db_string(subject), db_string(reason)};
	uint64_t ended = 0;
	enum err e = db_run(db, &PROVIDER_LIMITS_RESUME, in, ARRAY_LEN(in), &ended, why);

	*was = ended > 0;
	return e;
}

static enum err reserve(struct db *db, const char *subject, const struct provider_pace *pace,
			bool *given, struct fail *why)
{
	const struct db_value in[] = {db_int(pace->calls * pace->each_ms), db_string(subject),
				      db_int(pace->burst_ms)};
	uint64_t n = 0;
	enum err e = db_run(db, &PROVIDER_LIMITS_RESERVE, in, ARRAY_LEN(in), &n, why);

	*given = n > 0;
	return e;
}

static enum err find_due(struct db *db, const char *subject, int64_t *due_ms, struct fail *why)
{
	const struct db_value in[] = {db_string(subject)};
	struct db_value out = {0};
	enum err e = db_read(db, &PROVIDER_LIMITS_DUE, in, ARRAY_LEN(in), NULL, &out, 1, why);

	*due_ms = out.number;
	return e;
}

enum err provider_limits_reserve(struct db *db, const char *subject,
				 const struct provider_pace *pace, int64_t *wait_ms,
				 struct fail *why)
{
	const struct db_value in[] = {db_string(subject)};
	int64_t due_ms = 0;
	bool given = false;
	enum err e = reserve(db, subject, pace, &given, why);

	*wait_ms = 0;
	if (e || given)
		return e;
	e = find_due(db, subject, &due_ms, why);
	if (e == ERR_NOT_FOUND) {
		e = db_run(db, &PROVIDER_LIMITS_ADD, in, ARRAY_LEN(in), NULL, why);
		return e ? e : reserve(db, subject, pace, &given, why);
	}
	*wait_ms = due_ms > pace->burst_ms ? due_ms - pace->burst_ms : 1;
	return e;
}

enum err provider_limits_clean(struct db *db, unsigned limit, struct fail *why)
{
	const struct db_value in[] = {db_int(limit)};

	return db_run(db, &PROVIDER_LIMITS_CLEAN, in, ARRAY_LEN(in), NULL, why);
}

enum err provider_limits_list(struct db *db, struct arena *arena, struct provider_pause **out,
			      size_t *n, struct fail *why)
{
	const struct db_value in[] = {db_string(err_code(ERR_MISCONFIGURED))};
	struct db_rows rows;
	enum err e = db_read_all(db, &PROVIDER_LIMITS_LIST, in, ARRAY_LEN(in), arena, &rows, why);

	*out = NULL;
	*n = 0;
	if (e || rows.n_rows == 0)
		return e;
	*out = arena_array(arena, rows.n_rows, sizeof(**out));
	if (!*out)
		return ERR_NOMEM;
	*n = rows.n_rows;
	for (size_t i = 0; i < rows.n_rows; i++) {
		const struct db_value *row = rows.values + i * rows.n_columns;

		(*out)[i] = (struct provider_pause){
			.subject = row[0].bytes,
			.left_ms = row[1].number,
			.reason = row[2].bytes,
		};
	}
	return OK;
}
