#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "model/event.h"
#include "provider/google_json.h"

static struct arena *arena;

static int make_arena(void **state)
{
	(void)state;
	arena = arena_new(4096, 16 * 1024 * 1024);
	return arena ? 0 : -1;
}

static int drop_arena(void **state)
{
	(void)state;
	arena_free(arena);
	arena = NULL;
	return 0;
}

static const struct stamp STAMP = {.marker = "bk_1", .owner = "ow_1"};

/* 2 December 2025, 10:00 to 10:45 in New York */
static struct event coffee(void)
{
	return (struct event){
		.summary = SLICE("Coffee"),
		.start_ms = 1764687600000,
		.end_ms = 1764690300000,
		.time_zone = SLICE("America/New_York"),
	};
}

static const char *inserted(const struct event *event)
{
	struct buf out;

	buf_init(&out, arena, 1024 * 1024);
	google_json_insert(event, "cb5f0c", &STAMP, &out);
	assert_int_equal(buf_error(&out), OK);
	return buf_slice(&out).data;
}

static const char *patched(const struct event *event, unsigned parts)
{
	struct buf out;

	buf_init(&out, arena, 1024 * 1024);
	google_json_patch(event, parts, &out);
	assert_int_equal(buf_error(&out), OK);
	return buf_slice(&out).data;
}

static void an_insert_carries_our_id_marker_and_the_calendars_reminders(void **state)
{
	struct event event = coffee();

	(void)state;
	assert_string_equal(inserted(&event),
			    "{\"id\":\"cb5f0c\",\"summary\":\"Coffee\","
			    "\"start\":{\"dateTime\":\"2025-12-02T10:00:00-05:00\","
			    "\"timeZone\":\"America/New_York\"},"
			    "\"end\":{\"dateTime\":\"2025-12-02T10:45:00-05:00\","
			    "\"timeZone\":\"America/New_York\"},"
			    "\"reminders\":{\"useDefault\":true},"
			    "\"extendedProperties\":{\"private\":{\"calbridge\":\"bk_1\","
			    "\"calbridgeOwner\":\"ow_1\"}}}");
}

static void an_insert_names_guests_and_texts(void **state)
{
	struct attendee guests[] = {{.email = SLICE("m@example.com"), .name = SLICE("Mi\"lan")},
				    {.email = SLICE("n@example.com")}};
	struct event event = coffee();
	const char *text;

	(void)state;
	event.attendees = guests;
	event.n_attendees = 2;
	event.description = SLICE("two\nlines");
	event.location = SLICE("Caf\xc3\xa9");
	text = inserted(&event);
	assert_non_null(strstr(text,
			       "\"attendees\":[{\"email\":\"m@example.com\","
			       "\"displayName\":\"Mi\\\"lan\"},{\"email\":\"n@example.com\"}]"));
	assert_non_null(
		strstr(text, "\"description\":\"two\\nlines\",\"location\":\"Caf\xc3\xa9\""));
}

static void an_hour_that_comes_twice_is_told_apart_by_its_offset(void **state)
{
	struct event event = coffee();

	(void)state;
	event.start_ms = 1762061400000; /* 2 November 2025, 01:30 EDT */
	event.end_ms = event.start_ms + 3600000;
	assert_non_null(strstr(inserted(&event), "2025-11-02T01:30:00-04:00"));
	assert_non_null(strstr(inserted(&event), "2025-11-02T01:30:00-05:00"));
}

static void a_zone_that_nobody_knows_keeps_the_instant(void **state)
{
	struct event event = coffee();

	(void)state;
	event.time_zone = SLICE("Mars/Olympus");
	assert_non_null(strstr(inserted(&event), "{\"dateTime\":\"2025-12-02T15:00:00.000Z\","
						 "\"timeZone\":\"UTC\"}"));
}

static void a_patch_says_by_null_what_is_to_go(void **state)
{
	struct event event = coffee();

	(void)state;
	assert_string_equal(
		patched(&event, EVENT_SUMMARY | EVENT_DESCRIPTION | EVENT_LOCATION | EVENT_TIMES),
		"{\"summary\":\"Coffee\",\"description\":null,\"location\":null,"
		"\"start\":{\"dateTime\":\"2025-12-02T10:00:00-05:00\","
		"\"timeZone\":\"America/New_York\",\"date\":null},"
		"\"end\":{\"dateTime\":\"2025-12-02T10:45:00-05:00\","
		"\"timeZone\":\"America/New_York\",\"date\":null}}");
}

static void a_patch_says_nothing_of_a_part_that_is_not_named(void **state)
{
	struct attendee guests[] = {{.email = SLICE("m@example.com")}};
	struct event event = coffee();

	(void)state;
	event.attendees = guests;
	event.n_attendees = 1;
	assert_string_equal(patched(&event, 0), "{}");
	assert_string_equal(patched(&event, EVENT_SUMMARY), "{\"summary\":\"Coffee\"}");
	assert_string_equal(patched(&event, EVENT_LOCATION), "{\"location\":null}");
	assert_string_equal(patched(&event, EVENT_ATTENDEES),
			    "{\"attendees\":[{\"email\":\"m@example.com\"}]}");
	event.n_attendees = 0;
	assert_string_equal(patched(&event, EVENT_ATTENDEES), "{\"attendees\":[]}");
}

static void an_event_is_read_whatever_stands_beside(void **state)
{
	struct placed placed;

	(void)state;
	assert_int_equal(
		google_json_placed(
			arena,
			SLICE("{ \"kind\": \"calendar#event\",\n \"etag\": \"\\\"3529\\\"\", "
			      "\"x\": [{}],"
			      "\"id\": \"cb5f0c\", \"status\": \"confirmed\", \"htmlLink\":"
			      "\"https://www.google.com/calendar/"
			      "event?eid=abc\",\"extendedProperties\":"
			      "{\"shared\":{\"calbridge\":\"no\"},\"private\":{\"calbridge\":\"bk_"
			      "1\"}}}"),
			&placed, NULL),
		OK);
	assert_true(slice_is(placed.id, "cb5f0c"));
	assert_true(slice_is(placed.etag, "\"3529\""));
	assert_true(slice_is(placed.marker, "bk_1"));
	assert_true(slice_is(placed.html_link, "https://www.google.com/calendar/event?eid=abc"));
	assert_false(placed.cancelled);
}

static void a_deleted_event_has_but_its_id(void **state)
{
	struct placed placed;

	(void)state;
	assert_int_equal(google_json_placed(arena,
					    SLICE("{\"id\":\"a1\",\"status\":\"cancelled\"}"),
					    &placed, NULL),
			 OK);
	assert_true(placed.cancelled);
	assert_int_equal(placed.marker.len, 0);
	assert_int_equal(placed.etag.len, 0);
}

static void what_is_no_event_is_never_a_success(void **state)
{
	static const char *const BODIES[] = {
		"",
		"{}",
		"[]",
		"null",
		"true",
		"\"cb5f0c\"",
		"<!DOCTYPE html><html>Error 502</html>",
		"{\"id\":\"cb5f0c\"",
		"{\"id\":\"cb5f0c\"} trailing",
		"{\"id\":\"\"}",
		"{\"id\":null}",
		"{\"id\":7}",
		"{\"id\":[\"cb5f0c\"]}",
		"{\"id\":\"a\",\"id\":\"b\"}",
		"{\"id\":\"cb5f0c\",\"error\":{\"code\":403}}",
		"{\"id\":\"cb5f0c\",\"error\":null}",
		"{\"error\":\"invalid_grant\"}",
		"{\"id\":\"cb5f0c\",\"etag\":5}",
		"{\"id\":\"cb5f0c\",\"etag\":\"a\\r\\nX-Evil: 1\"}",
		"{\"id\":\"cb5f0c\",\"htmlLink\":{}}",
		"{\"id\":\"cb5f0c\",\"htmlLink\":\"java\\nscript\"}",
		"{\"id\":\"cb5f0c\",\"extendedProperties\":{\"private\":{\"calbridge\":1}}}",
		"\xff\xfe",
	};
	struct placed placed;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(BODIES); i++) {
		enum err e = google_json_placed(arena, slice_of(BODIES[i]), &placed, NULL);

		if (e != ERR_UPSTREAM || placed.id.data)
			fail_msg("%s: %d", BODIES[i], (int)e);
	}
}

static struct grant granted(const char *body)
{
	struct grant grant;

	if (google_json_grant(arena, slice_of(body), &grant, NULL))
		fail_msg("%s", body);
	return grant;
}

static void a_grant_brings_tokens_time_and_scopes(void **state)
{
	struct grant grant = granted("{\"access_token\":\"ya29.a\",\"expires_in\":3599,"
				     "\"refresh_token\":\"1//0g\",\"scope\":\"openid x\","
				     "\"token_type\":\"Bearer\",\"id_token\":\"eyJ\"}");

	(void)state;
	assert_true(slice_is(secret_slice(&grant.access), "ya29.a"));
	assert_true(slice_is(secret_slice(&grant.refresh), "1//0g"));
	assert_true(slice_is(grant.scopes, "openid x"));
	assert_int_equal(grant.expires_in_s, 3599);
	grant_wipe(&grant);
	assert_true(secret_is_empty(&grant.access));
	assert_true(secret_is_empty(&grant.refresh));
}

static void a_refresh_token_that_does_not_come_stays_empty(void **state)
{
	static const char *const BODIES[] = {
		"{\"access_token\":\"a\",\"token_type\":\"bearer\"}",
		"{\"access_token\":\"a\",\"refresh_token\":\"\"}",
		"{\"access_token\":\"a\",\"refresh_token\":null}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(BODIES); i++) {
		struct grant grant = granted(BODIES[i]);

		assert_true(secret_is_empty(&grant.refresh));
		assert_int_equal(grant.scopes.len, 0);
		grant_wipe(&grant);
	}
}

static void a_lifetime_is_whole_seconds_between_one_and_a_day(void **state)
{
	static const struct {
		const char *value;
		int64_t wanted;
	} CASES[] = {
		{"3599", 3599},
		{"\"3600\"", 3600},
		{"3599.9", 3599},
		{"\"3599.9\"", 3599},
		{"0", 1},
		{"-1", 1},
		{"-3600", 1},
		{"\"-5\"", 1},
		{"0.5", 1},
		{"86400", 86400},
		{"86401", 86400},
		{"1764687600000", 86400},
		{"null", 3600},
		{"\"\"", 3600},
		{"\"soon\"", 3600},
		{"true", 3600},
		{"[]", 3600},
		{"1e400", 3600},
		{"99999999999999999999", 3600},
		{"\"1.2.3\"", 3600},
		{"{\"a\":1}", 3600},
	};
	struct grant grant = granted("{\"access_token\":\"a\"}");

	(void)state;
	assert_int_equal(grant.expires_in_s, 3600);
	grant_wipe(&grant);
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		grant = granted(arena_format(arena, "{\"access_token\":\"a\",\"expires_in\":%s}",
					     CASES[i].value));
		if (grant.expires_in_s != CASES[i].wanted)
			fail_msg("%s: %lld", CASES[i].value, (long long)grant.expires_in_s);
		grant_wipe(&grant);
	}
}

static void what_is_no_grant_gives_no_token(void **state)
{
	static const char *const BODIES[] = {
		"",
		"{}",
		"[\"a\"]",
		"<html>",
		"{\"access_token\":\"a\"",
		"{\"access_token\":\"\"}",
		"{\"access_token\":null}",
		"{\"access_token\":1}",
		"{\"access_token\":\"a b\"}",
		"{\"access_token\":\"a\\r\\nX-Evil: 1\"}",
		"{\"access_token\":\"a\\u00e4\"}",
		"{\"access_token\":\"a\",\"refresh_token\":7}",
		"{\"access_token\":\"a\",\"refresh_token\":\"b\\u0000c\"}",
		"{\"access_token\":\"a\",\"token_type\":\"mac\"}",
		"{\"access_token\":\"a\",\"token_type\":1}",
		"{\"access_token\":\"a\",\"error\":\"invalid_grant\"}",
		"{\"access_token\":\"a\",\"access_token\":\"b\"}",
	};
	struct grant grant;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(BODIES); i++) {
		enum err e = google_json_grant(arena, slice_of(BODIES[i]), &grant, NULL);

		if (e != ERR_UPSTREAM || grant.access.data || grant.refresh.data)
			fail_msg("%s: %d", BODIES[i], (int)e);
	}
}

static void a_token_is_as_long_as_it_may_be_and_no_longer(void **state)
{
	static char token[SECRET_BYTES_MAX + 2];
	struct grant grant;
	const char *body;

	(void)state;
	memset(token, 'x', SECRET_BYTES_MAX);
	grant = granted(arena_format(arena, "{\"access_token\":\"%s\"}", token));
	assert_int_equal(secret_slice(&grant.access).len, SECRET_BYTES_MAX);
	grant_wipe(&grant);
	token[SECRET_BYTES_MAX] = 'x';
	body = arena_format(arena, "{\"access_token\":\"%s\"}", token);
	assert_int_equal(google_json_grant(arena, slice_of(body), &grant, NULL), ERR_UPSTREAM);
}

static void an_account_is_known_by_id_or_sub(void **state)
{
	struct account account;

	(void)state;
	assert_int_equal(google_json_account(arena,
					     SLICE("{\"id\":\"1098\",\"email\":\"a@b.example\"}"),
					     &account, NULL),
			 OK);
	assert_true(slice_is(account.id, "1098"));
	assert_true(slice_is(account.email, "a@b.example"));
	assert_int_equal(google_json_account(arena, SLICE("{\"sub\":\"1099\"}"), &account, NULL),
			 OK);
	assert_true(slice_is(account.id, "1099"));
	assert_int_equal(account.email.len, 0);
}

static void what_names_no_account_is_refused(void **state)
{
	static const char *const BODIES[] = {
		"",
		"{}",
		"[]",
		"{\"id\":1098}",
		"{\"id\":\"\"}",
		"{\"id\":null,\"sub\":\"1\"}",
		"{\"id\":\"1 2\"}",
		"{\"email\":\"a@b.example\"}",
		"{\"id\":\"1\",\"email\":\"a@b,c@d\"}",
		"{\"id\":\"1\",\"email\":[]}",
		"{\"id\":\"1\",\"error\":{}}",
	};
	struct account account;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(BODIES); i++) {
		enum err e = google_json_account(arena, slice_of(BODIES[i]), &account, NULL);

		if (e != ERR_UPSTREAM || account.id.data)
			fail_msg("%s: %d", BODIES[i], (int)e);
	}
}

#define API(reason)                                                                                \
	"{\"error\":{\"errors\":[{\"domain\":\"global\",\"reason\":\"" reason                      \
	"\",\"message\":\"x\"}],\"code\":400,\"message\":\"x\"}}"
#define OAUTH(reason) "{\"error\":\"" reason "\",\"error_description\":\"Bad Request\"}"

enum { TOKENS = GOOGLE_EXCHANGE | GOOGLE_REFRESH, EVENTS = GOOGLE_READ | GOOGLE_WRITE };

struct refused {
	unsigned calls; /* each of them */
	int status;
	const char *body;
	enum err wanted;
	unsigned pause_s;
};

/* clang-format off */
static const struct refused REFUSALS[] = {
	/* user, application and weather are three different things */
	{ GOOGLE_REFRESH,  400, OAUTH("invalid_grant"),          ERR_REAUTH,        0 },
	{ GOOGLE_REFRESH,  400, "{\"error\":\"invalid_grant\",\"error_subtype\":\"invalid_rapt\"}",
	                                                         ERR_REAUTH,        0 },
	{ GOOGLE_EXCHANGE, 400, OAUTH("invalid_grant"),          ERR_REFUSED,       0 },
	{ TOKENS,          401, OAUTH("invalid_client"),         ERR_MISCONFIGURED, 0 },
	{ TOKENS,          400, OAUTH("invalid_client"),         ERR_MISCONFIGURED, 0 },
	{ TOKENS,          400, OAUTH("unauthorized_client"),    ERR_MISCONFIGURED, 0 },
	{ GOOGLE_EXCHANGE, 400, OAUTH("redirect_uri_mismatch"),  ERR_MISCONFIGURED, 0 },
	{ TOKENS,          400, OAUTH("invalid_request"),        ERR_REFUSED,       0 },
	{ TOKENS,          400, OAUTH("invalid_scope"),          ERR_REFUSED,       0 },
	{ TOKENS,          400, OAUTH("unsupported_grant_type"), ERR_REFUSED,       0 },
	{ TOKENS,          500, OAUTH("invalid_grant"),          ERR_UPSTREAM,      0 },
	{ TOKENS,          503, "",                              ERR_UPSTREAM,      0 },
	{ TOKENS,          400, "",                              ERR_UPSTREAM,      0 },
	{ TOKENS,          401, "",                              ERR_UPSTREAM,      0 },
	{ TOKENS,          400, "{}",                            ERR_UPSTREAM,      0 },
	{ TOKENS,          400, "{\"error\":\"\"}",              ERR_UPSTREAM,      0 },
	{ TOKENS,          400, "{\"error\":\"invalid_grant\"",  ERR_UPSTREAM,      0 },
	{ TOKENS,          408, "",                              ERR_UPSTREAM,      0 },
	{ TOKENS,          429, "",                              ERR_THROTTLED,    30 },
	{ TOKENS,          302, "",                              ERR_UPSTREAM,      0 },

	{ GOOGLE_REVOKE,   400, OAUTH("invalid_token"),          OK,                0 },
	{ GOOGLE_REVOKE,   400, OAUTH("invalid_grant"),          OK,                0 },
	{ GOOGLE_REVOKE,   400, OAUTH("invalid_request"),        ERR_REFUSED,       0 },
	{ GOOGLE_REVOKE,   400, "",                              ERR_UPSTREAM,      0 },
	{ GOOGLE_REVOKE,   503, OAUTH("invalid_token"),          ERR_UPSTREAM,      0 },

	/* 403 has many meanings */
	{ EVENTS, 403, API("rateLimitExceeded"),                 ERR_THROTTLED,    30 },
	{ EVENTS, 403, API("userRateLimitExceeded"),             ERR_THROTTLED,    30 },
	{ EVENTS, 403, API("quotaExceeded"),                     ERR_THROTTLED,  3600 },
	{ EVENTS, 429, API("rateLimitExceeded"),                 ERR_THROTTLED,    30 },
	{ EVENTS, 429, "",                                       ERR_THROTTLED,    30 },
	{ EVENTS, 403, API("insufficientPermissions"),           ERR_SCOPE_MISSING, 0 },
	{ EVENTS, 403, "{\"error\":{\"code\":403,\"status\":\"PERMISSION_DENIED\",\"details\":"
	               "[{\"@type\":\"x\"},{\"reason\":\"ACCESS_TOKEN_SCOPE_INSUFFICIENT\"}]}}",
	                                                         ERR_SCOPE_MISSING, 0 },
	{ EVENTS, 403, API("accessNotConfigured"),               ERR_MISCONFIGURED, 0 },
	{ EVENTS, 403, API("forbidden"),                         ERR_REFUSED,       0 },
	{ EVENTS, 403, API("forbiddenForNonOrganizer"),          ERR_REFUSED,       0 },
	{ EVENTS, 403, API("notACalendarUser"),                  ERR_REFUSED,       0 },
	{ EVENTS, 403, "{\"error\":{\"code\":403,\"status\":\"PERMISSION_DENIED\"}}",
	                                                         ERR_REFUSED,       0 },
	{ EVENTS, 403, "",                                       ERR_UPSTREAM,      0 },

	{ EVENTS, 400, API("invalid"),                           ERR_REFUSED,       0 },
	{ EVENTS, 400, "",                                       ERR_UPSTREAM,      0 },
	{ EVENTS, 401, API("authError"),                         ERR_TOKEN,         0 },
	{ EVENTS, 401, "",                                       ERR_TOKEN,         0 },
	{ EVENTS, 404, API("notFound"),                          ERR_GONE,          0 },
	{ EVENTS, 410, API("deleted"),                           ERR_GONE,          0 },
	{ EVENTS, 404, "",                                       ERR_UPSTREAM,      0 },
	{ EVENTS, 410, "<html>",                                 ERR_UPSTREAM,      0 },
	{ EVENTS, 409, API("duplicate"),                         ERR_DUPLICATE,     0 },
	{ EVENTS, 409, API("conflict"),                          ERR_UPSTREAM,      0 },
	{ EVENTS, 412, API("conditionNotMet"),                   ERR_STALE,         0 },
	{ EVENTS, 418, API("teapot"),                            ERR_REFUSED,       0 },
	{ EVENTS, 500, API("backendError"),                      ERR_UPSTREAM,      0 },
	{ EVENTS, 503, "",                                       ERR_UPSTREAM,      0 },
	{ EVENTS, 301, "",                                       ERR_UPSTREAM,      0 },
	{ EVENTS, 101, "",                                       ERR_UPSTREAM,      0 },
	{ EVENTS, 600, API("notFound"),                          ERR_UPSTREAM,      0 },

	{ GOOGLE_DROP, 404, API("notFound"),                     OK,                0 },
	{ GOOGLE_DROP, 410, API("deleted"),                      OK,                0 },
	{ GOOGLE_DROP, 404, "",                                  ERR_UPSTREAM,      0 },
	{ GOOGLE_DROP, 401, "",                                  ERR_TOKEN,         0 },
	{ GOOGLE_DROP, 403, API("forbidden"),                    ERR_REFUSED,       0 },
};
/* clang-format on */

static void a_refusal_is_judged_by_status_and_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(REFUSALS); i++) {
		const struct refused *r = &REFUSALS[i];

		for (unsigned call = 1; call <= GOOGLE_DROP; call *= 2) {
			struct fail why = {0};
			enum err e;

			if (!(r->calls & call))
				continue;
			e = google_json_refusal(arena, (enum google_call)call, r->status,
						slice_of(r->body), &why);
			if (e != r->wanted || why.retry_after_s != r->pause_s)
				fail_msg("call %u, %d %s: %s", call, r->status, r->body,
					 err_code(e));
		}
	}
}

static void a_pause_that_google_names_is_kept(void **state)
{
	struct fail why = {.retry_after_s = 7};

	(void)state;
	assert_int_equal(
		google_json_refusal(arena, GOOGLE_WRITE, 403, SLICE(API("quotaExceeded")), &why),
		ERR_THROTTLED);
	assert_int_equal(why.retry_after_s, 7);
	assert_int_equal(google_json_refusal(arena, GOOGLE_WRITE, 429, SLICE(""), NULL),
			 ERR_THROTTLED);
}

static void only_words_of_a_refusal_reach_the_log(void **state)
{
	static const struct {
		const char *body;
		const char *wanted;
	} CASES[] = {
		{API("quotaExceeded"), "google 403 quotaExceeded"},
		{OAUTH("1//0gCANARY"), "google 403 -"},
		{API("a@b.example"), "google 403 -"},
		{API("abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"), "google 403 -"},
		{"<html>CANARY</html>", "google 403 -"},
		{"", "google 403 -"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		struct fail why = {0};

		assert_int_not_equal(google_json_refusal(arena, GOOGLE_WRITE, 403,
							 slice_of(CASES[i].body), &why),
				     OK);
		assert_string_equal(why.detail, CASES[i].wanted);
	}
}

static void a_success_without_a_result_has_no_page_in_it(void **state)
{
	(void)state;
	assert_int_equal(google_json_done(arena, SLICE(""), NULL), OK);
	assert_int_equal(google_json_done(arena, SLICE("{}"), NULL), OK);
	assert_int_equal(google_json_done(arena, SLICE("<html>"), NULL), ERR_UPSTREAM);
	assert_int_equal(google_json_done(arena, SLICE("{\"error\":{}}"), NULL), ERR_UPSTREAM);
	assert_int_equal(google_json_done(arena, SLICE("OK"), NULL), ERR_UPSTREAM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_insert_carries_our_id_marker_and_the_calendars_reminders),
		cmocka_unit_test(an_insert_names_guests_and_texts),
		cmocka_unit_test(an_hour_that_comes_twice_is_told_apart_by_its_offset),
		cmocka_unit_test(a_zone_that_nobody_knows_keeps_the_instant),
		cmocka_unit_test(a_patch_says_by_null_what_is_to_go),
		cmocka_unit_test(a_patch_says_nothing_of_a_part_that_is_not_named),
		cmocka_unit_test(an_event_is_read_whatever_stands_beside),
		cmocka_unit_test(a_deleted_event_has_but_its_id),
		cmocka_unit_test(what_is_no_event_is_never_a_success),
		cmocka_unit_test(a_grant_brings_tokens_time_and_scopes),
		cmocka_unit_test(a_refresh_token_that_does_not_come_stays_empty),
		cmocka_unit_test(a_lifetime_is_whole_seconds_between_one_and_a_day),
		cmocka_unit_test(what_is_no_grant_gives_no_token),
		cmocka_unit_test(a_token_is_as_long_as_it_may_be_and_no_longer),
		cmocka_unit_test(an_account_is_known_by_id_or_sub),
		cmocka_unit_test(what_names_no_account_is_refused),
		cmocka_unit_test(a_refusal_is_judged_by_status_and_reason),
		cmocka_unit_test(a_pause_that_google_names_is_kept),
		cmocka_unit_test(only_words_of_a_refusal_reach_the_log),
		cmocka_unit_test(a_success_without_a_result_has_no_page_in_it),
	};

	return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
