#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/config.h"
#include "store/connections.h"
#include "store/mappings.h"
#include "store/oauth_states.h"
#include "store/sessions.h"
#include "tests/unit/db_proxy.h"
#include "tests/unit/store_fixture.h"

/* Answers of the database that are lost on the way: what the stores make of them. */

enum { CLAIM_MS = 15000, SETTLE_MS = 60000 };

static struct config config;
static char path[256], hosts[300];
static struct db_proxy *proxy;
static struct db *db; /* through the proxy */
static struct id tenant, owner, connection;

static int begin(void **state)
{
	store_sql("DELETE FROM calendar_event_mappings; DELETE FROM coach_calendar_connections;"
		  "DELETE FROM sessions; DELETE FROM oauth_states");
	connection = store_connection(&tenant, &owner, "account");
	assert_int_equal(db_open(&config, DB_RUN, &db, NULL), OK);
	return store_fresh_arena(state);
}

static int done(void **state)
{
	(void)state;
	db_close(db);
	return 0;
}

static int start(void **state)
{
	if (store_start(state))
		return -1;
	tenant = store_tenant("first");
	owner = store_owner(&tenant, "coach");
	snprintf(path, sizeof(path), "%s/proxy.sock", getenv("TEST_DB_FOLDER"));
	snprintf(hosts, sizeof(hosts), "unix:%s", path);
	proxy = db_proxy_new(path, getenv("TEST_DB_SOCKET"));
	config = *store_config();
	config.database_hosts = hosts;
	config.database_pool = 1;
	return 0;
}

static int stop(void **state)
{
	db_proxy_free(proxy);
	return store_stop(state);
}

/* The next statement is done, and its answer does not come back. */
static void lose_answer(void)
{
	db_proxy_arm(proxy, PROXY_SWALLOW, COMMAND_EXECUTE, NULL);
}

static struct mapping intended(const char *name)
{
	return (struct mapping){
		.id = id_new(),
		.tenant = tenant,
		.owner = owner,
		.connection = connection,
		.origin = "invite",
		.request_id = slice_of(name),
		.replay_key = store_hash(1),
		.body_hash = store_hash(2),
		.event_ref = slice_of(name),
		.calendar_id = SLICE("primary"),
		.provider_event_id = slice_of(name),
		.claim_token = id_new(),
	};
}

static enum err add(const struct mapping *mapping)
{
	const struct intent intent = {mapping, CLAIM_MS, SETTLE_MS};
	const struct intent *one[] = {&intent};

	return mappings_add(db, one, 1, NULL);
}

static struct connection get_connection(void)
{
	struct connection conn;

	assert_int_equal(connections_get(db, &tenant, &connection, store_arena(), &conn, NULL), OK);
	return conn;
}

static void an_intent_that_was_committed_is_known_as_ours(void **state)
{
	struct mapping mapping = intended("a");

	(void)state;
	lose_answer();
	assert_int_equal(add(&mapping), OK);
	assert_true(db_proxy_has_struck(proxy));
	assert_int_equal(store_number("SELECT COUNT(*) FROM calendar_event_mappings"), 1);
}

static void many_intents_that_were_committed_are_known_as_ours(void **state)
{
	struct mapping a = intended("a"), b = intended("b");
	const struct intent intents[] = {{&a, CLAIM_MS, SETTLE_MS}, {&b, CLAIM_MS, SETTLE_MS}};
	const struct intent *list[] = {&intents[0], &intents[1]};

	(void)state;
	b.replay_key = store_hash(9);
	db_proxy_arm(proxy, PROXY_SWALLOW, COMMAND_BULK, NULL);
	assert_int_equal(mappings_add(db, list, 2, NULL), OK);
	assert_true(db_proxy_has_struck(proxy));
	assert_int_equal(store_number("SELECT COUNT(*) FROM calendar_event_mappings"), 2);
}

static void an_intent_whose_key_another_one_has_is_not_taken_for_ours(void **state)
{
	struct mapping first = intended("a"), second = intended("b");

	(void)state;
	assert_int_equal(add(&first), OK);
	lose_answer();
	assert_int_not_equal(add(&second), OK);
	assert_true(db_proxy_has_struck(proxy));
	assert_int_equal(store_number("SELECT COUNT(*) FROM calendar_event_mappings"), 1);
}

static void a_claim_is_had_and_counted_once(void **state)
{
	struct id token = id_new();
	struct mapping mapping = intended("a"), now;

	(void)state;
	assert_int_equal(add(&mapping), OK);
	lose_answer();
	assert_int_equal(mappings_claim(db, &mapping, &token, true, CLAIM_MS, SETTLE_MS, NULL), OK);
	assert_true(db_proxy_has_struck(proxy));
	assert_int_equal(mappings_get(db, &tenant, &mapping.id, store_arena(), &now, NULL), OK);
	assert_true(id_equal(&now.claim_token, &token));
	assert_int_equal(now.attempt, 2);
}

static void a_claim_that_waits_its_turn_is_had_once_as_well(void **state)
{
	struct id token = id_new();
	struct mapping mapping = intended("a"), now;

	(void)state;
	assert_int_equal(add(&mapping), OK);
	store_sql("UPDATE calendar_event_mappings SET claim_until = NULL");
	lose_answer();
	assert_int_equal(mappings_claim(db, &mapping, &token, false, CLAIM_MS, SETTLE_MS, NULL),
			 OK);
	assert_int_equal(mappings_get(db, &tenant, &mapping.id, store_arena(), &now, NULL), OK);
	assert_int_equal(now.attempt, 2);
}

static void a_placed_mark_is_written_and_known(void **state)
{
	struct mapping mapping = intended("a");
	struct placed_mark mark = {
		.id = mapping.id,
		.claim_token = mapping.claim_token,
		.provider_event_id = SLICE("placed"),
		.placed_ms = 1,
	};
	const struct placed_mark *marks[] = {&mark};

	(void)state;
	assert_int_equal(add(&mapping), OK);
	lose_answer();
	assert_int_equal(mappings_mark_placed(db, marks, 1, NULL), OK);
	assert_true(db_proxy_has_struck(proxy));
}

static void of_many_marks_each_is_known_when_it_is_written_once_more(void **state)
{
	struct mapping a = intended("a"), lost = intended("b");
	struct placed_mark marks[2] = {
		{.id = a.id, .claim_token = a.claim_token, .provider_event_id = SLICE("a")},
		{.id = lost.id, .claim_token = id_new(), .provider_event_id = SLICE("b")},
	};
	const struct placed_mark *list[] = {&marks[0], &marks[1]};

	(void)state;
	lost.replay_key = store_hash(9);
	assert_int_equal(add(&a), OK);
	assert_int_equal(add(&lost), OK);
	lose_answer();
	assert_int_equal(mappings_mark_placed(db, list, 2, NULL), ERR_DB_UNSURE);
	assert_true(db_proxy_has_struck(proxy));
	assert_int_equal(mappings_mark_placed(db, list, 1, NULL), OK);
	assert_int_equal(mappings_mark_placed(db, list + 1, 1, NULL), ERR_STALE);
}

static void a_lease_is_had(void **state)
{
	struct id mine = id_new();
	struct connection conn = get_connection();
	bool taken = false;

	(void)state;
	lose_answer();
	assert_int_equal(connections_take_lease(db, &conn, &mine, 15000, &taken, NULL), OK);
	assert_true(db_proxy_has_struck(proxy));
	assert_true(taken);
}

static void tokens_that_were_stored_are_known_as_stored(void **state)
{
	struct id mine = id_new();
	struct connection conn = get_connection(), after;
	bool taken = false;

	(void)state;
	assert_int_equal(connections_take_lease(db, &conn, &mine, 15000, &taken, NULL), OK);
	lose_answer();
	assert_int_equal(connections_store_tokens(db, &conn, &mine, SLICE("new access"),
						  SLICE("new refresh"), 1, NULL),
			 OK);
	assert_true(db_proxy_has_struck(proxy));
	after = get_connection();
	assert_int_equal(after.token_version, conn.token_version + 1);
	assert_true(slice_is(after.refresh_token, "new refresh"));
}

static void a_state_counts_as_used_and_nobody_has_won(void **state)
{
	struct oauth_state flow = {
		.state_hash = store_hash(1),
		.id = id_new(),
		.tenant = tenant,
		.owner = owner,
		.provider = SLICE("google"),
		.browser_hash = store_hash(9),
		.return_to = SLICE("/"),
	};
	bool won = true;

	(void)state;
	assert_int_equal(oauth_states_add(db, &flow, 600000, 20, NULL), OK);
	lose_answer();
	assert_int_equal(
		oauth_states_use(db, flow.state_hash, flow.browser_hash, store_hash(8), &won, NULL),
		ERR_DB_UNSURE);
	assert_false(won);
	assert_int_equal(
		oauth_states_use(db, flow.state_hash, flow.browser_hash, store_hash(8), &won, NULL),
		OK);
	assert_false(won);
}

static void a_sign_in_link_counts_as_used(void **state)
{
	(void)state;
	assert_int_equal(
		sessions_offer(db, &tenant, &owner, ROLE_COACH, store_hash(1), 600000, NULL), OK);
	lose_answer();
	assert_int_equal(sessions_open(db, store_hash(1), store_hash(2), 600000, NULL),
			 ERR_DB_UNSURE);
	assert_int_equal(sessions_open(db, store_hash(1), store_hash(3), 600000, NULL),
			 ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_intent_that_was_committed_is_known_as_ours,
						begin, done),
		cmocka_unit_test_setup_teardown(many_intents_that_were_committed_are_known_as_ours,
						begin, done),
		cmocka_unit_test_setup_teardown(
			an_intent_whose_key_another_one_has_is_not_taken_for_ours, begin, done),
		cmocka_unit_test_setup_teardown(a_claim_is_had_and_counted_once, begin, done),
		cmocka_unit_test_setup_teardown(a_claim_that_waits_its_turn_is_had_once_as_well,
						begin, done),
		cmocka_unit_test_setup_teardown(a_placed_mark_is_written_and_known, begin, done),
		cmocka_unit_test_setup_teardown(
			of_many_marks_each_is_known_when_it_is_written_once_more, begin, done),
		cmocka_unit_test_setup_teardown(a_lease_is_had, begin, done),
		cmocka_unit_test_setup_teardown(tokens_that_were_stored_are_known_as_stored, begin,
						done),
		cmocka_unit_test_setup_teardown(a_state_counts_as_used_and_nobody_has_won, begin,
						done),
		cmocka_unit_test_setup_teardown(a_sign_in_link_counts_as_used, begin, done),
	};

	return cmocka_run_group_tests_name("store_faults", tests, start, stop);
}
