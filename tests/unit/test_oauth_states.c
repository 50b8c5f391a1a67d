#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/oauth_states.h"
#include "tests/unit/store_fixture.h"

enum { VALID_MS = 600000, MAX_OPEN = 20 };

static struct id tenant, owner;

static int begin(void **state)
{
	store_sql("DELETE FROM oauth_states");
	return store_fresh_arena(state);
}

static int start(void **state)
{
	if (store_start(state))
		return -1;
	tenant = store_tenant("first");
	owner = store_owner(&tenant, "coach");
	return 0;
}

static struct oauth_state flow_of(unsigned char byte)
{
	return (struct oauth_state){
		.state_hash = store_hash(byte),
		.id = id_new(),
		.tenant = tenant,
		.owner = owner,
		.provider = SLICE("google"),
		.browser_hash = store_hash(9),
		.return_to = SLICE("/dashboard/"),
	};
}

static enum err add(const struct oauth_state *flow, unsigned max_open)
{
	return oauth_states_add(store_db(), flow, VALID_MS, max_open, NULL);
}

static struct oauth_state begun(unsigned char byte)
{
	struct oauth_state flow = flow_of(byte);

	assert_int_equal(add(&flow, MAX_OPEN), OK);
	return flow;
}

static enum err find(const struct oauth_state *flow, struct oauth_state *out)
{
	return oauth_states_get(store_db(), flow->state_hash, store_arena(), out, NULL);
}

static struct oauth_state get(const struct oauth_state *flow)
{
	struct oauth_state out;

	assert_int_equal(find(flow, &out), OK);
	return out;
}

static bool use(const struct oauth_state *flow, struct slice browser)
{
	bool won = true;

	assert_int_equal(
		oauth_states_use(store_db(), flow->state_hash, browser, store_hash(8), &won, NULL),
		OK);
	return won;
}

static enum err decide(const struct oauth_state *read, const char *outcome)
{
	return oauth_states_decide(store_db(), read, outcome, NULL);
}

static void expire(void)
{
	store_sql("UPDATE oauth_states SET expires_at = UTC_TIMESTAMP(3) - INTERVAL 1 SECOND");
}

static bool race_to_use(void *cx, unsigned number)
{
	const struct oauth_state *flow = cx;
	bool won = false;

	(void)number;
	return !oauth_states_use(store_db(), flow->state_hash, flow->browser_hash,
				 flow->browser_hash, &won, NULL) &&
	       won;
}

static void of_16_callbacks_at_once_one_uses_the_state(void **state)
{
	(void)state;
	for (unsigned char round = 1; round <= 20; round++) {
		struct oauth_state flow = begun(round);

		assert_int_equal(store_race(race_to_use, &flow), 1);
	}
}

static void a_used_state_is_not_used_again_and_says_by_whom(void **state)
{
	struct oauth_state flow = begun(1), after;

	(void)state;
	assert_false(get(&flow).used);
	assert_true(use(&flow, flow.browser_hash));
	assert_false(use(&flow, flow.browser_hash));
	after = get(&flow);
	assert_true(after.used);
	assert_true(slice_equal(after.code_hash, store_hash(8)));
	assert_true(slice_equal(after.browser_hash, store_hash(9)));
	assert_int_equal(after.outcome.len, 0);
}

static void a_state_is_not_used_by_another_browser(void **state)
{
	struct oauth_state flow = begun(1);

	(void)state;
	assert_false(use(&flow, store_hash(66)));
	assert_false(use(&flow, (struct slice){0}));
	assert_false(get(&flow).used);
	assert_true(use(&flow, flow.browser_hash));
}

static void a_flow_that_was_handed_on_is_bound_to_the_browser_that_comes(void **state)
{
	struct oauth_state flow = flow_of(1);

	(void)state;
	flow.browser_hash = (struct slice){0};
	flow.handed_on = true;
	assert_int_equal(add(&flow, MAX_OPEN), OK);
	assert_true(get(&flow).handed_on);
	assert_int_equal(get(&flow).browser_hash.len, 0);
	assert_true(use(&flow, store_hash(66)));
	assert_true(slice_equal(get(&flow).browser_hash, store_hash(66)));
}

static void an_expired_state_is_not_used_and_says_that_it_expired(void **state)
{
	struct oauth_state flow = begun(1);

	(void)state;
	assert_false(get(&flow).expired);
	expire();
	assert_true(get(&flow).expired);
	assert_false(use(&flow, flow.browser_hash));
	assert_false(get(&flow).used);
}

static void an_unknown_state_is_not_found_and_not_used(void **state)
{
	struct oauth_state unknown = flow_of(2), out;

	(void)state;
	begun(1);
	assert_int_equal(find(&unknown, &out), ERR_NOT_FOUND);
	assert_int_equal(oauth_states_get_by_id(store_db(), &unknown.id, store_arena(), &out, NULL),
			 ERR_NOT_FOUND);
	assert_false(use(&unknown, unknown.browser_hash));
	assert_int_equal(decide(&unknown, "denied"), ERR_STALE);
}

/* created_at decides which one is the oldest. */
static void set_day(unsigned char byte, int day)
{
	store_sql("UPDATE oauth_states SET created_at = '2020-01-01' + INTERVAL %d DAY "
		  "WHERE state_hash = REPEAT(CHAR(%d), 32)",
		  day, byte);
}

static void beyond_the_limit_the_owners_oldest_open_flows_are_dropped(void **state)
{
	struct id other = store_owner(&tenant, "other");
	struct oauth_state others = flow_of(200), used = begun(100), out;

	(void)state;
	others.owner = other;
	assert_int_equal(add(&others, 3), OK);
	assert_true(use(&used, used.browser_hash));
	set_day(100, 0);
	set_day(200, 0);
	for (unsigned char i = 1; i <= 5; i++) {
		struct oauth_state next = flow_of(i);

		assert_int_equal(add(&next, 3), OK);
		set_day(i, i);
	}
	for (unsigned char i = 1; i <= 5; i++) {
		struct oauth_state flow = flow_of(i);

		assert_int_equal(find(&flow, &out), i <= 2 ? ERR_NOT_FOUND : OK);
	}
	assert_true(get(&used).used);
	assert_int_equal(find(&others, &out), OK);
}

static void the_flow_that_is_begun_is_not_the_one_that_is_dropped(void **state)
{
	struct oauth_state first = begun(1), next = flow_of(2), out;

	(void)state;
	store_sql("UPDATE oauth_states SET created_at = UTC_TIMESTAMP(3) + INTERVAL 1 DAY");
	assert_int_equal(add(&next, 1), OK);
	assert_int_equal(find(&next, &out), OK);
	assert_int_equal(find(&first, &out), ERR_NOT_FOUND);
}

/* A flow whose grant waits for the person's word. */
static struct oauth_state asked(unsigned char byte)
{
	struct oauth_state flow = begun(byte);

	assert_true(use(&flow, flow.browser_hash));
	flow.pending_access = (struct slice){"\0\1\xFF", 3};
	flow.pending_refresh = SLICE("sealed refresh");
	flow.pending_expires_ms = INT64_C(1800000000123);
	flow.pending_scopes = SLICE("scopes " HOSTILE);
	flow.pending_account_id = SLICE("account " HOSTILE);
	flow.pending_account_email = SLICE("email " HOSTILE);
	assert_int_equal(oauth_states_keep(store_db(), &flow, NULL), OK);
	return flow;
}

static void what_is_pending_comes_back_as_it_was_given(void **state)
{
	struct oauth_state flow = asked(1), back = get(&flow);

	(void)state;
	assert_true(slice_is(back.outcome, "confirm"));
	assert_true(slice_equal(back.pending_access, flow.pending_access));
	assert_true(slice_equal(back.pending_refresh, flow.pending_refresh));
	assert_int_equal(back.pending_expires_ms, flow.pending_expires_ms);
	assert_true(slice_equal(back.pending_scopes, flow.pending_scopes));
	assert_true(slice_equal(back.pending_account_id, flow.pending_account_id));
	assert_true(slice_equal(back.pending_account_email, flow.pending_account_email));
}

static void assert_wiped(const struct oauth_state *flow, const char *outcome)
{
	struct oauth_state back = get(flow);

	assert_true(slice_is(back.outcome, outcome));
	assert_int_equal(back.pending_access.len, 0);
	assert_int_equal(back.pending_refresh.len, 0);
	assert_int_equal(back.pending_expires_ms, -1);
	assert_int_equal(back.pending_scopes.len, 0);
	assert_int_equal(back.pending_account_id.len, 0);
	assert_int_equal(back.pending_account_email.len, 0);
}

static void a_grant_is_confirmed_once_and_wiped_with_it(void **state)
{
	struct oauth_state flow = asked(1), read = get(&flow);

	(void)state;
	assert_int_equal(decide(&read, "connected"), OK);
	assert_wiped(&flow, "connected");
	assert_int_equal(decide(&read, "connected"), ERR_STALE);
	assert_int_equal(decide(&read, "denied"), ERR_STALE);
	assert_int_equal(oauth_states_keep(store_db(), &flow, NULL), ERR_STALE);
	assert_wiped(&flow, "connected");
}

static bool race_to_decide(void *cx, unsigned number)
{
	return decide(cx, number % 2 ? "connected" : "expired") == OK;
}

static void of_16_who_decide_at_once_one_does(void **state)
{
	(void)state;
	for (unsigned char round = 1; round <= 20; round++) {
		struct oauth_state flow = round % 2 ? asked(round) : begun(round);
		struct oauth_state read = get(&flow);

		assert_int_equal(store_race(race_to_decide, &read), 1);
	}
}

static void a_decision_wipes_what_was_pending(void **state)
{
	struct oauth_state flow = asked(1), read = get(&flow);

	(void)state;
	assert_int_equal(decide(&read, "denied"), OK);
	assert_wiped(&flow, "denied");
}

static void who_has_not_seen_that_a_person_was_asked_decides_nothing(void **state)
{
	struct oauth_state flow = asked(1);

	(void)state;
	assert_int_equal(decide(&flow, "failed"), ERR_STALE);
	assert_true(slice_equal(get(&flow).pending_access, flow.pending_access));
}

static void a_person_is_not_asked_about_a_flow_that_was_given_up(void **state)
{
	struct oauth_state flow = begun(1);

	(void)state;
	assert_true(use(&flow, flow.browser_hash));
	assert_int_equal(decide(&flow, "failed"), OK);
	flow.pending_access = SLICE("sealed");
	assert_int_equal(oauth_states_keep(store_db(), &flow, NULL), ERR_STALE);
	assert_wiped(&flow, "failed");
}

static void who_is_asked_has_ten_minutes_to_answer(void **state)
{
	struct oauth_state flow = begun(1);

	(void)state;
	assert_true(use(&flow, flow.browser_hash));
	store_sql("UPDATE oauth_states SET expires_at = UTC_TIMESTAMP(3) + INTERVAL 1 SECOND");
	flow.pending_access = SLICE("sealed");
	flow.pending_expires_ms = -1;
	assert_int_equal(oauth_states_keep(store_db(), &flow, NULL), OK);
	assert_int_equal(store_number("SELECT expires_at > UTC_TIMESTAMP(3) + INTERVAL 9 MINUTE "
				      "FROM oauth_states"),
			 1);
	expire();
	assert_true(get(&flow).expired);
}

static void nothing_is_kept_for_a_state_that_nobody_used(void **state)
{
	struct oauth_state flow = begun(1);

	(void)state;
	flow.pending_access = SLICE("sealed");
	assert_int_equal(oauth_states_keep(store_db(), &flow, NULL), ERR_STALE);
	assert_int_equal(get(&flow).pending_access.len, 0);
	assert_int_equal(get(&flow).outcome.len, 0);
}

static void every_text_comes_back_as_it_was_given(void **state)
{
	struct oauth_state flow = flow_of(1), back;

	(void)state;
	flow.return_to = SLICE("/" HOSTILE);
	flow.expected_account = SLICE("expected " HOSTILE);
	assert_int_equal(add(&flow, MAX_OPEN), OK);
	assert_int_equal(oauth_states_get_by_id(store_db(), &flow.id, store_arena(), &back, NULL),
			 OK);
	assert_true(slice_equal(back.state_hash, flow.state_hash));
	assert_true(slice_equal(back.return_to, flow.return_to));
	assert_true(slice_equal(back.expected_account, flow.expected_account));
	assert_true(slice_is(back.provider, "google"));
	assert_true(slice_is(back.owner_external_id, "coach"));
	assert_true(id_equal(&back.id, &flow.id));
	assert_true(id_equal(&back.tenant, &tenant));
	assert_true(id_equal(&back.owner, &owner));
	assert_false(back.handed_on);
}

static void an_owner_of_another_tenant_cannot_begin(void **state)
{
	struct oauth_state flow = flow_of(1);

	(void)state;
	flow.tenant = store_tenant("stranger");
	assert_int_not_equal(add(&flow, MAX_OPEN), OK);
	assert_int_equal(store_number("SELECT COUNT(*) FROM oauth_states"), 0);
}

static void expired_for(unsigned char byte, int hours)
{
	store_sql("UPDATE oauth_states SET expires_at = UTC_TIMESTAMP(3) - INTERVAL %d HOUR "
		  "WHERE state_hash = REPEAT(CHAR(%d), 32)",
		  hours, byte);
}

static void a_day_after_it_expired_a_flow_is_deleted(void **state)
{
	struct oauth_state old = begun(1), recent = begun(2), open = begun(3), out;

	(void)state;
	expired_for(1, 25);
	expired_for(2, 23);
	assert_int_equal(oauth_states_clean(store_db(), 0, NULL), OK);
	assert_int_equal(find(&old, &out), OK);
	assert_int_equal(oauth_states_clean(store_db(), 100, NULL), OK);
	assert_int_equal(find(&old, &out), ERR_NOT_FOUND);
	assert_true(get(&recent).expired);
	assert_false(get(&open).expired);
}

static void a_state_is_read_by_unique_keys_alone(void **state)
{
	struct oauth_state flow = begun(1);
	const char *hash[] = {"REPEAT(CHAR(1), 32)"}, *id[] = {store_hex(&flow.id)};
	unsigned tables;

	(void)state;
	begun(2);
	assert_true(store_reads_by_key("OAUTH_STATES_GET", hash, &tables));
	assert_int_equal(tables, 2);
	assert_true(store_reads_by_key("OAUTH_STATES_GET_BY_ID", id, &tables));
	assert_int_equal(tables, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(of_16_callbacks_at_once_one_uses_the_state, begin),
		cmocka_unit_test_setup(a_used_state_is_not_used_again_and_says_by_whom, begin),
		cmocka_unit_test_setup(a_state_is_not_used_by_another_browser, begin),
		cmocka_unit_test_setup(a_flow_that_was_handed_on_is_bound_to_the_browser_that_comes,
				       begin),
		cmocka_unit_test_setup(an_expired_state_is_not_used_and_says_that_it_expired,
				       begin),
		cmocka_unit_test_setup(an_unknown_state_is_not_found_and_not_used, begin),
		cmocka_unit_test_setup(beyond_the_limit_the_owners_oldest_open_flows_are_dropped,
				       begin),
		cmocka_unit_test_setup(the_flow_that_is_begun_is_not_the_one_that_is_dropped,
				       begin),
		cmocka_unit_test_setup(what_is_pending_comes_back_as_it_was_given, begin),
		cmocka_unit_test_setup(a_grant_is_confirmed_once_and_wiped_with_it, begin),
		cmocka_unit_test_setup(of_16_who_decide_at_once_one_does, begin),
		cmocka_unit_test_setup(a_decision_wipes_what_was_pending, begin),
		cmocka_unit_test_setup(who_has_not_seen_that_a_person_was_asked_decides_nothing,
				       begin),
		cmocka_unit_test_setup(a_person_is_not_asked_about_a_flow_that_was_given_up, begin),
		cmocka_unit_test_setup(who_is_asked_has_ten_minutes_to_answer, begin),
		cmocka_unit_test_setup(nothing_is_kept_for_a_state_that_nobody_used, begin),
		cmocka_unit_test_setup(every_text_comes_back_as_it_was_given, begin),
		cmocka_unit_test_setup(an_owner_of_another_tenant_cannot_begin, begin),
		cmocka_unit_test_setup(a_day_after_it_expired_a_flow_is_deleted, begin),
		cmocka_unit_test_setup(a_state_is_read_by_unique_keys_alone, begin),
	};

	return cmocka_run_group_tests_name("oauth_states", tests, start, store_stop);
}
