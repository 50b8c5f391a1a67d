"""Google's refusals: the Calendar API's error envelope in both forms, and the OAuth form."""

from typing import Any

from aiohttp import hdrs, web

from .wire import json_answer

REALM = 'Bearer realm="https://accounts.google.com/"'

STATUS_WORDS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED",
                404: "NOT_FOUND", 409: "ALREADY_EXISTS", 410: "NOT_FOUND",
                412: "FAILED_PRECONDITION", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL",
                503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED"}
DETAIL_REASONS = {"authError": "ACCESS_TOKEN_EXPIRED", "required": "CREDENTIALS_MISSING",
                  "insufficientPermissions": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
                  "rateLimitExceeded": "RATE_LIMIT_EXCEEDED"}
USAGE_REASONS = ("rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded")
# What the real one answers in the newer form today; the rest still comes in the older one.
NEW_FORM = (401, 429)


class Refused(Exception):
    """The Calendar API says no: status, reason, message, and what the refusal is about."""

    def __init__(self, status: int, reason: str, message: str,
                 where: tuple[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.where = where      # locationType and location, such as ("header", "If-Match")


class OAuthRefused(Exception):
    """The token endpoint says no."""

    def __init__(self, status: int, error: str, description: str = "") -> None:
        super().__init__(description or error)
        self.status = status
        self.error = error
        self.description = description


def invalid(message: str) -> Refused:
    return Refused(400, "invalid", message)


def required(message: str) -> Refused:
    return Refused(400, "required", message)


def bad_parameter(name: str, message: str) -> Refused:
    return Refused(400, "invalidParameter", message, ("parameter", name))


def envelope(status: int, reason: str, message: str, where: tuple[str, str] | None,
             form: str) -> dict[str, Any]:
    """The error body: ``form`` old, new, or mixed (as the real one mixes them)."""
    item: dict[str, Any] = {"domain": "usageLimits" if reason in USAGE_REASONS else "global",
                            "reason": reason, "message": message}
    if where is not None:
        item["locationType"], item["location"] = where
    error: dict[str, Any] = {"errors": [item], "code": status, "message": message}
    scope = reason == "insufficientPermissions"
    if form == "new" or (form == "mixed" and (status in NEW_FORM or scope)):
        error["status"] = STATUS_WORDS.get(status, "UNKNOWN")
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo",
                             "reason": DETAIL_REASONS.get(reason, reason),
                             "domain": "googleapis.com",
                             "metadata": {"service": "calendar-json.googleapis.com"}}]
    return {"error": error}


def api_error(status: int, reason: str, message: str, where: tuple[str, str] | None = None,
              form: str = "mixed") -> web.Response:
    """A Calendar API error with the headers that belong to it (RFC 6750, 3)."""
    headers = {}
    if status == 401:
        error = "" if reason == "required" else ', error="invalid_token"'
        headers[hdrs.WWW_AUTHENTICATE] = REALM + error
    elif reason == "insufficientPermissions":
        headers[hdrs.WWW_AUTHENTICATE] = (
            f'{REALM}, error="insufficient_scope", '
            'scope="https://www.googleapis.com/auth/calendar '
            'https://www.googleapis.com/auth/calendar.events"')
    return json_answer(envelope(status, reason, message, where, form), status, headers)


def oauth_error(status: int, error: str, description: str = "") -> web.Response:
    """An error of the token, revoke and tokeninfo endpoints (RFC 6749, 5.2)."""
    body = {"error": error}
    if description:
        body["error_description"] = description
    headers = {hdrs.WWW_AUTHENTICATE: "Basic"} if status == 401 else {}
    return json_answer(body, status, headers)
