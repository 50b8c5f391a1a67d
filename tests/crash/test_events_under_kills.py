"""Bookings under load while random workers are killed: each client repeats, with its key, until it
is answered. Not one is lost or doubled, and each guest is told once.
"""

import json
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Lock, Thread

import pytest
from bookings import PROVIDERS, rows, teacher_at
from conftest import crash_stack, credential
from flows import new_key
from stack import figures
from stack.processes import wait_for

BOOKINGS = figures.size(2000, 200)
KILLS = figures.size(20, 4)
TEACHERS = 8        # each with an account of his own: a mailbox is asked by four at once at most
CLIENTS = 16
ANSWERS = {201, 409, 429, 502, 503, 504}
PATIENCE_S = 120


@pytest.fixture(scope="module")
def stack():
    yield from crash_stack(WORKERS="2", THREADS="32", INTENT_LEASE_S="5", INTENT_SETTLE_S="60",
                           RATE_KEY_PER_MIN="1000000")


@pytest.fixture(params=PROVIDERS)
def teachers(clean, request):
    """Several instructors of one client application."""
    key = new_key(clean)
    made = []
    for n in range(TEACHERS):
        account = f"teacher{n}@example.com"
        clean.sandbox.add_account(account)
        made.append(teacher_at(clean, lambda owner: credential(clean, owner), request.param,
                               f"teacher-{n}", account, key))
    return made


class Load:
    """Clients that book as fast as they are answered, and repeat what was not answered well."""

    def __init__(self, teachers):
        self.teachers, self.lock = teachers, Lock()
        self.statuses, self.told = Counter(), {}
        self.pool = ThreadPoolExecutor(CLIENTS)
        self.runs = [self.pool.submit(self.book, number) for number in range(BOOKINGS)]

    def book(self, number):
        """One booking, under a key of its own, until it is made."""
        teacher, guest = self.teachers[number % TEACHERS], f"guest{number}@example.org"

        def made():
            answer = teacher.create(key=f"booking-{number}", summary=f"Lesson {number}",
                                    attendees=[{"email": guest}])
            with self.lock:
                self.statuses[answer.status] += 1
                if answer.status == 201:
                    self.told[number] = answer.json
            assert answer.status in ANSWERS, (answer.status, answer.text)
            return answer.status == 201
        wait_for(made, PATIENCE_S, f"booking {number}", interval=0.2)

    def answered(self):
        with self.lock:
            return len(self.told)

    def finish(self):
        for run in self.runs:
            run.result(600)
        self.pool.shutdown()


def kill_now_and_then(stack, load):
    """kill -9 of a random worker, evenly over all bookings; whom it met."""
    for kill in range(KILLS):
        at = (kill + 1) * BOOKINGS // (KILLS + 1)
        wait_for(lambda: load.answered() >= at, 300, f"{at} answers", interval=0.002)
        pids = wait_for(stack.worker_pids, 10, "workers")
        stack.kill_worker(random.choice(pids))


def test_no_booking_is_lost_or_doubled_while_workers_are_killed(stack, teachers):
    load = Load(teachers)
    killer = Thread(target=kill_now_and_then, args=(stack, load))
    killer.start()
    load.finish()
    killer.join(60)
    assert not killer.is_alive() and len(load.told) == BOOKINGS
    side = teachers[0].side
    standing = {side.id_of(event): side.title(event)
                for teacher in teachers for event in teacher.events()}
    assert Counter(standing.values()) == {f"Lesson {n}": 1 for n in range(BOOKINGS)}
    assert standing == {one["providerEventId"]: one["summary"] for one in load.told.values()}
    mails = Counter((one["to"], one["kind"]) for one in stack.sandbox.mail())
    assert mails == {(f"guest{n}@example.org", "invite"): 1 for n in range(BOOKINGS)}
    kept = rows(stack)
    assert Counter((row["state"], row["answered"]) for row in kept) == {("placed", 1): BOOKINGS}
    assert {row["event_ref"] for row in kept} == {one["id"] for one in load.told.values()}
    assert all(json.loads(row["answer"])["id"] == row["event_ref"] for row in kept)
    figures.show(f"{BOOKINGS} bookings at {side.name}, {KILLS} kills: answers "
                 f"{dict(sorted(load.statuses.items()))}")
