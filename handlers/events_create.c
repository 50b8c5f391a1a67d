/* POST /api/calendars/events: one booking into the owner's calendar. Contract 1, seed 000. */
#include "base/config.h"
#include "handlers/event_fields.h"
#include "handlers/routes.h"
#include "model/event.h"
#include "service/booking.h"
#include "web/answer.h"
#include "web/request.h"

static enum err write(struct request *rq, struct answer *an, const struct booked *booked)
{
	const char *location = arena_format(rq->work.arena, "%s/api/calendars/events/%s",
					    rq->work.svc->config->public_url, booked->id);

	if (!location)
		return ERR_NOMEM;
	if (booked->replayed)
		answer_header(an, "Idempotency-Replayed", SLICE("true"));
	answer_header(an, "Location", slice_of(location));
	answer_value(an, 201, booked->shown);
	return OK;
}

enum err events_create(struct request *rq, struct answer *an, struct fail *why)
{
	struct event event = {0};
	struct new_event fields = {.event = &event};
	struct booking booking = {.origin = ORIGIN_EVENT, .event = &event, .target = &rq->target};
	struct booked booked;
	enum err e = request_idempotency_key(rq, &booking.idempotency_key, why);

	if (!e)
		e = event_fields_new(rq, &fields, why);
	if (!e)
		e = request_canonical_body(rq, &booking.body);
	booking.connection_id = fields.connection_id;
	booking.calendar_id = fields.calendar_id;
	if (!e)
		e = booking_place(&rq->work, &booking, &booked, why);
	return e ? e : write(rq, an, &booked);
}
