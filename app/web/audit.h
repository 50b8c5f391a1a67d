#ifndef CB_WEB_AUDIT_H
#define CB_WEB_AUDIT_H
/*
 * audit: a request's line in the audit log, by its caller. Stands on web/request, web/limits,
 * web/guesses, store/audit_log.
 * Source: security requirements L4, O1.
 */
#include "base/text.h"

struct request;

/*
 * Notes that the caller did action to object, with result "ok" or an err_code. What cannot be
 * written is told in the log, and the request goes on.
 */
void audit_note(const struct request *rq, const char *action, struct slice object,
		const char *result);

/*
 * The same of what anybody can make happen without showing anything. The audit log keeps its lines
 * for ever, so an address has RATE_FAILURES_PER_10MIN of them in ten minutes; the rest is told in
 * the log alone, where each request has its line.
 */
void audit_note_stranger(const struct request *rq, const char *action, struct slice object,
			 const char *result);

#endif
