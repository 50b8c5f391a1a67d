#include "tests/unit/event_fixture.h"

const struct stamp STAMP = {.marker = "bk_1", .owner = "ow_1"};

struct event coffee(void)
{
	return (struct event){
		.summary = SLICE("Coffee"),
		.start_ms = 1764687600000,
		.end_ms = 1764690300000,
		.time_zone = SLICE("America/New_York"),
		.notify = true,
	};
}
