/*
 * Any bytes are read or refused; what is accepted lies in the years 2000 to 2100 and, written
 * and read again, is the same: in UTC, and as a wall time of zones whose clocks change.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/rfc3339.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int64_t BEGIN_MS = INT64_C(946684800000); /* 2000-01-01T00:00:00Z */
static const int64_t END_MS = INT64_C(4133980800000);  /* 2101-01-01T00:00:00Z */
static const int64_t DAY_MS = INT64_C(86400000);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static bool is_in_years(int64_t ms)
{
	return ms >= BEGIN_MS && ms < END_MS;
}

static void must_read_back(const struct rfc3339 *time)
{
	char text[RFC3339_BYTES];
	struct rfc3339 again;

	rfc3339_utc(time->ms, text);
	must(!rfc3339_read(slice_of(text), &again));
	must(again.instant && again.ms == time->ms);
}

/* Within a day of either end the wall time may lie in a year that is not read. */
static void must_read_back_in(const struct zone *zone, int64_t ms)
{
	char zoned[RFC3339_BYTES], local[RFC3339_BYTES];
	int64_t again, first;

	if (ms < BEGIN_MS + DAY_MS || ms >= END_MS - DAY_MS)
		return;
	rfc3339_zoned(ms, zone, zoned);
	must(!rfc3339_instant(slice_of(zoned), NULL, &again) && again == ms - ms % 1000);
	rfc3339_local(ms, zone, local);
	must(!rfc3339_instant(slice_of(local), zone, &first) && first <= again);
	/* Where a wall time comes twice it is read as the first: its wall time is the same. */
	rfc3339_local(first, zone, zoned);
	must(slice_is(slice_of(zoned), local));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const ZONES[] = {"America/New_York", "Australia/Lord_Howe",
					    "Europe/Dublin", "Pacific/Apia"};
	struct slice text = {(const char *)data, size};
	struct rfc3339 time;
	enum err e = rfc3339_read(text, &time);

	must(e == OK || e == ERR_BAD_REQUEST);
	must(e ? time.ms == 0 && !time.instant : is_in_years(time.ms));
	if (e)
		return 0;
	must_read_back(&time);
	for (size_t i = 0; i < ARRAY_LEN(ZONES); i++) {
		const struct zone *zone = zone_find(slice_of(ZONES[i]));
		int64_t ms;

		e = rfc3339_instant(text, zone, &ms);
		must(e == OK || (!time.instant && (e == ERR_FIELDS || e == ERR_BAD_REQUEST)));
		must(e ? ms == 0 : is_in_years(ms));
		if (!e)
			must_read_back_in(zone, ms);
	}
	return 0;
}
