#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"

static void every_error_has_a_code_of_its_own(void **state)
{
	(void)state;
	for (enum err e = ERR_MALFORMED; e < ERR_COUNT; e++) {
		assert_non_null(err_code(e));
		for (enum err other = OK; other < e; other++)
			assert_string_not_equal(err_code(e), err_code(other));
	}
}

static void every_code_is_a_lower_case_word(void **state)
{
	(void)state;
	for (enum err e = ERR_MALFORMED; e < ERR_COUNT; e++) {
		const char *code = err_code(e);

		assert_true(islower((unsigned char)code[0]));
		assert_int_equal(strspn(code, "abcdefghijklmnopqrstuvwxyz_"), strlen(code));
	}
}

static void every_error_has_a_text_that_names_no_inner_thing(void **state)
{
	static const char *const INNER[] = {"SQL", "MariaDB", "curl", "errno", "OpenSSL", "/"};

	(void)state;
	for (enum err e = ERR_MALFORMED; e < ERR_COUNT; e++) {
		const char *text = err_text(e);

		assert_non_null(text);
		assert_true(isupper((unsigned char)text[0]));
		if (e == ERR_MEDIA_TYPE)
			continue; /* names application/json */
		for (size_t i = 0; i < ARRAY_LEN(INNER); i++)
			assert_null(strstr(text, INNER[i]));
	}
}

static void statuses_are_those_of_the_contract(void **state)
{
	static const struct {
		enum err e;
		int status;
	} WANTED[] = {
		{ERR_MALFORMED, 400},     {ERR_FIELDS, 400},        {ERR_BAD_REQUEST, 400},
		{ERR_BAD_STATE, 400},     {ERR_NO_CREDENTIAL, 401}, {ERR_FORBIDDEN, 403},
		{ERR_CSRF, 403},          {ERR_NOT_FOUND, 404},     {ERR_METHOD, 405},
		{ERR_LINK_EXPIRED, 410},  {ERR_TOO_LARGE, 413},     {ERR_MEDIA_TYPE, 415},
		{ERR_KEY_REUSED, 422},    {ERR_NO_CONNECTION, 409}, {ERR_REAUTH, 409},
		{ERR_SCOPE_MISSING, 409}, {ERR_RUNNING, 409},       {ERR_TOO_MANY, 429},
		{ERR_THROTTLED, 429},     {ERR_UPSTREAM, 502},      {ERR_UPSTREAM_SLOW, 504},
		{ERR_UNREACHABLE, 502},   {ERR_DEADLINE, 504},      {ERR_DB, 503},
		{ERR_DB_UNSURE, 503},     {ERR_NO_KEYS, 503},       {ERR_BUSY, 503},
		{ERR_MISCONFIGURED, 502}, {ERR_REFUSED, 502},       {ERR_ID_TAKEN, 502},
		{ERR_TOKEN, 502},         {ERR_GONE, 404},          {ERR_STALE, 409},
		{ERR_DUPLICATE, 409},     {ERR_SEALED, 500},        {ERR_CONFIG, 500},
		{ERR_TOO_LONG, 500},      {ERR_NOMEM, 500},         {ERR_INTERNAL, 500},
	};

	(void)state;
	assert_int_equal(ARRAY_LEN(WANTED), ERR_COUNT - 1);
	for (size_t i = 0; i < ARRAY_LEN(WANTED); i++)
		assert_int_equal(err_status(WANTED[i].e), WANTED[i].status);
}

static void only_what_may_pass_by_itself_is_worth_a_repetition(void **state)
{
	(void)state;
	assert_false(err_is_passing(OK));
	for (enum err e = ERR_MALFORMED; e < ERR_COUNT; e++)
		assert_int_equal(err_is_passing(e), e >= ERR_RUNNING && e <= ERR_BUSY);
}

static void what_is_no_error_counts_as_internal(void **state)
{
	(void)state;
	assert_int_equal(err_status(OK), 500);
	assert_int_equal(err_status(ERR_COUNT), 500);
	assert_int_equal(err_status((enum err) - 1), 500);
	assert_string_equal(err_code(ERR_COUNT), "internal_error");
	assert_string_equal(err_text((enum err) - 1), err_text(ERR_INTERNAL));
	assert_false(err_is_passing(ERR_COUNT));
}

static void a_detail_is_cut_at_its_size(void **state)
{
	struct fail why = {0};
	char longer[2 * FAIL_DETAIL_BYTES];

	(void)state;
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(fail_set(&why, ERR_DB, "%d: %s", 7, longer), ERR_DB);
	assert_int_equal(strlen(why.detail), FAIL_DETAIL_BYTES - 1);
	assert_memory_equal(why.detail, "7: xx", 5);
	assert_null(why.reason);
}

static void a_reason_stays_beside_the_detail(void **state)
{
	struct fail why = {0};

	(void)state;
	assert_int_equal(fail_set(&why, ERR_GONE, "404"), ERR_GONE);
	assert_int_equal(fail_because(&why, ERR_GONE, "It was removed"), ERR_GONE);
	assert_string_equal(why.reason, "It was removed");
	assert_string_equal(why.detail, "404");
}

static void the_first_fields_are_told_and_the_rest_dropped(void **state)
{
	struct fail why = {0};
	char name[] = "field a";

	(void)state;
	for (unsigned i = 0; i < FAIL_FIELDS_MAX + 3; i++) {
		name[6] = (char)('a' + i);
		assert_int_equal(fail_field(&why, name, "is required"), ERR_FIELDS);
	}
	assert_int_equal(why.n_fields, FAIL_FIELDS_MAX);
	assert_string_equal(why.fields[0].field, "field a");
	assert_string_equal(why.fields[FAIL_FIELDS_MAX - 1].field, "field l");
	assert_string_equal(why.fields[0].reason, "is required");
}

static void a_long_field_name_is_cut(void **state)
{
	struct fail why = {0};

	(void)state;
	assert_int_equal(fail_field(&why, "0123456789012345678901234567890123456789+", "bad"),
			 ERR_FIELDS);
	assert_string_equal(why.fields[0].field, "012345678901234567890123456789012345678");
}

static void nobody_needs_to_ask_why(void **state)
{
	(void)state;
	assert_int_equal(fail_set(NULL, ERR_DB, "%s", "detail"), ERR_DB);
	assert_int_equal(fail_because(NULL, ERR_GONE, "reason"), ERR_GONE);
	assert_int_equal(fail_field(NULL, "name", "reason"), ERR_FIELDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_error_has_a_code_of_its_own),
		cmocka_unit_test(every_code_is_a_lower_case_word),
		cmocka_unit_test(every_error_has_a_text_that_names_no_inner_thing),
		cmocka_unit_test(statuses_are_those_of_the_contract),
		cmocka_unit_test(only_what_may_pass_by_itself_is_worth_a_repetition),
		cmocka_unit_test(what_is_no_error_counts_as_internal),
		cmocka_unit_test(a_detail_is_cut_at_its_size),
		cmocka_unit_test(a_reason_stays_beside_the_detail),
		cmocka_unit_test(the_first_fields_are_told_and_the_rest_dropped),
		cmocka_unit_test(a_long_field_name_is_cut),
		cmocka_unit_test(nobody_needs_to_ask_why),
	};

	return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
