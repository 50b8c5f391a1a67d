#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "provider/outlook_event.h"
#include "tests/unit/arena_fixture.h"
#include "tests/unit/event_fixture.h"

#define BASE "https://graph.example/v1.0"
#define PROPERTIES                                                                                 \
	"\"singleValueExtendedProperties\":["                                                      \
	"{\"id\":\"String {e3a48a76-1622-4bf2-997e-4ba30802cfed} Name calbridge\","                \
	"\"value\":\"bk_1\"},"                                                                     \
	"{\"id\":\"String {e3a48a76-1622-4bf2-997e-4ba30802cfed} Name calbridgeOwner\","           \
	"\"value\":\"ow_1\"}]"
#define TIMES                                                                                      \
	"\"start\":{\"dateTime\":\"2025-12-02T15:00:00.000\",\"timeZone\":\"UTC\"},"               \
	"\"end\":{\"dateTime\":\"2025-12-02T15:45:00.000\",\"timeZone\":\"UTC\"}"
#define TOLD_TIMES                                                                                 \
	"\"start\":{\"dateTime\":\"2025-12-02T15:00:00.0000000\",\"timeZone\":\"UTC\"},"           \
	"\"end\":{\"dateTime\":\"2025-12-02T15:45:00.0000000\",\"timeZone\":\"UTC\"}"
#define MILAN                                                                                      \
	"{\"type\":\"required\",\"status\":{\"response\":\"tentativelyAccepted\","                 \
	"\"time\":\"0001-01-01T00:00:00Z\"},\"emailAddress\":{\"name\":\"Milan\","                 \
	"\"address\":\"m@example.com\"}}"
#define WHOLE                                                                                      \
	"{\"@odata.context\":\"x\",\"@odata.etag\":\"W/\\\"abc+/=\\\"\",\"id\":\"AAkALg-_=\","     \
	"\"createdDateTime\":\"2025-12-01T09:00:00.1234567Z\","                                    \
	"\"lastModifiedDateTime\":\"2025-12-01T09:30:00.0000000Z\",\"iCalUId\":\"0400\","          \
	"\"webLink\":\"https://outlook.example/?itemid=A\",\"isCancelled\":false,"                 \
	"\"subject\":\"Coffee\",\"body\":{\"contentType\":\"html\","                               \
	"\"content\":\"<html><body>two<br>lines</body></html>\"},"                                 \
	"\"location\":{\"displayName\":\"Cafe\",\"address\":{}},\"isAllDay\":false," TOLD_TIMES    \
	",\"originalStartTimeZone\":\"Eastern Standard Time\",\"isOnlineMeeting\":false,"          \
	"\"onlineMeeting\":null,\"attendees\":[" MILAN "],\"transactionId\":\"cb5f0c\","           \
	"\"unannounced\":[{}]}"

static const char *inserted(const struct event *event)
{
	struct buf out;

	buf_init(&out, arena, 1024 * 1024);
	outlook_event_insert(event, "cb5f0c", &STAMP, &out);
	assert_int_equal(buf_error(&out), OK);
	return buf_slice(&out).data;
}

static const char *patched(const struct event *event, unsigned parts, const struct placed *stands)
{
	struct buf out;

	buf_init(&out, arena, 1024 * 1024);
	outlook_event_patch(event, parts, stands, &out);
	assert_int_equal(buf_error(&out), OK);
	return buf_slice(&out).data;
}

/* The answer with one member's value replaced by another text. */
static const char *with(const char *body, const char *what, const char *by)
{
	const char *at = strstr(body, what);

	assert_non_null(at);
	return arena_format(arena, "%.*s%s%s", (int)(at - body), body, by, at + strlen(what));
}

static enum err read_whole(const char *body, struct placed *out)
{
	return outlook_event_read(arena, slice_of(body), NULL, true, out, NULL);
}

/* --- ours, as theirs --- */

static void an_insert_is_in_utc_with_our_stamp_and_the_mailboxs_own_reminder(void **state)
{
	struct event event = coffee();

	(void)state;
	assert_string_equal(inserted(&event), "{\"subject\":\"Coffee\"," TIMES
					      ",\"transactionId\":\"cb5f0c\"," PROPERTIES "}");
}

static void an_insert_names_texts_and_guests(void **state)
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
	assert_non_null(strstr(text, "\"body\":{\"contentType\":\"text\","
				     "\"content\":\"two\\nlines\"}"));
	assert_non_null(strstr(text, "\"location\":{\"displayName\":\"Caf\xc3\xa9\"}"));
	assert_non_null(strstr(text, "\"attendees\":[{\"emailAddress\":{\"address\":"
				     "\"m@example.com\",\"name\":\"Mi\\\"lan\"},"
				     "\"type\":\"required\"},{\"emailAddress\":{\"address\":"
				     "\"n@example.com\"},\"type\":\"required\"}]"));
}

static void who_shall_not_be_mailed_is_not_named(void **state)
{
	struct attendee guests[] = {{.email = SLICE("m@example.com")}};
	struct event event = coffee();
	struct placed stands = {0};

	(void)state;
	event.attendees = guests;
	event.n_attendees = 1;
	event.notify = false;
	assert_null(strstr(inserted(&event), "attendees"));
	assert_string_equal(patched(&event, EVENT_SUMMARY | EVENT_ATTENDEES, &stands),
			    "{\"subject\":\"Coffee\"}");
	assert_int_equal(outlook_event_parts(&event, EVENT_ATTENDEES), 0);
}

static void a_meeting_begins_in_teams_and_never_ends(void **state)
{
	static const char TEAMS[] = "\"isOnlineMeeting\":true,"
				    "\"onlineMeetingProvider\":\"teamsForBusiness\"";
	struct event event = coffee();
	struct placed stands = {0};

	(void)state;
	assert_int_equal(outlook_event_parts(&event, EVENT_CONFERENCE), 0);
	assert_string_equal(patched(&event, EVENT_CONFERENCE, &stands), "{}");
	event.conference = true;
	assert_non_null(strstr(inserted(&event), TEAMS));
	assert_int_equal(outlook_event_parts(&event, EVENT_CONFERENCE), EVENT_CONFERENCE);
	assert_non_null(strstr(patched(&event, EVENT_CONFERENCE, &stands), TEAMS));
}

static void a_patch_says_nothing_of_a_part_that_is_not_named(void **state)
{
	struct attendee guests[] = {{.email = SLICE("m@example.com")}};
	struct event event = coffee();
	struct placed stands = {0};

	(void)state;
	event.attendees = guests;
	event.n_attendees = 1;
	assert_string_equal(patched(&event, 0, &stands), "{}");
	assert_string_equal(patched(&event, EVENT_SUMMARY, &stands), "{\"subject\":\"Coffee\"}");
	assert_string_equal(patched(&event, EVENT_LOCATION, &stands),
			    "{\"location\":{\"displayName\":\"\"}}");
	assert_string_equal(patched(&event, EVENT_DESCRIPTION, &stands),
			    "{\"body\":{\"contentType\":\"text\",\"content\":\"\"}}");
	assert_string_equal(patched(&event, EVENT_TIMES, &stands), "{" TIMES "}");
	stands.whole_day = true;
	assert_string_equal(patched(&event, EVENT_TIMES, &stands),
			    "{\"isAllDay\":false," TIMES "}");
	event.n_attendees = 0;
	assert_string_equal(patched(&event, EVENT_ATTENDEES, &stands), "{\"attendees\":[]}");
}

static void a_guest_who_stays_goes_back_as_he_was_told(void **state)
{
	struct attendee guests[2];
	struct placed stands;
	struct event event = coffee();

	(void)state;
	assert_int_equal(read_whole(WHOLE, &stands), OK);
	guests[0] = stands.event.attendees[0];
	guests[1] = (struct attendee){.email = SLICE("n@example.com")};
	event.attendees = guests;
	event.n_attendees = 2;
	assert_string_equal(patched(&event, EVENT_ATTENDEES, &stands),
			    "{\"attendees\":[" MILAN ",{\"emailAddress\":{\"address\":"
			    "\"n@example.com\"},\"type\":\"required\"}]}");
}

static void a_new_text_keeps_the_link_of_the_meeting(void **state)
{
	static const char MEETING[] =
		"<html><body>old text<div>________________________</div>"
		"<a href='https://teams.example/j?a=1&amp;b=2'>Join</a></body></html>";
	struct event event = coffee();
	struct placed stands;
	const char *body = with(WHOLE, "<html><body>two<br>lines</body></html>", MEETING);

	(void)state;
	body = with(body, "\"isOnlineMeeting\":false,\"onlineMeeting\":null",
		    "\"isOnlineMeeting\":true,\"onlineMeeting\":"
		    "{\"joinUrl\":\"https://teams.example/j?a=1&b=2\"}");
	assert_int_equal(read_whole(body, &stands), OK);
	assert_true(stands.event.conference);
	assert_true(slice_is(stands.conference_url, "https://teams.example/j?a=1&b=2"));
	assert_true(slice_is(stands.event.description, "old text"));
	event.description = SLICE("new <text>");
	assert_string_equal(
		patched(&event, EVENT_DESCRIPTION, &stands),
		"{\"body\":{\"contentType\":\"html\",\"content\":\"<html><body>new &lt;text&gt;<br>"
		"\\r\\n<div>________________________</div>"
		"<a href='https://teams.example/j?a=1&amp;b=2'>Join</a></body></html>\"}}");
}

/* --- theirs, as ours --- */

/* Ours are all in UTC: what zone they are meant for is not there to be read. */
static void an_event_in_utc_tells_no_zone(void **state)
{
	struct placed placed;

	(void)state;
	assert_int_equal(read_whole(with(WHOLE, "Eastern Standard Time", "UTC"), &placed), OK);
	assert_int_equal(placed.event.time_zone.len, 0);
}

static void an_event_is_read_whole_whatever_stands_beside(void **state)
{
	const struct attendee *guest;
	struct placed placed;

	(void)state;
	assert_int_equal(read_whole(WHOLE, &placed), OK);
	assert_true(slice_is(placed.id, "AAkALg-_="));
	assert_true(slice_is(placed.etag, "W/\"abc+/=\""));
	assert_true(slice_is(placed.html_link, "https://outlook.example/?itemid=A"));
	assert_true(slice_is(placed.ical_uid, "0400"));
	assert_false(placed.cancelled);
	assert_false(placed.whole_day);
	assert_int_equal(placed.created_ms, 1764579600123);
	assert_int_equal(placed.updated_ms, 1764581400000);
	assert_int_equal(placed.conference_url.len, 0);
	assert_int_equal(placed.keep.len, 0);
	assert_true(slice_is(placed.event.summary, "Coffee"));
	assert_true(slice_is(placed.event.description, "two\nlines"));
	assert_true(slice_is(placed.event.location, "Cafe"));
	assert_int_equal(placed.event.start_ms, 1764687600000);
	assert_int_equal(placed.event.end_ms, 1764690300000);
	assert_true(slice_is(placed.event.time_zone, "Eastern Standard Time"));
	assert_false(placed.event.conference);
	assert_int_equal(placed.event.n_attendees, 1);
	guest = placed.event.attendees;
	assert_true(slice_is(guest->email, "m@example.com"));
	assert_true(slice_is(guest->name, "Milan"));
	assert_int_equal(guest->attendance, ATTENDANCE_TENTATIVE);
	assert_true(slice_is(guest->raw, MILAN));
}

static void where_it_stands_is_all_that_is_read_if_no_more_is_wanted(void **state)
{
	struct placed placed;

	(void)state;
	assert_int_equal(outlook_event_read(arena,
					    SLICE("{\"id\":\"A\",\"@odata.etag\":\"W/\\\"1\\\"\","
						  "\"start\":7," PROPERTIES "}"),
					    NULL, false, &placed, NULL),
			 OK);
	assert_true(slice_is(placed.id, "A"));
	assert_true(slice_is(placed.marker, "bk_1"));
	assert_null(placed.event.attendees);
}

static void whole_days_are_their_dates_in_utc(void **state)
{
	const char *body = with(WHOLE, "\"isAllDay\":false", "\"isAllDay\":true");
	struct placed placed;

	(void)state;
	body = with(body, "2025-12-02T15:00:00.0000000", "2025-12-02T00:00:00.0000000");
	body = with(body, "2025-12-02T15:45:00.0000000", "2025-12-04T00:00:00.0000000");
	assert_int_equal(read_whole(body, &placed), OK);
	assert_true(placed.whole_day);
	assert_int_equal(placed.event.start_ms, 1764633600000);
	assert_int_equal(placed.event.end_ms, 1764633600000 + 2 * INT64_C(86400000));
	/* a date in another zone's midnight is the same date */
	body = with(body, "2025-12-02T00:00:00.0000000", "2025-12-02T05:00:00.0000000");
	assert_int_equal(read_whole(body, &placed), OK);
	assert_int_equal(placed.event.start_ms, 1764633600000);
}

static void answers_of_guests_have_our_words(void **state)
{
	static const struct {
		const char *word;
		enum attendance wanted;
	} CASES[] = {
		{"none", ATTENDANCE_NONE},         {"notResponded", ATTENDANCE_NONE},
		{"accepted", ATTENDANCE_ACCEPTED}, {"organizer", ATTENDANCE_ACCEPTED},
		{"declined", ATTENDANCE_DECLINED}, {"tentativelyAccepted", ATTENDANCE_TENTATIVE},
		{"perhaps", ATTENDANCE_UNKNOWN},
	};
	struct placed placed;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		assert_int_equal(
			read_whole(with(WHOLE, "tentativelyAccepted", CASES[i].word), &placed), OK);
		assert_int_equal(placed.event.attendees[0].attendance, CASES[i].wanted);
	}
	assert_int_equal(read_whole(with(WHOLE, "\"name\":\"Milan\"", "\"name\":\"M@example.com\""),
				    &placed),
			 OK);
	assert_int_equal(placed.event.attendees[0].name.len, 0);
}

static void what_is_null_or_empty_says_nothing(void **state)
{
	static const char *const CHANGES[][2] = {
		{"\"subject\":\"Coffee\"", "\"subject\":null"},
		{"{\"displayName\":\"Cafe\",\"address\":{}}", "null"},
		{"{\"displayName\":\"Cafe\",\"address\":{}}", "{\"displayName\":null}"},
		{"[" MILAN "]", "[]"},
		{"\"2025-12-01T09:00:00.1234567Z\"", "\"0001-01-01T00:00:00Z\""},
		{"\"2025-12-01T09:00:00.1234567Z\"", "null"},
		{"\"onlineMeeting\":null", "\"onlineMeeting\":{\"joinUrl\":null}"},
		{"\"Eastern Standard Time\"", "null"},
		{"\"content\":\"<html><body>two<br>lines</body></html>\"", "\"content\":null"},
		{"\"https://outlook.example/?itemid=A\"", "null"},
	};
	struct placed placed;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(CHANGES); i++) {
		if (read_whole(with(WHOLE, CHANGES[i][0], CHANGES[i][1]), &placed))
			fail_msg("%s", CHANGES[i][1]);
		assert_non_null(placed.event.attendees);
	}
}

static void what_is_no_event_is_never_a_success(void **state)
{
	static const char *const CHANGES[][2] = {
		{"\"AAkALg-_=\"", "\"\""},
		{"\"AAkALg-_=\"", "null"},
		{"\"AAkALg-_=\"", "7"},
		{"\"AAkALg-_=\"", "\"a b\""},
		{"\"W/\\\"abc+/=\\\"\"", "\"a\\r\\nX-Evil: 1\""},
		{"\"https://outlook.example/?itemid=A\"", "{}"},
		{"\"subject\":\"Coffee\"", "\"subject\":7"},
		{"2025-12-02T15:00:00.0000000", "2025-12-02"},
		{"2025-12-02T15:00:00.0000000", "2025-13-02T15:00:00.0000000"},
		{"2025-12-02T15:45:00.0000000", "2025-12-02T14:59:59.0000000"},
		{"\"timeZone\":\"UTC\"", "\"timeZone\":\"Pacific Standard Time\""},
		{"[" MILAN "]", "null"},
		{"[" MILAN "]", "[null]"},
		{"[" MILAN "]", "{}"},
		{"\"address\":\"m@example.com\"", "\"address\":7"},
		{"\"@odata.context\":\"x\"", "\"error\":{}"},
		{"\"@odata.context\":\"x\"", "\"id\":\"twice\""},
		{"\"unannounced\":[{}]}", "\"unannounced\":[{}]"},
	};
	static const char *const BODIES[] = {
		"", "{}", "[]", "null", "<html>Error 502</html>", "\"AAk\"", "\xff"};
	char id[OUTLOOK_ID_BYTES_MAX + 2] = "";
	struct placed placed;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(CHANGES); i++) {
		if (read_whole(with(WHOLE, CHANGES[i][0], CHANGES[i][1]), &placed) !=
			    ERR_UPSTREAM ||
		    placed.id.data)
			fail_msg("%s", CHANGES[i][1]);
	}
	for (size_t i = 0; i < ARRAY_LEN(BODIES); i++) {
		if (read_whole(BODIES[i], &placed) != ERR_UPSTREAM || placed.id.data)
			fail_msg("%s", BODIES[i]);
	}
	memset(id, 'A', sizeof(id) - 2);
	assert_int_equal(read_whole(with(WHOLE, "AAkALg-_=", id), &placed), OK);
	id[sizeof(id) - 2] = 'A';
	assert_int_equal(
		read_whole(with(WHOLE, "AAkALg-_=", arena_format(arena, "%.*s", 256, id)), &placed),
		ERR_UPSTREAM);
}

static void a_link_that_no_row_could_keep_is_none(void **state)
{
	struct placed placed;

	(void)state;
	for (int len = 1024; len <= 1025; len++) {
		const char *link = arena_format(arena, "%0*d", len, 0);
		const char *body = with(WHOLE, "https://outlook.example/?itemid=A", link);

		assert_int_equal(read_whole(body, &placed), OK);
		assert_int_equal(placed.html_link.len, len == 1024 ? 1024 : 0);
	}
}

static void an_answer_to_another_create_is_none(void **state)
{
	struct placed placed;

	(void)state;
	assert_int_equal(outlook_event_read(arena, SLICE(WHOLE), "cb5f0c", false, &placed, NULL),
			 OK);
	assert_int_equal(outlook_event_read(arena, SLICE(WHOLE), "cb5f0d", false, &placed, NULL),
			 ERR_UPSTREAM);
	assert_int_equal(
		outlook_event_read(arena, SLICE("{\"id\":\"A\"}"), "cb5f0d", false, &placed, NULL),
		OK);
}

/* --- several --- */

#define FOUND(id, cancelled, made)                                                                 \
	"{\"id\":\"" id "\",\"isCancelled\":" cancelled ",\"createdDateTime\":\"" made "\"}"

static void of_several_with_one_marker_the_oldest_that_stands_is_it(void **state)
{
	static const struct {
		const char *items;
		const char *wanted; /* NULL: gone */
	} CASES[] = {
		{"", NULL},
		{FOUND("a", "false", "2025-12-01T09:00:00Z"), "a"},
		{FOUND("b", "false", "2025-12-01T09:00:01Z") "," FOUND("a", "false",
								       "2025-12-01T09:00:00Z"),
		 "a"},
		{FOUND("b", "true", "2025-12-01T09:00:00Z") "," FOUND("a", "false",
								      "2025-12-01T09:00:01Z"),
		 "a"},
		{FOUND("a", "false", "2025-12-01T09:00:01Z") "," FOUND("b", "true",
								       "2025-12-01T09:00:00Z"),
		 "a"},
		{FOUND("a", "true", "2025-12-01T09:00:00Z"), "a"},
	};
	struct placed placed;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		const char *body = arena_format(arena, "{\"value\":[%s]}", CASES[i].items);
		enum err e = outlook_event_found(arena, slice_of(body), false, &placed, NULL);

		assert_int_equal(e, CASES[i].wanted ? OK : ERR_GONE);
		if (!slice_is(placed.id, CASES[i].wanted))
			fail_msg("%s: %.*s", CASES[i].items, (int)placed.id.len, placed.id.data);
	}
}

static void what_is_no_list_says_nothing_of_absence(void **state)
{
	static const char *const BODIES[] = {
		"",
		"{}",
		"[]",
		"{\"value\":null}",
		"{\"value\":{}}",
		"{\"value\":[7]}",
		"{\"value\":[{}]}",
		"{\"value\":[],\"error\":{}}",
		"{\"value\":[{\"id\":7}]}",
		"{\"value\":[{\"id\":\"a\",\"createdDateTime\":7}]}",
		"<html>",
	};
	struct placed placed;
	struct placed_list list;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(BODIES); i++) {
		struct slice body = slice_of(BODIES[i]);

		if (outlook_event_found(arena, body, false, &placed, NULL) != ERR_UPSTREAM ||
		    outlook_event_list(arena, body, BASE, &list, NULL) != ERR_UPSTREAM ||
		    placed.id.data || list.n > 0 || list.next.len > 0)
			fail_msg("%s", BODIES[i]);
	}
}

static void a_list_tells_what_stands_and_where_it_goes_on(void **state)
{
	const char *cancelled = with(WHOLE, "\"isCancelled\":false", "\"isCancelled\":true");
	const char *body = arena_format(arena,
					"{\"value\":[%s,%s,%s],\"@odata.nextLink\":\"" BASE
					"/me/calendars/a%%3D/events?%%24filter=x&$skip=10\"}",
					WHOLE, cancelled, WHOLE);
	struct placed_list list;

	(void)state;
	assert_int_equal(outlook_event_list(arena, slice_of(body), BASE, &list, NULL), OK);
	assert_int_equal(list.n, 2);
	assert_true(slice_is(list.items[1].event.summary, "Coffee"));
	assert_int_equal(list.items[1].event.attendees[0].raw.len, 0);
	assert_true(slice_is(list.next, "/me/calendars/a%3D/events?%24filter=x&$skip=10"));
	/* nothing on this page, more on the next */
	body = "{\"value\":[],\"@odata.nextLink\":\"" BASE "/me/events?$skip=10\"}";
	assert_int_equal(outlook_event_list(arena, slice_of(body), BASE, &list, NULL), OK);
	assert_int_equal(list.n, 0);
	assert_true(slice_is(list.next, "/me/events?$skip=10"));
	assert_int_equal(outlook_event_list(arena, SLICE("{\"value\":[]}"), BASE, &list, NULL), OK);
	assert_int_equal(list.next.len, 0);
}

static void the_next_page_is_nowhere_else(void **state)
{
	static const char *const LINKS[] = {
		"https://evil.example/v1.0/me/events?$skip=10",
		"https://graph.example.evil.example/v1.0/me/events",
		"https://graph.example@evil.example/v1.0/me/events",
		BASE "@evil.example/me/events",
		BASE ".evil.example/me/events",
		BASE "evil/me/events",
		BASE "?$skip=10",
		BASE,
		"http://graph.example/v1.0/me/events",
		"https://graph.example:444/v1.0/me/events",
		"https://graph.example/v1.1/me/events",
		"HTTPS://graph.example/v1.0/me/events",
		"//graph.example/v1.0/me/events",
		"/v1.0/me/events",
		BASE "/../beta/me/events",
		BASE "/%2e%2e/beta/me/events",
		BASE "/.%2E/beta/me/events",
		BASE "/me/./events",
		BASE "/me/events#x",
		BASE "/me\\\\events",
		BASE "/me/events?a b",
		BASE "/me/events?a\\r\\nX-Evil: 1",
		BASE "/me/events?a\xc3\xa4",
	};
	struct placed_list list;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(LINKS); i++) {
		const char *body =
			arena_format(arena, "{\"value\":[],\"@odata.nextLink\":\"%s\"}", LINKS[i]);

		if (outlook_event_list(arena, slice_of(body), BASE, &list, NULL) != ERR_UPSTREAM)
			fail_msg("%s", LINKS[i]);
	}
	assert_int_equal(outlook_event_list(arena, SLICE("{\"value\":[],\"@odata.nextLink\":{}}"),
					    BASE, &list, NULL),
			 ERR_UPSTREAM);
	assert_true(outlook_event_is_page(SLICE("/me/events?$skip=..")));
	assert_false(outlook_event_is_page(SLICE("")));
	assert_false(outlook_event_is_page(SLICE("me/events")));
	assert_false(outlook_event_is_page(SLICE("/me/events\0x")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_insert_is_in_utc_with_our_stamp_and_the_mailboxs_own_reminder),
		cmocka_unit_test(an_insert_names_texts_and_guests),
		cmocka_unit_test(who_shall_not_be_mailed_is_not_named),
		cmocka_unit_test(a_meeting_begins_in_teams_and_never_ends),
		cmocka_unit_test(a_patch_says_nothing_of_a_part_that_is_not_named),
		cmocka_unit_test(a_guest_who_stays_goes_back_as_he_was_told),
		cmocka_unit_test(a_new_text_keeps_the_link_of_the_meeting),
		cmocka_unit_test(an_event_in_utc_tells_no_zone),
		cmocka_unit_test(an_event_is_read_whole_whatever_stands_beside),
		cmocka_unit_test(where_it_stands_is_all_that_is_read_if_no_more_is_wanted),
		cmocka_unit_test(whole_days_are_their_dates_in_utc),
		cmocka_unit_test(answers_of_guests_have_our_words),
		cmocka_unit_test(what_is_null_or_empty_says_nothing),
		cmocka_unit_test(what_is_no_event_is_never_a_success),
		cmocka_unit_test(a_link_that_no_row_could_keep_is_none),
		cmocka_unit_test(an_answer_to_another_create_is_none),
		cmocka_unit_test(of_several_with_one_marker_the_oldest_that_stands_is_it),
		cmocka_unit_test(what_is_no_list_says_nothing_of_absence),
		cmocka_unit_test(a_list_tells_what_stands_and_where_it_goes_on),
		cmocka_unit_test(the_next_page_is_nowhere_else),
	};

	return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
