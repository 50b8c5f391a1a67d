#include "service/placing.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "io/batch.h"
#include "model/event.h"
#include "provider/provider.h"
#include "provider/providers.h"
#include "service/svc.h"
#include "service/token.h"
#include "store/connections.h"
#include "store/mappings.h"

enum { CALL_S = 10, GENERATIONS_MAX = 3 };

/* One access token, and what the provider is asked with it. */
struct call {
	struct placing *placing;
	const struct provider *provider;
	struct provider_cx cx;
	struct secret access;
	char marker[ID_TEXT_BYTES];
	char owner[ID_TEXT_BYTES];
	struct stamp stamp; /* of these two */
};

void placing_event_id(const struct id *id, int64_t generation, char *out)
{
	static const char LETTERS[] = "0123456789abcdefghijklmnopqrstuv";
	size_t len = ID_TEXT_BYTES - 1;

	id_text(id, out);
	if (generation > 0)
		out[len++] = LETTERS[generation % 32];
	out[len] = '\0';
}

static enum err call_init(struct call *call, struct placing *placing, struct fail *why)
{
	struct work *work = placing->work;

	*call = (struct call){
		.placing = placing,
		.provider = providers_find(placing->connection->provider),
		.cx = {.http = work->svc->http,
		       .arena = work->arena,
		       .config = work->svc->config,
		       .deadline_ms = work->deadline_ms,
		       .timeout_s = CALL_S,
		       .calendar_id = placing->mapping->calendar_id},
	};
	if (!call->provider)
		return fail_set(why, ERR_INTERNAL, "a connection of an unknown provider");
	id_text(&placing->mapping->id, call->marker);
	id_text(&placing->mapping->owner, call->owner);
	call->stamp = (struct stamp){.marker = call->marker, .owner = call->owner};
	call->cx.access = &call->access;
	return token_fresh(work, placing->connection, &call->access, why);
}

typedef enum err ask_fn(struct call *call, struct placed *out, struct fail *why);

static enum err ask_put(struct call *call, struct placed *out, struct fail *why)
{
	return call->provider->put(&call->cx, call->placing->mapping->provider_event_id.data,
				   &call->stamp, call->placing->event, out, why);
}

static enum err ask_get(struct call *call, struct placed *out, struct fail *why)
{
	return call->provider->get(&call->cx, call->placing->mapping->provider_event_id.data, out,
				   why);
}

/* Asks; after a 401 once more with a renewed token. A second 401 is a refused grant. */
static enum err ask(struct call *call, ask_fn *question, struct placed *out, struct fail *why)
{
	enum err e = question(call, out, why);

	if (e != ERR_TOKEN)
		return e;
	e = token_renew(call->placing->work, call->placing->connection, &call->access, why);
	if (!e)
		e = question(call, out, why);
	return e == ERR_TOKEN ? fail_set(why, ERR_REFUSED, "401 with a fresh token") : e;
}

/* Our id is used up by an event that was deleted: the next generation, committed before it is used.
 */
static enum err renew_id(struct placing *placing, struct fail *why)
{
	struct mapping *mapping = placing->mapping;
	char *id = arena_alloc(placing->work->arena, MAPPING_EVENT_ID_BYTES);
	enum err e;

	if (!id)
		return ERR_NOMEM;
	if (mapping->generation + 1 >= GENERATIONS_MAX)
		return fail_set(why, ERR_REFUSED, "every event id is used up");
	placing_event_id(&mapping->id, mapping->generation + 1, id);
	e = mappings_renew_event_id(placing->work->svc->db, mapping, slice_of(id),
				    mapping->generation + 1, why);
	if (e)
		return e;
	mapping->generation++;
	mapping->provider_event_id = slice_of(id);
	placing->may_stand = false;
	return OK;
}

static bool is_ours(const struct call *call, const struct placed *placed)
{
	return !placed->cancelled && slice_is(placed->marker, call->marker);
}

/* Makes the event under our id, or adopts it where an earlier run has made it. */
static enum err put(struct call *call, struct placed *out, struct fail *why)
{
	for (;;) {
		enum err e = ask(call, ask_put, out, why);

		if (e != ERR_DUPLICATE)
			return e;
		/* taken: it may stand, whatever the look now says */
		call->placing->may_stand = true;
		e = ask(call, ask_get, out, why);
		if (!e && is_ours(call, out))
			return OK;
		if (!e || e == ERR_GONE)
			e = renew_id(call->placing, why);
		if (e)
			return e;
	}
}

static enum err mark(struct placing *placing, const struct placed *placed)
{
	struct mapping *mapping = placing->mapping;
	struct placed_mark mark = {.id = mapping->id,
				   .claim_token = mapping->claim_token,
				   .provider_event_id = placed->id,
				   .html_link = placed->html_link,
				   .placed_ms = clock_now_ms(),
				   .answered = !placing->nobody_waits};
	enum err e = batch_write(placing->work->svc->marks, &mark);

	if (e)
		return e;
	mapping->state = MAPPING_PLACED;
	mapping->provider_event_id = placed->id;
	mapping->html_link = placed->html_link;
	return OK;
}

/* Could the provider have made the event in the run that ended so? */
static bool leaves_doubt(enum err e)
{
	return e == ERR_UPSTREAM || e == ERR_UPSTREAM_SLOW || e == ERR_DEADLINE ||
	       e == ERR_INTERNAL || e == ERR_NOMEM;
}

/*
 * Writes down how an attempt ended that placed nothing. Should that fail too, the row stays
 * an intent and calbridge-sync carries it on.
 */
static enum err end(struct placing *placing, enum err e, struct fail *why)
{
	bool doubt = placing->may_stand || leaves_doubt(e);
	struct fail inner = {0};
	enum err noted;

	if (e == ERR_SCOPE_MISSING)
		e = ERR_REAUTH;
	if (e == ERR_GONE)
		e = fail_set(why, ERR_REFUSED, "no such calendar");
	noted = mappings_end(placing->work->svc->db, placing->mapping,
			     doubt ? MAPPING_UNSURE : MAPPING_REFUSED, err_code(e), &inner);
	if (noted && noted != ERR_STALE)
		log_note(LOG_ERROR, "intent_not_ended", "%s", inner.detail);
	return noted == ERR_STALE ? ERR_STALE : e;
}

static bool is_database(enum err e)
{
	return e == ERR_DB || e == ERR_DB_UNSURE || e == ERR_BUSY;
}

enum err placing_run(struct placing *placing, struct fail *why)
{
	struct call call;
	struct placed placed = {0};
	enum err e = call_init(&call, placing, why);

	if (!e)
		e = put(&call, &placed, why);
	secret_wipe(&call.access);
	if (!e)
		return mark(placing, &placed);
	if (e == ERR_STALE || is_database(e) || (placing->nobody_waits && err_is_passing(e)))
		return e;
	return end(placing, e, why);
}

enum err placing_look(struct placing *placing, struct fail *why)
{
	struct call call;
	struct placed placed = {0};
	enum err e = call_init(&call, placing, why);

	if (!e)
		e = ask(&call, ask_get, &placed, why);
	secret_wipe(&call.access);
	if (!e && is_ours(&call, &placed))
		return mark(placing, &placed);
	if (e && e != ERR_GONE)
		return e;
	e = mappings_end(placing->work->svc->db, placing->mapping, MAPPING_REFUSED,
			 err_code(ERR_GONE), why);
	return e ? e : ERR_GONE;
}
