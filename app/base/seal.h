#ifndef CB_BASE_SEAL_H
#define CB_BASE_SEAL_H
/*
 * seal: secrets at rest. AES-256-GCM under a subkey per tenant, bound to tenant, row and
 * column, so that a blob copied elsewhere does not open; and the key ring that holds the
 * master keys and derives one subkey a purpose (HKDF-SHA256).
 * Blob: 1 byte format (1), 4 bytes key number (big endian), 12 bytes nonce, ciphertext, 16
 * bytes tag. Authenticated beside it, each part behind its length (4 bytes, big endian):
 * "calbridge/token/1", the blob's first 5 bytes, tenant id, row id, column name.
 * Subkeys: info is "calbridge/token/1", NUL and the tenant's id for blobs, and
 * "calbridge/subkey/1/" and the purpose for the others.
 * Stands on digest, file, rand, secret, OpenSSL EVP. The ring never changes after it was read and
 * is safe from all threads.
 */
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/rand.h"
#include "base/secret.h"
#include "base/text.h"

struct seal_ring;

enum { SEAL_OVERHEAD_BYTES = 33, SEAL_KEY_BYTES = 32 };

/*
 * Where a blob belongs: part of what is authenticated. column is a string constant of at most 64
 * bytes.
 */
struct seal_place {
	struct id tenant;
	struct id row;
	const char *column;
};

/*
 * Reads the ring file: lines `number base64(32 bytes) active|old` with a number from 1 to
 * 4294967295, # comments; exactly one active; at most 64; mode 0440 or narrower; no number or
 * key twice, no key all zero.
 * returns OK, ERR_CONFIG (why->detail names the line and never a key), ERR_NOMEM, ERR_INTERNAL
 *         (OpenSSL has no AES-256-GCM or SHA-256)
 */
MUST_USE enum err seal_ring_read(const char *path, struct seal_ring **out, struct fail *why);

/* Wipes and frees. NULL is fine. */
void seal_ring_free(struct seal_ring *ring);

/* The number of the active key, as it stands in new blobs. */
uint32_t seal_active(const struct seal_ring *ring);

/* The number of the ring's i-th key, active or old; 0: there are no more. */
uint32_t seal_number_at(const struct seal_ring *ring, size_t i);

/* Is that key number in the ring? */
bool seal_has_key(const struct seal_ring *ring, uint32_t number);

/* The key number a blob was sealed with; 0 when it is no blob. */
uint32_t seal_key_of(struct slice blob);

/* Appends the sealed form of secret to out. ERR_NOMEM, ERR_TOO_LONG, ERR_INTERNAL. */
MUST_USE enum err seal_close(const struct seal_ring *ring, const struct seal_place *place,
			     const struct secret *secret, struct buf *out);

/*
 * Opens a blob into out, which is wiped first. ERR_SEALED for any bit that is not as we wrote it,
 * another place or a key that is not in the ring; ERR_NOMEM, ERR_INTERNAL; out is then empty.
 */
MUST_USE enum err seal_open(const struct seal_ring *ring, const struct seal_place *place,
			    struct slice blob, struct secret *out);

/*
 * A subkey of the active key (or of a numbered one) for a purpose ("pkce", "csrf", "link",
 * "cursor"; at most 44 bytes). Number 0 is the active one. ERR_SEALED when that number is not in
 * the ring, ERR_INTERNAL for a longer purpose; out is then all zero.
 */
MUST_USE enum err seal_subkey(const struct seal_ring *ring, uint32_t number, const char *purpose,
			      unsigned char out[SEAL_KEY_BYTES]);

#endif
