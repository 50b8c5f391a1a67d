#include "base/zone.h"

#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define ZONE_DIR "/usr/share/zoneinfo/"

enum {
	BUCKETS = 512, /* of about 600 names */
	FILE_BYTES_MAX = 65536,
	RULE_BYTES = 128,
	PATH_BYTES = sizeof(ZONE_DIR) + ZONE_NAME_BYTES,
};

static const int64_t HOUR_MS = 3600000;
static const int64_t TABLE_END_S = INT64_C(2145916800); /* 2038-01-01: of the system's files */

struct zone {
	struct zone *next; /* in its bucket; set before it can be seen, then never changed */
	GTimeZone *table;
	GTimeZone *tail; /* instead of table from TABLE_END_S on; mostly NULL */
	char name[ZONE_NAME_BYTES];
};

/* Zones are only ever put in front of a bucket, under the lock: finding one needs none. */
static _Atomic(struct zone *) buckets[BUCKETS];
static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;

static bool is_name_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '+' || c == '-';
}

/*
 * No dots, so there is no way up. What else lies in the folder and is no IANA name: the trees
 * posix/ and right/ (with leap seconds), the machine's own zone, and the one that says "unset".
 */
static bool is_name(struct slice name)
{
	static const char *const OTHERS[] = {"localtime", "posixrules", "Factory"};
	char before = '/';

	if (name.len == 0 || name.len >= ZONE_NAME_BYTES)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];

		if (c == '/' ? before == '/' : !is_name_letter(c))
			return false;
		before = c;
	}
	for (size_t i = 0; i < ARRAY_LEN(OTHERS); i++) {
		if (slice_is(name, OTHERS[i]))
			return false;
	}
	return before != '/' && !slice_starts(name, "posix/") && !slice_starts(name, "right/");
}

/* FNV-1a. */
static _Atomic(struct zone *) *bucket_of(struct slice name)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < name.len; i++)
		hash = (hash ^ (unsigned char)name.data[i]) * 16777619u;
	return &buckets[hash % BUCKETS];
}

static struct zone *zone_in(_Atomic(struct zone *) *bucket, struct slice name)
{
	struct zone *zone = atomic_load_explicit(bucket, memory_order_acquire);

	while (zone && !slice_is(name, zone->name))
		zone = zone->next;
	return zone;
}

/* The last line: the rule for the years behind the table, "EST5EDT,M3.2.0,M11.1.0". */
static struct slice last_line(struct slice text)
{
	const char *newline;

	if (text.len > 0 && text.data[text.len - 1] == '\n')
		text.len--;
	newline = text.len > 0 ? memrchr(text.data, '\n', text.len) : NULL;
	if (!newline)
		return text;
	return (struct slice){newline + 1, text.len - (size_t)(newline + 1 - text.data)};
}

static bool is_offset_letter(char c)
{
	return (c >= '0' && c <= '9') || c == '+' || c == '-' || c == ':';
}

/* Cuts one clock off the front of a rule: an abbreviation, maybe in <>, and its offset. */
static struct slice cut_clock(struct slice *rule)
{
	struct slice clock = *rule;
	bool quoted = clock.len > 0 && clock.data[0] == '<';
	size_t i = 0;

	while (i < clock.len && (quoted ? clock.data[i] != '>' : g_ascii_isalpha(clock.data[i])))
		i++;
	i += quoted && i < clock.len;
	while (i < clock.len && is_offset_letter(clock.data[i]))
		i++;
	clock.len = i;
	*rule = (struct slice){rule->data + i, rule->len - i};
	return clock;
}

/*
 * GLib 2.74 takes a summer time that is written with the offset 0 for one without an offset,
 * and makes it an hour ahead of standard time: in Dublin, where "summer" is winter and behind,
 * that is an hour too much. The same rule with its halves exchanged says the same to GLib.
 */
static GTimeZone *tail_new(struct slice rule)
{
	struct slice rest = rule;
	struct slice standard = cut_clock(&rest), summer = cut_clock(&rest);
	struct slice to_summer, to_standard;
	char turned[RULE_BYTES];
	int len;

	if (summer.len < 2 || summer.data[summer.len - 1] != '0' ||
	    !g_ascii_isalpha(summer.data[summer.len - 2]))
		return NULL;
	slice_cut(&rest, ',');
	to_summer = slice_cut(&rest, ',');
	to_standard = rest;
	len = snprintf(turned, sizeof(turned), "%.*s%.*s,%.*s,%.*s", (int)summer.len, summer.data,
		       (int)standard.len, standard.data, (int)to_standard.len, to_standard.data,
		       (int)to_summer.len, to_summer.data);
	if (len < 0 || (size_t)len >= sizeof(turned))
		return NULL;
	return g_time_zone_new_identifier(turned);
}

/*
 * GLib gets the whole path and reads the file that was looked at, whatever TZDIR says or the
 * name looks like; and it complains loudly about a file that is no zone's.
 */
static bool load(struct zone *zone)
{
	char path[PATH_BYTES];
	struct file file;
	bool good;

	snprintf(path, sizeof(path), ZONE_DIR "%s", zone->name);
	if (file_read(path, FILE_ANY_MODE, FILE_BYTES_MAX, &file, NULL))
		return false;
	good = slice_starts(file_slice(&file), "TZif");
	if (good) {
		zone->table = g_time_zone_new_identifier(path);
		zone->tail = tail_new(last_line(file_slice(&file)));
	}
	file_wipe(&file);
	return zone->table != NULL;
}

static void zone_free(struct zone *zone)
{
	if (zone && zone->table)
		g_time_zone_unref(zone->table);
	if (zone && zone->tail)
		g_time_zone_unref(zone->tail);
	free(zone);
}

static struct zone *zone_new(struct slice name)
{
	struct zone *zone = calloc(1, sizeof(*zone));

	if (!zone || text_copy(zone->name, sizeof(zone->name), name) || !load(zone)) {
		zone_free(zone);
		return NULL;
	}
	return zone;
}

/* Another thread may have been faster. */
static struct zone *load_into(_Atomic(struct zone *) *bucket, struct slice name)
{
	struct zone *zone;

	pthread_mutex_lock(&loading);
	zone = zone_in(bucket, name);
	if (!zone) {
		zone = zone_new(name);
		if (zone) {
			zone->next = atomic_load_explicit(bucket, memory_order_relaxed);
			atomic_store_explicit(bucket, zone, memory_order_release);
		}
	}
	pthread_mutex_unlock(&loading);
	return zone;
}

const struct zone *zone_find(struct slice name)
{
	_Atomic(struct zone *) *bucket = bucket_of(name);
	struct zone *zone = zone_in(bucket, name);

	return zone || !is_name(name) ? zone : load_into(bucket, name);
}

const char *zone_name(const struct zone *zone)
{
	return zone->name;
}

static int64_t floor_s(int64_t ms)
{
	return ms / 1000 - (ms % 1000 < 0);
}

int zone_offset_s(const struct zone *zone, int64_t instant_ms)
{
	int64_t instant_s = floor_s(instant_ms);
	GTimeZone *rules = zone->tail && instant_s >= TABLE_END_S ? zone->tail : zone->table;

	return g_time_zone_get_offset(
		rules, g_time_zone_find_interval(rules, G_TIME_TYPE_UNIVERSAL, instant_s));
}

/*
 * Offsets lie between 12 hours west and 14 east, so the instant lies in the 26 hours from
 * wall_ms - 14 h, in which a clock changes at most once: it has the offset of their begin or
 * of their end. Where both fit, that of their begin gives the earlier instant; where none does,
 * the time was left out. Whether one of them is called summer time plays no part.
 */
enum err zone_to_instant(const struct zone *zone, int64_t wall_ms, int64_t *instant_ms)
{
	int64_t offsets_s[] = {
		zone_offset_s(zone, wall_ms - 14 * HOUR_MS),
		zone_offset_s(zone, wall_ms + 12 * HOUR_MS),
	};

	*instant_ms = 0;
	for (unsigned i = 0; i < ARRAY_LEN(offsets_s); i++) {
		int64_t instant = wall_ms - offsets_s[i] * 1000;

		if (zone_offset_s(zone, instant) == offsets_s[i]) {
			*instant_ms = instant;
			return OK;
		}
	}
	return ERR_FIELDS;
}
