#ifndef CB_WEB_ROUTE_H
#define CB_WEB_ROUTE_H
/*
 * route: the row that a handler has in the table of routes, and which row a path and a method
 * mean. Pure. Stands on base.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"

struct answer;
struct request;
struct route;

/* Answers one request: OK with the answer filled in, or an error that route puts into the family's
 * shape. */
typedef enum err handler_fn(struct request *rq, struct answer *an, struct fail *why);

/* Shapes of errors. */
enum family {
	FAMILY_PLAIN,  /* {"error", "code", "requestId"} */
	FAMILY_INVITE, /* the same, but whatever fails behind us is the documented 500 */
	FAMILY_PAGE    /* what a browser visits: HTML when Accept prefers it, else as PLAIN */
};

/* Who may call; several may be joined. BY_DEMO: the demo host without any credential. */
enum callers { BY_NOBODY = 1, BY_KEY = 2, BY_TOKEN = 4, BY_SESSION = 8, BY_DEMO = 16 };

/* Which owner a request is about. */
enum whose {
	ITS_NOBODYS,
	ITS_CALLERS,     /* the caller's own */
	ITS_PATHS_COACH, /* {coachId} in the path */
	ITS_BODYS_HOST,  /* hostId in the body; left out: the caller's own, or the demo host */
	ITS_HEADERS_INSTRUCTOR /* x-instructor-id; made on the first POST, none until then */
};

enum { ROUTE_PARAMS_MAX = 2, ROUTE_SEGMENTS_MAX = 12, ROUTE_ALLOW_BYTES = 64 };

struct route {
	const char *method;
	const char *path; /* "/api/x/{name}": a name matches one segment */
	const char *name; /* of the handler: in logs and metrics */
	handler_fn *handler;
	enum family family;
	unsigned callers;
	unsigned scope; /* enum scope that a key needs */
	enum whose whose;
	size_t body_ceiling; /* 0: takes no body */
	const char *section; /* of the contract */
	bool may_lack_body;  /* a request without body and Content-Type is taken, too */
};

/* What a worker answers with: its table, and what web needs beside the services. */
struct web {
	const struct route *routes;
	size_t n_routes;
	struct svc *svc;
	const struct jwt_keys *jwt_keys; /* NULL: no user tokens */
	struct limits *limits;
	struct metrics *metrics;
};

/* What was found. */
struct route_found {
	const struct route *route;             /* NULL: no such path */
	struct slice params[ROUTE_PARAMS_MAX]; /* of the path, decoded, in order */
	char allow[ROUTE_ALLOW_BYTES];         /* "GET, HEAD, POST": what the path takes */
};

/*
 * The row for method and path (as it came, without the query). Each segment of the path is decoded
 * once; a parameter matches what can be an id (security requirement I10) and nothing else. Of
 * several rows the first one counts. HEAD is looked up as GET.
 *
 * arena    holds what was decoded
 * returns  OK; ERR_METHOD: out->route is a row of that path, for the shape of its errors;
 *          ERR_NOT_FOUND; ERR_NOMEM
 */
MUST_USE enum err route_find(const struct web *web, struct slice method, struct slice path,
			     struct arena *arena, struct route_found *out);

#endif
