#ifndef CB_BASE_DIGEST_H
#define CB_BASE_DIGEST_H
/*
 * digest: SHA-256, HMAC-SHA256, HKDF-SHA256, base64 and base64url, comparison in constant
 * time. Stands on OpenSSL EVP; algorithms are fetched once, at digest_start.
 * Source: FIPS 180-4, RFC 2104, RFC 5869, RFC 4648.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/text.h"

enum { SHA256_BYTES = 32, BASE64URL_32_BYTES = 44 }; /* 43 characters and a NUL for 32 bytes */

/*
 * Fetches the algorithms, before the first use and before threads; further calls do nothing.
 * ERR_INTERNAL when OpenSSL has them not. Without it, or without memory, the functions that
 * give a digest abort the process.
 */
MUST_USE enum err digest_start(void);

/* SHA-256 of the pieces one after another. */
void digest_sha256(const struct slice *pieces, size_t n, unsigned char out[SHA256_BYTES]);

/* HMAC-SHA256 of the pieces under key (any length). */
void digest_hmac(struct slice key, const struct slice *pieces, size_t n,
		 unsigned char out[SHA256_BYTES]);

/*
 * The first step of HKDF-SHA256, without salt: done once for a key, it serves all purposes. What
 * is extracted is as secret as the key.
 */
void digest_hkdf_extract(struct slice key, unsigned char out[SHA256_BYTES]);

/* The second step: 32 bytes for one purpose (info). */
void digest_hkdf_expand(const unsigned char extracted[SHA256_BYTES], struct slice info,
			unsigned char out[SHA256_BYTES]);

/* Equal? In a time that depends on the lengths alone. */
bool digest_equal(struct slice a, struct slice b);

/* base64url without padding; out has room for (len * 4 + 2) / 3 + 1 bytes. Returns its length. */
size_t digest_base64url(const void *data, size_t len, char *out);

/*
 * Strict reading: no padding, no white space, no bits left over in the last letter.
 * Writes at most size bytes. ERR_BAD_REQUEST when it is not that, ERR_TOO_LONG.
 */
MUST_USE enum err digest_base64url_read(struct slice text, void *out, size_t size, size_t *len);

/* The same for plain base64 with its padding (RFC 4648 section 4), as the key ring file has it. */
MUST_USE enum err digest_base64_read(struct slice text, void *out, size_t size, size_t *len);

#endif
