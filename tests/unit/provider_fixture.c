#include "tests/unit/provider_fixture.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

enum { BLOCK_BYTES = 4096, SETTINGS_BYTES = 64 * 1024, CEILING_BYTES = 4 * 1024 * 1024 };

struct provider_fixture fx;

static struct arena *settings; /* outlives every test, as fx.arena does not */

/* An answer orders the script before the test; a connection that is only closed does not. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void script(struct https_call *call, void *cx)
{
	(void)cx;
	pthread_mutex_lock(&lock);
	snprintf(fx.head, sizeof(fx.head), "%s", call->head);
	snprintf(fx.sent, sizeof(fx.sent), "%s", call->body);
	call->hang_up = fx.hang_up;
	pthread_mutex_unlock(&lock);
	if (!call->hang_up)
		https_answer(call, fx.status, fx.headers, fx.body);
}

int provider_open(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	fx.arena = arena_new(BLOCK_BYTES, CEILING_BYTES);
	settings = arena_new(BLOCK_BYTES, SETTINGS_BYTES);
	fx.server = https_server_new(HTTPS_SOUND, script, NULL);
	fx.config.https_ca_file = provider_setting(https_server_ca_file(fx.server));
	return http_trust_new(&fx.config, &fx.trust, NULL) ||
	       http_open(&fx.config, fx.trust, &fx.http, NULL);
}

int provider_close(void **state)
{
	(void)state;
	http_close(fx.http);
	http_trust_free(fx.trust);
	https_server_free(fx.server);
	arena_free(fx.arena);
	arena_free(settings);
	secret_wipe(&fx.access);
	secret_wipe(&fx.config.google_client_secret);
	secret_wipe(&fx.config.microsoft_client_secret);
	return 0;
}

int provider_begin(void **state)
{
	(void)state;
	arena_reset(fx.arena);
	pthread_mutex_lock(&lock);
	fx.why = (struct fail){0};
	fx.cx = (struct provider_cx){
		.http = fx.http,
		.arena = fx.arena,
		.config = &fx.config,
		.deadline_ms = clock_mono_ms() + 20000,
		.timeout_s = 10,
		.access = &fx.access,
		.calendar_id = SLICE("primary"),
	};
	provider_answers("200 OK", fx.json_type, "{}");
	fx.hang_up = false;
	fx.head[0] = '\0';
	fx.sent[0] = '\0';
	pthread_mutex_unlock(&lock);
	return 0;
}

char *provider_setting(const char *text)
{
	return arena_copy(settings, slice_of(text));
}

char *provider_url(const char *path)
{
	char url[256];

	return provider_setting(https_server_url(fx.server, path, url, sizeof(url)));
}

void provider_answers(const char *status, const char *headers, const char *body)
{
	fx.status = status;
	fx.headers = headers;
	fx.body = body;
}

void assert_line(const char *line)
{
	if (strncmp(fx.head, line, strlen(line)) != 0)
		fail_msg("%.*s", (int)strcspn(fx.head, "\r"), fx.head);
}
