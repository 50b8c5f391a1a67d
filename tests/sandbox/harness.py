"""For the sandbox's own tests: a running sandbox on a unix socket, and a client of its Google."""

import base64
import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Iterator
from urllib.parse import quote, urlencode

from .client import Answer, Sandbox

BASE = "https://sandbox.example:8444"
HOST = "host@example.com"
OTHER = "other@example.com"
CLIENT = "app.example"
SECRET = "s3cret/+&="
CALLBACK = "https://app.example/callback?from=google"
VERIFIER = "v" * 43
CALENDAR_SCOPE = "https://www.googleapis.com/auth/calendar"
SCOPES = f"openid email profile {CALENDAR_SCOPE}"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json; charset=UTF-8"}
EVENTS = "/google/calendar/v3/calendars/primary/events"


@contextlib.contextmanager
def running(folder: Path, *more: str) -> Iterator[tuple[Sandbox, subprocess.Popen[str]]]:
    """Start a sandbox with its socket in ``folder``; it is ended on the way out."""
    path = folder / "sandbox.sock"
    tests = Path(__file__).resolve().parent.parent
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--socket", str(path), "--base", BASE, *more],
        cwd=tests, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == f"sandbox: listening on {path}\n"
        yield Sandbox("http://sandbox", socket_path=str(path)), process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


def wait_for(true: Callable[[], bool], seconds: float = 10.0) -> None:
    """Ask again and again until the condition holds."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def signed_by(token: str, key: dict[str, str]) -> bool:
    """Whether a published key has signed the JWT."""
    def number(part: str) -> int:
        return int.from_bytes(base64.urlsafe_b64decode(part + "=="), "big")
    text, _, signature = token.rpartition(".")
    digest = hashlib.sha256(text.encode()).digest()
    return pow(number(signature), 65537, number(key["n"])).to_bytes(256, "big").endswith(digest)


def event_body(**members: Any) -> dict[str, Any]:
    """An event that Google takes."""
    return {"summary": "Coffee",
            "start": {"dateTime": "2025-12-02T10:00:00", "timeZone": "America/New_York"},
            "end": {"dateTime": "2025-12-02T10:45:00", "timeZone": "America/New_York"},
            **members}


def without(members: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name not in names}


class GoogleClient:
    """A well-behaved client of the sandbox's Google; tests change one thing at a time."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.token = ""
        self.refresh_token = ""

    def authorize_url(self, **changes: str | None) -> str:
        """None leaves a parameter out."""
        params = {"client_id": CLIENT, "redirect_uri": CALLBACK, "response_type": "code",
                  "scope": SCOPES, "access_type": "offline", "prompt": "consent", "state": "st/+&",
                  "code_challenge": challenge(VERIFIER), "code_challenge_method": "S256", **changes}
        return "/google/o/oauth2/v2/auth?" + urlencode(
            {name: value for name, value in params.items() if value is not None})

    def code(self, account: str = HOST, **changes: str | None) -> str:
        return self.sandbox.approve_code(self.authorize_url(**changes), account)

    def post_form(self, path: str, form: dict[str, Any], **headers: str) -> Answer:
        kept = {name: value for name, value in form.items() if value is not None}
        return self.sandbox.request("POST", f"/google/{path}", urlencode(kept),
                                    {**FORM, **headers})

    def exchange(self, code: str, **changes: str | None) -> Answer:
        return self.post_form("token", {
            "grant_type": "authorization_code", "code": code, "client_id": CLIENT,
            "client_secret": SECRET, "redirect_uri": CALLBACK, "code_verifier": VERIFIER,
            **changes})

    def refresh(self, token: str | None = None, **changes: str | None) -> Answer:
        return self.post_form("token", {
            "grant_type": "refresh_token", "refresh_token": token or self.refresh_token,
            "client_id": CLIENT, "client_secret": SECRET, **changes})

    def connect(self, account: str = HOST, **changes: str | None) -> dict[str, Any]:
        """The whole round; keeps the tokens."""
        answer = self.exchange(self.code(account, **changes))
        assert answer.status == 200, answer.body
        tokens = answer.json()
        self.token = tokens["access_token"]
        self.refresh_token = tokens.get("refresh_token") or ""
        return tokens

    def api(self, method: str, path: str = "", body: Any = None, *, query: str = "",
            headers: dict[str, str] | None = None) -> Answer:
        """A call below the primary calendar's events."""
        sent = {"Authorization": f"Bearer {self.token}", **({} if body is None else JSON),
                **(headers or {})}
        text = body if isinstance(body, (str, bytes, type(None))) else json.dumps(body)
        return self.sandbox.request(method, f"{EVENTS}{path}{'?' + query if query else ''}",
                                    text, sent)

    def insert(self, query: str = "", **members: Any) -> dict[str, Any]:
        answer = self.api("POST", "", event_body(**members), query=query)
        assert answer.status == 200, answer.body
        return answer.json()

    def list(self, **query: Any) -> Answer:
        return self.api("GET", query=urlencode(query, doseq=True, quote_via=quote))


def reason(answer: Answer) -> tuple[int, str]:
    """Status and reason of a Calendar API error."""
    error = answer.json()["error"]
    assert error["code"] == answer.status
    return answer.status, error["errors"][0]["reason"]


def oauth_error(answer: Answer) -> tuple[int, str, str]:
    body = answer.json()
    return answer.status, body["error"], body.get("error_description", "")
