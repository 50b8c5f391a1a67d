#include "model/issuer.h"

#include <string.h>

static const char MARK[] = "{tenantid}";

enum { MARK_CHARS = sizeof(MARK) - 1, UUID_CHARS = 36 };

static bool is_uuid(struct slice text)
{
	if (text.len != UUID_CHARS)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (!strchr(dash ? "-" : "0123456789abcdef", text.data[i]) || !text.data[i])
			return false;
	}
	return true;
}

bool issuer_is(struct slice issuer, const char *wanted, struct slice *tenant)
{
	const char *mark = strstr(wanted, MARK);
	size_t before, after;

	*tenant = (struct slice){NULL, 0};
	if (!mark)
		return slice_is(issuer, wanted);
	before = (size_t)(mark - wanted);
	after = strlen(mark + MARK_CHARS);
	if (issuer.len != before + UUID_CHARS + after || memcmp(issuer.data, wanted, before) != 0 ||
	    memcmp(issuer.data + before + UUID_CHARS, mark + MARK_CHARS, after) != 0 ||
	    !is_uuid((struct slice){issuer.data + before, UUID_CHARS}))
		return false;
	*tenant = (struct slice){issuer.data + before, UUID_CHARS};
	return true;
}

bool issuer_has_account(struct slice tenant, struct slice account_id)
{
	return tenant.len == 0 || (account_id.len > tenant.len &&
				   memcmp(account_id.data, tenant.data, tenant.len) == 0);
}
