#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/sync_claim.h"
#include "tests/unit/store_fixture.h"

enum { LEASE_MS = 60000, STORM = 1000, WAITING = 100000, RACED = 300 };

static struct id tenant, second_tenant;
static struct id ada, bob, eve; /* connections of coaches; eve's is of the second tenant */

static int start(void **state)
{
	struct id owner;

	if (store_start(state))
		return -1;
	tenant = store_tenant("coaching");
	second_tenant = store_tenant("second");
	owner = store_owner(&tenant, "ada");
	ada = store_connection(&tenant, &owner, "of ada");
	owner = store_owner(&tenant, "bob");
	bob = store_connection(&tenant, &owner, "of bob");
	owner = store_owner(&second_tenant, "eve");
	eve = store_connection(&second_tenant, &owner, "of eve");
	return 0;
}

static int begin(void **state)
{
	store_sql("DELETE FROM calendar_sync_queue");
	store_sql("DELETE FROM provider_limits");
	store_sql("UPDATE calendar_sync_lanes SET turn_at = NULL, paused_until = NULL, "
		  "is_full = FALSE");
	return store_fresh_arena(state);
}

/* Queues so many for a connection, all due since a while; its lane stands behind those before. */
static void queue(const struct id *of_tenant, const struct id *connection, unsigned n)
{
	store_sql("INSERT INTO calendar_sync_queue (tenant_id, connection_id, appointment_id) "
		  "SELECT %s, %s, CONCAT('a', seq) FROM seq_1_to_%u",
		  store_hex(of_tenant), store_hex(connection), n);
	store_sql("UPDATE calendar_sync_lanes SET turn_at = UTC_TIMESTAMP(3) "
		  "WHERE connection_id = %s",
		  store_hex(connection));
}

static struct sync_claimed claim_of(const char *provider, unsigned max, unsigned per_connection)
{
	const struct sync_claim claim = {
		.provider = slice_of(provider),
		.token = id_new(),
		.max = max,
		.per_connection = per_connection,
		.lease_ms = LEASE_MS,
	};
	struct sync_claimed claimed;

	assert_int_equal(sync_claim(store_db(), &claim, store_arena(), &claimed, NULL), OK);
	assert_in_range(claimed.n, 0, max);
	for (size_t i = 0; i < claimed.n; i++)
		assert_true(id_equal(&claimed.jobs[i].claim_token, &claim.token));
	return claimed;
}

static struct sync_claimed claim(unsigned max, unsigned per_connection)
{
	return claim_of("google", max, per_connection);
}

static unsigned count_of(const struct sync_claimed *claimed, const struct id *connection)
{
	unsigned n = 0;

	for (size_t i = 0; i < claimed->n; i++)
		n += id_equal(&claimed->jobs[i].connection, connection);
	return n;
}

static void end_all_leases(void)
{
	store_sql("UPDATE calendar_sync_queue SET due_at = UTC_TIMESTAMP(3) "
		  "WHERE state = 'running'");
	store_sql("UPDATE calendar_sync_lanes SET turn_at = UTC_TIMESTAMP(3) "
		  "WHERE turn_at IS NOT NULL");
}

/* Exactly one. */

static bool claim_until_none(void *cx, unsigned number)
{
	const struct sync_claim ask = {
		.provider = SLICE("google"),
		.token = id_new(),
		.max = 7,
		.per_connection = RACED,
		.lease_ms = LEASE_MS,
	};
	struct sync_claimed claimed = {.more = true};
	unsigned *counts = cx;

	while (counts[number] < RACED && claimed.more) {
		struct arena *arena = arena_new(65536, 1 << 20);

		if (!arena || sync_claim(store_db(), &ask, arena, &claimed, NULL))
			return false;
		counts[number] += (unsigned)claimed.n;
		arena_free(arena);
	}
	return true;
}

static void a_job_is_given_to_one_of_those_who_ask_at_once(void **state)
{
	unsigned counts[STORE_THREADS] = {0}, sum = 0;

	(void)state;
	queue(&tenant, &ada, RACED / 3);
	queue(&tenant, &bob, RACED / 3);
	queue(&second_tenant, &eve, RACED / 3);
	/* who finds every lane in other hands leaves early: there are those who hold them */
	assert_int_equal(store_race(claim_until_none, counts), STORE_THREADS);
	for (unsigned i = 0; i < STORE_THREADS; i++)
		sum += counts[i];
	assert_int_equal(sum, RACED);
	assert_int_equal(store_number("SELECT COUNT(*) FROM calendar_sync_queue "
				      "WHERE state = 'running' AND attempt = 1"),
			 RACED);
}

static void a_lease_that_ended_is_given_again_and_the_last_attempt_is_not(void **state)
{
	(void)state;
	queue(&tenant, &ada, 1);
	for (int attempt = 1; attempt <= SYNC_ATTEMPTS; attempt++) {
		struct sync_claimed claimed = claim(9, 9);

		assert_int_equal(claimed.n, 1);
		assert_int_equal(claimed.jobs[0].attempt, attempt);
		assert_int_equal(claim(9, 9).n, 0);
		end_all_leases();
	}
	assert_int_equal(claim(9, 9).n, 0);
	assert_int_equal(store_number("SELECT COUNT(*) FROM calendar_sync_queue "
				      "WHERE state = 'dead' AND result = 'worker_lost' "
				      "AND due_at IS NULL"),
			 1);
}

static void a_lane_has_its_turn_when_a_lease_ends(void **state)
{
	(void)state;
	queue(&tenant, &ada, 1);
	assert_int_equal(claim(9, 9).n, 1);
	assert_int_equal(store_number("SELECT COUNT(*) FROM calendar_sync_lanes l "
				      "JOIN calendar_sync_queue q "
				      "ON q.connection_id = l.connection_id "
				      "WHERE l.turn_at = q.due_at"),
			 1);
}

static void whoever_finds_nothing_is_told_to_look_again_only_after_a_turn(void **state)
{
	(void)state;
	assert_false(claim(9, 9).more);
	store_sql("UPDATE calendar_sync_lanes SET turn_at = UTC_TIMESTAMP(3) "
		  "WHERE connection_id = %s",
		  store_hex(&ada));
	assert_true(claim(9, 9).more); /* a turn for nothing */
	assert_false(claim(9, 9).more);
}

/* Fair. */

static void of_one_connection_no_more_run_than_may(void **state)
{
	struct sync_claimed claimed;

	(void)state;
	queue(&tenant, &ada, 10);
	claimed = claim(9, 3);
	assert_int_equal(claimed.n, 3);
	assert_int_equal(claim(9, 3).n, 0);
	assert_false(claim(9, 3).more);
	assert_int_equal(sync_queue_finish(store_db(), &claimed.jobs[0], "written", NULL), OK);
	assert_int_equal(claim(9, 3).n, 1);
	assert_int_equal(sync_queue_fail(store_db(), &claimed.jobs[1], "x", LEASE_MS, NULL), OK);
	assert_int_equal(sync_queue_postpone(store_db(), &claimed.jobs[2], LEASE_MS, NULL), OK);
	assert_int_equal(claim(9, 3).n, 2);
	end_all_leases();
	assert_int_equal(claim(9, 3).n, 3);
}

static void a_storm_of_one_connection_lets_the_single_job_of_another_through(void **state)
{
	struct sync_claimed claimed;

	(void)state;
	queue(&tenant, &ada, STORM);
	claimed = claim(4, STORM);
	assert_int_equal(count_of(&claimed, &ada), 4);
	queue(&tenant, &bob, 1);
	claimed = claim(4, STORM); /* ada's turn came before */
	if (count_of(&claimed, &bob) == 0)
		claimed = claim(4, STORM);
	assert_int_equal(count_of(&claimed, &bob), 1);
}

static void a_storm_of_failures_is_no_storm_for_another(void **state)
{
	struct sync_claimed claimed;

	(void)state;
	queue(&tenant, &ada, STORM);
	queue(&tenant, &bob, 1);
	claimed = claim(SYNC_CLAIM_MAX, 4);
	assert_int_equal(count_of(&claimed, &bob), 1);
	assert_int_equal(count_of(&claimed, &ada), 4);
}

static void connect_many(void)
{
	for (unsigned i = 0; i < 40; i++) {
		struct id owner, connection;
		char name[16];

		snprintf(name, sizeof(name), "many%u", i);
		owner = store_owner(&tenant, name);
		connection = store_connection(&tenant, &owner, name);
		queue(&tenant, &connection, 3);
	}
}

static void a_tenant_with_many_connections_leaves_the_others_their_share(void **state)
{
	struct sync_claimed claimed;

	(void)state;
	connect_many();
	queue(&second_tenant, &eve, 5);
	claimed = claim(4, 4);
	assert_int_equal(claimed.n, 4);
	assert_int_equal(count_of(&claimed, &eve), 2);
	claimed = claim(8, 4);
	assert_int_equal(count_of(&claimed, &eve), 2);
	/* what one does not need another has, now or when asked once more */
	assert_in_range(claimed.n, 6, 8);
	assert_true(claimed.more);
	assert_int_equal(claim(8, 4).n, 8);
}

static void a_paused_provider_gives_out_nothing_and_costs_no_attempt(void **state)
{
	struct sync_claimed claimed;

	(void)state;
	store_sql("UPDATE calendar_sync_lanes SET provider = 'outlook' WHERE connection_id = %s",
		  store_hex(&bob));
	queue(&tenant, &ada, 2);
	queue(&tenant, &bob, 1);
	store_sql("INSERT INTO provider_limits (subject, paused_until, updated_at) VALUES "
		  "('google', UTC_TIMESTAMP(3) + INTERVAL 10 MINUTE, UTC_TIMESTAMP(3))");
	claimed = claim(9, 9);
	assert_int_equal(claimed.n, 0);
	assert_false(claimed.more);
	assert_int_equal(claim_of("outlook", 9, 9).n, 1);
	store_sql("UPDATE provider_limits SET paused_until = UTC_TIMESTAMP(3)");
	claimed = claim(9, 9);
	assert_int_equal(claimed.n, 2);
	assert_int_equal(claimed.jobs[0].attempt, 1);
	store_sql("UPDATE calendar_sync_lanes SET provider = 'google'");
}

/* Fast. */

static void a_claim_goes_through_its_indexes(void **state)
{
	static const char *const lanes[] = {"'google'", "X'01'", "10"};
	static const char *const jobs[] = {"X'01'", "10"};

	(void)state;
	queue(&tenant, &ada, STORM);
	assert_string_equal(store_key_of("SYNC_CLAIM_LANES", lanes), "ix_sync_lanes_turn");
	assert_string_equal(store_access_of("SYNC_CLAIM_LANES", lanes), "range");
	assert_string_equal(store_key_of("SYNC_CLAIM_JOBS", jobs), "ix_sync_queue_due");
	assert_string_equal(store_access_of("SYNC_CLAIM_JOBS", jobs), "range");
}

/* What the server has read and sorted so far, reading this included. */
static int64_t rows_handled(void)
{
	return store_number("SELECT SUM(VARIABLE_VALUE) FROM information_schema.GLOBAL_STATUS "
			    "WHERE VARIABLE_NAME LIKE 'HANDLER_READ%%' "
			    "OR VARIABLE_NAME = 'SORT_ROWS'");
}

static void a_claim_costs_the_same_however_many_wait(void **state)
{
	int64_t before, idle, work;
	struct sync_claimed claimed;

	(void)state;
	queue(&tenant, &ada, WAITING);
	queue(&tenant, &bob, 1);
	(void)claim(10, WAITING); /* everything is prepared */
	before = rows_handled();
	idle = rows_handled() - before;
	before = rows_handled();
	claimed = claim(10, WAITING);
	work = rows_handled() - before - idle;
	assert_int_equal(claimed.n, 10);
	assert_in_range(work, 1, 500);
	before = rows_handled();
	assert_int_equal(sync_queue_finish(store_db(), &claimed.jobs[0], "written", NULL), OK);
	assert_in_range(rows_handled() - before - idle, 1, 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(test) cmocka_unit_test_setup(test, begin)
		CASE(a_job_is_given_to_one_of_those_who_ask_at_once),
		CASE(a_lease_that_ended_is_given_again_and_the_last_attempt_is_not),
		CASE(a_lane_has_its_turn_when_a_lease_ends),
		CASE(whoever_finds_nothing_is_told_to_look_again_only_after_a_turn),
		CASE(of_one_connection_no_more_run_than_may),
		CASE(a_storm_of_one_connection_lets_the_single_job_of_another_through),
		CASE(a_storm_of_failures_is_no_storm_for_another),
		CASE(a_paused_provider_gives_out_nothing_and_costs_no_attempt),
		CASE(a_claim_goes_through_its_indexes),
		CASE(a_claim_costs_the_same_however_many_wait),
		CASE(a_tenant_with_many_connections_leaves_the_others_their_share),
	};

	return cmocka_run_group_tests(tests, start, store_stop);
}
