"""What reaches the application through nginx, and what becomes of its answers."""

import re
import socket
import threading
import time

import pytest
from stack.fastcgi import FastCgiStub
from stack.processes import wait_for

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
API_CSP = "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
PAGE_CSP = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
            "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
NGINX_HEADERS = [*SECURITY_HEADERS, "Cache-Control", "Content-Security-Policy", "X-Request-Id"]


@pytest.fixture
def backend(front):
    with FastCgiStub(front.fcgi_socket, front.account) as stub:
        yield stub


def reply(status=200, *headers, body=b"{}", kind="application/json"):
    lines = [f"Status: {status}", f"Content-Type: {kind}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def check_headers(answer, csp=API_CSP, cache="no-store"):
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers.get_all(name) == [value], name
    assert answer.headers.get_all("Content-Security-Policy") == [csp]
    assert answer.headers.get_all("Cache-Control") == [cache]
    assert answer.count("X-Request-Id") == 1
    assert answer.count("Strict-Transport-Security") == 0
    assert answer.headers["Server"] == "nginx"


def test_the_application_gets_the_raw_address_the_body_and_the_request_id(front, backend):
    answer = front.request("POST", "/api/%63al//x?a=%20&b", body=b"hello",
                           headers={"Content-Type": "application/json"}, source="127.7.7.7")
    got = backend.received[-1]
    assert (got["REQUEST_METHOD"], got["REQUEST_URI"]) == ("POST", "/api/%63al//x?a=%20&b")
    assert (got["QUERY_STRING"], got["CONTENT_TYPE"]) == ("a=%20&b", "application/json")
    assert (got["CONTENT_LENGTH"], got.body) == ("5", b"hello")
    assert (got["REMOTE_ADDR"], got["HTTPS"]) == ("127.7.7.7", "on")
    assert got["REQUEST_ID"] == answer.headers["X-Request-Id"]


def test_the_application_hears_when_a_request_came_to_the_web_server(front, backend):
    before = time.time()
    front.request("GET", "/api/x")
    at = backend.received[-1]["REQUEST_AT"]
    assert re.fullmatch(r"\d+\.\d{3}", at) and before - 0.1 < float(at) < time.time()


def test_a_chunked_body_arrives_whole_with_its_length(front, backend):
    front.public.raw(b"POST /api/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
                     b"Connection: close\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    got = backend.received[-1]
    assert (got.all("CONTENT_LENGTH"), got.body) == (["5"], b"abcde")


def test_forged_headers_change_nothing_that_nginx_says(front, backend):
    front.request("GET", "/api/x", headers={
        "X-Forwarded-For": "10.0.0.1", "X-Real-IP": "10.0.0.1", "X-Request-Id": "forged",
        "Proxy": "http://evil.example", "Remote_Addr": "10.0.0.1", "Request-Id": "forged"})
    got = backend.received[-1]
    assert got.all("REMOTE_ADDR") == ["127.0.0.1"]
    assert len(got.all("REQUEST_ID")) == 1 and re.fullmatch("[0-9a-f]{32}", got["REQUEST_ID"])
    assert not any(got.all("HTTP_PROXY"))
    assert got.all("HTTP_REMOTE_ADDR") == []


def test_a_header_given_twice_arrives_twice(front, backend):
    front.public.raw(b"GET /api/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                     b"Idempotency-Key: a\r\nIdempotency-Key: b\r\n"
                     b"X-Api-Key: c\r\nX-Api-Key: d\r\n\r\n")
    got = backend.received[-1]
    assert got.all("HTTP_IDEMPOTENCY_KEY") == ["a", "b"]
    assert got.all("HTTP_X_API_KEY") == ["c", "d"]


@pytest.mark.parametrize("status", [200, 201, 204, 302, 304, 400, 401, 404, 409, 429, 500, 503])
def test_every_answer_of_the_application_has_the_headers_once(front, backend, status):
    backend.answer = lambda _: reply(
        status, "Location: /x", "X-Request-Id: twice", "Cache-Control: public, max-age=9",
        "Content-Security-Policy: default-src *", "X-Content-Type-Options: x",
        "Referrer-Policy: unsafe-url", "Cross-Origin-Opener-Policy: unsafe-none",
        "Cross-Origin-Resource-Policy: cross-origin", "Strict-Transport-Security: max-age=1",
        "X-Powered-By: x", body=b"" if status in (204, 304) else b'{"mine": true}')
    answer = front.request("GET", "/api/x")
    assert answer.status == status
    assert answer.body in (b'{"mine": true}', b"")
    check_headers(answer, PAGE_CSP if status == 304 else API_CSP)
    assert answer.count("X-Powered-By") == 0


def test_a_page_of_the_application_may_use_what_the_site_serves(front, backend):
    backend.answer = lambda _: reply(200, body=b"<p>", kind="text/html; charset=utf-8")
    check_headers(front.request("GET", "/api/calendar-integration/callback"), PAGE_CSP)
    check_headers(front.request("GET", "/connect/abc"), PAGE_CSP)


def test_every_answer_of_nginx_has_the_headers_once(front):
    for method, path, body in (("GET", "/nope", None), ("POST", "/api/x", b"x" * 65537),
                               ("TRACE", "/api/x", None), ("GET", "/api/x", None),
                               ("POST", "/dashboard/", b"x"), ("GET", "/api/%zz", None)):
        check_headers(front.request(method, path, body=body))
    check_headers(front.request("GET", "/"), PAGE_CSP)
    check_headers(front.plain.request("POST", "/api/x", body=b"{}"))
    check_headers(front.plain.request("GET", "/api/x"), PAGE_CSP)


def test_retry_after_stands_on_429_and_503_once_and_the_applications_own_wins(front, backend):
    for status in (429, 503):
        backend.answer = lambda _, status=status: reply(status, "Retry-After: 77")
        assert front.request("GET", "/api/x").headers.get_all("Retry-After") == ["77"]
        backend.answer = lambda _, status=status: reply(status)
        assert front.request("GET", "/api/x").count("Retry-After") == 1
    backend.answer = lambda _: reply(200)
    assert front.request("GET", "/api/x").count("Retry-After") == 0


def test_the_applications_allow_and_cors_headers_pass(front, backend):
    backend.answer = lambda _: reply(405, "Allow: POST", "Vary: Origin",
                                     "Access-Control-Allow-Origin: https://app.example")
    answer = front.request("GET", "/api/x")
    assert answer.headers.get_all("Allow") == ["POST"]
    assert answer.headers.get_all("Access-Control-Allow-Origin") == ["https://app.example"]


def test_an_internal_redirect_of_the_application_is_not_followed(front, backend):
    backend.answer = lambda _: reply(200, "X-Accel-Redirect: /dashboard/index.html", body=b"{}")
    assert front.request("GET", "/api/x").body == b"{}"


def test_a_worker_that_hangs_up_is_followed_by_the_next_with_the_same_request_id(front, backend):
    def answer(_):
        return None if len(backend.received) % 3 else reply(200, body=b'{"third": 1}')
    backend.answer = answer
    got = front.request("POST", "/api/calendar/invite", data={"a": 1})
    assert (got.status, got.json) == (200, {"third": 1})
    assert len(backend.received) == 3
    assert len({one["REQUEST_ID"] for one in backend.received}) == 1
    assert {one.body for one in backend.received} == {b'{"a": 1}'}


def test_after_three_tries_the_answer_is_502(front, backend):
    backend.answer = lambda _: None
    answer = front.request("POST", "/api/calendar/invite", data={})
    assert (answer.status, answer.json["code"]) == (502, "service_unavailable")
    assert len(backend.received) == 3
    backend.answer = lambda _: reply(200)
    assert front.request("POST", "/api/calendar/invite", data={}).status == 200


def test_a_worker_that_is_too_slow_is_504_and_not_asked_twice(front, backend):
    release = threading.Event()
    backend.answer = lambda _: release.wait(20) and None
    answer = front.request("POST", "/api/cal/calendars/sync-credentials", data={})
    release.set()
    assert (answer.status, answer.json["code"]) == (504, "deadline")
    assert set(answer.json) == {"success", "error", "code", "requestId"}
    assert len(backend.received) == 1


def test_an_answer_that_is_no_answer_is_502_once(front, backend):
    backend.answer = lambda _: b"Status: 200\r\nBad\0Header: x\r\n\r\n{}"
    answer = front.request("POST", "/api/x", data={})
    assert (answer.status, answer.json["code"]) == (502, "service_unavailable")
    assert len(backend.received) == 1


def test_a_large_answer_arrives_whole(front, backend):
    backend.answer = lambda _: reply(200, body=b"x" * 3_000_000)
    assert len(front.request("GET", "/api/x").body) == 3_000_000


def test_half_a_body_never_reaches_the_application(front, backend):
    with front.public.open() as connection:
        connection.sendall(b"POST /api/x HTTP/1.1\r\nHost: localhost\r\n"
                           b"Content-Length: 10\r\n\r\nhello")
        connection.shutdown(socket.SHUT_RDWR)
    front.request("GET", "/api/marker")
    assert [one["REQUEST_URI"] for one in backend.received] == ["/api/marker"]


def test_who_asks_for_metrics_cannot_claim_to_be_this_machine(front, backend):
    forged = {"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1", "Host": "127.0.0.1"}
    paths = ("/metrics", "/metrics?x=1", "/%6detrics", "/dashboard/../metrics", "/api/../metrics")
    for path in paths:
        front.public.raw(
            f"GET {path} HTTP/1.1\r\nConnection: close\r\n".encode()
            + "".join(f"{n}: {v}\r\n" for n, v in forged.items()).encode() + b"\r\n",
            source="127.0.0.9")
    assert [one.all("REMOTE_ADDR") for one in backend.received] == [["127.0.0.9"]] * len(paths)


# A link that was written wrong is still the secret of its owner.
CONNECT = ("/connect", "//connect", "///connect", "/connect/", "/%63onnect", "/x/../connect")


def test_the_access_log_holds_no_query_no_referer_and_no_link(front, backend):
    secret = "s3cretc0de"
    for path in (f"/api/calendar-integration/callback?code={secret}&state=y", f"/x?{secret}",
                 *(f"{start}/{secret}" for start in CONNECT), f"/dashboard/?{secret}"):
        front.request("GET", path, headers={"Referer": f"https://x.example/?{secret}",
                                            "User-Agent": secret, "Cookie": secret})
    backend.answer = lambda _: None
    last = front.request("GET", f"/api/x?code={secret}")
    wait_for(lambda: any(line.get("requestId") == last.headers["X-Request-Id"]
                         for line in front.log_lines("access")), what="the log line")
    lines = front.log_lines("access")
    assert all("time" in line and "path" in line for line in lines)
    assert {"/connect/-", "/api/calendar-integration/callback"} <= {line["path"] for line in lines}
    for path in (front.nginx.access_log, front.nginx.error_log):
        assert secret not in path.read_text()
