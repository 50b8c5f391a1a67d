#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err no_reading(struct fail *why, int error)
{
	return fail_set(why, ERR_CONFIG, "cannot be read: %s", strerrordesc_np(error));
}

static enum err judge(int fd, unsigned widest_mode, struct fail *why)
{
	struct stat st;
	unsigned mode;

	if (fstat(fd, &st) != 0)
		return no_reading(why, errno);
	if (!S_ISREG(st.st_mode))
		return fail_set(why, ERR_CONFIG, "is no regular file");
	mode = st.st_mode & 07777u;
	if (mode & ~widest_mode)
		return fail_set(why, ERR_CONFIG, "has mode %04o, and %04o is the widest allowed",
				mode, widest_mode);
	return OK;
}

/* Fills file to its end; one byte more than the ceiling tells that it is longer. */
static enum err take(int fd, size_t ceiling_bytes, struct file *file, struct fail *why)
{
	ssize_t n;

	while (file->len <= ceiling_bytes) {
		n = read(fd, file->data + file->len, ceiling_bytes + 1 - file->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return no_reading(why, errno);
		if (n == 0)
			return OK;
		file->len += (size_t)n;
	}
	return fail_set(why, ERR_CONFIG, "is longer than %zu bytes", ceiling_bytes);
}

enum err file_read(const char *path, unsigned widest_mode, size_t ceiling_bytes, struct file *out,
		   struct fail *why)
{
	struct file file = {0};
	enum err e;
	int fd;

	*out = file;
	/* Not to hang on a FIFO, which is refused a moment later. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return no_reading(why, errno);
	e = judge(fd, widest_mode, why);
	if (!e) {
		file.data = calloc(1, ceiling_bytes + 2);
		e = file.data ? take(fd, ceiling_bytes, &file, why) : ERR_NOMEM;
	}
	close(fd);
	if (e)
		file_wipe(&file);
	*out = file;
	return e;
}

void file_wipe(struct file *file)
{
	if (file->data) {
		OPENSSL_cleanse(file->data, file->len);
		free(file->data);
	}
	*file = (struct file){0};
}

struct slice file_slice(const struct file *file)
{
	return (struct slice){file->data ? file->data : "", file->len};
}
