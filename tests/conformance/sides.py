"""In what the providers differ, and may: everything else is the same rule for all of them."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Side:
    """One provider, as the suite has to know it."""

    name: str                   # as we call it
    hands: str                  # as the sandbox's controls call it
    api: str                    # a pattern of the paths of its calendar API
    token: str                  # and of its token endpoint
    cannot: frozenset[str]      # the members that it does not have
    scope: str                  # without which there is no calendar
    ids_are_ours: bool          # an event's id is the one that we chose
    mails_always: bool          # guests hear of each change, whoever wants that
    tells_zone: bool            # an event is told in the zone in which it was put
    keeps_spaces: bool          # of a description; else lines alone
    patches: dict[str, Any] = field(default_factory=dict)   # what a person does by hand


def google_moved(start: str, end: str) -> dict[str, Any]:
    return {"start": {"dateTime": start, "date": None}, "end": {"dateTime": end, "date": None}}


GOOGLE = Side(
    name="google", hands="google", api="^/google/calendar/", token="^/google/token$",
    cannot=frozenset({"find"}), scope="https://www.googleapis.com/auth/calendar",
    ids_are_ours=True, mails_always=False, tells_zone=True, keeps_spaces=True,
    patches={
        "renamed": {"summary": "Renamed by hand"},
        "moved": google_moved("2031-05-06T20:00:00Z", "2031-05-06T21:00:00Z"),
        "made whole days": {"start": {"date": "2031-05-06", "dateTime": None},
                            "end": {"date": "2031-05-08", "dateTime": None}},
    })


def graph_moved(start: str, end: str, **more: Any) -> dict[str, Any]:
    return {"start": {"dateTime": start, "timeZone": "UTC"},
            "end": {"dateTime": end, "timeZone": "UTC"}, **more}


OUTLOOK = Side(
    name="outlook", hands="microsoft", api="^/microsoft/v1.0/",
    token="^/microsoft/[^/]+/oauth2/v2.0/token$", cannot=frozenset({"revoke"}),
    scope="Calendars.ReadWrite", ids_are_ours=False, mails_always=True, tells_zone=False,
    keeps_spaces=False,
    patches={
        "renamed": {"subject": "Renamed by hand"},
        "moved": graph_moved("2031-05-06T20:00:00", "2031-05-06T21:00:00"),
        "made whole days": graph_moved("2031-05-06T00:00:00", "2031-05-08T00:00:00",
                                       isAllDay=True),
    })

SIDES = (GOOGLE, OUTLOOK)
EVENT_CALLS = ("put", "change", "drop", "get", "find", "list")
