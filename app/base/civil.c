#include "base/civil.h"

/*
 * Years are counted from March, so that the leap day is a year's last one, and in eras of 400
 * of them, which all have the same days.
 */
enum { ERA_YEARS = 400, ERA_DAYS = 146097, YEAR_DAYS = 365, EPOCH_DAYS = 719468 };

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int civil_month_days(int year, int month)
{
	static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month == 2 && is_leap(year) ? 29 : DAYS[month - 1];
}

bool civil_is_date(struct civil_date date)
{
	return date.year >= 0 && date.year <= 9999 && date.month >= 1 && date.month <= 12 &&
	       date.day >= 1 && date.day <= civil_month_days(date.year, date.month);
}

/* Division that rounds down, for days before the epoch. */
static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Days of the months from March to before the one that is number m, March being 0. */
static int days_before(int m)
{
	return (153 * m + 2) / 5;
}

int64_t civil_days(struct civil_date date)
{
	int64_t year = date.year - (date.month <= 2);
	int64_t era = floor_div(year, ERA_YEARS);
	int64_t in_era = year - era * ERA_YEARS;
	int in_year = days_before((date.month + 9) % 12) + date.day - 1;

	return era * ERA_DAYS + in_era * YEAR_DAYS + in_era / 4 - in_era / 100 + in_year -
	       EPOCH_DAYS;
}

struct civil_date civil_date_of(int64_t days)
{
	int64_t era = floor_div(days + EPOCH_DAYS, ERA_DAYS);
	int left = (int)(days + EPOCH_DAYS - era * ERA_DAYS);
	/* One day in 1,460, each 36,524 and 146,096 is a leap day: take them out, then divide. */
	int year = (left - left / 1460 + left / 36524 - left / 146096) / YEAR_DAYS;
	int in_year = left - (YEAR_DAYS * year + year / 4 - year / 100);
	int m = (5 * in_year + 2) / 153;
	struct civil_date date = {
		.month = m < 10 ? m + 3 : m - 9,
		.day = in_year - days_before(m) + 1,
	};

	date.year = (int)(era * ERA_YEARS) + year + (date.month <= 2);
	return date;
}
