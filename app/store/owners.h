#ifndef CB_STORE_OWNERS_H
#define CB_STORE_OWNERS_H
/*
 * owners: the table of that name: who owns calendars inside a tenant.
 * Slices of what is read live in the arena given. Errors: those of io/db.
 * Stands on io/db.
 */
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/rand.h"
#include "base/text.h"

struct db;
struct db_value;

struct owner {
	struct id id;
	struct id tenant;
	struct slice external_id;     /* the client application's own id of the person */
	struct slice email;           /* may be empty */
	struct slice name;            /* may be empty */
	struct slice time_zone;       /* IANA, may be empty: the default zone */
	struct id default_connection; /* none: no calendar connected */
};

/*
 * The columns of an owner, for statements that join it as `o`, and how such a row is read:
 * values[0] is the first of OWNER_N_COLUMNS. An outer join without a row gives an id of none.
 */
#define OWNER_COLUMNS                                                                              \
	"o.id, o.tenant_id, o.external_id, o.email, o.display_name, o.time_zone, "                 \
	"o.default_connection_id"
enum { OWNER_N_COLUMNS = 7 };
/* Reads such a row; slices borrow from values. */
void owner_from_row(const struct db_value *values, struct owner *out);

/* One owner of a tenant; ERR_NOT_FOUND. */
MUST_USE enum err owners_get(struct db *db, const struct id *tenant, const struct id *id,
			     struct arena *arena, struct owner *out, struct fail *why);

/* The owner with that external id; ERR_NOT_FOUND. */
MUST_USE enum err owners_find(struct db *db, const struct id *tenant, struct slice external_id,
			      struct arena *arena, struct owner *out, struct fail *why);

/* All of a tenant by external id, at most 10,000. */
MUST_USE enum err owners_list(struct db *db, const struct id *tenant, struct arena *arena,
			      struct owner **out, size_t *n, struct fail *why);

/* Makes the owner or changes e-mail, name and zone (empty ones are left as they are); fills
 * owner->id. */
MUST_USE enum err owners_put(struct db *db, struct owner *owner, struct fail *why);

/*
 * Makes connection the owner's default, if it has none (if_none) or in any case. ERR_NOT_FOUND: the
 * owner has no such connection; with if_none that is OK, as is having a default.
 */
MUST_USE enum err owners_set_default(struct db *db, const struct id *tenant, const struct id *owner,
				     const struct id *connection, bool if_none, struct fail *why);

#endif
