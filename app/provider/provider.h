#ifndef CB_PROVIDER_PROVIDER_H
#define CB_PROVIDER_PROVIDER_H
/*
 * provider: what every calendar provider can do for us. The list of them is in providers.
 * Translation only: no SQL, no retries, no clock, no globals; the service above decides when and
 * how often. Each call is at most one HTTPS exchange within cx's deadline. A NULL member
 * means "cannot".
 *
 * Errors common to all calls that ask the provider: ERR_THROTTLED (rate limit or quota;
 * why->retry_after_s), ERR_UPSTREAM, ERR_UPSTREAM_SLOW (outcome unknown), ERR_UNREACHABLE (nothing
 * sent), ERR_DEADLINE, ERR_NOMEM. Calls with an access token also: ERR_STALE (401: the token
 * is not good any more), ERR_SCOPE_MISSING (403 for want of a scope), ERR_MISCONFIGURED
 * (the API is not enabled for our application), ERR_REFUSED (another 4xx: repeating cannot help).
 * why->detail names the provider's reason, never its texts.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/text.h"

struct config;
struct event;
struct http;

/* What a call stands on; borrowed for the call. Results live in arena. */
struct provider_cx {
	struct http *http;
	struct arena *arena;
	const struct config *config;
	int64_t deadline_ms;         /* of the monotonic clock */
	unsigned timeout_s;          /* of the exchange */
	const struct secret *access; /* NULL for calls without a token */
	struct slice calendar_id;    /* for calls on events */
};

/* What a consent URL carries. */
struct consent {
	struct slice state;
	struct slice challenge;  /* PKCE, S256, base64url */
	struct slice login_hint; /* an address, or empty */
};

/* Tokens as an exchange or refresh gave them. Owned: grant_wipe. */
struct grant {
	struct secret access;
	struct secret refresh; /* empty: none came, keep the old one */
	int64_t expires_in_s;  /* 1 to 86,400; 3,600 at most when the provider did not say */
	struct slice scopes;   /* as granted, space separated; empty: not said */
};

/* Wipes both tokens; leaves it empty. */
void grant_wipe(struct grant *grant);

/* Who consented. */
struct account {
	struct slice id; /* never changes: Google's sub */
	struct slice email;
};

/* An event as it stands at the provider. */
struct placed {
	struct slice id;
	struct slice html_link; /* may be empty */
	struct slice etag;
	struct slice marker; /* our private marker on it; empty: none */
	bool cancelled;      /* deleted, but its id is still taken */
};

struct provider {
	const char *name; /* "google": in URLs, rows and logs; never changes */

	/* Has the operator given us credentials there? Touches no network. */
	bool (*is_configured)(const struct config *config);

	/* Appends the URL where the owner consents. Touches no network. */
	enum err (*consent_url)(const struct provider_cx *cx, const struct consent *ask,
				struct buf *out, struct fail *why);

	/* The issuer that a callback's `iss` must equal, byte for byte. */
	const char *(*issuer)(const struct config *config);

	/* Code for tokens. ERR_REFUSED: the code is no good; ERR_MISCONFIGURED: we are not. */
	enum err (*exchange)(struct provider_cx *cx, struct slice code, struct slice verifier,
			     struct grant *out, struct fail *why);

	/* ERR_REAUTH only when the provider refused the grant; ERR_MISCONFIGURED for
	 * invalid_client. */
	enum err (*refresh)(struct provider_cx *cx, const struct secret *token, struct grant *out,
			    struct fail *why);

	/* OK also when it was revoked already. */
	enum err (*revoke)(struct provider_cx *cx, const struct secret *token, struct fail *why);

	/* Who the access token speaks for. */
	enum err (*account)(struct provider_cx *cx, struct account *out, struct fail *why);

	/* Do these scopes suffice to write events? */
	bool (*scopes_suffice)(struct slice scopes);

	/*
	 * Makes ev under our id, with marker (1 to 64 bytes) as a private property.
	 * ERR_DUPLICATE: that id is taken; look (get) whether it is ours or deleted.
	 */
	enum err (*put)(struct provider_cx *cx, const char *id, const char *marker,
			const struct event *ev, struct placed *out, struct fail *why);

	/*
	 * Rewrites the event's own fields; guests only where ev->attendees is not NULL, and then
	 * the list replaces theirs, answers included. if_match (may be NULL): ERR_STALE when it
	 * moved on. ERR_GONE.
	 */
	enum err (*change)(struct provider_cx *cx, const char *id, const char *if_match,
			   const struct event *ev, struct placed *out, struct fail *why);

	/* OK also when it is already gone. */
	enum err (*drop)(struct provider_cx *cx, const char *id, bool notify, struct fail *why);

	/* ERR_GONE only for a confirmed absence (404, 410). A deleted one may come as cancelled. */
	enum err (*get)(struct provider_cx *cx, const char *id, struct placed *out,
			struct fail *why);
};

#endif
