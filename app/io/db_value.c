#include "io/db_inner.h"

#include <string.h>

#include "base/civil.h"

enum { BINARY_CHARSET = 63 };

static const int64_t DAY_MS = 86400000;
static const int64_t LAST_MS = 253402300799999; /* 9999-12-31T23:59:59.999Z */

struct db_value db_null(void)
{
	return (struct db_value){.kind = DB_NULL};
}

struct db_value db_int(int64_t number)
{
	return (struct db_value){.kind = DB_INT, .number = number};
}

struct db_value db_text(struct slice text)
{
	return text.data ? (struct db_value){.kind = DB_TEXT, .bytes = text} : db_null();
}

struct db_value db_string(const char *text)
{
	return db_text(slice_of(text));
}

struct db_value db_bytes(struct slice bytes)
{
	return bytes.data ? (struct db_value){.kind = DB_BYTES, .bytes = bytes} : db_null();
}

struct db_value db_time(int64_t ms)
{
	return ms >= 0 ? (struct db_value){.kind = DB_TIME, .number = ms} : db_null();
}

struct db_value db_id(const struct id *id)
{
	if (!id || id_is_none(id))
		return db_null();
	return db_bytes((struct slice){(const char *)id->bytes, ID_BYTES});
}

struct id db_as_id(const struct db_value *value)
{
	struct id id = {0};

	if (value->bytes.len == ID_BYTES)
		memcpy(id.bytes, value->bytes.data, ID_BYTES);
	return id;
}

int64_t db_as_time(const struct db_value *value)
{
	return value->kind == DB_TIME ? value->number : -1;
}

enum err db_value_to_time(int64_t ms, MYSQL_TIME *out)
{
	struct civil_date date;
	int64_t in_day;

	*out = (MYSQL_TIME){.time_type = MYSQL_TIMESTAMP_DATETIME};
	if (ms < 0 || ms > LAST_MS)
		return ERR_INTERNAL;
	date = civil_date_of(ms / DAY_MS);
	out->year = (unsigned)date.year;
	out->month = (unsigned)date.month;
	out->day = (unsigned)date.day;
	in_day = ms % DAY_MS;
	out->hour = (unsigned)(in_day / 3600000);
	out->minute = (unsigned)(in_day / 60000 % 60);
	out->second = (unsigned)(in_day / 1000 % 60);
	out->second_part = (unsigned long)(in_day % 1000) * 1000;
	return OK;
}

int64_t db_value_from_time(const MYSQL_TIME *time)
{
	struct civil_date date = {(int)time->year, (int)time->month, (int)time->day};

	return civil_days(date) * DAY_MS + (int64_t)time->hour * 3600000 +
	       (int64_t)time->minute * 60000 + (int64_t)time->second * 1000 +
	       (int64_t)(time->second_part / 1000);
}

enum db_kind db_value_kind(const MYSQL_FIELD *field)
{
	/* the list of types is the library's and grows: what is no number or time is text */
	unsigned type = field->type;

	if (type == MYSQL_TYPE_TINY || type == MYSQL_TYPE_SHORT || type == MYSQL_TYPE_INT24 ||
	    type == MYSQL_TYPE_LONG || type == MYSQL_TYPE_LONGLONG || type == MYSQL_TYPE_YEAR)
		return DB_INT;
	if (type == MYSQL_TYPE_NEWDECIMAL && field->decimals == 0)
		return DB_INT; /* SUM() of whole numbers */
	if (type == MYSQL_TYPE_DATETIME || type == MYSQL_TYPE_TIMESTAMP || type == MYSQL_TYPE_DATE)
		return DB_TIME;
	if (type == MYSQL_TYPE_NULL)
		return DB_NULL;
	/* numbers and TIME come as text; they too carry the binary character set */
	if (field->charsetnr == BINARY_CHARSET &&
	    (type == MYSQL_TYPE_STRING || type == MYSQL_TYPE_VAR_STRING ||
	     (type >= MYSQL_TYPE_TINY_BLOB && type <= MYSQL_TYPE_BLOB) || type == MYSQL_TYPE_BIT))
		return DB_BYTES;
	return DB_TEXT;
}

void *db_value_unconst(const void *data)
{
	union {
		const void *in;
		void *out;
	} pointer = {.in = data};

	return pointer.out;
}
