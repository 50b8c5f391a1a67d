#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/fcgi.h"

/* FastCGI 1.0, section 8. */
enum { BEGIN_REQUEST = 1, END_REQUEST = 3, PARAMS = 4, STDIN = 5, STDOUT = 6 };

enum {
	THREADS = 4,
	CEILING = 1024,
	RECORD_BYTES = 65535,
	ANSWER_BYTES_MAX = 512 * 1024,
	SOON_MS = 500 /* less than libfcgi waits for the other side to close */
};

/* The server under test. */
struct rig {
	char folder[64];
	char path[96];
	int listen_fd;
	atomic_int stop;
	pthread_t thread;
	struct fcgi_options options;
};

/* What a FastCGI server sends, put together before it is sent. */
struct sent {
	char bytes[1024 * 1024];
	size_t len;
};

/* The thread that POST /keep came to, by its arena, and where the body stands in that. */
static struct arena *_Atomic keeper;
static const char *_Atomic kept;

/*
 * Answers what the body was, or that it has none. POST /unread reads none, POST /twice asks
 * for it again. GET /kept: what is there of the body of /keep, if this is the same thread.
 */
static void handler(void *cx, struct fcgi_request *request, struct arena *arena,
		    int64_t deadline_ms, struct fcgi_answer *answer)
{
	struct slice body = {NULL, 0}, path = slice_of(fcgi_param(request, "REQUEST_URI"));
	struct fail why = {0};
	enum err e = OK;

	(void)cx;
	(void)deadline_ms;
	answer->status = 200;
	answer->content_type = "text/plain";
	if (slice_is(path, "/kept")) {
		buf_add_text(&answer->body, arena != keeper ? "elsewhere" : *kept ? "all" : "none");
		return;
	}
	if (!slice_is(path, "/unread"))
		e = fcgi_body(request, arena, CEILING, &body, &why);
	if (!e && slice_is(path, "/twice"))
		e = fcgi_body(request, arena, CEILING, &body, &why);
	if (slice_is(path, "/keep")) {
		keeper = arena;
		kept = body.data;
	}
	if (e)
		answer->status = err_status(e);
	if (slice_is(path, "/large")) {
		for (unsigned i = 0; i < 300; i++)
			buf_format(&answer->body, "%01000u", i);
		return;
	}
	buf_format(&answer->body, "%s %u ", path.data, fcgi_param_count(request, "HTTP_TWICE"));
	buf_add_slice(&answer->body, body);
}

static void *run(void *cx)
{
	struct rig *rig = cx;
	struct fail why = {0};

	assert_int_equal(fcgi_serve(&rig->options, &why), OK);
	return NULL;
}

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct fail why = {0};

	assert_non_null(rig);
	assert_int_equal(fcgi_start(), OK);
	snprintf(rig->folder, sizeof(rig->folder), "/tmp/calbridge-test-XXXXXX");
	assert_non_null(mkdtemp(rig->folder));
	snprintf(rig->path, sizeof(rig->path), "%s/fcgi.sock", rig->folder);
	assert_int_equal(fcgi_listen(rig->path, &rig->listen_fd, &why), OK);
	rig->options = (struct fcgi_options){.listen_fd = rig->listen_fd,
					     .threads = THREADS,
					     .deadline_ms = 5000,
					     .handler = handler,
					     .stop = &rig->stop};
	assert_int_equal(pthread_create(&rig->thread, NULL, run, rig), 0);
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;

	atomic_store(&rig->stop, 1);
	shutdown(rig->listen_fd, SHUT_RD);
	pthread_join(rig->thread, NULL);
	close(rig->listen_fd);
	unlink(rig->path);
	rmdir(rig->folder);
	free(rig);
	return 0;
}

static void put_record(struct sent *sent, int type, const void *data, size_t len)
{
	unsigned char head[8] = {1, (unsigned char)type,       0,
				 1, (unsigned char)(len >> 8), (unsigned char)len};

	assert_true(sent->len + sizeof(head) + len <= sizeof(sent->bytes));
	memcpy(sent->bytes + sent->len, head, sizeof(head));
	if (len > 0)
		memcpy(sent->bytes + sent->len + sizeof(head), data, len);
	sent->len += sizeof(head) + len;
}

static void put_param(char *params, size_t *len, const char *name, const char *value)
{
	params[(*len)++] = (char)strlen(name);
	params[(*len)++] = (char)strlen(value);
	memcpy(params + *len, name, strlen(name));
	*len += strlen(name);
	memcpy(params + *len, value, strlen(value));
	*len += strlen(value);
}

/* A request as nginx sends it: all of it, the body in records, and the record that ends that. */
static struct sent *request(const char *path, size_t announced, size_t body_len)
{
	static const unsigned char RESPONDER[8] = {0, 1, 0};
	struct sent *sent = calloc(1, sizeof(*sent));
	char *body = malloc(body_len + 1), params[256], length[24];
	size_t n = 0;

	assert_non_null(sent);
	assert_non_null(body);
	memset(body, 'b', body_len);
	snprintf(length, sizeof(length), "%zu", announced);
	put_param(params, &n, "REQUEST_URI", path);
	put_param(params, &n, "HTTP_TWICE", "1");
	put_param(params, &n, "HTTP_TWICE", "2");
	put_param(params, &n, "HTTP_TWICE_NOT", "3");
	put_param(params, &n, "CONTENT_LENGTH", announced ? length : "");
	put_record(sent, BEGIN_REQUEST, RESPONDER, sizeof(RESPONDER));
	put_record(sent, PARAMS, params, n);
	put_record(sent, PARAMS, NULL, 0);
	for (size_t at = 0; at < body_len; at += RECORD_BYTES)
		put_record(sent, STDIN, body + at,
			   body_len - at < RECORD_BYTES ? body_len - at : RECORD_BYTES);
	put_record(sent, STDIN, NULL, 0);
	free(body);
	return sent;
}

static int reach(const struct rig *rig)
{
	struct sockaddr_un where = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	snprintf(where.sun_path, sizeof(where.sun_path), "%s", rig->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&where, sizeof(where)), 0);
	return fd;
}

/* Everything until the end of the connection, which must be an end and no reset. */
static char *read_to_end(int fd, size_t *len)
{
	char *answer = malloc(ANSWER_BYTES_MAX);
	ssize_t n;

	assert_non_null(answer);
	*len = 0;
	while ((n = recv(fd, answer + *len, ANSWER_BYTES_MAX - *len, 0)) > 0)
		*len += (size_t)n;
	assert_int_equal(n, 0);
	return answer;
}

/* What stands in the answer's records of output; END_REQUEST must be the last record. */
static void unpack(const char *answer, size_t len, struct sent *out)
{
	int type = 0;

	out->len = 0;
	for (size_t at = 0; at < len;) {
		const unsigned char *head = (const unsigned char *)answer + at;
		size_t content = (size_t)head[4] << 8 | head[5];

		assert_true(at + 8 + content + head[6] <= len);
		type = head[1];
		if (type == STDOUT) {
			memcpy(out->bytes + out->len, answer + at + 8, content);
			out->len += content;
		}
		at += 8 + content + head[6];
	}
	out->bytes[out->len] = '\0';
	assert_int_equal(type, END_REQUEST);
}

/* Sends all of a request while it reads the answer, as nginx does; what came back, unpacked. */
static struct sent *exchange(const struct rig *rig, struct sent *sent)
{
	struct sent *got = calloc(1, sizeof(*got));
	size_t len;
	int fd = reach(rig);
	char *answer;

	assert_non_null(got);
	/* whoever answers without having read all may have closed by now */
	for (size_t at = 0; at < sent->len;) {
		ssize_t n = send(fd, sent->bytes + at, sent->len - at, MSG_NOSIGNAL);

		if (n < 0)
			break;
		at += (size_t)n;
	}
	answer = read_to_end(fd, &len);
	unpack(answer, len, got);
	free(answer);
	free(sent);
	close(fd);
	return got;
}

static void assert_answer(struct sent *got, const char *status, const char *end)
{
	char first[64];

	snprintf(first, sizeof(first), "Status: %s\r\n", status);
	assert_ptr_equal(strstr(got->bytes, first), got->bytes);
	assert_true(got->len >= strlen(end));
	assert_string_equal(got->bytes + got->len - strlen(end), end);
	free(got);
}

static void a_body_is_read_whole(void **state)
{
	assert_answer(exchange(*state, request("/a", 5, 5)), "200 OK", "\r\n\r\n/a 2 bbbbb");
	assert_answer(exchange(*state, request("/a", 0, 0)), "200 OK", "\r\n\r\n/a 2 ");
}

static void a_body_that_is_not_as_announced_is_refused(void **state)
{
	assert_answer(exchange(*state, request("/a", 5, 4)), "400 Bad Request", "/a 2 ");
	assert_answer(exchange(*state, request("/a", 5, 6)), "400 Bad Request", "/a 2 ");
	assert_answer(exchange(*state, request("/a", CEILING + 1, CEILING + 1)),
		      "413 Content Too Large", "/a 2 ");
}

static void a_body_is_not_read_twice(void **state)
{
	assert_answer(exchange(*state, request("/twice", 5, 5)), "500 Internal Server Error",
		      "/twice 2 ");
}

/* Only a build with the address sanitizer brings it; there the memory may not be looked at. */
extern int __asan_address_is_poisoned(const volatile void *address) __attribute__((weak));

static void nothing_of_a_request_is_left_when_the_next_one_comes(void **state)
{
	struct sent *got = NULL;

	if (__asan_address_is_poisoned)
		skip();
	assert_answer(exchange(*state, request("/keep", 5, 5)), "200 OK", "/keep 2 bbbbb");
	do {
		free(got);
		got = exchange(*state, request("/kept", 0, 0));
	} while (strstr(got->bytes, "elsewhere"));
	assert_answer(got, "200 OK", "\r\n\r\nnone");
}

/* Of any length: what is small is read to its end, what is not is waited for. */
static void what_was_not_read_costs_nobody_the_answer(void **state)
{
	static const size_t LENGTHS[] = {0,     1,     1023,  1024,      1025,      8192,
					 65535, 65536, 65537, 64 * 2048, 256 * 1024};

	for (size_t i = 0; i < sizeof(LENGTHS) / sizeof(LENGTHS[0]); i++)
		assert_answer(exchange(*state, request("/unread", LENGTHS[i], LENGTHS[i])),
			      "200 OK", "/unread 2 ");
}

static void a_large_answer_arrives_whole(void **state)
{
	struct sent *got = exchange(*state, request("/large", 5, 5));

	assert_non_null(strstr(got->bytes, "\r\nContent-Length: 300000\r\n\r\n"));
	assert_int_equal(got->len,
			 (size_t)(strstr(got->bytes, "\r\n\r\n") - got->bytes) + 4 + 300000);
	free(got);
}

/* The end comes by itself: we do not close first. */
static void a_connection_ends_with_its_answer(void **state)
{
	static const char *const PATHS[] = {"/a", "/unread"};

	for (unsigned i = 0; i < 2; i++) {
		struct sent *sent = request(PATHS[i], 5, 5);
		int fd = reach(*state);
		char byte, *answer;
		size_t len;
		struct pollfd late = {.fd = fd, .events = POLLHUP};

		assert_int_equal(send(fd, sent->bytes, sent->len, MSG_NOSIGNAL), sent->len);
		answer = read_to_end(fd, &len);
		/* both of its directions */
		assert_int_equal(poll(&late, 1, SOON_MS), 1);
		assert_true(late.revents & POLLHUP);
		assert_int_equal(recv(fd, &byte, 1, 0), 0);
		free(answer);
		free(sent);
		close(fd);
	}
}

/* More connections than threads, that break off at every byte: all threads are there afterwards. */
static void a_request_that_breaks_off_holds_no_thread(void **state)
{
	struct sent *sent = request("/a", 5, 5);

	for (size_t len = 0; len < sent->len; len += 3) {
		int fd = reach(*state);

		assert_int_equal(send(fd, sent->bytes, len, MSG_NOSIGNAL), len);
		close(fd);
	}
	free(sent);
	for (unsigned i = 0; i < 2 * THREADS; i++)
		assert_answer(exchange(*state, request("/a", 5, 5)), "200 OK", "/a 2 bbbbb");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_is_read_whole),
		cmocka_unit_test(a_body_that_is_not_as_announced_is_refused),
		cmocka_unit_test(a_body_is_not_read_twice),
		cmocka_unit_test(nothing_of_a_request_is_left_when_the_next_one_comes),
		cmocka_unit_test(what_was_not_read_costs_nobody_the_answer),
		cmocka_unit_test(a_large_answer_arrives_whole),
		cmocka_unit_test(a_connection_ends_with_its_answer),
		cmocka_unit_test(a_request_that_breaks_off_holds_no_thread),
	};

	return cmocka_run_group_tests_name("fcgi", tests, set_up, tear_down);
}
