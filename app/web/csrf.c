#include "web/csrf.h"

#include <string.h>

#include "base/seal.h"

static enum err token_by(const struct seal_ring *ring, uint32_t number, const struct csrf_use *use,
			 char out[CSRF_TOKEN_BYTES])
{
	unsigned char key[SEAL_KEY_BYTES], mac[SHA256_BYTES];
	const struct slice pieces[] = {
		slice_of(use->kind),
		{(const char *)use->id.bytes, ID_BYTES},
		use->browser,
	};
	enum err e = seal_subkey(ring, number, "csrf", key);

	if (e)
		return e;
	digest_hmac((struct slice){(const char *)key, sizeof(key)}, pieces, ARRAY_LEN(pieces), mac);
	digest_base64url(mac, sizeof(mac), out);
	explicit_bzero(key, sizeof(key));
	return OK;
}

enum err csrf_token(const struct seal_ring *ring, const struct csrf_use *use,
		    char out[CSRF_TOKEN_BYTES])
{
	return token_by(ring, seal_active(ring), use, out);
}

enum err csrf_check(const struct seal_ring *ring, const struct csrf_use *use, struct slice shown)
{
	char token[CSRF_TOKEN_BYTES];
	uint32_t number;

	for (size_t i = 0; (number = seal_number_at(ring, i)); i++) {
		enum err e = token_by(ring, number, use, token);

		if (e)
			return e;
		if (digest_equal(shown, slice_of(token)))
			return OK;
	}
	return ERR_CSRF;
}
