#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/arena_fixture.h"
#include "tests/unit/event_fixture.h"

enum { MINUTE_MS = 60000 };

/* The reason given for field, or NULL. */
static const char *reason_for(const struct fail *why, const char *field)
{
	for (unsigned i = 0; i < why->n_fields; i++) {
		if (strcmp(why->fields[i].field, field) == 0)
			return why->fields[i].reason;
	}
	return NULL;
}

static void an_event_as_it_should_be_passes(void **state)
{
	struct attendee guests[] = {{.email = SLICE("milan@example.com"), .name = SLICE("Milan")}};
	struct event event = coffee();
	struct fail why = {0};

	(void)state;
	assert_int_equal(event_check(&event, &why), OK);
	event.attendees = guests;
	event.n_attendees = 1;
	assert_int_equal(event_check(&event, &why), OK);
	assert_int_equal(why.n_fields, 0);
}

static void an_event_ends_after_it_starts_and_within_31_days(void **state)
{
	static const int64_t MONTH_MS = (int64_t)31 * 24 * 60 * MINUTE_MS;
	const struct {
		int64_t length_ms;
		enum err wanted;
	} cases[] = {
		{1, OK},         {MONTH_MS, OK},   {MONTH_MS + 1, ERR_FIELDS},
		{0, ERR_FIELDS}, {-1, ERR_FIELDS}, {-MONTH_MS, ERR_FIELDS},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct event event = coffee();
		struct fail why = {0};

		event.end_ms = event.start_ms + cases[i].length_ms;
		assert_int_equal(event_check(&event, &why), cases[i].wanted);
		assert_int_equal(reason_for(&why, "endTime") != NULL, cases[i].wanted != OK);
	}
}

static void times_at_the_ends_of_their_range_do_not_overflow(void **state)
{
	struct event event = coffee();

	(void)state;
	event.start_ms = INT64_MIN;
	event.end_ms = INT64_MAX;
	assert_int_equal(event_check(&event, NULL), ERR_FIELDS);
	event.start_ms = INT64_MAX;
	event.end_ms = INT64_MIN;
	assert_int_equal(event_check(&event, NULL), ERR_FIELDS);
}

static void all_that_is_wrong_is_told_at_once(void **state)
{
	struct attendee guests[] = {{.email = SLICE("good@example.com")},
				    {.email = SLICE("a@b,c@d")},
				    {.email = SLICE("")}};
	struct event event = coffee();
	struct fail why = {0};

	(void)state;
	event.end_ms = event.start_ms;
	event.time_zone = SLICE("Mars/Olympus");
	event.attendees = guests;
	event.n_attendees = ARRAY_LEN(guests);
	assert_int_equal(event_check(&event, &why), ERR_FIELDS);
	assert_int_equal(why.n_fields, 4);
	assert_non_null(reason_for(&why, "endTime"));
	assert_non_null(reason_for(&why, "timeZone"));
	assert_non_null(reason_for(&why, "attendees[1].email"));
	assert_non_null(reason_for(&why, "attendees[2].email"));
}

static void two_hundred_guests_pass_and_one_more_does_not(void **state)
{
	static struct attendee guests[EVENT_ATTENDEES_MAX + 1];
	struct event event = coffee();
	struct fail why = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(guests); i++)
		guests[i].email = slice_of(arena_format(arena, "guest%zu@example.com", i));
	event.attendees = guests;
	event.n_attendees = EVENT_ATTENDEES_MAX;
	assert_int_equal(event_check(&event, &why), OK);
	event.n_attendees++;
	assert_int_equal(event_check(&event, &why), ERR_FIELDS);
	assert_non_null(reason_for(&why, "attendees"));
}

static void a_guest_named_twice_is_one_guest_and_the_first_stays(void **state)
{
	struct attendee guests[] = {
		{.email = SLICE("b@example.com"), .name = SLICE("first")},
		{.email = SLICE("a@example.com")},
		{.email = SLICE("B@Example.COM"), .name = SLICE("second")},
		{.email = SLICE("a@example.co")},
		{.email = SLICE("A@EXAMPLE.COM")},
	};

	(void)state;
	assert_int_equal(event_merge_attendees(guests, ARRAY_LEN(guests)), 3);
	assert_true(slice_is(guests[0].email, "b@example.com"));
	assert_true(slice_is(guests[0].name, "first"));
	assert_true(slice_is(guests[1].email, "a@example.com"));
	assert_true(slice_is(guests[2].email, "a@example.co"));
	assert_int_equal(event_merge_attendees(guests, 0), 0);
	assert_int_equal(event_merge_attendees(NULL, 0), 0);
}

static struct slice written(const struct event *event)
{
	struct buf out;

	buf_init(&out, arena, 1024 * 1024);
	event_write(event, &out);
	assert_int_equal(buf_error(&out), OK);
	return buf_slice(&out);
}

static void assert_same(struct slice a, struct slice b)
{
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data ? a.data : "", b.data ? b.data : "", a.len);
}

static void what_was_written_is_read_back_whole(void **state)
{
	struct attendee guests[] = {
		{.email = SLICE("milan@example.com"), .name = SLICE("Milan \"M\" \xc3\x96z")},
		{.email = SLICE("o'hara@example.com"), .leaving = true}};
	struct event event = coffee(), back;

	(void)state;
	event.description = SLICE("line\n\ttab \\ \xf0\x9f\x98\x80 </script>");
	event.location = SLICE("Caf\xc3\xa9");
	event.attendees = guests;
	event.n_attendees = ARRAY_LEN(guests);
	event.notify = event.omitted = event.conference = true;
	assert_int_equal(event_read(arena, written(&event), &back), OK);
	assert_true(back.omitted && back.conference);
	assert_same(back.summary, event.summary);
	assert_same(back.description, event.description);
	assert_same(back.location, event.location);
	assert_same(back.time_zone, event.time_zone);
	assert_int_equal(back.start_ms, event.start_ms);
	assert_int_equal(back.end_ms, event.end_ms);
	assert_true(back.notify);
	assert_int_equal(back.n_attendees, 2);
	assert_same(back.attendees[0].email, guests[0].email);
	assert_same(back.attendees[0].name, guests[0].name);
	assert_same(back.attendees[1].email, guests[1].email);
	assert_int_equal(back.attendees[1].name.len, 0);
	assert_true(!back.attendees[0].leaving && back.attendees[1].leaving);
	assert_same(written(&back), written(&event));
}

static void the_largest_event_is_read_back(void **state)
{
	static struct attendee guests[EVENT_KEPT_MAX];
	static char text[32768];
	struct event event = coffee(), back;

	(void)state;
	memset(text, '"', sizeof(text));
	event.description = (struct slice){text, sizeof(text)};
	for (size_t i = 0; i < ARRAY_LEN(guests); i++)
		guests[i] = (struct attendee){.email = SLICE("guest@example.com"),
					      .name = SLICE("Guest")};
	event.attendees = guests;
	event.n_attendees = ARRAY_LEN(guests);
	assert_int_equal(event_read(arena, written(&event), &back), OK);
	assert_int_equal(back.n_attendees, EVENT_KEPT_MAX);
	assert_same(back.description, event.description);
}

static void saying_nothing_about_guests_is_not_saying_none(void **state)
{
	struct attendee nobody[1];
	struct event event = coffee(), back;

	(void)state;
	assert_int_equal(event_read(arena, written(&event), &back), OK);
	assert_null(back.attendees);
	event.attendees = nobody;
	assert_int_equal(event_read(arena, written(&event), &back), OK);
	assert_non_null(back.attendees);
	assert_int_equal(back.n_attendees, 0);
}

static void what_event_write_did_not_write_is_refused(void **state)
{
	static const char *const TEXTS[] = {
		"",
		"{}",
		"[]",
		"null",
		"{\"start\":1,\"end\":2}",
		"{\"start\":1,\"end\":2,\"notify\":1}",
		"{\"start\":\"1\",\"end\":2,\"notify\":true}",
		"{\"start\":1.5,\"end\":2,\"notify\":true}",
		"{\"start\":1,\"end\":2,\"notify\":true,\"summary\":7}",
		"{\"start\":1,\"end\":2,\"notify\":true,\"attendees\":{}}",
		"{\"start\":1,\"end\":2,\"notify\":true,\"attendees\":[\"a@b.c\"]}",
		"{\"start\":1,\"end\":2,\"notify\":true,\"attendees\":[{}]}",
		"{\"start\":1,\"end\":2,\"notify\":true,\"attendees\":[{\"email\":1}]}",
		"{\"start\":1,\"end\":2,\"notify\":true",
	};
	struct event back;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
		if (event_read(arena, slice_of(TEXTS[i]), &back) != ERR_INTERNAL)
			fail_msg("%s", TEXTS[i]);
	}
	assert_int_equal(event_read(arena, SLICE("{\"start\":1,\"end\":2,\"notify\":true}"), &back),
			 OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_as_it_should_be_passes),
		cmocka_unit_test(an_event_ends_after_it_starts_and_within_31_days),
		cmocka_unit_test(times_at_the_ends_of_their_range_do_not_overflow),
		cmocka_unit_test(all_that_is_wrong_is_told_at_once),
		cmocka_unit_test(two_hundred_guests_pass_and_one_more_does_not),
		cmocka_unit_test(a_guest_named_twice_is_one_guest_and_the_first_stays),
		cmocka_unit_test(what_was_written_is_read_back_whole),
		cmocka_unit_test(the_largest_event_is_read_back),
		cmocka_unit_test(saying_nothing_about_guests_is_not_saying_none),
		cmocka_unit_test(what_event_write_did_not_write_is_refused),
	};

	return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
