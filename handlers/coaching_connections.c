/* GET .../connections/{coachId}: a coach's connections. Contract 3, seed 002. */
#include "base/rfc3339.h"
#include "handlers/routes.h"
#include "store/connections.h"
#include "store/provider_limits.h"
#include "web/answer.h"
#include "web/request.h"

static void write_time(struct json_writer *json, const char *name, int64_t ms)
{
	char text[RFC3339_BYTES];

	rfc3339_utc(ms, text);
	json_add_string(json, name, ms < 0 ? NULL : text);
}

static void write_text(struct json_writer *json, const char *name, struct slice text)
{
	if (text.len)
		json_add_text(json, name, text);
	else
		json_add_null(json, name);
}

/*
 * What all of its provider's connections suffer from is told for each of them; that our application
 * was refused, only until it is known to be taken again.
 */
static struct slice last_error(const struct connection *conn, const struct provider_pause *pauses,
			       size_t n)
{
	if (conn->status != CONNECTION_ACTIVE)
		return conn->refresh_error;
	for (size_t i = 0; i < n; i++)
		if (slice_equal(pauses[i].subject, conn->provider))
			return pauses[i].reason;
	if (slice_is(conn->refresh_error, err_code(ERR_MISCONFIGURED)))
		return (struct slice){NULL, 0};
	return conn->refresh_error;
}

static void write(struct json_writer *json, const struct connection *conn,
		  const struct id *default_id, struct slice error)
{
	char id[ID_TEXT_BYTES];

	id_text(&conn->id, id);
	json_open(json, NULL);
	json_add_string(json, "id", id);
	json_add_text(json, "provider", conn->provider);
	write_text(json, "accountEmail", conn->account_email);
	json_add_text(json, "calendarId", conn->calendar_id);
	write_text(json, "calendarName", conn->calendar_name);
	json_add_string(json, "status", connection_status_word(conn->status));
	write_time(json, "statusSince", conn->status_since_ms);
	write_time(json, "connectedAt", conn->connected_ms);
	json_add_bool(json, "isDefault", id_equal(&conn->id, default_id));
	write_text(json, "lastError", error);
	json_close(json);
}

enum err coaching_connections(struct request *rq, struct answer *an, struct fail *why)
{
	const struct owner *owner = &rq->target.owner;
	struct connection *list = NULL;
	struct provider_pause *pauses = NULL;
	struct json_writer *json;
	size_t n = 0, n_pauses = 0;
	enum err e = OK;

	/* somebody the client application knows and we do not yet: he has connected nothing */
	if (!id_is_none(&owner->id))
		e = connections_list(rq->work.svc->db, &owner->tenant, &owner->id, rq->work.arena,
				     &list, &n, why);
	if (!e && n > 0)
		e = provider_limits_list(rq->work.svc->db, rq->work.arena, &pauses, &n_pauses, why);
	if (e)
		return e;
	json = answer_json(an, 200);
	json_open(json, NULL);
	json_open_array(json, "connections");
	for (size_t i = 0; i < n; i++)
		write(json, &list[i], &owner->default_connection,
		      last_error(&list[i], pauses, n_pauses));
	json_close_array(json);
	json_close(json);
	return OK;
}
