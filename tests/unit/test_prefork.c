/*
 * The parent runs in a process of its own; its workers report by lines in a pipe, so that every
 * wait is for a line.
 */
#include "io/prefork.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum { PATIENCE_MS = 20000 };

/* What a test's workers do, and what they report. */
struct scene {
	pid_t parent;
	int from_workers;
	int to_test;
	unsigned prepared;
	unsigned refuse_from; /* the n-th prepare and later ones fail; 0: none */
};

struct report {
	char word;
	pid_t pid;
	unsigned generation;
};

static void report(const struct scene *scene, char word, unsigned generation)
{
	struct report line = {.word = word, .pid = getpid(), .generation = generation};

	assert_int_equal(write(scene->to_test, &line, sizeof(line)), sizeof(line));
}

static enum err prepare(void *cx, void **prepared, unsigned *workers, struct fail *why)
{
	struct scene *scene = cx;
	unsigned *number = malloc(sizeof(*number));

	*number = ++scene->prepared;
	if (scene->refuse_from && *number >= scene->refuse_from) {
		report(scene, 'x', *number);
		free(number);
		return fail_set(why, ERR_CONFIG, "refused");
	}
	*prepared = number;
	*workers = 2;
	return OK;
}

static void release(void *cx, void *prepared)
{
	report(cx, 'r', *(unsigned *)prepared);
	free(prepared);
}

static int work(void *cx, void *prepared, const atomic_int *stop)
{
	const unsigned *number = prepared;

	report(cx, 'b', *number);
	while (!atomic_load(stop))
		clock_sleep_ms(2);
	report(cx, 'e', *number);
	return 0;
}

static void begin(struct scene *scene)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	scene->from_workers = ends[0];
	scene->to_test = ends[1];
	scene->parent = fork();
	assert_true(scene->parent >= 0);
	if (scene->parent == 0) {
		const struct prefork prefork = {
			.prepare = prepare, .release = release, .work = work, .cx = scene};
		struct fail why = {0};

		prctl(PR_SET_PDEATHSIG, SIGTERM); /* a failed test leaves nothing behind */
		log_start(LOG_ERROR, "test");
		close(scene->from_workers);
		_exit(prefork_run(&prefork, &why));
	}
	close(scene->to_test);
}

/* The next report; word 0 when the last process has closed its end. */
static struct report next(const struct scene *scene)
{
	struct pollfd ready = {.fd = scene->from_workers, .events = POLLIN};
	struct report line = {0};

	if (poll(&ready, 1, PATIENCE_MS) != 1)
		fail_msg("nothing happened for %d ms", PATIENCE_MS);
	if (read(scene->from_workers, &line, sizeof(line)) != sizeof(line))
		line.word = 0;
	return line;
}

static struct report next_is(const struct scene *scene, char word)
{
	struct report line = next(scene);

	assert_int_equal(line.word, word);
	return line;
}

static int end(const struct scene *scene)
{
	int status;

	assert_int_equal(waitpid(scene->parent, &status, 0), scene->parent);
	assert_true(WIFEXITED(status));
	assert_int_equal(next(scene).word, 0);
	close(scene->from_workers);
	return WEXITSTATUS(status);
}

static void stop_and_end(const struct scene *scene)
{
	kill(scene->parent, SIGTERM);
	next_is(scene, 'e');
	next_is(scene, 'e');
	next_is(scene, 'r');
	assert_int_equal(end(scene), 0);
}

static void test_as_many_workers_run_as_are_wanted_and_drain_at_the_end(void **state)
{
	struct scene scene = {0};
	struct report one, two;

	(void)state;
	begin(&scene);
	one = next_is(&scene, 'b');
	two = next_is(&scene, 'b');
	assert_int_not_equal(one.pid, two.pid);
	stop_and_end(&scene);
}

static void test_a_worker_does_not_preempt_who_wakes_it(void **state)
{
	struct scene scene = {0};
	struct report one;

	(void)state;
	begin(&scene);
	one = next_is(&scene, 'b');
	next_is(&scene, 'b');
	assert_int_equal(sched_getscheduler(one.pid), SCHED_BATCH);
	stop_and_end(&scene);
}

static void test_a_killed_worker_is_replaced(void **state)
{
	struct scene scene = {0};
	struct report one, again;

	(void)state;
	begin(&scene);
	one = next_is(&scene, 'b');
	next_is(&scene, 'b');
	kill(one.pid, SIGKILL);
	again = next_is(&scene, 'b');
	assert_int_not_equal(again.pid, one.pid);
	stop_and_end(&scene);
}

static void test_workers_that_die_young_are_restarted_ever_slower(void **state)
{
	struct scene scene = {0};
	int64_t began;

	(void)state;
	begin(&scene);
	next_is(&scene, 'b');
	began = clock_mono_ms();
	for (int deaths = 0; deaths < 3; deaths++)
		kill(next_is(&scene, 'b').pid, SIGKILL);
	next_is(&scene, 'b');
	/* 100, 200 and 400 ms */
	assert_true(clock_mono_ms() - began >= 650);
	stop_and_end(&scene);
}

static void test_a_reload_brings_new_workers_with_new_settings_then_the_old_ones_drain(void **state)
{
	struct scene scene = {0};
	unsigned begun = 0, ended = 0, released = 0;

	(void)state;
	begin(&scene);
	next_is(&scene, 'b');
	next_is(&scene, 'b');
	kill(scene.parent, SIGHUP);
	while (begun < 2 || ended < 2 || released < 1) {
		struct report line = next(&scene);

		assert_int_equal(line.generation, line.word == 'b' ? 2 : 1);
		begun += line.word == 'b';
		ended += line.word == 'e';
		released += line.word == 'r';
		if (line.word == 'r')
			assert_int_equal(ended, 2);
	}
	stop_and_end(&scene);
}

static void test_a_reload_that_fails_leaves_the_workers_at_work(void **state)
{
	struct scene scene = {.refuse_from = 2};

	(void)state;
	begin(&scene);
	next_is(&scene, 'b');
	next_is(&scene, 'b');
	kill(scene.parent, SIGHUP);
	next_is(&scene, 'x');
	stop_and_end(&scene);
}

static void test_settings_that_are_not_good_stop_the_start(void **state)
{
	struct scene scene = {.refuse_from = 1};

	(void)state;
	begin(&scene);
	next_is(&scene, 'x');
	assert_int_equal(end(&scene), 1);
}

static void test_workers_drain_when_their_parent_is_killed(void **state)
{
	struct scene scene = {0};
	int status;

	(void)state;
	begin(&scene);
	next_is(&scene, 'b');
	next_is(&scene, 'b');
	kill(scene.parent, SIGKILL);
	next_is(&scene, 'e');
	next_is(&scene, 'e');
	assert_int_equal(next(&scene).word, 0);
	waitpid(scene.parent, &status, 0);
	close(scene.from_workers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_many_workers_run_as_are_wanted_and_drain_at_the_end),
		cmocka_unit_test(test_a_worker_does_not_preempt_who_wakes_it),
		cmocka_unit_test(test_a_killed_worker_is_replaced),
		cmocka_unit_test(test_workers_that_die_young_are_restarted_ever_slower),
		cmocka_unit_test(
			test_a_reload_brings_new_workers_with_new_settings_then_the_old_ones_drain),
		cmocka_unit_test(test_a_reload_that_fails_leaves_the_workers_at_work),
		cmocka_unit_test(test_settings_that_are_not_good_stop_the_start),
		cmocka_unit_test(test_workers_drain_when_their_parent_is_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
