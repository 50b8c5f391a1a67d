#ifndef CB_SERVICE_READING_H
#define CB_SERVICE_READING_H
/*
 * reading: one event as it stands in its calendar now.
 * Stands on service/finding. Source: contract 1 (GET).
 */
#include "base/err.h"
#include "base/text.h"

struct target;
struct work;

/*
 * shown    JSON in work's arena, as the contract has it
 * returns  OK; ERR_GONE (removed, by us or in the calendar); the others of finding_begin and
 *          finding_look
 */
MUST_USE enum err reading_show(struct work *work, struct target *target, struct slice id,
			       struct slice *shown, struct fail *why);

#endif
