#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/web_fixture.h"
#include "web/cors.h"

static struct answer an = {.out = &fx.out};

static void begin(const char *origin, const char *referer)
{
	web_begin("POST", "/");
	if (origin)
		web_param("HTTP_ORIGIN", origin);
	if (referer)
		web_param("HTTP_REFERER", referer);
}

static void listed_origins_get_headers_and_others_none(void **state)
{
	static const char *const OTHERS[] = {
		"null",
		"",
		"https://front.test.evil.test",
		"https://evil-front.test",
		"http://front.test",
		"https://front.test:443",
		"https://front.test/",
		"https://FRONT.test",
		("https://other.test, " ALLOWED_URL),
		OUR_URL,
	};

	(void)state;
	begin(ALLOWED_URL, NULL);
	cors_headers(web_request(), &an);
	assert_string_equal(web_answered("Access-Control-Allow-Origin"), ALLOWED_URL);
	assert_string_equal(web_answered("Access-Control-Allow-Credentials"), "true");
	assert_string_equal(web_answered("Vary"), "Origin");
	for (size_t i = 0; i < ARRAY_LEN(OTHERS); i++) {
		begin(OTHERS[i], NULL);
		cors_headers(web_request(), &an);
		assert_null(web_answered("Access-Control-Allow-Origin"));
		assert_null(web_answered("Access-Control-Allow-Credentials"));
		assert_string_equal(web_answered("Vary"), "Origin");
	}
	begin(ALLOWED_URL, NULL);
	web_param("HTTP_ORIGIN", ALLOWED_URL);
	cors_headers(web_request(), &an);
	assert_null(web_answered("Access-Control-Allow-Origin"));
}

static void without_a_list_there_are_no_headers(void **state)
{
	(void)state;
	fx.config.allowed_origins = NULL;
	begin(ALLOWED_URL, NULL);
	cors_headers(web_request(), &an);
	assert_int_equal(fx.out.headers.len, 0);
	assert_false(cors_is_allowed(&fx.config, SLICE("")));
}

struct origin_row {
	const char *origin;
	const char *referer;
	bool ours;
	bool allowed;
};

static void whose_page_it_was_is_told_by_origin_else_referer(void **state)
{
	static const struct origin_row ROWS[] = {
		{OUR_URL, NULL, true, true},
		{ALLOWED_URL, NULL, false, true},
		{OUR_URL, "https://evil.test/", true, true},
		{"null", OUR_URL "/", false, false},
		{"", OUR_URL "/", false, false},
		{NULL, NULL, false, false},
		{NULL, "", false, false},
		{NULL, OUR_URL, true, true},
		{NULL, OUR_URL "/a?b#c", true, true},
		{NULL, ALLOWED_URL "/a", false, true},
		{NULL, OUR_URL "?a/b", false, false},
		{NULL, OUR_URL "@evil.test/", false, false},
		{NULL, OUR_URL ":443/", false, false},
		{NULL, OUR_URL "\\@evil.test/", false, false},
		{NULL, "https:" OUR_URL "/", false, false},
		{NULL, "/" OUR_URL "/", false, false},
		{NULL, "about:blank", false, false},
		{NULL, "https:/", false, false},
		{NULL, "https://", false, false},
		{NULL, "https:///", false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		begin(ROWS[i].origin, ROWS[i].referer);
		if (cors_is_ours(web_request(), false) != ROWS[i].ours ||
		    cors_is_ours(web_request(), true) != ROWS[i].allowed)
			fail_msg("row %zu", i);
	}
	begin(OUR_URL, NULL);
	web_param("HTTP_ORIGIN", OUR_URL);
	assert_false(cors_is_ours(web_request(), true));
	begin(NULL, OUR_URL "/");
	web_param("HTTP_REFERER", OUR_URL "/");
	assert_false(cors_is_ours(web_request(), true));
}

static void a_write_of_our_own_page_is_not_called_cross_site(void **state)
{
	(void)state;
	begin(OUR_URL, NULL);
	assert_true(cors_is_own_page(web_request()));
	web_param("HTTP_SEC_FETCH_SITE", "same-origin");
	assert_true(cors_is_own_page(web_request()));
	web_param("HTTP_SEC_FETCH_SITE", NULL);
	web_param("HTTP_SEC_FETCH_SITE", "Cross-Site");
	assert_true(cors_is_cross_site(web_request()));
	assert_false(cors_is_own_page(web_request()));
	begin(ALLOWED_URL, NULL);
	assert_false(cors_is_own_page(web_request()));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, web_make, web_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(listed_origins_get_headers_and_others_none),
		TEST(without_a_list_there_are_no_headers),
		TEST(whose_page_it_was_is_told_by_origin_else_referer),
		TEST(a_write_of_our_own_page_is_not_called_cross_site),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
