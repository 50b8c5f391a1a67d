#include "service/svc.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/config.h"
#include "io/batch.h"
#include "io/db.h"
#include "io/flight.h"
#include "io/http.h"
#include "io/tally.h"
#include "store/mappings.h"
#include "store/tenants.h"

_Static_assert((int)BATCH_ITEMS_MAX <= (int)MAPPINGS_AT_ONCE, "a batch is one statement");

static enum err flush_intents(void *cx, void *const items[], size_t n, struct fail *why)
{
	const struct intent *intents[BATCH_ITEMS_MAX];

	for (size_t i = 0; i < n; i++)
		intents[i] = items[i];
	return mappings_add(cx, intents, n, why);
}

static enum err flush_marks(void *cx, void *const items[], size_t n, struct fail *why)
{
	const struct placed_mark *marks[BATCH_ITEMS_MAX];

	for (size_t i = 0; i < n; i++)
		marks[i] = items[i];
	return mappings_mark_placed(cx, marks, n, why);
}

enum err svc_open(const struct config *config, const struct seal_ring *ring,
		  const struct http_trust *trust, struct moment *moments, struct svc *out,
		  struct fail *why)
{
	enum err e;

	*out = (struct svc){.config = config, .ring = ring, .moments = moments};
	e = db_open(config, DB_RUN, &out->db, why);
	if (!e)
		e = db_open(config, DB_RUN_FOR_MANY, &out->intents_db, why);
	if (!e)
		e = db_open(config, DB_RUN_FOR_MANY, &out->marks_db, why);
	if (!e)
		e = http_open(config, trust, &out->http, why);
	if (!e) {
		out->refreshes = flight_new();
		out->slots = flight_new();
		out->calls = tally_new(SVC_FREE_CALLS);
		out->intents = batch_new(flush_intents, out->intents_db, out->db);
		out->marks = batch_new(flush_marks, out->marks_db, out->db);
		if (!out->refreshes || !out->slots || !out->calls || !out->intents || !out->marks)
			e = fail_set(why, ERR_NOMEM, "no memory for a worker");
	}
	if (e)
		svc_close(out);
	return e;
}

void svc_close(struct svc *svc)
{
	batch_free(svc->marks);
	batch_free(svc->intents);
	tally_free(svc->calls);
	flight_free(svc->slots);
	flight_free(svc->refreshes);
	http_close(svc->http);
	db_close(svc->marks_db);
	db_close(svc->intents_db);
	db_close(svc->db);
	free(svc->jwt_tenant);
	*svc = (struct svc){0};
}

/* Of threads that ask at once, the first one's answer is kept. */
static void keep_tenant(struct svc *svc, const struct id *tenant)
{
	struct id *kept = malloc(sizeof(*kept)), *none = NULL;

	if (!kept)
		return; /* the next one asks again */
	*kept = *tenant;
	if (!atomic_compare_exchange_strong(&svc->jwt_tenant, &none, kept))
		free(kept);
}

enum err svc_jwt_tenant(struct svc *svc, struct id *out, struct fail *why)
{
	const struct id *kept = atomic_load(&svc->jwt_tenant);
	enum err e = OK;

	if (kept) {
		*out = *kept;
		return OK;
	}
	e = tenants_find(svc->db, slice_of(svc->config->jwt_tenant), out, why);
	if (!e)
		keep_tenant(svc, out);
	return e == ERR_NOT_FOUND ? fail_set(why, ERR_CONFIG, "JWT_TENANT: there is no such tenant")
				  : e;
}
