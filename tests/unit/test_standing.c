#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/standing.h"

static struct arena *arena;

static int make(void **state)
{
	(void)state;
	arena = arena_new(4096, 1024 * 1024);
	return arena ? 0 : -1;
}

static int drop(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static const char *written(const struct standing *standing)
{
	struct buf out;

	buf_init(&out, arena, 64 * 1024);
	standing_write(standing, &out);
	assert_int_equal(buf_error(&out), OK);
	return arena_copy(arena, buf_slice(&out));
}

static const struct attendee GUESTS[] = {
	{.email = SLICE("a@x.org"), .name = SLICE("Ann"), .attendance = ATTENDANCE_ACCEPTED},
	{.email = SLICE("b@x.org"), .attendance = ATTENDANCE_NONE},
	{.email = SLICE("c@x.org"), .attendance = ATTENDANCE_DECLINED},
	{.email = SLICE("d@x.org"), .attendance = ATTENDANCE_TENTATIVE},
	{.email = SLICE("e@x.org")},
};

static void an_event_is_shown_with_googles_names_and_words(void **state)
{
	const struct event event = {
		.summary = SLICE("Lesson \"1\""),
		.description = SLICE("a\nb"),
		.location = SLICE("Court"),
		.start_ms = INT64_C(1766224800000),
		.end_ms = INT64_C(1766228400000),
		.time_zone = SLICE("America/New_York"),
		.attendees = GUESTS,
		.n_attendees = ARRAY_LEN(GUESTS),
	};
	const struct standing standing = {
		.id = SLICE("0abc"),
		.event = &event,
		.created_ms = INT64_C(1766000000000),
		.updated_ms = INT64_C(1766000000123),
		.html_link = SLICE("https://calendar.example/1"),
		.ical_uid = SLICE("0abc@x"),
		.conference_url = SLICE("https://meet.example/1"),
		.provider = SLICE("google"),
		.connection_id = SLICE("c1"),
		.calendar_id = SLICE("primary"),
		.provider_event_id = SLICE("0abc1"),
	};

	(void)state;
	assert_string_equal(
		written(&standing),
		"{\"id\":\"0abc\",\"status\":\"confirmed\","
		"\"htmlLink\":\"https://calendar.example/1\","
		"\"created\":\"2025-12-17T19:33:20.000Z\",\"updated\":\"2025-12-17T19:33:20.123Z\","
		"\"summary\":\"Lesson \\\"1\\\"\",\"description\":\"a\\nb\",\"location\":\"Court\","
		"\"start\":{\"dateTime\":\"2025-12-20T05:00:00-05:00\","
		"\"timeZone\":\"America/New_York\"},"
		"\"end\":{\"dateTime\":\"2025-12-20T06:00:00-05:00\","
		"\"timeZone\":\"America/New_York\"},"
		"\"attendees\":["
		"{\"email\":\"a@x.org\",\"displayName\":\"Ann\",\"responseStatus\":\"accepted\"},"
		"{\"email\":\"b@x.org\",\"responseStatus\":\"needsAction\"},"
		"{\"email\":\"c@x.org\",\"responseStatus\":\"declined\"},"
		"{\"email\":\"d@x.org\",\"responseStatus\":\"tentative\"},"
		"{\"email\":\"e@x.org\",\"responseStatus\":\"needsAction\"}],"
		"\"iCalUID\":\"0abc@x\",\"conferenceUrl\":\"https://meet.example/1\","
		"\"provider\":\"google\",\"calendarId\":\"primary\",\"connectionId\":\"c1\","
		"\"providerEventId\":\"0abc1\"}");
}

static void what_is_not_there_is_null_and_the_shape_stays(void **state)
{
	const struct event event = {
		.summary = SLICE("x"), .end_ms = 1000, .time_zone = SLICE("UTC")};
	const struct standing standing = {.id = SLICE("1"), .cancelled = true, .event = &event};

	(void)state;
	assert_string_equal(written(&standing),
			    "{\"id\":\"1\",\"status\":\"cancelled\",\"htmlLink\":null,"
			    "\"created\":null,\"updated\":null,\"summary\":\"x\","
			    "\"description\":null,\"location\":null,"
			    "\"start\":{\"dateTime\":\"1970-01-01T00:00:00+00:00\","
			    "\"timeZone\":\"UTC\"},"
			    "\"end\":{\"dateTime\":\"1970-01-01T00:00:01+00:00\","
			    "\"timeZone\":\"UTC\"},"
			    "\"attendees\":[],\"iCalUID\":null,\"conferenceUrl\":null,"
			    "\"provider\":\"\",\"calendarId\":\"\",\"connectionId\":\"\","
			    "\"providerEventId\":\"\"}");
}

static void whole_days_are_shown_as_days(void **state)
{
	const struct event event = {.start_ms = INT64_C(1766188800000),
				    .end_ms = INT64_C(1766275200000),
				    .time_zone = SLICE("Pacific/Auckland")};
	const struct standing standing = {.event = &event, .whole_day = true};

	(void)state;
	assert_non_null(strstr(written(&standing), "\"start\":{\"date\":\"2025-12-20\"},"
						   "\"end\":{\"date\":\"2025-12-21\"}"));
}

static void guests_that_were_left_out_are_told_of(void **state)
{
	const struct event event = {.time_zone = SLICE("UTC")};
	const struct standing standing = {.event = &event, .attendees_omitted = true};

	(void)state;
	assert_non_null(strstr(written(&standing), "\"attendees\":[],\"attendeesOmitted\":true,"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_is_shown_with_googles_names_and_words),
		cmocka_unit_test(what_is_not_there_is_null_and_the_shape_stays),
		cmocka_unit_test(whole_days_are_shown_as_days),
		cmocka_unit_test(guests_that_were_left_out_are_told_of),
	};

	return cmocka_run_group_tests_name("standing", tests, make, drop);
}
