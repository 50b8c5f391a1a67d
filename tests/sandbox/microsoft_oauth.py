"""Microsoft's token endpoint, its metadata, and who is behind a bearer token.

Imitated: form bodies only; client authentication in the body or by HTTP Basic; a code is
redeemed at the tenant that it came from; a refresh token only for ``offline_access``; refreshing
rotates; ``scope`` never lists ``offline_access``; an id_token for ``openid``.
"""

from typing import Any

from aiohttp import web

from .grants import AccessToken, lifetime, refresh_member
from .idtoken import SigningKey
from .microsoft_consent import MicrosoftConsent, read_scopes
from .microsoft_errors import AadRefused, aad_error
from .microsoft_grants import GRAPH, SIGN_IN, MicrosoftGrants
from .microsoft_ids import object_id, pairwise, tenant_of
from .wire import (UNANNOUNCED, BadCredentials, BadForm, basic_credentials, bearer, json_answer,
                   read_form)
from .world import Account, Client, World


class MicrosoftOAuth:
    """The endpoints of the identity platform that clients call."""

    def __init__(self, world: World, grants: MicrosoftGrants, consent: MicrosoftConsent,
                 key: SigningKey) -> None:
        self.world = world
        self.grants = grants
        self.consent = consent
        self.key = key

    def client(self, request: web.Request, form: dict[str, str]) -> Client:
        """The client that asks, its secret checked."""
        try:
            basic = basic_credentials(request)
        except BadCredentials as error:
            raise AadRefused(7000218) from error
        if basic is not None and ("client_secret" in form
                                  or form.get("client_id", basic[0]) != basic[0]):
            raise AadRefused(9002313, "Client authentication was sent twice.")
        client_id, secret = basic or (form.get("client_id", ""), form.get("client_secret"))
        if not client_id:
            raise AadRefused(900144, "Missing: client_id")
        client = self.world.client("microsoft", client_id)
        if client is None:
            raise AadRefused(700016)
        if secret is None:
            raise AadRefused(7000218)
        if secret != client.secret:
            raise AadRefused(7000215)
        return client

    async def token(self, request: web.Request) -> web.Response:
        """POST /{tenant}/oauth2/v2.0/token: exchange of a code, or refresh."""
        try:
            if request.query_string:
                self.world.violation("token_request_in_query", query=request.query_string)
            tenant = request.match_info["tenant"]
            if not self.consent.tenant_known(tenant):
                raise AadRefused(90002, tenant)
            form = read_form(request, await request.read())
            answer = await self.answer(request, tenant, form)
        except BadForm as error:
            return aad_error(self.world, 9002313, str(error))
        except AadRefused as error:
            return aad_error(self.world, error.code, error.detail)
        return json_answer(answer, pretty=False)

    async def answer(self, request: web.Request, tenant: str,
                     form: dict[str, str]) -> dict[str, Any]:
        ways = {"authorization_code": ("code", self.exchange),
                "refresh_token": ("refresh_token", self.refresh)}
        if not form.get("grant_type"):
            raise AadRefused(900144, "Missing: grant_type")
        if form["grant_type"] not in ways:
            raise AadRefused(70003)
        name, way = ways[form["grant_type"]]
        client = self.client(request, form)
        if not form.get(name):
            raise AadRefused(900144, f"Missing: {name}")
        return await way(client, tenant, form)

    async def exchange(self, client: Client, tenant: str, form: dict[str, str]) -> dict[str, Any]:
        """grant_type=authorization_code."""
        wanted = self.wanted(form)
        code = self.grants.redeem(client, tenant, form)
        if wanted is not None and not wanted <= set(code.scopes):
            raise AadRefused(65001)
        access = self.grants.make_access(client, code.sub, code.scopes, [])
        answer = self.members(access)
        if code.refreshable:
            fresh = self.grants.make_refresh(client, code.sub, code.scopes, tenant)
            answer.update(refresh_member(self.world.settings, "code_refresh_token", "sent",
                                         {"sent": fresh.token}))
        if "openid" in access.scopes:
            answer["id_token"] = self.id_token(access, code.nonce)
        return answer

    async def refresh(self, client: Client, tenant: str, form: dict[str, str]) -> dict[str, Any]:
        """grant_type=refresh_token. The old token stays alive, unless the switch says rotated."""
        token = self.grants.find_refresh(client, tenant, form["refresh_token"])
        wanted = self.wanted(form)
        granted = self.grants.granted[token.sub, client.project]
        if wanted is not None and not wanted <= granted:
            raise AadRefused(65001)
        scopes = token.scopes if wanted is None else sorted(wanted | (
            set(token.scopes) & set(SIGN_IN)))
        access = self.grants.make_access(client, token.sub, scopes,
                                         self.world.settings["refresh_withheld_scopes"])
        answer = self.members(access)
        fresh = self.grants.make_refresh(client, token.sub, token.scopes, tenant)
        if self.world.settings["refresh_refresh_token"] == "rotated":
            token.state = "rotated"
        answer.update(refresh_member(self.world.settings, "refresh_refresh_token", "rotated",
                                     {"rotated": fresh.token, "same": token.token}))
        if "openid" in access.scopes:
            answer["id_token"] = self.id_token(access, "")
        return answer

    def wanted(self, form: dict[str, str]) -> set[str] | None:
        """The scopes that the form names, None if it names none: of one resource, and known."""
        if "scope" not in form:
            return None
        foreign = [word for word in form["scope"].split()
                   if word.startswith("https://") and not word.lower().startswith(GRAPH)]
        if foreign:
            raise AadRefused(700022)
        scopes = read_scopes(form["scope"])
        if not scopes:
            raise AadRefused(28003 if scopes is not None else 70011)
        return scopes

    def members(self, access: AccessToken) -> dict[str, Any]:
        """What both grants answer."""
        form = {"short": str, "full": GRAPH.__add__,
                "shouted": lambda scope: (GRAPH + scope).upper()}[self.world.settings["scopes_as"]]
        shown = [scope if scope in SIGN_IN else form(scope)
                 for scope in access.scopes if scope != "offline_access"]
        members = lifetime(self.world.settings)
        if members:
            members["ext_expires_in"] = members["expires_in"]
        return {"token_type": "Bearer", "scope": " ".join(reversed(shown)), **members,
                "access_token": access.token, **UNANNOUNCED}

    def id_token(self, access: AccessToken, nonce: str) -> str:
        """A signed id_token for the account, with the claims its scopes open."""
        account = self.grants.person(access.sub)
        now, tenant = int(self.world.clock.now()), tenant_of(account)
        claims: dict[str, Any] = {
            "ver": "2.0", "iss": f"{self.world.base}/microsoft/{tenant}/v2.0",
            "aud": access.client_id, "sub": pairwise(account, access.client_id), "tid": tenant,
            "iat": now, "nbf": now, "exp": now + 3600, "rh": "0.AXo."}
        if "profile" in access.scopes:
            claims.update({"oid": object_id(account), "name": account.name,
                           "preferred_username": account.email})
        if "email" in access.scopes:
            claims["email"] = account.email
        if nonce:
            claims["nonce"] = nonce
        return self.key.sign(claims)

    async def keys(self, _request: web.Request) -> web.Response:
        return json_answer({"keys": [self.key.jwk()]}, pretty=False)

    async def metadata(self, request: web.Request) -> web.Response:
        """OpenID Connect discovery; without a tenant of its own the issuer is a template."""
        tenant = request.match_info["tenant"]
        base = f"{self.world.base}/microsoft"
        owner = "{tenantid}" if tenant in ("common", "organizations") else tenant
        return json_answer({
            "issuer": f"{base}/{owner}/v2.0",
            "authorization_endpoint": f"{base}/{tenant}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/{tenant}/oauth2/v2.0/token",
            "jwks_uri": f"{base}/{tenant}/discovery/v2.0/keys",
            "response_types_supported": ["code"], "scopes_supported": list(SIGN_IN),
            "token_endpoint_auth_methods_supported": ["client_secret_post",
                                                      "client_secret_basic"],
            "id_token_signing_alg_values_supported": ["RS256"]}, pretty=False)

    def signed_in(self, request: web.Request) -> tuple[AccessToken, Account] | None:
        """Whose bearer token this is, None without a live one. Never taken from the query."""
        if "access_token" in request.query:
            self.world.violation("token_in_query", path=request.path)
        access = self.grants.find_access(bearer(request) or "")
        account = self.world.account_by_sub(access.sub) if access else None
        return (access, account) if access and account else None
