#include "service/changing.h"

#include "base/clock.h"
#include "base/rand.h"
#include "model/event_change.h"
#include "model/guests.h"
#include "service/finding.h"
#include "service/svc.h"
#include "store/kept_events.h"

enum { TRIES = 5, PAUSE_LEAST_MS = 20, PAUSE_SPREAD_MS = 80, EVENT_JSON_BYTES = 256 * 1024 };

/* One change on its way. */
struct run {
	struct finding finding;
	const struct event_change *asked;
	struct event_change change; /* the same, with what follows from what we know */
	struct event wanted;
	unsigned parts; /* that are to be written */
	bool omits;     /* guests are asked for, and must not be on it: they would be mailed */
};

static bool keeps(const struct run *run)
{
	return finding_is_ours(&run->finding) && run->finding.has_kept;
}

/* The list that is asked for waits: is it another one than stands? */
static enum err leave_out(struct run *run)
{
	struct guests stands = guests_of(&run->finding.stands.event);
	struct guests merged;
	enum err e = guests_merge(run->finding.work->arena, stands, guests_of(&run->finding.kept),
				  guests_of(&run->change.to), &merged);

	run->omits = !e && !guests_stand(stands, merged);
	run->change.parts &= ~(unsigned)EVENT_ATTENDEES;
	return e;
}

/* The list that has waited is asked for. */
static enum err bring_in(struct run *run)
{
	struct guests asked;
	enum err e =
		guests_staying(run->finding.work->arena, guests_of(&run->finding.kept), &asked);

	run->change.parts |= EVENT_ATTENDEES;
	run->change.to.attendees = asked.list;
	run->change.to.n_attendees = asked.n;
	return e;
}

/*
 * Where each guest is mailed in any case, guests whom nobody shall mail stay with us, until it is
 * said that they shall hear of it.
 */
static enum err weigh_notice(struct run *run)
{
	const struct event *kept = run->finding.has_kept ? &run->finding.kept : NULL;
	const struct event_change *change = &run->change;
	bool notify = change->notify ? change->to.notify : !kept || kept->notify;
	bool guests = change->parts & EVENT_ATTENDEES;

	run->omits = false;
	if (!run->finding.calling.provider->mails_always)
		return OK;
	if (guests && !notify)
		return leave_out(run);
	if (!guests && notify && kept && kept->omitted)
		return bring_in(run);
	return OK;
}

static enum err merge(struct run *run, struct fail *why)
{
	struct finding *finding = &run->finding;
	struct placed *stands = &finding->stands;
	struct event now = stands->event;
	const struct event_stand stand = {
		.event = &now,
		.zone = stands->event.time_zone,
		.whole_day = stands->whole_day,
		.kept = finding->has_kept ? &finding->kept : NULL,
	};
	enum err e;

	now.time_zone = finding_zone(finding);
	now.conference = now.conference || stands->conference_url.len > 0;
	run->change = *run->asked;
	e = weigh_notice(run);
	if (e)
		return e;
	if (run->change.parts & EVENT_ATTENDEES && !now.attendees)
		return fail_set(why, ERR_UPSTREAM, "it is not told who is invited");
	return event_change_apply(finding->work->arena, &run->change, &stand, &run->wanted,
				  &run->parts, why);
}

/* Writes what we keep of it, if that is something else than before. ERR_STALE: overtaken. */
static enum err keep(struct run *run, const struct event *kept, struct fail *why)
{
	struct finding *finding = &run->finding;
	struct buf json;
	enum err e;

	buf_init(&json, finding->work->arena, EVENT_JSON_BYTES);
	event_write(kept, &json);
	e = buf_error(&json);
	if (e || slice_equal(buf_slice(&json), finding->row.event))
		return e;
	e = kept_events_rewrite(finding->work->svc->db, &finding->row, buf_slice(&json), why);
	if (e)
		return e;
	finding->row.event = buf_slice(&json);
	finding->kept = *kept;
	return OK;
}

/* Those asked for, and of ours until now those who stand, who leave. */
static enum err join(const struct run *run, struct guests stands, struct guests *out)
{
	struct arena *arena = run->finding.work->arena;
	struct guests leaving;
	enum err e = guests_leaving(arena, guests_of(&run->finding.kept), stands, &leaving);

	return e ? e : guests_union(arena, guests_of(&run->change.to), leaving, out);
}

/* Ours are, until it is known how this ends, those of before and those asked for. */
static enum err keep_before(struct run *run, struct fail *why)
{
	struct event kept = run->finding.kept;
	struct guests both;
	enum err e;

	if (!keeps(run) || !(run->parts & EVENT_ATTENDEES))
		return OK;
	e = join(run, guests_of(&kept), &both);
	kept.attendees = both.list;
	kept.n_attendees = both.n;
	return e ? e : keep(run, &kept, why);
}

/* What is kept when it is done; overtaken: others have said since which guests are theirs. */
static enum err settle_kept(const struct run *run, bool overtaken, struct event *kept)
{
	const struct event_change *change = &run->change;
	struct guests guests;
	enum err e;

	*kept = run->finding.kept;
	if (change->zone)
		kept->time_zone = change->to.time_zone;
	if (!(run->asked->parts & EVENT_ATTENDEES) && !(change->parts & EVENT_ATTENDEES))
		return OK;
	kept->omitted = run->omits;
	if (overtaken)
		e = guests_union(run->finding.work->arena, guests_of(&change->to),
				 guests_of(&run->finding.kept), &guests);
	else
		e = join(run, guests_of(&run->finding.stands.event), &guests);
	kept->attendees = guests.list;
	kept->n_attendees = guests.n;
	return e;
}

static enum err keep_after(struct run *run, struct fail *why)
{
	bool overtaken = false;
	enum err e = ERR_STALE;

	if (!keeps(run))
		return OK;
	for (unsigned tries = 0; e == ERR_STALE && tries < TRIES; tries++) {
		struct event kept;

		e = settle_kept(run, overtaken, &kept);
		if (!e)
			e = keep(run, &kept, why);
		if (e == ERR_STALE) {
			enum err read = finding_reread(&run->finding, why);

			if (read)
				return read;
			overtaken = true;
		}
	}
	return e;
}

static enum err ask_change(struct calling *calling, void *arg, struct fail *why)
{
	struct run *run = arg;
	struct placed after;
	enum err e = calling->provider->change(&calling->cx, &run->finding.stands, &run->wanted,
					       run->parts, &after, why);

	if (!e)
		run->finding.stands = after;
	return e;
}

/* Once over what stands. ERR_STALE: it moved on meanwhile, or what we keep of it did. */
static enum err try_once(struct run *run, struct fail *why)
{
	enum err e = finding_look(&run->finding, why);

	if (!e)
		e = merge(run, why);
	if (!e)
		e = keep_before(run, why);
	if (!e && run->parts)
		e = calling_ask(&run->finding.calling, ask_change, run, why);
	return e == ERR_SCOPE_MISSING ? ERR_REAUTH : e;
}

static bool may_try_again(const struct run *run, unsigned tries)
{
	int64_t pause_ms = PAUSE_LEAST_MS + (int64_t)rand_below(PAUSE_SPREAD_MS);

	if (tries >= TRIES || clock_mono_ms() + pause_ms >= run->finding.work->deadline_ms)
		return false;
	clock_sleep_ms(pause_ms);
	return true;
}

static enum err change_until_done(struct run *run, struct fail *why)
{
	enum err e = try_once(run, why);

	for (unsigned tries = 1; e == ERR_STALE && may_try_again(run, tries); tries++) {
		e = finding_is_ours(&run->finding) ? finding_reread(&run->finding, why) : OK;
		if (!e)
			e = try_once(run, why);
	}
	return e;
}

enum err changing_run(struct work *work, struct target *target, struct slice id,
		      const struct event_change *change, struct slice *shown, struct fail *why)
{
	struct run run = {.asked = change};
	enum err e = finding_begin(&run.finding, work, target, id, why);

	if (!e)
		e = change_until_done(&run, why);
	if (!e)
		e = keep_after(&run, why);
	if (!e)
		e = finding_show(&run.finding, shown);
	finding_end(&run.finding);
	return e;
}
