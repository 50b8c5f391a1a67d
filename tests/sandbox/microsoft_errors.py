"""Microsoft's refusals: the AADSTS rows of the identity platform, and Graph's error envelope."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from aiohttp import hdrs, web

from .wire import json_answer
from .world import World

GRAPH_TYPE = ("application/json;odata.metadata=minimal;odata.streaming=true;"
              "IEEE754Compatible=false;charset=utf-8")


@dataclass
class Row:
    """One AADSTS code. ``told``: whether the application hears of it at the authorize URL."""

    error: str
    text: str
    suberror: str = ""
    told: bool = False


ROWS: dict[int, Row] = {
    28002: Row("invalid_scope", "The scope in the request is invalid."),
    28003: Row("invalid_scope", "The scope cannot be empty when requesting an access token."),
    50020: Row("interaction_required", "The user account does not exist in this tenant.",
               told=True),
    50033: Row("server_error", "A transient error has occurred. Please try again."),
    50034: Row("invalid_grant", "The user account does not exist in the directory."),
    50057: Row("invalid_grant", "The user account is disabled.", told=True),
    50011: Row("invalid_request", "The redirect URI specified in the request does not match the "
               "redirect URIs configured for the application."),
    50074: Row("interaction_required", "Strong authentication is required.", "basic_action", True),
    50076: Row("interaction_required", "You must use multi-factor authentication to access this "
               "resource.", "basic_action", True),
    50078: Row("interaction_required", "Presented multi-factor authentication has expired.",
               "basic_action", True),
    50079: Row("interaction_required", "The user must enroll in multi-factor authentication.",
               "basic_action", True),
    50105: Row("invalid_grant", "The signed in user is not assigned to a role for the "
               "application.", told=True),
    50147: Row("invalid_request", "Invalid size of Code_Challenge parameter."),
    50158: Row("interaction_required", "External security challenge not satisfied.",
               "basic_action", True),
    50173: Row("invalid_grant", "The provided grant has expired due to it being revoked, a fresh "
               "auth token is needed.", "bad_token"),
    50194: Row("invalid_request", "The application is not configured as a multi-tenant "
               "application. Usage of the /common endpoint is not supported."),
    50196: Row("invalid_request", "The server terminated an operation because it encountered a "
               "client request loop."),
    51004: Row("invalid_grant", "The user account does not exist in the directory."),
    53000: Row("interaction_required", "The device is not in required device state.",
               "message_only", True),
    53003: Row("interaction_required", "Access has been blocked by Conditional Access policies.",
               "message_only", True),
    53011: Row("interaction_required", "The user is blocked due to risk on the home tenant.",
               "message_only", True),
    54005: Row("invalid_grant", "OAuth2 Authorization code was already redeemed, please retry "
               "with a new valid code or use an existing refresh token."),
    65001: Row("invalid_grant", "The user or administrator has not consented to use the "
               "application. Send an interactive authorization request for this user and "
               "resource.", "consent_required"),
    65004: Row("access_denied", "The user declined to consent to access the app.", told=True),
    70000: Row("invalid_grant", "The provided grant is invalid or malformed."),
    70002: Row("invalid_client", "The request body must contain the client's credentials."),
    70003: Row("unsupported_grant_type", "The app requested an unsupported grant type."),
    70008: Row("invalid_grant", "The provided authorization code or refresh token has expired "
               "due to inactivity. Send a new interactive authorization request."),
    70011: Row("invalid_scope", "The provided value for the input parameter 'scope' is not "
               "valid."),
    70012: Row("server_error", "A server error occurred while authenticating an MSA user."),
    70043: Row("invalid_grant", "The refresh token has expired or is invalid due to sign-in "
               "frequency checks by Conditional Access.", "bad_token"),
    90002: Row("invalid_request", "Tenant not found."),
    90006: Row("server_error", "The service is temporarily unavailable."),
    90014: Row("invalid_request", "The required field is missing from the request."),
    90024: Row("server_error", "The service is temporarily unavailable."),
    90033: Row("temporarily_unavailable", "The service is temporarily unavailable."),
    90094: Row("consent_required", "The grant requires administrator permissions.", told=True),
    90095: Row("consent_required", "The user has sent a request for the administrator's "
               "approval.", told=True),
    501481: Row("invalid_grant", "The Code_Verifier does not match the code_challenge supplied "
                "in the authorization request."),
    530032: Row("interaction_required", "Blocked by a security policy.", "message_only", True),
    650056: Row("invalid_request", "Misconfigured application."),
    700005: Row("invalid_grant", "The provided authorization code is intended to be used with "
                "another tenant."),
    700016: Row("unauthorized_client", "The application was not found in the directory."),
    700022: Row("invalid_request", "The provided value for the input parameter 'scope' is not "
                "valid because it contains more than one resource."),
    700082: Row("invalid_grant", "The refresh token has expired due to inactivity."),
    700084: Row("invalid_grant", "The refresh token was issued to a single page app and has a "
                "fixed, limited lifetime."),
    900144: Row("invalid_request", "The request body must contain a parameter that is missing."),
    7000215: Row("invalid_client", "Invalid client secret provided. Ensure the secret being sent "
                 "in the request is the client secret value, not the client secret ID."),
    7000218: Row("invalid_client", "The request body must contain the following parameter: "
                 "'client_assertion' or 'client_secret'."),
    7000222: Row("invalid_client", "The provided client secret keys are expired."),
    9002313: Row("invalid_request", "Invalid request. Request is malformed or invalid."),
    9002332: Row("invalid_request", "The application is configured for use by Azure Active "
                 "Directory users only. Please do not use the /consumers endpoint."),
}


class AadRefused(Exception):
    """The identity platform says no."""

    def __init__(self, code: int, detail: str = "") -> None:
        super().__init__(f"AADSTS{code}")
        self.code = code
        self.detail = detail


class GraphRefused(Exception):
    """Graph says no."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def invalid(message: str) -> GraphRefused:
    return GraphRefused(400, "ErrorInvalidRequest", f"Your request can't be completed. {message}")


def bad_value(message: str) -> GraphRefused:
    """A member of the body that does not exist or has the wrong type."""
    return GraphRefused(400, "RequestBodyRead", message)


def failed_validation() -> GraphRefused:
    return GraphRefused(400, "ErrorPropertyValidationFailure",
                        "At least one property failed validation.")


def bad_query(message: str) -> GraphRefused:
    return GraphRefused(400, "BadRequest", message)


def not_found() -> GraphRefused:
    return GraphRefused(404, "ErrorItemNotFound",
                        "The specified object was not found in the store.")


def stamp(world: World) -> str:
    at = datetime.fromtimestamp(world.clock.now(), timezone.utc)
    return at.strftime("%Y-%m-%d %H:%M:%SZ")


def description(world: World, code: int, detail: str = "") -> str:
    """``error_description``: the code, a sentence, and three lines that change every time."""
    row = ROWS.get(code, Row("invalid_grant", "Error."))
    text = f"{row.text} {detail}".strip()
    return (f"AADSTS{code}: {text}\r\nTrace ID: {uuid.uuid4()}\r\n"
            f"Correlation ID: {uuid.uuid4()}\r\nTimestamp: {stamp(world)}")


def aad_error(world: World, code: int, detail: str = "", error: str = "",
              status: int = 0) -> web.Response:
    """An error of the token endpoint; ``error`` and ``status`` replace those of the row."""
    row = ROWS.get(code, Row("invalid_grant", "Error."))
    error = error or row.error
    transient = error in ("server_error", "temporarily_unavailable")
    status = status or (401 if error == "invalid_client" else 503 if transient else 400)
    body: dict[str, Any] = {
        "error": error, "error_description": description(world, code, detail),
        "error_codes": [code], "timestamp": stamp(world), "trace_id": str(uuid.uuid4()),
        "correlation_id": str(uuid.uuid4()),
        "error_uri": f"https://login.microsoftonline.com/error?code={code}"}
    if row.suberror:
        body["suberror"] = row.suberror
    if error == "interaction_required":
        body["claims"] = '{"access_token":{"capolids":{"essential":true,"values":["1"]}}}'
    return json_answer(body, status, pretty=False)


def graph_headers(request_headers: dict[str, str], request_id: str) -> dict[str, str]:
    """``request-id`` and, when the client sent one, its own id as it came."""
    headers = {"request-id": request_id}
    if "client-request-id" in request_headers:
        headers["client-request-id"] = request_headers["client-request-id"]
    return headers


def graph_error(world: World, status: int, code: str, message: str,
                request_headers: dict[str, str]) -> web.Response:
    """Graph's envelope; the inner error in the spelling that the settings ask for."""
    request_id = str(uuid.uuid4())
    if world.settings["camel_codes"]:
        code = code[0].lower() + code[1:]
    error: dict[str, Any] = {"code": code, "message": message}
    inner = world.settings["inner_error"]
    if inner != "omitted":
        date = datetime.fromtimestamp(world.clock.now(), timezone.utc)
        error[inner] = {"date": date.strftime("%Y-%m-%dT%H:%M:%S"), "request-id": request_id,
                        "client-request-id": request_headers.get("client-request-id",
                                                                 request_id)}
    headers = {hdrs.CONTENT_TYPE: "application/json",
               **graph_headers(request_headers, request_id)}
    if status == 401:
        headers[hdrs.WWW_AUTHENTICATE] = (
            'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/'
            'authorize", client_id="00000003-0000-0000-c000-000000000000"')
    return json_answer({"error": error}, status, headers, pretty=False)
