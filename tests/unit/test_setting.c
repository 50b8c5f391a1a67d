#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/setting.h"

struct target {
	int64_t before;
	bool flag;
	int64_t number;
	char *text;
	struct secret secret;
	int64_t after;
};

#define AT(member) offsetof(struct target, member)

static const struct setting FLAG = {.name = "FLAG", .kind = SETTING_FLAG, .at = AT(flag), .max = 1};
static const struct setting NUMBER = {
	.name = "NUMBER", .kind = SETTING_NUMBER, .at = AT(number), .min = -5, .max = 10};
static const struct setting LEVEL = {
	.name = "LEVEL", .kind = SETTING_LEVEL, .at = AT(number), .min = 1, .max = 7};
static const struct setting TEXT = {
	.name = "TEXT", .kind = SETTING_TEXT, .at = AT(text), .min = 2, .max = 4};
static const struct setting SECRET = {
	.name = "SECRET", .kind = SETTING_SECRET, .at = AT(secret), .min = 2, .max = 4};

static void a_value_lands_in_its_member_and_nowhere_else(void **state)
{
	struct target target = {.before = 11, .after = 22};

	(void)state;
	assert_int_equal(setting_store(&FLAG, &target, SLICE("1")), OK);
	assert_int_equal(setting_store(&NUMBER, &target, SLICE("-5")), OK);
	assert_int_equal(setting_store(&TEXT, &target, SLICE("abc")), OK);
	assert_int_equal(setting_store(&SECRET, &target, SLICE("xyz")), OK);
	assert_true(target.flag);
	assert_int_equal(target.number, -5);
	assert_string_equal(target.text, "abc");
	assert_true(slice_is(secret_slice(&target.secret), "xyz"));
	assert_int_equal(target.before, 11);
	assert_int_equal(target.after, 22);
	setting_clear(&TEXT, &target);
	setting_clear(&SECRET, &target);
	setting_clear(&NUMBER, &target);
}

static void a_level_is_the_log_s_number(void **state)
{
	static const char *const NAMES[] = {"error", "warning", "info", "debug"};
	static const int64_t LEVELS[] = {LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG};
	struct target target = {0};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(NAMES); i++) {
		assert_true(setting_accepts(&LEVEL, slice_of(NAMES[i])));
		assert_int_equal(setting_store(&LEVEL, &target, slice_of(NAMES[i])), OK);
		assert_int_equal(target.number, LEVELS[i]);
	}
	assert_false(setting_accepts(&LEVEL, SLICE("warn")));
}

static void a_range_is_of_the_number_or_of_the_bytes(void **state)
{
	(void)state;
	assert_true(setting_accepts(&NUMBER, SLICE("10")));
	assert_false(setting_accepts(&NUMBER, SLICE("11")));
	assert_false(setting_accepts(&NUMBER, SLICE("-6")));
	assert_false(setting_accepts(&TEXT, SLICE("a")));
	assert_true(setting_accepts(&TEXT, SLICE("a\xc3\xa9z")));
	assert_false(setting_accepts(&TEXT, SLICE("a\xc3\xa9zz")));
	assert_false(setting_accepts(&SECRET, SLICE("abcde")));
	assert_false(setting_accepts(&SECRET, SLICE("a\nb")));
	assert_false(setting_accepts(&TEXT, SLICE("a\xff")));
}

static void what_is_wanted_is_told_with_its_range(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, NULL, 256);
	setting_describe(&NUMBER, &out);
	assert_string_equal(buf_slice(&out).data, "a whole number from -5 to 10");
	buf_clear(&out);
	setting_describe(&SECRET, &out);
	assert_string_equal(buf_slice(&out).data, "a secret from 2 to 4 bytes");
	buf_clear(&out);
	setting_describe(&FLAG, &out);
	assert_string_equal(buf_slice(&out).data, "0 or 1");
	buf_free(&out);
}

static void a_secret_is_no_text_that_is_given_out(void **state)
{
	struct target target = {0};

	(void)state;
	assert_int_equal(setting_store(&TEXT, &target, SLICE("abc")), OK);
	assert_int_equal(setting_store(&SECRET, &target, SLICE("xyz")), OK);
	assert_string_equal(setting_text(&TEXT, &target), "abc");
	assert_null(setting_text(&SECRET, &target));
	assert_null(setting_text(&NUMBER, &target));
	setting_clear(&SECRET, &target);
	setting_clear(&TEXT, &target);
	assert_null(target.secret.data);
	assert_null(target.text);
	assert_null(setting_text(&TEXT, &target));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_lands_in_its_member_and_nowhere_else),
		cmocka_unit_test(a_level_is_the_log_s_number),
		cmocka_unit_test(a_range_is_of_the_number_or_of_the_bytes),
		cmocka_unit_test(what_is_wanted_is_told_with_its_range),
		cmocka_unit_test(a_secret_is_no_text_that_is_given_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
