#include "web/audit.h"

#include "base/log.h"
#include "store/audit_log.h"
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
