#include "tests/unit/https_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	CONNECTIONS_MAX = 512,
	REQUEST_BYTES_MAX = 2 * 1024 * 1024,
	HEAD_BYTES_MAX = 80 * 1024,
	DAY_S = 24 * 60 * 60,
	WAIT_S = 10,
};

/* One connection, on its thread. */
struct wire {
	struct https_server *server;
	pthread_t thread;
	int fd;
	SSL *tls;
	unsigned number;
};

struct https_server {
	enum https_flaw flaw;
	https_script *script;
	void *cx;
	SSL_CTX *tls;
	char ca_file[64];
	int fd;
	unsigned port;
	pthread_t thread;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool stopping;
	unsigned requests;
	unsigned n_wires;
	struct wire wires[CONNECTIONS_MAX];
};

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "https_server: %s\n", what);
	abort();
}

/* --- its certificates --- */

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX cx;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&cx, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &cx, nid, value);
	must(extension && X509_add_ext(cert, extension, -1), "extension");
	X509_EXTENSION_free(extension);
}

static void set_name(X509 *cert, const char *name)
{
	X509_NAME *subject = X509_get_subject_name(cert);

	must(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name,
					-1, -1, 0),
	     "name");
}

/* A certificate for key, not signed yet, good from days_from to days_to of today. */
static X509 *cert_new(const char *name, EVP_PKEY *key, long serial, int days_from, int days_to)
{
	X509 *cert = X509_new();

	must(cert && X509_set_version(cert, X509_VERSION_3) &&
		     ASN1_INTEGER_set(X509_get_serialNumber(cert), serial) &&
		     X509_gmtime_adj(X509_getm_notBefore(cert), (long)days_from * DAY_S) &&
		     X509_gmtime_adj(X509_getm_notAfter(cert), (long)days_to * DAY_S) &&
		     X509_set_pubkey(cert, key),
	     "certificate");
	set_name(cert, name);
	return cert;
}

static X509 *ca_new(EVP_PKEY *key)
{
	X509 *ca = cert_new("test CA", key, 1, -10, 10);

	must(X509_set_issuer_name(ca, X509_get_subject_name(ca)), "issuer");
	add_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE");
	must(X509_sign(ca, key, EVP_sha256()), "signature");
	return ca;
}

static X509 *leaf_new(enum https_flaw flaw, EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key)
{
	bool expired = flaw == HTTPS_EXPIRED, alone = flaw == HTTPS_SELF_SIGNED;
	X509 *leaf = cert_new("test server", key, 2, -5, expired ? -1 : 5);
	X509 *issuer = alone ? leaf : ca;

	must(X509_set_issuer_name(leaf, X509_get_subject_name(issuer)), "issuer");
	add_extension(leaf, issuer, NID_subject_alt_name,
		      flaw == HTTPS_WRONG_NAME ? "DNS:elsewhere.example,IP:127.9.9.9"
					       : "DNS:localhost,IP:127.0.0.1");
	must(X509_sign(leaf, alone ? key : ca_key, EVP_sha256()), "signature");
	return leaf;
}

static void write_ca(struct https_server *server, X509 *ca)
{
	FILE *file;
	int fd;

	snprintf(server->ca_file, sizeof(server->ca_file), "/tmp/cb-test-ca-XXXXXX");
	fd = mkstemp(server->ca_file);
	file = fd < 0 ? NULL : fdopen(fd, "w");
	must(file && PEM_write_X509(file, ca) && fclose(file) == 0, "CA file");
}

static void set_up_tls(struct https_server *server)
{
	EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
	X509 *ca = ca_new(ca_key);
	X509 *leaf = leaf_new(server->flaw, key, ca, ca_key);

	write_ca(server, ca);
	server->tls = SSL_CTX_new(TLS_server_method());
	must(server->tls && SSL_CTX_use_certificate(server->tls, leaf) == 1 &&
		     SSL_CTX_use_PrivateKey(server->tls, key) == 1,
	     "TLS");
	if (server->flaw == HTTPS_OLD_TLS) {
		SSL_CTX_set_security_level(server->tls, 0);
		must(SSL_CTX_set_min_proto_version(server->tls, TLS1_1_VERSION) &&
			     SSL_CTX_set_max_proto_version(server->tls, TLS1_1_VERSION) &&
			     SSL_CTX_set_cipher_list(server->tls, "ALL:@SECLEVEL=0"),
		     "TLS 1.1");
	}
	X509_free(leaf);
	X509_free(ca);
	EVP_PKEY_free(key);
	EVP_PKEY_free(ca_key);
}

/* --- its connections --- */

static int wire_read(struct wire *wire, char *data, size_t size)
{
	if (wire->tls)
		return SSL_read(wire->tls, data, (int)size);
	return (int)recv(wire->fd, data, size, 0);
}

bool https_write(struct https_call *call, const void *data, size_t len)
{
	struct wire *wire = call->wire;
	const char *at = data;

	while (len > 0) {
		int n = wire->tls ? SSL_write(wire->tls, at, (int)len)
				  : (int)send(wire->fd, at, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

bool https_wait(struct https_call *call, int millis)
{
	struct wire *wire = call->wire;
	struct pollfd watched = {.fd = wire->fd, .events = POLLRDHUP};

	return poll(&watched, 1, millis) == 0;
}

/* How long the whole request is; 0: not known yet. */
static size_t request_length(const char *data, size_t *head_len)
{
	const char *end = strstr(data, "\r\n\r\n");
	const char *length = strcasestr(data, "\r\nContent-Length:");
	size_t body = 0;

	if (!end)
		return 0;
	*head_len = (size_t)(end - data) + 4;
	if (length && length < end)
		body = strtoul(length + 17, NULL, 10);
	return *head_len + body;
}

/* Reads one request into data; false at the end of the connection. */
static bool read_request(struct wire *wire, char *data, size_t *len, size_t *head_len)
{
	size_t whole = 0;

	*len = 0;
	data[0] = '\0';
	do {
		int n = wire_read(wire, data + *len, REQUEST_BYTES_MAX - 1 - *len);

		if (n <= 0)
			return false;
		*len += (size_t)n;
		data[*len] = '\0';
		whole = request_length(data, head_len);
	} while (whole == 0 || *len < whole);
	return true;
}

static void count_request(struct https_server *server)
{
	pthread_mutex_lock(&server->lock);
	server->requests++;
	pthread_cond_broadcast(&server->changed);
	pthread_mutex_unlock(&server->lock);
}

static void serve_requests(struct wire *wire)
{
	struct https_server *server = wire->server;
	char *data = malloc(REQUEST_BYTES_MAX), *head = malloc(HEAD_BYTES_MAX);
	size_t len, head_len = 0;
	unsigned nth = 0;
	bool open = true;

	must(data && head, "memory");
	while (open && read_request(wire, data, &len, &head_len)) {
		struct https_call call = {.head = head,
					  .body = data + head_len,
					  .body_len = len - head_len,
					  .connection = wire->number,
					  .nth = ++nth,
					  .wire = wire};

		must(head_len < HEAD_BYTES_MAX, "head of the request is too long");
		memcpy(head, data, head_len);
		head[head_len] = '\0';
		count_request(server);
		server->script(&call, server->cx);
		open = !call.hang_up;
	}
	free(data);
	free(head);
}

static void *wire_main(void *arg)
{
	struct wire *wire = arg;
	struct https_server *server = wire->server;
	bool good = true;

	if (server->flaw == HTTPS_MUTE) {
		char byte;

		while (recv(wire->fd, &byte, 1, 0) > 0)
			;
		return NULL;
	}
	if (server->tls) {
		wire->tls = SSL_new(server->tls);
		must(wire->tls && SSL_set_fd(wire->tls, wire->fd), "SSL");
		good = SSL_accept(wire->tls) == 1;
	}
	if (good)
		serve_requests(wire);
	shutdown(wire->fd, SHUT_RDWR);
	return NULL;
}

/* The descriptor stays open until the server ends, so that its number means one connection. */
static void take_connection(struct https_server *server, int fd)
{
	struct wire *wire;
	int one = 1;

	pthread_mutex_lock(&server->lock);
	must(server->n_wires < CONNECTIONS_MAX, "too many connections");
	wire = &server->wires[server->n_wires++];
	*wire = (struct wire){.server = server, .fd = fd, .number = server->n_wires};
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	must(pthread_create(&wire->thread, NULL, wire_main, wire) == 0, "thread");
	pthread_mutex_unlock(&server->lock);
}

static void *server_main(void *arg)
{
	struct https_server *server = arg;

	for (;;) {
		int fd = accept(server->fd, NULL, NULL);

		if (fd >= 0)
			take_connection(server, fd);
		else if (errno != EINTR && errno != ECONNABORTED)
			return NULL;
	}
}

static void listen_on_loopback(struct https_server *server)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(server->fd >= 0 && bind(server->fd, (struct sockaddr *)&address, len) == 0 &&
		     listen(server->fd, 512) == 0 &&
		     getsockname(server->fd, (struct sockaddr *)&address, &len) == 0,
	     "listening socket");
	server->port = ntohs(address.sin_port);
}

struct https_server *https_server_new(enum https_flaw flaw, https_script *script, void *cx)
{
	struct https_server *server = calloc(1, sizeof(*server));

	must(server, "memory");
	server->flaw = flaw;
	server->script = script;
	server->cx = cx;
	pthread_mutex_init(&server->lock, NULL);
	pthread_cond_init(&server->changed, NULL);
	if (flaw != HTTPS_PLAIN && flaw != HTTPS_MUTE)
		set_up_tls(server);
	listen_on_loopback(server);
	must(pthread_create(&server->thread, NULL, server_main, server) == 0, "thread");
	return server;
}

void https_server_free(struct https_server *server)
{
	if (!server)
		return;
	shutdown(server->fd, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	for (unsigned i = 0; i < server->n_wires; i++)
		shutdown(server->wires[i].fd, SHUT_RDWR);
	for (unsigned i = 0; i < server->n_wires; i++) {
		pthread_join(server->wires[i].thread, NULL);
		SSL_free(server->wires[i].tls);
		close(server->wires[i].fd);
	}
	close(server->fd);
	if (server->ca_file[0])
		unlink(server->ca_file);
	SSL_CTX_free(server->tls);
	pthread_cond_destroy(&server->changed);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

const char *https_server_ca_file(const struct https_server *server)
{
	return server->ca_file;
}

const char *https_server_url(const struct https_server *server, const char *path, char *out,
			     size_t size)
{
	snprintf(out, size, "%s://127.0.0.1:%u%s", server->flaw == HTTPS_PLAIN ? "http" : "https",
		 server->port, path);
	return out;
}

unsigned https_server_connections(struct https_server *server)
{
	unsigned n;

	pthread_mutex_lock(&server->lock);
	n = server->n_wires;
	pthread_mutex_unlock(&server->lock);
	return n;
}

unsigned https_server_requests(struct https_server *server)
{
	unsigned n;

	pthread_mutex_lock(&server->lock);
	n = server->requests;
	pthread_mutex_unlock(&server->lock);
	return n;
}

void https_server_wait(struct https_server *server, unsigned requests)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WAIT_S;
	pthread_mutex_lock(&server->lock);
	while (server->requests < requests)
		must(pthread_cond_timedwait(&server->changed, &server->lock, &until) == 0,
		     "the requests did not come");
	pthread_mutex_unlock(&server->lock);
}

void https_answer(struct https_call *call, const char *status, const char *headers,
		  const char *body)
{
	char head[2048];
	size_t len = body ? strlen(body) : 0;
	int n = snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s%s\r\n",
			 status, len, headers ? headers : "", headers ? "\r\n" : "");

	must(n > 0 && (size_t)n < sizeof(head), "head of the answer is too long");
	if (https_write(call, head, (size_t)n) && body)
		https_write(call, body, len);
}

bool https_header(const struct https_call *call, const char *name, char *out, size_t size)
{
	const char *line = strstr(call->head, "\r\n");
	size_t n = strlen(name);

	out[0] = '\0';
	while (line && strncmp(line, "\r\n\r\n", 4) != 0) {
		line += 2;
		if (strncasecmp(line, name, n) == 0 && line[n] == ':') {
			const char *value = line + n + 1;

			value += strspn(value, " ");
			snprintf(out, size, "%.*s", (int)strcspn(value, "\r"), value);
			return true;
		}
		line = strstr(line, "\r\n");
	}
	return false;
}

bool https_is(const struct https_call *call, const char *line)
{
	return strncmp(call->head, line, strlen(line)) == 0;
}
