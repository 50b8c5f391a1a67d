#include "io/http_transfer.h"

#include <string.h>

#include "base/clock.h"
#include "io/http_ask.h"
#include "io/http_header.h"
#include "io/http_trust.h"

enum {
	CONNECT_TIMEOUT_MS = 3000,
	HEADER_BYTES_MAX = 64 * 1024,
	BODY_BYTES_MAX = 1024 * 1024,
	READ_BUFFER_BYTES = 4096,
	WRITE_BUFFER_BYTES = 16384, /* the least that libcurl takes */
};

static size_t ceiling(const struct http_ask *ask)
{
	return ask->ceiling_bytes ? ask->ceiling_bytes : BODY_BYTES_MAX;
}

/* Taking less than was offered ends the transfer with CURLE_WRITE_ERROR. */
static size_t take_body(char *data, size_t size, size_t n, void *arg)
{
	struct http_transfer *transfer = arg;

	buf_add(&transfer->reply->body, data, size * n);
	return buf_error(&transfer->reply->body) ? 0 : size * n;
}

static size_t take_header(char *data, size_t size, size_t n, void *arg)
{
	struct http_transfer *transfer = arg;
	struct slice line = {data, size * n};

	transfer->header_bytes += line.len;
	if (transfer->header_bytes > HEADER_BYTES_MAX)
		return 0;
	if (slice_starts(line, "HTTP/"))
		transfer->head_ended = false;
	else if (slice_trim(line).len == 0)
		transfer->head_ended = true;
	http_header_take(transfer->reply, line, clock_now_ms());
	return size * n;
}

static CURLcode lend_trust(CURL *easy, void *ssl_ctx, void *arg)
{
	(void)easy;
	http_trust_lend(arg, ssl_ctx);
	return CURLE_OK;
}

/* Where we connect to, and whom we believe. None of it comes from the request. */
static CURLcode set_safety(CURL *easy, const struct http_rules *rules)
{
	CURLcode c = CURLE_OK;

	c = c ? c
	      : curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR,
				 rules->loopback_http ? "https,http" : "https");
	c = c ? c : curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	c = c ? c : curl_easy_setopt(easy, CURLOPT_PROXY, "");
	c = c ? c : curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	c = c ? c : curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	c = c ? c : curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	c = c ? c : curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	/* no file: libcurl would parse the bundle again for each connection */
	c = c ? c : curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
	c = c ? c : curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	c = c ? c : curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, lend_trust);
	c = c ? c : curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, rules->trust);
	c = c ? c : curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	return c;
}

/* How it shares connections, and what it costs. */
static CURLcode set_economy(CURL *easy, const struct http_rules *rules, bool once)
{
	long version = rules->http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1;
	CURLcode c = curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, version);

	/* waits for a connection that is being made and may be shared */
	c = c ? c : curl_easy_setopt(easy, CURLOPT_PIPEWAIT, rules->http2 ? 1L : 0L);
	/* only a reused connection makes libcurl send twice by itself */
	c = c ? c : curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, once ? 1L : 0L);
	c = c ? c : curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	c = c ? c : curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)READ_BUFFER_BYTES);
	c = c ? c : curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)WRITE_BUFFER_BYTES);
	return c;
}

static CURLcode set_times(CURL *easy, int64_t left_ms)
{
	long total = (long)left_ms;
	long connect = total < CONNECT_TIMEOUT_MS ? total : CONNECT_TIMEOUT_MS;
	CURLcode c = curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, total);

	return c ? c : curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect);
}

static CURLcode set_body(CURL *easy, struct slice body)
{
	CURLcode c = curl_easy_setopt(easy, CURLOPT_POST, 1L);

	c = c ? c : curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.len ? body.data : "");
	return c ? c : curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
}

static CURLcode set_request(CURL *easy, const struct http_transfer *transfer)
{
	const struct http_ask *ask = transfer->ask;
	bool is_post = strcmp(ask->method, "POST") == 0;
	CURLcode c = curl_easy_setopt(easy, CURLOPT_URL, transfer->url);

	if (!c && transfer->target)
		c = curl_easy_setopt(easy, CURLOPT_REQUEST_TARGET, transfer->target);
	if (!c && (is_post || ask->body.len > 0))
		c = set_body(easy, ask->body);
	if (!c && !is_post)
		c = curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, ask->method);
	return c ? c : curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
}

static CURLcode set_answer(CURL *easy, struct http_transfer *transfer)
{
	CURLcode c = curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);

	c = c ? c : curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	c = c ? c : curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	c = c ? c : curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	c = c ? c : curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	/* what is announced to be too long is not even begun */
	return c ? c
		 : curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE,
				    (curl_off_t)ceiling(transfer->ask));
}

enum err http_transfer_prepare(struct http_transfer *transfer, const struct http_rules *rules)
{
	int64_t left_ms = transfer->give_up_ms - clock_mono_ms();
	CURL *easy = transfer->easy;
	CURLcode c;

	if (left_ms <= 0)
		return ERR_DEADLINE;
	c = set_safety(easy, rules);
	c = c ? c : set_economy(easy, rules, transfer->ask->once);
	c = c ? c : set_times(easy, left_ms);
	c = c ? c : set_request(easy, transfer);
	c = c ? c : set_answer(easy, transfer);
	if (c == CURLE_OK)
		return OK;
	return c == CURLE_OUT_OF_MEMORY
		       ? ERR_NOMEM
		       : fail_set(transfer->why, ERR_INTERNAL, "curl option: %d", (int)c);
}

/* May the other side have seen a byte of the request? When in doubt, yes. */
static bool may_have_been_sent(CURL *easy, CURLcode code)
{
	curl_off_t begun_us = 1;
	long request_bytes = 1;

	switch ((int)code) {
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_FAIL_REWIND:
		return true;
	default:
		break;
	}
	if (curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &begun_us) || begun_us > 0)
		return true;
	return curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &request_bytes) || request_bytes > 0;
}

static enum err judge(const struct http_transfer *transfer, CURLcode code)
{
	const char *text = curl_easy_strerror(code);

	if (!may_have_been_sent(transfer->easy, code)) {
		if (code == CURLE_OUT_OF_MEMORY)
			return ERR_NOMEM;
		return fail_set(transfer->why, ERR_UNREACHABLE, "curl %d: %s", (int)code, text);
	}
	if (code == CURLE_OPERATION_TIMEDOUT)
		return fail_set(transfer->why, ERR_UPSTREAM_SLOW, "curl %d: %s", (int)code, text);
	if (transfer->header_bytes > HEADER_BYTES_MAX)
		text = "answer's head is too large";
	else if (buf_error(&transfer->reply->body))
		text = "answer is too large";
	return fail_set(transfer->why, ERR_UPSTREAM, "curl %d: %s", (int)code, text);
}

void http_transfer_finish(struct http_transfer *transfer, CURLcode code)
{
	struct http_reply *reply = transfer->reply;
	long status = 0;

	if (code == CURLE_OK)
		code = curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	/* libcurl takes a connection that closes amid the head for the end of the answer */
	if (code == CURLE_OK && !transfer->head_ended)
		code = CURLE_RECV_ERROR;
	reply->status = code == CURLE_OK ? (int)status : 0;
	reply->is_json = reply->is_json && !reply->is_encoded;
	transfer->outcome = code == CURLE_OK ? OK : judge(transfer, code);
}
