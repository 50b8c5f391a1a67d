#ifndef CB_TESTS_DB_FIXTURE_H
#define CB_TESTS_DB_FIXTURE_H
/*
 * db_fixture: a database to test app/io/db against, on the server that with_mariadb.sh
 * started. Everything here fails the test when it cannot.
 */
#include <stdint.h>

#include "base/config.h"
#include "io/db.h"

enum { HOSTS_BYTES = 512 };

/* Settings filled by hand, and the memory that they point to. */
struct db_settings {
	struct config config;
	char hosts[HOSTS_BYTES];
	char name[32];
	char user[32];
	char ca_file[256];
};

/* The value of an environment variable of with_mariadb.sh. */
const char *db_fixture_env(const char *name);

/* Settings for these hosts (NULL: the server's own socket), and a pool of so many. */
void db_fixture_settings(struct db_settings *out, const char *hosts, int pool);

/* A handle on them. The caller closes it before the settings go. */
struct db *db_fixture_open(const struct db_settings *settings, enum db_role role);

/* The one that scripts run on: a migrating handle on the test's own database. */
struct db *db_fixture_admin(void);

/* Makes the database anew, empty. For cmocka_run_group_tests, with its end. */
int db_fixture_start(void **state);
int db_fixture_stop(void **state);

/* Runs one statement, formatted. */
void db_fixture_sql(const char *format, ...) PRINTF_LIKE(1, 2);

/* Waits until done(cx) says yes, at most that long; fails the test if it does not. */
void db_fixture_await(bool (*done)(void *cx), void *cx, int64_t most_ms);

/* kill -9 of the server; and a start, which returns when the server answers. */
void db_fixture_kill_server(void);
void db_fixture_start_server(void);

#endif
