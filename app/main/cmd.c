#include "main/cmd.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/rfc3339.h"
#include "store/audit_log.h"
#include "store/tenants.h"

struct slice cmd_value(const struct cmd *cmd, const char *name, const char *fallback)
{
	for (size_t i = 0; i < CMD_OPTIONS_MAX && cmd->options[i].name; i++) {
		if (!strcmp(cmd->options[i].name, name) && cmd->values[i])
			return slice_of(cmd->values[i]);
	}
	return slice_of(fallback);
}

bool cmd_number(const struct cmd *cmd, const char *name, int64_t min, int64_t max, int64_t *out)
{
	struct slice value = cmd_value(cmd, name, "");

	if (text_to_int(value, min, max, out) == OK)
		return true;
	cmd_wrong("--%s must be a number from %lld to %lld", name, (long long)min, (long long)max);
	return false;
}

int cmd_wrong(const char *format, ...)
{
	va_list args;

	fputs("calbridge: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return CMD_USAGE;
}

int cmd_failed(const char *what, enum err e, const struct fail *why)
{
	fprintf(stderr, "calbridge: %s: %s", what, err_text(e));
	if (why && why->detail[0])
		fprintf(stderr, " (%s)", why->detail);
	fputc('\n', stderr);
	if (e == ERR_DB_UNSURE)
		fputs("calbridge: look what stands before you repeat it\n", stderr);
	return CMD_FAILED;
}

bool cmd_tenant(struct cmd *cmd, struct id *out)
{
	struct slice name = cmd_value(cmd, "tenant", "default");
	struct fail why = {0};
	enum err e = tenants_find(cmd->db, name, out, &why);

	if (e == ERR_NOT_FOUND)
		cmd_wrong("there is no tenant \"%.*s\"", (int)name.len, name.data);
	else if (e)
		cmd_failed("tenant", e, &why);
	return !e;
}

void cmd_print(struct slice text, int width)
{
	size_t i = 0;

	for (; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		putchar(c < 0x20 || c == 0x7F ? '?' : c);
	}
	for (; i < (size_t)width; i++)
		putchar(' ');
	if (width > 0)
		fputs("  ", stdout);
}

void cmd_print_time(int64_t ms)
{
	char text[RFC3339_BYTES] = "-";

	if (ms >= 0)
		rfc3339_utc(ms, text);
	printf("%-24s  ", text);
}

enum err cmd_audit(struct db *tx, const struct id *tenant, const char *action, struct slice object,
		   struct fail *why)
{
	struct audit audit = {
		.actor = SLICE("operator"),
		.action = action,
		.object = object,
		.result = "ok",
	};

	if (tenant)
		audit.tenant = *tenant;
	return audit_log_add(tx, &audit, why);
}
