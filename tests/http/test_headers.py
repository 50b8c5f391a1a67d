"""What every answer carries, whichever route and however it ended; other origins; methods."""

import re

import pytest
from consent import (CALLBACK, CONNECT, CONNECTIONS, HOST, SESSION, Browser, OTHER_ACCOUNT)
from flows import INVITE, invite, sign_in, wanted

REQUEST_ID = re.compile(r"[0-9a-f]{32}")
JSON_POLICY = "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
PAGE_POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
               "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
FIXED = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
         "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
         "Cross-Origin-Resource-Policy": "same-origin"}
ALLOWED = ("https://good.example", "https://app.good.example:8443")
# path -> the methods that it has
ROUTES = {INVITE: {"POST"}, CONNECT + HOST: {"GET"}, CALLBACK: {"GET", "POST"},
          CONNECTIONS + HOST: {"GET"}, SESSION: {"GET", "POST", "DELETE"},
          "/connect/link": {"GET", "POST"}, "/healthz": {"GET"}, "/readyz": {"GET"},
          "/metrics": {"GET"}}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "FOO")


def check_headers(answer):
    """All of them, each once, and nothing that says what runs here."""
    for name, value in FIXED.items():
        assert answer.headers.get_all(name) == [value], (answer.status, name)
    is_page = answer.headers.get("Content-Type", "").startswith("text/html")
    assert answer.headers.get_all("Content-Security-Policy") == [
        PAGE_POLICY if is_page else JSON_POLICY]
    one, = answer.headers.get_all("X-Request-Id")
    assert REQUEST_ID.fullmatch(one)
    assert answer.headers.get_all("Server") == ["nginx"]
    for name in ("X-Powered-By", "Strict-Transport-Security", "Via", "Content-Encoding", "ETag"):
        assert answer.count(name) == 0, name
    for name in ("Content-Type", "Content-Length", "Location", "Allow", "Retry-After",
                 "WWW-Authenticate"):
        assert answer.count(name) <= 1, name
    if answer.status == 401:
        assert answer.count("WWW-Authenticate") == 1
    if answer.status == 405:
        assert answer.count("Allow") == 1
    if answer.status in (429, 503):
        assert int(answer.headers["Retry-After"]) >= 1
    if answer.status >= 400 and not is_page and answer.body:
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.json["requestId"] == one and answer.json["code"]
    return answer


def check_and_count(answer, status):
    check_headers(answer)
    assert answer.status == status, answer.text


# --- every route, every kind of end ---

@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_every_method_of_every_route_carries_all_headers_once(clean, bearer, address, path, accept):
    for method in METHODS:
        for headers in ({}, bearer(HOST)):
            answer = check_headers(clean.request(
                method, path, headers={"Accept": accept, **headers}, source=address,
                body=b"{}" if method in ("POST", "PUT", "PATCH") else None))
            assert answer.status < 500, (method, answer.text)


def test_good_answers_carry_them(clean, bearer):
    browser = Browser(clean, bearer(HOST))
    check_and_count(browser.request("GET", CONNECT + HOST), 302)
    check_and_count(browser.request("GET", CONNECT + HOST, headers={"Accept": "application/json"}),
                    200)
    check_and_count(browser.connect(), 302)
    page = browser.connect(OTHER_ACCOUNT)
    check_and_count(page, 200)
    check_and_count(browser.decide(page, "yes"), 302)
    check_and_count(invite(clean, bearer(HOST)), 200)
    check_and_count(clean.request("GET", CONNECTIONS + HOST, headers=bearer(HOST)), 200)
    for path in ("/healthz", "/readyz", "/metrics"):
        check_and_count(clean.request("GET", path), 200)


def test_a_session_from_in_to_out_carries_them(clean, jwt):
    opened = clean.request("POST", SESSION, data={}, headers={
        "Origin": clean.public.url, "Authorization": f"Bearer {jwt(HOST)}"})
    check_and_count(opened, 200)
    signed_in = sign_in(clean, jwt(HOST))
    check_and_count(clean.request("GET", SESSION, headers=signed_in), 200)
    check_and_count(clean.request("DELETE", SESSION, headers=signed_in), 204)


BAD = {
    "400 malformed": ("POST", INVITE, {"Content-Type": "application/json"}, b"{", 400),
    "400 fields": ("POST", INVITE, {"Content-Type": "application/json"}, b"{}", 400),
    "400 state": ("GET", CALLBACK, {}, None, 400),
    "404 path": ("GET", "/api/nope", {}, None, 404),
    "404 below a route": ("GET", SESSION + "/x", {}, None, 404),
    "404 two slashes": ("GET", "//api/session", {}, None, 404),
    "405": ("PUT", INVITE, {}, b"{}", 405),
    "409 no calendar": ("POST", INVITE, {}, wanted(), 409),
    "413 by nginx": ("POST", INVITE, {"Content-Type": "application/json"}, b" " * 65537, 413),
    "413 by us": ("POST", SESSION, {"Content-Type": "application/json"}, b" " * 16385, 413),
    "415": ("POST", INVITE, {"Content-Type": "text/plain"}, b"{}", 415),
    "414": ("GET", CALLBACK + "?code=" + "x" * 20000, {}, None, 414),
    "431": ("GET", SESSION, {"X-Long": "x" * 20000}, None, 431),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("accept", ["application/json", "text/html,*/*;q=0.8"])
def test_bad_answers_carry_them(clean, bearer, address, name, accept):
    method, path, headers, body, status = BAD[name]
    options = {"data": body} if isinstance(body, dict) else {"body": body}
    answer = clean.request(method, path, source=address, **options,
                           headers={**bearer(HOST), "Accept": accept, **headers})
    check_and_count(answer, status)


def test_401_403_and_429_carry_them(clean, bearer, jwt, address):
    for path in (CONNECT + HOST, CONNECTIONS + HOST, SESSION):
        check_and_count(clean.request("GET", path, source=address), 401)
    session = {**sign_in(clean, jwt(HOST)), "X-CSRF-Token": "x"}
    check_and_count(clean.request("DELETE", SESSION, headers=session), 403)
    for _ in range(10):
        clean.request("GET", SESSION, headers={"Cookie": "__Host-cb_session=x"}, source=address)
    check_and_count(clean.request("GET", SESSION, headers={"Cookie": "__Host-cb_session=x"},
                                  source=address), 429)


def test_a_provider_that_fails_and_a_database_that_is_away_change_nothing(clean, bearer):
    Browser(clean, bearer(HOST)).connect()
    clean.sandbox.fault("backendError", match={"path": "/events", "count": None})
    check_and_count(invite(clean, bearer(HOST)), 500)
    clean.mariadb.kill()
    try:
        check_and_count(invite(clean, bearer(HOST)), 500)
        for path in ("/readyz", CONNECTIONS + HOST, CONNECT + HOST,
                     f"{CALLBACK}?code=x&state={'A' * 43}"):
            check_and_count(clean.request("GET", path, headers=bearer(HOST)), 503)
    finally:
        clean.mariadb.start()


def test_with_the_application_away_the_web_server_says_so_alike(clean):
    clean.fcgi.stop()
    try:
        for path in ROUTES:
            check_and_count(clean.request("GET", path), 502)
    finally:
        clean.fcgi.start(clean.is_ready)


def test_every_request_has_an_id_of_its_own_which_the_log_knows(clean):
    ids = [clean.request("GET", "/healthz",
                         headers={"X-Request-Id": "a" * 32}).headers["X-Request-Id"]
           for _ in range(5)]
    assert len(set(ids)) == 5 and "a" * 32 not in ids
    for name in ("calbridge-fcgi", "access"):
        assert set(ids) <= {line.get("requestId") for line in clean.log_lines(name)}


# --- methods ---

@pytest.mark.parametrize("path", ROUTES)
def test_what_a_route_does_not_have_is_405_and_names_what_it_has(clean, path):
    has = ROUTES[path] | ({"HEAD"} if "GET" in ROUTES[path] else set())
    for method in METHODS:
        if method in has:
            continue
        answer = clean.request(method, path, body=b"{}" if method in ("POST", "PUT") else None)
        assert answer.status == 405, (method, answer.status)
        assert set(answer.headers["Allow"].split(", ")) == has


def test_405_comes_before_credentials_body_and_type(clean, address):
    answer = clean.request("PUT", INVITE, body=b"x" * 1000, source=address,
                           headers={"x-api-key": "wrong", "Content-Type": "text/plain"})
    assert (answer.status, answer.json["code"]) == (405, "method_not_allowed")


def test_trace_is_refused(clean):
    answer = clean.request("TRACE", SESSION, headers={"Cookie": "a=secret"})
    assert answer.status == 405 and b"secret" not in answer.body


@pytest.mark.parametrize("path", ["/healthz", "/readyz", CONNECTIONS + HOST, SESSION, "/api/nope"])
def test_head_is_answered_like_get_without_its_body(clean, bearer, jwt, path):
    headers = sign_in(clean, jwt(HOST)) if path == SESSION else bearer(HOST)
    whole = clean.request("GET", path, headers=headers)
    head = clean.request("HEAD", path, headers=headers)
    assert (head.status, head.body) == (whole.status, b"")
    for name in ("Content-Type", "Content-Length", "Cache-Control", "Allow"):
        assert head.headers.get(name) == whole.headers.get(name), name


def test_head_of_the_connect_page_begins_a_flow_as_get_does(clean, bearer):
    answer = clean.request("HEAD", CONNECT + HOST, headers=bearer(HOST))
    assert (answer.status, answer.body) == (302, b"")
    assert answer.headers["Location"].startswith(clean.settings["GOOGLE_AUTH_URL"])


# --- other sites ---

def cors(answer):
    return {name.lower(): value for name, value in answer.headers.items()
            if name.lower().startswith("access-control-")}


def test_without_a_list_no_origin_is_named(clean, bearer):
    for origin in (*ALLOWED, clean.public.url, "null"):
        answer = clean.request("GET", CONNECTIONS + HOST, headers={**bearer(HOST),
            "Origin": origin})
        assert (cors(answer), answer.count("Vary")) == ({}, 0)


@pytest.fixture(scope="module")
def listing(stack):
    """The stack with a list of other origins."""
    stack.reconfigure(ALLOWED_ORIGINS=",".join(ALLOWED))
    yield stack
    stack.reconfigure(ALLOWED_ORIGINS=None)


STRANGERS = ["null", "https://good.example.evil", "https://evil-good.example",
             "http://good.example",
             "https://good.example/", "https://good.example:443", "https://GOOD.example",
             "https://good.example.", "https://app.good.example", "https://app.good.example:84433",
             "https://sub.good.example", "*", "",
             "https://good.example,https://app.good.example:8443",
             "https://good.example https://evil.example", "https://good.example%00", "good.example",
             "file://", "https://xn--good.example"]


@pytest.mark.parametrize("origin", ALLOWED)
def test_a_listed_origin_may_ask_and_read(listing, clean, bearer, origin):
    for method, path, status in (("GET", CONNECTIONS + HOST, 200), ("GET", "/api/nope", None),
                                 ("POST", INVITE, 409), ("GET", "/healthz", 200)):
        answer = clean.request(method, path, headers={**bearer(HOST), "Origin": origin},
                               **({"data": wanted()} if method == "POST" else {}))
        assert status in (None, answer.status)
        told = cors(answer)
        assert told["access-control-allow-origin"] == origin
        assert told["access-control-allow-credentials"] == "true"
        assert "X-Request-Id" in told["access-control-expose-headers"]
        assert "Origin" in answer.headers.get_all("Vary")
        check_headers(answer)


@pytest.mark.parametrize("origin", STRANGERS)
def test_any_other_origin_gets_no_such_header(listing, clean, bearer, address, origin):
    headers = {**bearer(HOST), "Origin": origin}
    answer = clean.request("GET", CONNECTIONS + HOST, headers=headers)
    assert (answer.status, cors(answer)) == (200, {})
    assert "Origin" in answer.headers.get_all("Vary")
    answer = clean.request("OPTIONS", INVITE, source=address, headers={
        "Origin": origin, "Access-Control-Request-Method": "POST"})
    assert (answer.status, cors(answer)) == (405, {})


def test_a_preflight_of_a_listed_origin_is_answered_without_credentials(listing, clean):
    answer = clean.request("OPTIONS", INVITE, headers={
        "Origin": ALLOWED[0], "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type"})
    assert (answer.status, answer.body) == (204, b"")
    told = cors(answer)
    assert told["access-control-allow-origin"] == ALLOWED[0]
    assert set(told["access-control-allow-methods"].split(", ")) == {"POST"}
    assert {"authorization", "content-type", "idempotency-key", "x-csrf-token"} <= {
        name.strip() for name in told["access-control-allow-headers"].lower().split(",")}
    check_headers(answer)


def test_options_that_are_no_preflight_are_405(listing, clean):
    for headers in ({}, {"Origin": ALLOWED[0]}, {"Access-Control-Request-Method": "POST"}):
        assert clean.request("OPTIONS", INVITE, headers=headers).status == 405


def test_a_preflight_for_what_is_not_there_is_404(listing, clean):
    answer = clean.request("OPTIONS", "/api/nope", headers={
        "Origin": ALLOWED[0], "Access-Control-Request-Method": "POST"})
    assert answer.status == 404


def test_two_origins_are_none(listing, clean):
    answer = clean.public.raw((
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Origin: {ALLOWED[0]}\r\nOrigin: {ALLOWED[0]}\r\n\r\n").encode())
    assert answer is None or answer.status == 400 or cors(answer) == {}


def test_a_listed_origin_cannot_write_with_a_session(listing, clean, jwt):
    session = sign_in(clean, jwt(HOST))
    for path, method in ((SESSION, "DELETE"), (INVITE, "POST")):
        answer = clean.request(method, path, headers={**session, "Origin": ALLOWED[0]},
                               **({"data": wanted()} if method == "POST" else {}))
        assert (answer.status, answer.json["code"]) == (403, "csrf")


# --- pages ---

def test_no_page_has_script_style_or_foreign_parts_in_it(clean, bearer):
    browser = Browser(clean, bearer(HOST))
    browser.connect()
    for page in (browser.connect(OTHER_ACCOUNT), browser.request("GET", CALLBACK),
                 Browser(clean).request("GET", CONNECT + HOST)):
        text = page.text.lower()
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        for word in ("<script", "<style", " style=", "javascript:", " onclick", "http-equiv",
                     "<iframe"):
            assert word not in text
        assert not re.findall(r"(?:src|href|action)=[\"'](?!/[a-z])", text)
