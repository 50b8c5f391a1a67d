#include "handlers/event_fields.h"

#include <stdio.h>

#include "base/config.h"
#include "base/rfc3339.h"
#include "model/event_change.h"
#include "web/request.h"

/* More than an event may have: named twice, they are one. */
enum { GUESTS_NAMED_MAX = 1000, TIME_BYTES_MAX = 40 };

struct guest {
	struct slice email;
	struct slice name;
};

struct fields {
	struct slice summary;
	struct slice description;
	struct slice location;
	struct slice start;
	struct slice end;
	const struct zone *zone;
	struct objects guests;
	bool notify;
	bool conference;
	struct slice connection_id;
	struct slice calendar_id;
};

static const struct field GUEST[] = {
	TEXT(guest, email, "email", REQUIRED, 1, 254),
	TEXT(guest, name, "displayName", OPTIONAL, 0, 256),
};

/* need is that of what an event cannot be without, where_need of what says its calendar. */
#define EVENT_FIELDS(need, where_need)                                                             \
	{                                                                                          \
		TEXT(fields, summary, "summary", need, 1, 1024),                                   \
			TEXT(fields, start, "startTime", need, 1, TIME_BYTES_MAX),                 \
			TEXT(fields, end, "endTime", need, 1, TIME_BYTES_MAX),                     \
			LINES(fields, description, "description", OPTIONAL, 0, 32768),             \
			TEXT(fields, location, "location", OPTIONAL, 0, 1024),                     \
			ZONE(fields, zone, "timeZone", OPTIONAL),                                  \
			OBJECTS(fields, guests, "attendees", GUESTS_NAMED_MAX, guest, GUEST),      \
			FLAG(fields, notify, "sendNotifications"),                                 \
			FLAG(fields, conference, "conference"),                                    \
			TEXT(fields, connection_id, "connectionId", where_need, 1, 64),            \
			TEXT(fields, calendar_id, "calendarId", where_need, 1, 255),               \
	}

static const struct field NEW[] = EVENT_FIELDS(REQUIRED, OPTIONAL);
static const struct field CHANGED[] = EVENT_FIELDS(NOT_NULL, FIXED);

/* The parts of an event by the names that a change calls them; null empties them. */
static const struct {
	const char *name;
	enum event_part part;
} PARTS[] = {
	{"summary", EVENT_SUMMARY},   {"description", EVENT_DESCRIPTION},
	{"location", EVENT_LOCATION}, {"startTime", EVENT_TIMES},
	{"endTime", EVENT_TIMES},     {"attendees", EVENT_ATTENDEES},
};

enum err event_fields_time(const char *name, struct slice text, const struct zone *zone,
			   int64_t *out, struct fail *why)
{
	struct rfc3339 time = {0};
	enum err e = text.len ? rfc3339_read(text, &time) : OK;

	*out = time.ms;
	if (!e && text.len && !time.instant && !fail_has_field(why, "timeZone"))
		e = rfc3339_instant(text, zone, out);
	if (e == ERR_FIELDS)
		return fail_field(why, name, "does not exist in that time zone");
	if (e)
		return fail_field(
			why, name,
			"must be a time with Z or an offset, or a local time with timeZone");
	return OK;
}

struct slice event_fields_zone(const struct request *rq, const struct zone *named)
{
	if (named)
		return slice_of(zone_name(named));
	if (rq->target.owner.time_zone.len)
		return rq->target.owner.time_zone;
	return slice_of(rq->work.svc->config->default_time_zone);
}

static enum err blame_guest(size_t i, struct fail *why)
{
	char field[FAIL_FIELD_BYTES];

	snprintf(field, sizeof(field), "attendees[%zu].email", i);
	return fail_field(why, field, "is not an e-mail address");
}

/* One without an address has been blamed for that by now. */
static enum err read_guests(const struct request *rq, const struct objects *named,
			    struct event *event, struct fail *why)
{
	const struct guest *guests = named->items;
	struct attendee *list = arena_array(rq->work.arena, named->n + 1, sizeof(*list));
	enum err e = OK;

	if (!list)
		return ERR_NOMEM;
	for (size_t i = 0; i < named->n; i++) {
		list[i] = (struct attendee){.email = guests[i].email, .name = guests[i].name};
		if (list[i].email.len && !text_is_email(list[i].email))
			e = blame_guest(i, why);
	}
	event->attendees = list;
	event->n_attendees = event_merge_attendees(list, named->n);
	return e;
}

/* What both ways of naming fields have in common. All of it runs: what is wrong is told at once. */
static enum err read_event(const struct request *rq, const struct fields *fields,
			   struct event *event, struct fail *why)
{
	enum err start, end, guests = OK;

	*event = (struct event){
		.summary = fields->summary,
		.description = fields->description,
		.location = fields->location,
		.time_zone = event_fields_zone(rq, fields->zone),
		.notify = fields->notify,
		.conference = fields->conference,
	};
	start = event_fields_time("startTime", fields->start, fields->zone, &event->start_ms, why);
	end = event_fields_time("endTime", fields->end, fields->zone, &event->end_ms, why);
	if (request_names(rq, "attendees"))
		guests = read_guests(rq, &fields->guests, event, why);
	if (guests)
		return guests;
	return start || end ? ERR_FIELDS : OK;
}

/* table has the rows of EVENT_FIELDS. */
static enum err decode(const struct request *rq, const struct field *table, struct fields *fields,
		       struct event *event, struct fail *why)
{
	enum err e = request_decode(rq, table, ARRAY_LEN(NEW), fields, why);
	enum err values;

	if (e && e != ERR_FIELDS)
		return e;
	values = read_event(rq, fields, event, why);
	return values == ERR_NOMEM || !e ? values : e;
}

enum err event_fields_new(const struct request *rq, struct new_event *out, struct fail *why)
{
	struct fields fields = {0};
	enum err e = decode(rq, NEW, &fields, out->event, why);

	out->connection_id = fields.connection_id;
	out->calendar_id = fields.calendar_id;
	return e ? e : event_check(out->event, why);
}

/* What can be judged without the event that is to be changed. */
static enum err check_change(const struct event_change *change, struct fail *why)
{
	struct event judged = change->to;

	if (!change->start || !change->end) {
		judged.start_ms = 0;
		judged.end_ms = 1;
	}
	return event_check(&judged, why);
}

enum err event_fields_change(const struct request *rq, struct event_change *out, struct fail *why)
{
	struct fields fields = {0};
	enum err e;

	*out = (struct event_change){0};
	e = decode(rq, CHANGED, &fields, &out->to, why);
	if (e)
		return e;
	for (size_t i = 0; i < ARRAY_LEN(PARTS); i++) {
		if (request_names(rq, PARTS[i].name))
			out->parts |= PARTS[i].part;
	}
	if (fields.zone)
		out->parts |= EVENT_TIMES;
	if (request_gives(rq, "conference"))
		out->parts |= EVENT_CONFERENCE;
	out->start = request_names(rq, "startTime");
	out->end = request_names(rq, "endTime");
	out->zone = fields.zone != NULL;
	out->notify = request_gives(rq, "sendNotifications");
	return check_change(out, why);
}
