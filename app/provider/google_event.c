#include "provider/google_event.h"

#include <stdio.h>

#include "base/json.h"
#include "base/rfc3339.h"
#include "base/zone.h"
#include "model/event.h"
#include "provider/wire.h"

/* the private property that holds the marker of a stamp */
#define MARKER "calbridge"

enum {
	ID_BYTES_MAX = 1024,     /* of an event, and of its version */
	MARKER_BYTES_MAX = 1024, /* what Google keeps of a property */
	LINK_BYTES_MAX = 4096,   /* to a conference */
	PAGE_BYTES_MAX = 2048,
	GUEST_BYTES_MAX = 256 * 1024,
};

/* --- an event of ours, as theirs --- */

/* A wall time with its offset says the instant even in an hour that comes twice. */
static void write_time(struct json_writer *w, const char *name, int64_t instant_ms,
		       const struct zone *zone)
{
	char text[RFC3339_BYTES];

	json_open(w, name);
	if (zone) {
		rfc3339_zoned(instant_ms, zone, text);
		json_add_string(w, "dateTime", text);
		json_add_string(w, "timeZone", zone_name(zone));
	} else {
		rfc3339_utc(instant_ms, text);
		json_add_string(w, "dateTime", text);
		json_add_string(w, "timeZone", "UTC");
	}
}

static void write_times(struct json_writer *w, const struct event *event, bool patch)
{
	const struct zone *zone = zone_find(event->time_zone);

	write_time(w, "start", event->start_ms, zone);
	if (patch)
		json_add_null(w, "date"); /* somebody may have made it last all day */
	json_close(w);
	write_time(w, "end", event->end_ms, zone);
	if (patch)
		json_add_null(w, "date");
	json_close(w);
}

/* The list is replaced whole: who is not sent back as he stands loses his answer. */
static void write_guest(struct json_writer *w, const struct attendee *guest)
{
	if (guest->raw.len > 0) {
		json_add_raw(w, NULL, guest->raw);
		return;
	}
	json_open(w, NULL);
	json_add_text(w, "email", guest->email);
	if (guest->name.len > 0)
		json_add_text(w, "displayName", guest->name);
	json_close(w);
}

static void write_attendees(struct json_writer *w, const struct event *event)
{
	json_open_array(w, "attendees");
	for (size_t i = 0; i < event->n_attendees; i++)
		write_guest(w, &event->attendees[i]);
	json_close_array(w);
}

/* Made a while after the event; until then there is no link. */
static void write_conference(struct json_writer *w, const char *ask_id)
{
	json_open(w, "conferenceData");
	json_open(w, "createRequest");
	json_add_string(w, "requestId", ask_id);
	json_open(w, "conferenceSolutionKey");
	json_add_string(w, "type", "hangoutsMeet");
	json_close(w);
	json_close(w);
	json_close(w);
}

/* A patch merges: what is to go must be said, by null. */
static void write_text(struct json_writer *w, const char *name, struct slice text, bool patch)
{
	if (text.len > 0)
		json_add_text(w, name, text);
	else if (patch)
		json_add_null(w, name);
}

void google_event_insert(const struct event *event, const char *id, const struct stamp *stamp,
			 struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out);
	json_open(&w, NULL);
	json_add_string(&w, "id", id);
	json_add_text(&w, "summary", event->summary);
	write_text(&w, "description", event->description, false);
	write_text(&w, "location", event->location, false);
	write_times(&w, event, false);
	if (event->n_attendees > 0)
		write_attendees(&w, event);
	if (event->conference)
		write_conference(&w, id);
	json_open(&w, "reminders");
	json_add_bool(&w, "useDefault", true);
	json_close(&w);
	json_open(&w, "extendedProperties");
	json_open(&w, "private");
	json_add_string(&w, MARKER, stamp->marker);
	json_add_string(&w, GOOGLE_EVENT_OWNER, stamp->owner);
	json_close(&w);
	json_close(&w);
	json_close(&w);
}

void google_event_patch(const struct event *event, unsigned parts, const char *ask_id,
			struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out);
	json_open(&w, NULL);
	if (parts & EVENT_SUMMARY)
		json_add_text(&w, "summary", event->summary);
	if (parts & EVENT_DESCRIPTION)
		write_text(&w, "description", event->description, true);
	if (parts & EVENT_LOCATION)
		write_text(&w, "location", event->location, true);
	if (parts & EVENT_TIMES)
		write_times(&w, event, true);
	if (parts & EVENT_ATTENDEES)
		write_attendees(&w, event);
	if ((parts & EVENT_CONFERENCE) && event->conference)
		write_conference(&w, ask_id);
	else if (parts & EVENT_CONFERENCE)
		json_add_null(&w, "conferenceData");
	json_close(&w);
}

/* --- an event of theirs, as ours --- */

/* Where it stands. */
static bool read_place(const struct json *object, struct placed *out)
{
	const struct json *own = json_member(json_member(object, "extendedProperties"), "private");

	out->cancelled = slice_is(json_text(object, "status"), "cancelled");
	return wire_word(object, "id", ID_BYTES_MAX, &out->id) && out->id.len > 0 &&
	       wire_link(object, "htmlLink", &out->html_link) &&
	       wire_word(object, "etag", ID_BYTES_MAX, &out->etag) &&
	       wire_word(own, MARKER, MARKER_BYTES_MAX, &out->marker);
}

/* A day is the instant at which it begins in UTC. */
static bool read_moment(const struct json *moment, int64_t *ms, bool *is_day)
{
	struct slice text = json_text(moment, "dateTime");
	struct rfc3339 time;
	char midnight[RFC3339_BYTES];

	*is_day = !json_member(moment, "dateTime");
	if (*is_day) {
		text = json_text(moment, "date");
		if (text.len != sizeof("yyyy-mm-dd") - 1)
			return false;
		snprintf(midnight, sizeof(midnight), "%.*sT00:00:00Z", (int)text.len, text.data);
		text = slice_of(midnight);
	} else if (json_member(moment, "date")) {
		return false;
	}
	if (rfc3339_read(text, &time) || !time.instant)
		return false;
	*ms = time.ms;
	return true;
}

static bool read_times(const struct json *object, struct placed *out)
{
	const struct json *start = json_member(object, "start");
	struct event *event = &out->event;
	bool ends_by_day;

	return read_moment(start, &event->start_ms, &out->whole_day) &&
	       read_moment(json_member(object, "end"), &event->end_ms, &ends_by_day) &&
	       out->whole_day == ends_by_day && event->end_ms >= event->start_ms &&
	       wire_word(start, "timeZone", ID_BYTES_MAX, &event->time_zone);
}

static enum attendance attendance_of(struct slice word)
{
	static const struct {
		const char *word;
		enum attendance attendance;
	} WORDS[] = {
		{"needsAction", ATTENDANCE_NONE},
		{"accepted", ATTENDANCE_ACCEPTED},
		{"declined", ATTENDANCE_DECLINED},
		{"tentative", ATTENDANCE_TENTATIVE},
	};

	for (size_t i = 0; i < ARRAY_LEN(WORDS); i++) {
		if (slice_is(word, WORDS[i].word))
			return WORDS[i].attendance;
	}
	return ATTENDANCE_UNKNOWN;
}

static bool read_guest(const struct json *guest, struct attendee *out)
{
	struct slice answer;

	if (guest->kind != JSON_OBJECT || !wire_text(guest, "email", &out->email) ||
	    out->email.len == 0 || !wire_text(guest, "displayName", &out->name) ||
	    !wire_text(guest, "responseStatus", &answer))
		return false;
	out->attendance = attendance_of(answer);
	return true;
}

/* A part of the guests would look as if the others were to go. */
static enum err read_guests(struct arena *arena, const struct json *object, bool keep,
			    struct event *out, struct fail *why)
{
	const struct json *list = json_member(object, "attendees");
	const struct json *omitted = json_member(object, "attendeesOmitted");
	struct attendee *guests;
	enum err e = OK;

	if ((list && list->kind != JSON_ARRAY) || (omitted && omitted->kind != JSON_BOOL))
		return wire_nonsense(why, "answer names no guests");
	if (omitted && omitted->truth)
		return OK;
	guests = arena_array(arena, list ? list->count + 1 : 1, sizeof(*guests));
	if (!guests)
		return ERR_NOMEM;
	out->attendees = guests;
	for (const struct json *one = list ? list->first : NULL; one && !e; one = one->next) {
		struct attendee *guest = &guests[out->n_attendees++];

		if (!read_guest(one, guest))
			e = wire_nonsense(why, "answer names no guests");
		else if (keep)
			e = wire_raw(arena, one, GUEST_BYTES_MAX, &guest->raw);
	}
	return e;
}

/* One that is still being made is there, but has no link yet. */
static bool read_conference(const struct json *object, struct placed *out)
{
	const struct json *data = json_member(object, "conferenceData");
	const struct json *status = json_member(json_member(data, "createRequest"), "status");
	const struct json *entries = json_member(data, "entryPoints");
	struct slice *link = &out->conference_url;

	if (!wire_word(object, "hangoutLink", LINK_BYTES_MAX, link))
		return false;
	for (const struct json *entry = entries ? entries->first : NULL; entry && link->len == 0;
	     entry = entry->next) {
		if (slice_is(json_text(entry, "entryPointType"), "video") &&
		    !wire_word(entry, "uri", LINK_BYTES_MAX, link))
			return false;
	}
	out->event.conference =
		link->len > 0 || slice_is(json_text(status, "statusCode"), "pending");
	return true;
}

/* keep: with the guests' raw. */
static enum err read_details(struct arena *arena, const struct json *object, bool keep,
			     struct placed *out, struct fail *why)
{
	struct event *event = &out->event;

	if (!wire_text(object, "summary", &event->summary) ||
	    !wire_text(object, "description", &event->description) ||
	    !wire_text(object, "location", &event->location) ||
	    !wire_text(object, "iCalUID", &out->ical_uid) || !read_times(object, out) ||
	    !wire_instant(object, "created", &out->created_ms) ||
	    !wire_instant(object, "updated", &out->updated_ms) || !read_conference(object, out))
		return wire_nonsense(why, "answer tells no event");
	return read_guests(arena, object, keep, event, why);
}

enum err google_event_read(struct arena *arena, struct slice body, bool whole, struct placed *out,
			   struct fail *why)
{
	const struct json *root;
	enum err e = wire_success(arena, body, &root, why);

	*out = (struct placed){0};
	if (!e && !read_place(root, out))
		e = wire_nonsense(why, "answer is no event");
	if (!e && whole && !out->cancelled)
		e = read_details(arena, root, true, out, why);
	if (e)
		*out = (struct placed){0};
	return e;
}

/* Google has sought by the owner, but what it found is shown to him: so it is looked at. */
static bool is_owners(const struct json *object, const char *owner)
{
	const struct json *own = json_member(json_member(object, "extendedProperties"), "private");

	return slice_is(json_text(own, GOOGLE_EVENT_OWNER), owner);
}

static enum err read_item(struct arena *arena, const struct json *item, const char *owner,
			  struct placed *out, struct fail *why)
{
	if (item->kind != JSON_OBJECT || !read_place(item, out) ||
	    !wire_word(item, "recurringEventId", ID_BYTES_MAX, &out->series))
		return wire_nonsense(why, "answer is no event");
	if (out->cancelled)
		return OK;
	if (!is_owners(item, owner))
		return wire_nonsense(why, "a list holds what is not the owner's");
	return read_details(arena, item, false, out, why);
}

static enum err read_items(struct arena *arena, const struct json *items, const char *owner,
			   struct placed_list *out, struct fail *why)
{
	struct placed *placed = arena_array(arena, items->count + 1, sizeof(*placed));
	enum err e = placed ? OK : ERR_NOMEM;

	out->items = placed;
	for (const struct json *item = items->first; item && !e; item = item->next) {
		struct placed one = {0};

		e = read_item(arena, item, owner, &one, why);
		if (!e && !one.cancelled)
			placed[out->n++] = one;
	}
	return e;
}

enum err google_event_list(struct arena *arena, struct slice body, const char *owner,
			   struct placed_list *out, struct fail *why)
{
	const struct json *root, *items;
	enum err e = wire_success(arena, body, &root, why);

	*out = (struct placed_list){0};
	if (e)
		return e;
	items = json_member(root, "items");
	if (!slice_is(json_text(root, "kind"), "calendar#events") ||
	    (items && items->kind != JSON_ARRAY) ||
	    !wire_word(root, "nextPageToken", PAGE_BYTES_MAX, &out->next))
		e = wire_nonsense(why, "answer is no list of events");
	else if (items)
		e = read_items(arena, items, owner, out, why);
	if (e)
		*out = (struct placed_list){0};
	return e;
}
