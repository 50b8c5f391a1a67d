/* calbridge tenant create, tenant list: the client applications, which share nothing. */
#include <stdio.h>

#include "io/db.h"
#include "main/cmd.h"
#include "store/tenants.h"

static enum err add(struct db *tx, void *cx, struct fail *why)
{
	const struct tenant *tenant = cx;
	enum err e = tenants_add(tx, &tenant->id, tenant->name, why);

	return e ? e : cmd_audit(tx, &tenant->id, "tenant_created", tenant->name, why);
}

int cmd_tenant_create(struct cmd *cmd)
{
	struct tenant tenant = {.id = id_new(), .name = slice_of(cmd->operand)};
	struct fail why = {0};
	enum err e;

	if (!text_is_id(tenant.name, false) || tenant.name.len > TENANT_NAME_BYTES_MAX)
		return cmd_wrong("a tenant's name is 1 to %d letters, digits or _ . ~ -",
				 TENANT_NAME_BYTES_MAX);
	e = db_transact(cmd->db, add, &tenant, &why);
	if (e == ERR_DUPLICATE) {
		cmd_wrong("there is a tenant \"%.*s\" already", (int)tenant.name.len,
			  tenant.name.data);
		return CMD_FAILED;
	}
	if (e)
		return cmd_failed("tenant create", e, &why);
	cmd_print(tenant.name, 0);
	putchar('\n');
	return CMD_OK;
}

int cmd_tenant_list(struct cmd *cmd)
{
	struct fail why = {0};
	struct tenant *tenants;
	size_t n;
	enum err e = tenants_list(cmd->db, cmd->arena, &tenants, &n, &why);

	if (e)
		return cmd_failed("tenant list", e, &why);
	for (size_t i = 0; i < n; i++) {
		cmd_print_time(tenants[i].created_ms);
		cmd_print(tenants[i].name, 0);
		putchar('\n');
	}
	return CMD_OK;
}
