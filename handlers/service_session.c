/* GET, POST, DELETE /api/session: who is signed in; sign in by a link's token or a user token; sign
 * out. Contract 6. */
#include "base/config.h"
#include "base/rfc3339.h"
#include "handlers/routes.h"
#include "provider/provider.h"
#include "provider/providers.h"
#include "web/answer.h"
#include "web/auth.h"
#include "web/request.h"
#include "web/session.h"

struct sign_in {
	struct slice token;
};

static const struct field FIELDS[] = {
	TEXT(sign_in, token, "signInToken", OPTIONAL, 1, 128),
};

/* The providers that can be connected here. */
static void write_providers(struct json_writer *json, const struct config *config)
{
	const struct provider *provider;

	json_open_array(json, "providers");
	for (size_t i = 0; (provider = providers_at(i)); i++)
		if (provider->is_configured(config))
			json_add_string(json, NULL, provider->name);
	json_close_array(json);
}

/* What the page needs to know of its user, and the token its writes must carry. */
static enum err show(struct request *rq, const struct session *session, struct answer *an,
		     int status)
{
	char csrf[CSRF_TOKEN_BYTES];
	char expires[RFC3339_BYTES];
	const struct owner *owner = &session->owner;
	const struct config *config = rq->work.svc->config;
	struct json_writer *json;
	enum err e = session_csrf(rq, session, csrf);

	if (e)
		return e;
	rfc3339_utc(session->expires_ms, expires);
	json = answer_json(an, status);
	json_open(json, NULL);
	json_add_string(json, "csrfToken", csrf);
	json_add_string(json, "expiresAt", expires);
	json_add_bool(json, "sandbox", config->sandbox_notice);
	write_providers(json, config);
	json_open(json, "owner");
	json_add_text(json, "id", owner->external_id);
	json_add_text(json, "email", owner->email);
	json_add_text(json, "name", owner->name);
	json_add_text(json, "timeZone",
		      owner->time_zone.len ? owner->time_zone
					   : slice_of(config->default_time_zone));
	json_add_string(json, "role", session->role == ROLE_ADMIN ? "admin" : "coach");
	json_close(json);
	json_close(json);
	return OK;
}

enum err session_show(struct request *rq, struct answer *an, struct fail *why)
{
	(void)why;
	return show(rq, &rq->caller.session, an, 200);
}

enum err session_create(struct request *rq, struct answer *an, struct fail *why)
{
	struct sign_in in = {0};
	struct slice user_token = request_bearer(rq);
	struct session session;
	enum err e = request_decode(rq, FIELDS, ARRAY_LEN(FIELDS), &in, why);

	if (!e && (in.token.len == 0) == (user_token.len == 0))
		e = fail_because(why, ERR_FIELDS,
				 "either signInToken or a user token in Authorization is required");
	if (!e)
		e = session_open(rq, an, in.token, user_token, &session, why);
	return e ? e : show(rq, &session, an, 200);
}

enum err session_remove(struct request *rq, struct answer *an, struct fail *why)
{
	enum err e = session_close(rq, an, why);

	if (!e)
		answer_empty(an, 204);
	return e;
}
