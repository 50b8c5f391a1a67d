/* calbridge status: what stands in the database, in a few lines. */
#include <inttypes.h>
#include <stdio.h>

#include "main/cmd.h"
#include "store/connections.h"
#include "store/mappings.h"
#include "store/migrations.h"
#include "store/provider_limits.h"

static enum err show_schema(struct cmd *cmd, struct fail *why)
{
	enum err e = migrations_check(cmd->db, why);

	if (!e)
		printf("schema: version %d, current\n", SCHEMA_VERSION);
	return e;
}

static enum err show_connections(struct cmd *cmd, struct fail *why)
{
	int64_t counts[CONNECTION_N_STATUSES];
	enum err e = connections_count(cmd->db, cmd->arena, counts, why);

	for (unsigned i = 0; !e && i < CONNECTION_N_STATUSES; i++)
		printf("connections %s: %" PRId64 "\n", connection_status_word(i), counts[i]);
	return e;
}

static enum err show_intents(struct cmd *cmd, struct fail *why)
{
	struct mapping_counts counts;
	enum err e = mappings_count(cmd->db, &counts, why);

	if (!e)
		printf("events intended: %" PRId64 "\nevents unsure: %" PRId64
		       "\nof these due: %" PRId64 "\n",
		       counts.intended, counts.unsure, counts.due);
	return e;
}

static enum err show_pauses(struct cmd *cmd, struct fail *why)
{
	struct provider_pause *pauses;
	size_t n;
	enum err e = provider_limits_list(cmd->db, cmd->arena, &pauses, &n, why);

	if (e)
		return e;
	printf("pauses: %zu\n", n);
	for (size_t i = 0; i < n; i++) {
		fputs("  ", stdout);
		cmd_print(pauses[i].subject, 0);
		printf(": %" PRId64 " s more, ", (pauses[i].left_ms + 999) / 1000);
		cmd_print(pauses[i].reason, 0);
		putchar('\n');
	}
	return OK;
}

int cmd_status(struct cmd *cmd)
{
	struct fail why = {0};
	enum err e = show_schema(cmd, &why);

	if (!e)
		e = show_connections(cmd, &why);
	if (!e)
		e = show_intents(cmd, &why);
	if (!e)
		e = show_pauses(cmd, &why);
	return e ? cmd_failed("status", e, &why) : CMD_OK;
}
