#include "provider/outlook_body.h"

#include <string.h>

#include "base/html.h"

enum { RULE_CHARS_MIN = 20, LINK_BYTES_MAX = 32 * 1024 };

/* --- the block of an online meeting --- */

static struct slice from(struct slice text, size_t at)
{
	return (struct slice){text.data + at, text.len - at};
}

static struct slice up_to(struct slice text, size_t at)
{
	return (struct slice){text.data, at};
}

/* Anything to read, beside tags and white space? */
static bool shows_something(struct slice part, bool html)
{
	while (part.len > 0) {
		if (html && part.data[0] == '<')
			part = html_skip_tag(part);
		else if (html && slice_starts(part, "&nbsp;"))
			part = from(part, strlen("&nbsp;"));
		else if (strchr(" \t\r\n", part.data[0]))
			part = from(part, 1);
		else
			return true;
	}
	return false;
}

/* Where the last line of underscores begins that ends at or before *end, which becomes its end;
 * content.len when there is none. */
static size_t last_rule(struct slice content, size_t *end)
{
	while (*end > 0) {
		size_t begin = *end;

		while (begin > 0 && content.data[begin - 1] == '_')
			begin--;
		if (*end - begin >= RULE_CHARS_MIN)
			return begin;
		*end = begin < *end ? begin : begin - 1;
	}
	return content.len;
}

/* Where the link stands, as HTML or plain text has it; content.len when it does not. */
static size_t find_link(struct arena *arena, const struct outlook_body *body)
{
	struct slice content = body->content, link = body->link;
	const char *at = NULL;
	struct buf escaped;

	buf_init(&escaped, arena, LINK_BYTES_MAX);
	if (body->html) {
		buf_add_html(&escaped, link);
		link = buf_slice(&escaped);
	}
	if (content.len > 0 && link.len > 0 && !buf_error(&escaped))
		at = memmem(content.data, content.len, link.data, link.len);
	return at ? (size_t)(at - content.data) : content.len;
}

/* The place in front of the tags (and white space) that open what stands at `at`. */
static size_t before_openings(struct slice content, size_t at)
{
	for (;;) {
		struct slice head = up_to(content, at), tag;
		const char *open;

		while (head.len > 0 && strchr(" \t\r\n", head.data[head.len - 1]))
			head.len--;
		if (head.len == 0 || head.data[head.len - 1] != '>')
			return at;
		open = memrchr(head.data, '<', head.len);
		if (!open)
			return at;
		tag = from(head, (size_t)(open - head.data));
		if (slice_starts(tag, "</") || slice_starts(tag, "<!--") ||
		    slice_is_nocase(up_to(tag, tag.len < 5 ? tag.len : 5), "<body") ||
		    slice_is_nocase(up_to(tag, tag.len < 5 ? tag.len : 5), "<html"))
			return at;
		at = (size_t)(open - content.data);
	}
}

/* In front of the tag that `at` is in, or at itself. */
static size_t before_tag(struct slice content, size_t at)
{
	const char *open = at > 0 ? memrchr(content.data, '<', at) : NULL;
	const char *end = at > 0 ? memrchr(content.data, '>', at) : NULL;

	return open && (!end || end < open) ? (size_t)(open - content.data) : at;
}

/* Where the block begins; content.len when there is none. */
static size_t block_begin(struct arena *arena, const struct outlook_body *body)
{
	struct slice content = body->content;
	size_t link = find_link(arena, body), end = link, below = content.len;
	size_t rule = last_rule(content, &end);

	while (link == content.len && rule < content.len &&
	       !shows_something(up_to(from(content, end), below - end), body->html)) {
		below = rule;
		end = rule;
		rule = last_rule(content, &end);
	}
	if (rule == content.len && link < content.len)
		rule = body->html ? before_tag(content, link) : link;
	if (rule < content.len && body->html)
		rule = before_openings(content, rule);
	return rule;
}

/* From its begin to the end of what is shown. */
static struct slice block_of(const struct outlook_body *body, size_t begin)
{
	struct slice block = from(body->content, begin);

	for (size_t i = block.len; i-- > 0;) {
		if (slice_starts(from(block, i), "</body") ||
		    slice_starts(from(block, i), "</BODY"))
			return up_to(block, i);
	}
	return block;
}

/* --- reading and writing --- */

/* Without the CR of its line ends, and without white space at its ends. */
static enum err plain_text(struct arena *arena, struct slice content, struct slice *text)
{
	struct slice rest = content;
	struct buf out;

	buf_init(&out, arena, content.len);
	while (rest.data) {
		buf_add_slice(&out, slice_cut(&rest, '\r'));
		if (rest.data && !slice_starts(rest, "\n"))
			buf_add_byte(&out, '\n');
	}
	*text = slice_trim(buf_slice(&out));
	return buf_error(&out);
}

enum err outlook_body_read(struct arena *arena, const struct outlook_body *body, struct slice *text,
			   struct slice *block)
{
	size_t begin = body->online ? block_begin(arena, body) : body->content.len;
	struct slice above = up_to(body->content, begin);

	*block = (struct slice){0};
	if (!body->html)
		return plain_text(arena, above, text);
	if (begin < body->content.len)
		*block = block_of(body, begin);
	return html_to_text(arena, above, text);
}

/* Spaces that HTML would not show: at the begin of a line, and the second of two. */
static void add_line(struct buf *out, struct slice line)
{
	bool hidden = true;

	while (line.len > 0) {
		size_t n = 0;

		while (n < line.len && line.data[n] != ' ')
			n++;
		buf_add_html(out, up_to(line, n));
		hidden = hidden && n == 0;
		if (n < line.len) {
			buf_add_text(out, hidden ? "&nbsp;" : " ");
			hidden = true;
			n++;
		}
		line = from(line, n);
	}
}

void outlook_body_write(struct slice text, struct slice block, struct buf *out)
{
	struct slice rest = text;

	buf_add_text(out, "<html><body>");
	while (rest.data) {
		add_line(out, slice_cut(&rest, '\n'));
		buf_add_text(out, "<br>\r\n");
	}
	buf_add_slice(out, block);
	buf_add_text(out, "</body></html>");
}
