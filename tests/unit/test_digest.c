#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/digest.h"

static struct slice bytes(const void *data, size_t len)
{
	return (struct slice){data, len};
}

static void assert_hex(const unsigned char *data, const char *hex)
{
	char text[2 * SHA256_BYTES + 1];

	for (unsigned i = 0; i < SHA256_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", data[i]);
	assert_string_equal(text, hex);
}

/* FIPS 180-4, the examples of its publisher. */
static void sha256_gives_the_published_digests(void **state)
{
	static const struct {
		const char *text, *digest;
	} CASES[] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	};
	unsigned char out[SHA256_BYTES];

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(CASES); i++) {
		struct slice text = slice_of(CASES[i].text);

		digest_sha256(&text, 1, out);
		assert_hex(out, CASES[i].digest);
	}
}

static void pieces_are_hashed_as_if_they_were_one_text(void **state)
{
	const struct slice pieces[] = {SLICE("a"), {NULL, 0}, SLICE(""), SLICE("bc")};
	unsigned char out[SHA256_BYTES];

	(void)state;
	digest_sha256(pieces, ARRAY_LEN(pieces), out);
	assert_hex(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	digest_sha256(NULL, 0, out);
	assert_hex(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

struct hmac_case {
	unsigned char key_byte;
	size_t key_len;
	const char *key; /* instead of the repeated byte */
	unsigned char data_byte;
	size_t data_len;
	const char *data;
	const char *mac;
};

/* RFC 4231: cases 1, 2, 3, 6 and 7. */
static const struct hmac_case HMAC_CASES[] = {
	{.key_byte = 0x0b,
	 .key_len = 20,
	 .data = "Hi There",
	 .mac = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
	{.key = "Jefe",
	 .data = "what do ya want for nothing?",
	 .mac = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
	{.key_byte = 0xaa,
	 .key_len = 20,
	 .data_byte = 0xdd,
	 .data_len = 50,
	 .mac = "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
	{.key_byte = 0xaa,
	 .key_len = 131,
	 .data = "Test Using Larger Than Block-Size Key - Hash Key First",
	 .mac = "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
	{.key_byte = 0xaa,
	 .key_len = 131,
	 .data = "This is a test using a larger than block-size key and a larger than "
		 "block-size data. The key needs to be hashed before being used by the HMAC "
		 "algorithm.",
	 .mac = "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
};

static void hmac_gives_the_codes_of_rfc_4231(void **state)
{
	unsigned char key[131], data[50], out[SHA256_BYTES];

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(HMAC_CASES); i++) {
		const struct hmac_case *c = &HMAC_CASES[i];
		struct slice text = c->data ? slice_of(c->data) : bytes(data, c->data_len);

		memset(key, c->key_byte, sizeof(key));
		memset(data, c->data_byte, sizeof(data));
		digest_hmac(c->key ? slice_of(c->key) : bytes(key, c->key_len), &text, 1, out);
		assert_hex(out, c->mac);
	}
}

/* RFC 5869 A.3: no salt, no info. Its output is longer; ours is the first block. */
static void hkdf_gives_the_key_of_rfc_5869(void **state)
{
	unsigned char key[22], extracted[SHA256_BYTES], out[SHA256_BYTES];

	(void)state;
	memset(key, 0x0b, sizeof(key));
	digest_hkdf_extract(bytes(key, sizeof(key)), extracted);
	assert_hex(extracted, "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04");
	digest_hkdf_expand(extracted, SLICE(""), out);
	assert_hex(out, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
}

static void another_purpose_gives_another_key(void **state)
{
	unsigned char extracted[SHA256_BYTES], a[SHA256_BYTES], b[SHA256_BYTES];

	(void)state;
	digest_hkdf_extract(SLICE("key"), extracted);
	digest_hkdf_expand(extracted, SLICE("csrf"), a);
	digest_hkdf_expand(extracted, SLICE("link"), b);
	assert_memory_not_equal(a, b, sizeof(a));
}

static void equality_looks_at_every_byte_and_the_length(void **state)
{
	char a[33] = "0123456789abcdef0123456789abcdef", b[33];

	(void)state;
	assert_true(digest_equal((struct slice){NULL, 0}, SLICE("")));
	assert_false(digest_equal(bytes(a, 32), bytes(a, 31)));
	for (unsigned i = 0; i < 32; i++) {
		memcpy(b, a, sizeof(b));
		assert_true(digest_equal(bytes(a, 32), bytes(b, 32)));
		b[i] ^= 0x01;
		assert_false(digest_equal(bytes(a, 32), bytes(b, 32)));
	}
}

/* RFC 4648 section 10, without padding. */
static void base64url_is_written_without_padding(void **state)
{
	static const char *const CASES[][2] = {
		{"", ""},
		{"f", "Zg"},
		{"fo", "Zm8"},
		{"foo", "Zm9v"},
		{"foob", "Zm9vYg"},
		{"fooba", "Zm9vYmE"},
		{"foobar", "Zm9vYmFy"},
		{"\xfb\xff\xfe", "-__-"},
	};
	char out[16];

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(CASES); i++) {
		size_t len = digest_base64url(CASES[i][0], strlen(CASES[i][0]), out);

		assert_string_equal(out, CASES[i][1]);
		assert_int_equal(len, strlen(out));
	}
}

static void every_length_reads_back_as_it_was(void **state)
{
	unsigned char data[100], again[100];
	char text[140];
	size_t len, text_len;

	(void)state;
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 167 + 13);
	for (size_t n = 0; n <= sizeof(data); n++) {
		text_len = digest_base64url(data, n, text);
		assert_int_equal(text_len, (n * 4 + 2) / 3);
		assert_int_equal(digest_base64url_read(bytes(text, text_len), again, n, &len), OK);
		assert_int_equal(len, n);
		assert_memory_equal(again, data, n);
	}
}

static void assert_no_base64url(struct slice text)
{
	unsigned char out[64];
	size_t len = 99;

	assert_int_equal(digest_base64url_read(text, out, sizeof(out), &len), ERR_BAD_REQUEST);
	assert_int_equal(len, 0);
}

static void base64url_is_read_strictly(void **state)
{
	static const char *const BAD[] = {
		"Z",          "A",    "AAAAA", "Zm9vY", "Zg==", "Zm8=", "Zm9v\n", " Zm9v", "Zm 9",
		"Zm9+",       "Zm9/", "Zm9.",  "Zh",    "Zn",   "Zm9",  "Zm-", /* bits left over */
		"Zm\xc3\xa9",
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(BAD); i++)
		assert_no_base64url(slice_of(BAD[i]));
	assert_no_base64url(bytes("Zm\0v", 4));
}

/* Whatever stands in the last letter's unused bits: one text alone reads as those bytes. */
static void no_two_texts_read_as_the_same_bytes(void **state)
{
	static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789-_";
	char text[3] = "";
	unsigned char byte;
	unsigned accepted = 0;
	size_t len;

	(void)state;
	for (unsigned i = 0; i < 64 * 64; i++) {
		text[0] = LETTERS[i / 64];
		text[1] = LETTERS[i % 64];
		accepted += !digest_base64url_read(bytes(text, 2), &byte, 1, &len);
	}
	assert_int_equal(accepted, 256);
}

static void reading_stops_at_the_room_it_has(void **state)
{
	unsigned char out[4] = {0, 0, 0, 0xEE};
	size_t len;

	(void)state;
	assert_int_equal(digest_base64url_read(SLICE("Zm9v"), out, 3, &len), OK);
	assert_int_equal(digest_base64url_read(SLICE("Zm9vYg"), out, 3, &len), ERR_TOO_LONG);
	assert_int_equal(len, 0);
	assert_int_equal(digest_base64_read(SLICE("Zm9vYg=="), out, 3, &len), ERR_TOO_LONG);
	assert_int_equal(out[3], 0xEE);
}

static void plain_base64_needs_its_padding(void **state)
{
	static const char *const BAD[] = {"Zg",       "Zg=",  "Zm8",   "Zg===", "=",
					  "==",       "====", "A===",  "Zh==",  "Zm9=",
					  "Zg==Zg==", "Zm-_", "Zm9v\n"};
	unsigned char out[16];
	size_t len;

	(void)state;
	assert_int_equal(digest_base64_read(SLICE("Zg=="), out, sizeof(out), &len), OK);
	assert_int_equal(len, 1);
	assert_int_equal(digest_base64_read(SLICE("+/8="), out, sizeof(out), &len), OK);
	assert_memory_equal(out, "\xfb\xff", 2);
	assert_int_equal(digest_base64_read(SLICE(""), out, sizeof(out), &len), OK);
	assert_int_equal(len, 0);
	for (unsigned i = 0; i < ARRAY_LEN(BAD); i++) {
		assert_int_equal(digest_base64_read(slice_of(BAD[i]), out, sizeof(out), &len),
				 ERR_BAD_REQUEST);
		assert_int_equal(len, 0);
	}
}

static int start(void **state)
{
	(void)state;
	return digest_start() || digest_start();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_gives_the_published_digests),
		cmocka_unit_test(pieces_are_hashed_as_if_they_were_one_text),
		cmocka_unit_test(hmac_gives_the_codes_of_rfc_4231),
		cmocka_unit_test(hkdf_gives_the_key_of_rfc_5869),
		cmocka_unit_test(another_purpose_gives_another_key),
		cmocka_unit_test(equality_looks_at_every_byte_and_the_length),
		cmocka_unit_test(base64url_is_written_without_padding),
		cmocka_unit_test(every_length_reads_back_as_it_was),
		cmocka_unit_test(base64url_is_read_strictly),
		cmocka_unit_test(no_two_texts_read_as_the_same_bytes),
		cmocka_unit_test(reading_stops_at_the_room_it_has),
		cmocka_unit_test(plain_base64_needs_its_padding),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
