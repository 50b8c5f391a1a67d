#ifndef CB_BASE_CONFIG_H
#define CB_BASE_CONFIG_H
/*
 * config: the settings, from one file in .env form; one table in config.c declares each with
 * its name, kind, range, unit and default. The environment overrides; NAME_FILE names a file
 * that holds a secret. Whatever is wrong is reported at once, all of it, and stops the start.
 * Never changes after it was read; safe from all threads.
 * Stands on buf, envfile, file, secret, setting, text, url.
 * Source: contract "For every endpoint" (settings), seeds' .env names.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"

struct buf;

struct config {
	/* who we are */
	char *public_url;        /* no slash at its end */
	char *allowed_origins;   /* comma list, spaces around commas: each scheme://host[:port] */
	char *default_time_zone; /* known to the system */
	bool sandbox_notice;

	/* database */
	char *database_hosts; /* comma list in order of preference: unix:/path or host[:port] */
	char *database_name;
	char *database_user;
	struct secret database_password;
	char *database_migrate_user;
	struct secret database_migrate_password;
	char *database_ca_file;
	int64_t database_pool; /* connections a process */

	/* processes */
	char *fastcgi_socket;
	int64_t workers; /* 0: one a core */
	int64_t threads; /* a worker */
	int64_t sync_workers;
	int64_t request_deadline_s;

	/* secrets at rest */
	char *master_key_file;

	/* outgoing HTTPS */
	char *https_ca_file; /* NULL: the system's bundle */
	bool https_http2;
	bool allow_loopback_http;

	/* user tokens */
	struct secret jwt_secret;
	char *jwt_algorithm; /* HS256, RS256 or ES256 */
	char *jwt_jwks_file; /* this or the next one */
	char *jwt_jwks_url;
	char *jwt_issuer;
	char *jwt_audience;
	char *jwt_tenant;

	/* callers */
	struct secret instructorops_api_key;
	struct secret metrics_token;
	char *demo_host_id; /* NULL: no anonymous invites */
	char *invite_default_description;

	/* Google */
	char *google_client_id;
	struct secret google_client_secret;
	char *google_redirect_uri;
	char *google_auth_url;
	char *google_token_url;
	char *google_revoke_url;
	char *google_userinfo_url;
	char *google_api_url;
	char *google_issuer;

	/* Microsoft */
	char *microsoft_client_id;
	struct secret microsoft_client_secret;
	char *microsoft_tenant; /* "common", or a tenant's id or domain */
	char *microsoft_redirect_uri;
	char *microsoft_auth_url;
	char *microsoft_token_url;
	char *microsoft_api_url;
	char *microsoft_issuer; /* with {tenantid} in it */

	/* leases and pauses, seconds */
	int64_t refresh_lease_s;
	int64_t refresh_holdoff_s;
	int64_t intent_lease_s;
	int64_t intent_settle_s;

	/* limits */
	int64_t rate_demo_per_min;
	int64_t rate_failures_per_10min;
	int64_t rate_google_per_min; /* 0: no limit */
	int64_t rate_key_per_min;
	int64_t rate_outlook_per_min; /* 0: no limit */
	int64_t rate_outlook_at_once;
	int64_t rate_open_flows;

	int64_t log_level; /* enum log_level */
};

/*
 * Reads the file at path (mode 0640 or narrower) and the environment over it: of that only the
 * names of the table. An empty value is none: the default holds. A secret may also come as
 * NAME_FILE, the path of a file (mode 0640 or narrower) that holds it and at most one line end.
 *
 * problems, warnings  heap bufs that the caller has made (buf_init) and frees; a line each, which
 *                     names the setting and where it stands, never a value
 * returns             OK, ERR_CONFIG (see problems; *out is NULL), ERR_NOMEM; warnings may come
 *                     with any of them
 */
MUST_USE enum err config_read(const char *path, struct config **out, struct buf *problems,
			      struct buf *warnings);

/* Wipes and frees. NULL is fine. */
void config_free(struct config *config);

/*
 * Calls row once for each setting of the table, in its order: for documentation and its test.
 * fallback is NULL where there is none; about says what it is for, then what it may be and its
 * unit. Both are good during the call.
 */
void config_each(void (*row)(void *cx, const char *name, const char *fallback, const char *about),
		 void *cx);

#endif
