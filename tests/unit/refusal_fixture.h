#ifndef CB_TESTS_REFUSAL_FIXTURE_H
#define CB_TESTS_REFUSAL_FIXTURE_H
/*
 * refusal_fixture: a table of what a provider says when it refuses, and what that comes to.
 */
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"

struct refused {
	unsigned calls; /* each of them */
	int status;
	const char *body;
	enum err wanted;
	unsigned pause_s;
};

/* google_json_refusal or outlook_json_refusal. */
typedef enum err refusal_judge(struct arena *arena, unsigned call, int status, struct slice body,
			       struct fail *why);

/* Fails the test at the first of n that is judged otherwise in one of its calls. */
void assert_judged(struct arena *arena, refusal_judge *judge, const struct refused *cases,
		   size_t n);

#endif
