#include "base/seal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/file.h"

enum {
	FORMAT = 1,
	HEADER_BYTES = 5, /* format and key number */
	NONCE_BYTES = 12,
	TAG_BYTES = 16,
	BLOB_BYTES_MAX = SECRET_BYTES_MAX + SEAL_OVERHEAD_BYTES,

	RING_MODE = 0440,
	RING_BYTES_MAX = 16384,
	RING_KEYS_MAX = 64,

	ASSOCIATED_PARTS = 5,
	ASSOCIATED_BYTES_MAX = 160,
};

_Static_assert(SEAL_OVERHEAD_BYTES == HEADER_BYTES + NONCE_BYTES + TAG_BYTES, "the blob's layout");

/* Bound into every blob's authentication, and into its key: no other use of either collides. */
static const char TOKEN_LABEL[] = "calbridge/token/1";
static const char SUBKEY_LABEL[] = "calbridge/subkey/1/";

/* Of the master key itself we keep but what all subkeys are expanded from. */
struct key {
	uint32_t number;
	unsigned char extracted[SHA256_BYTES];
};

struct seal_ring {
	struct key keys[RING_KEYS_MAX];
	unsigned n_keys;
	uint32_t active; /* 0: none yet */
	EVP_CIPHER *cipher;
};

static struct slice bytes(const void *data, size_t len)
{
	return (struct slice){data, len};
}

static const struct key *key_find(const struct seal_ring *ring, uint32_t number)
{
	for (unsigned i = 0; i < ring->n_keys; i++) {
		if (ring->keys[i].number == number)
			return &ring->keys[i];
	}
	return NULL;
}

static bool key_is_held(const struct seal_ring *ring, const struct key *key)
{
	for (unsigned i = 0; i < ring->n_keys; i++) {
		if (CRYPTO_memcmp(ring->keys[i].extracted, key->extracted, SHA256_BYTES) == 0)
			return true;
	}
	return false;
}

/* The next word of a line, separated by spaces or tabs. Empty at its end. */
static struct slice next_word(struct slice *rest)
{
	struct slice word;

	*rest = slice_trim(*rest);
	word = *rest;
	for (word.len = 0; word.len < rest->len; word.len++) {
		if (word.data[word.len] == ' ' || word.data[word.len] == '\t')
			break;
	}
	*rest = (struct slice){rest->data + word.len, rest->len - word.len};
	return word;
}

/* NULL, or what is wrong with the key. */
static const char *read_key(struct slice text, unsigned char out[SEAL_KEY_BYTES])
{
	static const unsigned char ZERO[SEAL_KEY_BYTES];
	size_t len;
	enum err e = digest_base64_read(text, out, SEAL_KEY_BYTES, &len);

	if (e == ERR_TOO_LONG || (!e && len != SEAL_KEY_BYTES))
		return "the key is not 32 bytes long";
	if (e)
		return "the key is not base64";
	if (CRYPTO_memcmp(out, ZERO, SEAL_KEY_BYTES) == 0)
		return "the key is all zero";
	return NULL;
}

/* Reads the key into the ring's next place; NULL, or what is wrong with it. */
static const char *place_key(struct seal_ring *ring, int64_t number, struct slice text)
{
	struct key *key = &ring->keys[ring->n_keys];
	unsigned char raw[SEAL_KEY_BYTES];
	const char *problem = read_key(text, raw);

	if (!problem)
		digest_hkdf_extract(bytes(raw, sizeof(raw)), key->extracted);
	OPENSSL_cleanse(raw, sizeof(raw));
	if (problem)
		return problem;
	if (key_is_held(ring, key))
		return "the key stands there twice";
	key->number = (uint32_t)number;
	ring->n_keys++;
	return NULL;
}

/* Takes one line in; NULL, or what is wrong with it. */
static const char *take_line(struct seal_ring *ring, struct slice line)
{
	struct slice rest = line;
	struct slice number_text = next_word(&rest), key = next_word(&rest);
	struct slice state = next_word(&rest);
	int64_t number;

	if (state.len == 0 || slice_trim(rest).len > 0)
		return "it is not of the form: number key active|old";
	if (text_to_int(number_text, 1, UINT32_MAX, &number))
		return "the number is not one from 1 to 4294967295";
	if (key_find(ring, (uint32_t)number))
		return "the number stands there twice";
	if (!slice_is(state, "active") && !slice_is(state, "old"))
		return "the third word is neither active nor old";
	if (slice_is(state, "active") && ring->active)
		return "it is the second active key";
	if (ring->n_keys == RING_KEYS_MAX)
		return "there are too many keys";
	if (slice_is(state, "active"))
		ring->active = (uint32_t)number;
	return place_key(ring, number, key);
}

static enum err take_lines(struct seal_ring *ring, struct slice text, struct fail *why)
{
	const char *problem = NULL;
	unsigned line_number = 0;

	while (text.data && !problem) {
		struct slice line = slice_trim(slice_cut(&text, '\n'));

		line_number++;
		if (line.len > 0 && line.data[0] != '#')
			problem = take_line(ring, line);
	}
	if (problem)
		return fail_set(why, ERR_CONFIG, "line %u of the key ring: %s", line_number,
				problem);
	if (!ring->active)
		return fail_set(why, ERR_CONFIG, "the key ring has no line with an active key");
	return OK;
}

static enum err fill_ring(struct seal_ring *ring, const char *path, struct fail *why)
{
	struct fail reading = {0};
	struct file file;
	enum err e = file_read(path, RING_MODE, RING_BYTES_MAX, &file, &reading);

	if (e)
		return fail_set(why, e, "the key ring %s", reading.detail);
	e = take_lines(ring, file_slice(&file), why);
	file_wipe(&file);
	return e;
}

enum err seal_ring_read(const char *path, struct seal_ring **out, struct fail *why)
{
	struct seal_ring *ring = calloc(1, sizeof(*ring));
	enum err e;

	*out = NULL;
	if (!ring)
		return ERR_NOMEM;
	e = digest_start();
	if (!e) {
		ring->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
		e = ring->cipher ? OK : ERR_INTERNAL;
	}
	if (!e)
		e = fill_ring(ring, path, why);
	if (e) {
		seal_ring_free(ring);
		return e;
	}
	*out = ring;
	return OK;
}

void seal_ring_free(struct seal_ring *ring)
{
	if (!ring)
		return;
	EVP_CIPHER_free(ring->cipher);
	OPENSSL_cleanse(ring, sizeof(*ring));
	free(ring);
}

uint32_t seal_active(const struct seal_ring *ring)
{
	return ring->active;
}

uint32_t seal_number_at(const struct seal_ring *ring, size_t i)
{
	return i < ring->n_keys ? ring->keys[i].number : 0;
}

bool seal_has_key(const struct seal_ring *ring, uint32_t number)
{
	return key_find(ring, number) != NULL;
}

static void put_u32(unsigned char *at, uint32_t number)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (unsigned char)(number >> (24 - 8 * i));
}

static uint32_t get_u32(const char *at)
{
	uint32_t number = 0;

	for (unsigned i = 0; i < 4; i++)
		number = number << 8 | (unsigned char)at[i];
	return number;
}

uint32_t seal_key_of(struct slice blob)
{
	if (blob.len < SEAL_OVERHEAD_BYTES || blob.len > BLOB_BYTES_MAX || blob.data[0] != FORMAT)
		return 0;
	return get_u32(blob.data + 1);
}

/* The key for one tenant's tokens. */
static void tenant_key(const struct key *key, const struct id *tenant,
		       unsigned char out[SEAL_KEY_BYTES])
{
	char info[sizeof(TOKEN_LABEL) + ID_BYTES]; /* the NUL keeps label and id apart */

	memcpy(info, TOKEN_LABEL, sizeof(TOKEN_LABEL));
	memcpy(info + sizeof(TOKEN_LABEL), tenant->bytes, ID_BYTES);
	digest_hkdf_expand(key->extracted, bytes(info, sizeof(info)), out);
}

/* Sets up a cipher with the key and nonce of this blob. NULL: OpenSSL has no memory. */
static EVP_CIPHER_CTX *cipher_new(const struct seal_ring *ring, const struct key *key,
				  const struct id *tenant, const unsigned char *nonce, bool close)
{
	unsigned char subkey[SEAL_KEY_BYTES];
	EVP_CIPHER_CTX *cx = EVP_CIPHER_CTX_new();

	tenant_key(key, tenant, subkey);
	if (cx && EVP_CipherInit_ex2(cx, ring->cipher, subkey, nonce, close, NULL) != 1) {
		EVP_CIPHER_CTX_free(cx);
		cx = NULL;
	}
	OPENSSL_cleanse(subkey, sizeof(subkey));
	return cx;
}

/* Feeds what is authenticated beside the text, each part behind its length. */
static bool associate(EVP_CIPHER_CTX *cx, const struct seal_place *place, struct slice header)
{
	const struct slice parts[ASSOCIATED_PARTS] = {
		SLICE(TOKEN_LABEL),
		header,
		bytes(place->tenant.bytes, ID_BYTES),
		bytes(place->row.bytes, ID_BYTES),
		slice_of(place->column),
	};
	unsigned char all[ASSOCIATED_BYTES_MAX];
	size_t len = 0;
	int taken;

	for (unsigned i = 0; i < ASSOCIATED_PARTS; i++) {
		if (len + 4 + parts[i].len > sizeof(all))
			return false;
		put_u32(all + len, (uint32_t)parts[i].len);
		memcpy(all + len + 4, parts[i].data, parts[i].len);
		len += 4 + parts[i].len;
	}
	return EVP_CipherUpdate(cx, NULL, &taken, all, (int)len) == 1;
}

/* GCM makes no padding: the second call adds nothing but judges the tag when opening. */
static bool run(EVP_CIPHER_CTX *cx, struct slice in, unsigned char *out)
{
	int n = 0, rest = 0;

	if (in.len > 0 &&
	    EVP_CipherUpdate(cx, out, &n, (const unsigned char *)in.data, (int)in.len) != 1)
		return false;
	return EVP_CipherFinal_ex(cx, out + n, &rest) == 1 && (size_t)(n + rest) == in.len;
}

enum err seal_close(const struct seal_ring *ring, const struct seal_place *place,
		    const struct secret *secret, struct buf *out)
{
	unsigned char blob[BLOB_BYTES_MAX];
	unsigned char *nonce = blob + HEADER_BYTES, *sealed = nonce + NONCE_BYTES;
	struct slice text = secret_slice(secret);
	EVP_CIPHER_CTX *cx;
	bool good;

	blob[0] = FORMAT;
	put_u32(blob + 1, ring->active);
	rand_fill(nonce, NONCE_BYTES);
	cx = cipher_new(ring, key_find(ring, ring->active), &place->tenant, nonce, true);
	if (!cx)
		return ERR_NOMEM;
	good = associate(cx, place, bytes(blob, HEADER_BYTES)) && run(cx, text, sealed) &&
	       EVP_CIPHER_CTX_ctrl(cx, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, sealed + text.len) == 1;
	EVP_CIPHER_CTX_free(cx);
	if (!good)
		return ERR_INTERNAL;
	buf_add(out, blob, text.len + SEAL_OVERHEAD_BYTES);
	return buf_error(out);
}

/* Opens the ciphertext part of blob into room, which is as long as that. */
static enum err open_blob(EVP_CIPHER_CTX *cx, const struct seal_place *place, struct slice blob,
			  char *room)
{
	size_t len = blob.len - SEAL_OVERHEAD_BYTES;
	const char *sealed = blob.data + HEADER_BYTES + NONCE_BYTES;
	unsigned char tag[TAG_BYTES];

	memcpy(tag, sealed + len, TAG_BYTES);
	if (!associate(cx, place, bytes(blob.data, HEADER_BYTES)) ||
	    EVP_CIPHER_CTX_ctrl(cx, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) != 1)
		return ERR_INTERNAL;
	return run(cx, bytes(sealed, len), (unsigned char *)room) ? OK : ERR_SEALED;
}

enum err seal_open(const struct seal_ring *ring, const struct seal_place *place, struct slice blob,
		   struct secret *out)
{
	uint32_t number = seal_key_of(blob);
	const struct key *key = number ? key_find(ring, number) : NULL;
	EVP_CIPHER_CTX *cx;
	char *room;
	enum err e;

	secret_wipe(out);
	if (!key)
		return ERR_SEALED;
	e = secret_room(out, blob.len - SEAL_OVERHEAD_BYTES, &room);
	if (e)
		return e;
	cx = cipher_new(ring, key, &place->tenant, (const unsigned char *)blob.data + HEADER_BYTES,
			false);
	e = cx ? open_blob(cx, place, blob, room) : ERR_NOMEM;
	EVP_CIPHER_CTX_free(cx);
	/* Before the tag was judged the room was filled with what nobody vouches for. */
	if (e)
		secret_wipe(out);
	return e;
}

enum err seal_subkey(const struct seal_ring *ring, uint32_t number, const char *purpose,
		     unsigned char out[SEAL_KEY_BYTES])
{
	const struct key *key = key_find(ring, number ? number : ring->active);
	char info[64];
	int len = snprintf(info, sizeof(info), "%s%s", SUBKEY_LABEL, purpose);

	memset(out, 0, SEAL_KEY_BYTES);
	if (!key)
		return ERR_SEALED;
	if (len < 0 || (size_t)len >= sizeof(info))
		return ERR_INTERNAL;
	digest_hkdf_expand(key->extracted, bytes(info, (size_t)len), out);
	return OK;
}
