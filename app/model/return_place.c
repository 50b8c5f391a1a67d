#include "model/return_place.h"

#include <string.h>
#include <strings.h>

/* Slashes in disguise: a server or browser further on may take them for real ones. */
static bool has_encoded_slash(struct slice place)
{
	for (size_t i = 0; i + 2 < place.len; i++)
		if (strncasecmp(place.data + i, "%2f", 3) == 0 ||
		    strncasecmp(place.data + i, "%5c", 3) == 0)
			return true;
	return false;
}

static bool is_clean(struct slice place)
{
	for (size_t i = 0; i < place.len; i++) {
		unsigned char c = (unsigned char)place.data[i];

		if (c <= ' ' || c >= 0x7F || strchr("\\\"'<>`#{}|^", c))
			return false;
	}
	return !has_encoded_slash(place);
}

bool return_place_is_path(struct slice place)
{
	return place.len > 0 && place.data[0] == '/' && (place.len == 1 || place.data[1] != '/');
}

static bool is_page_of(struct slice place, struct slice origin)
{
	if (origin.len == 0 || place.len < origin.len ||
	    memcmp(place.data, origin.data, origin.len) != 0)
		return false;
	return place.len == origin.len || place.data[origin.len] == '/' ||
	       place.data[origin.len] == '?';
}

bool return_place_is_good(struct slice place, struct slice allowed_origins)
{
	if (place.len == 0 || place.len > RETURN_PLACE_BYTES || !is_clean(place))
		return false;
	if (return_place_is_path(place))
		return true;
	while (allowed_origins.len) {
		struct slice origin = slice_trim(slice_cut(&allowed_origins, ','));

		if (is_page_of(place, origin))
			return true;
	}
	return false;
}

void return_place_url(struct buf *out, struct slice place, const char *public_url,
		      struct slice query)
{
	if (return_place_is_path(place))
		buf_add_text(out, public_url);
	buf_add_slice(out, place);
	if (query.len == 0)
		return;
	buf_add_byte(out, memchr(place.data, '?', place.len) ? '&' : '?');
	buf_add_slice(out, query);
}
