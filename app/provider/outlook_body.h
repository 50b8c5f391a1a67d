#ifndef CB_PROVIDER_OUTLOOK_BODY_H
#define CB_PROVIDER_OUTLOOK_BODY_H
/*
 * outlook_body: the text of an Outlook event: read from HTML or plain text, and written again.
 * Below the text of an online meeting Outlook puts a block with the link to join, and who writes
 * the body without the block loses the meeting: so it is told apart from the text and kept.
 * Pure, and fuzzed. Stands on base.
 * Source: Graph v1.0 "itemBody"; HTML, "Character references".
 */
#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

/* A body as Outlook gives it. */
struct outlook_body {
	struct slice content; /* UTF-8 */
	bool html;
	bool online;       /* of an online meeting */
	struct slice link; /* to join that; may be empty */
};

/*
 * Reads the text, without white space at its ends and with LF alone, and the block below it (empty
 * where there is none, and in plain text). The text lives in arena, the block points into content.
 * The block begins with its line of underscores: the last one above the link or, where the
 * link is written otherwise, the last one with something to read below it.
 * ERR_NOMEM, ERR_TOO_LONG.
 */
MUST_USE enum err outlook_body_read(struct arena *arena, const struct outlook_body *body,
				    struct slice *text, struct slice *block);

/* Appends HTML that shows text (line by line, every space) above block. */
void outlook_body_write(struct slice text, struct slice block, struct buf *out);

#endif
