#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static struct arena *arena;

/* Every test runs twice: on the arena and on the heap. */
static struct buf made(void **state, size_t ceiling)
{
	struct buf buf;

	buf_init(&buf, *state, ceiling);
	return buf;
}

static int on_heap(void **state)
{
	*state = NULL;
	return 0;
}

static int on_arena(void **state)
{
	arena = arena_new(512, 1024 * 1024);
	*state = arena;
	return arena ? 0 : -1;
}

static int drop(void **state)
{
	(void)state;
	arena_free(arena);
	arena = NULL;
	return 0;
}

static void assert_text(struct buf *buf, const char *wanted)
{
	assert_int_equal(buf_error(buf), OK);
	assert_int_equal(buf_slice(buf).len, strlen(wanted));
	assert_string_equal(buf_slice(buf).data, wanted);
}

static void it_grows_and_always_ends_in_nul(void **state)
{
	struct buf buf = made(state, 100000);

	assert_text(&buf, "");
	for (int i = 0; i < 30000; i++) {
		buf_add_byte(&buf, (char)('a' + i % 26));
		assert_int_equal(buf.data[buf.len], '\0');
	}
	assert_int_equal(buf_error(&buf), OK);
	assert_int_equal(buf.len, 30000);
	for (int i = 0; i < 30000; i++)
		assert_int_equal(buf.data[i], 'a' + i % 26);
	buf_free(&buf);
}

static void all_kinds_of_text_are_appended(void **state)
{
	struct buf buf = made(state, 1000);

	buf_add(&buf, "ab", 1);
	buf_add(&buf, NULL, 0);
	buf_add_byte(&buf, 'b');
	buf_add_text(&buf, "cd");
	buf_add_slice(&buf, (struct slice){"efg", 2});
	buf_add_slice(&buf, slice_of(NULL));
	buf_format(&buf, "-%d-%s", 42, "x");
	assert_text(&buf, "abcdef-42-x");
	buf_free(&buf);
}

static void the_ceiling_holds_to_the_byte(void **state)
{
	struct buf buf = made(state, 5);

	buf_add_text(&buf, "12345");
	assert_text(&buf, "12345");
	buf_add_text(&buf, "");
	assert_text(&buf, "12345");
	buf_add_byte(&buf, '6');
	assert_int_equal(buf_error(&buf), ERR_TOO_LONG);
	assert_string_equal(buf_slice(&buf).data, "12345");
	buf_free(&buf);
}

/* Whether what is there suffices or not: the text is whole, and as long as it says. */
static void a_format_of_any_length_is_whole(void **state)
{
	for (int width = 0; width < 300; width++) {
		struct buf buf = made(state, 1000);

		buf_add_text(&buf, "<");
		buf_format(&buf, "%*d", width, 7);
		buf_add_text(&buf, ">");
		assert_int_equal(buf_error(&buf), OK);
		assert_int_equal(buf.len, width ? width + 2 : 3);
		assert_int_equal(strlen(buf.data), buf.len);
		assert_int_equal(buf.data[buf.len - 2], '7');
		assert_int_equal(buf.data[buf.len - 1], '>');
		buf_free(&buf);
	}
}

static void a_number_is_added_in_decimal(void **state)
{
	struct buf buf = made(state, 22);

	buf_add_int(&buf, INT64_MIN);
	buf_add_int(&buf, 12);
	assert_text(&buf, "-922337203685477580812");
	buf_add_int(&buf, 0);
	assert_int_equal(buf_error(&buf), ERR_TOO_LONG);
	buf_free(&buf);
}

static void what_does_not_fit_is_not_added_in_part(void **state)
{
	struct buf buf = made(state, 10);

	buf_add_text(&buf, "123");
	buf_format(&buf, "%s", "45678901");
	assert_int_equal(buf_error(&buf), ERR_TOO_LONG);
	assert_string_equal(buf_slice(&buf).data, "123");
	buf_free(&buf);
	buf_add(&buf, "", SIZE_MAX);
	assert_int_equal(buf_error(&buf), ERR_TOO_LONG);
	buf_free(&buf);
}

static void an_error_sticks_until_cleared(void **state)
{
	struct buf buf = made(state, 4);

	buf_add_text(&buf, "12345");
	buf_add_text(&buf, "1");
	buf_format(&buf, "%d", 1);
	buf_add_html(&buf, SLICE("<"));
	buf_add_percent(&buf, SLICE("/"));
	assert_int_equal(buf_error(&buf), ERR_TOO_LONG);
	assert_int_equal(buf_slice(&buf).len, 0);
	buf_clear(&buf);
	buf_add_text(&buf, "1234");
	assert_text(&buf, "1234");
	buf_free(&buf);
}

static void clearing_keeps_memory_and_ceiling(void **state)
{
	struct buf buf = made(state, 300);
	char *before;

	buf_format(&buf, "%0*d", 300, 1);
	before = buf.data;
	buf_clear(&buf);
	assert_text(&buf, "");
	buf_format(&buf, "%0*d", 300, 2);
	assert_ptr_equal(buf.data, before);
	buf_add_byte(&buf, 'x');
	assert_int_equal(buf_error(&buf), ERR_TOO_LONG);
	buf_free(&buf);
}

static void it_is_usable_after_being_freed(void **state)
{
	struct buf buf = made(state, 50);

	buf_add_text(&buf, "secret");
	buf_free(&buf);
	assert_null(buf.data);
	assert_text(&buf, "");
	buf_add_text(&buf, "again");
	assert_text(&buf, "again");
	buf_free(&buf);
}

static void an_arena_at_its_ceiling_is_no_memory(void **state)
{
	struct arena *small = arena_new(64, 256);
	struct buf buf;

	(void)state;
	assert_non_null(small);
	buf_init(&buf, small, 100000);
	for (int i = 0; i < 1000; i++)
		buf_add_byte(&buf, 'x');
	assert_int_equal(buf_error(&buf), ERR_NOMEM);
	assert_int_equal(strlen(buf_slice(&buf).data), buf.len);
	arena_free(small);
}

static void percent_leaves_only_the_unreserved(void **state)
{
	struct buf buf = made(state, 1000);
	char wanted[4];

	buf_add_percent(&buf, SLICE("azAZ09-._~"));
	assert_text(&buf, "azAZ09-._~");
	for (int c = 0; c < 256; c++) {
		char byte = (char)c;

		if (c && c < 128 && strchr("-._~", c))
			continue;
		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
			continue;
		buf_clear(&buf);
		buf_add_percent(&buf, (struct slice){&byte, 1});
		snprintf(wanted, sizeof(wanted), "%%%02X", c);
		assert_text(&buf, wanted);
	}
	buf_free(&buf);
}

static void html_leaves_no_way_out_of_text_or_attribute(void **state)
{
	struct buf buf = made(state, 1000);

	buf_add_html(&buf, SLICE("<img src=\"x\" onerror='y'>&amp; caf\xC3\xA9"));
	assert_text(&buf, "&lt;img src=&quot;x&quot; onerror=&#39;y&#39;&gt;&amp;amp; caf\xC3\xA9");
	buf_free(&buf);
}

#define BOTH_WAYS(test)                                                                            \
	cmocka_unit_test_setup_teardown(test, on_heap, drop),                                      \
		cmocka_unit_test_setup_teardown(test, on_arena, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH_WAYS(it_grows_and_always_ends_in_nul),
		BOTH_WAYS(all_kinds_of_text_are_appended),
		BOTH_WAYS(the_ceiling_holds_to_the_byte),
		BOTH_WAYS(a_format_of_any_length_is_whole),
		BOTH_WAYS(a_number_is_added_in_decimal),
		BOTH_WAYS(what_does_not_fit_is_not_added_in_part),
		BOTH_WAYS(an_error_sticks_until_cleared),
		BOTH_WAYS(clearing_keeps_memory_and_ceiling),
		BOTH_WAYS(it_is_usable_after_being_freed),
		cmocka_unit_test(an_arena_at_its_ceiling_is_no_memory),
		BOTH_WAYS(percent_leaves_only_the_unreserved),
		BOTH_WAYS(html_leaves_no_way_out_of_text_or_attribute),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
