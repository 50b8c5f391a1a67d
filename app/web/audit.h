#ifndef CB_WEB_AUDIT_H
#define CB_WEB_AUDIT_H
/*
 * audit: a request's line in the audit log, by its caller. Stands on web/request,
 * store/audit_log.
 * Source: security requirement L4.
 */
#include "base/text.h"

struct request;

/*
 * Notes that the caller did action to object, with result "ok" or an err_code. What cannot be
 * written is told in the log, and the request goes on.
 */
void audit_note(const struct request *rq, const char *action, struct slice object,
		const char *result);

#endif
