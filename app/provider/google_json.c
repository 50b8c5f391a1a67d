#include "provider/google_json.h"

#include "base/json.h"
#include "provider/wire.h"

enum {
	ACCOUNT_BYTES_MAX = 255, /* a sub, by OpenID Connect */
	RATE_PAUSE_S = 30,       /* the window of the quota is a minute */
	QUOTA_PAUSE_S = 3600,    /* an account locked for too many guests: hours */
};

enum err google_json_account(struct arena *arena, struct slice body, struct account *out,
			     struct fail *why)
{
	const struct json *root;
	const char *id = "id"; /* as userinfo v2 calls it; OpenID Connect says sub */
	enum err e = wire_success(arena, body, &root, why);

	*out = (struct account){0};
	if (e)
		return e;
	if (!json_member(root, id))
		id = "sub";
	if (wire_word(root, id, ACCOUNT_BYTES_MAX, &out->id) && out->id.len > 0 &&
	    wire_word(root, "email", SECRET_BYTES_MAX, &out->email) &&
	    (out->email.len == 0 || text_is_email(out->email)))
		return OK;
	*out = (struct account){0};
	return wire_nonsense(why, "answer names no account");
}

/* --- their refusals --- */

/* What an error body says: the envelope of the API or the one of OAuth. */
struct refusal {
	bool enveloped;
	struct slice reason; /* may be empty */
};

static const char SCOPE_LACKING[] = "ACCESS_TOKEN_SCOPE_INSUFFICIENT";

/* The newer answers name the scope in details only; their status is a mere PERMISSION_DENIED. */
static struct slice read_reason(const struct json *error)
{
	const struct json *list = json_member(error, "errors");
	const struct json *details = json_member(error, "details");
	struct slice reason = {0};

	for (const struct json *d = details ? details->first : NULL; d; d = d->next) {
		if (slice_is(json_text(d, "reason"), SCOPE_LACKING))
			return json_text(d, "reason");
	}
	if (list && list->kind == JSON_ARRAY)
		reason = json_text(list->first, "reason");
	return reason.len > 0 ? reason : json_text(error, "status");
}

static struct refusal read_refusal(struct arena *arena, struct slice body)
{
	const struct json *root = NULL, *error;

	if (body.len == 0 || json_read(arena, body, &JSON_PROVIDER, &root, NULL))
		return (struct refusal){0};
	error = json_member(root, "error");
	if (error && error->kind == JSON_TEXT)
		return (struct refusal){error->text.len > 0, error->text};
	if (error && error->kind == JSON_OBJECT)
		return (struct refusal){true, read_reason(error)};
	return (struct refusal){0};
}

enum {
	OAUTH = GOOGLE_EXCHANGE | GOOGLE_REFRESH | GOOGLE_REVOKE,
	API = GOOGLE_READ | GOOGLE_WRITE | GOOGLE_DROP | GOOGLE_PAGE,
	ANY = OAUTH | API,
};

/* The first row that fits decides. Status 0 and a reason of NULL fit all. */
struct row {
	unsigned calls;
	int status;
	const char *reason;
	enum err e;
	unsigned pause_s; /* where the answer names none */
	bool bare;        /* counts without an envelope, too */
};

/* clang-format off */
static const struct row ROWS[] = {
	{ ANY,             429, NULL,                      ERR_THROTTLED, RATE_PAUSE_S, true },

	{ OAUTH,           0,   "invalid_client",          ERR_MISCONFIGURED, 0, false },
	{ OAUTH,           0,   "deleted_client",          ERR_MISCONFIGURED, 0, false },
	{ OAUTH,           0,   "disabled_client",         ERR_MISCONFIGURED, 0, false },
	{ GOOGLE_EXCHANGE, 0,   "unauthorized_client",     ERR_CONFIG,  0, false },
	{ GOOGLE_EXCHANGE, 400, "redirect_uri_mismatch",   ERR_CONFIG,  0, false },
	{ OAUTH,           0,   "unauthorized_client",     ERR_MISCONFIGURED, 0, false },
	{ GOOGLE_REFRESH,  400, "invalid_grant",           ERR_REAUTH,  0, false },
	{ OAUTH,           0,   "temporarily_unavailable", ERR_UPSTREAM, 0, false },
	{ OAUTH,           0,   "server_error",            ERR_UPSTREAM, 0, false },
	{ OAUTH,           0,   "internal_failure",        ERR_UPSTREAM, 0, false },
	{ OAUTH,           403, "rate_limit_exceeded",     ERR_THROTTLED, RATE_PAUSE_S, false },
	{ GOOGLE_REVOKE,   400, "invalid_request",         ERR_REFUSED, 0, false },
	{ GOOGLE_REVOKE,   400, "unsupported_token_type",  ERR_REFUSED, 0, false },
	{ GOOGLE_REVOKE,   400, NULL,                      OK,          0, false },

	{ API,             401, NULL,                      ERR_TOKEN,   0, true },
	{ API,             403, "rateLimitExceeded",       ERR_THROTTLED, RATE_PAUSE_S, false },
	{ API,             403, "userRateLimitExceeded",   ERR_THROTTLED, RATE_PAUSE_S, false },
	{ API,             403, "RESOURCE_EXHAUSTED",      ERR_THROTTLED, RATE_PAUSE_S, false },
	{ API,             403, "quotaExceeded",           ERR_THROTTLED, QUOTA_PAUSE_S, false },
	{ API,             403, "dailyLimitExceeded",      ERR_THROTTLED, QUOTA_PAUSE_S, false },
	{ API,             403, "insufficientPermissions", ERR_SCOPE_MISSING, 0, false },
	{ API,             403, SCOPE_LACKING,             ERR_SCOPE_MISSING, 0, false },
	{ API,             403, "accessNotConfigured",     ERR_MISCONFIGURED, 0, false },
	{ GOOGLE_PAGE,     400, NULL,                      ERR_BAD_REQUEST, 0, false },
	{ GOOGLE_PAGE,     410, NULL,                      ERR_BAD_REQUEST, 0, false },
	{ GOOGLE_DROP,     404, NULL,                      OK,          0, false },
	{ GOOGLE_DROP,     410, NULL,                      OK,          0, false },
	{ API,             404, NULL,                      ERR_GONE,    0, false },
	{ API,             410, NULL,                      ERR_GONE,    0, false },
	{ API,             409, "conflict",                ERR_UPSTREAM, 0, false },
	{ API,             409, NULL,                      ERR_DUPLICATE, 0, false },
	{ API,             412, NULL,                      ERR_STALE,   0, false },

	{ ANY,             408, NULL,                      ERR_UPSTREAM, 0, true },
};
/* clang-format on */

static bool row_fits(const struct row *row, unsigned call, int status,
		     const struct refusal *refusal)
{
	if (!(row->calls & call) || (row->status && row->status != status))
		return false;
	if (!row->bare && !refusal->enveloped)
		return false;
	return !row->reason || slice_is(refusal->reason, row->reason);
}

static void note(struct fail *why, int status, struct slice reason)
{
	if (!wire_is_word(reason))
		reason = SLICE("-");
	fail_set(why, OK, "google %d %.*s", status, (int)reason.len, reason.data);
}

enum err google_json_refusal(struct arena *arena, unsigned call, int status, struct slice body,
			     struct fail *why)
{
	struct refusal refusal = read_refusal(arena, body);

	note(why, status, refusal.reason);
	if (status < 400 || status > 499)
		return ERR_UPSTREAM;
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		if (!row_fits(&ROWS[i], call, status, &refusal))
			continue;
		if (why && why->retry_after_s == 0)
			why->retry_after_s = ROWS[i].pause_s;
		return ROWS[i].e;
	}
	return refusal.enveloped ? ERR_REFUSED : ERR_UPSTREAM;
}
