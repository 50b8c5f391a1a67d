#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "provider/outlook_body.h"
#include "tests/unit/arena_fixture.h"

#define RULE "________________________________________________________________________________"
#define LINK "https://teams.example/l/meetup-join/19%3ameeting_x/0?context=%7b%22Tid%22&x=1"
#define LINK_HTML                                                                                  \
	"https://teams.example/l/meetup-join/19%3ameeting_x/0?context=%7b%22Tid%22&amp;x=1"
#define BLOCK                                                                                      \
	"<br>\r\n<div style=\"width:100%\"><span>" RULE                                            \
	"</span></div>\r\n<div>Microsoft Teams<br>"                                                \
	"<a href=\"" LINK_HTML "\">Join the meeting now</a></div>\r\n<div>" RULE "</div>\r\n"

struct parted {
	const char *content;
	const char *text;
	const char *block;
};

static void assert_parted(struct outlook_body body, const struct parted *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct slice text, block;

		body.content = slice_of(cases[i].content);
		assert_int_equal(outlook_body_read(arena, &body, &text, &block), OK);
		if (!slice_is(text, cases[i].text) || !slice_is(block, cases[i].block))
			fail_msg("%s: \"%.*s\" and \"%.*s\"", cases[i].content, (int)text.len,
				 text.data, (int)block.len, block.data);
	}
}

static void the_block_of_a_meeting_is_told_apart_from_its_text(void **state)
{
	static const struct parted CASES[] = {
		{"<html><head></head>\r\n<body>\r\nour text" BLOCK "</body>\r\n</html>", "our text",
		 BLOCK},
		{"<html><body><div>our<br>text</div>" BLOCK "</body></html>", "our\ntext", BLOCK},
		{"<html><body>" BLOCK "</body></html>", "", BLOCK},
		/* somebody wrote below it */
		{"<body>our text" BLOCK "<p>below</p></body>", "our text", BLOCK "<p>below</p>"},
		/* a line of his own */
		{"<body>one<br>" RULE "<br>two" BLOCK "</body>", "one\n" RULE "\ntwo", BLOCK},
		/* without a line above it */
		{"<body>our text<p><a href=\"" LINK_HTML "\">Join</a></p></body>", "our text",
		 "<p><a href=\"" LINK_HTML "\">Join</a></p>"},
		{"<body>our text</body>", "our text", ""},
		{"", "", ""},
	};
	struct outlook_body body = {.html = true, .online = true, .link = SLICE(LINK)};

	(void)state;
	assert_parted(body, CASES, ARRAY_LEN(CASES));
}

static void a_link_that_is_written_otherwise_does_not_lose_the_block(void **state)
{
	static const struct parted CASES[] = {
		{"<body>our text" BLOCK "</body>", "our text", BLOCK},
		{"<body>one<br>" RULE "<br>two" BLOCK "</body>", "one\n" RULE "\ntwo", BLOCK},
		{"<body>our text<div>" RULE "</div>&nbsp;</body>", "our text\n" RULE, ""},
		{"<body>no line at all</body>", "no line at all", ""},
		{"<body>___________________ too short</body>", "___________________ too short", ""},
	};
	struct outlook_body body = {
		.html = true, .online = true, .link = SLICE("https://safelinks.example/")};

	(void)state;
	assert_parted(body, CASES, ARRAY_LEN(CASES));
}

static void what_is_no_meeting_is_text_alone(void **state)
{
	static const struct parted CASES[] = {
		{"<body>our text" RULE "<br>below</body>", "our text" RULE "\nbelow", ""},
	};
	struct outlook_body body = {.html = true};

	(void)state;
	assert_parted(body, CASES, ARRAY_LEN(CASES));
}

static void plain_text_ends_at_its_line(void **state)
{
	static const struct parted CASES[] = {
		{"one\r\ntwo\r\n\r\n", "one\ntwo", ""},
		{"one\ntwo", "one\ntwo", ""},
		{"one\rtwo", "one\ntwo", ""},
		{" a  b ", "a  b", ""},
		{"our text\r\n" RULE "\r\nMicrosoft Teams\r\nJoin the meeting now\r\n" RULE,
		 "our text", ""},
		{"our text\r\n" RULE "\r\nJoin: " LINK "\r\n" RULE, "our text", ""},
	};
	struct outlook_body body = {.online = true, .link = SLICE(LINK)};

	(void)state;
	assert_parted(body, CASES, ARRAY_LEN(CASES));
}

static void what_is_written_is_read_again(void **state)
{
	static const char *const TEXTS[] = {
		"",
		"one line",
		"two\nlines",
		"two\n\nparagraphs\n  indented,  with   gaps",
		"a < b && c > \"d\" 'e' &amp; &nbsp;",
		"caf\xc3\xa9 \xf0\x9f\x98\x80",
		"tab\tand trailing \nspace",
		"<b>no tag</b> <!-- nor this -->",
		RULE "\nour own line",
	};
	struct outlook_body body = {.html = true, .online = true, .link = SLICE(LINK)};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
		struct slice text, block;
		struct buf out;

		buf_init(&out, arena, 65536);
		outlook_body_write(slice_of(TEXTS[i]), SLICE(BLOCK), &out);
		assert_int_equal(buf_error(&out), OK);
		body.content = buf_slice(&out);
		assert_int_equal(outlook_body_read(arena, &body, &text, &block), OK);
		if (!slice_is(text, TEXTS[i]) || !strstr(block.data, LINK_HTML))
			fail_msg("\"%s\": \"%.*s\" by %s", TEXTS[i], (int)text.len, text.data,
				 body.content.data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_block_of_a_meeting_is_told_apart_from_its_text),
		cmocka_unit_test(a_link_that_is_written_otherwise_does_not_lose_the_block),
		cmocka_unit_test(what_is_no_meeting_is_text_alone),
		cmocka_unit_test(plain_text_ends_at_its_line),
		cmocka_unit_test(what_is_written_is_read_again),
	};

	return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
