#include "service/pkce.h"

#include <string.h>

#include "base/seal.h"

enum err pkce_verifier(const struct seal_ring *ring, uint32_t number, struct slice state,
		       char out[BASE64URL_32_BYTES])
{
	unsigned char key[SEAL_KEY_BYTES];
	unsigned char mac[SHA256_BYTES];
	enum err e = seal_subkey(ring, number, "pkce", key);

	if (e)
		return e;
	digest_hmac((struct slice){(const char *)key, sizeof(key)}, &state, 1, mac);
	digest_base64url(mac, sizeof(mac), out);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(mac, sizeof(mac));
	return OK;
}

void pkce_challenge(const char *verifier, char out[BASE64URL_32_BYTES])
{
	struct slice text = slice_of(verifier);
	unsigned char hash[SHA256_BYTES];

	digest_sha256(&text, 1, hash);
	digest_base64url(hash, sizeof(hash), out);
}
