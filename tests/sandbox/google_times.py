"""Google's start and end of events: what is accepted, and how it is told back.

Kept inside: ``{"dateTime": "<UTC, Z>", "timeZone": "<IANA name>"}`` or ``{"date": ...}``.
"""

import re
from datetime import date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from .google_errors import Refused, invalid, required
from .world import ZONES

RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.\d+)?([Zz]|[+-]\d\d:\d\d)?",
                     re.ASCII)
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def parse_rfc3339(text: Any, zone: str | None = None) -> datetime | None:
    """The instant in UTC; local times need ``zone``. None if it is not one."""
    match = RFC3339.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    day, clock, offset = match.groups()
    try:
        local = datetime.fromisoformat(f"{day}T{clock}")
        if offset in ("Z", "z"):
            return local.replace(tzinfo=timezone.utc)
        if offset:
            if int(offset[1:3]) > 23 or int(offset[4:6]) > 59:
                return None
            return datetime.fromisoformat(f"{day}T{clock}{offset}").astimezone(timezone.utc)
        return local.replace(tzinfo=ZoneInfo(zone)).astimezone(timezone.utc) if zone else None
    except (ValueError, OverflowError):
        return None


def parse_day(text: Any) -> date | None:
    if not isinstance(text, str) or not DAY.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def check_moment(value: Any, which: str, recurring: bool, calendar_zone: str) -> dict[str, str]:
    """A start or end as it is kept; ``which`` is "start" or "end"."""
    if value is None:
        raise required(f"Missing {which} time.")
    if not isinstance(value, dict):
        raise invalid(f"Invalid {which} time.")
    has_day, has_time = value.get("date") is not None, value.get("dateTime") is not None
    if not has_day and not has_time:
        raise required(f"Missing {which} time.")
    zone = value.get("timeZone")
    if zone is not None and (not isinstance(zone, str) or zone not in ZONES):
        raise invalid(f"Invalid time zone definition for {which} time.")
    if has_day:
        if has_time or parse_day(value["date"]) is None:
            raise invalid(f"Invalid {which} time.")
        return {"date": value["date"]}
    match = RFC3339.fullmatch(value["dateTime"]) if isinstance(value["dateTime"], str) else None
    if match is None:
        raise invalid(f"Invalid {which} time.")
    if zone is None and (recurring or match[3] is None):
        raise required(f"Missing time zone definition for {which} time.")
    instant = parse_rfc3339(value["dateTime"], zone)
    if instant is None:
        raise invalid(f"Invalid {which} time.")
    return {"dateTime": instant.replace(tzinfo=None).isoformat() + "Z",
            "timeZone": zone or calendar_zone}


def check_span(start: dict[str, str], end: dict[str, str]) -> None:
    """Both of one kind; the end, which is exclusive, not before the start."""
    if ("date" in start) != ("date" in end):
        raise invalid("Invalid start time." if "date" in start else "Invalid end time.")
    if "date" in start:
        empty = end["date"] <= start["date"]
    else:
        empty = end["dateTime"] < start["dateTime"]
    if empty:
        raise Refused(400, "timeRangeEmpty", "The specified time range is empty.")


def instant_of(moment: dict[str, str], calendar_zone: str) -> datetime:
    """The instant a start or end means; days begin in the calendar's zone."""
    if "date" in moment:
        day = datetime.fromisoformat(moment["date"])
        return day.replace(tzinfo=ZoneInfo(calendar_zone)).astimezone(timezone.utc)
    return datetime.fromisoformat(moment["dateTime"].replace("Z", "+00:00"))


def local_text(instant: datetime, zone: str) -> str:
    """RFC 3339 with the zone's offset at that instant; Z for UTC."""
    local = instant.astimezone(ZoneInfo(zone))
    text = local.replace(microsecond=0).isoformat()
    return text[:-6] + "Z" if local.utcoffset() == timedelta(0) else text


def show_moment(moment: dict[str, str], zone: str) -> dict[str, str]:
    """As Google tells it: the offset is that of ``zone``, the name stays the event's own."""
    if "date" in moment:
        return dict(moment)
    return {"dateTime": local_text(instant_of(moment, zone), zone), "timeZone": moment["timeZone"]}


def people_text(moment: dict[str, str]) -> str:
    """For the calendar page: in the event's own zone."""
    if "date" in moment:
        return date.fromisoformat(moment["date"]).strftime("%A %d %B %Y")
    zone = ZoneInfo(moment["timeZone"])
    local = instant_of(moment, moment["timeZone"]).astimezone(zone)
    return local.strftime("%A %d %B %Y, %H:%M %Z")
