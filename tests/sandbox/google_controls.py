"""What tests may do to Google: click for a person, edit calendars by hand, end tokens.

    POST   /control/google/approve                {"authorize_url", "account", "allow",
                                                   "calendar", "scopes"} -> {"location"}
    POST   /control/google/expire_access_tokens   {"account"} or {} for all
    POST   /control/google/expire_sync_tokens     {"account"}
    POST   /control/google/revoke_grant           {"account", "client_id"}
    GET    /control/google/grants
    GET    /control/google/events/{account}
    POST   /control/google/events/{account}       an event, made by hand
    PATCH  /control/google/events/{account}/{id}  a merge patch, made by hand
    DELETE /control/google/events/{account}/{id}  ?purge=1 forgets it altogether
    POST   /control/google/events/{account}/{id}/guests    {"email"}
    POST   /control/google/events/{account}/{id}/respond   {"email", "responseStatus"}

Changes by hand send no mail unless ``?sendUpdates=`` says so; adding a guest does.
"""

from typing import Any, Awaitable, Callable
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from .google_calendar import CalendarApi
from .google_consent import CALENDAR, Consent, PageError
from .google_errors import Refused, api_error
from .google_grants import Grants
from .google_store import Calendar, Event
from .wire import json_answer
from .world import BadSetting, World

AUTHORIZE_PATH = "/o/oauth2/v2/auth"


def told(handler: Callable[[web.Request], Awaitable[web.Response]]) -> Callable[..., Any]:
    """A control whose refusals are told as the API tells them."""
    async def handle(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except Refused as error:
            return api_error(error.status, error.reason, error.message, error.where)
    return handle


def send_of(request: web.Request) -> str:
    return request.query.get("sendUpdates", "none")


class GoogleControls:
    """The routes under /control/google/."""

    def __init__(self, world: World, grants: Grants, consent: Consent, api: CalendarApi) -> None:
        self.world = world
        self.grants = grants
        self.consent = consent
        self.api = api

    def add_routes(self, router: web.UrlDispatcher) -> None:
        base = "/control/google"
        router.add_post(base + "/approve", self.approve)
        router.add_post(base + "/expire_access_tokens", self.expire_access)
        router.add_post(base + "/expire_sync_tokens", self.expire_sync)
        router.add_post(base + "/revoke_grant", self.revoke_grant)
        router.add_get(base + "/grants", self.show_grants)
        events = base + "/events/{account}"
        event = events + "/{event}"
        router.add_get(events, self.show_events)
        router.add_post(events, told(self.add_event))
        router.add_patch(event, told(self.edit_event))
        router.add_delete(event, told(self.delete_event))
        router.add_post(event + "/guests", told(self.add_guest))
        router.add_post(event + "/respond", told(self.respond))

    def calendar(self, email: str) -> Calendar:
        account = self.world.account(email)
        if account is None:
            raise BadSetting(f"unknown account: {email}")
        return self.api.calendar(account)

    def chosen(self, request: web.Request) -> tuple[Calendar, Event]:
        calendar = self.calendar(request.match_info["account"])
        return calendar, calendar.get(request.match_info["event"])

    async def approve(self, request: web.Request) -> web.Response:
        """What a person would click on the consent page of this authorize URL.

        ``scopes`` names the boxes left ticked; without it ``calendar`` ticks all or none.
        Answers where the browser would go, or 400 with the error that Google's page names.
        """
        wanted = await request.json()
        url = urlsplit(wanted["authorize_url"])
        if not url.path.endswith(AUTHORIZE_PATH):
            raise BadSetting(f"not an authorize URL of this sandbox: {url.path}")
        try:
            asked = self.consent.check(parse_qsl(url.query, keep_blank_values=True))
        except PageError as error:
            return json_answer({"error": error.code, "error_description": error.detail}, 400)
        if not wanted.get("allow", True):
            return json_answer({"location": self.consent.denied(asked)})
        account = self.calendar(wanted["account"]).account
        ticked = set(wanted.get("scopes", CALENDAR if wanted.get("calendar", True) else ()))
        return json_answer({"location": self.consent.allowed(asked, account, ticked)})

    async def expire_access(self, request: web.Request) -> web.Response:
        email = (await request.json()).get("account", "")
        sub = self.calendar(email).account.sub if email else ""
        return json_answer({"expired": self.grants.expire_access(sub)})

    async def expire_sync(self, request: web.Request) -> web.Response:
        self.calendar((await request.json())["account"]).sync_epoch += 1
        self.world.on_change()
        return json_answer({})

    async def revoke_grant(self, request: web.Request) -> web.Response:
        """As if the person had removed the application's access, or that of all of them."""
        wanted = await request.json()
        sub = self.calendar(wanted["account"]).account.sub
        projects = {one.project for one in self.world.clients.values()
                    if wanted.get("client_id") in (None, one.client_id)}
        return json_answer({"revoked": sum(self.grants.revoke(sub, one) for one in projects)})

    async def show_grants(self, _request: web.Request) -> web.Response:
        return json_answer(self.grants.dump())

    async def show_events(self, request: web.Request) -> web.Response:
        calendar = self.calendar(request.match_info["account"])
        return json_answer({"events": [calendar.show(one) for one in calendar.events.values()]})

    async def add_event(self, request: web.Request) -> web.Response:
        calendar = self.calendar(request.match_info["account"])
        return json_answer(calendar.show(calendar.insert(await request.json(), send_of(request))))

    async def edit_event(self, request: web.Request) -> web.Response:
        calendar, event = self.chosen(request)
        body = await request.json()
        return json_answer(calendar.show(calendar.patch(event, body, send_of(request))))

    async def delete_event(self, request: web.Request) -> web.Response:
        calendar, event = self.chosen(request)
        if request.query.get("purge"):
            del calendar.events[event.id]
            calendar.changed()
        else:
            calendar.delete(event, send_of(request))
        return json_answer({})

    async def add_guest(self, request: web.Request) -> web.Response:
        calendar, event = self.chosen(request)
        calendar.invite(event, (await request.json())["email"])
        return json_answer(calendar.show(event))

    async def respond(self, request: web.Request) -> web.Response:
        calendar, event = self.chosen(request)
        wanted = await request.json()
        calendar.respond(event, wanted["email"], wanted.get("responseStatus", "accepted"))
        return json_answer(calendar.show(event))
