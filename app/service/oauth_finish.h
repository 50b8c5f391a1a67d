#ifndef CB_SERVICE_OAUTH_FINISH_H
#define CB_SERVICE_OAUTH_FINISH_H
/*
 * oauth_finish: the browser comes back from the provider: state checked and used up, code
 * exchanged, account and scopes read, and judged what becomes of it.
 * Stands on service/oauth_end, service/application, service/pkce, store/oauth_states,
 * store/connections, provider.
 * Source: RFC 6749 section 4.1.2, RFC 7636, RFC 9207, RFC 9700; security requirements O1 to O11.
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/text.h"

struct oauth_result;
struct work;

/* What came with the callback, decoded; empty where a parameter was absent. */
struct oauth_return {
	struct slice state;
	struct slice code;
	struct slice error;
	struct slice issuer;
	bool has_issuer;
	struct slice browser; /* of the cookie; empty: none */
};

/*
 * Finishes a flow. A repetition with the same state, code and browser gets the first result without
 * a second exchange.
 * returns OK (result says how it ended, good or bad), ERR_BAD_STATE (unknown, used with
 * another code, or another browser's), those of io/db
 */
MUST_USE enum err oauth_finish(struct work *work, const struct oauth_return *back,
			       struct oauth_result *result, struct fail *why);

#endif
