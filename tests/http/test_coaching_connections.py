"""GET .../connections/{coachId}: what a coach has connected, and never a token."""

import json
import re

import pytest
from consent import (ACCOUNT, CONNECTIONS, HOST, OTHER_ACCOUNT, Browser, connections, ended, expire,
                     living)
from flows import failure, invite, new_key, sign_in

COACH = "coach-1"
FIELDS = {"id", "provider", "accountEmail", "calendarId", "calendarName", "status", "statusSince",
          "connectedAt", "isDefault", "lastError"}


def shown(stack, headers, coach=HOST):
    answer = stack.request("GET", CONNECTIONS + coach, headers=headers)
    assert answer.status == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert set(answer.json) == {"connections"}
    return answer.json["connections"]


@pytest.fixture
def two(clean, bearer):
    """A host with two accounts, the first his default; and his credential."""
    browser = Browser(clean, bearer(HOST))
    browser.connect(ACCOUNT)
    assert ended(browser.decide(browser.connect(OTHER_ACCOUNT), "yes"))[0] == "connected"
    return bearer(HOST)


def test_who_has_connected_nothing_sees_an_empty_list(clean, bearer):
    assert shown(clean, bearer("nobody-yet"), "nobody-yet") == []
    assert clean.sql("SELECT * FROM owners") == []


def test_each_connection_is_told_with_its_account_and_status(stack, two):
    first, second = shown(stack, two)
    assert FIELDS <= set(first) and set(first) == set(second)
    assert [one["accountEmail"] for one in (first, second)] == [ACCOUNT, OTHER_ACCOUNT]
    assert [one["isDefault"] for one in (first, second)] == [True, False]
    for one, row in zip((first, second), connections(stack)):
        assert re.fullmatch(r"[0-9a-v]{26}", one["id"])
        assert (one["provider"], one["calendarId"], one["status"]) == ("google", "primary",
            "active")
        assert (one["calendarName"], one["lastError"]) == (None, None)
        assert one["connectedAt"] == row["connected_at"].isoformat(timespec="milliseconds") + "Z"
        assert one["statusSince"] == row["status_since"].isoformat(timespec="milliseconds") + "Z"


def test_no_token_and_no_inner_id_is_ever_told(stack, two):
    text = json.dumps(shown(stack, two))
    for secret in (*living(stack), connections(stack)[0]["account_id"]):
        assert secret not in text
    assert not re.search("token|lease|sub|tenant", text, re.I)


def test_what_was_refused_is_told_as_such(stack, two):
    stack.sandbox.revoke_grant(ACCOUNT)
    expire(stack)
    assert invite(stack, two).status == 409
    first, second = shown(stack, two)
    assert (first["status"], first["lastError"]) == ("reauth_required", "reauth_required")
    assert first["statusSince"] > first["connectedAt"]
    assert (second["status"], second["lastError"]) == ("active", None)


def test_a_failure_that_passes_is_told_and_forgotten(stack, two):
    stack.sandbox.fault("backendError", match={"path": "/google/token", "count": None})
    expire(stack)
    assert invite(stack, two).status == 500
    first, _ = shown(stack, two)
    assert (first["status"], first["lastError"]) == ("active", "provider_error")
    stack.sandbox.clear_faults()
    stack.sql("UPDATE coach_calendar_connections SET refresh_retry_at = UTC_TIMESTAMP(3)")
    assert invite(stack, two).status == 200
    assert shown(stack, two)[0]["lastError"] is None


def test_what_was_disconnected_is_not_shown(stack, two):
    stack.sql("UPDATE coach_calendar_connections SET status = 'disconnected' "
              "WHERE account_email = %s", (ACCOUNT,))
    assert [one["accountEmail"] for one in shown(stack, two)] == [OTHER_ACCOUNT]


def test_another_coachs_are_not_there(stack, two, bearer):
    shown(stack, bearer(COACH), COACH)
    told = {failure(stack.request("GET", CONNECTIONS + name, headers=bearer(COACH)))
            for name in (HOST, "made-up")}
    assert len(told) == 1 and told.pop()[::2] == (404, "not_found")


@pytest.mark.parametrize("who", ["token", "session", "key"])
def test_an_admin_sees_every_coachs(stack, two, bearer, jwt, who):
    headers = {"token": lambda: bearer("boss", role="admin"),
               "session": lambda: sign_in(stack, jwt("boss", role="admin")),
               "key": lambda: new_key(stack, scope="admin")}[who]()
    assert len(shown(stack, headers)) == 2
    answer = stack.request("GET", CONNECTIONS + "made-up", headers=headers)
    assert failure(answer)[::2] == (404, "not_found")


@pytest.mark.parametrize("scope", ["events", "appointments", "connectors"])
def test_a_key_needs_the_admin_scope(stack, two, scope):
    answer = stack.request("GET", CONNECTIONS + HOST, headers=new_key(stack, scope=scope))
    assert failure(answer)[::2] == (403, "forbidden")


def test_without_a_credential_nothing_is_told(stack, two, address):
    answer = stack.request("GET", CONNECTIONS + HOST, source=address,
                           headers={"Origin": stack.public.url})
    assert failure(answer)[::2] == (401, "unauthorized")


def test_reading_changes_nothing(stack, two):
    before = {table: stack.sql(f"SELECT * FROM `{table}`") for table in stack.schema.tables()}
    for method in ("GET", "HEAD"):
        assert stack.request(method, CONNECTIONS + HOST, headers=two).status == 200
    assert before == {table: stack.sql(f"SELECT * FROM `{table}`")
                      for table in stack.schema.tables()}


@pytest.mark.parametrize("coach", ["%00", "%2e%2e", "..", ".", "a%2fb", "%zz", "x" * 129, "a%0ab",
                                   "%ff", "a//b", "", "a%20b", "'%20OR%201=1"])
def test_what_is_no_id_is_not_there(stack, clean, bearer, address, coach):
    answer = clean.public.raw(
        f"GET {CONNECTIONS}{coach} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Authorization: {bearer('boss', role='admin')['Authorization']}\r\n\r\n".encode(),
        source=address)
    assert answer.status in (400, 404) and set(answer.json) == {"error", "code", "requestId"}


@pytest.mark.parametrize("coach, sent", [("a|b:c+d@x", "a%7Cb:c+d@x"), ("~._-", "~._-"),
                                         ("x" * 128, "x" * 128), ("a@b", "%61%40%62")])
def test_every_id_a_client_may_have_is_understood(clean, bearer, coach, sent):
    assert shown(clean, bearer(coach), sent) == []
