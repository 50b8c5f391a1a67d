#include <mysql.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/privacy.h"
#include "store/appointments.h"
#include "tests/unit/store_fixture.h"

enum { MANY = 200 };

static const int64_t START_MS = INT64_C(1900000000000);

static struct id tenant, stranger;
static struct id ada, bob; /* connections of the coaches of these names */

static int start(void **state)
{
	struct id owner;

	if (store_start(state))
		return -1;
	tenant = store_tenant("coaching");
	stranger = store_tenant("stranger");
	owner = store_owner(&tenant, "ada");
	ada = store_connection(&tenant, &owner, "of ada");
	owner = store_owner(&tenant, "bob");
	bob = store_connection(&tenant, &owner, "of bob");
	owner = store_owner(&stranger, "ada");
	(void)store_connection(&stranger, &owner, "another ada");
	return 0;
}

static int begin(void **state)
{
	store_sql("DELETE FROM appointments");
	store_sql("DELETE FROM calendar_sync_queue");
	store_sql("UPDATE calendar_sync_lanes SET turn_at = NULL, is_fed = TRUE");
	return store_fresh_arena(state);
}

static struct appointment confirmed(const char *id)
{
	return (struct appointment){
		.id = slice_of(id),
		.coach = SLICE("ada"),
		.client_name = SLICE("Zoe"),
		.start_ms = START_MS,
		.end_ms = START_MS + 3600000,
		.status = APPOINTMENT_CONFIRMED,
		.version = -1,
	};
}

static void put(const struct appointment *item)
{
	assert_int_equal(appointments_put(store_db(), &tenant, item, 1, false, NULL), OK);
}

static void put_quietly(const struct appointment *item)
{
	assert_int_equal(appointments_put(store_db(), &tenant, item, 1, true, NULL), OK);
}

static struct appointment_row get(const char *id)
{
	struct appointment_row row;

	assert_int_equal(
		appointments_get(store_db(), &tenant, slice_of(id), store_arena(), &row, NULL), OK);
	return row;
}

/* Rows. */

static void what_is_put_is_what_is_there(void **state)
{
	struct appointment all = confirmed("a|1"), bare = confirmed("a2"), back;

	(void)state;
	all.client_name = all.service = all.notes = all.location = SLICE(HOSTILE);
	all.client_email = SLICE("zoe@example.com");
	all.time_zone = SLICE("Europe/Berlin");
	all.version = INT64_MAX;
	put(&all);
	back = get("a|1").appointment;
	assert_true(slice_is(back.id, "a|1") && slice_is(back.coach, "ada"));
	assert_true(slice_is(back.client_name, HOSTILE) && slice_is(back.service, HOSTILE));
	assert_true(slice_is(back.notes, HOSTILE) && slice_is(back.location, HOSTILE));
	assert_true(slice_is(back.client_email, "zoe@example.com"));
	assert_true(slice_is(back.time_zone, "Europe/Berlin"));
	assert_int_equal(back.start_ms, all.start_ms);
	assert_int_equal(back.end_ms, all.end_ms);
	assert_int_equal(back.status, APPOINTMENT_CONFIRMED);
	assert_true(back.version == INT64_MAX);
	bare.client_name = SLICE("");
	bare.status = APPOINTMENT_CANCELLED;
	put(&bare);
	back = get("a2").appointment;
	assert_int_equal(back.client_name.len + back.notes.len + back.time_zone.len, 0);
	assert_int_equal(back.status, APPOINTMENT_CANCELLED);
	assert_int_equal(back.version, -1);
}

static void another_tenants_is_not_found(void **state)
{
	struct appointment item = confirmed("a1");
	struct appointment_row row;

	(void)state;
	put(&item);
	assert_int_equal(
		appointments_get(store_db(), &stranger, item.id, store_arena(), &row, NULL),
		ERR_NOT_FOUND);
	assert_int_equal(appointments_cancel(store_db(), &stranger, item.id, NULL), ERR_NOT_FOUND);
	item.client_name = SLICE("Theirs");
	assert_int_equal(appointments_put(store_db(), &stranger, &item, 1, false, NULL), OK);
	assert_true(slice_is(get("a1").appointment.client_name, "Zoe"));
}

struct version_row {
	int64_t stored, given;
	bool taken;
	int64_t after;
};

static const struct version_row VERSIONS[] = {
	{5, 4, false, 5}, {5, 5, true, 5},  {5, 6, true, 6},    {5, -1, true, 5},
	{-1, 0, true, 0}, {0, -1, true, 0}, {-1, -1, true, -1}, {1, 0, false, 1},
};

static void an_older_version_changes_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(VERSIONS); i++) {
		const struct version_row *row = &VERSIONS[i];
		struct appointment item = confirmed("a1");
		bool is_older;

		store_sql("DELETE FROM appointments");
		item.version = row->stored;
		put(&item);
		item.version = row->given;
		item.client_name = SLICE("New");
		item.status = APPOINTMENT_CANCELLED;
		item.start_ms++;
		put(&item);
		if (slice_is(get("a1").appointment.client_name, "New") != row->taken ||
		    (get("a1").appointment.start_ms != START_MS) != row->taken ||
		    get("a1").appointment.version != row->after)
			fail_msg("row %zu", i);
		assert_int_equal(
			appointments_find_older(store_db(), &tenant, &item, 1, &is_older, NULL),
			OK);
		assert_int_equal(is_older, !row->taken);
	}
}

static void many_are_put_at_once_and_of_one_id_the_last_counts(void **state)
{
	static struct appointment items[MANY];
	static char ids[MANY][8];
	static bool is_older[MANY];

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(ids[i], sizeof(ids[i]), "m%u", i % (MANY / 2));
		items[i] = confirmed(ids[i]);
		items[i].coach = i % 2 ? SLICE("bob") : SLICE("ada");
		items[i].version = i;
	}
	assert_int_equal(appointments_put(store_db(), &tenant, items, MANY, true, NULL), OK);
	assert_int_equal(store_number("SELECT COUNT(*) FROM appointments"), MANY / 2);
	assert_int_equal(get("m3").appointment.version, 3 + MANY / 2);
	assert_int_equal(store_number("SELECT COUNT(*) FROM calendar_sync_queue"), MANY / 2);
	assert_int_equal(appointments_find_older(store_db(), &tenant, items, MANY, is_older, NULL),
			 OK);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(is_older[i], i < MANY / 2);
}

static bool put_in_turn(void *cx, unsigned number)
{
	const struct appointment *items = cx;
	struct appointment mine[8];

	/* each begins with another one */
	for (unsigned i = 0; i < ARRAY_LEN(mine); i++) {
		mine[i] = items[(i + number) % ARRAY_LEN(mine)];
		mine[i].start_ms += number;
	}
	return !appointments_put(store_db(), &tenant, mine, ARRAY_LEN(mine), true, NULL);
}

static void writers_of_the_same_appointments_wait_for_each_other(void **state)
{
	static const char *const ids[] = {"r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7"};
	struct appointment items[ARRAY_LEN(ids)];
	int64_t deadlocks = store_number("SELECT VARIABLE_VALUE FROM "
					 "information_schema.GLOBAL_STATUS "
					 "WHERE VARIABLE_NAME = 'INNODB_DEADLOCKS'");

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(ids); i++) {
		items[i] = confirmed(ids[i]);
		items[i].coach = i % 2 ? SLICE("bob") : SLICE("ada");
		put(&items[i]);
	}
	assert_int_equal(store_race(put_in_turn, items), STORE_THREADS);
	assert_int_equal(store_number("SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS "
				      "WHERE VARIABLE_NAME = 'INNODB_DEADLOCKS'"),
			 deadlocks);
	assert_int_equal(store_number("SELECT COUNT(DISTINCT start_time) FROM appointments"), 1);
}

static void a_cancelled_one_stays_and_is_cancelled(void **state)
{
	struct appointment item = confirmed("a1");

	(void)state;
	assert_int_equal(appointments_cancel(store_db(), &tenant, item.id, NULL), ERR_NOT_FOUND);
	put(&item);
	assert_int_equal(appointments_cancel(store_db(), &tenant, item.id, NULL), OK);
	assert_int_equal(appointments_cancel(store_db(), &tenant, item.id, NULL), OK);
	assert_int_equal(get("a1").appointment.status, APPOINTMENT_CANCELLED);
	assert_int_equal(get("a1").revision, 2);
}

/* Lists. */

static size_t list(const struct appointment_search *search, struct appointment_row **out)
{
	size_t n;

	assert_int_equal(appointments_list(store_db(), search, store_arena(), out, &n, NULL), OK);
	return n;
}

static void pages_hold_each_of_a_coachs_appointments_once_the_latest_first(void **state)
{
	static char ids[11][8];
	struct appointment_search search = {
		.tenant = tenant, .coach = SLICE("ada"), .before_ms = -1, .max = 4};
	struct appointment_row *rows, last = {0};
	struct appointment other = confirmed("other");
	size_t seen = 0, n;

	(void)state;
	other.coach = SLICE("bob");
	put(&other);
	for (unsigned i = 0; i < ARRAY_LEN(ids); i++) {
		struct appointment item;

		snprintf(ids[i], sizeof(ids[i]), "l%02u", i);
		item = confirmed(ids[i]);
		item.start_ms += i / 5; /* many begin at once */
		put(&item);
	}
	while ((n = list(&search, &rows)) > 0) {
		for (size_t i = 0; i < n; i++, seen++) {
			assert_true(slice_is(rows[i].appointment.id, ids[10 - seen]));
			last = rows[i];
		}
		search.before_ms = last.appointment.start_ms;
		search.before_id = last.appointment.id;
	}
	assert_int_equal(seen, ARRAY_LEN(ids));
}

static void a_search_looks_at_client_service_and_id_whatever_the_case(void **state)
{
	static const char *const found[] = {"ZO\xC3\x8B", "zoe@", "deep", "S-1", "%"};
	struct appointment_search search = {
		.tenant = tenant, .coach = SLICE("ada"), .before_ms = -1, .max = 9};
	struct appointment item = confirmed("s-1"), other = confirmed("t-2");
	struct appointment_row *rows;

	(void)state;
	item.client_name = SLICE("100% Zo\xC3\xAB");
	item.client_email = SLICE("zoe@example.com");
	item.service = SLICE("Deep work");
	item.notes = SLICE("a secret");
	put(&item);
	other.client_name = SLICE("Al");
	put(&other);
	for (size_t i = 0; i < ARRAY_LEN(found); i++) {
		search.text = slice_of(found[i]);
		if (list(&search, &rows) != 1)
			fail_msg("%s", found[i]);
		assert_true(slice_is(rows[0].appointment.id, "s-1"));
	}
	search.text = SLICE("secret");
	assert_int_equal(list(&search, &rows), 0);
	search.text = SLICE("_");
	assert_int_equal(list(&search, &rows), 0);
}

static void a_page_is_read_through_the_coachs_index(void **state)
{
	static const char *const literals[] = {
		"X'00000000000000000000000000000001'",
		"'ada'",
		"'2030-01-01'",
		"'2030-01-01'",
		"'x'",
		"NULL",
		"NULL",
		"50",
	};

	(void)state;
	assert_string_equal(store_key_of("APPOINTMENTS_LIST", literals), "ix_appointments_coach");
}

/* What is queued. */

static int64_t jobs_of(const struct id *connection, const char *where)
{
	return store_number("SELECT COUNT(*) FROM calendar_sync_queue "
			    "WHERE connection_id = %s AND %s",
			    store_hex(connection), where);
}

static int64_t generations(void)
{
	return store_number("SELECT COALESCE(SUM(generation), 0) FROM calendar_sync_queue");
}

static void a_confirmed_one_is_queued_for_each_calendar_of_its_coach(void **state)
{
	struct id owner = store_owner(&tenant, "cleo");
	struct id first = store_connection(&tenant, &owner, "1");
	struct id second = store_connection(&tenant, &owner, "2");
	struct id off = store_connection(&tenant, &owner, "3");
	struct id gone = store_connection(&tenant, &owner, "4");
	struct id refused = store_connection(&tenant, &owner, "5");
	struct appointment item = confirmed("c1");

	(void)state;
	store_sql("UPDATE coach_calendar_connections SET sync_enabled = FALSE WHERE id = %s",
		  store_hex(&off));
	store_sql("UPDATE coach_calendar_connections SET status = 'disconnected' WHERE id = %s",
		  store_hex(&gone));
	store_sql("UPDATE coach_calendar_connections SET status = 'reauth_required' WHERE id = %s",
		  store_hex(&refused));
	item.coach = SLICE("cleo");
	put(&item);
	assert_int_equal(store_number("SELECT COUNT(*) FROM calendar_sync_queue"), 3);
	assert_int_equal(jobs_of(&first, "state = 'waiting' AND due_at IS NOT NULL"), 1);
	assert_int_equal(jobs_of(&second, "state = 'waiting'"), 1);
	assert_int_equal(jobs_of(&refused, "state = 'waiting'"), 1);
	assert_int_equal(store_number("SELECT COUNT(*) FROM calendar_sync_lanes "
				      "WHERE is_fed AND turn_at <= UTC_TIMESTAMP(3)"),
			 3);
}

static void one_that_was_never_confirmed_asks_for_nothing(void **state)
{
	struct appointment item = confirmed("a1");

	(void)state;
	item.status = APPOINTMENT_PENDING;
	put(&item);
	assert_int_equal(generations(), 0);
	assert_int_equal(store_number("SELECT COUNT(*) FROM calendar_sync_lanes "
				      "WHERE turn_at IS NOT NULL"),
			 0);
	item.status = APPOINTMENT_CONFIRMED;
	put(&item);
	assert_int_equal(generations(), 1);
}

static void changes_make_one_job_and_what_changes_nothing_makes_none(void **state)
{
	struct appointment item = confirmed("a1");

	(void)state;
	put(&item);
	put(&item);
	put_quietly(&item);
	item.version = 7;
	put(&item);
	assert_int_equal(generations(), 1);
	assert_int_equal(get("a1").revision, 1);
	item.notes = SLICE("more");
	put(&item);
	item.version = 6;
	item.notes = SLICE("an older one");
	put(&item);
	assert_int_equal(generations(), 2);
	assert_int_equal(store_number("SELECT COUNT(*) FROM calendar_sync_queue"), 1);
	assert_int_equal(get("a1").revision, 2);
}

static void each_column_that_a_calendar_shows_is_a_change(void **state)
{
	static const char *const changes[] = {"client_name = 'x'",
					      "client_email = 'x@example.com'",
					      "start_time = start_time - INTERVAL 1 SECOND",
					      "end_time = end_time + INTERVAL 1 SECOND",
					      "time_zone = 'Europe/Rome'",
					      "service_name = 'x'",
					      "notes = 'x'",
					      "location = 'x'",
					      "status = 'cancelled'",
					      "client_name = NULL"};
	struct appointment item = confirmed("a1");

	(void)state;
	put(&item);
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		store_sql("UPDATE appointments SET %s", changes[i]);
		if (generations() != (int64_t)i + 2)
			fail_msg("%s", changes[i]);
		store_sql("UPDATE appointments SET %s", "version = 1, coach_id = coach_id");
	}
	assert_int_equal(generations(), ARRAY_LEN(changes) + 1);
}

static void only_a_quiet_change_is_quiet(void **state)
{
	struct appointment item = confirmed("a1");

	(void)state;
	put_quietly(&item);
	assert_int_equal(jobs_of(&ada, "loud_generation = 0"), 1);
	store_sql("UPDATE appointments SET notes = 'by another program'");
	assert_int_equal(jobs_of(&ada, "loud_generation = 2"), 1);
	item.notes = SLICE("in bulk");
	put_quietly(&item);
	assert_int_equal(jobs_of(&ada, "loud_generation = 2 AND generation = 3"), 1);
	put(&item); /* no change */
	assert_int_equal(jobs_of(&ada, "loud_generation = 2 AND generation = 3"), 1);
	store_sql("UPDATE appointments SET notes = 'x', quiet = TRUE");
	assert_int_equal(jobs_of(&ada, "loud_generation = 2 AND generation = 4"), 1);
	store_sql("UPDATE appointments SET notes = 'y'");
	assert_int_equal(jobs_of(&ada, "loud_generation = 5"), 1);
}

static void one_that_changes_its_coach_is_told_to_both(void **state)
{
	struct appointment item = confirmed("a1");

	(void)state;
	put(&item);
	item.coach = SLICE("bob");
	put(&item);
	assert_int_equal(jobs_of(&ada, "generation = 2"), 1);
	assert_int_equal(jobs_of(&bob, "generation = 1"), 1);
}

static void one_that_is_deleted_or_replaced_is_said_again(void **state)
{
	struct appointment item = confirmed("a1");

	(void)state;
	put(&item);
	store_sql("UPDATE calendar_sync_queue SET state = 'done', due_at = NULL, "
		  "done_generation = 1");
	store_sql("REPLACE INTO appointments SELECT * FROM appointments");
	assert_int_equal(jobs_of(&ada, "state = 'waiting' AND generation = 3"), 1);
	store_sql("UPDATE calendar_sync_queue SET state = 'dead', due_at = NULL, attempt = 8");
	store_sql("DELETE FROM appointments");
	assert_int_equal(jobs_of(&ada, "state = 'waiting' AND generation = 4 AND attempt = 0 "
				       "AND due_at <= UTC_TIMESTAMP(3)"),
			 1);
}

static void what_is_rolled_back_is_not_queued(void **state)
{
	(void)state;
	store_sql("BEGIN; INSERT INTO appointments (tenant_id, appointment_id, coach_id, "
		  "start_time, end_time, status) VALUES (%s, 'a1', 'ada', '2030-01-01', "
		  "'2030-01-02', 'confirmed'); ROLLBACK",
		  store_hex(&tenant));
	assert_int_equal(generations(), 0);
}

/* Another program, as its own user; it says nothing of who it writes for: the default tenant. */
static void run_as(const char *user, const char *sql)
{
	MYSQL *mysql = mysql_init(NULL);

	assert_non_null(mysql);
	if (!mysql_real_connect(mysql, NULL, user, "other", "calbridge", 0,
				getenv("TEST_DB_SOCKET"), 0) ||
	    mysql_query(mysql, sql))
		fail_msg("%s: %s", sql, mysql_error(mysql));
	mysql_close(mysql);
}

static void another_program_needs_the_table_alone(void **state)
{
	static const struct id by_default = {.bytes = {[ID_BYTES - 1] = 1}};
	struct id owner = store_owner(&by_default, "dora");
	struct id dora = store_connection(&by_default, &owner, "of dora");

	(void)state;
	store_sql("CREATE OR REPLACE USER other@localhost IDENTIFIED VIA mysql_native_password "
		  "USING PASSWORD('other')");
	store_sql("GRANT INSERT, SELECT, UPDATE ON calbridge.appointments TO other@localhost");
	run_as("other", "INSERT INTO appointments (appointment_id, coach_id, start_time, end_time, "
			"status) VALUES ('p1', 'dora', '2030-01-01', '2030-01-02', 'confirmed')");
	assert_int_equal(jobs_of(&dora, "generation = 1 AND loud_generation = 1"), 1);
	run_as("other", "UPDATE appointments SET status = 'cancelled' WHERE appointment_id = 'p1'");
	assert_int_equal(jobs_of(&dora, "generation = 2"), 1);
	store_sql("DROP USER other@localhost");
}

static void a_token_refresh_does_not_wait_for_another_programs_transaction(void **state)
{
	(void)state;
	store_lock("SET innodb_lock_wait_timeout = 1; INSERT INTO appointments (tenant_id, "
		   "appointment_id, coach_id, start_time, end_time, status) "
		   "VALUES (%s, 'a1', 'ada', '2030-01-01', '2030-01-02', 'confirmed')",
		   store_hex(&tenant));
	store_sql("SET innodb_lock_wait_timeout = 1; UPDATE coach_calendar_connections "
		  "SET token_version = token_version + 1 WHERE id = %s; "
		  "SET innodb_lock_wait_timeout = DEFAULT",
		  store_hex(&ada));
	store_unlock();
}

static void a_new_connection_has_the_settings_of_the_model(void **state)
{
	(void)state;
	assert_int_equal(
		store_number("SELECT COUNT(*) FROM coach_calendar_connections WHERE id = %s "
			     "AND sync_enabled AND auto_create_events AND auto_update_events "
			     "AND NOT include_client_details AND event_title_template = '%s' "
			     "AND event_description_template = '%s' AND settings_version = 1",
			     store_hex(&ada), PRIVACY_DEFAULT_TITLE, PRIVACY_DEFAULT_DESCRIPTION),
		1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(test) cmocka_unit_test_setup(test, begin)
		CASE(what_is_put_is_what_is_there),
		CASE(another_tenants_is_not_found),
		CASE(an_older_version_changes_nothing),
		CASE(many_are_put_at_once_and_of_one_id_the_last_counts),
		CASE(writers_of_the_same_appointments_wait_for_each_other),
		CASE(a_cancelled_one_stays_and_is_cancelled),
		CASE(pages_hold_each_of_a_coachs_appointments_once_the_latest_first),
		CASE(a_search_looks_at_client_service_and_id_whatever_the_case),
		CASE(a_page_is_read_through_the_coachs_index),
		CASE(a_confirmed_one_is_queued_for_each_calendar_of_its_coach),
		CASE(one_that_was_never_confirmed_asks_for_nothing),
		CASE(changes_make_one_job_and_what_changes_nothing_makes_none),
		CASE(each_column_that_a_calendar_shows_is_a_change),
		CASE(only_a_quiet_change_is_quiet),
		CASE(one_that_changes_its_coach_is_told_to_both),
		CASE(one_that_is_deleted_or_replaced_is_said_again),
		CASE(what_is_rolled_back_is_not_queued),
		CASE(another_program_needs_the_table_alone),
		CASE(a_token_refresh_does_not_wait_for_another_programs_transaction),
		CASE(a_new_connection_has_the_settings_of_the_model),
	};

	return cmocka_run_group_tests(tests, start, store_stop);
}
