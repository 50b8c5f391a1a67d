"""How hard each account is worked: its calls within any minute, and its requests at once."""

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

MINUTE_S = 60.0


@dataclass
class Load:
    """One account at one provider. The clock is the machine's: tests cannot stretch a minute."""

    calls: int = 0
    at_once: int = 0
    most_in_60_s: int = 0
    most_at_once: int = 0
    times: deque[float] = field(default_factory=deque)

    @property
    def in_60_s(self) -> int:
        return len(self.times)

    def begin(self) -> None:
        now = time.monotonic()
        self.calls += 1
        self.times.append(now)
        while self.times[0] <= now - MINUTE_S:
            self.times.popleft()
        self.at_once += 1
        self.most_in_60_s = max(self.most_in_60_s, self.in_60_s)
        self.most_at_once = max(self.most_at_once, self.at_once)

    def end(self) -> None:
        self.at_once -= 1

    def forget(self) -> None:
        """Begin to count again; what is under way still is."""
        self.calls = self.most_in_60_s = 0
        self.times.clear()
        self.most_at_once = self.at_once


class Loads:
    """All of them, by provider and account."""

    def __init__(self) -> None:
        self.loads: dict[tuple[str, str], Load] = {}

    def of(self, provider: str, account: str) -> Load:
        return self.loads.setdefault((provider, account.lower()), Load())

    def forget(self) -> None:
        for load in self.loads.values():
            load.forget()

    def as_json(self) -> list[dict[str, Any]]:
        return [{"provider": provider, "account": account, "calls": load.calls,
                 "in_60_s": load.most_in_60_s, "at_once": load.most_at_once}
                for (provider, account), load in self.loads.items()]
