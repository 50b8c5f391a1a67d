#include "model/connect_link.h"

#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/seal.h"

/* What stands where; behind the tenant comes who, and behind that the mac. */
enum {
	KIND_AT = 0,
	EXPIRES_AT = 1,
	KEY_AT = 5,
	TENANT_AT = 9,
	WHO_AT = TENANT_AT + ID_BYTES,
	MAC_BYTES = 16,
	RAW_BYTES_MAX = WHO_AT + CONNECT_LINK_EXTERNAL_BYTES + MAC_BYTES
};

enum kind { KIND_OWNER = 1, KIND_CONNECTION = 2, KIND_EXTERNAL = 3 };

_Static_assert((RAW_BYTES_MAX * 4 + 2) / 3 < CONNECT_LINK_BYTES, "the longest link has its room");

static void put_number(unsigned char *at, uint32_t number)
{
	for (int i = 3; i >= 0; i--, number >>= 8)
		at[i] = (unsigned char)number;
}

static uint32_t get_number(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Over the first len bytes of raw, by the key that they name. */
static enum err sign(const struct seal_ring *ring, const unsigned char *raw, size_t len,
		     unsigned char mac[SHA256_BYTES])
{
	unsigned char key[SEAL_KEY_BYTES];
	const struct slice pieces[] = {SLICE("calbridge/connect/1"), {(const char *)raw, len}};
	enum err e = seal_subkey(ring, get_number(raw + KEY_AT), "link", key);

	if (!e)
		digest_hmac((struct slice){(const char *)key, sizeof(key)}, pieces,
			    ARRAY_LEN(pieces), mac);
	explicit_bzero(key, sizeof(key));
	return e;
}

/* Who the link is for, behind the tenant; len grows by it. */
static enum err put_who(const struct connect_link *link, unsigned char *raw, size_t *len)
{
	struct slice external = link->external_id;

	if (!id_is_none(&link->owner)) {
		raw[KIND_AT] = id_is_none(&link->connection) ? KIND_OWNER : KIND_CONNECTION;
		memcpy(raw + *len, link->owner.bytes, ID_BYTES);
		*len += ID_BYTES;
		if (raw[KIND_AT] == KIND_OWNER)
			return OK;
		memcpy(raw + *len, link->connection.bytes, ID_BYTES);
		*len += ID_BYTES;
		return OK;
	}
	if (!text_is_id(external, true))
		return ERR_BAD_REQUEST;
	if (external.len > CONNECT_LINK_EXTERNAL_BYTES)
		return ERR_TOO_LONG;
	raw[KIND_AT] = KIND_EXTERNAL;
	memcpy(raw + *len, external.data, external.len);
	*len += external.len;
	return OK;
}

enum err connect_link_write(const struct seal_ring *ring, const struct connect_link *link,
			    char out[CONNECT_LINK_BYTES])
{
	unsigned char raw[RAW_BYTES_MAX] = {0};
	unsigned char mac[SHA256_BYTES];
	size_t len = WHO_AT;
	enum err e;

	put_number(raw + EXPIRES_AT, (uint32_t)(link->expires_ms / 1000));
	put_number(raw + KEY_AT, seal_active(ring));
	memcpy(raw + TENANT_AT, link->tenant.bytes, ID_BYTES);
	e = put_who(link, raw, &len);
	if (!e)
		e = sign(ring, raw, len, mac);
	if (e)
		return e;
	memcpy(raw + len, mac, MAC_BYTES);
	digest_base64url(raw, len + MAC_BYTES, out);
	return OK;
}

/* The same way back; len is that of all but the mac. */
static enum err get_who(const unsigned char *raw, size_t len, struct arena *arena,
			struct connect_link *out)
{
	struct slice who = {(const char *)raw + WHO_AT, len - WHO_AT};

	if (raw[KIND_AT] == KIND_EXTERNAL && text_is_id(who, true)) {
		out->external_id = slice_of(arena_copy(arena, who));
		return out->external_id.data ? OK : ERR_NOMEM;
	}
	if (raw[KIND_AT] == KIND_OWNER && who.len == ID_BYTES) {
		memcpy(out->owner.bytes, who.data, ID_BYTES);
		return OK;
	}
	if (raw[KIND_AT] != KIND_CONNECTION || who.len != (size_t)2 * ID_BYTES)
		return ERR_BAD_REQUEST;
	memcpy(out->owner.bytes, who.data, ID_BYTES);
	memcpy(out->connection.bytes, who.data + ID_BYTES, ID_BYTES);
	return OK;
}

enum err connect_link_read(const struct seal_ring *ring, struct slice text, struct arena *arena,
			   struct connect_link *out)
{
	unsigned char raw[RAW_BYTES_MAX];
	unsigned char mac[SHA256_BYTES];
	size_t len;
	enum err e;

	*out = (struct connect_link){0};
	if (digest_base64url_read(text, raw, sizeof(raw), &len) || len <= WHO_AT + MAC_BYTES)
		return ERR_BAD_REQUEST;
	len -= MAC_BYTES;
	e = sign(ring, raw, len, mac);
	if (e)
		return e;
	if (!digest_equal((struct slice){(const char *)mac, MAC_BYTES},
			  (struct slice){(const char *)raw + len, MAC_BYTES}))
		return ERR_BAD_REQUEST;
	memcpy(out->tenant.bytes, raw + TENANT_AT, ID_BYTES);
	out->expires_ms = (int64_t)get_number(raw + EXPIRES_AT) * 1000;
	return get_who(raw, len, arena, out);
}
