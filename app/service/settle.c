#include "service/settle.h"

#include "base/arena.h"
#include "base/config.h"
#include "base/log.h"
#include "base/rand.h"
#include "model/backoff.h"
#include "model/event.h"
#include "service/placing.h"
#include "service/svc.h"
#include "store/connections.h"
#include "store/mappings.h"
#include "store/oauth_states.h"
#include "store/provider_limits.h"
#include "store/sessions.h"

enum {
	CARRIES_MAX = 8, /* attempts to carry an intent forward; after them we only look */
	LOOKS_MAX = 48,  /* attempts in all, about two days; then nobody asks any more */
	SWEEP_ROWS = 500
};

static void report(const struct mapping *mapping, const char *what, enum err e,
		   const struct fail *why)
{
	char id[ID_TEXT_BYTES];
	struct log_line line;

	id_text(&mapping->id, id);
	log_begin(&line, e && e != ERR_GONE ? LOG_WARNING : LOG_INFO, "settle");
	log_text(&line, "mapping", id);
	log_text(&line, "what", what);
	log_int(&line, "attempt", mapping->attempt);
	if (e)
		log_fail(&line, e, why);
	log_end(&line);
}

/* What can be done about it now: carry it forward, look for it, or give it up. */
static enum err attend(struct work *work, struct mapping *mapping, const char **what,
		       struct fail *why)
{
	struct connection conn;
	struct event event;
	struct placing placing = {.work = work,
				  .mapping = mapping,
				  .event = &event,
				  .connection = &conn,
				  .may_stand = true,
				  .nobody_waits = true};
	bool forward = mapping->state == MAPPING_INTENDED && mapping->attempt <= CARRIES_MAX;
	enum err e;

	*what = "give_up";
	if (mapping->attempt > LOOKS_MAX)
		return mappings_end(work->svc->db, mapping, MAPPING_REFUSED, "gave_up", why);
	e = connections_get(work->svc->db, &mapping->tenant, &mapping->connection, work->arena,
			    &conn, why);
	*what = forward ? "carry" : "look";
	if (!e && event_read(work->arena, mapping->event, &event))
		e = fail_set(why, ERR_INTERNAL, "an intent without its event");
	if (e)
		return e;
	return forward ? placing_run(&placing, why) : placing_look(&placing, why);
}

/* Ended, or overtaken: either way this row is no longer ours to postpone. */
static bool is_settled(enum err e)
{
	return e == OK || e == ERR_GONE || e == ERR_STALE;
}

static void settle_one(struct work *work, struct mapping *mapping)
{
	struct fail why = {0};
	const char *what;
	enum err e = attend(work, mapping, &what, &why);

	report(mapping, what, e, &why);
	if (is_settled(e))
		return;
	e = mappings_postpone(work->svc->db, mapping,
			      backoff_ms(mapping->attempt, why.retry_after_s), &why);
	if (!is_settled(e))
		report(mapping, "postpone", e, &why);
}

enum err settle_next(struct work *work, struct fail *why)
{
	const struct config *config = work->svc->config;
	struct mapping mapping;
	enum err e = mappings_claim_due(work->svc->db, config->intent_lease_s * 1000,
					config->intent_settle_s * 1000, work->arena, &mapping, why);

	if (!e)
		settle_one(work, &mapping);
	return e;
}

enum err settle_sweep(struct work *work, struct fail *why)
{
	struct db *db = work->svc->db;
	enum err e = mappings_clean(db, SWEEP_ROWS, why);

	if (!e)
		e = sessions_clean(db, SWEEP_ROWS, why);
	if (!e)
		e = oauth_states_clean(db, SWEEP_ROWS, why);
	if (!e)
		e = provider_limits_clean(db, SWEEP_ROWS, why);
	return e;
}
