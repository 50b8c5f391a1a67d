"""Microsoft's faults and limits as a client meets them, and what is stored meanwhile."""

import email.utils
import http.client
import threading
import time

import pytest

from .harness import BASE, HOST, event_body, reason, wait_for
from .harness_microsoft import (COLLEAGUE, EVENTS, WORK, MicrosoftClient, code_of, graph_event,
                                guest, moment)

INSERT = {"method": "POST", "path": "/events$"}


def stored(client):
    return len(client.sandbox.events(WORK, "microsoft"))


class Caller(threading.Thread):
    """A call that runs beside the test; join it by ``outcome``."""

    def __init__(self, client, method="POST", body=None):
        super().__init__(daemon=True)
        self.client, self.method, self.body = client, method, body
        self.answer = self.error = None
        self.start()

    def run(self):
        try:
            self.answer = self.client.api(self.method, "", self.body)
        except (OSError, http.client.HTTPException) as error:
            self.error = error

    def outcome(self):
        self.join(20)
        assert not self.is_alive()
        return self.answer.status if self.answer else type(self.error)


@pytest.mark.parametrize("kind, status, code", [
    ("unauthorized_once", 401, "InvalidAuthenticationToken"),
    ("insufficientPermissions", 403, "ErrorAccessDenied"),
    ("MailboxNotEnabledForRESTAPI", 404, "MailboxNotEnabledForRESTAPI"),
    ("too_many_requests", 429, "TooManyRequests"),
    ("ApplicationThrottled", 429, "ApplicationThrottled"),
    ("backendError", 503, "serviceNotAvailable"),
])
def test_a_refusal_by_switch_hits_once_and_stores_nothing(work, kind, status, code):
    work.sandbox.fault(kind, match=INSERT)
    assert code_of(work.api("POST", "", graph_event())) == (status, code)
    assert stored(work) == 0
    assert work.api("POST", "", graph_event()).status == 201


@pytest.mark.parametrize("members, sent", [
    ({"retry_after": 7}, "7"), ({"retry_after": 2.128}, "2.128"), ({}, None)])
def test_retry_after_is_whole_or_fractional_or_missing(work, members, sent):
    work.sandbox.fault("too_many_requests", match=INSERT, **members)
    assert work.api("POST", "", graph_event()).headers.get("retry-after") == sent


def test_retry_after_may_be_a_date(work):
    work.sandbox.fault("too_many_requests", match=INSERT, retry_after_date=60)
    text = work.api("POST", "", graph_event()).headers["retry-after"]
    assert 50 < email.utils.parsedate_to_datetime(text).timestamp() - time.time() < 62


def test_any_error_may_be_told(work):
    work.sandbox.fault("error", match=INSERT, status=423, reason="ErrorItemLocked", message="No.")
    answer = work.api("POST", "", graph_event())
    assert code_of(answer) == (423, "ErrorItemLocked")
    assert answer.json()["error"]["message"] == "No."


def test_a_timeout_may_come_after_the_write(work):
    work.sandbox.fault("store_then_timeout", match=INSERT)
    caller = Caller(work, body=graph_event(transactionId="t", attendees=[guest("g@example.org")]))
    work.sandbox.held()
    assert stored(work) == 1 and caller.is_alive()
    work.sandbox.release()
    assert issubclass(caller.outcome(), OSError)
    again = work.api("POST", "", graph_event(transactionId="t",
                                             attendees=[guest("g@example.org")]))
    assert again.status == 201 and stored(work) == 1 and len(work.sandbox.mail()) == 1


@pytest.mark.parametrize("form", ["length", "chunked"])
def test_a_truncated_answer_ends_in_the_middle(work, form):
    work.sandbox.fault("truncate", match=INSERT, form=form)
    assert Caller(work, body=graph_event()).outcome() is http.client.IncompleteRead
    assert stored(work) == 1


def test_a_trickle_a_page_and_ten_megabytes(work):
    work.sandbox.fault("trickle", match=INSERT, bytes=1500, interval_ms=20)
    work.sandbox.fault("html", match=INSERT, status=502)
    work.sandbox.fault("huge", match=INSERT)
    assert work.api("POST", "", graph_event()).status == 201
    page = work.api("POST", "", graph_event())
    assert page.status == 502 and page.headers["content-type"].startswith("text/html")
    assert len(work.api("POST", "", graph_event()).body) == 10 * 1024 * 1024
    assert stored(work) == 1


def hold(client, count):
    """Requests that are under way until released."""
    client.sandbox.fault("hold", match={"path": EVENTS, "method": "GET", "count": None})
    callers = [Caller(client, "GET") for _ in range(count)]
    client.sandbox.held(count)
    return callers


def test_a_mailbox_bears_four_requests_at_once(work):
    callers = hold(work, 4)
    answer = work.api("POST", "", graph_event())
    assert code_of(answer) == (429, "ApplicationThrottled")
    assert answer.json()["error"]["message"] == (
        "Application is over its MailboxConcurrency limit.")
    assert answer.headers["retry-after"] == "1" and stored(work) == 0
    other = MicrosoftClient(work.sandbox)
    other.connect(COLLEAGUE)
    assert other.api("POST", "", graph_event()).status == 201, "each mailbox by itself"
    work.sandbox.clear_faults()
    work.sandbox.release()
    assert [one.outcome() for one in callers] == [200] * 4
    assert work.api("POST", "", graph_event()).status == 201


def test_the_most_requests_at_once_can_be_read(work):
    callers = hold(work, 3)
    work.sandbox.release()
    assert [one.outcome() for one in callers] == [200] * 3
    work.sandbox.clear_faults()
    work.refresh()
    assert work.sandbox.load(WORK, "microsoft") == {"calls": 3, "in_60_s": 3, "at_once": 3}
    work.sandbox.reset()
    assert work.sandbox.load(WORK, "microsoft")["at_once"] == 0


def test_a_request_that_was_left_makes_room_again(work):
    work.sandbox.fault("store_then_timeout", match={**INSERT, "count": None})
    connections = []
    for _ in range(4):
        connection = work.sandbox.connection()
        connection.request("POST", EVENTS, b'{"start": 5}', {
            "Content-Type": "application/json", "Authorization": f"Bearer {work.token}"})
        connections.append(connection)
    work.sandbox.held(4)
    work.sandbox.clear_faults()
    assert work.list().status == 429
    for connection in connections:
        connection.close()
    wait_for(lambda: work.list().status == 200)


def test_googles_quota_of_one_person_comes_by_switch(host):
    for _ in range(3):
        host.list()
    assert host.sandbox.load(HOST) == {"calls": 3, "in_60_s": 3, "at_once": 1}
    host.sandbox.settings(calls_a_minute=4)
    assert host.list().status == 200
    assert reason(host.api("POST", "", event_body())) == (403, "rateLimitExceeded")
    assert host.sandbox.events(HOST) == [] and host.refresh().status == 200


def test_both_providers_show_their_events_on_one_page(work, host):
    host.insert(summary="From Google")
    event = work.insert(subject="From <Microsoft>", attendees=[guest("g@example.org")],
                        isOnlineMeeting=True, start=moment("2025-12-03T15:00:00"),
                        end=moment("2025-12-03T10:45:00", "Eastern Standard Time"))
    work.sandbox.respond(WORK, event["id"], "g@example.org", provider="microsoft")
    text = work.sandbox.request("GET", f"/calendar/{WORK}").body.decode()
    assert text.index("From Google") < text.index("From &lt;Microsoft&gt;")
    for part in (f'data-event="{event["id"]}" data-provider="microsoft"',
                 'data-start="2025-12-03T10:00:00-05:00"', 'data-end="2025-12-03T10:45:00-05:00"',
                 'data-zone="America/New_York"', "Wednesday 03 December 2025, 10:00 EST",
                 'data-guest="g@example.org" data-response="accepted">g@', "15 minutes before",
                 "data-join"):
        assert part in text
    link = work.sandbox.request("GET", event["webLink"].removeprefix(BASE)).headers["location"]
    assert link.startswith(f"{BASE}/calendar/{WORK}#event-AAkALg")
    work.sandbox.delete_event(WORK, event["id"], provider="microsoft")
    assert 'data-status="cancelled"' in work.sandbox.request(
        "GET", f"/calendar/{WORK}").body.decode()
