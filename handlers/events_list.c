/* GET /api/calendars/events: the owner's events that this service made. Contract 1. */
#include "base/rfc3339.h"
#include "handlers/routes.h"
#include "model/page_token.h"
#include "service/listing.h"
#include "web/answer.h"
#include "web/request.h"

/* A bound of the range; without it *out stays as it is. */
static enum err read_bound(const struct request *rq, const char *name, int64_t *out,
			   struct fail *why)
{
	struct slice text;
	enum err e = request_query(rq, name, RFC3339_BYTES + 8, &text, why);

	if (e || !text.data)
		return e;
	if (!rfc3339_instant(text, NULL, out))
		return OK;
	return fail_field(why, name, "must be a time with Z or an offset");
}

static enum err read_range(const struct request *rq, struct listing_ask *ask, struct fail *why)
{
	enum err from = read_bound(rq, "timeMin", &ask->from_ms, why);
	enum err to = read_bound(rq, "timeMax", &ask->to_ms, why);

	if (from || to)
		return from ? from : to;
	if (ask->to_ms <= ask->from_ms)
		return fail_field(why, "timeMax", "must be after timeMin");
	return OK;
}

static void write(struct answer *an, const struct listing *listing)
{
	struct json_writer *json = answer_json(an, 200);

	json_open(json, NULL);
	json_open_array(json, "items");
	for (size_t i = 0; i < listing->n; i++)
		json_add_raw(json, NULL, listing->items[i]);
	json_close_array(json);
	if (listing->next.len)
		json_add_text(json, "nextPageToken", listing->next);
	json_close(json);
}

enum err events_list(struct request *rq, struct answer *an, struct fail *why)
{
	struct listing_ask ask = {.from_ms = INT64_MIN, .to_ms = INT64_MAX};
	struct listing listing;
	enum err e = read_range(rq, &ask, why);

	if (!e)
		e = request_query(rq, "pageToken", PAGE_TOKEN_BYTES_MAX, &ask.page, why);
	if (!e)
		e = listing_run(&rq->work, &rq->target, &ask, &listing, why);
	if (!e)
		write(an, &listing);
	return e;
}
