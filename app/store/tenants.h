#ifndef CB_STORE_TENANTS_H
#define CB_STORE_TENANTS_H
/*
 * tenants: the table of that name: the client applications. Errors: those of io/db.
 * Stands on io/db.
 */
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/rand.h"
#include "base/text.h"

struct db;

enum { TENANT_NAME_BYTES_MAX = 64 };

struct tenant {
	struct id id;
	struct slice name; /* ASCII */
	int64_t created_ms;
};

/* The tenant that every installation has, called "default"; the migration 0001 makes it. */
extern const struct id TENANT_DEFAULT;

/* The tenant called name; ERR_NOT_FOUND. */
MUST_USE enum err tenants_find(struct db *db, struct slice name, struct id *out, struct fail *why);

/* The name of a tenant, in arena; ERR_NOT_FOUND. */
MUST_USE enum err tenants_name(struct db *db, const struct id *tenant, struct arena *arena,
			       struct slice *out, struct fail *why);

/* Makes the tenant called name, of at most TENANT_NAME_BYTES_MAX. ERR_DUPLICATE: there is one. */
MUST_USE enum err tenants_add(struct db *db, const struct id *id, struct slice name,
			      struct fail *why);

/* All of them by name, at most 10,000; slices live in arena. */
MUST_USE enum err tenants_list(struct db *db, struct arena *arena, struct tenant **out, size_t *n,
			       struct fail *why);

#endif
