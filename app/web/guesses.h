#ifndef CB_WEB_GUESSES_H
#define CB_WEB_GUESSES_H
/*
 * guesses: credentials that were wrong, counted by address: whoever was wrong too often is not
 * listened to for a while, whatever he shows. An IPv6 client is its /64. A token of ours that is
 * only too old is no guess: a client application's server sends those for all of its users.
 * Stands on web/request, web/limits.
 * Source: security requirement A7.
 */
#include "base/err.h"
#include "base/text.h"

struct request;

enum { GUESSES_WINDOW_S = 600, GUESSES_ADDRESS_BYTES = 46 };

/* May this address show a credential? ERR_TOO_MANY: not now, and it is not to be looked at. */
MUST_USE enum err guesses_check(const struct request *rq, struct fail *why);

/* Counts a wrong one. Returns ERR_NO_CREDENTIAL, or ERR_TOO_MANY when it is one too many. */
MUST_USE enum err guesses_count(const struct request *rq, struct fail *why);

/* The part of the address that stands for one client; raw is room for it. */
struct slice guesses_client(struct slice address, char raw[GUESSES_ADDRESS_BYTES]);

#endif
