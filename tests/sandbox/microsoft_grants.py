"""Microsoft's codes and tokens: their forms, their lives, and what ends them.

Imitated: codes and tokens are long; those of personal accounts are opaque, those of an
organisation look like JWTs; refreshing gives a new refresh token and leaves the old one alive;
a consent that is taken back ends the refresh tokens and lets the access tokens run out.
"""

import json
import secrets

from .grants import AccessToken, Code, Grants, RefreshToken, s256, verifier_fault
from .idtoken import b64
from .microsoft_errors import AadRefused
from .microsoft_ids import object_id, tenant_of
from .world import Account, Client

GRAPH = "https://graph.microsoft.com/"
SIGN_IN = ("openid", "profile", "email", "offline_access")
REFRESH_TOKEN_SECONDS = 90 * 86400
CODE_CHARS, REFRESH_CHARS = 1100, 1300
# What personal accounts put between the letters: none of it survives a careless encoder.
AWKWARD = "!*$"


def long_text(start: str, length: int, personal: bool) -> str:
    text = secrets.token_urlsafe(length)[:length - len(start)]
    if personal:
        text = "".join(secrets.choice(AWKWARD) if at % 97 == 41 else char
                       for at, char in enumerate(text))
    return start + text


class MicrosoftGrants(Grants):
    """A grant is all that an account has ever consented to for an application."""

    def person(self, sub: str) -> Account:
        account = self.world.account_by_sub(sub)
        if account is None:
            raise AadRefused(50034)
        return account

    def make_code(self, client: Client, account: Account, scopes: set[str], tenant: str,
                  asked: dict[str, str]) -> Code:
        """Note the grant and make a code. ``asked``: the authorize URL's parameters."""
        self.grant(account, client, scopes)
        challenge = asked.get("code_challenge", "")
        if challenge and asked.get("code_challenge_method", "plain") == "plain":
            self.world.violation("plain_code_challenge", client=client.client_id)
            challenge = s256(challenge)
        personal = account.kind == "personal"
        text = long_text("M.C546_BAY.2." if personal else "0.AXo", CODE_CHARS, personal)
        return self.keep_code(Code(
            text, client.client_id, account.sub, asked["redirect_uri"], sorted(scopes),
            challenge, "offline_access" in scopes, False, asked.get("nonce", ""),
            self.world.clock.now() + self.world.settings["code_seconds"], tenant=tenant))

    def redeem(self, client: Client, tenant: str, form: dict[str, str]) -> Code:
        """Take a code in exchange, once; everything it is bound to must agree."""
        code = self.codes.get(form["code"])
        if code is None or code.client_id != client.client_id:
            raise AadRefused(70000)
        if code.tenant != tenant:
            raise AadRefused(700005)
        if code.used:
            self.world.violation("code_used_twice", client=client.client_id, sub=code.sub)
            raise AadRefused(54005)
        if code.expires <= self.world.clock.now():
            raise AadRefused(70008)
        if form.get("redirect_uri") != code.redirect_uri:
            raise AadRefused(50011)
        fault = verifier_fault(code.challenge, form.get("code_verifier"))
        if fault:
            raise AadRefused(501481, fault)
        if (code.sub, client.project) not in self.granted:
            raise AadRefused(65001)
        code.used = True
        return code

    def make_access(self, client: Client, sub: str, scopes: list[str],
                    withheld: list[str]) -> AccessToken:
        account = self.person(sub)
        length = self.world.settings["graph_token_length"]
        if account.kind == "personal":
            text = long_text("EwB", length, False)
        else:
            head = b64(json.dumps({"typ": "JWT", "alg": "RS256"}).encode())
            claims = b64(json.dumps({"aud": "00000003-0000-0000-c000-000000000000",
                                     "tid": tenant_of(account), "oid": object_id(account),
                                     "note": "For Graph alone: do not read."}).encode())
            text = long_text(f"{head}.{claims}.", length, False)
        expires = self.world.clock.now() + self.world.settings["access_token_seconds"]
        return self.keep_access(AccessToken(
            text, client.client_id, sub,
            [scope for scope in scopes if scope not in withheld], expires, True))

    def make_refresh(self, client: Client, sub: str, scopes: list[str],
                     tenant: str) -> RefreshToken:
        personal = self.person(sub).kind == "personal"
        seconds = self.world.settings["refresh_token_seconds"] or REFRESH_TOKEN_SECONDS
        return self.keep_refresh(RefreshToken(
            long_text("M.C546_BAY.-" if personal else "0.AXoA", REFRESH_CHARS, personal),
            client.client_id, sub, scopes, self.world.clock.now() + seconds, tenant=tenant))

    def find_refresh(self, client: Client, tenant: str, text: str) -> RefreshToken:
        """A live refresh token of this client."""
        token = self.refresh.get(text)
        if token is None or token.client_id != client.client_id:
            raise AadRefused(70000)
        if token.tenant != tenant:
            raise AadRefused(700005)
        if token.state == "rotated":
            self.world.violation("rotated_refresh_token_used", client=client.client_id,
                                 sub=token.sub)
            raise AadRefused(70000)
        if (token.sub, client.project) not in self.granted:
            raise AadRefused(65001)
        if token.state == "dead":
            raise AadRefused(50173)
        if token.expires is not None and token.expires <= self.world.clock.now():
            raise AadRefused(700082)
        return token

    def end_sessions(self, sub: str) -> int:
        """As an administrator ends them: the refresh tokens die, the consent stays."""
        chosen = [one for one in self.refresh.values() if one.sub == sub and one.state == "live"]
        for one in chosen:
            one.state = "dead"
        self.world.on_change()
        return len(chosen)
