#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rfc3339.h"

/* What closes a line that was cut; room for it is kept free from the start. */
static const char CUT[] = ",\"cut\":true}\n";
static const char END[] = "}\n";

enum { LINE_BYTES = sizeof(((struct log_line *)NULL)->text) - sizeof(CUT), NOTE_BYTES = 1000 };

static const char *const LEVELS[] = {
	[LOG_ERROR] = "error",
	[LOG_WARNING] = "warning",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};

/* Set at the start, before there are threads. */
static struct {
	enum log_level level;
	const char *program;
	int fd;
} out = {LOG_INFO, "calbridge", STDERR_FILENO};

void log_start(enum log_level level, const char *program)
{
	out.level = level;
	out.program = program;
}

void log_to_fd_for_test(int fd)
{
	out.fd = fd;
}

static size_t room(const struct log_line *line)
{
	return LINE_BYTES - line->len;
}

static void put(struct log_line *line, const char *data, size_t len)
{
	memcpy(line->text + line->len, data, len);
	line->len += len;
}

static void put_text(struct log_line *line, const char *text)
{
	put(line, text, strlen(text));
}

/* Writes the name if behind it there is room for a value of least bytes. */
static bool put_name(struct log_line *line, const char *name, size_t least)
{
	size_t len = strlen(name);

	if (line->off)
		return false;
	if (len + least + sizeof(",\"\":") > room(line)) {
		line->cut = true;
		return false;
	}
	put_text(line, line->len > 1 ? ",\"" : "\"");
	put(line, name, len);
	put_text(line, "\":");
	return true;
}

/* A value that we have made ourselves and that needs no escapes. */
static void put_plain(struct log_line *line, const char *name, const char *value)
{
	if (put_name(line, name, strlen(value)))
		put_text(line, value);
}

static void put_time(struct log_line *line)
{
	char text[RFC3339_BYTES];

	rfc3339_utc(clock_now_ms(), text);
	log_text(line, "time", text);
}

void log_begin(struct log_line *line, enum log_level level, const char *event)
{
	line->len = 0;
	line->cut = false;
	line->off = level > out.level;
	if (line->off)
		return;
	put_text(line, "{");
	put_time(line);
	log_text(line, "level", LEVELS[level]);
	log_text(line, "program", out.program);
	log_int(line, "pid", getpid());
	log_text(line, "event", event);
}

void log_text(struct log_line *line, const char *name, const char *text)
{
	if (text)
		log_slice(line, name, slice_of(text));
	else
		put_plain(line, name, "null");
}

void log_slice(struct log_line *line, const char *name, struct slice text)
{
	char escaped[TEXT_JSON_CHAR_BYTES];
	size_t plain = text_json_plain(text), taken;

	if (!put_name(line, name, 2))
		return;
	put_text(line, "\"");
	if (plain > 0 && plain < room(line)) {
		put(line, text.data, plain);
		text.data += plain;
		text.len -= plain;
	}
	while (text.len > 0) {
		size_t n = text_json_char(text, escaped, &taken);

		if (n >= room(line)) {
			line->cut = true;
			break;
		}
		put(line, escaped, n);
		text.data += taken;
		text.len -= taken;
	}
	put_text(line, "\"");
}

void log_int(struct log_line *line, const char *name, int64_t value)
{
	char text[TEXT_INT_BYTES];

	if (line->off)
		return;
	text_from_int(value, text);
	put_plain(line, name, text);
}

static bool is_visible(char c)
{
	return c > ' ' && c < 0x7F && c != '@';
}

void log_mail(struct log_line *line, const char *name, struct slice address)
{
	char masked[] = "****@****";
	struct slice domain = address;
	struct slice local = slice_cut(&domain, '@');

	if (local.len == 0 || domain.len == 0 || !is_visible(local.data[0]) ||
	    !is_visible(domain.data[0])) {
		log_text(line, name, "***");
		return;
	}
	masked[0] = local.data[0];
	masked[5] = domain.data[0];
	log_text(line, name, masked);
}

void log_fail(struct log_line *line, enum err e, const struct fail *why)
{
	log_text(line, "code", err_code(e));
	if (why && why->detail[0])
		log_text(line, "detail", why->detail);
}

void log_end(struct log_line *line)
{
	int before = errno;
	ssize_t written;

	if (line->off)
		return;
	put_text(line, line->cut ? CUT : END);
	do
		written = write(out.fd, line->text, line->len);
	while (written < 0 && errno == EINTR);
	errno = before;
}

void log_note(enum log_level level, const char *event, const char *format, ...)
{
	char detail[NOTE_BYTES + 1];
	struct log_line line;
	int before = errno;
	va_list args;

	log_begin(&line, level, event);
	if (line.off)
		return;
	errno = before; /* %m */
	va_start(args, format);
	if (vsnprintf(detail, sizeof(detail), format, args) < 0)
		detail[0] = '\0';
	va_end(args);
	log_text(&line, "detail", detail);
	errno = before;
	log_end(&line);
}
