#ifndef CB_WEB_CONSENT_COOKIE_H
#define CB_WEB_CONSENT_COOKIE_H
/*
 * consent_cookie: what ties a consent to the browser that began it, over all flows of that
 * browser; and the token of the page on which a consent is confirmed.
 * Stands on web/request, web/answer, web/csrf, base/digest.
 * Source: security requirements O3, O6.
 */
#include "base/err.h"
#include "base/rand.h"
#include "base/text.h"
#include "web/csrf.h"

struct answer;
struct request;

/* The browser's value, or the empty slice: none, or not of our form. */
struct slice consent_cookie_of(const struct request *rq);

/* The same, but a browser without one gets it with this answer; one that has it keeps it for 10 min
 * more. */
MUST_USE enum err consent_cookie_give(const struct request *rq, struct answer *an,
				      struct slice *browser);

/* The token that the confirmation of this flow by this browser must carry. */
MUST_USE enum err consent_cookie_token(const struct request *rq, const struct id *flow,
				       struct slice browser, char out[CSRF_TOKEN_BYTES]);

/* Does it carry that token? ERR_CSRF. */
MUST_USE enum err consent_cookie_check(const struct request *rq, const struct id *flow,
				       struct slice browser, struct slice shown);

#endif
