#ifndef CB_BASE_ARENA_H
#define CB_BASE_ARENA_H
/*
 * arena: memory that lives as long as one request or job. No single piece is freed; all go
 * together at arena_reset, which also gives large blocks back. Not for secrets: those are in
 * struct secret. One thread at a time. Stands on libc.
 */
#include <stddef.h>

#include "base/err.h"
#include "base/text.h"

struct arena;

/*
 * A new arena whose pieces, each rounded up to 16 bytes, add up to at most ceiling_bytes. The
 * first block (block_bytes) is kept over resets; more are taken as needed, a large piece gets
 * one of its own. NULL when there is no memory.
 */
struct arena *arena_new(size_t block_bytes, size_t ceiling_bytes);

/* Frees it with everything in it. NULL is fine. */
void arena_free(struct arena *arena);

/* Forgets all pieces; keeps the first block, frees the others. */
void arena_reset(struct arena *arena);

/* The same, and overwrites what was handed out: for an arena in which secrets were read. */
void arena_wipe(struct arena *arena);

/* size zeroed bytes, aligned for any type; NULL beyond the ceiling or without memory. */
void *arena_alloc(struct arena *arena, size_t size);

/* n zeroed elements of size bytes; NULL also when n * size overflows. */
void *arena_array(struct arena *arena, size_t n, size_t size);

/*
 * A piece of wanted bytes that begins with the size bytes of piece, the rest zeroed; where it
 * stands if that is the last one handed out, else elsewhere (the old one stays as it is). piece
 * may be NULL with size 0; it is returned as it is when wanted is not more. NULL as above.
 */
void *arena_grow(struct arena *arena, void *piece, size_t size, size_t wanted);

/* A NUL-terminated copy; NULL as above. */
char *arena_copy(struct arena *arena, struct slice text);

/* A formatted, NUL-terminated text; NULL as above. */
char *arena_format(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
