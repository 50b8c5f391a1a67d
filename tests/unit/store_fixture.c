#include "tests/unit/store_fixture.h"

#include <glob.h>
#include <mysql.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/config.h"
#include "base/digest.h"

enum { SQL_BYTES = 16384, ARENA_BYTES = 1 << 22, ID_HEX_BYTES = 40, N_HEX = 8 };

static char database[] = "calbridge";
static struct config config = {
	.database_name = database,
	.database_pool = STORE_THREADS + 4,
};
static char hosts[256];
static struct db *pool;
static struct arena *arena;
static MYSQL *plain;  /* past the stores */
static MYSQL *holder; /* of what store_lock locked */

static MYSQL *connect_plain(const char *name)
{
	MYSQL *mysql = mysql_init(NULL);

	assert_non_null(mysql);
	mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	if (!mysql_real_connect(mysql, NULL, getenv("TEST_DB_USER"), NULL, name, 0,
				getenv("TEST_DB_SOCKET"), CLIENT_MULTI_STATEMENTS))
		fail_msg("%s", mysql_error(mysql));
	return mysql;
}

static void run_plain(MYSQL *mysql, const char *sql)
{
	int more = 0;

	if (mysql_query(mysql, sql))
		fail_msg("%s: %s", sql, mysql_error(mysql));
	while (more == 0) {
		mysql_free_result(mysql_store_result(mysql));
		more = mysql_next_result(mysql);
	}
	if (more > 0)
		fail_msg("%s: %s", sql, mysql_error(mysql));
}

static void run_file(const char *path)
{
	static char sql[SQL_BYTES];
	FILE *file = fopen(path, "r");
	size_t len;

	assert_non_null(file);
	len = fread(sql, 1, sizeof(sql) - 1, file);
	assert_true(len < sizeof(sql) - 1);
	sql[len] = '\0';
	fclose(file);
	run_plain(plain, sql);
}

static void make_schema(void)
{
	const char *top = getenv("srcdir");
	char pattern[512];
	glob_t found;

	run_plain(plain, "CREATE DATABASE calbridge CHARACTER SET utf8mb4; USE calbridge;"
			 "SET time_zone = '+00:00'");
	snprintf(pattern, sizeof(pattern), "%s/sql/[0-9]*.sql", top ? top : ".");
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		run_file(found.gl_pathv[i]);
	globfree(&found);
}

int store_start(void **state)
{
	struct fail why = {0};
	const char *socket = getenv("TEST_DB_SOCKET");

	(void)state;
	if (!socket) {
		fprintf(stderr, "run me by with_mariadb.sh\n");
		return -1;
	}
	snprintf(hosts, sizeof(hosts), "unix:%s", socket);
	config.database_hosts = hosts;
	config.database_user = getenv("TEST_DB_USER");
	config.database_migrate_user = config.database_user;
	plain = connect_plain(NULL);
	make_schema();
	arena = arena_new(ARENA_BYTES, ARENA_BYTES);
	return !arena || digest_start() || db_open(&config, DB_RUN, &pool, &why) ? -1 : 0;
}

int store_stop(void **state)
{
	(void)state;
	db_close(pool);
	arena_free(arena);
	mysql_close(plain);
	mysql_library_end();
	return 0;
}

const struct config *store_config(void)
{
	return &config;
}

struct db *store_db(void)
{
	return pool;
}

struct arena *store_arena(void)
{
	return arena;
}

int store_fresh_arena(void **state)
{
	(void)state;
	arena_reset(arena);
	return 0;
}

static void PRINTF_LIKE(2, 0) format_sql(char out[SQL_BYTES], const char *format, va_list args)
{
	int len = vsnprintf(out, SQL_BYTES, format, args);

	assert_true(len > 0 && len < SQL_BYTES);
}

void store_sql(const char *format, ...)
{
	char sql[SQL_BYTES];
	va_list args;

	va_start(args, format);
	format_sql(sql, format, args);
	va_end(args);
	run_plain(plain, sql);
}

int64_t store_number(const char *format, ...)
{
	char sql[SQL_BYTES];
	MYSQL_RES *rows;
	MYSQL_ROW row;
	int64_t number;
	va_list args;

	va_start(args, format);
	format_sql(sql, format, args);
	va_end(args);
	if (mysql_query(plain, sql))
		fail_msg("%s: %s", sql, mysql_error(plain));
	rows = mysql_store_result(plain);
	assert_non_null(rows);
	row = mysql_fetch_row(rows);
	if (!row || !row[0])
		fail_msg("%s: nothing", sql);
	number = strtoll(row[0], NULL, 10);
	mysql_free_result(rows);
	return number;
}

const char *store_hex(const struct id *id)
{
	static char texts[N_HEX][ID_HEX_BYTES];
	static unsigned turn;
	char *text = texts[turn++ % N_HEX];
	int at = snprintf(text, ID_HEX_BYTES, "X'");

	for (unsigned i = 0; i < ID_BYTES; i++)
		at += snprintf(text + at, ID_HEX_BYTES - (size_t)at, "%02x", id->bytes[i]);
	snprintf(text + at, ID_HEX_BYTES - (size_t)at, "'");
	return text;
}

void store_lock(const char *format, ...)
{
	char sql[SQL_BYTES];
	va_list args;

	va_start(args, format);
	format_sql(sql, format, args);
	va_end(args);
	holder = connect_plain(database);
	run_plain(holder, "BEGIN");
	run_plain(holder, sql);
}

void store_unlock(void)
{
	mysql_close(holder);
	holder = NULL;
}

struct search {
	const char *name;
	const char *sql;
};

static void look_at(void *cx, const struct db_statement *statement)
{
	struct search *search = cx;

	if (!strcmp(statement->name, search->name))
		search->sql = statement->sql;
}

static MYSQL_RES *explain(const char *name, const char *const literals[])
{
	struct search search = {.name = name};
	char sql[SQL_BYTES] = "EXPLAIN ";
	size_t len = strlen(sql), n = 0;

	db_statements_each(look_at, &search);
	assert_non_null(search.sql);
	for (const char *at = search.sql; *at; at++) {
		if (*at == '?')
			len += (size_t)snprintf(sql + len, sizeof(sql) - len, "%s", literals[n++]);
		else
			sql[len++] = *at;
		assert_true(len < sizeof(sql) - 1);
	}
	sql[len] = '\0';
	if (mysql_query(plain, sql))
		fail_msg("%s: %s", sql, mysql_error(plain));
	return mysql_store_result(plain);
}

enum { EXPLAIN_TYPE = 3, EXPLAIN_KEY = 5 };

static bool is_by_key(const char *type)
{
	return type &&
	       (!strcmp(type, "const") || !strcmp(type, "eq_ref") || !strcmp(type, "system"));
}

bool store_reads_by_key(const char *name, const char *const literals[], unsigned *tables)
{
	MYSQL_RES *rows = explain(name, literals);
	MYSQL_ROW row;
	bool good = true;

	*tables = 0;
	while ((row = mysql_fetch_row(rows))) {
		(*tables)++;
		if (!is_by_key(row[EXPLAIN_TYPE])) {
			print_error("%s: %s is read as %s\n", name, row[2] ? row[2] : "nothing",
				    row[EXPLAIN_TYPE] ? row[EXPLAIN_TYPE] : row[9]);
			good = false;
		}
	}
	mysql_free_result(rows);
	return good;
}

static const char *explained(const char *name, const char *const literals[], unsigned column)
{
	static char word[128];
	MYSQL_RES *rows = explain(name, literals);
	MYSQL_ROW row = mysql_fetch_row(rows);

	snprintf(word, sizeof(word), "%s", row && row[column] ? row[column] : "");
	mysql_free_result(rows);
	return word;
}

const char *store_key_of(const char *name, const char *const literals[])
{
	return explained(name, literals, EXPLAIN_KEY);
}

const char *store_access_of(const char *name, const char *const literals[])
{
	return explained(name, literals, EXPLAIN_TYPE);
}

static void prepare_one(void *cx, const struct db_statement *statement)
{
	MYSQL_STMT *handle = mysql_stmt_init(plain);

	(void)cx;
	assert_non_null(handle);
	if (mysql_stmt_prepare(handle, statement->sql, strlen(statement->sql)))
		fail_msg("%s: %s", statement->name, mysql_stmt_error(handle));
	mysql_stmt_close(handle);
}

void store_prepare_all(void)
{
	db_statements_each(prepare_one, NULL);
}

struct id store_tenant(const char *name)
{
	struct id id = id_new();

	store_sql("INSERT INTO tenants (id, name) VALUES (%s, '%s')", store_hex(&id), name);
	return id;
}

struct id store_owner(const struct id *tenant, const char *external_id)
{
	struct id id = id_new();

	store_sql("INSERT INTO owners (id, tenant_id, external_id) VALUES (%s, %s, '%s')",
		  store_hex(&id), store_hex(tenant), external_id);
	return id;
}

struct id store_connection(const struct id *tenant, const struct id *owner, const char *account)
{
	struct id id = id_new();

	store_sql("INSERT INTO coach_calendar_connections (id, tenant_id, owner_id, provider, "
		  "account_id, status, access_token, refresh_token) "
		  "VALUES (%s, %s, %s, 'google', '%s', 'active', 'old access', 'old refresh')",
		  store_hex(&id), store_hex(tenant), store_hex(owner), account);
	return id;
}

struct slice store_hash(unsigned char byte)
{
	char *bytes = arena_alloc(arena, SHA256_BYTES);

	assert_non_null(bytes);
	memset(bytes, byte, SHA256_BYTES);
	return (struct slice){bytes, SHA256_BYTES};
}

struct racer {
	pthread_t thread;
	pthread_barrier_t *start;
	bool (*work)(void *cx, unsigned number);
	void *cx;
	unsigned number;
	bool won;
};

static void *run_racer(void *at)
{
	struct racer *racer = at;

	pthread_barrier_wait(racer->start);
	racer->won = racer->work(racer->cx, racer->number);
	mysql_thread_end();
	return NULL;
}

unsigned store_race(bool (*work)(void *cx, unsigned number), void *cx)
{
	struct racer racers[STORE_THREADS];
	pthread_barrier_t start;
	unsigned won = 0;

	pthread_barrier_init(&start, NULL, STORE_THREADS);
	for (unsigned i = 0; i < STORE_THREADS; i++) {
		racers[i] = (struct racer){.start = &start, .work = work, .cx = cx, .number = i};
		assert_int_equal(pthread_create(&racers[i].thread, NULL, run_racer, &racers[i]), 0);
	}
	for (unsigned i = 0; i < STORE_THREADS; i++) {
		pthread_join(racers[i].thread, NULL);
		won += racers[i].won;
	}
	pthread_barrier_destroy(&start);
	return won;
}
