"""Keeps the sandbox's state in one JSON file: written whole, synced and renamed into place."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any, Callable

PAUSE_S = 0.3
FORMAT = 1


class Saving:
    """Writes what ``dump`` returns, at most once every PAUSE_S seconds."""

    def __init__(self, folder: Path, dump: Callable[[], dict[str, Any]]) -> None:
        self.path = folder / "sandbox.json"
        self.dump = dump
        self.pending: asyncio.TimerHandle | None = None

    def read(self) -> dict[str, Any] | None:
        """What was saved, None the first time. A damaged file is an error, never a new start."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        saved = json.loads(text)
        if saved.get("format") != FORMAT:
            raise ValueError(f"{self.path} was written by another version of the sandbox")
        return saved

    def soon(self) -> None:
        """Something changed."""
        if self.pending is None:
            self.pending = asyncio.get_running_loop().call_later(PAUSE_S, self.now)

    def now(self) -> None:
        if self.pending is not None:
            self.pending.cancel()
            self.pending = None
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w",
                  encoding="utf-8") as file:
            json.dump({"format": FORMAT, **self.dump()}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, self.path)
