#include "store/provider_slots.h"

#include "io/db.h"

/* One that is repeated after its answer was lost may hold two slots: both are given back by token.
 */
DB_STATEMENT_KEYED(PROVIDER_SLOTS_TAKE,
		   "UPDATE provider_slots SET claim_token = ?, "
		   "held_until = TIMESTAMPADD(MICROSECOND, ? * 1000, UTC_TIMESTAMP(3)) "
		   "WHERE subject = ? AND slot < ? AND held_until <= UTC_TIMESTAMP(3) "
		   "ORDER BY slot LIMIT 1");

DB_STATEMENT_KEYED(PROVIDER_SLOTS_ADD,
		   "INSERT IGNORE INTO provider_slots (subject, slot, held_until) "
		   "VALUES (?, ?, UTC_TIMESTAMP(3))");

DB_STATEMENT_KEYED(PROVIDER_SLOTS_GIVE,
		   "UPDATE provider_slots SET claim_token = NULL, held_until = UTC_TIMESTAMP(3) "
		   "WHERE subject = ? AND claim_token = ?");

DB_STATEMENT(PROVIDER_SLOTS_COUNT, "SELECT COUNT(*) FROM provider_slots WHERE subject = ?");

static enum err take(struct db *db, const char *subject, unsigned slots, const struct id *token,
		     int64_t lease_ms, bool *taken, struct fail *why)
{
	const struct db_value in[] = {db_id(token), db_int(lease_ms), db_string(subject),
				      db_int(slots)};
	uint64_t n = 0;
	enum err e = db_run(db, &PROVIDER_SLOTS_TAKE, in, ARRAY_LEN(in), &n, why);

	*taken = n > 0;
	return e;
}

/* Are all of them there? */
static enum err count(struct db *db, const char *subject, unsigned slots, bool *whole,
		      struct fail *why)
{
	const struct db_value in[] = {db_string(subject)};
	struct db_value out = {0};
	enum err e = db_read(db, &PROVIDER_SLOTS_COUNT, in, ARRAY_LEN(in), NULL, &out, 1, why);

	*whole = out.number >= slots;
	return e;
}

static enum err make(struct db *db, const char *subject, unsigned slots, struct fail *why)
{
	struct db_value rows[16 * 2];

	for (unsigned i = 0; i < slots; i++) {
		rows[2 * i] = db_string(subject);
		rows[2 * i + 1] = db_int(i);
	}
	return db_run_many(db, &PROVIDER_SLOTS_ADD, rows, slots, 2, NULL, why);
}

enum err provider_slots_take(struct db *db, const char *subject, unsigned slots,
			     const struct id *token, int64_t lease_ms, bool *taken,
			     struct fail *why)
{
	bool whole = false;
	enum err e = take(db, subject, slots, token, lease_ms, taken, why);

	if (e || *taken)
		return e;
	e = count(db, subject, slots, &whole, why);
	if (e || whole)
		return e;
	e = make(db, subject, slots, why);
	return e ? e : take(db, subject, slots, token, lease_ms, taken, why);
}

enum err provider_slots_give(struct db *db, const char *subject, const struct id *token,
			     struct fail *why)
{
	const struct db_value in[] = {db_string(subject), db_id(token)};

	return db_run(db, &PROVIDER_SLOTS_GIVE, in, ARRAY_LEN(in), NULL, why);
}
