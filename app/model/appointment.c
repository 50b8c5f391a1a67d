#include "model/appointment.h"

#include "model/event.h"

/* In the order of enum appointment_status. */
static const char *const STATUSES[] = {"pending", "confirmed", "cancelled"};

const char *appointment_status_word(enum appointment_status status)
{
	return STATUSES[status];
}

bool appointment_status_find(struct slice word, enum appointment_status *out)
{
	for (unsigned i = 0; i < ARRAY_LEN(STATUSES); i++) {
		if (slice_is(word, STATUSES[i])) {
			*out = (enum appointment_status)i;
			return true;
		}
	}
	return false;
}

static enum err check_id(struct slice id, const char *field, struct fail *why)
{
	return text_is_id(id, true) ? OK : fail_field(why, field, "is not a valid id");
}

/* One text and what it may hold. */
struct text_rule {
	const char *field;
	struct slice text;
	size_t bytes;
	bool lines;
};

static enum err check_text(const struct text_rule *rule, struct fail *why)
{
	if (rule->text.len > rule->bytes)
		return fail_field(why, rule->field, "is too long");
	if (!text_is_utf8(rule->text) || text_has_control(rule->text, rule->lines))
		return fail_field(why, rule->field, "holds control characters");
	return OK;
}

static enum err check_texts(const struct appointment *appointment, struct fail *why)
{
	const struct text_rule rules[] = {
		{"clientName", appointment->client_name, APPOINTMENT_NAME_BYTES, false},
		{"serviceName", appointment->service, APPOINTMENT_NAME_BYTES, false},
		{"notes", appointment->notes, APPOINTMENT_NOTES_BYTES, true},
		{"location", appointment->location, APPOINTMENT_LOCATION_BYTES, false},
	};
	enum err first = OK;

	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		enum err e = check_text(&rules[i], why);

		first = first ? first : e;
	}
	return first;
}

static enum err check_email(struct slice email, struct fail *why)
{
	if (email.len == 0 || text_is_email(email))
		return OK;
	return fail_field(why, "clientEmail", "is not an e-mail address");
}

/* An event's own check, with a zone that is surely known where none is named. */
static enum err check_times(const struct appointment *appointment, struct fail *why)
{
	const struct event event = {
		.start_ms = appointment->start_ms,
		.end_ms = appointment->end_ms,
		.time_zone = appointment->time_zone.len ? appointment->time_zone : SLICE("UTC"),
	};

	return event_check(&event, why);
}

enum err appointment_check(const struct appointment *appointment, struct fail *why)
{
	/* each of them runs: all that is wrong is told at once */
	enum err id = check_id(appointment->id, "appointmentId", why);
	enum err coach = check_id(appointment->coach, "coachId", why);
	enum err texts = check_texts(appointment, why);
	enum err email = check_email(appointment->client_email, why);
	enum err times = check_times(appointment, why);

	return id || coach || texts || email || times ? ERR_FIELDS : OK;
}
