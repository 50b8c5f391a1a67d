#include "web/session.h"

#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/rand.h"
#include "store/sessions.h"
#include "web/answer.h"
#include "web/audit.h"
#include "web/cors.h"
#include "web/guesses.h"
#include "web/jwt.h"
#include "web/request.h"

static const char COOKIE[] = "__Host-cb_session";

enum {
	SECRET_BYTES = 32,
	SECRET_CHARS = BASE64URL_32_BYTES - 1,
	TOUCH_AFTER_MS = 60 * 1000,
};

/* What the browser is given, and what the table keeps of it. */
struct made {
	char secret[BASE64URL_32_BYTES];
	unsigned char hash[SHA256_BYTES];
};

static bool is_secret(struct slice text)
{
	unsigned char raw[SECRET_BYTES];
	size_t len;

	return text.len == SECRET_CHARS && !digest_base64url_read(text, raw, sizeof(raw), &len);
}

static struct slice hash_slice(const unsigned char hash[SHA256_BYTES])
{
	return (struct slice){(const char *)hash, SHA256_BYTES};
}

bool session_is_presented(const struct request *rq)
{
	struct slice cookie;

	/* two of them are no good, but were shown */
	return request_cookie(rq, COOKIE, &cookie) != OK || cookie.data;
}

/* By the cookie; ERR_NO_CREDENTIAL when it names no session that is open. */
static enum err look_up(struct request *rq, struct slice owner, struct session *session,
			struct target *target, struct fail *why)
{
	unsigned char hash[SHA256_BYTES];
	struct slice cookie;
	enum err e;

	if (request_cookie(rq, COOKIE, &cookie) || !is_secret(cookie))
		return fail_set(why, ERR_NO_CREDENTIAL, "session: no such cookie of ours");
	digest_sha256(&cookie, 1, hash);
	e = callers_by_session(rq->work.svc->db, hash_slice(hash), (int64_t)SESSION_IDLE_S * 1000,
			       owner, rq->work.arena, session, target, why);
	return e == ERR_NOT_FOUND ? fail_set(why, ERR_NO_CREDENTIAL, "session: unknown or over")
				  : e;
}

static void touch(struct request *rq, const struct session *session)
{
	struct fail why = {0};
	enum err e = sessions_touch(rq->work.svc->db, &session->id, &why);

	/* the next request tries again; this one need not fail for it */
	if (e)
		log_note(LOG_WARNING, "session_touch", "%s: %s", err_code(e), why.detail);
}

enum err session_find(struct request *rq, struct slice owner, struct session *session,
		      struct target *target, struct fail *why)
{
	enum err e = look_up(rq, owner, session, target, why);

	if (!e && session->idle_ms >= TOUCH_AFTER_MS)
		touch(rq, session);
	return e;
}

enum err session_take_caller(struct request *rq, const struct session *session)
{
	struct slice name = session->owner.external_id;
	char *actor = arena_format(rq->work.arena, "owner:%.*s", (int)name.len, name.data);

	if (!actor)
		return ERR_NOMEM;
	rq->caller = (struct caller){
		.kind = CALLER_SESSION,
		.tenant = session->tenant,
		.role = session->role,
		.actor = slice_of(actor),
		.external_id = name,
		.email = session->owner.email,
		.display_name = session->owner.name,
		.session = *session,
	};
	return OK;
}

static struct csrf_use use_of(const struct session *session)
{
	return (struct csrf_use){.kind = "session:", .id = session->id};
}

enum err session_csrf(const struct request *rq, const struct session *session,
		      char out[CSRF_TOKEN_BYTES])
{
	const struct csrf_use use = use_of(session);

	return csrf_token(rq->work.svc->ring, &use, out);
}

enum err session_check_csrf(const struct request *rq, const struct session *session,
			    struct fail *why)
{
	const struct csrf_use use = use_of(session);
	enum err e = ERR_CSRF;

	if (!cors_is_own_page(rq))
		return fail_set(why, e, "not from our own page");
	if (request_header_count(rq, "HTTP_X_CSRF_TOKEN") == 1)
		e = csrf_check(rq->work.svc->ring, &use, request_header(rq, "HTTP_X_CSRF_TOKEN"));
	return e == ERR_CSRF ? fail_set(why, e, "not this session's token") : e;
}

static void make(struct made *made)
{
	unsigned char raw[SECRET_BYTES];
	struct slice secret;

	rand_fill(raw, sizeof(raw));
	secret = (struct slice){made->secret, digest_base64url(raw, sizeof(raw), made->secret)};
	digest_sha256(&secret, 1, made->hash);
	explicit_bzero(raw, sizeof(raw));
}

static enum err open_link(struct request *rq, struct slice link, const struct made *made,
			  struct fail *why)
{
	unsigned char hash[SHA256_BYTES];
	enum err e;

	if (!is_secret(link))
		return fail_set(why, ERR_NO_CREDENTIAL, "sign-in link: not of our form");
	digest_sha256(&link, 1, hash);
	e = sessions_open(rq->work.svc->db, hash_slice(hash), hash_slice(made->hash),
			  (int64_t)SESSION_VALID_S * 1000, why);
	return e == ERR_NOT_FOUND
		       ? fail_set(why, ERR_NO_CREDENTIAL, "sign-in link: unknown, used or too old")
		       : e;
}

/* Who shows a user token for the first time becomes an owner here. */
static enum err open_token(struct request *rq, const struct jwt_claims *claims,
			   const struct made *made, struct fail *why)
{
	struct db *db = rq->work.svc->db;
	struct owner owner = {
		.external_id = claims->subject,
		.email = claims->email,
		.name = claims->name,
	};
	enum err e = svc_jwt_tenant(rq->work.svc, &owner.tenant, why);

	if (!e)
		e = owners_put(db, &owner, why);
	if (!e)
		e = sessions_add(db, &owner.tenant, &owner.id,
				 slice_is(claims->role, "admin") ? ROLE_ADMIN : ROLE_COACH,
				 hash_slice(made->hash), (int64_t)SESSION_VALID_S * 1000, why);
	return e;
}

/* The session that this browser had until now; nobody waits for it to run out. */
static void drop_old(struct request *rq)
{
	struct session old;
	struct target target;
	struct fail why = {0};
	enum err e;

	if (!session_is_presented(rq))
		return;
	e = look_up(rq, (struct slice){NULL, 0}, &old, &target, &why);
	if (!e)
		e = sessions_drop(rq->work.svc->db, &old.id, &why);
	if (e && e != ERR_NO_CREDENTIAL)
		log_note(LOG_WARNING, "session_drop", "%s: %s", err_code(e), why.detail);
}

static enum err open_session(struct request *rq, struct slice link, struct slice token,
			     struct made *made, struct fail *why)
{
	struct guess guess = {link.len > 0 ? GUESS_RANDOM : GUESS_TOKEN, token};
	struct jwt_claims claims = {0};
	enum err e = guesses_check(rq, &guess, why);

	if (e)
		return e;
	make(made);
	if (link.len > 0)
		e = open_link(rq, link, made, why);
	else
		e = jwt_check(rq->web->jwt_keys, &rq->work, token, clock_now_ms(), &claims, why);
	if (e == ERR_NO_CREDENTIAL && (link.len > 0 || claims.is_guess))
		e = guesses_count(rq, &guess, why);
	if (e || link.len > 0)
		return e;
	return open_token(rq, &claims, made, why);
}

enum err session_open(struct request *rq, struct answer *an, struct slice link, struct slice token,
		      struct session *session, struct fail *why)
{
	struct target target;
	struct made made;
	enum err e;

	*session = (struct session){0};
	/* a program that is no browser sends no Origin; another site's page cannot leave it out */
	if (cors_is_cross_site(rq) ||
	    (request_header_count(rq, "HTTP_ORIGIN") > 0 && !cors_is_ours(rq, false)))
		return fail_set(why, ERR_CSRF, "sign-in from another site");
	e = open_session(rq, link, token, &made, why);
	if (!e)
		e = callers_by_session(rq->work.svc->db, hash_slice(made.hash),
				       (int64_t)SESSION_IDLE_S * 1000, (struct slice){NULL, 0},
				       rq->work.arena, session, &target, why);
	if (!e)
		e = session_take_caller(rq, session);
	if (!e) {
		drop_old(rq);
		answer_cookie(an, COOKIE, slice_of(made.secret), SESSION_VALID_S);
	}
	explicit_bzero(&made, sizeof(made));
	if (e)
		return e;
	audit_note(rq, "login", link.len > 0 ? SLICE("link") : SLICE("token"), "ok");
	return OK;
}

void session_forget(struct answer *an)
{
	answer_cookie(an, COOKIE, SLICE(""), 0);
}

enum err session_close(struct request *rq, struct answer *an, struct fail *why)
{
	enum err e = sessions_drop(rq->work.svc->db, &rq->caller.session.id, why);

	if (e)
		return e;
	session_forget(an);
	audit_note(rq, "logout", SLICE("session"), "ok");
	return OK;
}
