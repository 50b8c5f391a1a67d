#ifndef CB_BENCH_STUB_GOOGLE_H
#define CB_BENCH_STUB_GOOGLE_H
/*
 * stub_google: what the stand-in for Google answers, and what it has counted.
 * Only what the benchmark needs: a consent that says yes at once, the token
 * endpoint, userinfo, and events that are made and never read again. It knows
 * each event id it has seen, and refuses an access token that has expired, so
 * that a wrong count cannot look right.
 * Stands on GLib and yajl; safe for several threads.
 * Source: Google's OAuth 2.0 for web server applications, Calendar API v3.
 *
 *	GET  /o/oauth2/v2/auth                 302 back with a code
 *	POST /token                            authorization_code, refresh_token
 *	POST /revoke
 *	GET  /oauth2/v2/userinfo
 *	GET  /calendar/v3/calendars/primary
 *	POST /calendar/v3/calendars/{calendar}/events
 *	GET  /stats                            the counts, as JSON
 *	POST /reset                            all counts to zero, no id known
 *	POST /set?delay_ms=&token_delay_ms=&expires_in=
 */
#include <stdbool.h>
#include <stddef.h>

struct stub_google;

struct stub_request {
	const char *method;
	const char *path;   /* with its query */
	const char *bearer; /* the access token, empty if none was sent */
	const char *body;
	size_t body_len; /* bytes */
};

struct stub_answer {
	int status;
	char *location; /* NULL but for a redirection; g_free */
	char *body;     /* JSON, never NULL; g_free */
	size_t body_len;
	unsigned delay_ms; /* to be waited for before it is sent */
	bool control;      /* a question about the stub itself, which is not counted */
};

/*
 * Makes the stand-in. Lives as long as the program.
 *
 * delay_ms        of a made event
 * token_delay_ms  of every answer of the token endpoint
 * expires_in      seconds that a new access token lives
 */
struct stub_google *stub_google_new(unsigned delay_ms, unsigned token_delay_ms,
				    unsigned expires_in);

/* Answers rq; out is set whatever was asked, its texts are the caller's. */
void stub_google_answer(struct stub_google *g, const struct stub_request *rq,
			struct stub_answer *out);

/* Counts a connection that has asked for something other than control. */
void stub_google_connected(struct stub_google *g, bool http2);

/* Counts requests received and not yet answered: by is 1 or -1. */
void stub_google_in_flight(struct stub_google *g, int by);
#endif
