"""POST /api/calendar/invite: one confirmed event in the host's calendar, its guests told once."""

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flows import (ABSENT, ACCOUNT, GUESTS, HOST, INVITE, OTHER_ACCOUNT, calls, check_nothing,
                   check_once, connect, events, failure, inserts, invite, mails, new_key,
                   refreshes, rows, sign_in, wanted)
from stack.processes import wait_for


@pytest.fixture
def host(clean, bearer):
    """The host's credentials; the calendar is connected."""
    connect(clean, bearer(HOST))
    return bearer(HOST)


def in_background(call, *args, **options):
    """Starts call in a thread of its own; its future."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(call, *args, **options)
    pool.shutdown(wait=False)
    return future


# --- what stands in the calendar ---

def test_the_event_stands_as_it_was_asked_for_and_every_guest_is_mailed_once(stack, host):
    begun = time.time()
    answer = invite(stack, host, location="Spangler Cafe", timeZone="America/New_York")
    check_once(stack, answer)
    event = events(stack)[0]
    assert set(answer.json) == {"eventId", "calendarEventId", "htmlLink"}
    assert answer.json["htmlLink"] == event["htmlLink"]
    told = re.fullmatch(r"evt_(\d{13})_single_h", answer.json["eventId"])
    assert begun - 5 <= int(told[1]) / 1000 <= time.time() + 5
    assert (event["summary"], event["location"], event["description"], event["status"]) == (
        "Coffee chat with Milan", "Spangler Cafe", "Scheduled via Gatherly", "confirmed")
    assert event["start"] == {"dateTime": "2031-05-06T10:00:00-04:00",
                              "timeZone": "America/New_York"}
    assert event["end"] == {"dateTime": "2031-05-06T10:45:00-04:00",
                            "timeZone": "America/New_York"}
    assert event["reminders"] == {"useDefault": True}
    assert sorted(guest["email"] for guest in event["attendees"]) == sorted(GUESTS)
    assert stack.sandbox.violations() == []


def test_an_answer_is_json_that_nobody_may_store(stack, host):
    answer = invite(stack, host)
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.headers["Cache-Control"] == "no-store"
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])
    assert answer.count("Idempotency-Replayed") == 0


def test_the_provider_sees_our_id_our_marker_and_the_token_in_its_header_alone(stack, host):
    answer = invite(stack, host)
    sent, = inserts(stack)
    body = json.loads(sent["body"])
    assert body["id"] == answer.json["calendarEventId"]
    assert re.fullmatch("[0-9a-v]{5,1024}", body["id"])
    assert list(body["extendedProperties"]) == ["private"]
    assert sent["query"]["sendUpdates"] == "all"
    token = sent["headers"]["authorization"].removeprefix("Bearer ")
    assert token and token not in sent["query_string"] + sent["body"] + sent["path"]


def test_texts_arrive_as_they_were_sent(stack, host):
    texts = {"title": "  O'Brien; DROP TABLE \\ %s \U0001f600 <b>\"x\"</b> \u202e",
             "location": "Caf\u00e9 \u201eCentral\u201c",
             "description": "a\tb\n\nc \u2028 ' OR 1=1 --"}
    assert invite(stack, host, **texts).status == 200
    event = events(stack)[0]
    assert (event["summary"], event["location"], event["description"]) == tuple(texts.values())


def test_null_and_absent_optional_fields_are_the_same(stack, host):
    nothing = {"inviteeEmails": None, "location": None, "description": None, "timeZone": None,
               "hostId": None}
    check_once(stack, invite(stack, host, **nothing), guests=())
    event = events(stack)[0]
    assert event["description"] == "Scheduled via Gatherly"
    assert "location" not in event and not event.get("attendees")


def test_without_guests_nobody_is_mailed(stack, host):
    check_once(stack, invite(stack, host, inviteeEmails=[]), guests=())


def test_a_guest_named_twice_is_one_guest_whatever_the_case(stack, host):
    twice = ["Ana@example.org", "milan@example.org", "ana@Example.ORG", "milan@example.org"]
    check_once(stack, invite(stack, host, inviteeEmails=twice),
               guests=("Ana@example.org", "milan@example.org"))
    assert stack.sandbox.violations() == []


def test_two_hundred_guests_are_invited(stack, host):
    guests = [f"guest{n}@example.org" for n in range(200)]
    check_once(stack, invite(stack, host, inviteeEmails=guests), guests=guests)


def test_unknown_fields_are_ignored(stack, host):
    check_once(stack, invite(stack, host, colour="red", nested={"slot": [1, {"title": None}]}))


@pytest.mark.parametrize("minutes", [1, 10080])
def test_an_event_may_last_a_minute_and_a_week(stack, host, minutes):
    check_once(stack, invite(stack, host, durationMinutes=minutes))


@pytest.mark.parametrize("slot, zone, start", [
    ("2031-05-06T14:00:00.250Z", ABSENT, "2031-05-06T10:00:00-04:00"),
    ("2031-05-06T16:00:00+02:00", ABSENT, "2031-05-06T10:00:00-04:00"),
    ("2031-05-06T16:00:00", "Europe/Berlin", "2031-05-06T16:00:00+02:00"),
    ("2031-01-06T16:00:00", "Europe/Berlin", "2031-01-06T16:00:00+01:00"),
    ("2031-05-06T14:00:00Z", "Asia/Kolkata", "2031-05-06T19:30:00+05:30"),
    ("2032-02-29T12:00:00Z", "UTC", "2032-02-29T12:00:00+00:00"),
    ("2031-11-02T01:30:00", "America/New_York", "2031-11-02T01:30:00-04:00"),
    ("2031-11-02T01:30:00-05:00", "America/New_York", "2031-11-02T01:30:00-05:00"),
    ("2031-03-09T03:00:00", "America/New_York", "2031-03-09T03:00:00-04:00"),
], ids=["utc", "offset", "summer", "winter", "shown elsewhere", "leap day",
        "repeated hour is its first", "repeated hour by offset", "after the gap"])
def test_a_slot_is_the_instant_that_it_says(stack, host, slot, zone, start):
    assert invite(stack, host, slot=slot, timeZone=zone).status == 200
    sent = json.loads(inserts(stack)[0]["body"])["start"]
    assert sent == {"dateTime": start,
                    "timeZone": "America/New_York" if zone is ABSENT else zone}


def test_an_event_ends_after_its_minutes_though_the_clock_is_changed_between(stack, host):
    assert invite(stack, host, slot="2031-03-09T06:30:00Z", durationMinutes=60).status == 200
    event = json.loads(inserts(stack)[0]["body"])
    assert (event["start"]["dateTime"], event["end"]["dateTime"]) == (
        "2031-03-09T01:30:00-05:00", "2031-03-09T03:30:00-04:00")


def test_an_event_shows_its_owners_zone_when_the_request_names_none(stack, host):
    stack.sql("UPDATE owners SET time_zone = 'Europe/Berlin' WHERE external_id = %s", (HOST,))
    assert invite(stack, host).status == 200
    assert json.loads(inserts(stack)[0]["body"])["start"] == {
        "dateTime": "2031-05-06T16:00:00+02:00", "timeZone": "Europe/Berlin"}


def test_events_of_the_same_millisecond_have_names_of_their_own(stack, host):
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda n: invite(stack, host, title=f"Chat {n}"), range(24)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json["eventId"] for answer in answers}) == 24
    assert {answer.json["calendarEventId"] for answer in answers} == {
        event["id"] for event in events(stack)}


def test_an_expired_access_token_is_renewed_unseen(stack, host):
    assert stack.sandbox.expire_access_tokens(ACCOUNT)
    check_once(stack, invite(stack, host))
    assert refreshes(stack) == 1


# --- whose calendar ---

def test_an_owner_invites_into_his_own_calendar_alone(stack, host, bearer):
    connect(stack, bearer("coach-2"), "coach-2", OTHER_ACCOUNT)
    check_once(stack, invite(stack, bearer("coach-2")), account=OTHER_ACCOUNT)
    assert events(stack, ACCOUNT) == []


def test_a_host_may_name_himself(stack, host):
    check_once(stack, invite(stack, host, hostId=HOST))


def test_anothers_host_id_is_not_there_for_who_is_no_admin(stack, host, bearer):
    owner = bearer("coach-2")
    there, made_up = (failure(invite(stack, owner, hostId=name)) for name in (HOST, "nobody"))
    assert there == made_up and there[::2] == (404, "not_found")
    check_nothing(stack)


def test_an_admin_invites_into_any_calendar_of_his_tenant(stack, host, bearer):
    check_once(stack, invite(stack, bearer("chief", role="admin"), hostId=HOST))
    assert failure(invite(stack, bearer("chief", role="admin"), hostId="nobody"))[0] == 404


def test_a_key_names_the_host(stack, host):
    check_once(stack, invite(stack, new_key(stack), hostId=HOST))


def test_a_key_without_a_host_means_the_demo_host(stack, host):
    check_once(stack, invite(stack, new_key(stack)))


def test_a_session_writes_with_its_token(stack, host, jwt):
    check_once(stack, invite(stack, sign_in(stack, jwt(HOST))))


@pytest.mark.parametrize("spoil", [
    {"X-CSRF-Token": None}, {"X-CSRF-Token": "A" * 43}, {"Origin": "https://evil.example"},
    {"Origin": None}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_session_without_its_token_or_from_elsewhere_writes_nothing(stack, host, jwt, spoil):
    headers = {**sign_in(stack, jwt(HOST)), **spoil}
    sent = {name: value for name, value in headers.items() if value is not None}
    assert failure(invite(stack, sent))[::2] == (403, "csrf")
    check_nothing(stack)


def test_the_csrf_token_of_another_session_does_not_count(stack, host, jwt):
    one, other = sign_in(stack, jwt(HOST)), sign_in(stack, jwt(HOST))
    answer = invite(stack, {**one, "X-CSRF-Token": other["X-CSRF-Token"]})
    assert failure(answer)[::2] == (403, "csrf")
    check_nothing(stack)


# --- consent is missing ---

def check_consent_is_asked(stack, answer, flag, code):
    told = answer.json
    assert answer.status == 409 and told[flag] is True and told["code"] == code
    assert told["connectUrl"].startswith(stack.public.url + "/")
    assert rows(stack) == []


def test_an_owner_without_a_calendar_is_told_where_to_connect_one(clean, bearer):
    answer = invite(clean, bearer("coach-9"))
    check_consent_is_asked(clean, answer, "requiresAuth", "no_connection")
    assert calls(clean) == []


def test_a_withdrawn_consent_is_told_and_then_known(stack, host):
    stack.sandbox.revoke_grant(ACCOUNT)
    stack.sandbox.expire_access_tokens(ACCOUNT)
    stack.sql("UPDATE coach_calendar_connections SET access_expires_at = UTC_TIMESTAMP(3)")
    first = invite(stack, host)
    assert (first.status, first.json["code"], first.json["requiresReauth"]) == (
        409, "reauth_required", True)
    assert first.json["connectUrl"].startswith(stack.public.url + "/")
    asked = refreshes(stack)
    for _ in range(3):
        assert invite(stack, host).json["code"] == "reauth_required"
    assert (refreshes(stack), inserts(stack)) == (asked, [])


def test_after_a_new_consent_the_same_invite_goes_through(stack, host, bearer):
    stack.sandbox.revoke_grant(ACCOUNT)
    stack.sandbox.expire_access_tokens(ACCOUNT)
    assert invite(stack, host).status == 409
    connect(stack, bearer(HOST))
    check_once(stack, invite(stack, host))


# --- once ---

def test_a_key_replays_its_first_answer(stack, host):
    first = invite(stack, host, key="a1")
    again = invite(stack, host, key="a1")
    assert (again.status, again.json) == (200, first.json)
    assert again.headers.get_all("Idempotency-Replayed") == ["true"]
    check_once(stack, first)


def test_the_way_a_body_is_spaced_does_not_make_it_another(stack, host):
    first = invite(stack, host, key="a1")
    spaced = json.dumps(wanted(), indent=3).replace("\n", "\r\n\t").encode()
    again = stack.request("POST", INVITE, body=spaced, headers={
        **host, "Idempotency-Key": "a1", "Content-Type": "application/json"})
    assert again.json == first.json
    check_once(stack, first)


def test_a_key_with_another_body_is_refused(stack, host):
    first = invite(stack, host, key="a1")
    other = invite(stack, host, key="a1", title="Another chat")
    assert failure(other)[::2] == (422, "idempotency_key_reused")
    check_once(stack, first)


def test_a_key_holds_for_its_owner_alone(stack, host, bearer):
    connect(stack, bearer("coach-2"), "coach-2", OTHER_ACCOUNT)
    mine, theirs = invite(stack, host, key="a1"), invite(stack, bearer("coach-2"), key="a1")
    assert (mine.status, theirs.status) == (200, 200)
    assert mine.json["calendarEventId"] != theirs.json["calendarEventId"]
    assert len(events(stack)) == len(events(stack, OTHER_ACCOUNT)) == 1


def test_while_the_first_request_runs_its_key_is_taken(stack, host):
    stack.sandbox.fault("store_then_hold", match={"method": "POST", "path": "/events$"})
    first = in_background(invite, stack, host, key="a1")
    stack.sandbox.held()
    second = invite(stack, host, key="a1")
    assert failure(second)[::2] == (409, "request_running")
    assert 1 <= int(second.headers["Retry-After"]) <= 60
    stack.sandbox.release()
    check_once(stack, first.result())
    assert invite(stack, host, key="a1").json == first.result().json


def test_after_a_failure_the_same_key_tries_again_on_the_same_event(stack, host):
    stack.sandbox.fault("backendError", match={"method": "POST", "path": "/events$"})
    assert invite(stack, host, key="a1").status == 500
    answer = invite(stack, host, key="a1")
    assert answer.count("Idempotency-Replayed") == 0
    check_once(stack, answer)
    assert len({json.loads(one["body"])["id"] for one in inserts(stack)}) == 1


def test_a_key_is_free_again_after_a_day(stack, host):
    invite(stack, host, key="a1")
    stack.sql("UPDATE calendar_event_mappings SET created_at = created_at - INTERVAL 86500 SECOND")
    again = invite(stack, host, key="a1", title="Another chat")
    assert (again.status, again.count("Idempotency-Replayed"), len(events(stack))) == (200, 0, 2)


@pytest.mark.parametrize("key", ["a" * 256, "a b", "a\tb", "\u00e9", ""],
                         ids=["256 bytes", "space", "tab", "not ascii", "empty"])
def test_a_key_is_1_to_255_visible_characters(stack, host, key):
    sent = {**host, "Idempotency-Key": key.encode()}
    assert failure(stack.request("POST", INVITE, data=wanted(), headers=sent))[0] == 400
    check_nothing(stack)


def test_a_key_may_be_255_visible_characters(stack, host):
    key = "!~" * 127 + "x"
    check_once(stack, invite(stack, host, key=key))
    assert invite(stack, host, key=key).headers["Idempotency-Replayed"] == "true"


def test_without_a_key_identical_requests_in_flight_share_one_event(stack, host):
    stack.sandbox.fault("store_then_hold", match={"method": "POST", "path": "/events$"})
    with ThreadPoolExecutor(12) as pool:
        answers = [pool.submit(invite, stack, host) for _ in range(12)]
        stack.sandbox.held()
        wait_for(lambda: in_flight(stack) == 12, 20, "all requests under way")
        asked = statements(stack)
        wait_for(lambda: statements(stack) > asked + 200, 20, "every request to look several times")
        stack.sandbox.release()
        told = [answer.result() for answer in answers]
    for answer in told:
        check_once(stack, answer)
    assert len(inserts(stack)) == 1


def in_flight(stack):
    """Requests that the application has taken and not answered."""
    lines = Path("/proc/net/unix").read_text().splitlines()
    return sum(line.endswith(f" {stack.fcgi_socket}") and line.split()[5] == "03" for line in lines)


def statements(stack):
    """SQL statements run so far by everybody."""
    return int(stack.sql("SHOW GLOBAL STATUS LIKE 'Com_stmt_execute'")[0]["Value"])


def test_without_a_key_a_different_request_is_another_event(stack, host):
    one, other = invite(stack, host), invite(stack, host, durationMinutes=46)
    assert (one.status, other.status, len(events(stack))) == (200, 200, 2)


def test_without_a_key_an_answered_invite_may_be_meant_twice(stack, host):
    one, other = invite(stack, host), invite(stack, host)
    assert one.json["calendarEventId"] != other.json["calendarEventId"]
    assert len(events(stack)) == 2 and mails(stack)[GUESTS[0]] == 2


def test_without_a_key_a_request_that_failed_is_repeated_on_the_same_event(stack, host):
    stack.sandbox.fault("error", status=500, after=True,
                        match={"method": "POST", "path": "/events$"})
    assert invite(stack, host).status == 500
    check_once(stack, invite(stack, host))


# --- what has changed since ---

def test_a_key_replays_though_consent_was_withdrawn_since(stack, host):
    first = invite(stack, host, key="a1")
    stack.sql("UPDATE coach_calendar_connections SET status = 'reauth_required'")
    again = invite(stack, host, key="a1")
    assert (again.status, again.json) == (200, first.json)
    assert invite(stack, host, key="a2").status == 409
    assert invite(stack, host, key="a1", title="Another chat").status in (409, 422)


@pytest.fixture
def two_calendars(stack, host, bearer):
    """The host has a second calendar; use(account) makes one the default."""
    connect(stack, bearer(HOST), HOST, OTHER_ACCOUNT)

    def use(account):
        stack.sql("UPDATE owners SET default_connection_id = (SELECT id FROM "
                  "coach_calendar_connections WHERE account_email = %s)", (account,))
    return use


def test_an_event_in_doubt_is_finished_where_it_was_begun(stack, host, two_calendars):
    stack.sandbox.fault("error", status=500, after=True,
                        match={"method": "POST", "path": "/events$"})
    two_calendars(ACCOUNT)
    assert invite(stack, host).status == 500
    two_calendars(OTHER_ACCOUNT)
    check_once(stack, invite(stack, host), account=ACCOUNT)
    assert events(stack, OTHER_ACCOUNT) == []


def test_a_refused_event_starts_anew_in_the_calendar_that_is_the_default_now(
        stack, host, two_calendars):
    stack.sandbox.fault("too_many_requests", match={"method": "POST", "path": "/events$"})
    two_calendars(ACCOUNT)
    assert invite(stack, host, key="a1").status == 500
    two_calendars(OTHER_ACCOUNT)
    answer = invite(stack, host, key="a1")
    assert answer.json["calendarEventId"] == events(stack, OTHER_ACCOUNT)[0]["id"]
    assert events(stack, ACCOUNT) == []
    placed = stack.sql("SELECT c.account_email AS account FROM calendar_event_mappings m JOIN "
                       "coach_calendar_connections c ON c.id = m.connection_id "
                       "WHERE m.state = 'placed'")
    assert placed == [{"account": OTHER_ACCOUNT}]


# --- the door ---

@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD"])
def test_any_other_method_is_refused_before_anything_else(stack, clean, method):
    answer = stack.request(method, INVITE)
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    check_nothing(stack)


def test_a_name_that_was_given_out_ahead_of_the_clock_is_passed_over(clean, bearer):
    connect(clean, bearer(HOST))
    first = invite(clean, bearer(HOST))
    assert first.status == 200
    # an earlier life of this machine that was busy: every name of the next minute is taken
    clean.sql("INSERT INTO calendar_event_mappings (id, tenant_id, owner_id, connection_id, origin, "
              "state, event_ref, calendar_id, provider_event_id, created_at) "
              "SELECT UNHEX(LPAD(HEX(n.seq + 1000000), 32, '0')), m.tenant_id, m.owner_id, "
              "m.connection_id, 'invite', 'removed', CONCAT('evt_', "
              "FLOOR(UNIX_TIMESTAMP(UTC_TIMESTAMP(3)) * 1000) + n.seq, '_single_h'), 'primary', "
              "'x', UTC_TIMESTAMP(3) FROM calendar_event_mappings m JOIN seq_0_to_60000 n")
    again = invite(clean, bearer(HOST), title="Another")
    assert again.status == 200
    assert again.json["eventId"] != first.json["eventId"]
