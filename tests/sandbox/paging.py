"""Opaque tokens for pages and syncs: each is good for the query that it came from."""

import base64
import binascii
import hashlib
import json
from typing import Any

Query = dict[str, list[str]]


class BadToken(ValueError):
    """Not a token of ours, or one of another kind."""


def make_token(kind: str, **facts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps([kind, facts]).encode()).decode().rstrip("=")


def read_token(kind: str, text: str) -> dict[str, Any]:
    try:
        found, facts = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, TypeError) as error:
        raise BadToken(text) from error
    if found != kind:
        raise BadToken(text)
    return facts


def fingerprint(query: Query, leave_out: tuple[str, ...]) -> str:
    """The same query gives the same text; a token is good for its own query only."""
    kept = sorted((name, values) for name, values in query.items() if name not in leave_out)
    return hashlib.sha256(json.dumps(kept).encode()).hexdigest()[:16]
