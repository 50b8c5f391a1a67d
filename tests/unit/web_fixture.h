#ifndef CB_TESTS_WEB_FIXTURE_H
#define CB_TESTS_WEB_FIXTURE_H
/*
 * web_fixture: app/web between two fakes: a request that never came over a socket (in the place of
 * io/fcgi), and tables in memory (in the place of app/store). Both are defined here, so nothing of
 * the library's is linked.
 */
#include <stdbool.h>

#include "base/arena.h"
#include "base/config.h"
#include "io/fcgi.h"
#include "service/svc.h"
#include "store/callers.h"
#include "web/answer.h"
#include "web/request.h"
#include "web/route.h"

#define OUR_URL "https://calendar.test"
#define ALLOWED_URL "https://front.test"
#define JWT_SECRET "a secret that is 32 bytes at least"
#define DEMO_HOST "demo_host"
#define KEY "cbk_0123456789abcdef0123456789abcdef"
#define SESSION_COOKIE "ZmFrZXNlc3Npb25mYWtlc2Vzc2lvbmZha2VzZXNzaW8"
#define SESSION_LINK "ZmFrZWxpbmtmYWtlbGlua2Zha2VsaW5rZmFrZWxpbms"

/* What the fake tables hold, and what they were asked. A test changes it before it calls. */
struct web_tables {
	struct api_key key; /* the one there is, for KEY */
	enum role session_role;
	int64_t session_idle_ms;
	const char *owners[4]; /* external ids in every tenant; the last is of who was put */
	enum err error;        /* of every look-up, if not OK */

	struct slice asked; /* the owner that was last asked for */
	char asked_text[160];
	unsigned look_ups;
	unsigned touched;
	unsigned dropped;
	unsigned marked_used;
	unsigned owners_put;
	enum role role_added;
	bool opened; /* a session, by link or token */
	unsigned audits;
	const char *action; /* of the last one */
	const char *result;
};

struct web_fixture {
	struct config config;
	struct svc svc;
	struct web web;
	struct arena *arena;
	struct web_tables tables;
	struct fcgi_answer out;
};

extern struct web_fixture fx;

/* For cmocka: everything new and as a good installation has it; then gone again. */
int web_make(void **state);
int web_drop(void **state);

/* Begins a request; forgets the one before and its answer. target is path and query. */
void web_begin(const char *method, const char *target);

/* A CGI variable; NULL takes it away, a second one of the same name is added. */
void web_param(const char *name, const char *value);
void web_body(const char *content_type, const char *text);

/* A struct request as a handler gets it, without a caller. */
struct request *web_request(void);

/* Serves it by these routes; returns the status. The answer is in fx.out. */
int web_serve(const struct route *routes, size_t n);

/* The value of a header of the answer, in the arena; NULL: none. Fails the test if it is twice. */
const char *web_answered(const char *name);

/* The body of the answer. */
const char *web_answer_body(void);

/* Is the answer JSON with this text as its member? */
bool web_answer_is(const char *member, const char *text);

/* The ids of the tenants. */
struct id web_tenant(const char *name);

/* An HS256 token over these texts, in the arena. */
const char *web_token(const char *header, const char *claims, const char *secret);

#endif
