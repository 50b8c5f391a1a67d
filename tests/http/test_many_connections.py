"""Many clients: silent ones that only hold a connection, and many requests in flight."""

import time

import pytest
from conftest import make_jwt, running
from flows import HOST, INVITE, connect, events, wanted
from stack.crowd import Crowd, request

SILENT = 1000
FLIGHTS = 512
PROVIDER_MS = 200
HEADER_S = 10       # nginx waits so long for a request


@pytest.fixture(scope="module")
def wide():
    """A stack with the threads that 512 requests in flight need."""
    yield from running(settings={"DEMO_HOST_ID": HOST, "WORKERS": "2", "THREADS": "256"})


def bearer(stack):
    claims = {"sub": HOST, "exp": int(time.time()) + 300}
    return {"Authorization": f"Bearer {make_jwt(stack.settings['JWT_SECRET'], claims)}"}


def invites(headers, n):
    return [request("POST", INVITE, headers, wanted(title=f"Talk {i}", inviteeEmails=[]))
            for i in range(n)]


def test_512_requests_in_flight_beside_1000_silent_connections_are_all_answered(wide):
    connect(wide, bearer(wide))
    wide.sandbox.fault("slow", match={"path": "/events$", "count": None}, ms=PROVIDER_MS)
    with Crowd(wide, SILENT) as silent, Crowd(wide, FLIGHTS) as loud:
        begun = time.monotonic()
        silent.hold()
        replies = loud.ask(invites(bearer(wide), FLIGHTS))
        assert [reply.status for reply in replies] == [200] * FLIGHTS
        assert silent.count_open() == SILENT or time.monotonic() - begun >= HEADER_S
    assert len({reply.json["calendarEventId"] for reply in replies}) == FLIGHTS
    assert len({reply.json["eventId"] for reply in replies}) == FLIGHTS
    assert len(events(wide)) == FLIGHTS
