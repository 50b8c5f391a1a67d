#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/guests.h"

enum { GUESTS_MAX = 8 };

static struct arena *arena;

static int make(void **state)
{
	(void)state;
	arena = arena_new(4096, 4 * 1024 * 1024);
	return arena ? 0 : -1;
}

static int drop(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

/*
 * Guests as one word each, apart by spaces: "a" is a@x.org; "a=Ann" has a name, "a!" has accepted
 * (and so the provider's own words), "a!=Ann" both.
 */
static struct guests guests(const char *text)
{
	struct attendee *list = arena_array(arena, GUESTS_MAX, sizeof(*list));
	struct slice rest = slice_of(text);
	size_t n = 0;

	while (rest.len > 0) {
		struct slice name = slice_cut(&rest, ' ');
		struct slice word = slice_cut(&name, '=');
		bool answered = word.data[word.len - 1] == '!';
		int len = (int)(word.len - answered);

		list[n].email = slice_of(arena_format(arena, "%.*s@x.org", len, word.data));
		list[n].name = name;
		if (answered) {
			list[n].attendance = ATTENDANCE_ACCEPTED;
			list[n].raw = SLICE("{}");
		}
		n++;
	}
	return (struct guests){list, n};
}

static const char *told(struct guests guests)
{
	struct buf out;

	buf_init(&out, arena, 4096);
	for (size_t i = 0; i < guests.n; i++) {
		const struct attendee *guest = &guests.list[i];

		buf_add_text(&out, i ? " " : "");
		buf_add(&out, guest->email.data, guest->email.len - strlen("@x.org"));
		buf_add_text(&out, guest->attendance == ATTENDANCE_ACCEPTED ? "!" : "");
		buf_add_text(&out, guest->name.len ? "=" : "");
		buf_add_slice(&out, guest->name);
	}
	buf_add_byte(&out, '\0');
	return buf_slice(&out).data;
}

static const struct {
	const char *what;
	const char *stands, *ours, *asked, *merged;
	bool so; /* nothing is to be written */
} ROWS[] = {
	{"the same again", "a b", "a b", "a b", "a b", true},
	{"in another order", "a b", "a b", "b a", "b a", true},
	{"in other letters", "a", "a", "A", "a", true},
	{"one more", "a", "a", "a b", "a b", false},
	{"one of ours fewer", "a b", "a b", "a", "a", false},
	{"all of ours go", "a b", "a b", "", "", false},
	{"nobody, and nobody stood", "", "", "", "", true},
	{"by hand stays", "a h", "a", "a", "a h", true},
	{"by hand stays when ours go", "a h", "a", "", "h", false},
	{"by hand stays when others come", "h a", "a", "b", "b h", false},
	{"by hand and asked for is there once", "a h", "a", "a h", "a h", true},
	{"an answer is kept", "a! b", "a b", "a c", "a! c", false},
	{"an answer by hand is kept", "a h!", "a", "b", "b h!", false},
	{"ours that somebody took out comes back", "b", "a b", "a b", "a b", false},
	{"ours that stands no more is not by hand", "b", "a b", "b", "b", true},
	{"a first name", "a", "a", "a=Ann", "a=Ann", false},
	{"another name", "a=Ann", "a", "a=Anna", "a=Anna", false},
	{"the same name", "a=Ann", "a", "a=Ann", "a=Ann", true},
	{"no name leaves the name", "a=Ann", "a", "a", "a=Ann", true},
	{"an answer outweighs a name", "a!=Ann", "a", "a=Anna", "a!=Ann", true},
	{"not made by us: all are by hand", "a! b", "", "c", "c a! b", false},
};

static void asked_for_come_ours_go_by_hand_stay_and_answers_are_kept(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		struct guests stands = guests(ROWS[i].stands), merged;

		assert_int_equal(guests_merge(arena, stands, guests(ROWS[i].ours),
					      guests(ROWS[i].asked), &merged),
				 OK);
		if (strcmp(told(merged), ROWS[i].merged) != 0)
			fail_msg("%s: %s", ROWS[i].what, told(merged));
		if (guests_stand(stands, merged) != ROWS[i].so)
			fail_msg("%s", ROWS[i].what);
	}
}

static void who_stands_keeps_the_providers_words(void **state)
{
	struct guests merged;

	(void)state;
	assert_int_equal(guests_merge(arena, guests("a! h!"), guests("a"), guests("a b"), &merged),
			 OK);
	assert_int_equal(merged.list[0].raw.len, 2);
	assert_int_equal(merged.list[1].raw.len, 0);
	assert_int_equal(merged.list[2].raw.len, 2);
}

static void who_leaves_is_ours_while_he_stands_but_is_not_asked_for(void **state)
{
	struct guests leaving, ours, staying;

	(void)state;
	assert_int_equal(guests_leaving(arena, guests("a b c"), guests("h C a"), &leaving), OK);
	assert_string_equal(told(leaving), "a c");
	assert_int_equal(guests_union(arena, guests("b c"), leaving, &ours), OK);
	assert_string_equal(told(ours), "b c a");
	assert_int_equal(guests_staying(arena, ours, &staying), OK);
	assert_string_equal(told(staying), "b c");
}

static void a_union_has_each_address_once_and_the_first_list_whole(void **state)
{
	struct guests both;

	(void)state;
	assert_int_equal(guests_union(arena, guests("b c=Cy"), guests("a B c d"), &both), OK);
	assert_string_equal(told(both), "b c=Cy a d");
	assert_int_equal(guests_union(arena, guests(""), guests(""), &both), OK);
	assert_int_equal(both.n, 0);
}

static void a_union_never_outgrows_what_can_be_kept(void **state)
{
	struct attendee *many = arena_array(arena, EVENT_KEPT_MAX, sizeof(*many));
	struct guests all = {many, EVENT_KEPT_MAX}, both;

	(void)state;
	for (size_t i = 0; i < EVENT_KEPT_MAX; i++)
		many[i].email = slice_of(arena_format(arena, "g%zu@x.org", i));
	assert_int_equal(guests_union(arena, guests("a b"), all, &both), OK);
	assert_int_equal(both.n, EVENT_KEPT_MAX);
	assert_string_equal(both.list[1].email.data, "b@x.org");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asked_for_come_ours_go_by_hand_stay_and_answers_are_kept),
		cmocka_unit_test(who_stands_keeps_the_providers_words),
		cmocka_unit_test(who_leaves_is_ours_while_he_stands_but_is_not_asked_for),
		cmocka_unit_test(a_union_has_each_address_once_and_the_first_list_whole),
		cmocka_unit_test(a_union_never_outgrows_what_can_be_kept),
	};

	return cmocka_run_group_tests_name("guests", tests, make, drop);
}
