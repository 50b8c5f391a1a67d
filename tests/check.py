"""Runs the suites and ends with one line of totals: `N passed, N failed`.

Unit programs are cmocka groups that speak TAP; those that need a database are run below
tests/unit/with_mariadb.sh. The other suites are pytest's, against the real stack. Suites can be
chosen by the environment: CALBRIDGE_CHECK="unit http".
"""

import argparse
import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent
PYTEST_SUITES = ("sandbox", "conformance", "http", "crash", "browser", "deploy")
UNIT_LIMIT_S = 300


class Totals:
    """What has been counted so far."""

    def __init__(self) -> None:
        self.passed = self.failed = self.skipped = 0

    def add(self, passed: int, failed: int, skipped: int = 0) -> None:
        self.passed += passed
        self.failed += failed
        self.skipped += skipped

    def line(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def count(pattern: str, lines: list[str]) -> int:
    """Lines that begin so. A program that clears its environment speaks cmocka's plain form."""
    return sum(1 for line in lines if re.match(pattern, line, re.IGNORECASE))


def run_unit(command: list[str], name: str, totals: Totals) -> None:
    """One cmocka program. A crash, or no test at all, is a failure of its own."""
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP", TZ="UTC",
               srcdir=str(SOURCE))
    try:
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", timeout=UNIT_LIMIT_S, check=False)
        output, status = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        output, status = str(late.stdout or ""), f"longer than {UNIT_LIMIT_S} s"
    lines = output.splitlines()
    skipped = count(r"(not )?ok \d+.*# *skip|\[ *SKIPPED *\] \w", lines)
    passed = count(r"ok \d+(?!.*# *skip)|\[ +OK \]", lines)
    failed = count(r"not ok \d+(?!.*# *skip)|\[ *FAILED *\] \w+$", lines)
    if failed == 0 and (status != 0 or passed + skipped == 0):
        failed = 1
    totals.add(passed, failed, skipped)
    if failed:
        print(output)
        print(f"FAIL {name}: {failed} failed, exit {status}", flush=True)
    else:
        print(f"ok   {name}: {passed}", flush=True)


def run_units(args: argparse.Namespace, totals: Totals) -> None:
    for program in args.unit:
        run_unit([f"./{program}"], program, totals)
    fixture = SOURCE / "tests" / "unit" / "with_mariadb.sh"
    for program in args.unit_db:
        run_unit(["sh", str(fixture), f"./{program}"], program, totals)
    for program in args.replay:
        seeds = SOURCE / "tests" / "fuzz" / "seeds" / Path(program).name.removeprefix("replay_")
        run_unit([f"./{program}", str(seeds)], program, totals)


def run_pytest(suite: str, args: argparse.Namespace, totals: Totals) -> None:
    report = args.build / f"check-{suite}.xml"
    report.unlink(missing_ok=True)
    env = dict(os.environ, CALBRIDGE_BUILD=str(args.build), PYTHONDONTWRITEBYTECODE="1")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short",
               "--durations=5", f"--junit-xml={report}", str(SOURCE / "tests" / suite)]
    status = subprocess.run(command, env=env, cwd=SOURCE / "tests", check=False).returncode
    if not report.exists():
        print(f"FAIL {suite}: pytest left no report, exit {status}")
        totals.add(0, 1)
        return
    root = xml.etree.ElementTree.parse(report).getroot()
    counts = {key: sum(int(group.get(key, 0)) for group in root.iter("testsuite"))
              for key in ("tests", "failures", "errors", "skipped")}
    failed = counts["failures"] + counts["errors"]
    if status not in (0, 1) and failed == 0:
        failed = 1
    totals.add(max(counts["tests"] - failed - counts["skipped"], 0), failed, counts["skipped"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--unit", nargs="*", default=[])
    parser.add_argument("--unit-db", nargs="*", default=[])
    parser.add_argument("--replay", nargs="*", default=[])
    args = parser.parse_args()
    wanted = (os.environ.get("CALBRIDGE_CHECK") or " ".join(("unit", *PYTEST_SUITES))).split()
    totals = Totals()
    for suite in wanted:
        began = time.monotonic()
        print(f"--- {suite}", flush=True)
        if suite == "unit":
            run_units(args, totals)
        elif suite in PYTEST_SUITES and (SOURCE / "tests" / suite).is_dir():
            run_pytest(suite, args, totals)
        else:
            print(f"no such suite: {suite}")
            totals.add(0, 1)
        print(f"--- {suite}: {time.monotonic() - began:.0f} s", flush=True)
    print(totals.line(), flush=True)
    return 1 if totals.failed else 0


if __name__ == "__main__":
    sys.exit(main())
