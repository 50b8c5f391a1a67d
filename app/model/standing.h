#ifndef CB_MODEL_STANDING_H
#define CB_MODEL_STANDING_H
/*
 * standing: an event as the contract shows it: with Google's names of the fields, whatever the
 * provider. Pure. Stands on model/event, base/json, base/zone. Source: contract 1.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"
#include "model/event.h"

struct standing {
	struct slice id; /* what the client stores: ours, or the provider's where we made it not */
	bool cancelled;
	const struct event *event; /* its zone is known */
	bool whole_day;            /* its times are days: their midnights in UTC */
	bool attendees_omitted;    /* guests were asked for and are not on it */
	int64_t created_ms;        /* 0: not known, here and in updated_ms */
	int64_t updated_ms;
	struct slice html_link; /* these may be empty */
	struct slice ical_uid;
	struct slice conference_url;
	struct slice provider;
	struct slice connection_id;
	struct slice calendar_id;
	struct slice provider_event_id;
};

/* Appends it as one JSON object. What is not there is null, so that the shape is always the same.
 */
void standing_write(const struct standing *standing, struct buf *out);

#endif
