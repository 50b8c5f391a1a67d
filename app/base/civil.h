#ifndef CB_BASE_CIVIL_H
#define CB_BASE_CIVIL_H
/*
 * civil: days and dates of the Gregorian calendar, without zone or clock. Pure; stands on libc.
 */
#include <stdbool.h>
#include <stdint.h>

enum { DAY_S = 86400 };

struct civil_date {
	int year;  /* 0 to 9999 */
	int month; /* 1 to 12 */
	int day;   /* 1 to 31 */
};

/* 28 to 31. month is 1 to 12. */
int civil_month_days(int year, int month);

/* Is it a real date, with a year from 0 to 9999? */
bool civil_is_date(struct civil_date date);

/* Days since 1970-01-01, negative before. */
int64_t civil_days(struct civil_date date);

/* The date of that day; days must lie in years 0 to 9999. */
struct civil_date civil_date_of(int64_t days);

#endif
