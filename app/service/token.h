#ifndef CB_SERVICE_TOKEN_H
#define CB_SERVICE_TOKEN_H
/*
 * token: an access token that is good for the next provider call.
 * Stands on store/connections, service/application, provider, io/flight, base/seal.
 * Source: RFC 6749 section 6; contract "One refresh"; security requirement K5.
 */
#include "base/err.h"

struct connection;
struct secret;
struct work;

enum { TOKEN_MARGIN_S = 60 };

/*
 * Gives conn's access token, refreshed first if it dies within TOKEN_MARGIN_S.
 * One refresh runs at a time over all processes and hosts; the others wait for it.
 *
 * conn      borrowed; read anew into work's arena when its tokens have changed meanwhile
 * out       empty on entry; on OK owned by the caller, who wipes it
 * returns   OK; ERR_REAUTH (refused, or damaged in the row, which is marked); ERR_SEALED (the key
 *           ring lacks its key, nothing is lost); ERR_MISCONFIGURED (our application is refused,
 *           the provider is paused for everyone); ERR_UPSTREAM, ERR_UPSTREAM_SLOW, ERR_UNREACHABLE,
 *           ERR_THROTTLED (weather: the row notes it, why->retry_after_s is set); ERR_DEADLINE;
 *           those of io/db
 */
MUST_USE enum err token_fresh(struct work *work, struct connection *conn, struct secret *out,
			      struct fail *why);

/*
 * The provider answered 401 to the token that token_fresh gave: gives another one, refreshed unless
 * somebody has done so since. Errors as above. out is wiped first.
 */
MUST_USE enum err token_renew(struct work *work, struct connection *conn, struct secret *out,
			      struct fail *why);

#endif
