#include "io/http_header.h"

#include <string.h>
#include <time.h>

#include "io/http_ask.h"

enum { DATE_BYTES = 48 };

static unsigned within_limits(int64_t seconds)
{
	if (seconds < 1)
		return 1;
	return seconds > HTTP_RETRY_AFTER_MAX_S ? HTTP_RETRY_AFTER_MAX_S : (unsigned)seconds;
}

static bool is_digits(struct slice value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (value.data[i] < '0' || value.data[i] > '9')
			return false;
	}
	return value.len > 0;
}

/* Stops counting at the limit, so that no number of digits overflows. */
static int64_t digits_up_to_limit(struct slice value)
{
	int64_t seconds = 0;

	for (size_t i = 0; i < value.len && seconds <= HTTP_RETRY_AFTER_MAX_S; i++)
		seconds = seconds * 10 + (value.data[i] - '0');
	return seconds;
}

/* Rounded up, of "120" or "2.128" (which Microsoft sends); false when it is no such number. */
static bool read_seconds(struct slice value, int64_t *out)
{
	struct slice fraction = value, whole = slice_cut(&fraction, '.');

	if (!is_digits(whole) || (fraction.data && !is_digits(fraction)))
		return false;
	*out = digits_up_to_limit(whole) + (digits_up_to_limit(fraction) > 0);
	return true;
}

/* Seconds since 1970 of a date as HTTP writes it; false when it is none. */
static bool read_date(struct slice value, int64_t *out)
{
	static const char *const FORMS[] = {
		"%a, %d %b %Y %H:%M:%S GMT", /* as it should be */
		"%A, %d-%b-%y %H:%M:%S GMT", /* RFC 850 */
		"%a %b %e %H:%M:%S %Y",      /* asctime */
	};
	char text[DATE_BYTES];

	if (text_copy(text, sizeof(text), value))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(FORMS); i++) {
		struct tm tm = {0};
		const char *end = strptime(text, FORMS[i], &tm);

		if (end && *end == '\0') {
			*out = timegm(&tm);
			return true;
		}
	}
	return false;
}

unsigned http_header_retry_after_s(struct slice value, int64_t now_ms)
{
	int64_t seconds;

	value = slice_trim(value);
	if (read_seconds(value, &seconds))
		return within_limits(seconds);
	if (read_date(value, &seconds))
		return within_limits(seconds - now_ms / 1000);
	return 0;
}

/* "application/json; charset=UTF-8", "application/problem+json" */
static bool is_json_type(struct slice value)
{
	static const char APPLICATION[] = "application/", JSON[] = "+json";
	struct slice type = slice_trim(slice_cut(&value, ';'));

	if (slice_is_nocase(type, "application/json"))
		return true;
	if (type.len <= sizeof(APPLICATION) + sizeof(JSON))
		return false;
	return slice_is_nocase((struct slice){type.data, sizeof(APPLICATION) - 1}, APPLICATION) &&
	       slice_is_nocase(
		       (struct slice){type.data + type.len - (sizeof(JSON) - 1), sizeof(JSON) - 1},
		       JSON);
}

void http_header_take(struct http_reply *reply, struct slice line, int64_t now_ms)
{
	struct slice rest = slice_trim(line), name;

	if (slice_starts(rest, "HTTP/")) {
		reply->retry_after_s = 0;
		reply->is_json = false;
		reply->is_encoded = false;
		return;
	}
	name = slice_cut(&rest, ':');
	rest = slice_trim(rest);
	if (slice_is_nocase(name, "retry-after"))
		reply->retry_after_s = http_header_retry_after_s(rest, now_ms);
	else if (slice_is_nocase(name, "content-type"))
		reply->is_json = is_json_type(rest);
	else if (slice_is_nocase(name, "content-encoding"))
		reply->is_encoded = !slice_is_nocase(rest, "identity");
}
