"""Whoever holds the refresh may die or stand still: the next caller takes over, and what is stored
is the newest token that the provider gave, never an older one over a newer.

Ten rounds in `make check`, a hundred of each in `make long-check`.
"""

import contextlib
import os
import signal
import time
from collections import Counter
from urllib.parse import parse_qs

import pytest
from conftest import crash_stack, in_background, kill_workers
from consent import ACCOUNT, audits, bearer_of, connections, expire, living, token_calls
from flows import events, inserts, invite, refreshes
from stack import figures
from stack.guard import stat_fields
from stack.processes import wait_for

ROUNDS = figures.size(100, 10)
LEASE_S = 1
SLACK_S = 1.0       # a call at the provider, a new worker, an event
REFRESH = {"path": "^/google/token$", "body": "refresh_token"}


@pytest.fixture(scope="module")
def stack():
    yield from crash_stack(REFRESH_LEASE_S=str(LEASE_S), REFRESH_HOLDOFF_S="1", WORKERS="2",
                           INTENT_LEASE_S="15", INTENT_SETTLE_S="60")


@pytest.fixture
def patient(stack):
    """The lease outlasts what is done to the database."""
    stack.reconfigure(REFRESH_LEASE_S="15")
    yield
    stack.reconfigure(REFRESH_LEASE_S=str(LEASE_S))


def is_stopped(pid):
    return stat_fields(pid)[0] in (b"T", b"t")


def stand_still(pid):
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: is_stopped(pid), what="a process to stand still")


def go_on(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def two_workers(stack):
    return wait_for(lambda: len(stack.worker_pids()) == 2 and stack.worker_pids(),
                    what="two workers")


def begin_round(stack, kind, rotation):
    """A token that has run out, and a provider that keeps the first call for a new one."""
    stack.sandbox.reset()
    stack.sandbox.settings(refresh_refresh_token=rotation)
    expire(stack)
    stack.sandbox.fault(kind, match=REFRESH)


def call(stack, headers, name):
    return in_background(invite, stack, headers, title=name, inviteeEmails=[])


@contextlib.contextmanager
def held_by_one(stack, headers, kind, rotation, name):
    """A first request whose refresh is held at the provider, and the worker that is at it."""
    holder, other = two_workers(stack)
    begin_round(stack, kind, rotation)
    with contextlib.ExitStack() as later:
        for pid in (holder, other):
            later.callback(go_on, pid)
        stand_still(other)      # so that it is the holder who takes the request
        first = call(stack, headers, name)
        stack.sandbox.held()
        go_on(other)
        yield holder, first


def nobody_is_held(stack):
    return not stack.sandbox.control("GET", "held")["held"]


def check_newest_is_stored(stack, headers):
    """The next call uses the newest access token, and the next refresh the newest refresh token."""
    refresh, access = living(stack)
    assert invite(stack, headers, title="Which token?", inviteeEmails=[]).status == 200
    assert bearer_of(inserts(stack)[-1]) == access
    stack.sandbox.clear_faults()
    expire(stack)
    assert invite(stack, headers, title="Which refresh token?", inviteeEmails=[]).status == 200
    assert parse_qs(token_calls(stack)[-1]["body"])["refresh_token"] == [refresh]
    row, = connections(stack)
    assert (row["status"], row["lease_owner"]) == ("active", None)


def test_the_next_one_takes_over_from_a_holder_that_was_killed(stack, host):
    seconds = []
    for i in range(ROUNDS):
        with held_by_one(stack, host, "hold", "rotated", f"Round {i}, first") as (holder, first):
            begun = time.monotonic()
            os.kill(holder, signal.SIGKILL)
            assert call(stack, host, f"Round {i}, next").result(60).status == 200
            seconds.append(time.monotonic() - begun)
            # The web server has handed the first request on to the other worker.
            assert first.result(60).status == 200
        assert [one["outcome"] for one in token_calls(stack)] == ["left", "answered"]
        check_newest_is_stored(stack, host)
        assert stack.sandbox.violations() == []
    assert audits(stack, "reauth_required") == []
    figures.check_time("a refresh taken over from a holder that was killed", seconds,
                       LEASE_S + SLACK_S)


@pytest.mark.parametrize("kind, rotation", [("hold", "rotated"), ("store_then_hold", "withheld")])
def test_the_next_one_takes_over_from_a_holder_that_stands_still(stack, host, kind, rotation):
    seconds = []
    for i in range(ROUNDS):
        with held_by_one(stack, host, kind, rotation, f"Round {i}, first") as (holder, first):
            stand_still(holder)
            begun = time.monotonic()
            assert call(stack, host, f"Round {i}, next").result(60).status == 200
            seconds.append(time.monotonic() - begun)
            newest = living(stack)
            if i % 2:
                stack.sandbox.release()     # the old answer comes before the holder goes on
                wait_for(lambda: nobody_is_held(stack), what="the held call to be answered")
        assert first.result(60).status == 200
        wait_for(lambda: nobody_is_held(stack), what="the held call to end")
        assert refreshes(stack) == 2
        assert {bearer_of(one) for one in inserts(stack)} <= {newest[1]}
        if kind == "hold":
            assert living(stack) == newest
        stored(stack, host, newest)
    assert audits(stack, "reauth_required") == []
    figures.check_time("a refresh taken over from a holder that stands still", seconds,
                       LEASE_S + SLACK_S)


def stored(stack, headers, newest):
    """As check_newest_is_stored, of what was the newest when the next one had taken over."""
    assert invite(stack, headers, title="Which token?", inviteeEmails=[]).status == 200
    assert bearer_of(inserts(stack)[-1]) == newest[1]
    stack.sandbox.reset()
    expire(stack)
    assert invite(stack, headers, title="Which refresh token?", inviteeEmails=[]).status == 200
    assert parse_qs(token_calls(stack)[-1]["body"])["refresh_token"] == [newest[0]]
    assert stack.sandbox.violations() == []
    row, = connections(stack)
    assert (row["status"], row["lease_owner"]) == ("active", None)


def test_all_who_wait_are_served_by_the_one_that_takes_over(stack, host):
    begin_round(stack, "hold", "rotated")
    waiting = [call(stack, host, f"Caller {i}") for i in range(24)]
    stack.sandbox.held()
    kill_workers(stack)
    assert Counter(one.result(60).status for one in waiting) == {200: 24}
    assert refreshes(stack) == 2 and len(events(stack)) == 24
    assert stack.sandbox.violations() == []


def test_a_holder_killed_after_the_provider_had_answered_is_replaced(stack, host):
    for i in range(3):
        with held_by_one(stack, host, "store_then_hold", "withheld", f"Round {i}") as (holder,
            first):
            os.kill(holder, signal.SIGKILL)
            assert first.result(60).status == 200
        assert refreshes(stack) == 2
        check_newest_is_stored(stack, host)


def test_a_lease_of_a_dead_holder_keeps_nobody_out_for_longer_than_it_lasts(stack, host):
    begin_round(stack, "hold", "rotated")
    waiting = call(stack, host, "Killed with all the rest")
    stack.sandbox.held()
    stack.fcgi.finish()
    assert waiting.result(60).status == 502
    row, = connections(stack)
    assert row["lease_owner"] is not None
    stack.fcgi.start(stack.is_ready)
    answer = invite(stack, host, title="Later", inviteeEmails=[])
    assert answer.status == 200
    figures.check_time("the lease of a holder that died with all others", [answer.seconds],
                       LEASE_S + SLACK_S)
    check_newest_is_stored(stack, host)


# --- between the provider's answer and our commit ---

def kill_connections(stack):
    """Ends every connection of the application to its database."""
    for row in stack.sql("SELECT id FROM information_schema.processlist WHERE user = 'calbridge'"):
        with contextlib.suppress(Exception):    # it may have ended by itself
            stack.sql(f"KILL {int(row['id'])}")


def test_a_rotated_token_survives_the_loss_of_every_connection_before_it_is_saved(
        stack, host, patient):
    for i in range(3):
        begin_round(stack, "store_then_hold", "rotated")
        waiting = call(stack, host, f"Round {i}")
        stack.sandbox.held()
        kill_connections(stack)
        stack.sandbox.release()
        assert waiting.result(60).status == 200
        assert refreshes(stack) == 1
        check_newest_is_stored(stack, host)
        assert stack.sandbox.violations() == []


def test_a_rotated_token_survives_the_loss_of_the_connection_while_it_is_being_saved(
        stack, host, patient):
    locker = stack.mariadb.connect(database=stack.schema.name)
    locker.autocommit(False)
    try:
        begin_round(stack, "store_then_hold", "rotated")
        waiting = call(stack, host, "Cut off")
        stack.sandbox.held()
        with locker.cursor() as cursor:
            cursor.execute("SELECT id FROM coach_calendar_connections FOR UPDATE")
        stack.sandbox.release()
        # The server renews this table only for who has not read it in the last 100 ms.
        blocked = wait_for(lambda: stack.sql(
            "SELECT trx_mysql_thread_id AS id FROM information_schema.innodb_trx "
            "WHERE trx_state = 'LOCK WAIT'"), what="a save that waits for its row", interval=0.15)
        for row in blocked:
            stack.sql(f"KILL {int(row['id'])}")
        locker.rollback()
    finally:
        locker.close()
    assert waiting.result(60).status == 200
    assert refreshes(stack) == 1
    check_newest_is_stored(stack, host)
    assert stack.sandbox.violations() == []


def test_a_rotated_token_outlives_a_database_that_is_killed_and_comes_back(stack, host, patient):
    begin_round(stack, "store_then_hold", "rotated")
    waiting = call(stack, host, "Kept in memory")
    stack.sandbox.held()
    stack.mariadb.kill()
    try:
        stack.sandbox.release()
        wait_for(lambda: token_calls(stack)[0]["outcome"] == "answered", what="the answer to leave")
    finally:
        stack.mariadb.start()
    assert waiting.result(60).status == 200
    assert refreshes(stack) == 1
    check_newest_is_stored(stack, host)
    assert stack.sandbox.violations() == []
    assert len(events(stack, ACCOUNT)) == 3
