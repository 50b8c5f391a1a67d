#ifndef CB_WEB_ANSWER_H
#define CB_WEB_ANSWER_H
/*
 * answer: what goes back: JSON, a redirect, a page, or an error in its family's shape. The
 * one place that turns an error into bytes.
 * Stands on io/fcgi, base/json.
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/json.h"
#include "base/text.h"
#include "io/fcgi.h"
#include "web/route.h"

struct request;

struct answer {
	struct fcgi_answer *out;
	struct json_writer json;
};

/* Begins a JSON answer; the caller writes one value into the writer. */
struct json_writer *answer_json(struct answer *an, int status);

/* A JSON answer that was written before. */
void answer_value(struct answer *an, int status, struct slice json);

/* No body. */
void answer_empty(struct answer *an, int status);

/* 302 to url, which the caller has checked or built; control characters are refused (500). */
void answer_redirect(struct answer *an, struct slice url);

/* The same for an answer to a form: 303. */
void answer_see_other(struct answer *an, struct slice url);

/* An HTML body; the caller writes into it. */
struct buf *answer_html(struct answer *an, int status);

/* A body of another type (a constant); the caller writes into it. */
struct buf *answer_text(struct answer *an, int status, const char *content_type);

/* A header; value is refused (500) when it holds control characters. */
void answer_header(struct answer *an, const char *name, struct slice value);

/* A cookie that only this host's HTTPS pages get: Path=/; Secure; HttpOnly; SameSite=Lax. max_age_s
 * 0 deletes it. */
void answer_cookie(struct answer *an, const char *name, struct slice value, int max_age_s);

/*
 * The error in the family's shape, in place of whatever stood there before, with Retry-After,
 * WWW-Authenticate, and for connections connectUrl as it needs.
 */
void answer_error(struct answer *an, const struct request *rq, enum err e, const struct fail *why);

#endif
