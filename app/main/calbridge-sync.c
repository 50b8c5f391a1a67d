/* calbridge-sync: settles what crashes and unknown outcomes left behind, and sweeps. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "io/prefork.h"
#include "main/start.h"
#include "service/settle.h"
#include "service/svc.h"

enum {
	INTENT_S = 60, /* that one intent may take */
	LOOK_EVERY_MS = 500,
	TROUBLE_WAIT_MS = 2000,
	SWEEP_EVERY_MS = 60 * 1000,
	ARENA_BLOCK_BYTES = 64 * 1024,
	ARENA_CEILING_BYTES = 16 * 1024 * 1024
};

static void release(void *cx, void *prepared)
{
	(void)cx;
	start_fini(prepared);
	free(prepared);
}

static enum err prepare(void *cx, void **out, unsigned *workers, struct fail *why)
{
	const struct start_options *options = cx;
	struct start *start = calloc(1, sizeof(*start));
	enum err e;

	if (!start)
		return ERR_NOMEM;
	e = start_init(options->config_path, "sync", start, why);
	if (e) {
		free(start);
		return e;
	}
	*workers = (unsigned)start->config->sync_workers;
	*out = start;
	return OK;
}

static void complain(const char *what, enum err e, const struct fail *why)
{
	struct log_line line;

	log_begin(&line, LOG_WARNING, what);
	log_fail(&line, e, why);
	log_end(&line);
}

/* One at a time: no claim runs out while its intent waits for others. */
static enum err settle_one(struct work *work)
{
	struct fail why = {0};
	enum err e;

	work->deadline_ms = clock_mono_ms() + (int64_t)INTENT_S * 1000;
	e = settle_next(work, &why);
	if (e && e != ERR_NOT_FOUND)
		complain("settle", e, &why);
	arena_reset(work->arena);
	return e;
}

static enum err sweep(struct work *work)
{
	struct fail why = {0};
	enum err e = settle_sweep(work, &why);

	if (e)
		complain("sweep", e, &why);
	arena_reset(work->arena);
	return e;
}

static bool is_asked_to_stop(const atomic_int *stop)
{
	return atomic_load_explicit(stop, memory_order_relaxed) != 0;
}

/* Until stop; with once until nothing is due. */
static enum err settle(struct work *work, bool once, const atomic_int *stop)
{
	int64_t sweep_at_ms = 0;

	while (!is_asked_to_stop(stop)) {
		enum err e = settle_one(work);

		if (once && e)
			return e == ERR_NOT_FOUND ? sweep(work) : e;
		if (clock_mono_ms() >= sweep_at_ms) {
			sweep_at_ms = clock_mono_ms() + SWEEP_EVERY_MS;
			if (sweep(work))
				e = ERR_DB;
		}
		if (e)
			clock_sleep_ms(e == ERR_NOT_FOUND ? LOOK_EVERY_MS : TROUBLE_WAIT_MS);
	}
	return OK;
}

static int run(const struct start *start, bool once, const atomic_int *stop)
{
	struct fail why = {0};
	struct svc svc;
	struct work work = {.svc = &svc,
			    .arena = arena_new(ARENA_BLOCK_BYTES, ARENA_CEILING_BYTES)};
	enum err e = work.arena
			     ? svc_open(start->config, start->ring, start->trust, NULL, &svc, &why)
			     : ERR_NOMEM;

	if (!e) {
		e = settle(&work, once, stop);
		svc_close(&svc);
	} else {
		complain("worker", e, &why);
	}
	arena_free(work.arena);
	return e ? 1 : 0;
}

static int work(void *cx, void *prepared, const atomic_int *stop)
{
	(void)cx;
	return run(prepared, false, stop);
}

static int run_once(const struct start_options *options, struct fail *why)
{
	const atomic_int *stop = prefork_signals();
	struct start start;
	int status = 1;

	if (start_init(options->config_path, "sync", &start, why) == OK) {
		status = run(&start, true, stop);
		start_fini(&start);
	}
	return status;
}

int main(int argc, char **argv)
{
	struct start_options options;
	struct prefork prefork = {
		.prepare = prepare, .release = release, .work = work, .cx = &options};
	struct fail why = {0};
	int status;

	if (!start_options(argc, argv, true, &options))
		return 2;
	if (options.done)
		return 0;
	prefork_harden();
	status = options.once ? run_once(&options, &why) : prefork_run(&prefork, &why);
	if (status && why.detail[0])
		log_note(LOG_ERROR, "start", "%s", why.detail);
	return status;
}
