#ifndef CB_IO_HTTP_LOOP_H
#define CB_IO_HTTP_LOOP_H
/*
 * http_loop: the network thread. It drives all transfers of the process through one
 * curl_multi handle with epoll; other threads hand theirs in over a lock-free list and an
 * eventfd. Stands on http_transfer; pthreads.
 * Source: curl_multi_socket_action(3), eventfd(2).
 */
#include <stdbool.h>

#include "base/err.h"
#include "io/http_transfer.h"

struct http_loop;

/* Starts the thread. rules are copied; what they point to is borrowed. */
MUST_USE enum err http_loop_new(const struct http_rules *rules, struct http_loop **out,
				struct fail *why);

/* Ends the thread; what is under way fails. NULL is fine. */
void http_loop_free(struct http_loop *loop);

/* Hands transfer in and waits until it is done. ERR_UNREACHABLE when the loop is ending. */
MUST_USE enum err http_loop_run(struct http_loop *loop, struct http_transfer *transfer);

#endif
