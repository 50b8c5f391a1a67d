"""What Google accepts as an event: every member checked, the read-only ones ignored.

``check_event`` turns a request body into the members that are kept. Limits and messages are
those of the Calendar API, as far as they are known.
"""

import re
from typing import Any, Callable

from .addresses import valid_address
from .google_errors import Refused, invalid, required
from .google_recurrence import check_recurrence
from .google_times import check_moment, check_span

EVENT_ID = re.compile(r"[a-v0-9]{5,1024}", re.ASCII)
MAX_GUESTS = 200
MAX_OVERRIDES = 5
MAX_REMINDER_MINUTES = 40320

# Members that come back from Google but are not taken from a client.
READ_ONLY = {"kind", "etag", "htmlLink", "hangoutLink", "created", "updated", "creator",
             "organizer", "recurringEventId", "originalStartTime", "attendeesOmitted", "locked",
             "privateCopy", "endTimeUnspecified", "unannouncedMember"}

Check = Callable[[Any, str], Any]


def text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise invalid(f"Invalid value for: {name}")
    return value


def truth(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise invalid(f"Invalid value for: {name}")
    return value


def whole(value: Any, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid(f"Invalid value for: {name}")
    return value


def one_of(*words: str) -> Check:
    def check(value: Any, name: str) -> str:
        if value not in words:
            raise invalid(f"Invalid value for: {name}. Allowed values: [{', '.join(words)}]")
        return value
    return check


def objects(value: Any, name: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise invalid(f"Invalid value for: {name}")
    return value


GUEST: dict[str, Check] = {
    "displayName": text, "optional": truth, "resource": truth, "comment": text,
    "responseStatus": one_of("needsAction", "declined", "tentative", "accepted"),
}
GUEST_READ_ONLY = {"email", "id", "organizer", "self", "additionalGuests"}


def check_guest(guest: dict[str, Any], note: Callable[..., None]) -> dict[str, Any]:
    if not guest.get("email"):
        raise required("Missing attendee email.")
    if not valid_address(guest["email"]):
        raise invalid("Invalid attendee email.")
    kept: dict[str, Any] = {"email": guest["email"]}
    for name, value in guest.items():
        if value is not None and name in GUEST:
            kept[name] = GUEST[name](value, name)
        elif name not in GUEST and name not in GUEST_READ_ONLY:
            note("unknown_member", member=f"attendees.{name}")
    if whole(guest.get("additionalGuests", 0), "additionalGuests"):
        kept["additionalGuests"] = guest["additionalGuests"]
    kept.setdefault("responseStatus", "needsAction")
    return kept


def check_guests(value: Any, note: Callable[..., None]) -> list[dict[str, Any]]:
    """The guests, one entry for each address; at most 200."""
    guests: dict[str, dict[str, Any]] = {}
    for guest in objects(value, "attendees"):
        kept = check_guest(guest, note)
        if kept["email"].lower() in guests:
            note("duplicate_guest", email=kept["email"])
        guests.setdefault(kept["email"].lower(), kept)
    if len(guests) > MAX_GUESTS:
        raise invalid(f"An event may have at most {MAX_GUESTS} attendees.")
    return list(guests.values())


def check_reminders(value: Any, _name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise invalid("Invalid value for: reminders")
    overrides = objects(value.get("overrides") or [], "reminders.overrides")
    use_default = truth(value.get("useDefault", False), "reminders.useDefault")
    if use_default and overrides:
        raise Refused(400, "cannotUseDefaultRemindersAndSpecifyOverride",
                      "Cannot specify both default reminders and overrides at the same time.")
    if len(overrides) > MAX_OVERRIDES:
        raise invalid("Too many reminder overrides.")
    kept = []
    for one in overrides:
        if one.get("method") is None or one.get("minutes") is None:
            raise required("Missing reminder method or minutes.")
        method = one_of("email", "popup")(one["method"], "reminders.overrides.method")
        minutes = whole(one["minutes"], "reminders.overrides.minutes")
        if not 0 <= minutes <= MAX_REMINDER_MINUTES:
            raise invalid("Invalid value for: reminders.overrides.minutes")
        kept.append({"method": method, "minutes": minutes})
    return {"useDefault": use_default, **({"overrides": kept} if kept else {})}


def check_properties(value: Any, _name: str) -> dict[str, dict[str, str]]:
    """Own data: key up to 44 characters, value up to 1024, 300 of them, 32 kB in all."""
    if not isinstance(value, dict) or set(value) - {"private", "shared"}:
        raise invalid("Invalid value for: extendedProperties")
    kept: dict[str, dict[str, str]] = {}
    for side, members in value.items():
        if members is None:
            continue
        if not isinstance(members, dict):
            raise invalid("Invalid value for: extendedProperties")
        kept[side] = {name: text(one, name) for name, one in members.items() if one is not None}
    pairs = [pair for members in kept.values() for pair in members.items()]
    if (len(pairs) > 300 or sum(len(name) + len(one) for name, one in pairs) > 32768
            or any(not name or len(name) > 44 or len(one) > 1024 for name, one in pairs)):
        raise invalid("Invalid extended property.")
    return kept


def check_source(value: Any, _name: str) -> dict[str, str]:
    if not isinstance(value, dict) or not re.match(r"https?://.", str(value.get("url"))):
        raise invalid("Invalid value for: source.url")
    return {"url": value["url"], "title": text(value.get("title", ""), "source.title")}


def check_conference(value: Any, name: str) -> dict[str, Any]:
    """Only a request for a new Meet conference; what exists already is kept as it is."""
    if not isinstance(value, dict):
        raise invalid(f"Invalid value for: {name}")
    wanted = value.get("createRequest")
    if wanted is None:
        return value
    key = wanted.get("conferenceSolutionKey") if isinstance(wanted, dict) else None
    if not isinstance(key, dict) or key.get("type") != "hangoutsMeet" \
            or not text(wanted.get("requestId", ""), name):
        raise invalid("Invalid conference type value.")
    return {**value, "createRequest": {
        "requestId": wanted["requestId"], "conferenceSolutionKey": {"type": "hangoutsMeet"},
        "status": wanted.get("status", {"statusCode": "pending"})}}


MEMBERS: dict[str, Check] = {
    "summary": text, "description": text, "location": text,
    "colorId": one_of(*(str(n) for n in range(1, 12))),
    "status": one_of("confirmed", "tentative", "cancelled"),
    "transparency": one_of("opaque", "transparent"),
    "visibility": one_of("default", "public", "private", "confidential"),
    "eventType": one_of("default"),
    "guestsCanModify": truth, "guestsCanInviteOthers": truth, "guestsCanSeeOtherGuests": truth,
    "anyoneCanAddSelf": truth,
    "reminders": check_reminders, "extendedProperties": check_properties,
    "source": check_source, "conferenceData": check_conference, "iCalUID": text,
}
# Told only when they differ from what is understood anyway.
SILENT_DEFAULTS = {"transparency": "opaque", "visibility": "default", "guestsCanModify": False,
                   "guestsCanInviteOthers": True, "guestsCanSeeOtherGuests": True,
                   "anyoneCanAddSelf": False}


def check_event(body: dict[str, Any], calendar_zone: str,
                note: Callable[..., None]) -> dict[str, Any]:
    """The members to keep. ``note`` is told what Google ignores but no client should send."""
    recurrence = check_recurrence(body.get("recurrence"))
    start = check_moment(body.get("start"), "start", bool(recurrence), calendar_zone)
    end = check_moment(body.get("end"), "end", bool(recurrence), calendar_zone)
    check_span(start, end)
    kept: dict[str, Any] = {"start": start, "end": end}
    if recurrence:
        kept["recurrence"] = recurrence
    for name, value in body.items():
        if name in MEMBERS and value is not None:
            kept[name] = MEMBERS[name](value, name)
        elif name not in MEMBERS and name not in READ_ONLY and name not in (
                "id", "start", "end", "recurrence", "attendees", "sequence"):
            note("unknown_member", member=name)
    if body.get("attendees"):
        kept["attendees"] = check_guests(body["attendees"], note)
    kept = {name: value for name, value in kept.items() if SILENT_DEFAULTS.get(name) != value}
    kept.setdefault("status", "confirmed")
    kept.setdefault("reminders", {"useDefault": True})
    return kept


def merge_patch(old: Any, patch: Any) -> Any:
    """Google's PATCH: objects merge at every depth, arrays are replaced whole, null deletes."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(old) if isinstance(old, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged
