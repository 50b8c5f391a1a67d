#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/buf.h"
#include "base/config.h"
#include "base/digest.h"
#include "base/log.h"
#include "service/svc.h"
#include "tests/unit/temp_file.h"
#include "web/jwks.h"
#include "web/jwt.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define NOW_S 1760000000
#define GOOD_CLAIMS "{\"sub\":\"coach-1\",\"exp\":1760000300}"
#define HS256_HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

/* The keys of a round, made once: generating RSA keys takes its time. */
static struct {
	EVP_PKEY *rsa;
	EVP_PKEY *small_rsa;
	EVP_PKEY *other_rsa;
	EVP_PKEY *ec;
	EVP_PKEY *other_ec;
} made;

static struct arena *arena;
static struct work work;
static struct config config;
static struct temp_file file;
static struct jwt_keys *keys;

static int make_all(void **state)
{
	(void)state;
	log_start(LOG_ERROR, "test");
	if (digest_start())
		return -1;
	made.rsa = EVP_RSA_gen(2048);
	made.other_rsa = EVP_RSA_gen(2048);
	made.small_rsa = EVP_RSA_gen(1024);
	made.ec = EVP_EC_gen("P-256");
	made.other_ec = EVP_EC_gen("P-256");
	temp_file_make(&file);
	return made.rsa && made.other_rsa && made.small_rsa && made.ec && made.other_ec ? 0 : -1;
}

static int drop_all(void **state)
{
	(void)state;
	EVP_PKEY_free(made.rsa);
	EVP_PKEY_free(made.other_rsa);
	EVP_PKEY_free(made.small_rsa);
	EVP_PKEY_free(made.ec);
	EVP_PKEY_free(made.other_ec);
	temp_file_drop(&file);
	return 0;
}

static char hs256[] = "HS256", rs256[] = "RS256", es256[] = "ES256";

static int make(void **state)
{
	(void)state;
	arena = arena_new(16 * 1024, 8 * 1024 * 1024);
	work = (struct work){.arena = arena};
	config = (struct config){.jwt_algorithm = hs256};
	return arena && !secret_set(&config.jwt_secret, SLICE(SECRET)) ? 0 : -1;
}

static int drop(void **state)
{
	(void)state;
	jwt_keys_free(keys);
	keys = NULL;
	secret_wipe(&config.jwt_secret);
	arena_free(arena);
	return 0;
}

static void use(char *algorithm)
{
	struct fail why = {0};

	jwt_keys_free(keys);
	config.jwt_algorithm = algorithm;
	config.jwt_jwks_file = file.path;
	if (jwt_keys_read(&config, &keys, &why))
		fail_msg("%s", why.detail);
	assert_non_null(keys);
}

static const char *encode(const void *data, size_t len)
{
	char *out = arena_alloc(arena, len * 4 / 3 + 4);

	digest_base64url(data, len, out);
	return out;
}

static const char *encode_number(const EVP_PKEY *key, const char *name)
{
	unsigned char raw[512];
	BIGNUM *number = NULL;
	int len;

	assert_int_equal(EVP_PKEY_get_bn_param(key, name, &number), 1);
	len = BN_num_bytes(number);
	/* a coordinate has all its 32 bytes */
	if (strcmp(name, OSSL_PKEY_PARAM_EC_PUB_X) == 0 ||
	    strcmp(name, OSSL_PKEY_PARAM_EC_PUB_Y) == 0)
		len = 32;
	assert_int_equal(BN_bn2binpad(number, raw, len), len);
	BN_free(number);
	return encode(raw, (size_t)len);
}

static const char *rsa_jwk(const EVP_PKEY *key, const char *more)
{
	return arena_format(arena, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"%s}",
			    encode_number(key, OSSL_PKEY_PARAM_RSA_N),
			    encode_number(key, OSSL_PKEY_PARAM_RSA_E), more);
}

static const char *ec_jwk(const EVP_PKEY *key, const char *more)
{
	return arena_format(arena, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"%s}",
			    encode_number(key, OSSL_PKEY_PARAM_EC_PUB_X),
			    encode_number(key, OSSL_PKEY_PARAM_EC_PUB_Y), more);
}

static void put_set(const char *members)
{
	temp_file_put(&file, 0600, arena_format(arena, "{\"keys\":[%s]}", members));
}

static const char *signed_text(const char *header, const char *claims)
{
	return arena_format(arena, "%s.%s", encode(header, strlen(header)),
			    encode(claims, strlen(claims)));
}

static const char *by_secret_text(const char *text, const char *secret)
{
	struct slice piece = slice_of(text);
	unsigned char mac[SHA256_BYTES];

	digest_hmac(slice_of(secret), &piece, 1, mac);
	return arena_format(arena, "%s.%s", text, encode(mac, sizeof(mac)));
}

static const char *by_secret(const char *header, const char *claims)
{
	return by_secret_text(signed_text(header, claims), SECRET);
}

/* The signature as OpenSSL makes it: for EC keys that is DER. */
static size_t sign(EVP_PKEY *key, const char *text, unsigned char out[1024])
{
	EVP_MD_CTX *cx = EVP_MD_CTX_new();
	size_t len = 1024;

	assert_int_equal(EVP_DigestSignInit(cx, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(cx, out, &len, (const unsigned char *)text, strlen(text)),
			 1);
	EVP_MD_CTX_free(cx);
	return len;
}

static const char *by_rsa(EVP_PKEY *key, const char *header, const char *claims)
{
	const char *text = signed_text(header, claims);
	unsigned char signature[1024];
	size_t len = sign(key, text, signature);

	return arena_format(arena, "%s.%s", text, encode(signature, len));
}

/* r and s side by side. */
static void sign_raw(EVP_PKEY *key, const char *text, unsigned char out[64])
{
	unsigned char der[1024];
	const unsigned char *at = der;
	size_t len = sign(key, text, der);
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)len);

	assert_non_null(pair);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, 32), 32);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + 32, 32), 32);
	ECDSA_SIG_free(pair);
}

static const char *by_ec(EVP_PKEY *key, const char *header, const char *claims)
{
	const char *text = signed_text(header, claims);
	unsigned char raw[64];

	sign_raw(key, text, raw);
	return arena_format(arena, "%s.%s", text, encode(raw, sizeof(raw)));
}

static struct jwt_claims accepted(const char *token)
{
	struct jwt_claims claims;
	struct fail why = {0};

	if (jwt_check(keys, &work, slice_of(token), INT64_C(1000) * NOW_S, &claims, &why))
		fail_msg("%s", why.detail);
	assert_false(claims.is_guess);
	return claims;
}

/* reason is what the log says; the caller hears the same of all of them. */
static void refused_slice(struct slice token, const char *reason)
{
	struct jwt_claims claims;
	struct fail why = {0};
	char expected[FAIL_DETAIL_BYTES];
	enum err e = jwt_check(keys, &work, token, INT64_C(1000) * NOW_S, &claims, &why);

	snprintf(expected, sizeof(expected), "user token: %s", reason);
	if (e != ERR_NO_CREDENTIAL || strcmp(why.detail, expected) != 0)
		fail_msg("expected %s: %s %s", reason, err_code(e), why.detail);
	assert_null(why.reason);
	assert_null(claims.subject.data);
	assert_int_equal(claims.expires_s, 0);
}

static void refused(const char *token, const char *reason)
{
	refused_slice(slice_of(token), reason);
}

static const char UNSIGNED[] = "not signed with our key";
static const char UNKNOWN[] = "no key of that name";

static void a_good_token_says_who_calls(void **state)
{
	struct jwt_claims claims;

	(void)state;
	use(hs256);
	claims = accepted(by_secret(HS256_HEADER,
				    "{\"sub\":\"coach|1\",\"exp\":1760000001,\"role\":\"admin\","
				    "\"email\":\"a@b.org\",\"name\":\"A B\",\"iat\":1760000060,"
				    "\"nbf\":1760000060,\"x\":{\"https://x/y\":[{}]}}"));
	assert_true(slice_is(claims.subject, "coach|1"));
	assert_true(slice_is(claims.role, "admin"));
	assert_true(slice_is(claims.email, "a@b.org"));
	assert_true(slice_is(claims.name, "A B"));
	assert_int_equal(claims.expires_s, 1760000001);
	claims = accepted(by_secret("{\"alg\":\"HS256\"}", GOOD_CLAIMS));
	assert_null(claims.role.data);
	accepted(by_secret("{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"any\"}", GOOD_CLAIMS));
}

static void an_address_or_name_that_we_would_not_store_is_left_out(void **state)
{
	struct jwt_claims claims;

	(void)state;
	use(hs256);
	claims = accepted(by_secret(HS256_HEADER,
				    "{\"sub\":\"c\",\"exp\":1760000300,\"email\":\"a@b\\r\\nc\","
				    "\"name\":\"a\\u0007\",\"role\":[\"admin\"]}"));
	assert_null(claims.email.data);
	assert_null(claims.name.data);
	assert_null(claims.role.data);
}

static void the_settings_name_the_one_algorithm(void **state)
{
	static const char *const OTHERS[] = {
		"{\"alg\":\"none\"}",
		"{\"alg\":\"NoNe\"}",
		"{\"alg\":\"hs256\"}",
		"{\"alg\":\"HS384\"}",
		"{\"alg\":\"RS256\"}",
		"{\"alg\":\"HS256 \"}",
		"{\"alg\":null}",
		"{\"alg\":[\"HS256\"]}",
		"{}",
		"{\"alg\":\"HS256\\u0000\"}",
	};

	(void)state;
	use(hs256);
	for (size_t i = 0; i + 1 < ARRAY_LEN(OTHERS); i++)
		refused(by_secret(OTHERS[i], GOOD_CLAIMS), "another algorithm");
	refused(by_secret(OTHERS[9], GOOD_CLAIMS), "a part is not a JSON object");
	refused(by_secret("{\"alg\":\"HS256\",\"alg\":\"HS256\"}", GOOD_CLAIMS),
		"a part is not a JSON object");
}

static void the_signature_is_checked(void **state)
{
	const char *good, *text = signed_text(HS256_HEADER, GOOD_CLAIMS);
	char *changed;

	(void)state;
	use(hs256);
	good = by_secret(HS256_HEADER, GOOD_CLAIMS);
	accepted(good);
	refused(by_secret_text(text, "another secret of 32 bytes or so"), UNSIGNED);
	refused(by_secret_text(text, ""), UNSIGNED);
	refused(arena_format(arena, "%s.", text), UNSIGNED);
	refused(arena_format(arena, "%s.%s", text, encode("short", 5)), UNSIGNED);
	/* another letter anywhere */
	for (size_t i = 0; i < strlen(good); i++) {
		struct jwt_claims claims;

		changed = arena_copy(arena, slice_of(good));
		changed[i] = changed[i] == 'A' ? 'B' : 'A';
		assert_int_equal(jwt_check(keys, &work, slice_of(changed), INT64_C(1000) * NOW_S,
					   &claims, NULL),
				 ERR_NO_CREDENTIAL);
		assert_true(claims.is_guess);
	}
}

static void base64url_is_read_strictly(void **state)
{
	const char *good, *text = signed_text(HS256_HEADER, GOOD_CLAIMS);

	(void)state;
	use(hs256);
	good = by_secret(HS256_HEADER, GOOD_CLAIMS);
	refused(arena_format(arena, "%s=", good), "the signature is not base64url");
	refused(arena_format(arena, "%s\n", good), "the signature is not base64url");
	refused(arena_format(arena, "%s ", good), "the signature is not base64url");
	refused(arena_format(arena, " %s", good), "a part is not base64url");
	refused(by_secret_text(arena_format(arena, "%s=", text), SECRET),
		"a part is not base64url");
	refused(by_secret_text(arena_format(arena, "%s\n", text), SECRET),
		"a part is not base64url");
	refused_slice((struct slice){good, strlen(good) + 1}, "the signature is not base64url");
}

static void a_token_has_three_parts_and_at_most_8_kib(void **state)
{
	const char *good, *text = signed_text(HS256_HEADER, GOOD_CLAIMS);
	char *claims = arena_alloc(arena, 7000);
	struct jwt_claims got;

	(void)state;
	use(hs256);
	good = by_secret(HS256_HEADER, GOOD_CLAIMS);
	refused("", "empty or too long");
	refused("a", "not three parts");
	refused(text, "not three parts");
	refused(by_secret_text(text + strlen(encode(HS256_HEADER, strlen(HS256_HEADER))) + 1,
			       SECRET),
		"not three parts");
	refused(arena_format(arena, "%s.", good), "not three parts");
	refused(arena_format(arena, "%s.e30", good), "not three parts");
	refused(arena_format(arena, "%s.a.b", good), "not three parts");
	refused("..", "a part is not a JSON object");
	snprintf(claims, 7000, "{\"sub\":\"c\",\"exp\":1760000300,\"x\":\"%*s\"}", 5900, "");
	assert_int_equal(jwt_check(keys, &work, slice_of(by_secret(HS256_HEADER, claims)),
				   INT64_C(1000) * NOW_S, &got, NULL),
			 OK);
	snprintf(claims, 7000, "{\"sub\":\"c\",\"exp\":1760000300,\"x\":\"%*s\"}", 6100, "");
	refused(by_secret(HS256_HEADER, claims), "empty or too long");
}

static void extensions_that_must_be_understood_are_refused(void **state)
{
	(void)state;
	use(hs256);
	refused(by_secret("{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}", GOOD_CLAIMS),
		"critical extensions");
	refused(by_secret("{\"alg\":\"HS256\",\"crit\":[]}", GOOD_CLAIMS), "critical extensions");
	refused(by_secret("{\"alg\":\"HS256\",\"b64\":true}", GOOD_CLAIMS), "critical extensions");
	refused(by_secret("{\"alg\":\"HS256\",\"typ\":\"JWS\"}", GOOD_CLAIMS), "another type");
	refused(by_secret("{\"alg\":\"HS256\",\"typ\":1}", GOOD_CLAIMS), "another type");
	refused(by_secret("{\"alg\":\"HS256\",\"kid\":1}", GOOD_CLAIMS), "kid is no text");
}

static void both_parts_are_json_objects(void **state)
{
	(void)state;
	use(hs256);
	refused(by_secret("[]", GOOD_CLAIMS), "a part is not a JSON object");
	refused(by_secret("\"HS256\"", GOOD_CLAIMS), "a part is not a JSON object");
	refused(by_secret(HS256_HEADER, "[]"), "a part is not a JSON object");
	refused(by_secret(HS256_HEADER, ""), "a part is not a JSON object");
	refused(by_secret(HS256_HEADER, GOOD_CLAIMS "x"), "a part is not a JSON object");
	refused(by_secret(HS256_HEADER, "{\"sub\":\"a\",\"exp\":1760000300,\"sub\":\"b\"}"),
		"a part is not a JSON object");
	refused(by_secret(HS256_HEADER, "{\"sub\":\"\xFF\",\"exp\":1760000300}"),
		"a part is not a JSON object");
}

struct claims_row {
	const char *claims;
	const char *reason;
};

static void times_are_whole_seconds_and_hold_now(void **state)
{
	static const struct claims_row ROWS[] = {
		{"{\"sub\":\"c\"}", "no exp"},
		{"{\"sub\":\"c\",\"exp\":null}", "no exp"},
		{"{\"sub\":\"c\",\"exp\":\"1760000300\"}", "no exp"},
		{"{\"sub\":\"c\",\"exp\":1e99}", "no exp"},
		{"{\"sub\":\"c\",\"exp\":1.76e10}", "no exp"},
		{"{\"sub\":\"c\",\"exp\":1760000300.5}", "no exp"},
		{"{\"sub\":\"c\",\"exp\":99999999999999}", "no exp"},
		{"{\"sub\":\"c\",\"exp\":9223372036854775808}", "no exp"},
		{"{\"sub\":\"c\",\"exp\":-1}", "no exp"},
		{"{\"sub\":\"c\",\"exp\":1759999999}", "expired"},
		{"{\"sub\":\"c\",\"exp\":1760000000}", "expired"},
		{"{\"sub\":\"c\",\"exp\":1760000300,\"nbf\":1760000061}", "not valid yet"},
		{"{\"sub\":\"c\",\"exp\":1760000300,\"nbf\":\"0\"}", "not valid yet"},
		{"{\"sub\":\"c\",\"exp\":1760000300,\"nbf\":1e99}", "not valid yet"},
		{"{\"sub\":\"c\",\"exp\":1760000300,\"iat\":1760000061}", "not valid yet"},
		{"{\"sub\":\"c\",\"exp\":1760000300,\"iat\":null}", "not valid yet"},
	};

	(void)state;
	use(hs256);
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
		refused(by_secret(HS256_HEADER, ROWS[i].claims), ROWS[i].reason);
}

static void an_old_token_is_no_guess(void **state)
{
	struct jwt_claims claims;

	(void)state;
	use(hs256);
	assert_int_equal(jwt_check(keys, &work,
				   slice_of(by_secret(HS256_HEADER, "{\"sub\":\"c\",\"exp\":1}")),
				   INT64_C(1000) * NOW_S, &claims, NULL),
			 ERR_NO_CREDENTIAL);
	assert_false(claims.is_guess);
}

/* It may be one that we have not heard of yet, and there is nothing to be found out. */
static void a_key_of_an_unknown_name_is_no_guess(void **state)
{
	const char *token = by_ec(made.other_ec, "{\"alg\":\"ES256\",\"kid\":\"b\"}", GOOD_CLAIMS);
	struct jwt_claims claims;

	(void)state;
	put_set(ec_jwk(made.ec, ",\"kid\":\"a\""));
	use(es256);
	assert_int_equal(
		jwt_check(keys, &work, slice_of(token), INT64_C(1000) * NOW_S, &claims, NULL),
		ERR_NO_CREDENTIAL);
	assert_false(claims.is_guess);
}

static void sub_is_what_an_owner_can_be_called(void **state)
{
	static const char *const BAD[] = {"", ".", "..", "a b", "a/b", "a\\u0000", "\\u00e4", "?"};

	(void)state;
	use(hs256);
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
		const char *claims =
			arena_format(arena, "{\"sub\":\"%s\",\"exp\":1760000300}", BAD[i]);
		struct jwt_claims got;

		assert_int_equal(jwt_check(keys, &work, slice_of(by_secret(HS256_HEADER, claims)),
					   INT64_C(1000) * NOW_S, &got, NULL),
				 ERR_NO_CREDENTIAL);
	}
	refused(by_secret(HS256_HEADER, "{\"exp\":1760000300}"), "sub is no id");
	refused(by_secret(HS256_HEADER, "{\"sub\":7,\"exp\":1760000300}"), "sub is no id");
}

static const char *with(const char *more)
{
	return by_secret(HS256_HEADER,
			 arena_format(arena, "{\"sub\":\"c\",\"exp\":1760000300%s}", more));
}

static void issuer_and_audience_are_ours_to_the_letter(void **state)
{
	static char issuer[] = "https://id.test/", audience[] = "calbridge";

	(void)state;
	config.jwt_issuer = issuer;
	use(hs256);
	accepted(with(",\"iss\":\"https://id.test/\""));
	refused(with(""), "another issuer");
	refused(with(",\"iss\":\"https://id.test\""), "another issuer");
	refused(with(",\"iss\":\"https://ID.test/\""), "another issuer");
	refused(with(",\"iss\":[\"https://id.test/\"]"), "another issuer");
	config.jwt_issuer = NULL;
	config.jwt_audience = audience;
	accepted(with(",\"aud\":\"calbridge\""));
	accepted(with(",\"aud\":[1,\"other\",\"calbridge\"]"));
	refused(with(""), "for another audience");
	refused(with(",\"aud\":\"other-client\""), "for another audience");
	refused(with(",\"aud\":\"Calbridge\""), "for another audience");
	refused(with(",\"aud\":[\"other\",[\"calbridge\"]]"), "for another audience");
	refused(with(",\"aud\":[]"), "for another audience");
	refused(with(",\"aud\":{\"calbridge\":1}"), "for another audience");
}

static void rs256_takes_what_its_key_has_signed(void **state)
{
	static const char HEADER[] = "{\"alg\":\"RS256\",\"typ\":\"JWT\"}";
	const char *text = signed_text(HEADER, GOOD_CLAIMS);

	(void)state;
	put_set(rsa_jwk(made.rsa, ""));
	use(rs256);
	accepted(by_rsa(made.rsa, HEADER, GOOD_CLAIMS));
	refused(by_rsa(made.other_rsa, HEADER, GOOD_CLAIMS), UNSIGNED);
	refused(arena_format(arena, "%s.", text), UNSIGNED);
	refused(arena_format(arena, "%s.%s", text, encode("\0", 1)), UNSIGNED);
	refused(by_secret_text(text, SECRET), UNSIGNED);
	refused(by_secret(HS256_HEADER, GOOD_CLAIMS), "another algorithm");
	refused(by_rsa(made.rsa, "{\"alg\":\"none\"}", GOOD_CLAIMS), "another algorithm");
	refused(by_rsa(made.rsa, "{\"alg\":\"PS256\"}", GOOD_CLAIMS), "another algorithm");
}

/* The public key, which everybody has, must not serve as a secret. */
static void a_token_signed_with_the_public_keys_text_is_refused(void **state)
{
	const char *text = signed_text(HS256_HEADER, GOOD_CLAIMS);
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem = NULL;
	long len;

	(void)state;
	assert_int_equal(PEM_write_bio_PUBKEY(bio, made.rsa), 1);
	len = BIO_get_mem_data(bio, &pem);
	pem = arena_copy(arena, (struct slice){pem, (size_t)len});
	BIO_free(bio);
	put_set(rsa_jwk(made.rsa, ""));
	use(rs256);
	refused(by_secret_text(text, pem), "another algorithm");
	refused(by_secret_text(signed_text("{\"alg\":\"RS256\"}", GOOD_CLAIMS), pem), UNSIGNED);
}

static void kid_only_chooses_among_our_keys(void **state)
{
	const char *both = arena_format(arena, "%s,%s", rsa_jwk(made.rsa, ",\"kid\":\"a\""),
					rsa_jwk(made.other_rsa, ",\"kid\":\"b\""));
	const char *theirs = arena_format(
		arena,
		"{\"alg\":\"RS256\",\"kid\":\"x\",\"jku\":\"https://evil.test/\",\"jwk\":%s}",
		rsa_jwk(made.other_rsa, ""));

	(void)state;
	put_set(both);
	use(rs256);
	accepted(by_rsa(made.rsa, "{\"alg\":\"RS256\",\"kid\":\"a\"}", GOOD_CLAIMS));
	accepted(by_rsa(made.other_rsa, "{\"alg\":\"RS256\",\"kid\":\"b\"}", GOOD_CLAIMS));
	refused(by_rsa(made.rsa, "{\"alg\":\"RS256\",\"kid\":\"b\"}", GOOD_CLAIMS), UNSIGNED);
	refused(by_rsa(made.rsa, "{\"alg\":\"RS256\",\"kid\":\"c\"}", GOOD_CLAIMS), UNKNOWN);
	refused(by_rsa(made.rsa, "{\"alg\":\"RS256\",\"kid\":\"\"}", GOOD_CLAIMS), UNKNOWN);
	refused(by_rsa(made.rsa, "{\"alg\":\"RS256\"}", GOOD_CLAIMS), UNKNOWN);
	put_set(rsa_jwk(made.rsa, ",\"kid\":\"a\""));
	use(rs256);
	accepted(by_rsa(made.rsa, "{\"alg\":\"RS256\"}", GOOD_CLAIMS));
	refused(by_rsa(made.other_rsa, theirs, GOOD_CLAIMS), UNKNOWN);
	accepted(by_rsa(made.rsa,
			"{\"alg\":\"RS256\",\"kid\":\"a\",\"x5u\":\"https://evil.test/\"}",
			GOOD_CLAIMS));
}

static const unsigned char P256_N[32] = {
	0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF,
	0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17,
	0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
};

static void refused_pair(const char *text, const unsigned char raw[64])
{
	refused(arena_format(arena, "%s.%s", text, encode(raw, 64)), UNSIGNED);
}

static void es256_takes_r_and_s_side_by_side_and_nothing_else(void **state)
{
	static const char HEADER[] = "{\"alg\":\"ES256\"}";
	const char *text = signed_text(HEADER, GOOD_CLAIMS);
	unsigned char good[64], raw[65] = {0}, der[1024];
	size_t len;

	(void)state;
	put_set(ec_jwk(made.ec, ""));
	use(es256);
	/* often, so that numbers with a zero or a high bit in front come up */
	for (unsigned i = 0; i < 300; i++)
		accepted(by_ec(made.ec, HEADER, GOOD_CLAIMS));
	refused(by_ec(made.other_ec, HEADER, GOOD_CLAIMS), UNSIGNED);
	len = sign(made.ec, text, der);
	refused(arena_format(arena, "%s.%s", text, encode(der, len)), UNSIGNED);
	refused(arena_format(arena, "%s.", text), UNSIGNED);
	refused_pair(text, raw);
	sign_raw(made.ec, text, good);
	memcpy(raw, good, 64);
	refused(arena_format(arena, "%s.%s", text, encode(raw, 65)), UNSIGNED);
	refused(arena_format(arena, "%s.%s", text, encode(raw, 63)), UNSIGNED);
	memset(raw, 0, 32);
	refused_pair(text, raw);
	memcpy(raw, P256_N, 32);
	refused_pair(text, raw);
	memcpy(raw, good, 64);
	memset(raw + 32, 0, 32);
	refused_pair(text, raw);
	memcpy(raw + 32, P256_N, 32);
	refused_pair(text, raw);
	memset(raw, 0xFF, 64);
	refused_pair(text, raw);
}

static void assert_no_key(char *algorithm, const char *set)
{
	struct jwt_keys *none = (void *)&config;
	struct fail why = {0};

	temp_file_put(&file, 0600, set);
	config.jwt_algorithm = algorithm;
	config.jwt_jwks_file = file.path;
	assert_int_equal(jwt_keys_read(&config, &none, &why), ERR_CONFIG);
	assert_null(none);
	assert_true(strlen(why.detail) > 0);
}

static void bad_keys_are_skipped_and_good_ones_kept(void **state)
{
	const char *n = encode_number(made.rsa, OSSL_PKEY_PARAM_RSA_N);
	const char *x = encode_number(made.ec, OSSL_PKEY_PARAM_EC_PUB_X);
	const char *bad[] = {
		rsa_jwk(made.small_rsa, ""),
		arena_format(arena, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQ\"}", n),
		arena_format(arena, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AA\"}", n),
		arena_format(arena, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"Ag\"}", n),
		arena_format(arena, "{\"kty\":\"RSA\",\"n\":\"%s=\",\"e\":\"AQAB\"}", n),
		arena_format(arena, "{\"kty\":\"RSA\",\"n\":\"%s\"}", n),
		"{\"kty\":\"oct\",\"k\":\"AAAA\"}",
		rsa_jwk(made.rsa, ",\"use\":\"enc\""),
		rsa_jwk(made.rsa, ",\"alg\":\"RS512\""),
		rsa_jwk(made.rsa, ",\"kid\":1"),
		rsa_jwk(made.rsa, ",\"kid\":\"\""),
		"{}",
		"1",
		arena_format(arena, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"}",
			     x, x),
		arena_format(arena, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\"}", x),
		ec_jwk(made.ec, ",\"alg\":\"ES512\""),
	};
	struct buf all;

	(void)state;
	buf_init(&all, arena, 64 * 1024);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const char *set = arena_format(arena, "{\"keys\":[%s]}", bad[i]);

		assert_no_key(rs256, set);
		assert_no_key(es256, set);
		buf_format(&all, "%s,", bad[i]);
	}
	buf_format(&all, "%s,%s", rsa_jwk(made.rsa, ",\"use\":\"sig\""), ec_jwk(made.ec, ""));
	put_set(buf_slice(&all).data);
	use(rs256);
	accepted(by_rsa(made.rsa, "{\"alg\":\"RS256\"}", GOOD_CLAIMS));
	use(es256);
	accepted(by_ec(made.ec, "{\"alg\":\"ES256\"}", GOOD_CLAIMS));
}

static void a_file_that_is_no_key_set_stops_the_start(void **state)
{
	struct jwt_keys *none;

	(void)state;
	assert_no_key(rs256, "");
	assert_no_key(rs256, "not JSON");
	assert_no_key(rs256, "[]");
	assert_no_key(rs256, "{\"keys\":{}}");
	assert_no_key(rs256, "{\"keys\":[]}");
	config.jwt_jwks_file = NULL;
	assert_int_equal(jwt_keys_read(&config, &none, NULL), ERR_CONFIG);
}

static void public_keys_come_from_a_file_or_a_url(void **state)
{
	static char url[] = "https://id.example/jwks";
	struct jwt_keys *none = NULL;
	struct fail why = {0};

	(void)state;
	put_set(ec_jwk(made.ec, ""));
	config.jwt_algorithm = es256;
	config.jwt_jwks_file = file.path;
	config.jwt_jwks_url = url;
	assert_int_equal(jwt_keys_read(&config, &none, &why), ERR_CONFIG);
	assert_non_null(strstr(why.detail, "one of them"));
	assert_null(none);
	/* nobody is asked before a token comes */
	config.jwt_jwks_file = NULL;
	assert_int_equal(jwt_keys_read(&config, &none, NULL), OK);
	jwt_keys_free(none);
}

static void a_claimed_subject_is_read_whoever_wrote_it(void **state)
{
	static const char *const NONE[] = {"{\"sub\":5}", "{\"sub\":\"a b\"}", "{}", "[]", "{"};
	const char *text = signed_text(HS256_HEADER, GOOD_CLAIMS);
	struct slice claimed = jwt_claimed_subject(arena, slice_of(by_secret_text(text, "other")));

	(void)state;
	assert_true(slice_is(claimed, "coach-1"));
	for (size_t i = 0; i < ARRAY_LEN(NONE); i++) {
		claimed = jwt_claimed_subject(arena, slice_of(by_secret(HS256_HEADER, NONE[i])));
		assert_int_equal(claimed.len, 0);
	}
	claimed = jwt_claimed_subject(arena, slice_of(text));
	assert_int_equal(claimed.len, 0);
}

static void without_a_secret_there_are_no_user_tokens(void **state)
{
	struct jwt_keys *none = (void *)&config;

	(void)state;
	secret_wipe(&config.jwt_secret);
	assert_int_equal(jwt_keys_read(&config, &none, NULL), OK);
	assert_null(none);
	refused(by_secret(HS256_HEADER, GOOD_CLAIMS), "none are accepted");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_good_token_says_who_calls),
		TEST(an_address_or_name_that_we_would_not_store_is_left_out),
		TEST(the_settings_name_the_one_algorithm),
		TEST(the_signature_is_checked),
		TEST(base64url_is_read_strictly),
		TEST(a_token_has_three_parts_and_at_most_8_kib),
		TEST(extensions_that_must_be_understood_are_refused),
		TEST(both_parts_are_json_objects),
		TEST(times_are_whole_seconds_and_hold_now),
		TEST(an_old_token_is_no_guess),
		TEST(a_key_of_an_unknown_name_is_no_guess),
		TEST(sub_is_what_an_owner_can_be_called),
		TEST(issuer_and_audience_are_ours_to_the_letter),
		TEST(rs256_takes_what_its_key_has_signed),
		TEST(a_token_signed_with_the_public_keys_text_is_refused),
		TEST(kid_only_chooses_among_our_keys),
		TEST(es256_takes_r_and_s_side_by_side_and_nothing_else),
		TEST(bad_keys_are_skipped_and_good_ones_kept),
		TEST(a_file_that_is_no_key_set_stops_the_start),
		TEST(public_keys_come_from_a_file_or_a_url),
		TEST(a_claimed_subject_is_read_whoever_wrote_it),
		TEST(without_a_secret_there_are_no_user_tokens),
	};

	return cmocka_run_group_tests(tests, make_all, drop_all);
}
