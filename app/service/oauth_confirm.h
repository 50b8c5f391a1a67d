#ifndef CB_SERVICE_OAUTH_CONFIRM_H
#define CB_SERVICE_OAUTH_CONFIRM_H
/*
 * oauth_confirm: a person has looked at whose calendar it is, and says yes or no.
 * Stands on service/oauth_end, store/oauth_states, base/seal.
 * Source: security requirements O6, O11.
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/text.h"

struct id;
struct oauth_result;
struct work;

/*
 * Ends a flow that waits for confirmation. Who answers second is shown what came of the first
 * answer. ERR_NOT_FOUND; ERR_BAD_STATE: another browser's, or nobody was asked; those of io/db
 */
MUST_USE enum err oauth_confirm(struct work *work, const struct id *flow, struct slice browser,
				bool yes, struct oauth_result *result, struct fail *why);

#endif
