#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/mappings.h"
#include "tests/unit/store_fixture.h"

enum { CLAIM_MS = 15000, SETTLE_MS = 60000 };

static const int64_t PLACED_MS = INT64_C(1800000000123), ANSWERED_MS = INT64_C(1800000005678);

static struct id tenant, owner, connection;

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
	return 0;
}

/* An intent under this name: its keys and ids are made of it. */
static struct mapping intended(const char *name)
{
	return (struct mapping){
		.id = id_new(),
		.tenant = tenant,
		.owner = owner,
		.connection = connection,
		.origin = "invite",
		.request_id = slice_of(name),
		.replay_key = store_hash((unsigned char)name[0]),
		.body_hash = store_hash(7),
		.event_ref = slice_of(name),
		.calendar_id = SLICE("primary"),
		.provider_event_id = slice_of(name),
		.event = SLICE("{}"),
		.claim_token = id_new(),
	};
}

static enum err add(const struct mapping *mapping)
{
	const struct intent intent = {mapping, CLAIM_MS, SETTLE_MS};
	const struct intent *one[] = {&intent};

	return mappings_add(store_db(), one, 1, NULL);
}

static struct mapping added(const char *name)
{
	struct mapping mapping = intended(name);

	assert_int_equal(add(&mapping), OK);
	return mapping;
}

/* The number-th of many without a replay key. */
static struct mapping one_of_many(unsigned number)
{
	struct mapping mapping = intended(arena_format(store_arena(), "%u", number));

	mapping.replay_key = (struct slice){0};
	assert_int_equal(add(&mapping), OK);
	return mapping;
}

static struct mapping get(const struct mapping *mapping)
{
	struct mapping out;

	assert_int_equal(
		mappings_get(store_db(), &mapping->tenant, &mapping->id, store_arena(), &out, NULL),
		OK);
	return out;
}

static enum mapping_state state_of(const struct mapping *mapping)
{
	return get(mapping).state;
}

static bool held_by(const struct mapping *mapping, const struct id *claim_token)
{
	struct mapping now = get(mapping);

	return now.claim_runs && id_equal(&now.claim_token, claim_token);
}

static enum err claim(const struct mapping *mapping, const struct id *token, bool same_request)
{
	return mappings_claim(store_db(), mapping, token, same_request, CLAIM_MS, SETTLE_MS, NULL);
}

static enum err end(const struct mapping *mapping, enum mapping_state state)
{
	return mappings_end(store_db(), mapping, state, "provider_refused", NULL);
}

static enum err renew(const struct mapping *mapping)
{
	return mappings_renew_event_id(store_db(), mapping, SLICE("second id"), 1, NULL);
}

static enum err find_request(const char *request_id, struct mapping *out)
{
	return mappings_find_request(store_db(), slice_of(request_id), store_arena(), out, NULL);
}

static void let_claim_run_out(const struct mapping *mapping)
{
	store_sql("UPDATE calendar_event_mappings SET claim_until = UTC_TIMESTAMP(3) "
		  "- INTERVAL 1 SECOND WHERE id = %s",
		  store_hex(&mapping->id));
}

static void let_settle(const struct mapping *mapping)
{
	store_sql("UPDATE calendar_event_mappings SET settle_at = UTC_TIMESTAMP(3) "
		  "- INTERVAL 1 SECOND WHERE id = %s",
		  store_hex(&mapping->id));
}

static struct placed_mark mark_of(const struct mapping *mapping)
{
	return (struct placed_mark){
		.id = mapping->id,
		.claim_token = mapping->claim_token,
		.provider_event_id = SLICE("placed id"),
		.html_link = SLICE("https://calendar.example/1"),
		.placed_ms = PLACED_MS,
	};
}

static enum err place(const struct mapping *mapping)
{
	struct placed_mark mark = mark_of(mapping);
	const struct placed_mark *marks[] = {&mark};

	return mappings_mark_placed(store_db(), marks, 1, NULL);
}

static enum err find_due(struct mapping *out)
{
	return mappings_claim_due(store_db(), CLAIM_MS, SETTLE_MS, store_arena(), out, NULL);
}

static void an_intent_comes_back_as_it_was_given(void **state)
{
	struct mapping mapping = intended("a"), back;

	(void)state;
	mapping.event_ref = SLICE(HOSTILE "ref");
	mapping.calendar_id = SLICE(HOSTILE "calendar");
	mapping.provider_event_id = SLICE(HOSTILE "event");
	mapping.event = SLICE("{\"" HOSTILE "\":1}");
	mapping.generation = 3;
	mapping.keyed = true;
	assert_int_equal(add(&mapping), OK);
	back = get(&mapping);
	assert_true(id_equal(&back.owner, &owner));
	assert_true(id_equal(&back.connection, &connection));
	assert_string_equal(back.origin, "invite");
	assert_int_equal(back.state, MAPPING_INTENDED);
	assert_true(slice_equal(back.request_id, mapping.request_id));
	assert_true(slice_equal(back.replay_key, mapping.replay_key));
	assert_true(slice_equal(back.body_hash, mapping.body_hash));
	assert_true(back.keyed);
	assert_true(slice_equal(back.event_ref, mapping.event_ref));
	assert_true(slice_equal(back.calendar_id, mapping.calendar_id));
	assert_true(slice_equal(back.provider_event_id, mapping.provider_event_id));
	assert_true(slice_equal(back.event, mapping.event));
	assert_int_equal(back.generation, 3);
	assert_int_equal(back.attempt, 1);
	assert_int_equal(back.html_link.len, 0);
	assert_true(held_by(&mapping, &mapping.claim_token));
	assert_in_range(back.age_ms, 0, 20000);
}

static void hostile_keys_find_nothing(void **state)
{
	struct mapping mapping = added("a"), found;

	(void)state;
	assert_int_equal(find_request(HOSTILE, &found), ERR_NOT_FOUND);
	assert_int_equal(mappings_find_replay(store_db(), &tenant, &owner, "' OR 1=1 -- ",
					      mapping.replay_key, store_arena(), &found, NULL),
			 ERR_NOT_FOUND);
}

static void a_request_id_a_replay_key_and_an_event_ref_are_there_once(void **state)
{
	struct mapping first = added("a"), again;

	(void)state;
	again = intended("b");
	again.request_id = first.request_id;
	assert_int_equal(add(&again), ERR_DUPLICATE);
	again = intended("b");
	again.replay_key = first.replay_key;
	assert_int_equal(add(&again), ERR_DUPLICATE);
	again = intended("b");
	again.event_ref = first.event_ref;
	assert_int_equal(add(&again), ERR_DUPLICATE);
	again = intended("b");
	assert_int_equal(add(&again), OK);
	assert_int_equal(store_number("SELECT COUNT(*) FROM calendar_event_mappings"), 2);
}

/* n intents in one call; the last one's replay key is last's where there is one. */
static enum err add_many(unsigned n, const struct mapping *last, struct mapping *rows)
{
	struct intent intents[MAPPINGS_AT_ONCE];
	const struct intent *list[MAPPINGS_AT_ONCE];

	for (unsigned i = 0; i < n; i++) {
		rows[i] = intended(arena_format(store_arena(), "%u", i));
		rows[i].replay_key = i % 3 ? (struct slice){0} : store_hash((unsigned char)i);
		rows[i].event = i % 2 ? (struct slice){0} : rows[i].event_ref;
		intents[i] = (struct intent){&rows[i], CLAIM_MS + i, SETTLE_MS};
		list[i] = &intents[i];
	}
	if (last)
		rows[n - 1].replay_key = last->replay_key;
	return mappings_add(store_db(), list, n, NULL);
}

static void so_many_intents_at_once_each_leave_their_own_row(void **state)
{
	struct mapping rows[MAPPINGS_AT_ONCE];

	(void)state;
	for (unsigned n = 1; n <= MAPPINGS_AT_ONCE; n += n < 4 ? 1 : 7) {
		store_sql("DELETE FROM calendar_event_mappings");
		assert_int_equal(add_many(n, NULL, rows), OK);
		for (unsigned i = 0; i < n; i++) {
			struct mapping row = get(&rows[i]);

			assert_true(held_by(&rows[i], &rows[i].claim_token));
			assert_true(slice_equal(row.event_ref, rows[i].event_ref));
			assert_true(slice_equal(row.replay_key, rows[i].replay_key));
			assert_int_equal(row.event.len, rows[i].event.len);
		}
	}
}

static void of_many_intents_all_are_committed_or_none(void **state)
{
	struct mapping rows[MAPPINGS_AT_ONCE], first = added("a");

	(void)state;
	assert_int_equal(add_many(MAPPINGS_AT_ONCE, &first, rows), ERR_DUPLICATE);
	assert_int_equal(store_number("SELECT COUNT(*) FROM calendar_event_mappings"), 1);
	assert_int_equal(add(&rows[0]), OK);
	assert_int_equal(add(&rows[MAPPINGS_AT_ONCE - 1]), ERR_DUPLICATE);
}

static void an_intent_that_stands_is_not_a_duplicate_of_itself(void **state)
{
	struct mapping mapping = added("a"), other = mapping;

	(void)state;
	assert_int_equal(add(&mapping), OK);
	other.claim_token = id_new();
	assert_int_equal(add(&other), ERR_DUPLICATE);
	assert_int_equal(store_number("SELECT COUNT(*) FROM calendar_event_mappings"), 1);
}

static void many_rows_may_have_no_request_and_no_replay_key(void **state)
{
	struct mapping a = intended("a"), b = intended("b");

	(void)state;
	a.request_id = b.request_id = a.replay_key = b.replay_key = (struct slice){"", 0};
	assert_int_equal(add(&a), OK);
	assert_int_equal(add(&b), OK);
}

static void a_replay_key_guards_its_own_owner_and_origin_alone(void **state)
{
	struct id other = store_owner(&tenant, "replay");
	struct mapping first = added("a"), next = intended("b"), found;

	(void)state;
	next.replay_key = first.replay_key;
	next.origin = "event";
	assert_int_equal(add(&next), OK);
	next = intended("c");
	next.replay_key = first.replay_key;
	next.owner = other;
	next.connection = store_connection(&tenant, &other, "replay");
	assert_int_equal(add(&next), OK);
	assert_int_equal(mappings_find_replay(store_db(), &tenant, &other, "invite",
					      first.replay_key, store_arena(), &found, NULL),
			 OK);
	assert_true(id_equal(&found.id, &next.id));
	assert_int_equal(mappings_find_replay(store_db(), &tenant, &other, "event",
					      first.replay_key, store_arena(), &found, NULL),
			 ERR_NOT_FOUND);
}

struct twins {
	struct mapping mappings[STORE_THREADS];
	enum err results[STORE_THREADS];
};

static bool race_to_add(void *cx, unsigned number)
{
	struct twins *twins = cx;

	twins->results[number] = add(&twins->mappings[number]);
	return twins->results[number] == OK;
}

static void of_16_equal_requests_at_once_one_becomes_the_intent(void **state)
{
	struct twins twins;
	unsigned duplicates = 0;

	(void)state;
	for (unsigned i = 0; i < STORE_THREADS; i++) {
		twins.mappings[i] = intended(arena_format(store_arena(), "%u", i));
		twins.mappings[i].replay_key = store_hash(1);
	}
	for (int round = 0; round < 10; round++) {
		store_sql("DELETE FROM calendar_event_mappings");
		assert_int_equal(store_race(race_to_add, &twins), 1);
		for (unsigned i = 0; i < STORE_THREADS; i++)
			duplicates += twins.results[i] == ERR_DUPLICATE;
	}
	assert_int_equal(duplicates, 10 * (STORE_THREADS - 1));
}

static void a_running_claim_yields_to_its_own_request_alone(void **state)
{
	struct id second = id_new(), third = id_new();
	struct mapping mapping = added("a");

	(void)state;
	assert_int_equal(claim(&mapping, &second, false), ERR_STALE);
	assert_true(held_by(&mapping, &mapping.claim_token));
	assert_int_equal(claim(&mapping, &second, true), OK);
	assert_true(held_by(&mapping, &second));
	assert_int_equal(get(&mapping).attempt, 2);
	/* this one has read the first token, too */
	assert_int_equal(claim(&mapping, &third, true), ERR_STALE);
	assert_true(held_by(&mapping, &second));
}

static void a_claim_that_ran_out_goes_to_one_of_those_who_want_it(void **state)
{
	struct id second = id_new(), third = id_new();
	struct mapping mapping = added("a");

	(void)state;
	let_claim_run_out(&mapping);
	assert_false(get(&mapping).claim_runs);
	assert_int_equal(claim(&mapping, &second, false), OK);
	assert_int_equal(claim(&mapping, &third, false), ERR_STALE);
	assert_true(held_by(&mapping, &second));
}

static bool race_to_claim(void *cx, unsigned number)
{
	struct id token = id_new();

	return claim(cx, &token, number % 2 == 0) == OK;
}

static void of_16_who_claim_at_once_one_gets_it(void **state)
{
	struct mapping mapping = added("a");

	(void)state;
	for (int round = 0; round < 20; round++) {
		let_claim_run_out(&mapping);
		mapping = get(&mapping);
		assert_int_equal(store_race(race_to_claim, &mapping), 1);
	}
	assert_int_equal(get(&mapping).attempt, 21);
}

static void who_claims_leaves_its_own_request_id(void **state)
{
	struct id second = id_new(), third = id_new();
	struct mapping mapping = added("first request"), found, read = mapping;

	(void)state;
	let_claim_run_out(&mapping);
	read.request_id = SLICE("second request");
	assert_int_equal(claim(&read, &second, false), OK);
	assert_int_equal(find_request("second request", &found), OK);
	assert_true(id_equal(&found.id, &mapping.id));
	assert_int_equal(find_request("first request", &read), ERR_NOT_FOUND);
	let_claim_run_out(&mapping);
	found.request_id = (struct slice){0};
	assert_int_equal(claim(&found, &third, false), OK);
	assert_int_equal(find_request("second request", &found), OK);
}

static void an_overtaken_worker_changes_nothing(void **state)
{
	struct id second = id_new();
	struct mapping mapping = added("a"), after;

	(void)state;
	assert_int_equal(claim(&mapping, &second, true), OK);
	assert_int_equal(place(&mapping), ERR_STALE);
	assert_int_equal(end(&mapping, MAPPING_REFUSED), ERR_STALE);
	assert_int_equal(end(&mapping, MAPPING_UNSURE), ERR_STALE);
	assert_int_equal(mappings_postpone(store_db(), &mapping, 1, NULL), ERR_STALE);
	assert_int_equal(renew(&mapping), ERR_STALE);
	after = get(&mapping);
	assert_int_equal(after.state, MAPPING_INTENDED);
	assert_int_equal(after.generation, 0);
	assert_true(slice_is(after.provider_event_id, "a"));
	assert_true(held_by(&mapping, &second));
}

static void what_is_placed_stays_placed_whoever_comes_late(void **state)
{
	struct id late = id_new();
	struct mapping mapping = added("a"), after;

	(void)state;
	assert_int_equal(place(&mapping), OK);
	assert_int_equal(claim(&mapping, &late, true), ERR_STALE);
	assert_int_equal(claim(&mapping, &late, false), ERR_STALE);
	assert_int_equal(end(&mapping, MAPPING_REFUSED), ERR_STALE);
	assert_int_equal(end(&mapping, MAPPING_UNSURE), ERR_STALE);
	assert_int_equal(mappings_postpone(store_db(), &mapping, 1, NULL), ERR_STALE);
	assert_int_equal(renew(&mapping), ERR_STALE);
	after = get(&mapping);
	assert_int_equal(after.state, MAPPING_PLACED);
	assert_false(after.claim_runs);
	assert_true(slice_is(after.provider_event_id, "placed id"));
	assert_true(slice_is(after.html_link, "https://calendar.example/1"));
	assert_int_equal(store_number("SELECT placed_at = '2027-01-15 08:00:00.123' "
				      "FROM calendar_event_mappings"),
			 1);
}

static void marking_placed_twice_is_marking_it_once(void **state)
{
	struct mapping mapping = added("a");

	(void)state;
	assert_int_equal(place(&mapping), OK);
	assert_int_equal(place(&mapping), OK);
	assert_int_equal(state_of(&mapping), MAPPING_PLACED);
}

static void what_was_placed_counts_as_answered_when_its_caller_was_told(void **state)
{
	struct mapping told = added("a"), silent = added("b"), open = added("c");
	struct placed_mark marks[] = {mark_of(&told), mark_of(&silent)};
	const struct placed_mark *list[] = {&marks[0], &marks[1]};

	(void)state;
	marks[0].answered = true;
	assert_int_equal(mappings_mark_placed(store_db(), list, 2, NULL), OK);
	assert_true(get(&told).answered);
	assert_false(get(&silent).answered);
	assert_int_equal(get(&silent).placed_ms, PLACED_MS);
	assert_int_equal(mappings_mark_answered(store_db(), &silent, ANSWERED_MS, NULL), OK);
	assert_true(get(&silent).answered);
	assert_int_equal(get(&silent).placed_ms, ANSWERED_MS);
	assert_int_equal(mappings_mark_answered(store_db(), &open, ANSWERED_MS, NULL), OK);
	assert_false(get(&open).answered);
}

static void of_many_marks_one_that_is_overtaken_leaves_the_others_marked(void **state)
{
	struct id thief = id_new();
	struct mapping a = added("a"), lost = added("b"), c = added("c"), never = intended("d");
	struct placed_mark marks[] = {mark_of(&a), mark_of(&lost), mark_of(&c), mark_of(&never)};
	const struct placed_mark *list[] = {&marks[0], &marks[1], &marks[2], &marks[3]};

	(void)state;
	marks[2].html_link = (struct slice){0};
	assert_int_equal(claim(&lost, &thief, true), OK);
	assert_int_equal(mappings_mark_placed(store_db(), list, 4, NULL), ERR_STALE);
	for (unsigned i = 0; i < ARRAY_LEN(list); i++)
		assert_int_equal(mappings_mark_placed(store_db(), list + i, 1, NULL),
				 i % 2 ? ERR_STALE : OK);
	assert_int_equal(state_of(&a), MAPPING_PLACED);
	assert_int_equal(state_of(&lost), MAPPING_INTENDED);
	assert_int_equal(state_of(&c), MAPPING_PLACED);
	assert_int_equal(get(&c).html_link.len, 0);
}

/* Every number of them that a statement is made for, and those between. */
static void so_many_marks_at_once_each_leave_their_own_values(void **state)
{
	struct placed_mark marks[MAPPINGS_AT_ONCE];
	const struct placed_mark *list[MAPPINGS_AT_ONCE];

	(void)state;
	for (unsigned n = 1; n <= MAPPINGS_AT_ONCE; n++) {
		store_sql("DELETE FROM calendar_event_mappings");
		for (unsigned i = 0; i < n; i++) {
			struct mapping mapping = one_of_many(i);

			marks[i] = mark_of(&mapping);
			marks[i].provider_event_id = marks[i].html_link = mapping.event_ref;
			marks[i].placed_ms += i;
			marks[i].answered = i % 2 == 1;
			list[i] = &marks[i];
		}
		one_of_many(MAPPINGS_AT_ONCE);
		assert_int_equal(mappings_mark_placed(store_db(), list, n, NULL), OK);
		assert_int_equal(
			store_number("SELECT COUNT(*) FROM calendar_event_mappings WHERE state = "
				     "'placed' AND provider_event_id = event_ref AND html_link = "
				     "event_ref AND answered = event_ref %% 2 AND event IS NULL "
				     "AND placed_at = '2027-01-15 08:00:00.123' "
				     "+ INTERVAL 1000 * event_ref MICROSECOND"),
			n);
		assert_int_equal(store_number("SELECT COUNT(*) FROM calendar_event_mappings "
					      "WHERE state = 'intended' AND event = '{}'"),
				 1);
	}
}

static void a_mark_with_the_claim_of_another_row_marks_nothing(void **state)
{
	struct mapping a = added("a"), b = added("b"), c = added("c");
	struct placed_mark marks[] = {mark_of(&a), mark_of(&b), mark_of(&c)};
	const struct placed_mark *list[] = {&marks[0], &marks[1], &marks[2]};

	(void)state;
	marks[0].claim_token = b.claim_token;
	marks[1].claim_token = a.claim_token;
	assert_int_equal(mappings_mark_placed(store_db(), list, 3, NULL), ERR_STALE);
	assert_int_equal(state_of(&c), MAPPING_PLACED);
	assert_int_equal(state_of(&a), MAPPING_INTENDED);
	assert_int_equal(state_of(&b), MAPPING_INTENDED);
}

/* Even where a look at all rows would be cheaper: others' rows are locked. */
static void marks_touch_no_row_but_their_own(void **state)
{
	enum { ROWS = 4, CLAIMS = 384 - 2 * 32 };
	const char *literals[384];

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(literals); i++)
		literals[i] = "'x'";
	for (unsigned i = 0; i < ROWS; i++) {
		struct mapping mapping = one_of_many(i);

		literals[CLAIMS + 2 * i] = store_hex(&mapping.id);
		literals[CLAIMS + 2 * i + 1] = store_hex(&mapping.claim_token);
	}
	assert_string_equal(store_key_of("MAPPINGS_MARK_32_PLACED", literals), "PRIMARY");
	assert_string_equal(store_access_of("MAPPINGS_MARK_32_PLACED", literals), "range");
}

static void a_refused_intent_is_begun_anew_by_a_repetition(void **state)
{
	struct id second = id_new();
	struct mapping mapping = added("a"), after, due;

	(void)state;
	assert_int_equal(end(&mapping, MAPPING_REFUSED), OK);
	assert_int_equal(end(&mapping, MAPPING_REFUSED), OK);
	after = get(&mapping);
	assert_int_equal(after.state, MAPPING_REFUSED);
	assert_false(after.claim_runs);
	assert_int_equal(store_number("SELECT error = 'provider_refused' AND settle_at > "
				      "UTC_TIMESTAMP(3) + INTERVAL 23 HOUR "
				      "FROM calendar_event_mappings"),
			 1);
	let_settle(&mapping);
	assert_int_equal(find_due(&due), ERR_NOT_FOUND);
	assert_int_equal(claim(&after, &second, false), OK);
	assert_int_equal(state_of(&mapping), MAPPING_INTENDED);
	assert_true(held_by(&mapping, &second));
}

static void an_unsure_intent_is_looked_at_when_it_was_going_to_be(void **state)
{
	struct mapping mapping = added("a"), due;

	(void)state;
	assert_int_equal(end(&mapping, MAPPING_UNSURE), OK);
	assert_int_equal(state_of(&mapping), MAPPING_UNSURE);
	assert_false(get(&mapping).claim_runs);
	assert_int_equal(find_due(&due), ERR_NOT_FOUND);
	let_settle(&mapping);
	assert_int_equal(find_due(&due), OK);
	assert_int_equal(due.state, MAPPING_UNSURE);
	assert_int_equal(state_of(&mapping), MAPPING_UNSURE);
}

static void an_attempt_ends_refused_or_unsure_and_not_otherwise(void **state)
{
	struct mapping mapping = added("a");

	(void)state;
	assert_int_equal(end(&mapping, MAPPING_PLACED), ERR_INTERNAL);
	assert_int_equal(end(&mapping, MAPPING_REMOVED), ERR_INTERNAL);
	assert_int_equal(state_of(&mapping), MAPPING_INTENDED);
}

static void the_next_event_id_is_kept_with_its_generation(void **state)
{
	struct mapping mapping = added("a");

	(void)state;
	assert_int_equal(renew(&mapping), OK);
	assert_true(slice_is(get(&mapping).provider_event_id, "second id"));
	assert_int_equal(get(&mapping).generation, 1);
	assert_true(held_by(&mapping, &mapping.claim_token));
}

static void a_released_key_is_free_for_the_next_request(void **state)
{
	struct mapping mapping = added("a"), next = intended("b");

	(void)state;
	next.replay_key = mapping.replay_key;
	assert_int_equal(place(&mapping), OK);
	assert_int_equal(add(&next), ERR_DUPLICATE);
	assert_int_equal(mappings_release(store_db(), &mapping, NULL), OK);
	assert_int_equal(add(&next), OK);
	/* a second one who has read the old row must not free the new row's key */
	assert_int_equal(mappings_release(store_db(), &mapping, NULL), OK);
	assert_int_equal(get(&next).replay_key.len, 32);
}

static void a_key_that_still_guards_is_not_released(void **state)
{
	struct id second = id_new();
	struct mapping mapping = added("a"), read;

	(void)state;
	assert_int_equal(mappings_release(store_db(), &mapping, NULL), OK);
	assert_int_equal(get(&mapping).replay_key.len, 32);
	assert_int_equal(end(&mapping, MAPPING_REFUSED), OK);
	read = get(&mapping);
	read.request_id = SLICE("another request");
	assert_int_equal(claim(&read, &second, false), OK);
	read.claim_token = second;
	assert_int_equal(place(&read), OK);
	assert_int_equal(mappings_release(store_db(), &mapping, NULL), OK);
	assert_int_equal(get(&mapping).replay_key.len, 32);
}

static void waiting_since(const struct mapping *mapping, int seconds)
{
	store_sql("UPDATE calendar_event_mappings SET claim_until = NULL, "
		  "settle_at = UTC_TIMESTAMP(3) - INTERVAL %d SECOND WHERE id = %s",
		  seconds, store_hex(&mapping->id));
}

static void what_is_due_is_claimed_the_longest_waiting_first(void **state)
{
	struct mapping a = added("a"), b = added("b"), c = added("c"), due;

	(void)state;
	waiting_since(&a, 15);
	waiting_since(&b, 10);
	waiting_since(&c, 20);
	assert_int_equal(find_due(&due), OK);
	assert_true(id_equal(&due.id, &c.id));
	assert_int_equal(due.state, MAPPING_INTENDED);
	assert_int_equal(due.attempt, 2);
	assert_int_equal(get(&c).attempt, 2);
	assert_true(held_by(&c, &due.claim_token));
	assert_int_equal(due.tried_ms, id_time_ms(&c.claim_token));
	assert_false(get(&a).claim_runs);
	assert_int_equal(place(&due), OK);
	assert_int_equal(place(&c), ERR_STALE);
	assert_int_equal(find_due(&due), OK);
	assert_true(id_equal(&due.id, &a.id));
	assert_int_equal(find_due(&due), OK);
	assert_true(id_equal(&due.id, &b.id));
}

static void what_is_locked_running_or_not_due_is_passed_over(void **state)
{
	struct mapping locked = added("a"), running = added("b"), later = added("c");
	struct mapping idle = added("d"), placed = added("e"), due;
	enum err e;

	(void)state;
	assert_int_equal(place(&placed), OK);
	store_sql("UPDATE calendar_event_mappings SET claim_until = NULL, "
		  "settle_at = UTC_TIMESTAMP(3) - INTERVAL 1 SECOND");
	store_sql("UPDATE calendar_event_mappings SET claim_until = UTC_TIMESTAMP(3) "
		  "+ INTERVAL 1 MINUTE WHERE id = %s",
		  store_hex(&running.id));
	waiting_since(&later, -60);
	store_lock("SELECT id FROM calendar_event_mappings WHERE id = %s FOR UPDATE",
		   store_hex(&locked.id));
	e = find_due(&due);
	store_unlock();
	assert_int_equal(e, OK);
	assert_true(id_equal(&due.id, &idle.id));
}

struct takers {
	bool has_one[STORE_THREADS];
	struct arena *arenas[STORE_THREADS];
};

static bool race_for_due(void *cx, unsigned number)
{
	struct takers *takers = cx;
	struct mapping due;
	enum err e = mappings_claim_due(store_db(), CLAIM_MS, SETTLE_MS, takers->arenas[number],
					&due, NULL);

	takers->has_one[number] = !e;
	return !e || e == ERR_NOT_FOUND;
}

static void of_16_who_claim_what_is_due_no_two_get_the_same(void **state)
{
	struct takers takers = {{0}, {0}};
	size_t total = 0;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		one_of_many(i);
	store_sql("UPDATE calendar_event_mappings SET claim_until = NULL, "
		  "settle_at = UTC_TIMESTAMP(3) - INTERVAL 1 SECOND");
	for (size_t i = 0; i < STORE_THREADS; i++)
		assert_non_null(takers.arenas[i] = arena_new(1 << 16, 1 << 22));
	assert_int_equal(store_race(race_for_due, &takers), STORE_THREADS);
	for (size_t i = 0; i < STORE_THREADS; i++) {
		total += takers.has_one[i];
		arena_free(takers.arenas[i]);
	}
	assert_true(total >= 1);
	assert_int_equal(total, store_number("SELECT COUNT(*) FROM calendar_event_mappings "
					     "WHERE attempt = 2 AND claim_until IS NOT NULL"));
	assert_int_equal(
		store_number("SELECT COUNT(*) FROM calendar_event_mappings WHERE attempt > 2"), 0);
}

static void a_postponed_intent_is_free_and_due_later(void **state)
{
	struct mapping mapping = added("a"), due;

	(void)state;
	let_settle(&mapping);
	assert_int_equal(mappings_postpone(store_db(), &mapping, 30000, NULL), OK);
	assert_false(get(&mapping).claim_runs);
	assert_int_equal(state_of(&mapping), MAPPING_INTENDED);
	assert_int_equal(find_due(&due), ERR_NOT_FOUND);
	assert_int_equal(store_number("SELECT settle_at > UTC_TIMESTAMP(3) + INTERVAL 20 SECOND "
				      "FROM calendar_event_mappings"),
			 1);
}

static void a_day_after_its_end_the_key_and_the_event_are_forgotten(void **state)
{
	struct mapping placed = added("a"), refused = added("b"), open = added("c");
	struct mapping young = added("d");

	(void)state;
	assert_int_equal(place(&placed), OK);
	assert_int_equal(place(&young), OK);
	assert_int_equal(end(&refused, MAPPING_REFUSED), OK);
	assert_int_equal(mappings_clean(store_db(), 100, NULL), OK);
	assert_int_equal(get(&placed).replay_key.len, 32);
	let_settle(&placed);
	let_settle(&refused);
	let_settle(&open);
	assert_int_equal(mappings_clean(store_db(), 100, NULL), OK);
	assert_int_equal(get(&placed).replay_key.len, 0);
	assert_int_equal(get(&placed).event.len, 0);
	assert_int_equal(state_of(&placed), MAPPING_PLACED);
	assert_int_equal(get(&refused).replay_key.len, 0);
	assert_int_equal(get(&open).replay_key.len, 32);
	assert_int_equal(get(&open).event.len, 2);
	assert_int_equal(get(&young).replay_key.len, 32);
}

static void cleaning_stops_at_its_limit(void **state)
{
	struct mapping a = added("a"), b = added("b"), c = added("c");

	(void)state;
	assert_int_equal(place(&a), OK);
	assert_int_equal(place(&b), OK);
	assert_int_equal(place(&c), OK);
	store_sql("UPDATE calendar_event_mappings SET settle_at = UTC_TIMESTAMP(3)");
	assert_int_equal(mappings_clean(store_db(), 2, NULL), OK);
	assert_int_equal(store_number("SELECT COUNT(*) FROM calendar_event_mappings "
				      "WHERE settle_at IS NULL"),
			 2);
}

static void another_tenant_finds_and_changes_nothing(void **state)
{
	struct id stranger = store_tenant("stranger"), token = id_new();
	struct mapping mapping = added("a"), foreign = mapping, found;

	(void)state;
	foreign.tenant = stranger;
	assert_int_equal(
		mappings_get(store_db(), &stranger, &mapping.id, store_arena(), &found, NULL),
		ERR_NOT_FOUND);
	assert_int_equal(mappings_find_replay(store_db(), &stranger, &owner, "invite",
					      mapping.replay_key, store_arena(), &found, NULL),
			 ERR_NOT_FOUND);
	assert_int_equal(claim(&foreign, &token, true), ERR_STALE);
	assert_int_equal(end(&foreign, MAPPING_REFUSED), ERR_STALE);
	assert_int_equal(end(&foreign, MAPPING_UNSURE), ERR_STALE);
	assert_int_equal(mappings_postpone(store_db(), &foreign, 1, NULL), ERR_STALE);
	assert_int_equal(renew(&foreign), ERR_STALE);
	assert_int_equal(place(&mapping), OK);
	assert_int_equal(mappings_release(store_db(), &foreign, NULL), OK);
	assert_int_equal(get(&mapping).replay_key.len, 32);
}

static void an_intent_for_a_calendar_of_another_owner_is_refused(void **state)
{
	struct mapping mapping = intended("a");

	(void)state;
	mapping.owner = store_owner(&tenant, "other");
	assert_int_not_equal(add(&mapping), OK);
	assert_int_equal(store_number("SELECT COUNT(*) FROM calendar_event_mappings"), 0);
}

static void the_count_tells_what_is_open_and_what_is_due(void **state)
{
	struct mapping_counts counts;
	struct mapping a = added("a"), b = added("b"), c = added("c");

	(void)state;
	assert_int_equal(place(&a), OK);
	assert_int_equal(end(&b, MAPPING_UNSURE), OK);
	let_settle(&a);
	let_settle(&c);
	assert_int_equal(mappings_count(store_db(), &counts, NULL), OK);
	assert_int_equal(counts.intended, 1);
	assert_int_equal(counts.unsure, 1);
	assert_int_equal(counts.due, 1);
}

static void the_lookups_read_one_row_by_a_unique_key(void **state)
{
	struct mapping mapping = added("a");
	const char *request[] = {"'a'"};
	const char *replay[] = {store_hex(&tenant), store_hex(&owner), "'invite'",
				"REPEAT('a', 32)"};
	const char *id[] = {store_hex(&tenant), store_hex(&mapping.id)};
	unsigned tables;

	(void)state;
	added("b");
	assert_true(store_reads_by_key("MAPPINGS_FIND_REQUEST", request, &tables));
	assert_int_equal(tables, 1);
	assert_true(store_reads_by_key("MAPPINGS_FIND_REPLAY", replay, &tables));
	assert_true(store_reads_by_key("MAPPINGS_GET", id, &tables));
}

static void the_search_for_what_is_due_goes_by_its_index(void **state)
{
	const char *limit[] = {"10"};

	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		struct mapping mapping = one_of_many(i);

		assert_int_equal(place(&mapping), OK);
	}
	added("z");
	store_sql("ANALYZE TABLE calendar_event_mappings");
	assert_string_equal(store_key_of("MAPPINGS_FIND_DUE", limit), "ix_mappings_settle");
	assert_string_equal(store_key_of("MAPPINGS_CLEAN", limit), "ix_mappings_settle");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_intent_comes_back_as_it_was_given, begin),
		cmocka_unit_test_setup(hostile_keys_find_nothing, begin),
		cmocka_unit_test_setup(a_request_id_a_replay_key_and_an_event_ref_are_there_once,
				       begin),
		cmocka_unit_test_setup(so_many_intents_at_once_each_leave_their_own_row, begin),
		cmocka_unit_test_setup(of_many_intents_all_are_committed_or_none, begin),
		cmocka_unit_test_setup(an_intent_that_stands_is_not_a_duplicate_of_itself, begin),
		cmocka_unit_test_setup(many_rows_may_have_no_request_and_no_replay_key, begin),
		cmocka_unit_test_setup(a_replay_key_guards_its_own_owner_and_origin_alone, begin),
		cmocka_unit_test_setup(of_16_equal_requests_at_once_one_becomes_the_intent, begin),
		cmocka_unit_test_setup(a_running_claim_yields_to_its_own_request_alone, begin),
		cmocka_unit_test_setup(a_claim_that_ran_out_goes_to_one_of_those_who_want_it,
				       begin),
		cmocka_unit_test_setup(of_16_who_claim_at_once_one_gets_it, begin),
		cmocka_unit_test_setup(who_claims_leaves_its_own_request_id, begin),
		cmocka_unit_test_setup(an_overtaken_worker_changes_nothing, begin),
		cmocka_unit_test_setup(what_is_placed_stays_placed_whoever_comes_late, begin),
		cmocka_unit_test_setup(marking_placed_twice_is_marking_it_once, begin),
		cmocka_unit_test_setup(what_was_placed_counts_as_answered_when_its_caller_was_told,
				       begin),
		cmocka_unit_test_setup(of_many_marks_one_that_is_overtaken_leaves_the_others_marked,
				       begin),
		cmocka_unit_test_setup(so_many_marks_at_once_each_leave_their_own_values, begin),
		cmocka_unit_test_setup(a_mark_with_the_claim_of_another_row_marks_nothing, begin),
		cmocka_unit_test_setup(marks_touch_no_row_but_their_own, begin),
		cmocka_unit_test_setup(a_refused_intent_is_begun_anew_by_a_repetition, begin),
		cmocka_unit_test_setup(an_unsure_intent_is_looked_at_when_it_was_going_to_be,
				       begin),
		cmocka_unit_test_setup(an_attempt_ends_refused_or_unsure_and_not_otherwise, begin),
		cmocka_unit_test_setup(the_next_event_id_is_kept_with_its_generation, begin),
		cmocka_unit_test_setup(a_released_key_is_free_for_the_next_request, begin),
		cmocka_unit_test_setup(a_key_that_still_guards_is_not_released, begin),
		cmocka_unit_test_setup(what_is_due_is_claimed_the_longest_waiting_first, begin),
		cmocka_unit_test_setup(what_is_locked_running_or_not_due_is_passed_over, begin),
		cmocka_unit_test_setup(of_16_who_claim_what_is_due_no_two_get_the_same, begin),
		cmocka_unit_test_setup(a_postponed_intent_is_free_and_due_later, begin),
		cmocka_unit_test_setup(a_day_after_its_end_the_key_and_the_event_are_forgotten,
				       begin),
		cmocka_unit_test_setup(cleaning_stops_at_its_limit, begin),
		cmocka_unit_test_setup(another_tenant_finds_and_changes_nothing, begin),
		cmocka_unit_test_setup(an_intent_for_a_calendar_of_another_owner_is_refused, begin),
		cmocka_unit_test_setup(the_count_tells_what_is_open_and_what_is_due, begin),
		cmocka_unit_test_setup(the_lookups_read_one_row_by_a_unique_key, begin),
		cmocka_unit_test_setup(the_search_for_what_is_due_goes_by_its_index, begin),
	};

	return cmocka_run_group_tests_name("mappings", tests, start, store_stop);
}
