#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "model/appointment.h"
#include "model/event.h"
#include "model/privacy.h"

#define NAME "Canaria Vogel"
#define EMAIL "canaria@vogel.example"
#define NOTES_TEXT "the canary notes"

enum { ARENA_BYTES = 1 << 20, LONG_BYTES = PRIVACY_DESCRIPTION_BYTES };

/* 2026-03-05T14:30:00 in Berlin */
static const int64_t START_MS = INT64_C(1772717400000);
static const int64_t END_MS = INT64_C(1772721000000);

static struct arena *arena;
static char long_text[LONG_BYTES];

/* Asked about: a confirmed appointment to come, a connection as it is at first, a single write. */
static struct appointment appointment;
static struct sync_settings settings;
static struct privacy_ask ask;
static struct privacy_verdict verdict;

static int begin(void **state)
{
	(void)state;
	arena_reset(arena);
	appointment = (struct appointment){
		.id = SLICE("a1"),
		.coach = SLICE("coach-1"),
		.client_name = SLICE(NAME),
		.client_email = SLICE(EMAIL),
		.start_ms = START_MS,
		.end_ms = END_MS,
		.time_zone = SLICE("Europe/Berlin"),
		.service = SLICE("Deep work"),
		.notes = SLICE(NOTES_TEXT),
		.location = SLICE("Room 4"),
		.status = APPOINTMENT_CONFIRMED,
		.version = -1,
	};
	settings = (struct sync_settings){
		.sync_enabled = true,
		.auto_create = true,
		.auto_update = true,
		.title_template = SLICE(PRIVACY_DEFAULT_TITLE),
		.description_template = SLICE(PRIVACY_DEFAULT_DESCRIPTION),
	};
	ask = (struct privacy_ask){
		.appointment = &appointment,
		.settings = &settings,
		.coach_name = SLICE("Ada Coach"),
		.coach_zone = SLICE("America/New_York"),
		.now_ms = START_MS - 1,
	};
	return 0;
}

static const struct event *judged(void)
{
	assert_int_equal(privacy_judge(&ask, arena, &verdict), OK);
	return &verdict.event;
}

static void assert_text(struct slice text, const char *wanted)
{
	if (!slice_is(text, wanted))
		fail_msg("'%.*s' is not '%s'", (int)text.len, text.data, wanted);
}

/* Whether. */

struct decision {
	enum appointment_status status;
	bool sync, create, update;
	bool stands, shows, quiet, over;
	enum privacy_act act;
	const char *reason;
};

#define PENDING APPOINTMENT_PENDING
#define CONFIRMED APPOINTMENT_CONFIRMED
#define CANCELLED APPOINTMENT_CANCELLED

/* clang-format off */
static const struct decision DECISIONS[] = {
	/* status   sync create update stands shows quiet over */
	{CONFIRMED, 1, 1, 1,  0, 0, 0, 0,  PRIVACY_WRITE,  NULL},
	{CONFIRMED, 1, 1, 0,  0, 0, 0, 0,  PRIVACY_WRITE,  NULL},
	{CONFIRMED, 1, 0, 1,  0, 0, 0, 0,  PRIVACY_LEAVE,  "auto_create_off"},
	{CONFIRMED, 1, 1, 1,  1, 0, 0, 0,  PRIVACY_WRITE,  NULL},
	{CONFIRMED, 1, 0, 1,  1, 0, 0, 0,  PRIVACY_WRITE,  NULL},
	{CONFIRMED, 1, 1, 0,  1, 0, 0, 0,  PRIVACY_LEAVE,  "auto_update_off"},
	{CONFIRMED, 0, 1, 1,  0, 0, 0, 0,  PRIVACY_LEAVE,  "sync_off"},
	{CONFIRMED, 0, 1, 1,  1, 1, 0, 0,  PRIVACY_LEAVE,  "sync_off"},
	{PENDING,   1, 1, 1,  0, 0, 0, 0,  PRIVACY_LEAVE,  "not_confirmed"},
	{PENDING,   1, 1, 1,  1, 0, 0, 0,  PRIVACY_REMOVE, "not_confirmed"},
	{PENDING,   1, 1, 0,  1, 0, 0, 0,  PRIVACY_LEAVE,  "auto_update_off"},
	{CANCELLED, 1, 1, 1,  0, 0, 0, 0,  PRIVACY_LEAVE,  "cancelled"},
	{CANCELLED, 1, 0, 1,  1, 0, 0, 0,  PRIVACY_REMOVE, "cancelled"},
	{CANCELLED, 1, 1, 1,  1, 0, 1, 1,  PRIVACY_REMOVE, "cancelled"},
	{CANCELLED, 1, 1, 0,  1, 0, 0, 0,  PRIVACY_LEAVE,  "auto_update_off"},
	{CANCELLED, 0, 1, 1,  1, 0, 0, 0,  PRIVACY_LEAVE,  "sync_off"},
	/* what shows the client is mended although changes are off */
	{CONFIRMED, 1, 1, 0,  1, 1, 1, 0,  PRIVACY_WRITE,  NULL},
	{CANCELLED, 1, 1, 0,  1, 1, 1, 0,  PRIVACY_REMOVE, "cancelled"},
	/* over */
	{CONFIRMED, 1, 1, 1,  0, 0, 0, 1,  PRIVACY_WRITE,  NULL},
	{CONFIRMED, 1, 1, 1,  0, 0, 1, 1,  PRIVACY_LEAVE,  "past"},
	{CONFIRMED, 1, 1, 1,  1, 0, 1, 1,  PRIVACY_WRITE,  NULL},
};
/* clang-format on */

static void settings_and_status_decide_whether_it_stands(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(DECISIONS); i++) {
		const struct decision *row = &DECISIONS[i];

		appointment.status = row->status;
		settings.sync_enabled = row->sync;
		settings.auto_create = row->create;
		settings.auto_update = row->update;
		ask.stands = row->stands;
		ask.shows_client = row->shows;
		ask.quiet = row->quiet;
		ask.now_ms = row->over ? END_MS : END_MS - 1;
		judged();
		if (verdict.act != row->act || !slice_is(slice_of(verdict.reason), row->reason))
			fail_msg("row %zu: %d, %s", i, (int)verdict.act, verdict.reason);
	}
}

static void times_that_no_calendar_takes_are_left(void **state)
{
	(void)state;
	appointment.end_ms = appointment.start_ms;
	judged();
	assert_int_equal(verdict.act, PRIVACY_LEAVE);
	assert_string_equal(verdict.reason, "invalid");
	appointment.status = APPOINTMENT_CANCELLED;
	ask.stands = true;
	judged();
	assert_int_equal(verdict.act, PRIVACY_REMOVE);
}

/* What. */

struct title {
	bool details;
	const char *template, *title;
};

static const struct title TITLES[] = {
	{true, "ACT Coaching Session", "ACT Coaching Session - " NAME},
	{false, "ACT Coaching Session", "ACT Coaching Session"},
	{true, "With {client_name}: {service}", "With " NAME ": Deep work"},
	{false, "{service} with {coach}", "Deep work with Ada Coach"},
	{false, "Session - {client_name}", "Session"},
	{false, "{client_name}: {service}", "Deep work"},
	{false, "- {service} -", "- Deep work -"},
	{false, "{client_name}", PRIVACY_DEFAULT_TITLE},
	{false, "{client_email}{notes} ", PRIVACY_DEFAULT_TITLE},
	{true, "{client_email} {notes}", EMAIL " " NOTES_TEXT " - " NAME},
	{false, "At {start}", "At 2026-03-05 14:30"},
	{false, "{unknown} {service {SERVICE} {{service}}",
	 "{unknown} {service {SERVICE} {Deep work}"},
	{false, "", PRIVACY_DEFAULT_TITLE},
	{false, " a\tb\x7F\xC2\x85 ", "a b"},
	{false, "Z\xC3\xBCrich \xF0\x9F\x98\x80", "Z\xC3\xBCrich \xF0\x9F\x98\x80"},
	{false, "bad \xC0\xAF\xE2\x82", "bad ????"},
};

static void a_title_is_its_template_and_with_details_the_client(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(TITLES); i++) {
		settings.client_details = TITLES[i].details;
		settings.title_template = slice_of(TITLES[i].template);
		assert_text(judged()->summary, TITLES[i].title);
	}
}

static void a_client_without_a_name_adds_nothing_to_the_title(void **state)
{
	(void)state;
	settings.client_details = true;
	appointment.client_name = SLICE(" \n ");
	assert_text(judged()->summary, PRIVACY_DEFAULT_TITLE);
	settings.title_template = SLICE("With {client_name}");
	assert_text(judged()->summary, "With");
}

struct description {
	bool details;
	const char *template, *description;
};

static const struct description DESCRIPTIONS[] = {
	{true, "Generic.", "Generic.\n\n" NOTES_TEXT},
	{false, "Generic.", "Generic."},
	{true, "{notes}\nby {coach}", NOTES_TEXT "\nby Ada Coach"},
	{false, "{notes}\nby {coach}", "by Ada Coach"},
	{true, "", NOTES_TEXT},
	{false, "", ""},
	{true, "{client_name} <{client_email}>\n\t{notes}", NAME " <" EMAIL ">\n\t" NOTES_TEXT},
	{false, "a\r\nb\x01\rc", "a\nb c"},
};

static void a_description_is_its_template_and_with_details_the_notes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(DESCRIPTIONS); i++) {
		settings.client_details = DESCRIPTIONS[i].details;
		settings.description_template = slice_of(DESCRIPTIONS[i].template);
		assert_text(judged()->description, DESCRIPTIONS[i].description);
	}
}

static void a_value_is_never_read_as_a_template(void **state)
{
	(void)state;
	appointment.service = SLICE("{notes}{client_email}");
	appointment.client_name = SLICE("{notes}");
	settings.title_template = SLICE("{service}");
	assert_text(judged()->summary, "{notes}{client_email}");
	settings.client_details = true;
	assert_text(judged()->summary, "{notes}{client_email} - {notes}");
}

static void texts_of_other_programs_are_cleaned(void **state)
{
	(void)state;
	settings.client_details = true;
	appointment.client_name = SLICE("Eve\r\nBcc: all");
	appointment.location = SLICE(" Room\n4\x1B[31m ");
	appointment.notes = SLICE("one\r\ntwo\x07");
	assert_text(judged()->summary, PRIVACY_DEFAULT_TITLE " - Eve  Bcc: all");
	assert_text(verdict.event.location, "Room 4 [31m");
	assert_text(verdict.event.description, PRIVACY_DEFAULT_DESCRIPTION "\n\none\ntwo");
	assert_text(verdict.event.attendees[0].name, "Eve  Bcc: all");
}

static void what_is_too_long_is_cut_between_two_characters(void **state)
{
	static char umlauts[PRIVACY_TITLE_BYTES + 2];
	char *template = arena_alloc(arena, PRIVACY_TITLE_TEMPLATE_BYTES);

	(void)state;
	for (size_t i = 0; i < sizeof(umlauts); i += 2)
		memcpy(umlauts + i, "\xC3\xBC", 2);
	appointment.service = (struct slice){umlauts, sizeof(umlauts)};
	settings.title_template = SLICE("x{service}");
	assert_int_equal(judged()->summary.len, PRIVACY_TITLE_BYTES - 1);
	assert_true(text_is_utf8(verdict.event.summary));
	/* many times the largest notes */
	settings.client_details = true;
	for (size_t i = 0; i + 7 <= PRIVACY_TITLE_TEMPLATE_BYTES; i += 7)
		memcpy(template + i, "{notes}", 7);
	settings.description_template = (struct slice){template, 36L * 7};
	appointment.notes = (struct slice){long_text, APPOINTMENT_NOTES_BYTES};
	assert_int_equal(judged()->description.len, PRIVACY_DESCRIPTION_BYTES);
}

static void it_shows_the_zone_of_the_appointment_else_the_coachs(void **state)
{
	(void)state;
	settings.title_template = SLICE("{start}");
	assert_text(judged()->time_zone, "Europe/Berlin");
	appointment.time_zone = SLICE("");
	assert_text(judged()->time_zone, "America/New_York");
	assert_text(verdict.event.summary, "2026-03-05 08:30");
	appointment.time_zone = SLICE("Mars/Olympus");
	ask.coach_zone = SLICE("");
	assert_text(judged()->time_zone, "UTC");
	assert_text(verdict.event.summary, "2026-03-05 13:30");
	assert_int_equal(verdict.event.start_ms, START_MS);
	assert_int_equal(verdict.event.end_ms, END_MS);
}

/* Guests. */

enum guests { SAYS_NOTHING, NONE, CLIENT };

struct guest_row {
	bool details, quiet, mails_always, over;
	enum guests guests;
	bool notify, omitted;
};

/* clang-format off */
static const struct guest_row GUESTS[] = {
	/* details quiet always over */
	{1, 0, 0, 0,  CLIENT,       1, 0},
	{1, 1, 0, 0,  CLIENT,       0, 0},
	{1, 0, 1, 0,  CLIENT,       1, 0},
	{1, 1, 1, 0,  SAYS_NOTHING, 0, 1},
	{1, 0, 0, 1,  SAYS_NOTHING, 0, 1},
	{1, 1, 0, 1,  SAYS_NOTHING, 0, 1},
	{1, 0, 1, 1,  SAYS_NOTHING, 0, 1},
	{0, 0, 0, 0,  NONE,         0, 0},
	{0, 1, 0, 0,  NONE,         0, 0},
	{0, 0, 1, 0,  NONE,         0, 0},
	{0, 1, 1, 0,  NONE,         0, 0},
	{0, 0, 0, 1,  NONE,         0, 0},
};
/* clang-format on */

static enum guests guests_of(const struct event *event)
{
	if (!event->attendees)
		return SAYS_NOTHING;
	return event->n_attendees == 0 ? NONE : CLIENT;
}

static void the_client_is_a_guest_only_where_that_may_be_shown_and_mailed(void **state)
{
	(void)state;
	ask.stands = true;
	for (size_t i = 0; i < ARRAY_LEN(GUESTS); i++) {
		const struct guest_row *row = &GUESTS[i];

		settings.client_details = row->details;
		ask.quiet = row->quiet;
		ask.mails_always = row->mails_always;
		ask.now_ms = row->over ? END_MS : END_MS - 1;
		judged();
		if (guests_of(&verdict.event) != row->guests ||
		    verdict.event.notify != row->notify ||
		    verdict.attendees_omitted != row->omitted)
			fail_msg("row %zu: %d, %d, %d", i, (int)guests_of(&verdict.event),
				 verdict.event.notify, verdict.attendees_omitted);
		assert_int_equal(event_check(&verdict.event, NULL), OK);
	}
}

static void an_address_that_is_none_is_no_guest(void **state)
{
	(void)state;
	settings.client_details = true;
	settings.description_template = SLICE("{client_email}");
	appointment.notes = SLICE("");
	appointment.client_email = SLICE("a@example.com\r\nBcc: b@example.com");
	assert_int_equal(guests_of(judged()), NONE);
	assert_false(verdict.event.notify);
	assert_text(verdict.event.description, "");
}

static void only_a_guest_is_told_of_a_removal_and_only_by_a_single_change(void **state)
{
	(void)state;
	appointment.status = APPOINTMENT_CANCELLED;
	ask.stands = true;
	assert_false(judged()->notify);
	ask.shows_client = true;
	assert_true(judged()->notify);
	ask.quiet = true;
	assert_false(judged()->notify);
	ask.quiet = false;
	ask.now_ms = END_MS;
	assert_false(judged()->notify);
}

/* Canaries. */

static void assert_silent(const struct event *event, const char *secret)
{
	struct buf out;

	buf_init(&out, arena, ARENA_BYTES);
	event_write(event, &out);
	assert_int_equal(buf_error(&out), OK);
	if (memmem(out.data, out.len, secret, strlen(secret)))
		fail_msg("%s: %s", secret, out.data);
}

static const char *const EVERYTHING[] = {
	"{client_name}{client_email}{service}{coach}{start}{notes}",
	"a {notes} b {client_email} c {client_name} d",
	"{client_name}{client_name}{client_name}",
	PRIVACY_DEFAULT_TITLE,
	"{{client_name}} {client_name {notes}}",
};

static void without_details_no_byte_tells_of_the_client(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(EVERYTHING) * 16; i++) {
		settings.title_template = slice_of(EVERYTHING[i / 16]);
		settings.description_template = slice_of(EVERYTHING[i / 16]);
		ask.stands = i & 1;
		ask.shows_client = i & 2;
		ask.quiet = i & 4;
		ask.mails_always = i & 8;
		judged();
		assert_int_equal(verdict.act, PRIVACY_WRITE);
		assert_silent(&verdict.event, "anaria");
		assert_silent(&verdict.event, "ogel");
		assert_silent(&verdict.event, "canary");
		arena_reset(arena);
	}
}

/* Templates. */

static void templates_are_short_clean_and_a_title_not_blank(void **state)
{
	struct fail why = {0};

	(void)state;
	assert_int_equal(privacy_check(&settings, &why), OK);
	settings.title_template = SLICE(" \xC2\xA0{coach}");
	settings.description_template = SLICE("");
	assert_int_equal(privacy_check(&settings, &why), OK);
	settings.title_template = SLICE("  ");
	settings.description_template = SLICE("a\rb");
	assert_int_equal(privacy_check(&settings, &why), ERR_FIELDS);
	assert_int_equal(why.n_fields, 2);
	assert_string_equal(why.fields[0].field, "event_description_template");
	assert_string_equal(why.fields[1].field, "event_title_template");
	settings.title_template = SLICE("a\nb");
	settings.description_template = (struct slice){long_text, LONG_BYTES};
	why = (struct fail){0};
	assert_int_equal(privacy_check(&settings, &why), ERR_FIELDS);
	assert_int_equal(why.n_fields, 2);
	settings.title_template = (struct slice){long_text, PRIVACY_TITLE_TEMPLATE_BYTES + 1};
	settings.description_template = SLICE("\xff");
	why = (struct fail){0};
	assert_int_equal(privacy_check(&settings, &why), ERR_FIELDS);
	assert_int_equal(why.n_fields, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(test) cmocka_unit_test_setup(test, begin)
		CASE(settings_and_status_decide_whether_it_stands),
		CASE(times_that_no_calendar_takes_are_left),
		CASE(a_title_is_its_template_and_with_details_the_client),
		CASE(a_client_without_a_name_adds_nothing_to_the_title),
		CASE(a_description_is_its_template_and_with_details_the_notes),
		CASE(a_value_is_never_read_as_a_template),
		CASE(texts_of_other_programs_are_cleaned),
		CASE(what_is_too_long_is_cut_between_two_characters),
		CASE(it_shows_the_zone_of_the_appointment_else_the_coachs),
		CASE(the_client_is_a_guest_only_where_that_may_be_shown_and_mailed),
		CASE(an_address_that_is_none_is_no_guest),
		CASE(only_a_guest_is_told_of_a_removal_and_only_by_a_single_change),
		CASE(without_details_no_byte_tells_of_the_client),
		CASE(templates_are_short_clean_and_a_title_not_blank),
	};

	memset(long_text, 'x', sizeof(long_text));
	arena = arena_new(ARENA_BYTES, ARENA_BYTES);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
