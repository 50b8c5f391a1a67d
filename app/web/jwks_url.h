#ifndef CB_WEB_JWKS_URL_H
#define CB_WEB_JWKS_URL_H
/*
 * jwks_url: the key set behind JWT_JWKS_URL, of which each process keeps its own for its threads.
 * It is asked for when a token names a key that is not in it, and when it is an hour old, so that a
 * key that was withdrawn ends; at most once a minute in each process, whatever tokens come. One
 * thread asks; those that lack a key wait for it, the others use what there is. When no set comes,
 * or one without a good key, the one before stays.
 * Stands on web/jwks, io/http, io/flight, service/svc; pthreads.
 * Source: security requirements A4, N1 to N3.
 */
#include <openssl/evp.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

struct jwks_url;
struct work;

enum { JWKS_URL_ASK_MS = 60 * 1000, JWKS_URL_OLD_MS = 3600 * 1000 };

/*
 * Asks for nothing yet, so it may be made before the fork. url and algorithm are borrowed for its
 * life. NULL without memory.
 */
struct jwks_url *jwks_url_new(const char *url, const char *algorithm);
/* No thread may be in it. NULL is fine. */
void jwks_url_free(struct jwks_url *keys);

/*
 * The key called kid at now_ms, as jwks_find finds and gives it. May ask and wait, at most 10 s and
 * until work's deadline.
 *
 * returns  OK; ERR_NO_CREDENTIAL: no such key; ERR_NO_KEYS: no set has come yet,
 *          why->retry_after_s is set
 */
MUST_USE enum err jwks_url_find(struct jwks_url *keys, const struct work *work, struct slice kid,
				int64_t now_ms, EVP_PKEY **out, struct fail *why);

#endif
