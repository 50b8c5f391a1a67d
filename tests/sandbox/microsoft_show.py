"""How Graph tells an event, a calendar and a person."""

import re
from dataclasses import dataclass
from typing import Any

from .microsoft_body import as_text, show_body
from .microsoft_ids import user_id
from .microsoft_store import TEAMS, Calendar, Event, Mailbox
from .microsoft_times import check_zone, show_moment, show_time
from .pages import make_eid
from .wire import UNANNOUNCED
from .world import Account

NEVER = "0001-01-01T00:00:00Z"
PREFERENCE = re.compile(r'\s*([A-Za-z.-]+)\s*=\s*(?:"([^"]*)"|([^",;\s]+))\s*(?:,|$)')


@dataclass
class View:
    """What the ``Prefer`` header asks of an answer; ``applied`` comes back in another."""

    immutable: bool = False
    zone: str = "UTC"
    body: str = "html"
    page: int = 0
    applied: str = ""


def read_view(header: str, mailbox: Mailbox) -> View:
    """Preferences may stand in one line; those that are not known are no error."""
    view, at, applied = View(), 0, []
    while at < len(header):
        match = PREFERENCE.match(header, at)
        if match is None:
            mailbox.note("unreadable_preference", header=header)
            break
        at, name = match.end(), match[1].lower()
        value = match[2] if match[2] is not None else match[3]
        if name == "idtype" and value.lower() == "immutableid":
            view.immutable = True
        elif name == "outlook.timezone":
            view.zone = check_zone(value)
        elif name == "outlook.body-content-type" and value in ("text", "html"):
            view.body = value
        elif name == "odata.maxpagesize" and value.isdigit():
            view.page = int(value)
        else:
            mailbox.note("unknown_preference", preference=match[0].strip())
            continue
        applied.append(match[0].strip(" ,"))
    view.applied = ", ".join(applied)
    return view


def show_guest(event: Event, guest: dict[str, Any]) -> dict[str, Any]:
    answer = event.answers.get(guest["emailAddress"]["address"].lower())
    status = {"response": "none", "time": NEVER} if answer is None else {
        "response": answer["response"], "time": show_time(answer["time"])}
    return {"type": guest["type"], "status": status, "emailAddress": guest["emailAddress"]}


def show_place(location: dict[str, Any]) -> dict[str, Any]:
    known = {"locationType": "default", "uniqueIdType": "unknown", "address": {},
             "coordinates": {}}
    if location.get("displayName"):
        known.update({"uniqueId": location["displayName"], "uniqueIdType": "private"})
    return {"displayName": "", **known, **location}


def show_event(mailbox: Mailbox, event: Event, view: View) -> dict[str, Any]:
    """The whole event; own data stay hidden."""
    members, own = event.members, event.organizer == mailbox.account.email
    place = show_place(members["location"])
    name = mailbox.account.name if own else event.organizer
    shown = {
        "@odata.etag": mailbox.etag(event), "id": event.immutable if view.immutable else event.id,
        "createdDateTime": show_time(event.created),
        "lastModifiedDateTime": show_time(event.updated), "changeKey": mailbox.key_of(event),
        "iCalUId": event.uid, "hasAttachments": False, "bodyPreview":
        as_text(members["body"])[:255], "isCancelled": False, "isOrganizer": own,
        "seriesMasterId": None, "type": "singleInstance", "recurrence": None, "isDraft": False,
        "webLink": f"{mailbox.world.base}/calendar/event?eid="
                   f"{make_eid(event.immutable, mailbox.account.email)}",
        "onlineMeetingUrl": None, "isOnlineMeeting": bool(event.link),
        "onlineMeetingProvider": TEAMS if event.link else "unknown",
        "onlineMeeting": {"joinUrl": event.link} if event.link else None,
        "originalStartTimeZone": members["start"]["zone"],
        "originalEndTimeZone": members["end"]["zone"],
        "responseStatus": {"response": "organizer" if own else "notResponded", "time": NEVER},
        **members,
        "body": show_body(members["body"], view.body),
        "start": show_moment(members["start"], view.zone),
        "end": show_moment(members["end"], view.zone), "location": place,
        "locations": [place] if members["location"].get("displayName") else [],
        "attendees": [show_guest(event, one) for one in event.guests],
        "organizer": {"emailAddress": {"name": name, "address": event.organizer}},
        **UNANNOUNCED}
    if event.transaction:
        shown["transactionId"] = event.transaction
    return shown


def show_calendar(mailbox: Mailbox, calendar: Calendar) -> dict[str, Any]:
    work = mailbox.account.kind == "work"
    return {
        "id": calendar.id, "name": calendar.name, "color": "auto", "hexColor": "",
        "isDefaultCalendar": calendar.default, "changeKey": "nfZyf7VcrEKLNoU37KWlkQAAA0x0+w==",
        "canShare": calendar.default, "canViewPrivateItems": True, "canEdit": calendar.editable,
        "allowedOnlineMeetingProviders": [TEAMS] if work else [],
        "defaultOnlineMeetingProvider": TEAMS if work else "unknown",
        "isTallyingResponses": calendar.default, "isRemovable": not calendar.default,
        "owner": {"name": mailbox.account.name, "address": mailbox.account.email}, **UNANNOUNCED}


def show_person(account: Account) -> dict[str, Any]:
    given, _, family = account.name.partition(" ")
    return {"businessPhones": [], "displayName": account.name, "givenName": given or None,
            "jobTitle": None, "mail": account.email if account.kind == "work" else None,
            "mobilePhone": None, "officeLocation": None, "preferredLanguage": None,
            "surname": family or None, "userPrincipalName": account.email,
            "id": user_id(account)}
