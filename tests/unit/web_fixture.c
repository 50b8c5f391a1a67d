#include "tests/unit/web_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/log.h"
#include "base/seal.h"
#include "store/api_keys.h"
#include "store/audit_log.h"
#include "store/sessions.h"
#include "store/tenants.h"
#include "tests/unit/temp_file.h"
#include "web/jwt.h"
#include "web/limits.h"
#include "web/metrics.h"
#include "web/serve.h"

enum { PARAMS_MAX = 40, BLOCK_BYTES = 64 * 1024, CEILING_BYTES = 16 * 1024 * 1024 };

struct param {
	const char *name;
	const char *value;
};

struct fcgi_request {
	struct param params[PARAMS_MAX];
	size_t n;
	struct slice body;
};

struct web_fixture fx;
static struct fcgi_request fcgi;
static struct request request;

/* In the place of io/fcgi. */

const char *fcgi_param(const struct fcgi_request *from, const char *name)
{
	for (size_t i = 0; i < from->n; i++) {
		if (strcmp(from->params[i].name, name) == 0)
			return from->params[i].value;
	}
	return NULL;
}

unsigned fcgi_param_count(const struct fcgi_request *from, const char *name)
{
	unsigned n = 0;

	for (size_t i = 0; i < from->n; i++)
		n += strcmp(from->params[i].name, name) == 0;
	return n;
}

enum err fcgi_body(struct fcgi_request *from, struct arena *arena, size_t ceiling,
		   struct slice *body, struct fail *why)
{
	(void)arena;
	(void)why;
	*body = from->body;
	return from->body.len > ceiling ? ERR_TOO_LARGE : OK;
}

/* In the place of app/store. */

const struct id TENANT_DEFAULT = {"default"};

struct id web_tenant(const char *name)
{
	struct id id = {{0}};

	memcpy(id.bytes, name, strlen(name) < ID_BYTES ? strlen(name) : ID_BYTES);
	return id;
}

static bool is_hash_of(struct slice hash, const char *text)
{
	struct slice whole = slice_of(text);
	unsigned char ours[SHA256_BYTES];

	digest_sha256(&whole, 1, ours);
	return digest_equal(hash, (struct slice){(const char *)ours, sizeof(ours)});
}

/* Fills target when there is such an owner. */
static void find_target(const struct id *tenant, struct slice owner, struct target *target)
{
	*target = (struct target){0};
	assert_true(owner.len < sizeof(fx.tables.asked_text));
	if (owner.len > 0)
		memcpy(fx.tables.asked_text, owner.data, owner.len);
	fx.tables.asked = (struct slice){fx.tables.asked_text, owner.len};
	for (size_t i = 0; i < ARRAY_LEN(fx.tables.owners); i++) {
		if (!fx.tables.owners[i] || !slice_is(owner, fx.tables.owners[i]) || owner.len == 0)
			continue;
		target->owner.id = web_tenant("owner");
		target->owner.tenant = *tenant;
		target->owner.external_id = slice_of(fx.tables.owners[i]);
	}
}

enum err callers_by_key(struct db *db, struct slice key_hash, struct slice owner,
			struct arena *arena, struct api_key *key, struct target *target,
			struct fail *why)
{
	(void)db;
	(void)arena;
	(void)why;
	fx.tables.look_ups++;
	find_target(&fx.tables.key.tenant, owner, target);
	*key = fx.tables.key;
	if (fx.tables.error)
		return fx.tables.error;
	return is_hash_of(key_hash, KEY) ? OK : ERR_NOT_FOUND;
}

enum err callers_by_session(struct db *db, struct slice session_hash, int64_t idle_max_ms,
			    struct slice owner, struct arena *arena, struct session *session,
			    struct target *target, struct fail *why)
{
	(void)db;
	(void)arena;
	(void)why;
	fx.tables.look_ups++;
	*session = (struct session){
		.id = web_tenant("session"),
		.tenant = web_tenant("default"),
		.role = fx.tables.session_role,
		.expires_ms = clock_now_ms() + 1000,
		.idle_ms = fx.tables.session_idle_ms,
	};
	session->owner.id = web_tenant("owner");
	session->owner.tenant = session->tenant;
	session->owner.external_id = SLICE("coach-1");
	find_target(&session->tenant, owner.len > 0 ? owner : session->owner.external_id, target);
	if (fx.tables.error)
		return fx.tables.error;
	if (fx.tables.session_idle_ms >= idle_max_ms)
		return ERR_NOT_FOUND;
	/* one that was just opened has a cookie that nobody knows beforehand */
	return is_hash_of(session_hash, SESSION_COOKIE) || fx.tables.opened ? OK : ERR_NOT_FOUND;
}

enum err callers_by_owner(struct db *db, const struct id *tenant, struct slice owner,
			  struct arena *arena, struct target *target, struct fail *why)
{
	(void)db;
	(void)arena;
	(void)why;
	fx.tables.look_ups++;
	find_target(tenant, owner, target);
	return fx.tables.error;
}

enum err svc_jwt_tenant(struct svc *svc, struct id *out, struct fail *why)
{
	return tenants_find(svc->db, slice_of(svc->config->jwt_tenant), out, why);
}

enum err tenants_find(struct db *db, struct slice name, struct id *out, struct fail *why)
{
	(void)db;
	(void)why;
	*out = web_tenant(slice_is(name, "default") ? "default" : "other");
	return OK;
}

enum err owners_put(struct db *db, struct owner *owner, struct fail *why)
{
	(void)db;
	(void)why;
	owner->id = web_tenant("owner");
	fx.tables.owners_put++;
	fx.tables.owners[ARRAY_LEN(fx.tables.owners) - 1] =
		arena_copy(fx.arena, owner->external_id);
	return OK;
}

enum err api_keys_mark_first_use(struct db *db, const struct id *id, bool *first, struct fail *why)
{
	(void)db;
	(void)id;
	(void)why;
	*first = fx.tables.marked_used++ == 0;
	return OK;
}

enum err api_keys_touch(struct db *db, const struct id *id, struct fail *why)
{
	(void)db;
	(void)id;
	(void)why;
	fx.tables.touched++;
	return OK;
}

enum err audit_log_add(struct db *db, const struct audit *audit, struct fail *why)
{
	(void)db;
	(void)why;
	assert_true(audit->actor.len > 0);
	fx.tables.audits++;
	fx.tables.action = audit->action;
	fx.tables.result = audit->result;
	return OK;
}

enum err sessions_open(struct db *db, struct slice link_hash, struct slice session_hash,
		       int64_t valid_ms, struct fail *why)
{
	(void)db;
	(void)why;
	assert_int_equal(session_hash.len, SHA256_BYTES);
	assert_int_equal(valid_ms, 12 * 3600 * 1000);
	if (!is_hash_of(link_hash, SESSION_LINK))
		return ERR_NOT_FOUND;
	fx.tables.opened = true;
	return OK;
}

enum err sessions_add(struct db *db, const struct id *tenant, const struct id *owner,
		      enum role role, struct slice session_hash, int64_t valid_ms, struct fail *why)
{
	(void)db;
	(void)why;
	assert_false(id_is_none(tenant));
	assert_false(id_is_none(owner));
	assert_int_equal(session_hash.len, SHA256_BYTES);
	assert_int_equal(valid_ms, 12 * 3600 * 1000);
	fx.tables.role_added = role;
	fx.tables.opened = true;
	return OK;
}

enum err sessions_touch(struct db *db, const struct id *id, struct fail *why)
{
	(void)db;
	(void)id;
	(void)why;
	fx.tables.touched++;
	return OK;
}

enum err sessions_drop(struct db *db, const struct id *id, struct fail *why)
{
	(void)db;
	(void)id;
	(void)why;
	fx.tables.dropped++;
	return OK;
}

/* The installation. */

static const struct seal_ring *make_ring(void)
{
	static const char RING[] = "7 AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA= active\n";
	struct temp_file file;
	struct seal_ring *ring = NULL;

	temp_file_make(&file);
	temp_file_put(&file, 0400, RING);
	assert_int_equal(seal_ring_read(file.path, &ring, NULL), OK);
	temp_file_drop(&file);
	return ring;
}

static char *own(const char *text)
{
	return arena_copy(fx.arena, slice_of(text));
}

static void fill_config(struct config *config)
{
	config->public_url = own(OUR_URL);
	config->allowed_origins = own("https://other.test, " ALLOWED_URL);
	config->default_time_zone = own("America/New_York");
	config->jwt_algorithm = own("HS256");
	config->jwt_tenant = own("default");
	config->demo_host_id = own(DEMO_HOST);
	config->rate_demo_per_min = 5;
	config->rate_failures_per_10min = 10;
	config->rate_key_per_min = 600;
	assert_int_equal(secret_set(&config->jwt_secret, SLICE(JWT_SECRET)), OK);
}

int web_make(void **state)
{
	struct jwt_keys *keys;

	(void)state;
	log_start(LOG_ERROR, "test");
	if (digest_start())
		return -1;
	fx = (struct web_fixture){.arena = arena_new(BLOCK_BYTES, CEILING_BYTES)};
	fill_config(&fx.config);
	fx.svc = (struct svc){.config = &fx.config, .ring = make_ring()};
	assert_int_equal(jwt_keys_read(&fx.config, &keys, NULL), OK);
	fx.web = (struct web){.svc = &fx.svc,
			      .jwt_keys = keys,
			      .limits = limits_new(),
			      .metrics = metrics_new(8)};
	fx.tables.key = (struct api_key){
		.id = web_tenant("key"), .tenant = web_tenant("default"), .scopes = SCOPE_EVENTS};
	fx.tables.owners[0] = "coach-1";
	fx.tables.owners[1] = "coach-2";
	fx.tables.owners[2] = DEMO_HOST;
	web_begin("GET", "/");
	return 0;
}

int web_drop(void **state)
{
	union {
		const struct seal_ring *shared;
		struct seal_ring *ours;
	} ring = {.shared = fx.svc.ring};
	union {
		const struct jwt_keys *shared;
		struct jwt_keys *ours;
	} keys = {.shared = fx.web.jwt_keys};

	(void)state;
	clock_set_for_test(-1);
	seal_ring_free(ring.ours);
	jwt_keys_free(keys.ours);
	limits_free(fx.web.limits);
	metrics_free(fx.web.metrics);
	secret_wipe(&fx.config.jwt_secret);
	secret_wipe(&fx.config.instructorops_api_key);
	arena_free(fx.arena);
	return 0;
}

void web_begin(const char *method, const char *target)
{
	const char *query = strchr(target, '?');

	fcgi = (struct fcgi_request){0};
	fx.out = (struct fcgi_answer){.status = 500};
	buf_init(&fx.out.headers, fx.arena, 8 * 1024);
	buf_init(&fx.out.body, fx.arena, 4 * 1024 * 1024);
	web_param("REQUEST_METHOD", method);
	web_param("REQUEST_URI", target);
	web_param("QUERY_STRING", query ? query + 1 : "");
	web_param("REQUEST_ID", "0123456789abcdef0123456789abcdef");
	web_param("REMOTE_ADDR", "192.0.2.1");
}

void web_param(const char *name, const char *value)
{
	size_t kept = 0;

	if (value) {
		assert_true(fcgi.n < PARAMS_MAX);
		fcgi.params[fcgi.n++] = (struct param){name, value};
		return;
	}
	for (size_t i = 0; i < fcgi.n; i++) {
		if (strcmp(fcgi.params[i].name, name) != 0)
			fcgi.params[kept++] = fcgi.params[i];
	}
	fcgi.n = kept;
}

void web_body(const char *content_type, const char *text)
{
	if (content_type)
		web_param("CONTENT_TYPE", content_type);
	fcgi.body = slice_of(text);
}

struct request *web_request(void)
{
	static const struct route ROUTE = {.path = "/", .name = "test", .method = "GET"};

	request = (struct request){
		.work = {.svc = &fx.svc, .arena = fx.arena},
		.web = &fx.web,
		.route = &ROUTE,
		.fcgi = &fcgi,
	};
	request.work.request_id = request_header(&request, "REQUEST_ID");
	request.work.address = request_header(&request, "REMOTE_ADDR");
	request.query = request_header(&request, "QUERY_STRING");
	return &request;
}

int web_serve(const struct route *routes, size_t n)
{
	fx.web.routes = routes;
	fx.web.n_routes = n;
	serve_request(&fx.web, &fcgi, fx.arena, 0, &fx.out);
	assert_int_equal(buf_error(&fx.out.headers), OK);
	assert_int_equal(buf_error(&fx.out.body), OK);
	return fx.out.status;
}

const char *web_answered(const char *name)
{
	struct slice rest = buf_slice(&fx.out.headers);
	const char *found = NULL;

	while (rest.len > 0) {
		struct slice line = slice_cut(&rest, '\n');
		struct slice label = slice_cut(&line, ':');

		if (!slice_is_nocase(label, name))
			continue;
		if (found)
			fail_msg("%s is there twice", name);
		found = arena_copy(fx.arena, slice_trim(line));
	}
	return found;
}

const char *web_answer_body(void)
{
	return arena_copy(fx.arena, buf_slice(&fx.out.body));
}

bool web_answer_is(const char *member, const char *text)
{
	const struct json *root;

	if (json_read(fx.arena, buf_slice(&fx.out.body), &JSON_REQUEST, &root, NULL))
		return false;
	return slice_is(json_text(root, member), text);
}

const char *web_token(const char *header, const char *claims, const char *secret)
{
	char *part = arena_alloc(fx.arena, 2 * strlen(header) + 8);
	char *body = arena_alloc(fx.arena, 2 * strlen(claims) + 8);
	unsigned char mac[SHA256_BYTES];
	char signature[BASE64URL_32_BYTES];
	struct slice text;

	digest_base64url(header, strlen(header), part);
	digest_base64url(claims, strlen(claims), body);
	text = slice_of(arena_format(fx.arena, "%s.%s", part, body));
	digest_hmac(slice_of(secret), &text, 1, mac);
	digest_base64url(mac, sizeof(mac), signature);
	return arena_format(fx.arena, "%s.%s", text.data, signature);
}
