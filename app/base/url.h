#ifndef CB_BASE_URL_H
#define CB_BASE_URL_H
/*
 * url: the plain URLs that settings, origins and links are made of, taken apart and judged:
 * scheme, host, port and path; no user, query or fragment. Pure. Stands on text.
 * Source: RFC 3986; RFC 6454 section 6 (what a browser sends as an origin).
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/text.h"

/* The slices point into the text that was read. */
struct url {
	bool tls;          /* https, else http */
	struct slice host; /* in lower case; an IPv6 address with its brackets */
	unsigned port;     /* 0: not written */
	struct slice path; /* "" or begins with a slash */
};

/*
 * Reads http:// or https://, a host, and as they may come a port and a path. ERR_BAD_REQUEST for
 * anything else, also for capitals in the scheme or host, a port that is the scheme's own, and
 * "." or ".." as a segment: so that two texts that mean the same are the same.
 */
MUST_USE enum err url_read(struct slice text, struct url *out);

/* Reads host[:port] alone; 0 as *port when it is not written. */
MUST_USE enum err url_read_host(struct slice text, struct slice *host, unsigned *port);

/* "localhost", 127.0.0.0/8 or [::1]: a host that is this machine. */
bool url_is_loopback(struct slice host);

#endif
