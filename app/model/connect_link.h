#ifndef CB_MODEL_CONNECT_LINK_H
#define CB_MODEL_CONNECT_LINK_H
/*
 * connect_link: the last part of a connectUrl: whom it is for, signed, kept nowhere. It is no
 * credential but to connect a calendar for that person, any number of times until it expires.
 *
 * base64url of: 1 byte kind, 4 bytes the end of its time (seconds since 1970), 4 bytes number of
 * the key that signed it, 16 bytes tenant, then by kind the owner's id (1), the ids of owner and
 * connection (2) or the owner's external id (3), and at the end the first 16 bytes of HMAC-SHA256
 * over a word of ours and all that. Numbers are big endian. Letters, digits, '-' and '_' alone.
 *
 * Kind 3 is for owners whom the client application has named and who have no row here yet: reading
 * makes none, only who starts to connect does. Their ids fit up to CONNECT_LINK_EXTERNAL_BYTES.
 *
 * Pure. Stands on base/seal (subkey "link"), base/digest.
 * Source: contract 6; security requirements K2, I10.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rand.h"
#include "base/text.h"

struct arena;
struct seal_ring;

enum {
	CONNECT_LINK_VALID_S = 24 * 3600,
	CONNECT_LINK_EXTERNAL_BYTES = 55,
	CONNECT_LINK_BYTES = 129 /* of its text, NUL included */
};

struct connect_link {
	struct id tenant;
	struct id owner;          /* none: external_id says who */
	struct id connection;     /* the one to be consented again; none: any calendar */
	struct slice external_id; /* of an owner without a row; empty: owner says who */
	int64_t expires_ms;       /* since 1970 */
};

/*
 * Writes the link's text, signed by the active key; expires_ms is kept to the second.
 * ERR_TOO_LONG: an external id that does not fit; ERR_BAD_REQUEST: it names nobody; ERR_INTERNAL
 */
MUST_USE enum err connect_link_write(const struct seal_ring *ring, const struct connect_link *link,
				     char out[CONNECT_LINK_BYTES]);

/*
 * Reads a text back, whether its time is over or not. out's external id lives in arena.
 * ERR_BAD_REQUEST: not one of ours, or changed; ERR_SEALED: the ring has not the key that it says
 * it was signed with; ERR_NOMEM, ERR_INTERNAL
 */
MUST_USE enum err connect_link_read(const struct seal_ring *ring, struct slice text,
				    struct arena *arena, struct connect_link *out);

#endif
