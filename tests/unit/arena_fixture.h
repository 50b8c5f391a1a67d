#ifndef CB_TESTS_ARENA_FIXTURE_H
#define CB_TESTS_ARENA_FIXTURE_H
/*
 * arena_fixture: one arena for all tests of a program that only read and write text.
 */
#include "base/arena.h"

extern struct arena *arena;

/* For cmocka_run_group_tests. */
int make_arena(void **state);
int drop_arena(void **state);

#endif
