"""What shall go wrong: ordered rules, and the requests that are being held.

A rule is ``{"match": {...}, "fault": {"kind": ...}}``. The first rule that matches and is due
is taken. ``match`` may have

    method   "POST"                    path     regular expression, searched in the path
    account  e-mail address            body     regular expression, searched in the body
    nth      1: from the nth request that matches on (default the first)
    count    how many it hits (default 1; null: every one until the rule is deleted)

Kinds, with their further members (``after``: true stores first and spoils the answer only):

    error      status, reason, message, retry_after (seconds), retry_after_date (seconds from
               now, sent as a date), headers, body (replaces the provider's envelope); after
    unauthorized_once, invalid_grant, invalid_client, rateLimitExceeded, userRateLimitExceeded,
    quotaExceeded, insufficientPermissions, too_many_requests, backendError: error, filled in,
    in the words of the provider that is asked
    MailboxNotEnabledForRESTAPI, ApplicationThrottled, aadsts (``code``): Microsoft's, the last
    at its token endpoint or authorize URL
    hold       keeps the request, nothing stored, until it is released; dropped if the client
               leaves, unless ``keep`` is true: then it is stored on release all the same
    store_then_hold      stores, answers when released
    store_then_timeout   stores, never answers; the connection is closed when released
    store_then_reset     stores, closes the connection without an answer
    reset                closes the connection, nothing stored
    truncate   stores, cuts the answer; ``form``: "length" (default) or "chunked"
    html, empty, huge (``bytes``, default 10 MB), redirect (``location``); status; after
    trickle    stores, answers ``bytes`` (1) at a time every ``interval_ms`` (1000)
    slow       ``ms`` (default 1000) before anything else happens
"""

import asyncio
import itertools
import re
from dataclasses import dataclass, field
from typing import Any

from .record import Bell, Seen
from .world import BadSetting

PRESETS: dict[str, dict[str, Any]] = {
    "unauthorized_once": {"status": 401, "reason": "authError", "message": "Invalid Credentials"},
    "invalid_grant": {"status": 400, "reason": "invalid_grant",
                      "message": "Token has been expired or revoked."},
    "invalid_client": {"status": 401, "reason": "invalid_client", "message": "Unauthorized"},
    "rateLimitExceeded": {"status": 403, "reason": "rateLimitExceeded",
                          "message": "Rate Limit Exceeded"},
    "userRateLimitExceeded": {"status": 403, "reason": "userRateLimitExceeded",
                              "message": "User Rate Limit Exceeded"},
    "quotaExceeded": {"status": 403, "reason": "quotaExceeded",
                      "message": "Calendar usage limits exceeded."},
    "insufficientPermissions": {
        "status": 403, "reason": "insufficientPermissions",
        "message": "Request had insufficient authentication scopes."},
    "too_many_requests": {"status": 429, "reason": "rateLimitExceeded",
                          "message": "Rate Limit Exceeded"},
    "backendError": {"status": 503, "reason": "backendError", "message": "Backend Error"},
    "aadsts": {"status": 400},
    "MailboxNotEnabledForRESTAPI": {
        "status": 404, "reason": "MailboxNotEnabledForRESTAPI",
        "message": "The mailbox is either inactive, soft-deleted, or is hosted on-premise."},
    "ApplicationThrottled": {
        "status": 429, "reason": "ApplicationThrottled",
        "message": "Application is over its MailboxConcurrency limit."},
}
KINDS = {"error", "hold", "store_then_hold", "store_then_timeout", "store_then_reset", "reset",
         "truncate", "html", "empty", "huge", "redirect", "trickle", "slow", *PRESETS}
MATCH = {"method", "path", "account", "body", "nth", "count"}
MEMBERS = {"kind", "after", "status", "reason", "code", "message", "retry_after",
           "retry_after_date", "headers", "body", "keep", "form", "bytes", "location",
           "interval_ms", "ms"}
POLL_S = 0.02


@dataclass
class Rule:
    """One rule; ``met`` counts the requests that matched, ``hits`` those that it spoiled."""

    id: str
    match: dict[str, Any]
    fault: dict[str, Any]
    met: int = 0
    hits: int = 0

    def wants(self, seen: Seen) -> bool:
        match = self.match
        return (match.get("method") in (None, seen.method)
                and match.get("account") in (None, seen.account)
                and bool(re.search(match.get("path", ""), seen.path))
                and bool(re.search(match.get("body", ""), seen.body.decode("utf-8", "replace"))))

    def due(self) -> bool:
        count = self.match.get("count", 1)
        return self.met >= self.match.get("nth", 1) and (count is None or self.hits < count)

    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, "match": self.match, "fault": self.fault, "met": self.met,
                "hits": self.hits}


@dataclass
class Held:
    """A request that waits. ``stored`` says whether the provider has acted on it."""

    id: str
    seen: Seen
    stored: bool
    go: asyncio.Event = field(default_factory=asyncio.Event)
    client_left: bool = False

    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, "stored": self.stored, "client_left": self.client_left,
                "request": self.seen.as_json()}


class Faults:
    """The rules in force and the requests held by them."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.held: list[Held] = []
        self.bell = Bell()
        self.ids = itertools.count(1)

    def add(self, match: dict[str, Any], fault: dict[str, Any]) -> Rule:
        unknown = (set(match) - MATCH) | (set(fault) - MEMBERS)
        if unknown or fault.get("kind") not in KINDS:
            raise BadSetting(f"unknown fault or member: {sorted(unknown) or fault.get('kind')}")
        try:
            re.compile(match.get("path", ""))
            re.compile(match.get("body", ""))
        except re.error as error:
            raise BadSetting(f"bad regular expression: {error}") from error
        filled = {**PRESETS.get(fault["kind"], {}), **fault}
        rule = Rule(f"f{next(self.ids)}", match, filled)
        self.rules.append(rule)
        return rule

    def remove(self, rule_id: str = "") -> int:
        """Remove one rule, or all; how many there were."""
        kept = [rule for rule in self.rules if rule_id and rule.id != rule_id]
        removed = len(self.rules) - len(kept)
        self.rules = kept
        return removed

    def take(self, seen: Seen) -> dict[str, Any] | None:
        """The fault for this request. Every rule counts it; the first one due spoils it."""
        taken: Rule | None = None
        for rule in self.rules:
            if not rule.wants(seen):
                continue
            rule.met += 1
            if taken is None and rule.due():
                rule.hits += 1
                taken = rule
        return None if taken is None else taken.fault

    async def hold(self, seen: Seen, stored: bool, request: Any, keep: bool = False) -> bool:
        """Wait until released (True), or, unless ``keep``, until the client left (False)."""
        held = Held(f"h{next(self.ids)}", seen, stored)
        self.held.append(held)
        self.bell.ring()
        try:
            while not held.go.is_set():
                if not held.client_left and client_left(request):
                    held.client_left = True
                    self.bell.ring()
                if held.client_left and not keep:
                    return False
                try:
                    await asyncio.wait_for(held.go.wait(), POLL_S)
                except asyncio.TimeoutError:
                    pass
            return keep or not client_left(request)
        finally:
            if held in self.held:
                self.held.remove(held)
            self.bell.ring()

    def release(self, held_id: str = "") -> int:
        """Let one held request go, or all; how many."""
        chosen = [held for held in self.held if not held_id or held.id == held_id]
        for held in chosen:
            held.go.set()
            self.held.remove(held)
        return len(chosen)


def client_left(request: Any) -> bool:
    """Whether nobody waits for the answer any more."""
    return request.transport is None or request.transport.is_closing()
