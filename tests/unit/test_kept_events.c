#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/kept_events.h"
#include "store/mappings.h"
#include "tests/unit/store_fixture.h"

enum { CLAIM_MS = 15000, SETTLE_MS = 60000 };

static struct id tenant, owner, connection;
static struct kept_owner whose;

static int begin(void **state)
{
	store_sql("DELETE FROM calendar_event_mappings");
	return store_fresh_arena(state);
}

static int start(void **state)
{
	if (store_start(state))
		return -1;
	tenant = store_tenant("first");
	owner = store_owner(&tenant, "coach");
	connection = store_connection(&tenant, &owner, "account");
	whose = (struct kept_owner){&tenant, &owner};
	return 0;
}

/* One that stands, in this calendar. */
static struct mapping placed(const char *calendar)
{
	struct mapping mapping = {
		.id = id_new(),
		.tenant = tenant,
		.owner = owner,
		.connection = connection,
		.origin = "event",
		.calendar_id = slice_of(calendar),
		.provider_event_id = SLICE("1"),
		.event = SLICE("{}"),
		.claim_token = id_new(),
	};
	const struct placed_mark mark = {.id = mapping.id,
					 .claim_token = mapping.claim_token,
					 .provider_event_id = SLICE("at the provider"),
					 .answer = SLICE("{\"id\":1}"),
					 .answered = true};
	const struct placed_mark *marks[] = {&mark};
	const struct intent intent = {&mapping, CLAIM_MS, SETTLE_MS};
	const struct intent *intents[] = {&intent};
	char text[ID_TEXT_BYTES];

	id_text(&mapping.id, text);
	mapping.event_ref = slice_of(arena_copy(store_arena(), slice_of(text)));
	assert_int_equal(mappings_add(store_db(), intents, 1, NULL), OK);
	assert_int_equal(mappings_mark_placed(store_db(), marks, 1, NULL), OK);
	return mapping;
}

static enum err find(const struct mapping *mapping, struct mapping *out)
{
	return kept_events_find(store_db(), whose, &mapping->id, store_arena(), out, NULL);
}

static enum err rewrite(const struct mapping *mapping, const char *event)
{
	return kept_events_rewrite(store_db(), mapping, slice_of(event), NULL);
}

static void what_was_asked_for_and_answered_is_kept_when_it_stands(void **state)
{
	struct mapping mapping = placed("primary"), found;

	(void)state;
	assert_int_equal(find(&mapping, &found), OK);
	assert_int_equal(found.state, MAPPING_PLACED);
	assert_true(slice_is(found.event, "{}"));
	assert_true(slice_is(found.answer, "{\"id\":1}"));
	assert_true(slice_is(found.provider_event_id, "at the provider"));
}

static void a_day_later_the_answer_is_forgotten_and_the_event_is_not(void **state)
{
	struct mapping mapping = placed("primary"), found;

	(void)state;
	store_sql("UPDATE calendar_event_mappings SET settle_at = UTC_TIMESTAMP(3)");
	assert_int_equal(mappings_clean(store_db(), 10, NULL), OK);
	assert_int_equal(find(&mapping, &found), OK);
	assert_true(slice_is(found.event, "{}"));
	assert_int_equal(found.answer.len, 0);
}

static void nobody_finds_another_ones(void **state)
{
	struct mapping mapping = placed("primary"), found;
	struct kept_list list = {.ids = &mapping.id, .n_ids = 1};
	struct id other = store_owner(&tenant, "other"), stranger = store_tenant("stranger");
	const struct kept_owner others[] = {{&tenant, &other}, {&stranger, &owner}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		assert_int_equal(kept_events_find(store_db(), others[i], &mapping.id, store_arena(),
						  &found, NULL),
				 ERR_NOT_FOUND);
		assert_int_equal(kept_events_of(store_db(), others[i], &list, store_arena(), NULL),
				 OK);
		assert_int_equal(list.n_rows, 0);
	}
}

static void of_many_ids_those_that_there_are_are_found(void **state)
{
	const struct {
		size_t asked, found;
	} cases[] = {{KEPT_EVENTS_MAX, KEPT_EVENTS_MAX / 2}, {1, 1}, {2, 1}, {0, 0}};
	struct id ids[KEPT_EVENTS_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		ids[i] = i % 2 ? id_new() : placed("primary").id;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct kept_list list = {.ids = ids, .n_ids = cases[i].asked};

		assert_int_equal(kept_events_of(store_db(), whose, &list, store_arena(), NULL), OK);
		assert_int_equal(list.n_rows, cases[i].found);
		if (cases[i].found == 1)
			assert_true(id_equal(&list.rows[0].id, &ids[0]));
	}
}

static void each_calendar_is_named_once_in_order(void **state)
{
	struct kept_calendar *calendars;
	size_t n;

	(void)state;
	placed("work");
	placed("primary");
	placed("work");
	assert_int_equal(
		kept_events_calendars(store_db(), whose, store_arena(), &calendars, &n, NULL), OK);
	assert_int_equal(n, 2);
	assert_true(slice_is(calendars[0].calendar_id, "primary"));
	assert_true(slice_is(calendars[1].calendar_id, "work"));
	assert_true(id_equal(&calendars[1].connection, &connection));
}

static void who_rewrites_what_it_has_not_read_is_told(void **state)
{
	struct mapping mapping = placed("primary"), found;

	(void)state;
	assert_int_equal(rewrite(&mapping, "{\"a\":1}"), OK);
	assert_int_equal(rewrite(&mapping, "{\"b\":1}"), ERR_STALE);
	assert_int_equal(rewrite(&mapping, "{\"a\":1}"), OK); /* as after a lost answer */
	assert_int_equal(find(&mapping, &found), OK);
	assert_true(slice_is(found.event, "{\"a\":1}"));
	assert_int_equal(rewrite(&found, "{\"b\":1}"), OK);
}

static bool rewrite_one(void *cx, unsigned number)
{
	const struct mapping *mapping = cx;
	char event[] = "{\"?\":1}";

	event[2] = (char)('a' + number);
	return kept_events_rewrite(store_db(), mapping, slice_of(event), NULL) == OK;
}

static void of_16_who_rewrite_at_once_one_has_done_it(void **state)
{
	struct mapping mapping = placed("primary");

	(void)state;
	assert_int_equal(store_race(rewrite_one, &mapping), 1);
}

static void what_is_removed_stays_so_and_is_not_rewritten(void **state)
{
	struct mapping mapping = placed("primary"), found;

	(void)state;
	assert_int_equal(kept_events_remove(store_db(), &mapping, NULL), OK);
	assert_int_equal(kept_events_remove(store_db(), &mapping, NULL), OK);
	assert_int_equal(find(&mapping, &found), OK);
	assert_int_equal(found.state, MAPPING_REMOVED);
	assert_int_equal(found.event.len, 0);
	assert_true(slice_is(found.answer, "{\"id\":1}"));
	assert_int_equal(rewrite(&mapping, "{\"a\":1}"), ERR_STALE);
}

static void one_is_found_by_its_key_and_the_calendars_by_their_index(void **state)
{
	struct mapping mapping = placed("primary");
	const char *find_in[] = {store_hex(&tenant), store_hex(&owner), store_hex(&mapping.id)};
	unsigned tables;

	(void)state;
	for (unsigned i = 0; i < 30; i++)
		placed("work");
	store_sql("ANALYZE TABLE calendar_event_mappings");
	assert_true(store_reads_by_key("KEPT_EVENTS_FIND", find_in, &tables));
	assert_string_equal(store_key_of("KEPT_EVENTS_CALENDARS", find_in),
			    "ix_mappings_connection");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_was_asked_for_and_answered_is_kept_when_it_stands,
				       begin),
		cmocka_unit_test_setup(a_day_later_the_answer_is_forgotten_and_the_event_is_not,
				       begin),
		cmocka_unit_test_setup(nobody_finds_another_ones, begin),
		cmocka_unit_test_setup(of_many_ids_those_that_there_are_are_found, begin),
		cmocka_unit_test_setup(each_calendar_is_named_once_in_order, begin),
		cmocka_unit_test_setup(who_rewrites_what_it_has_not_read_is_told, begin),
		cmocka_unit_test_setup(of_16_who_rewrite_at_once_one_has_done_it, begin),
		cmocka_unit_test_setup(what_is_removed_stays_so_and_is_not_rewritten, begin),
		cmocka_unit_test_setup(one_is_found_by_its_key_and_the_calendars_by_their_index,
				       begin),
	};

	return cmocka_run_group_tests_name("kept_events", tests, start, store_stop);
}
