#ifndef CB_SERVICE_FINDING_H
#define CB_SERVICE_FINDING_H
/*
 * finding: which event the id in a URL means, in which calendar, and how it stands there. The id is
 * one that we gave out; any other is tried as a provider's own in the owner's default calendar, for
 * bookings older than this service. Whatever belongs to another owner or tenant is as if it never
 * was. Stands on store/kept_events, store/callers, service/calling, service/showing.
 * Source: contract 1; security requirement A2.
 */
#include "base/err.h"
#include "base/text.h"
#include "model/event.h"
#include "provider/provider.h"
#include "service/calling.h"
#include "store/mappings.h"

struct target;

/* Zeroed before finding_begin; finding_end when done. All that is in it lives in work's arena. */
struct finding {
	struct work *work;
	struct target *target;  /* its connection is the event's, after finding_begin */
	struct slice id;        /* as asked for */
	struct mapping row;     /* its id is none: we did not make it */
	struct event kept;      /* as it was asked for */
	bool has_kept;          /* an invite keeps none */
	struct calling calling; /* for that connection, its calendar, and all of an event */
	struct placed stands;   /* after finding_look */
};

/*
 * Finds row and connection and gets ready to call. Who is told that this connection must be mended
 * finds it in target, whatever the default is.
 * returns OK; ERR_NOT_FOUND; ERR_GONE (we took it out); ERR_RUNNING (nobody was told yet that it
 *         stands); those of calling_judge, calling_begin and io/db
 */
MUST_USE enum err finding_begin(struct finding *finding, struct work *work, struct target *target,
				struct slice id, struct fail *why);

/* Reads the row anew, as others may have changed it. Errors as above. */
MUST_USE enum err finding_reread(struct finding *finding, struct fail *why);

/*
 * Asks the provider how it stands. What is not ours by its id may turn out to be by its marker:
 * then row is filled in. returns OK; ERR_GONE (it was there and is no more); ERR_NOT_FOUND (it
 * never was, or is another's); those of calling_ask
 */
MUST_USE enum err finding_look(struct finding *finding, struct fail *why);

/* Did we make it? */
bool finding_is_ours(const struct finding *finding);

/* The zone in which it is shown. */
struct slice finding_zone(const struct finding *finding);

/* The event as the contract shows it, JSON in work's arena. ERR_NOMEM, ERR_TOO_LONG. */
MUST_USE enum err finding_show(const struct finding *finding, struct slice *out);

/* Done with calling. */
void finding_end(struct finding *finding);

#endif
