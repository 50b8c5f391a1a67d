#ifndef CB_SERVICE_PLACING_H
#define CB_SERVICE_PLACING_H
/*
 * placing: carry one committed intent to its event: token, provider, mark. Whoever holds the row's
 * claim does it: the request that made the intent, one that took it over, or calbridge-sync. Stands
 * on store/mappings, service/calling, provider, io/batch. Source: contract
 * "Exactly once"; providers' rules on client-chosen ids.
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/rand.h"

struct connection;
struct event;
struct mapping;
struct work;

struct placing {
	struct work *work;
	struct mapping *mapping;       /* claimed; on OK it says what stands */
	const struct event *event;     /* as it was asked for */
	struct connection *connection; /* may be read anew */
	bool calendar_named;           /* by the caller: that there is none is his fault */
	bool may_stand;    /* an earlier run may have reached the provider: absence is not sure */
	bool nobody_waits; /* no caller hears of a failure: a passing one leaves the intent as it is
			    */
};

/* The event id of a mapping's generation: its id, and from the second on one letter more. */
void placing_event_id(const struct id *id, int64_t generation, char *out);

/*
 * Places it and commits the mark; on failure commits what is known (refused: nothing
 * stands; unsure: it may). ERR_STALE: another holds the claim now. Else the errors of token_fresh,
 * of the provider, of io/db.
 */
MUST_USE enum err placing_run(struct placing *placing, struct fail *why);

/*
 * Only looks whether it stands: OK (it does, and is marked), ERR_GONE (it surely does not, and is
 * marked refused), else an error and nothing is changed.
 */
MUST_USE enum err placing_look(struct placing *placing, struct fail *why);

#endif
