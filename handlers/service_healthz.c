/* GET /healthz: the process lives. Contract 6. */
#include "handlers/routes.h"
#include "web/answer.h"
#include "web/request.h"

enum err service_healthz(struct request *rq, struct answer *an, struct fail *why)
{
	struct json_writer *json = answer_json(an, 200);

	(void)rq;
	(void)why;
	json_open(json, NULL);
	json_add_bool(json, "ok", true);
	json_close(json);
	return OK;
}
