#ifndef CB_STORE_SYNC_QUEUE_H
#define CB_STORE_SYNC_QUEUE_H
/*
 * sync_queue: the tables calendar_sync_queue and calendar_sync_lanes: which calendar may be out of
 * date on which appointment. One job a connection and appointment, for ever; triggers open it when
 * the appointment changes. A job says nothing of what is to be done: whoever claims one reads the
 * present state and makes the calendar match.
 *
 * Every write-back names the claim token: ERR_STALE means that somebody took over. It also names
 * the generation that was claimed: what was said since then opens the job again.
 * Claiming is in store/sync_claim. Slices live in the arena given. Errors: those of io/db.
 * Stands on io/db.
 * Source: contract section 3 (the queue); design "Leases, not locks held"; migration 0011.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/rand.h"
#include "base/text.h"

struct db;
struct db_value;

/* After so many in vain a job is dead: kept, visible, and to be tried again on request. */
enum { SYNC_ATTEMPTS = 8 };

enum sync_state { SYNC_WAITING, SYNC_RUNNING, SYNC_DONE, SYNC_DEAD };
enum { SYNC_N_STATES = 4 };

struct sync_job {
	struct id id;
	struct id tenant;
	struct id connection;
	struct slice appointment; /* its id */
	enum sync_state state;
	int64_t generation;
	bool quiet;      /* nobody is to be mailed about what changed since it was last done */
	int64_t attempt; /* of a claimed one, which this is: 1 and up */
	struct id claim_token;
	struct slice
		result; /* of a done one what became of it, else the last error; may be empty */
	int64_t queued_ms;
	int64_t due_ms;   /* when a waiting one may run, or the lease of a running one ends; -1 */
	int64_t ended_ms; /* of the last attempt; -1: there was none */
};

/* The columns of a job, for statements that join it as `q`, and how such a row is read. */
#define SYNC_JOB_COLUMNS                                                                           \
	"q.id, q.tenant_id, q.connection_id, q.appointment_id, q.state, q.generation, "            \
	"q.loud_generation <= q.done_generation, q.attempt, q.claim_token, q.result, "             \
	"q.queued_at, q.due_at, q.ended_at"
enum { SYNC_JOB_N_COLUMNS = 13 };
/* Reads such a row; slices borrow from values. */
void sync_job_from_row(const struct db_value *values, struct sync_job *out);

/* The word in the table: "waiting", "running", "done", "dead". */
const char *sync_state_word(enum sync_state state);

/* Write-backs of a claimed job. Each lets its lane go on. */

/* The calendar matches; result is a word for what was done, or why nothing was. */
MUST_USE enum err sync_queue_finish(struct db *db, const struct sync_job *job, const char *result,
				    struct fail *why);

/* It failed, error is an err_code: again in delay_ms, or dead after SYNC_ATTEMPTS. */
MUST_USE enum err sync_queue_fail(struct db *db, const struct sync_job *job, const char *error,
				  int64_t delay_ms, struct fail *why);

/* It failed and repeating cannot help: dead at once. */
MUST_USE enum err sync_queue_bury(struct db *db, const struct sync_job *job, const char *error,
				  struct fail *why);

/* Not now, through no fault of its own: the attempt is not counted. */
MUST_USE enum err sync_queue_postpone(struct db *db, const struct sync_job *job, int64_t delay_ms,
				      struct fail *why);

/* None of the connection's jobs is claimed for pause_ms from now; a longer pause stays. reason is
 * an err_code. (All of a provider: store/provider_limits.) */
MUST_USE enum err sync_queue_pause(struct db *db, const struct id *tenant,
				   const struct id *connection, int64_t pause_ms,
				   const char *reason, struct fail *why);

/* Ends its pause, whatever the reason. */
MUST_USE enum err sync_queue_resume(struct db *db, const struct id *tenant,
				    const struct id *connection, struct fail *why);

/*
 * Queues appointments of the connection's coach that are not over, quietly, under sync: those that
 * are not done, or all of them (all: the settings have changed). What waits runs at once; what
 * comes to be waiting by this alone mails nobody. How many: sync_queue_progress.
 */
MUST_USE enum err sync_queue_fill(struct db *db, const struct id *tenant,
				  const struct id *connection, const struct id *sync, bool all,
				  struct fail *why);

/* Opens a dead job again, as it was, or all dead ones of the connection (job NULL); *n says how
 * many. */
MUST_USE enum err sync_queue_retry(struct db *db, const struct id *tenant,
				   const struct id *connection, const struct id *job, uint64_t *n,
				   struct fail *why);

/* Forgets all jobs of a connection: a running one's write-back finds nothing (ERR_STALE). */
MUST_USE enum err sync_queue_drop(struct db *db, const struct id *tenant,
				  const struct id *connection, struct fail *why);

/* One by its id; ERR_NOT_FOUND. */
MUST_USE enum err sync_queue_get(struct db *db, const struct id *tenant, const struct id *job,
				 struct arena *arena, struct sync_job *out, struct fail *why);

/* Jobs that were asked for; in the arena. */
struct sync_jobs {
	struct sync_job *items;
	size_t n;
};

/* Which dead jobs a page holds. */
struct sync_dead {
	struct id tenant;
	struct id connection;
	struct id after; /* the last one on the page before; none: the first page */
	unsigned max;    /* 1 to 1000 */
};

/* A connection's dead jobs by id. */
MUST_USE enum err sync_queue_list_dead(struct db *db, const struct sync_dead *page,
				       struct arena *arena, struct sync_jobs *out,
				       struct fail *why);

/* The jobs of one appointment, by connection. */
MUST_USE enum err sync_queue_of_appointment(struct db *db, const struct id *tenant,
					    struct slice appointment, struct arena *arena,
					    struct sync_jobs *out, struct fail *why);

/* How many jobs of a connection are in each state: counts[SYNC_WAITING], ... */
MUST_USE enum err sync_queue_count(struct db *db, const struct id *tenant,
				   const struct id *connection, struct arena *arena,
				   int64_t counts[SYNC_N_STATES], struct fail *why);

struct sync_progress {
	int64_t total;
	int64_t done;
	int64_t failed; /* dead */
};

/* How far what was queued under sync has come. */
MUST_USE enum err sync_queue_progress(struct db *db, const struct id *tenant,
				      const struct id *connection, const struct id *sync,
				      struct sync_progress *out, struct fail *why);

/* Over all tenants: for status and metrics. */
struct sync_totals {
	int64_t waiting;
	int64_t running;
	int64_t dead;
	int64_t oldest_due_ms; /* how long the first that is due has been waiting; 0: none is */
};

MUST_USE enum err sync_queue_total(struct db *db, struct sync_totals *out, struct fail *why);

#endif
