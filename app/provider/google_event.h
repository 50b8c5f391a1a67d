#ifndef CB_PROVIDER_GOOGLE_EVENT_H
#define CB_PROVIDER_GOOGLE_EVENT_H
/*
 * google_event: an event as the JSON of Calendar v3: ours as theirs, and theirs as ours. Pure, and
 * fuzzed: every answer is somebody else's text. What does not look as it must is ERR_UPSTREAM,
 * never a guess.
 * Stands on wire, model/event.
 * Source: Calendar API v3 "Events".
 */
#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "provider/provider.h"

struct event;

/* The private property that holds the owner of a stamp. */
#define GOOGLE_EVENT_OWNER "calbridgeOwner"

/*
 * Appends the body of an insert: under id, with our stamp as private properties and the
 * calendar's own reminders. A conference is asked for in the name of id.
 */
void google_event_insert(const struct event *event, const char *id, const struct stamp *stamp,
			 struct buf *out);

/*
 * Appends the body of a patch of these parts (enum event_part). An empty text removes what
 * stands there, and so does a conference that is not wanted.
 *
 * ask_id  names the request for a conference; Google hears each name once
 */
void google_event_patch(const struct event *event, unsigned parts, const char *ask_id,
			struct buf *out);

/*
 * Reads an event. id must be there; all of out lives in arena. whole: with its details, but for
 * one that is deleted (of which only the id is sure). Of guests that Google does not tell in
 * full nothing is told: attendees is NULL, else never. ERR_UPSTREAM, ERR_NOMEM.
 */
MUST_USE enum err google_event_read(struct arena *arena, struct slice body, bool whole,
				    struct placed *out, struct fail *why);

/*
 * Reads a page of the events of this owner, with their details but without the guests' `raw`;
 * those that are deleted are left out. An event that is not this owner's spoils the page.
 * ERR_UPSTREAM, ERR_NOMEM.
 */
MUST_USE enum err google_event_list(struct arena *arena, struct slice body, const char *owner,
				    struct placed_list *out, struct fail *why);

#endif
