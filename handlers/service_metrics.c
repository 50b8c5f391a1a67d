/* GET /metrics: counters, and what is paused, as Prometheus text, for loopback and for who has the
 * token; to others it is not there. Contract 6. */
#include "base/config.h"
#include "base/digest.h"
#include "handlers/routes.h"
#include "provider/provider.h"
#include "provider/providers.h"
#include "store/provider_limits.h"
#include "web/answer.h"
#include "web/metrics.h"
#include "web/request.h"

/* The reason, by err_code, of an application that is refused. */
#define REFUSED err_code(ERR_MISCONFIGURED)

static void write_pause(struct buf *out, struct slice provider, const char *reason, bool is_paused)
{
	buf_format(out, "calbridge_provider_paused{provider=\"%.*s\",reason=\"%s\"} %d\n",
		   (int)provider.len, provider.data, reason, is_paused);
}

/* Of a whole provider, not of one of its connections. */
static bool is_of_all(const struct provider_pause *pause)
{
	return providers_find(pause->subject) != NULL;
}

static bool is_refused(const struct provider_pause *pauses, size_t n, const char *provider)
{
	for (size_t i = 0; i < n; i++)
		if (slice_is(pauses[i].subject, provider) && slice_is(pauses[i].reason, REFUSED))
			return true;
	return false;
}

/*
 * That a provider refuses our application is worth an alert: so its line is there for every
 * provider that is set up, with 0 while all is well. Other pauses are told while they last.
 */
static void write_pauses(const struct config *config, const struct provider_pause *pauses, size_t n,
			 struct buf *out)
{
	const struct provider *provider;

	buf_add_text(out, "# HELP calbridge_provider_paused Whom nobody calls, and why.\n"
			  "# TYPE calbridge_provider_paused gauge\n");
	for (size_t i = 0; (provider = providers_at(i)); i++)
		if (provider->is_configured(config))
			write_pause(out, slice_of(provider->name), REFUSED,
				    is_refused(pauses, n, provider->name));
	for (size_t i = 0; i < n; i++)
		if (is_of_all(&pauses[i]) && !slice_is(pauses[i].reason, REFUSED))
			write_pause(out, pauses[i].subject, pauses[i].reason.data, true);
}

static bool is_this_machine(struct slice address)
{
	return slice_is(address, "127.0.0.1") || slice_is(address, "::1") ||
	       slice_is(address, "unix:");
}

static bool has_token(const struct request *rq)
{
	struct slice token = secret_slice(&rq->work.svc->config->metrics_token);

	return token.len > 0 && digest_equal(request_bearer(rq), token);
}

enum err service_metrics(struct request *rq, struct answer *an, struct fail *why)
{
	struct provider_pause *pauses;
	struct buf *out;
	size_t n;

	if (!is_this_machine(rq->work.address) && !has_token(rq))
		return ERR_NOT_FOUND;
	out = answer_text(an, 200, "text/plain; version=0.0.4");
	metrics_write(rq->web->metrics, rq->web->routes, out);
	/* a database that is away is no reason to tell nothing at all */
	if (!provider_limits_list(rq->work.svc->db, rq->work.arena, &pauses, &n, why))
		write_pauses(rq->work.svc->config, pauses, n, out);
	return OK;
}
