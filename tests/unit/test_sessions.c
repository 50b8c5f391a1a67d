#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/sessions.h"
#include "tests/unit/store_fixture.h"

enum { MINUTE_MS = 60000, HOUR_MS = 3600000 };

static struct id tenant, owner;

static int begin(void **state)
{
	store_sql("DELETE FROM sessions");
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

static void offer(unsigned char link, enum role role)
{
	assert_int_equal(sessions_offer(store_db(), &tenant, &owner, role, store_hash(link),
					15 * MINUTE_MS, NULL),
			 OK);
}

static enum err open_link(unsigned char link, unsigned char session)
{
	return sessions_open(store_db(), store_hash(link), store_hash(session), 12 * HOUR_MS, NULL);
}

static enum err add(const struct id *of_tenant, unsigned char session)
{
	return sessions_add(store_db(), of_tenant, &owner, ROLE_COACH, store_hash(session), HOUR_MS,
			    NULL);
}

static enum err find(unsigned char hash, struct session *session)
{
	struct target target;

	return callers_by_session(store_db(), store_hash(hash), 30 * MINUTE_MS, (struct slice){0},
				  store_arena(), session, &target, NULL);
}

static void a_link_is_opened_once_and_becomes_the_session(void **state)
{
	struct session session;

	(void)state;
	offer(1, ROLE_COACH);
	assert_int_equal(find(1, &session), ERR_NOT_FOUND);
	assert_int_equal(open_link(1, 2), OK);
	assert_int_equal(find(2, &session), OK);
	assert_int_equal(session.role, ROLE_COACH);
	assert_true(id_equal(&session.owner.id, &owner));
	assert_int_equal(open_link(1, 3), ERR_NOT_FOUND);
	assert_int_equal(find(3, &session), ERR_NOT_FOUND);
	assert_int_equal(find(1, &session), ERR_NOT_FOUND);
	assert_int_equal(find(2, &session), OK);
}

static bool race_to_open(void *cx, unsigned number)
{
	char link[32], session[32];

	(void)cx;
	memset(link, 1, sizeof(link));
	memset(session, (int)number + 2, sizeof(session));
	return !sessions_open(store_db(), (struct slice){link, sizeof(link)},
			      (struct slice){session, sizeof(session)}, HOUR_MS, NULL);
}

static void of_16_who_open_a_link_at_once_one_is_in(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++) {
		store_sql("DELETE FROM sessions");
		offer(1, ROLE_COACH);
		assert_int_equal(store_race(race_to_open, NULL), 1);
	}
}

static void a_link_that_is_unknown_or_too_old_does_not_open(void **state)
{
	(void)state;
	offer(1, ROLE_COACH);
	assert_int_equal(open_link(9, 2), ERR_NOT_FOUND);
	store_sql("UPDATE sessions SET link_expires_at = UTC_TIMESTAMP(3) - INTERVAL 1 SECOND");
	assert_int_equal(open_link(1, 2), ERR_NOT_FOUND);
}

static void link_and_session_are_good_for_the_time_they_were_given(void **state)
{
	(void)state;
	offer(1, ROLE_COACH);
	assert_int_equal(store_number("SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(3), "
				      "link_expires_at) BETWEEN 880 AND 900 FROM sessions"),
			 1);
	assert_int_equal(open_link(1, 2), OK);
	assert_int_equal(store_number("SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(3), expires_at) "
				      "BETWEEN 43180 AND 43200 FROM sessions"),
			 1);
}

static void the_role_of_the_link_is_the_role_of_the_session(void **state)
{
	struct session session;

	(void)state;
	offer(1, ROLE_ADMIN);
	assert_int_equal(open_link(1, 2), OK);
	assert_int_equal(find(2, &session), OK);
	assert_int_equal(session.role, ROLE_ADMIN);
}

static void a_session_without_a_link_is_open_at_once(void **state)
{
	struct session session;

	(void)state;
	assert_int_equal(add(&tenant, 2), OK);
	assert_int_equal(find(2, &session), OK);
	assert_int_equal(session.role, ROLE_COACH);
	assert_int_equal(add(&tenant, 2), ERR_DUPLICATE);
}

static void a_session_of_another_tenants_owner_is_refused(void **state)
{
	struct id stranger = store_tenant("stranger");

	(void)state;
	assert_int_not_equal(add(&stranger, 2), OK);
	assert_int_equal(store_number("SELECT COUNT(*) FROM sessions"), 0);
}

static void who_is_seen_does_not_idle_out(void **state)
{
	struct session session, none;

	(void)state;
	offer(1, ROLE_COACH);
	assert_int_equal(open_link(1, 2), OK);
	assert_int_equal(find(2, &session), OK);
	store_sql("UPDATE sessions SET seen_at = UTC_TIMESTAMP(3) - INTERVAL 31 MINUTE");
	assert_int_equal(find(2, &none), ERR_NOT_FOUND);
	assert_int_equal(sessions_touch(store_db(), &session.id, NULL), OK);
	assert_int_equal(find(2, &none), OK);
}

static void a_session_ends_when_it_is_dropped_also_twice(void **state)
{
	struct session session, gone;

	(void)state;
	offer(1, ROLE_COACH);
	assert_int_equal(open_link(1, 2), OK);
	assert_int_equal(find(2, &session), OK);
	assert_int_equal(sessions_drop(store_db(), &session.id, NULL), OK);
	assert_int_equal(find(2, &gone), ERR_NOT_FOUND);
	assert_int_equal(sessions_drop(store_db(), &session.id, NULL), OK);
	assert_int_equal(open_link(1, 3), ERR_NOT_FOUND);
}

static void what_can_never_be_used_again_is_deleted(void **state)
{
	struct session session;

	(void)state;
	for (unsigned char i = 1; i <= 4; i++)
		offer(i, ROLE_COACH);
	assert_int_equal(open_link(2, 12), OK);
	assert_int_equal(open_link(3, 13), OK);
	store_sql("UPDATE sessions SET link_expires_at = UTC_TIMESTAMP(3) - INTERVAL 1 SECOND "
		  "WHERE link_hash <> REPEAT(CHAR(4), 32)");
	store_sql("UPDATE sessions SET expires_at = UTC_TIMESTAMP(3) - INTERVAL 1 SECOND "
		  "WHERE session_hash = REPEAT(CHAR(13), 32)");
	assert_int_equal(sessions_clean(store_db(), 1, NULL), OK);
	assert_int_equal(store_number("SELECT COUNT(*) FROM sessions"), 3);
	assert_int_equal(sessions_clean(store_db(), 100, NULL), OK);
	assert_int_equal(store_number("SELECT COUNT(*) FROM sessions"), 2);
	assert_int_equal(find(12, &session), OK);
	assert_int_equal(open_link(4, 14), OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_link_is_opened_once_and_becomes_the_session, begin),
		cmocka_unit_test_setup(of_16_who_open_a_link_at_once_one_is_in, begin),
		cmocka_unit_test_setup(a_link_that_is_unknown_or_too_old_does_not_open, begin),
		cmocka_unit_test_setup(link_and_session_are_good_for_the_time_they_were_given,
				       begin),
		cmocka_unit_test_setup(the_role_of_the_link_is_the_role_of_the_session, begin),
		cmocka_unit_test_setup(a_session_without_a_link_is_open_at_once, begin),
		cmocka_unit_test_setup(a_session_of_another_tenants_owner_is_refused, begin),
		cmocka_unit_test_setup(who_is_seen_does_not_idle_out, begin),
		cmocka_unit_test_setup(a_session_ends_when_it_is_dropped_also_twice, begin),
		cmocka_unit_test_setup(what_can_never_be_used_again_is_deleted, begin),
	};

	return cmocka_run_group_tests_name("sessions", tests, start, store_stop);
}
