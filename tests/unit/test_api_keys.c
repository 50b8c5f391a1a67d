#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/api_keys.h"
#include "tests/unit/store_fixture.h"

static struct id tenant;

static int begin(void **state)
{
	store_sql("DELETE FROM api_keys");
	return store_fresh_arena(state);
}

static int start(void **state)
{
	if (store_start(state))
		return -1;
	tenant = store_tenant("first");
	return 0;
}

static struct api_key_row row_of(const char *name, const char *scopes)
{
	return (struct api_key_row){
		.id = id_new(),
		.name = slice_of(name),
		.prefix = SLICE("cbk_12345678"),
		.scopes = slice_of(scopes),
		.expires_ms = -1,
	};
}

static enum err add(const struct api_key_row *row, unsigned char hash)
{
	return api_keys_add(store_db(), row, &tenant, store_hash(hash), NULL);
}

static struct id added(const char *name, unsigned char hash)
{
	struct api_key_row row = row_of(name, "events");

	assert_int_equal(add(&row, hash), OK);
	return row.id;
}

static size_t list_all(struct api_key_row **out)
{
	size_t n;

	assert_int_equal(api_keys_list(store_db(), store_arena(), out, &n, NULL), OK);
	return n;
}

static void a_key_is_listed_as_it_was_made(void **state)
{
	struct api_key_row row = row_of(HOSTILE, "admin,events"), *list;

	(void)state;
	row.expires_ms = INT64_C(1800000000000);
	assert_int_equal(add(&row, 1), OK);
	assert_int_equal(list_all(&list), 1);
	assert_true(id_equal(&list[0].id, &row.id));
	assert_true(slice_is(list[0].tenant, "first"));
	assert_true(slice_is(list[0].name, HOSTILE));
	assert_true(slice_is(list[0].prefix, "cbk_12345678"));
	assert_true(slice_is(list[0].scopes, "events,admin"));
	assert_int_equal(list[0].expires_ms, INT64_C(1800000000000));
	assert_int_equal(list[0].revoked_ms, -1);
	assert_int_equal(list[0].last_used_ms, -1);
	assert_true(list[0].created_ms > 0);
}

static void the_oldest_key_is_listed_first(void **state)
{
	struct id young = added("young", 1), old = added("old", 2);
	struct api_key_row *list;

	(void)state;
	store_sql("UPDATE api_keys SET created_at = '2020-01-01' WHERE id = %s", store_hex(&old));
	assert_int_equal(list_all(&list), 2);
	assert_true(id_equal(&list[0].id, &old));
	assert_true(id_equal(&list[1].id, &young));
}

static void the_same_key_is_not_added_twice(void **state)
{
	struct api_key_row row = row_of("b", "events");

	(void)state;
	added("a", 1);
	assert_int_equal(add(&row, 1), ERR_DUPLICATE);
}

static void an_unknown_scope_is_refused(void **state)
{
	struct api_key_row row = row_of("a", "events,everything");

	(void)state;
	assert_int_not_equal(add(&row, 1), OK);
	assert_int_equal(store_number("SELECT COUNT(*) FROM api_keys"), 0);
}

static void a_key_is_revoked_once(void **state)
{
	struct id id = added("a", 1), other = added("b", 2), unknown = id_new();
	struct api_key_row *list;

	(void)state;
	assert_int_equal(api_keys_revoke(store_db(), &id, NULL), OK);
	assert_int_equal(api_keys_revoke(store_db(), &id, NULL), ERR_NOT_FOUND);
	assert_int_equal(api_keys_revoke(store_db(), &unknown, NULL), ERR_NOT_FOUND);
	assert_int_equal(list_all(&list), 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(list[i].revoked_ms == -1, id_equal(&list[i].id, &other));
}

static void two_keys_of_a_name_hold_at_a_time(void **state)
{
	struct api_key_row row = row_of("a", "events");
	struct id other = store_tenant("other");
	struct id first = added("a", 1);

	(void)state;
	added("a", 2);
	assert_int_equal(add(&row, 3), ERR_DUPLICATE);
	assert_int_equal(store_number("SELECT COUNT(*) FROM api_keys"), 2);
	added("A", 4);
	assert_int_equal(api_keys_add(store_db(), &row, &other, store_hash(5), NULL), OK);
	assert_int_equal(api_keys_revoke(store_db(), &first, NULL), OK);
	added("a", 6);
	assert_int_equal(add(&row, 7), ERR_DUPLICATE);
	store_sql("UPDATE api_keys SET expires_at = UTC_TIMESTAMP(3) - INTERVAL 1 SECOND");
	added("a", 8);
}

static enum err add_one(struct db *tx, void *cx, struct fail *why)
{
	const unsigned *number = cx;
	struct api_key_row row = row_of("raced", "events");
	unsigned char hash[32] = {(unsigned char)*number};

	return api_keys_add(tx, &row, &tenant, (struct slice){(const char *)hash, sizeof(hash)},
			    why);
}

static bool race_to_add(void *cx, unsigned number)
{
	(void)cx;
	return db_transact(store_db(), add_one, &number, NULL) == OK;
}

static void of_16_who_add_a_key_of_a_name_at_once_two_can(void **state)
{
	(void)state;
	/* in the first round they still have to connect */
	for (unsigned round = 0; round < 10; round++) {
		store_sql("DELETE FROM api_keys");
		assert_int_equal(store_race(race_to_add, NULL), 2);
		assert_int_equal(store_number("SELECT COUNT(*) FROM api_keys"), 2);
	}
}

static bool race_to_be_first(void *cx, unsigned number)
{
	bool first = false;

	(void)number;
	return !api_keys_mark_first_use(store_db(), cx, &first, NULL) && first;
}

static void of_16_first_uses_at_once_one_is_the_first(void **state)
{
	struct id id = added("a", 1);
	bool first = true;

	(void)state;
	assert_int_equal(store_race(race_to_be_first, &id), 1);
	assert_int_equal(api_keys_mark_first_use(store_db(), &id, &first, NULL), OK);
	assert_false(first);
}

static void the_last_use_of_a_key_is_listed(void **state)
{
	struct id id = added("a", 1);
	struct api_key_row *list;
	bool first;

	(void)state;
	added("b", 2);
	assert_int_equal(api_keys_mark_first_use(store_db(), &id, &first, NULL), OK);
	assert_int_equal(list_all(&list), 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(list[i].last_used_ms > 0, id_equal(&list[i].id, &id));
	store_sql("UPDATE api_keys SET last_used_at = '2020-01-01' WHERE name = 'a'");
	assert_int_equal(api_keys_touch(store_db(), &id, NULL), OK);
	assert_int_equal(store_number("SELECT COUNT(*) FROM api_keys WHERE last_used_at > "
				      "UTC_TIMESTAMP(3) - INTERVAL 1 MINUTE"),
			 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_key_is_listed_as_it_was_made, begin),
		cmocka_unit_test_setup(the_oldest_key_is_listed_first, begin),
		cmocka_unit_test_setup(the_same_key_is_not_added_twice, begin),
		cmocka_unit_test_setup(an_unknown_scope_is_refused, begin),
		cmocka_unit_test_setup(a_key_is_revoked_once, begin),
		cmocka_unit_test_setup(two_keys_of_a_name_hold_at_a_time, begin),
		cmocka_unit_test_setup(of_16_who_add_a_key_of_a_name_at_once_two_can, begin),
		cmocka_unit_test_setup(of_16_first_uses_at_once_one_is_the_first, begin),
		cmocka_unit_test_setup(the_last_use_of_a_key_is_listed, begin),
	};

	return cmocka_run_group_tests_name("api_keys", tests, start, store_stop);
}
