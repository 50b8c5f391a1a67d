#ifndef CB_IO_DB_H
#define CB_IO_DB_H
/*
 * db: MariaDB. A pool of connections with their prepared statements cached, an ordered list
 * of hosts, transactions as functions with a bounded retry, and errors sorted by what they
 * mean for what was sent.
 *
 * A struct db is either the pool of a process or one transaction on it: what takes one works
 * in both, so a store function need not know. The pool is safe from all threads, a
 * transaction belongs to the thread it runs on.
 *
 * Stands on base; MariaDB Connector/C (mysql.h is included by app/io alone).
 *
 * Errors of every call:
 *   ERR_DB         away, refused, or beaten by other transactions again and again; nothing
 *                  was changed
 *   ERR_DB_UNSURE  a write was sent and its answer lost: read back before acting
 *   ERR_BUSY       no connection within 2 s
 *   ERR_DUPLICATE  a unique key; why->detail names it
 *   ERR_STALE      a foreign key: what the row refers to is gone, or is still referred to
 *   ERR_NOMEM
 *   ERR_INTERNAL   a statement that is wrong, or a value that its column cannot hold
 *
 * What is repeated, outside a transaction: after a deadlock, a lock wait or a changed row
 * (1213, 1205, 1020) any statement, up to 5 times with jitter, the last one at most 5 s after
 * the first; after a lost connection a read, and a write that is keyed, once on a fresh
 * one; any statement, once, that was not sent. The server answers or is given up: connect
 * 2 s, lock wait 3 s, answer 10 s.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/rand.h"
#include "base/text.h"

struct config;
struct db;

/*
 * Who we are there: the run-time user without DDL; the same over one connection on which one thread
 * writes for many, so that it waits for nobody's lock but is a conflict at once; or the user that
 * migrates.
 */
enum db_role { DB_RUN, DB_RUN_FOR_MANY, DB_MIGRATE };

/*
 * One statement: a named constant at the top of its store file, made by DB_STATEMENT.
 * keyed says that running it twice does what running it once does (a unique key or a
 * compare-and-set stands guard), so that db may repeat it by itself after a lost answer. When
 * such a repeat then meets ERR_DUPLICATE or changes fewer rows than it was given (none, for
 * db_run), nobody can say whether its first run or somebody else was faster: the call
 * returns ERR_DB_UNSURE.
 */
struct db_statement {
	const char *name;
	const char *sql;
	bool keyed;
};

/*
 * Defines a statement. All of them lie in one section, so that a test can walk them
 * (db_statements_each) and prepare each on a fresh schema.
 */
#define DB_STATEMENT_FLAGS(id, is_keyed, text)                                                     \
	static const struct db_statement id                                                        \
		__attribute__((section("db_statements"), used, aligned(8))) = {                    \
			.name = #id, .sql = (text), .keyed = (is_keyed)}
#define DB_STATEMENT(id, text) DB_STATEMENT_FLAGS(id, false, text)
#define DB_STATEMENT_KEYED(id, text) DB_STATEMENT_FLAGS(id, true, text)

/* Calls row for every statement that is linked into the program. */
void db_statements_each(void (*row)(void *cx, const struct db_statement *statement), void *cx);

enum db_kind { DB_NULL, DB_INT, DB_TEXT, DB_BYTES, DB_TIME };

/* A parameter or a column. number is the integer, or milliseconds since 1970 UTC of a DB_TIME. */
struct db_value {
	enum db_kind kind;
	int64_t number;
	struct slice bytes;
};

/* Parameters, for initialisers: text of NULL data and a negative time are NULL. */
struct db_value db_null(void);
struct db_value db_int(int64_t number);
struct db_value db_text(struct slice text);
struct db_value db_string(const char *text);
struct db_value db_bytes(struct slice bytes);
struct db_value db_time(int64_t ms);
struct db_value db_id(const struct id *id); /* NULL or the id of nothing: NULL */

/* Columns: the empty slice, 0, -1 and the id of nothing stand for NULL. */
struct id db_as_id(const struct db_value *value);
int64_t db_as_time(const struct db_value *value);

/*
 * Makes the pool of this process; opens no connection yet. After the fork, never before.
 * config is borrowed for its life. ERR_NOMEM, ERR_CONFIG (TLS files).
 */
MUST_USE enum err db_open(const struct config *config, enum db_role role, struct db **out,
			  struct fail *why);

/* Closes all connections. No call may be running. NULL is fine. */
void db_close(struct db *db);

/*
 * Runs one statement that writes. affected (may be NULL) is the number of rows changed or
 * inserted (rows found but already as wanted count, too: CLIENT_FOUND_ROWS); 0 on any error.
 */
MUST_USE enum err db_run(struct db *db, const struct db_statement *statement,
			 const struct db_value *in, size_t n_in, uint64_t *affected,
			 struct fail *why);

/*
 * The same for a statement that changes n_rows rows: one that is repeated by itself and then
 * changes fewer returns ERR_DB_UNSURE.
 */
MUST_USE enum err db_run_rows(struct db *db, const struct db_statement *statement,
			      const struct db_value *in, size_t n_in, size_t n_rows,
			      uint64_t *affected, struct fail *why);

/*
 * Runs one statement that writes once for each of n_rows (1 to 256) rows of parameters: rows[0] to
 * rows[n_columns-1] are the first row's, and so on. All of them or none: outside a
 * transaction it is one of its own. A parameter is of one kind, or NULL, in all rows. affected (may
 * be NULL) is the sum over all rows: when it is less than hoped for, read back which ones were not
 * found.
 */
MUST_USE enum err db_run_many(struct db *db, const struct db_statement *statement,
			      const struct db_value *rows, size_t n_rows, size_t n_columns,
			      uint64_t *affected, struct fail *why);

/*
 * Reads one row into out[0..n_out-1]; text and bytes live in arena and have a NUL behind them.
 * Times are DB_TIME, whole numbers DB_INT, other numbers their text. For statements that only read.
 * returns also ERR_NOT_FOUND (out is all DB_NULL). More than one row: the first.
 */
MUST_USE enum err db_read(struct db *db, const struct db_statement *statement,
			  const struct db_value *in, size_t n_in, struct arena *arena,
			  struct db_value *out, size_t n_out, struct fail *why);

/* All rows of an answer, row after row; n_columns values each. */
struct db_rows {
	struct db_value *values;
	size_t n_rows;
	size_t n_columns;
};

/* Reads all rows, at most 10,000 (ERR_TOO_LONG). No row is OK with n_rows 0. */
MUST_USE enum err db_read_all(struct db *db, const struct db_statement *statement,
			      const struct db_value *in, size_t n_in, struct arena *arena,
			      struct db_rows *out, struct fail *why);

/*
 * Runs work in one transaction (READ COMMITTED) and commits when it returns OK, else rolls
 * back. A deadlock repeats all of work, at most 5 times, with jitter, and so does, once, a
 * connection that is lost before COMMIT: work must have no effect beside the database, and
 * starts from the same cx each time. Not nested.
 * After an error other than ERR_NOT_FOUND, ERR_DUPLICATE, ERR_STALE, ERR_TOO_LONG or ERR_NOMEM
 * the transaction is over: no further statement of work is sent, nothing is committed.
 * returns what work returned, the error that ended the transaction, or ERR_DB_UNSURE when the
 * answer to COMMIT was lost
 */
typedef enum err db_work(struct db *tx, void *cx, struct fail *why);
MUST_USE enum err db_transact(struct db *db, db_work *work, void *cx, struct fail *why);

/* Runs text that is no prepared statement (DDL of a migration). DB_MIGRATE alone. */
MUST_USE enum err db_run_script(struct db *db, struct slice sql, struct fail *why);

/* What the server says about itself that we warn of: its flush setting; 1 is the safe one. */
MUST_USE enum err db_flush_setting(struct db *db, int64_t *out, struct fail *why);

#endif
