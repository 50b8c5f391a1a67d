"""What tests may do to a provider: click for a person, edit calendars by hand, end tokens.

Below ``/control/<provider>``, the same for each:

    POST   /approve                {"authorize_url", "account", "allow", "calendar", "scopes"}
                                   -> {"location"}
    POST   /expire_access_tokens   {"account"} or {} for all
    POST   /revoke_grant           {"account", "client_id"}
    GET    /grants
    GET    /events/{account}
    POST   /events/{account}       an event, made by hand
    PATCH  /events/{account}/{id}  changed by hand, in the provider's own form of a patch
    DELETE /events/{account}/{id}  ?purge=1 forgets it altogether
    POST   /events/{account}/{id}/guests    {"email"}
    POST   /events/{account}/{id}/respond   {"email", "responseStatus"}

Changes by hand send no mail unless ``?sendUpdates=all`` says so; adding a guest does.
"""

from typing import Any, Awaitable, Callable, Protocol
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from .consent import Consent, PageError
from .grants import Grants
from .wire import json_answer
from .world import Account, BadSetting, World

Handler = Callable[[web.Request], Awaitable[web.Response]]


class Shelf(Protocol):
    """The events of one account, as the hands of a person reach them."""

    account: Account
    events: dict[str, Any]

    def get(self, event_id: str) -> Any: ...

    def insert(self, body: dict[str, Any], send: str) -> Any: ...

    def patch(self, event: Any, body: dict[str, Any], send: str) -> Any: ...

    def delete(self, event: Any, send: str) -> None: ...

    def purge(self, event: Any) -> None: ...

    def invite(self, event: Any, email: str) -> None: ...

    def respond(self, event: Any, email: str, answer: str) -> None: ...


def send_of(request: web.Request) -> str:
    return request.query.get("sendUpdates", "none")


class Controls:
    """The routes under /control/<name>/. ``refused`` is how the provider's API says no."""

    name = ""
    refused: type[Exception] = Exception

    def __init__(self, world: World, grants: Grants, consent: Consent) -> None:
        self.world = world
        self.grants = grants
        self.consent = consent

    def shelf_of(self, account: Account) -> Shelf:
        raise NotImplementedError

    def refusal(self, error: Exception) -> web.Response:
        """A refusal as the API tells it."""
        raise NotImplementedError

    def show(self, shelf: Any, event: Any) -> dict[str, Any]:
        """An event for the test: as the API tells it, and what a test needs besides."""
        raise NotImplementedError

    def told(self, handler: Handler) -> Handler:
        """A control whose refusals are told as the API tells them."""
        async def handle(request: web.Request) -> web.Response:
            try:
                return await handler(request)
            except self.refused as error:
                return self.refusal(error)
        return handle

    def add_routes(self, router: web.UrlDispatcher) -> None:
        base = f"/control/{self.name}"
        router.add_post(base + "/approve", self.approve)
        router.add_post(base + "/expire_access_tokens", self.expire_access)
        router.add_post(base + "/revoke_grant", self.revoke_grant)
        router.add_get(base + "/grants", self.show_grants)
        events = base + "/events/{account}"
        event = events + "/{event}"
        router.add_get(events, self.show_events)
        router.add_post(events, self.told(self.add_event))
        router.add_patch(event, self.told(self.edit_event))
        router.add_delete(event, self.told(self.delete_event))
        router.add_post(event + "/guests", self.told(self.add_guest))
        router.add_post(event + "/respond", self.told(self.respond))

    def account(self, email: str) -> Account:
        account = self.world.account(email)
        if account is None:
            raise BadSetting(f"unknown account: {email}")
        return account

    def shelf(self, request: web.Request) -> Any:
        return self.shelf_of(self.account(request.match_info["account"]))

    def chosen(self, request: web.Request) -> tuple[Any, Any]:
        shelf = self.shelf(request)
        return shelf, shelf.get(request.match_info["event"])

    async def approve(self, request: web.Request) -> web.Response:
        """What a person would click on the consent page of this authorize URL.

        ``scopes`` names the boxes left ticked; without it ``calendar`` ticks all or none.
        Answers where the browser would go, or 400 with the error that the provider's page names.
        """
        wanted = await request.json()
        url = urlsplit(wanted["authorize_url"])
        tenant = self.consent.tenant_of(url.path)
        if tenant is None:
            raise BadSetting(f"not an authorize URL of this sandbox: {url.path}")
        try:
            asked = self.consent.check(parse_qsl(url.query, keep_blank_values=True), tenant)
        except PageError as error:
            return json_answer({"error": error.code, "error_description": error.detail}, 400)
        if not wanted.get("allow", True):
            return json_answer({"location": self.consent.denied(asked)})
        account = self.account(wanted["account"])
        if account not in self.consent.people(asked):
            raise BadSetting(f"the page does not offer this account: {account.email}")
        boxes = self.consent.boxes
        ticked = set(wanted.get("scopes", boxes if wanted.get("calendar", True) else ()))
        return json_answer({"location": self.consent.allowed(asked, account, ticked)})

    async def expire_access(self, request: web.Request) -> web.Response:
        email = (await request.json()).get("account", "")
        sub = self.account(email).sub if email else ""
        return json_answer({"expired": self.grants.expire_access(sub)})

    async def revoke_grant(self, request: web.Request) -> web.Response:
        """As if the person had removed the application's access, or that of all of them."""
        wanted = await request.json()
        sub = self.account(wanted["account"]).sub
        projects = {one.project for one in self.world.clients.values()
                    if one.provider == self.name
                    and wanted.get("client_id") in (None, one.client_id)}
        return json_answer({"revoked": sum(self.grants.revoke(sub, one) for one in projects)})

    async def show_grants(self, _request: web.Request) -> web.Response:
        return json_answer(self.grants.dump())

    async def show_events(self, request: web.Request) -> web.Response:
        shelf = self.shelf(request)
        return json_answer({"events": [self.show(shelf, one)
                                       for one in shelf.events.values()]})

    async def add_event(self, request: web.Request) -> web.Response:
        shelf = self.shelf(request)
        return json_answer(self.show(shelf, shelf.insert(await request.json(), send_of(request))))

    async def edit_event(self, request: web.Request) -> web.Response:
        shelf, event = self.chosen(request)
        body = await request.json()
        return json_answer(self.show(shelf, shelf.patch(event, body, send_of(request))))

    async def delete_event(self, request: web.Request) -> web.Response:
        shelf, event = self.chosen(request)
        if request.query.get("purge"):
            shelf.purge(event)
        else:
            shelf.delete(event, send_of(request))
        return json_answer({})

    async def add_guest(self, request: web.Request) -> web.Response:
        shelf, event = self.chosen(request)
        shelf.invite(event, (await request.json())["email"])
        return json_answer(self.show(shelf, event))

    async def respond(self, request: web.Request) -> web.Response:
        shelf, event = self.chosen(request)
        wanted = await request.json()
        shelf.respond(event, wanted["email"], wanted.get("responseStatus", "accepted"))
        return json_answer(self.show(shelf, event))
