"""GET .../connect/{provider}/{coachId}: how a consent begins, and what its URL may hold."""

import hashlib
import itertools
import json
import re
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from consent import (ACCOUNT, CALLBACK, CONNECT, HOST, OAUTH_COOKIE, OTHER_ACCOUNT, SECRET,
                     Browser, Form, Kept, age, changed, check_refused, connections, ended, expire,
                     parameters, state_row, states, token_calls)
from flows import cookies, failure, invite, new_key, sign_in
from sandbox.client import SandboxError

COACH = "coach-1"
AUTH = "https://www.googleapis.com/auth/"
SCOPES = {"openid", AUTH + "calendar", AUTH + "userinfo.email", AUTH + "userinfo.profile"}
GOOD_ORIGINS = "https://good.example,https://app.good.example:8443"
DEFAULT_PLACE = "/dashboard/"


@pytest.fixture
def coach(clean, bearer, address):
    """A browser whose every request carries the coach's token."""
    return Browser(clean, bearer(COACH), address)


# --- who may ---

def test_without_a_credential_a_program_gets_json_and_a_person_a_page(clean, address):
    for accept, kind in (("application/json", "application/json"), ("*/*", "application/json"),
                         ("text/html,*/*;q=0.8", "text/html; charset=utf-8")):
        answer = clean.request("GET", CONNECT + COACH, headers={"Accept": accept}, source=address)
        assert (answer.status, answer.headers["Content-Type"]) == (401, kind)
        assert answer.count("WWW-Authenticate") == 1 and answer.count("Set-Cookie") == 0
    assert states(clean) == []


def test_another_coachs_calendar_cannot_be_connected(coach, bearer, stack):
    Browser(stack, bearer("coach-2")).begin("coach-2")
    told = {failure(stack.request("GET", CONNECT + name, headers=coach.headers))
            for name in ("coach-2", "made-up")}
    assert len(told) == 1 and told.pop()[0] == 404
    assert len(states(stack)) == 1


@pytest.mark.parametrize("who", ["token", "session", "key"])
def test_an_admin_connects_any_coach_who_is_known(coach, bearer, stack, who):
    coach.begin(COACH)
    headers = {"token": lambda: bearer("boss", role="admin"),
               "session": lambda: sign_in(stack, bearer("boss", role="admin")[
                   "Authorization"].split()[1]),
               "key": lambda: new_key(stack, scope="admin")}[who]()
    answer = stack.request("GET", CONNECT + COACH, headers=headers)
    assert answer.status == 302
    assert [row["external_id"] for row in states(stack)] == [COACH] * 2
    assert stack.request("GET", CONNECT + "made-up", headers=headers).status == 404


def test_a_key_without_the_admin_scope_starts_nothing(coach, stack):
    coach.begin(COACH)
    answer = stack.request("GET", CONNECT + COACH, headers=new_key(stack, scope="events"))
    assert failure(answer)[::2] == (403, "forbidden")
    assert len(states(stack)) == 1


def test_a_session_is_enough(coach, jwt, stack):
    signed_in = Browser(stack, sign_in(stack, jwt(COACH)))
    assert signed_in.begin(COACH).startswith(stack.sandbox_front.url)


def test_an_admin_is_asked_before_his_own_calendar_becomes_somebody_elses(coach, jwt, stack):
    """Any site can lead his browser here: the session's cookie goes along."""
    coach.begin(COACH)
    admin = Browser(stack, {"Sec-Fetch-Site": "cross-site", "Referer": "https://evil.example/"})
    signed_in = sign_in(stack, jwt("boss", role="admin"))
    admin.cookies = dict([signed_in["Cookie"].split("=", 1)])
    page = admin.connect(OTHER_ACCOUNT, COACH)
    assert page.status == 200
    told = Form(page)
    assert OTHER_ACCOUNT in told.text and COACH in told.text and "passed on" in told.text
    assert connections(stack, COACH) == []
    assert ended(admin.decide(page, "yes", **{"Sec-Fetch-Site": "same-origin"})) == ("connected", "google")
    kept, = connections(stack, COACH)
    assert kept["account_email"] == OTHER_ACCOUNT


def test_an_admin_who_connects_his_own_calendar_is_not_asked(clean, jwt):
    admin = Browser(clean)
    admin.cookies = dict([sign_in(clean, jwt("boss", role="admin"))["Cookie"].split("=", 1)])
    assert ended(admin.connect(OTHER_ACCOUNT, "boss")) == ("connected", "google")


def test_who_is_new_becomes_an_owner_with_the_tokens_name_and_address(clean, bearer):
    Browser(clean, bearer("coach-9", email="nine@example.org", name="Coach Nine")).begin("coach-9")
    row, = clean.sql("SELECT * FROM owners WHERE external_id = 'coach-9'")
    assert (row["email"], row["display_name"]) == ("nine@example.org", "Coach Nine")


@pytest.mark.parametrize("provider", ["caldav", "nope", "Google", "google%00", "cal"])
def test_a_provider_that_is_not_set_up_is_not_there(coach, stack, provider):
    path = f"/api/calendar-integration/connect/{provider}/{COACH}"
    assert stack.request("GET", path, headers=coach.headers).status in (400, 404)
    assert states(stack) == []


# --- the URL ---

def test_the_url_holds_what_google_needs_and_nothing_else(coach, stack):
    url = coach.begin(COACH)
    assert url.startswith(stack.settings["GOOGLE_AUTH_URL"] + "?")
    asked = parameters(url)
    assert SECRET.fullmatch(asked.pop("state")) and SECRET.fullmatch(asked.pop("code_challenge"))
    assert set(asked.pop("scope").split(" ")) == SCOPES
    assert asked == {"client_id": stack.settings["GOOGLE_CLIENT_ID"], "response_type": "code",
                     "redirect_uri": stack.public.url + CALLBACK, "access_type": "offline",
                     "prompt": "consent", "code_challenge_method": "S256"}


def test_the_redirect_uri_is_the_configured_one_whatever_the_host_headers_say(coach, stack):
    for name in ("Host", "X-Forwarded-Host", "X-Forwarded-Server", "X-Original-Host", "Forwarded"):
        value = "host=evil.example" if name == "Forwarded" else "evil.example"
        url = coach.begin(COACH, "", **{name: value, "X-Forwarded-Proto": "http"})
        assert parameters(url)["redirect_uri"] == stack.public.url + CALLBACK
        assert "evil" not in url
        answer = coach.request("GET", CALLBACK + "?error=access_denied&state="
                               + parameters(url)["state"], headers={name: value})
        assert answer.headers["Location"].startswith(stack.public.url + DEFAULT_PLACE)


def test_a_configured_redirect_uri_is_sent_byte_for_byte(coach, stack):
    other = "https://back.example.org:8443" + CALLBACK + "/Other-one_2"
    stack.reconfigure(GOOGLE_REDIRECT_URI=other)
    try:
        assert parameters(coach.begin(COACH))["redirect_uri"] == other
    finally:
        stack.reconfigure(GOOGLE_REDIRECT_URI=None)


def test_only_s256_is_let_through(coach, stack):
    stack.sandbox.settings(require_pkce=True)
    url = coach.begin(COACH)
    for changes in ({"code_challenge_method": "plain"}, {"code_challenge_method": None},
                    {"code_challenge": None, "code_challenge_method": None}):
        with pytest.raises(SandboxError):
            stack.sandbox.approve(changed(url, **changes), OTHER_ACCOUNT)
    assert ended(coach.come_back(stack.sandbox.approve(url, OTHER_ACCOUNT)))[0] == "connected"


def test_the_calendar_that_waits_for_consent_again_is_suggested(coach, stack):
    coach.connect(OTHER_ACCOUNT, COACH)
    assert "login_hint" not in parameters(coach.begin(COACH))
    stack.sandbox.revoke_grant(OTHER_ACCOUNT)
    expire(stack)
    assert invite(stack, coach.headers).status == 409
    assert parameters(coach.begin(COACH))["login_hint"] == OTHER_ACCOUNT


# --- state and cookie ---

def test_state_and_cookie_are_fresh_and_the_table_keeps_only_their_hashes(clean, bearer, address):
    seen = set()
    for _ in range(20):
        browser = Browser(clean, bearer(COACH), address)
        asked = parameters(browser.begin(COACH))
        seen |= {asked["state"], asked["code_challenge"], browser.cookies[OAUTH_COOKIE]}
        row = states(clean)[-1]
        assert row["state_hash"] == hashlib.sha256(asked["state"].encode()).digest()
        assert row["browser_hash"] == hashlib.sha256(
            browser.cookies[OAUTH_COOKIE].encode()).digest()
    assert len(seen) == 60
    stored = json.dumps(states(clean), default=lambda value: (
        value.decode("latin-1") if isinstance(value, bytes) else str(value)))
    assert not [secret for secret in seen if secret in stored]


def test_a_flow_lasts_ten_minutes_and_knows_provider_owner_and_place(coach, stack):
    url = coach.begin(COACH, "?returnTo=/dashboard/?tab=calendars")
    row = state_row(stack, url)
    assert (row["expires_at"] - row["created_at"]).total_seconds() == pytest.approx(600, abs=1)
    assert (row["provider"], row["used_at"], row["outcome"], row["handed_on"]) == (
        "google", None, None, 0)
    back = coach.come_back(stack.sandbox.approve(url, ACCOUNT))
    assert back.headers["Location"].startswith(
        stack.public.url + "/dashboard/?tab=calendars&calendar=connected")


def test_the_cookie_comes_back_from_the_provider_and_from_nowhere_else(coach, stack):
    answer = coach.request("GET", CONNECT + COACH)
    line, = answer.headers.get_all("Set-Cookie")
    pair, *attributes = (part.strip() for part in line.split(";"))
    assert pair.startswith(OAUTH_COOKIE + "=") and SECRET.fullmatch(pair.split("=")[1])
    assert set(attributes) == {"Path=/", "Max-Age=600", "Secure", "HttpOnly", "SameSite=Lax"}


def test_a_second_tab_shares_the_browsers_cookie(coach):
    first = coach.begin(COACH)
    cookie = coach.cookies[OAUTH_COOKIE]
    second = coach.begin(COACH)
    assert coach.cookies[OAUTH_COOKIE] == cookie
    assert parameters(first)["state"] != parameters(second)["state"]


@pytest.mark.parametrize("planted", ["", "x", "A" * 42, "A" * 44, "A" * 42 + "+", "A" * 42 + "=",
                                     "A" * 8000], ids=len)
def test_a_cookie_that_is_not_of_our_form_is_replaced(coach, planted):
    coach.cookies[OAUTH_COOKIE] = planted
    coach.begin(COACH)
    assert SECRET.fullmatch(coach.cookies[OAUTH_COOKIE])


def test_of_two_cookies_none_is_taken(coach):
    both = f"{OAUTH_COOKIE}={'A' * 43}; {OAUTH_COOKIE}={'B' * 43}"
    answer = coach.request("GET", CONNECT + COACH, headers={"Cookie": both})
    assert cookies(answer).split("=")[1] not in ("A" * 43, "B" * 43)


def test_an_owner_has_at_most_twenty_open_flows_and_the_oldest_is_dropped(coach, bearer, stack):
    urls = [coach.begin(COACH) for _ in range(21)]
    other = Browser(stack, bearer("coach-2"))
    theirs = other.begin("coach-2")
    assert len(states(stack)) == 21
    check_refused(stack, coach.come_back(
        f"{stack.public.url}{CALLBACK}?error=access_denied&state={parameters(urls[0])['state']}"))
    for browser, url in ((coach, urls[1]), (coach, urls[20]), (other, theirs)):
        assert ended(browser.come_back(stack.sandbox.approve(url, "", allow=False))) == (
            "error", "denied")


def test_old_flows_do_not_count_as_open(coach, stack):
    url = coach.begin(COACH)
    age(stack, url)
    for _ in range(20):
        coach.begin(COACH)
    assert len(states(stack)) == 21


# --- as JSON ---

@pytest.mark.parametrize("accept, is_json", [
    ("application/json", True), ("application/json, text/html;q=0.5", True),
    ("text/html;q=0.1, application/json", True), ("application/*", True),
    ("text/html", False), ("*/*", False), (None, False), ("", False), ("text/html, */*;q=0.8",
        False),
    ("application/json;q=0", False), ("application/json;q=0.5, text/html", False)])
def test_json_is_answered_to_who_prefers_it(coach, stack, accept, is_json):
    coach.headers.pop("Accept", None)
    headers = {**coach.headers, **({"Accept": accept} if accept is not None else {})}
    answer = stack.request("GET", CONNECT + COACH, headers=headers)
    if is_json:
        assert (answer.status, set(answer.json)) == (200, {"authUrl"})
        assert parameters(answer.json["authUrl"])["redirect_uri"] == stack.public.url + CALLBACK
        assert "Location" not in answer.headers
    else:
        assert (answer.status, answer.body) == (302, b"")
        assert answer.headers["Location"].startswith(stack.sandbox_front.url)
    assert [row["handed_on"] for row in states(stack)] == [is_json]


# --- where the browser may go afterwards ---

HOSTS = ("evil.example", "evil.example:8443", "good.example.evil", "good.example.evil.example",
         "evil-good.example", "good.example@evil.example", "good.example:443@evil.example", "[::1]",
         "127.0.0.1", "2130706433", "xn--gd-fka.example", "evil.example%2egood.example",
         "good.example:8443")
# In front of a host: what one parser or another takes for the beginning of an URL.
PREFIXES = ("//", "///", "////", "\\\\", "/\\", "\\/", "/\\/", "//\\", "https:", "https:/",
            "https:\\",
            "https:\\\\", "https://", "http://", "HTTPS://", "hTTps:///", "ftp://", "ws://", "://",
            ":///",
            "/%2f", "/%2F%2f", "%2f%2f", "/%5c", "/%5C/", "%5c%5c", "/\t/", "/\n/", "/\r/", "\t//",
            "\n//",
            " //", "\v//", "\0//", "/\0/", "//\0", "h\nttps://", "https:\t//",
            "https://good.example@",
            "https://good.example:x@", "https://good.example\\@", "https://good.example%2f@",
            "https://good.example.", "https://good.example%00.", "https://good.example:")
# Whole ones.
WHOLE = ("javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\nscript:alert(1)",
         " javascript:alert(1)",
         "\x01javascript:alert(1)", "javascript://good.example/%0aalert(1)",
         "data:text/html,<script>",
         "vbscript:x", "file:///etc/passwd", "blob:https://good.example/x", "mailto:a@example.org",
         "about:blank", "", " ", ".", "..", "dashboard", "./dashboard", "?x", "#x", "&",
         "@evil.example",
         ".evil.example", ":8443/", "https://good.example#@evil.example/",
         "https://good.example;evil.example",
         "https://good.example,https://evil.example", "https://good.example<x>",
         "https://good.example\"",
         "https://good.example'", "https://good.example`", "https://good.example{x}",
         "https://good.example|x", "https://good.example^x", "https://good.example%",
         "http://good.example/",
         "https://Good.example/", "https://good.example:443/", "https://app.good.example/",
         "https://app.good.example:84433/", "https://app.good.example:8443.evil/",
         "/dashboard/\r\nSet-Cookie: a=b", "/dashboard/\r\n\r\n<script>", "/dashboard/\n",
         "/dash\tboard/",
         "/<script>", "/\"onload=x", "/'x", "/a#b", "/a\\b", "/" + "x" * 512, "/\u202e", "/\u00e9",
         "/\u3002evil.example", "\uff0f\uff0fevil.example", "//\u24d4vil.example",
         "/%2e%2f/evil.example",
         "/a%2fb", "/a%5Cb", "/{x}", "/|", "/^", "/`")
BAD_PLACES = sorted({prefix + host + path for prefix, host, path in itertools.product(
    PREFIXES, HOSTS, ("", "/dashboard/"))
    if (prefix + host).split("/dash")[0] not in ("https://good.example",)} | set(WHOLE))
GOOD_PLACES = ("/", "/dashboard/", "/dashboard/?tab=a&x=%20b", "/a/../b", "/%09/x",
               "/.//evil.example",
               "/@evil.example", "/;x", "/x:y", "/https://evil.example", "https://good.example",
               "https://good.example/", "https://good.example/a?b=c", "https://good.example?b",
               "https://app.good.example:8443/x", "https://good.example//x", "/" + "x" * 511)


@pytest.fixture(scope="module")
def allowing(stack):
    """The stack with two other sites that a browser may be sent to."""
    stack.reconfigure(ALLOWED_ORIGINS=GOOD_ORIGINS)
    yield stack
    stack.reconfigure(ALLOWED_ORIGINS=None)


def sent_to(stack, kept, place):
    """Where a flow begun with a place ends, refused by the person."""
    answer, _ = kept.request("GET", f"{CONNECT}{COACH}?returnTo={quote(place, safe='')}")
    assert answer.status == 302, (place, answer.status)
    state = parse_qs(urlsplit(answer.headers["Location"]).query)["state"][0]
    cookie = answer.headers["Set-Cookie"].split(";")[0]
    answer, _ = kept.request("GET", f"{CALLBACK}?error=access_denied&state={state}",
                             headers={"Cookie": cookie})
    assert answer.status == 302, (place, answer.status)
    return answer.headers["Location"]


def test_there_are_more_than_five_hundred_bad_places():
    assert len(BAD_PLACES) > 500


def test_no_bad_place_leads_anywhere_but_to_the_dashboard(allowing, clean, bearer):
    kept = Kept(clean, {**bearer(COACH), "Accept": "text/html"})
    default = f"{clean.public.url}{DEFAULT_PLACE}?calendar=error&reason=denied"
    wrong = {place: where for place in BAD_PLACES
             if (where := sent_to(clean, kept, place)) != default}
    assert wrong == {}
    assert token_calls(clean) == []


@pytest.mark.parametrize("place", GOOD_PLACES, ids=lambda place: place[:30])
def test_a_good_place_is_where_the_browser_goes(allowing, clean, bearer, place):
    where = sent_to(clean, Kept(clean, {**bearer(COACH), "Accept": "text/html"}), place)
    whole = place if place.startswith("https:") else clean.public.url + place
    assert where == f"{whole}{'&' if '?' in whole else '?'}calendar=error&reason=denied"


@pytest.mark.parametrize("query", [
    "?returnTo=/a&returnTo=/b", "?returnTo=/a&returnTo=//evil.example", "?returnTo=%zz",
    "?returnTo=%",
    "?returnTo=%c0%af", "?returnTo=%ff", "?returnTo", "?returnto=/a", "?return%54o=//evil.example"])
def test_what_cannot_be_read_as_one_place_is_no_place(coach, stack, query):
    state = parameters(coach.begin(COACH, query))["state"]
    answer = coach.request("GET", f"{CALLBACK}?error=access_denied&state={state}")
    assert answer.headers["Location"] == (
        f"{stack.public.url}{DEFAULT_PLACE}?calendar=error&reason=denied")


def test_the_place_is_kept_through_a_whole_flow(allowing, clean, bearer):
    browser = Browser(clean, bearer(COACH))
    answer = browser.connect(owner=COACH, query="?returnTo=https://good.example/done?a=b")
    assert answer.headers["Location"] == (
        "https://good.example/done?a=b&calendar=connected&provider=google")


# --- what a start does not do ---

def test_a_start_touches_flows_and_owners_alone(coach, stack):
    coach.begin(COACH)
    before = {table: stack.sql(f"SELECT * FROM `{table}`") for table in stack.schema.tables()}
    for method in ("GET", "HEAD"):
        coach.request(method, CONNECT + COACH)
    after = {table: stack.sql(f"SELECT * FROM `{table}`") for table in stack.schema.tables()}
    assert {table for table in after if after[table] != before[table]} == {"oauth_states"}
    assert stack.sandbox.requests() == []
    assert connections(stack, COACH) == []


def test_the_log_holds_no_part_of_the_flow(coach, stack):
    asked = parameters(coach.begin(COACH))
    text = "".join(json.dumps(stack.log_lines(name)) for name in ("calbridge-fcgi", "access"))
    for secret in (asked["state"], asked["code_challenge"], coach.cookies[OAUTH_COOKIE]):
        assert secret not in text
    assert re.search(r'"route": ?"coaching_connect"', text)
    assert HOST not in asked.values()
