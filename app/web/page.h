#ifndef CB_WEB_PAGE_H
#define CB_WEB_PAGE_H
/*
 * page: the few pages that the service itself shows: confirmations and errors. Plain forms, no
 * script, styled by /dashboard/page.css; every text is escaped here and nowhere else. Stands on
 * base/buf.
 */
#include <stdbool.h>

#include "base/buf.h"
#include "base/text.h"

/* A page while it is written. */
struct page {
	struct buf *out;
	bool in_list; /* facts are being listed */
};

/* Begins it, up to and with its heading. title is text. */
void page_begin(struct page *page, struct buf *out, const char *title);

/* One paragraph. */
void page_text(struct page *page, const char *text);

/* One line "label: value" of a description list; value is somebody's data. */
void page_fact(struct page *page, const char *label, struct slice value);

/* A link; url was checked or built by us. */
void page_link(struct page *page, struct slice url, const char *text);

/* A form that posts to action (a path of ours). */
void page_form_begin(struct page *page, const char *action);
/* A hidden field of the form. */
void page_hidden(struct page *page, const char *name, const char *value);
/* A button that sends the form with name=value. */
void page_button(struct page *page, const char *name, const char *value, const char *label);
/* Ends the form. */
void page_form_end(struct page *page);

/* Ends it. */
void page_end(struct page *page);

#endif
