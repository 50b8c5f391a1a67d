#include "model/page_token.h"

#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/seal.h"

enum {
	KEY_BYTES = 4,
	LENGTH_BYTES = 2,
	HEAD_BYTES = KEY_BYTES + ID_BYTES + LENGTH_BYTES,
	MAC_BYTES = 16,
	RAW_BYTES_MAX = PAGE_TOKEN_BYTES_MAX / 4 * 3,
	CALENDAR_BYTES_MAX = 255
};

static void put_number(unsigned char *at, uint64_t number, int n_bytes)
{
	for (int i = n_bytes - 1; i >= 0; i--, number >>= 8)
		at[i] = (unsigned char)number;
}

static uint32_t get_number(const unsigned char *at, int n_bytes)
{
	uint32_t number = 0;

	for (int i = 0; i < n_bytes; i++)
		number = number << 8 | at[i];
	return number;
}

static struct slice bytes_of(const void *data, size_t len)
{
	return (struct slice){data, len};
}

/* Over the list and the first len bytes of raw, by the key that they name. */
static enum err sign(const struct seal_ring *ring, const struct page_list *list,
		     const unsigned char *raw, size_t len, unsigned char mac[SHA256_BYTES])
{
	unsigned char key[SEAL_KEY_BYTES], range[16];
	const struct slice pieces[] = {
		SLICE("calbridge/page/1"),
		bytes_of(list->tenant->bytes, ID_BYTES),
		bytes_of(list->owner->bytes, ID_BYTES),
		bytes_of(range, sizeof(range)),
		bytes_of(raw, len),
	};
	enum err e = seal_subkey(ring, get_number(raw, KEY_BYTES), "cursor", key);

	put_number(range, (uint64_t)list->from_ms, 8);
	put_number(range + 8, (uint64_t)list->to_ms, 8);
	if (!e)
		digest_hmac(bytes_of(key, sizeof(key)), pieces, ARRAY_LEN(pieces), mac);
	explicit_bzero(key, sizeof(key));
	return e;
}

enum err page_token_write(const struct seal_ring *ring, const struct page_list *list,
			  const struct page_place *place, struct arena *arena, struct slice *out)
{
	size_t len = HEAD_BYTES + place->calendar_id.len + place->page.len;
	unsigned char mac[SHA256_BYTES];
	unsigned char *raw;
	char *text;
	enum err e;

	*out = (struct slice){NULL, 0};
	if (place->calendar_id.len > CALENDAR_BYTES_MAX || len > RAW_BYTES_MAX - MAC_BYTES)
		return ERR_TOO_LONG;
	raw = arena_alloc(arena, len + MAC_BYTES);
	text = arena_alloc(arena, PAGE_TOKEN_BYTES_MAX + 1);
	if (!raw || !text)
		return ERR_NOMEM;
	put_number(raw, seal_active(ring), KEY_BYTES);
	memcpy(raw + KEY_BYTES, place->connection.bytes, ID_BYTES);
	put_number(raw + KEY_BYTES + ID_BYTES, place->calendar_id.len, LENGTH_BYTES);
	if (place->calendar_id.len)
		memcpy(raw + HEAD_BYTES, place->calendar_id.data, place->calendar_id.len);
	if (place->page.len)
		memcpy(raw + HEAD_BYTES + place->calendar_id.len, place->page.data,
		       place->page.len);
	e = sign(ring, list, raw, len, mac);
	if (e)
		return e;
	memcpy(raw + len, mac, MAC_BYTES);
	*out = bytes_of(text, digest_base64url(raw, len + MAC_BYTES, text));
	return OK;
}

/* raw is of this ring, this list, and unchanged; len is that of all but the mac. */
static enum err check(const struct seal_ring *ring, const struct page_list *list,
		      const unsigned char *raw, size_t len)
{
	unsigned char mac[SHA256_BYTES];
	enum err e = sign(ring, list, raw, len, mac);

	if (e)
		return e == ERR_SEALED ? ERR_BAD_REQUEST : e;
	return digest_equal(bytes_of(mac, MAC_BYTES), bytes_of(raw + len, MAC_BYTES))
		       ? OK
		       : ERR_BAD_REQUEST;
}

enum err page_token_read(const struct seal_ring *ring, const struct page_list *list,
			 struct slice text, struct arena *arena, struct page_place *out)
{
	unsigned char *raw = arena_alloc(arena, RAW_BYTES_MAX);
	size_t len, calendar;
	const char *rest;
	enum err e;

	*out = (struct page_place){0};
	if (!raw)
		return ERR_NOMEM;
	if (digest_base64url_read(text, raw, RAW_BYTES_MAX, &len) || len < HEAD_BYTES + MAC_BYTES)
		return ERR_BAD_REQUEST;
	len -= MAC_BYTES;
	e = check(ring, list, raw, len);
	if (e)
		return e;
	calendar = get_number(raw + KEY_BYTES + ID_BYTES, LENGTH_BYTES);
	if (calendar > len - HEAD_BYTES)
		return ERR_BAD_REQUEST;
	memcpy(out->connection.bytes, raw + KEY_BYTES, ID_BYTES);
	rest = (const char *)raw + HEAD_BYTES;
	out->calendar_id = (struct slice){rest, calendar};
	out->page = (struct slice){rest + calendar, len - HEAD_BYTES - calendar};
	return OK;
}
