#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

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

static void a_connection_that_is_missing_or_refused_says_where_to_mend_it(void **state)
{
	(void)state;
	assert_int_equal(status_of(&INVITE, ERR_NO_CONNECTION), 409);
	assert_non_null(strstr(web_answer_body(), "\"requiresAuth\":true,\"connectUrl\":\"" OUR_URL
						  "/dashboard/#connect\""));
	assert_int_equal(status_of(&PLAIN, ERR_REAUTH), 409);
	assert_non_null(strstr(web_answer_body(),
			       "\"requiresReauth\":true,\"connectUrl\":\"" OUR_URL
			       "/dashboard/#connect\""));
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
		TEST(a_401_says_how_to_come_back_and_nothing_of_what_was_wrong),
		TEST(a_browser_gets_a_page_where_browsers_come),
		TEST(a_header_or_place_of_two_lines_is_never_sent),
		TEST(a_redirect_leads_where_it_was_told),
		TEST(the_last_answer_counts_and_headers_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
