#ifndef CB_MAIN_START_H
#define CB_MAIN_START_H
/*
 * start: what both daemons do before they fork: command line, settings, key ring, CA store, a
 * look at the schema. Stands on io, store, base.
 */
#include <stdbool.h>

#include "base/err.h"

struct config;
struct http_trust;
struct seal_ring;

struct start_options {
	const char *config_path;
	bool once; /* calbridge-sync alone */
	bool done; /* --help or --version was all that was asked */
};

/* What workers inherit. */
struct start {
	struct config *config;
	struct seal_ring *ring;
	struct http_trust *trust;
};

/* Reads the command line; false: it was wrong, and that has been said. */
bool start_options(int argc, char **argv, bool may_once, struct start_options *out);

/*
 * Reads everything and starts the log. What is wrong is said on standard error, all of it.
 * ERR_CONFIG, ERR_NOMEM; out needs no start_fini then
 */
MUST_USE enum err start_init(const char *config_path, const char *program, struct start *out,
			     struct fail *why);

/* Wipes and frees. */
void start_fini(struct start *start);

#endif
