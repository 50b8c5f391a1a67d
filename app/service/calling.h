#ifndef CB_SERVICE_CALLING_H
#define CB_SERVICE_CALLING_H
/*
 * calling: ask a provider on behalf of one connection, with an access token that is good, and not
 * more often than it lets us. Stands on service/token, service/budget, store/callers, provider.
 * Source: contract "One refresh"; providers' rules on 401 and on pauses.
 */
#include "base/err.h"
#include "base/secret.h"
#include "base/text.h"
#include "provider/provider.h"

struct connection;
struct target;
struct work;

/*
 * May the target's connection be called?
 * returns OK; ERR_NO_CONNECTION; ERR_REAUTH; ERR_MISCONFIGURED, ERR_THROTTLED (its provider is
 *         paused: why->retry_after_s)
 */
MUST_USE enum err calling_judge(const struct target *target, struct fail *why);

/* One connection and the means to call its provider; calling_end when done. */
struct calling {
	struct work *work;
	struct connection *connection; /* borrowed; may be read anew */
	const struct provider *provider;
	struct provider_cx cx; /* its calendar_id is the caller's to set */
	struct secret access;
};

/*
 * Gets ready to call. On an error calling_end may be left out.
 * returns OK, ERR_INTERNAL (a provider that we do not have), those of token_fresh
 */
MUST_USE enum err calling_begin(struct calling *calling, struct work *work,
				struct connection *connection, struct fail *why);

/* One question to the provider; arg is the asker's own. */
typedef enum err calling_fn(struct calling *calling, void *arg, struct fail *why);

/*
 * Asks, in the account's turn; after a 401 once more with a renewed token.
 * returns what question does; ERR_TOKEN: not even the renewed one was taken; those of token_renew
 * and budget_enter
 */
MUST_USE enum err calling_ask(struct calling *calling, calling_fn *question, void *arg,
			      struct fail *why);

/* Wipes the token. */
void calling_end(struct calling *calling);

#endif
