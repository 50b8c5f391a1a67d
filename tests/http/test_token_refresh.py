"""One refresh at a time over all processes, and what becomes of the connection when it fails."""

import json
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs

import pytest
from conftest import make_jwt, running
from consent import (ACCOUNT, CONNECTIONS, HOST, OTHER_ACCOUNT, Browser, audits, bearer_of,
                     connections, ended, expire, living, token_calls)
from flows import (FAILED, INVITE, calls, check_once, connect, events, failure, inserts, invite,
                   refreshes, wanted)
from stack import figures
from stack.crowd import SIZE, Crowd, request
from stack.processes import wait_for

TOKEN = {"path": "^/google/token$"}
ALWAYS = {**TOKEN, "count": None}
ROUNDS = figures.size(300, 10)
PROVIDER_MS = 200       # what the token endpoint takes
WAITER_S = 0.25         # what the slowest waiter may take beyond that
COACH = "coach-1"


@pytest.fixture
def host(clean, bearer):
    """The host's credential, when his calendar is connected and its access token has run out."""
    connect(clean, bearer(HOST))
    expire(clean)
    clean.sandbox.reset()
    return bearer(HOST)


def row(stack):
    one, = connections(stack)
    return one


def due(stack):
    """The time to try again has come."""
    stack.sql("UPDATE coach_calendar_connections SET refresh_retry_at = UTC_TIMESTAMP(3)")


def used_refresh_tokens(stack):
    """The refresh tokens that were sent, in order."""
    return [parse_qs(one["body"])["refresh_token"][0] for one in token_calls(stack,
        "refresh_token")]


# --- what a good one does ---

def test_an_expired_token_is_refreshed_once_and_kept(stack, host):
    for _ in range(3):
        assert invite(stack, host).status == 200
    assert refreshes(stack) == 1
    assert {bearer_of(one) for one in inserts(stack)} == {living(stack)[1]}


def test_a_token_that_lives_is_not_refreshed(clean, bearer):
    connect(clean, bearer(HOST))
    check_once(clean, invite(clean, bearer(HOST)))
    assert refreshes(clean) == 0


@pytest.mark.parametrize("left_s, calls_made", [(120, 0), (30, 1), (1, 1), (-3600, 1)])
def test_it_is_refreshed_before_it_dies(stack, host, left_s, calls_made):
    invite(stack, host)
    stack.sql("UPDATE coach_calendar_connections SET access_expires_at = "
              "UTC_TIMESTAMP(3) + INTERVAL %s SECOND", (left_s,))
    stack.sandbox.reset()
    assert invite(stack, host).status == 200
    assert refreshes(stack) == calls_made


def test_the_call_carries_its_secrets_in_the_body_alone(stack, host):
    invite(stack, host)
    call, = token_calls(stack)
    form = {name: values for name, values in parse_qs(call["body"], strict_parsing=True).items()}
    assert form == {"grant_type": ["refresh_token"], "refresh_token": [living(stack)[0]],
                    "client_id": [stack.settings["GOOGLE_CLIENT_ID"]],
                    "client_secret": [stack.settings["GOOGLE_CLIENT_SECRET"]]}
    assert call["query_string"] == "" and "authorization" not in call["headers"]
    assert stack.sandbox.violations() == []


def test_the_lease_is_free_afterwards(stack, host):
    before = row(stack)
    invite(stack, host)
    after = row(stack)
    assert (after["lease_owner"], after["lease_until"], after["refresh_error"]) == (None, None,
        None)
    assert after["token_version"] == before["token_version"] + 1


def test_two_accounts_never_mix(clean, bearer):
    people = {HOST: ACCOUNT, COACH: OTHER_ACCOUNT}
    for owner, account in people.items():
        connect(clean, bearer(owner), owner, account)
    expire(clean)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda i: invite(clean, bearer(tuple(people)[i % 2]),
                                                 title=f"Call {i}", inviteeEmails=[]), range(32)))
    assert {answer.status for answer in answers} == {200}
    assert refreshes(clean) == 2
    assert [len(events(clean, account)) for account in people.values()] == [16, 16]


# --- many at once ---

@pytest.fixture(scope="module")
def wide():
    """A stack with as many threads as production has."""
    for one in running(parts=("mariadb", "sandbox", "nginx", "fcgi"),
                       settings={"THREADS": "256", "WORKERS": "2", "LOG_LEVEL": "info"}):
        one.schema.remember()
        yield one
        assert one.sanitizer_reports() == []


@pytest.fixture(scope="module")
def crowd(wide):
    with Crowd(wide) as clients:
        yield clients


@pytest.fixture
def many(wide):
    """A credential that outlasts the rounds, on clean tables, with a calendar connected."""
    wide.schema.clean()
    wide.reset_sandbox()
    token = make_jwt(wide.settings["JWT_SECRET"], {"sub": HOST, "exp": int(time.time()) + 7200})
    headers = {"Authorization": f"Bearer {token}"}
    connect(wide, headers)
    wide.sandbox.reset()
    return headers


def invites(headers, name):
    """A request for each client, no two of them the same."""
    return [request("POST", INVITE, headers, wanted(title=f"{name}, caller {i}", inviteeEmails=[]))
            for i in range(SIZE)]


def outcomes(replies):
    return Counter((one.status, one.json.get("code")) for one in replies)


def test_a_thousand_callers_on_an_expired_token_cost_one_call_and_all_are_served(wide, crowd, many):
    expire(wide)
    wide.sandbox.fault("slow", match=TOKEN, ms=PROVIDER_MS)
    replies = crowd.ask(invites(many, "First"))
    assert outcomes(replies) == {(200, None): SIZE}
    assert refreshes(wide) == 1
    assert Counter(bearer_of(one) for one in inserts(wide)) == {living(wide)[1]: SIZE}
    assert len(events(wide)) == SIZE


def test_it_is_one_call_in_every_round(wide, crowd, many):
    # The calendar refuses, which is quicker than a thousand events a round; the tokens are real.
    slowest = []
    for i in range(ROUNDS):
        wide.sandbox.reset()
        expire(wide)
        wide.sandbox.fault("slow", match=TOKEN, ms=PROVIDER_MS)
        wide.sandbox.fault("error", match={"path": "/events$", "count": None}, status=400,
                           reason="invalid", message="Bad Request")
        replies = crowd.ask(invites(many, f"Round {i}"))
        assert outcomes(replies) == {(500, "provider_refused"): SIZE}
        assert refreshes(wide) == 1, f"round {i}"
        assert Counter(bearer_of(one) for one in inserts(wide)) == {living(wide)[1]: SIZE}
        slowest.append(max(one.seconds for one in replies))
    figures.check_time(f"slowest of {SIZE} who wait for a token, in {ROUNDS} rounds", slowest,
                       PROVIDER_MS / 1000 + WAITER_S)


def test_a_refused_grant_costs_one_call_and_then_none(wide, crowd, many):
    expire(wide)
    wide.sandbox.fault("invalid_grant", match=ALWAYS)
    for name in ("First", "Second"):
        replies = crowd.ask(invites(many, name))
        assert outcomes(replies) == {(409, "reauth_required"): SIZE}
        assert {one.json["requiresReauth"] for one in replies} == {True}
        assert refreshes(wide) == 1
    assert calls(wide) == [] and audits(wide, "reauth_required") == ["ok"]


@pytest.mark.parametrize("kind", ["backendError", "reset", "html"])
def test_weather_costs_two_calls_and_then_none_until_it_is_due(wide, crowd, many, kind):
    expire(wide)
    wide.sandbox.fault(kind, match=ALWAYS)
    for name in ("First", "Second"):
        replies = crowd.ask(invites(many, name))
        assert outcomes(replies) == {(500, "provider_error"): SIZE}
        # a read that began before the note was written counts from before it
        assert {1 <= int(one.headers["retry-after"]) <= 31 for one in replies} == {True}
        assert refreshes(wide) == 2
    assert row(wide)["status"] == "active"
    wide.sandbox.clear_faults()
    due(wide)
    assert outcomes(crowd.ask(invites(many, "Third"))) == {(200, None): SIZE}
    assert refreshes(wide) == 3


def test_a_thousand_who_meet_a_401_refresh_once(wide, crowd, many):
    wide.sandbox.expire_access_tokens()
    replies = crowd.ask(invites(many, "First"))
    assert outcomes(replies) == {(200, None): SIZE}
    assert refreshes(wide) == 1 and len(events(wide)) == SIZE


# --- a refused grant ---

@pytest.mark.parametrize("body", [
    {"error": "invalid_grant", "error_description": "Token has been expired or revoked."},
    {"error": "invalid_grant", "error_description": "Bad Request"},
    {"error": "invalid_grant", "error_subtype": "invalid_rapt"}, {"error": "invalid_grant"}],
    ids=str)
def test_a_refused_grant_clears_both_tokens_and_asks_for_consent(stack, host, body):
    stack.sandbox.fault("error", match=ALWAYS, status=400, body=body)
    for _ in range(3):
        answer = invite(stack, host)
        assert failure(answer)[::2] == (409, "reauth_required")
        assert answer.json["requiresReauth"] is True
        assert answer.json["connectUrl"].startswith(stack.public.url + "/")
    kept = row(stack)
    assert (kept["status"], kept["access_token"], kept["refresh_token"]) == (
        "reauth_required", None, None)
    assert refreshes(stack) == 1 and calls(stack) == []
    assert audits(stack, "reauth_required") == ["ok"]


def test_a_grant_that_was_taken_back_is_found_out_by_the_next_call(clean, bearer):
    connect(clean, bearer(HOST))
    clean.sandbox.revoke_grant(ACCOUNT)
    clean.sandbox.reset()
    assert failure(invite(clean, bearer(HOST)))[2] == "reauth_required"
    assert (refreshes(clean), len(inserts(clean))) == (1, 1)
    assert row(clean)["access_token"] is None


def test_one_owners_refused_grant_is_not_anothers(stack, host, bearer):
    connect(stack, bearer(COACH), COACH, OTHER_ACCOUNT)
    stack.sandbox.revoke_grant(ACCOUNT)
    assert failure(invite(stack, host))[2] == "reauth_required"
    assert invite(stack, bearer(COACH)).status == 200


TOKENS = ("access_token", "refresh_token")


def rewrite_tokens(stack, change):
    """The stored tokens, changed: what stands there then."""
    kept = {column: change(row(stack)[column]) for column in TOKENS}
    for column, blob in kept.items():
        assert stack.sql(f"UPDATE coach_calendar_connections SET {column} = %s", (blob,)) == 1
    return kept


def kept_tokens(stack):
    return {column: row(stack)[column] for column in TOKENS}


def test_damaged_tokens_ask_for_consent_and_are_kept(stack, host):
    damaged = rewrite_tokens(stack, lambda blob: blob[:-1] + bytes([blob[-1] ^ 1]))
    assert failure(invite(stack, host))[2] == "reauth_required"
    assert token_calls(stack) == []
    assert audits(stack, "token_unreadable") == ["unreadable_secret"]
    assert (row(stack)["status"], kept_tokens(stack)) == ("reauth_required", damaged)


@pytest.mark.parametrize("left_s", [-60, 600])
def test_a_key_that_the_ring_lacks_costs_no_token(stack, host, left_s):
    """The format is one byte, the key's number the four behind it."""
    good = kept_tokens(stack)
    rewrite_tokens(stack, lambda blob: blob[:1] + (77).to_bytes(4, "big") + blob[5:])
    stack.sql("UPDATE coach_calendar_connections SET access_expires_at = "
              "UTC_TIMESTAMP(3) + INTERVAL %s SECOND", (left_s,))
    for _ in range(2):
        assert failure(invite(stack, host))[::2] == (500, "unreadable_secret")
    now = row(stack)
    assert now["status"] == "active" and now["lease_owner"] is None
    assert audits(stack, "reauth_required") == []
    rewrite_tokens(stack, lambda blob: blob[:1] + good["access_token"][1:5] + blob[5:])
    assert kept_tokens(stack) == good
    expire(stack)
    check_once(stack, invite(stack, host))     # the key is back, nobody has to wait


# --- our own secret refused ---

@pytest.mark.parametrize("status, error", [
    (401, "invalid_client"), (400, "invalid_client"), (401, "unauthorized_client"),
    (401, "deleted_client"), (403, "disabled_client")])
def test_a_refused_application_pauses_the_provider_for_all_and_blames_no_owner(
        stack, host, bearer, status, error):
    connect(stack, bearer(COACH), COACH, OTHER_ACCOUNT)
    expire(stack)
    stack.sandbox.reset()
    stack.sandbox.fault("error", match=ALWAYS, status=status, body={"error": error})
    for headers in (host, bearer(COACH), host, bearer(COACH)):
        answer = invite(stack, headers)
        assert failure(answer) == (500, FAILED, "provider_misconfigured")
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert refreshes(stack) == 1 and calls(stack) == []
    for owner in (HOST, COACH):
        kept, = connections(stack, owner)
        assert kept["status"] == "active" and kept["refresh_token"]
    assert audits(stack, "reauth_required") == []
    alert = [line for line in stack.log_lines()
             if line.get("event") == "provider_misconfigured" and line["level"] == "error"]
    assert alert and "google" in json.dumps(alert)


def throttle(stack, subject):
    """The provider, or one account there, wants to be left alone for a minute."""
    stack.sql("INSERT INTO provider_limits (subject, paused_until, reason, updated_at) VALUES "
              "(%s, UTC_TIMESTAMP(3) + INTERVAL 60 SECOND, 'provider_rate_limited', "
              "UTC_TIMESTAMP(3))", (subject,))


def end_pause(stack):
    stack.sql("UPDATE provider_limits SET paused_until = UTC_TIMESTAMP(3)")
    due(stack)


def test_a_mended_application_works_again_when_the_pause_is_over(stack, host):
    stack.sandbox.fault("invalid_client", match=TOKEN)
    assert failure(invite(stack, host))[2] == "provider_misconfigured"
    end_pause(stack)
    assert invite(stack, host).status == 200


def test_an_application_that_is_still_refused_is_paused_again(stack, host):
    stack.sandbox.fault("invalid_client", match=ALWAYS)
    for asked in (1, 2, 3):
        assert failure(invite(stack, host))[2] == "provider_misconfigured"
        assert refreshes(stack) == asked
        end_pause(stack)


def test_a_consent_that_works_ends_the_pause_at_once(stack, host, bearer):
    stack.sandbox.fault("invalid_client", match=TOKEN)
    assert failure(invite(stack, host))[2] == "provider_misconfigured"
    connect(stack, bearer(COACH), COACH, OTHER_ACCOUNT)
    assert stack.sql("SELECT * FROM provider_limits WHERE paused_until IS NOT NULL") == []
    assert invite(stack, bearer(COACH), title="Another").status == 200


def test_a_consent_that_works_does_not_end_a_pause_for_want_of_patience(stack, host, bearer):
    throttle(stack, "google")
    connect(stack, bearer(COACH), COACH, OTHER_ACCOUNT)
    assert failure(invite(stack, bearer(COACH)))[2] == "provider_rate_limited"


def paused(stack):
    """What /metrics says of paused providers: {reason: value}."""
    text = stack.request("GET", "/metrics").text
    assert text.count("# TYPE calbridge_provider_paused gauge") == 1
    return {reason: int(value) for reason, value in re.findall(
        r'^calbridge_provider_paused\{provider="google",reason="(\w+)"\} (\d)$', text, re.M)}


def errors(stack, headers, owner):
    told = stack.request("GET", CONNECTIONS + owner, headers=headers).json["connections"]
    return [one["lastError"] for one in told]


def test_a_refused_application_is_told_to_operators_and_every_owner_until_it_works(
        stack, host, bearer):
    connect(stack, bearer(COACH), COACH, OTHER_ACCOUNT)
    assert paused(stack) == {"provider_misconfigured": 0}
    expire(stack)
    stack.sandbox.fault("invalid_client", match=ALWAYS)
    invite(stack, host)
    for _ in range(2):  # and the second time with the pause over: nobody knows yet that it works
        assert paused(stack) == {"provider_misconfigured": 1}
        assert "provider_misconfigured" in stack.cli("status")
        for headers, owner in ((host, HOST), (bearer(COACH), COACH)):
            assert errors(stack, headers, owner) == ["provider_misconfigured"]
        end_pause(stack)
    stack.sandbox.clear_faults()
    assert invite(stack, bearer(COACH), title="Another").status == 200
    assert paused(stack) == {"provider_misconfigured": 0}
    for headers, owner in ((host, HOST), (bearer(COACH), COACH)):
        assert errors(stack, headers, owner) == [None]
    assert "info" in [line["level"] for line in stack.log_lines()
                      if line.get("event") == "provider_works_again"]


def test_other_pauses_are_measured_while_they_last_and_a_connections_are_not(stack, host):
    throttle(stack, "google")
    throttle(stack, "google:0123")
    assert paused(stack) == {"provider_misconfigured": 0, "provider_rate_limited": 1}
    assert "google:0123" not in stack.request("GET", "/metrics").text
    assert errors(stack, host, HOST) == ["provider_rate_limited"]
    stack.sql("UPDATE provider_limits SET paused_until = UTC_TIMESTAMP(3)")
    assert paused(stack) == {"provider_misconfigured": 0}
    assert errors(stack, host, HOST) == [None]


def test_with_the_database_away_the_counters_are_still_there(stack, clean):
    stack.mariadb.kill()
    try:
        answer = stack.request("GET", "/metrics")
        assert answer.status == 200 and "calbridge_requests_total" in answer.text
        assert "calbridge_provider_paused" not in answer.text
    finally:
        stack.mariadb.start()


# --- weather ---

WEATHER = {
    "500": ({"kind": "error", "status": 500}, "provider_error"),
    "502 as HTML": ({"kind": "html", "status": 502}, "provider_error"),
    "503": ({"kind": "backendError"}, "provider_error"),
    "HTML with 200": ({"kind": "html"}, "provider_error"),
    "nothing": ({"kind": "empty"}, "provider_error"),
    "10 MB": ({"kind": "huge"}, "provider_error"),
    "half of it": ({"kind": "truncate"}, "provider_error"),
    "half of it in chunks": ({"kind": "truncate", "form": "chunked"}, "provider_error"),
    "a reset": ({"kind": "reset"}, "provider_error"),
    "a redirect": ({"kind": "redirect", "location": "https://evil.example/token"},
                   "provider_error"),
    "408": ({"kind": "error", "status": 408, "body": ""}, "provider_error"),
    "400 without an error": ({"kind": "error", "status": 400, "body": "no"}, "provider_error"),
    "invalid_grant with 500": ({"kind": "error", "status": 500, "body": {"error": "invalid_grant"}},
                               "provider_error"),
    "an error with 200": ({"kind": "error", "status": 200, "body": {"error": "invalid_grant"}},
                          "provider_error"),
    "no token": ({"kind": "error", "status": 200, "body": {"expires_in": 3599}}, "provider_error"),
    "an empty token": ({"kind": "error", "status": 200, "body": {"access_token": ""}},
                       "provider_error"),
    "a list": ({"kind": "error", "status": 200, "body": [1]}, "provider_error"),
    "a member twice": ({"kind": "error", "status": 200, "headers": {
        "Content-Type": "application/json"}, "body": '{"access_token":"a","access_token":"b"}'},
        "provider_error"),
    "server_error": ({"kind": "error", "status": 400, "body": {"error": "server_error"}},
                     "provider_error"),
}


@pytest.mark.parametrize("how", WEATHER)
def test_weather_is_tried_twice_and_then_held_off(stack, host, how):
    fault, code = WEATHER[how]
    stack.sandbox.fault(fault["kind"], match=ALWAYS,
                        **{name: value for name, value in fault.items() if name != "kind"})
    for _ in range(3):
        answer = invite(stack, host)
        assert failure(answer) == (500, FAILED, code)
        assert 25 <= int(answer.headers["Retry-After"]) <= 30
    kept = row(stack)
    assert (kept["status"], kept["refresh_error"], kept["lease_owner"]) == ("active", code, None)
    assert kept["refresh_token"] and refreshes(stack) == 2 and calls(stack) == []
    assert audits(stack, "refresh_failed") == [code]
    stack.sandbox.clear_faults()
    due(stack)
    check_once(stack, invite(stack, host))


def test_one_fault_is_repeated_at_once_and_not_seen(stack, host):
    for kind in ("reset", "backendError", "html"):
        stack.sandbox.reset()
        expire(stack)
        stack.sandbox.fault(kind, match=TOKEN)
        assert invite(stack, host, title=f"After {kind}").status == 200
        assert refreshes(stack) == 2


def test_a_provider_that_does_not_answer_is_told_as_slow(stack, host):
    stack.reconfigure(REFRESH_LEASE_S="1")
    try:
        stack.sandbox.fault("hold", match=ALWAYS)
        answer = invite(stack, host)
        assert failure(answer) == (500, FAILED, "provider_timeout")
        assert refreshes(stack) == 2 and answer.seconds < 10
        assert failure(invite(stack, host))[2] == "provider_timeout"
        assert refreshes(stack) == 2
    finally:
        stack.reconfigure(REFRESH_LEASE_S=None)


def test_a_provider_out_of_reach_is_told_as_such(stack, host):
    stack.sandbox_service.stop()
    try:
        answer = invite(stack, host)
        assert answer.status == 500
        assert answer.json["code"] in ("provider_unreachable", "provider_error")
    finally:
        stack.start_sandbox()
    due(stack)
    assert invite(stack, host).status == 200


def test_the_provider_may_ask_for_longer(stack, host):
    stack.sandbox.fault("too_many_requests", match=ALWAYS, retry_after=90)
    for _ in range(2):
        answer = invite(stack, host)
        assert failure(answer) == (500, FAILED, "provider_rate_limited")
        assert 85 <= int(answer.headers["Retry-After"]) <= 90
    assert refreshes(stack) == 1, "what asks for fewer requests is not asked again at once"


def test_the_time_to_hold_off_is_a_setting(stack, host):
    stack.reconfigure(REFRESH_HOLDOFF_S="2")
    try:
        stack.sandbox.fault("backendError", match={**TOKEN, "count": 2})
        answer = invite(stack, host)
        assert answer.status == 500 and answer.headers["Retry-After"] == "2"
        wait_for(lambda: invite(stack, host).status == 200, what="the next try")
        assert refreshes(stack) == 3
    finally:
        stack.reconfigure(REFRESH_HOLDOFF_S=None)


def test_a_token_that_still_lives_is_used_while_a_refresh_is_held_off(stack, host):
    invite(stack, host)
    stack.sql("UPDATE coach_calendar_connections SET access_expires_at = "
              "UTC_TIMESTAMP(3) + INTERVAL 40 SECOND")
    stack.sandbox.reset()
    stack.sandbox.fault("backendError", match=ALWAYS)
    invite(stack, host)
    for _ in range(3):
        assert invite(stack, host).status == 200
    assert refreshes(stack) == 2


def test_weather_at_one_account_holds_off_no_other(stack, host, bearer):
    connect(stack, bearer(COACH), COACH, OTHER_ACCOUNT)
    stack.sandbox.fault("backendError", match={**ALWAYS, "account": ACCOUNT})
    assert invite(stack, host).status == 500
    assert invite(stack, bearer(COACH)).status == 200


# --- what the answer says ---

@pytest.mark.parametrize("how", ["withheld", "empty", "null", "same", "rotated"])
def test_the_refresh_token_is_kept_unless_a_new_one_comes(stack, host, how):
    stack.sandbox.settings(refresh_refresh_token=how)
    given = []
    for i in range(3):
        expire(stack)
        assert invite(stack, host, title=f"Call {i}").status == 200
        given.append(living(stack)[0])
    used = used_refresh_tokens(stack)
    if how == "rotated":
        assert used[1:] == given[:2] and len(set(used)) == 3
    else:
        assert len(set(used)) == 1
    assert stack.sandbox.violations() == []


@pytest.mark.parametrize("value", [
    0, "0", -1, -3600, 1, 5, "3600", 3599.9, "3599.9", 3599, None, "", "soon", True, [], {},
    10 ** 30, -(10 ** 30), 1e-3, "0x10", " 3600", 2 ** 63], ids=repr)
def test_whatever_expires_in_says_one_refresh_serves_the_next_callers(stack, host, value):
    stack.sandbox.settings(expires_in_as="value", expires_in_value=value)
    for i in range(3):
        assert invite(stack, host, title=f"Call {i}").status == 200
    assert refreshes(stack) == 1
    left, = stack.sql("SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(3), access_expires_at) AS left_s "
                      "FROM coach_calendar_connections")
    assert 0 < left["left_s"] <= 86400
    if value in ("3600", 3599.9, "3599.9", 3599):
        assert 3590 <= left["left_s"] <= 3600


@pytest.mark.parametrize("form", ["text", "omitted"])
def test_an_expiry_as_text_or_none_at_all_is_an_hour_at_most(stack, host, form):
    stack.sandbox.settings(expires_in_as=form)
    assert invite(stack, host).status == 200
    left, = stack.sql("SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(3), access_expires_at) AS left_s "
                      "FROM coach_calendar_connections")
    assert 3590 <= left["left_s"] <= 3600


@pytest.mark.parametrize("value", [0, -1, 1])
def test_many_at_once_share_a_token_that_claims_to_be_dead(stack, host, value):
    stack.sandbox.settings(expires_in_as="value", expires_in_value=value)
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda i: invite(stack, host, title=f"Call {i}"), range(24)))
    assert {answer.status for answer in answers} == {200}
    assert refreshes(stack) == 1


def test_a_token_that_really_dies_early_is_replaced_when_it_is_refused(stack, host):
    stack.sandbox.settings(expires_in_as="value", expires_in_value=1)
    assert invite(stack, host, title="First").status == 200
    stack.sandbox.expire_access_tokens()
    assert invite(stack, host, title="Second").status == 200
    assert refreshes(stack) == 2 and len(events(stack)) == 2


@pytest.mark.parametrize("length", [32, 2048, 8000])
def test_tokens_of_every_length_are_kept_whole(stack, host, length):
    stack.sandbox.settings(access_token_length=length)
    assert invite(stack, host).status == 200
    assert {bearer_of(one) for one in inserts(stack)} == {living(stack)[1]}
    assert len(living(stack)[1]) == length


def test_a_token_beyond_all_measure_is_no_token(stack, host):
    stack.sandbox.fault("error", match=ALWAYS, status=200,
                        body={"access_token": "x" * 8193, "expires_in": 3599})
    assert failure(invite(stack, host))[2] == "provider_error"
    assert row(stack)["status"] == "active"


# --- 401 ---

def test_a_401_costs_one_refresh(stack, host):
    invite(stack, host, title="First")
    stack.sandbox.reset()
    stack.sandbox.expire_access_tokens()
    assert invite(stack, host, title="Second").status == 200
    assert (refreshes(stack), len(inserts(stack))) == (1, 2)
    first, second = (bearer_of(one) for one in inserts(stack))
    assert first != second == living(stack)[1]


def test_a_401_with_a_fresh_token_is_not_answered_with_another_refresh(stack, host):
    stack.sandbox.fault("unauthorized_once", match={"path": "/events", "count": None})
    assert failure(invite(stack, host))[:2] == (500, FAILED)
    assert (refreshes(stack), len(inserts(stack))) == (2, 2)
    assert row(stack)["status"] == "active"


# --- what is new meanwhile ---

def test_a_consent_given_during_a_refresh_wins(stack, host, bearer):
    stack.sandbox.fault("store_then_hold", match={**TOKEN, "body": "refresh_token"})
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(invite, stack, host)
        stack.sandbox.held()
        assert ended(Browser(stack, bearer(HOST)).connect())[0] == "connected"
        wanted_tokens = living(stack)
        stack.sandbox.release()
        assert waiting.result().status == 200
    assert {bearer_of(one) for one in inserts(stack)} == {wanted_tokens[1]}
    expire(stack)
    assert invite(stack, host, title="Later").status == 200
    assert used_refresh_tokens(stack)[-1] == wanted_tokens[0]


def test_a_refusal_that_comes_after_a_new_consent_changes_nothing(stack, host, bearer):
    stack.sandbox.fault("hold", match={**TOKEN, "body": "refresh_token"}, keep=True)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(invite, stack, host)
        stack.sandbox.held()
        stack.sandbox.revoke_grant(ACCOUNT)
        assert ended(Browser(stack, bearer(HOST)).connect())[0] == "connected"
        stack.sandbox.release()
        assert waiting.result().status == 200
    assert row(stack)["status"] == "active" and audits(stack, "reauth_required") == []


def test_who_waits_is_told_when_the_connection_goes_away(stack, host):
    stack.sandbox.fault("hold", match=TOKEN)
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(invite, stack, host, title=f"Call {i}") for i in range(2)]
        stack.sandbox.held()
        stack.sql("UPDATE coach_calendar_connections SET status = 'disconnected', access_token = "
                  "NULL, refresh_token = NULL, token_version = token_version + 1, "
                  "lease_owner = NULL, lease_until = NULL")
        stack.sandbox.release()
        assert {failure(one.result())[::2] for one in waiting} == {(409, "no_connection")}
    assert calls(stack) == []
    assert (row(stack)["status"], row(stack)["access_token"]) == ("disconnected", None)
