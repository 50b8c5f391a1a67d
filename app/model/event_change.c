#include "model/event_change.h"

#include "model/guests.h"

static const char NEEDED[] = "is required: the event lasts whole days";

/* Midnights of a calendar are no times: who gives an event its hours says both of them. */
static enum err move(const struct event_change *change, const struct event_stand *stand,
		     struct event *wanted, struct fail *why)
{
	if (stand->whole_day && change->start && !change->end)
		return fail_field(why, "endTime", NEEDED);
	if (stand->whole_day && change->end && !change->start)
		return fail_field(why, "startTime", NEEDED);
	if (change->start)
		wanted->start_ms = change->to.start_ms;
	if (change->end)
		wanted->end_ms = change->to.end_ms;
	if (change->zone)
		wanted->time_zone = change->to.time_zone;
	return OK;
}

static enum err seat_guests(struct arena *arena, const struct event_change *change,
			    const struct event_stand *stand, struct event *wanted)
{
	struct guests ours = stand->kept ? guests_of(stand->kept) : (struct guests){NULL, 0};
	struct guests merged;
	enum err e =
		guests_merge(arena, guests_of(stand->event), ours, guests_of(&change->to), &merged);

	wanted->attendees = merged.list;
	wanted->n_attendees = merged.n;
	return e;
}

static bool keeps_times(const struct event_change *change, const struct event_stand *stand,
			const struct event *wanted)
{
	const struct event *now = stand->event;
	bool moves = change->start || change->end;

	if (moves && (stand->whole_day || now->start_ms != wanted->start_ms ||
		      now->end_ms != wanted->end_ms))
		return false;
	return !change->zone || stand->whole_day || stand->zone.len == 0 ||
	       slice_equal(stand->zone, wanted->time_zone);
}

/* Of the named parts those that differ: what is so already is not written, and mails nobody. */
static unsigned differing(const struct event_change *change, const struct event_stand *stand,
			  const struct event *wanted)
{
	const struct event *now = stand->event;
	unsigned same = 0;

	if (slice_equal(now->summary, wanted->summary))
		same |= EVENT_SUMMARY;
	if (slice_equal(now->description, wanted->description))
		same |= EVENT_DESCRIPTION;
	if (slice_equal(now->location, wanted->location))
		same |= EVENT_LOCATION;
	if (keeps_times(change, stand, wanted))
		same |= EVENT_TIMES;
	if (guests_stand(guests_of(now), guests_of(wanted)))
		same |= EVENT_ATTENDEES;
	if (now->conference == wanted->conference)
		same |= EVENT_CONFERENCE;
	return change->parts & ~same;
}

/* Whoever stands has been let in by the provider: only what is asked for is judged. */
static enum err judge(const struct event *wanted, const struct event *asked, unsigned parts,
		      struct fail *why)
{
	struct event judged = *wanted;

	if (!(parts & (EVENT_TIMES | EVENT_ATTENDEES)))
		return OK;
	if (parts & EVENT_ATTENDEES && wanted->n_attendees > EVENT_ATTENDEES_MAX)
		return fail_field(why, "attendees",
				  "must be at most 200, with those added in the calendar");
	judged.attendees = asked->attendees;
	judged.n_attendees = asked->n_attendees;
	return event_check(&judged, why);
}

enum err event_change_apply(struct arena *arena, const struct event_change *change,
			    const struct event_stand *stand, struct event *wanted, unsigned *parts,
			    struct fail *why)
{
	const struct event *to = &change->to;
	enum err e;

	*wanted = *stand->event;
	*parts = 0;
	wanted->notify = !stand->kept || stand->kept->notify;
	if (change->notify)
		wanted->notify = to->notify;
	if (change->parts & EVENT_SUMMARY)
		wanted->summary = to->summary;
	if (change->parts & EVENT_DESCRIPTION)
		wanted->description = to->description;
	if (change->parts & EVENT_LOCATION)
		wanted->location = to->location;
	if (change->parts & EVENT_CONFERENCE)
		wanted->conference = to->conference;
	e = move(change, stand, wanted, why);
	if (!e && change->parts & EVENT_ATTENDEES)
		e = seat_guests(arena, change, stand, wanted);
	if (e)
		return e;
	*parts = differing(change, stand, wanted);
	return judge(wanted, to, *parts, why);
}
