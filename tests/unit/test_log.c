#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"

enum { ALARM_EVERY_US = 1000 };

/* What was logged comes out at the other end, a packet for each write. */
static int ends[2];
static struct arena *arena;

static int make(void **state)
{
	(void)state;
	arena = arena_new(8192, 1024 * 1024);
	if (!arena || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0)
		return -1;
	log_to_fd_for_test(ends[0]);
	log_start(LOG_INFO, "fcgi");
	clock_set_for_test(INT64_C(1777644000007));
	return 0;
}

static int drop(void **state)
{
	(void)state;
	clock_set_for_test(-1);
	log_to_fd_for_test(STDERR_FILENO);
	close(ends[0]);
	close(ends[1]);
	arena_free(arena);
	return 0;
}

/* The next packet, which must be one whole line. */
static struct slice logged(void)
{
	static char text[8192];
	ssize_t len = recv(ends[1], text, sizeof(text) - 1, MSG_DONTWAIT);

	assert_in_range(len, 2, 2048);
	text[len] = '\0';
	assert_int_equal(strcspn(text, "\n"), len - 1);
	return (struct slice){text, (size_t)len};
}

/* The next line, which must be JSON by our own strict reader. */
static const struct json *logged_json(void)
{
	struct fail why = {0};
	const struct json *root;
	struct slice line = logged();

	if (json_read(arena, line, &JSON_REQUEST, &root, &why))
		fail_msg("%s at %zu: %s", why.reason, why.offset, line.data);
	return root;
}

static void assert_silent(void)
{
	char byte;

	assert_int_equal(recv(ends[1], &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

static void a_line_tells_when_how_bad_who_and_what(void **state)
{
	struct log_line line;
	char wanted[300];

	(void)state;
	log_begin(&line, LOG_WARNING, "slow");
	log_text(&line, "path", "/api");
	log_slice(&line, "part", (struct slice){"abc", 2});
	log_int(&line, "us", -12);
	log_text(&line, "none", NULL);
	log_end(&line);
	snprintf(wanted, sizeof(wanted),
		 "{\"time\":\"2026-05-01T14:00:00.007Z\",\"level\":\"warning\","
		 "\"program\":\"fcgi\",\"pid\":%d,\"event\":\"slow\",\"path\":\"/api\","
		 "\"part\":\"ab\",\"us\":-12,\"none\":null}\n",
		 (int)getpid());
	assert_string_equal(logged().data, wanted);
	assert_silent();
}

static void lines_below_the_level_are_not_written(void **state)
{
	struct log_line line;

	(void)state;
	log_start(LOG_WARNING, "sync");
	log_begin(&line, LOG_INFO, "quiet");
	log_text(&line, "a", "b");
	log_int(&line, "n", 1);
	log_mail(&line, "mail", SLICE("a@b"));
	log_fail(&line, ERR_DB, NULL);
	log_end(&line);
	log_note(LOG_DEBUG, "quiet", "%d", 1);
	assert_silent();
	log_note(LOG_ERROR, "loud", "%d", 1);
	assert_true(slice_is(json_text(logged_json(), "program"), "sync"));
}

static void no_text_breaks_out_of_its_line(void **state)
{
	static const char HOSTILE[] = "a\r\nb \x1B[31m \"} {\"level\":\"error\"\\ \t\x7F \xC2\x9B "
				      "\xE2\x80\xA8 \xC3\xA9";
	struct log_line line;
	struct slice raw, text;

	(void)state;
	log_begin(&line, LOG_INFO, "request");
	log_text(&line, "agent", HOSTILE);
	log_slice(&line, "nul", SLICE("a\xFF!"));
	log_end(&line);
	assert_true(line.len > 0);
	raw = (struct slice){line.text, line.len - 1};
	assert_false(text_has_control(raw, false));
	text = json_text(logged_json(), "agent");
	assert_string_equal(text.data, HOSTILE);
}

static void every_byte_of_a_hostile_text_gives_a_valid_line(void **state)
{
	struct log_line line;

	(void)state;
	for (int c = 1; c < 256; c++) {
		char text[4] = {'x', (char)c, (char)c, '\0'};

		log_begin(&line, LOG_INFO, "request");
		log_text(&line, "t", text);
		log_end(&line);
		assert_int_equal(json_text(logged_json(), "t").data[0], 'x');
		arena_reset(arena);
	}
}

static void a_long_text_is_cut_between_characters(void **state)
{
	char text[4000];
	struct log_line line;
	const struct json *root;
	struct slice cut;

	(void)state;
	for (unsigned shift = 0; shift < 8; shift++) {
		memset(text, 'x', shift);
		for (size_t i = shift; i + 4 < sizeof(text); i += 4)
			memcpy(text + i, "\xF0\x9F\x98\x80", 5);
		log_begin(&line, LOG_INFO, "long");
		log_text(&line, "t", text);
		log_int(&line, "behind", 123456789);
		log_end(&line);
		root = logged_json();
		cut = json_text(root, "t");
		assert_in_range(cut.len, 1500, 2048);
		assert_true(text_is_utf8(cut));
		assert_memory_equal(cut.data, text, cut.len);
		assert_true(json_member(root, "cut")->truth);
		arena_reset(arena);
	}
}

static void escapes_do_not_overrun_the_line(void **state)
{
	char text[3000];
	struct log_line line;

	(void)state;
	memset(text, 0x01, sizeof(text));
	for (size_t len = 280; len < 360; len++) {
		log_begin(&line, LOG_INFO, "long");
		log_slice(&line, "t", (struct slice){text, len});
		log_slice(&line, "u", (struct slice){text, len});
		log_end(&line);
		assert_true(line.len <= sizeof(line.text));
		assert_non_null(json_member(logged_json(), "t"));
		arena_reset(arena);
	}
}

static void members_that_do_not_fit_are_left_out(void **state)
{
	struct log_line line;
	const struct json *root;
	char name[16];

	(void)state;
	log_begin(&line, LOG_INFO, "many");
	for (int i = 0; i < 400; i++) {
		snprintf(name, sizeof(name), "n%03d", i);
		log_int(&line, name, i);
	}
	log_end(&line);
	root = logged_json();
	assert_non_null(json_member(root, "n100"));
	assert_null(json_member(root, "n399"));
	assert_true(json_member(root, "cut")->truth);
}

static void an_address_is_masked(void **state)
{
	static const struct {
		const char *address;
		const char *wanted;
	} ROWS[] = {
		{"jane@example.com", "j***@e***"},
		{"j@e", "j***@e***"},
		{"jane@x@y", "j***@x***"},
		{"jane", "***"},
		{"@example.com", "***"},
		{"jane@", "***"},
		{"", "***"},
		{"\xC3\xA9ve@example.com", "***"},
		{"\njane@example.com", "***"},
		{"jane@ example.com", "***"},
	};
	struct log_line line;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
		log_begin(&line, LOG_INFO, "mail");
		log_mail(&line, "to", slice_of(ROWS[i].address));
		log_end(&line);
		assert_string_equal(json_text(logged_json(), "to").data, ROWS[i].wanted);
	}
}

static void an_error_tells_its_code_and_detail(void **state)
{
	struct fail why = {0};
	struct log_line line;
	const struct json *root;

	(void)state;
	fail_set(&why, ERR_DB, "connect: %s", "refused");
	log_begin(&line, LOG_ERROR, "db");
	log_fail(&line, ERR_DB, &why);
	log_end(&line);
	root = logged_json();
	assert_true(slice_is(json_text(root, "code"), "database_unavailable"));
	assert_true(slice_is(json_text(root, "detail"), "connect: refused"));
	log_begin(&line, LOG_ERROR, "db");
	log_fail(&line, ERR_INTERNAL, NULL);
	log_end(&line);
	root = logged_json();
	assert_true(slice_is(json_text(root, "code"), "internal_error"));
	assert_null(json_member(root, "detail"));
}

static void a_note_is_formatted_and_bounded(void **state)
{
	const struct json *root;

	(void)state;
	errno = ENOENT;
	log_note(LOG_INFO, "note", "%m: %d%s", 5, "\n");
	assert_int_equal(errno, ENOENT);
	assert_true(slice_is(json_text(logged_json(), "detail"), "No such file or directory: 5\n"));
	log_note(LOG_INFO, "note", "%0*d", 5000, 1);
	root = logged_json();
	assert_int_equal(json_text(root, "detail").len, 1000);
}

static void a_lost_reader_is_no_ones_fault(void **state)
{
	struct log_line line;

	(void)state;
	log_to_fd_for_test(-1);
	errno = 0;
	log_begin(&line, LOG_INFO, "lost");
	log_end(&line);
	assert_int_equal(errno, 0);
	log_to_fd_for_test(ends[0]);
	log_note(LOG_INFO, "found", "again");
	assert_true(slice_is(json_text(logged_json(), "event"), "found"));
}

static volatile sig_atomic_t alarms;

/* Makes room after a few interruptions, so that the interrupted write can end. */
static void on_alarm(int number)
{
	char packet[4096];
	int before = errno;

	(void)number;
	if (++alarms == 3)
		while (recv(ends[1], packet, sizeof(packet), MSG_DONTWAIT) > 0)
			;
	errno = before;
}

static void an_interrupted_write_is_repeated(void **state)
{
	struct sigaction action = {.sa_handler = on_alarm}, before;
	struct itimerval every = {{0, ALARM_EVERY_US}, {0, ALARM_EVERY_US}}, never = {0};
	char filler[1024] = {0};

	(void)state;
	while (send(ends[0], filler, sizeof(filler), MSG_DONTWAIT) > 0)
		;
	alarms = 0;
	assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &every, NULL), 0);
	log_note(LOG_INFO, "patient", "waited");
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
	assert_true(alarms >= 3);
	assert_true(slice_is(json_text(logged_json(), "event"), "patient"));
}

#define RULE(test) cmocka_unit_test_setup_teardown(test, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RULE(a_line_tells_when_how_bad_who_and_what),
		RULE(lines_below_the_level_are_not_written),
		RULE(no_text_breaks_out_of_its_line),
		RULE(every_byte_of_a_hostile_text_gives_a_valid_line),
		RULE(a_long_text_is_cut_between_characters),
		RULE(escapes_do_not_overrun_the_line),
		RULE(members_that_do_not_fit_are_left_out),
		RULE(an_address_is_masked),
		RULE(an_error_tells_its_code_and_detail),
		RULE(a_note_is_formatted_and_bounded),
		RULE(a_lost_reader_is_no_ones_fault),
		RULE(an_interrupted_write_is_repeated),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
