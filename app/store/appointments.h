#ifndef CB_STORE_APPOINTMENTS_H
#define CB_STORE_APPOINTMENTS_H
/*
 * appointments: the table of that name: desired state. Another program may write there, too, so a
 * row may hold what appointment_check refuses. Whatever is written queues its own jobs, by the
 * triggers of the migrations 0009 and 0011.
 * Slices of what is read live in the arena given. Errors: those of io/db. Stands on io/db.
 * Source: contract section 3.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/rand.h"
#include "base/text.h"
#include "model/appointment.h"

struct db;

enum { APPOINTMENTS_AT_ONCE = 256 };

/* One that is stored. */
struct appointment_row {
	struct appointment appointment;
	int64_t revision; /* counts the changes that make a difference to a calendar */
	int64_t updated_ms;
};

/*
 * Makes or changes n (1 to APPOINTMENTS_AT_ONCE) appointments, all of them or none. One whose
 * version is below the stored one's changes nothing; of one that has no version the stored one
 * stays. quiet: nobody is mailed about it. The same id twice: the later one counts.
 */
MUST_USE enum err appointments_put(struct db *db, const struct id *tenant,
				   const struct appointment *items, size_t n, bool quiet,
				   struct fail *why);

/* Which of n are older than what is stored by now: is_older[i] is of items[i]. */
MUST_USE enum err appointments_find_older(struct db *db, const struct id *tenant,
					  const struct appointment *items, size_t n, bool *is_older,
					  struct fail *why);

/* ERR_NOT_FOUND. */
MUST_USE enum err appointments_get(struct db *db, const struct id *tenant, struct slice id,
				   struct arena *arena, struct appointment_row *out,
				   struct fail *why);

/* Its status becomes cancelled. ERR_NOT_FOUND. */
MUST_USE enum err appointments_cancel(struct db *db, const struct id *tenant, struct slice id,
				      struct fail *why);

/* Which appointments a page holds. */
struct appointment_search {
	struct id tenant;
	struct slice coach;
	struct slice text;      /* in the client's name or address, the service or the id,
				   whatever the case; empty: all */
	int64_t before_ms;      /* of the last one on the page before: its start; -1: first page */
	struct slice before_id; /* and its id */
	unsigned max;           /* 1 to 1000 */
};

/* A coach's appointments, the latest start first. */
MUST_USE enum err appointments_list(struct db *db, const struct appointment_search *search,
				    struct arena *arena, struct appointment_row **out, size_t *n,
				    struct fail *why);

#endif
