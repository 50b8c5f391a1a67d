#ifndef CB_BENCH_STUB_CONN_H
#define CB_BENCH_STUB_CONN_H
/*
 * stub_conn: one TLS connection of the provider stub, HTTP/2 or HTTP/1.1 as
 * ALPN decides. HTTP/1.1 is the minimum that curl needs: Content-Length bodies,
 * one request at a time, kept alive.
 * For one thread; stands on OpenSSL, libnghttp2, stub_google and due.
 * Source: RFC 9113, RFC 9112.
 */
#include "tests/bench/due.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

struct stub_conn;
struct stub_google;

/* What the connections of one thread share. */
struct stub_loop {
	struct stub_google *google;
	struct due due; /* delayed answers; conn is a struct stub_conn */
	SSL_CTX *tls;
	int epoll_fd;
};

/*
 * Reads certificate chain and key (PEM) and offers h2 and http/1.1.
 *
 * returns  the context, owned by the caller; NULL on error, said on stderr
 */
SSL_CTX *stub_conn_tls_new(const char *cert_file, const char *key_file);

/* Takes the accepted, non-blocking socket fd over and watches it in loop. */
void stub_conn_open(struct stub_loop *loop, int fd);

/*
 * Goes on with what epoll reported on conn: handshake, reading, answering,
 * writing. Frees conn when it is at its end and no delayed answer refers to it.
 */
void stub_conn_event(struct stub_conn *conn);

/* Sends every answer whose moment has come, those of one connection together. */
void stub_conn_send_due(struct stub_loop *loop);
#endif
