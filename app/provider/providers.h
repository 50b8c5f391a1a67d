#ifndef CB_PROVIDER_PROVIDERS_H
#define CB_PROVIDER_PROVIDERS_H
/*
 * providers: the list of them. A new provider touches its own files and this list.
 * Stands on provider, google.
 */
#include <stddef.h>

#include "base/text.h"

struct provider;

/* By name ("google"; "microsoft" finds "outlook"), or NULL. */
const struct provider *providers_find(struct slice name);

/* The i-th of all, or NULL. */
const struct provider *providers_at(size_t i);

#endif
