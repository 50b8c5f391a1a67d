"""GET /api/calendars/events/{id}: an event as it stands in its calendar now."""

import pytest
from bookings import (ACCOUNT, GUESTS, PROVIDERS, STUDENT, TEACHER, Client, in_path, people, rows,
                      teacher_at, teacher_of, without_request_id)
from flows import failure, new_key


@pytest.fixture(params=PROVIDERS)
def teacher(clean, bearer, request):
    return teacher_at(clean, bearer, request.param)


@pytest.fixture
def at_google(clean, bearer):
    """For rules in which no provider has a part."""
    return teacher_at(clean, bearer, "google")


NEVER = "0123456789abcdefghijklmn04"     # an id as ours are, which nobody was given


# --- what is shown ---

def test_an_event_is_shown_as_it_was_made(teacher):
    told = teacher.made()
    answer = teacher.get(told["id"])
    assert (answer.status, answer.json) == (200, told)
    assert answer.headers["Cache-Control"] == "no-store"


def test_what_somebody_changes_in_the_calendar_is_shown(teacher):
    told = teacher.made(attendees=people(*GUESTS), timeZone="Europe/Berlin")
    theirs, side = teacher.provider_id(), teacher.side
    teacher.hands("edit_event", theirs, side.renamed("Renamed"))
    teacher.hands("edit_event", theirs, side.moved("2031-05-07T10:00:00Z", "2031-05-07T11:00:00Z"))
    teacher.hands("respond", theirs, STUDENT, "declined")
    teacher.hands("respond", theirs, GUESTS[0], "tentative")
    now = teacher.get(told["id"]).json
    assert now["id"] == told["id"] and now["summary"] == "Renamed"
    assert now["start"] == {"dateTime": "2031-05-07T12:00:00+02:00", "timeZone": "Europe/Berlin"}
    assert {one["email"]: one["responseStatus"] for one in now["attendees"]} == {
        GUESTS[0]: "tentative", STUDENT: "declined"}
    assert now["updated"] >= told["updated"] and now["created"] == told["created"]


def test_whole_days_are_shown_as_days(at_google):
    told = at_google.made()
    at_google.hands("edit_event", told["id"], {
        "start": {"date": "2031-05-06", "dateTime": None, "timeZone": None},
        "end": {"date": "2031-05-08", "dateTime": None, "timeZone": None}})
    now = at_google.get(told["id"]).json
    assert (now["start"], now["end"]) == ({"date": "2031-05-06"}, {"date": "2031-05-08"})


def test_head_is_answered_like_get(at_google):
    answer = at_google.request("HEAD", at_google.made()["id"])
    assert (answer.status, answer.body) == (200, b"")


def test_an_invites_event_is_shown_too(at_google):
    invite = at_google.stack.request("POST", "/api/calendar/invite", headers=at_google.key, data={
        "slot": "2031-05-06T14:00:00Z", "title": "Chat", "durationMinutes": 30,
        "hostId": TEACHER})
    answer = at_google.get(invite.json["calendarEventId"])
    assert (answer.status, answer.json["summary"]) == (200, "Chat")


# --- gone, or never there ---

def test_an_event_that_was_taken_out_in_the_calendar_is_told_as_gone(teacher):
    told = teacher.made()
    teacher.hands("delete_event", teacher.provider_id())
    answer = teacher.get(told["id"])
    assert failure(answer)[::2] == (404, "event_gone")


def test_an_event_that_the_calendar_has_forgotten_is_told_as_gone(teacher):
    told = teacher.made()
    teacher.hands("delete_event", teacher.provider_id(), purge=True)
    assert failure(teacher.get(told["id"]))[::2] == (404, "event_gone")


def test_an_event_that_we_took_out_is_told_as_gone_without_a_call(teacher):
    told = teacher.made()
    assert teacher.remove(told["id"]).status == 204
    teacher.stack.sandbox.reset()
    assert failure(teacher.get(told["id"]))[::2] == (404, "event_gone")
    assert teacher.calls() == []


def test_an_id_that_never_was_is_not_found(teacher):
    assert failure(teacher.get(NEVER))[::2] == (404, "not_found")


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_anothers_event_is_as_one_that_never_was(teacher, bearer, method):
    """Another owner's and another tenant's, even where all of them share one calendar account."""
    stack, mine, name = teacher.stack, teacher.made(), teacher.side.name
    stack.cli("tenant", "create", "stranger")
    others = [
        teacher_at(stack, bearer, name, "someone-else", "other@example.com", teacher.key),
        teacher_at(stack, bearer, name, "a-third", ACCOUNT, teacher.key),
        teacher_of(stack, "stranger", name, TEACHER, ACCOUNT),
    ]
    data = {"summary": "Stolen"} if method == "PATCH" else None
    for one in others:
        told = [without_request_id(one.request(method, event_id, data=data))
                for event_id in (mine["id"], in_path(mine["providerEventId"]), NEVER)]
        assert told == [(404, {"error": "Not found", "code": "not_found"})] * 3
    assert teacher.get(mine["id"]).json == mine
    assert teacher.writes() == []


def test_an_owner_who_never_was_is_as_one_without_a_calendar(clean):
    clean.cli("owner", "put", "--tenant", "default", "--id", "known")
    key = new_key(clean)
    for owner in ("known", "unknown"):
        answer = Client(clean, key, owner).get(NEVER)
        assert failure(answer)[::2] == (409, "no_connection")
        assert answer.json["requiresAuth"] is True
        assert answer.json["connectUrl"].startswith(clean.public.url + "/connect/")
    assert clean.sql("SELECT external_id FROM owners") == [{"external_id": "known"}]


@pytest.mark.parametrize("event_id", ["%2e%2e", "%00", "a%2Fb", "a%20b", "x" * 256, "%zz", "a@b"])
def test_what_cannot_be_an_id_is_not_found(at_google, event_id):
    assert at_google.get(event_id).status in (400, 404)
    assert at_google.calls() == []


# --- older than this service ---

def test_a_booking_that_was_made_before_is_found_by_its_providers_id(at_google):
    old = at_google.hands("add_event", {
        "summary": "Old", "start": {"dateTime": "2031-05-06T14:00:00Z"},
        "end": {"dateTime": "2031-05-06T15:00:00Z"}, "attendees": people(STUDENT)})
    told = at_google.get(old["id"]).json
    assert (told["id"], told["summary"], told["providerEventId"]) == (old["id"], "Old", old["id"])
    assert told["start"]["dateTime"] == "2031-05-06T10:00:00-04:00"
    assert told["connectionId"] == at_google.connection_id()
    assert rows(at_google.stack) == []


# --- whose consent ---

def test_an_event_in_a_calendar_that_needs_consent_tells_where_to_give_it(teacher):
    told = teacher.made()
    teacher.stack.sql("UPDATE coach_calendar_connections SET status = 'reauth_required'")
    answer = teacher.get(told["id"])
    assert failure(answer)[::2] == (409, "reauth_required")
    assert answer.json["requiresReauth"] is True
    assert answer.json["connectUrl"].startswith(teacher.stack.public.url + "/connect/")


def test_an_event_in_a_calendar_that_was_disconnected_cannot_be_read(teacher):
    told = teacher.made()
    teacher.stack.sql("UPDATE coach_calendar_connections SET status = 'disconnected'")
    assert failure(teacher.get(told["id"]))[::2] == (409, "no_connection")


def test_an_event_is_read_where_it_was_made_whatever_the_default_is_now(teacher, bearer):
    told = teacher.made()
    teacher_at(teacher.stack, bearer, teacher.side.name, TEACHER, "other@example.com", teacher.key)
    teacher.stack.sql("UPDATE owners SET default_connection_id = (SELECT id FROM "
                      "coach_calendar_connections WHERE account_email = 'other@example.com')")
    assert teacher.get(told["id"]).json == told


def test_an_expired_access_token_is_renewed_unseen(teacher):
    told = teacher.made()
    assert teacher.stack.sandbox.expire_access_tokens(ACCOUNT, provider=teacher.side.hands)
    assert teacher.get(told["id"]).status == 200


@pytest.mark.parametrize("fault, status, code", [
    ("too_many_requests", 429, "provider_rate_limited"), ("backendError", 502, "provider_error"),
    ("html", 502, "provider_error"), ("truncate", 502, "provider_error"),
])
def test_provider_trouble_is_told_and_is_no_absence(teacher, fault, status, code):
    told = teacher.made()
    teacher.stack.sandbox.fault(fault, match={"method": "GET", "path": teacher.side.api,
                                              "count": None})
    assert failure(teacher.get(told["id"]))[::2] == (status, code)
    assert rows(teacher.stack)[0]["state"] == "placed"


def test_an_event_that_is_still_being_made_is_told_so(teacher):
    told = teacher.made()
    teacher.stack.sql("UPDATE calendar_event_mappings SET state = 'unsure'")
    for answer in (teacher.get(told["id"]), teacher.remove(told["id"]),
                   teacher.change(told["id"], summary="x")):
        assert failure(answer)[::2] == (409, "request_running")
        assert int(answer.headers["Retry-After"]) > 0


# --- a provider that wants to be left alone ---

def pause(teacher, provider, reason="provider_rate_limited"):
    teacher.stack.sql("DELETE FROM provider_limits")
    teacher.stack.sql("INSERT INTO provider_limits (subject, paused_until, reason, updated_at) "
                      "VALUES (%s, UTC_TIMESTAMP(3) + INTERVAL 60 SECOND, %s, UTC_TIMESTAMP(3))",
                      (provider, reason))


@pytest.mark.parametrize("reason, status", [("provider_rate_limited", 429),
                                            ("provider_misconfigured", 502)])
def test_a_provider_that_is_paused_is_asked_nothing_by_anybody(teacher, reason, status):
    told = teacher.made()
    calls = len(teacher.calls())
    pause(teacher, teacher.side.name, reason)
    for answer in (teacher.get(told["id"]), teacher.change(told["id"], summary="x"),
                   teacher.remove(told["id"]), teacher.list(), teacher.get("of-theirs"),
                   teacher.create(summary="Another")):
        assert failure(answer)[::2] == (status, reason)
        assert 50 <= int(answer.headers["Retry-After"]) <= 60
    assert len(teacher.calls()) == calls


def test_the_pause_that_counts_is_that_of_the_events_own_provider(clean, bearer):
    if len(PROVIDERS) < 2:
        pytest.skip("one provider alone")
    google = teacher_at(clean, bearer, "google")
    told = google.made()
    teacher_at(clean, bearer, "outlook", key=google.key)
    clean.sql("UPDATE owners SET default_connection_id = (SELECT id FROM "
              "coach_calendar_connections WHERE provider = 'outlook')")
    pause(google, "google")
    assert {google.get(told["id"]).status, google.list().status} == {429}
    pause(google, "outlook")
    assert {google.get(told["id"]).status, google.list().status} == {200}
