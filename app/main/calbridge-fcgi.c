/* calbridge-fcgi: the pre-forking FastCGI application. */
#include <stdlib.h>

#include "base/config.h"
#include "base/log.h"
#include "base/moment.h"
#include "handlers/routes.h"
#include "io/fcgi.h"
#include "io/prefork.h"
#include "main/start.h"
#include "service/svc.h"
#include "web/jwt.h"
#include "web/limits.h"
#include "web/metrics.h"
#include "web/serve.h"

/* What lives from the first worker to the last. */
struct program {
	const char *config_path;
	int listen_fd;
	struct limits *limits;
	struct metrics *metrics;
	struct moment *moments;
};

/* What one generation of workers inherits. */
struct prepared {
	struct start start;
	struct jwt_keys *jwt_keys;
};

static void release(void *cx, void *what)
{
	struct prepared *prepared = what;

	(void)cx;
	jwt_keys_free(prepared->jwt_keys);
	start_fini(&prepared->start);
	free(prepared);
}

static enum err prepare(void *cx, void **out, unsigned *workers, struct fail *why)
{
	struct program *program = cx;
	struct prepared *prepared = calloc(1, sizeof(*prepared));
	enum err e;

	if (!prepared)
		return ERR_NOMEM;
	e = start_init(program->config_path, "fcgi", &prepared->start, why);
	if (!e)
		e = jwt_keys_read(prepared->start.config, &prepared->jwt_keys, why);
	if (!e && program->listen_fd < 0)
		e = fcgi_listen(prepared->start.config->fastcgi_socket, &program->listen_fd, why);
	if (e) {
		release(cx, prepared);
		return e;
	}
	*out = prepared;
	*workers = (unsigned)prepared->start.config->workers;
	return OK;
}

static int work(void *cx, void *what, const atomic_int *stop)
{
	const struct program *program = cx;
	const struct prepared *prepared = what;
	const struct config *config = prepared->start.config;
	struct fail why = {0};
	struct svc svc;
	struct web web = {.routes = ROUTES,
			  .n_routes = ROUTES_COUNT,
			  .svc = &svc,
			  .jwt_keys = prepared->jwt_keys,
			  .limits = program->limits,
			  .metrics = program->metrics};
	struct fcgi_options options = {.listen_fd = program->listen_fd,
				       .threads = (unsigned)config->threads,
				       .deadline_ms = config->request_deadline_s * 1000,
				       .handler = serve_request,
				       .cx = &web,
				       .stop = stop};
	enum err e = fcgi_start();

	if (!e)
		e = svc_open(config, prepared->start.ring, prepared->start.trust, program->moments,
			     &svc, &why);
	if (!e) {
		e = fcgi_serve(&options, &why);
		svc_close(&svc);
	}
	if (e)
		log_note(LOG_ERROR, "worker", "%s: %s", err_code(e), why.detail);
	return e ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct start_options options;
	struct program program = {.listen_fd = -1,
				  .limits = limits_new(),
				  .metrics = metrics_new(ROUTES_COUNT),
				  .moments = moment_new()};
	struct prefork prefork = {
		.prepare = prepare, .release = release, .work = work, .cx = &program};
	struct fail why = {0};
	int status;

	if (!start_options(argc, argv, false, &options))
		return 2;
	if (options.done)
		return 0;
	if (!program.limits || !program.metrics || !program.moments)
		return 1;
	program.config_path = options.config_path;
	prefork_harden();
	status = prefork_run(&prefork, &why);
	if (why.detail[0])
		log_note(LOG_ERROR, "start", "%s", why.detail);
	moment_free(program.moments);
	metrics_free(program.metrics);
	limits_free(program.limits);
	return status;
}
