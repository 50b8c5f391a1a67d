#ifndef CB_BENCH_LOAD_HTTP_H
#define CB_BENCH_LOAD_HTTP_H
/*
 * load_http: one client connection of the load generator: HTTP/1.1 over TLS,
 * one request at a time, answers with Content-Length or chunks.
 * For one thread; stands on OpenSSL.
 * Source: RFC 9112.
 */
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LOAD_HOST_MAX = 256,
	LOAD_IN_MAX = 65536, /* bytes of an answer */
};

/* Whom to ask. */
struct load_target {
	char host[LOAD_HOST_MAX];
	char port[8];
	const char *path; /* points into the URL */
	SSL_CTX *tls;
};

struct load_answer {
	int status;
	bool closes; /* the server ends the connection after it */
};

struct load_conn {
	SSL *ssl; /* NULL: not open */
	char *request;
	uint64_t sent_ns; /* 0: no request under way */
	struct load_answer answer;
	size_t in_len;
	char in[LOAD_IN_MAX];
	int fd;
};

enum load_state {
	LOAD_MORE,   /* the answer is not complete */
	LOAD_ANSWER, /* it is, in answer and in */
	LOAD_END,    /* the connection ended, or what came is no answer */
};

/* Takes https://HOST:PORT/PATH apart; false if it is not of that form. */
bool load_target_url(struct load_target *target, const char *url);

/* Trusts the CA in file (PEM) and no other; false with a line on stderr. */
bool load_target_ca(struct load_target *target, const char *file);

/*
 * Builds the request's bytes; "{n}" in path, headers and body becomes the place
 * of its number.
 *
 * returns  len bytes, to be given to load_request_number; NULL without memory
 */
char *load_request_new(const struct load_target *target, const char *method,
		       const char *const *headers, size_t n_headers, const char *body, size_t *len);

/* Copies the len bytes of request to out, its number filled in: 12 digits. */
void load_request_number(char *out, const char *request, size_t len, unsigned long number);

/*
 * Connects, blocking, with a verified certificate, and watches the socket for
 * reading in epoll_fd with c as its data. False on error, said on stderr.
 */
bool load_conn_open(struct load_conn *c, const struct load_target *target, int epoll_fd);

bool load_conn_is_open(const struct load_conn *c);

/* Sends the first len bytes of c->request; false if the connection has ended. */
bool load_conn_send(struct load_conn *c, size_t len);

/* Reads what has come. Does not block. */
enum load_state load_conn_read(struct load_conn *c);

/* Forgets the answer that was read, for the next one. */
void load_conn_ready(struct load_conn *c);

/* Closes c if it is open; the request's buffer stays. */
void load_conn_close(struct load_conn *c);
#endif
