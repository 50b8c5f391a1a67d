#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "web/metrics.h"
#include "web/route.h"

static const struct route ROUTES[] = {{.name = "one"}, {.name = "two"}};

static struct metrics *metrics;
static struct buf out;

static int make(void **state)
{
	(void)state;
	buf_init(&out, NULL, 64 * 1024);
	metrics = metrics_new(ARRAY_LEN(ROUTES));
	return metrics ? 0 : -1;
}

static int drop(void **state)
{
	(void)state;
	metrics_free(metrics);
	buf_free(&out);
	return 0;
}

static void assert_line(const char *line)
{
	buf_clear(&out);
	metrics_write(metrics, ROUTES, &out);
	assert_int_equal(buf_error(&out), OK);
	if (!strstr(out.data, line))
		fail_msg("not there: %s", line);
}

static void durations_fall_into_buckets_that_add_up(void **state)
{
	(void)state;
	metrics_count(metrics, 0, 200, 5000);
	metrics_count(metrics, 0, 200, 5001);
	metrics_count(metrics, 0, 200, 50000000);
	metrics_count(metrics, 0, 200, -1);
	assert_line("\ncalbridge_request_seconds_bucket{route=\"one\",le=\"0.005\"} 2\n");
	assert_line("\ncalbridge_request_seconds_bucket{route=\"one\",le=\"0.01\"} 3\n");
	assert_line("\ncalbridge_request_seconds_bucket{route=\"one\",le=\"40\"} 3\n");
	assert_line("\ncalbridge_request_seconds_bucket{route=\"one\",le=\"+Inf\"} 4\n");
	assert_line("\ncalbridge_request_seconds_sum{route=\"one\"} 50.010001\n");
	assert_line("\ncalbridge_request_seconds_count{route=\"one\"} 4\n");
	assert_line("\ncalbridge_request_seconds_count{route=\"two\"} 0\n");
}

static void what_met_no_route_has_a_row_too(void **state)
{
	(void)state;
	metrics_count(metrics, 2, 404, 1);
	metrics_count(metrics, SIZE_MAX, 999, 1);
	assert_line("\ncalbridge_requests_total{route=\"none\",status=\"4xx\"} 1\n");
	assert_line("\ncalbridge_requests_total{route=\"none\",status=\"0xx\"} 1\n");
}

static void all_workers_count_together(void **state)
{
	enum { WORKERS = 4, EACH = 1000 };

	(void)state;
	for (unsigned i = 0; i < WORKERS; i++) {
		if (fork() == 0) {
			for (unsigned n = 0; n < EACH; n++)
				metrics_count(metrics, 1, 503, 1);
			_exit(0);
		}
	}
	for (unsigned i = 0; i < WORKERS; i++)
		assert_true(wait(NULL) > 0);
	assert_line("\ncalbridge_requests_total{route=\"two\",status=\"5xx\"} 4000\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(durations_fall_into_buckets_that_add_up),
		TEST(what_met_no_route_has_a_row_too),
		TEST(all_workers_count_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
