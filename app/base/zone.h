#ifndef CB_BASE_ZONE_H
#define CB_BASE_ZONE_H
/*
 * zone: IANA time zones by the system's tzdata, read through GLib's GTimeZone.
 * A zone is loaded at its first use and stays for the life of the process, which bounds the
 * memory by the system's list (some 600 names, 13 MB if all of them were asked for).
 * Safe from all threads: finding a loaded zone takes no lock, loading one takes a mutex of
 * this module, the only one outside of app/io.
 * Stands on file, text, GLib.
 * Source: contract "For every endpoint" (times); GLib GTimeZone; RFC 8536.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

struct zone;

enum { ZONE_NAME_BYTES = 64 }; /* the longest name with its NUL */

/*
 * The zone of that name, or NULL: only names of the system's list (a relative path of letters,
 * digits, _ + - / that names a zone file there), never a path outside it, a POSIX rule or an
 * offset. Names are told apart by case. Reads a file at the first use of a name, and for each
 * question about one that does not exist. Valid for ever.
 */
const struct zone *zone_find(struct slice name);

/* Its name as it was asked for. */
const char *zone_name(const struct zone *zone);

/* Seconds east of UTC at that instant. */
int zone_offset_s(const struct zone *zone, int64_t instant_ms);

/*
 * The instant of a wall time (milliseconds since 1970-01-01T00:00:00 as if it were UTC).
 * An ambiguous one (clock set back) is the first of the two.
 * returns OK, ERR_FIELDS (no such time: the clock was set forward over it; *instant_ms is 0)
 */
MUST_USE enum err zone_to_instant(const struct zone *zone, int64_t wall_ms, int64_t *instant_ms);

#endif
