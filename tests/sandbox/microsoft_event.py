"""What Graph accepts as an event: every member checked, the read-only ones ignored.

``check_event`` turns a request body into the members that are kept, and nothing else: what was
not sent is not in it.
"""

import re
from typing import Any, Callable

from .addresses import valid_address
from .microsoft_errors import GraphRefused, bad_value, failed_validation, invalid

MAX_GUESTS = 500
MAX_TRANSACTION_ID = 256
PROPERTY_ID = re.compile(r"String (\{[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}) "
                         r"(Name .+|Id 0x[0-9A-Fa-f]+)")

# Members that come back from Graph but are not taken from a client.
READ_ONLY = {"id", "changeKey", "createdDateTime", "lastModifiedDateTime", "iCalUId", "uid",
             "webLink", "bodyPreview", "organizer", "isOrganizer", "isCancelled", "isDraft",
             "responseStatus", "type", "seriesMasterId", "onlineMeeting", "onlineMeetingUrl",
             "originalStartTimeZone", "originalEndTimeZone", "originalStart", "hasAttachments",
             "locations", "occurrenceId", "unannouncedMember"}

Note = Callable[..., None]
Check = Callable[[Any, str], Any]


def text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise bad_value(f"Cannot convert the literal of '{name}' to the expected type "
                        "'Edm.String'.")
    return value


def truth(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise bad_value(f"Cannot convert the literal of '{name}' to the expected type "
                        "'Edm.Boolean'.")
    return value


def whole(value: Any, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > 2 ** 31:
        raise bad_value(f"Cannot convert the literal of '{name}' to the expected type "
                        "'Edm.Int32'.")
    return value


def one_of(*words: str) -> Check:
    """An enumeration; its words are taken in any case and kept in their own."""
    known = {word.lower(): word for word in words}

    def check(value: Any, name: str) -> str:
        if text(value, name).lower() not in known:
            raise bad_value(f"Requested value '{value}' was not found.")
        return known[value.lower()]
    return check


def record(value: Any, name: str, members: dict[str, Check], kind: str) -> dict[str, Any]:
    """A complex value: known members only, null for what is not there."""
    if not isinstance(value, dict):
        raise bad_value(f"The property '{name}' has the wrong type.")
    kept = {}
    for member, one in value.items():
        if member.startswith("@odata."):
            continue
        if member not in members:
            raise bad_value(f"The property '{member}' does not exist on type "
                            f"'Microsoft.OutlookServices.{kind}'.")
        if one is not None:
            kept[member] = members[member](one, member)
    return kept


def ignored(value: Any, _name: str) -> Any:
    return value


def check_body(value: Any, name: str) -> dict[str, str]:
    body = record(value, name, {"contentType": one_of("text", "html"), "content": text},
                  "ItemBody")
    return {"contentType": body.get("contentType", "text"), "content": body.get("content", "")}


def check_location(value: Any, name: str) -> dict[str, Any]:
    return record(value, name, {
        "displayName": text, "locationEmailAddress": text, "locationUri": text,
        "locationType": text, "address": ignored, "coordinates": ignored, "uniqueId": text,
        "uniqueIdType": text}, "Location")


def check_address(value: Any, name: str) -> dict[str, str]:
    address = record(value, name, {"address": text, "name": text}, "EmailAddress")
    if not valid_address(address.get("address")):
        raise GraphRefused(400, "ErrorInvalidRecipients", "At least one recipient isn't valid.")
    return {"name": address.get("name") or address["address"], "address": address["address"]}


def check_guests(value: Any, _name: str) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise bad_value("The property 'attendees' is a collection.")
    guests = []
    for one in value:
        guest = record(one, "attendees", {
            "emailAddress": check_address, "type": one_of("required", "optional", "resource"),
            "status": ignored, "proposedNewTime": ignored}, "Attendee")
        if "emailAddress" not in guest:
            raise failed_validation()
        guests.append({"type": guest.get("type", "required"),
                       "emailAddress": guest["emailAddress"]})
    if len(guests) > MAX_GUESTS:
        raise GraphRefused(400, "ErrorExceededMaxRecipientLimitPerMessage",
                           f"An event takes {MAX_GUESTS} attendees at most.")
    return guests


def property_key(name: str) -> str:
    """An id of an extended property in one spelling: the GUID in any case, the name in its own."""
    match = PROPERTY_ID.fullmatch(name)
    if match is None:
        raise GraphRefused(400, "ErrorInvalidProperty",
                           f"The extended property id '{name}' is not valid.")
    return f"String {match[1].lower()} {match[2]}"


def check_properties(value: Any, _name: str) -> dict[str, str]:
    if not isinstance(value, list):
        raise bad_value("The property 'singleValueExtendedProperties' is a collection.")
    kept = {}
    for one in value:
        pair = record(one, "singleValueExtendedProperties", {"id": text, "value": text},
                      "SingleValueLegacyExtendedProperty")
        if set(pair) != {"id", "value"}:
            raise failed_validation()
        kept[property_key(pair["id"])] = pair["value"]
    return kept


def check_categories(value: Any, name: str) -> list[str]:
    if not isinstance(value, list):
        raise bad_value(f"The property '{name}' is a collection.")
    return [text(one, name) for one in value]


def check_minutes(value: Any, name: str) -> int:
    if whole(value, name) < 0:
        raise failed_validation()
    return value


def check_transaction(value: Any, name: str) -> str:
    if not 0 < len(text(value, name)) <= MAX_TRANSACTION_ID:
        raise failed_validation()
    return value


def check_recurrence(_value: Any, _name: str) -> None:
    raise invalid("This sandbox keeps single events only.")


MEMBERS: dict[str, Check] = {
    "subject": text, "body": check_body, "location": check_location, "attendees": check_guests,
    "isAllDay": truth, "isReminderOn": truth, "reminderMinutesBeforeStart": check_minutes,
    "showAs": one_of("free", "tentative", "busy", "oof", "workingElsewhere", "unknown"),
    "sensitivity": one_of("normal", "personal", "private", "confidential"),
    "importance": one_of("low", "normal", "high"), "categories": check_categories,
    "responseRequested": truth, "allowNewTimeProposals": truth, "hideAttendees": truth,
    "isOnlineMeeting": truth,
    "onlineMeetingProvider": one_of("unknown", "skypeForBusiness", "skypeForConsumer",
                                    "teamsForBusiness"),
    "singleValueExtendedProperties": check_properties, "transactionId": check_transaction,
    "recurrence": check_recurrence,
}
DEFAULTS: dict[str, Any] = {
    "subject": "", "body": {"contentType": "html", "content": ""},
    "location": {"displayName": ""}, "attendees": [], "isAllDay": False, "isReminderOn": True,
    "reminderMinutesBeforeStart": 15, "showAs": "busy", "sensitivity": "normal",
    "importance": "normal", "categories": [], "responseRequested": True,
    "allowNewTimeProposals": True, "hideAttendees": False,
}


def check_event(body: dict[str, Any], note: Note) -> dict[str, Any]:
    """The members sent, but for start and end, which are read together; null is a default."""
    kept: dict[str, Any] = {}
    for name, value in body.items():
        if name in ("start", "end") or name.startswith("@odata."):
            continue
        if name in READ_ONLY:
            note("read_only_member", member=name)
        elif name not in MEMBERS:
            raise bad_value(f"The property '{name}' does not exist on type 'Microsoft."
                            "OutlookServices.Event'. Make sure to only use property names that "
                            "are defined by the type or mark the type as open type.")
        elif value is not None:
            kept[name] = MEMBERS[name](value, name)
        elif name in DEFAULTS:
            kept[name] = DEFAULTS[name]
    addresses = [one["emailAddress"]["address"].lower() for one in kept.get("attendees", [])]
    if len(set(addresses)) != len(addresses):
        note("duplicate_guest", emails=addresses)
    return kept
