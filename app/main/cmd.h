#ifndef CB_MAIN_CMD_H
#define CB_MAIN_CMD_H
/*
 * cmd: the operator's command, one function a subcommand, and what they share. The table of
 * subcommands with their options stands in calbridge.c. Results go to standard output, the rest to
 * standard error. Stands on store, io, base.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/rand.h"
#include "base/text.h"

struct config;
struct db;

/* What the program exits with. */
enum { CMD_OK = 0, CMD_FAILED = 1, CMD_USAGE = 2 };

enum { CMD_OPTIONS_MAX = 6 };

/* --name VALUE */
struct cmd_option {
	const char *name;  /* NULL: no more of them */
	const char *value; /* what the usage calls it */
	bool required;
};

/* One run of a subcommand: its options were checked against the table before. */
struct cmd {
	const char *config_path;
	const struct config *config; /* NULL for doctor, which reads it itself */
	struct db *db;               /* as the user that the table names; NULL for doctor */
	struct arena *arena;
	const struct cmd_option *options;
	const char *values[CMD_OPTIONS_MAX]; /* beside options; NULL: not given */
	const char *operand;                 /* NULL where the table has none */
};

/* The subcommands; each returns what the program exits with. */
int cmd_migrate(struct cmd *cmd);
int cmd_doctor(struct cmd *cmd);
int cmd_tenant_create(struct cmd *cmd);
int cmd_tenant_list(struct cmd *cmd);
int cmd_key_create(struct cmd *cmd);
int cmd_key_list(struct cmd *cmd);
int cmd_key_revoke(struct cmd *cmd);
int cmd_owner_put(struct cmd *cmd);
int cmd_owner_list(struct cmd *cmd);
int cmd_sign_in_link(struct cmd *cmd);
int cmd_status(struct cmd *cmd);

/* The value of --name, or fallback when it was not given. name stands in the table. */
struct slice cmd_value(const struct cmd *cmd, const char *name, const char *fallback);

/* Reads --name as a number within min..max; says so and returns false when it is none. */
bool cmd_number(const struct cmd *cmd, const char *name, int64_t min, int64_t max, int64_t *out);

/* Says what is wrong, formatted, and returns CMD_USAGE. */
int cmd_wrong(const char *format, ...) PRINTF_LIKE(1, 2);

/* Says what failed, in words and with the detail in why (may be NULL), and returns CMD_FAILED. */
int cmd_failed(const char *what, enum err e, const struct fail *why);

/* The tenant that --tenant names, default where it names none; says so when there is none. */
bool cmd_tenant(struct cmd *cmd, struct id *out);

/* Prints text that may come from outside, controls as '?', at least width columns of bytes. */
void cmd_print(struct slice text, int width);

/* Prints a time of day in UTC, or "-" for a negative one, and two spaces. */
void cmd_print_time(int64_t ms);

/*
 * Adds an audit line of the operator in the transaction tx, so that what was done and the line
 * stand together or not at all. tenant may be NULL.
 */
MUST_USE enum err cmd_audit(struct db *tx, const struct id *tenant, const char *action,
			    struct slice object, struct fail *why);

#endif
