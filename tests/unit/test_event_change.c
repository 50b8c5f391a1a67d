#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/event_change.h"

enum { HOUR_MS = 3600000 };
#define START_MS INT64_C(1764687600000)

static struct arena *arena;
static const struct attendee ANA[] = {{.email = SLICE("ana@x.org")}};
static struct event now, kept;
static struct event_stand stand;
static struct event wanted;
static unsigned parts;
static struct fail why;

static int make(void **state)
{
	(void)state;
	arena = arena_new(4096, 4 * 1024 * 1024);
	return arena ? 0 : -1;
}

static int drop(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static int begin(void **state)
{
	(void)state;
	now = (struct event){
		.summary = SLICE("Lesson"),
		.description = SLICE("Notes"),
		.location = SLICE("Court 1"),
		.start_ms = START_MS,
		.end_ms = START_MS + HOUR_MS,
		.time_zone = SLICE("America/New_York"),
		.attendees = ANA,
		.n_attendees = 1,
	};
	kept = now;
	stand = (struct event_stand){.event = &now, .zone = now.time_zone, .kept = &kept};
	why = (struct fail){0};
	return 0;
}

static enum err apply(const struct event_change *change)
{
	return event_change_apply(arena, change, &stand, &wanted, &parts, &why);
}

static void nothing_named_is_nothing_to_do(void **state)
{
	const struct event_change change = {0};

	(void)state;
	assert_int_equal(apply(&change), OK);
	assert_int_equal(parts, 0);
	assert_true(slice_equal(wanted.summary, now.summary));
	assert_int_equal(wanted.n_attendees, 1);
}

static void only_what_is_named_changes(void **state)
{
	const struct event_change change = {.parts = EVENT_LOCATION | EVENT_SUMMARY,
					    .to = {.location = SLICE("Court 2"),
						   .summary = SLICE("Lesson"),
						   .description = SLICE("not named")}};

	(void)state;
	assert_int_equal(apply(&change), OK);
	assert_int_equal(parts, EVENT_LOCATION);
	assert_true(slice_is(wanted.location, "Court 2"));
	assert_true(slice_is(wanted.description, "Notes"));
}

static void a_text_named_empty_is_cleared(void **state)
{
	const struct event_change change = {.parts = EVENT_DESCRIPTION};

	(void)state;
	assert_int_equal(apply(&change), OK);
	assert_int_equal(parts, EVENT_DESCRIPTION);
	assert_int_equal(wanted.description.len, 0);
	now.description = (struct slice){0};
	assert_int_equal(apply(&change), OK);
	assert_int_equal(parts, 0);
}

/* Hours from where it stands, or ABSENT. */
enum { ABSENT = 1000 };

static const struct {
	const char *what;
	int start, end;
	bool whole_day;
	const char *zone;
	const char *provider_zone;
	unsigned parts;
	const char *fault;
} TIMES[] = {
	{"both", 2, 3, false, NULL, "America/New_York", EVENT_TIMES, NULL},
	{"both as they are", 0, 1, false, NULL, "America/New_York", 0, NULL},
	{"the start alone", -1, ABSENT, false, NULL, "America/New_York", EVENT_TIMES, NULL},
	{"the end alone", ABSENT, 2, false, NULL, "America/New_York", EVENT_TIMES, NULL},
	{"the start to the end", 1, ABSENT, false, NULL, "", 0, "endTime"},
	{"the end to the start", ABSENT, 0, false, NULL, "", 0, "endTime"},
	{"too long", 0, 24 * 31 + 1, false, NULL, "", 0, "endTime"},
	{"another zone", ABSENT, ABSENT, false, "Europe/Berlin", "America/New_York", EVENT_TIMES,
	 NULL},
	{"the same zone", ABSENT, ABSENT, false, "America/New_York", "America/New_York", 0, NULL},
	{"a zone that the provider keeps not", ABSENT, ABSENT, false, "Europe/Berlin", "", 0, NULL},
	{"whole days to hours", 2, 3, true, NULL, "", EVENT_TIMES, NULL},
	{"whole days to the same hours", 0, 1, true, NULL, "", EVENT_TIMES, NULL},
	{"whole days, the start alone", 2, ABSENT, true, NULL, "", 0, "endTime"},
	{"whole days, the end alone", ABSENT, 2, true, NULL, "", 0, "startTime"},
	{"whole days in another zone", ABSENT, ABSENT, true, "Europe/Berlin", "", 0, NULL},
};

static void what_is_left_out_of_the_times_stays(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(TIMES); i++) {
		struct event_change change = {
			.parts = EVENT_TIMES,
			.start = TIMES[i].start != ABSENT,
			.end = TIMES[i].end != ABSENT,
			.zone = TIMES[i].zone != NULL,
			.to = {.start_ms = START_MS + (int64_t)TIMES[i].start * HOUR_MS,
			       .end_ms = START_MS + (int64_t)TIMES[i].end * HOUR_MS,
			       .time_zone = slice_of(TIMES[i].zone)}};
		enum err e;

		begin(NULL);
		stand.whole_day = TIMES[i].whole_day;
		stand.zone = slice_of(TIMES[i].provider_zone);
		e = apply(&change);
		if (e != (TIMES[i].fault ? ERR_FIELDS : OK) || (!e && parts != TIMES[i].parts))
			fail_msg("%s: %d, %u", TIMES[i].what, e, parts);
		if (e && !fail_has_field(&why, TIMES[i].fault))
			fail_msg("%s: %s", TIMES[i].what, why.fields[0].field);
		if (!e && wanted.start_ms != (change.start ? change.to.start_ms : now.start_ms))
			fail_msg("%s", TIMES[i].what);
		if (!e && wanted.end_ms != (change.end ? change.to.end_ms : now.end_ms))
			fail_msg("%s", TIMES[i].what);
	}
}

static void guests_hear_of_it_as_when_it_was_made_unless_it_is_said(void **state)
{
	struct event_change change = {.parts = EVENT_SUMMARY, .to = {.summary = SLICE("x")}};

	(void)state;
	assert_int_equal(apply(&change), OK);
	assert_false(wanted.notify);
	kept.notify = true;
	assert_int_equal(apply(&change), OK);
	assert_true(wanted.notify);
	change.notify = true;
	assert_int_equal(apply(&change), OK);
	assert_false(wanted.notify);
	change.notify = false;
	stand.kept = NULL;
	assert_int_equal(apply(&change), OK);
	assert_true(wanted.notify);
}

static void guests_are_judged_when_they_are_asked_for_and_not_when_they_stand(void **state)
{
	static const struct attendee ROOM[] = {{.email = SLICE("room without a place")}};
	struct event_change change = {
		.parts = EVENT_TIMES, .start = true, .to = {.start_ms = START_MS - HOUR_MS}};

	(void)state;
	now.attendees = ROOM;
	assert_int_equal(apply(&change), OK);
	change = (struct event_change){.parts = EVENT_ATTENDEES,
				       .to = {.attendees = ROOM, .n_attendees = 1}};
	now.attendees = ANA;
	assert_int_equal(apply(&change), ERR_FIELDS);
}

static void asked_for_and_by_hand_together_are_at_most_200(void **state)
{
	struct attendee *many = arena_array(arena, EVENT_ATTENDEES_MAX, sizeof(*many));
	const struct event_change change = {
		.parts = EVENT_ATTENDEES,
		.to = {.attendees = many, .n_attendees = EVENT_ATTENDEES_MAX}};

	(void)state;
	for (size_t i = 0; i < EVENT_ATTENDEES_MAX; i++)
		many[i].email = slice_of(arena_format(arena, "g%zu@x.org", i));
	assert_int_equal(apply(&change), OK);
	assert_int_equal(wanted.n_attendees, EVENT_ATTENDEES_MAX);
	stand.kept = NULL;
	assert_int_equal(apply(&change), ERR_FIELDS);
	assert_true(fail_has_field(&why, "attendees"));
}

static void a_conference_is_asked_for_once(void **state)
{
	const struct event_change change = {.parts = EVENT_CONFERENCE, .to = {.conference = true}};

	(void)state;
	assert_int_equal(apply(&change), OK);
	assert_int_equal(parts, EVENT_CONFERENCE);
	now.conference = true;
	assert_int_equal(apply(&change), OK);
	assert_int_equal(parts, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing_named_is_nothing_to_do, begin),
		cmocka_unit_test_setup(only_what_is_named_changes, begin),
		cmocka_unit_test_setup(a_text_named_empty_is_cleared, begin),
		cmocka_unit_test_setup(what_is_left_out_of_the_times_stays, begin),
		cmocka_unit_test_setup(guests_hear_of_it_as_when_it_was_made_unless_it_is_said,
				       begin),
		cmocka_unit_test_setup(
			guests_are_judged_when_they_are_asked_for_and_not_when_they_stand, begin),
		cmocka_unit_test_setup(asked_for_and_by_hand_together_are_at_most_200, begin),
		cmocka_unit_test_setup(a_conference_is_asked_for_once, begin),
	};

	return cmocka_run_group_tests_name("event_change", tests, make, drop);
}
