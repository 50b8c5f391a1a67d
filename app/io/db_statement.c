#include "io/db_inner.h"

#include <mysqld_error.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 10000, ROWS_FIRST = 16 };

/* The linker gathers all of DB_STATEMENT and marks both ends. */
extern const struct db_statement __start_db_statements[] __attribute__((weak));
extern const struct db_statement __stop_db_statements[] __attribute__((weak));

size_t db_statement_count(void)
{
	return (size_t)(__stop_db_statements - __start_db_statements);
}

void db_statements_each(void (*row)(void *cx, const struct db_statement *statement), void *cx)
{
	for (size_t i = 0; i < db_statement_count(); i++)
		row(cx, &__start_db_statements[i]);
}

static void forget(struct db_prepared **place)
{
	if (!*place)
		return;
	mysql_stmt_close((*place)->handle);
	free(*place);
	*place = NULL;
}

void db_statement_forget(struct db_conn *conn)
{
	for (size_t i = 0; i < db_statement_count(); i++)
		forget(&conn->prepared[i]);
}

static enum err wrong(struct db_call *call, struct fail *why, const char *what)
{
	call->fate = FATE_FAILED;
	return fail_set(why, ERR_INTERNAL, "%s: %s", call->statement->name, what);
}

static enum err no_memory(struct db_call *call, struct fail *why)
{
	call->fate = FATE_FAILED;
	return fail_set(why, ERR_NOMEM, "%s: no memory", call->statement->name);
}

/* Number of a statement, or the count of all when it is none of DB_STATEMENT's. */
static size_t number_of(const struct db_statement *statement)
{
	uintptr_t first = (uintptr_t)__start_db_statements, at = (uintptr_t)statement;

	if (at < first || at >= (uintptr_t)__stop_db_statements)
		return db_statement_count();
	return (at - first) / sizeof(*statement);
}

static enum err prepare_failed(struct db_conn *conn, struct db_call *call, MYSQL_STMT *handle,
			       struct fail *why)
{
	unsigned code = mysql_stmt_errno(handle);
	enum err e = db_error_note(why, call->statement->name, code, mysql_stmt_error(handle));

	call->fate = db_error_fate(code);
	conn->unfit = conn->unfit || db_error_is_unfit(code);
	/* a statement that was not prepared did not run */
	if (call->fate == FATE_LOST)
		call->fate = FATE_UNSENT;
	mysql_stmt_close(handle);
	return e;
}

/* With its room, in one piece. NULL: no memory. */
static struct db_prepared *prepared_new(MYSQL_STMT *handle)
{
	size_t n_in = handle->param_count, n_out = handle->field_count;
	struct db_prepared *prepared =
		calloc(1, sizeof(*prepared) +
				  n_in * (sizeof(prepared->in[0]) + sizeof(prepared->times[0])) +
				  n_out * (sizeof(prepared->out[0]) + sizeof(prepared->cells[0])));

	if (!prepared)
		return NULL;
	prepared->handle = handle;
	prepared->n_in = handle->param_count;
	prepared->n_out = handle->field_count;
	prepared->in = (void *)(prepared + 1);
	prepared->out = prepared->in + n_in;
	prepared->times = (void *)(prepared->out + n_out);
	prepared->cells = (void *)(prepared->times + n_in);
	return prepared;
}

enum err db_statement_prepare(struct db_conn *conn, struct db_call *call, struct db_prepared **out,
			      struct fail *why)
{
	const struct db_statement *statement = call->statement;
	size_t number = number_of(statement);
	struct db_prepared *prepared;
	MYSQL_STMT *handle;

	*out = NULL;
	if (number == db_statement_count())
		return wrong(call, why, "is not made by DB_STATEMENT");
	*out = conn->prepared[number];
	if (*out)
		return OK;
	handle = mysql_stmt_init(conn->mysql);
	if (!handle)
		return no_memory(call, why);
	if (mysql_stmt_prepare(handle, statement->sql, strlen(statement->sql)))
		return prepare_failed(conn, call, handle, why);
	prepared = prepared_new(handle);
	if (!prepared || handle->param_count > DB_PARAMS_MAX ||
	    handle->field_count > DB_COLUMNS_MAX) {
		mysql_stmt_close(handle);
		free(prepared);
		return prepared ? wrong(call, why, "has too many parameters or columns")
				: no_memory(call, why);
	}
	*out = conn->prepared[number] = prepared;
	return OK;
}

enum err db_statement_failed(struct db_conn *conn, struct db_call *call,
			     struct db_prepared *prepared, struct fail *why)
{
	unsigned code = mysql_stmt_errno(prepared->handle);
	enum err e =
		db_error_note(why, call->statement->name, code, mysql_stmt_error(prepared->handle));

	call->fate = db_error_fate(code);
	conn->unfit = conn->unfit || db_error_is_unfit(code);
	if (call->fate <= FATE_CONFLICT)
		mysql_stmt_free_result(prepared->handle);
	/* the server has forgotten it: nothing ran, and a new connection knows it again */
	if (code == ER_UNKNOWN_STMT_HANDLER || code == ER_NEED_REPREPARE)
		call->fate = FATE_UNSENT;
	return call->fate == FATE_LOST && call->writes ? ERR_DB_UNSURE : e;
}

/* Parameters. */

static enum err bind_value(const struct db_value *value, MYSQL_BIND *bind, MYSQL_TIME *time)
{
	switch (value->kind) {
	case DB_INT:
		bind->buffer_type = MYSQL_TYPE_LONGLONG;
		bind->buffer = db_value_unconst(&value->number);
		return OK;
	case DB_TEXT:
	case DB_BYTES:
		bind->buffer_type = value->kind == DB_TEXT ? MYSQL_TYPE_STRING : MYSQL_TYPE_BLOB;
		bind->buffer = db_value_unconst(value->bytes.data);
		bind->buffer_length = value->bytes.len;
		return OK;
	case DB_TIME:
		bind->buffer_type = MYSQL_TYPE_DATETIME;
		bind->buffer = time;
		return db_value_to_time(value->number, time);
	case DB_NULL:
		bind->buffer_type = MYSQL_TYPE_NULL;
		return OK;
	}
	return ERR_INTERNAL;
}

/* Prepares, binds the parameters and runs. */
static enum err execute(struct db_conn *conn, struct db_call *call, struct db_prepared **out,
			struct fail *why)
{
	struct db_prepared *prepared;
	enum err e;

	call->fate = FATE_NONE;
	e = db_statement_prepare(conn, call, &prepared, why);
	*out = prepared;
	if (e)
		return e;
	if (call->n_in != prepared->n_in)
		return wrong(call, why, "has another number of parameters");
	memset(prepared->in, 0, call->n_in * sizeof(prepared->in[0]));
	for (size_t i = 0; i < call->n_in; i++)
		if (bind_value(&call->in[i], &prepared->in[i], &prepared->times[i]))
			return wrong(call, why, "a time lies outside 1970 to 9999");
	if ((call->n_in && mysql_stmt_bind_param(prepared->handle, prepared->in)) ||
	    mysql_stmt_execute(prepared->handle))
		return db_statement_failed(conn, call, prepared, why);
	return OK;
}

/* Writing. */

enum err db_statement_run(struct db_conn *conn, struct db_call *call, struct fail *why)
{
	struct db_prepared *prepared;
	enum err e = execute(conn, call, &prepared, why);

	if (e)
		return e;
	call->affected = mysql_stmt_affected_rows(prepared->handle);
	if (prepared->n_out) /* rows that nobody asked for must not stay in the stream */
		mysql_stmt_free_result(prepared->handle);
	return OK;
}

/* Reading. */

static void bind_columns(struct db_prepared *prepared)
{
	memset(prepared->cells, 0, prepared->n_out * sizeof(prepared->cells[0]));
	memset(prepared->out, 0, prepared->n_out * sizeof(prepared->out[0]));
	for (unsigned i = 0; i < prepared->n_out; i++) {
		struct db_cell *cell = &prepared->cells[i];
		MYSQL_BIND *bind = &prepared->out[i];

		bind->length = &cell->length;
		bind->is_null = &cell->is_null;
		bind->error = &cell->is_cut;
		/* anew each time: a column's type may follow from the parameters */
		cell->kind = db_value_kind(&prepared->handle->fields[i]);
		if (cell->kind == DB_INT) {
			bind->buffer_type = MYSQL_TYPE_LONGLONG;
			bind->buffer = &cell->number;
		} else if (cell->kind == DB_TIME) {
			bind->buffer_type = MYSQL_TYPE_DATETIME;
			bind->buffer = &cell->time;
		} else {
			/* no room: the length alone, take_text then fetches it in place */
			bind->buffer_type = MYSQL_TYPE_STRING;
			bind->buffer = cell;
		}
	}
	mysql_stmt_bind_result(prepared->handle, prepared->out);
}

static enum err take_text(struct db_call *call, struct db_prepared *prepared, unsigned column,
			  size_t len, struct db_value *out, struct fail *why)
{
	MYSQL_BIND bind = {.buffer_type = MYSQL_TYPE_STRING, .buffer_length = len};
	char *text = arena_alloc(call->arena, len + 1);

	if (!text)
		return no_memory(call, why);
	bind.buffer = text;
	if (len && mysql_stmt_fetch_column(prepared->handle, &bind, column, 0))
		return wrong(call, why, "a column cannot be fetched");
	out->bytes = (struct slice){text, len};
	return OK;
}

/* The row that was just fetched, as values. */
static enum err take_row(struct db_call *call, struct db_prepared *prepared, struct db_value *out,
			 struct fail *why)
{
	enum err e = OK;

	for (unsigned i = 0; i < prepared->n_out && !e; i++) {
		const struct db_cell *cell = &prepared->cells[i];

		out[i] = db_null();
		if (cell->is_null)
			continue;
		out[i].kind = cell->kind;
		if (out[i].kind == DB_TIME)
			out[i].number = db_value_from_time(&cell->time);
		else if (out[i].kind != DB_INT)
			e = take_text(call, prepared, i, cell->length, &out[i], why);
		else if (cell->is_cut)
			e = wrong(call, why, "a number is beyond 63 bits");
		else
			out[i].number = cell->number;
	}
	return e;
}

/* Fetches into the bound cells. *more is false behind the last row. */
static enum err fetch(struct db_conn *conn, struct db_call *call, struct db_prepared *prepared,
		      bool *more, struct fail *why)
{
	int result = mysql_stmt_fetch(prepared->handle);

	*more = result == 0 || result == MYSQL_DATA_TRUNCATED;
	if (*more || result == MYSQL_NO_DATA)
		return OK;
	return db_statement_failed(conn, call, prepared, why);
}

enum err db_statement_read(struct db_conn *conn, struct db_call *call, struct fail *why)
{
	struct db_prepared *prepared;
	bool found, more;
	enum err e = execute(conn, call, &prepared, why);

	if (e)
		return e;
	if (prepared->n_out != call->n_out) {
		mysql_stmt_free_result(prepared->handle);
		return wrong(call, why, "has another number of columns");
	}
	bind_columns(prepared);
	e = fetch(conn, call, prepared, &found, why);
	if (!e && found)
		e = take_row(call, prepared, call->out, why);
	if (!e && found) /* the end of the answer may still be an error */
		e = fetch(conn, call, prepared, &more, why);
	if (call->fate <= FATE_FAILED)
		mysql_stmt_free_result(prepared->handle);
	if (!e && !found)
		return ERR_NOT_FOUND;
	return e;
}

/* Room for one more row; *room counts rows. */
static enum err make_room(struct db_call *call, size_t *room, struct fail *why)
{
	struct db_rows *rows = call->rows;
	size_t wanted = *room ? *room * 2 : ROWS_FIRST;
	struct db_value *values;

	if (rows->n_rows < *room)
		return OK;
	if (rows->n_rows >= ROWS_MAX) {
		call->fate = FATE_FAILED;
		return fail_set(why, ERR_TOO_LONG, "%s: more than %d rows", call->statement->name,
				ROWS_MAX);
	}
	if (wanted > ROWS_MAX)
		wanted = ROWS_MAX;
	values = arena_array(call->arena, wanted * rows->n_columns, sizeof(*values));
	if (!values)
		return no_memory(call, why);
	if (rows->n_rows)
		memcpy(values, rows->values, rows->n_rows * rows->n_columns * sizeof(*values));
	rows->values = values;
	*room = wanted;
	return OK;
}

enum err db_statement_read_all(struct db_conn *conn, struct db_call *call, struct fail *why)
{
	struct db_rows *rows = call->rows;
	struct db_prepared *prepared;
	size_t room = 0;
	bool more = false;
	enum err e = execute(conn, call, &prepared, why);

	*rows = (struct db_rows){0};
	if (e)
		return e;
	rows->n_columns = prepared->n_out;
	if (!prepared->n_out)
		return wrong(call, why, "gives no rows");
	bind_columns(prepared);
	while (!(e = fetch(conn, call, prepared, &more, why)) && more) {
		e = make_room(call, &room, why);
		if (!e)
			e = take_row(call, prepared, rows->values + rows->n_rows * rows->n_columns,
				     why);
		if (e)
			break;
		rows->n_rows++;
	}
	if (call->fate <= FATE_FAILED)
		mysql_stmt_free_result(prepared->handle);
	if (e)
		*rows = (struct db_rows){0};
	return e;
}
