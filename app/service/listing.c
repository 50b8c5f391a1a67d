#include "service/listing.h"

#include <string.h>

#include "model/event.h"
#include "model/page_token.h"
#include "service/calling.h"
#include "service/showing.h"
#include "service/svc.h"
#include "store/callers.h"
#include "store/connections.h"
#include "store/kept_events.h"
#include "store/mappings.h"

/* Empty pages of a provider that are passed over before one is shown as it is. */
enum { EMPTY_PAGES_MAX = 8 };

/* A calendar, and the connection that reads it. */
struct source {
	struct connection *connection;
	struct slice calendar_id;
};

/* One list on its way. */
struct run {
	struct work *work;
	struct target *target;
	const struct listing_ask *ask;
	struct source *sources; /* in the order of kept_events_calendars */
	size_t n_sources;
	size_t at;              /* the one that is read */
	struct slice page;      /* of it */
	struct placed_list got; /* from it */
};

static struct connection *find_connection(struct connection *list, size_t n, const struct id *id)
{
	for (size_t i = 0; i < n; i++) {
		if (id_equal(&list[i].id, id))
			return &list[i];
	}
	return NULL;
}

/* What is disconnected is left out: the owner wanted it so. */
static enum err find_sources(struct run *run, struct fail *why)
{
	const struct owner *owner = &run->target->owner;
	const struct kept_owner whose = {.tenant = &owner->tenant, .owner = &owner->id};
	struct work *work = run->work;
	struct kept_calendar *calendars;
	struct connection *connections;
	size_t n_connections, n = 0;
	enum err e = connections_list(work->svc->db, &owner->tenant, &owner->id, work->arena,
				      &connections, &n_connections, why);

	if (!e && n_connections == 0)
		return ERR_NO_CONNECTION;
	if (!e)
		e = kept_events_calendars(work->svc->db, whose, work->arena, &calendars, &n, why);
	if (e)
		return e;
	run->sources = arena_array(work->arena, n + 1, sizeof(*run->sources));
	if (!run->sources)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++) {
		struct connection *conn =
			find_connection(connections, n_connections, &calendars[i].connection);

		if (conn)
			run->sources[run->n_sources++] =
				(struct source){conn, calendars[i].calendar_id};
	}
	return OK;
}

/* Another connection than the default one may be of another provider, with a pause of its own. */
static enum err judge(const struct run *run, const struct connection *connection, struct fail *why)
{
	const struct target *target = run->target;
	struct target named;
	enum err e;

	if (id_equal(&connection->id, &target->connection.id))
		return calling_judge(target, why);
	e = callers_target_of(run->work->svc->db, &target->owner.tenant, &connection->id,
			      run->work->arena, &named, why);
	return e ? e : calling_judge(&named, why);
}

/* Who is told that one of them must be mended finds it in target. */
static enum err judge_sources(const struct run *run, struct fail *why)
{
	for (size_t i = 0; i < run->n_sources; i++) {
		enum err e = judge(run, run->sources[i].connection, why);

		if (e) {
			run->target->connection = *run->sources[i].connection;
			return e;
		}
	}
	return OK;
}

static struct page_list list_of(const struct run *run)
{
	return (struct page_list){
		.tenant = &run->target->owner.tenant,
		.owner = &run->target->owner.id,
		.from_ms = run->ask->from_ms,
		.to_ms = run->ask->to_ms,
	};
}

static bool is_before(const struct source *source, const struct page_place *place)
{
	int order = memcmp(source->connection->id.bytes, place->connection.bytes, ID_BYTES);
	size_t len = source->calendar_id.len < place->calendar_id.len ? source->calendar_id.len
								      : place->calendar_id.len;

	if (order == 0)
		order = len ? memcmp(source->calendar_id.data, place->calendar_id.data, len) : 0;
	return order < 0 || (order == 0 && source->calendar_id.len < place->calendar_id.len);
}

static bool is_at(const struct source *source, const struct page_place *place)
{
	return id_equal(&source->connection->id, &place->connection) &&
	       slice_equal(source->calendar_id, place->calendar_id);
}

/* Where the page before has left off. A calendar that is gone since is passed over. */
static enum err find_place(struct run *run, struct fail *why)
{
	const struct page_list list = list_of(run);
	struct page_place place;
	enum err e;

	if (run->ask->page.len == 0)
		return OK;
	e = page_token_read(run->work->svc->ring, &list, run->ask->page, run->work->arena, &place);
	if (e == ERR_BAD_REQUEST)
		return fail_because(why, e, "pageToken is not one of this list");
	if (e)
		return e;
	while (run->at < run->n_sources && is_before(&run->sources[run->at], &place))
		run->at++;
	if (run->at < run->n_sources && is_at(&run->sources[run->at], &place))
		run->page = place.page;
	return OK;
}

static enum err ask_list(struct calling *calling, void *arg, struct fail *why)
{
	struct run *run = arg;
	const struct event_range range = {
		.from_ms = run->ask->from_ms,
		.to_ms = run->ask->to_ms,
		.max = KEPT_EVENTS_MAX,
		.page = run->page,
	};
	char owner[ID_TEXT_BYTES];

	id_text(&run->target->owner.id, owner);
	return calling->provider->list(&calling->cx, owner, &range, &run->got, why);
}

/* A calendar that is not there any more holds nothing of ours either. */
static enum err read_page(struct run *run, struct fail *why)
{
	const struct source *source = &run->sources[run->at];
	struct calling calling;
	enum err e = calling_begin(&calling, run->work, source->connection, why);

	run->got = (struct placed_list){0};
	calling.cx.calendar_id = source->calendar_id;
	calling.cx.whole = true;
	if (!e)
		e = calling_ask(&calling, ask_list, run, why);
	calling_end(&calling);
	if (e == ERR_BAD_REQUEST)
		return fail_because(why, e, "pageToken is too old: begin anew");
	if (e == ERR_SCOPE_MISSING)
		e = ERR_REAUTH;
	if (e == ERR_REAUTH)
		run->target->connection = *source->connection;
	return e == ERR_GONE ? OK : e;
}

/* Behind the page that was read; false: there is nothing more. */
static bool step(struct run *run)
{
	run->page = run->got.next;
	if (run->page.len == 0)
		run->at++;
	return run->at < run->n_sources;
}

/* A copy by hand bears the marker, too; an instance stands for the event that it was made of. */
static bool is_of(const struct placed *item, const struct mapping *row)
{
	return slice_equal(row->provider_event_id, item->series.len > 0 ? item->series : item->id);
}

/* The row of an event in this calendar; one that is seen through another calendar is not shown. */
static const struct mapping *row_of(const struct source *source, const struct placed *item,
				    const struct kept_list *kept)
{
	struct id id;

	if (id_read(item->marker, &id))
		return NULL;
	for (size_t i = 0; i < kept->n_rows; i++) {
		const struct mapping *row = &kept->rows[i];

		if (id_equal(&row->id, &id) && row->state == MAPPING_PLACED && is_of(item, row) &&
		    id_equal(&row->connection, &source->connection->id) &&
		    slice_equal(row->calendar_id, source->calendar_id))
			return row;
	}
	return NULL;
}

static enum err show(const struct run *run, const struct mapping *row, const struct placed *item,
		     struct slice *out)
{
	struct event kept;
	struct showing showing = {
		.mapping = row,
		.connection = run->sources[run->at].connection,
		.owner_zone = run->target->owner.time_zone,
	};
	enum err e = OK;

	if (row->event.len > 0) {
		e = event_read(run->work->arena, row->event, &kept);
		showing.kept = &kept;
	}
	return e ? e : showing_write(run->work, &showing, item, out);
}

/* The rows of what was read. */
static enum err find_rows(const struct run *run, struct kept_list *kept, struct fail *why)
{
	const struct owner *owner = &run->target->owner;
	const struct kept_owner whose = {.tenant = &owner->tenant, .owner = &owner->id};
	struct id ids[KEPT_EVENTS_MAX];

	*kept = (struct kept_list){.ids = ids};
	for (size_t i = 0; i < run->got.n && kept->n_ids < KEPT_EVENTS_MAX; i++) {
		if (!id_read(run->got.items[i].marker, &ids[kept->n_ids]))
			kept->n_ids++;
	}
	return kept_events_of(run->work->svc->db, whose, kept, run->work->arena, why);
}

static enum err show_all(const struct run *run, struct listing *out, struct fail *why)
{
	struct slice *items = arena_array(run->work->arena, run->got.n + 1, sizeof(*items));
	struct kept_list kept;
	enum err e = items ? find_rows(run, &kept, why) : ERR_NOMEM;

	out->items = items;
	out->n = 0;
	for (size_t i = 0; i < run->got.n && !e; i++) {
		const struct placed *item = &run->got.items[i];
		const struct mapping *row = row_of(&run->sources[run->at], item, &kept);

		if (row && !item->cancelled)
			e = show(run, row, item, &items[out->n++]);
	}
	return e;
}

static enum err name_next(const struct run *run, struct listing *out)
{
	const struct page_list list = list_of(run);
	const struct source *source = &run->sources[run->at];
	const struct page_place place = {
		.connection = source->connection->id,
		.calendar_id = source->calendar_id,
		.page = run->page,
	};

	return page_token_write(run->work->svc->ring, &list, &place, run->work->arena, &out->next);
}

/* A page with something on it, or the last one. */
static enum err read_on(struct run *run, struct listing *out, struct fail *why)
{
	bool more = run->at < run->n_sources;
	enum err e = OK;

	for (unsigned empty = 0; more && !e && out->n == 0 && empty < EMPTY_PAGES_MAX; empty++) {
		e = read_page(run, why);
		if (!e)
			e = show_all(run, out, why);
		more = step(run);
	}
	return !e && more ? name_next(run, out) : e;
}

enum err listing_run(struct work *work, struct target *target, const struct listing_ask *ask,
		     struct listing *out, struct fail *why)
{
	struct run run = {.work = work, .target = target, .ask = ask};
	enum err e = id_is_none(&target->owner.id) ? ERR_NO_CONNECTION : OK;

	*out = (struct listing){0};
	if (!e)
		e = find_sources(&run, why);
	if (!e)
		e = judge_sources(&run, why);
	if (!e)
		e = find_place(&run, why);
	return e ? e : read_on(&run, out, why);
}
