#ifndef CB_PROVIDER_WIRE_H
#define CB_PROVIDER_WIRE_H
/*
 * wire: what the answers of all providers have in common: a success in JSON, its texts, the
 * tokens of OAuth 2.0. Pure: every answer is somebody else's text. What does not look as it must
 * is ERR_UPSTREAM, never a guess.
 * Stands on base.
 * Source: RFC 6749 sections 5.1 and 5.2; security requirement N5.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"

struct grant;
struct json;

/* ERR_UPSTREAM, with what it was as detail (a constant). */
enum err wire_nonsense(struct fail *why, const char *what);

/*
 * The object of a success, in arena; a body with an error in it is none, whatever its status
 * was. ERR_UPSTREAM, ERR_NOMEM.
 */
MUST_USE enum err wire_success(struct arena *arena, struct slice body, const struct json **root,
			       struct fail *why);

/*
 * Judges the success of a call that gives nothing back: no body, or an object without an error
 * in it. A page of somebody's gateway is ERR_UPSTREAM, whatever its status.
 */
MUST_USE enum err wire_done(struct arena *arena, struct slice body, struct fail *why);

/*
 * Takes member name into out if it is a text of at most max visible characters, or null or
 * absent (then out is empty). False when it is anything else.
 */
MUST_USE bool wire_word(const struct json *object, const char *name, size_t max, struct slice *out);

/* The same for any text. */
MUST_USE bool wire_text(const struct json *object, const char *name, struct slice *out);

/* A word that is the link to an event; one that is longer than a row keeps is as none. */
MUST_USE bool wire_link(const struct json *object, const char *name, struct slice *out);

/*
 * Takes a member that is an RFC 3339 instant as milliseconds; 0 where it is null, absent or a date
 * that means none (the years 0 and 1). False when it is no text.
 */
MUST_USE bool wire_instant(const struct json *object, const char *name, int64_t *ms);

/* The value as JSON again, in arena, of at most max bytes. ERR_TOO_LONG, ERR_NOMEM. */
MUST_USE enum err wire_raw(struct arena *arena, const struct json *value, size_t max,
			   struct slice *out);

/*
 * Reads the answer to an exchange or refresh; out is empty on entry and owned by the caller.
 * The access token must be there; a refresh token that is absent, null or empty stays empty.
 * expires_in may be a number or a text, with a fraction; below 1 it is 1, beyond a day a day,
 * and an hour where it is absent or unreadable.
 * arena holds copies of the tokens afterwards: the caller wipes it (arena_wipe). scopes and
 * id_token (empty: none came) point into it. ERR_UPSTREAM, ERR_TOO_LONG, ERR_NOMEM.
 */
MUST_USE enum err wire_grant(struct arena *arena, struct slice body, struct grant *out,
			     struct slice *id_token, struct fail *why);

/* A word that a log may show: letters and underscores, and not many. Anything else might hold
 * what we sent. */
bool wire_is_word(struct slice text);

#endif
