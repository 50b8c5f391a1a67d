#ifndef CB_PROVIDER_OUTLOOK_JSON_H
#define CB_PROVIDER_OUTLOOK_JSON_H
/*
 * outlook_json: what the answers of Microsoft say: who it is, whether there is a mailbox, and the
 * refusals of the identity platform and of Graph; its events are outlook_event's. Pure, and
 * fuzzed: every answer is somebody else's text. What does not look as it must is ERR_UPSTREAM,
 * never a guess.
 * Stands on wire, model/issuer.
 * Source: OpenID Connect Core 1.0 section 3.1.3.7; "Microsoft Entra authentication and
 * authorization error codes"; "Microsoft Graph error responses".
 */
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "provider/provider.h"

/* The kinds of call between which the meaning of an answer differs; bits of a table's row. */
enum outlook_call {
	OUTLOOK_EXCHANGE = 1,
	OUTLOOK_REFRESH = 2,
	OUTLOOK_READ = 4, /* an event, a first page of events */
	OUTLOOK_PAGE = 8, /* of a list, which an earlier page has named */
	OUTLOOK_MAKE = 16,
	OUTLOOK_CHANGE = 32,
	OUTLOOK_DROP = 64,
	OUTLOOK_ACCOUNT = 128, /* the calendar of who consented */
};

/* What an id_token must say. */
struct outlook_claims {
	const char *client_id;
	const char *issuer; /* as model/issuer compares it */
	int64_t now_ms;
};

/*
 * Reads who consented from an id_token that came from the token endpoint itself, over TLS:
 * therefore its signature is not looked at (OpenID Connect Core 3.1.3.7, point 6), but audience,
 * issuer (that of its own tenant) and expiry must hold, within a minute. The id is "tid.oid"; the
 * address may be absent. ERR_UPSTREAM, ERR_NOMEM.
 */
MUST_USE enum err outlook_json_claims(struct arena *arena, struct slice id_token,
				      const struct outlook_claims *wanted, struct account *out,
				      struct fail *why);

/*
 * Reads the default calendar; an address that who has not yet is its owner's. ERR_REFUSED (it
 * cannot be written), ERR_UPSTREAM, ERR_NOMEM.
 */
MUST_USE enum err outlook_json_calendar(struct arena *arena, struct slice body, struct account *who,
					struct fail *why);

/*
 * What an answer means that is no success (status below 200 or above 299). body is empty when
 * the answer was not JSON; a refusal counts only with Microsoft's envelope around its reason.
 *
 * call   enum outlook_call
 * why    gets the reason (words and a number) as detail, and a pause where Microsoft names none
 *        but one is due
 * returns never OK but for a drop of what is gone
 */
MUST_USE enum err outlook_json_refusal(struct arena *arena, unsigned call, int status,
				       struct slice body, struct fail *why);

#endif
