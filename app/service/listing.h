#ifndef CB_SERVICE_LISTING_H
#define CB_SERVICE_LISTING_H
/*
 * listing: the events of an owner that this service made, as they stand now, a page at a time. It
 * goes through the calendars in which something was made, one after the other; each page is of one
 * of them. Nothing else that stands there is shown, not even a copy that somebody made of an event
 * of ours; but where an event of ours was made a series that its provider lists instance by
 * instance, each is shown, under the id of that event.
 * Stands on store/kept_events, service/calling, service/showing, model/page_token.
 * Source: contract 1 (list).
 */
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

struct target;
struct work;

struct listing_ask {
	int64_t from_ms;   /* that end after it; INT64_MIN: from the first */
	int64_t to_ms;     /* that begin before it; INT64_MAX: to the last */
	struct slice page; /* `next` of the page before; empty: the first */
};

struct listing {
	const struct slice *items; /* JSON, as the contract has it */
	size_t n;
	struct slice next; /* empty: there is no more */
};

/*
 * All of it lives in work's arena.
 * returns  OK; ERR_BAD_REQUEST (the page is none, or none any more); ERR_NO_CONNECTION; ERR_REAUTH:
 *          one of the calendars cannot be read, and a list with a gap is not given; those of
 *          calling, the provider's list and io/db
 */
MUST_USE enum err listing_run(struct work *work, struct target *target,
			      const struct listing_ask *ask, struct listing *out, struct fail *why);

#endif
