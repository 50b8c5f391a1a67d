#include "base/rfc3339.h"

#include <stdlib.h>

#include "base/civil.h"

enum { YEAR_MIN = 2000, YEAR_MAX = 2100, FRACTION_DIGITS_MAX = 9 };

static const int64_t DAY_MS = DAY_S * INT64_C(1000);
static const int64_t INSTANT_MIN_MS = INT64_C(946684800000);  /* 2000-01-01T00:00:00Z */
static const int64_t INSTANT_END_MS = INT64_C(4133980800000); /* 2101-01-01T00:00:00Z */
static const int64_t WRITE_MIN_MS = INT64_C(-62135596800000); /* 0001-01-01T00:00:00Z */
static const int64_t WRITE_MAX_MS = INT64_C(253370764799999); /* 9998-12-31T23:59:59.999Z */

static bool take(struct slice *rest, char c)
{
	if (rest->len == 0 || rest->data[0] != c)
		return false;
	rest->data++;
	rest->len--;
	return true;
}

static bool take_digit(struct slice *rest, int *digit)
{
	if (rest->len == 0 || rest->data[0] < '0' || rest->data[0] > '9')
		return false;
	*digit = rest->data[0] - '0';
	rest->data++;
	rest->len--;
	return true;
}

/* Exactly that many digits, with a value of at most max. */
static bool take_number(struct slice *rest, int digits, int max, int *out)
{
	int digit;

	for (*out = 0; digits > 0; digits--) {
		if (!take_digit(rest, &digit))
			return false;
		*out = *out * 10 + digit;
	}
	return *out <= max;
}

static bool take_date(struct slice *rest, int64_t *ms)
{
	struct civil_date date;

	if (!take_number(rest, 4, YEAR_MAX, &date.year) || date.year < YEAR_MIN ||
	    !take(rest, '-') || !take_number(rest, 2, 12, &date.month) || !take(rest, '-') ||
	    !take_number(rest, 2, 31, &date.day) || !civil_is_date(date))
		return false;
	*ms = civil_days(date) * DAY_MS;
	return true;
}

static bool take_fraction(struct slice *rest, int *ms)
{
	int weight = 100, digits = 0, digit;

	*ms = 0;
	if (!take(rest, '.'))
		return true;
	for (; take_digit(rest, &digit); digits++) {
		*ms += digit * weight;
		weight /= 10;
	}
	return digits >= 1 && digits <= FRACTION_DIGITS_MAX;
}

static bool take_time(struct slice *rest, int64_t *ms)
{
	int hour, minute, second, fraction_ms;

	if (!take_number(rest, 2, 23, &hour) || !take(rest, ':') ||
	    !take_number(rest, 2, 59, &minute) || !take(rest, ':') ||
	    !take_number(rest, 2, 59, &second) || !take_fraction(rest, &fraction_ms))
		return false;
	*ms += ((hour * 60 + minute) * 60 + second) * INT64_C(1000) + fraction_ms;
	return true;
}

/* What is left is 'Z', an offset, or nothing: a local time. */
static bool take_zone(struct slice *rest, struct rfc3339 *time)
{
	bool east = take(rest, '+');
	int hour, minute;
	int64_t offset_ms;

	time->instant = east || rest->len > 0;
	if (!time->instant || (!east && take(rest, 'Z')))
		return true;
	if ((!east && !take(rest, '-')) || !take_number(rest, 2, 23, &hour) || !take(rest, ':') ||
	    !take_number(rest, 2, 59, &minute))
		return false;
	offset_ms = (hour * 60 + minute) * INT64_C(60000);
	time->ms -= east ? offset_ms : -offset_ms;
	return true;
}

static bool is_in_years(int64_t ms)
{
	return ms >= INSTANT_MIN_MS && ms < INSTANT_END_MS;
}

enum err rfc3339_read(struct slice text, struct rfc3339 *out)
{
	struct slice rest = text;
	struct rfc3339 time;

	*out = (struct rfc3339){0};
	if (!take_date(&rest, &time.ms) || !take(&rest, 'T') || !take_time(&rest, &time.ms) ||
	    !take_zone(&rest, &time) || rest.len > 0 || !is_in_years(time.ms))
		return ERR_BAD_REQUEST;
	*out = time;
	return OK;
}

enum err rfc3339_instant(struct slice text, const struct zone *zone, int64_t *instant_ms)
{
	struct rfc3339 time;
	int64_t ms;
	enum err e = rfc3339_read(text, &time);

	*instant_ms = 0;
	if (!e && !time.instant && !zone)
		e = ERR_BAD_REQUEST;
	if (e)
		return e;
	ms = time.ms;
	if (!time.instant)
		e = zone_to_instant(zone, time.ms, &ms);
	if (!e && !is_in_years(ms))
		e = ERR_BAD_REQUEST;
	if (!e)
		*instant_ms = ms;
	return e;
}

static int64_t writable(int64_t ms)
{
	if (ms < WRITE_MIN_MS)
		return WRITE_MIN_MS;
	return ms > WRITE_MAX_MS ? WRITE_MAX_MS : ms;
}

static char *put_number(char *at, int digits, int value, char behind)
{
	for (int i = digits - 1; i >= 0; i--) {
		at[i] = (char)('0' + value % 10);
		value /= 10;
	}
	at[digits] = behind;
	return at + digits + 1;
}

/* "2025-12-02T10:00:00" and the byte behind; returns what follows it. *in_second_ms is the rest. */
static char *put_wall(char *at, int64_t wall_ms, char behind, int *in_second_ms)
{
	int64_t days = wall_ms / DAY_MS - (wall_ms % DAY_MS < 0);
	int in_day_ms = (int)(wall_ms - days * DAY_MS);
	int in_day_s = in_day_ms / 1000;
	struct civil_date date = civil_date_of(days);

	at = put_number(at, 4, date.year, '-');
	at = put_number(at, 2, date.month, '-');
	at = put_number(at, 2, date.day, 'T');
	at = put_number(at, 2, in_day_s / 3600, ':');
	at = put_number(at, 2, in_day_s / 60 % 60, ':');
	*in_second_ms = in_day_ms % 1000;
	return put_number(at, 2, in_day_s % 60, behind);
}

void rfc3339_utc(int64_t instant_ms, char out[RFC3339_BYTES])
{
	int in_second_ms;
	char *at = put_wall(out, writable(instant_ms), '.', &in_second_ms);

	at = put_number(at, 3, in_second_ms, 'Z');
	*at = '\0';
}

void rfc3339_zoned(int64_t instant_ms, const struct zone *zone, char out[RFC3339_BYTES])
{
	int64_t instant = writable(instant_ms);
	int offset_s = zone_offset_s(zone, instant);
	int minutes = abs(offset_s) / 60, in_second_ms;
	char *at = put_wall(out, instant + offset_s * INT64_C(1000), offset_s < 0 ? '-' : '+',
			    &in_second_ms);

	at = put_number(at, 2, minutes / 60, ':');
	put_number(at, 2, minutes % 60, '\0');
}

void rfc3339_local(int64_t instant_ms, const struct zone *zone, char out[RFC3339_BYTES])
{
	int64_t instant = writable(instant_ms);
	int offset_s = zone_offset_s(zone, instant), in_second_ms;

	put_wall(out, instant + offset_s * INT64_C(1000), '\0', &in_second_ms);
}
