/*
 * Any bytes as a user token, or as the parts of one that we then sign ourselves, or as a key set.
 * Nobody without the secret makes a token that is taken; what is taken names an owner and a time
 * to come. The first letter says what follows: t a token, h a header, LF and claims, k a key set.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/config.h"
#include "base/digest.h"
#include "base/log.h"
#include "service/svc.h"
#include "web/jwks.h"
#include "web/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BLOCK_BYTES = 16 * 1024, CEILING_BYTES = 4 * 1024 * 1024 };

#define SECRET "0123456789abcdef0123456789abcdef"

static const int64_t NOW_MS = INT64_C(1760000000000);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static struct jwt_keys *our_keys(void)
{
	static char algorithm[] = "HS256", issuer[] = "iss", audience[] = "aud";
	static struct config config = {
		.jwt_algorithm = algorithm, .jwt_issuer = issuer, .jwt_audience = audience};
	static struct jwt_keys *keys;

	if (keys)
		return keys;
	log_start(LOG_ERROR, "fuzz");
	must(!digest_start() && !secret_set(&config.jwt_secret, SLICE(SECRET)));
	must(!jwt_keys_read(&config, &keys, NULL) && keys);
	return keys;
}

static bool is_taken(struct arena *arena, struct slice token)
{
	struct jwt_claims claims;
	struct fail why = {0};
	const struct work work = {.arena = arena};
	enum err e = jwt_check(our_keys(), &work, token, NOW_MS, &claims, &why);

	must(e == OK || e == ERR_NO_CREDENTIAL);
	must((e == OK) == (why.detail[0] == '\0'));
	if (e) {
		must(!claims.subject.data && claims.expires_s == 0);
		return false;
	}
	must(!claims.is_guess && text_is_id(claims.subject, true));
	must(claims.expires_s > NOW_MS / 1000);
	must(claims.email.len == 0 || text_is_email(claims.email));
	must(!text_has_control(claims.name, false) && text_is_utf8(claims.role));
	return true;
}

static void add_part(struct arena *arena, struct buf *token, struct slice part)
{
	char *encoded = arena_alloc(arena, part.len / 3 * 4 + 8);

	must(encoded != NULL);
	digest_base64url(part.data, part.len, encoded);
	buf_add_text(token, encoded);
}

/* Signs what the fuzzer wrote, so that it comes past the signature. */
static void check_signed(struct arena *arena, struct slice text)
{
	struct slice header = slice_cut(&text, '\n'), piece;
	unsigned char mac[SHA256_BYTES];
	struct buf token;

	buf_init(&token, arena, CEILING_BYTES / 4);
	add_part(arena, &token, header);
	buf_add_byte(&token, '.');
	add_part(arena, &token, text);
	piece = buf_slice(&token);
	digest_hmac(SLICE(SECRET), &piece, 1, mac);
	buf_add_byte(&token, '.');
	add_part(arena, &token, (struct slice){(const char *)mac, sizeof(mac)});
	must(buf_error(&token) == OK);
	is_taken(arena, buf_slice(&token));
}

static void check_set(struct slice text, const char *algorithm)
{
	struct jwks keys;
	enum err e = jwks_read(text, algorithm, &keys, NULL);

	must(e == OK || e == ERR_CONFIG);
	must((e == OK) == (keys.n > 0));
	jwks_free(&keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = {(const char *)data + 1, size - 1}, claimed;
	struct arena *arena;

	if (size == 0)
		return 0;
	our_keys();
	arena = arena_new(BLOCK_BYTES, CEILING_BYTES);
	must(arena != NULL);
	if (data[0] == 'h') {
		check_signed(arena, text);
	} else if (data[0] == 'k') {
		check_set(text, "RS256");
		check_set(text, "ES256");
	} else {
		must(!is_taken(arena, text));
		claimed = jwt_claimed_subject(arena, text);
		must(claimed.len == 0 || text_is_id(claimed, true));
	}
	arena_free(arena);
	return 0;
}
