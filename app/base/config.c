#include "base/config.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/envfile.h"
#include "base/file.h"
#include "base/setting.h"
#include "base/url.h"

enum {
	SETTINGS_BYTES_MAX = 65536,
	PRIVATE_MODE = 0640, /* of the settings file, and of a file that holds a secret */
	SECRET_FILE_BYTES_MAX = SECRET_BYTES_MAX + 2,
	SOCKET_BYTES_MAX = 107, /* sockaddr_un */
	PATH_BYTES_MAX = 1023,
};

#define CALLBACK_PATH "/api/calendar-integration/callback"
#define AUTHORITY "https://login.microsoftonline.com/"
#define AUTHORIZE_PATH "/oauth2/v2.0/authorize"
#define TOKEN_PATH "/oauth2/v2.0/token"
#define AT(member) offsetof(struct config, member)

/* clang-format off */
static const struct setting SETTINGS[] = {
	/* who we are */
	{ "PUBLIC_URL", SETTING_SITE, AT(public_url), 1, 255,
	  NULL, true, "the base of every URL that is handed out" },
	{ "ALLOWED_ORIGINS", SETTING_ORIGINS, AT(allowed_origins), 1, 4096,
	  NULL, false, "the sites whose pages may call (CORS)" },
	{ "DEFAULT_TIME_ZONE", SETTING_ZONE, AT(default_time_zone), 1, 63,
	  "America/New_York", false,
	  "for an event when neither the request nor its owner names one" },
	{ "SANDBOX_NOTICE", SETTING_FLAG, AT(sandbox_notice), 0, 1,
	  "0", false, "1: the dashboard says that the providers are a sandbox" },

	/* database */
	{ "DATABASE_HOSTS", SETTING_HOSTS, AT(database_hosts), 1, 4096,
	  NULL, true, "MariaDB, in order of preference" },
	{ "DATABASE_NAME", SETTING_TEXT, AT(database_name), 1, 64,
	  "calbridge", false, "the schema" },
	{ "DATABASE_USER", SETTING_TEXT, AT(database_user), 1, 80,
	  "calbridge", false, "the user who runs: reads and writes rows" },
	{ "DATABASE_PASSWORD", SETTING_SECRET, AT(database_password), 1, 255,
	  NULL, false, "that user's password" },
	{ "DATABASE_MIGRATE_USER", SETTING_TEXT, AT(database_migrate_user), 1, 80,
	  "calbridge_migrate", false, "the user who migrates: makes and alters tables" },
	{ "DATABASE_MIGRATE_PASSWORD", SETTING_SECRET, AT(database_migrate_password), 1, 255,
	  NULL, false, "that user's password" },
	{ "DATABASE_CA_FILE", SETTING_PATH, AT(database_ca_file), 1, PATH_BYTES_MAX,
	  NULL, false, "the certificate authority of database hosts that are another machine" },
	{ "DATABASE_POOL", SETTING_NUMBER, AT(database_pool), 1, 1024,
	  "16", false, "connections a process, beside one for the marks of placed events" },

	/* processes */
	{ "FASTCGI_SOCKET", SETTING_PATH, AT(fastcgi_socket), 1, SOCKET_BYTES_MAX,
	  "/run/calbridge/fcgi.sock", false, "where nginx reaches the application" },
	{ "WORKERS", SETTING_NUMBER, AT(workers), 0, 256,
	  "0", false, "application processes; 0: one a core" },
	{ "THREADS", SETTING_NUMBER, AT(threads), 1, 1024,
	  "256", false, "requests at once in an application process" },
	{ "SYNC_WORKERS", SETTING_NUMBER, AT(sync_workers), 1, 64,
	  "1", false, "processes that work off the queue" },
	{ "REQUEST_DEADLINE_S", SETTING_NUMBER, AT(request_deadline_s), 1, 39,
	  "35", false, "for one request, seconds; nginx waits 40" },

	/* secrets at rest */
	{ "CALBRIDGE_MASTER_KEY_FILE", SETTING_PATH, AT(master_key_file), 1, PATH_BYTES_MAX,
	  NULL, true, "the key ring: lines of number, base64 of 32 bytes, active or old" },

	/* outgoing HTTPS */
	{ "HTTPS_CA_FILE", SETTING_PATH, AT(https_ca_file), 1, PATH_BYTES_MAX,
	  NULL, false, "the certificate authorities of providers; none: the system's bundle" },
	{ "HTTPS_HTTP2", SETTING_FLAG, AT(https_http2), 0, 1,
	  "1", false, "1: HTTP/2 where the provider speaks it" },
	{ "ALLOW_LOOPBACK_HTTP", SETTING_FLAG, AT(allow_loopback_http), 0, 1,
	  "0", false, "1: http:// is allowed to this machine" },

	/* user tokens */
	{ "JWT_SECRET", SETTING_SECRET, AT(jwt_secret), 32, 1024,
	  NULL, false, "the key of HS256 user tokens; none: there are no such tokens" },
	{ "JWT_ALGORITHM", SETTING_ALGORITHM, AT(jwt_algorithm), 1, 5,
	  "HS256", false, "the one algorithm of user tokens" },
	{ "JWT_JWKS_FILE", SETTING_PATH, AT(jwt_jwks_file), 1, PATH_BYTES_MAX,
	  NULL, false, "the public keys for RS256 or ES256" },
	{ "JWT_JWKS_URL", SETTING_URL, AT(jwt_jwks_url), 1, 512,
	  NULL, false, "where they are asked for instead, by each worker at most once a minute" },
	{ "JWT_ISSUER", SETTING_TEXT, AT(jwt_issuer), 1, 255,
	  NULL, false, "what iss must be" },
	{ "JWT_AUDIENCE", SETTING_TEXT, AT(jwt_audience), 1, 255,
	  NULL, false, "what aud must be or hold" },
	{ "JWT_TENANT", SETTING_ID, AT(jwt_tenant), 1, 128,
	  "default", false, "the tenant of user tokens" },

	/* callers */
	{ "INSTRUCTOROPS_API_KEY", SETTING_SECRET, AT(instructorops_api_key), 16, 255,
	  NULL, false, "one more API key of the default tenant" },
	{ "METRICS_TOKEN", SETTING_SECRET, AT(metrics_token), 32, 255,
	  NULL, false, "lets other machines fetch /metrics; none: this one alone" },
	{ "DEMO_HOST_ID", SETTING_ID, AT(demo_host_id), 1, 128,
	  NULL, false, "the owner whom anybody may invite; none: no such invites" },
	{ "INVITE_DEFAULT_DESCRIPTION", SETTING_TEXT, AT(invite_default_description), 1, 1024,
	  "Scheduled via Gatherly", false, "of an invite that brings none" },

	/* Google */
	{ "GOOGLE_CLIENT_ID", SETTING_TEXT, AT(google_client_id), 1, 255,
	  NULL, false, "this application at Google" },
	{ "GOOGLE_CLIENT_SECRET", SETTING_SECRET, AT(google_client_secret), 1, 255,
	  NULL, false, "its secret there" },
	{ "GOOGLE_REDIRECT_URI", SETTING_URL, AT(google_redirect_uri), 1, 512,
	  NULL, false, "as registered there; none: PUBLIC_URL and " CALLBACK_PATH },
	{ "GOOGLE_AUTH_URL", SETTING_URL, AT(google_auth_url), 1, 512,
	  "https://accounts.google.com/o/oauth2/v2/auth", false, "where an owner consents" },
	{ "GOOGLE_TOKEN_URL", SETTING_URL, AT(google_token_url), 1, 512,
	  "https://oauth2.googleapis.com/token", false, "where tokens come from" },
	{ "GOOGLE_REVOKE_URL", SETTING_URL, AT(google_revoke_url), 1, 512,
	  "https://oauth2.googleapis.com/revoke", false, "where tokens are given back" },
	{ "GOOGLE_USERINFO_URL", SETTING_URL, AT(google_userinfo_url), 1, 512,
	  "https://www.googleapis.com/oauth2/v2/userinfo", false, "who has consented" },
	{ "GOOGLE_API_URL", SETTING_URL, AT(google_api_url), 1, 512,
	  "https://www.googleapis.com/calendar/v3", false, "the base of the calendar API" },
	{ "GOOGLE_ISSUER", SETTING_URL, AT(google_issuer), 1, 512,
	  "https://accounts.google.com", false, "what iss of a callback must be" },

	/* Microsoft */
	{ "MICROSOFT_CLIENT_ID", SETTING_TEXT, AT(microsoft_client_id), 1, 255,
	  NULL, false, "this application at Microsoft" },
	{ "MICROSOFT_CLIENT_SECRET", SETTING_SECRET, AT(microsoft_client_secret), 1, 255,
	  NULL, false, "its secret there: the value, not its id" },
	{ "MICROSOFT_TENANT", SETTING_ID, AT(microsoft_tenant), 1, 128,
	  "common", false, "whose accounts may consent: common, organizations, consumers, or one" },
	{ "MICROSOFT_REDIRECT_URI", SETTING_URL, AT(microsoft_redirect_uri), 1, 512,
	  NULL, false, "as registered there; none: PUBLIC_URL and " CALLBACK_PATH },
	{ "MICROSOFT_AUTH_URL", SETTING_URL, AT(microsoft_auth_url), 1, 512,
	  NULL, false, "where an owner consents; none: " AUTHORITY "TENANT" AUTHORIZE_PATH },
	{ "MICROSOFT_TOKEN_URL", SETTING_URL, AT(microsoft_token_url), 1, 512,
	  NULL, false, "where tokens come from; none: " AUTHORITY "TENANT" TOKEN_PATH },
	{ "MICROSOFT_API_URL", SETTING_URL, AT(microsoft_api_url), 1, 512,
	  "https://graph.microsoft.com/v1.0", false, "the base of Graph" },
	{ "MICROSOFT_ISSUER", SETTING_TEXT, AT(microsoft_issuer), 1, 512,
	  AUTHORITY "{tenantid}/v2.0", false,
	  "what iss of an id_token must be, with its tid for {tenantid}" },

	/* leases and pauses */
	{ "REFRESH_LEASE_S", SETTING_NUMBER, AT(refresh_lease_s), 1, 300,
	  "15", false, "one process alone may refresh a token, seconds" },
	{ "REFRESH_HOLDOFF_S", SETTING_NUMBER, AT(refresh_holdoff_s), 1, 3600,
	  "30", false, "pause after a refresh that failed, seconds" },
	{ "INTENT_LEASE_S", SETTING_NUMBER, AT(intent_lease_s), 1, 300,
	  "15", false, "one process alone may finish an event, seconds" },
	{ "INTENT_SETTLE_S", SETTING_NUMBER, AT(intent_settle_s), 1, 3600,
	  "60", false, "age at which an unfinished event is taken over, seconds" },

	/* limits */
	{ "RATE_DEMO_PER_MIN", SETTING_NUMBER, AT(rate_demo_per_min), 1, 1000000,
	  "5", false, "anonymous invites an address, a minute" },
	{ "RATE_FAILURES_PER_10MIN", SETTING_NUMBER, AT(rate_failures_per_10min), 1, 1000000,
	  "10", false, "failed sign-ins an address or account, in ten minutes" },
	{ "RATE_GOOGLE_PER_MIN", SETTING_NUMBER, AT(rate_google_per_min), 0, 1000000,
	  "600", false, "calls to Google for one calendar account, a minute; 0: no limit of ours" },
	{ "RATE_KEY_PER_MIN", SETTING_NUMBER, AT(rate_key_per_min), 1, 100000000,
	  "600", false, "requests an API key, a minute" },
	{ "RATE_OUTLOOK_PER_MIN", SETTING_NUMBER, AT(rate_outlook_per_min), 0, 1000000,
	  "1000", false, "calls on one Outlook mailbox, a minute; 0: no limit of ours" },
	{ "RATE_OUTLOOK_AT_ONCE", SETTING_NUMBER, AT(rate_outlook_at_once), 1, 4,
	  "4", false, "calls on one Outlook mailbox at a time; Microsoft takes no more than 4" },
	{ "RATE_OPEN_FLOWS", SETTING_NUMBER, AT(rate_open_flows), 1, 1000,
	  "20", false, "unfinished consents an owner" },

	{ "LOG_LEVEL", SETTING_LEVEL, AT(log_level), 1, 7,
	  "info", false, "what is written to standard error" },
};
/* clang-format on */

enum { N_SETTINGS = ARRAY_LEN(SETTINGS) };

/* One value as it was given, and by whom. */
struct given {
	struct slice value; /* empty: none */
	bool is_set;
	bool is_path;  /* NAME_FILE: value is the path of the file that holds the secret */
	unsigned line; /* 0: the environment */
};

/* What is at hand while settings are read. */
struct reading {
	struct config *config;
	struct given given[N_SETTINGS];
	struct buf *problems;
	struct buf *warnings;
	bool no_memory;
};

static const struct setting *row_find(struct slice name)
{
	for (unsigned i = 0; i < N_SETTINGS; i++) {
		if (slice_is(name, SETTINGS[i].name))
			return &SETTINGS[i];
	}
	return NULL;
}

/* The setting called name, or the secret of NAME_FILE. */
static const struct setting *row_of(struct slice name, bool *is_path)
{
	static const char SUFFIX[] = "_FILE";
	const struct setting *setting = row_find(name);
	size_t len = sizeof(SUFFIX) - 1;

	*is_path = false;
	if (setting || name.len <= len || memcmp(name.data + name.len - len, SUFFIX, len) != 0)
		return setting;
	*is_path = true;
	setting = row_find((struct slice){name.data, name.len - len});
	return setting && setting->kind == SETTING_SECRET ? setting : NULL;
}

static struct given *given_of(struct reading *rd, const struct setting *setting)
{
	return &rd->given[setting - SETTINGS];
}

/* Begins a problem: "line 7: NAME", "environment: NAME", or the name of what is given nowhere. */
static void say_name(struct reading *rd, const struct setting *setting)
{
	const struct given *given = given_of(rd, setting);

	if (given->is_set && given->line == 0)
		buf_add_text(rd->problems, "environment: ");
	else if (given->is_set)
		buf_format(rd->problems, "line %u: ", given->line);
	buf_format(rd->problems, "%s%s", setting->name, given->is_path ? "_FILE" : "");
}

static void say(struct reading *rd, const struct setting *setting, const char *what)
{
	say_name(rd, setting);
	buf_format(rd->problems, " %s\n", what);
}

/* A line that gives no value: its name is told when it was readable as one. */
static void say_line(struct reading *rd, unsigned line, struct slice name, const char *what)
{
	buf_format(rd->problems, "line %u: ", line);
	buf_add_slice(rd->problems, name);
	buf_format(rd->problems, "%s%s\n", name.len ? " " : "", what);
}

static void take_entry(struct reading *rd, const struct envfile_entry *entry, unsigned line)
{
	bool is_path;
	const struct setting *setting = row_of(entry->name, &is_path);
	struct given *given = setting ? given_of(rd, setting) : NULL;

	if (!setting)
		say_line(rd, line, entry->name, "is no setting");
	else if (given->is_set)
		buf_format(rd->problems, "line %u: %s is set in line %u already\n", line,
			   setting->name, given->line);
	else
		*given = (struct given){entry->value, true, is_path, line};
}

static void take_file(struct reading *rd, const struct file *file)
{
	struct envfile lines;
	struct envfile_entry entry;
	const char *problem;

	envfile_init(&lines, file->data, file->len);
	while (envfile_next(&lines, &entry, &problem)) {
		if (problem)
			say_line(rd, lines.line, entry.name, problem);
		else
			take_entry(rd, &entry, lines.line);
	}
}

/* Every process of the same user can read a secret there (/proc/PID/environ). */
static void take_environment(struct reading *rd, const struct setting *setting)
{
	const char *value = getenv(setting->name), *path = NULL;
	char name[80];

	if (setting->kind == SETTING_SECRET) {
		snprintf(name, sizeof(name), "%s_FILE", setting->name);
		path = getenv(name);
	}
	if (value && path)
		buf_format(rd->problems, "environment: %s and %s are both set\n", setting->name,
			   name);
	if (value && setting->kind == SETTING_SECRET)
		buf_format(rd->warnings, "environment: %s is safer in the settings file or %s\n",
			   setting->name, name);
	if (value)
		*given_of(rd, setting) = (struct given){slice_of(value), true, false, 0};
	else if (path)
		*given_of(rd, setting) = (struct given){slice_of(path), true, true, 0};
}

static void put(struct reading *rd, const struct setting *setting, struct slice value)
{
	if (setting_accepts(setting, value)) {
		rd->no_memory |= setting_store(setting, rd->config, value) != OK;
		return;
	}
	say_name(rd, setting);
	buf_add_text(rd->problems, given_of(rd, setting)->is_path ? " must hold " : " must be ");
	setting_describe(setting, rd->problems);
	buf_add_byte(rd->problems, '\n');
}

/* The text of a file without its one line end. */
static struct slice without_line_end(struct slice text)
{
	if (text.len > 0 && text.data[text.len - 1] == '\n') {
		text.len--;
		if (text.len > 0 && text.data[text.len - 1] == '\r')
			text.len--;
	}
	return text;
}

static void put_from_file(struct reading *rd, const struct setting *setting, struct slice path)
{
	char path_text[PATH_BYTES_MAX + 1];
	struct fail why = {0};
	struct file file;
	enum err e;

	if (!slice_starts(path, "/") || text_copy(path_text, sizeof(path_text), path)) {
		say(rd, setting, "must be an absolute path");
		return;
	}
	e = file_read(path_text, PRIVATE_MODE, SECRET_FILE_BYTES_MAX, &file, &why);
	if (e == ERR_NOMEM)
		rd->no_memory = true;
	else if (e)
		say(rd, setting, why.detail);
	else
		put(rd, setting, without_line_end(file_slice(&file)));
	file_wipe(&file);
}

static void settle(struct reading *rd, const struct setting *setting)
{
	const struct given *given = given_of(rd, setting);

	if (given->value.len > 0 && given->is_path)
		put_from_file(rd, setting, given->value);
	else if (given->value.len > 0)
		put(rd, setting, given->value);
	else if (setting->fallback)
		put(rd, setting, slice_of(setting->fallback));
	else if (setting->required)
		say(rd, setting, "must be set");
}

static bool has_http(struct slice list)
{
	while (list.data) {
		if (slice_starts(slice_trim(slice_cut(&list, ',')), "http://"))
			return true;
	}
	return false;
}

static void check_http(struct reading *rd)
{
	if (rd->config->allow_loopback_http)
		return;
	for (unsigned i = 0; i < N_SETTINGS; i++) {
		enum setting_kind kind = SETTINGS[i].kind;
		const char *text = setting_text(&SETTINGS[i], rd->config);

		if ((kind == SETTING_URL || kind == SETTING_ORIGINS) && has_http(slice_of(text)))
			say(rd, &SETTINGS[i], "has http://, which needs ALLOW_LOOPBACK_HTTP=1");
	}
}

/* The other one's value is not asked for: what is wrong with that is said elsewhere. */
static void check_need(struct reading *rd, const char *name, const char *other)
{
	const struct setting *setting = row_find(slice_of(name));
	const struct setting *needed = row_find(slice_of(other));

	if (given_of(rd, needed)->value.len > 0)
		return;
	say_name(rd, setting);
	buf_format(rd->problems, " needs %s\n", other);
}

/* Passwords and rows do not cross a network in the clear. */
static bool is_far(struct slice hosts)
{
	struct slice name;
	unsigned port;

	while (hosts.data) {
		if (!url_read_host(slice_trim(slice_cut(&hosts, ',')), &name, &port) &&
		    !url_is_loopback(name))
			return true;
	}
	return false;
}

static void check_needs(struct reading *rd)
{
	const struct config *config = rd->config;

	if (is_far(slice_of(config->database_hosts)))
		check_need(rd, "DATABASE_HOSTS", "DATABASE_CA_FILE");
	if (config->jwt_algorithm && strcmp(config->jwt_algorithm, "HS256") != 0 &&
	    !config->jwt_jwks_url)
		check_need(rd, "JWT_ALGORITHM", "JWT_JWKS_FILE");
	if (config->google_client_id)
		check_need(rd, "GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET");
	if (!secret_is_empty(&config->google_client_secret))
		check_need(rd, "GOOGLE_CLIENT_SECRET", "GOOGLE_CLIENT_ID");
	if (config->microsoft_client_id)
		check_need(rd, "MICROSOFT_CLIENT_ID", "MICROSOFT_CLIENT_SECRET");
	if (!secret_is_empty(&config->microsoft_client_secret))
		check_need(rd, "MICROSOFT_CLIENT_SECRET", "MICROSOFT_CLIENT_ID");
}

/* What was given nowhere is made of three pieces; without the middle one it stays away. */
static void make(struct reading *rd, char **text, const char *head, const char *middle,
		 const char *tail)
{
	if (*text || !middle)
		return;
	if (asprintf(text, "%s%s%s", head, middle, tail) < 0) {
		*text = NULL;
		rd->no_memory = true;
	}
}

static void derive(struct reading *rd)
{
	struct config *config = rd->config;
	const char *tenant = config->microsoft_tenant;

	make(rd, &config->google_redirect_uri, "", config->public_url, CALLBACK_PATH);
	make(rd, &config->microsoft_redirect_uri, "", config->public_url, CALLBACK_PATH);
	make(rd, &config->microsoft_auth_url, AUTHORITY, tenant, AUTHORIZE_PATH);
	make(rd, &config->microsoft_token_url, AUTHORITY, tenant, TOKEN_PATH);
}

static void read_settings(struct reading *rd, const struct file *file)
{
	take_file(rd, file);
	for (unsigned i = 0; i < N_SETTINGS; i++)
		take_environment(rd, &SETTINGS[i]);
	for (unsigned i = 0; i < N_SETTINGS; i++)
		settle(rd, &SETTINGS[i]);
	check_http(rd);
	check_needs(rd);
	derive(rd);
}

static enum err outcome(const struct reading *rd)
{
	if (rd->no_memory || buf_error(rd->problems) == ERR_NOMEM ||
	    buf_error(rd->warnings) == ERR_NOMEM)
		return ERR_NOMEM;
	return buf_error(rd->problems) || buf_slice(rd->problems).len > 0 ? ERR_CONFIG : OK;
}

enum err config_read(const char *path, struct config **out, struct buf *problems,
		     struct buf *warnings)
{
	struct reading rd = {.problems = problems, .warnings = warnings};
	struct fail why = {0};
	struct file file;
	enum err e = file_read(path, PRIVATE_MODE, SETTINGS_BYTES_MAX, &file, &why);

	*out = NULL;
	if (e == ERR_CONFIG)
		buf_format(problems, "%s %s\n", path, why.detail);
	if (e)
		return e;
	rd.config = calloc(1, sizeof(*rd.config));
	rd.no_memory = !rd.config;
	if (rd.config)
		read_settings(&rd, &file);
	file_wipe(&file);
	e = outcome(&rd);
	if (e)
		config_free(rd.config);
	else
		*out = rd.config;
	return e;
}

void config_free(struct config *config)
{
	for (unsigned i = 0; config && i < N_SETTINGS; i++)
		setting_clear(&SETTINGS[i], config);
	free(config);
}

void config_each(void (*row)(void *cx, const char *name, const char *fallback, const char *about),
		 void *cx)
{
	struct buf about;

	buf_init(&about, NULL, 1024);
	for (unsigned i = 0; i < N_SETTINGS; i++) {
		buf_clear(&about);
		buf_format(&about, "%s; ", SETTINGS[i].about);
		setting_describe(&SETTINGS[i], &about);
		buf_add_text(&about, SETTINGS[i].required ? "; required" : "");
		row(cx, SETTINGS[i].name, SETTINGS[i].fallback, buf_slice(&about).data);
	}
	buf_free(&about);
}
