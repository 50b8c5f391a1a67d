"""What nginx answers by itself: JSON in the family's shape, with a request id, and never HTML."""

import json
import re
import socket
import subprocess
import time

import pytest

FAMILIES = {
    "/api/calendar/invite": {"error", "code", "requestId"},
    "/api/calendars/events": {"error", "code", "requestId"},
    "/api/calendar-integration/callback": {"error", "code", "requestId"},
    "/api/connectors/sub-1": {"success", "message", "code", "requestId"},
    "/api/google-calendar/connect": {"success", "message", "code", "requestId"},
    "/api/cal/calendars/status": {"success", "error", "code", "requestId"},
    "/api/cal": {"success", "error", "code", "requestId"},
}
REQUEST_ID = re.compile(r"[0-9a-f]{32}")


def check_error(answer, status, code, members=frozenset({"error", "code", "requestId"})):
    assert answer is not None, "the connection was closed without an answer"
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/json"
    body = answer.json
    assert set(body) == set(members)
    assert body["code"] == code
    assert body.get("success", False) is False
    assert REQUEST_ID.fullmatch(body["requestId"])
    assert answer.headers.get_all("X-Request-Id") == [body["requestId"]]
    assert answer.headers.get_all("Cache-Control") == ["no-store"]


def raw(front, *lines, body=b""):
    """Header lines sent as they are, with Host and Connection: close unless given."""
    text = "\r\n".join([*lines, "Host: localhost", "Connection: close", "", ""])
    return front.public.raw(text.encode("latin-1") + body)


@pytest.mark.parametrize("path", FAMILIES)
def test_without_a_worker_the_answer_is_502_in_the_shape_of_its_family(front, path):
    check_error(front.request("GET", path), 502, "service_unavailable", FAMILIES[path])


def test_the_ending_of_an_address_does_not_make_an_error_html(front):
    check_error(front.request("GET", "/api/x.html"), 502, "service_unavailable")
    check_error(front.request("GET", "/api/cal/x.html?" + "y" * 20000), 414, "uri_too_long")


@pytest.mark.parametrize("path", FAMILIES)
def test_65537_bytes_are_413_before_anything_is_read(front, path):
    check_error(front.request("POST", path, body=b"x" * 65537), 413, "body_too_large",
                FAMILIES[path])


def test_65536_bytes_are_not_too_many(front):
    assert front.request("POST", "/api/calendar/invite", body=b"x" * 65536).status == 502


def test_a_chunked_body_is_counted_too(front):
    chunks = b"".join(b"8000\r\n" + b"x" * 0x8000 + b"\r\n" for _ in range(3)) + b"0\r\n\r\n"
    answer = raw(front, "POST /api/cal/calendars/sync-credentials HTTP/1.1",
                 "Transfer-Encoding: chunked", body=chunks)
    check_error(answer, 413, "body_too_large", FAMILIES["/api/cal"])


def test_only_the_bulk_call_takes_a_mebibyte(front):
    bulk = "/api/calendar-integration/appointments"
    assert front.request("POST", bulk, body=b"x" * (1 << 20)).status == 502
    assert front.request("POST", bulk, body=b"x" * ((1 << 20) + 1)).status == 413
    assert front.request("POST", bulk + "/a", body=b"x" * 65537).status == 413


@pytest.mark.parametrize("path", [
    "/nope", "/api", "/connect", "/apix", "/index.php", "/.git/config", "/dashboard/nope.html",
    "/dashboard/../server.conf", "/dashboard/%2e%2e/server.conf", "/dashboard/..%2fx",
    "//api/calendar/invite", "/API/calendar/invite", "/healthz/", "/calbridge-error"])
def test_what_is_not_there_is_a_json_404(front, path):
    check_error(raw(front, f"GET {path} HTTP/1.1"), 404, "not_found")


@pytest.mark.parametrize("path", [
    "/api/%00", "/%00", "/api/%zz", "/api/%", "/../etc/passwd", "/api/../../x",
    "/dashboard/%2e%2e/%2e%2e/x", "/api/\x01", "api/x", "*"])
def test_an_address_that_cannot_be_decoded_is_400(front, path):
    check_error(raw(front, f"GET {path} HTTP/1.1"), 400, "bad_request")


@pytest.mark.parametrize("lines", [
    ("Content-Length: 5", "Transfer-Encoding: chunked"),
    ("Content-Length: 5", "Content-Length: 6"),
    ("Content-Length: 5", "Content-Length: 5"),
    ("Content-Length: -1",), ("Content-Length: 1e3",), ("Content-Length: 0x5",),
    ("Content-Length: 99999999999999999999",),
    ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    ("Host: evil.example",),
    ("X-Bad: a\0b",),
], ids=" + ".join)
def test_a_request_whose_length_or_host_is_ambiguous_is_400(front, lines):
    answer = raw(front, "POST /api/connectors/sub-1 HTTP/1.1", *lines, body=b"0\r\n\r\n")
    check_error(answer, 400, "bad_request", FAMILIES["/api/connectors/sub-1"])


def test_an_unknown_transfer_encoding_is_refused(front):
    answer = raw(front, "POST /api/calendar/invite HTTP/1.1", "Transfer-Encoding: gzip, chunked")
    check_error(answer, 501, "internal_error")


def test_a_request_line_that_is_none_is_400(front):
    check_error(front.public.raw(b"nonsense\r\n\r\n"), 400, "bad_request")


def test_a_header_of_64_kib_is_431_in_the_shape_of_its_family(front):
    for path, members in FAMILIES.items():
        answer = raw(front, f"GET {path}?a=b HTTP/1.1", "X-Long: " + "x" * 65536)
        check_error(answer, 431, "headers_too_large", members)


def test_headers_of_64_kib_together_are_431(front):
    lines = [f"X-Long-{n}: {'x' * 8192}" for n in range(8)]
    check_error(raw(front, "GET /api/calendar/invite HTTP/1.1", *lines), 431, "headers_too_large")


def test_a_token_of_8_kib_passes(front):
    answer = raw(front, "GET /api/calendar/invite HTTP/1.1", f"Authorization: Bearer {'x' * 8192}")
    assert answer.status == 502


def test_an_address_of_100_kb_is_414(front):
    answer = raw(front, f"GET /api/calendar-integration/callback?code={'x' * 100000} HTTP/1.1")
    check_error(answer, 414, "uri_too_long")


@pytest.mark.parametrize("method", ["TRACE", "CONNECT"])
def test_methods_that_nginx_refuses_are_405_with_allow(front, method):
    answer = raw(front, f"{method} /api/calendar/invite HTTP/1.1")
    check_error(answer, 405, "method_not_allowed")
    assert answer.count("Allow") == 1


def test_plain_http_on_the_tls_port_is_400(front):
    with socket.create_connection(("127.0.0.1", front.public.port), 10) as connection:
        connection.sendall(b"GET /api/cal/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
        text = b""
        while got := connection.recv(4096):
            text += got
    head, _, body = text.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["code"] == "bad_request"


def test_over_http2_the_errors_are_the_same(front):
    for path, body, status in (("/nope", None, 404), ("/api/calendar/invite", "x" * 65537, 413),
                               ("/api/calendar/invite", None, 502)):
        argv = ["curl", "-sS", "--http2", "--cacert", front.authority.certificate, "-w",
                "\n%{http_code} %{http_version} %{content_type}", front.public.url + path]
        done = subprocess.run(argv + (["-d", "@-"] if body else []), input=body, check=True,
                              stdout=subprocess.PIPE, text=True)
        text, _, facts = done.stdout.rpartition("\n")
        assert facts == f"{status} 2 application/json"
        assert set(json.loads(text)) == {"error", "code", "requestId"}


@pytest.mark.slow
def test_half_a_header_is_not_waited_for_longer_than_ten_seconds(front):
    with front.public.open(timeout=20) as connection:
        begun = time.monotonic()
        connection.sendall(b"GET / HTTP/1.1\r\nHost: loc")
        try:
            assert connection.recv(100) == b""
        except ConnectionError:
            pass
        assert 5 < time.monotonic() - begun < 15
