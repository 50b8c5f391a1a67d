"""Graph's events as the sandbox imitates them: one rule of the API a test."""

import re
from urllib.parse import quote

import pytest

from .harness import BASE, without
from .harness_microsoft import (COLLEAGUE, EVENTS, GRAPH, IMMUTABLE, PERSONAL, PROPERTY, WORK,
                                MicrosoftClient, code_of, graph_event, guest, moment, own_data)

GUEST = "guest@example.org"
LATE = "late@example.org"
EASTERN = "Eastern Standard Time"


def kinds(client):
    """The mails since the last look, as (to, kind)."""
    found = sorted((one["to"], one["kind"]) for one in client.sandbox.mail())
    client.sandbox.reset()
    return found


def violations(client):
    return [one["kind"] for one in client.sandbox.violations()]


def test_an_event_comes_back_as_graph_tells_it(work):
    answer = work.api("POST", "", graph_event(
        attendees=[guest(GUEST)], location={"displayName": "Cafe"}, transactionId="bk_1-g1",
        reminderMinutesBeforeStart=5), prefer=IMMUTABLE)
    event = answer.json()
    assert answer.status == 201 and answer.headers["etag"] == event["@odata.etag"]
    assert event["@odata.etag"] == f'W/"{event["changeKey"]}"'
    assert event["start"] == moment("2025-12-02T15:00:00.0000000")
    assert event["organizer"]["emailAddress"]["address"] == WORK and event["isOrganizer"] is True
    assert event["attendees"][0]["status"] == {"response": "none", "time": "0001-01-01T00:00:00Z"}
    assert event["attendees"][0]["emailAddress"] == {"name": GUEST, "address": GUEST}
    assert event["location"]["displayName"] == event["locations"][0]["displayName"] == "Cafe"
    assert (event["isOnlineMeeting"], event["onlineMeeting"]) == (False, None)
    assert (event["transactionId"], event["type"]) == ("bk_1-g1", "singleInstance")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", event["createdDateTime"])
    assert event["webLink"].startswith(f"{BASE}/calendar/event?eid=")
    assert "unannouncedMember" in event and "\n" not in answer.body.decode()
    assert without(work.event(event["id"]).json(), "@odata.context") == without(
        event, "@odata.context")
    assert "transactionId" not in work.insert() and violations(work) == []


@pytest.mark.parametrize("header, message", [
    (None, "Access token is empty."), ("Bearer dead", "IDX14100"), ("Basic eDp5", "empty")])
def test_no_event_without_a_live_bearer_token(sandbox, header, message):
    answer = sandbox.request("GET", EVENTS, headers={"Authorization": header} if header else {})
    assert code_of(answer) == (401, "InvalidAuthenticationToken")
    assert message in answer.json()["error"]["message"]
    assert "authorization_uri=" in answer.headers["www-authenticate"]


def test_a_token_that_ran_out_is_told_as_such(work):
    work.sandbox.advance(3600)
    assert work.list().json()["error"]["message"].startswith("Lifetime validation failed")


def test_scopes_open_what_they_open(microsoft):
    microsoft.connect(scope="openid Calendars.Read")
    assert microsoft.list().status == 200
    assert code_of(microsoft.api("POST", "", graph_event())) == (403, "ErrorAccessDenied")
    assert code_of(microsoft.api("GET", "/me")) == (403, "Authorization_RequestDenied")
    microsoft.connect(scope="User.Read")
    assert code_of(microsoft.list()) == (403, "ErrorAccessDenied")
    assert microsoft.api("GET", "/me").status == 200


def test_a_person_has_an_address_unless_the_account_is_personal(work):
    person = work.api("GET", "/me").json()
    assert (person["mail"], person["userPrincipalName"]) == (WORK, WORK)
    assert set(work.api("GET", "/me", query="$select=mail,id").json()) == {
        "@odata.context", "mail", "id"}
    work.connect(PERSONAL)
    person = work.api("GET", "/me").json()
    assert (person["mail"], person["userPrincipalName"]) == (None, PERSONAL)


def test_every_answer_has_a_request_id_and_the_clients_own(work):
    answer = work.api("GET", "/me", headers={"client-request-id": "mine"})
    assert answer.headers["client-request-id"] == "mine" and answer.headers["request-id"]
    answer = work.api("GET", "/unknown", headers={"client-request-id": "mine"})
    inner = answer.json()["error"]["innerError"]
    assert inner["client-request-id"] == answer.headers["client-request-id"] == "mine"
    assert inner["request-id"] == answer.headers["request-id"]


def test_the_error_envelope_comes_in_more_than_one_spelling(work):
    for spelling in ("innerError", "innererror"):
        work.sandbox.settings(inner_error=spelling)
        assert set(work.event("unknown").json()["error"]) == {"code", "message", spelling}
    work.sandbox.settings(inner_error="omitted", camel_codes=True)
    assert work.event("unknown").json()["error"] == {
        "code": "errorItemNotFound",
        "message": "The specified object was not found in the store."}


def test_ids_come_in_two_formats_and_one_outlives_a_move(work):
    work.sandbox.add_calendar(WORK, "Lessons")
    event = work.insert()
    usual = work.event(event["id"], prefer="")
    assert "preference-applied" not in usual.headers
    old = usual.json()["id"]
    assert old != event["id"] and len(old) > 150 and {"=", "-", "_"} <= set(old)
    assert work.event(old).json()["id"] == event["id"]
    moved = work.sandbox.move_event(WORK, event["id"], "Lessons")
    assert moved["sandbox"]["calendar"] == "Lessons"
    assert code_of(work.event(old)) == (404, "ErrorItemNotFound")
    assert work.event(event["id"]).json()["@odata.etag"] != event["@odata.etag"]
    assert work.event(event["id"], prefer="").json()["id"] == moved["id"] != old


def test_an_immutable_id_without_the_preference_is_noted(work):
    event = work.insert()
    assert violations(work) == []
    work.event(event["id"], prefer="")
    assert violations(work) == ["immutable_id_without_preference"]


def test_ids_differ_in_the_case_of_a_letter_alone(work):
    for prefer in ("", IMMUTABLE):
        first, second = (work.insert(prefer=prefer, subject=name)["id"] for name in "ab")
        if first.lower() != second.lower():
            second, third = second, work.insert(prefer=prefer, subject="c")["id"]
            first, second = second, third
        assert first != second and first.lower() == second.lower()
        assert work.event(first, prefer=prefer).json()["subject"] != work.event(
            second, prefer=prefer).json()["subject"]


@pytest.mark.parametrize("prefer, applied", [
    (IMMUTABLE, IMMUTABLE), ("", None), ('outlook.timezone="UTC"', 'outlook.timezone="UTC"'),
    (f'outlook.timezone="UTC", {IMMUTABLE}', f'outlook.timezone="UTC", {IMMUTABLE}'),
    (f"{IMMUTABLE}, respond-async=1", IMMUTABLE)])
def test_honoured_preferences_are_named(work, prefer, applied):
    answer = work.api("GET", "", prefer=prefer)
    assert answer.headers.get("preference-applied") == applied
    assert violations(work) == (["unknown_preference"] if "respond" in prefer else [])


@pytest.mark.parametrize("zone, local", [
    ("UTC", "2025-12-02T15:00:00.0000000"), (EASTERN, "2025-12-02T10:00:00.0000000"),
    ("America/New_York", "2025-12-02T10:00:00.0000000"),
    ("India Standard Time", "2025-12-02T20:30:00.0000000")])
def test_answers_are_in_the_zone_preferred(work, zone, local):
    prefer = f'{IMMUTABLE}, outlook.timezone="{zone}"'
    event = work.insert(prefer=prefer)
    assert event["start"] == {"dateTime": local, "timeZone": zone}
    assert work.event(event["id"], prefer=prefer).json()["start"] == event["start"]
    assert work.event(event["id"]).json()["start"] == moment("2025-12-02T15:00:00.0000000")


@pytest.mark.parametrize("zone, local, utc", [
    (EASTERN, "2025-07-01T10:00:00", "2025-07-01T14:00:00"),
    ("Europe/Berlin", "2025-12-02T10:00:00.000", "2025-12-02T09:00:00"),
    ("W. Europe Standard Time", "2025-12-02T10:00", "2025-12-02T09:00:00"),
    (EASTERN, "2025-11-02T01:30:00", "2025-11-02T06:30:00")])
def test_a_local_time_means_its_zone_and_the_later_of_two(work, zone, local, utc):
    event = work.insert(start=moment(local, zone), end=moment("2025-12-03T00:00:00"))
    assert event["start"]["dateTime"] == utc + ".0000000"
    assert event["originalStartTimeZone"] == zone


@pytest.mark.parametrize("zone", ["Europe/Amsterdam", "America/Argentina/Ushuaia", "Mars/Base",
                                  "utc", "EST", "eastern standard time", "", None, 5])
def test_other_zones_are_not_supported(work, zone):
    wrong = graph_event(start={"dateTime": "2025-12-02T15:00:00", "timeZone": zone})
    assert code_of(work.api("POST", "", wrong)) == (400, "TimeZoneNotSupportedException")
    if zone:
        answer = work.api("GET", "", prefer=f'outlook.timezone="{zone}"')
        assert code_of(answer) == (400, "TimeZoneNotSupportedException")
    assert work.sandbox.events(WORK, "microsoft") == []


@pytest.mark.parametrize("members, code", [
    ({"start": None}, "ErrorPropertyValidationFailure"),
    ({"end": None}, "ErrorPropertyValidationFailure"),
    ({"end": moment("2025-12-02T14:00:00")}, "ErrorPropertyValidationFailure"),
    ({"start": "2025-12-02T15:00:00"}, "RequestBodyRead"),
    ({"start": moment("2025-12-02T15:00:00Z")}, "RequestBodyRead"),
    ({"start": moment("2025-12-02T15:00:00-05:00")}, "RequestBodyRead"),
    ({"start": moment("2025-12-02")}, "RequestBodyRead"),
    ({"start": moment("2025-02-30T10:00:00")}, "RequestBodyRead"),
    ({"start": {**moment("2025-12-02T15:00:00"), "zone": "UTC"}}, "RequestBodyRead"),
    ({"start": moment("2025-03-09T02:30:00", EASTERN)}, "ErrorInvalidRequest"),
    ({"summary": "x"}, "RequestBodyRead"), ({"subject": 5}, "RequestBodyRead"),
    ({"isReminderOn": "true"}, "RequestBodyRead"),
    ({"reminderMinutesBeforeStart": "15"}, "RequestBodyRead"),
    ({"reminderMinutesBeforeStart": -1}, "ErrorPropertyValidationFailure"),
    ({"showAs": "away"}, "RequestBodyRead"), ({"sensitivity": "hidden"}, "RequestBodyRead"),
    ({"body": "text"}, "RequestBodyRead"),
    ({"body": {"contentType": "markdown", "content": "x"}}, "RequestBodyRead"),
    ({"body": {"type": "text"}}, "RequestBodyRead"), ({"location": "Cafe"}, "RequestBodyRead"),
    ({"attendees": {"emailAddress": {}}}, "RequestBodyRead"),
    ({"attendees": [{"email": GUEST}]}, "RequestBodyRead"),
    ({"attendees": [{"type": "required"}]}, "ErrorPropertyValidationFailure"),
    ({"attendees": [guest("nobody")]}, "ErrorInvalidRecipients"),
    ({"attendees": [guest(GUEST, type="host")]}, "RequestBodyRead"),
    ({"attendees": [guest(f"g{n}@example.org") for n in range(501)]},
     "ErrorExceededMaxRecipientLimitPerMessage"),
    ({"transactionId": ""}, "ErrorPropertyValidationFailure"),
    ({"singleValueExtendedProperties": {}}, "RequestBodyRead"),
    ({"singleValueExtendedProperties": [{"id": "x", "value": "y"}]}, "ErrorInvalidProperty"),
    ({"singleValueExtendedProperties": [{"id": PROPERTY}]}, "ErrorPropertyValidationFailure"),
    ({"recurrence": {"pattern": {}}}, "ErrorInvalidRequest"),
    ({"organizer": "x@example.org"}, "RequestBodyRead"),
])
def test_members_with_bad_values_are_refused(work, members, code):
    assert code_of(work.api("POST", "", graph_event(**members))) == (400, code)
    assert work.sandbox.events(WORK, "microsoft") == []


@pytest.mark.parametrize("body, headers, code", [
    (b"{}", {"Content-Type": "text/plain"}, "BadRequest"), (b"", {}, "BadRequest"),
    (b'{"subject": ', {}, "BadRequest"), (b'{"subject": "\xff"}', {}, "BadRequest"),
    (b'{"x": NaN}', {}, "BadRequest"), (b"[]", {}, "RequestBodyRead")])
def test_a_body_is_a_json_object_and_says_so(work, body, headers, code):
    assert code_of(work.api("POST", "", body, headers=headers)) == (400, code)


def test_what_graph_ignores_is_noted(work):
    work.insert(iCalUId="x", attendees=[guest(GUEST), guest(GUEST.upper())])
    work.api("GET", "", query="top=5&$filter=start/dateTime+ge+%272025-12-01T00:00:00%27")
    assert violations(work) == ["read_only_member", "duplicate_guest", "plus_in_query",
                                "unknown_query_parameter"]


def all_day(first, last, zone="UTC"):
    return {"isAllDay": True, "start": moment(f"{first}T00:00:00", zone),
            "end": moment(f"{last}T00:00:00", zone)}


def test_whole_days_are_midnights_in_every_zone(work):
    event = work.insert(**all_day("2025-12-02", "2025-12-04", EASTERN),
                        prefer=f'{IMMUTABLE}, outlook.timezone="Tokyo Standard Time"')
    assert event["start"] == moment("2025-12-02T00:00:00.0000000", "Tokyo Standard Time")
    assert event["end"]["dateTime"] == "2025-12-04T00:00:00.0000000"
    assert work.event(event["id"]).json()["start"] == moment("2025-12-02T00:00:00.0000000")


@pytest.mark.parametrize("members", [
    {**all_day("2025-12-02", "2025-12-03"), "start": moment("2025-12-02T00:30:00")},
    {**all_day("2025-12-02", "2025-12-03"), "end": moment("2025-12-03T00:00:00", EASTERN)},
    all_day("2025-12-02", "2025-12-02"), {"isAllDay": True}])
def test_whole_days_begin_and_end_at_midnight_of_one_zone(work, members):
    assert code_of(work.api("POST", "", graph_event(**members))) == (400, "ErrorInvalidRequest")


def test_becoming_a_whole_day_needs_both_times(work):
    event = work.insert()
    path = "/" + quote(event["id"])
    assert work.api("PATCH", path, {"isAllDay": True}, prefer=IMMUTABLE).status == 400
    patched = work.api("PATCH", path, all_day("2025-12-05", "2025-12-06"), prefer=IMMUTABLE)
    assert patched.json()["start"]["dateTime"] == "2025-12-05T00:00:00.0000000"
    assert patched.json()["isAllDay"] is True


def test_own_data_are_hidden_unless_expanded(work):
    event = work.insert(singleValueExtendedProperties=own_data("bk_1"))
    assert "singleValueExtendedProperties" not in event

    def expanded(name):
        found = work.event(event["id"], expand=f"singleValueExtendedProperties($filter=id eq "
                                               f"'{name}')").json()
        return [one["value"] for one in found.get("singleValueExtendedProperties", [])]
    assert expanded(PROPERTY) == ["bk_1"]
    assert expanded(PROPERTY.replace("{9d1b6a2e", "{9D1B6A2E")) == ["bk_1"]
    assert expanded(PROPERTY.lower().replace("string", "String").replace("name", "Name")) == []
    assert code_of(work.event(event["id"], expand="extensions")) == (400, "BadRequest")
    work.api("PATCH", "/" + quote(event["id"]),
             {"singleValueExtendedProperties": own_data("it's")}, prefer=IMMUTABLE)
    assert expanded(PROPERTY) == ["it's"]


@pytest.mark.parametrize("how, status", [("created", 201), ("ok", 200)])
def test_a_transaction_id_makes_one_event(work, how, status):
    work.sandbox.settings(transaction_replay=how)
    body = graph_event(transactionId="bk_1-g1", attendees=[guest(GUEST)])
    first = work.api("POST", "", body, prefer=IMMUTABLE).json()
    again = work.api("POST", "", body, prefer=IMMUTABLE)
    assert (again.status, again.json()["id"]) == (status, first["id"])
    assert len(work.sandbox.events(WORK, "microsoft")) == 1 == len(work.sandbox.mail())


def test_a_transaction_id_may_be_refused_the_second_time(work):
    body = graph_event(transactionId="bk_1-g1")
    other = graph_event(transactionId="bk_1-g1", subject="Tea")
    first = work.api("POST", "", body, prefer=IMMUTABLE).json()
    assert code_of(work.api("POST", "", other)) == (409, "ErrorDuplicateTransactionId")
    work.sandbox.settings(transaction_replay="conflict")
    assert code_of(work.api("POST", "", body)) == (409, "ErrorDuplicateTransactionId")
    work.sandbox.settings(transaction_replay="created")
    work.api("DELETE", "/" + quote(first["id"]), prefer=IMMUTABLE)
    assert code_of(work.api("POST", "", body)) == (409, "ErrorDuplicateTransactionId")
    assert len(work.sandbox.events(WORK, "microsoft")) == 1


def test_a_transaction_id_is_immutable_and_of_one_mailbox(work):
    event = work.insert(transactionId="bk_1-g1")
    answer = work.api("PATCH", "/" + quote(event["id"]), {"transactionId": "x"}, prefer=IMMUTABLE)
    assert code_of(answer) == (400, "ErrorInvalidRequest")
    other = MicrosoftClient(work.sandbox)
    other.connect(COLLEAGUE)
    assert other.insert(transactionId="bk_1-g1")["id"] != event["id"]


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_if_match_wants_the_present_etag_as_it_came(work, method):
    first = work.insert()
    path = "/" + quote(first["id"])
    now = work.api("PATCH", path, {"subject": "Tea"}, prefer=IMMUTABLE).json()["@odata.etag"]
    assert now != first["@odata.etag"]
    body = None if method == "DELETE" else {"subject": "Cake"}
    for etag in (first["@odata.etag"], now.removeprefix("W/"), now[3:-1]):
        answer = work.api(method, path, body, prefer=IMMUTABLE, headers={"If-Match": etag})
        assert code_of(answer) == (412, "ErrorIrresolvableConflict")
    assert violations(work) == ["unquoted_etag", "unquoted_etag"]
    answer = work.api(method, path, body, prefer=IMMUTABLE, headers={"If-Match": now})
    assert answer.status in (200, 204)


def test_patch_keeps_what_it_does_not_name(work):
    event = work.insert(body={"contentType": "text", "content": "Talk"}, showAs="tentative",
                        location={"displayName": "Here"})
    patched = work.api("PATCH", "/" + quote(event["id"]), {
        "start": moment("2025-12-02T15:15:00"), "location": {"displayName": "There"}},
        prefer=IMMUTABLE).json()
    changed = {"start", "location", "locations", "changeKey", "@odata.etag",
               "lastModifiedDateTime"}
    assert {name for name in event if event[name] != patched[name]} == changed
    answer = work.api("PATCH", "/" + quote(event["id"]), {"start": moment("2025-12-03T15:00:00")},
                      prefer=IMMUTABLE)
    assert code_of(answer) == (400, "ErrorPropertyValidationFailure")


def test_guests_are_replaced_whole_and_who_stays_keeps_the_answer(work):
    event = work.insert(attendees=[guest(GUEST), guest(LATE)])
    work.sandbox.respond(WORK, event["id"], GUEST, "tentative", provider="microsoft")
    work.sandbox.respond(WORK, event["id"], LATE, provider="microsoft")
    work.sandbox.reset()
    patched = work.api("PATCH", "/" + quote(event["id"]), {
        "attendees": [guest(GUEST.upper()), guest("new@example.org")]}, prefer=IMMUTABLE).json()
    assert [one["status"]["response"] for one in patched["attendees"]] == [
        "tentativelyAccepted", "none"]
    assert patched["attendees"][0]["status"]["time"] > "2020"
    assert kinds(work) == [(GUEST.upper(), "update"), (LATE, "cancel"),
                           ("new@example.org", "invite")]
    again = work.api("PATCH", "/" + quote(event["id"]), {"attendees": [guest(LATE)]},
                     prefer=IMMUTABLE).json()
    assert again["attendees"][0]["status"]["response"] == "none"


def test_nothing_suppresses_the_mails(work):
    guests = [guest(GUEST), guest(LATE), guest(WORK), guest("room@example.org", type="resource")]
    event = work.insert(attendees=guests)
    path = "/" + quote(event["id"])
    assert kinds(work) == [(GUEST, "invite"), (LATE, "invite")]
    for member in ({"subject": "Tea"}, {"body": {"contentType": "text", "content": "x"}},
                   {"start": moment("2025-12-02T15:05:00")}, {"location": {"displayName": "x"}},
                   {"attendees": guests}, {"subject": "Tea"}):
        work.api("PATCH", path, member, prefer=IMMUTABLE, query="sendUpdates=none")
        assert kinds(work) == [(GUEST, "update"), (LATE, "update")]
    for member in ({"showAs": "free"}, {"reminderMinutesBeforeStart": 5}, {"categories": ["x"]},
                   {"singleValueExtendedProperties": own_data("x")}):
        work.api("PATCH", path, member, prefer=IMMUTABLE)
        assert kinds(work) == []
    assert work.api("DELETE", path, prefer=IMMUTABLE).status == 204
    assert kinds(work) == [(GUEST, "cancel"), (LATE, "cancel")]
    work.insert()
    assert kinds(work) == []


def test_a_deleted_event_is_gone(work):
    event = work.insert()
    path = "/" + quote(event["id"])
    answer = work.api("DELETE", path, prefer=IMMUTABLE)
    assert (answer.status, answer.body) == (204, b"")
    for method, body in (("GET", None), ("PATCH", {"subject": "x"}), ("DELETE", None)):
        answer = work.api(method, path, body, prefer=IMMUTABLE)
        assert code_of(answer) == (404, "ErrorItemNotFound")
    assert work.sandbox.events(WORK, "microsoft")[0]["sandbox"]["deleted"] is True


def test_by_switch_a_deleted_event_is_still_found_by_its_immutable_id(work):
    event = work.insert()
    usual = work.event(event["id"], prefer="").json()["id"]
    work.api("DELETE", "/" + quote(event["id"]), prefer=IMMUTABLE)
    work.sandbox.settings(trash_found=True)
    assert work.event(event["id"]).status == 200 and work.event(usual).status == 404
    assert work.list().json()["value"] == []
    assert work.api("DELETE", "/" + quote(event["id"]), prefer=IMMUTABLE).status == 204
    assert work.event(event["id"]).status == 404


def test_cancel_is_for_organizers_and_brings_a_word(work):
    event = work.insert(attendees=[guest(GUEST)])
    work.sandbox.reset()
    answer = work.api("POST", f"/{quote(event['id'])}/cancel", {"comment": "Sorry"},
                      prefer=IMMUTABLE)
    assert (answer.status, answer.body) == (202, b"")
    assert [(one["to"], one["kind"], one["comment"]) for one in work.sandbox.mail()] == [
        (GUEST, "cancel", "Sorry")]
    assert work.event(event["id"]).status == 404
    foreign = work.sandbox.add_event(WORK, graph_event(organizer=COLLEAGUE), "microsoft")
    assert foreign["isOrganizer"] is False
    assert code_of(work.api("POST", f"/{quote(foreign['id'])}/cancel", {})) == (
        400, "ErrorInvalidRequest")


def test_the_text_is_html_unless_text_is_preferred(work):
    event = work.insert(body={"contentType": "text", "content": "a < b\nc"})
    assert event["body"]["contentType"] == "html" and "a &lt; b<br>" in event["body"]["content"]
    assert event["bodyPreview"] == "a < b\nc"
    prefer = f'{IMMUTABLE}, outlook.body-content-type="text"'
    assert work.event(event["id"], prefer=prefer).json()["body"] == {
        "contentType": "text", "content": "a < b\nc"}


def online(client, **members):
    return client.insert(isOnlineMeeting=True, onlineMeetingProvider="teamsForBusiness",
                         body={"contentType": "text", "content": "Talk"}, **members)


def test_an_online_meeting_has_a_link_and_a_block_in_the_text(work):
    event = online(work)
    link = event["onlineMeeting"]["joinUrl"]
    assert (event["onlineMeetingProvider"], event["onlineMeetingUrl"]) == ("teamsForBusiness", None)
    assert link in event["body"]["content"] and "Talk" in event["body"]["content"]
    for member, noted in (({"subject": "Tea"}, []),
                          ({"isOnlineMeeting": False}, ["online_meeting_unset"])):
        kept = work.api("PATCH", "/" + quote(event["id"]), member, prefer=IMMUTABLE).json()
        assert kept["onlineMeeting"] == {"joinUrl": link} and violations(work) == noted


def test_a_text_without_the_block_ends_the_online_meeting(work):
    event = online(work)
    path = "/" + quote(event["id"])
    text = event["body"]["content"].replace("Talk", "Walk")
    kept = work.api("PATCH", path, {"body": {"contentType": "html", "content": text}},
                    prefer=IMMUTABLE).json()
    assert kept["onlineMeeting"] == event["onlineMeeting"] and "Walk" in kept["body"]["content"]
    lost = work.api("PATCH", path, {"body": {"contentType": "text", "content": "Walk"}},
                    prefer=IMMUTABLE).json()
    assert (lost["isOnlineMeeting"], lost["onlineMeeting"]) == (False, None)


def test_a_personal_account_has_no_online_meetings(microsoft):
    microsoft.connect(PERSONAL)
    calendar = microsoft.api("GET", "/me/calendar").json()
    assert calendar["allowedOnlineMeetingProviders"] == []
    event = online(microsoft)
    assert (event["isOnlineMeeting"], event["onlineMeeting"]) == (False, None)
    assert violations(microsoft) == ["online_meeting_not_allowed"]


def test_an_event_goes_into_the_calendar_that_is_named(work):
    lessons = work.sandbox.add_calendar(WORK, "Lessons")
    closed = work.sandbox.add_calendar(WORK, "Closed", editable=False)

    def insert(calendar):
        return work.api("POST", f"/me/calendars/{quote(calendar)}/events", graph_event())
    assert insert(lessons["id"]).status == 201
    assert work.sandbox.events(WORK, "microsoft")[0]["sandbox"]["calendar"] == "Lessons"
    assert code_of(insert(closed["id"])) == (403, "ErrorAccessDenied")
    assert code_of(insert(lessons["id"].swapcase())) == (404, "ErrorItemNotFound")
    assert work.api("POST", "/me/calendar/events", graph_event()).status == 201
    assert [one["sandbox"]["calendar"] for one in work.sandbox.events(WORK, "microsoft")] == [
        "Lessons", "Calendar"]


def test_calendars_say_what_may_be_done(work):
    closed = work.sandbox.add_calendar(WORK, "Closed", editable=False)
    found = work.api("GET", "/me/calendars/" + quote(closed["id"])).json()
    assert (found["name"], found["canEdit"], found["isDefaultCalendar"]) == (
        "Closed", False, False)
    usual = work.api("GET", "/me/calendar").json()
    assert (usual["canEdit"], usual["isDefaultCalendar"]) == (True, True)
    assert usual["allowedOnlineMeetingProviders"] == ["teamsForBusiness"]
    assert code_of(work.api("GET", "/me/calendars/unknown")) == (404, "ErrorItemNotFound")


def test_hands_on_the_calendar_are_like_the_persons_own(work):
    event = work.insert(attendees=[guest(GUEST)])
    usual = work.event(event["id"], prefer="").json()["id"]
    work.sandbox.reset()
    work.sandbox.respond(WORK, usual, GUEST, provider="microsoft")
    work.sandbox.edit_event(WORK, event["id"], {"start": moment("2025-12-02T15:30:00")},
                            "microsoft")
    assert kinds(work) == []
    work.sandbox.add_guest(WORK, event["id"], LATE, "microsoft")
    assert kinds(work) == [(LATE, "invite")]
    found = work.event(event["id"]).json()
    assert found["start"]["dateTime"] == "2025-12-02T15:30:00.0000000"
    assert [one["status"]["response"] for one in found["attendees"]] == ["accepted", "none"]
    assert found["@odata.etag"] != event["@odata.etag"]
    work.sandbox.delete_event(WORK, event["id"], provider="microsoft")
    assert work.event(event["id"]).status == 404 and kinds(work) == []
    work.sandbox.delete_event(WORK, event["id"], purge=True, provider="microsoft")
    assert work.sandbox.events(WORK, "microsoft") == []


def test_accounts_do_not_see_each_other(work):
    event = work.insert()
    other = MicrosoftClient(work.sandbox)
    other.connect(COLLEAGUE)
    assert code_of(other.event(event["id"])) == (404, "ErrorItemNotFound")
    assert other.list().json()["value"] == []


@pytest.mark.parametrize("path", ["/me/calendarView", "/me/events/delta", "/subscriptions",
                                  "/me/calendar/getSchedule"])
def test_what_is_left_out_is_not_there(work, path):
    answer = work.sandbox.request("GET", GRAPH + path,
                                  headers={"Authorization": f"Bearer {work.token}"})
    assert answer.status in (404, 405)
