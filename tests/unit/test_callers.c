#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/api_keys.h"
#include "store/callers.h"
#include "tests/unit/store_fixture.h"

enum { IDLE_MS = 1800000 };

static struct id tenant, owner, connection, stranger, strangers_owner;

static int begin(void **state)
{
	store_sql("DELETE FROM sessions; DELETE FROM api_keys; DELETE FROM provider_limits;"
		  "UPDATE owners SET default_connection_id = NULL;"
		  "DELETE FROM coach_calendar_connections");
	connection = store_connection(&tenant, &owner, "account");
	store_sql("UPDATE owners SET default_connection_id = %s WHERE id = %s",
		  store_hex(&connection), store_hex(&owner));
	return store_fresh_arena(state);
}

static int start(void **state)
{
	if (store_start(state))
		return -1;
	tenant = store_tenant("first");
	owner = store_owner(&tenant, "coach");
	store_owner(&tenant, "lonely");
	stranger = store_tenant("stranger");
	strangers_owner = store_owner(&stranger, "theirs");
	return 0;
}

static struct id add_key(unsigned char byte, const char *scopes, int64_t expires_ms)
{
	struct api_key_row row = {
		.id = id_new(),
		.name = slice_of(scopes),
		.prefix = SLICE("cbk_12345678"),
		.scopes = slice_of(scopes),
		.expires_ms = expires_ms,
	};

	assert_int_equal(api_keys_add(store_db(), &row, &tenant, store_hash(byte), NULL), OK);
	return row.id;
}

static enum err by_key(unsigned char byte, const char *external_id, struct api_key *key,
		       struct target *target)
{
	return callers_by_key(store_db(), store_hash(byte), slice_of(external_id), store_arena(),
			      key, target, NULL);
}

/* An open session of owner; returns its id. */
static struct id add_session(unsigned char byte)
{
	struct id id = id_new();

	store_sql("INSERT INTO sessions (id, tenant_id, owner_id, role, session_hash, opened_at, "
		  "seen_at, expires_at) VALUES (%s, %s, %s, 'admin', REPEAT(CHAR(%u), 32), "
		  "UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), UTC_TIMESTAMP(3) + INTERVAL 1 HOUR)",
		  store_hex(&id), store_hex(&tenant), store_hex(&owner), byte);
	return id;
}

static enum err by_session(unsigned char byte, const char *external_id, struct session *session,
			   struct target *target)
{
	return callers_by_session(store_db(), store_hash(byte), IDLE_MS, slice_of(external_id),
				  store_arena(), session, target, NULL);
}

static enum err by_owner(const struct id *of_tenant, const char *external_id, struct target *target)
{
	return callers_by_owner(store_db(), of_tenant, slice_of(external_id), store_arena(), target,
				NULL);
}

static void a_key_finds_its_tenant_the_owner_and_the_default_calendar(void **state)
{
	struct id id = add_key(1, "events,admin", -1);
	struct api_key key;
	struct target target;

	(void)state;
	assert_int_equal(by_key(1, "coach", &key, &target), OK);
	assert_true(id_equal(&key.id, &id));
	assert_true(id_equal(&key.tenant, &tenant));
	assert_int_equal(key.scopes, SCOPE_EVENTS | SCOPE_ADMIN);
	assert_int_equal(key.unused_ms, -1);
	assert_true(id_equal(&target.owner.id, &owner));
	assert_true(slice_is(target.owner.external_id, "coach"));
	assert_true(id_equal(&target.connection.id, &connection));
	assert_true(slice_is(target.connection.account_id, "account"));
	assert_true(slice_is(target.connection.access_token, "old access"));
	assert_int_equal(target.provider_pause_ms, 0);
}

static void a_key_says_how_long_it_was_not_used(void **state)
{
	struct id id = add_key(1, "events", -1);
	struct api_key key;
	struct target target;
	bool first = false;

	(void)state;
	assert_int_equal(api_keys_mark_first_use(store_db(), &id, &first, NULL), OK);
	assert_true(first);
	assert_int_equal(by_key(1, "coach", &key, &target), OK);
	assert_in_range(key.unused_ms, 0, 60000);
	store_sql("UPDATE api_keys SET last_used_at = UTC_TIMESTAMP(3) - INTERVAL 2 HOUR");
	assert_int_equal(by_key(1, "nobody", &key, &target), OK);
	assert_in_range(key.unused_ms, 7200000, 7260000);
}

static void every_scope_has_its_own_bit(void **state)
{
	static const char *const SCOPES[] = {"events", "appointments", "connectors", "admin"};
	struct api_key key;
	struct target target;

	(void)state;
	for (unsigned char i = 0; i < ARRAY_LEN(SCOPES); i++) {
		add_key(i, SCOPES[i], -1);
		assert_int_equal(by_key(i, "", &key, &target), OK);
		assert_int_equal(key.scopes, 1 << i);
	}
}

static void a_key_that_is_unknown_revoked_or_expired_is_not_found(void **state)
{
	struct id revoked = add_key(2, "events", -1);
	struct api_key key;
	struct target target;

	(void)state;
	add_key(3, "events", 1000);
	assert_int_equal(api_keys_revoke(store_db(), &revoked, NULL), OK);
	for (unsigned char i = 1; i <= 3; i++) {
		assert_int_equal(by_key(i, "coach", &key, &target), ERR_NOT_FOUND);
		assert_true(id_is_none(&key.tenant));
		assert_true(id_is_none(&target.owner.id));
	}
}

static void a_key_that_has_not_expired_is_found(void **state)
{
	struct api_key key;
	struct target target;

	(void)state;
	add_key(1, "events", INT64_C(253402300799000));
	assert_int_equal(by_key(1, "coach", &key, &target), OK);
}

static void a_key_finds_no_owner_of_another_tenant(void **state)
{
	static const char *const NAMES[] = {"theirs", "nobody", HOSTILE, ""};
	struct api_key key;
	struct target target;

	(void)state;
	add_key(1, "events", -1);
	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
		assert_int_equal(by_key(1, NAMES[i], &key, &target), OK);
		assert_true(id_is_none(&target.owner.id));
		assert_true(id_is_none(&target.connection.id));
	}
}

static void a_default_calendar_of_another_owner_is_none(void **state)
{
	struct id other = store_owner(&tenant, "other");
	const struct id theirs[] = {
		store_connection(&stranger, &strangers_owner, "theirs"),
		store_connection(&tenant, &other, "others"),
	};
	struct api_key key;
	struct target target;

	(void)state;
	add_key(1, "events", -1);
	for (size_t i = 0; i < ARRAY_LEN(theirs); i++) {
		store_sql("UPDATE owners SET default_connection_id = %s WHERE id = %s",
			  store_hex(&theirs[i]), store_hex(&owner));
		assert_int_equal(by_key(1, "coach", &key, &target), OK);
		assert_true(id_equal(&target.owner.id, &owner));
		assert_true(id_is_none(&target.connection.id));
	}
}

static void a_disconnected_default_calendar_is_none_and_a_lost_one_is_told(void **state)
{
	struct api_key key;
	struct target target;

	(void)state;
	add_key(1, "events", -1);
	store_sql("UPDATE coach_calendar_connections SET status = 'reauth_required'");
	assert_int_equal(by_key(1, "coach", &key, &target), OK);
	assert_int_equal(target.connection.status, CONNECTION_REAUTH_REQUIRED);
	store_sql("UPDATE coach_calendar_connections SET status = 'disconnected'");
	assert_int_equal(by_key(1, "coach", &key, &target), OK);
	assert_true(id_is_none(&target.connection.id));
}

static void a_calendar_that_is_none_tells_no_pause_of_its_provider(void **state)
{
	struct target target;

	(void)state;
	store_sql("INSERT INTO provider_limits (subject, paused_until, reason, updated_at) VALUES "
		  "('google', UTC_TIMESTAMP(3) + INTERVAL 60 "
		  "SECOND, 'provider_misconfigured', UTC_TIMESTAMP(3))");
	store_sql("UPDATE coach_calendar_connections SET status = 'disconnected'");
	assert_int_equal(by_owner(&tenant, "coach", &target), OK);
	assert_int_equal(target.provider_pause_ms, 0);
	assert_int_equal(target.provider_pause_reason.len, 0);
}

static void a_running_pause_of_the_provider_is_told_and_a_past_one_is_not(void **state)
{
	struct api_key key;
	struct target target;

	(void)state;
	add_key(1, "events", -1);
	store_sql("INSERT INTO provider_limits (subject, paused_until, reason, updated_at) VALUES "
		  "('google', UTC_TIMESTAMP(3) + INTERVAL 60 "
		  "SECOND, 'provider_misconfigured', UTC_TIMESTAMP(3)), ('outlook', "
		  "UTC_TIMESTAMP(3) + INTERVAL 9 HOUR, 'x', UTC_TIMESTAMP(3))");
	assert_int_equal(by_key(1, "coach", &key, &target), OK);
	assert_in_range(target.provider_pause_ms, 40000, 60000);
	assert_true(slice_is(target.provider_pause_reason, "provider_misconfigured"));
	store_sql("UPDATE provider_limits SET paused_until = UTC_TIMESTAMP(3) - INTERVAL 1 SECOND");
	assert_int_equal(by_key(1, "coach", &key, &target), OK);
	assert_int_equal(target.provider_pause_ms, 0);
	assert_int_equal(target.provider_pause_reason.len, 0);
}

static void an_open_session_finds_its_owner_and_the_one_it_asks_for(void **state)
{
	struct id id = add_session(5);
	struct session session;
	struct target target;

	(void)state;
	assert_int_equal(by_session(5, "", &session, &target), OK);
	assert_true(id_equal(&session.id, &id));
	assert_true(id_equal(&session.tenant, &tenant));
	assert_true(id_equal(&session.owner.id, &owner));
	assert_int_equal(session.role, ROLE_ADMIN);
	assert_in_range(session.idle_ms, 0, 20000);
	assert_true(session.expires_ms > 0);
	assert_true(id_equal(&target.owner.id, &owner));
	assert_true(id_equal(&target.connection.id, &connection));
	assert_int_equal(by_session(5, "lonely", &session, &target), OK);
	assert_true(id_equal(&session.owner.id, &owner));
	assert_true(slice_is(target.owner.external_id, "lonely"));
	assert_true(id_is_none(&target.connection.id));
	assert_int_equal(by_session(5, "theirs", &session, &target), OK);
	assert_true(id_is_none(&target.owner.id));
}

static void a_session_that_expired_idled_or_was_never_opened_is_not_found(void **state)
{
	static const char *const CHANGES[] = {
		"expires_at = UTC_TIMESTAMP(3) - INTERVAL 1 SECOND",
		"expires_at = NULL",
		"seen_at = UTC_TIMESTAMP(3) - INTERVAL 1801 SECOND",
		"seen_at = NULL",
		"opened_at = NULL",
		"session_hash = NULL, link_hash = REPEAT(CHAR(5), 32)",
	};
	struct session session;
	struct target target;

	(void)state;
	assert_int_equal(by_session(5, "", &session, &target), ERR_NOT_FOUND);
	for (size_t i = 0; i < ARRAY_LEN(CHANGES); i++) {
		store_sql("DELETE FROM sessions");
		add_session(5);
		assert_int_equal(by_session(5, "", &session, &target), OK);
		store_sql("UPDATE sessions SET %s", CHANGES[i]);
		assert_int_equal(by_session(5, "", &session, &target), ERR_NOT_FOUND);
	}
	assert_true(id_is_none(&session.id));
	assert_true(id_is_none(&target.owner.id));
}

static void a_session_that_was_seen_within_the_idle_time_is_found(void **state)
{
	struct session session;
	struct target target;

	(void)state;
	add_session(5);
	store_sql("UPDATE sessions SET seen_at = UTC_TIMESTAMP(3) - INTERVAL 1700 SECOND");
	assert_int_equal(by_session(5, "", &session, &target), OK);
	assert_in_range(session.idle_ms, 1700000, 1799999);
}

static void an_owner_is_found_within_its_tenant_alone(void **state)
{
	static const char *const NAMES[] = {"theirs", "nobody", HOSTILE, ""};
	struct id none = {0};
	struct target target;

	(void)state;
	assert_int_equal(by_owner(&tenant, "coach", &target), OK);
	assert_true(id_equal(&target.owner.id, &owner));
	assert_true(id_equal(&target.connection.id, &connection));
	assert_int_equal(by_owner(&stranger, "coach", &target), OK);
	assert_true(id_is_none(&target.owner.id));
	assert_int_equal(by_owner(&none, "coach", &target), OK);
	assert_true(id_is_none(&target.owner.id));
	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
		assert_int_equal(by_owner(&tenant, NAMES[i], &target), OK);
		assert_true(id_is_none(&target.owner.id));
		assert_true(id_is_none(&target.connection.id));
	}
}

static void a_connection_is_found_by_its_id_within_its_tenant_alone(void **state)
{
	struct target target;

	(void)state;
	assert_int_equal(
		callers_target_of(store_db(), &tenant, &connection, store_arena(), &target, NULL),
		OK);
	assert_true(id_equal(&target.owner.id, &owner));
	assert_true(id_equal(&target.connection.id, &connection));
	assert_int_equal(
		callers_target_of(store_db(), &stranger, &connection, store_arena(), &target, NULL),
		ERR_NOT_FOUND);
	assert_true(id_is_none(&target.connection.id));
	store_sql("UPDATE coach_calendar_connections SET status = 'disconnected'");
	assert_int_equal(
		callers_target_of(store_db(), &tenant, &connection, store_arena(), &target, NULL),
		OK);
	assert_int_equal(target.connection.status, CONNECTION_DISCONNECTED);
}

/* So many rows that a scan would look cheap to nobody. */
static void fill_tables(void)
{
	store_sql("INSERT INTO sessions (id, tenant_id, owner_id, role, session_hash) SELECT "
		  "UNHEX(MD5(seq)), %s, %s, 'coach', UNHEX(SHA2(seq, 256)) FROM seq_1_to_500",
		  store_hex(&tenant), store_hex(&owner));
	store_sql("INSERT INTO api_keys (id, tenant_id, name, prefix, key_hash, scopes) SELECT "
		  "UNHEX(MD5(seq)), %s, 'x', 'x', UNHEX(SHA2(seq, 256)), '' FROM seq_1_to_500",
		  store_hex(&tenant));
	store_sql("INSERT INTO owners (id, tenant_id, external_id) SELECT UNHEX(MD5(seq)), %s, seq "
		  "FROM seq_1_to_500",
		  store_hex(&tenant));
	store_sql("INSERT INTO coach_calendar_connections (id, tenant_id, owner_id, provider, "
		  "account_id, status) SELECT id, tenant_id, id, 'google', 'x', 'active' "
		  "FROM owners");
	store_sql("INSERT INTO provider_limits (subject, paused_until, reason, updated_at) SELECT "
		  "seq, UTC_TIMESTAMP(3), 'x', UTC_TIMESTAMP(3) "
		  "FROM seq_1_to_50");
	store_sql("INSERT INTO provider_limits (subject, paused_until, reason, updated_at) VALUES "
		  "('google', UTC_TIMESTAMP(3), 'x', "
		  "UTC_TIMESTAMP(3))");
	store_sql("ANALYZE TABLE sessions, api_keys, owners, coach_calendar_connections, "
		  "provider_limits");
}

static void the_first_statement_of_a_request_reads_by_unique_keys_alone(void **state)
{
	const char *hash = "REPEAT(CHAR(5), 32)";
	const char *key[] = {"'coach'", hash};
	const char *session[] = {"'lonely'", hash, "1800000"};
	const char *own_session[] = {"NULL", hash, "1800000"};
	const char *own[] = {store_hex(&tenant), "'coach'"};
	const char *target[] = {store_hex(&tenant), store_hex(&connection)};
	unsigned tables;

	(void)state;
	add_key(5, "events", -1);
	add_session(5);
	fill_tables();
	assert_true(store_reads_by_key("CALLERS_BY_KEY", key, &tables));
	assert_int_equal(tables, 4);
	assert_true(store_reads_by_key("CALLERS_BY_SESSION", session, &tables));
	assert_int_equal(tables, 5);
	assert_true(store_reads_by_key("CALLERS_BY_SESSION", own_session, &tables));
	assert_int_equal(tables, 5);
	assert_true(store_reads_by_key("CALLERS_BY_OWNER", own, &tables));
	assert_int_equal(tables, 3);
	assert_true(store_reads_by_key("CALLERS_TARGET_OF", target, &tables));
	assert_int_equal(tables, 3);
}

static void every_statement_can_be_prepared(void **state)
{
	(void)state;
	store_prepare_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_key_finds_its_tenant_the_owner_and_the_default_calendar,
				       begin),
		cmocka_unit_test_setup(a_key_says_how_long_it_was_not_used, begin),
		cmocka_unit_test_setup(every_scope_has_its_own_bit, begin),
		cmocka_unit_test_setup(a_key_that_is_unknown_revoked_or_expired_is_not_found,
				       begin),
		cmocka_unit_test_setup(a_key_that_has_not_expired_is_found, begin),
		cmocka_unit_test_setup(a_key_finds_no_owner_of_another_tenant, begin),
		cmocka_unit_test_setup(a_default_calendar_of_another_owner_is_none, begin),
		cmocka_unit_test_setup(
			a_disconnected_default_calendar_is_none_and_a_lost_one_is_told, begin),
		cmocka_unit_test_setup(
			a_running_pause_of_the_provider_is_told_and_a_past_one_is_not, begin),
		cmocka_unit_test_setup(a_calendar_that_is_none_tells_no_pause_of_its_provider,
				       begin),
		cmocka_unit_test_setup(an_open_session_finds_its_owner_and_the_one_it_asks_for,
				       begin),
		cmocka_unit_test_setup(
			a_session_that_expired_idled_or_was_never_opened_is_not_found, begin),
		cmocka_unit_test_setup(a_session_that_was_seen_within_the_idle_time_is_found,
				       begin),
		cmocka_unit_test_setup(an_owner_is_found_within_its_tenant_alone, begin),
		cmocka_unit_test_setup(a_connection_is_found_by_its_id_within_its_tenant_alone,
				       begin),
		cmocka_unit_test_setup(the_first_statement_of_a_request_reads_by_unique_keys_alone,
				       begin),
		cmocka_unit_test_setup(every_statement_can_be_prepared, begin),
	};

	return cmocka_run_group_tests_name("callers", tests, start, store_stop);
}
