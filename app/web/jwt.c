#include "web/jwt.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/json.h"
#include "service/svc.h"
#include "web/jwks.h"
#include "web/jwks_url.h"

enum {
	SIGNATURE_BYTES_MAX = 1024, /* of the longest RSA key that jwks takes */
	P256_BYTES = 32,
	DER_BYTES = 8 + 2 * P256_BYTES,
	NAME_BYTES_MAX = 255,
	JWKS_BYTES_MAX = 1024 * 1024,
};

/* Far below what an int64_t holds once it is made milliseconds: the year 9999. */
static const int64_t TIME_MAX_S = INT64_C(253402300799);

/* Claims of other applications may be nested and named by URLs. */
static const struct json_limits LIMITS = {
	.depth = 8,
	.values = 500,
	.members = 100,
	.name_bytes = 256,
	.text_bytes = JWT_BYTES_MAX,
	.object_only = true,
};

enum algorithm { HS256, RS256, ES256 };

static const char *const ALGORITHMS[] = {[HS256] = "HS256", [RS256] = "RS256", [ES256] = "ES256"};

struct jwt_keys {
	enum algorithm algorithm;
	const struct config *config;
	struct jwks public;   /* of JWT_JWKS_FILE */
	struct jwks_url *url; /* or of JWT_JWKS_URL; neither for HS256 */
};

/* A token in its parts, as they came. */
struct parts {
	struct slice header;
	struct slice claims;
	struct slice signature;
	struct slice signed_text;
};

static enum err read_public(struct jwt_keys *keys, struct fail *why)
{
	const char *algorithm = ALGORITHMS[keys->algorithm];
	const char *path = keys->config->jwt_jwks_file, *url = keys->config->jwt_jwks_url;
	struct file file = {0};
	enum err e;

	if (!path == !url)
		return fail_set(why, ERR_CONFIG,
				"JWT_JWKS_FILE or JWT_JWKS_URL: one of them is needed for %s",
				algorithm);
	if (url) {
		keys->url = jwks_url_new(url, algorithm);
		return keys->url ? OK : ERR_NOMEM;
	}
	e = file_read(path, FILE_ANY_MODE, JWKS_BYTES_MAX, &file, why);
	if (!e)
		e = jwks_read(file_slice(&file), algorithm, &keys->public, why);
	file_wipe(&file);
	return e;
}

enum err jwt_keys_read(const struct config *config, struct jwt_keys **out, struct fail *why)
{
	struct jwt_keys *keys;
	size_t algorithm = 0;
	enum err e;

	*out = NULL;
	while (algorithm < ARRAY_LEN(ALGORITHMS) &&
	       strcmp(config->jwt_algorithm, ALGORITHMS[algorithm]) != 0)
		algorithm++;
	if (algorithm == ARRAY_LEN(ALGORITHMS))
		return fail_set(why, ERR_CONFIG, "JWT_ALGORITHM: not HS256, RS256 or ES256");
	if (algorithm == HS256 && secret_is_empty(&config->jwt_secret))
		return OK;
	keys = calloc(1, sizeof(*keys));
	if (!keys)
		return ERR_NOMEM;
	*keys = (struct jwt_keys){.algorithm = (enum algorithm)algorithm, .config = config};
	e = algorithm == HS256 ? OK : read_public(keys, why);
	if (e)
		jwt_keys_free(keys);
	else
		*out = keys;
	return e;
}

void jwt_keys_free(struct jwt_keys *keys)
{
	if (!keys)
		return;
	jwks_free(&keys->public);
	jwks_url_free(keys->url);
	free(keys);
}

static enum err refuse(struct fail *why, const char *reason)
{
	return fail_set(why, ERR_NO_CREDENTIAL, "user token: %s", reason);
}

static enum err take_apart(struct slice token, struct parts *out, struct fail *why)
{
	struct slice rest = token;

	if (token.len == 0 || token.len > JWT_BYTES_MAX)
		return refuse(why, "empty or too long");
	out->header = slice_cut(&rest, '.');
	out->claims = slice_cut(&rest, '.');
	if (!rest.data || memchr(rest.data, '.', rest.len))
		return refuse(why, "not three parts");
	out->signature = rest;
	out->signed_text = (struct slice){token.data, token.len - rest.len - 1};
	return OK;
}

static enum err read_part(struct arena *arena, struct slice part, const struct json **out,
			  struct fail *why)
{
	size_t room = part.len / 4 * 3 + 3, len;
	char *text = arena_alloc(arena, room);
	enum err e;

	if (!text)
		return ERR_NOMEM;
	if (digest_base64url_read(part, text, room, &len))
		return refuse(why, "a part is not base64url");
	e = json_read(arena, (struct slice){text, len}, &LIMITS, out, NULL);
	return e == ERR_MALFORMED ? refuse(why, "a part is not a JSON object") : e;
}

/* RFC 7515 section 4.1.9: media types, so capitals do not count. */
static bool is_good_type(const struct json *type)
{
	return !type || (type->kind == JSON_TEXT && (slice_is_nocase(type->text, "JWT") ||
						     slice_is_nocase(type->text, "at+jwt")));
}

/* The algorithm is the one that the settings name, whatever keys the header may point to. */
static enum err check_header(const struct jwt_keys *keys, const struct json *header,
			     struct fail *why)
{
	const struct json *kid = json_member(header, "kid");

	if (!slice_is(json_text(header, "alg"), ALGORITHMS[keys->algorithm]))
		return refuse(why, "another algorithm");
	if (!is_good_type(json_member(header, "typ")))
		return refuse(why, "another type");
	if (json_member(header, "crit") || json_member(header, "b64"))
		return refuse(why, "critical extensions");
	if (kid && kid->kind != JSON_TEXT)
		return refuse(why, "kid is no text");
	return OK;
}

/* One number of a signature as a DER INTEGER; returns its length. */
static size_t put_integer(const unsigned char raw[P256_BYTES], unsigned char *out)
{
	size_t skip = 0, sign, len;

	while (skip < P256_BYTES - 1 && raw[skip] == 0)
		skip++;
	sign = raw[skip] >> 7;
	len = P256_BYTES - skip;
	out[0] = 0x02;
	out[1] = (unsigned char)(len + sign);
	out[2] = 0;
	memcpy(out + 2 + sign, raw + skip, len);
	return 2 + sign + len;
}

/* RFC 7518 section 3.4 has r and s side by side, OpenSSL wants them as a DER SEQUENCE. */
static size_t to_der(const unsigned char raw[2 * P256_BYTES], unsigned char out[DER_BYTES])
{
	size_t len = put_integer(raw, out + 2);

	len += put_integer(raw + P256_BYTES, out + 2 + len);
	out[0] = 0x30;
	out[1] = (unsigned char)len;
	return 2 + len;
}

static bool verifies(EVP_PKEY *key, struct slice text, const unsigned char *signature, size_t len)
{
	EVP_MD_CTX *cx = EVP_MD_CTX_new();
	bool good = cx && EVP_DigestVerifyInit_ex(cx, NULL, "SHA256", NULL, NULL, key, NULL) == 1 &&
		    EVP_DigestVerify(cx, signature, len, (const unsigned char *)text.data,
				     text.len) == 1;

	EVP_MD_CTX_free(cx);
	if (!good)
		ERR_clear_error();
	return good;
}

static bool is_signed_with_secret(const struct jwt_keys *keys, struct slice text,
				  struct slice signature)
{
	unsigned char mac[SHA256_BYTES];

	digest_hmac(secret_slice(&keys->config->jwt_secret), &text, 1, mac);
	return digest_equal(signature, (struct slice){(const char *)mac, sizeof(mac)});
}

static bool is_signed(const struct jwt_keys *keys, EVP_PKEY *key, struct slice text,
		      const unsigned char *signature, size_t len)
{
	unsigned char der[DER_BYTES];

	if (keys->algorithm == HS256)
		return is_signed_with_secret(keys, text,
					     (struct slice){(const char *)signature, len});
	if (keys->algorithm == RS256)
		return verifies(key, text, signature, len);
	return len == 2 * P256_BYTES && verifies(key, text, der, to_der(signature, der));
}

/* The key that the header means, to be freed; NULL with OK: the secret. */
static enum err find_key(const struct jwt_keys *keys, const struct work *work, struct slice kid,
			 int64_t now_ms, EVP_PKEY **out, struct fail *why)
{
	if (keys->algorithm == HS256)
		return OK;
	if (keys->url)
		return jwks_url_find(keys->url, work, kid, now_ms, out, why);
	*out = jwks_find(&keys->public, kid);
	return *out ? OK : refuse(why, "no key of that name");
}

static enum err check_signature(const struct jwt_keys *keys, EVP_PKEY *key,
				const struct parts *parts, struct fail *why)
{
	unsigned char signature[SIGNATURE_BYTES_MAX];
	size_t len;

	if (digest_base64url_read(parts->signature, signature, sizeof(signature), &len))
		return refuse(why, "the signature is not base64url");
	if (!is_signed(keys, key, parts->signed_text, signature, len))
		return refuse(why, "not signed with our key");
	return OK;
}

/* Absent, or a moment that is not further ahead than clocks may differ? */
static bool has_begun(const struct json *claims, const char *name, int64_t now_s)
{
	const struct json *member = json_member(claims, name);
	int64_t begin_s;

	return !member ||
	       (json_is_int(member, 0, TIME_MAX_S, &begin_s) && begin_s <= now_s + JWT_LEEWAY_S);
}

static enum err check_times(const struct json *claims, int64_t now_s, int64_t *expires_s,
			    struct fail *why)
{
	if (!json_is_int(json_member(claims, "exp"), 0, TIME_MAX_S, expires_s))
		return refuse(why, "no exp");
	if (*expires_s <= now_s)
		return refuse(why, "expired");
	if (!has_begun(claims, "nbf", now_s) || !has_begun(claims, "iat", now_s))
		return refuse(why, "not valid yet");
	return OK;
}

/* Is it ours, or one of several that it is for? */
static bool is_for(const struct json *audience, const char *ours)
{
	if (!audience)
		return false;
	if (audience->kind == JSON_TEXT)
		return slice_is(audience->text, ours);
	if (audience->kind != JSON_ARRAY)
		return false;
	for (const struct json *one = audience->first; one; one = one->next) {
		if (one->kind == JSON_TEXT && slice_is(one->text, ours))
			return true;
	}
	return false;
}

static enum err check_parties(const struct config *config, const struct json *claims,
			      struct fail *why)
{
	if (config->jwt_issuer && !slice_is(json_text(claims, "iss"), config->jwt_issuer))
		return refuse(why, "another issuer");
	if (config->jwt_audience && !is_for(json_member(claims, "aud"), config->jwt_audience))
		return refuse(why, "for another audience");
	if (!text_is_id(json_text(claims, "sub"), true))
		return refuse(why, "sub is no id");
	return OK;
}

static void take_claims(const struct json *claims, struct jwt_claims *out)
{
	struct slice email = json_text(claims, "email"), name = json_text(claims, "name");

	out->subject = json_text(claims, "sub");
	out->role = json_text(claims, "role");
	if (text_is_email(email))
		out->email = email;
	if (name.len <= NAME_BYTES_MAX && !text_has_control(name, false))
		out->name = name;
}

struct slice jwt_claimed_subject(struct arena *arena, struct slice token)
{
	const struct json *claims;
	struct parts parts;
	struct slice subject = {NULL, 0};

	if (take_apart(token, &parts, NULL) == OK &&
	    read_part(arena, parts.claims, &claims, NULL) == OK)
		subject = json_text(claims, "sub");
	return text_is_id(subject, true) ? subject : (struct slice){NULL, 0};
}

/* Nothing of the claims is read before it is known who wrote them. */
static enum err check_author(const struct jwt_keys *keys, const struct work *work,
			     const struct parts *parts, int64_t now_ms, bool *is_guess,
			     struct fail *why)
{
	const struct json *header;
	EVP_PKEY *key = NULL;
	enum err e = read_part(work->arena, parts->header, &header, why);

	if (!e)
		e = check_header(keys, header, why);
	if (e)
		return e;
	e = find_key(keys, work, json_text(header, "kid"), now_ms, &key, why);
	/* a key of an unknown name is one that nobody can guess at, or one too new for us */
	*is_guess = !e;
	if (!e)
		e = check_signature(keys, key, parts, why);
	EVP_PKEY_free(key);
	return e;
}

enum err jwt_check(const struct jwt_keys *keys, const struct work *work, struct slice token,
		   int64_t now_ms, struct jwt_claims *out, struct fail *why)
{
	const struct json *claims = NULL;
	struct parts parts;
	bool is_guess = true;
	enum err e;

	*out = (struct jwt_claims){0};
	e = keys ? take_apart(token, &parts, why) : refuse(why, "none are accepted");
	if (!e)
		e = check_author(keys, work, &parts, now_ms, &is_guess, why);
	out->is_guess = e && is_guess;
	if (!e)
		e = read_part(work->arena, parts.claims, &claims, why);
	if (!e)
		e = check_times(claims, now_ms / 1000, &out->expires_s, why);
	if (!e)
		e = check_parties(keys->config, claims, why);
	if (!e)
		take_claims(claims, out);
	else
		out->expires_s = 0;
	return e;
}
