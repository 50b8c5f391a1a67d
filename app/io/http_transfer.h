#ifndef CB_IO_HTTP_TRANSFER_H
#define CB_IO_HTTP_TRANSFER_H
/*
 * http_transfer: one exchange as libcurl sees it: the options that it gets, the callbacks that
 * fill the reply, and what its end means. Knows no thread.
 * Stands on http_header, http_trust; libcurl.
 * Source: curl_easy_setopt(3), curl_easy_getinfo(3); security requirements N2 to N4.
 */
#include <curl/curl.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct http_ask;
struct http_reply;
struct http_trust;

/* What is the same for all transfers of a process. */
struct http_rules {
	const struct http_trust *trust;
	bool http2;
	bool loopback_http; /* http:// is not refused; http.c has looked at the host */
};

/* On the stack of the thread that waits for it; the network thread's until done is posted. */
struct http_transfer {
	const struct http_ask *ask;
	const char *url;    /* ask's, or its beginning alone, up to the path */
	const char *target; /* then the rest, as it is to be asked for; else NULL */
	struct http_reply *reply;
	struct curl_slist *headers;
	struct fail *why;
	int64_t give_up_ms; /* of the monotonic clock */

	/* for the network thread alone */
	struct http_transfer *next;
	struct http_transfer *previous;
	CURL *easy;
	size_t header_bytes;
	bool head_ended; /* its empty line came */

	/* the result, once done is posted */
	enum err outcome;
	sem_t done;
};

/*
 * Gives easy (fresh or reset) all options for transfer. ERR_NOMEM, ERR_DEADLINE when its time
 * is up already.
 */
MUST_USE enum err http_transfer_prepare(struct http_transfer *transfer,
					const struct http_rules *rules);

/* Judges how it ended and fills outcome, reply->status and why. Before easy leaves the multi. */
void http_transfer_finish(struct http_transfer *transfer, CURLcode code);

#endif
