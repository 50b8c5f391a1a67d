"""Workers killed with SIGKILL under load: no client notices, nothing is doubled or half-written.

A tenth of the size in `make check`; 100 kills in 100,000 requests in `make long-check`.
"""

import http.client
import json
import random
import ssl
import time
from collections import Counter
from threading import Lock, Thread

import pytest
from conftest import crash_stack, credential
from flows import INVITE, connect, events, inserts, mails, rows, wanted
from stack import figures
from stack.processes import wait_for

REQUESTS = figures.size(100_000, 10_000)
KILL_EVERY = 1000
ROUND = 2000        # after so many requests everything is counted
CLIENTS = 16
RESPAWN_S = 1.0
SLACK_S = 0.5         # what a handed on request may cost beyond its second run


@pytest.fixture(scope="module", params=[2, 1], ids=["two workers", "one worker"])
def stack(request):
    yield from crash_stack(WORKERS=str(request.param), THREADS="32", INTENT_LEASE_S="15",
                           INTENT_SETTLE_S="60")


class Load:
    """Clients that post invites as fast as they are answered, each on a connection of its own."""

    def __init__(self, stack, headers, count):
        self.stack, self.headers, self.left = stack, headers, list(range(count))
        self.lock = Lock()
        self.answers = []       # number, status, seconds
        self.events = {}        # our id: the title that was asked for
        self.context = ssl.create_default_context(cafile=stack.authority.certificate)
        self.threads = [Thread(target=self.work, daemon=True) for _ in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def work(self):
        connection = http.client.HTTPSConnection("localhost", self.stack.ports[0], timeout=60,
                                                 context=self.context)
        while True:
            with self.lock:
                if not self.left:
                    break
                number = self.left.pop()
            self.ask(connection, number)
        connection.close()

    def ask(self, connection, number):
        """One invite; a connection that breaks is an answer too, and a failure."""
        title = f"Chat {number}"
        body = json.dumps(wanted(title=title, inviteeEmails=["milan@example.org"]))
        begun = time.monotonic()
        try:
            connection.request("POST", INVITE, body,
                               {**self.headers, "Content-Type": "application/json"})
            reply = connection.getresponse()
            status, told = reply.status, json.loads(reply.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            connection.close()
            status, told = repr(error), {}
        with self.lock:
            self.answers.append((number, status, time.monotonic() - begun))
            if status == 200:
                self.events[told["calendarEventId"]] = title

    def answered(self):
        with self.lock:
            return len(self.answers)

    def finish(self):
        for thread in self.threads:
            thread.join()

    def slowest(self):
        return max(seconds for _, _, seconds in self.answers)


def kill_one(stack, workers):
    """kill -9 of any worker; how long the place was empty."""
    pids = wait_for(lambda: len(stack.worker_pids()) == workers and stack.worker_pids(), 10,
                    "all workers")
    victim = stack.kill_worker(random.choice(pids))
    begun = time.monotonic()
    wait_for(lambda: victim not in stack.worker_pids() and len(stack.worker_pids()) == workers, 10,
             "a new worker", interval=0.005)
    return time.monotonic() - begun


def provider_time(stack):
    """What the slowest call took at the provider, of those that it answered."""
    return max(one["answered"] - one["time"] for one in inserts(stack)
               if one["outcome"] == "answered")


def check_counts(stack, load, count):
    """Every request was answered with 200, stands once, and its guest was told once."""
    assert Counter(status for _, status, _ in load.answers) == {200: count}
    assert {event["id"]: event["summary"] for event in events(stack)} == load.events
    assert Counter(load.events.values()) == {f"Chat {n}": 1 for n in range(count)}
    kept = rows(stack)
    assert Counter(row["state"] for row in kept) == {"placed": count}
    assert {row["provider_event_id"] for row in kept} == set(load.events)
    assert mails(stack) == {"milan@example.org": count}


def test_no_client_fails_while_workers_are_killed(stack):
    workers = int(stack.settings["WORKERS"])
    provider, slowest, respawns = 0.0, [], []
    for _ in range(REQUESTS // ROUND):
        stack.schema.clean()
        stack.reset_sandbox()
        headers = credential(stack)
        connect(stack, headers)
        load = Load(stack, headers, ROUND)
        for at in range(KILL_EVERY // 2, ROUND, KILL_EVERY):
            wait_for(lambda: load.answered() >= at, 120, f"{at} answers", interval=0.002)
            respawns.append(kill_one(stack, workers))
        load.finish()
        check_counts(stack, load, ROUND)
        slowest.append(load.slowest())
        provider = max(provider, provider_time(stack))
    assert len(respawns) == REQUESTS // KILL_EVERY
    figures.check_time(f"slowest of {REQUESTS} requests, {len(respawns)} kills, {workers} worker(s)",
                       slowest, 2 * provider + SLACK_S)
    figures.check_time(f"a new one of {workers} worker(s)", respawns, RESPAWN_S)


def test_a_worker_that_dies_young_is_replaced_within_a_second_too(stack):
    workers = int(stack.settings["WORKERS"])
    figures.check_time(f"a new one of {workers} worker(s) for one that died young",
                       [kill_one(stack, workers) for _ in range(8)], RESPAWN_S)
