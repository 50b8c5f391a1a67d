#include "base/json.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

const struct json_limits JSON_REQUEST = {
	.depth = 16,
	.values = 1000,
	.members = 200,
	.name_bytes = 64,
	.text_bytes = 32768,
	.object_only = true,
};

const struct json_limits JSON_PROVIDER = {
	.depth = JSON_DEPTH_MAX,
	.values = 100000,
	.members = 4096,
	.name_bytes = 256,
	.text_bytes = 512 * 1024, /* HTML of a text: "&amp;", "<br>\r\n" */
};

enum {
	FEW = 12,         /* members that are compared each with each */
	POOL_BYTES = 2560 /* yajl's handle, and one text with escapes */
};

/* An object or array that is not closed yet. */
struct level {
	struct json *value;
	struct json *last; /* of its elements or members */
};

struct reader {
	struct arena *arena;
	const struct json_limits *limits;
	struct slice text;
	yajl_handle yajl;
	struct json *root;
	struct json *member; /* it has its name and waits for its value */
	struct level levels[JSON_DEPTH_MAX];
	unsigned depth;
	unsigned values;
	size_t behind; /* where the token before this one ended */
	size_t seen;   /* where this one ends */
	const char *reason;
	size_t offset;
	unsigned char *pool; /* what yajl works with, as far as it reaches */
	size_t pool_used;
	jmp_buf no_memory;
};

/* The value of the escape of one UTF-16 unit ("\uXXXX") that stands at offset at, or -1. */
static int utf16_unit(struct slice text, size_t at)
{
	int unit = 0;

	if (text.len - at < 6 || text.data[at] != '\\' || text.data[at + 1] != 'u')
		return -1;
	for (size_t i = at + 2; i < at + 6; i++) {
		char c = text.data[i];

		if (c >= '0' && c <= '9')
			unit = unit * 16 + (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			unit = unit * 16 + ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return unit;
}

/* Moves *at behind the escape that stands there; what is wrong with it, or NULL. */
static const char *skip_escape(struct slice text, size_t *at)
{
	int unit = utf16_unit(text, *at), low;

	if (text.len - *at < 2) {
		*at = text.len; /* ends too early: the grammar will say so */
		return NULL;
	}
	if (text.data[*at + 1] != 'u') {
		if (!memchr("\"\\/bfnrt", text.data[*at + 1], 8))
			return "unknown escape";
		*at += 2;
		return NULL;
	}
	if (unit < 0)
		return "unknown escape";
	if (unit == 0)
		return "NUL in a text";
	if (unit >= 0xD800 && unit <= 0xDFFF) {
		low = unit <= 0xDBFF ? utf16_unit(text, *at + 6) : -1;
		if (low < 0xDC00 || low > 0xDFFF)
			return "lone surrogate";
		*at += 6;
	}
	*at += 6;
	return NULL;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/*
 * Judges bytes and escapes, which yajl lets through or alters. What is wrong, *at saying
 * where, or NULL. Whether a byte stands in a string is known without the grammar: quotes
 * alternate, or else yajl refuses the text before it gets so far.
 */
static const char *check_bytes(struct slice text, size_t *at)
{
	const char *reason = NULL;
	bool inside = false;
	size_t i = 0;

	*at = 0;
	if (slice_starts(text, "\xEF\xBB\xBF"))
		return "byte order mark";
	*at = text_utf8_error(text);
	if (*at < text.len)
		return "invalid UTF-8";
	while (i < text.len && !reason) {
		unsigned char c;

		i += text_json_plain((struct slice){text.data + i, text.len - i});
		if (i == text.len)
			break;
		c = (unsigned char)text.data[i];
		*at = i;
		if (inside && c == '\\') {
			reason = skip_escape(text, &i);
			continue;
		}
		if (c < 0x20 && (inside || !is_space((char)c)))
			reason = c ? "control character" : "NUL in a text";
		inside ^= c == '"';
		i++;
	}
	return reason;
}

/* Notes the fault and, as what a callback returns, stops yajl. */
static int refuse(struct reader *r, const char *reason, size_t offset)
{
	r->reason = reason;
	r->offset = offset;
	return 0;
}

/*
 * yajl does not look whether it was given memory. All that it has is the pool's or the arena's, so
 * nothing leaks when we leave from the middle of it.
 */
static void *need(struct reader *r, void *memory)
{
	if (!memory)
		longjmp(r->no_memory, 1);
	return memory;
}

/* Before the bytes that yajl is lent stands their number, which it does not tell lend_more. */
struct loan {
	size_t size;
	_Alignas(max_align_t) unsigned char data[];
};

/* From the pool while there is room: the arena lives on when this reader is done. */
static void *lend(void *cx, size_t size)
{
	struct reader *r = cx;
	size_t room = sizeof(struct loan) +
		      (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	struct loan *loan;

	if (size <= POOL_BYTES && room <= POOL_BYTES - r->pool_used) {
		loan = (void *)(r->pool + r->pool_used);
		r->pool_used += room;
	} else {
		loan = need(r, arena_alloc(r->arena, sizeof(*loan) + size));
	}
	loan->size = size;
	return loan->data;
}

static void *lend_more(void *cx, void *data, size_t size)
{
	unsigned char *more = lend(cx, size);

	if (data) {
		const struct loan *before = (void *)((unsigned char *)data - sizeof(struct loan));

		memcpy(more, data, before->size < size ? before->size : size);
	}
	return more;
}

static void take_back(void *cx, void *data)
{
	(void)cx;
	(void)data;
}

/* Called by every callback first, so that a fault and a name know where they stand. */
static void note_token(struct reader *r)
{
	size_t end = yajl_get_bytes_consumed(r->yajl);

	r->behind = r->seen;
	/* 0: a number that the end of the text has ended */
	r->seen = end ? end : r->text.len;
}

/* Where the token begins that follows offset at. yajl calls back for all but , and : */
static size_t token_after(const struct reader *r, size_t at)
{
	while (at < r->text.len &&
	       (is_space(r->text.data[at]) || r->text.data[at] == ',' || r->text.data[at] == ':'))
		at++;
	return at;
}

static int refuse_token(struct reader *r, const char *reason)
{
	return refuse(r, reason, token_after(r, r->behind));
}

/* A new value, linked where it belongs: last in the innermost open container, or the root. */
static struct json *append(struct reader *r)
{
	struct json *value = need(r, arena_alloc(r->arena, sizeof(*value)));
	struct level *level;

	if (r->depth == 0) {
		r->root = value;
		return value;
	}
	level = &r->levels[r->depth - 1];
	if (level->last)
		level->last->next = value;
	else
		level->value->first = value;
	level->last = value;
	level->value->count++;
	return value;
}

/* The value that a callback brings, or NULL when it is refused. */
static struct json *begin_value(struct reader *r, enum json_kind kind)
{
	struct json *value;

	note_token(r);
	if (r->depth == 0 && r->limits->object_only && kind != JSON_OBJECT) {
		refuse_token(r, "top level is not an object");
		return NULL;
	}
	if (r->values++ >= r->limits->values) {
		refuse_token(r, "too many values");
		return NULL;
	}
	value = r->member ? r->member : append(r);
	r->member = NULL;
	value->kind = kind;
	return value;
}

static struct slice keep(struct reader *r, const void *data, size_t len)
{
	return (struct slice){need(r, arena_copy(r->arena, (struct slice){data, len})), len};
}

static int on_null(void *cx)
{
	return begin_value(cx, JSON_NULL) != NULL;
}

static int on_bool(void *cx, int truth)
{
	struct json *value = begin_value(cx, JSON_BOOL);

	if (!value)
		return 0;
	value->truth = truth != 0;
	return 1;
}

static int add_text(struct reader *r, enum json_kind kind, const void *data, size_t len)
{
	struct json *value = begin_value(r, kind);

	if (!value)
		return 0;
	if (len > r->limits->text_bytes)
		return refuse_token(r, "text too long");
	value->text = keep(r, data, len);
	return 1;
}

static int on_number(void *cx, const char *data, size_t len)
{
	return add_text(cx, JSON_NUMBER, data, len);
}

static int on_string(void *cx, const unsigned char *data, size_t len)
{
	return add_text(cx, JSON_TEXT, data, len);
}

static int open_level(struct reader *r, enum json_kind kind)
{
	struct json *value = begin_value(r, kind);

	if (!value)
		return 0;
	if (r->depth >= r->limits->depth || r->depth >= JSON_DEPTH_MAX)
		return refuse_token(r, "nested too deeply");
	r->levels[r->depth++] = (struct level){.value = value};
	return 1;
}

static int on_object(void *cx)
{
	return open_level(cx, JSON_OBJECT);
}

static int on_array(void *cx)
{
	return open_level(cx, JSON_ARRAY);
}

static int on_name(void *cx, const unsigned char *data, size_t len)
{
	struct reader *r = cx;

	note_token(r);
	if (len > r->limits->name_bytes)
		return refuse_token(r, "member name too long");
	if (r->levels[r->depth - 1].value->count >= r->limits->members)
		return refuse_token(r, "too many members");
	r->member = append(r);
	r->member->name = keep(r, data, len);
	r->member->at = (unsigned)token_after(r, r->behind);
	return 1;
}

/* Returns the first member that has the name of one before it, or NULL. */
static const struct json *again_among_few(const struct json *object)
{
	for (const struct json *at = object->first; at; at = at->next) {
		for (const struct json *before = object->first; before != at; before = before->next)
			if (slice_equal(before->name, at->name))
				return at;
	}
	return NULL;
}

/* Orders members by name, those of one name as they came. */
static int by_name(const void *left, const void *right)
{
	const struct json *a = *(const struct json *const *)left;
	const struct json *b = *(const struct json *const *)right;
	int order;

	if (a->name.len != b->name.len)
		return a->name.len < b->name.len ? -1 : 1;
	order = memcmp(a->name.data, b->name.data, a->name.len);
	return order ? order : a->at < b->at ? -1 : 1;
}

/* Sorting keeps this cheap whatever names somebody chooses; hashes of them could be made equal. */
static const struct json *again_among_many(struct reader *r, const struct json *object)
{
	const struct json **members, *again = NULL;
	unsigned n = 0;

	members = need(r, arena_array(r->arena, object->count, sizeof(*members)));
	for (const struct json *at = object->first; at; at = at->next)
		members[n++] = at;
	qsort(members, n, sizeof(*members), by_name);
	for (unsigned i = 1; i < n; i++) {
		if (slice_equal(members[i - 1]->name, members[i]->name) &&
		    (!again || members[i]->at < again->at))
			again = members[i];
	}
	return again;
}

static int refuse_duplicates(struct reader *r, const struct json *object)
{
	const struct json *again =
		object->count <= FEW ? again_among_few(object) : again_among_many(r, object);

	return again ? refuse(r, "duplicate member", again->at) : 1;
}

static int on_object_end(void *cx)
{
	struct reader *r = cx;

	note_token(r);
	return refuse_duplicates(r, r->levels[--r->depth].value);
}

static int on_array_end(void *cx)
{
	struct reader *r = cx;

	note_token(r);
	r->depth--;
	return 1;
}

static const yajl_callbacks CALLBACKS = {
	.yajl_null = on_null,
	.yajl_boolean = on_bool,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_object,
	.yajl_map_key = on_name,
	.yajl_end_map = on_object_end,
	.yajl_start_array = on_array,
	.yajl_end_array = on_array_end,
};

static bool is_complete(const struct reader *r)
{
	return r->root && r->depth == 0;
}

static size_t skip_space(const struct reader *r, size_t at)
{
	while (at < r->text.len && is_space(r->text.data[at]))
		at++;
	return at;
}

/*
 * Where the token begins that the grammar does not allow: behind the last good one and the one
 * comma or colon that may stand there. yajl's own offset is sometimes before, sometimes behind.
 */
static size_t bad_token(const struct reader *r)
{
	size_t at = skip_space(r, r->seen);
	char expected = r->member ? ':' : ',';

	if (r->depth > 0 && r->levels[r->depth - 1].value->count > 0 && at < r->text.len &&
	    r->text.data[at] == expected)
		at = skip_space(r, at + 1);
	return at;
}

/* yajl says no; this tells what is wrong, and where. */
static void refuse_grammar(struct reader *r)
{
	size_t at = bad_token(r);

	if (is_complete(r))
		refuse(r, "trailing data", at);
	else if (at < r->text.len && r->text.data[at] == '/')
		refuse(r, "comment", at);
	else
		refuse(r, "not valid JSON", at);
}

static enum err parse(struct reader *r)
{
	yajl_alloc_funcs memory = {lend, lend_more, take_back, r};
	yajl_status status;

	if (setjmp(r->no_memory))
		return ERR_NOMEM;
	r->yajl = yajl_alloc(&CALLBACKS, &memory, r);
	yajl_config(r->yajl, yajl_dont_validate_strings, 1); /* check_bytes has done it */
	status = yajl_parse(r->yajl, (const unsigned char *)r->text.data, r->text.len);
	/* a tail that might become a token is no error to yajl yet */
	if (status == yajl_status_error || (is_complete(r) && r->seen < r->text.len))
		refuse_grammar(r);
	if (r->reason)
		return ERR_MALFORMED;
	if (is_complete(r))
		return OK;
	/* only a number at the top is ended by the end of the text */
	status = yajl_complete_parse(r->yajl);
	if (status == yajl_status_error)
		refuse(r, "ended too early", r->text.len);
	return status == yajl_status_ok ? OK : ERR_MALFORMED;
}

static enum err read_checked(struct reader *r)
{
	while (r->text.len > 0 && is_space(r->text.data[r->text.len - 1]))
		r->text.len--;
	if (r->text.len == 0)
		r->reason = "empty document";
	else if (r->text.len > UINT32_MAX)
		r->reason = "document too long";
	else
		r->reason = check_bytes(r->text, &r->offset);
	return r->reason ? ERR_MALFORMED : parse(r);
}

enum err json_read(struct arena *arena, struct slice text, const struct json_limits *limits,
		   const struct json **root, struct fail *why)
{
	struct reader r = {
		.arena = arena, .limits = limits, .text = text, .pool = malloc(POOL_BYTES)};
	enum err e = r.pool ? read_checked(&r) : ERR_NOMEM;

	if (r.pool)
		explicit_bzero(r.pool, r.pool_used); /* the text may be a token's */
	free(r.pool);
	*root = e ? NULL : r.root;
	if (e == ERR_MALFORMED) {
		fail_because(why, e, r.reason);
		if (why)
			why->offset = r.offset;
	}
	return e;
}

const struct json *json_member(const struct json *object, const char *name)
{
	const struct json *member;

	if (!object || object->kind != JSON_OBJECT)
		return NULL;
	for (member = object->first; member; member = member->next) {
		if (slice_is(member->name, name))
			break;
	}
	return member;
}

struct slice json_text(const struct json *object, const char *name)
{
	const struct json *member = json_member(object, name);

	return member && member->kind == JSON_TEXT ? member->text : (struct slice){NULL, 0};
}

bool json_is_int(const struct json *value, int64_t min, int64_t max, int64_t *out)
{
	*out = 0;
	return value && value->kind == JSON_NUMBER && !text_to_int(value->text, min, max, out);
}
