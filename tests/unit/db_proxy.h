#ifndef CB_TESTS_DB_PROXY_H
#define CB_TESTS_DB_PROXY_H
/*
 * db_proxy: stands between a client and MariaDB and does what networks do: loses an answer,
 * cuts a connection, falls silent. It sees each command of the client as one piece, so that a
 * test can name the moment. Threads of its own; ends with db_proxy_free.
 */
#include <stdbool.h>

struct db_proxy;

/* The commands of the protocol that tests ask for. */
enum { COMMAND_QUERY = 0x03, COMMAND_PREPARE = 0x16, COMMAND_EXECUTE = 0x17, COMMAND_BULK = 0xfa };

enum db_proxy_fault {
	PROXY_NO_FAULT,
	PROXY_CUT,     /* the command does not get there, the connection ends */
	PROXY_SWALLOW, /* the server acts and answers, the connection ends before the answer */
	PROXY_SILENT,  /* the command is dropped, the connection stays */
};

/*
 * Listens on the socket at path, or with NULL on a port of 127.0.0.1, and leads to the
 * server's socket. Fails the test when it cannot.
 */
struct db_proxy *db_proxy_new(const char *path, const char *server);
void db_proxy_free(struct db_proxy *proxy);

/* The port it listens on. */
unsigned db_proxy_port(const struct db_proxy *proxy);

/* How many connections were accepted so far. */
unsigned db_proxy_connections(struct db_proxy *proxy);

/* The next such command whose bytes hold text (NULL: any) meets the fault; once. */
void db_proxy_arm(struct db_proxy *proxy, enum db_proxy_fault fault, int command, const char *text);

/* True when the fault has happened. */
bool db_proxy_has_struck(struct db_proxy *proxy);

/* Accepts, and never says a word; or stops that. */
void db_proxy_be_silent(struct db_proxy *proxy, bool silent);

/*
 * Calls at before each command is passed on (answered false) and before each answer is (true),
 * numbered from 1 over all connections. The commands of a login count, too.
 */
void db_proxy_watch(struct db_proxy *proxy, void (*at)(void *cx, unsigned number, bool answered),
		    void *cx);

#endif
