#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/seal.h"
#include "model/page_token.h"
#include "tests/unit/temp_file.h"

#define KEY_7 "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=" /* the bytes 1 to 32 */
#define KEY_8 "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICA=" /* 32 spaces */

static struct temp_file file;
static struct seal_ring *ring; /* key 7 */
static struct arena *arena;
static struct id tenant, owner;
static struct page_list list;
static struct page_place place;

static struct seal_ring *ring_of(const char *text)
{
	struct seal_ring *made;

	temp_file_put(&file, 0400, text);
	assert_int_equal(seal_ring_read(file.path, &made, NULL), OK);
	return made;
}

static int make(void **state)
{
	(void)state;
	temp_file_make(&file);
	ring = ring_of("7 " KEY_7 " active\n");
	arena = arena_new(4096, 4 * 1024 * 1024);
	tenant = id_new();
	owner = id_new();
	list = (struct page_list){&tenant, &owner, INT64_MIN, INT64_MAX};
	place = (struct page_place){id_new(), SLICE("me@x.org"), SLICE("CigKGm\xC3\xA4=/+")};
	return arena ? 0 : -1;
}

static int drop(void **state)
{
	(void)state;
	arena_free(arena);
	seal_ring_free(ring);
	temp_file_drop(&file);
	return 0;
}

static struct slice written(const struct page_place *what)
{
	struct slice text;

	assert_int_equal(page_token_write(ring, &list, what, arena, &text), OK);
	return text;
}

static void assert_comes_back(const struct seal_ring *by, const struct page_place *what,
			      struct slice text)
{
	struct page_place back;

	assert_int_equal(page_token_read(by, &list, text, arena, &back), OK);
	assert_true(id_equal(&back.connection, &what->connection));
	assert_true(slice_equal(back.calendar_id, what->calendar_id));
	assert_true(slice_equal(back.page, what->page));
}

static void a_place_comes_back_as_it_was_given(void **state)
{
	struct page_place first = {.connection = id_new(), .calendar_id = SLICE("primary")};

	(void)state;
	assert_comes_back(ring, &place, written(&place));
	assert_comes_back(ring, &first, written(&first));
}

static void a_token_serves_its_own_list_alone(void **state)
{
	struct id other = id_new();
	const struct page_list others[] = {
		{&other, &owner, INT64_MIN, INT64_MAX},
		{&tenant, &other, INT64_MIN, INT64_MAX},
		{&tenant, &owner, 0, INT64_MAX},
		{&tenant, &owner, INT64_MIN, 0},
	};
	struct page_place back;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_int_equal(page_token_read(ring, &others[i], written(&place), arena, &back),
				 ERR_BAD_REQUEST);
}

static void a_changed_letter_makes_it_no_token(void **state)
{
	struct slice text = written(&place);
	struct page_place back;

	(void)state;
	for (size_t i = 0; i < text.len; i++) {
		char *changed = arena_copy(arena, text);

		changed[i] = changed[i] == 'A' ? 'B' : 'A';
		assert_int_equal(page_token_read(ring, &list, slice_of(changed), arena, &back),
				 ERR_BAD_REQUEST);
	}
}

static void what_is_no_token_is_refused(void **state)
{
	static const char *const TEXTS[] = {"", "A", "AAAA", "not base64url!",
					    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
	struct page_place back;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++)
		assert_int_equal(page_token_read(ring, &list, slice_of(TEXTS[i]), arena, &back),
				 ERR_BAD_REQUEST);
}

static void a_key_that_is_old_still_reads_and_one_that_is_gone_does_not(void **state)
{
	struct seal_ring *both = ring_of("7 " KEY_7 " old\n8 " KEY_8 " active\n");
	struct seal_ring *newer = ring_of("8 " KEY_8 " active\n");
	struct page_place back;

	(void)state;
	assert_comes_back(both, &place, written(&place));
	assert_int_equal(page_token_read(newer, &list, written(&place), arena, &back),
			 ERR_BAD_REQUEST);
	seal_ring_free(both);
	seal_ring_free(newer);
}

static void the_longest_page_fits_and_no_longer_one(void **state)
{
	static char long_page[PAGE_TOKEN_BYTES_MAX];
	struct page_place what = place;
	struct slice text = {NULL, 0};
	size_t len = 0;

	(void)state;
	memset(long_page, 'x', sizeof(long_page));
	while (len < sizeof(long_page)) {
		struct slice longer;

		what.page = (struct slice){long_page, len + 100};
		if (page_token_write(ring, &list, &what, arena, &longer))
			break;
		text = longer;
		len += 100;
	}
	assert_in_range(len, 6144, sizeof(long_page));
	assert_in_range(text.len, 8192, PAGE_TOKEN_BYTES_MAX);
	what.page.len = len;
	assert_comes_back(ring, &what, text);
	what.page.len = len + 100;
	assert_int_equal(page_token_write(ring, &list, &what, arena, &text), ERR_TOO_LONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_place_comes_back_as_it_was_given),
		cmocka_unit_test(a_token_serves_its_own_list_alone),
		cmocka_unit_test(a_changed_letter_makes_it_no_token),
		cmocka_unit_test(what_is_no_token_is_refused),
		cmocka_unit_test(a_key_that_is_old_still_reads_and_one_that_is_gone_does_not),
		cmocka_unit_test(the_longest_page_fits_and_no_longer_one),
	};

	return digest_start() || cmocka_run_group_tests_name("page_token", tests, make, drop);
}
