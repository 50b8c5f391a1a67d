# handlers/: one file a documented endpoint, and the route table.
libcalbridge_a_SOURCES += \
	handlers/coaching_callback.c \
	handlers/coaching_connect.c \
	handlers/coaching_connections.c \
	handlers/event_fields.c handlers/event_fields.h \
	handlers/events_change.c \
	handlers/events_create.c \
	handlers/events_get.c \
	handlers/events_list.c \
	handlers/events_remove.c \
	handlers/invite_create.c \
	handlers/link_show.c \
	handlers/link_start.c \
	handlers/routes.c handlers/routes.h \
	handlers/service_healthz.c \
	handlers/service_metrics.c \
	handlers/service_readyz.c \
	handlers/service_session.c
