"""Microsoft's start and end of events: what is accepted, and how it is told back.

Kept inside: ``{"at": "<UTC>", "zone": "<name as given>"}``, or ``{"day": ..., "zone": ...}`` of
events that take whole days.
"""

import re
from datetime import date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from .microsoft_errors import GraphRefused, bad_value, failed_validation, invalid
from .windows_zones import rules_of

LOCAL = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d)?(\.\d{1,7})?", re.ASCII)
UTC = "UTC"


def check_zone(name: Any) -> str:
    """A zone that Microsoft knows, by the name it is known by."""
    if not isinstance(name, str) or rules_of(name) is None:
        raise GraphRefused(400, "TimeZoneNotSupportedException",
                           "A valid TimeZone value must be specified. The following TimeZone "
                           f"value is not supported: '{name}'.")
    return name


def zone_info(name: str) -> ZoneInfo:
    return ZoneInfo(rules_of(check_zone(name)) or UTC)


def parse_local(text: Any) -> datetime:
    match = LOCAL.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise bad_value(f"Cannot convert the literal '{text}' to a date and time without offset.")
    try:
        return datetime.fromisoformat(f"{match[1]}T{match[2]}{match[3] or ':00'}")
    except ValueError as error:
        raise bad_value(f"Cannot convert the literal '{text}' to a date and time.") from error


def parse_exactly(text: str) -> datetime:
    """With its fraction, which events themselves do not keep."""
    _, _, fraction = text.partition(".")
    return parse_local(text) + timedelta(microseconds=float(f"0.{fraction or 0}") * 1_000_000)


def to_utc(local: datetime, zone: str) -> datetime:
    """The instant, without zone. As .NET has it: the repeated hour is the later one, and there
    is no hour that the clocks skip."""
    rules = zone_info(zone)
    try:
        at = local.replace(tzinfo=rules, fold=1).astimezone(timezone.utc)
    except OverflowError as error:
        raise failed_validation() from error
    if at.astimezone(rules).replace(tzinfo=None) != local:
        raise invalid(f"{local.isoformat()} does not exist in {zone}.")
    return at.replace(tzinfo=None)


def check_moment(value: Any, which: str, whole_day: bool) -> dict[str, str]:
    """A start or end as it is kept; ``which`` is "Start" or "End"."""
    if not isinstance(value, dict):
        raise bad_value(f"The property '{which}' needs a dateTimeTimeZone.")
    unknown = set(value) - {"dateTime", "timeZone", "@odata.type"}
    if unknown:
        raise bad_value(f"The property '{sorted(unknown)[0]}' does not exist on type "
                        "'Microsoft.OutlookServices.DateTimeTimeZone'.")
    local = parse_local(value.get("dateTime"))
    zone = check_zone(value.get("timeZone"))
    if not whole_day:
        return {"at": to_utc(local, zone).isoformat(), "zone": zone}
    if (local.hour, local.minute, local.second) != (0, 0, 0):
        raise invalid(f"The Event.{which} property for an all-day event needs to be set to "
                      "midnight.")
    return {"day": local.date().isoformat(), "zone": zone}


def check_span(start: dict[str, str], end: dict[str, str]) -> None:
    """Both of one kind; whole days in one zone, and at least one of them."""
    if ("day" in start) != ("day" in end):
        raise failed_validation()
    if "day" in start:
        if start["zone"] != end["zone"]:
            raise invalid("The Event.Start and Event.End of an all-day event need to be in the "
                          "same time zone.")
        if end["day"] <= start["day"]:
            raise invalid("The duration of an all-day event needs to be at least 24 hours.")
    elif end["at"] < start["at"]:
        raise failed_validation()


def instant_of(moment: dict[str, str]) -> datetime:
    """The instant, without zone; days begin in their zone."""
    if "at" in moment:
        return datetime.fromisoformat(moment["at"])
    return datetime.fromisoformat(moment["day"]).replace(
        tzinfo=zone_info(moment["zone"])).astimezone(timezone.utc).replace(tzinfo=None)


def show_moment(moment: dict[str, str], zone: str) -> dict[str, str]:
    """As Graph tells it: seven digits, in the zone asked for. Days stay days in every zone."""
    if "day" in moment:
        return {"dateTime": moment["day"] + "T00:00:00.0000000", "timeZone": zone}
    local = instant_of(moment).replace(tzinfo=timezone.utc).astimezone(zone_info(zone))
    return {"dateTime": local.strftime("%Y-%m-%dT%H:%M:%S") + ".0000000", "timeZone": zone}


def show_time(seconds: float) -> str:
    """A DateTimeOffset."""
    at = datetime.fromtimestamp(seconds, timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f") + "7Z"


def in_zone(moment: dict[str, str], zone: str) -> datetime:
    """Local time in a zone named as IANA does."""
    return instant_of(moment).replace(tzinfo=timezone.utc).astimezone(ZoneInfo(zone))


def offset_text(moment: dict[str, str], zone: str) -> str:
    """For machines that read the calendar page: local time with its offset, or the day."""
    if "day" in moment:
        return moment["day"]
    local = in_zone(moment, zone)
    text = local.isoformat()
    return text[:-6] + "Z" if local.utcoffset() == timedelta(0) else text


def people_text(moment: dict[str, str], zone: str) -> str:
    """For people who read it."""
    if "day" in moment:
        return date.fromisoformat(moment["day"]).strftime("%A %d %B %Y")
    return in_zone(moment, zone).strftime("%A %d %B %Y, %H:%M %Z")
