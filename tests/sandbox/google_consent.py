"""Google's authorize URL: the checks before it, the consent page, and the way back.

Imitated: what is wrong with the request is told on Google's own error page, never sent to the
redirect URI; sign-in scopes come with the sign-in, every other scope has its own checkbox; a
consent already given is not asked for again unless ``prompt=consent``.
"""

import re

from .consent import Asked, Consent, PageError
from .google_grants import AUTH, LONG_NAMES, GoogleGrants
from .wire import BadForm, single
from .world import Account

AUTHORIZE_PATH = "/o/oauth2/v2/auth"

SIGN_IN = {"openid": "Associate you with your personal info",
           AUTH + "userinfo.email": "Your e-mail address",
           AUTH + "userinfo.profile": "Your name and profile picture"}
CALENDAR = {
    AUTH + "calendar": "See, edit, share and permanently delete all your calendars",
    AUTH + "calendar.readonly": "See and download any calendar you can access",
    AUTH + "calendar.events": "View and edit events on all your calendars",
    AUTH + "calendar.events.readonly": "View events on all your calendars",
    AUTH + "calendar.events.owned": "See, create, change and delete events on calendars you own",
    AUTH + "calendar.events.owned.readonly": "See the events on calendars you own",
    AUTH + "calendar.events.freebusy": "See the availability on calendars you can access",
    AUTH + "calendar.events.public.readonly": "See the events on public calendars",
    AUTH + "calendar.freebusy": "View your availability in your calendars",
    AUTH + "calendar.app.created": "Make secondary calendars and manage their events",
    AUTH + "calendar.calendarlist": "See and change your list of calendars",
    AUTH + "calendar.calendarlist.readonly": "See your list of calendars",
    AUTH + "calendar.calendars": "See and change the properties of your calendars",
    AUTH + "calendar.calendars.readonly": "See the properties of your calendars",
    AUTH + "calendar.settings.readonly": "View your Calendar settings",
}


def check_scopes(text: str) -> set[str]:
    """The scopes asked for, ``email`` and ``profile`` by their long names."""
    scopes = {LONG_NAMES.get(word, word) for word in text.split()}
    if not scopes:
        raise PageError(400, "invalid_request", "Missing required parameter: scope")
    unknown = sorted(scope for scope in scopes if scope not in SIGN_IN and scope not in CALENDAR)
    if unknown:
        raise PageError(400, "invalid_scope",
                        f"Some requested scopes were invalid. {{invalid={unknown}}}")
    return scopes


def check_challenge(params: dict[str, str], needed: bool) -> None:
    """PKCE: S256 or nothing; ``plain``, also by leaving out the method, is refused."""
    challenge, method = params.get("code_challenge"), params.get("code_challenge_method")
    if challenge is None:
        if method is not None or needed:
            raise PageError(400, "invalid_request", "Missing required parameter: code_challenge")
    elif method != "S256":
        raise PageError(400, "invalid_request", "code_challenge_method must be S256")
    elif not re.fullmatch(r"[A-Za-z0-9_-]{43}", challenge):
        raise PageError(400, "invalid_request", "Invalid code_challenge")


def check_choices(params: dict[str, str]) -> set[str]:
    """The parameters with a fixed set of values; returns the prompts."""
    for name, allowed in (("access_type", ("online", "offline")),
                          ("include_granted_scopes", ("true", "false"))):
        if params.get(name, allowed[0]) not in allowed:
            raise PageError(400, "invalid_request", f"Invalid parameter value for {name}")
    prompts = set(params.get("prompt", "").split())
    if prompts - {"none", "consent", "select_account"} or ("none" in prompts and len(prompts) > 1):
        raise PageError(400, "invalid_request", "Invalid parameter value for prompt")
    return prompts


class GoogleConsent(Consent):
    """The authorize endpoint."""

    fixed = SIGN_IN
    boxes = CALENDAR
    grants: GoogleGrants

    def tenant_of(self, path: str) -> str | None:
        return "" if path.endswith(AUTHORIZE_PATH) else None

    def check(self, pairs: list[tuple[str, str]], tenant: str) -> Asked:
        """Refuse what the real one refuses, in its order: client, redirect URI, the rest."""
        try:
            params = single(pairs)
        except BadForm as error:
            raise PageError(400, "invalid_request", str(error)) from error
        if not params.get("client_id"):
            raise PageError(400, "invalid_request", "Missing required parameter: client_id")
        client = self.world.client("google", params["client_id"])
        if client is None:
            raise PageError(401, "invalid_client", "The OAuth client was not found.")
        if not params.get("redirect_uri"):
            raise PageError(400, "invalid_request", "Missing required parameter: redirect_uri")
        if params["redirect_uri"] not in client.redirect_uris:
            raise PageError(400, "redirect_uri_mismatch",
                            "The redirect URI in the request does not match a registered one.")
        if params.get("response_type") != "code":
            raise PageError(400, "invalid_request", "response_type must be code")
        check_challenge(params, self.world.settings["require_pkce"])
        prompts = check_choices(params)
        return Asked(client, params, check_scopes(params.get("scope", "")), prompts)

    def denied(self, asked: Asked, account: Account | None = None) -> str:
        return self.back(asked, {"error": "access_denied"})

    def allowed(self, asked: Asked, account: Account, ticked: set[str]) -> str:
        shown = "consent" in asked.prompts or not self.known(asked, account)
        scopes = asked.scopes
        if shown:
            scopes = {scope for scope in scopes if scope in SIGN_IN or scope in ticked}
        scopes = scopes - set(self.world.settings["withheld_scopes"])
        if not scopes:
            return self.denied(asked)
        code = self.grants.make_code(asked.client, account, scopes, asked.params, shown)
        return self.back(asked, {"code": code.code, "scope": " ".join(code.scopes),
                                 "authuser": "0", "prompt": "consent" if shown else "none"})

    def unasked(self, asked: Asked) -> str | None:
        account = self.hinted(asked)
        if account is not None and self.known(asked, account):
            if not asked.prompts & {"consent", "select_account"}:
                return self.allowed(asked, account, asked.scopes)
        if "none" in asked.prompts:
            error = "interaction_required" if account else "login_required"
            return self.back(asked, {"error": error})
        return None
