/* GET /api/calendars/events/{id}: an event as it stands. Contract 1. */
#include "handlers/routes.h"
#include "service/reading.h"
#include "web/answer.h"
#include "web/request.h"

enum err events_get(struct request *rq, struct answer *an, struct fail *why)
{
	struct slice shown;
	enum err e =
		reading_show(&rq->work, &rq->target, request_param(rq, "eventId"), &shown, why);

	if (!e)
		answer_value(an, 200, shown);
	return e;
}
