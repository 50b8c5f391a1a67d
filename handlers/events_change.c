/* PATCH /api/calendars/events/{id}: what is named of an event. Contract 1, seed 000. */
#include "handlers/event_fields.h"
#include "handlers/routes.h"
#include "model/event_change.h"
#include "service/changing.h"
#include "web/answer.h"
#include "web/request.h"

enum err events_change(struct request *rq, struct answer *an, struct fail *why)
{
	struct event_change change;
	struct slice shown;
	enum err e = event_fields_change(rq, &change, why);

	if (!e)
		e = changing_run(&rq->work, &rq->target, request_param(rq, "eventId"), &change,
				 &shown, why);
	if (!e)
		answer_value(an, 200, shown);
	return e;
}
