#include "tests/unit/refusal_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_one(struct arena *arena, refusal_judge *judge, const struct refused *r,
		       unsigned call)
{
	struct fail why = {0};
	enum err e = judge(arena, call, r->status, slice_of(r->body), &why);

	if (e != r->wanted || why.retry_after_s != r->pause_s)
		fail_msg("call %u, %d %s: %s", call, r->status, r->body, err_code(e));
}

void assert_judged(struct arena *arena, refusal_judge *judge, const struct refused *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (unsigned call = 1; call <= cases[i].calls; call *= 2) {
			if (cases[i].calls & call)
				assert_one(arena, judge, &cases[i], call);
		}
	}
}
