#include "store/column.h"

enum { ID_ARENA_BYTES = 1024 };

struct db_value column_optional_text(struct slice text)
{
	return text.len > 0 ? db_text(text) : db_null();
}

struct db_value column_optional_bytes(struct slice bytes)
{
	return bytes.len > 0 ? db_bytes(bytes) : db_null();
}

unsigned column_word(const struct db_value *value, const char *const words[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (slice_is(value->bytes, words[i]))
			return (unsigned)i;
	}
	return 0;
}

enum err column_read_id(struct db *db, const struct db_statement *statement,
			const struct db_value *in, size_t n_in, struct id *out, struct fail *why)
{
	struct arena *arena = arena_new(ID_ARENA_BYTES, ID_ARENA_BYTES);
	struct db_value value = {0};
	enum err e = ERR_NOMEM;

	*out = (struct id){0};
	if (arena)
		e = db_read(db, statement, in, n_in, arena, &value, 1, why);
	if (!e)
		*out = db_as_id(&value);
	arena_free(arena);
	return e;
}

struct slice column_cut(struct slice text, size_t max)
{
	size_t len = text.len;

	if (len > max) {
		len = max;
		while (len > 0 && ((unsigned char)text.data[len] & 0xC0) == 0x80)
			len--;
	}
	return (struct slice){text.data, len};
}

int64_t column_ahead(const struct db_value *value, int64_t now_ms)
{
	int64_t ms = db_as_time(value);

	return ms > now_ms ? ms - now_ms : 0;
}
