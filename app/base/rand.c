#include "base/rand.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

enum { TIME_BYTES = 6, FILL_BYTES_MAX = 1 << 20, LETTERS = ID_TEXT_BYTES - 1 };

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

struct id id_new(void)
{
	uint64_t now_ms = (uint64_t)clock_now_ms();
	struct id id;

	for (unsigned i = 0; i < TIME_BYTES; i++)
		id.bytes[i] = (unsigned char)(now_ms >> (40 - 8 * i));
	rand_fill(id.bytes + TIME_BYTES, ID_BYTES - TIME_BYTES);
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
