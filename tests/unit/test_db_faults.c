#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tests/unit/db_fixture.h"
#include "tests/unit/db_proxy.h"

enum { AWAY_MS = 30000, BACK_MS = 2000, WRITERS = 8 };

DB_STATEMENT(ADD, "INSERT INTO kept (id, n) VALUES (?, ?)");
DB_STATEMENT_KEYED(ADD_KEYED, "INSERT INTO kept (id, n) VALUES (?, ?)");
DB_STATEMENT_KEYED(SET_KEYED, "UPDATE kept SET n = ? WHERE id = ?");
DB_STATEMENT_KEYED(RISE_KEYED, "UPDATE kept SET n = n + 1 WHERE n = 10 OR (id = 1 AND n = 11)");
DB_STATEMENT_KEYED(SWAP_KEYED, "UPDATE kept SET n = ? WHERE id = ? AND n = ?");
DB_STATEMENT(INCREASE, "UPDATE kept SET n = n + 1 WHERE id = ?");
DB_STATEMENT(READ, "SELECT n FROM kept WHERE id = ?");
DB_STATEMENT(COUNT, "SELECT COUNT(*) FROM kept");
DB_STATEMENT(READ_ALL, "SELECT id, n FROM kept ORDER BY id");
DB_STATEMENT(WHO, "SELECT CONNECTION_ID()");
DB_STATEMENT(IS_THERE, "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = ?");

static struct db_settings direct_settings, settings;
static struct db *direct; /* past the proxy */
static struct db *db;     /* through it, one connection */
static struct db_proxy *proxy;
static struct arena *arena;
static struct fail why;

static void path_of(char *out, size_t size, const char *name)
{
	snprintf(out, size, "%s/%s", db_fixture_env("TEST_DB_FOLDER"), name);
}

static int start(void **state)
{
	db_fixture_start(state);
	db_fixture_sql("CREATE TABLE kept (id BIGINT PRIMARY KEY, n BIGINT NOT NULL)"
		       " ENGINE=InnoDB");
	db_fixture_settings(&direct_settings, NULL, WRITERS);
	direct = db_fixture_open(&direct_settings, DB_RUN);
	arena = arena_new(4096, 1 << 20);
	return arena ? 0 : -1;
}

static int stop(void **state)
{
	db_close(direct);
	arena_free(arena);
	return db_fixture_stop(state);
}

static void add_to(struct db *which, int64_t id, int64_t n)
{
	const struct db_value in[] = {db_int(id), db_int(n)};

	assert_int_equal(db_run(which, &ADD, in, 2, NULL, &why), OK);
}

static int64_t number(const struct db_statement *statement, int64_t parameter)
{
	const struct db_value in[] = {db_int(parameter)};
	struct db_value out;

	if (db_read(direct, statement, in, statement == &COUNT ? 0 : 1, arena, &out, 1, &why))
		fail_msg("%s", why.detail);
	return out.number;
}

/*
 * Each test begins with the rows 1 and 2, both 10, a connection through the proxy, and every
 * statement prepared on it, so that a fault meets what it is meant for.
 */
static int begin(void **state)
{
	const struct db_value zero[] = {db_int(0), db_int(0), db_int(0)};
	char path[128], hosts[160];
	struct db_value out;

	(void)state;
	why = (struct fail){0};
	arena_reset(arena);
	db_fixture_sql("DELETE FROM kept");
	add_to(direct, 1, 10);
	add_to(direct, 2, 10);
	path_of(path, sizeof(path), "proxy");
	snprintf(hosts, sizeof(hosts), "unix:%s", path);
	proxy = db_proxy_new(path, db_fixture_env("TEST_DB_SOCKET"));
	db_fixture_settings(&settings, hosts, 1);
	db = db_fixture_open(&settings, DB_RUN);
	assert_int_equal(db_run(db, &SET_KEYED, zero, 2, NULL, &why), OK);
	assert_int_equal(db_run(db, &SWAP_KEYED, zero, 3, NULL, &why), OK);
	assert_int_equal(db_run(db, &INCREASE, zero, 1, NULL, &why), OK);
	assert_int_equal(db_run(db, &RISE_KEYED, NULL, 0, NULL, &why), OK);
	db_fixture_sql("UPDATE kept SET n = 10");
	assert_int_equal(db_read(db, &READ, zero, 1, arena, &out, 1, &why), ERR_NOT_FOUND);
	add_to(db, 0, 0);
	assert_int_equal(db_run(db, &ADD_KEYED, zero, 2, NULL, &why), ERR_DUPLICATE);
	db_fixture_sql("DELETE FROM kept WHERE id = 0");
	return 0;
}

static int end(void **state)
{
	(void)state;
	db_close(db);
	db_proxy_free(proxy);
	return 0;
}

static void lose_the_answer_to(int command, const char *text)
{
	db_proxy_arm(proxy, PROXY_SWALLOW, command, text);
}

/* Lost answers. */

static void a_read_is_repeated_after_a_lost_answer(void **state)
{
	const struct db_value in[] = {db_int(1)};
	struct db_value out;

	(void)state;
	lose_the_answer_to(COMMAND_EXECUTE, NULL);
	assert_int_equal(db_read(db, &READ, in, 1, arena, &out, 1, &why), OK);
	assert_int_equal(out.number, 10);
	assert_true(db_proxy_has_struck(proxy));
	assert_int_equal(db_proxy_connections(proxy), 2);
}

static void a_read_of_many_rows_is_repeated_without_doubles(void **state)
{
	struct db_rows rows;

	(void)state;
	assert_int_equal(db_read_all(db, &READ_ALL, NULL, 0, arena, &rows, &why), OK);
	lose_the_answer_to(COMMAND_EXECUTE, NULL);
	assert_int_equal(db_read_all(db, &READ_ALL, NULL, 0, arena, &rows, &why), OK);
	assert_true(db_proxy_has_struck(proxy));
	assert_int_equal(rows.n_rows, 2);
}

static void a_write_whose_answer_is_lost_is_unsure_and_not_repeated(void **state)
{
	const struct db_value in[] = {db_int(1)};
	uint64_t n = 9;

	(void)state;
	lose_the_answer_to(COMMAND_EXECUTE, NULL);
	assert_int_equal(db_run(db, &INCREASE, in, 1, &n, &why), ERR_DB_UNSURE);
	assert_int_equal(n, 0);
	assert_int_equal(number(&READ, 1), 11);
	/* the dead connection is not used again */
	assert_int_equal(db_run(db, &INCREASE, in, 1, &n, &why), OK);
	assert_int_equal(number(&READ, 1), 12);
}

static void a_write_that_did_not_get_there_is_unsure_as_well(void **state)
{
	const struct db_value in[] = {db_int(1)};

	(void)state;
	db_proxy_arm(proxy, PROXY_CUT, COMMAND_EXECUTE, NULL);
	assert_int_equal(db_run(db, &INCREASE, in, 1, NULL, &why), ERR_DB_UNSURE);
	assert_int_equal(number(&READ, 1), 10);
}

static void a_keyed_write_is_repeated_and_ends_right(void **state)
{
	const struct db_value in[] = {db_int(33), db_int(1)};
	uint64_t n = 0;

	(void)state;
	lose_the_answer_to(COMMAND_EXECUTE, NULL);
	assert_int_equal(db_run(db, &SET_KEYED, in, 2, &n, &why), OK);
	assert_true(db_proxy_has_struck(proxy));
	assert_int_equal(n, 1);
	assert_int_equal(number(&READ, 1), 33);
}

static void a_keyed_write_that_did_not_get_there_is_made_up_for(void **state)
{
	const struct db_value swap[] = {db_int(11), db_int(1), db_int(10)};
	const struct db_value add[] = {db_int(5), db_int(50)};
	uint64_t n = 0;

	(void)state;
	db_proxy_arm(proxy, PROXY_CUT, COMMAND_EXECUTE, NULL);
	assert_int_equal(db_run(db, &SWAP_KEYED, swap, 3, &n, &why), OK);
	assert_int_equal(n, 1);
	assert_int_equal(number(&READ, 1), 11);
	assert_int_equal(db_run(db, &ADD_KEYED, swap, 2, &n, &why), OK); /* prepares it again */
	db_proxy_arm(proxy, PROXY_CUT, COMMAND_EXECUTE, NULL);
	assert_int_equal(db_run(db, &ADD_KEYED, add, 2, &n, &why), OK);
	assert_int_equal(number(&READ, 5), 50);
}

/* The repeat finds its own work: only the caller can tell whose it is. */
static void a_repeat_that_finds_nothing_to_do_is_unsure(void **state)
{
	const struct db_value swap[] = {db_int(11), db_int(1), db_int(10)};
	const struct db_value add[] = {db_int(5), db_int(50)};
	uint64_t n = 9;

	(void)state;
	lose_the_answer_to(COMMAND_EXECUTE, NULL);
	assert_int_equal(db_run(db, &SWAP_KEYED, swap, 3, &n, &why), ERR_DB_UNSURE);
	assert_int_equal(n, 0);
	assert_int_equal(number(&READ, 1), 11);
	lose_the_answer_to(COMMAND_EXECUTE, NULL);
	assert_int_equal(db_run(db, &ADD_KEYED, add, 2, &n, &why), ERR_DB_UNSURE);
	assert_int_equal(number(&READ, 5), 50);
}

static void a_repeat_that_finds_fewer_rows_than_it_should_is_unsure(void **state)
{
	uint64_t n = 9;

	(void)state;
	lose_the_answer_to(COMMAND_EXECUTE, NULL);
	assert_int_equal(db_run_rows(db, &RISE_KEYED, NULL, 0, 2, &n, &why), ERR_DB_UNSURE);
	assert_true(db_proxy_has_struck(proxy));
	assert_int_equal(n, 0);
	assert_int_equal(number(&READ, 2), 11);
}

static void what_was_lost_before_it_was_sent_is_sent_again(void **state)
{
	struct db *fresh;
	const struct db_value in[] = {db_int(1)};

	(void)state;
	fresh = db_fixture_open(&settings, DB_RUN);
	lose_the_answer_to(COMMAND_PREPARE, NULL);
	assert_int_equal(db_run(fresh, &INCREASE, in, 1, NULL, &why), OK);
	assert_true(db_proxy_has_struck(proxy));
	assert_int_equal(number(&READ, 1), 11);
	db_close(fresh);
}

static bool is_gone(void *cx)
{
	const int64_t *connection = cx;

	return number(&IS_THERE, *connection) == 0;
}

static void a_connection_that_the_server_closed_is_replaced_unseen(void **state)
{
	const struct db_value in[] = {db_int(1)};
	struct db_value out;

	(void)state;
	assert_int_equal(db_read(db, &WHO, NULL, 0, arena, &out, 1, &why), OK);
	db_fixture_sql("KILL %d", (int)out.number);
	db_fixture_await(is_gone, &out.number, AWAY_MS);
	assert_int_equal(db_run(db, &INCREASE, in, 1, NULL, &why), OK);
	assert_int_equal(number(&READ, 1), 11);
}

/* Many rows. */

static const struct db_value TWO_ROWS[] = {{.kind = DB_INT, .number = 77},
					   {.kind = DB_INT, .number = 1},
					   {.kind = DB_INT, .number = 78},
					   {.kind = DB_INT, .number = 2}};

static void many_keyed_rows_are_repeated_after_a_lost_commit(void **state)
{
	uint64_t n = 0;

	(void)state;
	lose_the_answer_to(COMMAND_QUERY, "COMMIT");
	assert_int_equal(db_run_many(db, &SET_KEYED, TWO_ROWS, 2, 2, &n, &why), OK);
	assert_true(db_proxy_has_struck(proxy));
	assert_int_equal(n, 2);
	assert_int_equal(number(&READ, 2), 78);
}

static void many_rows_lost_before_the_commit_are_sent_again(void **state)
{
	const struct db_value rows[] = {db_int(1), db_int(2)};

	(void)state;
	lose_the_answer_to(COMMAND_BULK, NULL);
	assert_int_equal(db_run_many(db, &INCREASE, rows, 2, 1, NULL, &why), OK);
	assert_true(db_proxy_has_struck(proxy));
	assert_int_equal(number(&READ, 1), 11);
	assert_int_equal(number(&READ, 2), 11);
}

static void many_rows_with_a_lost_commit_are_unsure(void **state)
{
	const struct db_value rows[] = {db_int(1), db_int(2)};
	uint64_t n = 9;

	(void)state;
	lose_the_answer_to(COMMAND_QUERY, "COMMIT");
	assert_int_equal(db_run_many(db, &INCREASE, rows, 2, 1, &n, &why), ERR_DB_UNSURE);
	assert_int_equal(n, 0);
	assert_int_equal(number(&READ, 2), 11);
}

/* They are one statement, which is committed with its last row. */
static void many_inserted_rows_whose_answer_is_lost_are_unsure_and_all_there(void **state)
{
	const struct db_value rows[] = {db_int(6), db_int(60), db_int(7), db_int(70)};

	(void)state;
	for (int keyed = 0; keyed < 2; keyed++) {
		db_fixture_sql("DELETE FROM kept WHERE id > 5");
		lose_the_answer_to(COMMAND_BULK, NULL);
		assert_int_equal(db_run_many(db, keyed ? &ADD_KEYED : &ADD, rows, 2, 2, NULL, &why),
				 ERR_DB_UNSURE);
		assert_true(db_proxy_has_struck(proxy));
		assert_int_equal(number(&COUNT, 0), 4);
	}
}

/* Transactions. */

static enum err increase_both(struct db *tx, void *cx, struct fail *reason)
{
	const struct db_value one[] = {db_int(1)}, two[] = {db_int(2)};
	int *runs = cx;
	enum err e = db_run(tx, &INCREASE, one, 1, NULL, reason);

	++*runs;
	return e ? e : db_run(tx, &INCREASE, two, 1, NULL, reason);
}

static void a_lost_commit_is_unsure_and_not_repeated(void **state)
{
	int runs = 0;

	(void)state;
	lose_the_answer_to(COMMAND_QUERY, "COMMIT");
	assert_int_equal(db_transact(db, increase_both, &runs, &why), ERR_DB_UNSURE);
	assert_int_equal(runs, 1);
	assert_int_equal(number(&READ, 1), 11);
	assert_int_equal(number(&READ, 2), 11);
}

static void a_transaction_lost_before_its_commit_runs_again(void **state)
{
	static const struct {
		int command;
		const char *text;
	} moments[] = {{COMMAND_QUERY, "START TRANSACTION"}, {COMMAND_EXECUTE, NULL}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(moments); i++) {
		int runs = 0;

		lose_the_answer_to(moments[i].command, moments[i].text);
		assert_int_equal(db_transact(db, increase_both, &runs, &why), OK);
		assert_true(db_proxy_has_struck(proxy));
		assert_int_equal(runs, 1 + (int)i);
		assert_int_equal(number(&READ, 1), 11 + (int)i);
		assert_int_equal(number(&READ, 2), 11 + (int)i);
	}
}

/* Hosts. */

static void a_dead_host_is_passed_over(void **state)
{
	struct db_settings two;
	char hosts[HOSTS_BYTES + 160];
	struct db *either;

	(void)state;
	snprintf(hosts, sizeof(hosts), "unix:/nonexistent/db.sock,%s", settings.hosts);
	db_fixture_settings(&two, hosts, 2);
	either = db_fixture_open(&two, DB_RUN);
	add_to(either, 3, 30);
	assert_int_equal(number(&READ, 3), 30);
	db_close(either);
}

struct preferred {
	struct db *db;
	struct db_proxy *proxy;
};

static bool is_used_again(void *cx)
{
	struct preferred *preferred = cx;
	struct db_value out;

	assert_int_equal(db_read(preferred->db, &COUNT, NULL, 0, arena, &out, 1, &why), OK);
	return db_proxy_connections(preferred->proxy) > 0;
}

static void the_first_host_is_used_again_when_it_is_back(void **state)
{
	struct preferred preferred;
	struct db_settings two;
	char path[128], hosts[HOSTS_BYTES + 160];

	(void)state;
	path_of(path, sizeof(path), "first");
	snprintf(hosts, sizeof(hosts), "unix:%s,%s", path, settings.hosts);
	db_fixture_settings(&two, hosts, 1);
	preferred.db = db_fixture_open(&two, DB_RUN);
	add_to(preferred.db, 3, 30);
	preferred.proxy = db_proxy_new(path, db_fixture_env("TEST_DB_SOCKET"));
	db_fixture_await(is_used_again, &preferred, AWAY_MS);
	/* and away again */
	db_proxy_free(preferred.proxy);
	add_to(preferred.db, 4, 40);
	db_close(preferred.db);
}

static void a_host_that_says_nothing_is_given_up_after_two_seconds(void **state)
{
	struct db_settings two;
	struct db_proxy *mute;
	char path[128], hosts[HOSTS_BYTES + 160];
	int64_t began_ms, took_ms;
	struct db *either;

	(void)state;
	path_of(path, sizeof(path), "mute");
	mute = db_proxy_new(path, db_fixture_env("TEST_DB_SOCKET"));
	db_proxy_be_silent(mute, true);
	snprintf(hosts, sizeof(hosts), "unix:%s,%s", path, settings.hosts);
	db_fixture_settings(&two, hosts, 1);
	either = db_fixture_open(&two, DB_RUN);
	began_ms = clock_mono_ms();
	add_to(either, 3, 30);
	took_ms = clock_mono_ms() - began_ms;
	assert_in_range(took_ms, 1900, 3000);
	db_close(either);
	db_proxy_free(mute);
}

static void an_answer_is_awaited_ten_seconds(void **state)
{
	const struct db_value in[] = {db_int(1)};
	int64_t began_ms = clock_mono_ms(), took_ms;

	(void)state;
	db_proxy_arm(proxy, PROXY_SILENT, COMMAND_EXECUTE, NULL);
	assert_int_equal(db_run(db, &INCREASE, in, 1, NULL, &why), ERR_DB_UNSURE);
	took_ms = clock_mono_ms() - began_ms;
	assert_in_range(took_ms, 9900, 11500);
}

/* TLS: 127.1 is 127.0.0.1, but no name that we take for the loopback. */

static enum err read_by_tcp(const char *name, const char *ca_file)
{
	struct db_proxy *tcp = db_proxy_new(NULL, db_fixture_env("TEST_DB_SOCKET"));
	struct db_settings far;
	struct db_value out;
	char hosts[64];
	struct db *there;
	enum err e;

	snprintf(hosts, sizeof(hosts), "%s:%u", name, db_proxy_port(tcp));
	db_fixture_settings(&far, hosts, 1);
	snprintf(far.ca_file, sizeof(far.ca_file), "%s", ca_file);
	there = db_fixture_open(&far, DB_RUN);
	e = db_read(there, &COUNT, NULL, 0, arena, &out, 1, &why);
	db_close(there);
	db_proxy_free(tcp);
	return e;
}

static void the_loopback_needs_no_tls(void **state)
{
	(void)state;
	assert_int_equal(read_by_tcp("127.0.0.1", db_fixture_env("TEST_DB_CA")), OK);
	assert_int_equal(read_by_tcp("localhost", db_fixture_env("TEST_DB_CA")), OK);
}

static void another_host_is_reached_by_tls_with_a_verified_name_alone(void **state)
{
	const char *ca = db_fixture_env("TEST_DB_CA");

	(void)state;
	if (read_by_tcp("127.1", ca))
		fail_msg("%s", why.detail);
	/* the same server by a name that its certificate does not have */
	assert_int_equal(read_by_tcp("127.0.1", ca), ERR_DB);
	/* and with an authority that did not sign it */
	assert_int_equal(read_by_tcp("127.1", "/etc/ssl/certs/ca-certificates.crt"), ERR_DB);
}

/* The server dies. */

static void with_the_server_away_nothing_is_sent_and_nothing_is_unsure(void **state)
{
	const struct db_value in[] = {db_int(1)};
	int64_t began_ms;

	(void)state;
	db_fixture_kill_server();
	began_ms = clock_mono_ms();
	for (int i = 0; i < 20; i++) {
		assert_int_equal(db_run(direct, &INCREASE, in, 1, NULL, &why), ERR_DB);
		assert_int_equal(db_run(direct, &SET_KEYED, TWO_ROWS, 2, NULL, &why), ERR_DB);
	}
	assert_true(clock_mono_ms() - began_ms < 1000);
	db_fixture_start_server();
	began_ms = clock_mono_ms();
	while (db_run(direct, &INCREASE, in, 1, NULL, &why))
		assert_true(clock_mono_ms() - began_ms < BACK_MS);
	assert_int_equal(number(&READ, 1), 11);
}

/* A thread that writes while the server is killed, and counts what was acknowledged. */
struct writer {
	pthread_t thread;
	int64_t id;
	int64_t sure;
	int64_t unsure;
	bool *stop;
};

static void *write_on(void *cx)
{
	struct writer *writer = cx;
	const struct db_value in[] = {db_int(writer->id)};
	struct fail reason = {0};

	while (!__atomic_load_n(writer->stop, __ATOMIC_ACQUIRE)) {
		enum err e = db_run(direct, &INCREASE, in, 1, NULL, &reason);

		writer->sure += e == OK;
		writer->unsure += e == ERR_DB_UNSURE;
	}
	return NULL;
}

struct progress {
	struct writer *writers;
	int64_t wanted;
};

static bool has_progress(void *cx)
{
	const struct progress *progress = cx;
	struct fail reason = {0};
	struct db_value out;
	const struct db_value in[] = {db_int(progress->writers[0].id)};

	return !db_read(direct, &READ, in, 1, arena, &out, 1, &reason) &&
	       out.number >= progress->wanted;
}

static void what_was_acknowledged_outlives_a_killed_server(void **state)
{
	struct writer writers[WRITERS - 1] = {{0}};
	struct progress progress = {.writers = writers, .wanted = 20};
	bool ended = false;

	(void)state;
	for (int i = 0; i < WRITERS - 1; i++) {
		writers[i].id = 100 + i;
		writers[i].stop = &ended;
		add_to(direct, writers[i].id, 0);
		assert_int_equal(pthread_create(&writers[i].thread, NULL, write_on, &writers[i]),
				 0);
	}
	for (int round = 1; round <= 3; round++) {
		db_fixture_await(has_progress, &progress, AWAY_MS);
		db_fixture_kill_server();
		db_fixture_start_server();
		progress.wanted += 20;
	}
	db_fixture_await(has_progress, &progress, AWAY_MS);
	__atomic_store_n(&ended, true, __ATOMIC_RELEASE);
	for (int i = 0; i < WRITERS - 1; i++)
		pthread_join(writers[i].thread, NULL);
	for (int i = 0; i < WRITERS - 1; i++) {
		int64_t stored = number(&READ, writers[i].id);

		assert_in_range(stored, writers[i].sure, writers[i].sure + writers[i].unsure);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(test) cmocka_unit_test_setup_teardown(test, begin, end)
		CASE(a_read_is_repeated_after_a_lost_answer),
		CASE(a_read_of_many_rows_is_repeated_without_doubles),
		CASE(a_write_whose_answer_is_lost_is_unsure_and_not_repeated),
		CASE(a_write_that_did_not_get_there_is_unsure_as_well),
		CASE(a_keyed_write_is_repeated_and_ends_right),
		CASE(a_keyed_write_that_did_not_get_there_is_made_up_for),
		CASE(a_repeat_that_finds_nothing_to_do_is_unsure),
		CASE(a_repeat_that_finds_fewer_rows_than_it_should_is_unsure),
		CASE(what_was_lost_before_it_was_sent_is_sent_again),
		CASE(a_connection_that_the_server_closed_is_replaced_unseen),
		CASE(many_keyed_rows_are_repeated_after_a_lost_commit),
		CASE(many_rows_lost_before_the_commit_are_sent_again),
		CASE(many_rows_with_a_lost_commit_are_unsure),
		CASE(many_inserted_rows_whose_answer_is_lost_are_unsure_and_all_there),
		CASE(a_lost_commit_is_unsure_and_not_repeated),
		CASE(a_transaction_lost_before_its_commit_runs_again),
		CASE(a_dead_host_is_passed_over),
		CASE(the_first_host_is_used_again_when_it_is_back),
		CASE(a_host_that_says_nothing_is_given_up_after_two_seconds),
		CASE(an_answer_is_awaited_ten_seconds),
		CASE(the_loopback_needs_no_tls),
		CASE(another_host_is_reached_by_tls_with_a_verified_name_alone),
		CASE(with_the_server_away_nothing_is_sent_and_nothing_is_unsure),
		CASE(what_was_acknowledged_outlives_a_killed_server),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
