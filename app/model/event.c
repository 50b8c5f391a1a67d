#include "model/event.h"

#include <stdio.h>
#include <strings.h>

#include "base/json.h"
#include "base/zone.h"

enum { DAY_MS = 24 * 60 * 60 * 1000 };

/* What event_write makes at most: a few texts and three values a guest. */
static const struct json_limits STORED = {
	.depth = 4,
	.values = 16 + 3 * EVENT_KEPT_MAX,
	.members = 16,
	.name_bytes = 16,
	.text_bytes = 64 * 1024,
	.object_only = true,
};

static enum err check_times(const struct event *event, struct fail *why)
{
	int64_t length_ms;

	if (event->end_ms <= event->start_ms)
		return fail_field(why, "endTime", "must be after the start");
	if (__builtin_sub_overflow(event->end_ms, event->start_ms, &length_ms) ||
	    length_ms > (int64_t)EVENT_DAYS_MAX * DAY_MS)
		return fail_field(why, "endTime", "must be at most 31 days after the start");
	return OK;
}

static enum err check_address(const struct attendee *attendee, size_t i, struct fail *why)
{
	char field[FAIL_FIELD_BYTES];

	if (text_is_email(attendee->email))
		return OK;
	snprintf(field, sizeof(field), "attendees[%zu].email", i);
	return fail_field(why, field, "is not an e-mail address");
}

static enum err check_attendees(const struct event *event, struct fail *why)
{
	enum err first = OK;

	if (event->n_attendees > EVENT_ATTENDEES_MAX)
		return fail_field(why, "attendees", "must be at most 200");
	for (size_t i = 0; i < event->n_attendees; i++) {
		enum err e = check_address(&event->attendees[i], i, why);

		first = first ? first : e;
	}
	return first;
}

static enum err check_zone(const struct event *event, struct fail *why)
{
	if (zone_find(event->time_zone))
		return OK;
	return fail_field(why, "timeZone", "is not a known IANA time zone");
}

enum err event_check(const struct event *event, struct fail *why)
{
	/* each of them runs: all that is wrong is told at once */
	enum err times = check_times(event, why);
	enum err attendees = check_attendees(event, why);
	enum err zone = check_zone(event, why);

	return times || attendees || zone ? ERR_FIELDS : OK;
}

bool event_is_same_address(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || strncasecmp(a.data, b.data, a.len) == 0);
}

static bool is_listed(const struct attendee *attendees, size_t n, struct slice email)
{
	for (size_t i = 0; i < n; i++) {
		if (event_is_same_address(attendees[i].email, email))
			return true;
	}
	return false;
}

size_t event_merge_attendees(struct attendee *attendees, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is_listed(attendees, kept, attendees[i].email))
			attendees[kept++] = attendees[i];
	}
	return kept;
}

static void write_text(struct json_writer *w, const char *name, struct slice text)
{
	if (text.len > 0)
		json_add_text(w, name, text);
}

static void write_attendees(struct json_writer *w, const struct event *event)
{
	json_open_array(w, "attendees");
	for (size_t i = 0; i < event->n_attendees; i++) {
		json_open(w, NULL);
		json_add_text(w, "email", event->attendees[i].email);
		write_text(w, "name", event->attendees[i].name);
		if (event->attendees[i].leaving)
			json_add_bool(w, "leaving", true);
		json_close(w);
	}
	json_close_array(w);
}

void event_write(const struct event *event, struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out);
	json_open(&w, NULL);
	json_add_text(&w, "summary", event->summary);
	write_text(&w, "description", event->description);
	write_text(&w, "location", event->location);
	json_add_int(&w, "start", event->start_ms);
	json_add_int(&w, "end", event->end_ms);
	json_add_text(&w, "zone", event->time_zone);
	if (event->attendees)
		write_attendees(&w, event);
	json_add_bool(&w, "notify", event->notify);
	if (event->omitted)
		json_add_bool(&w, "omitted", true);
	if (event->conference)
		json_add_bool(&w, "conference", true);
	json_close(&w);
}

/* An absent text is the empty one; anything else but text is not ours. */
static bool read_text(const struct json *object, const char *name, struct slice *out)
{
	const struct json *value = json_member(object, name);

	*out = value && value->kind == JSON_TEXT ? value->text : (struct slice){0};
	return !value || value->kind == JSON_TEXT;
}

/* An absent flag is false. */
static bool read_flag(const struct json *object, const char *name, bool *out)
{
	const struct json *value = json_member(object, name);

	*out = value && value->kind == JSON_BOOL && value->truth;
	return !value || value->kind == JSON_BOOL;
}

static bool read_attendee(const struct json *value, struct attendee *out)
{
	return value->kind == JSON_OBJECT && read_text(value, "email", &out->email) &&
	       out->email.len > 0 && read_text(value, "name", &out->name) &&
	       read_flag(value, "leaving", &out->leaving);
}

static enum err read_attendees(struct arena *arena, const struct json *list, struct event *out)
{
	struct attendee *attendees;

	if (!list)
		return OK;
	if (list->kind != JSON_ARRAY || list->count > EVENT_KEPT_MAX)
		return ERR_INTERNAL;
	attendees = arena_array(arena, (size_t)list->count + 1, sizeof(*attendees));
	if (!attendees)
		return ERR_NOMEM;
	for (const struct json *value = list->first; value; value = value->next) {
		if (!read_attendee(value, &attendees[out->n_attendees++]))
			return ERR_INTERNAL;
	}
	out->attendees = attendees;
	return OK;
}

static bool read_rest(const struct json *object, struct event *out)
{
	if (!json_member(object, "notify") || !read_flag(object, "notify", &out->notify) ||
	    !read_flag(object, "omitted", &out->omitted) ||
	    !read_flag(object, "conference", &out->conference))
		return false;
	return json_is_int(json_member(object, "start"), INT64_MIN, INT64_MAX, &out->start_ms) &&
	       json_is_int(json_member(object, "end"), INT64_MIN, INT64_MAX, &out->end_ms) &&
	       read_text(object, "summary", &out->summary) &&
	       read_text(object, "description", &out->description) &&
	       read_text(object, "location", &out->location) &&
	       read_text(object, "zone", &out->time_zone);
}

enum err event_read(struct arena *arena, struct slice json, struct event *out)
{
	const struct json *root;
	enum err e = json_read(arena, json, &STORED, &root, NULL);

	*out = (struct event){0};
	if (e)
		return e == ERR_NOMEM ? e : ERR_INTERNAL;
	if (!read_rest(root, out))
		return ERR_INTERNAL;
	return read_attendees(arena, json_member(root, "attendees"), out);
}
