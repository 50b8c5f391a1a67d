/*
 * fuzz_google_json: each reader of Google's answers on any bytes. The first byte chooses the
 * reader (and the call and status of a refusal), the rest is the body.
 * Whatever comes: a fixed error or a result within its promises, nothing lost or left.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "io/http.h"
#include "io/http_header.h"
#include "provider/google_event.h"
#include "provider/google_json.h"
#include "provider/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

static void check_event(const struct placed *placed, bool raw)
{
	const struct event *event = &placed->event;

	must(event->end_ms >= event->start_ms);
	must(event->attendees || event->n_attendees == 0);
	must(placed->conference_url.len == 0 || event->conference);
	for (size_t i = 0; i < event->n_attendees; i++) {
		must(event->attendees[i].email.len > 0);
		must((event->attendees[i].raw.len > 0) == raw);
	}
}

static void fuzz_event(struct arena *arena, bool whole, struct slice body)
{
	struct placed placed;
	enum err e = google_event_read(arena, body, whole, &placed, NULL);

	must(e == OK || e == ERR_UPSTREAM || e == ERR_NOMEM);
	must((e == OK) == (placed.id.len > 0));
	check_event(&placed, true);
}

static void fuzz_list(struct arena *arena, struct slice body)
{
	struct placed_list list;
	enum err e = google_event_list(arena, body, "ow_1", &list, NULL);

	must(e == OK || e == ERR_UPSTREAM || e == ERR_NOMEM);
	must(e == OK || (list.n == 0 && list.next.len == 0));
	for (size_t i = 0; i < list.n; i++) {
		must(list.items[i].id.len > 0 && !list.items[i].cancelled);
		check_event(&list.items[i], false);
	}
}

static void fuzz_grant(struct arena *arena, struct slice body)
{
	struct grant grant;
	struct slice id_token;
	enum err e = wire_grant(arena, body, &grant, &id_token, NULL);

	must(e == OK || e == ERR_UPSTREAM || e == ERR_NOMEM);
	must((e == OK) == !secret_is_empty(&grant.access));
	must(e != OK || (grant.expires_in_s >= 1 && grant.expires_in_s <= 86400));
	grant_wipe(&grant);
	arena_wipe(arena);
}

static void fuzz_account(struct arena *arena, struct slice body)
{
	struct account account;
	enum err e = google_json_account(arena, body, &account, NULL);

	must(e == OK || e == ERR_UPSTREAM || e == ERR_NOMEM);
	must((e == OK) == (account.id.len > 0));
	must(account.email.len == 0 || text_is_email(account.email));
}

static void fuzz_refusal(struct arena *arena, unsigned choice, struct slice body)
{
	static const int STATUSES[] = {302, 400, 401, 403, 404, 409, 410, 412, 429, 500};
	enum google_call call = (enum google_call)(1u << choice % 7);
	int status = STATUSES[choice % ARRAY_LEN(STATUSES)];
	struct fail why = {0};
	enum err e = google_json_refusal(arena, call, status, body, &why);

	must(e != OK || call == GOOGLE_REVOKE || call == GOOGLE_DROP);
	must(e != ERR_REAUTH || (call == GOOGLE_REFRESH && status == 400));
	must(why.retry_after_s <= HTTP_RETRY_AFTER_MAX_S);
}

static void fuzz_header(struct slice line)
{
	struct http_reply reply = {0};

	http_header_take(&reply, line, INT64_C(1764687600000));
	must(reply.retry_after_s <= HTTP_RETRY_AFTER_MAX_S);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(4096, 8 * 1024 * 1024);
	struct slice body;

	must(arena != NULL);
	if (size > 0) {
		body = (struct slice){(const char *)data + 1, size - 1};
		switch (data[0]) {
		case 'e':
			fuzz_event(arena, false, body);
			break;
		case 'w':
			fuzz_event(arena, true, body);
			break;
		case 'l':
			fuzz_list(arena, body);
			break;
		case 'g':
			fuzz_grant(arena, body);
			break;
		case 'a':
			fuzz_account(arena, body);
			break;
		case 'h':
			fuzz_header(body);
			break;
		default:
			fuzz_refusal(arena, data[0], body);
		}
	}
	arena_free(arena);
	return 0;
}
