#ifndef CB_WEB_CSRF_H
#define CB_WEB_CSRF_H
/*
 * csrf: the token that a form or a script of ours carries, so that no other site's can do as ours.
 * It is made of what it is good for, and kept nowhere.
 * Stands on base/digest, base/seal (subkey "csrf").
 * Source: security requirements B2, K2, K3.
 */
#include "base/digest.h"
#include "base/err.h"
#include "base/rand.h"
#include "base/text.h"

struct seal_ring;

enum { CSRF_TOKEN_BYTES = BASE64URL_32_BYTES };

/* What a token is good for. */
struct csrf_use {
	const char *kind; /* "session:", "consent:" */
	struct id id;
	struct slice browser; /* its cookie's value; empty: whoever carries the session's */
};

/* The token for that use, by the active key. ERR_INTERNAL. */
MUST_USE enum err csrf_token(const struct seal_ring *ring, const struct csrf_use *use,
			     char out[CSRF_TOKEN_BYTES]);

/*
 * Is that the token for this use? One that was given before another key became the active one is
 * good for as long as the ring holds its key. ERR_CSRF, ERR_INTERNAL.
 */
MUST_USE enum err csrf_check(const struct seal_ring *ring, const struct csrf_use *use,
			     struct slice shown);

#endif
