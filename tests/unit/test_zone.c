#include <dirent.h>
#include <glib.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/zone.h"

static const int64_t Y2000_S = INT64_C(946684800);
static const int64_t Y2024_S = INT64_C(1704067200);
static const int64_t Y2038_S = INT64_C(2145916800);
static const int64_t Y2101_S = INT64_C(4133980800);
enum { HALF_DAY_S = 43200 };

/* Half hours, a missing day, summer time behind, two hours ahead, Ramadan, no change at all. */
static const char *const THIRTY[] = {
	"America/New_York",    "America/Los_Angeles", "America/St_Johns", "America/Sao_Paulo",
	"America/Santiago",    "America/Havana",      "America/Asuncion", "America/Nuuk",
	"America/Mexico_City", "America/Caracas",     "Europe/London",    "Europe/Dublin",
	"Europe/Lisbon",       "Europe/Berlin",       "Europe/Istanbul",  "Europe/Chisinau",
	"Africa/Casablanca",   "Africa/Cairo",        "Asia/Gaza",        "Asia/Beirut",
	"Asia/Tehran",         "Asia/Kolkata",        "Asia/Kathmandu",   "Asia/Tokyo",
	"Australia/Lord_Howe", "Australia/Adelaide",  "Pacific/Auckland", "Pacific/Chatham",
	"Pacific/Apia",        "Antarctica/Troll",
};

static const struct zone *zone_of(const char *name)
{
	const struct zone *zone = zone_find(slice_of(name));

	if (!zone)
		fail_msg("no zone %s", name);
	return zone;
}

/* The libc reads the same files by other code: the second opinion of these tests. */
static void libc_use(const char *name)
{
	char tz[320];

	snprintf(tz, sizeof(tz), ":%s", name);
	setenv("TZ", tz, 1);
	tzset();
}

static int libc_offset_s(int64_t at_s)
{
	time_t at = at_s;
	struct tm tm;

	localtime_r(&at, &tm);
	return (int)tm.tm_gmtoff;
}

/* 2026-03-08T02:30:00 as if it were UTC */
static int64_t wall_ms(const char *text)
{
	struct tm tm = {0};

	if (!strptime(text, "%Y-%m-%dT%H:%M:%S", &tm))
		fail_msg("no time: %s", text);
	return (int64_t)timegm(&tm) * 1000;
}

static void assert_no_time(const struct zone *zone, int64_t wall)
{
	int64_t instant = 1;

	if (zone_to_instant(zone, wall, &instant) != ERR_FIELDS)
		fail_msg("%s: %lld is taken", zone_name(zone), (long long)wall);
	assert_int_equal(instant, 0);
}

static void assert_instant(const struct zone *zone, int64_t wall, int64_t expected)
{
	int64_t instant;

	if (zone_to_instant(zone, wall, &instant))
		fail_msg("%s: %lld is no time", zone_name(zone), (long long)wall);
	if (instant != expected)
		fail_msg("%s: %lld is %lld, not %lld", zone_name(zone), (long long)wall,
			 (long long)instant, (long long)expected);
}

/* Wall times on both sides of a change, in the gap or in what comes twice. */
static void check_change(const struct zone *zone, int64_t at_ms, int before_ms, int after_ms)
{
	int64_t step = (before_ms < after_ms ? after_ms - before_ms : before_ms - after_ms) / 4;
	int64_t low = at_ms + (before_ms < after_ms ? before_ms : after_ms);

	assert_int_equal(zone_offset_s(zone, at_ms - 1) * 1000, before_ms);
	assert_int_equal(zone_offset_s(zone, at_ms) * 1000, after_ms);
	assert_instant(zone, at_ms - 1 + before_ms, at_ms - 1);
	if (before_ms < after_ms)
		assert_instant(zone, at_ms + after_ms, at_ms);
	else
		assert_instant(zone, at_ms + before_ms, at_ms + before_ms - after_ms);
	assert_instant(zone, low - 1, low - 1 - before_ms);
	for (int i = 0; i < 4; i++) {
		if (before_ms < after_ms)
			assert_no_time(zone, low + i * step);
		else
			assert_instant(zone, low + i * step, low + i * step - before_ms);
	}
}

/* Finds the changes of the libc's clock, to the second. Returns how many there are. */
static unsigned check_changes(const struct zone *zone, int64_t from_s, int64_t to_s)
{
	unsigned n = 0;

	for (int64_t at = from_s; at < to_s; at += HALF_DAY_S) {
		int64_t low = at, high = at + HALF_DAY_S;
		int before = libc_offset_s(low), after = libc_offset_s(high);

		assert_int_equal(zone_offset_s(zone, at * 1000), before);
		if (before == after)
			continue;
		while (high - low > 1) {
			int64_t middle = (low + high) / 2;

			*(libc_offset_s(middle) == before ? &low : &high) = middle;
		}
		check_change(zone, high * 1000, before * 1000, after * 1000);
		n++;
	}
	return n;
}

static void every_change_from_2024_to_2037_in_30_zones_is_right_on_both_sides(void **state)
{
	unsigned n = 0;

	(void)state;
	assert_int_equal(ARRAY_LEN(THIRTY), 30);
	for (unsigned i = 0; i < ARRAY_LEN(THIRTY); i++) {
		libc_use(THIRTY[i]);
		n += check_changes(zone_of(THIRTY[i]), Y2024_S, Y2038_S);
	}
	assert_true(n > 400);
}

/* Behind the tables of most files, by the rule at their end; Gaza's table reaches to 2086. */
static void every_change_from_2038_to_2100_is_right_on_both_sides_too(void **state)
{
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(THIRTY); i++) {
		libc_use(THIRTY[i]);
		n += check_changes(zone_of(THIRTY[i]), Y2038_S, Y2101_S);
	}
	assert_true(n > 1800);
}

/* Every file of the folder that is one of the system's names; aliases are links or files. */
static unsigned check_folder(const char *prefix)
{
	char path[128], name[300];
	unsigned n = 0;
	struct dirent *entry;
	DIR *folder;

	snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", prefix);
	folder = opendir(path);
	while (folder && (entry = readdir(folder))) {
		const struct zone *zone;

		snprintf(name, sizeof(name), "%s%s", prefix, entry->d_name);
		zone = zone_find(slice_of(name));
		if (!zone)
			continue;
		libc_use(name);
		for (int64_t at = Y2000_S; at < Y2101_S; at += 26 * HALF_DAY_S + 3571) {
			if (zone_offset_s(zone, at * 1000) != libc_offset_s(at))
				fail_msg("%s at %lld", name, (long long)at);
		}
		n++;
	}
	if (folder)
		closedir(folder);
	return n;
}

static void every_zone_of_the_system_has_the_libc_s_offsets_from_2000_to_2100(void **state)
{
	static const char *const FOLDERS[] = {
		"",
		"Africa/",
		"America/",
		"America/Argentina/",
		"America/Indiana/",
		"America/Kentucky/",
		"America/North_Dakota/",
		"Antarctica/",
		"Arctic/",
		"Asia/",
		"Atlantic/",
		"Australia/",
		"Brazil/",
		"Canada/",
		"Chile/",
		"Etc/",
		"Europe/",
		"Indian/",
		"Mexico/",
		"Pacific/",
		"US/",
	};
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(FOLDERS); i++)
		n += check_folder(FOLDERS[i]);
	assert_true(n > 500);
}

static void the_spring_gap_of_new_york_is_no_time(void **state)
{
	const struct zone *zone = zone_of("America/New_York");

	(void)state;
	assert_instant(zone, wall_ms("2026-03-08T01:59:59"), wall_ms("2026-03-08T06:59:59"));
	assert_no_time(zone, wall_ms("2026-03-08T02:00:00"));
	assert_no_time(zone, wall_ms("2026-03-08T02:30:00"));
	assert_no_time(zone, wall_ms("2026-03-08T02:59:59") + 999);
	assert_instant(zone, wall_ms("2026-03-08T03:00:00"), wall_ms("2026-03-08T07:00:00"));
}

static void the_repeated_hour_of_new_york_is_its_first(void **state)
{
	const struct zone *zone = zone_of("America/New_York");

	(void)state;
	assert_instant(zone, wall_ms("2026-11-01T00:59:59"), wall_ms("2026-11-01T04:59:59"));
	assert_instant(zone, wall_ms("2026-11-01T01:00:00"), wall_ms("2026-11-01T05:00:00"));
	assert_instant(zone, wall_ms("2026-11-01T01:30:00"), wall_ms("2026-11-01T05:30:00"));
	assert_instant(zone, wall_ms("2026-11-01T02:00:00"), wall_ms("2026-11-01T07:00:00"));
}

static void the_repeated_hour_is_the_first_also_where_summer_time_is_behind(void **state)
{
	const struct zone *zone = zone_of("Europe/Dublin");

	(void)state;
	assert_instant(zone, wall_ms("2026-10-25T01:30:00"), wall_ms("2026-10-25T00:30:00"));
	assert_no_time(zone, wall_ms("2026-03-29T01:30:00"));
	assert_instant(zone, wall_ms("2060-10-31T01:30:00"), wall_ms("2060-10-31T00:30:00"));
	assert_no_time(zone, wall_ms("2060-03-28T01:30:00"));
}

static void half_an_hour_is_left_out_and_repeated_on_lord_howe(void **state)
{
	const struct zone *zone = zone_of("Australia/Lord_Howe");

	(void)state;
	assert_no_time(zone, wall_ms("2026-10-04T02:15:00"));
	assert_instant(zone, wall_ms("2026-10-04T02:30:00"), wall_ms("2026-10-03T15:30:00"));
	assert_instant(zone, wall_ms("2026-04-05T01:45:00"), wall_ms("2026-04-04T14:45:00"));
	assert_instant(zone, wall_ms("2026-04-05T01:29:59"), wall_ms("2026-04-04T14:29:59"));
}

static void a_whole_day_is_missing_in_apia(void **state)
{
	const struct zone *zone = zone_of("Pacific/Apia");

	(void)state;
	assert_instant(zone, wall_ms("2011-12-29T23:59:59"), wall_ms("2011-12-30T09:59:59"));
	assert_no_time(zone, wall_ms("2011-12-30T00:00:00"));
	assert_no_time(zone, wall_ms("2011-12-30T12:00:00"));
	assert_no_time(zone, wall_ms("2011-12-30T23:59:59"));
	assert_instant(zone, wall_ms("2011-12-31T00:00:00"), wall_ms("2011-12-30T10:00:00"));
}

static void two_hours_are_left_out_in_troll(void **state)
{
	const struct zone *zone = zone_of("Antarctica/Troll");

	(void)state;
	assert_no_time(zone, wall_ms("2026-03-29T01:00:00"));
	assert_no_time(zone, wall_ms("2026-03-29T02:59:59"));
	assert_instant(zone, wall_ms("2026-03-29T03:00:00"), wall_ms("2026-03-29T01:00:00"));
	assert_instant(zone, wall_ms("2026-10-25T01:30:00"), wall_ms("2026-10-24T23:30:00"));
}

static void utc_has_no_offset_under_any_of_its_names(void **state)
{
	static const char *const NAMES[] = {"UTC", "Etc/UTC", "Zulu", "GMT", "Etc/GMT+0", "GMT0"};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(NAMES); i++) {
		const struct zone *zone = zone_of(NAMES[i]);

		assert_int_equal(zone_offset_s(zone, INT64_C(1764687600000)), 0);
		assert_instant(zone, INT64_C(1764687600123), INT64_C(1764687600123));
	}
}

/* As a rule, "EST5EDT" would have the changes of 2007 in every year. */
static void a_name_that_looks_like_a_rule_is_the_file(void **state)
{
	(void)state;
	assert_int_equal(zone_offset_s(zone_of("Etc/GMT+5"), 0), -5 * 3600);
	assert_int_equal(zone_offset_s(zone_of("Etc/GMT-14"), 0), 14 * 3600);
	/* 2006-03-20: summer time began in April until 2006 */
	assert_int_equal(zone_offset_s(zone_of("EST5EDT"), wall_ms("2006-03-20T12:00:00")),
			 -5 * 3600);
}

static void an_alias_is_found_under_its_own_name_with_the_same_clock(void **state)
{
	static const char *const PAIRS[][2] = {
		{"Asia/Kolkata", "Asia/Calcutta"},
		{"America/New_York", "US/Eastern"},
		{"Asia/Kathmandu", "Asia/Katmandu"},
		{"Europe/Kyiv", "Europe/Kiev"},
		{"Asia/Ho_Chi_Minh", "Asia/Saigon"},
		{"America/Nuuk", "America/Godthab"},
		{"America/Argentina/Buenos_Aires", "America/Buenos_Aires"},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(PAIRS); i++) {
		const struct zone *a = zone_of(PAIRS[i][0]), *b = zone_of(PAIRS[i][1]);

		assert_string_equal(zone_name(a), PAIRS[i][0]);
		assert_string_equal(zone_name(b), PAIRS[i][1]);
		for (int64_t at = Y2000_S; at < Y2101_S; at += 10000000)
			assert_int_equal(zone_offset_s(a, at * 1000), zone_offset_s(b, at * 1000));
	}
}

static void an_offset_is_that_of_the_second_before_the_epoch_too(void **state)
{
	const struct zone *zone = zone_of("America/New_York");

	(void)state;
	/* 1967-10-29T06:00:00Z: the end of summer time, a negative instant with milliseconds */
	assert_int_equal(zone_offset_s(zone, wall_ms("1967-10-29T06:00:00") - 1), -4 * 3600);
	assert_int_equal(zone_offset_s(zone, wall_ms("1967-10-29T06:00:00")), -5 * 3600);
}

static void only_names_of_the_system_s_list_are_zones(void **state)
{
	static const char *const BAD[] = {
		"",
		"/",
		".",
		"..",
		"../../etc/passwd",
		"/etc/localtime",
		"/usr/share/zoneinfo/UTC",
		"America",
		"America/",
		"America//New_York",
		"/America/New_York",
		"America/New_York/",
		"America/../UTC",
		"./UTC",
		"america/new_york",
		"utc ",
		" UTC",
		"America/New York",
		"America/Nowhere",
		"posix/UTC",
		"right/UTC",
		"posix",
		"right",
		"localtime",
		"posixrules",
		"Factory",
		"tzdata.zi",
		"zone.tab",
		"leapseconds",
		"+00",
		"-05:00",
		"+05:00",
		"05",
		"UTC+3",
		"EST5",
		"EST5EDT,M3.2.0,M11.1.0",
		":UTC",
		"<+03>-3",
		"UTC\n",
		"Eastern Standard Time",
		"CON",
		"%2e%2e/UTC",
		"America/Argentina/ComodRivadaviaComodRivadaviaComodRivadaviaComo",
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(BAD); i++) {
		if (zone_find(slice_of(BAD[i])))
			fail_msg("taken: %s", BAD[i]);
	}
	assert_null(zone_find((struct slice){"UTC\0", 4}));
	assert_null(zone_find((struct slice){NULL, 0}));
	assert_non_null(zone_find((struct slice){"UTC+", 3}));
}

static void a_zone_is_loaded_once(void **state)
{
	(void)state;
	assert_ptr_equal(zone_of("Europe/Berlin"), zone_of("Europe/Berlin"));
	assert_ptr_not_equal(zone_of("Europe/Berlin"), zone_of("Europe/Vienna"));
}

/* A zone that nothing else here asks for, so that it is loaded now. */
static void the_environment_moves_no_zone(void **state)
{
	(void)state;
	setenv("TZDIR", "/nowhere", 1);
	assert_int_equal(zone_offset_s(zone_of("Asia/Kabul"), 0), 4 * 3600 + 1800);
	unsetenv("TZDIR");
}

enum { THREADS = 8, NAMES = 30 };

static void *find_all(void *found)
{
	const struct zone **zones = found;

	for (unsigned i = 0; i < NAMES; i++)
		zones[i] = zone_find(slice_of(THIRTY[i]));
	return NULL;
}

/* First in this program, while nothing is loaded yet. */
static void threads_that_ask_at_once_get_the_same_zone(void **state)
{
	static const struct zone *found[THREADS][NAMES];
	pthread_t threads[THREADS];

	(void)state;
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, find_all, found[i]), 0);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		assert_memory_equal(found[i], found[0], sizeof(found[0]));
		assert_non_null(found[i][NAMES - 1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_that_ask_at_once_get_the_same_zone),
		cmocka_unit_test(the_environment_moves_no_zone),
		cmocka_unit_test(a_zone_is_loaded_once),
		cmocka_unit_test(every_change_from_2024_to_2037_in_30_zones_is_right_on_both_sides),
		cmocka_unit_test(every_change_from_2038_to_2100_is_right_on_both_sides_too),
		cmocka_unit_test(every_zone_of_the_system_has_the_libc_s_offsets_from_2000_to_2100),
		cmocka_unit_test(the_spring_gap_of_new_york_is_no_time),
		cmocka_unit_test(the_repeated_hour_of_new_york_is_its_first),
		cmocka_unit_test(the_repeated_hour_is_the_first_also_where_summer_time_is_behind),
		cmocka_unit_test(half_an_hour_is_left_out_and_repeated_on_lord_howe),
		cmocka_unit_test(a_whole_day_is_missing_in_apia),
		cmocka_unit_test(two_hours_are_left_out_in_troll),
		cmocka_unit_test(utc_has_no_offset_under_any_of_its_names),
		cmocka_unit_test(a_name_that_looks_like_a_rule_is_the_file),
		cmocka_unit_test(an_alias_is_found_under_its_own_name_with_the_same_clock),
		cmocka_unit_test(an_offset_is_that_of_the_second_before_the_epoch_too),
		cmocka_unit_test(only_names_of_the_system_s_list_are_zones),
	};

	/* What GLib would complain about is not to reach it. */
	g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
