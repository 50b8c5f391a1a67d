/* calbridge owner put, owner list: the people who own calendars inside a tenant. */
#include <stdio.h>

#include "base/zone.h"
#include "main/cmd.h"
#include "store/owners.h"

enum { NAME_BYTES_MAX = 255 };

static bool is_good(const struct owner *owner)
{
	if (!text_is_id(owner->external_id, true))
		cmd_wrong("--id must be 1 to 128 letters, digits or _ . ~ - @ | : +");
	else if (owner->email.len > 0 && !text_is_email(owner->email))
		cmd_wrong("--email is not an address");
	else if (owner->name.len > NAME_BYTES_MAX || !text_is_utf8(owner->name) ||
		 text_has_control(owner->name, false))
		cmd_wrong("--name must be one line of UTF-8, at most %d bytes", NAME_BYTES_MAX);
	else if (owner->time_zone.len > 0 && !zone_find(owner->time_zone))
		cmd_wrong("--zone is not a time zone of this system, such as Europe/Berlin");
	else
		return true;
	return false;
}

int cmd_owner_put(struct cmd *cmd)
{
	struct owner owner = {
		.external_id = cmd_value(cmd, "id", NULL),
		.email = cmd_value(cmd, "email", NULL),
		.name = cmd_value(cmd, "name", NULL),
		.time_zone = cmd_value(cmd, "zone", NULL),
	};
	struct fail why = {0};
	enum err e;

	if (!is_good(&owner))
		return CMD_USAGE;
	if (!cmd_tenant(cmd, &owner.tenant))
		return CMD_FAILED;
	e = owners_put(cmd->db, &owner, &why);
	if (e)
		return cmd_failed("owner put", e, &why);
	cmd_print(owner.external_id, 0);
	putchar('\n');
	return CMD_OK;
}

int cmd_owner_list(struct cmd *cmd)
{
	struct fail why = {0};
	struct owner *owners;
	struct id tenant;
	size_t n;
	enum err e;

	if (!cmd_tenant(cmd, &tenant))
		return CMD_FAILED;
	e = owners_list(cmd->db, &tenant, cmd->arena, &owners, &n, &why);
	if (e)
		return cmd_failed("owner list", e, &why);
	for (size_t i = 0; i < n; i++) {
		const struct owner *owner = &owners[i];
		bool connected = !id_is_none(&owner->default_connection);

		cmd_print(owner->external_id, 24);
		cmd_print(slice_of(connected ? "calendar" : "none"), 8);
		cmd_print(owner->time_zone.len > 0 ? owner->time_zone : SLICE("-"), 20);
		cmd_print(owner->email.len > 0 ? owner->email : SLICE("-"), 28);
		cmd_print(owner->name, 0);
		putchar('\n');
	}
	return CMD_OK;
}
