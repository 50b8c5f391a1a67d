#include "service/oauth.h"

#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/seal.h"
#include "base/secret.h"
#include "io/db.h"
#include "provider/provider.h"
#include "provider/providers.h"
#include "service/svc.h"
#include "store/audit_log.h"
#include "store/connections.h"
#include "store/oauth_states.h"
#include "store/owners.h"
#include "store/provider_limits.h"

enum {
	EXCHANGE_S = 7,
	USERINFO_S = 10,
	ABANDONED_MS = (EXCHANGE_S + USERINFO_S + 3) * 1000, /* no first callback takes longer */
	WAIT_FOR_FIRST_MS = 50, /* between two looks at what the first of two callbacks is doing */
	APP_PAUSE_MS = 60000
};

/* A callback on its way through. */
struct finish {
	struct work *work;
	struct oauth_state state;
	const struct provider *provider;
	unsigned char browser_hash[SHA256_BYTES];
	unsigned char code_hash[SHA256_BYTES];
	bool ours; /* it came back to the browser that began it */
	struct account account;
	struct grant grant;
};

static void sha256(struct slice text, unsigned char out[SHA256_BYTES])
{
	digest_sha256(&text, 1, out);
}

static struct slice hash_slice(const unsigned char hash[SHA256_BYTES])
{
	return (struct slice){(const char *)hash, SHA256_BYTES};
}

static bool same_hash(struct slice stored, const unsigned char hash[SHA256_BYTES])
{
	return digest_equal(stored, hash_slice(hash));
}

/* The PKCE verifier is made of the state again at the callback, so it is stored nowhere (RFC 7636).
 */
static enum err verifier_of(struct work *work, struct slice state, char out[BASE64URL_32_BYTES])
{
	unsigned char key[SEAL_KEY_BYTES];
	unsigned char mac[SHA256_BYTES];
	enum err e = seal_subkey(work->svc->ring, 0, "pkce", key);

	if (e)
		return e;
	digest_hmac((struct slice){(const char *)key, sizeof(key)}, &state, 1, mac);
	digest_base64url(mac, sizeof(mac), out);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(mac, sizeof(mac));
	return OK;
}

static void challenge_of(const char *verifier, char out[BASE64URL_32_BYTES])
{
	unsigned char hash[SHA256_BYTES];

	sha256(slice_of(verifier), hash);
	digest_base64url(hash, sizeof(hash), out);
}

/* The address of a calendar that waits for consent again is the likeliest account. */
static enum err login_hint(struct work *work, const struct oauth_start *start, struct slice *hint,
			   struct fail *why)
{
	struct connection *list;
	size_t n;
	enum err e = connections_list(work->svc->db, &start->owner->tenant, &start->owner->id,
				      work->arena, &list, &n, why);

	*hint = (struct slice){NULL, 0};
	for (size_t i = 0; !e && i < n; i++)
		if (list[i].status == CONNECTION_REAUTH_REQUIRED &&
		    slice_is(list[i].provider, start->provider->name))
			*hint = list[i].account_email;
	return e;
}

static enum err add_state(struct work *work, const struct oauth_start *start, struct slice state,
			  struct fail *why)
{
	unsigned char state_hash[SHA256_BYTES];
	unsigned char browser_hash[SHA256_BYTES];
	struct oauth_state row = {.id = id_new(),
				  .tenant = start->owner->tenant,
				  .owner = start->owner->id,
				  .provider = slice_of(start->provider->name),
				  .handed_on = start->handed_on,
				  .return_to = start->return_to};

	sha256(state, state_hash);
	row.state_hash = hash_slice(state_hash);
	if (start->browser.len) {
		sha256(start->browser, browser_hash);
		row.browser_hash = hash_slice(browser_hash);
	}
	return oauth_states_add(work->svc->db, &row, (int64_t)OAUTH_STATE_VALID_S * 1000,
				(unsigned)work->svc->config->rate_open_flows, why);
}

enum err oauth_start(struct work *work, const struct oauth_start *start, struct buf *url,
		     struct fail *why)
{
	unsigned char secret[SHA256_BYTES];
	char state[BASE64URL_32_BYTES];
	char verifier[BASE64URL_32_BYTES];
	char challenge[BASE64URL_32_BYTES];
	struct provider_cx cx = {.arena = work->arena, .config = work->svc->config};
	struct consent ask = {0};
	enum err e;

	rand_fill(secret, sizeof(secret));
	digest_base64url(secret, sizeof(secret), state);
	e = verifier_of(work, slice_of(state), verifier);
	if (!e)
		e = login_hint(work, start, &ask.login_hint, why);
	if (!e)
		e = add_state(work, start, slice_of(state), why);
	if (!e) {
		challenge_of(verifier, challenge);
		ask.state = slice_of(state);
		ask.challenge = slice_of(challenge);
		e = start->provider->consent_url(&cx, &ask, url, why);
	}
	explicit_bzero(verifier, sizeof(verifier));
	return e ? e : buf_error(url);
}

static void audit(struct finish *f, const char *result)
{
	struct work *work = f->work;
	struct fail why = {0};
	struct audit row = {.tenant = f->state.tenant,
			    .action = "connect",
			    .object = f->account.email.len ? f->account.email : f->state.provider,
			    .result = result,
			    .address = work->address,
			    .request_id = work->request_id};
	struct log_line line;
	enum err e;

	row.actor = slice_of(arena_format(work->arena, "owner:%.*s",
					  (int)f->state.owner_external_id.len,
					  f->state.owner_external_id.data));
	e = audit_log_add(work->svc->db, &row, &why);
	log_begin(&line, LOG_INFO, "connect");
	log_slice(&line, "requestId", work->request_id);
	log_slice(&line, "provider", f->state.provider);
	log_mail(&line, "account", f->account.email);
	log_text(&line, "result", result);
	if (e)
		log_fail(&line, e, &why);
	log_end(&line);
}

static void tell(const struct finish *f, const char *outcome, struct oauth_result *result)
{
	result->outcome = outcome;
	result->ask = slice_is(slice_of(outcome), "confirm");
	result->handed_on = f->state.handed_on;
	result->flow = f->state.id;
	result->provider = f->state.provider;
	result->account_email =
		f->account.email.len ? f->account.email : f->state.pending_account_email;
	result->owner_external_id = f->state.owner_external_id;
	result->return_to = f->state.return_to;
}

/*
 * Ends the flow badly: the row remembers it for repetitions, and the owner is told why. ERR_STALE,
 * from here on up to oauth_finish and oauth_confirm: another run was faster, what it decided holds.
 */
static enum err end_with(struct finish *f, const char *outcome, struct oauth_result *result,
			 struct fail *why)
{
	enum err e = oauth_states_decide(f->work->svc->db, &f->state, outcome, why);

	if (e)
		return e;
	audit(f, outcome);
	tell(f, outcome, result);
	return OK;
}

static enum err tell_what_holds(struct finish *f, struct oauth_result *result, struct fail *why)
{
	const struct id flow = f->state.id;
	char *outcome;
	enum err e =
		oauth_states_get_by_id(f->work->svc->db, &flow, f->work->arena, &f->state, why);

	if (e == ERR_NOT_FOUND || (!e && !f->state.outcome.len))
		return ERR_BAD_STATE;
	if (e)
		return e;
	outcome = arena_copy(f->work->arena, f->state.outcome);
	if (!outcome)
		return ERR_NOMEM;
	tell(f, outcome, result);
	return OK;
}

/* The first callback is under way, or done: this one shows what comes of it (RFC 9700 4.5, reload
 * and prefetch). */
static enum err repeat(struct finish *f, struct oauth_result *result, struct fail *why)
{
	struct work *work = f->work;

	for (;;) {
		const char *outcome;
		enum err e;

		if (!same_hash(f->state.code_hash, f->code_hash) ||
		    !same_hash(f->state.browser_hash, f->browser_hash))
			return ERR_BAD_STATE;
		outcome = arena_copy(work->arena, f->state.outcome);
		if (!outcome)
			return ERR_NOMEM;
		if (*outcome) {
			tell(f, outcome, result);
			return OK;
		}
		/* whoever was at it has died, or will find this decided: what became of the code
		 * nobody knows */
		if (f->state.used_ms_ago > ABANDONED_MS)
			return end_with(f, "failed", result, why);
		if (clock_mono_ms() >= work->deadline_ms)
			return ERR_DEADLINE;
		clock_sleep_ms(WAIT_FOR_FIRST_MS);
		e = oauth_states_get(work->svc->db, f->state.state_hash, work->arena, &f->state,
				     why);
		if (e)
			return e == ERR_NOT_FOUND ? ERR_BAD_STATE : e;
	}
}

/* Everything that is wrong with a callback before its state may be used up. */
static enum err check(struct finish *f, const struct oauth_return *back, struct fail *why)
{
	if (f->state.browser_hash.len && !f->state.handed_on && !f->ours)
		return ERR_BAD_STATE;
	if (!f->provider || !f->provider->is_configured(f->work->svc->config))
		return fail_set(why, ERR_BAD_STATE, "a flow of a provider that is not configured");
	if (back->has_issuer && !slice_is(back->issuer, f->provider->issuer(f->work->svc->config)))
		return fail_set(why, ERR_BAD_STATE, "another issuer");
	if ((back->code.len == 0) == (back->error.len == 0))
		return fail_set(why, ERR_BAD_REQUEST, "neither code nor error, or both");
	return OK;
}

static enum err look_up(struct finish *f, const struct oauth_return *back, struct fail *why)
{
	unsigned char state_hash[SHA256_BYTES];
	unsigned char raw[SHA256_BYTES];
	struct slice pieces[] = {back->error.len ? SLICE("error") : SLICE("code"),
				 back->error.len ? back->error : back->code};
	size_t len;
	enum err e;

	if (back->state.len != OAUTH_SECRET_CHARS ||
	    digest_base64url_read(back->state, raw, sizeof(raw), &len))
		return fail_set(why, ERR_BAD_STATE, "not the form of a state");
	sha256(back->state, state_hash);
	e = oauth_states_get(f->work->svc->db, hash_slice(state_hash), f->work->arena, &f->state,
			     why);
	if (e)
		return e == ERR_NOT_FOUND ? ERR_BAD_STATE : e;
	sha256(back->browser, f->browser_hash);
	digest_sha256(pieces, ARRAY_LEN(pieces), f->code_hash);
	f->ours =
		f->state.browser_hash.len > 0 && same_hash(f->state.browser_hash, f->browser_hash);
	f->provider = providers_find(f->state.provider);
	return OK;
}

static struct provider_cx call_cx(struct finish *f, unsigned timeout_s)
{
	return (struct provider_cx){.http = f->work->svc->http,
				    .arena = f->work->arena,
				    .config = f->work->svc->config,
				    .deadline_ms = f->work->deadline_ms,
				    .timeout_s = timeout_s};
}

/* Why the flow ends when the provider does not play along; NULL: it did. */
static const char *outcome_of(struct finish *f, enum err e)
{
	struct fail why = {0};

	if (e == OK)
		return NULL;
	if (e == ERR_MISCONFIGURED) {
		if (provider_limits_pause(f->work->svc->db, f->provider->name, APP_PAUSE_MS,
					  err_code(e), &why))
			log_note(LOG_ERROR, "pause_failed", "%s", why.detail);
		return "provider_misconfigured";
	}
	if (e == ERR_SCOPE_MISSING)
		return "scope_missing";
	return err_is_passing(e) ? "provider_unavailable" : "failed";
}

static const char *ask_provider(struct finish *f, const struct oauth_return *back, struct fail *why)
{
	char verifier[BASE64URL_32_BYTES];
	struct provider_cx cx = call_cx(f, EXCHANGE_S);
	enum err e = verifier_of(f->work, back->state, verifier);

	if (!e)
		e = f->provider->exchange(&cx, back->code, slice_of(verifier), &f->grant,
					  &f->account, why);
	explicit_bzero(verifier, sizeof(verifier));
	if (!e && !f->provider->scopes_suffice(f->grant.scopes))
		e = ERR_SCOPE_MISSING;
	if (!e) {
		cx = call_cx(f, USERINFO_S);
		cx.access = &f->grant.access;
		e = f->provider->account(&cx, &f->account, why);
	}
	return outcome_of(f, e);
}

struct known_accounts {
	bool same;      /* this account is connected, or was */
	bool renewable; /* and we hold a refresh token of it */
	bool another;   /* the owner has another account at this provider */
};

static enum err look_at_accounts(struct finish *f, struct known_accounts *known, struct fail *why)
{
	struct connection *list;
	size_t n;
	enum err e = connections_list(f->work->svc->db, &f->state.tenant, &f->state.owner,
				      f->work->arena, &list, &n, why);

	*known = (struct known_accounts){false, false, false};
	for (size_t i = 0; !e && i < n; i++) {
		if (!slice_equal(list[i].provider, f->state.provider))
			continue;
		if (!slice_equal(list[i].account_id, f->account.id)) {
			known->another = true;
			continue;
		}
		known->same = true;
		known->renewable = list[i].refresh_token.len > 0;
	}
	return e;
}

static enum err seal_for(struct finish *f, const struct id *row, const char *column,
			 const struct secret *token, struct slice *out)
{
	struct seal_place place = {.tenant = f->state.tenant, .row = *row, .column = column};
	struct buf blob;
	enum err e;

	*out = (struct slice){NULL, 0};
	if (secret_is_empty(token))
		return OK;
	buf_init(&blob, f->work->arena, SECRET_BYTES_MAX + SEAL_OVERHEAD_BYTES);
	e = seal_close(f->work->svc->ring, &place, token, &blob);
	*out = buf_slice(&blob);
	return e;
}

/* Not stored before a person has looked at it: the grant waits, sealed, in the flow's row. */
static enum err keep_for_confirmation(struct finish *f, struct oauth_result *result,
				      struct fail *why)
{
	enum err e = seal_for(f, &f->state.id, "pending_access", &f->grant.access,
			      &f->state.pending_access);

	if (!e)
		e = seal_for(f, &f->state.id, "pending_refresh", &f->grant.refresh,
			     &f->state.pending_refresh);
	f->state.pending_expires_ms = clock_now_ms() + f->grant.expires_in_s * 1000;
	f->state.pending_scopes = f->grant.scopes;
	f->state.pending_account_id = f->account.id;
	f->state.pending_account_email = f->account.email;
	if (!e)
		e = oauth_states_keep(f->work->svc->db, &f->state, why);
	if (e)
		return e;
	audit(f, "confirm");
	tell(f, "confirm", result);
	return OK;
}

/* The connection as it will stand, with tokens sealed for its own row. */
static enum err fill_connection(struct finish *f, struct db *tx, struct connection *conn,
				struct fail *why)
{
	enum err e =
		connections_find_account(tx, &f->state.tenant, &f->state.owner, f->state.provider,
					 f->account.id, f->work->arena, conn, why);

	if (e == ERR_NOT_FOUND)
		*conn = (struct connection){.id = id_new(), .calendar_id = SLICE("primary")};
	else if (e)
		return e;
	conn->tenant = f->state.tenant;
	conn->owner = f->state.owner;
	conn->provider = f->state.provider;
	conn->account_id = f->account.id;
	conn->account_email = f->account.email;
	conn->granted_scopes = f->grant.scopes;
	conn->status = CONNECTION_ACTIVE;
	conn->access_expires_ms = clock_now_ms() + f->grant.expires_in_s * 1000;
	e = seal_for(f, &conn->id, "access_token", &f->grant.access, &conn->access_token);
	return e ? e
		 : seal_for(f, &conn->id, "refresh_token", &f->grant.refresh, &conn->refresh_token);
}

/*
 * One transaction: the flow's outcome, the connection and the owner's default stand or fall
 * together. Who is too late to decide stores nothing.
 */
static enum err save(struct db *tx, void *cx, struct fail *why)
{
	struct finish *f = cx;
	struct connection conn;
	enum err e = oauth_states_decide(tx, &f->state, "connected", why);

	if (!e)
		e = fill_connection(f, tx, &conn, why);
	if (!e)
		e = connections_put(tx, &conn, why);
	if (!e)
		e = owners_set_default(tx, &conn.tenant, &conn.owner, &conn.id, true, why);
	return e;
}

static enum err store_connection(struct finish *f, struct oauth_result *result, struct fail *why)
{
	enum err e = db_transact(f->work->svc->db, save, f, why);

	/* Two flows that connect the same account at once: the later one renews what the earlier
	 * one made. */
	if (e == ERR_DUPLICATE)
		e = db_transact(f->work->svc->db, save, f, why);
	if (e)
		return e;
	audit(f, "ok");
	tell(f, "connected", result);
	return OK;
}

/* What the provider gave is judged, then stored, kept, or thrown away. */
static enum err judge(struct finish *f, struct oauth_result *result, struct fail *why)
{
	struct known_accounts known;
	enum err e = look_at_accounts(f, &known, why);

	if (e)
		return e;
	if (secret_is_empty(&f->grant.refresh) && !known.renewable)
		return end_with(f, "no_refresh_token", result, why);
	if (!f->ours || (known.another && !known.same))
		return keep_for_confirmation(f, result, why);
	return store_connection(f, result, why);
}

static enum err go_through(struct finish *f, const struct oauth_return *back,
			   struct oauth_result *result, struct fail *why)
{
	const char *outcome;
	bool won = false;
	enum err e;

	if (f->state.used)
		return repeat(f, result, why);
	if (f->state.expired)
		return end_with(f, "expired", result, why);
	e = oauth_states_use(f->work->svc->db, f->state.state_hash, hash_slice(f->browser_hash),
			     hash_slice(f->code_hash), &won, why);
	if (!e && !won) {
		e = oauth_states_get(f->work->svc->db, f->state.state_hash, f->work->arena,
				     &f->state, why);
		return e ? e : repeat(f, result, why);
	}
	if (e)
		return e;
	if (back->error.len)
		return end_with(f, slice_is(back->error, "access_denied") ? "denied" : "failed",
				result, why);
	outcome = ask_provider(f, back, why);
	return outcome ? end_with(f, outcome, result, why) : judge(f, result, why);
}

enum err oauth_finish(struct work *work, const struct oauth_return *back,
		      struct oauth_result *result, struct fail *why)
{
	struct finish f = {.work = work};
	enum err e = look_up(&f, back, why);

	if (!e)
		e = check(&f, back, why);
	if (!e)
		e = go_through(&f, back, result, why);
	grant_wipe(&f.grant);
	return e == ERR_STALE ? tell_what_holds(&f, result, why) : e;
}

static enum err unseal_pending(struct finish *f, const char *column, struct slice blob,
			       struct secret *out)
{
	struct seal_place place = {.tenant = f->state.tenant, .row = f->state.id, .column = column};

	return blob.len ? seal_open(f->work->svc->ring, &place, blob, out) : OK;
}

static enum err take_pending(struct finish *f)
{
	enum err e = unseal_pending(f, "pending_access", f->state.pending_access, &f->grant.access);

	if (!e)
		e = unseal_pending(f, "pending_refresh", f->state.pending_refresh,
				   &f->grant.refresh);
	f->grant.scopes = f->state.pending_scopes;
	f->grant.expires_in_s = (f->state.pending_expires_ms - clock_now_ms()) / 1000;
	f->account.id = f->state.pending_account_id;
	f->account.email = f->state.pending_account_email;
	return e;
}

static enum err answer_confirmation(struct finish *f, bool yes, struct oauth_result *result,
				    struct fail *why)
{
	enum err e;

	if (!slice_is(f->state.outcome, "confirm"))
		return ERR_STALE;
	if (!yes || f->state.expired)
		return end_with(f, yes ? "expired" : "denied", result, why);
	e = take_pending(f);
	return e ? e : store_connection(f, result, why);
}

enum err oauth_confirm(struct work *work, const struct id *flow, struct slice browser, bool yes,
		       struct oauth_result *result, struct fail *why)
{
	struct finish f = {.work = work};
	enum err e = oauth_states_get_by_id(work->svc->db, flow, work->arena, &f.state, why);

	if (e)
		return e;
	sha256(browser, f.browser_hash);
	if (!same_hash(f.state.browser_hash, f.browser_hash))
		return ERR_BAD_STATE;
	e = answer_confirmation(&f, yes, result, why);
	grant_wipe(&f.grant);
	return e == ERR_STALE ? tell_what_holds(&f, result, why) : e;
}
