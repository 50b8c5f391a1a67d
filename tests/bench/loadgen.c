/*
 * loadgen: HTTP/1.1 over TLS with kept connections, from one epoll thread. Every
 * request has its own number, so no two bodies are alike, and every request that
 * was sent is waited for, so the counts at both ends must agree. All connections
 * stand before the first request goes out. Without --warm the first requests go
 * out together; with it they are spread over that time, and what is sent within
 * it is counted but not measured.
 *
 *	loadgen --url https://HOST:PORT/PATH --ca FILE (--seconds S | --count N)
 *		[-c CONNECTIONS] [--warm S] [--method M] [--header "NAME: VALUE"]...
 *		[--body TEXT] [--first NUMBER]
 *
 * "{n}" in path, headers and body becomes the request's number, 12 digits. Prints
 * one line of JSON: answers a second within the time measured, latencies, how many
 * of each status, errors (no answer), and a sample of what was not 2xx.
 */
#include "tests/bench/load_http.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <yajl/yajl_gen.h>

enum {
	CONNS_MAX = 10000,
	EVENTS_AT_ONCE = 256,
	HEADERS_MAX = 32,
	STATUS_MAX = 600,
	DRAIN_S = 60, /* how long the last answers are waited for */
	SAMPLE_MAX = 400,
};

struct setting {
	struct load_target target;
	const char *method;
	const char *headers[HEADERS_MAX];
	size_t n_headers;
	const char *body;
	unsigned long conns;
	unsigned long first;
	unsigned long count; /* 0: by time */
	double seconds;      /* measured, after warm_s */
	double warm_s;
};

/* What has been seen so far. */
struct tally {
	uint64_t start_ns;
	uint64_t warm_ns; /* what is sent from here on is measured */
	uint64_t end_ns;  /* no request starts after it */
	uint64_t last_ns; /* the last answer */
	unsigned long sent;
	unsigned long done;
	unsigned long measured;     /* sent when warm: latencies */
	unsigned long done_in_time; /* answered when warm and before the end */
	unsigned long errors;
	unsigned long reconnects;
	unsigned long status[STATUS_MAX];
	uint32_t *latency_us;
	size_t latency_room;
	char sample[SAMPLE_MAX];
};

struct run {
	const struct setting *set;
	struct load_conn *conns;
	char *request; /* the request with zeros for its number */
	size_t request_len;
	struct tally tally;
	unsigned long busy; /* connections with a request under way */
	int epoll_fd;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static uint64_t seconds_ns(double seconds)
{
	return (uint64_t)(seconds * 1e9);
}

static void die(const char *what)
{
	fprintf(stderr, "loadgen: %s\n", what);
	exit(1);
}

static void latency_note(struct tally *t, uint64_t ns)
{
	if (t->measured == t->latency_room) {
		t->latency_room = t->latency_room ? 2 * t->latency_room : 65536;
		t->latency_us =
			reallocarray(t->latency_us, t->latency_room, sizeof(*t->latency_us));
		if (!t->latency_us)
			die("out of memory");
	}
	t->latency_us[t->measured++] = (uint32_t)(ns / 1000);
}

/* Sends the next request on c, if there is one to send. */
static void next_send(struct run *run, struct load_conn *c)
{
	struct tally *t = &run->tally;
	uint64_t now = now_ns();

	if (run->set->count ? t->sent >= run->set->count : now >= t->end_ns)
		return;
	if (!load_conn_is_open(c)) {
		t->reconnects++;
		if (!load_conn_open(c, &run->set->target, run->epoll_fd))
			die("cannot connect again");
	}
	load_request_number(c->request, run->request, run->request_len, run->set->first + t->sent);
	t->sent++;
	run->busy++;
	c->sent_ns = now;
	if (!load_conn_send(c, run->request_len)) {
		t->errors++;
		run->busy--;
		load_conn_close(c);
	}
}

/* The answer on c is complete. */
static void answer_note(struct run *run, struct load_conn *c)
{
	struct tally *t = &run->tally;
	uint64_t now = now_ns();
	int status = c->answer.status;

	run->busy--;
	t->last_ns = now;
	t->done++;
	if (now >= t->warm_ns && now <= t->end_ns)
		t->done_in_time++;
	if (c->sent_ns >= t->warm_ns)
		latency_note(t, now - c->sent_ns);
	t->status[status > 0 && status < STATUS_MAX ? status : 0]++;
	if ((status < 200 || status > 299) && !*t->sample)
		snprintf(t->sample, sizeof(t->sample), "%.*s", (int)c->in_len, c->in);
	load_conn_ready(c);
	if (c->answer.closes)
		load_conn_close(c);
}

static void conn_event(struct run *run, struct load_conn *c)
{
	bool under_way = c->sent_ns != 0;
	enum load_state state = load_conn_read(c);

	if (state == LOAD_MORE)
		return;
	if (state == LOAD_ANSWER && under_way) {
		answer_note(run, c);
	} else {
		load_conn_close(c);
		if (!under_way)
			return;
		run->tally.errors++;
		run->busy--;
	}
	c->sent_ns = 0;
	next_send(run, c);
}

/* Sends the first requests whose turn has come; returns milliseconds to wait for events. */
static int first_send(struct run *run, unsigned long *begun)
{
	const struct tally *t = &run->tally;
	uint64_t warm_ns = t->warm_ns - t->start_ns;
	uint64_t since_ns = now_ns() - t->start_ns;

	while (*begun < run->set->conns && since_ns >= warm_ns * *begun / run->set->conns)
		next_send(run, &run->conns[(*begun)++]);
	return *begun < run->set->conns ? 1 : 1000;
}

static void run_loop(struct run *run)
{
	struct epoll_event ev[EVENTS_AT_ONCE];
	struct tally *t = &run->tally;
	uint64_t give_up_ns = 0;
	unsigned long begun = 0;

	t->start_ns = t->last_ns = now_ns();
	t->warm_ns = t->start_ns + seconds_ns(run->set->warm_s);
	t->end_ns = run->set->count ? UINT64_MAX : t->warm_ns + seconds_ns(run->set->seconds);
	give_up_ns = (run->set->count ? t->warm_ns : t->end_ns) + seconds_ns(DRAIN_S);
	first_send(run, &begun);
	while ((run->busy > 0 || begun < run->set->conns) && now_ns() < give_up_ns) {
		int wait_ms = first_send(run, &begun);
		int n = epoll_wait(run->epoll_fd, ev, EVENTS_AT_ONCE, wait_ms);

		for (int i = 0; i < n; i++)
			conn_event(run, ev[i].data.ptr);
	}
	t->errors += run->busy;
}

static void run_open(struct run *run, const struct setting *set)
{
	run->set = set;
	run->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	run->request = load_request_new(&set->target, set->method, set->headers, set->n_headers,
					set->body, &run->request_len);
	run->conns = calloc(set->conns, sizeof(*run->conns));
	if (run->epoll_fd < 0 || !run->request || !run->conns)
		die("cannot start");
	for (unsigned long i = 0; i < set->conns; i++) {
		run->conns[i].request = malloc(run->request_len);
		if (!run->conns[i].request ||
		    !load_conn_open(&run->conns[i], &set->target, run->epoll_fd))
			die("cannot connect");
	}
}

static int latency_order(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void gen_name(yajl_gen gen, const char *name)
{
	yajl_gen_string(gen, (const unsigned char *)name, strlen(name));
}

static void gen_number(yajl_gen gen, const char *name, double value)
{
	char text[40];

	gen_name(gen, name);
	snprintf(text, sizeof(text), "%.3f", value);
	yajl_gen_number(gen, text, strlen(text));
}

static void gen_count(yajl_gen gen, const char *name, unsigned long value)
{
	gen_name(gen, name);
	yajl_gen_integer(gen, (long long)value);
}

/* The latency that share of all answers do not exceed, in milliseconds. */
static double quantile_ms(const struct tally *t, double share)
{
	size_t i = (size_t)(share * (double)t->measured);

	if (t->measured == 0)
		return 0;
	return (double)t->latency_us[i < t->measured ? i : t->measured - 1] / 1000;
}

static void gen_statuses(yajl_gen gen, const struct tally *t)
{
	char name[16];

	gen_name(gen, "status");
	yajl_gen_map_open(gen);
	for (unsigned i = 0; i < STATUS_MAX; i++) {
		if (!t->status[i])
			continue;
		snprintf(name, sizeof(name), "%u", i);
		gen_count(gen, name, t->status[i]);
	}
	yajl_gen_map_close(gen);
}

static void report(struct tally *t)
{
	yajl_gen gen = yajl_gen_alloc(NULL);
	const unsigned char *text = NULL;
	size_t len = 0;
	uint64_t until = t->end_ns == UINT64_MAX ? t->last_ns : t->end_ns;
	double seconds = (double)(until - t->warm_ns) / 1e9;

	if (!gen)
		die("out of memory");
	if (t->measured > 0)
		qsort(t->latency_us, t->measured, sizeof(*t->latency_us), latency_order);
	yajl_gen_map_open(gen);
	gen_count(gen, "sent", t->sent);
	gen_count(gen, "answered", t->done);
	gen_count(gen, "errors", t->errors);
	gen_count(gen, "reconnects", t->reconnects);
	gen_number(gen, "seconds", seconds);
	gen_number(gen, "per_s", seconds > 0 ? (double)t->done_in_time / seconds : 0);
	gen_number(gen, "p50_ms", quantile_ms(t, 0.50));
	gen_number(gen, "p90_ms", quantile_ms(t, 0.90));
	gen_number(gen, "p99_ms", quantile_ms(t, 0.99));
	gen_number(gen, "max_ms", quantile_ms(t, 1));
	gen_statuses(gen, t);
	gen_name(gen, "sample");
	gen_name(gen, t->sample);
	yajl_gen_map_close(gen);
	yajl_gen_get_buf(gen, &text, &len);
	printf("%.*s\n", (int)len, (const char *)text);
	yajl_gen_free(gen);
}

static void usage(void)
{
	fprintf(stderr, "usage: loadgen --url https://HOST:PORT/PATH --ca FILE"
			" (--seconds S | --count N)\n"
			"\t[-c CONNECTIONS] [--warm S] [--method M] [--header \"NAME: VALUE\"]...\n"
			"\t[--body TEXT] [--first NUMBER]\n");
	exit(2);
}

static unsigned long number(const char *text, unsigned long low, unsigned long high)
{
	char *end = NULL;
	unsigned long value = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || value < low || value > high)
		usage();
	return value;
}

static void option_take(int opt, const char *text, struct setting *set)
{
	if (opt == 'u' && load_target_url(&set->target, text))
		return;
	if (opt == 'a' && load_target_ca(&set->target, text))
		return;
	if (opt == 's' && (set->seconds = strtod(text, NULL)) > 0)
		return;
	if (opt == 'w' && (set->warm_s = strtod(text, NULL)) > 0)
		return;
	if (opt == 'H' && set->n_headers < HEADERS_MAX)
		set->headers[set->n_headers++] = text;
	else if (opt == 'n')
		set->count = number(text, 1, 100000000);
	else if (opt == 'c')
		set->conns = number(text, 1, CONNS_MAX);
	else if (opt == 'm')
		set->method = text;
	else if (opt == 'b')
		set->body = text;
	else if (opt == 'f')
		set->first = number(text, 0, 99999999999UL);
	else
		usage();
}

int main(int argc, char **argv)
{
	static const struct option OPTIONS[] = {
		{"url", required_argument, NULL, 'u'},     {"ca", required_argument, NULL, 'a'},
		{"seconds", required_argument, NULL, 's'}, {"count", required_argument, NULL, 'n'},
		{"method", required_argument, NULL, 'm'},  {"header", required_argument, NULL, 'H'},
		{"body", required_argument, NULL, 'b'},    {"first", required_argument, NULL, 'f'},
		{"warm", required_argument, NULL, 'w'},    {NULL, 0, NULL, 0},
	};
	struct setting set = {.method = "POST", .body = "", .conns = 1};
	struct run run = {0};
	int opt = 0;

	while ((opt = getopt_long(argc, argv, "c:", OPTIONS, NULL)) != -1)
		option_take(opt, optarg, &set);
	if (!set.target.tls || !set.target.host[0] || (set.seconds > 0) == (set.count > 0) ||
	    optind < argc)
		usage();
	signal(SIGPIPE, SIG_IGN);
	run_open(&run, &set);
	run_loop(&run);
	report(&run.tally);
	return 0;
}
