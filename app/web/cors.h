#ifndef CB_WEB_CORS_H
#define CB_WEB_CORS_H
/*
 * cors: other sites' front ends, if their origin stands in ALLOWED_ORIGINS, byte for byte.
 * Also the one place that judges from whose page a request came.
 * Stands on web/request, web/answer.
 * Source: WHATWG Fetch; RFC 6454; security requirements B2, B6.
 */
#include <stdbool.h>

#include "base/text.h"

struct answer;
struct config;
struct request;

/* Is origin in the list? */
bool cors_is_allowed(const struct config *config, struct slice origin);

/*
 * Did the request come from our own page, or (allowed_too) one of the list? Origin says so, without
 * it Referer; neither, "null" or Origin twice: no.
 */
bool cors_is_ours(const struct request *rq, bool allowed_too);

/* Does the browser itself say that another site's page is behind it (Sec-Fetch-Site)? */
bool cors_is_cross_site(const struct request *rq);

/* Does a write come from our own page, by all that the browser says? */
bool cors_is_own_page(const struct request *rq);

/* Adds the headers that the request's origin may have; always Vary: Origin where the list is not
 * empty. */
void cors_headers(const struct request *rq, struct answer *an);

/*
 * Is this a preflight of an allowed origin (OPTIONS with Access-Control-Request-Method)? Then
 * answers it for methods ("GET, POST"), but for what cors_headers adds.
 */
bool cors_preflight(const struct request *rq, struct answer *an, const char *methods);

#endif
