"""Consent and tokens, one rule for every provider."""

import pytest

from calls import ACCOUNT, OTHER_ACCOUNT, Calendar
from sides import SIDES


@pytest.fixture
def person(hands, side, sandbox):
    """One whose calendar nobody has connected yet."""
    return Calendar(hands, side, sandbox)


def test_every_provider_is_in_this_suite_and_can_what_it_says(hands):
    told = hands.ask(call="providers").providers
    calls = set().union(*told.values(), *(side.cannot for side in SIDES))
    assert told.keys() == {side.name for side in SIDES}
    assert {side.name: calls - set(told[side.name]) for side in SIDES} \
        == {side.name: set(side.cannot) for side in SIDES}


def test_a_code_becomes_tokens_that_are_good_for_the_calendar(person):
    told = person.ask("exchange", code=person.code(), verifier=person.verifier)
    assert told.error == "ok"
    assert told.grant["refresh"] and told.grant["suffices"]
    assert 0 < told.grant["expires_in_s"] <= 86400
    person.access = told.grant["access"]
    assert person.list().error == "ok"


def test_who_consented_is_known_by_what_never_changes(person):
    told = {}
    for account in (ACCOUNT, OTHER_ACCOUNT, ACCOUNT):
        person.account = account
        exchanged = person.ask("exchange", code=person.code(), verifier=person.verifier)
        who = person.ask("account", access=exchanged.grant["access"], **exchanged.account)
        assert who.error == "ok" and who.account["email"] == account
        assert told.setdefault(account, who.account["id"]) == who.account["id"]
    assert told[ACCOUNT] != told[OTHER_ACCOUNT]


def test_a_code_is_good_once(person):
    code = person.code()
    assert person.ask("exchange", code=code, verifier=person.verifier).error == "ok"
    assert person.ask("exchange", code=code, verifier=person.verifier).error == "provider_refused"


def test_a_code_is_good_for_who_asked_for_it(person):
    code = person.code()
    told = person.ask("exchange", code=code, verifier="x" * 64)
    assert told.error == "provider_refused" and not hasattr(told, "grant")


def test_a_code_that_was_never_given_is_refused(person):
    assert person.ask("exchange", code="4/0Anever", verifier="x" * 64).error == "provider_refused"


def test_a_consent_without_the_calendar_does_not_suffice(person):
    person.sandbox.settings(withheld_scopes=[person.side.scope])
    told = person.ask("exchange", code=person.code(), verifier=person.verifier)
    assert told.error in ("provider_refused", "scope_missing") or not told.grant["suffices"]


def test_a_refresh_brings_a_token_that_is_good(calendar):
    calendar.sandbox.expire_access_tokens(ACCOUNT, provider=calendar.side.hands)
    assert calendar.list().error == "token_not_accepted"
    told = calendar.ask("refresh", refresh=calendar.refresh)
    assert told.error == "ok" and 0 < told.grant["expires_in_s"] <= 86400
    calendar.access = told.grant["access"]
    assert calendar.list().error == "ok"


def test_a_refresh_token_that_is_replaced_comes_with_the_answer(calendar):
    calendar.sandbox.settings(refresh_refresh_token="rotated")
    told = calendar.ask("refresh", refresh=calendar.refresh)
    assert told.error == "ok"
    assert told.grant["refresh"] not in ("", calendar.refresh)
    assert calendar.ask("refresh", refresh=told.grant["refresh"]).error == "ok"


@pytest.mark.parametrize("how", ["withheld", "empty", "null"])
def test_a_refresh_token_that_does_not_come_leaves_the_old_one(calendar, how):
    calendar.sandbox.settings(refresh_refresh_token=how)
    for _ in range(2):
        told = calendar.ask("refresh", refresh=calendar.refresh)
        assert (told.error, told.grant["refresh"]) == ("ok", "")


def test_only_a_refused_grant_asks_for_consent_again(calendar):
    calendar.sandbox.revoke_grant(ACCOUNT, provider=calendar.side.hands)
    for _ in range(2):
        told = calendar.ask("refresh", refresh=calendar.refresh)
        assert told.error == "reauth_required" and not hasattr(told, "grant")


@pytest.mark.parametrize("fault, wanted", [
    ({"kind": "invalid_grant"}, "reauth_required"),
    ({"kind": "invalid_client"}, "provider_misconfigured"),
    ({"kind": "too_many_requests", "retry_after": 17}, "provider_rate_limited"),
    ({"kind": "backendError"}, "provider_error"),
    ({"kind": "error", "status": 500, "body": ""}, "provider_error"),
    ({"kind": "error", "status": 400, "body": "<html>invalid_grant"}, "provider_error"),
    ({"kind": "html"}, "provider_error"),
    ({"kind": "empty"}, "provider_error"),
    ({"kind": "truncate"}, "provider_error"),
    ({"kind": "truncate", "form": "chunked"}, "provider_error"),
    ({"kind": "huge"}, "provider_error"),
    ({"kind": "redirect"}, "provider_error"),
    ({"kind": "reset"}, "provider_error"),
], ids=lambda one: "-".join(str(value) for value in one.values()) if isinstance(one, dict) else one)
def test_a_refresh_tells_owner_application_and_weather_apart(calendar, fault, wanted):
    calendar.fault(path=calendar.side.token, count=None, **fault)
    told = calendar.ask("refresh", refresh=calendar.refresh)
    assert told.error == wanted and not hasattr(told, "grant")
    assert told.retry_after_s == (17 if "retry_after" in fault else 0) \
        or wanted == "provider_error"
    assert calendar.refresh not in told.detail
    calendar.sandbox.clear_faults()
    assert calendar.ask("refresh", refresh=calendar.refresh).error == "ok"


@pytest.mark.parametrize("fault, wanted", [
    ({"kind": "invalid_client"}, "provider_misconfigured"),
    ({"kind": "backendError"}, "provider_error"),
    ({"kind": "html"}, "provider_error"),
    ({"kind": "truncate"}, "provider_error"),
    ({"kind": "reset"}, "provider_error"),
], ids=lambda one: one["kind"] if isinstance(one, dict) else one)
def test_a_code_is_never_sent_twice_whatever_becomes_of_it(person, fault, wanted):
    code = person.code()
    person.fault(path=person.side.token, count=None, **fault)
    assert person.ask("exchange", code=code, verifier=person.verifier).error == wanted
    assert len(person.sandbox.requests(person.side.token)) == 1


@pytest.mark.parametrize("call", ["exchange", "refresh"])
def test_a_token_endpoint_that_does_not_answer_is_not_waited_for(calendar, call):
    code = calendar.code()
    calendar.fault("hold", path=calendar.side.token, count=None)
    told = calendar.ask(call, code=code, verifier=calendar.verifier, refresh=calendar.refresh,
                        deadline_ms=300)
    assert told.error == "provider_timeout"
    calendar.sandbox.release()


def can_revoke(side):
    return "revoke" not in side.cannot


@pytest.mark.where(fits=can_revoke)
def test_what_is_given_back_is_good_for_nothing_any_more(calendar):
    for _ in range(2):
        assert calendar.ask("revoke", refresh=calendar.refresh).error == "ok"
    assert calendar.ask("refresh", refresh=calendar.refresh).error == "reauth_required"
    assert calendar.list().error == "token_not_accepted"


@pytest.mark.where(fits=can_revoke)
@pytest.mark.parametrize("fault, wanted", [
    ("backendError", "provider_error"), ("html", "provider_error"), ("reset", "provider_error"),
    ("too_many_requests", "provider_rate_limited"), ("hold", "provider_timeout"),
])
def test_what_is_not_taken_back_for_sure_is_not_given_back(calendar, fault, wanted):
    calendar.fault(fault, path="revoke$", count=None)
    assert calendar.ask("revoke", refresh=calendar.refresh, deadline_ms=1000).error == wanted
    calendar.sandbox.clear_faults()
    calendar.sandbox.release()
    assert calendar.ask("revoke", refresh=calendar.refresh).error == "ok"
