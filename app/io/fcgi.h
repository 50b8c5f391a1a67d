#ifndef CB_IO_FCGI_H
#define CB_IO_FCGI_H
/*
 * fcgi: one FastCGI request in, one answer out, on T threads that share one listening socket.
 * The threads loop accept -> handler; each has an arena of its own that is wiped after every
 * request, for codes, tokens and links come in with them.
 * Stands on base; libfcgi (fcgiapp.h is included by app/io alone).
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

struct fcgi_request;

/* What to answer. headers holds whole lines "Name: value\r\n", without Status and Content-Type. */
struct fcgi_answer {
	int status;
	const char *content_type; /* NULL: no body */
	struct buf headers;       /* of the request's arena */
	struct buf body;
	bool head; /* send no body, but its length */
};

/*
 * Answers one request: fills answer, whose bufs stand on arena. Runs on any of the threads.
 * deadline_ms: of the monotonic clock, by which the answer must be out.
 */
typedef void fcgi_handler(void *cx, struct fcgi_request *request, struct arena *arena,
			  int64_t deadline_ms, struct fcgi_answer *answer);

struct fcgi_options {
	int listen_fd;
	unsigned threads;
	int64_t deadline_ms; /* that a request has in all */
	fcgi_handler *handler;
	void *cx;
	const atomic_int *stop; /* not 0: take no new request, finish those at hand */
};

/* Once per process, before fcgi_serve and before threads. ERR_INTERNAL. */
MUST_USE enum err fcgi_start(void);

/*
 * Serves until *stop, then returns when the last thread has finished its request.
 * ERR_NOMEM: not one thread could be started.
 */
MUST_USE enum err fcgi_serve(const struct fcgi_options *options, struct fail *why);

/*
 * Opens the listening unix socket at path, mode 0660, with a backlog of 4096; replaces a stale one,
 * never one that still answers. A socket on descriptor 0 (spawn-fcgi, mod_fcgid) is used instead,
 * and path not looked at. ERR_CONFIG.
 */
MUST_USE enum err fcgi_listen(const char *path, int *fd, struct fail *why);

/* A parameter (CGI variable, "HTTP_..." for headers), borrowed from request; NULL: none. */
const char *fcgi_param(const struct fcgi_request *request, const char *name);

/* How often it was sent: nginx hands a repeated header on as a repeated parameter. */
unsigned fcgi_param_count(const struct fcgi_request *request, const char *name);

/*
 * Reads the whole body, once. ERR_TOO_LARGE beyond ceiling, ERR_BAD_REQUEST when CONTENT_LENGTH is
 * no number or more or less came than it says.
 */
MUST_USE enum err fcgi_body(struct fcgi_request *request, struct arena *arena, size_t ceiling,
			    struct slice *body, struct fail *why);

#endif
