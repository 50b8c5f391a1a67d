/* GET /connect/{link}: the page behind a connectUrl: who asks for whose calendar, and how a consent
 * that was begun there ended. Contract 6. */
#include "base/clock.h"
#include "handlers/routes.h"
#include "provider/provider.h"
#include "provider/providers.h"
#include "service/link_subject.h"
#include "service/oauth_start.h"
#include "store/connections.h"
#include "web/answer.h"
#include "web/page.h"
#include "web/request.h"

enum {
	WORD_BYTES = 32,
	FLOW_S = 2 * OAUTH_STATE_VALID_S /* a consent, and its confirmation */
};

/* What the callback puts behind the address of the page. */
struct outcome {
	struct slice calendar; /* "connected", "error"; empty: nothing has ended here */
	struct slice provider;
	struct slice reason;
};

/* What a reason means to the person; the last one is for words that are not here. */
static const struct {
	const char *reason;
	const char *text;
} REASONS[] = {
	{"denied", "You did not allow the access, so nothing was connected. If that was not what "
		   "you wanted, simply start again."},
	{"expired", "Too much time passed between start and finish, so nothing was connected. "
		    "Please start again; you have ten minutes."},
	{"scope_missing",
	 "You signed in, but did not allow access to the calendar. Without it no appointment can "
	 "be written. Please start again; where there is a box for the calendar, leave it "
	 "ticked."},
	{"no_refresh_token",
	 "We were not given lasting access. Please remove this service from the connections of "
	 "your account there, then start again here."},
	{"provider_unavailable",
	 "The calendar's provider did not answer in time, so nothing was connected. Please try "
	 "again in a few minutes."},
	{"provider_misconfigured",
	 "The problem is on our side: the calendar's provider does not accept this service at the "
	 "moment. The people who run it have to mend that; there is nothing for you to do."},
	{"wrong_account", "You signed in with another account than the one expected. Please start "
			  "again and choose the right one."},
	{"admin_consent", "Your organization wants its administrator to approve this service "
			  "first. Please ask there, then start again."},
	{"no_mailbox",
	 "That account has no calendar, perhaps because it is a guest's or has no mailbox. Please "
	 "start again and choose another account."},
	{"failed", "Something went wrong between the calendar's provider and us, so nothing was "
		   "connected. Please start again."},
};

static const char *text_of(struct slice reason)
{
	size_t last = ARRAY_LEN(REASONS) - 1;

	for (size_t i = 0; i < last; i++)
		if (slice_is(reason, REASONS[i].reason))
			return REASONS[i].text;
	return REASONS[last].text;
}

static const char *title_of(struct slice provider)
{
	const struct provider *known = providers_find(provider);

	return known ? known->title : "The calendar";
}

static enum err read_outcome(const struct request *rq, struct outcome *out, struct fail *why)
{
	enum err e = request_query(rq, "calendar", WORD_BYTES, &out->calendar, why);

	if (!e)
		e = request_query(rq, "provider", WORD_BYTES, &out->provider, why);
	if (!e)
		e = request_query(rq, "reason", WORD_BYTES, &out->reason, why);
	return e;
}

/* Who asks, and for whom. */
static void write_people(struct page *page, const struct link_subject *subject)
{
	const struct owner *owner = &subject->owner;

	page_fact(page, "Asked for by", subject->tenant_name);
	page_fact(page, "For", owner->name.len ? owner->name : owner->external_id);
	if (owner->email.len)
		page_fact(page, "E-mail address", owner->email);
}

static void write_button(const struct request *rq, struct page *page,
			 const struct provider *provider, const char *verb)
{
	page_button(page, "provider", provider->name,
		    arena_format(rq->work.arena, "%s %s", verb, provider->title));
}

/* One button for each calendar that can be connected here; none when the link's time is over. */
static void write_form(const struct request *rq, struct page *page,
		       const struct link_subject *subject)
{
	const struct connection *named = subject->named;
	const struct provider *provider;

	if (subject->is_over) {
		page_text(page, "To start again, please ask for a new link: this one has expired.");
		return;
	}
	page_text(page, "You leave this page to sign in with your calendar's provider, and come "
			"back by yourself.");
	page_form_begin(page, arena_format(rq->work.arena, "/connect/%.*s", (int)rq->params[0].len,
					   rq->params[0].data));
	for (size_t i = 0; (provider = providers_at(i)); i++)
		if (provider->is_configured(rq->work.svc->config) &&
		    (!named || slice_is(named->provider, provider->name)))
			write_button(rq, page, provider, named ? "Sign in again to" : "Connect");
	page_form_end(page);
}

static void ask_again(const struct request *rq, struct page *page,
		      const struct link_subject *subject)
{
	const struct connection *named = subject->named;

	if (named->status == CONNECTION_ACTIVE)
		page_text(page, "This calendar is connected, and there is nothing for you to do.");
	else
		page_text(page,
			  arena_format(rq->work.arena,
				       "%s has withdrawn our access, for example because you "
				       "removed it there or changed your password. Until you sign "
				       "in again, no new appointment can be written to this "
				       "calendar.",
				       title_of(named->provider)));
	page_fact(page, "Calendar account", named->account_email);
}

static void ask(const struct request *rq, struct answer *an, const struct link_subject *subject)
{
	struct page page;

	page_begin(&page, answer_html(an, 200),
		   subject->named ? "Connect your calendar again" : "Connect your calendar");
	if (subject->named)
		ask_again(rq, &page, subject);
	else
		page_text(&page, "Your appointments then appear in your own calendar as soon as "
				 "they are booked. Only go on if this is you:");
	write_people(&page, subject);
	for (size_t i = 0; !subject->named && i < subject->n_connections; i++)
		page_fact(&page, "Connected already", subject->connections[i].account_email);
	write_form(rq, &page, subject);
	page_end(&page);
}

static int64_t last_change_ms(const struct connection *conn)
{
	return conn->connected_ms > conn->status_since_ms ? conn->connected_ms
							  : conn->status_since_ms;
}

/* What the address says is believed of a connection that is there. */
static const struct connection *newest(const struct link_subject *subject, struct slice provider)
{
	const struct connection *found = NULL;

	for (size_t i = 0; i < subject->n_connections; i++) {
		const struct connection *conn = &subject->connections[i];

		if (conn->status == CONNECTION_ACTIVE && slice_equal(conn->provider, provider) &&
		    (!found || last_change_ms(conn) > last_change_ms(found)))
			found = conn;
	}
	return found;
}

static void tell_connected(const struct request *rq, struct answer *an,
			   const struct link_subject *subject, const struct connection *conn)
{
	struct page page;

	page_begin(&page, answer_html(an, 200),
		   arena_format(rq->work.arena, "%s is connected", title_of(conn->provider)));
	page_text(&page, "Appointments are now written to this calendar. You can close this page.");
	page_fact(&page, "Calendar account", conn->account_email);
	write_people(&page, subject);
	page_end(&page);
}

static void tell_failed(const struct request *rq, struct answer *an,
			const struct link_subject *subject, const char *text)
{
	struct page page;

	page_begin(&page, answer_html(an, 200), "Your calendar was not connected");
	page_text(&page, text);
	write_people(&page, subject);
	write_form(rq, &page, subject);
	page_end(&page);
}

static void tell(const struct request *rq, struct answer *an, const struct link_subject *subject,
		 const struct outcome *outcome)
{
	const struct connection *conn = newest(subject, outcome->provider);

	if (!slice_is(outcome->calendar, "connected"))
		tell_failed(rq, an, subject, text_of(outcome->reason));
	else if (conn)
		tell_connected(rq, an, subject, conn);
	else
		tell_failed(rq, an, subject, "We cannot see the new connection yet.");
}

/* Somebody who began in the link's last moment may still be on his way back to it. */
static bool is_awaited(const struct link_subject *subject)
{
	return clock_now_ms() < subject->link.expires_ms + (int64_t)FLOW_S * 1000;
}

enum err link_show(struct request *rq, struct answer *an, struct fail *why)
{
	struct link_subject subject;
	struct outcome outcome = {0};
	enum err e = link_subject_get(&rq->work, rq->params[0], &subject, why);

	if (!e)
		e = read_outcome(rq, &outcome, why);
	if (!e && subject.is_over && !(outcome.calendar.len && is_awaited(&subject)))
		e = ERR_LINK_EXPIRED;
	if (e)
		return e;
	if (outcome.calendar.len)
		tell(rq, an, &subject, &outcome);
	else
		ask(rq, an, &subject);
	return OK;
}
