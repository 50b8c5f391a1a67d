/*
 * Any bytes as templates and as what fills them. Fields end in NUL: title template, description
 * template, service, coach, location, then name, address and notes of the client; before them one
 * byte of switches. Without client details these last three make no difference to the event.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "model/appointment.h"
#include "model/event.h"
#include "model/privacy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DETAILS = 1, STANDS = 2, SHOWS = 4, QUIET = 8, MAILS_ALWAYS = 16, OVER = 32 };

enum { ARENA_BYTES = 1 << 20 };

static const int64_t START_MS = INT64_C(1772717400000);
static const int64_t END_MS = INT64_C(1772721000000);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_line(struct slice text, size_t bytes, bool lines)
{
	must(text.len <= bytes && text_is_utf8(text) && !text_has_control(text, lines));
}

static struct slice judge(const struct privacy_ask *ask, struct arena *arena)
{
	struct privacy_verdict verdict;
	struct buf out;

	must(!privacy_judge(ask, arena, &verdict));
	must(verdict.act == PRIVACY_WRITE || verdict.reason);
	if (verdict.act != PRIVACY_WRITE)
		return SLICE("");
	must(verdict.event.summary.len > 0);
	check_line(verdict.event.summary, PRIVACY_TITLE_BYTES, false);
	check_line(verdict.event.description, PRIVACY_DESCRIPTION_BYTES, true);
	check_line(verdict.event.location, APPOINTMENT_LOCATION_BYTES, false);
	must(!event_check(&verdict.event, NULL));
	must(!(ask->quiet && verdict.event.notify));
	buf_init(&out, arena, ARENA_BYTES);
	event_write(&verdict.event, &out);
	must(!buf_error(&out));
	return buf_slice(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(4096, 4 * ARENA_BYTES);
	unsigned switches = size ? data[0] : 0;
	struct slice rest = {(const char *)data + (size > 0), size - (size > 0)};
	struct sync_settings settings = {
		.sync_enabled = true,
		.auto_create = true,
		.auto_update = true,
		.client_details = switches & DETAILS,
		.title_template = slice_cut(&rest, '\0'),
		.description_template = slice_cut(&rest, '\0'),
	};
	struct appointment appointment = {
		.start_ms = START_MS,
		.end_ms = END_MS,
		.service = slice_cut(&rest, '\0'),
		.status = APPOINTMENT_CONFIRMED,
	};
	const struct privacy_ask ask = {
		.appointment = &appointment,
		.settings = &settings,
		.coach_name = slice_cut(&rest, '\0'),
		.now_ms = switches & OVER ? END_MS : START_MS,
		.quiet = switches & QUIET,
		.stands = switches & STANDS,
		.shows_client = switches & SHOWS,
		.mails_always = switches & MAILS_ALWAYS,
	};
	struct slice without, with;

	must(arena != NULL);
	appointment.location = slice_cut(&rest, '\0');
	without = judge(&ask, arena);
	appointment.client_name = slice_cut(&rest, '\0');
	appointment.client_email = slice_cut(&rest, '\0');
	appointment.notes = rest;
	with = judge(&ask, arena);
	must(settings.client_details || slice_equal(without, with));
	arena_free(arena);
	return 0;
}
