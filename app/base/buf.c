#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_BYTES_MIN = 128 };

void buf_init(struct buf *buf, struct arena *arena, size_t ceiling_bytes)
{
	*buf = (struct buf){.arena = arena, .ceiling = ceiling_bytes};
}

void buf_free(struct buf *buf)
{
	if (buf->data && !buf->arena) {
		explicit_bzero(buf->data, buf->room);
		free(buf->data);
	}
	buf_init(buf, buf->arena, buf->ceiling);
}

/* Never realloc: it might leave a copy of a secret where the text stood before. */
static char *grow_on_heap(struct buf *buf, size_t room)
{
	char *data = malloc(room);

	if (data && buf->data) {
		memcpy(data, buf->data, buf->len + 1);
		explicit_bzero(buf->data, buf->room);
		free(buf->data);
	}
	return data;
}

/* The room for need bytes and more to come, but no more than the ceiling and its NUL. */
static size_t room_for(const struct buf *buf, size_t need)
{
	size_t room = buf->room ? buf->room : ROOM_BYTES_MIN;

	while (room < need && room <= SIZE_MAX / 2)
		room *= 2;
	if (room > buf->ceiling)
		room = buf->ceiling + 1;
	return room < need ? need : room;
}

/* Room for more bytes that there is not yet. False: it is an error now. */
static bool make_room(struct buf *buf, size_t more)
{
	size_t room;
	char *data;

	if (buf->len > buf->ceiling || more > buf->ceiling - buf->len || buf->ceiling == SIZE_MAX) {
		buf->error = ERR_TOO_LONG;
		return false;
	}
	room = room_for(buf, buf->len + more + 1);
	data = buf->arena ? arena_grow(buf->arena, buf->data, buf->room, room)
			  : grow_on_heap(buf, room);
	if (!data) {
		buf->error = ERR_NOMEM;
		return false;
	}
	buf->data = data;
	buf->room = room;
	return true;
}

/*
 * Sees to room for more bytes and a NUL behind what stands. False: it is an error. There is never
 * more room than the ceiling allows, so what fits into it is good.
 */
static inline bool reserve(struct buf *buf, size_t more)
{
	if (buf->error)
		return false;
	return more < buf->room - buf->len || make_room(buf, more);
}

void buf_add(struct buf *buf, const void *data, size_t len)
{
	if (!reserve(buf, len))
		return;
	if (len > 0)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void buf_add_byte(struct buf *buf, char byte)
{
	if (!reserve(buf, 1))
		return;
	buf->data[buf->len++] = byte;
	buf->data[buf->len] = '\0';
}

void buf_add_text(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void buf_add_slice(struct buf *buf, struct slice text)
{
	buf_add(buf, text.data, text.len);
}

void buf_add_int(struct buf *buf, int64_t value)
{
	char text[TEXT_INT_BYTES];

	buf_add(buf, text, text_from_int(value, text));
}

/* The room that there is mostly suffices, and the text need not be formatted twice. */
void buf_format(struct buf *buf, const char *format, ...)
{
	size_t room = buf->room - buf->len;
	va_list args;
	int len;

	if (buf->error)
		return;
	va_start(args, format);
	len = vsnprintf(room ? buf->data + buf->len : NULL, room, format, args);
	va_end(args);
	if (len < 0) {
		buf->error = ERR_INTERNAL;
	} else if ((size_t)len >= room && reserve(buf, (size_t)len)) {
		va_start(args, format);
		vsnprintf(buf->data + buf->len, (size_t)len + 1, format, args);
		va_end(args);
	}
	if (!buf->error)
		buf->len += (size_t)len;
	else if (room)
		buf->data[buf->len] = '\0';
}

/* RFC 3986 section 2.3 */
static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

void buf_add_percent(struct buf *buf, struct slice text)
{
	static const char HEX[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (is_unreserved(text.data[i]))
			buf_add_byte(buf, text.data[i]);
		else
			buf_add(buf, (char[]){'%', HEX[c >> 4], HEX[c & 0xF]}, 3);
	}
}

/* The character reference that stands for c in text and in quoted attributes, or NULL. */
static const char *html_reference(char c)
{
	switch (c) {
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '&':
		return "&amp;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void buf_add_html(struct buf *buf, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		const char *reference = html_reference(text.data[i]);

		if (reference)
			buf_add_text(buf, reference);
		else
			buf_add_byte(buf, text.data[i]);
	}
}

void buf_clear(struct buf *buf)
{
	buf->len = 0;
	buf->error = OK;
	if (buf->data)
		buf->data[0] = '\0';
}

enum err buf_error(const struct buf *buf)
{
	return buf->error;
}

struct slice buf_slice(const struct buf *buf)
{
	return (struct slice){buf->data ? buf->data : "", buf->len};
}
