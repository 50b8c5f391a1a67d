#include "provider/google_json.h"

#include "base/json.h"

enum {
	ACCOUNT_BYTES_MAX = 255, /* a sub, by OpenID Connect */
	REASON_BYTES_MAX = 40,
	EXPIRES_DEFAULT_S = 3600,
	EXPIRES_MAX_S = 86400,
	RATE_PAUSE_S = 30,    /* the window of the quota is a minute */
	QUOTA_PAUSE_S = 3600, /* an account locked for too many guests: hours */
};

/* --- their answers --- */

enum err google_json_nonsense(struct fail *why, const char *what)
{
	return fail_set(why, ERR_UPSTREAM, "google: %s", what);
}

enum err google_json_success(struct arena *arena, struct slice body, const struct json **root,
			     struct fail *why)
{
	enum err e = json_read(arena, body, &JSON_PROVIDER, root, NULL);

	if (e)
		return e == ERR_NOMEM ? e : google_json_nonsense(why, "answer is not JSON");
	if ((*root)->kind != JSON_OBJECT)
		return google_json_nonsense(why, "answer is no object");
	if (json_member(*root, "error"))
		return google_json_nonsense(why, "error in an answer of success");
	return OK;
}

static bool is_visible(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] <= ' ' || text.data[i] > '~')
			return false;
	}
	return true;
}

bool google_json_word(const struct json *object, const char *name, size_t max, struct slice *out)
{
	const struct json *value = json_member(object, name);

	*out = (struct slice){0};
	if (!value)
		return true;
	if (value->kind != JSON_TEXT || value->text.len > max || !is_visible(value->text))
		return false;
	*out = value->text;
	return true;
}

/* Whole seconds of "3600", 3599.9 or -5; false for what is no such number. */
static bool read_seconds(struct slice text, int64_t *out)
{
	struct slice whole = slice_cut(&text, '.');

	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
	}
	return !text_to_int(whole, INT64_MIN, INT64_MAX, out);
}

static int64_t read_expires_in(const struct json *value)
{
	int64_t seconds;

	if (!value || (value->kind != JSON_NUMBER && value->kind != JSON_TEXT) ||
	    !read_seconds(value->text, &seconds))
		return EXPIRES_DEFAULT_S;
	if (seconds < 1)
		return 1;
	return seconds > EXPIRES_MAX_S ? EXPIRES_MAX_S : seconds;
}

/* As take_word, but null is absent, too. */
static bool take_token(const struct json *object, const char *name, struct slice *out)
{
	const struct json *value = json_member(object, name);

	*out = (struct slice){0};
	if (value && value->kind == JSON_NULL)
		return true;
	return google_json_word(object, name, SECRET_BYTES_MAX, out);
}

static bool is_bearer(const struct json *object)
{
	const struct json *type = json_member(object, "token_type");

	return !type || (type->kind == JSON_TEXT && slice_is_nocase(type->text, "Bearer"));
}

enum err google_json_grant(struct arena *arena, struct slice body, struct grant *out,
			   struct fail *why)
{
	const struct json *root;
	struct slice access, refresh;
	enum err e = google_json_success(arena, body, &root, why);

	*out = (struct grant){0};
	if (e)
		return e;
	if (!take_token(root, "access_token", &access) || access.len == 0 ||
	    !take_token(root, "refresh_token", &refresh) || !is_bearer(root))
		return google_json_nonsense(why, "answer is no grant");
	e = secret_set(&out->access, access);
	if (!e && refresh.len > 0)
		e = secret_set(&out->refresh, refresh);
	if (e) {
		grant_wipe(out);
		return e;
	}
	out->expires_in_s = read_expires_in(json_member(root, "expires_in"));
	out->scopes = json_text(root, "scope");
	return OK;
}

enum err google_json_account(struct arena *arena, struct slice body, struct account *out,
			     struct fail *why)
{
	const struct json *root;
	const char *id = "id"; /* as userinfo v2 calls it; OpenID Connect says sub */
	enum err e = google_json_success(arena, body, &root, why);

	*out = (struct account){0};
	if (e)
		return e;
	if (!json_member(root, id))
		id = "sub";
	if (google_json_word(root, id, ACCOUNT_BYTES_MAX, &out->id) && out->id.len > 0 &&
	    google_json_word(root, "email", SECRET_BYTES_MAX, &out->email) &&
	    (out->email.len == 0 || text_is_email(out->email)))
		return OK;
	*out = (struct account){0};
	return google_json_nonsense(why, "answer names no account");
}

enum err google_json_done(struct arena *arena, struct slice body, struct fail *why)
{
	const struct json *root;

	return body.len == 0 ? OK : google_json_success(arena, body, &root, why);
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
	{ OAUTH,           0,   "unauthorized_client",     ERR_MISCONFIGURED, 0, false },
	{ OAUTH,           0,   "deleted_client",          ERR_MISCONFIGURED, 0, false },
	{ OAUTH,           0,   "disabled_client",         ERR_MISCONFIGURED, 0, false },
	{ GOOGLE_EXCHANGE, 400, "redirect_uri_mismatch",   ERR_MISCONFIGURED, 0, false },
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

static bool row_fits(const struct row *row, enum google_call call, int status,
		     const struct refusal *refusal)
{
	if (!(row->calls & call) || (row->status && row->status != status))
		return false;
	if (!row->bare && !refusal->enveloped)
		return false;
	return !row->reason || slice_is(refusal->reason, row->reason);
}

/* A word of Google's is noted, anything else (it might hold what we sent) is not. */
static void note(struct fail *why, int status, struct slice reason)
{
	bool is_word = reason.len > 0 && reason.len <= REASON_BYTES_MAX;

	for (size_t i = 0; i < reason.len && is_word; i++) {
		char c = reason.data[i];

		is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
	}
	fail_set(why, OK, "google %d %.*s", status, is_word ? (int)reason.len : 1,
		 is_word ? reason.data : "-");
}

enum err google_json_refusal(struct arena *arena, enum google_call call, int status,
			     struct slice body, struct fail *why)
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
