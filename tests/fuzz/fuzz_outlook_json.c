/*
 * fuzz_outlook_json: each reader of Microsoft's answers on any bytes. The first byte chooses the
 * reader (and the call and status of a refusal), the rest is the body.
 * Whatever comes: a fixed error or a result within its promises, nothing lost or left.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/json.h"
#include "io/http_header.h"
#include "provider/outlook_body.h"
#include "provider/outlook_event.h"
#include "provider/outlook_json.h"

#define BASE "https://graph.example/v1.0"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

/* What was read may be sent back: a patch of it is JSON that can be read. */
static void fuzz_patch(struct arena *arena, const struct placed *placed)
{
	static const struct json_limits LIMITS = {.depth = 32,
						  .values = 1000000,
						  .members = 10000,
						  .name_bytes = 256,
						  .text_bytes = 1024 * 1024};
	struct event event = placed->event;
	const struct json *root;
	struct buf out;
	enum err e;

	event.notify = true;
	buf_init(&out, arena, 1024 * 1024);
	outlook_event_patch(&event, EVENT_DESCRIPTION | EVENT_ATTENDEES, placed, &out);
	e = buf_error(&out);
	if (!e)
		e = json_read(arena, buf_slice(&out), &LIMITS, &root, NULL);
	must(e == OK || e == ERR_NOMEM || e == ERR_TOO_LONG);
}

static void fuzz_event(struct arena *arena, bool whole, struct slice body)
{
	struct placed placed;
	enum err e = outlook_event_read(arena, body, NULL, whole, &placed, NULL);

	must(e == OK || e == ERR_UPSTREAM || e == ERR_NOMEM || e == ERR_TOO_LONG);
	must((e == OK) == (placed.id.len > 0) && placed.id.len <= OUTLOOK_ID_BYTES_MAX);
	must(e != OK || !whole ||
	     (placed.event.attendees && placed.event.end_ms >= placed.event.start_ms));
	if (!e && whole)
		fuzz_patch(arena, &placed);
}

static void fuzz_found(struct arena *arena, struct slice body)
{
	struct placed placed;
	enum err e = outlook_event_found(arena, body, false, &placed, NULL);

	must(e == OK || e == ERR_GONE || e == ERR_UPSTREAM || e == ERR_NOMEM);
	must((e == OK) == (placed.id.len > 0));
}

static void fuzz_list(struct arena *arena, struct slice body)
{
	struct placed_list list;
	enum err e = outlook_event_list(arena, body, BASE, &list, NULL);

	must(e == OK || e == ERR_UPSTREAM || e == ERR_NOMEM);
	must(e == OK || (list.n == 0 && list.next.len == 0));
	must(list.next.len == 0 || outlook_event_is_page(list.next));
}

/* The claims as they are, or the token around them. */
static void fuzz_claims(struct arena *arena, bool bare, struct slice text)
{
	const struct outlook_claims wanted = {.client_id = "client-id",
					      .issuer = "https://i.example/{tenantid}/v2.0",
					      .now_ms = 0};
	struct account who;
	struct buf token;
	char *payload = arena_alloc(arena, text.len * 2 + 4);
	enum err e;

	must(payload != NULL);
	buf_init(&token, arena, text.len * 2 + 8);
	buf_add_text(&token, "e30.");
	digest_base64url(text.data, text.len, payload);
	buf_add_text(&token, payload);
	buf_add_text(&token, ".e30");
	e = outlook_json_claims(arena, bare ? buf_slice(&token) : text, &wanted, &who, NULL);
	must(e == OK || e == ERR_UPSTREAM || e == ERR_NOMEM);
	must((e == OK) == (who.id.len == 73));
	must(who.email.len == 0 || text_is_email(who.email));
}

static void fuzz_calendar(struct arena *arena, struct slice body)
{
	struct account who = {0};
	enum err e = outlook_json_calendar(arena, body, &who, NULL);

	must(e == OK || e == ERR_REFUSED || e == ERR_UPSTREAM || e == ERR_NOMEM);
	must(who.email.len == 0 || text_is_email(who.email));
}

static void fuzz_body(struct arena *arena, bool html, struct slice content)
{
	struct outlook_body body = {.content = content,
				    .html = html,
				    .online = true,
				    .link = SLICE("https://j.example/?a&b")};
	struct slice text, block;

	must(!outlook_body_read(arena, &body, &text, &block));
	must(text.len + block.len <= content.len);
	must(block.len == 0 || html);
}

static void fuzz_refusal(struct arena *arena, unsigned choice, struct slice body)
{
	static const int STATUSES[] = {302, 400, 401, 403, 404, 409, 410, 412, 429, 503, 507};
	unsigned call = 1u << choice % 7;
	int status = STATUSES[choice % ARRAY_LEN(STATUSES)];
	struct fail why = {0};
	enum err e = outlook_json_refusal(arena, call, status, body, &why);

	must(e != OK || call == OUTLOOK_DROP);
	must(e != ERR_REAUTH || (call == OUTLOOK_REFRESH && status < 500));
	must(e != ERR_BAD_REQUEST || call == OUTLOOK_PAGE);
	must(why.retry_after_s <= HTTP_RETRY_AFTER_MAX_S);
}

static void fuzz_one(struct arena *arena, uint8_t choice, struct slice body)
{
	switch (choice) {
	case 'e':
	case 'E':
		fuzz_event(arena, choice == 'E', body);
		break;
	case 'f':
		fuzz_found(arena, body);
		break;
	case 'l':
		fuzz_list(arena, body);
		break;
	case 'i':
	case 'I':
		fuzz_claims(arena, choice == 'i', body);
		break;
	case 'c':
		fuzz_calendar(arena, body);
		break;
	case 'b':
	case 'B':
		fuzz_body(arena, choice == 'B', body);
		break;
	default:
		fuzz_refusal(arena, choice, body);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(4096, 16 * 1024 * 1024);

	must(arena != NULL && !digest_start());
	if (size > 0)
		fuzz_one(arena, data[0], (struct slice){(const char *)data + 1, size - 1});
	arena_free(arena);
	return 0;
}
