#ifndef CB_BASE_ENVFILE_H
#define CB_BASE_ENVFILE_H
/*
 * envfile: the .env form of settings, line by line. Pure; nothing is expanded or run.
 *   # a comment, or an empty line
 *   NAME=value          to the end of the line, without white space around it
 *   NAME='value'        as it stands
 *   NAME="value"        \" and \\ stand for " and \
 * A comment may follow a quoted value; in one without quotes a # in front or behind a space is
 * refused, since tools differ on what it means. Lines end in LF or CRLF. Values are UTF-8 without
 * control characters. Stands on text.
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/text.h"

/* A walk over a text, whose bytes it may change (escapes are resolved in place). */
struct envfile {
	char *next; /* NULL: nothing left */
	char *end;
	unsigned line; /* the number of the line that was given last, from 1 */
};

struct envfile_entry {
	struct slice name; /* [A-Z][A-Z0-9_]* */
	struct slice value;
};

void envfile_init(struct envfile *file, char *text, size_t len);

/*
 * Gives the next line that says something; false behind the last one. *problem is NULL, or what
 * is wrong with that line (a constant, without anything of the line); entry is then empty but
 * for a name that was readable.
 */
bool envfile_next(struct envfile *file, struct envfile_entry *entry, const char **problem);

#endif
