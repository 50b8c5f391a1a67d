#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "provider/google_json.h"
#include "tests/unit/arena_fixture.h"
#include "tests/unit/refusal_fixture.h"

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

/* clang-format off */
static const struct refused REFUSALS[] = {
	/* user, application and weather are three different things */
	{ GOOGLE_REFRESH,  400, OAUTH("invalid_grant"),          ERR_REAUTH,        0 },
	{ GOOGLE_REFRESH,  400, "{\"error\":\"invalid_grant\",\"error_subtype\":\"invalid_rapt\"}",
	                                                         ERR_REAUTH,        0 },
	{ GOOGLE_EXCHANGE, 400, OAUTH("invalid_grant"),          ERR_REFUSED,       0 },
	{ TOKENS,          401, OAUTH("invalid_client"),         ERR_MISCONFIGURED, 0 },
	{ TOKENS,          400, OAUTH("invalid_client"),         ERR_MISCONFIGURED, 0 },
	{ TOKENS,          400, OAUTH("deleted_client"),         ERR_MISCONFIGURED, 0 },
	{ TOKENS,          400, OAUTH("disabled_client"),        ERR_MISCONFIGURED, 0 },
	{ GOOGLE_REFRESH,  400, OAUTH("unauthorized_client"),    ERR_MISCONFIGURED, 0 },
	/* one consent may be asked for in a way that all the others are not */
	{ GOOGLE_EXCHANGE, 400, OAUTH("unauthorized_client"),    ERR_CONFIG,        0 },
	{ GOOGLE_EXCHANGE, 400, OAUTH("redirect_uri_mismatch"),  ERR_CONFIG,        0 },
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

	{ GOOGLE_PAGE, 400, API("invalidParameter"),             ERR_BAD_REQUEST,   0 },
	{ GOOGLE_PAGE, 410, API("fullSyncRequired"),             ERR_BAD_REQUEST,   0 },
	{ GOOGLE_PAGE, 400, "",                                  ERR_UPSTREAM,      0 },
	{ GOOGLE_PAGE, 401, "",                                  ERR_TOKEN,         0 },
	{ GOOGLE_PAGE, 403, API("rateLimitExceeded"),            ERR_THROTTLED,    30 },
	{ GOOGLE_PAGE, 404, API("notFound"),                     ERR_GONE,          0 },

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
	assert_judged(arena, google_json_refusal, REFUSALS, ARRAY_LEN(REFUSALS));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_account_is_known_by_id_or_sub),
		cmocka_unit_test(what_names_no_account_is_refused),
		cmocka_unit_test(a_refusal_is_judged_by_status_and_reason),
		cmocka_unit_test(a_pause_that_google_names_is_kept),
		cmocka_unit_test(only_words_of_a_refusal_reach_the_log),
	};

	return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
