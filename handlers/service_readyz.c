/* GET /readyz: the database is there and migrated. Contract 6. */
#include "handlers/routes.h"
#include "store/migrations.h"
#include "web/answer.h"
#include "web/request.h"

enum err service_readyz(struct request *rq, struct answer *an, struct fail *why)
{
	enum err e = migrations_check(rq->work.svc->db, why);
	struct json_writer *json;

	/* Either way it is the operator's turn, and the next look may find it mended. */
	if (e)
		return e == ERR_CONFIG ? fail_because(why, ERR_DB, "the schema is not current") : e;
	json = answer_json(an, 200);
	json_open(json, NULL);
	json_add_bool(json, "ok", true);
	json_close(json);
	return OK;
}
