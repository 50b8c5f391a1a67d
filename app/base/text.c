#include "base/text.h"

#include <string.h>

enum {
	EMAIL_BYTES_MAX = 254, /* RFC 5321 4.5.3.1.3, without the angle brackets */
	EMAIL_LOCAL_MAX = 64,
	DOMAIN_LABEL_MAX = 63,
	ID_BYTES_MAX = 128,
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Unlike strchr, this does not find the NUL at the end of set. */
static bool is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

struct slice slice_of(const char *text)
{
	return (struct slice){text, text ? strlen(text) : 0};
}

bool slice_equal(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool slice_is(struct slice a, const char *text)
{
	return slice_equal(a, slice_of(text));
}

bool slice_is_nocase(struct slice a, const char *text)
{
	if (a.len != strlen(text))
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (lower(a.data[i]) != lower(text[i]))
			return false;
	}
	return true;
}

bool slice_starts(struct slice a, const char *prefix)
{
	size_t len = strlen(prefix);

	return a.len >= len && slice_is((struct slice){a.data, len}, prefix);
}

struct slice slice_trim(struct slice a)
{
	while (a.len > 0 && is_one_of(a.data[0], " \t\r\n")) {
		a.data++;
		a.len--;
	}
	while (a.len > 0 && is_one_of(a.data[a.len - 1], " \t\r\n"))
		a.len--;
	return a;
}

struct slice slice_cut(struct slice *rest, char mark)
{
	struct slice piece = *rest;
	const char *at = rest->len > 0 ? memchr(rest->data, mark, rest->len) : NULL;

	if (!at) {
		*rest = (struct slice){NULL, 0};
		return piece;
	}
	piece.len = (size_t)(at - piece.data);
	rest->data = at + 1;
	rest->len -= piece.len + 1;
	return piece;
}

enum err text_copy(char *out, size_t size, struct slice a)
{
	if (size == 0)
		return ERR_TOO_LONG;
	out[0] = '\0';
	if (a.len >= size || (a.len > 0 && memchr(a.data, '\0', a.len)))
		return ERR_TOO_LONG;
	if (a.len > 0)
		memcpy(out, a.data, a.len);
	out[a.len] = '\0';
	return OK;
}

static bool in_range(unsigned char c, unsigned char first, unsigned char last)
{
	return c >= first && c <= last;
}

/*
 * Bytes of the sequence that s begins with, by the table in RFC 3629 section 4; 0 when it is
 * not well-formed. The second byte alone tells overlong forms, surrogates and U+110000 apart.
 */
static size_t utf8_length(const unsigned char *s, size_t left)
{
	unsigned char least = 0x80, most = 0xBF;
	size_t len;

	if (s[0] < 0x80)
		return 1;
	if (in_range(s[0], 0xC2, 0xDF))
		len = 2;
	else if (in_range(s[0], 0xE0, 0xEF))
		len = 3;
	else if (in_range(s[0], 0xF0, 0xF4))
		len = 4;
	else
		return 0;
	if (s[0] == 0xE0)
		least = 0xA0;
	else if (s[0] == 0xED)
		most = 0x9F;
	else if (s[0] == 0xF0)
		least = 0x90;
	else if (s[0] == 0xF4)
		most = 0x8F;
	if (left < len || !in_range(s[1], least, most))
		return 0;
	for (size_t i = 2; i < len; i++) {
		if (!in_range(s[i], 0x80, 0xBF))
			return 0;
	}
	return len;
}

/* Are the next eight bytes all ASCII? Nearly all text is; this makes the check cheap. */
static bool eight_ascii(const char *data)
{
	uint64_t word;

	memcpy(&word, data, sizeof(word));
	return (word & UINT64_C(0x8080808080808080)) == 0;
}

size_t text_utf8_error(struct slice a)
{
	size_t i = 0, len;

	while (i < a.len) {
		if (a.len - i >= sizeof(uint64_t) && eight_ascii(a.data + i)) {
			i += sizeof(uint64_t);
			continue;
		}
		len = utf8_length((const unsigned char *)a.data + i, a.len - i);
		if (len == 0)
			break;
		i += len;
	}
	return i;
}

bool text_is_utf8(struct slice a)
{
	return text_utf8_error(a) == a.len;
}

bool text_has_control(struct slice a, bool lines)
{
	for (size_t i = 0; i < a.len; i++) {
		unsigned char c = (unsigned char)a.data[i];

		if (lines && (c == '\t' || c == '\n'))
			continue;
		if (c < 0x20 || c == 0x7F)
			return true;
		if (c == 0xC2 && i + 1 < a.len && (unsigned char)a.data[i + 1] < 0xA0)
			return true;
	}
	return false;
}

enum err text_to_int(struct slice a, int64_t min, int64_t max, int64_t *out)
{
	bool negative = a.len > 0 && a.data[0] == '-';
	size_t i = negative ? 1 : 0;
	int64_t value = 0;

	*out = 0;
	if (i == a.len || (a.data[i] == '0' && a.len > 1))
		return ERR_BAD_REQUEST;
	for (; i < a.len; i++) {
		int digit = a.data[i] - '0';

		if (!is_digit(a.data[i]) || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, negative ? -digit : digit, &value))
			return ERR_BAD_REQUEST;
	}
	if (value < min || value > max)
		return ERR_BAD_REQUEST;
	*out = value;
	return OK;
}

size_t text_from_int(int64_t value, char out[TEXT_INT_BYTES])
{
	uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
	char digits[TEXT_INT_BYTES];
	size_t n = 0, len = 0;

	do {
		digits[n++] = (char)('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (value < 0)
		out[len++] = '-';
	while (n > 0)
		out[len++] = digits[--n];
	out[len] = '\0';
	return len;
}

/* RFC 5321 Dot-string: atoms of RFC 5322 atext with single dots between them. */
static bool is_local_part(struct slice a)
{
	char before = '.';

	if (a.len == 0 || a.len > EMAIL_LOCAL_MAX)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		char c = a.data[i];

		if (c == '.' ? before == '.' : !is_alnum(c) && !is_one_of(c, "!#$%&'*+-/=?^_`{|}~"))
			return false;
		before = c;
	}
	return before != '.';
}

static bool is_domain_label(struct slice a)
{
	if (a.len == 0 || a.len > DOMAIN_LABEL_MAX)
		return false;
	if (a.data[0] == '-' || a.data[a.len - 1] == '-')
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (!is_alnum(a.data[i]) && a.data[i] != '-')
			return false;
	}
	return true;
}

bool text_is_email(struct slice a)
{
	struct slice domain = a;
	struct slice local = slice_cut(&domain, '@');

	if (a.len > EMAIL_BYTES_MAX || !domain.data || !is_local_part(local))
		return false;
	while (domain.data) {
		if (!is_domain_label(slice_cut(&domain, '.')))
			return false;
	}
	return true;
}

bool text_is_id(struct slice a, bool foreign)
{
	if (a.len == 0 || a.len > ID_BYTES_MAX || slice_is(a, ".") || slice_is(a, ".."))
		return false;
	for (size_t i = 0; i < a.len; i++) {
		char c = a.data[i];

		if (!is_alnum(c) && !is_one_of(c, "_.~-") && !(foreign && is_one_of(c, "@|:+")))
			return false;
	}
	return true;
}

/* The value of a hexadecimal digit, or -1. */
static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	c = lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that an escape or a plain byte at a.data[*at] stands for, or -1; moves *at behind it. */
static int percent_byte(struct slice a, size_t *at, bool form)
{
	char c = a.data[(*at)++];
	int high, low;

	if (c == '+' && form)
		return ' ';
	if (c != '%')
		return (unsigned char)c;
	if (a.len - *at < 2)
		return -1;
	high = hex_value(a.data[(*at)++]);
	low = hex_value(a.data[(*at)++]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

enum err text_percent_decode(struct slice a, bool form, char *out, size_t size, size_t *len)
{
	size_t n = 0;
	enum err e = OK;

	*len = 0;
	if (size == 0)
		return ERR_TOO_LONG;
	for (size_t i = 0; i < a.len && !e;) {
		int byte = percent_byte(a, &i, form);

		if (byte <= 0)
			e = ERR_BAD_REQUEST;
		else if (n + 1 >= size)
			e = ERR_TOO_LONG;
		else
			out[n++] = (char)byte;
	}
	if (e)
		n = 0;
	out[n] = '\0';
	*len = n;
	return e;
}

/* The letter that JSON escapes c with, or NUL when c has none. */
static char short_escape(unsigned char c)
{
	switch (c) {
	case '"':
	case '\\':
		return (char)c;
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	default:
		return '\0';
	}
}

static size_t escape_unit(unsigned unit, char *out)
{
	static const char HEX[] = "0123456789abcdef";

	out[0] = '\\';
	out[1] = 'u';
	for (unsigned i = 0; i < 4; i++)
		out[2 + i] = HEX[unit >> (12 - 4 * i) & 0xF];
	return 6;
}

size_t text_json_plain(struct slice a)
{
	/* all of ASCII that can be seen, but for quote and backslash */
	static const bool PLAIN[256] = {
		[' ' ... '!'] = true,
		['#' ... '['] = true,
		[']' ... '~'] = true,
	};
	size_t i = 0;

	while (i < a.len && PLAIN[(unsigned char)a.data[i]])
		i++;
	return i;
}

size_t text_json_char(struct slice rest, char out[TEXT_JSON_CHAR_BYTES], size_t *taken)
{
	const unsigned char *s = (const unsigned char *)rest.data;
	size_t len = utf8_length(s, rest.len);
	char letter = short_escape(s[0]);

	*taken = len ? len : 1;
	if (len == 0)
		return escape_unit(0xFFFD, out);
	if (letter) {
		out[0] = '\\';
		out[1] = letter;
		return 2;
	}
	if (s[0] < 0x20 || s[0] == 0x7F)
		return escape_unit(s[0], out);
	if (len == 2 && s[0] == 0xC2 && s[1] < 0xA0)
		return escape_unit(s[1], out);
	if (len == 3 && s[0] == 0xE2 && s[1] == 0x80 && (s[2] == 0xA8 || s[2] == 0xA9))
		return escape_unit(0x2000u + (s[2] - 0x80u), out);
	memcpy(out, s, len);
	return len;
}
