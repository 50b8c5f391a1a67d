#include "store/sync_claim.h"

#include <stdbool.h>

#include "io/db.h"

/* So many milliseconds from now. */
#define AHEAD "TIMESTAMPADD(MICROSECOND, ? * 1000, UTC_TIMESTAMP(3))"

/* One look into an index a tenant. By chance, so that the last ones are not always the same. */
DB_STATEMENT(SYNC_CLAIM_TENANTS,
	     "SELECT t.id FROM tenants t WHERE EXISTS (SELECT 1 FROM calendar_sync_lanes l "
	     "WHERE l.provider = CONVERT(? USING ascii) AND l.tenant_id = t.id "
	     "AND l.turn_at <= UTC_TIMESTAMP(3)) "
	     "AND NOT EXISTS (SELECT 1 FROM provider_limits p "
	     "WHERE p.subject = CONVERT(? USING ascii) AND p.paused_until > UTC_TIMESTAMP(3)) "
	     "ORDER BY RAND() LIMIT ?");

DB_STATEMENT(SYNC_CLAIM_LANES,
	     "SELECT l.connection_id, "
	     "l.is_active AND COALESCE(l.paused_until <= UTC_TIMESTAMP(3), TRUE), "
	     "(SELECT COUNT(*) FROM calendar_sync_queue q WHERE q.connection_id = l.connection_id "
	     "AND q.state = 'running' AND q.due_at > UTC_TIMESTAMP(3)) "
	     "FROM calendar_sync_lanes l FORCE INDEX (ix_sync_lanes_turn) "
	     "WHERE l.provider = CONVERT(? USING ascii) AND l.tenant_id = ? "
	     "AND l.turn_at <= UTC_TIMESTAMP(3) "
	     "ORDER BY l.turn_at LIMIT ? FOR UPDATE SKIP LOCKED");

DB_STATEMENT(SYNC_CLAIM_JOBS, "SELECT " SYNC_JOB_COLUMNS
			      " FROM calendar_sync_queue q FORCE INDEX (ix_sync_queue_due) "
			      "WHERE q.connection_id = ? AND q.due_at <= UTC_TIMESTAMP(3) "
			      "ORDER BY q.due_at LIMIT ? FOR UPDATE SKIP LOCKED");

DB_STATEMENT(SYNC_CLAIM_TAKE, "UPDATE calendar_sync_queue SET state = 'running', claim_token = ?, "
			      "due_at = " AHEAD ", attempt = attempt + 1 WHERE id = ?");

DB_STATEMENT(SYNC_CLAIM_BURY, "UPDATE calendar_sync_queue SET state = 'dead', due_at = NULL, "
			      "result = 'worker_lost', ended_at = UTC_TIMESTAMP(3) WHERE id = ?");

/*
 * The next turn: at the end of the line while a job is due, else when the next one will be. A full
 * lane is woken by the end of a job, or when that does not come, by the end of the lease.
 */
DB_STATEMENT(SYNC_CLAIM_TURN,
	     "UPDATE calendar_sync_lanes l SET l.is_full = ?, "
	     "l.turn_at = IF(l.is_active, GREATEST(UTC_TIMESTAMP(3), "
	     "COALESCE(l.paused_until, UTC_TIMESTAMP(3)), IF(? = 1, " AHEAD ", "
	     "(SELECT q.due_at FROM calendar_sync_queue q WHERE q.connection_id = l.connection_id "
	     "AND q.due_at IS NOT NULL ORDER BY q.due_at LIMIT 1))), NULL) "
	     "WHERE l.connection_id = ?");

enum { TAKE_N_IN = 3, TURN_N_IN = 4, TURNS_MAX = 2 * SYNC_CLAIM_MAX };

/* One lane's turn. */
struct turn {
	struct id connection;
	bool is_open;     /* neither paused nor inactive */
	unsigned running; /* of its jobs, before this turn and then with those of it */
};

/* A claim under way. */
struct taking {
	const struct sync_claim *claim;
	struct arena *arena;
	struct sync_job jobs[SYNC_CLAIM_MAX];
	size_t max; /* of jobs */
	size_t n_jobs;
	struct turn turns[TURNS_MAX]; /* of each lane that had its turn */
	size_t n_turns;
	struct id lost[SYNC_CLAIM_MAX]; /* jobs whose last attempt has lost its worker */
	size_t n_lost;
};

/* How many a lane may give out; there is room for `left` of them. */
static unsigned room_of(const struct taking *taking, const struct turn *turn, size_t left)
{
	unsigned most = taking->claim->per_connection;
	unsigned unused = turn->running < most ? most - turn->running : 0;

	if (!turn->is_open)
		return 0;
	return unused < left ? unused : (unsigned)left;
}

static void add_job(struct taking *taking, const struct db_value *row)
{
	struct sync_job *job = &taking->jobs[taking->n_jobs];

	sync_job_from_row(row, job);
	if (job->attempt >= SYNC_ATTEMPTS) {
		/* more of them than that have to wait for the next turn */
		if (taking->n_lost < SYNC_CLAIM_MAX)
			taking->lost[taking->n_lost++] = job->id;
		return;
	}
	job->state = SYNC_RUNNING;
	job->attempt++;
	job->claim_token = taking->claim->token;
	taking->n_jobs++;
}

static enum err take_jobs(struct db *tx, struct taking *taking, const struct turn *turn,
			  unsigned room, struct fail *why)
{
	const struct db_value in[] = {db_id(&turn->connection), db_int(room)};
	struct db_rows rows;
	enum err e =
		db_read_all(tx, &SYNC_CLAIM_JOBS, in, ARRAY_LEN(in), taking->arena, &rows, why);

	for (size_t i = 0; !e && i < rows.n_rows; i++)
		add_job(taking, rows.values + i * rows.n_columns);
	return e;
}

static enum err have_turn(struct db *tx, struct taking *taking, struct turn *turn, size_t left,
			  struct fail *why)
{
	unsigned room = room_of(taking, turn, left);
	size_t before = taking->n_jobs;
	enum err e = room > 0 ? take_jobs(tx, taking, turn, room, why) : OK;

	turn->running += (unsigned)(taking->n_jobs - before);
	return e;
}

static bool may_serve(const struct taking *taking, size_t most)
{
	return taking->n_jobs < most && taking->n_turns < TURNS_MAX;
}

/* Up to share lanes of a tenant have their turn. */
static enum err serve_tenant(struct db *tx, struct taking *taking, const struct id *tenant,
			     size_t share, struct fail *why)
{
	const struct db_value in[] = {
		db_text(taking->claim->provider),
		db_id(tenant),
		db_int((int64_t)share),
	};
	size_t most = taking->n_jobs + share;
	struct db_rows rows;
	enum err e =
		db_read_all(tx, &SYNC_CLAIM_LANES, in, ARRAY_LEN(in), taking->arena, &rows, why);

	for (size_t i = 0; !e && i < rows.n_rows && may_serve(taking, most); i++) {
		const struct db_value *row = rows.values + i * rows.n_columns;
		struct turn *turn = &taking->turns[taking->n_turns++];

		turn->connection = db_as_id(&row[0]);
		turn->is_open = row[1].number != 0;
		turn->running = (unsigned)row[2].number;
		e = have_turn(tx, taking, turn, most - taking->n_jobs, why);
	}
	return e;
}

/* What is left is shared by those who have not had theirs. */
static enum err serve_all(struct db *tx, struct taking *taking, struct fail *why)
{
	const struct db_value in[] = {
		db_text(taking->claim->provider),
		db_text(taking->claim->provider),
		db_int((int64_t)taking->max),
	};
	struct db_rows rows;
	enum err e =
		db_read_all(tx, &SYNC_CLAIM_TENANTS, in, ARRAY_LEN(in), taking->arena, &rows, why);

	for (size_t i = 0; !e && i < rows.n_rows; i++) {
		size_t left = taking->max - taking->n_jobs, heads = rows.n_rows - i;
		struct id tenant = db_as_id(&rows.values[i * rows.n_columns]);

		e = serve_tenant(tx, taking, &tenant, (left + heads - 1) / heads, why);
	}
	return e;
}

static enum err write_jobs(struct db *tx, const struct taking *taking, struct fail *why)
{
	struct db_value rows[SYNC_CLAIM_MAX * TAKE_N_IN];

	if (taking->n_jobs == 0)
		return OK;
	for (size_t i = 0; i < taking->n_jobs; i++) {
		struct db_value *in = rows + i * TAKE_N_IN;

		in[0] = db_id(&taking->claim->token);
		in[1] = db_int(taking->claim->lease_ms);
		in[2] = db_id(&taking->jobs[i].id);
	}
	return db_run_many(tx, &SYNC_CLAIM_TAKE, rows, taking->n_jobs, TAKE_N_IN, NULL, why);
}

static enum err write_lost(struct db *tx, const struct taking *taking, struct fail *why)
{
	enum err e = OK;

	for (size_t i = 0; !e && i < taking->n_lost; i++) {
		const struct db_value in[] = {db_id(&taking->lost[i])};

		e = db_run(tx, &SYNC_CLAIM_BURY, in, ARRAY_LEN(in), NULL, why);
	}
	return e;
}

/* After the jobs: a lane's next turn is when its next job is due. */
static enum err write_turns(struct db *tx, const struct taking *taking, struct fail *why)
{
	struct db_value rows[TURNS_MAX * TURN_N_IN];

	if (taking->n_turns == 0)
		return OK;
	for (size_t i = 0; i < taking->n_turns; i++) {
		const struct turn *turn = &taking->turns[i];
		struct db_value *in = rows + i * TURN_N_IN;
		bool full = turn->is_open && turn->running >= taking->claim->per_connection;

		in[0] = db_int(full);
		in[1] = db_int(full);
		in[2] = db_int(taking->claim->lease_ms);
		in[3] = db_id(&turn->connection);
	}
	return db_run_many(tx, &SYNC_CLAIM_TURN, rows, taking->n_turns, TURN_N_IN, NULL, why);
}

static enum err take(struct db *tx, void *cx, struct fail *why)
{
	struct taking *taking = cx;
	enum err e;

	taking->n_jobs = taking->n_turns = taking->n_lost = 0;
	e = serve_all(tx, taking, why);
	if (!e)
		e = write_jobs(tx, taking, why);
	if (!e)
		e = write_lost(tx, taking, why);
	if (!e)
		e = write_turns(tx, taking, why);
	return e;
}

enum err sync_claim(struct db *db, const struct sync_claim *claim, struct arena *arena,
		    struct sync_claimed *out, struct fail *why)
{
	struct taking *taking = arena_alloc(arena, sizeof(*taking));
	enum err e;

	*out = (struct sync_claimed){0};
	if (!taking)
		return ERR_NOMEM;
	taking->claim = claim;
	taking->arena = arena;
	taking->max = claim->max < SYNC_CLAIM_MAX ? claim->max : SYNC_CLAIM_MAX;
	e = db_transact(db, take, taking, why);
	if (!e)
		*out = (struct sync_claimed){taking->jobs, taking->n_jobs, taking->n_turns > 0};
	return e;
}
