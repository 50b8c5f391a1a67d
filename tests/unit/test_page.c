#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "web/page.h"

#define HOSTILE "<img onerror=x>\"'&</dd>"
#define ESCAPED "&lt;img onerror=x&gt;&quot;&#39;&amp;&lt;/dd&gt;"

static struct buf out;

static int make(void **state)
{
	(void)state;
	buf_init(&out, NULL, 64 * 1024);
	return 0;
}

static int drop(void **state)
{
	(void)state;
	buf_free(&out);
	return 0;
}

static void a_page_is_whole_and_without_script_or_style_of_its_own(void **state)
{
	struct page page;

	(void)state;
	page_begin(&page, &out, "Connect?");
	page_text(&page, "Really?");
	page_end(&page);
	assert_int_equal(buf_error(&out), OK);
	assert_true(slice_starts(buf_slice(&out), "<!DOCTYPE html>\n<html lang=\"en\">"));
	assert_non_null(strstr(out.data, "<title>Connect?</title>"));
	assert_non_null(strstr(out.data, "<h1>Connect?</h1>"));
	assert_non_null(strstr(out.data, "<p>Really?</p>"));
	assert_non_null(strstr(out.data, "href=\"/dashboard/page.css\""));
	assert_non_null(strstr(out.data, "</main>\n</body>\n</html>\n"));
	assert_null(strstr(out.data, "<script"));
	assert_null(strstr(out.data, "<style"));
	assert_null(strstr(out.data, "style="));
}

static void every_text_is_escaped(void **state)
{
	struct page page;
	unsigned n = 0;

	(void)state;
	page_begin(&page, &out, HOSTILE);
	page_text(&page, HOSTILE);
	page_fact(&page, HOSTILE, SLICE(HOSTILE));
	page_link(&page, SLICE(HOSTILE), HOSTILE);
	page_form_begin(&page, HOSTILE);
	page_hidden(&page, HOSTILE, HOSTILE);
	page_button(&page, HOSTILE, HOSTILE, HOSTILE);
	page_form_end(&page);
	page_end(&page);
	assert_null(strstr(out.data, "<img"));
	for (const char *at = out.data; (at = strstr(at, ESCAPED)) != NULL; at++)
		n++;
	assert_int_equal(n, 13);
}

static void what_is_no_utf8_is_not_shown(void **state)
{
	struct page page;

	(void)state;
	page_begin(&page, &out, "t");
	page_fact(&page, "name", SLICE("a\xC0\xBCscript"));
	page_end(&page);
	assert_non_null(strstr(out.data, "<bdi>?</bdi>"));
	assert_true(text_is_utf8(buf_slice(&out)));
}

static void facts_in_a_row_are_one_list(void **state)
{
	struct page page;

	(void)state;
	page_begin(&page, &out, "t");
	page_fact(&page, "a", SLICE("1"));
	page_fact(&page, "b", SLICE("2"));
	page_text(&page, "between");
	page_fact(&page, "c", SLICE("3"));
	page_end(&page);
	assert_non_null(strstr(out.data, "<dl>\n<dt>a</dt>\n<dd><bdi>1</bdi></dd>\n"
					 "<dt>b</dt>\n<dd><bdi>2</bdi></dd>\n</dl>\n<p>between</p>"
					 "\n<dl>\n<dt>c</dt>\n<dd><bdi>3</bdi></dd>\n</dl>\n"));
}

static void a_form_posts_what_stands_in_it(void **state)
{
	struct page page;

	(void)state;
	page_begin(&page, &out, "t");
	page_form_begin(&page, "/there");
	page_hidden(&page, "token", "abc");
	page_button(&page, "answer", "yes", "Yes");
	page_form_end(&page);
	page_end(&page);
	assert_non_null(strstr(
		out.data, "<form method=\"post\" action=\"/there\">\n"
			  "<input type=\"hidden\" name=\"token\" value=\"abc\">\n"
			  "<button type=\"submit\" name=\"answer\" value=\"yes\">Yes</button>\n"
			  "</form>\n"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_page_is_whole_and_without_script_or_style_of_its_own),
		TEST(every_text_is_escaped),
		TEST(what_is_no_utf8_is_not_shown),
		TEST(facts_in_a_row_are_one_list),
		TEST(a_form_posts_what_stands_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
