#ifndef CB_SERVICE_CHANGING_H
#define CB_SERVICE_CHANGING_H
/*
 * changing: an event that stands is read, merged with what is asked for, and written back only
 * where it differs and only over what was read (If-Match). So a request that is repeated, after a
 * crash or by the web server, writes nothing twice and mails nobody twice.
 *
 * Which guests are ours is written before and after: before, those of old and those asked for
 * together, so that whoever dies in between leaves nobody of ours behind as somebody added by hand;
 * after, those asked for, and whoever of old had to stay on the event because his provider would
 * have mailed him. Both by compare-and-set; who is overtaken in the first begins anew.
 *
 * Stands on service/finding, store/kept_events, model/event_change. Source: contract 1 (PATCH).
 */
#include "base/err.h"
#include "base/text.h"

struct event_change;
struct target;
struct work;

/*
 * shown    JSON in work's arena: how it stands then
 * returns  OK; ERR_FIELDS (of event_change_apply); ERR_GONE (removed, by us or in the calendar);
 *          ERR_STALE (others were faster again and again); the others of finding_begin,
 *          finding_look and of the provider's change
 */
MUST_USE enum err changing_run(struct work *work, struct target *target, struct slice id,
			       const struct event_change *change, struct slice *shown,
			       struct fail *why);

#endif
