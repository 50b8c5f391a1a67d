"""Graph v1.0 over HTTP: who may call, which preferences and options, which body, which answer."""

import json
import re
import uuid
from typing import Any, Awaitable, Callable

from aiohttp import hdrs, web

from .grants import AccessToken
from .microsoft_errors import (GRAPH_TYPE, GraphRefused, bad_query, bad_value, graph_error,
                               graph_headers, invalid)
from .microsoft_oauth import MicrosoftOAuth
from .microsoft_query import (ITEM_OPTIONS, LIST_OPTIONS, PAGE_OPTIONS, Options, page_of,
                              read_options)
from .microsoft_show import read_view, show_calendar, show_event, show_person
from .microsoft_store import Event, Mailbox
from .microsoft_times import instant_of
from .paging import Query
from .wire import bearer, json_answer
from .world import Account, World

BASE = "/microsoft/v1.0"
WRITERS = {"Calendars.ReadWrite"}
READERS = {"Calendars.ReadWrite", "Calendars.Read"}
PEOPLE = {"User.Read"}


class Call:
    """One authorized call on a mailbox, its preferences and query read."""

    def __init__(self, request: web.Request, mailbox: Mailbox) -> None:
        self.request = request
        self.mailbox = mailbox
        self.headers = request["seen"].headers
        self.view = read_view(self.headers.get("prefer", ""), mailbox)
        self.query: Query = {}
        for name, value in request.query.items():
            self.query.setdefault(name, []).append(value)
        # as it came: elsewhere a space and a plus are the same by now
        self.path, _, text = request.raw_path.partition("?")
        if "+" in text:
            mailbox.note("plus_in_query", query=text)

    def options(self, allowed: set[str]) -> Options:
        return read_options(self.query, allowed, self.mailbox.note, self.view.page)

    async def body(self) -> dict[str, Any]:
        """The request's JSON object."""
        if self.request.content_type != "application/json":
            raise bad_query("Write requests (excluding DELETE) must contain the Content-Type "
                            "header declaration.")

        def refuse_constant(word: str) -> None:
            raise ValueError(word)

        try:
            value = json.loads((await self.request.read()).decode("utf-8"),
                               parse_constant=refuse_constant)
        except (ValueError, RecursionError) as error:
            raise bad_query("Unable to read JSON request payload. Please ensure Content-Type "
                            "header is set and payload is of valid JSON format.") from error
        if not isinstance(value, dict):
            raise bad_value("The request body is not an object.")
        return value

    def event(self) -> Event:
        event_id = self.request.match_info["event"]
        event = self.mailbox.find(event_id)
        if event_id == event.immutable and not self.view.immutable:
            self.mailbox.note("immutable_id_without_preference", path=self.request.path)
        return event

    def check_match(self, event: Event) -> None:
        """If-Match: the etag as it came, or the event has changed meanwhile."""
        wanted = self.headers.get("if-match")
        if wanted is None or wanted.strip() == "*":
            return
        if not re.fullmatch(r'W/"[^"]*"', wanted.strip()):
            self.mailbox.note("unquoted_etag", header=wanted)
        if wanted.strip() != self.mailbox.etag(event):
            raise GraphRefused(412, "ErrorIrresolvableConflict",
                               "The send or update operation could not be performed because the "
                               "change key passed in the request does not match the current "
                               "change key for the item.")

    def answer(self, value: dict[str, Any] | None, status: int = 200) -> web.Response:
        headers = {hdrs.CONTENT_TYPE: GRAPH_TYPE, "OData-Version": "4.0",
                   **graph_headers(self.headers, str(uuid.uuid4()))}
        if self.view.applied:
            headers["Preference-Applied"] = self.view.applied
        if value is None:
            del headers[hdrs.CONTENT_TYPE]
            return web.Response(status=status, headers=headers)
        if "@odata.etag" in value:
            headers[hdrs.ETAG] = value["@odata.etag"]
        return json_answer(value, status, headers, pretty=False)

    def context(self, what: str) -> dict[str, str]:
        return {"@odata.context": f"{self.mailbox.world.base}{BASE}/$metadata#{what}"}

    def shown(self, event: Event, options: Options) -> dict[str, Any]:
        value = options.chosen(show_event(self.mailbox, event, self.view))
        if options.expand in event.properties:
            value["singleValueExtendedProperties"] = [
                {"id": options.expand, "value": event.properties[options.expand]}]
        return value

    def show(self, event: Event, status: int = 200) -> web.Response:
        value = self.shown(event, self.options(ITEM_OPTIONS))
        return self.answer({**self.context("users('me')/events/$entity"), **value}, status)

    def page(self, what: str, found: list[Any], show: Callable[[Any], dict[str, Any]],
             top: int) -> web.Response:
        """A collection; the link to the next page is to be followed as it stands."""
        short = self.mailbox.world.settings["short_pages"]
        page, following = page_of(found, self.query, top, short)
        value: dict[str, Any] = {**self.context(what), "value": [show(one) for one in page]}
        if following is not None:
            value["@odata.nextLink"] = f"{self.mailbox.world.base}{self.path}?{following}"
        return self.answer(value)


async def person(call: Call) -> web.Response:
    options = call.options({"$select"})
    value = options.chosen(show_person(call.mailbox.account))
    return call.answer({**call.context("users/$entity"), **value})


async def calendar(call: Call) -> web.Response:
    found = call.mailbox.calendar(call.request.match_info.get("calendar", ""))
    value = call.options({"$select"}).chosen(show_calendar(call.mailbox, found))
    return call.answer({**call.context("users('me')/calendars/$entity"), **value})


async def calendars(call: Call) -> web.Response:
    options = call.options(PAGE_OPTIONS)
    return call.page("users('me')/calendars", list(call.mailbox.calendars.values()),
                     lambda one: options.chosen(show_calendar(call.mailbox, one)), options.top)


async def create(call: Call) -> web.Response:
    """201; a transactionId that is known already brings the event that it made."""
    body = await call.body()
    calendar_id = call.request.match_info.get("calendar", "")
    call.mailbox.calendar(calendar_id)
    known = call.mailbox.repeated(body)
    if known is not None:
        replay = call.mailbox.world.settings["transaction_replay"]
        return call.show(known, 200 if replay == "ok" else 201)
    if isinstance(body.get("organizer"), str):
        raise bad_value("The property 'organizer' has the wrong type.")
    return call.show(call.mailbox.insert(body, "all", calendar_id), 201)


async def get(call: Call) -> web.Response:
    return call.show(call.event())


async def patch(call: Call) -> web.Response:
    body = await call.body()
    event = call.event()
    call.check_match(event)
    return call.show(call.mailbox.patch(event, body, "all"))


async def delete(call: Call) -> web.Response:
    event = call.event()
    call.check_match(event)
    call.mailbox.delete(event, "all")
    return call.answer(None, 204)


async def cancel(call: Call) -> web.Response:
    """The organizer takes the meeting back, with a word to the guests."""
    body = await call.body() if await call.request.read() else {}
    event = call.event()
    if event.organizer != call.mailbox.account.email:
        raise invalid("You need to be an organizer to cancel a meeting.")
    comment = body.get("comment", body.get("Comment", ""))
    if not isinstance(comment, str):
        raise bad_value("Cannot convert the literal of 'comment' to the expected type "
                        "'Edm.String'.")
    call.mailbox.delete(event, "all", comment)
    return call.answer(None, 202)


async def list_events(call: Call) -> web.Response:
    """All events, or those of one calendar; in the order of the start if asked."""
    options = call.options(LIST_OPTIONS)
    calendar_id = call.request.match_info.get("calendar", "")
    if calendar_id or call.request.path.endswith("/calendar/events"):
        calendar_id = call.mailbox.calendar(calendar_id).id
    found = [one for one in call.mailbox.events.values()
             if not one.deleted and options.matches(one)
             and calendar_id in ("", one.calendar)]
    if options.order:
        found.sort(key=lambda one: instant_of(one.members["start"]),
                   reverse=options.order == "desc")
    return call.page("users('me')/events", found, lambda one: call.shown(one, options),
                     options.top)


class Graph:
    """The mailboxes of all accounts, and the routes to them."""

    def __init__(self, world: World, oauth: MicrosoftOAuth) -> None:
        self.world = world
        self.oauth = oauth
        self.mailboxes: dict[str, Mailbox] = {}

    def mailbox(self, account: Account) -> Mailbox:
        """The account's mailbox; it exists as soon as somebody looks."""
        if account.sub not in self.mailboxes:
            self.mailboxes[account.sub] = Mailbox(self.world, account)
        mailbox = self.mailboxes[account.sub]
        mailbox.account = account
        return mailbox

    def unauthorized(self, request: web.Request) -> GraphRefused:
        """401: nothing sent, nothing of ours, or run out."""
        text = bearer(request)
        message = ("Access token is empty." if text is None
                   else "Lifetime validation failed, the token is expired."
                   if text in self.oauth.grants.access
                   else "IDX14100: JWT is not well formed, there are no dots (.).")
        return GraphRefused(401, "InvalidAuthenticationToken", message)

    def check(self, request: web.Request, scopes: set[str]) -> tuple[AccessToken, Account]:
        who = self.oauth.signed_in(request)
        if who is None:
            raise self.unauthorized(request)
        if not scopes & set(who[0].scopes):
            if scopes is PEOPLE:
                raise GraphRefused(403, "Authorization_RequestDenied",
                                   "Insufficient privileges to complete the operation.")
            raise GraphRefused(403, "ErrorAccessDenied",
                               "Access is denied. Check credentials and try again.")
        return who

    def endpoint(self, scopes: set[str],
                 method: Callable[[Call], Awaitable[web.Response]]) -> Callable[..., Any]:
        """A route: token first, then its scopes, the preferences, the options, the body."""
        async def handle(request: web.Request) -> web.Response:
            try:
                _, account = self.check(request, scopes)
                return await method(Call(request, self.mailbox(account)))
            except GraphRefused as error:
                return graph_error(self.world, error.status, error.code, error.message,
                                   request["seen"].headers)
        return handle

    def add_routes(self, router: web.UrlDispatcher) -> None:
        me = BASE + "/me"
        router.add_get(me, self.endpoint(PEOPLE, person))
        router.add_get(me + "/calendar", self.endpoint(READERS, calendar))
        router.add_get(me + "/calendars", self.endpoint(READERS, calendars))
        router.add_get(me + "/calendars/{calendar}", self.endpoint(READERS, calendar))
        for events in (me + "/events", me + "/calendar/events",
                       me + "/calendars/{calendar}/events"):
            router.add_get(events, self.endpoint(READERS, list_events))
            router.add_post(events, self.endpoint(WRITERS, create))
        event = me + "/events/{event}"
        router.add_get(event, self.endpoint(READERS, get))
        router.add_patch(event, self.endpoint(WRITERS, patch))
        router.add_delete(event, self.endpoint(WRITERS, delete))
        router.add_post(event + "/cancel", self.endpoint(WRITERS, cancel))
