"""Who allowed what, the same for every provider: codes, access tokens, refresh tokens, grants."""

import base64
import hashlib
import re
from dataclasses import asdict, dataclass
from typing import Any

from .world import Account, Client, Settings, World


@dataclass
class Code:
    """An authorization code: one use, bound to client, redirect URI and challenge."""

    code: str
    client_id: str
    sub: str
    redirect_uri: str
    scopes: list[str]
    challenge: str
    refreshable: bool       # whether its exchange gives a refresh token
    offline: bool
    nonce: str
    expires: float
    used: bool = False
    tenant: str = ""        # Microsoft: where it was asked for, and is to be redeemed


@dataclass
class AccessToken:
    token: str
    client_id: str
    sub: str
    scopes: list[str]
    expires: float
    offline: bool


@dataclass
class RefreshToken:
    """``state``: live, rotated (replaced by a newer one) or dead."""

    token: str
    client_id: str
    sub: str
    scopes: list[str]
    expires: float | None
    state: str = "live"
    tenant: str = ""


class Grants:
    """All of it. A grant is the set of scopes that an account gave to a project."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.codes: dict[str, Code] = {}
        self.access: dict[str, AccessToken] = {}
        self.refresh: dict[str, RefreshToken] = {}
        self.granted: dict[tuple[str, str], set[str]] = {}

    def scopes_of(self, account: Account, client: Client) -> set[str]:
        return self.granted.get((account.sub, client.project), set())

    def grant(self, account: Account, client: Client, scopes: set[str]) -> set[str]:
        """Add to what the account has granted; all of it."""
        granted = self.granted.setdefault((account.sub, client.project), set())
        granted |= scopes
        return granted

    def keep_code(self, code: Code) -> Code:
        now = self.world.clock.now()
        self.codes = {text: one for text, one in self.codes.items() if one.expires > now - 3600}
        self.codes[code.code] = code
        self.world.on_change()
        return code

    def keep_access(self, token: AccessToken) -> AccessToken:
        now = self.world.clock.now()
        if len(self.access) >= 5000:
            self.access = {text: one for text, one in self.access.items() if one.expires > now}
        self.access[token.token] = token
        self.world.on_change()
        return token

    def keep_refresh(self, token: RefreshToken) -> RefreshToken:
        self.refresh[token.token] = token
        self.world.on_change()
        return token

    def find_access(self, text: str) -> AccessToken | None:
        """A live access token."""
        token = self.access.get(text)
        if token is None or token.expires <= self.world.clock.now():
            return None
        return token

    def owner_of(self, text: str) -> str:
        """The account (its sub) behind a code or token, alive or not; "" if unknown."""
        for kept in (self.access, self.refresh, self.codes):
            if text in kept:
                return kept[text].sub
        return ""

    def clients_of(self, project: str) -> set[str]:
        clients = {one.client_id for one in self.world.clients.values() if one.project == project}
        return clients | {project}

    def revoke(self, sub: str, project: str) -> bool:
        """Take back what an account gave to a project, for every client under it."""
        clients = self.clients_of(project)
        for one in self.refresh.values():
            if one.sub == sub and one.client_id in clients:
                one.state = "dead"
        self.world.on_change()
        return self.granted.pop((sub, project), None) is not None

    def expire_access(self, sub: str = "") -> int:
        """Let the access tokens of one account, or of all, run out now; how many."""
        now = self.world.clock.now()
        chosen = [one for one in self.access.values()
                  if one.expires > now and (not sub or one.sub == sub)]
        for one in chosen:
            one.expires = now
        self.world.on_change()
        return len(chosen)

    def dump(self) -> dict[str, Any]:
        return {"access": [asdict(one) for one in self.access.values()],
                "refresh": [asdict(one) for one in self.refresh.values()],
                "granted": [[sub, project, sorted(scopes)]
                            for (sub, project), scopes in self.granted.items()]}

    def load(self, saved: dict[str, Any]) -> None:
        self.access = {one["token"]: AccessToken(**one) for one in saved["access"]}
        self.refresh = {one["token"]: RefreshToken(**one) for one in saved["refresh"]}
        self.granted = {(sub, project): set(scopes) for sub, project, scopes in saved["granted"]}

    def reset(self) -> None:
        for kept in (self.codes, self.access, self.refresh, self.granted):
            kept.clear()


def s256(verifier: str) -> str:
    """The challenge that belongs to a verifier (RFC 7636, 4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def verifier_fault(challenge: str, verifier: str | None) -> str:
    """PKCE with S256 (RFC 7636, 4.6): what is wrong with the verifier, "" if nothing is.

    It is needed exactly when a challenge was sent.
    """
    if not challenge:
        return "" if verifier is None else "code_verifier or verifier is not needed."
    if verifier is None:
        return "Missing code verifier."
    fits = re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", verifier) and s256(verifier) == challenge
    return "" if fits else "Invalid code verifier."


def lifetime(settings: Settings) -> dict[str, Any]:
    """``expires_in`` of a token answer, in the form that the settings ask for."""
    seconds, form = settings["access_token_seconds"], settings["expires_in_as"]
    if form == "omitted":
        return {}
    return {"expires_in": {"number": seconds, "text": str(seconds),
                           "value": settings["expires_in_value"]}[form]}


def refresh_member(settings: Settings, which: str, usual: str, known: dict[str, str]
                   ) -> dict[str, str | None]:
    """``refresh_token`` of a token answer: what the switch ``which`` says, left alone ``usual``.

    ``known`` has the tokens that the words of the switch stand for.
    """
    how = usual if settings[which] == "usual" else settings[which]
    if how == "withheld":
        return {}
    return {"refresh_token": {"empty": "", "null": None, **known}[how]}
