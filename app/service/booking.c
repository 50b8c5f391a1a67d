#include "service/booking.h"

#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/digest.h"
#include "base/moment.h"
#include "base/rand.h"
#include "io/batch.h"
#include "model/event.h"
#include "provider/provider.h"
#include "provider/providers.h"
#include "service/calling.h"
#include "service/placing.h"
#include "service/svc.h"
#include "store/callers.h"
#include "store/connections.h"
#include "store/mappings.h"

enum {
	KEY_KEPT_MS = 24 * 3600 * 1000,
	EVENT_JSON_BYTES = 256 * 1024,
	OWNER_CHARS = 8,    /* of the owner's id, in an event's name */
	REF_TRIES = 12,     /* names that are tried when one is taken: a skip of an hour in all */
	SKIP_MS = 500,      /* doubled with each */
	JOIN_LEAST_MS = 40, /* between two looks at a request that we have joined */
	JOIN_SPREAD_MS = 60,
	JOIN_LONGER_MS = 20, /* by so much longer each time */
	JOIN_MOST_MS = 500,
	RETRY_AFTER_S = 2
};

/* One request on its way. */
struct request_run {
	struct work *work;
	const struct booking *booking;
	struct mapping mine; /* the row as this request would have it */
	unsigned char body_hash[SHA256_BYTES];
	unsigned char replay_key[SHA256_BYTES];
	bool joined; /* it has found another request for the same at work: their result is shared */
	int64_t looks; /* at that one */
};

static struct slice hash_slice(const unsigned char hash[SHA256_BYTES])
{
	return (struct slice){(const char *)hash, SHA256_BYTES};
}

/*
 * Without an Idempotency-Key the body guards against doubles, for as long as its event is not
 * answered. The first word keeps keys and bodies apart.
 */
static void fingerprints(struct request_run *run)
{
	const struct booking *booking = run->booking;
	bool keyed = booking->idempotency_key.len > 0;
	struct slice pieces[2] = {keyed ? SLICE("key:") : SLICE("body:"), booking->idempotency_key};

	digest_sha256(&booking->body, 1, run->body_hash);
	if (!keyed)
		pieces[1] = hash_slice(run->body_hash);
	digest_sha256(pieces, ARRAY_LEN(pieces), run->replay_key);
	run->mine.keyed = keyed;
	run->mine.body_hash = hash_slice(run->body_hash);
	run->mine.replay_key = hash_slice(run->replay_key);
}

static bool is_event(const struct request_run *run)
{
	return strcmp(run->booking->origin, ORIGIN_EVENT) == 0;
}

/* What its client stores is the row's id, which is nobody else's. */
static enum err name_by_id(struct request_run *run)
{
	char text[ID_TEXT_BYTES];

	id_text(&run->mine.id, text);
	run->mine.event_ref = slice_of(arena_copy(run->work->arena, slice_of(text)));
	return run->mine.event_ref.data ? OK : ERR_NOMEM;
}

/*
 * "evt_<epoch ms>_<first 8 of the owner's id>" (seed 001). Workers of one machine never choose the
 * same millisecond; where another machine has, or an earlier life of this one that ran ahead of the
 * clock, ever more is skipped.
 */
static enum err name_invite(struct request_run *run, unsigned tries)
{
	struct slice owner = run->booking->target->owner.external_id;
	struct moment *moments = run->work->svc->moments;
	int64_t ms = tries ? moment_skip(moments, (int64_t)SKIP_MS << tries) : moment_next(moments);
	char *name =
		arena_format(run->work->arena, "evt_%lld_%.*s", (long long)ms,
			     (int)(owner.len < OWNER_CHARS ? owner.len : OWNER_CHARS), owner.data);

	run->mine.event_ref = slice_of(name);
	return name ? OK : ERR_NOMEM;
}

static enum err keep_event(struct request_run *run)
{
	struct buf event;

	buf_init(&event, run->work->arena, EVENT_JSON_BYTES);
	event_write(run->booking->event, &event);
	run->mine.event = buf_slice(&event);
	return buf_error(&event);
}

static enum err prepare(struct request_run *run)
{
	const struct target *target = run->booking->target;
	struct mapping *mine = &run->mine;
	char *event_id = arena_alloc(run->work->arena, MAPPING_EVENT_ID_BYTES);

	if (!event_id)
		return ERR_NOMEM;
	mine->id = id_new();
	placing_event_id(&mine->id, 0, event_id);
	mine->tenant = target->owner.tenant;
	mine->owner = target->owner.id;
	mine->connection = target->connection.id;
	mine->origin = run->booking->origin;
	mine->request_id = run->work->request_id;
	mine->calendar_id = run->booking->calendar_id.len ? run->booking->calendar_id
							  : target->connection.calendar_id;
	mine->provider_event_id = slice_of(event_id);
	mine->claim_token = id_new();
	mine->attempt = 1;
	mine->tried_ms = id_time_ms(&mine->claim_token);
	mine->created_ms = id_time_ms(&mine->id);
	fingerprints(run);
	return keep_event(run);
}

static int64_t claim_ms(const struct work *work)
{
	return work->svc->config->intent_lease_s * 1000;
}

static int64_t settle_ms(const struct work *work)
{
	return work->svc->config->intent_settle_s * 1000;
}

static bool same_request(const struct request_run *run, const struct mapping *row)
{
	return row->request_id.len && slice_equal(row->request_id, run->work->request_id);
}

static void tell(const struct mapping *row, bool replayed, struct booked *out)
{
	out->event_ref = row->event_ref;
	out->calendar_event_id = row->provider_event_id;
	out->html_link = row->html_link;
	out->shown = row->answer;
	id_text(&row->id, out->id);
	out->replayed = replayed;
}

/* The row that stands in our way: made by this very request before, or by one with the same key or
 * body. */
static enum err find_other(struct request_run *run, struct mapping *row, struct fail *why)
{
	struct db *db = run->work->svc->db;
	const struct mapping *mine = &run->mine;
	enum err e = ERR_NOT_FOUND;

	if (mine->request_id.len)
		e = mappings_find_request(db, mine->request_id, run->work->arena, row, why);
	if (e == ERR_NOT_FOUND)
		e = mappings_find_replay(db, &mine->tenant, &mine->owner, mine->origin,
					 mine->replay_key, run->work->arena, row, why);
	return e;
}

/*
 * Commits the intent, or finds the row that stands in its way (found). A unique key that is taken
 * though no such row is there is the event's name.
 */
static enum err intend(struct request_run *run, struct mapping *row, bool *found, struct fail *why)
{
	struct intent intent = {&run->mine, claim_ms(run->work), settle_ms(run->work)};

	*found = false;
	for (unsigned tries = 0; tries < REF_TRIES; tries++) {
		enum err e = is_event(run) ? name_by_id(run) : name_invite(run, tries);

		if (!e)
			e = batch_write(run->work->svc->intents, &intent, why);
		if (e != ERR_DUPLICATE)
			return e;
		e = find_other(run, row, why);
		*found = e == OK;
		if (e != ERR_NOT_FOUND)
			return e;
	}
	return fail_set(why, ERR_INTERNAL, "no free name for an event");
}

/* Its answer was, or would have been, that it is made; whatever has become of it since. */
static bool has_stood(const struct mapping *row)
{
	return row->state == MAPPING_PLACED || row->state == MAPPING_REMOVED;
}

/* It was on its way while this request was: either did not know of the other's result. */
static bool is_shared(const struct request_run *run, const struct mapping *row)
{
	return run->joined || row->placed_ms >= run->work->began_ms;
}

/*
 * The row no longer guards this key or body: it is older than a day, or ended in nothing in another
 * calendar, or the same body is asked for once more after it was answered. What has not come to its
 * end guards them for however long.
 */
static bool is_spent(const struct request_run *run, const struct mapping *row)
{
	if (same_request(run, row) || row->state == MAPPING_INTENDED ||
	    row->state == MAPPING_UNSURE)
		return false;
	if (row->age_ms > KEY_KEPT_MS || (row->state == MAPPING_REMOVED && !run->mine.keyed))
		return true;
	if (row->state == MAPPING_REFUSED)
		return !id_equal(&row->connection, &run->mine.connection) ||
		       !slice_equal(row->calendar_id, run->mine.calendar_id);
	return row->answered && !run->mine.keyed && !is_shared(run, row);
}

/* Answers from a placed row, which this may be the first to do: calbridge-sync answers nobody. */
static enum err answer_from(struct request_run *run, const struct mapping *row, struct booked *out,
			    struct fail *why)
{
	tell(row, true, out);
	return row->answered || row->state == MAPPING_REMOVED
		       ? OK
		       : mappings_mark_answered(run->work->svc->db, row, clock_now_ms(), why);
}

static enum err wait_for(struct request_run *run, struct fail *why)
{
	int64_t wait_ms = JOIN_LEAST_MS + (int64_t)rand_below(JOIN_SPREAD_MS);

	if (run->mine.keyed) {
		if (why)
			why->retry_after_s = RETRY_AFTER_S;
		return ERR_RUNNING;
	}
	run->joined = true;
	wait_ms += JOIN_LONGER_MS * run->looks++;
	if (wait_ms > JOIN_MOST_MS)
		wait_ms = JOIN_MOST_MS;
	if (clock_mono_ms() + wait_ms >= run->work->deadline_ms)
		return ERR_DEADLINE;
	clock_sleep_ms(wait_ms);
	return ERR_STALE;
}

/* An event is finished in the calendar in which it was begun, whatever the default is by now. */
static enum err find_calendar(struct placing *placing, struct fail *why)
{
	const struct mapping *row = placing->mapping;
	struct work *work = placing->work;
	struct connection found;
	enum err e;

	if (id_equal(&row->connection, &placing->connection->id))
		return OK;
	e = connections_get(work->svc->db, &row->tenant, &row->connection, work->arena, &found,
			    why);
	/* the target's own: should it need consent, the caller is told of this one */
	if (!e)
		*placing->connection = found;
	return e == ERR_NOT_FOUND ? ERR_NO_CONNECTION : e;
}

/* It is finished as it was begun, too: zone and guests may depend on what is the default by now. */
static enum err find_event(struct placing *placing)
{
	struct arena *arena = placing->work->arena;
	struct event *event;

	if (placing->mapping->event.len == 0)
		return OK;
	event = arena_alloc(arena, sizeof(*event));
	placing->event = event;
	return event ? event_read(arena, placing->mapping->event, event) : ERR_NOMEM;
}

/* Takes the row over and carries it on from where it was left. */
static enum err take_over(struct request_run *run, struct mapping *row, struct placing *placing,
			  struct fail *why)
{
	struct id token = id_new();
	bool same = same_request(run, row);
	enum err e;

	/* from now on it is this request's, which the web server may hand on like any other */
	row->request_id = run->work->request_id;
	e = mappings_claim(run->work->svc->db, row, &token, same, claim_ms(run->work),
			   settle_ms(run->work), why);
	if (e)
		return e;
	row->claim_token = token;
	placing->mapping = row;
	placing->may_stand = row->state != MAPPING_REFUSED;
	row->state = MAPPING_INTENDED;
	e = find_event(placing);
	return e ? e : find_calendar(placing, why);
}

/*
 * Decides what a row that was there before means for this request.
 * returns OK (answered from it, or placing->mapping is set to carry it on), ERR_STALE (look again),
 * or what the caller is told
 */
static enum err meet(struct request_run *run, struct mapping *row, struct placing *placing,
		     struct booked *out, struct fail *why)
{
	if (is_spent(run, row)) {
		enum err e = mappings_release(run->work->svc->db, row, why);

		return e ? e : ERR_STALE;
	}
	if (run->mine.keyed && !slice_equal(row->body_hash, run->mine.body_hash))
		return ERR_KEY_REUSED;
	if (has_stood(row))
		return answer_from(run, row, out, why);
	if (row->claim_runs && !same_request(run, row))
		return wait_for(run, why);
	return take_over(run, row, placing, why);
}

/* Gives the one row that this request works on, or its answer. */
static enum err begin(struct request_run *run, struct placing *placing, struct booked *out,
		      struct fail *why)
{
	struct mapping *row = arena_alloc(run->work->arena, sizeof(*row));
	bool found = false;
	enum err e;

	if (!row)
		return ERR_NOMEM;
	do {
		e = found ? find_other(run, row, why) : intend(run, row, &found, why);
		if (e == ERR_NOT_FOUND) { /* it is out of the way */
			found = false;
			e = ERR_STALE;
		} else if (!e && !found) {
			placing->mapping = &run->mine;
		} else if (!e) {
			e = meet(run, row, placing, out, why);
		}
	} while (e == ERR_STALE && clock_mono_ms() < run->work->deadline_ms);
	return e == ERR_STALE ? ERR_DEADLINE : e;
}

/* Fenced off at the last step: whoever took over says what became of it. */
static enum err read_result(struct request_run *run, const struct mapping *mapping,
			    struct booked *out, struct fail *why)
{
	struct mapping row;
	enum err e;

	do {
		e = mappings_get(run->work->svc->db, &mapping->tenant, &mapping->id,
				 run->work->arena, &row, why);
		if (!e && has_stood(&row))
			return answer_from(run, &row, out, why);
		if (!e && row.state != MAPPING_INTENDED)
			return fail_set(why, ERR_UPSTREAM, "who took over has not placed it");
		if (!e)
			e = wait_for(run, why);
	} while (e == ERR_STALE);
	return e;
}

/* What was answered once is answered again, whatever has become of the calendar since. */
static enum err answer_again(struct request_run *run, enum err judged, struct booked *out,
			     struct fail *why)
{
	struct mapping row;
	enum err e = find_other(run, &row, NULL);

	if (e || !has_stood(&row) || is_spent(run, &row) ||
	    !slice_equal(row.body_hash, run->mine.body_hash))
		return judged;
	return answer_from(run, &row, out, why);
}

/* The one that the request names, whatever its status; whose provider may be paused as well. */
static enum err choose_connection(struct work *work, const struct booking *booking,
				  struct fail *why)
{
	struct target *target = booking->target, named;
	struct id id;
	enum err e = ERR_NOT_FOUND;

	if (booking->connection_id.len == 0)
		return OK;
	if (!id_read(booking->connection_id, &id))
		e = callers_target_of(work->svc->db, &target->owner.tenant, &id, work->arena,
				      &named, why);
	if (e == ERR_NOT_FOUND || (!e && !id_equal(&named.owner.id, &target->owner.id)))
		return fail_field(why, "connectionId", "is no connection of this owner");
	if (!e)
		*target = named;
	return e;
}

/* Where the provider would mail them though nobody wants it, guests are left out. */
static void omit_guests(const struct booking *booking)
{
	const struct provider *provider = providers_find(booking->target->connection.provider);

	booking->event->omitted = provider && provider->mails_always && !booking->event->notify &&
				  booking->event->n_attendees > 0;
}

enum err booking_place(struct work *work, const struct booking *booking, struct booked *out,
		       struct fail *why)
{
	struct request_run run = {.work = work, .booking = booking};
	struct placing placing = {
		.work = work,
		.event = booking->event,
		.connection = &booking->target->connection,
		.calendar_named = booking->calendar_id.len > 0,
	};
	enum err e = choose_connection(work, booking, why);
	enum err judged;

	*out = (struct booked){0};
	if (e)
		return e;
	judged = calling_judge(booking->target, why);
	omit_guests(booking);
	e = prepare(&run);
	if (e)
		return e;
	e = judged ? answer_again(&run, judged, out, why) : begin(&run, &placing, out, why);
	if (e || out->event_ref.len)
		return e;
	e = placing_run(&placing, why);
	if (e == ERR_STALE)
		return read_result(&run, placing.mapping, out, why);
	if (!e)
		tell(placing.mapping, false, out);
	return e;
}
