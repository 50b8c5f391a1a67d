#include "web/limits.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/rand.h"

enum { SLOTS = 16384, PROBES = 8, CLAIMS_MAX = 8 };

/*
 * One subject. key is its hash. counts is one word, so that it changes as a whole: who it belongs
 * to, the number of the window, and how many there were in the window before and in this one.
 * A word that belongs to another subject, or to older windows, counts for nothing; so a slot is
 * taken over by its key alone and nobody has to clear it.
 */
struct slot {
	atomic_uint_fast64_t key;
	atomic_uint_fast64_t counts;
	atomic_int_fast64_t worthless_s; /* when no window counts any more */
};

enum { TAG_BITS = 12, WINDOW_BITS = 16, COUNT_BITS = 18, COUNT_MAX = (1 << COUNT_BITS) - 1 };
_Static_assert(TAG_BITS + WINDOW_BITS + 2 * COUNT_BITS == 64, "one word");

struct limits {
	uint64_t seed[2]; /* so that nobody can choose subjects that share a slot */
	struct slot slots[SLOTS];
};

/* What the word of a slot says at one moment. */
struct counts {
	uint64_t tag;
	uint64_t window;
	uint64_t before;
	uint64_t now;
};

/* One question. */
struct query {
	uint64_t key;
	int64_t now_s;
	int64_t window_s;
	int64_t max;
};

struct limits *limits_new(void)
{
	struct limits *limits = mmap(NULL, sizeof(*limits), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (limits == MAP_FAILED)
		return NULL;
	rand_fill(limits->seed, sizeof(limits->seed));
	return limits;
}

void limits_free(struct limits *limits)
{
	if (limits)
		munmap(limits, sizeof(*limits));
}

static uint64_t turn(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = turn(v[1], 13) ^ v[0];
	v[0] = turn(v[0], 32);
	v[2] += v[3];
	v[3] = turn(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = turn(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = turn(v[1], 17) ^ v[2];
	v[2] = turn(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	sip_round(v);
	v[0] ^= word;
}

/* SipHash-2-4 (Aumasson, Bernstein 2012) of the subject, its kind in the place of the length. */
static uint64_t hash(const uint64_t seed[2], enum limit_kind kind, struct slice subject)
{
	uint64_t v[4] = {
		seed[0] ^ UINT64_C(0x736f6d6570736575),
		seed[1] ^ UINT64_C(0x646f72616e646f6d),
		seed[0] ^ UINT64_C(0x6c7967656e657261),
		seed[1] ^ UINT64_C(0x7465646279746573),
	};
	uint64_t word = 0;

	for (size_t i = 0; i < subject.len; i++) {
		word |= (uint64_t)(unsigned char)subject.data[i] << 8 * (i % 8);
		if (i % 8 == 7) {
			sip_word(v, word);
			word = 0;
		}
	}
	sip_word(v, word);
	sip_word(v, (uint64_t)subject.len << 8 | (uint64_t)kind);
	v[2] ^= 0xFF;
	for (unsigned i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint64_t bits(uint64_t word, unsigned from, unsigned n)
{
	return word >> from & ((UINT64_C(1) << n) - 1);
}

static uint64_t tag_of(const struct query *query)
{
	return query->key >> (64 - TAG_BITS);
}

static uint64_t pack(const struct counts *counts)
{
	return counts->tag << (WINDOW_BITS + 2 * COUNT_BITS) | counts->window << 2 * COUNT_BITS |
	       counts->before << COUNT_BITS | counts->now;
}

/* What a word means for this question, at this moment. */
static struct counts unpack(uint64_t word, const struct query *query)
{
	struct counts counts = {
		.tag = tag_of(query),
		.window = bits((uint64_t)(query->now_s / query->window_s), 0, WINDOW_BITS),
	};
	uint64_t age =
		bits(counts.window - bits(word, 2 * COUNT_BITS, WINDOW_BITS), 0, WINDOW_BITS);

	if (bits(word, 64 - TAG_BITS, TAG_BITS) != counts.tag || age > 1)
		return counts;
	if (age == 0) {
		counts.before = bits(word, COUNT_BITS, COUNT_BITS);
		counts.now = bits(word, 0, COUNT_BITS);
	} else {
		counts.before = bits(word, 0, COUNT_BITS);
	}
	return counts;
}

static int64_t round_up(int64_t a, int64_t b)
{
	return (a + b - 1) / b;
}

/* Seconds into a window until at most most of the n before it still count. */
static int64_t fades_s(int64_t n, int64_t most, int64_t window_s)
{
	return n <= most ? 0 : round_up(window_s * (n - most), n);
}

/* 0: one more is let through. Else the seconds until it is, at most two windows. */
static int64_t wait_s(const struct counts *counts, const struct query *query)
{
	int64_t elapsed = query->now_s % query->window_s;
	int64_t left = query->window_s - elapsed;
	int64_t before = (int64_t)counts->before, now = (int64_t)counts->now;

	if (query->max <= 0)
		return query->window_s;
	if (round_up(before * left, query->window_s) + now < query->max)
		return 0;
	if (now >= query->max)
		return left + fades_s(now, query->max - 1, query->window_s);
	return fades_s(before, query->max - 1 - now, query->window_s) - elapsed;
}

static struct slot *find(struct limits *limits, uint64_t key)
{
	for (unsigned i = 0; i < PROBES; i++) {
		struct slot *slot = &limits->slots[(key + i) % SLOTS];

		if (atomic_load_explicit(&slot->key, memory_order_relaxed) == key)
			return slot;
	}
	return NULL;
}

/* The slot among those that key may have which will be worthless first; empty ones are already. */
static struct slot *oldest(struct limits *limits, uint64_t key)
{
	struct slot *oldest = NULL;
	int64_t first = INT64_MAX;

	for (unsigned i = 0; i < PROBES; i++) {
		struct slot *slot = &limits->slots[(key + i) % SLOTS];
		int64_t until = atomic_load_explicit(&slot->worthless_s, memory_order_relaxed);

		if (until < first) {
			oldest = slot;
			first = until;
		}
	}
	return oldest;
}

/* The subject's slot, taken from the oldest if it has none. Two that race for one meet in it. */
static struct slot *claim(struct limits *limits, uint64_t key)
{
	struct slot *slot = find(limits, key);

	for (unsigned i = 0; i < CLAIMS_MAX && !slot; i++) {
		struct slot *victim = oldest(limits, key);
		uint_fast64_t was;

		if (!victim)
			break;
		was = atomic_load_explicit(&victim->key, memory_order_relaxed);
		slot = find(limits, key);
		if (!slot && atomic_compare_exchange_strong_explicit(&victim->key, &was, key,
								     memory_order_relaxed,
								     memory_order_relaxed))
			slot = victim;
	}
	return slot;
}

/* 0 when it was counted, else as wait_s. */
static int64_t count(struct slot *slot, const struct query *query)
{
	uint_fast64_t was = atomic_load_explicit(&slot->counts, memory_order_relaxed);
	int64_t wait;

	for (;;) {
		struct counts counts = unpack(was, query);

		wait = wait_s(&counts, query);
		if (wait > 0)
			return wait;
		if (counts.now < COUNT_MAX)
			counts.now++;
		if (atomic_compare_exchange_weak_explicit(&slot->counts, &was, pack(&counts),
							  memory_order_relaxed,
							  memory_order_relaxed))
			break;
	}
	atomic_store_explicit(&slot->worthless_s, query->now_s + 2 * query->window_s,
			      memory_order_relaxed);
	return 0;
}

static struct query query_of(const struct limits *limits, enum limit_kind kind,
			     struct slice subject, int64_t max, unsigned window_s)
{
	uint64_t key = hash(limits->seed, kind, subject);

	return (struct query){
		.key = key ? key : 1, /* 0 is an empty slot's */
		.now_s = clock_now_ms() / 1000,
		.window_s = window_s,
		.max = max > COUNT_MAX ? COUNT_MAX + 1 : max,
	};
}

bool limits_take(struct limits *limits, enum limit_kind kind, struct slice subject, int64_t max,
		 unsigned window_s, unsigned *retry_after_s)
{
	struct query query = query_of(limits, kind, subject, max, window_s);
	struct slot *slot = claim(limits, query.key);
	struct counts none = {0};

	/* without a slot the race was lost again and again: nothing is known of this subject */
	*retry_after_s = (unsigned)(slot ? count(slot, &query) : wait_s(&none, &query));
	return *retry_after_s == 0;
}

bool limits_within(struct limits *limits, enum limit_kind kind, struct slice subject, int64_t max,
		   unsigned window_s, unsigned *retry_after_s)
{
	struct query query = query_of(limits, kind, subject, max, window_s);
	const struct slot *slot = find(limits, query.key);
	struct counts counts = {0};

	if (slot)
		counts = unpack(atomic_load_explicit(&slot->counts, memory_order_relaxed), &query);
	*retry_after_s = (unsigned)wait_s(&counts, &query);
	return *retry_after_s == 0;
}
