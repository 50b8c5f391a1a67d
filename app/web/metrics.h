#ifndef CB_WEB_METRICS_H
#define CB_WEB_METRICS_H
/*
 * metrics: counters over all workers of this machine, in one shared page made before the
 * fork, written as Prometheus text.
 * Stands on base/buf.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct metrics;
struct route;

/* For a table of n_routes. NULL without memory. */
struct metrics *metrics_new(size_t n_routes);
/* Gives the page back. NULL is fine. */
void metrics_free(struct metrics *metrics);

/* One request to route i (n_routes: no route) was answered with status within us microseconds. */
void metrics_count(struct metrics *metrics, size_t i, int status, int64_t us);

/* Appends all of it as Prometheus text, by the names of routes. */
void metrics_write(const struct metrics *metrics, const struct route *routes, struct buf *out);

#endif
