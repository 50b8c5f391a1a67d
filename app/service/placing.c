#include "service/placing.h"

#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "io/batch.h"
#include "model/event.h"
#include "provider/provider.h"
#include "service/calling.h"
#include "service/showing.h"
#include "service/svc.h"
#include "store/connections.h"
#include "store/mappings.h"

enum { GENERATIONS_MAX = 3 };

/* One intent on its way to the provider. */
struct run {
	struct calling calling;
	struct placing *placing;
	char marker[ID_TEXT_BYTES];
	char owner[ID_TEXT_BYTES];
	struct placed placed; /* what stands */
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

/* An invite's answer is made of its row; that of an event shows all of it, once more to whoever
 * repeats the request. */
static bool is_shown(const struct placing *placing)
{
	return strcmp(placing->mapping->origin, ORIGIN_EVENT) == 0;
}

static enum err begin(struct run *run, struct placing *placing, struct fail *why)
{
	enum err e = calling_begin(&run->calling, placing->work, placing->connection, why);

	run->placing = placing;
	run->placed = (struct placed){0};
	run->calling.cx.calendar_id = placing->mapping->calendar_id;
	run->calling.cx.whole = is_shown(placing);
	id_text(&placing->mapping->id, run->marker);
	id_text(&placing->mapping->owner, run->owner);
	return e;
}

static enum err ask_put(struct calling *calling, void *arg, struct fail *why)
{
	struct run *run = arg;
	const struct placing *placing = run->placing;
	const struct stamp stamp = {.marker = run->marker, .owner = run->owner};
	struct event event = *placing->event;

	if (event.omitted) {
		event.attendees = NULL;
		event.n_attendees = 0;
	}
	return calling->provider->put(&calling->cx, placing->mapping->provider_event_id.data,
				      &stamp, &event, &run->placed, why);
}

/* Where the provider chooses the ids, ours names no event: the marker does. */
static enum err ask_look(struct calling *calling, void *arg, struct fail *why)
{
	const struct provider *provider = calling->provider;
	struct run *run = arg;

	if (provider->find)
		return provider->find(&calling->cx, run->marker, &run->placed, why);
	return provider->get(&calling->cx, run->placing->mapping->provider_event_id.data,
			     &run->placed, why);
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
	mapping->tried_ms = clock_now_ms();
	placing->may_stand = false;
	return OK;
}

static bool is_ours(const struct run *run)
{
	return !run->placed.cancelled && slice_is(run->placed.marker, run->marker);
}

static enum err look(struct run *run, struct fail *why)
{
	return calling_ask(&run->calling, ask_look, run, why);
}

/*
 * Taken, and yet not to be found: it was deleted, or was made a moment ago and a search does not
 * show it yet. Only time tells, and a second event would be worse than a failure.
 */
static enum err renew_unseen(struct placing *placing, struct fail *why)
{
	int64_t age_ms = clock_now_ms() - placing->mapping->tried_ms;

	if (age_ms < placing->work->svc->config->intent_settle_s * 1000)
		return fail_set(why, ERR_UPSTREAM, "the event id is taken, its event not seen");
	return renew_id(placing, why);
}

/* Makes the event under our id, or adopts it where an earlier run has made it. */
static enum err put(struct run *run, struct fail *why)
{
	for (;;) {
		enum err e = calling_ask(&run->calling, ask_put, run, why);

		if (e != ERR_DUPLICATE)
			return e;
		/* taken: it may stand, whatever the look now says */
		run->placing->may_stand = true;
		e = look(run, why);
		if (!e && is_ours(run))
			return OK;
		if (!e)
			e = renew_id(run->placing, why);
		else if (e == ERR_GONE)
			e = renew_unseen(run->placing, why);
		if (e)
			return e;
	}
}

/*
 * What an earlier run may have made is looked for first where only the marker finds it: that a
 * repetition is refused is not promised there.
 */
static enum err put_or_adopt(struct run *run, struct fail *why)
{
	enum err e;

	if (!run->placing->may_stand || !run->calling.provider->find)
		return put(run, why);
	e = look(run, why);
	if (!e && is_ours(run))
		return OK;
	return !e || e == ERR_GONE ? put(run, why) : e;
}

static enum err show(struct placing *placing, const struct placed *placed)
{
	const struct showing showing = {.mapping = placing->mapping,
					.kept = placing->event,
					.connection = placing->connection};

	if (!is_shown(placing))
		return OK;
	return showing_write(placing->work, &showing, placed, &placing->mapping->answer);
}

static enum err mark(struct placing *placing, const struct placed *placed, struct fail *why)
{
	struct mapping *mapping = placing->mapping;
	struct placed_mark mark = {.id = mapping->id,
				   .claim_token = mapping->claim_token,
				   .provider_event_id = placed->id,
				   .html_link = placed->html_link,
				   .placed_ms = clock_now_ms(),
				   .answered = !placing->nobody_waits};
	enum err e = show(placing, placed);

	if (e)
		return e;
	mark.answer = mapping->answer;
	e = batch_write(placing->work->svc->marks, &mark, why);
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

static enum err blame_calendar(const struct placing *placing, struct fail *why)
{
	if (placing->calendar_named)
		return fail_field(why, "calendarId", "is no calendar of this account");
	return fail_set(why, ERR_REFUSED, "no such calendar");
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
		e = blame_calendar(placing, why);
	noted = mappings_end(placing->work->svc->db, placing->mapping,
			     doubt ? MAPPING_UNSURE : MAPPING_REFUSED, err_code(e), &inner);
	if (noted && noted != ERR_STALE)
		log_note(LOG_ERROR, "intent_not_ended", "%s", inner.detail);
	return noted == ERR_STALE ? ERR_STALE : e;
}

/* Of one whom nobody waits for: it is tried again when the trouble is over. */
static bool is_put_off(const struct placing *placing, enum err e)
{
	return placing->nobody_waits &&
	       (err_is_passing(e) || e == ERR_MISCONFIGURED || e == ERR_NOMEM);
}

enum err placing_run(struct placing *placing, struct fail *why)
{
	struct run run;
	enum err e = begin(&run, placing, why);

	if (!e)
		e = put_or_adopt(&run, why);
	calling_end(&run.calling);
	if (!e)
		return mark(placing, &run.placed, why);
	if (e == ERR_STALE || is_put_off(placing, e))
		return e;
	return end(placing, e, why);
}

enum err placing_look(struct placing *placing, struct fail *why)
{
	struct run run;
	enum err e = begin(&run, placing, why);

	if (!e)
		e = look(&run, why);
	calling_end(&run.calling);
	if (!e && is_ours(&run))
		return mark(placing, &run.placed, why);
	if (e && e != ERR_GONE)
		return e;
	e = mappings_end(placing->work->svc->db, placing->mapping, MAPPING_REFUSED,
			 err_code(ERR_GONE), why);
	return e ? e : ERR_GONE;
}
