"""The application: recording, faults, the providers' routes, the pages and the controls."""

import asyncio
import logging
from typing import Any, Callable, Protocol

from aiohttp import web

from . import control, pages
from .fault_acts import Act
from .faults import Faults
from .loads import Load, Loads
from .record import Records, Seen
from .wire import go_to, html_answer, json_answer, may_chunk
from .world import World

LARGEST_BODY = 16 * 1024 * 1024
LOG = logging.getLogger("sandbox")


class Provider(Protocol):
    """What the sandbox asks of each provider it imitates."""

    name: str
    prefix: str

    def add_routes(self, router: web.UrlDispatcher) -> None: ...

    def add_controls(self, router: web.UrlDispatcher) -> None: ...

    def account_of(self, seen: Seen) -> str:
        """The e-mail address of the account that a request is about, "" if none."""

    def counts(self, seen: Seen) -> bool:
        """Whether the request is one of those that the provider limits for each account."""

    def too_much(self, seen: Seen, load: Load) -> web.Response | None:
        """The refusal of one request too many; ``load`` has it already."""

    def refuse(self, seen: Seen, fault: dict[str, Any]) -> web.Response:
        """An error in the provider's own form, with the fault's status, reason and message."""

    def entries(self, email: str) -> list[pages.Entry]:
        """The events in an account's calendar, for its page."""

    def dump(self) -> dict[str, Any]: ...

    def load(self, saved: dict[str, Any]) -> None: ...

    def reset(self) -> None:
        """Forget all grants and events."""


class SandboxApp:
    """Ties the world, the providers, the records and the faults together."""

    def __init__(self, world: World, providers: dict[str, Provider]) -> None:
        self.world = world
        self.providers = providers
        self.records = Records(world.clock.now)
        self.faults = Faults()
        self.loads = Loads()

    def dump(self) -> dict[str, Any]:
        return {"world": self.world.dump(),
                **{name: one.dump() for name, one in self.providers.items()}}

    def load(self, saved: dict[str, Any]) -> None:
        self.world.load(saved["world"])
        for name, provider in self.providers.items():
            if name in saved:
                provider.load(saved[name])

    def provider_of(self, path: str) -> Provider | None:
        return next((one for one in self.providers.values() if path.startswith(one.prefix)), None)

    def refuse(self, seen: Seen, fault: dict[str, Any]) -> web.Response:
        provider = self.provider_of(seen.path)
        if provider is not None:
            return provider.refuse(seen, fault)
        return json_answer({"error": fault.get("reason", "error")}, fault.get("status", 500))

    async def serve(self, request: web.Request, handler: Callable[..., Any]) -> Any:
        """Record a request, and answer it within the provider's limits."""
        seen = await self.records.begin(request)
        request["seen"] = seen
        response = await self.limited(request, seen, handler)
        if seen.outcome == "open":
            self.records.end(seen, response.status)
        else:
            self.records.end(seen, None, seen.outcome)
        return response

    async def limited(self, request: web.Request, seen: Seen,
                      handler: Callable[..., Any]) -> web.StreamResponse:
        """The answer, unless the provider is asked too often or too much at once."""
        provider = self.provider_of(seen.path)
        if provider is None:
            return await self.played(request, seen, handler)
        seen.account = provider.account_of(seen)
        if not seen.account or not provider.counts(seen):
            return await self.played(request, seen, handler)
        load = self.loads.of(provider.name, seen.account)
        load.begin()
        try:
            refused = provider.too_much(seen, load)
            if refused is not None:
                return refused
            return await self.played(request, seen, handler)
        finally:
            load.end()

    async def played(self, request: web.Request, seen: Seen,
                     handler: Callable[..., Any]) -> web.StreamResponse:
        """The answer, as a rule spoils it if there is one."""
        fault = self.faults.take(seen)
        self.records.bell.ring()

        async def run() -> web.StreamResponse:
            return await answer_of(handler, request)

        if fault is None:
            response = await run()
            may_chunk(request, response)
            return response
        seen.fault = fault["kind"]
        return await Act(self.faults, fault, request, seen, run,
                         lambda wanted: self.refuse(seen, wanted)).play()

    def build(self) -> web.Application:
        """The application, ready to be run."""

        @web.middleware
        async def middleware(request: web.Request, handler: Callable[..., Any]) -> Any:
            if request.path.startswith("/control/"):
                return await control.guarded(request, handler)
            return await self.serve(request, handler)

        app = web.Application(middlewares=[middleware], client_max_size=LARGEST_BODY)
        app.router.add_get("/", self.front_page)
        app.router.add_get("/calendar/event", self.event_page)
        app.router.add_get("/calendar/{email}", self.calendar_page)
        for provider in self.providers.values():
            provider.add_routes(app.router)
            provider.add_controls(app.router)
        control.Control(self).add_routes(app.router)
        return app

    async def front_page(self, _request: web.Request) -> web.Response:
        return html_answer(pages.front_page(list(self.world.accounts.values())))

    async def calendar_page(self, request: web.Request) -> web.Response:
        account = self.world.account(request.match_info["email"])
        if account is None:
            return html_answer(pages.error_page("There is no such calendar", "not_found", ""), 404)
        entries = [entry for one in self.providers.values()
                   for entry in one.entries(account.email)]
        return html_answer(pages.calendar_page(account, entries))

    async def event_page(self, request: web.Request) -> web.Response:
        """Where an event's htmlLink leads: to its place on the calendar's page."""
        place = pages.read_eid(request.query.get("eid", ""))
        if place is None:
            return html_answer(pages.error_page("There is no such event", "not_found", ""), 404)
        event_id, email = place
        return go_to(f"{self.world.base}/calendar/{email}#event-{event_id}")


async def answer_of(handler: Callable[..., Any], request: web.Request) -> web.StreamResponse:
    """The handler's answer; a mistake of the sandbox's own is logged and answered with 500."""
    try:
        return await handler(request)
    except web.HTTPException as answer:
        return web.Response(status=answer.status, text=answer.reason,
                            headers={name: answer.headers[name] for name in ("Allow", "Location")
                                     if name in answer.headers})
    except asyncio.CancelledError:
        raise
    except Exception:
        LOG.exception("%s %s", request.method, request.path)
        return web.Response(status=500, text="The sandbox itself failed; its log says how.\n")
