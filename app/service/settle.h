#ifndef CB_SERVICE_SETTLE_H
#define CB_SERVICE_SETTLE_H
/*
 * settle: what calbridge-sync does with intents that a crash or an unknown outcome left behind, and
 * the sweeping of rows that nobody needs any more. Stands on service/placing, store. Source:
 * contract "Exactly once" (what becomes of an intent).
 */
#include "base/err.h"

struct work;

/*
 * Claims up to max due intents. Each is carried forward (nobody was answered) or looked for (the
 * caller was told of failure); what cannot be settled now is looked at later. found  how many were
 * due returns OK or an error of io/db; single intents' troubles are logged
 */
MUST_USE enum err settle_due(struct work *work, unsigned max, unsigned *found, struct fail *why);

/* Deletes or empties what is past its time: sign-in links, sessions, flows, keys of settled
 * requests. */
MUST_USE enum err settle_sweep(struct work *work, struct fail *why);

#endif
