#ifndef CB_STORE_MIGRATION_FILES_H
#define CB_STORE_MIGRATION_FILES_H
/*
 * migration_files: the numbered SQL files of a folder, and the statements in them.
 * Stands on base/file, base/digest.
 */
#include <stddef.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"

enum { MIGRATION_NAME_BYTES = 96, MIGRATION_FILES_MAX = 9999 };

/* One file NNNN_what_it_makes.sql. */
struct migration_file {
	unsigned number;
	char name[MIGRATION_NAME_BYTES]; /* whole, with number and ending */
	unsigned char checksum[SHA256_BYTES];
	struct file text;
};

/* All of a folder; items[i] is number i + 1. `{0}` is empty. */
struct migration_files {
	struct migration_file *items;
	size_t n;
};

/*
 * Reads every *.sql of the folder. out is empty unless OK; then migration_files_free ends it.
 * returns OK, ERR_CONFIG (a name that is not four digits, '_', [a-z0-9_]; a number that is missing,
 * double, or 0000; no file; a file that is not UTF-8 or cannot be cut into statements), ERR_NOMEM
 */
MUST_USE enum err migration_files_read(const char *folder, struct migration_files *out,
				       struct fail *why);

/* Frees the list; leaves it empty. */
void migration_files_free(struct migration_files *files);

/*
 * Cuts the next statement off rest: it ends with a ';' that is the last thing in its line, outside
 * quotes and comments, and is given without it. Comments before it are skipped. An empty statement
 * means: nothing is left. ERR_CONFIG for anything else: an open quote or comment, text without
 * ';' at the end or behind ';' in the line, an empty statement, a comment that is code.
 */
MUST_USE enum err migration_files_cut(struct slice *rest, struct slice *statement,
				      struct fail *why);

#endif
