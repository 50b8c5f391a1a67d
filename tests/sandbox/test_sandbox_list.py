"""events.list of the sandbox's Google: bounds, order, pages, sync tokens, series."""

import pytest

from .harness import HOST, reason


def ids(answer):
    assert answer.status == 200, answer.body
    return [one["id"] for one in answer.json()["items"]]


def times(day, hour=10):
    return {name: {"dateTime": f"2025-12-{day:02}T{hour + more:02}:00:00Z"}
            for name, more in (("start", 0), ("end", 1))}


def test_a_list_has_its_calendars_facts(host):
    listing = host.list().json()
    assert listing["timeZone"] == "America/New_York" and listing["items"] == []
    assert listing["defaultReminders"] == [{"method": "popup", "minutes": 10}]
    assert listing["nextSyncToken"]


def test_bounds_are_exclusive_overlaps(host):
    host.insert(id="first0", **times(1))
    host.insert(id="second0", **times(2))
    assert ids(host.list(timeMin="2025-12-01T11:00:00Z")) == ["second0"]
    assert ids(host.list(timeMin="2025-12-01T10:59:59Z")) == ["first0", "second0"]
    assert ids(host.list(timeMax="2025-12-02T10:00:00Z")) == ["first0"]
    assert ids(host.list(timeMax="2025-12-02T11:00:01+01:00")) == ["first0", "second0"]


@pytest.mark.parametrize("query", [
    {"timeMin": "2025-12-01T11:00:00"}, {"timeMax": "2025-12-01"}, {"maxResults": 0},
    {"orderBy": "title"}, {"pageToken": "x"}, {"syncToken": "x"}, {"timeZone": "Mars/Base"},
    {"singleEvents": "yes"}, {"showDeleted": "1"}, {"eventTypes": "x"},
])
def test_bad_list_parameters_are_refused(host, query):
    assert reason(host.list(**query)) == (400, "invalidParameter")


def test_order_by_start_needs_single_events(host):
    host.insert(id="later0", **times(3))
    host.insert(id="sooner0", **times(2))
    assert reason(host.list(orderBy="startTime")) == (400, "invalid")
    assert ids(host.list(orderBy="startTime", singleEvents="true")) == ["sooner0", "later0"]
    assert "nextSyncToken" not in host.list(orderBy="updated").json()


def test_filters_find_own_properties_and_words(host):
    host.insert(id="first0", summary="Tea", extendedProperties={"private": {"a": "1", "b": "2"}})
    host.insert(id="second0", extendedProperties={"private": {"a": "1"}})
    assert ids(host.list(privateExtendedProperty="a=1")) == ["first0", "second0"]
    assert ids(host.list(privateExtendedProperty=["a=1", "b=2"])) == ["first0"]
    assert ids(host.list(q="tea")) == ["first0"]
    assert ids(host.list(iCalUID="second0@google.com")) == ["second0"]


def test_pages_follow_their_own_query_only(host):
    wanted = [host.insert()["id"] for _ in range(5)]
    page = host.list(maxResults=2)
    found, token = ids(page), page.json()["nextPageToken"]
    assert "nextSyncToken" not in page.json()
    assert reason(host.list(maxResults=3, pageToken=token)) == (400, "invalidParameter")
    while token:
        page = host.list(maxResults=2, pageToken=token)
        found += ids(page)
        token = page.json().get("nextPageToken")
    assert found == wanted and page.json()["nextSyncToken"]


def test_pages_of_one_owners_events_are_by_start_and_bounded(host):
    mine = {"extendedProperties": {"private": {"owner": "1"}}}
    for day in (5, 3, 1, 4, 2):
        host.insert(id=f"mine{day}", **times(day), **mine)
        host.insert(id=f"other{day}", **times(day))
    query = {"privateExtendedProperty": "owner=1", "singleEvents": "true", "maxResults": 2,
             "orderBy": "startTime", "showDeleted": "false", "timeMin": "2025-12-01T11:00:00Z",
             "timeMax": "2025-12-05T10:00:00.999Z"}
    first = host.list(**query)
    assert ids(first) == ["mine2", "mine3"]
    token = first.json()["nextPageToken"]
    last = host.list(**query, pageToken=token, fields="kind,items(id),nextPageToken")
    assert last.json() == {"kind": "calendar#events", "items": [{"id": "mine4"}]}
    other = {**query, "privateExtendedProperty": "owner=2"}
    assert ids(host.list(**other)) == []
    assert reason(host.list(**other, pageToken=token)) == (400, "invalidParameter")


def test_pages_can_be_short_and_empty(host):
    host.sandbox.settings(short_pages=True)
    wanted = [host.insert()["id"] for _ in range(5)]
    found, token, empty = [], "", 0
    while token is not None:
        page = host.list(maxResults=4, **({"pageToken": token} if token else {}))
        empty += not ids(page)
        found += ids(page)
        token = page.json().get("nextPageToken")
    assert found == wanted and empty == 1


def test_deleted_events_are_listed_on_request_and_in_syncs(host):
    host.insert(id="first0")
    token = host.list().json()["nextSyncToken"]
    assert ids(host.list(syncToken=token)) == []
    host.insert(id="second0")
    host.api("DELETE", "/first0")
    assert ids(host.list()) == ["second0"]
    assert ids(host.list(showDeleted="true")) == ["first0", "second0"]
    changed = host.list(syncToken=token).json()
    assert {one["id"]: one["status"] for one in changed["items"]} == {
        "first0": "cancelled", "second0": "confirmed"}
    assert ids(host.list(syncToken=changed["nextSyncToken"])) == []


@pytest.mark.parametrize("more", [{"timeMin": "2025-12-01T00:00:00Z"}, {"q": "x"},
                                  {"showDeleted": "false"}, {"singleEvents": "true"},
                                  {"orderBy": "updated"}])
def test_a_sync_token_bears_no_other_filters(host, more):
    token = host.list().json()["nextSyncToken"]
    assert reason(host.list(syncToken=token, **more)) == (400, "invalid")


def test_an_old_sync_token_asks_for_a_full_sync(host):
    token = host.list().json()["nextSyncToken"]
    host.sandbox.control("POST", "google/expire_sync_tokens", {"account": HOST})
    answer = host.list(syncToken=token)
    assert reason(answer) == (410, "fullSyncRequired")
    assert reason(host.list(updatedMin="2020-01-01T00:00:00Z")) == (410, "updatedMinTooLongAgo")


@pytest.mark.parametrize("rule, days", [
    ("FREQ=DAILY;COUNT=3", [28, 29, 30]),
    ("FREQ=WEEKLY;BYDAY=TU,FR;COUNT=3", [28, 31, 4]),
    ("FREQ=DAILY;INTERVAL=2;UNTIL=20251101T000000Z", [28, 30]),
    ("FREQ=MONTHLY;COUNT=2", [28, 28]),
])
def test_single_events_expands_series_on_local_time(host, rule, days):
    local = {name: {"dateTime": f"2025-10-28T{hour}:00:00", "timeZone": "America/New_York"}
             for name, hour in (("start", 10), ("end", 11))}
    host.insert(id="series0", recurrence=["RRULE:" + rule], **local)
    items = host.list(singleEvents="true").json()["items"]
    assert [int(one["start"]["dateTime"][8:10]) for one in items] == days
    assert {one["start"]["dateTime"][11:19] for one in items} == {"10:00:00"}
    assert items[0]["id"] == "series0_20251028T140000Z"
    assert items[0]["recurringEventId"] == "series0" and "recurrence" not in items[0]
    assert ids(host.list()) == ["series0"]
