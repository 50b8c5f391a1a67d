#include "service/token.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/seal.h"
#include "base/secret.h"
#include "io/flight.h"
#include "provider/provider.h"
#include "provider/providers.h"
#include "service/application.h"
#include "service/svc.h"
#include "store/audit_log.h"
#include "store/connections.h"

enum {
	BARELY_S = 5, /* what a token must still live after we have waited for it */
	LIFE_LEAST_S = TOKEN_MARGIN_S + 2 * BARELY_S,
	TOKEN_CALL_S = 7, /* one call to the token endpoint */
	WAIT_LEAST_MS = 15,
	WAIT_SPREAD_MS = 30,
	SAVE_PAUSE_MS = 100
};

/* One attempt to refresh, under a lease. */
struct refresh {
	struct work *work;
	struct connection *conn;
	const struct provider *provider;
	struct id lease_owner;
	int64_t trusted_until_ms; /* of the monotonic clock: half the lease, from before it was
				     asked for */
};

static bool lives(const struct connection *conn, int64_t seconds)
{
	return conn->access_token.len > 0 &&
	       conn->access_expires_ms > clock_now_ms() + seconds * 1000;
}

static enum err read_again(struct work *work, struct connection *conn, struct fail *why)
{
	struct connection fresh;
	enum err e =
		connections_get(work->svc->db, &conn->tenant, &conn->id, work->arena, &fresh, why);

	if (!e)
		*conn = fresh;
	return e == ERR_NOT_FOUND ? ERR_NO_CONNECTION : e;
}

static struct seal_place place_of(const struct connection *conn, const char *column)
{
	return (struct seal_place){.tenant = conn->tenant, .row = conn->id, .column = column};
}

static void audit(struct work *work, const struct connection *conn, const char *action,
		  const char *result)
{
	char object[ID_TEXT_BYTES];
	struct fail why = {0};
	struct log_line line;
	enum err e;

	id_text(&conn->id, object);
	e = audit_log_add(work->svc->db,
			  &(struct audit){.tenant = conn->tenant,
					  .actor = SLICE("token"),
					  .action = action,
					  .object = slice_of(object),
					  .result = result,
					  .address = work->address,
					  .request_id = work->request_id},
			  &why);
	log_begin(&line, LOG_WARNING, action);
	log_slice(&line, "requestId", work->request_id);
	log_text(&line, "connection", object);
	log_slice(&line, "provider", conn->provider);
	log_text(&line, "result", result);
	if (e)
		log_fail(&line, e, &why);
	log_end(&line);
}

/* For want of a key the operator is to be asked: the owner's consent is as good as ever. */
static enum err unseal(struct work *work, const struct connection *conn, const char *column,
		       struct slice blob, struct secret *out, struct fail *why)
{
	const struct seal_ring *ring = work->svc->ring;
	struct seal_place place = place_of(conn, column);
	uint32_t number = seal_key_of(blob);
	enum err e = seal_open(ring, &place, blob, out);

	if (e != ERR_SEALED)
		return e;
	audit(work, conn, "token_unreadable", err_code(e));
	if (number && !seal_has_key(ring, number))
		return fail_set(why, e, "%s needs key %" PRIu32 ", which is not in the key ring",
				column, number);
	return ERR_REAUTH;
}

/* What is known of a refresh that failed a moment ago, without asking again. */
static enum err held_off(const struct connection *conn, struct fail *why)
{
	static const enum err WEATHER[] = {ERR_UPSTREAM, ERR_UPSTREAM_SLOW, ERR_UNREACHABLE,
					   ERR_THROTTLED, ERR_MISCONFIGURED};
	enum err e = ERR_UPSTREAM;

	for (size_t i = 0; i < ARRAY_LEN(WEATHER); i++)
		if (slice_is(conn->refresh_error, err_code(WEATHER[i])))
			e = WEATHER[i];
	if (why)
		why->retry_after_s = (unsigned)(conn->refresh_wait_ms + 999) / 1000;
	return fail_set(why, e, "the last refresh failed, the next try is not due");
}

static enum err seal_token(struct refresh *r, const char *column, const struct secret *token,
			   struct buf *out)
{
	struct seal_place place = place_of(r->conn, column);

	buf_init(out, r->work->arena, SECRET_BYTES_MAX + SEAL_OVERHEAD_BYTES);
	if (secret_is_empty(token))
		return OK;
	return seal_close(r->work->svc->ring, &place, token, out);
}

/*
 * A token that claims to be dead already, or to die before anybody could use it, would be refreshed
 * for every request: it is tried instead, and a 401 says when it is dead.
 */
static int64_t expiry_ms(const struct grant *grant)
{
	int64_t life_s = grant->expires_in_s;

	return clock_now_ms() + (life_s < LIFE_LEAST_S ? LIFE_LEAST_S : life_s) * 1000;
}

/*
 * The provider may have rotated the refresh token: what it gave is the only one that works from now
 * on, so saving is repeated for as long as the request may last. The write is fenced by lease and
 * version: repeating it is harmless, and ERR_STALE after a lost answer may mean that it was saved.
 */
static enum err save(struct refresh *r, const struct grant *grant, struct fail *why)
{
	int64_t expires_ms = expiry_ms(grant);
	struct buf access;
	struct buf refresh;
	enum err e = seal_token(r, "access_token", &grant->access, &access);

	if (!e)
		e = seal_token(r, "refresh_token", &grant->refresh, &refresh);
	if (e)
		return e;
	for (;;) {
		e = connections_store_tokens(r->work->svc->db, r->conn, &r->lease_owner,
					     buf_slice(&access), buf_slice(&refresh), expires_ms,
					     why);
		if (e == OK || e == ERR_STALE || e == ERR_INTERNAL)
			return e;
		if (clock_mono_ms() + SAVE_PAUSE_MS >= r->work->deadline_ms)
			break;
		clock_sleep_ms(SAVE_PAUSE_MS);
	}
	log_note(LOG_ERROR, "token_not_saved", "%s", err_code(e));
	return e;
}

static enum err call(struct refresh *r, const struct secret *token, struct grant *grant,
		     struct fail *why)
{
	struct provider_cx cx = {.http = r->work->svc->http,
				 .arena = r->work->arena,
				 .config = r->work->svc->config,
				 .deadline_ms = r->trusted_until_ms,
				 .timeout_s = TOKEN_CALL_S};

	if (cx.deadline_ms > r->work->deadline_ms)
		cx.deadline_ms = r->work->deadline_ms;
	return r->provider->refresh(&cx, token, grant, why);
}

static enum err take_lease(struct refresh *r, bool *taken, struct fail *why)
{
	int64_t lease_ms = r->work->svc->config->refresh_lease_s * 1000;

	r->trusted_until_ms = clock_mono_ms() + lease_ms / 2;
	return connections_take_lease(r->work->svc->db, r->conn, &r->lease_owner, lease_ms, taken,
				      why);
}

static bool is_weather(enum err e)
{
	return e == ERR_UPSTREAM || e == ERR_UPSTREAM_SLOW || e == ERR_UNREACHABLE ||
	       e == ERR_DEADLINE;
}

/* An unanswered refresh is safe to repeat; it is repeated once, at once, under a renewed lease. */
static enum err call_twice(struct refresh *r, const struct secret *token, struct grant *grant,
			   struct fail *why)
{
	enum err e = call(r, token, grant, why);
	bool taken = false;
	enum err renewed;

	if (!is_weather(e))
		return e;
	renewed = take_lease(r, &taken, why);
	if (renewed || !taken)
		return renewed ? renewed : ERR_STALE;
	return call(r, token, grant, why);
}

/*
 * The grant is worth nothing any more. A token that the provider refused is thrown away; one that
 * merely cannot be read here is kept, for whoever finds out what damaged it.
 */
static enum err end_grant(struct refresh *r, bool keep)
{
	enum err noted =
		connections_require_reauth(r->work->svc->db, r->conn, &r->lease_owner, keep, NULL);

	if (noted == ERR_STALE)
		return noted;
	audit(r->work, r->conn, "reauth_required", noted ? err_code(noted) : "ok");
	return ERR_REAUTH;
}

/* Is it our own trouble alone, for which no other process shall wait? */
static bool is_ours(const struct refresh *r, enum err e)
{
	return e == ERR_SEALED ||
	       (e == ERR_UPSTREAM_SLOW && clock_mono_ms() >= r->work->deadline_ms);
}

/* Every other way in which a refresh can fail leaves its trace in the row, and frees the lease. */
static enum err note(struct refresh *r, enum err e, struct fail *why)
{
	const struct config *config = r->work->svc->config;
	struct db *db = r->work->svc->db;
	int64_t holdoff_ms = config->refresh_holdoff_s * 1000;
	struct fail inner = {0};
	enum err noted;

	if (e == ERR_DEADLINE)
		e = ERR_UPSTREAM_SLOW;
	if (e == ERR_MISCONFIGURED) {
		application_refused(r->work, r->provider->name);
		holdoff_ms = (int64_t)APPLICATION_PAUSE_S * 1000;
	}
	if (why && (int64_t)why->retry_after_s * 1000 > holdoff_ms)
		holdoff_ms = (int64_t)why->retry_after_s * 1000;
	if (is_ours(r, e))
		holdoff_ms = 0;
	noted = connections_note_failure(db, r->conn, &r->lease_owner, err_code(e), holdoff_ms,
					 &inner);
	if (noted == ERR_STALE)
		return noted;
	audit(r->work, r->conn, "refresh_failed", err_code(e));
	if (why)
		why->retry_after_s = (unsigned)(holdoff_ms / 1000);
	return e;
}

/* Under the lease. ERR_STALE: somebody took over, the row says what came of it. */
static enum err refresh_leased(struct refresh *r, struct fail *why)
{
	struct secret token = {0};
	struct grant grant = {0};
	enum err e = unseal(r->work, r->conn, "refresh_token", r->conn->refresh_token, &token, why);
	bool damaged = e == ERR_REAUTH;

	if (!e)
		e = call_twice(r, &token, &grant, why);
	if (!e)
		e = save(r, &grant, why);
	else if (e == ERR_REAUTH)
		e = end_grant(r, damaged);
	else if (e != ERR_STALE)
		e = note(r, e, why);
	if (!e)
		application_accepted(r->work, r->provider->name);
	secret_wipe(&token);
	grant_wipe(&grant);
	return e;
}

/*
 * Brings the row to a state that says something: refreshed, refused, or failed a moment ago; by our
 * own hand or by whoever holds the lease. Alone in this process, by flight.
 */
static enum err bring_up_to_date(struct refresh *r, struct fail *why)
{
	for (;;) {
		bool taken = false;
		enum err e = take_lease(r, &taken, why);

		if (!e && taken) {
			e = refresh_leased(r, why);
			if (e && e != ERR_STALE)
				return e;
		}
		if (!e || e == ERR_STALE)
			e = read_again(r->work, r->conn, why);
		if (e)
			return e;
		if (lives(r->conn, BARELY_S) || r->conn->status != CONNECTION_ACTIVE ||
		    r->conn->refresh_wait_ms > 0)
			return OK;
		if (clock_mono_ms() >= r->work->deadline_ms)
			return ERR_DEADLINE;
		clock_sleep_ms(WAIT_LEAST_MS + (int64_t)rand_below(WAIT_SPREAD_MS));
	}
}

static enum err refresh_together(struct work *work, struct connection *conn, struct fail *why)
{
	struct refresh r = {.work = work,
			    .conn = conn,
			    .provider = providers_find(conn->provider),
			    .lease_owner = id_new()};
	enum err e;

	if (!r.provider)
		return fail_set(why, ERR_INTERNAL, "a connection of an unknown provider");
	while (!flight_enter(work->svc->refreshes, &conn->id, work->deadline_ms)) {
		e = read_again(work, conn, why);
		if (e || lives(conn, BARELY_S) || conn->status != CONNECTION_ACTIVE ||
		    conn->refresh_wait_ms > 0)
			return e;
		if (clock_mono_ms() >= work->deadline_ms)
			return ERR_DEADLINE;
	}
	e = bring_up_to_date(&r, why);
	flight_leave(work->svc->refreshes, &conn->id);
	return e;
}

/* What the row, as it now stands, has for us. */
static enum err give(struct work *work, const struct connection *conn, struct secret *out,
		     struct fail *why)
{
	if (conn->status == CONNECTION_DISCONNECTED)
		return ERR_NO_CONNECTION;
	if (conn->status != CONNECTION_ACTIVE)
		return ERR_REAUTH;
	if (lives(conn, BARELY_S))
		return unseal(work, conn, "access_token", conn->access_token, out, why);
	return held_off(conn, why);
}

enum err token_fresh(struct work *work, struct connection *conn, struct secret *out,
		     struct fail *why)
{
	enum err e = OK;

	/* While a refresh is held off, a token that still lives a little is better than none. */
	if (conn->status == CONNECTION_ACTIVE && !lives(conn, TOKEN_MARGIN_S) &&
	    conn->refresh_wait_ms == 0)
		e = refresh_together(work, conn, why);
	return e ? e : give(work, conn, out, why);
}

enum err token_renew(struct work *work, struct connection *conn, struct secret *out,
		     struct fail *why)
{
	enum err e;

	secret_wipe(out);
	e = connections_expire_access(work->svc->db, conn, why);
	if (!e)
		e = read_again(work, conn, why);
	return e ? e : token_fresh(work, conn, out, why);
}
