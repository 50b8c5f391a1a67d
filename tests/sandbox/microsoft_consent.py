"""Microsoft's authorize URL: the checks before it, the consent page, and the way back.

Imitated: what is wrong with the application is told on Microsoft's own page, what the person or
a policy refuses goes back with ``error``; the consent is for all that is asked or for nothing;
organisations may want their administrator's; a tenant's path takes that tenant's people only.
"""

import re
import secrets

from aiohttp import web

from . import pages
from .consent import Asked, Consent, PageError
from .microsoft_errors import ROWS, description
from .microsoft_grants import GRAPH, MicrosoftGrants
from .microsoft_ids import tenant_of
from .wire import BadForm, go_to, html_answer, single
from .world import Account

AUTHORIZE_PATH = re.compile(r"/microsoft/([^/]+)/oauth2/v2\.0/authorize")
TENANTS = {"common": ("work", "personal"), "organizations": ("work",), "consumers": ("personal",)}
SCOPES = {
    "openid": "Sign you in", "profile": "View your basic profile",
    "email": "View your e-mail address",
    "offline_access": "Maintain access to data you have given it access to",
    "User.Read": "Read your profile",
    "Calendars.Read": "Read your calendars",
    "Calendars.ReadWrite": "Have full access to your calendars",
    "MailboxSettings.Read": "Read your mailbox settings",
}
SHORT = {scope.lower(): scope for scope in SCOPES}
PROMPTS = {"login", "none", "consent", "select_account"}


def page_error(code: int, detail: str = "", status: int = 400) -> PageError:
    return PageError(status, f"AADSTS{code}", f"{ROWS[code].text} {detail}".strip())


def short_scope(word: str) -> str | None:
    """A scope by its short name, whatever its case; None if Graph does not have it."""
    if word.lower().startswith(GRAPH):
        word = word[len(GRAPH):]
    return SHORT.get(word.lower())


def read_scopes(text: str) -> set[str] | None:
    """The scopes by their short names; None if one is unknown."""
    scopes = {short_scope(word) for word in text.split()}
    return None if None in scopes else {scope for scope in scopes if scope is not None}


def check_challenge(params: dict[str, str], needed: bool) -> None:
    challenge = params.get("code_challenge")
    if challenge is None:
        if needed or "code_challenge_method" in params:
            raise page_error(900144, "Missing: code_challenge")
    elif params.get("code_challenge_method", "plain") not in ("S256", "plain"):
        raise page_error(9002313, "code_challenge_method")
    elif not re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", challenge):
        raise page_error(50147)


class MicrosoftConsent(Consent):
    """The authorize endpoint of every tenant."""

    fixed = SCOPES
    words = ("Accept", "Cancel")
    grants: MicrosoftGrants

    def tenant_of(self, path: str) -> str | None:
        match = AUTHORIZE_PATH.fullmatch(path)
        return match[1] if match else None

    def tenant_known(self, tenant: str) -> bool:
        return tenant in TENANTS or any(tenant_of(one) == tenant
                                        for one in self.world.accounts.values())

    def people(self, asked: Asked) -> list[Account]:
        kinds = TENANTS.get(asked.tenant)
        return [one for one in self.world.accounts.values()
                if (one.kind in kinds if kinds else tenant_of(one) == asked.tenant)]

    def check(self, pairs: list[tuple[str, str]], tenant: str) -> Asked:
        try:
            params = single(pairs)
        except BadForm as error:
            raise page_error(9002313, str(error)) from error
        if not self.tenant_known(tenant):
            raise page_error(90002, tenant)
        for name in ("client_id", "redirect_uri", "response_type", "scope"):
            if not params.get(name):
                raise page_error(900144, f"Missing: {name}")
        client = self.world.client("microsoft", params["client_id"])
        if client is None:
            raise page_error(700016)
        if params["redirect_uri"] not in client.redirect_uris:
            raise page_error(50011)
        if params["response_type"] != "code" or params.get("response_mode", "query") != "query":
            raise page_error(9002313, "response_type must be code, response_mode query")
        check_challenge(params, self.world.settings["require_pkce"])
        prompts = set(params.get("prompt", "").split())
        if prompts - PROMPTS or len(prompts) > 1:
            raise page_error(9002313, "prompt")
        scopes = read_scopes(params["scope"])
        if scopes is None:
            raise page_error(70011, params["scope"])
        if not scopes - {"openid", "profile", "email", "offline_access"}:
            self.world.violation("no_resource_asked", scope=params["scope"])
        return Asked(client, params, scopes, prompts, tenant)

    def told(self, asked: Asked, code: int, **more: str) -> str:
        """The way back with the error of a row."""
        return self.back(asked, {"error": ROWS[code].error,
                                 "error_description": description(self.world, code), **more})

    def denied(self, asked: Asked, account: Account | None = None) -> str:
        more = {"error_subcode": "cancel"} if account and account.kind == "personal" else {}
        return self.back(asked, {"error": "access_denied", "error_description":
                                 "the user canceled the authentication", **more})

    def walled(self, asked: Asked, account: Account) -> bool:
        """Whether only an administrator could agree."""
        return (self.world.settings["admin_consent"] and account.kind == "work"
                and not self.known(asked, account))

    def allowed(self, asked: Asked, account: Account, ticked: set[str]) -> str:
        if self.walled(asked, account):
            return self.told(asked, 90094)
        scopes = asked.scopes - set(self.world.settings["withheld_scopes"])
        code = self.grants.make_code(asked.client, account, scopes, asked.tenant, asked.params)
        return self.back(asked, {"code": code.code, "session_state": secrets.token_hex(16)})

    def decided(self, asked: Asked, account: Account, ticked: set[str]) -> web.Response:
        """Behind the wall there is a page, whose only way leads back without a consent."""
        location = self.allowed(asked, account, ticked)
        if self.walled(asked, account):
            return html_answer(pages.wall_page("Need admin approval", "AADSTS90094",
                                               ROWS[90094].text, location))
        return go_to(location)

    def unasked(self, asked: Asked) -> str | None:
        account = self.hinted(asked)
        if account is not None and account in self.people(asked) and self.known(asked, account):
            if not asked.prompts & {"consent", "select_account", "login"}:
                return self.allowed(asked, account, set())
        if "none" in asked.prompts:
            error = "interaction_required" if account else "login_required"
            return self.back(asked, {"error": error, "error_description": "AADSTS50058: A silent "
                                     "sign-in request was sent but no user is signed in."})
        return None
