"""POST /api/calendars/events: one booking, one event, one invitation to each guest."""

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from bookings import (ACCOUNT, EVENTS, GUESTS, PROVIDERS, STUDENT, TEACHER, Client, check_once,
                      connect_to, people, rows, teacher_at, wanted, without_request_id, SIDES)
from flows import ABSENT, failure, new_key, settle
from stack.crowd import Crowd, request as bytes_of
from stack.processes import wait_for


@pytest.fixture(params=PROVIDERS)
def teacher(clean, bearer, request):
    return teacher_at(clean, bearer, request.param)


@pytest.fixture
def at_google(clean, bearer):
    """For rules in which no provider has a part."""
    return teacher_at(clean, bearer, "google")


@contextmanager
def holding(stack, query):
    """Rows that a transaction of somebody else has locked."""
    other = stack.mariadb.connect()
    try:
        other.select_db(stack.schema.name)
        other.autocommit(False)
        other.cursor().execute(query)
        yield
    finally:
        other.close()


def nothing_done(teacher):
    assert rows(teacher.stack) == [] and teacher.calls() == []


# --- what stands, and what is told of it ---

def test_the_event_stands_as_it_was_asked_for_and_each_guest_is_mailed_once(teacher):
    answer = teacher.create(location="Court 1", timeZone="Europe/Berlin")
    check_once(teacher, answer)
    told, side = answer.json, teacher.side
    assert side.title(teacher.standing()) == told["summary"] == "Private Lesson with John Doe"
    assert teacher.guests() == {STUDENT: "needsAction"}
    assert re.fullmatch("[0-9a-v]{26}", told["id"])
    assert told["description"] == "Beginner session" and told["location"] == "Court 1"
    assert told["start"] == {"dateTime": "2031-05-06T16:00:00+02:00", "timeZone": "Europe/Berlin"}
    assert told["end"] == {"dateTime": "2031-05-06T17:00:00+02:00", "timeZone": "Europe/Berlin"}
    assert told["attendees"] == [{"email": STUDENT, "displayName": "John Doe",
                                  "responseStatus": "needsAction"}]
    assert (told["status"], told["provider"], told["conferenceUrl"]) == (
        "confirmed", side.name, None)
    assert told["htmlLink"].startswith("https://") and told["iCalUID"]
    assert told["created"] <= told["updated"] and told["created"].endswith("Z")
    assert told["connectionId"] == teacher.connection_id() and told["calendarId"]
    assert "attendeesOmitted" not in told
    assert teacher.stack.sandbox.violations() == []


@pytest.mark.parametrize("text", ["x" + "\n" * 32500 + "y", "&" * 32768], ids=["lines", "signs"])
def test_the_longest_text_is_told_however_the_provider_writes_it(teacher, text):
    told = teacher.made(description=text)
    assert told["description"] == text
    guests = [{"email": f"g{n:03}@example.org", "displayName": f"{n:03} " + "n" * 180}
              for n in range(200)]
    after = teacher.change(told["id"], attendees=guests)
    assert (after.status, after.json["description"]) == (200, text)
    assert len(after.json["attendees"]) == 200
    assert teacher.list().json["items"] == [teacher.get(told["id"]).json]


def test_the_answer_says_where_the_event_is(teacher):
    answer = teacher.create()
    place = f"{teacher.stack.public.url}{EVENTS}/{answer.json['id']}"
    assert answer.headers["Location"] == place
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.count("Idempotency-Replayed") == 0
    again = teacher.stack.public.follow(place, headers=teacher.headers)
    assert again.json == answer.json


def test_google_gets_our_id_as_its_own(at_google):
    told = at_google.made()
    assert told["id"] == told["providerEventId"] == at_google.standing()["id"]


def test_without_send_notifications_nobody_is_mailed(teacher):
    answer = teacher.create(sendNotifications=ABSENT)
    assert answer.status == 201
    assert teacher.mails() == {}
    if teacher.side.mails_always:
        assert answer.json["attendees"] == [] and answer.json["attendeesOmitted"] is True
        assert teacher.guests() == {}
    else:
        assert "attendeesOmitted" not in answer.json
        assert teacher.guests() == {STUDENT: "needsAction"}


def test_no_guests_are_omitted_where_none_are_named(teacher):
    for nobody in (ABSENT, None, []):
        answer = teacher.create(attendees=nobody, sendNotifications=False, summary=str(nobody))
        assert answer.status == 201 and "attendeesOmitted" not in answer.json
    assert teacher.mails() == {}


def test_a_conference_is_made_where_it_is_asked_for(teacher):
    told = teacher.made(conference=True)
    url = wait_for(lambda: teacher.get(told["id"]).json["conferenceUrl"], 10, "the link")
    assert url.startswith("https://")


def test_texts_arrive_as_they_were_sent(teacher):
    texts = {"summary": "O'Brien; DROP TABLE \\ %s \U0001f600 <b>\"x\"</b> \u202e",
             "location": "Caf\u00e9 \u201eCentral\u201c", "description": "a\n\nb ' OR 1=1 --"}
    told = teacher.made(**texts)
    assert {name: told[name] for name in texts} == texts
    assert {name: teacher.get(told["id"]).json[name] for name in texts} == texts
    assert teacher.side.title(teacher.standing()) == texts["summary"]


def test_null_and_absent_optional_fields_are_the_same(teacher):
    nothing = dict.fromkeys(("description", "location", "timeZone", "attendees", "conference",
                             "sendNotifications", "connectionId", "calendarId"))
    told = teacher.made(**nothing)
    assert (told["description"], told["location"], told["attendees"]) == (None, None, [])


def test_a_guest_named_twice_is_one_guest_whatever_the_case(teacher):
    twice = people("Ana@example.org", STUDENT, "ana@Example.ORG", STUDENT)
    check_once(teacher, teacher.create(attendees=twice), ("Ana@example.org", STUDENT))


def test_two_hundred_guests_are_invited(teacher):
    guests = [f"guest{n}@example.org" for n in range(200)]
    check_once(teacher, teacher.create(attendees=people(*guests)), guests)


def test_unknown_fields_are_ignored(teacher):
    check_once(teacher, teacher.create(colour="red", nested={"summary": [1]},
                                       attendees=[{"email": STUDENT, "age": 12}]))


@pytest.mark.parametrize("times, zone, start", [
    (("2031-05-06T16:00:00+02:00", "2031-05-06T15:00:00Z"), ABSENT, "2031-05-06T10:00:00-04:00"),
    (("2031-05-06T16:00:00", "2031-05-06T17:00:00"), "Europe/Berlin",
     "2031-05-06T16:00:00+02:00"),
    (("2031-05-06T16:00:00", "2031-05-06T15:00:00Z"), "Europe/Berlin",
     "2031-05-06T16:00:00+02:00"),
    (("2031-11-02T01:30:00", "2031-11-02T02:30:00"), "America/New_York",
     "2031-11-02T01:30:00-04:00"),
    (("2031-11-02T06:30:00Z", "2031-11-02T07:30:00Z"), "America/New_York",
     "2031-11-02T01:30:00-05:00"),
    (("2031-05-06T14:00:00.250Z", "2031-05-06T15:00:00Z"), "Asia/Kolkata",
     "2031-05-06T19:30:00+05:30"),
], ids=["by offset", "local", "local and by offset", "repeated hour is its first",
        "repeated hour by offset", "shown elsewhere"])
def test_an_event_begins_at_the_instant_that_it_says(teacher, times, zone, start):
    told = teacher.made(startTime=times[0], endTime=times[1], timeZone=zone)
    assert told["start"]["dateTime"] == start
    assert teacher.get(told["id"]).json["start"] == told["start"]


def test_an_event_shows_its_owners_zone_when_the_request_names_none(teacher):
    teacher.stack.sql("UPDATE owners SET time_zone = 'Europe/Berlin' WHERE external_id = %s",
                      (TEACHER,))
    assert teacher.made()["start"] == {"dateTime": "2031-05-06T16:00:00+02:00",
                                       "timeZone": "Europe/Berlin"}


def test_thirty_one_days_are_an_event(teacher):
    assert teacher.create(endTime="2031-06-06T14:00:00Z").status == 201


# --- which calendar ---

def test_a_connection_of_the_owners_may_be_named(teacher, bearer):
    first = teacher.connection_id()
    connect_to(teacher.stack, bearer(TEACHER), TEACHER, "other@example.com", teacher.side)
    row, = teacher.stack.sql("SELECT HEX(id) AS id FROM coach_calendar_connections "
                             "WHERE account_email = 'other@example.com'")
    assert teacher.made()["connectionId"] == first
    teacher.stack.sql("UPDATE owners SET default_connection_id = UNHEX(%s)", (row["id"],))
    told = teacher.made(summary="Named", connectionId=first)
    assert told["connectionId"] == first and len(teacher.events()) == 2
    assert teacher.get(told["id"]).json == told


@pytest.mark.parametrize("named", ["0" * 26, "nonsense", "Ä", "v" * 26])
def test_a_connection_that_is_not_the_owners_is_a_bad_field(at_google, named):
    answer = at_google.create(connectionId=named)
    assert answer.status == 400 and answer.json["fields"] == [
        {"field": "connectionId", "reason": "is no connection of this owner"}]
    nothing_done(at_google)


def test_another_owners_connection_is_as_one_that_never_was(at_google, bearer):
    other = teacher_at(at_google.stack, bearer, "google", "someone-else", "other@example.com",
                       at_google.key)
    foreign = other.create(connectionId=at_google.connection_id())
    never = other.create(connectionId="0" * 25 + "4")
    assert without_request_id(foreign) == without_request_id(never)
    nothing_done(at_google)


def test_a_calendar_of_the_account_may_be_named(at_google):
    told = at_google.made(calendarId=ACCOUNT)
    assert told["calendarId"] == ACCOUNT
    assert at_google.get(told["id"]).json == told


def test_a_calendar_that_is_not_there_is_a_bad_field(at_google):
    answer = at_google.create(calendarId="nobody@example.com")
    assert failure(answer)[::2] == (400, "invalid_fields")
    assert [one["field"] for one in answer.json["fields"]] == ["calendarId"]
    assert at_google.events() == [] and rows(at_google.stack)[0]["state"] == "refused"


# --- once ---

def test_a_repeated_key_replays_the_first_answer(teacher):
    first, second = teacher.create(key="k"), teacher.create(key="k")
    assert second.json == first.json and second.status == 201
    assert second.headers["Idempotency-Replayed"] == "true"
    assert second.headers["Location"] == first.headers["Location"]
    check_once(teacher, second)


def test_a_replay_tells_what_was_told_first_whatever_became_of_the_event(teacher):
    first = teacher.create(key="k")
    assert teacher.change(first.json["id"], summary="Another").status == 200
    assert teacher.create(key="k").json == first.json
    assert teacher.remove(first.json["id"]).status == 204
    assert teacher.create(key="k").json == first.json
    assert teacher.events() == []


def test_the_same_key_with_another_body_is_refused(teacher):
    teacher.create(key="k")
    assert failure(teacher.create(key="k", summary="x"))[::2] == (422, "idempotency_key_reused")
    assert len(teacher.events()) == 1


def test_a_key_is_its_owners_and_its_routes_alone(teacher, bearer):
    other = teacher_at(teacher.stack, bearer, teacher.side.name, "someone-else",
                       "other@example.com", teacher.key)
    first, second = teacher.create(key="k"), other.create(key="k")
    assert first.json["id"] != second.json["id"] and second.status == 201
    invite = teacher.stack.request("POST", "/api/calendar/invite", data={
        "slot": "2031-05-06T14:00:00Z", "title": "x", "durationMinutes": 30, "hostId": TEACHER},
        headers={**teacher.key, "Idempotency-Key": "k"})
    assert invite.status == 200 and invite.count("Idempotency-Replayed") == 0


def test_twenty_at_once_with_one_key_make_one_event(teacher):
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: teacher.create(key="k"), range(20)))
    good = [one for one in answers if one.status == 201]
    assert good and all(one.json == good[0].json for one in good)
    for one in answers:
        assert one.status == 201 or (failure(one)[::2] == (409, "request_running")
                                     and int(one.headers["Retry-After"]) > 0)
    check_once(teacher, good[0])


def test_twenty_identical_requests_at_once_share_one_event(teacher):
    teacher.stack.sandbox.fault("slow", match={"method": "POST", "path": teacher.side.made},
                                ms=500)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: teacher.create(), range(20)))
    assert {one.status for one in answers} == {201}
    assert len({one.json["id"] for one in answers}) == 1
    check_once(teacher, answers[0])


@pytest.fixture
def one_thread(teacher):
    """One request after the other; the next waits at the web server."""
    teacher.stack.reconfigure(WORKERS="1", THREADS="1")
    yield
    teacher.stack.reconfigure(WORKERS=None, THREADS=None)


def test_who_came_before_the_first_was_answered_shares_its_event_however_late_he_is_heard(
        teacher, one_thread):
    slow = {"method": "POST", "path": teacher.side.made}
    teacher.stack.sandbox.fault("slow", match=slow, ms=300)
    with Crowd(teacher.stack, 5) as crowd:
        crowd.hold()
        answers = crowd.ask([bytes_of("POST", EVENTS, teacher.headers, wanted())] * 5)
    assert {one.status for one in answers} == {201}
    assert len({one.json["id"] for one in answers}) == 1
    assert len(teacher.events()) == 1 and teacher.mails() == {(STUDENT, "invite"): 1}
    assert teacher.made()["id"] != answers[0].json["id"]


def test_who_asks_twice_for_what_calbridge_sync_has_found_shares_it(teacher, one_thread):
    lost = {"method": "POST", "path": teacher.side.made, "count": 3}
    teacher.stack.sandbox.fault("store_then_reset", match=lost)
    assert teacher.create().status == 502
    teacher.stack.sandbox.clear_faults()
    settle(teacher.stack)
    with Crowd(teacher.stack, 5) as crowd:
        crowd.hold()
        answers = crowd.ask([bytes_of("POST", EVENTS, teacher.headers, wanted())] * 5)
    assert len({one.json["id"] for one in answers}) == 1
    assert len(teacher.events()) == 1


def test_a_booking_is_finished_as_it_was_begun_whatever_the_defaults_are_by_then(teacher):
    match = {"method": "POST", "path": teacher.side.made, "count": 3}
    teacher.stack.sandbox.fault("backendError", match=match)
    assert teacher.create(key="k", sendNotifications=False).status == 502
    teacher.stack.sandbox.clear_faults()
    teacher.stack.sql("UPDATE owners SET time_zone = 'Asia/Tokyo' WHERE external_id = %s",
                      (TEACHER,))
    told = teacher.create(key="k", sendNotifications=False).json
    assert told["start"]["timeZone"] == "America/New_York"
    assert teacher.get(told["id"]).json == told


def test_the_same_booking_once_more_after_its_answer_is_another_event(teacher):
    first, second = teacher.made(), teacher.made()
    assert first["id"] != second["id"] and len(teacher.events()) == 2


def test_a_lost_answer_is_made_up_for_by_the_same_request(teacher):
    teacher.stack.sandbox.fault("store_then_reset",
                                match={"method": "POST", "path": teacher.side.made, "count": 3})
    first = teacher.create()
    assert failure(first)[0] in (502, 504)
    teacher.stack.sandbox.clear_faults()
    check_once(teacher, teacher.create())


def test_who_was_told_of_trouble_with_our_database_gets_nothing_behind_his_back(clean, bearer):
    teacher = teacher_at(clean, bearer, "outlook")
    teacher.made(summary="First")
    with holding(teacher.stack, "SELECT * FROM provider_slots FOR UPDATE"):
        assert failure(teacher.create(key="k"))[0] == 503
    assert [row["state"] for row in rows(teacher.stack)] == ["placed", "refused"]
    settle(teacher.stack)
    assert len(teacher.events()) == 1
    assert teacher.create(key="k").status == 201 and len(teacher.events()) == 2


def test_a_booking_that_was_refused_for_its_calendar_is_made_when_that_is_mended(at_google):
    at_google.stack.sql("UPDATE coach_calendar_connections SET calendar_id = 'nowhere'")
    for key in (None, "k"):
        assert failure(at_google.create(key=key))[::2] == (502, "provider_refused")
    at_google.stack.sql("UPDATE coach_calendar_connections SET calendar_id = 'primary'")
    for key in (None, "k"):
        assert at_google.create(key=key).json["calendarId"] == "primary"
    assert len(at_google.events()) == 2


# --- who may, and for whom ---

def test_an_instructor_is_made_on_the_first_booking(clean):
    client = Client(clean, new_key(clean), "new-one")
    answer = client.create()
    assert failure(answer)[::2] == (409, "no_connection")
    assert answer.json["requiresAuth"] is True
    assert answer.json["connectUrl"].startswith(clean.public.url + "/connect/")
    assert clean.sql("SELECT external_id FROM owners") == [{"external_id": "new-one"}]
    page = clean.public.follow(answer.json["connectUrl"], headers={"Accept": "text/html"})
    assert page.status == 200 and "new-one" in page.text


def test_a_withdrawn_consent_is_told_and_where_to_give_it(teacher):
    teacher.stack.sandbox.revoke_grant(ACCOUNT, provider=teacher.side.hands)
    teacher.stack.sandbox.expire_access_tokens(ACCOUNT, provider=teacher.side.hands)
    teacher.stack.sql("UPDATE coach_calendar_connections SET access_expires_at = UTC_TIMESTAMP(3)")
    answer = teacher.create()
    assert failure(answer)[::2] == (409, "reauth_required")
    assert answer.json["requiresReauth"] is True
    assert answer.json["connectUrl"].startswith(teacher.stack.public.url + "/connect/")


@pytest.mark.parametrize("headers, status, code", [
    ({"x-instructorops-key": None}, 401, "unauthorized"),
    ({"x-instructorops-key": "cbk_wrong"}, 401, "unauthorized"),
    ({"x-instructor-id": None}, 400, "bad_request"),
    ({"x-instructor-id": "a b"}, 400, "bad_request"),
    ({"x-instructor-id": ""}, 400, "bad_request"),
    ({"Idempotency-Key": "a b"}, 400, "bad_request"),
    ({"Idempotency-Key": "k" * 256}, 400, "bad_request"),
])
def test_a_request_without_its_headers_is_refused(at_google, address, headers, status, code):
    sent = {**at_google.headers, **headers}
    answer = at_google.stack.request(
        "POST", EVENTS, data=wanted(), source=address,
        headers={name: value for name, value in sent.items() if value is not None})
    assert failure(answer)[::2] == (status, code)
    nothing_done(at_google)


def test_a_user_token_is_not_for_this(at_google, bearer):
    answer = at_google.stack.request("POST", EVENTS, data=wanted(), headers={
        **bearer(TEACHER), "x-instructor-id": TEACHER})
    assert failure(answer)[::2] == (403, "forbidden")
    nothing_done(at_google)


@pytest.mark.parametrize("scope", ["connectors", "appointments"])
def test_a_key_needs_the_scope(at_google, scope):
    client = Client(at_google.stack, new_key(at_google.stack, scope=scope))
    assert failure(client.create())[::2] == (403, "forbidden")
    nothing_done(at_google)


# --- bad input ---

FIELD_FAULTS = [
    ("summary", ABSENT, "is required"), ("summary", None, "is required"),
    ("summary", "", "is required"), ("summary", 7, "must be a text"),
    ("summary", "x" * 1025, "is too long"), ("summary", "a\nb", "control"),
    ("startTime", ABSENT, "is required"), ("startTime", "2031-05-06T14:00:00", "with timeZone"),
    ("startTime", "tomorrow", "must be a time"), ("startTime", "2031-02-30T14:00:00Z", "a time"),
    ("startTime", "2031-05-06T24:00:00Z", "must be a time"), ("startTime", 7, "must be a text"),
    ("startTime", "2031-05-06T14:00:00+99:00", "a time"),
    ("startTime", "1999-05-06T14:00:00Z", "must be a time"),
    ("endTime", ABSENT, "is required"), ("endTime", "2031-05-06T14:00:00Z", "after the start"),
    ("endTime", "2031-05-06T13:00:00Z", "after the start"),
    ("endTime", "2031-06-06T14:00:00.001Z", "31 days"),
    ("description", "a\x07b", "control"), ("description", [], "must be a text"),
    ("location", "x" * 1025, "is too long"), ("location", "a\tb", "control"),
    ("timeZone", "Mars/Olympus", "IANA"), ("timeZone", "../../etc/passwd", "IANA"),
    ("timeZone", "+02:00", "IANA"), ("timeZone", 1, "IANA"),
    ("attendees", {}, "list of objects"), ("attendees", "a@b.org", "list of objects"),
    ("attendees[0]", ["a@b.org"], "must be an object"),
    ("attendees[0].email", [{}], "is required"), ("attendees[0].email", [{"email": ""}], "requi"),
    ("attendees[1].email", [{"email": STUDENT}, {"email": "a@b,c@d"}], "e-mail address"),
    ("attendees[0].email", [{"email": "a@b\r\nBcc: c@d.org"}], "control"),
    ("attendees[0].email", [{"email": "x" * 255}], "too long"),
    ("attendees[0].displayName", [{"email": STUDENT, "displayName": 7}], "must be a text"),
    ("attendees", people(*(f"g{n}@x.org" for n in range(201))), "at most 200"),
    ("sendNotifications", "true", "true or false"), ("sendNotifications", 1, "true or false"),
    ("conference", "yes", "true or false"), ("connectionId", 7, "must be a text"),
    ("calendarId", "x" * 256, "is too long"),
]


@pytest.mark.parametrize("field, value, reason", FIELD_FAULTS)
def test_a_bad_field_is_named_and_nothing_is_done(at_google, field, value, reason):
    answer = at_google.create(**{field.split("[")[0]: value})
    assert failure(answer)[::2] == (400, "invalid_fields")
    told, = answer.json["fields"]
    assert told["field"] == field and reason in told["reason"]
    nothing_done(at_google)


def test_a_local_time_that_does_not_exist_is_refused(at_google):
    answer = at_google.create(startTime="2031-03-09T02:30:00", endTime="2031-03-09T04:00:00",
                              timeZone="America/New_York")
    assert answer.json["fields"] == [{"field": "startTime",
                                      "reason": "does not exist in that time zone"}]
    nothing_done(at_google)


def test_all_bad_fields_are_told_at_once(at_google):
    answer = at_google.create(summary=None, startTime="x", endTime=7, timeZone="Mars",
                              attendees=[{"email": "x"}, {"email": None}], conference="no",
                              location=[], sendNotifications=0)
    assert sorted(one["field"] for one in answer.json["fields"]) == sorted([
        "summary", "startTime", "endTime", "timeZone", "attendees[0].email",
        "attendees[1].email", "conference", "location", "sendNotifications"])


@pytest.mark.parametrize("body, headers, status, code", [
    (b"{", {}, 400, "malformed_json"), (b"[]", {}, 400, "malformed_json"),
    (b"", {}, 400, "malformed_json"), (b'{"summary":"a","summary":"b"}', {}, 400,
                                       "malformed_json"),
    (b'{"attendees":' + b"[" * 20 + b"]" * 20 + b"}", {}, 400, "malformed_json"),
    (b'{"summary":"\xff"}', {}, 400, "malformed_json"),
    (b"{}", {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
    (b"{}" + b" " * 65536, {}, 413, "body_too_large"),
], ids=["cut", "array", "empty", "twice", "deep", "no utf-8", "type", "large"])
def test_a_body_that_is_none_is_refused_and_leaves_no_owner(clean, body, headers, status, code):
    client = Client(clean, new_key(clean), "new-one")
    answer = client.request("POST", body=body,
                            headers={"Content-Type": "application/json", **headers})
    assert failure(answer)[::2] == (status, code)
    assert clean.sql("SELECT id FROM owners") == [] and rows(clean) == []


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_what_the_path_takes_is_told(at_google, method):
    answer = at_google.request(method, data={})
    assert failure(answer)[0] == 405 and answer.headers["Allow"] == "POST, GET, HEAD"


# --- trouble behind us ---

@pytest.mark.parametrize("fault, members, status, code", [
    ("too_many_requests", {"retry_after": 7}, 429, "provider_rate_limited"),
    ("backendError", {}, 502, "provider_error"),
    ("html", {"status": 200}, 502, "provider_error"),
    ("truncate", {}, 502, "provider_error"),
    ("empty", {"status": 200}, 502, "provider_error"),
    ("reset", {}, 502, "provider_error"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_provider_trouble_is_told_and_the_same_request_makes_one_event(teacher, fault, members,
                                                                       status, code):
    match = {"method": "POST", "path": teacher.side.made, "count": 3}
    teacher.stack.sandbox.fault(fault, match=match, **members)
    answer = teacher.create(key="k")
    assert failure(answer)[::2] == (status, code)
    if status == 429:
        assert int(answer.headers["Retry-After"]) >= 7
    teacher.stack.sandbox.clear_faults()
    teacher.stack.sql("DELETE FROM provider_limits")
    check_once(teacher, teacher.create(key="k"))


def test_a_slow_provider_is_told_in_time_and_its_event_is_adopted(teacher):
    teacher.stack.sandbox.fault("store_then_timeout",
                                match={"method": "POST", "path": teacher.side.made})
    begun = time.monotonic()
    answer = teacher.create(key="k")
    assert failure(answer)[::2] == (504, "provider_timeout") and time.monotonic() - begun < 35
    teacher.stack.sandbox.release()
    check_once(teacher, teacher.create(key="k"))


def test_the_request_tells_no_more_of_the_guests_than_it_must(at_google):
    """The body that goes out holds what was asked for, our id and our stamp."""
    at_google.made(attendees=people(*GUESTS))
    sent, = at_google.calls("POST")
    assert set(json.loads(sent["body"])) == {"id", "summary", "description", "start", "end",
                                             "attendees", "reminders", "extendedProperties"}
