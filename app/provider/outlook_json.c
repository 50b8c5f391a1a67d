#include "provider/outlook_json.h"

#include <string.h>

#include "base/digest.h"
#include "base/json.h"
#include "model/issuer.h"
#include "provider/wire.h"

enum {
	GUID_CHARS = 36,
	CLAIM_BYTES_MAX = 512,
	ADDRESS_BYTES_MAX = 254,
	CLOCK_SKEW_S = 60,
	REASONS_MAX = 4,      /* of a refusal, from the outermost to the most precise */
	RATE_PAUSE_S = 30,    /* the window is ten minutes, but refills all the while */
	QUOTA_PAUSE_S = 3600, /* a mailbox that is full stays so */
};

/* --- who it is --- */

static bool is_guid(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
	}
	return text.len == GUID_CHARS;
}

/* The claims of a compact JWT. */
static enum err read_claims(struct arena *arena, struct slice token, const struct json **claims,
			    struct fail *why)
{
	struct slice rest = token, payload;
	size_t len;
	char *text;

	slice_cut(&rest, '.');
	payload = slice_cut(&rest, '.');
	if (!rest.data || memchr(rest.data, '.', rest.len))
		return wire_nonsense(why, "id_token has not three parts");
	text = arena_alloc(arena, payload.len + 1);
	if (!text)
		return ERR_NOMEM;
	if (digest_base64url_read(payload, text, payload.len, &len))
		return wire_nonsense(why, "id_token is not base64url");
	return wire_success(arena, (struct slice){text, len}, claims, why);
}

static bool claims_hold(const struct json *claims, const struct outlook_claims *wanted,
			struct slice tenant)
{
	struct slice named;
	int64_t expires_s;

	return slice_is(json_text(claims, "aud"), wanted->client_id) &&
	       issuer_is(json_text(claims, "iss"), wanted->issuer, &named) &&
	       (named.len == 0 || slice_equal(named, tenant)) &&
	       json_is_int(json_member(claims, "exp"), 0, INT64_MAX / 1000, &expires_s) &&
	       expires_s > wanted->now_ms / 1000 - CLOCK_SKEW_S;
}

/* For people to see, no more: either may change, and not every account has one that is an address.
 */
static struct slice read_address(const struct json *claims)
{
	struct slice email = json_text(claims, "email");

	if (!text_is_email(email))
		email = json_text(claims, "preferred_username");
	return text_is_email(email) ? email : (struct slice){0};
}

enum err outlook_json_claims(struct arena *arena, struct slice id_token,
			     const struct outlook_claims *wanted, struct account *out,
			     struct fail *why)
{
	const struct json *claims;
	struct slice tenant, object;
	enum err e = read_claims(arena, id_token, &claims, why);

	*out = (struct account){0};
	if (e)
		return e;
	tenant = json_text(claims, "tid");
	object = json_text(claims, "oid");
	if (!is_guid(tenant) || !is_guid(object) || !claims_hold(claims, wanted, tenant))
		return wire_nonsense(why, "id_token is not for us");
	out->id = slice_of(arena_format(arena, "%s.%s", tenant.data, object.data));
	out->email = read_address(claims);
	return out->id.len > 0 ? OK : ERR_NOMEM;
}

enum err outlook_json_calendar(struct arena *arena, struct slice body, struct account *who,
			       struct fail *why)
{
	const struct json *root, *editable;
	struct slice address;
	enum err e = wire_success(arena, body, &root, why);

	if (e)
		return e;
	editable = json_member(root, "canEdit");
	if (!editable || editable->kind != JSON_BOOL)
		return wire_nonsense(why, "answer is no calendar");
	if (!editable->truth)
		return fail_set(why, ERR_REFUSED, "outlook: the calendar cannot be written");
	address = json_text(json_member(root, "owner"), "address");
	if (who->email.len == 0 && text_is_email(address))
		who->email = address;
	return OK;
}

/* --- refusals --- */

/* What an error body says: the envelope of Graph or the one of OAuth. */
struct refusal {
	struct slice reasons[REASONS_MAX];
	size_t n;       /* 0: no envelope */
	int64_t number; /* AADSTS; 0: none */
};

static void add_reason(struct refusal *refusal, struct slice reason)
{
	if (reason.len > 0 && refusal->n < REASONS_MAX)
		refusal->reasons[refusal->n++] = reason;
}

/* The inner error comes in two spellings, and may hold another one. */
static void read_graph(const struct json *error, struct refusal *out)
{
	while (error && out->n < REASONS_MAX) {
		const struct json *inner = json_member(error, "innerError");

		add_reason(out, json_text(error, "code"));
		error = inner ? inner : json_member(error, "innererror");
	}
}

static void read_oauth(const struct json *root, struct refusal *out)
{
	const struct json *numbers = json_member(root, "error_codes");

	add_reason(out, json_text(root, "error"));
	add_reason(out, json_text(root, "suberror"));
	if (numbers && numbers->kind == JSON_ARRAY)
		json_is_int(numbers->first, 1, UINT32_MAX, &out->number);
}

static struct refusal read_refusal(struct arena *arena, struct slice body)
{
	const struct json *root = NULL, *error;
	struct refusal refusal = {0};

	if (body.len == 0 || json_read(arena, body, &JSON_PROVIDER, &root, NULL))
		return refusal;
	error = json_member(root, "error");
	if (error && error->kind == JSON_OBJECT)
		read_graph(error, &refusal);
	else if (error && error->kind == JSON_TEXT)
		read_oauth(root, &refusal);
	return refusal;
}

enum {
	OAUTH = OUTLOOK_EXCHANGE | OUTLOOK_REFRESH,
	GRAPH = OUTLOOK_ACCOUNT | OUTLOOK_READ | OUTLOOK_PAGE | OUTLOOK_MAKE | OUTLOOK_CHANGE |
		OUTLOOK_DROP,
	ANY = OAUTH | GRAPH,
};

/* The first row that fits decides. What is 0 or NULL fits all. */
struct row {
	unsigned calls;
	int status;
	int64_t number;
	const char *reason;
	enum err e;
	unsigned pause_s; /* where the answer names none */
	bool bare;        /* counts without an envelope, too */
};

/*
 * Microsoft warns that its numbers change: they only tell apart what its words leave open. A token
 * that ended by its own rule (700084, of a "single-page" registration) is refused like any other.
 */
/* clang-format off */
static const struct row ROWS[] = {
	{ ANY,     429, 0, NULL,                   ERR_THROTTLED, RATE_PAUSE_S, true },

	/* the identity platform: its own weather, our secret, our registration, then the owner */
	{ OAUTH,   0,   50196,   NULL,                      ERR_THROTTLED, RATE_PAUSE_S, false },
	{ OAUTH,   0,   90033,   NULL,                      ERR_UPSTREAM, 0, false },
	{ OAUTH,   0,   90006,   NULL,                      ERR_UPSTREAM, 0, false },
	{ OAUTH,   0,   90024,   NULL,                      ERR_UPSTREAM, 0, false },
	{ OAUTH,   0,   50033,   NULL,                      ERR_UPSTREAM, 0, false },
	{ OAUTH,   0,   70012,   NULL,                      ERR_UPSTREAM, 0, false },
	{ OAUTH,   0,   0,       "temporarily_unavailable", ERR_UPSTREAM, 0, false },
	{ OAUTH,   0,   0,       "server_error",            ERR_UPSTREAM, 0, false },
	{ OAUTH,   0,   7000215, NULL,                      ERR_MISCONFIGURED, 0, false },
	{ OAUTH,   0,   7000218, NULL,                      ERR_MISCONFIGURED, 0, false },
	{ OAUTH,   0,   7000222, NULL,                      ERR_MISCONFIGURED, 0, false },
	{ OUTLOOK_EXCHANGE, 0, 700016, NULL,                ERR_CONFIG, 0, false },
	{ OUTLOOK_EXCHANGE, 0, 650056, NULL,                ERR_CONFIG, 0, false },
	{ OUTLOOK_EXCHANGE, 0, 50194, NULL,                 ERR_CONFIG, 0, false },
	{ OUTLOOK_EXCHANGE, 0, 90002, NULL,                 ERR_CONFIG, 0, false },
	{ OUTLOOK_EXCHANGE, 0, 9002332, NULL,               ERR_CONFIG, 0, false },
	{ OUTLOOK_EXCHANGE, 0, 0, "unauthorized_client",    ERR_CONFIG, 0, false },
	{ OUTLOOK_REFRESH, 0, 700016, NULL,                 ERR_MISCONFIGURED, 0, false },
	{ OUTLOOK_REFRESH, 0, 650056, NULL,                 ERR_MISCONFIGURED, 0, false },
	{ OUTLOOK_REFRESH, 0, 50194, NULL,                  ERR_MISCONFIGURED, 0, false },
	{ OUTLOOK_REFRESH, 0, 90002, NULL,                  ERR_MISCONFIGURED, 0, false },
	{ OUTLOOK_REFRESH, 0, 9002332, NULL,                ERR_MISCONFIGURED, 0, false },
	{ OUTLOOK_REFRESH, 0, 0, "unauthorized_client",     ERR_MISCONFIGURED, 0, false },
	{ OAUTH,   0,   0,       "invalid_client",          ERR_MISCONFIGURED, 0, false },
	{ OUTLOOK_EXCHANGE, 0, 0, "consent_required",       ERR_SCOPE_MISSING, 0, false },
	{ OUTLOOK_REFRESH, 0, 0, "invalid_grant",           ERR_REAUTH, 0, false },
	{ OUTLOOK_REFRESH, 0, 0, "interaction_required",    ERR_REAUTH, 0, false },
	{ OUTLOOK_REFRESH, 0, 0, "consent_required",        ERR_REAUTH, 0, false },
	{ OUTLOOK_REFRESH, 0, 0, "login_required",          ERR_REAUTH, 0, false },
	{ OUTLOOK_REFRESH, 0, 0, "bad_token",               ERR_REAUTH, 0, false },

	/* Graph */
	{ GRAPH,   401, 0, NULL,                            ERR_TOKEN, 0, true },
	{ GRAPH,   0,   0, "ApplicationThrottled",          ERR_THROTTLED, RATE_PAUSE_S, false },
	{ GRAPH,   0,   0, "TooManyRequests",               ERR_THROTTLED, RATE_PAUSE_S, false },
	{ GRAPH,   0,   0, "MailboxConcurrency",            ERR_THROTTLED, RATE_PAUSE_S, false },
	{ GRAPH,   0,   0, "ErrorQuotaExceeded",            ERR_THROTTLED, QUOTA_PAUSE_S, false },
	{ GRAPH,   507, 0, NULL,                            ERR_THROTTLED, QUOTA_PAUSE_S, false },
	{ GRAPH,   509, 0, NULL,                            ERR_THROTTLED, QUOTA_PAUSE_S, false },
	/* an id that they cannot even read names no event */
	{ OUTLOOK_DROP, 400, 0, "ErrorInvalidIdMalformed",  OK, 0, false },
	{ GRAPH,   400, 0, "ErrorInvalidIdMalformed",       ERR_GONE, 0, false },
	{ OUTLOOK_PAGE, 400, 0, NULL,                       ERR_BAD_REQUEST, 0, false },
	{ OUTLOOK_PAGE, 410, 0, NULL,                       ERR_BAD_REQUEST, 0, false },
	/* so does Outlook answer, by an immutable id, when what is to go has gone */
	{ OUTLOOK_DROP, 403, 0, "ErrorCannotDeleteObject",  OK, 0, false },
	{ GRAPH,   403, 0, "ErrorAccessDenied",             ERR_SCOPE_MISSING, 0, false },
	{ GRAPH,   403, 0, "accessDenied",                  ERR_SCOPE_MISSING, 0, false },
	{ GRAPH,   403, 0, "Authorization_RequestDenied",   ERR_SCOPE_MISSING, 0, false },
	{ GRAPH,   403, 0, "insufficient_claims",           ERR_SCOPE_MISSING, 0, false },
	{ OUTLOOK_ACCOUNT, 404, 0, NULL,                    ERR_GONE, 0, false },
	/* 404 of the mailbox itself says nothing of an event in it */
	{ GRAPH,   404, 0, "MailboxNotEnabledForRESTAPI",   ERR_REFUSED, 0, false },
	{ GRAPH,   404, 0, "MailboxNotSupportedForRESTAPI", ERR_REFUSED, 0, false },
	{ GRAPH,   404, 0, "ErrorNonExistentMailbox",       ERR_REFUSED, 0, false },
	{ GRAPH,   404, 0, "ErrorInvalidUser",              ERR_REFUSED, 0, false },
	{ GRAPH,   404, 0, "Request_ResourceNotFound",      ERR_REFUSED, 0, false },
	{ GRAPH,   404, 0, "ResourceNotFound",              ERR_REFUSED, 0, false },
	{ OUTLOOK_DROP, 404, 0, NULL,                       OK, 0, false },
	{ OUTLOOK_DROP, 410, 0, NULL,                       OK, 0, false },
	{ GRAPH,   404, 0, NULL,                            ERR_GONE, 0, false },
	{ GRAPH,   410, 0, NULL,                            ERR_GONE, 0, false },
	{ OUTLOOK_MAKE, 409, 0, NULL,                       ERR_DUPLICATE, 0, false },
	{ GRAPH,   409, 0, NULL,                            ERR_STALE, 0, false },
	{ GRAPH,   412, 0, NULL,                            ERR_STALE, 0, false },
	{ GRAPH,   423, 0, NULL,                            ERR_UPSTREAM, 0, false },

	{ ANY,     408, 0, NULL,                            ERR_UPSTREAM, 0, true },
};
/* clang-format on */

static bool row_fits(const struct row *row, unsigned call, int status,
		     const struct refusal *refusal)
{
	if (!(row->calls & call) || (row->status && row->status != status) ||
	    (row->number && row->number != refusal->number) || (!row->bare && refusal->n == 0))
		return false;
	for (size_t i = 0; row->reason && i < refusal->n; i++) {
		if (slice_is_nocase(refusal->reasons[i], row->reason))
			return true;
	}
	return !row->reason;
}

/* The most precise word, and the number of the identity platform. */
static void note(struct fail *why, int status, const struct refusal *refusal)
{
	struct slice word = SLICE("-");

	for (size_t i = 0; i < refusal->n; i++) {
		if (wire_is_word(refusal->reasons[i]))
			word = refusal->reasons[i];
	}
	if (refusal->number > 0)
		fail_set(why, OK, "outlook %d %.*s AADSTS%lld", status, (int)word.len, word.data,
			 (long long)refusal->number);
	else
		fail_set(why, OK, "outlook %d %.*s", status, (int)word.len, word.data);
}

enum err outlook_json_refusal(struct arena *arena, unsigned call, int status, struct slice body,
			      struct fail *why)
{
	struct refusal refusal = read_refusal(arena, body);

	note(why, status, &refusal);
	if (status < 400 || (status > 499 && call & OAUTH))
		return ERR_UPSTREAM;
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		if (!row_fits(&ROWS[i], call, status, &refusal))
			continue;
		if (why && why->retry_after_s == 0)
			why->retry_after_s = ROWS[i].pause_s;
		return ROWS[i].e;
	}
	return refusal.n > 0 && status < 500 ? ERR_REFUSED : ERR_UPSTREAM;
}
