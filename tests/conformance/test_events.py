"""Events made, changed, removed and listed, one rule for every provider.

Each is done whole and again: what has died in between is done again by who comes after.
"""

import pytest

from calls import (ACCOUNT, ANA, HOUR, LATE, MILAN, MINUTE, NEW, OTHER_ACCOUNT, START, Calendar,
                   coffee, guests, new_id)

TOLD = ("summary", "description", "location", "start", "end")


def told_of(placed):
    """What is told of an event, and its guests by address."""
    return {name: placed[name] for name in TOLD}, {
        one["email"]: one["attendance"] for one in placed["attendees"]}


def same_event(event):
    """As told_of, of an event that was put with these guests."""
    return ({name: event.get(name, "") for name in TOLD},
            {one["email"]: "none" for one in event.get("attendees", [])})


def zone_fits(calendar, placed, zone):
    """It is the one it was put in, or none is told: never another one."""
    return placed["zone"] in ((zone,) if calendar.side.tells_zone else (zone, ""))


# --- put and get ---

def test_what_is_put_comes_back_as_it_went_in(calendar):
    event = coffee()
    made = calendar.stand(event)
    found = calendar.look(made)
    for placed in (made, found):
        assert told_of(placed) == same_event(event)
        assert zone_fits(calendar, placed, "America/New_York") and not placed["whole_day"]
        assert not placed["cancelled"] and not placed["conference"]
        assert placed["html_link"].startswith("https://") and placed["ical_uid"]
        assert placed["created"] > 0 and placed["updated"] >= placed["created"]
    assert found["id"] == made["id"] and found["etag"] == made["etag"] != ""


@pytest.mark.parametrize("changes", [
    {"description": None, "location": None}, {"attendees": None}, {"attendees": []},
    {"summary": "„Käse“ & <b>\"x\"</b> 🦆"}, {"description": "a\n\nb <c> &amp;"},
    {"zone": "Asia/Kathmandu"}, {"zone": "UTC"}, {"end": START + 31 * 24 * HOUR},
    {"attendees": guests(*(f"g{n}@example.org" for n in range(200)))},
], ids=lambda changes: next(iter(changes)))
def test_whatever_may_be_put_comes_back(calendar, changes):
    event = coffee(**changes)
    placed = calendar.look(calendar.stand(event))
    assert told_of(placed) == same_event(event)
    assert zone_fits(calendar, placed, event["zone"])


@pytest.mark.where(fits=lambda side: side.keeps_spaces)
def test_a_description_keeps_its_spaces(calendar):
    event = coffee(description=" a\n\n  b\n")
    assert told_of(calendar.look(calendar.stand(event))) == same_event(event)


def test_the_marker_tells_whose_event_it_is(calendar):
    name = new_id()
    told = calendar.put(name=name)
    assert told.placed["marker"] == name
    assert (told.placed["id"] == name) == calendar.side.ids_are_ours
    assert calendar.look(told.placed)["marker"] == name


def test_details_come_only_to_who_asks_for_them(calendar):
    made = calendar.put(whole=False).placed
    found = calendar.get(made, whole=False).placed
    for placed in (made, found):
        assert placed["id"] and placed["marker"]
        assert placed["summary"] == "" and placed["attendees"] is None


def test_put_again_makes_no_second_event(calendar):
    name = new_id()
    first = calendar.put(name=name)
    assert calendar.mails() == [(ANA, "invite"), (MILAN, "invite")]
    again = calendar.put(name=name)
    assert again.error in ("ok", "already_exists")
    if again.error == "already_exists" and calendar.side.ids_are_ours:
        again = calendar.ask("get", id=name)
    elif again.error == "already_exists":
        again = calendar.ask("find", marker=name)
    assert (again.error, again.placed["id"]) == ("ok", first.placed["id"])
    assert again.placed["marker"] == name
    assert [len(page) for page in calendar.pages()] == [1]
    assert calendar.mails() == []


def test_a_put_whose_answer_was_lost_is_found_again(calendar):
    name = new_id()
    calendar.fault("store_then_reset", count=None)
    assert calendar.put(name=name).error == "provider_error"
    calendar.sandbox.clear_faults()
    if calendar.side.ids_are_ours:
        told = calendar.ask("get", id=name)
    else:
        told = calendar.ask("find", marker=name)
    assert (told.error, told.placed["marker"]) == ("ok", name)
    assert [len(page) for page in calendar.pages()] == [1]
    assert calendar.mails() == [(ANA, "invite"), (MILAN, "invite")]


@pytest.mark.where(fits=lambda side: "find" not in side.cannot)
def test_an_event_is_found_by_its_marker(calendar):
    placed = calendar.stand()
    told = calendar.ask("find", marker=placed["marker"])
    assert (told.error, told.placed["id"]) == ("ok", placed["id"])
    assert calendar.ask("find", marker=new_id()).error == "event_gone"
    assert calendar.drop(placed).error == "ok"
    assert calendar.ask("find", marker=placed["marker"]).error == "event_gone"


def test_what_is_not_there_is_gone(calendar):
    placed = calendar.stand()
    calendar.look(placed)
    calendar.remove_by_hand(placed, purge=True)
    assert calendar.get(placed).error == "event_gone"
    assert calendar.change(["summary"], coffee()).error == "event_gone"
    assert calendar.drop(placed).error == "ok"


def test_another_accounts_event_is_not_there(calendar, hands):
    placed = calendar.stand()
    other = Calendar(hands, calendar.side, calendar.sandbox).connect(OTHER_ACCOUNT)
    assert other.get(placed).error == "event_gone"
    assert other.drop(placed).error == "ok"
    assert calendar.get(placed).error == "ok"
    assert other.pages() == [[]]


@pytest.mark.parametrize("what, start, end, whole_day", [
    ("moved", START + 6 * HOUR, START + 7 * HOUR, False),
    ("made whole days", START - 14 * HOUR, START + 34 * HOUR, True),
], ids=["moved", "whole days"])
def test_what_a_person_did_by_hand_is_told(calendar, what, start, end, whole_day):
    placed = calendar.stand()
    calendar.by_hand(placed, what)
    found = calendar.look(placed)
    assert (found["start"], found["end"], found["whole_day"]) == (start, end, whole_day)
    assert found["etag"] != placed["etag"]
    told = calendar.change(["times"], coffee())
    assert (told.error, told.placed["whole_day"]) == ("ok", False)
    assert (told.placed["start"], told.placed["end"]) == (START, START + HOUR)


def test_answers_of_guests_are_told(calendar):
    placed = calendar.stand(coffee(attendees=guests(ANA, MILAN, LATE, NEW)))
    for email, word in ((ANA, "accepted"), (MILAN, "declined"), (LATE, "tentative")):
        calendar.respond(placed, email, word)
    assert told_of(calendar.look(placed))[1] == {
        ANA: "accepted", MILAN: "declined", LATE: "tentative", NEW: "none"}


# --- change ---

OTHER = {"summary": "Tea", "description": "", "location": "", "start": START + 25 * HOUR,
         "end": START + 26 * HOUR, "zone": "Europe/Berlin", "attendees": guests(ANA, NEW)}
PARTS = {"summary": ("summary",), "description": ("description",), "location": ("location",),
         "times": ("start", "end"), "attendees": ("attendees",)}


@pytest.mark.parametrize("parts", [[one] for one in PARTS] + [list(PARTS)],
                         ids=lambda parts: "-".join(parts))
def test_a_change_is_of_the_named_parts_alone(calendar, parts):
    event = coffee()
    calendar.respond(calendar.look(calendar.stand(event)), ANA)
    standing = calendar.look(calendar.pages()[0][0])
    told = calendar.change(parts, coffee(**OTHER))
    assert told.error == "ok" and told.placed["etag"] != standing["etag"]
    named = [name for part in parts for name in PARTS[part]]
    fields, answers = told_of(calendar.look(standing))
    wanted = {**event, **{name: OTHER[name] for name in named}}
    assert fields == {name: wanted[name] for name in TOLD}
    assert answers == {one["email"]: "accepted" if one["email"] == ANA and "times" not in parts
                       else answers[one["email"]] for one in wanted["attendees"]}
    assert told_of(told.placed) == (fields, answers)
    assert told.placed["marker"] == standing["marker"]


def test_a_change_keeps_answers_comments_and_guests_who_came_by_hand(calendar):
    placed = calendar.stand()
    calendar.respond(placed, ANA)
    calendar.add_guest(placed, LATE)
    calendar.look(placed)
    calendar.mails()
    told = calendar.change(["attendees"], coffee(attendees=guests(ANA, LATE, NEW)))
    assert told.error == "ok"
    assert told_of(calendar.look(placed))[1] == {ANA: "accepted", LATE: "none", NEW: "none"}
    assert [one for one in calendar.mails() if one[0] in (MILAN, NEW)] == [
        (MILAN, "cancel"), (NEW, "invite")]


def test_who_was_sent_home_is_invited_anew(calendar):
    placed = calendar.stand()
    calendar.respond(placed, MILAN)
    for wanted in ([ANA], [ANA, MILAN]):
        calendar.look(placed)
        assert calendar.change(["attendees"],
                               coffee(attendees=guests(*wanted))).error == "ok"
    assert told_of(calendar.look(placed))[1] == {ANA: "none", MILAN: "none"}


def test_all_guests_may_go(calendar):
    placed = calendar.stand()
    calendar.look(placed)
    assert calendar.change(["attendees"], coffee(attendees=[])).error == "ok"
    assert calendar.look(placed)["attendees"] == []


@pytest.mark.parametrize("meanwhile", ["renamed", "answered"])
def test_a_change_of_what_has_moved_on_changes_nothing(calendar, meanwhile):
    placed = calendar.stand()
    calendar.look(placed)
    if meanwhile == "renamed":
        calendar.by_hand(placed, "renamed")
    else:
        calendar.respond(placed, ANA)
    calendar.mails()
    told = calendar.change(["attendees", "location"], coffee(attendees=[], location="There"))
    assert told.error == "stale_version"
    found = calendar.look(placed)
    assert found["location"] == "Café 1" and len(found["attendees"]) == 2
    assert calendar.mails() == []
    told = calendar.change(["attendees", "location"], coffee(attendees=[], location="There"))
    assert (told.error, told.placed["location"], told.placed["attendees"]) == ("ok", "There", [])


def test_a_change_that_is_repeated_is_stale_and_mails_nobody(calendar):
    placed = calendar.stand()
    calendar.look(placed)
    calendar.mails()
    assert calendar.change(["summary"], coffee(summary="Tea")).error == "ok"
    assert calendar.mails() == [(ANA, "update"), (MILAN, "update")]
    assert calendar.change(["summary"], coffee(summary="Tea")).error == "stale_version"
    assert calendar.mails() == []


def test_a_change_of_what_was_removed_by_hand_finds_it_gone(calendar):
    placed = calendar.stand()
    calendar.look(placed)
    calendar.remove_by_hand(placed)
    told = calendar.change(["summary"], coffee(summary="Tea"))
    assert told.error in ("event_gone", "stale_version")
    assert is_gone(calendar.get(placed))
    assert calendar.pages() == [[]]


@pytest.mark.where(fits=lambda side: not side.mails_always)
def test_without_notification_nobody_is_mailed(calendar):
    placed = calendar.stand(coffee(notify=False))
    calendar.look(placed)
    assert calendar.change(["summary", "attendees"],
                           coffee(summary="Tea", attendees=guests(ANA, NEW),
                                  notify=False)).error == "ok"
    assert calendar.drop(placed, notify=False).error == "ok"
    assert calendar.mails() == []


# --- a conference ---

def test_a_conference_that_is_asked_for_gets_its_link(calendar):
    placed = calendar.stand(coffee(conference=True))
    assert placed["conference"]
    assert calendar.look(placed)["conference_url"].startswith("https://")


def test_a_conference_can_come_later_and_stays(calendar):
    placed = calendar.stand()
    calendar.look(placed)
    assert calendar.change(["conference"], coffee(conference=True)).error == "ok"
    link = calendar.look(placed)["conference_url"]
    assert link.startswith("https://")
    assert calendar.change(["summary", "times"], coffee(summary="Tea")).error == "ok"
    assert calendar.look(placed)["conference_url"] == link


# --- drop ---

def is_gone(told):
    return told.error == "event_gone" or (told.error == "ok" and told.placed["cancelled"])


def test_what_is_dropped_is_gone_and_may_be_dropped_again(calendar):
    placed = calendar.stand()
    calendar.mails()
    assert calendar.drop(placed).error == "ok"
    assert calendar.mails() == [(ANA, "cancel"), (MILAN, "cancel")]
    for _ in range(2):
        assert calendar.drop(placed).error == "ok"
    assert calendar.mails() == []
    assert is_gone(calendar.get(placed))
    assert calendar.pages() == [[]]


def test_what_a_person_removed_is_dropped_already(calendar):
    placed = calendar.stand()
    calendar.remove_by_hand(placed)
    assert is_gone(calendar.get(placed))
    assert calendar.drop(placed).error == "ok"


def test_the_name_of_what_was_dropped_is_never_alive_again(calendar):
    name = new_id()
    placed = calendar.put(name=name).placed
    assert calendar.drop(placed).error == "ok"
    again = calendar.put(name=name)
    assert again.error == "already_exists" or again.placed["id"] != placed["id"]
    assert is_gone(calendar.get(placed))


# --- list ---

def test_a_list_is_of_the_owners_events_alone(calendar):
    mine = [calendar.stand()["id"] for _ in range(3)]
    calendar.owner = "ow2"
    others = [calendar.stand()["id"] for _ in range(2)]
    calendar.ask("put", id=new_id(), marker="x", owner="ow", event=coffee())
    assert sorted(one["id"] for page in calendar.pages() for one in page) == sorted(others)
    assert sorted(one["id"] for page in calendar.pages(owner="ow1") for one in page) \
        == sorted(mine)
    assert calendar.pages(owner="nobody") == [[]]


def test_what_is_listed_is_told_whole(calendar):
    event = coffee()
    placed = calendar.stand(event)
    calendar.respond(placed, ANA)
    found = calendar.look(placed)
    listed = calendar.pages()[0][0]
    assert listed["attendees"][0].pop("raw") in (False, True)
    assert {**listed, "attendees": told_of(listed)[1]} \
        == {**found, "attendees": told_of(found)[1]}


def test_pages_tell_each_event_once_and_by_start(calendar):
    starts = [START + HOUR * n for n in (3, 1, 4, 0, 5, 2, 6)]
    made = {start: calendar.stand(coffee(start=start, end=start + HOUR))["id"]
            for start in starts}
    pages = calendar.pages(max=2)
    assert len(pages) >= 4 and all(len(page) <= 2 for page in pages)
    assert [one["id"] for page in pages for one in page] == [made[at] for at in sorted(made)]


def test_pages_may_be_short_or_empty_and_not_the_last(calendar):
    calendar.sandbox.settings(short_pages=True)
    made = {calendar.stand(coffee(start=START + n * HOUR, end=START + (n + 1) * HOUR))["id"]
            for n in range(5)}
    pages = calendar.pages(max=4)
    assert {one["id"] for page in pages for one in page} == made
    assert sum(len(page) for page in pages) == 5


@pytest.mark.parametrize("more, found", [
    ({"from": START, "to": START + HOUR}, True),
    ({"from": START + HOUR - 1000}, True),
    ({"from": START + HOUR}, False),
    ({"from": START + HOUR + 999}, False),
    ({"to": START + 1}, True),
    ({"to": START + 1000}, True),
    ({"to": START}, False),
    ({"to": START - 1}, False),
    ({"from": START + 20 * MINUTE, "to": START + 30 * MINUTE}, True),
    ({}, True),
], ids=str)
def test_a_list_has_what_ends_after_and_begins_before(calendar, more, found):
    calendar.stand()
    assert [len(page) for page in calendar.pages(**more)] == [int(found)]


def test_what_is_moved_is_listed_where_it_is_now(calendar):
    placed = calendar.stand()
    calendar.by_hand(placed, "moved")
    assert calendar.pages(to=START + HOUR) == [[]]
    assert calendar.pages(**{"from": START + 6 * HOUR})[0][0]["start"] == START + 6 * HOUR


@pytest.mark.parametrize("page", ["x", "%", "Ck/+=&a=b", "a" * 1500], ids=len)
def test_a_page_that_is_none_is_the_askers_fault(calendar, page):
    calendar.stand()
    told = calendar.list(page=page)
    assert told.error == "bad_request" and not hasattr(told, "items")


@pytest.mark.where(fits=lambda side: side.name == "google")
def test_a_calendar_goes_by_its_address_as_well(calendar):
    placed = calendar.stand()
    assert calendar.get(placed, calendar=ACCOUNT).error == "ok"
    assert calendar.get(placed, calendar="nobody@example.com").error == "event_gone"


def test_the_sandbox_has_nothing_to_complain_of(calendar):
    placed = calendar.stand(coffee(conference=True))
    calendar.look(placed)
    assert calendar.change(list(PARTS), coffee(**OTHER)).error == "ok"
    calendar.pages()
    assert calendar.drop(placed).error == "ok"
    assert calendar.sandbox.violations() == []
