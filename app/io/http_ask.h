#ifndef CB_IO_HTTP_ASK_H
#define CB_IO_HTTP_ASK_H
/*
 * http_ask: what one HTTPS exchange sends and what it brings back, as plain values.
 * Stands on base.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"

struct secret;

/* What to send. All is borrowed for the call; NULL or empty where not wanted. */
struct http_ask {
	const char *method;       /* "GET", "POST", "PATCH", "PUT", "DELETE" */
	const char *url;          /* whole, encoded */
	const char *content_type; /* of body */
	struct slice body;
	const struct secret *bearer; /* sent as Authorization: Bearer, and nowhere logged */
	const char *if_match;        /* an ETag with its quotes */
	const char *prefer;          /* RFC 7240 */
	int64_t deadline_ms;         /* of the monotonic clock; the whole exchange */
	unsigned timeout_s;   /* and at most this long (connect: 3 s); 0: the deadline alone */
	size_t ceiling_bytes; /* of the answer's body; 0: 1 MiB */
	bool once; /* never again by itself on a kept connection that died; costs a new one */
};

/* What came back: any status at all is OK for http_exchange. */
struct http_reply {
	int status;
	struct buf body;        /* of the arena; its bytes as they came (identity encoding alone) */
	unsigned retry_after_s; /* from seconds or a date, 1 to 3600; 0: none */
	bool is_json;           /* by its Content-Type, and not encoded */
	bool is_encoded;        /* compressed although nobody asked for it: not readable */
};

#endif
