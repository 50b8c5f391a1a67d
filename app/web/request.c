#include "web/request.h"

#include <string.h>
#include <strings.h>

#include "io/fcgi.h"

enum {
	NAME_BYTES = 64, /* of a parameter we know, with its NUL */
	IDEMPOTENCY_KEY_BYTES_MAX = 255,
	QUALITY_BEST = 1000,
};

struct slice request_header(const struct request *rq, const char *cgi_name)
{
	return slice_of(fcgi_param(rq->fcgi, cgi_name));
}

unsigned request_header_count(const struct request *rq, const char *cgi_name)
{
	return fcgi_param_count(rq->fcgi, cgi_name);
}

struct slice request_param(const struct request *rq, const char *name)
{
	struct slice rest = slice_of(rq->route->path);
	size_t i = 0;

	while (rest.data && i < ROUTE_PARAMS_MAX) {
		struct slice piece = slice_cut(&rest, '/');

		if (piece.len < 2 || piece.data[0] != '{')
			continue;
		if (slice_is((struct slice){piece.data + 1, piece.len - 2}, name))
			return rq->params[i];
		i++;
	}
	return (struct slice){NULL, 0};
}

/* A name may come encoded, too; one that does not decode is none of ours. */
static bool is_called(struct slice raw, const char *name)
{
	char decoded[NAME_BYTES];
	size_t len;

	return !text_percent_decode(raw, true, decoded, sizeof(decoded), &len) &&
	       slice_is((struct slice){decoded, len}, name);
}

static enum err decode_value(struct arena *arena, struct slice raw, size_t max_bytes,
			     struct slice *out, struct fail *why)
{
	size_t room = (raw.len < max_bytes ? raw.len : max_bytes) + 1, len;
	char *decoded = arena_alloc(arena, room);
	enum err e;

	if (!decoded)
		return ERR_NOMEM;
	e = text_percent_decode(raw, true, decoded, room, &len);
	if (e)
		return fail_because(why, ERR_BAD_REQUEST,
				    e == ERR_TOO_LONG ? "a parameter is too long"
						      : "a parameter is not encoded correctly");
	if (!text_is_utf8((struct slice){decoded, len}))
		return fail_because(why, ERR_BAD_REQUEST, "a parameter is not UTF-8");
	*out = (struct slice){decoded, len};
	return OK;
}

/* The value of name among pairs "a=b&c=d", decoded; NULL data when it is not there. */
static enum err find_pair(const struct request *rq, struct slice pairs, const char *name,
			  size_t max_bytes, struct slice *out, struct fail *why)
{
	struct slice found = {NULL, 0};

	*out = (struct slice){NULL, 0};
	while (pairs.data) {
		struct slice value = slice_cut(&pairs, '&');

		if (!is_called(slice_cut(&value, '='), name))
			continue;
		if (found.data)
			return fail_because(why, ERR_BAD_REQUEST, "a parameter is given twice");
		found = value.data ? value : SLICE("");
	}
	return found.data ? decode_value(rq->work.arena, found, max_bytes, out, why) : OK;
}

enum err request_query(const struct request *rq, const char *name, size_t max_bytes,
		       struct slice *out, struct fail *why)
{
	return find_pair(rq, rq->query, name, max_bytes, out, why);
}

enum err request_form(const struct request *rq, const char *name, size_t max_bytes,
		      struct slice *out, struct fail *why)
{
	return find_pair(rq, rq->form, name, max_bytes, out, why);
}

enum err request_cookie(const struct request *rq, const char *name, struct slice *out)
{
	struct slice rest = request_header(rq, "HTTP_COOKIE");
	struct slice found = {NULL, 0};

	*out = (struct slice){NULL, 0};
	/* RFC 6265 section 5.4: one header, or else there is no telling which one counts */
	if (request_header_count(rq, "HTTP_COOKIE") > 1)
		return ERR_BAD_REQUEST;
	while (rest.data) {
		struct slice value = slice_trim(slice_cut(&rest, ';'));

		if (!slice_is(slice_trim(slice_cut(&value, '=')), name))
			continue;
		if (found.data)
			return ERR_BAD_REQUEST;
		found = value.data ? slice_trim(value) : SLICE("");
	}
	*out = found;
	return OK;
}

struct slice request_bearer(const struct request *rq)
{
	struct slice token = request_header(rq, "HTTP_AUTHORIZATION");
	struct slice scheme = slice_cut(&token, ' ');

	if (request_header_count(rq, "HTTP_AUTHORIZATION") != 1 ||
	    !slice_is_nocase(scheme, "Bearer"))
		return (struct slice){NULL, 0};
	return token;
}

enum err request_idempotency_key(const struct request *rq, struct slice *out, struct fail *why)
{
	struct slice key = request_header(rq, "HTTP_IDEMPOTENCY_KEY");
	bool good = request_header_count(rq, "HTTP_IDEMPOTENCY_KEY") < 2;

	*out = (struct slice){NULL, 0};
	if (!key.data)
		return OK;
	if (key.len == 0 || key.len > IDEMPOTENCY_KEY_BYTES_MAX)
		good = false;
	for (size_t i = 0; i < key.len && good; i++)
		good = key.data[i] > ' ' && key.data[i] < 0x7F;
	if (!good)
		return fail_because(why, ERR_BAD_REQUEST,
				    "Idempotency-Key must be given once, as 1 to 255 visible "
				    "ASCII characters");
	*out = key;
	return OK;
}

/* "0.75" as 750; -1 when it is no such weight (RFC 9110 section 12.4.2). */
static int read_quality(struct slice text)
{
	int quality = 0, worth = QUALITY_BEST;

	if (text.len == 0 || text.len > 5 || (text.data[0] != '0' && text.data[0] != '1') ||
	    (text.len > 1 && text.data[1] != '.'))
		return -1;
	for (size_t i = 0; i < text.len; i++) {
		if (i == 1)
			continue;
		if (text.data[i] < '0' || text.data[i] > '9')
			return -1;
		quality += (text.data[i] - '0') * worth;
		worth /= 10;
	}
	return quality <= QUALITY_BEST ? quality : -1;
}

/* The q among the parameters of a media range; 0, as for "not at all", when it is nonsense. */
static int quality_of(struct slice parameters)
{
	while (parameters.data) {
		struct slice value = slice_trim(slice_cut(&parameters, ';'));
		struct slice name = slice_cut(&value, '=');
		int quality;

		if (!slice_is_nocase(name, "q"))
			continue;
		quality = read_quality(value);
		return quality < 0 ? 0 : quality;
	}
	return QUALITY_BEST;
}

/* How closely a media range names type (3: itself, 2: its family, 1: anything), 0: not at all. */
static int closeness(struct slice range, const char *type)
{
	struct slice rest = slice_of(type);
	struct slice family = slice_cut(&rest, '/');

	if (slice_is_nocase(range, type))
		return 3;
	if (slice_is(range, "*/*"))
		return 1;
	if (range.len != family.len + 2 || memcmp(range.data + family.len, "/*", 2) != 0)
		return 0;
	return strncasecmp(range.data, type, family.len) == 0 ? 2 : 0;
}

/* How much the client likes type, by the range that names it most closely. */
static int liking(const struct request *rq, const char *type)
{
	struct slice rest = request_header(rq, "HTTP_ACCEPT");
	int best = 0, quality = 0;

	while (rest.data) {
		struct slice parameters = slice_cut(&rest, ',');
		int close = closeness(slice_trim(slice_cut(&parameters, ';')), type);

		if (close > best) {
			best = close;
			quality = quality_of(parameters);
		}
	}
	return quality;
}

bool request_wants_html(const struct request *rq)
{
	return liking(rq, "text/html") > liking(rq, "application/json");
}

bool request_wants_json(const struct request *rq)
{
	return liking(rq, "application/json") > liking(rq, "text/html");
}
