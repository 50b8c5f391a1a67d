"""GET, POST and DELETE /api/session: signing in and out, and what a forged request meets."""

import hashlib
import json
import time

import pytest
from conftest import make_jwt
from consent import SECRET, SESSION, SESSION_COOKIE, Browser, audits, check_refused
from flows import INVITE, failure, wanted

COACH = "coach-1"
CONNECT = "/api/calendar-integration/connect"
DAY_S = 24 * 3600


@pytest.fixture
def coach(clean):
    """A coach whom the command line has made known."""
    clean.cli("owner", "put", "--tenant", "default", "--id", COACH, "--email", "coach@example.org",
              "--name", "Demo Coach", "--zone", "Europe/Berlin")
    return COACH


@pytest.fixture
def link(clean, coach):
    """The secret of a sign-in link."""
    return new_link(clean, coach)


def new_link(stack, owner):
    url = stack.cli("sign-in-link", "--tenant", "default", owner).split()[-1]
    place, _, secret = url.partition("#sign-in=")
    assert place == stack.public.url + "/dashboard/" and SECRET.fullmatch(secret)
    return secret


@pytest.fixture
def browser(clean, address):
    return Browser(clean, {"Accept": "application/json", "Origin": clean.public.url}, address)


def open_with(browser, headers=None, token=None, **sent):
    """Signs in by what is sent, or by a user token."""
    credential = {"Authorization": f"Bearer {token}"} if token else {}
    return browser.request("POST", SESSION, data=sent, headers={**credential, **(headers or {})})


@pytest.fixture
def signed_in(browser, link):
    """A browser with a session; its token against forged requests is in its headers."""
    browser.headers["X-CSRF-Token"] = open_with(browser, signInToken=link).json["csrfToken"]
    return browser


def show(browser):
    return browser.request("GET", SESSION)


def sessions(stack):
    return stack.sql("SELECT s.*, o.external_id FROM sessions s JOIN owners o ON o.id = s.owner_id "
                     "ORDER BY s.created_at, s.id")


# --- in ---

def test_a_link_opens_a_session_and_says_whose(browser, link, stack):
    answer = open_with(browser, signInToken=link)
    assert answer.status == 200
    assert set(answer.json) == {"csrfToken", "expiresAt", "owner", "providers", "sandbox"}
    assert answer.json["owner"] == {"id": COACH, "email": "coach@example.org", "name": "Demo Coach",
                                    "timeZone": "Europe/Berlin", "role": "coach"}
    row, = sessions(stack)
    assert answer.json["expiresAt"] == row["expires_at"].isoformat(timespec="milliseconds") + "Z"
    assert (row["expires_at"] - row["opened_at"]).total_seconds() == pytest.approx(12 * 3600, abs=1)
    assert show(browser).json == answer.json


def test_a_session_names_the_providers_that_can_be_connected_here(signed_in, stack):
    """By what connect answers, as both must say the same."""
    def offered():
        named = show(signed_in).json["providers"]
        for name in ("google", "outlook", "cal"):
            begun = signed_in.request("GET", f"{CONNECT}/{name}/{COACH}")
            assert begun.status == (200 if name in named else 404), (name, begun.text)
        return named

    kept = {name: stack.settings[name] for name in ("GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET")}
    assert "google" in offered()
    stack.reconfigure(**dict.fromkeys(kept))
    try:
        assert "google" not in offered()
    finally:
        stack.reconfigure(**kept)
    assert "google" in offered()


def test_the_cookie_is_for_this_host_this_browser_and_no_script(browser, link):
    line, = open_with(browser, signInToken=link).headers.get_all("Set-Cookie")
    pair, *attributes = (part.strip() for part in line.split(";"))
    assert pair.startswith(SESSION_COOKIE + "=") and SECRET.fullmatch(pair.split("=")[1])
    assert set(attributes) == {"Path=/", f"Max-Age={12 * 3600}", "Secure", "HttpOnly",
                               "SameSite=Lax"}


def test_the_table_keeps_hashes_alone(browser, link, stack):
    open_with(browser, signInToken=link)
    row, = sessions(stack)
    assert row["session_hash"] == hashlib.sha256(browser.cookies[SESSION_COOKIE].encode()).digest()
    text = json.dumps(stack.sql("SELECT * FROM sessions"), default=repr)
    assert link not in text and browser.cookies[SESSION_COOKIE] not in text


def test_a_user_token_opens_a_session_too(browser, jwt, stack):
    answer = open_with(browser, token=jwt("coach-7", email="seven@example.org", name="Seven",
                                          role="admin"))
    assert answer.status == 200
    assert answer.json["owner"] == {"id": "coach-7", "email": "seven@example.org", "name": "Seven",
                                    "timeZone": "America/New_York", "role": "admin"}
    assert show(browser).json["owner"]["role"] == "admin"
    assert audits(stack, "login") == ["ok"]


def test_a_session_lasts_longer_than_the_token_that_opened_it(browser, stack):
    now = int(time.time())
    token = make_jwt(stack.settings["JWT_SECRET"], {"sub": COACH, "exp": now + 2})
    assert open_with(browser, token=token).status == 200
    row, = sessions(stack)
    assert (row["expires_at"] - row["opened_at"]).total_seconds() == pytest.approx(12 * 3600, abs=1)


@pytest.mark.parametrize("claims", [
    {"exp": None}, {"exp": -1}, {"sub": None}, {"sub": ""}, {"sub": "a b"}, {"nbf": 600},
    {"role": "coach", "exp": "soon"}], ids=str)
def test_a_token_that_is_not_good_opens_nothing(browser, stack, claims):
    now = int(time.time())
    whole = {"sub": COACH, "exp": now + 300, **claims}
    for name in ("exp", "nbf"):
        if isinstance(claims.get(name), int):
            whole[name] = now + claims[name]
    token = make_jwt(stack.settings["JWT_SECRET"],
                     {name: value for name, value in whole.items() if value is not None})
    check_refused(stack, open_with(browser, token=token), 401, "unauthorized")
    assert sessions(stack) == [] and browser.cookies == {}


@pytest.mark.parametrize("body", [{}, {"signInToken": ""}, {"signInToken": None}, {"other": 1}],
                         ids=str)
def test_one_of_link_and_token_is_needed(browser, body):
    check_refused(None, open_with(browser, **body), 400, "invalid_fields")


def test_both_of_them_are_one_too_many(browser, link, jwt, stack):
    check_refused(stack, open_with(browser, token=jwt(COACH), signInToken=link), 400,
                  "invalid_fields")
    assert open_with(browser, signInToken=link).status == 200


def test_a_token_needs_no_body(browser, jwt):
    answer = browser.request("POST", SESSION, headers={"Authorization": f"Bearer {jwt(COACH)}"})
    assert answer.status == 200 and answer.json["owner"]["id"] == COACH


@pytest.mark.parametrize("value", [5, True, [], {}, "x" * 129])
def test_a_link_is_a_short_text(browser, value):
    check_refused(None, open_with(browser, signInToken=value), 400, "invalid_fields")


@pytest.mark.parametrize("change", [
    lambda link: link[:-1], lambda link: link + "A", lambda link: link[:-1] + "+",
    lambda link: link.swapcase(), lambda link: ("B" if link[0] == "A" else "A") + link[1:],
    lambda link: "A" * 43, lambda link: link + "=", lambda link: " " + link[1:]],
    ids=["short", "long", "plus", "case", "bit", "made up", "padded", "space"])
def test_a_changed_link_opens_nothing(browser, link, stack, change):
    check_refused(stack, open_with(browser, signInToken=change(link)), 401, "unauthorized")
    assert open_with(browser, signInToken=link).status == 200


def test_a_link_is_good_once(browser, link, stack, address):
    assert open_with(browser, signInToken=link).status == 200
    other = Browser(stack, browser.headers, address)
    check_refused(stack, open_with(other, signInToken=link), 401, "unauthorized")
    assert show(browser).status == 200 and len(sessions(stack)) == 1
    assert audits(stack, "login") == ["ok"]


def test_a_link_that_has_run_out_opens_nothing(browser, link, stack):
    row, = sessions(stack)
    assert row["link_expires_at"] > row["created_at"]
    stack.sql("UPDATE sessions SET link_expires_at = UTC_TIMESTAMP(3) - INTERVAL 1 SECOND")
    check_refused(stack, open_with(browser, signInToken=link), 401, "unauthorized")


def test_a_link_is_no_session_and_a_session_no_link(browser, link, stack):
    browser.cookies[SESSION_COOKIE] = link
    assert show(browser).status == 401
    browser.cookies.clear()
    open_with(browser, signInToken=link)
    check_refused(stack, open_with(browser, signInToken=browser.cookies[SESSION_COOKIE]), 401,
                  "unauthorized")


def test_looking_at_the_page_of_a_link_does_not_use_it(browser, link, stack):
    for _ in range(5):
        for method in ("GET", "HEAD"):
            browser.request(method, "/dashboard/")
    assert open_with(browser, signInToken=link).status == 200


def test_signing_in_from_another_site_is_refused(browser, link, stack):
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"},
                    {"Sec-Fetch-Site": "cross-site"}):
        check_refused(stack, open_with(browser, headers, signInToken=link), 403, "csrf")
    assert open_with(browser, signInToken=link).status == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded",
                                  "multipart/form-data; boundary=x", None])
def test_signing_in_takes_json_alone(browser, link, stack, kind):
    body = json.dumps({"signInToken": link}).encode()
    headers = {"Content-Type": kind} if kind else {}
    check_refused(stack, browser.request("POST", SESSION, body=body, headers=headers), 415,
                  "unsupported_media_type")


# --- a new id each time ---

@pytest.mark.parametrize("planted", ["A" * 43, "A" * 42, "", "x" * 8000], ids=len)
def test_a_planted_id_is_not_taken(browser, link, stack, planted):
    browser.cookies[SESSION_COOKIE] = planted
    assert open_with(browser, signInToken=link).status == 200
    assert browser.cookies[SESSION_COOKIE] != planted
    stranger = Browser(stack, browser.headers, browser.source)
    stranger.cookies[SESSION_COOKIE] = planted
    assert show(stranger).status == 401


def test_signing_in_again_ends_the_session_before(signed_in, jwt, stack):
    before = signed_in.cookies[SESSION_COOKIE]
    assert open_with(signed_in, token=jwt("boss", role="admin")).status == 200
    assert signed_in.cookies[SESSION_COOKIE] != before
    stranger = Browser(stack, signed_in.headers, signed_in.source)
    stranger.cookies[SESSION_COOKIE] = before
    assert show(stranger).status == 401
    assert show(signed_in).json["owner"]["id"] == "boss"
    assert [row["external_id"] for row in sessions(stack)] == ["boss"]


def test_sessions_of_one_owner_stand_side_by_side(signed_in, stack, address):
    other = Browser(stack, {"Origin": stack.public.url}, address)
    open_with(other, signInToken=new_link(stack, COACH))
    assert show(signed_in).status == show(other).status == 200
    assert show(signed_in).json["csrfToken"] != show(other).json["csrfToken"]


# --- how long ---

@pytest.mark.parametrize("seconds, status", [(1790, 200), (1801, 401)])
def test_half_an_hour_without_a_request_ends_it(signed_in, stack, seconds, status):
    stack.sql("UPDATE sessions SET seen_at = seen_at - INTERVAL %s SECOND, "
              "opened_at = opened_at - INTERVAL %s SECOND", (seconds, seconds))
    assert show(signed_in).status == status


@pytest.mark.parametrize("seconds, status", [(12 * 3600 - 10, 200), (12 * 3600 + 1, 401)])
def test_twelve_hours_end_it_however_busy_it_was(signed_in, stack, seconds, status):
    stack.sql("UPDATE sessions SET opened_at = opened_at - INTERVAL %s SECOND, "
              "expires_at = expires_at - INTERVAL %s SECOND", (seconds, seconds))
    assert show(signed_in).status == status


def test_every_request_is_one_that_counts_as_seen(signed_in, stack):
    for _ in range(2):
        stack.sql("UPDATE sessions SET seen_at = seen_at - INTERVAL 1700 SECOND")
        assert show(signed_in).status == 200
    row, = sessions(stack)
    now, = stack.sql("SELECT UTC_TIMESTAMP(3) AS now")
    assert (now["now"] - row["seen_at"]).total_seconds() < 60
    assert (row["expires_at"] - row["opened_at"]).total_seconds() == pytest.approx(12 * 3600, abs=1)


def test_the_browser_forgets_the_cookie_of_a_session_that_is_over(signed_in, stack):
    stack.sql("DELETE FROM sessions")
    answer = show(signed_in)
    assert answer.status == 401 and answer.count("WWW-Authenticate") == 1
    line, = answer.headers.get_all("Set-Cookie")
    assert line.startswith(SESSION_COOKIE + "=;") and "Max-Age=0" in line


# --- which cookie ---

@pytest.mark.parametrize("cookie", [
    "{0}; {0}", "{0}; __Host-cb_session=", "{0}; __Host-cb_session=" + "A" * 43,
    "__Host-cb_session=" + "A" * 43 + "; {0}", "__Host-cb_session=" + "A" * 8192,
    "__Host-cb_session=", "__host-cb_session={1}", "cb_session={1}", "__Secure-cb_session={1}",
    "__Host-cb_session=\"{1}\"", "__Host-cb_session={1}=", "a=__Host-cb_session={1}"])
def test_only_the_one_cookie_of_our_form_counts(signed_in, stack, cookie):
    value = signed_in.cookies[SESSION_COOKIE]
    sent = cookie.format(f"{SESSION_COOKIE}={value}", value)
    answer = stack.request("GET", SESSION, headers={"Cookie": sent}, source=signed_in.source)
    assert failure(answer)[::2] == (401, "unauthorized")


def test_other_cookies_beside_it_do_no_harm(signed_in, stack):
    sent = f"a=b; {SESSION_COOKIE}={signed_in.cookies[SESSION_COOKIE]}; c; d=; ;=e"
    assert stack.request("GET", SESSION, headers={"Cookie": sent}).status == 200


def test_two_cookie_headers_are_no_session(signed_in, stack):
    pair = f"Cookie: {SESSION_COOKIE}={signed_in.cookies[SESSION_COOKIE]}\r\n"
    answer = stack.public.raw((f"GET {SESSION} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                               f"{pair}{pair}\r\n").encode(), source=signed_in.source)
    assert answer.status == 401


# --- forged requests ---

FORGED = {
    "another origin": {"Origin": "https://evil.example"},
    "null": {"Origin": "null"},
    "neither origin nor referer": {"Origin": None},
    "an empty origin": {"Origin": ""},
    "another port": {"Origin": "https://localhost"},
    "another scheme": {"Origin": "http://localhost"},
    "a longer host": {"Origin": "{url}.evil.example"},
    "a path behind it": {"Origin": "{url}/"},
    "another site's referer": {"Origin": None, "Referer": "https://evil.example/{url}/"},
    "a referer like ours": {"Origin": None, "Referer": "{url}.evil.example/"},
    "our referer, another origin": {"Origin": "https://evil.example",
                                    "Referer": "{url}/dashboard/"},
    "cross-site": {"Sec-Fetch-Site": "cross-site"},
    "no token": {"X-CSRF-Token": None},
    "an empty token": {"X-CSRF-Token": ""},
    "a cut token": {"X-CSRF-Token": "{cut}"},
    "a changed token": {"X-CSRF-Token": "{flipped}"},
    "another session's token": {"X-CSRF-Token": "{other}"},
    "the session's own id": {"X-CSRF-Token": "{cookie}"},
}


def forge(browser, stack, other, name):
    """The headers of a forged request; None leaves one out."""
    token = browser.headers["X-CSRF-Token"]
    words = {"url": stack.public.url, "cut": token[:-1], "other": other,
             "flipped": ("B" if token[0] == "A" else "A") + token[1:],
             "cookie": browser.cookies[SESSION_COOKIE]}
    merged = {**browser.headers, **FORGED[name]}
    return {key: value.format(**words) for key, value in merged.items() if value is not None}


@pytest.mark.parametrize("name", FORGED)
@pytest.mark.parametrize("route", ["DELETE /api/session", "POST " + INVITE])
def test_a_forged_request_is_refused_and_noted(signed_in, stack, jwt, name, route):
    other = Browser(stack, {"Origin": stack.public.url}, signed_in.source)
    token = open_with(other, token=jwt("coach-8")).json["csrfToken"]
    headers = forge(signed_in, stack, token, name)
    signed_in.headers = {}
    method, path = route.split()
    body = {"data": wanted()} if method == "POST" else {}
    check_refused(stack, signed_in.request(method, path, headers=headers, **body), 403, "csrf")
    assert show(signed_in).status == 200
    assert stack.sql("SELECT * FROM calendar_event_mappings") == []
    assert audits(stack, "refused") == ["csrf"]


def test_the_token_twice_is_refused(signed_in, stack):
    line = f"X-CSRF-Token: {signed_in.headers['X-CSRF-Token']}\r\n"
    answer = stack.public.raw((
        f"DELETE {SESSION} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Origin: {stack.public.url}\r\n{line}{line}"
        f"Cookie: {SESSION_COOKIE}={signed_in.cookies[SESSION_COOKIE]}\r\n\r\n").encode())
    assert answer.status == 403 and show(signed_in).status == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
def test_a_form_post_with_a_session_writes_nothing(signed_in, stack, kind):
    answer = signed_in.request("POST", INVITE, body=json.dumps(wanted()).encode(),
                               headers={"Content-Type": kind})
    check_refused(stack, answer, 415, "unsupported_media_type")


def test_a_referer_of_ours_stands_in_for_the_origin(signed_in, stack):
    signed_in.headers.pop("Origin")
    signed_in.headers["Referer"] = stack.public.url + "/dashboard/"
    assert signed_in.request("DELETE", SESSION).status == 204


def test_reading_needs_no_token(signed_in):
    signed_in.headers = {}
    assert show(signed_in).status == 200


def test_a_method_override_is_not_looked_at(signed_in, stack):
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        signed_in.request("GET", SESSION + "?_method=DELETE", headers={name: "DELETE"})
    assert show(signed_in).status == 200


# --- out ---

def test_signing_out_ends_the_session_and_clears_the_cookie(signed_in, stack):
    before = signed_in.cookies[SESSION_COOKIE]
    answer = signed_in.request("DELETE", SESSION)
    assert (answer.status, answer.body) == (204, b"")
    line, = answer.headers.get_all("Set-Cookie")
    assert line.startswith(SESSION_COOKIE + "=;") and "Max-Age=0" in line and "Secure" in line
    signed_in.cookies[SESSION_COOKIE] = before
    assert show(signed_in).status == 401
    assert [row["session_hash"] for row in sessions(stack)] in ([], [None])
    assert audits(stack, "logout") == ["ok"]


def test_signing_out_needs_a_session(browser, stack):
    check_refused(stack, browser.request("DELETE", SESSION), 401, "unauthorized")


def test_a_token_is_no_session(clean, bearer):
    assert clean.request("GET", SESSION, headers=bearer(COACH)).status in (401, 403)


# --- guesses ---

def test_guesses_at_links_are_counted_by_address(browser, link, stack, address):
    statuses = [open_with(browser, signInToken="A" * 43).status for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    late = open_with(browser, signInToken=link)
    assert late.status == 429 and int(late.headers["Retry-After"]) > 0
    assert open_with(browser, {"X-Forwarded-For": "10.1.2.3"}, signInToken=link).status == 429
    other = Browser(stack, browser.headers, "127.200.200.200")
    assert open_with(other, signInToken=link).status == 200
