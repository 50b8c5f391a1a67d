#ifndef CB_STORE_KEPT_EVENTS_H
#define CB_STORE_KEPT_EVENTS_H
/*
 * kept_events: the rows of calendar_event_mappings once their events stand: found by owner, changed
 * and removed. How they came to stand is the matter of mappings.
 * Slices live in the arena given. Errors: those of io/db. Stands on store/mappings, io/db.
 */
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/rand.h"
#include "base/text.h"

struct db;
struct mapping;

/* One owner of one tenant: nobody finds another's row. */
struct kept_owner {
	const struct id *tenant;
	const struct id *owner;
};

/* By its id, whatever its state; ERR_NOT_FOUND. */
MUST_USE enum err kept_events_find(struct db *db, struct kept_owner owner, const struct id *id,
				   struct arena *arena, struct mapping *out, struct fail *why);

enum { KEPT_EVENTS_MAX = 64 };

/* Ids that are asked for (at most KEPT_EVENTS_MAX), and the rows that there are of them. */
struct kept_list {
	const struct id *ids;
	size_t n_ids;
	struct mapping *rows; /* in no order */
	size_t n_rows;
};

/* Fills in the rows of list. */
MUST_USE enum err kept_events_of(struct db *db, struct kept_owner owner, struct kept_list *list,
				 struct arena *arena, struct fail *why);

/* A calendar in which something of the owner's was made. */
struct kept_calendar {
	struct id connection;
	struct slice calendar_id;
};

/* All of them, in the order of connection and calendar. */
MUST_USE enum err kept_events_calendars(struct db *db, struct kept_owner owner, struct arena *arena,
					struct kept_calendar **out, size_t *n, struct fail *why);

/*
 * Puts event (event_write's JSON) in the place of the one that mapping was read with. ERR_STALE:
 * somebody else was faster, or it stands no more.
 */
MUST_USE enum err kept_events_rewrite(struct db *db, const struct mapping *mapping,
				      struct slice event, struct fail *why);

/* It stands no more. OK also when that is known already. */
MUST_USE enum err kept_events_remove(struct db *db, const struct mapping *mapping,
				     struct fail *why);

#endif
