#include "base/url.h"

#include <arpa/inet.h>
#include <string.h>

enum { HOST_BYTES_MAX = 253, LABEL_BYTES_MAX = 63, PORT_MAX = 65535 };

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_label(struct slice label)
{
	if (label.len == 0 || label.len > LABEL_BYTES_MAX || label.data[0] == '-' ||
	    label.data[label.len - 1] == '-')
		return false;
	for (size_t i = 0; i < label.len; i++) {
		if (!is_alnum(label.data[i]) && label.data[i] != '-')
			return false;
	}
	return true;
}

static bool is_ipv4(struct slice host)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr address;

	return !text_copy(text, sizeof(text), host) && inet_pton(AF_INET, text, &address) == 1;
}

/* With its brackets, and written as the system writes it: one address, one text. */
static bool is_ipv6(struct slice host)
{
	char text[INET6_ADDRSTRLEN], again[INET6_ADDRSTRLEN];
	struct in6_addr address;
	struct slice inner = {host.data + 1, host.len - 2};

	return host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']' &&
	       !text_copy(text, sizeof(text), inner) && inet_pton(AF_INET6, text, &address) == 1 &&
	       inet_ntop(AF_INET6, &address, again, sizeof(again)) && strcmp(text, again) == 0;
}

/* A host whose last label is a number is an address or a disguise of one ("127.1", "0x7f.1"). */
static bool is_name(struct slice host)
{
	struct slice rest = host, label = host;

	if (host.len > HOST_BYTES_MAX)
		return false;
	while (rest.data) {
		label = slice_cut(&rest, '.');
		if (!is_label(label))
			return false;
	}
	return label.data[0] < '0' || label.data[0] > '9';
}

static bool is_host(struct slice host)
{
	return host.len > 0 && (is_name(host) || is_ipv4(host) || is_ipv6(host));
}

enum err url_read_host(struct slice text, struct slice *host, unsigned *port)
{
	struct slice name = text, digits;
	const char *bracket = text.len > 0 ? memrchr(text.data, ']', text.len) : NULL;
	const char *behind = bracket ? bracket : text.data;
	size_t left = text.len - (size_t)(behind - text.data);
	const char *colon = left > 0 ? memchr(behind, ':', left) : NULL;
	int64_t number = 0;

	*host = (struct slice){NULL, 0};
	*port = 0;
	if (colon) {
		name.len = (size_t)(colon - text.data);
		digits = (struct slice){colon + 1, text.len - name.len - 1};
		if (text_to_int(digits, 1, PORT_MAX, &number))
			return ERR_BAD_REQUEST;
	}
	if (!is_host(name))
		return ERR_BAD_REQUEST;
	*host = name;
	*port = (unsigned)number;
	return OK;
}

/* RFC 3986 pchar without "%": what we need no escapes for needs none. */
static bool is_path(struct slice path)
{
	struct slice rest = path;

	for (size_t i = 0; i < path.len; i++) {
		char c = path.data[i];

		if (!is_alnum(c) && !(c >= 'A' && c <= 'Z') &&
		    (c == '\0' || !strchr("/-._~!$&'()*+,;=:@", c)))
			return false;
	}
	while (rest.data) {
		struct slice segment = slice_cut(&rest, '/');

		if (slice_is(segment, ".") || slice_is(segment, ".."))
			return false;
	}
	return true;
}

enum err url_read(struct slice text, struct url *out)
{
	struct url url = {.tls = slice_starts(text, "https://")};
	size_t scheme_len = strlen(url.tls ? "https://" : "http://");
	struct slice authority;
	const char *slash;

	*out = (struct url){0};
	if (!url.tls && !slice_starts(text, "http://"))
		return ERR_BAD_REQUEST;
	authority = (struct slice){text.data + scheme_len, text.len - scheme_len};
	url.path = (struct slice){text.data + text.len, 0};
	slash = authority.len > 0 ? memchr(authority.data, '/', authority.len) : NULL;
	if (slash) {
		url.path = (struct slice){slash, (size_t)(text.data + text.len - slash)};
		authority.len -= url.path.len;
	}
	if (url_read_host(authority, &url.host, &url.port) || !is_path(url.path) ||
	    url.port == (url.tls ? 443u : 80u))
		return ERR_BAD_REQUEST;
	*out = url;
	return OK;
}

bool url_is_loopback(struct slice host)
{
	return slice_is(host, "localhost") || slice_is(host, "[::1]") ||
	       (slice_starts(host, "127.") && is_ipv4(host));
}
