#ifndef CB_BASE_LOG_H
#define CB_BASE_LOG_H
/*
 * log: one JSON line a fact, on standard error, written by one write(2) so that lines of many
 * processes do not mix: at most 2 KiB, below what a pipe takes as a whole. Control characters
 * are escaped; what does not fit is left out and the line then says "cut":true.
 * There is no way to log a struct secret; addresses go through log_mail, which masks them.
 * Keeps errno. Any thread; a line that cannot be written (disk full, no reader) is lost.
 * Stands on libc, err, text, clock, rfc3339.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* One line while it is being built, on the caller's stack. */
struct log_line {
	char text[2048];
	size_t len;
	bool off; /* below the level: nothing is built or written */
	bool cut;
};

/*
 * Lines above level are dropped; LOG_INFO until told otherwise. program is the name that every
 * line carries ("fcgi", "sync"), a constant. To be called before there are threads.
 */
void log_start(enum log_level level, const char *program);

/* Where lines go; standard error until told otherwise (tests alone). */
void log_to_fd_for_test(int fd);

/* Begins a line: time (UTC, milliseconds), level, program, pid, event. event is a constant. */
void log_begin(struct log_line *line, enum log_level level, const char *event);

/*
 * Adds one member; name is a constant that needs no escapes. Text is escaped, and cut between
 * two characters where the line ends. A NULL text is null.
 */
void log_text(struct log_line *line, const char *name, const char *text);
/* The same for a slice. */
void log_slice(struct log_line *line, const char *name, struct slice text);
/* An integer. */
void log_int(struct log_line *line, const char *name, int64_t value);
/* An address, masked: "j***@e***"; "***" when it is none. */
void log_mail(struct log_line *line, const char *name, struct slice address);
/* The error's code and the fail's detail, where there is one. why may be NULL. */
void log_fail(struct log_line *line, enum err e, const struct fail *why);

/* Ends and writes it. */
void log_end(struct log_line *line);

/* Shorthand for a line with only a detail, formatted, of at most 1,000 bytes. */
void log_note(enum log_level level, const char *event, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
