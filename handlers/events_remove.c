/* DELETE /api/calendars/events/{id}: an event out of its calendar. Contract 1, seed 000. */
#include "handlers/routes.h"
#include "service/removing.h"
#include "web/answer.h"
#include "web/request.h"

enum { WISH_BYTES_MAX = 16 };

static enum err read_notice(const struct request *rq, enum notice *out, struct fail *why)
{
	struct slice text;
	enum err e = request_query(rq, "sendNotifications", WISH_BYTES_MAX, &text, why);

	*out = NOTICE_AS_MADE;
	if (e || !text.data)
		return e;
	*out = slice_is(text, "true") ? NOTICE_MAIL : NOTICE_NONE;
	if (*out == NOTICE_NONE && !slice_is(text, "false"))
		return fail_field(why, "sendNotifications", "must be true or false");
	return OK;
}

enum err events_remove(struct request *rq, struct answer *an, struct fail *why)
{
	enum notice notice;
	enum err e = read_notice(rq, &notice, why);

	if (!e)
		e = removing_run(&rq->work, &rq->target, request_param(rq, "eventId"), notice, why);
	if (!e)
		answer_empty(an, 204);
	return e;
}
