#include "store/migration_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_DIGITS = 4, FILE_BYTES_MAX = 1 << 20, PATH_BYTES = 4096 };

/* Statements. */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool stands_at(struct slice text, size_t at, const char *what)
{
	return slice_starts((struct slice){text.data + at, text.len - at}, what);
}

static bool is_line_comment(struct slice text, size_t at)
{
	return text.data[at] == '#' ||
	       (stands_at(text, at, "--") && (at + 2 == text.len || is_space(text.data[at + 2])));
}

/* Behind the quoted text that begins at `at`; beyond the end when it is left open. */
static size_t behind_quoted(struct slice text, size_t at)
{
	char quote = text.data[at];

	for (size_t i = at + 1; i < text.len; i++) {
		if (text.data[i] == '\\' && quote != '`')
			i++;
		else if (text.data[i] == quote)
			return i + 1; /* a doubled one begins the next quoted text */
	}
	return text.len + 1;
}

static size_t behind_block(struct slice text, size_t at)
{
	const char *end = memmem(text.data + at + 2, text.len - at - 2, "*/", 2);

	return end ? (size_t)(end - text.data) + 2 : text.len + 1;
}

static size_t behind_line(struct slice text, size_t at)
{
	const char *end = memchr(text.data + at, '\n', text.len - at);

	return end ? (size_t)(end - text.data) + 1 : text.len;
}

/* Behind the quoted text, the comment, or the single character at `at`. */
static size_t behind(struct slice text, size_t at)
{
	char c = text.data[at];

	if (c == '\'' || c == '"' || c == '`')
		return behind_quoted(text, at);
	if (is_line_comment(text, at))
		return behind_line(text, at);
	if (stands_at(text, at, "/*"))
		return behind_block(text, at);
	return at + 1;
}

static bool is_comment(struct slice text, size_t at)
{
	return is_line_comment(text, at) || stands_at(text, at, "/*");
}

static enum err refuse(struct slice text, size_t at, const char *what, struct fail *why)
{
	size_t line = 1;

	for (size_t i = 0; i < at && i < text.len; i++)
		line += text.data[i] == '\n';
	return fail_set(why, ERR_CONFIG, "%s, %zu lines behind the last statement", what, line);
}

enum err migration_files_cut(struct slice *rest, struct slice *statement, struct fail *why)
{
	struct slice text = *rest;
	size_t start = 0, at, end;

	*statement = (struct slice){0};
	while (start < text.len && (is_space(text.data[start]) || is_comment(text, start))) {
		if (stands_at(text, start, "/*!") || stands_at(text, start, "/*M!"))
			return refuse(text, start, "a comment that is code", why);
		start = behind(text, start);
	}
	if (start > text.len)
		return refuse(text, start, "a comment is left open", why);
	for (at = start; at < text.len && text.data[at] != ';'; at = behind(text, at))
		;
	if (start == text.len)
		return OK;
	if (at >= text.len)
		return refuse(text, start, "a statement without its end", why);
	if (at == start)
		return refuse(text, at, "an empty statement", why);
	end = at + 1;
	while (end < text.len && text.data[end] != '\n')
		if (!is_space(text.data[end++]))
			return refuse(text, at, "text behind ';' in its line", why);
	*statement = (struct slice){text.data + start, at - start};
	*rest = (struct slice){text.data + end, text.len - end};
	return OK;
}

/* Can all of it be cut, so that nothing is found wrong half way through? */
static enum err check_text(struct slice text, struct fail *why)
{
	struct slice statement;
	size_t n = 0;

	if (!text_is_utf8(text) || memchr(text.data, '\0', text.len))
		return fail_set(why, ERR_CONFIG, "is not UTF-8 text");
	do {
		if (migration_files_cut(&text, &statement, why))
			return ERR_CONFIG;
		n += statement.len > 0;
	} while (statement.len);
	return n ? OK : fail_set(why, ERR_CONFIG, "holds no statement");
}

/* Files. */

static int is_sql_file(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 4 && !strcmp(entry->d_name + len - 4, ".sql");
}

/* The number in the name, or 0 when it is not a name as it should be. */
static unsigned number_of(const char *name)
{
	size_t len = strlen(name), stem = len - 4;
	int64_t number = 0;

	if (len >= MIGRATION_NAME_BYTES || stem < NUMBER_DIGITS + 2 || name[NUMBER_DIGITS] != '_')
		return 0;
	for (size_t i = 0; i < NUMBER_DIGITS; i++) {
		if (name[i] < '0' || name[i] > '9')
			return 0;
		number = number * 10 + (name[i] - '0');
	}
	if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != stem)
		return 0;
	return (unsigned)number;
}

static enum err read_one(const char *folder, const char *name, struct migration_file *out,
			 struct fail *why)
{
	char path[PATH_BYTES];
	struct fail inner = {0};
	struct slice text;
	int len = snprintf(path, sizeof(path), "%s/%s", folder, name);
	enum err e;

	if (len < 0 || (size_t)len >= sizeof(path))
		return fail_set(why, ERR_CONFIG, "%s: the path is too long", name);
	e = file_read(path, FILE_ANY_MODE, FILE_BYTES_MAX, &out->text, &inner);
	if (e)
		return fail_set(why, e, "%s: %s", name, inner.detail);
	text = file_slice(&out->text);
	if (check_text(text, &inner))
		return fail_set(why, ERR_CONFIG, "%s: %s", name, inner.detail);
	digest_sha256(&text, 1, out->checksum);
	return text_copy(out->name, sizeof(out->name), slice_of(name));
}

/* names come sorted, so that the number of each is its place plus one. */
static enum err read_all(const char *folder, struct dirent **names, size_t n,
			 struct migration_files *out, struct fail *why)
{
	out->items = calloc(n, sizeof(out->items[0]));
	if (!out->items)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++) {
		struct migration_file *file = &out->items[out->n++];
		enum err e;

		file->number = number_of(names[i]->d_name);
		if (file->number != i + 1)
			return fail_set(why, ERR_CONFIG, "%s: not %04zu_what_it_makes.sql",
					names[i]->d_name, i + 1);
		e = read_one(folder, names[i]->d_name, file, why);
		if (e)
			return e;
	}
	return OK;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name); /* not by locale, as alphasort does */
}

enum err migration_files_read(const char *folder, struct migration_files *out, struct fail *why)
{
	struct dirent **names = NULL;
	int n = scandir(folder, &names, is_sql_file, by_name);
	enum err e;

	*out = (struct migration_files){0};
	if (n < 0)
		return fail_set(why, ERR_CONFIG, "%s: %s", folder, strerror(errno));
	if (n == 0 || n > MIGRATION_FILES_MAX)
		e = fail_set(why, ERR_CONFIG, "%s: holds %d migrations", folder, n);
	else
		e = read_all(folder, names, (size_t)n, out, why);
	if (e)
		migration_files_free(out);
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return e;
}

void migration_files_free(struct migration_files *files)
{
	for (size_t i = 0; i < files->n; i++)
		file_wipe(&files->items[i].text);
	free(files->items);
	*files = (struct migration_files){0};
}
