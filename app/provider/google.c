#include "provider/google.h"

#include <string.h>

#include "base/config.h"
#include "base/rfc3339.h"
#include "model/event.h"
#include "provider/asking.h"
#include "provider/google_event.h"
#include "provider/google_json.h"
#include "provider/wire.h"

#define JSON_TYPE "application/json; charset=UTF-8"

#define SCOPE_CALENDAR "https://www.googleapis.com/auth/calendar"
#define SCOPE_EVENTS SCOPE_CALENDAR ".events"
#define SCOPE_EMAIL "https://www.googleapis.com/auth/userinfo.email"
#define SCOPE_PROFILE "https://www.googleapis.com/auth/userinfo.profile"
#define SCOPES_ASKED "openid " SCOPE_CALENDAR " " SCOPE_EMAIL " " SCOPE_PROFILE

/* No more of an event than is read from it. A guest as he stands is needed by a change alone. */
#define PLACE "id,status,htmlLink,etag,extendedProperties/private"
#define DETAILS                                                                                    \
	"created,updated,summary,description,location,start,end,iCalUID,attendeesOmitted,"         \
	"hangoutLink,conferenceData(createRequest/status,entryPoints(entryPointType,uri))"
#define GUESTS "attendees(email,displayName,responseStatus)"

/* without the white space */
#define SHORT_ANSWER "prettyPrint=false&fields=" PLACE
#define WHOLE_ANSWER SHORT_ANSWER "," DETAILS ",attendees"
#define LIST_ANSWER                                                                                \
	"prettyPrint=false&fields=kind,nextPageToken,"                                             \
	"items(recurringEventId," PLACE "," DETAILS "," GUESTS ")"

enum {
	URL_BYTES_MAX = 8192,
	FORM_BYTES_MAX = 32 * 1024,
	EVENT_BYTES_MAX = 512 * 1024,
	ANSWER_BYTES_MAX = 256 * 1024,
	LIST_MAX = 32, /* so that the largest events, too, can be read in a request's memory */
	LIST_BYTES_MAX = 3 * 1024 * 1024,
	USERINFO_BYTES_MAX = 64 * 1024,
};

/* --- consent --- */

static bool google_is_configured(const struct config *config)
{
	return config->google_client_id && config->google_client_id[0] &&
	       !secret_is_empty(&config->google_client_secret);
}

static const char *google_issuer(const struct config *config)
{
	return config->google_issuer;
}

static struct provider_budget google_budget(const struct config *config)
{
	return (struct provider_budget){.calls_per_min = (unsigned)config->rate_google_per_min};
}

static void add_pair(struct buf *out, const char *name, struct slice value)
{
	buf_add_text(out, name);
	buf_add_percent(out, value);
}

/*
 * prompt=consent and access_type=offline bring a refresh token each time, not the first time
 * only. Scopes granted to this project before are not asked for again: less is safer.
 */
static enum err google_consent_url(const struct provider_cx *cx, const struct consent *ask,
				   struct buf *out, struct fail *why)
{
	const struct config *config = cx->config;

	(void)why;
	buf_add_text(out, config->google_auth_url);
	buf_add_text(out, strchr(config->google_auth_url, '?') ? "&" : "?");
	add_pair(out, "response_type=code&client_id=", slice_of(config->google_client_id));
	add_pair(out, "&redirect_uri=", slice_of(config->google_redirect_uri));
	add_pair(out, "&scope=", SLICE(SCOPES_ASKED));
	add_pair(out, "&access_type=offline&prompt=consent&state=", ask->state);
	add_pair(out, "&code_challenge_method=S256&code_challenge=", ask->challenge);
	if (ask->login_hint.len > 0)
		add_pair(out, "&login_hint=", ask->login_hint);
	return buf_error(out);
}

static bool has_scope(struct slice scopes, const char *wanted)
{
	while (scopes.data) {
		if (slice_is(slice_cut(&scopes, ' '), wanted))
			return true;
	}
	return false;
}

/*
 * Each box of Google's page can be left empty: one scope of each group must have come back, in
 * whatever order and among whatever others. Google may answer a short name with the long one.
 */
static bool google_scopes_suffice(struct slice scopes)
{
	static const char *const NEEDED[][5] = {
		{SCOPE_CALENDAR, SCOPE_EVENTS},                             /* may write events */
		{"openid", "email", SCOPE_EMAIL, "profile", SCOPE_PROFILE}, /* may say who it is */
	};

	for (size_t i = 0; i < ARRAY_LEN(NEEDED); i++) {
		bool found = false;

		for (size_t j = 0; j < ARRAY_LEN(NEEDED[i]) && NEEDED[i][j] && !found; j++)
			found = has_scope(scopes, NEEDED[i][j]);
		if (!found)
			return false;
	}
	return true;
}

/* Asks within cx's limits. OK only for a status of success, or what stands for one. */
static enum err ask_google(const struct provider_cx *cx, enum google_call call,
			   const struct http_ask *ask, struct http_reply *reply, struct fail *why)
{
	struct asking asking = {.http = *ask, .call = call, .refusal = google_json_refusal};

	return asking_run(cx, &asking, reply, why);
}

/* --- tokens --- */

static enum err post_form(const struct provider_cx *cx, enum google_call call, const char *url,
			  const struct buf *form, struct grant *out, struct fail *why)
{
	struct asking asking = {
		/* a code that arrives twice is dead */
		.http = {.url = url, .once = call == GOOGLE_EXCHANGE},
		.call = call,
		.refusal = google_json_refusal,
	};

	return asking_tokens(cx, &asking, form, out, NULL, why);
}

static void add_client(struct buf *form, const struct config *config)
{
	add_pair(form, "&client_id=", slice_of(config->google_client_id));
	add_pair(form, "&client_secret=", secret_slice(&config->google_client_secret));
}

static enum err post_for_grant(const struct provider_cx *cx, enum google_call call,
			       struct buf *form, struct grant *out, struct fail *why)
{
	enum err e;

	add_client(form, cx->config);
	e = buf_error(form);
	if (!e)
		e = post_form(cx, call, cx->config->google_token_url, form, out, why);
	buf_free(form);
	return e;
}

static enum err google_exchange(struct provider_cx *cx, struct slice code, struct slice verifier,
				struct grant *out, struct account *who, struct fail *why)
{
	struct buf form;

	*out = (struct grant){0};
	*who = (struct account){0};
	buf_init(&form, NULL, FORM_BYTES_MAX);
	add_pair(&form, "grant_type=authorization_code&code=", code);
	add_pair(&form, "&code_verifier=", verifier);
	add_pair(&form, "&redirect_uri=", slice_of(cx->config->google_redirect_uri));
	return post_for_grant(cx, GOOGLE_EXCHANGE, &form, out, why);
}

static enum err google_refresh(struct provider_cx *cx, const struct secret *token,
			       struct grant *out, struct fail *why)
{
	struct buf form;

	*out = (struct grant){0};
	buf_init(&form, NULL, FORM_BYTES_MAX);
	add_pair(&form, "grant_type=refresh_token&refresh_token=", secret_slice(token));
	return post_for_grant(cx, GOOGLE_REFRESH, &form, out, why);
}

static enum err google_revoke(struct provider_cx *cx, const struct secret *token, struct fail *why)
{
	struct buf form;
	enum err e;

	buf_init(&form, NULL, FORM_BYTES_MAX);
	add_pair(&form, "token=", secret_slice(token));
	e = buf_error(&form);
	if (!e)
		e = post_form(cx, GOOGLE_REVOKE, cx->config->google_revoke_url, &form, NULL, why);
	buf_free(&form);
	return e;
}

static enum err google_account(struct provider_cx *cx, struct account *who, struct fail *why)
{
	struct http_reply reply;
	struct http_ask ask = {
		.method = "GET",
		.url = cx->config->google_userinfo_url,
		.bearer = cx->access,
		.ceiling_bytes = USERINFO_BYTES_MAX,
	};
	enum err e = ask_google(cx, GOOGLE_READ, &ask, &reply, why);

	*who = (struct account){0};
	if (e == ERR_GONE)
		e = ERR_REFUSED; /* an address of the settings is wrong, not the account */
	return e ? e : google_json_account(cx->arena, asking_json(&reply), who, why);
}

/* --- events --- */

/* Everything up to the question mark. id is empty for the list of events. */
static void begin_url(const struct provider_cx *cx, const char *id, struct buf *url)
{
	struct slice calendar = cx->calendar_id;

	if (calendar.len == 0)
		calendar = SLICE("primary");
	buf_init(url, cx->arena, URL_BYTES_MAX);
	buf_add_text(url, cx->config->google_api_url);
	add_pair(url, "/calendars/", calendar);
	buf_add_text(url, "/events");
	if (id[0])
		add_pair(url, "/", slice_of(id));
	buf_add_byte(url, '?');
}

static const char *mails(bool notify)
{
	return notify ? "sendUpdates=all" : "sendUpdates=none";
}

/* What the answer is to hold; the last of the query. */
static enum err end_url(const struct provider_cx *cx, struct buf *url, struct http_ask *ask)
{
	buf_add_text(url, cx->whole ? WHOLE_ANSWER : SHORT_ANSWER);
	ask->url = buf_slice(url).data;
	return buf_error(url);
}

/* The answer must be about the event that was asked for, or it says nothing. */
static enum err ask_for_event(const struct provider_cx *cx, enum google_call call,
			      struct http_ask *ask, const char *id, struct placed *out,
			      struct fail *why)
{
	struct http_reply reply;
	enum err e;

	*out = (struct placed){0};
	ask->bearer = cx->access;
	ask->ceiling_bytes = ANSWER_BYTES_MAX;
	e = ask_google(cx, call, ask, &reply, why);
	if (!e)
		e = google_event_read(cx->arena, asking_json(&reply), cx->whole, out, why);
	if (e || slice_is(out->id, id))
		return e;
	*out = (struct placed){0};
	return fail_set(why, ERR_UPSTREAM, "google: answer is about another event");
}

static enum err google_put(struct provider_cx *cx, const char *id, const struct stamp *stamp,
			   const struct event *ev, struct placed *out, struct fail *why)
{
	struct http_ask ask = {.method = "POST", .content_type = JSON_TYPE};
	struct buf body, url;
	enum err e;

	buf_init(&body, cx->arena, EVENT_BYTES_MAX);
	google_event_insert(ev, id, stamp, &body);
	e = buf_error(&body);
	if (e)
		return e;
	ask.body = buf_slice(&body);
	begin_url(cx, "", &url);
	buf_add_text(&url, mails(ev->notify));
	buf_add_text(&url, ev->conference ? "&conferenceDataVersion=1&" : "&");
	e = end_url(cx, &url, &ask);
	return e ? e : ask_for_event(cx, GOOGLE_WRITE, &ask, id, out, why);
}

/*
 * A conference that was taken away by hand needs a new name to be asked for again: the
 * event's version is in it, which If-Match lets pass but once.
 */
static enum err write_change(const struct provider_cx *cx, const struct placed *stands,
			     const struct event *ev, unsigned parts, struct buf *body)
{
	const char *ask_id = arena_format(cx->arena, "%s-%s", stands->id.data,
					  stands->etag.len > 0 ? stands->etag.data : "");

	if (!ask_id)
		return ERR_NOMEM;
	buf_init(body, cx->arena, EVENT_BYTES_MAX);
	google_event_patch(ev, parts, ask_id, body);
	return buf_error(body);
}

static enum err google_change(struct provider_cx *cx, const struct placed *stands,
			      const struct event *ev, unsigned parts, struct placed *out,
			      struct fail *why)
{
	struct http_ask ask = {
		.method = "PATCH", .content_type = JSON_TYPE, .if_match = stands->etag.data};
	struct buf body, url;
	enum err e;

	*out = (struct placed){0};
	if ((parts & EVENT_ATTENDEES) && !stands->event.attendees)
		return fail_set(why, ERR_REFUSED, "google: not all of its guests are known");
	e = write_change(cx, stands, ev, parts, &body);
	if (e)
		return e;
	ask.body = buf_slice(&body);
	begin_url(cx, stands->id.data, &url);
	buf_add_text(&url, mails(ev->notify));
	buf_add_text(&url, "&conferenceDataVersion=1&");
	e = end_url(cx, &url, &ask);
	return e ? e : ask_for_event(cx, GOOGLE_WRITE, &ask, stands->id.data, out, why);
}

static enum err google_drop(struct provider_cx *cx, const char *id, bool notify, struct fail *why)
{
	struct http_ask ask = {
		.method = "DELETE", .bearer = cx->access, .ceiling_bytes = ANSWER_BYTES_MAX};
	struct http_reply reply;
	struct buf url;
	enum err e;

	begin_url(cx, id, &url);
	buf_add_text(&url, mails(notify));
	ask.url = buf_slice(&url).data;
	e = buf_error(&url);
	if (!e)
		e = ask_google(cx, GOOGLE_DROP, &ask, &reply, why);
	if (!e && asking_succeeded(&reply))
		e = wire_done(cx->arena, buf_slice(&reply.body), why);
	return e;
}

static enum err google_get(struct provider_cx *cx, const char *id, struct placed *out,
			   struct fail *why)
{
	struct http_ask ask = {.method = "GET"};
	struct buf url;
	enum err e;

	begin_url(cx, id, &url);
	e = end_url(cx, &url, &ask);
	return e ? e : ask_for_event(cx, GOOGLE_READ, &ask, id, out, why);
}

/* --- a list --- */

static void add_time(struct buf *url, const char *name, int64_t instant_ms)
{
	char text[RFC3339_BYTES];

	rfc3339_utc(instant_ms, text);
	add_pair(url, name, slice_of(text));
}

/* Google cuts the milliseconds off: the upper bound is the next whole second. */
static int64_t whole_second_from(int64_t instant_ms)
{
	int64_t rest = instant_ms % 1000;

	return rest > 0 ? instant_ms - rest + 1000 : instant_ms;
}

static enum err list_url(const struct provider_cx *cx, const char *owner,
			 const struct event_range *range, struct http_ask *ask)
{
	unsigned max = range->max < LIST_MAX ? range->max : LIST_MAX;
	struct buf url;

	begin_url(cx, "", &url);
	add_pair(&url, "privateExtendedProperty=" GOOGLE_EVENT_OWNER "%3D", slice_of(owner));
	buf_format(&url, "&singleEvents=true&orderBy=startTime&showDeleted=false&maxResults=%u",
		   max);
	if (range->from_ms != INT64_MIN)
		add_time(&url, "&timeMin=", range->from_ms);
	if (range->to_ms != INT64_MAX)
		add_time(&url, "&timeMax=", whole_second_from(range->to_ms));
	if (range->page.len > 0)
		add_pair(&url, "&pageToken=", range->page);
	buf_add_text(&url, "&" LIST_ANSWER);
	ask->url = buf_slice(&url).data;
	return buf_error(&url);
}

static enum err google_list(struct provider_cx *cx, const char *owner,
			    const struct event_range *range, struct placed_list *out,
			    struct fail *why)
{
	enum google_call call = range->page.len > 0 ? GOOGLE_PAGE : GOOGLE_READ;
	struct http_ask ask = {
		.method = "GET", .bearer = cx->access, .ceiling_bytes = LIST_BYTES_MAX};
	struct http_reply reply;
	enum err e = list_url(cx, owner, range, &ask);

	*out = (struct placed_list){0};
	if (!e)
		e = ask_google(cx, call, &ask, &reply, why);
	return e ? e : google_event_list(cx->arena, asking_json(&reply), owner, out, why);
}

const struct provider PROVIDER_GOOGLE = {
	.name = "google",
	.title = "Google Calendar",
	.is_configured = google_is_configured,
	.consent_url = google_consent_url,
	.issuer = google_issuer,
	.budget = google_budget,
	.exchange = google_exchange,
	.refresh = google_refresh,
	.revoke = google_revoke,
	.account = google_account,
	.scopes_suffice = google_scopes_suffice,
	.put = google_put,
	.change = google_change,
	.drop = google_drop,
	.get = google_get,
	.list = google_list,
};
