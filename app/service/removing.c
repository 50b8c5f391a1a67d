#include "service/removing.h"

#include "service/finding.h"
#include "service/svc.h"
#include "store/kept_events.h"

/* What is to be dropped. */
struct drop {
	const char *id; /* the provider's */
	bool notify;
};

static enum err ask_drop(struct calling *calling, void *arg, struct fail *why)
{
	const struct drop *drop = arg;

	return calling->provider->drop(&calling->cx, drop->id, drop->notify, why);
}

/* Guests hear of it as they heard of the event, unless it is said otherwise. */
static bool shall_notify(const struct finding *finding, enum notice notice)
{
	if (notice != NOTICE_AS_MADE)
		return notice == NOTICE_MAIL;
	return !finding->has_kept || finding->kept.notify;
}

/* What we did not make is looked at first: only so we know whether it ever was. */
static enum err drop(struct finding *finding, enum notice notice, struct fail *why)
{
	struct drop drop = {.notify = shall_notify(finding, notice)};
	enum err e = finding_is_ours(finding) ? OK : finding_look(finding, why);

	if (e)
		return e;
	drop.id = finding_is_ours(finding) ? finding->row.provider_event_id.data
					   : finding->stands.id.data;
	e = calling_ask(&finding->calling, ask_drop, &drop, why);
	if (!e && finding_is_ours(finding))
		e = kept_events_remove(finding->work->svc->db, &finding->row, why);
	return e == ERR_SCOPE_MISSING ? ERR_REAUTH : e;
}

enum err removing_run(struct work *work, struct target *target, struct slice id, enum notice notice,
		      struct fail *why)
{
	struct finding finding;
	enum err e = finding_begin(&finding, work, target, id, why);

	if (!e)
		e = drop(&finding, notice, why);
	finding_end(&finding);
	return e == ERR_GONE ? OK : e;
}
