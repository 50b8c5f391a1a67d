#ifndef CB_STORE_TENANTS_H
#define CB_STORE_TENANTS_H
/*
 * tenants: the table of that name: the client applications. Errors: those of io/db.
 * Stands on io/db.
 */
#include "base/arena.h"
#include "base/err.h"
#include "base/rand.h"
#include "base/text.h"

struct db;

/* The tenant that every installation has, called "default"; the migration 0001 makes it. */
extern const struct id TENANT_DEFAULT;

/* The tenant called name; ERR_NOT_FOUND. */
MUST_USE enum err tenants_find(struct db *db, struct slice name, struct id *out, struct fail *why);

/* The name of a tenant, in arena; ERR_NOT_FOUND. */
MUST_USE enum err tenants_name(struct db *db, const struct id *tenant, struct arena *arena,
			       struct slice *out, struct fail *why);

#endif
