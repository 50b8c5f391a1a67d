#include "base/html.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

enum { REFERENCE_BYTES_MAX = 10, NO_BREAK_SPACE = 0xA0 };

/* HTML that is read, and the text that comes of it. */
struct reading {
	struct slice rest;
	struct buf out;
	bool space; /* white space of the source, which counts only between two words */
};

static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static void skip(struct slice *text, size_t n)
{
	text->data += n;
	text->len -= n;
}

/* Skips all up to the first mark, and the mark; all if there is none. */
static void skip_past(struct slice *text, const char *mark)
{
	const char *at = memmem(text->data, text->len, mark, strlen(mark));

	skip(text, at ? (size_t)(at - text->data) + strlen(mark) : text->len);
}

static bool at_line_start(const struct reading *rd)
{
	return rd->out.len == 0 || rd->out.data[rd->out.len - 1] == '\n';
}

static void add_line_end(struct reading *rd)
{
	buf_add_byte(&rd->out, '\n');
	rd->space = false;
}

/* A word or a space that shows. */
static void add_visible(struct reading *rd, const char *data, size_t len)
{
	if (rd->space && !at_line_start(rd) && rd->out.data[rd->out.len - 1] != ' ')
		buf_add_byte(&rd->out, ' ');
	rd->space = false;
	buf_add(&rd->out, data, len);
}

static bool is_one_of(struct slice name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (slice_is_nocase(name, names[i]))
			return true;
	}
	return false;
}

/* What stands in these is not for reading; their end is looked for as HTML does, literally. */
static bool skip_unread(struct reading *rd, struct slice name)
{
	static const struct {
		const char *name;
		const char *end;
	} UNREAD[] = {{"head", "</head"},
		      {"style", "</style"},
		      {"script", "</script"},
		      {"title", "</title"}};

	for (size_t i = 0; i < ARRAY_LEN(UNREAD); i++) {
		if (!slice_is_nocase(name, UNREAD[i].name))
			continue;
		while (rd->rest.len > 0) {
			struct slice head = {rd->rest.data, strlen(UNREAD[i].end)};

			if (rd->rest.len >= head.len && slice_is_nocase(head, UNREAD[i].end))
				break;
			skip(&rd->rest, 1);
		}
		return true;
	}
	return false;
}

/* Past the > of a tag, which may stand in a quoted value before. */
static void skip_tag_end(struct slice *rest)
{
	char quote = '\0';

	while (rest->len > 0) {
		char c = rest->data[0];

		skip(rest, 1);
		if (c == '>' && !quote)
			return;
		if (quote)
			quote = c == quote ? '\0' : quote;
		else if (c == '"' || c == '\'')
			quote = c;
	}
}

static bool begins_tag(struct slice text)
{
	return text.len > 1 && (is_letter_or_digit(text.data[1]) || strchr("/!?", text.data[1]));
}

/* rest begins with "<", which may stand for itself. */
static void read_tag(struct reading *rd)
{
	static const char *const BLOCKS[] = {"p",     "div",        "li",  "ul", "ol", "tr",
					     "table", "h1",         "h2",  "h3", "h4", "h5",
					     "h6",    "blockquote", "pre", "hr"};
	struct slice name;
	bool closing;

	if (slice_starts(rd->rest, "<!--")) {
		skip_past(&rd->rest, "-->");
		return;
	}
	if (!begins_tag(rd->rest)) {
		add_visible(rd, "<", 1);
		skip(&rd->rest, 1);
		return;
	}
	skip(&rd->rest, 1);
	closing = slice_starts(rd->rest, "/");
	skip(&rd->rest, closing ? 1 : 0);
	name = (struct slice){rd->rest.data, 0};
	while (name.len < rd->rest.len && is_letter_or_digit(rd->rest.data[name.len]))
		name.len++;
	if (!closing && skip_unread(rd, name))
		return;
	skip_tag_end(&rd->rest);
	if (slice_is_nocase(name, "br"))
		add_line_end(rd);
	else if (is_one_of(name, BLOCKS, ARRAY_LEN(BLOCKS)) && !at_line_start(rd))
		add_line_end(rd);
}

/* As UTF-8; a space that does not break is one that shows. */
static void add_code_point(struct reading *rd, unsigned long code)
{
	static const unsigned char LEAD[] = {0, 0x00, 0xC0, 0xE0, 0xF0};
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	char utf8[4];

	if (code == NO_BREAK_SPACE) {
		add_visible(rd, " ", 1);
		return;
	}
	for (size_t i = n; i-- > 1; code >>= 6)
		utf8[i] = (char)(0x80 | (code & 0x3F));
	utf8[0] = (char)(LEAD[n] | code);
	add_visible(rd, utf8, n);
}

/* The code point of "#233" or "#xe9"; 0 for what is none, or no character of a text. */
static unsigned long code_of_number(struct slice name)
{
	char digits[REFERENCE_BYTES_MAX + 1];
	bool hex = name.len > 1 && (name.data[1] == 'x' || name.data[1] == 'X');
	size_t begin = hex ? 2 : 1;
	unsigned long code;
	char *end;

	if (name.len <= begin || !is_letter_or_digit(name.data[begin]) ||
	    text_copy(digits, sizeof(digits), (struct slice){name.data + begin, name.len - begin}))
		return 0;
	code = strtoul(digits, &end, hex ? 16 : 10);
	if (*end != '\0' || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF) || code == 0x7F ||
	    (code > 0x7F && code < NO_BREAK_SPACE) || (code < ' ' && code != '\t'))
		return 0;
	return code;
}

static unsigned long code_of(struct slice name)
{
	static const struct {
		const char *name;
		unsigned long code;
	} NAMES[] = {{"amp", '&'},  {"lt", '<'},    {"gt", '>'},
		     {"quot", '"'}, {"apos", '\''}, {"nbsp", NO_BREAK_SPACE}};

	if (slice_starts(name, "#"))
		return code_of_number(name);
	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
		if (slice_is(name, NAMES[i].name))
			return NAMES[i].code;
	}
	return 0;
}

/* rest begins with "&", which stands for itself where nothing else is meant by it. */
static void read_reference(struct reading *rd)
{
	size_t most = rd->rest.len < REFERENCE_BYTES_MAX ? rd->rest.len : REFERENCE_BYTES_MAX;
	const char *end = memchr(rd->rest.data, ';', most);
	struct slice name = {rd->rest.data + 1, 0};
	unsigned long code = 0;

	if (end) {
		name.len = (size_t)(end - name.data);
		code = code_of(name);
	}
	if (code > 0) {
		add_code_point(rd, code);
		skip(&rd->rest, name.len + 2);
	} else {
		add_visible(rd, "&", 1);
		skip(&rd->rest, 1);
	}
}

/* Spaces within a line stay as they are; a line end of the source is but a space between words. */
static void read_white(struct reading *rd)
{
	char c = rd->rest.data[0];

	if (c == '\r' || c == '\n' || rd->space || at_line_start(rd))
		rd->space = true;
	else
		buf_add_byte(&rd->out, c);
	skip(&rd->rest, 1);
}

static void read_words(struct reading *rd)
{
	size_t n = 0;

	while (n < rd->rest.len && !strchr("<& \t\r\n", rd->rest.data[n]))
		n++;
	if (n == 0) { /* a NUL, which no JSON text holds */
		skip(&rd->rest, 1);
		return;
	}
	add_visible(rd, rd->rest.data, n);
	skip(&rd->rest, n);
}

enum err html_to_text(struct arena *arena, struct slice html, struct slice *text)
{
	struct reading rd = {.rest = html};

	/* nothing becomes longer on its way to text */
	buf_init(&rd.out, arena, html.len);
	while (rd.rest.len > 0) {
		switch (rd.rest.data[0]) {
		case '<':
			read_tag(&rd);
			break;
		case '&':
			read_reference(&rd);
			break;
		case ' ':
		case '\t':
		case '\r':
		case '\n':
			read_white(&rd);
			break;
		default:
			read_words(&rd);
		}
	}
	*text = slice_trim(buf_slice(&rd.out));
	return buf_error(&rd.out);
}

struct slice html_skip_tag(struct slice html)
{
	skip_tag_end(&html);
	return html;
}
