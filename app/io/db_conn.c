#include "io/db_inner.h"

#include <errno.h>
#include <mysqld_error.h>
#include <poll.h>
#include <string.h>

/*
 * Whatever the server's own defaults are. A lock is waited for less long than the answer is,
 * so that waiting ends in an error that says so and not in an unknown outcome; a
 * transaction whose worker stands still is ended by the server and frees its rows.
 */
#define SESSION_COMMON                                                                             \
	"SET SESSION sql_mode = 'STRICT_ALL_TABLES,STRICT_TRANS_TABLES,NO_ZERO_DATE,"              \
	"NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,ONLY_FULL_GROUP_BY',"   \
	" time_zone = '+00:00', collation_connection = 'utf8mb4_bin',"                             \
	" tx_isolation = 'READ-COMMITTED', autocommit = 1"

#define SESSION_LOCKS(seconds)                                                                     \
	", innodb_lock_wait_timeout = " seconds ", lock_wait_timeout = " seconds
#define SESSION_IDLE ", idle_transaction_timeout = 10"

/* By role. */
static const char *const SESSIONS[] = {
	[DB_RUN] = SESSION_COMMON SESSION_LOCKS("3") SESSION_IDLE,
	[DB_RUN_FOR_MANY] = SESSION_COMMON SESSION_LOCKS("0") SESSION_IDLE,
	[DB_MIGRATE] = SESSION_COMMON SESSION_LOCKS("60"),
};

/* Settings that not every version has: a server that does not know one does without. */
static const char *const SESSION_WHERE_KNOWN[] = {
	/* refuses to overwrite a row that changed since it was read (1020) */
	"SET SESSION innodb_snapshot_isolation = ON",
	/* Galera: reads see what was committed on another node before */
	"SET SESSION wsrep_sync_wait = 1",
};

/*
 * None of these shows the password to the other side: who took the place of a server that is
 * down cannot ask for it in clear. (A user known by its socket needs no plugin here.)
 */
static const char AUTH_PLUGINS[] = "mysql_native_password,client_ed25519,caching_sha2_password";

/* Changing a big table takes its time; the answer to it is waited for that long. */
enum { MIGRATE_ANSWER_S = 3600 };

static void set_options(MYSQL *mysql, const struct config *config, const struct db_host *host,
			unsigned answer_s)
{
	const unsigned connect_s = DB_CONNECT_S, write_s = DB_ANSWER_S, off = 0;
	const unsigned tcp = MYSQL_PROTOCOL_TCP, local = MYSQL_PROTOCOL_SOCKET;
	const my_bool yes = 1, no = 0;

	mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
	mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &answer_s);
	mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &write_s);
	mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &off);
	mysql_options(mysql, MYSQL_OPT_RECONNECT, &no);
	mysql_options(mysql, MYSQL_REPORT_DATA_TRUNCATION, &yes);
	mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	mysql_options(mysql, MARIADB_OPT_RESTRICTED_AUTH, AUTH_PLUGINS);
	mysql_options(mysql, MYSQL_OPT_PROTOCOL, host->port ? &tcp : &local);
	if (!host->tls)
		return;
	mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &yes);
	mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
	mysql_options(mysql, MARIADB_OPT_TLS_VERSION, "TLSv1.2,TLSv1.3");
	if (config->database_ca_file)
		mysql_options(mysql, MYSQL_OPT_SSL_CA, config->database_ca_file);
}

static enum err set_session(MYSQL *mysql, enum db_role role, struct fail *why)
{
	if (mysql_query(mysql, SESSIONS[role])) {
		db_error_note(why, "session", mysql_errno(mysql), mysql_error(mysql));
		return ERR_DB;
	}
	for (size_t i = 0; i < ARRAY_LEN(SESSION_WHERE_KNOWN); i++) {
		if (!mysql_query(mysql, SESSION_WHERE_KNOWN[i]) ||
		    mysql_errno(mysql) == ER_UNKNOWN_SYSTEM_VARIABLE)
			continue;
		db_error_note(why, "session", mysql_errno(mysql), mysql_error(mysql));
		return ERR_DB;
	}
	return OK;
}

enum err db_conn_open(const struct config *config, enum db_role role, const struct db_host *host,
		      MYSQL **out, struct fail *why)
{
	bool migrate = role == DB_MIGRATE;
	const char *user = migrate ? config->database_migrate_user : config->database_user;
	const struct secret *password =
		migrate ? &config->database_migrate_password : &config->database_password;
	MYSQL *mysql = mysql_init(NULL);

	*out = NULL;
	if (!mysql)
		return fail_set(why, ERR_NOMEM, "no memory for a database connection");
	set_options(mysql, config, host, migrate ? MIGRATE_ANSWER_S : DB_ANSWER_S);
	if (!mysql_real_connect(mysql, host->port ? host->name : NULL, user,
				secret_is_empty(password) ? NULL : secret_slice(password).data,
				config->database_name, host->port, host->port ? NULL : host->name,
				CLIENT_FOUND_ROWS)) {
		db_error_note(why, host->name, mysql_errno(mysql), mysql_error(mysql));
		mysql_close(mysql);
		return ERR_DB;
	}
	if (set_session(mysql, role, why)) {
		mysql_close(mysql);
		return ERR_DB;
	}
	*out = mysql;
	return OK;
}

void db_conn_close(struct db_conn *conn)
{
	if (!conn->mysql)
		return;
	/* first, so that the statements need not be closed over the wire one by one */
	mysql_close(conn->mysql);
	conn->mysql = NULL;
	db_statement_forget(conn);
}

bool db_conn_is_alive(const struct db_conn *conn)
{
	struct pollfd look = {.events = POLLIN | POLLRDHUP};

	if (!conn->mysql)
		return false;
	look.fd = mysql_get_socket(conn->mysql);
	/* an idle server has nothing to say: bytes there are an end or a farewell */
	return look.fd >= 0 && poll(&look, 1, 0) == 0;
}

enum err db_conn_text(struct db_conn *conn, struct slice sql, enum db_fate *fate, struct fail *why)
{
	MYSQL *mysql = conn->mysql;
	MYSQL_RES *rows;
	unsigned code;
	enum err e;

	*fate = FATE_NONE;
	if (!mysql_real_query(mysql, sql.data, sql.len)) {
		rows = mysql_store_result(mysql);
		mysql_free_result(rows);
		if (rows || !mysql_errno(mysql))
			return OK;
	}
	code = mysql_errno(mysql);
	*fate = db_error_fate(code);
	conn->unfit = conn->unfit || db_error_is_unfit(code);
	e = db_error_note(why, "text", code, mysql_error(mysql));
	return *fate == FATE_LOST ? ERR_DB_UNSURE : e;
}
