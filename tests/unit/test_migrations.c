#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "io/db_inner.h"
#include "store/migration_files.h"
#include "store/migrations.h"
#include "tests/unit/db_fixture.h"
#include "tests/unit/db_proxy.h"

enum { FOLDER_BYTES = 256, COMMANDS_MAX = 400 };

DB_STATEMENT(RECORDED, "SELECT number, name FROM schema_migrations ORDER BY number");
DB_STATEMENT(A_SUM, "SELECT COUNT(*), SUM(n) FROM a");
DB_STATEMENT(B_COUNT, "SELECT COUNT(*) FROM b");
DB_STATEMENT(TRIGGERS, "SELECT COUNT(*) FROM information_schema.TRIGGERS"
		       " WHERE TRIGGER_SCHEMA = DATABASE()");
DB_STATEMENT(HOLDER, "SELECT COUNT(*) FROM schema_migrations_lock WHERE holder IS NOT NULL");

static struct db_settings settings;
static struct db *db;
static struct arena *arena;
static struct fail why;
static char folder[FOLDER_BYTES];

/* A folder of migrations. */

static void path_in(char *out, size_t size, const char *name)
{
	int len = snprintf(out, size, "%s/%s", folder, name);

	assert_in_range(len, 1, size - 1);
}

static void put_file(const char *name, const char *text)
{
	char path[2 * FOLDER_BYTES];
	FILE *file;

	path_in(path, sizeof(path), name);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void drop_file(const char *name)
{
	char path[2 * FOLDER_BYTES];

	path_in(path, sizeof(path), name);
	assert_return_code(unlink(path), errno);
}

static void empty_folder(void)
{
	char command[2 * FOLDER_BYTES];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	assert_int_equal(system(command), 0);
	assert_return_code(mkdir(folder, 0755), errno);
}

/* Each of these can be run again after any other one, as migrations have to be. */
static void put_three(void)
{
	put_file("0001_make_a.sql", "-- a; and what is in it\n"
				    "CREATE TABLE IF NOT EXISTS a (id INT PRIMARY KEY);\n\n"
				    "INSERT IGNORE INTO a VALUES (1), (2);\n");
	put_file("0002_count_a.sql", "ALTER TABLE a ADD COLUMN IF NOT EXISTS n INT NOT NULL\n"
				     "    DEFAULT 7;\n"
				     "UPDATE a SET n = 8 WHERE n = 7;\n");
	put_file("0003_make_b.sql", "CREATE TABLE IF NOT EXISTS b (id INT PRIMARY KEY,\n"
				    "    t VARCHAR(20) DEFAULT ';');\n"
				    "CREATE INDEX IF NOT EXISTS ix_b ON b (t);\n"
				    "INSERT IGNORE INTO b VALUES (1, 'x;\n');\n");
}

static void assert_three_are_applied(void)
{
	struct db_value out[2];
	struct db_rows rows;

	assert_int_equal(db_read_all(db, &RECORDED, NULL, 0, arena, &rows, &why), OK);
	assert_int_equal(rows.n_rows, 3);
	assert_int_equal(rows.values[4].number, 3);
	assert_string_equal(rows.values[3].bytes.data, "0002_count_a.sql");
	assert_int_equal(db_read(db, &A_SUM, NULL, 0, arena, out, 2, &why), OK);
	assert_int_equal(out[0].number, 2);
	assert_int_equal(out[1].number, 16);
	assert_int_equal(db_read(db, &B_COUNT, NULL, 0, arena, out, 1, &why), OK);
	assert_int_equal(out[0].number, 1);
	assert_int_equal(db_read(db, &HOLDER, NULL, 0, arena, out, 1, &why), OK);
	assert_int_equal(out[0].number, 0);
}

static int start(void **state)
{
	db_fixture_start(state);
	db_fixture_settings(&settings, NULL, 2);
	snprintf(folder, sizeof(folder), "%s/sql", db_fixture_env("TEST_DB_FOLDER"));
	arena = arena_new(4096, 1 << 20);
	return arena ? 0 : -1;
}

static int stop(void **state)
{
	arena_free(arena);
	return db_fixture_stop(state);
}

static void new_database(void)
{
	db_fixture_sql("DROP DATABASE calbridge_test");
	db_fixture_sql("CREATE DATABASE calbridge_test CHARACTER SET utf8mb4");
	db_fixture_sql("USE calbridge_test");
}

/* An empty database, the three migrations in the folder. */
static int begin(void **state)
{
	(void)state;
	why = (struct fail){0};
	arena_reset(arena);
	empty_folder();
	put_three();
	new_database();
	db = db_fixture_open(&settings, DB_MIGRATE);
	return 0;
}

static int end(void **state)
{
	(void)state;
	db_close(db);
	return 0;
}

/* Cutting. */

static void statements_end_with_a_semicolon_at_the_end_of_a_line(void **state)
{
	static const char text[] = "-- first; comment\n"
				   "/* and; \n another */ # and; one\n"
				   "SELECT ';\n', \"a\\\";\n\", `x;\n`, 'it''s;\n' -- no; end\n"
				   ", 1--1 /* ;\n */;  \r\n"
				   "\n SELECT\t2;\n"
				   "SELECT 3; -- behind";
	struct slice rest = SLICE("SELECT 1;"), statement;

	(void)state;
	assert_int_equal(migration_files_cut(&rest, &statement, &why), OK);
	assert_true(slice_is(statement, "SELECT 1"));
	assert_int_equal(rest.len, 0);
	rest = slice_of(text);
	assert_int_equal(migration_files_cut(&rest, &statement, &why), OK);
	assert_true(slice_starts(statement, "SELECT ';\n', \"a"));
	assert_true(statement.data[statement.len - 1] == '/');
	assert_int_equal(migration_files_cut(&rest, &statement, &why), OK);
	assert_true(slice_is(statement, "SELECT\t2"));
	assert_int_equal(migration_files_cut(&rest, &statement, &why), ERR_CONFIG);
	rest = SLICE("\n -- nothing but comments\n/* ; */ ");
	assert_int_equal(migration_files_cut(&rest, &statement, &why), OK);
	assert_int_equal(statement.len, 0);
}

static void text_that_is_not_clearly_statements_is_refused(void **state)
{
	static const char *const bad[] = {
		"SELECT 1",
		"SELECT 1; SELECT 2;",
		"SELECT 'open;\n",
		"SELECT \"open;\n",
		"SELECT `open;\n",
		"/* open;\n",
		"SELECT 1 /* open;\n",
		";\n",
		"SELECT 1;;\n",
		"/*! SELECT 1 */;\n",
		"/*M!100 SELECT 1 */;\n",
		"SELECT 'a\\';\n",
		"SELECT 1 -- ;\n",
		"DELIMITER //\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct slice rest = slice_of(bad[i]), statement;

		if (migration_files_cut(&rest, &statement, &why) != ERR_CONFIG)
			fail_msg("not refused: %s", bad[i]);
		assert_int_equal(statement.len, 0);
	}
}

/* Files. */

static enum err read_folder(void)
{
	struct migration_files files;
	enum err e = migration_files_read(folder, &files, &why);

	assert_int_equal(files.n > 0, e == OK);
	migration_files_free(&files);
	return e;
}

static void files_are_numbered_without_gap_or_double(void **state)
{
	(void)state;
	put_file("README", "is no migration");
	assert_int_equal(read_folder(), OK);
	put_file("0005_gap.sql", "SELECT 1;\n");
	assert_int_equal(read_folder(), ERR_CONFIG);
	put_file("0004_fills_it.sql", "SELECT 1;\n");
	assert_int_equal(read_folder(), OK);
	put_file("0004_twice.sql", "SELECT 1;\n");
	assert_int_equal(read_folder(), ERR_CONFIG);
	drop_file("0004_twice.sql");
	drop_file("0001_make_a.sql");
	assert_int_equal(read_folder(), ERR_CONFIG);
	empty_folder();
	assert_int_equal(read_folder(), ERR_CONFIG);
}

static void names_are_four_digits_and_words(void **state)
{
	static const char *const bad[] = {"0004.sql",     "0004_.sql",  "004_x.sql", "4_x.sql",
					  "0004-x.sql",   "0004_X.sql", "x.sql",     "00004_x.sql",
					  "0004_x.y.sql", "0000_x.sql"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		put_file(bad[i], "SELECT 1;\n");
		if (read_folder() != ERR_CONFIG)
			fail_msg("not refused: %s", bad[i]);
		drop_file(bad[i]);
	}
	assert_int_equal(read_folder(), OK);
}

static void a_file_that_is_wrong_stops_before_anything_runs(void **state)
{
	struct db_value out;

	(void)state;
	put_file("0004_wrong.sql", "SELECT 1;\nSELECT 2\n");
	assert_int_equal(migrations_run(db, folder, &why), ERR_CONFIG);
	assert_non_null(strstr(why.detail, "0004_wrong.sql"));
	assert_int_equal(db_read(db, &A_SUM, NULL, 0, arena, &out, 1, &why), ERR_INTERNAL);
	put_file("0004_wrong.sql", "SELECT '\xff';\n");
	assert_int_equal(migrations_run(db, folder, &why), ERR_CONFIG);
	put_file("0004_wrong.sql", "-- nothing\n");
	assert_int_equal(migrations_run(db, folder, &why), ERR_CONFIG);
}

/* Running. */

static void what_is_missing_is_applied_once(void **state)
{
	(void)state;
	drop_file("0003_make_b.sql");
	assert_int_equal(migrations_run(db, folder, &why), OK);
	put_three();
	assert_int_equal(migrations_run(db, folder, &why), OK);
	assert_three_are_applied();
	db_fixture_sql("UPDATE a SET n = 7");
	assert_int_equal(migrations_run(db, folder, &why), OK); /* does not run 0002 again */
	db_fixture_sql("UPDATE a SET n = n + 1");
	assert_three_are_applied();
}

static void a_file_changed_after_it_was_applied_is_refused(void **state)
{
	(void)state;
	assert_int_equal(migrations_run(db, folder, &why), OK);
	put_file("0002_count_a.sql", "SELECT 1;\n");
	put_file("0004_more.sql", "DROP TABLE a;\n");
	assert_int_equal(migrations_run(db, folder, &why), ERR_CONFIG);
	assert_non_null(strstr(why.detail, "0002_count_a.sql"));
	assert_three_are_applied();
}

static void a_schema_newer_than_the_files_is_refused(void **state)
{
	(void)state;
	assert_int_equal(migrations_run(db, folder, &why), OK);
	drop_file("0003_make_b.sql");
	assert_int_equal(migrations_run(db, folder, &why), ERR_CONFIG);
	assert_non_null(strstr(why.detail, "0003_make_b.sql"));
}

static void a_hole_in_what_was_applied_is_refused(void **state)
{
	(void)state;
	assert_int_equal(migrations_run(db, folder, &why), OK);
	db_fixture_sql("DELETE FROM schema_migrations WHERE number = 2");
	assert_int_equal(migrations_run(db, folder, &why), ERR_CONFIG);
}

static void a_statement_that_fails_is_named_and_can_be_mended(void **state)
{
	struct db_rows rows;

	(void)state;
	put_file("0002_count_a.sql", "ALTER TABLE a ADD COLUMN IF NOT EXISTS n INT;\n"
				     "ALTER TABLE nowhere DROP COLUMN x;\n");
	assert_int_equal(migrations_run(db, folder, &why), ERR_INTERNAL);
	assert_non_null(strstr(why.detail, "0002_count_a.sql, statement 2"));
	assert_int_equal(db_read_all(db, &RECORDED, NULL, 0, arena, &rows, &why), OK);
	assert_int_equal(rows.n_rows, 1);
	db_fixture_sql("ALTER TABLE a DROP COLUMN n");
	put_three();
	assert_int_equal(migrations_run(db, folder, &why), OK); /* no lease stands in its way */
	assert_three_are_applied();
}

/* The lease. */

static void hold_lease(int ms)
{
	db_fixture_sql("UPDATE schema_migrations_lock SET holder = UNHEX(REPEAT('7', 32)),"
		       " lease_until = UTC_TIMESTAMP(3) + INTERVAL %d * 1000 MICROSECOND",
		       ms);
}

static void a_lease_is_waited_for_until_it_ends(void **state)
{
	int64_t began_ms, took_ms;

	(void)state;
	assert_int_equal(migrations_run(db, folder, &why), OK);
	hold_lease(700);
	began_ms = clock_mono_ms();
	assert_int_equal(migrations_run(db, folder, &why), OK);
	took_ms = clock_mono_ms() - began_ms;
	assert_in_range(took_ms, 600, 5000);
	assert_three_are_applied();
}

static void a_migrator_that_was_overtaken_stops(void **state)
{
	struct db_value out;

	(void)state;
	/* what another migrator does when this one has slept past its lease */
	put_file("0002_count_a.sql", "UPDATE schema_migrations_lock SET holder = 'another';\n"
				     "INSERT INTO a VALUES (3);\n");
	assert_int_equal(migrations_run(db, folder, &why), ERR_STALE);
	assert_int_equal(db_read(db, &HOLDER, NULL, 0, arena, &out, 1, &why), OK);
	assert_int_equal(out.number, 1); /* and leaves the other one's lease alone */
	hold_lease(-1000);
	put_three();
	assert_int_equal(migrations_run(db, folder, &why), OK);
	assert_three_are_applied();
}

static void *run_one(void *cx)
{
	struct fail reason = {0};
	struct db_settings own;
	enum err e, *answer = cx;
	struct db *mine;

	db_fixture_settings(&own, NULL, 2);
	e = db_open(&own.config, DB_MIGRATE, &mine, &reason);
	if (!e) {
		e = migrations_run(mine, folder, &reason);
		db_close(mine);
	}
	if (e)
		fprintf(stderr, "%s\n", reason.detail);
	*answer = e;
	return NULL;
}

static void two_migrators_at_once_apply_each_file_once(void **state)
{
	(void)state;
	/* not repeatable, so that running it twice would show */
	put_file("0002_count_a.sql", "ALTER TABLE a ADD COLUMN IF NOT EXISTS n INT NOT NULL"
				     " DEFAULT 4;\n"
				     "UPDATE a SET n = n * 2;\n");
	for (int round = 0; round < 5; round++) {
		enum err answers[3] = {ERR_INTERNAL, ERR_INTERNAL, ERR_INTERNAL};
		pthread_t threads[3];

		for (int i = 0; i < 3; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, run_one, &answers[i]),
					 0);
		for (int i = 0; i < 3; i++)
			pthread_join(threads[i], NULL);
		for (int i = 0; i < 3; i++)
			assert_int_equal(answers[i], OK);
		assert_three_are_applied();
		new_database();
		db_close(db);
		db = db_fixture_open(&settings, DB_MIGRATE);
	}
}

/* Killing. The migrator is this program again, with --run, behind a proxy. */

struct killer {
	unsigned number;
	bool answered;
	pid_t victim;
	bool struck;
};

static void strike(void *cx, unsigned n, bool answered)
{
	struct killer *killer = cx;

	if (n != killer->number || answered != killer->answered || killer->struck)
		return;
	killer->struck = true;
	kill(killer->victim, SIGKILL);
}

static pid_t start_migrator(const char *hosts)
{
	pid_t pid = fork();

	if (!pid) {
		raise(SIGSTOP);
		execl("/proc/self/exe", "migrator", "--run", hosts, folder, (char *)NULL);
		_exit(127);
	}
	assert_return_code(pid, errno);
	assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
	return pid;
}

/* False when the migrator has fewer commands than that and came to its end. */
static bool kill_at(unsigned number, bool answered)
{
	struct killer killer = {.number = number, .answered = answered};
	char path[FOLDER_BYTES], hosts[FOLDER_BYTES + 8];
	struct db_proxy *proxy;
	int status;

	snprintf(path, sizeof(path), "%s/kill", db_fixture_env("TEST_DB_FOLDER"));
	snprintf(hosts, sizeof(hosts), "unix:%s", path);
	proxy = db_proxy_new(path, db_fixture_env("TEST_DB_SOCKET"));
	/* it stands still until the killer knows its victim */
	killer.victim = start_migrator(hosts);
	db_proxy_watch(proxy, strike, &killer);
	kill(killer.victim, SIGCONT);
	assert_int_equal(waitpid(killer.victim, &status, 0), killer.victim);
	db_proxy_free(proxy);
	/* its farewell is not waited for: at that one it may end before it is hit */
	assert_true((killer.struck && WIFSIGNALED(status)) ||
		    (WIFEXITED(status) && WEXITSTATUS(status) == 0));
	return killer.struck;
}

static void end_the_lease_of_the_dead(void)
{
	struct fail none = {0};

	/* as if its 30 seconds were over; the table may not be there yet */
	if (db_run_script(db, SLICE("UPDATE schema_migrations_lock SET lease_until = '2000-01-01'"),
			  &none))
		assert_non_null(strstr(none.detail, "1146"));
}

static void a_migrator_killed_at_any_command_is_followed_by_one_that_finishes(void **state)
{
	unsigned number;

	(void)state;
	for (number = 1; number < COMMANDS_MAX; number++) {
		bool struck = false;

		for (int answered = 0; answered < 2; answered++) {
			struck = kill_at(number, answered);
			end_the_lease_of_the_dead();
			if (migrations_run(db, folder, &why))
				fail_msg("after command %u: %s", number, why.detail);
			assert_three_are_applied();
			arena_reset(arena);
			new_database();
			db_close(db);
			db = db_fixture_open(&settings, DB_MIGRATE);
		}
		if (!struck)
			break;
	}
	assert_in_range(number, 20, COMMANDS_MAX - 1); /* so many commands it had */
}

static int run_as_migrator(const char *hosts, const char *sql)
{
	struct fail reason = {0};
	struct db_settings own;
	struct db *mine;
	enum err e;

	log_start(LOG_ERROR, "migrator");
	db_fixture_settings(&own, hosts, 2);
	e = digest_start();
	if (!e)
		e = db_open(&own.config, DB_MIGRATE, &mine, &reason);
	if (!e) {
		e = migrations_run(mine, sql, &reason);
		db_close(mine);
	}
	if (e)
		fprintf(stderr, "migrator: %s\n", reason.detail);
	return e ? 1 : 0;
}

/* Our own schema. */

static void prepare(void *cx, const struct db_statement *statement)
{
	struct db_call call = {.statement = statement};
	struct db_prepared *prepared;

	if (!strcmp(statement->name, "A_SUM") || !strcmp(statement->name, "B_COUNT"))
		return;
	if (db_statement_prepare(cx, &call, &prepared, &why))
		fail_msg("%s", why.detail);
}

static void our_files_make_the_schema_that_the_program_works_with(void **state)
{
	const char *source = getenv("srcdir");
	struct migration_files files;
	char ours[FOLDER_BYTES];
	struct db_conn *conn;

	(void)state;
	snprintf(ours, sizeof(ours), "%s/sql", source ? source : ".");
	assert_int_equal(migration_files_read(ours, &files, &why), OK);
	assert_int_equal(files.n, SCHEMA_VERSION);
	migration_files_free(&files);
	assert_int_equal(migrations_check(db, &why), ERR_CONFIG);
	assert_non_null(strstr(why.detail, "no schema"));
	if (migrations_run(db, ours, &why))
		fail_msg("%s", why.detail);
	if (migrations_check(db, &why))
		fail_msg("%s", why.detail);
	/* every statement that is linked into this program fits it */
	assert_int_equal(db_pool_borrow(db->pool, &conn, &why), OK);
	db_statements_each(prepare, conn);
	db_pool_give_back(db->pool, conn);
}

/* As one does who was killed behind it: what stands above it in the file once more. */
static void run_again_up_to(const struct migration_file *file, size_t end)
{
	struct slice rest = file_slice(&file->text), statement;

	do {
		assert_int_equal(migration_files_cut(&rest, &statement, &why), OK);
		if (statement.len && db_run_script(db, statement, &why))
			fail_msg("%s: %s", file->name, why.detail);
	} while (statement.len && file->text.len - rest.len < end);
}

static void each_of_our_files_can_be_run_again_behind_any_statement(void **state)
{
	const char *source = getenv("srcdir");
	struct migration_files files;
	char ours[FOLDER_BYTES];
	unsigned triggers = 0;
	struct db_value out;

	(void)state;
	snprintf(ours, sizeof(ours), "%s/sql", source ? source : ".");
	assert_int_equal(migration_files_read(ours, &files, &why), OK);
	for (size_t i = 0; i < files.n; i++) {
		struct slice rest = file_slice(&files.items[i].text), statement;

		do {
			assert_int_equal(migration_files_cut(&rest, &statement, &why), OK);
			triggers += slice_starts(statement, "CREATE TRIGGER");
			run_again_up_to(&files.items[i], files.items[i].text.len - rest.len);
		} while (statement.len);
	}
	migration_files_free(&files);
	assert_int_equal(db_read(db, &TRIGGERS, NULL, 0, arena, &out, 1, &why), OK);
	assert_int_equal(out.number, triggers);
}

static void a_schema_that_is_not_ours_is_told(void **state)
{
	(void)state;
	assert_int_equal(migrations_run(db, folder, &why), OK);
	assert_int_equal(migrations_check(db, &why), ERR_CONFIG);
	assert_non_null(strstr(why.detail, "older"));
	for (int i = 4; i <= SCHEMA_VERSION; i++)
		db_fixture_sql("INSERT INTO schema_migrations (number, name, checksum)"
			       " VALUES (%d, 'x', '')",
			       i);
	assert_int_equal(migrations_check(db, &why), OK);
	db_fixture_sql("INSERT INTO schema_migrations (number, name, checksum)"
		       " VALUES (%d, 'x', '')",
		       SCHEMA_VERSION + 1);
	assert_int_equal(migrations_check(db, &why), ERR_CONFIG);
	assert_non_null(strstr(why.detail, "newer"));
	db_fixture_sql("DELETE FROM schema_migrations WHERE number IN (2, %d)", SCHEMA_VERSION + 1);
	assert_int_equal(migrations_check(db, &why), ERR_CONFIG);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define CASE(test) cmocka_unit_test_setup_teardown(test, begin, end)
		CASE(statements_end_with_a_semicolon_at_the_end_of_a_line),
		CASE(text_that_is_not_clearly_statements_is_refused),
		CASE(files_are_numbered_without_gap_or_double),
		CASE(names_are_four_digits_and_words),
		CASE(a_file_that_is_wrong_stops_before_anything_runs),
		CASE(what_is_missing_is_applied_once),
		CASE(a_file_changed_after_it_was_applied_is_refused),
		CASE(a_schema_newer_than_the_files_is_refused),
		CASE(a_hole_in_what_was_applied_is_refused),
		CASE(a_statement_that_fails_is_named_and_can_be_mended),
		CASE(a_lease_is_waited_for_until_it_ends),
		CASE(a_migrator_that_was_overtaken_stops),
		CASE(two_migrators_at_once_apply_each_file_once),
		CASE(a_migrator_killed_at_any_command_is_followed_by_one_that_finishes),
		CASE(our_files_make_the_schema_that_the_program_works_with),
		CASE(each_of_our_files_can_be_run_again_behind_any_statement),
		CASE(a_schema_that_is_not_ours_is_told),
	};

	if (argc == 4 && !strcmp(argv[1], "--run"))
		return run_as_migrator(argv[2], argv[3]);
	log_start(LOG_WARNING, "test");
	return cmocka_run_group_tests(tests, start, stop);
}
