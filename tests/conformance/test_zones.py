"""Daylight saving: the instant that went in comes out, around every change of the clocks.

On both sides of the gap and of the hour that comes twice, and over it: with the system's own
zone data, in zones that change by an hour, half an hour or two, at midnight, on the southern
half of the earth, backwards, and with Ramadan.
"""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from calls import MINUTE, coffee

ZONES = ("Africa/Cairo", "Africa/Casablanca", "Africa/El_Aaiun", "America/Adak",
         "America/Anchorage", "America/Chicago", "America/Denver", "America/Halifax",
         "America/Havana", "America/Los_Angeles", "America/Miquelon", "America/New_York",
         "America/Nuuk", "America/Santiago", "America/St_Johns", "Antarctica/Troll",
         "Asia/Beirut", "Asia/Gaza", "Asia/Jerusalem", "Atlantic/Azores", "Australia/Adelaide",
         "Australia/Lord_Howe", "Australia/Sydney", "Europe/Berlin", "Europe/Chisinau",
         "Europe/Dublin", "Europe/London", "Pacific/Auckland", "Pacific/Chatham",
         "Pacific/Easter")
FIRST, LAST = (datetime(year, 1, 1, tzinfo=timezone.utc) for year in (2024, 2038))
HOUR = timedelta(hours=1)


def changes(name):
    """The instants, in milliseconds, at which the clocks of a zone change."""
    zone, at, found = ZoneInfo(name), FIRST, []

    def offset(instant):
        return instant.astimezone(zone).utcoffset()
    while at < LAST:
        until = at + 24 * HOUR
        if offset(at) != offset(until):
            begin, end = at, until
            while end - begin > timedelta(minutes=1):
                middle = begin + (end - begin) / 2
                begin, end = (middle, end) if offset(middle) == offset(begin) else (begin, middle)
            minutes = round(end.timestamp() / 60 - 0.499)
            found.append(minutes * MINUTE)
        at = until
    return found


def around(instant):
    """Times of events: before it, behind it, over it."""
    return [(instant - 30 * MINUTE, instant), (instant, instant + 15 * MINUTE),
            (instant + 30 * MINUTE, instant + 60 * MINUTE),
            (instant - 30 * MINUTE, instant + 30 * MINUTE)]


def test_the_changes_are_those_of_the_zones():
    berlin = [datetime.fromtimestamp(at / 1000, timezone.utc) for at in changes("Europe/Berlin")]
    assert len(berlin) == 28
    assert berlin[:2] == [datetime(2024, 3, 31, 1, tzinfo=timezone.utc),
                          datetime(2024, 10, 27, 1, tzinfo=timezone.utc)]
    assert datetime(2024, 4, 6, 15, tzinfo=timezone.utc).timestamp() * 1000 \
        in changes("Australia/Lord_Howe")
    assert len(set(ZONES)) == 30 and all(changes(name) for name in ZONES)


@pytest.mark.slow
def test_the_instant_that_went_in_comes_out(calendar):
    wanted = {}
    for name in ZONES:
        for at in changes(name):
            for start, end in around(at):
                event = coffee(start=start, end=end, zone=name, attendees=None,
                               description=None, location=None)
                told = calendar.put(event, whole=True)
                assert told.error == "ok", (name, start, told)
                assert (told.placed["start"], told.placed["end"]) == (start, end), (name, told)
                wanted[told.placed["id"]] = (start, end)
    found = {one["id"]: (one["start"], one["end"])
             for page in calendar.pages() for one in page}
    assert len(wanted) > 2500 and found == wanted
