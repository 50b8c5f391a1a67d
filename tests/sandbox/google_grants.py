"""Google's codes and tokens: their forms, their lives, and what ends them."""

import re
import secrets

from .google_errors import OAuthRefused
from .grants import AccessToken, Code, Grants, RefreshToken, verifier_fault
from .world import Account, Client

AUTH = "https://www.googleapis.com/auth/"
LONG_NAMES = {"email": AUTH + "userinfo.email", "profile": AUTH + "userinfo.profile"}
MAX_REFRESH_TOKENS = 100        # for one account and client; the oldest dies silently
CODE_FORM = re.compile(r"4/0A[A-Za-z0-9_-]{40}(%2B[A-Za-z0-9_-]{4})?")


class GoogleGrants(Grants):
    """All of it. A grant belongs to a project, whichever of its clients asked."""

    def make_code(self, client: Client, account: Account, scopes: set[str], asked: dict[str, str],
                  consent_shown: bool) -> Code:
        """Note the grant and make a code. ``asked``: the authorize URL's parameters."""
        granted = self.grant(account, client, scopes)
        if asked.get("include_granted_scopes") == "true":
            scopes = set(granted)
        text = "4/0A" + secrets.token_urlsafe(30)
        if self.world.settings["awkward_codes"]:
            text += "%2B" + secrets.token_urlsafe(3)
        offline = asked.get("access_type") == "offline"
        expires = self.world.clock.now() + self.world.settings["code_seconds"]
        return self.keep_code(Code(
            text, client.client_id, account.sub, asked["redirect_uri"], sorted(scopes),
            asked.get("code_challenge", ""), offline and consent_shown, offline,
            asked.get("nonce", ""), expires))

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
        fault = verifier_fault(code.challenge, form.get("code_verifier"))
        if fault:
            raise OAuthRefused(400, "invalid_grant", fault)
        if (code.sub, client.project) not in self.granted:
            raise OAuthRefused(400, "invalid_grant", "Bad Request")
        code.used = True
        return code

    def make_access(self, client: Client, sub: str, scopes: list[str], withheld: list[str],
                    offline: bool) -> AccessToken:
        now = self.world.clock.now()
        length = self.world.settings["access_token_length"]
        text = "ya29.a0" + secrets.token_urlsafe(length)
        return self.keep_access(AccessToken(
            text[:max(length, 32)], client.client_id, sub,
            [scope for scope in scopes if scope not in withheld],
            now + self.world.settings["access_token_seconds"], offline))

    def make_refresh(self, client: Client, sub: str, scopes: list[str]) -> RefreshToken:
        """A new refresh token; beyond MAX_REFRESH_TOKENS the oldest one dies unannounced."""
        seconds = self.world.settings["refresh_token_seconds"]
        expires = None if seconds is None else self.world.clock.now() + seconds
        live = [one for one in self.refresh.values() if one.state == "live"
                and (one.sub, one.client_id) == (sub, client.client_id)]
        for old in live[:max(0, len(live) - MAX_REFRESH_TOKENS + 1)]:
            old.state = "dead"
        return self.keep_refresh(RefreshToken("1//0g" + secrets.token_urlsafe(72),
                                              client.client_id, sub, scopes, expires))

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
        """Google ends the access tokens of the grant at once."""
        clients = self.clients_of(project)
        for token in self.access.values():
            if token.sub == sub and token.client_id in clients:
                token.expires = 0
        return super().revoke(sub, project)
