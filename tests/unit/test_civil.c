#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/civil.h"
#include "base/err.h"

/* 0000-01-01 and 9999-12-31 */
enum { FIRST_DAY = -719528, LAST_DAY = 2932896 };

static void every_day_of_ten_thousand_years_is_the_libc_s(void **state)
{
	(void)state;
	for (int64_t days = FIRST_DAY; days <= LAST_DAY; days++) {
		time_t at = days * DAY_S;
		struct tm tm;
		struct civil_date date = civil_date_of(days);

		gmtime_r(&at, &tm);
		if (date.year != tm.tm_year + 1900 || date.month != tm.tm_mon + 1 ||
		    date.day != tm.tm_mday || civil_days(date) != days)
			fail_msg("day %lld is not %04d-%02d-%02d", (long long)days, date.year,
				 date.month, date.day);
	}
}

static void february_has_29_days_in_leap_years_alone(void **state)
{
	(void)state;
	assert_int_equal(civil_month_days(2000, 2), 29);
	assert_int_equal(civil_month_days(2024, 2), 29);
	assert_int_equal(civil_month_days(2025, 2), 28);
	assert_int_equal(civil_month_days(2100, 2), 28);
	assert_int_equal(civil_month_days(2025, 12), 31);
}

static void only_real_dates_are_dates(void **state)
{
	static const struct civil_date GOOD[] = {
		{2024, 2, 29}, {2000, 2, 29}, {2025, 4, 30}, {0, 1, 1}, {9999, 12, 31}};
	static const struct civil_date BAD[] = {{2025, 2, 29}, {2100, 2, 29}, {2025, 2, 30},
						{2025, 4, 31}, {2025, 13, 1}, {2025, 0, 1},
						{2025, 1, 0},  {2025, 1, 32}, {-1, 1, 1},
						{10000, 1, 1}, {2025, -1, 1}, {2025, 1, -1}};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(GOOD); i++)
		assert_true(civil_is_date(GOOD[i]));
	for (unsigned i = 0; i < ARRAY_LEN(BAD); i++)
		assert_false(civil_is_date(BAD[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_day_of_ten_thousand_years_is_the_libc_s),
		cmocka_unit_test(february_has_29_days_in_leap_years_alone),
		cmocka_unit_test(only_real_dates_are_dates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
