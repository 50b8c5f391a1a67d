#include "tests/unit/arena_fixture.h"

enum { BLOCK_BYTES = 4096, CEILING_BYTES = 16 * 1024 * 1024 };

struct arena *arena;

int make_arena(void **state)
{
	(void)state;
	arena = arena_new(BLOCK_BYTES, CEILING_BYTES);
	return arena ? 0 : -1;
}

int drop_arena(void **state)
{
	(void)state;
	arena_free(arena);
	arena = NULL;
	return 0;
}
