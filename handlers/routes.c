#include "handlers/routes.h"

#include "store/callers.h"

#define COACH_CALLERS (BY_TOKEN | BY_SESSION | BY_KEY)
#define INVITE_CALLERS (BY_TOKEN | BY_SESSION | BY_KEY | BY_DEMO)
#define EVENTS "/api/calendars/events"
#define CI "/api/calendar-integration"
#define JSON_BODY (64 * 1024)

/* clang-format off */
const struct route ROUTES[] = {
	/* method   path                                  name                    handler               family         callers         key's scope   whose                   body       contract  lacks body */
	{ "POST",   EVENTS,                               "events_create",        events_create,        FAMILY_PLAIN,  BY_KEY,         SCOPE_EVENTS, ITS_HEADERS_INSTRUCTOR, JSON_BODY, "1", false },
	{ "GET",    EVENTS,                               "events_list",          events_list,          FAMILY_PLAIN,  BY_KEY,         SCOPE_EVENTS, ITS_HEADERS_INSTRUCTOR, 0,         "1", false },
	{ "GET",    EVENTS "/{eventId}",                  "events_get",           events_get,           FAMILY_PLAIN,  BY_KEY,         SCOPE_EVENTS, ITS_HEADERS_INSTRUCTOR, 0,         "1", false },
	{ "PATCH",  EVENTS "/{eventId}",                  "events_change",        events_change,        FAMILY_PLAIN,  BY_KEY,         SCOPE_EVENTS, ITS_HEADERS_INSTRUCTOR, JSON_BODY, "1", false },
	{ "DELETE", EVENTS "/{eventId}",                  "events_remove",        events_remove,        FAMILY_PLAIN,  BY_KEY,         SCOPE_EVENTS, ITS_HEADERS_INSTRUCTOR, 0,         "1", false },
	{ "POST",   "/api/calendar/invite",               "invite_create",        invite_create,        FAMILY_INVITE, INVITE_CALLERS, SCOPE_EVENTS, ITS_BODYS_HOST,         JSON_BODY, "2", false },
	{ "GET",    CI "/connect/{provider}/{coachId}",   "coaching_connect",     coaching_connect,     FAMILY_PAGE,   COACH_CALLERS,  SCOPE_ADMIN,  ITS_PATHS_COACH,        0,         "3", false },
	{ "GET",    CI "/callback",                       "coaching_callback",    coaching_callback,    FAMILY_PAGE,   BY_NOBODY,      0,            ITS_NOBODYS,            0,         "3", false },
	{ "POST",   CI "/callback",                       "coaching_confirm",     coaching_confirm,     FAMILY_PAGE,   BY_NOBODY,      0,            ITS_NOBODYS,            4096,      "3", false },
	{ "GET",    CI "/connections/{coachId}",          "coaching_connections", coaching_connections, FAMILY_PLAIN,  COACH_CALLERS,  SCOPE_ADMIN,  ITS_PATHS_COACH,        0,         "3", false },
	{ "GET",    "/connect/{link}",                    "link_show",            link_show,            FAMILY_PAGE,   BY_NOBODY,      0,            ITS_NOBODYS,            0,         "6", false },
	{ "POST",   "/connect/{link}",                    "link_start",           link_start,           FAMILY_PAGE,   BY_NOBODY,      0,            ITS_NOBODYS,            4096,      "6", false },
	{ "GET",    "/api/session",                       "session_show",         session_show,         FAMILY_PLAIN,  BY_SESSION,     0,            ITS_CALLERS,            0,         "6", false },
	{ "POST",   "/api/session",                       "session_create",       session_create,       FAMILY_PLAIN,  BY_NOBODY,      0,            ITS_NOBODYS,            16384,     "6", true },
	{ "DELETE", "/api/session",                       "session_remove",       session_remove,       FAMILY_PLAIN,  BY_SESSION,     0,            ITS_CALLERS,            0,         "6", false },
	{ "GET",    "/healthz",                           "service_healthz",      service_healthz,      FAMILY_PLAIN,  BY_NOBODY,      0,            ITS_NOBODYS,            0,         "6", false },
	{ "GET",    "/readyz",                            "service_readyz",       service_readyz,       FAMILY_PLAIN,  BY_NOBODY,      0,            ITS_NOBODYS,            0,         "6", false },
	{ "GET",    "/metrics",                           "service_metrics",      service_metrics,      FAMILY_PLAIN,  BY_NOBODY,      0,            ITS_NOBODYS,            0,         "6", false },
};
/* clang-format on */

const size_t ROUTES_COUNT = ARRAY_LEN(ROUTES);
