#include "store/column.h"

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
