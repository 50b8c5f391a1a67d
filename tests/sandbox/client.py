"""For tests: the sandbox's controls as methods. Standard library only, synchronous.

    sandbox = Sandbox("https://localhost:8444", ca_file)        # behind the web server
    sandbox = Sandbox("http://sandbox", socket_path=path)       # straight to its socket
"""

import http.client
import json
import socket
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

TIMEOUT_S = 30.0


class SandboxError(AssertionError):
    """A control call was refused; the text says why."""


@dataclass
class Answer:
    """What came back. ``headers`` by lower-case name."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("sandbox", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Sandbox:
    """One running sandbox. TLS is verified against ``ca_file``."""

    def __init__(self, base_url: str, ca_file: str | None = None, *,
                 socket_path: str | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        self.socket_path = socket_path
        self.context = None
        if socket_path is None and urlsplit(base_url).scheme == "https":
            self.context = ssl.create_default_context(cafile=ca_file)

    def connection(self, timeout: float = TIMEOUT_S) -> http.client.HTTPConnection:
        """A fresh connection; the caller closes it."""
        if self.socket_path is not None:
            return UnixConnection(self.socket_path, timeout)
        place = urlsplit(self.base_url)
        if self.context is None:
            return http.client.HTTPConnection(place.netloc, timeout=timeout)
        return http.client.HTTPSConnection(place.netloc, timeout=timeout, context=self.context)

    def request(self, method: str, path: str, body: bytes | str | None = None,
                headers: dict[str, str] | None = None, timeout: float = TIMEOUT_S) -> Answer:
        """Any request to the sandbox, answered in full; redirects are not followed."""
        connection = self.connection(timeout)
        try:
            if isinstance(body, str):
                body = body.encode()
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, names, answer.read())
        finally:
            connection.close()

    def control(self, method: str, path: str, value: Any = None, /, **query: Any) -> Any:
        """A call under /control/; None in the query is left out. Raises SandboxError."""
        kept = {name: one for name, one in query.items() if one is not None}
        text = f"/control/{path}" + ("?" + urlencode(kept) if kept else "")
        body = None if method in ("GET", "DELETE") else json.dumps(value or {})
        headers = {} if body is None else {"Content-Type": "application/json"}
        answer = self.request(method, text, body, headers,
                              TIMEOUT_S + float(kept.get("wait", 0)))
        if answer.status != 200:
            raise SandboxError(f"{method} {text}: {answer.status} {answer.body.decode()}")
        return answer.json()

    def status(self) -> dict[str, Any]:
        return self.control("GET", "status")

    def add_account(self, email: str, **members: Any) -> dict[str, Any]:
        """``name``, ``zone``, ``kind`` (work, personal), ``default_reminders``."""
        return self.control("POST", "accounts", {"email": email, **members})

    def add_client(self, client_id: str, secret: str, redirect_uris: list[str],
                   **members: Any) -> dict[str, Any]:
        return self.control("POST", "clients", {"client_id": client_id, "secret": secret,
                                                "redirect_uris": redirect_uris, **members})

    def settings(self, **wanted: Any) -> dict[str, Any]:
        """Change switches (world.SETTINGS names them); answers all of them."""
        return self.control("POST", "settings", wanted)

    def advance(self, seconds: float) -> None:
        """Move the sandbox's clock on."""
        self.control("POST", "clock", {"advance": seconds})

    def reset(self, **wanted: bool) -> None:
        """Forget records, faults, settings, mail; with state=True grants and events as well."""
        self.control("POST", "reset", wanted)

    def requests(self, path: str = "", *, count: int | None = None, wait: float | None = None,
                 **query: Any) -> list[dict[str, Any]]:
        """Recorded requests; with ``count`` and ``wait`` as soon as there are that many."""
        return self.control("GET", "requests", path=path, count=count, wait=wait,
                            **query)["requests"]

    def counters(self) -> dict[str, int]:
        return self.control("GET", "counters")

    def load(self, account: str, provider: str = "google") -> dict[str, int]:
        """``calls`` of the API, the most of them ``in_60_s``, the most ``at_once``."""
        known = [one for one in self.control("GET", "loads")["loads"]
                 if (one["provider"], one["account"]) == (provider, account.lower())]
        return {name: known[0][name] if known else 0 for name in ("calls", "in_60_s", "at_once")}

    def fault(self, kind: str, *, match: dict[str, Any] | None = None, **members: Any) -> str:
        """Add a rule (see faults); returns its id."""
        rule = {"match": match or {}, "fault": {"kind": kind, **members}}
        return self.control("POST", "faults", rule)["faults"][0]["id"]

    def faults(self) -> list[dict[str, Any]]:
        return self.control("GET", "faults")["faults"]

    def clear_faults(self, fault_id: str | None = None) -> None:
        self.control("DELETE", "faults", id=fault_id)

    def held(self, count: int = 1, wait: float = 10.0) -> list[dict[str, Any]]:
        """The requests being held; waits until there are ``count``, else raises."""
        found = self.control("GET", "held", count=count, wait=wait)["held"]
        if len(found) < count:
            raise SandboxError(f"{len(found)} requests are held, not {count}")
        return found

    def release(self, held_id: str | None = None) -> int:
        """Let one held request go, or all; how many."""
        return self.control("POST", "release", {"id": held_id} if held_id else {})["released"]

    def mail(self, **query: Any) -> list[dict[str, Any]]:
        """The outbox; by ``account``, ``to``, ``event``."""
        return self.control("GET", "mail", **query)["mail"]

    def violations(self) -> list[dict[str, Any]]:
        return self.control("GET", "violations")["violations"]

    def approve(self, authorize_url: str, account: str = "", *, allow: bool = True,
                calendar: bool = True, scopes: list[str] | None = None,
                provider: str = "google") -> str:
        """Click through the consent page; where the browser would be sent."""
        wanted = {"authorize_url": authorize_url, "account": account, "allow": allow,
                  "calendar": calendar, **({} if scopes is None else {"scopes": scopes})}
        return self.control("POST", f"{provider}/approve", wanted)["location"]

    def approve_code(self, authorize_url: str, account: str, **members: Any) -> str:
        """As ``approve``, the code alone."""
        location = self.approve(authorize_url, account, **members)
        return parse_qs(urlsplit(location).query)["code"][0]

    def events(self, account: str, provider: str = "google") -> list[dict[str, Any]]:
        """All events of an account, deleted ones included."""
        return self.control("GET", f"{provider}/events/{quote(account)}")["events"]

    def add_event(self, account: str, event: dict[str, Any],
                  provider: str = "google") -> dict[str, Any]:
        """The person makes an event by hand."""
        return self.control("POST", f"{provider}/events/{quote(account)}", event)

    def edit_event(self, account: str, event_id: str, patch: dict[str, Any],
                   provider: str = "google") -> dict[str, Any]:
        """The person changes an event by hand."""
        return self.control("PATCH", f"{provider}/events/{quote(account)}/{event_id}", patch)

    def delete_event(self, account: str, event_id: str, *, purge: bool = False,
                     provider: str = "google") -> None:
        """The person deletes an event; ``purge`` forgets that it ever was."""
        self.control("DELETE", f"{provider}/events/{quote(account)}/{event_id}",
                     purge=1 if purge else None)

    def add_guest(self, account: str, event_id: str, email: str,
                  provider: str = "google") -> dict[str, Any]:
        return self.control("POST", f"{provider}/events/{quote(account)}/{event_id}/guests",
                            {"email": email})

    def respond(self, account: str, event_id: str, email: str, answer: str = "accepted",
                provider: str = "google") -> dict[str, Any]:
        """A guest answers the invitation."""
        return self.control("POST", f"{provider}/events/{quote(account)}/{event_id}/respond",
                            {"email": email, "responseStatus": answer})

    def move_event(self, account: str, event_id: str, calendar: str,
                   provider: str = "microsoft") -> dict[str, Any]:
        """The person drags an event into another calendar, named by name or id."""
        return self.control("POST", f"{provider}/events/{quote(account)}/{event_id}/move",
                            {"calendar": calendar})

    def add_calendar(self, account: str, name: str, *, editable: bool = True,
                     provider: str = "microsoft") -> dict[str, Any]:
        return self.control("POST", f"{provider}/calendars/{quote(account)}",
                            {"name": name, "editable": editable})

    def calendars(self, account: str, provider: str = "microsoft") -> list[dict[str, Any]]:
        return self.control("GET", f"{provider}/calendars/{quote(account)}")["calendars"]

    def end_sessions(self, account: str, provider: str = "microsoft") -> int:
        """An administrator ends the person's sessions: the refresh tokens die."""
        return self.control("POST", f"{provider}/end_sessions", {"account": account})["ended"]

    def expire_access_tokens(self, account: str = "", provider: str = "google") -> int:
        wanted = {"account": account} if account else {}
        return self.control("POST", f"{provider}/expire_access_tokens", wanted)["expired"]

    def revoke_grant(self, account: str, client_id: str | None = None,
                     provider: str = "google") -> int:
        """The person takes back the access of one application, or of all."""
        wanted = {"account": account, **({"client_id": client_id} if client_id else {})}
        return self.control("POST", f"{provider}/revoke_grant", wanted)["revoked"]

    def grants(self, provider: str = "google") -> dict[str, Any]:
        return self.control("GET", f"{provider}/grants")
