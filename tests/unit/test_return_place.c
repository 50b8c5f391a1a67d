#include "model/return_place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"

#define ORIGINS "https://good.example, https://other.example:8443"

static bool is_good(const char *place)
{
	return return_place_is_good(slice_of(place), SLICE(ORIGINS));
}

static void test_a_path_of_our_own_is_good(void **state)
{
	(void)state;
	assert_true(is_good("/"));
	assert_true(is_good("/dashboard/"));
	assert_true(is_good("/dashboard/?tab=calendar&x=%20"));
}

static void test_a_page_of_an_allowed_origin_is_good(void **state)
{
	(void)state;
	assert_true(is_good("https://good.example"));
	assert_true(is_good("https://good.example/settings?tab=1"));
	assert_true(is_good("https://good.example?x=1"));
	assert_true(is_good("https://other.example:8443/"));
}

static void test_nothing_leads_to_another_host(void **state)
{
	static const char *const BAD[] = {
		"",
		"//evil.example",
		"///evil.example",
		"/\\evil.example",
		"\\/evil.example",
		"\\\\evil.example",
		"/%2f%2fevil.example",
		"/%2F%2Fevil.example",
		"/%5cevil.example",
		"/%5Cevil.example",
		"https:evil.example",
		"https:/evil.example",
		"https://evil.example/",
		"https://good.example.evil.example/",
		"https://good.example@evil.example/",
		"https://good.example:443/",
		"https://good.example:pass@evil.example/",
		"https://other.example/",
		"https://other.example:84430/",
		"http://good.example/",
		"HTTPS://good.example/",
		"https://Good.example/",
		"https://good.example\\.evil.example/",
		"https://good.example#@evil.example/",
		"javascript:alert(1)",
		"data:text/html,x",
		"dashboard/",
		"?x=1",
		" /dashboard/",
		"/dash board/",
		"/\t/evil.example",
		"/\n/evil.example",
		"/\r\nLocation: https://evil.example",
		"/dashboard/#fragment",
		"/<script>",
		"/\"onload=",
		"/\x7f",
		"/\xc3\xa9",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
		if (is_good(BAD[i]))
			fail_msg("%s is taken", BAD[i]);
}

static void test_a_nul_in_the_place_is_refused(void **state)
{
	(void)state;
	assert_false(return_place_is_good((struct slice){"/a\0b", 4}, SLICE(ORIGINS)));
}

static void test_a_place_longer_than_its_ceiling_is_refused(void **state)
{
	char place[RETURN_PLACE_BYTES + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(place); i++)
		place[i] = i ? 'a' : '/';
	assert_true(return_place_is_good((struct slice){place, sizeof(place) - 1}, SLICE("")));
	assert_false(return_place_is_good((struct slice){place, sizeof(place)}, SLICE("")));
}

static void test_without_allowed_origins_only_paths_are_good(void **state)
{
	(void)state;
	assert_true(return_place_is_good(SLICE("/x"), SLICE("")));
	assert_true(return_place_is_good(SLICE("/x"), (struct slice){NULL, 0}));
	assert_false(return_place_is_good(SLICE("https://good.example/"), SLICE("")));
}

static void check_url(const char *place, const char *query, const char *wanted)
{
	struct arena *arena = arena_new(1024, 65536);
	struct buf url;

	buf_init(&url, arena, 1024);
	return_place_url(&url, slice_of(place), "https://us.example", slice_of(query));
	assert_int_equal(buf_error(&url), OK);
	assert_string_equal(url.data, wanted);
	arena_free(arena);
}

static void test_the_result_joins_the_query_that_is_there(void **state)
{
	(void)state;
	check_url("/dashboard/", "calendar=connected",
		  "https://us.example/dashboard/?calendar=connected");
	check_url("/d?a=1", "calendar=connected", "https://us.example/d?a=1&calendar=connected");
	check_url("https://good.example/x", "a=b", "https://good.example/x?a=b");
	check_url("/plain", "", "https://us.example/plain");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_path_of_our_own_is_good),
		cmocka_unit_test(test_a_page_of_an_allowed_origin_is_good),
		cmocka_unit_test(test_nothing_leads_to_another_host),
		cmocka_unit_test(test_a_nul_in_the_place_is_refused),
		cmocka_unit_test(test_a_place_longer_than_its_ceiling_is_refused),
		cmocka_unit_test(test_without_allowed_origins_only_paths_are_good),
		cmocka_unit_test(test_the_result_joins_the_query_that_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
