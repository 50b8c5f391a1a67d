"""Google's OAuth endpoints that clients call: token, revoke, tokeninfo, userinfo, certs.

Imitated: form bodies only; client authentication in the body or by HTTP Basic; a refresh token
only for offline access after a shown consent; refreshing does not rotate; ``scope`` tells what
was really granted; long scope names; an id_token for ``openid``; revoking any token of a user
ends the user's whole grant to the project.
"""

from typing import Any

from aiohttp import hdrs, web

from .google_consent import SIGN_IN
from .google_errors import REALM, OAuthRefused, api_error, oauth_error
from .google_grants import AUTH, GoogleGrants
from .grants import AccessToken, lifetime, refresh_member
from .idtoken import SigningKey
from .wire import (UNANNOUNCED, BadCredentials, BadForm, basic_credentials, bearer, json_answer,
                   read_form, single)
from .world import Account, Client, World


class OAuth:
    """The endpoints. Also finds the account behind a bearer token for the API."""

    def __init__(self, world: World, grants: GoogleGrants, key: SigningKey) -> None:
        self.world = world
        self.grants = grants
        self.key = key

    def client(self, request: web.Request, form: dict[str, str]) -> Client:
        """The client that asks, its secret checked."""
        try:
            basic = basic_credentials(request)
        except BadCredentials as error:
            raise OAuthRefused(401, "invalid_client", "Unauthorized") from error
        if basic is not None and ("client_secret" in form
                                  or form.get("client_id", basic[0]) != basic[0]):
            raise OAuthRefused(400, "invalid_request", "Client authentication was sent twice.")
        client_id, secret = basic or (form.get("client_id", ""), form.get("client_secret"))
        if not client_id:
            raise OAuthRefused(400, "invalid_request",
                               "Could not determine client ID from request.")
        client = self.world.client("google", client_id)
        if client is None:
            raise OAuthRefused(401, "invalid_client", "The OAuth client was not found.")
        if secret is None:
            raise OAuthRefused(400, "invalid_request", "client_secret is missing.")
        if secret != client.secret:
            raise OAuthRefused(401, "invalid_client", "The provided client secret is invalid.")
        return client

    async def token(self, request: web.Request) -> web.Response:
        """POST /token: exchange of a code, or refresh."""
        try:
            if request.query_string:
                self.world.violation("token_request_in_query", query=request.query_string)
                raise OAuthRefused(400, "invalid_request", "Parameters belong into the body.")
            form = read_form(request, await request.read())
            grant_type = form.get("grant_type")
            if grant_type is None:
                raise OAuthRefused(400, "invalid_request",
                                   "Required parameter is missing: grant_type")
            if grant_type not in ("authorization_code", "refresh_token"):
                raise OAuthRefused(400, "unsupported_grant_type",
                                   f"Invalid grant_type: {grant_type}")
            name = "code" if grant_type == "authorization_code" else "refresh_token"
            client = self.client(request, form)
            if not form.get(name):
                raise OAuthRefused(400, "invalid_request", f"Missing required parameter: {name}")
            answer = await (self.exchange if name == "code" else self.refresh)(client, form)
        except BadForm as error:
            return oauth_error(400, "invalid_request", str(error))
        except OAuthRefused as error:
            return oauth_error(error.status, error.error, error.description)
        return json_answer(answer)

    async def exchange(self, client: Client, form: dict[str, str]) -> dict[str, Any]:
        """grant_type=authorization_code."""
        code = self.grants.redeem(client, form)
        access = self.grants.make_access(client, code.sub, code.scopes, [], code.offline)
        answer = self.answer(access)
        if code.refreshable:
            refresh = self.grants.make_refresh(client, code.sub, code.scopes)
            answer.update(refresh_member(self.world.settings, "code_refresh_token", "sent",
                                         {"sent": refresh.token}))
            if refresh.expires is not None:
                answer["refresh_token_expires_in"] = self.world.settings["refresh_token_seconds"]
        if "openid" in access.scopes:
            answer["id_token"] = await self.id_token(access, code.nonce)
        return answer

    async def refresh(self, client: Client, form: dict[str, str]) -> dict[str, Any]:
        """grant_type=refresh_token. Google does not rotate; the switch ``rotated`` does."""
        token = self.grants.find_refresh(client, form["refresh_token"])
        scopes = token.scopes
        if "scope" in form:
            scopes = form["scope"].split()
            if not set(scopes) <= set(token.scopes):
                raise OAuthRefused(400, "invalid_scope", "Some requested scopes were not granted.")
        access = self.grants.make_access(client, token.sub, scopes,
                                         self.world.settings["refresh_withheld_scopes"], True)
        answer = self.answer(access)
        known = {"same": token.token}
        if self.world.settings["refresh_refresh_token"] == "rotated":
            known["rotated"] = self.grants.make_refresh(client, token.sub, token.scopes).token
            token.state = "rotated"
        answer.update(refresh_member(self.world.settings, "refresh_refresh_token", "withheld",
                                     known))
        if token.expires is not None:
            answer["refresh_token_expires_in"] = int(token.expires - self.world.clock.now())
        if "openid" in access.scopes:
            answer["id_token"] = await self.id_token(access, "")
        return answer

    def answer(self, access: AccessToken) -> dict[str, Any]:
        """What both grants answer."""
        return {"access_token": access.token, **lifetime(self.world.settings),
                "scope": " ".join(sorted(access.scopes, reverse=True)),
                "token_type": "Bearer", **UNANNOUNCED}

    async def id_token(self, access: AccessToken, nonce: str) -> str:
        """A signed id_token for the account, with the claims its scopes open."""
        account = self.world.account_by_sub(access.sub)
        assert account is not None
        now = int(self.world.clock.now())
        claims: dict[str, Any] = {
            "iss": "https://accounts.google.com", "azp": access.client_id,
            "aud": access.client_id, "sub": access.sub, "iat": now, "exp": now + 3600}
        claims.update(self.about(account, access.scopes, "email_verified"))
        if nonce:
            claims["nonce"] = nonce
        return self.key.sign(claims)

    def about(self, account: Account, scopes: list[str], verified: str) -> dict[str, Any]:
        """The members about a person that the scopes open."""
        known: dict[str, Any] = {}
        if AUTH + "userinfo.email" in scopes:
            known.update({"email": account.email, verified: True})
        if AUTH + "userinfo.profile" in scopes:
            given, _, family = account.name.partition(" ")
            known.update({"name": account.name, "given_name": given, "family_name": family,
                          "picture": f"{self.world.base}/google/picture/{account.sub}"})
        return known

    async def certs(self, _request: web.Request) -> web.Response:
        """GET /oauth2/v3/certs: the keys of the id_tokens."""
        return json_answer({"keys": [self.key.jwk()]})

    async def revoke(self, request: web.Request) -> web.Response:
        """POST /revoke: ends the user's grant to the whole project."""
        try:
            form = read_form(request, await request.read())
            text = {**single(list(request.query.items())), **form}.get("token", "")
        except BadForm as error:
            return oauth_error(400, "invalid_request", str(error))
        if not text:
            return oauth_error(400, "invalid_request", "Missing required parameter: token")
        if not self.grants.revoke_token(text):
            return oauth_error(400, "invalid_token", "Token expired or revoked")
        return json_answer({})

    def signed_in(self, request: web.Request) -> tuple[AccessToken, Account] | None:
        """Whose bearer token this is, None without a live one. Never taken from the query."""
        if {"access_token", "oauth_token"} & set(request.query):
            self.world.violation("token_in_query", path=request.path)
        access = self.grants.find_access(bearer(request) or "")
        account = self.world.account_by_sub(access.sub) if access else None
        return (access, account) if access and account else None

    async def userinfo(self, request: web.Request) -> web.Response:
        """GET /oauth2/v2/userinfo (``id``, ``verified_email``) and OIDC (``sub``, …)."""
        who = self.signed_in(request)
        if who is None:
            return unauthorized(request)
        access, account = who
        if not set(access.scopes) & set(SIGN_IN):
            return api_error(403, "insufficientPermissions",
                             "Request had insufficient authentication scopes.")
        oidc = request.path.endswith("/v1/userinfo")
        return json_answer({
            "sub" if oidc else "id": account.sub,
            **self.about(account, access.scopes, "email_verified" if oidc else "verified_email"),
            **UNANNOUNCED})

    async def tokeninfo(self, request: web.Request) -> web.Response:
        """What a live access token is good for: bearer header, or ``access_token``."""
        try:
            body = await request.read()
            form = read_form(request, body) if body else {}
        except BadForm as error:
            return oauth_error(400, "invalid_request", str(error))
        text = bearer(request) or form.get("access_token") or request.query.get("access_token", "")
        access = self.grants.find_access(text)
        account = self.world.account_by_sub(access.sub) if access else None
        if access is None or account is None:
            return oauth_error(400, "invalid_token", "Invalid Value")
        answer = {"azp": access.client_id, "aud": access.client_id, "sub": access.sub,
                  "scope": " ".join(access.scopes), "exp": str(int(access.expires)),
                  "expires_in": str(int(access.expires - self.world.clock.now())),
                  "access_type": "offline" if access.offline else "online"}
        if AUTH + "userinfo.email" in access.scopes:
            answer.update({"email": account.email, "email_verified": "true"})
        return json_answer(answer)


def unauthorized(request: web.Request) -> web.Response:
    """401, in one way for no token and in another for a dead one."""
    if bearer(request) is None:
        answer = api_error(401, "required", "Login Required.", ("header", "Authorization"))
        answer.headers[hdrs.WWW_AUTHENTICATE] = REALM
        return answer
    return api_error(401, "authError", "Invalid Credentials", ("header", "Authorization"))
