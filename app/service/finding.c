#include "service/finding.h"

#include "service/showing.h"
#include "service/svc.h"
#include "store/callers.h"
#include "store/kept_events.h"

enum { RETRY_AFTER_S = 2 };

bool finding_is_ours(const struct finding *finding)
{
	return !id_is_none(&finding->row.id);
}

static enum err read_row(struct finding *finding, const struct id *id, struct fail *why)
{
	const struct owner *owner = &finding->target->owner;
	const struct kept_owner whose = {.tenant = &owner->tenant, .owner = &owner->id};
	struct work *work = finding->work;
	enum err e = kept_events_find(work->svc->db, whose, id, work->arena, &finding->row, why);

	finding->has_kept = !e && finding->row.event.len > 0;
	if (finding->has_kept)
		e = event_read(work->arena, finding->row.event, &finding->kept);
	return e;
}

/* Is there, or was there, something in a calendar that this row is about? */
static enum err judge_row(const struct mapping *row, struct fail *why)
{
	switch (row->state) {
	case MAPPING_PLACED:
		return OK;
	case MAPPING_REMOVED:
		return ERR_GONE;
	case MAPPING_REFUSED:
		return ERR_NOT_FOUND;
	case MAPPING_INTENDED:
	case MAPPING_UNSURE:
		break;
	}
	if (why)
		why->retry_after_s = RETRY_AFTER_S;
	return fail_because(why, ERR_RUNNING, "The event is still being made");
}

/* The row of an id that we gave out; none is no fault: it may be a provider's own id. */
static enum err find_row(struct finding *finding, struct fail *why)
{
	struct id id;
	enum err e;

	if (id_is_none(&finding->target->owner.id))
		return ERR_NO_CONNECTION;
	if (id_read(finding->id, &id))
		return OK;
	e = read_row(finding, &id, why);
	if (e == ERR_NOT_FOUND)
		return OK;
	return e ? e : judge_row(&finding->row, why);
}

static enum err find_connection(struct finding *finding, struct fail *why)
{
	struct target *target = finding->target;
	const struct mapping *row = &finding->row;
	struct work *work = finding->work;
	enum err e = OK;

	if (finding_is_ours(finding) && !id_equal(&row->connection, &target->connection.id))
		e = callers_target_of(work->svc->db, &row->tenant, &row->connection, work->arena,
				      target, why);
	return e ? e : calling_judge(target, why);
}

enum err finding_begin(struct finding *finding, struct work *work, struct target *target,
		       struct slice id, struct fail *why)
{
	enum err e;

	*finding = (struct finding){.work = work, .target = target, .id = id};
	e = find_row(finding, why);
	if (!e)
		e = find_connection(finding, why);
	if (!e)
		e = calling_begin(&finding->calling, work, &target->connection, why);
	if (e)
		return e;
	finding->calling.cx.whole = true;
	if (finding_is_ours(finding))
		finding->calling.cx.calendar_id = finding->row.calendar_id;
	return OK;
}

enum err finding_reread(struct finding *finding, struct fail *why)
{
	struct id id = finding->row.id;
	enum err e = read_row(finding, &id, why);

	return e ? e : judge_row(&finding->row, why);
}

static enum err ask_get(struct calling *calling, void *arg, struct fail *why)
{
	struct finding *finding = arg;
	struct slice id = finding_is_ours(finding) ? finding->row.provider_event_id : finding->id;
	const char *text = arena_copy(finding->work->arena, id);

	if (!text)
		return ERR_NOMEM;
	return calling->provider->get(&calling->cx, text, &finding->stands, why);
}

/* An event that bears a marker is ours, and its owner's alone, though it was called otherwise. */
static enum err recognize(struct finding *finding, struct fail *why)
{
	struct id id;
	enum err e;

	if (finding->stands.marker.len == 0)
		return OK;
	e = id_read(finding->stands.marker, &id) ? ERR_NOT_FOUND : read_row(finding, &id, why);
	if (e)
		return e;
	if (finding->row.state != MAPPING_PLACED ||
	    !id_equal(&finding->row.connection, &finding->target->connection.id) ||
	    !slice_equal(finding->row.provider_event_id, finding->stands.id))
		return ERR_NOT_FOUND;
	return OK;
}

enum err finding_look(struct finding *finding, struct fail *why)
{
	bool ours = finding_is_ours(finding);
	enum err e = calling_ask(&finding->calling, ask_get, finding, why);

	if (e == ERR_SCOPE_MISSING)
		return ERR_REAUTH;
	/* what no provider takes for an id of its own was never there */
	if (!ours && (e == ERR_GONE || e == ERR_REFUSED))
		return ERR_NOT_FOUND;
	if (!e && !ours)
		e = recognize(finding, why);
	return !e && finding->stands.cancelled ? ERR_GONE : e;
}

static struct showing showing_of(const struct finding *finding)
{
	return (struct showing){
		.mapping = finding_is_ours(finding) ? &finding->row : NULL,
		.kept = finding->has_kept ? &finding->kept : NULL,
		.connection = &finding->target->connection,
		.owner_zone = finding->target->owner.time_zone,
	};
}

struct slice finding_zone(const struct finding *finding)
{
	const struct showing showing = showing_of(finding);

	return showing_zone(finding->work, &showing, &finding->stands);
}

enum err finding_show(const struct finding *finding, struct slice *out)
{
	const struct showing showing = showing_of(finding);

	return showing_write(finding->work, &showing, &finding->stands, out);
}

void finding_end(struct finding *finding)
{
	calling_end(&finding->calling);
}
