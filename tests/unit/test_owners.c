#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/owners.h"
#include "tests/unit/store_fixture.h"

static const struct id NONE;
static struct id tenant;

static int begin(void **state)
{
	store_sql("DELETE FROM coach_calendar_connections; DELETE FROM owners");
	return store_fresh_arena(state);
}

static int start(void **state)
{
	if (store_start(state))
		return -1;
	tenant = store_tenant("first");
	return 0;
}

static struct owner put(const char *external_id, const char *email, const char *name,
			const char *zone)
{
	struct owner owner = {
		.tenant = tenant,
		.external_id = slice_of(external_id),
		.email = slice_of(email),
		.name = slice_of(name),
		.time_zone = slice_of(zone),
	};

	assert_int_equal(owners_put(store_db(), &owner, NULL), OK);
	return owner;
}

static enum err find_in(const struct id *of_tenant, const char *external_id, struct owner *out)
{
	return owners_find(store_db(), of_tenant, slice_of(external_id), store_arena(), out, NULL);
}

static struct owner find(const char *external_id)
{
	struct owner owner;

	assert_int_equal(find_in(&tenant, external_id, &owner), OK);
	return owner;
}

static bool default_is(const char *external_id, const struct id *connection)
{
	struct owner owner = find(external_id);

	return id_equal(&owner.default_connection, connection);
}

static enum err set_default(const struct id *owner, const struct id *connection, bool if_none)
{
	return owners_set_default(store_db(), &tenant, owner, connection, if_none, NULL);
}

static void an_owner_is_got_by_id_within_the_tenant(void **state)
{
	struct owner made = put("coach", "a@example.org", "A", "Europe/Berlin"), found;
	struct id other = store_tenant("neighbour");

	(void)state;
	assert_int_equal(owners_get(store_db(), &tenant, &made.id, store_arena(), &found, NULL),
			 OK);
	assert_true(slice_is(found.external_id, "coach") && slice_is(found.name, "A"));
	assert_int_equal(owners_get(store_db(), &other, &made.id, store_arena(), &found, NULL),
			 ERR_NOT_FOUND);
	assert_true(id_is_none(&found.id));
}

static void putting_an_owner_again_keeps_its_id(void **state)
{
	struct owner first = put("coach", "a@example.org", "A", "Europe/Berlin");
	struct owner again = put("coach", "b@example.org", "B", "Europe/Paris"), found;

	(void)state;
	assert_false(id_is_none(&first.id));
	assert_true(id_equal(&first.id, &again.id));
	found = find("coach");
	assert_true(id_equal(&found.id, &first.id));
	assert_true(slice_is(found.email, "b@example.org"));
	assert_true(slice_is(found.name, "B"));
	assert_true(slice_is(found.time_zone, "Europe/Paris"));
}

static void what_is_not_named_stays_as_it_was(void **state)
{
	struct owner found;

	(void)state;
	put("coach", "a@example.org", "A", "Europe/Berlin");
	put("coach", "", NULL, "");
	put("coach", NULL, "B", NULL);
	found = find("coach");
	assert_true(slice_is(found.email, "a@example.org"));
	assert_true(slice_is(found.name, "B"));
	assert_true(slice_is(found.time_zone, "Europe/Berlin"));
}

static void an_external_id_belongs_to_its_tenant(void **state)
{
	struct owner mine = put("coach", NULL, NULL, NULL), found;
	struct owner theirs = {.tenant = store_tenant("other"), .external_id = SLICE("coach")};

	(void)state;
	assert_int_equal(find_in(&theirs.tenant, "coach", &found), ERR_NOT_FOUND);
	assert_true(id_is_none(&found.id));
	assert_int_equal(owners_put(store_db(), &theirs, NULL), OK);
	assert_false(id_equal(&mine.id, &theirs.id));
	assert_int_equal(find_in(&tenant, "COACH", &found), ERR_NOT_FOUND);
}

static void every_text_comes_back_as_it_was_given(void **state)
{
	struct owner found;

	(void)state;
	put("id " HOSTILE, "mail " HOSTILE, "name " HOSTILE, "Etc/UTC");
	found = find("id " HOSTILE);
	assert_true(slice_is(found.external_id, "id " HOSTILE));
	assert_true(slice_is(found.email, "mail " HOSTILE));
	assert_true(slice_is(found.name, "name " HOSTILE));
	assert_int_equal(find_in(&tenant, HOSTILE, &found), ERR_NOT_FOUND);
}

struct firsts {
	struct id ids[STORE_THREADS];
};

static bool race_to_put(void *cx, unsigned number)
{
	struct firsts *firsts = cx;
	struct owner owner = {.tenant = tenant, .external_id = SLICE("raced")};
	enum err e = owners_put(store_db(), &owner, NULL);

	firsts->ids[number] = owner.id;
	return e == OK;
}

static void sixteen_who_put_the_same_owner_get_the_same_id(void **state)
{
	struct firsts firsts;

	(void)state;
	assert_int_equal(store_race(race_to_put, &firsts), STORE_THREADS);
	for (size_t i = 0; i < STORE_THREADS; i++)
		assert_true(id_equal(&firsts.ids[i], &firsts.ids[0]));
	assert_int_equal(store_number("SELECT COUNT(*) FROM owners"), 1);
}

static void the_first_connection_becomes_the_default_and_stays_it(void **state)
{
	struct owner owner = put("coach", NULL, NULL, NULL);
	struct id a = store_connection(&tenant, &owner.id, "a");
	struct id b = store_connection(&tenant, &owner.id, "b");

	(void)state;
	assert_true(default_is("coach", &NONE));
	assert_int_equal(set_default(&owner.id, &a, true), OK);
	assert_true(default_is("coach", &a));
	assert_int_equal(set_default(&owner.id, &b, true), OK);
	assert_true(default_is("coach", &a));
	assert_int_equal(set_default(&owner.id, &b, false), OK);
	assert_true(default_is("coach", &b));
}

static void another_owners_connection_does_not_become_the_default(void **state)
{
	struct id stranger = store_tenant("stranger");
	struct owner owner = put("coach", NULL, NULL, NULL), other = put("other", NULL, NULL, NULL);
	struct id theirs = store_connection(&tenant, &other.id, "a");

	(void)state;
	assert_int_equal(set_default(&owner.id, &theirs, false), ERR_NOT_FOUND);
	assert_int_equal(set_default(&owner.id, &theirs, true), OK);
	assert_int_equal(owners_set_default(store_db(), &stranger, &other.id, &theirs, false, NULL),
			 ERR_NOT_FOUND);
	assert_true(default_is("coach", &NONE));
	assert_true(default_is("other", &NONE));
}

static void the_list_holds_the_tenants_owners_by_their_ids(void **state)
{
	struct id stranger = store_tenant("far");
	struct owner *list;
	size_t n;

	(void)state;
	put("b", NULL, NULL, NULL);
	put("a", NULL, "A", NULL);
	store_owner(&stranger, "c");
	assert_int_equal(owners_list(store_db(), &tenant, store_arena(), &list, &n, NULL), OK);
	assert_int_equal(n, 2);
	assert_true(slice_is(list[0].external_id, "a"));
	assert_true(slice_is(list[0].name, "A"));
	assert_true(slice_is(list[1].external_id, "b"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_owner_is_got_by_id_within_the_tenant, begin),
		cmocka_unit_test_setup(putting_an_owner_again_keeps_its_id, begin),
		cmocka_unit_test_setup(what_is_not_named_stays_as_it_was, begin),
		cmocka_unit_test_setup(an_external_id_belongs_to_its_tenant, begin),
		cmocka_unit_test_setup(every_text_comes_back_as_it_was_given, begin),
		cmocka_unit_test_setup(sixteen_who_put_the_same_owner_get_the_same_id, begin),
		cmocka_unit_test_setup(the_first_connection_becomes_the_default_and_stays_it,
				       begin),
		cmocka_unit_test_setup(another_owners_connection_does_not_become_the_default,
				       begin),
		cmocka_unit_test_setup(the_list_holds_the_tenants_owners_by_their_ids, begin),
	};

	return cmocka_run_group_tests_name("owners", tests, start, store_stop);
}
