"""For the sandbox's own tests: a client of its Microsoft."""

import json
from typing import Any
from urllib.parse import quote, urlencode

from .client import Answer, Sandbox
from .harness import FORM, SECRET, VERIFIER, challenge

WORK = "host@example.com"
COLLEAGUE = "other@example.com"
PERSONAL = "person@outlook.example"
APP = "6731de76-14a6-49ae-97bc-6eba6914391e"
BACK = "https://app.example/callback?from=microsoft"
ASKED = "openid profile email offline_access Calendars.ReadWrite User.Read"
GRAPH = "/microsoft/v1.0"
EVENTS = GRAPH + "/me/events"
IMMUTABLE = 'IdType="ImmutableId"'
PROPERTY = "String {9d1b6a2e-0c7f-4d6e-8a53-5f2e1c7b9a40} Name CalbridgeId"


def graph_event(**members: Any) -> dict[str, Any]:
    """An event that Graph takes; None leaves a member out."""
    body = {"subject": "Coffee", "start": moment("2025-12-02T15:00:00"),
            "end": moment("2025-12-02T15:45:00"), **members}
    return {name: value for name, value in body.items() if value is not None}


def moment(local: str, zone: str = "UTC") -> dict[str, str]:
    return {"dateTime": local, "timeZone": zone}


def guest(address: str, **members: Any) -> dict[str, Any]:
    return {"emailAddress": {"address": address}, "type": "required", **members}


def own_data(value: str) -> list[dict[str, str]]:
    return [{"id": PROPERTY, "value": value}]


def by_own_data(value: str, more: str = "") -> str:
    """The $filter that finds an event again."""
    return (f"singleValueExtendedProperties/Any(ep: ep/id eq '{PROPERTY}' and "
            f"ep/value eq '{value}'){more}")


class MicrosoftClient:
    """A well-behaved client of the sandbox's Microsoft; tests change one thing at a time."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.tenant = "common"
        self.token = ""
        self.refresh_token = ""

    def authorize_url(self, **changes: str | None) -> str:
        """None leaves a parameter out."""
        params = {"client_id": APP, "redirect_uri": BACK, "response_type": "code",
                  "scope": ASKED, "prompt": "select_account", "state": "st/+&",
                  "code_challenge": challenge(VERIFIER), "code_challenge_method": "S256", **changes}
        return f"/microsoft/{self.tenant}/oauth2/v2.0/authorize?" + urlencode(
            {name: value for name, value in params.items() if value is not None})

    def code(self, account: str = WORK, **changes: str | None) -> str:
        return self.sandbox.approve_code(self.authorize_url(**changes), account,
                                         provider="microsoft")

    def post_form(self, form: dict[str, Any], tenant: str | None = None,
                  **headers: str) -> Answer:
        kept = {name: value for name, value in form.items() if value is not None}
        return self.sandbox.request(
            "POST", f"/microsoft/{tenant or self.tenant}/oauth2/v2.0/token", urlencode(kept),
            {**FORM, **headers})

    def exchange(self, code: str, tenant: str | None = None, **changes: str | None) -> Answer:
        return self.post_form({
            "grant_type": "authorization_code", "code": code, "client_id": APP,
            "client_secret": SECRET, "redirect_uri": BACK, "code_verifier": VERIFIER,
            **changes}, tenant)

    def refresh(self, token: str | None = None, tenant: str | None = None,
                **changes: str | None) -> Answer:
        return self.post_form({
            "grant_type": "refresh_token", "refresh_token": token or self.refresh_token,
            "client_id": APP, "client_secret": SECRET, **changes}, tenant)

    def connect(self, account: str = WORK, **changes: str | None) -> dict[str, Any]:
        """The whole round; keeps the tokens."""
        answer = self.exchange(self.code(account, **changes))
        assert answer.status == 200, answer.body
        tokens = answer.json()
        self.token = tokens["access_token"]
        self.refresh_token = tokens.get("refresh_token") or ""
        return tokens

    def api(self, method: str, path: str = "", body: Any = None, *, query: str = "",
            prefer: str = "", headers: dict[str, str] | None = None) -> Answer:
        """A call of Graph, below the events unless ``path`` begins with /me."""
        sent = {"Authorization": f"Bearer {self.token}",
                **({} if body is None else {"Content-Type": "application/json"}),
                **({"Prefer": prefer} if prefer else {}), **(headers or {})}
        text = body if isinstance(body, (str, bytes, type(None))) else json.dumps(body)
        where = GRAPH + path if path.startswith("/me") else EVENTS + path
        return self.sandbox.request(method, f"{where}{'?' + query if query else ''}", text, sent)

    def insert(self, *, prefer: str = IMMUTABLE, **members: Any) -> dict[str, Any]:
        answer = self.api("POST", "", graph_event(**members), prefer=prefer)
        assert answer.status == 201, answer.body
        return answer.json()

    def event(self, event_id: str, prefer: str = IMMUTABLE, **query: str) -> Answer:
        return self.api("GET", "/" + quote(event_id), prefer=prefer, query=options(**query))

    def list(self, path: str = "", prefer: str = IMMUTABLE, **query: str) -> Answer:
        return self.api("GET", path, prefer=prefer, query=options(**query))


def options(**query: str) -> str:
    """Query options, each with its $."""
    return urlencode({"$" + name: value for name, value in query.items()}, quote_via=quote)


def code_of(answer: Answer) -> tuple[int, str]:
    """Status and code of a Graph error."""
    return answer.status, answer.json()["error"]["code"]


def aad_of(answer: Answer) -> tuple[int, str, int]:
    """Status, error and AADSTS number of the token endpoint."""
    body = answer.json()
    assert body["error_description"].startswith(f"AADSTS{body['error_codes'][0]}: ")
    return answer.status, body["error"], body["error_codes"][0]
