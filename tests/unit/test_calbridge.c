#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/digest.h"
#include "store/callers.h"
#include "store/sessions.h"
#include "tests/unit/store_fixture.h"

/* The program itself is run: the one in the build folder, or the one that CALBRIDGE names. */

enum { TEXT_BYTES = 8192, KEY_CHARACTERS = 47, HOUR_MS = 3600000 };

static char output[TEXT_BYTES]; /* of the last run, both streams */
static char folder[256];

static void write_file(const char *name, unsigned mode, const char *text)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	remove(path);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void write_settings(const char *more)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "PUBLIC_URL=https://cal.example.org\nDATABASE_HOSTS=unix:%s\nDATABASE_USER=%s\n"
		 "DATABASE_MIGRATE_USER=%s\nCALBRIDGE_MASTER_KEY_FILE=%s/ring\n%s",
		 getenv("TEST_DB_SOCKET"), getenv("TEST_DB_USER"), getenv("TEST_DB_USER"), folder,
		 more);
	write_file("settings", 0640, text);
}

/* Runs calbridge with these arguments; what it prints lies in output. */
static int run(const char *arguments)
{
	const char *program = getenv("CALBRIDGE");
	char command[1024];
	FILE *pipe;
	size_t len;

	snprintf(command, sizeof(command), "%s --config %s/settings %s 2>&1",
		 program ? program : "./calbridge", folder, arguments);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	len = fread(output, 1, sizeof(output) - 1, pipe);
	output[len] = '\0';
	return WEXITSTATUS(pclose(pipe));
}

static bool says(const char *text)
{
	return strstr(output, text) != NULL;
}

static int start(void **state)
{
	const char *top = getenv("srcdir");
	char arguments[300];

	if (store_start(state))
		return -1;
	snprintf(folder, sizeof(folder), "%s", getenv("TEST_DB_FOLDER"));
	write_file("ring", 0400, "1 AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA= active\n");
	write_settings("");
	snprintf(arguments, sizeof(arguments), "migrate --sql %s/sql", top ? top : ".");
	return run(arguments);
}

static int begin(void **state)
{
	store_sql("DELETE FROM audit_log; DELETE FROM sessions; DELETE FROM api_keys;"
		  "DELETE FROM provider_limits; DELETE FROM calendar_event_mappings;"
		  "DELETE FROM coach_calendar_connections; DELETE FROM owners;"
		  "DELETE FROM tenants WHERE name <> 'default'");
	write_settings("GOOGLE_CLIENT_ID=id\nGOOGLE_CLIENT_SECRET=secret\n");
	return store_fresh_arena(state);
}

static int64_t audited_of(const char *tenant, const char *action)
{
	return store_number("SELECT COUNT(*) FROM audit_log WHERE actor = 'operator' AND "
			    "action = '%s' AND result = 'ok' AND tenant_id = "
			    "(SELECT id FROM tenants WHERE name = '%s')",
			    action, tenant);
}

static int64_t audited(const char *action)
{
	return audited_of("default", action);
}

static struct slice sha256_of(const char *text, unsigned char out[SHA256_BYTES])
{
	struct slice whole = slice_of(text);

	digest_sha256(&whole, 1, out);
	return (struct slice){(const char *)out, SHA256_BYTES};
}

static void a_tenant_is_made_once_and_has_people_and_keys_of_its_own(void **state)
{
	(void)state;
	assert_int_equal(run("tenant create Gatherly.app"), 0);
	assert_string_equal(output, "Gatherly.app\n");
	assert_int_equal(run("tenant create Gatherly.app"), 1);
	assert_true(says("there is a tenant \"Gatherly.app\" already"));
	assert_int_equal(audited_of("Gatherly.app", "tenant_created"), 1);
	assert_int_equal(run("tenant list"), 0);
	assert_true(says("  Gatherly.app\n") && says("  default\n"));
	assert_int_equal(run("key create --tenant Gatherly.app --scope events --name a"), 0);
	assert_int_equal(run("owner put --tenant Gatherly.app --id coach"), 0);
	assert_int_equal(run("owner list"), 0);
	assert_string_equal(output, "");
}

static void a_key_is_shown_once_and_kept_as_its_hash(void **state)
{
	unsigned char hash[SHA256_BYTES];
	char key[KEY_CHARACTERS + 1];
	const char *at;
	struct api_key found;
	struct target target;

	(void)state;
	assert_int_equal(run("key create --scope events,admin --name 'a client'"), 0);
	at = strstr(output, "cbk_");
	assert_non_null(at);
	assert_int_equal(strcspn(at, "\n"), KEY_CHARACTERS);
	snprintf(key, sizeof(key), "%s", at);
	assert_int_equal(callers_by_key(store_db(), sha256_of(key, hash), (struct slice){0},
					store_arena(), &found, &target, NULL),
			 OK);
	assert_int_equal(found.scopes, SCOPE_EVENTS | SCOPE_ADMIN);
	assert_int_equal(store_number("SELECT prefix = '%.12s' FROM api_keys", key), 1);
	assert_int_equal(audited("key_created"), 1);
	assert_int_equal(run("key list"), 0);
	assert_true(says("a client"));
	assert_false(says(key));
}

static void every_key_is_another_one(void **state)
{
	char first[TEXT_BYTES];

	(void)state;
	assert_int_equal(run("key create --scope events --name a"), 0);
	strcpy(first, strstr(output, "cbk_"));
	assert_int_equal(run("key create --scope events --name b"), 0);
	assert_string_not_equal(first, strstr(output, "cbk_"));
}

static void a_revoked_key_is_revoked_once_and_stays_listed(void **state)
{
	char arguments[64];

	(void)state;
	assert_int_equal(run("key create --scope events --name a --days 1"), 0);
	assert_int_equal(run("key list"), 0);
	assert_true(says("unused"));
	/* behind the line of heads */
	snprintf(arguments, sizeof(arguments), "key revoke %.26s", strchr(output, '\n') + 1);
	assert_int_equal(run(arguments), 0);
	assert_int_equal(audited("key_revoked"), 1);
	assert_int_equal(run(arguments), 1);
	assert_int_equal(audited("key_revoked"), 1);
	assert_int_equal(store_number("SELECT COUNT(*) FROM api_keys WHERE revoked_at > "
				      "UTC_TIMESTAMP(3) - INTERVAL 1 MINUTE"),
			 1);
	assert_int_equal(run("key list"), 0);
	assert_true(says("revoked  cbk_"));
}

static void a_third_key_of_a_name_is_refused_until_one_is_revoked(void **state)
{
	char arguments[64];

	(void)state;
	assert_int_equal(run("key create --scope events --name a"), 0);
	snprintf(arguments, sizeof(arguments), "key revoke %.12s", strstr(output, "cbk_"));
	assert_int_equal(run("key create --scope events --name a"), 0);
	assert_int_equal(run("key create --scope events --name a"), 1);
	assert_true(says("2 keys of that name hold already"));
	assert_false(says("cbk_"));
	assert_int_equal(run("key create --scope events --name b"), 0);
	assert_int_equal(audited("key_created"), 3);
	assert_int_equal(run(arguments), 0);
	assert_int_equal(run("key create --scope events --name a"), 0);
}

static void a_prefix_that_several_keys_have_revokes_none(void **state)
{
	char arguments[64], id[ID_TEXT_BYTES];
	char prefix[13] = "";

	(void)state;
	assert_int_equal(run("key create --scope events --name a"), 0);
	memcpy(prefix, strstr(output, "cbk_"), sizeof(prefix) - 1);
	snprintf(id, sizeof(id), "%s", strstr(output, "key ") + 4);
	assert_int_equal(run("key create --scope events --name b"), 0);
	store_sql("UPDATE api_keys SET prefix = '%s'", prefix);
	snprintf(arguments, sizeof(arguments), "key revoke %s", prefix);
	assert_int_equal(run(arguments), 1);
	assert_true(says("several keys"));
	assert_int_equal(audited("key_revoked"), 0);
	snprintf(arguments, sizeof(arguments), "key revoke %s", id);
	assert_int_equal(run(arguments), 0);
	/* there is one left that has it */
	snprintf(arguments, sizeof(arguments), "key revoke %s", prefix);
	assert_int_equal(run(arguments), 0);
	assert_int_equal(run(arguments), 1);
	assert_true(says("no such key"));
	assert_int_equal(audited("key_revoked"), 2);
}

static void a_sign_in_link_opens_a_session_once(void **state)
{
	unsigned char link[SHA256_BYTES], session[SHA256_BYTES];
	const char *at;

	(void)state;
	assert_int_equal(run("owner put --id coach"), 0);
	assert_int_equal(run("sign-in-link coach"), 0);
	at = "https://cal.example.org/dashboard/#sign-in=";
	assert_memory_equal(output, at, strlen(at));
	at = output + strlen(at);
	assert_int_equal(strcspn(at, "\n"), 43);
	output[strcspn(output, "\n")] = '\0';
	sha256_of(at, link);
	assert_int_equal(sessions_open(store_db(), sha256_of(at, link), sha256_of("s", session),
				       HOUR_MS, NULL),
			 OK);
	assert_int_equal(sessions_open(store_db(), sha256_of(at, link), sha256_of("t", session),
				       HOUR_MS, NULL),
			 ERR_NOT_FOUND);
	assert_int_equal(audited("sign_in_link"), 1);
	assert_int_equal(store_number("SELECT role = 'coach' AND TIMESTAMPDIFF(SECOND, created_at, "
				      "link_expires_at) = 900 FROM sessions"),
			 1);
}

static void a_link_has_the_role_and_the_time_that_were_asked_for(void **state)
{
	(void)state;
	assert_int_equal(run("owner put --id coach"), 0);
	assert_int_equal(run("sign-in-link coach --role admin --minutes 60"), 0);
	assert_int_equal(store_number("SELECT role = 'admin' AND TIMESTAMPDIFF(SECOND, created_at, "
				      "link_expires_at) = 3600 FROM sessions"),
			 1);
}

static void an_owner_is_changed_where_something_is_given(void **state)
{
	(void)state;
	assert_int_equal(run("owner put --id 'a@b|c' --email a@example.org --name A "
			     "--zone Europe/Berlin"),
			 0);
	assert_int_equal(run("owner put --id 'a@b|c' --name \"' OR 1=1 -- \xF0\x9F\x98\x80\""), 0);
	assert_int_equal(run("owner list"), 0);
	assert_true(says("a@b|c"));
	assert_true(says("a@example.org"));
	assert_true(says("Europe/Berlin"));
	assert_true(says("' OR 1=1 -- \xF0\x9F\x98\x80"));
}

static void a_wrong_command_line_ends_with_2_and_changes_nothing(void **state)
{
	static const char *const WRONG[] = {
		"",
		"nonsense",
		"tenant",
		"tenant create",
		"tenant create ''",
		"tenant create ..",
		"tenant create 'a b'",
		"tenant create \"$(printf '\\303\\274')\"",
		"tenant create "
		"01234567890123456789012345678901234567890123456789012345678901234",
		"tenant create a b",
		"tenant list a",
		"key",
		"key create",
		"key create --scope events",
		"key create --name a",
		"key create --name '' --scope events",
		"key create --name a --scope everything",
		"key create --name a --scope events,",
		"key create --name a --scope ''",
		"key create --name a --scope events --days 0",
		"key create --name a --scope events --days 1x",
		"key create --name a --scope events more",
		"key create --name \"$(printf 'a\\033b')\" --scope events",
		"key create --name \"$(printf '\\377')\" --scope events",
		"key revoke",
		"key revoke nonsense",
		"key revoke ''",
		"key revoke cbk_",
		"key revoke cbk_0123456",
		"key revoke cbk_0123456789012345678901234567890123456789012",
		"owner put",
		"owner put --id 'a b'",
		"owner put --id ..",
		"owner put --id a --email nonsense",
		"owner put --id a --zone ../../etc/passwd",
		"owner put --id a --zone Mars/Olympus",
		"sign-in-link",
		"sign-in-link a --role root",
		"sign-in-link a --minutes 0",
		"sign-in-link a --minutes 1441",
		"status more",
		"status --tenant a",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(WRONG); i++) {
		if (run(WRONG[i]) != 2)
			fail_msg("%s: %s", WRONG[i], output);
		assert_true(says("calbridge"));
	}
	assert_int_equal(store_number("SELECT (SELECT COUNT(*) - 1 FROM tenants) + "
				      "(SELECT COUNT(*) FROM api_keys) + "
				      "(SELECT COUNT(*) FROM owners) + "
				      "(SELECT COUNT(*) FROM sessions) + "
				      "(SELECT COUNT(*) FROM audit_log)"),
			 0);
}

static void a_tenant_or_owner_that_is_not_there_ends_with_1(void **state)
{
	(void)state;
	assert_int_equal(run("key create --name a --scope events --tenant nobody"), 1);
	assert_true(says("there is no tenant \"nobody\""));
	assert_int_equal(run("owner put --id a --tenant nobody"), 1);
	assert_int_equal(run("sign-in-link nobody"), 1);
	assert_true(says("there is no owner \"nobody\""));
	assert_int_equal(run("key revoke 00000000000000000000000004"), 1);
	assert_int_equal(run("key revoke cbk_01234567"), 1);
}

static void the_doctor_finds_what_is_missing(void **state)
{
	(void)state;
	assert_int_equal(run("doctor"), 0);
	assert_true(says("all is well"));
	write_settings("");
	assert_int_equal(run("doctor"), 1);
	assert_true(says("FAIL  providers"));
	write_settings("GOOGLE_CLIENT_ID=id\nGOOGLE_CLIENT_SECRET=secret\n"
		       "HTTPS_CA_FILE=/nonexistent\n");
	assert_int_equal(run("doctor"), 1);
	assert_true(says("FAIL  certificate authorities"));
	write_settings("GOOGLE_CLIENT_ID=id\nGOOGLE_CLIENT_SECRET=secret\nNONSENSE=1\n");
	assert_int_equal(run("doctor"), 1);
	assert_true(says("NONSENSE"));
	write_settings(
		"GOOGLE_CLIENT_ID=id\nGOOGLE_CLIENT_SECRET=secret\nDATABASE_USER=stranger\n");
	assert_int_equal(run("doctor"), 1);
}

static void the_doctor_finds_a_key_ring_that_others_may_read(void **state)
{
	char path[300];

	(void)state;
	snprintf(path, sizeof(path), "%s/ring", folder);
	assert_int_equal(chmod(path, 0444), 0);
	assert_int_equal(run("doctor"), 1);
	assert_true(says("FAIL  key ring"));
	assert_int_equal(chmod(path, 0400), 0);
	assert_int_equal(run("doctor"), 0);
}

static void the_doctor_warns_of_a_database_that_forgets(void **state)
{
	(void)state;
	store_sql("SET GLOBAL innodb_flush_log_at_trx_commit = 2");
	assert_int_equal(run("doctor"), 0);
	assert_true(says("warn  database"));
	store_sql("SET GLOBAL innodb_flush_log_at_trx_commit = 1");
}

static void doctor_and_status_find_a_schema_that_is_not_ours(void **state)
{
	(void)state;
	store_sql("RENAME TABLE schema_migrations TO hidden");
	assert_int_equal(run("doctor"), 1);
	assert_true(says("FAIL  schema"));
	assert_int_equal(run("status"), 1);
	store_sql("RENAME TABLE hidden TO schema_migrations");
	assert_int_equal(run("status"), 0);
}

static void the_status_counts_connections_intents_and_pauses(void **state)
{
	struct id tenant = store_tenant("first"), owner = store_owner(&tenant, "coach");
	struct id connection = store_connection(&tenant, &owner, "a");

	(void)state;
	store_connection(&tenant, &owner, "b");
	store_sql(
		"INSERT INTO calendar_event_mappings (id, tenant_id, owner_id, connection_id, "
		"origin, state, event_ref, calendar_id, provider_event_id, settle_at, created_at) "
		"VALUES (X'01', %s, %s, %s, 'invite', 'intended', 'r', 'c', 'p', "
		"UTC_TIMESTAMP(3), UTC_TIMESTAMP(3))",
		store_hex(&tenant), store_hex(&owner), store_hex(&connection));
	store_sql("INSERT INTO provider_limits (subject, paused_until, reason, updated_at) VALUES "
		  "('google', UTC_TIMESTAMP(3) + INTERVAL 1 "
		  "HOUR, 'provider_misconfigured', UTC_TIMESTAMP(3))");
	assert_int_equal(run("status"), 0);
	assert_true(says("connections active: 2\n"));
	assert_true(says("events intended: 1\n"));
	assert_true(says("these due: 1\n"));
	assert_true(says("pauses: 1\n"));
	assert_true(says("provider_misconfigured"));
}

static void help_and_version_need_no_settings(void **state)
{
	(void)state;
	write_settings("NONSENSE=1\n");
	assert_int_equal(run("--version"), 0);
	assert_int_equal(run("--help"), 0);
	assert_true(says("sign-in-link"));
	assert_int_equal(run("key create --help"), 0);
	assert_true(says("--scope"));
	assert_int_equal(run("status"), 1);
	assert_true(says("NONSENSE"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_tenant_is_made_once_and_has_people_and_keys_of_its_own,
				       begin),
		cmocka_unit_test_setup(a_key_is_shown_once_and_kept_as_its_hash, begin),
		cmocka_unit_test_setup(every_key_is_another_one, begin),
		cmocka_unit_test_setup(a_revoked_key_is_revoked_once_and_stays_listed, begin),
		cmocka_unit_test_setup(a_third_key_of_a_name_is_refused_until_one_is_revoked,
				       begin),
		cmocka_unit_test_setup(a_prefix_that_several_keys_have_revokes_none, begin),
		cmocka_unit_test_setup(a_sign_in_link_opens_a_session_once, begin),
		cmocka_unit_test_setup(a_link_has_the_role_and_the_time_that_were_asked_for, begin),
		cmocka_unit_test_setup(an_owner_is_changed_where_something_is_given, begin),
		cmocka_unit_test_setup(a_wrong_command_line_ends_with_2_and_changes_nothing, begin),
		cmocka_unit_test_setup(a_tenant_or_owner_that_is_not_there_ends_with_1, begin),
		cmocka_unit_test_setup(the_doctor_finds_what_is_missing, begin),
		cmocka_unit_test_setup(the_doctor_finds_a_key_ring_that_others_may_read, begin),
		cmocka_unit_test_setup(the_doctor_warns_of_a_database_that_forgets, begin),
		cmocka_unit_test_setup(doctor_and_status_find_a_schema_that_is_not_ours, begin),
		cmocka_unit_test_setup(the_status_counts_connections_intents_and_pauses, begin),
		cmocka_unit_test_setup(help_and_version_need_no_settings, begin),
	};

	return cmocka_run_group_tests_name("calbridge", tests, start, store_stop);
}
