#include "web/audit.h"

#include "base/config.h"
#include "base/log.h"
#include "store/audit_log.h"
#include "web/guesses.h"
#include "web/limits.h"
#include "web/request.h"

void audit_note(const struct request *rq, const char *action, struct slice object,
		const char *result)
{
	const struct audit audit = {
		.tenant = rq->caller.tenant,
		.actor = rq->caller.actor,
		.action = action,
		.object = object,
		.result = result,
		.address = rq->work.address,
		.request_id = rq->work.request_id,
	};
	struct fail why = {0};
	struct log_line line;
	enum err e = audit_log_add(rq->work.svc->db, &audit, &why);

	if (!e)
		return;
	log_begin(&line, LOG_WARNING, "audit_lost");
	log_slice(&line, "requestId", rq->work.request_id);
	log_text(&line, "action", action);
	log_text(&line, "result", result);
	log_fail(&line, e, &why);
	log_end(&line);
}

void audit_note_stranger(const struct request *rq, const char *action, struct slice object,
			 const char *result)
{
	char raw[GUESSES_ADDRESS_BYTES];
	unsigned wait_s;

	if (limits_take(rq->web->limits, LIMIT_STRANGER, guesses_client(rq->work.address, raw),
			rq->work.svc->config->rate_failures_per_10min, GUESSES_WINDOW_S, &wait_s))
		audit_note(rq, action, object, result);
}
