#ifndef CB_STORE_COLUMN_H
#define CB_STORE_COLUMN_H
/*
 * column: how the store files put optional texts into columns, and read words and ids out of them.
 * Stands on io/db.
 */
#include <stddef.h>

#include "base/text.h"
#include "io/db.h"

/* A text or blob that may be missing: NULL when it is empty. */
struct db_value column_optional_text(struct slice text);
/* The same for bytes. */
struct db_value column_optional_bytes(struct slice bytes);

/* The place of an ENUM column's word in words[0..n-1]; 0 for NULL and for a word of a later schema.
 */
unsigned column_word(const struct db_value *value, const char *const words[], size_t n);

/* Reads the one id of a row, for those who bring no arena; as db_read. */
MUST_USE enum err column_read_id(struct db *db, const struct db_statement *statement,
				 const struct db_value *in, size_t n_in, struct id *out,
				 struct fail *why);

/* At most max bytes of text, cut between two characters of UTF-8. */
struct slice column_cut(struct slice text, size_t max);

/* How long a DATETIME lies ahead of now_ms, in ms; 0: it does not, or is NULL. */
int64_t column_ahead(const struct db_value *value, int64_t now_ms);

#endif
