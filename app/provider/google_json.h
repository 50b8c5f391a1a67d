#ifndef CB_PROVIDER_GOOGLE_JSON_H
#define CB_PROVIDER_GOOGLE_JSON_H
/*
 * google_json: the wire shapes of Google OAuth 2.0 and Calendar v3: our event as the JSON of
 * theirs, and what their answers say. Pure, and fuzzed: every answer is somebody else's text.
 * What does not look as it must is ERR_UPSTREAM, never a guess.
 * Stands on base, model/event.
 * Source: Calendar API v3 "Events", "Handle API errors"; RFC 6749 sections 5.1 and 5.2.
 */
#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "provider/provider.h"

struct event;

/* The kinds of call between which the meaning of an answer differs; bits of a table's row. */
enum google_call {
	GOOGLE_EXCHANGE = 1,
	GOOGLE_REFRESH = 2,
	GOOGLE_REVOKE = 4,
	GOOGLE_READ = 8,   /* userinfo, an event */
	GOOGLE_WRITE = 16, /* an event */
	GOOGLE_DROP = 32,
};

/*
 * Appends the body of an insert: under id, with our stamp as private properties and the
 * calendar's own reminders.
 */
void google_json_insert(const struct event *event, const char *id, const struct stamp *stamp,
			struct buf *out);

/*
 * Appends the body of a patch of these parts (enum event_part). An empty text removes what
 * stands there.
 */
void google_json_patch(const struct event *event, unsigned parts, struct buf *out);

/* Reads an event. id must be there; all of out lives in arena. ERR_UPSTREAM, ERR_NOMEM. */
MUST_USE enum err google_json_placed(struct arena *arena, struct slice body, struct placed *out,
				     struct fail *why);

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
