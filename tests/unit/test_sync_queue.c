#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/sync_claim.h"
#include "store/sync_queue.h"
#include "tests/unit/store_fixture.h"

enum { LEASE_MS = 60000, SOON_MS = 5000, LATER_MS = 600000 };

static struct id tenant, stranger, connection, other;

static int start(void **state)
{
	struct id owner;

	if (store_start(state))
		return -1;
	tenant = store_tenant("coaching");
	stranger = store_tenant("stranger");
	owner = store_owner(&tenant, "ada");
	connection = store_connection(&tenant, &owner, "of ada");
	owner = store_owner(&tenant, "bob");
	other = store_connection(&tenant, &owner, "of bob");
	return 0;
}

static int begin(void **state)
{
	store_sql("DELETE FROM appointments");
	store_sql("DELETE FROM calendar_sync_queue");
	store_sql("UPDATE calendar_sync_lanes SET turn_at = NULL, paused_until = NULL, "
		  "is_full = FALSE");
	return store_fresh_arena(state);
}

/* Makes a confirmed appointment of ada's, to come; its job is queued by that. */
static void book(const char *id)
{
	store_sql("INSERT INTO appointments (tenant_id, appointment_id, coach_id, start_time, "
		  "end_time, status) VALUES (%s, '%s', 'ada', '2090-01-01', '2090-01-02', "
		  "'confirmed')",
		  store_hex(&tenant), id);
}

static void change(const char *id, bool quiet)
{
	store_sql("UPDATE appointments SET end_time = end_time + INTERVAL 1 SECOND, quiet = %d "
		  "WHERE appointment_id = '%s'",
		  quiet, id);
}

/* Claims what there is to claim; returns how many. */
static size_t claim_all(struct sync_job **jobs)
{
	const struct sync_claim claim = {
		.provider = SLICE("google"),
		.token = id_new(),
		.max = SYNC_CLAIM_MAX,
		.per_connection = SYNC_CLAIM_MAX,
		.lease_ms = LEASE_MS,
	};
	struct sync_claimed claimed;

	assert_int_equal(sync_claim(store_db(), &claim, store_arena(), &claimed, NULL), OK);
	*jobs = claimed.jobs;
	return claimed.n;
}

static struct sync_job claim_one(void)
{
	struct sync_job *jobs;

	assert_int_equal(claim_all(&jobs), 1);
	return jobs[0];
}

static bool nothing_to_claim(void)
{
	struct sync_job *jobs;

	return claim_all(&jobs) == 0;
}

static struct sync_job get(const struct sync_job *job)
{
	struct sync_job now;

	assert_int_equal(sync_queue_get(store_db(), &tenant, &job->id, store_arena(), &now, NULL),
			 OK);
	return now;
}

static int64_t due_in_s(const struct sync_job *job)
{
	return store_number("SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(3), due_at) "
			    "FROM calendar_sync_queue WHERE id = %s",
			    store_hex(&job->id));
}

static void make_all_due(void)
{
	store_sql("UPDATE calendar_sync_queue SET due_at = UTC_TIMESTAMP(3) "
		  "WHERE due_at IS NOT NULL");
	store_sql("UPDATE calendar_sync_lanes SET turn_at = UTC_TIMESTAMP(3) "
		  "WHERE turn_at IS NOT NULL");
}

static void finish(const struct sync_job *job)
{
	assert_int_equal(sync_queue_finish(store_db(), job, "written", NULL), OK);
}

static void fail_job(const struct sync_job *job)
{
	assert_int_equal(sync_queue_fail(store_db(), job, "provider_error", SOON_MS, NULL), OK);
}

static void bury(const struct sync_job *job)
{
	assert_int_equal(sync_queue_bury(store_db(), job, "refused", NULL), OK);
}

/* Write-backs. */

static void a_finished_job_is_done_until_something_is_said(void **state)
{
	struct sync_job job, now;

	(void)state;
	book("a1");
	job = claim_one();
	assert_true(slice_is(job.appointment, "a1") && id_equal(&job.connection, &connection));
	assert_int_equal(job.attempt, 1);
	assert_false(job.quiet);
	finish(&job);
	now = get(&job);
	assert_int_equal(now.state, SYNC_DONE);
	assert_int_equal(now.due_ms, -1);
	assert_int_equal(now.attempt, 0);
	assert_true(slice_is(now.result, "written") && now.ended_ms > 0);
	make_all_due();
	assert_true(nothing_to_claim());
	change("a1", false);
	assert_int_equal(claim_one().generation, 2);
}

static void a_change_while_it_runs_opens_it_again(void **state)
{
	struct sync_job job;

	(void)state;
	book("a1");
	job = claim_one();
	change("a1", false);
	change("a1", false);
	assert_true(nothing_to_claim());
	assert_int_equal(get(&job).state, SYNC_RUNNING);
	finish(&job);
	job = claim_one();
	assert_int_equal(job.generation, 3);
	assert_int_equal(job.attempt, 1);
	finish(&job);
	assert_int_equal(get(&job).state, SYNC_DONE);
}

static void a_failed_one_comes_again_later_and_is_dead_in_the_end(void **state)
{
	struct sync_job job = {0};

	(void)state;
	book("a1");
	for (int attempt = 1; attempt <= SYNC_ATTEMPTS; attempt++) {
		job = claim_one();
		assert_int_equal(job.attempt, attempt);
		fail_job(&job);
		assert_true(slice_is(get(&job).result, "provider_error"));
		if (attempt < SYNC_ATTEMPTS)
			assert_in_range(due_in_s(&job), 1, SOON_MS / 1000);
		assert_true(nothing_to_claim());
		make_all_due();
	}
	assert_int_equal(get(&job).state, SYNC_DEAD);
	assert_true(nothing_to_claim());
}

static void a_change_gives_a_failing_one_its_attempts_back(void **state)
{
	struct sync_job job;

	(void)state;
	book("a1");
	job = claim_one();
	fail_job(&job);
	change("a1", false); /* while it waits */
	job = claim_one();
	assert_int_equal(job.attempt, 1);
	store_sql("UPDATE calendar_sync_queue SET attempt = %d", SYNC_ATTEMPTS);
	change("a1", false); /* while it runs */
	fail_job(&job);
	assert_int_equal(get(&job).state, SYNC_WAITING);
	job = claim_one();
	assert_int_equal(job.attempt, 1);
	bury(&job);
	assert_int_equal(get(&job).state, SYNC_DEAD);
	change("a1", false); /* when it is dead */
	assert_int_equal(claim_one().attempt, 1);
}

static void what_repeating_cannot_help_is_dead_at_once(void **state)
{
	struct sync_job job, now;

	(void)state;
	book("a1");
	job = claim_one();
	bury(&job);
	now = get(&job);
	assert_int_equal(now.state, SYNC_DEAD);
	assert_int_equal(now.due_ms, -1);
	assert_true(slice_is(now.result, "refused"));
}

static void a_postponed_one_has_lost_no_attempt(void **state)
{
	struct sync_job job;

	(void)state;
	book("a1");
	for (int i = 0; i < 2 * SYNC_ATTEMPTS; i++) {
		job = claim_one();
		assert_int_equal(job.attempt, 1);
		assert_int_equal(sync_queue_postpone(store_db(), &job, SOON_MS, NULL), OK);
		assert_int_equal(get(&job).state, SYNC_WAITING);
		assert_in_range(due_in_s(&job), 1, SOON_MS / 1000);
		assert_true(nothing_to_claim());
		make_all_due();
	}
}

static void whoever_was_overtaken_changes_nothing(void **state)
{
	struct sync_job late, job, now;

	(void)state;
	book("a1");
	late = claim_one();
	make_all_due(); /* its lease ends */
	job = claim_one();
	assert_true(id_equal(&job.id, &late.id));
	assert_int_equal(job.attempt, 2);
	assert_int_equal(sync_queue_finish(store_db(), &late, "written", NULL), ERR_STALE);
	assert_int_equal(sync_queue_fail(store_db(), &late, "x", 0, NULL), ERR_STALE);
	assert_int_equal(sync_queue_bury(store_db(), &late, "x", NULL), ERR_STALE);
	assert_int_equal(sync_queue_postpone(store_db(), &late, 0, NULL), ERR_STALE);
	now = get(&job);
	assert_int_equal(now.state, SYNC_RUNNING);
	assert_int_equal(now.attempt, 2);
	assert_int_equal(now.result.len, 0);
	finish(&job);
	assert_int_equal(sync_queue_fail(store_db(), &late, "x", 0, NULL), ERR_STALE);
}

static void a_write_back_said_twice_is_as_said_once(void **state)
{
	struct sync_job job;

	(void)state;
	book("a1");
	job = claim_one();
	assert_int_equal(sync_queue_postpone(store_db(), &job, 0, NULL), OK);
	assert_int_equal(sync_queue_postpone(store_db(), &job, 0, NULL), OK);
	assert_int_equal(get(&job).attempt, 0);
	make_all_due();
	job = claim_one();
	fail_job(&job);
	fail_job(&job);
	assert_int_equal(get(&job).attempt, 1);
	make_all_due();
	job = claim_one();
	change("a1", false);
	finish(&job);
	finish(&job);
	assert_int_equal(get(&job).state, SYNC_WAITING);
	assert_int_equal(claim_one().generation, 2);
}

/* Loud and quiet. */

static void it_is_quiet_unless_something_loud_was_not_done_yet(void **state)
{
	struct sync_job job;

	(void)state;
	book("a1");
	change("a1", true);
	job = claim_one(); /* the first was loud */
	assert_false(job.quiet);
	change("a1", true);
	fail_job(&job);
	job = claim_one(); /* and has not been done */
	assert_false(job.quiet);
	change("a1", true);
	finish(&job);
	job = claim_one(); /* now it has */
	assert_true(job.quiet);
	change("a1", false);
	make_all_due();
	job = claim_one();
	assert_false(job.quiet);
	finish(&job);
	change("a1", true);
	assert_true(claim_one().quiet);
}

/* Lanes. */

static void a_paused_connection_gives_out_nothing_and_loses_nothing(void **state)
{
	struct sync_job *jobs;

	(void)state;
	book("a1");
	assert_int_equal(
		sync_queue_pause(store_db(), &tenant, &connection, LATER_MS, "rate_limited", NULL),
		OK);
	assert_int_equal(
		sync_queue_pause(store_db(), &tenant, &connection, 1, "provider_error", NULL), OK);
	assert_int_equal(store_number("SELECT COUNT(*) FROM calendar_sync_lanes "
				      "WHERE pause_reason = 'rate_limited' AND paused_until > "
				      "UTC_TIMESTAMP(3) + INTERVAL 9 MINUTE"),
			 1);
	book("a2"); /* wakes it */
	assert_true(nothing_to_claim());
	assert_int_equal(store_number("SELECT COUNT(*) FROM calendar_sync_lanes "
				      "WHERE turn_at = paused_until"),
			 1);
	assert_int_equal(sync_queue_resume(store_db(), &stranger, &connection, NULL), OK);
	assert_true(nothing_to_claim());
	assert_int_equal(sync_queue_resume(store_db(), &tenant, &connection, NULL), OK);
	assert_int_equal(claim_all(&jobs), 2);
	assert_int_equal(jobs[0].attempt, 1);
}

static void a_connection_that_needs_consent_goes_on_after_it(void **state)
{
	(void)state;
	book("a1");
	store_sql("UPDATE coach_calendar_connections SET status = 'reauth_required' WHERE id = %s",
		  store_hex(&connection));
	book("a2");
	assert_true(nothing_to_claim());
	assert_int_equal(store_number("SELECT COUNT(*) FROM calendar_sync_lanes "
				      "WHERE turn_at IS NOT NULL"),
			 0);
	store_sql("UPDATE coach_calendar_connections SET status = 'active' WHERE id = %s",
		  store_hex(&connection));
	assert_false(nothing_to_claim());
}

/* Asking. */

static void fill(const struct id *sync, bool all)
{
	assert_int_equal(sync_queue_fill(store_db(), &tenant, &connection, sync, all, NULL), OK);
}

static struct sync_progress progress(const struct id *sync)
{
	struct sync_progress out;

	assert_int_equal(sync_queue_progress(store_db(), &tenant, &connection, sync, &out, NULL),
			 OK);
	return out;
}

/* Four of ada's: done, dead, waiting since it failed, and one without a job; the last to come. */
static void book_four(void)
{
	struct sync_job job;

	book("done");
	job = claim_one();
	finish(&job);
	book("dead");
	job = claim_one();
	bury(&job);
	book("waiting");
	job = claim_one();
	fail_job(&job);
	book("new");
	store_sql("DELETE FROM calendar_sync_queue WHERE appointment_id = 'new'");
	assert_true(nothing_to_claim());
}

static bool is_among(const struct sync_job *jobs, size_t n, const char *id, bool quiet)
{
	for (size_t i = 0; i < n; i++)
		if (slice_is(jobs[i].appointment, id))
			return jobs[i].quiet == quiet && jobs[i].attempt == 1;
	return false;
}

static void sync_now_queues_what_is_out_of_date_quietly(void **state)
{
	struct id sync = id_new();
	struct sync_job *jobs;
	size_t n;

	(void)state;
	book_four();
	fill(&sync, false);
	assert_int_equal(progress(&sync).total, 3);
	n = claim_all(&jobs);
	assert_int_equal(n, 3);
	assert_true(is_among(jobs, n, "dead", true));
	assert_true(is_among(jobs, n, "new", true));
	assert_true(is_among(jobs, n, "waiting", false)); /* its change still is to be told */
	finish(&jobs[0]);
	bury(&jobs[1]);
	assert_int_equal(progress(&sync).done, 1);
	assert_int_equal(progress(&sync).failed, 1);
	assert_int_equal(progress(&sync).total, 3);
}

static void a_rewrite_queues_all_that_is_to_come_and_what_runs_once_more(void **state)
{
	struct id sync = id_new();
	struct sync_job *jobs, job;

	(void)state;
	book_four();
	make_all_due();
	job = claim_one();
	store_sql("UPDATE appointments SET start_time = '2020-01-01', end_time = '2020-01-02', "
		  "quiet = TRUE WHERE appointment_id = 'new'");
	store_sql("DELETE FROM calendar_sync_queue WHERE appointment_id = 'new'");
	fill(&sync, true);
	assert_int_equal(claim_all(&jobs), 2);
	finish(&job);
	job = claim_one();
	assert_true(slice_is(job.appointment, "waiting") && job.quiet);
	assert_int_equal(progress(&sync).total, 3);
}

static void what_stands_nowhere_and_is_not_to_is_not_filled_in(void **state)
{
	struct id sync = id_new();

	(void)state;
	book("a1");
	store_sql("UPDATE appointments SET status = 'cancelled'");
	store_sql("DELETE FROM calendar_sync_queue");
	fill(&sync, true);
	assert_int_equal(progress(&sync).total, 0);
}

static void dead_ones_are_listed_and_tried_again_as_they_were(void **state)
{
	static const char *const ids[] = {"d1", "d2", "d3"};
	struct sync_dead page = {.tenant = tenant, .connection = connection, .max = 2};
	struct sync_job *jobs, job;
	struct sync_jobs dead;
	uint64_t count;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		book(ids[i]);
	assert_int_equal(claim_all(&jobs), ARRAY_LEN(ids));
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		bury(&jobs[i]);
	assert_int_equal(sync_queue_list_dead(store_db(), &page, store_arena(), &dead, NULL), OK);
	assert_int_equal(dead.n, 2);
	page.after = dead.items[1].id;
	assert_int_equal(sync_queue_list_dead(store_db(), &page, store_arena(), &dead, NULL), OK);
	assert_int_equal(dead.n, 1);
	assert_int_equal(
		sync_queue_retry(store_db(), &tenant, &connection, &dead.items[0].id, &count, NULL),
		OK);
	assert_int_equal(count, 1);
	job = claim_one();
	assert_true(id_equal(&job.id, &dead.items[0].id));
	assert_int_equal(sync_queue_retry(store_db(), &tenant, &connection, NULL, &count, NULL),
			 OK);
	assert_int_equal(count, 2);
	assert_int_equal(claim_all(&jobs), 2);
	assert_int_equal(jobs[0].attempt, 1);
	assert_false(jobs[0].quiet);
}

static void a_dropped_queue_leaves_the_running_one_nothing_to_end(void **state)
{
	struct sync_job job;

	(void)state;
	book("a1");
	job = claim_one();
	book("a2");
	assert_int_equal(sync_queue_drop(store_db(), &tenant, &connection, NULL), OK);
	assert_int_equal(sync_queue_finish(store_db(), &job, "written", NULL), ERR_STALE);
	assert_true(nothing_to_claim());
}

static void they_are_counted_by_state(void **state)
{
	int64_t counts[SYNC_N_STATES];
	struct sync_totals totals;
	struct sync_jobs jobs;

	(void)state;
	book_four();
	make_all_due();
	(void)claim_one();
	book("late");
	store_sql("UPDATE calendar_sync_queue SET due_at = due_at - INTERVAL 5 SECOND "
		  "WHERE appointment_id = 'late'");
	assert_int_equal(
		sync_queue_count(store_db(), &tenant, &connection, store_arena(), counts, NULL),
		OK);
	for (unsigned i = 0; i < SYNC_N_STATES; i++)
		assert_int_equal(counts[i], 1);
	assert_int_equal(sync_queue_total(store_db(), &totals, NULL), OK);
	assert_int_equal(totals.waiting + totals.running + totals.dead, 3);
	assert_true(totals.oldest_due_ms >= 5000);
	assert_int_equal(sync_queue_of_appointment(store_db(), &tenant, SLICE("late"),
						   store_arena(), &jobs, NULL),
			 OK);
	assert_int_equal(jobs.n, 1);
	assert_int_equal(jobs.items[0].state, SYNC_WAITING);
	assert_string_equal(sync_state_word(jobs.items[0].state), "waiting");
}

static void only_ones_own_are_found(void **state)
{
	struct sync_dead page = {.tenant = stranger, .connection = connection, .max = 9};
	struct sync_job job, none;
	struct sync_jobs dead;
	uint64_t count;

	(void)state;
	book("a1");
	job = claim_one();
	bury(&job);
	assert_int_equal(sync_queue_get(store_db(), &stranger, &job.id, store_arena(), &none, NULL),
			 ERR_NOT_FOUND);
	assert_int_equal(sync_queue_list_dead(store_db(), &page, store_arena(), &dead, NULL), OK);
	assert_int_equal(dead.n, 0);
	assert_int_equal(sync_queue_retry(store_db(), &stranger, &connection, NULL, &count, NULL),
			 OK);
	assert_int_equal(count, 0);
	assert_int_equal(sync_queue_retry(store_db(), &tenant, &other, NULL, &count, NULL), OK);
	assert_int_equal(count, 0);
	assert_int_equal(sync_queue_drop(store_db(), &stranger, &connection, NULL), OK);
	assert_int_equal(store_number("SELECT COUNT(*) FROM calendar_sync_queue"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(test) cmocka_unit_test_setup(test, begin)
		CASE(a_finished_job_is_done_until_something_is_said),
		CASE(a_change_while_it_runs_opens_it_again),
		CASE(a_failed_one_comes_again_later_and_is_dead_in_the_end),
		CASE(a_change_gives_a_failing_one_its_attempts_back),
		CASE(what_repeating_cannot_help_is_dead_at_once),
		CASE(a_postponed_one_has_lost_no_attempt),
		CASE(whoever_was_overtaken_changes_nothing),
		CASE(a_write_back_said_twice_is_as_said_once),
		CASE(it_is_quiet_unless_something_loud_was_not_done_yet),
		CASE(a_paused_connection_gives_out_nothing_and_loses_nothing),
		CASE(a_connection_that_needs_consent_goes_on_after_it),
		CASE(sync_now_queues_what_is_out_of_date_quietly),
		CASE(a_rewrite_queues_all_that_is_to_come_and_what_runs_once_more),
		CASE(what_stands_nowhere_and_is_not_to_is_not_filled_in),
		CASE(dead_ones_are_listed_and_tried_again_as_they_were),
		CASE(a_dropped_queue_leaves_the_running_one_nothing_to_end),
		CASE(they_are_counted_by_state),
		CASE(only_ones_own_are_found),
	};

	return cmocka_run_group_tests(tests, start, store_stop);
}
