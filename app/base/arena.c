#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_WATCHED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ARENA_WATCHED 1
#endif

/*
 * Under AddressSanitizer what is not handed out is poisoned, and a gap is left behind each
 * piece, so that an overrun from one piece into the next is found as on the heap.
 */
#ifdef ARENA_WATCHED
#include <sanitizer/asan_interface.h>
enum { GAP_BYTES = 16 };
#else
#define ASAN_POISON_MEMORY_REGION(data, size) ((void)(data), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(data, size) ((void)(data), (void)(size))
enum { GAP_BYTES = 0 };
#endif

enum {
	ALIGN = _Alignof(max_align_t),
	BLOCK_BYTES_MAX = 64 * 1024, /* later blocks double up to this */
};

struct block {
	struct block *next;
	size_t size;
	size_t used;
	_Alignas(max_align_t) unsigned char data[];
};

struct arena {
	size_t ceiling;
	size_t given;
	size_t next_block; /* bytes of the next block to be taken */
	struct block *first;
	struct block
		*current; /* small pieces come from here; large ones have blocks of their own */
};

static size_t aligned(size_t size)
{
	return (size + ALIGN - 1) / ALIGN * ALIGN;
}

static struct block *block_new(size_t size)
{
	struct block *block = malloc(sizeof(*block) + size);

	if (!block)
		return NULL;
	block->next = NULL;
	block->size = size;
	block->used = 0;
	ASAN_POISON_MEMORY_REGION(block->data, size);
	return block;
}

static void block_free(struct block *block)
{
	ASAN_UNPOISON_MEMORY_REGION(block->data, block->size);
	free(block);
}

struct arena *arena_new(size_t block_bytes, size_t ceiling_bytes)
{
	struct arena *arena = malloc(sizeof(*arena));
	struct block *first = block_new(aligned(block_bytes));

	if (!arena || !first) {
		free(arena);
		if (first)
			block_free(first);
		return NULL;
	}
	*arena = (struct arena){
		.ceiling = ceiling_bytes,
		.next_block = first->size,
		.first = first,
		.current = first,
	};
	return arena;
}

static void free_later_blocks(struct arena *arena)
{
	struct block *block = arena->first->next;

	while (block) {
		struct block *next = block->next;

		block_free(block);
		block = next;
	}
	arena->first->next = NULL;
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	free_later_blocks(arena);
	block_free(arena->first);
	free(arena);
}

void arena_reset(struct arena *arena)
{
	free_later_blocks(arena);
	ASAN_POISON_MEMORY_REGION(arena->first->data, arena->first->size);
	arena->first->used = 0;
	arena->current = arena->first;
	arena->next_block = arena->first->size;
	arena->given = 0;
}

void arena_wipe(struct arena *arena)
{
	for (struct block *block = arena->first; block; block = block->next) {
		ASAN_UNPOISON_MEMORY_REGION(block->data, block->size);
		explicit_bzero(block->data, block->used);
	}
	arena_reset(arena);
}

/* Links a new block behind the first one, where the order does not matter. */
static struct block *add_block(struct arena *arena, size_t size)
{
	struct block *block = block_new(size);

	if (block) {
		block->next = arena->first->next;
		arena->first->next = block;
	}
	return block;
}

/* A block with room for a piece. Only a small piece may retire the current block for a new one. */
static struct block *block_for(struct arena *arena, size_t room)
{
	struct block *block = arena->current;

	if (room <= block->size - block->used)
		return block;
	if (room > arena->next_block / 4)
		return add_block(arena, room);
	block = add_block(arena, arena->next_block);
	if (!block)
		return NULL;
	arena->current = block;
	if (arena->next_block <= BLOCK_BYTES_MAX / 2)
		arena->next_block *= 2;
	return block;
}

/* As arena_alloc, but the bytes are not zeroed. */
static void *take(struct arena *arena, size_t size)
{
	size_t left = arena->ceiling - arena->given, room;
	struct block *block;
	void *piece;

	if (size > left || left - size < aligned(size) - size)
		return NULL;
	room = aligned(size ? size : 1) + GAP_BYTES;
	block = block_for(arena, room);
	if (!block)
		return NULL;
	piece = block->data + block->used;
	block->used += room;
	arena->given += aligned(size);
	ASAN_UNPOISON_MEMORY_REGION(piece, size);
	return piece;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	void *piece = take(arena, size);

	return piece ? memset(piece, 0, size) : NULL;
}

void *arena_array(struct arena *arena, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return arena_alloc(arena, bytes);
}

/* Widens the piece where it stands: only the last one of the current block can. */
static bool widen(struct arena *arena, unsigned char *piece, size_t size, size_t wanted)
{
	struct block *block = arena->current;
	size_t room = aligned(size ? size : 1) + GAP_BYTES;
	size_t more = aligned(wanted) - aligned(size);

	if (block->used < room || piece != block->data + (block->used - room))
		return false;
	if (more > block->size - block->used || more > arena->ceiling - arena->given)
		return false;
	block->used += more;
	arena->given += more;
	ASAN_UNPOISON_MEMORY_REGION(piece, wanted);
	memset(piece + size, 0, wanted - size);
	return true;
}

void *arena_grow(struct arena *arena, void *piece, size_t size, size_t wanted)
{
	void *wider;

	if (wanted <= size)
		return piece;
	if (piece && size > 0 && wanted <= SIZE_MAX - ALIGN && widen(arena, piece, size, wanted))
		return piece;
	wider = arena_alloc(arena, wanted);
	if (wider && piece && size > 0)
		memcpy(wider, piece, size);
	return wider;
}

char *arena_copy(struct arena *arena, struct slice text)
{
	char *copy = text.len < SIZE_MAX ? take(arena, text.len + 1) : NULL;

	if (!copy)
		return NULL;
	if (text.len > 0)
		memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	return copy;
}

char *arena_format(struct arena *arena, const char *format, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	text = len < 0 ? NULL : take(arena, (size_t)len + 1);
	if (!text)
		return NULL;
	va_start(args, format);
	vsnprintf(text, (size_t)len + 1, format, args);
	va_end(args);
	return text;
}
