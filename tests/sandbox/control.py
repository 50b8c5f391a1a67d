"""The controls that every provider shares: JSON in, JSON out, under /control/.

    GET    /control/status
    POST   /control/accounts      {"email", "name", "zone", "kind", "default_reminders"}
                                                                                     GET lists
    POST   /control/clients       {"client_id", "secret", "redirect_uris", "project",
                                   "provider"}                                      GET lists
    POST   /control/settings      {name: value, ...} (see world.SETTINGS)             GET shows
    POST   /control/clock         {"advance": seconds}
    GET    /control/requests      ?path= &method= &account= &body= &since= &outcome=
                                  &count=1&wait=10: waits until there are that many
    GET    /control/counters      how often each method and route was called
    GET    /control/loads         for each account the calls of its API, the most of them within
                                  any 60 seconds, and the most at once
    POST   /control/faults        {"match", "fault"} or a list of them; see faults
    GET    /control/faults        DELETE /control/faults[?id=f1]
    GET    /control/held          ?count=1&wait=10: waits until that many requests are held
    POST   /control/release       {"id": "h1"} or {} for all
    GET    /control/mail          ?account= &to= &event=
    GET    /control/violations    what no client should do, although it was borne
    POST   /control/reset         {"records": true, "faults": true, "settings": true,
                                   "mail": true, "state": false}: state is grants and events

Request bodies must be application/json, which no foreign web page can send unasked.
"""

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Callable

from aiohttp import web

from .wire import json_answer
from .world import BadSetting

if TYPE_CHECKING:
    from .app import SandboxApp

LONGEST_WAIT_S = 120.0


async def guarded(request: web.Request, handler: Callable[..., Any]) -> web.StreamResponse:
    """A control call: its mistakes are told as 400 with the reason."""
    if request.method in ("POST", "PATCH") and request.content_type != "application/json":
        return json_answer({"error": "Content-Type must be application/json"}, 415)
    try:
        return await handler(request)
    except BadSetting as error:
        return json_answer({"error": str(error)}, 400)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        return json_answer({"error": f"bad control call: {error!r}"}, 400)


def wait_of(request: web.Request) -> float:
    """Seconds to wait; at most LONGEST_WAIT_S."""
    seconds = float(request.query.get("wait", "0"))
    return min(max(seconds, 0.0), LONGEST_WAIT_S) if math.isfinite(seconds) else 0.0


class Control:
    """The handlers, each on the parts of the application it concerns."""

    def __init__(self, app: "SandboxApp") -> None:
        self.app = app
        self.world = app.world
        self.records = app.records
        self.faults = app.faults

    def add_routes(self, router: web.UrlDispatcher) -> None:
        for path, handler in (("status", self.status), ("accounts", self.list_accounts),
                              ("clients", self.list_clients), ("settings", self.show_settings),
                              ("requests", self.list_requests), ("counters", self.show_counters),
                              ("loads", self.show_loads),
                              ("faults", self.list_faults), ("held", self.list_held),
                              ("mail", self.list_mail), ("violations", self.list_violations)):
            router.add_get(f"/control/{path}", handler)
        for path, handler in (("accounts", self.add_account), ("clients", self.add_client),
                              ("settings", self.change_settings), ("clock", self.move_clock),
                              ("faults", self.add_faults), ("release", self.release),
                              ("reset", self.reset)):
            router.add_post(f"/control/{path}", handler)
        router.add_delete("/control/faults", self.remove_faults)

    async def status(self, _request: web.Request) -> web.Response:
        return json_answer({"status": "ok", "now": self.world.clock.now(),
                            "base": self.world.base, "requests": self.records.last,
                            "providers": sorted(self.app.providers)})

    async def list_accounts(self, _request: web.Request) -> web.Response:
        return json_answer({"accounts": [asdict(one) for one in self.world.accounts.values()]})

    async def add_account(self, request: web.Request) -> web.Response:
        return json_answer(asdict(self.world.add_account(**await request.json())))

    async def list_clients(self, _request: web.Request) -> web.Response:
        return json_answer({"clients": [asdict(one) for one in self.world.clients.values()]})

    async def add_client(self, request: web.Request) -> web.Response:
        return json_answer(asdict(self.world.add_client(**await request.json())))

    async def show_settings(self, _request: web.Request) -> web.Response:
        return json_answer(dict(self.world.settings))

    async def change_settings(self, request: web.Request) -> web.Response:
        self.world.settings.change(await request.json())
        return json_answer(dict(self.world.settings))

    async def move_clock(self, request: web.Request) -> web.Response:
        self.world.clock.offset += float((await request.json())["advance"])
        return json_answer({"now": self.world.clock.now()})

    async def list_requests(self, request: web.Request) -> web.Response:
        query = {name: request.query.get(name, "")
                 for name in ("path", "method", "account", "body", "outcome")}
        since = int(request.query.get("since", "0"))
        count = int(request.query.get("count", "0"))
        await self.records.bell.wait_until(
            lambda: len(self.records.find(since=since, **query)) >= count, wait_of(request))
        found = self.records.find(since=since, **query)
        return json_answer({"count": len(found), "last": self.records.last,
                            "requests": [one.as_json() for one in found]})

    async def show_counters(self, _request: web.Request) -> web.Response:
        return json_answer(dict(self.records.counters))

    async def show_loads(self, _request: web.Request) -> web.Response:
        return json_answer({"loads": self.app.loads.as_json()})

    async def add_faults(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        rules = [self.faults.add(one.get("match", {}), one["fault"])
                 for one in (wanted if isinstance(wanted, list) else [wanted])]
        return json_answer({"faults": [rule.as_json() for rule in rules]})

    async def list_faults(self, _request: web.Request) -> web.Response:
        return json_answer({"faults": [rule.as_json() for rule in self.faults.rules]})

    async def remove_faults(self, request: web.Request) -> web.Response:
        return json_answer({"removed": self.faults.remove(request.query.get("id", ""))})

    async def list_held(self, request: web.Request) -> web.Response:
        count = int(request.query.get("count", "1"))
        await self.faults.bell.wait_until(lambda: len(self.faults.held) >= count,
                                          wait_of(request))
        return json_answer({"held": [one.as_json() for one in self.faults.held]})

    async def release(self, request: web.Request) -> web.Response:
        return json_answer({"released": self.faults.release((await request.json()).get("id", ""))})

    async def list_mail(self, request: web.Request) -> web.Response:
        wanted = {"account": request.query.get("account"), "to": request.query.get("to"),
                  "eventId": request.query.get("event")}
        return json_answer({"mail": [
            mail for mail in self.world.mail
            if all(value in (None, mail.get(name)) for name, value in wanted.items())]})

    async def list_violations(self, _request: web.Request) -> web.Response:
        return json_answer({"violations": self.world.violations})

    async def reset(self, request: web.Request) -> web.Response:
        wanted = {"records": True, "faults": True, "settings": True, "mail": True,
                  "state": False, **await request.json()}
        if wanted["records"]:
            self.records.reset()
            self.app.loads.forget()
            self.world.violations.clear()
        if wanted["faults"]:
            self.faults.remove()
            self.faults.release()
        if wanted["settings"]:
            self.world.settings.reset()
            self.world.clock.offset = 0.0
        if wanted["mail"]:
            self.world.mail.clear()
        if wanted["state"]:
            for provider in self.app.providers.values():
                provider.reset()
        self.world.on_change()
        return json_answer({})
