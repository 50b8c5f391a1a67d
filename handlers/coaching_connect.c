/* GET .../connect/{provider}/{coachId}: starts OAuth. Contract 3, seed 002. */
#include "base/config.h"
#include "base/digest.h"
#include "base/rand.h"
#include "handlers/routes.h"
#include "model/return_place.h"
#include "provider/provider.h"
#include "provider/providers.h"
#include "service/oauth_start.h"
#include "web/answer.h"
#include "web/consent_cookie.h"
#include "web/request.h"

enum { URL_BYTES = 4096 };

/* What is no good place leads to the dashboard, as the person did nothing wrong. */
static enum err read_return_place(const struct request *rq, struct slice *out, struct fail *why)
{
	enum err e = request_query(rq, "returnTo", RETURN_PLACE_BYTES, out, why);

	if (e == ERR_NOMEM)
		return e;
	if (e || !return_place_is_good(*out, slice_of(rq->work.svc->config->allowed_origins)))
		*out = RETURN_PLACE_DEFAULT;
	return OK;
}

/* A person whom the client application has just named to us becomes an owner here. */
static enum err know_owner(struct request *rq, struct fail *why)
{
	struct owner *owner = &rq->target.owner;

	if (!id_is_none(&owner->id))
		return OK;
	*owner = (struct owner){.tenant = rq->caller.tenant,
				.external_id = rq->caller.external_id,
				.email = rq->caller.email,
				.name = rq->caller.display_name};
	return owners_put(rq->work.svc->db, owner, why);
}

/*
 * Any site can lead the browser of a session here, and who then consents thinks of himself. So the
 * flow is bound to no browser, like one that is handed on: it asks before it connects (O6).
 */
static bool is_for_another(const struct request *rq)
{
	return rq->caller.kind == CALLER_SESSION &&
	       !id_equal(&rq->caller.session.owner.id, &rq->target.owner.id);
}

static void write(struct request *rq, struct answer *an, struct slice url)
{
	struct json_writer *json;

	if (!request_wants_json(rq)) {
		answer_redirect(an, url);
		return;
	}
	json = answer_json(an, 200);
	json_open(json, NULL);
	json_add_text(json, "authUrl", url);
	json_close(json);
}

enum err coaching_connect(struct request *rq, struct answer *an, struct fail *why)
{
	struct oauth_start start = {.provider = providers_find(rq->params[0]),
				    .owner = &rq->target.owner,
				    .handed_on = request_wants_json(rq) || is_for_another(rq)};
	struct buf url;
	enum err e;

	if (!start.provider || !start.provider->is_configured(rq->work.svc->config))
		return fail_because(why, ERR_NOT_FOUND, "this provider is not set up here");
	buf_init(&url, rq->work.arena, URL_BYTES);
	e = read_return_place(rq, &start.return_to, why);
	if (!e && !is_for_another(rq))
		e = consent_cookie_give(rq, an, &start.browser);
	if (!e)
		e = know_owner(rq, why);
	if (!e)
		e = oauth_start(&rq->work, &start, &url, why);
	if (!e)
		write(rq, an, buf_slice(&url));
	return e;
}
