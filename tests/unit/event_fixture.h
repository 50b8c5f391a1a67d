#ifndef CB_TESTS_EVENT_FIXTURE_H
#define CB_TESTS_EVENT_FIXTURE_H
/*
 * event_fixture: the event that tests begin with, and whose it is.
 */
#include "model/event.h"
#include "provider/provider.h"

extern const struct stamp STAMP;

/* 2 December 2025, 10:00 to 10:45 in New York; guests are to be mailed. */
struct event coffee(void);

#endif
