#include "provider/outlook.h"

#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/rfc3339.h"
#include "model/event.h"
#include "provider/asking.h"
#include "provider/outlook_event.h"
#include "provider/outlook_json.h"
#include "provider/wire.h"

#define SCOPE_BASE "https://graph.microsoft.com/"
#define SCOPE_CALENDARS "Calendars.ReadWrite"
#define SCOPES_ASKED "openid profile email offline_access " SCOPE_CALENDARS " User.Read"

/* On every call: ids that survive a move to another calendar, and times without a zone's name. */
#define PREFER "IdType=\"ImmutableId\", outlook.timezone=\"UTC\""
#define PREFER_TEXT PREFER ", outlook.body-content-type=\"text\""

/* No more of an event than is read from it. */
#define PLACE "id,webLink,isCancelled,createdDateTime"
#define DETAILS                                                                                    \
	"lastModifiedDateTime,iCalUId,subject,body,location,start,end,isAllDay,attendees,"         \
	"isOnlineMeeting,onlineMeeting,originalStartTimeZone"
#define MARKER_SHOWN "singleValueExtendedProperties($filter=id eq '" OUTLOOK_MARKER "')"

enum {
	URL_BYTES_MAX = 8192,
	FORM_BYTES_MAX = 32 * 1024,
	EVENT_BYTES_MAX = 512 * 1024,
	ANSWER_BYTES_MAX = 512 * 1024, /* 32768 lines as HTML as JSON take half of it */
	LIST_BYTES_MAX = 1024 * 1024,
	LIST_MAX = 25,  /* so that a page of the largest events fits into its answer */
	FOUND_MAX = 10, /* of events with one marker, of which there should be one */
};

/* The first instant of the year that no event of ours reaches. */
static const int64_t END_OF_TIME_MS = INT64_C(4133980800000);

/* --- consent --- */

static bool outlook_is_configured(const struct config *config)
{
	return config->microsoft_client_id && config->microsoft_client_id[0] &&
	       !secret_is_empty(&config->microsoft_client_secret);
}

static const char *outlook_issuer(const struct config *config)
{
	return config->microsoft_issuer;
}

static struct provider_budget outlook_budget(const struct config *config)
{
	return (struct provider_budget){
		.calls_per_min = (unsigned)config->rate_outlook_per_min,
		.at_once = (unsigned)config->rate_outlook_at_once,
	};
}

static void add_pair(struct buf *out, const char *name, struct slice value)
{
	buf_add_text(out, name);
	buf_add_percent(out, value);
}

/* offline_access alone brings a refresh token; prompt=select_account lets another account in. */
static enum err outlook_consent_url(const struct provider_cx *cx, const struct consent *ask,
				    struct buf *out, struct fail *why)
{
	const struct config *config = cx->config;

	(void)why;
	buf_add_text(out, config->microsoft_auth_url);
	add_pair(out, "?response_type=code&response_mode=query&client_id=",
		 slice_of(config->microsoft_client_id));
	add_pair(out, "&redirect_uri=", slice_of(config->microsoft_redirect_uri));
	add_pair(out, "&scope=", SLICE(SCOPES_ASKED));
	add_pair(out, "&prompt=select_account&state=", ask->state);
	add_pair(out, "&code_challenge_method=S256&code_challenge=", ask->challenge);
	if (ask->login_hint.len > 0)
		add_pair(out, "&login_hint=", ask->login_hint);
	return buf_error(out);
}

/* Scopes come back short or whole, in any case; an id_token says who it is, not a scope. */
static bool outlook_scopes_suffice(struct slice scopes)
{
	while (scopes.data) {
		struct slice scope = slice_cut(&scopes, ' ');

		if (slice_is_nocase(scope, SCOPE_CALENDARS) ||
		    slice_is_nocase(scope, SCOPE_BASE SCOPE_CALENDARS))
			return true;
	}
	return false;
}

/* --- tokens --- */

static enum err post_form(const struct provider_cx *cx, enum outlook_call call, struct buf *form,
			  struct grant *out, struct secret *id_token, struct fail *why)
{
	const struct config *config = cx->config;
	struct asking asking = {
		.http = {.url = config->microsoft_token_url,
			 /* a code that arrives twice is dead */
			 .once = call == OUTLOOK_EXCHANGE},
		.call = call,
		.refusal = outlook_json_refusal,
	};
	enum err e;

	add_pair(form, "&scope=", SLICE(SCOPES_ASKED));
	add_pair(form, "&client_id=", slice_of(config->microsoft_client_id));
	add_pair(form, "&client_secret=", secret_slice(&config->microsoft_client_secret));
	e = buf_error(form);
	if (!e)
		e = asking_tokens(cx, &asking, form, out, id_token, why);
	buf_free(form);
	return e;
}

static enum err read_who(const struct provider_cx *cx, const struct secret *id_token,
			 struct account *who, struct fail *why)
{
	const struct outlook_claims wanted = {
		.client_id = cx->config->microsoft_client_id,
		.issuer = cx->config->microsoft_issuer,
		.now_ms = clock_now_ms(),
	};

	if (secret_is_empty(id_token))
		return OK;
	return outlook_json_claims(cx->arena, secret_slice(id_token), &wanted, who, why);
}

static enum err outlook_exchange(struct provider_cx *cx, struct slice code, struct slice verifier,
				 struct grant *out, struct account *who, struct fail *why)
{
	struct secret id_token = {0};
	struct buf form;
	enum err e;

	*out = (struct grant){0};
	*who = (struct account){0};
	buf_init(&form, NULL, FORM_BYTES_MAX);
	add_pair(&form, "grant_type=authorization_code&code=", code);
	add_pair(&form, "&code_verifier=", verifier);
	add_pair(&form, "&redirect_uri=", slice_of(cx->config->microsoft_redirect_uri));
	e = post_form(cx, OUTLOOK_EXCHANGE, &form, out, &id_token, why);
	if (!e)
		e = read_who(cx, &id_token, who, why);
	if (e)
		grant_wipe(out);
	secret_wipe(&id_token);
	return e;
}

static enum err outlook_refresh(struct provider_cx *cx, const struct secret *token,
				struct grant *out, struct fail *why)
{
	struct buf form;

	*out = (struct grant){0};
	buf_init(&form, NULL, FORM_BYTES_MAX);
	add_pair(&form, "grant_type=refresh_token&refresh_token=", secret_slice(token));
	return post_form(cx, OUTLOOK_REFRESH, &form, out, NULL, why);
}

/* --- one exchange with Graph --- */

/* A question whose URL is still to be written. */
static struct asking graph(const struct provider_cx *cx, enum outlook_call call, const char *method)
{
	return (struct asking){
		.http = {.method = method,
			 .bearer = cx->access,
			 .prefer = PREFER,
			 .ceiling_bytes = ANSWER_BYTES_MAX},
		.call = call,
		.refusal = outlook_json_refusal,
	};
}

static void begin_url(const struct provider_cx *cx, struct buf *url, const char *path)
{
	buf_init(url, cx->arena, URL_BYTES_MAX);
	buf_add_text(url, cx->config->microsoft_api_url);
	buf_add_text(url, path);
}

/* The events of the calendar; "primary" is what the default one is called with us. */
static void begin_events_url(const struct provider_cx *cx, struct buf *url)
{
	begin_url(cx, url, "/me");
	if (cx->calendar_id.len > 0 && !slice_is(cx->calendar_id, "primary"))
		add_pair(url, "/calendars/", cx->calendar_id);
	buf_add_text(url, "/events");
}

static enum err end_url(struct buf *url, struct asking *asking)
{
	asking->http.url = buf_slice(url).data;
	return buf_error(url);
}

/* What of each event is wanted; one extended property alone can be shown. */
static void add_wanted(struct buf *url, const char *mark, bool whole)
{
	buf_add_text(url, mark);
	buf_add_text(url, whole ? "$select=" PLACE "," DETAILS : "$select=" PLACE);
	add_pair(url, "&$expand=", SLICE(MARKER_SHOWN));
}

/* Events with this extended property, which has no quote in it. */
static void add_filter(struct buf *url, const char *lead, const char *id, const char *value)
{
	buf_add_text(url, lead);
	buf_add_percent(url, SLICE("singleValueExtendedProperties/Any(ep: ep/id eq '"));
	buf_add_percent(url, slice_of(id));
	buf_add_percent(url, SLICE("' and ep/value eq '"));
	buf_add_percent(url, slice_of(value));
	buf_add_percent(url, SLICE("')"));
}

/* The account's default calendar: where there is no mailbox there is none. */
static enum err outlook_account(struct provider_cx *cx, struct account *who, struct fail *why)
{
	struct asking asking = graph(cx, OUTLOOK_ACCOUNT, "GET");
	struct http_reply reply;
	struct buf url;
	enum err e;

	if (who->id.len == 0)
		return wire_nonsense(why, "answer names no account");
	begin_url(cx, &url, "/me/calendar?$select=owner,canEdit");
	e = end_url(&url, &asking);
	if (!e)
		e = asking_run(cx, &asking, &reply, why);
	return e ? e : outlook_json_calendar(cx->arena, asking_json(&reply), who, why);
}

/* --- events --- */

static enum err ask_for_event(const struct provider_cx *cx, struct asking *asking, const char *id,
			      struct placed *out, struct fail *why)
{
	struct http_reply reply;
	enum err e = asking_run(cx, asking, &reply, why);

	return e ? e : outlook_event_read(cx->arena, asking_json(&reply), id, cx->whole, out, why);
}

/* The answer does not show our marker, but what it answers to is ours. */
static enum err keep_marker(const struct provider_cx *cx, struct slice marker, struct placed *out)
{
	const char *copy = arena_copy(cx->arena, marker);

	out->marker = slice_of(copy);
	return copy ? OK : ERR_NOMEM;
}

static enum err outlook_put(struct provider_cx *cx, const char *id, const struct stamp *stamp,
			    const struct event *ev, struct placed *out, struct fail *why)
{
	struct asking asking = graph(cx, OUTLOOK_MAKE, "POST");
	struct buf body, url;
	enum err e;

	*out = (struct placed){0};
	buf_init(&body, cx->arena, EVENT_BYTES_MAX);
	outlook_event_insert(ev, id, stamp, &body);
	e = buf_error(&body);
	if (e)
		return e;
	asking.http.content_type = "application/json";
	asking.http.body = buf_slice(&body);
	begin_events_url(cx, &url);
	e = end_url(&url, &asking);
	if (!e)
		e = ask_for_event(cx, &asking, id, out, why);
	return e ? e : keep_marker(cx, slice_of(stamp->marker), out);
}

/* Of a whole event its HTML is told: a change may have to send a part of it back. */
static enum err outlook_get(struct provider_cx *cx, const char *id, struct placed *out,
			    struct fail *why)
{
	struct asking asking = graph(cx, OUTLOOK_READ, "GET");
	struct buf url;
	enum err e;

	*out = (struct placed){0};
	begin_url(cx, &url, "/me/events/");
	buf_add_percent(&url, slice_of(id));
	add_wanted(&url, "?", cx->whole);
	e = end_url(&url, &asking);
	return e ? e : ask_for_event(cx, &asking, NULL, out, why);
}

static enum err outlook_change(struct provider_cx *cx, const struct placed *stands,
			       const struct event *ev, unsigned parts, struct placed *out,
			       struct fail *why)
{
	struct asking asking = graph(cx, OUTLOOK_CHANGE, "PATCH");
	struct buf body, url;
	enum err e;

	if (outlook_event_parts(ev, parts) == 0)
		return outlook_get(cx, stands->id.data, out, why);
	*out = (struct placed){0};
	buf_init(&body, cx->arena, EVENT_BYTES_MAX);
	outlook_event_patch(ev, parts, stands, &body);
	e = buf_error(&body);
	if (e)
		return e;
	asking.http.content_type = "application/json";
	asking.http.body = buf_slice(&body);
	asking.http.if_match = stands->etag.len > 0 ? stands->etag.data : NULL;
	begin_url(cx, &url, "/me/events/");
	buf_add_percent(&url, stands->id);
	e = end_url(&url, &asking);
	if (!e)
		e = ask_for_event(cx, &asking, NULL, out, why);
	return e ? e : keep_marker(cx, stands->marker, out);
}

/* Outlook mails its guests that it is cancelled, whatever is wished. */
static enum err outlook_drop(struct provider_cx *cx, const char *id, bool notify, struct fail *why)
{
	struct asking asking = graph(cx, OUTLOOK_DROP, "DELETE");
	struct http_reply reply;
	struct buf url;
	enum err e;

	(void)notify;
	begin_url(cx, &url, "/me/events/");
	buf_add_percent(&url, slice_of(id));
	e = end_url(&url, &asking);
	if (!e)
		e = asking_run(cx, &asking, &reply, why);
	if (!e && asking_succeeded(&reply))
		e = wire_done(cx->arena, buf_slice(&reply.body), why);
	return e;
}

/* --- several of them --- */

static enum err outlook_find(struct provider_cx *cx, const char *marker, struct placed *out,
			     struct fail *why)
{
	struct asking asking = graph(cx, OUTLOOK_READ, "GET");
	struct http_reply reply;
	struct buf url;
	enum err e;

	*out = (struct placed){0};
	begin_events_url(cx, &url);
	add_filter(&url, "?$filter=", OUTLOOK_MARKER, marker);
	add_wanted(&url, "&", cx->whole);
	buf_format(&url, "&$top=%d", FOUND_MAX);
	asking.http.ceiling_bytes = LIST_BYTES_MAX;
	e = end_url(&url, &asking);
	if (!e)
		e = asking_run(cx, &asking, &reply, why);
	return e ? e : outlook_event_found(cx->arena, asking_json(&reply), cx->whole, out, why);
}

static void add_bound(struct buf *url, const char *clause, int64_t instant_ms)
{
	char text[RFC3339_BYTES];

	rfc3339_utc(instant_ms, text);
	buf_add_percent(url, slice_of(clause));
	buf_add_percent(url, (struct slice){text, strlen(text) - strlen("Z")});
	buf_add_percent(url, SLICE("' and "));
}

/* Graph sorts only by what it filters by, and that first: so the start has a bound in any case. */
static void first_page_url(const struct provider_cx *cx, const char *owner,
			   const struct event_range *range, struct buf *url)
{
	bool ends = range->to_ms < END_OF_TIME_MS;

	begin_events_url(cx, url);
	buf_add_text(url, "?$filter=");
	add_bound(url, "start/dateTime lt '", ends ? range->to_ms : END_OF_TIME_MS);
	if (range->from_ms > 0)
		add_bound(url, "end/dateTime gt '", range->from_ms);
	add_filter(url, "", OUTLOOK_OWNER, owner);
	add_wanted(url, "&", true);
	buf_format(url, "&$orderby=start/dateTime&$top=%u",
		   range->max < LIST_MAX ? range->max : LIST_MAX);
}

static enum err outlook_list(struct provider_cx *cx, const char *owner,
			     const struct event_range *range, struct placed_list *out,
			     struct fail *why)
{
	bool first = range->page.len == 0;
	struct asking asking = graph(cx, first ? OUTLOOK_READ : OUTLOOK_PAGE, "GET");
	const char *base = cx->config->microsoft_api_url;
	struct http_reply reply;
	struct buf url;
	enum err e;

	*out = (struct placed_list){0};
	if (!first && !outlook_event_is_page(range->page))
		return fail_set(why, ERR_BAD_REQUEST, "outlook: that is no page");
	if (first) {
		first_page_url(cx, owner, range, &url);
	} else {
		begin_url(cx, &url, "");
		buf_add_slice(&url, range->page);
	}
	asking.http.prefer = PREFER_TEXT;
	asking.http.ceiling_bytes = LIST_BYTES_MAX;
	e = end_url(&url, &asking);
	if (!e)
		e = asking_run(cx, &asking, &reply, why);
	return e ? e : outlook_event_list(cx->arena, asking_json(&reply), base, out, why);
}

/* No revoke: Microsoft knows none for a single grant. */
const struct provider PROVIDER_OUTLOOK = {
	.name = "outlook",
	.title = "Outlook Calendar",
	.mails_always = true,
	.is_configured = outlook_is_configured,
	.consent_url = outlook_consent_url,
	.issuer = outlook_issuer,
	.budget = outlook_budget,
	.exchange = outlook_exchange,
	.refresh = outlook_refresh,
	.account = outlook_account,
	.scopes_suffice = outlook_scopes_suffice,
	.put = outlook_put,
	.change = outlook_change,
	.drop = outlook_drop,
	.get = outlook_get,
	.find = outlook_find,
	.list = outlook_list,
};
