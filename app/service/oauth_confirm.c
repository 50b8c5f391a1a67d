#include "service/oauth_confirm.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/seal.h"
#include "base/secret.h"
#include "service/oauth_end.h"
#include "service/svc.h"

static enum err unseal_pending(struct oauth_flow *flow, const char *column, struct slice blob,
			       struct secret *out)
{
	struct seal_place place = {
		.tenant = flow->state.tenant, .row = flow->state.id, .column = column};

	return blob.len ? seal_open(flow->work->svc->ring, &place, blob, out) : OK;
}

static enum err take_pending(struct oauth_flow *flow)
{
	enum err e = unseal_pending(flow, "pending_access", flow->state.pending_access,
				    &flow->grant.access);

	if (!e)
		e = unseal_pending(flow, "pending_refresh", flow->state.pending_refresh,
				   &flow->grant.refresh);
	flow->grant.scopes = flow->state.pending_scopes;
	flow->grant.expires_in_s = (flow->state.pending_expires_ms - clock_now_ms()) / 1000;
	flow->account.id = flow->state.pending_account_id;
	flow->account.email = flow->state.pending_account_email;
	return e;
}

static enum err answer(struct oauth_flow *flow, bool yes, struct oauth_result *result,
		       struct fail *why)
{
	enum err e;

	if (!slice_is(flow->state.outcome, "confirm"))
		return ERR_STALE;
	if (!yes || flow->state.expired)
		return oauth_end_with(flow, yes ? "expired" : "denied", result, why);
	e = take_pending(flow);
	return e ? e : oauth_end_connect(flow, result, why);
}

enum err oauth_confirm(struct work *work, const struct id *flow, struct slice browser, bool yes,
		       struct oauth_result *result, struct fail *why)
{
	struct oauth_flow asked = {.work = work};
	unsigned char browser_hash[SHA256_BYTES];
	enum err e = oauth_states_get_by_id(work->svc->db, flow, work->arena, &asked.state, why);

	if (e)
		return e;
	digest_sha256(&browser, 1, browser_hash);
	if (!digest_equal(asked.state.browser_hash,
			  (struct slice){(const char *)browser_hash, sizeof(browser_hash)}))
		return ERR_BAD_STATE;
	e = answer(&asked, yes, result, why);
	grant_wipe(&asked.grant);
	return e == ERR_STALE ? oauth_end_tell(&asked, result, why) : e;
}
