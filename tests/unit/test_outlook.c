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
#include "base/digest.h"
#include "io/http.h"
#include "io/http_trust.h"
#include "model/event.h"
#include "provider/provider.h"
#include "provider/providers.h"
#include "tests/unit/https_server.h"

#define JSON_TYPE "Content-Type: application/json;odata.metadata=minimal;charset=utf-8"
#define API_ERROR(code) "{\"error\":{\"code\":\"" code "\",\"message\":\"x\"}}"
#define TID "9188040d-6c67-4c5b-b112-36a304b66dad"
#define OID "00000000-0000-0000-1234-56789abcdef0"
#define CLAIMS(aud)                                                                                \
	"{\"aud\":\"" aud "\",\"iss\":\"https://login.example/" TID                                \
	"/v2.0\",\"exp\":4102444800,\"tid\":\"" TID "\",\"oid\":\"" OID                            \
	"\",\"preferred_username\":\"host@example.com\"}"
#define GRANT                                                                                      \
	"{\"token_type\":\"Bearer\",\"scope\":\"Calendars.ReadWrite User.Read profile openid\","   \
	"\"expires_in\":\"3599\",\"ext_expires_in\":3599,\"access_token\":\"EwB.a\","              \
	"\"refresh_token\":\"0.AX\"}"
#define SCOPES "openid%20profile%20email%20offline_access%20Calendars.ReadWrite%20User.Read"
#define PREFER "\r\nPrefer: IdType=\"ImmutableId\", outlook.timezone=\"UTC\"\r\n"
#define MARKER "String%20%7Be3a48a76-1622-4bf2-997e-4ba30802cfed%7D%20Name%20calbridge"
#define EXPAND "&$expand=singleValueExtendedProperties%28%24filter%3Did%20eq%20%27" MARKER "%27%29"
#define PLACE "$select=id,webLink,isCancelled,createdDateTime"
#define HAS(id, value)                                                                             \
	"singleValueExtendedProperties%2FAny%28ep%3A%20ep%2Fid%20eq%20%27" id                      \
	"%27%20and%20ep%2Fvalue%20eq%20%27" value "%27%29"

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

static const struct provider *outlook;

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
	outlook = providers_find(SLICE("outlook"));
	g.server = https_server_new(HTTPS_SOUND, script, NULL);
	g.config = (struct config){
		.https_ca_file = strdup(https_server_ca_file(g.server)),
		.microsoft_client_id = strdup("client&id"),
		.microsoft_redirect_uri = strdup("https://our.example/callback"),
		.microsoft_auth_url = url_new("/common/oauth2/v2.0/authorize"),
		.microsoft_token_url = url_new("/common/oauth2/v2.0/token"),
		.microsoft_api_url = url_new("/v1.0"),
		.microsoft_issuer = strdup("https://login.example/{tenantid}/v2.0"),
		.rate_outlook_per_min = 7,
		.rate_outlook_at_once = 3,
	};
	g.arena = arena_new(4096, 4 * 1024 * 1024);
	return secret_set(&g.config.microsoft_client_secret, SLICE("s3cr=t~.+/")) ||
	       secret_set(&g.access, SLICE("EwB.access")) ||
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
	secret_wipe(&g.config.microsoft_client_secret);
	free(g.config.https_ca_file);
	free(g.config.microsoft_client_id);
	free(g.config.microsoft_redirect_uri);
	free(g.config.microsoft_auth_url);
	free(g.config.microsoft_token_url);
	free(g.config.microsoft_api_url);
	free(g.config.microsoft_issuer);
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

	return outlook->put(&g.cx, "cb5f0c", &STAMP, &event, placed, &g.why);
}

static void assert_line(const char *line)
{
	if (strncmp(g.head, line, strlen(line)) != 0)
		fail_msg("%.*s", (int)strcspn(g.head, "\r"), g.head);
}

/* Every call on Graph says who asks, and which ids and times it wants. */
static void assert_graph(const char *line)
{
	assert_line(line);
	assert_non_null(strstr(g.head, "\r\nAuthorization: Bearer EwB.access\r\n"));
	assert_non_null(strstr(g.head, PREFER));
}

/* A grant with an id_token of these claims. */
static const char *grant_with(const char *claims)
{
	char payload[2048];

	digest_base64url(claims, strlen(claims), payload);
	return arena_format(g.arena, "%.*s,\"id_token\":\"e30.%s.c2ln\"}", (int)(sizeof(GRANT) - 2),
			    GRANT, payload);
}

static enum err exchange(struct grant *grant, struct account *who)
{
	return outlook->exchange(&g.cx, SLICE("M.C5+b"), SLICE("veri~fier"), grant, who, &g.why);
}

/* --- consent and tokens --- */

static void it_is_found_by_both_its_names(void **state)
{
	(void)state;
	assert_ptr_equal(providers_find(SLICE("microsoft")), outlook);
	assert_string_equal(outlook->name, "outlook");
	assert_true(outlook->is_configured(&g.config));
	assert_null(outlook->revoke);
	assert_int_equal(outlook->budget(&g.config).calls_per_min, 7);
	assert_int_equal(outlook->budget(&g.config).at_once, 3);
	assert_string_equal(outlook->issuer(&g.config), g.config.microsoft_issuer);
	assert_true(outlook->mails_always);
}

static void without_an_id_or_a_secret_it_is_not_configured(void **state)
{
	struct config config = {0};

	(void)state;
	assert_false(outlook->is_configured(&config));
	config.microsoft_client_id = g.config.microsoft_client_id;
	assert_false(outlook->is_configured(&config));
	config.microsoft_client_id = NULL;
	config.microsoft_client_secret = g.config.microsoft_client_secret;
	assert_false(outlook->is_configured(&config));
}

static void the_consent_url_asks_for_offline_access_and_pkce(void **state)
{
	struct consent ask = {.state = SLICE("st-ate"), .challenge = SLICE("chal_lenge")};
	char wanted[1024];
	struct buf out;

	(void)state;
	snprintf(wanted, sizeof(wanted),
		 "%s?response_type=code&response_mode=query&client_id=client%%26id"
		 "&redirect_uri=https%%3A%%2F%%2Four.example%%2Fcallback&scope=%s"
		 "&prompt=select_account&state=st-ate"
		 "&code_challenge_method=S256&code_challenge=chal_lenge",
		 g.config.microsoft_auth_url, SCOPES);
	buf_init(&out, g.arena, 4096);
	assert_int_equal(outlook->consent_url(&g.cx, &ask, &out, &g.why), OK);
	assert_string_equal(buf_slice(&out).data, wanted);
	ask.login_hint = SLICE("a+b@c.example&x=1");
	buf_clear(&out);
	assert_int_equal(outlook->consent_url(&g.cx, &ask, &out, &g.why), OK);
	assert_non_null(strstr(buf_slice(&out).data, "&login_hint=a%2Bb%40c.example%26x%3D1"));
}

static void scopes_count_short_or_whole_in_any_case(void **state)
{
	static const struct {
		const char *scopes;
		bool suffice;
	} CASES[] = {
		{"Calendars.ReadWrite User.Read profile openid email", true},
		{"email openid https://graph.microsoft.com/Calendars.ReadWrite", true},
		{"HTTPS://GRAPH.MICROSOFT.COM/CALENDARS.READWRITE", true},
		{"calendars.readwrite", true},
		{"  x  Calendars.ReadWrite ", true},
		{"", false},
		{"openid profile email", false},
		{"Calendars.Read User.Read", false},
		{"Calendars.ReadWrite.Shared", false},
		{"https://outlook.office.com/Calendars.ReadWrite", false},
		{"https://evil.example/https://graph.microsoft.com/Calendars.ReadWrite", false},
		{"xCalendars.ReadWrite", false},
		{"Calendars.ReadWrite,User.Read", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		if (outlook->scopes_suffice(slice_of(CASES[i].scopes)) != CASES[i].suffice)
			fail_msg("%s", CASES[i].scopes);
	}
	assert_false(outlook->scopes_suffice((struct slice){0}));
}

static void a_code_brings_tokens_and_who_consented(void **state)
{
	struct grant grant;
	struct account who;

	(void)state;
	g.body = grant_with(CLAIMS("client&id"));
	assert_int_equal(exchange(&grant, &who), OK);
	assert_line("POST /common/oauth2/v2.0/token HTTP/1.1\r\n");
	assert_non_null(strstr(g.head, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
	assert_null(strcasestr(g.head, "\r\nAuthorization:"));
	assert_string_equal(g.sent, "grant_type=authorization_code&code=M.C5%2Bb"
				    "&code_verifier=veri~fier"
				    "&redirect_uri=https%3A%2F%2Four.example%2Fcallback"
				    "&scope=" SCOPES
				    "&client_id=client%26id&client_secret=s3cr%3Dt~.%2B%2F");
	assert_true(slice_is(secret_slice(&grant.access), "EwB.a"));
	assert_true(slice_is(secret_slice(&grant.refresh), "0.AX"));
	assert_int_equal(grant.expires_in_s, 3599);
	assert_true(outlook->scopes_suffice(grant.scopes));
	assert_true(slice_is(who.id, TID "." OID));
	assert_true(slice_is(who.email, "host@example.com"));
	grant_wipe(&grant);
}

static void an_id_token_for_another_application_gives_nothing(void **state)
{
	struct grant grant;
	struct account who;

	(void)state;
	g.body = grant_with(CLAIMS("other"));
	assert_int_equal(exchange(&grant, &who), ERR_UPSTREAM);
	assert_true(secret_is_empty(&grant.access));
	assert_true(secret_is_empty(&grant.refresh));
	assert_int_equal(who.id.len, 0);
	/* one that has run out */
	clock_set_for_test(INT64_C(4102444800) * 1000 + 60000);
	g.body = grant_with(CLAIMS("client&id"));
	assert_int_equal(exchange(&grant, &who), ERR_UPSTREAM);
	clock_set_for_test(-1);
}

static void who_has_no_id_token_is_nobody(void **state)
{
	unsigned before;
	struct grant grant;
	struct account who;

	(void)state;
	g.body = GRANT;
	assert_int_equal(exchange(&grant, &who), OK);
	assert_int_equal(who.id.len, 0);
	before = https_server_requests(g.server);
	assert_int_equal(outlook->account(&g.cx, &who, &g.why), ERR_UPSTREAM);
	assert_int_equal(https_server_requests(g.server), before);
	grant_wipe(&grant);
}

static void a_code_is_never_sent_twice(void **state)
{
	struct grant grant;
	struct account who;
	unsigned before;

	(void)state;
	g.body = GRANT;
	assert_int_equal(exchange(&grant, &who), OK);
	grant_wipe(&grant);
	before = https_server_requests(g.server);
	g.hang_up = true;
	assert_int_equal(exchange(&grant, &who), ERR_UPSTREAM);
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
		{"400 Bad Request", "{\"error\":\"invalid_grant\",\"error_codes\":[700082]}",
		 ERR_REAUTH},
		{"401 Unauthorized", "{\"error\":\"invalid_client\",\"error_codes\":[7000222]}",
		 ERR_MISCONFIGURED},
		{"400 Bad Request", "{\"error\":\"temporarily_unavailable\"}", ERR_UPSTREAM},
		{"503 Busy", "", ERR_UPSTREAM},
		{"200 OK", "{\"error\":\"invalid_grant\"}", ERR_UPSTREAM},
		{"200 OK", "", ERR_UPSTREAM},
	};
	struct secret token = {0};

	(void)state;
	assert_int_equal(secret_set(&token, SLICE("0.AXo+x")), OK);
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		struct grant grant;

		g.status = CASES[i].status;
		g.body = CASES[i].body;
		assert_int_equal(outlook->refresh(&g.cx, &token, &grant, &g.why), CASES[i].wanted);
		assert_int_equal(secret_is_empty(&grant.refresh), CASES[i].wanted != OK);
		assert_string_equal(g.sent,
				    "grant_type=refresh_token&refresh_token=0.AXo%2Bx"
				    "&scope=" SCOPES
				    "&client_id=client%26id&client_secret=s3cr%3Dt~.%2B%2F");
		assert_null(strstr(g.why.detail, "AXo"));
		grant_wipe(&grant);
	}
	secret_wipe(&token);
}

static void the_account_needs_a_mailbox(void **state)
{
	struct account who = {.id = SLICE(TID "." OID)};

	(void)state;
	g.body = "{\"canEdit\":true,\"owner\":{\"address\":\"box@example.com\"}}";
	assert_int_equal(outlook->account(&g.cx, &who, &g.why), OK);
	assert_graph("GET /v1.0/me/calendar?$select=owner,canEdit HTTP/1.1\r\n");
	assert_true(slice_is(who.email, "box@example.com"));
	assert_true(slice_is(who.id, TID "." OID));
	g.status = "404 Not Found";
	g.body = API_ERROR("MailboxNotEnabledForRESTAPI");
	assert_int_equal(outlook->account(&g.cx, &who, &g.why), ERR_GONE);
	assert_string_equal(g.why.detail, "outlook 404 MailboxNotEnabledForRESTAPI");
}

/* --- one event --- */

static void an_event_is_put_as_one_transaction_with_our_stamp(void **state)
{
	struct placed placed;

	(void)state;
	g.status = "201 Created";
	g.body = "{\"id\":\"AAkA=\",\"webLink\":\"https://o.example/?itemid=A\","
		 "\"@odata.etag\":\"W/\\\"1\\\"\",\"transactionId\":\"cb5f0c\"}";
	assert_int_equal(put(&placed), OK);
	assert_graph("POST /v1.0/me/events HTTP/1.1\r\n");
	assert_non_null(strstr(g.head, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(g.sent, "\"transactionId\":\"cb5f0c\""));
	assert_non_null(strstr(g.sent, "\"value\":\"bk_1\""));
	assert_non_null(strstr(g.sent, "\"value\":\"ow_1\""));
	assert_true(slice_is(placed.id, "AAkA="));
	assert_true(slice_is(placed.html_link, "https://o.example/?itemid=A"));
	assert_true(slice_is(placed.marker, "bk_1"));
	assert_true(placed.marker.data != STAMP.marker);
}

static void another_calendar_is_named_by_its_id(void **state)
{
	struct placed placed;

	(void)state;
	g.body = "{\"id\":\"AAkA=\"}";
	g.cx.calendar_id = SLICE("AQMk/../?#%=");
	assert_int_equal(put(&placed), OK);
	assert_graph("POST /v1.0/me/calendars/AQMk%2F..%2F%3F%23%25%3D/events HTTP/1.1\r\n");
	g.cx.calendar_id = (struct slice){0};
	assert_int_equal(put(&placed), OK);
	assert_graph("POST /v1.0/me/events HTTP/1.1\r\n");
}

static void only_the_event_itself_is_a_success(void **state)
{
	static const struct {
		const char *status;
		const char *headers;
		const char *body;
	} CASES[] = {
		{"201 Created", JSON_TYPE, "{\"id\":\"A\",\"transactionId\":\"another\"}"},
		{"201 Created", JSON_TYPE, "{\"subject\":\"Coffee\"}"},
		{"201 Created", JSON_TYPE, ""},
		{"200 OK", JSON_TYPE, API_ERROR("UnknownError")},
		{"200 OK", JSON_TYPE, "{\"id\":\"A\""},
		{"200 OK", "Content-Type: text/html", "{\"id\":\"A\"}"},
		{"200 OK", JSON_TYPE "\r\nContent-Encoding: gzip", "{\"id\":\"A\"}"},
		{"204 No Content", NULL, ""},
		{"302 Found", "Location: https://elsewhere.example/", ""},
		{"500 Oops", JSON_TYPE, "{\"id\":\"A\"}"},
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
		{"401 Unauthorized", JSON_TYPE, API_ERROR("InvalidAuthenticationToken"), ERR_TOKEN,
		 0},
		{"403 Forbidden", JSON_TYPE, API_ERROR("ErrorAccessDenied"), ERR_SCOPE_MISSING, 0},
		{"404 Not Found", JSON_TYPE, API_ERROR("ErrorItemNotFound"), ERR_GONE, 0},
		{"409 Conflict", JSON_TYPE, API_ERROR("ErrorDuplicateTransactionId"), ERR_DUPLICATE,
		 0},
		{"429 Slow", JSON_TYPE "\r\nRetry-After: 2.128", API_ERROR("ApplicationThrottled"),
		 ERR_THROTTLED, 3},
		{"429 Slow", NULL, "", ERR_THROTTLED, 30},
		{"503 Busy", "Retry-After: 5", "", ERR_UPSTREAM, 5},
		{"400 Bad Request", JSON_TYPE, API_ERROR("ErrorInvalidRequest"), ERR_REFUSED, 0},
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

static void an_id_cannot_leave_its_place_in_the_path(void **state)
{
	struct placed placed;

	(void)state;
	g.body = "{\"id\":\"AAkA=\"}";
	assert_int_equal(outlook->get(&g.cx, "../@evil?a#b", &placed, &g.why), OK);
	assert_graph("GET /v1.0/me/events/..%2F%40evil%3Fa%23b?" PLACE EXPAND " HTTP/1.1\r\n");
	g.cx.calendar_id = SLICE("another");
	assert_int_equal(outlook->get(&g.cx, "AAk-_/+=", &placed, &g.why), OK);
	assert_graph("GET /v1.0/me/events/AAk-_%2F%2B%3D?");
}

static void a_look_sees_ours_and_what_is_gone(void **state)
{
	struct placed placed;

	(void)state;
	g.body = "{\"id\":\"AAkA=\",\"singleValueExtendedProperties\":[{\"id\":\"String "
		 "{E3A48A76-1622-4BF2-997E-4BA30802CFED} Name calbridge\",\"value\":\"bk_1\"}]}";
	assert_int_equal(outlook->get(&g.cx, "AAkA=", &placed, &g.why), OK);
	assert_true(slice_is(placed.marker, "bk_1"));
	g.cx.whole = true;
	assert_int_equal(outlook->get(&g.cx, "AAkA=", &placed, &g.why), ERR_UPSTREAM);
	assert_graph("GET /v1.0/me/events/AAkA%3D?" PLACE ",lastModifiedDateTime,iCalUId,subject,"
		     "body,location,start,end,isAllDay,attendees,isOnlineMeeting,onlineMeeting,"
		     "originalStartTimeZone" EXPAND " HTTP/1.1\r\n");
	assert_null(strstr(g.head, "body-content-type"));
	g.status = "404 Not Found";
	g.body = API_ERROR("ErrorItemNotFound");
	assert_int_equal(outlook->get(&g.cx, "AAkA=", &placed, &g.why), ERR_GONE);
	g.headers = "Content-Type: text/html";
	assert_int_equal(outlook->get(&g.cx, "AAkA=", &placed, &g.why), ERR_UPSTREAM);
}

static void a_change_is_a_patch_that_insists_on_its_version(void **state)
{
	const struct placed first = {
		.id = SLICE("AAk/"), .etag = SLICE("W/\"1+/=\""), .marker = SLICE("bk_1")};
	const struct placed any = {.id = SLICE("AAk/")};
	struct event event = coffee();
	struct placed placed;

	(void)state;
	g.body = "{\"id\":\"AAk/\",\"@odata.etag\":\"W/\\\"2\\\"\"}";
	assert_int_equal(outlook->change(&g.cx, &first, &event, EVENT_SUMMARY, &placed, &g.why),
			 OK);
	assert_graph("PATCH /v1.0/me/events/AAk%2F HTTP/1.1\r\n");
	assert_non_null(strstr(g.head, "\r\nIf-Match: W/\"1+/=\"\r\n"));
	assert_string_equal(g.sent, "{\"subject\":\"Coffee\"}");
	assert_true(slice_is(placed.etag, "W/\"2\""));
	assert_true(slice_is(placed.marker, "bk_1"));
	assert_int_equal(outlook->change(&g.cx, &any, &event, EVENT_SUMMARY, &placed, &g.why), OK);
	assert_null(strcasestr(g.head, "\r\nIf-Match:"));
	g.status = "412 Precondition Failed";
	g.body = API_ERROR("ErrorIrresolvableConflict");
	assert_int_equal(outlook->change(&g.cx, &first, &event, EVENT_SUMMARY, &placed, &g.why),
			 ERR_STALE);
	g.status = "404 Not Found";
	g.body = API_ERROR("ErrorItemNotFound");
	assert_int_equal(outlook->change(&g.cx, &first, &event, EVENT_SUMMARY, &placed, &g.why),
			 ERR_GONE);
}

static void a_change_that_cannot_be_said_only_looks(void **state)
{
	const struct placed stands = {.id = SLICE("AAkA"), .etag = SLICE("W/\"1\"")};
	struct attendee guests[] = {{.email = SLICE("m@example.com")}};
	struct event event = coffee();
	struct placed placed;

	(void)state;
	event.attendees = guests;
	event.n_attendees = 1;
	event.notify = false;
	g.body = "{\"id\":\"AAkA\"}";
	assert_int_equal(outlook->change(&g.cx, &stands, &event, EVENT_ATTENDEES | EVENT_CONFERENCE,
					 &placed, &g.why),
			 OK);
	assert_graph("GET /v1.0/me/events/AAkA?");
	assert_true(slice_is(placed.id, "AAkA"));
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
		{"404 Not Found", JSON_TYPE, API_ERROR("ErrorItemNotFound"), OK},
		{"410 Gone", JSON_TYPE, API_ERROR("gone"), OK},
		{"404 Not Found", JSON_TYPE, API_ERROR("MailboxNotEnabledForRESTAPI"), ERR_REFUSED},
		{"404 Not Found", "Content-Type: text/html", "<html>", ERR_UPSTREAM},
		{"200 OK", "Content-Type: text/html", "<html>", ERR_UPSTREAM},
		{"200 OK", JSON_TYPE, API_ERROR("UnknownError"), ERR_UPSTREAM},
		{"401 Unauthorized", NULL, "", ERR_TOKEN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		g.status = CASES[i].status;
		g.headers = CASES[i].headers;
		g.body = CASES[i].body;
		assert_int_equal(outlook->drop(&g.cx, "AAkA=", i % 2 == 0, &g.why),
				 CASES[i].wanted);
		assert_graph("DELETE /v1.0/me/events/AAkA%3D HTTP/1.1\r\n");
	}
}

/* --- several --- */

static void a_marker_finds_its_event_or_none(void **state)
{
	struct placed placed;

	(void)state;
	g.body = "{\"value\":[{\"id\":\"AAkA=\",\"createdDateTime\":\"2025-12-01T09:00:00Z\"}]}";
	assert_int_equal(outlook->find(&g.cx, "bk_1", &placed, &g.why), OK);
	assert_graph("GET /v1.0/me/events?$filter=" HAS(MARKER, "bk_1") "&" PLACE EXPAND
									"&$top=10 HTTP/1.1\r\n");
	assert_true(slice_is(placed.id, "AAkA="));
	g.cx.calendar_id = SLICE("AQ=");
	g.body = "{\"value\":[]}";
	assert_int_equal(outlook->find(&g.cx, "bk_1", &placed, &g.why), ERR_GONE);
	assert_graph("GET /v1.0/me/calendars/AQ%3D/events?$filter=");
	g.body = "{}";
	assert_int_equal(outlook->find(&g.cx, "bk_1", &placed, &g.why), ERR_UPSTREAM);
	g.status = "404 Not Found";
	g.body = API_ERROR("MailboxNotEnabledForRESTAPI");
	assert_int_equal(outlook->find(&g.cx, "bk_1", &placed, &g.why), ERR_REFUSED);
}

static void a_list_is_the_owners_in_the_range_by_start(void **state)
{
	struct event_range range = {.from_ms = 1764687600000, .to_ms = 1764690300000, .max = 10};
	struct placed_list list;

	(void)state;
	g.body = "{\"value\":[]}";
	assert_int_equal(outlook->list(&g.cx, "ow_1", &range, &list, &g.why), OK);
	assert_line("GET /v1.0/me/events?$filter="
		    "start%2FdateTime%20lt%20%272025-12-02T15%3A45%3A00.000%27%20and%20"
		    "end%2FdateTime%20gt%20%272025-12-02T15%3A00%3A00.000%27%20and%20" HAS(
			    MARKER "Owner", "ow_1") "&" PLACE ",lastModifiedDateTime,");
	assert_non_null(strstr(g.head, EXPAND "&$orderby=start/dateTime&$top=10 HTTP/1.1\r\n"));
	assert_non_null(strstr(g.head, "\r\nPrefer: IdType=\"ImmutableId\", "
				       "outlook.timezone=\"UTC\", "
				       "outlook.body-content-type=\"text\"\r\n"));
	range = (struct event_range){.from_ms = INT64_MIN, .to_ms = INT64_MAX, .max = 250};
	assert_int_equal(outlook->list(&g.cx, "ow_1", &range, &list, &g.why), OK);
	assert_line("GET /v1.0/me/events?$filter="
		    "start%2FdateTime%20lt%20%272101-01-01T00%3A00%3A00.000%27%20and%20"
		    "singleValueExtendedProperties");
	assert_non_null(strstr(g.head, "&$top=25 HTTP/1.1\r\n"));
}

static void a_page_is_followed_as_it_was_told_and_on_our_host_alone(void **state)
{
	struct event_range range = {.from_ms = INT64_MIN, .to_ms = INT64_MAX, .max = 10};
	unsigned before;
	struct placed_list list;

	(void)state;
	g.body = arena_format(g.arena, "{\"value\":[],\"@odata.nextLink\":\"%s%s\"}",
			      g.config.microsoft_api_url, "/me/events?%24filter=x%27&$skip=10");
	assert_int_equal(outlook->list(&g.cx, "ow_1", &range, &list, &g.why), OK);
	range.page = list.next;
	g.body = "{\"value\":[]}";
	assert_int_equal(outlook->list(&g.cx, "ow_1", &range, &list, &g.why), OK);
	assert_line("GET /v1.0/me/events?%24filter=x%27&$skip=10 HTTP/1.1\r\n");
	g.status = "400 Bad Request";
	g.body = API_ERROR("BadRequest");
	assert_int_equal(outlook->list(&g.cx, "ow_1", &range, &list, &g.why), ERR_BAD_REQUEST);
	before = https_server_requests(g.server);
	range.page = SLICE("@evil.example/me/events");
	assert_int_equal(outlook->list(&g.cx, "ow_1", &range, &list, &g.why), ERR_BAD_REQUEST);
	range.page = SLICE("/%2e%2e/beta/me/events");
	assert_int_equal(outlook->list(&g.cx, "ow_1", &range, &list, &g.why), ERR_BAD_REQUEST);
	assert_int_equal(https_server_requests(g.server), before);
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
		TEST(it_is_found_by_both_its_names),
		TEST(without_an_id_or_a_secret_it_is_not_configured),
		TEST(the_consent_url_asks_for_offline_access_and_pkce),
		TEST(scopes_count_short_or_whole_in_any_case),
		TEST(a_code_brings_tokens_and_who_consented),
		TEST(an_id_token_for_another_application_gives_nothing),
		TEST(who_has_no_id_token_is_nobody),
		TEST(a_code_is_never_sent_twice),
		TEST(a_refresh_tells_user_application_and_weather_apart),
		TEST(the_account_needs_a_mailbox),
		TEST(an_event_is_put_as_one_transaction_with_our_stamp),
		TEST(another_calendar_is_named_by_its_id),
		TEST(only_the_event_itself_is_a_success),
		TEST(a_refusal_of_an_event_has_its_remedy),
		TEST(an_id_cannot_leave_its_place_in_the_path),
		TEST(a_look_sees_ours_and_what_is_gone),
		TEST(a_change_is_a_patch_that_insists_on_its_version),
		TEST(a_change_that_cannot_be_said_only_looks),
		TEST(dropping_what_is_gone_succeeds_and_a_page_does_not),
		TEST(a_marker_finds_its_event_or_none),
		TEST(a_list_is_the_owners_in_the_range_by_start),
		TEST(a_page_is_followed_as_it_was_told_and_on_our_host_alone),
		TEST(a_deadline_that_has_passed_asks_nobody),
	};

	signal(SIGPIPE, SIG_IGN);
	if (digest_start())
		return 1;
	return cmocka_run_group_tests(tests, open_all, close_all);
}
