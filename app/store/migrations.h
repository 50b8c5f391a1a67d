#ifndef CB_STORE_MIGRATIONS_H
#define CB_STORE_MIGRATIONS_H
/*
 * migrations: the schema, brought forward by numbered SQL files and checked at each start. What was
 * applied is recorded in schema_migrations with the file's SHA-256; one migrator works at a
 * time, by a lease in schema_migrations_lock that holds on one server and on a Galera
 * cluster alike. DDL commits statement by statement, so every statement can be run again, and a
 * migrator that was killed is followed by another that starts with the file it was in.
 * Stands on io/db, migration_files.
 */
#include "base/err.h"

struct db;

/* The schema that this program works with: the number of the last file in sql/. */
enum { SCHEMA_VERSION = 11 };

/*
 * Applies what is missing, as the migrating user (DB_MIGRATE). Waits up to 60 s for another
 * migrator; one that was killed is waited for until its lease of 30 s ends. Nothing to do is OK.
 * Blocks for as long as the statements take. Logs each file that it applies. After digest_start.
 *
 * folder   with the SQL files, all of them
 * returns  OK, ERR_CONFIG (a file is wrong, an applied one was changed, or the schema is newer than
 * the files), ERR_BUSY (another one is at work), ERR_STALE (another one took over: this one was too
 *          slow), ERR_INTERNAL (a statement that the server refuses), ERR_DB, ERR_DB_UNSURE,
 *          ERR_NOMEM; run again after any of them
 */
MUST_USE enum err migrations_run(struct db *db, const char *folder, struct fail *why);

/*
 * Is the schema the one that this program works with? For the start and readiness; one SELECT.
 * returns OK, ERR_CONFIG (older, newer, or none), ERR_DB, ERR_BUSY, ERR_NOMEM
 */
MUST_USE enum err migrations_check(struct db *db, struct fail *why);

#endif
