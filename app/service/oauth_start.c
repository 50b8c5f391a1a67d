#include "service/oauth_start.h"

#include <string.h>

#include "base/config.h"
#include "base/digest.h"
#include "base/rand.h"
#include "base/seal.h"
#include "base/secret.h"
#include "model/return_place.h"
#include "provider/provider.h"
#include "service/pkce.h"
#include "service/svc.h"
#include "store/connections.h"
#include "store/oauth_states.h"
#include "store/owners.h"

/* Else the address of a calendar that waits for consent again is the likeliest account. */
static enum err login_hint(struct work *work, const struct oauth_start *start, struct slice *hint,
			   struct fail *why)
{
	struct connection *list;
	size_t n;
	enum err e;

	*hint = start->account;
	if (start->account.len)
		return OK;
	e = connections_list(work->svc->db, &start->owner->tenant, &start->owner->id, work->arena,
			     &list, &n, why);
	for (size_t i = 0; !e && i < n; i++)
		if (list[i].status == CONNECTION_REAUTH_REQUIRED &&
		    slice_is(list[i].provider, start->provider->name))
			*hint = list[i].account_email;
	return e;
}

/* A connect link, if that is where it leads back to, is a credential and lies in no table. */
static enum err seal_return_place(struct work *work, const struct oauth_start *start,
				  const struct id *row, struct buf *out)
{
	struct seal_place place = {
		.tenant = start->owner->tenant, .row = *row, .column = "return_to"};
	struct secret text = {0};
	enum err e = secret_set(&text, start->return_to);

	buf_init(out, work->arena, RETURN_PLACE_BYTES + SEAL_OVERHEAD_BYTES);
	if (!e)
		e = seal_close(work->svc->ring, &place, &text, out);
	secret_wipe(&text);
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
				  .handed_on = start->handed_on};
	struct buf place;
	enum err e = seal_return_place(work, start, &row.id, &place);

	if (e)
		return e;
	row.return_to = buf_slice(&place);
	digest_sha256(&state, 1, state_hash);
	row.state_hash = (struct slice){(const char *)state_hash, sizeof(state_hash)};
	if (start->browser.len) {
		digest_sha256(&start->browser, 1, browser_hash);
		row.browser_hash = (struct slice){(const char *)browser_hash, sizeof(browser_hash)};
	}
	return oauth_states_add(work->svc->db, &row, (int64_t)OAUTH_STATE_VALID_S * 1000,
				(unsigned)work->svc->config->rate_open_flows, why);
}

enum err oauth_start(struct work *work, const struct oauth_start *start, struct buf *url,
		     struct fail *why)
{
	const struct seal_ring *ring = work->svc->ring;
	unsigned char secret[SHA256_BYTES];
	char state[BASE64URL_32_BYTES];
	char verifier[BASE64URL_32_BYTES];
	char challenge[BASE64URL_32_BYTES];
	struct provider_cx cx = {.arena = work->arena, .config = work->svc->config};
	struct consent ask = {0};
	enum err e;

	rand_fill(secret, sizeof(secret));
	digest_base64url(secret, sizeof(secret), state);
	e = pkce_verifier(ring, seal_active(ring), slice_of(state), verifier);
	if (!e)
		e = login_hint(work, start, &ask.login_hint, why);
	if (!e)
		e = add_state(work, start, slice_of(state), why);
	if (!e) {
		pkce_challenge(verifier, challenge);
		ask.state = slice_of(state);
		ask.challenge = slice_of(challenge);
		e = start->provider->consent_url(&cx, &ask, url, why);
	}
	explicit_bzero(verifier, sizeof(verifier));
	return e ? e : buf_error(url);
}
