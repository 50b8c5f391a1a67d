#ifndef CB_IO_HTTP_TRUST_H
#define CB_IO_HTTP_TRUST_H
/*
 * http_trust: the CA store that all TLS connections of all workers share; parsed once, before
 * the fork.
 * Stands on OpenSSL.
 * Source: SSL_CTX_set1_cert_store(3).
 */
#include "base/err.h"

struct config;
struct http_trust;

/*
 * Parses the CA bundle once, in the parent before it forks.
 * ERR_CONFIG when the file cannot be read or holds no certificate.
 */
MUST_USE enum err http_trust_new(const struct config *config, struct http_trust **out,
				 struct fail *why);

/* Gives the store back. NULL is fine. */
void http_trust_free(struct http_trust *trust);

/*
 * Makes an SSL_CTX (ssl_ctx is one) judge by this store and by nothing else.
 * The context takes a share of the store, no copy.
 */
void http_trust_lend(const struct http_trust *trust, void *ssl_ctx);

#endif
