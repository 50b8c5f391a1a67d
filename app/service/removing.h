#ifndef CB_SERVICE_REMOVING_H
#define CB_SERVICE_REMOVING_H
/*
 * removing: take an event out of its calendar, once, however often that is asked for. The row is
 * marked when the provider has said that it is gone, so that whoever repeats after a crash finds
 * the event gone and nobody is told twice.
 * Stands on service/finding, store/kept_events. Source: contract 1 (DELETE).
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/text.h"

struct target;
struct work;

/* Shall the guests hear of it? */
enum notice { NOTICE_AS_MADE, NOTICE_NONE, NOTICE_MAIL };

/*
 * returns OK, also when it is gone already; ERR_NOT_FOUND: it never was; the others of
 *         finding_begin, finding_look and of the provider's drop
 */
MUST_USE enum err removing_run(struct work *work, struct target *target, struct slice id,
			       enum notice notice, struct fail *why);

#endif
