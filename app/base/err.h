#ifndef CB_BASE_ERR_H
#define CB_BASE_ERR_H
/*
 * err: the words for what can go wrong, sorted by remedy, and the slip of paper
 * (struct fail) on which the one who decides an error writes what he knows.
 * Stands on libc.
 * Source: contract "For every endpoint"; house style "Errors".
 */
#include <stdbool.h>
#include <stddef.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* Every error of the program. The table in err.c gives each its HTTP status, code and text. */
enum err {
	OK = 0,

	/* correct the request */
	ERR_MALFORMED,     /* no JSON we accept; why->offset says where */
	ERR_FIELDS,        /* one or more fields; why->fields says which */
	ERR_BAD_REQUEST,   /* a parameter, header or path is wrong */
	ERR_BAD_STATE,     /* an OAuth state that is unknown, used, or another browser's */
	ERR_NO_CREDENTIAL, /* 401: who are you */
	ERR_FORBIDDEN,     /* 403: known, and refused */
	ERR_CSRF,          /* 403: a cookie without its token or from another origin */
	ERR_NOT_FOUND,     /* also: not yours */
	ERR_METHOD,        /* 405 */
	ERR_LINK_EXPIRED,  /* 410: a connect link whose time is over */
	ERR_TOO_LARGE,     /* 413 */
	ERR_MEDIA_TYPE,    /* 415 */
	ERR_KEY_REUSED,    /* 422: the same Idempotency-Key with another body */

	/* consent again */
	ERR_NO_CONNECTION, /* 409: this owner has connected no calendar */
	ERR_REAUTH,        /* 409: the provider refused the grant; the owner must consent again */
	ERR_SCOPE_MISSING, /* consent came back without what we need */

	/* retry later; why->retry_after_s where known */
	ERR_RUNNING,   /* 409: the first request with this key is still running */
	ERR_TOO_MANY,  /* 429 of our own limits */
	ERR_THROTTLED, /* the provider's rate limit or quota */
	ERR_UPSTREAM,  /* the provider failed or answered nonsense: outcome of a write unknown */
	ERR_UPSTREAM_SLOW, /* the provider was too slow: outcome of a write unknown */
	ERR_UNREACHABLE,   /* no connection to the provider: nothing was sent */
	ERR_DEADLINE,      /* the request's own time is up */
	ERR_DB,            /* the database is away or refused; nothing was changed */
	ERR_DB_UNSURE,     /* the database's answer was lost: read back before acting */
	ERR_NO_KEYS,       /* the keys that user tokens are checked with have not come yet */
	ERR_BUSY,          /* no database connection or thread within the limit */

	/* ask for help */
	ERR_MISCONFIGURED, /* the provider refuses our application (invalid_client) */
	ERR_REFUSED,       /* the provider refused the call itself (4xx) for good */
	ERR_ID_TAKEN,      /* our event id is used up at the provider by a deleted event */
	ERR_TOKEN,         /* the provider does not take the access token (401) */
	ERR_GONE,          /* what should be there is not (404, 410 of a provider) */
	ERR_STALE,         /* somebody else was faster: 412, a lost lease, an old version */
	ERR_DUPLICATE,     /* a unique key says it is there already */
	ERR_SEALED,        /* a sealed blob that we cannot open */
	ERR_CONFIG,        /* settings, key ring, schema or registration are not as they must be */
	ERR_TOO_LONG,      /* a buffer or list at its ceiling */
	ERR_NOMEM,
	ERR_INTERNAL,
	ERR_COUNT
};

enum { FAIL_FIELDS_MAX = 12, FAIL_FIELD_BYTES = 40, FAIL_DETAIL_BYTES = 160 };

/* One field of a request that is wrong. reason is a string constant. */
struct fail_field {
	char field[FAIL_FIELD_BYTES];
	const char *reason;
};

/*
 * What is known about an error beside its word. In the caller's storage; `{0}` is empty.
 * detail is for the log alone and holds no secret. offset is a byte offset into the body,
 * counted from 0, with ERR_MALFORMED.
 */
struct fail {
	struct fail_field fields[FAIL_FIELDS_MAX];
	unsigned n_fields;
	unsigned retry_after_s; /* 0: not known */
	size_t offset;
	const char *reason; /* public, a string constant, or NULL: the table's text */
	char detail[FAIL_DETAIL_BYTES];
};

/* The HTTP status that an error is by itself; families may override it. 500 for what is no error.
 */
int err_status(enum err e);

/* The stable machine word ("code" of an answer, lower case with underscores). Never NULL. */
const char *err_code(enum err e);

/* The default public text. Never NULL, names no inner thing. */
const char *err_text(enum err e);

/* True when the same request may do better later without being changed. */
bool err_is_passing(enum err e);

/*
 * Writes detail (for the log, cut at its size) into why, which may be NULL, and returns e,
 * so that a decision is one line: return fail_set(why, ERR_DB, "connect: %s", text).
 */
enum err fail_set(struct fail *why, enum err e, const char *format, ...) PRINTF_LIKE(3, 4);

/* The same, with a public reason: a string constant that the answer shows as "error". */
enum err fail_because(struct fail *why, enum err e, const char *reason);

/*
 * Notes one bad field (name is copied and cut, reason is a string constant that stays) and
 * returns ERR_FIELDS. Beyond FAIL_FIELDS_MAX they are dropped: the first ones are told.
 */
enum err fail_field(struct fail *why, const char *field, const char *reason);

/* Has this field been noted? */
bool fail_has_field(const struct fail *why, const char *field);

#endif
