#ifndef CB_WEB_REQUEST_H
#define CB_WEB_REQUEST_H
/*
 * request: one HTTP request as a handler sees it: who calls, for which owner, and its fields,
 * decoded and checked by a table. A handler never sees raw JSON or a socket.
 * Everything lives in the request's arena. What reads the body by a table is in request_decode.c.
 * Stands on web/route, service/svc, store/callers, io/fcgi, base/json.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"
#include "service/svc.h"
#include "store/callers.h"
#include "web/route.h"

struct fcgi_request;
struct json;
struct zone;

enum caller_kind { CALLER_NOBODY, CALLER_KEY, CALLER_TOKEN, CALLER_SESSION, CALLER_DEMO };

/* Who calls, as auth has found. */
struct caller {
	enum caller_kind kind;
	struct id tenant;
	enum role role;           /* of token and session; a key with scope admin is ROLE_ADMIN */
	unsigned scopes;          /* of a key */
	struct slice actor;       /* for the audit log: "owner:<external id>", "key:<id>", "demo" */
	struct slice external_id; /* of the caller himself (token, session) */
	struct slice email;       /* that a user token names; may be empty */
	struct slice display_name;
	struct session session; /* of a session */
};

struct request {
	struct work work;
	const struct web *web;
	const struct route *route;
	struct fcgi_request *fcgi;
	struct slice path;
	struct slice query;
	struct slice params[ROUTE_PARAMS_MAX]; /* of the path, decoded, in order */
	struct caller caller;
	struct target target;    /* of route->whose */
	const struct json *body; /* NULL: none */
	struct slice form;       /* of a page's form post, as it came */
};

/* A header, by its CGI name ("HTTP_ORIGIN"); the empty slice when absent. */
struct slice request_header(const struct request *rq, const char *cgi_name);

/* How often it was sent. Some servers join them instead ("a, b"). */
unsigned request_header_count(const struct request *rq, const char *cgi_name);

/* The path's parameter of that name, decoded and of the form of an id; empty when there is none. */
struct slice request_param(const struct request *rq, const char *name);

/*
 * A query parameter, decoded once into the arena. Absent: empty with NULL data.
 * ERR_BAD_REQUEST: given twice, badly encoded, or longer than max_bytes.
 */
MUST_USE enum err request_query(const struct request *rq, const char *name, size_t max_bytes,
				struct slice *out, struct fail *why);

/*
 * A cookie of that name; the empty slice when absent. ERR_BAD_REQUEST when it is there
 * twice.
 */
MUST_USE enum err request_cookie(const struct request *rq, const char *name, struct slice *out);

/* The same for a form post (application/x-www-form-urlencoded) whose body a page route has read. */
MUST_USE enum err request_form(const struct request *rq, const char *name, size_t max_bytes,
			       struct slice *out, struct fail *why);

/* What stands behind "Bearer" in Authorization; the empty slice when absent, given twice or of
 * another scheme. */
struct slice request_bearer(const struct request *rq);

/*
 * The Idempotency-Key header; the empty slice when absent. ERR_BAD_REQUEST when it is not 1 to 255
 * visible ASCII characters.
 */
MUST_USE enum err request_idempotency_key(const struct request *rq, struct slice *out,
					  struct fail *why);

/* Does Accept prefer HTML to JSON? Without the header or with any type: no. */
bool request_wants_html(const struct request *rq);

/* Does Accept prefer JSON to HTML? Without the header or with any type: no. */
bool request_wants_json(const struct request *rq);

/* The reason that request_decode gives for a required field that is absent, null or empty. */
#define FIELD_IS_REQUIRED "is required"

/*
 * What is asked of a field beside its kind: it may be left out (null is the same); it must be there
 * with something in it; it may be left out but not be null or empty; it must not be there.
 */
enum field_need { OPTIONAL, REQUIRED, NOT_NULL, FIXED };

/* One field of a JSON body: how it is called, what it must be, and where its value goes. */
struct field {
	const char *name;
	enum field_kind {
		FIELD_TEXT,
		FIELD_INT,
		FIELD_FLAG,
		FIELD_ZONE,
		FIELD_TEXTS,
		FIELD_OBJECTS
	} kind;
	enum field_need need; /* what is lacking is named in why with FIELD_IS_REQUIRED */
	bool lines;           /* a text that may hold TAB and LF */
	int64_t min;          /* of an integer, or bytes of a text */
	int64_t max;
	size_t offset; /* into the struct: struct slice, int64_t, bool, const struct zone *, struct
			  texts, struct objects */
	const struct field *of; /* of the objects in a list: the table of each */
	size_t n_of;
	size_t size; /* and the struct of each */
};

/* A list of texts (FIELD_TEXTS): max counts the elements. */
struct texts {
	const struct slice *items;
	size_t n;
};

/* A list of objects (FIELD_OBJECTS), each the struct that its table fills. */
struct objects {
	void *items;
	size_t n;
};

/* Rows of such a table; s is the struct, m its member. */
#define FIELD(s, m, n, k, req) .name = n, .kind = k, .need = req, .offset = offsetof(struct s, m)
#define TEXT(s, m, n, req, lo, hi)                                                                 \
	{                                                                                          \
		FIELD(s, m, n, FIELD_TEXT, req), .min = lo, .max = hi                              \
	}
#define LINES(s, m, n, req, lo, hi)                                                                \
	{                                                                                          \
		FIELD(s, m, n, FIELD_TEXT, req), .lines = true, .min = lo, .max = hi               \
	}
#define INT(s, m, n, req, lo, hi)                                                                  \
	{                                                                                          \
		FIELD(s, m, n, FIELD_INT, req), .min = lo, .max = hi                               \
	}
#define FLAG(s, m, n)                                                                              \
	{                                                                                          \
		FIELD(s, m, n, FIELD_FLAG, OPTIONAL)                                               \
	}
#define ZONE(s, m, n, req)                                                                         \
	{                                                                                          \
		FIELD(s, m, n, FIELD_ZONE, req)                                                    \
	}
#define TEXTS(s, m, n, hi)                                                                         \
	{                                                                                          \
		FIELD(s, m, n, FIELD_TEXTS, OPTIONAL), .max = hi                                   \
	}
/* table is that of the objects, each a struct o. */
#define OBJECTS(s, m, n, hi, o, table)                                                             \
	{                                                                                          \
		FIELD(s, m, n, FIELD_OBJECTS, OPTIONAL),                                           \
			.max = hi, .of = table, .n_of = ARRAY_LEN(table), .size = sizeof(struct o) \
	}

/* Does the body name this member, be it with null? And with something else? */
bool request_names(const struct request *rq, const char *name);
bool request_gives(const struct request *rq, const char *name);

/*
 * Decodes the body by the table into out (zeroed before). All bad fields are noted in why.
 * returns OK, ERR_FIELDS, ERR_NOMEM
 */
MUST_USE enum err request_decode(const struct request *rq, const struct field *fields, size_t n,
				 void *out, struct fail *why);

/* The body in canonical form (members as they came, whitespace gone) for the fingerprint of a
 * request. */
MUST_USE enum err request_canonical_body(const struct request *rq, struct slice *out);

#endif
