/* POST /connect/{link}: the button of the page behind a connectUrl starts OAuth. Contract 6. */
#include "handlers/routes.h"
#include "provider/provider.h"
#include "provider/providers.h"
#include "service/link_subject.h"
#include "service/oauth_start.h"
#include "store/connections.h"
#include "web/answer.h"
#include "web/consent_cookie.h"
#include "web/cors.h"
#include "web/page.h"
#include "web/request.h"

enum { URL_BYTES = 4096, PROVIDER_BYTES = 16 };

/* The button that was pressed: of the calendar that is named, or of any that is set up. */
static enum err read_provider(const struct request *rq, const struct link_subject *subject,
			      const struct provider **out, struct fail *why)
{
	struct slice name;
	enum err e = request_form(rq, "provider", PROVIDER_BYTES, &name, why);

	if (e)
		return e;
	*out = providers_find(name);
	if (!*out || !(*out)->is_configured(rq->work.svc->config) ||
	    (subject->named && !slice_is(subject->named->provider, (*out)->name)))
		return fail_because(why, ERR_BAD_REQUEST, "provider is not one of the page's");
	return OK;
}

/* Back to this very page, which can say to anybody how it ended. */
static enum err return_here(const struct request *rq, struct slice *out)
{
	*out = slice_of(arena_format(rq->work.arena, "/connect/%.*s", (int)rq->params[0].len,
				     rq->params[0].data));
	return out->data ? OK : ERR_NOMEM;
}

/*
 * Not by a redirect, for a browser: form-action of our policy holds for what follows a form, too,
 * and 'self' forbids the provider's site.
 */
static void lead_to(const struct request *rq, struct answer *an, const struct provider *provider,
		    struct slice url)
{
	struct page page;
	char *refresh;

	if (!request_wants_html(rq)) {
		answer_see_other(an, url);
		return;
	}
	refresh = arena_format(rq->work.arena, "0; url=%.*s", (int)url.len, url.data);
	answer_header(an, "Refresh", slice_of(refresh));
	page_begin(&page, answer_html(an, 200), "One moment, please");
	page_fact(&page, "You are taken to", slice_of(provider->title));
	page_link(&page, url, "Continue, if nothing happens");
	page_end(&page);
}

enum err link_start(struct request *rq, struct answer *an, struct fail *why)
{
	struct link_subject subject;
	struct oauth_start start = {.owner = &subject.owner};
	struct buf url;
	enum err e;

	if (!cors_is_own_page(rq))
		return ERR_CSRF;
	buf_init(&url, rq->work.arena, URL_BYTES);
	e = link_subject_get(&rq->work, rq->params[0], &subject, why);
	if (!e && subject.is_over)
		e = ERR_LINK_EXPIRED;
	if (!e)
		e = read_provider(rq, &subject, &start.provider, why);
	if (!e)
		e = return_here(rq, &start.return_to);
	if (!e)
		e = consent_cookie_give(rq, an, &start.browser);
	if (!e && id_is_none(&subject.owner.id))
		e = owners_put(rq->work.svc->db, &subject.owner, why);
	if (subject.named)
		start.account = subject.named->account_email;
	if (!e)
		e = oauth_start(&rq->work, &start, &url, why);
	if (!e)
		lead_to(rq, an, start.provider, buf_slice(&url));
	return e;
}
