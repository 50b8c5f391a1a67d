"""kill -9 at every step of making, changing and removing an event.

Each step is held, then the workers die; what follows is one of: the web server hands the
request on, the client asks again, or nobody does. One event, and each guest is told once.
"""

import json

import pytest
from bookings import GUESTS, PROVIDERS, STUDENT, check_once, people, rows
from conftest import (STEPS, AfterTheIntent, BeforeTheSecondCommit, HeldByItsRow, in_background,
                      kill_everything, kill_workers)
from stack.processes import wait_for

ANA, BY_HAND, NEW = GUESTS[0], "parent@example.org", "new@example.org"
KEYS = pytest.mark.parametrize("key", [None, "a1"], ids=["without key", "with key"])
MOVED = {"startTime": "2031-05-07T16:00:00Z", "endTime": "2031-05-07T17:00:00Z"}


@pytest.fixture(params=PROVIDERS)
def provider(request):
    return request.param


def start_again(stack):
    stack.fcgi.start(stack.is_ready)


def dies(held, request, *args, **options):
    """The request reaches the step, then parent and workers are killed; its client hears of it."""
    first = in_background(request, *args, **options)
    held.reached()
    kill_everything(held.stack)
    held.let_go()
    answer = first.result(60)
    assert (answer.status, answer.json["code"]) == (502, "service_unavailable")
    start_again(held.stack)


def is_handed_on(held, request, *args, **options):
    """The request reaches the step, then all workers are killed; the answer of the next ones."""
    answer = in_background(request, *args, **options)
    held.reached()
    kill_workers(held.stack)
    held.let_go()
    return answer.result(60)


# --- making ---

@pytest.fixture(params=STEPS, ids=lambda step: step.__name__)
def step(request):
    return request.param


def made_again(teacher, key):
    """The same booking once more, by a client who heeds 409 and Retry-After."""
    def final():
        answer = teacher.create(key=key)
        if answer.status == 409:
            assert key and answer.json["code"] == "request_running"
            return None
        return answer
    return wait_for(final, 30, "an answer that is not 409", interval=0.1)


def check_told_whole(teacher, answer):
    """What is told after a crash is what would have been told without."""
    check_once(teacher, answer)
    told = answer.json
    assert told == teacher.get(told["id"]).json
    assert told["summary"] and told["htmlLink"] and told["iCalUID"] and told["created"]


@KEYS
def test_a_booking_whose_worker_dies_is_handed_on_and_answered(teacher, step, key):
    answer = is_handed_on(step(teacher.stack), teacher.create, key=key)
    check_told_whole(teacher, answer)


@KEYS
def test_after_the_end_of_all_the_same_booking_finds_its_event(teacher, step, key):
    dies(step(teacher.stack), teacher.create, key=key)
    check_told_whole(teacher, made_again(teacher, key))


@KEYS
def test_calbridge_sync_finishes_it_and_who_asks_again_is_told_all(teacher, step, key):
    dies(step(teacher.stack), teacher.create, key=key)
    if step.committed:
        teacher.stack.start_sync()
        wait_for(lambda: rows(teacher.stack)[0]["state"] == "placed", 20, "calbridge-sync")
        row, = rows(teacher.stack)
        assert row["answered"] == 0 and json.loads(row["answer"])["id"] == row["event_ref"]
    check_told_whole(teacher, made_again(teacher, key))


@KEYS
def test_a_dead_workers_call_may_arrive_after_all(teacher, key):
    held = AfterTheIntent(teacher.stack, keep=True)
    answer = in_background(teacher.create, key=key)
    held.reached()
    kill_workers(teacher.stack)
    told = answer.result(60)
    teacher.stack.sandbox.release()
    wait_for(lambda: all(one["outcome"] != "open" for one in teacher.calls("POST")), 10,
             "the late call")
    check_told_whole(teacher, told)


# --- changing ---

class BeforeOursAreNoted(HeldByItsRow):
    """What stands has been read; that the guests asked for are ours is not written yet."""

    def __init__(self, stack):
        super().__init__(stack)
        self.lock_rows()


class BeforeTheChange(AfterTheIntent):
    """The guests are noted; the provider has the call and has not acted on it."""

    match = {"method": "PATCH"}


class AfterTheChange(BeforeTheChange):
    """It is changed; the answer is under way."""

    def __init__(self, stack):
        super().__init__(stack, "store_then_hold")


class BeforeItIsNoted(BeforeTheSecondCommit):
    """The provider has answered; which guests are ours from now on is not written yet."""

    match = {"method": "PATCH"}


CHANGE_STEPS = pytest.mark.parametrize(
    "step", [BeforeOursAreNoted, BeforeTheChange, AfterTheChange, BeforeItIsNoted],
    ids=lambda step: step.__name__)
CHANGE = {"attendees": people(STUDENT, NEW), **MOVED}


@pytest.fixture
def event_id(teacher):
    """A booking with two guests, one of whom has accepted, and one by hand."""
    told = teacher.made(attendees=people(*GUESTS))
    theirs = teacher.provider_id()
    teacher.hands("respond", theirs, STUDENT, "accepted")
    teacher.hands("add_guest", theirs, BY_HAND)
    teacher.hands("respond", theirs, BY_HAND, "tentative")
    return told["id"]


def check_changed(teacher, answer):
    """The event is as asked for, answers and the guest by hand stay, each was told once."""
    assert answer.status == 200, (answer.status, answer.text)
    assert teacher.side.start(teacher.standing()).startswith("2031-05-07")
    assert teacher.guests() == {STUDENT: "accepted", NEW: "needsAction", BY_HAND: "tentative"}
    assert teacher.mails() == {
        (ANA, "invite"): 1, (STUDENT, "invite"): 1, (BY_HAND, "invite"): 1, (NEW, "invite"): 1,
        (ANA, "cancel"): 1, (STUDENT, "update"): 1, (BY_HAND, "update"): 1}
    row, = rows(teacher.stack)
    assert [one["email"] for one in json.loads(row["event"])["attendees"]] == [STUDENT, NEW]


@CHANGE_STEPS
def test_a_change_whose_worker_dies_is_handed_on_and_made_once(teacher, event_id, step):
    answer = is_handed_on(step(teacher.stack), teacher.change, event_id, **CHANGE)
    check_changed(teacher, answer)


@CHANGE_STEPS
def test_after_the_end_of_all_the_same_change_is_made_once(teacher, event_id, step):
    dies(step(teacher.stack), teacher.change, event_id, **CHANGE)
    check_changed(teacher, teacher.change(event_id, **CHANGE))


@CHANGE_STEPS
def test_of_a_change_that_nobody_repeats_no_guest_changes_sides(teacher, event_id, step):
    """Whoever was asked for is ours and can be taken off; who was added by hand stays."""
    dies(step(teacher.stack), teacher.change, event_id, **CHANGE)
    assert teacher.change(event_id, attendees=people("other@example.org")).status == 200
    assert teacher.guests() == {"other@example.org": "needsAction", BY_HAND: "tentative"}


@CHANGE_STEPS
def test_a_move_dies_and_is_repeated_without_a_second_mail(teacher, event_id, step):
    if issubclass(step, HeldByItsRow):
        pytest.skip("a move alone writes nothing of ours")
    dies(step(teacher.stack), teacher.change, event_id, **MOVED)
    answer = teacher.change(event_id, **MOVED)
    assert answer.status == 200
    assert {teacher.mails()[guest, "update"] for guest in (*GUESTS, BY_HAND)} == {1}
    assert teacher.guests() == {ANA: "needsAction", STUDENT: "accepted", BY_HAND: "tentative"}


def test_a_dead_workers_change_that_arrives_late_changes_nothing(teacher, event_id):
    held = BeforeTheChange(teacher.stack, keep=True)
    answer = in_background(teacher.change, event_id, **CHANGE)
    held.reached()
    kill_workers(teacher.stack)
    told = answer.result(60)
    assert teacher.change(event_id, summary="Later").status == 200
    teacher.stack.sandbox.release()
    wait_for(lambda: all(one["outcome"] != "open" for one in teacher.calls("PATCH")), 10,
             "the late call")
    assert told.status == 200 and teacher.get(event_id).json["summary"] == "Later"
    assert {teacher.mails()[guest, "update"] for guest in (STUDENT, BY_HAND)} == {2}
    assert set(teacher.guests()) == {STUDENT, NEW, BY_HAND}


# --- removing ---

class BeforeTheDrop(AfterTheIntent):
    """The provider has the call and has not acted on it."""

    match = {"method": "DELETE"}


class AfterTheDrop(BeforeTheDrop):
    """It is gone; the answer is under way."""

    def __init__(self, stack):
        super().__init__(stack, "store_then_hold")


class BeforeItsEndIsNoted(BeforeTheSecondCommit):
    """The provider has answered; that it is gone is not written yet."""

    match = {"method": "DELETE"}


REMOVE_STEPS = pytest.mark.parametrize("step", [BeforeTheDrop, AfterTheDrop, BeforeItsEndIsNoted],
                                       ids=lambda step: step.__name__)


def check_removed(teacher, answer, event_id):
    assert answer.status == 204
    assert teacher.events() == [] and rows(teacher.stack)[0]["state"] == "removed"
    assert {teacher.mails()[guest, "cancel"] for guest in (*GUESTS, BY_HAND)} == {1}
    assert teacher.remove(event_id).status == 204


@REMOVE_STEPS
def test_a_removal_whose_worker_dies_is_handed_on_and_made_once(teacher, event_id, step):
    answer = is_handed_on(step(teacher.stack), teacher.remove, event_id)
    check_removed(teacher, answer, event_id)


@REMOVE_STEPS
def test_after_the_end_of_all_the_same_removal_is_made_once(teacher, event_id, step):
    dies(step(teacher.stack), teacher.remove, event_id)
    check_removed(teacher, teacher.remove(event_id), event_id)


@REMOVE_STEPS
def test_a_removal_that_nobody_repeats_leaves_an_event_that_is_there_or_gone(teacher, event_id,
                                                                             step):
    dies(step(teacher.stack), teacher.remove, event_id)
    answer = teacher.get(event_id)
    if step is BeforeTheDrop:
        assert answer.status == 200 and len(teacher.events()) == 1
    else:
        assert answer.json["code"] == "event_gone" and teacher.events() == []
        assert teacher.list().json == {"items": []}
