#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static void a_null_string_is_the_empty_slice(void **state)
{
	struct slice none = slice_of(NULL);

	(void)state;
	assert_null(none.data);
	assert_int_equal(none.len, 0);
	assert_true(slice_equal(none, SLICE("")));
	assert_true(slice_is(none, ""));
	assert_false(slice_is(none, "a"));
	assert_int_equal(slice_trim(none).len, 0);
}

static void a_slice_is_compared_by_all_its_bytes(void **state)
{
	(void)state;
	assert_true(slice_equal(SLICE("a\0b"), SLICE("a\0b")));
	assert_false(slice_equal(SLICE("a\0b"), SLICE("a\0c")));
	assert_false(slice_is(SLICE("a\0b"), "a"));
	assert_false(slice_is(SLICE("ab"), "abc"));
	assert_false(slice_is(SLICE("abc"), "ab"));
}

static void case_is_ignored_for_ascii_letters_only(void **state)
{
	(void)state;
	assert_true(slice_is_nocase(SLICE("Application/JSON"), "application/json"));
	assert_false(slice_is_nocase(SLICE("application/jso"), "application/json"));
	assert_false(slice_is_nocase(SLICE("@["), "`{"));
	assert_false(slice_is_nocase(SLICE("\xC3\x84"), "\xC3\xA4"));
}

static void a_prefix_may_be_all_of_it_but_not_more(void **state)
{
	(void)state;
	assert_true(slice_starts(SLICE("Bearer x"), "Bearer "));
	assert_true(slice_starts(SLICE("Bearer "), "Bearer "));
	assert_false(slice_starts(SLICE("Bearer"), "Bearer "));
	assert_true(slice_starts(SLICE(""), ""));
}

static void white_space_goes_at_both_ends(void **state)
{
	(void)state;
	assert_true(slice_is(slice_trim(SLICE(" \t\r\n a b \n")), "a b"));
	assert_true(slice_is(slice_trim(SLICE(" \t ")), ""));
	assert_true(slice_is(slice_trim(SLICE("\v a")), "\v a"));
	assert_int_equal(slice_trim(SLICE("\0 a \0")).len, 5);
}

static void cutting_sees_every_piece_even_empty_ones(void **state)
{
	static const char *const WANTED[] = {"a", "", "bc", ""};
	struct slice rest = SLICE("a,,bc,");
	size_t n = 0;

	(void)state;
	while (rest.data) {
		assert_true(n < ARRAY_LEN(WANTED));
		assert_true(slice_is(slice_cut(&rest, ','), WANTED[n++]));
	}
	assert_int_equal(n, ARRAY_LEN(WANTED));
	assert_null(slice_cut(&rest, ',').data);
}

static void a_copy_is_whole_or_empty(void **state)
{
	char out[4];

	(void)state;
	assert_int_equal(text_copy(out, sizeof(out), SLICE("abc")), OK);
	assert_string_equal(out, "abc");
	assert_int_equal(text_copy(out, sizeof(out), SLICE("abcd")), ERR_TOO_LONG);
	assert_string_equal(out, "");
	assert_int_equal(text_copy(out, sizeof(out), SLICE("a\0b")), ERR_TOO_LONG);
	assert_string_equal(out, "");
	assert_int_equal(text_copy(out, sizeof(out), slice_of(NULL)), OK);
	assert_int_equal(text_copy(out, 0, SLICE("")), ERR_TOO_LONG);
}

static void utf8_is_judged_by_rfc_3629(void **state)
{
	static const struct {
		const char *text;
		size_t error;
	} ROWS[] = {
		{"", 0},
		{"plain ascii, longer than a word", 31},
		{"\xC2\x80\xDF\xBF", 4},
		{"\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF", 12},
		{"\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", 8},
		{"\x80", 0},
		{"a\xBF", 1},
		{"a\xFF", 1},
		{"a\xFE", 1},
		{"\xC0\xAF", 0},
		{"\xC1\xBF", 0},
		{"ab\xE0\x9F\xBF", 2},
		{"\xED\xA0\x80", 0},
		{"\xED\xBF\xBF", 0},
		{"\xF0\x8F\xBF\xBF", 0},
		{"\xF4\x90\x80\x80", 0},
		{"\xF5\x80\x80\x80", 0},
		{"\xC2", 0},
		{"\xE2\x82", 0},
		{"\xE2\x82g", 0},
		{"\xF0\x9F\x98", 0},
		{"\xC2g", 0},
		{"12345678\xE2\x82\xAC 1234567\xC3", 19},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		struct slice text = slice_of(ROWS[i].text);

		assert_int_equal(text_utf8_error(text), ROWS[i].error);
		assert_int_equal(text_is_utf8(text), ROWS[i].error == text.len);
	}
}

static void controls_are_found_but_for_tab_and_lf_in_lines(void **state)
{
	(void)state;
	assert_false(text_has_control(SLICE("caf\xC3\xA9 \xC2\xA0~"), false));
	assert_true(text_has_control(SLICE("a\tb"), false));
	assert_false(text_has_control(SLICE("a\tb\nc"), true));
	assert_true(text_has_control(SLICE("a\rb"), true));
	assert_true(text_has_control(SLICE("a\0b"), true));
	assert_true(text_has_control(SLICE("a\x1F"), true));
	assert_true(text_has_control(SLICE("a\x7F"), true));
	assert_true(text_has_control(SLICE("\xC2\x80"), true));
	assert_true(text_has_control(SLICE("\xC2\x9F"), true));
	assert_true(text_has_control(SLICE("\xC2\x85"), true));
}

static void an_integer_is_plain_decimal_digits(void **state)
{
	static const char *const BAD[] = {"",    "-",   "+1",  "01", "-01", "-0", " 1",      "1 ",
					  "1.0", "1e3", "0x1", "1-", "--1", "a",  "\xD9\xA1"};
	int64_t n = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
		assert_int_equal(text_to_int(slice_of(BAD[i]), INT64_MIN, INT64_MAX, &n),
				 ERR_BAD_REQUEST);
		assert_int_equal(n, 0);
	}
	assert_int_equal(text_to_int(SLICE("0"), 0, 9, &n), OK);
	assert_int_equal(n, 0);
	assert_int_equal(text_to_int(SLICE("10080"), 1, 10080, &n), OK);
	assert_int_equal(n, 10080);
}

static void an_integer_keeps_to_its_range_and_never_wraps(void **state)
{
	int64_t n;

	(void)state;
	assert_int_equal(text_to_int(SLICE("10081"), 1, 10080, &n), ERR_BAD_REQUEST);
	assert_int_equal(text_to_int(SLICE("0"), 1, 10080, &n), ERR_BAD_REQUEST);
	assert_int_equal(text_to_int(SLICE("9223372036854775807"), INT64_MIN, INT64_MAX, &n), OK);
	assert_true(n == INT64_MAX);
	assert_int_equal(text_to_int(SLICE("-9223372036854775808"), INT64_MIN, INT64_MAX, &n), OK);
	assert_true(n == INT64_MIN);
	assert_int_equal(text_to_int(SLICE("9223372036854775808"), INT64_MIN, INT64_MAX, &n),
			 ERR_BAD_REQUEST);
	assert_int_equal(text_to_int(SLICE("-9223372036854775809"), INT64_MIN, INT64_MAX, &n),
			 ERR_BAD_REQUEST);
	assert_int_equal(text_to_int(SLICE("18446744073709551617"), 0, INT64_MAX, &n),
			 ERR_BAD_REQUEST);
}

static void an_address_is_one_plain_mailbox(void **state)
{
	static const char *const GOOD[] = {"a@b", "milan@example.com",
					   "o'brien+x=y@sub-1.example.co",
					   "!#$%&'*/?^_`{|}~-@1.example"};
	static const char *const BAD[] = {
		"",
		"@",
		"a@",
		"@b",
		"a",
		"a@b,c@d",
		"a@b@c",
		"a b@c",
		"a@b c",
		"\"x\"@y",
		"a@b\r\nBcc:x",
		"<a@b>",
		"a@[1.2.3.4]",
		".a@b",
		"a.@b",
		"a..b@c",
		"a@.b",
		"a@b.",
		"a@b..c",
		"a@-b",
		"a@b-",
		"a@b_c",
		"a(x)@b",
		"a;b@c",
		"a:b@c",
		"a\\b@c",
		"\xC3\xA9@b",
		"a@\xC3\xA9",
		"a@b\t",
		"a@b\x7F",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(GOOD); i++)
		assert_true(text_is_email(slice_of(GOOD[i])));
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
		assert_false(text_is_email(slice_of(BAD[i])));
	assert_false(text_is_email(SLICE("a\0@b")));
	assert_false(text_is_email(slice_of(NULL)));
}

/* local_len times 'a', '@', labels of 63 'b' and a rest until the address is len long. */
static struct slice made_address(char *out, size_t local_len, size_t len)
{
	memset(out, 'b', len);
	memset(out, 'a', local_len);
	out[local_len] = '@';
	for (size_t at = local_len + 64; at < len; at += 64)
		out[at] = '.';
	return (struct slice){out, len};
}

static void an_address_is_at_most_254_bytes(void **state)
{
	char text[300];

	(void)state;
	assert_true(text_is_email(made_address(text, 1, 254)));
	assert_false(text_is_email(made_address(text, 1, 255)));
	assert_true(text_is_email(made_address(text, 64, 100)));
	assert_false(text_is_email(made_address(text, 65, 100)));
	memset(text, 'b', 70);
	text[1] = '@';
	assert_true(text_is_email((struct slice){text, 65}));
	assert_false(text_is_email((struct slice){text, 66}));
}

static void an_id_is_path_safe(void **state)
{
	static const char *const BAD[] = {"",    ".",    "..",   "a/b", "a b", "a%b",     "a?b",
					  "a#b", "a\\b", "a\nb", "a,b", "a;b", "\xC3\xA9"};
	char text[129];

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_true(text_is_id((struct slice){text, 128}, false));
	assert_false(text_is_id((struct slice){text, 129}, false));
	assert_true(text_is_id(SLICE("aZ09_.~-"), false));
	assert_true(text_is_id(SLICE("..."), false));
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
		assert_false(text_is_id(slice_of(BAD[i]), false));
		assert_false(text_is_id(slice_of(BAD[i]), true));
	}
	assert_false(text_is_id(SLICE("a\0b"), true));
}

static void ids_of_client_applications_may_be_addresses(void **state)
{
	(void)state;
	assert_true(text_is_id(SLICE("auth0|coach+1@example.com:x"), true));
	assert_false(text_is_id(SLICE("auth0|1"), false));
	assert_false(text_is_id(SLICE("a@b"), false));
	assert_false(text_is_id(SLICE("a:b"), false));
	assert_false(text_is_id(SLICE("a+b"), false));
}

static enum err decoded(const char *text, bool form, char *out, size_t size)
{
	size_t len;
	enum err e = text_percent_decode(slice_of(text), form, out, size, &len);

	assert_int_equal(len, strlen(out));
	return e;
}

static void percent_is_decoded_once(void **state)
{
	char out[16];

	(void)state;
	assert_int_equal(decoded("a%20b%2520c", false, out, sizeof(out)), OK);
	assert_string_equal(out, "a b%20c");
	assert_int_equal(decoded("%c3%A9", false, out, sizeof(out)), OK);
	assert_string_equal(out, "\xC3\xA9");
	assert_int_equal(decoded("", false, out, sizeof(out)), OK);
}

static void plus_is_a_space_in_forms_only(void **state)
{
	char out[16];

	(void)state;
	assert_int_equal(decoded("a+b%2B", true, out, sizeof(out)), OK);
	assert_string_equal(out, "a b+");
	assert_int_equal(decoded("a+b%2B", false, out, sizeof(out)), OK);
	assert_string_equal(out, "a+b+");
}

static void bad_escapes_and_nul_are_refused(void **state)
{
	static const char *const BAD[] = {"%",   "a%",  "%2",    "%zz", "%2g",
					  "%g2", "%00", "a%00b", "%%41"};
	char out[16];
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
		assert_int_equal(decoded(BAD[i], true, out, sizeof(out)), ERR_BAD_REQUEST);
		assert_string_equal(out, "");
	}
	assert_int_equal(text_percent_decode(SLICE("a\0b"), true, out, sizeof(out), &len),
			 ERR_BAD_REQUEST);
}

static void decoding_fits_or_gives_nothing(void **state)
{
	char out[4];
	size_t len = 9;

	(void)state;
	assert_int_equal(decoded("%41%42%43", false, out, sizeof(out)), OK);
	assert_string_equal(out, "ABC");
	assert_int_equal(decoded("ABCD", false, out, sizeof(out)), ERR_TOO_LONG);
	assert_string_equal(out, "");
	assert_int_equal(text_percent_decode(SLICE("a"), false, out, 0, &len), ERR_TOO_LONG);
	assert_int_equal(len, 0);
}

static void assert_json_char(struct slice text, const char *wanted, size_t wanted_taken)
{
	char out[TEXT_JSON_CHAR_BYTES];
	size_t taken, len = text_json_char(text, out, &taken);

	assert_int_equal(len, strlen(wanted));
	assert_memory_equal(out, wanted, len);
	assert_int_equal(taken, wanted_taken);
}

static void a_character_stands_safely_in_a_json_string(void **state)
{
	(void)state;
	assert_json_char(SLICE("a"), "a", 1);
	assert_json_char(SLICE("\"x"), "\\\"", 1);
	assert_json_char(SLICE("\\"), "\\\\", 1);
	assert_json_char(SLICE("\n"), "\\n", 1);
	assert_json_char(SLICE("\r"), "\\r", 1);
	assert_json_char(SLICE("\t"), "\\t", 1);
	assert_json_char(SLICE("\0"), "\\u0000", 1);
	assert_json_char(SLICE("\x1B[0m"), "\\u001b", 1);
	assert_json_char(SLICE("\x7F"), "\\u007f", 1);
	assert_json_char(SLICE("\xC2\x9B"), "\\u009b", 2);
	assert_json_char(SLICE("\xC2\xA0"), "\xC2\xA0", 2);
	assert_json_char(SLICE("\xE2\x80\xA8"), "\\u2028", 3);
	assert_json_char(SLICE("\xE2\x80\xA9"), "\\u2029", 3);
	assert_json_char(SLICE("\xE2\x80\xAA"), "\xE2\x80\xAA", 3);
	assert_json_char(SLICE("\xF0\x9F\x98\x80x"), "\xF0\x9F\x98\x80", 4);
	assert_json_char(SLICE("\xFF!"), "\\ufffd", 1);
	assert_json_char(SLICE("\xE2\x82"), "\\ufffd", 1);
}

static void what_needs_no_escape_is_told_in_one_go(void **state)
{
	char one[1];

	(void)state;
	assert_int_equal(text_json_plain(SLICE("")), 0);
	assert_int_equal(text_json_plain((struct slice){NULL, 0}), 0);
	assert_int_equal(text_json_plain(SLICE("Coffee at 10, {n} [x] ~!")), 24);
	assert_int_equal(text_json_plain(SLICE("say \"x\"")), 4);
	assert_int_equal(text_json_plain(SLICE("tab\t")), 3);
	for (unsigned c = 0; c < 256; c++) {
		char out[TEXT_JSON_CHAR_BYTES];
		size_t taken;

		one[0] = (char)c;
		if (text_json_plain((struct slice){one, 1}) == 0)
			continue;
		assert_in_range(c, 0x20, 0x7E);
		assert_int_equal(text_json_char((struct slice){one, 1}, out, &taken), 1);
		assert_int_equal(out[0], one[0]);
	}
}

static void a_number_is_written_as_it_is_read(void **state)
{
	static const int64_t NUMBERS[] = {0, 7, -1, 10, -10, 1764687600123, INT64_MAX, INT64_MIN};
	char text[TEXT_INT_BYTES], wanted[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(NUMBERS); i++) {
		snprintf(wanted, sizeof(wanted), "%" PRId64, NUMBERS[i]);
		assert_int_equal(text_from_int(NUMBERS[i], text), strlen(wanted));
		assert_string_equal(text, wanted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_null_string_is_the_empty_slice),
		cmocka_unit_test(a_slice_is_compared_by_all_its_bytes),
		cmocka_unit_test(case_is_ignored_for_ascii_letters_only),
		cmocka_unit_test(a_prefix_may_be_all_of_it_but_not_more),
		cmocka_unit_test(white_space_goes_at_both_ends),
		cmocka_unit_test(cutting_sees_every_piece_even_empty_ones),
		cmocka_unit_test(a_copy_is_whole_or_empty),
		cmocka_unit_test(utf8_is_judged_by_rfc_3629),
		cmocka_unit_test(controls_are_found_but_for_tab_and_lf_in_lines),
		cmocka_unit_test(an_integer_is_plain_decimal_digits),
		cmocka_unit_test(an_integer_keeps_to_its_range_and_never_wraps),
		cmocka_unit_test(an_address_is_one_plain_mailbox),
		cmocka_unit_test(an_address_is_at_most_254_bytes),
		cmocka_unit_test(an_id_is_path_safe),
		cmocka_unit_test(ids_of_client_applications_may_be_addresses),
		cmocka_unit_test(percent_is_decoded_once),
		cmocka_unit_test(plus_is_a_space_in_forms_only),
		cmocka_unit_test(bad_escapes_and_nul_are_refused),
		cmocka_unit_test(decoding_fits_or_gives_nothing),
		cmocka_unit_test(a_character_stands_safely_in_a_json_string),
		cmocka_unit_test(what_needs_no_escape_is_told_in_one_go),
		cmocka_unit_test(a_number_is_written_as_it_is_read),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
