#include "io/http_trust.h"

#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>

#include "base/config.h"

struct http_trust {
	X509_STORE *store;
};

/* Each reason of OpenSSL would be told again at the next error of somebody else. */
static enum err refuse(const char *path, struct fail *why)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return fail_set(why, ERR_CONFIG, "CA file %s: %s", path,
			reason ? reason : "no certificate in it");
}

static enum err load(struct http_trust *trust, const char *path, struct fail *why)
{
	trust->store = X509_STORE_new();
	if (!trust->store)
		return ERR_NOMEM;
	if (!path)
		return fail_set(why, ERR_CONFIG, "no CA file is known on this system");
	if (X509_STORE_load_file(trust->store, path) != 1)
		return refuse(path, why);
	if (sk_X509_OBJECT_num(X509_STORE_get0_objects(trust->store)) < 1)
		return refuse(path, why);
	return OK;
}

enum err http_trust_new(const struct config *config, struct http_trust **out, struct fail *why)
{
	const char *path = config->https_ca_file;
	struct http_trust *trust = calloc(1, sizeof(*trust));
	enum err e;

	*out = NULL;
	if (!trust)
		return ERR_NOMEM;
	if (curl_global_init(CURL_GLOBAL_DEFAULT)) {
		free(trust);
		return fail_set(why, ERR_INTERNAL, "libcurl does not start");
	}
	if (!path)
		path = curl_version_info(CURLVERSION_NOW)->cainfo;
	e = load(trust, path, why);
	if (!e)
		*out = trust;
	else
		http_trust_free(trust);
	return e;
}

void http_trust_free(struct http_trust *trust)
{
	if (!trust)
		return;
	X509_STORE_free(trust->store);
	free(trust);
	curl_global_cleanup();
}

void http_trust_lend(const struct http_trust *trust, void *ssl_ctx)
{
	SSL_CTX_set1_cert_store(ssl_ctx, trust->store);
}
