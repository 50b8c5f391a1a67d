#ifndef CB_STORE_AUDIT_LOG_H
#define CB_STORE_AUDIT_LOG_H
/*
 * audit_log: the table of that name, append only. Errors: those of io/db. Stands on io/db.
 * Source: security requirement L4.
 */
#include "base/err.h"
#include "base/rand.h"
#include "base/text.h"

struct db;

/* Who did what to what, and how it went. All texts are cut to their columns; none may hold a
 * secret. */
struct audit {
	struct id tenant;     /* none: no tenant */
	struct slice actor;   /* "owner:<external id>", "key:<prefix>", "operator", "nobody" */
	const char *action;   /* "connect", "login", "key_created", ... */
	struct slice object;  /* what it was done to */
	const char *result;   /* "ok" or an err_code */
	struct slice address; /* may be empty */
	struct slice request_id;
};

/* Adds one line. */
MUST_USE enum err audit_log_add(struct db *db, const struct audit *audit, struct fail *why);

#endif
