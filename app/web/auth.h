#ifndef CB_WEB_AUTH_H
#define CB_WEB_AUTH_H
/*
 * auth: who calls, and for which owner. Reads API key, user token or session cookie, asks
 * the database once (store/callers), and judges by the route's row.
 * Stands on web/request, web/session, web/jwt, web/cors, web/limits, web/guesses, store/callers.
 * Source: contract "Who may call"; security requirements A1 to A7, B1, B2.
 */
#include "base/err.h"
#include "base/text.h"

struct request;

/*
 * Fills rq->caller and rq->target. With an error rq->caller.kind still says what was shown.
 *
 * host     the owner that the body names (ITS_BODYS_HOST), or empty
 * returns  OK; ERR_NO_CREDENTIAL (one text for all), ERR_FORBIDDEN, ERR_CSRF, ERR_TOO_MANY;
 *          ERR_FIELDS when a key names no owner, ERR_BAD_REQUEST: the header that should does not
 *          (ITS_HEADERS_INSTRUCTOR); ERR_NOT_FOUND: no such owner, another tenant's, or not the
 *          caller's; ERR_CONFIG: a tenant that is not there; those of io/db
 */
MUST_USE enum err auth_identify(struct request *rq, struct slice host, struct fail *why);

/*
 * For a request that auth_identify has let through and that is of the right form: makes the owner
 * who was named in a header (ITS_HEADERS_INSTRUCTOR) and is not there, if it is a POST, so that
 * rq->target has one. No more is known of him than his id. Of several at once all get the same.
 * returns OK, also when there was nothing to make; those of io/db
 */
MUST_USE enum err auth_make_owner(struct request *rq, struct fail *why);

#endif
