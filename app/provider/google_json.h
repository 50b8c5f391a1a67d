#ifndef CB_PROVIDER_GOOGLE_JSON_H
#define CB_PROVIDER_GOOGLE_JSON_H
/*
 * google_json: what the answers of Google say: tokens, who it is, and refusals of OAuth 2.0 and
 * Calendar v3; its events are google_event's. Pure, and fuzzed: every answer is somebody
 * else's text. What does not look as it must is ERR_UPSTREAM, never a guess.
 * Stands on base.
 * Source: Calendar API v3 "Handle API errors"; RFC 6749 sections 5.1 and 5.2.
 */
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "provider/provider.h"

struct json;

/* The kinds of call between which the meaning of an answer differs; bits of a table's row. */
enum google_call {
	GOOGLE_EXCHANGE = 1,
	GOOGLE_REFRESH = 2,
	GOOGLE_REVOKE = 4,
	GOOGLE_READ = 8,   /* userinfo, an event */
	GOOGLE_WRITE = 16, /* an event */
	GOOGLE_DROP = 32,
	GOOGLE_PAGE = 64, /* of a list, which an earlier page has named */
};

/* ERR_UPSTREAM, with what it was as detail (a constant). */
enum err google_json_nonsense(struct fail *why, const char *what);

/*
 * The object of a success, in arena; a body with an error in it is none, whatever its status
 * was. ERR_UPSTREAM, ERR_NOMEM.
 */
MUST_USE enum err google_json_success(struct arena *arena, struct slice body,
				      const struct json **root, struct fail *why);

/*
 * Takes member name into out if it is a text of at most max visible characters, or absent (then
 * out is empty). False when it is anything else.
 */
MUST_USE bool google_json_word(const struct json *object, const char *name, size_t max,
			       struct slice *out);

/*
 * Reads the answer to an exchange or refresh; out is empty on entry and owned by the caller.
 * The access token must be there; a refresh token that is absent, null or empty stays empty.
 * expires_in may be a number or a text, with a fraction; below 1 it is 1, beyond a day a day,
 * and an hour where it is absent or unreadable.
 * arena holds copies of the tokens afterwards: the caller wipes it (arena_wipe). scopes point
 * into it. ERR_UPSTREAM, ERR_TOO_LONG, ERR_NOMEM.
 */
MUST_USE enum err google_json_grant(struct arena *arena, struct slice body, struct grant *out,
				    struct fail *why);

/* Reads who it is from userinfo (id, or sub). The address may be absent. ERR_UPSTREAM, ERR_NOMEM.
 */
MUST_USE enum err google_json_account(struct arena *arena, struct slice body, struct account *out,
				      struct fail *why);

/*
 * Judges the success of a call that gives nothing back: no body, or an object without an error
 * in it. A page of somebody's gateway is ERR_UPSTREAM, whatever its status.
 */
MUST_USE enum err google_json_done(struct arena *arena, struct slice body, struct fail *why);

/*
 * What an answer means that is no success (status below 200 or above 299). body is empty when
 * the answer was not JSON; a refusal counts only with Google's envelope around its reason.
 *
 * arena  for reading
 * why    gets the reason (a word) as detail, and a pause where Google names none but one is due
 * returns never OK but for a revoke of what is revoked and a drop of what is gone
 */
MUST_USE enum err google_json_refusal(struct arena *arena, enum google_call call, int status,
				      struct slice body, struct fail *why);

#endif
