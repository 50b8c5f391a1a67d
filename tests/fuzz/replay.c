/*
 * replay: runs a fuzz target over files, so that every seed is tried in every check, with any
 * compiler. Speaks TAP: one test a file.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *folder, const char *name)
{
	char path[4096];
	uint8_t *data = malloc(INPUT_MAX);
	FILE *file;
	size_t size;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	if (!data || !file) {
		free(data);
		return 0;
	}
	size = fread(data, 1, INPUT_MAX, file);
	fclose(file);
	/* exactly as large as the input, so that a sanitizer sees an overrun */
	data = realloc(data, size ? size : 1);
	if (data)
		LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 1;
}

int main(int argc, char **argv)
{
	DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
	const struct dirent *entry;
	unsigned n = 0;

	if (!folder) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	while ((entry = readdir(folder)))
		if (entry->d_name[0] != '.' && replay(argv[1], entry->d_name))
			printf("ok %u - %s\n", ++n, entry->d_name);
	closedir(folder);
	printf("1..%u\n", n);
	return n ? 0 : 1;
}
