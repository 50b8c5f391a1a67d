#include <stdio.h>

#include "base/json.h"
#include "base/zone.h"
#include "web/request.h"

/* Of one text in a list; what the text must be, the handler says. */
enum { LISTED_TEXT_BYTES_MAX = 1024 };

/* Escapes may make it longer than what came, which is bounded by the route. */
enum { CANONICAL_BYTES_MAX = 6 * 1024 * 1024 };

static const struct json NOTHING = {.kind = JSON_NULL};

/* What is wrong with the text of a field, or NULL. */
static const char *judge_text(const struct field *field, struct slice text)
{
	if (text.len < (size_t)field->min)
		return text.len ? "is too short" : "must not be empty";
	if (text.len > (size_t)field->max)
		return "is too long";
	if (text_has_control(text, field->lines))
		return "must not hold control characters";
	return NULL;
}

static const char *read_text(const struct field *field, const struct json *value, void *to)
{
	const char *reason;

	if (value->kind != JSON_TEXT)
		return "must be a text";
	reason = judge_text(field, value->text);
	if (!reason)
		*(struct slice *)to = value->text;
	return reason;
}

static const char *read_int(const struct field *field, const struct json *value, void *to)
{
	int64_t number;

	if (!json_is_int(value, INT64_MIN, INT64_MAX, &number))
		return "must be a whole number";
	if (number < field->min || number > field->max)
		return "is out of range";
	*(int64_t *)to = number;
	return NULL;
}

static const char *read_flag(const struct json *value, void *to)
{
	if (value->kind != JSON_BOOL)
		return "must be true or false";
	*(bool *)to = value->truth;
	return NULL;
}

static const char *read_zone(const struct json *value, void *to)
{
	const struct zone *zone = value->kind == JSON_TEXT ? zone_find(value->text) : NULL;

	if (!zone)
		return "must be the IANA name of a time zone";
	*(const struct zone **)to = zone;
	return NULL;
}

static enum err note(const struct field *field, const char *reason, struct fail *why)
{
	return reason ? fail_field(why, field->name, reason) : OK;
}

/* The reasons of elements name the element, and what it is in it. */
static enum err note_element(const struct field *field, size_t i, const char *member,
			     const char *reason, struct fail *why)
{
	char name[FAIL_FIELD_BYTES];

	snprintf(name, sizeof(name), "%s[%zu]%s%s", field->name, i, member ? "." : "",
		 member ? member : "");
	return fail_field(why, name, reason);
}

static enum err read_texts(struct arena *arena, const struct field *field, const struct json *value,
			   struct texts *to, struct fail *why)
{
	static const struct field ELEMENT = {.min = 1, .max = LISTED_TEXT_BYTES_MAX};
	struct slice *items;
	enum err e = OK;
	size_t n = 0;

	if (value->kind != JSON_ARRAY)
		return fail_field(why, field->name, "must be a list of texts");
	if (value->count > (size_t)field->max)
		return fail_field(why, field->name, "has too many elements");
	items = arena_array(arena, value->count, sizeof(*items));
	if (!items)
		return ERR_NOMEM;
	for (const struct json *at = value->first; at; at = at->next, n++) {
		const char *reason = read_text(&ELEMENT, at, &items[n]);

		if (reason)
			e = note_element(field, n, NULL, reason, why);
	}
	*to = (struct texts){items, n};
	return e;
}

/* Absent, null, or empty: the empty text and list count as nothing given. */
static bool is_nothing(const struct json *value)
{
	return value->kind == JSON_NULL || (value->kind == JSON_TEXT && value->text.len == 0) ||
	       (value->kind == JSON_ARRAY && value->count == 0);
}

/* May it be what it is, or lacking? The reason why not, or NULL. */
static const char *judge_need(const struct field *field, const struct json *value)
{
	switch (field->need) {
	case OPTIONAL:
		return NULL;
	case REQUIRED:
		return is_nothing(value) ? FIELD_IS_REQUIRED : NULL;
	case NOT_NULL:
		return value != &NOTHING && is_nothing(value) ? "must not be empty" : NULL;
	case FIXED:
		return value != &NOTHING ? "cannot be changed" : NULL;
	}
	return NULL;
}

static enum err read_members(struct arena *arena, const struct field *fields, size_t n,
			     const struct json *object, void *to, struct fail *why);

/* What is wrong inside an element is told under its name. */
static enum err read_element(struct arena *arena, const struct field *field,
			     const struct json *value, size_t i, void *to, struct fail *why)
{
	struct fail inner = {0};
	enum err e;

	if (value->kind != JSON_OBJECT)
		return note_element(field, i, NULL, "must be an object", why);
	e = read_members(arena, field->of, field->n_of, value, to, &inner);
	for (unsigned n = 0; n < inner.n_fields; n++)
		note_element(field, i, inner.fields[n].field, inner.fields[n].reason, why);
	return e;
}

static enum err read_objects(struct arena *arena, const struct field *field,
			     const struct json *value, struct objects *to, struct fail *why)
{
	char *items;
	enum err e = OK;

	if (value->kind != JSON_ARRAY)
		return fail_field(why, field->name, "must be a list of objects");
	if (value->count > (size_t)field->max)
		return fail_field(why, field->name, "has too many elements");
	items = arena_array(arena, value->count + 1, field->size);
	if (!items)
		return ERR_NOMEM;
	*to = (struct objects){items, 0};
	for (const struct json *at = value->first; at; at = at->next, to->n++) {
		enum err one =
			read_element(arena, field, at, to->n, items + to->n * field->size, why);

		if (one && (!e || e == ERR_FIELDS))
			e = one;
	}
	return e;
}

static enum err read_field(struct arena *arena, const struct field *field, const struct json *value,
			   void *to, struct fail *why)
{
	const char *reason = judge_need(field, value);

	if (reason)
		return note(field, reason, why);
	if (value->kind == JSON_NULL)
		return OK;
	switch (field->kind) {
	case FIELD_TEXT:
		return note(field, read_text(field, value, to), why);
	case FIELD_INT:
		return note(field, read_int(field, value, to), why);
	case FIELD_FLAG:
		return note(field, read_flag(value, to), why);
	case FIELD_ZONE:
		return note(field, read_zone(value, to), why);
	case FIELD_TEXTS:
		return read_texts(arena, field, value, to, why);
	case FIELD_OBJECTS:
		return read_objects(arena, field, value, to, why);
	}
	return fail_set(why, ERR_INTERNAL, "%s: no such kind of field", field->name);
}

/* The members of one object, by the n rows of a table. */
static enum err read_members(struct arena *arena, const struct field *fields, size_t n,
			     const struct json *object, void *to, struct fail *why)
{
	enum err e = OK;

	for (size_t i = 0; i < n; i++) {
		const struct json *value = json_member(object, fields[i].name);
		enum err one = read_field(arena, &fields[i], value ? value : &NOTHING,
					  (char *)to + fields[i].offset, why);

		/* what is not the caller's fault outranks what is */
		if (one && (!e || e == ERR_FIELDS))
			e = one;
	}
	return e;
}

enum err request_decode(const struct request *rq, const struct field *fields, size_t n, void *out,
			struct fail *why)
{
	return read_members(rq->work.arena, fields, n, rq->body, out, why);
}

bool request_names(const struct request *rq, const char *name)
{
	return json_member(rq->body, name) != NULL;
}

bool request_gives(const struct request *rq, const char *name)
{
	const struct json *value = json_member(rq->body, name);

	return value && value->kind != JSON_NULL;
}

enum err request_canonical_body(const struct request *rq, struct slice *out)
{
	struct json_writer w;
	struct buf buf;

	*out = SLICE("");
	if (!rq->body)
		return OK;
	buf_init(&buf, rq->work.arena, CANONICAL_BYTES_MAX);
	json_writer_init(&w, &buf);
	json_add_value(&w, NULL, rq->body);
	*out = buf_slice(&buf);
	return buf_error(&buf);
}
