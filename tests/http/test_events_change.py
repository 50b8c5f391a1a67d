"""PATCH /api/calendars/events/{id}: what is named changes, over what stands, and is told once."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from bookings import (GUESTS, PROVIDERS, STUDENT, TEACHER, people, rows, teacher_at)
from flows import failure
from stack.processes import wait_for

ANA = GUESTS[0]
BY_HAND = "parent@example.org"
NEVER = "0123456789abcdefghijklmn04"
MOVED = {"startTime": "2031-05-07T16:00:00Z", "endTime": "2031-05-07T17:00:00Z"}


@pytest.fixture(params=PROVIDERS)
def teacher(clean, bearer, request):
    return teacher_at(clean, bearer, request.param)


@pytest.fixture
def at_google(clean, bearer):
    return teacher_at(clean, bearer, "google")


def changed(teacher, event_id, **fields):
    answer = teacher.change(event_id, **fields)
    assert answer.status == 200, (answer.status, answer.text)
    return answer.json


def kept_guests(teacher):
    return [one["email"] for one in json.loads(rows(teacher.stack)[0]["event"])["attendees"]]


def differing(before, after):
    """The members that are not as before."""
    return {name for name in before if after[name] != before[name]} - {"updated"}


# --- what is named changes ---

@pytest.mark.parametrize("fields, members", [
    (MOVED, {"start", "end"}),
    ({"summary": "Renamed"}, {"summary"}),
    ({"description": "Other notes"}, {"description"}), ({"location": "Court 2"}, {"location"}),
    ({"startTime": "2031-05-06T13:30:00Z"}, {"start"}),
    ({"endTime": "2031-05-06T16:30:00+01:00"}, {"end"}),
    ({"timeZone": "Europe/Berlin"}, {"start", "end"}),
    ({"startTime": "2031-05-06T17:00:00", "endTime": "2031-05-06T18:00:00",
      "timeZone": "Europe/Berlin"}, {"start", "end"}),
    ({"summary": "Renamed", "location": "Court 2", **MOVED},
     {"summary", "location", "start", "end"}),
], ids=lambda value: "" if isinstance(value, set) else "+".join(value))
def test_a_patch_leaves_unnamed_fields_alone(teacher, fields, members):
    told = teacher.made(location="Court 1")
    after = changed(teacher, told["id"], **fields)
    assert differing(told, after) == members
    assert teacher.get(told["id"]).json == after
    for name in ("summary", "description", "location"):
        assert after[name] == fields.get(name, told[name])
    assert teacher.stack.sandbox.violations() == []


def test_a_patch_names_its_times_like_a_post(teacher):
    told = teacher.made(timeZone="Europe/Berlin")
    after = changed(teacher, told["id"], **MOVED)
    assert after["start"] == {"dateTime": "2031-05-07T18:00:00+02:00", "timeZone": "Europe/Berlin"}
    after = changed(teacher, told["id"], startTime="2031-05-07T09:00:00",
                    timeZone="America/New_York")
    assert after["start"] == {"dateTime": "2031-05-07T09:00:00-04:00",
                              "timeZone": "America/New_York"}
    assert after["end"] == {"dateTime": "2031-05-07T13:00:00-04:00",
                            "timeZone": "America/New_York"}


@pytest.mark.parametrize("nothing", [None, ""])
def test_a_text_named_empty_is_cleared(teacher, nothing):
    told = teacher.made(location="Court 1")
    after = changed(teacher, told["id"], description=nothing, location=nothing)
    assert (after["description"], after["location"]) == (None, None)
    assert differing(told, after) == {"description", "location"}


def test_an_empty_patch_tells_the_event_as_it_stands(teacher):
    told = teacher.made()
    writes = len(teacher.writes())
    assert changed(teacher, told["id"]) == told
    assert changed(teacher, told["id"], colour="red", id="x", status="cancelled") == told
    assert changed(teacher, told["id"], timeZone=None, conference=None,
                   sendNotifications=None) == told
    assert len(teacher.writes()) == writes


def test_what_is_so_already_is_not_written_and_nobody_is_mailed(teacher):
    told = teacher.made(location="Court 1", timeZone="Europe/Berlin", attendees=people(*GUESTS))
    again = {"summary": told["summary"], "description": told["description"],
             "location": "Court 1", "startTime": "2031-05-06T14:00:00Z",
             "endTime": "2031-05-06T17:00:00+02:00", "timeZone": "Europe/Berlin",
             "attendees": people(*reversed(GUESTS)), "conference": False,
             "sendNotifications": True}
    writes, mails = len(teacher.writes()), teacher.mails()
    assert changed(teacher, told["id"], **again) == told
    assert (len(teacher.writes()), teacher.mails()) == (writes, mails)


def test_a_conference_is_added(teacher):
    told = teacher.made()
    changed(teacher, told["id"], conference=True)
    url = wait_for(lambda: teacher.get(told["id"]).json["conferenceUrl"], 10, "the link")
    writes = len(teacher.writes())
    assert changed(teacher, told["id"], conference=True)["conferenceUrl"] == url
    assert len(teacher.writes()) == writes


def test_a_conference_is_taken_away_where_the_provider_can(teacher):
    told = teacher.made(conference=True)
    url = wait_for(lambda: teacher.get(told["id"]).json["conferenceUrl"], 10, "the link")
    after = changed(teacher, told["id"], conference=False)
    assert after["conferenceUrl"] == (url if teacher.side.mails_always else None)


def test_hours_given_to_an_event_of_whole_days_are_both(at_google):
    told = at_google.made()
    at_google.hands("edit_event", told["id"], {
        "start": {"date": "2031-05-06", "dateTime": None, "timeZone": None},
        "end": {"date": "2031-05-08", "dateTime": None, "timeZone": None}})
    for name, other in (("startTime", "endTime"), ("endTime", "startTime")):
        answer = at_google.change(told["id"], **{name: MOVED[name]})
        assert failure(answer)[::2] == (400, "invalid_fields")
        assert [one["field"] for one in answer.json["fields"]] == [other]
    assert changed(at_google, told["id"], summary="x")["start"] == {"date": "2031-05-06"}
    assert changed(at_google, told["id"], **MOVED)["start"]["dateTime"] == (
        "2031-05-07T12:00:00-04:00")


# --- who hears of it ---

@pytest.mark.parametrize("made, said, mails", [
    (True, {}, 1), (True, {"sendNotifications": True}, 1), (True, {"sendNotifications": False}, 0),
    (False, {}, 0), (False, {"sendNotifications": True}, 1),
    (False, {"sendNotifications": False}, 0),
])
def test_guests_hear_of_it_as_of_the_event_unless_it_is_said(at_google, made, said, mails):
    told = at_google.made(sendNotifications=made)
    changed(at_google, told["id"], **MOVED, **said)
    assert at_google.mails()[STUDENT, "update"] == mails


# --- guests ---

def test_a_moved_booking_keeps_answers_and_guests_by_hand_and_tells_each_once(teacher):
    told = teacher.made(attendees=people(*GUESTS))
    theirs = teacher.provider_id()
    teacher.hands("respond", theirs, STUDENT, "accepted")
    teacher.hands("add_guest", theirs, BY_HAND)
    teacher.hands("respond", theirs, BY_HAND, "tentative")
    after = changed(teacher, told["id"], **MOVED)
    assert teacher.guests() == {ANA: "needsAction", STUDENT: "accepted", BY_HAND: "tentative"}
    assert {one["email"]: one["responseStatus"] for one in after["attendees"]} == teacher.guests()
    assert {guest: teacher.mails()[guest, "update"] for guest in (ANA, STUDENT, BY_HAND)} == {
        ANA: 1, STUDENT: 1, BY_HAND: 1}
    assert teacher.side.start(teacher.standing()).startswith("2031-05-07")


def test_a_guest_list_that_is_named_is_merged(teacher):
    told = teacher.made(attendees=people(*GUESTS))
    theirs = teacher.provider_id()
    teacher.hands("add_guest", theirs, BY_HAND)
    teacher.hands("respond", theirs, STUDENT, "accepted")
    teacher.hands("respond", theirs, BY_HAND, "declined")
    changed(teacher, told["id"], attendees=people(STUDENT, "new@example.org"))
    assert teacher.guests() == {STUDENT: "accepted", "new@example.org": "needsAction",
                                BY_HAND: "declined"}
    assert kept_guests(teacher) == [STUDENT, "new@example.org"]
    mails = teacher.mails()
    assert (mails[ANA, "cancel"], mails["new@example.org", "invite"]) == (1, 1)
    assert mails[STUDENT, "invite"] == mails[BY_HAND, "invite"] == 1


@pytest.mark.parametrize("nobody", [None, []])
def test_all_guests_of_ours_go_and_those_by_hand_stay(teacher, nobody):
    told = teacher.made(attendees=people(*GUESTS))
    teacher.hands("add_guest", teacher.provider_id(), BY_HAND)
    changed(teacher, told["id"], attendees=nobody)
    assert teacher.guests() == {BY_HAND: "needsAction"}
    changed(teacher, told["id"], attendees=people(STUDENT))
    assert set(teacher.guests()) == {BY_HAND, STUDENT}


def test_a_guest_by_hand_who_is_named_is_ours_from_then_on(teacher):
    told = teacher.made()
    theirs = teacher.provider_id()
    teacher.hands("add_guest", theirs, BY_HAND)
    teacher.hands("respond", theirs, BY_HAND, "accepted")
    changed(teacher, told["id"], attendees=people(STUDENT, BY_HAND.upper()))
    assert teacher.guests() == {STUDENT: "needsAction", BY_HAND: "accepted"}
    changed(teacher, told["id"], attendees=people(STUDENT))
    assert set(teacher.guests()) == {STUDENT}


def test_a_guest_who_was_taken_out_by_hand_comes_back_when_he_is_named(at_google):
    told = at_google.made(attendees=people(*GUESTS))
    at_google.hands("edit_event", told["id"], {"attendees": people(STUDENT)})
    changed(at_google, told["id"], **MOVED)
    assert set(at_google.guests()) == {STUDENT}
    changed(at_google, told["id"], attendees=people(*GUESTS))
    assert set(at_google.guests()) == set(GUESTS)


def test_a_guest_gets_the_name_that_is_given(teacher):
    told = teacher.made(attendees=people(STUDENT))
    after = changed(teacher, told["id"], attendees=[{"email": STUDENT, "displayName": "Jo"}])
    assert after["attendees"] == [{"email": STUDENT, "displayName": "Jo",
                                   "responseStatus": "needsAction"}]


def test_guests_asked_for_and_by_hand_are_at_most_two_hundred(at_google):
    told = at_google.made()
    at_google.hands("add_guest", told["id"], BY_HAND)
    answer = at_google.change(told["id"], attendees=people(*(f"g{n}@x.org" for n in range(200))))
    assert failure(answer)[::2] == (400, "invalid_fields")
    assert answer.json["fields"][0]["field"] == "attendees"
    assert set(at_google.guests()) == {STUDENT, BY_HAND} and kept_guests(at_google) == [STUDENT]


# --- guests of a provider that mails them always ---

@pytest.fixture
def mailing(clean, bearer):
    if "outlook" not in PROVIDERS:
        pytest.skip("no provider of that kind")
    return teacher_at(clean, bearer, "outlook")


def test_guests_whom_nobody_shall_mail_are_known_to_us_alone(mailing):
    told = mailing.made(sendNotifications=False)
    after = changed(mailing, told["id"], attendees=people(*GUESTS), **MOVED)
    assert after["attendees"] == [] and after["attendeesOmitted"] is True
    assert mailing.get(told["id"]).json == after
    assert mailing.mails() == {} and mailing.guests() == {}
    assert kept_guests(mailing) == list(GUESTS)
    assert mailing.remove(told["id"]).status == 204 and mailing.mails() == {}


def test_guests_who_were_left_out_are_invited_when_they_shall_hear_of_it(mailing):
    told = mailing.made(sendNotifications=False, attendees=people(*GUESTS))
    after = changed(mailing, told["id"], sendNotifications=True)
    assert {one["email"] for one in after["attendees"]} == set(GUESTS)
    assert "attendeesOmitted" not in after
    assert mailing.mails() == {(guest, "invite"): 1 for guest in GUESTS}


def test_guests_who_stand_stay_when_others_shall_not_be_mailed(mailing):
    told = mailing.made()
    after = changed(mailing, told["id"], attendees=people(*GUESTS), sendNotifications=False)
    assert [one["email"] for one in after["attendees"]] == [STUDENT]
    assert after["attendeesOmitted"] is True
    assert mailing.mails() == {(STUDENT, "invite"): 1}


def test_a_guest_who_could_not_go_quietly_goes_when_the_others_may_hear_of_it(mailing):
    told = mailing.made(attendees=people(ANA))
    mailing.hands("add_guest", mailing.provider_id(), BY_HAND)
    for quiet in (people("other@example.org"), people(STUDENT)):
        after = changed(mailing, told["id"], attendees=quiet, sendNotifications=False)
        assert [one["email"] for one in after["attendees"]] == [ANA, BY_HAND]
        assert after["attendeesOmitted"] is True
    after = changed(mailing, told["id"], attendees=people(STUDENT), sendNotifications=True)
    assert [one["email"] for one in after["attendees"]] == [STUDENT, BY_HAND]
    assert "attendeesOmitted" not in after and kept_guests(mailing) == [STUDENT]
    assert mailing.mails()[ANA, "cancel"] == mailing.mails()[STUDENT, "invite"] == 1


@pytest.mark.parametrize("quiet", [[], [STUDENT], GUESTS])
def test_a_guest_list_that_waited_is_put_as_it_was_named_last(mailing, quiet):
    told = mailing.made(attendees=people(ANA))
    changed(mailing, told["id"], attendees=people(*quiet), sendNotifications=False)
    after = changed(mailing, told["id"], sendNotifications=True)
    assert [one["email"] for one in after["attendees"]] == list(quiet)
    assert "attendeesOmitted" not in after and kept_guests(mailing) == list(quiet)


def test_guests_are_told_as_omitted_only_where_the_list_is_not_as_it_was_named(mailing):
    told = mailing.made()
    after = changed(mailing, told["id"], attendees=people(STUDENT), sendNotifications=False)
    assert "attendeesOmitted" not in after
    after = changed(mailing, told["id"], attendees=[], sendNotifications=False)
    assert [one["email"] for one in after["attendees"]] == [STUDENT]
    assert after["attendeesOmitted"] is True and mailing.get(told["id"]).json == after


# --- over what stands ---

def test_what_was_done_by_hand_stays_but_for_what_is_named(teacher):
    told = teacher.made()
    theirs, side = teacher.provider_id(), teacher.side
    teacher.hands("edit_event", theirs, side.renamed("By hand"))
    teacher.hands("edit_event", theirs, side.moved("2031-05-09T10:00:00Z", "2031-05-09T11:00:00Z"))
    after = changed(teacher, told["id"], location="Court 9")
    assert after["summary"] == "By hand"
    assert after["start"]["dateTime"] == "2031-05-09T06:00:00-04:00"
    assert after["id"] == told["id"] and after["providerEventId"] == told["providerEventId"]


def test_the_ids_hold_when_the_event_was_dragged_elsewhere(mailing):
    told = mailing.made()
    mailing.hands("add_calendar", "Work")
    mailing.hands("move_event", mailing.provider_id(), "Work")
    after = changed(mailing, told["id"], **MOVED)
    assert (after["id"], after["providerEventId"]) == (told["id"], told["providerEventId"])
    assert mailing.remove(told["id"]).status == 204 and mailing.events() == []


def test_who_is_overtaken_reads_again_and_loses_nothing(teacher):
    told = teacher.made(attendees=people(*GUESTS))
    theirs = teacher.provider_id()
    teacher.stack.sandbox.fault("hold", match={"method": "PATCH", "path": teacher.side.api})
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(teacher.change, told["id"], attendees=people(ANA), **MOVED)
        teacher.stack.sandbox.held()
        teacher.hands("respond", theirs, ANA, "accepted")
        teacher.hands("add_guest", theirs, BY_HAND)
        teacher.hands("edit_event", theirs, teacher.side.renamed("By hand"))
        teacher.stack.sandbox.release()
        after = answer.result(60)
    assert after.status == 200 and after.json["summary"] == "By hand"
    assert teacher.guests() == {ANA: "accepted", BY_HAND: "needsAction"}
    assert teacher.side.start(teacher.standing()).startswith("2031-05-07")
    assert len(teacher.calls("PATCH")) == 2


def test_who_is_overtaken_again_and_again_is_told(at_google):
    told = at_google.made()
    at_google.stack.sandbox.fault("error", status=412, reason="conditionNotMet",
                                  match={"method": "PATCH", "count": None})
    answer = at_google.change(told["id"], **MOVED)
    assert failure(answer)[::2] == (409, "stale_version")
    assert 4 <= len(at_google.calls("PATCH")) <= 5


def test_changes_at_once_of_different_fields_are_all_made(teacher):
    told = teacher.made()
    changes = [{"summary": "Renamed"}, {"location": "Court 2"}, {"description": "Other"}, MOVED]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda one: teacher.change(told["id"], **one), changes))
    assert [one.status for one in answers] == [200] * 4
    after = teacher.get(told["id"]).json
    assert (after["summary"], after["location"], after["description"]) == (
        "Renamed", "Court 2", "Other")
    assert after["start"]["dateTime"] == "2031-05-07T12:00:00-04:00"


def test_guest_lists_at_once_leave_one_of_them_and_those_by_hand(teacher):
    told = teacher.made(attendees=people("first@x.org"))
    teacher.hands("add_guest", teacher.provider_id(), BY_HAND)
    lists = [[f"{letter}{n}@x.org" for n in range(3)] for letter in "abc"]
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(
            lambda one: teacher.change(told["id"], attendees=people(*one)), lists))
    assert {one.status for one in answers} <= {200, 409}
    assert set(teacher.guests()) in [{*one, BY_HAND} for one in lists]
    changed(teacher, told["id"], attendees=[])
    assert set(teacher.guests()) == {BY_HAND}


def test_zones_and_guests_at_once_are_both_kept(teacher):
    told = teacher.made()
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda one: teacher.change(told["id"], **one), [
            {"timeZone": "Asia/Tokyo"}, {"attendees": people(*GUESTS)}]))
    assert [one.status for one in answers] == [200, 200]
    after = teacher.get(told["id"]).json
    assert after["start"]["timeZone"] == "Asia/Tokyo" and set(teacher.guests()) == set(GUESTS)
    assert set(kept_guests(teacher)) == set(GUESTS)


def test_a_lost_answer_is_made_up_for_and_each_guest_is_told_once(teacher):
    told = teacher.made(attendees=people(STUDENT))
    teacher.stack.sandbox.fault("store_then_reset", match={"method": "PATCH",
                                                           "path": teacher.side.api})
    wanted = {"attendees": people(STUDENT, ANA), **MOVED}
    assert failure(teacher.change(told["id"], **wanted))[::2] == (502, "provider_error")
    after = changed(teacher, told["id"], **wanted)
    assert {one["email"] for one in after["attendees"]} == {STUDENT, ANA}
    assert teacher.mails() == {(STUDENT, "invite"): 1, (STUDENT, "update"): 1, (ANA, "invite"): 1}
    assert kept_guests(teacher) == [STUDENT, ANA]


def test_after_a_lost_answer_nobody_of_ours_is_taken_for_one_by_hand(teacher):
    """The client gives up on its change, and later names other guests."""
    told = teacher.made(attendees=people(STUDENT))
    teacher.hands("add_guest", teacher.provider_id(), BY_HAND)
    teacher.stack.sandbox.fault("store_then_reset", match={"method": "PATCH",
                                                           "path": teacher.side.api})
    assert teacher.change(told["id"], attendees=people(ANA)).status == 502
    changed(teacher, told["id"], attendees=people("other@x.org"))
    assert set(teacher.guests()) == {"other@x.org", BY_HAND}


# --- gone, or never there ---

def test_an_event_that_was_taken_out_in_the_calendar_is_told_as_gone(teacher):
    told = teacher.made()
    teacher.hands("delete_event", teacher.provider_id())
    assert failure(teacher.change(told["id"], **MOVED))[::2] == (404, "event_gone")
    assert teacher.events() == [] and teacher.calls("PATCH") == []


def test_an_event_that_the_calendar_has_forgotten_is_told_as_gone(teacher):
    told = teacher.made()
    teacher.hands("delete_event", teacher.provider_id(), purge=True)
    assert failure(teacher.change(told["id"], **MOVED))[::2] == (404, "event_gone")


def test_an_event_that_we_took_out_is_told_as_gone(teacher):
    told = teacher.made()
    teacher.remove(told["id"])
    assert failure(teacher.change(told["id"], **MOVED))[::2] == (404, "event_gone")


def test_an_event_that_is_taken_out_meanwhile_is_told_as_gone(teacher):
    told = teacher.made()
    teacher.stack.sandbox.fault("hold", match={"method": "PATCH", "path": teacher.side.api})
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(teacher.change, told["id"], **MOVED)
        teacher.stack.sandbox.held()
        assert teacher.remove(told["id"]).status == 204
        teacher.stack.sandbox.release()
        assert failure(answer.result(60))[::2] == (404, "event_gone")
    assert teacher.events() == [] and teacher.mails()[STUDENT, "update"] == 0


def test_an_id_that_never_was_is_not_found(teacher):
    assert failure(teacher.change(NEVER, **MOVED))[::2] == (404, "not_found")


# --- not made by this service, or not by this endpoint ---

def test_a_booking_that_was_made_before_is_changed_and_keeps_its_guests(at_google):
    old = at_google.hands("add_event", {
        "summary": "Old", "start": {"dateTime": "2031-05-06T14:00:00Z"},
        "end": {"dateTime": "2031-05-06T15:00:00Z"}, "attendees": people(ANA)})
    at_google.hands("respond", old["id"], ANA, "accepted")
    after = changed(at_google, old["id"], attendees=people(STUDENT), **MOVED)
    assert after["id"] == old["id"]
    assert at_google.guests() == {STUDENT: "needsAction", ANA: "accepted"}
    assert at_google.mails() == {(STUDENT, "invite"): 1, (ANA, "update"): 1}


def test_an_invites_event_can_be_moved(at_google):
    invite = at_google.stack.request("POST", "/api/calendar/invite", headers=at_google.key, data={
        "slot": "2031-05-06T14:00:00Z", "title": "Chat", "durationMinutes": 30,
        "hostId": TEACHER, "inviteeEmails": [STUDENT]})
    after = changed(at_google, invite.json["calendarEventId"], **MOVED)
    assert after["start"]["dateTime"] == "2031-05-07T12:00:00-04:00"
    assert at_google.mails() == {(STUDENT, "invite"): 1, (STUDENT, "update"): 1}


# --- bad input ---

@pytest.mark.parametrize("fields, field, reason", [
    ({"summary": None}, "summary", "must not be empty"),
    ({"summary": ""}, "summary", "must not be empty"),
    ({"startTime": None}, "startTime", "must not be empty"),
    ({"endTime": ""}, "endTime", "must not be empty"),
    ({"startTime": "2031-05-06T14:00:00"}, "startTime", "with timeZone"),
    ({"startTime": "2031-05-06T15:00:00Z"}, "endTime", "after the start"),
    ({"endTime": "2031-05-06T14:00:00Z"}, "endTime", "after the start"),
    ({"startTime": "2031-05-06T10:00:00Z", "endTime": "2031-05-06T10:00:00Z"}, "endTime", "after"),
    ({"endTime": "2031-06-07T14:00:00Z"}, "endTime", "31 days"),
    ({"timeZone": "Mars/Olympus"}, "timeZone", "IANA"),
    ({"attendees": [{"email": "x"}]}, "attendees[0].email", "e-mail address"),
    ({"attendees": "x"}, "attendees", "list of objects"),
    ({"connectionId": "x"}, "connectionId", "cannot be changed"),
    ({"connectionId": None}, "connectionId", "cannot be changed"),
    ({"calendarId": "primary"}, "calendarId", "cannot be changed"),
    ({"sendNotifications": "no"}, "sendNotifications", "true or false"),
])
def test_a_bad_field_is_named_and_nothing_is_written(at_google, fields, field, reason):
    told = at_google.made()
    answer = at_google.change(told["id"], **fields)
    assert failure(answer)[::2] == (400, "invalid_fields")
    bad, = answer.json["fields"]
    assert bad["field"] == field and reason in bad["reason"]
    assert at_google.calls("PATCH") == [] and at_google.get(told["id"]).json == told


def test_all_bad_fields_are_told_at_once(at_google):
    told = at_google.made()
    answer = at_google.change(told["id"], summary=None, startTime="x", attendees=[{}],
                              calendarId="c", conference=1)
    assert sorted(one["field"] for one in answer.json["fields"]) == sorted([
        "summary", "startTime", "attendees[0].email", "calendarId", "conference"])


@pytest.mark.parametrize("fault, status, code", [
    ("too_many_requests", 429, "provider_rate_limited"), ("backendError", 502, "provider_error"),
    ("html", 502, "provider_error"),
])
def test_provider_trouble_is_told_and_the_same_request_goes_through(teacher, fault, status, code):
    told = teacher.made()
    teacher.stack.sandbox.fault(fault, match={"method": "PATCH", "path": teacher.side.api,
                                              "count": 3})
    answer = teacher.change(told["id"], attendees=people(*GUESTS))
    assert failure(answer)[::2] == (status, code)
    teacher.stack.sandbox.clear_faults()
    teacher.stack.sql("DELETE FROM provider_limits")
    changed(teacher, told["id"], attendees=people(*GUESTS))
    assert set(teacher.guests()) == set(GUESTS)
    assert teacher.mails()[ANA, "invite"] == teacher.mails()[STUDENT, "invite"] == 1
