#include "provider/wire.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/rfc3339.h"
#include "provider/provider.h"

enum { EXPIRES_DEFAULT_S = 3600, EXPIRES_MAX_S = 86400, WORD_BYTES_MAX = 40 };

enum err wire_nonsense(struct fail *why, const char *what)
{
	return fail_set(why, ERR_UPSTREAM, "%s", what);
}

enum err wire_success(struct arena *arena, struct slice body, const struct json **root,
		      struct fail *why)
{
	enum err e = json_read(arena, body, &JSON_PROVIDER, root, NULL);

	if (e)
		return e == ERR_NOMEM ? e : wire_nonsense(why, "answer is not JSON");
	if ((*root)->kind != JSON_OBJECT)
		return wire_nonsense(why, "answer is no object");
	if (json_member(*root, "error"))
		return wire_nonsense(why, "error in an answer of success");
	return OK;
}

enum err wire_done(struct arena *arena, struct slice body, struct fail *why)
{
	const struct json *root;

	return body.len == 0 ? OK : wire_success(arena, body, &root, why);
}

static bool is_visible(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] <= ' ' || text.data[i] > '~')
			return false;
	}
	return true;
}

bool wire_text(const struct json *object, const char *name, struct slice *out)
{
	const struct json *value = json_member(object, name);

	*out = json_text(object, name);
	return !value || value->kind == JSON_TEXT || value->kind == JSON_NULL;
}

bool wire_word(const struct json *object, const char *name, size_t max, struct slice *out)
{
	if (wire_text(object, name, out) && out->len <= max && is_visible(*out))
		return true;
	*out = (struct slice){0};
	return false;
}

bool wire_link(const struct json *object, const char *name, struct slice *out)
{
	if (json_text(object, name).len <= PLACED_LINK_BYTES_MAX)
		return wire_word(object, name, PLACED_LINK_BYTES_MAX, out);
	*out = (struct slice){0};
	return true;
}

bool wire_instant(const struct json *object, const char *name, int64_t *ms)
{
	struct slice text;
	struct rfc3339 time;
	bool good = wire_text(object, name, &text);

	*ms = !rfc3339_read(text, &time) && time.instant ? time.ms : 0;
	return good;
}

enum err wire_raw(struct arena *arena, const struct json *value, size_t max, struct slice *out)
{
	struct json_writer w;
	struct buf buf;

	buf_init(&buf, arena, max);
	json_writer_init(&w, &buf);
	json_add_value(&w, NULL, value);
	*out = buf_slice(&buf);
	return buf_error(&buf);
}

/* --- tokens --- */

/* Whole seconds of "3600", 3599.9 or -5; false for what is no such number. */
static bool read_seconds(struct slice text, int64_t *out)
{
	struct slice whole = slice_cut(&text, '.');

	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
	}
	return !text_to_int(whole, INT64_MIN, INT64_MAX, out);
}

static int64_t read_expires_in(const struct json *value)
{
	int64_t seconds;

	if (!value || (value->kind != JSON_NUMBER && value->kind != JSON_TEXT) ||
	    !read_seconds(value->text, &seconds))
		return EXPIRES_DEFAULT_S;
	if (seconds < 1)
		return 1;
	return seconds > EXPIRES_MAX_S ? EXPIRES_MAX_S : seconds;
}

static bool is_bearer(const struct json *object)
{
	const struct json *type = json_member(object, "token_type");

	return !type || (type->kind == JSON_TEXT && slice_is_nocase(type->text, "Bearer"));
}

enum err wire_grant(struct arena *arena, struct slice body, struct grant *out,
		    struct slice *id_token, struct fail *why)
{
	const struct json *root;
	struct slice access, refresh;
	enum err e = wire_success(arena, body, &root, why);

	*out = (struct grant){0};
	*id_token = (struct slice){0};
	if (e)
		return e;
	if (!wire_word(root, "access_token", SECRET_BYTES_MAX, &access) || access.len == 0 ||
	    !wire_word(root, "refresh_token", SECRET_BYTES_MAX, &refresh) ||
	    !wire_word(root, "id_token", SECRET_BYTES_MAX, id_token) || !is_bearer(root))
		return wire_nonsense(why, "answer is no grant");
	e = secret_set(&out->access, access);
	if (!e && refresh.len > 0)
		e = secret_set(&out->refresh, refresh);
	if (e) {
		grant_wipe(out);
		return e;
	}
	out->expires_in_s = read_expires_in(json_member(root, "expires_in"));
	out->scopes = json_text(root, "scope");
	return OK;
}

bool wire_is_word(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && c != '_')
			return false;
	}
	return text.len > 0 && text.len <= WORD_BYTES_MAX;
}
