/*
 * floor_event: what one event costs at the very least, written by hand: a
 * prepared SELECT, a prepared INSERT and one HTTPS POST over a connection that
 * is kept, in each request. No checks, no seal, no idempotency, no second
 * commit. Every thread has its own curl handle; the MariaDB connections are one
 * per thread, or a pool when there are more threads than -p.
 *
 *	floor_event -s SOCKET -d MARIADB_SOCKET -U USER -u EVENTS_URL -a CA_FILE
 *		[-D DATABASE] [-o OWNER] [-w WORKERS] [-t THREADS] [-p POOL]
 *
 * The database holds floor_owner(id, token, zone) with the row OWNER, and
 * floor_event(id, owner, body, created).
 */
#include "tests/bench/floor.h"

#include <curl/curl.h>
#include <mysql.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SELECT_OWNER "SELECT token, zone FROM floor_owner WHERE id = ?"
#define INSERT_EVENT "INSERT INTO floor_event (id, owner, body, created) VALUES (?, ?, ?, NOW(3))"

enum {
	ID_CHARS = 32,
	TOKEN_MAX = 512,
	ZONE_MAX = 64,
	ANSWER_MAX = 16384,
	CALL_MS = 10000,
};

struct setting {
	const char *db_socket;
	const char *db_user;
	const char *db_name;
	const char *owner;
	const char *url;
	const char *ca;
	unsigned pool;
};

/* One MariaDB connection with its two statements. */
struct conn {
	MYSQL *db;
	MYSQL_STMT *select;
	MYSQL_STMT *insert;
	struct conn *next;
};

/* The connections of a process; a thread takes one for the two statements. */
struct pool {
	const struct setting *set;
	pthread_mutex_t lock;
	pthread_cond_t came_back;
	struct conn *idle;
};

/* What one thread owns. */
struct hand {
	struct pool *pool;
	CURL *curl;
	struct curl_slist *headers;
	size_t answer_len;
	char token[TOKEN_MAX];
	char zone[ZONE_MAX];
	char auth[TOKEN_MAX + 32];
	char body[FLOOR_BODY_MAX];
	char event[2048];
	char answer[ANSWER_MAX];
};

static MYSQL_STMT *prepare(MYSQL *db, const char *sql)
{
	MYSQL_STMT *stmt = mysql_stmt_init(db);

	if (stmt && mysql_stmt_prepare(stmt, sql, strlen(sql))) {
		fprintf(stderr, "%s: %s\n", sql, mysql_stmt_error(stmt));
		mysql_stmt_close(stmt);
		stmt = NULL;
	}
	return stmt;
}

static struct conn *conn_new(const struct setting *set)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c || !(c->db = mysql_init(NULL)))
		goto fail;
	if (!mysql_real_connect(c->db, NULL, set->db_user, NULL, set->db_name, 0, set->db_socket,
				0)) {
		fprintf(stderr, "%s: %s\n", set->db_socket, mysql_error(c->db));
		goto fail;
	}
	c->select = prepare(c->db, SELECT_OWNER);
	c->insert = prepare(c->db, INSERT_EVENT);
	if (!c->select || !c->insert)
		goto fail;
	return c;
fail:
	if (c && c->db)
		mysql_close(c->db);
	free(c);
	return NULL;
}

static struct conn *pool_take(struct pool *pool)
{
	struct conn *c = NULL;

	pthread_mutex_lock(&pool->lock);
	while (!pool->idle)
		pthread_cond_wait(&pool->came_back, &pool->lock);
	c = pool->idle;
	pool->idle = c->next;
	pthread_mutex_unlock(&pool->lock);
	return c;
}

static void pool_give(struct pool *pool, struct conn *c)
{
	pthread_mutex_lock(&pool->lock);
	c->next = pool->idle;
	pool->idle = c;
	pthread_cond_signal(&pool->came_back);
	pthread_mutex_unlock(&pool->lock);
}

static void *pool_new(const struct floor *f)
{
	const struct setting *set = f->setting;
	struct pool *pool = calloc(1, sizeof(*pool));
	unsigned n = set->pool < f->threads ? set->pool : f->threads;

	if (!pool || curl_global_init(CURL_GLOBAL_DEFAULT))
		return NULL;
	pool->set = set;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->came_back, NULL);
	for (unsigned i = 0; i < n; i++) {
		struct conn *c = conn_new(set);

		if (!c)
			return NULL;
		pool_give(pool, c);
	}
	return pool;
}

static size_t answer_write(char *bytes, size_t size, size_t n, void *arg)
{
	struct hand *h = arg;
	size_t len = size * n;

	if (len > sizeof(h->answer) - 1 - h->answer_len)
		return 0;
	memcpy(h->answer + h->answer_len, bytes, len);
	h->answer_len += len;
	h->answer[h->answer_len] = '\0';
	return len;
}

static void *hand_new(void *worker)
{
	struct hand *h = calloc(1, sizeof(*h));
	struct pool *pool = worker;

	mysql_thread_init();
	if (!h || !(h->curl = curl_easy_init()))
		return NULL;
	h->pool = pool;
	curl_easy_setopt(h->curl, CURLOPT_URL, pool->set->url);
	curl_easy_setopt(h->curl, CURLOPT_CAINFO, pool->set->ca);
	curl_easy_setopt(h->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(h->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h->curl, CURLOPT_TIMEOUT_MS, (long)CALL_MS);
	curl_easy_setopt(h->curl, CURLOPT_WRITEFUNCTION, answer_write);
	curl_easy_setopt(h->curl, CURLOPT_WRITEDATA, (void *)h);
	return h;
}

/* Reads token and zone of the owner into h. */
static bool owner_read(struct hand *h, MYSQL_STMT *stmt)
{
	const char *owner = h->pool->set->owner;
	unsigned long in_len = strlen(owner), len[2] = {0};
	MYSQL_BIND in = {.buffer_type = MYSQL_TYPE_STRING};
	MYSQL_BIND out[2] = {{.buffer_type = MYSQL_TYPE_STRING},
			     {.buffer_type = MYSQL_TYPE_STRING}};
	bool found = false;

	in.buffer = (void *)(uintptr_t)owner;
	in.buffer_length = in_len;
	in.length = &in_len;
	out[0].buffer = h->token;
	out[0].buffer_length = sizeof(h->token) - 1;
	out[0].length = &len[0];
	out[1].buffer = h->zone;
	out[1].buffer_length = sizeof(h->zone) - 1;
	out[1].length = &len[1];
	if (!mysql_stmt_bind_param(stmt, &in) && !mysql_stmt_execute(stmt) &&
	    !mysql_stmt_bind_result(stmt, out) && !mysql_stmt_fetch(stmt)) {
		h->token[len[0]] = '\0';
		h->zone[len[1]] = '\0';
		found = true;
	}
	mysql_stmt_free_result(stmt);
	return found;
}

static void bind_text(MYSQL_BIND *bind, const char *text, unsigned long *len)
{
	*len = strlen(text);
	bind->buffer_type = MYSQL_TYPE_STRING;
	bind->buffer = (void *)(uintptr_t)text;
	bind->buffer_length = *len;
	bind->length = len;
}

static bool event_store(struct hand *h, MYSQL_STMT *stmt, const char *id)
{
	unsigned long len[3] = {0};
	MYSQL_BIND in[3] = {0};

	bind_text(&in[0], id, &len[0]);
	bind_text(&in[1], h->pool->set->owner, &len[1]);
	bind_text(&in[2], h->body, &len[2]);
	return !mysql_stmt_bind_param(stmt, in) && !mysql_stmt_execute(stmt);
}

static bool db_work(struct hand *h, const char *id)
{
	struct conn *c = pool_take(h->pool);
	bool done = owner_read(h, c->select) && event_store(h, c->insert, id);

	if (!done)
		fprintf(stderr, "database: %s\n", mysql_error(c->db));
	pool_give(h->pool, c);
	return done;
}

/* Tells the provider; the header list is made anew as a token may change. */
static bool provider_work(struct hand *h, const char *id)
{
	struct curl_slist *headers = NULL;
	CURLcode code = CURLE_OUT_OF_MEMORY;
	long status = 0;

	snprintf(h->event, sizeof(h->event),
		 "{\"id\":\"%s\",\"summary\":\"Coffee\",\"description\":\"Scheduled via Gatherly\","
		 "\"start\":{\"dateTime\":\"2031-12-02T10:00:00\",\"timeZone\":\"%s\"},"
		 "\"end\":{\"dateTime\":\"2031-12-02T10:45:00\",\"timeZone\":\"%s\"},"
		 "\"attendees\":[{\"email\":\"guest@example.com\"}],"
		 "\"reminders\":{\"useDefault\":true}}",
		 id, h->zone, h->zone);
	snprintf(h->auth, sizeof(h->auth), "Authorization: Bearer %s", h->token);
	h->answer_len = 0;
	headers = curl_slist_append(NULL, "Content-Type: application/json; charset=UTF-8");
	if (headers && curl_slist_append(headers, h->auth)) {
		curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(h->curl, CURLOPT_POSTFIELDS, h->event);
		code = curl_easy_perform(h->curl);
		curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
	}
	curl_slist_free_all(headers);
	if (code != CURLE_OK || status != 200)
		fprintf(stderr, "provider: %s, status %ld\n", curl_easy_strerror(code), status);
	return code == CURLE_OK && status == 200;
}

static void event_serve(void *thread, FCGX_Request *rq)
{
	struct hand *h = thread;
	unsigned char raw[ID_CHARS / 2];
	char id[ID_CHARS + 1], answer[160];

	floor_body(rq, h->body, sizeof(h->body));
	RAND_bytes(raw, sizeof(raw));
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(id + 2 * i, 3, "%02x", raw[i]);
	if (!db_work(h, id) || !provider_work(h, id)) {
		floor_json(rq, "500 Internal Server Error", "{\"error\": \"failed\"}");
		return;
	}
	snprintf(answer, sizeof(answer), "{\"eventId\": \"evt_%.8s\", \"calendarEventId\": \"%s\"}",
		 id, id);
	floor_json(rq, NULL, answer);
}

static int usage(void)
{
	fprintf(stderr,
		"usage: floor_event -s SOCKET -d MARIADB_SOCKET -U USER -u EVENTS_URL -a CA_FILE\n"
		"\t[-D DATABASE] [-o OWNER] [-w WORKERS] [-t THREADS] [-p POOL]\n");
	return 2;
}

/* Takes one option; false if there is no such. */
static bool option_take(int opt, const char *text, struct floor *f, struct setting *set)
{
	switch (opt) {
	case 's':
		f->socket = text;
		return true;
	case 'd':
		set->db_socket = text;
		return true;
	case 'u':
		set->url = text;
		return true;
	case 'a':
		set->ca = text;
		return true;
	case 'U':
		set->db_user = text;
		return true;
	case 'D':
		set->db_name = text;
		return true;
	case 'o':
		set->owner = text;
		return true;
	case 'w':
		f->workers = floor_number("-w", text, 1, FLOOR_WORKERS_MAX);
		return true;
	case 't':
		f->threads = floor_number("-t", text, 1, FLOOR_THREADS_MAX);
		return true;
	case 'p':
		set->pool = floor_number("-p", text, 1, FLOOR_THREADS_MAX);
		return true;
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	struct setting set = {.db_name = "floor", .owner = "bench-owner", .pool = 16};
	struct floor f = {.workers = 2,
			  .threads = 16,
			  .worker_new = pool_new,
			  .thread_new = hand_new,
			  .serve = event_serve,
			  .setting = &set};
	int opt = 0;

	while ((opt = getopt(argc, argv, "s:d:u:a:U:D:o:w:t:p:")) != -1) {
		if (!option_take(opt, optarg, &f, &set))
			return usage();
	}
	if (!f.socket || !set.db_socket || !set.db_user || !set.url || !set.ca || optind < argc)
		return usage();
	return floor_run(&f);
}
