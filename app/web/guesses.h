#ifndef CB_WEB_GUESSES_H
#define CB_WEB_GUESSES_H
/*
 * guesses: credentials that were wrong, counted by address and by account.
 *
 * An address (of IPv6 the /64) that was wrong RATE_FAILURES_PER_10MIN times in ten minutes is not
 * listened to for a while, whatever it shows. To be right in between forgives nothing.
 *
 * An account is what a wrong credential claims to be: an API key its first characters, a user
 * token its sub, whoever wrote that. It has the same number of failures from all addresses
 * together; then an address that has itself been wrong in these minutes, about anything, is not
 * listened to about this account, and every other address has one try. So guesses from a thousand
 * addresses are a thousand at most and not ten thousand, and nobody can lock anybody out: the right
 * credential is always taken from an address that shows no wrong one. A session's cookie and a
 * sign-in link are 256 random bits that claim nothing: these count by address alone.
 *
 * A token of ours that is only too old is no guess: a client application's server sends those for
 * all of its users.
 * Stands on web/request, web/limits, web/jwt.
 * Source: security requirement A7.
 */
#include "base/err.h"
#include "base/text.h"

struct request;

enum { GUESSES_WINDOW_S = 600, GUESSES_ADDRESS_BYTES = 46 };

/* A credential that may turn out to be wrong. */
struct guess {
	enum guess_kind { GUESS_KEY, GUESS_TOKEN, GUESS_RANDOM } kind;
	struct slice shown; /* of a key or token */
};

/* May it be looked at? ERR_TOO_MANY: not now. */
MUST_USE enum err guesses_check(const struct request *rq, const struct guess *guess,
				struct fail *why);

/* It was wrong. Returns ERR_NO_CREDENTIAL, or ERR_TOO_MANY when it was one too many. */
MUST_USE enum err guesses_count(const struct request *rq, const struct guess *guess,
				struct fail *why);

/* The part of the address that stands for one client; raw is room for it. */
struct slice guesses_client(struct slice address, char raw[GUESSES_ADDRESS_BYTES]);

#endif
