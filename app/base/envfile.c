#include "base/envfile.h"

#include <string.h>

enum { NAME_BYTES_MAX = 64 };

static const char NO_PAIR[] = "is not of the form NAME=value (no \"export\", no space before =)";

void envfile_init(struct envfile *file, char *text, size_t len)
{
	*file = (struct envfile){.next = text, .end = text + len};
}

/* Cuts the next line off, without white space at its ends. */
static struct slice next_line(struct envfile *file)
{
	struct slice line = {file->next, (size_t)(file->end - file->next)};
	char *newline = memchr(file->next, '\n', line.len);

	if (newline)
		line.len = (size_t)(newline - file->next);
	file->next = newline ? newline + 1 : NULL;
	file->line++;
	return slice_trim(line);
}

static bool is_name(struct slice name)
{
	if (name.len == 0 || name.len > NAME_BYTES_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];

		if (!(c >= 'A' && c <= 'Z') && (i == 0 || !((c >= '0' && c <= '9') || c == '_')))
			return false;
	}
	return true;
}

/* "..." in place: text is ours to change, and the escapes only make it shorter. */
static const char *unescape(char *text, struct slice *value, size_t *used)
{
	char *to = text;
	size_t i = 1, len = value->len;

	for (; i < len && text[i] != '"'; i++) {
		if (text[i] == '\\') {
			i++;
			if (i == len || (text[i] != '"' && text[i] != '\\'))
				return "has a \\ that stands neither before \" nor before \\";
		}
		*to++ = text[i];
	}
	if (i == len)
		return "has no closing quote";
	*used = i + 1;
	*value = (struct slice){text, (size_t)(to - text)};
	return NULL;
}

static const char *unquote(char *text, struct slice *value)
{
	size_t len = value->len, used;
	const char *problem = NULL, *close;
	struct slice behind;

	if (text[0] == '"') {
		problem = unescape(text, value, &used);
	} else {
		close = memchr(text + 1, '\'', len - 1);
		if (!close)
			return "has no closing quote";
		used = (size_t)(close - text) + 1;
		*value = (struct slice){text + 1, used - 2};
	}
	if (problem)
		return problem;
	behind = slice_trim((struct slice){text + used, len - used});
	if (behind.len > 0 && behind.data[0] != '#')
		return "has something behind the closing quote";
	return NULL;
}

static const char *read_value(char *text, struct slice *value)
{
	if (text_has_control(*value, false) || !text_is_utf8(*value))
		return "has control characters or is not UTF-8";
	if (value->len > 0 && (text[0] == '"' || text[0] == '\''))
		return unquote(text, value);
	if (memmem(text, value->len, " #", 2) || (value->len > 0 && text[0] == '#'))
		return "has a # that may begin a comment: put the value in quotes";
	return NULL;
}

static const char *read_line(struct envfile *file, struct slice line, struct envfile_entry *entry)
{
	struct slice value = line;
	struct slice name = slice_cut(&value, '=');
	const char *problem;

	if (!value.data || !is_name(name))
		return NO_PAIR;
	entry->name = name;
	value = slice_trim(value);
	/* The same bytes, by the pointer that may write to them. */
	problem = read_value(file->end - (file->end - value.data), &value);
	if (!problem)
		entry->value = value;
	return problem;
}

bool envfile_next(struct envfile *file, struct envfile_entry *entry, const char **problem)
{
	*entry = (struct envfile_entry){0};
	*problem = NULL;
	while (file->next) {
		struct slice line = next_line(file);

		if (line.len > 0 && line.data[0] != '#') {
			*problem = read_line(file, line, entry);
			return true;
		}
	}
	return false;
}
