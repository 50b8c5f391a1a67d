#ifndef CB_SERVICE_PKCE_H
#define CB_SERVICE_PKCE_H
/*
 * pkce: the proof that who brings a code is who began the flow. The verifier is made of the state,
 * again at the callback, so it is stored nowhere.
 * Stands on base/digest, base/seal.
 * Source: RFC 7636 (S256); security requirement O4.
 */
#include "base/digest.h"
#include "base/err.h"
#include "base/text.h"

struct seal_ring;

/* The verifier of a state; the caller wipes it. ERR_INTERNAL, ERR_SEALED: no key to make it with.
 */
MUST_USE enum err pkce_verifier(const struct seal_ring *ring, struct slice state,
				char out[BASE64URL_32_BYTES]);

/* The challenge of a verifier. */
void pkce_challenge(const char *verifier, char out[BASE64URL_32_BYTES]);

#endif
