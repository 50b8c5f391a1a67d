#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/envfile.h"

enum { TEXT_MAX = 512 };

static char text[TEXT_MAX];

static struct envfile walk(const char *lines)
{
	struct envfile file;

	assert_true(strlen(lines) < sizeof(text));
	memcpy(text, lines, strlen(lines) + 1);
	envfile_init(&file, text, strlen(text));
	return file;
}

static void assert_value(const char *line, const char *value)
{
	struct envfile file = walk(line);
	struct envfile_entry entry;
	const char *problem;

	assert_true(envfile_next(&file, &entry, &problem));
	if (problem)
		fail_msg("%s: %s", line, problem);
	assert_true(slice_is(entry.name, "NAME"));
	if (!slice_is(entry.value, value))
		fail_msg("%s: %.*s", line, (int)entry.value.len, entry.value.data);
	assert_false(envfile_next(&file, &entry, &problem));
}

static void assert_problem(const char *line, const char *expected, const char *name)
{
	struct envfile file = walk(line);
	struct envfile_entry entry;
	const char *problem;

	assert_true(envfile_next(&file, &entry, &problem));
	if (!problem)
		fail_msg("taken: %s", line);
	assert_non_null(strstr(problem, expected));
	assert_true(slice_is(entry.name, name));
	assert_int_equal(entry.value.len, 0);
}

static void a_value_goes_to_the_end_of_its_line(void **state)
{
	(void)state;
	assert_value("NAME=value", "value");
	assert_value("NAME=two words  ", "two words");
	assert_value("  NAME= value\r\n", "value");
	assert_value("NAME=a=b==", "a=b==");
	assert_value("NAME=a#b", "a#b");
	assert_value("NAME=a\"b'c\\d", "a\"b'c\\d");
	assert_value("NAME=$HOME `id`", "$HOME `id`");
	assert_value("NAME=Caf\xc3\xa9", "Caf\xc3\xa9");
	assert_value("NAME=", "");
	assert_value("NAME=  \n", "");
}

static void quotes_keep_everything_between_them(void **state)
{
	(void)state;
	assert_value("NAME=' a # b '", " a # b ");
	assert_value("NAME='a\"b\\c'", "a\"b\\c");
	assert_value("NAME=\" a # 'b' \"", " a # 'b' ");
	assert_value("NAME=\"say \\\"hi\\\" \\\\ \"", "say \"hi\" \\ ");
	assert_value("NAME=\"\"", "");
	assert_value("NAME=''", "");
	assert_value("NAME='x'   # why\r\n", "x");
	assert_value("NAME=\"x\"#y", "x");
}

static void comments_and_empty_lines_say_nothing(void **state)
{
	struct envfile file = walk("# NAME=x\n\n  \t\n   # y\r\n\nA=1\n#\nB2_=2");
	struct envfile_entry entry;
	const char *problem;

	(void)state;
	assert_true(envfile_next(&file, &entry, &problem));
	assert_true(slice_is(entry.name, "A"));
	assert_int_equal(file.line, 6);
	assert_true(envfile_next(&file, &entry, &problem));
	assert_true(slice_is(entry.name, "B2_"));
	assert_int_equal(file.line, 8);
	assert_false(envfile_next(&file, &entry, &problem));
	assert_false(envfile_next(&file, &entry, &problem));
}

static void an_empty_text_has_no_lines(void **state)
{
	struct envfile file = walk("");
	struct envfile_entry entry;
	const char *problem;

	(void)state;
	assert_false(envfile_next(&file, &entry, &problem));
}

static void what_is_no_pair_is_refused_without_a_name(void **state)
{
	static const char *const BAD[] = {
		"NAME",
		"export NAME=x",
		"NAME =x",
		"name=x",
		"Name=x",
		"1NAME=x",
		"_NAME=x",
		"=x",
		"=",
		"NA-ME=x",
		"NA.ME=x",
		"\xef\xbb\xbfNAME=x",
		"c2VjcmV0IGtleSBtYXRlcmlhbA==",
		"NNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNN=x",
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(BAD); i++)
		assert_problem(BAD[i], "is not of the form NAME=value", "");
}

static void a_value_that_tools_would_read_differently_is_refused(void **state)
{
	(void)state;
	assert_problem("NAME=x # y", "has a # that may begin a comment", "NAME");
	assert_problem("NAME=#y", "has a # that may begin a comment", "NAME");
	assert_problem("NAME= # y", "has a # that may begin a comment", "NAME");
	assert_problem("NAME='x", "has no closing quote", "NAME");
	assert_problem("NAME='", "has no closing quote", "NAME");
	assert_problem("NAME=\"x", "has no closing quote", "NAME");
	assert_problem("NAME=\"", "has no closing quote", "NAME");
	assert_problem("NAME=\"x\\\"", "has no closing quote", "NAME");
	assert_problem("NAME=\"x\\", "has a \\ that stands neither", "NAME");
	assert_problem("NAME=\"a\\nb\"", "has a \\ that stands neither", "NAME");
	assert_problem("NAME='x'y", "has something behind the closing quote", "NAME");
	assert_problem("NAME=\"x\" y # z", "has something behind the closing quote", "NAME");
	assert_problem("NAME=a\tb", "has control characters", "NAME");
	assert_problem("NAME=a\rb", "has control characters", "NAME");
	assert_problem("NAME='a\x1b'", "has control characters", "NAME");
	assert_problem("NAME=\xff", "is not UTF-8", "NAME");
}

static void a_bad_line_does_not_hide_the_next(void **state)
{
	struct envfile file = walk("NAME=\"x\nA=1\n");
	struct envfile_entry entry;
	const char *problem;

	(void)state;
	assert_true(envfile_next(&file, &entry, &problem));
	assert_non_null(problem);
	assert_true(envfile_next(&file, &entry, &problem));
	assert_null(problem);
	assert_true(slice_is(entry.value, "1"));
}

static void a_nul_is_a_control_character_and_no_end(void **state)
{
	char lines[] = "NAME=a\0b\nA=1";
	struct envfile file;
	struct envfile_entry entry;
	const char *problem;

	(void)state;
	envfile_init(&file, lines, sizeof(lines) - 1);
	assert_true(envfile_next(&file, &entry, &problem));
	assert_non_null(problem);
	assert_true(envfile_next(&file, &entry, &problem));
	assert_true(slice_is(entry.name, "A"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_goes_to_the_end_of_its_line),
		cmocka_unit_test(quotes_keep_everything_between_them),
		cmocka_unit_test(comments_and_empty_lines_say_nothing),
		cmocka_unit_test(an_empty_text_has_no_lines),
		cmocka_unit_test(what_is_no_pair_is_refused_without_a_name),
		cmocka_unit_test(a_value_that_tools_would_read_differently_is_refused),
		cmocka_unit_test(a_bad_line_does_not_hide_the_next),
		cmocka_unit_test(a_nul_is_a_control_character_and_no_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
