"""The Calendar API v3 over HTTP: who may call, which parameters, which body, which answer."""

import json
import re
from typing import Any, Callable

from aiohttp import hdrs, web

from .google_errors import Refused, api_error, bad_parameter
from .google_fields import parse_fields, select
from .google_grants import AUTH
from .google_list import Listing
from .google_oauth import OAuth, unauthorized
from .google_store import Calendar, Event
from .wire import json_answer
from .world import ZONES, Account, World

WRITERS = {AUTH + name for name in (
    "calendar", "calendar.events", "calendar.events.owned", "calendar.app.created")}
READERS = WRITERS | {AUTH + name for name in (
    "calendar.readonly", "calendar.events.readonly", "calendar.events.owned.readonly",
    "calendar.events.freebusy", "calendar.events.public.readonly")}

BOOLEAN, INTEGER, TEXT, ZONE = "boolean", "integer", "text", "zone"
COMMON: dict[str, Any] = {"alt": ("json",), "fields": TEXT, "key": TEXT, "prettyPrint": BOOLEAN,
                          "quotaUser": TEXT, "userIp": TEXT}
MAILS: dict[str, Any] = {"sendUpdates": ("all", "externalOnly", "none"),
                         "sendNotifications": BOOLEAN}
WRITE: dict[str, Any] = {**COMMON, **MAILS, "conferenceDataVersion": ("0", "1"),
                         "maxAttendees": INTEGER, "supportsAttachments": BOOLEAN}
CHANGE: dict[str, Any] = {**WRITE, "alwaysIncludeEmail": BOOLEAN}
DELETE: dict[str, Any] = {**COMMON, **MAILS}
GET: dict[str, Any] = {**COMMON, "timeZone": ZONE, "maxAttendees": INTEGER,
                       "alwaysIncludeEmail": BOOLEAN}
LIST: dict[str, Any] = {
    **GET, "maxResults": INTEGER, "orderBy": ("startTime", "updated"), "pageToken": TEXT,
    "syncToken": TEXT, "q": TEXT, "iCalUID": TEXT, "showDeleted": BOOLEAN,
    "showHiddenInvitations": BOOLEAN, "singleEvents": BOOLEAN, "timeMin": TEXT, "timeMax": TEXT,
    "updatedMin": TEXT, "privateExtendedProperty": TEXT, "sharedExtendedProperty": TEXT,
    "eventTypes": ("birthday", "default", "focusTime", "fromGmail", "outOfOffice",
                   "workingLocation")}
REPEATED = ("privateExtendedProperty", "sharedExtendedProperty", "eventTypes")


def check_value(name: str, value: str, kind: Any) -> None:
    if kind == BOOLEAN:
        kind = ("true", "false")
    if isinstance(kind, tuple) and value not in kind:
        raise bad_parameter(name, f"Invalid string value: '{value}'. "
                                  f"Allowed values: [{', '.join(kind)}]")
    if kind == INTEGER and not re.fullmatch(r"[1-9]\d{0,8}", value, re.ASCII):
        raise bad_parameter(name, f"Invalid value '{value}'. Values must be within the range: "
                                  "[1, 2147483647]")
    if kind == ZONE and value not in ZONES:
        raise bad_parameter(name, f"Invalid value for: {name}")


class Call:
    """One call on one calendar, authorized and with checked parameters."""

    def __init__(self, request: web.Request, calendar: Calendar, allowed: dict[str, Any]) -> None:
        self.request = request
        self.calendar = calendar
        self.query: dict[str, list[str]] = {}
        for name, value in request.query.items():
            self.query.setdefault(name, []).append(value)
        for name, values in self.query.items():
            if name not in allowed:
                calendar.note("unknown_query_parameter", parameter=name, path=request.path)
                continue
            if len(values) > 1 and name not in REPEATED:
                raise bad_parameter(name, f"The parameter {name} may be given only once.")
            for value in values:
                check_value(name, value, allowed[name])

    def param(self, name: str, default: str = "") -> str:
        return self.query.get(name, [default])[0]

    @property
    def send(self) -> str:
        """Who gets mail: sendUpdates, or what its deprecated predecessor means."""
        if "sendNotifications" in self.query:
            self.calendar.note("deprecated_parameter", parameter="sendNotifications")
        old = "all" if self.param("sendNotifications") == "true" else "none"
        return self.param("sendUpdates", old)

    @property
    def conference(self) -> bool:
        return self.param("conferenceDataVersion") == "1"

    async def body(self) -> dict[str, Any]:
        """The request's JSON object."""
        request = self.request
        if request.content_type != "application/json":
            raise Refused(400, "badContent", f"Media type '{request.content_type}' is not "
                          "supported. Valid media types: [application/json]")

        def refuse_constant(word: str) -> None:
            raise ValueError(word)

        try:
            value = json.loads((await request.read()).decode("utf-8"),
                               parse_constant=refuse_constant)
        except (ValueError, RecursionError) as error:
            raise Refused(400, "parseError", "Parse Error") from error
        if not isinstance(value, dict):
            raise Refused(400, "parseError", "Parse Error")
        return value

    def event(self) -> Event:
        return self.calendar.get(self.request.match_info["event"])

    def check_match(self, event: Event) -> None:
        """If-Match: the etag with its quotes, or the event has changed meanwhile."""
        wanted = self.request.headers.get(hdrs.IF_MATCH)
        if wanted is None or wanted.strip() == "*":
            return
        etags = [one.strip() for one in wanted.split(",")]
        if any(not re.fullmatch(r'(W/)?"[^"]*"', one) for one in etags):
            self.calendar.note("unquoted_etag", header=wanted)
        if event.etag not in etags:
            raise Refused(412, "conditionNotMet", "Precondition Failed", ("header", "If-Match"))

    def answer(self, value: dict[str, Any]) -> web.Response:
        """A JSON answer, reduced to ``fields``; the etag of the resource is a header too."""
        headers = {hdrs.ETAG: value["etag"]} if "etag" in value else {}
        if "fields" in self.query:
            value = select(value, parse_fields(self.param("fields")))
        return json_answer(value, 200, headers, self.param("prettyPrint") != "false")

    def show(self, event: Event) -> web.Response:
        return self.answer(self.calendar.show(event, self.param("timeZone"),
                                              int(self.param("maxAttendees", "0"))))


async def insert(call: Call) -> web.Response:
    return call.show(call.calendar.insert(await call.body(), call.send, call.conference))


async def get(call: Call) -> web.Response:
    """Deleted events are found too; If-None-Match saves the body."""
    event = call.event()
    known = call.request.headers.get(hdrs.IF_NONE_MATCH, "")
    if event.etag in [one.strip() for one in known.split(",")]:
        return web.Response(status=304, headers={hdrs.ETAG: event.etag})
    return call.show(event)


async def update(call: Call) -> web.Response:
    body = await call.body()
    event = call.event()
    call.check_match(event)
    return call.show(call.calendar.replace(event, body, call.send, call.conference))


async def patch(call: Call) -> web.Response:
    body = await call.body()
    event = call.event()
    call.check_match(event)
    return call.show(call.calendar.patch(event, body, call.send, call.conference))


async def delete(call: Call) -> web.Response:
    event = call.event()
    call.check_match(event)
    call.calendar.delete(event, call.send)
    return web.Response(status=204)


async def list_events(call: Call) -> web.Response:
    return call.answer(Listing(call.calendar, call.query).answer())


class CalendarApi:
    """The calendars of all accounts, and the routes to them."""

    def __init__(self, world: World, oauth: OAuth) -> None:
        self.world = world
        self.oauth = oauth
        self.calendars: dict[str, Calendar] = {}

    def calendar(self, account: Account) -> Calendar:
        """The account's primary calendar; it exists as soon as somebody looks."""
        calendar = self.calendars.setdefault(account.sub, Calendar(self.world, account))
        calendar.account = account
        return calendar

    def find(self, account: Account, calendar_id: str) -> Calendar:
        """``primary`` or the account's address; other calendars are not found."""
        if calendar_id != "primary" and calendar_id.lower() != account.email.lower():
            raise Refused(404, "notFound", "Not Found")
        return self.calendar(account)

    def endpoint(self, scopes: set[str], allowed: dict[str, Any],
                 method: Callable[[Call], Any]) -> Callable[..., Any]:
        """A route: token first, then its scopes, the calendar, the parameters, the body."""
        async def handle(request: web.Request) -> web.Response:
            who = self.oauth.signed_in(request)
            if who is None:
                return unauthorized(request)
            access, account = who
            form = self.world.settings["envelope"]
            try:
                if not scopes & set(access.scopes):
                    raise Refused(403, "insufficientPermissions",
                                  "Request had insufficient authentication scopes.")
                calendar = self.find(account, request.match_info["calendar"])
                return await method(Call(request, calendar, allowed))
            except Refused as error:
                return api_error(error.status, error.reason, error.message, error.where, form)
        return handle

    def add_routes(self, router: web.UrlDispatcher, base: str) -> None:
        events = base + "/calendars/{calendar}/events"
        event = events + "/{event}"
        router.add_get(events, self.endpoint(READERS, LIST, list_events))
        router.add_post(events, self.endpoint(WRITERS, WRITE, insert))
        router.add_get(event, self.endpoint(READERS, GET, get))
        router.add_put(event, self.endpoint(WRITERS, CHANGE, update))
        router.add_patch(event, self.endpoint(WRITERS, CHANGE, patch))
        router.add_delete(event, self.endpoint(WRITERS, DELETE, delete))
