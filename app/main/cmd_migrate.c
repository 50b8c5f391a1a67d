/* calbridge migrate: brings the schema forward, as the user who may. */
#include <stdio.h>

#include "main/cmd.h"
#include "store/migrations.h"

int cmd_migrate(struct cmd *cmd)
{
	const char *folder = cmd_value(cmd, "sql", CB_SQL_DIR).data;
	struct fail why = {0};
	enum err e = migrations_run(cmd->db, folder, &why);

	if (!e)
		e = migrations_check(cmd->db, &why); /* the folder may lack files */
	if (e)
		return cmd_failed("migrate", e, &why);
	printf("the schema is at version %d\n", SCHEMA_VERSION);
	return CMD_OK;
}
