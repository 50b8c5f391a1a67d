#include "web/metrics.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "web/route.h"

/* Upper ends of the buckets of durations, and what Prometheus calls them, in seconds. */
static const struct {
	int64_t us;
	const char *s;
} BUCKETS[] = {
	{5000, "0.005"},  {10000, "0.01"},  {25000, "0.025"}, {50000, "0.05"},
	{100000, "0.1"},  {250000, "0.25"}, {500000, "0.5"},  {1000000, "1"},
	{2500000, "2.5"}, {5000000, "5"},   {10000000, "10"}, {40000000, "40"},
};

enum { N_BUCKETS = ARRAY_LEN(BUCKETS), N_CLASSES = 6 };

/* One route's. Rows begin at lines of their own, so that threads on two routes do not share one. */
struct row {
	_Alignas(64) atomic_uint_fast64_t classes[N_CLASSES]; /* by status / 100 */
	atomic_uint_fast64_t buckets[N_BUCKETS + 1];          /* the last: beyond all */
	atomic_uint_fast64_t sum_us;
};

struct metrics {
	size_t n_routes;
	size_t bytes;
	struct row rows[]; /* n_routes, and one for what met none */
};

struct metrics *metrics_new(size_t n_routes)
{
	size_t bytes = sizeof(struct metrics) + (n_routes + 1) * sizeof(struct row);
	struct metrics *metrics =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (metrics == MAP_FAILED)
		return NULL;
	metrics->n_routes = n_routes;
	metrics->bytes = bytes;
	return metrics;
}

void metrics_free(struct metrics *metrics)
{
	if (metrics)
		munmap(metrics, metrics->bytes);
}

static void add(atomic_uint_fast64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static uint64_t value_of(const atomic_uint_fast64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void metrics_count(struct metrics *metrics, size_t i, int status, int64_t us)
{
	struct row *row = &metrics->rows[i < metrics->n_routes ? i : metrics->n_routes];
	size_t bucket = 0;

	while (bucket < N_BUCKETS && us > BUCKETS[bucket].us)
		bucket++;
	add(&row->classes[status >= 100 && status < 600 ? status / 100 : 0], 1);
	add(&row->buckets[bucket], 1);
	add(&row->sum_us, us > 0 ? (uint64_t)us : 0);
}

static const char *name_of(const struct metrics *metrics, const struct route *routes, size_t i)
{
	return i < metrics->n_routes ? routes[i].name : "none";
}

static void write_requests(const struct row *row, const char *name, struct buf *out)
{
	for (int class = 0; class < N_CLASSES; class ++) {
		uint64_t n = value_of(&row->classes[class]);

		if (n > 0)
			buf_format(out,
				   "calbridge_requests_total{route=\"%s\",status=\"%dxx\"} %" PRIu64
				   "\n",
				   name, class, n);
	}
}

static void write_durations(const struct row *row, const char *name, struct buf *out)
{
	uint64_t sum_us = value_of(&row->sum_us), n = 0;

	for (size_t i = 0; i <= N_BUCKETS; i++) {
		n += value_of(&row->buckets[i]);
		buf_format(out,
			   "calbridge_request_seconds_bucket{route=\"%s\",le=\"%s\"} %" PRIu64 "\n",
			   name, i < N_BUCKETS ? BUCKETS[i].s : "+Inf", n);
	}
	buf_format(out, "calbridge_request_seconds_sum{route=\"%s\"} %" PRIu64 ".%06" PRIu64 "\n",
		   name, sum_us / 1000000, sum_us % 1000000);
	buf_format(out, "calbridge_request_seconds_count{route=\"%s\"} %" PRIu64 "\n", name, n);
}

void metrics_write(const struct metrics *metrics, const struct route *routes, struct buf *out)
{
	buf_add_text(out, "# HELP calbridge_requests_total Requests answered.\n"
			  "# TYPE calbridge_requests_total counter\n");
	for (size_t i = 0; i <= metrics->n_routes; i++)
		write_requests(&metrics->rows[i], name_of(metrics, routes, i), out);
	buf_add_text(out, "# HELP calbridge_request_seconds Time until the answer was ready.\n"
			  "# TYPE calbridge_request_seconds histogram\n");
	for (size_t i = 0; i <= metrics->n_routes; i++)
		write_durations(&metrics->rows[i], name_of(metrics, routes, i), out);
}
