#include "web/guesses.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/config.h"
#include "store/api_keys.h"
#include "web/jwt.h"
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

/* What the guess claims to be; empty when that is nothing, or nothing that could be. */
static struct slice account_of(const struct request *rq, const struct guess *guess)
{
	struct arena *arena = rq->work.arena;
	struct slice name = {NULL, 0};
	char *account = NULL;

	if (guess->kind == GUESS_KEY)
		name = (struct slice){guess->shown.data, guess->shown.len < KEY_PREFIX_BYTES
								 ? guess->shown.len
								 : KEY_PREFIX_BYTES};
	else if (guess->kind == GUESS_TOKEN)
		name = jwt_claimed_subject(arena, guess->shown);
	if (name.len > 0)
		account = arena_format(arena, "%s:%.*s", guess->kind == GUESS_KEY ? "key" : "owner",
				       (int)name.len, name.data);
	return slice_of(account);
}

/* Was this subject wrong less often than that? */
static bool is_within(const struct request *rq, enum limit_kind kind, struct slice subject,
		      int64_t max, struct fail *why)
{
	return limits_within(rq->web->limits, kind, subject, max, GUESSES_WINDOW_S,
			     &why->retry_after_s);
}

enum err guesses_check(const struct request *rq, const struct guess *guess, struct fail *why)
{
	int64_t max = rq->work.svc->config->rate_failures_per_10min;
	char raw[GUESSES_ADDRESS_BYTES];
	struct slice client = guesses_client(rq->work.address, raw);
	struct slice account;

	if (!is_within(rq, LIMIT_FAILURES, client, max, why))
		return fail_set(why, ERR_TOO_MANY, "too many wrong credentials from this address");
	/* most were never wrong, and cost no more */
	if (is_within(rq, LIMIT_FAILURES, client, 1, why))
		return OK;
	account = account_of(rq, guess);
	if (account.len > 0 && !is_within(rq, LIMIT_ACCOUNT, account, max, why))
		return fail_set(why, ERR_TOO_MANY, "too many wrong credentials of this account");
	why->retry_after_s = 0;
	return OK;
}

/* Counts one; false: it is one too many. */
static bool take(const struct request *rq, enum limit_kind kind, struct slice subject,
		 struct fail *why)
{
	unsigned retry_after_s;
	bool taken = limits_take(rq->web->limits, kind, subject,
				 rq->work.svc->config->rate_failures_per_10min, GUESSES_WINDOW_S,
				 &retry_after_s);

	if (retry_after_s > why->retry_after_s)
		why->retry_after_s = retry_after_s;
	return taken;
}

enum err guesses_count(const struct request *rq, const struct guess *guess, struct fail *why)
{
	char raw[GUESSES_ADDRESS_BYTES];
	struct slice client = guesses_client(rq->work.address, raw);
	struct slice account = account_of(rq, guess);
	bool client_may = take(rq, LIMIT_FAILURES, client, why);
	bool account_may = account.len == 0 || take(rq, LIMIT_ACCOUNT, account, why);

	/*
	 * Of many at once more than the limit may have been looked at already; they are not told
	 * what came of it.
	 */
	if (client_may && account_may)
		return ERR_NO_CREDENTIAL;
	return fail_set(why, ERR_TOO_MANY, "too many wrong credentials from this %s",
			client_may ? "account" : "address");
}
