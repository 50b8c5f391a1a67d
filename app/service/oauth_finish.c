#include "service/oauth_finish.h"

#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/seal.h"
#include "base/secret.h"
#include "model/issuer.h"
#include "provider/provider.h"
#include "provider/providers.h"
#include "service/application.h"
#include "service/oauth_end.h"
#include "service/oauth_start.h"
#include "service/pkce.h"
#include "service/svc.h"
#include "store/connections.h"
#include "store/oauth_states.h"

enum {
	EXCHANGE_S = 7,
	USERINFO_S = 10,
	ABANDONED_MS = (EXCHANGE_S + USERINFO_S + 3) * 1000, /* no first callback takes longer */
	WAIT_FOR_FIRST_MS = 50 /* between two looks at what the first of two callbacks is doing */
};

/* One visit of the callback. */
struct visit {
	struct oauth_flow flow;
	const struct provider *provider;
	unsigned char browser_hash[SHA256_BYTES];
	unsigned char code_hash[SHA256_BYTES];
	struct slice tenant; /* that iss names; empty: none */
	bool ours;           /* it came back to the browser that began it */
};

static struct slice hash_slice(const unsigned char hash[SHA256_BYTES])
{
	return (struct slice){(const char *)hash, SHA256_BYTES};
}

static bool same_hash(struct slice stored, const unsigned char hash[SHA256_BYTES])
{
	return digest_equal(stored, hash_slice(hash));
}

/*
 * The first callback is under way, or done: this one tells what comes of it (RFC 9700 4.5, reload
 * and prefetch). ERR_STALE: it is decided.
 */
static enum err wait_for_first(struct visit *visit, struct oauth_result *result, struct fail *why)
{
	const struct work *work = visit->flow.work;
	struct oauth_state *state = &visit->flow.state;

	for (;;) {
		enum err e;

		if (!same_hash(state->code_hash, visit->code_hash) ||
		    !same_hash(state->browser_hash, visit->browser_hash))
			return ERR_BAD_STATE;
		if (state->outcome.len)
			return ERR_STALE;
		/*
		 * Whoever was at it has died, or will find this decided: what became of the code
		 * nobody knows.
		 */
		if (state->used_ms_ago > ABANDONED_MS)
			return oauth_end_with(&visit->flow, "failed", result, why);
		if (clock_mono_ms() >= work->deadline_ms)
			return ERR_DEADLINE;
		clock_sleep_ms(WAIT_FOR_FIRST_MS);
		e = oauth_states_get(work->svc->db, state->state_hash, work->arena, state, why);
		if (e)
			return e == ERR_NOT_FOUND ? ERR_BAD_STATE : e;
	}
}

/* Everything that is wrong with a callback before its state may be used up. */
static enum err check(struct visit *visit, const struct oauth_return *back, struct fail *why)
{
	const struct config *config = visit->flow.work->svc->config;
	const struct oauth_state *state = &visit->flow.state;

	if (state->browser_hash.len && !state->handed_on && !visit->ours)
		return ERR_BAD_STATE;
	if (!visit->provider || !visit->provider->is_configured(config))
		return fail_set(why, ERR_BAD_STATE, "a flow of a provider that is not configured");
	if (back->has_issuer &&
	    !issuer_is(back->issuer, visit->provider->issuer(config), &visit->tenant))
		return fail_set(why, ERR_BAD_STATE, "another issuer");
	if ((back->code.len == 0) == (back->error.len == 0))
		return fail_set(why, ERR_BAD_REQUEST, "neither code nor error, or both");
	return OK;
}

static enum err look_up(struct visit *visit, const struct oauth_return *back, struct fail *why)
{
	const struct work *work = visit->flow.work;
	struct oauth_state *state = &visit->flow.state;
	unsigned char state_hash[SHA256_BYTES];
	unsigned char raw[SHA256_BYTES];
	struct slice pieces[] = {back->error.len ? SLICE("error") : SLICE("code"),
				 back->error.len ? back->error : back->code};
	size_t len;
	enum err e;

	if (back->state.len != OAUTH_SECRET_CHARS ||
	    digest_base64url_read(back->state, raw, sizeof(raw), &len))
		return fail_set(why, ERR_BAD_STATE, "not the form of a state");
	digest_sha256(&back->state, 1, state_hash);
	e = oauth_states_get(work->svc->db, hash_slice(state_hash), work->arena, state, why);
	if (e)
		return e == ERR_NOT_FOUND ? ERR_BAD_STATE : e;
	digest_sha256(&back->browser, 1, visit->browser_hash);
	digest_sha256(pieces, ARRAY_LEN(pieces), visit->code_hash);
	visit->ours =
		state->browser_hash.len > 0 && same_hash(state->browser_hash, visit->browser_hash);
	visit->provider = providers_find(state->provider);
	return OK;
}

static struct provider_cx call_cx(const struct visit *visit, unsigned timeout_s)
{
	const struct work *work = visit->flow.work;

	return (struct provider_cx){.http = work->svc->http,
				    .arena = work->arena,
				    .config = work->svc->config,
				    .deadline_ms = work->deadline_ms,
				    .timeout_s = timeout_s};
}

/* Why the flow ends when the provider does not play along; NULL: it did. */
static const char *outcome_of(const struct visit *visit, enum err e, const struct fail *why)
{
	struct work *work = visit->flow.work;

	if (e == OK) {
		application_accepted(work, visit->provider->name);
		return NULL;
	}
	if (e == ERR_MISCONFIGURED) {
		application_refused(work, visit->provider->name);
		return "provider_misconfigured";
	}
	if (e == ERR_CONFIG) {
		application_doubted(work, visit->provider->name, why);
		return "provider_misconfigured";
	}
	if (e == ERR_SCOPE_MISSING)
		return "scope_missing";
	if (e == ERR_GONE)
		return "no_mailbox";
	return err_is_passing(e) ? "provider_unavailable" : "failed";
}

static const char *ask_provider(struct visit *visit, const struct oauth_return *back,
				struct fail *why)
{
	struct grant *grant = &visit->flow.grant;
	char verifier[BASE64URL_32_BYTES];
	struct provider_cx cx = call_cx(visit, EXCHANGE_S);
	/* the key that sealed the way back was the active one when the flow began */
	uint32_t number = seal_key_of(visit->flow.state.return_to);
	enum err e = pkce_verifier(visit->flow.work->svc->ring, number, back->state, verifier);

	if (!e)
		e = visit->provider->exchange(&cx, back->code, slice_of(verifier), grant,
					      &visit->flow.account, why);
	explicit_bzero(verifier, sizeof(verifier));
	if (!e && !visit->provider->scopes_suffice(grant->scopes))
		e = ERR_SCOPE_MISSING;
	if (!e) {
		cx = call_cx(visit, USERINFO_S);
		cx.access = &grant->access;
		e = visit->provider->account(&cx, &visit->flow.account, why);
	}
	if (!e && !issuer_has_account(visit->tenant, visit->flow.account.id))
		e = fail_set(why, ERR_REFUSED, "iss of another tenant");
	return outcome_of(visit, e, why);
}

struct known_accounts {
	bool same;      /* this account is connected, or was */
	bool renewable; /* and we hold a refresh token of it that works */
	bool another;   /* the owner has another account at this provider */
};

static enum err look_at_accounts(const struct oauth_flow *flow, struct known_accounts *known,
				 struct fail *why)
{
	const struct work *work = flow->work;
	struct connection *list;
	size_t n;
	enum err e = connections_list(work->svc->db, &flow->state.tenant, &flow->state.owner,
				      work->arena, &list, &n, why);

	*known = (struct known_accounts){false, false, false};
	for (size_t i = 0; !e && i < n; i++) {
		if (!slice_equal(list[i].provider, flow->state.provider))
			continue;
		if (!slice_equal(list[i].account_id, flow->account.id)) {
			known->another = true;
			continue;
		}
		known->same = true;
		known->renewable =
			list[i].status == CONNECTION_ACTIVE && list[i].refresh_token.len > 0;
	}
	return e;
}

/* What the provider gave is judged, then stored, kept, or thrown away. */
static enum err judge(struct visit *visit, struct oauth_result *result, struct fail *why)
{
	struct known_accounts known;
	enum err e = look_at_accounts(&visit->flow, &known, why);

	if (e)
		return e;
	if (secret_is_empty(&visit->flow.grant.refresh) && !known.renewable)
		return oauth_end_with(&visit->flow, "no_refresh_token", result, why);
	if (!visit->ours || (known.another && !known.same))
		return oauth_end_ask(&visit->flow, result, why);
	return oauth_end_connect(&visit->flow, result, why);
}

/* Uses the state up, or learns that another callback was first. */
static enum err use_up(struct visit *visit, struct oauth_result *result, bool *won,
		       struct fail *why)
{
	const struct work *work = visit->flow.work;
	struct oauth_state *state = &visit->flow.state;
	enum err e =
		oauth_states_use(work->svc->db, state->state_hash, hash_slice(visit->browser_hash),
				 hash_slice(visit->code_hash), won, why);

	if (e || *won)
		return e;
	e = oauth_states_get(work->svc->db, state->state_hash, work->arena, state, why);
	return e ? e : wait_for_first(visit, result, why);
}

/* What the provider says instead of a code; its words for an administrator's wall differ. */
static const char *reason_of(struct slice error)
{
	if (slice_is(error, "access_denied"))
		return "denied";
	if (slice_is(error, "consent_required") || slice_is(error, "admin_policy_enforced"))
		return "admin_consent";
	return "failed";
}

static enum err go_through(struct visit *visit, const struct oauth_return *back,
			   struct oauth_result *result, struct fail *why)
{
	const char *outcome;
	bool won = false;
	enum err e;

	if (visit->flow.state.used)
		return wait_for_first(visit, result, why);
	if (visit->flow.state.expired)
		return oauth_end_with(&visit->flow, "expired", result, why);
	e = use_up(visit, result, &won, why);
	if (e || !won)
		return e;
	outcome = back->error.len ? reason_of(back->error) : ask_provider(visit, back, why);
	return outcome ? oauth_end_with(&visit->flow, outcome, result, why)
		       : judge(visit, result, why);
}

enum err oauth_finish(struct work *work, const struct oauth_return *back,
		      struct oauth_result *result, struct fail *why)
{
	struct visit visit = {.flow = {.work = work}};
	enum err e = look_up(&visit, back, why);

	if (!e)
		e = check(&visit, back, why);
	if (!e)
		e = go_through(&visit, back, result, why);
	grant_wipe(&visit.flow.grant);
	return e == ERR_STALE ? oauth_end_tell(&visit.flow, result, why) : e;
}
