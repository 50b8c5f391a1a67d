#include "web/page.h"

/*
 * The referrer policy replaces no-referrer, which nginx sets: with that a browser posts these forms
 * with "Origin: null", and nobody could tell them from another site's. No path or query leaves
 * either way.
 */
static const char HEAD[] =
	"<!DOCTYPE html>\n"
	"<html lang=\"en\">\n"
	"<head>\n"
	"<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<meta name=\"referrer\" content=\"strict-origin\">\n"
	"<meta name=\"robots\" content=\"noindex\">\n"
	"<link rel=\"stylesheet\" href=\"/dashboard/page.css\">\n";

/* The one place that escapes; what is not UTF-8 would be read as something else by a browser. */
static void add_text(struct page *page, struct slice text)
{
	buf_add_html(page->out, text_is_utf8(text) ? text : SLICE("?"));
}

static void add_attribute(struct page *page, const char *name, struct slice value)
{
	buf_add_byte(page->out, ' ');
	buf_add_text(page->out, name);
	buf_add_text(page->out, "=\"");
	add_text(page, value);
	buf_add_byte(page->out, '"');
}

static void add_element(struct page *page, const char *name, struct slice text)
{
	buf_format(page->out, "<%s>", name);
	add_text(page, text);
	buf_format(page->out, "</%s>\n", name);
}

/* Facts that follow each other are one list. */
static void end_list(struct page *page)
{
	if (page->in_list)
		buf_add_text(page->out, "</dl>\n");
	page->in_list = false;
}

void page_begin(struct page *page, struct buf *out, const char *title)
{
	*page = (struct page){.out = out};
	buf_add_text(out, HEAD);
	add_element(page, "title", slice_of(title));
	buf_add_text(out, "</head>\n<body>\n<main>\n");
	add_element(page, "h1", slice_of(title));
}

void page_text(struct page *page, const char *text)
{
	end_list(page);
	add_element(page, "p", slice_of(text));
}

void page_fact(struct page *page, const char *label, struct slice value)
{
	if (!page->in_list)
		buf_add_text(page->out, "<dl>\n");
	page->in_list = true;
	add_element(page, "dt", slice_of(label));
	/* bdi: letters that turn the direction of writing do so in here alone */
	buf_add_text(page->out, "<dd><bdi>");
	add_text(page, value);
	buf_add_text(page->out, "</bdi></dd>\n");
}

void page_link(struct page *page, struct slice url, const char *text)
{
	end_list(page);
	buf_add_text(page->out, "<p><a");
	add_attribute(page, "href", url);
	buf_add_byte(page->out, '>');
	add_text(page, slice_of(text));
	buf_add_text(page->out, "</a></p>\n");
}

void page_form_begin(struct page *page, const char *action)
{
	end_list(page);
	buf_add_text(page->out, "<form method=\"post\"");
	add_attribute(page, "action", slice_of(action));
	buf_add_text(page->out, ">\n");
}

void page_hidden(struct page *page, const char *name, const char *value)
{
	buf_add_text(page->out, "<input type=\"hidden\"");
	add_attribute(page, "name", slice_of(name));
	add_attribute(page, "value", slice_of(value));
	buf_add_text(page->out, ">\n");
}

void page_button(struct page *page, const char *name, const char *value, const char *label)
{
	buf_add_text(page->out, "<button type=\"submit\"");
	add_attribute(page, "name", slice_of(name));
	add_attribute(page, "value", slice_of(value));
	buf_add_byte(page->out, '>');
	add_text(page, slice_of(label));
	buf_add_text(page->out, "</button>\n");
}

void page_form_end(struct page *page)
{
	buf_add_text(page->out, "</form>\n");
}

void page_end(struct page *page)
{
	end_list(page);
	buf_add_text(page->out, "</main>\n</body>\n</html>\n");
}
