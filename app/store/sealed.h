#ifndef CB_STORE_SEALED_H
#define CB_STORE_SEALED_H
/*
 * sealed: the secrets that tables keep as sealed blobs, seen as a whole: which keys of the ring
 * they need. No blob is opened. Stands on io/db and seal.
 */
#include "base/err.h"

struct db;
struct seal_ring;

/*
 * Has the ring every key that a stored secret was sealed with? Grants that wait for a confirmation
 * count until they expire.
 * returns OK, ERR_CONFIG (why->detail names the first key that is missing, and how many need it),
 *         or the errors of io/db
 */
MUST_USE enum err sealed_check(struct db *db, const struct seal_ring *ring, struct fail *why);

#endif
