#include "web/auth.h"

#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/digest.h"
#include "base/log.h"
#include "store/api_keys.h"
#include "store/tenants.h"
#include "web/audit.h"
#include "web/cors.h"
#include "web/guesses.h"
#include "web/jwt.h"
#include "web/limits.h"
#include "web/request.h"
#include "web/session.h"

/* What no owner can be called (text_is_id), to ask for one who does not exist. */
#define NOBODY SLICE("?")

enum { KEY_BYTES_MAX = 255, NOTE_USE_AFTER_MS = 3600 * 1000, RATE_WINDOW_S = 60 };

static const char KEY_HEADER[] = "HTTP_X_INSTRUCTOROPS_KEY";
static const char OTHER_KEY_HEADER[] = "HTTP_X_API_KEY";
static const char INSTRUCTOR_HEADER[] = "HTTP_X_INSTRUCTOR_ID";

static const struct slice NONE = {NULL, 0};

/* What was shown; of several kinds the first in this order counts, the others are not looked at. */
static enum caller_kind presented(const struct request *rq)
{
	if (request_header_count(rq, KEY_HEADER) > 0 ||
	    request_header_count(rq, OTHER_KEY_HEADER) > 0)
		return CALLER_KEY;
	if (request_header_count(rq, "HTTP_AUTHORIZATION") > 0)
		return CALLER_TOKEN;
	return session_is_presented(rq) ? CALLER_SESSION : CALLER_NOBODY;
}

/* The owner that the request names, or none. What cannot be an id is nobody's. */
static struct slice named_owner(const struct request *rq, struct slice host)
{
	struct slice name = NONE;

	if (rq->route->whose == ITS_PATHS_COACH)
		name = request_param(rq, "coachId");
	else if (rq->route->whose == ITS_BODYS_HOST)
		name = host;
	else if (rq->route->whose == ITS_HEADERS_INSTRUCTOR &&
		 request_header_count(rq, INSTRUCTOR_HEADER) == 1)
		name = request_header(rq, INSTRUCTOR_HEADER);
	return name.len == 0 || text_is_id(name, true) ? name : NOBODY;
}

/* The key in the settings is of the default tenant, as the demo host is. */
static enum err by_setting(struct request *rq, struct slice owner, struct fail *why)
{
	struct caller *caller = &rq->caller;

	caller->tenant = TENANT_DEFAULT;
	caller->scopes = SCOPE_EVENTS;
	caller->actor = SLICE("key:setting");
	return callers_by_owner(rq->work.svc->db, &caller->tenant, owner, rq->work.arena,
				&rq->target, why);
}

/* The first use of a key is worth a line: its owner can tell whether it was he. */
static void note_use(const struct request *rq, const struct api_key *key)
{
	struct db *db = rq->work.svc->db;
	struct fail why = {0};
	bool first = false;
	enum err e = key->unused_ms < 0 ? api_keys_mark_first_use(db, &key->id, &first, &why)
					: api_keys_touch(db, &key->id, &why);

	/* the next request tries again; this one need not fail for it */
	if (e)
		log_note(LOG_WARNING, "key_use", "%s: %s", err_code(e), why.detail);
	if (first)
		audit_note(rq, "key_first_use", rq->caller.actor, "ok");
}

static enum err by_table(struct request *rq, struct slice hash, struct slice owner,
			 struct api_key *key, struct fail *why)
{
	struct caller *caller = &rq->caller;
	char id[ID_TEXT_BYTES];
	char *actor;
	enum err e = callers_by_key(rq->work.svc->db, hash, owner, rq->work.arena, key, &rq->target,
				    why);

	if (e)
		return e == ERR_NOT_FOUND ? fail_set(why, ERR_NO_CREDENTIAL,
						     "API key: unknown, expired or revoked")
					  : e;
	id_text(&key->id, id);
	actor = arena_format(rq->work.arena, "key:%s", id);
	if (!actor)
		return ERR_NOMEM;
	caller->tenant = key->tenant;
	caller->scopes = key->scopes;
	caller->role = key->scopes & SCOPE_ADMIN ? ROLE_ADMIN : ROLE_COACH;
	caller->actor = slice_of(actor);
	return OK;
}

static struct slice shown_key(const struct request *rq)
{
	return request_header(rq, request_header_count(rq, KEY_HEADER) > 0 ? KEY_HEADER
									   : OTHER_KEY_HEADER);
}

static bool is_setting(const struct config *config, struct slice hash)
{
	struct slice key = secret_slice(&config->instructorops_api_key);
	unsigned char ours[SHA256_BYTES];

	digest_sha256(&key, 1, ours);
	return key.len > 0 && digest_equal(hash, (struct slice){(const char *)ours, sizeof(ours)});
}

static enum err identify_key(struct request *rq, struct slice owner, struct fail *why)
{
	const struct config *config = rq->work.svc->config;
	unsigned n =
		request_header_count(rq, KEY_HEADER) + request_header_count(rq, OTHER_KEY_HEADER);
	struct slice shown = shown_key(rq);
	unsigned char raw[SHA256_BYTES];
	struct slice hash = {(const char *)raw, sizeof(raw)};
	struct api_key key = {0};
	unsigned wait_s;
	enum err e;

	if (rq->route->whose == ITS_BODYS_HOST && owner.len == 0)
		owner = slice_of(config->demo_host_id);
	digest_sha256(&shown, 1, raw);
	e = is_setting(config, hash) ? by_setting(rq, owner, why)
				     : by_table(rq, hash, owner, &key, why);
	/* judged only now, so that these cost what a wrong key costs */
	if (!e && (n != 1 || shown.len == 0 || shown.len > KEY_BYTES_MAX))
		e = fail_set(why, ERR_NO_CREDENTIAL, "API key: given twice, empty or too long");
	if (e)
		return e;
	if (!limits_take(rq->web->limits, LIMIT_KEY, rq->caller.actor, config->rate_key_per_min,
			 RATE_WINDOW_S, &wait_s)) {
		why->retry_after_s = wait_s;
		return fail_set(why, ERR_TOO_MANY, "more calls of this key than a minute may have");
	}
	if (key.unused_ms < 0 || key.unused_ms >= NOTE_USE_AFTER_MS)
		note_use(rq, &key);
	return OK;
}

static enum err take_claims(struct request *rq, const struct jwt_claims *claims)
{
	struct caller *caller = &rq->caller;
	char *actor = arena_format(rq->work.arena, "owner:%.*s", (int)claims->subject.len,
				   claims->subject.data);

	if (!actor)
		return ERR_NOMEM;
	caller->role = slice_is(claims->role, "admin") ? ROLE_ADMIN : ROLE_COACH;
	caller->actor = slice_of(actor);
	caller->external_id = claims->subject;
	caller->email = claims->email;
	caller->display_name = claims->name;
	return OK;
}

static enum err identify_token(struct request *rq, struct slice owner, bool *is_guess,
			       struct fail *why)
{
	struct jwt_claims claims;
	enum err e = jwt_check(rq->web->jwt_keys, &rq->work, request_bearer(rq), clock_now_ms(),
			       &claims, why);

	*is_guess = claims.is_guess;
	if (!e)
		e = take_claims(rq, &claims);
	if (e)
		return e;
	e = svc_jwt_tenant(rq->work.svc, &rq->caller.tenant, why);
	return e ? e
		 : callers_by_owner(rq->work.svc->db, &rq->caller.tenant,
				    owner.len > 0 ? owner : claims.subject, rq->work.arena,
				    &rq->target, why);
}

static enum err identify_session(struct request *rq, struct slice owner, struct fail *why)
{
	struct session session;
	enum err e = session_find(rq, owner, &session, &rq->target, why);

	return e ? e : session_take_caller(rq, &session);
}

static bool is_safe(const struct request *rq)
{
	struct slice method = request_header(rq, "REQUEST_METHOD");

	return slice_is(method, "GET") || slice_is(method, "HEAD");
}

/* The scope admin stands for all of them. */
static bool has_scope(unsigned scopes, unsigned wanted)
{
	return (scopes & SCOPE_ADMIN) || (scopes & wanted) == wanted;
}

/* May this caller, who is who he says, use this route? */
static enum err judge_kind(const struct request *rq, struct fail *why)
{
	static const unsigned BITS[] = {
		[CALLER_NOBODY] = BY_NOBODY,   [CALLER_KEY] = BY_KEY,   [CALLER_TOKEN] = BY_TOKEN,
		[CALLER_SESSION] = BY_SESSION, [CALLER_DEMO] = BY_DEMO,
	};
	const struct route *route = rq->route;
	const struct caller *caller = &rq->caller;

	if (!(route->callers & BITS[caller->kind]))
		return fail_set(why, ERR_FORBIDDEN, "not for this kind of credential");
	if (caller->kind == CALLER_KEY && !has_scope(caller->scopes, route->scope))
		return fail_set(why, ERR_FORBIDDEN, "the key lacks the scope");
	if (caller->kind == CALLER_SESSION && !is_safe(rq))
		return session_check_csrf(rq, &caller->session, why);
	return OK;
}

static enum err not_there(const struct request *rq, struct fail *why)
{
	if (rq->route->whose == ITS_BODYS_HOST)
		return fail_because(why, ERR_NOT_FOUND, "no such host");
	return ERR_NOT_FOUND;
}

/* A key has no owner of its own; without a name it speaks for the demo host, of its tenant alone.
 */
static enum err judge_unnamed(const struct request *rq, struct fail *why)
{
	if (rq->route->whose != ITS_BODYS_HOST)
		return OK;
	if (!rq->work.svc->config->demo_host_id || !id_equal(&TENANT_DEFAULT, &rq->caller.tenant))
		return fail_field(why, "hostId", FIELD_IS_REQUIRED);
	return id_is_none(&rq->target.owner.id) ? not_there(rq, why) : OK;
}

/*
 * Whose calendar may this caller have? A coach hears the same of every other owner, there or not,
 * as one who may reach all of a tenant hears of those who are not there.
 */
static enum err judge_owner(const struct request *rq, struct slice owner, struct fail *why)
{
	const struct caller *caller = &rq->caller;
	bool by_header = rq->route->whose == ITS_HEADERS_INSTRUCTOR;

	if (by_header && !text_is_id(owner, true))
		return fail_because(why, ERR_BAD_REQUEST,
				    "The header x-instructor-id must be given once, as an id of 1 "
				    "to 128 characters");
	if (caller->kind == CALLER_KEY && owner.len == 0)
		return judge_unnamed(rq, why);
	if (owner.len == 0 || slice_equal(owner, caller->external_id))
		return OK;
	if (caller->kind != CALLER_KEY && caller->role != ROLE_ADMIN)
		return not_there(rq, why);
	/* one whom nobody has made yet has connected nothing, which the handler says */
	return id_is_none(&rq->target.owner.id) && !by_header ? not_there(rq, why) : OK;
}

/*
 * Nobody's word for it: the demo host alone, called from our own page or a listed one. What
 * fails is as any call without a credential.
 */
static enum err identify_demo(struct request *rq, struct slice owner, struct fail *why)
{
	const struct config *config = rq->work.svc->config;
	char raw[GUESSES_ADDRESS_BYTES];
	unsigned wait_s;

	if (!(rq->route->callers & BY_DEMO) || !config->demo_host_id)
		return fail_set(why, ERR_NO_CREDENTIAL, "no credential");
	if (owner.len > 0 && !slice_is(owner, config->demo_host_id))
		return fail_set(why, ERR_NO_CREDENTIAL, "no credential for another host");
	if (!cors_is_ours(rq, true))
		return fail_set(why, ERR_NO_CREDENTIAL, "no credential, and no page of ours");
	rq->caller.kind = CALLER_DEMO;
	if (!limits_take(rq->web->limits, LIMIT_DEMO, guesses_client(rq->work.address, raw),
			 config->rate_demo_per_min, RATE_WINDOW_S, &wait_s)) {
		why->retry_after_s = wait_s;
		return fail_set(why, ERR_TOO_MANY,
				"more than a minute may have without credential");
	}
	rq->caller.actor = SLICE("demo");
	rq->caller.tenant = TENANT_DEFAULT;
	return callers_by_owner(rq->work.svc->db, &TENANT_DEFAULT, slice_of(config->demo_host_id),
				rq->work.arena, &rq->target, why);
}

static struct guess guess_of(const struct request *rq)
{
	if (rq->caller.kind == CALLER_KEY)
		return (struct guess){GUESS_KEY, shown_key(rq)};
	if (rq->caller.kind == CALLER_TOKEN)
		return (struct guess){GUESS_TOKEN, request_bearer(rq)};
	return (struct guess){GUESS_RANDOM, NONE};
}

static enum err identify(struct request *rq, struct slice owner, struct fail *why)
{
	struct guess guess = guess_of(rq);
	bool is_guess = true;
	enum err e = guesses_check(rq, &guess, why);

	if (e)
		return e;
	if (rq->caller.kind == CALLER_KEY)
		e = identify_key(rq, owner, why);
	else if (rq->caller.kind == CALLER_TOKEN)
		e = identify_token(rq, owner, &is_guess, why);
	else
		e = identify_session(rq, owner, why);
	return e == ERR_NO_CREDENTIAL && is_guess ? guesses_count(rq, &guess, why) : e;
}

enum err auth_identify(struct request *rq, struct slice host, struct fail *why)
{
	struct slice owner = named_owner(rq, host);
	enum err e;

	rq->caller = (struct caller){0};
	rq->target = (struct target){0};
	if (rq->route->callers & BY_NOBODY)
		return OK;
	rq->caller.kind = presented(rq);
	if (rq->caller.kind == CALLER_NOBODY)
		return identify_demo(rq, owner, why);
	e = identify(rq, owner, why);
	if (!e)
		e = judge_kind(rq, why);
	if (!e)
		e = judge_owner(rq, owner, why);
	/* who is not there yet can be named in what he is told all the same */
	if (!e && id_is_none(&rq->target.owner.id))
		rq->target.owner.external_id = owner;
	return e;
}

enum err auth_make_owner(struct request *rq, struct fail *why)
{
	struct db *db = rq->work.svc->db;
	struct owner owner = {
		.tenant = rq->caller.tenant,
		.external_id = request_header(rq, INSTRUCTOR_HEADER),
	};
	enum err e;

	if (rq->route->whose != ITS_HEADERS_INSTRUCTOR || !id_is_none(&rq->target.owner.id) ||
	    strcmp(rq->route->method, "POST") != 0)
		return OK;
	e = owners_put(db, &owner, why);
	/* another one may have made him, and given him a calendar, in the meantime */
	if (!e)
		e = callers_by_owner(db, &owner.tenant, owner.external_id, rq->work.arena,
				     &rq->target, why);
	return e;
}
