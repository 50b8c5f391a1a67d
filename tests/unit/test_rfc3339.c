#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/rfc3339.h"

static const int64_t Y2000_MS = INT64_C(946684800000);
static const int64_t Y2101_MS = INT64_C(4133980800000);
static const int64_t NOON_MS = INT64_C(1764687600000); /* 2025-12-02T15:00:00Z */

static const struct zone *new_york(void)
{
	return zone_find(SLICE("America/New_York"));
}

static void assert_reads(const char *text, int64_t ms, bool instant)
{
	struct rfc3339 time;

	if (rfc3339_read(slice_of(text), &time))
		fail_msg("refused: %s", text);
	if (time.ms != ms || time.instant != instant)
		fail_msg("%s is %lld", text, (long long)time.ms);
}

static void the_forms_that_callers_send_are_read(void **state)
{
	(void)state;
	assert_reads("2025-12-02T15:00:00.000Z", NOON_MS, true);
	assert_reads("2025-12-02T15:00:00Z", NOON_MS, true);
	assert_reads("2025-12-02T10:00:00-05:00", NOON_MS, true);
	assert_reads("2025-12-02T20:30:00+05:30", NOON_MS, true);
	assert_reads("2025-12-03T14:59:00+23:59", NOON_MS, true);
	assert_reads("2025-12-02T15:00:00-00:00", NOON_MS, true);
	assert_reads("2025-12-02T15:00:00", NOON_MS, false);
	assert_reads("2025-12-02T15:00:00.25", NOON_MS + 250, false);
	assert_reads("2024-02-29T00:00:00Z", INT64_C(1709164800000), true);
	assert_reads("2000-01-01T00:00:00Z", Y2000_MS, true);
	assert_reads("2100-12-31T23:59:59.999Z", Y2101_MS - 1, true);
}

static void a_fraction_is_cut_off_behind_milliseconds(void **state)
{
	(void)state;
	assert_reads("2025-12-02T15:00:00.1Z", NOON_MS + 100, true);
	assert_reads("2025-12-02T15:00:00.01Z", NOON_MS + 10, true);
	assert_reads("2025-12-02T15:00:00.1239Z", NOON_MS + 123, true);
	assert_reads("2025-12-02T15:00:00.999999999Z", NOON_MS + 999, true);
	assert_reads("2025-12-02T15:00:00.000000001+00:00", NOON_MS, true);
}

/* The list of the requirement for times, and the neighbours of each of its entries. */
static const char *const BAD[] = {
	"2025-02-30T10:00:00Z",
	"2025-02-29T10:00:00Z",
	"2100-02-29T10:00:00Z",
	"2025-04-31T10:00:00Z",
	"2025-00-10T10:00:00Z",
	"2025-13-10T10:00:00Z",
	"2025-12-00T10:00:00Z",
	"2025-12-32T10:00:00Z",
	"2025-12-02T24:00:00Z",
	"2025-12-02T24:00:00",
	"2025-12-02T23:60:00Z",
	"2025-12-02T25:00:00Z",
	"2025-12-02T99:00:00Z",
	"2016-12-31T23:59:60Z",
	"2025-12-02T15:59:61Z",
	"2025-06-30T18:59:60-05:00",
	"2025-12-02T15:00:00+99:00",
	"2025-12-02T15:00:00+24:00",
	"2025-12-02T15:00:00-24:00",
	"2025-12-02T15:00:00+05:60",
	"2025-12-02T15:00:00+5:00",
	"2025-12-02T15:00:00+0500",
	"2025-12-02T15:00:00+05",
	"2025-12-02T15:00:00+05:",
	"2025-12-02T15:00:00+05:0",
	"2025-12-02T15:00:00+05:000",
	"2025-12-02T15:00:00+",
	"2025-12-02T15:00:00-",
	"2025-12-02T15:00:00+05:30:00",
	"2025-12-02T15:00:00+-5:00",
	"2025-12-02T15:00:00 05:00",
	"1999-12-31T23:59:59Z",
	"2101-01-01T00:00:00Z",
	"1999-12-31T23:59:59",
	"0000-01-01T00:00:00Z",
	"2000-01-01T00:00:00+00:01",
	"2100-12-31T23:59:59-00:01",
	"9999-12-31T23:59:59Z",
	"2025-12-02",
	"2025-12-02T",
	"2025-12-02T15",
	"2025-12-02T15:00",
	"2025-12-02T15:00Z",
	"2025-12-02T15:00:",
	"2025-12-02T15:0:00Z",
	"2025-12-02T5:00:00Z",
	"2025-12-2T15:00:00Z",
	"2025-1-02T15:00:00Z",
	"25-12-02T15:00:00Z",
	"+2025-12-02T15:00:00Z",
	"-2025-12-02T15:00:00Z",
	"12025-12-02T15:00:00Z",
	"20251202T150000Z",
	"2025-336T15:00:00Z",
	"2025-W49-2T15:00:00Z",
	"2025-12-02T15:00:00.",
	"2025-12-02T15:00:00.Z",
	"2025-12-02T15:00:00,5Z",
	"2025-12-02T15:00:00.1234567890Z",
	"2025-12-02T15:00:00.-5Z",
	"2025-12-02T15:00:00.5.5Z",
	"2025-12-02 15:00:00Z",
	"2025-12-02t15:00:00Z",
	"2025-12-02T15:00:00z",
	"2025-12-02T15:00:00ZZ",
	"2025-12-02T15:00:00Z ",
	" 2025-12-02T15:00:00Z",
	"2025-12-02T15:00:00Z\n",
	"2025-12-02T15:00:00Z[UTC]",
	"2025-12-02T15:00:00+01:00[Europe/Berlin]",
	"2025-12-02T15:00:00UTC",
	"2025-12-02T15:00:00 Z",
	"2025/12/02T15:00:00Z",
	"2025:12:02T15:00:00Z",
	"2025-12-02T15-00-00Z",
	"2025-12-02T15.00.00Z",
	"1764687600",
	"1764687600000",
	"now",
	"",
	"Z",
	"T",
	"2025-12-02T1e:00:00Z",
	"2025-12-02T 1:00:00Z",
	"2025-12-02T+1:00:00Z",
	"2025-12-02T-1:00:00Z",
	"\xd9\xa2\xd9\xa0\xd9\xa2\xd9\xa5-12-02T15:00:00Z",
	"Tue, 02 Dec 2025 15:00:00 GMT",
	"2025-12-02T15:00:00\xe2\x88\x92\x30\x35:00",
};

static void anything_else_is_refused(void **state)
{
	struct rfc3339 time;
	int64_t ms;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(BAD); i++) {
		time = (struct rfc3339){1, true};
		if (rfc3339_read(slice_of(BAD[i]), &time) != ERR_BAD_REQUEST)
			fail_msg("taken: %s", BAD[i]);
		assert_int_equal(time.ms, 0);
		assert_false(time.instant);
		assert_int_equal(rfc3339_instant(slice_of(BAD[i]), new_york(), &ms),
				 ERR_BAD_REQUEST);
	}
}

static void a_good_time_cut_anywhere_or_with_one_byte_replaced_is_judged_alone(void **state)
{
	static const char GOOD[] = "2025-12-02T10:00:00.500-05:00";
	struct rfc3339 time;
	char text[sizeof(GOOD)];

	(void)state;
	for (size_t len = 0; len < sizeof(GOOD) - 1; len++) {
		/* "...:00" and "...:00.5", ".50", ".500" are local times */
		bool good = len == 19 || (len >= 21 && len <= 23);

		assert_int_equal(rfc3339_read((struct slice){GOOD, len}, &time),
				 good ? OK : ERR_BAD_REQUEST);
	}
	for (size_t at = 0; at < sizeof(GOOD) - 1; at++) {
		memcpy(text, GOOD, sizeof(GOOD));
		for (unsigned byte = 0; byte < 256; byte++) {
			bool sign = at == 23 && byte == '+';

			text[at] = (char)byte;
			if ((byte >= '0' && byte <= '9') || text[at] == GOOD[at] || sign)
				continue;
			assert_int_equal(
				rfc3339_read((struct slice){text, sizeof(GOOD) - 1}, &time),
				ERR_BAD_REQUEST);
		}
	}
}

static void a_nul_is_no_end_of_the_text(void **state)
{
	struct rfc3339 time;

	(void)state;
	assert_int_equal(rfc3339_read(SLICE("2025-12-02T15:00:00Z\0"), &time), ERR_BAD_REQUEST);
	assert_int_equal(rfc3339_read((struct slice){NULL, 0}, &time), ERR_BAD_REQUEST);
}

static void a_local_time_needs_a_zone(void **state)
{
	int64_t ms = 1;

	(void)state;
	assert_int_equal(rfc3339_instant(SLICE("2025-12-02T10:00:00"), NULL, &ms), ERR_BAD_REQUEST);
	assert_int_equal(ms, 0);
	assert_int_equal(rfc3339_instant(SLICE("2025-12-02T10:00:00"), new_york(), &ms), OK);
	assert_int_equal(ms, NOON_MS);
}

static void a_time_with_an_offset_does_not_look_at_the_zone(void **state)
{
	int64_t ms;

	(void)state;
	assert_int_equal(rfc3339_instant(SLICE("2025-12-02T15:00:00Z"), new_york(), &ms), OK);
	assert_int_equal(ms, NOON_MS);
	assert_int_equal(rfc3339_instant(SLICE("2025-12-02T16:00:00+01:00"), NULL, &ms), OK);
	assert_int_equal(ms, NOON_MS);
	/* an instant in the gap is one all the same */
	assert_int_equal(rfc3339_instant(SLICE("2026-03-08T02:30:00-05:00"), new_york(), &ms), OK);
}

static void a_wall_time_in_the_gap_is_a_field_error(void **state)
{
	int64_t ms = 1;

	(void)state;
	assert_int_equal(rfc3339_instant(SLICE("2026-03-08T02:30:00"), new_york(), &ms),
			 ERR_FIELDS);
	assert_int_equal(ms, 0);
}

static void a_repeated_wall_time_is_the_first(void **state)
{
	int64_t ms, first;

	(void)state;
	assert_int_equal(rfc3339_instant(SLICE("2026-11-01T01:30:00"), new_york(), &ms), OK);
	assert_int_equal(rfc3339_instant(SLICE("2026-11-01T01:30:00-04:00"), NULL, &first), OK);
	assert_int_equal(ms, first);
}

static void the_years_hold_in_utc_too(void **state)
{
	const struct zone *east = zone_find(SLICE("Pacific/Kiritimati"));
	int64_t ms;

	(void)state;
	assert_int_equal(rfc3339_instant(SLICE("2000-01-01T13:59:59"), east, &ms), ERR_BAD_REQUEST);
	assert_int_equal(rfc3339_instant(SLICE("2000-01-01T14:00:00"), east, &ms), OK);
	assert_int_equal(ms, Y2000_MS);
	assert_int_equal(rfc3339_instant(SLICE("2100-12-31T19:00:00"), new_york(), &ms),
			 ERR_BAD_REQUEST);
}

static void an_instant_is_written_in_utc_with_milliseconds(void **state)
{
	char text[RFC3339_BYTES];

	(void)state;
	rfc3339_utc(NOON_MS, text);
	assert_string_equal(text, "2025-12-02T15:00:00.000Z");
	rfc3339_utc(NOON_MS + 59 * 60000 + 59999, text);
	assert_string_equal(text, "2025-12-02T15:59:59.999Z");
	rfc3339_utc(-1, text);
	assert_string_equal(text, "1969-12-31T23:59:59.999Z");
}

static void a_wall_time_is_written_with_its_offset_or_alone(void **state)
{
	static const char *const CASES[][3] = {
		{"America/New_York", "2025-12-02T10:00:00-05:00", "2025-12-02T10:00:00"},
		{"Etc/UTC", "2025-12-02T15:00:00+00:00", "2025-12-02T15:00:00"},
		{"Asia/Kathmandu", "2025-12-02T20:45:00+05:45", "2025-12-02T20:45:00"},
		{"America/St_Johns", "2025-12-02T11:30:00-03:30", "2025-12-02T11:30:00"},
		{"Pacific/Kiritimati", "2025-12-03T05:00:00+14:00", "2025-12-03T05:00:00"},
	};
	char text[RFC3339_BYTES];

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(CASES); i++) {
		const struct zone *zone = zone_find(slice_of(CASES[i][0]));

		rfc3339_zoned(NOON_MS + 999, zone, text);
		assert_string_equal(text, CASES[i][1]);
		rfc3339_local(NOON_MS + 999, zone, text);
		assert_string_equal(text, CASES[i][2]);
	}
}

static void the_writers_stay_in_their_room_whatever_they_are_given(void **state)
{
	char text[RFC3339_BYTES];

	(void)state;
	rfc3339_utc(INT64_MAX, text);
	assert_string_equal(text, "9998-12-31T23:59:59.999Z");
	rfc3339_utc(INT64_MIN, text);
	assert_string_equal(text, "0001-01-01T00:00:00.000Z");
	rfc3339_zoned(INT64_MAX, new_york(), text);
	assert_string_equal(text, "9998-12-31T18:59:59-05:00");
	rfc3339_local(INT64_MIN, zone_find(SLICE("UTC")), text);
	assert_string_equal(text, "0001-01-01T00:00:00");
}

/* In steps that share nothing with hours or days, from where the wall time is of 2000 too. */
static void what_is_written_is_the_libc_s_text_and_reads_back(void **state)
{
	char text[RFC3339_BYTES], expected[64];

	(void)state;
	for (int64_t ms = Y2000_MS + 86400000; ms < Y2101_MS; ms += INT64_C(20000003357)) {
		time_t at = ms / 1000;
		struct tm tm;

		gmtime_r(&at, &tm);
		strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S", &tm);
		snprintf(expected + 19, sizeof(expected) - 19, ".%03dZ", (int)(ms % 1000));
		rfc3339_utc(ms, text);
		assert_string_equal(text, expected);
		assert_reads(text, ms, true);
		rfc3339_zoned(ms, new_york(), text);
		assert_reads(text, ms - ms % 1000, true);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_forms_that_callers_send_are_read),
		cmocka_unit_test(a_fraction_is_cut_off_behind_milliseconds),
		cmocka_unit_test(anything_else_is_refused),
		cmocka_unit_test(
			a_good_time_cut_anywhere_or_with_one_byte_replaced_is_judged_alone),
		cmocka_unit_test(a_nul_is_no_end_of_the_text),
		cmocka_unit_test(a_local_time_needs_a_zone),
		cmocka_unit_test(a_time_with_an_offset_does_not_look_at_the_zone),
		cmocka_unit_test(a_wall_time_in_the_gap_is_a_field_error),
		cmocka_unit_test(a_repeated_wall_time_is_the_first),
		cmocka_unit_test(the_years_hold_in_utc_too),
		cmocka_unit_test(an_instant_is_written_in_utc_with_milliseconds),
		cmocka_unit_test(a_wall_time_is_written_with_its_offset_or_alone),
		cmocka_unit_test(the_writers_stay_in_their_room_whatever_they_are_given),
		cmocka_unit_test(what_is_written_is_the_libc_s_text_and_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
