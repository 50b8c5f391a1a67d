/*
 * ask: the hands of the conformance suite. Reads a JSON object a line, calls that member of that
 * provider, and tells in a line what came of it:
 *
 *	{"provider": "google", "call": "get", "access": "ya29...", "id": "cb5f0c", "whole": true}
 *	{"placed": {"id": "cb5f0c", ...}, "error": "ok", "detail": "", "retry_after_s": 0}
 *
 * An event is told as event_write tells it. "keep" gives what a get or put finds a name, by which
 * a later change knows what it stands on ("stands"); a guest who stood there goes back as he was.
 * Usage: ask SETTINGS
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/json.h"
#include "io/http.h"
#include "io/http_trust.h"
#include "model/event.h"
#include "provider/provider.h"
#include "provider/providers.h"

enum {
	ARENA_BLOCK_BYTES = 64 * 1024,
	ARENA_BYTES_MAX = 8 * 1024 * 1024, /* as a request has */
	ANSWER_BYTES_MAX = 8 * 1024 * 1024,
	KEPT_MAX = 8,
	DEADLINE_MS = 20000,
	TIMEOUT_S = 10,
};

/* What was found, under a name of the asker's. */
struct kept {
	struct arena *arena;
	struct slice name;
	struct placed placed;
};

static struct {
	struct config *config;
	struct http *http;
	struct kept kept[KEPT_MAX];
	unsigned n_kept;
} g;

/* One line, and what is told of it. */
struct ask {
	struct arena *arena;
	const struct json *in;
	const struct provider *provider;
	struct provider_cx cx;
	struct secret access;
	struct json_writer w;
	struct fail why;
	bool arena_is_kept;
};

/* --- what is asked --- */

static bool is_true(const struct ask *ask, const char *name)
{
	const struct json *value = json_member(ask->in, name);

	return value && value->kind == JSON_BOOL && value->truth;
}

static int64_t number(const struct ask *ask, const char *name, int64_t fallback)
{
	int64_t value;

	return json_is_int(json_member(ask->in, name), INT64_MIN, INT64_MAX, &value) ? value
										     : fallback;
}

static struct slice text(const struct ask *ask, const char *name)
{
	return json_text(ask->in, name);
}

/* NUL-terminated; "" where it is absent. */
static const char *word(const struct ask *ask, const char *name)
{
	struct slice value = text(ask, name);

	return value.data ? value.data : "";
}

static enum err read_event(struct ask *ask, struct event *out)
{
	const struct json *event = json_member(ask->in, "event");
	struct json_writer w;
	struct buf stored;

	*out = (struct event){0};
	if (!event)
		return ERR_MALFORMED;
	buf_init(&stored, ask->arena, ANSWER_BYTES_MAX);
	json_writer_init(&w, &stored);
	json_add_value(&w, NULL, event);
	return event_read(ask->arena, buf_slice(&stored), out);
}

static unsigned read_parts(const struct ask *ask)
{
	static const char *const WORDS[] = {"summary", "description", "location",
					    "times",   "attendees",   "conference"};
	const struct json *list = json_member(ask->in, "parts");
	unsigned parts = 0;

	for (const struct json *one = list ? list->first : NULL; one; one = one->next) {
		for (unsigned i = 0; i < ARRAY_LEN(WORDS); i++) {
			if (slice_is(one->text, WORDS[i]))
				parts |= 1u << i;
		}
	}
	return parts;
}

static const struct placed *find_kept(struct slice name)
{
	for (unsigned i = 0; i < g.n_kept; i++) {
		if (slice_equal(g.kept[i].name, name))
			return &g.kept[i].placed;
	}
	return NULL;
}

/* With its memory; a name that is there already means the new one from now on. */
static void keep(struct ask *ask, const struct placed *placed)
{
	struct slice name = text(ask, "keep");
	struct kept *place = NULL;

	if (name.len == 0)
		return;
	for (unsigned i = 0; i < g.n_kept && !place; i++) {
		if (slice_equal(g.kept[i].name, name))
			place = &g.kept[i];
	}
	if (place)
		arena_free(place->arena);
	else if (g.n_kept < KEPT_MAX)
		place = &g.kept[g.n_kept++];
	else
		abort();
	*place = (struct kept){ask->arena, name, *placed};
	ask->arena_is_kept = true;
}

/* Guests who stood there already are those who stood there. */
static enum err join_guests(const struct ask *ask, const struct placed *stands, struct event *event)
{
	struct attendee *guests = arena_array(ask->arena, event->n_attendees + 1, sizeof(*guests));

	if (!guests)
		return ERR_NOMEM;
	for (size_t i = 0; i < event->n_attendees; i++) {
		guests[i] = event->attendees[i];
		for (size_t j = 0; j < stands->event.n_attendees; j++) {
			const struct attendee *old = &stands->event.attendees[j];

			if (slice_is_nocase(old->email, guests[i].email.data))
				guests[i] = *old;
		}
	}
	event->attendees = guests;
	return OK;
}

/* --- what is told --- */

static void tell_guests(struct json_writer *w, const struct event *event)
{
	static const char *const WORDS[] = {"unknown", "none", "accepted", "declined", "tentative"};

	if (!event->attendees) {
		json_add_null(w, "attendees");
		return;
	}
	json_open_array(w, "attendees");
	for (size_t i = 0; i < event->n_attendees; i++) {
		const struct attendee *guest = &event->attendees[i];

		json_open(w, NULL);
		json_add_text(w, "email", guest->email);
		json_add_text(w, "name", guest->name);
		json_add_string(w, "attendance", WORDS[guest->attendance]);
		json_add_bool(w, "raw", guest->raw.len > 0);
		json_close(w);
	}
	json_close_array(w);
}

static void tell_placed(struct json_writer *w, const char *name, const struct placed *placed)
{
	const struct event *event = &placed->event;

	json_open(w, name);
	json_add_text(w, "id", placed->id);
	json_add_text(w, "html_link", placed->html_link);
	json_add_text(w, "etag", placed->etag);
	json_add_text(w, "marker", placed->marker);
	json_add_bool(w, "cancelled", placed->cancelled);
	json_add_text(w, "summary", event->summary);
	json_add_text(w, "description", event->description);
	json_add_text(w, "location", event->location);
	json_add_int(w, "start", event->start_ms);
	json_add_int(w, "end", event->end_ms);
	json_add_text(w, "zone", event->time_zone);
	json_add_bool(w, "conference", event->conference);
	tell_guests(w, event);
	json_add_bool(w, "whole_day", placed->whole_day);
	json_add_int(w, "created", placed->created_ms);
	json_add_int(w, "updated", placed->updated_ms);
	json_add_text(w, "ical_uid", placed->ical_uid);
	json_add_text(w, "conference_url", placed->conference_url);
	json_close(w);
}

static void tell_grant(struct ask *ask, const struct grant *grant)
{
	json_open(&ask->w, "grant");
	json_add_text(&ask->w, "access", secret_slice(&grant->access));
	json_add_text(&ask->w, "refresh", secret_slice(&grant->refresh));
	json_add_int(&ask->w, "expires_in_s", grant->expires_in_s);
	json_add_text(&ask->w, "scopes", grant->scopes);
	json_add_bool(&ask->w, "suffices", ask->provider->scopes_suffice(grant->scopes));
	json_close(&ask->w);
}

static void tell_account(struct ask *ask, const struct account *who)
{
	json_open(&ask->w, "account");
	json_add_text(&ask->w, "id", who->id);
	json_add_text(&ask->w, "email", who->email);
	json_close(&ask->w);
}

/* --- the calls --- */

static enum err ask_consent_url(struct ask *ask)
{
	struct consent consent = {.state = text(ask, "state"),
				  .challenge = text(ask, "challenge"),
				  .login_hint = text(ask, "login_hint")};
	struct buf url;
	enum err e;

	buf_init(&url, ask->arena, ANSWER_BYTES_MAX);
	e = ask->provider->consent_url(&ask->cx, &consent, &url, &ask->why);
	if (!e)
		json_add_text(&ask->w, "url", buf_slice(&url));
	return e;
}

static enum err ask_exchange(struct ask *ask)
{
	struct grant grant;
	struct account who;
	enum err e = ask->provider->exchange(&ask->cx, text(ask, "code"), text(ask, "verifier"),
					     &grant, &who, &ask->why);

	if (!e) {
		tell_grant(ask, &grant);
		tell_account(ask, &who);
	}
	grant_wipe(&grant);
	return e;
}

static enum err ask_refresh(struct ask *ask)
{
	struct secret token = {0};
	struct grant grant = {0};
	enum err e = secret_set(&token, text(ask, "refresh"));

	if (!e)
		e = ask->provider->refresh(&ask->cx, &token, &grant, &ask->why);
	if (!e)
		tell_grant(ask, &grant);
	grant_wipe(&grant);
	secret_wipe(&token);
	return e;
}

static enum err ask_revoke(struct ask *ask)
{
	struct secret token = {0};
	enum err e = secret_set(&token, text(ask, "refresh"));

	if (!e)
		e = ask->provider->revoke(&ask->cx, &token, &ask->why);
	secret_wipe(&token);
	return e;
}

static enum err ask_account(struct ask *ask)
{
	struct account who = {.id = text(ask, "id"), .email = text(ask, "email")};
	enum err e = ask->provider->account(&ask->cx, &who, &ask->why);

	if (!e)
		tell_account(ask, &who);
	return e;
}

static enum err ask_put(struct ask *ask)
{
	struct stamp stamp = {.marker = word(ask, "marker"), .owner = word(ask, "owner")};
	struct placed placed;
	struct event event;
	enum err e = read_event(ask, &event);

	if (!e)
		e = ask->provider->put(&ask->cx, word(ask, "id"), &stamp, &event, &placed,
				       &ask->why);
	if (!e) {
		tell_placed(&ask->w, "placed", &placed);
		keep(ask, &placed);
	}
	return e;
}

static enum err ask_change(struct ask *ask)
{
	const struct placed *stands = find_kept(text(ask, "stands"));
	struct placed placed;
	struct event event;
	enum err e = read_event(ask, &event);

	if (!stands)
		return ERR_NOT_FOUND;
	if (!e)
		e = join_guests(ask, stands, &event);
	if (!e)
		e = ask->provider->change(&ask->cx, stands, &event, read_parts(ask), &placed,
					  &ask->why);
	if (!e)
		tell_placed(&ask->w, "placed", &placed);
	return e;
}

static enum err ask_drop(struct ask *ask)
{
	return ask->provider->drop(&ask->cx, word(ask, "id"), is_true(ask, "notify"), &ask->why);
}

typedef enum err look_fn(struct provider_cx *cx, const char *name, struct placed *out,
			 struct fail *why);

static enum err look(struct ask *ask, look_fn *look_for, const char *name)
{
	struct placed placed;
	enum err e = look_for(&ask->cx, name, &placed, &ask->why);

	if (!e) {
		tell_placed(&ask->w, "placed", &placed);
		keep(ask, &placed);
	}
	return e;
}

static enum err ask_get(struct ask *ask)
{
	return look(ask, ask->provider->get, word(ask, "id"));
}

static enum err ask_find(struct ask *ask)
{
	return look(ask, ask->provider->find, word(ask, "marker"));
}

static enum err ask_list(struct ask *ask)
{
	struct event_range range = {
		.from_ms = number(ask, "from", INT64_MIN),
		.to_ms = number(ask, "to", INT64_MAX),
		.max = (unsigned)number(ask, "max", 250),
		.page = text(ask, "page"),
	};
	struct placed_list list;
	enum err e = ask->provider->list(&ask->cx, word(ask, "owner"), &range, &list, &ask->why);

	if (e)
		return e;
	json_open_array(&ask->w, "items");
	for (size_t i = 0; i < list.n; i++)
		tell_placed(&ask->w, NULL, &list.items[i]);
	json_close_array(&ask->w);
	json_add_text(&ask->w, "next", list.next);
	return OK;
}

/* clang-format off */
static const struct call {
	const char *name;
	enum err (*call)(struct ask *ask);
	size_t member; /* of struct provider */
} CALLS[] = {
	{ "consent_url", ask_consent_url, offsetof(struct provider, consent_url) },
	{ "exchange",    ask_exchange,    offsetof(struct provider, exchange) },
	{ "refresh",     ask_refresh,     offsetof(struct provider, refresh) },
	{ "revoke",      ask_revoke,      offsetof(struct provider, revoke) },
	{ "account",     ask_account,     offsetof(struct provider, account) },
	{ "put",         ask_put,         offsetof(struct provider, put) },
	{ "change",      ask_change,      offsetof(struct provider, change) },
	{ "drop",        ask_drop,        offsetof(struct provider, drop) },
	{ "get",         ask_get,         offsetof(struct provider, get) },
	{ "find",        ask_find,        offsetof(struct provider, find) },
	{ "list",        ask_list,        offsetof(struct provider, list) },
};
/* clang-format on */

static bool can(const struct provider *provider, const struct call *call)
{
	void (*member)(void);

	memcpy(&member, (const char *)provider + call->member, sizeof(member));
	return member != NULL;
}

/* Every provider, and what it can. */
static enum err tell_providers(struct ask *ask)
{
	const struct provider *provider;

	json_open(&ask->w, "providers");
	for (size_t i = 0; (provider = providers_at(i)); i++) {
		json_open_array(&ask->w, provider->name);
		for (size_t j = 0; j < ARRAY_LEN(CALLS); j++) {
			if (can(provider, &CALLS[j]))
				json_add_string(&ask->w, NULL, CALLS[j].name);
		}
		json_close_array(&ask->w);
	}
	json_close(&ask->w);
	return OK;
}

static enum err answer(struct ask *ask)
{
	struct slice name = text(ask, "call");

	if (slice_is(name, "providers"))
		return tell_providers(ask);
	ask->provider = providers_find(text(ask, "provider"));
	for (size_t i = 0; i < ARRAY_LEN(CALLS) && ask->provider; i++) {
		if (slice_is(name, CALLS[i].name) && can(ask->provider, &CALLS[i]))
			return CALLS[i].call(ask);
	}
	return ERR_METHOD;
}

static enum err prepare(struct ask *ask, struct slice line)
{
	enum err e = json_read(ask->arena, line, &JSON_PROVIDER, &ask->in, &ask->why);

	if (e)
		return e;
	ask->cx = (struct provider_cx){
		.http = g.http,
		.arena = ask->arena,
		.config = g.config,
		.deadline_ms = clock_mono_ms() + number(ask, "deadline_ms", DEADLINE_MS),
		.timeout_s = TIMEOUT_S,
		.access = &ask->access,
		.calendar_id = text(ask, "calendar"),
		.whole = is_true(ask, "whole"),
	};
	return secret_set(&ask->access, text(ask, "access"));
}

static void serve(struct slice line, struct buf *out)
{
	struct ask ask = {.arena = arena_new(ARENA_BLOCK_BYTES, ARENA_BYTES_MAX)};
	enum err e;

	if (!ask.arena)
		abort();
	buf_clear(out);
	json_writer_init(&ask.w, out);
	json_open(&ask.w, NULL);
	e = prepare(&ask, line);
	if (!e)
		e = answer(&ask);
	json_add_string(&ask.w, "error", e ? err_code(e) : "ok");
	json_add_string(&ask.w, "detail", ask.why.detail);
	json_add_int(&ask.w, "retry_after_s", ask.why.retry_after_s);
	json_close(&ask.w);
	secret_wipe(&ask.access);
	if (!ask.arena_is_kept)
		arena_free(ask.arena);
	if (buf_error(out))
		abort();
}

static enum err start(const char *settings, struct http_trust **trust)
{
	struct buf problems, warnings;
	struct fail why = {0};
	enum err e;

	buf_init(&problems, NULL, ANSWER_BYTES_MAX);
	buf_init(&warnings, NULL, ANSWER_BYTES_MAX);
	e = config_read(settings, &g.config, &problems, &warnings);
	if (!e)
		e = http_trust_new(g.config, trust, &why);
	if (!e)
		e = http_open(g.config, *trust, &g.http, &why);
	if (e)
		fprintf(stderr, "ask: %s: %s %s", err_code(e), buf_slice(&problems).data,
			why.detail);
	buf_free(&problems);
	buf_free(&warnings);
	return e;
}

static void stop(struct http_trust *trust)
{
	http_close(g.http);
	http_trust_free(trust);
	config_free(g.config);
	for (unsigned i = 0; i < g.n_kept; i++)
		arena_free(g.kept[i].arena);
}

int main(int argc, char **argv)
{
	struct http_trust *trust = NULL;
	char *line = NULL;
	size_t room = 0;
	ssize_t length;
	struct buf out;
	enum err e;

	signal(SIGPIPE, SIG_IGN);
	if (argc != 2)
		return 2;
	e = start(argv[1], &trust);
	buf_init(&out, NULL, ANSWER_BYTES_MAX);
	while (!e && (length = getline(&line, &room, stdin)) > 0) {
		serve((struct slice){line, (size_t)length}, &out);
		puts(buf_slice(&out).data);
		fflush(stdout);
	}
	buf_free(&out);
	free(line);
	stop(trust);
	return e ? 1 : 0;
}
