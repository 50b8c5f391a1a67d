#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

enum { BLOCK = 1024, CEILING = 64 * 1024 };

static int make(void **state)
{
	*state = arena_new(BLOCK, CEILING);
	return *state ? 0 : -1;
}

static int drop(void **state)
{
	arena_free(*state);
	return 0;
}

static void assert_zero(const unsigned char *piece, size_t size)
{
	assert_non_null(piece);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(piece[i], 0);
}

static void pieces_are_aligned_zeroed_and_apart(void **state)
{
	static const size_t SIZES[] = {1, 16, 7, 33, 400, 2000, 1, 15};
	unsigned char *pieces[ARRAY_LEN(SIZES)];

	for (size_t i = 0; i < ARRAY_LEN(SIZES); i++) {
		pieces[i] = arena_alloc(*state, SIZES[i]);
		assert_zero(pieces[i], SIZES[i]);
		assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
		memset(pieces[i], (int)i + 1, SIZES[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(SIZES); i++) {
		for (size_t at = 0; at < SIZES[i]; at++)
			assert_int_equal(pieces[i][at], i + 1);
	}
}

static void an_empty_piece_is_still_one_of_its_own(void **state)
{
	void *first = arena_alloc(*state, 0), *second = arena_alloc(*state, 0);

	assert_non_null(first);
	assert_non_null(second);
	assert_ptr_not_equal(first, second);
}

static void the_first_block_is_kept_over_a_reset(void **state)
{
	unsigned char *before = arena_alloc(*state, 100), *after;

	memset(before, 0xAA, 100);
	for (int i = 0; i < 20; i++)
		assert_non_null(arena_alloc(*state, 900));
	arena_reset(*state);
	after = arena_alloc(*state, 100);
	assert_ptr_equal(before, after);
	assert_zero(after, 100);
}

static void the_ceiling_holds_to_the_byte(void **state)
{
	assert_null(arena_alloc(*state, CEILING + 1));
	assert_non_null(arena_alloc(*state, CEILING - 32));
	assert_null(arena_alloc(*state, 33));
	assert_non_null(arena_alloc(*state, 32));
	assert_null(arena_alloc(*state, 1));
	arena_reset(*state);
	assert_non_null(arena_alloc(*state, CEILING));
}

static void the_ceiling_holds_for_many_small_pieces(void **state)
{
	size_t n = 0;

	while (arena_alloc(*state, 16))
		n++;
	assert_int_equal(n, CEILING / 16);
}

static void the_ceiling_counts_what_alignment_adds(void **state)
{
	struct arena *small = arena_new(BLOCK, 40);
	void *piece;

	(void)state;
	assert_non_null(small);
	assert_null(arena_alloc(small, 33));
	piece = arena_alloc(small, 20);
	assert_non_null(piece);
	assert_null(arena_grow(small, piece, 20, 41));
	assert_null(arena_alloc(small, 9));
	assert_non_null(arena_grow(small, piece, 20, 32));
	arena_free(small);
}

static void sizes_that_overflow_are_refused(void **state)
{
	assert_null(arena_alloc(*state, SIZE_MAX));
	assert_null(arena_alloc(*state, SIZE_MAX - 15));
	assert_null(arena_array(*state, SIZE_MAX / 2, 3));
	assert_null(arena_array(*state, (SIZE_MAX >> 4) + 2, 16));
	assert_null(arena_copy(*state, (struct slice){"", SIZE_MAX}));
	assert_null(arena_grow(*state, arena_alloc(*state, 1), 1, SIZE_MAX));
	assert_non_null(arena_array(*state, 3, 8));
}

static void a_large_piece_leaves_the_block_to_small_ones(void **state)
{
	unsigned char *first = arena_alloc(*state, 64);
	unsigned char *large = arena_alloc(*state, 8 * BLOCK);
	unsigned char *second = arena_alloc(*state, 64);

	assert_zero(large, 8 * BLOCK);
	assert_in_range(second - first, 64, 64 + 32);
}

static void the_last_piece_grows_where_it_stands(void **state)
{
	unsigned char *piece = arena_alloc(*state, 30), *same;

	memset(piece, 'x', 30);
	same = arena_grow(*state, piece, 30, 200);
	assert_ptr_equal(piece, same);
	assert_memory_equal(same, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 30);
	assert_zero(same + 30, 170);
	assert_ptr_equal(arena_grow(*state, same, 200, 100), same);
}

static void an_older_piece_moves_to_grow(void **state)
{
	unsigned char *piece = arena_alloc(*state, 30);
	unsigned char *next = arena_alloc(*state, 30), *moved;

	memset(piece, 'x', 30);
	memset(next, 'y', 30);
	moved = arena_grow(*state, piece, 30, 200);
	assert_ptr_not_equal(piece, moved);
	assert_memory_equal(moved, piece, 30);
	assert_zero(moved + 30, 170);
	assert_int_equal(next[0], 'y');
}

static void growing_keeps_to_the_ceiling(void **state)
{
	void *piece = arena_grow(*state, NULL, 0, 100);

	assert_non_null(piece);
	assert_null(arena_grow(*state, piece, 100, CEILING + 1));
	assert_non_null(arena_grow(*state, piece, 100, 800));
	assert_non_null(arena_alloc(*state, CEILING - 800));
	assert_null(arena_alloc(*state, 1));
}

static void growing_beyond_the_block_takes_another(void **state)
{
	unsigned char *piece = arena_alloc(*state, 100);

	memset(piece, 'x', 100);
	for (size_t size = 100; size < 8 * BLOCK; size *= 2) {
		piece = arena_grow(*state, piece, size, size * 2);
		assert_non_null(piece);
		assert_int_equal(piece[99], 'x');
		assert_zero(piece + size, size);
		memset(piece + size, 'z', size);
	}
}

static void a_copy_ends_in_nul(void **state)
{
	assert_string_equal(arena_copy(*state, (struct slice){"abcdef", 3}), "abc");
	assert_string_equal(arena_copy(*state, slice_of(NULL)), "");
}

static void formatted_text_fits_exactly(void **state)
{
	char *text = arena_format(*state, "%0*d|%s", 3000, 7, "end");

	assert_non_null(text);
	assert_int_equal(strlen(text), 3004);
	assert_string_equal(text + 2999, "7|end");
	assert_null(arena_format(*state, "%0*d", CEILING, 1));
}

/* Only a build with the address sanitizer brings it. */
extern int __asan_address_is_poisoned(const volatile void *address) __attribute__((weak));

static void an_overrun_is_seen_by_the_sanitizer(void **state)
{
	char *piece, *next;

	if (!__asan_address_is_poisoned)
		skip();
	piece = arena_alloc(*state, 32);
	next = arena_alloc(*state, 32);
	assert_false(__asan_address_is_poisoned(piece + 31));
	assert_true(__asan_address_is_poisoned(piece + 32));
	assert_true(__asan_address_is_poisoned(next + 32));
	arena_reset(*state);
	assert_true(__asan_address_is_poisoned(piece));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pieces_are_aligned_zeroed_and_apart, make, drop),
		cmocka_unit_test_setup_teardown(an_empty_piece_is_still_one_of_its_own, make, drop),
		cmocka_unit_test_setup_teardown(the_first_block_is_kept_over_a_reset, make, drop),
		cmocka_unit_test_setup_teardown(the_ceiling_holds_to_the_byte, make, drop),
		cmocka_unit_test_setup_teardown(the_ceiling_holds_for_many_small_pieces, make,
						drop),
		cmocka_unit_test(the_ceiling_counts_what_alignment_adds),
		cmocka_unit_test_setup_teardown(sizes_that_overflow_are_refused, make, drop),
		cmocka_unit_test_setup_teardown(a_large_piece_leaves_the_block_to_small_ones, make,
						drop),
		cmocka_unit_test_setup_teardown(the_last_piece_grows_where_it_stands, make, drop),
		cmocka_unit_test_setup_teardown(an_older_piece_moves_to_grow, make, drop),
		cmocka_unit_test_setup_teardown(growing_keeps_to_the_ceiling, make, drop),
		cmocka_unit_test_setup_teardown(growing_beyond_the_block_takes_another, make, drop),
		cmocka_unit_test_setup_teardown(an_overrun_is_seen_by_the_sanitizer, make, drop),
		cmocka_unit_test_setup_teardown(a_copy_ends_in_nul, make, drop),
		cmocka_unit_test_setup_teardown(formatted_text_fits_exactly, make, drop),
	};

	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
