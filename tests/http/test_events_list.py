"""GET /api/calendars/events: what this service made for an owner, as it stands, page by page."""

import base64

import pytest
from bookings import (ACCOUNT, PROVIDERS, STUDENT, TEACHER, Client, connect_to, people, teacher_at,
                      without_request_id)
from flows import failure, new_key

FIRST = "2031-05-06T14:00:00Z"


@pytest.fixture(params=PROVIDERS)
def teacher(clean, bearer, request):
    return teacher_at(clean, bearer, request.param)


@pytest.fixture
def at_google(clean, bearer):
    return teacher_at(clean, bearer, "google")


def day(number, hour=14):
    return f"2031-06-{number:02d}T{hour:02d}:00:00Z"


def made_on(teacher, *days, **changes):
    """An event a day, an hour long; their ids in this order."""
    return [teacher.made(summary=f"Lesson {one}", startTime=day(one), endTime=day(one, 15),
                         **changes)["id"] for one in days]


def page(client, **query):
    answer = client.list(**query)
    assert answer.status == 200, (answer.status, answer.text)
    assert set(answer.json) <= {"items", "nextPageToken"}
    return answer.json


def pages(client, **query):
    """All items, and how many pages they came on."""
    items, count, token = [], 0, {}
    while True:
        told = page(client, **query, **token)
        items, count = items + told["items"], count + 1
        if "nextPageToken" not in told:
            return items, count
        token = {"pageToken": told["nextPageToken"]}
        assert count < 100


def ids(client, **query):
    return [one["id"] for one in pages(client, **query)[0]]


# --- what is listed ---

def test_events_are_listed_as_each_is_shown_by_their_start(teacher):
    third, first, second = made_on(teacher, 9, 3, 6)
    told = page(teacher)
    assert [one["id"] for one in told["items"]] == [first, second, third]
    assert "nextPageToken" not in told
    for one in told["items"]:
        assert one == teacher.get(one["id"]).json


def test_nothing_made_is_an_empty_list_and_no_call(teacher):
    assert page(teacher) == {"items": []}
    assert teacher.calls() == []


def test_the_rest_of_the_calendar_is_not_listed(at_google):
    mine, = made_on(at_google, 3)
    at_google.hands("add_event", {"summary": "Dentist", "start": {"dateTime": day(4)},
                                  "end": {"dateTime": day(5)}})
    assert ids(at_google) == [mine]


def test_anothers_events_are_not_listed_though_both_share_an_account(teacher, bearer):
    other = teacher_at(teacher.stack, bearer, teacher.side.name, "someone-else", ACCOUNT,
                       teacher.key)
    mine, = made_on(teacher, 3)
    theirs, = made_on(other, 4)
    assert (ids(teacher), ids(other)) == ([mine], [theirs])


def test_what_is_gone_is_not_listed_and_what_was_moved_is_where_it_is(teacher):
    removed, by_hand, moved, stays = made_on(teacher, 3, 4, 5, 6)
    theirs = {one: teacher.get(one).json["providerEventId"] for one in (by_hand, moved)}
    teacher.remove(removed)
    teacher.hands("delete_event", theirs[by_hand])
    teacher.hands("edit_event", theirs[moved], teacher.side.moved(day(20), day(21)))
    assert ids(teacher) == [stays, moved]


def copied(teacher):
    """What stands, once more, made by hand with all that a program could have put on it."""
    stands, side = teacher.standing(), teacher.side
    own = ({"extendedProperties": stands["extendedProperties"]} if side.name == "google" else
           {"singleValueExtendedProperties": [
               {"id": name, "value": value}
               for name, value in stands["sandbox"]["properties"].items()]})
    teacher.hands("add_event", {**side.renamed("Copy"), **side.moved(day(20), day(21)), **own})


def test_a_copy_by_hand_is_not_listed_though_it_bears_our_marks(teacher):
    mine, = made_on(teacher, 3)
    copied(teacher)
    assert len(teacher.events()) == 2
    assert page(teacher)["items"] == [teacher.get(mine).json]


def test_of_a_series_each_instance_is_listed_as_the_event_that_it_was_made_of(at_google):
    mine, other = made_on(at_google, 3, 5)
    theirs = at_google.get(mine).json["providerEventId"]
    at_google.hands("edit_event", theirs, {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"]})
    items = page(at_google)["items"]
    assert [one["id"] for one in items] == [mine, other, mine, mine]
    assert len({one["providerEventId"] for one in items}) == 4
    assert [one["start"]["dateTime"][:10] for one in items] == [
        "2031-06-03", "2031-06-05", "2031-06-10", "2031-06-17"]


def test_invites_are_listed_with_the_id_that_shows_them(at_google):
    at_google.stack.request("POST", "/api/calendar/invite", headers=at_google.key, data={
        "slot": FIRST, "title": "Chat", "durationMinutes": 30, "hostId": TEACHER})
    one, = page(at_google)["items"]
    assert one["summary"] == "Chat" and at_google.get(one["id"]).json == one


def test_guests_who_were_left_out_are_told_of_in_the_list_too(clean, bearer):
    if "outlook" not in PROVIDERS:
        pytest.skip("no provider that mails always")
    mailing = teacher_at(clean, bearer, "outlook")
    mailing.made(sendNotifications=False)
    one, = page(mailing)["items"]
    assert one["attendees"] == [] and one["attendeesOmitted"] is True


# --- the range ---

@pytest.mark.parametrize("query, found", [
    ({}, (3, 4, 5)),
    ({"timeMin": day(4)}, (4, 5)), ({"timeMin": day(4, 15)}, (5,)),
    ({"timeMin": "2031-06-04T14:59:59Z"}, (4, 5)), ({"timeMax": day(4)}, (3,)),
    ({"timeMax": "2031-06-04T16:00:01+02:00"}, (3, 4)),
    ({"timeMin": day(4), "timeMax": day(5)}, (4,)),
    ({"timeMin": day(10), "timeMax": day(12)}, ()),
], ids=str)
def test_what_overlaps_the_range_is_listed(teacher, query, found):
    made = dict(zip((3, 4, 5), made_on(teacher, 3, 4, 5)))
    assert ids(teacher, **query) == [made[one] for one in found]


@pytest.mark.parametrize("query, field", [
    ({"timeMin": "2031-06-04"}, "timeMin"), ({"timeMin": "2031-06-04T14:00:00"}, "timeMin"),
    ({"timeMax": "yesterday"}, "timeMax"), ({"timeMin": ""}, "timeMin"),
    ({"timeMin": day(4), "timeMax": day(4)}, "timeMax"),
    ({"timeMin": day(4), "timeMax": day(3)}, "timeMax"),
    ({"timeMin": "2031-02-30T00:00:00Z"}, "timeMin"),
], ids=str)
def test_a_range_that_is_none_is_refused(at_google, query, field):
    answer = at_google.list(**query)
    assert failure(answer)[::2] == (400, "invalid_fields")
    assert [one["field"] for one in answer.json["fields"]] == [field]


@pytest.mark.parametrize("query", ["timeMin=" + FIRST + "&timeMin=" + FIRST, "pageToken=%zz",
                                   "timeMin=" + "1" * 100, "pageToken=" + "A" * 9217])
def test_a_query_that_is_none_is_refused(at_google, query):
    assert failure(at_google.request("GET", query=query))[0] in (400, 414)


# --- pages ---

def test_all_are_listed_once_over_as_many_pages_as_it_takes(teacher):
    made = [teacher.made(summary=f"Lesson {n}", attendees=[], endTime=FIRST.replace("14:", "16:"),
                         startTime=f"2031-05-06T14:{n:02d}:00Z")["id"]
            for n in range(60)]
    found, count = pages(teacher)
    assert sorted(one["id"] for one in found) == sorted(made) and count > 1
    starts = [one["start"]["dateTime"] for one in found]
    assert starts == sorted(starts)


def test_empty_pages_of_the_provider_are_passed_over(at_google):
    made = made_on(at_google, 3, 4)
    at_google.stack.sandbox.settings(short_pages=True)
    try:
        told = page(at_google)
        assert [one["id"] for one in told["items"]] == made
    finally:
        at_google.stack.sandbox.settings(short_pages=False)


@pytest.fixture
def paged(at_google):
    """One whose list has a second page, and the token that leads there."""
    for n in range(70):
        at_google.made(summary=f"Lesson {n}", attendees=[])
    return at_google, page(at_google)["nextPageToken"]


def test_a_page_token_is_of_one_list_alone(paged, bearer):
    teacher, token = paged
    assert page(teacher, pageToken=token)["items"]
    other = teacher_at(teacher.stack, bearer, "google", "someone-else", "other@example.com",
                       teacher.key)
    foreign = [(teacher, {"timeMin": FIRST}), (teacher, {"timeMax": FIRST}), (other, {})]
    for client, query in foreign:
        answer = client.list(**query, pageToken=token)
        assert failure(answer)[::2] == (400, "bad_request")


def test_a_page_token_that_is_none_is_refused(paged):
    teacher, token = paged
    raw = bytearray(base64.urlsafe_b64decode(token + "=="))
    raw[-1] ^= 1
    changed = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    for bad in ("x", "A" * 60, token[:-4], token + "AAAA", changed, "%C3%A4"):
        assert failure(teacher.list(pageToken=bad))[::2] == (400, "bad_request"), bad


# --- several calendars ---

def test_all_calendars_of_an_owner_are_gone_through(teacher, bearer):
    stack = teacher.stack
    first = made_on(teacher, 3, 5)
    connect_to(stack, bearer(TEACHER), TEACHER, "other@example.com", teacher.side)
    stack.sql("UPDATE owners SET default_connection_id = (SELECT id FROM "
              "coach_calendar_connections WHERE account_email = 'other@example.com')")
    second = made_on(teacher, 4, 6)
    found, count = pages(teacher)
    assert sorted(one["id"] for one in found) == sorted(first + second) and count == 2
    assert {one["connectionId"] for one in found if one["id"] in second} == {
        teacher.get(second[0]).json["connectionId"]}


def test_a_calendar_of_two_names_is_listed_once(at_google):
    """The account's address is Google's other name for its primary calendar."""
    first = made_on(at_google, 3)
    second = made_on(at_google, 4, calendarId=ACCOUNT)
    assert sorted(ids(at_google)) == sorted(first + second)


def test_a_calendar_that_needs_consent_is_no_gap_in_the_list(teacher, bearer):
    stack = teacher.stack
    made_on(teacher, 3)
    connect_to(stack, bearer(TEACHER), TEACHER, "other@example.com", teacher.side)
    stack.sql("UPDATE coach_calendar_connections SET status = 'reauth_required' "
              "WHERE account_email = %s", (ACCOUNT,))
    answer = teacher.list()
    assert failure(answer)[::2] == (409, "reauth_required")
    assert answer.json["connectUrl"].startswith(stack.public.url + "/connect/")


def test_a_calendar_that_was_disconnected_is_left_out(teacher, bearer):
    stack = teacher.stack
    made_on(teacher, 3)
    connect_to(stack, bearer(TEACHER), TEACHER, "other@example.com", teacher.side)
    stack.sql("UPDATE coach_calendar_connections SET status = 'disconnected' "
              "WHERE account_email = %s", (ACCOUNT,))
    assert page(teacher) == {"items": []}


@pytest.mark.parametrize("fault, status", [("too_many_requests", 429), ("backendError", 502),
                                           ("truncate", 502)])
def test_a_page_that_cannot_be_read_is_no_empty_one(teacher, fault, status):
    made_on(teacher, 3)
    teacher.stack.sandbox.fault(fault, match={"method": "GET", "path": teacher.side.api,
                                              "count": None})
    assert teacher.list().status == status


# --- whose ---

def test_an_owner_without_a_calendar_is_as_one_who_never_was(clean):
    clean.cli("owner", "put", "--tenant", "default", "--id", "known")
    key = new_key(clean)
    told = [without_request_id(Client(clean, key, owner).list()) for owner in ("known", "unknown")]
    for status, body in told:
        assert (status, body["code"], body["requiresAuth"]) == (409, "no_connection", True)
        assert body["connectUrl"].startswith(clean.public.url + "/connect/")


def test_guests_are_listed_with_their_answers(teacher):
    told = teacher.made(attendees=people(STUDENT))
    teacher.hands("respond", teacher.provider_id(), STUDENT, "accepted")
    one, = page(teacher)["items"]
    assert one["id"] == told["id"] and one["attendees"][0]["responseStatus"] == "accepted"
