#ifndef CB_WEB_JWKS_H
#define CB_WEB_JWKS_H
/*
 * jwks: public keys of those who sign user tokens, from a JSON Web Key Set. Pure; the set never
 * changes after it was read and is safe from all threads.
 * Stands on base/json, base/digest, OpenSSL EVP.
 * Source: RFC 7517, RFC 7518 section 6; security requirement A4.
 */
#include <openssl/evp.h>
#include <stddef.h>

#include "base/err.h"
#include "base/text.h"

struct jwk;

struct jwks {
	struct jwk *keys;
	size_t n;
};

/*
 * Reads the keys that may be used with algorithm ("RS256": 2048 bit and more, or "ES256"), at most
 * 64 of them. Others and bad ones are skipped, each with a line in the log.
 *
 * out      empty unless OK; then jwks_free ends it
 * returns  OK, ERR_CONFIG (why->detail: no key set, or no key in it that is any good), ERR_NOMEM
 */
MUST_USE enum err jwks_read(struct slice text, const char *algorithm, struct jwks *out,
			    struct fail *why);
/* Frees the keys. NULL is fine. */
void jwks_free(struct jwks *keys);

/*
 * The key called kid, or NULL; without a kid (NULL data) the only one there is. The caller gives it
 * back by EVP_PKEY_free; it may outlive the set.
 */
EVP_PKEY *jwks_find(const struct jwks *keys, struct slice kid);

#endif
