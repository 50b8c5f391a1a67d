#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct row {
	int status;
	bool passing;
	const char *code;
	const char *text;
};

/* clang-format off */
static const struct row ROWS[] = {
	[OK] = { 500, false, "ok", "Nothing is wrong" },

	[ERR_MALFORMED]     = { 400, false, "malformed_json", "The body is not valid JSON" },
	[ERR_FIELDS]        = { 400, false, "invalid_fields", "Some fields are missing or not valid" },
	[ERR_BAD_REQUEST]   = { 400, false, "bad_request", "The request is not valid" },
	[ERR_BAD_STATE]     = { 400, false, "bad_state",
			       "This sign-in is unknown, was used before or belongs to another browser" },
	[ERR_NO_CREDENTIAL] = { 401, false, "unauthorized", "Valid credentials are required" },
	[ERR_FORBIDDEN]     = { 403, false, "forbidden", "These credentials do not allow this" },
	[ERR_CSRF]          = { 403, false, "csrf", "The request did not come from our own page" },
	[ERR_NOT_FOUND]     = { 404, false, "not_found", "Not found" },
	[ERR_METHOD]        = { 405, false, "method_not_allowed", "Method not allowed" },
	[ERR_LINK_EXPIRED]  = { 410, false, "link_expired",
			       "This link has expired. Please ask for a new one" },
	[ERR_TOO_LARGE]     = { 413, false, "body_too_large", "The body is too large" },
	[ERR_MEDIA_TYPE]    = { 415, false, "unsupported_media_type",
			       "The body must be application/json in UTF-8" },
	[ERR_KEY_REUSED]    = { 422, false, "idempotency_key_reused",
			       "This Idempotency-Key was used with another request" },

	[ERR_NO_CONNECTION] = { 409, false, "no_connection", "No calendar is connected" },
	[ERR_REAUTH]        = { 409, false, "reauth_required",
			       "The calendar must be connected again" },
	[ERR_SCOPE_MISSING] = { 409, false, "scope_missing",
			       "The consent does not include what is needed" },

	[ERR_RUNNING]       = { 409, true, "request_running",
			       "The first request with this Idempotency-Key is still running" },
	[ERR_TOO_MANY]      = { 429, true, "rate_limited", "Too many requests" },
	[ERR_THROTTLED]     = { 429, true, "provider_rate_limited",
			       "The calendar provider asks for fewer requests" },
	[ERR_UPSTREAM]      = { 502, true, "provider_error", "The calendar provider failed" },
	[ERR_UPSTREAM_SLOW] = { 504, true, "provider_timeout",
			       "The calendar provider did not answer in time" },
	[ERR_UNREACHABLE]   = { 502, true, "provider_unreachable",
			       "The calendar provider could not be reached" },
	[ERR_DEADLINE]      = { 504, true, "deadline", "The request took too long" },
	[ERR_DB]            = { 503, true, "database_unavailable",
			       "The service is not available at the moment" },
	[ERR_DB_UNSURE]     = { 503, true, "outcome_unknown",
			       "It is not known whether the request took effect" },
	[ERR_NO_KEYS]       = { 503, true, "keys_unavailable",
			       "User tokens cannot be checked at the moment" },
	[ERR_BUSY]          = { 503, true, "busy", "The service is busy" },

	[ERR_MISCONFIGURED] = { 502, false, "provider_misconfigured",
			       "The calendar provider does not accept this service" },
	[ERR_REFUSED]       = { 502, false, "provider_refused",
			       "The calendar provider refused the request" },
	[ERR_ID_TAKEN]      = { 502, false, "event_id_taken",
			       "The calendar provider does not accept the event's id" },
	[ERR_TOKEN]         = { 502, false, "token_not_accepted",
			       "The calendar provider does not accept our access" },
	[ERR_GONE]          = { 404, false, "event_gone", "It is not in the calendar any more" },
	[ERR_STALE]         = { 409, false, "stale_version", "It was changed in the meantime" },
	[ERR_DUPLICATE]     = { 409, false, "already_exists", "It exists already" },
	[ERR_SEALED]        = { 500, false, "unreadable_secret",
			       "A stored credential cannot be read" },
	[ERR_CONFIG]        = { 500, false, "misconfigured", "The service is not set up correctly" },
	[ERR_TOO_LONG]      = { 500, false, "too_long", "Something is longer than allowed" },
	[ERR_NOMEM]         = { 500, false, "out_of_memory", "The service ran out of memory" },
	[ERR_INTERNAL]      = { 500, false, "internal_error", "Something went wrong" },
};
/* clang-format on */

_Static_assert(ARRAY_LEN(ROWS) == ERR_COUNT, "every error has its row");

static const struct row *row_of(enum err e)
{
	return (unsigned)e < ERR_COUNT ? &ROWS[e] : &ROWS[ERR_INTERNAL];
}

int err_status(enum err e)
{
	return row_of(e)->status;
}

const char *err_code(enum err e)
{
	return row_of(e)->code;
}

const char *err_text(enum err e)
{
	return row_of(e)->text;
}

bool err_is_passing(enum err e)
{
	return row_of(e)->passing;
}

enum err fail_set(struct fail *why, enum err e, const char *format, ...)
{
	va_list args;

	if (!why)
		return e;
	va_start(args, format);
	if (vsnprintf(why->detail, sizeof(why->detail), format, args) < 0)
		why->detail[0] = '\0';
	va_end(args);
	return e;
}

enum err fail_because(struct fail *why, enum err e, const char *reason)
{
	if (why)
		why->reason = reason;
	return e;
}

enum err fail_field(struct fail *why, const char *field, const char *reason)
{
	struct fail_field *slot;

	if (!why || why->n_fields >= FAIL_FIELDS_MAX)
		return ERR_FIELDS;
	slot = &why->fields[why->n_fields++];
	slot->reason = reason;
	snprintf(slot->field, sizeof(slot->field), "%s", field);
	return ERR_FIELDS;
}

bool fail_has_field(const struct fail *why, const char *field)
{
	for (unsigned i = 0; why && i < why->n_fields; i++) {
		if (strcmp(why->fields[i].field, field) == 0)
			return true;
	}
	return false;
}
