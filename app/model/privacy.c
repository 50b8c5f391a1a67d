#include "model/privacy.h"

#include <string.h>

#include "base/rfc3339.h"
#include "base/zone.h"
#include "model/appointment.h"

/* What a template may name. */
enum placeholder { CLIENT_NAME, CLIENT_EMAIL, SERVICE, COACH, START, NOTES, N_PLACEHOLDERS };

static const char *const PLACEHOLDERS[N_PLACEHOLDERS] = {
	[CLIENT_NAME] = "{client_name}",
	[CLIENT_EMAIL] = "{client_email}",
	[SERVICE] = "{service}",
	[COACH] = "{coach}",
	[START] = "{start}",
	[NOTES] = "{notes}",
};

/* What may be shown; everything that is rendered comes out of here. */
struct shown {
	struct slice values[N_PLACEHOLDERS];
	struct slice location;
	struct slice zone;
};

/* Cleaned text that grows up to a fixed room; what does not fit is left out. */
struct line {
	char *data;
	size_t len;
	size_t room;
	bool lines; /* TAB and LF may stand in it */
	bool full;
};

static bool line_init(struct line *line, struct arena *arena, size_t room, bool lines)
{
	*line = (struct line){.data = arena_alloc(arena, room), .room = room, .lines = lines};
	return line->data != NULL;
}

static struct slice line_slice(const struct line *line)
{
	return (struct slice){line->data, line->len};
}

/* The whole character at the beginning of text (not empty); one byte where it is none. */
static size_t character_bytes(struct slice text)
{
	unsigned char lead = (unsigned char)text.data[0];
	size_t n = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;

	return n <= text.len && text_is_utf8((struct slice){text.data, n}) ? n : 1;
}

/* How a character stands in a line: as it is, as a blank, or (CR before LF) not at all. */
static struct slice cleaned(const struct line *line, struct slice character)
{
	bool carriage = character.data[0] == '\r' && line->lines;

	if (carriage)
		return SLICE("");
	if (!text_is_utf8(character))
		return SLICE("?");
	return text_has_control(character, line->lines) ? SLICE(" ") : character;
}

static void line_add(struct line *line, struct slice text)
{
	while (text.len > 0 && !line->full) {
		struct slice character = {text.data, character_bytes(text)};
		struct slice clean = cleaned(line, character);

		line->full = clean.len > line->room - line->len;
		if (!line->full && clean.len > 0) {
			memcpy(line->data + line->len, clean.data, clean.len);
			line->len += clean.len;
		}
		text.data += character.len;
		text.len -= character.len;
	}
}

/* Which placeholder stands at the beginning; N_PLACEHOLDERS: none. */
static unsigned placeholder_at(struct slice text)
{
	unsigned i = 0;

	while (i < N_PLACEHOLDERS && !slice_starts(text, PLACEHOLDERS[i]))
		i++;
	return i;
}

/* Adds the template, filled in; returns whether one of its placeholders was left out. */
static bool line_fill(struct line *line, struct slice template, const struct shown *shown)
{
	bool gap = false;

	while (template.len > 0) {
		unsigned which = placeholder_at(template);
		size_t taken = 1;

		if (which < N_PLACEHOLDERS) {
			line_add(line, shown->values[which]);
			gap = gap || shown->values[which].len == 0;
			taken = strlen(PLACEHOLDERS[which]);
		} else {
			taken = character_bytes(template);
			line_add(line, (struct slice){template.data, taken});
		}
		template.data += taken;
		template.len -= taken;
	}
	return gap;
}

static bool has_placeholder(struct slice template, enum placeholder which)
{
	const char *word = PLACEHOLDERS[which];

	return template.len > 0 && memmem(template.data, template.len, word, strlen(word));
}

/* Without what only joined a placeholder that was left out: "Session - " is "Session". */
static struct slice without_joints(struct slice text)
{
	static const char JOINTS[] = " -:|,;/";

	while (text.len > 0 && strchr(JOINTS, text.data[text.len - 1]))
		text.len--;
	while (text.len > 0 && strchr(JOINTS, text.data[0])) {
		text.data++;
		text.len--;
	}
	return text;
}

static enum err render_title(const struct privacy_ask *ask, const struct shown *shown,
			     struct arena *arena, struct slice *out)
{
	struct slice template = ask->settings->title_template;
	struct slice name = shown->values[CLIENT_NAME];
	struct line line;
	bool gap;

	if (!line_init(&line, arena, PRIVACY_TITLE_BYTES, false))
		return ERR_NOMEM;
	gap = line_fill(&line, template, shown);
	if (name.len > 0 && !has_placeholder(template, CLIENT_NAME)) {
		line_add(&line, SLICE(" - "));
		line_add(&line, name);
	}
	*out = slice_trim(line_slice(&line));
	if (gap)
		*out = without_joints(*out);
	if (out->len == 0)
		*out = SLICE(PRIVACY_DEFAULT_TITLE);
	return OK;
}

static enum err render_description(const struct privacy_ask *ask, const struct shown *shown,
				   struct arena *arena, struct slice *out)
{
	struct slice template = ask->settings->description_template;
	struct slice notes = shown->values[NOTES];
	struct line line;

	if (!line_init(&line, arena, PRIVACY_DESCRIPTION_BYTES, true))
		return ERR_NOMEM;
	(void)line_fill(&line, template, shown);
	if (notes.len > 0 && !has_placeholder(template, NOTES)) {
		line_add(&line, SLICE("\n\n"));
		line_add(&line, notes);
	}
	*out = slice_trim(line_slice(&line));
	return OK;
}

static enum err render_line(struct slice text, size_t bytes, struct arena *arena, struct slice *out)
{
	struct line line;

	if (!line_init(&line, arena, bytes, false))
		return ERR_NOMEM;
	line_add(&line, text);
	*out = slice_trim(line_slice(&line));
	return OK;
}

/* The zone the event shows: the appointment's, the coach's, or UTC: the instant is the same. */
static struct slice pick_zone(const struct privacy_ask *ask)
{
	if (zone_find(ask->appointment->time_zone))
		return ask->appointment->time_zone;
	return zone_find(ask->coach_zone) ? ask->coach_zone : SLICE("UTC");
}

/* "2026-03-05 14:30", on the clock of that zone. */
static enum err render_start(const struct privacy_ask *ask, struct slice zone, struct arena *arena,
			     struct slice *out)
{
	enum { DATE_LEN = 10, SHOWN_LEN = 16 };
	char *text = arena_alloc(arena, RFC3339_BYTES);

	if (!text)
		return ERR_NOMEM;
	rfc3339_local(ask->appointment->start_ms, zone_find(zone), text);
	text[DATE_LEN] = ' ';
	*out = (struct slice){text, SHOWN_LEN};
	return OK;
}

/* The only reader of what a client is called, where he is reached and what is noted of him. */
static void show_client(const struct appointment *appointment, struct shown *shown)
{
	shown->values[CLIENT_NAME] = slice_trim(appointment->client_name);
	shown->values[NOTES] = slice_trim(appointment->notes);
	/* rows of other programs may hold anything */
	if (text_is_email(appointment->client_email))
		shown->values[CLIENT_EMAIL] = appointment->client_email;
}

static enum err show(const struct privacy_ask *ask, struct arena *arena, struct shown *shown)
{
	*shown = (struct shown){
		.values[SERVICE] = ask->appointment->service,
		.values[COACH] = ask->coach_name,
		.location = ask->appointment->location,
		.zone = pick_zone(ask),
	};
	if (ask->settings->client_details)
		show_client(ask->appointment, shown);
	return render_start(ask, shown->zone, arena, &shown->values[START]);
}

static bool is_over(const struct privacy_ask *ask)
{
	return ask->appointment->end_ms <= ask->now_ms;
}

static enum err add_client(const struct shown *shown, struct arena *arena, struct event *event)
{
	struct attendee *client = arena_alloc(arena, sizeof(*client));

	if (!client)
		return ERR_NOMEM;
	client->email = shown->values[CLIENT_EMAIL];
	event->attendees = client;
	event->n_attendees = 1;
	return render_line(shown->values[CLIENT_NAME], PRIVACY_TITLE_BYTES, arena, &client->name);
}

/*
 * The client is a guest where that may be shown. Nothing is said about guests of an event that is
 * over, nor in a quiet write to a provider that would mail them.
 */
static enum err invite(const struct privacy_ask *ask, const struct shown *shown,
		       struct arena *arena, struct privacy_verdict *out)
{
	static const struct attendee NOBODY[1];
	bool has_client = shown->values[CLIENT_EMAIL].len > 0;
	enum err e;

	if (!has_client) {
		out->event.attendees = NOBODY;
		return OK;
	}
	out->attendees_omitted = is_over(ask) || (ask->quiet && ask->mails_always);
	if (out->attendees_omitted)
		return OK;
	e = add_client(shown, arena, &out->event);
	out->event.notify = !ask->quiet;
	return e;
}

static enum err render(const struct privacy_ask *ask, struct arena *arena,
		       struct privacy_verdict *out)
{
	struct shown shown;
	enum err e = show(ask, arena, &shown);

	out->event.start_ms = ask->appointment->start_ms;
	out->event.end_ms = ask->appointment->end_ms;
	out->event.time_zone = shown.zone;
	if (!e)
		e = render_title(ask, &shown, arena, &out->event.summary);
	if (!e)
		e = render_description(ask, &shown, arena, &out->event.description);
	if (!e)
		e = render_line(shown.location, APPOINTMENT_LOCATION_BYTES, arena,
				&out->event.location);
	if (!e)
		e = invite(ask, &shown, arena, out);
	return e;
}

/* Times that an event cannot have; what else event_check judges is picked to be good. */
static bool has_bad_times(const struct appointment *appointment)
{
	const struct event event = {
		.start_ms = appointment->start_ms,
		.end_ms = appointment->end_ms,
		.time_zone = SLICE("UTC"),
	};

	return event_check(&event, NULL) != OK;
}

/* Does the calendar still show what it may not show any more? */
static bool must_be_hidden(const struct privacy_ask *ask)
{
	return ask->stands && ask->shows_client && !ask->settings->client_details;
}

/* Why this calendar is left as it is, whatever the appointment says; NULL: it is not. */
static const char *reason_to_leave(const struct privacy_ask *ask)
{
	if (!ask->settings->sync_enabled)
		return "sync_off";
	if (ask->stands && !ask->settings->auto_update && !must_be_hidden(ask))
		return "auto_update_off";
	return NULL;
}

/* Why it is to stand in no calendar; NULL: it is to. */
static const char *reason_to_go(const struct appointment *appointment)
{
	if (appointment->status == APPOINTMENT_CONFIRMED)
		return NULL;
	return appointment->status == APPOINTMENT_CANCELLED ? "cancelled" : "not_confirmed";
}

/* Why it is not written although it is to stand; NULL: it is. */
static const char *reason_not_to_write(const struct privacy_ask *ask)
{
	if (has_bad_times(ask->appointment))
		return "invalid";
	if (!ask->stands && !ask->settings->auto_create)
		return "auto_create_off";
	if (!ask->stands && ask->quiet && is_over(ask))
		return "past";
	return NULL;
}

enum err privacy_judge(const struct privacy_ask *ask, struct arena *arena,
		       struct privacy_verdict *out)
{
	*out = (struct privacy_verdict){.reason = reason_to_leave(ask)};
	if (out->reason)
		return OK;
	out->reason = reason_to_go(ask->appointment);
	if (out->reason) {
		out->act = ask->stands ? PRIVACY_REMOVE : PRIVACY_LEAVE;
		out->event.notify =
			ask->stands && ask->shows_client && !ask->quiet && !is_over(ask);
		return OK;
	}
	out->reason = reason_not_to_write(ask);
	if (out->reason)
		return OK;
	out->act = PRIVACY_WRITE;
	return render(ask, arena, out);
}

/* Settings. */

static enum err check_template(struct slice text, const char *field, size_t bytes, bool lines,
			       struct fail *why)
{
	if (text.len > bytes)
		return fail_field(why, field, "is too long");
	if (!text_is_utf8(text) || text_has_control(text, lines))
		return fail_field(why, field, "holds control characters");
	return OK;
}

enum err privacy_check(const struct sync_settings *settings, struct fail *why)
{
	enum err title = check_template(settings->title_template, "event_title_template",
					PRIVACY_TITLE_TEMPLATE_BYTES, false, why);
	enum err description =
		check_template(settings->description_template, "event_description_template",
			       PRIVACY_DESCRIPTION_TEMPLATE_BYTES, true, why);

	if (!title && slice_trim(settings->title_template).len == 0)
		title = fail_field(why, "event_title_template", "must not be empty");
	return title || description ? ERR_FIELDS : OK;
}
