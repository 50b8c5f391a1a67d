#include "store/sealed.h"

#include <inttypes.h>

#include "base/arena.h"
#include "base/seal.h"
#include "io/db.h"

enum { BLOCK_BYTES = 8192, ROWS_BYTES_MAX = 1 << 20 };

/* Bytes 2 to 5 of a blob are the number of its key (seal). */
DB_STATEMENT(
	SEALED_KEYS,
	"SELECT CAST(CONV(HEX(SUBSTRING(secret, 2, 4)), 16, 10) AS UNSIGNED) AS number, "
	"COUNT(*) FROM ("
	"SELECT access_token AS secret FROM coach_calendar_connections UNION ALL "
	"SELECT refresh_token FROM coach_calendar_connections UNION ALL "
	"SELECT pending_access FROM oauth_states WHERE expires_at > UTC_TIMESTAMP(3) UNION ALL "
	"SELECT pending_refresh FROM oauth_states WHERE expires_at > UTC_TIMESTAMP(3)"
	") AS stored WHERE secret IS NOT NULL GROUP BY number ORDER BY number");

static enum err find_missing(const struct db_rows *rows, const struct seal_ring *ring,
			     struct fail *why)
{
	for (size_t i = 0; i < rows->n_rows; i++) {
		const struct db_value *row = rows->values + i * rows->n_columns;

		if (!seal_has_key(ring, (uint32_t)row[0].number))
			return fail_set(why, ERR_CONFIG,
					"%" PRId64 " stored secrets need key %" PRId64
					", which is not in the key ring",
					row[1].number, row[0].number);
	}
	return OK;
}

enum err sealed_check(struct db *db, const struct seal_ring *ring, struct fail *why)
{
	struct arena *arena = arena_new(BLOCK_BYTES, ROWS_BYTES_MAX);
	struct db_rows rows;
	enum err e = arena ? OK : ERR_NOMEM;

	if (!e)
		e = db_read_all(db, &SEALED_KEYS, NULL, 0, arena, &rows, why);
	if (!e)
		e = find_missing(&rows, ring, why);
	arena_free(arena);
	return e;
}
