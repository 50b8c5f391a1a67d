#include "io/prefork.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/config.h"
#include "base/clock.h"
#include "base/log.h"

enum {
	CHILDREN_MAX =
		3 *
		PREFORK_WORKERS_MAX, /* those at work, and those of two reloads that still drain */
	QUICK_DEATH_MS = 1000,
	BACKOFF_FIRST_MS = 100,
	BACKOFF_MOST_MS = 800 /* a worker is back within a second, however often it dies */
};

/* What prepare gave, and how many children still live on it. */
struct generation {
	void *prepared;
	unsigned workers;
	unsigned children;
};

struct child {
	pid_t pid; /* 0: the place is free */
	struct generation *generation;
	int64_t born_ms;
	int64_t kill_at_ms; /* 0: at work; else it drains until then */
};

struct parent {
	const struct prefork *prefork;
	struct generation *generation; /* of new workers */
	struct child children[CHILDREN_MAX];
	int64_t start_at_ms; /* no new worker before */
	int64_t backoff_ms;
	bool ending;
	sigset_t signals; /* that the parent waits for */
};

/* Set by signal handlers, which have nothing else to reach. */
static atomic_int stop_asked;

static void ask_stop(int signal)
{
	(void)signal;
	atomic_store_explicit(&stop_asked, 1, memory_order_relaxed);
}

const atomic_int *prefork_signals(void)
{
	struct sigaction stop = {.sa_handler = ask_stop};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t none;

	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGHUP, &ignore, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	return &stop_asked;
}

void prefork_harden(void)
{
	struct rlimit limit;

#ifndef CB_SANITIZED
	limit = (struct rlimit){0, 0};
	setrlimit(RLIMIT_CORE, &limit);
	prctl(PR_SET_DUMPABLE, 0);
#endif
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	umask(0077);
}

static void generation_leave(struct parent *parent, struct generation *generation)
{
	if (generation->children > 0 || generation == parent->generation)
		return;
	parent->prefork->release(parent->prefork->cx, generation->prepared);
	free(generation);
}

static enum err generation_make(struct parent *parent, struct fail *why)
{
	struct generation *made = calloc(1, sizeof(*made));
	struct generation *old = parent->generation;
	enum err e;

	if (!made)
		return ERR_NOMEM;
	e = parent->prefork->prepare(parent->prefork->cx, &made->prepared, &made->workers, why);
	if (e) {
		free(made);
		return e;
	}
	if (made->workers == 0)
		made->workers = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	if (made->workers > PREFORK_WORKERS_MAX)
		made->workers = PREFORK_WORKERS_MAX;
	parent->generation = made;
	if (old)
		generation_leave(parent, old);
	return OK;
}

static struct child *free_place(struct parent *parent)
{
	for (unsigned i = 0; i < CHILDREN_MAX; i++)
		if (parent->children[i].pid == 0)
			return &parent->children[i];
	return NULL;
}

static unsigned at_work(const struct parent *parent)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CHILDREN_MAX; i++)
		n += parent->children[i].pid != 0 && parent->children[i].kill_at_ms == 0;
	return n;
}

static bool anybody_left(const struct parent *parent)
{
	for (unsigned i = 0; i < CHILDREN_MAX; i++)
		if (parent->children[i].pid != 0)
			return true;
	return false;
}

/*
 * A worker's threads hand each other work all the time. As a batch process whoever is woken does
 * not take the place of the one that woke it: that one goes on, so more is gathered and less
 * switched, which saves a tenth of its time. Where it is not allowed, it goes without.
 */
static void yield_to_the_waker(void)
{
	const struct sched_param normal = {0};

	(void)sched_setscheduler(0, SCHED_BATCH, &normal);
}

/* A parent that is killed takes no leave; its workers then drain by themselves. */
static _Noreturn void live(const struct parent *parent, pid_t parent_pid)
{
	const struct prefork *prefork = parent->prefork;
	const atomic_int *stop = prefork_signals();

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent_pid)
		_exit(0);
	yield_to_the_waker();
	exit(prefork->work(prefork->cx, parent->generation->prepared, stop));
}

static bool start_one(struct parent *parent)
{
	struct child *child = free_place(parent);
	pid_t self = getpid();
	pid_t pid;

	if (!child)
		return false;
	pid = fork();
	if (pid < 0) {
		log_note(LOG_ERROR, "fork", "%s", strerror(errno));
		return false;
	}
	if (pid == 0)
		live(parent, self);
	*child = (struct child){
		.pid = pid, .generation = parent->generation, .born_ms = clock_mono_ms()};
	parent->generation->children++;
	return true;
}

static void fill_up(struct parent *parent)
{
	while (!parent->ending && clock_mono_ms() >= parent->start_at_ms &&
	       at_work(parent) < parent->generation->workers)
		if (!start_one(parent))
			parent->start_at_ms = clock_mono_ms() + BACKOFF_MOST_MS;
}

/* A worker that dies young will do so again: the next one waits, longer each time. */
static void back_off(struct parent *parent, const struct child *child)
{
	int64_t now = clock_mono_ms();

	if (now - child->born_ms >= QUICK_DEATH_MS) {
		parent->backoff_ms = 0;
		return;
	}
	parent->backoff_ms = parent->backoff_ms ? parent->backoff_ms * 2 : BACKOFF_FIRST_MS;
	if (parent->backoff_ms > BACKOFF_MOST_MS)
		parent->backoff_ms = BACKOFF_MOST_MS;
	parent->start_at_ms = now + parent->backoff_ms;
}

static void bury(struct parent *parent, struct child *child, int status)
{
	struct generation *generation = child->generation;

	if (child->kill_at_ms == 0) {
		log_note(LOG_WARNING, "worker_died", "pid %d, %s %d", (int)child->pid,
			 WIFSIGNALED(status) ? "signal" : "exit status",
			 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		back_off(parent, child);
	}
	*child = (struct child){0};
	generation->children--;
	generation_leave(parent, generation);
}

static void reap(struct parent *parent)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (unsigned i = 0; i < CHILDREN_MAX; i++)
			if (parent->children[i].pid == pid)
				bury(parent, &parent->children[i], status);
}

static void drain(struct parent *parent, const struct generation *but)
{
	int64_t kill_at = clock_mono_ms() + (int64_t)PREFORK_DRAIN_S * 1000;

	for (unsigned i = 0; i < CHILDREN_MAX; i++) {
		struct child *child = &parent->children[i];

		if (child->pid == 0 || child->generation == but || child->kill_at_ms != 0)
			continue;
		child->kill_at_ms = kill_at;
		kill(child->pid, SIGTERM);
	}
}

static void kill_the_late(struct parent *parent)
{
	int64_t now = clock_mono_ms();

	for (unsigned i = 0; i < CHILDREN_MAX; i++) {
		struct child *child = &parent->children[i];

		if (child->pid == 0 || child->kill_at_ms == 0 || now < child->kill_at_ms)
			continue;
		log_note(LOG_WARNING, "worker_killed", "pid %d did not drain", (int)child->pid);
		kill(child->pid, SIGKILL);
	}
}

static void reload(struct parent *parent)
{
	struct fail why = {0};
	enum err e = generation_make(parent, &why);

	if (e) {
		log_note(LOG_ERROR, "reload_refused", "%s", why.detail);
		return;
	}
	log_note(LOG_INFO, "reload", "%u new workers", parent->generation->workers);
	parent->start_at_ms = 0;
	for (unsigned i = 0; i < parent->generation->workers; i++)
		if (!start_one(parent))
			break;
	drain(parent, parent->generation);
}

/* Waits for a signal; at most until there is something to do without one. */
static int next_signal(struct parent *parent)
{
	struct timespec most = {.tv_sec = 1};
	int64_t wait = parent->start_at_ms - clock_mono_ms();

	if (wait > 0 && wait < 1000)
		most = (struct timespec){.tv_nsec = wait * 1000000};
	return sigtimedwait(&parent->signals, NULL, &most);
}

static void watch(struct parent *parent)
{
	while (!parent->ending || anybody_left(parent)) {
		int signal;

		fill_up(parent);
		signal = next_signal(parent);
		if (signal == SIGTERM || signal == SIGINT) {
			parent->ending = true;
			drain(parent, NULL);
		} else if (signal == SIGHUP && !parent->ending) {
			reload(parent);
		}
		reap(parent);
		kill_the_late(parent);
	}
}

int prefork_run(const struct prefork *prefork, struct fail *why)
{
	struct parent *parent = calloc(1, sizeof(*parent));
	struct generation *last;

	if (!parent)
		return 1;
	parent->prefork = prefork;
	sigemptyset(&parent->signals);
	sigaddset(&parent->signals, SIGTERM);
	sigaddset(&parent->signals, SIGINT);
	sigaddset(&parent->signals, SIGHUP);
	sigaddset(&parent->signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &parent->signals, NULL);
	if (generation_make(parent, why)) {
		free(parent);
		return 1;
	}
	watch(parent);
	last = parent->generation;
	parent->generation = NULL;
	generation_leave(parent, last);
	free(parent);
	return 0;
}
