#ifndef CB_MODEL_GUESTS_H
#define CB_MODEL_GUESTS_H
/*
 * guests: the lists of guests that a change of an event is about: who stands in the calendar, who
 * of them is ours (asked for by the client application, not added by hand), and who is asked for
 * now. Pure. Stands on model/event. Source: contract 1 (PATCH of attendees).
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/event.h"

struct guests {
	const struct attendee *list;
	size_t n;
};

/* The guests of an event. */
struct guests guests_of(const struct event *event);

/* Two sets of addresses are the same, whatever their order and case? */
bool guests_are_same(struct guests a, struct guests b);

/*
 * Who is to stand: those asked for, then those that stand without being ours. Who stands already
 * keeps the provider's words for him and so his answer; a new name is given to who has not
 * answered. out lives in arena. ERR_NOMEM.
 */
MUST_USE enum err guests_merge(struct arena *arena, struct guests stands, struct guests ours,
			       struct guests asked, struct guests *out);

/* Would writing merged (by guests_merge) change anything about those who stand? */
bool guests_stand(struct guests stands, struct guests merged);

/* Those of ours who are still asked for. ERR_NOMEM. */
MUST_USE enum err guests_staying(struct arena *arena, struct guests ours, struct guests *out);

/* Those of ours who stand, as leaving. ERR_NOMEM. */
MUST_USE enum err guests_leaving(struct arena *arena, struct guests ours, struct guests stands,
				 struct guests *out);

/* Who is in a or b, at most EVENT_KEPT_MAX: first all of a, then of b. ERR_NOMEM. */
MUST_USE enum err guests_union(struct arena *arena, struct guests a, struct guests b,
			       struct guests *out);

#endif
