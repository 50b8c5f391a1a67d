#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/zone.h"
#include "tests/unit/web_fixture.h"

/* A query, what is asked of it, and what must come: NULL: refused. */
static void assert_query(const char *query, const char *name, const char *expected)
{
	struct request *rq = web_request();
	struct slice got = SLICE("stale");
	struct fail why = {0};
	enum err e;

	rq->query = slice_of(query);
	e = request_query(rq, name, 16, &got, &why);
	if (!expected) {
		assert_int_equal(e, ERR_BAD_REQUEST);
		assert_null(got.data);
		assert_non_null(why.reason);
		return;
	}
	assert_int_equal(e, OK);
	assert_true(slice_is(got, expected));
	assert_non_null(got.data);
}

static void a_parameter_is_decoded_once(void **state)
{
	(void)state;
	assert_query("a=1&b=2", "b", "2");
	assert_query("b=%2541", "b", "%41");
	assert_query("b=a+b%2Bc", "b", "a b+c");
	assert_query("b=%E2%82%AC", "b", "\xE2\x82\xAC");
	assert_query("b", "b", "");
	assert_query("b=&a=1", "b", "");
	assert_query("b=x=y", "b", "x=y");
	assert_query("&&b=1&&", "b", "1");
	assert_query("%62=1", "b", "1");
	assert_query("b=1234567890123456", "b", "1234567890123456");
	assert_query("b=%31%32%33%34%35%36%37%38%39%30123456", "b", "1234567890123456");
}

static void an_absent_parameter_is_told_from_an_empty_one(void **state)
{
	struct request *rq = web_request();
	struct slice got = SLICE("stale");

	(void)state;
	rq->query = SLICE("a=1&bb=2&B=3");
	assert_int_equal(request_query(rq, "b", 16, &got, NULL), OK);
	assert_null(got.data);
}

static void a_parameter_that_is_doubled_badly_encoded_or_too_long_is_refused(void **state)
{
	(void)state;
	assert_query("b=1&b=1", "b", NULL);
	assert_query("b=1&%62=2", "b", NULL);
	assert_query("b&b", "b", NULL);
	assert_query("b=%", "b", NULL);
	assert_query("b=%4", "b", NULL);
	assert_query("b=%zz", "b", NULL);
	assert_query("b=a%00", "b", NULL);
	assert_query("b=%FF", "b", NULL);
	assert_query("b=%C0%AF", "b", NULL);
	assert_query("b=12345678901234567", "b", NULL);
}

static void a_form_is_read_like_a_query(void **state)
{
	struct request *rq = web_request();
	struct slice got;

	(void)state;
	rq->form = SLICE("flow=x&answer=yes%21");
	assert_int_equal(request_form(rq, "answer", 8, &got, NULL), OK);
	assert_true(slice_is(got, "yes!"));
	rq->form = SLICE("answer=1&answer=2");
	assert_int_equal(request_form(rq, "answer", 8, &got, NULL), ERR_BAD_REQUEST);
}

static enum err cookie_of(const char *header, const char *again, struct slice *out)
{
	web_begin("GET", "/");
	if (header)
		web_param("HTTP_COOKIE", header);
	if (again)
		web_param("HTTP_COOKIE", again);
	return request_cookie(web_request(), "__Host-a", out);
}

static void a_cookie_is_found_by_its_exact_name(void **state)
{
	struct slice got;

	(void)state;
	assert_int_equal(cookie_of("x=1; __Host-a=2;y=3", NULL, &got), OK);
	assert_true(slice_is(got, "2"));
	assert_int_equal(cookie_of("__Host-a=b=c", NULL, &got), OK);
	assert_true(slice_is(got, "b=c"));
	assert_int_equal(cookie_of("__host-a=1; __Host-ab=2; a=3; __Host-a", NULL, &got), OK);
	assert_true(slice_is(got, ""));
	assert_non_null(got.data);
	assert_int_equal(cookie_of("__host-a=1", NULL, &got), OK);
	assert_null(got.data);
	assert_int_equal(cookie_of(NULL, NULL, &got), OK);
	assert_null(got.data);
}

static void a_cookie_that_is_there_twice_is_refused(void **state)
{
	struct slice got;

	(void)state;
	assert_int_equal(cookie_of("__Host-a=1; __Host-a=1", NULL, &got), ERR_BAD_REQUEST);
	assert_int_equal(cookie_of("__Host-a=1", "__Host-a=2", &got), ERR_BAD_REQUEST);
	assert_null(got.data);
}

struct key_row {
	const char *sent;
	bool good;
};

static void an_idempotency_key_is_1_to_255_visible_ascii_characters(void **state)
{
	char longest[257];
	const struct key_row ROWS[] = {
		{"a", true},          {"\"8e03978e-40d5\"", true},
		{longest + 1, true},  {"", false},
		{longest, false},     {"a b", false},
		{"a, b", false},      {"a\tb", false},
		{"a\xC3\xA4", false}, {"a\x7F", false},
	};
	struct slice got;

	(void)state;
	memset(longest, 'k', 256);
	longest[256] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		web_begin("POST", "/");
		web_param("HTTP_IDEMPOTENCY_KEY", ROWS[i].sent);
		assert_int_equal(request_idempotency_key(web_request(), &got, NULL),
				 ROWS[i].good ? OK : ERR_BAD_REQUEST);
		assert_true(ROWS[i].good ? slice_is(got, ROWS[i].sent) : !got.data);
	}
	web_param("HTTP_IDEMPOTENCY_KEY", NULL);
	assert_int_equal(request_idempotency_key(web_request(), &got, NULL), OK);
	assert_null(got.data);
	web_param("HTTP_IDEMPOTENCY_KEY", "same");
	web_param("HTTP_IDEMPOTENCY_KEY", "same");
	assert_int_equal(request_idempotency_key(web_request(), &got, NULL), ERR_BAD_REQUEST);
}

struct accept_row {
	const char *accept;
	bool html;
	bool json;
};

static void accept_says_what_is_liked_better(void **state)
{
	static const struct accept_row ROWS[] = {
		{"text/html", true, false},
		{"application/json", false, true},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true, false},
		{"application/json, text/plain, */*", false, false},
		{"application/json, text/html;q=0.9", false, true},
		{"application/json;q=0.5 , text/html ; q=0.500", false, false},
		{"*/*", false, false},
		{"", false, false},
		{"text/*", true, false},
		{"TEXT/HTML", true, false},
		{"application/json;q=0, */*", true, false},
		{"text/html;q=0, */*;q=0.1", false, true},
		{"text/html;q=2", false, false},
		{"text/html;q=0.1234", false, false},
		{"text/html;level=1;q=0.3, application/json;q=0.2", true, false},
		{"text/htmlx, text/htm", false, false},
		{"x/*", false, false},
		{",,;;,", false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		web_begin("GET", "/");
		web_param("HTTP_ACCEPT", ROWS[i].accept);
		if (request_wants_html(web_request()) != ROWS[i].html ||
		    request_wants_json(web_request()) != ROWS[i].json)
			fail_msg("%s", ROWS[i].accept);
	}
	web_param("HTTP_ACCEPT", NULL);
	assert_false(request_wants_html(web_request()));
	assert_false(request_wants_json(web_request()));
}

static void a_path_parameter_is_found_by_its_name(void **state)
{
	static const struct route ROUTE = {.path = "/a/{provider}/b/{coachId}"};
	struct request *rq = web_request();

	(void)state;
	rq->route = &ROUTE;
	rq->params[0] = SLICE("google");
	rq->params[1] = SLICE("c1");
	assert_true(slice_is(request_param(rq, "coachId"), "c1"));
	assert_true(slice_is(request_param(rq, "provider"), "google"));
	assert_null(request_param(rq, "coach").data);
}

struct sample {
	struct slice title;
	struct slice notes;
	struct slice place;
	int64_t minutes;
	bool notify;
	const struct zone *zone;
	struct texts guests;
	struct objects people;
	struct slice fixed;
};

struct person {
	struct slice email;
	struct slice name;
};

static const struct field PERSON[] = {
	TEXT(person, email, "email", REQUIRED, 1, 20),
	TEXT(person, name, "name", OPTIONAL, 0, 10),
};

static const struct field FIELDS[] = {
	TEXT(sample, title, "title", REQUIRED, 1, 10),
	LINES(sample, notes, "notes", OPTIONAL, 0, 20),
	TEXT(sample, place, "place", OPTIONAL, 2, 10),
	INT(sample, minutes, "minutes", REQUIRED, 1, 10080),
	FLAG(sample, notify, "notify"),
	ZONE(sample, zone, "zone", OPTIONAL),
	TEXTS(sample, guests, "guests", 3),
	OBJECTS(sample, people, "people", 3, person, PERSON),
	TEXT(sample, fixed, "fixed", FIXED, 1, 10),
};

static enum err decode(const char *body, struct sample *out, struct fail *why)
{
	struct request *rq = web_request();

	*out = (struct sample){0};
	*why = (struct fail){0};
	assert_int_equal(json_read(fx.arena, slice_of(body), &JSON_REQUEST, &rq->body, NULL), OK);
	return request_decode(rq, FIELDS, ARRAY_LEN(FIELDS), out, why);
}

static void a_body_is_decoded_by_its_table(void **state)
{
	struct sample got;
	struct fail why;

	(void)state;
	assert_int_equal(decode("{\"title\":\"A\\u00e4\",\"notes\":\"1\\n\\t2\",\"minutes\":10080,"
				"\"notify\":true,\"zone\":\"Europe/Berlin\",\"more\":[{}],"
				"\"guests\":[\"a\",\"b\"]}",
				&got, &why),
			 OK);
	assert_true(slice_is(got.title, "A\xC3\xA4"));
	assert_true(slice_is(got.notes, "1\n\t2"));
	assert_int_equal(got.minutes, 10080);
	assert_true(got.notify);
	assert_string_equal(zone_name(got.zone), "Europe/Berlin");
	assert_int_equal(got.guests.n, 2);
	assert_true(slice_is(got.guests.items[1], "b"));
	assert_null(got.place.data);
}

static void an_optional_null_is_as_absent(void **state)
{
	struct sample got;
	struct fail why;

	(void)state;
	assert_int_equal(decode("{\"title\":\"t\",\"minutes\":1,\"notes\":null,\"notify\":null,"
				"\"zone\":null,\"guests\":null,\"place\":null}",
				&got, &why),
			 OK);
	assert_null(got.notes.data);
	assert_null(got.zone);
	assert_int_equal(got.guests.n, 0);
}

struct bad_field {
	const char *body;
	const char *field;
	const char *reason;
};

/* Each with a good title and minutes, unless it is about them. */
static void a_wrong_type_or_range_is_told_by_its_field(void **state)
{
	static const struct bad_field ROWS[] = {
		{"{\"title\":\"t\",\"minutes\":1,\"people\":{}}", "people",
		 "must be a list of objects"},
		{"{\"title\":\"t\",\"minutes\":1,\"people\":[{},{},{},{}]}", "people",
		 "has too many elements"},
		{"{\"title\":\"t\",\"minutes\":1,\"fixed\":null}", "fixed", "cannot be changed"},
		{"{\"minutes\":1}", "title", FIELD_IS_REQUIRED},
		{"{\"minutes\":1,\"title\":null}", "title", FIELD_IS_REQUIRED},
		{"{\"minutes\":1,\"title\":\"\"}", "title", FIELD_IS_REQUIRED},
		{"{\"minutes\":1,\"title\":[]}", "title", FIELD_IS_REQUIRED},
		{"{\"minutes\":1,\"title\":5}", "title", "must be a text"},
		{"{\"minutes\":1,\"title\":{}}", "title", "must be a text"},
		{"{\"minutes\":1,\"title\":\"12345678901\"}", "title", "is too long"},
		{"{\"minutes\":1,\"title\":\"a\\nb\"}", "title",
		 "must not hold control characters"},
		{"{\"minutes\":1,\"title\":\"a\\u0085b\"}", "title",
		 "must not hold control characters"},
		{"{\"title\":\"t\",\"minutes\":1,\"notes\":\"a\\rb\"}", "notes",
		 "must not hold control characters"},
		{"{\"title\":\"t\",\"minutes\":1,\"place\":\"\"}", "place", "must not be empty"},
		{"{\"title\":\"t\",\"minutes\":1,\"place\":\"a\"}", "place", "is too short"},
		{"{\"title\":\"t\"}", "minutes", FIELD_IS_REQUIRED},
		{"{\"title\":\"t\",\"minutes\":null}", "minutes", FIELD_IS_REQUIRED},
		{"{\"title\":\"t\",\"minutes\":\"\"}", "minutes", FIELD_IS_REQUIRED},
		{"{\"title\":\"t\",\"minutes\":\"45\"}", "minutes", "must be a whole number"},
		{"{\"title\":\"t\",\"minutes\":45.5}", "minutes", "must be a whole number"},
		{"{\"title\":\"t\",\"minutes\":45.0}", "minutes", "must be a whole number"},
		{"{\"title\":\"t\",\"minutes\":1e400}", "minutes", "must be a whole number"},
		{"{\"title\":\"t\",\"minutes\":1e2}", "minutes", "must be a whole number"},
		{"{\"title\":\"t\",\"minutes\":true}", "minutes", "must be a whole number"},
		{"{\"title\":\"t\",\"minutes\":-1}", "minutes", "is out of range"},
		{"{\"title\":\"t\",\"minutes\":0}", "minutes", "is out of range"},
		{"{\"title\":\"t\",\"minutes\":10081}", "minutes", "is out of range"},
		{"{\"title\":\"t\",\"minutes\":1000000000000000000}", "minutes", "is out of range"},
		{"{\"title\":\"t\",\"minutes\":10000000000000000000}", "minutes",
		 "must be a whole number"},
		{"{\"title\":\"t\",\"minutes\":1,\"notify\":1}", "notify", "must be true or false"},
		{"{\"title\":\"t\",\"minutes\":1,\"notify\":\"true\"}", "notify",
		 "must be true or false"},
		{"{\"title\":\"t\",\"minutes\":1,\"zone\":\"Mars/Base\"}", "zone",
		 "must be the IANA name of a time zone"},
		{"{\"title\":\"t\",\"minutes\":1,\"zone\":\"../../etc/passwd\"}", "zone",
		 "must be the IANA name of a time zone"},
		{"{\"title\":\"t\",\"minutes\":1,\"zone\":1}", "zone",
		 "must be the IANA name of a time zone"},
		{"{\"title\":\"t\",\"minutes\":1,\"guests\":\"a\"}", "guests",
		 "must be a list of texts"},
		{"{\"title\":\"t\",\"minutes\":1,\"guests\":[\"a\",\"b\",\"c\",\"d\"]}", "guests",
		 "has too many elements"},
		{"{\"title\":\"t\",\"minutes\":1,\"guests\":[\"a\",2]}", "guests[1]",
		 "must be a text"},
		{"{\"title\":\"t\",\"minutes\":1,\"guests\":[\"\"]}", "guests[0]",
		 "must not be empty"},
	};
	struct sample got;
	struct fail why;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		assert_int_equal(decode(ROWS[i].body, &got, &why), ERR_FIELDS);
		if (why.n_fields != 1 || strcmp(why.fields[0].field, ROWS[i].field) != 0 ||
		    strcmp(why.fields[0].reason, ROWS[i].reason) != 0)
			fail_msg("%s: %u, %s %s", ROWS[i].body, why.n_fields, why.fields[0].field,
				 why.fields[0].reason);
	}
}

static void a_list_of_objects_is_decoded_by_the_table_of_each(void **state)
{
	const struct person *people;
	struct sample got;
	struct fail why;

	(void)state;
	assert_int_equal(decode("{\"title\":\"t\",\"minutes\":1,\"people\":[{\"email\":\"a\"},"
				"{\"name\":\"B\",\"email\":\"b\",\"more\":1}]}",
				&got, &why),
			 OK);
	people = got.people.items;
	assert_int_equal(got.people.n, 2);
	assert_true(slice_is(people[0].email, "a"));
	assert_null(people[0].name.data);
	assert_true(slice_is(people[1].name, "B"));
	assert_int_equal(decode("{\"title\":\"t\",\"minutes\":1,\"people\":[]}", &got, &why), OK);
	assert_int_equal(got.people.n, 0);
}

static void what_is_wrong_in_an_object_is_told_under_its_name(void **state)
{
	struct sample got;
	struct fail why;

	(void)state;
	assert_int_equal(decode("{\"title\":\"t\",\"minutes\":1,\"people\":[{\"email\":7},"
				"{\"name\":\"B\"},\"b\"]}",
				&got, &why),
			 ERR_FIELDS);
	assert_int_equal(why.n_fields, 3);
	assert_string_equal(why.fields[0].field, "people[0].email");
	assert_string_equal(why.fields[0].reason, "must be a text");
	assert_string_equal(why.fields[1].field, "people[1].email");
	assert_string_equal(why.fields[1].reason, FIELD_IS_REQUIRED);
	assert_string_equal(why.fields[2].field, "people[2]");
	assert_true(fail_has_field(&why, "people[2]"));
	assert_false(fail_has_field(&why, "people"));
}

/* The same table, for who changes something: nothing must be there. */
static const struct field CHANGED[] = {
	TEXT(sample, title, "title", NOT_NULL, 1, 10),
	LINES(sample, notes, "notes", OPTIONAL, 0, 20),
};

static void what_may_be_left_out_may_not_be_emptied(void **state)
{
	static const char *const BODIES[] = {"{\"title\":null}", "{\"title\":\"\"}"};
	struct request *rq = web_request();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(BODIES); i++) {
		struct sample got = {0};
		struct fail why = {0};

		assert_int_equal(
			json_read(fx.arena, slice_of(BODIES[i]), &JSON_REQUEST, &rq->body, NULL),
			OK);
		assert_int_equal(request_decode(rq, CHANGED, ARRAY_LEN(CHANGED), &got, &why),
				 ERR_FIELDS);
		assert_string_equal(why.fields[0].field, "title");
	}
}

static void a_body_names_what_it_empties(void **state)
{
	struct request *rq = web_request();
	struct sample got = {0};

	(void)state;
	assert_int_equal(
		json_read(fx.arena, SLICE("{\"notes\":null}"), &JSON_REQUEST, &rq->body, NULL), OK);
	assert_int_equal(request_decode(rq, CHANGED, ARRAY_LEN(CHANGED), &got, NULL), OK);
	assert_true(request_names(rq, "notes"));
	assert_false(request_gives(rq, "notes"));
	assert_false(request_names(rq, "title"));
}

static void all_bad_fields_are_told_at_once(void **state)
{
	struct sample got;
	struct fail why;

	(void)state;
	assert_int_equal(decode("{\"notes\":1,\"notify\":1,\"zone\":1,\"guests\":1}", &got, &why),
			 ERR_FIELDS);
	assert_int_equal(why.n_fields, 6);
}

static void without_a_body_what_is_required_is_missing(void **state)
{
	struct sample got = {0};
	struct fail why = {0};

	(void)state;
	assert_int_equal(request_decode(web_request(), FIELDS, ARRAY_LEN(FIELDS), &got, &why),
			 ERR_FIELDS);
	assert_int_equal(why.n_fields, 2);
}

static void the_canonical_body_has_the_members_as_they_came_without_white_space(void **state)
{
	struct request *rq = web_request();
	struct slice got;

	(void)state;
	assert_int_equal(json_read(fx.arena,
				   SLICE(" { \"b\" : [ 1 , 2.50 ],\n\"a\":\"\\u0041\\/\" } "),
				   &JSON_REQUEST, &rq->body, NULL),
			 OK);
	assert_int_equal(request_canonical_body(rq, &got), OK);
	assert_true(slice_is(got, "{\"b\":[1,2.50],\"a\":\"A/\"}"));
	rq->body = NULL;
	assert_int_equal(request_canonical_body(rq, &got), OK);
	assert_true(slice_is(got, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_parameter_is_decoded_once),
		cmocka_unit_test(an_absent_parameter_is_told_from_an_empty_one),
		cmocka_unit_test(a_parameter_that_is_doubled_badly_encoded_or_too_long_is_refused),
		cmocka_unit_test(a_form_is_read_like_a_query),
		cmocka_unit_test(a_cookie_is_found_by_its_exact_name),
		cmocka_unit_test(a_cookie_that_is_there_twice_is_refused),
		cmocka_unit_test(an_idempotency_key_is_1_to_255_visible_ascii_characters),
		cmocka_unit_test(accept_says_what_is_liked_better),
		cmocka_unit_test(a_path_parameter_is_found_by_its_name),
		cmocka_unit_test(a_body_is_decoded_by_its_table),
		cmocka_unit_test(an_optional_null_is_as_absent),
		cmocka_unit_test(a_wrong_type_or_range_is_told_by_its_field),
		cmocka_unit_test(a_list_of_objects_is_decoded_by_the_table_of_each),
		cmocka_unit_test(what_is_wrong_in_an_object_is_told_under_its_name),
		cmocka_unit_test(what_may_be_left_out_may_not_be_emptied),
		cmocka_unit_test(a_body_names_what_it_empties),
		cmocka_unit_test(all_bad_fields_are_told_at_once),
		cmocka_unit_test(without_a_body_what_is_required_is_missing),
		cmocka_unit_test(
			the_canonical_body_has_the_members_as_they_came_without_white_space),
	};

	return cmocka_run_group_tests(tests, web_make, web_drop);
}
