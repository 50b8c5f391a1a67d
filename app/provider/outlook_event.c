#include "provider/outlook_event.h"

#include <string.h>

#include "base/civil.h"
#include "base/json.h"
#include "base/rfc3339.h"
#include "model/event.h"
#include "provider/outlook_body.h"
#include "provider/wire.h"

enum {
	WORD_BYTES_MAX = 1024,
	LINK_BYTES_MAX = 4096, /* to a conference */
	GUEST_BYTES_MAX = 16 * 1024,
	DAY_MS = DAY_S * 1000,
};

/* --- an event of ours, as theirs --- */

static void write_time(struct json_writer *w, const char *name, int64_t instant_ms)
{
	char text[RFC3339_BYTES];

	rfc3339_utc(instant_ms, text);
	json_open(w, name);
	json_add_text(w, "dateTime", (struct slice){text, strlen(text) - strlen("Z")});
	json_add_string(w, "timeZone", "UTC");
	json_close(w);
}

static void write_times(struct json_writer *w, const struct event *event)
{
	write_time(w, "start", event->start_ms);
	write_time(w, "end", event->end_ms);
}

/* Of an online meeting the block with the link goes back as it stood. */
static void write_body(struct json_writer *w, struct slice text, struct slice block)
{
	struct buf html;

	json_open(w, "body");
	if (block.len > 0) {
		buf_init(&html, NULL, w->out->ceiling);
		outlook_body_write(text, block, &html);
		json_add_string(w, "contentType", "html");
		json_add_text(w, "content", buf_slice(&html));
		if (buf_error(&html) && !w->out->error)
			w->out->error = html.error;
		buf_free(&html);
	} else {
		json_add_string(w, "contentType", "text");
		json_add_text(w, "content", text);
	}
	json_close(w);
}

static void write_location(struct json_writer *w, struct slice location)
{
	json_open(w, "location");
	json_add_text(w, "displayName", location);
	json_close(w);
}

/* The list is replaced whole: who is not sent back is uninvited. */
static void write_guest(struct json_writer *w, const struct attendee *guest)
{
	if (guest->raw.len > 0) {
		json_add_raw(w, NULL, guest->raw);
		return;
	}
	json_open(w, NULL);
	json_open(w, "emailAddress");
	json_add_text(w, "address", guest->email);
	if (guest->name.len > 0)
		json_add_text(w, "name", guest->name);
	json_close(w);
	json_add_string(w, "type", "required");
	json_close(w);
}

static void write_guests(struct json_writer *w, const struct event *event)
{
	json_open_array(w, "attendees");
	for (size_t i = 0; i < event->n_attendees; i++)
		write_guest(w, &event->attendees[i]);
	json_close_array(w);
}

/* Where the account has no Teams Outlook makes a meeting without a link. */
static void write_conference(struct json_writer *w)
{
	json_add_bool(w, "isOnlineMeeting", true);
	json_add_string(w, "onlineMeetingProvider", "teamsForBusiness");
}

static void write_property(struct json_writer *w, const char *id, const char *value)
{
	json_open(w, NULL);
	json_add_string(w, "id", id);
	json_add_string(w, "value", value);
	json_close(w);
}

void outlook_event_insert(const struct event *event, const char *id, const struct stamp *stamp,
			  struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out);
	json_open(&w, NULL);
	json_add_text(&w, "subject", event->summary);
	if (event->description.len > 0)
		write_body(&w, event->description, (struct slice){0});
	if (event->location.len > 0)
		write_location(&w, event->location);
	write_times(&w, event);
	if (event->n_attendees > 0 && event->notify)
		write_guests(&w, event);
	if (event->conference)
		write_conference(&w);
	json_add_string(&w, "transactionId", id);
	json_open_array(&w, "singleValueExtendedProperties");
	write_property(&w, OUTLOOK_MARKER, stamp->marker);
	write_property(&w, OUTLOOK_OWNER, stamp->owner);
	json_close_array(&w);
	json_close(&w);
}

unsigned outlook_event_parts(const struct event *event, unsigned parts)
{
	if (!event->notify)
		parts &= ~(unsigned)EVENT_ATTENDEES;
	if (!event->conference)
		parts &= ~(unsigned)EVENT_CONFERENCE;
	return parts;
}

void outlook_event_patch(const struct event *event, unsigned parts, const struct placed *stands,
			 struct buf *out)
{
	struct json_writer w;

	parts = outlook_event_parts(event, parts);
	json_writer_init(&w, out);
	json_open(&w, NULL);
	if (parts & EVENT_SUMMARY)
		json_add_text(&w, "subject", event->summary);
	if (parts & EVENT_DESCRIPTION)
		write_body(&w, event->description, stands->keep);
	if (parts & EVENT_LOCATION)
		write_location(&w, event->location);
	if (parts & EVENT_TIMES) {
		if (stands->whole_day)
			json_add_bool(&w, "isAllDay", false);
		write_times(&w, event);
	}
	if (parts & EVENT_ATTENDEES)
		write_guests(&w, event);
	if (parts & EVENT_CONFERENCE)
		write_conference(&w);
	json_close(&w);
}

/* --- an event of theirs, as ours --- */

/* How much of an event is read. */
enum depth {
	PLACE,  /* where it stands */
	SHOWN,  /* what people see of it */
	CHANGED /* and what a change must send back */
};

static struct slice read_marker(const struct json *object)
{
	const struct json *list = json_member(object, "singleValueExtendedProperties");

	for (const struct json *one = list ? list->first : NULL; one; one = one->next) {
		if (slice_is_nocase(json_text(one, "id"), OUTLOOK_MARKER))
			return json_text(one, "value");
	}
	return (struct slice){0};
}

static bool is_true(const struct json *object, const char *name)
{
	const struct json *value = json_member(object, name);

	return value && value->kind == JSON_BOOL && value->truth;
}

static bool read_place(const struct json *object, struct placed *out)
{
	out->cancelled = is_true(object, "isCancelled");
	out->marker = read_marker(object);
	return wire_word(object, "id", OUTLOOK_ID_BYTES_MAX, &out->id) && out->id.len > 0 &&
	       wire_link(object, "webLink", &out->html_link) &&
	       wire_word(object, "@odata.etag", WORD_BYTES_MAX, &out->etag);
}

/* A wall time in UTC without an offset. Of a day the date alone counts: it is midnight in every
 * zone. */
static bool read_time(const struct json *object, const char *name, bool whole_day, int64_t *out)
{
	const struct json *moment = json_member(object, name);
	struct rfc3339 time;

	if (rfc3339_read(json_text(moment, "dateTime"), &time) ||
	    !slice_is_nocase(json_text(moment, "timeZone"), "UTC"))
		return false;
	*out = whole_day ? time.ms - time.ms % DAY_MS : time.ms;
	return true;
}

/* All that we write is in UTC, whatever zone it is meant for: that says nothing about the zone. */
static bool read_zone(const struct json *object, struct slice *zone)
{
	bool good = wire_text(object, "originalStartTimeZone", zone);

	if (slice_is(*zone, "UTC"))
		*zone = (struct slice){NULL, 0};
	return good;
}

static bool read_times(const struct json *object, struct placed *out)
{
	struct event *event = &out->event;

	out->whole_day = is_true(object, "isAllDay");
	return read_time(object, "start", out->whole_day, &event->start_ms) &&
	       read_time(object, "end", out->whole_day, &event->end_ms) &&
	       event->end_ms >= event->start_ms && read_zone(object, &event->time_zone);
}

static bool read_conference(const struct json *object, struct placed *out)
{
	out->event.conference = is_true(object, "isOnlineMeeting");
	return wire_word(json_member(object, "onlineMeeting"), "joinUrl", LINK_BYTES_MAX,
			 &out->conference_url);
}

static enum attendance attendance_of(struct slice word)
{
	static const struct {
		const char *word;
		enum attendance attendance;
	} WORDS[] = {
		{"none", ATTENDANCE_NONE},         {"notResponded", ATTENDANCE_NONE},
		{"accepted", ATTENDANCE_ACCEPTED}, {"organizer", ATTENDANCE_ACCEPTED},
		{"declined", ATTENDANCE_DECLINED}, {"tentativelyAccepted", ATTENDANCE_TENTATIVE},
	};

	for (size_t i = 0; i < ARRAY_LEN(WORDS); i++) {
		if (slice_is_nocase(word, WORDS[i].word))
			return WORDS[i].attendance;
	}
	return ATTENDANCE_UNKNOWN;
}

/* Who has no name is given his address for one. */
static bool read_guest(const struct json *guest, struct attendee *out)
{
	const struct json *address = json_member(guest, "emailAddress");

	if (guest->kind != JSON_OBJECT || !wire_text(address, "address", &out->email) ||
	    !wire_text(address, "name", &out->name))
		return false;
	if (out->email.len > 0 && slice_is_nocase(out->name, out->email.data))
		out->name = (struct slice){0};
	out->attendance = attendance_of(json_text(json_member(guest, "status"), "response"));
	return true;
}

static enum err read_guests(struct arena *arena, const struct json *object, enum depth depth,
			    struct event *out, struct fail *why)
{
	const struct json *list = json_member(object, "attendees");
	struct attendee *guests;
	enum err e = OK;

	if (!list || list->kind != JSON_ARRAY)
		return wire_nonsense(why, "answer names no guests");
	guests = arena_array(arena, list->count + 1, sizeof(*guests));
	if (!guests)
		return ERR_NOMEM;
	out->attendees = guests;
	for (const struct json *one = list->first; one && !e; one = one->next) {
		struct attendee *guest = &guests[out->n_attendees++];

		if (!read_guest(one, guest))
			e = wire_nonsense(why, "answer names no guests");
		else if (depth == CHANGED)
			e = wire_raw(arena, one, GUEST_BYTES_MAX, &guest->raw);
	}
	return e;
}

static enum err read_body(struct arena *arena, const struct json *object, struct placed *out,
			  struct fail *why)
{
	const struct json *body = json_member(object, "body");
	struct outlook_body kept = {
		.html = slice_is_nocase(json_text(body, "contentType"), "html"),
		.online = out->event.conference,
		.link = out->conference_url,
	};

	if (!wire_text(body, "content", &kept.content))
		return wire_nonsense(why, "answer has no text");
	return outlook_body_read(arena, &kept, &out->event.description, &out->keep);
}

static enum err read_details(struct arena *arena, const struct json *object, enum depth depth,
			     struct placed *out, struct fail *why)
{
	struct event *event = &out->event;
	enum err e;

	if (!wire_text(object, "subject", &event->summary) ||
	    !wire_text(json_member(object, "location"), "displayName", &event->location) ||
	    !wire_text(object, "iCalUId", &out->ical_uid) || !read_times(object, out) ||
	    !wire_instant(object, "createdDateTime", &out->created_ms) ||
	    !wire_instant(object, "lastModifiedDateTime", &out->updated_ms) ||
	    !read_conference(object, out))
		return wire_nonsense(why, "answer tells no event");
	e = read_body(arena, object, out, why);
	return e ? e : read_guests(arena, object, depth, event, why);
}

static enum err read_event(struct arena *arena, const struct json *object, enum depth depth,
			   struct placed *out, struct fail *why)
{
	enum err e = OK;

	*out = (struct placed){0};
	if (object->kind != JSON_OBJECT || !read_place(object, out))
		e = wire_nonsense(why, "answer is no event");
	if (!e && depth != PLACE)
		e = read_details(arena, object, depth, out, why);
	if (e)
		*out = (struct placed){0};
	return e;
}

/* A create that Outlook knows already is answered with what it made then. */
static bool answers(const struct json *object, const char *id)
{
	struct slice made_as = json_text(object, "transactionId");

	return !id || made_as.len == 0 || slice_is(made_as, id);
}

enum err outlook_event_read(struct arena *arena, struct slice body, const char *id, bool whole,
			    struct placed *out, struct fail *why)
{
	const struct json *root;
	enum err e = wire_success(arena, body, &root, why);

	*out = (struct placed){0};
	if (e)
		return e;
	if (!answers(root, id))
		return wire_nonsense(why, "answer is about another event");
	return read_event(arena, root, whole ? CHANGED : PLACE, out, why);
}

/* --- several of them --- */

static enum err read_items(struct arena *arena, struct slice body, const struct json **root,
			   const struct json **items, struct fail *why)
{
	enum err e = wire_success(arena, body, root, why);

	if (e)
		return e;
	*items = json_member(*root, "value");
	if (!*items || (*items)->kind != JSON_ARRAY)
		return wire_nonsense(why, "answer is no list of events");
	return OK;
}

static bool is_better(const struct placed *one, int64_t made_ms, const struct placed *other,
		      int64_t other_made_ms)
{
	if (one->cancelled != other->cancelled)
		return other->cancelled;
	return made_ms < other_made_ms;
}

enum err outlook_event_found(struct arena *arena, struct slice body, bool whole, struct placed *out,
			     struct fail *why)
{
	const struct json *root, *items;
	int64_t best_ms = 0;
	enum err e = read_items(arena, body, &root, &items, why);

	*out = (struct placed){0};
	if (e)
		return e;
	for (const struct json *item = items->first; item && !e; item = item->next) {
		struct placed one;
		int64_t made_ms = 0;

		e = read_event(arena, item, whole ? CHANGED : PLACE, &one, why);
		if (!e && !wire_instant(item, "createdDateTime", &made_ms))
			e = wire_nonsense(why, "answer is no event");
		if (!e && (out->id.len == 0 || is_better(&one, made_ms, out, best_ms))) {
			*out = one;
			best_ms = made_ms;
		}
	}
	if (e)
		*out = (struct placed){0};
	return e || out->id.len > 0 ? e : ERR_GONE;
}

/* ".." of a path, however it is written. */
static bool leads_upwards(struct slice path)
{
	while (path.data) {
		struct slice segment = slice_cut(&path, '/');
		char plain[sizeof("..")];
		size_t len;

		if (!text_percent_decode(segment, false, plain, sizeof(plain), &len) &&
		    (strcmp(plain, ".") == 0 || strcmp(plain, "..") == 0))
			return true;
	}
	return false;
}

bool outlook_event_is_page(struct slice page)
{
	struct slice query = page;

	if (!slice_starts(page, "/") || page.len > OUTLOOK_PAGE_BYTES_MAX)
		return false;
	for (size_t i = 0; i < page.len; i++) {
		if (page.data[i] <= ' ' || page.data[i] > '~' || strchr("#\\", page.data[i]))
			return false;
	}
	return !leads_upwards(slice_cut(&query, '?'));
}

/*
 * The base is a URL in its one spelling (base/url), so what begins with it and goes on with a
 * slash has its scheme, host and port.
 */
static bool read_next(const struct json *root, const char *base, struct slice *out)
{
	struct slice link;
	size_t len = strlen(base);

	*out = (struct slice){0};
	if (!wire_word(root, "@odata.nextLink", OUTLOOK_PAGE_BYTES_MAX, &link))
		return false;
	if (link.len == 0)
		return true;
	if (!slice_starts(link, base))
		return false;
	*out = (struct slice){link.data + len, link.len - len};
	return outlook_event_is_page(*out);
}

enum err outlook_event_list(struct arena *arena, struct slice body, const char *base,
			    struct placed_list *out, struct fail *why)
{
	const struct json *root, *items;
	struct placed *placed = NULL;
	enum err e = read_items(arena, body, &root, &items, why);

	*out = (struct placed_list){0};
	if (!e && !read_next(root, base, &out->next))
		e = wire_nonsense(why, "the next page is somewhere else");
	if (!e) {
		placed = arena_array(arena, items->count + 1, sizeof(*placed));
		e = placed ? OK : ERR_NOMEM;
	}
	out->items = placed;
	for (const struct json *item = e ? NULL : items->first; item && !e; item = item->next) {
		e = read_event(arena, item, SHOWN, &placed[out->n], why);
		if (!e && !placed[out->n].cancelled)
			out->n++;
	}
	if (e)
		*out = (struct placed_list){0};
	return e;
}
