#include "io/db_inner.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/rand.h"

enum {
	CONFLICTS_MAX = 5,         /* repeats after a conflict */
	CONFLICTS_UNTIL_MS = 5000, /* and none later than this */
	JITTER_MS = 4,             /* doubled with each */
	BULK_ROWS_MAX = 256,
};

DB_STATEMENT(DB_FLUSH_SETTING, "SELECT @@GLOBAL.innodb_flush_log_at_trx_commit");

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static int library_failed;

static void start_library(void)
{
	library_failed = mysql_library_init(0, NULL, NULL);
}

enum err db_open(const struct config *config, enum db_role role, struct db **out, struct fail *why)
{
	struct db *db = calloc(1, sizeof(*db));
	enum err e;

	*out = NULL;
	pthread_once(&library_once, start_library);
	if (!db || library_failed) {
		free(db);
		return fail_set(why, ERR_NOMEM, "no memory for the database pool");
	}
	e = db_pool_new(config, role, &db->pool, why);
	if (e)
		free(db);
	else
		*out = db;
	return e;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	db_pool_free(db->pool);
	free(db);
}

/* Repeating. */

static void pause_before(unsigned repeat)
{
	uint32_t most_us = (uint32_t)(JITTER_MS * 1000) << repeat;
	struct timespec pause = {.tv_nsec = (long)(1 + rand_below(most_us)) * 1000};

	nanosleep(&pause, NULL);
}

bool db_may_repeat(struct db_attempts *tries)
{
	if (tries->conflicts == CONFLICTS_MAX ||
	    clock_mono_ms() - tries->began_ms > CONFLICTS_UNTIL_MS)
		return false;
	pause_before(tries->conflicts++);
	return true;
}

bool db_may_reconnect(struct db_attempts *tries)
{
	bool first = !tries->reconnected;

	tries->reconnected = true;
	return first;
}

/* Should the call be run again on conn? Gives it a fresh connection where that is needed. */
static bool goes_on(struct db_pool *pool, struct db_conn *conn, const struct db_call *call,
		    struct db_attempts *tries, enum err *e, struct fail *why)
{
	bool lost = call->fate == FATE_LOST;

	if (call->fate == FATE_CONFLICT)
		return db_may_repeat(tries);
	if (call->fate <= FATE_FAILED)
		return false;
	tries->unsure = tries->unsure || (lost && call->writes);
	if ((lost && call->writes && !call->statement->keyed) || !db_may_reconnect(tries)) {
		db_conn_close(conn);
		return false;
	}
	*e = db_pool_reconnect(pool, conn, why);
	return *e == OK;
}

/* A repeat that found nothing to do does not tell whose work that was. */
static enum err settle(const struct db_call *call, enum err e, struct fail *why)
{
	if (!e && call->affected >= call->n_rows)
		return OK;
	return fail_set(why, ERR_DB_UNSURE, "%s: its answer was lost, and a repeat gave %s",
			call->statement->name, e ? err_code(e) : "fewer rows");
}

static enum err run_in_pool(struct db_pool *pool, struct db_call *call, struct fail *why)
{
	struct db_attempts tries = {.began_ms = clock_mono_ms()};
	struct db_conn *conn;
	enum err e = db_pool_borrow(pool, &conn, why);

	if (e)
		return e;
	do {
		e = call->act(conn, call, why);
	} while (goes_on(pool, conn, call, &tries, &e, why));
	db_pool_give_back(pool, conn);
	return tries.unsure ? settle(call, e, why) : e;
}

/* Errors that leave the transaction as it was before the statement. */
static bool leaves_transaction(enum err e)
{
	return !e || e == ERR_NOT_FOUND || e == ERR_DUPLICATE || e == ERR_STALE ||
	       e == ERR_TOO_LONG || e == ERR_NOMEM;
}

static enum err run_in_transaction(struct db *tx, struct db_call *call, struct fail *why)
{
	enum err e;

	if (tx->tx_fate)
		return fail_set(why, tx->tx_error, "%s: the transaction is over",
				call->statement->name);
	e = call->act(tx->tx_conn, call, why);
	/* a lost connection undoes what was not committed */
	if (e == ERR_DB_UNSURE)
		e = ERR_DB;
	if (call->fate > FATE_FAILED || !leaves_transaction(e)) {
		tx->tx_fate = call->fate > FATE_FAILED ? call->fate : FATE_FAILED;
		tx->tx_error = e;
	}
	return e;
}

static enum err run(struct db *db, struct db_call *call, struct fail *why)
{
	return db->tx_conn ? run_in_transaction(db, call, why) : run_in_pool(db->pool, call, why);
}

/* The calls. */

enum err db_run(struct db *db, const struct db_statement *statement, const struct db_value *in,
		size_t n_in, uint64_t *affected, struct fail *why)
{
	return db_run_rows(db, statement, in, n_in, 1, affected, why);
}

enum err db_run_rows(struct db *db, const struct db_statement *statement, const struct db_value *in,
		     size_t n_in, size_t n_rows, uint64_t *affected, struct fail *why)
{
	struct db_call call = {.act = db_statement_run,
			       .statement = statement,
			       .in = in,
			       .n_in = n_in,
			       .n_rows = n_rows,
			       .writes = true};
	enum err e = run(db, &call, why);

	if (affected)
		*affected = e ? 0 : call.affected;
	return e;
}

enum err db_run_many(struct db *db, const struct db_statement *statement,
		     const struct db_value *rows, size_t n_rows, size_t n_columns,
		     uint64_t *affected, struct fail *why)
{
	struct db_call call = {.act = n_rows == 1 ? db_statement_run : db_bulk_run,
			       .statement = statement,
			       .in = rows,
			       .n_in = n_columns,
			       .n_rows = n_rows,
			       .alone = !db->tx_conn,
			       .writes = true};
	enum err e;

	if (affected)
		*affected = 0;
	if (n_rows < 1 || n_rows > BULK_ROWS_MAX)
		return fail_set(why, ERR_INTERNAL, "%s: %zu rows at once", statement->name, n_rows);
	e = run(db, &call, why);
	if (affected && !e)
		*affected = call.affected;
	return e;
}

enum err db_read(struct db *db, const struct db_statement *statement, const struct db_value *in,
		 size_t n_in, struct arena *arena, struct db_value *out, size_t n_out,
		 struct fail *why)
{
	struct db_call call = {.act = db_statement_read,
			       .statement = statement,
			       .in = in,
			       .n_in = n_in,
			       .arena = arena,
			       .out = out,
			       .n_out = n_out};
	enum err e;

	for (size_t i = 0; i < n_out; i++)
		out[i] = db_null();
	e = run(db, &call, why);
	for (size_t i = 0; e && i < n_out; i++)
		out[i] = db_null();
	return e;
}

enum err db_read_all(struct db *db, const struct db_statement *statement, const struct db_value *in,
		     size_t n_in, struct arena *arena, struct db_rows *out, struct fail *why)
{
	struct db_call call = {.act = db_statement_read_all,
			       .statement = statement,
			       .in = in,
			       .n_in = n_in,
			       .arena = arena,
			       .rows = out};

	*out = (struct db_rows){0};
	return run(db, &call, why);
}

enum err db_run_script(struct db *db, struct slice sql, struct fail *why)
{
	struct db_conn *conn;
	enum db_fate fate;
	enum err e;

	if (db->tx_conn || db->pool->role != DB_MIGRATE)
		return fail_set(why, ERR_INTERNAL, "a script runs as the migrating user alone");
	e = db_pool_borrow(db->pool, &conn, why);
	if (e)
		return e;
	e = db_conn_text(conn, sql, &fate, why);
	if (fate > FATE_CONFLICT)
		db_conn_close(conn);
	db_pool_give_back(db->pool, conn);
	return e;
}

enum err db_flush_setting(struct db *db, int64_t *out, struct fail *why)
{
	struct db_value value;
	enum err e = db_read(db, &DB_FLUSH_SETTING, NULL, 0, NULL, &value, 1, why);

	*out = value.number;
	return e;
}
