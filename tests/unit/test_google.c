#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>

#include "base/clock.h"
#include "base/config.h"
#include "io/http.h"
#include "io/http_trust.h"
#include "model/event.h"
#include "provider/provider.h"
#include "provider/providers.h"
#include "tests/unit/https_server.h"

#define JSON_TYPE "Content-Type: application/json; charset=UTF-8"
#define API_ERROR(reason)                                                                          \
	"{\"error\":{\"errors\":[{\"domain\":\"global\",\"reason\":\"" reason "\"}],\"code\":400}" \
	"}"
#define GRANT                                                                                      \
	"{\"access_token\":\"ya29.a\",\"expires_in\":3599,\"refresh_token\":\"1//0g\","            \
	"\"scope\":\"openid https://www.googleapis.com/auth/calendar\",\"token_type\":\"Bearer\"}"

/* One server, the answer it gives next, and what it was asked last. */
static struct {
	struct https_server *server;
	struct config config;
	struct http_trust *trust;
	struct http *http;
	struct arena *arena;
	struct secret access;
	struct provider_cx cx;
	struct fail why;

	const char *status;
	const char *headers;
	const char *body;
	bool hang_up;
	char head[8192];
	char sent[8192];
} g;

static const struct provider *google;

/* An answer orders the script before the test; a connection that is only closed does not. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void script(struct https_call *call, void *cx)
{
	(void)cx;
	pthread_mutex_lock(&lock);
	snprintf(g.head, sizeof(g.head), "%s", call->head);
	snprintf(g.sent, sizeof(g.sent), "%s", call->body);
	call->hang_up = g.hang_up;
	pthread_mutex_unlock(&lock);
	if (!call->hang_up)
		https_answer(call, g.status, g.headers, g.body);
}

static char *url_new(const char *path)
{
	char url[256];

	return strdup(https_server_url(g.server, path, url, sizeof(url)));
}

static int open_all(void **state)
{
	(void)state;
	google = providers_find(SLICE("google"));
	g.server = https_server_new(HTTPS_SOUND, script, NULL);
	g.config = (struct config){
		.https_ca_file = strdup(https_server_ca_file(g.server)),
		.google_client_id = strdup("client&id"),
		.google_redirect_uri = strdup("https://our.example/callback"),
		.google_auth_url = url_new("/auth"),
		.google_token_url = url_new("/token"),
		.google_revoke_url = url_new("/revoke"),
		.google_userinfo_url = url_new("/userinfo"),
		.google_api_url = url_new("/calendar/v3"),
		.google_issuer = strdup("https://accounts.google.com"),
	};
	g.arena = arena_new(4096, 4 * 1024 * 1024);
	return secret_set(&g.config.google_client_secret, SLICE("s3cr=t")) ||
	       secret_set(&g.access, SLICE("ya29.access")) ||
	       http_trust_new(&g.config, &g.trust, NULL) ||
	       http_open(&g.config, g.trust, &g.http, NULL);
}

static int close_all(void **state)
{
	(void)state;
	http_close(g.http);
	http_trust_free(g.trust);
	https_server_free(g.server);
	arena_free(g.arena);
	secret_wipe(&g.access);
	secret_wipe(&g.config.google_client_secret);
	free(g.config.https_ca_file);
	free(g.config.google_client_id);
	free(g.config.google_redirect_uri);
	free(g.config.google_auth_url);
	free(g.config.google_token_url);
	free(g.config.google_revoke_url);
	free(g.config.google_userinfo_url);
	free(g.config.google_api_url);
	free(g.config.google_issuer);
	return 0;
}

static int begin(void **state)
{
	(void)state;
	arena_reset(g.arena);
	pthread_mutex_lock(&lock);
	g.why = (struct fail){0};
	g.cx = (struct provider_cx){
		.http = g.http,
		.arena = g.arena,
		.config = &g.config,
		.deadline_ms = clock_mono_ms() + 20000,
		.timeout_s = 10,
		.access = &g.access,
		.calendar_id = SLICE("primary"),
	};
	g.status = "200 OK";
	g.headers = JSON_TYPE;
	g.body = "{}";
	g.hang_up = false;
	g.head[0] = '\0';
	g.sent[0] = '\0';
	pthread_mutex_unlock(&lock);
	return 0;
}

static const struct stamp STAMP = {.marker = "bk_1", .owner = "ow_1"};
enum { SUBJECT_AND_TIMES = EVENT_SUMMARY | EVENT_TIMES };

static struct event coffee(void)
{
	return (struct event){
		.summary = SLICE("Coffee"),
		.start_ms = 1764687600000,
		.end_ms = 1764690300000,
		.time_zone = SLICE("America/New_York"),
		.notify = true,
	};
}

static enum err put(struct placed *placed)
{
	struct event event = coffee();

	return google->put(&g.cx, "cb5f0c", &STAMP, &event, placed, &g.why);
}

static void assert_line(const char *line)
{
	if (strncmp(g.head, line, strlen(line)) != 0)
		fail_msg("%.*s", (int)strcspn(g.head, "\r"), g.head);
}

static void providers_are_found_by_their_names(void **state)
{
	(void)state;
	assert_non_null(google);
	assert_string_equal(google->name, "google");
	assert_ptr_equal(providers_at(0), google);
	assert_null(providers_find(SLICE("Google")));
	assert_null(providers_find(SLICE("")));
	assert_null(providers_at(1000));
}

static void without_an_id_or_a_secret_it_is_not_configured(void **state)
{
	struct config config = g.config;
	char nothing[] = "";

	(void)state;
	assert_true(google->is_configured(&config));
	config.google_client_id = nothing;
	assert_false(google->is_configured(&config));
	config.google_client_id = NULL;
	assert_false(google->is_configured(&config));
	config = g.config;
	config.google_client_secret = (struct secret){0};
	assert_false(google->is_configured(&config));
}

static void the_consent_url_asks_for_a_refresh_token_and_pkce(void **state)
{
	struct consent ask = {.state = SLICE("st-ate"), .challenge = SLICE("chal_lenge")};
	char wanted[1024];
	struct buf out;

	(void)state;
	snprintf(wanted, sizeof(wanted),
		 "%s?response_type=code&client_id=client%%26id"
		 "&redirect_uri=https%%3A%%2F%%2Four.example%%2Fcallback"
		 "&scope=openid%%20https%%3A%%2F%%2Fwww.googleapis.com%%2Fauth%%2Fcalendar"
		 "%%20https%%3A%%2F%%2Fwww.googleapis.com%%2Fauth%%2Fuserinfo.email"
		 "%%20https%%3A%%2F%%2Fwww.googleapis.com%%2Fauth%%2Fuserinfo.profile"
		 "&access_type=offline&prompt=consent&state=st-ate"
		 "&code_challenge_method=S256&code_challenge=chal_lenge",
		 g.config.google_auth_url);
	buf_init(&out, g.arena, 4096);
	assert_int_equal(google->consent_url(&g.cx, &ask, &out, &g.why), OK);
	assert_string_equal(buf_slice(&out).data, wanted);
	ask.login_hint = SLICE("a+b@c.example&x=1");
	buf_clear(&out);
	assert_int_equal(google->consent_url(&g.cx, &ask, &out, &g.why), OK);
	assert_non_null(strstr(buf_slice(&out).data, "&login_hint=a%2Bb%40c.example%26x%3D1"));
}

static void scopes_are_compared_as_sets(void **state)
{
#define G "https://www.googleapis.com/auth/"
	static const struct {
		const char *scopes;
		bool suffice;
	} CASES[] = {
		{"openid " G "calendar " G "userinfo.email " G "userinfo.profile", true},
		{G "userinfo.profile " G "calendar openid " G "drive", true},
		{"email profile openid " G "calendar", true},
		{"openid " G "calendar.events", true},
		{"  openid  " G "calendar ", true},
		{"", false},
		{"openid", false},
		{"openid " G "userinfo.email " G "userinfo.profile", false},
		{G "calendar", false},
		{"openid " G "calendar.readonly", false},
		{"openid " G "calendar.events.readonly", false},
		{"openid " G "calendars", false},
		{"openid x" G "calendar", false},
		{"openid," G "calendar", false},
	};
#undef G

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		if (google->scopes_suffice(slice_of(CASES[i].scopes)) != CASES[i].suffice)
			fail_msg("%s", CASES[i].scopes);
	}
	assert_false(google->scopes_suffice((struct slice){0}));
}

static void a_code_is_exchanged_with_secrets_in_the_body_alone(void **state)
{
	struct grant grant;
	struct account who;

	(void)state;
	g.body = GRANT;
	assert_int_equal(
		google->exchange(&g.cx, SLICE("4/0A+b"), SLICE("veri~fier"), &grant, &who, &g.why),
		OK);
	assert_line("POST /token HTTP/1.1\r\n");
	assert_non_null(strstr(g.head, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
	assert_null(strcasestr(g.head, "\r\nAuthorization:"));
	assert_string_equal(g.sent, "grant_type=authorization_code&code=4%2F0A%2Bb"
				    "&code_verifier=veri~fier"
				    "&redirect_uri=https%3A%2F%2Four.example%2Fcallback"
				    "&client_id=client%26id&client_secret=s3cr%3Dt");
	assert_true(slice_is(secret_slice(&grant.access), "ya29.a"));
	assert_true(slice_is(secret_slice(&grant.refresh), "1//0g"));
	assert_int_equal(grant.expires_in_s, 3599);
	assert_true(google->scopes_suffice(grant.scopes));
	grant_wipe(&grant);
}

static void a_code_is_never_sent_twice(void **state)
{
	struct grant grant;
	struct account who;
	unsigned before;

	(void)state;
	g.body = GRANT;
	assert_int_equal(google->exchange(&g.cx, SLICE("4/a"), SLICE("v"), &grant, &who, &g.why),
			 OK);
	grant_wipe(&grant);
	before = https_server_requests(g.server);
	g.hang_up = true;
	assert_int_equal(google->exchange(&g.cx, SLICE("4/b"), SLICE("v"), &grant, &who, &g.why),
			 ERR_UPSTREAM);
	assert_int_equal(https_server_requests(g.server), before + 1);
	assert_true(secret_is_empty(&grant.access));
}

static void a_refresh_tells_user_application_and_weather_apart(void **state)
{
	static const struct {
		const char *status;
		const char *body;
		enum err wanted;
	} CASES[] = {
		{"200 OK", GRANT, OK},
		{"400 Bad Request", "{\"error\":\"invalid_grant\"}", ERR_REAUTH},
		{"401 Unauthorized", "{\"error\":\"invalid_client\"}", ERR_MISCONFIGURED},
		{"503 Busy", "", ERR_UPSTREAM},
		{"200 OK", "{\"error\":\"invalid_grant\"}", ERR_UPSTREAM},
		{"200 OK", "", ERR_UPSTREAM},
		{"200 OK", "{\"access_token\":\"ya", ERR_UPSTREAM},
	};
	struct secret token = {0};

	(void)state;
	assert_int_equal(secret_set(&token, SLICE("1//0g+x")), OK);
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		struct grant grant;

		g.status = CASES[i].status;
		g.body = CASES[i].body;
		assert_int_equal(google->refresh(&g.cx, &token, &grant, &g.why), CASES[i].wanted);
		assert_int_equal(secret_is_empty(&grant.access), CASES[i].wanted != OK);
		assert_string_equal(g.sent, "grant_type=refresh_token&refresh_token=1%2F%2F0g%2Bx"
					    "&client_id=client%26id&client_secret=s3cr%3Dt");
		assert_null(strstr(g.why.detail, "0g"));
		grant_wipe(&grant);
	}
	secret_wipe(&token);
}

static void an_html_page_is_no_grant_and_no_refusal(void **state)
{
	struct secret token = {0};
	struct grant grant;

	(void)state;
	assert_int_equal(secret_set(&token, SLICE("1//0g")), OK);
	g.headers = "Content-Type: text/html";
	g.body = GRANT;
	assert_int_equal(google->refresh(&g.cx, &token, &grant, &g.why), ERR_UPSTREAM);
	g.status = "400 Bad Request";
	g.body = "{\"error\":\"invalid_grant\"}";
	assert_int_equal(google->refresh(&g.cx, &token, &grant, &g.why), ERR_UPSTREAM);
	secret_wipe(&token);
}

static void what_is_revoked_already_is_revoked(void **state)
{
	struct secret token = {0};

	(void)state;
	assert_int_equal(secret_set(&token, SLICE("1//0g")), OK);
	assert_int_equal(google->revoke(&g.cx, &token, &g.why), OK);
	assert_line("POST /revoke HTTP/1.1\r\n");
	assert_string_equal(g.sent, "token=1%2F%2F0g");
	g.body = "";
	assert_int_equal(google->revoke(&g.cx, &token, &g.why), OK);
	g.status = "400 Bad Request";
	g.body = "{\"error\":\"invalid_token\"}";
	assert_int_equal(google->revoke(&g.cx, &token, &g.why), OK);
	g.status = "503 Busy";
	assert_int_equal(google->revoke(&g.cx, &token, &g.why), ERR_UPSTREAM);
	g.status = "200 OK";
	g.body = "<html>";
	assert_int_equal(google->revoke(&g.cx, &token, &g.why), ERR_UPSTREAM);
	secret_wipe(&token);
}

static void the_account_is_the_access_tokens(void **state)
{
	struct account account;

	(void)state;
	g.body = "{\"id\":\"1098\",\"email\":\"host@example.com\",\"verified_email\":true}";
	assert_int_equal(google->account(&g.cx, &account, &g.why), OK);
	assert_line("GET /userinfo HTTP/1.1\r\n");
	assert_non_null(strstr(g.head, "\r\nAuthorization: Bearer ya29.access\r\n"));
	assert_true(slice_is(account.id, "1098"));
	assert_true(slice_is(account.email, "host@example.com"));
	g.status = "401 Unauthorized";
	assert_int_equal(google->account(&g.cx, &account, &g.why), ERR_TOKEN);
	assert_int_equal(account.id.len, 0);
	g.status = "404 Not Found";
	g.body = API_ERROR("notFound");
	assert_int_equal(google->account(&g.cx, &account, &g.why), ERR_REFUSED);
}

static void an_event_is_put_under_our_id_and_guests_are_mailed_as_wished(void **state)
{
	struct event event = coffee();
	struct placed placed;

	(void)state;
	g.body =
		"{\"id\":\"cb5f0c\",\"status\":\"confirmed\",\"htmlLink\":\"https://x.example/e\"}";
	assert_int_equal(put(&placed), OK);
	assert_line("POST /calendar/v3/calendars/primary/events?sendUpdates=all&prettyPrint=false&"
		    "fields=id,status,htmlLink,etag,extendedProperties/private HTTP/1.1\r\n");
	assert_non_null(strstr(g.head, "\r\nAuthorization: Bearer ya29.access\r\n"));
	assert_non_null(strstr(g.head, "\r\nContent-Type: application/json; charset=UTF-8\r\n"));
	assert_non_null(strstr(g.sent, "{\"id\":\"cb5f0c\",\"summary\":\"Coffee\""));
	assert_true(slice_is(placed.id, "cb5f0c"));
	assert_true(slice_is(placed.html_link, "https://x.example/e"));
	event.notify = false;
	assert_int_equal(google->put(&g.cx, "cb5f0c", &STAMP, &event, &placed, &g.why), OK);
	assert_line("POST /calendar/v3/calendars/primary/events?sendUpdates=none&");
}

static void ids_cannot_leave_their_place_in_the_path(void **state)
{
	struct placed placed;

	(void)state;
	g.cx.calendar_id = SLICE("en#holiday@group.v.calendar.google.com/../?%");
	g.body = "{\"id\":\"x\"}";
	assert_int_equal(google->get(&g.cx, "../@evil?a#b", &placed, &g.why), ERR_UPSTREAM);
	assert_line("GET /calendar/v3/calendars/"
		    "en%23holiday%40group.v.calendar.google.com%2F..%2F%3F%25/events/"
		    "..%2F%40evil%3Fa%23b?prettyPrint=false&fields=");
	g.cx.calendar_id = (struct slice){0};
	assert_int_equal(google->get(&g.cx, "x", &placed, &g.why), OK);
	assert_line("GET /calendar/v3/calendars/primary/events/x?");
}

static void only_the_event_itself_is_a_success(void **state)
{
	static const struct {
		const char *status;
		const char *headers;
		const char *body;
	} CASES[] = {
		{"200 OK", JSON_TYPE, "{\"id\":\"another\"}"},
		{"200 OK", JSON_TYPE, "{\"status\":\"confirmed\"}"},
		{"200 OK", JSON_TYPE, API_ERROR("backendError")},
		{"200 OK", JSON_TYPE, ""},
		{"200 OK", JSON_TYPE, "{\"id\":\"cb5f0c\""},
		{"200 OK", "Content-Type: text/html", "{\"id\":\"cb5f0c\"}"},
		{"200 OK", JSON_TYPE "\r\nContent-Encoding: gzip", "{\"id\":\"cb5f0c\"}"},
		{"200 OK", JSON_TYPE, "<!DOCTYPE html><title>Error</title>"},
		{"204 No Content", NULL, ""},
		{"302 Found", "Location: https://elsewhere.example/", ""},
		{"500 Oops", JSON_TYPE, "{\"id\":\"cb5f0c\"}"},
	};
	struct placed placed;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		g.status = CASES[i].status;
		g.headers = CASES[i].headers;
		g.body = CASES[i].body;
		if (put(&placed) != ERR_UPSTREAM || placed.id.len > 0)
			fail_msg("%s %s", g.status, g.body);
	}
}

static void a_refusal_of_an_event_has_its_remedy(void **state)
{
	static const struct {
		const char *status;
		const char *headers;
		const char *body;
		enum err wanted;
		unsigned retry_after_s;
	} CASES[] = {
		{"401 Unauthorized", JSON_TYPE, API_ERROR("authError"), ERR_TOKEN, 0},
		{"403 Forbidden", JSON_TYPE, API_ERROR("insufficientPermissions"),
		 ERR_SCOPE_MISSING, 0},
		{"403 Forbidden", JSON_TYPE, API_ERROR("quotaExceeded"), ERR_THROTTLED, 3600},
		{"403 Forbidden", JSON_TYPE, API_ERROR("forbidden"), ERR_REFUSED, 0},
		{"409 Conflict", JSON_TYPE, API_ERROR("duplicate"), ERR_DUPLICATE, 0},
		{"429 Slow", JSON_TYPE "\r\nRetry-After: 17", API_ERROR("x"), ERR_THROTTLED, 17},
		{"503 Busy", "Retry-After: 5", "", ERR_UPSTREAM, 5},
		{"400 Bad Request", JSON_TYPE, API_ERROR("invalid"), ERR_REFUSED, 0},
	};
	struct placed placed;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		g.status = CASES[i].status;
		g.headers = CASES[i].headers;
		g.body = CASES[i].body;
		g.why = (struct fail){0};
		assert_int_equal(put(&placed), CASES[i].wanted);
		assert_int_equal(g.why.retry_after_s, CASES[i].retry_after_s);
	}
}

static void a_change_is_a_patch_that_may_insist_on_a_version(void **state)
{
	const struct placed first = {.id = SLICE("cb5f0c"), .etag = SLICE("\"1\"")};
	const struct placed any = {.id = SLICE("cb5f0c")};
	struct event event = coffee();
	struct placed placed;

	(void)state;
	event.notify = false;
	g.body = "{\"id\":\"cb5f0c\",\"etag\":\"\\\"2\\\"\"}";
	assert_int_equal(google->change(&g.cx, &first, &event, SUBJECT_AND_TIMES, &placed, &g.why),
			 OK);
	assert_line("PATCH /calendar/v3/calendars/primary/events/cb5f0c?sendUpdates=none&"
		    "conferenceDataVersion=1&prettyPrint=false&");
	assert_non_null(strstr(g.head, "\r\nIf-Match: \"1\"\r\n"));
	assert_null(strstr(g.sent, "attendees"));
	assert_true(slice_is(placed.etag, "\"2\""));
	assert_int_equal(google->change(&g.cx, &any, &event, SUBJECT_AND_TIMES, &placed, &g.why),
			 OK);
	assert_null(strcasestr(g.head, "\r\nIf-Match:"));
	g.status = "412 Precondition Failed";
	g.body = API_ERROR("conditionNotMet");
	assert_int_equal(google->change(&g.cx, &first, &event, SUBJECT_AND_TIMES, &placed, &g.why),
			 ERR_STALE);
	g.status = "410 Gone";
	g.body = API_ERROR("deleted");
	assert_int_equal(google->change(&g.cx, &any, &event, SUBJECT_AND_TIMES, &placed, &g.why),
			 ERR_GONE);
}

static void guests_are_never_changed_while_some_are_unknown(void **state)
{
	const struct attendee guests[] = {{.email = SLICE("a@x.example")}};
	struct placed stands = {.id = SLICE("cb5f0c"), .etag = SLICE("\"1\"")};
	unsigned before = https_server_requests(g.server);
	struct event event = coffee();
	struct placed placed;

	(void)state;
	event.attendees = guests;
	event.n_attendees = 1;
	g.body = "{\"id\":\"cb5f0c\"}";
	assert_int_equal(google->change(&g.cx, &stands, &event, EVENT_ATTENDEES, &placed, &g.why),
			 ERR_REFUSED);
	assert_int_equal(https_server_requests(g.server), before);
	stands.event.attendees = guests;
	assert_int_equal(google->change(&g.cx, &stands, &event, EVENT_ATTENDEES, &placed, &g.why),
			 OK);
	assert_string_equal(g.sent, "{\"attendees\":[{\"email\":\"a@x.example\"}]}");
}

static void each_request_for_a_conference_has_a_name_of_its_own(void **state)
{
	struct placed stands = {.id = SLICE("cb5f0c"), .etag = SLICE("\"1\"")};
	struct event event = coffee();
	struct placed placed;

	(void)state;
	event.conference = true;
	g.body = "{\"id\":\"cb5f0c\"}";
	assert_int_equal(google->put(&g.cx, "cb5f0c", &STAMP, &event, &placed, &g.why), OK);
	assert_line("POST /calendar/v3/calendars/primary/events?sendUpdates=all&"
		    "conferenceDataVersion=1&prettyPrint=false&");
	assert_non_null(strstr(g.sent, "\"requestId\":\"cb5f0c\""));
	assert_int_equal(google->change(&g.cx, &stands, &event, EVENT_CONFERENCE, &placed, &g.why),
			 OK);
	assert_non_null(strstr(g.sent, "\"requestId\":\"cb5f0c-\\\"1\\\"\""));
}

#define TIMES                                                                                      \
	"\"start\":{\"dateTime\":\"2025-12-02T10:00:00-05:00\"},"                                  \
	"\"end\":{\"dateTime\":\"2025-12-02T15:45:00Z\"}"

static void all_of_an_event_is_asked_for_only_where_it_is_wanted(void **state)
{
	struct placed placed;

	(void)state;
	g.body = "{\"id\":\"cb5f0c\"," TIMES ",\"summary\":\"Coffee\"}";
	assert_int_equal(google->get(&g.cx, "cb5f0c", &placed, &g.why), OK);
	assert_line("GET /calendar/v3/calendars/primary/events/cb5f0c?prettyPrint=false&"
		    "fields=id,status,htmlLink,etag,extendedProperties/private HTTP/1.1\r\n");
	assert_int_equal(placed.event.summary.len, 0);
	g.cx.whole = true;
	assert_int_equal(google->get(&g.cx, "cb5f0c", &placed, &g.why), OK);
	assert_line("GET /calendar/v3/calendars/primary/events/cb5f0c?prettyPrint=false&"
		    "fields=id,status,htmlLink,etag,extendedProperties/private,created,updated,"
		    "summary,description,location,start,end,iCalUID,attendeesOmitted,hangoutLink,"
		    "conferenceData(createRequest/status,entryPoints(entryPointType,uri)),"
		    "attendees HTTP/1.1\r\n");
	assert_true(slice_is(placed.event.summary, "Coffee"));
}

static const struct event_range EVER = {.from_ms = INT64_MIN, .to_ms = INT64_MAX, .max = 250};

#define LIST_LINE                                                                                  \
	"GET /calendar/v3/calendars/primary/events?privateExtendedProperty="                       \
	"calbridgeOwner%3Dow_1&singleEvents=true&orderBy=startTime&showDeleted=false&maxResults="

static void a_list_is_of_one_owner_and_in_order(void **state)
{
	struct placed_list list;

	(void)state;
	g.body = "{\"kind\":\"calendar#events\",\"nextPageToken\":\"Ck/+=\",\"items\":["
		 "{\"id\":\"cb5f0c\"," TIMES ",\"extendedProperties\":{\"private\":"
		 "{\"calbridgeOwner\":\"ow_1\"}}}]}";
	assert_int_equal(google->list(&g.cx, "ow_1", &EVER, &list, &g.why), OK);
	assert_line(
		LIST_LINE
		"32&prettyPrint=false&fields=kind,nextPageToken,items(recurringEventId,id,status,"
		"htmlLink,etag,extendedProperties/"
		"private,created,updated,summary,description,location,start,"
		"end,iCalUID,attendeesOmitted,hangoutLink,conferenceData(createRequest/status,"
		"entryPoints(entryPointType,uri)),attendees(email,displayName,responseStatus))"
		" HTTP/1.1\r\n");
	assert_non_null(strstr(g.head, "\r\nAuthorization: Bearer ya29.access\r\n"));
	assert_int_equal(list.n, 1);
	assert_true(slice_is(list.items[0].id, "cb5f0c"));
	assert_true(slice_is(list.next, "Ck/+="));
}

static void a_list_keeps_to_its_times_and_goes_on_by_page(void **state)
{
	struct event_range range = {.from_ms = 1764687600999, .to_ms = 1764690300001, .max = 7};
	struct placed_list list;

	(void)state;
	g.body = "{\"kind\":\"calendar#events\"}";
	range.page = SLICE("Ck/+=");
	assert_int_equal(google->list(&g.cx, "ow_1", &range, &list, &g.why), OK);
	assert_line(LIST_LINE "7&timeMin=2025-12-02T15%3A00%3A00.999Z&timeMax="
			      "2025-12-02T15%3A45%3A01.000Z&pageToken=Ck%2F%2B%3D&prettyPrint=");
	range.to_ms = 1764690300000;
	assert_int_equal(google->list(&g.cx, "ow_1", &range, &list, &g.why), OK);
	assert_non_null(strstr(g.head, "&timeMax=2025-12-02T15%3A45%3A00.000Z&"));
}

static void a_page_that_google_does_not_know_is_the_askers_fault(void **state)
{
	static const struct {
		const char *status;
		const char *headers;
		const char *page;
		enum err wanted;
	} CASES[] = {
		{"400 Bad Request", JSON_TYPE, "x", ERR_BAD_REQUEST},
		{"410 Gone", JSON_TYPE, "x", ERR_BAD_REQUEST},
		{"400 Bad Request", JSON_TYPE, "", ERR_REFUSED},
		{"404 Not Found", JSON_TYPE, "x", ERR_GONE},
		{"401 Unauthorized", JSON_TYPE, "x", ERR_TOKEN},
		{"400 Bad Request", "Content-Type: text/html", "x", ERR_UPSTREAM},
		{"200 OK", "Content-Type: text/html", "x", ERR_UPSTREAM},
	};
	struct event_range range = EVER;
	struct placed_list list;

	(void)state;
	g.body = API_ERROR("invalidParameter");
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		g.status = CASES[i].status;
		g.headers = CASES[i].headers;
		range.page = slice_of(CASES[i].page);
		assert_int_equal(google->list(&g.cx, "ow_1", &range, &list, &g.why),
				 CASES[i].wanted);
		assert_null(list.items);
	}
}

static void the_budget_is_the_operators(void **state)
{
	struct config config = {.rate_google_per_min = 42};

	(void)state;
	assert_int_equal(google->budget(&config).calls_per_min, 42);
	assert_int_equal(google->budget(&config).at_once, 0);
}

static void dropping_what_is_gone_succeeds_and_a_page_does_not(void **state)
{
	static const struct {
		const char *status;
		const char *headers;
		const char *body;
		enum err wanted;
	} CASES[] = {
		{"204 No Content", NULL, "", OK},
		{"410 Gone", JSON_TYPE, API_ERROR("deleted"), OK},
		{"404 Not Found", JSON_TYPE, API_ERROR("notFound"), OK},
		{"404 Not Found", "Content-Type: text/html", "<html>", ERR_UPSTREAM},
		{"200 OK", "Content-Type: text/html", "<html>", ERR_UPSTREAM},
		{"200 OK", JSON_TYPE, API_ERROR("backendError"), ERR_UPSTREAM},
		{"401 Unauthorized", NULL, "", ERR_TOKEN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		g.status = CASES[i].status;
		g.headers = CASES[i].headers;
		g.body = CASES[i].body;
		assert_int_equal(google->drop(&g.cx, "cb5f0c", i % 2 == 0, &g.why),
				 CASES[i].wanted);
		assert_line(i % 2 == 0 ? "DELETE /calendar/v3/calendars/primary/events/cb5f0c?"
					 "sendUpdates=all HTTP/1.1\r\n"
				       : "DELETE /calendar/v3/calendars/primary/events/cb5f0c?"
					 "sendUpdates=none HTTP/1.1\r\n");
	}
}

static void a_look_sees_ours_deleted_and_gone(void **state)
{
	struct placed placed;

	(void)state;
	g.body = "{\"id\":\"cb5f0c\",\"status\":\"confirmed\",\"extendedProperties\":"
		 "{\"private\":{\"calbridge\":\"bk_1\"}}}";
	assert_int_equal(google->get(&g.cx, "cb5f0c", &placed, &g.why), OK);
	assert_line("GET /calendar/v3/calendars/primary/events/cb5f0c?prettyPrint=false&fields=");
	assert_true(slice_is(placed.marker, "bk_1"));
	g.body = "{\"id\":\"cb5f0c\",\"status\":\"cancelled\"}";
	assert_int_equal(google->get(&g.cx, "cb5f0c", &placed, &g.why), OK);
	assert_true(placed.cancelled);
	g.status = "404 Not Found";
	g.body = API_ERROR("notFound");
	assert_int_equal(google->get(&g.cx, "cb5f0c", &placed, &g.why), ERR_GONE);
	g.headers = "Content-Type: text/html";
	assert_int_equal(google->get(&g.cx, "cb5f0c", &placed, &g.why), ERR_UPSTREAM);
}

static void a_deadline_that_has_passed_asks_nobody(void **state)
{
	unsigned before = https_server_requests(g.server);
	struct placed placed;

	(void)state;
	g.cx.deadline_ms = clock_mono_ms() - 1;
	assert_int_equal(put(&placed), ERR_DEADLINE);
	assert_int_equal(https_server_requests(g.server), before);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(providers_are_found_by_their_names),
		TEST(without_an_id_or_a_secret_it_is_not_configured),
		TEST(the_consent_url_asks_for_a_refresh_token_and_pkce),
		TEST(scopes_are_compared_as_sets),
		TEST(a_code_is_exchanged_with_secrets_in_the_body_alone),
		TEST(a_code_is_never_sent_twice),
		TEST(a_refresh_tells_user_application_and_weather_apart),
		TEST(an_html_page_is_no_grant_and_no_refusal),
		TEST(what_is_revoked_already_is_revoked),
		TEST(the_account_is_the_access_tokens),
		TEST(an_event_is_put_under_our_id_and_guests_are_mailed_as_wished),
		TEST(ids_cannot_leave_their_place_in_the_path),
		TEST(only_the_event_itself_is_a_success),
		TEST(a_refusal_of_an_event_has_its_remedy),
		TEST(a_change_is_a_patch_that_may_insist_on_a_version),
		TEST(guests_are_never_changed_while_some_are_unknown),
		TEST(each_request_for_a_conference_has_a_name_of_its_own),
		TEST(all_of_an_event_is_asked_for_only_where_it_is_wanted),
		TEST(a_list_is_of_one_owner_and_in_order),
		TEST(a_list_keeps_to_its_times_and_goes_on_by_page),
		TEST(a_page_that_google_does_not_know_is_the_askers_fault),
		TEST(the_budget_is_the_operators),
		TEST(dropping_what_is_gone_succeeds_and_a_page_does_not),
		TEST(a_look_sees_ours_deleted_and_gone),
		TEST(a_deadline_that_has_passed_asks_nobody),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, open_all, close_all);
}
