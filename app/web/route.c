#include "web/route.h"

#include <string.h>

/* A path as its decoded segments. */
struct path {
	struct slice segments[ROUTE_SEGMENTS_MAX];
	size_t n;
};

enum {
	EVENT_ID_BYTES_MAX = 255,
	SEGMENT_BYTES_MAX = 3 * EVENT_ID_BYTES_MAX /* each letter of an id encoded */
};

static enum err decode_segment(struct slice raw, struct arena *arena, struct slice *out)
{
	char *decoded;

	*out = raw;
	if (raw.len > SEGMENT_BYTES_MAX)
		return ERR_NOT_FOUND;
	if (raw.len == 0 || !memchr(raw.data, '%', raw.len))
		return OK;
	decoded = arena_alloc(arena, raw.len + 1);
	if (!decoded)
		return ERR_NOMEM;
	out->data = decoded;
	return text_percent_decode(raw, false, decoded, raw.len + 1, &out->len) ? ERR_NOT_FOUND
										: OK;
}

static enum err take_apart(struct slice text, struct arena *arena, struct path *out)
{
	enum err e = OK;

	out->n = 0;
	if (text.len == 0 || text.data[0] != '/')
		return ERR_NOT_FOUND;
	text = (struct slice){text.data + 1, text.len - 1};
	while (text.data && !e) {
		if (out->n == ROUTE_SEGMENTS_MAX)
			return ERR_NOT_FOUND;
		e = decode_segment(slice_cut(&text, '/'), arena, &out->segments[out->n++]);
	}
	return e;
}

static bool is_provider_id(struct slice text)
{
	static const char EXTRA[] = "_.~-=";

	if (text.len == 0 || text.len > EVENT_ID_BYTES_MAX || slice_is(text, ".") ||
	    slice_is(text, ".."))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if ((c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') &&
		    !memchr(EXTRA, c, sizeof(EXTRA) - 1))
			return false;
	}
	return true;
}

/* An event may have been made elsewhere, under an id that its provider chose. */
static bool is_param(struct slice name, struct slice text)
{
	return slice_is(name, "{eventId}") ? is_provider_id(text) : text_is_id(text, true);
}

/* Does the path fit the route's? Then params are what stands in the place of its names. */
static bool fits(const struct path *path, const char *pattern,
		 struct slice params[ROUTE_PARAMS_MAX])
{
	struct slice rest = slice_of(pattern + 1);
	size_t i = 0, n_params = 0;

	for (; rest.data && i < path->n; i++) {
		struct slice piece = slice_cut(&rest, '/');

		if (piece.len == 0 || piece.data[0] != '{') {
			if (!slice_equal(piece, path->segments[i]))
				return false;
			continue;
		}
		if (n_params == ROUTE_PARAMS_MAX || !is_param(piece, path->segments[i]))
			return false;
		params[n_params++] = path->segments[i];
	}
	return !rest.data && i == path->n;
}

static void allow(struct route_found *out, const char *method)
{
	size_t len = strlen(out->allow);
	size_t need = strlen(method) + (len > 0 ? 2 : 0);

	if (need >= sizeof(out->allow) - len)
		return;
	if (len > 0)
		memcpy(out->allow + len, ", ", 2);
	memcpy(out->allow + len + (len > 0 ? 2 : 0), method, strlen(method) + 1);
}

enum err route_find(const struct web *web, struct slice method, struct slice path,
		    struct arena *arena, struct route_found *out)
{
	struct slice wanted = slice_is(method, "HEAD") ? SLICE("GET") : method;
	struct path segments;
	enum err e;

	*out = (struct route_found){0};
	e = take_apart(path, arena, &segments);
	if (e)
		return e;
	for (size_t i = 0; i < web->n_routes; i++) {
		const struct route *route = &web->routes[i];
		struct slice params[ROUTE_PARAMS_MAX] = {{NULL, 0}};

		if (!fits(&segments, route->path, params))
			continue;
		if (!out->route)
			out->route = route;
		if (slice_is(wanted, route->method)) {
			out->route = route;
			memcpy(out->params, params, sizeof(params));
			return OK;
		}
		allow(out, route->method);
		if (strcmp(route->method, "GET") == 0)
			allow(out, "HEAD");
	}
	return out->route ? ERR_METHOD : ERR_NOT_FOUND;
}
