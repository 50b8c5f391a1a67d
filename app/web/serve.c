#include "web/serve.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "io/fcgi.h"
#include "web/answer.h"
#include "web/audit.h"
#include "web/auth.h"
#include "web/cors.h"
#include "web/metrics.h"
#include "web/request.h"
#include "web/route.h"
#include "web/session.h"

enum { REQUEST_ID_BYTES_MIN = 8, REQUEST_ID_BYTES_MAX = 64 };

/* What is wrong with a body: told only when nothing about the caller is. */
struct late {
	enum err e;
	struct fail why;
};

static bool is_request_id(struct slice text)
{
	if (text.len < REQUEST_ID_BYTES_MIN || text.len > REQUEST_ID_BYTES_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if ((c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') &&
		    c != '-')
			return false;
	}
	return true;
}

/* The web server's id of the request, the same on every try; else one of our own. */
static struct slice request_id(const struct request *rq)
{
	struct slice given = request_header(rq, "REQUEST_ID");
	char made[ID_TEXT_BYTES];
	struct id id;

	if (is_request_id(given))
		return given;
	id = id_new();
	id_text(&id, made);
	given = slice_of(arena_copy(rq->work.arena, slice_of(made)));
	return given.data ? given : SLICE("none");
}

/* When the web server had it, "1800000000.123" by its clock, before it waited for us; else now. */
static int64_t began_ms(const struct request *rq)
{
	struct slice ms = request_header(rq, "REQUEST_AT"), s = slice_cut(&ms, '.');
	int64_t now_ms = clock_now_ms(), at_ms;
	const char *digits;

	if (ms.len != 3)
		return now_ms;
	digits = arena_format(rq->work.arena, "%.*s%.*s", (int)s.len, s.data, (int)ms.len, ms.data);
	if (!digits || text_to_int(slice_of(digits), 0, now_ms, &at_ms))
		return now_ms;
	return at_ms;
}

static void begin(struct request *rq, struct web *web, struct fcgi_request *fcgi,
		  struct arena *arena, int64_t deadline_ms)
{
	struct slice rest;

	*rq = (struct request){
		.work = {.svc = web->svc, .arena = arena, .deadline_ms = deadline_ms},
		.web = web,
		.fcgi = fcgi,
	};
	rq->work.address = request_header(rq, "REMOTE_ADDR");
	rq->work.request_id = request_id(rq);
	rq->work.began_ms = began_ms(rq);
	rest = request_header(rq, "REQUEST_URI");
	rq->path = slice_cut(&rest, '?');
	rq->query = request_header(rq, "QUERY_STRING");
}

/* Is every parameter of a media type a charset of UTF-8? */
static bool are_utf8(struct slice parameters)
{
	while (parameters.data) {
		struct slice value = slice_trim(slice_cut(&parameters, ';'));
		struct slice name = slice_cut(&value, '=');

		if (!slice_is_nocase(name, "charset") ||
		    (!slice_is_nocase(value, "utf-8") && !slice_is_nocase(value, "\"utf-8\"")))
			return false;
	}
	return true;
}

static bool has_type(const struct request *rq, const char *type)
{
	struct slice parameters = request_header(rq, "CONTENT_TYPE");
	struct slice sent = slice_trim(slice_cut(&parameters, ';'));

	return slice_is_nocase(sent, type) && are_utf8(parameters);
}

/* What a browser visits gets forms; everything else is JSON. */
static enum err parse(struct request *rq, struct slice body, struct fail *why)
{
	bool is_page = rq->route->family == FAMILY_PAGE;

	if (rq->route->may_lack_body && body.len == 0 && !request_header(rq, "CONTENT_TYPE").len)
		return OK;
	if (!has_type(rq, is_page ? "application/x-www-form-urlencoded" : "application/json"))
		return is_page ? fail_because(why, ERR_MEDIA_TYPE, "The body must be a form")
			       : ERR_MEDIA_TYPE;
	if (is_page) {
		rq->form = body;
		return OK;
	}
	return json_read(rq->work.arena, body, &JSON_REQUEST, &rq->body, why);
}

/* Faults that come behind 401 and 403 in the order of checks go to late. */
static enum err read_body(struct request *rq, struct late *late, struct fail *why)
{
	struct slice body;
	enum err e;

	if (rq->route->body_ceiling == 0)
		return OK;
	e = fcgi_body(rq->fcgi, rq->work.arena, rq->route->body_ceiling, &body, &late->why);
	if (e && e != ERR_BAD_REQUEST) {
		*why = late->why;
		return e;
	}
	late->e = e ? e : parse(rq, body, &late->why);
	return OK;
}

static enum err identify(struct request *rq, const struct late *late, struct fail *why)
{
	struct slice host = {NULL, 0};
	enum err e;

	if (rq->route->whose == ITS_BODYS_HOST)
		host = json_text(rq->body, "hostId");
	e = auth_identify(rq, host, why);
	/* a missing host or instructor is a 400, too: the first one is told */
	if (late->e && (!e || e == ERR_FIELDS || e == ERR_BAD_REQUEST)) {
		*why = late->why;
		return late->e;
	}
	return e ? e : auth_make_owner(rq, why);
}

static enum err serve(struct request *rq, struct answer *an, struct route_found *found,
		      struct fail *why)
{
	struct late late = {0};
	enum err e = route_find(rq->web, request_header(rq, "REQUEST_METHOD"), rq->path,
				rq->work.arena, found);

	rq->route = found->route;
	memcpy(rq->params, found->params, sizeof(rq->params));
	if (e == ERR_METHOD && cors_preflight(rq, an, found->allow))
		return OK;
	if (!e)
		e = read_body(rq, &late, why);
	if (!e)
		e = identify(rq, &late, why);
	return e ? e : rq->route->handler(rq, an, why);
}

/* What was written may have been too much, or refused. */
static enum err check_written(const struct fcgi_answer *out)
{
	enum err e = buf_error(&out->headers);

	return e ? e : buf_error(&out->body);
}

static void fail(struct request *rq, struct answer *an, const struct route_found *found, enum err e,
		 const struct fail *why)
{
	answer_error(an, rq, e, why);
	if (e == ERR_METHOD)
		answer_header(an, "Allow", slice_of(found->allow));
	/* a session that has ended is not shown, and counted, again and again */
	if (e == ERR_NO_CREDENTIAL && rq->caller.kind == CALLER_SESSION)
		session_forget(an);
	if ((e == ERR_FORBIDDEN || e == ERR_CSRF) && rq->caller.actor.len > 0)
		audit_note(rq, "refused", slice_of(rq->route->name), err_code(e));
}

/* Not inline: its line would lie on the stack of a request for as long as that runs. */
__attribute__((noinline)) static void log_request(const struct request *rq, int status, int64_t us,
						  enum err e, const struct fail *why)
{
	static const char *const KINDS[] = {
		[CALLER_NOBODY] = "nobody",   [CALLER_KEY] = "key",   [CALLER_TOKEN] = "token",
		[CALLER_SESSION] = "session", [CALLER_DEMO] = "demo",
	};
	char tenant[ID_TEXT_BYTES];
	struct log_line line;

	log_begin(&line, status >= 500 ? LOG_WARNING : LOG_INFO, "request");
	log_slice(&line, "requestId", rq->work.request_id);
	log_slice(&line, "method", request_header(rq, "REQUEST_METHOD"));
	log_text(&line, "route", rq->route ? rq->route->name : "none");
	log_int(&line, "status", status);
	log_int(&line, "us", us);
	log_text(&line, "caller", KINDS[rq->caller.kind]);
	if (!id_is_none(&rq->caller.tenant)) {
		id_text(&rq->caller.tenant, tenant);
		log_text(&line, "tenant", tenant);
	}
	if (e)
		log_fail(&line, e, why);
	log_end(&line);
}

void serve_request(void *cx, struct fcgi_request *fcgi, struct arena *arena, int64_t deadline_ms,
		   struct fcgi_answer *out)
{
	struct web *web = cx;
	struct answer an = {.out = out};
	struct route_found found = {0};
	struct request rq;
	struct fail why = {0};
	int64_t begun_us = clock_mono_us(), us;
	enum err e;

	begin(&rq, web, fcgi, arena, deadline_ms);
	out->head = slice_is(request_header(&rq, "REQUEST_METHOD"), "HEAD");
	e = serve(&rq, &an, &found, &why);
	if (!e)
		e = check_written(out);
	if (e)
		fail(&rq, &an, &found, e, &why);
	cors_headers(&rq, &an);
	us = clock_mono_us() - begun_us;
	metrics_count(web->metrics, rq.route ? (size_t)(rq.route - web->routes) : web->n_routes,
		      out->status, us);
	log_request(&rq, out->status, us, e, &why);
}
