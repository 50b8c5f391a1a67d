#ifndef CB_TESTS_TEMP_FILE_H
#define CB_TESTS_TEMP_FILE_H
/*
 * temp_file: a file of a test's own, with exact bytes and permission bits.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct temp_file {
	char path[64];
};

/* Replaces what stands in the file, and its mode. */
static inline void temp_file_write(const struct temp_file *file, unsigned mode, const char *data,
				   size_t len)
{
	int fd;

	unlink(file->path);
	fd = open(file->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, data, len) != (ssize_t)len || fchmod(fd, mode) != 0)
		abort();
	close(fd);
}

static inline void temp_file_put(const struct temp_file *file, unsigned mode, const char *text)
{
	temp_file_write(file, mode, text, strlen(text));
}

/* A new one, empty; temp_file_drop ends it. */
static inline void temp_file_make(struct temp_file *file)
{
	int fd;

	snprintf(file->path, sizeof(file->path), "/tmp/calbridge-test-XXXXXX");
	fd = mkstemp(file->path);
	if (fd < 0)
		abort();
	close(fd);
}

static inline void temp_file_drop(const struct temp_file *file)
{
	unlink(file->path);
}

#endif
