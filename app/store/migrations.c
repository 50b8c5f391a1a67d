#include "store/migrations.h"

#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "io/db.h"
#include "store/migration_files.h"

enum {
	WAIT_MS = 60000, /* for another migrator; longer than its lease */
	POLL_MS = 100,
	ARENA_BLOCK_BYTES = 16 * 1024,
	ARENA_BYTES = 4 * 1024 * 1024,
};

/* Where the migrator keeps its own books. It makes them itself, before any file. */
static const char *const BOOKS[] = {
	"CREATE TABLE IF NOT EXISTS schema_migrations ("
	" number INT UNSIGNED NOT NULL,"
	" name VARCHAR(96) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,"
	" checksum BINARY(32) NOT NULL,"
	" applied_at DATETIME(3) NOT NULL DEFAULT UTC_TIMESTAMP(3),"
	" PRIMARY KEY (number)"
	") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin",

	"CREATE TABLE IF NOT EXISTS schema_migrations_lock ("
	" id TINYINT UNSIGNED NOT NULL,"
	" holder BINARY(16) NULL,"
	" lease_until DATETIME(3) NOT NULL,"
	" PRIMARY KEY (id)"
	") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin",

	"INSERT IGNORE INTO schema_migrations_lock VALUES (1, NULL, UTC_TIMESTAMP(3))",
};

DB_STATEMENT_KEYED(MIGRATIONS_TAKE,
		   "UPDATE schema_migrations_lock"
		   " SET holder = ?, lease_until = UTC_TIMESTAMP(3) + INTERVAL 30 SECOND"
		   " WHERE id = 1 AND (holder IS NULL OR holder = ?"
		   " OR lease_until < UTC_TIMESTAMP(3))");
DB_STATEMENT_KEYED(MIGRATIONS_RENEW, "UPDATE schema_migrations_lock"
				     " SET lease_until = UTC_TIMESTAMP(3) + INTERVAL 30 SECOND"
				     " WHERE id = 1 AND holder = ?");
DB_STATEMENT(MIGRATIONS_RELEASE, "UPDATE schema_migrations_lock SET holder = NULL"
				 " WHERE id = 1 AND holder = ?");
DB_STATEMENT(MIGRATIONS_APPLIED, "SELECT number, name, checksum FROM schema_migrations"
				 " ORDER BY number");
/* our own row met again is as good as added: FOUND_ROWS counts it */
DB_STATEMENT_KEYED(MIGRATIONS_RECORD, "INSERT INTO schema_migrations (number, name, checksum)"
				      " VALUES (?, ?, ?)"
				      " ON DUPLICATE KEY UPDATE number = VALUES(number)");
DB_STATEMENT(MIGRATIONS_STATE, "SELECT COUNT(*), COALESCE(MAX(number), 0) FROM schema_migrations");
DB_STATEMENT(MIGRATIONS_BOOKS, "SELECT COUNT(*) FROM information_schema.TABLES"
			       " WHERE TABLE_SCHEMA = DATABASE()"
			       " AND TABLE_NAME = 'schema_migrations'");

/* One run of the migrator. */
struct run {
	struct db *db;
	struct id holder;
	const struct migration_files *files;
};

/* The lease. */

static enum err make_books(struct db *db, struct fail *why)
{
	enum err e = OK;

	for (size_t i = 0; i < ARRAY_LEN(BOOKS) && !e; i++)
		e = db_run_script(db, slice_of(BOOKS[i]), why);
	return e;
}

static enum err take_lease(struct run *run, struct fail *why)
{
	const struct db_value in[] = {db_id(&run->holder), db_id(&run->holder)};
	struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
	int64_t until_ms = clock_mono_ms() + WAIT_MS;
	uint64_t taken = 0;
	enum err e;

	for (;;) {
		e = db_run(run->db, &MIGRATIONS_TAKE, in, ARRAY_LEN(in), &taken, why);
		if (e || taken)
			return e;
		if (clock_mono_ms() >= until_ms)
			return fail_set(why, ERR_BUSY, "another migration is at work");
		nanosleep(&pause, NULL);
	}
}

static enum err renew_lease(struct run *run, struct fail *why)
{
	const struct db_value in[] = {db_id(&run->holder)};
	uint64_t held = 0;
	enum err e = db_run(run->db, &MIGRATIONS_RENEW, in, ARRAY_LEN(in), &held, why);

	if (!e && !held)
		return fail_set(why, ERR_STALE, "another migration took over");
	return e;
}

/* Spares the next one the wait; if this fails, the lease ends by itself. */
static void release_lease(struct run *run)
{
	const struct db_value in[] = {db_id(&run->holder)};
	struct fail ignored = {0};
	enum err e = db_run(run->db, &MIGRATIONS_RELEASE, in, ARRAY_LEN(in), NULL, &ignored);

	if (e)
		log_note(LOG_WARNING, "migration", "lease kept until it ends: %s", ignored.detail);
}

/* What was applied. */

static enum err compare(const struct migration_files *files, size_t i, const struct db_value *row,
			struct fail *why)
{
	const struct migration_file *file = &files->items[i];
	struct slice checksum;

	if (i >= files->n)
		return fail_set(why, ERR_CONFIG,
				"the schema is newer: %s is applied and not among the files",
				row[1].bytes.data);
	if (row[0].number != (int64_t)file->number)
		return fail_set(why, ERR_CONFIG, "%s is not recorded, but a later one is",
				file->name);
	checksum = (struct slice){(const char *)file->checksum, sizeof(file->checksum)};
	if (!slice_equal(row[2].bytes, checksum))
		return fail_set(why, ERR_CONFIG, "%s was changed after it was applied", file->name);
	return OK;
}

/* How many of the files are applied; refuses a schema that these files did not make. */
static enum err count_applied(const struct run *run, size_t *out, struct fail *why)
{
	struct arena *arena = arena_new(ARENA_BLOCK_BYTES, ARENA_BYTES);
	struct db_rows rows = {0};
	enum err e = arena ? OK : ERR_NOMEM;

	if (!e)
		e = db_read_all(run->db, &MIGRATIONS_APPLIED, NULL, 0, arena, &rows, why);
	for (size_t i = 0; i < rows.n_rows && !e; i++)
		e = compare(run->files, i, rows.values + i * rows.n_columns, why);
	*out = rows.n_rows;
	arena_free(arena);
	return e;
}

/* Applying. */

static enum err record(const struct run *run, const struct migration_file *file, struct fail *why)
{
	const struct db_value in[] = {
		db_int(file->number),
		db_string(file->name),
		db_bytes((struct slice){(const char *)file->checksum, sizeof(file->checksum)}),
	};

	return db_run(run->db, &MIGRATIONS_RECORD, in, ARRAY_LEN(in), NULL, why);
}

static enum err apply(struct run *run, const struct migration_file *file, struct fail *why)
{
	struct slice rest = file_slice(&file->text), statement;
	struct fail inner = {0};
	unsigned n = 0;
	enum err e = OK;

	do {
		e = migration_files_cut(&rest, &statement, &inner);
		if (!e)
			e = renew_lease(run, &inner);
		if (!e && statement.len)
			e = db_run_script(run->db, statement, &inner);
		n++;
	} while (!e && statement.len);
	if (e)
		return fail_set(why, e, "%s, statement %u: %s", file->name, n, inner.detail);
	e = record(run, file, why);
	if (!e)
		log_note(LOG_INFO, "migration", "%s is applied", file->name);
	return e;
}

static enum err apply_missing(struct run *run, struct fail *why)
{
	size_t done;
	enum err e = count_applied(run, &done, why);

	for (size_t i = done; i < run->files->n && !e; i++)
		e = apply(run, &run->files->items[i], why);
	return e;
}

enum err migrations_run(struct db *db, const char *folder, struct fail *why)
{
	struct migration_files files;
	struct run run = {.db = db, .holder = id_new(), .files = &files};
	enum err e = migration_files_read(folder, &files, why);

	if (e)
		return e;
	e = make_books(db, why);
	if (!e)
		e = take_lease(&run, why);
	if (!e) {
		e = apply_missing(&run, why);
		release_lease(&run);
	}
	migration_files_free(&files);
	return e;
}

/* Checking. */

/* Tells a schema that was never made from a statement that failed for another reason. */
static enum err explain_no_answer(struct db *db, enum err e, struct fail *why)
{
	struct db_value count;
	struct fail ignored;

	if (e == ERR_INTERNAL &&
	    !db_read(db, &MIGRATIONS_BOOKS, NULL, 0, NULL, &count, 1, &ignored) && !count.number)
		return fail_set(why, ERR_CONFIG, "no schema: run calbridge migrate");
	return e;
}

enum err migrations_check(struct db *db, struct fail *why)
{
	struct db_value out[2];
	enum err e = db_read(db, &MIGRATIONS_STATE, NULL, 0, NULL, out, ARRAY_LEN(out), why);

	if (e)
		return explain_no_answer(db, e, why);
	if (out[1].number > SCHEMA_VERSION)
		return fail_set(why, ERR_CONFIG,
				"the schema is newer than this program: %d, not %d",
				(int)out[1].number, SCHEMA_VERSION);
	if (out[0].number < SCHEMA_VERSION)
		return fail_set(why, ERR_CONFIG,
				"the schema is older than this program: %d, not %d: run calbridge "
				"migrate",
				(int)out[0].number, SCHEMA_VERSION);
	return OK;
}
