#include "base/setting.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/url.h"
#include "base/zone.h"

enum { SOCKET_PATH_MAX = 107 }; /* sockaddr_un */

static const char *const LEVELS[] = {
	[LOG_ERROR] = "error",
	[LOG_WARNING] = "warning",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};

static bool is_text(struct slice value)
{
	return text_is_utf8(value) && !text_has_control(value, false);
}

static bool is_id(struct slice value)
{
	return text_is_id(value, true);
}

static bool is_path(struct slice value)
{
	return slice_starts(value, "/") && is_text(value);
}

static bool is_zone(struct slice value)
{
	return zone_find(value) != NULL;
}

static bool is_site(struct slice value)
{
	struct url url;

	return !url_read(value, &url) && url.tls && url.path.len == 0;
}

/* Whether http to this machine is wanted, another setting says. */
static bool read_reachable(struct slice value, struct url *url)
{
	return !url_read(value, url) && (url->tls || url_is_loopback(url->host));
}

static bool is_origins(struct slice value)
{
	struct slice rest = value;
	struct url url;

	while (rest.data) {
		if (!read_reachable(slice_trim(slice_cut(&rest, ',')), &url) || url.path.len > 0)
			return false;
	}
	return true;
}

static bool is_url(struct slice value)
{
	struct url url;

	return read_reachable(value, &url) && value.data[value.len - 1] != '/';
}

static bool is_host(struct slice host)
{
	size_t prefix = strlen("unix:");
	struct slice name;
	unsigned port;

	if (slice_starts(host, "unix:/"))
		return host.len - prefix <= SOCKET_PATH_MAX;
	return !url_read_host(host, &name, &port);
}

static bool is_hosts(struct slice value)
{
	struct slice rest = value;

	while (rest.data) {
		if (!is_host(slice_trim(slice_cut(&rest, ','))))
			return false;
	}
	return true;
}

static bool is_algorithm(struct slice value)
{
	return slice_is(value, "HS256") || slice_is(value, "RS256") || slice_is(value, "ES256");
}

static bool is_flag(struct slice value)
{
	return slice_is(value, "0") || slice_is(value, "1");
}

/* The number of that level, or -1. */
static int level_of(struct slice value)
{
	for (unsigned i = 0; i < ARRAY_LEN(LEVELS); i++) {
		if (slice_is(value, LEVELS[i]))
			return (int)i;
	}
	return -1;
}

static bool is_level(struct slice value)
{
	return level_of(value) >= 0;
}

static const struct kind {
	bool (*accepts)(struct slice value);
	const char *unit; /* of min and max; NULL: not worth telling */
	const char *wants;
} KINDS[SETTING_KINDS] = {
	[SETTING_TEXT] = {is_text, " bytes", "a text"},
	[SETTING_ID] = {is_id, " bytes", "an id of [A-Za-z0-9_.~@|:+-]"},
	[SETTING_PATH] = {is_path, " bytes", "an absolute path"},
	[SETTING_ZONE] = {is_zone, NULL, "a time zone of the system's list"},
	[SETTING_SITE] = {is_site, NULL,
			  "https://host[:port] in small letters, with nothing behind it"},
	[SETTING_ORIGINS] = {is_origins, NULL,
			     "a list, with commas, of https://host[:port] in small letters"},
	[SETTING_URL] = {is_url, NULL, "https://host[:port]/path without query or / at its end"},
	[SETTING_HOSTS] = {is_hosts, NULL, "a list, with commas, of unix:/path or host[:port]"},
	[SETTING_ALGORITHM] = {is_algorithm, NULL, "HS256, RS256 or ES256"},
	[SETTING_SECRET] = {is_text, " bytes", "a secret"},
	[SETTING_FLAG] = {is_flag, NULL, "0 or 1"},
	[SETTING_NUMBER] = {NULL, "", "a whole number"},
	[SETTING_LEVEL] = {is_level, NULL, "error, warning, info or debug"},
};

bool setting_accepts(const struct setting *setting, struct slice value)
{
	int64_t number;

	if (setting->kind == SETTING_NUMBER)
		return !text_to_int(value, setting->min, setting->max, &number);
	return value.len >= (size_t)setting->min && value.len <= (size_t)setting->max &&
	       KINDS[setting->kind].accepts(value);
}

void setting_describe(const struct setting *setting, struct buf *out)
{
	const struct kind *kind = &KINDS[setting->kind];

	buf_add_text(out, kind->wants);
	if (kind->unit)
		buf_format(out, " from %lld to %lld%s", (long long)setting->min,
			   (long long)setting->max, kind->unit);
}

/* The kinds before SETTING_SECRET are kept as text. */
static bool is_kept_as_text(const struct setting *setting)
{
	return setting->kind < SETTING_SECRET;
}

static enum err store_text(char **place, struct slice value)
{
	*place = strndup(value.data, value.len);
	return *place ? OK : ERR_NOMEM;
}

enum err setting_store(const struct setting *setting, void *base, struct slice value)
{
	void *place = (char *)base + setting->at;

	if (setting->kind == SETTING_NUMBER)
		return text_to_int(value, setting->min, setting->max, place);
	if (setting->kind == SETTING_SECRET)
		return secret_set(place, value);
	if (is_kept_as_text(setting))
		return store_text(place, value);
	if (setting->kind == SETTING_FLAG)
		*(bool *)place = slice_is(value, "1");
	else
		*(int64_t *)place = level_of(value);
	return OK;
}

void setting_clear(const struct setting *setting, void *base)
{
	void *place = (char *)base + setting->at;

	if (setting->kind == SETTING_SECRET) {
		secret_wipe(place);
	} else if (is_kept_as_text(setting)) {
		free(*(char **)place);
		*(char **)place = NULL;
	}
}

const char *setting_text(const struct setting *setting, const void *base)
{
	const char *const *place = (const void *)((const char *)base + setting->at);

	return is_kept_as_text(setting) ? *place : NULL;
}
