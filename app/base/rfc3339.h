#ifndef CB_BASE_RFC3339_H
#define CB_BASE_RFC3339_H
/*
 * rfc3339: times as text. Reads the strict profile we accept (date, 'T', time with seconds,
 * optional fraction of 1 to 9 digits, and 'Z', an offset, or nothing for a local time; letters
 * in capitals) and writes it. Years 2000 to 2100, of the text and in UTC; no leap second, no
 * 24:00, offsets to 23:59, real calendar dates only. Pure but for the zones.
 * Stands on civil, zone.
 * Source: RFC 3339; contract "For every endpoint" (times).
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"
#include "base/zone.h"

enum { RFC3339_BYTES = 32 }; /* any text that the writers make, NUL included */

/* A time as it was written: an instant, or a wall time that still needs a zone. */
struct rfc3339 {
	int64_t ms; /* since 1970-01-01T00:00:00, in UTC if instant, else on the local clock */
	bool instant;
};

/* ERR_BAD_REQUEST when it is no such time. Fractions beyond milliseconds are cut off. */
MUST_USE enum err rfc3339_read(struct slice text, struct rfc3339 *out);

/*
 * The same, completed: a local time is read in zone; without one (NULL) it is ERR_BAD_REQUEST;
 * ERR_FIELDS when that wall time does not exist there. *instant_ms is 0 unless OK.
 */
MUST_USE enum err rfc3339_instant(struct slice text, const struct zone *zone, int64_t *instant_ms);

/* The writers take instants of the years 0001 to 9998; others become the nearest of those. */

/* "2025-12-02T15:00:00.000Z" */
void rfc3339_utc(int64_t instant_ms, char out[RFC3339_BYTES]);

/* "2025-12-02T10:00:00-05:00": the wall time in zone with its offset, to the second. */
void rfc3339_zoned(int64_t instant_ms, const struct zone *zone, char out[RFC3339_BYTES]);

/* "2025-12-02T10:00:00": the wall time alone. */
void rfc3339_local(int64_t instant_ms, const struct zone *zone, char out[RFC3339_BYTES]);

#endif
