#ifndef CB_TESTS_PROVIDER_FIXTURE_H
#define CB_TESTS_PROVIDER_FIXTURE_H
/*
 * provider_fixture: one provider of app/provider against a server that gives the answer it is told
 * to give and keeps what it was asked.
 */
#include <stdbool.h>

#include "base/arena.h"
#include "base/config.h"
#include "base/err.h"
#include "base/secret.h"
#include "io/http.h"
#include "io/http_trust.h"
#include "provider/provider.h"
#include "tests/unit/https_server.h"

/* One server, the answer it gives next, and what it was asked last. */
struct provider_fixture {
	struct https_server *server;
	struct config config;
	struct http_trust *trust;
	struct http *http;
	struct arena *arena;
	struct secret access;
	struct provider_cx cx;
	struct fail why;

	const char *json_type; /* the header that the provider's JSON comes with */
	const char *status;
	const char *headers;
	const char *body;
	bool hang_up;
	char head[8192];
	char sent[8192];
};

extern struct provider_fixture fx;

/*
 * For cmocka_run_group_tests. Open first, then fill in the provider's settings, fx.access and
 * fx.json_type; close wipes the secrets among them.
 */
int provider_open(void **state);
int provider_close(void **state);

/* For every test: an empty arena, and a server that says {} and was asked nothing. */
int provider_begin(void **state);

/* A setting, and a URL on the server as one; both good until provider_close. */
char *provider_setting(const char *text);
char *provider_url(const char *path);

/* What the server answers from now on; headers may be NULL. */
void provider_answers(const char *status, const char *headers, const char *body);

/* Fails the test unless the last request began so. */
void assert_line(const char *line);

#endif
