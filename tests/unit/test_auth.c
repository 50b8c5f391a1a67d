#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tests/unit/web_fixture.h"
#include "web/auth.h"
#include "web/session.h"

#define HS256_HEADER "{\"alg\":\"HS256\"}"
#define COACH_1 "{\"sub\":\"coach-1\",\"exp\":4000000000}"
#define COACH_9 "{\"sub\":\"coach-9\",\"exp\":4000000000}"
#define ADMIN "{\"sub\":\"boss\",\"exp\":4000000000,\"role\":\"admin\"}"

static const struct route INVITE = {
	.method = "POST",
	.path = "/invite",
	.name = "invite",
	.callers = BY_KEY | BY_TOKEN | BY_SESSION | BY_DEMO,
	.scope = SCOPE_EVENTS,
	.whose = ITS_BODYS_HOST,
};
static const struct route COACHS = {
	.method = "GET",
	.path = "/connect/{provider}/{coachId}",
	.name = "connect",
	.callers = BY_KEY | BY_TOKEN | BY_SESSION,
	.scope = SCOPE_ADMIN,
	.whose = ITS_PATHS_COACH,
};
static const struct route OWN = {
	.method = "GET",
	.path = "/session",
	.name = "session",
	.callers = BY_SESSION,
	.whose = ITS_CALLERS,
};
static const struct route INSTRUCTORS = {
	.method = "POST",
	.path = "/events",
	.name = "events",
	.callers = BY_KEY | BY_TOKEN,
	.scope = SCOPE_EVENTS,
	.whose = ITS_HEADERS_INSTRUCTOR,
};
static const struct route OPEN = {
	.method = "GET", .path = "/open", .name = "open", .callers = BY_NOBODY};

static struct request *rq;
static struct fail why;

/* Asks whether the request that stands may use route, for the host of its body. */
static enum err identify(const struct route *route, const char *host)
{
	rq = web_request();
	rq->route = route;
	why = (struct fail){0};
	return auth_identify(rq, slice_of(host), &why);
}

/* The same for the coach of the path. */
static enum err identify_coach(const char *coach)
{
	rq = web_request();
	rq->route = &COACHS;
	rq->params[0] = SLICE("google");
	rq->params[1] = slice_of(coach);
	why = (struct fail){0};
	return auth_identify(rq, (struct slice){NULL, 0}, &why);
}

static void begin_key(const char *key)
{
	web_begin("POST", "/invite");
	web_param("HTTP_X_API_KEY", key);
}

static void begin_token(const char *claims)
{
	web_begin("POST", "/invite");
	web_param("HTTP_AUTHORIZATION",
		  arena_format(fx.arena, "Bearer %s", web_token(HS256_HEADER, claims, JWT_SECRET)));
}

/* A write from our own page, with the token of this session. */
static void begin_session(const char *method)
{
	char csrf[CSRF_TOKEN_BYTES];
	struct session session = {.id = web_tenant("session")};

	web_begin(method, "/invite");
	web_param("HTTP_COOKIE", "__Host-cb_session=" SESSION_COOKIE);
	web_param("HTTP_ORIGIN", OUR_URL);
	assert_int_equal(session_csrf(web_request(), &session, csrf), OK);
	web_param("HTTP_X_CSRF_TOKEN", arena_copy(fx.arena, slice_of(csrf)));
}

static void begin_demo(const char *origin)
{
	web_begin("POST", "/invite");
	if (origin)
		web_param("HTTP_ORIGIN", origin);
}

static void from(const char *address)
{
	web_param("REMOTE_ADDR", NULL);
	web_param("REMOTE_ADDR", address);
}

static bool is_target(const char *owner)
{
	return slice_is(rq->target.owner.external_id, owner) && slice_is(fx.tables.asked, owner);
}

static void a_key_speaks_for_the_host_that_is_named(void **state)
{
	(void)state;
	begin_key(KEY);
	assert_int_equal(identify(&INVITE, "coach-2"), OK);
	assert_true(is_target("coach-2"));
	assert_int_equal(rq->caller.kind, CALLER_KEY);
	assert_true(slice_starts(rq->caller.actor, "key:"));
	assert_int_equal(rq->caller.role, ROLE_COACH);
	assert_int_equal(fx.tables.look_ups, 1);
	web_begin("POST", "/invite");
	web_param("HTTP_X_INSTRUCTOROPS_KEY", KEY);
	assert_int_equal(identify(&INVITE, "coach-2"), OK);
}

static void a_key_that_is_not_exactly_one_good_key_is_401(void **state)
{
	static char vast[10001];
	static const char *const BAD[] = {"", "x", KEY "x", KEY " ", KEY ", " KEY, vast};

	(void)state;
	fx.config.rate_failures_per_10min = 1000;
	memset(vast, 'k', sizeof(vast) - 1);
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
		unsigned before = fx.tables.look_ups;

		begin_key(BAD[i]);
		assert_int_equal(identify(&INVITE, "coach-1"), ERR_NO_CREDENTIAL);
		/* the work is that of any wrong key */
		assert_int_equal(fx.tables.look_ups, before + 1);
	}
	begin_key(KEY);
	web_param("HTTP_X_API_KEY", KEY);
	assert_int_equal(identify(&INVITE, "coach-1"), ERR_NO_CREDENTIAL);
	begin_key(KEY);
	web_param("HTTP_X_INSTRUCTOROPS_KEY", KEY);
	assert_int_equal(identify(&INVITE, "coach-1"), ERR_NO_CREDENTIAL);
	web_begin("POST", "/invite?x-api-key=" KEY);
	assert_int_equal(identify(&INVITE, "coach-1"), ERR_NO_CREDENTIAL);
}

static void a_key_needs_the_routes_scope(void **state)
{
	(void)state;
	fx.tables.key.scopes = SCOPE_APPOINTMENTS | SCOPE_CONNECTORS;
	begin_key(KEY);
	assert_int_equal(identify(&INVITE, "coach-1"), ERR_FORBIDDEN);
	fx.tables.key.scopes = SCOPE_EVENTS;
	begin_key(KEY);
	assert_int_equal(identify_coach("coach-1"), ERR_FORBIDDEN);
	fx.tables.key.scopes = SCOPE_ADMIN;
	begin_key(KEY);
	assert_int_equal(identify_coach("coach-1"), OK);
	assert_int_equal(rq->caller.role, ROLE_ADMIN);
	assert_int_equal(identify_coach("coach-9"), ERR_NOT_FOUND);
}

static void the_scope_admin_reaches_everything_in_its_tenant(void **state)
{
	(void)state;
	fx.tables.key.scopes = SCOPE_ADMIN;
	begin_key(KEY);
	web_param("HTTP_X_INSTRUCTOR_ID", "coach-2");
	assert_int_equal(identify(&INVITE, "coach-1"), OK);
	assert_int_equal(identify(&INSTRUCTORS, NULL), OK);
	assert_int_equal(identify_coach("coach-1"), OK);
	/* and no further */
	assert_int_equal(identify(&OWN, NULL), ERR_FORBIDDEN);
	assert_int_equal(identify(&INVITE, "coach-9"), ERR_NOT_FOUND);
}

static void a_key_without_a_host_is_for_the_demo_host_of_the_default_tenant(void **state)
{
	(void)state;
	begin_key(KEY);
	assert_int_equal(identify(&INVITE, NULL), OK);
	assert_true(is_target(DEMO_HOST));
	fx.tables.key.tenant = web_tenant("other");
	assert_int_equal(identify(&INVITE, NULL), ERR_FIELDS);
	assert_string_equal(why.fields[0].field, "hostId");
	fx.tables.key.tenant = web_tenant("default");
	fx.config.demo_host_id = NULL;
	assert_int_equal(identify(&INVITE, NULL), ERR_FIELDS);
	assert_int_equal(identify(&INVITE, ""), ERR_FIELDS);
}

static void an_unknown_host_of_a_key_is_404_and_so_is_what_cannot_be_one(void **state)
{
	static const char *const BAD[] = {"coach-9", "../coach-1", "coach-1 ", "coach-1\n",
					  "?",       "a/b",        "\xC3\xA4", "."};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
		begin_key(KEY);
		assert_int_equal(identify(&INVITE, BAD[i]), ERR_NOT_FOUND);
		assert_string_equal(why.reason, "no such host");
	}
}

static void begin_instructor(const char *instructor)
{
	begin_key(KEY);
	if (instructor)
		web_param("HTTP_X_INSTRUCTOR_ID", instructor);
}

static void a_key_speaks_for_the_instructor_whom_its_header_names(void **state)
{
	(void)state;
	begin_instructor("coach-2");
	assert_int_equal(identify(&INSTRUCTORS, "coach-1"), OK);
	assert_true(is_target("coach-2"));
	assert_int_equal(fx.tables.look_ups, 1);
	assert_int_equal(auth_make_owner(rq, &why), OK);
	assert_int_equal(fx.tables.owners_put, 0);
}

static void a_header_that_names_no_instructor_is_400_for_who_may_call(void **state)
{
	char longest[130] = "";
	const char *bad[] = {NULL,         "",    "coach 1",  "coach-1, coach-2",
			     "../coach-1", "a/b", "\xC3\xA4", "coach-1\n",
			     "coach-1%20", "?",   longest};

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		begin_instructor(bad[i]);
		assert_int_equal(identify(&INSTRUCTORS, NULL), ERR_BAD_REQUEST);
		assert_non_null(strstr(why.reason, "x-instructor-id"));
		assert_int_equal(why.n_fields, 0);
	}
	begin_instructor("coach-1");
	web_param("HTTP_X_INSTRUCTOR_ID", "coach-1");
	assert_int_equal(identify(&INSTRUCTORS, NULL), ERR_BAD_REQUEST);
	fx.tables.key.scopes = SCOPE_CONNECTORS;
	assert_int_equal(identify(&INSTRUCTORS, NULL), ERR_FORBIDDEN);
	web_begin("POST", "/events");
	assert_int_equal(identify(&INSTRUCTORS, NULL), ERR_NO_CREDENTIAL);
}

static void an_instructor_is_made_on_his_first_post_and_not_before(void **state)
{
	struct route change = INSTRUCTORS;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		change.method = ((const char *const[]){"GET", "PATCH", "DELETE"})[i];
		begin_instructor("coach-9");
		assert_int_equal(identify(&change, NULL), OK);
		assert_int_equal(auth_make_owner(rq, &why), OK);
		assert_true(id_is_none(&rq->target.owner.id));
	}
	assert_int_equal(fx.tables.owners_put, 0);
	assert_int_equal(identify(&INSTRUCTORS, NULL), OK);
	assert_true(id_is_none(&rq->target.owner.id));
	assert_int_equal(auth_make_owner(rq, &why), OK);
	assert_true(is_target("coach-9"));
	assert_int_equal(fx.tables.owners_put, 1);
	assert_int_equal(identify(&INSTRUCTORS, NULL), OK);
	assert_int_equal(auth_make_owner(rq, &why), OK);
	assert_int_equal(fx.tables.owners_put, 1);
}

static void no_other_route_makes_an_owner(void **state)
{
	(void)state;
	begin_token(COACH_9);
	web_param("HTTP_X_INSTRUCTOR_ID", "coach-9");
	assert_int_equal(identify(&INVITE, NULL), OK);
	assert_true(id_is_none(&rq->target.owner.id));
	assert_int_equal(auth_make_owner(rq, &why), OK);
	assert_int_equal(fx.tables.owners_put, 0);
}

static void a_header_lets_no_coach_reach_another(void **state)
{
	(void)state;
	begin_token(COACH_1);
	web_param("HTTP_X_INSTRUCTOR_ID", "coach-2");
	assert_int_equal(identify(&INSTRUCTORS, NULL), ERR_NOT_FOUND);
	begin_token(COACH_1);
	web_param("HTTP_X_INSTRUCTOR_ID", "coach-9");
	assert_int_equal(identify(&INSTRUCTORS, NULL), ERR_NOT_FOUND);
	begin_token(COACH_1);
	web_param("HTTP_X_INSTRUCTOR_ID", "coach-1");
	assert_int_equal(identify(&INSTRUCTORS, NULL), OK);
	assert_true(is_target("coach-1"));
}

static void the_key_of_the_settings_is_one_more_of_the_default_tenant(void **state)
{
	struct id tenant;

	(void)state;
	assert_int_equal(secret_set(&fx.config.instructorops_api_key, SLICE("settings-key-0123")),
			 OK);
	begin_key("settings-key-0123");
	assert_int_equal(identify(&INVITE, "coach-2"), OK);
	tenant = web_tenant("default");
	assert_true(id_equal(&rq->caller.tenant, &tenant));
	assert_true(is_target("coach-2"));
	assert_int_equal(identify(&INVITE, NULL), OK);
	assert_true(is_target(DEMO_HOST));
	assert_int_equal(identify_coach("coach-1"), ERR_FORBIDDEN);
	begin_key("settings-key-0124");
	assert_int_equal(identify(&INVITE, "coach-2"), ERR_NO_CREDENTIAL);
	secret_wipe(&fx.config.instructorops_api_key);
	begin_key("");
	assert_int_equal(identify(&INVITE, "coach-2"), ERR_NO_CREDENTIAL);
}

static void the_first_use_of_a_key_is_noted_once(void **state)
{
	(void)state;
	fx.tables.key.unused_ms = -1;
	begin_key(KEY);
	assert_int_equal(identify(&INVITE, "coach-1"), OK);
	assert_int_equal(fx.tables.audits, 1);
	assert_string_equal(fx.tables.action, "key_first_use");
	/* another one was faster */
	assert_int_equal(identify(&INVITE, "coach-1"), OK);
	assert_int_equal(fx.tables.audits, 1);
	fx.tables.key.unused_ms = 0;
	assert_int_equal(identify(&INVITE, "coach-1"), OK);
	assert_int_equal(fx.tables.marked_used, 2);
}

static void a_later_use_of_a_key_is_noted_once_an_hour(void **state)
{
	static const int64_t HOUR_MS = 3600000;

	(void)state;
	begin_key(KEY);
	fx.tables.key.unused_ms = HOUR_MS - 1;
	assert_int_equal(identify(&INVITE, "coach-1"), OK);
	assert_int_equal(fx.tables.touched, 0);
	fx.tables.key.unused_ms = HOUR_MS;
	assert_int_equal(identify(&INVITE, "coach-1"), OK);
	assert_int_equal(fx.tables.touched, 1);
	assert_int_equal(fx.tables.marked_used, 0);
	assert_int_equal(fx.tables.audits, 0);
}

static void a_key_has_so_many_calls_a_minute(void **state)
{
	(void)state;
	clock_set_for_test(INT64_C(1760000040) * 1000);
	fx.config.rate_key_per_min = 3;
	for (unsigned i = 0; i < 3; i++) {
		begin_key(KEY);
		assert_int_equal(identify(&INVITE, "coach-1"), OK);
	}
	assert_int_equal(identify(&INVITE, "coach-1"), ERR_TOO_MANY);
	assert_true(why.retry_after_s > 0);
	fx.tables.key.id = web_tenant("another key");
	assert_int_equal(identify(&INVITE, "coach-1"), OK);
}

static void a_coach_reaches_only_what_is_his(void **state)
{
	(void)state;
	begin_token(COACH_1);
	assert_int_equal(identify(&INVITE, NULL), OK);
	assert_true(is_target("coach-1"));
	assert_int_equal(identify(&INVITE, "coach-1"), OK);
	assert_int_equal(identify_coach("coach-1"), OK);
	assert_true(is_target("coach-1"));
	assert_int_equal(rq->caller.kind, CALLER_TOKEN);
	assert_true(slice_is(rq->caller.external_id, "coach-1"));
	assert_true(slice_is(rq->caller.actor, "owner:coach-1"));
	/* there or not, it is all the same */
	assert_int_equal(identify_coach("coach-2"), ERR_NOT_FOUND);
	assert_int_equal(identify_coach("coach-9"), ERR_NOT_FOUND);
	assert_int_equal(identify(&INVITE, "coach-2"), ERR_NOT_FOUND);
	assert_int_equal(identify(&INVITE, "coach-9"), ERR_NOT_FOUND);
	assert_int_equal(identify(&INVITE, "../coach-1"), ERR_NOT_FOUND);
}

static void a_coach_may_come_before_his_row(void **state)
{
	(void)state;
	begin_token(COACH_9);
	assert_int_equal(identify_coach("coach-9"), OK);
	assert_true(id_is_none(&rq->target.owner.id));
	assert_int_equal(identify(&INVITE, NULL), OK);
	assert_true(id_is_none(&rq->target.owner.id));
}

static void an_admin_reaches_all_of_his_tenant(void **state)
{
	(void)state;
	begin_token(ADMIN);
	assert_int_equal(identify_coach("coach-2"), OK);
	assert_true(is_target("coach-2"));
	assert_int_equal(identify(&INVITE, "coach-2"), OK);
	assert_int_equal(identify_coach("coach-9"), ERR_NOT_FOUND);
	assert_int_equal(identify(&INVITE, "coach-9"), ERR_NOT_FOUND);
	assert_int_equal(rq->caller.role, ROLE_ADMIN);
}

static void a_token_that_is_no_good_is_401(void **state)
{
	const char *good = web_token(HS256_HEADER, COACH_1, JWT_SECRET);
	const char *bad[] = {
		"",
		"Bearer",
		"Bearer ",
		arena_format(fx.arena, "Bearer  %s", good),
		arena_format(fx.arena, "Bearer %s ", good),
		arena_format(fx.arena, "Basic %s", good),
		good,
		arena_format(fx.arena, "Bearer %s, Bearer %s", good, good),
		arena_format(fx.arena, "Bearer %s",
			     web_token(HS256_HEADER, COACH_1, "another secret")),
	};

	(void)state;
	fx.config.rate_failures_per_10min = 1000;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		web_begin("POST", "/invite");
		web_param("HTTP_AUTHORIZATION", bad[i]);
		assert_int_equal(identify(&INVITE, NULL), ERR_NO_CREDENTIAL);
	}
	begin_token(COACH_1);
	web_param("HTTP_AUTHORIZATION", "Bearer x");
	assert_int_equal(identify(&INVITE, NULL), ERR_NO_CREDENTIAL);
}

static void where_no_user_tokens_are_set_up_none_is_good(void **state)
{
	const struct jwt_keys *keys = fx.web.jwt_keys;

	(void)state;
	fx.web.jwt_keys = NULL;
	begin_token(COACH_1);
	assert_int_equal(identify(&INVITE, NULL), ERR_NO_CREDENTIAL);
	fx.web.jwt_keys = keys;
}

static void a_session_is_its_owner(void **state)
{
	(void)state;
	begin_session("GET");
	assert_int_equal(identify(&OWN, NULL), OK);
	assert_int_equal(rq->caller.kind, CALLER_SESSION);
	assert_true(slice_is(rq->caller.actor, "owner:coach-1"));
	assert_int_equal(identify_coach("coach-1"), OK);
	assert_int_equal(identify_coach("coach-2"), ERR_NOT_FOUND);
	assert_int_equal(identify_coach("coach-9"), ERR_NOT_FOUND);
	fx.tables.session_role = ROLE_ADMIN;
	assert_int_equal(identify_coach("coach-2"), OK);
	assert_int_equal(identify_coach("coach-9"), ERR_NOT_FOUND);
}

struct csrf_row {
	const char *name;
	const char *value; /* NULL: taken away */
	const char *more_name;
	const char *more_value;
};

static void a_write_with_a_session_needs_our_page_and_its_token(void **state)
{
	static const struct csrf_row BAD[] = {
		{"HTTP_ORIGIN", NULL, NULL, NULL},
		{"HTTP_ORIGIN", "null", NULL, NULL},
		{"HTTP_ORIGIN", "https://evil.test", NULL, NULL},
		{"HTTP_ORIGIN", OUR_URL ".evil.test", NULL, NULL},
		{"HTTP_ORIGIN", "http://calendar.test", NULL, NULL},
		{"HTTP_ORIGIN", ALLOWED_URL, NULL, NULL},
		{"HTTP_ORIGIN", NULL, "HTTP_REFERER", OUR_URL "@evil.test/"},
		{"HTTP_ORIGIN", NULL, "HTTP_REFERER", OUR_URL ".evil.test/"},
		{"HTTP_ORIGIN", NULL, "HTTP_REFERER", "https://evil.test/" OUR_URL "/"},
		{"HTTP_ORIGIN", "null", "HTTP_REFERER", OUR_URL "/"},
		{"HTTP_X_CSRF_TOKEN", NULL, NULL, NULL},
		{"HTTP_X_CSRF_TOKEN", "", NULL, NULL},
		{"HTTP_X_CSRF_TOKEN", SESSION_COOKIE, NULL, NULL},
		{"HTTP_X_OTHER", NULL, "HTTP_X_CSRF_TOKEN", "again"},
		{"HTTP_X_OTHER", NULL, "HTTP_SEC_FETCH_SITE", "cross-site"},
	};

	(void)state;
	begin_session("POST");
	assert_int_equal(identify(&INVITE, NULL), OK);
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
		begin_session("POST");
		web_param(BAD[i].name, NULL);
		if (BAD[i].value)
			web_param(BAD[i].name, BAD[i].value);
		if (BAD[i].more_name)
			web_param(BAD[i].more_name, BAD[i].more_value);
		if (identify(&INVITE, NULL) != ERR_CSRF)
			fail_msg("row %zu was let through", i);
	}
	begin_session("POST");
	web_param("HTTP_ORIGIN", NULL);
	web_param("HTTP_REFERER", OUR_URL "/dashboard/?x");
	web_param("HTTP_SEC_FETCH_SITE", "same-origin");
	assert_int_equal(identify(&INVITE, NULL), OK);
	fx.tables.look_ups = 0;
	begin_session("GET");
	web_param("HTTP_X_CSRF_TOKEN", NULL);
	web_param("HTTP_ORIGIN", NULL);
	assert_int_equal(identify(&OWN, NULL), OK);
}

static void what_is_shown_first_counts_and_a_bad_one_is_401_everywhere(void **state)
{
	(void)state;
	begin_session("POST");
	web_param("HTTP_X_API_KEY", "wrong");
	assert_int_equal(identify(&INVITE, NULL), ERR_NO_CREDENTIAL);
	begin_session("POST");
	web_param("HTTP_AUTHORIZATION", "Bearer wrong");
	assert_int_equal(identify(&INVITE, NULL), ERR_NO_CREDENTIAL);
	begin_demo(OUR_URL);
	web_param("HTTP_COOKIE", "__Host-cb_session=wrong");
	assert_int_equal(identify(&INVITE, NULL), ERR_NO_CREDENTIAL);
	begin_demo(OUR_URL);
	web_param("HTTP_COOKIE", "__Host-cb_session=");
	assert_int_equal(identify(&INVITE, NULL), ERR_NO_CREDENTIAL);
}

static void a_good_credential_of_another_kind_is_403(void **state)
{
	(void)state;
	begin_key(KEY);
	assert_int_equal(identify(&OWN, NULL), ERR_FORBIDDEN);
	begin_token(COACH_1);
	assert_int_equal(identify(&OWN, NULL), ERR_FORBIDDEN);
	web_begin("GET", "/session");
	assert_int_equal(identify(&OWN, NULL), ERR_NO_CREDENTIAL);
}

static void without_a_credential_only_the_demo_host_and_only_from_our_pages(void **state)
{
	(void)state;
	begin_demo(OUR_URL);
	assert_int_equal(identify(&INVITE, NULL), OK);
	assert_int_equal(rq->caller.kind, CALLER_DEMO);
	assert_true(is_target(DEMO_HOST));
	begin_demo(ALLOWED_URL);
	assert_int_equal(identify(&INVITE, DEMO_HOST), OK);
	assert_int_equal(identify(&INVITE, "coach-1"), ERR_NO_CREDENTIAL);
	assert_int_equal(identify(&INVITE, "../" DEMO_HOST), ERR_NO_CREDENTIAL);
	assert_int_equal(identify_coach(DEMO_HOST), ERR_NO_CREDENTIAL);
	begin_demo(NULL);
	assert_int_equal(identify(&INVITE, NULL), ERR_NO_CREDENTIAL);
	begin_demo("null");
	assert_int_equal(identify(&INVITE, NULL), ERR_NO_CREDENTIAL);
	begin_demo("https://evil.test");
	assert_int_equal(identify(&INVITE, NULL), ERR_NO_CREDENTIAL);
	fx.config.demo_host_id = NULL;
	begin_demo(OUR_URL);
	assert_int_equal(identify(&INVITE, NULL), ERR_NO_CREDENTIAL);
	assert_int_equal(rq->caller.kind, CALLER_NOBODY);
}

static void the_demo_host_is_called_five_times_a_minute_from_one_address(void **state)
{
	(void)state;
	clock_set_for_test(INT64_C(1760000040) * 1000);
	for (unsigned i = 0; i < 5; i++) {
		begin_demo(OUR_URL);
		assert_int_equal(identify(&INVITE, NULL), OK);
	}
	assert_int_equal(identify(&INVITE, NULL), ERR_TOO_MANY);
	assert_true(why.retry_after_s > 0 && why.retry_after_s <= 120);
	from("192.0.2.2");
	web_param("HTTP_X_FORWARDED_FOR", "192.0.2.1");
	assert_int_equal(identify(&INVITE, NULL), OK);
}

static void after_ten_wrong_credentials_an_address_is_not_listened_to(void **state)
{
	(void)state;
	clock_set_for_test(INT64_C(1760000040) * 1000);
	for (unsigned i = 0; i < 10; i++) {
		begin_key("wrong");
		assert_int_equal(identify(&INVITE, NULL), ERR_NO_CREDENTIAL);
	}
	fx.tables.look_ups = 0;
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(identify(&INVITE, NULL), ERR_TOO_MANY);
	assert_true(why.retry_after_s > 0);
	/* a good one is not looked at either, and from elsewhere it is good */
	begin_key(KEY);
	assert_int_equal(identify(&INVITE, "coach-1"), ERR_TOO_MANY);
	assert_int_equal(fx.tables.look_ups, 0);
	from("192.0.2.2");
	assert_int_equal(identify(&INVITE, "coach-1"), OK);
}

static void a_wrong_key_a_wrong_token_and_a_wrong_session_count_alike(void **state)
{
	(void)state;
	clock_set_for_test(INT64_C(1760000040) * 1000);
	fx.config.rate_failures_per_10min = 3;
	begin_key("wrong");
	assert_int_equal(identify(&INVITE, NULL), ERR_NO_CREDENTIAL);
	web_begin("POST", "/invite");
	web_param("HTTP_AUTHORIZATION", "Bearer wrong");
	assert_int_equal(identify(&INVITE, NULL), ERR_NO_CREDENTIAL);
	web_begin("GET", "/session");
	web_param("HTTP_COOKIE", "__Host-cb_session=" SESSION_LINK);
	assert_int_equal(identify(&OWN, NULL), ERR_NO_CREDENTIAL);
	begin_key(KEY);
	assert_int_equal(identify(&INVITE, "coach-1"), ERR_TOO_MANY);
}

static void old_tokens_and_calls_without_credential_are_no_guesses(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		begin_token("{\"sub\":\"coach-1\",\"exp\":1}");
		assert_int_equal(identify(&INVITE, NULL), ERR_NO_CREDENTIAL);
		web_begin("GET", "/session");
		assert_int_equal(identify(&OWN, NULL), ERR_NO_CREDENTIAL);
	}
	begin_token(COACH_1);
	assert_int_equal(identify(&INVITE, NULL), OK);
}

static void an_ipv6_client_is_its_network(void **state)
{
	char address[64];

	(void)state;
	clock_set_for_test(INT64_C(1760000040) * 1000);
	for (unsigned i = 0; i < 20; i++) {
		begin_key("wrong");
		snprintf(address, sizeof(address), "2001:db8:0:1:%x::%x", i + 1, i);
		from(address);
		assert_int_equal(identify(&INVITE, NULL),
				 i < 10 ? ERR_NO_CREDENTIAL : ERR_TOO_MANY);
	}
	begin_key(KEY);
	from("2001:db8:0:2::1");
	assert_int_equal(identify(&INVITE, NULL), OK);
}

/* So many different wrong credentials of coach-1, or with the prefix of KEY, each from elsewhere.
 */
static void begin_guess(bool is_key, unsigned number)
{
	if (is_key) {
		begin_key(arena_format(fx.arena, "%.12s guess %u", KEY, number));
	} else {
		web_begin("POST", "/invite");
		web_param("HTTP_AUTHORIZATION",
			  arena_format(fx.arena, "Bearer %s",
				       web_token(HS256_HEADER, COACH_1,
						 arena_format(fx.arena, "guess %u", number))));
	}
	from(arena_format(fx.arena, "198.51.100.%u", number));
}

static void begin_right(bool is_key)
{
	if (is_key)
		begin_key(KEY);
	else
		begin_token(COACH_1);
}

static void begin_wrong(bool is_key)
{
	if (is_key) {
		begin_key("another account");
		return;
	}
	web_begin("POST", "/invite");
	web_param("HTTP_AUTHORIZATION",
		  arena_format(fx.arena, "Bearer %s",
			       web_token(HS256_HEADER, COACH_9, "another secret")));
}

static void guesses_at_one_account_from_many_addresses_count_together(void **state)
{
	(void)state;
	clock_set_for_test(INT64_C(1760000040) * 1000);
	for (unsigned is_key = 0; is_key < 2; is_key++) {
		for (unsigned i = 1; i <= 20; i++) {
			begin_guess(is_key, i);
			assert_int_equal(identify(&INVITE, NULL),
					 i <= 10 ? ERR_NO_CREDENTIAL : ERR_TOO_MANY);
			assert_true((i > 10) == (why.retry_after_s > 0));
		}
		/* who was wrong before is not listened to about this account, and about others is
		 */
		for (unsigned i = 1; i <= 20; i++) {
			fx.tables.look_ups = 0;
			begin_right(is_key);
			from(arena_format(fx.arena, "198.51.100.%u", i));
			assert_int_equal(identify(&INVITE, "coach-1"), ERR_TOO_MANY);
			assert_true(why.retry_after_s > 0);
			assert_int_equal(fx.tables.look_ups, 0);
		}
		begin_wrong(is_key);
		from("198.51.100.1");
		assert_int_equal(identify(&INVITE, NULL), ERR_NO_CREDENTIAL);
	}
}

static void guesses_at_an_account_do_not_lock_out_who_has_the_right_credential(void **state)
{
	(void)state;
	for (unsigned is_key = 0; is_key < 2; is_key++) {
		for (unsigned i = 1; i <= 200; i++) {
			begin_guess(is_key, i);
			assert_int_not_equal(identify(&INVITE, NULL), OK);
		}
		for (unsigned i = 0; i < 50; i++) {
			begin_right(is_key);
			from("203.0.113.1");
			assert_int_equal(identify(&INVITE, "coach-1"), OK);
			assert_int_equal(why.retry_after_s, 0);
		}
	}
}

static void a_random_cookie_is_of_no_account(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= 20; i++) {
		web_begin("GET", "/session");
		web_param("HTTP_COOKIE", "__Host-cb_session=" SESSION_LINK);
		from(arena_format(fx.arena, "198.51.100.%u", i));
		assert_int_equal(identify(&OWN, NULL), ERR_NO_CREDENTIAL);
	}
}

static void an_open_route_looks_at_no_credential(void **state)
{
	(void)state;
	begin_key("wrong");
	web_param("HTTP_COOKIE", "__Host-cb_session=wrong");
	assert_int_equal(identify(&OPEN, NULL), OK);
	assert_int_equal(rq->caller.kind, CALLER_NOBODY);
	assert_int_equal(fx.tables.look_ups, 0);
}

static void a_database_that_is_away_is_no_wrong_credential(void **state)
{
	(void)state;
	fx.tables.error = ERR_DB;
	for (unsigned i = 0; i < 20; i++) {
		begin_key(KEY);
		assert_int_equal(identify(&INVITE, "coach-1"), ERR_DB);
		begin_token(COACH_1);
		assert_int_equal(identify(&INVITE, NULL), ERR_DB);
		begin_session("GET");
		assert_int_equal(identify(&OWN, NULL), ERR_DB);
	}
	fx.tables.error = OK;
	begin_key(KEY);
	assert_int_equal(identify(&INVITE, "coach-1"), OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, web_make, web_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_key_speaks_for_the_host_that_is_named),
		TEST(a_key_that_is_not_exactly_one_good_key_is_401),
		TEST(a_key_needs_the_routes_scope),
		TEST(the_scope_admin_reaches_everything_in_its_tenant),
		TEST(a_key_without_a_host_is_for_the_demo_host_of_the_default_tenant),
		TEST(an_unknown_host_of_a_key_is_404_and_so_is_what_cannot_be_one),
		TEST(a_key_speaks_for_the_instructor_whom_its_header_names),
		TEST(a_header_that_names_no_instructor_is_400_for_who_may_call),
		TEST(an_instructor_is_made_on_his_first_post_and_not_before),
		TEST(no_other_route_makes_an_owner),
		TEST(a_header_lets_no_coach_reach_another),
		TEST(the_key_of_the_settings_is_one_more_of_the_default_tenant),
		TEST(the_first_use_of_a_key_is_noted_once),
		TEST(a_later_use_of_a_key_is_noted_once_an_hour),
		TEST(a_key_has_so_many_calls_a_minute),
		TEST(a_coach_reaches_only_what_is_his),
		TEST(a_coach_may_come_before_his_row),
		TEST(an_admin_reaches_all_of_his_tenant),
		TEST(a_token_that_is_no_good_is_401),
		TEST(where_no_user_tokens_are_set_up_none_is_good),
		TEST(a_session_is_its_owner),
		TEST(a_write_with_a_session_needs_our_page_and_its_token),
		TEST(what_is_shown_first_counts_and_a_bad_one_is_401_everywhere),
		TEST(a_good_credential_of_another_kind_is_403),
		TEST(without_a_credential_only_the_demo_host_and_only_from_our_pages),
		TEST(the_demo_host_is_called_five_times_a_minute_from_one_address),
		TEST(after_ten_wrong_credentials_an_address_is_not_listened_to),
		TEST(a_wrong_key_a_wrong_token_and_a_wrong_session_count_alike),
		TEST(old_tokens_and_calls_without_credential_are_no_guesses),
		TEST(an_ipv6_client_is_its_network),
		TEST(guesses_at_one_account_from_many_addresses_count_together),
		TEST(guesses_at_an_account_do_not_lock_out_who_has_the_right_credential),
		TEST(a_random_cookie_is_of_no_account),
		TEST(an_open_route_looks_at_no_credential),
		TEST(a_database_that_is_away_is_no_wrong_credential),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
