#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/seal.h"
#include "tests/unit/temp_file.h"

#define KEY_7 "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=" /* the bytes 1 to 32 */
#define KEY_8 "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICA=" /* 32 spaces */
#define ZEROS "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define RING "# keys\n7 " KEY_7 " active\n8 " KEY_8 " old\n"

struct fixture {
	struct temp_file file;
	struct seal_ring *ring;
	struct seal_place place;
	struct buf blob;
};

static struct seal_ring *ring_of(const struct temp_file *file, const char *text)
{
	struct seal_ring *ring;
	struct fail why = {0};

	temp_file_put(file, 0400, text);
	if (seal_ring_read(file->path, &ring, &why))
		fail_msg("%s", why.detail);
	return ring;
}

static int make(void **state)
{
	struct fixture *fx = calloc(1, sizeof(*fx));

	temp_file_make(&fx->file);
	fx->ring = ring_of(&fx->file, RING);
	for (unsigned i = 0; i < ID_BYTES; i++) {
		fx->place.tenant.bytes[i] = (unsigned char)(0x10 + i);
		fx->place.row.bytes[i] = (unsigned char)(0x20 + i);
	}
	fx->place.column = "refresh_token";
	buf_init(&fx->blob, NULL, 2 * SECRET_BYTES_MAX);
	*state = fx;
	return 0;
}

static int drop(void **state)
{
	struct fixture *fx = *state;

	seal_ring_free(fx->ring);
	temp_file_drop(&fx->file);
	buf_free(&fx->blob);
	free(fx);
	return 0;
}

static void seal_text(struct fixture *fx, struct slice text)
{
	struct secret secret = {0};

	assert_int_equal(secret_set(&secret, text), OK);
	buf_clear(&fx->blob);
	assert_int_equal(seal_close(fx->ring, &fx->place, &secret, &fx->blob), OK);
	secret_wipe(&secret);
}

static void assert_opens(const struct seal_ring *ring, const struct seal_place *place,
			 struct slice blob, const char *text)
{
	struct secret secret = {0};

	assert_int_equal(seal_open(ring, place, blob, &secret), OK);
	assert_true(slice_is(secret_slice(&secret), text));
	secret_wipe(&secret);
}

/* What stood in out before must be gone as well. */
static void assert_sealed(const struct seal_ring *ring, const struct seal_place *place,
			  struct slice blob)
{
	struct secret secret = {0};

	assert_int_equal(secret_set(&secret, SLICE("before")), OK);
	assert_int_equal(seal_open(ring, place, blob, &secret), ERR_SEALED);
	assert_null(secret.data);
}

/*
 * Made by another implementation (Python's hmac and the cryptography package) from the text of
 * the requirement: key 7, HKDF for the tenant, nonce a0 to ab, associated data by length.
 */
static const unsigned char KNOWN[] = {
	0x01, 0x00, 0x00, 0x00, 0x07, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7,
	0xa8, 0xa9, 0xaa, 0xab, 0xc6, 0x19, 0x47, 0x57, 0xcf, 0xf9, 0xdb, 0xf0, 0xe5,
	0x7a, 0x31, 0xe5, 0x3f, 0x34, 0x56, 0x0a, 0x69, 0x90, 0x75, 0xda, 0x69, 0x8e,
	0x9f, 0x61, 0xf3, 0x28, 0x8d, 0xd3, 0x3e, 0x2e, 0xcb, 0xa2,
};

static void the_format_is_the_one_that_is_written_down(void **state)
{
	struct fixture *fx = *state;

	assert_opens(fx->ring, &fx->place, (struct slice){(const char *)KNOWN, sizeof(KNOWN)},
		     "1//refresh-token");
}

static void what_was_sealed_opens_again_at_every_length(void **state)
{
	static const size_t LENGTHS[] = {0, 1, 15, 16, 17, 200, SECRET_BYTES_MAX};
	struct fixture *fx = *state;
	char text[SECRET_BYTES_MAX + 1];

	memset(text, 'x', sizeof(text));
	for (unsigned i = 0; i < ARRAY_LEN(LENGTHS); i++) {
		text[LENGTHS[i]] = '\0';
		seal_text(fx, (struct slice){text, LENGTHS[i]});
		assert_int_equal(fx->blob.len, LENGTHS[i] + SEAL_OVERHEAD_BYTES);
		assert_opens(fx->ring, &fx->place, buf_slice(&fx->blob), text);
		text[LENGTHS[i]] = 'x';
	}
}

static void a_blob_says_its_key_and_hides_its_text(void **state)
{
	struct fixture *fx = *state;

	seal_text(fx, SLICE("1//refresh-token"));
	assert_memory_equal(fx->blob.data, "\x01\0\0\0\x07", 5);
	assert_int_equal(seal_key_of(buf_slice(&fx->blob)), 7);
	assert_null(memmem(fx->blob.data, fx->blob.len, "refresh", 7));
}

static void the_same_text_never_gives_the_same_blob(void **state)
{
	struct fixture *fx = *state;
	char first[64];

	seal_text(fx, SLICE("token"));
	memcpy(first, fx->blob.data, fx->blob.len);
	seal_text(fx, SLICE("token"));
	assert_memory_not_equal(first + 5, fx->blob.data + 5, 12);
	assert_memory_not_equal(first + 17, fx->blob.data + 17, 5);
}

static void any_single_flipped_bit_is_refused(void **state)
{
	struct fixture *fx = *state;

	seal_text(fx, SLICE("ya29.access-token"));
	for (size_t bit = 0; bit < fx->blob.len * 8; bit++) {
		char mask = (char)(1u << bit % 8);

		fx->blob.data[bit / 8] ^= mask;
		assert_sealed(fx->ring, &fx->place, buf_slice(&fx->blob));
		fx->blob.data[bit / 8] ^= mask;
	}
	assert_opens(fx->ring, &fx->place, buf_slice(&fx->blob), "ya29.access-token");
}

static void a_blob_cut_anywhere_or_made_longer_is_refused(void **state)
{
	static const char ONES[SECRET_BYTES_MAX + SEAL_OVERHEAD_BYTES + 1] = "\x01\0\0\0\x07";
	struct fixture *fx = *state;
	struct slice blob;

	seal_text(fx, SLICE("token"));
	blob = buf_slice(&fx->blob);
	for (size_t len = 0; len < blob.len; len++) {
		assert_sealed(fx->ring, &fx->place, (struct slice){blob.data, len});
		assert_sealed(fx->ring, &fx->place,
			      (struct slice){blob.data + blob.len - len, len});
	}
	buf_add_byte(&fx->blob, '\0');
	assert_sealed(fx->ring, &fx->place, buf_slice(&fx->blob));
	assert_sealed(fx->ring, &fx->place, (struct slice){NULL, 0});
	assert_sealed(fx->ring, &fx->place, (struct slice){ONES, sizeof(ONES)});
	assert_sealed(fx->ring, &fx->place, (struct slice){ONES, sizeof(ONES) - 1});
}

static void a_blob_opens_at_its_own_place_alone(void **state)
{
	struct fixture *fx = *state;
	struct seal_place other = fx->place;

	seal_text(fx, SLICE("token"));
	other.row.bytes[15] ^= 1;
	assert_sealed(fx->ring, &other, buf_slice(&fx->blob));
	other = fx->place;
	other.tenant.bytes[0] ^= 0x80;
	assert_sealed(fx->ring, &other, buf_slice(&fx->blob));
	other = fx->place;
	other.column = "access_token";
	assert_sealed(fx->ring, &other, buf_slice(&fx->blob));
	other.column = "refresh_toke";
	assert_sealed(fx->ring, &other, buf_slice(&fx->blob));
	other = fx->place;
	other.tenant = fx->place.row;
	other.row = fx->place.tenant;
	assert_sealed(fx->ring, &other, buf_slice(&fx->blob));
}

static void a_column_has_a_longest_name(void **state)
{
	struct fixture *fx = *state;
	struct secret secret = {0};
	char name[160];

	memset(name, 'x', sizeof(name));
	fx->place.column = name;
	name[64] = '\0';
	seal_text(fx, SLICE("token"));
	assert_opens(fx->ring, &fx->place, buf_slice(&fx->blob), "token");
	name[64] = 'x';
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(secret_set(&secret, SLICE("token")), OK);
	assert_int_equal(seal_close(fx->ring, &fx->place, &secret, &fx->blob), ERR_INTERNAL);
	secret_wipe(&secret);
}

static void an_old_key_still_opens_and_an_active_one_seals(void **state)
{
	struct fixture *fx = *state;
	struct seal_ring *turned;

	turned = ring_of(&fx->file, "7 " KEY_7 " old\r\n\r\n  9\t" KEY_8 "   active  ");
	seal_text(fx, SLICE("token"));
	assert_opens(turned, &fx->place, buf_slice(&fx->blob), "token");
	assert_int_equal(seal_active(turned), 9);
	assert_true(seal_has_key(turned, 7));
	assert_true(seal_has_key(turned, 9));
	assert_false(seal_has_key(turned, 8));
	assert_false(seal_has_key(turned, 0));
	assert_int_equal(seal_number_at(turned, 0), 7);
	assert_int_equal(seal_number_at(turned, 1), 9);
	assert_int_equal(seal_number_at(turned, 2), 0);
	seal_ring_free(turned);
}

static void a_blob_of_a_key_that_is_gone_stays_shut(void **state)
{
	struct fixture *fx = *state;
	struct seal_ring *other;

	seal_text(fx, SLICE("token"));
	other = ring_of(&fx->file, "6 " KEY_7 " active\n");
	assert_sealed(other, &fx->place, buf_slice(&fx->blob));
	seal_ring_free(other);
	other = ring_of(&fx->file, "7 " KEY_8 " active\n");
	assert_sealed(other, &fx->place, buf_slice(&fx->blob));
	seal_ring_free(other);
}

static void what_is_no_blob_has_no_key(void **state)
{
	static const char BLOB[SEAL_OVERHEAD_BYTES] = "\x01\xff\xff\xff\xff";
	static const char OTHER[SEAL_OVERHEAD_BYTES] = "\x02\0\0\0\x07";

	(void)state;
	assert_int_equal(seal_key_of((struct slice){BLOB, sizeof(BLOB)}), UINT32_MAX);
	assert_int_equal(seal_key_of((struct slice){BLOB, sizeof(BLOB) - 1}), 0);
	assert_int_equal(seal_key_of((struct slice){OTHER, sizeof(OTHER)}), 0);
	assert_int_equal(seal_key_of((struct slice){NULL, 0}), 0);
}

static void sealing_into_a_full_buffer_is_told(void **state)
{
	struct fixture *fx = *state;
	struct secret secret = {0};
	struct buf small;

	buf_init(&small, NULL, SEAL_OVERHEAD_BYTES + 4);
	assert_int_equal(secret_set(&secret, SLICE("token")), OK);
	assert_int_equal(seal_close(fx->ring, &fx->place, &secret, &small), ERR_TOO_LONG);
	assert_int_equal(small.len, 0);
	buf_free(&small);
	secret_wipe(&secret);
}

/* The value by the other implementation; the others by difference. */
static void a_purpose_has_a_subkey_of_its_own(void **state)
{
	static const unsigned char CSRF[] = {0xb4, 0x93, 0xfe, 0xab, 0x82, 0x06, 0x5e, 0xc9};
	static const char *const PURPOSES[] = {"csrf", "pkce", "link", "cursor", ""};
	unsigned char keys[ARRAY_LEN(PURPOSES) + 1][SEAL_KEY_BYTES];
	struct fixture *fx = *state;

	for (unsigned i = 0; i < ARRAY_LEN(PURPOSES); i++)
		assert_int_equal(seal_subkey(fx->ring, 0, PURPOSES[i], keys[i]), OK);
	assert_int_equal(seal_subkey(fx->ring, 8, "csrf", keys[ARRAY_LEN(PURPOSES)]), OK);
	assert_memory_equal(keys[0], CSRF, sizeof(CSRF));
	for (unsigned i = 0; i < ARRAY_LEN(keys); i++) {
		for (unsigned k = i + 1; k < ARRAY_LEN(keys); k++)
			assert_memory_not_equal(keys[i], keys[k], SEAL_KEY_BYTES);
	}
	assert_int_equal(seal_subkey(fx->ring, 7, "csrf", keys[1]), OK);
	assert_memory_equal(keys[0], keys[1], SEAL_KEY_BYTES);
}

static void a_subkey_of_an_unknown_key_or_an_endless_purpose_is_zero(void **state)
{
	static const unsigned char ZERO[SEAL_KEY_BYTES];
	struct fixture *fx = *state;
	unsigned char key[SEAL_KEY_BYTES];
	char purpose[65] = "";

	assert_int_equal(seal_subkey(fx->ring, 9, "csrf", key), ERR_SEALED);
	assert_memory_equal(key, ZERO, sizeof(key));
	memset(purpose, 'p', sizeof(purpose) - 1);
	assert_int_equal(seal_subkey(fx->ring, 0, purpose, key), ERR_INTERNAL);
	assert_memory_equal(key, ZERO, sizeof(key));
}

struct bad_ring {
	const char *text, *says;
};

/* clang-format off */
static const struct bad_ring BAD_RINGS[] = {
	{ "", "the key ring has no line with an active key" },
	{ "# 7 " KEY_7 " active\n", "the key ring has no line with an active key" },
	{ "7 " KEY_7 " old\n", "the key ring has no line with an active key" },
	{ "7 " KEY_7 " active\n8 " KEY_8 " active\n",
	  "line 2 of the key ring: it is the second active key" },
	{ "7 " KEY_7 " active\n\n# x\n7 " KEY_8 " old\n",
	  "line 4 of the key ring: the number stands there twice" },
	{ "7 " KEY_7 " active\n8 " KEY_7 " old\n",
	  "line 2 of the key ring: the key stands there twice" },
	{ "7 " ZEROS " active\n", "line 1 of the key ring: the key is all zero" },
	{ "7 AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHw== active\n",
	  "line 1 of the key ring: the key is not 32 bytes long" },
	{ "7 AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAh active\n",
	  "line 1 of the key ring: the key is not 32 bytes long" },
	{ "7 AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA active\n",
	  "line 1 of the key ring: the key is not base64" },
	{ "7 AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyB= active\n",
	  "line 1 of the key ring: the key is not base64" },
	{ "7 *QIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA= active\n",
	  "line 1 of the key ring: the key is not base64" },
	{ "0 " KEY_7 " active\n",
	  "line 1 of the key ring: the number is not one from 1 to 4294967295" },
	{ "4294967296 " KEY_7 " active\n",
	  "line 1 of the key ring: the number is not one from 1 to 4294967295" },
	{ "k1 " KEY_7 " active\n",
	  "line 1 of the key ring: the number is not one from 1 to 4294967295" },
	{ "07 " KEY_7 " active\n",
	  "line 1 of the key ring: the number is not one from 1 to 4294967295" },
	{ "7 " KEY_7 " Active\n",
	  "line 1 of the key ring: the third word is neither active nor old" },
	{ "7 " KEY_7 "\n", "line 1 of the key ring: it is not of the form: number key active|old" },
	{ "7 " KEY_7 " active now\n",
	  "line 1 of the key ring: it is not of the form: number key active|old" },
	{ "active\n", "line 1 of the key ring: it is not of the form: number key active|old" },
};
/* clang-format on */

static void every_bad_line_is_named_without_its_key(void **state)
{
	struct fixture *fx = *state;

	for (unsigned i = 0; i < ARRAY_LEN(BAD_RINGS); i++) {
		struct seal_ring *ring;
		struct fail why = {0};

		temp_file_put(&fx->file, 0400, BAD_RINGS[i].text);
		assert_int_equal(seal_ring_read(fx->file.path, &ring, &why), ERR_CONFIG);
		assert_string_equal(why.detail, BAD_RINGS[i].says);
		assert_null(ring);
	}
}

static void a_nul_in_the_ring_is_no_end_of_it(void **state)
{
	static const char TEXT[] = "7 " KEY_7 " active\n\0"
				   "8 " KEY_8 " active\n";
	struct fixture *fx = *state;
	struct seal_ring *ring;
	struct fail why = {0};

	temp_file_write(&fx->file, 0400, TEXT, sizeof(TEXT) - 1);
	assert_int_equal(seal_ring_read(fx->file.path, &ring, &why), ERR_CONFIG);
	assert_non_null(strstr(why.detail, "line 2 of the key ring"));
}

static void the_ring_is_for_its_owner_and_group_to_read_alone(void **state)
{
	static const unsigned BAD[] = {0600, 0640, 0444, 0404, 0460, 0500, 0450, 04400};
	static const unsigned GOOD[] = {0400, 0440, 0040};
	struct fixture *fx = *state;
	struct seal_ring *ring;
	struct fail why = {0};

	for (unsigned i = 0; i < ARRAY_LEN(BAD); i++) {
		temp_file_put(&fx->file, BAD[i], RING);
		assert_int_equal(seal_ring_read(fx->file.path, &ring, &why), ERR_CONFIG);
		assert_non_null(strstr(why.detail, "0440 is the widest allowed"));
		assert_null(ring);
	}
	for (unsigned i = 0; i < ARRAY_LEN(GOOD) - (geteuid() != 0); i++) {
		temp_file_put(&fx->file, GOOD[i], RING);
		assert_int_equal(seal_ring_read(fx->file.path, &ring, &why), OK);
		seal_ring_free(ring);
	}
}

static void a_ring_that_cannot_be_read_is_told(void **state)
{
	struct seal_ring *ring;
	struct fail why = {0};

	(void)state;
	assert_int_equal(seal_ring_read("/nowhere/keys", &ring, &why), ERR_CONFIG);
	assert_string_equal(why.detail, "the key ring cannot be read: No such file or directory");
	assert_int_equal(seal_ring_read("/nowhere/keys", &ring, NULL), ERR_CONFIG);
	seal_ring_free(NULL);
}

static void sixty_four_keys_fit_and_one_more_does_not(void **state)
{
	struct fixture *fx = *state;
	struct seal_ring *ring;
	struct fail why = {0};
	struct buf text;

	buf_init(&text, NULL, 16384);
	for (unsigned n = 1; n <= 65; n++) {
		buf_format(&text, "%u %c%c%s %s\n", n, "ABCDEFGHIJKLM"[n / 8], "AEIMQUYc"[n % 8],
			   "IDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=", n == 1 ? "active" : "old");
		temp_file_put(&fx->file, 0400, buf_slice(&text).data);
		if (n < 64)
			continue;
		assert_int_equal(seal_ring_read(fx->file.path, &ring, &why),
				 n == 64 ? OK : ERR_CONFIG);
		seal_ring_free(ring);
	}
	assert_string_equal(why.detail, "line 65 of the key ring: there are too many keys");
	buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)
		TEST(the_format_is_the_one_that_is_written_down),
		TEST(what_was_sealed_opens_again_at_every_length),
		TEST(a_blob_says_its_key_and_hides_its_text),
		TEST(the_same_text_never_gives_the_same_blob),
		TEST(any_single_flipped_bit_is_refused),
		TEST(a_blob_cut_anywhere_or_made_longer_is_refused),
		TEST(a_blob_opens_at_its_own_place_alone),
		TEST(a_column_has_a_longest_name),
		TEST(an_old_key_still_opens_and_an_active_one_seals),
		TEST(a_blob_of_a_key_that_is_gone_stays_shut),
		TEST(what_is_no_blob_has_no_key),
		TEST(sealing_into_a_full_buffer_is_told),
		TEST(a_purpose_has_a_subkey_of_its_own),
		TEST(a_subkey_of_an_unknown_key_or_an_endless_purpose_is_zero),
		TEST(every_bad_line_is_named_without_its_key),
		TEST(a_nul_in_the_ring_is_no_end_of_it),
		TEST(the_ring_is_for_its_owner_and_group_to_read_alone),
		TEST(a_ring_that_cannot_be_read_is_told),
		TEST(sixty_four_keys_fit_and_one_more_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
