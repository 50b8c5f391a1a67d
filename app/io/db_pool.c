#include "io/db_inner.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	MYSQL_PORT_DEFAULT = 3306,
	MIGRATE_PLACES = 2,
	/* how long a host that failed is left alone: this, doubled each time, up to that */
	DOWN_MIN_MS = 50,
	DOWN_MAX_MS = 5000,
	/* while one thread looks whether it is back, the others do not */
	PROBE_MS = 3000,
	/* no host at all: the next attempt comes this long after the last one */
	ALONE_MS = 500,
};

/* The hosts. */

static bool is_loopback(const char *name)
{
	struct in_addr four;
	struct in6_addr six;

	if (!strcmp(name, "localhost"))
		return true;
	if (inet_pton(AF_INET, name, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, name, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

/* host, host:port, [v6], [v6]:port; a bare v6 address has more than one colon. */
static enum err read_tcp_host(struct slice text, struct db_host *host)
{
	struct slice name = text, port = {0};
	const char *colon = memrchr(text.data, ':', text.len);
	const char *bracket = memchr(text.data, ']', text.len);
	int64_t number = MYSQL_PORT_DEFAULT;

	if (text.data[0] == '[') {
		if (!bracket)
			return ERR_CONFIG;
		name = (struct slice){text.data + 1, (size_t)(bracket - text.data) - 1};
		if (bracket + 1 == text.data + text.len)
			colon = NULL;
		else if (colon != bracket + 1)
			return ERR_CONFIG;
	} else if (colon && memchr(text.data, ':', (size_t)(colon - text.data))) {
		colon = NULL;
	} else if (colon) {
		name.len = (size_t)(colon - text.data);
	}
	if (colon) {
		port = (struct slice){colon + 1, text.len - (size_t)(colon - text.data) - 1};
		if (text_to_int(port, 1, 65535, &number))
			return ERR_CONFIG;
	}
	if (!name.len || text_copy(host->name, sizeof(host->name), name))
		return ERR_CONFIG;
	host->port = (unsigned)number;
	host->tls = !is_loopback(host->name);
	return OK;
}

static enum err read_host(struct slice text, struct db_host *host, struct fail *why)
{
	enum err e;

	if (slice_starts(text, "unix:/"))
		e = text_copy(host->name, sizeof(host->name),
			      (struct slice){text.data + 5, text.len - 5});
	else
		e = text.len ? read_tcp_host(text, host) : ERR_CONFIG;
	return e ? fail_set(why, ERR_CONFIG,
			    "database host \"%.*s\" is not unix:/path or host:port", (int)text.len,
			    text.data)
		 : OK;
}

static enum err read_hosts(struct db_pool *pool, struct fail *why)
{
	const char *ca_file = pool->config->database_ca_file;
	struct slice rest = slice_of(pool->config->database_hosts);
	bool tls = false;

	while (rest.data) {
		struct slice text = slice_trim(slice_cut(&rest, ','));
		struct db_host *host = &pool->hosts[pool->n_hosts];

		if (pool->n_hosts == DB_HOSTS_MAX)
			return fail_set(why, ERR_CONFIG, "more than %d database hosts",
					DB_HOSTS_MAX);
		if (read_host(text, host, why))
			return ERR_CONFIG;
		tls = tls || host->tls;
		pool->n_hosts++;
	}
	if (!pool->n_hosts)
		return fail_set(why, ERR_CONFIG, "no database host is set");
	if (tls && ca_file && access(ca_file, R_OK))
		return fail_set(why, ERR_CONFIG, "%s: %s", ca_file, strerror(errno));
	return OK;
}

/* Another host is up as far as we know. */
static bool has_another(const struct db_pool *pool, const struct db_host *host)
{
	for (size_t i = 0; i < pool->n_hosts; i++)
		if (&pool->hosts[i] != host && !pool->hosts[i].fails)
			return true;
	return false;
}

/* Is this host to be tried now? One that failed is tried by one thread at a time. */
static bool host_begin(struct db_pool *pool, struct db_host *host)
{
	int64_t now = clock_mono_ms();
	bool go;

	pthread_mutex_lock(&pool->lock);
	go = now >= host->down_until_ms;
	if (!go && !has_another(pool, host))
		go = now - host->tried_ms >= ALONE_MS;
	if (go) {
		host->tried_ms = now;
		host->probing = host->fails > 0;
		if (host->probing)
			host->down_until_ms = now + PROBE_MS;
	}
	pthread_mutex_unlock(&pool->lock);
	return go;
}

static void host_end(struct db_pool *pool, struct db_host *host, bool good)
{
	int64_t pause = DOWN_MIN_MS;

	pthread_mutex_lock(&pool->lock);
	if (good) {
		host->fails = 0;
		host->probing = false;
		host->down_until_ms = 0;
	} else if (!host->fails || host->probing) {
		/* those that were under way when the first one failed do not count again */
		for (unsigned i = 0; i < host->fails && pause < DOWN_MAX_MS; i++)
			pause *= 2;
		host->fails++;
		host->probing = false;
		host->down_until_ms = clock_mono_ms() + (pause < DOWN_MAX_MS ? pause : DOWN_MAX_MS);
	}
	pthread_mutex_unlock(&pool->lock);
}

/* Connections. */

static enum err connect_before(struct db_pool *pool, struct db_conn *conn, size_t n_hosts,
			       struct fail *why)
{
	enum err e = ERR_DB;
	bool tried = false;

	for (size_t i = 0; i < n_hosts; i++) {
		struct db_host *host = &pool->hosts[i];
		MYSQL *mysql;

		if (!host_begin(pool, host))
			continue;
		tried = true;
		e = db_conn_open(pool->config, pool->role, host, &mysql, why);
		host_end(pool, host, e != ERR_DB);
		if (e == ERR_DB)
			continue;
		if (!e) {
			db_conn_close(conn);
			conn->mysql = mysql;
			conn->host = i;
			conn->unfit = false;
		}
		return e;
	}
	return tried ? e : fail_set(why, e, "no database host let us in a moment ago");
}

enum err db_pool_reconnect(struct db_pool *pool, struct db_conn *conn, struct fail *why)
{
	if (conn->mysql && conn->unfit)
		host_end(pool, &pool->hosts[conn->host], false);
	db_conn_close(conn);
	return connect_before(pool, conn, pool->n_hosts, why);
}

/* Makes conn one that is alive, on the best host that there is. */
static enum err freshen(struct db_pool *pool, struct db_conn *conn, struct fail *why)
{
	if (conn->unfit || !db_conn_is_alive(conn))
		return db_pool_reconnect(pool, conn, why);
	/* a host before ours may be back; if not, we stay */
	if (conn->host > 0 && connect_before(pool, conn, conn->host, NULL) == ERR_NOMEM)
		return fail_set(why, ERR_NOMEM, "no memory for a database connection");
	return OK;
}

/* The pool. */

static void stop_waiting(struct db_pool *pool, struct db_waiter *me)
{
	struct db_waiter **at = &pool->waiting;

	while (*at && *at != me)
		at = &(*at)->next;
	if (*at)
		*at = me->next;
}

static void add_waiter(struct db_pool *pool, struct db_waiter *me)
{
	struct db_waiter **at = &pool->waiting;

	while (*at)
		at = &(*at)->next;
	*at = me;
}

/* Waits in line, lock held, until a connection is handed over; NULL when the time is up. */
static struct db_conn *wait_in_line(struct db_pool *pool)
{
	struct db_waiter me = {0};
	int64_t until_ms = clock_mono_ms() + DB_BORROW_MS;
	struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
	pthread_condattr_t monotonic;
	int late = 0;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&me.wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	add_waiter(pool, &me);
	while (!me.conn && !late)
		late = pthread_cond_timedwait(&me.wake, &pool->lock, &until);
	if (!me.conn)
		stop_waiting(pool, &me);
	pthread_cond_destroy(&me.wake);
	return me.conn;
}

enum err db_pool_borrow(struct db_pool *pool, struct db_conn **out, struct fail *why)
{
	struct db_conn *conn;
	enum err e;

	*out = NULL;
	pthread_mutex_lock(&pool->lock);
	conn = pool->n_idle ? pool->idle[--pool->n_idle] : wait_in_line(pool);
	pthread_mutex_unlock(&pool->lock);
	if (!conn)
		return fail_set(why, ERR_BUSY, "all %zu database connections are in use",
				pool->n_conns);
	e = freshen(pool, conn, why);
	if (e)
		db_pool_give_back(pool, conn);
	else
		*out = conn;
	return e;
}

void db_pool_give_back(struct db_pool *pool, struct db_conn *conn)
{
	struct db_waiter *first;

	pthread_mutex_lock(&pool->lock);
	first = pool->waiting;
	if (first) {
		pool->waiting = first->next;
		first->conn = conn;
		pthread_cond_signal(&first->wake);
	} else if (conn->mysql) {
		pool->idle[pool->n_idle++] = conn;
	} else {
		/* below the connected ones: they are to be used first */
		memmove(pool->idle + 1, pool->idle, pool->n_idle * sizeof(pool->idle[0]));
		pool->idle[0] = conn;
		pool->n_idle++;
	}
	pthread_mutex_unlock(&pool->lock);
}

static size_t count_places(const struct config *config, enum db_role role)
{
	if (role == DB_RUN)
		return (size_t)config->database_pool;
	return role == DB_MIGRATE ? MIGRATE_PLACES : 1;
}

static enum err make_places(struct db_pool *pool)
{
	pool->conns = calloc(pool->n_conns, sizeof(pool->conns[0]));
	pool->idle = calloc(pool->n_conns, sizeof(pool->idle[0]));
	if (!pool->conns || !pool->idle)
		return ERR_NOMEM;
	for (size_t i = 0; i < pool->n_conns; i++) {
		struct db_conn *conn = &pool->conns[i];

		conn->prepared = calloc(db_statement_count(), sizeof(conn->prepared[0]));
		if (!conn->prepared)
			return ERR_NOMEM;
		pool->idle[pool->n_idle++] = conn;
	}
	return OK;
}

enum err db_pool_new(const struct config *config, enum db_role role, struct db_pool **out,
		     struct fail *why)
{
	struct db_pool *pool = calloc(1, sizeof(*pool));
	enum err e;

	*out = NULL;
	if (!pool)
		return ERR_NOMEM;
	pthread_mutex_init(&pool->lock, NULL);
	pool->config = config;
	pool->role = role;
	pool->n_conns = count_places(config, role);
	e = read_hosts(pool, why);
	if (!e)
		e = make_places(pool);
	if (e)
		db_pool_free(pool);
	else
		*out = pool;
	return e;
}

void db_pool_free(struct db_pool *pool)
{
	if (!pool)
		return;
	for (size_t i = 0; pool->conns && i < pool->n_conns; i++) {
		db_conn_close(&pool->conns[i]);
		free(pool->conns[i].prepared);
	}
	free(pool->conns);
	free(pool->idle);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}
