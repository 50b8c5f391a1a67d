#ifndef CB_PROVIDER_OUTLOOK_EVENT_H
#define CB_PROVIDER_OUTLOOK_EVENT_H
/*
 * outlook_event: an event as the JSON of Graph v1.0: ours as theirs, and theirs as ours. All times
 * are in UTC on both ways, so no name of a zone is needed. Pure, and fuzzed: every answer is
 * somebody else's text. What does not look as it must is ERR_UPSTREAM, never a guess.
 * Stands on wire, outlook_body, model/event.
 * Source: Graph v1.0 "event resource type", "singleValueLegacyExtendedProperty".
 */
#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "provider/provider.h"

/* The extended properties that hold our stamp; the GUID is ours for all times. */
#define OUTLOOK_PROPERTY(name) "String {e3a48a76-1622-4bf2-997e-4ba30802cfed} Name " name
#define OUTLOOK_MARKER OUTLOOK_PROPERTY("calbridge")
#define OUTLOOK_OWNER OUTLOOK_PROPERTY("calbridgeOwner")

enum { OUTLOOK_ID_BYTES_MAX = 255, OUTLOOK_PAGE_BYTES_MAX = 6144 };

/*
 * Appends the body of a create, whose repetition is known by id. Outlook mails every guest: where
 * that is not wished none is named.
 */
void outlook_event_insert(const struct event *event, const char *id, const struct stamp *stamp,
			  struct buf *out);

/* Those of the parts that can be said: guests only to be mailed; a conference never ends. */
unsigned outlook_event_parts(const struct event *event, unsigned parts);

/* Appends the body of a patch of these parts of what stands, as few members as possible. */
void outlook_event_patch(const struct event *event, unsigned parts, const struct placed *stands,
			 struct buf *out);

/*
 * Reads an event; all of out lives in arena. Its marker is read where it was asked for.
 *
 * id       the one of the create that it answers, or NULL
 * returns  OK, ERR_UPSTREAM (also: of another create), ERR_NOMEM
 */
MUST_USE enum err outlook_event_read(struct arena *arena, struct slice body, const char *id,
				     bool whole, struct placed *out, struct fail *why);

/*
 * Reads what was found by its marker: one that stands before one that is cancelled, and the
 * oldest of several. ERR_GONE (nothing), ERR_UPSTREAM, ERR_NOMEM.
 */
MUST_USE enum err outlook_event_found(struct arena *arena, struct slice body, bool whole,
				      struct placed *out, struct fail *why);

/*
 * Reads a page of events with their details, but without the guests' `raw` and without keep;
 * cancelled ones are left out. next is the link to the next page without base, with which it must
 * begin. ERR_UPSTREAM, ERR_NOMEM.
 */
MUST_USE enum err outlook_event_list(struct arena *arena, struct slice body, const char *base,
				     struct placed_list *out, struct fail *why);

/* May it stand behind the base of the API as a link to a page? */
bool outlook_event_is_page(struct slice page);

#endif
