#ifndef CB_WEB_SERVE_H
#define CB_WEB_SERVE_H
/*
 * serve: one request from the first byte to the log line: everything that is decided before a
 * handler runs (404, 405, 413, 401, 403, 415, 400, in this order), the handler, the shape of its
 * errors, and what every answer carries.
 * Stands on web/route, web/request, web/auth, web/answer, web/cors, web/session, web/metrics.
 * Source: contract "For every endpoint".
 */
#include <stdint.h>

struct arena;
struct fcgi_answer;
struct fcgi_request;

/* An fcgi_handler; cx is a struct web. Logs one line a request. */
void serve_request(void *cx, struct fcgi_request *fcgi, struct arena *arena, int64_t deadline_ms,
		   struct fcgi_answer *out);

#endif
