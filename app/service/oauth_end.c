#include "service/oauth_end.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/seal.h"
#include "base/secret.h"
#include "io/db.h"
#include "model/return_place.h"
#include "service/svc.h"
#include "store/audit_log.h"
#include "store/connections.h"
#include "store/owners.h"

static void audit(struct oauth_flow *flow, const char *result)
{
	struct work *work = flow->work;
	struct fail why = {0};
	struct audit row = {.tenant = flow->state.tenant,
			    .action = "connect",
			    .object = flow->account.email.len ? flow->account.email
							      : flow->state.provider,
			    .result = result,
			    .address = work->address,
			    .request_id = work->request_id};
	struct log_line line;
	enum err e;

	row.actor = slice_of(arena_format(work->arena, "owner:%.*s",
					  (int)flow->state.owner_external_id.len,
					  flow->state.owner_external_id.data));
	e = audit_log_add(work->svc->db, &row, &why);
	log_begin(&line, LOG_INFO, "connect");
	log_slice(&line, "requestId", work->request_id);
	log_slice(&line, "provider", flow->state.provider);
	log_mail(&line, "account", flow->account.email);
	log_text(&line, "result", result);
	if (e)
		log_fail(&line, e, &why);
	log_end(&line);
}

/* Without its key nobody knows where the person came from: no reason to keep from him how it ended.
 */
static struct slice read_return_place(const struct oauth_flow *flow)
{
	const struct work *work = flow->work;
	struct seal_place place = {
		.tenant = flow->state.tenant, .row = flow->state.id, .column = "return_to"};
	struct secret text = {0};
	enum err e = seal_open(work->svc->ring, &place, flow->state.return_to, &text);
	char *copy = e ? NULL : arena_copy(work->arena, secret_slice(&text));

	secret_wipe(&text);
	return copy ? slice_of(copy) : RETURN_PLACE_DEFAULT;
}

static void tell(const struct oauth_flow *flow, const char *outcome, struct oauth_result *result)
{
	result->outcome = outcome;
	result->ask = slice_is(slice_of(outcome), "confirm");
	result->handed_on = flow->state.handed_on;
	result->flow = flow->state.id;
	result->provider = flow->state.provider;
	result->account_email =
		flow->account.email.len ? flow->account.email : flow->state.pending_account_email;
	result->owner_external_id = flow->state.owner_external_id;
	result->return_to = read_return_place(flow);
}

enum err oauth_end_with(struct oauth_flow *flow, const char *reason, struct oauth_result *result,
			struct fail *why)
{
	enum err e = oauth_states_decide(flow->work->svc->db, &flow->state, reason, why);

	if (e)
		return e;
	audit(flow, reason);
	tell(flow, reason, result);
	return OK;
}

enum err oauth_end_tell(struct oauth_flow *flow, struct oauth_result *result, struct fail *why)
{
	const struct work *work = flow->work;
	const struct id id = flow->state.id;
	enum err e = oauth_states_get_by_id(work->svc->db, &id, work->arena, &flow->state, why);

	if (e == ERR_NOT_FOUND || (!e && !flow->state.outcome.len))
		return ERR_BAD_STATE;
	if (!e)
		tell(flow, flow->state.outcome.data, result);
	return e;
}

static enum err seal_for(struct oauth_flow *flow, const struct id *row, const char *column,
			 const struct secret *token, struct slice *out)
{
	struct seal_place place = {.tenant = flow->state.tenant, .row = *row, .column = column};
	struct buf blob;
	enum err e;

	*out = (struct slice){NULL, 0};
	if (secret_is_empty(token))
		return OK;
	buf_init(&blob, flow->work->arena, SECRET_BYTES_MAX + SEAL_OVERHEAD_BYTES);
	e = seal_close(flow->work->svc->ring, &place, token, &blob);
	*out = buf_slice(&blob);
	return e;
}

enum err oauth_end_ask(struct oauth_flow *flow, struct oauth_result *result, struct fail *why)
{
	enum err e = seal_for(flow, &flow->state.id, "pending_access", &flow->grant.access,
			      &flow->state.pending_access);

	if (!e)
		e = seal_for(flow, &flow->state.id, "pending_refresh", &flow->grant.refresh,
			     &flow->state.pending_refresh);
	flow->state.pending_expires_ms = clock_now_ms() + flow->grant.expires_in_s * 1000;
	flow->state.pending_scopes = flow->grant.scopes;
	flow->state.pending_account_id = flow->account.id;
	flow->state.pending_account_email = flow->account.email;
	if (!e)
		e = oauth_states_keep(flow->work->svc->db, &flow->state, why);
	if (e)
		return e;
	audit(flow, "confirm");
	tell(flow, "confirm", result);
	return OK;
}

/* The connection as it will stand, with tokens sealed for its own row. */
static enum err fill_connection(struct oauth_flow *flow, struct db *tx, struct connection *conn,
				struct fail *why)
{
	enum err e = connections_find_account(tx, &flow->state.tenant, &flow->state.owner,
					      flow->state.provider, flow->account.id,
					      flow->work->arena, conn, why);

	if (e == ERR_NOT_FOUND)
		*conn = (struct connection){.id = id_new(), .calendar_id = SLICE("primary")};
	else if (e)
		return e;
	conn->tenant = flow->state.tenant;
	conn->owner = flow->state.owner;
	conn->provider = flow->state.provider;
	conn->account_id = flow->account.id;
	conn->account_email = flow->account.email;
	conn->granted_scopes = flow->grant.scopes;
	conn->status = CONNECTION_ACTIVE;
	conn->access_expires_ms = clock_now_ms() + flow->grant.expires_in_s * 1000;
	e = seal_for(flow, &conn->id, "access_token", &flow->grant.access, &conn->access_token);
	return e ? e
		 : seal_for(flow, &conn->id, "refresh_token", &flow->grant.refresh,
			    &conn->refresh_token);
}

/*
 * One transaction: the flow's outcome, the connection and the owner's default stand or fall
 * together. Who is too late to decide stores nothing.
 */
static enum err save(struct db *tx, void *cx, struct fail *why)
{
	struct oauth_flow *flow = cx;
	struct connection conn;
	enum err e = oauth_states_decide(tx, &flow->state, "connected", why);

	if (!e)
		e = fill_connection(flow, tx, &conn, why);
	if (!e)
		e = connections_put(tx, &conn, why);
	if (!e)
		e = owners_set_default(tx, &conn.tenant, &conn.owner, &conn.id, true, why);
	return e;
}

enum err oauth_end_connect(struct oauth_flow *flow, struct oauth_result *result, struct fail *why)
{
	enum err e = db_transact(flow->work->svc->db, save, flow, why);

	/* Two flows that connect the same account at once: the later one renews what the earlier
	 * one made. */
	if (e == ERR_DUPLICATE)
		e = db_transact(flow->work->svc->db, save, flow, why);
	if (e)
		return e;
	audit(flow, "ok");
	tell(flow, "connected", result);
	return OK;
}
