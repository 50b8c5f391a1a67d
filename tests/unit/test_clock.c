#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/time.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"

static void the_wall_clock_is_the_systems_in_milliseconds(void **state)
{
	int64_t before = (int64_t)time(NULL) * 1000, now = clock_now_ms();

	(void)state;
	assert_true(now > before - 1000);
	assert_true(now < before + 60000);
}

static void the_monotonic_clock_never_goes_back(void **state)
{
	int64_t last = clock_mono_us(), now;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		now = clock_mono_us();
		assert_true(now >= last);
		last = now;
	}
	assert_true(clock_mono_ms() >= last / 1000);
	assert_true(clock_mono_ms() <= last / 1000 + 60000);
}

static void a_test_sets_the_wall_clock_alone(void **state)
{
	int64_t mono = clock_mono_ms();

	(void)state;
	clock_set_for_test(INT64_C(1790000000123));
	assert_true(clock_now_ms() == INT64_C(1790000000123));
	assert_true(clock_mono_ms() >= mono);
	assert_true(clock_mono_ms() < mono + 60000);
	clock_set_for_test(0);
	assert_true(clock_now_ms() == 0);
	clock_set_for_test(-1);
	assert_true(clock_now_ms() > INT64_C(1700000000000));
}

static volatile sig_atomic_t alarms;

static void on_alarm(int number)
{
	(void)number;
	alarms++;
}

static void a_wait_is_not_shortened_by_signals(void **state)
{
	struct sigaction action = {.sa_handler = on_alarm}, before;
	struct itimerval every = {{0, 1000}, {0, 1000}}, never = {0};
	int64_t start = clock_mono_us();

	(void)state;
	assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &every, NULL), 0);
	clock_sleep_ms(20);
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
	assert_true(alarms > 0);
	assert_true(clock_mono_us() - start >= 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_wall_clock_is_the_systems_in_milliseconds),
		cmocka_unit_test(the_monotonic_clock_never_goes_back),
		cmocka_unit_test(a_test_sets_the_wall_clock_alone),
		cmocka_unit_test(a_wait_is_not_shortened_by_signals),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
