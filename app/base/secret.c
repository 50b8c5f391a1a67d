#include "base/secret.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum err secret_room(struct secret *secret, size_t len, char **out)
{
	char *data;

	*out = NULL;
	secret_wipe(secret);
	if (len > SECRET_BYTES_MAX)
		return ERR_TOO_LONG;
	data = calloc(1, len + 1);
	if (!data)
		return ERR_NOMEM;
	secret->data = data;
	secret->len = len;
	*out = data;
	return OK;
}

enum err secret_set(struct secret *secret, struct slice text)
{
	struct secret copy = {0};
	char *room;
	enum err e = secret_room(&copy, text.len, &room);

	/* Only then is the old one wiped: text may point into it. */
	if (!e && text.len > 0)
		memcpy(room, text.data, text.len);
	secret_move(secret, &copy);
	return e;
}

void secret_move(struct secret *to, struct secret *from)
{
	struct secret moved = *from;

	/* First, so that moving onto itself is harmless. */
	*from = (struct secret){0};
	secret_wipe(to);
	*to = moved;
}

void secret_wipe(struct secret *secret)
{
	if (secret->data) {
		OPENSSL_cleanse(secret->data, secret->len + 1);
		free(secret->data);
	}
	*secret = (struct secret){0};
}

bool secret_is_empty(const struct secret *secret)
{
	return secret->len == 0;
}

struct slice secret_slice(const struct secret *secret)
{
	return (struct slice){secret->data ? secret->data : "", secret->len};
}
