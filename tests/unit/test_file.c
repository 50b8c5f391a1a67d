#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "tests/unit/temp_file.h"

static int make(void **state)
{
	static struct temp_file file;

	temp_file_make(&file);
	*state = &file;
	return 0;
}

static int drop(void **state)
{
	temp_file_drop(*state);
	return 0;
}

static void a_file_is_read_whole_with_a_nul_behind_it(void **state)
{
	const struct temp_file *temp = *state;
	struct file file;

	temp_file_write(temp, 0640, "a\0b\n", 4);
	assert_int_equal(file_read(temp->path, 0640, 4, &file, NULL), OK);
	assert_int_equal(file.len, 4);
	assert_memory_equal(file.data, "a\0b\n", 5);
	file_wipe(&file);
	assert_null(file.data);
	assert_string_equal(file_slice(&file).data, "");
}

static void an_empty_file_is_an_empty_slice(void **state)
{
	const struct temp_file *temp = *state;
	struct file file;

	temp_file_put(temp, 0400, "");
	assert_int_equal(file_read(temp->path, 0440, 10, &file, NULL), OK);
	assert_int_equal(file_slice(&file).len, 0);
	assert_non_null(file_slice(&file).data);
	file_wipe(&file);
}

static void a_file_beyond_the_ceiling_is_refused(void **state)
{
	const struct temp_file *temp = *state;
	struct fail why = {0};
	struct file file;

	temp_file_put(temp, 0400, "12345");
	assert_int_equal(file_read(temp->path, 0440, 4, &file, &why), ERR_CONFIG);
	assert_string_equal(why.detail, "is longer than 4 bytes");
	assert_null(file.data);
	assert_int_equal(file_read(temp->path, 0440, 5, &file, &why), OK);
	file_wipe(&file);
}

/* Every permission bit by itself, against the two widest modes that we have. */
static void one_bit_beyond_the_widest_mode_is_refused(void **state)
{
	static const unsigned WIDEST[] = {0440, 0640};
	const struct temp_file *temp = *state;
	struct file file;

	for (unsigned i = 0; i < ARRAY_LEN(WIDEST); i++) {
		for (unsigned bit = 1; bit <= 04000; bit *= 2) {
			unsigned mode = 0400 | bit;
			enum err expected = mode & ~WIDEST[i] ? ERR_CONFIG : OK;
			enum err e;

			temp_file_put(temp, mode, "x");
			e = file_read(temp->path, WIDEST[i], 10, &file, NULL);
			assert_int_equal(e, expected);
			file_wipe(&file);
		}
	}
}

static void the_reason_names_both_modes(void **state)
{
	const struct temp_file *temp = *state;
	struct fail why = {0};
	struct file file;

	temp_file_put(temp, 0644, "x");
	assert_int_equal(file_read(temp->path, 0640, 10, &file, &why), ERR_CONFIG);
	assert_string_equal(why.detail, "has mode 0644, and 0640 is the widest allowed");
	assert_int_equal(file_read(temp->path, FILE_ANY_MODE, 10, &file, &why), OK);
	file_wipe(&file);
}

static void what_is_no_file_is_refused_without_hanging(void **state)
{
	const struct temp_file *temp = *state;
	struct fail why = {0};
	struct file file;

	assert_int_equal(file_read("/nowhere/file", 0640, 10, &file, &why), ERR_CONFIG);
	assert_string_equal(why.detail, "cannot be read: No such file or directory");
	assert_int_equal(file_read("/", 07777, 10, &file, &why), ERR_CONFIG);
	assert_string_equal(why.detail, "is no regular file");
	temp_file_drop(temp);
	assert_int_equal(mkfifo(temp->path, 0600), 0);
	assert_int_equal(file_read(temp->path, 0640, 10, &file, &why), ERR_CONFIG);
	assert_string_equal(why.detail, "is no regular file");
	assert_null(file.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_read_whole_with_a_nul_behind_it),
		cmocka_unit_test(an_empty_file_is_an_empty_slice),
		cmocka_unit_test(a_file_beyond_the_ceiling_is_refused),
		cmocka_unit_test(one_bit_beyond_the_widest_mode_is_refused),
		cmocka_unit_test(the_reason_names_both_modes),
		cmocka_unit_test(what_is_no_file_is_refused_without_hanging),
	};

	return cmocka_run_group_tests(tests, make, drop);
}
