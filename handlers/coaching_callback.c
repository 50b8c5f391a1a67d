/* GET and POST .../callback: finishes OAuth, and its confirmation by a person. Contract 3, seed
 * 002. */
#include "base/config.h"
#include "handlers/routes.h"
#include "model/return_place.h"
#include "service/oauth_confirm.h"
#include "service/oauth_end.h"
#include "service/oauth_finish.h"
#include "web/answer.h"
#include "web/audit.h"
#include "web/consent_cookie.h"
#include "web/cors.h"
#include "web/page.h"
#include "web/request.h"

/* Ceilings of what a provider sends back; Microsoft's codes and states reach 2 kB. */
enum {
	CODE_BYTES = 4096,
	STATE_BYTES = 512,
	ERROR_BYTES = 64,
	ISSUER_BYTES = 512,
	URL_BYTES = 2048
};

static const char BAD_STATE_TEXT[] =
	"This sign-in link is not valid any more, or it was started in another browser. "
	"Nothing was connected. Please start again from your calendar page.";

static enum err read_return(const struct request *rq, struct oauth_return *back, struct fail *why)
{
	enum err e = request_query(rq, "state", STATE_BYTES, &back->state, why);

	if (!e)
		e = request_query(rq, "code", CODE_BYTES, &back->code, why);
	if (!e)
		e = request_query(rq, "error", ERROR_BYTES, &back->error, why);
	if (!e)
		e = request_query(rq, "iss", ISSUER_BYTES, &back->issuer, why);
	back->has_issuer = back->issuer.data != NULL;
	return e == ERR_NOMEM ? e : e ? ERR_BAD_STATE : OK;
}

/* Who came is not known, so it is noted as nobody's doing (O1). */
static enum err refuse(const struct request *rq, struct fail *why)
{
	audit_note_stranger(rq, "connect", SLICE("callback"), err_code(ERR_BAD_STATE));
	return fail_because(why, ERR_BAD_STATE, BAD_STATE_TEXT);
}

static enum err place_url(const struct request *rq, const struct oauth_result *result,
			  struct buf *url)
{
	const char *query =
		slice_is(slice_of(result->outcome), "connected")
			? arena_format(rq->work.arena, "calendar=connected&provider=%.*s",
				       (int)result->provider.len, result->provider.data)
			: arena_format(rq->work.arena, "calendar=error&reason=%s", result->outcome);

	buf_init(url, rq->work.arena, URL_BYTES);
	if (!query)
		return ERR_NOMEM;
	return_place_url(url, result->return_to, rq->work.svc->config->public_url, slice_of(query));
	return buf_error(url);
}

/* Whose calendar, for whom: the person decides; nothing is stored before. */
static enum err ask(struct request *rq, struct answer *an, const struct oauth_result *result,
		    struct slice browser)
{
	char token[CSRF_TOKEN_BYTES];
	char flow[ID_TEXT_BYTES];
	struct page page;
	enum err e = consent_cookie_token(rq, &result->flow, browser, token);

	if (e)
		return e;
	id_text(&result->flow, flow);
	page_begin(&page, answer_html(an, 200), "Connect this calendar?");
	page_fact(&page, "Calendar account", result->account_email);
	page_fact(&page, "Will be connected for", result->owner_external_id);
	page_text(&page, result->handed_on
				 ? "You came here by a link that was passed on. Connect it only if "
				   "you know who asked you to."
				 : "This is another account than the one connected before. It will "
				   "become a second connection.");
	page_form_begin(&page, "/api/calendar-integration/callback");
	page_hidden(&page, "flow", flow);
	page_hidden(&page, "token", token);
	page_button(&page, "answer", "yes", "Connect this calendar");
	page_button(&page, "answer", "no", "Do not connect");
	page_form_end(&page);
	page_end(&page);
	return OK;
}

enum err coaching_callback(struct request *rq, struct answer *an, struct fail *why)
{
	struct oauth_return back = {0};
	struct oauth_result result = {0};
	struct buf url;
	enum err e = read_return(rq, &back, why);

	if (!e)
		e = consent_cookie_give(rq, an, &back.browser);
	if (!e)
		e = oauth_finish(&rq->work, &back, &result, why);
	if (e == ERR_BAD_STATE)
		return refuse(rq, why);
	if (!e && result.ask)
		return ask(rq, an, &result, back.browser);
	if (!e)
		e = place_url(rq, &result, &url);
	if (!e)
		answer_redirect(an, buf_slice(&url));
	return e;
}

struct confirmation {
	struct id flow;
	struct slice token;
	struct slice answer;
};

static enum err read_confirmation(const struct request *rq, struct confirmation *in,
				  struct fail *why)
{
	struct slice flow;
	enum err e = request_form(rq, "flow", ID_TEXT_BYTES, &flow, why);

	if (!e)
		e = request_form(rq, "token", CSRF_TOKEN_BYTES, &in->token, why);
	if (!e)
		e = request_form(rq, "answer", 8, &in->answer, why);
	if (!e)
		e = id_read(flow, &in->flow);
	if (!e && !slice_is(in->answer, "yes") && !slice_is(in->answer, "no"))
		e = ERR_BAD_REQUEST;
	return e;
}

/* Our own page, in the browser that was asked: Origin says so beside the token (B2). */
static enum err check_token(const struct request *rq, const struct confirmation *in,
			    struct slice browser)
{
	if (!browser.len || !cors_is_own_page(rq))
		return ERR_CSRF;
	return consent_cookie_check(rq, &in->flow, browser, in->token);
}

/*
 * Back to where the flow began. A form's answer may not lead to another site (form-action 'self'),
 * so there a page with a link does.
 */
static void lead_back(const struct request *rq, struct answer *an,
		      const struct oauth_result *result, struct slice url)
{
	struct page page;

	(void)rq;
	if (return_place_is_path(result->return_to)) {
		answer_redirect(an, url);
		return;
	}
	page_begin(&page, answer_html(an, 200),
		   slice_is(slice_of(result->outcome), "connected") ? "Calendar connected"
								    : "Calendar not connected");
	page_link(&page, url, "Continue");
	page_end(&page);
}

enum err coaching_confirm(struct request *rq, struct answer *an, struct fail *why)
{
	struct confirmation in = {0};
	struct oauth_result result = {0};
	struct slice browser = consent_cookie_of(rq);
	struct buf url;
	enum err e = read_confirmation(rq, &in, why);

	if (!e)
		e = check_token(rq, &in, browser);
	if (!e)
		e = oauth_confirm(&rq->work, &in.flow, browser, slice_is(in.answer, "yes"), &result,
				  why);
	if (e == ERR_BAD_STATE || e == ERR_NOT_FOUND)
		return refuse(rq, why);
	if (!e)
		e = place_url(rq, &result, &url);
	if (!e)
		lead_back(rq, an, &result, buf_slice(&url));
	return e;
}
