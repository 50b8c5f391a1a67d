#include "web/jwks_url.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"
#include "io/flight.h"
#include "io/http.h"
#include "service/svc.h"
#include "web/jwks.h"

enum { TIMEOUT_S = 10, BLOCK_BYTES = 64 * 1024, CEILING_BYTES = 4 * 1024 * 1024 };

static const int64_t NEVER = INT64_MIN / 2; /* longer ago than anything */

/* Under this name a process asks for its keys. */
static const struct id FLIGHT = {"JWT_JWKS_URL"};

struct jwks_url {
	const char *url;
	const char *algorithm;
	pthread_mutex_t lock; /* over what follows */
	struct jwks set;      /* without keys until one has come */
	int64_t asked_ms;
	int64_t came_ms;
};

/* What there is for one token. */
struct found {
	EVP_PKEY *key; /* or NULL */
	bool is_stale; /* and may be asked for anew */
	bool has_set;
};

struct jwks_url *jwks_url_new(const char *url, const char *algorithm)
{
	struct jwks_url *keys = calloc(1, sizeof(*keys));

	if (!keys)
		return NULL;
	*keys = (struct jwks_url){
		.url = url, .algorithm = algorithm, .asked_ms = NEVER, .came_ms = NEVER};
	pthread_mutex_init(&keys->lock, NULL);
	return keys;
}

void jwks_url_free(struct jwks_url *keys)
{
	if (!keys)
		return;
	jwks_free(&keys->set);
	pthread_mutex_destroy(&keys->lock);
	free(keys);
}

/*
 * Is that so long ago? By as much a clock that was set back makes it so, too; by less, now_ms was
 * read by a thread that came in before the one that asked.
 */
static bool has_passed(int64_t since_ms, int64_t now_ms, int64_t ms)
{
	return llabs(now_ms - since_ms) >= ms;
}

static struct found look_up(struct jwks_url *keys, struct slice kid, int64_t now_ms)
{
	struct found found;

	pthread_mutex_lock(&keys->lock);
	found = (struct found){
		.key = jwks_find(&keys->set, kid),
		.is_stale = has_passed(keys->came_ms, now_ms, JWKS_URL_OLD_MS) &&
			    has_passed(keys->asked_ms, now_ms, JWKS_URL_ASK_MS),
		.has_set = keys->set.n > 0,
	};
	pthread_mutex_unlock(&keys->lock);
	return found;
}

/* True once a minute. */
static bool take_turn(struct jwks_url *keys, int64_t now_ms)
{
	bool is_due;

	pthread_mutex_lock(&keys->lock);
	is_due = has_passed(keys->asked_ms, now_ms, JWKS_URL_ASK_MS);
	if (is_due)
		keys->asked_ms = now_ms;
	pthread_mutex_unlock(&keys->lock);
	return is_due;
}

static enum err ask(const struct jwks_url *keys, const struct work *work, struct jwks *out,
		    struct fail *why)
{
	struct arena *arena = arena_new(BLOCK_BYTES, CEILING_BYTES);
	const struct http_ask ask = {
		.method = "GET",
		.url = keys->url,
		.deadline_ms = work->deadline_ms,
		.timeout_s = TIMEOUT_S,
	};
	struct http_reply reply;
	enum err e = ERR_NOMEM;

	if (arena)
		e = http_exchange(work->svc->http, arena, &ask, &reply, why);
	if (!e && (reply.status != 200 || reply.is_encoded))
		e = fail_set(why, ERR_UPSTREAM, "status %d", reply.status);
	if (!e)
		e = jwks_read(buf_slice(&reply.body), keys->algorithm, out, why);
	arena_free(arena);
	return e;
}

static void replace(struct jwks_url *keys, struct jwks set, int64_t now_ms)
{
	struct jwks old;

	pthread_mutex_lock(&keys->lock);
	old = keys->set;
	keys->set = set;
	keys->came_ms = now_ms;
	pthread_mutex_unlock(&keys->lock);
	jwks_free(&old);
}

/* Asks if it is time to; waits when another thread is at it. */
static void renew(struct jwks_url *keys, const struct work *work, int64_t now_ms)
{
	struct fail why = {0};
	struct jwks set;
	enum err e;

	if (!flight_enter(work->svc->refreshes, &FLIGHT, work->deadline_ms))
		return;
	if (take_turn(keys, now_ms)) {
		e = ask(keys, work, &set, &why);
		if (e)
			log_note(LOG_WARNING, "jwks_url", "%s: %s", err_code(e), why.detail);
		else
			replace(keys, set, now_ms);
	}
	flight_leave(work->svc->refreshes, &FLIGHT);
}

enum err jwks_url_find(struct jwks_url *keys, const struct work *work, struct slice kid,
		       int64_t now_ms, EVP_PKEY **out, struct fail *why)
{
	struct found found = look_up(keys, kid, now_ms);

	if (!found.key || found.is_stale) {
		EVP_PKEY_free(found.key);
		renew(keys, work, now_ms);
		found = look_up(keys, kid, now_ms);
	}
	*out = found.key;
	if (found.key)
		return OK;
	if (found.has_set)
		return fail_set(why, ERR_NO_CREDENTIAL, "user token: no key of that name");
	why->retry_after_s = JWKS_URL_ASK_MS / 1000;
	return fail_set(why, ERR_NO_KEYS, "no key set from JWT_JWKS_URL yet");
}
