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

/* Reads who it is from userinfo (id, or sub). The address may be absent. ERR_UPSTREAM, ERR_NOMEM.
 */
MUST_USE enum err google_json_account(struct arena *arena, struct slice body, struct account *out,
				      struct fail *why);

/*
 * What an answer means that is no success (status below 200 or above 299). body is empty when
 * the answer was not JSON; a refusal counts only with Google's envelope around its reason.
 *
 * arena  for reading
 * call   enum google_call
 * why    gets the reason (a word) as detail, and a pause where Google names none but one is due
 * returns never OK but for a revoke of what is revoked and a drop of what is gone
 */
MUST_USE enum err google_json_refusal(struct arena *arena, unsigned call, int status,
				      struct slice body, struct fail *why);

#endif
