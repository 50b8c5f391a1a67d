/* load_http: one client connection of the load generator. */
#include "tests/bench/load_http.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	DIGITS = 12,
	REQUEST_MAX = 65536,
};

/*
 * Where a number goes, in a request and until it is copied: bytes that no request
 * contains otherwise, as long as the number.
 */
static const char NUMBER_PLACE[DIGITS] = {1, 2, 3, 4, 5, 6, 6, 5, 4, 3, 2, 1};

bool load_target_url(struct load_target *target, const char *url)
{
	static const char SCHEME[] = "https://";
	const char *host = url + sizeof(SCHEME) - 1;
	const char *colon = NULL, *path = NULL;

	if (strncmp(url, SCHEME, sizeof(SCHEME) - 1) != 0 || !(colon = strchr(host, ':')) ||
	    !(path = strchr(colon, '/')))
		return false;
	if ((size_t)(colon - host) >= sizeof(target->host) ||
	    (size_t)(path - colon - 1) >= sizeof(target->port))
		return false;
	snprintf(target->host, sizeof(target->host), "%.*s", (int)(colon - host), host);
	snprintf(target->port, sizeof(target->port), "%.*s", (int)(path - colon - 1), colon + 1);
	target->path = path;
	return true;
}

bool load_target_ca(struct load_target *target, const char *file)
{
	target->tls = SSL_CTX_new(TLS_client_method());
	if (!target->tls || SSL_CTX_load_verify_file(target->tls, file) != 1) {
		ERR_print_errors_fp(stderr);
		return false;
	}
	SSL_CTX_set_verify(target->tls, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(target->tls, SSL_MODE_RELEASE_BUFFERS);
	return true;
}

/* Appends text to a request, with places for "{n}"; false if there is no room. */
static bool append(char *request, size_t *len, const char *text)
{
	while (*text) {
		bool place = strncmp(text, "{n}", 3) == 0;
		size_t n = place ? DIGITS : 1;

		if (*len + n > REQUEST_MAX)
			return false;
		memcpy(request + *len, place ? NUMBER_PLACE : text, n);
		*len += n;
		text += place ? 3 : 1;
	}
	return true;
}

static size_t length_with_numbers(const char *text)
{
	size_t n = strlen(text);

	while ((text = strstr(text, "{n}"))) {
		n += DIGITS - 3;
		text += 3;
	}
	return n;
}

char *load_request_new(const struct load_target *target, const char *method,
		       const char *const *headers, size_t n_headers, const char *body, size_t *len)
{
	char *request = malloc(REQUEST_MAX);
	char line[LOAD_HOST_MAX + 64];
	bool fits = request != NULL;

	*len = 0;
	fits = fits && append(request, len, method) && append(request, len, " ") &&
	       append(request, len, target->path);
	snprintf(line, sizeof(line), " HTTP/1.1\r\nHost: %s:%s\r\n", target->host, target->port);
	fits = fits && append(request, len, line);
	for (size_t i = 0; i < n_headers; i++)
		fits = fits && append(request, len, headers[i]) && append(request, len, "\r\n");
	if (*body) {
		snprintf(line, sizeof(line), "Content-Length: %zu\r\n", length_with_numbers(body));
		fits = fits && append(request, len, line);
	}
	fits = fits && append(request, len, "\r\n") && append(request, len, body);
	if (!fits) {
		free(request);
		return NULL;
	}
	return request;
}

void load_request_number(char *out, const char *request, size_t len, unsigned long number)
{
	char digits[32];
	char *place = out;

	snprintf(digits, sizeof(digits), "%0*lu", DIGITS, number);
	memcpy(out, request, len);
	while ((place = memmem(place, len - (size_t)(place - out), NUMBER_PLACE, DIGITS))) {
		memcpy(place, digits, DIGITS);
		place += DIGITS;
	}
}

static int tcp_connect(const struct load_target *target)
{
	struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
	struct addrinfo *addr = NULL;
	int yes = 1;
	int fd = -1;

	if (getaddrinfo(target->host, target->port, &hints, &addr))
		return -1;
	fd = socket(addr->ai_family, addr->ai_socktype | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, addr->ai_addr, addr->ai_addrlen)) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(addr);
	if (fd >= 0)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	return fd;
}

/* The name or the address in the certificate must be the one that was asked for. */
static bool name_set(SSL *ssl, const char *host)
{
	char name[LOAD_HOST_MAX];

	if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host))
		return true;
	snprintf(name, sizeof(name), "%s", host);
	return SSL_set1_host(ssl, name) && SSL_set_tlsext_host_name(ssl, name);
}

bool load_conn_open(struct load_conn *c, const struct load_target *target, int epoll_fd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data = {.ptr = c}};

	load_conn_ready(c);
	c->fd = tcp_connect(target);
	if (c->fd < 0) {
		perror("loadgen: connect");
		return false;
	}
	c->ssl = SSL_new(target->tls);
	if (!c->ssl || !name_set(c->ssl, target->host) || !SSL_set_fd(c->ssl, c->fd) ||
	    SSL_connect(c->ssl) != 1 || fcntl(c->fd, F_SETFL, O_NONBLOCK) ||
	    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &ev)) {
		ERR_print_errors_fp(stderr);
		load_conn_close(c);
		return false;
	}
	return true;
}

bool load_conn_is_open(const struct load_conn *c)
{
	return c->ssl != NULL;
}

/* A request is far smaller than an empty socket buffer, so it goes out at once or never. */
bool load_conn_send(struct load_conn *c, size_t len)
{
	size_t sent = 0;
	bool good = SSL_write_ex(c->ssl, c->request, len, &sent) == 1 && sent == len;

	ERR_clear_error();
	return good;
}

/* The value of a header in an answer whose header has head_len bytes; NULL if it has none. */
static const char *header_find(const char *head, size_t head_len, const char *name)
{
	const char *line = head;
	const char *end = head + head_len;
	size_t len = strlen(name);

	while ((line = memmem(line, (size_t)(end - line), "\r\n", 2)) && end - line > 4) {
		line += 2;
		if ((size_t)(end - line) > len && strncasecmp(line, name, len) == 0)
			return line + len + strspn(line + len, " ");
	}
	return NULL;
}

/* Whether the chunks from text on, which ends with a NUL, are all there. */
static enum load_state chunks_read(const char *text, const char *end)
{
	while (text < end) {
		char *line_end = NULL;
		unsigned long size = strtoul(text, &line_end, 16);

		if (!memmem(text, (size_t)(end - text), "\r\n", 2))
			return LOAD_MORE;
		if (line_end == text || strncmp(line_end, "\r\n", 2) != 0)
			return LOAD_END;
		if (size > LOAD_IN_MAX)
			return LOAD_END;
		if ((size_t)(end - line_end) < size + 4)
			return LOAD_MORE;
		if (size == 0)
			return LOAD_ANSWER;
		text = line_end + 2 + size + 2;
	}
	return LOAD_MORE;
}

static enum load_state answer_read(struct load_conn *c)
{
	const char *blank = memmem(c->in, c->in_len, "\r\n\r\n", 4);
	size_t head_len = blank ? (size_t)(blank - c->in) + 4 : 0;
	const char *value = NULL;

	if (!blank)
		return LOAD_MORE;
	if (head_len < 16 || strncmp(c->in, "HTTP/1.1 ", 9) != 0)
		return LOAD_END;
	c->answer.status = (int)strtol(c->in + 9, NULL, 10);
	value = header_find(c->in, head_len, "Connection:");
	c->answer.closes = value && strncasecmp(value, "close", 5) == 0;
	if (header_find(c->in, head_len, "Transfer-Encoding:"))
		return chunks_read(c->in + head_len, c->in + c->in_len);
	value = header_find(c->in, head_len, "Content-Length:");
	if (c->in_len - head_len < (value ? strtoul(value, NULL, 10) : 0))
		return LOAD_MORE;
	return LOAD_ANSWER;
}

enum load_state load_conn_read(struct load_conn *c)
{
	enum load_state state = LOAD_MORE;

	while (state == LOAD_MORE) {
		size_t room = sizeof(c->in) - 1 - c->in_len;
		size_t n = 0;

		if (room == 0 || !c->ssl)
			return LOAD_END;
		if (SSL_read_ex(c->ssl, c->in + c->in_len, room, &n) != 1) {
			bool waits = SSL_get_error(c->ssl, 0) == SSL_ERROR_WANT_READ;

			ERR_clear_error();
			return waits ? LOAD_MORE : LOAD_END;
		}
		c->in_len += n;
		c->in[c->in_len] = '\0';
		state = answer_read(c);
	}
	return state;
}

void load_conn_ready(struct load_conn *c)
{
	c->in_len = 0;
	c->in[0] = '\0';
}

void load_conn_close(struct load_conn *c)
{
	if (c->ssl) {
		SSL_free(c->ssl);
		close(c->fd);
	}
	c->ssl = NULL;
	load_conn_ready(c);
}
