#include "base/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { BLOCK_BYTES = 64 }; /* of SHA-256 */

/* Set once by digest_start, before there are threads; never given back. */
static EVP_MD *sha256;

enum err digest_start(void)
{
	if (!sha256)
		sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	return sha256 ? OK : ERR_INTERNAL;
}

static void update(EVP_MD_CTX *hash, const void *data, size_t len, bool *good)
{
	if (len > 0 && EVP_DigestUpdate(hash, data, len) != 1)
		*good = false;
}

/*
 * SHA-256 of first, then the pieces. Without digest_start or memory there is no answer that
 * could be given instead, and no caller could go on: the process ends.
 */
static void hash(struct slice first, const struct slice *pieces, size_t n,
		 unsigned char out[SHA256_BYTES])
{
	EVP_MD_CTX *cx = EVP_MD_CTX_new();
	bool good = cx && sha256 && EVP_DigestInit_ex2(cx, sha256, NULL) == 1;

	if (good) {
		update(cx, first.data, first.len, &good);
		for (size_t i = 0; i < n; i++)
			update(cx, pieces[i].data, pieces[i].len, &good);
	}
	if (!good || EVP_DigestFinal_ex(cx, out, NULL) != 1) {
		log_note(LOG_ERROR, "no_digest", "SHA-256 is not to be had");
		abort();
	}
	EVP_MD_CTX_free(cx);
}

void digest_sha256(const struct slice *pieces, size_t n, unsigned char out[SHA256_BYTES])
{
	hash((struct slice){NULL, 0}, pieces, n, out);
}

static void flip(unsigned char block[BLOCK_BYTES], unsigned char pad)
{
	for (unsigned i = 0; i < BLOCK_BYTES; i++)
		block[i] ^= pad;
}

static struct slice bytes(const unsigned char *data, size_t len)
{
	return (struct slice){(const char *)data, len};
}

/* RFC 2104 over the plain hash: about half the time of OpenSSL 3.0's EVP_MAC. */
void digest_hmac(struct slice key, const struct slice *pieces, size_t n,
		 unsigned char out[SHA256_BYTES])
{
	unsigned char block[BLOCK_BYTES] = {0}, inner[SHA256_BYTES];
	struct slice inner_slice = bytes(inner, sizeof(inner));

	if (key.len > BLOCK_BYTES)
		digest_sha256(&key, 1, block);
	else if (key.len > 0)
		memcpy(block, key.data, key.len);
	flip(block, 0x36);
	hash(bytes(block, sizeof(block)), pieces, n, inner);
	flip(block, 0x36 ^ 0x5C);
	hash(bytes(block, sizeof(block)), &inner_slice, 1, out);
	OPENSSL_cleanse(block, sizeof(block));
	OPENSSL_cleanse(inner, sizeof(inner));
}

/* RFC 5869: no salt is one of zeros, and 32 bytes are the first block alone. */
void digest_hkdf_extract(struct slice key, unsigned char out[SHA256_BYTES])
{
	digest_hmac((struct slice){NULL, 0}, &key, 1, out);
}

void digest_hkdf_expand(const unsigned char extracted[SHA256_BYTES], struct slice info,
			unsigned char out[SHA256_BYTES])
{
	struct slice pieces[] = {info, SLICE("\x01")};

	digest_hmac(bytes(extracted, SHA256_BYTES), pieces, ARRAY_LEN(pieces), out);
}

bool digest_equal(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.data, b.data, a.len) == 0);
}

size_t digest_base64url(const void *data, size_t len, char *out)
{
	static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789-_";
	const unsigned char *in = data;
	unsigned bits = 0, n_bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | in[i];
		n_bits += 8;
		while (n_bits >= 6) {
			n_bits -= 6;
			out[n++] = LETTERS[bits >> n_bits & 63];
		}
	}
	if (n_bits > 0)
		out[n++] = LETTERS[bits << (6 - n_bits) & 63];
	out[n] = '\0';
	return n;
}

/* 0 to 63, or -1. last_two are the letters for 62 and 63, where the two alphabets differ. */
static int letter_value(char c, const char last_two[2])
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == last_two[0])
		return 62;
	return c == last_two[1] ? 63 : -1;
}

static enum err read_letters(struct slice text, const char last_two[2], unsigned char *out,
			     size_t size, size_t *len)
{
	unsigned bits = 0, n_bits = 0;
	size_t n = 0;

	*len = 0;
	if (text.len % 4 == 1)
		return ERR_BAD_REQUEST;
	if (text.len / 4 * 3 + text.len % 4 * 3 / 4 > size)
		return ERR_TOO_LONG;
	for (size_t i = 0; i < text.len; i++) {
		int value = letter_value(text.data[i], last_two);

		if (value < 0)
			return ERR_BAD_REQUEST;
		bits = bits << 6 | (unsigned)value;
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			out[n++] = (unsigned char)(bits >> n_bits);
		}
	}
	if (bits & ((1u << n_bits) - 1))
		return ERR_BAD_REQUEST;
	*len = n;
	return OK;
}

enum err digest_base64url_read(struct slice text, void *out, size_t size, size_t *len)
{
	return read_letters(text, "-_", out, size, len);
}

enum err digest_base64_read(struct slice text, void *out, size_t size, size_t *len)
{
	*len = 0;
	if (text.len % 4 != 0)
		return ERR_BAD_REQUEST;
	for (unsigned i = 0; i < 2 && text.len > 0 && text.data[text.len - 1] == '='; i++)
		text.len--;
	return read_letters(text, "+/", out, size, len);
}
