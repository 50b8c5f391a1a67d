#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/appointment.h"
#include "model/event.h"

enum { LONG_BYTES = APPOINTMENT_NOTES_BYTES + 1 };

static const int64_t NOON_MS = INT64_C(1772712000000);
static const int64_t HOUR_MS = 3600 * 1000;
static const int64_t DAY_MS = 24 * 3600 * 1000;

static char long_text[LONG_BYTES];

static struct appointment good(void)
{
	return (struct appointment){
		.id = SLICE("session|17"),
		.coach = SLICE("coach@example.com"),
		.client_name = SLICE("Zo\xC3\xAB \"Z\" O'Neil"),
		.client_email = SLICE("zoe@example.com"),
		.start_ms = NOON_MS,
		.end_ms = NOON_MS + HOUR_MS,
		.time_zone = SLICE("Europe/Berlin"),
		.service = SLICE("First session"),
		.notes = SLICE("one\n\ttwo"),
		.location = SLICE("Room 4"),
		.status = APPOINTMENT_CONFIRMED,
		.version = -1,
	};
}

static void what_a_client_application_may_send_is_good(void **state)
{
	struct appointment appointment = good();
	const struct appointment bare = {
		.id = SLICE("1"),
		.coach = SLICE("2"),
		.start_ms = NOON_MS,
		.end_ms = NOON_MS + 31 * DAY_MS,
	};

	(void)state;
	assert_int_equal(appointment_check(&appointment, NULL), OK);
	assert_int_equal(appointment_check(&bare, NULL), OK);
	appointment.notes = (struct slice){long_text, APPOINTMENT_NOTES_BYTES};
	appointment.location = (struct slice){long_text, APPOINTMENT_LOCATION_BYTES};
	appointment.client_name = (struct slice){long_text, APPOINTMENT_NAME_BYTES};
	appointment.service = appointment.client_name;
	assert_int_equal(appointment_check(&appointment, NULL), OK);
}

/* One fault a row: the field that it is told under, and how it gets there. */
struct fault {
	const char *field;
	void (*make)(struct appointment *appointment);
};

#define FAULT(name, statement)                                                                     \
	static void name(struct appointment *a)                                                    \
	{                                                                                          \
		statement;                                                                         \
	}
FAULT(no_id, a->id = SLICE(""))
FAULT(dots_for_id, a->id = SLICE(".."))
FAULT(slash_in_id, a->id = SLICE("a/b"))
FAULT(long_id, a->id = ((struct slice){long_text, 129}))
FAULT(no_coach, a->coach = SLICE(""))
FAULT(line_in_coach, a->coach = SLICE("a\nb"))
FAULT(line_in_name, a->client_name = SLICE("a\nb"))
FAULT(long_name, a->client_name = ((struct slice){long_text, APPOINTMENT_NAME_BYTES + 1}))
FAULT(bytes_in_name, a->client_name = SLICE("\xC0\xAF"))
FAULT(two_emails, a->client_email = SLICE("a@example.com,b@example.com"))
FAULT(header_in_email, a->client_email = SLICE("a@example.com\r\nBcc: b@example.com"))
FAULT(no_time, a->end_ms = a->start_ms)
FAULT(backwards, a->end_ms = a->start_ms - 1)
FAULT(too_long, a->end_ms = a->start_ms + 31 * DAY_MS + 1)
FAULT(path_for_zone, a->time_zone = SLICE("../../etc/passwd"))
FAULT(tab_in_service, a->service = SLICE("a\tb"))
FAULT(long_service, a->service = ((struct slice){long_text, APPOINTMENT_NAME_BYTES + 1}))
FAULT(nul_in_notes, a->notes = SLICE("a\0b"))
FAULT(return_in_notes, a->notes = SLICE("a\r\nb"))
FAULT(long_notes, a->notes = ((struct slice){long_text, LONG_BYTES}))
FAULT(line_in_location, a->location = SLICE("a\nb"))
FAULT(long_location, a->location = ((struct slice){long_text, APPOINTMENT_LOCATION_BYTES + 1}))

static const struct fault FAULTS[] = {
	{"appointmentId", no_id},
	{"appointmentId", dots_for_id},
	{"appointmentId", slash_in_id},
	{"appointmentId", long_id},
	{"coachId", no_coach},
	{"coachId", line_in_coach},
	{"clientName", line_in_name},
	{"clientName", long_name},
	{"clientName", bytes_in_name},
	{"clientEmail", two_emails},
	{"clientEmail", header_in_email},
	{"endTime", no_time},
	{"endTime", backwards},
	{"endTime", too_long},
	{"timeZone", path_for_zone},
	{"serviceName", tab_in_service},
	{"serviceName", long_service},
	{"notes", nul_in_notes},
	{"notes", return_in_notes},
	{"notes", long_notes},
	{"location", line_in_location},
	{"location", long_location},
};

static void each_fault_is_told_under_its_field(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(FAULTS); i++) {
		struct appointment appointment = good();
		struct fail why = {0};

		FAULTS[i].make(&appointment);
		if (appointment_check(&appointment, &why) != ERR_FIELDS || why.n_fields != 1 ||
		    strcmp(why.fields[0].field, FAULTS[i].field))
			fail_msg("row %zu, %s: %u fields", i, FAULTS[i].field, why.n_fields);
	}
}

static void all_that_is_wrong_is_told_at_once(void **state)
{
	struct appointment appointment = good();
	struct fail why = {0};

	(void)state;
	no_id(&appointment);
	no_coach(&appointment);
	line_in_name(&appointment);
	two_emails(&appointment);
	no_time(&appointment);
	path_for_zone(&appointment);
	tab_in_service(&appointment);
	nul_in_notes(&appointment);
	line_in_location(&appointment);
	assert_int_equal(appointment_check(&appointment, &why), ERR_FIELDS);
	assert_int_equal(why.n_fields, 9);
}

static void a_status_is_its_word_and_back(void **state)
{
	enum appointment_status status;

	(void)state;
	for (unsigned i = APPOINTMENT_PENDING; i <= APPOINTMENT_CANCELLED; i++) {
		assert_true(appointment_status_find(slice_of(appointment_status_word(i)), &status));
		assert_int_equal(status, i);
	}
	assert_false(appointment_status_find(SLICE("Confirmed"), &status));
	assert_false(appointment_status_find(SLICE(""), &status));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_client_application_may_send_is_good),
		cmocka_unit_test(each_fault_is_told_under_its_field),
		cmocka_unit_test(all_that_is_wrong_is_told_at_once),
		cmocka_unit_test(a_status_is_its_word_and_back),
	};

	memset(long_text, 'x', sizeof(long_text));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
