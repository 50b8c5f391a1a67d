"""The mailbox of one account: calendars, events, their versions, and the mails to guests.

Imitated: the server chooses the ids; the default id goes with the calendar, the immutable one
stays; every change makes a new change key; guests hear of all that concerns them, and nothing
can be said against it; a deleted event is gone.
"""

import secrets
from dataclasses import asdict, dataclass, field
from typing import Any

from .addresses import valid_address
from .microsoft_body import has_block, with_block
from .microsoft_errors import GraphRefused, invalid, not_found
from .microsoft_event import DEFAULTS, check_event
from .microsoft_ids import Ids, change_key, tenant_of
from .microsoft_times import check_moment, check_span
from .world import Account, BadSetting, World

TEAMS = "teamsForBusiness"
WORTH_A_MAIL = {"subject", "body", "start", "end", "isAllDay", "location", "attendees",
                "isOnlineMeeting"}
# The words of the controls, and those of Graph.
ANSWERS = {"accepted": "accepted", "declined": "declined", "tentative": "tentativelyAccepted",
           "needsAction": "notResponded"}


@dataclass
class Calendar:
    """One calendar of a mailbox; ``editable``: whether its person may write into it."""

    id: str
    name: str
    default: bool = False
    editable: bool = True


@dataclass
class Event:
    """One event. ``rev`` grows with every change in its mailbox and gives the change key."""

    id: str
    immutable: str
    calendar: str
    uid: str
    members: dict[str, Any]
    created: float
    updated: float
    rev: int
    organizer: str
    asked: dict[str, Any]   # the request that made it
    transaction: str = ""
    link: str = ""          # of the online meeting
    deleted: bool = False
    properties: dict[str, str] = field(default_factory=dict)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def guests(self) -> list[dict[str, Any]]:
        return self.members["attendees"]


class Mailbox:
    """All events of one account, by immutable id, the deleted ones too."""

    def __init__(self, world: World, account: Account) -> None:
        self.world = world
        self.account = account
        self.ids = Ids()
        self.rev = 0
        self.events: dict[str, Event] = {}
        self.by_id: dict[str, Event] = {}               # both ids
        self.by_transaction: dict[str, Event] = {}
        self.calendars: dict[str, Calendar] = {}
        self.add_calendar("Calendar", default=True)

    def note(self, kind: str, **facts: Any) -> None:
        self.world.violation(kind, account=self.account.email, **facts)

    def changed(self) -> int:
        self.rev += 1
        self.world.on_change()
        return self.rev

    def touch(self, event: Event) -> None:
        event.updated = self.world.clock.now()
        event.rev = self.changed()

    def key_of(self, event: Event) -> str:
        return change_key(event.immutable, event.rev)

    def etag(self, event: Event) -> str:
        return f'W/"{self.key_of(event)}"'

    def add_calendar(self, name: str, editable: bool = True, default: bool = False) -> Calendar:
        calendar = Calendar(self.ids.make("calendar"), name, default, editable)
        self.calendars[calendar.id] = calendar
        return calendar

    def calendar(self, calendar_id: str = "") -> Calendar:
        """By id; the default one without."""
        for one in self.calendars.values():
            if one.id == calendar_id or (one.default and not calendar_id):
                return one
        raise not_found()

    def named(self, name: str) -> Calendar:
        """For the controls: by id or name."""
        for one in self.calendars.values():
            if name in (one.id, one.name):
                return one
        raise BadSetting(f"{self.account.email} has no calendar {name}")

    def get(self, event_id: str) -> Event:
        """Any event by either id, also a deleted one."""
        event = self.by_id.get(event_id)
        if event is None:
            raise not_found()
        return event

    def keep(self, event: Event) -> None:
        self.events[event.immutable] = event
        self.by_id[event.immutable] = self.by_id[event.id] = event
        if event.transaction:
            self.by_transaction[event.transaction] = event

    def find(self, event_id: str) -> Event:
        """An event as Graph finds it: deleted ones by switch, and by their immutable id."""
        event = self.get(event_id)
        trash = self.world.settings["trash_found"] and event_id == event.immutable
        if event.deleted and not trash:
            raise not_found()
        return event

    def repeated(self, body: dict[str, Any]) -> Event | None:
        """The event that a transactionId has made before; 409 if the two differ."""
        wanted = body.get("transactionId")
        event = self.by_transaction.get(wanted) if isinstance(wanted, str) else None
        if event is not None and (event.deleted or event.asked != body
                                  or self.world.settings["transaction_replay"] == "conflict"):
            raise GraphRefused(
                409, "ErrorDuplicateTransactionId",
                "Your request can't be completed. The TransactionId specified in the request has "
                "already been used to create a different event.")
        return event

    def insert(self, body: dict[str, Any], send: str, calendar_id: str = "") -> Event:
        """Make an event. ``organizer``, from the controls alone, makes it somebody else's."""
        calendar = self.calendar(calendar_id)
        if not calendar.editable:
            raise GraphRefused(403, "ErrorAccessDenied",
                               "Access is denied. Check credentials and try again.")
        sent = check_event(body, self.note)
        members = {**DEFAULTS, **sent}
        for name in ("start", "end"):
            if body.get(name) is None:
                raise GraphRefused(400, "ErrorPropertyValidationFailure",
                                   f"The property {name} is required.")
            members[name] = check_moment(body[name], name.title(), members["isAllDay"])
        check_span(members["start"], members["end"])
        now = self.world.clock.now()
        organizer = body.get("organizer") if isinstance(body.get("organizer"), str) else ""
        event = Event(self.ids.make("default"), self.ids.make("immutable"), calendar.id,
                      "040000008200E00074C5B7101A82E008" + secrets.token_hex(40).upper(),
                      members, now, now, self.changed(), organizer or self.account.email,
                      body, members.pop("transactionId", ""),
                      properties=members.pop("singleValueExtendedProperties", {}))
        self.keep(event)
        self.set_meeting(event, members.pop("isOnlineMeeting", False),
                         members.pop("onlineMeetingProvider", "unknown"))
        self.tell_guests(event, [], send, True)
        return event

    def set_meeting(self, event: Event, wanted: bool, provider: str) -> None:
        """An online meeting begins, if the account may have one; it never ends this way."""
        if event.link or not wanted:
            if event.link and not wanted:
                self.note("online_meeting_unset", event=event.immutable)
            return
        if self.account.kind == "personal" or provider not in ("unknown", TEAMS):
            self.note("online_meeting_not_allowed", provider=provider)
            return
        event.link = (f"{self.world.base}/meetup-join/19%3ameeting_{secrets.token_urlsafe(36)}"
                      f"%40thread.v2/0?context=%7b%22Tid%22%3a%22{tenant_of(self.account)}%22%7d")
        event.members["body"] = with_block(event.members["body"], event.link)

    def patch(self, event: Event, body: dict[str, Any], send: str) -> Event:
        """What is not sent stays; guests are replaced whole, and those who stay keep their
        answers."""
        sent = check_event(body, self.note)
        if "transactionId" in body:
            raise invalid("ClientId/TransactionId is immutable and cannot be updated.")
        members = {**event.members, **sent}
        for name in ("start", "end"):
            if body.get(name) is not None:
                members[name] = check_moment(body[name], name.title(), members["isAllDay"])
        check_span(members["start"], members["end"])
        if ("day" in members["start"]) != members["isAllDay"]:
            raise invalid("The Event.Start property for an all-day event needs to be set to "
                          "midnight.")
        before = event.guests
        event.properties = {**event.properties, **members.pop("singleValueExtendedProperties", {})}
        meeting = members.pop("isOnlineMeeting", bool(event.link))
        provider = members.pop("onlineMeetingProvider", "unknown")
        event.members = members
        if event.link and "body" in sent and not has_block(sent["body"], event.link):
            event.link = ""
        else:
            self.set_meeting(event, meeting, provider)
        kept = {one["emailAddress"]["address"].lower() for one in event.guests}
        event.answers = {key: one for key, one in event.answers.items() if key in kept}
        self.touch(event)
        self.tell_guests(event, before, send, bool(WORTH_A_MAIL & set(body)))
        return event

    def delete(self, event: Event, send: str, comment: str = "") -> None:
        if event.deleted:
            self.purge(event)
            return
        before, event.deleted = event.guests, True
        self.touch(event)
        self.tell_guests(event, before, send, True, comment)

    def purge(self, event: Event) -> None:
        """Forget that it ever was."""
        del self.events[event.immutable], self.by_id[event.immutable], self.by_id[event.id]
        self.changed()

    def move(self, event: Event, calendar: Calendar) -> None:
        """A person drags it into another calendar: it gets another default id."""
        event.calendar = calendar.id
        del self.by_id[event.id]
        event.id = self.ids.make("default")
        self.by_id[event.id] = event
        self.touch(event)

    def invite(self, event: Event, email: str) -> None:
        """The owner adds a guest by hand, who alone gets a mail."""
        if not valid_address(email):
            raise invalid("At least one recipient isn't valid.")
        guest = {"type": "required", "emailAddress": {"name": email, "address": email}}
        before = event.guests
        event.members = {**event.members, "attendees": [*before, guest]}
        self.touch(event)
        self.tell_guests(event, before, "all", False)

    def respond(self, event: Event, email: str, answer: str) -> None:
        """A guest answers the invitation."""
        known = {one["emailAddress"]["address"].lower() for one in event.guests}
        if email.lower() not in known or answer not in ANSWERS:
            raise invalid("There is no such guest or answer.")
        event.answers[email.lower()] = {"response": ANSWERS[answer],
                                        "time": self.world.clock.now()}
        self.touch(event)

    def mailed(self, guests: list[dict[str, Any]]) -> dict[str, str]:
        """Who of them gets mail, by address in lower case: no rooms, not the owner."""
        addresses = [one["emailAddress"]["address"] for one in guests
                     if one["type"] != "resource"]
        return {one.lower(): one for one in addresses if one.lower() != self.account.email.lower()}

    def tell_guests(self, event: Event, old: list[dict[str, Any]], send: str, altered: bool,
                    comment: str = "") -> None:
        """Put into the outbox what guests get to read, each mail with its reason.

        ``send`` is "all" for whatever comes by Graph, which knows no other way.
        """
        if send != "all" or event.organizer != self.account.email:
            return
        before = self.mailed(old)
        after = {} if event.deleted else self.mailed(event.guests)
        mails = [(to, "invite", "new guest") for key, to in after.items() if key not in before]
        mails += [(to, "cancel", "event cancelled" if event.deleted else "guest removed")
                  for key, to in before.items() if key not in after]
        mails += [(to, "update", "event changed") for key, to in after.items()
                  if key in before and altered]
        for to, kind, why in mails:
            more = {"comment": comment} if comment else {}
            self.world.post(self.account.email, to, kind, why=why, provider="microsoft",
                            eventId=event.immutable, summary=event.members["subject"], **more)

    def dump(self) -> dict[str, Any]:
        return {"rev": self.rev, "calendars": [asdict(one) for one in self.calendars.values()],
                "events": [asdict(one) for one in self.events.values()]}

    def load(self, saved: dict[str, Any]) -> None:
        self.rev = saved["rev"]
        self.calendars = {one["id"]: Calendar(**one) for one in saved["calendars"]}
        for one in saved["events"]:
            self.keep(Event(**one))
