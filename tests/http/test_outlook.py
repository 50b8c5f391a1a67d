"""Outlook through the running service: consent, tokens and the invite, as far as they differ there.

What holds for every provider is asked of each in the conformance suite and the events' tests.
"""

from collections import Counter

import pytest
from bookings import OUTLOOK, connect_to
from consent import (CALLBACK, HOST, Browser, audits, changed, check_refused, connections, ended,
                     expire, parameters)
from flows import FAILED, GUESTS, failure, invite, mails, rows, settle

WORK, PERSONAL = "host@example.com", "person@outlook.example"
CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"
ELSEWHERE = "11111111-1111-1111-1111-111111111111"
PATH = "/api/calendar-integration/connect/"
TOKEN = {"path": "^/microsoft/common/oauth2/v2.0/token$"}
CREATE = {"method": "POST", "path": "^/microsoft/v1.0/me/events$"}


@pytest.fixture
def browser(clean, bearer):
    return Browser(clean, bearer(HOST))


@pytest.fixture
def host(clean, bearer):
    """The host's credential, when his Outlook calendar is connected."""
    connect_to(clean, bearer(HOST), HOST, WORK, OUTLOOK)
    clean.sandbox.reset()
    return bearer(HOST)


def begin(browser, name="outlook"):
    """Starts a flow; Microsoft's URL."""
    answer = browser.request("GET", PATH + f"{name}/{HOST}")
    assert answer.status == 302, (answer.status, answer.text)
    return answer.headers["Location"]


def approve(stack, url, account=WORK, **members):
    return stack.sandbox.approve(url, account, provider="microsoft", **members)


def token_calls(stack, grant_type=""):
    return stack.sandbox.requests(TOKEN["path"], body=f"grant_type={grant_type}")


def form_of(call):
    return parameters("?" + call["body"])


def events(stack, account=WORK):
    return [one for one in stack.sandbox.events(account, provider="microsoft")
            if not one["sandbox"]["deleted"]]


def check_once(stack, answer):
    """One event, one row, one mail to each guest."""
    event, = events(stack)
    row, = rows(stack)
    assert (answer.status, row["state"]) == (200, "placed"), answer.text
    assert answer.json["calendarEventId"] == row["provider_event_id"]
    assert row["provider_event_id"] == event["sandbox"]["immutableId"]
    assert mails(stack, account=WORK) == Counter(GUESTS)


# --- consent ---

@pytest.mark.parametrize("account", [WORK, PERSONAL])
@pytest.mark.parametrize("name", ["outlook", "microsoft"])
def test_consent_becomes_a_connection_under_either_name(browser, clean, name, account):
    if account == PERSONAL:
        clean.sandbox.add_account(account, kind="personal")
    answer = browser.come_back(approve(clean, begin(browser, name), account))
    assert ended(answer) == ("connected", "outlook")
    row, = connections(clean)
    assert (row["provider"], row["account_email"], row["calendar_id"], row["status"]) == (
        "outlook", account, "primary", "active")
    tenant, _, person = row["account_id"].partition(".")
    assert (tenant == CONSUMERS) == (account == PERSONAL) and len(person) == 36
    assert "Calendars.ReadWrite" in row["granted_scopes"].split(" ")
    assert clean.sandbox.violations() == []


def test_the_url_and_the_exchange_carry_what_microsoft_needs(browser, clean):
    url = begin(browser)
    asked = parameters(url)
    assert url.startswith(clean.settings["MICROSOFT_AUTH_URL"] + "?")
    assert set(asked["scope"].split(" ")) == {"openid", "profile", "email", "offline_access",
                                              "Calendars.ReadWrite", "User.Read"}
    assert (asked["prompt"], asked["code_challenge_method"]) == ("select_account", "S256")
    assert asked["redirect_uri"] == clean.public.url + CALLBACK
    browser.come_back(approve(clean, url))
    call, = token_calls(clean)
    form = form_of(call)
    assert set(form) == {"grant_type", "code", "code_verifier", "redirect_uri", "scope",
                         "client_id", "client_secret"}
    assert form["redirect_uri"] == asked["redirect_uri"]
    assert call["query_string"] == "" and "authorization" not in call["headers"]


@pytest.mark.parametrize("form", ["short", "full", "shouted"])
def test_scopes_count_however_they_are_written(browser, clean, form):
    clean.sandbox.settings(scopes_as=form)
    assert ended(browser.come_back(approve(clean, begin(browser)))) == ("connected", "outlook")


def test_without_the_calendar_nothing_is_stored(browser, clean):
    clean.sandbox.settings(withheld_scopes=["Calendars.ReadWrite"])
    back = approve(clean, begin(browser))
    assert ended(browser.come_back(back)) == ("error", "scope_missing")
    assert connections(clean) == []


def test_without_a_refresh_token_nothing_is_stored(browser, clean):
    clean.sandbox.settings(code_refresh_token="withheld")
    back = approve(clean, begin(browser))
    assert ended(browser.come_back(back)) == ("error", "no_refresh_token")
    assert connections(clean) == []


def test_an_account_without_a_mailbox_is_not_connected(browser, clean):
    clean.sandbox.fault("MailboxNotEnabledForRESTAPI", match={"path": "/me/calendar"})
    back = approve(clean, begin(browser))
    assert ended(browser.come_back(back)) == ("error", "no_mailbox")
    assert connections(clean) == []


def test_a_person_who_declines_is_told_so(browser, clean):
    back = approve(clean, begin(browser), allow=False)
    assert ended(browser.come_back(back)) == ("error", "denied")


def test_who_needs_the_administrator_is_told_so(browser, clean):
    clean.sandbox.settings(admin_consent=True)
    back = approve(clean, begin(browser))
    assert ended(browser.come_back(back)) == ("error", "admin_consent")


def test_a_callback_may_name_the_tenant_of_its_account_and_no_other(browser, clean):
    template = clean.settings["MICROSOFT_ISSUER"]
    for iss in (template, template.replace("{tenantid}", "common"), "https://accounts.google.com"):
        back = approve(clean, begin(browser))
        check_refused(clean, browser.come_back(changed(back, iss=iss)))
    assert token_calls(clean) == []
    back = approve(clean, begin(browser))
    elsewhere = template.replace("{tenantid}", ELSEWHERE)
    assert ended(browser.come_back(changed(back, iss=elsewhere)))[0] == "error"
    assert connections(clean) == []
    browser.come_back(approve(clean, begin(browser)))
    tenant = connections(clean)[0]["account_id"].split(".")[0]
    back = approve(clean, begin(browser))
    own = template.replace("{tenantid}", tenant)
    assert ended(browser.come_back(changed(back, iss=own))) == ("connected", "outlook")


def test_reconnecting_the_same_account_keeps_the_connection(browser, clean):
    for _ in range(2):
        browser.come_back(approve(clean, begin(browser)))
    assert len(connections(clean)) == 1


# --- tokens ---

def test_a_rotated_token_is_the_one_that_is_used_next(clean, host):
    clean.sandbox.settings(refresh_refresh_token="rotated")
    for _ in range(3):
        expire(clean)
        clean.sandbox.expire_access_tokens(provider="microsoft")
        assert invite(clean, host, inviteeEmails=[]).status == 200
    used = [form_of(call)["refresh_token"] for call in token_calls(clean, "refresh_token")]
    assert len(set(used)) == 3


@pytest.mark.parametrize("code", [70000, 70008, 700082, 50173, 70043, 65001, 50076, 53003])
def test_a_grant_that_is_refused_needs_its_owner(clean, host, code):
    expire(clean)
    clean.sandbox.fault("aadsts", code=code, match=TOKEN)
    answer = invite(clean, host)
    assert (answer.status, answer.json["requiresReauth"]) == (409, True)
    assert connections(clean)[0]["status"] == "reauth_required"
    assert audits(clean, "reauth_required") == ["ok"]


@pytest.mark.parametrize("code", [7000222, 7000215])
def test_a_client_secret_that_is_over_blames_no_owner(clean, host, code):
    expire(clean)
    clean.sandbox.fault("aadsts", code=code, match=TOKEN)
    assert failure(invite(clean, host)) == (500, FAILED, "provider_misconfigured")
    assert connections(clean)[0]["status"] == "active"


@pytest.mark.parametrize("code", [90033, 50033, 70012])
def test_microsofts_weather_blames_nobody(clean, host, code):
    expire(clean)
    clean.sandbox.fault("aadsts", code=code, match={**TOKEN, "count": None})
    assert failure(invite(clean, host)) == (500, FAILED, "provider_error")
    assert connections(clean)[0]["status"] == "active"


def test_a_token_that_is_not_taken_is_renewed_once(clean, host):
    clean.sandbox.fault("unauthorized_once", match=CREATE)
    check_once(clean, invite(clean, host))
    assert len(token_calls(clean, "refresh_token")) == 1


# --- the invite ---

def test_an_invite_becomes_one_event_and_one_mail(clean, host):
    check_once(clean, invite(clean, host))
    assert clean.sandbox.violations() == []


@pytest.mark.parametrize("replay", ["created", "ok", "conflict"])
@pytest.mark.parametrize("fault", [
    {"kind": "store_then_reset"}, {"kind": "backendError", "after": True}, {"kind": "truncate"},
    {"kind": "html", "after": True}, {"kind": "empty", "after": True}, {"kind": "reset"},
    {"kind": "backendError"}], ids=lambda one: "-".join(str(word) for word in one.values()))
def test_whatever_becomes_of_the_answer_a_repetition_makes_one_event(clean, host, fault, replay):
    clean.sandbox.settings(transaction_replay=replay)
    clean.sandbox.fault(**fault, match={**CREATE, "count": 2})
    invite(clean, host, key="k")
    clean.sandbox.clear_faults()
    check_once(clean, invite(clean, host, key="k"))


def lost(clean, host):
    """An invite whose event stands, which its caller does not know."""
    clean.sandbox.settings(transaction_replay="conflict")
    clean.sandbox.fault("store_then_reset", match={**CREATE, "count": None})
    assert invite(clean, host, key="k").status == 500
    clean.sandbox.clear_faults()


def test_an_event_that_a_search_does_not_show_yet_is_not_made_again(clean, host):
    lost(clean, host)
    clean.sandbox.fault("error", status=200, body={"value": []},
                        match={"method": "GET", "path": "/events$", "count": None})
    assert failure(invite(clean, host, key="k")) == (500, FAILED, "provider_error")
    assert rows(clean)[0]["state"] == "unsure" and len(events(clean)) == 1
    clean.sandbox.clear_faults()
    check_once(clean, invite(clean, host, key="k"))


def test_an_event_that_was_deleted_by_hand_long_ago_is_made_again(clean, host):
    lost(clean, host)
    gone, = events(clean)
    clean.sandbox.delete_event(WORK, gone["sandbox"]["immutableId"], provider="microsoft")
    assert invite(clean, host, key="k").status == 500 and events(clean) == []
    # a claim's token begins with its time
    clean.sql("UPDATE calendar_event_mappings "
              "SET claim_token = CONCAT(UNHEX('010000000000'), SUBSTRING(claim_token, 7))")
    answer = invite(clean, host, key="k")
    event, = events(clean)
    assert answer.json["calendarEventId"] == event["sandbox"]["immutableId"]
    assert [(row["state"], row["generation"]) for row in rows(clean)] == [("placed", 1)]


@pytest.mark.parametrize("stands", [True, False])
def test_what_nobody_repeats_is_settled_by_a_look(clean, host, stands):
    clean.sandbox.fault("backendError", after=stands, match={**CREATE, "count": None})
    assert invite(clean, host).status == 500
    clean.sandbox.clear_faults()
    settle(clean)
    row, = rows(clean)
    assert row["state"] == ("placed" if stands else "refused")
    assert len(events(clean)) == int(stands)
