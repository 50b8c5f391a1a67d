#ifndef CB_SERVICE_BOOKING_H
#define CB_SERVICE_BOOKING_H
/*
 * booking: put an event into an owner's calendar, exactly once, whatever dies in between.
 * The intent is committed before the provider is called, under an event id that we choose; a
 * repetition finds it and carries it on. Stands on store/mappings, store/connections,
 * service/placing, provider, io/batch. Source: contract "Exactly once", "Idempotency-Key"; design
 * "Data flow of the main job".
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/rand.h"
#include "base/text.h"

struct event;
struct mapping;
struct target;
struct work;

/* One request to place an event. */
struct booking {
	const char *origin;           /* ORIGIN_INVITE, ...: scope of its keys */
	struct event *event;          /* checked; omitted is set here */
	struct target *target;        /* owner and connection; the connection may be read anew */
	struct slice connection_id;   /* of another one of the owner's; empty: target's */
	struct slice calendar_id;     /* of that account; empty: the connection's */
	struct slice idempotency_key; /* empty: none was given */
	struct slice body;            /* canonical bytes of what was asked, for the fingerprint */
};

/* What stands in the calendar. Slices live in work's arena. */
struct booked {
	struct slice event_ref; /* ours: "evt_<epoch ms>_<first 8 of the owner's id>", or id */
	struct slice calendar_event_id; /* the provider's */
	struct slice html_link;         /* may be empty */
	struct slice shown;             /* of origin "event": id and JSON, as first answered */
	char id[ID_TEXT_BYTES];
	bool replayed; /* by an Idempotency-Key, or a repeated request id */
};

/*
 * Places it, or finds it placed by an earlier run of the same request.
 * returns OK; ERR_FIELDS (connectionId); ERR_NO_CONNECTION, ERR_REAUTH; ERR_KEY_REUSED,
 * ERR_RUNNING; those of token_fresh and of the provider's put; ERR_STALE (another run of this
 * request has taken over); those of io/db
 */
MUST_USE enum err booking_place(struct work *work, const struct booking *booking,
				struct booked *out, struct fail *why);

#endif
