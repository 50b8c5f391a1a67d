#include "store/mappings.h"

#include <stdlib.h>
#include <string.h>

#include "io/db.h"
#include "model/event.h"
#include "store/column.h"

/* In the order of enum mapping_state. */
static const char *const STATES[] = {"intended", "unsure", "placed", "refused", "removed"};
static const char *const ORIGINS[] = {ORIGIN_INVITE, ORIGIN_EVENT, ORIGIN_APPOINTMENT};

/* So many milliseconds from now. */
#define AHEAD "TIMESTAMPADD(MICROSECOND, ? * 1000, UTC_TIMESTAMP(3))"

/*
 * A write-back leaves the claim token where it is and only ends its time: run again after a lost
 * answer it finds the row again. The states keep it off what has come to its end meanwhile.
 */
#define WHERE_CLAIM_IS_OURS "WHERE tenant_id = ? AND id = ? AND claim_token = ? "

DB_STATEMENT_KEYED(MAPPINGS_ADD,
		   "INSERT INTO calendar_event_mappings (id, tenant_id, owner_id, connection_id, "
		   "origin, state, request_id, replay_key, keyed, body_hash, event_ref, "
		   "calendar_id, provider_event_id, generation, event, claim_token, claim_until, "
		   "settle_at, created_at) VALUES (?, ?, ?, ?, ?, 'intended', ?, ?, ?, ?, ?, ?, ?, "
		   "?, ?, ?, " AHEAD ", " AHEAD ", UTC_TIMESTAMP(3))");

DB_STATEMENT(MAPPINGS_IS_OURS, "SELECT 1 FROM calendar_event_mappings " WHERE_CLAIM_IS_OURS);

DB_STATEMENT(MAPPINGS_FIND_REQUEST,
	     "SELECT " MAPPING_COLUMNS MAPPING_FROM "WHERE m.request_id = CONVERT(? USING ascii)");

DB_STATEMENT(MAPPINGS_FIND_REPLAY,
	     "SELECT " MAPPING_COLUMNS MAPPING_FROM
	     "WHERE m.tenant_id = ? AND m.owner_id = ? AND m.origin = ? AND m.replay_key = ?");

DB_STATEMENT(MAPPINGS_GET,
	     "SELECT " MAPPING_COLUMNS MAPPING_FROM "WHERE m.tenant_id = ? AND m.id = ?");

/*
 * The new token may stand there already, when this runs again after a lost answer; attempt,
 * assigned before the token, is then not counted twice.
 */
DB_STATEMENT_KEYED(MAPPINGS_CLAIM,
		   "UPDATE calendar_event_mappings SET "
		   "attempt = IF(claim_token <=> ?, attempt, LEAST(attempt + 1, 65535)), "
		   "state = 'intended', claim_token = ?, claim_until = " AHEAD ", "
		   "settle_at = " AHEAD ", request_id = COALESCE(?, request_id), error = NULL "
		   "WHERE tenant_id = ? AND id = ? "
		   "AND state IN ('intended', 'unsure', 'refused') "
		   "AND (claim_token <=> ? OR claim_token <=> ?) "
		   "AND (? = 1 OR claim_until IS NULL OR claim_until <= UTC_TIMESTAMP(3) "
		   "OR claim_token <=> ?)");

DB_STATEMENT_KEYED(MAPPINGS_RENEW_EVENT_ID,
		   "UPDATE calendar_event_mappings SET provider_event_id = ?, "
		   "generation = ? " WHERE_CLAIM_IS_OURS "AND state IN ('intended', 'unsure')");

/*
 * Many marks are one statement: one round trip and one commit a batch, which costs a third less
 * than a transaction with an array of parameters. It is there for some numbers of rows; the last
 * mark fills what is left over.
 *
 * The day after, settle_at brings the row before calbridge-sync once more, to be cleaned. The event
 * of an invite is not needed any longer, and leaves its room to html_link: a row that grows makes
 * InnoDB reorganize or split its page.
 */
/* clang-format off */
#define OWN(column, TIMES) ", " column " = CASE id" TIMES(" WHEN ? THEN ?") " END"
#define MARK_PLACED(TIMES)                                                                         \
	"UPDATE calendar_event_mappings FORCE INDEX (PRIMARY) SET state = 'placed'"                \
	OWN("provider_event_id", TIMES) OWN("html_link", TIMES)                                    \
	OWN("placed_at", TIMES) OWN("answered", TIMES) OWN("answer", TIMES)                        \
	", claim_until = NULL, error = NULL, event = IF(origin = 'event', event, NULL), "          \
	"settle_at = UTC_TIMESTAMP(3) + INTERVAL 1 DAY "                                           \
	"WHERE (FALSE" TIMES(" OR id = ? AND claim_token = ?") ") "                                \
	"AND state IN ('intended', 'unsure', 'placed')"
/* clang-format on */
#define TIMES_1(text) text
#define TIMES_2(text) text text
#define TIMES_4(text) TIMES_2(text) TIMES_2(text)
#define TIMES_8(text) TIMES_4(text) TIMES_4(text)
#define TIMES_16(text) TIMES_8(text) TIMES_8(text)
#define TIMES_32(text) TIMES_16(text) TIMES_16(text)

DB_STATEMENT_KEYED(MAPPINGS_MARK_1_PLACED, MARK_PLACED(TIMES_1));
DB_STATEMENT_KEYED(MAPPINGS_MARK_2_PLACED, MARK_PLACED(TIMES_2));
DB_STATEMENT_KEYED(MAPPINGS_MARK_4_PLACED, MARK_PLACED(TIMES_4));
DB_STATEMENT_KEYED(MAPPINGS_MARK_8_PLACED, MARK_PLACED(TIMES_8));
DB_STATEMENT_KEYED(MAPPINGS_MARK_16_PLACED, MARK_PLACED(TIMES_16));
DB_STATEMENT_KEYED(MAPPINGS_MARK_32_PLACED, MARK_PLACED(TIMES_32));

DB_STATEMENT_KEYED(MAPPINGS_MARK_ANSWERED,
		   "UPDATE calendar_event_mappings SET answered = TRUE, placed_at = ? "
		   "WHERE tenant_id = ? AND id = ? AND state = 'placed'");

DB_STATEMENT_KEYED(
	MAPPINGS_REFUSE,
	"UPDATE calendar_event_mappings SET state = 'refused', error = ?, "
	"claim_until = NULL, settle_at = UTC_TIMESTAMP(3) + INTERVAL 1 DAY " WHERE_CLAIM_IS_OURS
	"AND state IN ('intended', 'unsure', 'refused')");

/* settle_at stays: calbridge-sync looks when it was going to. */
DB_STATEMENT_KEYED(MAPPINGS_LEAVE_UNSURE,
		   "UPDATE calendar_event_mappings SET state = 'unsure', error = ?, "
		   "claim_until = NULL " WHERE_CLAIM_IS_OURS "AND state IN ('intended', 'unsure')");

DB_STATEMENT_KEYED(MAPPINGS_RELEASE,
		   "UPDATE calendar_event_mappings SET replay_key = NULL "
		   "WHERE tenant_id = ? AND id = ? AND request_id <=> CONVERT(? USING ascii) "
		   "AND state IN ('placed', 'refused', 'removed')");

DB_STATEMENT(MAPPINGS_FIND_DUE,
	     "SELECT " MAPPING_COLUMNS MAPPING_FROM
	     "WHERE m.state IN ('intended', 'unsure') AND m.settle_at <= UTC_TIMESTAMP(3) "
	     "AND (m.claim_until IS NULL OR m.claim_until <= UTC_TIMESTAMP(3)) "
	     "ORDER BY m.settle_at LIMIT 1 FOR UPDATE SKIP LOCKED");

DB_STATEMENT(MAPPINGS_CLAIM_DUE,
	     "UPDATE calendar_event_mappings SET claim_token = ?, claim_until = " AHEAD ", "
	     "settle_at = " AHEAD ", attempt = LEAST(attempt + 1, 65535) WHERE id = ?");

DB_STATEMENT_KEYED(MAPPINGS_POSTPONE,
		   "UPDATE calendar_event_mappings SET claim_until = NULL, settle_at = " AHEAD
		   " " WHERE_CLAIM_IS_OURS "AND state IN ('intended', 'unsure')");

DB_STATEMENT_KEYED(MAPPINGS_CLEAN, "UPDATE calendar_event_mappings "
				   "SET replay_key = NULL, answer = NULL, settle_at = NULL, "
				   "event = IF(origin = 'event' AND state = 'placed', event, NULL) "
				   "WHERE state IN ('placed', 'refused', 'removed') "
				   "AND settle_at <= UTC_TIMESTAMP(3) LIMIT ?");

DB_STATEMENT(MAPPINGS_COUNT,
	     "SELECT COALESCE(SUM(state = 'intended'), 0), COALESCE(SUM(state = 'unsure'), 0), "
	     "COALESCE(SUM(settle_at <= UTC_TIMESTAMP(3)), 0) FROM calendar_event_mappings "
	     "WHERE state IN ('intended', 'unsure')");

void mapping_from_row(const struct db_value *row, struct mapping *out)
{
	const struct id claim_token = db_as_id(&row[16]);

	*out = (struct mapping){
		.id = db_as_id(&row[0]),
		.tenant = db_as_id(&row[1]),
		.owner = db_as_id(&row[2]),
		.connection = db_as_id(&row[3]),
		.origin = ORIGINS[column_word(&row[4], ORIGINS, ARRAY_LEN(ORIGINS))],
		.state = column_word(&row[5], STATES, ARRAY_LEN(STATES)),
		.request_id = row[6].bytes,
		.replay_key = row[7].bytes,
		.keyed = row[8].number != 0,
		.body_hash = row[9].bytes,
		.event_ref = row[10].bytes,
		.calendar_id = row[11].bytes,
		.provider_event_id = row[12].bytes,
		.generation = row[13].number,
		.html_link = row[14].bytes,
		.event = row[15].bytes,
		.claim_token = claim_token,
		.claim_runs = row[17].number != 0,
		.attempt = row[18].number,
		.tried_ms = id_time_ms(&claim_token),
		.created_ms = db_as_time(&row[19]),
		.age_ms = row[20].number,
		.answered = row[21].number != 0,
		.answer = row[22].bytes,
		.placed_ms = db_as_time(&row[23]),
	};
}

/* One intent's parameters. */
enum { ADD_N_IN = 17 };

static void fill_intent(const struct intent *intent, struct db_value *in)
{
	const struct mapping *mapping = intent->mapping;
	const struct db_value values[ADD_N_IN] = {
		db_id(&mapping->id),
		db_id(&mapping->tenant),
		db_id(&mapping->owner),
		db_id(&mapping->connection),
		db_string(mapping->origin),
		column_optional_text(mapping->request_id),
		column_optional_bytes(mapping->replay_key),
		db_int(mapping->keyed),
		column_optional_bytes(mapping->body_hash),
		db_text(mapping->event_ref),
		db_text(mapping->calendar_id),
		db_text(mapping->provider_event_id),
		db_int(mapping->generation),
		column_optional_text(mapping->event),
		db_id(&mapping->claim_token),
		db_int(intent->claim_ms),
		db_int(intent->settle_ms),
	};

	memcpy(in, values, sizeof(values));
}

/* Its answer was lost, here or when it went with others: is it there? */
static bool is_there(struct db *db, const struct mapping *mapping)
{
	const struct db_value in[] = {
		db_id(&mapping->tenant),
		db_id(&mapping->id),
		db_id(&mapping->claim_token),
	};
	struct db_value one;

	return !db_read(db, &MAPPINGS_IS_OURS, in, ARRAY_LEN(in), NULL, &one, 1, NULL);
}

enum err mappings_add(struct db *db, const struct intent *const intents[], size_t n,
		      struct fail *why)
{
	struct db_value *rows = calloc(n, ADD_N_IN * sizeof(*rows));
	enum err e;

	if (!rows)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		fill_intent(intents[i], rows + i * ADD_N_IN);
	e = db_run_many(db, &MAPPINGS_ADD, rows, n, ADD_N_IN, NULL, why);
	free(rows);
	/* all or none: one of them tells of all */
	if ((e == ERR_DUPLICATE || e == ERR_DB_UNSURE) && is_there(db, intents[0]->mapping))
		return OK;
	return e;
}

/* A SELECT of COLUMNS and its parameters. */
struct lookup {
	const struct db_statement *statement;
	const struct db_value *in;
	size_t n_in;
};

static enum err read_one(struct db *db, struct lookup lookup, struct arena *arena,
			 struct mapping *out, struct fail *why)
{
	struct db_value row[MAPPING_N_COLUMNS];
	enum err e;

	*out = (struct mapping){0};
	e = db_read(db, lookup.statement, lookup.in, lookup.n_in, arena, row, ARRAY_LEN(row), why);
	if (!e)
		mapping_from_row(row, out);
	return e;
}

enum err mappings_find_request(struct db *db, struct slice request_id, struct arena *arena,
			       struct mapping *out, struct fail *why)
{
	const struct db_value in[] = {db_text(request_id)};
	const struct lookup lookup = {&MAPPINGS_FIND_REQUEST, in, ARRAY_LEN(in)};

	return read_one(db, lookup, arena, out, why);
}

enum err mappings_find_replay(struct db *db, const struct id *tenant, const struct id *owner,
			      const char *origin, struct slice replay_key, struct arena *arena,
			      struct mapping *out, struct fail *why)
{
	const struct db_value in[] = {
		db_id(tenant),
		db_id(owner),
		db_string(origin),
		db_bytes(replay_key),
	};
	const struct lookup lookup = {&MAPPINGS_FIND_REPLAY, in, ARRAY_LEN(in)};

	return read_one(db, lookup, arena, out, why);
}

enum err mappings_get(struct db *db, const struct id *tenant, const struct id *id,
		      struct arena *arena, struct mapping *out, struct fail *why)
{
	const struct db_value in[] = {db_id(tenant), db_id(id)};
	const struct lookup lookup = {&MAPPINGS_GET, in, ARRAY_LEN(in)};

	return read_one(db, lookup, arena, out, why);
}

/* Runs a write-back: nothing found means that somebody took over. */
static enum err fenced(struct db *db, const struct db_statement *statement,
		       const struct db_value *in, size_t n_in, struct fail *why)
{
	uint64_t changed = 0;
	enum err e = db_run(db, statement, in, n_in, &changed, why);

	return !e && changed == 0 ? ERR_STALE : e;
}

enum err mappings_claim(struct db *db, const struct mapping *mapping, const struct id *claim_token,
			bool by_same_request, int64_t claim_ms, int64_t settle_ms, struct fail *why)
{
	const struct db_value in[] = {
		db_id(claim_token),
		db_id(claim_token),
		db_int(claim_ms),
		db_int(settle_ms),
		column_optional_text(mapping->request_id),
		db_id(&mapping->tenant),
		db_id(&mapping->id),
		db_id(&mapping->claim_token),
		db_id(claim_token),
		db_int(by_same_request),
		db_id(claim_token),
	};

	return fenced(db, &MAPPINGS_CLAIM, in, ARRAY_LEN(in), why);
}

enum err mappings_renew_event_id(struct db *db, const struct mapping *mapping,
				 struct slice provider_event_id, int64_t generation,
				 struct fail *why)
{
	const struct db_value in[] = {
		db_text(provider_event_id), db_int(generation),           db_id(&mapping->tenant),
		db_id(&mapping->id),        db_id(&mapping->claim_token),
	};

	return fenced(db, &MAPPINGS_RENEW_EVENT_ID, in, ARRAY_LEN(in), why);
}

/* A mark's parameters. */
enum { MARK_N_IN = 12 };

static const struct db_statement *const MARK_STATEMENTS[] = {
	&MAPPINGS_MARK_1_PLACED, &MAPPINGS_MARK_2_PLACED,  &MAPPINGS_MARK_4_PLACED,
	&MAPPINGS_MARK_8_PLACED, &MAPPINGS_MARK_16_PLACED, &MAPPINGS_MARK_32_PLACED,
};

/* Row number row of a statement for width rows: its id before each of its values. */
static void fill_mark(const struct placed_mark *mark, size_t row, size_t width, struct db_value *in)
{
	const struct db_value values[] = {
		db_text(mark->provider_event_id),   column_optional_text(mark->html_link),
		db_time(mark->placed_ms),           db_int(mark->answered),
		column_optional_text(mark->answer), db_id(&mark->claim_token),
	};

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		in[2 * (i * width + row)] = db_id(&mark->id);
		in[2 * (i * width + row) + 1] = values[i];
	}
}

enum err mappings_mark_placed(struct db *db, const struct placed_mark *const marks[], size_t n,
			      struct fail *why)
{
	struct db_value *in;
	size_t width = 1, which = 0;
	uint64_t found = 0;
	enum err e;

	for (; width < n; width *= 2)
		which++;
	in = calloc(width, MARK_N_IN * sizeof(*in));
	if (!in)
		return ERR_NOMEM;
	for (size_t i = 0; i < width; i++)
		fill_mark(marks[i < n ? i : n - 1], i, width, in);
	e = db_run_rows(db, MARK_STATEMENTS[which], in, width * MARK_N_IN, n, &found, why);
	free(in);
	if (!e && found < n)
		return ERR_STALE;
	return e;
}

enum err mappings_mark_answered(struct db *db, const struct mapping *mapping, int64_t now_ms,
				struct fail *why)
{
	const struct db_value in[] = {
		db_time(now_ms),
		db_id(&mapping->tenant),
		db_id(&mapping->id),
	};

	return db_run(db, &MAPPINGS_MARK_ANSWERED, in, ARRAY_LEN(in), NULL, why);
}

enum err mappings_end(struct db *db, const struct mapping *mapping, enum mapping_state state,
		      const char *error, struct fail *why)
{
	const struct db_value in[] = {
		db_string(error),
		db_id(&mapping->tenant),
		db_id(&mapping->id),
		db_id(&mapping->claim_token),
	};

	if (state == MAPPING_REFUSED)
		return fenced(db, &MAPPINGS_REFUSE, in, ARRAY_LEN(in), why);
	if (state == MAPPING_UNSURE)
		return fenced(db, &MAPPINGS_LEAVE_UNSURE, in, ARRAY_LEN(in), why);
	return fail_set(why, ERR_INTERNAL, "an attempt does not end as %s", STATES[state]);
}

enum err mappings_release(struct db *db, const struct mapping *mapping, struct fail *why)
{
	const struct db_value in[] = {
		db_id(&mapping->tenant),
		db_id(&mapping->id),
		column_optional_text(mapping->request_id),
	};

	return db_run(db, &MAPPINGS_RELEASE, in, ARRAY_LEN(in), NULL, why);
}

/* What claim_due hands to its transaction, and what comes back. */
struct due {
	struct id claim_token;
	int64_t claim_ms;
	int64_t settle_ms;
	struct arena *arena;
	struct mapping *found;
};

static enum err claim_due(struct db *tx, void *cx, struct fail *why)
{
	const struct lookup lookup = {&MAPPINGS_FIND_DUE, NULL, 0};
	struct due *due = cx;
	enum err e = read_one(tx, lookup, due->arena, due->found, why);
	const struct db_value in[] = {
		db_id(&due->claim_token),
		db_int(due->claim_ms),
		db_int(due->settle_ms),
		db_id(&due->found->id),
	};

	if (e)
		return e;
	due->found->claim_token = due->claim_token;
	due->found->claim_runs = true;
	due->found->attempt++;
	return db_run(tx, &MAPPINGS_CLAIM_DUE, in, ARRAY_LEN(in), NULL, why);
}

enum err mappings_claim_due(struct db *db, int64_t claim_ms, int64_t settle_ms, struct arena *arena,
			    struct mapping *out, struct fail *why)
{
	struct due due = {id_new(), claim_ms, settle_ms, arena, out};

	return db_transact(db, claim_due, &due, why);
}

enum err mappings_postpone(struct db *db, const struct mapping *mapping, int64_t settle_ms,
			   struct fail *why)
{
	const struct db_value in[] = {
		db_int(settle_ms),
		db_id(&mapping->tenant),
		db_id(&mapping->id),
		db_id(&mapping->claim_token),
	};

	return fenced(db, &MAPPINGS_POSTPONE, in, ARRAY_LEN(in), why);
}

enum err mappings_clean(struct db *db, unsigned limit, struct fail *why)
{
	const struct db_value in[] = {db_int(limit)};

	return db_run(db, &MAPPINGS_CLEAN, in, ARRAY_LEN(in), NULL, why);
}

enum err mappings_count(struct db *db, struct mapping_counts *out, struct fail *why)
{
	struct db_value row[3] = {0};
	enum err e = db_read(db, &MAPPINGS_COUNT, NULL, 0, NULL, row, ARRAY_LEN(row), why);

	*out = (struct mapping_counts){row[0].number, row[1].number, row[2].number};
	return e;
}
