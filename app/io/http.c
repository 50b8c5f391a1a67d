#include "io/http.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/secret.h"
#include "base/url.h"
#include "io/http_loop.h"

enum { HEADERS_MAX = 6, BODY_BYTES_MAX = 1024 * 1024 };

struct http {
	struct http_loop *loop;
	bool loopback_http;
};

/*
 * The header list of one exchange. libcurl only follows the nodes and copies the texts into
 * the request, so they may stand on the stack.
 */
struct headers {
	struct curl_slist nodes[HEADERS_MAX];
	size_t n;
	struct secret bearer; /* the whole line */
};

enum err http_open(const struct config *config, const struct http_trust *trust, struct http **out,
		   struct fail *why)
{
	struct http_rules rules = {
		.trust = trust,
		.http2 = config->https_http2,
		.loopback_http = config->allow_loopback_http,
	};
	struct http *http = calloc(1, sizeof(*http));
	enum err e;

	*out = NULL;
	if (!http)
		return ERR_NOMEM;
	http->loopback_http = config->allow_loopback_http;
	e = http_loop_new(&rules, &http->loop, why);
	if (e)
		free(http);
	else
		*out = http;
	return e;
}

void http_close(struct http *http)
{
	if (!http)
		return;
	http_loop_free(http->loop);
	free(http);
}

/* The host is looked at as libcurl reads it: "http://localhost@evil" is not loopback. */
static bool leads_to_loopback(const char *url)
{
	CURLU *parts = curl_url();
	char *host = NULL;
	bool yes = parts && !curl_url_set(parts, CURLUPART_URL, url, 0) &&
		   !curl_url_get(parts, CURLUPART_HOST, &host, 0) &&
		   url_is_loopback(slice_of(host));

	curl_free(host);
	curl_url_cleanup(parts);
	return yes;
}

static bool may_ask(const struct http *http, const char *url)
{
	if (strncmp(url, "https://", 8) == 0)
		return true;
	return http->loopback_http && strncmp(url, "http://", 7) == 0 && leads_to_loopback(url);
}

/* Visible ASCII and spaces: nothing that could end the line and begin another one. */
static bool fits_on_a_line(struct slice value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (value.data[i] < ' ' || value.data[i] > '~')
			return false;
	}
	return true;
}

static void add_line(struct headers *headers, char *line)
{
	struct curl_slist *node = &headers->nodes[headers->n];

	*node = (struct curl_slist){.data = line};
	if (headers->n > 0)
		headers->nodes[headers->n - 1].next = node;
	headers->n++;
}

static enum err add_header(struct headers *headers, struct arena *arena, const char *name,
			   const char *value)
{
	char *line;

	if (!fits_on_a_line(slice_of(value)))
		return ERR_INTERNAL;
	line = arena_format(arena, "%s: %s", name, value);
	if (!line)
		return ERR_NOMEM;
	add_line(headers, line);
	return OK;
}

static enum err add_bearer(struct headers *headers, const struct secret *bearer)
{
	static const char PREFIX[] = "Authorization: Bearer ";
	struct slice token = secret_slice(bearer);
	char *line = NULL;
	enum err e;

	if (!fits_on_a_line(token))
		return ERR_INTERNAL;
	e = secret_room(&headers->bearer, sizeof(PREFIX) - 1 + token.len, &line);
	if (e)
		return e;
	memcpy(line, PREFIX, sizeof(PREFIX) - 1);
	memcpy(line + sizeof(PREFIX) - 1, token.data, token.len);
	add_line(headers, line);
	return OK;
}

static enum err write_headers(struct headers *headers, struct arena *arena,
			      const struct http_ask *ask)
{
	/* a line without a value takes away what libcurl would send by itself */
	static char no_expect[] = "Expect:";
	static char no_type[] = "Content-Type:";
	static char agent[] = "User-Agent: calbridge";
	enum err e = OK;

	add_line(headers, no_expect);
	add_line(headers, agent);
	if (ask->content_type)
		e = add_header(headers, arena, "Content-Type", ask->content_type);
	else
		add_line(headers, no_type);
	if (!e && ask->bearer)
		e = add_bearer(headers, ask->bearer);
	if (!e && ask->if_match)
		e = add_header(headers, arena, "If-Match", ask->if_match);
	if (!e && ask->prefer)
		e = add_header(headers, arena, "Prefer", ask->prefer);
	return e;
}

/* Nothing in it that libcurl would take away, encode or refuse. */
static bool is_target(const char *text)
{
	for (; *text; text++) {
		if (*text <= ' ' || *text > '~' || *text == '#')
			return false;
	}
	return true;
}

/*
 * libcurl gets the URL up to its path, and the rest as it is to stand in the request. A whole URL
 * it formats again and again, byte by byte: that was a fifth of all that the network thread did.
 */
static enum err split_url(struct http_transfer *transfer, struct arena *arena)
{
	const char *url = transfer->ask->url, *host = strstr(url, "://");
	const char *target = host ? strpbrk(host + 3, "/?#") : NULL;

	transfer->url = url;
	if (!target || *target != '/' || !is_target(target))
		return OK;
	transfer->url = arena_copy(arena, (struct slice){url, (size_t)(target - url)});
	transfer->target = target;
	return transfer->url ? OK : ERR_NOMEM;
}

static int64_t time_to_give_up(const struct http_ask *ask, int64_t now_ms)
{
	int64_t own_ms = now_ms + (int64_t)ask->timeout_s * 1000;

	return ask->timeout_s > 0 && own_ms < ask->deadline_ms ? own_ms : ask->deadline_ms;
}

static enum err exchange(struct http *http, struct http_transfer *transfer, struct arena *arena)
{
	const struct http_ask *ask = transfer->ask;
	struct headers headers = {0};
	enum err e;

	e = write_headers(&headers, arena, ask);
	if (e == ERR_INTERNAL)
		fail_set(transfer->why, e, "a header value is no line of ASCII");
	if (!e)
		e = split_url(transfer, arena);
	if (!e) {
		transfer->headers = headers.nodes;
		e = http_loop_run(http->loop, transfer);
	}
	secret_wipe(&headers.bearer);
	return e;
}

enum err http_exchange(struct http *http, struct arena *arena, const struct http_ask *ask,
		       struct http_reply *reply, struct fail *why)
{
	int64_t now_ms = clock_mono_ms();
	struct http_transfer transfer = {
		.ask = ask,
		.reply = reply,
		.why = why,
		.give_up_ms = time_to_give_up(ask, now_ms),
	};

	*reply = (struct http_reply){0};
	buf_init(&reply->body, arena, ask->ceiling_bytes ? ask->ceiling_bytes : BODY_BYTES_MAX);
	if (transfer.give_up_ms <= now_ms)
		return fail_set(why, ERR_DEADLINE, "no time is left for the provider");
	if (!may_ask(http, ask->url))
		return fail_set(why, ERR_UNREACHABLE, "the URL is not https");
	return exchange(http, &transfer, arena);
}
