/* POST /api/calendar/invite: a confirmed event in the host's calendar. Contract 2, seed 001. */
#include <stdio.h>

#include "base/config.h"
#include "handlers/event_fields.h"
#include "handlers/routes.h"
#include "model/event.h"
#include "service/booking.h"
#include "web/answer.h"
#include "web/request.h"

enum { DEMO_INVITEES_MAX = 10, MINUTES_MAX = 7 * 24 * 60 };

struct invite {
	struct slice slot;
	struct slice title;
	int64_t minutes;
	struct texts invitees;
	struct slice location;
	struct slice description;
	struct slice host; /* auth has looked at it */
	const struct zone *zone;
};

static const struct field FIELDS[] = {
	TEXT(invite, slot, "slot", REQUIRED, 1, 40),
	TEXT(invite, title, "title", REQUIRED, 1, 1024),
	INT(invite, minutes, "durationMinutes", REQUIRED, 1, MINUTES_MAX),
	TEXTS(invite, invitees, "inviteeEmails", EVENT_ATTENDEES_MAX),
	TEXT(invite, location, "location", OPTIONAL, 0, 1024),
	LINES(invite, description, "description", OPTIONAL, 0, 32768),
	TEXT(invite, host, "hostId", OPTIONAL, 1, 128),
	ZONE(invite, zone, "timeZone", OPTIONAL),
};

/* The seed's own words for what is missing; other faults of fields keep theirs. */
static enum err say_what_is_missing(struct fail *why)
{
	for (unsigned i = 0; i < why->n_fields; i++)
		if (slice_is(slice_of(why->fields[i].reason), FIELD_IS_REQUIRED))
			return fail_because(why, ERR_FIELDS,
					    "slot, title, and durationMinutes are required");
	return ERR_FIELDS;
}

static enum err read_slot(const struct invite *invite, struct event *event, struct fail *why)
{
	enum err e = event_fields_time("slot", invite->slot, invite->zone, &event->start_ms, why);

	event->end_ms = event->start_ms + invite->minutes * 60000;
	return e;
}

/* Once: what is no text at all has been told by now. */
static enum err blame_guest(size_t i, struct fail *why)
{
	char field[FAIL_FIELD_BYTES];

	snprintf(field, sizeof(field), "inviteeEmails[%zu]", i);
	if (fail_has_field(why, field))
		return ERR_FIELDS;
	return fail_field(why, field, "is not an e-mail address");
}

static enum err read_guests(const struct request *rq, const struct invite *invite,
			    struct event *event, struct fail *why)
{
	struct attendee *guests =
		arena_array(rq->work.arena, invite->invitees.n + 1, sizeof(*guests));
	enum err e = OK;

	if (!guests)
		return ERR_NOMEM;
	if (rq->caller.kind == CALLER_DEMO && invite->invitees.n > DEMO_INVITEES_MAX)
		return fail_field(why, "inviteeEmails", "at most 10 without a credential");
	for (size_t i = 0; i < invite->invitees.n; i++) {
		guests[i].email = invite->invitees.items[i];
		if (!text_is_email(guests[i].email))
			e = blame_guest(i, why);
	}
	event->attendees = guests;
	event->n_attendees = event_merge_attendees(guests, invite->invitees.n);
	return e;
}

static enum err decode(struct request *rq, struct event *event, struct fail *why)
{
	struct invite invite = {0};
	enum err e = request_decode(rq, FIELDS, ARRAY_LEN(FIELDS), &invite, why);
	enum err slot, guests;

	if (e && e != ERR_FIELDS)
		return e;
	event->summary = invite.title;
	event->location = invite.location;
	event->description = invite.description.data
				     ? invite.description
				     : slice_of(rq->work.svc->config->invite_default_description);
	event->time_zone = event_fields_zone(rq, invite.zone);
	event->notify = true;
	/* all of them run: what is wrong is told at once */
	slot = read_slot(&invite, event, why);
	guests = read_guests(rq, &invite, event, why);
	if (guests == ERR_NOMEM)
		return guests;
	return e || slot || guests ? say_what_is_missing(why) : event_check(event, why);
}

static void write(struct answer *an, const struct booked *booked)
{
	struct json_writer *json;

	if (booked->replayed)
		answer_header(an, "Idempotency-Replayed", SLICE("true"));
	json = answer_json(an, 200);
	json_open(json, NULL);
	json_add_text(json, "eventId", booked->event_ref);
	json_add_text(json, "calendarEventId", booked->calendar_event_id);
	if (booked->html_link.len)
		json_add_text(json, "htmlLink", booked->html_link);
	json_close(json);
}

enum err invite_create(struct request *rq, struct answer *an, struct fail *why)
{
	struct event event = {0};
	struct booked booked;
	struct booking booking = {.origin = ORIGIN_INVITE, .event = &event, .target = &rq->target};
	enum err e = request_idempotency_key(rq, &booking.idempotency_key, why);

	if (!e)
		e = decode(rq, &event, why);
	if (!e)
		e = request_canonical_body(rq, &booking.body);
	if (!e)
		e = booking_place(&rq->work, &booking, &booked, why);
	if (!e)
		write(an, &booked);
	return e;
}
