"""GET /metrics is for this machine and for who has the token; nobody else learns that it is there."""

import pytest
from conftest import running

TOKEN = "a-token-of-prometheus-0123456789abcdef"


@pytest.fixture(scope="module")
def stack():
    """A stack whose metrics may be fetched with a token."""
    for one in running(parts=("mariadb", "nginx", "fcgi"), settings={"METRICS_TOKEN": TOKEN}):
        one.schema.remember()
        yield one
        assert one.sanitizer_reports() == []


def fetch(stack, address, *lines):
    """GET /metrics from an address, with these header lines."""
    return stack.public.raw("\r\n".join([
        "GET /metrics HTTP/1.1", "Host: localhost", "Connection: close", *lines, "", ""]).encode(),
        source=address)


def check_hidden(answer):
    assert (answer.status, answer.json["code"]) == (404, "not_found")
    assert "calbridge_" not in answer.text


def test_this_machine_needs_no_token(stack):
    answer = fetch(stack, "127.0.0.1")
    assert answer.status == 200 and "calbridge_" in answer.text
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_who_has_the_token_may_come_from_anywhere(stack, address):
    answer = fetch(stack, address, f"Authorization: Bearer {TOKEN}")
    assert answer.status == 200 and "calbridge_" in answer.text


@pytest.mark.parametrize("lines", [
    (), ("Authorization: Bearer",), ("Authorization: Bearer ",), (f"Authorization: {TOKEN}",),
    (f"Authorization: Basic {TOKEN}",), (f"Authorization: Bearer {TOKEN[:-1]}",),
    (f"Authorization: Bearer {TOKEN}x",), (f"Authorization: Bearer {TOKEN[:-1]}g",),
    (f"X-Api-Key: {TOKEN}",), ("X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1"),
], ids=repr)
def test_nobody_else_finds_anything(stack, address, lines):
    check_hidden(fetch(stack, address, *lines))


def test_the_token_opens_nothing_else(stack, address):
    answer = stack.request("GET", "/api/session", headers={"Authorization": f"Bearer {TOKEN}"},
                           source=address)
    assert answer.status == 401


def test_without_a_token_in_the_settings_none_is_right(stack, address):
    stack.reconfigure(METRICS_TOKEN=None)
    try:
        for lines in ((), ("Authorization: Bearer",), (f"Authorization: Bearer {TOKEN}",)):
            check_hidden(fetch(stack, address, *lines))
        assert fetch(stack, "127.0.0.1").status == 200
    finally:
        stack.reconfigure(METRICS_TOKEN=TOKEN)
