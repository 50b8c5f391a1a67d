/* calbridge key create, key list, key revoke: API keys of client applications. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "io/db.h"
#include "main/cmd.h"
#include "store/api_keys.h"
#include "store/tenants.h"

#define KEY_MARK "cbk_"

enum {
	KEY_RANDOM_BYTES = 32,
	MARK_BYTES = sizeof(KEY_MARK) - 1,
	KEY_BYTES = MARK_BYTES + BASE64URL_32_BYTES,
	NAME_BYTES_MAX = 128,
	DAYS_MAX = 3650,
	OBJECT_BYTES = 64,
};

static const int64_t DAY_MS = 86400000;

/* A key that is being made or revoked. */
struct change {
	struct api_key_row row;
	struct id tenant;
	unsigned char hash[SHA256_BYTES];
};

static bool scopes_are_known(struct slice scopes)
{
	static const char *const KNOWN[] = {"events", "appointments", "connectors", "admin"};

	while (scopes.data) {
		struct slice word = slice_cut(&scopes, ',');
		bool known = false;

		for (size_t i = 0; i < ARRAY_LEN(KNOWN); i++)
			known = known || slice_is(word, KNOWN[i]);
		if (!known)
			return false;
	}
	return true;
}

static bool read_row(struct cmd *cmd, struct api_key_row *row)
{
	int64_t days;

	*row = (struct api_key_row){
		.id = id_new(),
		.name = cmd_value(cmd, "name", NULL),
		.scopes = cmd_value(cmd, "scope", NULL),
		.expires_ms = -1,
	};
	if (!scopes_are_known(row->scopes))
		cmd_wrong("--scope must be of events, appointments, connectors, admin, "
			  "with commas between");
	else if (row->name.len == 0 || row->name.len > NAME_BYTES_MAX || !text_is_utf8(row->name) ||
		 text_has_control(row->name, false))
		cmd_wrong("--name must be one line of UTF-8, 1 to %d bytes", NAME_BYTES_MAX);
	else if (!cmd_value(cmd, "days", NULL).data)
		return true;
	else if (cmd_number(cmd, "days", 1, DAYS_MAX, &days)) {
		row->expires_ms = clock_now_ms() + days * DAY_MS;
		return true;
	}
	return false;
}

/* As the audit log names keys. */
static struct slice object_of(struct slice prefix, char out[OBJECT_BYTES])
{
	snprintf(out, OBJECT_BYTES, "key:%.*s", (int)prefix.len, prefix.data);
	return slice_of(out);
}

static enum err add(struct db *tx, void *cx, struct fail *why)
{
	struct change *change = cx;
	const struct slice hash = {(const char *)change->hash, SHA256_BYTES};
	char object[OBJECT_BYTES];
	enum err e = api_keys_add(tx, &change->row, &change->tenant, hash, why);

	if (!e)
		e = cmd_audit(tx, &change->tenant, "key_created",
			      object_of(change->row.prefix, object), why);
	return e;
}

static void make_key(char out[KEY_BYTES])
{
	unsigned char random[KEY_RANDOM_BYTES];

	rand_fill(random, sizeof(random));
	memcpy(out, KEY_MARK, MARK_BYTES);
	digest_base64url(random, sizeof(random), out + MARK_BYTES);
	OPENSSL_cleanse(random, sizeof(random));
}

int cmd_key_create(struct cmd *cmd)
{
	char key[KEY_BYTES], id[ID_TEXT_BYTES];
	struct change change = {.row = {.expires_ms = -1}};
	struct fail why = {0};
	struct slice whole;
	enum err e;

	if (!read_row(cmd, &change.row))
		return CMD_USAGE;
	if (!cmd_tenant(cmd, &change.tenant))
		return CMD_FAILED;
	make_key(key);
	whole = slice_of(key);
	digest_sha256(&whole, 1, change.hash);
	change.row.prefix = (struct slice){key, KEY_PREFIX_BYTES};
	e = db_transact(cmd->db, add, &change, &why);
	if (!e) {
		puts(key);
		id_text(&change.row.id, id);
		fprintf(stderr, "key %s: shown this once, only its hash is kept\n", id);
	}
	OPENSSL_cleanse(key, sizeof(key));
	if (e == ERR_DUPLICATE) {
		cmd_wrong("%d keys of that name hold already; revoke the one that key list shows "
			  "to be out of use",
			  API_KEYS_LIVE_MAX);
		return CMD_FAILED;
	}
	return e ? cmd_failed("key create", e, &why) : CMD_OK;
}

static const char *state_of(const struct api_key_row *row)
{
	if (row->revoked_ms >= 0)
		return "revoked";
	if (row->expires_ms >= 0 && row->expires_ms <= clock_now_ms())
		return "expired";
	return row->last_used_ms >= 0 ? "in use" : "unused";
}

static void print_heads(void)
{
	printf("%-26s  %-7s  %-12s  %-24s  %-24s  %-24s  %-24s  %-12s  %-20s  name\n", "id",
	       "state", "prefix", "created", "expires", "last used", "revoked", "tenant", "scopes");
}

static void print_row(const struct api_key_row *row)
{
	char id[ID_TEXT_BYTES];

	id_text(&row->id, id);
	printf("%s  %-7s  ", id, state_of(row));
	cmd_print(row->prefix, KEY_PREFIX_BYTES);
	cmd_print_time(row->created_ms);
	cmd_print_time(row->expires_ms);
	cmd_print_time(row->last_used_ms);
	cmd_print_time(row->revoked_ms);
	cmd_print(row->tenant, 12);
	cmd_print(row->scopes, 20);
	cmd_print(row->name, 0);
	putchar('\n');
}

int cmd_key_list(struct cmd *cmd)
{
	struct fail why = {0};
	struct api_key_row *rows;
	size_t n;
	enum err e = api_keys_list(cmd->db, cmd->arena, &rows, &n, &why);

	if (e)
		return cmd_failed("key list", e, &why);
	if (n > 0)
		print_heads();
	for (size_t i = 0; i < n; i++)
		print_row(&rows[i]);
	return CMD_OK;
}

static enum err revoke(struct db *tx, void *cx, struct fail *why)
{
	const struct change *change = cx;
	char object[OBJECT_BYTES];
	enum err e = api_keys_revoke(tx, &change->row.id, why);

	if (!e)
		e = cmd_audit(tx, &change->tenant, "key_revoked",
			      object_of(change->row.prefix, object), why);
	return e;
}

/* As key list shows the beginning of one. */
static bool is_prefix(struct slice text)
{
	return text.len == KEY_PREFIX_BYTES && slice_starts(text, KEY_MARK);
}

/* By its id, or, while it was not revoked, by its prefix. */
static bool is_named(const struct api_key_row *row, struct slice name)
{
	struct id id;

	if (is_prefix(name))
		return row->revoked_ms < 0 && slice_equal(row->prefix, name);
	return id_read(name, &id) == OK && id_equal(&row->id, &id);
}

/* Fills change with the one key of that name and its tenant. ERR_DUPLICATE: there are several. */
static enum err find_key(struct cmd *cmd, struct slice name, struct change *out, struct fail *why)
{
	struct api_key_row *rows;
	size_t n, found = 0;
	enum err e = api_keys_list(cmd->db, cmd->arena, &rows, &n, why);

	for (size_t i = 0; !e && i < n; i++) {
		if (is_named(&rows[i], name)) {
			out->row = rows[i];
			found++;
		}
	}
	if (e)
		return e;
	if (found != 1)
		return found == 0 ? ERR_NOT_FOUND : ERR_DUPLICATE;
	return tenants_find(cmd->db, out->row.tenant, &out->tenant, why);
}

int cmd_key_revoke(struct cmd *cmd)
{
	struct change change = {.row = {.expires_ms = -1}};
	struct slice name = slice_of(cmd->operand);
	struct fail why = {0};
	struct id id;
	enum err e;

	/* what was typed is not shown again: it may be the key itself */
	if (!is_prefix(name) && id_read(name, &id))
		return cmd_wrong("a key is named by its id or prefix, as key list shows them");
	e = find_key(cmd, name, &change, &why);
	if (e == ERR_DUPLICATE) {
		cmd_wrong("several keys begin like that; name the id");
		return CMD_FAILED;
	}
	if (!e)
		e = db_transact(cmd->db, revoke, &change, &why);
	if (e == ERR_NOT_FOUND) {
		cmd_wrong("there is no such key, or it was revoked before");
		return CMD_FAILED;
	}
	return e ? cmd_failed("key revoke", e, &why) : CMD_OK;
}
