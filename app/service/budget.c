#include "service/budget.h"

#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/digest.h"
#include "base/log.h"
#include "io/flight.h"
#include "io/tally.h"
#include "provider/provider.h"
#include "service/svc.h"
#include "store/connections.h"
#include "store/provider_limits.h"
#include "store/provider_slots.h"

enum {
	MINUTE_MS = 60000,
	ASIDE_CALLS = 20,
	ASIDE_MS = 5000,    /* what is not used by then is lost */
	LEASE_MS = 15000,   /* longer than any call */
	WAIT_LEAST_MS = 20, /* between two looks for a free slot */
	WAIT_SPREAD_MS = 30,
	WAIT_MOST_MS = 8000,
	RETRY_AFTER_S = 2
};

/*
 * Of a budget of L a minute a fifth is for what nobody asks for; of the rest a tenth may come
 * at once, so that no 60 seconds see more than four fifths of L set aside.
 */
static struct provider_pace pace_of(unsigned calls_per_min)
{
	int64_t shared = (int64_t)calls_per_min * 4 / 5;
	int64_t burst = shared / 10;
	struct provider_pace pace = {.calls = ASIDE_CALLS};

	if (pace.calls > burst)
		pace.calls = burst > 0 ? burst : 1;
	pace.each_ms = shared > burst ? MINUTE_MS / (shared - burst) + 1 : MINUTE_MS;
	pace.burst_ms = (burst - pace.calls) * pace.each_ms;
	return pace;
}

static enum err throttled(struct fail *why, int64_t wait_ms)
{
	if (why)
		why->retry_after_s = (unsigned)((wait_ms + 999) / 1000);
	return fail_set(why, ERR_THROTTLED, "our own budget for the account is used up");
}

static enum err keep_pace(struct work *work, const char *subject, unsigned calls_per_min,
			  struct fail *why)
{
	const struct provider_pace pace = pace_of(calls_per_min);
	struct tally *calls = work->svc->calls;
	int64_t now_ms = clock_mono_ms();
	int64_t wait_ms;
	enum err e;

	if (calls_per_min == 0 || tally_take(calls, slice_of(subject), now_ms))
		return OK;
	e = provider_limits_reserve(work->svc->db, subject, &pace, &wait_ms, why);
	if (e)
		return e;
	if (wait_ms > 0)
		return throttled(why, wait_ms);
	/* one of them is this call */
	tally_set_aside(calls, slice_of(subject), (unsigned)pace.calls - 1, now_ms + ASIDE_MS);
	return OK;
}

/* The name of an account among those that threads of this process wait for. */
static struct id line_of(const char *subject)
{
	unsigned char hash[SHA256_BYTES];
	struct slice text = slice_of(subject);
	struct id line;

	digest_sha256(&text, 1, hash);
	memcpy(line.bytes, hash, sizeof(line.bytes));
	return line;
}

/* Alone in this process. */
static enum err wait_for_slot(struct work *work, struct budget_turn *turn, unsigned at_once,
			      int64_t until_ms, struct fail *why)
{
	for (;;) {
		bool taken;
		enum err e = provider_slots_take(work->svc->db, turn->subject, at_once,
						 &turn->token, LEASE_MS, &taken, why);

		if (e || taken)
			return e;
		if (clock_mono_ms() >= until_ms)
			return throttled(why, (int64_t)RETRY_AFTER_S * 1000);
		clock_sleep_ms(WAIT_LEAST_MS + (int64_t)rand_below(WAIT_SPREAD_MS));
	}
}

static enum err take_slot(struct work *work, struct budget_turn *turn, unsigned at_once,
			  struct fail *why)
{
	struct id line = line_of(turn->subject);
	int64_t until_ms = clock_mono_ms() + WAIT_MOST_MS;
	enum err e;

	if (until_ms > work->deadline_ms)
		until_ms = work->deadline_ms;
	while (!flight_enter(work->svc->slots, &line, until_ms)) {
		if (clock_mono_ms() >= until_ms)
			return throttled(why, (int64_t)RETRY_AFTER_S * 1000);
	}
	turn->token = id_new();
	e = wait_for_slot(work, turn, at_once, until_ms, why);
	flight_leave(work->svc->slots, &line);
	return e;
}

enum err budget_enter(struct work *work, const struct provider *provider,
		      const struct connection *connection, struct budget_turn *turn,
		      struct fail *why)
{
	struct provider_budget budget = {0};
	const char *subject;
	enum err e;

	*turn = (struct budget_turn){0};
	if (provider->budget)
		budget = provider->budget(work->svc->config);
	if (budget.calls_per_min == 0 && budget.at_once == 0)
		return OK;
	subject = arena_format(work->arena, "%s:%.*s", provider->name,
			       (int)connection->account_id.len, connection->account_id.data);
	if (!subject)
		return ERR_NOMEM;
	e = keep_pace(work, subject, budget.calls_per_min, why);
	if (e || budget.at_once == 0)
		return e;
	turn->subject = subject;
	e = take_slot(work, turn, budget.at_once, why);
	if (e)
		*turn = (struct budget_turn){0};
	return e;
}

void budget_leave(struct work *work, struct budget_turn *turn)
{
	struct fail why = {0};

	/* should it fail, the lease ends by itself */
	if (turn->subject && provider_slots_give(work->svc->db, turn->subject, &turn->token, &why))
		log_note(LOG_WARNING, "slot_not_given_back", "%s", why.detail);
	*turn = (struct budget_turn){0};
}
