#ifndef CB_WEB_SESSION_H
#define CB_WEB_SESSION_H
/*
 * session: the browser's cookie and the token against forged requests that goes with it.
 * Cookies and links are 43 characters of base64url; the tables keep the SHA-256 of the characters.
 * Stands on web/request, web/answer, web/cors, web/csrf, web/guesses, web/jwt, store/sessions.
 * Source: security requirements B1, B2.
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/text.h"
#include "store/callers.h"
#include "web/csrf.h"

struct answer;
struct request;

enum { SESSION_VALID_S = 12 * 3600, SESSION_IDLE_S = 30 * 60 };

/*
 * Signs in by a sign-in link (43 characters, used up by it) or by a user token, one of them empty:
 * a new session, whatever cookie came; sets the cookie and fills session. The request must come
 * from our own origin. ERR_NO_CREDENTIAL: unknown, used or too old; ERR_CSRF: another site's page;
 * ERR_TOO_MANY.
 */
MUST_USE enum err session_open(struct request *rq, struct answer *an, struct slice link,
			       struct slice token, struct session *session, struct fail *why);

/* Was a session cookie sent, good or not? */
bool session_is_presented(const struct request *rq);

/*
 * The session that the cookie names, or ERR_NO_CREDENTIAL; target is about owner, or the session's
 * own when that is empty. Notes that the session was seen, at most once a minute.
 */
MUST_USE enum err session_find(struct request *rq, struct slice owner, struct session *session,
			       struct target *target, struct fail *why);

/* Makes the session's owner the request's caller. ERR_NOMEM. */
MUST_USE enum err session_take_caller(struct request *rq, const struct session *session);

/* The token that unsafe requests of this session must carry (X-CSRF-Token). */
MUST_USE enum err session_csrf(const struct request *rq, const struct session *session,
			       char out[CSRF_TOKEN_BYTES]);

/*
 * A request that may change something: it must come from our own page and carry the session's
 * token. ERR_CSRF.
 */
MUST_USE enum err session_check_csrf(const struct request *rq, const struct session *session,
				     struct fail *why);

/* Lets the browser forget its cookie: the session has ended. */
void session_forget(struct answer *an);

/* Ends it, clears the cookie. */
MUST_USE enum err session_close(struct request *rq, struct answer *an, struct fail *why);

#endif
