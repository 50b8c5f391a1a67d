#include "provider/asking.h"

#include "io/http.h"
#include "provider/wire.h"

enum {
	TOKEN_ANSWER_BYTES_MAX = 64 * 1024,
	TOKEN_ARENA_BYTES = 16 * 1024,
	TOKEN_ARENA_BYTES_MAX = 1024 * 1024,
};

bool asking_succeeded(const struct http_reply *reply)
{
	return reply->status >= 200 && reply->status <= 299;
}

struct slice asking_json(const struct http_reply *reply)
{
	return reply->is_json ? buf_slice(&reply->body) : (struct slice){0};
}

enum err asking_run(const struct provider_cx *cx, struct asking *asking, struct http_reply *reply,
		    struct fail *why)
{
	enum err e;

	asking->http.deadline_ms = cx->deadline_ms;
	asking->http.timeout_s = cx->timeout_s;
	e = http_exchange(cx->http, cx->arena, &asking->http, reply, why);
	if (e || asking_succeeded(reply))
		return e;
	if (why)
		why->retry_after_s = reply->retry_after_s;
	return asking->refusal(cx->arena, asking->call, reply->status, asking_json(reply), why);
}

/* Takes the grant out of the answer, and its scopes out of the arena of the answer. */
static enum err take_grant(const struct provider_cx *cx, struct arena *arena, struct slice body,
			   struct grant *out, struct secret *id_token, struct fail *why)
{
	struct slice identity;
	enum err e = wire_grant(arena, body, out, &identity, why);

	if (!e && id_token && identity.len > 0)
		e = secret_set(id_token, identity);
	if (!e && out->scopes.len > 0) {
		const char *scopes = arena_copy(cx->arena, out->scopes);

		out->scopes = slice_of(scopes);
		e = scopes ? OK : ERR_NOMEM;
	}
	if (e)
		grant_wipe(out);
	return e;
}

enum err asking_tokens(const struct provider_cx *cx, struct asking *asking, const struct buf *form,
		       struct grant *out, struct secret *id_token, struct fail *why)
{
	struct arena *arena = arena_new(TOKEN_ARENA_BYTES, TOKEN_ARENA_BYTES_MAX);
	struct provider_cx own = *cx;
	struct http_reply reply;
	enum err e;

	if (!arena)
		return ERR_NOMEM;
	own.arena = arena;
	asking->http.method = "POST";
	asking->http.content_type = "application/x-www-form-urlencoded";
	asking->http.body = buf_slice(form);
	asking->http.ceiling_bytes = TOKEN_ANSWER_BYTES_MAX;
	e = asking_run(&own, asking, &reply, why);
	if (!e && out)
		e = take_grant(cx, arena, asking_json(&reply), out, id_token, why);
	else if (!e && asking_succeeded(&reply))
		e = wire_done(arena, buf_slice(&reply.body), why);
	arena_wipe(arena);
	arena_free(arena);
	return e;
}
