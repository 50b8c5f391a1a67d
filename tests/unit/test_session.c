#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tests/unit/web_fixture.h"
#include "web/session.h"

#define HS256_HEADER "{\"alg\":\"HS256\"}"
#define CLAIMS "{\"sub\":\"coach-1\",\"exp\":4000000000}"

static struct session session;
static struct fail why;
static struct answer an = {.out = &fx.out};

static enum err open_with(const char *link, const char *token)
{
	struct request *rq = web_request();

	why = (struct fail){0};
	return session_open(rq, &an, slice_of(link), slice_of(token), &session, &why);
}

static enum err find(void)
{
	struct request *rq = web_request();
	struct target target;

	why = (struct fail){0};
	return session_find(rq, (struct slice){NULL, 0}, &session, &target, &why);
}

static const char *good_token(void)
{
	return web_token(HS256_HEADER, CLAIMS, JWT_SECRET);
}

static void begin_with_cookie(const char *cookie)
{
	web_begin("GET", "/");
	web_param("HTTP_COOKIE", cookie);
}

static void a_link_opens_a_session_under_a_new_cookie(void **state)
{
	const char *first, *second;

	(void)state;
	web_begin("POST", "/api/session");
	assert_int_equal(open_with(SESSION_LINK, NULL), OK);
	first = web_answered("Set-Cookie");
	assert_true(slice_starts(slice_of(first), "__Host-cb_session="));
	assert_int_equal(strcspn(first + strlen("__Host-cb_session="), ";"), 43);
	assert_non_null(strstr(first, "; Path=/; Max-Age=43200; Secure; HttpOnly; SameSite=Lax"));
	assert_true(slice_is(session.owner.external_id, "coach-1"));
	assert_int_equal(fx.tables.audits, 1);
	assert_string_equal(fx.tables.action, "login");
	web_begin("POST", "/api/session");
	assert_int_equal(open_with(SESSION_LINK, NULL), OK);
	second = web_answered("Set-Cookie");
	assert_string_not_equal(first, second);
}

static void a_link_that_is_not_open_is_401(void **state)
{
	static const char *const BAD[] = {
		SESSION_COOKIE,
		"x",
		SESSION_LINK "A",
		SESSION_LINK " ",
		"ZmFrZWxpbmtmYWtlbGlua2Zha2VsaW5rZmFrZWxpbm+",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
		web_begin("POST", "/api/session");
		assert_int_equal(open_with(BAD[i], NULL), ERR_NO_CREDENTIAL);
		assert_null(web_answered("Set-Cookie"));
	}
	assert_int_equal(fx.tables.audits, 0);
}

static void a_user_token_opens_a_session_and_makes_its_owner(void **state)
{
	(void)state;
	web_begin("POST", "/api/session");
	assert_int_equal(open_with(NULL, good_token()), OK);
	assert_int_equal(fx.tables.owners_put, 1);
	assert_int_equal(fx.tables.role_added, ROLE_COACH);
	assert_non_null(web_answered("Set-Cookie"));
	web_begin("POST", "/api/session");
	assert_int_equal(open_with(NULL, web_token(HS256_HEADER,
						   "{\"sub\":\"boss\",\"exp\":4000000000,"
						   "\"role\":\"admin\"}",
						   JWT_SECRET)),
			 OK);
	assert_int_equal(fx.tables.role_added, ROLE_ADMIN);
	assert_int_equal(open_with(NULL, web_token(HS256_HEADER, CLAIMS, "another")),
			 ERR_NO_CREDENTIAL);
}

static void signing_in_ends_the_session_that_was(void **state)
{
	(void)state;
	begin_with_cookie("__Host-cb_session=" SESSION_COOKIE);
	assert_int_equal(open_with(SESSION_LINK, NULL), OK);
	assert_int_equal(fx.tables.dropped, 1);
	assert_null(strstr(web_answered("Set-Cookie"), SESSION_COOKIE));
}

static void another_sites_page_cannot_sign_anybody_in(void **state)
{
	(void)state;
	web_begin("POST", "/api/session");
	web_param("HTTP_ORIGIN", "https://evil.test");
	assert_int_equal(open_with(SESSION_LINK, NULL), ERR_CSRF);
	web_begin("POST", "/api/session");
	web_param("HTTP_ORIGIN", "null");
	assert_int_equal(open_with(SESSION_LINK, NULL), ERR_CSRF);
	web_begin("POST", "/api/session");
	web_param("HTTP_ORIGIN", ALLOWED_URL);
	assert_int_equal(open_with(SESSION_LINK, NULL), ERR_CSRF);
	web_begin("POST", "/api/session");
	web_param("HTTP_SEC_FETCH_SITE", "cross-site");
	assert_int_equal(open_with(SESSION_LINK, NULL), ERR_CSRF);
	web_begin("POST", "/api/session");
	web_param("HTTP_ORIGIN", OUR_URL);
	web_param("HTTP_SEC_FETCH_SITE", "same-origin");
	assert_int_equal(open_with(SESSION_LINK, NULL), OK);
}

static void wrong_links_and_tokens_are_counted_by_address(void **state)
{
	(void)state;
	clock_set_for_test(INT64_C(1760000040) * 1000);
	for (unsigned i = 0; i < 10; i++) {
		web_begin("POST", "/api/session");
		assert_int_equal(i % 2 ? open_with(NULL, "wrong") : open_with(SESSION_COOKIE, NULL),
				 ERR_NO_CREDENTIAL);
	}
	assert_int_equal(open_with(SESSION_LINK, NULL), ERR_TOO_MANY);
	assert_true(why.retry_after_s > 0);
	assert_int_equal(open_with(NULL, good_token()), ERR_TOO_MANY);
	assert_false(fx.tables.opened);
}

static void the_cookie_names_a_session(void **state)
{
	(void)state;
	begin_with_cookie("a=b; __Host-cb_session=" SESSION_COOKIE);
	assert_int_equal(find(), OK);
	assert_true(slice_is(session.owner.external_id, "coach-1"));
}

static void what_is_not_exactly_one_cookie_of_ours_names_none(void **state)
{
	static char vast[8192] = "__Host-cb_session=";
	static const char *const BAD[] = {
		"__Host-cb_session=" SESSION_LINK,
		"__Host-cb_session=",
		"__Host-cb_session=x",
		"__Host-cb_session=" SESSION_COOKIE "A",
		"__Host-cb_session=" SESSION_COOKIE "; __Host-cb_session=" SESSION_COOKIE,
		"__Host-cb_session=" SESSION_COOKIE "; __Host-cb_session=" SESSION_LINK,
		"cb_session=" SESSION_COOKIE,
		"__host-cb_session=" SESSION_COOKIE,
		vast,
	};

	(void)state;
	memset(vast + strlen(vast), 'A', sizeof(vast) - strlen(vast) - 1);
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
		begin_with_cookie(BAD[i]);
		assert_int_equal(find(), ERR_NO_CREDENTIAL);
	}
}

static void a_session_is_over_after_thirty_idle_minutes(void **state)
{
	(void)state;
	begin_with_cookie("__Host-cb_session=" SESSION_COOKIE);
	fx.tables.session_idle_ms = 30 * 60 * 1000 - 1;
	assert_int_equal(find(), OK);
	fx.tables.session_idle_ms = 30 * 60 * 1000;
	assert_int_equal(find(), ERR_NO_CREDENTIAL);
}

static void that_it_was_seen_is_noted_once_a_minute(void **state)
{
	(void)state;
	begin_with_cookie("__Host-cb_session=" SESSION_COOKIE);
	fx.tables.session_idle_ms = 59999;
	assert_int_equal(find(), OK);
	assert_int_equal(fx.tables.touched, 0);
	fx.tables.session_idle_ms = 60000;
	assert_int_equal(find(), OK);
	assert_int_equal(fx.tables.touched, 1);
}

static void each_session_has_a_token_of_its_own(void **state)
{
	struct session one = {.id = web_tenant("one")}, two = {.id = web_tenant("two")};
	char a[CSRF_TOKEN_BYTES], b[CSRF_TOKEN_BYTES], again[CSRF_TOKEN_BYTES];

	(void)state;
	assert_int_equal(session_csrf(web_request(), &one, a), OK);
	assert_int_equal(session_csrf(web_request(), &two, b), OK);
	assert_int_equal(session_csrf(web_request(), &one, again), OK);
	assert_int_equal(strlen(a), 43);
	assert_string_not_equal(a, b);
	assert_string_equal(a, again);
}

static void signing_out_ends_it_and_clears_the_cookie(void **state)
{
	struct request *rq = web_request();

	(void)state;
	rq->caller.actor = SLICE("owner:coach-1");
	assert_int_equal(session_close(rq, &an, &why), OK);
	assert_int_equal(fx.tables.dropped, 1);
	assert_string_equal(fx.tables.action, "logout");
	assert_non_null(strstr(web_answered("Set-Cookie"), "__Host-cb_session=; "));
	assert_non_null(strstr(web_answered("Set-Cookie"), "Max-Age=0"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, web_make, web_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_link_opens_a_session_under_a_new_cookie),
		TEST(a_link_that_is_not_open_is_401),
		TEST(a_user_token_opens_a_session_and_makes_its_owner),
		TEST(signing_in_ends_the_session_that_was),
		TEST(another_sites_page_cannot_sign_anybody_in),
		TEST(wrong_links_and_tokens_are_counted_by_address),
		TEST(the_cookie_names_a_session),
		TEST(what_is_not_exactly_one_cookie_of_ours_names_none),
		TEST(a_session_is_over_after_thirty_idle_minutes),
		TEST(that_it_was_seen_is_noted_once_a_minute),
		TEST(each_session_has_a_token_of_its_own),
		TEST(signing_out_ends_it_and_clears_the_cookie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
