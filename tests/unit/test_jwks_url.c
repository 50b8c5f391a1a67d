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

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "io/flight.h"
#include "io/http.h"
#include "io/http_trust.h"
#include "service/svc.h"
#include "tests/unit/https_server.h"
#include "web/jwks_url.h"

/* The key of RFC 7515, appendix A.3, under any name. */
#define JWK(kid)                                                                                   \
	"{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"" kid "\","                                   \
	"\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","                                   \
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"
#define SET(keys) "{\"keys\":[" keys "]}"

enum { THREADS = 16, HUGE_BYTES = 10 * 1024 * 1024, LONG_MS = 20000 };

static const int64_t START_MS = INT64_C(1760000000000);

/* A server of key sets, and a process that asks it. */
static struct {
	struct https_server *server;
	struct config config;
	struct http_trust *trust;
	struct svc svc;
	struct work work;
	char url[128];
	struct jwks_url *keys;
	int64_t now_ms;
	struct fail why;
} g;

/* What the server answers, and when. */
static const char *_Atomic status, *_Atomic body;
static atomic_bool may_answer;

static void script(struct https_call *call, void *cx)
{
	(void)cx;
	while (!atomic_load(&may_answer) && https_wait(call, 5))
		;
	https_answer(call, status, "Content-Type: application/jwk-set+json", body);
}

static int begin(void **state)
{
	(void)state;
	status = "200 OK";
	body = SET(JWK("a"));
	atomic_store(&may_answer, true);
	memset(&g, 0, sizeof(g));
	g.server = https_server_new(HTTPS_SOUND, script, NULL);
	g.config.https_ca_file = strdup(https_server_ca_file(g.server));
	https_server_url(g.server, "/jwks.json", g.url, sizeof(g.url));
	g.keys = jwks_url_new(g.url, "ES256");
	g.svc.refreshes = flight_new();
	g.work = (struct work){.svc = &g.svc, .deadline_ms = clock_mono_ms() + LONG_MS};
	g.now_ms = START_MS;
	return http_trust_new(&g.config, &g.trust, NULL) ||
	       http_open(&g.config, g.trust, &g.svc.http, NULL);
}

static int end(void **state)
{
	(void)state;
	atomic_store(&may_answer, true);
	jwks_url_free(g.keys);
	http_close(g.svc.http);
	http_trust_free(g.trust);
	https_server_free(g.server);
	flight_free(g.svc.refreshes);
	free(g.config.https_ca_file);
	return 0;
}

static enum err find(const char *kid)
{
	EVP_PKEY *key = NULL;
	enum err e;

	g.why = (struct fail){0};
	e = jwks_url_find(g.keys, &g.work, slice_of(kid), g.now_ms, &key, &g.why);
	assert_int_equal(e == OK, key != NULL);
	EVP_PKEY_free(key);
	return e;
}

static unsigned asked(void)
{
	return https_server_requests(g.server);
}

static void the_set_is_asked_for_once_and_kept(void **state)
{
	(void)state;
	assert_int_equal(asked(), 0);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(find("a"), OK);
		assert_int_equal(find(NULL), OK);
	}
	assert_int_equal(asked(), 1);
}

static void unknown_names_ask_once_a_minute(void **state)
{
	char name[16];

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "x%u", i);
		assert_int_equal(find(name), ERR_NO_CREDENTIAL);
	}
	assert_int_equal(asked(), 1);
	g.now_ms += JWKS_URL_ASK_MS - 1;
	assert_int_equal(find("x"), ERR_NO_CREDENTIAL);
	assert_int_equal(asked(), 1);
	g.now_ms += 1;
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(find("x"), ERR_NO_CREDENTIAL);
	assert_int_equal(asked(), 2);
	assert_int_equal(find("a"), OK);
}

static void a_new_key_is_found_when_a_token_names_it(void **state)
{
	(void)state;
	assert_int_equal(find("a"), OK);
	body = SET(JWK("a") "," JWK("b"));
	g.now_ms += JWKS_URL_ASK_MS;
	assert_int_equal(find("a"), OK);
	assert_int_equal(asked(), 1);
	assert_int_equal(find("b"), OK);
	assert_int_equal(asked(), 2);
}

static void a_key_that_was_withdrawn_ends_within_the_hour(void **state)
{
	(void)state;
	assert_int_equal(find("a"), OK);
	body = SET(JWK("b"));
	g.now_ms += JWKS_URL_OLD_MS - 1;
	assert_int_equal(find("a"), OK);
	assert_int_equal(asked(), 1);
	g.now_ms += 1;
	assert_int_equal(find("a"), ERR_NO_CREDENTIAL);
	assert_int_equal(find("b"), OK);
	assert_int_equal(asked(), 2);
}

static void a_set_that_does_not_come_leaves_the_one_before(void **state)
{
	char *huge = calloc(1, HUGE_BYTES + 1);
	const char *const answers[][2] = {
		{"500 Internal Server Error", SET(JWK("b"))},
		{"302 Found", SET(JWK("b"))},
		{"200 OK", "not JSON"},
		{"200 OK", "{}"},
		{"200 OK", SET("")},
		{"200 OK", SET("{\"kty\":\"oct\",\"kid\":\"b\",\"k\":\"AAAA\"}")},
		{"200 OK", huge},
	};

	(void)state;
	assert_non_null(huge);
	memset(huge, ' ', HUGE_BYTES);
	memcpy(huge, SET(JWK("b")), strlen(SET(JWK("b"))));
	assert_int_equal(find("a"), OK);
	for (unsigned i = 0; i < ARRAY_LEN(answers); i++) {
		status = answers[i][0];
		body = answers[i][1];
		g.now_ms += JWKS_URL_OLD_MS;
		assert_int_equal(find("a"), OK);
		assert_int_equal(find("b"), ERR_NO_CREDENTIAL);
		assert_int_equal(asked(), 2 + i);
	}
	body = SET("");
	https_server_free(g.server);
	g.server = NULL;
	free(huge);
}

static void without_any_set_nobody_is_judged(void **state)
{
	(void)state;
	status = "503 Service Unavailable";
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(find("a"), ERR_NO_KEYS);
		assert_true(g.why.retry_after_s > 0);
	}
	assert_int_equal(asked(), 1);
	status = "200 OK";
	g.now_ms += JWKS_URL_ASK_MS;
	assert_int_equal(find("a"), OK);
}

static void a_clock_that_was_set_back_stops_nothing(void **state)
{
	(void)state;
	assert_int_equal(find("a"), OK);
	body = SET(JWK("b"));
	g.now_ms -= INT64_C(86400000);
	assert_int_equal(find("b"), OK);
	assert_int_equal(asked(), 2);
}

static void a_clock_read_a_moment_before_is_no_clock_set_back(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(find("x"), ERR_NO_CREDENTIAL);
		g.now_ms -= 1;
	}
	assert_int_equal(asked(), 1);
	g.now_ms -= JWKS_URL_ASK_MS;
	assert_int_equal(find("x"), ERR_NO_CREDENTIAL);
	assert_int_equal(asked(), 2);
}

static void *find_a(void *out)
{
	struct fail why = {0};
	EVP_PKEY *key = NULL;

	*(enum err *)out = jwks_url_find(g.keys, &g.work, SLICE("a"), g.now_ms, &key, &why);
	EVP_PKEY_free(key);
	return NULL;
}

static void of_many_that_lack_a_key_one_asks_and_all_get_it(void **state)
{
	pthread_t threads[THREADS];
	enum err results[THREADS];

	(void)state;
	atomic_store(&may_answer, false);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, find_a, &results[i]), 0);
	https_server_wait(g.server, 1);
	atomic_store(&may_answer, true);
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(results[i], OK);
	}
	assert_int_equal(asked(), 1);
}

static void while_one_asks_the_others_use_the_old_set(void **state)
{
	pthread_t thread;
	enum err result;

	(void)state;
	assert_int_equal(find("a"), OK);
	g.now_ms += JWKS_URL_OLD_MS;
	atomic_store(&may_answer, false);
	assert_int_equal(pthread_create(&thread, NULL, find_a, &result), 0);
	https_server_wait(g.server, 2);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(find("a"), OK);
	atomic_store(&may_answer, true);
	pthread_join(thread, NULL);
	assert_int_equal(result, OK);
	assert_int_equal(asked(), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_set_is_asked_for_once_and_kept),
		TEST(unknown_names_ask_once_a_minute),
		TEST(a_new_key_is_found_when_a_token_names_it),
		TEST(a_key_that_was_withdrawn_ends_within_the_hour),
		TEST(a_set_that_does_not_come_leaves_the_one_before),
		TEST(without_any_set_nobody_is_judged),
		TEST(a_clock_that_was_set_back_stops_nothing),
		TEST(a_clock_read_a_moment_before_is_no_clock_set_back),
		TEST(of_many_that_lack_a_key_one_asks_and_all_get_it),
		TEST(while_one_asks_the_others_use_the_old_set),
	};

	signal(SIGPIPE, SIG_IGN);
	log_start(LOG_ERROR, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
