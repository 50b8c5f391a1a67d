#include "service/showing.h"

#include "base/config.h"
#include "base/zone.h"
#include "model/standing.h"
#include "provider/provider.h"
#include "service/svc.h"
#include "store/connections.h"
#include "store/mappings.h"

enum { SHOWN_BYTES_MAX = 512 * 1024 };

struct slice showing_zone(const struct work *work, const struct showing *showing,
			  const struct placed *placed)
{
	const struct slice zones[] = {
		showing->kept ? showing->kept->time_zone : (struct slice){NULL, 0},
		placed->event.time_zone,
		showing->owner_zone,
	};

	for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
		if (zones[i].len > 0 && zone_find(zones[i]))
			return zones[i];
	}
	return slice_of(work->svc->config->default_time_zone);
}

/* What is the provider's to say; event's zone may be none that we know. */
static struct standing as_placed(const struct placed *placed, const struct event *event)
{
	return (struct standing){
		.id = placed->id,
		.cancelled = placed->cancelled,
		.event = event,
		.whole_day = placed->whole_day,
		.created_ms = placed->created_ms,
		.updated_ms = placed->updated_ms,
		.html_link = placed->html_link,
		.ical_uid = placed->ical_uid,
		.conference_url = placed->conference_url,
		.provider_event_id = placed->id,
	};
}

enum err showing_write(const struct work *work, const struct showing *showing,
		       const struct placed *placed, struct slice *out)
{
	const struct mapping *mapping = showing->mapping;
	const struct connection *conn = showing->connection;
	struct event event = placed->event;
	struct standing standing = as_placed(placed, &event);
	char id[ID_TEXT_BYTES], connection_id[ID_TEXT_BYTES];
	struct buf json;

	event.time_zone = showing_zone(work, showing, placed);
	if (mapping) {
		id_text(&mapping->id, id);
		standing.id = slice_of(id);
	}
	id_text(&conn->id, connection_id);
	standing.connection_id = slice_of(connection_id);
	standing.calendar_id = mapping ? mapping->calendar_id : conn->calendar_id;
	standing.provider = conn->provider;
	standing.attendees_omitted = showing->kept && showing->kept->omitted;
	buf_init(&json, work->arena, SHOWN_BYTES_MAX);
	standing_write(&standing, &json);
	*out = buf_slice(&json);
	return buf_error(&json);
}
