"""The authorize URL, the same for every provider: a page that asks, and the way back."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from aiohttp import web

from . import pages
from .grants import Grants
from .wire import go_to, html_answer
from .world import Account, Client, World


class PageError(Exception):
    """Shown to the person at the provider; the application never hears of it."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail


@dataclass
class Asked:
    """A well-formed authorization request."""

    client: Client
    params: dict[str, str]
    scopes: set[str]
    prompts: set[str]
    tenant: str = ""        # Microsoft: the first part of the path


class Consent:
    """The authorize endpoint. A provider says what it checks, what it grants, and in which words.

    ``fixed`` and ``boxes`` name the scopes: the first are asked for as they stand, each of the
    second has a box that the person may untick.
    """

    fixed: dict[str, str] = {}
    boxes: dict[str, str] = {}
    words = ("Allow", "Deny")

    def __init__(self, world: World, grants: Grants) -> None:
        self.world = world
        self.grants = grants

    def tenant_of(self, path: str) -> str | None:
        """None if the path is not that of an authorize URL; "" where there are no tenants."""
        raise NotImplementedError

    def check(self, pairs: list[tuple[str, str]], tenant: str) -> Asked:
        """Refuse what the real one refuses, by PageError."""
        raise NotImplementedError

    def denied(self, asked: Asked, account: Account | None = None) -> str:
        """The way back for one who does not agree."""
        raise NotImplementedError

    def allowed(self, asked: Asked, account: Account, ticked: set[str]) -> str:
        """The way back with a code. ``ticked``: the boxes left ticked on the consent page."""
        raise NotImplementedError

    def unasked(self, asked: Asked) -> str | None:
        """The way back when no page is needed, or none may be shown; else None."""
        raise NotImplementedError

    def people(self, _asked: Asked) -> list[Account]:
        """Who may be chosen."""
        return list(self.world.accounts.values())

    def decided(self, asked: Asked, account: Account, ticked: set[str]) -> web.Response:
        """What the browser gets when the person agrees."""
        return go_to(self.allowed(asked, account, ticked))

    def hinted(self, asked: Asked) -> Account | None:
        """The account that ``login_hint`` names, by address or sub."""
        hint = asked.params.get("login_hint", "")
        return self.world.account(hint) or self.world.account_by_sub(hint)

    def known(self, asked: Asked, account: Account) -> bool:
        """Whether the account has granted all of this before."""
        return asked.scopes <= self.grants.scopes_of(account, asked.client)

    def back(self, asked: Asked, params: dict[str, Any]) -> str:
        """The redirect URI with the outcome; ``state`` comes back unchanged."""
        if "state" in asked.params:
            params = {"state": asked.params["state"], **params}
        params = {**params, **self.world.settings["callback_extra"]}
        uri = asked.params["redirect_uri"]
        return uri + ("&" if urlsplit(uri).query else "?") + urlencode(params)

    def asked_by(self, request: web.Request) -> Asked:
        return self.check(list(request.query.items()), request.match_info.get("tenant", ""))

    async def page(self, request: web.Request) -> web.Response:
        """GET: the account chooser and what is asked."""
        try:
            asked = self.asked_by(request)
        except PageError as error:
            return refusal_page(error)
        location = self.unasked(asked)
        if location is not None:
            return go_to(location)
        hinted = self.hinted(asked)
        people = self.people(asked)
        return html_answer(pages.consent_page(
            urlsplit(asked.params["redirect_uri"]).netloc, people,
            hinted.email if hinted else people[0].email if len(people) == 1 else "",
            [(scope, text) for scope, text in self.fixed.items() if scope in asked.scopes],
            [(scope, text) for scope, text in self.boxes.items() if scope in asked.scopes],
            self.words))

    async def decide(self, request: web.Request) -> web.Response:
        """POST: the person's answer."""
        form = parse_qsl((await request.read()).decode("utf-8", "replace"),
                         keep_blank_values=True)
        chosen = dict(form)
        try:
            asked = self.asked_by(request)
            account = self.world.account(chosen.get("account", ""))
            if chosen.get("decision") == "deny":
                return go_to(self.denied(asked, account))
            if account not in self.people(asked) or chosen.get("decision") != "allow":
                raise PageError(400, "invalid_request", "Choose an account, then allow or deny.")
        except PageError as error:
            return refusal_page(error)
        assert account is not None
        return self.decided(asked, account, {value for name, value in form if name == "scope"})


def refusal_page(error: PageError) -> web.Response:
    title = "Access blocked: this request is invalid" if error.status == 400 else "Access blocked"
    return html_answer(pages.error_page(title, error.code, error.detail), error.status)
