#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Stands in for free() inside secret.c: looks at what comes back, then frees it. */
static size_t watched_len, times_given_back, bytes_given_back_unwiped;

static void watched_free(char *data)
{
	for (size_t i = 0; i < watched_len; i++)
		bytes_given_back_unwiped += data[i] != '\0';
	times_given_back++;
	free(data);
}

#define free(data) watched_free(data)
#include "base/secret.c"
#undef free

static void a_secret_is_a_copy_with_a_nul_behind_it(void **state)
{
	struct secret secret = {0};
	char text[] = "refresh";

	(void)state;
	assert_int_equal(secret_set(&secret, slice_of(text)), OK);
	text[0] = 'X';
	assert_true(slice_is(secret_slice(&secret), "refresh"));
	assert_int_equal(secret_slice(&secret).data[7], '\0');
	assert_false(secret_is_empty(&secret));
	secret_wipe(&secret);
}

static void an_empty_secret_gives_an_empty_slice_that_is_no_null(void **state)
{
	struct secret secret = {0};

	(void)state;
	assert_true(secret_is_empty(&secret));
	assert_non_null(secret_slice(&secret).data);
	assert_int_equal(secret_slice(&secret).len, 0);
	assert_int_equal(secret_set(&secret, (struct slice){NULL, 0}), OK);
	assert_true(secret_is_empty(&secret));
	secret_wipe(&secret);
	secret_wipe(&secret);
}

static void a_secret_beyond_the_ceiling_is_refused_and_the_old_one_gone(void **state)
{
	static const char LONG[SECRET_BYTES_MAX + 1];
	struct secret secret = {0};
	char *room;

	(void)state;
	assert_int_equal(secret_set(&secret, (struct slice){LONG, SECRET_BYTES_MAX}), OK);
	assert_int_equal(secret.len, SECRET_BYTES_MAX);
	assert_int_equal(secret_set(&secret, (struct slice){LONG, sizeof(LONG)}), ERR_TOO_LONG);
	assert_true(secret_is_empty(&secret));
	assert_int_equal(secret_room(&secret, sizeof(LONG), &room), ERR_TOO_LONG);
	assert_null(room);
	assert_int_equal(secret_room(&secret, SIZE_MAX, &room), ERR_TOO_LONG);
}

static void a_secret_may_be_set_from_a_part_of_itself(void **state)
{
	struct secret secret = {0};
	struct slice part;

	(void)state;
	assert_int_equal(secret_set(&secret, SLICE("Bearer token")), OK);
	part = secret_slice(&secret);
	part.data += 7;
	part.len -= 7;
	assert_int_equal(secret_set(&secret, part), OK);
	assert_true(slice_is(secret_slice(&secret), "token"));
	secret_wipe(&secret);
}

static void moving_leaves_the_source_empty_and_wipes_the_target(void **state)
{
	struct secret from = {0}, to = {0};

	(void)state;
	assert_int_equal(secret_set(&from, SLICE("new")), OK);
	assert_int_equal(secret_set(&to, SLICE("old")), OK);
	secret_move(&to, &from);
	assert_true(slice_is(secret_slice(&to), "new"));
	assert_true(secret_is_empty(&from));
	assert_null(from.data);
	secret_move(&to, &to);
	assert_true(slice_is(secret_slice(&to), "new"));
	secret_wipe(&to);
}

static void room_is_zeroed_and_filled_in_place(void **state)
{
	struct secret secret = {0};
	char *room;

	(void)state;
	assert_int_equal(secret_room(&secret, 3, &room), OK);
	assert_memory_equal(room, "\0\0\0\0", 4);
	memcpy(room, "abc", 3);
	assert_true(slice_is(secret_slice(&secret), "abc"));
	secret_wipe(&secret);
	assert_null(secret.data);
}

static void the_bytes_are_wiped_before_the_memory_is_given_back(void **state)
{
	struct secret secret = {0}, other = {0};

	(void)state;
	bytes_given_back_unwiped = 0;
	times_given_back = 0;
	watched_len = strlen("swordfish");
	assert_int_equal(secret_set(&secret, SLICE("swordfish")), OK);
	secret_wipe(&secret);
	assert_int_equal(secret_set(&secret, SLICE("swordfish")), OK);
	assert_int_equal(secret_set(&secret, SLICE("codfishes")), OK);
	assert_int_equal(secret_set(&other, SLICE("tuna fish")), OK);
	secret_move(&secret, &other);
	secret_wipe(&secret);
	assert_int_equal(times_given_back, 4);
	assert_int_equal(bytes_given_back_unwiped, 0);
	watched_len = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_secret_is_a_copy_with_a_nul_behind_it),
		cmocka_unit_test(an_empty_secret_gives_an_empty_slice_that_is_no_null),
		cmocka_unit_test(a_secret_beyond_the_ceiling_is_refused_and_the_old_one_gone),
		cmocka_unit_test(a_secret_may_be_set_from_a_part_of_itself),
		cmocka_unit_test(moving_leaves_the_source_empty_and_wipes_the_target),
		cmocka_unit_test(room_is_zeroed_and_filled_in_place),
		cmocka_unit_test(the_bytes_are_wiped_before_the_memory_is_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
