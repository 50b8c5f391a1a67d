#include "tests/unit/db_fixture.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/digest.h"

enum { SCRIPT_BYTES = 4096, SERVER_MS = 30000, GREETING_MS = 500 };

static struct db_settings admin_settings;
static struct db *admin;
static pid_t own_server; /* the one that this program started again */

const char *db_fixture_env(const char *name)
{
	const char *value = getenv(name);

	if (!value)
		fail_msg("%s is not set: run this by with_mariadb.sh", name);
	return value;
}

void db_fixture_settings(struct db_settings *out, const char *hosts, int pool)
{
	struct config *config = &out->config;

	*out = (struct db_settings){0};
	if (hosts)
		snprintf(out->hosts, sizeof(out->hosts), "%s", hosts);
	else
		snprintf(out->hosts, sizeof(out->hosts), "unix:%s",
			 db_fixture_env("TEST_DB_SOCKET"));
	snprintf(out->name, sizeof(out->name), "calbridge_test");
	snprintf(out->user, sizeof(out->user), "%s", db_fixture_env("TEST_DB_USER"));
	snprintf(out->ca_file, sizeof(out->ca_file), "%s", db_fixture_env("TEST_DB_CA"));
	config->database_hosts = out->hosts;
	config->database_name = out->name;
	config->database_user = out->user;
	config->database_migrate_user = out->user;
	config->database_ca_file = out->ca_file;
	config->database_pool = pool;
}

struct db *db_fixture_open(const struct db_settings *settings, enum db_role role)
{
	struct fail why = {0};
	struct db *db;

	if (db_open(&settings->config, role, &db, &why))
		fail_msg("db_open: %s", why.detail);
	return db;
}

struct db *db_fixture_admin(void)
{
	return admin;
}

void db_fixture_sql(const char *format, ...)
{
	char text[SCRIPT_BYTES];
	struct fail why = {0};
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	assert_in_range(len, 1, sizeof(text) - 1);
	if (db_run_script(admin, slice_of(text), &why))
		fail_msg("%s: %s", text, why.detail);
}

int db_fixture_start(void **state)
{
	(void)state;
	assert_int_equal(digest_start(), OK);
	/* through a database that is always there */
	db_fixture_settings(&admin_settings, NULL, 2);
	snprintf(admin_settings.name, sizeof(admin_settings.name), "mysql");
	admin = db_fixture_open(&admin_settings, DB_MIGRATE);
	db_fixture_sql("DROP DATABASE IF EXISTS calbridge_test");
	db_fixture_sql("CREATE DATABASE calbridge_test CHARACTER SET utf8mb4");
	db_close(admin);
	db_fixture_settings(&admin_settings, NULL, 2);
	admin = db_fixture_open(&admin_settings, DB_MIGRATE);
	return 0;
}

int db_fixture_stop(void **state)
{
	(void)state;
	db_close(admin);
	admin = NULL;
	return 0;
}

void db_fixture_await(bool (*done)(void *cx), void *cx, int64_t most_ms)
{
	int64_t until_ms = clock_mono_ms() + most_ms;
	struct timespec pause = {.tv_nsec = 2000000};

	while (!done(cx)) {
		if (clock_mono_ms() > until_ms)
			fail_msg("not within %d ms", (int)most_ms);
		nanosleep(&pause, NULL);
	}
}

static pid_t server_pid(void)
{
	FILE *file = fopen(db_fixture_env("TEST_DB_PID"), "re");
	int pid = 0;

	if (file) {
		if (fscanf(file, "%d", &pid) != 1)
			pid = 0;
		fclose(file);
	}
	return (pid_t)pid;
}

/* A zombie that another process has to wait for has ended, too. */
static bool has_ended(void *cx)
{
	const pid_t *pid = cx;
	char path[64], line[256], state = 'X';
	FILE *file;

	if (own_server == *pid && waitpid(own_server, NULL, WNOHANG) == own_server)
		own_server = 0;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)*pid);
	file = fopen(path, "re");
	if (!file)
		return true;
	if (fgets(line, sizeof(line), file)) {
		const char *behind = strrchr(line, ')');

		if (behind && strlen(behind) > 2)
			state = behind[2];
	}
	fclose(file);
	return state == 'Z' || state == 'X';
}

void db_fixture_kill_server(void)
{
	pid_t pid = server_pid();

	assert_in_range(pid, 2, INT32_MAX);
	assert_return_code(kill(pid, SIGKILL), 0);
	db_fixture_await(has_ended, &pid, SERVER_MS);
	unlink(db_fixture_env("TEST_DB_PID"));
}

static bool answers(void *cx)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct pollfd greeting = {.events = POLLIN};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes;

	(void)cx;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s",
		 db_fixture_env("TEST_DB_SOCKET"));
	greeting.fd = fd;
	/* it listens earlier than it speaks */
	yes = server_pid() > 0 && !connect(fd, (struct sockaddr *)&address, sizeof(address)) &&
	      poll(&greeting, 1, GREETING_MS) == 1;
	close(fd);
	return yes;
}

void db_fixture_start_server(void)
{
	const char *start = db_fixture_env("TEST_DB_START");

	own_server = fork();
	assert_return_code(own_server, 0);
	if (!own_server) {
		execl(start, start, (char *)NULL);
		_exit(127);
	}
	db_fixture_await(answers, NULL, SERVER_MS);
}
