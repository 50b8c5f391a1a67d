#include "io/fcgi.h"

#include <errno.h>
#include <fcgiapp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum {
	BACKLOG = 4096,
	STACK_BYTES = 256 * 1024,
	ARENA_BLOCK_BYTES = 8 * 1024,
	ARENA_CEILING_BYTES = 8 * 1024 * 1024,
	ACCEPT_WAIT_S = 1, /* how long a stop may go unnoticed by an idle thread */
	PEER_WAIT_S = 10,  /* how long the server may keep us waiting for bytes it announced */
	UNREAD_BYTES_MAX = 64 * 1024 /* of a body that nobody wanted, read only to close at once */
};

struct fcgi_request {
	FCGX_Request fcgx;
	bool heard_out; /* the server has sent all that it will */
};

struct reason {
	int status;
	const char *text;
};

/* Reason phrases: HTTP/2 drops them, people with curl like them. */
static const struct reason REASONS[] = {
	{200, "OK"},
	{201, "Created"},
	{202, "Accepted"},
	{204, "No Content"},
	{302, "Found"},
	{303, "See Other"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{409, "Conflict"},
	{413, "Content Too Large"},
	{415, "Unsupported Media Type"},
	{422, "Unprocessable Content"},
	{429, "Too Many Requests"},
	{500, "Internal Server Error"},
	{502, "Bad Gateway"},
	{503, "Service Unavailable"},
	{504, "Gateway Timeout"},
};

static const char *reason_of(int status)
{
	for (size_t i = 0; i < ARRAY_LEN(REASONS); i++)
		if (REASONS[i].status == status)
			return REASONS[i].text;
	return "Status";
}

enum err fcgi_start(void)
{
	return FCGX_Init() == 0 ? OK : ERR_INTERNAL;
}

static bool is_socket(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* A socket file that nobody answers on is left over from a crash. */
static bool somebody_answers(const struct sockaddr_un *where)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes;

	if (fd < 0)
		return false;
	yes = connect(fd, (const struct sockaddr *)where, sizeof(*where)) == 0;
	close(fd);
	return yes;
}

static enum err set_wait(int fd, int option, int seconds)
{
	struct timeval tv = {.tv_sec = seconds};

	return setsockopt(fd, SOL_SOCKET, option, &tv, sizeof(tv)) == 0 ? OK : ERR_INTERNAL;
}

static enum err listen_at(int fd, const struct sockaddr_un *where, struct fail *why)
{
	if (somebody_answers(where))
		return fail_set(why, ERR_CONFIG, "%s: another process answers there",
				where->sun_path);
	unlink(where->sun_path);
	if (bind(fd, (const struct sockaddr *)where, sizeof(*where)) != 0)
		return fail_set(why, ERR_CONFIG, "bind %s: %s", where->sun_path, strerror(errno));
	if (chmod(where->sun_path, 0660) != 0 || listen(fd, BACKLOG) != 0)
		return fail_set(why, ERR_CONFIG, "listen %s: %s", where->sun_path, strerror(errno));
	return OK;
}

enum err fcgi_listen(const char *path, int *fd, struct fail *why)
{
	struct sockaddr_un where = {.sun_family = AF_UNIX};
	enum err e;

	*fd = -1;
	if (is_socket(STDIN_FILENO)) {
		*fd = STDIN_FILENO;
		return set_wait(*fd, SO_RCVTIMEO, ACCEPT_WAIT_S);
	}
	if (text_copy(where.sun_path, sizeof(where.sun_path), slice_of(path)))
		return fail_set(why, ERR_CONFIG, "FASTCGI_SOCKET: longer than %zu bytes",
				sizeof(where.sun_path) - 1);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return fail_set(why, ERR_CONFIG, "socket: %s", strerror(errno));
	e = listen_at(*fd, &where, why);
	if (!e)
		e = set_wait(*fd, SO_RCVTIMEO, ACCEPT_WAIT_S);
	if (e) {
		close(*fd);
		*fd = -1;
	}
	return e;
}

/* Is this pair "name=value" called name? Asked for each pair again and again, so cheaply. */
static bool is_called(const char *pair, const char *name, size_t len)
{
	return pair[0] == name[0] && strncmp(pair, name, len) == 0 && pair[len] == '=';
}

const char *fcgi_param(const struct fcgi_request *request, const char *name)
{
	size_t len = strlen(name);

	for (char **at = request->fcgx.envp; at && *at; at++) {
		if (is_called(*at, name, len))
			return *at + len + 1;
	}
	return NULL;
}

unsigned fcgi_param_count(const struct fcgi_request *request, const char *name)
{
	size_t len = strlen(name);
	unsigned n = 0;

	for (char **at = request->fcgx.envp; at && *at; at++)
		n += is_called(*at, name, len);
	return n;
}

/*
 * Once the server has said all, its stream is given back: a request waits long for the provider,
 * and 8 KiB each count. From here on request->fcgx.in is NULL.
 */
static void hear_out(struct fcgi_request *request)
{
	FCGX_FreeStream(&request->fcgx.in);
	request->heard_out = true;
}

enum err fcgi_body(struct fcgi_request *request, struct arena *arena, size_t ceiling,
		   struct slice *body, struct fail *why)
{
	const char *length = fcgi_param(request, "CONTENT_LENGTH");
	int64_t len = 0;
	char *data;

	*body = (struct slice){NULL, 0};
	if (!length || !*length)
		return OK;
	if (text_to_int(slice_of(length), 0, INT32_MAX, &len))
		return fail_because(why, ERR_BAD_REQUEST, "Content-Length is not a valid length");
	if ((size_t)len > ceiling)
		return ERR_TOO_LARGE;
	if (request->heard_out)
		return fail_set(why, ERR_INTERNAL, "the body was read before");
	data = arena_alloc(arena, (size_t)len + 1);
	if (!data)
		return ERR_NOMEM;
	if (FCGX_GetStr(data, (int)len, request->fcgx.in) != len ||
	    FCGX_GetChar(request->fcgx.in) != -1)
		return fail_because(why, ERR_BAD_REQUEST,
				    "the body is not as long as its Content-Length");
	hear_out(request);
	*body = (struct slice){data, (size_t)len};
	return OK;
}

static void put(FCGX_Stream *out, struct slice text)
{
	/* To a peer that has gone nothing can be told. */
	if (text.len)
		(void)FCGX_PutStr(text.data, (int)text.len, out);
}

static void send_answer(FCGX_Stream *out, const struct fcgi_answer *answer, struct arena *arena)
{
	struct buf head;

	buf_init(&head, arena, 16 * 1024);
	buf_add_text(&head, "Status: ");
	buf_add_int(&head, answer->status);
	buf_add_byte(&head, ' ');
	buf_add_text(&head, reason_of(answer->status));
	if (answer->content_type) {
		buf_add_text(&head, "\r\nContent-Type: ");
		buf_add_text(&head, answer->content_type);
		buf_add_text(&head, "\r\nContent-Length: ");
		buf_add_int(&head, (int64_t)answer->body.len);
	}
	buf_add_text(&head, "\r\n");
	buf_add_slice(&head, buf_slice(&answer->headers));
	buf_add_text(&head, "\r\n");
	if (buf_error(&head) || buf_error(&answer->headers) || buf_error(&answer->body)) {
		put(out, SLICE("Status: 500 Internal Server Error\r\n\r\n"));
		return;
	}
	put(out, buf_slice(&head));
	if (!answer->head)
		put(out, buf_slice(&answer->body));
}

/* Reads what nobody wanted. False: it is too much, or did not come. */
static bool read_rest(FCGX_Stream *in)
{
	char unwanted[1024];
	int n = sizeof(unwanted);

	for (size_t read = 0; n == sizeof(unwanted) && read < UNREAD_BYTES_MAX; read += (size_t)n)
		n = FCGX_GetStr(unwanted, sizeof(unwanted), in);
	return n < (int)sizeof(unwanted) && FCGX_GetError(in) == 0;
}

/*
 * FCGX_Finish_r would wait until the server has closed its end, too: a switch of threads and three
 * calls more for each request. That guards against a reset, by which the server might lose the
 * answer, when it closes on bytes that were not read. When there are none, ours is closed at once.
 */
static void finish(struct fcgi_request *request)
{
	FCGX_Request *fcgx = &request->fcgx;

	FCGX_FClose(fcgx->err);
	FCGX_FClose(fcgx->out);
	if (!request->heard_out && read_rest(fcgx->in))
		hear_out(request);
	if (request->heard_out)
		FCGX_Detach(fcgx);
	FCGX_Free(fcgx, 1);
}

static void serve_one(const struct fcgi_options *options, struct fcgi_request *request,
		      struct arena *arena)
{
	struct fcgi_answer answer = {.status = 500};

	buf_init(&answer.headers, arena, 8 * 1024);
	buf_init(&answer.body, arena, 4 * 1024 * 1024);
	options->handler(options->cx, request, arena, clock_mono_ms() + options->deadline_ms,
			 &answer);
	send_answer(request->fcgx.out, &answer, arena);
	finish(request);
	arena_wipe(arena);
}

/*
 * We accept ourselves and hand the connection to libfcgi: so a silent server cannot hold a thread
 * for ever (time limits on the socket), and a stop is noticed between two accepts. keepConnection
 * keeps FCGX_Accept_r from closing the descriptor before it has read from it; the request's own
 * flags set it anew.
 */
static bool accept_one(const struct fcgi_options *options, struct fcgi_request *request)
{
	int fd = accept4(options->listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0) {
		/* EAGAIN is the wait running out; others (EMFILE) must not spin */
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			usleep(10 * 1000);
		return false;
	}
	if (set_wait(fd, SO_RCVTIMEO, PEER_WAIT_S) || set_wait(fd, SO_SNDTIMEO, PEER_WAIT_S)) {
		close(fd);
		return false;
	}
	request->fcgx.ipcFd = fd;
	request->fcgx.keepConnection = 1;
	request->fcgx.listen_sock = -1;
	request->heard_out = false;
	return FCGX_Accept_r(&request->fcgx) >= 0;
}

static void *serve(void *cx)
{
	const struct fcgi_options *options = cx;
	struct fcgi_request request;
	struct arena *arena = arena_new(ARENA_BLOCK_BYTES, ARENA_CEILING_BYTES);

	if (!arena || FCGX_InitRequest(&request.fcgx, -1, 0) != 0) {
		log_note(LOG_ERROR, "fcgi_thread", "no memory for a request thread");
		arena_free(arena);
		return NULL;
	}
	while (!atomic_load_explicit(options->stop, memory_order_relaxed))
		if (accept_one(options, &request))
			serve_one(options, &request, arena);
	FCGX_Free(&request.fcgx, 1);
	arena_free(arena);
	return NULL;
}

static unsigned start_threads(const struct fcgi_options *options, pthread_t *threads)
{
	pthread_attr_t attr;
	unsigned n = 0;

	if (pthread_attr_init(&attr) != 0)
		return 0;
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	while (n < options->threads &&
	       pthread_create(&threads[n], &attr, serve, (void *)(uintptr_t)options) == 0)
		n++;
	pthread_attr_destroy(&attr);
	return n;
}

enum err fcgi_serve(const struct fcgi_options *options, struct fail *why)
{
	pthread_t *threads = calloc(options->threads, sizeof(*threads));
	unsigned n;

	if (!threads)
		return ERR_NOMEM;
	n = start_threads(options, threads);
	if (n < options->threads)
		log_note(LOG_WARNING, "fcgi_threads", "%u of %u request threads started", n,
			 options->threads);
	for (unsigned i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	free(threads);
	return n ? OK : fail_set(why, ERR_NOMEM, "no request thread could be started");
}
