#ifndef CB_SERVICE_BUDGET_H
#define CB_SERVICE_BUDGET_H
/*
 * budget: not more calls on a calendar account than its provider lets us make: a pace over the
 * minute (Google), and so many at once (Outlook), over all processes and hosts.
 * Stands on io/tally, io/flight, store/provider_limits, store/provider_slots, provider.
 *
 * The pace costs the database nothing at first: each process makes the first
 * SVC_FREE_CALLS calls of a minute unasked, and then sets some aside at a time. What is set
 * aside is four fifths of the budget, so twelve processes stay within a budget of 600.
 */
#include "base/err.h"
#include "base/rand.h"

struct connection;
struct provider;
struct work;

/* One call under way. */
struct budget_turn {
	const char *subject; /* NULL: it holds no slot */
	struct id token;
};

/*
 * Waits for the caller's turn, a few seconds at most. After OK budget_leave must follow.
 * returns OK, ERR_THROTTLED (why->retry_after_s), ERR_NOMEM, those of io/db
 */
MUST_USE enum err budget_enter(struct work *work, const struct provider *provider,
			       const struct connection *connection, struct budget_turn *turn,
			       struct fail *why);

/* The call is over. */
void budget_leave(struct work *work, struct budget_turn *turn);

#endif
