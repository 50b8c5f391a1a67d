/*
 * Any bytes as a connect link, or as whom one is for. What is taken was written by us, to the
 * letter; what we write is taken as it was meant. The first letter says what follows: t a text,
 * e an external id, o the ids of tenant, owner and connection.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/seal.h"
#include "model/connect_link.h"
#include "tests/unit/temp_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int64_t EXPIRES_MS = INT64_C(1800000000000);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static struct seal_ring *our_ring(void)
{
	static struct seal_ring *ring;
	struct temp_file file;

	if (ring)
		return ring;
	log_start(LOG_ERROR, "fuzz");
	must(!digest_start());
	temp_file_make(&file);
	temp_file_put(&file, 0400, "1 AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA= active\n");
	must(!seal_ring_read(file.path, &ring, NULL));
	temp_file_drop(&file);
	return ring;
}

static void read_text(struct slice text, struct arena *arena)
{
	char again[CONNECT_LINK_BYTES];
	struct connect_link link;
	enum err e = connect_link_read(our_ring(), text, arena, &link);

	must(e == OK || e == ERR_BAD_REQUEST || e == ERR_SEALED);
	if (e) {
		must(id_is_none(&link.tenant) && id_is_none(&link.owner) && !link.external_id.len);
		return;
	}
	must(!connect_link_write(our_ring(), &link, again) && slice_is(text, again));
}

static void write_link(const struct connect_link *link, struct arena *arena)
{
	char text[CONNECT_LINK_BYTES];
	struct connect_link back;

	if (connect_link_write(our_ring(), link, text))
		return;
	must(text_is_id(slice_of(text), false));
	must(!connect_link_read(our_ring(), slice_of(text), arena, &back));
	must(id_equal(&back.tenant, &link->tenant) && id_equal(&back.owner, &link->owner));
	must(back.expires_ms == link->expires_ms);
	if (id_is_none(&link->owner))
		must(slice_equal(back.external_id, link->external_id));
	else
		must(id_equal(&back.connection, &link->connection));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(4096, 65536);
	struct slice rest = {(const char *)data, size};
	struct slice kind = slice_cut(&rest, ':');
	struct connect_link link = {.expires_ms = EXPIRES_MS};

	must(arena != NULL);
	if (slice_is(kind, "text") && rest.data) {
		read_text(rest, arena);
	} else if (slice_is(kind, "external")) {
		link.external_id = rest;
		write_link(&link, arena);
	} else if (slice_is(kind, "ids") && rest.len >= (size_t)3 * ID_BYTES) {
		memcpy(link.tenant.bytes, rest.data, ID_BYTES);
		memcpy(link.owner.bytes, rest.data + ID_BYTES, ID_BYTES);
		memcpy(link.connection.bytes, rest.data + (size_t)2 * ID_BYTES, ID_BYTES);
		write_link(&link, arena);
	}
	arena_free(arena);
	return 0;
}
