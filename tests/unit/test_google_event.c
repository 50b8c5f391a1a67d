#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "provider/google_event.h"
#include "tests/unit/arena_fixture.h"
#include "tests/unit/event_fixture.h"

static const char *inserted(const struct event *event)
{
	struct buf out;

	buf_init(&out, arena, 1024 * 1024);
	google_event_insert(event, "cb5f0c", &STAMP, &out);
	assert_int_equal(buf_error(&out), OK);
	return buf_slice(&out).data;
}

static const char *patched(const struct event *event, unsigned parts)
{
	struct buf out;

	buf_init(&out, arena, 1024 * 1024);
	google_event_patch(event, parts, "cb5f0c-7", &out);
	assert_int_equal(buf_error(&out), OK);
	return buf_slice(&out).data;
}

static void an_insert_carries_our_id_marker_and_the_calendars_reminders(void **state)
{
	struct event event = coffee();

	(void)state;
	assert_string_equal(inserted(&event),
			    "{\"id\":\"cb5f0c\",\"summary\":\"Coffee\","
			    "\"start\":{\"dateTime\":\"2025-12-02T10:00:00-05:00\","
			    "\"timeZone\":\"America/New_York\"},"
			    "\"end\":{\"dateTime\":\"2025-12-02T10:45:00-05:00\","
			    "\"timeZone\":\"America/New_York\"},"
			    "\"reminders\":{\"useDefault\":true},"
			    "\"extendedProperties\":{\"private\":{\"calbridge\":\"bk_1\","
			    "\"calbridgeOwner\":\"ow_1\"}}}");
}

static void an_insert_names_guests_and_texts(void **state)
{
	struct attendee guests[] = {{.email = SLICE("m@example.com"), .name = SLICE("Mi\"lan")},
				    {.email = SLICE("n@example.com")}};
	struct event event = coffee();
	const char *text;

	(void)state;
	event.attendees = guests;
	event.n_attendees = 2;
	event.description = SLICE("two\nlines");
	event.location = SLICE("Caf\xc3\xa9");
	text = inserted(&event);
	assert_non_null(strstr(text,
			       "\"attendees\":[{\"email\":\"m@example.com\","
			       "\"displayName\":\"Mi\\\"lan\"},{\"email\":\"n@example.com\"}]"));
	assert_non_null(
		strstr(text, "\"description\":\"two\\nlines\",\"location\":\"Caf\xc3\xa9\""));
}

static void an_hour_that_comes_twice_is_told_apart_by_its_offset(void **state)
{
	struct event event = coffee();

	(void)state;
	event.start_ms = 1762061400000; /* 2 November 2025, 01:30 EDT */
	event.end_ms = event.start_ms + 3600000;
	assert_non_null(strstr(inserted(&event), "2025-11-02T01:30:00-04:00"));
	assert_non_null(strstr(inserted(&event), "2025-11-02T01:30:00-05:00"));
}

static void a_zone_that_nobody_knows_keeps_the_instant(void **state)
{
	struct event event = coffee();

	(void)state;
	event.time_zone = SLICE("Mars/Olympus");
	assert_non_null(strstr(inserted(&event), "{\"dateTime\":\"2025-12-02T15:00:00.000Z\","
						 "\"timeZone\":\"UTC\"}"));
}

static void a_patch_says_by_null_what_is_to_go(void **state)
{
	struct event event = coffee();

	(void)state;
	assert_string_equal(
		patched(&event, EVENT_SUMMARY | EVENT_DESCRIPTION | EVENT_LOCATION | EVENT_TIMES),
		"{\"summary\":\"Coffee\",\"description\":null,\"location\":null,"
		"\"start\":{\"dateTime\":\"2025-12-02T10:00:00-05:00\","
		"\"timeZone\":\"America/New_York\",\"date\":null},"
		"\"end\":{\"dateTime\":\"2025-12-02T10:45:00-05:00\","
		"\"timeZone\":\"America/New_York\",\"date\":null}}");
}

static void a_patch_says_nothing_of_a_part_that_is_not_named(void **state)
{
	struct attendee guests[] = {{.email = SLICE("m@example.com")}};
	struct event event = coffee();

	(void)state;
	event.attendees = guests;
	event.n_attendees = 1;
	assert_string_equal(patched(&event, 0), "{}");
	assert_string_equal(patched(&event, EVENT_SUMMARY), "{\"summary\":\"Coffee\"}");
	assert_string_equal(patched(&event, EVENT_LOCATION), "{\"location\":null}");
	assert_string_equal(patched(&event, EVENT_ATTENDEES),
			    "{\"attendees\":[{\"email\":\"m@example.com\"}]}");
	event.n_attendees = 0;
	assert_string_equal(patched(&event, EVENT_ATTENDEES), "{\"attendees\":[]}");
}

static void an_event_is_read_whatever_stands_beside(void **state)
{
	struct placed placed;

	(void)state;
	assert_int_equal(
		google_event_read(
			arena,
			SLICE("{ \"kind\": \"calendar#event\",\n \"etag\": \"\\\"3529\\\"\", "
			      "\"x\": [{}],"
			      "\"id\": \"cb5f0c\", \"status\": \"confirmed\", \"htmlLink\":"
			      "\"https://www.google.com/calendar/"
			      "event?eid=abc\",\"extendedProperties\":"
			      "{\"shared\":{\"calbridge\":\"no\"},\"private\":{\"calbridge\":\"bk_"
			      "1\"}}}"),
			false, &placed, NULL),
		OK);
	assert_true(slice_is(placed.id, "cb5f0c"));
	assert_true(slice_is(placed.etag, "\"3529\""));
	assert_true(slice_is(placed.marker, "bk_1"));
	assert_true(slice_is(placed.html_link, "https://www.google.com/calendar/event?eid=abc"));
	assert_false(placed.cancelled);
}

static void a_link_that_no_row_could_keep_is_none(void **state)
{
	struct placed placed;

	(void)state;
	for (int len = 1024; len <= 1025; len++) {
		const char *body =
			arena_format(arena, "{\"id\":\"a1\",\"htmlLink\":\"%0*d\"}", len, 0);

		assert_int_equal(google_event_read(arena, slice_of(body), false, &placed, NULL),
				 OK);
		assert_int_equal(placed.html_link.len, len == 1024 ? 1024 : 0);
	}
}

static void a_deleted_event_has_but_its_id(void **state)
{
	struct placed placed;

	(void)state;
	assert_int_equal(google_event_read(arena, SLICE("{\"id\":\"a1\",\"status\":\"cancelled\"}"),
					   false, &placed, NULL),
			 OK);
	assert_true(placed.cancelled);
	assert_int_equal(placed.marker.len, 0);
	assert_int_equal(placed.etag.len, 0);
}

static void what_is_no_event_is_never_a_success(void **state)
{
	static const char *const BODIES[] = {
		"",
		"{}",
		"[]",
		"null",
		"true",
		"\"cb5f0c\"",
		"<!DOCTYPE html><html>Error 502</html>",
		"{\"id\":\"cb5f0c\"",
		"{\"id\":\"cb5f0c\"} trailing",
		"{\"id\":\"\"}",
		"{\"id\":null}",
		"{\"id\":7}",
		"{\"id\":[\"cb5f0c\"]}",
		"{\"id\":\"a\",\"id\":\"b\"}",
		"{\"id\":\"cb5f0c\",\"error\":{\"code\":403}}",
		"{\"id\":\"cb5f0c\",\"error\":null}",
		"{\"error\":\"invalid_grant\"}",
		"{\"id\":\"cb5f0c\",\"etag\":5}",
		"{\"id\":\"cb5f0c\",\"etag\":\"a\\r\\nX-Evil: 1\"}",
		"{\"id\":\"cb5f0c\",\"htmlLink\":{}}",
		"{\"id\":\"cb5f0c\",\"htmlLink\":\"java\\nscript\"}",
		"{\"id\":\"cb5f0c\",\"extendedProperties\":{\"private\":{\"calbridge\":1}}}",
		"\xff\xfe",
	};
	struct placed placed;

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(BODIES); i++) {
		const char *body = BODIES[i / 2];
		enum err e = google_event_read(arena, slice_of(body), i % 2, &placed, NULL);

		if (e != ERR_UPSTREAM || placed.id.data)
			fail_msg("%s: %d", body, (int)e);
	}
}

#define TIMES                                                                                      \
	"\"start\":{\"dateTime\":\"2025-12-02T10:00:00-05:00\",\"timeZone\":"                      \
	"\"America/New_York\"},\"end\":{\"dateTime\":\"2025-12-02T15:45:00Z\"}"

/* An event with these members besides. */
static enum err read_whole(const char *members, struct placed *out)
{
	const char *body =
		arena_format(arena, "{\"id\":\"a1\",\"status\":\"confirmed\",%s}", members);

	return google_event_read(arena, slice_of(body), true, out, NULL);
}

static struct placed whole(const char *members)
{
	struct placed placed;

	if (read_whole(members, &placed))
		fail_msg("%s", members);
	return placed;
}

static void a_whole_event_is_told_with_all_that_it_has(void **state)
{
	struct placed placed =
		whole(TIMES ",\"summary\":\"Caf\\u00e9\",\"description\":\"a\\nb\",\"location\":"
			    "\"Here\",\"created\":\"2025-11-30T09:00:00.000Z\",\"updated\":"
			    "\"2025-11-30T09:00:00.123Z\",\"iCalUID\":\"a1@google.com\","
			    "\"hangoutLink\":\"https://meet.google.com/abc\",\"unknown\":[null]");

	(void)state;
	assert_true(slice_is(placed.event.summary, "Caf\xc3\xa9"));
	assert_true(slice_is(placed.event.description, "a\nb"));
	assert_true(slice_is(placed.event.location, "Here"));
	assert_true(slice_is(placed.event.time_zone, "America/New_York"));
	assert_true(placed.event.start_ms == 1764687600000);
	assert_true(placed.event.end_ms == 1764690300000);
	assert_false(placed.whole_day);
	assert_true(placed.created_ms == 1764493200000);
	assert_true(placed.updated_ms == 1764493200123);
	assert_true(slice_is(placed.ical_uid, "a1@google.com"));
	assert_true(slice_is(placed.conference_url, "https://meet.google.com/abc"));
	assert_true(placed.event.conference);
}

static void what_an_event_does_not_say_is_empty(void **state)
{
	struct placed placed = whole(TIMES);

	(void)state;
	assert_int_equal(placed.event.summary.len, 0);
	assert_int_equal(placed.event.description.len, 0);
	assert_int_equal(placed.ical_uid.len, 0);
	assert_int_equal(placed.conference_url.len, 0);
	assert_int_equal(placed.created_ms, 0);
	assert_false(placed.event.conference);
	assert_non_null(placed.event.attendees);
	assert_int_equal(placed.event.n_attendees, 0);
}

static void details_are_read_only_where_they_are_asked_for(void **state)
{
	struct placed placed;

	(void)state;
	assert_int_equal(google_event_read(arena,
					   SLICE("{\"id\":\"a1\"," TIMES ",\"summary\":\"x\"}"),
					   false, &placed, NULL),
			 OK);
	assert_int_equal(placed.event.summary.len, 0);
	assert_int_equal(placed.event.end_ms, 0);
	assert_null(placed.event.attendees);
}

static void a_time_is_the_instant_that_its_offset_says(void **state)
{
	static const struct {
		const char *start;
		int64_t wanted_ms;
	} CASES[] = {
		{"2025-11-02T01:30:00-04:00", 1762061400000},
		{"2025-11-02T01:30:00-05:00", 1762065000000},
		{"2025-11-02T06:30:00Z", 1762065000000},
		{"2025-11-02T19:15:00+12:45", 1762065000000},
		{"2025-11-02T06:30:00.250Z", 1762065000250},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		struct placed placed = whole(
			arena_format(arena,
				     "\"start\":{\"dateTime\":\"%s\",\"timeZone\":\"GMT-05:00\"},"
				     "\"end\":{\"dateTime\":\"2025-11-03T00:00:00Z\"}",
				     CASES[i].start));

		if (placed.event.start_ms != CASES[i].wanted_ms)
			fail_msg("%s: %lld", CASES[i].start, (long long)placed.event.start_ms);
		assert_true(slice_is(placed.event.time_zone, "GMT-05:00"));
	}
}

static void whole_days_stay_days(void **state)
{
	struct placed placed =
		whole("\"start\":{\"date\":\"2024-02-29\"},\"end\":{\"date\":\"2024-03-01\"}");

	(void)state;
	assert_true(placed.whole_day);
	assert_true(placed.event.start_ms == 1709164800000);
	assert_true(placed.event.end_ms == 1709251200000);
	assert_int_equal(placed.event.time_zone.len, 0);
}

static void a_date_before_our_time_says_nothing(void **state)
{
	struct placed placed =
		whole(TIMES ",\"created\":\"0000-12-29T00:00:00.000Z\",\"updated\":\"?\"");

	(void)state;
	assert_int_equal(placed.created_ms, 0);
	assert_int_equal(placed.updated_ms, 0);
}

static void guests_are_told_with_their_answers(void **state)
{
	struct placed placed =
		whole(TIMES ",\"attendees\":[{\"email\":\"a@x.example\",\"displayName\":\"Ann\","
			    "\"responseStatus\":\"accepted\"},{\"email\":\"b@x.example\","
			    "\"responseStatus\":\"needsAction\"},{\"email\":\"c@x.example\","
			    "\"responseStatus\":\"declined\"},{\"email\":\"d@x.example\","
			    "\"responseStatus\":\"tentative\"},{\"email\":\"j\\u00f6@x.example\","
			    "\"responseStatus\":\"perhaps\"},{\"email\":\"f@x.example\"}]");
	const struct attendee *guests = placed.event.attendees;

	(void)state;
	assert_int_equal(placed.event.n_attendees, 6);
	assert_true(slice_is(guests[0].email, "a@x.example"));
	assert_true(slice_is(guests[0].name, "Ann"));
	assert_int_equal(guests[0].attendance, ATTENDANCE_ACCEPTED);
	assert_int_equal(guests[1].attendance, ATTENDANCE_NONE);
	assert_int_equal(guests[2].attendance, ATTENDANCE_DECLINED);
	assert_int_equal(guests[3].attendance, ATTENDANCE_TENTATIVE);
	assert_true(slice_is(guests[4].email, "j\xc3\xb6@x.example"));
	assert_int_equal(guests[4].attendance, ATTENDANCE_UNKNOWN);
	assert_int_equal(guests[5].attendance, ATTENDANCE_UNKNOWN);
}

#define ROOM                                                                                       \
	"{\"email\":\"room@x.example\",\"displayName\":\"R\\\"1\",\"organizer\":true,\"self\":"    \
	"true,"                                                                                    \
	"\"resource\":true,\"optional\":true,\"responseStatus\":\"accepted\",\"comment\":"         \
	"\"two\\nlines\",\"additionalGuests\":2,\"later\":{\"a\":[1.50,null,false]}}"

static void a_guest_who_stays_is_sent_back_as_he_stands(void **state)
{
	struct placed placed = whole(TIMES ",\"attendees\":[" ROOM "]");
	struct attendee guests[] = {placed.event.attendees[0], {.email = SLICE("new@x.example")}};
	struct event event = coffee();

	(void)state;
	assert_true(slice_is(guests[0].raw, ROOM));
	event.attendees = guests;
	event.n_attendees = 2;
	assert_string_equal(patched(&event, EVENT_ATTENDEES),
			    "{\"attendees\":[" ROOM ",{\"email\":\"new@x.example\"}]}");
}

static void of_a_list_of_guests_that_is_cut_short_nothing_is_told(void **state)
{
	struct placed placed = whole(TIMES ",\"attendees\":[" ROOM "],\"attendeesOmitted\":true");

	(void)state;
	assert_null(placed.event.attendees);
	assert_int_equal(placed.event.n_attendees, 0);
	placed = whole(TIMES ",\"attendees\":[" ROOM "],\"attendeesOmitted\":false");
	assert_int_equal(placed.event.n_attendees, 1);
}

static void a_conference_has_a_link_as_soon_as_it_is_made(void **state)
{
#define VIDEO "{\"entryPointType\":\"video\",\"uri\":\"https://meet.google.com/x\"}"
#define STATUS(word) "\"createRequest\":{\"status\":{\"statusCode\":\"" word "\"}}"
	static const struct {
		const char *data;
		const char *url;
		bool conference;
	} CASES[] = {
		{STATUS("pending"), "", true},
		{STATUS("failure"), "", false},
		{STATUS("success") ",\"entryPoints\":[" VIDEO "]", "https://meet.google.com/x",
		 true},
		{"\"entryPoints\":[{\"entryPointType\":\"phone\",\"uri\":\"tel:1\"}," VIDEO "]",
		 "https://meet.google.com/x", true},
		{"\"entryPoints\":[{\"entryPointType\":\"phone\",\"uri\":\"tel:1\"}]", "", false},
		{"\"entryPoints\":{}", "", false},
		{"\"notes\":\"\"", "", false},
	};
#undef VIDEO
#undef STATUS

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		struct placed placed =
			whole(arena_format(arena, TIMES ",\"conferenceData\":{%s}", CASES[i].data));

		if (!slice_is(placed.conference_url, CASES[i].url) ||
		    placed.event.conference != CASES[i].conference)
			fail_msg("%s", CASES[i].data);
	}
}

static void details_that_are_none_are_never_guessed(void **state)
{
#define END ",\"end\":{\"dateTime\":\"2025-12-02T15:45:00Z\"}"
	static const char *const MEMBERS[] = {
		"\"summary\":\"x\"",
		"\"start\":{\"dateTime\":\"2025-12-02T10:00:00Z\"}",
		"\"start\":null" END,
		"\"start\":{}" END,
		"\"start\":{\"dateTime\":null}" END,
		"\"start\":{\"dateTime\":\"2025-12-02T10:00:00\"}" END,
		"\"start\":{\"dateTime\":\"2025-02-30T10:00:00Z\"}" END,
		"\"start\":{\"dateTime\":1764687600}" END,
		"\"start\":{\"dateTime\":\"2025-12-02T15:45:01Z\"}" END,
		"\"start\":{\"dateTime\":\"2025-12-02T10:00:00Z\",\"date\":\"2025-12-02\"}" END,
		"\"start\":{\"dateTime\":\"2025-12-02T10:00:00Z\",\"timeZone\":7}" END,
		"\"start\":{\"date\":\"2025-12-02\"}" END,
		"\"start\":{\"date\":\"2025-12-02\"},\"end\":{\"date\":\"2025-12-01\"}",
		"\"start\":{\"date\":\"2025-12-2\"},\"end\":{\"date\":\"2025-12-03\"}",
		"\"start\":{\"date\":\"2025-12-02T\"},\"end\":{\"date\":\"2025-12-03\"}",
		"\"start\":{\"date\":20251202},\"end\":{\"date\":\"2025-12-03\"}",
		TIMES ",\"summary\":7",
		TIMES ",\"description\":{}",
		TIMES ",\"location\":5",
		TIMES ",\"iCalUID\":true",
		TIMES ",\"created\":1764493200",
		TIMES ",\"updated\":[]",
		TIMES ",\"hangoutLink\":{}",
		TIMES ",\"hangoutLink\":\"java\\nscript:\"",
		TIMES ",\"conferenceData\":{\"entryPoints\":[{\"entryPointType\":\"video\","
		      "\"uri\":5}]}",
		TIMES ",\"attendees\":{}",
		TIMES ",\"attendees\":[[]]",
		TIMES ",\"attendees\":[\"a@x.example\"]",
		TIMES ",\"attendees\":[{}]",
		TIMES ",\"attendees\":[{\"email\":\"\"}]",
		TIMES ",\"attendees\":[{\"email\":1}]",
		TIMES ",\"attendees\":[{\"email\":\"a@x.example\",\"displayName\":1}]",
		TIMES ",\"attendees\":[{\"email\":\"a@x.example\",\"responseStatus\":1}]",
		TIMES ",\"attendeesOmitted\":\"no\"",
	};
#undef END
	struct placed placed;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(MEMBERS); i++) {
		enum err e = read_whole(MEMBERS[i], &placed);

		if (e != ERR_UPSTREAM || placed.id.data || placed.event.attendees)
			fail_msg("%s: %d", MEMBERS[i], (int)e);
	}
}

#define OWNED                                                                                      \
	"\"extendedProperties\":{\"private\":{\"calbridge\":\"bk_1\",\"calbridgeOwner\":\"ow_1\"}" \
	"}"
#define ITEM(id) "{\"id\":\"" id "\"," OWNED "," TIMES ",\"attendees\":[" ROOM "]}"

static enum err read_list(const char *members, struct placed_list *out)
{
	const char *body = arena_format(arena, "{\"kind\":\"calendar#events\"%s}", members);

	return google_event_list(arena, slice_of(body), "ow_1", out, NULL);
}

static void a_page_has_the_owners_events_and_says_where_it_goes_on(void **state)
{
	struct placed_list list;

	(void)state;
	assert_int_equal(
		read_list(",\"items\":[" ITEM("a1") "," ITEM("b2") "],"
								   "\"nextPageToken\":\"Ck/9+=\"",
			  &list),
		OK);
	assert_int_equal(list.n, 2);
	assert_true(slice_is(list.items[0].id, "a1"));
	assert_true(slice_is(list.items[1].id, "b2"));
	assert_true(slice_is(list.items[1].marker, "bk_1"));
	assert_true(list.items[1].event.end_ms == 1764690300000);
	assert_int_equal(list.items[1].event.attendees[0].attendance, ATTENDANCE_ACCEPTED);
	assert_int_equal(list.items[1].event.attendees[0].raw.len, 0);
	assert_true(slice_is(list.next, "Ck/9+="));
}

static void an_instance_names_the_event_of_its_series(void **state)
{
	struct placed_list list;

	(void)state;
	assert_int_equal(
		read_list(",\"items\":[" ITEM("a1\",\"recurringEventId\":\"a") "," ITEM("b2") "]",
			  &list),
		OK);
	assert_true(slice_is(list.items[0].series, "a"));
	assert_int_equal(list.items[1].series.len, 0);
}

static void a_page_may_be_empty_and_the_last(void **state)
{
	static const char *const MEMBERS[] = {
		"", ",\"items\":[]", ",\"items\":[{\"id\":\"a1\",\"status\":\"cancelled\"}]"};
	struct placed_list list;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(MEMBERS); i++) {
		assert_int_equal(read_list(MEMBERS[i], &list), OK);
		assert_int_equal(list.n, 0);
		assert_int_equal(list.next.len, 0);
	}
}

static void what_is_no_page_shows_nothing(void **state)
{
	static const char *const MEMBERS[] = {
		",\"items\":{}",
		",\"items\":null",
		",\"items\":[[]]",
		",\"items\":[{}]",
		",\"items\":[\"a1\"]",
		",\"items\":[{\"id\":\"a1\"," OWNED "}]",
		",\"items\":[" ITEM("a1") ",{\"id\":\"b2\"," TIMES "}]",
		",\"items\":[" ITEM("a1\",\"recurringEventId\":\"a b") "]",
		",\"items\":[{\"id\":\"b2\"," TIMES ",\"extendedProperties\":{\"private\":"
		"{\"calbridgeOwner\":\"ow_2\"}}}]",
		",\"items\":[{\"id\":\"b2\"," TIMES ",\"extendedProperties\":{\"shared\":"
		"{\"calbridgeOwner\":\"ow_1\"}}}]",
		",\"nextPageToken\":5",
		",\"nextPageToken\":\"a b\"",
		",\"error\":{}",
		",\"items\":[",
	};
	struct placed_list list;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(MEMBERS); i++) {
		if (read_list(MEMBERS[i], &list) != ERR_UPSTREAM || list.items || list.n > 0)
			fail_msg("%s", MEMBERS[i]);
	}
	assert_int_equal(google_event_list(arena, SLICE("{\"items\":[]}"), "ow_1", &list, NULL),
			 ERR_UPSTREAM);
	assert_int_equal(google_event_list(arena, SLICE("<html>"), "ow_1", &list, NULL),
			 ERR_UPSTREAM);
}

static void add_guests(struct buf *out)
{
	for (unsigned i = 0; i < EVENT_ATTENDEES_MAX; i++)
		buf_format(out,
			   "%s{\"email\":\"somebody.with.a.name.%u@mail.example\","
			   "\"displayName\":\"Somebody With A Name\",\"responseStatus\":"
			   "\"needsAction\"}",
			   i ? "," : "", i);
}

static void the_largest_page_fits_into_a_requests_memory(void **state)
{
	enum { ITEMS = 32, BODY_BYTES_MAX = 3 * 1024 * 1024, REQUEST_BYTES = 8 * 1024 * 1024 };
	struct arena *request = arena_new(64 * 1024, REQUEST_BYTES);
	static char text[8192 + 1];
	struct placed_list list;
	struct buf body;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	buf_init(&body, request, BODY_BYTES_MAX);
	buf_add_text(&body, "{\"kind\":\"calendar#events\",\"items\":[");
	for (unsigned i = 0; i < ITEMS; i++) {
		buf_format(&body, "%s{\"id\":\"a%u\",", i ? "," : "", i);
		buf_format(&body, OWNED "," TIMES ",\"description\":\"%s\",", text);
		buf_add_text(&body, "\"attendees\":[");
		add_guests(&body);
		buf_add_text(&body, "]}");
	}
	buf_add_text(&body, "]}");
	assert_int_equal(buf_error(&body), OK);
	assert_int_equal(google_event_list(request, buf_slice(&body), "ow_1", &list, NULL), OK);
	assert_int_equal(list.n, ITEMS);
	arena_free(request);
}

static void a_conference_is_asked_for_once_in_the_name_of_the_event(void **state)
{
	struct event event = coffee();

	(void)state;
	assert_null(strstr(inserted(&event), "conferenceData"));
	event.conference = true;
	assert_non_null(strstr(inserted(&event),
			       "\"conferenceData\":{\"createRequest\":{\"requestId\":\"cb5f0c\","
			       "\"conferenceSolutionKey\":{\"type\":\"hangoutsMeet\"}}}"));
	assert_string_equal(patched(&event, EVENT_CONFERENCE),
			    "{\"conferenceData\":{\"createRequest\":{\"requestId\":\"cb5f0c-7\","
			    "\"conferenceSolutionKey\":{\"type\":\"hangoutsMeet\"}}}}");
	event.conference = false;
	assert_string_equal(patched(&event, EVENT_CONFERENCE), "{\"conferenceData\":null}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_insert_carries_our_id_marker_and_the_calendars_reminders),
		cmocka_unit_test(an_insert_names_guests_and_texts),
		cmocka_unit_test(an_hour_that_comes_twice_is_told_apart_by_its_offset),
		cmocka_unit_test(a_zone_that_nobody_knows_keeps_the_instant),
		cmocka_unit_test(a_patch_says_by_null_what_is_to_go),
		cmocka_unit_test(a_patch_says_nothing_of_a_part_that_is_not_named),
		cmocka_unit_test(an_event_is_read_whatever_stands_beside),
		cmocka_unit_test(a_link_that_no_row_could_keep_is_none),
		cmocka_unit_test(a_deleted_event_has_but_its_id),
		cmocka_unit_test(what_is_no_event_is_never_a_success),
		cmocka_unit_test(a_whole_event_is_told_with_all_that_it_has),
		cmocka_unit_test(what_an_event_does_not_say_is_empty),
		cmocka_unit_test(details_are_read_only_where_they_are_asked_for),
		cmocka_unit_test(a_time_is_the_instant_that_its_offset_says),
		cmocka_unit_test(whole_days_stay_days),
		cmocka_unit_test(a_date_before_our_time_says_nothing),
		cmocka_unit_test(guests_are_told_with_their_answers),
		cmocka_unit_test(a_guest_who_stays_is_sent_back_as_he_stands),
		cmocka_unit_test(of_a_list_of_guests_that_is_cut_short_nothing_is_told),
		cmocka_unit_test(a_conference_has_a_link_as_soon_as_it_is_made),
		cmocka_unit_test(details_that_are_none_are_never_guessed),
		cmocka_unit_test(a_page_has_the_owners_events_and_says_where_it_goes_on),
		cmocka_unit_test(an_instance_names_the_event_of_its_series),
		cmocka_unit_test(a_page_may_be_empty_and_the_last),
		cmocka_unit_test(what_is_no_page_shows_nothing),
		cmocka_unit_test(the_largest_page_fits_into_a_requests_memory),
		cmocka_unit_test(a_conference_is_asked_for_once_in_the_name_of_the_event),
	};

	return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
