#ifndef CB_TESTS_STORE_FIXTURE_H
#define CB_TESTS_STORE_FIXTURE_H
/*
 * store_fixture: a database with our schema for the tests of app/store, rows to begin with, and
 * ways past the stores: plain SQL to set the clock of a row back, and to look at what stands.
 * The server is the one that with_mariadb.sh started; sql/ is found below $srcdir, or here.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/rand.h"
#include "base/text.h"
#include "io/db.h"

struct config;

/* What a text field must keep as it is. */
#define HOSTILE "' OR 1=1 -- \" \\ % _ ; \xF0\x9F\x98\x80\xF0\x90\x8D\x88"

enum { STORE_THREADS = 16 };

/* For cmocka_run_group_tests. */
int store_start(void **state);
int store_stop(void **state);

/* The settings that the pool has, to be copied by who wants another one. */
const struct config *store_config(void);

/* The pool, as the programs have it, and an arena that the next test finds empty. */
struct db *store_db(void);
struct arena *store_arena(void);

/* For every test that uses store_arena. */
int store_fresh_arena(void **state);

/* Runs one statement, formatted; fails the test when it does. */
void store_sql(const char *format, ...) PRINTF_LIKE(1, 2);

/* The one number that a SELECT gives. */
int64_t store_number(const char *format, ...) PRINTF_LIKE(1, 2);

/* An id as X'...' for the two above; good until the eighth call after it. */
const char *store_hex(const struct id *id);

/* Begins and keeps a transaction of its own that holds what the statement locked; and ends it. */
void store_lock(const char *format, ...) PRINTF_LIKE(1, 2);
void store_unlock(void);

/*
 * Runs EXPLAIN on the statement of that name, its parameters replaced by these literals in turn.
 * True when every table is read by a unique key at most one row at a time; *tables counts them.
 */
bool store_reads_by_key(const char *name, const char *const literals[], unsigned *tables);

/* The key that EXPLAIN names for the first table of a statement; "" for none. */
const char *store_key_of(const char *name, const char *const literals[]);

/* How it goes through that table: "range", "index", ...; good until the next call of either. */
const char *store_access_of(const char *name, const char *const literals[]);

/* Prepares every statement that is linked in; fails the test, with its name, when one does not. */
void store_prepare_all(void);

/* New rows under names of their own. */
struct id store_tenant(const char *name);
struct id store_owner(const struct id *tenant, const char *external_id);
struct id store_connection(const struct id *tenant, const struct id *owner, const char *account);

/* 32 bytes made of one, as a hash; in the arena. */
struct slice store_hash(unsigned char byte);

/* Runs work on STORE_THREADS threads that start together; returns how many said true. */
unsigned store_race(bool (*work)(void *cx, unsigned number), void *cx);

#endif
