#ifndef CB_SERVICE_PKCE_H
#define CB_SERVICE_PKCE_H
/*
 * pkce: the proof that who brings a code is who began the flow. The verifier is made of the state,
 * again at the callback, so it is stored nowhere.
 * Stands on base/digest, base/seal.
 * Source: RFC 7636 (S256); security requirements O4, K3.
 */
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/text.h"

struct seal_ring;

/*
 * The verifier of a state, by the key that was the active one when the flow began; the caller wipes
 * it. ERR_INTERNAL, ERR_SEALED: the ring has not that key.
 */
MUST_USE enum err pkce_verifier(const struct seal_ring *ring, uint32_t number, struct slice state,
				char out[BASE64URL_32_BYTES]);

/* The challenge of a verifier. */
void pkce_challenge(const char *verifier, char out[BASE64URL_32_BYTES]);

#endif
