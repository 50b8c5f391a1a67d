"""Google's memory of who allowed what: codes, access tokens, refresh tokens, grants."""

import base64
import hashlib
import re
import secrets
from dataclasses import asdict, dataclass
from typing import Any

from .google_errors import OAuthRefused
from .world import Account, Client, World

AUTH = "https://www.googleapis.com/auth/"
LONG_NAMES = {"email": AUTH + "userinfo.email", "profile": AUTH + "userinfo.profile"}
MAX_REFRESH_TOKENS = 100        # for one account and client; the oldest dies silently
CODE_FORM = re.compile(r"4/0A[A-Za-z0-9_-]{40}(%2B[A-Za-z0-9_-]{4})?")


@dataclass
class Code:
    """An authorization code: one use, bound to client, redirect URI and challenge."""

    code: str
    client_id: str
    sub: str
    redirect_uri: str
    scopes: list[str]
    challenge: str
    refreshable: bool       # access_type=offline and a consent screen was shown
    offline: bool
    nonce: str
    expires: float
    used: bool = False


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

    def make_code(self, client: Client, account: Account, scopes: set[str], asked: dict[str, str],
                  consent_shown: bool) -> Code:
        """Note the grant and make a code. ``asked``: the authorize URL's parameters."""
        now = self.world.clock.now()
        self.codes = {code: one for code, one in self.codes.items() if one.expires > now - 3600}
        granted = self.granted.setdefault((account.sub, client.project), set())
        granted |= scopes
        if asked.get("include_granted_scopes") == "true":
            scopes = set(granted)
        text = "4/0A" + secrets.token_urlsafe(30)
        if self.world.settings["awkward_codes"]:
            text += "%2B" + secrets.token_urlsafe(3)
        offline = asked.get("access_type") == "offline"
        code = Code(text, client.client_id, account.sub, asked["redirect_uri"], sorted(scopes),
                    asked.get("code_challenge", ""), offline and consent_shown, offline,
                    asked.get("nonce", ""), now + self.world.settings["code_seconds"])
        self.codes[text] = code
        self.world.on_change()
        return code

    def redeem(self, client: Client, form: dict[str, str]) -> Code:
        """Take a code in exchange, once; everything it is bound to must agree."""
        if not CODE_FORM.fullmatch(form["code"]):
            raise OAuthRefused(400, "invalid_grant", "Malformed auth code.")
        code = self.codes.get(form["code"])
        if code is None or code.client_id != client.client_id:
            raise OAuthRefused(400, "invalid_grant", "Bad Request")
        if code.used:
            self.world.violation("code_used_twice", client=client.client_id, sub=code.sub)
            raise OAuthRefused(400, "invalid_grant", "Bad Request")
        if code.expires <= self.world.clock.now():
            raise OAuthRefused(400, "invalid_grant", "Bad Request")
        if form.get("redirect_uri") != code.redirect_uri:
            raise OAuthRefused(400, "redirect_uri_mismatch", "Bad Request")
        check_verifier(code.challenge, form.get("code_verifier"))
        if (code.sub, client.project) not in self.granted:
            raise OAuthRefused(400, "invalid_grant", "Bad Request")
        code.used = True
        return code

    def make_access(self, client: Client, sub: str, scopes: list[str], withheld: list[str],
                    offline: bool) -> AccessToken:
        now = self.world.clock.now()
        length = self.world.settings["access_token_length"]
        text = "ya29.a0" + secrets.token_urlsafe(length)
        token = AccessToken(text[:max(length, 32)], client.client_id, sub,
                            [scope for scope in scopes if scope not in withheld],
                            now + self.world.settings["access_token_seconds"], offline)
        if len(self.access) >= 5000:
            self.access = {text: one for text, one in self.access.items() if one.expires > now}
        self.access[token.token] = token
        self.world.on_change()
        return token

    def make_refresh(self, client: Client, sub: str, scopes: list[str]) -> RefreshToken:
        """A new refresh token; beyond MAX_REFRESH_TOKENS the oldest one dies unannounced."""
        seconds = self.world.settings["refresh_token_seconds"]
        expires = None if seconds is None else self.world.clock.now() + seconds
        token = RefreshToken("1//0g" + secrets.token_urlsafe(72), client.client_id, sub, scopes,
                             expires)
        live = [one for one in self.refresh.values() if one.state == "live"
                and (one.sub, one.client_id) == (sub, client.client_id)]
        for old in live[:max(0, len(live) - MAX_REFRESH_TOKENS + 1)]:
            old.state = "dead"
        self.refresh[token.token] = token
        self.world.on_change()
        return token

    def find_refresh(self, client: Client, text: str) -> RefreshToken:
        """A live refresh token of this client. One that was rotated away is a violation."""
        token = self.refresh.get(text)
        if token is None or token.client_id != client.client_id:
            raise OAuthRefused(400, "invalid_grant", "Bad Request")
        if token.state == "rotated":
            self.world.violation("rotated_refresh_token_used", client=client.client_id,
                                 sub=token.sub)
        expired = token.expires is not None and token.expires <= self.world.clock.now()
        if token.state != "live" or expired:
            raise OAuthRefused(400, "invalid_grant", "Token has been expired or revoked.")
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

    def revoke_token(self, text: str) -> bool:
        """Revoke the whole grant behind an access or refresh token; False if it is not live."""
        access = self.find_access(text)
        refresh = self.refresh.get(text)
        if access is None and (refresh is None or refresh.state != "live"):
            return False
        token = access or refresh
        assert token is not None
        client = self.world.clients.get(token.client_id)
        self.revoke(token.sub, client.project if client else token.client_id)
        return True

    def revoke(self, sub: str, project: str) -> bool:
        """Take back what an account gave to a project, for every client under it."""
        clients = {one.client_id for one in self.world.clients.values() if one.project == project}
        clients.add(project)
        for text, token in list(self.access.items()):
            if token.sub == sub and token.client_id in clients:
                token.expires = 0
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


def check_verifier(challenge: str, verifier: str | None) -> None:
    """PKCE with S256 (RFC 7636, 4.6): needed exactly when a challenge was sent."""
    if not challenge:
        if verifier is not None:
            raise OAuthRefused(400, "invalid_grant", "code_verifier or verifier is not needed.")
        return
    if verifier is None:
        raise OAuthRefused(400, "invalid_grant", "Missing code verifier.")
    if not re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", verifier):
        raise OAuthRefused(400, "invalid_grant", "Invalid code verifier.")
    digest = hashlib.sha256(verifier.encode()).digest()
    if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != challenge:
        raise OAuthRefused(400, "invalid_grant", "Invalid code verifier.")
