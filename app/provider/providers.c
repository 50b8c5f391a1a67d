#include "provider/providers.h"

#include "provider/google.h"
#include "provider/outlook.h"

static const struct provider *const PROVIDERS[] = {&PROVIDER_GOOGLE, &PROVIDER_OUTLOOK};

const struct provider *providers_find(struct slice name)
{
	/* the name that people use for it; the row and the log say "outlook" */
	if (slice_is(name, "microsoft"))
		name = SLICE("outlook");
	for (size_t i = 0; i < ARRAY_LEN(PROVIDERS); i++) {
		if (slice_is(name, PROVIDERS[i]->name))
			return PROVIDERS[i];
	}
	return NULL;
}

const struct provider *providers_at(size_t i)
{
	return i < ARRAY_LEN(PROVIDERS) ? PROVIDERS[i] : NULL;
}
