#include "web/consent_cookie.h"

#include "base/digest.h"
#include "service/oauth_start.h"
#include "web/answer.h"
#include "web/request.h"

static const char NAME[] = "__Host-cb_oauth";

struct slice consent_cookie_of(const struct request *rq)
{
	unsigned char raw[SHA256_BYTES];
	struct slice value;
	size_t len;

	if (request_cookie(rq, NAME, &value) || value.len != OAUTH_SECRET_CHARS ||
	    digest_base64url_read(value, raw, sizeof(raw), &len))
		return (struct slice){NULL, 0};
	return value;
}

enum err consent_cookie_give(const struct request *rq, struct answer *an, struct slice *browser)
{
	unsigned char raw[SHA256_BYTES];
	char *made;

	*browser = consent_cookie_of(rq);
	if (!browser->len) {
		made = arena_alloc(rq->work.arena, BASE64URL_32_BYTES);
		if (!made)
			return ERR_NOMEM;
		rand_fill(raw, sizeof(raw));
		*browser = (struct slice){made, digest_base64url(raw, sizeof(raw), made)};
	}
	answer_cookie(an, NAME, *browser, OAUTH_STATE_VALID_S);
	return OK;
}

static struct csrf_use use_of(const struct id *flow, struct slice browser)
{
	return (struct csrf_use){.kind = "consent:", .id = *flow, .browser = browser};
}

enum err consent_cookie_token(const struct request *rq, const struct id *flow, struct slice browser,
			      char out[CSRF_TOKEN_BYTES])
{
	const struct csrf_use use = use_of(flow, browser);

	return csrf_token(rq->work.svc->ring, &use, out);
}

enum err consent_cookie_check(const struct request *rq, const struct id *flow, struct slice browser,
			      struct slice shown)
{
	const struct csrf_use use = use_of(flow, browser);

	return csrf_check(rq->work.svc->ring, &use, shown);
}
