#ifndef CB_IO_DB_INNER_H
#define CB_IO_DB_INNER_H
/*
 * db_inner: what the files of db share and nobody else sees: the pool with its hosts and
 * connections, one call on a connection, and what its failure means.
 *   db.c            the calls of db.h and how often each is repeated
 *   db_transact.c   transactions
 *   db_pool.c       who gets which connection, and which host is to be tried
 *   db_conn.c       one connection: opening it, closing it, plain text over it
 *   db_statement.c  one prepared statement: binding, running, fetching
 *   db_bulk.c       one statement with many rows of parameters
 *   db_value.c      values, and times as MariaDB has them
 *   db_error.c      error numbers, sorted by what they mean for what was sent
 * Stands on MariaDB Connector/C.
 */
#include <mysql.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "io/db.h"

enum {
	DB_HOSTS_MAX = 8,
	DB_HOST_BYTES = 256,
	DB_PARAMS_MAX = 512,
	DB_COLUMNS_MAX = 48,
	DB_BORROW_MS = 2000,
	DB_CONNECT_S = 2,
	DB_ANSWER_S = 10,
};

/* What a failure means for what was sent. */
enum db_fate {
	FATE_NONE,      /* nothing failed */
	FATE_FAILED,    /* refused, nothing was changed; the connection is good */
	FATE_CONFLICT,  /* another transaction won, this one is gone: repeat all of it */
	FATE_LOST,      /* sent, and nobody knows; the connection is dead */
	FATE_UNSENT,    /* the connection is dead, and was before the statement was sent */
	FATE_ELSEWHERE, /* this server does not serve us now; nothing was changed */
};

/* One server of the ordered list. All but name, port and tls is under the pool's lock. */
struct db_host {
	char name[DB_HOST_BYTES]; /* host name, or the path of a socket */
	unsigned port;            /* 0: a unix socket */
	bool tls;
	unsigned fails;        /* in a row */
	bool probing;          /* one thread looks whether it is back */
	int64_t tried_ms;      /* when the last attempt began; monotonic, like the next */
	int64_t down_until_ms; /* not to be tried before */
};

/* Where one column of a row is put. */
struct db_cell {
	enum db_kind kind; /* of the answer that is being read */
	int64_t number;
	MYSQL_TIME time;
	unsigned long length;
	my_bool is_null;
	my_bool is_cut;
};

/*
 * A statement as one connection has prepared it, with room for its parameters and for one
 * row: here, for there are fewer connections than threads, on whose stacks it would lie else.
 */
struct db_prepared {
	MYSQL_STMT *handle;
	unsigned n_in;
	unsigned n_out;
	MYSQL_BIND *in;
	MYSQL_TIME *times; /* of those parameters that are one */
	MYSQL_BIND *out;
	struct db_cell *cells;
};

/* One place of the pool. Belongs to the thread that borrowed it. */
struct db_conn {
	MYSQL *mysql;                  /* NULL: not connected */
	size_t host;                   /* where to, an index into the pool's hosts */
	bool unfit;                    /* the server said that it does not serve us now */
	struct db_prepared **prepared; /* by the statement's number; NULL: not yet */
};

/* A thread that waits for a connection; lies on its stack. */
struct db_waiter {
	struct db_waiter *next;
	struct db_conn *conn; /* NULL until one is handed over */
	pthread_cond_t wake;
};

struct db_pool {
	const struct config *config;
	enum db_role role;
	struct db_host hosts[DB_HOSTS_MAX];
	size_t n_hosts;
	struct db_conn *conns;
	size_t n_conns;

	pthread_mutex_t lock;  /* guards what follows, and the hosts' state */
	struct db_conn **idle; /* the last one is the next to be given out */
	size_t n_idle;
	struct db_waiter *waiting; /* the first one waits longest */
};

/* The handle: the pool when tx_conn is NULL, else one transaction. */
struct db {
	struct db_pool *pool;
	struct db_conn *tx_conn;
	enum db_fate tx_fate; /* what ended the transaction early */
	enum err tx_error;    /* and its word */
};

/* One call of db.h while it runs; act does it on a connection and sets fate. */
struct db_call {
	enum err (*act)(struct db_conn *conn, struct db_call *call, struct fail *why);
	const struct db_statement *statement;
	const struct db_value *in;
	size_t n_in;   /* a row's parameters */
	size_t n_rows; /* of parameters: 1, or more for db_run_many */
	bool writes;
	bool alone; /* db_run_many outside a transaction: makes its own */
	uint64_t affected;
	struct arena *arena;
	struct db_value *out;
	size_t n_out;
	struct db_rows *rows;
	enum db_fate fate;
};

/* What was tried for one call of db.h so far. */
struct db_attempts {
	int64_t began_ms;
	unsigned conflicts;
	bool reconnected;
	bool unsure; /* an earlier attempt may have done it */
};

/* db */

/* After a conflict: waits a random moment and says true, or false when it was tried enough. */
bool db_may_repeat(struct db_attempts *tries);

/* After a connection that was of no use: true the first time. */
bool db_may_reconnect(struct db_attempts *tries);

/* db_pool */

/* Reads the host list and makes the places, none connected. ERR_CONFIG, ERR_NOMEM. */
MUST_USE enum err db_pool_new(const struct config *config, enum db_role role, struct db_pool **out,
			      struct fail *why);

/* Closes and frees. No place may be lent out. NULL is fine. */
void db_pool_free(struct db_pool *pool);

/*
 * Lends a connection that was alive a moment ago; first come, first served. ERR_BUSY when there is
 * none within DB_BORROW_MS, ERR_DB when no host lets us in, ERR_NOMEM.
 */
MUST_USE enum err db_pool_borrow(struct db_pool *pool, struct db_conn **out, struct fail *why);

/* Gives it back, connected or not. */
void db_pool_give_back(struct db_pool *pool, struct db_conn *conn);

/*
 * Closes what conn still has and connects it anew, to the first host that lets us in; one that it
 * found unfit is avoided for a while. ERR_DB, ERR_NOMEM; then it is not connected.
 */
MUST_USE enum err db_pool_reconnect(struct db_pool *pool, struct db_conn *conn, struct fail *why);

/* db_conn */

/* Opens a connection with our session settings. ERR_DB, ERR_NOMEM; then nothing is open. */
MUST_USE enum err db_conn_open(const struct config *config, enum db_role role,
			       const struct db_host *host, MYSQL **out, struct fail *why);

/* Ends it with its prepared statements; the place stays. */
void db_conn_close(struct db_conn *conn);

/* False when the server has closed it, or said something out of turn. Asks the kernel alone. */
bool db_conn_is_alive(const struct db_conn *conn);

/* Runs text and throws its rows away. fate and error as for a statement that writes. */
MUST_USE enum err db_conn_text(struct db_conn *conn, struct slice sql, enum db_fate *fate,
			       struct fail *why);

/* db_statement */

/* How many statements are linked into the program. */
size_t db_statement_count(void);

/* Forgets what a connection has prepared; after its MYSQL is closed. */
void db_statement_forget(struct db_conn *conn);

/* The statement as conn has prepared it, now if it was not yet. For acts alone. */
MUST_USE enum err db_statement_prepare(struct db_conn *conn, struct db_call *call,
				       struct db_prepared **out, struct fail *why);

/* Sorts the error of a statement, sets call->fate, drops what must be prepared anew. */
enum err db_statement_failed(struct db_conn *conn, struct db_call *call,
			     struct db_prepared *prepared, struct fail *why);

/* The acts: write; read the first row; read all rows; write with many rows of parameters. */
enum err db_statement_run(struct db_conn *conn, struct db_call *call, struct fail *why);
enum err db_statement_read(struct db_conn *conn, struct db_call *call, struct fail *why);
enum err db_statement_read_all(struct db_conn *conn, struct db_call *call, struct fail *why);
enum err db_bulk_run(struct db_conn *conn, struct db_call *call, struct fail *why);

/* db_value */

/* ms since 1970 as a DATETIME; ERR_INTERNAL outside the years 1970 to 9999. */
MUST_USE enum err db_value_to_time(int64_t ms, MYSQL_TIME *out);

/* A DATETIME as ms since 1970; a fraction finer than that is cut off. */
int64_t db_value_from_time(const MYSQL_TIME *time);

/* The kind of value that a column of an answer becomes. */
enum db_kind db_value_kind(const MYSQL_FIELD *field);

/* The pointer without const, for an interface that lacks the word and does not write. */
void *db_value_unconst(const void *data);

/* db_error */

/* What the error number of server or library means for a statement that was sent. */
enum db_fate db_error_fate(unsigned code);

/* Does it say that this server serves nobody now, or reads alone? */
bool db_error_is_unfit(unsigned code);

/*
 * Writes "name: code text" and returns the word for code. Text of the server that could
 * hold a row's values is left out.
 */
enum err db_error_note(struct fail *why, const char *name, unsigned code, const char *text);

#endif
