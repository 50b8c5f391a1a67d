#ifndef CB_SERVICE_OAUTH_H
#define CB_SERVICE_OAUTH_H
/*
 * oauth: start and finish a consent.
 * Stands on store/oauth_states, store/connections, store/owners, provider, base/seal.
 * Source: RFC 6749 section 4.1, RFC 7636, RFC 9700; security requirements O1 to O11.
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/rand.h"
#include "base/text.h"

struct buf;
struct owner;
struct provider;
struct work;

enum { OAUTH_STATE_VALID_S = 600, OAUTH_SECRET_CHARS = 43 };

/* What a flow is started with. Slices are borrowed. */
struct oauth_start {
	const struct provider *provider;
	const struct owner *owner;
	struct slice browser; /* what the browser's cookie holds; empty: none */
	bool handed_on;       /* the URL goes out as JSON: another browser may come back with it */
	struct slice return_to; /* checked before: a path of ours, or an allowed origin's URL */
};

/* Appends the provider's URL to url; the state row is committed then. */
MUST_USE enum err oauth_start(struct work *work, const struct oauth_start *start, struct buf *url,
			      struct fail *why);

/* What came with the callback, decoded; empty where a parameter was absent. */
struct oauth_return {
	struct slice state;
	struct slice code;
	struct slice error;
	struct slice issuer;
	bool has_issuer;
	struct slice browser; /* of the cookie; empty: none */
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
 * Finishes a flow: state checked and used up, code exchanged, account and scopes read, the
 * connection stored or renewed. A repetition with the same state, code and browser gets the first
 * result without a second exchange.
 * returns OK (result says how it ended, good or bad), ERR_BAD_STATE (unknown, used with
 * another code, or another browser's), those of io/db
 */
MUST_USE enum err oauth_finish(struct work *work, const struct oauth_return *back,
			       struct oauth_result *result, struct fail *why);

/* What a flow that waits for confirmation is about; ERR_NOT_FOUND; ERR_BAD_STATE: another
 * browser's. */
MUST_USE enum err oauth_confirm(struct work *work, const struct id *flow, struct slice browser,
				bool yes, struct oauth_result *result, struct fail *why);

#endif
