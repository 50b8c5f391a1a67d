#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/connections.h"
#include "tests/unit/store_fixture.h"

enum { LEASE_MS = 15000 };

static struct id tenant, owner;

static struct connection get(const struct id *id)
{
	struct connection conn;

	assert_int_equal(connections_get(store_db(), &tenant, id, store_arena(), &conn, NULL), OK);
	return conn;
}

static bool holds(const struct connection *conn, const struct id *lease_owner)
{
	struct connection now = get(&conn->id);

	return id_equal(&now.lease_owner, lease_owner);
}

static struct connection fresh(const char *account)
{
	struct id id = store_connection(&tenant, &owner, account);

	return get(&id);
}

static bool take(const struct connection *conn, const struct id *lease_owner)
{
	bool taken = false;

	assert_int_equal(
		connections_take_lease(store_db(), conn, lease_owner, LEASE_MS, &taken, NULL), OK);
	return taken;
}

static enum err store(const struct connection *conn, const struct id *lease_owner,
		      const char *refresh)
{
	return connections_store_tokens(store_db(), conn, lease_owner, SLICE("new access"),
					slice_of(refresh), INT64_C(1800000000123), NULL);
}

static void run_out_of_time(const struct connection *conn)
{
	store_sql("UPDATE coach_calendar_connections SET lease_until = UTC_TIMESTAMP(3) "
		  "- INTERVAL 1 SECOND WHERE id = %s",
		  store_hex(&conn->id));
}

static void come_due(const struct connection *conn)
{
	store_sql("UPDATE coach_calendar_connections SET refresh_retry_at = UTC_TIMESTAMP(3) "
		  "- INTERVAL 1 SECOND WHERE id = %s",
		  store_hex(&conn->id));
}

static int begin(void **state)
{
	(void)state;
	store_fresh_arena(state);
	store_sql("DELETE FROM coach_calendar_connections");
	return 0;
}

static int start(void **state)
{
	if (store_start(state))
		return -1;
	tenant = store_tenant("first");
	owner = store_owner(&tenant, "coach");
	return 0;
}

static bool race_for_lease(void *cx, unsigned number)
{
	struct id mine = id_new();
	bool taken = false;

	(void)number;
	return !connections_take_lease(store_db(), cx, &mine, LEASE_MS, &taken, NULL) && taken;
}

static void of_16_who_want_the_lease_at_once_one_gets_it(void **state)
{
	struct connection conn = fresh("account");

	(void)state;
	for (int round = 0; round < 20; round++) {
		assert_int_equal(store_race(race_for_lease, &conn), 1);
		run_out_of_time(&conn);
	}
}

static void a_running_lease_is_not_taken_and_one_that_ran_out_is(void **state)
{
	struct id first = id_new(), second = id_new();
	struct connection conn = fresh("account");

	(void)state;
	assert_true(take(&conn, &first));
	assert_true(get(&conn.id).lease_runs);
	assert_false(take(&conn, &second));
	assert_true(holds(&conn, &first));
	run_out_of_time(&conn);
	assert_false(get(&conn.id).lease_runs);
	assert_true(take(&conn, &second));
	assert_true(holds(&conn, &second));
}

static void a_lease_is_not_taken_for_tokens_that_are_not_the_latest(void **state)
{
	struct id first = id_new(), second = id_new();
	struct connection conn = fresh("account");

	(void)state;
	assert_true(take(&conn, &first));
	assert_int_equal(store(&conn, &first, ""), OK);
	assert_false(take(&conn, &second));
	conn = get(&conn.id);
	assert_true(take(&conn, &second));
}

static void a_lease_is_not_taken_when_consent_is_needed(void **state)
{
	struct id mine = id_new();
	struct connection conn = fresh("account");

	(void)state;
	store_sql("UPDATE coach_calendar_connections SET status = 'reauth_required'");
	assert_false(take(&conn, &mine));
}

static void an_overtaken_holder_changes_nothing(void **state)
{
	struct id first = id_new(), second = id_new();
	struct connection conn = fresh("account"), after;

	(void)state;
	assert_true(take(&conn, &first));
	run_out_of_time(&conn);
	assert_true(take(&conn, &second));
	assert_int_equal(store(&conn, &first, "stale refresh"), ERR_STALE);
	assert_int_equal(connections_require_reauth(store_db(), &conn, &first, false, NULL),
			 ERR_STALE);
	assert_int_equal(
		connections_note_failure(store_db(), &conn, &first, "provider_error", 1000, NULL),
		ERR_STALE);
	after = get(&conn.id);
	assert_int_equal(after.token_version, conn.token_version);
	assert_int_equal(after.status, CONNECTION_ACTIVE);
	assert_true(slice_is(after.refresh_token, "old refresh"));
	assert_true(slice_is(after.access_token, "old access"));
	assert_true(id_equal(&after.lease_owner, &second));
	assert_int_equal(after.refresh_error.len, 0);

	assert_int_equal(store(&conn, &second, "newer refresh"), OK);
	assert_int_equal(store(&conn, &first, "stale refresh"), ERR_STALE);
	assert_int_equal(store(&conn, &second, "stale refresh"), ERR_STALE);
	assert_true(slice_is(get(&conn.id).refresh_token, "newer refresh"));
}

static void a_late_holder_whom_nobody_overtook_may_still_store(void **state)
{
	struct id mine = id_new();
	struct connection conn = fresh("account");

	(void)state;
	assert_true(take(&conn, &mine));
	run_out_of_time(&conn);
	assert_int_equal(store(&conn, &mine, "rotated"), OK);
	assert_true(slice_is(get(&conn.id).refresh_token, "rotated"));
}

/* Who read the row before the failure does not know that he has to wait. */
static void no_lease_is_given_while_a_failed_refresh_is_held_off(void **state)
{
	struct id first = id_new(), second = id_new();
	struct connection conn = fresh("account");

	(void)state;
	assert_true(take(&conn, &first));
	assert_int_equal(
		connections_note_failure(store_db(), &conn, &first, "provider_error", 9000, NULL),
		OK);
	assert_false(take(&conn, &first));
	assert_false(take(&conn, &second));
	come_due(&conn);
	assert_true(take(&conn, &second));
}

static void storing_tokens_frees_the_lease_and_counts_the_version(void **state)
{
	struct id mine = id_new();
	struct connection conn = fresh("account"), after;

	(void)state;
	assert_true(take(&conn, &mine));
	assert_int_equal(
		connections_note_failure(store_db(), &conn, &mine, "provider_error", 9000, NULL),
		OK);
	come_due(&conn);
	assert_true(take(&conn, &mine));
	assert_int_equal(store(&conn, &mine, "rotated"), OK);
	after = get(&conn.id);
	assert_true(slice_is(after.access_token, "new access"));
	assert_true(slice_is(after.refresh_token, "rotated"));
	assert_int_equal(after.access_expires_ms, INT64_C(1800000000123));
	assert_int_equal(after.token_version, conn.token_version + 1);
	assert_true(id_is_none(&after.lease_owner));
	assert_int_equal(after.refresh_error.len, 0);
	assert_int_equal(after.refresh_wait_ms, 0);
}

static void a_refresh_without_a_new_refresh_token_keeps_the_old_one(void **state)
{
	struct id mine = id_new();
	struct connection conn = fresh("account");

	(void)state;
	assert_true(take(&conn, &mine));
	assert_int_equal(store(&conn, &mine, ""), OK);
	assert_true(slice_is(get(&conn.id).refresh_token, "old refresh"));
	assert_true(slice_is(get(&conn.id).access_token, "new access"));
}

static void a_refused_grant_takes_both_tokens_away(void **state)
{
	struct id mine = id_new();
	struct connection conn = fresh("account"), after;

	(void)state;
	assert_true(take(&conn, &mine));
	assert_int_equal(connections_require_reauth(store_db(), &conn, &mine, false, NULL), OK);
	after = get(&conn.id);
	assert_int_equal(after.status, CONNECTION_REAUTH_REQUIRED);
	assert_int_equal(after.access_token.len, 0);
	assert_int_equal(after.refresh_token.len, 0);
	assert_int_equal(after.access_expires_ms, -1);
	assert_int_equal(after.token_version, conn.token_version + 1);
	assert_true(id_is_none(&after.lease_owner));
	assert_int_equal(connections_require_reauth(store_db(), &conn, &mine, false, NULL),
			 ERR_STALE);
}

static void damaged_tokens_may_be_kept_where_consent_is_asked_for_again(void **state)
{
	struct id mine = id_new();
	struct connection conn = fresh("account"), after;

	(void)state;
	assert_true(take(&conn, &mine));
	assert_int_equal(connections_require_reauth(store_db(), &conn, &mine, true, NULL), OK);
	after = get(&conn.id);
	assert_int_equal(after.status, CONNECTION_REAUTH_REQUIRED);
	assert_true(slice_equal(after.access_token, conn.access_token));
	assert_true(slice_equal(after.refresh_token, conn.refresh_token));
	assert_int_equal(after.access_expires_ms, -1);
}

static void after_a_failure_all_wait_and_the_tokens_stay(void **state)
{
	struct id mine = id_new();
	struct connection conn = fresh("account"), after;

	(void)state;
	assert_true(take(&conn, &mine));
	assert_int_equal(
		connections_note_failure(store_db(), &conn, &mine, "provider_timeout", 30000, NULL),
		OK);
	after = get(&conn.id);
	assert_true(slice_is(after.refresh_error, "provider_timeout"));
	assert_in_range(after.refresh_wait_ms, 20000, 30000);
	assert_true(id_is_none(&after.lease_owner));
	assert_int_equal(after.token_version, conn.token_version);
	assert_int_equal(after.status, CONNECTION_ACTIVE);
	assert_true(slice_is(after.refresh_token, "old refresh"));
	store_sql("UPDATE coach_calendar_connections SET refresh_retry_at = UTC_TIMESTAMP(3) "
		  "- INTERVAL 1 SECOND");
	assert_int_equal(get(&conn.id).refresh_wait_ms, 0);
}

static void a_refused_access_token_counts_as_expired_unless_it_was_replaced(void **state)
{
	struct id mine = id_new();
	struct connection conn = fresh("account");

	(void)state;
	assert_int_equal(connections_expire_access(store_db(), &conn, NULL), OK);
	assert_true(store_number("SELECT access_expires_at < UTC_TIMESTAMP(3) - INTERVAL 30 MINUTE "
				 "FROM coach_calendar_connections"));
	assert_true(take(&conn, &mine));
	assert_int_equal(store(&conn, &mine, ""), OK);
	assert_int_equal(connections_expire_access(store_db(), &conn, NULL), OK);
	assert_int_equal(get(&conn.id).access_expires_ms, INT64_C(1800000000123));
}

static struct connection consent(const struct id *id, const char *account)
{
	return (struct connection){
		.id = *id,
		.tenant = tenant,
		.owner = owner,
		.provider = SLICE("google"),
		.account_id = slice_of(account),
		.account_email = SLICE("new@example.org"),
		.granted_scopes = SLICE("calendar"),
		.access_token = SLICE("consented access"),
		.refresh_token = SLICE("consented refresh"),
		.access_expires_ms = INT64_C(1800000000000),
	};
}

static void a_new_consent_keeps_id_and_settings_and_ends_a_refresh_under_way(void **state)
{
	struct id mine = id_new();
	struct connection conn = fresh("account"), again = consent(&conn.id, "account"), after;

	(void)state;
	store_sql("UPDATE coach_calendar_connections SET calendar_id = 'work', "
		  "calendar_name = 'Work', refresh_error = 'x'");
	assert_true(take(&conn, &mine));
	assert_int_equal(connections_put(store_db(), &again, NULL), OK);
	after = get(&conn.id);
	assert_true(slice_is(after.calendar_id, "work"));
	assert_true(slice_is(after.calendar_name, "Work"));
	assert_true(slice_is(after.access_token, "consented access"));
	assert_true(slice_is(after.refresh_token, "consented refresh"));
	assert_true(slice_is(after.account_email, "new@example.org"));
	assert_true(slice_is(after.granted_scopes, "calendar"));
	assert_int_equal(after.token_version, conn.token_version + 1);
	assert_true(id_is_none(&after.lease_owner));
	assert_int_equal(after.refresh_error.len, 0);
	assert_int_equal(after.status_since_ms, conn.status_since_ms);
	assert_int_equal(store(&conn, &mine, "stale"), ERR_STALE);
	assert_true(slice_is(get(&conn.id).refresh_token, "consented refresh"));
}

static void a_new_consent_makes_a_lost_connection_active_again(void **state)
{
	static const char *const LOST[] = {"reauth_required", "disconnected"};
	struct connection conn = fresh("account"), again = consent(&conn.id, "account");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(LOST); i++) {
		store_sql("UPDATE coach_calendar_connections SET status = '%s', "
			  "status_since = '2020-01-01'",
			  LOST[i]);
		assert_int_equal(connections_put(store_db(), &again, NULL), OK);
		assert_int_equal(get(&conn.id).status, CONNECTION_ACTIVE);
		assert_true(store_number("SELECT status_since > '2020-01-02' "
					 "FROM coach_calendar_connections"));
	}
}

static void a_consent_without_a_refresh_token_keeps_the_stored_one(void **state)
{
	struct connection conn = fresh("account"), again = consent(&conn.id, "account");

	(void)state;
	again.refresh_token = (struct slice){0};
	assert_int_equal(connections_put(store_db(), &again, NULL), OK);
	assert_true(slice_is(get(&conn.id).refresh_token, "old refresh"));
}

static void tokens_that_were_sealed_for_another_row_are_not_stored(void **state)
{
	struct id other = id_new();
	struct connection conn = fresh("account"), faster = consent(&other, "account");

	(void)state;
	assert_int_equal(connections_put(store_db(), &faster, NULL), ERR_DUPLICATE);
	assert_true(slice_is(get(&conn.id).refresh_token, "old refresh"));
	faster.id = conn.id;
	faster.account_id = SLICE("another account");
	assert_int_equal(connections_put(store_db(), &faster, NULL), ERR_DUPLICATE);
	assert_true(slice_is(get(&conn.id).refresh_token, "old refresh"));
	assert_int_equal(store_number("SELECT COUNT(*) FROM coach_calendar_connections"), 1);
}

struct consents {
	enum err results[STORE_THREADS];
};

static bool race_to_put(void *cx, unsigned number)
{
	struct consents *consents = cx;
	struct id id = id_new();
	struct connection conn = consent(&id, "raced");

	consents->results[number] = connections_put(store_db(), &conn, NULL);
	return consents->results[number] == OK;
}

static void of_16_first_consents_at_once_one_makes_the_connection(void **state)
{
	struct consents consents;
	unsigned duplicates = 0;

	(void)state;
	assert_int_equal(store_race(race_to_put, &consents), 1);
	for (size_t i = 0; i < STORE_THREADS; i++)
		duplicates += consents.results[i] == ERR_DUPLICATE;
	assert_int_equal(duplicates, STORE_THREADS - 1);
	assert_int_equal(store_number("SELECT COUNT(*) FROM coach_calendar_connections"), 1);
}

static void another_tenant_finds_and_changes_nothing(void **state)
{
	struct id stranger = store_tenant("stranger"), mine = id_new();
	struct connection conn = fresh("account"), found, foreign = conn, *list;
	size_t n;
	bool taken;

	(void)state;
	assert_int_equal(
		connections_get(store_db(), &stranger, &conn.id, store_arena(), &found, NULL),
		ERR_NOT_FOUND);
	assert_true(id_is_none(&found.id));
	assert_int_equal(connections_find_account(store_db(), &stranger, &owner, SLICE("google"),
						  SLICE("account"), store_arena(), &found, NULL),
			 ERR_NOT_FOUND);
	assert_int_equal(
		connections_list(store_db(), &stranger, &owner, store_arena(), &list, &n, NULL),
		OK);
	assert_int_equal(n, 0);
	foreign.tenant = stranger;
	assert_int_equal(
		connections_take_lease(store_db(), &foreign, &mine, LEASE_MS, &taken, NULL), OK);
	assert_false(taken);
	assert_true(take(&conn, &mine));
	assert_int_equal(store(&foreign, &mine, "x"), ERR_STALE);
	assert_int_equal(connections_require_reauth(store_db(), &foreign, &mine, false, NULL),
			 ERR_STALE);
	assert_int_equal(connections_expire_access(store_db(), &foreign, NULL), OK);
	found = get(&conn.id);
	assert_true(slice_is(found.refresh_token, "old refresh"));
	assert_int_equal(found.access_expires_ms, -1);
}

static void another_owner_of_the_tenant_finds_nothing(void **state)
{
	struct id other = store_owner(&tenant, "other");
	struct connection found, *list;
	size_t n;

	(void)state;
	fresh("account");
	assert_int_equal(connections_find_account(store_db(), &tenant, &other, SLICE("google"),
						  SLICE("account"), store_arena(), &found, NULL),
			 ERR_NOT_FOUND);
	assert_int_equal(
		connections_list(store_db(), &tenant, &other, store_arena(), &list, &n, NULL), OK);
	assert_int_equal(n, 0);
}

static void every_text_comes_back_as_it_was_given(void **state)
{
	struct id id = id_new();
	struct connection conn = {
		.id = id,
		.tenant = tenant,
		.owner = owner,
		.provider = SLICE("google"),
		.account_id = SLICE(HOSTILE "a"),
		.account_email = SLICE(HOSTILE "b"),
		.calendar_id = SLICE(HOSTILE "c"),
		.calendar_name = SLICE(HOSTILE "d"),
		.granted_scopes = SLICE(HOSTILE "e"),
		.access_token = {"\0\1\xFF'", 4},
		.refresh_token = {"\0\xC0\x80", 3},
		.access_expires_ms = 0,
	};
	struct connection back;

	(void)state;
	assert_int_equal(connections_put(store_db(), &conn, NULL), OK);
	assert_int_equal(connections_find_account(store_db(), &tenant, &owner, conn.provider,
						  conn.account_id, store_arena(), &back, NULL),
			 OK);
	assert_true(id_equal(&back.id, &id));
	assert_true(slice_equal(back.account_id, conn.account_id));
	assert_true(slice_equal(back.account_email, conn.account_email));
	assert_true(slice_equal(back.calendar_id, conn.calendar_id));
	assert_true(slice_equal(back.calendar_name, conn.calendar_name));
	assert_true(slice_equal(back.granted_scopes, conn.granted_scopes));
	assert_true(slice_equal(back.access_token, conn.access_token));
	assert_true(slice_equal(back.refresh_token, conn.refresh_token));
	assert_int_equal(back.access_expires_ms, 0);
	assert_int_equal(connections_find_account(store_db(), &tenant, &owner, SLICE(HOSTILE),
						  SLICE(HOSTILE), store_arena(), &back, NULL),
			 ERR_NOT_FOUND);
}

static void the_list_leaves_out_what_is_disconnected_and_begins_with_the_oldest(void **state)
{
	struct connection first = fresh("z"), gone = fresh("m"), last = fresh("a"), *list;
	size_t n;

	(void)state;
	store_sql("UPDATE coach_calendar_connections SET created_at = '2020-01-01' WHERE id = %s",
		  store_hex(&first.id));
	store_sql("UPDATE coach_calendar_connections SET status = 'disconnected' WHERE id = %s",
		  store_hex(&gone.id));
	assert_int_equal(
		connections_list(store_db(), &tenant, &owner, store_arena(), &list, &n, NULL), OK);
	assert_int_equal(n, 2);
	assert_true(id_equal(&list[0].id, &first.id));
	assert_true(id_equal(&list[1].id, &last.id));
}

static void the_count_is_by_status(void **state)
{
	int64_t counts[CONNECTION_N_STATUSES];
	struct connection gone = fresh("a");

	(void)state;
	fresh("b");
	fresh("c");
	store_sql("UPDATE coach_calendar_connections SET status = 'disconnected' WHERE id = %s",
		  store_hex(&gone.id));
	assert_int_equal(connections_count(store_db(), store_arena(), counts, NULL), OK);
	assert_int_equal(counts[CONNECTION_ACTIVE], 2);
	assert_int_equal(counts[CONNECTION_REAUTH_REQUIRED], 0);
	assert_int_equal(counts[CONNECTION_DISCONNECTED], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(of_16_who_want_the_lease_at_once_one_gets_it, begin),
		cmocka_unit_test_setup(a_running_lease_is_not_taken_and_one_that_ran_out_is, begin),
		cmocka_unit_test_setup(a_lease_is_not_taken_for_tokens_that_are_not_the_latest,
				       begin),
		cmocka_unit_test_setup(a_lease_is_not_taken_when_consent_is_needed, begin),
		cmocka_unit_test_setup(an_overtaken_holder_changes_nothing, begin),
		cmocka_unit_test_setup(a_late_holder_whom_nobody_overtook_may_still_store, begin),
		cmocka_unit_test_setup(no_lease_is_given_while_a_failed_refresh_is_held_off, begin),
		cmocka_unit_test_setup(storing_tokens_frees_the_lease_and_counts_the_version,
				       begin),
		cmocka_unit_test_setup(a_refresh_without_a_new_refresh_token_keeps_the_old_one,
				       begin),
		cmocka_unit_test_setup(a_refused_grant_takes_both_tokens_away, begin),
		cmocka_unit_test_setup(damaged_tokens_may_be_kept_where_consent_is_asked_for_again,
				       begin),
		cmocka_unit_test_setup(after_a_failure_all_wait_and_the_tokens_stay, begin),
		cmocka_unit_test_setup(
			a_refused_access_token_counts_as_expired_unless_it_was_replaced, begin),
		cmocka_unit_test_setup(
			a_new_consent_keeps_id_and_settings_and_ends_a_refresh_under_way, begin),
		cmocka_unit_test_setup(a_new_consent_makes_a_lost_connection_active_again, begin),
		cmocka_unit_test_setup(a_consent_without_a_refresh_token_keeps_the_stored_one,
				       begin),
		cmocka_unit_test_setup(tokens_that_were_sealed_for_another_row_are_not_stored,
				       begin),
		cmocka_unit_test_setup(of_16_first_consents_at_once_one_makes_the_connection,
				       begin),
		cmocka_unit_test_setup(another_tenant_finds_and_changes_nothing, begin),
		cmocka_unit_test_setup(another_owner_of_the_tenant_finds_nothing, begin),
		cmocka_unit_test_setup(every_text_comes_back_as_it_was_given, begin),
		cmocka_unit_test_setup(
			the_list_leaves_out_what_is_disconnected_and_begins_with_the_oldest, begin),
		cmocka_unit_test_setup(the_count_is_by_status, begin),
	};

	return cmocka_run_group_tests_name("connections", tests, start, store_stop);
}
