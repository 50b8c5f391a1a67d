#include "io/http_loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	STREAMS_A_CONNECTION = 32, /* without it all transfers go on one connection */
	CONNECTIONS_A_HOST = 32,
	CONNECTIONS_KEPT = 1024, /* the default closes idle ones whenever the load dips */
	EVENTS_AT_ONCE = 64,
	SWEEP_MS = 200,
	SWEEP_GRACE_MS = 50, /* libcurl's own clock goes first */
};

struct http_loop {
	struct http_rules rules;
	CURLM *multi;
	int epoll_fd;
	int wake_fd;
	pthread_t thread;
	bool started;
	atomic_bool stop;
	_Atomic(struct http_transfer *) handed_in; /* newest first; &CLOSED: no more */

	/* for the network thread alone */
	struct http_transfer *active; /* newest first */
	int64_t timer_ms;             /* when libcurl wants to be called; -1: not */
	int64_t sweep_ms;
};

/* Stands at the head of the list when nobody looks at it any more. */
static struct http_transfer CLOSED;

static void link_active(struct http_loop *loop, struct http_transfer *transfer)
{
	transfer->previous = NULL;
	transfer->next = loop->active;
	if (loop->active)
		loop->active->previous = transfer;
	loop->active = transfer;
}

static void unlink_active(struct http_loop *loop, struct http_transfer *transfer)
{
	if (transfer->next)
		transfer->next->previous = transfer->previous;
	if (transfer->previous)
		transfer->previous->next = transfer->next;
	else
		loop->active = transfer->next;
}

/*
 * From here on the transfer is its owner's again, who may be gone at once. A semaphore, as with a
 * condition the owner wakes only to wait for the mutex: two switches more for every exchange.
 */
static void wake_owner(struct http_transfer *transfer)
{
	sem_post(&transfer->done);
}

static void end_transfer(struct http_loop *loop, struct http_transfer *transfer, CURLcode code)
{
	CURL *easy = transfer->easy;

	http_transfer_finish(transfer, code);
	unlink_active(loop, transfer);
	curl_multi_remove_handle(loop->multi, easy);
	curl_easy_cleanup(easy);
	wake_owner(transfer);
}

/*
 * A handle of its own for each transfer: nothing of one account's exchange can be left for the
 * next one's. It costs no more than a reset; and a reset handle may still have its old read
 * buffer, as libcurl 7.88 keeps it where others share the connection, smaller than it then thinks.
 */
static enum err begin(struct http_loop *loop, struct http_transfer *transfer)
{
	enum err e;

	transfer->easy = curl_easy_init();
	if (!transfer->easy)
		return ERR_NOMEM;
	e = http_transfer_prepare(transfer, &loop->rules);
	if (!e && curl_multi_add_handle(loop->multi, transfer->easy))
		e = ERR_NOMEM;
	if (e)
		curl_easy_cleanup(transfer->easy);
	return e;
}

static void begin_or_fail(struct http_loop *loop, struct http_transfer *transfer)
{
	enum err e = begin(loop, transfer);

	if (!e) {
		link_active(loop, transfer);
		return;
	}
	transfer->outcome = e;
	wake_owner(transfer);
}

static struct http_transfer *oldest_first(struct http_transfer *list)
{
	struct http_transfer *turned = NULL;

	while (list) {
		struct http_transfer *next = list->next;

		list->next = turned;
		turned = list;
		list = next;
	}
	return turned;
}

static void begin_handed_in(struct http_loop *loop)
{
	struct http_transfer *list = oldest_first(atomic_exchange(&loop->handed_in, NULL));

	while (list) {
		struct http_transfer *next = list->next;

		begin_or_fail(loop, list);
		list = next;
	}
}

static void end_finished(struct http_loop *loop)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(loop->multi, &left))) {
		CURLcode code = message->data.result;
		char *transfer = NULL;

		if (message->msg == CURLMSG_DONE &&
		    !curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer))
			end_transfer(loop, (void *)transfer, code);
	}
}

/*
 * libcurl does not watch the time of transfers that wait for a place on a connection. This does,
 * so that no caller waits beyond its deadline.
 */
static void end_overdue(struct http_loop *loop, int64_t now_ms)
{
	struct http_transfer *transfer = loop->active;

	if (now_ms < loop->sweep_ms)
		return;
	loop->sweep_ms = now_ms + SWEEP_MS;
	while (transfer) {
		struct http_transfer *next = transfer->next;

		if (now_ms >= transfer->give_up_ms + SWEEP_GRACE_MS)
			end_transfer(loop, transfer, CURLE_OPERATION_TIMEDOUT);
		transfer = next;
	}
}

static int milliseconds_to_wait(const struct http_loop *loop, int64_t now_ms)
{
	int64_t wait_ms = -1;

	if (loop->active)
		wait_ms = SWEEP_MS;
	if (loop->timer_ms >= 0 && (wait_ms < 0 || loop->timer_ms - now_ms < wait_ms))
		wait_ms = loop->timer_ms > now_ms ? loop->timer_ms - now_ms : 0;
	return (int)wait_ms;
}

static void forget_wake(const struct http_loop *loop)
{
	uint64_t count;

	while (read(loop->wake_fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
}

static void act_on(struct http_loop *loop, const struct epoll_event *event)
{
	int bits = 0, running;

	if (event->data.fd == loop->wake_fd) {
		forget_wake(loop);
		begin_handed_in(loop);
		return;
	}
	if (event->events & EPOLLIN)
		bits |= CURL_CSELECT_IN;
	if (event->events & EPOLLOUT)
		bits |= CURL_CSELECT_OUT;
	if (event->events & (EPOLLERR | EPOLLHUP))
		bits |= CURL_CSELECT_ERR;
	curl_multi_socket_action(loop->multi, event->data.fd, bits, &running);
}

static void act_on_timer(struct http_loop *loop, int64_t now_ms)
{
	int running;

	if (loop->timer_ms < 0 || loop->timer_ms > now_ms)
		return;
	loop->timer_ms = -1;
	curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

/* Whoever hands in from now on is told so at once. */
static void end_all(struct http_loop *loop)
{
	struct http_transfer *list = atomic_exchange(&loop->handed_in, &CLOSED);

	while (loop->active)
		end_transfer(loop, loop->active, CURLE_ABORTED_BY_CALLBACK);
	while (list) {
		struct http_transfer *next = list->next;

		list->outcome = fail_set(list->why, ERR_UNREACHABLE, "the network thread ends");
		wake_owner(list);
		list = next;
	}
}

/* On the network thread, where SIGPIPE is blocked: saying goodbye to a dead peer would raise it. */
static void close_connections(struct http_loop *loop)
{
	curl_multi_cleanup(loop->multi);
	loop->multi = NULL;
}

static void *loop_main(void *arg)
{
	struct http_loop *loop = arg;
	struct epoll_event events[EVENTS_AT_ONCE];

	while (!atomic_load(&loop->stop)) {
		int n = epoll_wait(loop->epoll_fd, events, EVENTS_AT_ONCE,
				   milliseconds_to_wait(loop, clock_mono_ms()));

		for (int i = 0; i < n; i++)
			act_on(loop, &events[i]);
		act_on_timer(loop, clock_mono_ms());
		end_finished(loop);
		end_overdue(loop, clock_mono_ms());
	}
	end_all(loop);
	close_connections(loop);
	return NULL;
}

/* Calling libcurl from here would recurse: the loop does it, when the time has come. */
static int note_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct http_loop *loop = arg;

	(void)multi;
	loop->timer_ms = timeout_ms < 0 ? -1 : clock_mono_ms() + timeout_ms;
	return 0;
}

/* known is not NULL for a socket that is in the epoll set. */
static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct http_loop *loop = arg;
	struct epoll_event event = {.data.fd = fd};

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, &event);
		curl_multi_assign(loop->multi, fd, NULL);
		return 0;
	}
	if (what & CURL_POLL_IN)
		event.events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		event.events |= EPOLLOUT;
	if (epoll_ctl(loop->epoll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event))
		return -1;
	if (!known)
		curl_multi_assign(loop->multi, fd, loop);
	return 0;
}

static enum err set_up_multi(struct http_loop *loop)
{
	/* a connection of HTTP/1.1 carries one transfer: no limit but the threads */
	long connections = loop->rules.http2 ? CONNECTIONS_A_HOST : 0;
	CURLMcode c;

	loop->multi = curl_multi_init();
	if (!loop->multi)
		return ERR_NOMEM;
	c = curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	c = c ? c : curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
	c = c ? c : curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, note_timer);
	c = c ? c : curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
	c = c ? c : curl_multi_setopt(loop->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	c = c ? c
	      : curl_multi_setopt(loop->multi, CURLMOPT_MAX_CONCURRENT_STREAMS,
				  (long)STREAMS_A_CONNECTION);
	c = c ? c : curl_multi_setopt(loop->multi, CURLMOPT_MAX_HOST_CONNECTIONS, connections);
	c = c ? c : curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
	return c ? ERR_INTERNAL : OK;
}

static enum err set_up_waiting(struct http_loop *loop)
{
	struct epoll_event event = {.events = EPOLLIN};

	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->epoll_fd < 0 || loop->wake_fd < 0)
		return ERR_INTERNAL;
	event.data.fd = loop->wake_fd;
	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &event) ? ERR_INTERNAL : OK;
}

/* Signals are the business of the program's own threads. */
static enum err start_thread(struct http_loop *loop)
{
	sigset_t all, before;
	int failed;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&loop->thread, NULL, loop_main, loop);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	loop->started = !failed;
	return failed ? ERR_INTERNAL : OK;
}

enum err http_loop_new(const struct http_rules *rules, struct http_loop **out, struct fail *why)
{
	struct http_loop *loop = calloc(1, sizeof(*loop));
	enum err e;

	*out = NULL;
	if (!loop)
		return ERR_NOMEM;
	loop->rules = *rules;
	loop->epoll_fd = -1;
	loop->wake_fd = -1;
	loop->timer_ms = -1;
	e = set_up_waiting(loop);
	if (!e)
		e = set_up_multi(loop);
	if (!e)
		e = start_thread(loop);
	if (e) {
		http_loop_free(loop);
		return fail_set(why, e, "the network thread does not start");
	}
	*out = loop;
	return OK;
}

static void wake_loop(const struct http_loop *loop)
{
	const uint64_t one = 1;

	while (write(loop->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void http_loop_free(struct http_loop *loop)
{
	if (!loop)
		return;
	if (loop->started) {
		atomic_store(&loop->stop, true);
		wake_loop(loop);
		pthread_join(loop->thread, NULL);
	}
	if (loop->multi)
		close_connections(loop);
	if (loop->wake_fd >= 0)
		close(loop->wake_fd);
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	free(loop);
}

/* False when the loop takes no more. */
static bool hand_in(struct http_loop *loop, struct http_transfer *transfer)
{
	struct http_transfer *head = atomic_load(&loop->handed_in);

	do {
		if (head == &CLOSED)
			return false;
		transfer->next = head;
	} while (!atomic_compare_exchange_weak(&loop->handed_in, &head, transfer));
	if (!head)
		wake_loop(loop);
	return true;
}

enum err http_loop_run(struct http_loop *loop, struct http_transfer *transfer)
{
	enum err e;

	sem_init(&transfer->done, 0, 0);
	if (hand_in(loop, transfer)) {
		while (sem_wait(&transfer->done))
			; /* a signal handler ran */
		e = transfer->outcome;
	} else {
		e = fail_set(transfer->why, ERR_UNREACHABLE, "the network thread has ended");
	}
	sem_destroy(&transfer->done);
	return e;
}
