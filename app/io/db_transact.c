#include "io/db_inner.h"

#include "base/clock.h"

/* Commits; from here on a lost answer leaves the outcome open. */
static enum err commit(struct db *tx, bool *open, struct fail *why)
{
	enum err e = db_conn_text(tx->tx_conn, SLICE("COMMIT"), &tx->tx_fate, why);

	if (!e || tx->tx_fate == FATE_CONFLICT)
		return e;
	/* whatever else COMMIT answers, it does not promise that nothing was stored */
	*open = true;
	return ERR_DB_UNSURE;
}

static void roll_back(struct db *tx)
{
	enum db_fate fate;

	if (db_conn_text(tx->tx_conn, SLICE("ROLLBACK"), &fate, NULL))
		db_conn_close(tx->tx_conn); /* which rolls back as well */
}

/* One attempt at the whole transaction. open: it may or may not have been committed. */
static enum err attempt(struct db *tx, db_work *work, void *cx, bool *open, struct fail *why)
{
	enum err e = db_conn_text(tx->tx_conn, SLICE("START TRANSACTION"), &tx->tx_fate, why);

	if (e)
		return e == ERR_DB_UNSURE ? ERR_DB : e;
	e = work(tx, cx, why);
	if (!e && !tx->tx_fate)
		return commit(tx, open, why);
	if (tx->tx_fate <= FATE_CONFLICT)
		roll_back(tx);
	/* the word of a conflict or a lost connection is ours, the others may be translated */
	if (tx->tx_fate > FATE_FAILED || !e)
		return tx->tx_error;
	return e;
}

static bool goes_on(struct db *tx, struct db_attempts *tries, bool open, enum err *e,
		    struct fail *why)
{
	if (!open && tx->tx_fate == FATE_CONFLICT)
		return tx->tx_conn->mysql && db_may_repeat(tries);
	if (!open && tx->tx_fate <= FATE_FAILED)
		return false;
	if (open || !db_may_reconnect(tries)) {
		db_conn_close(tx->tx_conn);
		return false;
	}
	*e = db_pool_reconnect(tx->pool, tx->tx_conn, why);
	return *e == OK;
}

enum err db_transact(struct db *db, db_work *work, void *cx, struct fail *why)
{
	struct db_attempts tries = {.began_ms = clock_mono_ms()};
	struct db tx = {.pool = db->pool};
	bool open = false;
	enum err e;

	if (db->tx_conn)
		return fail_set(why, ERR_INTERNAL, "a transaction within a transaction");
	e = db_pool_borrow(db->pool, &tx.tx_conn, why);
	if (e)
		return e;
	do {
		tx.tx_fate = FATE_NONE;
		tx.tx_error = OK;
		e = attempt(&tx, work, cx, &open, why);
	} while (goes_on(&tx, &tries, open, &e, why));
	db_pool_give_back(db->pool, tx.tx_conn);
	return e;
}
