#ifndef CB_TESTS_UNIT_HTTPS_SERVER_H
#define CB_TESTS_UNIT_HTTPS_SERVER_H
/*
 * https_server: an HTTPS server on 127.0.0.1 for one test, with a CA of its own. The test
 * brings the script: a function that is called for each request, on a thread of its connection,
 * sees all of it and writes what it likes, byte by byte if it must.
 *
 *	static void script(struct https_call *call, void *cx)
 *	{
 *		https_answer(call, "200 OK", "Content-Type: text/plain", "hello");
 *	}
 *	...
 *	struct https_server *server = https_server_new(HTTPS_SOUND, script, NULL);
 */
#include <stdbool.h>
#include <stddef.h>

/* What is wrong with it. */
enum https_flaw {
	HTTPS_SOUND,
	HTTPS_SELF_SIGNED,
	HTTPS_EXPIRED,
	HTTPS_WRONG_NAME,
	HTTPS_OLD_TLS, /* 1.1 and nothing newer */
	HTTPS_MUTE,    /* takes the connection and never says a word */
	HTTPS_PLAIN,   /* no TLS at all */
};

/* One request while its script runs. head ends in an empty line; both end in NUL. */
struct https_call {
	const char *head;
	const char *body;
	size_t body_len;
	unsigned connection; /* 1 for the first one of the server */
	unsigned nth;        /* request on that connection, from 1 */
	bool hang_up;        /* set by the script: close without another word */
	void *wire;
};

struct https_server;

typedef void https_script(struct https_call *call, void *cx);

/* Starts it; aborts the test program when it cannot. */
struct https_server *https_server_new(enum https_flaw flaw, https_script *script, void *cx);

/* Ends its connections and threads. NULL is fine. */
void https_server_free(struct https_server *server);

/* The file with the CA that it wants to be judged by. */
const char *https_server_ca_file(const struct https_server *server);

/* "https://127.0.0.1:PORT" and path ("http" for HTTPS_PLAIN), in out. */
const char *https_server_url(const struct https_server *server, const char *path, char *out,
			     size_t size);

/* How many connections were taken, and how many requests were read whole, so far. */
unsigned https_server_connections(struct https_server *server);
unsigned https_server_requests(struct https_server *server);

/* Waits until that many requests were read whole (10 s at most, then aborts). */
void https_server_wait(struct https_server *server, unsigned requests);

/* Writes a whole answer. headers are lines parted by CR LF, or NULL; body may be NULL. */
void https_answer(struct https_call *call, const char *status, const char *headers,
		  const char *body);

/* Writes bytes as they are; false when the other side has gone. */
bool https_write(struct https_call *call, const void *data, size_t len);

/* Waits until the other side has gone or millis are over; false when it has gone. */
bool https_wait(struct https_call *call, int millis);

/* Copies the value of a header of the request into out; false when it is not there. */
bool https_header(const struct https_call *call, const char *name, char *out, size_t size);

/* Does the request line begin so ("GET /path")? */
bool https_is(const struct https_call *call, const char *line);

#endif
