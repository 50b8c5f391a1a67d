"""What tests may do to Google: see ``controls``, and besides

    POST   /control/google/expire_sync_tokens     {"account"}
"""

from typing import Any

from aiohttp import web

from .controls import Controls
from .google_calendar import CalendarApi
from .google_consent import GoogleConsent
from .google_errors import Refused, api_error
from .google_grants import GoogleGrants
from .google_store import Calendar, Event
from .wire import json_answer
from .world import Account, World


class GoogleControls(Controls):
    """The routes under /control/google/."""

    name = "google"
    refused = Refused

    def __init__(self, world: World, grants: GoogleGrants, consent: GoogleConsent,
                 api: CalendarApi) -> None:
        super().__init__(world, grants, consent)
        self.api = api

    def add_routes(self, router: web.UrlDispatcher) -> None:
        super().add_routes(router)
        router.add_post("/control/google/expire_sync_tokens", self.expire_sync)

    def shelf_of(self, account: Account) -> Calendar:
        return self.api.calendar(account)

    def show(self, shelf: Calendar, event: Event) -> dict[str, Any]:
        return shelf.show(event)

    def refusal(self, error: Exception) -> web.Response:
        assert isinstance(error, Refused)
        return api_error(error.status, error.reason, error.message, error.where)

    async def expire_sync(self, request: web.Request) -> web.Response:
        account = self.account((await request.json())["account"])
        self.shelf_of(account).sync_epoch += 1
        self.world.on_change()
        return json_answer({})
