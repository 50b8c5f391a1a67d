#include "service/link_subject.h"

#include "base/clock.h"
#include "service/svc.h"
#include "store/connections.h"
#include "store/tenants.h"

static enum err read_link(const struct work *work, struct slice text, struct connect_link *out,
			  struct fail *why)
{
	enum err e = connect_link_read(work->svc->ring, text, work->arena, out);

	if (e == ERR_BAD_REQUEST)
		return fail_because(
			why, ERR_NOT_FOUND,
			"This link is not complete, or it was not made by this service. "
			"Please open the whole link, or ask for a new one.");
	if (e == ERR_SEALED)
		return fail_because(why, ERR_NOT_FOUND,
				    "This link was made with a key that this service no longer "
				    "has. Please ask for a new one.");
	return e;
}

/* Somebody whom nobody has stored yet is known by name alone. */
static enum err find_owner(const struct work *work, const struct connect_link *link,
			   struct owner *out, struct fail *why)
{
	struct db *db = work->svc->db;
	enum err e;

	if (!link->external_id.len)
		return owners_get(db, &link->tenant, &link->owner, work->arena, out, why);
	e = owners_find(db, &link->tenant, link->external_id, work->arena, out, why);
	if (e != ERR_NOT_FOUND)
		return e;
	*out = (struct owner){.tenant = link->tenant, .external_id = link->external_id};
	return OK;
}

static enum err list_connections(const struct work *work, struct link_subject *out,
				 struct fail *why)
{
	struct connection *list = NULL;
	enum err e = OK;

	if (!id_is_none(&out->owner.id))
		e = connections_list(work->svc->db, &out->owner.tenant, &out->owner.id, work->arena,
				     &list, &out->n_connections, why);
	out->connections = list;
	for (size_t i = 0; i < out->n_connections; i++)
		if (id_equal(&list[i].id, &out->link.connection))
			out->named = &list[i];
	return e;
}

enum err link_subject_get(struct work *work, struct slice text, struct link_subject *out,
			  struct fail *why)
{
	enum err e;

	*out = (struct link_subject){0};
	e = read_link(work, text, &out->link, why);
	if (e)
		return e;
	out->is_over = out->link.expires_ms <= clock_now_ms();
	e = tenants_name(work->svc->db, &out->link.tenant, work->arena, &out->tenant_name, why);
	if (!e)
		e = find_owner(work, &out->link, &out->owner, why);
	if (e == ERR_NOT_FOUND)
		return fail_because(why, e,
				    "Whom this link was made for is not known here any more.");
	return e ? e : list_connections(work, out, why);
}
