"""DELETE /api/calendars/events/{id}: out of the calendar, once, however often it is asked for."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from bookings import ACCOUNT, PROVIDERS, STUDENT, TEACHER, people, rows, teacher_at
from flows import failure

NEVER = "0123456789abcdefghijklmn04"


@pytest.fixture(params=PROVIDERS)
def teacher(clean, bearer, request):
    return teacher_at(clean, bearer, request.param)


@pytest.fixture
def at_google(clean, bearer):
    return teacher_at(clean, bearer, "google")


def check_gone(teacher, told_guests=True):
    assert teacher.events() == []
    assert rows(teacher.stack)[0]["state"] == "removed"
    assert teacher.mails()[STUDENT, "cancel"] == (1 if told_guests else 0)


def test_an_event_is_taken_out_and_its_guests_are_told_once(teacher):
    told = teacher.made()
    answer = teacher.remove(told["id"])
    assert (answer.status, answer.body) == (204, b"")
    check_gone(teacher)


def test_a_deleted_event_deleted_again_is_fine(teacher):
    told = teacher.made()
    assert [teacher.remove(told["id"]).status for _ in range(3)] == [204] * 3
    check_gone(teacher)


def test_ten_at_once_tell_the_guests_once(teacher):
    told = teacher.made()
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: teacher.remove(told["id"]).status, range(10)))
    assert set(answers) == {204}
    check_gone(teacher)


def test_an_event_that_somebody_took_out_by_hand_is_fine(teacher):
    told = teacher.made()
    teacher.hands("delete_event", teacher.provider_id())
    assert teacher.remove(told["id"]).status == 204
    check_gone(teacher, told_guests=False)


def test_an_event_that_the_calendar_has_forgotten_is_fine(teacher):
    told = teacher.made()
    teacher.hands("delete_event", teacher.provider_id(), purge=True)
    assert teacher.remove(told["id"]).status == 204
    check_gone(teacher, told_guests=False)


@pytest.mark.parametrize("made, query, mails", [
    (True, "", 1), (True, "sendNotifications=true", 1), (True, "sendNotifications=false", 0),
    (False, "", 0), (False, "sendNotifications=true", 1), (False, "sendNotifications=false", 0),
])
def test_guests_hear_of_it_as_of_the_event_unless_it_is_said(at_google, made, query, mails):
    told = at_google.made(sendNotifications=made)
    assert at_google.remove(told["id"], query).status == 204
    check_gone(at_google, told_guests=mails)


@pytest.mark.parametrize("value", ["yes", "", "False", "falsefalse"])
def test_a_wish_that_is_neither_true_nor_false_is_refused(at_google, value):
    told = at_google.made()
    answer = at_google.remove(told["id"], f"sendNotifications={value}")
    assert failure(answer)[::2] == (400, "invalid_fields")
    assert [one["field"] for one in answer.json["fields"]] == ["sendNotifications"]
    assert len(at_google.events()) == 1


@pytest.mark.parametrize("query", ["sendNotifications=true&sendNotifications=true",
                                   "sendNotifications=%zz", "sendNotifications=" + "x" * 100])
def test_a_query_that_is_none_is_refused(at_google, query):
    told = at_google.made()
    assert failure(at_google.remove(told["id"], query))[::2] == (400, "bad_request")
    assert len(at_google.events()) == 1


def test_an_id_that_never_was_is_not_found(teacher):
    assert failure(teacher.remove(NEVER))[::2] == (404, "not_found")


def test_a_booking_that_was_made_before_is_taken_out_by_its_providers_id(at_google):
    old = at_google.hands("add_event", {
        "summary": "Old", "start": {"dateTime": "2031-05-06T14:00:00Z"},
        "end": {"dateTime": "2031-05-06T15:00:00Z"}, "attendees": people(STUDENT)})
    assert [at_google.remove(old["id"]).status for _ in range(2)] == [204] * 2
    assert at_google.events() == []
    assert at_google.mails() == {(STUDENT, "cancel"): 1}


def test_it_is_taken_out_where_it_was_made_whatever_the_default_is_now(teacher, bearer):
    told = teacher.made()
    teacher_at(teacher.stack, bearer, teacher.side.name, TEACHER, "other@example.com", teacher.key)
    teacher.stack.sql("UPDATE owners SET default_connection_id = (SELECT id FROM "
                      "coach_calendar_connections WHERE account_email = 'other@example.com')")
    assert teacher.remove(told["id"]).status == 204
    assert teacher.events() == []


@pytest.mark.parametrize("fault", ["backendError", "html", "reset"])
def test_what_is_not_known_to_be_gone_stays_ours(teacher, fault):
    told = teacher.made()
    teacher.stack.sandbox.fault(fault, match={"method": "DELETE", "path": teacher.side.api,
                                              "count": 3})
    assert failure(teacher.remove(told["id"]))[::2] == (502, "provider_error")
    assert rows(teacher.stack)[0]["state"] == "placed"
    teacher.stack.sandbox.clear_faults()
    assert teacher.remove(told["id"]).status == 204
    check_gone(teacher)


def test_a_lost_answer_is_made_up_for_and_the_guests_are_told_once(teacher):
    told = teacher.made()
    teacher.stack.sandbox.fault("store_then_reset", match={"method": "DELETE",
                                                           "path": teacher.side.api})
    first = teacher.remove(told["id"])
    assert first.status in (204, 502)
    assert teacher.remove(told["id"]).status == 204
    check_gone(teacher)


def test_a_removed_event_does_not_come_back_by_its_key(teacher):
    first = teacher.create(key="k")
    assert teacher.remove(first.json["id"]).status == 204
    again = teacher.create(key="k")
    assert (again.status, again.json) == (201, first.json)
    assert again.headers["Idempotency-Replayed"] == "true" and teacher.events() == []


def test_the_same_booking_without_a_key_is_a_new_one(teacher):
    first = teacher.made()
    assert teacher.remove(first["id"]).status == 204
    assert teacher.made()["id"] != first["id"]
    assert len(teacher.events()) == 1


def test_a_calendar_that_needs_consent_says_where_to_give_it(teacher):
    told = teacher.made()
    teacher.stack.sandbox.revoke_grant(ACCOUNT, provider=teacher.side.hands)
    teacher.stack.sandbox.expire_access_tokens(ACCOUNT, provider=teacher.side.hands)
    teacher.stack.sql("UPDATE coach_calendar_connections SET access_expires_at = UTC_TIMESTAMP(3)")
    answer = teacher.remove(told["id"])
    assert failure(answer)[::2] == (409, "reauth_required")
    assert answer.json["connectUrl"].startswith(teacher.stack.public.url + "/connect/")
    assert rows(teacher.stack)[0]["state"] == "placed"
