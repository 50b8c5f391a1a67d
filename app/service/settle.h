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
 * Claims one due intent. It is carried forward (nobody was answered) or looked for (the caller was
 * told of failure); what cannot be settled now is looked at later, and that is logged. returns OK,
 * ERR_NOT_FOUND (nothing is due) or an error of io/db
 */
MUST_USE enum err settle_next(struct work *work, struct fail *why);

/* Deletes or empties what is past its time: sign-in links, sessions, flows, keys of settled
 * requests. */
MUST_USE enum err settle_sweep(struct work *work, struct fail *why);

#endif
