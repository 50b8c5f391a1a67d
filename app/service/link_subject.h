#ifndef CB_SERVICE_LINK_SUBJECT_H
#define CB_SERVICE_LINK_SUBJECT_H
/*
 * link_subject: whom a connect link is for, and what he has connected by now.
 * Stands on model/connect_link, store/owners, store/connections.
 * Source: contract 6.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/text.h"
#include "model/connect_link.h"
#include "store/owners.h"

struct connection;
struct work;

struct link_subject {
	struct connect_link link;
	bool is_over; /* the link's time */
	struct slice tenant_name;
	struct owner owner; /* id none: he has no row yet, only tenant and external id are known */
	const struct connection *connections; /* not the disconnected ones; the oldest first */
	size_t n_connections;
	const struct connection *named; /* of these, the one to consent again; NULL: any calendar */
};

/*
 * Reads the link and looks all this up, into work's arena; changes nothing.
 * ERR_NOT_FOUND: no link of ours, or for somebody who is not here any more, with a reason for the
 * page; those of io/db
 */
MUST_USE enum err link_subject_get(struct work *work, struct slice text, struct link_subject *out,
				   struct fail *why);

#endif
