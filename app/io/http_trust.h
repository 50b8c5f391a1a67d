#ifndef CB_IO_HTTP_TRUST_H
#define CB_IO_HTTP_TRUST_H
/*
 * http_trust: the CA store that all TLS connections of all workers share; parsed once, before
 * the fork (http_trust_new and http_trust_free stand in io/http.h).
 * Stands on OpenSSL.
 * Source: SSL_CTX_set1_cert_store(3).
 */
#include "base/err.h"

struct http_trust;

/*
 * Makes an SSL_CTX (ssl_ctx is one) judge by this store and by nothing else.
 * The context takes a share of the store, no copy.
 */
void http_trust_lend(const struct http_trust *trust, void *ssl_ctx);

#endif
