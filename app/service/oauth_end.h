#ifndef CB_SERVICE_OAUTH_END_H
#define CB_SERVICE_OAUTH_END_H
/*
 * oauth_end: how a consent ends, by the callback or by a person's confirmation: connected, kept for
 * the person, or not at all. Every end is decided in the flow's row, once, so that all who come
 * with the flow are told the same.
 * Stands on store/oauth_states, store/connections, store/owners, store/audit_log, base/seal.
 * Source: RFC 9700; security requirements O2, O6, O11.
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/rand.h"
#include "base/text.h"
#include "provider/provider.h"
#include "store/oauth_states.h"

struct work;

/* One consent on the way to its end. */
struct oauth_flow {
	struct work *work;
	struct oauth_state state; /* as it was read */
	struct account account;   /* empty: not known yet */
	struct grant grant;       /* the holder of the flow wipes it */
};

/* How it ended. Slices live in work's arena. */
struct oauth_result {
	const char
		*outcome; /* "connected", or a reason: "denied", "expired", "scope_missing", ... */
	bool ask;         /* outcome "confirm": show whose account it is, and ask */
	bool handed_on;   /* ask because the link was passed on, else because of another account */
	struct id flow;   /* names the flow in the confirmation */
	struct slice provider;
	struct slice account_email;
	struct slice owner_external_id;
	struct slice return_to;
};

/*
 * Three ends that are decided here and now. ERR_STALE: another run of the flow was faster, nothing
 * is stored, and what it decided holds (oauth_end_tell). Else the errors of io/db.
 */

/* It fails, with a reason of ours. */
MUST_USE enum err oauth_end_with(struct oauth_flow *flow, const char *reason,
				 struct oauth_result *result, struct fail *why);

/* Nothing is stored before a person has looked at it: the grant waits, sealed, in the flow's row.
 */
MUST_USE enum err oauth_end_ask(struct oauth_flow *flow, struct oauth_result *result,
				struct fail *why);

/* The connection is stored, or renewed. */
MUST_USE enum err oauth_end_connect(struct oauth_flow *flow, struct oauth_result *result,
				    struct fail *why);

/*
 * Tells what holds, as the flow's row now has it. ERR_BAD_STATE: the row is gone, or not decided;
 * those of io/db
 */
MUST_USE enum err oauth_end_tell(struct oauth_flow *flow, struct oauth_result *result,
				 struct fail *why);

#endif
