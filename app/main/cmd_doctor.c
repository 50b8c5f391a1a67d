/* calbridge doctor: is everything there that the daemons need, and if not, how to mend it. */
#include <stdio.h>

#include "base/buf.h"
#include "base/config.h"
#include "base/seal.h"
#include "base/zone.h"
#include "io/db.h"
#include "io/http_trust.h"
#include "main/cmd.h"
#include "store/migrations.h"
#include "store/sealed.h"

enum { LINES_BYTES_MAX = 65536 };

static bool good(const char *what, const char *detail)
{
	printf("ok    %s: %s\n", what, detail);
	return true;
}

static bool bad(const char *what, const char *detail, const char *mend)
{
	printf("FAIL  %s: %s\n      %s\n", what, detail, mend);
	return false;
}

static void warn(const char *what, const char *detail, const char *mend)
{
	printf("warn  %s: %s\n      %s\n", what, detail, mend);
}

static const char *detail_of(enum err e, const struct fail *why)
{
	return why->detail[0] ? why->detail : err_text(e);
}

/* Prints each line of lines behind word. */
static void print_lines(const char *word, const struct buf *lines)
{
	struct slice rest = buf_slice(lines);

	while (rest.len > 0) {
		struct slice line = slice_cut(&rest, '\n');

		if (line.len > 0)
			printf("%s  settings: %.*s\n", word, (int)line.len, line.data);
	}
}

static bool check_settings(const char *path, struct config **out)
{
	struct buf problems, warnings;
	enum err e;

	buf_init(&problems, NULL, LINES_BYTES_MAX);
	buf_init(&warnings, NULL, LINES_BYTES_MAX);
	e = config_read(path, out, &problems, &warnings);
	print_lines("warn", &warnings);
	print_lines("FAIL", &problems);
	buf_free(&problems);
	buf_free(&warnings);
	return e ? bad("settings", path, "correct what is named above and ask again")
		 : good("settings", path);
}

static bool check_key_ring(const struct config *config)
{
	struct fail why = {0};
	struct seal_ring *ring;
	enum err e = seal_ring_read(config->master_key_file, &ring, &why);

	if (e)
		return bad("key ring", detail_of(e, &why),
			   "CALBRIDGE_MASTER_KEY_FILE names it: lines of number, base64 of 32 "
			   "random bytes (openssl rand -base64 32), active or old; mode 0440");
	seal_ring_free(ring);
	return good("key ring", config->master_key_file);
}

static bool check_trust(const struct config *config)
{
	struct fail why = {0};
	struct http_trust *trust;
	enum err e = http_trust_new(config, &trust, &why);

	if (e)
		return bad("certificate authorities", detail_of(e, &why),
			   "install ca-certificates, or let HTTPS_CA_FILE name a PEM file");
	http_trust_free(trust);
	return good("certificate authorities",
		    config->https_ca_file ? config->https_ca_file : "the system's");
}

static bool check_zones(const struct config *config)
{
	static const char *const NEEDED[] = {"America/New_York", "Europe/London", "Asia/Tokyo"};

	for (size_t i = 0; i < ARRAY_LEN(NEEDED); i++) {
		if (!zone_find(slice_of(NEEDED[i])))
			return bad("time zones", NEEDED[i], "is not known: install tzdata");
	}
	return good("time zones", config->default_time_zone);
}

/* A provider is ready when it has both; the redirect URI must be registered there as it is. */
static bool check_provider(const char *name, const char *id, const struct secret *secret,
			   const char *redirect_uri)
{
	if (!id || secret_is_empty(secret))
		return false;
	printf("ok    providers: %s, redirect URI %s\n", name, redirect_uri);
	return true;
}

static bool check_providers(const struct config *config)
{
	bool google = check_provider("google", config->google_client_id,
				     &config->google_client_secret, config->google_redirect_uri);
	bool outlook =
		check_provider("outlook", config->microsoft_client_id,
			       &config->microsoft_client_secret, config->microsoft_redirect_uri);

	if (google || outlook)
		return true;
	return bad("providers", "none is configured",
		   "set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET as the Google Cloud console "
		   "shows them, or MICROSOFT_CLIENT_ID and MICROSOFT_CLIENT_SECRET as Entra does");
}

static bool check_schema(struct db *db)
{
	struct fail why = {0};
	enum err e = migrations_check(db, &why);

	if (e)
		return bad("schema", detail_of(e, &why),
			   "run calbridge migrate; a newer schema needs a newer program");
	return good("schema", "current");
}

static bool check_sealed(const struct config *config, struct db *db)
{
	struct fail why = {0};
	struct seal_ring *ring;
	enum err e = seal_ring_read(config->master_key_file, &ring, &why);

	if (e)
		return false; /* which check_key_ring has told */
	e = sealed_check(db, ring, &why);
	seal_ring_free(ring);
	if (e)
		return bad("stored secrets", detail_of(e, &why),
			   "put the key back into the key ring, as old");
	return good("stored secrets", "the key ring has every key that they need");
}

static bool check_database(const struct config *config)
{
	struct fail why = {0};
	int64_t flush = 0;
	struct db *db;
	enum err e = db_open(config, DB_RUN, &db, &why);
	bool all;

	if (!e)
		e = db_flush_setting(db, &flush, &why);
	if (e) {
		db_close(db);
		return bad("database", detail_of(e, &why),
			   "is the server up, and do DATABASE_HOSTS, DATABASE_NAME, DATABASE_USER "
			   "and DATABASE_PASSWORD name it rightly?");
	}
	printf("ok    database: %s at %s\n", config->database_user, config->database_hosts);
	if (flush != 1)
		warn("database", "a crash may lose what was answered",
		     "set innodb_flush_log_at_trx_commit = 1 on the server");
	all = check_schema(db) && check_sealed(config, db);
	db_close(db);
	return all;
}

int cmd_doctor(struct cmd *cmd)
{
	struct config *config = NULL;
	bool all = check_settings(cmd->config_path, &config);

	if (all) {
		all = check_key_ring(config);
		all = check_trust(config) && all;
		all = check_zones(config) && all;
		all = check_providers(config) && all;
		all = check_database(config) && all;
	}
	config_free(config);
	puts(all ? "all is well" : "something is missing");
	return all ? CMD_OK : CMD_FAILED;
}
