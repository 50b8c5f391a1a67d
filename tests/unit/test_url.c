#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/url.h"

static void assert_url(const char *text, bool tls, const char *host, unsigned port,
		       const char *path)
{
	struct url url;

	if (url_read(slice_of(text), &url))
		fail_msg("refused: %s", text);
	assert_int_equal(url.tls, tls);
	assert_true(slice_is(url.host, host));
	assert_int_equal(url.port, port);
	assert_true(slice_is(url.path, path));
}

static void a_plain_url_is_taken_apart(void **state)
{
	(void)state;
	assert_url("https://example.com", true, "example.com", 0, "");
	assert_url("https://example.com/", true, "example.com", 0, "/");
	assert_url("https://a-b.example.com:8443/calendar/v3", true, "a-b.example.com", 8443,
		   "/calendar/v3");
	assert_url("http://localhost:3000", false, "localhost", 3000, "");
	assert_url("https://127.0.0.1:8444/google/token", true, "127.0.0.1", 8444, "/google/token");
	assert_url("https://[::1]:8443/x", true, "[::1]", 8443, "/x");
	assert_url("https://[2001:db8::1]", true, "[2001:db8::1]", 0, "");
	assert_url("https://h/a@b:c/~d_e-f.g,h;i=j!k$l&m'n(o)p*q+r", true, "h", 0,
		   "/a@b:c/~d_e-f.g,h;i=j!k$l&m'n(o)p*q+r");
}

static void what_might_mean_another_host_is_refused(void **state)
{
	static const char *const BAD[] = {
		"",
		"https://",
		"https:///x",
		"https:example.com",
		"https:/example.com",
		"//example.com",
		"example.com",
		"ftp://example.com",
		"javascript:alert(1)",
		"HTTPS://example.com",
		"https://Example.com",
		"https://example.com.",
		"https://.example.com",
		"https://a..b",
		"https://-a.b",
		"https://a-.b",
		"https://a_b",
		"https://user@example.com",
		"https://user:pw@example.com",
		"https://good.example@evil",
		"https://example.com:443",
		"http://localhost:80",
		"https://example.com:0",
		"https://example.com:65536",
		"https://example.com:",
		"https://example.com:08443",
		"https://example.com:84 43",
		"https://example.com:+8443",
		"https://example.com:8443:1",
		"https://example.com?x",
		"https://example.com/?x=1",
		"https://example.com/#x",
		"https://example.com#x",
		"https://example.com/%2e%2e",
		"https://example.com/a b",
		"https://example.com/..",
		"https://example.com/../x",
		"https://example.com/a/./b",
		"https://example.com/a/..",
		"https://example.com\\evil",
		"https://example.com/\\x",
		"https://exa mple.com",
		" https://example.com",
		"https://example.com ",
		"https://example.com\n",
		"https://example.com/\t",
		"https://ex\xc3\xa4mple.com",
		"https://%65xample.com",
		"https://127.1",
		"https://0x7f.1",
		"https://2130706433",
		"https://127.0.0.01",
		"https://127.0.0.256",
		"https://1.2.3.4.5",
		"https://[::1",
		"https://::1",
		"https://[]",
		"https://[::1]x",
		"https://[::1]:",
		"https://[0:0::1]",
		"https://[::FFFF]",
		"https://[127.0.0.1]",
		"https://[::1%25lo]",
		"https://[v1.x]",
		"https://a[::1]",
		"https://[[::1]]",
	};
	struct url url;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(BAD); i++) {
		memset(&url, 0xFF, sizeof(url));
		if (url_read(slice_of(BAD[i]), &url) != ERR_BAD_REQUEST)
			fail_msg("taken: %s", BAD[i]);
		assert_null(url.host.data);
	}
	assert_int_equal(url_read((struct slice){NULL, 0}, &url), ERR_BAD_REQUEST);
	assert_int_equal(url_read((struct slice){"https://a/\0", 11}, &url), ERR_BAD_REQUEST);
	assert_int_equal(url_read((struct slice){"https://a\0", 10}, &url), ERR_BAD_REQUEST);
}

static void a_label_has_63_bytes_and_a_host_253(void **state)
{
	char text[300] = "https://";
	struct url url;

	(void)state;
	memset(text + 8, 'a', 63);
	assert_int_equal(url_read(slice_of(text), &url), OK);
	text[8 + 63] = 'a';
	assert_int_equal(url_read(slice_of(text), &url), ERR_BAD_REQUEST);
	for (unsigned i = 0; i < 254; i++)
		text[8 + i] = i % 2 ? '.' : 'a';
	text[8 + 253] = '\0';
	assert_int_equal(url_read(slice_of(text), &url), OK);
	memcpy(text + 8 + 253, "a", 2);
	assert_int_equal(url_read(slice_of(text), &url), ERR_BAD_REQUEST);
}

static void a_host_may_stand_alone_with_any_port(void **state)
{
	struct slice host;
	unsigned port = 1;

	(void)state;
	assert_int_equal(url_read_host(SLICE("db1.internal"), &host, &port), OK);
	assert_true(slice_is(host, "db1.internal"));
	assert_int_equal(port, 0);
	assert_int_equal(url_read_host(SLICE("[::1]:3306"), &host, &port), OK);
	assert_true(slice_is(host, "[::1]"));
	assert_int_equal(port, 3306);
	assert_int_equal(url_read_host(SLICE("db:443"), &host, &port), OK);
	assert_int_equal(url_read_host(SLICE("db:"), &host, &port), ERR_BAD_REQUEST);
	assert_int_equal(url_read_host(SLICE("db/x"), &host, &port), ERR_BAD_REQUEST);
	assert_int_equal(url_read_host(SLICE(":3306"), &host, &port), ERR_BAD_REQUEST);
	assert_int_equal(url_read_host((struct slice){NULL, 0}, &host, &port), ERR_BAD_REQUEST);
	assert_null(host.data);
}

static void only_this_machine_is_loopback(void **state)
{
	(void)state;
	assert_true(url_is_loopback(SLICE("localhost")));
	assert_true(url_is_loopback(SLICE("127.0.0.1")));
	assert_true(url_is_loopback(SLICE("127.255.0.9")));
	assert_true(url_is_loopback(SLICE("[::1]")));
	assert_false(url_is_loopback(SLICE("127.0.0.1.example.com")));
	assert_false(url_is_loopback(SLICE("127.example.com")));
	assert_false(url_is_loopback(SLICE("localhost.example.com")));
	assert_false(url_is_loopback(SLICE("128.0.0.1")));
	assert_false(url_is_loopback(SLICE("[::2]")));
	assert_false(url_is_loopback(SLICE("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_url_is_taken_apart),
		cmocka_unit_test(what_might_mean_another_host_is_refused),
		cmocka_unit_test(a_label_has_63_bytes_and_a_host_253),
		cmocka_unit_test(a_host_may_stand_alone_with_any_port),
		cmocka_unit_test(only_this_machine_is_loopback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
