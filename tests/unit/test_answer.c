#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "model/connect_link.h"
#include "tests/unit/web_fixture.h"

#define REQUEST_ID "\"requestId\":\"0123456789abcdef0123456789abcdef\""

static const struct route PLAIN = {.path = "/", .family = FAMILY_PLAIN};
static const struct route INVITE = {.path = "/", .family = FAMILY_INVITE};
static const struct route PAGE = {.path = "/", .family = FAMILY_PAGE};

static struct answer an = {.out = &fx.out};

static void answer_as(const struct route *route, enum err e, const struct fail *why)
{
	struct request *rq = web_request();

	rq->route = route;
	answer_error(&an, rq, e, why);
}

/* On a fresh answer. */
static int status_of(const struct route *route, enum err e)
{
	struct fail why = {0};

	web_begin("GET", "/");
	answer_as(route, e, &why);
	return fx.out.status;
}

static void an_error_has_its_text_its_word_and_the_request(void **state)
{
	(void)state;
	answer_as(&PLAIN, ERR_NOT_FOUND, NULL);
	assert_int_equal(fx.out.status, 404);
	assert_string_equal(fx.out.content_type, "application/json");
	assert_string_equal(web_answer_body(),
			    "{\"error\":\"Not found\",\"code\":\"not_found\"," REQUEST_ID "}");
	assert_int_equal(fx.out.headers.len, 0);
}

static void every_error_has_its_own_status_outside_the_invite(void **state)
{
	(void)state;
	for (enum err e = ERR_MALFORMED; e < ERR_COUNT; e++) {
		assert_int_equal(status_of(&PLAIN, e), err_status(e));
		assert_true(web_answer_is("code", err_code(e)));
		assert_int_equal(status_of(NULL, e), err_status(e));
	}
}

static void the_invite_answers_500_for_whatever_fails_behind_it(void **state)
{
	static const enum err OWN[] = {
		ERR_MALFORMED, ERR_FIELDS,     ERR_BAD_REQUEST, ERR_NO_CREDENTIAL,
		ERR_FORBIDDEN, ERR_CSRF,       ERR_NOT_FOUND,   ERR_METHOD,
		ERR_TOO_LARGE, ERR_MEDIA_TYPE, ERR_KEY_REUSED,  ERR_NO_CONNECTION,
		ERR_REAUTH,    ERR_RUNNING,    ERR_TOO_MANY,
	};
	static const enum err MASKED[] = {
		ERR_THROTTLED,     ERR_UPSTREAM, ERR_UPSTREAM_SLOW, ERR_UNREACHABLE,
		ERR_DEADLINE,      ERR_DB,       ERR_DB_UNSURE,     ERR_BUSY,
		ERR_MISCONFIGURED, ERR_REFUSED,  ERR_ID_TAKEN,      ERR_SEALED,
		ERR_CONFIG,        ERR_TOO_LONG, ERR_NOMEM,         ERR_INTERNAL,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(OWN); i++)
		assert_int_equal(status_of(&INVITE, OWN[i]), err_status(OWN[i]));
	for (size_t i = 0; i < ARRAY_LEN(MASKED); i++) {
		assert_int_equal(status_of(&INVITE, MASKED[i]), 500);
		assert_true(web_answer_is("error", "Failed to create calendar invite"));
		assert_true(web_answer_is("code", err_code(MASKED[i])));
	}
}

static void the_precise_time_to_wait_is_told_where_known(void **state)
{
	struct fail why = {.retry_after_s = 42};

	(void)state;
	answer_as(&INVITE, ERR_THROTTLED, &why);
	assert_int_equal(fx.out.status, 500);
	assert_string_equal(web_answered("Retry-After"), "42");
	status_of(&INVITE, ERR_UPSTREAM);
	assert_null(web_answered("Retry-After"));
	status_of(&PLAIN, ERR_DB);
	assert_string_equal(web_answered("Retry-After"), "1");
	status_of(&PLAIN, ERR_TOO_MANY);
	assert_string_equal(web_answered("Retry-After"), "1");
	status_of(&PLAIN, ERR_RUNNING);
	assert_string_equal(web_answered("Retry-After"), "1");
	status_of(&PLAIN, ERR_UPSTREAM);
	assert_null(web_answered("Retry-After"));
}

static void bad_fields_are_listed(void **state)
{
	struct fail why = {0};

	(void)state;
	assert_int_equal(fail_field(&why, "slot", "is \"bad\""), ERR_FIELDS);
	assert_int_equal(fail_field(&why, "title", "is required"), ERR_FIELDS);
	answer_as(&PLAIN, ERR_FIELDS, &why);
	assert_string_equal(web_answer_body(),
			    "{\"error\":\"Some fields are missing or not valid\","
			    "\"code\":\"invalid_fields\"," REQUEST_ID ",\"fields\":["
			    "{\"field\":\"slot\",\"reason\":\"is \\\"bad\\\"\"},"
			    "{\"field\":\"title\",\"reason\":\"is required\"}]}");
	why.reason = "slot, title, and durationMinutes are required";
	answer_as(&INVITE, ERR_FIELDS, &why);
	assert_true(web_answer_is("error", "slot, title, and durationMinutes are required"));
}

/* What the link of the answer's connectUrl says. */
static struct connect_link told_link(const char *flag)
{
	char before[80];
	struct connect_link link;
	struct slice rest;
	const char *at;

	snprintf(before, sizeof(before), "\"%s\":true,\"connectUrl\":\"" OUR_URL "/connect/", flag);
	at = strstr(web_answer_body(), before);
	assert_non_null(at);
	rest = slice_of(at + strlen(before));
	assert_int_equal(connect_link_read(fx.svc.ring, slice_cut(&rest, '"'), fx.arena, &link),
			 OK);
	assert_in_range(link.expires_ms, clock_now_ms() + 86390 * 1000, clock_now_ms() + 86400000);
	return link;
}

static struct request *request_of(enum caller_kind kind, const char *owner)
{
	struct request *rq = web_request();

	rq->caller.kind = kind;
	rq->caller.tenant = web_tenant("default");
	rq->target.owner.external_id = slice_of(owner);
	rq->target.connection.id = web_tenant("connection");
	return rq;
}

static void a_connection_that_is_missing_or_refused_says_where_to_mend_it(void **state)
{
	struct request *rq = request_of(CALLER_KEY, "coach-1");
	struct connect_link link;

	(void)state;
	rq->target.owner.id = web_tenant("owner");
	answer_error(&an, rq, ERR_NO_CONNECTION, NULL);
	link = told_link("requiresAuth");
	assert_true(id_equal(&link.tenant, &rq->caller.tenant));
	assert_true(id_equal(&link.owner, &rq->target.owner.id));
	assert_true(id_is_none(&link.connection));
	answer_error(&an, rq, ERR_REAUTH, NULL);
	link = told_link("requiresReauth");
	assert_true(id_equal(&link.owner, &rq->target.owner.id));
	assert_true(id_equal(&link.connection, &rq->target.connection.id));
}

static void who_has_no_row_is_named_as_the_client_application_does(void **state)
{
	struct request *rq = request_of(CALLER_KEY, "coach-1");
	struct connect_link link;

	(void)state;
	answer_error(&an, rq, ERR_NO_CONNECTION, NULL);
	link = told_link("requiresAuth");
	assert_true(id_is_none(&link.owner) && slice_is(link.external_id, "coach-1"));
	rq = request_of(CALLER_TOKEN, NULL);
	rq->caller.external_id = SLICE("coach-2");
	answer_error(&an, rq, ERR_NO_CONNECTION, NULL);
	assert_true(slice_is(told_link("requiresAuth").external_id, "coach-2"));
}

static void who_may_not_speak_for_the_owner_gets_no_link(void **state)
{
	struct request *rq = request_of(CALLER_DEMO, "coach-1");

	(void)state;
	rq->target.owner.id = web_tenant("owner");
	for (enum err e = ERR_NO_CONNECTION; e <= ERR_REAUTH; e++) {
		answer_error(&an, rq, e, NULL);
		assert_true(web_answer_is("connectUrl", OUR_URL "/dashboard/#connect"));
	}
}

static void a_401_says_how_to_come_back_and_nothing_of_what_was_wrong(void **state)
{
	struct fail why = {.reason = "almost right"};

	(void)state;
	snprintf(why.detail, sizeof(why.detail), "expired");
	answer_as(&PLAIN, ERR_NO_CREDENTIAL, &why);
	assert_string_equal(web_answered("WWW-Authenticate"), "Bearer realm=\"calbridge\"");
	assert_string_equal(web_answer_body(), "{\"error\":\"Valid credentials are required\","
					       "\"code\":\"unauthorized\"," REQUEST_ID "}");
}

static void a_browser_gets_a_page_where_browsers_come(void **state)
{
	struct fail why = {.reason = "<script>&\"'"};

	(void)state;
	web_param("HTTP_ACCEPT", "text/html,*/*;q=0.8");
	answer_as(&PAGE, ERR_BAD_STATE, &why);
	assert_int_equal(fx.out.status, 400);
	assert_string_equal(fx.out.content_type, "text/html; charset=utf-8");
	assert_non_null(strstr(web_answer_body(), "<p>&lt;script&gt;&amp;&quot;&#39;</p>"));
	assert_non_null(strstr(web_answer_body(), "0123456789abcdef0123456789abcdef"));
	assert_null(strstr(web_answer_body(), "<script"));
	answer_as(&PLAIN, ERR_BAD_STATE, &why);
	assert_string_equal(fx.out.content_type, "application/json");
	web_begin("GET", "/");
	answer_as(&PAGE, ERR_BAD_STATE, &why);
	assert_string_equal(fx.out.content_type, "application/json");
}

static void a_header_or_place_of_two_lines_is_never_sent(void **state)
{
	(void)state;
	answer_redirect(&an, SLICE("https://x.test/\r\nSet-Cookie: a=b"));
	assert_int_equal(buf_error(&fx.out.headers), ERR_INTERNAL);
	web_begin("GET", "/");
	answer_header(&an, "X-A", SLICE("a\nb"));
	assert_int_equal(buf_error(&fx.out.headers), ERR_INTERNAL);
	web_begin("GET", "/");
	answer_cookie(&an, "a", SLICE("b\rc"), 1);
	assert_int_equal(buf_error(&fx.out.headers), ERR_INTERNAL);
	web_begin("GET", "/");
	answer_cookie(&an, "a", SLICE("b; Domain=x"), 1);
	assert_int_equal(buf_error(&fx.out.headers), ERR_INTERNAL);
}

static void a_redirect_leads_where_it_was_told(void **state)
{
	(void)state;
	answer_redirect(&an, SLICE("https://x.test/?a=b&c=%20"));
	assert_int_equal(fx.out.status, 302);
	assert_string_equal(web_answered("Location"), "https://x.test/?a=b&c=%20");
	assert_null(fx.out.content_type);
	web_begin("POST", "/");
	answer_see_other(&an, SLICE("https://x.test/?a=b&c=%20"));
	assert_int_equal(fx.out.status, 303);
	assert_string_equal(web_answered("Location"), "https://x.test/?a=b&c=%20");
}

static void the_last_answer_counts_and_headers_add_up(void **state)
{
	(void)state;
	answer_header(&an, "X-A", SLICE("1"));
	json_open(answer_json(&an, 200), NULL);
	buf_add_text(answer_text(&an, 201, "text/plain"), "late");
	answer_header(&an, "X-B", SLICE("2"));
	assert_int_equal(fx.out.status, 201);
	assert_string_equal(web_answer_body(), "late");
	assert_string_equal(web_answered("X-A"), "1");
	assert_string_equal(web_answered("X-B"), "2");
	answer_empty(&an, 204);
	assert_null(fx.out.content_type);
	assert_int_equal(fx.out.body.len, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, web_make, web_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_error_has_its_text_its_word_and_the_request),
		TEST(every_error_has_its_own_status_outside_the_invite),
		TEST(the_invite_answers_500_for_whatever_fails_behind_it),
		TEST(the_precise_time_to_wait_is_told_where_known),
		TEST(bad_fields_are_listed),
		TEST(a_connection_that_is_missing_or_refused_says_where_to_mend_it),
		TEST(who_has_no_row_is_named_as_the_client_application_does),
		TEST(who_may_not_speak_for_the_owner_gets_no_link),
		TEST(a_401_says_how_to_come_back_and_nothing_of_what_was_wrong),
		TEST(a_browser_gets_a_page_where_browsers_come),
		TEST(a_header_or_place_of_two_lines_is_never_sent),
		TEST(a_redirect_leads_where_it_was_told),
		TEST(the_last_answer_counts_and_headers_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
