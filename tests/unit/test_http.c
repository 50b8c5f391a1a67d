#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config.h"
#include "io/http.h"
#include "io/http_header.h"
#include "io/http_trust.h"
#include "tests/unit/https_server.h"

enum { LONG_MS = 20000, SHORT_MS = 300, LATE_MS = 1000 };

/* A server, and an http that trusts its CA. */
struct rig {
	struct https_server *server;
	struct config config;
	struct http_trust *trust;
	struct http *http;
	struct arena *arena;
	struct fail why;
	struct http_reply reply;
};

static void rig_open(struct rig *rig, const struct https_server *ca)
{
	rig->config.https_ca_file = strdup(https_server_ca_file(ca));
	rig->arena = arena_new(4096, 8 * 1024 * 1024);
	assert_int_equal(http_trust_new(&rig->config, &rig->trust, NULL), OK);
	assert_int_equal(http_open(&rig->config, rig->trust, &rig->http, NULL), OK);
}

static void rig_init(struct rig *rig, enum https_flaw flaw, https_script *script, void *cx)
{
	*rig = (struct rig){0};
	rig->server = https_server_new(flaw, script, cx);
	rig_open(rig, rig->server);
}

static void rig_fini(struct rig *rig)
{
	http_close(rig->http);
	http_trust_free(rig->trust);
	https_server_free(rig->server);
	arena_free(rig->arena);
	free(rig->config.https_ca_file);
}

/* Sends ask to path with what it leaves open filled in. */
static enum err ask_for(struct rig *rig, const char *path, struct http_ask ask)
{
	char url[256];

	ask.url = https_server_url(rig->server, path, url, sizeof(url));
	if (!ask.method)
		ask.method = "GET";
	if (!ask.deadline_ms)
		ask.deadline_ms = clock_mono_ms() + LONG_MS;
	rig->why = (struct fail){0};
	return http_exchange(rig->http, rig->arena, &ask, &rig->reply, &rig->why);
}

static enum err get(struct rig *rig, const char *path)
{
	return ask_for(rig, path, (struct http_ask){0});
}

static enum err get_within(struct rig *rig, const char *path, int64_t ms)
{
	return ask_for(rig, path, (struct http_ask){.deadline_ms = clock_mono_ms() + ms});
}

static void assert_body(const struct rig *rig, const char *wanted)
{
	assert_string_equal(buf_slice(&rig->reply.body).data, wanted);
}

/* Answers with the request itself: head and body. */
static void echo(struct https_call *call, void *cx)
{
	char text[16384];

	(void)cx;
	snprintf(text, sizeof(text), "%s%s", call->head, call->body);
	https_answer(call, "200 OK", "Content-Type: text/plain", text);
}

static void ok(struct https_call *call, void *cx)
{
	(void)cx;
	https_answer(call, "200 OK", "Content-Type: application/json", "{}");
}

static void a_request_arrives_as_asked_and_with_nothing_beside(void **state)
{
	struct secret token = {0};
	struct rig rig;

	(void)state;
	rig_init(&rig, HTTPS_SOUND, echo, NULL);
	assert_int_equal(secret_set(&token, SLICE("ya29.token")), OK);
	assert_int_equal(ask_for(&rig, "/a%20b?c=d",
				 (struct http_ask){.method = "PATCH",
						   .content_type = "application/json",
						   .body = SLICE("{\"a\":1}"),
						   .bearer = &token,
						   .if_match = "\"tag\"",
						   .prefer = "a=\"b\", c"}),
			 OK);
	assert_int_equal(rig.reply.status, 200);
	assert_false(rig.reply.is_json);
	const char *text = buf_slice(&rig.reply.body).data;
	assert_ptr_equal(strstr(text, "PATCH /a%20b?c=d HTTP/1.1\r\n"), text);
	assert_non_null(strstr(text, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(text, "\r\nUser-Agent: calbridge\r\n"));
	assert_non_null(strstr(text, "\r\nAuthorization: Bearer ya29.token\r\n"));
	assert_non_null(strstr(text, "\r\nIf-Match: \"tag\"\r\n"));
	assert_non_null(strstr(text, "\r\nPrefer: a=\"b\", c\r\n"));
	assert_non_null(strstr(text, "\r\n\r\n{\"a\":1}"));
	assert_null(strcasestr(text, "\r\nExpect"));
	assert_null(strcasestr(text, "\r\nAccept-Encoding"));
	assert_null(strcasestr(text, "\r\nCookie"));
	secret_wipe(&token);
	rig_fini(&rig);
}

/* The part behind the host is ours to encode, and nobody's to change. */
static void a_url_is_asked_for_as_it_stands(void **state)
{
	static const char *const URLS[][2] = {
		{"/", "GET / HTTP/1.1\r\n"},
		{"", "GET / HTTP/1.1\r\n"},
		{"?a=b", "GET /?a=b HTTP/1.1\r\n"},
		{"/a/../b/./c", "GET /a/../b/./c HTTP/1.1\r\n"},
		{"/a%2Fb%40c?d=%20&e=/,?", "GET /a%2Fb%40c?d=%20&e=/,? HTTP/1.1\r\n"},
		{"/a?b#c", "GET /a?b HTTP/1.1\r\n"},
	};
	struct rig rig;

	(void)state;
	rig_init(&rig, HTTPS_SOUND, echo, NULL);
	for (size_t i = 0; i < ARRAY_LEN(URLS); i++) {
		assert_int_equal(get(&rig, URLS[i][0]), OK);
		assert_true(slice_starts(buf_slice(&rig.reply.body), URLS[i][1]));
	}
	rig_fini(&rig);
}

static void a_url_cannot_begin_another_request(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, HTTPS_SOUND, echo, NULL);
	assert_int_not_equal(get(&rig, "/a HTTP/1.1\r\nHost: evil\r\n\r\nGET /b"), OK);
	assert_int_not_equal(get(&rig, "/a\nb"), OK);
	assert_int_equal(https_server_requests(rig.server), 0);
	rig_fini(&rig);
}

static void each_method_is_sent_with_or_without_a_body(void **state)
{
	static const struct {
		const char *method;
		const char *body;
	} CASES[] = {{"GET", ""}, {"POST", ""}, {"POST", "x"}, {"PUT", "x"}, {"DELETE", ""}};
	struct rig rig;

	(void)state;
	rig_init(&rig, HTTPS_SOUND, echo, NULL);
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		struct http_ask ask = {.method = CASES[i].method, .body = slice_of(CASES[i].body)};
		const char *text;

		assert_int_equal(ask_for(&rig, "/", ask), OK);
		text = buf_slice(&rig.reply.body).data;
		assert_memory_equal(text, CASES[i].method, strlen(CASES[i].method));
		assert_string_equal(strstr(text, "\r\n\r\n") + 4, CASES[i].body);
		assert_null(strcasestr(text, "\r\nContent-Type"));
	}
	rig_fini(&rig);
}

static void a_large_body_is_sent_without_asking_first(void **state)
{
	static char body[1200 * 1024];
	struct rig rig;

	(void)state;
	rig_init(&rig, HTTPS_SOUND, echo, NULL);
	memset(body, 'x', sizeof(body));
	assert_int_equal(ask_for(&rig, "/",
				 (struct http_ask){.method = "POST", .body = {body, sizeof(body)}}),
			 OK);
	assert_null(strcasestr(buf_slice(&rig.reply.body).data, "\r\nExpect"));
	rig_fini(&rig);
}

static void connections_are_kept(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, HTTPS_SOUND, ok, NULL);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(get(&rig, "/"), OK);
		assert_true(rig.reply.is_json);
	}
	assert_int_equal(https_server_connections(rig.server), 1);
	rig_fini(&rig);
}

static void redirect(struct https_call *call, void *cx)
{
	char line[300], url[200];

	snprintf(line, sizeof(line), "Location: %s",
		 https_server_url(cx, "/elsewhere", url, sizeof(url)));
	https_answer(call, "302 Found", line, "");
}

static void a_redirect_is_an_answer_and_is_not_followed(void **state)
{
	struct https_server *other = https_server_new(HTTPS_SOUND, ok, NULL);
	struct rig rig;

	(void)state;
	rig_init(&rig, HTTPS_SOUND, redirect, other);
	assert_int_equal(get(&rig, "/"), OK);
	assert_int_equal(rig.reply.status, 302);
	assert_int_equal(https_server_connections(other), 0);
	rig_fini(&rig);
	https_server_free(other);
}

static void whoever_cannot_prove_his_name_gets_no_request(void **state)
{
	static const enum https_flaw FLAWS[] = {HTTPS_SELF_SIGNED, HTTPS_EXPIRED, HTTPS_WRONG_NAME,
						HTTPS_OLD_TLS};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(FLAWS); i++) {
		rig_init(&rig, FLAWS[i], ok, NULL);
		assert_int_equal(get(&rig, "/"), ERR_UNREACHABLE);
		assert_int_equal(https_server_connections(rig.server), 1);
		assert_int_equal(https_server_requests(rig.server), 0);
		rig_fini(&rig);
	}
}

static void another_ca_is_not_believed(void **state)
{
	struct https_server *other = https_server_new(HTTPS_SOUND, ok, NULL);
	struct rig rig = {.server = https_server_new(HTTPS_SOUND, ok, NULL)};

	(void)state;
	rig_open(&rig, other);
	assert_int_equal(get(&rig, "/"), ERR_UNREACHABLE);
	assert_int_equal(https_server_requests(rig.server), 0);
	rig_fini(&rig);
	https_server_free(other);
}

static void a_ca_file_that_holds_none_stops_the_start(void **state)
{
	struct config config = {.https_ca_file = strdup("/nonexistent/ca.pem")};
	struct http_trust *trust;
	struct fail why = {0};

	(void)state;
	assert_int_equal(http_trust_new(&config, &trust, &why), ERR_CONFIG);
	assert_null(trust);
	assert_non_null(strstr(why.detail, "/nonexistent/ca.pem"));
	free(config.https_ca_file);
	config.https_ca_file = strdup("/dev/null");
	assert_int_equal(http_trust_new(&config, &trust, &why), ERR_CONFIG);
	free(config.https_ca_file);
	config.https_ca_file = NULL; /* the system's bundle */
	assert_int_equal(http_trust_new(&config, &trust, &why), OK);
	http_trust_free(trust);
}

/* 10 MB, announced or not; endless; a head of 100 KB. */
static void too_much(struct https_call *call, void *cx)
{
	static const char HEAD[] = "HTTP/1.1 200 OK\r\n";
	static const char ANNOUNCED[] = "Content-Length: 10000000\r\n\r\n";
	static const char END[] = "Content-Length: 2\r\n\r\n{}";
	static const char CHUNKED[] = "Transfer-Encoding: chunked\r\n\r\n";
	char block[8192];
	bool open = https_write(call, HEAD, sizeof(HEAD) - 1);

	(void)cx;
	memset(block, 'x', sizeof(block));
	if (https_is(call, "GET /head")) {
		memcpy(block, "X-Long: ", 8);
		memcpy(block + sizeof(block) - 2, "\r\n", 2);
		for (int i = 0; i < 12 && open; i++)
			open = https_write(call, block, sizeof(block));
		https_write(call, END, sizeof(END) - 1);
	} else if (https_is(call, "GET /announced")) {
		open = open && https_write(call, ANNOUNCED, sizeof(ANNOUNCED) - 1);
		for (int i = 0; i < 1200 && open; i++)
			open = https_write(call, block, sizeof(block));
	} else if (https_is(call, "GET /endless")) {
		open = open && https_write(call, CHUNKED, sizeof(CHUNKED) - 1);
		while (open)
			open = https_write(call, "2000\r\n", 6) &&
			       https_write(call, block, sizeof(block)) &&
			       https_write(call, "\r\n", 2);
	}
	call->hang_up = true;
}

static void an_answer_beyond_its_ceiling_is_broken_off(void **state)
{
	static const char *const PATHS[] = {"/announced", "/endless", "/head"};
	struct rig rig;

	(void)state;
	rig_init(&rig, HTTPS_SOUND, too_much, NULL);
	for (size_t i = 0; i < ARRAY_LEN(PATHS); i++) {
		assert_int_equal(get(&rig, PATHS[i]), ERR_UPSTREAM);
		assert_in_range(rig.reply.body.room, 0, 1024 * 1024 + 1);
		arena_reset(rig.arena);
		assert_int_equal(ask_for(&rig, PATHS[i], (struct http_ask){.ceiling_bytes = 20000}),
				 ERR_UPSTREAM);
		assert_in_range(rig.reply.body.room, 0, 20001);
		arena_reset(rig.arena);
	}
	rig_fini(&rig);
}

static void an_arena_that_is_full_is_no_reason_to_think_nothing_happened(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, HTTPS_SOUND, too_much, NULL);
	arena_free(rig.arena);
	rig.arena = arena_new(4096, 64 * 1024);
	assert_int_equal(get(&rig, "/endless"), ERR_UPSTREAM);
	rig_fini(&rig);
}

static void an_answer_at_its_ceiling_is_whole(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, HTTPS_SOUND, ok, NULL);
	assert_int_equal(ask_for(&rig, "/", (struct http_ask){.ceiling_bytes = 2}), OK);
	assert_body(&rig, "{}");
	assert_int_equal(ask_for(&rig, "/", (struct http_ask){.ceiling_bytes = 1}), ERR_UPSTREAM);
	rig_fini(&rig);
}

/* A byte now and then, for ever. */
static void trickle(struct https_call *call, void *cx)
{
	static const char HEAD[] = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
	bool open = https_write(call, HEAD, sizeof(HEAD) - 1);

	(void)cx;
	while (open)
		open = https_wait(call, 20) && https_write(call, "x", 1);
	call->hang_up = true;
}

static void silence(struct https_call *call, void *cx)
{
	(void)cx;
	while (https_wait(call, 100))
		;
	call->hang_up = true;
}

static void assert_in_time(int64_t begun_ms)
{
	int64_t took_ms = clock_mono_ms() - begun_ms;

	assert_true(took_ms >= SHORT_MS - 1);
	assert_true(took_ms < SHORT_MS + LATE_MS);
}

static void a_slow_answer_ends_with_the_deadline(void **state)
{
	https_script *const scripts[] = {trickle, silence};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		int64_t begun_ms;

		rig_init(&rig, HTTPS_SOUND, scripts[i], NULL);
		begun_ms = clock_mono_ms();
		assert_int_equal(get_within(&rig, "/", SHORT_MS), ERR_UPSTREAM_SLOW);
		assert_in_time(begun_ms);
		rig_fini(&rig);
	}
}

static void its_own_limit_ends_it_before_the_deadline(void **state)
{
	struct rig rig;
	int64_t begun_ms;

	(void)state;
	rig_init(&rig, HTTPS_SOUND, silence, NULL);
	begun_ms = clock_mono_ms();
	assert_int_equal(ask_for(&rig, "/", (struct http_ask){.timeout_s = 1}), ERR_UPSTREAM_SLOW);
	assert_true(clock_mono_ms() - begun_ms < 1000 + LATE_MS);
	rig_fini(&rig);
}

static void a_peer_that_never_shakes_hands_was_sent_nothing(void **state)
{
	struct https_server *ca = https_server_new(HTTPS_SOUND, ok, NULL);
	struct rig rig = {.server = https_server_new(HTTPS_MUTE, NULL, NULL)};
	int64_t begun_ms = clock_mono_ms();

	(void)state;
	rig_open(&rig, ca);
	assert_int_equal(get_within(&rig, "/", SHORT_MS), ERR_UNREACHABLE);
	assert_in_time(begun_ms);
	rig_fini(&rig);
	https_server_free(ca);
}

static void nobody_there_is_unreachable(void **state)
{
	struct https_server *gone = https_server_new(HTTPS_SOUND, ok, NULL);
	struct rig rig;
	char url[200];

	(void)state;
	rig_init(&rig, HTTPS_SOUND, ok, NULL);
	https_server_url(gone, "/", url, sizeof(url));
	https_server_free(gone);
	struct http_ask ask = {.method = "POST",
			       .url = url,
			       .body = SLICE("x"),
			       .deadline_ms = clock_mono_ms() + LONG_MS};
	assert_int_equal(http_exchange(rig.http, rig.arena, &ask, &rig.reply, &rig.why),
			 ERR_UNREACHABLE);
	rig_fini(&rig);
}

static void a_deadline_in_the_past_asks_nobody(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, HTTPS_SOUND, ok, NULL);
	assert_int_equal(get_within(&rig, "/", 0), ERR_DEADLINE);
	assert_int_equal(get_within(&rig, "/", -1000), ERR_DEADLINE);
	assert_int_equal(https_server_connections(rig.server), 0);
	rig_fini(&rig);
}

/* Answers that end too early, by path. */
static void broken_off(struct https_call *call, void *cx)
{
	static const char SHORT[] = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":";
	static const char CHUNK[] =
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"id\"\r\n";
	static const char HALF[] = "HTTP/1.1 200 OK\r\nContent-Le";
	static const char GARBAGE[] = "\x15\x03\x01 what?\r\n\r\n";

	(void)cx;
	if (https_is(call, "POST /short"))
		https_write(call, SHORT, sizeof(SHORT) - 1);
	else if (https_is(call, "POST /chunk"))
		https_write(call, CHUNK, sizeof(CHUNK) - 1);
	else if (https_is(call, "POST /half"))
		https_write(call, HALF, sizeof(HALF) - 1);
	else if (https_is(call, "POST /garbage"))
		https_write(call, GARBAGE, sizeof(GARBAGE) - 1);
	call->hang_up = true;
}

static void an_answer_cut_short_leaves_the_outcome_unknown(void **state)
{
	static const char *const PATHS[] = {"/short", "/chunk", "/half", "/garbage", "/"};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(PATHS); i++) {
		struct http_ask ask = {.method = "POST", .body = SLICE("x")};

		rig_init(&rig, HTTPS_SOUND, broken_off, NULL);
		if (ask_for(&rig, PATHS[i], ask) != ERR_UPSTREAM)
			fail_msg("%s", PATHS[i]);
		assert_int_equal(https_server_requests(rig.server), 1);
		rig_fini(&rig);
	}
}

/* Answers the first request of each connection; the second one closes it without a word. */
static void once_each(struct https_call *call, void *cx)
{
	(void)cx;
	if (call->nth == 1)
		https_answer(call, "200 OK", NULL, "first");
	else
		call->hang_up = true;
}

static void a_dead_kept_connection_is_replaced_unseen(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, HTTPS_SOUND, once_each, NULL);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ask_for(&rig, "/", (struct http_ask){.method = "POST"}), OK);
		assert_body(&rig, "first");
	}
	/* the price, as http.h says: two of the three arrived twice */
	assert_int_equal(https_server_requests(rig.server), 5);
	rig_fini(&rig);
}

static void what_must_be_sent_once_is(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, HTTPS_SOUND, once_each, NULL);
	for (unsigned i = 1; i <= 3; i++) {
		assert_int_equal(
			ask_for(&rig, "/", (struct http_ask){.method = "POST", .once = true}), OK);
		assert_int_equal(https_server_requests(rig.server), i);
		assert_int_equal(https_server_connections(rig.server), i);
	}
	rig_fini(&rig);
}

static void zipped(struct https_call *call, void *cx)
{
	(void)cx;
	https_answer(call, "200 OK", "Content-Type: application/json\r\nContent-Encoding: gzip",
		     "\x1f\x8b\x08 a bomb");
}

static void a_compressed_answer_is_not_unpacked(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, HTTPS_SOUND, zipped, NULL);
	assert_int_equal(get(&rig, "/"), OK);
	assert_true(rig.reply.is_encoded);
	assert_false(rig.reply.is_json);
	assert_body(&rig, "\x1f\x8b\x08 a bomb");
	rig_fini(&rig);
}

static void proxies_in_the_environment_are_ignored(void **state)
{
	static const char *const NAMES[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
					    "ALL_PROXY"};
	struct https_server *proxy = https_server_new(HTTPS_PLAIN, ok, NULL);
	struct rig rig;
	char url[200];

	(void)state;
	https_server_url(proxy, "", url, sizeof(url));
	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
		setenv(NAMES[i], url, 1);
	rig_init(&rig, HTTPS_SOUND, ok, NULL);
	assert_int_equal(get(&rig, "/"), OK);
	assert_int_equal(https_server_requests(rig.server), 1);
	assert_int_equal(https_server_connections(proxy), 0);
	rig_fini(&rig);
	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
		unsetenv(NAMES[i]);
	https_server_free(proxy);
}

static void a_netrc_in_the_home_is_ignored(void **state)
{
	char home[] = "/tmp/cb-test-home-XXXXXX", path[64];
	const char *was = getenv("HOME");
	struct rig rig;
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(home));
	snprintf(path, sizeof(path), "%s/.netrc", home);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("machine 127.0.0.1 login somebody password canary\n", file);
	assert_int_equal(fclose(file), 0);
	setenv("HOME", home, 1);
	rig_init(&rig, HTTPS_SOUND, echo, NULL);
	assert_int_equal(get(&rig, "/"), OK);
	assert_null(strcasestr(buf_slice(&rig.reply.body).data, "Authorization"));
	rig_fini(&rig);
	if (was)
		setenv("HOME", was, 1);
	unlink(path);
	rmdir(home);
}

static void echo_with_cookie(struct https_call *call, void *cx)
{
	(void)cx;
	https_answer(call, "200 OK", "Set-Cookie: a=canary; Path=/", call->head);
}

static void cookies_are_not_kept(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, HTTPS_SOUND, echo_with_cookie, NULL);
	assert_int_equal(get(&rig, "/set"), OK);
	assert_int_equal(get(&rig, "/"), OK);
	assert_null(strcasestr(buf_slice(&rig.reply.body).data, "Cookie"));
	rig_fini(&rig);
}

static void plain_http_is_refused_but_for_loopback_where_allowed(void **state)
{
	static const char *const REFUSED[] = {
		"http://localhost@192.0.2.1/",
		"http://192.0.2.1/",
		"http://127.0.0.1.example/",
		"http://",
		"ftp://127.0.0.1/",
		"file:///etc/passwd",
		"//127.0.0.1/",
		"",
	};
	struct https_server *ca = https_server_new(HTTPS_SOUND, ok, NULL);
	struct rig rig = {.server = https_server_new(HTTPS_PLAIN, ok, NULL)};

	(void)state;
	rig_open(&rig, ca);
	assert_int_equal(get(&rig, "/"), ERR_UNREACHABLE);
	assert_string_equal(rig.why.detail, "the URL is not https");
	assert_int_equal(https_server_connections(rig.server), 0);
	http_close(rig.http);
	rig.config.allow_loopback_http = true;
	assert_int_equal(http_open(&rig.config, rig.trust, &rig.http, NULL), OK);
	assert_int_equal(get(&rig, "/"), OK);
	for (size_t i = 0; i < ARRAY_LEN(REFUSED); i++) {
		struct http_ask ask = {.method = "GET",
				       .url = REFUSED[i],
				       .deadline_ms = clock_mono_ms() + SHORT_MS};

		assert_int_equal(http_exchange(rig.http, rig.arena, &ask, &rig.reply, &rig.why),
				 ERR_UNREACHABLE);
		assert_string_equal(rig.why.detail, "the URL is not https");
	}
	rig_fini(&rig);
	https_server_free(ca);
}

static void a_bearer_goes_only_where_it_was_given(void **state)
{
	struct secret token = {0};
	struct rig rig;

	(void)state;
	rig_init(&rig, HTTPS_SOUND, echo, NULL);
	assert_int_equal(secret_set(&token, SLICE("canary")), OK);
	assert_int_equal(ask_for(&rig, "/", (struct http_ask){.bearer = &token}), OK);
	assert_non_null(strstr(buf_slice(&rig.reply.body).data, "Bearer canary"));
	assert_int_equal(get(&rig, "/"), OK);
	assert_null(strstr(buf_slice(&rig.reply.body).data, "canary"));
	assert_null(strcasestr(buf_slice(&rig.reply.body).data, "Authorization"));
	assert_int_equal(https_server_connections(rig.server), 1);
	secret_wipe(&token);
	rig_fini(&rig);
}

static void a_value_cannot_begin_another_header(void **state)
{
	static const char *const VALUES[] = {"a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\x7f", "\xc3\xa4"};
	struct secret token = {0};
	struct rig rig;

	(void)state;
	rig_init(&rig, HTTPS_SOUND, echo, NULL);
	for (size_t i = 0; i < ARRAY_LEN(VALUES); i++) {
		assert_int_equal(secret_set(&token, slice_of(VALUES[i])), OK);
		assert_int_equal(ask_for(&rig, "/", (struct http_ask){.bearer = &token}),
				 ERR_INTERNAL);
		assert_int_equal(ask_for(&rig, "/", (struct http_ask){.if_match = VALUES[i]}),
				 ERR_INTERNAL);
		assert_int_equal(ask_for(&rig, "/", (struct http_ask){.prefer = VALUES[i]}),
				 ERR_INTERNAL);
		assert_int_equal(ask_for(&rig, "/", (struct http_ask){.content_type = VALUES[i]}),
				 ERR_INTERNAL);
	}
	assert_int_equal(https_server_requests(rig.server), 0);
	secret_wipe(&token);
	rig_fini(&rig);
}

/* One of many threads that share an http. */
struct crowd {
	struct rig *rig;
	unsigned number;
	atomic_uint *wrong;
};

enum { CROWD = 64, ROUNDS = 12 };

static void *ask_as_oneself(void *arg)
{
	struct crowd *me = arg;
	struct arena *arena = arena_new(4096, 64 * 1024);
	struct secret token = {0};
	struct http_reply reply;
	char url[200], path[64], bearer[64];

	for (int i = 0; i < ROUNDS; i++) {
		struct http_ask ask = {.method = "POST", .bearer = &token, .url = url};

		snprintf(path, sizeof(path), "/account-%u-%d", me->number, i);
		snprintf(bearer, sizeof(bearer), "token-%u-%d", me->number, i);
		https_server_url(me->rig->server, path, url, sizeof(url));
		ask.body = slice_of(bearer);
		ask.deadline_ms = clock_mono_ms() + LONG_MS;
		if (secret_set(&token, slice_of(bearer)) ||
		    http_exchange(me->rig->http, arena, &ask, &reply, NULL) ||
		    !slice_is(buf_slice(&reply.body), path))
			(*me->wrong)++;
		arena_reset(arena);
	}
	secret_wipe(&token);
	arena_free(arena);
	return NULL;
}

/* Path, bearer and body must be of one and the same account; answers with the path. */
static void compare_accounts(struct https_call *call, void *cx)
{
	char bearer[128], path[128] = "";
	atomic_uint *mixed = cx;

	https_header(call, "Authorization", bearer, sizeof(bearer));
	sscanf(call->head, "POST %100s ", path);
	if (strncmp(bearer, "Bearer token-", 13) != 0 || strcmp(bearer + 7, call->body) != 0 ||
	    strcmp(path + 9, call->body + 6) != 0)
		(*mixed)++;
	https_answer(call, "200 OK", NULL, path);
}

static void many_threads_at_once_are_never_mixed_up(void **state)
{
	atomic_uint mixed = 0, wrong = 0;
	pthread_t threads[CROWD];
	struct crowd crowd[CROWD];
	struct rig rig;

	(void)state;
	rig_init(&rig, HTTPS_SOUND, compare_accounts, &mixed);
	for (unsigned i = 0; i < CROWD; i++) {
		crowd[i] = (struct crowd){&rig, i, &wrong};
		assert_int_equal(pthread_create(&threads[i], NULL, ask_as_oneself, &crowd[i]), 0);
	}
	for (unsigned i = 0; i < CROWD; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(wrong, 0);
	assert_int_equal(mixed, 0);
	assert_int_equal(https_server_requests(rig.server), CROWD * ROUNDS);
	assert_in_range(https_server_connections(rig.server), 1, CROWD);
	rig_fini(&rig);
}

struct waiter {
	struct rig *rig;
	int64_t ms;
	enum err e;
	int64_t took_ms;
};

static void *wait_for_silence(void *arg)
{
	struct waiter *me = arg;
	struct arena *arena = arena_new(1024, 4096);
	struct http_reply reply;
	char url[200];
	struct http_ask ask = {
		.method = "GET",
		.url = https_server_url(me->rig->server, "/", url, sizeof(url)),
		.deadline_ms = clock_mono_ms() + me->ms,
	};
	int64_t begun_ms = clock_mono_ms();

	me->e = http_exchange(me->rig->http, arena, &ask, &reply, NULL);
	me->took_ms = clock_mono_ms() - begun_ms;
	arena_free(arena);
	return NULL;
}

/* A host gets 32 connections; who finds no place on them must not wait for ever. */
static void waiting_for_a_connection_ends_with_the_deadline(void **state)
{
	enum { PLACES = 32, MORE = 8 };
	struct waiter waiters[PLACES + MORE];
	pthread_t threads[PLACES + MORE];
	struct rig rig;

	(void)state;
	rig_init(&rig, HTTPS_SOUND, silence, NULL);
	http_close(rig.http);
	rig.config.https_http2 = true; /* offered; this server speaks 1.1 only */
	assert_int_equal(http_open(&rig.config, rig.trust, &rig.http, NULL), OK);
	for (unsigned i = 0; i < PLACES + MORE; i++) {
		if (i == PLACES)
			https_server_wait(rig.server, PLACES);
		waiters[i] = (struct waiter){.rig = &rig, .ms = i < PLACES ? 2000 : SHORT_MS};
		assert_int_equal(pthread_create(&threads[i], NULL, wait_for_silence, &waiters[i]),
				 0);
	}
	for (unsigned i = 0; i < PLACES + MORE; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < PLACES; i++)
		assert_int_equal(waiters[i].e, ERR_UPSTREAM_SLOW);
	for (unsigned i = PLACES; i < PLACES + MORE; i++) {
		assert_int_equal(waiters[i].e, ERR_UNREACHABLE);
		assert_true(waiters[i].took_ms < SHORT_MS + LATE_MS);
	}
	assert_int_equal(https_server_connections(rig.server), PLACES);
	rig_fini(&rig);
}

static void closing_ends_what_is_under_way(void **state)
{
	struct waiter waiter;
	pthread_t thread;
	struct rig rig;

	(void)state;
	rig_init(&rig, HTTPS_SOUND, silence, NULL);
	waiter = (struct waiter){.rig = &rig, .ms = LONG_MS};
	assert_int_equal(pthread_create(&thread, NULL, wait_for_silence, &waiter), 0);
	https_server_wait(rig.server, 1);
	http_close(rig.http);
	rig.http = NULL;
	pthread_join(thread, NULL);
	assert_int_equal(waiter.e, ERR_UPSTREAM);
	assert_true(waiter.took_ms < LONG_MS);
	rig_fini(&rig);
}

/* An interim answer first, then the real one. */
static void throttled(struct https_call *call, void *cx)
{
	static const char INTERIM[] =
		"HTTP/1.1 103 Early Hints\r\nRetry-After: 77\r\nContent-Encoding: br\r\n\r\n";

	(void)cx;
	https_write(call, INTERIM, sizeof(INTERIM) - 1);
	https_answer(call, "429 Too Many Requests",
		     https_is(call, "GET /told")
			     ? "Content-Type: application/JSON; charset=UTF-8\r\nretry-after: 12"
			     : "Content-Type: application/problem+json",
		     "{}");
}

static void any_status_is_an_answer_and_retry_after_comes_with_it(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, HTTPS_SOUND, throttled, NULL);
	assert_int_equal(get(&rig, "/told"), OK);
	assert_int_equal(rig.reply.status, 429);
	assert_int_equal(rig.reply.retry_after_s, 12);
	assert_true(rig.reply.is_json);
	assert_int_equal(get(&rig, "/untold"), OK);
	assert_int_equal(rig.reply.retry_after_s, 0);
	assert_true(rig.reply.is_json);
	assert_false(rig.reply.is_encoded);
	rig_fini(&rig);
}

static void retry_after_is_seconds_or_a_date_within_limits(void **state)
{
	/* Sun, 06 Nov 1994 08:49:00 GMT */
	static const int64_t NOW_MS = 784111740000;
	static const struct {
		const char *value;
		unsigned wanted;
	} CASES[] = {
		{"0", 1},
		{"1", 1},
		{" 120 ", 120},
		{"3600", 3600},
		{"3601", 3600},
		{"99999999999999999999999999", 3600},
		{"Sun, 06 Nov 1994 08:49:37 GMT", 37},
		{"Sunday, 06-Nov-94 08:49:37 GMT", 37},
		{"Sun Nov  6 08:49:37 1994", 37},
		{"Sun, 06 Nov 1994 08:48:00 GMT", 1},
		{"Mon, 07 Nov 1994 08:49:37 GMT", 3600},
		{"Fri, 31 Dec 9999 23:59:59 GMT", 3600},
		{"", 0},
		{"-5", 0},
		{"+5", 0},
		{"2.128", 3},
		{"2.0", 2},
		{"0.0001", 1},
		{"3599.5", 3600},
		{"3600.5", 3600},
		{"2.00000000000000000000000001", 3},
		{"2.", 0},
		{".5", 0},
		{"1.5.1", 0},
		{"1,5", 0},
		{"1e3", 0},
		{"12 s", 0},
		{"0x10", 0},
		{"soon", 0},
		{"Sun, 06 Nov 1994 08:49:37 GMT and more", 0},
		{"Sun, 06 Nov 1994 08:49:37 CET", 0},
		{"Sun, 66 Nov 1994 08:49:37 GMT", 0},
		{"Sun, 06 Nov 1994", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		unsigned got = http_header_retry_after_s(slice_of(CASES[i].value), NOW_MS);

		if (got != CASES[i].wanted)
			fail_msg("\"%s\": %u, not %u", CASES[i].value, got, CASES[i].wanted);
	}
	assert_int_equal(http_header_retry_after_s((struct slice){"5\0", 2}, NOW_MS), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_arrives_as_asked_and_with_nothing_beside),
		cmocka_unit_test(a_url_is_asked_for_as_it_stands),
		cmocka_unit_test(a_url_cannot_begin_another_request),
		cmocka_unit_test(each_method_is_sent_with_or_without_a_body),
		cmocka_unit_test(a_large_body_is_sent_without_asking_first),
		cmocka_unit_test(connections_are_kept),
		cmocka_unit_test(a_redirect_is_an_answer_and_is_not_followed),
		cmocka_unit_test(whoever_cannot_prove_his_name_gets_no_request),
		cmocka_unit_test(another_ca_is_not_believed),
		cmocka_unit_test(a_ca_file_that_holds_none_stops_the_start),
		cmocka_unit_test(an_answer_beyond_its_ceiling_is_broken_off),
		cmocka_unit_test(an_arena_that_is_full_is_no_reason_to_think_nothing_happened),
		cmocka_unit_test(an_answer_at_its_ceiling_is_whole),
		cmocka_unit_test(a_slow_answer_ends_with_the_deadline),
		cmocka_unit_test(its_own_limit_ends_it_before_the_deadline),
		cmocka_unit_test(a_peer_that_never_shakes_hands_was_sent_nothing),
		cmocka_unit_test(nobody_there_is_unreachable),
		cmocka_unit_test(a_deadline_in_the_past_asks_nobody),
		cmocka_unit_test(an_answer_cut_short_leaves_the_outcome_unknown),
		cmocka_unit_test(a_dead_kept_connection_is_replaced_unseen),
		cmocka_unit_test(what_must_be_sent_once_is),
		cmocka_unit_test(a_compressed_answer_is_not_unpacked),
		cmocka_unit_test(proxies_in_the_environment_are_ignored),
		cmocka_unit_test(a_netrc_in_the_home_is_ignored),
		cmocka_unit_test(cookies_are_not_kept),
		cmocka_unit_test(plain_http_is_refused_but_for_loopback_where_allowed),
		cmocka_unit_test(a_bearer_goes_only_where_it_was_given),
		cmocka_unit_test(a_value_cannot_begin_another_header),
		cmocka_unit_test(many_threads_at_once_are_never_mixed_up),
		cmocka_unit_test(waiting_for_a_connection_ends_with_the_deadline),
		cmocka_unit_test(closing_ends_what_is_under_way),
		cmocka_unit_test(any_status_is_an_answer_and_retry_after_comes_with_it),
		cmocka_unit_test(retry_after_is_seconds_or_a_date_within_limits),
	};

	signal(SIGPIPE, SIG_IGN); /* the server's threads write to peers that have left */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
