"""Recurring events: which lines are accepted, and the instances they mean.

Of RFC 5545 it knows FREQ DAILY, WEEKLY, MONTHLY and YEARLY with INTERVAL, COUNT, UNTIL and, for
WEEKLY, BYDAY; EXDATE lines; and nothing else: other rules are refused as invalid.
"""

import re
from datetime import date, datetime, timedelta, timezone
from typing import Any, Iterator
from zoneinfo import ZoneInfo

from .google_errors import invalid
from .google_times import instant_of

DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
PARTS = {"FREQ": r"DAILY|WEEKLY|MONTHLY|YEARLY", "INTERVAL": r"[1-9]\d{0,3}",
         "COUNT": r"[1-9]\d{0,3}", "UNTIL": r"\d{8}(T\d{6}Z)?", "WKST": "MO|SU",
         "BYDAY": r"(MO|TU|WE|TH|FR|SA|SU)(,(MO|TU|WE|TH|FR|SA|SU))*"}
MAX_INSTANCES = 1000


def check_recurrence(lines: Any) -> list[str]:
    """The lines as they are kept; exactly one RRULE among them."""
    if lines is None or lines == []:
        return []
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise invalid("Invalid value for: recurrence")
    rules = [line for line in lines if line.startswith("RRULE:")]
    others = [line for line in lines if not re.match(r"RRULE:|EXDATE[;:]", line)]
    if len(rules) != 1 or others:
        raise invalid("Invalid recurrence rule.")
    parts = read_rule(rules[0])
    if "BYDAY" in parts and parts["FREQ"] != "WEEKLY":
        raise invalid("Invalid recurrence rule.")
    return lines


def read_rule(line: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in line.removeprefix("RRULE:").split(";"):
        name, _, value = part.partition("=")
        if name in parts or not re.fullmatch(PARTS.get(name, "(?!)"), value, re.ASCII):
            raise invalid("Invalid recurrence rule.")
        parts[name] = value
    if "FREQ" not in parts or ("COUNT" in parts and "UNTIL" in parts):
        raise invalid("Invalid recurrence rule.")
    return parts


def days_of(first: date, parts: dict[str, str]) -> Iterator[date]:
    """The days of a rule, from the first one on, without end."""
    step = int(parts.get("INTERVAL", "1"))
    freq = parts["FREQ"]
    if freq == "DAILY":
        yield from (first + timedelta(days=n * step) for n in range(100 * 366))
    elif freq == "WEEKLY":
        wanted = [DAYS.index(day) for day in parts["BYDAY"].split(",")] if "BYDAY" in parts \
            else [first.weekday()]
        monday = first - timedelta(days=first.weekday())
        for week in range(100 * 53):
            for day in sorted(wanted):
                found = monday + timedelta(days=7 * week * step + day)
                if found >= first:
                    yield found
    else:
        months = step * (12 if freq == "YEARLY" else 1)
        for n in range(1200):
            month = first.month - 1 + n * months
            if first.year + month // 12 > 9000:
                return
            try:
                yield first.replace(year=first.year + month // 12, month=month % 12 + 1)
            except ValueError:
                continue        # the 31st, or 29 February: skipped, as RFC 5545 says


def instances(event: dict[str, Any], calendar_zone: str) -> Iterator[tuple[Any, Any]]:
    """Start and end of each instance of a series, in the form events keep them."""
    rule = next(line for line in event["recurrence"] if line.startswith("RRULE:"))
    parts = read_rule(rule)
    left_out = {stamp for line in event["recurrence"] if line.startswith("EXDATE")
                for stamp in line.partition(":")[2].split(",")}
    start, end = event["start"], event["end"]
    length = instant_of(end, calendar_zone) - instant_of(start, calendar_zone)
    zone = ZoneInfo(start.get("timeZone", calendar_zone))
    local = instant_of(start, calendar_zone).astimezone(zone)
    first = date.fromisoformat(start["date"]) if "date" in start else local.date()
    for n, day in enumerate(days_of(first, parts)):
        if n >= min(int(parts.get("COUNT", MAX_INSTANCES)), MAX_INSTANCES):
            return
        if "date" in start:
            stamp = day.strftime("%Y%m%d")
            stamps = {stamp}
            days = date.fromisoformat(end["date"]) - date.fromisoformat(start["date"])
            found = ({"date": day.isoformat()}, {"date": (day + days).isoformat()})
        else:
            at = datetime.combine(day, local.time(), zone).astimezone(timezone.utc)
            stamp = at.strftime("%Y%m%dT%H%M%SZ")
            stamps = {stamp, at.astimezone(zone).strftime("%Y%m%dT%H%M%S")}
            found = tuple({**start, "dateTime": one.replace(tzinfo=None).isoformat() + "Z"}
                          for one in (at, at + length))
        if "UNTIL" in parts and stamp[:len(parts["UNTIL"])] > parts["UNTIL"]:
            return
        if not stamps & left_out:
            yield found


def instance_id(series_id: str, start: dict[str, str]) -> str:
    """``<series>_<time in UTC>``, or with the day alone for all-day events."""
    stamp = start["date"] if "date" in start else start["dateTime"]
    return f"{series_id}_{re.sub('[-:]', '', stamp)}"
