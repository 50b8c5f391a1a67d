#ifndef CB_BASE_JSON_H
#define CB_BASE_JSON_H
/*
 * json: a strict reader over yajl's SAX interface, and a writer.
 * The reader refuses what yajl lets through: bad UTF-8, NUL and lone surrogates in escapes,
 * vertical tabs and form feeds as white space, duplicate members at any level, comments, a BOM,
 * trailing data, and anything beyond its limits. It never recurses over input. Values live in
 * the arena, and so does all that yajl needs. Stands on arena, buf, text, yajl.
 * Source: RFC 8259; contract "For every endpoint".
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_TEXT, JSON_ARRAY, JSON_OBJECT };

/*
 * One value. text is the decoded text (NUL-terminated as well) or the number as it stood.
 * first is the first element or member, next the sibling; name is set for members, as is at,
 * the byte offset of the name in what was read.
 */
struct json {
	enum json_kind kind;
	bool truth;
	unsigned count; /* elements or members */
	unsigned at;
	struct slice name;
	struct slice text;
	const struct json *first;
	const struct json *next;
};

enum { JSON_DEPTH_MAX = 32 };

/* Ceilings of one kind of document, each the most that is let through; texts as decoded. */
struct json_limits {
	unsigned depth;   /* of objects and arrays in each other, 1 to JSON_DEPTH_MAX */
	unsigned values;  /* objects and arrays count as well */
	unsigned members; /* of one object */
	size_t name_bytes;
	size_t text_bytes; /* numbers as well */
	bool object_only;  /* the top level must be an object */
};

/* Request bodies: depth 16, 1,000 values, 200 members, names 64 B, texts 32 KiB, object only. */
extern const struct json_limits JSON_REQUEST;
/* Provider answers: depth 32, 100,000 values, 4,096 members, names 256 B, texts 64 KiB. */
extern const struct json_limits JSON_PROVIDER;

/*
 * Reads one document. *root is NULL unless OK; it and all below live in arena. Bytes and escapes
 * are judged first, then the grammar, and duplicate members where their object ends: so of
 * several faults not always the first is told. Cost: n log n of the members.
 * returns OK, ERR_MALFORMED (why->reason, a constant, and why->offset say what and where),
 *         ERR_NOMEM (the arena's ceiling)
 */
MUST_USE enum err json_read(struct arena *arena, struct slice text,
			    const struct json_limits *limits, const struct json **root,
			    struct fail *why);

/* The member called name, or NULL; NULL also when object is NULL or no object. */
const struct json *json_member(const struct json *object, const char *name);

/* The text of member name, or the empty slice (NULL data) when it is absent or no text. */
struct slice json_text(const struct json *object, const char *name);

/*
 * A number without fraction or exponent, not "-0", within min..max? Writes it to out if so,
 * else out is 0. value may be NULL.
 */
bool json_is_int(const struct json *value, int64_t min, int64_t max, int64_t *out);

enum { JSON_WRITE_DEPTH_MAX = 63 };

/*
 * Writing into a buf: commas are placed by the writer, errors stick in the buf (ERR_INTERNAL
 * when more is opened than JSON_WRITE_DEPTH_MAX or more closed than opened). name is NULL
 * inside arrays and at the top. Texts are escaped; a byte in them that is no UTF-8 becomes
 * U+FFFD, so that what is written can always be read.
 */
struct json_writer {
	struct buf *out;
	uint64_t comma; /* one bit a level: a value stands before */
	unsigned depth;
};

/* Writes to out, borrowed for as long as w is used, from its end on. */
void json_writer_init(struct json_writer *w, struct buf *out);

/* Opens and closes an object, or an array. */
void json_open(struct json_writer *w, const char *name);
/* } */
void json_close(struct json_writer *w);
/* [ */
void json_open_array(struct json_writer *w, const char *name);
/* ] */
void json_close_array(struct json_writer *w);

/* Adds one value. A NULL text of json_add_string is null. */
void json_add_text(struct json_writer *w, const char *name, struct slice text);
/* A NUL-terminated text; NULL gives null. */
void json_add_string(struct json_writer *w, const char *name, const char *text);
/* An integer. */
void json_add_int(struct json_writer *w, const char *name, int64_t value);
/* true or false. */
void json_add_bool(struct json_writer *w, const char *name, bool value);
/* null. */
void json_add_null(struct json_writer *w, const char *name);

/* Adds a value as it stands: JSON that we wrote ourselves before. */
void json_add_raw(struct json_writer *w, const char *name, struct slice json);

/* Adds a value that was read, all of it, under another name; its own is not written. */
void json_add_value(struct json_writer *w, const char *name, const struct json *value);

#endif
