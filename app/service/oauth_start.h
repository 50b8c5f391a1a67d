#ifndef CB_SERVICE_OAUTH_START_H
#define CB_SERVICE_OAUTH_START_H
/*
 * oauth_start: a consent begins: its state is committed, and the provider's URL made.
 * Stands on store/oauth_states, store/connections, provider, service/pkce, base/seal.
 * Source: RFC 6749 section 4.1.1, RFC 9700; security requirements O1, O3, O4, O8, K4.
 */
#include <stdbool.h>

#include "base/err.h"
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
	struct slice browser;   /* what the browser's cookie holds; empty: none */
	bool handed_on;         /* the URL may reach another browser, or surprise whom it reaches */
	struct slice account;   /* the likeliest account's address; empty: not known */
	struct slice return_to; /* checked before: a path of ours, or an allowed origin's URL */
};

/* Appends the provider's URL to url; the state row is committed then. */
MUST_USE enum err oauth_start(struct work *work, const struct oauth_start *start, struct buf *url,
			      struct fail *why);

#endif
