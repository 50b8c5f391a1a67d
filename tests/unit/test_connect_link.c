#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/seal.h"
#include "model/connect_link.h"
#include "tests/unit/temp_file.h"

#define KEY_7 "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=" /* the bytes 1 to 32 */
#define KEY_8 "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICA=" /* 32 spaces */

static struct temp_file file;
static struct seal_ring *ring; /* key 7 */
static struct arena *arena;
static struct connect_link link_of_owner;

static struct seal_ring *ring_of(const char *text)
{
	struct seal_ring *made;

	temp_file_put(&file, 0400, text);
	assert_int_equal(seal_ring_read(file.path, &made, NULL), OK);
	return made;
}

static struct id id_of(unsigned char byte)
{
	struct id id;

	memset(id.bytes, byte, sizeof(id.bytes));
	return id;
}

static int make(void **state)
{
	(void)state;
	temp_file_make(&file);
	ring = ring_of("7 " KEY_7 " active\n");
	arena = arena_new(4096, 65536);
	link_of_owner = (struct connect_link){
		.tenant = id_of(1), .owner = id_of(2), .expires_ms = INT64_C(1800000000000)};
	return arena ? 0 : -1;
}

static int drop(void **state)
{
	(void)state;
	arena_free(arena);
	seal_ring_free(ring);
	temp_file_drop(&file);
	return 0;
}

static struct slice written(const struct connect_link *link)
{
	char text[CONNECT_LINK_BYTES];

	assert_int_equal(connect_link_write(ring, link, text), OK);
	return slice_of(arena_copy(arena, slice_of(text)));
}

static enum err read_link(struct slice text, struct connect_link *out)
{
	return connect_link_read(ring, text, arena, out);
}

static void assert_comes_back(const struct connect_link *link)
{
	struct slice text = written(link);
	struct connect_link back;

	assert_true(text_is_id(text, false));
	assert_int_equal(read_link(text, &back), OK);
	assert_true(id_equal(&back.tenant, &link->tenant));
	assert_true(id_equal(&back.owner, &link->owner));
	assert_true(id_equal(&back.connection, &link->connection));
	assert_true(slice_equal(back.external_id, link->external_id));
	assert_int_equal(back.expires_ms, link->expires_ms);
}

static void whom_it_is_for_comes_back_from_every_kind(void **state)
{
	struct connect_link link = link_of_owner;

	(void)state;
	assert_comes_back(&link);
	link.connection = id_of(3);
	assert_comes_back(&link);
	link = (struct connect_link){.tenant = id_of(1),
				     .external_id = SLICE("a|b:c+d@x~y"),
				     .expires_ms = link_of_owner.expires_ms};
	assert_comes_back(&link);
}

static void an_external_id_of_55_bytes_fits_and_no_longer_one(void **state)
{
	char name[CONNECT_LINK_EXTERNAL_BYTES + 1];
	char text[CONNECT_LINK_BYTES];
	struct connect_link link = {.tenant = id_of(1), .external_id = {name, sizeof(name) - 1}};

	(void)state;
	memset(name, 'x', sizeof(name));
	assert_comes_back(&link);
	assert_int_equal(written(&link).len, 128);
	link.external_id.len++;
	assert_int_equal(connect_link_write(ring, &link, text), ERR_TOO_LONG);
}

static void who_names_nobody_gets_no_link(void **state)
{
	char text[CONNECT_LINK_BYTES];
	struct connect_link link = {.tenant = id_of(1), .connection = id_of(3)};

	(void)state;
	assert_int_equal(connect_link_write(ring, &link, text), ERR_BAD_REQUEST);
	link.external_id = SLICE("no id");
	assert_int_equal(connect_link_write(ring, &link, text), ERR_BAD_REQUEST);
}

static void a_row_is_named_rather_than_an_external_id(void **state)
{
	struct connect_link link = link_of_owner, back;

	(void)state;
	link.external_id = SLICE("coach-1");
	assert_int_equal(read_link(written(&link), &back), OK);
	assert_true(id_equal(&back.owner, &link.owner));
	assert_int_equal(back.external_id.len, 0);
}

static void no_bit_of_it_can_be_changed(void **state)
{
	unsigned char raw[CONNECT_LINK_BYTES];
	char text[CONNECT_LINK_BYTES * 2];
	struct connect_link back;
	size_t len;

	(void)state;
	assert_int_equal(digest_base64url_read(written(&link_of_owner), raw, sizeof(raw), &len),
			 OK);
	for (size_t bit = 0; bit < 8 * len; bit++) {
		enum err e;

		raw[bit / 8] ^= (unsigned char)(1U << bit % 8);
		digest_base64url(raw, len, text);
		e = read_link(slice_of(text), &back);
		assert_true(e == ERR_BAD_REQUEST || e == ERR_SEALED);
		assert_true(id_is_none(&back.owner) && id_is_none(&back.tenant));
		raw[bit / 8] ^= (unsigned char)(1U << bit % 8);
	}
}

static void what_was_cut_or_lengthened_is_refused(void **state)
{
	struct slice text = written(&link_of_owner);
	char longer[CONNECT_LINK_BYTES * 2];
	struct connect_link back;

	(void)state;
	for (size_t len = 0; len < text.len; len++)
		assert_int_equal(read_link((struct slice){text.data, len}, &back), ERR_BAD_REQUEST);
	memcpy(longer, text.data, text.len);
	memset(longer + text.len, 'A', text.len);
	for (size_t len = text.len + 1; len <= 2 * text.len; len++)
		assert_int_equal(read_link((struct slice){longer, len}, &back), ERR_BAD_REQUEST);
	assert_int_equal(read_link(SLICE("done"), &back), ERR_BAD_REQUEST);
	assert_int_equal(read_link(SLICE("../../etc/passwd"), &back), ERR_BAD_REQUEST);
}

static void another_rings_link_is_refused(void **state)
{
	struct slice text = written(&link_of_owner);
	struct connect_link back;

	(void)state;
	seal_ring_free(ring);
	ring = ring_of("7 " KEY_8 " active\n");
	assert_int_equal(read_link(text, &back), ERR_BAD_REQUEST);
	seal_ring_free(ring);
	ring = ring_of("8 " KEY_8 " active\n");
	assert_int_equal(read_link(text, &back), ERR_SEALED);
}

static void a_link_outlives_the_change_of_keys(void **state)
{
	struct slice text = written(&link_of_owner);
	struct connect_link back;

	(void)state;
	seal_ring_free(ring);
	ring = ring_of("7 " KEY_7 " old\n8 " KEY_8 " active\n");
	assert_int_equal(read_link(text, &back), OK);
	assert_true(id_equal(&back.owner, &link_of_owner.owner));
	assert_false(slice_equal(written(&link_of_owner), text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(whom_it_is_for_comes_back_from_every_kind, make,
						drop),
		cmocka_unit_test_setup_teardown(an_external_id_of_55_bytes_fits_and_no_longer_one,
						make, drop),
		cmocka_unit_test_setup_teardown(who_names_nobody_gets_no_link, make, drop),
		cmocka_unit_test_setup_teardown(a_row_is_named_rather_than_an_external_id, make,
						drop),
		cmocka_unit_test_setup_teardown(no_bit_of_it_can_be_changed, make, drop),
		cmocka_unit_test_setup_teardown(what_was_cut_or_lengthened_is_refused, make, drop),
		cmocka_unit_test_setup_teardown(another_rings_link_is_refused, make, drop),
		cmocka_unit_test_setup_teardown(a_link_outlives_the_change_of_keys, make, drop),
	};

	return digest_start() || cmocka_run_group_tests_name("connect_link", tests, NULL, NULL);
}
