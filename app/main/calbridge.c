/* calbridge: the operator's command. The table below is all there is to it. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/config.h"
#include "base/buf.h"
#include "base/config.h"
#include "base/digest.h"
#include "base/log.h"
#include "io/db.h"
#include "io/prefork.h"
#include "main/cmd.h"

enum { LINES_BYTES_MAX = 65536, ARENA_BLOCK_BYTES = 65536, ARENA_BYTES_MAX = 1 << 26 };

/* What is opened before a subcommand runs. */
enum needs { NOTHING, DATABASE, DATABASE_TO_MIGRATE };

struct command {
	const char *name;
	const char *verb; /* the second word, or NULL */
	int (*run)(struct cmd *cmd);
	enum needs needs;
	const char *operand; /* what the usage calls it, or NULL */
	struct cmd_option options[CMD_OPTIONS_MAX];
	const char *about;
};

/* clang-format off */
static const struct command COMMANDS[] = {
	{ "migrate", NULL, cmd_migrate, DATABASE_TO_MIGRATE, NULL,
	  { { "sql", "DIR", false } },
	  "bring the schema forward" },
	{ "doctor", NULL, cmd_doctor, NOTHING, NULL,
	  { { NULL, NULL, false } },
	  "say what is missing and how to mend it" },
	{ "status", NULL, cmd_status, DATABASE, NULL,
	  { { NULL, NULL, false } },
	  "show schema, connections, unfinished events and pauses" },
	{ "tenant", "create", cmd_tenant_create, DATABASE, "NAME",
	  { { NULL, NULL, false } },
	  "make a tenant: a client application with owners and keys of its own" },
	{ "tenant", "list", cmd_tenant_list, DATABASE, NULL,
	  { { NULL, NULL, false } },
	  "list the tenants" },
	{ "key", "create", cmd_key_create, DATABASE, NULL,
	  { { "scope", "SCOPE[,SCOPE...]", true }, { "name", "NAME", true },
	    { "tenant", "TENANT", false }, { "days", "DAYS", false } },
	  "make an API key and print it, this once; of a tenant two of the same name hold at a "
	  "time, so that one can follow the other" },
	{ "key", "list", cmd_key_list, DATABASE, NULL,
	  { { NULL, NULL, false } },
	  "list the API keys, the oldest first, with their last use, exact to an hour" },
	{ "key", "revoke", cmd_key_revoke, DATABASE, "ID|PREFIX",
	  { { NULL, NULL, false } },
	  "end an API key" },
	{ "owner", "put", cmd_owner_put, DATABASE, NULL,
	  { { "id", "EXTERNAL-ID", true }, { "email", "ADDRESS", false },
	    { "name", "NAME", false }, { "zone", "TIME-ZONE", false },
	    { "tenant", "TENANT", false } },
	  "make an owner, or change what is given" },
	{ "owner", "list", cmd_owner_list, DATABASE, NULL,
	  { { "tenant", "TENANT", false } },
	  "list a tenant's owners" },
	{ "sign-in-link", NULL, cmd_sign_in_link, DATABASE, "OWNER",
	  { { "tenant", "TENANT", false },
	    { "role", "coach|admin", false }, { "minutes", "MINUTES", false } },
	  "print a link that opens the dashboard for an owner, once" },
};
/* clang-format on */

static void print_usage(FILE *to, const struct command *command)
{
	fprintf(to, "calbridge [--config FILE] %s", command->name);
	if (command->verb)
		fprintf(to, " %s", command->verb);
	for (size_t i = 0; i < CMD_OPTIONS_MAX && command->options[i].name; i++) {
		const struct cmd_option *option = &command->options[i];

		fprintf(to, option->required ? " --%s %s" : " [--%s %s]", option->name,
			option->value);
	}
	if (command->operand)
		fprintf(to, " %s", command->operand);
	fputc('\n', to);
}

static int print_help(FILE *to, int status)
{
	for (size_t i = 0; i < ARRAY_LEN(COMMANDS); i++) {
		fputs(i == 0 ? "usage: " : "       ", to);
		print_usage(to, &COMMANDS[i]);
		fprintf(to, "           %s\n", COMMANDS[i].about);
	}
	return status;
}

static int wrong_usage(const struct command *command)
{
	fputs("usage: ", stderr);
	print_usage(stderr, command);
	return CMD_USAGE;
}

/* The row that the words begin with; *n_words is how many of them name it. */
static const struct command *find_command(int argc, char **argv, int *n_words)
{
	for (size_t i = 0; i < ARRAY_LEN(COMMANDS); i++) {
		const struct command *row = &COMMANDS[i];

		*n_words = row->verb ? 2 : 1;
		if (argc >= *n_words && !strcmp(argv[0], row->name) &&
		    (!row->verb || !strcmp(argv[1], row->verb)))
			return row;
	}
	return NULL;
}

enum { HELP = CMD_OPTIONS_MAX };

static bool has_all_required(const struct cmd *cmd)
{
	for (size_t i = 0; i < CMD_OPTIONS_MAX && cmd->options[i].name; i++) {
		if (cmd->options[i].required && !cmd->values[i]) {
			cmd_wrong("--%s is missing", cmd->options[i].name);
			return false;
		}
	}
	return true;
}

/*
 * Reads what stands behind the subcommand, argv[0] being its last word. False when that is all:
 * *status then says why.
 */
static bool read_options(const struct command *command, int argc, char **argv, struct cmd *cmd,
			 int *status)
{
	struct option known[CMD_OPTIONS_MAX + 2] = {{NULL, 0, NULL, 0}};
	int letter, n = 0;

	for (; n < CMD_OPTIONS_MAX && command->options[n].name; n++)
		known[n] = (struct option){command->options[n].name, required_argument, NULL, n};
	known[n] = (struct option){"help", no_argument, NULL, HELP};
	cmd->options = command->options;
	*status = CMD_OK;
	optind = 0; /* starts getopt anew */
	while ((letter = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (letter == HELP) {
			fputs("usage: ", stdout);
			print_usage(stdout, command);
			printf("%s\n", command->about);
			return false;
		}
		if (letter == '?') {
			*status = wrong_usage(command);
			return false;
		}
		cmd->values[letter] = optarg;
	}
	if (command->operand && optind < argc)
		cmd->operand = argv[optind++];
	if (optind == argc && (!command->operand || cmd->operand) && has_all_required(cmd))
		return true;
	*status = wrong_usage(command);
	return false;
}

static void say_lines(const struct buf *lines)
{
	struct slice rest = buf_slice(lines);

	while (rest.len > 0) {
		struct slice line = slice_cut(&rest, '\n');

		if (line.len > 0)
			fprintf(stderr, "calbridge: %.*s\n", (int)line.len, line.data);
	}
}

static enum err read_settings(const char *path, struct config **out)
{
	struct buf problems, warnings;
	enum err e;

	buf_init(&problems, NULL, LINES_BYTES_MAX);
	buf_init(&warnings, NULL, LINES_BYTES_MAX);
	e = config_read(path, out, &problems, &warnings);
	say_lines(&warnings);
	say_lines(&problems);
	buf_free(&problems);
	buf_free(&warnings);
	return e;
}

/* Opens what the subcommand needs, runs it, and closes that again. */
static int run(const struct command *command, struct cmd *cmd)
{
	enum db_role role = command->needs == DATABASE_TO_MIGRATE ? DB_MIGRATE : DB_RUN;
	struct config *config = NULL;
	struct fail why = {0};
	int status = CMD_FAILED;
	enum err e;

	if (command->needs == NOTHING)
		return command->run(cmd);
	e = read_settings(cmd->config_path, &config);
	if (e)
		return cmd_failed("settings", e, NULL);
	e = db_open(config, role, &cmd->db, &why);
	cmd->config = config;
	cmd->arena = arena_new(ARENA_BLOCK_BYTES, ARENA_BYTES_MAX);
	if (e || !cmd->arena)
		cmd_failed("start", e ? e : ERR_NOMEM, &why);
	else
		status = command->run(cmd);
	db_close(cmd->db);
	arena_free(cmd->arena);
	config_free(config);
	return status;
}

/* The options before the subcommand. False when that is all: *status then says why. */
static bool read_own_options(int argc, char **argv, struct cmd *cmd, int *status)
{
	static const struct option LONG[] = {{"config", required_argument, NULL, 'c'},
					     {"version", no_argument, NULL, 'v'},
					     {"help", no_argument, NULL, 'h'},
					     {NULL, 0, NULL, 0}};
	int letter;

	while ((letter = getopt_long(argc, argv, "+c:", LONG, NULL)) != -1) {
		if (letter == 'c') {
			cmd->config_path = optarg;
			continue;
		}
		if (letter == 'v')
			*status = puts(PACKAGE_STRING) < 0 ? CMD_FAILED : CMD_OK;
		else if (letter == 'h')
			*status = print_help(stdout, CMD_OK);
		else
			*status = print_help(stderr, CMD_USAGE);
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	const char *from_environment = getenv("CALBRIDGE_CONFIG");
	struct cmd cmd = {.config_path = from_environment ? from_environment : CB_CONFIG_FILE};
	const struct command *command;
	int status, n_words;

	prefork_harden();
	log_start(LOG_INFO, "calbridge");
	if (!read_own_options(argc, argv, &cmd, &status))
		return status;
	argc -= optind;
	argv += optind;
	command = find_command(argc, argv, &n_words);
	if (!command) {
		cmd_wrong("%s", argc > 0 ? "there is no such command" : "which command?");
		return print_help(stderr, CMD_USAGE);
	}
	argc -= n_words - 1;
	argv += n_words - 1;
	if (!read_options(command, argc, argv, &cmd, &status))
		return status;
	if (digest_start())
		return cmd_failed("start", ERR_INTERNAL, NULL);
	status = run(command, &cmd);
	if (fflush(stdout) != 0)
		return cmd_failed("standard output", ERR_INTERNAL, NULL);
	return status;
}
