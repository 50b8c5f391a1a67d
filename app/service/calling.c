#include "service/calling.h"

#include "provider/providers.h"
#include "service/budget.h"
#include "service/svc.h"
#include "service/token.h"
#include "store/callers.h"
#include "store/connections.h"

enum { CALL_S = 10 };

enum err calling_judge(const struct target *target, struct fail *why)
{
	if (id_is_none(&target->connection.id) ||
	    target->connection.status == CONNECTION_DISCONNECTED)
		return ERR_NO_CONNECTION;
	if (target->connection.status != CONNECTION_ACTIVE)
		return ERR_REAUTH;
	if (target->provider_pause_ms > 0) {
		if (why)
			why->retry_after_s = (unsigned)(target->provider_pause_ms + 999) / 1000;
		return slice_is(target->provider_pause_reason, err_code(ERR_MISCONFIGURED))
			       ? ERR_MISCONFIGURED
			       : ERR_THROTTLED;
	}
	return OK;
}

enum err calling_begin(struct calling *calling, struct work *work, struct connection *connection,
		       struct fail *why)
{
	*calling = (struct calling){
		.work = work,
		.connection = connection,
		.provider = providers_find(connection->provider),
		.cx = {.http = work->svc->http,
		       .arena = work->arena,
		       .config = work->svc->config,
		       .deadline_ms = work->deadline_ms,
		       .timeout_s = CALL_S,
		       .calendar_id = connection->calendar_id},
	};
	if (!calling->provider)
		return fail_set(why, ERR_INTERNAL, "a connection of an unknown provider");
	calling->cx.access = &calling->access;
	return token_fresh(work, connection, &calling->access, why);
}

/* In its turn. */
static enum err ask(struct calling *calling, calling_fn *question, void *arg, struct fail *why)
{
	struct budget_turn turn;
	enum err e =
		budget_enter(calling->work, calling->provider, calling->connection, &turn, why);

	if (e)
		return e;
	e = question(calling, arg, why);
	budget_leave(calling->work, &turn);
	return e;
}

enum err calling_ask(struct calling *calling, calling_fn *question, void *arg, struct fail *why)
{
	enum err e = ask(calling, question, arg, why);

	if (e != ERR_TOKEN)
		return e;
	e = token_renew(calling->work, calling->connection, &calling->access, why);
	return e ? e : ask(calling, question, arg, why);
}

void calling_end(struct calling *calling)
{
	secret_wipe(&calling->access);
}
