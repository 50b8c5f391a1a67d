/*
 * provider_stub: a stand-in for Google that is fast: HTTPS with HTTP/2 and
 * HTTP/1.1 on a loopback port, an epoll loop per thread, answers delayed as
 * asked, everything counted. What it answers stands in stub_google.h.
 *
 *	provider_stub --port PORT --cert FILE --key FILE [-t THREADS]
 *		[--delay-ms N] [--token-delay-ms N] [--expires-in SECONDS]
 *
 * Writes "ready" and the port (0 asks for a free one) on stdout once it listens;
 * runs until it is killed.
 */
#include "tests/bench/stub_conn.h"
#include "tests/bench/stub_google.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BACKLOG = 4096,
	EVENTS_AT_ONCE = 256,
	THREADS_MAX = 64,
};

struct setting {
	unsigned port;
	unsigned threads;
	unsigned delay_ms;
	unsigned token_delay_ms;
	unsigned expires_in;
	const char *cert;
	const char *key;
};

/* What one thread runs. */
struct lane {
	struct stub_loop loop;
	int listen_fd;
};

/* Listens on 127.0.0.1; *port 0 becomes the port that the system chose. */
static int listen_on(unsigned *port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_port = htons((uint16_t)*port),
				   .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(addr);
	int yes = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes)) ||
	    bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, BACKLOG) ||
	    getsockname(fd, (struct sockaddr *)&addr, &len)) {
		perror("provider_stub: listen");
		return -1;
	}
	*port = ntohs(addr.sin_port);
	return fd;
}

static void accept_all(struct lane *lane)
{
	int yes = 1;

	for (;;) {
		int fd = accept4(lane->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
		stub_conn_open(&lane->loop, fd);
	}
}

static void *lane_run(void *arg)
{
	struct lane *lane = arg;
	struct epoll_event ev[EVENTS_AT_ONCE];

	for (;;) {
		int wait_ms = due_wait_ms(&lane->loop.due, due_now_ns());
		int n = epoll_wait(lane->loop.epoll_fd, ev, EVENTS_AT_ONCE, wait_ms);

		for (int i = 0; i < n; i++) {
			if (ev[i].data.ptr)
				stub_conn_event(ev[i].data.ptr);
			else
				accept_all(lane);
		}
		stub_conn_send_due(&lane->loop);
	}
	return NULL;
}

static bool lane_open(struct lane *lane, struct setting *set, struct stub_google *google)
{
	struct epoll_event ev = {.events = EPOLLIN};

	lane->loop.google = google;
	lane->loop.tls = stub_conn_tls_new(set->cert, set->key);
	lane->loop.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	lane->listen_fd = listen_on(&set->port);
	return lane->loop.tls && lane->listen_fd >= 0 &&
	       !epoll_ctl(lane->loop.epoll_fd, EPOLL_CTL_ADD, lane->listen_fd, &ev);
}

static int stub_run(struct setting *set)
{
	struct lane *lanes = calloc(set->threads, sizeof(*lanes));
	struct stub_google *google =
		stub_google_new(set->delay_ms, set->token_delay_ms, set->expires_in);
	pthread_t id;

	signal(SIGPIPE, SIG_IGN);
	for (unsigned i = 0; i < set->threads; i++) {
		if (!lanes || !lane_open(&lanes[i], set, google))
			return 1;
	}
	for (unsigned i = 1; i < set->threads; i++) {
		if (pthread_create(&id, NULL, lane_run, &lanes[i]))
			return 1;
	}
	printf("ready %u\n", set->port);
	fflush(stdout);
	lane_run(&lanes[0]);
	return 0;
}

/* A number of the command line, at most high; ends the program if it is none. */
static unsigned number(const char *text, unsigned high)
{
	char *end = NULL;
	unsigned long value = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || value > high) {
		fprintf(stderr, "provider_stub: %s is not a number from 0 to %u\n", text, high);
		exit(2);
	}
	return (unsigned)value;
}

/* Takes one option; false if there is no such. */
static bool option_take(int opt, const char *text, struct setting *set)
{
	switch (opt) {
	case 'p':
		set->port = number(text, 65535);
		return true;
	case 'c':
		set->cert = text;
		return true;
	case 'k':
		set->key = text;
		return true;
	case 't':
		set->threads = number(text, THREADS_MAX);
		return set->threads > 0;
	case 'd':
		set->delay_ms = number(text, 60000);
		return true;
	case 'D':
		set->token_delay_ms = number(text, 60000);
		return true;
	case 'e':
		set->expires_in = number(text, 86400);
		return true;
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	static const struct option OPTIONS[] = {
		{"port", required_argument, NULL, 'p'},
		{"cert", required_argument, NULL, 'c'},
		{"key", required_argument, NULL, 'k'},
		{"threads", required_argument, NULL, 't'},
		{"delay-ms", required_argument, NULL, 'd'},
		{"token-delay-ms", required_argument, NULL, 'D'},
		{"expires-in", required_argument, NULL, 'e'},
		{NULL, 0, NULL, 0},
	};
	struct setting set = {.threads = 1, .expires_in = 3599};
	int opt = 0;
	bool good = true;

	while (good && (opt = getopt_long(argc, argv, "t:", OPTIONS, NULL)) != -1)
		good = option_take(opt, optarg, &set);
	if (!good || !set.cert || !set.key || optind < argc) {
		fprintf(stderr,
			"usage: provider_stub --port PORT --cert FILE --key FILE [-t THREADS]\n"
			"\t[--delay-ms N] [--token-delay-ms N] [--expires-in SECONDS]\n");
		return 2;
	}
	return stub_run(&set);
}
