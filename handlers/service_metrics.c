/* GET /metrics: counters as Prometheus text, for loopback alone (nginx too lets no one else
 * through). Contract 6. */
#include "handlers/routes.h"
#include "web/answer.h"
#include "web/metrics.h"
#include "web/request.h"

enum err service_metrics(struct request *rq, struct answer *an, struct fail *why)
{
	(void)why;
	if (!slice_is(rq->work.address, "127.0.0.1") && !slice_is(rq->work.address, "::1") &&
	    !slice_is(rq->work.address, "unix:"))
		return ERR_NOT_FOUND;
	metrics_write(rq->web->metrics, rq->web->routes,
		      answer_text(an, 200, "text/plain; version=0.0.4"));
	return OK;
}
