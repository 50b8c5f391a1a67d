#ifndef CB_MODEL_EVENT_H
#define CB_MODEL_EVENT_H
/*
 * event: the event as every provider understands it, its checks, and its form at rest.
 * Pure: no socket, no SQL, no clock. Slices borrow, mostly from a request's arena.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

/* EVENT_KEPT_MAX: guests in the form at rest, which may be those before and after a change. */
enum { EVENT_ATTENDEES_MAX = 200, EVENT_KEPT_MAX = 2 * EVENT_ATTENDEES_MAX, EVENT_DAYS_MAX = 31 };

/* What asks for an event: the words in rows. */
#define ORIGIN_INVITE "invite"
#define ORIGIN_EVENT "event"
#define ORIGIN_APPOINTMENT "appointment"

/* What a guest has answered. */
enum attendance {
	ATTENDANCE_UNKNOWN,
	ATTENDANCE_NONE,
	ATTENDANCE_ACCEPTED,
	ATTENDANCE_DECLINED,
	ATTENDANCE_TENTATIVE
};

struct attendee {
	struct slice email;
	struct slice name;          /* may be empty */
	enum attendance attendance; /* as the provider has it; kept by no event_write */
	struct slice raw; /* the provider's own words for this guest, which a change sends back as
			     they are; empty for one of ours; kept by no event_write */
	bool leaving;     /* one of ours who is asked for no more, but may still be on it */
};

/* Which parts of an event a change is about; may be joined. */
enum event_part {
	EVENT_SUMMARY = 1,
	EVENT_DESCRIPTION = 2,
	EVENT_LOCATION = 4,
	EVENT_TIMES = 8, /* start, end and zone */
	EVENT_ATTENDEES = 16,
	EVENT_CONFERENCE = 32
};

struct event {
	struct slice summary;
	struct slice description; /* may be empty */
	struct slice location;    /* may be empty */
	int64_t start_ms;
	int64_t end_ms;                   /* exclusive */
	struct slice time_zone;           /* IANA; what the event shows, not what start_ms is in */
	const struct attendee *attendees; /* NULL: nothing is said about guests */
	size_t n_attendees;
	bool notify;     /* guests get the provider's mail */
	bool omitted;    /* the guests are known to us alone: the provider would mail them */
	bool conference; /* with a link to the provider's own video conference */
};

/*
 * Judges it: end after start, at most EVENT_DAYS_MAX long, guests' addresses well formed and
 * at most EVENT_ATTENDEES_MAX, zone known. ERR_FIELDS with every field at fault, under the
 * names endTime, attendees, attendees[i].email and timeZone.
 */
MUST_USE enum err event_check(const struct event *event, struct fail *why);

/* Are these the same but for the case of their letters? */
bool event_is_same_address(struct slice a, struct slice b);

/*
 * Leaves of guests with the same address (whatever its case) the first; keeps their order.
 * Returns how many are left.
 */
size_t event_merge_attendees(struct attendee *attendees, size_t n);

/*
 * Appends the event as the JSON in which an intent keeps it. The same event: the same bytes.
 * Attendees of NULL and none are two things and stay so.
 */
void event_write(const struct event *event, struct buf *out);

/* Reads it back; slices point into arena. ERR_INTERNAL when it is not what event_write wrote. */
MUST_USE enum err event_read(struct arena *arena, struct slice json, struct event *out);

#endif
