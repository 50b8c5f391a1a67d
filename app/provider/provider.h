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
 * sent), ERR_DEADLINE, ERR_NOMEM. Calls with an access token also: ERR_TOKEN (401: the token
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
#include "model/event.h"

struct config;
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
	bool whole; /* of an event all is read, else no more than where it stands */
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
	struct slice id; /* never changes: Google's sub, Microsoft's tid and oid */
	struct slice email;
};

/* Our private properties on an event, which no guest sees. */
struct stamp {
	const char *marker; /* of this event alone; 1 to 64 bytes */
	const char *owner;  /* of all events of this owner; 1 to 64 bytes */
};

enum { PLACED_LINK_BYTES_MAX = 1024 };

/* An event as it stands at the provider. Slices live in cx's arena. */
struct placed {
	struct slice id;
	struct slice html_link; /* may be empty; at most PLACED_LINK_BYTES_MAX */
	struct slice series;    /* in a list: the event of which it is an instance; may be empty */
	struct slice etag;
	struct slice marker; /* our private marker on it; empty: none */
	bool cancelled;      /* deleted, but its id is still taken */

	/* read only where cx->whole */
	struct event event; /* time_zone may be none that we know; empty: it keeps none for us */
	bool whole_day;     /* its times are days: start_ms and end_ms are their midnights in UTC */
	int64_t created_ms; /* 0: not said */
	int64_t updated_ms;
	struct slice ical_uid;
	struct slice conference_url; /* may be empty */
	struct slice keep; /* the provider's own words that its change needs; may be empty */
};

/* Which events a list is asked for. */
struct event_range {
	int64_t from_ms;   /* that end after it; INT64_MIN: from the first */
	int64_t to_ms;     /* that begin before it; INT64_MAX: to the last */
	unsigned max;      /* of a page, 1 to 250; it may be shorter and not the last */
	struct slice page; /* empty: the first; else what `next` said */
};

struct placed_list {
	const struct placed *items; /* by start */
	size_t n;
	struct slice next; /* the next page; empty: there is none */
};

/* What a provider lets one calendar account ask for; 0: as much as it likes. */
struct provider_budget {
	unsigned calls_per_min;
	unsigned at_once;
};

struct provider {
	const char *name;  /* "google": in URLs, rows and logs; never changes */
	const char *title; /* "Google Calendar": on pages */

	/* Guests hear of every change, whatever notify says. */
	bool mails_always;

	/* Has the operator given us credentials there? Touches no network. */
	bool (*is_configured)(const struct config *config);

	/* Appends the URL where the owner consents. Touches no network. */
	enum err (*consent_url)(const struct provider_cx *cx, const struct consent *ask,
				struct buf *out, struct fail *why);

	/*
	 * The issuer that a callback's `iss` must be, as model/issuer compares it. It may be left
	 * out: no provider announces RFC 9207 in its metadata, not even Google, which sends it.
	 */
	const char *(*issuer)(const struct config *config);

	/* What one account may be asked for. Touches no network. */
	struct provider_budget (*budget)(const struct config *config);

	/*
	 * Code for tokens. who: who consented, where the answer says so; else left empty.
	 * ERR_REFUSED: the code is no good; ERR_MISCONFIGURED: our secret or our application is
	 * not; ERR_CONFIG: what was asked for is not as we are registered.
	 */
	enum err (*exchange)(struct provider_cx *cx, struct slice code, struct slice verifier,
			     struct grant *out, struct account *who, struct fail *why);

	/* ERR_REAUTH only when the provider refused the grant; ERR_MISCONFIGURED for
	 * invalid_client. */
	enum err (*refresh)(struct provider_cx *cx, const struct secret *token, struct grant *out,
			    struct fail *why);

	/* OK also when it was revoked already. */
	enum err (*revoke)(struct provider_cx *cx, const struct secret *token, struct fail *why);

	/*
	 * Who the access token speaks for, and whether there is a calendar for him. who: as the
	 * exchange left it; what is empty in it is filled in. ERR_GONE: there is none.
	 */
	enum err (*account)(struct provider_cx *cx, struct account *who, struct fail *why);

	/* Do these scopes suffice to write events? */
	bool (*scopes_suffice)(struct slice scopes);

	/*
	 * Makes ev under our id, with our stamp. Where the provider chooses the ids itself
	 * (find), ours only names the attempt. out->id is the provider's.
	 * ERR_DUPLICATE: that id is taken; look (get, find) whether it is ours or deleted.
	 */
	enum err (*put)(struct provider_cx *cx, const char *id, const struct stamp *stamp,
			const struct event *ev, struct placed *out, struct fail *why);

	/*
	 * Rewrites the parts (enum event_part) of an event to what ev has there. Guests are
	 * replaced by ev->attendees, so it holds those who are to stay as well (their `raw`).
	 * stands: as a whole get gave it; ERR_STALE when it moved on since. ERR_GONE.
	 */
	enum err (*change)(struct provider_cx *cx, const struct placed *stands,
			   const struct event *ev, unsigned parts, struct placed *out,
			   struct fail *why);

	/* id is the provider's, here and in get. OK also when it is already gone. */
	enum err (*drop)(struct provider_cx *cx, const char *id, bool notify, struct fail *why);

	/* ERR_GONE only for a confirmed absence (404, 410). A deleted one may come as cancelled. */
	enum err (*get)(struct provider_cx *cx, const char *id, struct placed *out,
			struct fail *why);

	/*
	 * Where the provider chooses the ids: the event that carries this marker. NULL: ids are
	 * ours, get finds it. ERR_GONE only for a confirmed absence.
	 */
	enum err (*find)(struct provider_cx *cx, const char *marker, struct placed *out,
			 struct fail *why);

	/*
	 * A page of the events with this owner's stamp that stand in the calendar, all of each
	 * but for the guests' `raw`.
	 * ERR_BAD_REQUEST: the page is none, or none any more.
	 */
	enum err (*list)(struct provider_cx *cx, const char *owner, const struct event_range *range,
			 struct placed_list *out, struct fail *why);
};

#endif
