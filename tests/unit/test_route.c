#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "web/route.h"

static const struct route ROUTES[] = {
	{.method = "POST", .path = "/api/calendar/invite", .name = "invite"},
	{.method = "GET", .path = "/api/ci/connect/{provider}/{coachId}", .name = "connect"},
	{.method = "GET", .path = "/api/ci/connections/{coachId}", .name = "connections"},
	{.method = "PUT", .path = "/api/ci/connections/{connectionId}", .name = "settings"},
	{.method = "DELETE", .path = "/api/ci/connections/{connectionId}", .name = "disconnect"},
	{.method = "GET", .path = "/api/events/{eventId}", .name = "event"},
	{.method = "GET", .path = "/api/session", .name = "session_show"},
	{.method = "POST", .path = "/api/session", .name = "session_create"},
	{.method = "GET", .path = "/healthz", .name = "healthz"},
};
static const struct web WEB = {.routes = ROUTES, .n_routes = ARRAY_LEN(ROUTES)};

static struct arena *arena;

static int make(void **state)
{
	(void)state;
	arena = arena_new(8192, 1024 * 1024);
	return arena ? 0 : -1;
}

static int drop(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static struct route_found find(const char *method, const char *path, enum err expected)
{
	struct route_found found;
	enum err e = route_find(&WEB, slice_of(method), slice_of(path), arena, &found);

	if (e != expected)
		fail_msg("%s %s: %s", method, path, err_code(e));
	return found;
}

static void a_path_and_a_method_name_one_row(void **state)
{
	(void)state;
	assert_string_equal(find("POST", "/api/calendar/invite", OK).route->name, "invite");
	assert_string_equal(find("PUT", "/api/ci/connections/x", OK).route->name, "settings");
	assert_string_equal(find("GET", "/api/ci/connections/x", OK).route->name, "connections");
	assert_string_equal(find("POST", "/api/session", OK).route->name, "session_create");
}

static void parameters_are_what_stands_in_the_place_of_their_names(void **state)
{
	struct route_found found = find("GET", "/api/ci/connect/google/c%40x.org", OK);

	(void)state;
	assert_true(slice_is(found.params[0], "google"));
	assert_true(slice_is(found.params[1], "c@x.org"));
	found = find("GET", "/api/ci/connections/%61%2Db%7cc", OK);
	assert_true(slice_is(found.params[0], "a-b|c"));
}

static void a_segment_is_decoded_once(void **state)
{
	(void)state;
	assert_string_equal(find("POST", "/%61pi/calendar/invite", OK).route->name, "invite");
	find("POST", "/%2561pi/calendar/invite", ERR_NOT_FOUND);
	find("POST", "/api%2Fcalendar/invite", ERR_NOT_FOUND);
	find("GET", "/api/ci/connections/%2561", ERR_NOT_FOUND);
}

static void what_cannot_be_an_id_matches_no_parameter(void **state)
{
	static const char *const BAD[] = {
		"",       ".",   "..",  "%2e%2e", "%2E", "%00",     "a%00",
		"%",      "%4",  "%zz", "a%20b",  "a b", "a%2Fb",   "a%5Cb",
		"%C3%A4", "%FF", "a;b", "a%3Bb",  "a*",  "%3Cb%3E",
	};
	char path[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
		snprintf(path, sizeof(path), "/api/ci/connections/%s", BAD[i]);
		find("GET", path, ERR_NOT_FOUND);
	}
}

/* Graph's ids are longer than ours, and end in equals signs. */
static void an_events_id_may_be_a_providers(void **state)
{
	static const char *const BAD[] = {"", ".", "..", "a%2Fb", "a@b", "a%00", "a+b", "a b"};
	char path[600] = "/api/events/";
	size_t len = strlen(path);

	(void)state;
	assert_true(slice_is(find("GET", "/api/events/AAkA-_b%3D=", OK).params[0], "AAkA-_b=="));
	memset(path + len, 'a', 255);
	assert_int_equal(find("GET", path, OK).params[0].len, 255);
	path[len + 255] = 'a';
	find("GET", path, ERR_NOT_FOUND);
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
		snprintf(path, sizeof(path), "/api/events/%s", BAD[i]);
		find("GET", path, ERR_NOT_FOUND);
	}
}

static void an_id_has_at_most_128_letters(void **state)
{
	char path[600] = "/api/ci/connections/";
	size_t len = strlen(path);

	(void)state;
	memset(path + len, 'a', 128);
	assert_int_equal(find("GET", path, OK).params[0].len, 128);
	path[len + 128] = 'a';
	find("GET", path, ERR_NOT_FOUND);
	for (size_t i = 0; i < 128; i++)
		memcpy(path + len + 3 * i, "%61", 4);
	assert_int_equal(find("GET", path, OK).params[0].len, 128);
	memcpy(path + len + 3 * 128, "%61", 4);
	find("GET", path, ERR_NOT_FOUND);
}

static void other_paths_are_not_there(void **state)
{
	static const char *const BAD[] = {
		"",
		"/",
		"//",
		"*",
		"healthz",
		"/healthz/",
		"//healthz",
		"/HEALTHZ",
		"/healthz%00",
		"/healthz;x",
		"/api//calendar/invite",
		"/api/calendar/invite/",
		"/api/calendar/invite/x",
		"/api/calendar",
		"/api/ci/connect/google",
		"/api/ci/connect/google/c/x",
		"/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o",
		"https://calendar.test/healthz",
		"/api/../healthz",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
		assert_null(find("GET", BAD[i], ERR_NOT_FOUND).route);
}

static void another_method_hears_what_the_path_takes(void **state)
{
	static const char *const METHODS[] = {"GET",   "HEAD", "PUT",   "DELETE", "PATCH",
					      "TRACE", "post", "POSTS", "",       "OPTIONS"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(METHODS); i++)
		assert_string_equal(find(METHODS[i], "/api/calendar/invite", ERR_METHOD).allow,
				    "POST");
	assert_string_equal(find("PUT", "/api/session", ERR_METHOD).allow, "GET, HEAD, POST");
	assert_string_equal(find("POST", "/api/ci/connections/x", ERR_METHOD).allow,
			    "GET, HEAD, PUT, DELETE");
	assert_string_equal(find("PUT", "/api/session", ERR_METHOD).route->path, "/api/session");
}

static void head_is_looked_up_as_get(void **state)
{
	(void)state;
	assert_string_equal(find("HEAD", "/healthz", OK).route->name, "healthz");
	assert_string_equal(find("HEAD", "/api/session", OK).route->name, "session_show");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_and_a_method_name_one_row),
		cmocka_unit_test(parameters_are_what_stands_in_the_place_of_their_names),
		cmocka_unit_test(a_segment_is_decoded_once),
		cmocka_unit_test(what_cannot_be_an_id_matches_no_parameter),
		cmocka_unit_test(an_events_id_may_be_a_providers),
		cmocka_unit_test(an_id_has_at_most_128_letters),
		cmocka_unit_test(other_paths_are_not_there),
		cmocka_unit_test(another_method_hears_what_the_path_takes),
		cmocka_unit_test(head_is_looked_up_as_get),
	};

	return cmocka_run_group_tests(tests, make, drop);
}
