#include "model/guests.h"

static const struct attendee *find(struct guests guests, struct slice email)
{
	for (size_t i = 0; i < guests.n; i++) {
		if (event_is_same_address(guests.list[i].email, email))
			return &guests.list[i];
	}
	return NULL;
}

static bool holds_all(struct guests a, struct guests b)
{
	for (size_t i = 0; i < b.n; i++) {
		if (!find(a, b.list[i].email))
			return false;
	}
	return true;
}

struct guests guests_of(const struct event *event)
{
	return (struct guests){event->attendees, event->n_attendees};
}

bool guests_are_same(struct guests a, struct guests b)
{
	return holds_all(a, b) && holds_all(b, a);
}

static bool has_answered(const struct attendee *guest)
{
	return guest->attendance != ATTENDANCE_UNKNOWN && guest->attendance != ATTENDANCE_NONE;
}

/* An answer is worth more than a name: both cannot be had. */
static struct attendee seat(const struct attendee *asked, const struct attendee *stands)
{
	bool same_name = stands && (asked->name.len == 0 || slice_equal(asked->name, stands->name));

	return stands && (same_name || has_answered(stands)) ? *stands : *asked;
}

enum err guests_merge(struct arena *arena, struct guests stands, struct guests ours,
		      struct guests asked, struct guests *out)
{
	struct attendee *list = arena_array(arena, asked.n + stands.n + 1, sizeof(*list));
	size_t n = 0;

	*out = (struct guests){list, 0};
	if (!list)
		return ERR_NOMEM;
	for (size_t i = 0; i < asked.n; i++)
		list[n++] = seat(&asked.list[i], find(stands, asked.list[i].email));
	for (size_t i = 0; i < stands.n; i++) {
		struct slice email = stands.list[i].email;

		if (!find(ours, email) && !find(asked, email))
			list[n++] = stands.list[i];
	}
	out->n = n;
	return OK;
}

bool guests_stand(struct guests stands, struct guests merged)
{
	if (!guests_are_same(stands, merged))
		return false;
	for (size_t i = 0; i < merged.n; i++) {
		const struct attendee *now = find(stands, merged.list[i].email);

		if (merged.list[i].name.len && !slice_equal(merged.list[i].name, now->name))
			return false;
	}
	return true;
}

enum err guests_staying(struct arena *arena, struct guests ours, struct guests *out)
{
	struct attendee *list = arena_array(arena, ours.n + 1, sizeof(*list));

	*out = (struct guests){list, 0};
	if (!list)
		return ERR_NOMEM;
	for (size_t i = 0; i < ours.n; i++) {
		if (!ours.list[i].leaving)
			list[out->n++] = ours.list[i];
	}
	return OK;
}

enum err guests_leaving(struct arena *arena, struct guests ours, struct guests stands,
			struct guests *out)
{
	struct attendee *list = arena_array(arena, ours.n + 1, sizeof(*list));

	*out = (struct guests){list, 0};
	if (!list)
		return ERR_NOMEM;
	for (size_t i = 0; i < ours.n; i++) {
		if (!find(stands, ours.list[i].email))
			continue;
		list[out->n] = ours.list[i];
		list[out->n++].leaving = true;
	}
	return OK;
}

enum err guests_union(struct arena *arena, struct guests a, struct guests b, struct guests *out)
{
	struct attendee *list = arena_array(arena, a.n + b.n + 1, sizeof(*list));
	size_t n = 0;

	*out = (struct guests){list, 0};
	if (!list)
		return ERR_NOMEM;
	for (; n < a.n && n < EVENT_KEPT_MAX; n++)
		list[n] = a.list[n];
	for (size_t i = 0; i < b.n && n < EVENT_KEPT_MAX; i++) {
		if (!find(a, b.list[i].email))
			list[n++] = b.list[i];
	}
	out->n = n;
	return OK;
}
