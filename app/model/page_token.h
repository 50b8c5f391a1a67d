#ifndef CB_MODEL_PAGE_TOKEN_H
#define CB_MODEL_PAGE_TOKEN_H
/*
 * page_token: the nextPageToken of a list that goes through several calendars: in which of them to
 * go on, and with which page of the provider's. Signed, so that it serves the owner and the range
 * that it was made for alone, and nobody makes one up.
 *
 * base64url of: 4 bytes number of the key that signed it, 16 bytes connection, 2 bytes length of
 * the calendar's id, that id, the provider's page, and the first 16 bytes of HMAC-SHA256 over a
 * word of ours, the list and all that. Numbers are big endian.
 *
 * Pure. Stands on base/seal (subkey "cursor"), base/digest. Source: contract 1; security
 * requirement K2.
 */
#include <stdint.h>

#include "base/err.h"
#include "base/rand.h"
#include "base/text.h"

struct arena;
struct seal_ring;

/* With room for a provider's page of 6 KiB: Outlook's are long. */
enum { PAGE_TOKEN_BYTES_MAX = 9216 };

/* The list that a token goes on with: whose, and between what times. */
struct page_list {
	const struct id *tenant;
	const struct id *owner;
	int64_t from_ms;
	int64_t to_ms;
};

/* Where to go on. */
struct page_place {
	struct id connection;
	struct slice calendar_id;
	struct slice page; /* the provider's; empty: its first */
};

/* Writes it into arena. ERR_TOO_LONG: more than a token can hold; ERR_NOMEM, ERR_INTERNAL */
MUST_USE enum err page_token_write(const struct seal_ring *ring, const struct page_list *list,
				   const struct page_place *place, struct arena *arena,
				   struct slice *out);

/* Reads it back into arena. ERR_BAD_REQUEST: it is none, or one of another list. */
MUST_USE enum err page_token_read(const struct seal_ring *ring, const struct page_list *list,
				  struct slice text, struct arena *arena, struct page_place *out);

#endif
