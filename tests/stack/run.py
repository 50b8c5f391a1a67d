"""make run: the whole service on this machine, to look at and to try.

    /usr/bin/python3 tests/stack/run.py --build BUILD --run RUN

RUN keeps everything: the database, the keys, the certificates, the sandbox's calendars,
and calbridge.env, whose lower part is the user's. Put GOOGLE_CLIENT_ID and
GOOGLE_CLIENT_SECRET there, or Microsoft's, and the real ones are used instead of the sandbox.
CALBRIDGE_PORT (8443) and the two ports above it are used when they are free.
Ctrl-C, SIGTERM or SIGHUP stops it in order; killed in any other way it leaves no
process either.
"""

import argparse
import contextlib
import datetime
import fcntl
import json
import os
import shlex
import signal
import sys
import time
import zoneinfo
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])

from stack.processes import StackError  # noqa: E402
from stack.stack import PEOPLE, Stack  # noqa: E402

HOST = "single_host_demo"
EMAIL, ZONE, NAME = PEOPLE[0].split(",")
SETTINGS = {"DEMO_HOST_ID": HOST, "SANDBOX_NOTICE": "1"}
# The site's own defaults: the demo is limited as a real installation is.
SITE = {"RATE": 20, "BURST": 40, "CONNECTIONS": 100}
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def lock(folder):
    """Holds the data folder against a second run; kept open as long as we live."""
    file = open(folder / "lock", "a+", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        raise StackError(f"{folder} is in use by process {file.read().strip()}") from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def next_working_day():
    """The next working day in New York."""
    day = datetime.datetime.now(zoneinfo.ZoneInfo(ZONE)).date() + datetime.timedelta(days=1)
    while day.weekday() > 4:
        day += datetime.timedelta(days=1)
    return day


def curl_line(stack, path, body, *headers):
    words = ["curl", "--cacert", str(stack.authority.certificate)]
    for header in (*headers, "Content-Type: application/json"):
        words += ["-H", header]
    words += ["-d", json.dumps(body), stack.public.url + path]
    return " ".join(map(shlex.quote, words))


def invite_line(stack):
    """As the page of a front end sends it, which shows no key."""
    return curl_line(stack, "/api/calendar/invite", {
        "hostId": HOST, "slot": f"{next_working_day()}T10:00:00", "timeZone": ZONE,
        "title": "Coffee with Milan", "durationMinutes": 45,
        "inviteeEmails": ["milan@example.org"], "location": "Cafe Central"},
        f"Origin: {stack.public.url}")


def event_line(stack):
    """As the server of a booking site sends it."""
    day = next_working_day()
    return curl_line(stack, "/api/calendars/events", {
        "summary": "Piano lesson", "startTime": f"{day}T14:00:00", "endTime": f"{day}T14:45:00",
        "timeZone": ZONE, "attendees": [{"email": "ana@example.org"}], "sendNotifications": True},
        f"x-instructorops-key: {stack.settings['INSTRUCTOROPS_API_KEY']}",
        f"x-instructor-id: {HOST}")


def tell(stack):
    link = stack.cli("sign-in-link", "--tenant", "default", HOST)
    lines = ["", "calbridge is running. Ctrl-C stops it; the data stays in "
             f"{stack.folder}.", "",
             f"  dashboard    {stack.public.url}/dashboard/",
             f"  sign in      {link}"]
    if stack.sandboxed:
        lines += [f"  calendar     {stack.sandbox_front.url}/calendar/{EMAIL}",
                  "               (the sandbox stands in for Google and Outlook; no mail leaves here)"]
    lines += [f"  authority    {stack.authority.certificate}   (a browser asks once whether "
              "to trust it)", "",
              "Sign in, connect Google or Outlook, then send an invite:", "",
              f"  {invite_line(stack)}", "",
              "and an event, with this stack's own key:", "", f"  {event_line(stack)}", ""]
    print("\n".join(lines), flush=True)


def serve(stack):
    """Starts everything, shows what to open, waits for a signal."""
    with stack:
        if stack.ports.taken:
            print(f"note: port {stack.ports.taken} or one of the two above it is in use; "
                  f"taking {stack.ports.first} to {stack.ports[-1]}", flush=True)
        stack.cli("owner", "put", "--tenant", "default", "--id", HOST, "--email", EMAIL,
                  "--name", NAME, "--zone", ZONE)
        tell(stack)
        while True:
            time.sleep(1)
            stack.check_alive()


class Stopped(BaseException):
    """A signal asked us to stop; unwinds through the stack, which stops in order."""


def stop(_number, _frame):
    for number in SIGNALS:
        signal.signal(number, lambda *_: None)
    raise Stopped


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", required=True, type=Path, help="folder with the programs")
    parser.add_argument("--run", required=True, type=Path, help="folder that keeps the data")
    options = parser.parse_args()
    for number in SIGNALS:
        signal.signal(number, stop)
    try:
        options.run.mkdir(exist_ok=True)
        with lock(options.run):
            port = int(os.environ.get("CALBRIDGE_PORT") or 8443)
            stack = Stack(options.run, options.build, port=port, settings=SETTINGS, site=SITE)
            stack.own_settings["INSTRUCTOROPS_API_KEY"] = stack.settings.kept(
                "INSTRUCTOROPS_API_KEY")
            serve(stack)
    except Stopped:
        with contextlib.suppress(OSError):
            print("\ncalbridge has stopped", flush=True)
        return 0
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
