#include "tests/unit/db_proxy.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { PIECE_BYTES = 256 * 1024, LINKS_MAX = 1024, COMMAND_AT = 4, POLL_MS = 20 };

/* One connection that is led through. */
struct link {
	struct db_proxy *proxy;
	pthread_t thread;
	int client;
	int server;
};

struct db_proxy {
	char *path;
	char *target;
	unsigned port;
	int listener;
	pthread_t acceptor;
	pthread_mutex_t lock; /* guards what follows */
	bool stop;
	bool silent;
	enum db_proxy_fault fault;
	int command;
	const char *text;
	bool struck;
	unsigned n_commands;
	void (*at)(void *cx, unsigned number, bool answered);
	void *at_cx;
	struct link links[LINKS_MAX];
	unsigned n_links;
};

static bool send_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/* The fault that this command meets, which is then spent. */
static enum db_proxy_fault fault_for(struct db_proxy *proxy, const char *piece, size_t len)
{
	enum db_proxy_fault fault = PROXY_NO_FAULT;
	bool meant = len > COMMAND_AT && (unsigned char)piece[COMMAND_AT] == proxy->command &&
		     (!proxy->text || memmem(piece, len, proxy->text, strlen(proxy->text)));

	if (proxy->fault != PROXY_NO_FAULT && meant) {
		fault = proxy->fault;
		proxy->fault = PROXY_NO_FAULT;
		proxy->struck = true;
	}
	return fault;
}

static void tell(struct db_proxy *proxy, unsigned number, bool answered)
{
	void (*at)(void *, unsigned, bool);
	void *cx;

	pthread_mutex_lock(&proxy->lock);
	at = proxy->at;
	cx = proxy->at_cx;
	pthread_mutex_unlock(&proxy->lock);
	if (at)
		at(cx, number, answered);
}

/* Passes one piece of the client's on. False: the link ends. */
static bool pass_command(struct link *link, char *piece, unsigned *number, bool *swallow)
{
	struct db_proxy *proxy = link->proxy;
	ssize_t n = recv(link->client, piece, PIECE_BYTES, 0);
	enum db_proxy_fault fault;

	if (n <= 0)
		return false;
	pthread_mutex_lock(&proxy->lock);
	fault = fault_for(proxy, piece, (size_t)n);
	*number = ++proxy->n_commands;
	pthread_mutex_unlock(&proxy->lock);
	tell(proxy, *number, false);
	*swallow = fault == PROXY_SWALLOW;
	if (fault == PROXY_CUT)
		return false;
	return fault == PROXY_SILENT || send_all(link->server, piece, (size_t)n);
}

static bool pass_answer(struct link *link, char *piece, unsigned number, bool swallow)
{
	ssize_t n = recv(link->server, piece, PIECE_BYTES, 0);

	if (n <= 0)
		return false;
	tell(link->proxy, number, true);
	return !swallow && send_all(link->client, piece, (size_t)n);
}

static bool is_stopped(struct db_proxy *proxy)
{
	bool stop;

	pthread_mutex_lock(&proxy->lock);
	stop = proxy->stop;
	pthread_mutex_unlock(&proxy->lock);
	return stop;
}

static void *lead(void *cx)
{
	struct link *link = cx;
	char *piece = malloc(PIECE_BYTES);
	unsigned number = 0;
	bool swallow = false, open = piece && link->server >= 0;

	while (open && !is_stopped(link->proxy)) {
		struct pollfd fds[] = {{link->client, POLLIN, 0}, {link->server, POLLIN, 0}};

		if (poll(fds, 2, POLL_MS) <= 0)
			continue;
		if (fds[0].revents)
			open = pass_command(link, piece, &number, &swallow);
		if (open && fds[1].revents)
			open = pass_answer(link, piece, number, swallow);
	}
	free(piece);
	shutdown(link->client, SHUT_RDWR);
	if (link->server >= 0)
		close(link->server);
	close(link->client);
	return NULL;
}

static int reach(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		return -1;
	}
	return fd;
}

static void *accept_all(void *cx)
{
	struct db_proxy *proxy = cx;

	while (!is_stopped(proxy)) {
		struct pollfd look = {proxy->listener, POLLIN, 0};
		struct link *link;
		bool silent;

		if (poll(&look, 1, POLL_MS) <= 0 || proxy->n_links == LINKS_MAX)
			continue;
		pthread_mutex_lock(&proxy->lock);
		link = &proxy->links[proxy->n_links++];
		silent = proxy->silent;
		pthread_mutex_unlock(&proxy->lock);
		link->proxy = proxy;
		link->client = accept(proxy->listener, NULL, NULL);
		/* silent: connected to nothing that ever speaks */
		link->server = silent ? socket(AF_UNIX, SOCK_DGRAM, 0) : reach(proxy->target);
		pthread_create(&link->thread, NULL, lead, link);
	}
	return NULL;
}

static int listen_on_path(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	unlink(path);
	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	assert_return_code(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static int listen_on_port(unsigned *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_return_code(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_return_code(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	*port = ntohs(address.sin_port);
	return fd;
}

struct db_proxy *db_proxy_new(const char *path, const char *server)
{
	struct db_proxy *proxy = calloc(1, sizeof(*proxy));

	assert_non_null(proxy);
	pthread_mutex_init(&proxy->lock, NULL);
	proxy->target = strdup(server);
	proxy->path = path ? strdup(path) : NULL;
	proxy->listener = path ? listen_on_path(path) : listen_on_port(&proxy->port);
	assert_return_code(listen(proxy->listener, 64), 0);
	assert_int_equal(pthread_create(&proxy->acceptor, NULL, accept_all, proxy), 0);
	return proxy;
}

void db_proxy_free(struct db_proxy *proxy)
{
	pthread_mutex_lock(&proxy->lock);
	proxy->stop = true;
	pthread_mutex_unlock(&proxy->lock);
	pthread_join(proxy->acceptor, NULL);
	close(proxy->listener);
	for (unsigned i = 0; i < proxy->n_links; i++)
		pthread_join(proxy->links[i].thread, NULL);
	if (proxy->path)
		unlink(proxy->path);
	pthread_mutex_destroy(&proxy->lock);
	free(proxy->path);
	free(proxy->target);
	free(proxy);
}

unsigned db_proxy_port(const struct db_proxy *proxy)
{
	return proxy->port;
}

unsigned db_proxy_connections(struct db_proxy *proxy)
{
	unsigned n;

	pthread_mutex_lock(&proxy->lock);
	n = proxy->n_links;
	pthread_mutex_unlock(&proxy->lock);
	return n;
}

void db_proxy_arm(struct db_proxy *proxy, enum db_proxy_fault fault, int command, const char *text)
{
	pthread_mutex_lock(&proxy->lock);
	proxy->fault = fault;
	proxy->command = command;
	proxy->text = text;
	proxy->struck = false;
	pthread_mutex_unlock(&proxy->lock);
}

bool db_proxy_has_struck(struct db_proxy *proxy)
{
	bool struck;

	pthread_mutex_lock(&proxy->lock);
	struck = proxy->struck;
	pthread_mutex_unlock(&proxy->lock);
	return struck;
}

void db_proxy_be_silent(struct db_proxy *proxy, bool silent)
{
	pthread_mutex_lock(&proxy->lock);
	proxy->silent = silent;
	pthread_mutex_unlock(&proxy->lock);
}

void db_proxy_watch(struct db_proxy *proxy, void (*at)(void *cx, unsigned number, bool answered),
		    void *cx)
{
	pthread_mutex_lock(&proxy->lock);
	proxy->at = at;
	proxy->at_cx = cx;
	pthread_mutex_unlock(&proxy->lock);
}
