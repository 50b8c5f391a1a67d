#ifndef CB_MODEL_EVENT_CHANGE_H
#define CB_MODEL_EVENT_CHANGE_H
/*
 * event_change: what somebody wants to be different about an event, and what that means for one
 * that stands. Pure. Stands on model/event, model/guests. Source: contract 1 (PATCH).
 */
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "model/event.h"

struct event_change {
	unsigned parts; /* enum event_part: those that are named; EVENT_TIMES: any of these three */
	bool start;     /* to.start_ms is given */
	bool end;       /* to.end_ms is */
	bool zone;      /* to.time_zone is */
	bool notify;    /* to.notify is; else as when the event was made */
	struct event to; /* what is not named means nothing */
};

/* An event as it stands, and what we know of it beside that. */
struct event_stand {
	const struct event *event; /* time_zone is what it is shown in; conference: it has a link */
	struct slice zone;         /* as the provider has it; empty: it keeps none */
	bool whole_day;
	const struct event *kept; /* as it was asked for; NULL: we did not make it */
};

/*
 * What is to stand, all of it, and which of the named parts are not so already; none: there is
 * nothing to do. Guests are merged, not replaced.
 * returns OK; ERR_FIELDS (what came of it cannot be: event_check's reasons, and a field "startTime"
 *         or "endTime" that an event of whole days needs as well); ERR_NOMEM
 */
MUST_USE enum err event_change_apply(struct arena *arena, const struct event_change *change,
				     const struct event_stand *stand, struct event *wanted,
				     unsigned *parts, struct fail *why);

#endif
