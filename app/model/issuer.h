#ifndef CB_MODEL_ISSUER_H
#define CB_MODEL_ISSUER_H
/*
 * issuer: who a provider's answer says it is from. Pure. Stands on base/text.
 * Source: RFC 9207 section 2.4; OpenID Connect Discovery of Microsoft (an issuer for each tenant);
 * security requirement O5.
 */
#include <stdbool.h>

#include "base/text.h"

/*
 * Is it the wanted issuer, byte for byte? "{tenantid}" in wanted stands for the tenant of whoever
 * consented, a UUID: it is put into *tenant, else that is empty.
 */
bool issuer_is(struct slice issuer, const char *wanted, struct slice *tenant);

/* Is the account one of that tenant, as its id begins with it? Of an empty tenant all are. */
bool issuer_has_account(struct slice tenant, struct slice account_id);

#endif
