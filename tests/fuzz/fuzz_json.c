/*
 * Any bytes are read or refused; what is refused is told with a place inside the text; what
 * is accepted, written and read again is the same, and writing that gives the same bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BLOCK_BYTES = 8192, CEILING_BYTES = 64 * 1024 * 1024 };

static void must(bool holds)
{
	if (!holds)
		abort();
}

static const struct json *read_or_refused(struct arena *arena, struct slice text,
					  const struct json_limits *limits)
{
	const struct json *root;
	struct fail why = {0};
	enum err e = json_read(arena, text, limits, &root, &why);

	must(e == OK || e == ERR_MALFORMED);
	must((root != NULL) == (e == OK));
	must(!e || (why.reason && why.offset <= text.len));
	return root;
}

static struct slice written(struct arena *arena, const struct json *value)
{
	struct json_writer w;
	struct buf out;

	buf_init(&out, arena, CEILING_BYTES);
	json_writer_init(&w, &out);
	json_add_value(&w, NULL, value);
	must(buf_error(&out) == OK);
	return buf_slice(&out);
}

static void must_be_alike(const struct json *a, const struct json *b)
{
	must(a->kind == b->kind && a->truth == b->truth && a->count == b->count);
	must(slice_equal(a->name, b->name) && slice_equal(a->text, b->text));
	must(text_is_utf8(a->name) && text_is_utf8(a->text));
	must(!a->text.data || strlen(a->text.data) == a->text.len);
}

/* Walks both at once; depth is bounded by the reader, so a list of what is open suffices. */
static void must_be_equal(const struct json *a, const struct json *b)
{
	const struct json *open[2][JSON_DEPTH_MAX];
	unsigned depth = 0;

	for (;;) {
		must_be_alike(a, b);
		if (a->first) {
			must(depth < JSON_DEPTH_MAX);
			open[0][depth] = a;
			open[1][depth++] = b;
			a = a->first;
			b = b->first;
			continue;
		}
		while (depth > 0 && !a->next) {
			must(!b->next);
			a = open[0][--depth];
			b = open[1][depth];
		}
		if (depth == 0)
			return;
		a = a->next;
		b = b->next;
		must(b != NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = {(const char *)data, size}, once, twice;
	struct arena *arena = arena_new(BLOCK_BYTES, CEILING_BYTES);
	const struct json *request, *root, *again;

	must(arena != NULL);
	request = read_or_refused(arena, text, &JSON_REQUEST);
	root = read_or_refused(arena, text, &JSON_PROVIDER);
	must(!request || root);
	if (root) {
		once = written(arena, root);
		again = read_or_refused(arena, once, &JSON_PROVIDER);
		must(again != NULL);
		must_be_equal(root, again);
		twice = written(arena, again);
		must(slice_equal(once, twice));
	}
	arena_free(arena);
	return 0;
}
