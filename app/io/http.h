#ifndef CB_IO_HTTP_H
#define CB_IO_HTTP_H
/*
 * http: one HTTPS exchange, as an ordinary blocking call with a deadline. Behind it one
 * network thread per process drives all transfers through one curl_multi handle, so that
 * connections are shared and kept. https only (http to loopback where the settings allow it), no
 * redirects, no proxy, no cookies, no .netrc; peer and host are always verified. Stands on base;
 * libcurl (curl.h is included by app/io alone). Source: curl_multi_socket_action(3); security
 * requirements N2 to N4.
 */
#include "base/arena.h"
#include "base/err.h"
#include "io/http_ask.h"

struct config;
struct http;
struct http_trust;

/* Starts the network thread of this process (after the fork). config and trust are borrowed. */
MUST_USE enum err http_open(const struct config *config, const struct http_trust *trust,
			    struct http **out, struct fail *why);

/* Ends it; exchanges under way fail, no other may begin any more. NULL is fine. */
void http_close(struct http *http);

/*
 * Sends ask, waits for the whole answer. Should a kept connection turn out to be dead before
 * a byte of the answer came, it is sent again on another one: so do not ask for what must not
 * arrive twice, or say once.
 *
 * arena    holds the reply's body; its memory is the network thread's until this returns
 * returns  OK (an answer came, whatever its status), ERR_UNREACHABLE (no connection or TLS
 *          failure: nothing was sent), ERR_UPSTREAM_SLOW (time is up), ERR_UPSTREAM (broken
 *          off, or beyond a ceiling), ERR_DEADLINE (was up before), ERR_NOMEM and ERR_INTERNAL
 *          (a header value that is no single line of ASCII; nothing was sent). With
 *          ERR_UPSTREAM and ERR_UPSTREAM_SLOW the other side may have acted.
 */
MUST_USE enum err http_exchange(struct http *http, struct arena *arena, const struct http_ask *ask,
				struct http_reply *reply, struct fail *why);

#endif
