#ifndef CB_IO_HTTP_HEADER_H
#define CB_IO_HTTP_HEADER_H
/*
 * http_header: what an answer's header lines tell us. Pure.
 * Stands on base.
 * Source: RFC 9110 sections 5.6.7 (dates), 8.3, 8.4 and 10.2.3 (Retry-After).
 */
#include <stdint.h>

#include "base/text.h"

struct http_reply;

enum { HTTP_RETRY_AFTER_MAX_S = 3600 };

/*
 * Takes one line of the head (its line end may still be on it) into reply: retry_after_s and
 * is_json. A status line forgets what an interim answer said before.
 *
 * now_ms  of the wall clock, for a Retry-After that is a date
 */
void http_header_take(struct http_reply *reply, struct slice line, int64_t now_ms);

/*
 * The seconds that a Retry-After asks for, 1 to HTTP_RETRY_AFTER_MAX_S: digits, with a
 * fraction too, rounded up, or a date in one of the three forms of HTTP. A date in the past
 * gives 1, anything else 0.
 */
unsigned http_header_retry_after_s(struct slice value, int64_t now_ms);

#endif
