"""What was asked of the sandbox: every request outside /control, in order of arrival."""

import asyncio
import re
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any, Callable

from aiohttp import web

KEPT_REQUESTS = 20000
KEPT_BODY = 256 * 1024


class Bell:
    """Wakes those who wait for a condition when something may have changed."""

    def __init__(self) -> None:
        self.event = asyncio.Event()

    def ring(self) -> None:
        self.event.set()
        self.event = asyncio.Event()

    async def wait_until(self, true: Callable[[], bool], seconds: float) -> bool:
        """Wait at most ``seconds``; says whether the condition holds."""
        end = asyncio.get_running_loop().time() + seconds
        while not true():
            left = end - asyncio.get_running_loop().time()
            if left <= 0:
                return False
            try:
                await asyncio.wait_for(self.event.wait(), left)
            except asyncio.TimeoutError:
                pass
        return True


@dataclass
class Seen:
    """One request. ``outcome``: open, answered, reset or left (the client went away)."""

    n: int
    time: float
    method: str
    path: str
    query_string: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes
    account: str = ""
    status: int | None = None
    outcome: str = "open"
    fault: str | None = None
    answered: float | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {"n": self.n, "time": self.time, "method": self.method, "path": self.path,
                "query_string": self.query_string, "query": dict(self.query),
                "headers": self.headers, "body": self.body.decode("utf-8", "replace"),
                "account": self.account, "status": self.status, "outcome": self.outcome,
                "fault": self.fault, "answered": self.answered}


class Records:
    """The last KEPT_REQUESTS requests and a count of all, by method and route."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.bell = Bell()
        self.last = 0
        self.requests: deque[Seen] = deque(maxlen=KEPT_REQUESTS)
        self.counters: Counter[str] = Counter()

    async def begin(self, request: web.Request) -> Seen:
        """Record a request; its body is read here, and cut to KEPT_BODY in the record."""
        body = await request.read()
        self.last += 1
        headers: dict[str, str] = {}
        for name, value in request.headers.items():
            known = headers.get(name.lower())
            headers[name.lower()] = value if known is None else f"{known}, {value}"
        seen = Seen(self.last, self.now(), request.method, request.path, request.query_string,
                    list(request.query.items()), headers, body[:KEPT_BODY])
        resource = request.match_info.route.resource
        self.counters[f"{request.method} {resource.canonical if resource else '*'}"] += 1
        self.requests.append(seen)
        return seen

    def end(self, seen: Seen, status: int | None, outcome: str = "answered") -> None:
        seen.status = status
        seen.outcome = outcome
        seen.answered = self.now()
        self.bell.ring()

    def find(self, path: str = "", method: str = "", account: str = "", body: str = "",
             since: int = 0, outcome: str = "") -> list[Seen]:
        """Requests after number ``since``; ``path`` and ``body`` are regular expressions."""
        return [seen for seen in self.requests
                if seen.n > since
                and re.search(path, seen.path)
                and (not method or seen.method == method)
                and (not account or seen.account == account)
                and (not outcome or seen.outcome == outcome)
                and (not body or re.search(body, seen.body.decode("utf-8", "replace")))]

    def reset(self) -> None:
        """Forget the requests; the numbers go on, so that ``since`` stays true."""
        self.requests.clear()
        self.counters.clear()
