#ifndef CB_BASE_RAND_H
#define CB_BASE_RAND_H
/*
 * rand: random bytes from OpenSSL, and the ids made of them.
 * An id is 128 bits: 48 bits of milliseconds since 1970, then 80 random ones, so that ids made
 * later sort later. As text it is 26 letters of base32hex in lower case (a-v, 0-9), which
 * is at once what Google takes as an event id. Safe from all threads and after a fork.
 * Stands on clock, log, OpenSSL (RAND_bytes).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

enum { ID_BYTES = 16, ID_TEXT_BYTES = 27 };

struct id {
	unsigned char bytes[ID_BYTES];
};

/* Fills out; aborts the process, after one log line, when there is no randomness to give. */
void rand_fill(void *out, size_t len);

/* A number from 0 to below limit (limit > 0), evenly. For jitter, not for secrets. */
uint32_t rand_below(uint32_t limit);

/* A new id of this moment. */
struct id id_new(void);

/* All zero: the id of nothing. */
bool id_is_none(const struct id *id);

/* The same id? */
bool id_equal(const struct id *a, const struct id *b);

/* Its text, 26 characters and a NUL. */
void id_text(const struct id *id, char out[ID_TEXT_BYTES]);

/* Reads it back; ERR_BAD_REQUEST when it is not exactly such a text. */
MUST_USE enum err id_read(struct slice text, struct id *out);

/* The milliseconds since 1970 at which it was made. */
int64_t id_time_ms(const struct id *id);

#endif
