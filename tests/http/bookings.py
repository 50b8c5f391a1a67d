"""What the tests of the events endpoints share: an instructor at each provider, and how what
stands in a calendar is told in one way, whosever it is.

A client application holds an API key and names the instructor in a header, as the seed does.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Callable
from urllib.parse import quote, urlencode

from consent import Browser
from flows import ABSENT, CALLBACK, confirm, cookies, new_key
from links import led_to, link_of, press

EVENTS = "/api/calendars/events"
TEACHER = "instructor-123"
ACCOUNT = "host@example.com"
STUDENT = "john@example.org"
GUESTS = ("ana@example.org", STUDENT)


@dataclass(frozen=True)
class Side:
    """One provider as these tests have to know it; views are of the sandbox's own events."""

    name: str
    hands: str              # what the sandbox calls it
    api: str                # a pattern of its calendar API's paths
    made: str               # and of those where events are made
    mails_always: bool
    id_of: Callable
    title: Callable
    guests: Callable        # {address: answer, in Google's words}
    start: Callable         # an instant, as text
    gone: Callable
    renamed: Callable       # a person's change by hand
    moved: Callable


GOOGLE = Side(
    name="google", hands="google", api="^/google/calendar/v3/", made="/events$",
    mails_always=False,
    id_of=lambda event: event["id"],
    title=lambda event: event["summary"],
    guests=lambda event: {one["email"]: one["responseStatus"]
                          for one in event.get("attendees", [])},
    start=lambda event: event["start"]["dateTime"],
    gone=lambda event: event["status"] == "cancelled",
    renamed=lambda title: {"summary": title},
    moved=lambda start, end: {"start": {"dateTime": start}, "end": {"dateTime": end}})

ANSWERS = {"none": "needsAction", "notResponded": "needsAction", "accepted": "accepted",
           "declined": "declined", "tentativelyAccepted": "tentative"}


def graph_time(text):
    return {"dateTime": text.removesuffix("Z"), "timeZone": "UTC"}


OUTLOOK = Side(
    name="outlook", hands="microsoft", api="^/microsoft/v1.0/", made="/events$",
    mails_always=True,
    id_of=lambda event: event["sandbox"]["immutableId"],
    title=lambda event: event["subject"],
    guests=lambda event: {one["emailAddress"]["address"]: ANSWERS[one["status"]["response"]]
                          for one in event.get("attendees", [])},
    start=lambda event: event["start"]["dateTime"],
    gone=lambda event: event["sandbox"]["deleted"],
    renamed=lambda title: {"subject": title},
    moved=lambda start, end: {"start": graph_time(start), "end": graph_time(end)})

SIDES = {side.name: side for side in (GOOGLE, OUTLOOK)}
PROVIDERS = ("google", "outlook")


def wanted(**changes):
    """The seed's booking with some fields changed."""
    body = {"summary": "Private Lesson with John Doe", "description": "Beginner session",
            "startTime": "2031-05-06T14:00:00Z", "endTime": "2031-05-06T15:00:00Z",
            "attendees": [{"email": STUDENT, "displayName": "John Doe"}],
            "sendNotifications": True, **changes}
    return {name: value for name, value in body.items() if value is not ABSENT}


def people(*addresses):
    return [{"email": one} for one in addresses]


def connect_to(stack, headers, owner, account, side):
    """The owner connects an account's calendar, all the way."""
    start = stack.request("GET", f"/api/calendar-integration/connect/{side.name}/{owner}",
                          headers={**headers, "Accept": "text/html"})
    assert start.status == 302, (start.status, start.text)
    cookie = cookies(start)
    back = stack.sandbox.approve(start.headers["Location"], account, provider=side.hands)
    end = stack.public.follow(back, headers={"Cookie": cookie, "Accept": "text/html"})
    if end.status == 200:
        end = confirm(stack, end, cookie)
    assert end.status == 302 and "calendar=connected" in end.headers["Location"], (
        end.status, end.headers.get("Location"), end.text)
    assert CALLBACK in back


class Client:
    """A client application that speaks for one owner."""

    def __init__(self, stack, key, owner=TEACHER):
        self.stack, self.key, self.owner = stack, key, owner
        self.headers = {**key, "x-instructor-id": owner}

    def request(self, method, event_id="", *, query="", headers=None, **options):
        path = EVENTS + (f"/{event_id}" if event_id else "") + (f"?{query}" if query else "")
        return self.stack.request(method, path, headers={**self.headers, **(headers or {})},
                                  **options)

    def create(self, key=None, *, headers=None, source=None, **changes):
        sent = {**(headers or {}), **({"Idempotency-Key": key} if key else {})}
        return self.request("POST", data=wanted(**changes), headers=sent, source=source)

    def made(self, **changes):
        """The event of a booking that is made now."""
        answer = self.create(**changes)
        assert answer.status == 201, (answer.status, answer.text)
        return answer.json

    def get(self, event_id):
        return self.request("GET", event_id)

    def change(self, event_id, **fields):
        return self.request("PATCH", event_id, data=fields)

    def remove(self, event_id, query=""):
        return self.request("DELETE", event_id, query=query)

    def list(self, **query):
        return self.request("GET", query=urlencode(query))


class Teacher(Client):
    """One whose calendar is connected, and what stands in it."""

    def __init__(self, stack, key, side, owner=TEACHER, account=ACCOUNT):
        super().__init__(stack, key, owner)
        self.side, self.account = side, account

    def hands(self, what, *args, **options):
        """What a person, or a guest, does by hand in the calendar."""
        return getattr(self.stack.sandbox, what)(self.account, *args, provider=self.side.hands,
                                                 **options)

    def events(self):
        return [one for one in self.hands("events") if not self.side.gone(one)]

    def standing(self):
        """The one event that stands, as the sandbox has it."""
        events = self.events()
        assert len(events) == 1, [self.side.title(one) for one in events]
        return events[0]

    def guests(self):
        return self.side.guests(self.standing())

    def provider_id(self):
        return self.side.id_of(self.standing())

    def mails(self):
        """How often each guest was told what, by (address, kind)."""
        return Counter((one["to"], one["kind"]) for one in self.stack.sandbox.mail(
            account=self.account))

    def calls(self, method="", **query):
        """What was asked of the calendar API."""
        return self.stack.sandbox.requests(self.side.api, method=method or None, **query)

    def writes(self):
        return [one for one in self.calls() if one["method"] != "GET"]

    def connection_id(self):
        row, = self.stack.sql(
            "SELECT LOWER(HEX(c.id)) AS id FROM coach_calendar_connections c JOIN owners o "
            "ON o.id = c.owner_id WHERE o.external_id = %s AND c.provider = %s",
            (self.owner, self.side.name))
        return base32hex(int(row["id"], 16))


def base32hex(number):
    """An id of ours as text: 128 bits, the last letter's lowest two are none of them."""
    letters = "0123456789abcdefghijklmnopqrstuv"
    number <<= 2
    return "".join(letters[number >> 5 * at & 31] for at in reversed(range(26)))


def teacher_at(stack, bearer, provider, owner=TEACHER, account=ACCOUNT, key=None):
    """An instructor of the default tenant with a connected calendar."""
    side = SIDES[provider]
    connect_to(stack, bearer(owner), owner, account, side)
    stack.sandbox.reset()
    return Teacher(stack, key or new_key(stack), side, owner, account)


def teacher_of(stack, tenant, provider, owner=TEACHER, account=ACCOUNT):
    """One of another client application, who connects by the link that a booking is answered with.
    """
    side, key = SIDES[provider], new_key(stack, tenant=tenant)
    teacher, browser = Teacher(stack, key, side, owner, account), Browser(stack)
    url = led_to(press(browser, link_of(stack, teacher.create()), provider))
    end = browser.come_back(stack.sandbox.approve(url, account, provider=side.hands))
    if end.status == 200:
        end = browser.decide(end, "yes")
    assert end.status == 302 and "calendar=connected" in end.headers["Location"], end.text
    stack.sandbox.reset()
    return teacher


def rows(stack):
    return stack.sql("SELECT HEX(id) AS id, origin, state, event_ref, provider_event_id, event, "
                     "answer, answered, attempt, replay_key, calendar_id "
                     "FROM calendar_event_mappings ORDER BY created_at, id")


def in_path(text):
    return quote(text, safe="")


def check_once(teacher, answer, guests=(STUDENT,)):
    """One event, told as the answer tells it, one row, one invitation to each guest."""
    assert answer.status == 201, (answer.status, answer.text)
    told, standing = answer.json, teacher.standing()
    row, = rows(teacher.stack)
    assert (row["state"], row["answered"]) == ("placed", 1)
    assert told["id"] == row["event_ref"]
    assert told["providerEventId"] == row["provider_event_id"] == teacher.side.id_of(standing)
    assert teacher.mails() == {(guest, "invite"): 1 for guest in guests}


def without_request_id(answer):
    """Status and body of an answer but for the request's id."""
    return answer.status, {name: value for name, value in answer.json.items()
                           if name != "requestId"}
