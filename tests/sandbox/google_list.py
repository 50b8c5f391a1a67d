"""events.list: filters, order, pages and sync tokens."""

from datetime import datetime
from typing import Any

from .google_errors import Refused, bad_parameter, invalid
from .google_recurrence import instance_id, instances
from .google_store import Calendar, Event
from .google_times import instant_of, parse_rfc3339, show_moment
from .paging import BadToken, Query, fingerprint, make_token, read_token

NOT_WITH_SYNC = ("iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty",
                 "timeMin", "timeMax", "updatedMin")
UPDATED_MIN_DAYS = 28


def read_param(kind: str, text: str, name: str) -> dict[str, Any]:
    """What a token given as parameter ``name`` says."""
    try:
        return read_token(kind, text)
    except BadToken as error:
        raise bad_parameter(name, f"Invalid {name} value.") from error


def moment_param(query: Query, name: str) -> datetime | None:
    """timeMin, timeMax, updatedMin: RFC 3339 with an offset; fractions are ignored."""
    if name not in query:
        return None
    at = parse_rfc3339(query[name][0])
    if at is None:
        raise bad_parameter(name, f"Invalid value for: Invalid format: \"{query[name][0]}\"")
    return at


class Listing:
    """One events.list call on one calendar."""

    def __init__(self, calendar: Calendar, query: Query) -> None:
        self.calendar = calendar
        self.query = query
        self.zone = query.get("timeZone", [calendar.zone])[0]
        self.single = self.flag("singleEvents")
        self.time_min = moment_param(query, "timeMin")
        self.time_max = moment_param(query, "timeMax")
        self.updated_min = moment_param(query, "updatedMin")
        self.max_attendees = int(query.get("maxAttendees", ["0"])[0])
        self.since = -1

    def flag(self, name: str) -> bool:
        return self.query.get(name) == ["true"]

    def check(self) -> None:
        """The combinations that Google refuses."""
        query = self.query
        if query.get("orderBy") == ["startTime"] and not self.single:
            raise invalid("The requested ordering is not available for the particular query.")
        if self.time_min and self.time_max and self.time_max <= self.time_min:
            raise Refused(400, "timeRangeEmpty", "The specified time range is empty.")
        if self.updated_min:
            age = self.calendar.world.clock.now() - self.updated_min.timestamp()
            if age > UPDATED_MIN_DAYS * 86400:
                raise Refused(410, "updatedMinTooLongAgo",
                              "The requested minimum modification time lies too far in the past.",
                              ("parameter", "updatedMin"))
        if "syncToken" in query:
            self.check_sync(query["syncToken"][0])

    def check_sync(self, text: str) -> None:
        for name in NOT_WITH_SYNC:
            if name in self.query:
                raise invalid(f"Sync token cannot be used with {name}.")
        if self.query.get("showDeleted") == ["false"]:
            raise invalid("Sync token cannot be used with showDeleted=false.")
        facts = read_param("sync", text, "syncToken")
        if facts["epoch"] != self.calendar.sync_epoch:
            raise Refused(410, "fullSyncRequired",
                          "Sync token is no longer valid, a full sync is required.",
                          ("parameter", "syncToken"))
        if facts["query"] != self.sync_print():
            raise invalid("Sync token was made by another query.")
        self.since = facts["rev"]

    def sync_print(self) -> str:
        return fingerprint(self.query, ("pageToken", "syncToken", "maxResults", "showDeleted",
                                        "fields", "prettyPrint", *NOT_WITH_SYNC))

    def expanded(self) -> list[tuple[Event, dict[str, Any]]]:
        """Events, or the instances of series, each with the members that are its own."""
        found: list[tuple[Event, dict[str, Any]]] = []
        for event in self.calendar.events.values():
            if not self.single or "recurrence" not in event.members:
                found.append((event, {}))
                continue
            for start, end in instances(event.members, self.calendar.zone):
                found.append((event, {"start": start, "end": end}))
        return found

    def wanted(self, event: Event, own: dict[str, Any]) -> bool:
        members = {**event.members, **own}
        deleted_too = (self.flag("showDeleted") or self.since >= 0
                       or self.updated_min is not None)
        if event.rev <= self.since or (event.cancelled and not deleted_too):
            return False
        if self.updated_min and event.updated < self.updated_min.timestamp():
            return False
        zone = self.calendar.zone
        if self.time_max and instant_of(members["start"], zone) >= self.time_max:
            return False
        if self.time_min and not self.ends_after(self.time_min, event, own):
            return False
        return self.matches(event)

    def ends_after(self, bound: datetime, event: Event, own: dict[str, Any]) -> bool:
        """Whether the event, or any instance of an unexpanded series, ends after the bound."""
        zone = self.calendar.zone
        ends = [own.get("end", event.members["end"])]
        if "recurrence" in event.members and not own:
            ends = [end for _, end in instances(event.members, zone)]
        return any(instant_of(end, zone) > bound for end in ends)

    def matches(self, event: Event) -> bool:
        """The filters on content."""
        members = event.members
        for name, side in (("privateExtendedProperty", "private"),
                           ("sharedExtendedProperty", "shared")):
            own = members.get("extendedProperties", {}).get(side, {})
            for pair in self.query.get(name, []):
                key, _, value = pair.partition("=")
                if own.get(key) != value:
                    return False
        if self.query.get("iCalUID", [event.ical_uid]) != [event.ical_uid]:
            return False
        words = " ".join([*(str(members.get(name, "")) for name in
                            ("summary", "description", "location")),
                          *(f"{one['email']} {one.get('displayName', '')}"
                            for one in members.get("attendees", []))]).lower()
        return all(word in words for word in self.query.get("q", [""])[0].lower().split())

    def ordered(self) -> list[tuple[Event, dict[str, Any]]]:
        found = [(event, own) for event, own in self.expanded() if self.wanted(event, own)]
        order = self.query.get("orderBy", [""])[0]
        if order == "startTime":
            found.sort(key=lambda one: instant_of(one[1].get("start", one[0].members["start"]),
                                                  self.calendar.zone))
        elif order == "updated":
            found.sort(key=lambda one: one[0].updated)
        return found

    def item(self, event: Event, own: dict[str, Any]) -> dict[str, Any]:
        shown = self.calendar.show(event, self.zone, self.max_attendees)
        if own:
            start = show_moment(own["start"], self.zone)
            shown.pop("recurrence", None)
            shown.update(id=instance_id(event.id, own["start"]), recurringEventId=event.id,
                         originalStartTime=start, start=start,
                         end=show_moment(own["end"], self.zone))
        return shown

    def answer(self) -> dict[str, Any]:
        """One page. With the switch ``short_pages`` pages are short, the first one empty."""
        self.check()
        found = self.ordered()
        mark = fingerprint(self.query, ("pageToken", "fields", "prettyPrint"))
        size = min(int(self.query.get("maxResults", ["250"])[0]), 2500)
        at, rev = 0, self.calendar.rev
        if "pageToken" in self.query:
            facts = read_param("page", self.query["pageToken"][0], "pageToken")
            if facts["query"] != mark:
                raise bad_parameter("pageToken", "Invalid pageToken value.")
            at, rev = facts["at"], facts["rev"]
        if self.calendar.world.settings["short_pages"]:
            size = 0 if "pageToken" not in self.query else max(1, size // 2)
        page = found[at:at + size]
        answer: dict[str, Any] = {
            "kind": "calendar#events", "etag": f'"p{self.calendar.rev}"',
            "summary": self.calendar.account.email, "description": "",
            "timeZone": self.zone, "accessRole": "owner",
            "defaultReminders": self.calendar.account.default_reminders,
            "unannouncedMember": None,
            "items": [self.item(event, own) for event, own in page]}
        if at + size < len(found):
            answer["nextPageToken"] = make_token("page", at=at + size, rev=rev, query=mark)
        elif "orderBy" not in self.query:
            answer["nextSyncToken"] = make_token("sync", rev=rev, query=self.sync_print(),
                                                 epoch=self.calendar.sync_epoch)
        return answer
