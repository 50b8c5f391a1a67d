"""One Idempotency-Key from a hundred clients, answers lost everywhere: one event.

Answers are swallowed between the web server and the client by a small proxy, and between us
and the provider by the sandbox; other clients reset their connections. A tenth of the size in
`make check`; 500 rounds in `make long-check`.
"""

import http.client
import json
import socket
import struct
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import INSERT
from flows import GUESTS, INVITE, events, invite, mails, rows, wanted
from stack import Client, figures
from stack.processes import wait_for

ROUNDS = figures.size(500, 50)
CLIENTS = 100
AT_ONCE = struct.pack("ii", 1, 0)     # SO_LINGER: close() resets
# What the provider does to the first call of a round.
SLOW = {"kind": "slow", "ms": 60}
FAULTS = [None, {"kind": "store_then_reset"}, SLOW, {"kind": "backendError"}, SLOW,
          {"kind": "error", "status": 500, "after": True}, {"kind": "truncate"}, {"kind": "reset"}]


class ReplySwallower:
    """Passes plain requests on to the web server, over TLS, and resets instead of answering.

    port is where it listens; swallowed holds the statuses of the answers that nobody got.
    """

    def __init__(self, upstream):
        self.upstream, self.swallowed = upstream, []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    @staticmethod
    def whole(stream):
        """The bytes of one request with a Content-Length."""
        head, length = b"", 0
        while not head.endswith(b"\r\n\r\n"):
            line = stream.readline()
            head += line
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return head + stream.read(length)

    def serve(self, connection):
        with connection, connection.makefile("rb") as stream:
            request = self.whole(stream)
            with self.upstream.open() as server:
                server.sendall(request)
                reply = http.client.HTTPResponse(server)
                reply.begin()
                reply.read()
                self.swallowed.append(reply.status)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)


@pytest.fixture
def swallower(stack):
    proxy = ReplySwallower(stack.public)
    yield proxy
    proxy.close()


def ask_and_reset(stack, headers, key, title):
    """Sends the whole request and resets the connection without waiting for anything."""
    body = json.dumps(wanted(title=title)).encode()
    lines = [f"POST {INVITE} HTTP/1.1", "Host: localhost", "Content-Type: application/json",
             f"Content-Length: {len(body)}", f"Idempotency-Key: {key}",
             *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    connection = stack.public.open()
    connection.sendall("\r\n".join(lines).encode() + body)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    connection.close()


def one_client(stack, swallower, headers, number, key, title):
    """What client number gets to see of its request: an answer or None."""
    if number % 4 == 1:
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            Client(swallower.port).request(
                "POST", INVITE, data=wanted(title=title),
                headers={**headers, "Idempotency-Key": key, "Connection": "close"})
        return None
    if number % 4 == 2:
        ask_and_reset(stack, headers, key, title)
        return None
    return invite(stack, headers, key=key, title=title)


def final_answer(stack, headers, key, title):
    """The answer of a client who goes on until there is one."""
    last = []

    def good():
        last.append(invite(stack, headers, key=key, title=title))
        return last[-1] if last[-1].status == 200 else None
    return wait_for(good, 60, "a final answer", interval=0.1)


def check_answer(answer, fault):
    """200, or 409 while the first runs, or the documented 500 of a call that was spoiled."""
    if answer.status == 409:
        assert answer.json["code"] == "request_running"
        assert int(answer.headers["Retry-After"]) >= 1
    elif answer.status == 500:
        assert fault not in (None, SLOW) and answer.json["code"] == "provider_error"
    else:
        assert answer.status == 200, answer.text


def test_a_key_makes_one_event_whoever_loses_which_answer(stack, host, swallower):
    seen = Counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        for number in range(ROUNDS):
            key, title = f"round-{number}", f"Chat {number}"
            fault = FAULTS[number % len(FAULTS)]
            if fault:
                stack.sandbox.fault(match={**INSERT, "body": f'"{title}"'}, **fault)
            answers = list(pool.map(
                lambda n: one_client(stack, swallower, host, n, key, title), range(CLIENTS)))
            last = final_answer(stack, host, key, title)
            for answer in filter(None, answers):
                check_answer(answer, fault)
                seen[answer.status] += 1
                assert answer.status != 200 or answer.json == last.json
            assert invite(stack, host, key=key, title="Another chat").status == 422
            standing = [event for event in events(stack) if event["summary"] == title]
            assert [event["id"] for event in standing] == [last.json["calendarEventId"]]
            assert mails(stack, event=standing[0]["id"]) == Counter(GUESTS)
    figures.show(f"one key, {CLIENTS} clients, {ROUNDS} rounds: answers {dict(seen)}, swallowed "
                 f"{dict(Counter(swallower.swallowed))}")
    assert len(events(stack)) == len(rows(stack)) == ROUNDS
    assert len(swallower.swallowed) == ROUNDS * CLIENTS // 4
    assert stack.sandbox.violations() == []
