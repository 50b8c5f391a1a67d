#include "model/standing.h"

#include "base/json.h"
#include "base/rfc3339.h"
#include "base/zone.h"

static const char *const ATTENDANCES[] = {
	[ATTENDANCE_UNKNOWN] = "needsAction", [ATTENDANCE_NONE] = "needsAction",
	[ATTENDANCE_ACCEPTED] = "accepted",   [ATTENDANCE_DECLINED] = "declined",
	[ATTENDANCE_TENTATIVE] = "tentative",
};

static void add_or_null(struct json_writer *w, const char *name, struct slice text)
{
	if (text.len > 0)
		json_add_text(w, name, text);
	else
		json_add_null(w, name);
}

static void add_moment(struct json_writer *w, const char *name, int64_t ms)
{
	char text[RFC3339_BYTES];

	rfc3339_utc(ms, text);
	json_add_string(w, name, ms > 0 ? text : NULL);
}

static void add_day(struct json_writer *w, int64_t ms)
{
	char text[RFC3339_BYTES];
	struct slice rest;

	rfc3339_utc(ms, text);
	rest = slice_of(text);
	json_add_text(w, "date", slice_cut(&rest, 'T'));
}

static void add_time(struct json_writer *w, const char *name, const struct standing *standing,
		     int64_t ms)
{
	const struct zone *zone = zone_find(standing->event->time_zone);
	char text[RFC3339_BYTES];

	json_open(w, name);
	if (standing->whole_day) {
		add_day(w, ms);
	} else {
		if (zone)
			rfc3339_zoned(ms, zone, text);
		else
			rfc3339_utc(ms, text);
		json_add_string(w, "dateTime", text);
		json_add_string(w, "timeZone", zone ? zone_name(zone) : "UTC");
	}
	json_close(w);
}

static void add_guests(struct json_writer *w, const struct event *event)
{
	json_open_array(w, "attendees");
	for (size_t i = 0; i < event->n_attendees; i++) {
		const struct attendee *guest = &event->attendees[i];

		json_open(w, NULL);
		json_add_text(w, "email", guest->email);
		if (guest->name.len > 0)
			json_add_text(w, "displayName", guest->name);
		json_add_string(w, "responseStatus", ATTENDANCES[guest->attendance]);
		json_close(w);
	}
	json_close_array(w);
}

void standing_write(const struct standing *standing, struct buf *out)
{
	const struct event *event = standing->event;
	struct json_writer w;

	json_writer_init(&w, out);
	json_open(&w, NULL);
	json_add_text(&w, "id", standing->id);
	json_add_string(&w, "status", standing->cancelled ? "cancelled" : "confirmed");
	add_or_null(&w, "htmlLink", standing->html_link);
	add_moment(&w, "created", standing->created_ms);
	add_moment(&w, "updated", standing->updated_ms);
	json_add_text(&w, "summary", event->summary);
	add_or_null(&w, "description", event->description);
	add_or_null(&w, "location", event->location);
	add_time(&w, "start", standing, event->start_ms);
	add_time(&w, "end", standing, event->end_ms);
	add_guests(&w, event);
	if (standing->attendees_omitted)
		json_add_bool(&w, "attendeesOmitted", true);
	add_or_null(&w, "iCalUID", standing->ical_uid);
	add_or_null(&w, "conferenceUrl", standing->conference_url);
	json_add_text(&w, "provider", standing->provider);
	json_add_text(&w, "calendarId", standing->calendar_id);
	json_add_text(&w, "connectionId", standing->connection_id);
	json_add_text(&w, "providerEventId", standing->provider_event_id);
	json_close(&w);
}
