#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/digest.h"
#include "provider/providers.h"
#include "tests/unit/event_fixture.h"
#include "tests/unit/provider_fixture.h"

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

static const struct provider *outlook;

static int open_outlook(void **state)
{
	if (provider_open(state))
		return -1;
	outlook = providers_find(SLICE("outlook"));
	fx.json_type = JSON_TYPE;
	fx.config.microsoft_client_id = provider_setting("client&id");
	fx.config.microsoft_redirect_uri = provider_setting("https://our.example/callback");
	fx.config.microsoft_auth_url = provider_url("/common/oauth2/v2.0/authorize");
	fx.config.microsoft_token_url = provider_url("/common/oauth2/v2.0/token");
	fx.config.microsoft_api_url = provider_url("/v1.0");
	fx.config.microsoft_issuer = provider_setting("https://login.example/{tenantid}/v2.0");
	fx.config.rate_outlook_per_min = 7;
	fx.config.rate_outlook_at_once = 3;
	return secret_set(&fx.config.microsoft_client_secret, SLICE("s3cr=t~.+/")) ||
	       secret_set(&fx.access, SLICE("EwB.access"));
}

static enum err put(struct placed *placed)
{
	struct event event = coffee();

	return outlook->put(&fx.cx, "cb5f0c", &STAMP, &event, placed, &fx.why);
}

/* Every call on Graph says who asks, and which ids and times it wants. */
static void assert_graph(const char *line)
{
	assert_line(line);
	assert_non_null(strstr(fx.head, "\r\nAuthorization: Bearer EwB.access\r\n"));
	assert_non_null(strstr(fx.head, PREFER));
}

/* A grant with an id_token of these claims. */
static const char *grant_with(const char *claims)
{
	char payload[2048];

	digest_base64url(claims, strlen(claims), payload);
	return arena_format(fx.arena, "%.*s,\"id_token\":\"e30.%s.c2ln\"}",
			    (int)(sizeof(GRANT) - 2), GRANT, payload);
}

static enum err exchange(struct grant *grant, struct account *who)
{
	return outlook->exchange(&fx.cx, SLICE("M.C5+b"), SLICE("veri~fier"), grant, who, &fx.why);
}

/* --- consent and tokens --- */

static void it_is_found_by_both_its_names(void **state)
{
	(void)state;
	assert_ptr_equal(providers_find(SLICE("microsoft")), outlook);
	assert_string_equal(outlook->name, "outlook");
	assert_true(outlook->is_configured(&fx.config));
	assert_null(outlook->revoke);
	assert_int_equal(outlook->budget(&fx.config).calls_per_min, 7);
	assert_int_equal(outlook->budget(&fx.config).at_once, 3);
	assert_string_equal(outlook->issuer(&fx.config), fx.config.microsoft_issuer);
	assert_true(outlook->mails_always);
}

static void without_an_id_or_a_secret_it_is_not_configured(void **state)
{
	struct config config = {0};

	(void)state;
	assert_false(outlook->is_configured(&config));
	config.microsoft_client_id = fx.config.microsoft_client_id;
	assert_false(outlook->is_configured(&config));
	config.microsoft_client_id = NULL;
	config.microsoft_client_secret = fx.config.microsoft_client_secret;
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
		 fx.config.microsoft_auth_url, SCOPES);
	buf_init(&out, fx.arena, 4096);
	assert_int_equal(outlook->consent_url(&fx.cx, &ask, &out, &fx.why), OK);
	assert_string_equal(buf_slice(&out).data, wanted);
	ask.login_hint = SLICE("a+b@c.example&x=1");
	buf_clear(&out);
	assert_int_equal(outlook->consent_url(&fx.cx, &ask, &out, &fx.why), OK);
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
	fx.body = grant_with(CLAIMS("client&id"));
	assert_int_equal(exchange(&grant, &who), OK);
	assert_line("POST /common/oauth2/v2.0/token HTTP/1.1\r\n");
	assert_non_null(strstr(fx.head, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
	assert_null(strcasestr(fx.head, "\r\nAuthorization:"));
	assert_string_equal(fx.sent, "grant_type=authorization_code&code=M.C5%2Bb"
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
	fx.body = grant_with(CLAIMS("other"));
	assert_int_equal(exchange(&grant, &who), ERR_UPSTREAM);
	assert_true(secret_is_empty(&grant.access));
	assert_true(secret_is_empty(&grant.refresh));
	assert_int_equal(who.id.len, 0);
	/* one that has run out */
	clock_set_for_test(INT64_C(4102444800) * 1000 + 60000);
	fx.body = grant_with(CLAIMS("client&id"));
	assert_int_equal(exchange(&grant, &who), ERR_UPSTREAM);
	clock_set_for_test(-1);
}

static void who_has_no_id_token_is_nobody(void **state)
{
	unsigned before;
	struct grant grant;
	struct account who;

	(void)state;
	fx.body = GRANT;
	assert_int_equal(exchange(&grant, &who), OK);
	assert_int_equal(who.id.len, 0);
	before = https_server_requests(fx.server);
	assert_int_equal(outlook->account(&fx.cx, &who, &fx.why), ERR_UPSTREAM);
	assert_int_equal(https_server_requests(fx.server), before);
	grant_wipe(&grant);
}

static void a_code_is_never_sent_twice(void **state)
{
	struct grant grant;
	struct account who;
	unsigned before;

	(void)state;
	fx.body = GRANT;
	assert_int_equal(exchange(&grant, &who), OK);
	grant_wipe(&grant);
	before = https_server_requests(fx.server);
	fx.hang_up = true;
	assert_int_equal(exchange(&grant, &who), ERR_UPSTREAM);
	assert_int_equal(https_server_requests(fx.server), before + 1);
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

		fx.status = CASES[i].status;
		fx.body = CASES[i].body;
		assert_int_equal(outlook->refresh(&fx.cx, &token, &grant, &fx.why),
				 CASES[i].wanted);
		assert_int_equal(secret_is_empty(&grant.refresh), CASES[i].wanted != OK);
		assert_string_equal(fx.sent,
				    "grant_type=refresh_token&refresh_token=0.AXo%2Bx"
				    "&scope=" SCOPES
				    "&client_id=client%26id&client_secret=s3cr%3Dt~.%2B%2F");
		assert_null(strstr(fx.why.detail, "AXo"));
		grant_wipe(&grant);
	}
	secret_wipe(&token);
}

static void the_account_needs_a_mailbox(void **state)
{
	struct account who = {.id = SLICE(TID "." OID)};

	(void)state;
	fx.body = "{\"canEdit\":true,\"owner\":{\"address\":\"box@example.com\"}}";
	assert_int_equal(outlook->account(&fx.cx, &who, &fx.why), OK);
	assert_graph("GET /v1.0/me/calendar?$select=owner,canEdit HTTP/1.1\r\n");
	assert_true(slice_is(who.email, "box@example.com"));
	assert_true(slice_is(who.id, TID "." OID));
	fx.status = "404 Not Found";
	fx.body = API_ERROR("MailboxNotEnabledForRESTAPI");
	assert_int_equal(outlook->account(&fx.cx, &who, &fx.why), ERR_GONE);
	assert_string_equal(fx.why.detail, "outlook 404 MailboxNotEnabledForRESTAPI");
}

/* --- one event --- */

static void an_event_is_put_as_one_transaction_with_our_stamp(void **state)
{
	struct placed placed;

	(void)state;
	fx.status = "201 Created";
	fx.body = "{\"id\":\"AAkA=\",\"webLink\":\"https://o.example/?itemid=A\","
		  "\"@odata.etag\":\"W/\\\"1\\\"\",\"transactionId\":\"cb5f0c\"}";
	assert_int_equal(put(&placed), OK);
	assert_graph("POST /v1.0/me/events HTTP/1.1\r\n");
	assert_non_null(strstr(fx.head, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(fx.sent, "\"transactionId\":\"cb5f0c\""));
	assert_non_null(strstr(fx.sent, "\"value\":\"bk_1\""));
	assert_non_null(strstr(fx.sent, "\"value\":\"ow_1\""));
	assert_true(slice_is(placed.id, "AAkA="));
	assert_true(slice_is(placed.html_link, "https://o.example/?itemid=A"));
	assert_true(slice_is(placed.marker, "bk_1"));
	assert_true(placed.marker.data != STAMP.marker);
}

static void another_calendar_is_named_by_its_id(void **state)
{
	struct placed placed;

	(void)state;
	fx.body = "{\"id\":\"AAkA=\"}";
	fx.cx.calendar_id = SLICE("AQMk/../?#%=");
	assert_int_equal(put(&placed), OK);
	assert_graph("POST /v1.0/me/calendars/AQMk%2F..%2F%3F%23%25%3D/events HTTP/1.1\r\n");
	fx.cx.calendar_id = (struct slice){0};
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
		provider_answers(CASES[i].status, CASES[i].headers, CASES[i].body);
		if (put(&placed) != ERR_UPSTREAM || placed.id.len > 0)
			fail_msg("%s %s", fx.status, fx.body);
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
		provider_answers(CASES[i].status, CASES[i].headers, CASES[i].body);
		fx.why = (struct fail){0};
		assert_int_equal(put(&placed), CASES[i].wanted);
		assert_int_equal(fx.why.retry_after_s, CASES[i].retry_after_s);
	}
}

static void an_id_cannot_leave_its_place_in_the_path(void **state)
{
	struct placed placed;

	(void)state;
	fx.body = "{\"id\":\"AAkA=\"}";
	assert_int_equal(outlook->get(&fx.cx, "../@evil?a#b", &placed, &fx.why), OK);
	assert_graph("GET /v1.0/me/events/..%2F%40evil%3Fa%23b?" PLACE EXPAND " HTTP/1.1\r\n");
	fx.cx.calendar_id = SLICE("another");
	assert_int_equal(outlook->get(&fx.cx, "AAk-_/+=", &placed, &fx.why), OK);
	assert_graph("GET /v1.0/me/events/AAk-_%2F%2B%3D?");
}

static void a_look_sees_ours_and_what_is_gone(void **state)
{
	struct placed placed;

	(void)state;
	fx.body = "{\"id\":\"AAkA=\",\"singleValueExtendedProperties\":[{\"id\":\"String "
		  "{E3A48A76-1622-4BF2-997E-4BA30802CFED} Name calbridge\",\"value\":\"bk_1\"}]}";
	assert_int_equal(outlook->get(&fx.cx, "AAkA=", &placed, &fx.why), OK);
	assert_true(slice_is(placed.marker, "bk_1"));
	fx.cx.whole = true;
	assert_int_equal(outlook->get(&fx.cx, "AAkA=", &placed, &fx.why), ERR_UPSTREAM);
	assert_graph("GET /v1.0/me/events/AAkA%3D?" PLACE ",lastModifiedDateTime,iCalUId,subject,"
		     "body,location,start,end,isAllDay,attendees,isOnlineMeeting,onlineMeeting,"
		     "originalStartTimeZone" EXPAND " HTTP/1.1\r\n");
	assert_null(strstr(fx.head, "body-content-type"));
	fx.status = "404 Not Found";
	fx.body = API_ERROR("ErrorItemNotFound");
	assert_int_equal(outlook->get(&fx.cx, "AAkA=", &placed, &fx.why), ERR_GONE);
	fx.headers = "Content-Type: text/html";
	assert_int_equal(outlook->get(&fx.cx, "AAkA=", &placed, &fx.why), ERR_UPSTREAM);
}

static void a_change_is_a_patch_that_insists_on_its_version(void **state)
{
	const struct placed first = {
		.id = SLICE("AAk/"), .etag = SLICE("W/\"1+/=\""), .marker = SLICE("bk_1")};
	const struct placed any = {.id = SLICE("AAk/")};
	struct event event = coffee();
	struct placed placed;

	(void)state;
	fx.body = "{\"id\":\"AAk/\",\"@odata.etag\":\"W/\\\"2\\\"\"}";
	assert_int_equal(outlook->change(&fx.cx, &first, &event, EVENT_SUMMARY, &placed, &fx.why),
			 OK);
	assert_graph("PATCH /v1.0/me/events/AAk%2F HTTP/1.1\r\n");
	assert_non_null(strstr(fx.head, "\r\nIf-Match: W/\"1+/=\"\r\n"));
	assert_string_equal(fx.sent, "{\"subject\":\"Coffee\"}");
	assert_true(slice_is(placed.etag, "W/\"2\""));
	assert_true(slice_is(placed.marker, "bk_1"));
	assert_int_equal(outlook->change(&fx.cx, &any, &event, EVENT_SUMMARY, &placed, &fx.why),
			 OK);
	assert_null(strcasestr(fx.head, "\r\nIf-Match:"));
	fx.status = "412 Precondition Failed";
	fx.body = API_ERROR("ErrorIrresolvableConflict");
	assert_int_equal(outlook->change(&fx.cx, &first, &event, EVENT_SUMMARY, &placed, &fx.why),
			 ERR_STALE);
	fx.status = "404 Not Found";
	fx.body = API_ERROR("ErrorItemNotFound");
	assert_int_equal(outlook->change(&fx.cx, &first, &event, EVENT_SUMMARY, &placed, &fx.why),
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
	fx.body = "{\"id\":\"AAkA\"}";
	assert_int_equal(outlook->change(&fx.cx, &stands, &event,
					 EVENT_ATTENDEES | EVENT_CONFERENCE, &placed, &fx.why),
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
		provider_answers(CASES[i].status, CASES[i].headers, CASES[i].body);
		assert_int_equal(outlook->drop(&fx.cx, "AAkA=", i % 2 == 0, &fx.why),
				 CASES[i].wanted);
		assert_graph("DELETE /v1.0/me/events/AAkA%3D HTTP/1.1\r\n");
	}
}

/* --- several --- */

static void a_marker_finds_its_event_or_none(void **state)
{
	struct placed placed;

	(void)state;
	fx.body = "{\"value\":[{\"id\":\"AAkA=\",\"createdDateTime\":\"2025-12-01T09:00:00Z\"}]}";
	assert_int_equal(outlook->find(&fx.cx, "bk_1", &placed, &fx.why), OK);
	assert_graph("GET /v1.0/me/events?$filter=" HAS(MARKER, "bk_1") "&" PLACE EXPAND
									"&$top=10 HTTP/1.1\r\n");
	assert_true(slice_is(placed.id, "AAkA="));
	fx.cx.calendar_id = SLICE("AQ=");
	fx.body = "{\"value\":[]}";
	assert_int_equal(outlook->find(&fx.cx, "bk_1", &placed, &fx.why), ERR_GONE);
	assert_graph("GET /v1.0/me/calendars/AQ%3D/events?$filter=");
	fx.body = "{}";
	assert_int_equal(outlook->find(&fx.cx, "bk_1", &placed, &fx.why), ERR_UPSTREAM);
	fx.status = "404 Not Found";
	fx.body = API_ERROR("MailboxNotEnabledForRESTAPI");
	assert_int_equal(outlook->find(&fx.cx, "bk_1", &placed, &fx.why), ERR_REFUSED);
}

static void a_list_is_the_owners_in_the_range_by_start(void **state)
{
	struct event_range range = {.from_ms = 1764687600000, .to_ms = 1764690300000, .max = 10};
	struct placed_list list;

	(void)state;
	fx.body = "{\"value\":[]}";
	assert_int_equal(outlook->list(&fx.cx, "ow_1", &range, &list, &fx.why), OK);
	assert_line("GET /v1.0/me/events?$filter="
		    "start%2FdateTime%20lt%20%272025-12-02T15%3A45%3A00.000%27%20and%20"
		    "end%2FdateTime%20gt%20%272025-12-02T15%3A00%3A00.000%27%20and%20" HAS(
			    MARKER "Owner", "ow_1") "&" PLACE ",lastModifiedDateTime,");
	assert_non_null(strstr(fx.head, EXPAND "&$orderby=start/dateTime&$top=10 HTTP/1.1\r\n"));
	assert_non_null(strstr(fx.head, "\r\nPrefer: IdType=\"ImmutableId\", "
					"outlook.timezone=\"UTC\", "
					"outlook.body-content-type=\"text\"\r\n"));
	range = (struct event_range){.from_ms = INT64_MIN, .to_ms = INT64_MAX, .max = 250};
	assert_int_equal(outlook->list(&fx.cx, "ow_1", &range, &list, &fx.why), OK);
	assert_line("GET /v1.0/me/events?$filter="
		    "start%2FdateTime%20lt%20%272101-01-01T00%3A00%3A00.000%27%20and%20"
		    "singleValueExtendedProperties");
	assert_non_null(strstr(fx.head, "&$top=25 HTTP/1.1\r\n"));
}

static void a_page_is_followed_as_it_was_told_and_on_our_host_alone(void **state)
{
	struct event_range range = {.from_ms = INT64_MIN, .to_ms = INT64_MAX, .max = 10};
	unsigned before;
	struct placed_list list;

	(void)state;
	fx.body = arena_format(fx.arena, "{\"value\":[],\"@odata.nextLink\":\"%s%s\"}",
			       fx.config.microsoft_api_url, "/me/events?%24filter=x%27&$skip=10");
	assert_int_equal(outlook->list(&fx.cx, "ow_1", &range, &list, &fx.why), OK);
	range.page = list.next;
	fx.body = "{\"value\":[]}";
	assert_int_equal(outlook->list(&fx.cx, "ow_1", &range, &list, &fx.why), OK);
	assert_line("GET /v1.0/me/events?%24filter=x%27&$skip=10 HTTP/1.1\r\n");
	fx.status = "400 Bad Request";
	fx.body = API_ERROR("BadRequest");
	assert_int_equal(outlook->list(&fx.cx, "ow_1", &range, &list, &fx.why), ERR_BAD_REQUEST);
	before = https_server_requests(fx.server);
	range.page = SLICE("@evil.example/me/events");
	assert_int_equal(outlook->list(&fx.cx, "ow_1", &range, &list, &fx.why), ERR_BAD_REQUEST);
	range.page = SLICE("/%2e%2e/beta/me/events");
	assert_int_equal(outlook->list(&fx.cx, "ow_1", &range, &list, &fx.why), ERR_BAD_REQUEST);
	assert_int_equal(https_server_requests(fx.server), before);
}

static void a_deadline_that_has_passed_asks_nobody(void **state)
{
	unsigned before = https_server_requests(fx.server);
	struct placed placed;

	(void)state;
	fx.cx.deadline_ms = clock_mono_ms() - 1;
	assert_int_equal(put(&placed), ERR_DEADLINE);
	assert_int_equal(https_server_requests(fx.server), before);
}

#define TEST(name) cmocka_unit_test_setup(name, provider_begin)

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

	if (digest_start())
		return 1;
	return cmocka_run_group_tests(tests, open_outlook, provider_close);
}
