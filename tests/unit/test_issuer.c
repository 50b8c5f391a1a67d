#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/issuer.h"

#define GOOGLE "https://accounts.google.com"
#define MICROSOFT "https://login.microsoftonline.com/{tenantid}/v2.0"
#define TENANT "72f988bf-86f1-41af-91ab-2d7cd011db47"
#define OTHER "9188040d-6c67-4c5b-b112-36a304b66dad"

static bool is_wanted(const char *issuer, const char *wanted)
{
	struct slice tenant;
	bool fits = issuer_is(slice_of(issuer), wanted, &tenant);

	if (!fits)
		assert_int_equal(tenant.len, 0);
	return fits;
}

static void without_a_tenant_it_is_equal_to_the_letter(void **state)
{
	struct slice tenant;

	(void)state;
	assert_true(issuer_is(SLICE(GOOGLE), GOOGLE, &tenant));
	assert_int_equal(tenant.len, 0);
	assert_false(is_wanted(GOOGLE "/", GOOGLE));
	assert_false(is_wanted("https://accounts.google.co", GOOGLE));
	assert_false(is_wanted("https://ACCOUNTS.google.com", GOOGLE));
	assert_false(is_wanted("", GOOGLE));
	assert_false(is_wanted(NULL, GOOGLE));
}

static void a_tenants_issuer_names_it(void **state)
{
	struct slice tenant;

	(void)state;
	assert_true(issuer_is(SLICE("https://login.microsoftonline.com/" TENANT "/v2.0"), MICROSOFT,
			      &tenant));
	assert_true(slice_is(tenant, TENANT));
	assert_true(is_wanted(TENANT, "{tenantid}"));
}

static void what_is_no_tenants_issuer_is_refused(void **state)
{
	static const char *const BAD[] = {
		MICROSOFT,
		"https://login.microsoftonline.com/common/v2.0",
		"https://login.microsoftonline.com//v2.0",
		"https://login.microsoftonline.com/" TENANT "/v2.0/",
		"https://login.microsoftonline.com/" TENANT "/v1.0",
		"https://login.microsoftonline.com/" TENANT,
		"https://login.microsoftonline.con/" TENANT "/v2.0",
		"https://login.microsoftonline.com/72F988BF-86F1-41AF-91AB-2D7CD011DB47/v2.0",
		"https://login.microsoftonline.com/72f988bf86f1-41af-91ab-2d7cd011db47--/v2.0",
		"https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db4/x/v2.0",
		"https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db4g/v2.0",
		GOOGLE,
		"",
		NULL,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
		if (is_wanted(BAD[i], MICROSOFT))
			fail_msg("%s", BAD[i]);
}

static void an_account_is_of_the_tenant_that_its_id_begins_with(void **state)
{
	struct slice none = {NULL, 0};

	(void)state;
	assert_true(issuer_has_account(SLICE(TENANT), SLICE(TENANT "." OTHER)));
	assert_false(issuer_has_account(SLICE(TENANT), SLICE(OTHER "." TENANT)));
	assert_false(issuer_has_account(SLICE(TENANT), SLICE(TENANT)));
	assert_false(issuer_has_account(SLICE(TENANT), none));
	assert_true(issuer_has_account(none, SLICE("113")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_tenant_it_is_equal_to_the_letter),
		cmocka_unit_test(a_tenants_issuer_names_it),
		cmocka_unit_test(what_is_no_tenants_issuer_is_refused),
		cmocka_unit_test(an_account_is_of_the_tenant_that_its_id_begins_with),
	};

	return cmocka_run_group_tests_name("issuer", tests, NULL, NULL);
}
