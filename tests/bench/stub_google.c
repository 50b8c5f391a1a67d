/* stub_google: what the stand-in for Google answers, and what it has counted. */
#include "tests/bench/stub_google.h"

#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#define ERROR_BODY "{\"error\":{\"code\":%d,\"message\":\"%s\",\"errors\":[{\"reason\":\"%s\"}]}}"
#define SCOPES                                                                                     \
	"openid https://www.googleapis.com/auth/calendar "                                         \
	"https://www.googleapis.com/auth/userinfo.email "                                          \
	"https://www.googleapis.com/auth/userinfo.profile"

enum {
	EVENT_ID_MIN = 5,
	EVENT_ID_MAX = 1024,
};

struct stub_google {
	pthread_mutex_t lock;
	GHashTable *ids; /* every event id since the last reset */
	atomic_uint delay_ms;
	atomic_uint token_delay_ms;
	atomic_uint expires_in;
	atomic_uint accounts; /* consents given: the number is the account's */
	atomic_uint serial;   /* of access tokens */

	atomic_ulong events; /* POSTs of an event */
	atomic_ulong repeats;
	atomic_ulong refused;
	atomic_ulong unknown;
	atomic_ulong exchanges;
	atomic_ulong refreshes;
	atomic_ulong userinfos;
	atomic_ulong connections;
	atomic_ulong connections_h2;
	atomic_long in_flight;
	atomic_long in_flight_max;
};

struct stub_route {
	const char *method;
	const char *prefix;
	const char *suffix; /* of the path without its query */
	void (*answer)(struct stub_google *g, const struct stub_request *rq,
		       struct stub_answer *out);
};

struct stub_google *stub_google_new(unsigned delay_ms, unsigned token_delay_ms, unsigned expires_in)
{
	struct stub_google *g = g_new0(struct stub_google, 1);

	pthread_mutex_init(&g->lock, NULL);
	g->ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g->delay_ms = delay_ms;
	g->token_delay_ms = token_delay_ms;
	g->expires_in = expires_in;
	return g;
}

static void refuse(struct stub_answer *out, int status, const char *reason, const char *message)
{
	out->status = status;
	out->body = g_strdup_printf(ERROR_BODY, status, message, reason);
}

/* The parameters of a query or form; NULL if they cannot be read. */
static GHashTable *form_new(const char *text, gssize len)
{
	return g_uri_parse_params(text, len, "&", G_URI_PARAMS_WWW_FORM, NULL);
}

static GHashTable *query_new(const struct stub_request *rq)
{
	const char *query = strchr(rq->path, '?');

	return form_new(query ? query + 1 : "", -1);
}

static const char *form_get(GHashTable *form, const char *name)
{
	const char *value = form ? g_hash_table_lookup(form, name) : NULL;

	return value ? value : "";
}

static void form_free(GHashTable *form)
{
	if (form)
		g_hash_table_unref(form);
}

/* Consent is given at once: every consent is an account of its own. */
static void answer_authorize(struct stub_google *g, const struct stub_request *rq,
			     struct stub_answer *out)
{
	GHashTable *query = query_new(rq);
	const char *back = form_get(query, "redirect_uri");
	char *state = g_uri_escape_string(form_get(query, "state"), NULL, FALSE);
	char *scope = g_uri_escape_string(SCOPES, NULL, FALSE);

	if (!*back) {
		refuse(out, 400, "invalid_request", "redirect_uri is missing");
	} else {
		out->status = 302;
		out->location = g_strdup_printf(
			"%s?state=%s&code=4%%2F%u&scope=%s&authuser=0&prompt=consent", back, state,
			++g->accounts, scope);
		out->body = g_strdup("");
	}
	g_free(state);
	g_free(scope);
	form_free(query);
}

static char *token_new(struct stub_google *g, const char *account)
{
	gint64 ends_ms = g_get_real_time() / 1000 + (gint64)g->expires_in * 1000;

	return g_strdup_printf("ya29.%s.%u.%" G_GINT64_FORMAT, account, ++g->serial, ends_ms);
}

static bool token_is_good(const char *token)
{
	const char *ends = strrchr(token, '.');

	return g_str_has_prefix(token, "ya29.") && ends &&
	       g_ascii_strtoll(ends + 1, NULL, 10) > g_get_real_time() / 1000;
}

static void answer_token(struct stub_google *g, const struct stub_request *rq,
			 struct stub_answer *out)
{
	GHashTable *form = form_new(rq->body, (gssize)rq->body_len);
	const char *code = form_get(form, "code");
	const char *grant = form_get(form, "refresh_token");
	bool refresh = strcmp(form_get(form, "grant_type"), "refresh_token") == 0;
	char *token = NULL;

	out->delay_ms = g->token_delay_ms;
	if (refresh)
		g->refreshes++;
	else
		g->exchanges++;
	if (refresh && g_str_has_prefix(grant, "1//")) {
		token = token_new(g, grant + strlen("1//"));
		out->body = g_strdup_printf("{\"access_token\":\"%s\",\"expires_in\":%u,"
					    "\"scope\":\"" SCOPES "\",\"token_type\":\"Bearer\"}",
					    token, g->expires_in);
	} else if (!refresh && g_str_has_prefix(code, "4/")) {
		token = token_new(g, code + strlen("4/"));
		out->body = g_strdup_printf(
			"{\"access_token\":\"%s\",\"expires_in\":%u,\"refresh_token\":\"1//%s\","
			"\"scope\":\"" SCOPES "\",\"token_type\":\"Bearer\"}",
			token, g->expires_in, code + strlen("4/"));
	} else {
		out->status = 400;
		out->body = g_strdup("{\"error\":\"invalid_grant\"}");
	}
	g_free(token);
	form_free(form);
}

static void answer_revoke(struct stub_google *g, const struct stub_request *rq,
			  struct stub_answer *out)
{
	(void)g;
	(void)rq;
	out->body = g_strdup("{}");
}

/* Refuses the call if its access token is not one of ours or has expired. */
static bool bearer_check(struct stub_google *g, const struct stub_request *rq,
			 struct stub_answer *out)
{
	if (token_is_good(rq->bearer))
		return true;
	g->refused++;
	refuse(out, 401, "authError", "Invalid Credentials");
	return false;
}

static void answer_userinfo(struct stub_google *g, const struct stub_request *rq,
			    struct stub_answer *out)
{
	const char *account = rq->bearer + strlen("ya29.");
	int digits = 0;

	if (!bearer_check(g, rq, out))
		return;
	g->userinfos++;
	digits = (int)strcspn(account, ".");
	out->body = g_strdup_printf(
		"{\"id\":\"1000%.*s\",\"email\":\"bench%.*s@example.com\",\"verified_email\":true,"
		"\"name\":\"Bench\"}",
		digits, account, digits, account);
}

static void answer_calendar(struct stub_google *g, const struct stub_request *rq,
			    struct stub_answer *out)
{
	if (!bearer_check(g, rq, out))
		return;
	out->body = g_strdup("{\"kind\":\"calendar#calendar\",\"id\":\"primary\","
			     "\"summary\":\"Bench\",\"timeZone\":\"America/New_York\"}");
}

/* Where the reader of an event's JSON stands. */
struct id_reader {
	unsigned depth;
	bool next_is_id;
	char id[EVENT_ID_MAX + 1];
};

static int id_open(void *arg)
{
	((struct id_reader *)arg)->depth++;
	return 1;
}

static int id_close(void *arg)
{
	((struct id_reader *)arg)->depth--;
	return 1;
}

static int id_key(void *arg, const unsigned char *key, size_t len)
{
	struct id_reader *r = arg;

	r->next_is_id = r->depth == 1 && len == 2 && memcmp(key, "id", 2) == 0;
	return 1;
}

static int id_text(void *arg, const unsigned char *text, size_t len)
{
	struct id_reader *r = arg;

	if (r->next_is_id && len <= EVENT_ID_MAX) {
		memcpy(r->id, text, len);
		r->id[len] = '\0';
	}
	r->next_is_id = false;
	return 1;
}

/* Reads the id that the caller chose; false if the body or the id is not as Google wants it. */
static bool event_id_read(const struct stub_request *rq, char id[EVENT_ID_MAX + 1])
{
	static const yajl_callbacks CALLBACKS = {.yajl_start_map = id_open,
						 .yajl_end_map = id_close,
						 .yajl_start_array = id_open,
						 .yajl_end_array = id_close,
						 .yajl_map_key = id_key,
						 .yajl_string = id_text};
	struct id_reader r = {0};
	yajl_handle json = yajl_alloc(&CALLBACKS, NULL, &r);
	bool good =
		json &&
		yajl_parse(json, (const unsigned char *)rq->body, rq->body_len) == yajl_status_ok &&
		yajl_complete_parse(json) == yajl_status_ok;

	if (json)
		yajl_free(json);
	memcpy(id, r.id, sizeof(r.id));
	return good && strlen(id) >= EVENT_ID_MIN &&
	       strspn(id, "0123456789abcdefghijklmnopqrstuv") == strlen(id);
}

static bool event_id_is_new(struct stub_google *g, const char *id)
{
	bool fresh = false;

	pthread_mutex_lock(&g->lock);
	fresh = g_hash_table_add(g->ids, g_strdup(id));
	pthread_mutex_unlock(&g->lock);
	return fresh;
}

/* As Google does it: who names fields gets those. */
static bool whole_is_asked(const struct stub_request *rq)
{
	return !strstr(rq->path, "fields=id,status,htmlLink,etag,extendedProperties");
}

static char *short_event(const char *id)
{
	return g_strdup_printf(
		"{\"etag\":\"\\\"3529000000000000\\\"\",\"id\":\"%s\",\"status\":\"confirmed\","
		"\"htmlLink\":\"https://www.google.com/calendar/event?eid=%s\","
		"\"extendedProperties\":{\"private\":{\"calbridge\":\"%s\","
		"\"calbridgeOwner\":\"%s\"}}}",
		id, id, id, id);
}

static char *whole_event(const char *id)
{
	return g_strdup_printf(
		"{\"kind\":\"calendar#event\",\"etag\":\"\\\"3529000000000000\\\"\",\"id\":\"%s\","
		"\"status\":\"confirmed\","
		"\"htmlLink\":\"https://www.google.com/calendar/event?eid=%s\","
		"\"created\":\"2031-11-30T09:00:00.000Z\",\"updated\":\"2031-11-30T09:00:00.123Z\","
		"\"summary\":\"Coffee\",\"creator\":{\"email\":\"bench@example.com\",\"self\":true}"
		","
		"\"organizer\":{\"email\":\"bench@example.com\",\"self\":true},"
		"\"start\":{\"dateTime\":\"2031-12-02T10:00:00-05:00\","
		"\"timeZone\":\"America/New_York\"},"
		"\"end\":{\"dateTime\":\"2031-12-02T10:45:00-05:00\","
		"\"timeZone\":\"America/New_York\"},"
		"\"iCalUID\":\"%s@google.com\",\"sequence\":0,\"reminders\":{\"useDefault\":true},"
		"\"eventType\":\"default\"}",
		id, id, id);
}

static void answer_event(struct stub_google *g, const struct stub_request *rq,
			 struct stub_answer *out)
{
	char id[EVENT_ID_MAX + 1];

	g->events++;
	if (!bearer_check(g, rq, out))
		return;
	out->delay_ms = g->delay_ms;
	if (!event_id_read(rq, id)) {
		g->refused++;
		refuse(out, 400, "invalid", "Invalid resource id value.");
		return;
	}
	if (!event_id_is_new(g, id)) {
		g->repeats++;
		refuse(out, 409, "duplicate", "The requested identifier already exists.");
		return;
	}
	out->body = whole_is_asked(rq) ? whole_event(id) : short_event(id);
}

static void answer_stats(struct stub_google *g, const struct stub_request *rq,
			 struct stub_answer *out)
{
	unsigned ids = 0;

	(void)rq;
	pthread_mutex_lock(&g->lock);
	ids = g_hash_table_size(g->ids);
	pthread_mutex_unlock(&g->lock);
	out->control = true;
	out->body = g_strdup_printf(
		"{\"events\":%lu,\"ids\":%u,\"repeats\":%lu,\"refused\":%lu,\"unknown\":%lu,"
		"\"exchanges\":%lu,\"refreshes\":%lu,\"userinfos\":%lu,\"connections\":%lu,"
		"\"connections_h2\":%lu,\"in_flight_max\":%ld}",
		g->events, ids, g->repeats, g->refused, g->unknown, g->exchanges, g->refreshes,
		g->userinfos, g->connections, g->connections_h2, g->in_flight_max);
}

static void answer_reset(struct stub_google *g, const struct stub_request *rq,
			 struct stub_answer *out)
{
	pthread_mutex_lock(&g->lock);
	g_hash_table_remove_all(g->ids);
	pthread_mutex_unlock(&g->lock);
	g->events = g->repeats = g->refused = g->unknown = 0;
	g->exchanges = g->refreshes = g->userinfos = 0;
	g->connections = g->connections_h2 = 0;
	g->in_flight_max = 0;
	answer_stats(g, rq, out);
}

static void answer_set(struct stub_google *g, const struct stub_request *rq,
		       struct stub_answer *out)
{
	GHashTable *query = query_new(rq);
	const struct {
		const char *name;
		atomic_uint *value;
	} settings[] = {{"delay_ms", &g->delay_ms},
			{"token_delay_ms", &g->token_delay_ms},
			{"expires_in", &g->expires_in}};

	for (size_t i = 0; i < G_N_ELEMENTS(settings); i++) {
		const char *text = form_get(query, settings[i].name);

		if (*text)
			*settings[i].value = (unsigned)strtoul(text, NULL, 10);
	}
	form_free(query);
	answer_stats(g, rq, out);
}

static const struct stub_route ROUTES[] = {
	{"POST", "/calendar/v3/calendars/", "/events", answer_event},
	{"GET", "/calendar/v3/calendars", "/primary", answer_calendar},
	{"GET", "/o/oauth2/v2/auth", "", answer_authorize},
	{"POST", "/token", "", answer_token},
	{"POST", "/revoke", "", answer_revoke},
	{"GET", "/oauth2/v2/userinfo", "", answer_userinfo},
	{"GET", "/stats", "", answer_stats},
	{"POST", "/reset", "", answer_reset},
	{"POST", "/set", "", answer_set},
};

static bool route_fits(const struct stub_route *route, const struct stub_request *rq)
{
	size_t len = strcspn(rq->path, "?");
	size_t tail = strlen(route->suffix);

	return strcmp(route->method, rq->method) == 0 &&
	       g_str_has_prefix(rq->path, route->prefix) && len >= strlen(route->prefix) + tail &&
	       strncmp(rq->path + len - tail, route->suffix, tail) == 0;
}

void stub_google_answer(struct stub_google *g, const struct stub_request *rq,
			struct stub_answer *out)
{
	size_t i = 0;

	*out = (struct stub_answer){.status = 200};
	while (i < G_N_ELEMENTS(ROUTES) && !route_fits(&ROUTES[i], rq))
		i++;
	if (i < G_N_ELEMENTS(ROUTES)) {
		ROUTES[i].answer(g, rq, out);
	} else {
		g->unknown++;
		refuse(out, 404, "notFound", "Not Found");
	}
	out->body_len = strlen(out->body);
}

void stub_google_connected(struct stub_google *g, bool http2)
{
	g->connections++;
	if (http2)
		g->connections_h2++;
}

void stub_google_in_flight(struct stub_google *g, int by)
{
	long now = atomic_fetch_add(&g->in_flight, by) + by;
	long most = g->in_flight_max;

	while (now > most && !atomic_compare_exchange_weak(&g->in_flight_max, &most, now))
		;
}
