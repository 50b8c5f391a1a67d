#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "provider/providers.h"
#include "tests/unit/event_fixture.h"
#include "tests/unit/provider_fixture.h"

#define JSON_TYPE "Content-Type: application/json; charset=UTF-8"
#define API_ERROR(reason)                                                                          \
	"{\"error\":{\"errors\":[{\"domain\":\"global\",\"reason\":\"" reason "\"}],\"code\":400}" \
	"}"
#define GRANT                                                                                      \
	"{\"access_token\":\"ya29.a\",\"expires_in\":3599,\"refresh_token\":\"1//0g\","            \
	"\"scope\":\"openid https://www.googleapis.com/auth/calendar\",\"token_type\":\"Bearer\"}"

enum { SUBJECT_AND_TIMES = EVENT_SUMMARY | EVENT_TIMES };

static const struct provider *google;

static int open_google(void **state)
{
	if (provider_open(state))
		return -1;
	google = providers_find(SLICE("google"));
	fx.json_type = JSON_TYPE;
	fx.config.google_client_id = provider_setting("client&id");
	fx.config.google_redirect_uri = provider_setting("https://our.example/callback");
	fx.config.google_auth_url = provider_url("/auth");
	fx.config.google_token_url = provider_url("/token");
	fx.config.google_revoke_url = provider_url("/revoke");
	fx.config.google_userinfo_url = provider_url("/userinfo");
	fx.config.google_api_url = provider_url("/calendar/v3");
	fx.config.google_issuer = provider_setting("https://accounts.google.com");
	return secret_set(&fx.config.google_client_secret, SLICE("s3cr=t")) ||
	       secret_set(&fx.access, SLICE("ya29.access"));
}

static enum err put(struct placed *placed)
{
	struct event event = coffee();

	return google->put(&fx.cx, "cb5f0c", &STAMP, &event, placed, &fx.why);
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
	struct config config = fx.config;
	char nothing[] = "";

	(void)state;
	assert_true(google->is_configured(&config));
	config.google_client_id = nothing;
	assert_false(google->is_configured(&config));
	config.google_client_id = NULL;
	assert_false(google->is_configured(&config));
	config = fx.config;
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
		 fx.config.google_auth_url);
	buf_init(&out, fx.arena, 4096);
	assert_int_equal(google->consent_url(&fx.cx, &ask, &out, &fx.why), OK);
	assert_string_equal(buf_slice(&out).data, wanted);
	ask.login_hint = SLICE("a+b@c.example&x=1");
	buf_clear(&out);
	assert_int_equal(google->consent_url(&fx.cx, &ask, &out, &fx.why), OK);
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
	fx.body = GRANT;
	assert_int_equal(google->exchange(&fx.cx, SLICE("4/0A+b"), SLICE("veri~fier"), &grant, &who,
					  &fx.why),
			 OK);
	assert_line("POST /token HTTP/1.1\r\n");
	assert_non_null(strstr(fx.head, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
	assert_null(strcasestr(fx.head, "\r\nAuthorization:"));
	assert_string_equal(fx.sent, "grant_type=authorization_code&code=4%2F0A%2Bb"
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
	fx.body = GRANT;
	assert_int_equal(google->exchange(&fx.cx, SLICE("4/a"), SLICE("v"), &grant, &who, &fx.why),
			 OK);
	grant_wipe(&grant);
	before = https_server_requests(fx.server);
	fx.hang_up = true;
	assert_int_equal(google->exchange(&fx.cx, SLICE("4/b"), SLICE("v"), &grant, &who, &fx.why),
			 ERR_UPSTREAM);
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

		fx.status = CASES[i].status;
		fx.body = CASES[i].body;
		assert_int_equal(google->refresh(&fx.cx, &token, &grant, &fx.why), CASES[i].wanted);
		assert_int_equal(secret_is_empty(&grant.access), CASES[i].wanted != OK);
		assert_string_equal(fx.sent, "grant_type=refresh_token&refresh_token=1%2F%2F0g%2Bx"
					     "&client_id=client%26id&client_secret=s3cr%3Dt");
		assert_null(strstr(fx.why.detail, "0g"));
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
	fx.headers = "Content-Type: text/html";
	fx.body = GRANT;
	assert_int_equal(google->refresh(&fx.cx, &token, &grant, &fx.why), ERR_UPSTREAM);
	fx.status = "400 Bad Request";
	fx.body = "{\"error\":\"invalid_grant\"}";
	assert_int_equal(google->refresh(&fx.cx, &token, &grant, &fx.why), ERR_UPSTREAM);
	secret_wipe(&token);
}

static void what_is_revoked_already_is_revoked(void **state)
{
	struct secret token = {0};

	(void)state;
	assert_int_equal(secret_set(&token, SLICE("1//0g")), OK);
	assert_int_equal(google->revoke(&fx.cx, &token, &fx.why), OK);
	assert_line("POST /revoke HTTP/1.1\r\n");
	assert_string_equal(fx.sent, "token=1%2F%2F0g");
	fx.body = "";
	assert_int_equal(google->revoke(&fx.cx, &token, &fx.why), OK);
	fx.status = "400 Bad Request";
	fx.body = "{\"error\":\"invalid_token\"}";
	assert_int_equal(google->revoke(&fx.cx, &token, &fx.why), OK);
	fx.status = "503 Busy";
	assert_int_equal(google->revoke(&fx.cx, &token, &fx.why), ERR_UPSTREAM);
	fx.status = "200 OK";
	fx.body = "<html>";
	assert_int_equal(google->revoke(&fx.cx, &token, &fx.why), ERR_UPSTREAM);
	secret_wipe(&token);
}

static void the_account_is_the_access_tokens(void **state)
{
	struct account account;

	(void)state;
	fx.body = "{\"id\":\"1098\",\"email\":\"host@example.com\",\"verified_email\":true}";
	assert_int_equal(google->account(&fx.cx, &account, &fx.why), OK);
	assert_line("GET /userinfo HTTP/1.1\r\n");
	assert_non_null(strstr(fx.head, "\r\nAuthorization: Bearer ya29.access\r\n"));
	assert_true(slice_is(account.id, "1098"));
	assert_true(slice_is(account.email, "host@example.com"));
	fx.status = "401 Unauthorized";
	assert_int_equal(google->account(&fx.cx, &account, &fx.why), ERR_TOKEN);
	assert_int_equal(account.id.len, 0);
	fx.status = "404 Not Found";
	fx.body = API_ERROR("notFound");
	assert_int_equal(google->account(&fx.cx, &account, &fx.why), ERR_REFUSED);
}

static void an_event_is_put_under_our_id_and_guests_are_mailed_as_wished(void **state)
{
	struct event event = coffee();
	struct placed placed;

	(void)state;
	fx.body =
		"{\"id\":\"cb5f0c\",\"status\":\"confirmed\",\"htmlLink\":\"https://x.example/e\"}";
	assert_int_equal(put(&placed), OK);
	assert_line("POST /calendar/v3/calendars/primary/events?sendUpdates=all&prettyPrint=false&"
		    "fields=id,status,htmlLink,etag,extendedProperties/private HTTP/1.1\r\n");
	assert_non_null(strstr(fx.head, "\r\nAuthorization: Bearer ya29.access\r\n"));
	assert_non_null(strstr(fx.head, "\r\nContent-Type: application/json; charset=UTF-8\r\n"));
	assert_non_null(strstr(fx.sent, "{\"id\":\"cb5f0c\",\"summary\":\"Coffee\""));
	assert_true(slice_is(placed.id, "cb5f0c"));
	assert_true(slice_is(placed.html_link, "https://x.example/e"));
	event.notify = false;
	assert_int_equal(google->put(&fx.cx, "cb5f0c", &STAMP, &event, &placed, &fx.why), OK);
	assert_line("POST /calendar/v3/calendars/primary/events?sendUpdates=none&");
}

static void ids_cannot_leave_their_place_in_the_path(void **state)
{
	struct placed placed;

	(void)state;
	fx.cx.calendar_id = SLICE("en#holiday@group.v.calendar.google.com/../?%");
	fx.body = "{\"id\":\"x\"}";
	assert_int_equal(google->get(&fx.cx, "../@evil?a#b", &placed, &fx.why), ERR_UPSTREAM);
	assert_line("GET /calendar/v3/calendars/"
		    "en%23holiday%40group.v.calendar.google.com%2F..%2F%3F%25/events/"
		    "..%2F%40evil%3Fa%23b?prettyPrint=false&fields=");
	fx.cx.calendar_id = (struct slice){0};
	assert_int_equal(google->get(&fx.cx, "x", &placed, &fx.why), OK);
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
		provider_answers(CASES[i].status, CASES[i].headers, CASES[i].body);
		fx.why = (struct fail){0};
		assert_int_equal(put(&placed), CASES[i].wanted);
		assert_int_equal(fx.why.retry_after_s, CASES[i].retry_after_s);
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
	fx.body = "{\"id\":\"cb5f0c\",\"etag\":\"\\\"2\\\"\"}";
	assert_int_equal(
		google->change(&fx.cx, &first, &event, SUBJECT_AND_TIMES, &placed, &fx.why), OK);
	assert_line("PATCH /calendar/v3/calendars/primary/events/cb5f0c?sendUpdates=none&"
		    "conferenceDataVersion=1&prettyPrint=false&");
	assert_non_null(strstr(fx.head, "\r\nIf-Match: \"1\"\r\n"));
	assert_null(strstr(fx.sent, "attendees"));
	assert_true(slice_is(placed.etag, "\"2\""));
	assert_int_equal(google->change(&fx.cx, &any, &event, SUBJECT_AND_TIMES, &placed, &fx.why),
			 OK);
	assert_null(strcasestr(fx.head, "\r\nIf-Match:"));
	fx.status = "412 Precondition Failed";
	fx.body = API_ERROR("conditionNotMet");
	assert_int_equal(
		google->change(&fx.cx, &first, &event, SUBJECT_AND_TIMES, &placed, &fx.why),
		ERR_STALE);
	fx.status = "410 Gone";
	fx.body = API_ERROR("deleted");
	assert_int_equal(google->change(&fx.cx, &any, &event, SUBJECT_AND_TIMES, &placed, &fx.why),
			 ERR_GONE);
}

static void guests_are_never_changed_while_some_are_unknown(void **state)
{
	const struct attendee guests[] = {{.email = SLICE("a@x.example")}};
	struct placed stands = {.id = SLICE("cb5f0c"), .etag = SLICE("\"1\"")};
	unsigned before = https_server_requests(fx.server);
	struct event event = coffee();
	struct placed placed;

	(void)state;
	event.attendees = guests;
	event.n_attendees = 1;
	fx.body = "{\"id\":\"cb5f0c\"}";
	assert_int_equal(google->change(&fx.cx, &stands, &event, EVENT_ATTENDEES, &placed, &fx.why),
			 ERR_REFUSED);
	assert_int_equal(https_server_requests(fx.server), before);
	stands.event.attendees = guests;
	assert_int_equal(google->change(&fx.cx, &stands, &event, EVENT_ATTENDEES, &placed, &fx.why),
			 OK);
	assert_string_equal(fx.sent, "{\"attendees\":[{\"email\":\"a@x.example\"}]}");
}

static void each_request_for_a_conference_has_a_name_of_its_own(void **state)
{
	struct placed stands = {.id = SLICE("cb5f0c"), .etag = SLICE("\"1\"")};
	struct event event = coffee();
	struct placed placed;

	(void)state;
	event.conference = true;
	fx.body = "{\"id\":\"cb5f0c\"}";
	assert_int_equal(google->put(&fx.cx, "cb5f0c", &STAMP, &event, &placed, &fx.why), OK);
	assert_line("POST /calendar/v3/calendars/primary/events?sendUpdates=all&"
		    "conferenceDataVersion=1&prettyPrint=false&");
	assert_non_null(strstr(fx.sent, "\"requestId\":\"cb5f0c\""));
	assert_int_equal(
		google->change(&fx.cx, &stands, &event, EVENT_CONFERENCE, &placed, &fx.why), OK);
	assert_non_null(strstr(fx.sent, "\"requestId\":\"cb5f0c-\\\"1\\\"\""));
}

#define TIMES                                                                                      \
	"\"start\":{\"dateTime\":\"2025-12-02T10:00:00-05:00\"},"                                  \
	"\"end\":{\"dateTime\":\"2025-12-02T15:45:00Z\"}"

static void all_of_an_event_is_asked_for_only_where_it_is_wanted(void **state)
{
	struct placed placed;

	(void)state;
	fx.body = "{\"id\":\"cb5f0c\"," TIMES ",\"summary\":\"Coffee\"}";
	assert_int_equal(google->get(&fx.cx, "cb5f0c", &placed, &fx.why), OK);
	assert_line("GET /calendar/v3/calendars/primary/events/cb5f0c?prettyPrint=false&"
		    "fields=id,status,htmlLink,etag,extendedProperties/private HTTP/1.1\r\n");
	assert_int_equal(placed.event.summary.len, 0);
	fx.cx.whole = true;
	assert_int_equal(google->get(&fx.cx, "cb5f0c", &placed, &fx.why), OK);
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
	fx.body = "{\"kind\":\"calendar#events\",\"nextPageToken\":\"Ck/+=\",\"items\":["
		  "{\"id\":\"cb5f0c\"," TIMES ",\"extendedProperties\":{\"private\":"
		  "{\"calbridgeOwner\":\"ow_1\"}}}]}";
	assert_int_equal(google->list(&fx.cx, "ow_1", &EVER, &list, &fx.why), OK);
	assert_line(
		LIST_LINE
		"32&prettyPrint=false&fields=kind,nextPageToken,items(recurringEventId,id,status,"
		"htmlLink,etag,extendedProperties/"
		"private,created,updated,summary,description,location,start,"
		"end,iCalUID,attendeesOmitted,hangoutLink,conferenceData(createRequest/status,"
		"entryPoints(entryPointType,uri)),attendees(email,displayName,responseStatus))"
		" HTTP/1.1\r\n");
	assert_non_null(strstr(fx.head, "\r\nAuthorization: Bearer ya29.access\r\n"));
	assert_int_equal(list.n, 1);
	assert_true(slice_is(list.items[0].id, "cb5f0c"));
	assert_true(slice_is(list.next, "Ck/+="));
}

static void a_list_keeps_to_its_times_and_goes_on_by_page(void **state)
{
	struct event_range range = {.from_ms = 1764687600999, .to_ms = 1764690300001, .max = 7};
	struct placed_list list;

	(void)state;
	fx.body = "{\"kind\":\"calendar#events\"}";
	range.page = SLICE("Ck/+=");
	assert_int_equal(google->list(&fx.cx, "ow_1", &range, &list, &fx.why), OK);
	assert_line(LIST_LINE "7&timeMin=2025-12-02T15%3A00%3A00.999Z&timeMax="
			      "2025-12-02T15%3A45%3A01.000Z&pageToken=Ck%2F%2B%3D&prettyPrint=");
	range.to_ms = 1764690300000;
	assert_int_equal(google->list(&fx.cx, "ow_1", &range, &list, &fx.why), OK);
	assert_non_null(strstr(fx.head, "&timeMax=2025-12-02T15%3A45%3A00.000Z&"));
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
	fx.body = API_ERROR("invalidParameter");
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		fx.status = CASES[i].status;
		fx.headers = CASES[i].headers;
		range.page = slice_of(CASES[i].page);
		assert_int_equal(google->list(&fx.cx, "ow_1", &range, &list, &fx.why),
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
		provider_answers(CASES[i].status, CASES[i].headers, CASES[i].body);
		assert_int_equal(google->drop(&fx.cx, "cb5f0c", i % 2 == 0, &fx.why),
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
	fx.body = "{\"id\":\"cb5f0c\",\"status\":\"confirmed\",\"extendedProperties\":"
		  "{\"private\":{\"calbridge\":\"bk_1\"}}}";
	assert_int_equal(google->get(&fx.cx, "cb5f0c", &placed, &fx.why), OK);
	assert_line("GET /calendar/v3/calendars/primary/events/cb5f0c?prettyPrint=false&fields=");
	assert_true(slice_is(placed.marker, "bk_1"));
	fx.body = "{\"id\":\"cb5f0c\",\"status\":\"cancelled\"}";
	assert_int_equal(google->get(&fx.cx, "cb5f0c", &placed, &fx.why), OK);
	assert_true(placed.cancelled);
	fx.status = "404 Not Found";
	fx.body = API_ERROR("notFound");
	assert_int_equal(google->get(&fx.cx, "cb5f0c", &placed, &fx.why), ERR_GONE);
	fx.headers = "Content-Type: text/html";
	assert_int_equal(google->get(&fx.cx, "cb5f0c", &placed, &fx.why), ERR_UPSTREAM);
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

	return cmocka_run_group_tests(tests, open_google, provider_close);
}
