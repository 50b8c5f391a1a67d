#ifndef CB_HANDLERS_ROUTES_H
#define CB_HANDLERS_ROUTES_H
/*
 * routes: the table that reads like the contract, and the handlers it names: one file each, with
 * the function's name.
 * Stands on web.
 */
#include <stddef.h>

#include "base/err.h"
#include "web/route.h"

extern const struct route ROUTES[];
extern const size_t ROUTES_COUNT;

/* POST /api/calendars/events: one booking into the owner's calendar. Contract 1, seed 000. */
enum err events_create(struct request *rq, struct answer *an, struct fail *why);

/* GET /api/calendars/events: the owner's events that this service made. Contract 1. */
enum err events_list(struct request *rq, struct answer *an, struct fail *why);

/* GET .../events/{eventId}: an event as it stands. Contract 1. */
enum err events_get(struct request *rq, struct answer *an, struct fail *why);

/* PATCH .../events/{eventId}: what is named of an event. Contract 1, seed 000. */
enum err events_change(struct request *rq, struct answer *an, struct fail *why);

/* DELETE .../events/{eventId}: an event out of its calendar. Contract 1, seed 000. */
enum err events_remove(struct request *rq, struct answer *an, struct fail *why);

/* POST /api/calendar/invite: a confirmed event in the host's calendar. Contract 2, seed 001. */
enum err invite_create(struct request *rq, struct answer *an, struct fail *why);

/* GET .../connect/{provider}/{coachId}: starts OAuth. Contract 3, seed 002. */
enum err coaching_connect(struct request *rq, struct answer *an, struct fail *why);

/* GET .../callback: finishes it. Contract 3, seed 002. */
enum err coaching_callback(struct request *rq, struct answer *an, struct fail *why);

/* POST .../callback: the person has confirmed, or not, whose calendar it is. Contract 3 and 4. */
enum err coaching_confirm(struct request *rq, struct answer *an, struct fail *why);

/* GET .../connections/{coachId}: a coach's connections. Contract 3, seed 002. */
enum err coaching_connections(struct request *rq, struct answer *an, struct fail *why);

/* GET /connect/{link}: the page behind a connectUrl, and how a consent begun there ended.
 * Contract 6. */
enum err link_show(struct request *rq, struct answer *an, struct fail *why);

/* POST /connect/{link}: its button starts OAuth. Contract 6. */
enum err link_start(struct request *rq, struct answer *an, struct fail *why);

/* GET /healthz: the process lives. Contract 6. */
enum err service_healthz(struct request *rq, struct answer *an, struct fail *why);

/* GET /readyz: the database is there and migrated. Contract 6. */
enum err service_readyz(struct request *rq, struct answer *an, struct fail *why);

/* GET /metrics: counters as Prometheus text, for loopback alone. Contract 6. */
enum err service_metrics(struct request *rq, struct answer *an, struct fail *why);

/* GET /api/session: who is signed in. Contract 6. */
enum err session_show(struct request *rq, struct answer *an, struct fail *why);
/* POST /api/session: sign in by a link's token or a user token. Contract 6. */
enum err session_create(struct request *rq, struct answer *an, struct fail *why);
/* DELETE /api/session: sign out. Contract 6. */
enum err session_remove(struct request *rq, struct answer *an, struct fail *why);

#endif
