#include "base/rand.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

enum {
	TIME_BYTES = 6,
	TAIL_BYTES = ID_BYTES - TIME_BYTES,
	STOCK_TAILS = 16,
	FILL_BYTES_MAX = 1 << 20,
	LETTERS = ID_TEXT_BYTES - 1
};

/* Random ends of ids to come: one call of OpenSSL costs as much as hundreds of bytes from it. */
struct stock {
	unsigned char tails[STOCK_TAILS][TAIL_BYTES];
	unsigned left;
	unsigned process; /* that drew it */
};

static _Thread_local struct stock stock;

/* Counted up in each child. 0: nobody will tell us of a fork, and nothing is kept in stock. */
static atomic_uint process;

static const char ALPHABET[] = "0123456789abcdefghijklmnopqrstuv";

void rand_fill(void *out, size_t len)
{
	unsigned char *at = out;

	while (len > 0) {
		size_t part = len < FILL_BYTES_MAX ? len : FILL_BYTES_MAX;

		/* Nothing that follows would be safe with guessable bytes. */
		if (RAND_bytes(at, (int)part) != 1) {
			log_note(LOG_ERROR, "no_randomness", "RAND_bytes failed");
			abort();
		}
		at += part;
		len -= part;
	}
}

/* Lemire's multiplication: the few low products that would tip the balance are thrown again. */
uint32_t rand_below(uint32_t limit)
{
	uint32_t uneven = (uint32_t)-limit % limit;
	uint64_t product;
	uint32_t number;

	do {
		rand_fill(&number, sizeof(number));
		product = (uint64_t)number * limit;
	} while ((uint32_t)product < uneven);
	return (uint32_t)(product >> 32);
}

static void note_fork(void)
{
	atomic_fetch_add_explicit(&process, 1, memory_order_relaxed);
}

static void watch_forks(void)
{
	if (pthread_atfork(NULL, NULL, note_fork) == 0)
		note_fork();
}

/*
 * A child inherits the stock of the thread that forked, and must not use it: its ids would be its
 * parent's. These bytes are no secrets, as ids are shown to all; secrets come from rand_fill alone.
 */
static void next_tail(unsigned char *out)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	unsigned ours;

	pthread_once(&once, watch_forks);
	ours = atomic_load_explicit(&process, memory_order_relaxed);
	if (stock.left == 0 || stock.process != ours || ours == 0) {
		rand_fill(stock.tails, sizeof(stock.tails));
		stock.left = STOCK_TAILS;
		stock.process = ours;
	}
	memcpy(out, stock.tails[--stock.left], TAIL_BYTES);
}

struct id id_new(void)
{
	uint64_t now_ms = (uint64_t)clock_now_ms();
	struct id id;

	for (unsigned i = 0; i < TIME_BYTES; i++)
		id.bytes[i] = (unsigned char)(now_ms >> (40 - 8 * i));
	next_tail(id.bytes + TIME_BYTES);
	return id;
}

bool id_is_none(const struct id *id)
{
	static const struct id NONE;

	return id_equal(id, &NONE);
}

bool id_equal(const struct id *a, const struct id *b)
{
	return memcmp(a->bytes, b->bytes, ID_BYTES) == 0;
}

/* 26 letters carry 130 bits: the last two of them are zero. */
void id_text(const struct id *id, char out[ID_TEXT_BYTES])
{
	unsigned bits = 0, n_bits = 0, byte = 0;

	for (unsigned i = 0; i < LETTERS; i++) {
		if (n_bits < 5) {
			bits = bits << 8 | (byte < ID_BYTES ? id->bytes[byte] : 0u);
			byte++;
			n_bits += 8;
		}
		n_bits -= 5;
		out[i] = ALPHABET[bits >> n_bits & 31];
	}
	out[LETTERS] = '\0';
}

/* 0 to 31, or -1. */
static int letter_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'v' ? c - 'a' + 10 : -1;
}

enum err id_read(struct slice text, struct id *out)
{
	struct id id;
	unsigned bits = 0, n_bits = 0, byte = 0;

	*out = (struct id){0};
	if (text.len != LETTERS)
		return ERR_BAD_REQUEST;
	for (unsigned i = 0; i < LETTERS; i++) {
		int value = letter_value(text.data[i]);

		if (value < 0)
			return ERR_BAD_REQUEST;
		bits = bits << 5 | (unsigned)value;
		n_bits += 5;
		if (n_bits >= 8) {
			n_bits -= 8;
			id.bytes[byte++] = (unsigned char)(bits >> n_bits);
		}
	}
	if (bits & 3)
		return ERR_BAD_REQUEST;
	*out = id;
	return OK;
}

int64_t id_time_ms(const struct id *id)
{
	int64_t ms = 0;

	for (unsigned i = 0; i < TIME_BYTES; i++)
		ms = ms << 8 | id->bytes[i];
	return ms;
}
