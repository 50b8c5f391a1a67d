#include "web/cors.h"

#include "base/config.h"
#include "web/answer.h"
#include "web/request.h"

static const char REQUEST_HEADERS[] =
	"Authorization, Content-Type, Idempotency-Key, X-Api-Key, X-CSRF-Token, "
	"X-Instructor-Id, X-InstructorOps-Key";
static const char ANSWER_HEADERS[] = "Idempotency-Replayed, Location, Retry-After, X-Request-Id";

bool cors_is_allowed(const struct config *config, struct slice origin)
{
	struct slice rest = slice_of(config->allowed_origins);

	while (rest.data) {
		struct slice listed = slice_trim(slice_cut(&rest, ','));

		if (listed.len > 0 && slice_equal(listed, origin))
			return true;
	}
	return false;
}

/* The origin that the request names, once; else the empty slice. */
static struct slice origin_of(const struct request *rq)
{
	if (request_header_count(rq, "HTTP_ORIGIN") != 1)
		return (struct slice){NULL, 0};
	return request_header(rq, "HTTP_ORIGIN");
}

/* The origin of an URL as a browser writes it: up to the slash behind the host. */
static struct slice origin_of_url(struct slice url)
{
	struct slice rest = url;

	(void)slice_cut(&rest, '/');
	if (!rest.data || rest.len == 0 || rest.data[0] != '/')
		return (struct slice){NULL, 0};
	(void)slice_cut(&rest, '/');
	(void)slice_cut(&rest, '/');
	return rest.data ? (struct slice){url.data, (size_t)(rest.data - url.data) - 1} : url;
}

bool cors_is_ours(const struct request *rq, bool allowed_too)
{
	const struct config *config = rq->work.svc->config;
	struct slice origin = origin_of(rq);

	if (request_header_count(rq, "HTTP_ORIGIN") == 0 &&
	    request_header_count(rq, "HTTP_REFERER") == 1)
		origin = origin_of_url(request_header(rq, "HTTP_REFERER"));
	if (origin.len == 0)
		return false;
	return slice_is(origin, config->public_url) ||
	       (allowed_too && cors_is_allowed(config, origin));
}

bool cors_is_cross_site(const struct request *rq)
{
	return slice_is_nocase(request_header(rq, "HTTP_SEC_FETCH_SITE"), "cross-site");
}

bool cors_is_own_page(const struct request *rq)
{
	return cors_is_ours(rq, false) && !cors_is_cross_site(rq);
}

void cors_headers(const struct request *rq, struct answer *an)
{
	const struct config *config = rq->work.svc->config;
	struct slice origin = origin_of(rq);

	if (!config->allowed_origins)
		return;
	answer_header(an, "Vary", SLICE("Origin"));
	if (origin.len == 0 || !cors_is_allowed(config, origin))
		return;
	answer_header(an, "Access-Control-Allow-Origin", origin);
	answer_header(an, "Access-Control-Allow-Credentials", SLICE("true"));
	answer_header(an, "Access-Control-Expose-Headers", slice_of(ANSWER_HEADERS));
}

bool cors_preflight(const struct request *rq, struct answer *an, const char *methods)
{
	struct slice origin = origin_of(rq);

	if (!slice_is(request_header(rq, "REQUEST_METHOD"), "OPTIONS") || origin.len == 0 ||
	    !cors_is_allowed(rq->work.svc->config, origin) ||
	    !request_header(rq, "HTTP_ACCESS_CONTROL_REQUEST_METHOD").data)
		return false;
	answer_empty(an, 204);
	answer_header(an, "Access-Control-Allow-Methods", slice_of(methods));
	answer_header(an, "Access-Control-Allow-Headers", slice_of(REQUEST_HEADERS));
	answer_header(an, "Access-Control-Max-Age", SLICE("600"));
	return true;
}
