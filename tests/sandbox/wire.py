"""Reading what a client sent and answering it, the same for every provider."""

import base64
import binascii
import json
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from aiohttp import hdrs, web

# Answers longer than this are sent in chunks, shorter ones with a Content-Length.
CHUNKED_FROM = 600

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
                               "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


# Members that no client knows: answers may grow at any time.
UNANNOUNCED = {"unannouncedMember": {"list": [1, None, True], "text": "\u2713"}}


class BadForm(ValueError):
    """A form that cannot be read; the text says why."""


class BadCredentials(ValueError):
    """HTTP Basic that cannot be read."""


def read_form(request: web.Request, body: bytes) -> dict[str, str]:
    """The members of an application/x-www-form-urlencoded body, each at most once."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise BadForm("Invalid content type. Expected application/x-www-form-urlencoded.")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body),
                          encoding="utf-8", errors="strict", max_num_fields=50)
    except ValueError as error:
        raise BadForm("Bad Request") from error
    return single(pairs)


def single(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Parameters as a dictionary; one given twice is refused (RFC 6749, 3.1 and 3.2)."""
    members: dict[str, str] = {}
    for name, value in pairs:
        if name in members:
            raise BadForm(f"OAuth 2 parameters can only have a single value: {name}")
        members[name] = value
    return members


def basic_credentials(request: web.Request) -> tuple[str, str] | None:
    """Client id and secret from HTTP Basic (RFC 6749, 2.3.1), None without such a header."""
    scheme, _, rest = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(rest, validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise BadCredentials(rest) from error
    client_id, _, secret = text.partition(":")
    return unquote_plus(client_id), unquote_plus(secret)


def bearer(request: web.Request) -> str | None:
    """The bearer token of a request, None without one (RFC 6750, 2.1)."""
    words = request.headers.get(hdrs.AUTHORIZATION, "").split(" ")
    if len(words) != 2 or words[0].lower() != "bearer" or not words[1]:
        return None
    return words[1]


def json_answer(value: Any, status: int = 200, headers: dict[str, str] | None = None,
                pretty: bool = True) -> web.Response:
    """A JSON answer, indented unless the client asked for it bare."""
    text = json.dumps(value, indent=1 if pretty else None, ensure_ascii=False,
                      separators=(",", ": " if pretty else ":"))
    return web.Response(body=text.encode() + (b"\n" if pretty else b""), status=status,
                        headers={"Content-Type": "application/json; charset=UTF-8",
                                 "Cache-Control": "no-cache, no-store, max-age=0, must-revalidate",
                                 "Vary": "Origin, X-Origin, Referer", **(headers or {})})


def html_answer(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/html",
                        headers=SECURITY_HEADERS)


def go_to(location: str) -> web.Response:
    """Send the browser elsewhere, by GET."""
    return web.Response(status=303, headers={**SECURITY_HEADERS, hdrs.LOCATION: location})


def may_chunk(request: web.Request, response: web.StreamResponse) -> None:
    """Send long answers in chunks, as the real ones come; HTTP/1.0 knows none."""
    if (isinstance(response, web.Response) and not response.prepared
            and isinstance(response.body, bytes) and len(response.body) >= CHUNKED_FROM
            and tuple(request.version) >= (1, 1) and request.method != "HEAD"):
        response.enable_chunked_encoding()
