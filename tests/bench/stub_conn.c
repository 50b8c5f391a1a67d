/* stub_conn: one TLS connection of the provider stub, HTTP/2 or HTTP/1.1. */
#include "tests/bench/stub_conn.h"

#include "tests/bench/stub_google.h"

#include <glib.h>
#include <nghttp2/nghttp2.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	METHOD_MAX = 8,
	BEARER_MAX = 512,
	BODY_MAX = 65536,
	HEAD_MAX = 16384, /* bytes of an HTTP/1.1 request's header */
	IO_BYTES = 16384,
	STREAMS_MAX = 100, /* as Google announces */
	NS_PER_MS = 1000000,
};

/* One request and its answer. */
struct exchange {
	struct stub_conn *conn;
	struct exchange *next; /* in the connection's list of all */
	struct exchange *prev;
	int32_t id; /* HTTP/2 stream; 0 with HTTP/1.1 */
	char method[METHOD_MAX];
	char bearer[BEARER_MAX];
	GString *path;
	GString *body;
	struct stub_answer answer;
	size_t sent;    /* bytes of the answer's body handed to nghttp2 */
	bool in_flight; /* counted as such */
	bool answered;
};

struct stub_conn {
	struct stub_loop *loop;
	SSL *ssl;
	int fd;
	unsigned waiting; /* delayed answers that refer to us */
	bool ready;       /* the handshake is done */
	bool dead;
	bool counted;     /* as a connection of the provider */
	bool wants_write; /* EPOLLOUT is asked for */
	bool in_batch;
	struct stub_conn *batch_next;
	nghttp2_session *h2;     /* NULL with HTTP/1.1 */
	struct exchange *single; /* HTTP/1.1: the request at hand */
	struct exchange *all;    /* every one that is not finished */
	GByteArray *in;          /* HTTP/1.1: bytes not yet read as a request */
	GByteArray *out;         /* bytes not yet taken by TLS */
};

static struct exchange *exchange_new(struct stub_conn *conn, int32_t id)
{
	struct exchange *ex = g_new(struct exchange, 1);

	*ex = (struct exchange){.conn = conn,
				.id = id,
				.next = conn->all,
				.path = g_string_new(NULL),
				.body = g_string_new(NULL)};
	if (ex->next)
		ex->next->prev = ex;
	conn->all = ex;
	return ex;
}

static void exchange_free(struct exchange *ex)
{
	if (ex->in_flight)
		stub_google_in_flight(ex->conn->loop->google, -1);
	if (ex->prev)
		ex->prev->next = ex->next;
	else
		ex->conn->all = ex->next;
	if (ex->next)
		ex->next->prev = ex->prev;
	g_string_free(ex->path, TRUE);
	g_string_free(ex->body, TRUE);
	g_free(ex->answer.location);
	g_free(ex->answer.body);
	g_free(ex);
}

static void bearer_take(struct exchange *ex, const char *value, size_t len)
{
	static const char SCHEME[] = "Bearer ";
	size_t skip = sizeof(SCHEME) - 1;

	if (len <= skip || len - skip >= BEARER_MAX || strncasecmp(value, SCHEME, skip) != 0)
		return;
	memcpy(ex->bearer, value + skip, len - skip);
	ex->bearer[len - skip] = '\0';
}

static void method_take(struct exchange *ex, const char *value, size_t len)
{
	g_strlcpy(ex->method, value, MIN(len + 1, sizeof(ex->method)));
}

static ssize_t h2_body_read(nghttp2_session *h2, int32_t stream, uint8_t *out, size_t room,
			    uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	struct exchange *ex = source->ptr;
	size_t n = MIN(room, ex->answer.body_len - ex->sent);

	(void)h2;
	(void)stream;
	(void)arg;
	memcpy(out, ex->answer.body + ex->sent, n);
	ex->sent += n;
	if (ex->sent == ex->answer.body_len)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

/* A header for nghttp2, which copies what it is given. */
static nghttp2_nv h2_header(const char *name, const char *value)
{
	return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
			    .namelen = strlen(name),
			    .value = (uint8_t *)(uintptr_t)value,
			    .valuelen = strlen(value)};
}

static void h2_submit(struct stub_conn *conn, struct exchange *ex)
{
	char status[12], length[24];
	nghttp2_data_provider body = {.source = {.ptr = ex}, .read_callback = h2_body_read};
	nghttp2_nv headers[4];
	size_t n = 0;

	snprintf(status, sizeof(status), "%d", ex->answer.status);
	snprintf(length, sizeof(length), "%zu", ex->answer.body_len);
	headers[n++] = h2_header(":status", status);
	headers[n++] = h2_header("content-type", "application/json; charset=UTF-8");
	headers[n++] = h2_header("content-length", length);
	if (ex->answer.location)
		headers[n++] = h2_header("location", ex->answer.location);
	nghttp2_submit_response(conn->h2, ex->id, headers, n, &body);
}

static void h1_submit(struct stub_conn *conn, struct exchange *ex)
{
	const char *location = ex->answer.location;
	char *head = g_strdup_printf("HTTP/1.1 %d Answer\r\n"
				     "Content-Type: application/json; charset=UTF-8\r\n"
				     "Content-Length: %zu\r\n%s%s%s\r\n",
				     ex->answer.status, ex->answer.body_len,
				     location ? "Location: " : "", location ? location : "",
				     location ? "\r\n" : "");

	g_byte_array_append(conn->out, (const guint8 *)head, (guint)strlen(head));
	g_byte_array_append(conn->out, (const guint8 *)ex->answer.body, (guint)ex->answer.body_len);
	g_free(head);
	exchange_free(ex);
	conn->single = NULL;
}

static void exchange_submit(struct stub_conn *conn, struct exchange *ex)
{
	if (ex->answered)
		return;
	ex->answered = true;
	if (ex->in_flight)
		stub_google_in_flight(conn->loop->google, -1);
	ex->in_flight = false;
	if (conn->h2)
		h2_submit(conn, ex);
	else
		h1_submit(conn, ex);
}

/* The request is there as a whole: answers it, or puts the answer on the list. */
static void exchange_take(struct stub_conn *conn, struct exchange *ex)
{
	struct stub_loop *loop = conn->loop;
	struct stub_request rq = {.method = ex->method,
				  .path = ex->path->str,
				  .bearer = ex->bearer,
				  .body = ex->body->str,
				  .body_len = ex->body->len};

	stub_google_answer(loop->google, &rq, &ex->answer);
	if (!ex->answer.control) {
		stub_google_in_flight(loop->google, 1);
		ex->in_flight = true;
		if (!conn->counted)
			stub_google_connected(loop->google, conn->h2 != NULL);
		conn->counted = true;
	}
	if (ex->answer.delay_ms == 0) {
		exchange_submit(conn, ex);
		return;
	}
	conn->waiting++;
	due_put(&loop->due, (struct due_entry){.at_ns = due_now_ns() +
							(uint64_t)ex->answer.delay_ms * NS_PER_MS,
					       .conn = conn,
					       .exchange = ex->id});
}

static int h2_begin(nghttp2_session *h2, const nghttp2_frame *frame, void *arg)
{
	int32_t id = frame->hd.stream_id;

	if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		nghttp2_session_set_stream_user_data(h2, id, exchange_new(arg, id));
	return 0;
}

static int h2_header_in(nghttp2_session *h2, const nghttp2_frame *frame, const uint8_t *name,
			size_t name_len, const uint8_t *value, size_t len, uint8_t flags, void *arg)
{
	struct exchange *ex = nghttp2_session_get_stream_user_data(h2, frame->hd.stream_id);
	const char *text = (const char *)value;

	(void)name_len;
	(void)flags;
	(void)arg;
	if (!ex)
		return 0;
	if (strcmp((const char *)name, ":method") == 0)
		method_take(ex, text, len);
	else if (strcmp((const char *)name, ":path") == 0)
		g_string_append_len(ex->path, text, (gssize)len);
	else if (strcmp((const char *)name, "authorization") == 0)
		bearer_take(ex, text, len);
	return 0;
}

static int h2_data(nghttp2_session *h2, uint8_t flags, int32_t stream, const uint8_t *bytes,
		   size_t len, void *arg)
{
	struct exchange *ex = nghttp2_session_get_stream_user_data(h2, stream);

	(void)flags;
	(void)arg;
	if (ex && ex->body->len + len <= BODY_MAX)
		g_string_append_len(ex->body, (const char *)bytes, (gssize)len);
	return 0;
}

static int h2_frame(nghttp2_session *h2, const nghttp2_frame *frame, void *arg)
{
	struct exchange *ex = NULL;

	if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM) ||
	    (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA))
		return 0;
	ex = nghttp2_session_get_stream_user_data(h2, frame->hd.stream_id);
	if (ex)
		exchange_take(arg, ex);
	return 0;
}

/* Not called for what is still open when the session ends: conn_end frees that. */
static int h2_close(nghttp2_session *h2, int32_t stream, uint32_t code, void *arg)
{
	struct exchange *ex = nghttp2_session_get_stream_user_data(h2, stream);

	(void)code;
	(void)arg;
	nghttp2_session_set_stream_user_data(h2, stream, NULL);
	if (ex)
		exchange_free(ex);
	return 0;
}

static bool h2_open(struct stub_conn *conn)
{
	nghttp2_settings_entry streams = {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, STREAMS_MAX};
	nghttp2_session_callbacks *calls = NULL;

	if (nghttp2_session_callbacks_new(&calls))
		return false;
	nghttp2_session_callbacks_set_on_begin_headers_callback(calls, h2_begin);
	nghttp2_session_callbacks_set_on_header_callback(calls, h2_header_in);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, h2_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(calls, h2_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(calls, h2_close);
	if (nghttp2_session_server_new(&conn->h2, calls, conn))
		conn->h2 = NULL;
	nghttp2_session_callbacks_del(calls);
	return conn->h2 && !nghttp2_submit_settings(conn->h2, NGHTTP2_FLAG_NONE, &streams, 1);
}

/* Reads one line of an HTTP/1.1 header into ex; body_len gets a Content-Length. */
static void h1_line(struct exchange *ex, const char *line, size_t len, size_t *body_len)
{
	static const char LENGTH[] = "Content-Length:";
	static const char AUTH[] = "Authorization: ";

	if (len >= sizeof(LENGTH) && strncasecmp(line, LENGTH, sizeof(LENGTH) - 1) == 0)
		*body_len = strtoul(line + sizeof(LENGTH) - 1, NULL, 10);
	else if (len >= sizeof(AUTH) && strncasecmp(line, AUTH, sizeof(AUTH) - 1) == 0)
		bearer_take(ex, line + sizeof(AUTH) - 1, len - (sizeof(AUTH) - 1));
}

/* Reads the request line; false if it is none. */
static bool h1_first_line(struct exchange *ex, const char *line, size_t len)
{
	const char *path = memchr(line, ' ', len);
	const char *end = path ? memchr(path + 1, ' ', len - (size_t)(path + 1 - line)) : NULL;

	if (!end)
		return false;
	method_take(ex, line, (size_t)(path - line));
	g_string_append_len(ex->path, path + 1, end - path - 1);
	return true;
}

/* Reads the header, head_len bytes with its empty line; false if it is malformed. */
static bool h1_head(struct exchange *ex, const char *head, size_t head_len, size_t *body_len)
{
	const char *end = head + head_len - 2;
	const char *line = head;

	*body_len = 0;
	while (line < end) {
		const char *stop = memmem(line, (size_t)(end - line), "\r\n", 2);
		size_t len = (size_t)((stop ? stop : end) - line);

		if (line == head && !h1_first_line(ex, line, len))
			return false;
		h1_line(ex, line, len, body_len);
		line += len + 2;
	}
	return *body_len <= BODY_MAX;
}

/* Takes one request from the bytes that have come; false if it cannot be one. */
static bool h1_take(struct stub_conn *conn)
{
	const char *bytes = (const char *)conn->in->data;
	const char *blank = conn->in->len ? memmem(bytes, conn->in->len, "\r\n\r\n", 4) : NULL;
	size_t head_len = blank ? (size_t)(blank - bytes) + 4 : 0;
	size_t body_len = 0;
	struct exchange *ex = NULL;

	if (!blank)
		return conn->in->len <= HEAD_MAX;
	ex = exchange_new(conn, 0);
	if (!h1_head(ex, bytes, head_len, &body_len)) {
		exchange_free(ex);
		return false;
	}
	if (conn->in->len < head_len + body_len) {
		exchange_free(ex);
		return true;
	}
	g_string_append_len(ex->body, bytes + head_len, (gssize)body_len);
	g_byte_array_remove_range(conn->in, 0, (guint)(head_len + body_len));
	conn->single = ex;
	exchange_take(conn, ex);
	return true;
}

static bool conn_take_bytes(struct stub_conn *conn, const uint8_t *bytes, size_t len)
{
	if (conn->h2)
		return nghttp2_session_mem_recv(conn->h2, bytes, len) == (ssize_t)len;
	g_byte_array_append(conn->in, bytes, (guint)len);
	return conn->single || h1_take(conn);
}

static void conn_watch(struct stub_conn *conn, bool write)
{
	struct epoll_event ev = {.events = EPOLLIN | (write ? EPOLLOUT : 0), .data = {.ptr = conn}};

	if (write == conn->wants_write)
		return;
	conn->wants_write = write;
	epoll_ctl(conn->loop->epoll_fd, EPOLL_CTL_MOD, conn->fd, &ev);
}

/* What OpenSSL says of a call that did not do its work; false if conn is at its end. */
static bool tls_goes_on(struct stub_conn *conn, int returned)
{
	int e = SSL_get_error(conn->ssl, returned);

	ERR_clear_error();
	conn_watch(conn, e == SSL_ERROR_WANT_WRITE);
	return e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE;
}

static bool conn_handshake(struct stub_conn *conn)
{
	const unsigned char *proto = NULL;
	unsigned len = 0;
	int returned = SSL_accept(conn->ssl);

	if (returned != 1)
		return tls_goes_on(conn, returned);
	conn->ready = true;
	SSL_get0_alpn_selected(conn->ssl, &proto, &len);
	return len != 2 || memcmp(proto, "h2", 2) != 0 || h2_open(conn);
}

static bool conn_read(struct stub_conn *conn)
{
	uint8_t bytes[IO_BYTES];

	for (;;) {
		int n = SSL_read(conn->ssl, bytes, sizeof(bytes));

		if (n <= 0)
			return tls_goes_on(conn, n);
		if (!conn_take_bytes(conn, bytes, (size_t)n))
			return false;
	}
}

/* Gathers what HTTP/2 has to say into one write, up to one TLS record. */
static bool h2_gather(struct stub_conn *conn)
{
	while (conn->out->len < IO_BYTES) {
		const uint8_t *bytes = NULL;
		ssize_t n = nghttp2_session_mem_send(conn->h2, &bytes);

		if (n < 0)
			return false;
		if (n == 0)
			break;
		g_byte_array_append(conn->out, bytes, (guint)n);
	}
	return true;
}

static bool conn_write(struct stub_conn *conn)
{
	for (;;) {
		int n = 0;

		if (conn->h2 && !h2_gather(conn))
			return false;
		if (conn->out->len == 0) {
			conn_watch(conn, false);
			return true;
		}
		n = SSL_write(conn->ssl, conn->out->data, (int)conn->out->len);
		if (n <= 0)
			return tls_goes_on(conn, n);
		g_byte_array_remove_range(conn->out, 0, (guint)n);
	}
}

static void conn_free(struct stub_conn *conn)
{
	g_byte_array_unref(conn->in);
	g_byte_array_unref(conn->out);
	g_free(conn);
}

/* Ends conn; its memory stays while a delayed answer refers to it. */
static void conn_end(struct stub_conn *conn)
{
	if (conn->dead)
		return;
	conn->dead = true;
	if (conn->h2)
		nghttp2_session_del(conn->h2);
	conn->h2 = NULL;
	while (conn->all)
		exchange_free(conn->all);
	conn->single = NULL;
	SSL_free(conn->ssl);
	close(conn->fd);
}

void stub_conn_event(struct stub_conn *conn)
{
	bool alive = conn->ready || conn_handshake(conn);

	if (alive && conn->ready)
		alive = conn_read(conn);
	if (alive && conn->ready)
		alive = conn_write(conn);
	if (!alive)
		conn_end(conn);
	if (conn->dead && conn->waiting == 0)
		conn_free(conn);
}

/* Finds what entry means and answers it; nothing if the other side has gone. */
static void entry_submit(struct stub_conn *conn, const struct due_entry *entry)
{
	struct exchange *ex = conn->single;

	conn->waiting--;
	if (conn->dead)
		return;
	if (conn->h2)
		ex = nghttp2_session_get_stream_user_data(conn->h2, entry->exchange);
	if (ex)
		exchange_submit(conn, ex);
}

/* After an HTTP/1.1 answer the next request may be there already. */
static bool conn_send(struct stub_conn *conn)
{
	return conn_write(conn) && (conn->h2 || conn->single || h1_take(conn)) && conn_write(conn);
}

void stub_conn_send_due(struct stub_loop *loop)
{
	struct stub_conn *batch = NULL;
	struct due_entry entry;
	uint64_t now = due_now_ns();

	while (due_take(&loop->due, now, &entry)) {
		struct stub_conn *conn = entry.conn;

		entry_submit(conn, &entry);
		if (conn->in_batch)
			continue;
		conn->in_batch = true;
		conn->batch_next = batch;
		batch = conn;
	}
	while (batch) {
		struct stub_conn *conn = batch;

		batch = conn->batch_next;
		conn->in_batch = false;
		if (!conn->dead && !conn_send(conn))
			conn_end(conn);
		if (conn->dead && conn->waiting == 0)
			conn_free(conn);
	}
}

void stub_conn_open(struct stub_loop *loop, int fd)
{
	struct stub_conn *conn = g_new0(struct stub_conn, 1);
	struct epoll_event ev = {.events = EPOLLIN, .data = {.ptr = conn}};

	conn->loop = loop;
	conn->fd = fd;
	conn->in = g_byte_array_new();
	conn->out = g_byte_array_new();
	conn->ssl = SSL_new(loop->tls);
	if (!conn->ssl || !SSL_set_fd(conn->ssl, fd) ||
	    epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &ev)) {
		conn_end(conn);
		conn_free(conn);
	}
}

/* Chooses h2 when it is offered, else http/1.1. */
static int alpn_choose(SSL *ssl, const unsigned char **out, unsigned char *out_len,
		       const unsigned char *offered, unsigned len, void *arg)
{
	static const unsigned char OURS[] = "\x02h2\x08http/1.1";
	unsigned char *chosen = NULL;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, out_len, OURS, sizeof(OURS) - 1, offered, len) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

SSL_CTX *stub_conn_tls_new(const char *cert_file, const char *key_file)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	if (!tls || SSL_CTX_use_certificate_chain_file(tls, cert_file) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls, key_file, SSL_FILETYPE_PEM) != 1 ||
	    !SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION)) {
		ERR_print_errors_fp(stderr);
		SSL_CTX_free(tls);
		return NULL;
	}
	SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_alpn_select_cb(tls, alpn_choose, NULL);
	return tls;
}
