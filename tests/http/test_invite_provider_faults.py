"""Whatever the provider does: the documented answer, and never a second event.

Every fault is met three times: what the caller is told, what calbridge-sync makes of it when
nobody asks again, and what a repetition of the request gets.
"""

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import make_jwt, running
from flows import (ACCOUNT, FAILED, GUESTS, HOST, calls, check_once, connect, events, failure,
                   inserts, invite, mails, refreshes, rows, settle)
from stack.processes import wait_for

INSERT = {"method": "POST", "path": "/events$"}
LOOK = {"method": "GET", "path": "/events/"}
MANY = {**INSERT, "count": None}


@pytest.fixture(scope="module")
def stack():
    """A stack whose requests give up soon, and whose calbridge-sync runs when a test says so."""
    for one in running(parts=("mariadb", "sandbox", "nginx", "fcgi"),
                       settings={"THREADS": "16", "LOG_LEVEL": "debug", "REQUEST_DEADLINE_S": "2",
                                 "INTENT_LEASE_S": "2", "INTENT_SETTLE_S": "1",
                                 "REFRESH_HOLDOFF_S": "1"}):
        one.schema.remember()
        yield one
        assert one.sanitizer_reports() == []


@pytest.fixture
def host(clean):
    token = make_jwt(clean.settings["JWT_SECRET"], {"sub": HOST, "exp": int(time.time()) + 3600})
    headers = {"Authorization": f"Bearer {token}"}
    connect(clean, headers)
    return headers


def state(stack):
    row, = rows(stack)
    return row["state"]


def check_failed(answer, code):
    assert failure(answer) == (500, FAILED, code)


def unknown(name, stands, code="provider_error", **fault):
    """A fault after which only the provider knows whether the event stands."""
    return pytest.param(fault, stands, code, id=name)


UNKNOWN = [
    unknown("500", False, kind="error", status=500),
    unknown("500 after", True, kind="error", status=500, after=True),
    unknown("503 after", True, kind="backendError", after=True),
    unknown("504", False, kind="error", status=504, body=""),
    unknown("408", False, kind="error", status=408),
    unknown("html", False, kind="html"),
    unknown("html after", True, kind="html", after=True),
    unknown("html 403", False, kind="html", status=403),
    unknown("nothing", False, kind="empty"),
    unknown("nothing after", True, kind="empty", after=True),
    unknown("truncated", True, kind="truncate"),
    unknown("truncated chunks", True, kind="truncate", form="chunked"),
    unknown("10 MB", False, kind="huge"),
    unknown("10 MB after", True, kind="huge", after=True),
    unknown("redirect after", True, kind="redirect", after=True),
    unknown("redirect elsewhere", False, kind="redirect", status=307,
            location="https://localhost/x"),
    unknown("another event", True, kind="error", status=200, body='{"id": "another"}', after=True),
    unknown("error as success", False, kind="error", status=200, body={"error": {"code": 500}}),
    unknown("deep", True, kind="error", status=200, body="[" * 5000, after=True),
    unknown("reset", False, kind="reset"),
    unknown("reset after", True, kind="store_then_reset"),
    unknown("timeout after", True, "provider_timeout", kind="store_then_timeout"),
    unknown("timeout", False, "provider_timeout", kind="hold"),
    unknown("trickle", True, "provider_timeout", kind="trickle", interval_ms=200),
]


@pytest.mark.parametrize("fault, stands, code", UNKNOWN)
class TestAnOutcomeThatNobodyKnows:
    """The caller was told of failure; the event may stand all the same."""

    def test_is_told_as_failure_and_settled_by_a_look_that_makes_nothing(
            self, stack, host, fault, stands, code):
        stack.sandbox.fault(match=INSERT, **fault)
        check_failed(invite(stack, host), code)
        assert (state(stack), len(events(stack))) == ("unsure", stands)
        settle(stack)
        assert len(inserts(stack)) == len(events(stack)) + (not stands) == 1
        assert state(stack) == ("placed" if stands else "refused")
        assert mails(stack) == Counter(GUESTS if stands else ())

    @pytest.mark.parametrize("key", [None, "a1"])
    def test_is_mended_by_a_repetition(self, stack, host, fault, stands, code, key):
        stack.sandbox.fault(match=INSERT, **fault)
        check_failed(invite(stack, host, key=key), code)
        check_once(stack, invite(stack, host, key=key))

    @pytest.mark.parametrize("key", [None, "a1"])
    def test_is_mended_by_a_repetition_after_the_look(
            self, stack, host, fault, stands, code, key):
        stack.sandbox.fault(match=INSERT, **fault)
        check_failed(invite(stack, host, key=key), code)
        settle(stack)
        check_once(stack, invite(stack, host, key=key))


def refused(name, code, wait=(), answered=500, **fault):
    """A fault that says that nothing stands; wait holds the good values of Retry-After."""
    return pytest.param(fault, answered, code, wait, id=name)


SOME_TIME = range(1, 3601)
REFUSED = [
    refused("429", "provider_rate_limited", [7], kind="too_many_requests", retry_after=7),
    refused("429 with a date", "provider_rate_limited", range(15, 22), kind="too_many_requests",
            retry_after_date=20),
    refused("429 without a time", "provider_rate_limited", SOME_TIME, kind="too_many_requests"),
    refused("403 rate", "provider_rate_limited", SOME_TIME, kind="rateLimitExceeded"),
    refused("403 user", "provider_rate_limited", SOME_TIME, kind="userRateLimitExceeded"),
    refused("403 quota", "provider_rate_limited", SOME_TIME, kind="quotaExceeded"),
    refused("403 forbidden", "provider_refused", kind="error", status=403, reason="forbidden"),
    refused("403 not configured", "provider_misconfigured", kind="error", status=403,
            reason="accessNotConfigured"),
    refused("400", "provider_refused", kind="error", status=400, reason="invalid"),
    refused("404", "provider_refused", kind="error", status=404, reason="notFound"),
    refused("403 scope", "reauth_required", answered=409, kind="insufficientPermissions"),
]


@pytest.mark.parametrize("fault, status, code, wait", REFUSED)
class TestARefusal:
    """The provider said no: nothing stands, and nothing is made behind the caller's back."""

    def test_is_told_and_ends_the_intent(self, stack, host, fault, status, code, wait):
        stack.sandbox.fault(match=INSERT, **fault)
        answer = invite(stack, host)
        assert (answer.status, answer.json["code"]) == (status, code)
        if status == 409:
            assert answer.json["requiresReauth"] is True and answer.json["connectUrl"]
        else:
            check_failed(answer, code)
        if wait:
            assert int(answer.headers["Retry-After"]) in wait
        assert state(stack) == "refused"
        settle(stack)
        assert (len(inserts(stack)), events(stack)) == (1, [])

    @pytest.mark.parametrize("key", [None, "a1"])
    def test_lets_a_repetition_start_anew(self, stack, host, fault, status, code, wait, key):
        stack.sandbox.fault(match=INSERT, **fault)
        assert invite(stack, host, key=key).status == status
        check_once(stack, invite(stack, host, key=key))


# --- the token ---

def test_one_401_costs_one_refresh_and_is_not_seen_by_the_caller(stack, host):
    stack.sandbox.fault("unauthorized_once", match=INSERT)
    check_once(stack, invite(stack, host))
    assert (refreshes(stack), len(inserts(stack))) == (1, 2)


def test_a_second_401_is_a_refusal_without_another_refresh(stack, host):
    stack.sandbox.fault("unauthorized_once", match=MANY)
    check_failed(invite(stack, host), "token_not_accepted")
    assert (refreshes(stack), len(inserts(stack)), events(stack)) == (1, 2, [])


def test_many_that_meet_a_401_refresh_once(stack, host):
    assert stack.sandbox.expire_access_tokens(ACCOUNT)
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda n: invite(stack, host, title=f"Chat {n}"), range(12)))
    assert [answer.status for answer in answers] == [200] * 12
    assert (refreshes(stack), len(events(stack))) == (1, 12)


def test_the_token_does_not_follow_a_redirect(stack, host):
    stack.sandbox.fault("redirect", match=INSERT,
                        location=f"{stack.sandbox_front.url}/google/calendar/v3/elsewhere")
    check_failed(invite(stack, host), "provider_error")
    assert stack.sandbox.requests("elsewhere") == []


# --- our event id ---

def test_an_id_used_up_by_a_deleted_event_is_followed_by_the_next(stack, host):
    stack.sandbox.fault("error", status=500, after=True, match=INSERT)
    check_failed(invite(stack, host), "provider_error")
    used = events(stack)[0]["id"]
    stack.sandbox.delete_event(ACCOUNT, used)
    answer = invite(stack, host)
    standing, = events(stack)
    assert answer.json["calendarEventId"] == standing["id"] != used
    row, = rows(stack)
    assert (row["state"], row["generation"]) == ("placed", 1)
    assert row["provider_event_id"] == standing["id"]


def test_an_event_of_somebody_else_under_our_id_is_left_alone(stack, host):
    stack.sandbox.fault("error", status=500, match=INSERT)
    check_failed(invite(stack, host), "provider_error")
    taken = rows(stack)[0]["provider_event_id"]
    theirs = stack.sandbox.add_event(ACCOUNT, {
        "id": taken, "summary": "Mine", "start": {"dateTime": "2031-01-01T10:00:00Z"},
        "end": {"dateTime": "2031-01-01T11:00:00Z"}})
    answer = invite(stack, host)
    assert answer.status == 200 and answer.json["calendarEventId"] != taken
    by_id = {event["id"]: event for event in events(stack)}
    assert len(by_id) == 2 and by_id[taken]["etag"] == theirs["etag"]


def test_ids_that_are_all_used_up_are_a_refusal(stack, host):
    stack.sandbox.fault("error", status=500, match=INSERT)
    check_failed(invite(stack, host), "provider_error")
    first = rows(stack)[0]["provider_event_id"]
    for taken in (first, first + "1", first + "2"):
        stack.sandbox.add_event(ACCOUNT, {
            "id": taken, "summary": "Mine", "start": {"dateTime": "2031-01-01T10:00:00Z"},
            "end": {"dateTime": "2031-01-01T11:00:00Z"}})
    check_failed(invite(stack, host), "provider_refused")
    assert len(events(stack)) == 3 and len(inserts(stack)) == 4


def test_an_id_that_is_taken_by_what_nobody_sees_stays_in_doubt(stack, host):
    stack.sandbox.fault("error", status=409, reason="duplicate", match=INSERT)
    check_failed(invite(stack, host), "provider_error")
    row, = rows(stack)
    assert (row["state"], row["generation"], len(inserts(stack))) == ("unsure", 0, 1)
    check_once(stack, invite(stack, host))


def test_a_taken_id_that_cannot_be_looked_at_stays_in_doubt(stack, host):
    stack.sandbox.fault("error", status=500, after=True, match=INSERT)
    stack.sandbox.fault("error", status=500, match=LOOK)
    check_failed(invite(stack, host), "provider_error")
    check_failed(invite(stack, host), "provider_error")
    assert state(stack) == "unsure"
    check_once(stack, invite(stack, host))


# --- late, and in the wrong order ---

def test_a_call_that_arrives_after_its_repetition_makes_nothing(stack, host):
    stack.sandbox.fault("hold", keep=True, match=INSERT)
    check_failed(invite(stack, host), "provider_timeout")
    answer = invite(stack, host)
    stack.sandbox.release()
    wait_for(lambda: [one["status"] for one in inserts(stack)
                      if one["outcome"] != "open"].count(200) == 1 and
             all(one["outcome"] != "open" for one in inserts(stack)), 10, "the late call")
    check_once(stack, answer)


def test_a_call_that_arrives_after_the_look_is_found_by_a_repetition(stack, host):
    stack.sandbox.fault("hold", keep=True, match=INSERT)
    check_failed(invite(stack, host), "provider_timeout")
    settle(stack)
    assert state(stack) == "refused"
    stack.sandbox.release()
    wait_for(lambda: events(stack), 10, "the late event")
    check_once(stack, invite(stack, host))


def test_a_look_that_fails_decides_nothing(stack, host):
    stack.sandbox.fault("error", status=500, after=True, match=INSERT)
    check_failed(invite(stack, host), "provider_error")
    for fault in ({"kind": "html"}, {"kind": "error", "status": 500}, {"kind": "reset"},
                  {"kind": "too_many_requests"}, {"kind": "insufficientPermissions"},
                  {"kind": "html", "status": 404}):
        stack.sandbox.fault(match=LOOK, **fault)
        settle(stack)
        assert state(stack) == "unsure", fault
    settle(stack)
    assert state(stack) == "placed"
    assert len(inserts(stack)) == 1


def test_a_row_that_calbridge_sync_has_settled_is_not_looked_at_again(stack, host):
    stack.sandbox.fault("store_then_reset", match=INSERT)
    check_failed(invite(stack, host), "provider_error")
    settle(stack)
    asked = len(calls(stack))
    settle(stack)
    assert len(calls(stack)) == asked


def test_what_was_adopted_is_given_to_one_repetition_and_the_next_is_meant_anew(stack, host):
    stack.sandbox.fault("store_then_reset", match=INSERT)
    check_failed(invite(stack, host), "provider_error")
    settle(stack)
    adopted = events(stack)[0]["id"]
    assert invite(stack, host).json["calendarEventId"] == adopted
    assert invite(stack, host).json["calendarEventId"] != adopted
    assert len(events(stack)) == 2


# --- calbridge-sync ---

def intend_again(stack, host, *titles):
    """Intents that a crash left behind: nobody was told anything."""
    for title in titles:
        stack.sandbox.fault("error", status=500, match=INSERT)
        check_failed(invite(stack, host, title=title), "provider_error")
    stack.sql("UPDATE calendar_event_mappings SET state = 'intended'")


@pytest.mark.parametrize("reason", ["accessNotConfigured", "rateLimitExceeded"])
def test_an_intent_outlives_the_operators_trouble_and_the_providers(stack, host, reason):
    intend_again(stack, host, "Coffee")
    stack.sandbox.fault("error", status=403, reason=reason, match=INSERT)
    settle(stack)
    assert (state(stack), events(stack)) == ("intended", [])
    settle(stack)
    assert (state(stack), len(events(stack))) == ("placed", 1)


def test_an_intent_is_claimed_when_its_turn_comes(stack, host):
    intend_again(stack, host, "Coffee", "Tea", "Water")
    stack.sandbox.fault("hold", match=INSERT)
    with ThreadPoolExecutor(1) as pool:
        settling = pool.submit(settle, stack)
        wait_for(lambda: any(one["outcome"] == "open" for one in inserts(stack)), 10, "the call")
        assert sorted(row["attempt"] for row in rows(stack)) == [1, 1, 2]
        stack.sandbox.release()
        settling.result(60)
    assert len(events(stack)) == 3
    assert [row["attempt"] for row in rows(stack)] == [2, 2, 2]


# --- nobody there ---

def test_a_provider_that_cannot_be_reached_is_told_and_nothing_is_in_doubt(stack, host):
    real = stack.settings["GOOGLE_API_URL"]
    stack.reconfigure(GOOGLE_API_URL="https://127.0.0.1:1/calendar/v3")
    try:
        check_failed(invite(stack, host), "provider_unreachable")
        assert state(stack) == "refused"
    finally:
        stack.reconfigure(GOOGLE_API_URL=real)
    check_once(stack, invite(stack, host))


def test_a_provider_with_a_certificate_that_we_do_not_trust_is_told_nothing(stack, host):
    real = stack.settings["HTTPS_CA_FILE"]
    stack.reconfigure(HTTPS_CA_FILE="/etc/ssl/certs/ca-certificates.crt")
    try:
        check_failed(invite(stack, host), "provider_unreachable")
        assert calls(stack) == []
    finally:
        stack.reconfigure(HTTPS_CA_FILE=real)
    check_once(stack, invite(stack, host))


def test_without_a_database_the_answer_is_the_documented_one_and_it_mends_itself(stack, host):
    stack.mariadb.kill()
    try:
        answer = invite(stack, host, key="a1")
        assert answer.json["code"] in ("database_unavailable", "outcome_unknown", "busy")
        check_failed(answer, answer.json["code"])
        assert stack.request("GET", "/readyz").status == 503
    finally:
        stack.mariadb.start()
    wait_for(lambda: invite(stack, host, key="a1").status == 200, 10, "the database to be used")
    check_once(stack)


def test_after_every_fault_the_provider_has_nothing_to_complain_of(stack, host):
    for fault in ({"kind": "store_then_reset"}, {"kind": "truncate"},
                  {"kind": "unauthorized_once"}):
        stack.sandbox.fault(match=INSERT, **fault)
        invite(stack, host, key="a1")
    assert invite(stack, host, key="a1").status == 200
    assert stack.sandbox.violations() == []
    assert len({json.loads(one["body"])["id"] for one in inserts(stack)}) == 1
