#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/log.h"
#include "tests/unit/web_fixture.h"
#include "web/metrics.h"

enum { CEILING = 100 };

/* What the handlers below saw and do. */
static struct {
	unsigned calls;
	struct slice title;
	enum err e;
} handled;

static enum err answer_ok(struct request *rq, struct answer *an, struct fail *why)
{
	struct json_writer *json = answer_json(an, 200);

	(void)why;
	handled.calls++;
	handled.title = json_text(rq->body, "title");
	json_open(json, NULL);
	json_add_string(json, "ok", "yes");
	json_close(json);
	return OK;
}

static enum err answer_and_fail(struct request *rq, struct answer *an, struct fail *why)
{
	answer_header(an, "X-Half", SLICE("done"));
	answer_ok(rq, an, why);
	why->retry_after_s = 7;
	return fail_set(why, handled.e, "a detail for the log");
}

static enum err answer_header_of_two_lines(struct request *rq, struct answer *an, struct fail *why)
{
	answer_header(an, "X-Bad", SLICE("a\r\nSet-Cookie: b=c"));
	return answer_ok(rq, an, why);
}

static enum err answer_too_much(struct request *rq, struct answer *an, struct fail *why)
{
	char block[4096];

	memset(block, 'x', sizeof(block));
	answer_ok(rq, an, why);
	for (unsigned i = 0; i < 1025; i++)
		buf_add(&an->out->body, block, sizeof(block));
	return OK;
}

static enum err answer_the_form(struct request *rq, struct answer *an, struct fail *why)
{
	struct slice value;
	enum err e = request_form(rq, "a", 16, &value, why);

	if (!e)
		buf_add_slice(answer_text(an, 200, "text/plain"), value);
	return e;
}

/* clang-format off */
static const struct route ROUTES[] = {
	{ "POST", "/json", "json", answer_ok, FAMILY_PLAIN, BY_KEY | BY_TOKEN | BY_SESSION, SCOPE_EVENTS, ITS_BODYS_HOST, CEILING, "0", false },
	{ "POST", "/events", "events", answer_ok, FAMILY_PLAIN, BY_KEY, SCOPE_EVENTS, ITS_HEADERS_INSTRUCTOR, CEILING, "0", false },
	{ "GET", "/open", "open", answer_ok, FAMILY_PLAIN, BY_NOBODY, 0, ITS_NOBODYS, 0, "0", false },
	{ "POST", "/open", "open_post", answer_ok, FAMILY_PLAIN, BY_NOBODY, 0, ITS_NOBODYS, CEILING, "0", false },
	{ "GET", "/fails", "fails", answer_and_fail, FAMILY_PLAIN, BY_NOBODY, 0, ITS_NOBODYS, 0, "0", false },
	{ "GET", "/lines", "lines", answer_header_of_two_lines, FAMILY_PLAIN, BY_NOBODY, 0, ITS_NOBODYS, 0, "0", false },
	{ "GET", "/much", "much", answer_too_much, FAMILY_PLAIN, BY_NOBODY, 0, ITS_NOBODYS, 0, "0", false },
	{ "POST", "/form", "form", answer_the_form, FAMILY_PAGE, BY_NOBODY, 0, ITS_NOBODYS, CEILING, "0", false },
	{ "GET", "/session", "session", answer_ok, FAMILY_PLAIN, BY_SESSION, 0, ITS_CALLERS, 0, "0", false },
};
/* clang-format on */

static int make(void **state)
{
	handled.calls = 0;
	return web_make(state);
}

static int serve(void)
{
	return web_serve(ROUTES, ARRAY_LEN(ROUTES));
}

static void begin_json(const char *type, const char *body)
{
	web_begin("POST", "/json");
	web_param("HTTP_X_API_KEY", KEY);
	web_body(type, body);
}

#define GOOD_BODY "{\"title\":\"t\",\"hostId\":\"coach-1\"}"
#define LONG_BODY                                                                                  \
	"0123456789012345678901234567890123456789012345678901234567890123456789"                   \
	"0123456789012345678901234567890"

static void a_good_request_reaches_its_handler(void **state)
{
	(void)state;
	begin_json("application/json", GOOD_BODY);
	assert_int_equal(serve(), 200);
	assert_true(web_answer_is("ok", "yes"));
	assert_true(slice_is(handled.title, "t"));
	assert_string_equal(fx.out.content_type, "application/json");
	assert_false(fx.out.head);
}

/* Each request has all the faults that come later, too. */
static void the_checks_come_in_their_order(void **state)
{
	(void)state;
	web_begin("PUT", "/nowhere");
	web_body("text/plain", LONG_BODY);
	assert_int_equal(serve(), 404);
	web_begin("PUT", "/json");
	web_body("text/plain", LONG_BODY);
	assert_int_equal(serve(), 405);
	web_begin("POST", "/json");
	web_body("text/plain", LONG_BODY);
	assert_int_equal(serve(), 413);
	web_begin("POST", "/json");
	web_param("HTTP_X_API_KEY", "wrong");
	web_body("text/plain", "{");
	assert_int_equal(serve(), 401);
	fx.tables.key.scopes = SCOPE_CONNECTORS;
	begin_json("text/plain", "{");
	assert_int_equal(serve(), 403);
	fx.tables.key.scopes = SCOPE_EVENTS;
	begin_json("text/plain", "{");
	assert_int_equal(serve(), 415);
	begin_json("application/json", "{");
	assert_int_equal(serve(), 400);
	assert_int_equal(handled.calls, 0);
}

static void a_body_is_json_in_utf8_and_nothing_else(void **state)
{
	static const char *const GOOD[] = {
		"application/json",   "application/json; charset=utf-8",
		"Application/JSON",   "application/json;charset=UTF-8",
		" application/json ", "application/json; charset=\"utf-8\"",
	};
	static const char *const BAD[] = {
		"text/json",
		"text/plain",
		"",
		"application/json; charset=utf-16",
		"application/json; charset=latin1",
		"application/json; boundary=x",
		"application/jsonp",
		"application/json, text/plain",
		"application/x-www-form-urlencoded",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(GOOD); i++) {
		begin_json(GOOD[i], GOOD_BODY);
		assert_int_equal(serve(), 200);
	}
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
		begin_json(BAD[i], GOOD_BODY);
		assert_int_equal(serve(), 415);
		assert_true(web_answer_is("code", "unsupported_media_type"));
	}
	begin_json(NULL, GOOD_BODY);
	assert_int_equal(serve(), 415);
}

static void malformed_json_is_told_with_its_place(void **state)
{
	(void)state;
	begin_json("application/json", "{\"a\":1,\"a\":2}");
	assert_int_equal(serve(), 400);
	assert_string_equal(web_answer_body(),
			    "{\"error\":\"duplicate member\",\"code\":\"malformed_json\","
			    "\"requestId\":\"0123456789abcdef0123456789abcdef\",\"offset\":7}");
	begin_json("application/json", "");
	assert_int_equal(serve(), 400);
	begin_json("application/json", "[]");
	assert_int_equal(serve(), 400);
}

static void a_broken_body_outranks_the_host_that_it_might_have_named(void **state)
{
	(void)state;
	fx.config.demo_host_id = NULL;
	begin_json("application/json", "{\"hostId\":");
	assert_int_equal(serve(), 400);
	assert_true(web_answer_is("code", "malformed_json"));
	begin_json("application/json", "{}");
	assert_int_equal(serve(), 400);
	assert_true(web_answer_is("code", "invalid_fields"));
}

static void begin_event(const char *instructor, const char *type, const char *body)
{
	web_begin("POST", "/events");
	web_param("HTTP_X_API_KEY", KEY);
	if (instructor)
		web_param("HTTP_X_INSTRUCTOR_ID", instructor);
	web_body(type, body);
}

static void an_instructor_is_made_by_a_request_of_the_right_form_alone(void **state)
{
	(void)state;
	begin_event("coach-9", "text/plain", GOOD_BODY);
	assert_int_equal(serve(), 415);
	begin_event("coach-9", "application/json", "{");
	assert_int_equal(serve(), 400);
	assert_int_equal(fx.tables.owners_put, 0);
	begin_event("coach-9", "application/json", GOOD_BODY);
	assert_int_equal(serve(), 200);
	assert_int_equal(fx.tables.owners_put, 1);
}

static void a_broken_body_outranks_the_instructor_who_is_missing(void **state)
{
	(void)state;
	begin_event(NULL, "text/plain", GOOD_BODY);
	assert_int_equal(serve(), 415);
	begin_event(NULL, "application/json", "{");
	assert_true(serve() == 400 && web_answer_is("code", "malformed_json"));
	begin_event(NULL, "application/json", GOOD_BODY);
	assert_true(serve() == 400 && web_answer_is("code", "bad_request"));
	assert_int_equal(handled.calls, 0);
}

static void a_body_at_the_ceiling_is_read(void **state)
{
	char body[CEILING + 2] = "{\"title\":\"t\",\"hostId\":\"coach-1\"}";

	(void)state;
	memset(body + strlen(body), ' ', CEILING - strlen(body));
	begin_json("application/json", body);
	assert_int_equal(serve(), 200);
	body[CEILING] = ' ';
	begin_json("application/json", body);
	assert_int_equal(serve(), 413);
}

static void a_call_without_a_body_needs_no_type_and_ignores_one(void **state)
{
	(void)state;
	web_begin("GET", "/open");
	assert_int_equal(serve(), 200);
	web_begin("GET", "/open");
	web_body("text/plain", LONG_BODY);
	assert_int_equal(serve(), 200);
	assert_null(handled.title.data);
}

static void head_is_answered_like_get_without_its_body(void **state)
{
	size_t len;

	(void)state;
	web_begin("GET", "/open?x=1");
	assert_int_equal(serve(), 200);
	len = fx.out.body.len;
	web_begin("HEAD", "/open?x=1");
	assert_int_equal(serve(), 200);
	assert_true(fx.out.head);
	assert_int_equal(fx.out.body.len, len);
}

static void another_method_is_405_with_allow(void **state)
{
	static const char *const METHODS[] = {"TRACE", "PUT", "OPTIONS", "FOO", "get"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(METHODS); i++) {
		web_begin(METHODS[i], "/open");
		assert_int_equal(serve(), 405);
		assert_string_equal(web_answered("Allow"), "GET, HEAD, POST");
		assert_true(web_answer_is("code", "method_not_allowed"));
	}
	web_begin("GET", "/fails?_method=POST");
	web_param("HTTP_X_HTTP_METHOD_OVERRIDE", "POST");
	handled.e = ERR_NOT_FOUND;
	assert_int_equal(serve(), 404);
	web_begin("POST", "/fails?_method=GET");
	web_param("HTTP_X_HTTP_METHOD_OVERRIDE", "GET");
	assert_int_equal(serve(), 405);
}

static void a_preflight_is_answered_for_listed_origins_alone(void **state)
{
	(void)state;
	web_begin("OPTIONS", "/json");
	web_param("HTTP_ORIGIN", ALLOWED_URL);
	web_param("HTTP_ACCESS_CONTROL_REQUEST_METHOD", "POST");
	assert_int_equal(serve(), 204);
	assert_string_equal(web_answered("Access-Control-Allow-Methods"), "POST");
	assert_string_equal(web_answered("Access-Control-Allow-Origin"), ALLOWED_URL);
	assert_string_equal(web_answered("Vary"), "Origin");
	web_begin("OPTIONS", "/json");
	web_param("HTTP_ORIGIN", ALLOWED_URL);
	assert_int_equal(serve(), 405);
	web_begin("OPTIONS", "/json");
	web_param("HTTP_ORIGIN", "https://evil.test");
	web_param("HTTP_ACCESS_CONTROL_REQUEST_METHOD", "POST");
	assert_int_equal(serve(), 405);
	assert_null(web_answered("Access-Control-Allow-Origin"));
	web_begin("OPTIONS", "/nowhere");
	web_param("HTTP_ORIGIN", ALLOWED_URL);
	web_param("HTTP_ACCESS_CONTROL_REQUEST_METHOD", "POST");
	assert_int_equal(serve(), 404);
}

static void an_error_takes_the_place_of_what_stood_there(void **state)
{
	(void)state;
	handled.e = ERR_THROTTLED;
	web_begin("GET", "/fails");
	web_param("HTTP_ORIGIN", ALLOWED_URL);
	assert_int_equal(serve(), 429);
	assert_null(web_answered("X-Half"));
	assert_string_equal(web_answered("Retry-After"), "7");
	assert_string_equal(web_answered("Access-Control-Allow-Origin"), ALLOWED_URL);
	assert_null(strstr(web_answer_body(), "detail"));
	assert_true(web_answer_is("code", "provider_rate_limited"));
}

static void what_cannot_be_sent_becomes_a_clean_500(void **state)
{
	(void)state;
	web_begin("GET", "/lines");
	assert_int_equal(serve(), 500);
	assert_true(web_answer_is("code", "internal_error"));
	assert_null(web_answered("Set-Cookie"));
	web_begin("GET", "/much");
	assert_int_equal(serve(), 500);
	assert_true(web_answer_is("code", "too_long"));
}

static void a_page_takes_a_form(void **state)
{
	(void)state;
	web_begin("POST", "/form");
	web_body("application/x-www-form-urlencoded", "a=b+c");
	assert_int_equal(serve(), 200);
	assert_string_equal(web_answer_body(), "b c");
	web_begin("POST", "/form");
	web_body("application/json", "{\"a\":\"b\"}");
	assert_int_equal(serve(), 415);
	web_begin("POST", "/form");
	web_param("HTTP_ACCEPT", "text/html");
	web_body("text/plain", "a=b");
	assert_int_equal(serve(), 415);
	assert_string_equal(fx.out.content_type, "text/html; charset=utf-8");
}

static void the_web_servers_id_of_the_request_is_ours(void **state)
{
	static const char *const BAD[] = {"", "short", "with space in it", "a\r\nb: c12345",
					  "\"}0123456789"};

	(void)state;
	web_begin("GET", "/nowhere");
	assert_int_equal(serve(), 404);
	assert_true(web_answer_is("requestId", "0123456789abcdef0123456789abcdef"));
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
		web_begin("GET", "/nowhere");
		web_param("REQUEST_ID", NULL);
		web_param("REQUEST_ID", BAD[i]);
		assert_int_equal(serve(), 404);
		assert_false(web_answer_is("requestId", BAD[i]));
		assert_non_null(strstr(web_answer_body(), "\"requestId\":\""));
	}
}

static void an_ended_session_loses_its_cookie(void **state)
{
	(void)state;
	web_begin("GET", "/session");
	web_param("HTTP_COOKIE", "__Host-cb_session=" SESSION_LINK);
	assert_int_equal(serve(), 401);
	assert_string_equal(web_answered("Set-Cookie"),
			    "__Host-cb_session=; Path=/; Max-Age=0; Secure; HttpOnly; "
			    "SameSite=Lax");
	web_begin("GET", "/session");
	web_param("HTTP_AUTHORIZATION", "Bearer x.y.z");
	web_param("HTTP_COOKIE", "__Host-cb_session=" SESSION_COOKIE);
	assert_int_equal(serve(), 401);
	assert_null(web_answered("Set-Cookie"));
	web_begin("GET", "/session");
	web_param("HTTP_COOKIE", "__Host-cb_session=" SESSION_COOKIE);
	assert_int_equal(serve(), 200);
}

static void refused_access_is_written_into_the_audit_log_once(void **state)
{
	(void)state;
	fx.tables.key.scopes = 0;
	begin_json("application/json", GOOD_BODY);
	assert_int_equal(serve(), 403);
	assert_int_equal(fx.tables.audits, 1);
	assert_string_equal(fx.tables.action, "refused");
	assert_string_equal(fx.tables.result, "forbidden");
	begin_json("application/json", GOOD_BODY);
	web_param("HTTP_X_API_KEY", "twice");
	assert_int_equal(serve(), 401);
	assert_int_equal(fx.tables.audits, 1);
}

/* One line, with what an operator needs and nothing that a caller sent. */
static void one_line_a_request_is_logged_without_query_body_or_credential(void **state)
{
	char line[4096] = "";
	int ends[2];
	ssize_t len;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	log_start(LOG_DEBUG, "test");
	log_to_fd_for_test(ends[1]);
	begin_json("application/json", "{\"title\":\"secret-body\"}");
	web_param("REQUEST_URI", NULL);
	web_param("REQUEST_URI", "/json?secret-query");
	web_param("HTTP_COOKIE", "secret-cookie=1");
	fx.config.demo_host_id = NULL;
	assert_int_equal(serve(), 400);
	log_to_fd_for_test(STDERR_FILENO);
	log_start(LOG_ERROR, "test");
	len = read(ends[0], line, sizeof(line) - 1);
	close(ends[0]);
	close(ends[1]);
	assert_true(len > 0);
	assert_ptr_equal(strchr(line, '\n'), line + len - 1);
	assert_non_null(strstr(line, "\"event\":\"request\""));
	assert_non_null(strstr(line, "\"requestId\":\"0123456789abcdef0123456789abcdef\""));
	assert_non_null(strstr(line, "\"route\":\"json\""));
	assert_non_null(strstr(line, "\"status\":400"));
	assert_non_null(strstr(line, "\"caller\":\"key\""));
	assert_non_null(strstr(line, "invalid_fields"));
	assert_null(strstr(line, "secret"));
	assert_null(strstr(line, KEY));
}

static void requests_are_counted_by_route_and_status(void **state)
{
	struct buf out;

	(void)state;
	web_begin("GET", "/open");
	serve();
	web_begin("HEAD", "/open");
	serve();
	web_begin("GET", "/nowhere");
	serve();
	handled.e = ERR_DB;
	web_begin("GET", "/fails");
	serve();
	buf_init(&out, fx.arena, 256 * 1024);
	metrics_write(fx.web.metrics, ROUTES, &out);
	assert_int_equal(buf_error(&out), OK);
	assert_non_null(
		strstr(out.data, "\ncalbridge_requests_total{route=\"open\",status=\"2xx\"} 2\n"));
	assert_non_null(
		strstr(out.data, "\ncalbridge_requests_total{route=\"none\",status=\"4xx\"} 1\n"));
	assert_non_null(
		strstr(out.data, "\ncalbridge_requests_total{route=\"fails\",status=\"5xx\"} 1\n"));
	assert_non_null(strstr(out.data, "\ncalbridge_request_seconds_count{route=\"open\"} 2\n"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, web_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_good_request_reaches_its_handler),
		TEST(the_checks_come_in_their_order),
		TEST(a_body_is_json_in_utf8_and_nothing_else),
		TEST(malformed_json_is_told_with_its_place),
		TEST(a_broken_body_outranks_the_host_that_it_might_have_named),
		TEST(an_instructor_is_made_by_a_request_of_the_right_form_alone),
		TEST(a_broken_body_outranks_the_instructor_who_is_missing),
		TEST(a_body_at_the_ceiling_is_read),
		TEST(a_call_without_a_body_needs_no_type_and_ignores_one),
		TEST(head_is_answered_like_get_without_its_body),
		TEST(another_method_is_405_with_allow),
		TEST(a_preflight_is_answered_for_listed_origins_alone),
		TEST(an_error_takes_the_place_of_what_stood_there),
		TEST(what_cannot_be_sent_becomes_a_clean_500),
		TEST(a_page_takes_a_form),
		TEST(the_web_servers_id_of_the_request_is_ours),
		TEST(an_ended_session_loses_its_cookie),
		TEST(refused_access_is_written_into_the_audit_log_once),
		TEST(one_line_a_request_is_logged_without_query_body_or_credential),
		TEST(requests_are_counted_by_route_and_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
