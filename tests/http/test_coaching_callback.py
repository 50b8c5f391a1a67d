"""GET and POST .../callback: how a consent ends, whatever comes back."""

import base64
import contextlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, urlencode

import pytest
from consent import (ACCOUNT, CALLBACK, CONNECT, HOST, OAUTH_COOKIE, OK, OTHER_ACCOUNT, Browser,
                     Form, age, audits, bearer_of, changed, check_refused, connections, ended,
                     expire, parameters, state_row, states, token_calls)
from flows import check_once, cookies, events, invite
from stack.processes import wait_for

AUTH = "https://www.googleapis.com/auth/"
CALENDAR = AUTH + "calendar"
MARKUP = "<script>alert(1)</script>"


@pytest.fixture
def browser(clean, bearer):
    """A browser of the host's, whose requests carry his token."""
    return Browser(clean, bearer(HOST))


def stored(stack):
    """Every row that a callback could change, but for the audit log."""
    return {table: stack.sql(f"SELECT * FROM `{table}`")
            for table in ("coach_calendar_connections", "owners", "provider_limits")}


def check_nothing_came_of_it(stack, answer, before, calls=0):
    """400, no token call, nothing stored, one line in the audit log."""
    check_refused(stack, answer)
    assert len(token_calls(stack)) == calls
    assert stored(stack) == before
    row, = stack.sql("SELECT actor, action, object, result, request_id FROM audit_log "
                     "WHERE action = 'connect' AND result = 'bad_state'")
    assert row["request_id"] == answer.headers["X-Request-Id"]


@contextlib.contextmanager
def locked(stack):
    """Nobody decides a flow before the block ends; yields what waits until so many want to."""
    def wait_for_waiting(number):
        # The server renews this table only for who has not read it in the last 100 ms.
        wait_for(lambda: stack.sql("SELECT COUNT(*) AS n FROM information_schema.innodb_trx "
                                   "WHERE trx_state = 'LOCK WAIT'")[0]["n"] == number,
                 what=f"{number} to wait for the row", interval=0.15)

    locker = stack.mariadb.connect(database=stack.schema.name)
    locker.autocommit(False)
    with contextlib.closing(locker):
        with locker.cursor() as cursor:
            cursor.execute("SELECT id FROM oauth_states FOR UPDATE")
        yield wait_for_waiting
        locker.rollback()


# --- what a good one does ---

def test_consent_becomes_a_connection_and_leads_back(browser, stack):
    answer = browser.connect()
    assert answer.headers["Location"] == (
        stack.public.url + "/dashboard/?calendar=connected&provider=google")
    row, = connections(stack)
    assert (row["provider"], row["account_email"], row["status"]) == ("google", ACCOUNT, "active")
    assert row["calendar_id"] == "primary" and CALENDAR in row["granted_scopes"].split(" ")
    account, = [one for one in stack.sandbox.control("GET", "accounts")["accounts"]
                if one["email"] == ACCOUNT]
    assert row["account_id"] == account["sub"]
    owner, = stack.sql("SELECT default_connection_id FROM owners WHERE external_id = %s", (HOST,))
    assert owner["default_connection_id"] == row["id"]
    assert len(token_calls(stack, "authorization_code")) == 1
    assert audits(stack, "connect") == ["ok"]
    assert stack.sandbox.violations() == []


def test_the_connection_works(browser, stack, bearer):
    browser.connect()
    check_once(stack, invite(stack, bearer(HOST)))


def test_a_code_is_encoded_once_on_its_way(browser, stack):
    stack.sandbox.settings(awkward_codes=True)
    back = stack.sandbox.approve(browser.begin(), ACCOUNT)
    assert "%252B" in back
    assert ended(browser.come_back(back)) == OK


def test_the_exchange_carries_verifier_and_configured_redirect_uri(browser, stack):
    browser.connect()
    call, = token_calls(stack)
    form = parameters("?" + call["body"])
    assert set(form) == {"grant_type", "code", "code_verifier", "redirect_uri", "client_id",
                         "client_secret"}
    assert form["redirect_uri"] == stack.public.url + CALLBACK
    assert call["query_string"] == "" and "authorization" not in call["headers"]
    sealed = json.dumps(states(stack), default=str)
    assert form["code_verifier"] not in sealed and form["code"] not in sealed


def test_tokens_are_sealed_for_their_row_and_column(browser, stack, bearer):
    browser.connect(ACCOUNT)
    other = Browser(stack, bearer("coach-2"))
    other.connect(OTHER_ACCOUNT, "coach-2")
    stack.sql("UPDATE coach_calendar_connections a JOIN coach_calendar_connections b "
              "ON a.id <> b.id SET a.access_token = b.access_token, "
              "a.refresh_token = b.refresh_token WHERE a.account_email = %s", (ACCOUNT,))
    assert invite(stack, bearer(HOST)).json["code"] == "reauth_required"
    assert events(stack, OTHER_ACCOUNT) == [] == events(stack)
    assert "unreadable_secret" in audits(stack, "token_unreadable")


def test_two_tabs_connect_two_accounts_each_its_own(browser, stack):
    first, second = browser.begin(), browser.begin()
    assert ended(browser.come_back(stack.sandbox.approve(first, ACCOUNT))) == OK
    page = browser.come_back(stack.sandbox.approve(second, OTHER_ACCOUNT))
    assert ended(browser.decide(page, "yes")) == OK
    assert [row["account_email"] for row in connections(stack)] == [ACCOUNT, OTHER_ACCOUNT]


def test_two_tabs_that_connect_one_account_at_once_make_one_connection(browser, stack):
    backs = [stack.sandbox.approve(browser.begin(), ACCOUNT) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert {ended(one) for one in pool.map(browser.come_back, backs)} == {OK}
    assert len(connections(stack)) == 1
    assert audits(stack, "connect") == ["ok"] * 8


def test_the_callback_needs_no_credential_but_its_cookie(browser, stack):
    back = stack.sandbox.approve(browser.begin(), ACCOUNT)
    browser.headers.clear()
    assert ended(browser.come_back(back)) == OK


def test_reconnecting_an_account_keeps_id_settings_and_default(browser, stack):
    browser.connect()
    stack.sql("UPDATE coach_calendar_connections SET calendar_id = 'team', calendar_name = 'Team'")
    before, = connections(stack)
    assert ended(browser.connect()) == OK
    after, = connections(stack)
    kept = ("id", "calendar_id", "calendar_name", "created_at", "account_id")
    assert [after[name] for name in kept] == [before[name] for name in kept]
    assert after["token_version"] > before["token_version"]
    assert after["access_token"] != before["access_token"]
    assert after["refresh_token"] != before["refresh_token"]


def test_reconnecting_mends_what_was_refused(browser, stack, bearer):
    browser.connect()
    stack.sandbox.revoke_grant(ACCOUNT)
    expire(stack)
    assert invite(stack, bearer(HOST)).json["code"] == "reauth_required"
    assert [row["status"] for row in connections(stack)] == ["reauth_required"]
    assert ended(browser.connect()) == OK
    row, = connections(stack)
    assert (row["status"], row["refresh_error"]) == ("active", None)
    assert invite(stack, bearer(HOST)).status == 200


# --- state ---

def flip(text):
    """The text with one bit changed so that it keeps its form."""
    other = "B" if text[0] == "A" else "A"
    return other + text[1:]


FORMS = {
    "missing": lambda state: "code=4/0A",
    "empty": lambda state: "code=4/0A&state=",
    "without a value": lambda state: "code=4/0A&state",
    "42 characters": lambda state: f"code=4/0A&state={state[:-1]}",
    "44 characters": lambda state: f"code=4/0A&state={state}A",
    "a plus": lambda state: f"code=4/0A&state={state[:-1]}%2B",
    "a slash": lambda state: f"code=4/0A&state={state[:-1]}%2F",
    "padding": lambda state: f"code=4/0A&state={state}%3D",
    "a space": lambda state: f"code=4/0A&state={state}+",
    "a newline": lambda state: f"code=4/0A&state={state}%0a",
    "a NUL": lambda state: f"code=4/0A&state={state}%00",
    "one bit changed": lambda state: f"code=4/0A&state={flip(state)}",
    "the last bits changed": lambda state: (
        f"code=4/0A&state={state[:-1]}{chr(ord(state[-1]) + 1)}"),
    "another case": lambda state: f"code=4/0A&state={state.swapcase()}",
    "made up": lambda state: "code=4/0A&state=" + base64.urlsafe_b64encode(
        os.urandom(32)).decode().rstrip("="),
    "given twice": lambda state: f"code=4/0A&state={state}&state={state}",
    "given twice, one encoded": lambda state: f"code=4/0A&state={state}&st%61te={state}",
    "given twice, one empty": lambda state: f"code=4/0A&state=&state={state}",
    "too long": lambda state: f"code=4/0A&state={state * 12}",
    "not UTF-8": lambda state: f"code=4/0A&state={state[:-1]}%ff",
    "badly encoded": lambda state: f"code=4/0A&state={state[:-1]}%zz",
    "markup": lambda state: f"code=4/0A&state={quote(MARKUP)}",
    "the code twice": lambda state: f"code=4/0A&code=4/0A&state={state}",
    "the error twice": lambda state: f"error=a&error=b&state={state}",
    "a code of 4097 bytes": lambda state: f"code={'x' * 4097}&state={state}",
    "an error of 65 bytes": lambda state: f"error={'x' * 65}&state={state}",
    "an issuer of 513 bytes": lambda state: f"code=4/0A&iss={'x' * 513}&state={state}",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_what_is_no_state_of_ours_is_refused_and_noted(browser, stack, form, accept):
    url = browser.begin()
    before = stored(stack)
    answer = browser.request("GET", f"{CALLBACK}?{FORMS[form](parameters(url)['state'])}",
                             headers={"Accept": accept})
    check_nothing_came_of_it(stack, answer, before)
    assert MARKUP not in answer.text and "alert" not in answer.text
    assert state_row(stack, url)["used_at"] is None
    assert ended(browser.come_back(stack.sandbox.approve(url, ACCOUNT))) == OK


def test_a_state_in_the_fragment_or_the_body_is_none(browser, stack):
    state = parameters(browser.begin())["state"]
    check_refused(stack, browser.request("GET", CALLBACK + "?code=x",
                                         body=f"state={state}".encode()))
    assert token_calls(stack) == []


@pytest.mark.parametrize("cookie", [None, "", "A" * 42, "A" * 43, "A" * 44],
                         ids=lambda value: "none" if value is None else str(len(value)))
def test_another_browsers_return_is_refused_and_burns_nothing(browser, stack, cookie):
    url = browser.begin()
    before = stored(stack)
    back = stack.sandbox.approve(url, ACCOUNT)
    stranger = Browser(stack)
    if cookie is not None:
        stranger.cookies[OAUTH_COOKIE] = cookie
    check_nothing_came_of_it(stack, stranger.come_back(back), before)
    assert state_row(stack, url)["used_at"] is None
    assert ended(browser.come_back(back)) == OK


def test_another_owners_browser_cannot_finish_a_flow(browser, stack, bearer):
    other = Browser(stack, bearer("coach-2"))
    other.begin("coach-2")
    back = stack.sandbox.approve(browser.begin(), ACCOUNT)
    before = stored(stack)
    check_nothing_came_of_it(stack, other.come_back(back), before)


def test_two_cookies_are_none(browser, stack):
    back = stack.sandbox.approve(browser.begin(), ACCOUNT)
    both = f"{OAUTH_COOKIE}={browser.cookies[OAUTH_COOKIE]}; " * 2
    check_refused(stack, browser.request("GET", back[len(stack.public.url):],
                                         headers={"Cookie": both.rstrip("; ")}))
    assert token_calls(stack) == []


def test_a_session_cookie_does_not_stand_in_for_the_flows(browser, stack, jwt):
    back = stack.sandbox.approve(browser.begin(), ACCOUNT)
    stranger = Browser(stack)
    stranger.request("POST", "/api/session", data={}, headers={
        "Origin": stack.public.url, "Authorization": f"Bearer {jwt(HOST)}"})
    check_refused(stack, stranger.come_back(back))


def test_the_same_hit_again_shows_the_first_result_without_an_exchange(browser, stack):
    back = stack.sandbox.approve(browser.begin(), ACCOUNT)
    first = browser.come_back(back)
    version = connections(stack)[0]["token_version"]
    for _ in range(3):
        again = browser.come_back(back)
        assert again.headers["Location"] == first.headers["Location"]
    assert len(token_calls(stack)) == 1
    assert connections(stack)[0]["token_version"] == version
    assert audits(stack, "connect") == ["ok"]


def test_the_same_hit_while_the_first_is_under_way_waits_for_it(browser, stack):
    back = stack.sandbox.approve(browser.begin(), ACCOUNT)
    stack.sandbox.fault("hold", match={"path": "/google/token"})
    with ThreadPoolExecutor(5) as pool:
        first = pool.submit(browser.come_back, back)
        stack.sandbox.held()
        others = [pool.submit(browser.come_back, back) for _ in range(4)]
        stack.sandbox.release()
        assert {ended(one.result()) for one in (first, *others)} == {OK}
    assert len(token_calls(stack)) == 1


def test_a_bad_end_is_shown_again_too(browser, stack):
    stack.sandbox.settings(withheld_scopes=[CALENDAR])
    back = stack.sandbox.approve(browser.begin(), ACCOUNT)
    for _ in range(2):
        assert ended(browser.come_back(back)) == ("error", "scope_missing")
    assert len(token_calls(stack)) == 1 == len(audits(stack, "connect"))


@pytest.mark.parametrize("change", [
    {"code": "4/0Aother"}, {"code": None, "error": "access_denied"}, {"code": "4/0A%2B"}])
def test_a_used_state_with_another_code_is_refused(browser, stack, change):
    back = stack.sandbox.approve(browser.begin(), ACCOUNT)
    browser.come_back(back)
    before = stored(stack)
    check_nothing_came_of_it(stack, browser.come_back(changed(back, **change)), before, 1)


def test_a_used_state_is_another_browsers_no_more_than_an_open_one(browser, stack):
    back = stack.sandbox.approve(browser.begin(), ACCOUNT)
    browser.come_back(back)
    before = stored(stack)
    check_nothing_came_of_it(stack, Browser(stack).come_back(back), before, 1)


def test_an_address_has_ten_lines_of_refusals_in_the_audit_log_for_ten_minutes(clean):
    stranger, other = Browser(clean), Browser(clean)
    refused = [stranger.come_back(f"{CALLBACK}?state=x{n}") for n in range(30)]
    assert [check_refused(clean, answer).status for answer in refused] == [400] * 30
    assert audits(clean, "connect") == ["bad_state"] * 10
    check_refused(clean, other.come_back(f"{CALLBACK}?state=x"))
    assert audits(clean, "connect") == ["bad_state"] * 11


def test_after_ten_minutes_the_person_hears_that_it_took_too_long(browser, stack):
    url = browser.begin()
    back = stack.sandbox.approve(url, ACCOUNT)
    age(stack, url, 601)
    for _ in range(2):
        assert ended(browser.come_back(back)) == ("error", "expired")
    assert token_calls(stack) == [] and connections(stack) == []
    assert set(audits(stack, "connect")) == {"expired"}


def test_another_browser_does_not_even_hear_that_it_took_too_long(browser, stack):
    url = browser.begin()
    age(stack, url)
    before = stored(stack)
    check_nothing_came_of_it(stack, Browser(stack).come_back(
        stack.sandbox.approve(url, ACCOUNT)), before)


def test_just_before_ten_minutes_it_is_not_too_late(browser, stack):
    url = browser.begin()
    age(stack, url, 590)
    assert ended(browser.come_back(stack.sandbox.approve(url, ACCOUNT))) == OK


def test_a_result_is_shown_for_longer_than_ten_minutes(browser, stack):
    url = browser.begin()
    back = stack.sandbox.approve(url, ACCOUNT)
    browser.come_back(back)
    age(stack, url, 3600)
    assert ended(browser.come_back(back)) == OK


def test_a_state_of_a_provider_that_is_not_set_up_is_refused(browser, stack):
    back = stack.sandbox.approve(browser.begin(), ACCOUNT)
    for name in ("caldav", "nope"):
        stack.sql("UPDATE oauth_states SET provider = %s", (name,))
        check_refused(stack, browser.come_back(changed(back, provider="google")))
    assert token_calls(stack) == []


# --- issuer (RFC 9207) ---

@pytest.mark.parametrize("issuer", [
    "https://login.microsoftonline.com/common/v2.0", "", "https://accounts.google.com/",
    "accounts.google.com", "http://accounts.google.com", "https://accounts.google.com.evil.example",
    "https://ACCOUNTS.google.com", "https://accounts.google.com%00",
    " https://accounts.google.com"])
def test_anothers_issuer_is_refused(browser, stack, issuer):
    url = browser.begin()
    before = stored(stack)
    back = stack.sandbox.approve(url, ACCOUNT)
    check_nothing_came_of_it(stack, browser.come_back(changed(back, iss=issuer)), before)
    assert ended(browser.come_back(back)) == OK


def test_two_issuers_are_refused_even_if_both_are_good(browser, stack):
    back = stack.sandbox.approve(browser.begin(), ACCOUNT)
    before = stored(stack)
    good = "&iss=" + quote("https://accounts.google.com", safe="")
    check_nothing_came_of_it(stack, browser.come_back(back + good + good), before)


def test_googles_own_issuer_is_good(browser, stack):
    stack.sandbox.settings(callback_extra={"iss": "https://accounts.google.com"})
    assert ended(browser.connect()) == OK


# --- what the provider says ---

@pytest.mark.parametrize("error, reason", [
    ("access_denied", "denied"), ("consent_required", "admin_consent"),
    ("admin_policy_enforced", "admin_consent"), ("server_error", "failed"), ("temporarily_unavailable", "failed"),
    ("x" * 64, "failed"), (MARKUP, "failed"), ("denied&calendar=connected", "failed"),
    ("a\r\nSet-Cookie: a=b", "failed"), ("\u202e", "failed")])
def test_an_error_becomes_a_fixed_reason(browser, stack, error, reason):
    query = urlencode({"state": parameters(browser.begin())["state"], "error": error,
                       "error_description": MARKUP, "error_uri": "https://evil.example/"})
    answer = browser.request("GET", f"{CALLBACK}?{query}")
    assert answer.headers["Location"] == (
        f"{stack.public.url}/dashboard/?calendar=error&reason={reason}")
    assert answer.body == b"" and "evil" not in str(answer.headers)
    assert token_calls(stack) == [] and audits(stack, "connect") == [reason]


def test_deny_on_the_consent_page_is_told_as_denied(browser, stack):
    back = stack.sandbox.approve(browser.begin(), ACCOUNT, allow=False)
    assert ended(browser.come_back(back)) == ("error", "denied")
    assert token_calls(stack) == [] and connections(stack) == []


@pytest.mark.parametrize("query", ["", "&code=&error=", "&code=", "&error=", "&scope=openid",
                                   "&code=4/0A&error=access_denied"])
def test_neither_code_nor_error_or_both_is_a_bad_request(browser, stack, query):
    url = browser.begin()
    answer = browser.request("GET", f"{CALLBACK}?state={parameters(url)['state']}{query}")
    check_refused(stack, answer, code="bad_request")
    assert token_calls(stack) == []
    assert ended(browser.come_back(stack.sandbox.approve(url, ACCOUNT))) == OK


@pytest.mark.parametrize("length, statuses", [(4096, {302}), (8000, {400}), (100_000, {414})])
def test_huge_parameters_are_refused_in_time(browser, stack, length, statuses):
    state = parameters(browser.begin())["state"]
    answer = browser.request("GET", f"{CALLBACK}?state={state}&code={'x' * length}")
    assert answer.status in statuses and answer.seconds < 5
    assert "xxxx" not in answer.text
    for name in ("error_description", "scope", "session_state", "prompt"):
        fresh = parameters(browser.begin())["state"]
        answer = browser.request("GET", f"{CALLBACK}?state={fresh}&error=a&{name}={'y' * length}")
        assert answer.status in (302, 400, 414) and "yyyy" not in answer.text
    assert connections(stack) == []


SPOILED = {
    "code_refused": ({"kind": "invalid_grant"}, "failed"),
    "bad_request": ({"kind": "error", "status": 400, "reason": "invalid_request"}, "failed"),
    "our_secret": ({"kind": "invalid_client"}, "provider_misconfigured"),
    "server_error": ({"kind": "backendError"}, "provider_unavailable"),
    "throttled": ({"kind": "too_many_requests", "retry_after": 7}, "provider_unavailable"),
    "connection_reset": ({"kind": "reset"}, "provider_unavailable"),
    "html": ({"kind": "html"}, "provider_unavailable"),
    "empty": ({"kind": "empty"}, "provider_unavailable"),
    "huge": ({"kind": "huge"}, "provider_unavailable"),
    "truncated": ({"kind": "truncate"}, "provider_unavailable"),
    "cut chunks": ({"kind": "truncate", "form": "chunked"}, "provider_unavailable"),
    "redirect": ({"kind": "redirect", "location": "https://evil.example/"}, None),
    "error in a success": ({"kind": "error", "status": 200, "body": {"error": "invalid_grant"}},
                           "provider_unavailable"),
    "no access token": ({"kind": "error", "status": 200, "body": {"token_type": "Bearer"}},
                        "provider_unavailable"),
    "a number for a token": ({"kind": "error", "status": 200, "body": {"access_token": 5}},
                             "provider_unavailable"),
    "control characters in a token": (
        {"kind": "error", "status": 200, "body": {"access_token": "a\r\nX: y",
                                                  "refresh_token": "b"}},
        "provider_unavailable"),
    "another kind of token": (
        {"kind": "error", "status": 200, "body": {"access_token": "a", "token_type": "mac"}},
        "provider_unavailable"),
}


@pytest.mark.parametrize("how", SPOILED)
def test_a_spoiled_exchange_has_a_fixed_reason_and_stores_nothing(browser, stack, how):
    fault, reason = SPOILED[how]
    stack.sandbox.fault(fault["kind"], match={"path": "/google/token"},
                        **{name: value for name, value in fault.items() if name != "kind"})
    word, told = ended(browser.connect())
    assert word == "error" and told in ((reason,) if reason else ("failed", "provider_unavailable"))
    assert connections(stack) == [] and audits(stack, "connect") == [told]
    assert len(token_calls(stack)) == 1, "a code that arrives twice is dead"


def test_a_secret_that_google_refuses_pauses_google_and_says_so(browser, stack):
    stack.sandbox.fault("invalid_client", match={"path": "/google/token"})
    assert ended(browser.connect()) == ("error", "provider_misconfigured")
    pause, = stack.sql("SELECT * FROM provider_limits")
    assert (pause["subject"], pause["reason"]) == ("google", "provider_misconfigured")


@pytest.mark.parametrize("error", ["redirect_uri_mismatch", "unauthorized_client"])
def test_one_consent_that_was_asked_for_wrongly_is_told_aloud_and_stops_nobody(
        browser, stack, bearer, error):
    browser.connect()
    stack.cli("owner", "put", "--tenant", "default", "--id", "coach-1")
    stack.sandbox.fault("error", match={"path": "/google/token"}, status=400,
                        body={"error": error})
    other = Browser(stack, bearer("coach-1"))
    assert ended(other.connect(OTHER_ACCOUNT, "coach-1")) == ("error", "provider_misconfigured")
    assert stack.sql("SELECT * FROM provider_limits WHERE reason = 'provider_misconfigured'") == []
    alert = [line for line in stack.log_lines() if line.get("event") == "provider_misconfigured"
             and error in line.get("detail", "")]
    assert [line["level"] for line in alert] == ["error"]
    assert invite(stack, bearer(HOST)).status == 200


@pytest.mark.parametrize("kind", ["backendError", "html", "reset", "unauthorized_once", "empty"])
def test_an_account_that_cannot_be_read_stores_nothing(browser, stack, kind):
    stack.sandbox.fault(kind, match={"path": "userinfo", "count": None})
    word, reason = ended(browser.connect())
    assert word == "error" and reason in ("failed", "provider_unavailable")
    assert connections(stack) == []


@pytest.mark.parametrize("body", [
    {}, {"id": ""}, {"id": 5}, {"id": "x" * 256}, {"email": ACCOUNT}, {"id": "1\n2"}, [], None,
    {"id": "1", "email": "a@b@c"}, {"id": None, "email": ACCOUNT}])
def test_an_answer_that_names_no_account_stores_nothing(browser, stack, body):
    stack.sandbox.fault("error", match={"path": "userinfo"}, status=200, body=body)
    assert ended(browser.connect())[0] == "error"
    assert connections(stack) == []


def test_the_account_is_the_providers_word_not_the_requests(browser, stack):
    back = stack.sandbox.approve(browser.begin(), ACCOUNT)
    assert ended(browser.come_back(changed(
        back, email=OTHER_ACCOUNT, sub="1", authuser="1", hd="evil.example", provider="outlook",
        scope="openid"))) == OK
    assert [row["account_email"] for row in connections(stack)] == [ACCOUNT]


# --- scopes ---

@pytest.mark.parametrize("missing", [
    [CALENDAR], ["openid", AUTH + "userinfo.email", AUTH + "userinfo.profile"]],
    ids=["calendar", "who"])
def test_too_few_scopes_store_nothing(browser, stack, missing):
    stack.sandbox.settings(withheld_scopes=missing)
    assert ended(browser.connect()) == ("error", "scope_missing")
    assert connections(stack) == [] and audits(stack, "connect") == ["scope_missing"]


def test_the_unticked_calendar_box_is_a_missing_scope(browser, stack):
    back = stack.sandbox.approve(browser.begin(), ACCOUNT, calendar=False)
    assert ended(browser.come_back(back)) == ("error", "scope_missing")
    assert connections(stack) == []


@pytest.mark.parametrize("scope", [{}, {"scope": ""}, {"scope": None}, {"scope": 5},
                                   {"scope": "openid"}, {"scope": CALENDAR + "x openid"},
                                   {"scope": CALENDAR + ".readonly openid"},
                                   {"scope": f"openid,{CALENDAR}"}])
def test_an_answer_without_the_scopes_is_not_taken_on_trust(browser, stack, scope):
    stack.sandbox.fault("error", match={"path": "/google/token"}, status=200, body={
        "access_token": "ya29.a", "refresh_token": "1//b", "expires_in": 3599, **scope})
    word, reason = ended(browser.connect())
    assert (word, reason) in (("error", "scope_missing"), ("error", "provider_unavailable"))
    assert connections(stack) == []


@pytest.mark.parametrize("missing", [
    ["openid"], [AUTH + "userinfo.profile"], ["openid", AUTH + "userinfo.profile"]],
    ids=["openid", "profile", "both"])
def test_scopes_that_are_not_needed_may_be_missing(browser, stack, missing):
    stack.sandbox.settings(withheld_scopes=missing)
    assert ended(browser.connect()) == OK
    row, = connections(stack)
    assert not set(missing) & set(row["granted_scopes"].split(" "))


def test_a_reconnect_with_too_few_scopes_leaves_the_connection_as_it_was(browser, stack, bearer):
    browser.connect()
    before = stored(stack)
    stack.sandbox.settings(withheld_scopes=[CALENDAR])
    assert ended(browser.connect()) == ("error", "scope_missing")
    assert stored(stack) == before
    assert invite(stack, bearer(HOST)).status == 200


# --- refresh tokens ---

@pytest.mark.parametrize("how", ["withheld", "empty", "null"])
def test_a_first_connect_without_a_refresh_token_is_no_success(browser, stack, how):
    stack.sandbox.settings(code_refresh_token=how)
    assert ended(browser.connect()) == ("error", "no_refresh_token")
    assert connections(stack) == []


@pytest.mark.parametrize("how", ["withheld", "empty", "null"])
def test_a_reconnect_without_one_keeps_the_one_that_is_there(browser, stack, bearer, how):
    browser.connect()
    before, = connections(stack)
    stack.sandbox.settings(code_refresh_token=how)
    assert ended(browser.connect()) == OK
    after, = connections(stack)
    assert after["refresh_token"] == before["refresh_token"]
    assert after["access_token"] != before["access_token"]
    expire(stack)
    assert invite(stack, bearer(HOST)).status == 200


def test_a_refused_connection_needs_a_new_refresh_token(browser, stack, bearer):
    browser.connect()
    stack.sandbox.revoke_grant(ACCOUNT)
    expire(stack)
    invite(stack, bearer(HOST))
    before = stored(stack)
    stack.sandbox.settings(code_refresh_token="withheld")
    assert ended(browser.connect()) == ("error", "no_refresh_token")
    assert stored(stack) == before


# --- another account ---

@pytest.fixture
def asked(browser, stack):
    """The page shown when the browser comes back with another account than before."""
    browser.connect(ACCOUNT)
    return browser.connect(OTHER_ACCOUNT)


def check_page(stack, answer, *words):
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    form = Form(answer)
    assert (form.method, form.action) == ("post", CALLBACK)
    assert {value for _, value in form.buttons} == {"yes", "no"}
    for word in words:
        assert word in form.text
    assert "form-action 'self'" in answer.headers["Content-Security-Policy"]
    return form


def test_another_account_is_asked_about_and_nothing_stored(browser, asked, stack):
    check_page(stack, asked, OTHER_ACCOUNT, HOST, "another account")
    row, = connections(stack)
    assert row["account_email"] == ACCOUNT and row["token_version"] == 1
    assert states(stack)[-1]["outcome"] == "confirm"
    assert audits(stack, "connect") == ["ok", "confirm"]


def test_the_waiting_tokens_are_sealed_and_gone_after_the_answer(browser, asked, stack):
    row = states(stack)[-1]
    for request in stack.sandbox.grants()["access"]:
        assert request["token"].encode() not in row["pending_access"]
    assert row["pending_refresh"]
    for word in ("yes", "no"):
        page = browser.connect(OTHER_ACCOUNT) if word == "no" else asked
        if page.status == 200:
            browser.decide(page, word)
        row = states(stack)[-1]
        assert {value for name, value in row.items() if name.startswith("pending")} == {None}


def test_yes_makes_a_second_connection_and_leaves_the_first_alone(browser, asked, stack, bearer):
    before, = connections(stack)
    answer = browser.decide(asked, "yes")
    assert answer.headers["Location"] == (
        stack.public.url + "/dashboard/?calendar=connected&provider=google")
    first, second = connections(stack)
    assert first == before and second["account_email"] == OTHER_ACCOUNT
    assert second["id"] != first["id"] and len(token_calls(stack)) == 2
    owner, = stack.sql("SELECT default_connection_id FROM owners WHERE external_id = %s", (HOST,))
    assert owner["default_connection_id"] == first["id"]
    assert audits(stack, "connect") == ["ok", "confirm", "ok"]
    check_once(stack, invite(stack, bearer(HOST)))


def test_the_second_connection_holds_tokens_of_its_own(browser, asked, stack, bearer):
    browser.decide(asked, "yes")
    stack.sql("UPDATE owners o SET default_connection_id = (SELECT id FROM "
              "coach_calendar_connections c WHERE c.owner_id = o.id AND account_email = %s)",
              (OTHER_ACCOUNT,))
    expire(stack)
    check_once(stack, invite(stack, bearer(HOST)), account=OTHER_ACCOUNT)


def test_no_stores_nothing(browser, asked, stack):
    before = stored(stack)
    assert ended(browser.decide(asked, "no")) == ("error", "denied")
    assert stored(stack) == before
    assert audits(stack, "connect") == ["ok", "confirm", "denied"]


@pytest.mark.parametrize("first, second", [("yes", "yes"), ("yes", "no"), ("no", "yes"), ("no",
    "no")])
def test_a_second_answer_shows_what_came_of_the_first(browser, asked, stack, first, second):
    result = ended(browser.decide(asked, first))
    assert ended(browser.decide(asked, second)) == result
    assert result == (OK if first == "yes" else ("error", "denied"))
    assert len(connections(stack)) == (2 if first == "yes" else 1)
    assert len(audits(stack, "connect")) == 3


@pytest.mark.parametrize("words", [("yes", "no"), ("no", "yes")])
def test_of_many_answers_at_once_one_counts_and_all_are_told_the_same(browser, asked, stack, words):
    with ThreadPoolExecutor(12) as pool:
        with locked(stack) as wait_for_waiting:
            answers = [pool.submit(browser.decide, asked, word) for word in words * 6]
            wait_for_waiting(len(answers))
        told = {ended(one.result()) for one in answers}
    assert told in ({OK}, {("error", "denied")})
    assert len(connections(stack)) == (2 if told == {OK} else 1)
    assert audits(stack, "connect") == ["ok", "confirm", "ok" if told == {OK} else "denied"]


def test_the_page_comes_again_on_a_reload(browser, stack):
    browser.connect(ACCOUNT)
    back = stack.sandbox.approve(browser.begin(), OTHER_ACCOUNT)
    browser.come_back(back)
    page = browser.come_back(back)
    check_page(stack, page, OTHER_ACCOUNT, "another account")
    assert len(token_calls(stack)) == 2
    assert ended(browser.decide(page, "yes")) == OK
    assert ended(browser.come_back(back)) == OK


def test_the_question_waits_ten_minutes_and_no_longer(browser, asked, stack):
    row = states(stack)[-1]
    left, = stack.sql("SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(3), %s) AS left_s",
                      (row["expires_at"],))
    assert 590 <= left["left_s"] <= 600
    stack.sql("UPDATE oauth_states SET expires_at = UTC_TIMESTAMP(3) - INTERVAL 1 SECOND")
    assert ended(browser.decide(asked, "yes")) == ("error", "expired")
    assert len(connections(stack)) == 1


def test_another_browsers_answer_is_refused(browser, asked, stack):
    before = stored(stack)
    for cookie in (None, "A" * 43, "A" * 42):
        stranger = Browser(stack)
        if cookie:
            stranger.cookies[OAUTH_COOKIE] = cookie
        check_refused(stack, stranger.decide(asked, "yes"), 403, "csrf")
    other = Browser(stack, browser.headers)
    other.begin()
    check_refused(stack, other.decide(asked, "yes"), 403, "csrf")
    assert stored(stack) == before
    assert ended(browser.decide(asked, "yes")) == OK


def test_the_token_of_another_flow_is_refused(browser, asked, stack):
    other = browser.connect(OTHER_ACCOUNT)
    fields = dict(Form(asked).fields)
    fields["token"] = dict(Form(other).fields)["token"]
    check_refused(stack, browser.post([*fields.items(), ("answer", "yes")]), 403, "csrf")
    assert len(connections(stack)) == 1


@pytest.mark.parametrize("headers", [
    {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": None},
    {"Sec-Fetch-Site": "cross-site"}, {"Origin": None, "Referer": "https://evil.example/"},
    {"Origin": "https://localhost"}], ids=str)
def test_an_answer_from_another_site_is_refused(browser, asked, stack, headers):
    before = stored(stack)
    check_refused(stack, browser.decide(asked, "yes", **headers), 403, "csrf")
    assert stored(stack) == before


def test_a_browser_that_sends_only_a_referer_may_answer(browser, asked, stack):
    assert ended(browser.decide(asked, "yes", Origin=None,
                                Referer=stack.public.url + CALLBACK + "?x")) == OK


@pytest.mark.parametrize("how", ["application/json", "text/plain",
                                 "multipart/form-data; boundary=x",
                                 None])
def test_the_answer_is_a_form_and_nothing_else(browser, asked, stack, how):
    check_refused(stack, browser.decide(asked, "yes", **{"Content-Type": how}), 415,
                  "unsupported_media_type")
    assert len(connections(stack)) == 1


CHANGES = {
    "no answer": lambda fields: [one for one in fields if one[0] != "answer"],
    "another answer": lambda fields: fields[:-1] + [("answer", "maybe")],
    "two answers": lambda fields: [*fields, ("answer", "no")],
    "no token": lambda fields: [one for one in fields if one[0] != "token"],
    "an empty token": lambda fields: [(name, "" if name == "token" else value)
                                      for name, value in fields],
    "a changed token": lambda fields: [(name, flip(value) if name == "token" else value)
                                       for name, value in fields],
    "a cut token": lambda fields: [(name, value[:-1] if name == "token" else value)
                                   for name, value in fields],
    "two tokens": lambda fields: [*fields, *[one for one in fields if one[0] == "token"]],
    "no flow": lambda fields: [one for one in fields if one[0] != "flow"],
    "another flow": lambda fields: [(name, "0" * 26 if name == "flow" else value)
                                    for name, value in fields],
    "no id of a flow": lambda fields: [(name, "../x" if name == "flow" else value)
                                       for name, value in fields],
    "nothing": lambda fields: [],
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_form_confirms_nothing(browser, asked, stack, change):
    before = stored(stack)
    answer = browser.post(CHANGES[change]([*Form(asked).fields, ("answer", "yes")]))
    assert answer.status in (400, 403) and answer.count("Set-Cookie") == 0
    assert stored(stack) == before
    assert ended(browser.decide(asked, "yes")) == OK


def test_a_form_of_more_than_4_kib_is_too_large(browser, asked, stack):
    fields = [*Form(asked).fields, ("answer", "yes"), ("more", "x" * 4096)]
    check_refused(stack, browser.post(fields), 413, "body_too_large")


def test_an_account_connected_before_needs_no_question(browser, asked, stack):
    browser.decide(asked, "yes")
    assert ended(browser.connect(OTHER_ACCOUNT)) == OK == ended(browser.connect(ACCOUNT))
    assert len(connections(stack)) == 2


def test_another_owner_of_the_same_account_has_a_connection_of_his_own(browser, stack, bearer):
    browser.connect()
    other = Browser(stack, bearer("coach-2"))
    assert ended(other.connect(ACCOUNT, "coach-2")) == OK
    assert len(connections(stack)) == 1 == len(connections(stack, "coach-2"))


@pytest.mark.parametrize("address", ["\u202ea@example.org", "<b>@example.org", "a\"'>@example.org",
                                     "{{7*7}}@example.org"])
def test_an_address_is_shown_as_text(browser, stack, address):
    browser.connect(ACCOUNT)
    stack.sandbox.fault("error", match={"path": "userinfo"}, status=200,
                        body={"id": "17", "email": address})
    answer = browser.connect(OTHER_ACCOUNT)
    if answer.status == 200:    # it may also be refused as no address
        assert "<b>" not in answer.text and '"\'>' not in answer.text
        assert address in Form(answer).text
    else:
        assert ended(answer)[0] == "error"


def test_the_owners_name_is_shown_as_text(clean, bearer):
    owner = "a|b:c+d@x~y"
    browser = Browser(clean, bearer(owner))
    place = quote(owner, safe="")
    browser.connect(ACCOUNT, place)
    check_page(clean, browser.connect(OTHER_ACCOUNT, place), owner)


# --- handed on ---

@pytest.fixture
def handed(browser, stack):
    """authUrl as a server has it, which sends it on to a person."""
    answer = stack.request("GET", CONNECT + HOST,
                           headers={**browser.headers, "Accept": "application/json"})
    browser.cookies[OAUTH_COOKIE] = cookies(answer).split("=")[1]
    return answer.json["authUrl"]


def test_a_link_that_was_handed_on_is_asked_about_and_nothing_stored(handed, stack):
    person = Browser(stack)
    page = person.come_back(stack.sandbox.approve(handed, ACCOUNT))
    check_page(stack, page, ACCOUNT, HOST, "passed on")
    assert connections(stack) == []
    assert ended(person.decide(page, "yes")) == OK
    assert [row["account_email"] for row in connections(stack)] == [ACCOUNT]
    assert len(token_calls(stack)) == 1


def test_no_to_a_link_that_was_handed_on_stores_nothing(handed, stack):
    person = Browser(stack)
    page = person.come_back(stack.sandbox.approve(handed, ACCOUNT))
    assert ended(person.decide(page, "no")) == ("error", "denied")
    assert connections(stack) == []


def test_the_browser_that_asked_for_it_needs_no_question(browser, handed, stack):
    assert ended(browser.come_back(stack.sandbox.approve(handed, ACCOUNT))) == OK


def test_a_link_that_was_handed_on_belongs_to_who_came_first(browser, handed, stack):
    first, second = Browser(stack), Browser(stack)
    back = stack.sandbox.approve(handed, ACCOUNT)
    page = first.come_back(back)
    for late in (second, browser):
        check_refused(stack, late.come_back(back))
        check_refused(stack, late.decide(page, "yes"), 403, "csrf")
    again = first.come_back(back)
    check_page(stack, again, ACCOUNT, "passed on")
    assert connections(stack) == [] and len(token_calls(stack)) == 1
    assert ended(first.decide(again, "yes")) == OK


def test_a_link_handed_on_twice_over_is_used_once(handed, stack):
    back = stack.sandbox.approve(handed, ACCOUNT)
    people = [Browser(stack) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda person: person.come_back(back), people))
    assert sorted(answer.status for answer in answers) == [200] + [400] * 7
    assert len(token_calls(stack)) == 1 and connections(stack) == []


def test_refusing_a_link_that_was_handed_on_is_told_at_once(handed, stack):
    person = Browser(stack)
    assert ended(person.come_back(stack.sandbox.approve(handed, ACCOUNT, allow=False))) == (
        "error", "denied")


def test_a_link_that_was_handed_on_ends_after_ten_minutes(handed, stack):
    age(stack, handed)
    assert ended(Browser(stack).come_back(stack.sandbox.approve(handed, ACCOUNT))) == (
        "error", "expired")
    assert token_calls(stack) == []


# --- weather of our own ---

def test_with_the_database_away_the_answer_is_503_and_the_state_stays_good(browser, stack):
    back = stack.sandbox.approve(browser.begin(), ACCOUNT)
    stack.mariadb.kill()
    try:
        answer = browser.come_back(back)
        assert answer.status == 503 and answer.headers["Retry-After"]
        for word in ("mysql", "MariaDB", "sock", "2002", "oauth_states"):
            assert word.lower() not in answer.text.lower()
    finally:
        stack.mariadb.start()
    assert ended(browser.come_back(back)) == OK


def test_a_callback_that_lost_its_database_after_the_exchange_is_not_exchanged_again(browser,
    stack):
    back = stack.sandbox.approve(browser.begin(), ACCOUNT)
    stack.sandbox.fault("hold", match={"path": "/google/token"})
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(browser.come_back, back)
        stack.sandbox.held()
        stack.mariadb.kill()
        try:
            stack.sandbox.release()
            assert first.result().status == 503
        finally:
            stack.mariadb.start()
    assert connections(stack) == []
    assert len(token_calls(stack)) == 1


def test_what_was_exchanged_reaches_the_account_with_its_own_token(browser, stack):
    browser.connect()
    given = stack.sandbox.grants()["access"][-1]["token"]
    assert [bearer_of(one) for one in stack.sandbox.requests("userinfo")] == [given]


# --- two at once, one of them given up ---

@pytest.fixture
def given_up(browser, stack):
    """A callback that is still at the provider, though for longer than any callback lasts."""
    back = stack.sandbox.approve(browser.begin(), ACCOUNT)
    stack.sandbox.fault("hold", match={"path": "^/google/token$"})
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(browser.come_back, back)
        stack.sandbox.held()
        stack.sql("UPDATE oauth_states SET used_at = used_at - INTERVAL 1 MINUTE")
        yield first, lambda: pool.submit(browser.come_back, back)
        stack.sandbox.release()


def test_a_callback_whose_first_run_died_is_told_so_instead_of_waiting(stack, given_up):
    _, again = given_up
    assert ended(again().result()) == ("error", "failed")
    assert audits(stack, "connect") == ["failed"]


def test_a_first_run_that_lives_on_stores_nothing_after_it_was_called_failed(stack, given_up):
    first, again = given_up
    assert ended(again().result()) == ("error", "failed")
    stack.sandbox.release()
    assert ended(first.result()) == ("error", "failed")
    assert connections(stack) == [] and audits(stack, "connect") == ["failed"]
    assert ended(again().result()) == ("error", "failed")


@pytest.mark.parametrize("faster", ["first run", "repetition"])
def test_whichever_of_the_two_decides_first_both_tell_the_same(stack, given_up, faster):
    first, again = given_up
    with locked(stack) as wait_for_waiting:
        if faster == "repetition":
            late = again()
            wait_for_waiting(1)
        stack.sandbox.release()
        if faster == "first run":
            wait_for_waiting(1)
            late = again()
        wait_for_waiting(2)
    told = OK if faster == "first run" else ("error", "failed")
    assert ended(first.result()) == told == ended(late.result())
    assert len(connections(stack)) == (1 if told == OK else 0)
    assert audits(stack, "connect") == ["ok" if told == OK else "failed"]


def test_a_first_run_that_is_called_failed_asks_nobody_afterwards(handed, stack):
    back = stack.sandbox.approve(handed, ACCOUNT)
    person = Browser(stack)
    person.cookies[OAUTH_COOKIE] = "A" * 43
    stack.sandbox.fault("hold", match={"path": "^/google/token$"})
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(person.come_back, back)
        stack.sandbox.held()
        stack.sql("UPDATE oauth_states SET used_at = used_at - INTERVAL 1 MINUTE")
        assert ended(person.come_back(back)) == ("error", "failed")
        stack.sandbox.release()
        assert ended(first.result()) == ("error", "failed")
    row, = states(stack)
    assert row["outcome"] == "failed" and row["pending_access"] is None


@pytest.mark.parametrize("word", ["yes", "no"])
def test_an_answer_that_comes_too_late_does_not_undo_one_in_time(browser, asked, stack, word):
    stack.sql("UPDATE oauth_states SET expires_at = UTC_TIMESTAMP(3) + INTERVAL 2 SECOND "
              "WHERE outcome = 'confirm'")
    with ThreadPoolExecutor(2) as pool:
        with locked(stack) as wait_for_waiting:
            in_time = pool.submit(browser.decide, asked, "yes")
            wait_for_waiting(1)
            wait_for(lambda: stack.sql("SELECT expires_at <= UTC_TIMESTAMP(3) AS is_over FROM "
                                       "oauth_states WHERE outcome = 'confirm'")[0]["is_over"],
                     what="the question's time to end")
            late = pool.submit(browser.decide, asked, word)
            wait_for_waiting(2)
        assert ended(in_time.result()) == OK == ended(late.result())
    assert [row["account_email"] for row in connections(stack)] == [ACCOUNT, OTHER_ACCOUNT]
    assert audits(stack, "connect") == ["ok", "confirm", "ok"]
