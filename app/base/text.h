#ifndef CB_BASE_TEXT_H
#define CB_BASE_TEXT_H
/*
 * text: counted pieces of text (struct slice), and the few questions we ask of them.
 * A slice borrows: it lives as long as what it points into. Stands on libc.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* bytes need not end in NUL; data may be NULL when len is 0. */
struct slice {
	const char *data;
	size_t len;
};

/* A slice over a string constant. */
#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})

/* A slice over a NUL-terminated string; NULL gives the empty slice. */
struct slice slice_of(const char *text);

/* The same bytes? Not for secrets: see digest_equal. */
bool slice_equal(struct slice a, struct slice b);

/* The same bytes as a NUL-terminated string? NULL is as the empty one. */
bool slice_is(struct slice a, const char *text);

/* The same but for the case of ASCII letters? */
bool slice_is_nocase(struct slice a, const char *text);

/* Does a begin with prefix? */
bool slice_starts(struct slice a, const char *prefix);

/* Without ASCII white space (SP, TAB, CR, LF) at both ends. */
struct slice slice_trim(struct slice a);

/*
 * Cuts *rest at the first `mark`: returns what is before it and leaves in *rest what is
 * behind it. Without a mark it returns all and leaves NULL data, which means: nothing left.
 * So `while (rest.data) piece = slice_cut(&rest, ',')` sees every piece, empty ones too.
 */
struct slice slice_cut(struct slice *rest, char mark);

/*
 * Copies a into out (size bytes, NUL included). ERR_TOO_LONG when it does not fit or holds
 * NUL; out is then the empty text, never a part.
 */
MUST_USE enum err text_copy(char *out, size_t size, struct slice a);

/* Well-formed UTF-8 by RFC 3629 (no surrogates, no overlong forms, at most U+10FFFF)? */
bool text_is_utf8(struct slice a);

/* Offset of the first byte that is not well-formed UTF-8, or a.len. */
size_t text_utf8_error(struct slice a);

/* Holds a control character (below 0x20, 0x7F, U+0080..9F)? TAB and LF are let through if lines. */
bool text_has_control(struct slice a, bool lines);

/*
 * Decimal digits only, with an optional leading '-'; no sign '+', spaces, leading zeros or
 * "-0". ERR_BAD_REQUEST when it is no such number or lies outside min..max; *out is then 0.
 */
MUST_USE enum err text_to_int(struct slice a, int64_t min, int64_t max, int64_t *out);

/*
 * One e-mail address: RFC 5321 Dot-string "@" Domain, at most 254 bytes, the part before the
 * @ at most 64. ASCII; no quoted part, comment or address literal.
 */
bool text_is_email(struct slice a);

/* 1..128 of [A-Za-z0-9_.~-] and, in ids of client applications (foreign), @ | : + ; not . or .. */
bool text_is_id(struct slice a, bool foreign);

/*
 * Decodes %XX once (and '+' to space if form) into out (size bytes, NUL included). The result
 * holds no NUL but need not be UTF-8. ERR_BAD_REQUEST on a bad escape or NUL, ERR_TOO_LONG
 * when it does not fit; out is then empty and *len 0.
 */
MUST_USE enum err text_percent_decode(struct slice a, bool form, char *out, size_t size,
				      size_t *len);

enum { TEXT_JSON_CHAR_BYTES = 6 };

/*
 * The first character of rest (not empty) as it stands inside a JSON string: controls, quote,
 * backslash, DEL, U+0080..9F, U+2028 and U+2029 escaped, a byte that is no UTF-8 as \ufffd.
 * Writes to out without a NUL, returns how many bytes, and in *taken how many of rest it was.
 */
size_t text_json_char(struct slice rest, char out[TEXT_JSON_CHAR_BYTES], size_t *taken);

/* How many bytes at the beginning are ASCII that stands in a JSON string as it is. */
size_t text_json_plain(struct slice a);

enum { TEXT_INT_BYTES = sizeof("-9223372036854775808") };

/* Writes value in decimal, with a NUL; returns its length. */
size_t text_from_int(int64_t value, char out[TEXT_INT_BYTES]);

#endif
