"""What tests may do to Microsoft: see ``controls``, and besides

    POST   /control/microsoft/events/{account}/{id}/move   {"calendar"}: its name or id
    POST   /control/microsoft/calendars/{account}          {"name", "editable"}  GET lists
    POST   /control/microsoft/end_sessions                 {"account"}: by an administrator

Events are shown as Graph does, in UTC, with their default id; ``sandbox`` has what Graph hides:
the immutable id, the calendar, own data, and whether the event was deleted. An event made by
hand may name an ``organizer`` (an address): it is somebody else's meeting then.
"""

from dataclasses import asdict
from typing import Any

from aiohttp import web

from .controls import Controls
from .microsoft_consent import MicrosoftConsent
from .microsoft_errors import GraphRefused, graph_error
from .microsoft_grants import MicrosoftGrants
from .microsoft_graph import Graph
from .microsoft_show import View, show_event
from .microsoft_store import Event, Mailbox
from .wire import json_answer
from .world import Account, World



class MicrosoftControls(Controls):
    """The routes under /control/microsoft/."""

    name = "microsoft"
    refused = GraphRefused
    grants: MicrosoftGrants

    def __init__(self, world: World, grants: MicrosoftGrants, consent: MicrosoftConsent,
                 graph: Graph) -> None:
        super().__init__(world, grants, consent)
        self.graph = graph

    def add_routes(self, router: web.UrlDispatcher) -> None:
        super().add_routes(router)
        base = "/control/microsoft"
        router.add_post(base + "/events/{account}/{event}/move", self.told(self.move))
        router.add_get(base + "/calendars/{account}", self.list_calendars)
        router.add_post(base + "/calendars/{account}", self.add_calendar)
        router.add_post(base + "/end_sessions", self.end_sessions)

    def shelf_of(self, account: Account) -> Mailbox:
        return self.graph.mailbox(account)

    def refusal(self, error: Exception) -> web.Response:
        assert isinstance(error, GraphRefused)
        return graph_error(self.world, error.status, error.code, error.message, {})

    def show(self, shelf: Any, event: Event) -> dict[str, Any]:
        hidden = {"immutableId": event.immutable, "calendarId": event.calendar,
                  "calendar": shelf.calendars[event.calendar].name, "deleted": event.deleted,
                  "properties": event.properties}
        return {**show_event(shelf, event, View()), "sandbox": hidden}

    async def move(self, request: web.Request) -> web.Response:
        mailbox, event = self.chosen(request)
        mailbox.move(event, mailbox.named((await request.json())["calendar"]))
        return json_answer(self.show(mailbox, event))

    async def list_calendars(self, request: web.Request) -> web.Response:
        calendars = self.shelf(request).calendars.values()
        return json_answer({"calendars": [asdict(one) for one in calendars]})

    async def add_calendar(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        mailbox = self.shelf(request)
        calendar = mailbox.add_calendar(wanted["name"], wanted.get("editable", True))
        self.world.on_change()
        return json_answer(asdict(calendar))

    async def end_sessions(self, request: web.Request) -> web.Response:
        """The person's refresh tokens die; the consent stays."""
        account = self.account((await request.json())["account"])
        return json_answer({"ended": self.grants.end_sessions(account.sub)})
