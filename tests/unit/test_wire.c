#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "provider/provider.h"
#include "provider/wire.h"
#include "tests/unit/arena_fixture.h"

static struct slice id_token;

static struct grant granted(const char *body)
{
	struct grant grant;

	if (wire_grant(arena, slice_of(body), &grant, &id_token, NULL))
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
		enum err e = wire_grant(arena, slice_of(BODIES[i]), &grant, &id_token, NULL);

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
	assert_int_equal(wire_grant(arena, slice_of(body), &grant, &id_token, NULL), ERR_UPSTREAM);
}

static void a_success_without_a_result_has_no_page_in_it(void **state)
{
	(void)state;
	assert_int_equal(wire_done(arena, SLICE(""), NULL), OK);
	assert_int_equal(wire_done(arena, SLICE("{}"), NULL), OK);
	assert_int_equal(wire_done(arena, SLICE("<html>"), NULL), ERR_UPSTREAM);
	assert_int_equal(wire_done(arena, SLICE("{\"error\":{}}"), NULL), ERR_UPSTREAM);
	assert_int_equal(wire_done(arena, SLICE("OK"), NULL), ERR_UPSTREAM);
}

static void a_member_is_a_word_a_text_an_instant_or_nothing(void **state)
{
	static const struct {
		const char *value;
		bool word;
		bool text;
		bool instant;
		int64_t ms;
	} CASES[] = {
		{"\"abc\"", true, true, true, 0},
		{"\"abcd\"", false, true, true, 0},
		{"\"a c\"", false, true, true, 0},
		{"\"a\\u00e4\"", false, true, true, 0},
		{"\"\"", true, true, true, 0},
		{"null", true, true, true, 0},
		{"7", false, false, false, 0},
		{"true", false, false, false, 0},
		{"[]", false, false, false, 0},
		{"\"2025-12-02T15:00:00.1234567Z\"", false, true, true, 1764687600123},
		{"\"2025-12-02T15:00:00\"", false, true, true, 0},
		{"\"0001-01-01T00:00:00Z\"", false, true, true, 0},
	};
	const struct json *root;
	struct slice out;
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		const char *body = arena_format(arena, "{\"a\":%s}", CASES[i].value);

		assert_int_equal(wire_success(arena, slice_of(body), &root, NULL), OK);
		if (wire_text(root, "a", &out) != CASES[i].text ||
		    wire_instant(root, "a", &ms) != CASES[i].instant || ms != CASES[i].ms ||
		    wire_word(root, "a", 3, &out) != CASES[i].word)
			fail_msg("%s", CASES[i].value);
		assert_true(CASES[i].word || !out.data);
	}
	assert_true(wire_word(root, "b", 3, &out));
	assert_int_equal(out.len, 0);
	assert_true(wire_text(NULL, "a", &out));
}

static void a_value_goes_back_as_it_came(void **state)
{
	static const char RAW[] = "{\"a\":[1.50,null,true],\"b\":{\"c\":\"\\u0001\"}}";
	const struct json *root;
	struct slice out;

	(void)state;
	assert_int_equal(wire_success(arena, slice_of(RAW), &root, NULL), OK);
	assert_int_equal(wire_raw(arena, root, sizeof(RAW), &out), OK);
	assert_true(slice_is(out, RAW));
	assert_int_equal(wire_raw(arena, root, sizeof(RAW) - 2, &out), ERR_TOO_LONG);
}

static void an_id_token_is_handed_on_where_it_came(void **state)
{
	struct grant grant = granted("{\"access_token\":\"a\",\"id_token\":\"e30.e30.e30\"}");

	(void)state;
	assert_true(slice_is(id_token, "e30.e30.e30"));
	grant_wipe(&grant);
	grant = granted("{\"access_token\":\"a\"}");
	assert_int_equal(id_token.len, 0);
	grant_wipe(&grant);
	assert_int_equal(wire_grant(arena, SLICE("{\"access_token\":\"a\",\"id_token\":7}"), &grant,
				    &id_token, NULL),
			 ERR_UPSTREAM);
}

static void words_are_short_and_of_letters(void **state)
{
	(void)state;
	assert_true(wire_is_word(SLICE("invalid_grant")));
	assert_true(wire_is_word(SLICE("MailboxNotEnabledForRESTAPI")));
	assert_false(wire_is_word(SLICE("")));
	assert_false(wire_is_word(SLICE("1//0gCANARY")));
	assert_false(wire_is_word(SLICE("a@b.example")));
	assert_false(wire_is_word(SLICE("abcdefghijklmnopqrstuvwxyzabcdefghijklmno")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_grant_brings_tokens_time_and_scopes),
		cmocka_unit_test(a_refresh_token_that_does_not_come_stays_empty),
		cmocka_unit_test(a_lifetime_is_whole_seconds_between_one_and_a_day),
		cmocka_unit_test(what_is_no_grant_gives_no_token),
		cmocka_unit_test(a_token_is_as_long_as_it_may_be_and_no_longer),
		cmocka_unit_test(a_success_without_a_result_has_no_page_in_it),
		cmocka_unit_test(a_member_is_a_word_a_text_an_instant_or_nothing),
		cmocka_unit_test(a_value_goes_back_as_it_came),
		cmocka_unit_test(an_id_token_is_handed_on_where_it_came),
		cmocka_unit_test(words_are_short_and_of_letters),
	};

	return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
