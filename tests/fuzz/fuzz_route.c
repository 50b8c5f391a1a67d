/*
 * Any bytes as what a request says of itself: lines of method, path, query or form, Cookie,
 * Accept, and where it came from. Whatever is found is decoded, of its form and within its bounds;
 * what is decoded and encoded again is found again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "io/fcgi.h"
#include "web/cors.h"
#include "web/request.h"
#include "web/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BLOCK_BYTES = 16 * 1024, CEILING_BYTES = 8 * 1024 * 1024, VALUE_BYTES = 64 };

static const struct route ROUTES[] = {
	{.method = "POST", .path = "/api/calendar/invite"},
	{.method = "GET", .path = "/api/calendar-integration/connect/{provider}/{coachId}"},
	{.method = "GET", .path = "/api/calendar-integration/callback"},
	{.method = "GET", .path = "/api/calendar-integration/connections/{coachId}"},
	{.method = "PUT", .path = "/api/calendar-integration/connections/{connectionId}"},
};

/* In the place of io/fcgi: headers as they stand in the input. */
struct fcgi_request {
	const char *cookie;
	const char *accept;
	const char *origin;
	const char *referer;
	const char *key;
};

const char *fcgi_param(const struct fcgi_request *request, const char *name)
{
	if (strcmp(name, "HTTP_COOKIE") == 0)
		return request->cookie;
	if (strcmp(name, "HTTP_ACCEPT") == 0)
		return request->accept;
	if (strcmp(name, "HTTP_ORIGIN") == 0)
		return request->origin;
	if (strcmp(name, "HTTP_REFERER") == 0)
		return request->referer;
	return strcmp(name, "HTTP_IDEMPOTENCY_KEY") == 0 ? request->key : NULL;
}

unsigned fcgi_param_count(const struct fcgi_request *request, const char *name)
{
	return fcgi_param(request, name) != NULL;
}

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_route(struct arena *arena, struct slice method, struct slice path)
{
	const struct web web = {.routes = ROUTES, .n_routes = ARRAY_LEN(ROUTES)};
	struct route_found found;
	enum err e = route_find(&web, method, path, arena, &found);

	must(e == OK || e == ERR_METHOD || e == ERR_NOT_FOUND);
	must((e == ERR_NOT_FOUND) == (found.route == NULL));
	must((e == ERR_METHOD) == (found.route && (found.allow[0] != '\0') && e != OK));
	for (size_t i = 0; i < ROUTE_PARAMS_MAX; i++)
		must(!found.params[i].data || text_is_id(found.params[i], true));
}

/* What was found is found again when it is written as a query of our own. */
static void check_value(struct request *rq, struct slice value)
{
	struct slice again;
	struct buf query;

	must(value.len <= VALUE_BYTES && text_is_utf8(value));
	must(!memchr(value.data, '\0', value.len));
	buf_init(&query, rq->work.arena, 4096);
	buf_add_text(&query, "x=1&state=");
	buf_add_percent(&query, value);
	rq->query = buf_slice(&query);
	must(!request_query(rq, "state", VALUE_BYTES, &again, NULL));
	must(slice_equal(value, again));
}

static void check_query(struct request *rq, struct slice query)
{
	struct slice value, form;
	enum err e;

	rq->query = query;
	rq->form = query;
	e = request_query(rq, "state", VALUE_BYTES, &value, NULL);
	must(e == OK || e == ERR_BAD_REQUEST);
	must(request_form(rq, "state", VALUE_BYTES, &form, NULL) == e && slice_equal(value, form));
	if (!e && value.data)
		check_value(rq, value);
}

static void check_headers(struct request *rq)
{
	struct slice value;

	if (!request_cookie(rq, "__Host-cb_session", &value) && value.data)
		must(!memchr(value.data, ';', value.len));
	if (!request_idempotency_key(rq, &value, NULL) && value.data)
		must(value.len > 0 && value.len <= 255 && !text_has_control(value, false));
	must(!request_wants_html(rq) || !request_wants_json(rq));
	if (cors_is_ours(rq, false))
		must(cors_is_ours(rq, true));
	if (rq->fcgi->origin && cors_is_ours(rq, false))
		must(strcmp(rq->fcgi->origin, "https://calendar.test") == 0);
	else if (cors_is_ours(rq, false))
		must(strncmp(rq->fcgi->referer, "https://calendar.test", 21) == 0 &&
		     (rq->fcgi->referer[21] == '/' || rq->fcgi->referer[21] == '\0'));
}

/* The next line as a string, or NULL. */
static const char *line(struct arena *arena, struct slice *rest)
{
	const char *text;

	if (!rest->data)
		return NULL;
	text = arena_copy(arena, slice_cut(rest, '\n'));
	must(text != NULL);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char url[] = "https://calendar.test", list[] = "https://a.test,https://b.test";
	const struct config config = {.public_url = url, .allowed_origins = list};
	struct svc svc = {.config = &config};
	struct slice rest = {(const char *)data, size}, method, path, query;
	struct arena *arena = arena_new(BLOCK_BYTES, CEILING_BYTES);
	struct fcgi_request fcgi = {0};
	struct request rq = {.work = {.svc = &svc, .arena = arena}, .fcgi = &fcgi};

	must(arena != NULL);
	method = slice_cut(&rest, '\n');
	path = slice_cut(&rest, '\n');
	query = slice_cut(&rest, '\n');
	fcgi.cookie = line(arena, &rest);
	fcgi.accept = line(arena, &rest);
	fcgi.referer = line(arena, &rest);
	fcgi.key = line(arena, &rest);
	fcgi.origin = line(arena, &rest);
	check_route(arena, method, path);
	check_query(&rq, query);
	check_headers(&rq);
	arena_free(arena);
	return 0;
}
