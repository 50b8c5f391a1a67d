"""Google's calendar as the sandbox imitates it: one rule of the API a test."""

import pytest

from .harness import (BASE, CALENDAR_SCOPE, EVENTS, HOST, JSON, OTHER, GoogleClient, event_body,
                      reason, without)

GUEST = "guest@example.org"
NEW_YORK = "America/New_York"


def test_an_event_comes_back_as_google_tells_it(host):
    event = host.insert(id="cb5f0c", attendees=[{"email": GUEST}],
                        extendedProperties={"private": {"calbridge": "bk_1"}})
    assert event["kind"] == "calendar#event" and event["status"] == "confirmed"
    assert event["etag"].startswith('"') and event["etag"].endswith('"')
    assert event["start"] == {"dateTime": "2025-12-02T10:00:00-05:00", "timeZone": NEW_YORK}
    assert event["htmlLink"].startswith(f"{BASE}/calendar/event?eid=")
    assert event["iCalUID"] == "cb5f0c@google.com" and event["sequence"] == 0
    assert event["attendees"] == [{"email": GUEST, "responseStatus": "needsAction"}]
    assert event["reminders"] == {"useDefault": True}
    assert event["organizer"] == {"email": HOST, "self": True}
    assert event["extendedProperties"] == {"private": {"calbridge": "bk_1"}}
    assert "unannouncedMember" in event
    assert host.api("GET", "/cb5f0c").json() == event
    assert host.sandbox.violations() == []


def test_answers_are_indented_and_chunked_unless_asked_otherwise(host):
    answer = host.api("POST", "", event_body(id="abcde"))
    assert answer.body.startswith(b'{\n "kind": "calendar#event",\n')
    assert answer.headers["transfer-encoding"] == "chunked"
    assert answer.headers["etag"] == answer.json()["etag"]
    assert b"\n" not in host.api("GET", "/abcde", query="prettyPrint=false").body
    assert host.api("GET", "/abcde", query="fields=id,start/dateTime").json() == {
        "id": "abcde", "start": {"dateTime": "2025-12-02T10:00:00-05:00"}}
    assert reason(host.api("GET", "/abcde", query="fields=id,(")) == (400, "invalidParameter")


@pytest.mark.parametrize("header, wanted, challenge", [
    (None, "required", "realm="),
    ("Bearer dead", "authError", "invalid_token"),
    ("bearer", "required", "realm="),
    ("Basic eDp5", "required", "realm="),
])
def test_no_event_without_a_live_bearer_token(sandbox, header, wanted, challenge):
    answer = sandbox.request("GET", EVENTS,
                             headers={"Authorization": header} if header else {})
    assert reason(answer) == (401, wanted)
    assert challenge in answer.headers["www-authenticate"]


def test_a_token_in_the_query_is_not_taken(host):
    answer = host.sandbox.request("GET", f"{EVENTS}?access_token={host.token}")
    assert reason(answer) == (401, "required")
    assert host.sandbox.violations()[0]["kind"] == "token_in_query"


def test_scopes_open_what_they_open(google):
    google.connect(scope="openid")
    answer = google.list()
    assert reason(answer) == (403, "insufficientPermissions")
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert answer.json()["error"]["status"] == "PERMISSION_DENIED"
    google.connect(scope=CALENDAR_SCOPE + ".readonly")
    assert google.list().status == 200
    assert reason(google.api("POST", "", event_body())) == (403, "insufficientPermissions")
    google.connect(scope=CALENDAR_SCOPE + ".events")
    assert google.api("POST", "", event_body()).status == 200


def test_both_error_envelopes_exist(host):
    for form, more in (("old", False), ("new", True)):
        host.sandbox.settings(envelope=form)
        error = host.api("GET", "/unknown0").json()["error"]
        assert ("details" in error, "status" in error) == (more, more)
        assert error["errors"][0]["reason"] == "notFound"


def test_only_ones_own_calendar_is_found(host):
    host.insert(id="abcde")
    for calendar, status in ((HOST, 200), (HOST.replace("@", "%40"), 200), (OTHER, 404),
                             ("x%23y", 404)):
        answer = host.sandbox.request("GET", EVENTS.replace("primary", calendar) + "/abcde",
                                      headers={"Authorization": f"Bearer {host.token}"})
        assert answer.status == status


@pytest.mark.parametrize("event_id", ["abcd", "evt_12345", "ABCDE", "abcdw", "abc-de", "a" * 1025,
                                      "", 12345, "äbcde", "abcde\n"])
def test_ids_are_base32hex_of_5_to_1024(host, event_id):
    assert reason(host.api("POST", "", event_body(id=event_id))) == (400, "invalid")


def test_the_longest_id_and_made_up_ids_are_taken(host):
    assert host.insert(id="v" * 1024)["id"] == "v" * 1024
    assert len(host.insert()["id"]) == 26


def test_id_and_icaluid_exclude_each_other(host):
    assert reason(host.api("POST", "", event_body(id="abcde", iCalUID="x"))) == (400, "invalid")
    assert host.insert(iCalUID="x@y")["iCalUID"] == "x@y"
    assert reason(host.api("POST", "", event_body(iCalUID="x@y"))) == (409, "duplicate")


def test_an_id_stays_taken_also_by_a_deleted_event(host):
    host.insert(id="abcde")
    assert reason(host.api("POST", "", event_body(id="abcde"))) == (409, "duplicate")
    assert host.api("DELETE", "/abcde").status == 204
    assert reason(host.api("POST", "", event_body(id="abcde"))) == (409, "duplicate")
    assert reason(host.api("PUT", "/abcde", event_body())) == (403, "forbidden")


LOCAL = "2025-12-02T10:00:00"


@pytest.mark.parametrize("start, wanted", [
    (None, "required"), ({}, "required"), ({"timeZone": NEW_YORK}, "required"),
    ({"dateTime": LOCAL}, "required"),
    ({"dateTime": LOCAL, "timeZone": "New York"}, "invalid"),
    ({"dateTime": LOCAL, "timeZone": "america/new_york"}, "invalid"),
    ({"dateTime": LOCAL, "timeZone": "Eastern Standard Time"}, "invalid"),
    ({"dateTime": LOCAL + "Z", "timeZone": ""}, "invalid"),
    ({"dateTime": "2025-02-30T10:00:00Z"}, "invalid"),
    ({"dateTime": "2025-12-02T24:00:00Z"}, "invalid"),
    ({"dateTime": "2025-12-02T10:00Z"}, "invalid"),
    ({"dateTime": "2025-12-02 10:00:00Z"}, "invalid"),
    ({"dateTime": "2025-12-02T10:00:00+2500"}, "invalid"),
    ({"dateTime": "2025-12-02T10:00:00+25:00"}, "invalid"),
    ({"dateTime": 1764687600}, "invalid"),
    ({"date": "2025-12-02", "dateTime": LOCAL + "Z"}, "invalid"),
    ({"date": "2025-12-02"}, "invalid"),
    ({"date": "20251202"}, "invalid"),
    ("2025-12-02T10:00:00Z", "invalid"),
])
def test_a_start_needs_a_real_time_and_an_offset_or_zone(host, start, wanted):
    assert reason(host.api("POST", "", event_body(start=start))) == (400, wanted)


def test_start_and_end_are_both_required(host):
    for name in ("start", "end"):
        answer = host.api("POST", "", without(event_body(), name))
        assert reason(answer) == (400, "required")
        assert answer.json()["error"]["message"] == f"Missing {name} time."


def test_the_end_is_exclusive_and_not_before_the_start(host):
    before = {"dateTime": "2025-12-02T14:59:59Z"}
    assert reason(host.api("POST", "", event_body(end=before))) == (400, "timeRangeEmpty")
    day = {"start": {"date": "2025-12-20"}, "end": {"date": "2025-12-20"}}
    assert reason(host.api("POST", "", event_body(**day))) == (400, "timeRangeEmpty")
    assert host.insert(**{**day, "end": {"date": "2025-12-21"}})["end"] == {"date": "2025-12-21"}


def test_times_are_told_in_the_calendars_zone_or_the_one_asked_for(host):
    event = host.insert(start={"dateTime": "2025-07-01T10:00:00+02:00"},
                        end={"dateTime": "2025-07-01T18:00:00", "timeZone": "Asia/Tokyo"})
    assert event["start"] == {"dateTime": "2025-07-01T04:00:00-04:00", "timeZone": NEW_YORK}
    assert event["end"] == {"dateTime": "2025-07-01T05:00:00-04:00", "timeZone": "Asia/Tokyo"}
    answer = host.api("GET", f"/{event['id']}", query="timeZone=UTC").json()
    assert answer["start"]["dateTime"] == "2025-07-01T08:00:00Z"
    assert reason(host.api("GET", f"/{event['id']}", query="timeZone=EDT")) \
        == (400, "invalidParameter")


@pytest.mark.parametrize("members, wanted", [
    ({"attendees": [{"email": "not an address"}]}, "invalid"),
    ({"attendees": [{"email": "a@b@c"}]}, "invalid"),
    ({"attendees": [{"email": "a..b@example.com"}]}, "invalid"),
    ({"attendees": [{"email": "ä@example.com"}]}, "invalid"),
    ({"attendees": [{"email": "a@-example.com"}]}, "invalid"),
    ({"attendees": [{"displayName": "No address"}]}, "required"),
    ({"attendees": [{"email": GUEST, "responseStatus": "yes"}]}, "invalid"),
    ({"attendees": [{"email": GUEST, "optional": "true"}]}, "invalid"),
    ({"attendees": [GUEST]}, "invalid"),
    ({"attendees": {"email": GUEST}}, "invalid"),
    ({"attendees": [{"email": f"g{n}@example.org"} for n in range(201)]}, "invalid"),
    ({"reminders": {"useDefault": True, "overrides": [{"method": "popup", "minutes": 1}]}},
     "cannotUseDefaultRemindersAndSpecifyOverride"),
    ({"reminders": {"useDefault": False, "overrides": [{"method": "popup", "minutes": n}
                                                       for n in range(6)]}}, "invalid"),
    ({"reminders": {"useDefault": False, "overrides": [{"method": "sms", "minutes": 1}]}},
     "invalid"),
    ({"reminders": {"useDefault": False, "overrides": [{"method": "popup", "minutes": 40321}]}},
     "invalid"),
    ({"reminders": {"useDefault": False, "overrides": [{"method": "popup"}]}}, "required"),
    ({"reminders": {"useDefault": "yes"}}, "invalid"),
    ({"summary": 5}, "invalid"), ({"location": {"city": "Rome"}}, "invalid"),
    ({"transparency": "busy"}, "invalid"), ({"visibility": "hidden"}, "invalid"),
    ({"status": "canceled"}, "invalid"), ({"colorId": "12"}, "invalid"),
    ({"guestsCanModify": 1}, "invalid"), ({"eventType": "meeting"}, "invalid"),
    ({"extendedProperties": {"private": {"n": 5}}}, "invalid"),
    ({"extendedProperties": {"private": {"k" * 45: "v"}}}, "invalid"),
    ({"extendedProperties": {"private": {"k": "v" * 1025}}}, "invalid"),
    ({"extendedProperties": {"public": {}}}, "invalid"),
    ({"source": {"url": "ftp://example.com"}}, "invalid"),
    ({"recurrence": ["DTSTART:20251202T100000Z"]}, "invalid"),
    ({"recurrence": ["RRULE:INTERVAL=2"]}, "invalid"),
    ({"recurrence": "RRULE:FREQ=DAILY"}, "invalid"),
])
def test_members_with_bad_values_are_refused(host, members, wanted):
    assert reason(host.api("POST", "", event_body(**members))) == (400, wanted)
    assert host.sandbox.events(HOST) == []


def test_a_series_needs_a_zone_not_just_an_offset(host):
    times = {"start": {"dateTime": "2025-12-02T10:00:00-05:00"},
             "end": {"dateTime": "2025-12-02T10:45:00-05:00"}, "recurrence": ["RRULE:FREQ=DAILY"]}
    assert reason(host.api("POST", "", event_body(**times))) == (400, "required")
    assert host.insert(recurrence=["RRULE:FREQ=DAILY"])["recurrence"] == ["RRULE:FREQ=DAILY"]


@pytest.mark.parametrize("query, location", [
    ("sendUpdates=All", "sendUpdates"), ("sendUpdates=", "sendUpdates"),
    ("sendUpdates=all&sendUpdates=none", "sendUpdates"), ("prettyPrint=0", "prettyPrint"),
    ("conferenceDataVersion=2", "conferenceDataVersion"), ("maxAttendees=0", "maxAttendees"),
    ("alt=media", "alt"), ("sendNotifications=yes", "sendNotifications"),
])
def test_query_parameters_take_their_values_only(host, query, location):
    answer = host.api("POST", "", event_body(), query=query)
    assert reason(answer) == (400, "invalidParameter")
    assert answer.json()["error"]["errors"][0]["location"] == location


@pytest.mark.parametrize("body, headers, wanted", [
    (b"{}", {"Content-Type": "text/plain"}, "badContent"),
    (b"summary=x", {"Content-Type": "application/x-www-form-urlencoded"}, "badContent"),
    (b'{"summary": ', JSON, "parseError"), (b"", JSON, "parseError"), (b"[]", JSON, "parseError"),
    (b'{"summary": "\xff"}', JSON, "parseError"), (b'{"x": NaN}', JSON, "parseError"),
    (b"{}", JSON, "required"),
])
def test_a_body_is_a_json_object_and_says_so(host, body, headers, wanted):
    assert reason(host.api("POST", "", body, headers=headers)) == (400, wanted)


def test_what_google_ignores_is_noted(host):
    host.insert(query="sendUpdate=all&sendNotifications=true", sumary="x",
                attendees=[{"email": GUEST, "name": "x"}, {"email": GUEST.upper()}])
    assert sorted(one["kind"] for one in host.sandbox.violations()) == [
        "deprecated_parameter", "duplicate_guest", "unknown_member", "unknown_member",
        "unknown_query_parameter"]
    assert len(host.sandbox.events(HOST)[0]["attendees"]) == 1


def test_patch_merges_objects_replaces_arrays_and_null_deletes(host):
    host.insert(id="abcde", description="x", attendees=[{"email": GUEST}, {"email": OTHER}],
                extendedProperties={"private": {"a": "1", "b": "2"}})
    answer = host.api("PATCH", "/abcde", {
        "description": None, "attendees": [{"email": OTHER}],
        "extendedProperties": {"private": {"a": None, "c": "3"}},
        "start": {"dateTime": "2025-12-02T10:15:00"}}).json()
    assert "description" not in answer and answer["summary"] == "Coffee"
    assert [one["email"] for one in answer["attendees"]] == [OTHER]
    assert answer["extendedProperties"] == {"private": {"b": "2", "c": "3"}}
    assert answer["start"] == {"dateTime": "2025-12-02T10:15:00-05:00", "timeZone": NEW_YORK}
    assert answer["sequence"] == 1


def test_patch_to_all_day_needs_the_other_member_nulled(host):
    host.insert(id="abcde")
    days = {"start": {"date": "2025-12-20"}, "end": {"date": "2025-12-21"}}
    assert reason(host.api("PATCH", "/abcde", days)) == (400, "invalid")
    for one in days.values():
        one["dateTime"] = None
    assert host.api("PATCH", "/abcde", days).json()["start"] == {"date": "2025-12-20"}


def test_put_resets_what_it_leaves_out(host):
    first = host.insert(id="abcde", description="x", attendees=[{"email": GUEST}])
    answer = host.api("PUT", "/abcde", event_body(summary="Tea")).json()
    assert answer["summary"] == "Tea" and not {"description", "attendees"} & set(answer)
    assert reason(host.api("PUT", "/abcde", {"summary": "x"})) == (400, "required")
    assert reason(host.api("PUT", "/abcde", {**first, "sequence": -1})) == (400, "invalid")
    assert host.api("PUT", "/abcde", first).json()["description"] == "x"
    assert host.sandbox.violations() == []


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
def test_if_match_wants_the_present_etag_with_its_quotes(host, method):
    first = host.insert(id="abcde")
    body = None if method == "DELETE" else event_body(summary="Tea")
    now = host.api("PATCH", "/abcde", {"summary": "Cake"}).json()["etag"]
    assert now != first["etag"]
    for etag in (first["etag"], now.strip('"'), "W/" + now):
        answer = host.api(method, "/abcde", body, headers={"If-Match": etag})
        assert reason(answer) == (412, "conditionNotMet")
        assert answer.json()["error"]["errors"][0]["location"] == "If-Match"
    assert host.api(method, "/abcde", body, headers={"If-Match": now}).status in (200, 204)


def test_if_none_match_saves_the_body(host):
    etag = host.insert(id="abcde")["etag"]
    answer = host.api("GET", "/abcde", headers={"If-None-Match": etag})
    assert (answer.status, answer.body) == (304, b"")


def test_deleting_cancels_and_the_second_time_is_410(host):
    host.insert(id="abcde")
    answer = host.api("DELETE", "/abcde")
    assert (answer.status, answer.body) == (204, b"")
    assert reason(host.api("DELETE", "/abcde")) == (410, "deleted")
    assert host.api("GET", "/abcde").json()["status"] == "cancelled"
    host.sandbox.settings(cancelled_bare=True)
    assert set(host.api("GET", "/abcde").json()) == {"kind", "etag", "id", "status"}
    for method, body in (("GET", None), ("DELETE", None), ("PATCH", {})):
        assert reason(host.api(method, "/unknown0", body)) == (404, "notFound")


@pytest.mark.parametrize("query, mailed", [
    ("sendUpdates=all", [GUEST, OTHER]), ("sendUpdates=externalOnly", [GUEST]),
    ("sendUpdates=none", []), ("", []),
])
def test_guests_get_mail_as_send_updates_says(host, query, mailed):
    def kinds():
        found = [(one["to"], one["kind"], one["eventId"]) for one in host.sandbox.mail()]
        host.sandbox.reset()
        return sorted(found)
    guests = [{"email": GUEST}, {"email": OTHER}, {"email": HOST},
              {"email": "room@example.org", "resource": True}]
    host.insert(query=query, id="abcde", attendees=guests)
    assert kinds() == [(to, "invite", "abcde") for to in mailed]
    host.api("PATCH", "/abcde", {"summary": "Tea"}, query=query)
    assert kinds() == [(to, "update", "abcde") for to in mailed]
    host.api("PATCH", "/abcde", {"extendedProperties": {"private": {"a": "b"}}}, query=query)
    assert kinds() == []
    host.api("PATCH", "/abcde", {"attendees": guests[1:]}, query=query)
    assert kinds() == [(to, "cancel", "abcde") for to in mailed if to == GUEST]
    host.api("DELETE", "/abcde", query=query)
    assert kinds() == [(to, "cancel", "abcde") for to in mailed if to == OTHER]


def conference(name):
    return {"createRequest": {"requestId": name,
                              "conferenceSolutionKey": {"type": "hangoutsMeet"}}}


def ask(host, name):
    return host.api("PATCH", "/abcde", {"conferenceData": name and conference(name)},
                    query="conferenceDataVersion=1").json()


def test_a_conference_comes_later_and_only_with_version_1(host):
    assert "conferenceData" not in host.insert(conferenceData=conference("r"))
    event = host.insert(query="conferenceDataVersion=1", conferenceData=conference("r"))
    assert event["conferenceData"]["createRequest"]["status"] == {"statusCode": "pending"}
    assert "hangoutLink" not in event
    later = host.api("GET", f"/{event['id']}").json()
    assert later["conferenceData"]["entryPoints"][0]["uri"] == later["hangoutLink"]
    assert later["etag"] != event["etag"]


@pytest.mark.parametrize("word", ["pending", "failure"])
def test_a_conference_may_be_late_or_fail(host, word):
    host.sandbox.settings(conference_ends_as=word)
    host.insert(id="abcde", query="conferenceDataVersion=1", conferenceData=conference("r"))
    for _ in range(2):
        event = host.api("GET", "/abcde").json()
        assert event["conferenceData"]["createRequest"]["status"] == {"statusCode": word}
        assert "hangoutLink" not in event and "entryPoints" not in event["conferenceData"]


def test_each_name_asks_for_one_conference(host):
    host.insert(id="abcde")
    host.api("PATCH", "/abcde", {"conferenceData": conference("r")})
    assert "conferenceData" not in host.api("GET", "/abcde").json()
    ask(host, "r")
    link = host.api("GET", "/abcde").json()["hangoutLink"]
    assert ask(host, "r")["hangoutLink"] == link
    host.api("PATCH", "/abcde", {"summary": "Tea"})
    assert host.api("GET", "/abcde").json()["hangoutLink"] == link
    assert "conferenceData" not in ask(host, None)
    assert "conferenceData" not in ask(host, "r")
    assert "hangoutLink" not in ask(host, "s")
    assert host.api("GET", "/abcde").json()["hangoutLink"] != link


def test_a_guest_who_is_not_sent_back_as_he_was_loses_his_answer(host):
    host.insert(id="abcde", attendees=[{"email": GUEST, "optional": True}, {"email": OTHER}])
    host.sandbox.respond(HOST, "abcde", GUEST)
    host.sandbox.respond(HOST, "abcde", OTHER, "declined")
    guests = host.api("GET", "/abcde").json()["attendees"]
    kept = host.api("PATCH", "/abcde", {"attendees": [guests[0], {"email": OTHER}]}).json()
    assert kept["attendees"] == [
        {"email": GUEST, "optional": True, "responseStatus": "accepted"},
        {"email": OTHER, "responseStatus": "needsAction"}]
    assert host.api("PATCH", "/abcde", {"summary": "Tea"}).json()["attendees"] \
        == kept["attendees"]


def test_an_answer_of_a_guest_makes_the_etag_stale(host):
    etag = host.insert(id="abcde", attendees=[{"email": GUEST}])["etag"]
    host.sandbox.respond(HOST, "abcde", GUEST)
    answer = host.api("PATCH", "/abcde", {"attendees": []}, headers={"If-Match": etag})
    assert reason(answer) == (412, "conditionNotMet")
    assert len(host.api("GET", "/abcde").json()["attendees"]) == 1


def test_what_no_guest_sees_mails_nobody(host):
    host.insert(id="abcde", attendees=[{"email": GUEST}])
    for change in ({}, {"summary": "Coffee"}, {"colorId": "2"}, {"visibility": "private"},
                   {"attendees": [{"email": GUEST, "responseStatus": "accepted"}]},
                   {"reminders": {"useDefault": False}}):
        host.api("PATCH", "/abcde", change, query="sendUpdates=all")
    assert host.sandbox.mail() == []


def test_hands_on_the_calendar_are_like_the_persons_own(host):
    host.insert(id="abcde", attendees=[{"email": GUEST}])
    host.sandbox.respond(HOST, "abcde", GUEST)
    host.sandbox.add_guest(HOST, "abcde", "late@example.org")
    host.sandbox.edit_event(HOST, "abcde", {"summary": "Moved by hand"})
    event = host.api("GET", "/abcde").json()
    assert event["summary"] == "Moved by hand"
    assert [one["responseStatus"] for one in event["attendees"]] == ["accepted", "needsAction"]
    host.sandbox.delete_event(HOST, "abcde")
    assert host.api("GET", "/abcde").json()["status"] == "cancelled"
    host.sandbox.delete_event(HOST, "abcde", purge=True)
    assert host.api("GET", "/abcde").status == 404


def test_accounts_do_not_see_each_other(host):
    host.insert(id="abcde")
    other = GoogleClient(host.sandbox)
    other.connect(OTHER)
    assert other.api("GET", "/abcde").status == 404
    other.insert(id="abcde")
    assert len(host.sandbox.events(OTHER)) == 1
