#ifndef CB_BASE_FILE_H
#define CB_BASE_FILE_H
/*
 * file: small files read whole, with a judgement of who else may read them: settings, the key
 * ring, secrets. What was read is wiped when it ends. Stands on libc, OpenSSL (OPENSSL_cleanse).
 */
#include <stddef.h>

#include "base/err.h"
#include "base/text.h"

struct file {
	char *data; /* NUL-terminated; NULL: empty */
	size_t len;
};

enum { FILE_ANY_MODE = 07777 };

/*
 * Reads the regular file at path, at most ceiling_bytes of it, if its permission bits are
 * within widest_mode (0640: nothing beyond reading and writing by the owner, reading by the group).
 * out is empty unless OK; then file_wipe ends it.
 * returns OK, ERR_CONFIG (why->detail says what is wrong, without the path), ERR_NOMEM
 */
MUST_USE enum err file_read(const char *path, unsigned widest_mode, size_t ceiling_bytes,
			    struct file *out, struct fail *why);

/* Wipes and frees; leaves it empty. */
void file_wipe(struct file *file);

/* What stands in it. Good until file_wipe. */
struct slice file_slice(const struct file *file);

#endif
