#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/audit_log.h"
#include "tests/unit/store_fixture.h"

enum { LONG = 600 };

static int begin(void **state)
{
	store_sql("DELETE FROM audit_log");
	return store_fresh_arena(state);
}

static int start(void **state)
{
	return store_start(state);
}

static void a_line_stands_as_it_was_told(void **state)
{
	struct audit audit = {
		.tenant = id_new(),
		.actor = SLICE("key:" HOSTILE),
		.action = "connect",
		.object = SLICE(HOSTILE),
		.result = "ok",
		.address = SLICE("2001:db8::1"),
		.request_id = SLICE("0123456789abcdef"),
	};

	(void)state;
	assert_int_equal(audit_log_add(store_db(), &audit, NULL), OK);
	assert_int_equal(
		store_number("SELECT COUNT(*) FROM audit_log WHERE tenant_id = %s AND "
			     "actor = CONCAT('key:', object) AND HEX(RIGHT(object, 1)) = "
			     "'F0908D88' AND object LIKE _utf8mb4 X'2725' AND "
			     "action = 'connect' AND result = 'ok' AND address = '2001:db8::1' AND "
			     "request_id = '0123456789abcdef' AND at > "
			     "UTC_TIMESTAMP(3) - INTERVAL 1 MINUTE",
			     store_hex(&audit.tenant)),
		1);
}

static void a_line_without_tenant_address_and_request_is_written(void **state)
{
	struct audit audit = {.action = "rotate", .result = "ok"};

	(void)state;
	assert_int_equal(audit_log_add(store_db(), &audit, NULL), OK);
	assert_int_equal(store_number("SELECT COUNT(*) FROM audit_log WHERE tenant_id IS NULL AND "
				      "address IS NULL AND request_id IS NULL AND object = '' AND "
				      "actor = 'nobody'"),
			 1);
}

/* Characters of four bytes: more than any column has room for. */
static struct slice long_text(void)
{
	char *text = arena_alloc(store_arena(), LONG + 1);

	assert_non_null(text);
	for (size_t i = 0; i < LONG; i += 4)
		memcpy(text + i, "\xF0\x9F\x98\x80", 4);
	return (struct slice){text, LONG};
}

static void text_that_does_not_fit_is_cut_and_still_written(void **state)
{
	struct slice text = long_text();
	struct audit audit = {
		.actor = text,
		.action = text.data,
		.object = text,
		.result = text.data,
		.address = text,
		.request_id = text,
	};

	(void)state;
	assert_int_equal(audit_log_add(store_db(), &audit, NULL), OK);
	assert_int_equal(store_number("SELECT COUNT(*) FROM audit_log WHERE LENGTH(actor) = 160 "
				      "AND LENGTH(object) = 160 AND action = REPEAT('?', 32) AND "
				      "result = action AND address = REPEAT('?', 45) AND "
				      "request_id = REPEAT('?', 64)"),
			 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_line_stands_as_it_was_told, begin),
		cmocka_unit_test_setup(a_line_without_tenant_address_and_request_is_written, begin),
		cmocka_unit_test_setup(text_that_does_not_fit_is_cut_and_still_written, begin),
	};

	return cmocka_run_group_tests_name("audit_log", tests, start, store_stop);
}
