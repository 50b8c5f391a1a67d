#ifndef CB_SERVICE_SHOWING_H
#define CB_SERVICE_SHOWING_H
/*
 * showing: what a provider says of an event, and what we know beside it, as the JSON that the
 * contract shows. Stands on model/standing, provider, store/mappings, store/connections.
 */
#include "base/err.h"
#include "base/text.h"

struct connection;
struct event;
struct mapping;
struct placed;
struct work;

struct showing {
	const struct mapping *mapping; /* NULL: we did not make it */
	const struct event *kept;      /* as it was asked for; NULL: not known */
	const struct connection *connection;
	struct slice owner_zone; /* the owner's, may be empty */
};

/* The zone in which it is shown: as it was asked for, the provider's, the owner's, the default. */
struct slice showing_zone(const struct work *work, const struct showing *showing,
			  const struct placed *placed);

/* One JSON object in work's arena; placed was read whole. ERR_NOMEM, ERR_TOO_LONG. */
MUST_USE enum err showing_write(const struct work *work, const struct showing *showing,
				const struct placed *placed, struct slice *out);

#endif
