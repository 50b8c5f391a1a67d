#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/html.h"
#include "tests/unit/arena_fixture.h"

struct told {
	const char *html;
	const char *wanted;
};

static void assert_told(const struct told *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct slice text;

		assert_int_equal(html_to_text(arena, slice_of(cases[i].html), &text), OK);
		if (!slice_is(text, cases[i].wanted))
			fail_msg("%s: \"%.*s\", not \"%s\"", cases[i].html, (int)text.len,
				 text.data, cases[i].wanted);
	}
}

static void lines_end_where_people_see_them_end(void **state)
{
	static const struct told CASES[] = {
		{"", ""},
		{"one", "one"},
		{"one<br>two", "one\ntwo"},
		{"one<BR/>two<br />three", "one\ntwo\nthree"},
		{"one<br>\r\ntwo", "one\ntwo"},
		{"<p>one</p><p>two</p>", "one\ntwo"},
		{"<div>one</div>\r\n<div>two</div>\r\n", "one\ntwo"},
		{"<div>one</div><div><br></div><div>two</div>", "one\n\ntwo"},
		{"one<div>two</div>three", "one\ntwo\nthree"},
		{"<ul><li>one</li><li>two</li></ul>", "one\ntwo"},
		{"<table><tr><td>one</td></tr><tr><td>two</td></tr></table>", "one\ntwo"},
		{"on<b>e</b> <i>two</i>", "one two"},
	};

	(void)state;
	assert_told(CASES, ARRAY_LEN(CASES));
}

static void spaces_stay_and_the_sources_line_ends_are_spaces(void **state)
{
	static const struct told CASES[] = {
		{"one  two", "one  two"},
		{"one\ttwo", "one\ttwo"},
		{"one&nbsp; two", "one  two"},
		{"one\r\ntwo", "one two"},
		{"one \r\n two", "one two"},
		{"one<br>&nbsp;&nbsp;two", "one\n  two"},
		{"one<br>\r\n   two", "one\ntwo"},
		{"  <p>  one</p>  ", "one"},
		{"one<br>", "one"},
	};

	(void)state;
	assert_told(CASES, ARRAY_LEN(CASES));
}

static void references_stand_for_their_character(void **state)
{
	static const struct told CASES[] = {
		{"&lt;b&gt; &amp; &quot;x&quot; &apos;y&apos;", "<b> & \"x\" 'y'"},
		{"&amp;lt;", "&lt;"},
		{"&#65;&#x42;&#X43;", "ABC"},
		{"caf&#233; &#x20ac; &#x1F600;", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
		{"a&#160;b", "a b"},
		{"&", "&"},
		{"&&&", "&&&"},
		{"&;", "&;"},
		{"&#;", "&#;"},
		{"&#x;", "&#x;"},
		{"&#0;&#x0;", "&#0;&#x0;"},
		{"&#xD800;&#x110000;&#128;&#27;", "&#xD800;&#x110000;&#128;&#27;"},
		{"&#-5;&#+5;&# 5;", "&#-5;&#+5;&# 5;"},
		{"&#99999999999999999999;", "&#99999999999999999999;"},
		{"&unknown; &amp", "&unknown; &amp"},
		{"AT&T; R&D", "AT&T; R&D"},
	};

	(void)state;
	assert_told(CASES, ARRAY_LEN(CASES));
}

static void what_is_not_for_reading_goes(void **state)
{
	static const struct told CASES[] = {
		{"<html><head>\r\n<meta charset=\"utf-8\"><title>no</title></head>\r\n<body>\r\n"
		 "one\r\n</body>\r\n</html>\r\n",
		 "one"},
		{"<style><!-- p {color:red} --></style>one", "one"},
		{"<script>if (a<b) x('</p>')</script>one", "one"},
		{"one<!-- two > three -->four", "onefour"},
		{"one<!-- two", "one"},
		{"one<style>two", "one"},
		{"<a href=\"x>y\" title='a>b'>one</a>", "one"},
		{"<!DOCTYPE html><?xml x?>one", "one"},
		{"one<b", "one"},
		{"one<", "one<"},
		{"1 < 2 > 1", "1 < 2 > 1"},
		{"<header>one</header>", "one"},
		{"</style>one", "one"},
	};

	(void)state;
	assert_told(CASES, ARRAY_LEN(CASES));
}

static void a_text_without_an_end_is_read_in_linear_time(void **state)
{
	static char html[1024 * 1024];
	struct slice text;

	(void)state;
	memset(html, '<', sizeof(html));
	assert_int_equal(html_to_text(arena, (struct slice){html, sizeof(html)}, &text), OK);
	memset(html, '&', sizeof(html));
	assert_int_equal(html_to_text(arena, (struct slice){html, sizeof(html)}, &text), OK);
	for (size_t i = 0; i + 4 <= sizeof(html); i += 4)
		memcpy(html + i, "<!--", 4);
	assert_int_equal(html_to_text(arena, (struct slice){html, sizeof(html)}, &text), OK);
	assert_int_equal(text.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_end_where_people_see_them_end),
		cmocka_unit_test(spaces_stay_and_the_sources_line_ends_are_spaces),
		cmocka_unit_test(references_stand_for_their_character),
		cmocka_unit_test(what_is_not_for_reading_goes),
		cmocka_unit_test(a_text_without_an_end_is_read_in_linear_time),
	};

	return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
