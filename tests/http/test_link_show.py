"""GET /connect/{link}: what the page behind a connectUrl says, and that reading does nothing."""

import json

import pytest
from conftest import base64url
from consent import ACCOUNT, HOST, OTHER_ACCOUNT, Browser, connections, expire
from flows import invite, new_key, sign_in
from links import (CONNECTION, DEFAULT_TENANT, EXTERNAL, OWNER, asked_for, link_of, make, owner_id,
                   raw_of, seen)

COACH = "coach-1"
MARKUP = "<img src=x onerror=alert(1)>"
EVERY_PROVIDER = [("provider", "google"), ("provider", "outlook")]
PAGE, JSON = {"Accept": "text/html"}, {"Accept": "application/json"}


@pytest.fixture
def coach(clean):
    """A coach with a name; the headers of nobody in particular."""
    clean.cli("owner", "put", "--tenant", "default", "--id", COACH, "--email", "ann@example.org",
              "--name", "Ann Coach", "--zone", "Europe/Berlin")
    return COACH


@pytest.fixture
def link(coach, stack, bearer):
    return asked_for(stack, bearer(coach))


@pytest.fixture
def withdrawn(clean, bearer):
    """A link to somebody who has withdrawn the consent to one of two calendars."""
    browser = Browser(clean, bearer(HOST))
    browser.connect(ACCOUNT)
    browser.decide(browser.connect(OTHER_ACCOUNT), "yes")
    clean.sandbox.revoke_grant(ACCOUNT)
    expire(clean)
    answer = invite(clean, bearer(HOST))
    assert answer.json["requiresReauth"] is True
    return link_of(clean, answer)


def show(stack, path, headers=None):
    return stack.request("GET", path, headers={**PAGE, **(headers or {})})


def check_refused(stack, path, status, code, words):
    """As a page and as JSON."""
    page, told = show(stack, path), stack.request("GET", path, headers=JSON)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert words in page.text and "<form" not in page.text
    assert words in told.json["error"] and told.json["code"] == code
    assert page.status == told.status == status


# --- who gets one ---

def test_a_token_a_session_and_a_key_are_given_the_link_of_the_owner(coach, stack, bearer, jwt):
    for headers, body in ((bearer(coach), {}), (sign_in(stack, jwt(coach)), {}),
                          (new_key(stack), {"hostId": coach})):
        answer = invite(stack, headers, **body)
        assert answer.json["requiresAuth"] is True
        assert "Ann Coach" in seen(show(stack, link_of(stack, answer))).text


def test_an_anonymous_guest_is_given_none(clean):
    clean.cli("owner", "put", "--tenant", "default", "--id", HOST)
    answer = invite(clean, {"Origin": clean.public.url}, inviteeEmails=["ana@example.org"])
    assert (answer.status, answer.json["requiresAuth"]) == (409, True)
    assert answer.json["connectUrl"] == clean.public.url + "/dashboard/#connect"


def test_who_has_no_row_and_a_long_id_is_led_to_the_dashboard(clean, bearer):
    assert "x" * 55 in seen(show(clean, asked_for(clean, bearer("x" * 55)))).text
    answer = invite(clean, bearer("x" * 56))
    assert answer.json["connectUrl"] == clean.public.url + "/dashboard/#connect"


def test_a_row_has_a_link_however_long_the_id(clean, bearer):
    clean.cli("owner", "put", "--tenant", "default", "--id", "x" * 128)
    assert "x" * 128 in seen(show(clean, asked_for(clean, bearer("x" * 128)))).text


# --- what it says ---

def test_the_page_names_tenant_and_owner_and_offers_every_provider(stack, link):
    form = seen(show(stack, link))
    assert (form.method, form.action) == ("post", link)
    assert form.fields == []
    assert form.buttons == EVERY_PROVIDER
    for words in ("Connect your calendar", "Asked for by default", "Ann Coach", "ann@example.org",
                  "Connect Google Calendar", "Connect Outlook Calendar"):
        assert words in form.text


def test_the_tenant_is_the_links(clean, bearer):
    clean.sql("INSERT INTO tenants (id, name) VALUES (REPEAT('t', 16), 'gatherly')")
    clean.sql("INSERT INTO owners (id, tenant_id, external_id) "
              "VALUES (REPEAT('o', 16), REPEAT('t', 16), %s)", (COACH,))
    text = seen(show(clean, make(clean, b"o" * 16, tenant=b"t" * 16))).text
    assert "Asked for by gatherly" in text and f"For {COACH}" in text


def test_a_refused_calendar_is_named_with_its_account_and_provider(stack, withdrawn):
    form = seen(show(stack, withdrawn))
    assert form.buttons == [("provider", "google")]
    for words in ("Connect your calendar again", f"Calendar account {ACCOUNT}", HOST,
                  "has withdrawn our access", "Sign in again to Google Calendar"):
        assert words in form.text
    assert OTHER_ACCOUNT not in form.text


def test_an_event_that_was_begun_in_another_calendar_names_that_one(clean, bearer):
    browser = Browser(clean, bearer(HOST))
    browser.connect(ACCOUNT)
    browser.decide(browser.connect(OTHER_ACCOUNT), "yes")
    clean.sandbox.fault("backendError", match={"method": "POST", "path": "/events$"})
    assert invite(clean, bearer(HOST), key="a1").status == 500
    clean.sql("UPDATE owners o JOIN coach_calendar_connections c ON c.owner_id = o.id "
              "SET o.default_connection_id = c.id WHERE c.account_email = %s", (OTHER_ACCOUNT,))
    clean.sandbox.revoke_grant(ACCOUNT)
    expire(clean)
    link = link_of(clean, invite(clean, bearer(HOST), key="a1"))
    assert f"Calendar account {ACCOUNT}" in seen(show(clean, link)).text


def test_a_calendar_that_was_mended_meanwhile_is_said_to_be(stack, withdrawn, bearer):
    Browser(stack, bearer(HOST)).connect(ACCOUNT)
    form = seen(show(stack, withdrawn))
    assert "nothing for you to do" in form.text and "withdrawn" not in form.text


def test_a_calendar_that_was_disconnected_meanwhile_is_any_calendar(stack, withdrawn):
    stack.sql("UPDATE coach_calendar_connections SET status = 'disconnected' "
              "WHERE account_email = %s", (ACCOUNT,))
    form = seen(show(stack, withdrawn))
    assert "withdrawn" not in form.text and ACCOUNT not in form.text
    assert f"Connected already {OTHER_ACCOUNT}" in form.text
    assert form.buttons == EVERY_PROVIDER


def test_what_is_connected_already_is_told(stack, link, bearer):
    Browser(stack, bearer(COACH)).connect(ACCOUNT, COACH)
    assert f"Connected already {ACCOUNT}" in seen(show(stack, link)).text


def test_names_are_shown_as_text(stack, link):
    stack.sql("UPDATE owners SET display_name = %s, email = %s", (MARKUP + "\u202e\"'{{7*7}}",
                                                                  "a\"'>@x"))
    page = show(stack, link)
    assert MARKUP not in page.text and MARKUP + "\u202e\"'{{7*7}}" in seen(page).text


# --- what it does not do ---

def test_reading_it_changes_nothing_and_burns_nothing(stack, clean, bearer):
    link = asked_for(clean, bearer("nobody-yet"))
    before = {table: stack.sql(f"SELECT * FROM `{table}`") for table in stack.schema.tables()}
    for method in ("GET", "HEAD"):
        for query in ("", "?calendar=connected&provider=google", "?calendar=error&reason=denied"):
            answer = stack.request(method, link + query, headers=PAGE)
            assert answer.status == 200 and answer.count("Set-Cookie") == 0
    assert "nobody-yet" in seen(show(stack, link)).text
    assert before == {table: stack.sql(f"SELECT * FROM `{table}`")
                      for table in stack.schema.tables()}
    assert stack.sql("SELECT * FROM owners") == [] == stack.sandbox.requests()


def test_it_needs_no_credential_and_believes_none(stack, link, bearer):
    own = seen(show(stack, link)).text
    assert own == seen(show(stack, link, bearer("another"))).text
    assert own == seen(show(stack, link, {"Authorization": "Bearer x.y.z"})).text


def test_no_log_holds_it(stack, link):
    show(stack, link)
    secret = link.rsplit("/", 1)[1]
    for name in ("calbridge-fcgi", "access"):
        assert secret not in json.dumps(stack.log_lines(name))


# --- bad ones ---

def test_an_expired_link_says_so(stack, coach):
    check_refused(stack, make(stack, owner_id(stack, coach), left_s=-1), 410, "link_expired",
                  "This link has expired")
    assert seen(show(stack, make(stack, owner_id(stack, coach), left_s=5))).buttons


@pytest.mark.parametrize("query", ["?calendar=error", "?calendar=connected&provider=google"])
def test_an_expired_link_tells_no_end_when_nobody_can_be_on_the_way_back(
        stack, clean, bearer, query):
    """A flow may begin in the link's last moment, and lasts ten minutes and ten to confirm it."""
    Browser(clean, bearer(HOST)).connect(ACCOUNT)
    who = owner_id(stack)
    check_refused(stack, make(stack, who, left_s=-1201) + query, 410, "link_expired",
                  "This link has expired")
    assert HOST in seen(show(stack, make(stack, who, left_s=-1100) + query)).text


def test_a_link_ends_after_24_hours(stack, link):
    seconds = int.from_bytes(raw_of(link)[1:5], "big")
    now, = stack.sql("SELECT UNIX_TIMESTAMP() AS now")
    assert 24 * 3600 - 60 <= seconds - now["now"] <= 24 * 3600


NOT_OURS = "This link is not complete"


def test_a_changed_link_is_refused(stack, link):
    raw = raw_of(link)
    for at in range(len(raw)):
        bent = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1:]
        answer = stack.request("GET", "/connect/" + base64url(bent), headers=JSON)
        assert (answer.status, answer.json["code"]) == (404, "not_found")


@pytest.mark.parametrize("change", [
    lambda link: link[:-1], lambda link: link + "A", lambda link: "/connect/done",
    lambda link: "/connect/" + "A" * 127], ids=["cut", "longer", "a word", "made up"])
def test_what_is_no_link_is_refused(stack, link, change):
    check_refused(stack, change(link), 404, "not_found", NOT_OURS)


def test_another_rings_links_are_refused(stack, coach):
    who = owner_id(stack, coach)
    check_refused(stack, make(stack, who, key=b"k" * 32), 404, "not_found", NOT_OURS)
    check_refused(stack, make(stack, who, number=77), 404, "not_found",
                  "made with a key that this service no longer has")
    assert "Ann Coach" in seen(show(stack, make(stack, who))).text


def test_a_link_reaches_nobody_of_another_tenant(stack, coach):
    stack.sql("INSERT INTO tenants (id, name) VALUES (REPEAT('t', 16), 'gatherly')")
    who = owner_id(stack, coach)
    check_refused(stack, make(stack, who, tenant=b"t" * 16), 404, "not_found", "not known here")
    text = seen(show(stack, make(stack, COACH.encode(), kind=EXTERNAL, tenant=b"t" * 16))).text
    assert "Ann Coach" not in text and f"For {COACH}" in text


def test_a_link_to_another_owners_calendar_does_not_name_it(stack, coach, bearer):
    Browser(stack, bearer(HOST)).connect(ACCOUNT)
    row, = connections(stack)
    both = make(stack, owner_id(stack, coach) + row["id"], kind=CONNECTION)
    assert ACCOUNT not in seen(show(stack, both)).text


def test_who_was_erased_is_not_known(stack, coach):
    for who, kind, tenant in ((b"x" * 16, OWNER, DEFAULT_TENANT), (b"x" * 32, CONNECTION,
                              DEFAULT_TENANT), (owner_id(stack, coach), OWNER, b"x" * 16)):
        check_refused(stack, make(stack, who, kind=kind, tenant=tenant), 404, "not_found",
                      "not known here any more")


# --- how it ended ---

@pytest.mark.parametrize("reason, words", [
    ("denied", "You did not allow the access"),
    ("expired", "Too much time passed"),
    ("scope_missing", "did not allow access"),
    ("no_refresh_token", "not given lasting access"),
    ("provider_unavailable", "did not answer in time"),
    ("provider_misconfigured", "The problem is on our side"),
    ("wrong_account", "another account than the one expected"),
    ("admin_consent", "wants its administrator to approve"),
    ("no_mailbox", "That account has no calendar"),
    ("failed", "Something went wrong"),
    ("constructor", "Something went wrong"), ("", "Something went wrong")])
def test_each_reason_has_words_of_its_own_and_the_button_again(stack, link, reason, words):
    form = seen(show(stack, f"{link}?calendar=error&reason={reason}"))
    assert "was not connected" in form.text and words in form.text and "Ann Coach" in form.text
    assert form.buttons == EVERY_PROVIDER and form.action == link
    assert "constructor" not in form.text


def test_success_is_not_believed_from_the_address_alone(stack, link, bearer):
    claims = link + "?calendar=connected&provider=google"
    assert "cannot see the new connection yet" in seen(show(stack, claims)).text
    Browser(stack, bearer(COACH)).connect(ACCOUNT, COACH)
    form = seen(show(stack, claims))
    assert "Google Calendar is connected" in form.text
    assert f"Calendar account {ACCOUNT}" in form.text
    assert form.buttons == []
    text = seen(show(stack, link + "?calendar=connected&provider=outlook")).text
    assert "cannot see the new connection yet" in text


def test_the_newest_of_several_calendars_is_named(stack, clean, bearer):
    browser = Browser(clean, bearer(HOST))
    browser.connect(ACCOUNT)
    browser.decide(browser.connect(OTHER_ACCOUNT), "yes")
    stack.sql("UPDATE coach_calendar_connections SET connected_at = connected_at - "
              "INTERVAL 1 DAY, status_since = status_since - INTERVAL 1 DAY "
              "WHERE account_email = %s", (OTHER_ACCOUNT,))
    text = seen(show(stack, make(stack, owner_id(stack)) +
                     "?calendar=connected&provider=google")).text
    assert ACCOUNT in text and OTHER_ACCOUNT not in text


@pytest.mark.parametrize("query", ["calendar=error&reason=" + "x" * 33, "calendar=a&calendar=b",
                                   "calendar=%ff", "calendar=%zz"])
def test_a_query_of_another_form_is_refused(stack, link, query):
    answer = stack.request("GET", f"{link}?{query}", headers=JSON)
    assert (answer.status, answer.json["code"]) == (400, "bad_request")


def test_an_end_is_told_after_the_links_time_but_nothing_offered(stack, coach):
    over = make(stack, owner_id(stack, coach), left_s=-60)
    form = seen(show(stack, over + "?calendar=error&reason=denied"))
    assert "You did not allow the access" in form.text and form.buttons == []
    assert "this one has expired" in form.text
