"""Graph's collections as the sandbox imitates them: filters, order, pages."""

from urllib.parse import quote, urlsplit

import pytest

from .harness import BASE
from .harness_microsoft import (EVENTS, IMMUTABLE, WORK, by_own_data, code_of, moment, own_data,
                                options)


def subjects(answer):
    assert answer.status == 200, answer.body
    return [one["subject"] for one in answer.json()["value"]]


def times(day, hour=10):
    return {name: moment(f"2025-12-{day:02}T{hour + more:02}:00:00")
            for name, more in (("start", 0), ("end", 1))}


def follow(client, answer):
    """The pages from this one on, each link as it stands."""
    pages = [answer]
    while "@odata.nextLink" in pages[-1].json():
        link = pages[-1].json()["@odata.nextLink"]
        assert link.startswith(BASE + "/microsoft/v1.0/me/")
        pages.append(client.sandbox.request(
            "GET", link.removeprefix(BASE),
            headers={"Authorization": f"Bearer {client.token}", "Prefer": IMMUTABLE}))
    return pages


def test_own_data_find_an_event_again(work):
    work.insert(subject="a", singleValueExtendedProperties=own_data("bk_1"))
    work.insert(subject="b", singleValueExtendedProperties=own_data("bk_2"))
    work.insert(subject="c")
    assert subjects(work.list(filter=by_own_data("bk_1"))) == ["a"]
    assert subjects(work.list(filter=by_own_data("BK_1"))) == []
    assert subjects(work.list(filter=by_own_data("bk_1").replace("Any", "any"))) == ["a"]
    work.sandbox.delete_event(WORK, work.sandbox.events(WORK, "microsoft")[0]["id"],
                              provider="microsoft")
    assert subjects(work.list(filter=by_own_data("bk_1"))) == []


def test_a_quote_in_a_value_is_doubled(work):
    work.insert(subject="a", singleValueExtendedProperties=own_data("it's"))
    assert subjects(work.list(filter=by_own_data("it''s"))) == ["a"]
    assert code_of(work.list(filter=by_own_data("it's"))) == (400, "BadRequest")


def test_bounds_of_the_start_join_the_filter(work):
    for day in (1, 2, 3):
        work.insert(subject=str(day), singleValueExtendedProperties=own_data("bk"), **times(day))
    work.insert(subject="other", **times(2))
    more = (" and start/dateTime ge '2025-12-02T10:00:00'"
            " and start/dateTime lt '2025-12-03T10:00:00Z'")
    assert subjects(work.list(filter=by_own_data("bk", more))) == ["2"]
    assert subjects(work.list(filter=more.removeprefix(" and "))) == ["2", "other"]


@pytest.mark.parametrize("bound, found", [
    ("end/dateTime gt '2025-12-02T10:59:59.999Z'", True),
    ("end/dateTime gt '2025-12-02T11:00:00'", False),
    ("end/dateTime ge '2025-12-02T11:00:00'", True),
    ("start/dateTime lt '2025-12-02T10:00:00.001'", True),
    ("start/dateTime lt '2025-12-02T10:00:00'", False),
    ("start/dateTime ge '2025-12-02T10:00:00.001'", False),
])
def test_bounds_are_of_both_ends_and_exact(work, bound, found):
    work.insert(subject="a", **times(2))
    assert subjects(work.list(filter=bound)) == ["a"] * found


@pytest.mark.parametrize("text", [
    "", "subject eq 'x'", by_own_data("bk", " or subject eq 'x'"), by_own_data("bk") + " and ",
    by_own_data("bk").replace("ep/id", "x/id"), by_own_data("bk", " AND start/dateTime ge 'x'"),
    by_own_data("bk", " and " + by_own_data("bk2")), "start/dateTime ge 2025-12-02T10:00:00",
    "start/dateTime ge '2025-12-02'", "start ge '2025-12-02T10:00:00'",
    "end/dateTime gt '2025-12-02T10:00:00.x'", "created/dateTime ge '2025-12-02T10:00:00'"])
def test_other_filters_are_refused(work, text):
    assert work.list(filter=text).status == 400


@pytest.mark.parametrize("query", [
    {"top": "0"}, {"top": "1001"}, {"top": "x"}, {"orderby": "start"},
    {"orderby": "start.dateTime"}, {"orderby": "subject"}, {"select": "subject,sumary"},
    {"skip": "10"}, {"count": "true"}, {"search": "x"}, {"expand": "attachments"},
    {"skiptoken": "x"}])
def test_other_options_are_refused(work, query):
    work.insert()
    assert code_of(work.list(**query)) == (400, "BadRequest")


def test_the_order_is_that_of_the_start_if_asked(work):
    for day in (2, 3, 1):
        work.insert(subject=str(day), **times(day))
    assert subjects(work.list()) == ["2", "3", "1"]
    assert subjects(work.list(orderby="start/dateTime")) == ["1", "2", "3"]
    assert subjects(work.list(orderby="start/dateTime desc")) == ["3", "2", "1"]


def test_selected_members_come_with_id_and_etag(work):
    work.insert(singleValueExtendedProperties=own_data("bk"))
    one = work.list(select="subject,start", expand=(
        "singleValueExtendedProperties($filter=id eq '" + own_data("")[0]["id"] + "')")
    ).json()["value"][0]
    assert set(one) == {"@odata.etag", "id", "subject", "start", "singleValueExtendedProperties"}


def test_pages_have_ten_events_unless_asked_otherwise(work):
    wanted = [str(n) for n in range(23)]
    for name in wanted:
        work.insert(subject=name, singleValueExtendedProperties=own_data("b&k=1"))
    pages = follow(work, work.list(filter=by_own_data("b&k=1"), select="subject"))
    assert [len(subjects(one)) for one in pages] == [10, 10, 3]
    assert [name for one in pages for name in subjects(one)] == wanted
    pages = follow(work, work.list(top="9"))
    assert [len(subjects(one)) for one in pages] == [9, 9, 5]
    assert len(subjects(work.list(prefer=f"{IMMUTABLE}, odata.maxpagesize=4"))) == 4


def test_a_link_is_good_for_its_own_query_only(work):
    for _ in range(3):
        work.insert()
    link = urlsplit(work.list(top="2").json()["@odata.nextLink"]).query
    token = link.partition("skiptoken=")[2]
    assert work.api("GET", query=link).status == 200
    assert work.api("GET", query=f"{options(top='1')}&$skiptoken={token}").status == 400


def test_pages_can_be_short_and_empty(work):
    for name in "abcde":
        work.insert(subject=name)
    work.sandbox.settings(short_pages=True)
    pages = follow(work, work.list(top="4"))
    assert [len(subjects(one)) for one in pages] == [0, 2, 2, 1]
    assert [name for one in pages for name in subjects(one)] == list("abcde")


def test_calendars_come_in_pages_too(work):
    for number in range(11):
        work.sandbox.add_calendar(WORK, f"Calendar {number}")
    pages = follow(work, work.list("/me/calendars"))
    assert [len(one.json()["value"]) for one in pages] == [10, 2]
    assert len(work.list("/me/calendars", top="50").json()["value"]) == 12


def test_a_calendar_lists_its_own_events(work):
    lessons = work.sandbox.add_calendar(WORK, "Lessons")
    work.insert(subject="a")
    work.sandbox.move_event(WORK, work.insert(subject="b")["id"], "Lessons")
    assert subjects(work.list(f"/me/calendars/{quote(lessons['id'])}/events")) == ["b"]
    assert subjects(work.list("/me/calendar/events")) == ["a"]
    assert subjects(work.list()) == ["a", "b"]


def test_an_unreadable_preference_is_noted(work):
    work.api("GET", prefer="IdType=")
    assert [one["kind"] for one in work.sandbox.violations()] == ["unreadable_preference"]
    assert EVENTS in work.sandbox.requests("/events$")[0]["path"]
