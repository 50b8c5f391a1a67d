#!/usr/bin/python3
"""make bench: calbridge-fcgi against hand-written floors, in one run, as ratios.

Everything runs on this machine at once: the load generator, nginx with TLS, the
program under test, MariaDB (innodb_flush_log_at_trx_commit=1) and a provider stub.
The rounds of the programs alternate, and a figure is the median of its rounds, so
that what else the machine does hits all alike; still, only ratios mean anything.

Timings never fail the run. It fails (status 1) on what must be exact: an answer
that is not 2xx, a request without an answer, an event that the provider has seen
twice or not at all, a second refresh.
"""

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(1, str(HERE))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from apps import Calbridge, Floor, Hello  # noqa: E402
from measure import Load, WrongCount, check_counts, memory_mib, window  # noqa: E402
from place import Place  # noqa: E402
from stack.crowd import Crowd  # noqa: E402

FEW, MANY = 32, 512          # connections
FEW_THREADS, MANY_THREADS = 16, 256  # of each of the two workers
SLOW_MS = 200                # the provider's time with MANY in flight
SILENT = 1000                # connections that are held open beside them, without a word
REFRESHERS = 200

# Recorded on the same kind of machine (2 cores) with the same load, not run here.
NODE = {"cpu_ms": 1.0, "per_s": 1313, "many_per_s": 1098, "many_p99_ms": 1296, "memory_mib": 352,
        "start_ms": 482, "idle_mib": 115}
FLOOR_PER_S_BESIDE_NODE = 4020


class Bench:
    """All measurements; results[phase][program] is a list with one entry a round."""

    def __init__(self, place, options):
        self.place, self.options = place, options
        self.load = Load(place)
        self.apps = [Floor(place)]
        if not options.floor_only:
            self.apps.append(Calbridge(place, options.by_key))
        self.hello = Hello(place)
        self.results = {}

    def note(self, phase, app, figures):
        self.results.setdefault(phase, {}).setdefault(app.name, []).append(figures)
        shown = ", ".join(f"{name} {value:.3f}" if isinstance(value, float) else f"{name} {value}"
                          for name, value in figures.items()
                          if value is not None and not isinstance(value, dict))
        print(f"  {phase:6} {app.name:10} {shown}", flush=True)

    def run(self):
        for app in self.apps:
            app.prepare()
        for number in range(self.options.rounds):
            print(f"round {number + 1} of {self.options.rounds}", flush=True)
            self.few(self.hello, "hello")
            for app in self.apps:
                self.few(app, "few")
            for app in self.apps:
                self.many(app)
            for app in self.apps:
                self.start_up(app)
        if not self.options.floor_only:
            self.refresh(self.apps[-1])

    def few(self, app, phase):
        """P1, P2: 32 connections, a provider that answers at once."""
        self.place.stub("/set?delay_ms=0")
        app.start(FEW_THREADS)
        try:
            self.load.run(app, FEW, seconds=self.options.warm_seconds)
            self.note(phase, app, window(self.load, app, FEW, self.options.seconds))
        finally:
            app.stop()

    def many(self, app):
        """P3, P4, P7: 512 in flight at a slow provider; then the load dips and rises."""
        self.place.stub(f"/set?delay_ms={SLOW_MS}")
        app.start(MANY_THREADS)
        try:
            self.load.run(app, MANY, seconds=self.options.warm_seconds)
            self.note("many", app, self.beside_silent_ones(app))
            self.note("dips", app, self.dips(app))
        finally:
            app.stop()

    def beside_silent_ones(self, app):
        """A measured run while other clients have connected and say nothing."""
        with Crowd(self.place.stack, SILENT) as silent:
            silent.hold()
            figures = window(self.load, app, MANY, self.options.seconds)
            figures["silent"] = silent.count_open()
        return figures

    def dips(self, app):
        self.place.stub("/reset")
        answered = 0
        for connections in (8, MANY, 8, MANY):
            seen = self.load.run(app, connections, seconds=self.options.dip_seconds)
            answered += seen["answered"]
        stub = self.place.stub("/stats", "GET")
        seen = {"sent": answered, "errors": 0, "status": {"200": answered}, "sample": ""}
        check_counts(app, seen, stub)
        return {"requests": answered, "new_tls": stub["connections"],
                "new_tls_per_1000": stub["connections"] * 1000 / answered}

    def start_up(self, app):
        """P6: from exec to the first event made, and memory before a second request."""
        self.place.stub("/set?delay_ms=0")
        taken = app.start(FEW_THREADS)
        try:
            self.note("start", app, {"start_ms": taken * 1000,
                                     "memory_mib": memory_mib(app.pids())})
        finally:
            app.stop()

    def refresh(self, app):
        """P5: many requests at once on an access token that has expired."""
        owners = [f"bench-refresh-{n}" for n in range(self.options.rounds)]
        self.place.stub("/set?delay_ms=0&token_delay_ms=0&expires_in=1")
        app.start(MANY_THREADS)
        try:
            for owner in owners:
                app.connect(owner)
            time.sleep(1.1)  # the tokens' life: their end is a moment, not an event
            self.place.stub(f"/set?token_delay_ms={SLOW_MS}&expires_in=3599")
            for owner in owners:
                self.note("expiry", app, self.refresh_once(app, owner))
        finally:
            app.stop()

    def refresh_once(self, app, owner):
        self.place.stub("/reset")
        headers = ["Content-Type: application/json",
                   f"Authorization: Bearer {app.user_token(owner)}"]
        seen = self.load.run(app, REFRESHERS, count=REFRESHERS, headers=headers)
        stub = self.place.stub("/stats", "GET")
        check_counts(app, seen, stub)
        if stub["refreshes"] != 1:
            raise WrongCount(f"{app.name}: {stub['refreshes']} refresh calls for {REFRESHERS} "
                             "requests on one expired token")
        return {"refreshes": stub["refreshes"], "max_ms": seen["max_ms"]}

    def median(self, phase, name, figure):
        """The median over the rounds; None if it was not measured."""
        rounds = self.results.get(phase, {}).get(name, [])
        values = [r[figure] for r in rounds if r.get(figure) is not None]
        return statistics.median(values) if values else None


# id, what it is, phase, figure, format, kind of target, target. A target of the kind
# "ratio" is set against the floor; "own" against the figure itself.
ROWS = (
    ("P1", "app CPU per request, 32 connections, ms", "few", "app_cpu_ms", "{:.3f}",
     "ratio", "<=", 1.6),
    ("P2", "requests/s, provider 0 ms, 32 connections", "few", "per_s", "{:.0f}",
     "ratio", ">=", 2.2 * NODE["per_s"] / FLOOR_PER_S_BESIDE_NODE),
    ("P3", "requests/s, 512 in flight, provider 200 ms,", "many", "per_s", "{:.0f}",
     "ratio", ">=", 0.9),
    ("", "  beside silent connections, open to the end", "many", "silent", "{:.0f}",
     "own", "=", SILENT),
    ("P3", "p99 of the same, ms", "many", "p99_ms", "{:.0f}", "ratio", "<=", 1.2),
    ("P4", "memory (PSS) at 512 in flight, MiB", "many", "memory_mib", "{:.1f}", "own", "<=", 56),
    ("P5", "refresh calls, 200 at once on an expired token", "expiry", "refreshes", "{:.0f}",
     "own", "=", 1),
    ("P6", "start to first answer, ms", "start", "start_ms", "{:.0f}", "own", "<=", 60),
    ("P6", "idle memory (PSS), 2 x 16 threads, MiB", "start", "memory_mib", "{:.1f}",
     "own", "<=", 16),
    ("P7", "new TLS connections per 1000, 512 in flight", "many", "new_tls_per_1000", "{:.2f}",
     "own", "<=", 1),
    ("P7", "the same while the load dips and rises", "dips", "new_tls_per_1000", "{:.2f}",
     "own", "<=", 1),
)

HOLDS = {"<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b, "=": lambda a, b: a == b}


def row_read(bench, row):
    """One row as numbers, for the table and for --json."""
    ident, text, phase, figure, form, kind, sign, target = row
    floor = bench.median(phase, "floor", figure)
    ours = bench.median(phase, "calbridge", figure)
    ratio = ours / floor if ours is not None and floor else None
    judged = ratio if kind == "ratio" else ours
    return {"id": ident, "what": text, "floor": floor, "calbridge": ours, "ratio": ratio,
            "target": {"of": kind, "sign": sign, "value": target},
            "holds": HOLDS[sign](judged, target) if judged is not None else None, "format": form}


def cell(value, form):
    return "-" if value is None else form.format(value)


def table_print(rows):
    head = ("", "", "floor", "calbridge", "ratio", "target", "")
    lines = [head]
    for row in rows:
        target = row["target"]
        unit = "x floor" if target["of"] == "ratio" else ""
        holds = {True: "holds", False: "MISSED", None: ""}[row["holds"]]
        lines.append((row["id"], row["what"], cell(row["floor"], row["format"]),
                      cell(row["calbridge"], row["format"]), cell(row["ratio"], "{:.2f}"),
                      f"{target['sign']} {target['value']:.4g}{unit}", holds))
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    print()
    for line in lines:
        cells = [text.ljust(width) if i in (0, 1, 5, 6) else text.rjust(width)
                 for i, (text, width) in enumerate(zip(line, widths))]
        print("  ".join(cells).rstrip())


def reference_print(bench):
    """What stands beside the table: the bare floor, and what was recorded elsewhere."""
    hello = bench.median("hello", "hello", "per_s")
    cpu = bench.median("hello", "hello", "app_cpu_ms")
    print(f"\nBare libfcgi (no database, no provider): {hello:.0f} requests/s, "
          f"{cpu:.3f} ms of CPU each.")
    if os.geteuid() != 0:
        print("Memory of calbridge is readable for root alone.")
    print(f"Recorded for Node 20 on such a machine, not run here: {NODE['cpu_ms']:.1f} ms, "
          f"{NODE['per_s']}/s; 512 in flight {NODE['many_per_s']}/s,\n"
          f"p99 {NODE['many_p99_ms']} ms, {NODE['memory_mib']} MiB; start {NODE['start_ms']} ms, "
          f"idle {NODE['idle_mib']} MiB; beside a floor of {FLOOR_PER_S_BESIDE_NODE}/s "
          "(P2: 2.2 x its share).")


def options_read():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", required=True, help="folder with the compiled programs")
    parser.add_argument("--rounds", type=int, help="rounds of each program (default 3)")
    parser.add_argument("--seconds", type=float, help="length of one measurement (default 6)")
    parser.add_argument("--quick", action="store_true", help="one round of 2 seconds")
    parser.add_argument("--floor-only", action="store_true", help="without calbridge")
    parser.add_argument("--by-key", action="store_true",
                        help="ask calbridge with an API key instead of a user token")
    parser.add_argument("--json", metavar="FILE", help="also write every figure to FILE")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.seconds = options.seconds or (2.0 if options.quick else 6.0)
    options.warm_seconds = options.dip_seconds = min(1.5, options.seconds)
    return options


def main():
    options = options_read()
    place = Place(options.build)
    bench = Bench(place, options)
    status = 0
    try:
        place.start()
        bench.run()
    except WrongCount as wrong:
        print(f"WRONG COUNT: {wrong}", file=sys.stderr)
        status = 1
    finally:
        place.stop()
    rows = [row_read(bench, row) for row in ROWS]
    table_print(rows)
    if status == 0:
        reference_print(bench)
    if options.json:
        Path(options.json).write_text(json.dumps(
            {"status": status, "rows": rows, "rounds": bench.results}, indent=1) + "\n",
            encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main())
