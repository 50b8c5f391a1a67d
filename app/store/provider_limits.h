#ifndef CB_STORE_PROVIDER_LIMITS_H
#define CB_STORE_PROVIDER_LIMITS_H
/*
 * provider_limits: pauses of a provider, or of one connection, that all processes share.
 * (They are read by the joined SELECT of store/callers.) Errors: those of io/db. Stands on io/db.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"

struct db;

/* Nobody calls subject ("google", "google:<id>") for pause_ms from now; a longer pause stays.
 * reason is an err_code. */
MUST_USE enum err provider_limits_pause(struct db *db, const char *subject, int64_t pause_ms,
					const char *reason, struct fail *why);

/* How long it is still paused, 0: not. */
MUST_USE enum err provider_limits_left(struct db *db, const char *subject, int64_t *left_ms,
				       struct fail *why);

/* One running pause; slices in the arena. */
struct provider_pause {
	struct slice subject;
	struct slice reason;
	int64_t left_ms;
};

/* All that run. */
MUST_USE enum err provider_limits_list(struct db *db, struct arena *arena,
				       struct provider_pause **out, size_t *n, struct fail *why);

/* It works again. */
MUST_USE enum err provider_limits_resume(struct db *db, const char *subject, struct fail *why);

#endif
