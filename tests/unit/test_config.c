#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/config.h"
#include "base/log.h"
#include "tests/unit/temp_file.h"

#define SITE "PUBLIC_URL=https://cal.example.com\n"
#define REST "DATABASE_HOSTS=unix:/run/mysqld/mysqld.sock\nCALBRIDGE_MASTER_KEY_FILE=/etc/keys\n"
#define NEEDED SITE REST /* lines 1 to 3 */
#define KEY_32 "0123456789abcdef0123456789abcdef"

enum { TEXT_MAX = 65536 };

struct fixture {
	struct temp_file file, secret;
	struct config *config;
	struct buf problems, warnings;
};

static int make(void **state)
{
	struct fixture *fx = calloc(1, sizeof(*fx));

	clearenv();
	temp_file_make(&fx->file);
	temp_file_make(&fx->secret);
	buf_init(&fx->problems, NULL, TEXT_MAX);
	buf_init(&fx->warnings, NULL, TEXT_MAX);
	*state = fx;
	return 0;
}

static int drop(void **state)
{
	struct fixture *fx = *state;

	config_free(fx->config);
	buf_free(&fx->problems);
	buf_free(&fx->warnings);
	temp_file_drop(&fx->file);
	temp_file_drop(&fx->secret);
	free(fx);
	return 0;
}

static enum err read_lines(struct fixture *fx, const char *lines)
{
	config_free(fx->config);
	buf_clear(&fx->problems);
	buf_clear(&fx->warnings);
	temp_file_put(&fx->file, 0640, lines);
	return config_read(fx->file.path, &fx->config, &fx->problems, &fx->warnings);
}

static const struct config *config_of(struct fixture *fx, const char *lines)
{
	if (read_lines(fx, lines))
		fail_msg("%s", buf_slice(&fx->problems).data);
	assert_int_equal(fx->problems.len, 0);
	return fx->config;
}

static void assert_problems(struct fixture *fx, const char *lines, const char *expected)
{
	assert_int_equal(read_lines(fx, lines), ERR_CONFIG);
	assert_string_equal(buf_slice(&fx->problems).data, expected);
	assert_null(fx->config);
}

static bool is_secret(const struct secret *secret, const char *text)
{
	return slice_is(secret_slice(secret), text);
}

static void three_lines_are_enough_and_the_rest_has_its_default(void **state)
{
	const struct config *config = config_of(*state, NEEDED);

	assert_string_equal(config->public_url, "https://cal.example.com");
	assert_null(config->allowed_origins);
	assert_string_equal(config->default_time_zone, "America/New_York");
	assert_false(config->sandbox_notice);
	assert_string_equal(config->database_hosts, "unix:/run/mysqld/mysqld.sock");
	assert_string_equal(config->database_name, "calbridge");
	assert_string_equal(config->database_user, "calbridge");
	assert_true(secret_is_empty(&config->database_password));
	assert_string_equal(config->database_migrate_user, "calbridge_migrate");
	assert_true(secret_is_empty(&config->database_migrate_password));
	assert_null(config->database_ca_file);
	assert_int_equal(config->database_pool, 16);
	assert_string_equal(config->fastcgi_socket, "/run/calbridge/fcgi.sock");
	assert_int_equal(config->workers, 0);
	assert_int_equal(config->threads, 256);
	assert_int_equal(config->sync_workers, 1);
	assert_int_equal(config->request_deadline_s, 35);
	assert_string_equal(config->master_key_file, "/etc/keys");
	assert_null(config->https_ca_file);
	assert_true(config->https_http2);
	assert_false(config->allow_loopback_http);
}

static void the_defaults_of_callers_and_providers_are_the_documented_ones(void **state)
{
	const struct config *config = config_of(*state, NEEDED);

	assert_true(secret_is_empty(&config->jwt_secret));
	assert_string_equal(config->jwt_algorithm, "HS256");
	assert_null(config->jwt_jwks_file);
	assert_null(config->jwt_issuer);
	assert_null(config->jwt_audience);
	assert_string_equal(config->jwt_tenant, "default");
	assert_true(secret_is_empty(&config->instructorops_api_key));
	assert_true(secret_is_empty(&config->metrics_token));
	assert_null(config->demo_host_id);
	assert_string_equal(config->invite_default_description, "Scheduled via Gatherly");
	assert_null(config->google_client_id);
	assert_true(secret_is_empty(&config->google_client_secret));
	assert_string_equal(config->google_redirect_uri,
			    "https://cal.example.com/api/calendar-integration/callback");
	assert_string_equal(config->google_auth_url,
			    "https://accounts.google.com/o/oauth2/v2/auth");
	assert_string_equal(config->google_token_url, "https://oauth2.googleapis.com/token");
	assert_string_equal(config->google_revoke_url, "https://oauth2.googleapis.com/revoke");
	assert_string_equal(config->google_userinfo_url,
			    "https://www.googleapis.com/oauth2/v2/userinfo");
	assert_string_equal(config->google_api_url, "https://www.googleapis.com/calendar/v3");
	assert_string_equal(config->google_issuer, "https://accounts.google.com");
	assert_null(config->microsoft_client_id);
	assert_true(secret_is_empty(&config->microsoft_client_secret));
	assert_string_equal(config->microsoft_tenant, "common");
	assert_string_equal(config->microsoft_redirect_uri,
			    "https://cal.example.com/api/calendar-integration/callback");
	assert_string_equal(config->microsoft_auth_url,
			    "https://login.microsoftonline.com/common/oauth2/v2.0/authorize");
	assert_string_equal(config->microsoft_token_url,
			    "https://login.microsoftonline.com/common/oauth2/v2.0/token");
	assert_string_equal(config->microsoft_api_url, "https://graph.microsoft.com/v1.0");
	assert_string_equal(config->microsoft_issuer,
			    "https://login.microsoftonline.com/{tenantid}/v2.0");
	assert_int_equal(config->rate_outlook_per_min, 1000);
	assert_int_equal(config->rate_outlook_at_once, 4);
	assert_int_equal(config->refresh_lease_s, 15);
	assert_int_equal(config->refresh_holdoff_s, 30);
	assert_int_equal(config->intent_lease_s, 15);
	assert_int_equal(config->intent_settle_s, 60);
	assert_int_equal(config->rate_demo_per_min, 5);
	assert_int_equal(config->rate_failures_per_10min, 10);
	assert_int_equal(config->rate_key_per_min, 600);
	assert_int_equal(config->rate_google_per_min, 600);
	assert_int_equal(config->rate_open_flows, 20);
	assert_int_equal(config->log_level, LOG_INFO);
}

/* One line for each setting, none with its default. */
static const char FULL[] = "PUBLIC_URL=https://cal.example.com:8443\n"
			   "ALLOWED_ORIGINS=https://a.example, http://localhost:3000\n"
			   "DEFAULT_TIME_ZONE=Europe/Dublin\n"
			   "SANDBOX_NOTICE=1\n"
			   "DATABASE_HOSTS=unix:/db.sock,db1.example:3307 , localhost\n"
			   "DATABASE_NAME=name\n"
			   "DATABASE_USER=user\n"
			   "DATABASE_PASSWORD='pass word'\n"
			   "DATABASE_MIGRATE_USER=migrate\n"
			   "DATABASE_MIGRATE_PASSWORD=migrate-pass\n"
			   "DATABASE_CA_FILE=/ca.pem\n"
			   "DATABASE_POOL=1024\n"
			   "FASTCGI_SOCKET=/fcgi.sock\n"
			   "WORKERS=3\n"
			   "THREADS=1\n"
			   "SYNC_WORKERS=2\n"
			   "REQUEST_DEADLINE_S=39\n"
			   "CALBRIDGE_MASTER_KEY_FILE=/keys\n"
			   "HTTPS_CA_FILE=/https.pem\n"
			   "HTTPS_HTTP2=0\n"
			   "ALLOW_LOOPBACK_HTTP=1\n"
			   "JWT_SECRET=" KEY_32 "\n"
			   "JWT_ALGORITHM=ES256\n"
			   "JWT_JWKS_FILE=/jwks.json\n"
			   "JWT_JWKS_URL=https://id.example/jwks\n"
			   "JWT_ISSUER=issuer\n"
			   "JWT_AUDIENCE=audience\n"
			   "JWT_TENANT=tenant\n"
			   "INSTRUCTOROPS_API_KEY=0123456789abcdef\n"
			   "METRICS_TOKEN=0123456789abcdef0123456789abcdef\n"
			   "DEMO_HOST_ID=host|1@x\n"
			   "INVITE_DEFAULT_DESCRIPTION=\"A \\\"call\\\"\"\n"
			   "GOOGLE_CLIENT_ID=id\n"
			   "GOOGLE_CLIENT_SECRET=google-secret\n"
			   "GOOGLE_REDIRECT_URI=https://r.example/cb\n"
			   "GOOGLE_AUTH_URL=https://127.0.0.1:8444/auth\n"
			   "GOOGLE_TOKEN_URL=http://127.0.0.1:8444/token\n"
			   "GOOGLE_REVOKE_URL=https://g.example/revoke\n"
			   "GOOGLE_USERINFO_URL=https://g.example/userinfo\n"
			   "GOOGLE_API_URL=https://g.example/calendar/v3\n"
			   "GOOGLE_ISSUER=https://g.example\n"
			   "MICROSOFT_CLIENT_ID=ms-id\n"
			   "MICROSOFT_CLIENT_SECRET=ms-secret\n"
			   "MICROSOFT_TENANT=contoso.example\n"
			   "MICROSOFT_REDIRECT_URI=https://r.example/ms\n"
			   "MICROSOFT_AUTH_URL=https://m.example/authorize\n"
			   "MICROSOFT_TOKEN_URL=https://m.example/token\n"
			   "MICROSOFT_API_URL=https://m.example/v1.0\n"
			   "MICROSOFT_ISSUER=https://m.example/{tenantid}/v2.0\n"
			   "REFRESH_LEASE_S=1\n"
			   "REFRESH_HOLDOFF_S=2\n"
			   "INTENT_LEASE_S=3\n"
			   "INTENT_SETTLE_S=4\n"
			   "RATE_DEMO_PER_MIN=6\n"
			   "RATE_FAILURES_PER_10MIN=7\n"
			   "RATE_GOOGLE_PER_MIN=0\n"
			   "RATE_KEY_PER_MIN=8\n"
			   "RATE_OUTLOOK_PER_MIN=5\n"
			   "RATE_OUTLOOK_AT_ONCE=3\n"
			   "RATE_OPEN_FLOWS=9\n"
			   "LOG_LEVEL=debug\n";

static void every_setting_of_the_file_arrives(void **state)
{
	const struct config *config = config_of(*state, FULL);

	assert_string_equal(config->public_url, "https://cal.example.com:8443");
	assert_string_equal(config->allowed_origins, "https://a.example, http://localhost:3000");
	assert_string_equal(config->default_time_zone, "Europe/Dublin");
	assert_true(config->sandbox_notice);
	assert_string_equal(config->database_hosts, "unix:/db.sock,db1.example:3307 , localhost");
	assert_string_equal(config->database_name, "name");
	assert_string_equal(config->database_user, "user");
	assert_true(is_secret(&config->database_password, "pass word"));
	assert_string_equal(config->database_migrate_user, "migrate");
	assert_true(is_secret(&config->database_migrate_password, "migrate-pass"));
	assert_string_equal(config->database_ca_file, "/ca.pem");
	assert_int_equal(config->database_pool, 1024);
	assert_string_equal(config->fastcgi_socket, "/fcgi.sock");
	assert_int_equal(config->workers, 3);
	assert_int_equal(config->threads, 1);
	assert_int_equal(config->sync_workers, 2);
	assert_int_equal(config->request_deadline_s, 39);
	assert_string_equal(config->master_key_file, "/keys");
	assert_string_equal(config->https_ca_file, "/https.pem");
	assert_false(config->https_http2);
	assert_true(config->allow_loopback_http);
}

static void every_setting_of_callers_and_providers_arrives(void **state)
{
	const struct config *config = config_of(*state, FULL);

	assert_true(is_secret(&config->jwt_secret, KEY_32));
	assert_string_equal(config->jwt_algorithm, "ES256");
	assert_string_equal(config->jwt_jwks_file, "/jwks.json");
	assert_string_equal(config->jwt_jwks_url, "https://id.example/jwks");
	assert_string_equal(config->jwt_issuer, "issuer");
	assert_string_equal(config->jwt_audience, "audience");
	assert_string_equal(config->jwt_tenant, "tenant");
	assert_true(is_secret(&config->instructorops_api_key, "0123456789abcdef"));
	assert_true(is_secret(&config->metrics_token, "0123456789abcdef0123456789abcdef"));
	assert_string_equal(config->demo_host_id, "host|1@x");
	assert_string_equal(config->invite_default_description, "A \"call\"");
	assert_string_equal(config->google_client_id, "id");
	assert_true(is_secret(&config->google_client_secret, "google-secret"));
	assert_string_equal(config->google_redirect_uri, "https://r.example/cb");
	assert_string_equal(config->google_auth_url, "https://127.0.0.1:8444/auth");
	assert_string_equal(config->google_token_url, "http://127.0.0.1:8444/token");
	assert_string_equal(config->google_revoke_url, "https://g.example/revoke");
	assert_string_equal(config->google_userinfo_url, "https://g.example/userinfo");
	assert_string_equal(config->google_api_url, "https://g.example/calendar/v3");
	assert_string_equal(config->google_issuer, "https://g.example");
	assert_string_equal(config->microsoft_client_id, "ms-id");
	assert_true(is_secret(&config->microsoft_client_secret, "ms-secret"));
	assert_string_equal(config->microsoft_tenant, "contoso.example");
	assert_string_equal(config->microsoft_redirect_uri, "https://r.example/ms");
	assert_string_equal(config->microsoft_auth_url, "https://m.example/authorize");
	assert_string_equal(config->microsoft_token_url, "https://m.example/token");
	assert_string_equal(config->microsoft_api_url, "https://m.example/v1.0");
	assert_string_equal(config->microsoft_issuer, "https://m.example/{tenantid}/v2.0");
	assert_int_equal(config->rate_outlook_per_min, 5);
	assert_int_equal(config->rate_outlook_at_once, 3);
	assert_int_equal(config->refresh_lease_s, 1);
	assert_int_equal(config->refresh_holdoff_s, 2);
	assert_int_equal(config->intent_lease_s, 3);
	assert_int_equal(config->intent_settle_s, 4);
	assert_int_equal(config->rate_demo_per_min, 6);
	assert_int_equal(config->rate_failures_per_10min, 7);
	assert_int_equal(config->rate_google_per_min, 0);
	assert_int_equal(config->rate_key_per_min, 8);
	assert_int_equal(config->rate_open_flows, 9);
	assert_int_equal(config->log_level, LOG_DEBUG);
}

static void all_that_is_wrong_is_told_at_once(void **state)
{
	assert_problems(*state,
			"PUBLIC_URL=http://cal.example.com\n"
			"COLOUR=blue\n"
			"export THREADS=4\n"
			"# fine\n"
			"THREADS=0\n"
			"THREADS=9\n"
			"LOG_LEVEL=loud\n"
			"JWT_SECRET='short\n"
			"HTTPS_HTTP2=yes\n",
			"line 2: COLOUR is no setting\n"
			"line 3: is not of the form NAME=value (no \"export\", no space before =)\n"
			"line 6: THREADS is set in line 5 already\n"
			"line 8: JWT_SECRET has no closing quote\n"
			"line 1: PUBLIC_URL must be https://host[:port] in small letters, with "
			"nothing behind it\n"
			"DATABASE_HOSTS must be set\n"
			"line 5: THREADS must be a whole number from 1 to 1024\n"
			"CALBRIDGE_MASTER_KEY_FILE must be set\n"
			"line 9: HTTPS_HTTP2 must be 0 or 1\n"
			"line 7: LOG_LEVEL must be error, warning, info or debug\n");
}

static void an_empty_value_is_none(void **state)
{
	const struct config *config = config_of(
		*state, NEEDED "LOG_LEVEL=\nDEMO_HOST_ID=''\nJWT_SECRET=\"\"\nHTTPS_CA_FILE=\n");

	assert_int_equal(config->log_level, LOG_INFO);
	assert_true(secret_is_empty(&config->metrics_token));
	assert_null(config->demo_host_id);
	assert_true(secret_is_empty(&config->jwt_secret));
	assert_null(config->https_ca_file);
	assert_problems(*state, "PUBLIC_URL=\n" REST, "line 1: PUBLIC_URL must be set\n");
}

/* A line for line 4 of an otherwise good file, and whether it may stand there. */
struct line_case {
	bool good;
	const char *line;
};

/* clang-format off */
static const struct line_case LINES[] = {
	{ true,  "ALLOWED_ORIGINS=https://a.example" },
	{ true,  "ALLOWED_ORIGINS=https://a.example , https://b.example:8443" },
	{ false, "ALLOWED_ORIGINS=https://a.example,"  },
	{ false, "ALLOWED_ORIGINS=https://a.example,,https://b.example"  },
	{ false, "ALLOWED_ORIGINS=https://a.example https://b.example"  },
	{ false, "ALLOWED_ORIGINS=https://a.example/"  },
	{ false, "ALLOWED_ORIGINS=https://a.example/x"  },
	{ false, "ALLOWED_ORIGINS=https://A.example"  },
	{ false, "ALLOWED_ORIGINS=https://a.example:443"  },
	{ false, "ALLOWED_ORIGINS=http://a.example"  },
	{ false, "ALLOWED_ORIGINS=http://localhost:3000"  },
	{ false, "ALLOWED_ORIGINS=*"  },
	{ false, "ALLOWED_ORIGINS=null"  },
	{ false, "ALLOWED_ORIGINS=https://*.example"  },
	{ false, "ALLOWED_ORIGINS=https://user@a.example"  },
	{ true,  "DEFAULT_TIME_ZONE=Asia/Kolkata" },
	{ false, "DEFAULT_TIME_ZONE=Asia/Nowhere" },
	{ false, "DEFAULT_TIME_ZONE=../../../etc/passwd" },
	{ false, "DEFAULT_TIME_ZONE=EST5EDT4,M3.2.0,M11.1.0" },
	{ true,  "GOOGLE_API_URL=https://g.example" },
	{ true,  "GOOGLE_API_URL=https://127.0.0.1:8444/google/calendar/v3" },
	{ false, "GOOGLE_API_URL=https://g.example/" },
	{ false, "GOOGLE_API_URL=https://g.example/v3/" },
	{ false, "GOOGLE_API_URL=https://g.example/v3?x=1" },
	{ false, "GOOGLE_API_URL=https://u:p@g.example/v3" },
	{ false, "GOOGLE_API_URL=http://g.example/v3" },
	{ false, "GOOGLE_API_URL=http://127.0.0.1:8444/v3" },
	{ false, "GOOGLE_API_URL=ftp://g.example/v3" },
	{ true,  "JWT_ALGORITHM=HS256" },
	{ false, "JWT_ALGORITHM=hs256" },
	{ false, "JWT_ALGORITHM=none" },
	{ false, "JWT_ALGORITHM=HS512" },
	{ true,  "JWT_SECRET=" KEY_32 },
	{ false, "JWT_SECRET=0123456789abcdef0123456789abcde" },
	{ true,  "DEMO_HOST_ID=auth0|5f@x.y:z+1~2" },
	{ false, "DEMO_HOST_ID=a b" },
	{ false, "DEMO_HOST_ID=a/b" },
	{ false, "DEMO_HOST_ID=.." },
	{ true,  "FASTCGI_SOCKET=/123456789/123456789/123456789/123456789/123456789/123456789/12345678"
		 "9/123456789/123456789/123456789/123456" },
	{ false, "FASTCGI_SOCKET=/123456789/123456789/123456789/123456789/123456789/123456789/12345678"
		 "9/123456789/123456789/123456789/1234567" },
	{ false, "FASTCGI_SOCKET=run/fcgi.sock" },
	{ false, "HTTPS_CA_FILE=ca.pem" },
	{ true,  "WORKERS=0" },
	{ true,  "WORKERS=256" },
	{ false, "WORKERS=257" },
	{ false, "WORKERS=-1" },
	{ false, "WORKERS=+1" },
	{ false, "WORKERS=01" },
	{ false, "WORKERS=1.0" },
	{ false, "WORKERS=1e1" },
	{ false, "WORKERS=0x1" },
	{ false, "WORKERS=1 2" },
	{ false, "WORKERS=18446744073709551617" },
	{ false, "REQUEST_DEADLINE_S=40" },
	{ false, "REQUEST_DEADLINE_S=0" },
	{ false, "SANDBOX_NOTICE=true" },
	{ false, "SANDBOX_NOTICE=2" },
	{ false, "LOG_LEVEL=INFO" },
	{ false, "INSTRUCTOROPS_API_KEY=0123456789abcde" },
	{ false, "METRICS_TOKEN=0123456789abcdef0123456789abcde" },
	{ false, "JWT_SECRET_FILE=relative" },
	{ false, "JWT_SECRET_FILE=/nowhere/secret" },
	{ false, "LOG_LEVEL_FILE=/etc/hostname" },
	{ false, "_FILE=/etc/hostname" },
	{ false, "JWT_JWKS_FILE_FILE=/etc/hostname" },
	{ false, "PATH=/bin" },
};
/* clang-format on */

static void each_kind_takes_its_values_and_no_others(void **state)
{
	struct fixture *fx = *state;
	char lines[1024];

	for (unsigned i = 0; i < ARRAY_LEN(LINES); i++) {
		enum err e;

		snprintf(lines, sizeof(lines), NEEDED "%s\n", LINES[i].line);
		e = read_lines(fx, lines);
		if ((e == OK) != LINES[i].good)
			fail_msg("%s: %s", LINES[i].line, err_code(e));
		if (e && strncmp(buf_slice(&fx->problems).data, "line 4: ", 8) != 0)
			fail_msg("%s: %s", LINES[i].line, buf_slice(&fx->problems).data);
	}
}

static void the_public_url_is_https_alone_even_to_this_machine(void **state)
{
	static const char *const BAD[] = {"http://localhost:8443",
					  "https://h/",
					  "https://h/x",
					  "https://h:443",
					  "https://H",
					  "https://",
					  "h"};
	struct fixture *fx = *state;
	char lines[512];

	assert_non_null(config_of(fx, "PUBLIC_URL=https://localhost:8443\n" REST));
	for (unsigned i = 0; i < ARRAY_LEN(BAD); i++) {
		snprintf(lines, sizeof(lines), "PUBLIC_URL=%s\nALLOW_LOOPBACK_HTTP=1\n" REST,
			 BAD[i]);
		assert_int_equal(read_lines(fx, lines), ERR_CONFIG);
		assert_non_null(strstr(buf_slice(&fx->problems).data, "line 1: PUBLIC_URL must"));
	}
}

static void http_needs_this_machine_and_leave(void **state)
{
	struct fixture *fx = *state;

	assert_problems(
		fx, NEEDED "GOOGLE_TOKEN_URL=http://localhost:1234/token\n",
		"line 4: GOOGLE_TOKEN_URL has http://, which needs ALLOW_LOOPBACK_HTTP=1\n");
	assert_problems(fx, NEEDED "ALLOWED_ORIGINS=https://a.example, http://[::1]:3000\n",
			"line 4: ALLOWED_ORIGINS has http://, which needs ALLOW_LOOPBACK_HTTP=1\n");
	config_of(fx, NEEDED "GOOGLE_TOKEN_URL=http://localhost:1234/token\n"
			     "ALLOWED_ORIGINS=http://[::1]:3000\nALLOW_LOOPBACK_HTTP=1\n");
	assert_int_equal(read_lines(fx, NEEDED "ALLOW_LOOPBACK_HTTP=1\n"
					       "GOOGLE_TOKEN_URL=http://g.example/token\n"),
			 ERR_CONFIG);
}

static void a_database_on_another_machine_needs_tls(void **state)
{
	static const char *const NEAR[] = {"unix:/a.sock", "localhost", "127.0.0.1:3307",
					   "[::1]:3306,unix:/a.sock , localhost:3306"};
	static const char *const FAR[] = {"db.example", "10.0.0.2:3306", "unix:/a.sock,db:3306",
					  "localhost,[2001:db8::1]"};
	static const char *const NONE[] = {"unix:",   "unix:a.sock", "a,,b",    ",",
					   "db:0",    "db:x",        "user@db", "mysql://db",
					   "db/name", "a b",         "::1"};
	struct fixture *fx = *state;
	char lines[512];

	for (unsigned i = 0; i < ARRAY_LEN(NEAR); i++) {
		snprintf(lines, sizeof(lines),
			 SITE "CALBRIDGE_MASTER_KEY_FILE=/k\nDATABASE_HOSTS=%s\n", NEAR[i]);
		assert_string_equal(config_of(fx, lines)->database_hosts, NEAR[i]);
	}
	for (unsigned i = 0; i < ARRAY_LEN(FAR); i++) {
		snprintf(lines, sizeof(lines),
			 SITE "CALBRIDGE_MASTER_KEY_FILE=/k\nDATABASE_HOSTS=%s\n", FAR[i]);
		assert_problems(fx, lines, "line 3: DATABASE_HOSTS needs DATABASE_CA_FILE\n");
		strcat(lines, "DATABASE_CA_FILE=/ca.pem\n");
		assert_string_equal(config_of(fx, lines)->database_hosts, FAR[i]);
	}
	for (unsigned i = 0; i < ARRAY_LEN(NONE); i++) {
		snprintf(lines, sizeof(lines),
			 SITE "CALBRIDGE_MASTER_KEY_FILE=/k\nDATABASE_HOSTS=%s\n", NONE[i]);
		assert_problems(fx, lines,
				"line 3: DATABASE_HOSTS must be a list, with commas, of "
				"unix:/path or host[:port]\n");
	}
}

static void the_tenant_stands_in_the_urls_of_microsoft_that_are_not_given(void **state)
{
	const struct config *config =
		config_of(*state, NEEDED "MICROSOFT_TENANT=contoso.example\n"
					 "MICROSOFT_TOKEN_URL=https://m.example/t\n");

	assert_string_equal(
		config->microsoft_auth_url,
		"https://login.microsoftonline.com/contoso.example/oauth2/v2.0/authorize");
	assert_string_equal(config->microsoft_token_url, "https://m.example/t");
}

static void what_belongs_together_comes_together(void **state)
{
	struct fixture *fx = *state;

	assert_problems(fx, NEEDED "GOOGLE_CLIENT_ID=id\n",
			"line 4: GOOGLE_CLIENT_ID needs GOOGLE_CLIENT_SECRET\n");
	assert_problems(fx, NEEDED "GOOGLE_CLIENT_SECRET=s\nGOOGLE_CLIENT_ID=\n",
			"line 4: GOOGLE_CLIENT_SECRET needs GOOGLE_CLIENT_ID\n");
	assert_problems(fx, NEEDED "MICROSOFT_CLIENT_ID=id\n",
			"line 4: MICROSOFT_CLIENT_ID needs MICROSOFT_CLIENT_SECRET\n");
	assert_problems(fx, NEEDED "MICROSOFT_CLIENT_SECRET=s\n",
			"line 4: MICROSOFT_CLIENT_SECRET needs MICROSOFT_CLIENT_ID\n");
	assert_problems(fx, NEEDED "JWT_ALGORITHM=RS256\nJWT_SECRET=" KEY_32 "\n",
			"line 4: JWT_ALGORITHM needs JWT_JWKS_FILE\n");
	assert_problems(fx, NEEDED "JWT_ALGORITHM=ES256\n",
			"line 4: JWT_ALGORITHM needs JWT_JWKS_FILE\n");
	assert_problems(fx, NEEDED "JWT_ALGORITHM=RS256\nJWT_JWKS_URL=http://127.0.0.1:1/jwks\n",
			"line 5: JWT_JWKS_URL has http://, which needs ALLOW_LOOPBACK_HTTP=1\n");
	config_of(fx, NEEDED "JWT_ALGORITHM=RS256\nJWT_JWKS_FILE=/jwks.json\n");
	config_of(fx, NEEDED "JWT_ALGORITHM=ES256\nJWT_JWKS_URL=https://id.example/jwks\n");
	config_of(fx, NEEDED "GOOGLE_CLIENT_ID=id\nGOOGLE_CLIENT_SECRET=s\n");
}

static void the_environment_wins_over_the_file(void **state)
{
	struct fixture *fx = *state;
	const struct config *config;

	setenv("THREADS", "7", 1);
	setenv("PUBLIC_URL", "https://env.example", 1);
	setenv("NO_SETTING_OF_OURS", "x", 1);
	setenv("PATH", "/bin", 1);
	config = config_of(fx, REST "THREADS=5\nSYNC_WORKERS=6\n");
	assert_int_equal(config->threads, 7);
	assert_int_equal(config->sync_workers, 6);
	assert_string_equal(config->public_url, "https://env.example");
	assert_int_equal(fx->warnings.len, 0);
	setenv("THREADS", "many", 1);
	assert_problems(fx, NEEDED "THREADS=5\n",
			"environment: THREADS must be a whole number from 1 to 1024\n");
	setenv("THREADS", "", 1);
	assert_int_equal(config_of(fx, NEEDED "THREADS=5\n")->threads, 256);
}

static void a_secret_in_the_environment_is_taken_with_a_warning(void **state)
{
	struct fixture *fx = *state;

	setenv("GOOGLE_CLIENT_SECRET", "from-env", 1);
	assert_true(is_secret(&config_of(fx, NEEDED "GOOGLE_CLIENT_ID=id\n"
						    "GOOGLE_CLIENT_SECRET=from-file\n")
				       ->google_client_secret,
			      "from-env"));
	assert_string_equal(buf_slice(&fx->warnings).data,
			    "environment: GOOGLE_CLIENT_SECRET is safer in the settings file or "
			    "GOOGLE_CLIENT_SECRET_FILE\n");
}

static void a_secret_may_stand_in_a_file_of_its_own(void **state)
{
	static const char *const ENDS[] = {"", "\n", "\r\n"};
	struct fixture *fx = *state;
	char lines[512], text[64];

	snprintf(lines, sizeof(lines), NEEDED "JWT_SECRET_FILE=%s\n", fx->secret.path);
	for (unsigned i = 0; i < ARRAY_LEN(ENDS); i++) {
		snprintf(text, sizeof(text), " %s%s", KEY_32, ENDS[i]);
		temp_file_put(&fx->secret, 0640, text);
		assert_true(is_secret(&config_of(fx, lines)->jwt_secret, " " KEY_32));
		assert_int_equal(fx->warnings.len, 0);
	}
	setenv("JWT_SECRET_FILE", fx->secret.path, 1);
	assert_true(is_secret(&config_of(fx, NEEDED "JWT_SECRET=" KEY_32 "\n")->jwt_secret,
			      " " KEY_32));
	assert_int_equal(fx->warnings.len, 0);
}

static void a_secret_s_file_must_be_private_and_hold_one(void **state)
{
	static const struct {
		unsigned mode;
		const char *text, *says;
	} CASES[] = {
		{0644, KEY_32, "has mode 0644, and 0640 is the widest allowed\n"},
		{0660, KEY_32, "has mode 0660, and 0640 is the widest allowed\n"},
		{0600, "", "must hold a secret from 32 to 1024 bytes\n"},
		{0600, "\n", "must hold a secret from 32 to 1024 bytes\n"},
		{0600, "short\n", "must hold a secret from 32 to 1024 bytes\n"},
		{0600, KEY_32 "\n\n", "must hold a secret from 32 to 1024 bytes\n"},
		{0600, KEY_32 "\nmore", "must hold a secret from 32 to 1024 bytes\n"},
		{0600, KEY_32 "\r", "must hold a secret from 32 to 1024 bytes\n"},
		{0600, KEY_32 "\xff", "must hold a secret from 32 to 1024 bytes\n"},
	};
	struct fixture *fx = *state;
	char lines[512], expected[256];

	snprintf(lines, sizeof(lines), NEEDED "JWT_SECRET_FILE=%s\n", fx->secret.path);
	for (unsigned i = 0; i < ARRAY_LEN(CASES); i++) {
		temp_file_put(&fx->secret, CASES[i].mode, CASES[i].text);
		snprintf(expected, sizeof(expected), "line 4: JWT_SECRET_FILE %s", CASES[i].says);
		assert_problems(fx, lines, expected);
	}
}

static void only_a_secret_has_a_name_with_file(void **state)
{
	assert_problems(*state, NEEDED "LOG_LEVEL_FILE=/x\nWORKERS_FILE=/x\n",
			"line 4: LOG_LEVEL_FILE is no setting\n"
			"line 5: WORKERS_FILE is no setting\n");
}

static void a_secret_is_given_once(void **state)
{
	struct fixture *fx = *state;

	assert_problems(fx, NEEDED "JWT_SECRET=" KEY_32 "\nJWT_SECRET_FILE=/x\n",
			"line 5: JWT_SECRET is set in line 4 already\n");
	setenv("JWT_SECRET", KEY_32, 1);
	setenv("JWT_SECRET_FILE", "/x", 1);
	assert_problems(fx, NEEDED, "environment: JWT_SECRET and JWT_SECRET_FILE are both set\n");
}

static void the_settings_file_must_be_private(void **state)
{
	static const unsigned BAD[] = {0644, 0660, 0604, 0650, 0740, 0666};
	static const unsigned GOOD[] = {0640, 0600, 0440, 0400};
	struct fixture *fx = *state;
	char expected[256];

	for (unsigned i = 0; i < ARRAY_LEN(BAD); i++) {
		temp_file_put(&fx->file, BAD[i], NEEDED);
		buf_clear(&fx->problems);
		assert_int_equal(
			config_read(fx->file.path, &fx->config, &fx->problems, &fx->warnings),
			ERR_CONFIG);
		snprintf(expected, sizeof(expected),
			 "%s has mode %04o, and 0640 is the widest allowed\n", fx->file.path,
			 BAD[i]);
		assert_string_equal(buf_slice(&fx->problems).data, expected);
		assert_null(fx->config);
	}
	for (unsigned i = 0; i < ARRAY_LEN(GOOD); i++) {
		temp_file_put(&fx->file, GOOD[i], NEEDED);
		buf_clear(&fx->problems);
		assert_int_equal(
			config_read(fx->file.path, &fx->config, &fx->problems, &fx->warnings), OK);
		config_free(fx->config);
	}
	fx->config = NULL;
}

static void a_file_that_is_not_there_is_a_problem(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(
		config_read("/nowhere/calbridge.env", &fx->config, &fx->problems, &fx->warnings),
		ERR_CONFIG);
	assert_string_equal(buf_slice(&fx->problems).data,
			    "/nowhere/calbridge.env cannot be read: No such file or directory\n");
}

/* Each value is wrong in its own way; none may be repeated in what is told. */
static void no_problem_or_warning_tells_a_value(void **state)
{
	struct fixture *fx = *state;
	char lines[1024];

	temp_file_put(&fx->secret, 0600, "canary\x01");
	setenv("DATABASE_MIGRATE_PASSWORD", "canary-in-environment\xff", 1);
	snprintf(lines, sizeof(lines),
		 "PUBLIC_URL=canary\nDATABASE_HOSTS=canary/\nCALBRIDGE_MASTER_KEY_FILE=canary\n"
		 "JWT_SECRET=canary\nINSTRUCTOROPS_API_KEY='canary\nGOOGLE_CLIENT_SECRET_FILE=%s\n"
		 "JWT_SECRET=canary\nDATABASE_PASSWORD=\"canary\\x\"\ncanary==\nexport K=canary\n"
		 "UNKNOWN=canary\nLOG_LEVEL=canary\nTHREADS=canary\nDATABASE_USER=canary # x\n",
		 fx->secret.path);
	assert_int_equal(read_lines(fx, lines), ERR_CONFIG);
	assert_null(strstr(buf_slice(&fx->problems).data, "canary"));
	assert_null(strstr(buf_slice(&fx->warnings).data, "canary"));
	assert_non_null(strstr(buf_slice(&fx->problems).data,
			       "environment: DATABASE_MIGRATE_PASSWORD must be a secret"));
}

static void problems_that_do_not_fit_still_stop_the_start(void **state)
{
	struct fixture *fx = *state;

	buf_free(&fx->problems);
	buf_init(&fx->problems, NULL, 10);
	assert_int_equal(read_lines(fx, NEEDED "UNKNOWN=1\n"), ERR_CONFIG);
	assert_null(fx->config);
}

struct table {
	char names[128][64];
	unsigned n;
};

static void check_row(void *cx, const char *name, const char *fallback, const char *about)
{
	struct table *table = cx;
	char line[128];

	assert_true(table->n < ARRAY_LEN(table->names));
	for (unsigned i = 0; i < table->n; i++)
		assert_string_not_equal(table->names[i], name);
	snprintf(table->names[table->n++], sizeof(table->names[0]), "%s", name);
	assert_true(!fallback || fallback[0] != '\0');
	assert_non_null(strstr(about, "; "));
	snprintf(line, sizeof(line), "%s=", name);
	if (!strstr(FULL, line))
		fail_msg("no test sets %s", name);
}

/* The full file above has a line for each row, and no row twice. */
static void the_table_tells_every_setting_once(void **state)
{
	struct table table = {.n = 0};
	unsigned lines = 0;

	(void)state;
	config_each(check_row, &table);
	for (const char *at = FULL; *at; at++)
		lines += *at == '\n';
	assert_int_equal(table.n, lines);
}

static void find_number(void *cx, const char *name, const char *fallback, const char *about)
{
	bool *found = cx;

	if (strcmp(name, "REQUEST_DEADLINE_S") != 0)
		return;
	assert_string_equal(fallback, "35");
	assert_string_equal(about, "for one request, seconds; nginx waits 40; a whole number "
				   "from 1 to 39");
	*found = true;
}

static void a_row_tells_default_range_and_unit(void **state)
{
	bool found = false;

	(void)state;
	config_each(find_number, &found);
	assert_true(found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)
		TEST(three_lines_are_enough_and_the_rest_has_its_default),
		TEST(the_defaults_of_callers_and_providers_are_the_documented_ones),
		TEST(every_setting_of_the_file_arrives),
		TEST(every_setting_of_callers_and_providers_arrives),
		TEST(all_that_is_wrong_is_told_at_once),
		TEST(an_empty_value_is_none),
		TEST(each_kind_takes_its_values_and_no_others),
		TEST(the_public_url_is_https_alone_even_to_this_machine),
		TEST(http_needs_this_machine_and_leave),
		TEST(a_database_on_another_machine_needs_tls),
		TEST(the_tenant_stands_in_the_urls_of_microsoft_that_are_not_given),
		TEST(what_belongs_together_comes_together),
		TEST(the_environment_wins_over_the_file),
		TEST(a_secret_in_the_environment_is_taken_with_a_warning),
		TEST(a_secret_may_stand_in_a_file_of_its_own),
		TEST(a_secret_s_file_must_be_private_and_hold_one),
		TEST(only_a_secret_has_a_name_with_file),
		TEST(a_secret_is_given_once),
		TEST(the_settings_file_must_be_private),
		TEST(a_file_that_is_not_there_is_a_problem),
		TEST(no_problem_or_warning_tells_a_value),
		TEST(problems_that_do_not_fit_still_stop_the_start),
		TEST(the_table_tells_every_setting_once),
		TEST(a_row_tells_default_range_and_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
