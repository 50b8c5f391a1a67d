"""The faults, each as a client meets it, and what is stored meanwhile."""

import email.utils
import http.client
import threading
import time

import pytest

from .client import SandboxError
from .harness import (EVENTS, HOST, JSON, OTHER, GoogleClient, event_body, oauth_error, reason,
                      wait_for)

INSERT = {"method": "POST", "path": "/events$"}


def stored(host):
    return len(host.sandbox.events(HOST))


class Caller(threading.Thread):
    """An insert that runs beside the test; join it, then look at ``answer`` or ``error``."""

    def __init__(self, host, event_id="abcde"):
        super().__init__(daemon=True)
        self.host, self.event_id = host, event_id
        self.answer = self.error = None
        self.start()

    def run(self):
        try:
            self.answer = self.host.api("POST", "", event_body(id=self.event_id))
        except (OSError, http.client.HTTPException) as error:
            self.error = error

    def outcome(self):
        self.join(20)
        assert not self.is_alive()
        return self.answer.status if self.answer else type(self.error)


def leave_an_insert(host):
    """Send an insert and return its connection; nobody waits for the answer."""
    connection = host.sandbox.connection()
    connection.request("POST", EVENTS, b'{"id": "abcde", "start": {"date": "2025-12-01"}, '
                       b'"end": {"date": "2025-12-02"}}',
                       {**JSON, "Authorization": f"Bearer {host.token}"})
    return connection


@pytest.mark.parametrize("kind, status, wanted", [
    ("unauthorized_once", 401, "authError"),
    ("rateLimitExceeded", 403, "rateLimitExceeded"),
    ("userRateLimitExceeded", 403, "userRateLimitExceeded"),
    ("quotaExceeded", 403, "quotaExceeded"),
    ("insufficientPermissions", 403, "insufficientPermissions"),
    ("too_many_requests", 429, "rateLimitExceeded"),
    ("backendError", 503, "backendError"),
])
def test_a_refusal_by_switch_hits_once_and_stores_nothing(host, kind, status, wanted):
    host.sandbox.fault(kind, match=INSERT)
    answer = host.api("POST", "", event_body())
    assert reason(answer) == (status, wanted) and stored(host) == 0
    assert answer.json()["error"]["errors"][0]["domain"] == (
        "usageLimits" if "xceeded" in wanted else "global")
    assert host.api("POST", "", event_body()).status == 200


def test_retry_after_comes_in_seconds_or_as_a_date(host):
    host.sandbox.fault("too_many_requests", match=INSERT, retry_after=7)
    host.sandbox.fault("too_many_requests", match=INSERT, retry_after_date=60)
    assert host.api("POST", "", event_body()).headers["retry-after"] == "7"
    text = host.api("POST", "", event_body()).headers["retry-after"]
    assert 50 < email.utils.parsedate_to_datetime(text).timestamp() - time.time() < 62


def test_an_error_may_have_any_status_headers_and_body(host):
    host.sandbox.fault("error", status=500, body="oops", headers={"X-Where": "edge"})
    answer = host.api("POST", "", event_body())
    assert (answer.status, answer.body, answer.headers["x-where"]) == (500, b"oops", "edge")
    host.sandbox.fault("error", status=200, body={"error": {"code": 500}})
    assert host.api("POST", "", event_body()).json() == {"error": {"code": 500}}
    assert stored(host) == 0


@pytest.mark.parametrize("kind", ["error", "html", "empty", "redirect"])
def test_after_means_that_it_was_stored_all_the_same(host, kind):
    host.sandbox.fault(kind, match=INSERT, status=500, after=True)
    assert host.api("POST", "", event_body()).status == 500
    assert stored(host) == 1


def test_the_token_endpoint_fails_in_its_own_form(host):
    host.sandbox.fault("invalid_grant", match={"path": "/token$"})
    host.sandbox.fault("invalid_client", match={"path": "/token$"})
    host.sandbox.fault("error", status=503, match={"path": "/token$"})
    assert oauth_error(host.refresh()) == (400, "invalid_grant",
                                           "Token has been expired or revoked.")
    assert oauth_error(host.refresh())[:2] == (401, "invalid_client")
    assert host.refresh().status == 503
    assert host.refresh().status == 200


def test_rules_match_by_account_body_and_number(host):
    other = GoogleClient(host.sandbox)
    other.connect(OTHER)
    host.sandbox.fault("backendError", match={"account": OTHER, "path": "/events"})
    host.sandbox.fault("invalid_client", match={"body": "grant_type=refresh_token", "nth": 2,
                                                "count": 2})
    assert (host.list().status, other.list().status, other.list().status) == (200, 503, 200)
    assert [host.refresh().status for _ in range(4)] == [200, 401, 401, 200]
    assert host.sandbox.requests("/token$", account=HOST, body="refresh_token", count=4)


def test_a_rule_without_count_lasts_until_it_is_deleted(host):
    rule = host.sandbox.fault("backendError", match={"count": None})
    assert [host.list().status for _ in range(3)] == [503] * 3
    assert host.sandbox.faults()[0]["hits"] == 3
    host.sandbox.clear_faults(rule)
    assert host.list().status == 200 and host.sandbox.faults() == []


@pytest.mark.parametrize("rule", [
    {"match": {}, "fault": {"kind": "explode"}}, {"match": {"url": "x"}, "fault": {"kind": "hold"}},
    {"match": {"path": "("}, "fault": {"kind": "hold"}}, {"match": {}, "fault": {}},
    {"match": {}, "fault": {"kind": "slow", "seconds": 1}}, {},
])
def test_a_rule_that_means_nothing_is_refused(sandbox, rule):
    with pytest.raises(SandboxError):
        sandbox.control("POST", "faults", rule)


def test_hold_keeps_the_request_and_stores_nothing_until_released(host):
    host.sandbox.fault("hold", match=INSERT)
    caller = Caller(host)
    held = host.sandbox.held()[0]
    assert held["stored"] is False and stored(host) == 0
    assert held["request"]["method"] == "POST"
    assert host.sandbox.release(held["id"]) == 1
    assert caller.outcome() == 200 and stored(host) == 1


def test_a_held_request_is_dropped_when_its_client_leaves(host):
    host.sandbox.fault("hold", match=INSERT)
    connection = leave_an_insert(host)
    host.sandbox.held()
    connection.close()
    assert host.sandbox.requests("/events$", outcome="left", count=1, wait=10)
    assert stored(host) == 0 and host.sandbox.control("GET", "held")["held"] == []


def test_a_kept_request_is_stored_late_although_its_client_left(host):
    host.sandbox.fault("hold", match=INSERT, keep=True)
    connection = leave_an_insert(host)
    host.sandbox.held()
    connection.close()
    wait_for(lambda: host.sandbox.held()[0]["client_left"])
    assert host.api("GET", "/abcde").status == 404
    host.sandbox.release()
    assert host.sandbox.requests("/events$", outcome="left", count=1, wait=10)
    assert stored(host) == 1


def test_store_then_hold_stores_first_and_answers_when_released(host):
    host.sandbox.fault("store_then_hold", match=INSERT)
    caller = Caller(host)
    assert host.sandbox.held()[0]["stored"] is True and stored(host) == 1
    host.sandbox.release()
    assert caller.outcome() == 200


def test_store_then_timeout_stores_and_never_answers(host):
    host.sandbox.fault("store_then_timeout", match=INSERT)
    caller = Caller(host)
    host.sandbox.held()
    assert stored(host) == 1 and caller.is_alive()
    host.sandbox.release()
    assert issubclass(caller.outcome(), OSError)


@pytest.mark.parametrize("kind, events", [("store_then_reset", 1), ("reset", 0)])
def test_a_reset_closes_the_connection_without_an_answer(host, kind, events):
    host.sandbox.fault(kind, match=INSERT)
    assert issubclass(Caller(host).outcome(), OSError)
    assert stored(host) == events
    assert host.sandbox.requests("/events$")[0]["outcome"] == "reset"


@pytest.mark.parametrize("form", ["length", "chunked"])
def test_a_truncated_answer_ends_in_the_middle(host, form):
    host.sandbox.fault("truncate", match=INSERT, form=form)
    assert Caller(host).outcome() is http.client.IncompleteRead
    assert stored(host) == 1


def test_html_empty_and_huge_bodies(host):
    host.sandbox.fault("html", match=INSERT)
    host.sandbox.fault("empty", match=INSERT)
    host.sandbox.fault("huge", match=INSERT)
    answer = host.api("POST", "", event_body())
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/html")
    answer = host.api("POST", "", event_body())
    assert (answer.status, answer.body) == (200, b"")
    assert len(host.api("POST", "", event_body()).body) == 10 * 1024 * 1024
    assert stored(host) == 0


def test_a_redirect_leads_elsewhere_and_the_way_is_recorded(host):
    host.sandbox.fault("redirect", match=INSERT, location="https://elsewhere.example/x")
    answer = host.api("POST", "", event_body())
    assert (answer.status, answer.headers["location"]) == (302, "https://elsewhere.example/x")


def test_a_trickle_comes_in_small_pieces(host):
    host.sandbox.fault("trickle", match=INSERT, bytes=400, interval_ms=30)
    begin = time.monotonic()
    assert Caller(host).outcome() == 200
    assert time.monotonic() - begin >= 0.06
    assert stored(host) == 1


def test_slow_answers_after_its_delay(host):
    host.sandbox.fault("slow", match=INSERT, ms=150)
    begin = time.monotonic()
    assert Caller(host).outcome() == 200
    assert time.monotonic() - begin >= 0.15


def test_every_request_is_recorded_with_its_answer(host):
    host.sandbox.reset()
    host.api("POST", "", event_body(), query="sendUpdates=all")
    host.api("GET", "/unknown0")
    first, second = host.sandbox.requests("/calendar/v3")
    assert (first["method"], first["path"], first["query"]) == ("POST", EVENTS,
                                                                {"sendUpdates": "all"})
    assert first["headers"]["authorization"] == f"Bearer {host.token}"
    assert '"summary": "Coffee"' in first["body"] and first["account"] == HOST
    assert (first["status"], second["status"]) == (200, 404)
    assert [one["n"] for one in host.sandbox.requests(since=first["n"])] == [second["n"]]
    assert host.sandbox.counters() == {
        "POST /google/calendar/v3/calendars/{calendar}/events": 1,
        "GET /google/calendar/v3/calendars/{calendar}/events/{event}": 1}


def test_controls_take_json_only_and_say_what_is_wrong(sandbox):
    assert sandbox.request("POST", "/control/reset", "{}", {}).status == 415
    for path, value in (("settings", {"no_such": 1}), ("settings", {"code_seconds": "x"}),
                        ("accounts", {"email": "x"}), ("accounts", {"email": "a@b", "zone": "x"}),
                        ("clients", {}), ("clock", {}), ("google/approve", {})):
        with pytest.raises(SandboxError, match="400"):
            sandbox.control("POST", path, value)
