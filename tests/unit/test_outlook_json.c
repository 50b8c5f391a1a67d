#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/digest.h"
#include "provider/outlook_json.h"
#include "tests/unit/arena_fixture.h"
#include "tests/unit/refusal_fixture.h"

#define TID "9188040d-6c67-4c5b-b112-36a304b66dad"
#define OID "00000000-0000-0000-1234-56789abcdef0"
#define ISSUER "https://login.microsoftonline.com/{tenantid}/v2.0"
#define ISS "https://login.microsoftonline.com/" TID "/v2.0"
#define NOW_S 1764687600

static const struct outlook_claims WANTED = {
	.client_id = "client-id", .issuer = ISSUER, .now_ms = (int64_t)NOW_S * 1000};

/* A compact JWT with these claims. */
static const char *token_of(const char *claims)
{
	char payload[4096];

	digest_base64url(claims, strlen(claims), payload);
	return arena_format(arena, "eyJhbGciOiJSUzI1NiJ9.%s.c2ln", payload);
}

static enum err claim(const char *claims, struct account *out)
{
	return outlook_json_claims(arena, slice_of(token_of(claims)), &WANTED, out, NULL);
}

/* One claim of a good token replaced. */
static const char *claims_with(const char *name, const char *value)
{
	static const char *const GOOD[][2] = {
		{"aud", "\"client-id\""}, {"iss", "\"" ISS "\""}, {"exp", "1764691200"},
		{"tid", "\"" TID "\""},   {"oid", "\"" OID "\""},
	};
	const char *text = "{\"ver\":\"2.0\"";

	for (size_t i = 0; i < ARRAY_LEN(GOOD); i++)
		text = arena_format(arena, "%s,\"%s\":%s", text, GOOD[i][0],
				    strcmp(GOOD[i][0], name) == 0 ? value : GOOD[i][1]);
	return arena_format(arena, "%s}", text);
}

static void the_account_is_tenant_and_object_of_the_id_token(void **state)
{
	struct account who;

	(void)state;
	assert_int_equal(claim("{\"aud\":\"client-id\",\"iss\":\"" ISS "\",\"exp\":1764691200,"
			       "\"tid\":\"" TID "\",\"oid\":\"" OID "\",\"sub\":\"pairwise\","
			       "\"preferred_username\":\"upn@example.com\","
			       "\"email\":\"host@example.com\"}",
			       &who),
			 OK);
	assert_true(slice_is(who.id, TID "." OID));
	assert_true(slice_is(who.email, "host@example.com"));
}

static void the_address_is_one_or_none(void **state)
{
	static const struct {
		const char *members;
		const char *wanted;
	} CASES[] = {
		{"", ""},
		{",\"email\":\"a@b.example\"", "a@b.example"},
		{",\"preferred_username\":\"u@b.example\"", "u@b.example"},
		{",\"email\":\"live.com a@b\",\"preferred_username\":\"u@b.example\"",
		 "u@b.example"},
		{",\"email\":[],\"preferred_username\":\"+49 170 1234567\"", ""},
	};
	struct account who;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		const char *good = claims_with("", "");
		const char *claims = arena_format(arena, "%.*s%s}", (int)strlen(good) - 1, good,
						  CASES[i].members);

		assert_int_equal(claim(claims, &who), OK);
		if (!slice_is(who.email, CASES[i].wanted))
			fail_msg("%s: %.*s", CASES[i].members, (int)who.email.len, who.email.data);
	}
}

static void an_id_token_for_another_or_of_another_is_refused(void **state)
{
	static const struct {
		const char *name;
		const char *value;
	} CASES[] = {
		{"aud", "\"other-client\""},
		{"aud", "\"client-i\""},
		{"aud", "[\"client-id\"]"},
		{"aud", "null"},
		{"iss", "\"" ISSUER "\""},
		{"iss", "\"" ISS "/\""},
		{"iss", "\"https://login.microsoftonline.com/common/v2.0\""},
		{"iss", "\"https://evil.example/" TID "/v2.0\""},
		{"iss", "\"https://login.microsoftonline.com/"
			"11111111-1111-1111-1111-111111111111/v2.0\""},
		{"iss", "\"\""},
		{"exp", "1764687540"}, /* a minute ago */
		{"exp", "0"},
		{"exp", "-1"},
		{"exp", "\"1764691200\""},
		{"exp", "1764691200.5"},
		{"exp", "1e99"},
		{"exp", "null"},
		{"tid", "\"common\""},
		{"tid", "\"../../../../../../../../../../../../\""},
		{"tid", "null"},
		{"oid", "\"\""},
		{"oid", "\"00000000-0000-0000-1234-56789abcdef\""},
		{"oid", "\"00000000-0000-0000-1234-56789abcdef00\""},
		{"oid", "\"00000000 0000 0000 1234 56789abcdef0\""},
		{"oid", "7"},
	};
	struct account who;

	(void)state;
	assert_int_equal(claim(claims_with("exp", "1764687541"), &who), OK);
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		enum err e = claim(claims_with(CASES[i].name, CASES[i].value), &who);

		if (e != ERR_UPSTREAM || who.id.data)
			fail_msg("%s %s: %d", CASES[i].name, CASES[i].value, (int)e);
	}
}

static void what_is_no_token_names_nobody(void **state)
{
	static const char *const TOKENS[] = {
		"",
		".",
		"..",
		"...",
		"a.b.c",
		"a.b.c.d",
		"e30.e30.",
		"e30..e30",
		"e30.W10.e30",
		"e30.bnVsbA.e30",
		"e30.e30=.e30",
		"e30.eyJ0aWQiOiJ.e30",
		"\xff.\xff.\xff",
	};
	struct account who;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(TOKENS); i++) {
		enum err e = outlook_json_claims(arena, slice_of(TOKENS[i]), &WANTED, &who, NULL);

		if (e != ERR_UPSTREAM || who.id.data)
			fail_msg("%s: %d", TOKENS[i], (int)e);
	}
}

static void the_calendar_says_whose_mailbox_it_is(void **state)
{
	static const char BODY[] = "{\"canEdit\":true,\"owner\":{\"name\":\"Host\","
				   "\"address\":\"box@example.com\"}}";
	struct account who = {.id = SLICE("x")};

	(void)state;
	assert_int_equal(outlook_json_calendar(arena, slice_of(BODY), &who, NULL), OK);
	assert_true(slice_is(who.email, "box@example.com"));
	who.email = SLICE("first@example.com");
	assert_int_equal(outlook_json_calendar(arena, slice_of(BODY), &who, NULL), OK);
	assert_true(slice_is(who.email, "first@example.com"));
	assert_int_equal(outlook_json_calendar(arena, SLICE("{\"canEdit\":false}"), &who, NULL),
			 ERR_REFUSED);
	assert_int_equal(outlook_json_calendar(arena, SLICE("{}"), &who, NULL), ERR_UPSTREAM);
	assert_int_equal(outlook_json_calendar(arena, SLICE(""), &who, NULL), ERR_UPSTREAM);
}

#define API(code) "{\"error\":{\"code\":\"" code "\",\"message\":\"x\"}}"
#define INNER(spelling, code)                                                                      \
	"{\"error\":{\"code\":\"UnknownError\",\"message\":\"x\",\"" spelling                      \
	"\":{\"date\":\"x\",\"code\":\"" code "\"}}}"
#define AAD(error, number)                                                                         \
	"{\"error\":\"" error "\",\"error_description\":\"AADSTS" #number                          \
	": x\",\"error_codes\":[" #number "]}"
#define WORD(error) "{\"error\":\"" error "\"}"

enum {
	TOKENS = OUTLOOK_EXCHANGE | OUTLOOK_REFRESH,
	EVENTS = OUTLOOK_READ | OUTLOOK_MAKE | OUTLOOK_CHANGE,
	GRAPH = EVENTS | OUTLOOK_PAGE | OUTLOOK_DROP,
};

/* clang-format off */
static const struct refused REFUSALS[] = {
	/* the grant itself is refused */
	{ OUTLOOK_REFRESH, 400, WORD("invalid_grant"),                   ERR_REAUTH, 0 },
	{ OUTLOOK_REFRESH, 400, AAD("invalid_grant", 70000),             ERR_REAUTH, 0 },
	{ OUTLOOK_REFRESH, 400, AAD("invalid_grant", 70008),             ERR_REAUTH, 0 },
	{ OUTLOOK_REFRESH, 400, AAD("invalid_grant", 700082),            ERR_REAUTH, 0 },
	{ OUTLOOK_REFRESH, 400, AAD("invalid_grant", 50173),             ERR_REAUTH, 0 },
	{ OUTLOOK_REFRESH, 400, AAD("invalid_grant", 70043),             ERR_REAUTH, 0 },
	{ OUTLOOK_REFRESH, 400, AAD("invalid_grant", 700084),            ERR_REAUTH, 0 },
	{ OUTLOOK_REFRESH, 400, AAD("invalid_grant", 99999999),          ERR_REAUTH, 0 },
	{ OUTLOOK_REFRESH, 400, "{\"error\":\"invalid_grant\",\"suberror\":\"consent_required\","
	                        "\"error_codes\":[65001]}",              ERR_REAUTH, 0 },
	{ OUTLOOK_REFRESH, 400, AAD("interaction_required", 50076),      ERR_REAUTH, 0 },
	{ OUTLOOK_REFRESH, 400, AAD("interaction_required", 53003),      ERR_REAUTH, 0 },
	{ OUTLOOK_REFRESH, 400, WORD("consent_required"),                ERR_REAUTH, 0 },
	{ OUTLOOK_REFRESH, 400, WORD("login_required"),                  ERR_REAUTH, 0 },
	/* the weather, whatever word it is under */
	{ TOKENS, 400, AAD("invalid_grant", 90033),                      ERR_UPSTREAM, 0 },
	{ TOKENS, 400, AAD("invalid_grant", 50033),                      ERR_UPSTREAM, 0 },
	{ TOKENS, 400, AAD("invalid_grant", 70012),                      ERR_UPSTREAM, 0 },
	{ TOKENS, 400, WORD("temporarily_unavailable"),                  ERR_UPSTREAM, 0 },
	{ TOKENS, 400, WORD("server_error"),                             ERR_UPSTREAM, 0 },
	{ TOKENS, 503, AAD("temporarily_unavailable", 90033),            ERR_UPSTREAM, 0 },
	{ TOKENS, 500, WORD("invalid_grant"),                            ERR_UPSTREAM, 0 },
	{ TOKENS, 503, WORD("invalid_client"),                           ERR_UPSTREAM, 0 },
	{ TOKENS, 400, "",                                               ERR_UPSTREAM, 0 },
	{ TOKENS, 400, "{}",                                             ERR_UPSTREAM, 0 },
	{ TOKENS, 400, WORD(""),                                         ERR_UPSTREAM, 0 },
	{ TOKENS, 400, "{\"error\":\"invalid_grant\"",                   ERR_UPSTREAM, 0 },
	{ TOKENS, 302, "",                                               ERR_UPSTREAM, 0 },
	{ TOKENS, 408, "",                                               ERR_UPSTREAM, 0 },
	{ TOKENS, 429, "",                                               ERR_THROTTLED, 30 },
	{ TOKENS, 400, AAD("invalid_request", 50196),                    ERR_THROTTLED, 30 },
	/* us, and nobody else */
	{ TOKENS, 401, AAD("invalid_client", 7000215),                   ERR_MISCONFIGURED, 0 },
	{ TOKENS, 401, AAD("invalid_client", 7000222),                   ERR_MISCONFIGURED, 0 },
	{ TOKENS, 400, AAD("invalid_client", 7000218),                   ERR_MISCONFIGURED, 0 },
	{ TOKENS, 401, WORD("invalid_client"),                           ERR_MISCONFIGURED, 0 },
	{ TOKENS, 400, AAD("invalid_grant", 7000222),                    ERR_MISCONFIGURED, 0 },
	{ OUTLOOK_REFRESH, 400, AAD("unauthorized_client", 700016),      ERR_MISCONFIGURED, 0 },
	{ OUTLOOK_EXCHANGE, 400, AAD("unauthorized_client", 700016),     ERR_CONFIG, 0 },
	{ OUTLOOK_REFRESH, 400, WORD("unauthorized_client"),             ERR_MISCONFIGURED, 0 },
	{ OUTLOOK_EXCHANGE, 400, WORD("unauthorized_client"),            ERR_CONFIG, 0 },
	{ OUTLOOK_REFRESH, 400, AAD("invalid_request", 50194),           ERR_MISCONFIGURED, 0 },
	{ OUTLOOK_EXCHANGE, 400, AAD("invalid_request", 50194),          ERR_CONFIG, 0 },
	{ OUTLOOK_REFRESH, 400, AAD("invalid_request", 9002332),         ERR_MISCONFIGURED, 0 },
	{ OUTLOOK_EXCHANGE, 400, AAD("invalid_request", 9002332),        ERR_CONFIG, 0 },
	{ OUTLOOK_REFRESH, 400, AAD("invalid_request", 90002),           ERR_MISCONFIGURED, 0 },
	{ OUTLOOK_EXCHANGE, 400, AAD("invalid_request", 90002),          ERR_CONFIG, 0 },
	{ OUTLOOK_REFRESH, 400, AAD("invalid_client", 650056),           ERR_MISCONFIGURED, 0 },
	{ OUTLOOK_EXCHANGE, 400, AAD("invalid_client", 650056),          ERR_CONFIG, 0 },
	/* a code that is no good, a fault of the program */
	{ OUTLOOK_EXCHANGE, 400, AAD("invalid_grant", 54005),            ERR_REFUSED, 0 },
	{ OUTLOOK_EXCHANGE, 400, AAD("invalid_grant", 70008),            ERR_REFUSED, 0 },
	{ OUTLOOK_EXCHANGE, 400, AAD("invalid_grant", 501481),           ERR_REFUSED, 0 },
	{ OUTLOOK_EXCHANGE, 400, AAD("interaction_required", 50076),     ERR_REFUSED, 0 },
	/* less was allowed than we asked for */
	{ OUTLOOK_EXCHANGE, 400, "{\"error\":\"invalid_grant\",\"suberror\":\"consent_required\","
	                         "\"error_codes\":[65001]}",             ERR_SCOPE_MISSING, 0 },
	{ TOKENS, 400, AAD("invalid_scope", 70011),                      ERR_REFUSED, 0 },
	{ TOKENS, 400, AAD("invalid_request", 900144),                   ERR_REFUSED, 0 },

	{ GRAPH, 401, API("InvalidAuthenticationToken"),                 ERR_TOKEN, 0 },
	{ GRAPH, 401, "",                                                ERR_TOKEN, 0 },
	{ GRAPH, 403, API("ErrorAccessDenied"),                          ERR_SCOPE_MISSING, 0 },
	{ GRAPH, 403, API("errorAccessDenied"),                          ERR_SCOPE_MISSING, 0 },
	{ GRAPH, 403, API("Authorization_RequestDenied"),                ERR_SCOPE_MISSING, 0 },
	{ GRAPH, 403, INNER("innerError", "accessDenied"),               ERR_SCOPE_MISSING, 0 },
	{ GRAPH, 403, INNER("innererror", "AccessDenied"),               ERR_SCOPE_MISSING, 0 },
	{ EVENTS, 403, API("ErrorSomethingElse"),                        ERR_REFUSED, 0 },
	{ GRAPH, 403, "",                                                ERR_UPSTREAM, 0 },
	{ EVENTS, 404, API("ErrorItemNotFound"),                         ERR_GONE, 0 },
	{ EVENTS, 404, API("errorItemNotFound"),                         ERR_GONE, 0 },
	{ EVENTS, 400, API("ErrorInvalidIdMalformed"),                   ERR_GONE, 0 },
	{ EVENTS, 410, API("gone"),                                      ERR_GONE, 0 },
	{ GRAPH, 404, "",                                                ERR_UPSTREAM, 0 },
	{ GRAPH, 404, "<html>",                                          ERR_UPSTREAM, 0 },
	{ GRAPH, 404, API("MailboxNotEnabledForRESTAPI"),                ERR_REFUSED, 0 },
	{ GRAPH, 404, INNER("innerError", "MailboxNotEnabledForRESTAPI"), ERR_REFUSED, 0 },
	{ OUTLOOK_ACCOUNT, 404, API("MailboxNotEnabledForRESTAPI"),      ERR_GONE, 0 },
	{ OUTLOOK_ACCOUNT, 404, "<html>",                                ERR_UPSTREAM, 0 },
	{ OUTLOOK_DROP, 404, API("ErrorItemNotFound"),                   OK, 0 },
	{ OUTLOOK_DROP, 410, API("gone"),                                OK, 0 },
	{ OUTLOOK_DROP, 403, API("ErrorCannotDeleteObject"),             OK, 0 },
	{ OUTLOOK_DROP, 400, API("ErrorInvalidIdMalformed"),             OK, 0 },
	{ OUTLOOK_DROP, 403, API("ErrorAccessDenied"),                   ERR_SCOPE_MISSING, 0 },
	{ OUTLOOK_MAKE, 409, API("ErrorDuplicateTransactionId"),         ERR_DUPLICATE, 0 },
	{ OUTLOOK_CHANGE, 409, API("ErrorIrresolvableConflict"),         ERR_STALE, 0 },
	{ OUTLOOK_CHANGE, 412, API("ErrorIrresolvableConflict"),         ERR_STALE, 0 },
	{ OUTLOOK_PAGE, 400, API("BadRequest"),                          ERR_BAD_REQUEST, 0 },
	{ OUTLOOK_PAGE, 410, API("SyncStateNotFound"),                   ERR_BAD_REQUEST, 0 },
	{ EVENTS, 400, API("ErrorInvalidRequest"),                       ERR_REFUSED, 0 },
	{ EVENTS, 400, API("TimeZoneNotSupportedException"),             ERR_REFUSED, 0 },
	{ EVENTS, 400, "",                                               ERR_UPSTREAM, 0 },
	{ EVENTS, 423, API("ErrorLocked"),                               ERR_UPSTREAM, 0 },
	{ GRAPH, 429, API("ApplicationThrottled"),                       ERR_THROTTLED, 30 },
	{ GRAPH, 429, "",                                                ERR_THROTTLED, 30 },
	{ GRAPH, 503, API("applicationThrottled"),                       ERR_THROTTLED, 30 },
	{ GRAPH, 503, INNER("innererror", "MailboxConcurrency"),         ERR_THROTTLED, 30 },
	{ EVENTS, 400, API("ErrorQuotaExceeded"),                        ERR_THROTTLED, 3600 },
	{ EVENTS, 507, API("insufficientStorage"),                       ERR_THROTTLED, 3600 },
	{ GRAPH, 500, API("ErrorInternalServerError"),                   ERR_UPSTREAM, 0 },
	{ GRAPH, 503, API("serviceNotAvailable"),                        ERR_UPSTREAM, 0 },
	{ GRAPH, 504, API("ErrorItemNotFound"),                          ERR_UPSTREAM, 0 },
	{ GRAPH, 503, "",                                                ERR_UPSTREAM, 0 },
	{ GRAPH, 301, API("ErrorItemNotFound"),                          ERR_UPSTREAM, 0 },
	{ GRAPH, 101, "",                                                ERR_UPSTREAM, 0 },
	/* OAuth's words are none of Graph's, nor the other way round */
	{ EVENTS, 400, WORD("invalid_grant"),                            ERR_REFUSED, 0 },
	{ TOKENS, 400, API("ErrorItemNotFound"),                         ERR_REFUSED, 0 },
};
/* clang-format on */

static void a_refusal_is_judged_by_status_words_and_number(void **state)
{
	(void)state;
	assert_judged(arena, outlook_json_refusal, REFUSALS, ARRAY_LEN(REFUSALS));
}

static void a_pause_that_microsoft_names_is_kept(void **state)
{
	struct fail why = {.retry_after_s = 7};

	(void)state;
	assert_int_equal(
		outlook_json_refusal(arena, OUTLOOK_MAKE, 429, SLICE(API("TooManyRequests")), &why),
		ERR_THROTTLED);
	assert_int_equal(why.retry_after_s, 7);
	assert_int_equal(outlook_json_refusal(arena, OUTLOOK_MAKE, 429, SLICE(""), NULL),
			 ERR_THROTTLED);
}

static void only_words_and_a_number_of_a_refusal_reach_the_log(void **state)
{
	static const struct {
		const char *body;
		const char *wanted;
	} CASES[] = {
		{API("MailboxNotEnabledForRESTAPI"), "outlook 404 MailboxNotEnabledForRESTAPI"},
		{INNER("innerError", "MailboxNotEnabledForRESTAPI"),
		 "outlook 404 MailboxNotEnabledForRESTAPI"},
		{AAD("invalid_grant", 700082), "outlook 404 invalid_grant AADSTS700082"},
		{API("0.AXoCANARY"), "outlook 404 -"},
		{"{\"error\":\"host@example.com\",\"error_codes\":[\"CANARY\"]}", "outlook 404 -"},
		{"<html>CANARY</html>", "outlook 404 -"},
		{"", "outlook 404 -"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		struct fail why = {0};

		assert_int_not_equal(outlook_json_refusal(arena, OUTLOOK_READ, 404,
							  slice_of(CASES[i].body), &why),
				     OK);
		assert_string_equal(why.detail, CASES[i].wanted);
	}
}

static void inner_errors_may_stand_in_each_other_without_end(void **state)
{
	struct buf body;

	(void)state;
	buf_init(&body, arena, 65536);
	buf_add_text(&body, "{\"error\":{\"code\":\"a\"");
	for (unsigned i = 0; i < 20; i++)
		buf_add_text(&body, ",\"innerError\":{\"code\":\"b\"");
	for (unsigned i = 0; i < 22; i++)
		buf_add_byte(&body, '}');
	assert_int_equal(outlook_json_refusal(arena, OUTLOOK_READ, 404, buf_slice(&body), NULL),
			 ERR_GONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_account_is_tenant_and_object_of_the_id_token),
		cmocka_unit_test(the_address_is_one_or_none),
		cmocka_unit_test(an_id_token_for_another_or_of_another_is_refused),
		cmocka_unit_test(what_is_no_token_names_nobody),
		cmocka_unit_test(the_calendar_says_whose_mailbox_it_is),
		cmocka_unit_test(a_refusal_is_judged_by_status_words_and_number),
		cmocka_unit_test(a_pause_that_microsoft_names_is_kept),
		cmocka_unit_test(only_words_and_a_number_of_a_refusal_reach_the_log),
		cmocka_unit_test(inner_errors_may_stand_in_each_other_without_end),
	};

	if (digest_start())
		return 1;
	return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
