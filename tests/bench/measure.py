"""Measuring: load, CPU time, memory, and whether the counts of both ends agree."""

import json
import os
import subprocess
import threading
from pathlib import Path

WARM_S = 0.5  # of every measured run, in which the requests begin
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class WrongCount(Exception):
    """What was answered and what the provider has seen do not fit together."""


def cpu_seconds(pids):
    """User and system time of the processes and of their children that have ended.

    A worker that ended meanwhile is in its parent's time, so the list is made anew
    for each reading.
    """
    ticks = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/stat").read_bytes()
        except FileNotFoundError:
            continue
        ticks += sum(map(int, text.rpartition(b")")[2].split()[11:15]))
    return ticks * TICK_S


def memory_mib(pids):
    """Proportional set size of the processes, in MiB; None if we may not read it.

    Programs that forbid dumps of themselves, as calbridge does, show it to root alone.
    """
    kib = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except PermissionError:
            return None
        except (FileNotFoundError, ProcessLookupError):
            continue
        kib += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kib / 1024


class Load:
    """The load generator, and the numbers it gives to requests: none is used twice."""

    def __init__(self, place):
        self.place = place
        self.first = 1

    def argv(self, app, connections, headers, limit):
        argv = [self.place.program("loadgen"), "--url", app.url, "--ca", self.place.ca,
                "-c", connections, "--first", self.first, "--body", app.body(), *limit]
        for line in headers or app.headers():
            argv += ["--header", line]
        self.first += 10_000_000
        return list(map(str, argv))

    def run(self, app, connections, *, seconds=None, count=None, warm=None, headers=None):
        """Loads app; returns what the generator saw.

        The requests begin all at once, or spread over warm seconds before the measured ones.
        """
        limit = ["--count", count] if count else ["--seconds", seconds]
        limit += ["--warm", warm] if warm else []
        argv = self.argv(app, connections, headers, limit)
        done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise RuntimeError("the load generator failed")
        return json.loads(done.stdout)


def good_answers(seen):
    return sum(n for status, n in seen["status"].items() if status.startswith("2"))


def check_counts(app, seen, stub):
    """Every request answered 2xx, each of them one event at the provider, and no other."""
    good = good_answers(seen)
    if seen["errors"] or good != seen["sent"]:
        raise WrongCount(f"{app.name}: {seen['sent']} sent, {good} answered 2xx, "
                         f"{seen['errors']} errors, {seen['status']}: {seen['sample']}")
    if app.sends_event and not (stub["events"] == stub["ids"] == good):
        raise WrongCount(f"{app.name}: {good} answered 2xx, the provider was called "
                         f"{stub['events']} times for {stub['ids']} events: {stub}")


class MemorySampler:
    """Watches the memory of a program meanwhile; most is the most it had, in MiB."""

    def __init__(self, app, every_s):
        self.app, self.every_s = app, every_s
        self.done = threading.Event()
        self.most = None
        self.thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()

    def _watch(self):
        while not self.done.wait(self.every_s):
            now = memory_mib(self.app.pids())
            if now is not None:
                self.most = max(self.most or 0, now)


def window(load, app, connections, seconds):
    """One measured run of a warm program: a dictionary of figures per request.

    CPU time is that of whole processes from before the first request until after the
    last answer, divided by all answers.
    """
    place = load.place
    others = ("nginx", "mariadbd", "provider_stub")
    services = {app.name: app.service, **{name: place.services[name] for name in others}}

    def cpu():
        return {name: cpu_seconds(place.members(service)) for name, service in services.items()}

    place.stub("/reset")
    before = cpu()
    with MemorySampler(app, seconds / 4) as memory:
        seen = load.run(app, connections, seconds=seconds, warm=WARM_S)
    after = cpu()
    stub = place.stub("/stats", "GET")
    check_counts(app, seen, stub)
    ms = {name: (after[name] - before[name]) * 1000 / seen["answered"] for name in services}
    return {
        "requests": seen["answered"], "per_s": seen["per_s"],
        "p50_ms": seen["p50_ms"], "p99_ms": seen["p99_ms"], "max_ms": seen["max_ms"],
        "app_cpu_ms": ms.pop(app.name), "other_cpu_ms": ms,
        "memory_mib": memory.most, "in_flight_max": stub["in_flight_max"],
        "new_tls_per_1000": stub["connections"] * 1000 / seen["answered"],
    }
