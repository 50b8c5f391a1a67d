#ifndef CB_WEB_JWT_H
#define CB_WEB_JWT_H
/*
 * jwt: user tokens: compact JWS, one algorithm that the settings pin, checked claims.
 * Pure but for the clock it is given, unless the keys come from a URL.
 * Stands on web/jwks, web/jwks_url, base/json, base/digest, OpenSSL EVP.
 * Source: RFC 7515, 7518, 7519, 8725; security requirement A3.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"

struct config;
struct jwt_keys;
struct work;

enum { JWT_BYTES_MAX = 8192, JWT_LEEWAY_S = 60 };

/* What a good token says; slices live in the arena. */
struct jwt_claims {
	struct slice subject;
	struct slice role; /* empty: none */
	struct slice email;
	struct slice name;
	int64_t expires_s; /* since 1970 */
	bool is_guess; /* with an error: a key of ours did not sign it, nor is its key unknown */
};

/*
 * Keys as the settings say: JWT_SECRET for HS256, else JWT_JWKS_FILE, which is read now, or
 * JWT_JWKS_URL, which is asked when a token comes. *out is NULL when there are none. config is
 * borrowed for the life of the keys, which jwt_keys_free ends (NULL is fine). returns OK,
 * ERR_CONFIG (why->detail says what is wrong), ERR_NOMEM
 */
MUST_USE enum err jwt_keys_read(const struct config *config, struct jwt_keys **out,
				struct fail *why);
/* Wipes and frees them. NULL is fine. */
void jwt_keys_free(struct jwt_keys *keys);

/*
 * Checks a token at now_ms: its form, the algorithm, the signature, then exp (not a second late),
 * nbf and iat (JWT_LEEWAY_S), iss and aud where the settings name them, and sub, which must be what
 * an owner's id can be. An e-mail or name that we would not store is left out of the claims.
 * Without keys (NULL) no token is any good.
 *
 * work     has the arena; its svc and deadline are used where keys come from a URL
 * returns  OK; ERR_NO_CREDENTIAL for every fault, why->detail says which, for the log; ERR_NO_KEYS
 *          (web/jwks_url); ERR_NOMEM
 */
MUST_USE enum err jwt_check(const struct jwt_keys *keys, const struct work *work,
			    struct slice token, int64_t now_ms, struct jwt_claims *out,
			    struct fail *why);

/*
 * The sub that a token claims, whoever wrote it: for the count of guesses and nothing else. Empty
 * when there is none that an owner could have.
 */
struct slice jwt_claimed_subject(struct arena *arena, struct slice token);

#endif
