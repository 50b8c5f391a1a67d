#ifndef CB_HANDLERS_EVENT_FIELDS_H
#define CB_HANDLERS_EVENT_FIELDS_H
/*
 * event_fields: the fields of an event in a request's body, for those who make one and those who
 * change one. Stands on web/request, model/event_change. Source: contract 1, "For every endpoint".
 */
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

struct event;
struct event_change;
struct request;
struct zone;

/* A new event, and the calendar it is to stand in where one is named. */
struct new_event {
	struct event *event;        /* zeroed before; checked after */
	struct slice connection_id; /* may be empty, as may calendar_id */
	struct slice calendar_id;
};

/* returns OK; ERR_FIELDS with all that is wrong at once; ERR_NOMEM */
MUST_USE enum err event_fields_new(const struct request *rq, struct new_event *out,
				   struct fail *why);

/* Those that the body names, be it with null where that empties them. Errors as above. */
MUST_USE enum err event_fields_change(const struct request *rq, struct event_change *out,
				      struct fail *why);

/*
 * Reads a time of the body into *out, milliseconds since 1970. An empty text is left out, or has
 * been blamed already. A local time is read in zone; where zone is to blame itself (timeZone), the
 * time is not. ERR_FIELDS, under name.
 */
MUST_USE enum err event_fields_time(const char *name, struct slice text, const struct zone *zone,
				    int64_t *out, struct fail *why);

/* The zone that an event of this request is shown in: named, or the owner's, or the default. */
struct slice event_fields_zone(const struct request *rq, const struct zone *named);

#endif
