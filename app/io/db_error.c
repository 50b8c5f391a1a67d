#include "io/db_inner.h"

#include <errmsg.h>
#include <mysqld_error.h>
#include <string.h>

enum {
	CLIENT_ERRORS_FROM = 2000, /* Connector/C's own numbers */
	CLIENT_ERRORS_TO = 2999,
	LIBRARY_ERRORS_FROM = 5000, /* and its later ones */
	LIBRARY_ERRORS_TO = 5999,
};

static bool is_of_the_library(unsigned code)
{
	return (code >= CLIENT_ERRORS_FROM && code <= CLIENT_ERRORS_TO) ||
	       (code >= LIBRARY_ERRORS_FROM && code <= LIBRARY_ERRORS_TO);
}

enum db_fate db_error_fate(unsigned code)
{
	switch (code) {
	case ER_LOCK_DEADLOCK:
	case ER_LOCK_WAIT_TIMEOUT:
	case ER_CHECKREAD:
		return FATE_CONFLICT;
	case ER_OPTION_PREVENTS_STATEMENT: /* a read-only server */
	case ER_READ_ONLY_MODE:
		return FATE_ELSEWHERE;
	case ER_ERROR_DURING_COMMIT:
	case ER_SERVER_SHUTDOWN:
	case ER_CONNECTION_KILLED:
	case ER_UNKNOWN_COM_ERROR: /* Galera: this node is not ready, or has just left */
	case ER_NET_READ_ERROR:
	case ER_NET_READ_INTERRUPTED:
	case ER_NET_ERROR_ON_WRITE:
	case ER_NET_WRITE_INTERRUPTED:
	case ER_NET_PACKETS_OUT_OF_ORDER:
		return FATE_LOST;
	default:
		/* a number we do not know, of the library: the stream may be out of step */
		return is_of_the_library(code) ? FATE_LOST : FATE_FAILED;
	}
}

bool db_error_is_unfit(unsigned code)
{
	return code == ER_UNKNOWN_COM_ERROR || code == ER_SERVER_SHUTDOWN ||
	       db_error_fate(code) == FATE_ELSEWHERE;
}

static enum err error_word(unsigned code)
{
	switch (code) {
	case ER_DUP_ENTRY:
	case ER_DUP_ENTRY_WITH_KEY_NAME:
		return ERR_DUPLICATE;
	case ER_ROW_IS_REFERENCED_2:
	case ER_NO_REFERENCED_ROW_2:
		return ERR_STALE;
	case CR_OUT_OF_MEMORY:
		return ERR_NOMEM;
	case ER_RECORD_FILE_FULL: /* full disk: the row was refused, the server lives on */
	case ER_DISK_FULL:
	case ER_ERROR_ON_WRITE:
	case ER_GET_ERRNO:
	case ER_OUTOFMEMORY:
	case ER_OUT_OF_SORTMEMORY:
	case ER_OUT_OF_RESOURCES:
	case ER_LOCK_TABLE_FULL:
	case ER_QUERY_INTERRUPTED:
	case ER_STATEMENT_TIMEOUT:
	case ER_CON_COUNT_ERROR:
	case ER_TOO_MANY_USER_CONNECTIONS:
	case ER_USER_LIMIT_REACHED:
	case ER_NEED_REPREPARE:
	case ER_UNKNOWN_STMT_HANDLER:
		return ERR_DB;
	default:
		return db_error_fate(code) == FATE_FAILED ? ERR_INTERNAL : ERR_DB;
	}
}

/* Errors whose text quotes what was to be stored, which has no business in the log. */
static bool text_may_hold_values(unsigned code)
{
	switch (code) {
	case ER_TRUNCATED_WRONG_VALUE:
	case ER_TRUNCATED_WRONG_VALUE_FOR_FIELD:
	case ER_WRONG_VALUE:
	case ER_WRONG_VALUE_FOR_TYPE:
	case ER_DATA_OUT_OF_RANGE:
	case ER_INVALID_CHARACTER_STRING:
	case ER_CANNOT_CONVERT_CHARACTER:
	case ER_ILLEGAL_VALUE_FOR_TYPE:
		return true;
	default:
		return false;
	}
}

enum err db_error_note(struct fail *why, const char *name, unsigned code, const char *text)
{
	enum err e = error_word(code);

	/* "Duplicate entry 'what was given' for key 'its name'": the name alone */
	if (e == ERR_DUPLICATE) {
		const char *key = strstr(text, " for key '");

		for (const char *next = key; next; next = strstr(key + 1, " for key '"))
			key = next;
		return fail_set(why, e, "%s: %u%s", name, code, key ? key : "");
	}
	if (text_may_hold_values(code))
		return fail_set(why, e, "%s: %u", name, code);
	return fail_set(why, e, "%s: %u %s", name, code, text);
}
