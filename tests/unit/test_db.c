#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/secret.h"
#include "io/db_inner.h"
#include "tests/unit/db_fixture.h"

enum { BIG_BYTES = 3 << 20, THREADS = 16, EACH = 50 };

DB_STATEMENT(KEEP, "INSERT INTO kept (id, n, t, b, at, v) VALUES (?, ?, ?, ?, ?, ?)");
DB_STATEMENT(KEPT, "SELECT n, t, b, at, v FROM kept WHERE id = ?");
DB_STATEMENT(KEPT_ALL, "SELECT id, t FROM kept ORDER BY id");
DB_STATEMENT(KEPT_COUNT, "SELECT COUNT(*), SUM(id) FROM kept");
DB_STATEMENT(KEPT_BY_TEXT, "SELECT id FROM kept WHERE v = ?");
DB_STATEMENT(MANY_ROWS, "SELECT a.seq FROM seq_1_to_10000 a UNION ALL SELECT 0 FROM seq_1_to_2 b"
			" WHERE b.seq <= ?");
DB_STATEMENT(SET_N, "UPDATE kept SET n = ? WHERE id = ?");
DB_STATEMENT(SET_V, "UPDATE kept SET v = ? WHERE id = ?");
DB_STATEMENT(ADD_N, "UPDATE kept SET n = n + 1 WHERE id = ?");
DB_STATEMENT(DROP_ALL, "DELETE FROM kept");
DB_STATEMENT(ADD_CHILD, "INSERT INTO child (id, kept_id) VALUES (?, ?)");
DB_STATEMENT(WRONG, "SELECT nothing FROM nowhere");
DB_STATEMENT(SETTINGS, "SELECT @@sql_mode, @@time_zone, @@character_set_client,"
		       " @@collation_connection, @@tx_isolation, @@innodb_snapshot_isolation,"
		       " @@local_infile");
DB_STATEMENT(BIG_NUMBER, "SELECT 18446744073709551615");
DB_STATEMENT(OTHER_KINDS, "SELECT 1.5, CAST('2025-01-02' AS DATE), YEAR('2025-01-02'), NULL,"
			  " CAST('10:11:12' AS TIME), 7 = 7");

static struct db_settings settings;
static struct db *db;
static struct arena *arena;
static struct fail why;

static int start(void **state)
{
	db_fixture_start(state);
	db_fixture_sql("CREATE TABLE kept (id BIGINT PRIMARY KEY, n BIGINT, t MEDIUMTEXT,"
		       " b MEDIUMBLOB, at DATETIME(3), v VARCHAR(64), UNIQUE KEY uq_kept_v (v))"
		       " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin");
	db_fixture_sql("CREATE TABLE child (id BIGINT PRIMARY KEY, kept_id BIGINT NOT NULL,"
		       " CONSTRAINT fk FOREIGN KEY (kept_id) REFERENCES kept (id))"
		       " ENGINE=InnoDB");
	db_fixture_settings(&settings, NULL, THREADS);
	db = db_fixture_open(&settings, DB_RUN);
	arena = arena_new(4096, 64 << 20);
	return arena ? 0 : -1;
}

static int stop(void **state)
{
	db_close(db);
	arena_free(arena);
	return db_fixture_stop(state);
}

static int empty(void **state)
{
	(void)state;
	why = (struct fail){0};
	arena_reset(arena);
	assert_int_equal(db_run(db, &DROP_ALL, NULL, 0, NULL, &why), OK);
	return 0;
}

/* Stores one row and reads it back. */
static void keep(int64_t id, const struct db_value row[5], struct db_value out[5])
{
	const struct db_value in[] = {db_int(id), row[0], row[1], row[2], row[3], row[4]};
	const struct db_value key[] = {db_int(id)};
	uint64_t n = 0;

	if (db_run(db, &KEEP, in, 6, &n, &why) || n != 1)
		fail_msg("%s", why.detail);
	assert_int_equal(db_read(db, &KEPT, key, 1, arena, out, 5, &why), OK);
}

static void add_row(int64_t id, int64_t n)
{
	const struct db_value row[5] = {db_int(n)};
	struct db_value out[5];

	keep(id, row, out);
}

static int64_t n_of(int64_t id)
{
	const struct db_value key[] = {db_int(id)};
	struct db_value out[5];

	assert_int_equal(db_read(db, &KEPT, key, 1, arena, out, 5, &why), OK);
	return out[0].number;
}

static int64_t count_rows(void)
{
	struct db_value out[2];

	assert_int_equal(db_read(db, &KEPT_COUNT, NULL, 0, arena, out, 2, &why), OK);
	return out[0].number;
}

/* Values. */

static void every_kind_comes_back_as_it_was(void **state)
{
	static const char bytes[] = "a\0b\xff\x00'";
	const struct db_value row[5] = {
		db_int(INT64_MIN),
		db_string("\xf0\x9f\x98\x80 gr\xc3\xbc\xc3\x9f"),
		db_bytes((struct slice){bytes, sizeof(bytes)}),
		db_time(1764687600123),
		db_string("' OR 1=1 -- \\ % _ \"; DROP TABLE kept"),
	};
	struct db_value out[5];

	(void)state;
	keep(1, row, out);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(out[i].kind, row[i].kind);
		assert_int_equal(out[i].number, row[i].number);
		assert_int_equal(out[i].bytes.len, row[i].bytes.len);
		if (row[i].bytes.len)
			assert_memory_equal(out[i].bytes.data, row[i].bytes.data, row[i].bytes.len);
	}
	assert_int_equal(out[1].bytes.data[out[1].bytes.len], '\0');
	assert_int_equal(count_rows(), 1);
}

static void hostile_text_finds_only_itself(void **state)
{
	const struct db_value row[5] = {[4] = db_string("plain")};
	const struct db_value hostile[] = {db_string("' OR 1=1 -- ")};
	const struct db_value other_case[] = {db_string("PLAIN")};
	struct db_value out[5];

	(void)state;
	keep(1, row, out);
	assert_int_equal(db_read(db, &KEPT_BY_TEXT, hostile, 1, arena, out, 1, &why),
			 ERR_NOT_FOUND);
	assert_int_equal(out[0].kind, DB_NULL);
	assert_int_equal(db_read(db, &KEPT_BY_TEXT, other_case, 1, arena, out, 1, &why),
			 ERR_NOT_FOUND);
}

static void nothing_and_empty_differ(void **state)
{
	const struct db_value nothing[5] = {db_null(), db_text((struct slice){0}), db_string(NULL),
					    db_time(-1), db_id(NULL)};
	const struct db_value nil[5] = {db_int(0), db_string(""), db_bytes(SLICE("")), db_time(0),
					db_string("")};
	struct db_value out[5];

	(void)state;
	keep(1, nothing, out);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(out[i].kind, DB_NULL);
	assert_int_equal(db_as_time(&out[3]), -1);
	keep(2, nil, out);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(out[i].kind, nil[i].kind);
	assert_int_equal(out[1].bytes.len, 0);
	assert_non_null(out[1].bytes.data);
	assert_int_equal(db_as_time(&out[3]), 0);
}

static void times_keep_their_milliseconds_from_1970_to_9999(void **state)
{
	static const int64_t times[] = {
		0,
		1,
		999,
		951782399999,   /* 2000-02-28T23:59:59.999Z */
		951782400000,   /* the leap day of a century */
		4107542400000,  /* 2100-03-01: no leap day */
		1774747800000,  /* in the hour that Europe skips */
		253402300799999 /* the last there is */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		const struct db_value row[5] = {[3] = db_time(times[i])};
		struct db_value out[5];

		keep((int64_t)i, row, out);
		assert_int_equal(db_as_time(&out[3]), times[i]);
	}
}

static void a_time_beyond_9999_is_refused(void **state)
{
	const struct db_value in[6] = {db_int(1), [4] = db_time(253402300800000)};

	(void)state;
	assert_int_equal(db_run(db, &KEEP, in, 6, NULL, &why), ERR_INTERNAL);
	assert_int_equal(count_rows(), 0);
}

static void megabytes_come_back_whole(void **state)
{
	char *big = malloc(BIG_BYTES);
	struct db_value row[5] = {{0}}, out[5];

	(void)state;
	assert_non_null(big);
	for (size_t i = 0; i < BIG_BYTES; i++)
		big[i] = (char)(i * 2654435761u >> 13);
	row[2] = db_bytes((struct slice){big, BIG_BYTES});
	keep(1, row, out);
	assert_int_equal(out[2].bytes.len, BIG_BYTES);
	assert_memory_equal(out[2].bytes.data, big, BIG_BYTES);
	free(big);
}

static void an_id_comes_back_and_no_id_is_null(void **state)
{
	struct id id = id_new(), none = {0}, back;
	const struct db_value row[5] = {[2] = db_id(&id)};
	struct db_value out[5];

	(void)state;
	keep(1, row, out);
	back = db_as_id(&out[2]);
	assert_true(id_equal(&id, &back));
	assert_int_equal(db_id(&none).kind, DB_NULL);
	back = db_as_id(&out[1]);
	assert_true(id_is_none(&back));
}

static void other_types_are_numbers_times_or_text(void **state)
{
	struct db_value out[6];

	(void)state;
	assert_int_equal(db_read(db, &OTHER_KINDS, NULL, 0, arena, out, 6, &why), OK);
	assert_int_equal(out[0].kind, DB_TEXT);
	assert_string_equal(out[0].bytes.data, "1.5");
	assert_int_equal(db_as_time(&out[1]), 1735776000000);
	assert_int_equal(out[2].number, 2025);
	assert_int_equal(out[3].kind, DB_NULL);
	assert_string_equal(out[4].bytes.data, "10:11:12");
	assert_int_equal(out[5].number, 1);
	add_row(3, 0);
	add_row(4, 0);
	assert_int_equal(db_read(db, &KEPT_COUNT, NULL, 0, arena, out, 2, &why), OK);
	assert_int_equal(out[1].kind, DB_INT);
	assert_int_equal(out[1].number, 7);
}

static void a_number_that_does_not_fit_is_an_error(void **state)
{
	struct db_value out;

	(void)state;
	assert_int_equal(db_read(db, &BIG_NUMBER, NULL, 0, arena, &out, 1, &why), ERR_INTERNAL);
	assert_int_equal(out.kind, DB_NULL);
	assert_int_equal(count_rows(), 0); /* the connection is still of use */
}

/* Statements. */

static void a_connection_has_our_settings(void **state)
{
	struct db_value out[7];

	(void)state;
	assert_int_equal(db_read(db, &SETTINGS, NULL, 0, arena, out, 7, &why), OK);
	assert_non_null(strstr(out[0].bytes.data, "STRICT_ALL_TABLES"));
	assert_string_equal(out[1].bytes.data, "+00:00");
	assert_string_equal(out[2].bytes.data, "utf8mb4");
	assert_string_equal(out[3].bytes.data, "utf8mb4_bin");
	assert_string_equal(out[4].bytes.data, "READ-COMMITTED");
	assert_int_equal(out[5].number, 1);
}

static void all_rows_come_in_order(void **state)
{
	struct db_rows rows;

	(void)state;
	for (int64_t i = 0; i < 100; i++) {
		struct db_value row[5] = {db_null()}, out[5];
		char text[16];

		snprintf(text, sizeof(text), "row %d", (int)i);
		row[1] = db_string(text);
		keep(i, row, out);
	}
	assert_int_equal(db_read_all(db, &KEPT_ALL, NULL, 0, arena, &rows, &why), OK);
	assert_int_equal(rows.n_rows, 100);
	assert_int_equal(rows.n_columns, 2);
	assert_int_equal(rows.values[99 * 2].number, 99);
	assert_string_equal(rows.values[57 * 2 + 1].bytes.data, "row 57");
	empty(NULL);
	assert_int_equal(db_read_all(db, &KEPT_ALL, NULL, 0, arena, &rows, &why), OK);
	assert_int_equal(rows.n_rows, 0);
}

static void ten_thousand_rows_are_read_and_not_one_more(void **state)
{
	const struct db_value none[] = {db_int(0)}, one[] = {db_int(1)};
	struct db_rows rows;

	(void)state;
	assert_int_equal(db_read_all(db, &MANY_ROWS, none, 1, arena, &rows, &why), OK);
	assert_int_equal(rows.n_rows, 10000);
	assert_int_equal(db_read_all(db, &MANY_ROWS, one, 1, arena, &rows, &why), ERR_TOO_LONG);
	assert_int_equal(rows.n_rows, 0);
	assert_int_equal(count_rows(), 0); /* the rest of the rows is out of the way */
}

static void the_first_of_many_rows_is_read(void **state)
{
	const struct db_value none[] = {db_int(0)};
	struct db_value out;

	(void)state;
	assert_int_equal(db_read(db, &MANY_ROWS, none, 1, arena, &out, 1, &why), OK);
	assert_int_equal(out.number, 1);
	assert_int_equal(count_rows(), 0);
}

static void an_arena_that_is_full_is_no_memory(void **state)
{
	static char text[8000];
	const struct db_value row[5] = {[1] = db_text((struct slice){text, sizeof(text)})};
	const struct db_value key[] = {db_int(1)};
	struct arena *small = arena_new(1024, 4096);
	struct db_value out[5];

	(void)state;
	memset(text, 'x', sizeof(text));
	keep(1, row, out);
	assert_int_equal(db_read(db, &KEPT, key, 1, small, out, 5, &why), ERR_NOMEM);
	assert_int_equal(out[0].kind, DB_NULL);
	arena_free(small);
	assert_int_equal(count_rows(), 1);
}

static void rows_found_are_counted_even_if_nothing_changes(void **state)
{
	const struct db_value in[] = {db_int(5), db_int(1)}, nobody[] = {db_int(5), db_int(2)};
	uint64_t n = 9;

	(void)state;
	add_row(1, 5);
	assert_int_equal(db_run(db, &SET_N, in, 2, &n, &why), OK);
	assert_int_equal(n, 1);
	assert_int_equal(db_run(db, &SET_N, nobody, 2, &n, &why), OK);
	assert_int_equal(n, 0);
}

static void a_unique_key_is_named_and_its_value_is_not(void **state)
{
	const struct db_value in[6] = {db_int(2), [5] = db_string("secret for key 'x'")};
	struct db_value row[5] = {[4] = in[5]}, out[5];
	uint64_t n = 9;

	(void)state;
	keep(1, row, out);
	assert_int_equal(db_run(db, &KEEP, in, 6, &n, &why), ERR_DUPLICATE);
	assert_int_equal(n, 0);
	assert_non_null(strstr(why.detail, "uq_kept_v"));
	assert_null(strstr(why.detail, "secret"));
}

static void a_foreign_key_is_stale(void **state)
{
	const struct db_value in[] = {db_int(1), db_int(77)};

	(void)state;
	assert_int_equal(db_run(db, &ADD_CHILD, in, 2, NULL, &why), ERR_STALE);
}

static void a_value_too_long_is_refused_and_not_cut(void **state)
{
	char text[66] = {0};
	struct db_value in[6] = {db_int(1)};

	(void)state;
	memset(text, 'x', 65);
	in[5] = db_string(text);
	assert_int_equal(db_run(db, &KEEP, in, 6, NULL, &why), ERR_INTERNAL);
	assert_int_equal(count_rows(), 0);
}

static void text_that_is_no_utf8_is_refused_and_not_logged(void **state)
{
	const struct db_value in[6] = {db_int(1), [5] = db_string("bad \xc3\x28 canary")};

	(void)state;
	assert_int_equal(db_run(db, &KEEP, in, 6, NULL, &why), ERR_INTERNAL);
	assert_null(strstr(why.detail, "canary"));
}

static void a_wrong_statement_is_an_inner_error(void **state)
{
	static const struct db_statement loose = {.name = "loose", .sql = "SELECT 1"};
	const struct db_value in[] = {db_int(1), db_int(2)};
	struct db_value out[5];

	(void)state;
	assert_int_equal(db_read(db, &WRONG, NULL, 0, arena, out, 1, &why), ERR_INTERNAL);
	assert_int_equal(db_read(db, &loose, NULL, 0, arena, out, 1, &why), ERR_INTERNAL);
	assert_int_equal(db_read(db, &KEPT, in, 2, arena, out, 5, &why), ERR_INTERNAL);
	assert_int_equal(db_read(db, &KEPT, in, 1, arena, out, 4, &why), ERR_INTERNAL);
	assert_int_equal(db_run_script(db, SLICE("SELECT 1"), &why), ERR_INTERNAL);
}

/* Many rows of parameters. */

static void many_rows_are_written_as_one(void **state)
{
	struct db_value rows[3 * 6] = {
		db_int(1),     db_int(-1),         db_string("one"), db_bytes(SLICE("\0a")),
		db_time(0),    db_null(),          db_int(2),        db_null(),
		db_string(""), db_null(),          db_time(5),       db_string("two"),
		db_int(3),     db_int(7),          db_null(),        db_bytes(SLICE("")),
		db_null(),     db_string("three"),
	};
	const struct db_value key[] = {db_int(2)};
	struct db_value out[5];
	uint64_t n = 0;

	(void)state;
	assert_int_equal(db_run_many(db, &KEEP, rows, 3, 6, &n, &why), OK);
	assert_int_equal(n, 3);
	assert_int_equal(n_of(1), -1);
	assert_int_equal(n_of(3), 7);
	assert_int_equal(db_read(db, &KEPT, key, 1, arena, out, 5, &why), OK);
	assert_int_equal(out[0].kind, DB_NULL);
	assert_string_equal(out[1].bytes.data, "");
	assert_int_equal(out[3].number, 5);
	/* the same statement for one row, and again for two */
	add_row(4, 4);
	rows[0] = db_int(5);
	rows[6] = db_int(6);
	rows[11] = db_null();
	assert_int_equal(db_run_many(db, &KEEP, rows, 2, 6, &n, &why), OK);
	assert_int_equal(count_rows(), 6);
}

static void many_rows_count_those_that_were_found(void **state)
{
	const struct db_value rows[] = {db_int(10), db_int(1),  db_int(20),
					db_int(99), db_int(30), db_int(3)};
	uint64_t n = 0;

	(void)state;
	add_row(1, 0);
	add_row(3, 0);
	assert_int_equal(db_run_many(db, &SET_N, rows, 3, 2, &n, &why), OK);
	assert_int_equal(n, 2);
	assert_int_equal(n_of(3), 30);
}

static void many_rows_are_all_or_none(void **state)
{
	struct db_value rows[2 * 6] = {[0] = db_int(1), [6] = db_int(1)}, found;
	const struct db_value same[] = {db_string("same"), db_int(1), db_string("same"), db_int(2)};
	uint64_t n = 9;

	(void)state;
	assert_int_equal(db_run_many(db, &KEEP, rows, 2, 6, &n, &why), ERR_DUPLICATE);
	assert_int_equal(n, 0);
	assert_int_equal(count_rows(), 0);
	rows[1] = db_int(4);
	rows[7] = db_string("4");
	assert_int_equal(db_run_many(db, &KEEP, rows, 2, 6, &n, &why), ERR_INTERNAL);
	/* the server commits each row of an UPDATE by itself, if it is let */
	add_row(1, 1);
	add_row(2, 2);
	assert_int_equal(db_run_many(db, &SET_V, same, 2, 2, &n, &why), ERR_DUPLICATE);
	assert_int_equal(db_read(db, &KEPT_BY_TEXT, same, 1, arena, &found, 1, &why),
			 ERR_NOT_FOUND);
	empty(NULL);
	assert_int_equal(db_run_many(db, &KEEP, rows, 257, 6, &n, &why), ERR_INTERNAL);
	assert_int_equal(db_run_many(db, &KEEP, rows, 2, 5, &n, &why), ERR_INTERNAL);
	assert_int_equal(count_rows(), 0);
}

/* Users. */

static enum err read_as(const char *user, const char *password)
{
	struct db_settings own;
	struct db_value out[2];
	struct db *mine;
	enum err e;

	db_fixture_settings(&own, NULL, 1);
	snprintf(own.user, sizeof(own.user), "%s", user);
	assert_int_equal(secret_set(&own.config.database_password, slice_of(password)), OK);
	mine = db_fixture_open(&own, DB_RUN);
	e = db_read(mine, &KEPT_COUNT, NULL, 0, arena, out, 2, &why);
	db_close(mine);
	secret_wipe(&own.config.database_password);
	return e;
}

static void a_user_needs_its_password_and_no_more_than_the_tables(void **state)
{
	(void)state;
	db_fixture_sql("CREATE OR REPLACE USER runner@localhost IDENTIFIED VIA"
		       " mysql_native_password USING PASSWORD('canary-right')");
	db_fixture_sql("GRANT SELECT ON calbridge_test.kept TO runner@localhost");
	assert_int_equal(read_as("runner", "canary-right"), OK);
	assert_int_equal(read_as("runner", "canary-wrong"), ERR_DB);
	assert_null(strstr(why.detail, "canary"));
	assert_int_equal(read_as("runner", ""), ERR_DB);
	db_fixture_sql("REVOKE SELECT ON calbridge_test.kept FROM runner@localhost");
	assert_true(read_as("runner", "canary-right") != OK);
}

/* Transactions. */

struct steps {
	enum err answer;
	enum err seen;
	enum err after;
	int runs;
};

static enum err add_two(struct db *tx, void *cx, struct fail *reason)
{
	struct steps *steps = cx;
	const struct db_value a[6] = {db_int(1)}, b[6] = {db_int(2)};
	enum err e = db_run(tx, &KEEP, a, 6, NULL, reason);

	if (!e)
		e = db_run(tx, &KEEP, b, 6, NULL, reason);
	steps->runs++;
	return e ? e : steps->answer;
}

static void what_work_does_is_committed_together_or_not_at_all(void **state)
{
	struct steps steps = {.answer = ERR_STALE};

	(void)state;
	assert_int_equal(db_transact(db, add_two, &steps, &why), ERR_STALE);
	assert_int_equal(count_rows(), 0);
	steps.answer = OK;
	assert_int_equal(db_transact(db, add_two, &steps, &why), OK);
	assert_int_equal(count_rows(), 2);
	assert_int_equal(db_transact(db, add_two, &steps, &why), ERR_DUPLICATE);
	assert_int_equal(steps.runs, 3);
}

static enum err go_on_after_duplicate(struct db *tx, void *cx, struct fail *reason)
{
	struct steps *steps = cx;
	const struct db_value taken[6] = {db_int(1)}, free_one[6] = {db_int(2)};

	steps->seen = db_run(tx, &KEEP, taken, 6, NULL, reason);
	steps->after = db_run(tx, &KEEP, free_one, 6, NULL, reason);
	return OK;
}

static void a_duplicate_leaves_the_transaction_alive(void **state)
{
	struct steps steps = {0};

	(void)state;
	add_row(1, 0);
	assert_int_equal(db_transact(db, go_on_after_duplicate, &steps, &why), OK);
	assert_int_equal(steps.seen, ERR_DUPLICATE);
	assert_int_equal(steps.after, OK);
	assert_int_equal(count_rows(), 2);
}

static enum err go_on_after_failure(struct db *tx, void *cx, struct fail *reason)
{
	struct steps *steps = cx;
	const struct db_value in[6] = {db_int(1)};
	struct db_value out;

	steps->answer = db_run(tx, &KEEP, in, 6, NULL, reason);
	steps->seen = db_read(tx, &WRONG, NULL, 0, arena, &out, 1, reason);
	steps->after = db_run(tx, &DROP_ALL, NULL, 0, NULL, reason);
	return OK;
}

static void a_failed_transaction_sends_nothing_more_and_commits_nothing(void **state)
{
	struct steps steps = {0};

	(void)state;
	add_row(5, 0);
	assert_int_equal(db_transact(db, go_on_after_failure, &steps, &why), ERR_INTERNAL);
	assert_int_equal(steps.answer, OK);
	assert_int_equal(steps.after, ERR_INTERNAL);
	assert_int_equal(count_rows(), 1);
}

static enum err nest(struct db *tx, void *cx, struct fail *reason)
{
	return db_transact(tx, add_two, cx, reason);
}

static void transactions_do_not_nest(void **state)
{
	struct steps steps = {0};

	(void)state;
	assert_int_equal(db_transact(db, nest, &steps, &why), ERR_INTERNAL);
	assert_int_equal(steps.runs, 0);
}

static enum err many_in_transaction(struct db *tx, void *cx, struct fail *reason)
{
	const struct db_value rows[2 * 6] = {[0] = db_int(1), [6] = db_int(2)};
	enum err *answer = cx;
	enum err e = db_run_many(tx, &KEEP, rows, 2, 6, NULL, reason);

	return e ? e : *answer;
}

static void many_rows_belong_to_the_transaction_they_are_in(void **state)
{
	enum err answer = ERR_STALE;

	(void)state;
	assert_int_equal(db_transact(db, many_in_transaction, &answer, &why), ERR_STALE);
	assert_int_equal(count_rows(), 0);
	answer = OK;
	assert_int_equal(db_transact(db, many_in_transaction, &answer, &why), OK);
	assert_int_equal(count_rows(), 2);
}

/* Two threads that lock the same rows in opposite order. */
struct rival {
	int64_t first;
	int64_t second;
	pthread_barrier_t *both_hold;
	int runs;
	enum err e;
};

static enum err add_in_order(struct db *tx, void *cx, struct fail *reason)
{
	struct rival *rival = cx;
	const struct db_value first[] = {db_int(rival->first)};
	const struct db_value second[] = {db_int(rival->second)};
	enum err e = db_run(tx, &ADD_N, first, 1, NULL, reason);

	if (!rival->runs++)
		pthread_barrier_wait(rival->both_hold);
	return e ? e : db_run(tx, &ADD_N, second, 1, NULL, reason);
}

static void *run_rival(void *cx)
{
	struct rival *rival = cx;
	struct fail reason = {0};

	rival->e = db_transact(db, add_in_order, rival, &reason);
	return NULL;
}

static void a_deadlock_is_repeated_and_nothing_is_counted_twice(void **state)
{
	pthread_barrier_t both_hold;
	struct rival rivals[2] = {{.first = 1, .second = 2, .both_hold = &both_hold},
				  {.first = 2, .second = 1, .both_hold = &both_hold}};
	pthread_t threads[2];

	(void)state;
	add_row(1, 0);
	add_row(2, 0);
	pthread_barrier_init(&both_hold, NULL, 2);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run_rival, &rivals[i]), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&both_hold);
	assert_int_equal(rivals[0].e, OK);
	assert_int_equal(rivals[1].e, OK);
	assert_int_equal(rivals[0].runs + rivals[1].runs, 3);
	assert_int_equal(n_of(1), 2);
	assert_int_equal(n_of(2), 2);
}

/* The pool. */

struct holder {
	struct db *pool;
	sem_t *holds;
	sem_t *let_go;
};

static enum err hold(struct db *tx, void *cx, struct fail *reason)
{
	struct holder *holder = cx;

	(void)tx;
	(void)reason;
	sem_post(holder->holds);
	sem_wait(holder->let_go);
	return OK;
}

static void *run_holder(void *cx)
{
	struct holder *holder = cx;
	struct fail reason = {0};
	enum err e = db_transact(holder->pool, hold, cx, &reason);

	return (void *)(intptr_t)e;
}

static void an_exhausted_pool_is_busy_after_two_seconds(void **state)
{
	struct db_settings two;
	sem_t holds, let_go;
	struct holder holder = {.holds = &holds, .let_go = &let_go};
	pthread_t threads[2];
	struct db_value out[2];
	int64_t began_ms, took_ms;

	(void)state;
	db_fixture_settings(&two, NULL, 2);
	holder.pool = db_fixture_open(&two, DB_RUN);
	sem_init(&holds, 0, 0);
	sem_init(&let_go, 0, 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run_holder, &holder), 0);
	sem_wait(&holds);
	sem_wait(&holds);
	began_ms = clock_mono_ms();
	assert_int_equal(db_read(holder.pool, &KEPT_COUNT, NULL, 0, arena, out, 2, &why), ERR_BUSY);
	took_ms = clock_mono_ms() - began_ms;
	assert_in_range(took_ms, 1990, 2600);
	sem_post(&let_go);
	sem_post(&let_go);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(db_read(holder.pool, &KEPT_COUNT, NULL, 0, arena, out, 2, &why), OK);
	db_close(holder.pool);
	sem_destroy(&holds);
	sem_destroy(&let_go);
}

static enum err read_beside(struct db *tx, void *cx, struct fail *reason)
{
	struct db_value out[2];

	(void)tx;
	return db_read(cx, &KEPT_COUNT, NULL, 0, arena, out, 2, reason);
}

static void who_writes_for_many_has_one_connection_whatever_the_pool(void **state)
{
	struct db_settings many;
	struct db *one;

	(void)state;
	db_fixture_settings(&many, NULL, 16);
	one = db_fixture_open(&many, DB_RUN_FOR_MANY);
	assert_int_equal(db_transact(one, read_beside, one, &why), ERR_BUSY);
	assert_int_equal(read_beside(NULL, one, &why), OK);
	db_close(one);
}

/* Beside a transaction that has locked the row: in the time of one lock wait, many tries. */
static enum err write_beside(struct db *tx, void *cx, struct fail *reason)
{
	const struct db_value in[] = {db_int(1)};
	int64_t began_ms = clock_mono_ms();
	enum err e = db_run(tx, &ADD_N, in, 1, NULL, reason);

	assert_int_equal(e, OK);
	assert_int_equal(db_run(cx, &ADD_N, in, 1, NULL, reason), ERR_DB);
	assert_in_range(clock_mono_ms() - began_ms, 0, 1500);
	return OK;
}

static void who_writes_for_many_waits_for_no_lock(void **state)
{
	struct db_settings two;
	struct db *one;

	(void)state;
	db_fixture_settings(&two, NULL, 2);
	one = db_fixture_open(&two, DB_RUN_FOR_MANY);
	add_row(1, 0);
	assert_int_equal(db_transact(db, write_beside, one, &why), OK);
	assert_int_equal(n_of(1), 1);
	db_close(one);
}

static void *add_often(void *cx)
{
	const struct db_value in[] = {db_int(1)};
	struct fail reason = {0};
	struct db *few = cx;
	uint64_t n;

	for (int i = 0; i < EACH; i++)
		if (db_run(few, &ADD_N, in, 1, &n, &reason) || n != 1)
			return cx;
	return NULL;
}

static void more_threads_than_connections_lose_nothing(void **state)
{
	struct db_settings three;
	pthread_t threads[THREADS];
	struct db *few;

	(void)state;
	db_fixture_settings(&three, NULL, 3);
	few = db_fixture_open(&three, DB_RUN);
	add_row(1, 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_often, few), 0);
	for (int i = 0; i < THREADS; i++) {
		void *failed;

		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	db_close(few);
	assert_int_equal(n_of(1), THREADS * EACH);
}

static void hosts_that_are_none_are_refused(void **state)
{
	static const char *const bad[] = {"",      "unix:",  "unix:rel",   ":3306",
					  "host:", "host:0", "host:65536", "[::1",
					  "a,,b",  "[::1]x", "h:33o6",     "1,2,3,4,5,6,7,8,9"};
	struct db_settings wrong;
	struct db *none;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		db_fixture_settings(&wrong, bad[i], 1);
		assert_int_equal(db_open(&wrong.config, DB_RUN, &none, &why), ERR_CONFIG);
		assert_null(none);
	}
	db_fixture_settings(&wrong, "db.example.com", 1);
	snprintf(wrong.ca_file, sizeof(wrong.ca_file), "/nonexistent/ca.pem");
	assert_int_equal(db_open(&wrong.config, DB_RUN, &none, &why), ERR_CONFIG);
}

static void hosts_are_read_with_their_ports(void **state)
{
	struct db_settings many;
	struct db_pool *pool;

	(void)state;
	db_fixture_settings(&many, "unix:/a/b, 127.0.0.1:33 ,::1,[::1]:34,db.example.com", 1);
	assert_int_equal(db_pool_new(&many.config, DB_RUN, &pool, &why), OK);
	assert_int_equal(pool->n_hosts, 5);
	assert_string_equal(pool->hosts[0].name, "/a/b");
	assert_int_equal(pool->hosts[0].port, 0);
	assert_int_equal(pool->hosts[1].port, 33);
	assert_false(pool->hosts[1].tls);
	assert_string_equal(pool->hosts[2].name, "::1");
	assert_int_equal(pool->hosts[2].port, 3306);
	assert_false(pool->hosts[2].tls);
	assert_int_equal(pool->hosts[3].port, 34);
	assert_true(pool->hosts[4].tls);
	db_pool_free(pool);
}

static void the_flush_setting_is_known(void **state)
{
	int64_t flush = 0;

	(void)state;
	assert_int_equal(db_flush_setting(db, &flush, &why), OK);
	assert_int_equal(flush, 1);
}

static void count_statement(void *cx, const struct db_statement *statement)
{
	int *found = cx;

	*found += statement == &KEEP || statement == &OTHER_KINDS;
}

static void every_statement_of_the_program_is_listed(void **state)
{
	int found = 0;

	(void)state;
	db_statements_each(count_statement, &found);
	assert_int_equal(found, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_kind_comes_back_as_it_was, empty),
		cmocka_unit_test_setup(hostile_text_finds_only_itself, empty),
		cmocka_unit_test_setup(nothing_and_empty_differ, empty),
		cmocka_unit_test_setup(times_keep_their_milliseconds_from_1970_to_9999, empty),
		cmocka_unit_test_setup(a_time_beyond_9999_is_refused, empty),
		cmocka_unit_test_setup(megabytes_come_back_whole, empty),
		cmocka_unit_test_setup(an_id_comes_back_and_no_id_is_null, empty),
		cmocka_unit_test_setup(other_types_are_numbers_times_or_text, empty),
		cmocka_unit_test_setup(a_number_that_does_not_fit_is_an_error, empty),
		cmocka_unit_test_setup(a_connection_has_our_settings, empty),
		cmocka_unit_test_setup(all_rows_come_in_order, empty),
		cmocka_unit_test_setup(ten_thousand_rows_are_read_and_not_one_more, empty),
		cmocka_unit_test_setup(the_first_of_many_rows_is_read, empty),
		cmocka_unit_test_setup(an_arena_that_is_full_is_no_memory, empty),
		cmocka_unit_test_setup(rows_found_are_counted_even_if_nothing_changes, empty),
		cmocka_unit_test_setup(a_unique_key_is_named_and_its_value_is_not, empty),
		cmocka_unit_test_setup(a_foreign_key_is_stale, empty),
		cmocka_unit_test_setup(a_value_too_long_is_refused_and_not_cut, empty),
		cmocka_unit_test_setup(text_that_is_no_utf8_is_refused_and_not_logged, empty),
		cmocka_unit_test_setup(a_wrong_statement_is_an_inner_error, empty),
		cmocka_unit_test_setup(many_rows_are_written_as_one, empty),
		cmocka_unit_test_setup(many_rows_count_those_that_were_found, empty),
		cmocka_unit_test_setup(many_rows_are_all_or_none, empty),
		cmocka_unit_test_setup(a_user_needs_its_password_and_no_more_than_the_tables,
				       empty),
		cmocka_unit_test_setup(what_work_does_is_committed_together_or_not_at_all, empty),
		cmocka_unit_test_setup(a_duplicate_leaves_the_transaction_alive, empty),
		cmocka_unit_test_setup(a_failed_transaction_sends_nothing_more_and_commits_nothing,
				       empty),
		cmocka_unit_test_setup(transactions_do_not_nest, empty),
		cmocka_unit_test_setup(many_rows_belong_to_the_transaction_they_are_in, empty),
		cmocka_unit_test_setup(a_deadlock_is_repeated_and_nothing_is_counted_twice, empty),
		cmocka_unit_test_setup(an_exhausted_pool_is_busy_after_two_seconds, empty),
		cmocka_unit_test_setup(who_writes_for_many_has_one_connection_whatever_the_pool,
				       empty),
		cmocka_unit_test_setup(who_writes_for_many_waits_for_no_lock, empty),
		cmocka_unit_test_setup(more_threads_than_connections_lose_nothing, empty),
		cmocka_unit_test_setup(hosts_that_are_none_are_refused, empty),
		cmocka_unit_test_setup(hosts_are_read_with_their_ports, empty),
		cmocka_unit_test_setup(the_flush_setting_is_known, empty),
		cmocka_unit_test_setup(every_statement_of_the_program_is_listed, empty),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
