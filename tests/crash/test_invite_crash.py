"""kill -9 at every step of an invite: one event, one mail to each guest.

Each step is held, then the workers die; what follows is one of: the web server hands the
request on, the client asks again, or nobody does and calbridge-sync finishes it.
"""

import json
import os
import signal

import pytest
from conftest import (STEPS, AfterTheIntent, AfterTheProviderStored, BeforeTheIntent, in_background,
                      kill_everything, kill_workers, stop_process)
from flows import (ACCOUNT, check_nothing, check_once, events, inserts, invite, rows)
from stack.processes import wait_for

KEYS = pytest.mark.parametrize("key", [None, "a1"], ids=["without key", "with key"])


@pytest.fixture(params=STEPS, ids=lambda step: step.__name__)
def step(request):
    return request.param


def asked_again(stack, host, key):
    """The same request once more, by a client who heeds 409 and Retry-After."""
    answers = []

    def final():
        answers.append(invite(stack, host, key=key))
        if answers[-1].status == 409:
            assert key and answers[-1].json["code"] == "request_running"
            assert int(answers[-1].headers["Retry-After"]) >= 1
            return None
        return answers[-1]
    return wait_for(final, 30, "an answer that is not 409", interval=0.1)


def dies_with_everything(stack, host, step, key=None):
    """An invite reaches the step, then parent and workers are killed; the client hears of it."""
    held = step(stack)
    first = in_background(invite, stack, host, key=key)
    held.reached()
    kill_everything(stack)
    held.let_go()
    answer = first.result(60)
    assert (answer.status, answer.json["code"]) == (502, "service_unavailable")
    assert [row["state"] for row in rows(stack)] == ["intended"] * held.committed
    assert len(events(stack)) == held.called
    return held


def start_again(stack):
    stack.fcgi.start(stack.is_ready)


@KEYS
def test_a_request_whose_worker_dies_is_handed_on_and_answered(stack, host, step, key):
    held = step(stack)
    answer = in_background(invite, stack, host, key=key)
    held.reached()
    before = set(stack.worker_pids())
    kill_workers(stack)
    held.let_go()
    check_once(stack, answer.result(60))
    assert not before & set(stack.worker_pids())
    assert len({json.loads(one["body"])["id"] for one in inserts(stack)}) == 1


@KEYS
def test_after_the_end_of_all_the_same_request_finds_its_event(stack, host, step, key):
    dies_with_everything(stack, host, step, key)
    start_again(stack)
    check_once(stack, asked_again(stack, host, key))


def test_what_nobody_asks_for_again_is_finished_by_calbridge_sync(stack, host, step):
    held = dies_with_everything(stack, host, step)
    stack.start_sync()
    if held.committed:
        wait_for(lambda: rows(stack)[0]["state"] == "placed", 20, "calbridge-sync")
        check_once(stack)
    else:
        check_nothing(stack)


@KEYS
def test_what_calbridge_sync_has_finished_is_told_to_who_asks_later(stack, host, step, key):
    held = dies_with_everything(stack, host, step, key)
    stack.start_sync()
    if held.committed:
        wait_for(lambda: rows(stack)[0]["state"] == "placed", 20, "calbridge-sync")
    start_again(stack)
    check_once(stack, asked_again(stack, host, key))


@KEYS
def test_client_and_calbridge_sync_may_both_go_on_with_it(stack, host, step, key):
    dies_with_everything(stack, host, step, key)
    stack.start_sync()
    start_again(stack)
    check_once(stack, asked_again(stack, host, key))


def test_calbridge_sync_may_die_at_it_too(stack, host):
    dies_with_everything(stack, host, AfterTheIntent)
    held = AfterTheProviderStored(stack)
    stack.start_sync()
    held.reached()
    stack.sync.finish()
    held.let_go()
    assert [row["state"] for row in rows(stack)] == ["intended"]
    stack.start_sync()
    wait_for(lambda: rows(stack)[0]["state"] == "placed", 20, "calbridge-sync")
    check_once(stack)


def test_every_run_of_a_request_may_die_but_the_last(stack, host):
    for step in (BeforeTheIntent, AfterTheIntent, AfterTheProviderStored):
        held = step(stack)
        first = in_background(invite, stack, host)
        held.reached()
        kill_everything(stack)
        held.let_go()
        assert first.result(60).status == 502
        start_again(stack)
    check_once(stack, asked_again(stack, host, None))


@KEYS
def test_a_repetition_whose_worker_dies_is_handed_on_too(stack, host, key):
    dies_with_everything(stack, host, AfterTheIntent, key)
    start_again(stack)
    wait_for(lambda: stack.sql("SELECT id FROM calendar_event_mappings "
                               "WHERE claim_until <= UTC_TIMESTAMP(3)"), 10, "the claim's end")
    held = AfterTheProviderStored(stack)
    answer = in_background(invite, stack, host, key=key)
    held.reached()
    kill_workers(stack)
    held.let_go()
    check_once(stack, answer.result(60))


@KEYS
def test_a_dead_workers_call_may_arrive_after_all(stack, host, key):
    held = AfterTheIntent(stack, keep=True)
    answer = in_background(invite, stack, host, key=key)
    held.reached()
    kill_workers(stack)
    told = answer.result(60)
    assert len(events(stack)) == 1
    stack.sandbox.release()
    wait_for(lambda: all(one["outcome"] != "open" for one in inserts(stack)), 10, "the late call")
    check_once(stack, told)


def test_a_dead_workers_call_may_arrive_before_it_is_repeated(stack, host):
    held = AfterTheIntent(stack, keep=True)
    first = in_background(invite, stack, host)
    held.reached()
    kill_everything(stack)
    assert first.result(60).status == 502
    stack.sandbox.release()
    wait_for(lambda: events(stack), 10, "the late call")
    start_again(stack)
    check_once(stack, asked_again(stack, host, None))


class Sleeper:
    """An invite whose worker is stopped while the provider's answer is under way."""

    def __init__(self, stack, host, key):
        self.stack = stack
        idle, self.pid = wait_for(lambda: len(stack.worker_pids()) == 2 and stack.worker_pids(),
                                  10, "two workers")
        stop_process(idle)
        held = AfterTheProviderStored(stack)
        self.answer = in_background(invite, stack, host, key=key)
        held.reached()
        stop_process(self.pid)
        os.kill(idle, signal.SIGCONT)

    def wake_up(self):
        self.stack.sandbox.release()
        os.kill(self.pid, signal.SIGCONT)
        return self.answer.result(60)


@KEYS
def test_a_worker_that_wakes_up_after_its_claim_tells_the_others_result(stack, host, key):
    sleeper = Sleeper(stack, host, key)
    second = asked_again(stack, host, key)
    check_once(stack, second)
    first = sleeper.wake_up()
    check_once(stack, first)
    assert first.json == second.json


@KEYS
def test_a_worker_that_wakes_up_after_its_claim_writes_nothing(stack, host, key):
    sleeper = Sleeper(stack, host, key)
    stack.sandbox.delete_event(ACCOUNT, events(stack)[0]["id"])
    second = asked_again(stack, host, key)
    standing, = events(stack)
    assert second.json["calendarEventId"] == standing["id"]
    assert sleeper.wake_up().json == second.json
    row, = rows(stack)
    assert (row["provider_event_id"], row["generation"]) == (standing["id"], 1)


def test_an_event_that_somebody_deleted_in_between_is_made_again_under_the_next_id(stack, host):
    dies_with_everything(stack, host, AfterTheProviderStored)
    gone = events(stack)[0]["id"]
    stack.sandbox.delete_event(ACCOUNT, gone)
    start_again(stack)
    answer = asked_again(stack, host, None)
    standing, = events(stack)
    assert answer.json["calendarEventId"] == standing["id"] != gone


def test_killed_workers_leave_nothing_half_written(stack, host, step):
    held = step(stack)
    answer = in_background(invite, stack, host)
    held.reached()
    kill_workers(stack)
    held.let_go()
    assert answer.result(60).status == 200
    row, = stack.sql("SELECT state, claim_until, error, placed_at, html_link, event, replay_key, "
                     "request_id FROM calendar_event_mappings")
    assert (row["state"], row["claim_until"], row["error"]) == ("placed", None, None)
    assert row["placed_at"] and row["html_link"] and row["event"] is None
    assert row["request_id"] == answer.result().headers["X-Request-Id"]
    assert stack.sql("SELECT lease_owner FROM coach_calendar_connections "
                     "WHERE lease_until > UTC_TIMESTAMP(3)") == []
