#include "web/jwks.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/log.h"

enum {
	KEYS_MAX = 64,
	KID_BYTES = 256,
	RSA_BITS_MIN = 2048,
	RSA_BITS_MAX = 8192,
	RSA_EXPONENT_BITS_MAX = 64,
	P256_BYTES = 32,
	BLOCK_BYTES = 16 * 1024,
	CEILING_BYTES = 4 * 1024 * 1024,
};

static const struct json_limits LIMITS = {
	.depth = 6,
	.values = 10000,
	.members = 64,
	.name_bytes = 64,
	.text_bytes = 16 * 1024,
	.object_only = true,
};

struct jwk {
	char kid[KID_BYTES]; /* empty: it has none */
	EVP_PKEY *key;
};

/* The number that member name holds as base64url, or NULL. */
static BIGNUM *read_number(const struct json *jwk, const char *name)
{
	unsigned char raw[RSA_BITS_MAX / 8];
	size_t len;

	if (digest_base64url_read(json_text(jwk, name), raw, sizeof(raw), &len) || len == 0)
		return NULL;
	return BN_bin2bn(raw, (int)len, NULL);
}

/* Takes the parameters that were gathered; NULL when they make no key. */
static EVP_PKEY *make_key(const char *type, OSSL_PARAM_BLD *gathered)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(gathered);
	EVP_PKEY_CTX *cx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (!params || !cx || EVP_PKEY_fromdata_init(cx) != 1 ||
	    EVP_PKEY_fromdata(cx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(cx);
	OSSL_PARAM_free(params);
	return key;
}

static bool is_good_rsa(const BIGNUM *n, const BIGNUM *e)
{
	return n && e && BN_num_bits(n) >= RSA_BITS_MIN && BN_num_bits(n) <= RSA_BITS_MAX &&
	       BN_is_odd(n) && BN_is_odd(e) && !BN_is_one(e) &&
	       BN_num_bits(e) <= RSA_EXPONENT_BITS_MAX;
}

static EVP_PKEY *read_rsa(const struct json *jwk)
{
	OSSL_PARAM_BLD *gathered = OSSL_PARAM_BLD_new();
	BIGNUM *n = read_number(jwk, "n"), *e = read_number(jwk, "e");
	EVP_PKEY *key = NULL;

	if (gathered && is_good_rsa(n, e) &&
	    OSSL_PARAM_BLD_push_BN(gathered, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(gathered, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		key = make_key("RSA", gathered);
	OSSL_PARAM_BLD_free(gathered);
	BN_free(n);
	BN_free(e);
	return key;
}

/* RFC 7518 section 6.2.1: a coordinate has all its bytes, leading zeros too. */
static bool read_coordinate(const struct json *jwk, const char *name, unsigned char *out)
{
	size_t len;

	return !digest_base64url_read(json_text(jwk, name), out, P256_BYTES, &len) &&
	       len == P256_BYTES;
}

static bool is_on_curve(EVP_PKEY *key)
{
	EVP_PKEY_CTX *cx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	bool good = cx && EVP_PKEY_public_check(cx) == 1;

	EVP_PKEY_CTX_free(cx);
	return good;
}

static EVP_PKEY *read_p256(const struct json *jwk)
{
	unsigned char point[1 + 2 * P256_BYTES] = {4}; /* not compressed: x and y follow */
	OSSL_PARAM_BLD *gathered = OSSL_PARAM_BLD_new();
	EVP_PKEY *key = NULL;

	if (gathered && slice_is(json_text(jwk, "crv"), "P-256") &&
	    read_coordinate(jwk, "x", point + 1) &&
	    read_coordinate(jwk, "y", point + 1 + P256_BYTES) &&
	    OSSL_PARAM_BLD_push_utf8_string(gathered, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1",
					    0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(gathered, OSSL_PKEY_PARAM_PUB_KEY, point,
					     sizeof(point)) == 1)
		key = make_key("EC", gathered);
	OSSL_PARAM_BLD_free(gathered);
	if (key && !is_on_curve(key)) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

/* Absent, or this text? */
static bool may_be(const struct json *jwk, const char *name, const char *text)
{
	const struct json *member = json_member(jwk, name);

	return !member || (member->kind == JSON_TEXT && slice_is(member->text, text));
}

/* The key, or NULL: meant for something else, or no good. */
static EVP_PKEY *read_key(const struct json *jwk, const char *algorithm)
{
	struct slice type = json_text(jwk, "kty");

	if (!may_be(jwk, "use", "sig") || !may_be(jwk, "alg", algorithm))
		return NULL;
	if (strcmp(algorithm, "RS256") == 0 && slice_is(type, "RSA"))
		return read_rsa(jwk);
	if (strcmp(algorithm, "ES256") == 0 && slice_is(type, "EC"))
		return read_p256(jwk);
	return NULL;
}

/* Adds one, if it is good and its name is new. */
static bool add(struct jwks *keys, const struct json *jwk, const char *algorithm)
{
	const struct json *kid = json_member(jwk, "kid");
	struct jwk *slot = &keys->keys[keys->n];
	struct slice name = json_text(jwk, "kid");

	if (keys->n == KEYS_MAX || (kid && name.len == 0) ||
	    text_copy(slot->kid, sizeof(slot->kid), name))
		return false;
	for (size_t i = 0; i < keys->n; i++) {
		if (slice_is(name, keys->keys[i].kid))
			return false;
	}
	slot->key = read_key(jwk, algorithm);
	if (!slot->key)
		return false;
	keys->n++;
	return true;
}

static enum err read_set(struct arena *arena, struct slice text, const char *algorithm,
			 struct jwks *out, struct fail *why)
{
	const struct json *set, *list;
	unsigned number = 0;

	if (json_read(arena, text, &LIMITS, &set, NULL))
		return fail_set(why, ERR_CONFIG, "not a JSON Web Key Set");
	list = json_member(set, "keys");
	if (!list || list->kind != JSON_ARRAY)
		return fail_set(why, ERR_CONFIG, "no member \"keys\"");
	for (const struct json *jwk = list->first; jwk; jwk = jwk->next, number++) {
		if (!add(out, jwk, algorithm))
			log_note(LOG_WARNING, "jwks", "key %u is not used: not a good one for %s",
				 number, algorithm);
	}
	/* what OpenSSL thought of the bad ones */
	ERR_clear_error();
	return out->n > 0 ? OK : fail_set(why, ERR_CONFIG, "no key for %s", algorithm);
}

enum err jwks_read(struct slice text, const char *algorithm, struct jwks *out, struct fail *why)
{
	struct arena *arena = arena_new(BLOCK_BYTES, CEILING_BYTES);
	enum err e = ERR_NOMEM;

	*out = (struct jwks){.keys = calloc(KEYS_MAX + 1, sizeof(*out->keys))};
	if (arena && out->keys)
		e = read_set(arena, text, algorithm, out, why);
	if (e)
		jwks_free(out);
	arena_free(arena);
	return e;
}

void jwks_free(struct jwks *keys)
{
	for (size_t i = 0; i < keys->n; i++)
		EVP_PKEY_free(keys->keys[i].key);
	free(keys->keys);
	*keys = (struct jwks){0};
}

static EVP_PKEY *share(EVP_PKEY *key)
{
	return EVP_PKEY_up_ref(key) == 1 ? key : NULL;
}

EVP_PKEY *jwks_find(const struct jwks *keys, struct slice kid)
{
	if (!kid.data)
		return keys->n == 1 ? share(keys->keys[0].key) : NULL;
	for (size_t i = 0; i < keys->n; i++) {
		if (kid.len > 0 && slice_is(kid, keys->keys[i].kid))
			return share(keys->keys[i].key);
	}
	return NULL;
}
