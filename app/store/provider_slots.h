#ifndef CB_STORE_PROVIDER_SLOTS_H
#define CB_STORE_PROVIDER_SLOTS_H
/*
 * provider_slots: how many calls may run at once on one calendar account, over all processes and
 * hosts: a row a call, held by lease, so that one who dies gives it back.
 * Errors: those of io/db. Stands on io/db. Source: design "Leases, not locks held".
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rand.h"

struct db;

/*
 * Takes one of subject's slots (1 to 16 of them, made on first use) under token, for lease_ms by
 * the database's clock. taken: false when all are held.
 */
MUST_USE enum err provider_slots_take(struct db *db, const char *subject, unsigned slots,
				      const struct id *token, int64_t lease_ms, bool *taken,
				      struct fail *why);

/* Gives back what token holds. OK also when it holds nothing. */
MUST_USE enum err provider_slots_give(struct db *db, const char *subject, const struct id *token,
				      struct fail *why);

#endif
