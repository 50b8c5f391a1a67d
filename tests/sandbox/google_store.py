"""The events that Google keeps for an account, their versions, and the mails to guests.

Imitated: ids stay taken for ever, also by deleted events; a deleted event is a cancelled one;
every change makes a new etag; guests hear of a change only if ``sendUpdates`` says so.
"""

import base64
import hashlib
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any

from .addresses import valid_address
from .google_errors import Refused, invalid
from .google_event import EVENT_ID, check_event, merge_patch
from .google_times import show_moment
from .pages import make_eid
from .world import Account, World

NOT_WORTH_A_MAIL = {"reminders", "extendedProperties", "attendees", "colorId", "source",
                    "transparency", "visibility"}


@dataclass
class Event:
    """One event. ``rev`` grows with every change in its calendar and gives the etag."""

    id: str
    ical_uid: str
    members: dict[str, Any]
    created: float
    updated: float
    rev: int
    sequence: int = 0
    asked: str = ""             # the name of the last request for a conference

    @property
    def etag(self) -> str:
        """A string that includes its quotes."""
        return f'"{3500000000000000 + 2 * self.rev}"'

    @property
    def cancelled(self) -> bool:
        return self.members["status"] == "cancelled"


def fresh_id() -> str:
    """An id as Google makes them: base32hex, lower case."""
    return base64.b32hexencode(secrets.token_bytes(20)).decode().lower()[:26]


def guests_of(members: dict[str, Any], account: Account) -> dict[str, dict[str, Any]]:
    """The guests who may get mail, by address in lower case: no rooms, not the owner."""
    return {one["email"].lower(): one for one in members.get("attendees", [])
            if not one.get("resource") and one["email"].lower() != account.email.lower()}


def request_of(members: dict[str, Any]) -> dict[str, Any]:
    """The request for a conference that an event carries, if any."""
    return members.get("conferenceData", {}).get("createRequest", {})


class Calendar:
    """The primary calendar of one account."""

    def __init__(self, world: World, account: Account) -> None:
        self.world = world
        self.account = account
        self.events: dict[str, Event] = {}
        self.rev = 0
        self.sync_epoch = 0         # sync tokens of an earlier epoch are no longer good

    @property
    def zone(self) -> str:
        return self.account.zone

    def note(self, kind: str, **facts: Any) -> None:
        self.world.violation(kind, account=self.account.email, **facts)

    def changed(self) -> int:
        self.rev += 1
        self.world.on_change()
        return self.rev

    def get(self, event_id: str) -> Event:
        event = self.events.get(event_id)
        if event is None:
            raise Refused(404, "notFound", "Not Found")
        if request_of(event.members).get("status", {}).get("statusCode") == "pending":
            self.end_request(event)
        return event

    def insert(self, body: dict[str, Any], send: str, conference: bool = False) -> Event:
        """Make an event; a given id must be well formed and never used before."""
        event_id = body.get("id")
        if event_id is not None and body.get("iCalUID") is not None:
            raise invalid("Only one of id and iCalUID may be given.")
        if event_id is None:
            event_id = fresh_id()
        elif not isinstance(event_id, str) or not EVENT_ID.fullmatch(event_id):
            raise invalid("Invalid resource id value.")
        members = check_event(body, self.zone, self.note)
        uid = members.pop("iCalUID", None) or f"{event_id}@google.com"
        if not conference:
            members.pop("conferenceData", None)
        if event_id in self.events or any(one.ical_uid == uid for one in self.events.values()):
            raise Refused(409, "duplicate", "The requested identifier already exists.")
        now = self.world.clock.now()
        event = Event(event_id, uid, members, now, now, self.changed(), body.get("sequence") or 0,
                      request_of(members).get("requestId", ""))
        self.events[event_id] = event
        self.tell_guests(event, {}, send)
        return event

    def replace(self, event: Event, body: dict[str, Any], send: str,
                conference: bool = False) -> Event:
        """PUT: what is missing goes back to its default."""
        if event.cancelled:
            raise Refused(403, "forbidden", "Forbidden")
        members = check_event(body, self.zone, self.note)
        members.pop("iCalUID", None)
        old = event.members
        if not conference:
            members.pop("conferenceData", None)
            if "conferenceData" in old:
                members["conferenceData"] = old["conferenceData"]
        self.hear_request(event, members)
        moved = any(old.get(name) != members.get(name) for name in ("start", "end", "recurrence"))
        given = body.get("sequence")
        if given is not None and (not isinstance(given, int) or given < event.sequence):
            raise invalid("Invalid sequence value. The specified sequence number is below the "
                          "current sequence number of the resource.")
        event.sequence = max(event.sequence + int(moved), given or 0)
        if {**old, "reminders": 0} != {**members, "reminders": 0}:
            event.updated = self.world.clock.now()
        if old != members:
            event.rev = self.changed()
        event.members = members
        self.tell_guests(event, old, send)
        return event

    def patch(self, event: Event, body: dict[str, Any], send: str,
              conference: bool = False) -> Event:
        """PATCH: merge, then check the whole."""
        merged = merge_patch({**event.members, "sequence": event.sequence}, body)
        if "sequence" not in body:
            merged.pop("sequence")
        return self.replace(event, merged, send, conference)

    def delete(self, event: Event, send: str) -> None:
        """Cancel; the second time it is gone already."""
        if event.cancelled:
            raise Refused(410, "deleted", "Resource has been deleted")
        old = event.members
        event.members = {**old, "status": "cancelled"}
        event.updated = self.world.clock.now()
        event.rev = self.changed()
        self.tell_guests(event, old, send)

    def purge(self, event: Event) -> None:
        """Forget that it ever was."""
        del self.events[event.id]
        self.changed()

    def respond(self, event: Event, email: str, answer: str) -> None:
        """A guest answers the invitation."""
        guests = [dict(one) for one in event.members.get("attendees", [])]
        chosen = [one for one in guests if one["email"].lower() == email.lower()]
        if not chosen or answer not in ("accepted", "declined", "tentative", "needsAction"):
            raise invalid("There is no such guest or answer.")
        chosen[0]["responseStatus"] = answer
        event.members = {**event.members, "attendees": guests}
        event.updated = self.world.clock.now()
        event.rev = self.changed()

    def invite(self, event: Event, email: str) -> None:
        """The owner adds a guest by hand."""
        if not valid_address(email):
            raise invalid("Invalid attendee email.")
        guests = [*event.members.get("attendees", []), {"email": email}]
        self.patch(event, {"attendees": guests}, "all")

    def tell_guests(self, event: Event, old: dict[str, Any], send: str) -> None:
        """Put into the outbox what guests get to read, each mail with its reason."""
        if send not in ("all", "externalOnly"):
            return
        gone = event.cancelled and old.get("status") != "cancelled"
        before = guests_of(old, self.account)
        after = {} if gone else guests_of(event.members, self.account)
        altered = any(old.get(name) != event.members.get(name)
                      for name in {*old, *event.members} - NOT_WORTH_A_MAIL)
        mails = [(one, "invite", "new guest") for key, one in after.items() if key not in before]
        mails += [(one, "cancel", "event cancelled" if gone else "guest removed")
                  for key, one in before.items() if key not in after]
        mails += [(one, "update", "event changed") for key, one in after.items()
                  if key in before and altered]
        for guest, kind, why in mails:
            if send == "externalOnly" and self.world.account(guest["email"]):
                continue
            self.world.post(self.account.email, guest["email"], kind, why=why, sendUpdates=send,
                            provider="google", eventId=event.id,
                            summary=event.members.get("summary", ""))

    def hear_request(self, event: Event, members: dict[str, Any]) -> None:
        """Another request makes another conference; the same one again makes none."""
        request = request_of(members)
        name = request.get("requestId", "")
        if not name or name == request_of(event.members).get("requestId"):
            return
        if name == event.asked:
            del members["conferenceData"]
            return
        event.asked = name
        members["conferenceData"] = {
            "createRequest": {**request, "status": {"statusCode": "pending"}}}

    def end_request(self, event: Event) -> None:
        """What was asked for is there the next time somebody looks, or as the switch says."""
        how = self.world.settings["conference_ends_as"]
        request = {**request_of(event.members), "status": {"statusCode": how}}
        if how == "pending":
            return
        data: dict[str, Any] = {"createRequest": request}
        if how == "success":
            code = hashlib.sha256(f"{event.id} {event.asked}".encode()).hexdigest()[:10]
            link = f"{self.world.base}/meet/{code}"
            data.update(conferenceId=code, conferenceSolution={
                "key": {"type": "hangoutsMeet"}, "name": "Google Meet"},
                entryPoints=[{"entryPointType": "video", "uri": link, "label": link}])
        event.members = {**event.members, "conferenceData": data}
        event.rev = self.changed()

    def show(self, event: Event, zone: str = "", max_attendees: int = 0) -> dict[str, Any]:
        """The event as the API tells it, times with the offset of ``zone``."""
        bare = {"kind": "calendar#event", "etag": event.etag, "id": event.id,
                "status": event.members["status"]}
        if event.cancelled and self.world.settings["cancelled_bare"]:
            return bare
        owner = {"email": self.account.email, "self": True}
        shown = {**bare,
                 "htmlLink": f"{self.world.base}/calendar/event?eid="
                             f"{make_eid(event.id, self.account.email)}",
                 "created": show_time(event.created, "000"), "updated": show_time(event.updated),
                 "creator": owner, "organizer": owner, **event.members,
                 "iCalUID": event.ical_uid, "sequence": event.sequence, "eventType": "default",
                 "unannouncedMember": {"since": "tomorrow", "list": [1, None]}}
        for name in ("start", "end"):
            shown[name] = show_moment(event.members[name], zone or self.zone)
        points = shown.get("conferenceData", {}).get("entryPoints")
        if points:
            shown["hangoutLink"] = points[0]["uri"]
        guests = [self.show_guest(one) for one in event.members.get("attendees", [])]
        if max_attendees and len(guests) > max_attendees:
            guests = [one for one in guests if one.get("self")]
            shown["attendeesOmitted"] = True
        shown.pop("attendees", None)
        return {**shown, "attendees": guests} if guests else shown

    def show_guest(self, guest: dict[str, Any]) -> dict[str, Any]:
        if guest["email"].lower() == self.account.email.lower():
            return {**guest, "organizer": True, "self": True}
        return guest

    def dump(self) -> dict[str, Any]:
        return {"rev": self.rev, "sync_epoch": self.sync_epoch,
                "events": [asdict(one) for one in self.events.values()]}

    def load(self, saved: dict[str, Any]) -> None:
        self.rev, self.sync_epoch = saved["rev"], saved["sync_epoch"]
        self.events = {one["id"]: Event(**one) for one in saved["events"]}


def show_time(seconds: float, millis: str = "") -> str:
    """RFC 3339 in UTC with milliseconds, or with those given."""
    at = datetime.fromtimestamp(seconds, timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + (millis or f"{at.microsecond // 1000:03d}") + "Z"
