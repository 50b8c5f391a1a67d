#ifndef CB_BASE_SETTING_H
#define CB_BASE_SETTING_H
/*
 * setting: one row of a table of settings: what its value may be, and where it goes. Knows the
 * kinds of values, not the settings themselves. Stands on buf, secret, text, url, zone.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

struct buf;

/* Those before SETTING_SECRET are kept as text. */
enum setting_kind {
	SETTING_TEXT,
	SETTING_ID,        /* text_is_id, foreign */
	SETTING_PATH,      /* absolute */
	SETTING_ZONE,      /* known to the system */
	SETTING_SITE,      /* https://host[:port] */
	SETTING_ORIGINS,   /* comma list of such; http:// too, of this machine */
	SETTING_URL,       /* https://, or http:// to this machine; no / at its end */
	SETTING_HOSTS,     /* comma list of unix:/path or host[:port] */
	SETTING_ALGORITHM, /* of a user token */
	SETTING_SECRET,
	SETTING_FLAG,
	SETTING_NUMBER,
	SETTING_LEVEL, /* of the log */
	SETTING_KINDS
};

struct setting {
	const char *name;
	enum setting_kind kind;
	size_t at; /* offset in the struct of: bool for a flag, int64_t for a number or level,
		    * struct secret for a secret, else char * */
	int64_t min, max;     /* of a number its value, of text and secrets their bytes */
	const char *fallback; /* NULL: none */
	bool required;
	const char *about; /* with the unit */
};

/* Is value one that the setting may have? */
bool setting_accepts(const struct setting *setting, struct slice value);

/* Appends what it may have: "a whole number from 1 to 39". */
void setting_describe(const struct setting *setting, struct buf *out);

/* Puts an accepted value into the (zeroed) member of base. OK, ERR_NOMEM. */
MUST_USE enum err setting_store(const struct setting *setting, void *base, struct slice value);

/* Frees, and wipes if it is secret, what setting_store has put there. */
void setting_clear(const struct setting *setting, void *base);

/* The text that stands in base, or NULL: also for what is no text. */
const char *setting_text(const struct setting *setting, const void *base);

#endif
