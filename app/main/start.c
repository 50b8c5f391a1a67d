#include "main/start.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/config.h"
#include "base/buf.h"
#include "base/config.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/seal.h"
#include "io/db.h"
#include "io/http_trust.h"
#include "store/migrations.h"
#include "store/sealed.h"

static void usage(const char *program, bool may_once)
{
	fprintf(stderr, "usage: %s [--config FILE]%s\n", program, may_once ? " [--once]" : "");
}

bool start_options(int argc, char **argv, bool may_once, struct start_options *out)
{
	static const struct option LONG[] = {{"config", required_argument, NULL, 'c'},
					     {"once", no_argument, NULL, 'o'},
					     {"version", no_argument, NULL, 'v'},
					     {"help", no_argument, NULL, 'h'},
					     {NULL, 0, NULL, 0}};
	const char *from_environment = getenv("CALBRIDGE_CONFIG");
	int letter;

	*out = (struct start_options){.config_path =
					      from_environment ? from_environment : CB_CONFIG_FILE};
	while ((letter = getopt_long(argc, argv, "c:", LONG, NULL)) != -1) {
		if (letter == 'c') {
			out->config_path = optarg;
		} else if (letter == 'o' && may_once) {
			out->once = true;
		} else if (letter == 'v') {
			puts(PACKAGE_STRING);
			out->done = true;
		} else {
			usage(argv[0], may_once);
			out->done = letter == 'h';
			return out->done;
		}
	}
	if (optind == argc)
		return true;
	usage(argv[0], may_once);
	return false;
}

static void say_each_line(enum log_level level, const char *event, const struct buf *lines)
{
	struct slice rest = buf_slice(lines);

	while (rest.len) {
		struct slice line = slice_cut(&rest, '\n');

		if (line.len)
			log_note(level, event, "%.*s", (int)line.len, line.data);
	}
}

static enum err read_settings(const char *path, const char *program, struct config **out,
			      struct fail *why)
{
	struct buf problems;
	struct buf warnings;
	enum err e;

	buf_init(&problems, NULL, 64 * 1024);
	buf_init(&warnings, NULL, 64 * 1024);
	e = config_read(path, out, &problems, &warnings);
	log_start(e ? LOG_INFO : (enum log_level)(*out)->log_level, program);
	say_each_line(LOG_WARNING, "settings", &warnings);
	say_each_line(LOG_ERROR, "settings", &problems);
	buf_free(&problems);
	buf_free(&warnings);
	return e ? fail_set(why, e, "the settings are not good") : OK;
}

/*
 * A schema that is not ours, or secrets that the ring cannot open, stop the start; a database that
 * is away does not: the workers answer 503 until it is back.
 */
static enum err look_at_database(const struct config *config, const struct seal_ring *ring,
				 struct fail *why)
{
	struct db *db;
	int64_t flush = 1;
	enum err e = db_open(config, DB_RUN, &db, why);

	if (e)
		return e;
	e = migrations_check(db, why);
	if (!e)
		e = sealed_check(db, ring, why);
	if (!e && db_flush_setting(db, &flush, why) == OK && flush != 1)
		log_note(LOG_WARNING, "database",
			 "innodb_flush_log_at_trx_commit is %d: a crash may lose what was answered",
			 (int)flush);
	db_close(db);
	if (e && e != ERR_CONFIG) {
		log_note(LOG_WARNING, "database", "not reachable yet: %s",
			 why ? why->detail : err_code(e));
		return OK;
	}
	return e;
}

enum err start_init(const char *config_path, const char *program, struct start *out,
		    struct fail *why)
{
	enum err e;

	*out = (struct start){NULL, NULL, NULL};
	e = read_settings(config_path, program, &out->config, why);
	if (!e)
		e = digest_start();
	if (!e)
		e = seal_ring_read(out->config->master_key_file, &out->ring, why);
	if (!e)
		e = http_trust_new(out->config, &out->trust, why);
	if (!e)
		e = look_at_database(out->config, out->ring, why);
	if (e)
		start_fini(out);
	return e;
}

void start_fini(struct start *start)
{
	http_trust_free(start->trust);
	seal_ring_free(start->ring);
	config_free(start->config);
	*start = (struct start){NULL, NULL, NULL};
}
