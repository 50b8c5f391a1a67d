#ifndef CB_BENCH_FLOOR_H
#define CB_BENCH_FLOOR_H
/*
 * floor: the process skeleton of the hand-written floors: W processes of T
 * threads on one shared FastCGI socket, and nothing else. It restarts nothing,
 * checks nothing and logs nothing: what calbridge-fcgi does beyond this is what
 * the benchmark shows as its price.
 * Stands on libfcgi.
 */
#include <fcgiapp.h>
#include <stddef.h>

struct floor {
	const char *socket; /* path of the FastCGI socket, made and opened to all */
	unsigned workers;   /* processes, 1 to FLOOR_WORKERS_MAX */
	unsigned threads;   /* request threads of each, 1 to 4096 */

	/* Once per process, after the fork. Returns what the threads share, or NULL. */
	void *(*worker_new)(const struct floor *f);
	/* Once per thread; returns what serve gets, or NULL, which ends the process. */
	void *(*thread_new)(void *worker);
	/* Answers one request; rq is finished by the caller. */
	void (*serve)(void *thread, FCGX_Request *rq);
	const void *setting; /* the program's own options, not looked at */
};

enum {
	FLOOR_WORKERS_MAX = 64,
	FLOOR_THREADS_MAX = 4096,
	FLOOR_BODY_MAX = 65536, /* bytes of a request's body that are read */
};

/*
 * Opens the socket, forks the workers and waits until SIGTERM or SIGINT, or until
 * one of the workers ends. Blocks; the socket file is removed at the end.
 *
 * returns  the program's exit status: 0 after a signal, 1 if a worker ended by
 *          itself or anything at the start failed (said on stderr)
 */
int floor_run(const struct floor *f);

/*
 * Reads the whole body of rq.
 *
 * out      size bytes of the caller; ends with a NUL
 * returns  bytes read, at most size - 1
 */
size_t floor_body(FCGX_Request *rq, char *out, size_t size);

/* Answers 200 (or status, a line as "500 Internal Server Error") with a JSON text. */
void floor_json(FCGX_Request *rq, const char *status, const char *body);

/*
 * Reads a decimal number of the command line.
 *
 * returns  the number, at least low and at most high; ends the program with
 *          status 2 and one line that names what is wrong otherwise
 */
unsigned floor_number(const char *name, const char *text, unsigned low, unsigned high);
#endif
