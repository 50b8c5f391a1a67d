/* floor: W processes of T threads on one shared FastCGI socket. */
#include "tests/bench/floor.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	BACKLOG = 4096,
	STACK_BYTES = 256 * 1024, /* as calbridge's request threads have */
};

struct crew {
	const struct floor *floor;
	void *worker; /* what worker_new gave */
	int fd;       /* the shared listening socket */
};

/* A thread's life: accept, serve, finish. Only the end of the process ends it. */
static void *crew_thread(void *arg)
{
	const struct crew *crew = arg;
	void *mine = crew->worker;
	FCGX_Request rq;

	if (crew->floor->thread_new) {
		mine = crew->floor->thread_new(crew->worker);
		if (!mine)
			_exit(1);
	}
	if (FCGX_InitRequest(&rq, crew->fd, 0))
		_exit(1);
	while (FCGX_Accept_r(&rq) == 0) {
		crew->floor->serve(mine, &rq);
		FCGX_Finish_r(&rq);
	}
	_exit(1);
}

static void worker_run(const struct floor *f, int fd)
{
	struct crew crew = {.floor = f, .fd = fd};
	pthread_attr_t attr;

	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (f->worker_new) {
		crew.worker = f->worker_new(f);
		if (!crew.worker)
			_exit(1);
	}
	if (pthread_attr_init(&attr) || pthread_attr_setstacksize(&attr, STACK_BYTES))
		_exit(1);
	for (unsigned i = 1; i < f->threads; i++) {
		pthread_t id;

		if (pthread_create(&id, &attr, crew_thread, &crew))
			_exit(1);
	}
	crew_thread(&crew);
}

/* Waits for a signal to stop (returns 0) or for the first worker that ends (1). */
static int wait_for_end(const sigset_t *stop)
{
	siginfo_t info;

	while (sigwaitinfo(stop, &info) < 0)
		;
	if (info.si_signo != SIGCHLD)
		return 0;
	fprintf(stderr, "a worker ended by itself\n");
	return 1;
}

static int workers_run(const struct floor *f, int fd)
{
	pid_t worker[FLOOR_WORKERS_MAX] = {0};
	int status = 0;
	sigset_t stop;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGCHLD);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	for (unsigned i = 0; i < f->workers; i++) {
		worker[i] = fork();
		if (worker[i] == 0) {
			sigprocmask(SIG_UNBLOCK, &stop, NULL);
			worker_run(f, fd);
		}
		if (worker[i] < 0)
			status = 1;
	}
	if (!status)
		status = wait_for_end(&stop);
	for (unsigned i = 0; i < f->workers; i++) {
		if (worker[i] > 0)
			kill(worker[i], SIGTERM);
	}
	while (wait(NULL) > 0)
		;
	return status;
}

int floor_run(const struct floor *f)
{
	int fd = -1;
	int status = 0;

	umask(0);
	if (FCGX_Init() || (fd = FCGX_OpenSocket(f->socket, BACKLOG)) < 0) {
		fprintf(stderr, "%s: cannot listen\n", f->socket);
		return 1;
	}
	umask(022);
	status = workers_run(f, fd);
	unlink(f->socket);
	return status;
}

size_t floor_body(FCGX_Request *rq, char *out, size_t size)
{
	size_t n = 0;

	while (n + 1 < size) {
		int got = FCGX_GetStr(out + n, (int)(size - 1 - n), rq->in);

		if (got <= 0)
			break;
		n += (size_t)got;
	}
	out[n] = '\0';
	return n;
}

void floor_json(FCGX_Request *rq, const char *status, const char *body)
{
	FCGX_FPrintF(rq->out,
		     "Status: %s\r\nContent-Type: application/json\r\nContent-Length: %u\r\n"
		     "Cache-Control: no-store\r\n\r\n%s",
		     status ? status : "200 OK", (unsigned)strlen(body), body);
}

unsigned floor_number(const char *name, const char *text, unsigned low, unsigned high)
{
	char *end = NULL;
	unsigned long value = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || value < low || value > high) {
		fprintf(stderr, "%s: %s is not a number from %u to %u\n", name, text, low, high);
		exit(2);
	}
	return (unsigned)value;
}
