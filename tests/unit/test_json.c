#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/json.h"

static struct arena *arena;

static int make(void **state)
{
	(void)state;
	arena = arena_new(8192, 64 * 1024 * 1024);
	return arena ? 0 : -1;
}

static int drop(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static const struct json *accepted(struct slice text, const struct json_limits *limits)
{
	const struct json *root = NULL;
	struct fail why = {0};
	enum err e = json_read(arena, text, limits, &root, &why);

	if (e)
		fail_msg("%.60s: %s at %zu", text.data, why.reason, why.offset);
	assert_non_null(root);
	return root;
}

static void assert_refused(struct slice text, const struct json_limits *limits, const char *reason,
			   size_t offset)
{
	const struct json *root = (const void *)"stale";
	struct fail why = {0};

	assert_int_equal(json_read(arena, text, limits, &root, &why), ERR_MALFORMED);
	assert_null(root);
	if (strcmp(why.reason, reason) != 0 || why.offset != offset)
		fail_msg("%.60s: said %s at %zu, not %s at %zu", text.data, why.reason, why.offset,
			 reason, offset);
}

/* One document that is refused, with what must be said of it. */
struct bad {
	const char *text;
	const char *reason;
	size_t offset;
};

static void assert_all_refused(const struct bad *rows, size_t n, const struct json_limits *limits)
{
	for (size_t i = 0; i < n; i++)
		assert_refused(slice_of(rows[i].text), limits, rows[i].reason, rows[i].offset);
}

/* head, then unit n times, then tail; in the arena. */
static struct slice repeated(const char *head, const char *unit, size_t n, const char *tail)
{
	struct buf buf;

	buf_init(&buf, arena, 16 * 1024 * 1024);
	buf_add_text(&buf, head);
	while (n-- > 0)
		buf_add_text(&buf, unit);
	buf_add_text(&buf, tail);
	assert_int_equal(buf_error(&buf), OK);
	return buf_slice(&buf);
}

static struct slice written(const struct json *value)
{
	struct json_writer w;
	struct buf *buf = arena_alloc(arena, sizeof(*buf));

	buf_init(buf, arena, 16 * 1024 * 1024);
	json_writer_init(&w, buf);
	json_add_value(&w, NULL, value);
	assert_int_equal(buf_error(buf), OK);
	return buf_slice(buf);
}

static void every_kind_of_value_is_read(void **state)
{
	const struct json *root =
		accepted(SLICE(" {\"t\":\"x\",\"n\":-1.50e+3,\"yes\":true,\"no\":false,\"z\":null,"
			       "\"a\":[1,[],{}],\"o\":{\"in\":\"side\"}}\r\n"),
			 &JSON_REQUEST);
	const struct json *list = json_member(root, "a");

	(void)state;
	assert_int_equal(root->kind, JSON_OBJECT);
	assert_int_equal(root->count, 7);
	assert_true(slice_is(json_text(root, "t"), "x"));
	assert_int_equal(json_member(root, "n")->kind, JSON_NUMBER);
	assert_string_equal(json_member(root, "n")->text.data, "-1.50e+3");
	assert_true(json_member(root, "yes")->truth);
	assert_int_equal(json_member(root, "no")->kind, JSON_BOOL);
	assert_false(json_member(root, "no")->truth);
	assert_int_equal(json_member(root, "z")->kind, JSON_NULL);
	assert_int_equal(list->count, 3);
	assert_string_equal(list->first->text.data, "1");
	assert_int_equal(list->first->next->kind, JSON_ARRAY);
	assert_int_equal(list->first->next->next->kind, JSON_OBJECT);
	assert_null(list->first->next->next->next);
	assert_true(slice_is(json_text(json_member(root, "o"), "in"), "side"));
}

static void a_member_knows_where_its_name_stands(void **state)
{
	const struct json *root =
		accepted(SLICE("{ \"a\" : 1 , \"\\u0062\\\"\":[ {\"c\":2} ] }"), &JSON_REQUEST);

	(void)state;
	assert_int_equal(root->first->at, 2);
	assert_int_equal(root->first->next->at, 12);
	assert_true(slice_is(root->first->next->name, "b\""));
	assert_int_equal(root->first->next->first->first->at, 26);
}

static void escapes_and_utf8_are_decoded(void **state)
{
	const struct json *root = accepted(
		SLICE("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00E9\\u20ac\\uD83D\\uDe00"
		      "\xC3\xA9\xF0\x9F\x98\x80\",\"b\":\"\"}"),
		&JSON_REQUEST);

	(void)state;
	assert_true(slice_is(json_text(root, "a"), "\"\\/\b\f\n\r\tA\xC3\xA9\xE2\x82\xAC"
						   "\xF0\x9F\x98\x80\xC3\xA9\xF0\x9F\x98\x80"));
	assert_non_null(json_text(root, "b").data);
	assert_int_equal(json_text(root, "b").len, 0);
}

static void what_is_read_does_not_point_into_the_text(void **state)
{
	char text[] = "{\"name\":\"value\",\"n\":12}";
	const struct json *root = accepted(slice_of(text), &JSON_REQUEST);

	(void)state;
	memset(text, '#', sizeof(text));
	assert_string_equal(json_text(root, "name").data, "value");
	assert_string_equal(json_member(root, "n")->text.data, "12");
	assert_string_equal(root->first->name.data, "name");
}

static void bytes_that_are_no_utf8_are_refused_where_they_stand(void **state)
{
	static const struct bad ROWS[] = {
		{"{\"a\":\"\xC0\xAF\"}", "invalid UTF-8", 6},
		{"{\"a\":\"x\xED\xA0\x80\"}", "invalid UTF-8", 7},
		{"{\"a\":\"\xF5\x80\x80\x80\"}", "invalid UTF-8", 6},
		{"{\"a\":\"\xFF\"}", "invalid UTF-8", 6},
		{"{\"\xE2\x82\":1}", "invalid UTF-8", 2},
		{"{\"a\":1}\xFF", "invalid UTF-8", 7},
		{"\xEF\xBB\xBF{\"a\":1}", "byte order mark", 0},
		{"\xFE\xFF{}", "invalid UTF-8", 0},
	};

	(void)state;
	assert_all_refused(ROWS, ARRAY_LEN(ROWS), &JSON_REQUEST);
}

static void escapes_that_yajl_would_alter_are_refused(void **state)
{
	static const struct bad ROWS[] = {
		{"{\"a\":\"\\u0000\"}", "NUL in a text", 6},
		{"{\"a\\u0000b\":1}", "NUL in a text", 3},
		{"{\"a\":\"x\\ud800\"}", "lone surrogate", 7},
		{"{\"a\":\"\\udc00\"}", "lone surrogate", 6},
		{"{\"a\":\"\\ud800x\\udc00\"}", "lone surrogate", 6},
		{"{\"a\":\"\\ud800\\ud800\\udc00\"}", "lone surrogate", 6},
		{"{\"a\":\"\\udc00\\ud800\"}", "lone surrogate", 6},
		{"{\"a\":\"\\udc00\\udc00\"}", "lone surrogate", 6},
		{"{\"a\":\"\\ud800\\u0041\"}", "lone surrogate", 6},
		{"{\"a\":\"\\ud83d\\nde00\"}", "lone surrogate", 6},
		{"{\"\\ud800\":1}", "lone surrogate", 2},
		{"{\"a\":\"\\x41\"}", "unknown escape", 6},
		{"{\"a\":\"\\'\"}", "unknown escape", 6},
		{"{\"a\":\"\\u12\"}", "unknown escape", 6},
		{"{\"a\":\"\\u12g4\"}", "unknown escape", 6},
		{"{\"a\":\"\\U0041\"}", "unknown escape", 6},
		{"{\"a\":\"\\\\\\a\"}", "unknown escape", 8},
	};

	(void)state;
	assert_all_refused(ROWS, ARRAY_LEN(ROWS), &JSON_REQUEST);
	assert_refused(SLICE("{\"a\":\"\\\0\"}"), &JSON_REQUEST, "unknown escape", 6);
}

static void raw_control_characters_are_refused(void **state)
{
	static const struct bad ROWS[] = {
		{"{\"a\":\"x\ny\"}", "control character", 7},
		{"{\"a\":\"\t\"}", "control character", 6},
		{"{\"a\":\"\x1F\"}", "control character", 6},
		{"{\"a\":\v1}", "control character", 5},
		{"{\"a\":1\f}", "control character", 6},
		{"\x1E{}", "control character", 0},
	};

	(void)state;
	assert_all_refused(ROWS, ARRAY_LEN(ROWS), &JSON_REQUEST);
	assert_refused(SLICE("{\"a\":\"\0\"}"), &JSON_REQUEST, "NUL in a text", 6);
	assert_refused(SLICE("{\"a\":1}\0"), &JSON_REQUEST, "NUL in a text", 7);
	accepted(SLICE("\t\r\n {\n\t\"a\"\r:1} \r\n\t"), &JSON_REQUEST);
}

static void a_fault_of_grammar_is_told_at_its_token(void **state)
{
	static const struct bad ROWS[] = {
		{"{\"a\" 1}", "not valid JSON", 5},
		{"{\"a\":1,}", "not valid JSON", 7},
		{"{\"a\":1,,\"b\":2}", "not valid JSON", 7},
		{"{\"a\"::1}", "not valid JSON", 5},
		{"{\"a\":1:2}", "not valid JSON", 6},
		{"{\"a\" , 1}", "not valid JSON", 5},
		{"{\"a\":[:1]}", "not valid JSON", 6},
		{"{\"a\":[{}:]}", "not valid JSON", 8},
		{"{,\"a\":1}", "not valid JSON", 1},
		{"{\"a\":}", "not valid JSON", 5},
		{"{\"a\":[1 2]}", "not valid JSON", 8},
		{"{\"a\":[\"x\" \"y\"]}", "not valid JSON", 10},
		{"{\"a\":[1}", "not valid JSON", 7},
		{"{\"a\":[1,]}", "not valid JSON", 8},
		{"{a:1}", "not valid JSON", 1},
		{"{'a':1}", "not valid JSON", 1},
		{"{1:2}", "not valid JSON", 1},
		{"{\"a\":01}", "not valid JSON", 6},
		{"{\"a\":-}", "not valid JSON", 5},
		{"{\"a\":+1}", "not valid JSON", 5},
		{"{\"a\":.5}", "not valid JSON", 5},
		{"{\"a\":1.}", "not valid JSON", 5},
		{"{\"a\":1e}", "not valid JSON", 5},
		{"{\"a\":0x10}", "not valid JSON", 6},
		{"{\"a\":NaN}", "not valid JSON", 5},
		{"{\"a\":Infinity}", "not valid JSON", 5},
		{"{\"a\":nul}", "not valid JSON", 5},
		{"{\"a\":truex}", "not valid JSON", 9},
		{"{\"a\":True}", "not valid JSON", 5},
		{"{\"a\":nullnull}", "not valid JSON", 9},
		{"}", "not valid JSON", 0},
		{"{\"a\": \xC3\xA9}", "not valid JSON", 6},
		{"{\"a\": /* x */ 1}", "comment", 6},
		{"// x\n{}", "comment", 0},
		{"{\"a\":1, // x\n\"b\":2}", "comment", 8},
	};

	(void)state;
	assert_all_refused(ROWS, ARRAY_LEN(ROWS), &JSON_REQUEST);
}

static void a_text_that_ends_too_early_is_told_at_its_end(void **state)
{
	static const char WHOLE[] = "{\"a\":[1,true,\"x\\n\\u00e9\"],\"b\":{}}";

	(void)state;
	for (size_t len = 1; len < sizeof(WHOLE) - 1; len++) {
		struct slice cut = {WHOLE, len};
		const struct json *root;
		struct fail why = {0};

		assert_int_equal(json_read(arena, cut, &JSON_REQUEST, &root, &why), ERR_MALFORMED);
		if (strcmp(why.reason, "unknown escape") == 0)
			continue; /* cut inside \u00e9 */
		assert_string_equal(why.reason, "ended too early");
		assert_int_equal(why.offset, len);
	}
	accepted(SLICE(WHOLE), &JSON_REQUEST);
}

static void nothing_may_follow_the_document(void **state)
{
	static const struct bad ROWS[] = {
		{"{\"a\":1}{}", "trailing data", 7},
		{"{\"a\":1} x", "trailing data", 8},
		{"{\"a\":1}\n\"tail\"", "trailing data", 8},
		{"{},", "trailing data", 2},
		{"{}}", "trailing data", 2},
		{"{} /* x */", "trailing data", 3},
		{"{} 1", "trailing data", 3},
		{"{} nul", "trailing data", 3},
		{"{} \"", "trailing data", 3},
	};

	(void)state;
	assert_all_refused(ROWS, ARRAY_LEN(ROWS), &JSON_REQUEST);
	assert_refused(SLICE("12 13"), &JSON_PROVIDER, "trailing data", 3);
	assert_refused(SLICE("null null"), &JSON_PROVIDER, "trailing data", 5);
}

static void an_empty_document_is_refused(void **state)
{
	(void)state;
	assert_refused(SLICE(""), &JSON_REQUEST, "empty document", 0);
	assert_refused(SLICE(" \r\n\t "), &JSON_REQUEST, "empty document", 0);
	assert_refused(slice_of(NULL), &JSON_PROVIDER, "empty document", 0);
}

static void a_request_is_an_object(void **state)
{
	static const struct bad ROWS[] = {
		{"[]", "top level is not an object", 0},
		{" [{}]", "top level is not an object", 1},
		{"\"x\"", "top level is not an object", 0},
		{" 12", "top level is not an object", 1},
		{"12 ", "top level is not an object", 0},
		{"true", "top level is not an object", 0},
		{"null", "top level is not an object", 0},
	};

	(void)state;
	assert_all_refused(ROWS, ARRAY_LEN(ROWS), &JSON_REQUEST);
}

static void a_provider_may_answer_any_value(void **state)
{
	(void)state;
	assert_int_equal(accepted(SLICE("[]"), &JSON_PROVIDER)->kind, JSON_ARRAY);
	assert_string_equal(accepted(SLICE(" 12"), &JSON_PROVIDER)->text.data, "12");
	assert_string_equal(accepted(SLICE("-0.5e1\n"), &JSON_PROVIDER)->text.data, "-0.5e1");
	assert_string_equal(accepted(SLICE("\"x\\ny\""), &JSON_PROVIDER)->text.data, "x\ny");
	assert_int_equal(accepted(SLICE("null"), &JSON_PROVIDER)->kind, JSON_NULL);
}

static void duplicate_members_are_refused_at_any_level(void **state)
{
	static const struct bad ROWS[] = {
		{"{\"a\":1,\"a\":1}", "duplicate member", 7},
		{"{\"a\":1,\"b\":2,\"c\":{\"x\":1,\"y\":[{\"z\":0, \"z\":1}]}}", "duplicate member",
		 37},
		{"{\"a\":1,\"\\u0061\":2}", "duplicate member", 7},
		{"{\"\":1,\"\":2}", "duplicate member", 6},
		{"{\"b\":1,\"a\":1,\"a\":2,\"b\":3}", "duplicate member", 13},
		{"{\"a\":1,\"a\":2,\"a\":3}", "duplicate member", 7},
	};

	(void)state;
	assert_all_refused(ROWS, ARRAY_LEN(ROWS), &JSON_REQUEST);
	accepted(SLICE("{\"a\":{\"a\":[{\"a\":1},{\"a\":2}]},\"A\":1,\"aa\":2}"), &JSON_REQUEST);
}

static void a_duplicate_is_found_among_few_members_and_many(void **state)
{
	struct buf buf;

	(void)state;
	for (int between = 0; between <= 198; between++) {
		buf_init(&buf, arena, 100000);
		buf_add_text(&buf, "{\"first\":0");
		for (int i = 0; i < between; i++)
			buf_format(&buf, ",\"member%d\":%d", i, i);
		buf_add_text(&buf, ",\"first\":1}");
		assert_refused(buf_slice(&buf), &JSON_REQUEST, "duplicate member", buf.len - 10);
	}
}

static void nesting_ends_at_its_limit(void **state)
{
	(void)state;
	accepted(repeated("{\"a\":", "[", 15, "]]]]]]]]]]]]]]]}"), &JSON_REQUEST);
	assert_refused(repeated("{\"a\":", "[", 16, "]]]]]]]]]]]]]]]]}"), &JSON_REQUEST,
		       "nested too deeply", 5 + 15);
	assert_refused(repeated("", "{\"a\":", 17, "1"), &JSON_REQUEST, "nested too deeply", 80);
	accepted(repeated("", "[", 32, "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"), &JSON_PROVIDER);
	assert_refused(repeated("", "[", 33, ""), &JSON_PROVIDER, "nested too deeply", 32);
}

static void endless_nesting_is_refused_at_once(void **state)
{
	struct slice text = repeated("{\"a\":", "[", 1000000, "");
	int64_t before = clock_mono_ms();

	(void)state;
	assert_refused(text, &JSON_REQUEST, "nested too deeply", 20);
	assert_true(clock_mono_ms() - before < 500);
}

static void values_are_counted_with_what_holds_them(void **state)
{
	(void)state;
	accepted(repeated("{\"a\":[0", ",0", 997, "]}"), &JSON_REQUEST);
	assert_refused(repeated("{\"a\":[0", ",0", 998, "]}"), &JSON_REQUEST, "too many values",
		       6 + 2 * 998);
	accepted(repeated("[0", ",0", 99998, "]"), &JSON_PROVIDER);
	assert_refused(repeated("[0", ",0", 99999, "]"), &JSON_PROVIDER, "too many values",
		       1 + 2 * 99999);
}

/* An object with n different members. */
static struct slice wide_object(unsigned n)
{
	struct buf buf;

	buf_init(&buf, arena, 16 * 1024 * 1024);
	buf_add_byte(&buf, '{');
	for (unsigned i = 0; i < n; i++)
		buf_format(&buf, "%s\"%04x\":0", i ? "," : "", i);
	buf_add_byte(&buf, '}');
	return buf_slice(&buf);
}

static void an_object_has_a_limit_of_members(void **state)
{
	(void)state;
	assert_int_equal(accepted(wide_object(200), &JSON_REQUEST)->count, 200);
	assert_refused(wide_object(201), &JSON_REQUEST, "too many members", 200 * 9 + 1);
	assert_int_equal(accepted(wide_object(4096), &JSON_PROVIDER)->count, 4096);
	assert_refused(wide_object(4097), &JSON_PROVIDER, "too many members", 4096 * 9 + 1);
}

static void names_and_texts_have_limits_as_decoded(void **state)
{
	(void)state;
	accepted(repeated("{\"", "x", 64, "\":1}"), &JSON_REQUEST);
	accepted(repeated("{\"", "\\u0041", 64, "\":1}"), &JSON_REQUEST);
	assert_refused(repeated("{\"", "x", 65, "\":1}"), &JSON_REQUEST, "member name too long", 1);
	accepted(repeated("{\"a\":\"", "x", 32768, "\"}"), &JSON_REQUEST);
	accepted(repeated("{\"a\":\"", "\\n", 32768, "\"}"), &JSON_REQUEST);
	assert_refused(repeated("{\"a\": \"", "\\n", 32769, "\"}"), &JSON_REQUEST, "text too long",
		       6);
	assert_refused(repeated("{\"a\":", "1", 32769, "}"), &JSON_REQUEST, "text too long", 5);
	accepted(repeated("{\"", "x", 256, "\":1}"), &JSON_PROVIDER);
	assert_refused(repeated("{\"", "x", 257, "\":1}"), &JSON_PROVIDER, "member name too long",
		       1);
	accepted(repeated("\"", "x", 524288, "\""), &JSON_PROVIDER);
	assert_refused(repeated("\"", "x", 524289, "\""), &JSON_PROVIDER, "text too long", 0);
	assert_refused(repeated("", "1", 524289, ""), &JSON_PROVIDER, "text too long", 0);
}

static void no_choice_of_names_makes_it_slow(void **state)
{
	struct buf buf;
	int64_t before;

	(void)state;
	buf_init(&buf, arena, 4 * 1024 * 1024);
	buf_add_byte(&buf, '[');
	for (unsigned object = 0; object < 24; object++)
		buf_format(&buf, "%s%s", object ? "," : "", wide_object(4096).data);
	buf_add_byte(&buf, ']');
	before = clock_mono_ms();
	accepted(buf_slice(&buf), &JSON_PROVIDER);
	assert_true(clock_mono_ms() - before < 1000);
}

static void no_memory_is_an_error_wherever_it_ends(void **state)
{
	static const char TEXT[] = "{\"a\":\"x\\ny\",\"b\":[1,2,{\"c\":null}],\"d\":\"tail\"} ";
	const struct json *root;
	struct fail why = {0};
	size_t ceiling = 0;
	enum err e;

	(void)state;
	do {
		struct arena *small = arena_new(256, ceiling);

		assert_non_null(small);
		e = json_read(small, SLICE(TEXT), &JSON_REQUEST, &root, &why);
		assert_true(e == OK || e == ERR_NOMEM);
		assert_int_equal(root != NULL, e == OK);
		arena_free(small);
		ceiling += 16;
	} while (e);
	assert_true(ceiling > 512);
}

static void a_small_body_takes_no_more_than_a_small_arena(void **state)
{
	struct arena *small = arena_new(256, 2500);
	const struct json *root;

	(void)state;
	assert_non_null(small);
	assert_int_equal(json_read(small,
				   SLICE("{\"slot\":\"2026-05-01T10:00:00-04:00\","
					 "\"title\":\"Coffee\",\"durationMinutes\":45,"
					 "\"inviteeEmails\":[\"a@example.com\"]}\n"),
				   &JSON_REQUEST, &root, NULL),
			 OK);
	arena_free(small);
}

static void members_are_found_by_their_whole_name(void **state)
{
	const struct json *root = accepted(SLICE("{\"ab\":\"x\",\"n\":1}"), &JSON_REQUEST);

	(void)state;
	assert_null(json_member(root, "a"));
	assert_null(json_member(root, "abc"));
	assert_null(json_member(NULL, "ab"));
	assert_null(json_member(json_member(root, "n"), "ab"));
	assert_null(json_text(root, "n").data);
	assert_null(json_text(root, "no").data);
	assert_null(json_text(NULL, "ab").data);
}

static void an_integer_is_written_as_one(void **state)
{
	static const char *const BAD[] = {"\"45\"",
					  "45.5",
					  "45.0",
					  "1e2",
					  "1e400",
					  "-0",
					  "true",
					  "null",
					  "[45]",
					  "{}",
					  "99999999999999999999"};
	struct buf buf;
	int64_t n = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
		buf_init(&buf, arena, 100);
		buf_format(&buf, "{\"n\":%s}", BAD[i]);
		assert_false(json_is_int(json_member(accepted(buf_slice(&buf), &JSON_REQUEST), "n"),
					 INT64_MIN, INT64_MAX, &n));
		assert_int_equal(n, 0);
	}
	assert_false(json_is_int(NULL, 0, 9, &n));
	assert_true(json_is_int(accepted(SLICE("-12"), &JSON_PROVIDER), -12, 0, &n));
	assert_int_equal(n, -12);
	assert_false(json_is_int(accepted(SLICE("-12"), &JSON_PROVIDER), -11, 0, &n));
}

static void the_writer_places_commas_names_and_brackets(void **state)
{
	struct json_writer w;
	struct buf buf;

	(void)state;
	buf_init(&buf, arena, 1000);
	json_writer_init(&w, &buf);
	json_open(&w, NULL);
	json_open_array(&w, "list");
	json_add_int(&w, NULL, INT64_MIN);
	json_open(&w, NULL);
	json_close(&w);
	json_open_array(&w, NULL);
	json_close_array(&w);
	json_add_bool(&w, NULL, false);
	json_close_array(&w);
	json_add_bool(&w, "yes", true);
	json_add_null(&w, "none");
	json_add_string(&w, "text", "x");
	json_add_string(&w, "nil", NULL);
	json_add_text(&w, "empty", slice_of(NULL));
	json_add_raw(&w, "raw", SLICE("{\"a\":1}"));
	json_open(&w, "o");
	json_add_int(&w, "n", 1);
	json_close(&w);
	json_close(&w);
	assert_int_equal(buf_error(&buf), OK);
	assert_string_equal(buf.data, "{\"list\":[-9223372036854775808,{},[],false],\"yes\":true,"
				      "\"none\":null,\"text\":\"x\",\"nil\":null,\"empty\":\"\","
				      "\"raw\":{\"a\":1},\"o\":{\"n\":1}}");
	accepted(buf_slice(&buf), &JSON_REQUEST);
}

static void whatever_text_is_written_can_be_read(void **state)
{
	static const char HOSTILE[] = "\" \\ \r\n\x1B[31m \x7F \xC2\x85 \xE2\x80\xA8 </script> "
				      "\xF0\x9F\x98\x80 \xFF \xC3";
	struct json_writer w;
	struct buf buf;
	struct slice text;

	(void)state;
	buf_init(&buf, arena, 1000);
	json_writer_init(&w, &buf);
	json_open(&w, NULL);
	json_add_text(&w, "a\"b\n", SLICE(HOSTILE));
	json_close(&w);
	assert_int_equal(buf_error(&buf), OK);
	assert_false(text_has_control(buf_slice(&buf), false));
	text = json_text(accepted(buf_slice(&buf), &JSON_REQUEST), "a\"b\n");
	assert_memory_equal(text.data, HOSTILE, strlen(HOSTILE) - 3);
	assert_string_equal(text.data + strlen(HOSTILE) - 3, "\xEF\xBF\xBD \xEF\xBF\xBD");
}

static void what_was_read_is_written_the_same(void **state)
{
	static const char *const SAME[] = {
		"{}",
		"[]",
		"[[],{},[[]]]",
		"{\"a\":{\"b\":[1,{\"c\":[]},\"x\"],\"d\":null},\"e\":true}",
		"[1e400,-0,0.10,false]",
		"\"caf\xC3\xA9 \\\" \\\\ \\n \\u001b\"",
		"{\"\":\"\",\"a\\nb\":12345678901234567890}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(SAME); i++) {
		const struct json *root = accepted(slice_of(SAME[i]), &JSON_PROVIDER);

		assert_string_equal(written(root).data, SAME[i]);
	}
	assert_int_equal(written(accepted(repeated("", "[", 32, "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"),
					  &JSON_PROVIDER))
				 .len,
			 64);
}

static void a_member_is_written_without_its_siblings(void **state)
{
	const struct json *root = accepted(SLICE("{\"a\":{\"x\":1},\"b\":2}"), &JSON_REQUEST);
	struct json_writer w;
	struct buf buf;

	(void)state;
	buf_init(&buf, arena, 100);
	json_writer_init(&w, &buf);
	json_open(&w, NULL);
	json_add_value(&w, "copy", json_member(root, "a"));
	json_add_value(&w, "two", json_member(root, "b"));
	json_close(&w);
	assert_string_equal(buf.data, "{\"copy\":{\"x\":1},\"two\":2}");
}

static void misuse_of_the_writer_sticks_as_an_error(void **state)
{
	struct json_writer w;
	struct buf buf;

	(void)state;
	buf_init(&buf, arena, 1000);
	json_writer_init(&w, &buf);
	json_close(&w);
	assert_int_equal(buf_error(&buf), ERR_INTERNAL);
	buf_clear(&buf);
	json_writer_init(&w, &buf);
	for (int i = 0; i < JSON_WRITE_DEPTH_MAX; i++)
		json_open_array(&w, NULL);
	assert_int_equal(buf_error(&buf), OK);
	json_open_array(&w, NULL);
	assert_int_equal(buf_error(&buf), ERR_INTERNAL);
}

static void the_writer_keeps_to_the_ceiling_of_its_buf(void **state)
{
	struct json_writer w;
	struct buf buf;

	(void)state;
	buf_init(&buf, arena, 8);
	json_writer_init(&w, &buf);
	json_add_string(&w, NULL, "123456789");
	assert_int_equal(buf_error(&buf), ERR_TOO_LONG);
}

#define RULE(test) cmocka_unit_test_setup_teardown(test, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RULE(every_kind_of_value_is_read),
		RULE(a_member_knows_where_its_name_stands),
		RULE(escapes_and_utf8_are_decoded),
		RULE(what_is_read_does_not_point_into_the_text),
		RULE(bytes_that_are_no_utf8_are_refused_where_they_stand),
		RULE(escapes_that_yajl_would_alter_are_refused),
		RULE(raw_control_characters_are_refused),
		RULE(a_fault_of_grammar_is_told_at_its_token),
		RULE(a_text_that_ends_too_early_is_told_at_its_end),
		RULE(nothing_may_follow_the_document),
		RULE(an_empty_document_is_refused),
		RULE(a_request_is_an_object),
		RULE(a_provider_may_answer_any_value),
		RULE(duplicate_members_are_refused_at_any_level),
		RULE(a_duplicate_is_found_among_few_members_and_many),
		RULE(nesting_ends_at_its_limit),
		RULE(endless_nesting_is_refused_at_once),
		RULE(values_are_counted_with_what_holds_them),
		RULE(an_object_has_a_limit_of_members),
		RULE(names_and_texts_have_limits_as_decoded),
		RULE(no_choice_of_names_makes_it_slow),
		RULE(no_memory_is_an_error_wherever_it_ends),
		RULE(a_small_body_takes_no_more_than_a_small_arena),
		RULE(members_are_found_by_their_whole_name),
		RULE(an_integer_is_written_as_one),
		RULE(the_writer_places_commas_names_and_brackets),
		RULE(whatever_text_is_written_can_be_read),
		RULE(what_was_read_is_written_the_same),
		RULE(a_member_is_written_without_its_siblings),
		RULE(misuse_of_the_writer_sticks_as_an_error),
		RULE(the_writer_keeps_to_the_ceiling_of_its_buf),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
