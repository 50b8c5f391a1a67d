#ifndef CB_BASE_SECRET_H
#define CB_BASE_SECRET_H
/*
 * secret: text that is wiped when it ends and that nothing prints: tokens, keys, passwords.
 * The bytes are reachable only through secret_slice, so that a grep for it shows every place
 * where a secret leaves. Stands on OpenSSL (OPENSSL_cleanse).
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/text.h"

struct secret {
	char *data; /* NULL: empty */
	size_t len;
};

enum { SECRET_BYTES_MAX = 8192 };

/*
 * A copy of text, at most SECRET_BYTES_MAX, which may be a part of the secret itself. Wipes what
 * was there, also with ERR_TOO_LONG or ERR_NOMEM.
 */
MUST_USE enum err secret_set(struct secret *secret, struct slice text);

/* Room of len zero bytes to fill in place; wipes what was there. ERR_TOO_LONG, ERR_NOMEM. */
MUST_USE enum err secret_room(struct secret *secret, size_t len, char **out);

/* Moves from into to (wiped first) and leaves from empty. */
void secret_move(struct secret *to, struct secret *from);

/* Wipes and frees; leaves it empty. */
void secret_wipe(struct secret *secret);

/* Holds nothing? */
bool secret_is_empty(const struct secret *secret);

/* The bytes, NUL-terminated as well. Good until the secret changes. */
struct slice secret_slice(const struct secret *secret);

#endif
