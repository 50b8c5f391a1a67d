#ifndef CB_STORE_PROVIDER_LIMITS_H
#define CB_STORE_PROVIDER_LIMITS_H
/*
 * provider_limits: pauses of a provider, or of one account there, and the pace at which an
 * account may be called, that all processes and hosts share. subject is "google", or
 * "google:<account id>". (A provider's pause is read by the joined SELECT of store/callers.)
 * Errors: those of io/db. Stands on io/db.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"

struct db;

/* Nobody calls subject for pause_ms from now; a longer pause stays.
 * reason is an err_code. */
MUST_USE enum err provider_limits_pause(struct db *db, const char *subject, int64_t pause_ms,
					const char *reason, struct fail *why);

/* How long it is still paused, 0: not. */
MUST_USE enum err provider_limits_left(struct db *db, const char *subject, int64_t *left_ms,
				       struct fail *why);

/* One pause; slices in the arena. */
struct provider_pause {
	struct slice subject;
	struct slice reason;
	int64_t left_ms; /* 0: it is over */
};

/*
 * All that run; and those of a refused application (ERR_MISCONFIGURED) that are over (left_ms 0)
 * but stand until provider_limits_resume: it may be tried again, and nobody knows yet that it
 * works.
 */
MUST_USE enum err provider_limits_list(struct db *db, struct arena *arena,
				       struct provider_pause **out, size_t *n, struct fail *why);

/* So many calls at once, one each each_ms; up to burst_ms of them may be made ahead of time. */
struct provider_pace {
	int64_t calls;
	int64_t each_ms;
	int64_t burst_ms;
};

/* Sets pace->calls calls aside for the caller; or wait_ms says when there are some again (0: they
 * are his). */
MUST_USE enum err provider_limits_reserve(struct db *db, const char *subject,
					  const struct provider_pace *pace, int64_t *wait_ms,
					  struct fail *why);

/* Forgets subjects that were not called for a day, at most limit. */
MUST_USE enum err provider_limits_clean(struct db *db, unsigned limit, struct fail *why);

/* It works again: ends a pause for that reason, running or over; *was says whether there was one.
 */
MUST_USE enum err provider_limits_resume(struct db *db, const char *subject, const char *reason,
					 bool *was, struct fail *why);

#endif
