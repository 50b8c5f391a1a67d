#include "web/answer.h"

#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "model/connect_link.h"
#include "web/page.h"
#include "web/request.h"

/* Where only who is signed in can connect a calendar. */
static const char DASHBOARD[] = "/dashboard/#connect";

/* Begins the body anew; headers that were added stay. */
static struct buf *begin(struct answer *an, int status, const char *content_type)
{
	an->out->status = status;
	an->out->content_type = content_type;
	buf_clear(&an->out->body);
	return &an->out->body;
}

struct json_writer *answer_json(struct answer *an, int status)
{
	json_writer_init(&an->json, begin(an, status, "application/json"));
	return &an->json;
}

void answer_value(struct answer *an, int status, struct slice json)
{
	buf_add_slice(begin(an, status, "application/json"), json);
}

void answer_empty(struct answer *an, int status)
{
	begin(an, status, NULL);
}

struct buf *answer_html(struct answer *an, int status)
{
	return begin(an, status, "text/html; charset=utf-8");
}

struct buf *answer_text(struct answer *an, int status, const char *content_type)
{
	return begin(an, status, content_type);
}

void answer_redirect(struct answer *an, struct slice url)
{
	answer_empty(an, 302);
	answer_header(an, "Location", url);
}

void answer_see_other(struct answer *an, struct slice url)
{
	answer_empty(an, 303);
	answer_header(an, "Location", url);
}

void answer_header(struct answer *an, const char *name, struct slice value)
{
	struct buf *headers = &an->out->headers;

	/* an error in a buf stays, and whoever sends the answer makes 500 of it */
	if (text_has_control(value, false) && !headers->error)
		headers->error = ERR_INTERNAL;
	buf_add_text(headers, name);
	buf_add_text(headers, ": ");
	buf_add_slice(headers, value);
	buf_add_text(headers, "\r\n");
}

void answer_cookie(struct answer *an, const char *name, struct slice value, int max_age_s)
{
	struct buf *headers = &an->out->headers;

	if ((text_has_control(value, false) ||
	     memchr(value.data ? value.data : "", ';', value.len)) &&
	    !headers->error)
		headers->error = ERR_INTERNAL;
	buf_format(headers, "Set-Cookie: %s=", name);
	buf_add_slice(headers, value);
	buf_format(headers, "; Path=/; Max-Age=%d; Secure; HttpOnly; SameSite=Lax\r\n", max_age_s);
}

/*
 * The invite's page documents one answer for whatever fails behind it; the precise word is in
 * "code".
 */
static bool is_masked(const struct request *rq, enum err e)
{
	int status = err_status(e);

	if (!rq->route || rq->route->family != FAMILY_INVITE || e == ERR_TOO_MANY)
		return false;
	return status == 429 || status >= 500;
}

static const char *text_for(const struct request *rq, enum err e, const struct fail *why)
{
	if (is_masked(rq, e))
		return "Failed to create calendar invite";
	/* which credential was wrong, and how, is nobody's business */
	return why->reason && e != ERR_NO_CREDENTIAL ? why->reason : err_text(e);
}

/*
 * Whoever has the link can connect a calendar for its owner: so it is given only to who may speak
 * for him, which an anonymous guest of the demo host may not.
 */
static const char *connect_url(const struct request *rq, enum err e)
{
	const struct svc *svc = rq->work.svc;
	const struct target *target = &rq->target;
	struct connect_link link = {
		.tenant = rq->caller.tenant,
		.owner = target->owner.id,
		.external_id = target->owner.external_id,
		.expires_ms = clock_now_ms() + (int64_t)CONNECT_LINK_VALID_S * 1000,
	};
	char text[CONNECT_LINK_BYTES];

	if (!link.external_id.len)
		link.external_id = rq->caller.external_id;
	if (e == ERR_REAUTH)
		link.connection = target->connection.id;
	if (rq->caller.kind == CALLER_DEMO || connect_link_write(svc->ring, &link, text))
		return arena_format(rq->work.arena, "%s%s", svc->config->public_url, DASHBOARD);
	return arena_format(rq->work.arena, "%s/connect/%s", svc->config->public_url, text);
}

static void add_fields(struct json_writer *json, const struct fail *why)
{
	json_open_array(json, "fields");
	for (unsigned i = 0; i < why->n_fields; i++) {
		json_open(json, NULL);
		json_add_string(json, "field", why->fields[i].field);
		json_add_string(json, "reason", why->fields[i].reason);
		json_close(json);
	}
	json_close_array(json);
}

static void error_json(struct answer *an, const struct request *rq, int status, enum err e,
		       const struct fail *why)
{
	struct json_writer *json = answer_json(an, status);

	json_open(json, NULL);
	json_add_string(json, "error", text_for(rq, e, why));
	json_add_string(json, "code", err_code(e));
	json_add_text(json, "requestId", rq->work.request_id);
	if (e == ERR_FIELDS && why->n_fields > 0)
		add_fields(json, why);
	if (e == ERR_MALFORMED)
		json_add_int(json, "offset", (int64_t)why->offset);
	if (e == ERR_NO_CONNECTION)
		json_add_bool(json, "requiresAuth", true);
	if (e == ERR_REAUTH)
		json_add_bool(json, "requiresReauth", true);
	if (e == ERR_NO_CONNECTION || e == ERR_REAUTH)
		json_add_string(json, "connectUrl", connect_url(rq, e));
	json_close(json);
}

static void error_page(struct answer *an, const struct request *rq, int status, enum err e,
		       const struct fail *why)
{
	struct page page;

	page_begin(&page, answer_html(an, status), "This did not work");
	page_text(&page, text_for(rq, e, why));
	page_fact(&page, "Reference", rq->work.request_id);
	page_link(&page, SLICE("/dashboard/"), "Go to the dashboard");
	page_end(&page);
}

/* Seconds until a repetition may do better; 0: nothing to say. */
static unsigned retry_after_s(int status, enum err e, const struct fail *why)
{
	if (why->retry_after_s > 0)
		return why->retry_after_s;
	return status == 429 || status == 503 || e == ERR_RUNNING ? 1 : 0;
}

void answer_error(struct answer *an, const struct request *rq, enum err e, const struct fail *why)
{
	static const struct fail NOTHING_KNOWN;
	int status = is_masked(rq, e) ? 500 : err_status(e);
	unsigned wait_s;

	why = why ? why : &NOTHING_KNOWN;
	wait_s = retry_after_s(status, e, why);
	buf_clear(&an->out->headers);
	if (rq->route && rq->route->family == FAMILY_PAGE && request_wants_html(rq))
		error_page(an, rq, status, e, why);
	else
		error_json(an, rq, status, e, why);
	if (status == 401)
		answer_header(an, "WWW-Authenticate", SLICE("Bearer realm=\"calbridge\""));
	if (wait_s > 0)
		buf_format(&an->out->headers, "Retry-After: %u\r\n", wait_s);
}
