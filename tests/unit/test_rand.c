#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/rand.h"

static void two_fills_differ_and_reach_every_byte(void **state)
{
	unsigned char a[64], b[64], seen[64] = {0};

	(void)state;
	for (unsigned round = 0; round < 8; round++) {
		rand_fill(a, sizeof(a));
		rand_fill(b, sizeof(b));
		assert_memory_not_equal(a, b, sizeof(a));
		for (unsigned i = 0; i < sizeof(a); i++)
			seen[i] |= a[i];
	}
	for (unsigned i = 0; i < sizeof(a); i++)
		assert_int_not_equal(seen[i], 0);
	rand_fill(NULL, 0);
}

static void a_fill_of_more_than_one_part_is_whole(void **state)
{
	size_t len = (1u << 20) + 64;
	unsigned char *data = calloc(1, len);
	static const unsigned char ZERO[32];

	(void)state;
	assert_non_null(data);
	rand_fill(data, len);
	assert_memory_not_equal(data, ZERO, sizeof(ZERO));
	assert_memory_not_equal(data + len - 32, ZERO, sizeof(ZERO));
	free(data);
}

static void a_number_lies_below_its_limit(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(rand_below(1), 0);
		assert_in_range(rand_below(7), 0, 6);
		assert_true(rand_below(UINT32_MAX) < UINT32_MAX);
	}
}

/*
 * 3 * 2^30 numbers do not fill 32 bits evenly: by multiplication alone every third one would come
 * twice as often, by taking remainders those of the first third.
 */
static void every_number_comes_as_often_as_any_other(void **state)
{
	unsigned thirds[3] = {0}, remainders[3] = {0};

	(void)state;
	for (unsigned i = 0; i < 30000; i++) {
		uint32_t number = rand_below(3u << 30);

		thirds[number >> 30]++;
		remainders[number % 3]++;
	}
	for (unsigned i = 0; i < 3; i++) {
		assert_in_range(thirds[i], 9500, 10500);
		assert_in_range(remainders[i], 9500, 10500);
	}
}

static void a_child_process_draws_other_ids_than_its_parent(void **state)
{
	struct id ours, theirs;
	int ends[2], status;
	pid_t pid;

	(void)state;
	id_new();
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	ours = id_new();
	if (pid == 0)
		_exit(write(ends[1], &ours, sizeof(ours)) == sizeof(ours) ? 0 : 1);
	assert_int_equal(read(ends[0], &theirs, sizeof(theirs)), sizeof(theirs));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_memory_not_equal(ours.bytes + 6, theirs.bytes + 6, 10);
	close(ends[0]);
	close(ends[1]);
}

/* Random bytes are drawn for many ids at once: none may be given out twice, nor lie side by side.
 */
static void of_very_many_ids_no_two_end_alike(void **state)
{
	enum { MANY = 1000 };
	static struct id ids[MANY];

	(void)state;
	for (unsigned i = 0; i < MANY; i++)
		ids[i] = id_new();
	for (unsigned i = 0; i < MANY; i++) {
		for (unsigned j = 0; j < i; j++)
			assert_memory_not_equal(ids[i].bytes + 6, ids[j].bytes + 6, 10);
	}
}

static void *draw(void *out)
{
	for (unsigned i = 0; i < 100; i++)
		((struct id *)out)[i] = id_new();
	return NULL;
}

static void threads_draw_each_its_own_ids(void **state)
{
	static struct id ids[4][100];
	pthread_t threads[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, draw, ids[i]), 0);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < 400; i++) {
		for (unsigned j = 0; j < i; j++)
			assert_memory_not_equal(ids[i / 100][i % 100].bytes + 6,
						ids[j / 100][j % 100].bytes + 6, 10);
	}
}

static void an_id_carries_its_moment(void **state)
{
	struct id id;

	(void)state;
	clock_set_for_test(INT64_C(1764687600123));
	id = id_new();
	clock_set_for_test(-1);
	assert_int_equal(id_time_ms(&id), INT64_C(1764687600123));
	assert_false(id_is_none(&id));
}

static void a_later_id_sorts_later_as_bytes_and_as_text(void **state)
{
	struct id earlier, later;
	char earlier_text[ID_TEXT_BYTES], later_text[ID_TEXT_BYTES];

	(void)state;
	for (int64_t ms = 1; ms < INT64_C(1) << 46; ms = ms * 3 + 1) {
		clock_set_for_test(ms);
		earlier = id_new();
		clock_set_for_test(ms + 1);
		later = id_new();
		id_text(&earlier, earlier_text);
		id_text(&later, later_text);
		assert_true(memcmp(&earlier, &later, sizeof(later)) < 0);
		assert_true(strcmp(earlier_text, later_text) < 0);
	}
	clock_set_for_test(-1);
}

/* RFC 4648 section 10 and by hand: 16 bytes are 25 letters of 5 bits, and one of 3 and two zeros.
 */
static void the_text_is_base32hex_in_small_letters(void **state)
{
	struct id id, all;
	char text[ID_TEXT_BYTES];

	(void)state;
	memcpy(&id, "foobarfoobarfoob", sizeof(id));
	id_text(&id, text);
	assert_string_equal(text, "cpnmuoj1e9j6urr2c5p6crrfc8");
	memset(&all, 0xFF, sizeof(all));
	id_text(&all, text);
	assert_string_equal(text, "vvvvvvvvvvvvvvvvvvvvvvvvvs");
	memset(&all, 0, sizeof(all));
	id_text(&all, text);
	assert_string_equal(text, "00000000000000000000000000");
}

static void a_text_reads_back_as_the_same_id(void **state)
{
	struct id id, again;
	char text[ID_TEXT_BYTES];

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		id = id_new();
		id_text(&id, text);
		assert_int_equal(id_read(slice_of(text), &again), OK);
		assert_true(id_equal(&id, &again));
	}
}

static void what_is_not_exactly_an_id_is_refused(void **state)
{
	static const char *const BAD[] = {
		"",
		"0000000000000000000000000",   /* 25 */
		"000000000000000000000000000", /* 27 */
		"00000000000000000000000001",  /* bits behind the 128th */
		"00000000000000000000000002",
		"0000000000000000000000000w",
		"0000000000000000000000000V",
		"000000000000 0000000000000",
		"0000000000000-000000000000",
	};
	struct id id;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(BAD); i++) {
		memset(&id, 0xFF, sizeof(id));
		assert_int_equal(id_read(slice_of(BAD[i]), &id), ERR_BAD_REQUEST);
		assert_true(id_is_none(&id));
	}
	assert_int_equal(id_read((struct slice){"0000000000000000000000000\0", 26}, &id),
			 ERR_BAD_REQUEST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_fills_differ_and_reach_every_byte),
		cmocka_unit_test(a_fill_of_more_than_one_part_is_whole),
		cmocka_unit_test(a_number_lies_below_its_limit),
		cmocka_unit_test(every_number_comes_as_often_as_any_other),
		cmocka_unit_test(a_child_process_draws_other_ids_than_its_parent),
		cmocka_unit_test(of_very_many_ids_no_two_end_alike),
		cmocka_unit_test(threads_draw_each_its_own_ids),
		cmocka_unit_test(an_id_carries_its_moment),
		cmocka_unit_test(a_later_id_sorts_later_as_bytes_and_as_text),
		cmocka_unit_test(the_text_is_base32hex_in_small_letters),
		cmocka_unit_test(a_text_reads_back_as_the_same_id),
		cmocka_unit_test(what_is_not_exactly_an_id_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
