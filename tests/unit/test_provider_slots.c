#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/provider_slots.h"
#include "tests/unit/store_fixture.h"

enum { SLOTS = 4, LONG_MS = 60000 };

static int begin(void **state)
{
	store_sql("DELETE FROM provider_slots");
	return store_fresh_arena(state);
}

static int start(void **state)
{
	return store_start(state);
}

static bool take(const char *subject, const struct id *token)
{
	bool taken = false;

	assert_int_equal(
		provider_slots_take(store_db(), subject, SLOTS, token, LONG_MS, &taken, NULL), OK);
	return taken;
}

static void give(const char *subject, const struct id *token)
{
	assert_int_equal(provider_slots_give(store_db(), subject, token, NULL), OK);
}

static void so_many_of_an_account_are_held_at_once_and_no_more(void **state)
{
	struct id tokens[SLOTS + 1];

	(void)state;
	for (unsigned i = 0; i <= SLOTS; i++) {
		tokens[i] = id_new();
		assert_int_equal(take("outlook:1", &tokens[i]), i < SLOTS);
	}
	assert_true(take("outlook:2", &tokens[SLOTS]));
	give("outlook:1", &tokens[2]);
	assert_true(take("outlook:1", &tokens[SLOTS]));
	assert_false(take("outlook:1", &tokens[2]));
}

static void giving_back_twice_frees_nothing_of_anybody_else(void **state)
{
	struct id mine = id_new(), other = id_new();

	(void)state;
	for (unsigned i = 0; i + 1 < SLOTS; i++) {
		struct id token = id_new();

		assert_true(take("outlook:1", &token));
	}
	assert_true(take("outlook:1", &mine));
	give("outlook:1", &mine);
	assert_true(take("outlook:1", &other));
	give("outlook:1", &mine);
	assert_false(take("outlook:1", &mine));
}

static void who_died_gives_back_when_the_lease_is_over(void **state)
{
	struct id token = id_new();

	(void)state;
	for (unsigned i = 0; i < SLOTS; i++) {
		struct id dead = id_new();

		assert_true(take("outlook:1", &dead));
	}
	assert_false(take("outlook:1", &token));
	store_sql("UPDATE provider_slots SET held_until = UTC_TIMESTAMP(3) - INTERVAL 1 SECOND "
		  "WHERE slot = 3");
	assert_true(take("outlook:1", &token));
	assert_false(take("outlook:1", &token));
}

static void fewer_slots_than_before_are_taken_as_such(void **state)
{
	struct id first = id_new(), second = id_new();
	bool taken;

	(void)state;
	assert_true(take("outlook:1", &first));
	give("outlook:1", &first);
	assert_int_equal(
		provider_slots_take(store_db(), "outlook:1", 1, &first, LONG_MS, &taken, NULL), OK);
	assert_true(taken);
	assert_int_equal(
		provider_slots_take(store_db(), "outlook:1", 1, &second, LONG_MS, &taken, NULL),
		OK);
	assert_false(taken);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(so_many_of_an_account_are_held_at_once_and_no_more, begin),
		cmocka_unit_test_setup(giving_back_twice_frees_nothing_of_anybody_else, begin),
		cmocka_unit_test_setup(who_died_gives_back_when_the_lease_is_over, begin),
		cmocka_unit_test_setup(fewer_slots_than_before_are_taken_as_such, begin),
	};

	return cmocka_run_group_tests_name("provider_slots", tests, start, store_stop);
}
