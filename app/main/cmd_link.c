/* calbridge sign-in-link: a link that opens the dashboard for an owner, once. */
#include <openssl/crypto.h>
#include <stdio.h>

#include "base/config.h"
#include "base/digest.h"
#include "io/db.h"
#include "main/cmd.h"
#include "store/owners.h"
#include "store/sessions.h"

enum { SECRET_BYTES_OF_LINK = 32, MINUTES_MAX = 1440, MINUTE_MS = 60000 };

struct link {
	struct owner owner;
	enum role role;
	int64_t valid_ms;
	unsigned char hash[SHA256_BYTES];
};

static bool read_role(const struct cmd *cmd, enum role *out)
{
	struct slice word = cmd_value(cmd, "role", "coach");

	*out = slice_is(word, "admin") ? ROLE_ADMIN : ROLE_COACH;
	if (*out == ROLE_ADMIN || slice_is(word, "coach"))
		return true;
	cmd_wrong("--role must be coach or admin");
	return false;
}

static bool read_owner(struct cmd *cmd, struct owner *out)
{
	struct slice name = slice_of(cmd->operand);
	struct fail why = {0};
	struct id tenant;
	enum err e;

	if (!cmd_tenant(cmd, &tenant))
		return false;
	e = owners_find(cmd->db, &tenant, name, cmd->arena, out, &why);
	if (e == ERR_NOT_FOUND)
		cmd_wrong("there is no owner \"%.*s\" in that tenant; make one with owner put",
			  (int)name.len, name.data);
	else if (e)
		cmd_failed("sign-in-link", e, &why);
	return !e;
}

static enum err offer(struct db *tx, void *cx, struct fail *why)
{
	const struct link *link = cx;
	const struct slice hash = {(const char *)link->hash, SHA256_BYTES};
	const struct id *tenant = &link->owner.tenant;
	enum err e =
		sessions_offer(tx, tenant, &link->owner.id, link->role, hash, link->valid_ms, why);

	if (!e)
		e = cmd_audit(tx, tenant, "sign_in_link", link->owner.external_id, why);
	return e;
}

int cmd_sign_in_link(struct cmd *cmd)
{
	unsigned char random[SECRET_BYTES_OF_LINK];
	char text[BASE64URL_32_BYTES];
	struct link link = {.valid_ms = 15};
	struct fail why = {0};
	struct slice secret;
	enum err e;

	if (!read_role(cmd, &link.role))
		return CMD_USAGE;
	if (cmd_value(cmd, "minutes", NULL).data &&
	    !cmd_number(cmd, "minutes", 1, MINUTES_MAX, &link.valid_ms))
		return CMD_USAGE;
	if (!read_owner(cmd, &link.owner))
		return CMD_FAILED;
	link.valid_ms *= MINUTE_MS;
	rand_fill(random, sizeof(random));
	secret = (struct slice){text, digest_base64url(random, sizeof(random), text)};
	digest_sha256(&secret, 1, link.hash);
	e = db_transact(cmd->db, offer, &link, &why);
	if (!e)
		printf("%s/dashboard/#sign-in=%s\n", cmd->config->public_url, text);
	OPENSSL_cleanse(random, sizeof(random));
	OPENSSL_cleanse(text, sizeof(text));
	return e ? cmd_failed("sign-in-link", e, &why) : CMD_OK;
}
