#ifndef CB_BASE_BUF_H
#define CB_BASE_BUF_H
/*
 * buf: bytes that grow, under a ceiling given at birth. An error sticks: after the first one
 * every call does nothing, so a writer checks once, at the end (buf_error). Memory is the
 * arena's when one is given, else the heap's (then buf_free). Stands on arena.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"

struct buf {
	char *data;     /* always NUL-terminated when not NULL */
	size_t len;     /* without the NUL */
	size_t room;    /* bytes at data */
	size_t ceiling; /* of len */
	struct arena *arena;
	enum err error;
};

/* Makes it empty. ceiling_bytes counts the text without its NUL. arena may be NULL: heap. */
void buf_init(struct buf *buf, struct arena *arena, size_t ceiling_bytes);

/* Gives heap memory back, wiped; leaves it empty and usable. An arena's memory is left to it. */
void buf_free(struct buf *buf);

/*
 * Appends bytes, one byte, a string, a number, or formatted text; all of it or, with an error,
 * nothing. It may not come from the same buf.
 */
void buf_add(struct buf *buf, const void *data, size_t len);
/* Appends one byte. */
void buf_add_byte(struct buf *buf, char byte);
/* Appends a string. */
void buf_add_text(struct buf *buf, const char *text);
/* Appends a slice. */
void buf_add_slice(struct buf *buf, struct slice text);
/* Appends a number in decimal. */
void buf_add_int(struct buf *buf, int64_t value);
/* Appends formatted text. */
void buf_format(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);

/* Appends text percent-encoded for a path segment, query or form value (RFC 3986 unreserved stay).
 */
void buf_add_percent(struct buf *buf, struct slice text);

/* Appends text with < > & " ' as HTML character references: for text and quoted attributes. */
void buf_add_html(struct buf *buf, struct slice text);

/* Empty again, memory and ceiling kept, error forgotten. */
void buf_clear(struct buf *buf);

/* OK, ERR_TOO_LONG or ERR_NOMEM: the first thing that went wrong since init or clear. */
MUST_USE enum err buf_error(const struct buf *buf);

/* What stands in it; "" when empty. Good until the next change. */
struct slice buf_slice(const struct buf *buf);

#endif
