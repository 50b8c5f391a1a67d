#ifndef CB_BASE_HTML_H
#define CB_BASE_HTML_H
/*
 * html: the text that people read in somebody's HTML. Pure, and fuzzed; linear in what it reads.
 * Stands on arena, buf, text.
 * Source: HTML Living Standard, "Parsing HTML documents", the little of it that texts of mails and
 * events need.
 */
#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"

/*
 * Reads html (UTF-8) as text in arena: br, and blocks such as p and div, end a line; a line end
 * of the source is a space between words; spaces stay; &amp; &lt; &gt; &quot; &apos; &nbsp; and
 * numbers stand for their character, other references for themselves; tags, comments and what
 * stands in head, style, script and title go. Without white space at both ends.
 * ERR_NOMEM.
 */
MUST_USE enum err html_to_text(struct arena *arena, struct slice html, struct slice *text);

/* What is behind the tag with which html begins. */
struct slice html_skip_tag(struct slice html);

#endif
