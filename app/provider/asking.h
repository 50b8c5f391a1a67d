#ifndef CB_PROVIDER_ASKING_H
#define CB_PROVIDER_ASKING_H
/*
 * asking: one exchange with a provider, and the fate of its answer; the one with a token
 * endpoint leaves no secret behind.
 * Stands on io/http, wire.
 * Source: RFC 6749 sections 3.2 and 4.1.3; security requirements N1 to N5.
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "io/http_ask.h"
#include "provider/provider.h"

/*
 * What an answer means that is no success. body is empty when the answer was not JSON. why has
 * the pause that the answer names.
 */
typedef enum err asking_refusal(struct arena *arena, unsigned call, int status, struct slice body,
				struct fail *why);

/* A question, and who judges a refusal of it. */
struct asking {
	struct http_ask http; /* its deadline and time are cx's */
	unsigned call;        /* the provider's own word for what is asked */
	asking_refusal *refusal;
};

/*
 * Asks within cx's limits; reply lives in cx's arena. OK for a status of success, and where
 * refusal says so; else its error, or that of http_exchange.
 */
MUST_USE enum err asking_run(const struct provider_cx *cx, struct asking *asking,
			     struct http_reply *reply, struct fail *why);

/* Was it a status of success? */
bool asking_succeeded(const struct http_reply *reply);

/* What was answered, as JSON; empty when it says that it is something else. */
struct slice asking_json(const struct http_reply *reply);

/*
 * Posts form to a token endpoint (asking->http.url). What was read of the answer is overwritten
 * at the end; form is the caller's to free.
 *
 * out       NULL: the answer gives nothing back (a revoke); else the grant, owned by the
 *           caller; its scopes live in cx's arena
 * id_token  NULL: not asked for; else owned by the caller, empty when none came
 */
MUST_USE enum err asking_tokens(const struct provider_cx *cx, struct asking *asking,
				const struct buf *form, struct grant *out, struct secret *id_token,
				struct fail *why);

#endif
