#include "web/guesses.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/config.h"
#include "web/limits.h"
#include "web/request.h"

enum { IPV6_NETWORK_BYTES = 8 };

struct slice guesses_client(struct slice address, char raw[GUESSES_ADDRESS_BYTES])
{
	struct in6_addr six;

	if (text_copy(raw, GUESSES_ADDRESS_BYTES, address))
		return address;
	if (inet_pton(AF_INET6, raw, &six) != 1 || IN6_IS_ADDR_V4MAPPED(&six))
		return address;
	/* one client has 2^64 addresses to choose from */
	memcpy(raw, &six, IPV6_NETWORK_BYTES);
	return (struct slice){raw, IPV6_NETWORK_BYTES};
}

enum err guesses_check(const struct request *rq, struct fail *why)
{
	char raw[GUESSES_ADDRESS_BYTES];
	unsigned retry_after_s;

	if (limits_within(rq->web->limits, LIMIT_FAILURES, guesses_client(rq->work.address, raw),
			  rq->work.svc->config->rate_failures_per_10min, GUESSES_WINDOW_S,
			  &retry_after_s))
		return OK;
	why->retry_after_s = retry_after_s;
	return fail_set(why, ERR_TOO_MANY, "too many wrong credentials from this address");
}

enum err guesses_count(const struct request *rq, struct fail *why)
{
	char raw[GUESSES_ADDRESS_BYTES];
	unsigned retry_after_s;

	/*
	 * Of many at once more than the limit may have been looked at already; they are not told
	 * what came of it.
	 */
	if (limits_take(rq->web->limits, LIMIT_FAILURES, guesses_client(rq->work.address, raw),
			rq->work.svc->config->rate_failures_per_10min, GUESSES_WINDOW_S,
			&retry_after_s))
		return ERR_NO_CREDENTIAL;
	why->retry_after_s = retry_after_s;
	return fail_set(why, ERR_TOO_MANY, "too many wrong credentials from this address");
}
