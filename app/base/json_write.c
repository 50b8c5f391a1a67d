#include "base/json.h"

void json_writer_init(struct json_writer *w, struct buf *out)
{
	*w = (struct json_writer){.out = out};
}

/* A fault of the program, not of data: sticks in the buf like any error. */
static void misused(struct json_writer *w)
{
	if (!w->out->error)
		w->out->error = ERR_INTERNAL;
}

static void add_quoted(struct buf *out, struct slice text)
{
	char escaped[TEXT_JSON_CHAR_BYTES];
	size_t taken;

	buf_add_byte(out, '"');
	while (text.len > 0) {
		size_t n = text_json_plain(text);

		buf_add(out, text.data, n);
		text.data += n;
		text.len -= n;
		if (text.len == 0)
			break;
		n = text_json_char(text, escaped, &taken);
		buf_add(out, escaped, n);
		text.data += taken;
		text.len -= taken;
	}
	buf_add_byte(out, '"');
}

/* What stands before a value: the comma and the name. */
static void begin(struct json_writer *w, struct slice name)
{
	uint64_t bit = UINT64_C(1) << w->depth;

	if (w->comma & bit)
		buf_add_byte(w->out, ',');
	w->comma |= bit;
	if (!name.data)
		return;
	add_quoted(w->out, name);
	buf_add_byte(w->out, ':');
}

static void open_level(struct json_writer *w, struct slice name, char bracket)
{
	if (w->depth >= JSON_WRITE_DEPTH_MAX) {
		misused(w);
		return;
	}
	begin(w, name);
	buf_add_byte(w->out, bracket);
	w->depth++;
	w->comma &= ~(UINT64_C(1) << w->depth);
}

static void close_level(struct json_writer *w, char bracket)
{
	if (w->depth == 0) {
		misused(w);
		return;
	}
	w->depth--;
	buf_add_byte(w->out, bracket);
}

void json_open(struct json_writer *w, const char *name)
{
	open_level(w, slice_of(name), '{');
}

void json_close(struct json_writer *w)
{
	close_level(w, '}');
}

void json_open_array(struct json_writer *w, const char *name)
{
	open_level(w, slice_of(name), '[');
}

void json_close_array(struct json_writer *w)
{
	close_level(w, ']');
}

void json_add_text(struct json_writer *w, const char *name, struct slice text)
{
	begin(w, slice_of(name));
	add_quoted(w->out, text);
}

void json_add_string(struct json_writer *w, const char *name, const char *text)
{
	if (text)
		json_add_text(w, name, slice_of(text));
	else
		json_add_null(w, name);
}

void json_add_int(struct json_writer *w, const char *name, int64_t value)
{
	begin(w, slice_of(name));
	buf_add_int(w->out, value);
}

void json_add_bool(struct json_writer *w, const char *name, bool value)
{
	begin(w, slice_of(name));
	buf_add_text(w->out, value ? "true" : "false");
}

void json_add_null(struct json_writer *w, const char *name)
{
	begin(w, slice_of(name));
	buf_add_text(w->out, "null");
}

void json_add_raw(struct json_writer *w, const char *name, struct slice json)
{
	begin(w, slice_of(name));
	buf_add_slice(w->out, json);
}

static bool is_container(const struct json *value)
{
	return value->kind == JSON_OBJECT || value->kind == JSON_ARRAY;
}

static void close_value(struct json_writer *w, const struct json *value)
{
	close_level(w, value->kind == JSON_OBJECT ? '}' : ']');
}

/* Writes value but for what is in it. */
static void add_one(struct json_writer *w, struct slice name, const struct json *value)
{
	if (is_container(value)) {
		open_level(w, name, value->kind == JSON_OBJECT ? '{' : '[');
		return;
	}
	begin(w, name);
	if (value->kind == JSON_TEXT)
		add_quoted(w->out, value->text);
	else if (value->kind == JSON_NUMBER)
		buf_add_slice(w->out, value->text);
	else if (value->kind == JSON_BOOL)
		buf_add_text(w->out, value->truth ? "true" : "false");
	else
		buf_add_text(w->out, "null");
}

void json_add_value(struct json_writer *w, const char *name, const struct json *value)
{
	const struct json *open[JSON_DEPTH_MAX];
	struct slice label = slice_of(name);
	unsigned depth = 0;

	for (;;) {
		add_one(w, label, value);
		if (is_container(value)) {
			if (depth == JSON_DEPTH_MAX) {
				misused(w);
				return;
			}
			open[depth++] = value;
			value = value->first;
		} else {
			value = value->next;
		}
		/* all that ends here is closed, until something follows */
		while (depth > 0 && !value) {
			close_value(w, open[--depth]);
			value = depth > 0 ? open[depth]->next : NULL;
		}
		if (depth == 0)
			return;
		label = value->name;
	}
}
