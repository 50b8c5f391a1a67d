#ifndef CB_MODEL_RETURN_PLACE_H
#define CB_MODEL_RETURN_PLACE_H
/*
 * return_place: where a browser may be sent after a flow: a path of our own site, or a page of
 * an allowed origin; never another host. Pure.
 * Source: RFC 9700 section 4.11; security requirement O9.
 */
#include <stdbool.h>

#include "base/buf.h"
#include "base/text.h"

enum { RETURN_PLACE_BYTES = 512 };

/* Where a browser is sent that has no other place to go to. */
#define RETURN_PLACE_DEFAULT SLICE("/dashboard/")

/*
 * May it be used? A path begins with one '/', an URL with exactly one of the origins (comma list),
 * followed by
 * '/', '?' or nothing. Visible ASCII without backslash, quotes, fragment or encoded
 * slashes.
 */
bool return_place_is_good(struct slice place, struct slice allowed_origins);

/* Is it a path of our own site? */
bool return_place_is_path(struct slice place);

/* Appends the whole URL (public_url before a path) with query ("calendar=connected") joined to it.
 */
void return_place_url(struct buf *out, struct slice place, const char *public_url,
		      struct slice query);

#endif
