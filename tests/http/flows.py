"""What a test does before its own question, and how it counts what came of it.

A calendar is connected as a person connects it: consent asked for, given at the sandbox,
brought back by the browser. An invite is posted. Events, mails and rows are counted.
"""

import re
import subprocess
import uuid
from collections import Counter
from urllib.parse import urlencode

from stack.processes import clean_environment

HOST = "single_host_demo"       # DEMO_HOST_ID of the test stacks
ACCOUNT = "host@example.com"    # whose calendar the host connects
OTHER_ACCOUNT = "other@example.com"
GUESTS = ("ana@example.org", "milan@example.org")
INVITE = "/api/calendar/invite"
CONNECT = "/api/calendar-integration/connect/google/"
CALLBACK = "/api/calendar-integration/callback"
CALENDAR_API = "/google/calendar/v3/"
FAILED = "Failed to create calendar invite"
ABSENT = object()               # as a field's value: the field is left out


def cookies(answer):
    """What a browser would send back of an answer's cookies."""
    return "; ".join(line.split(";")[0] for line in answer.headers.get_all("Set-Cookie", []))


def begin_consent(stack, headers, owner, query=""):
    """Starts OAuth in a browser of its own: the provider's URL, and that browser's cookies."""
    start = stack.request("GET", CONNECT + owner + query,
                          headers={**headers, "Accept": "text/html"})
    assert start.status == 302, (start.status, start.text)
    return start.headers["Location"], cookies(start)


def connect(stack, headers, owner=HOST, account=ACCOUNT):
    """The owner connects an account's calendar, all the way."""
    url, cookie = begin_consent(stack, headers, owner)
    back = stack.sandbox.approve(url, account)
    end = stack.public.follow(back, headers={"Cookie": cookie, "Accept": "text/html"})
    if end.status == 200:
        end = confirm(stack, end, cookie)
    assert end.status == 302 and "calendar=connected" in end.headers["Location"], (
        end.status, end.headers.get("Location"), end.text)


def confirm(stack, page, cookie):
    """Clicks "Connect this calendar" on the page that asks about another account."""
    form = {**dict(re.findall(r'name="(\w+)" value="([^"]*)">\n', page.text)), "answer": "yes"}
    return stack.request("POST", CALLBACK, body=urlencode(form).encode(), headers={
        "Cookie": cookie, "Origin": stack.public.url, "Accept": "text/html",
        "Content-Type": "application/x-www-form-urlencoded"})


def wanted(**changes):
    """An invite's body with some fields changed."""
    body = {"slot": "2031-05-06T14:00:00Z", "title": "Coffee chat with Milan",
            "durationMinutes": 45, "inviteeEmails": list(GUESTS), **changes}
    return {name: value for name, value in body.items() if value is not ABSENT}


def invite(stack, headers, *, key=None, source=None, timeout=60.0, **changes):
    """Posts an invite; key is its Idempotency-Key."""
    sent = {**headers, **({"Idempotency-Key": key} if key else {})}
    return stack.request("POST", INVITE, data=wanted(**changes), headers=sent, source=source,
                         timeout=timeout)


def failure(answer):
    """Status, text and code of an error answer, whose request id is checked."""
    told = answer.json
    assert told["requestId"] == answer.headers["X-Request-Id"]
    assert answer.headers["Content-Type"].startswith("application/json")
    return answer.status, told["error"], told["code"]


def events(stack, account=ACCOUNT):
    """What stands in a calendar."""
    return [one for one in stack.sandbox.events(account) if one["status"] != "cancelled"]


def mails(stack, **query):
    """How many invitations each guest got."""
    return Counter(one["to"] for one in stack.sandbox.mail(**query) if one["kind"] == "invite")


def calls(stack, method="", **query):
    """What was asked of the calendar API."""
    return stack.sandbox.requests(CALENDAR_API, method=method or None, **query)


def inserts(stack):
    return calls(stack, "POST")


def refreshes(stack):
    """How often a refresh token was used."""
    return len(stack.sandbox.requests("/google/token$", body="grant_type=refresh_token"))


def rows(stack):
    """Our rows of invites, oldest first."""
    return stack.sql("SELECT HEX(id) AS id, state, event_ref, provider_event_id, generation, "
                     "attempt, error, request_id, answered FROM calendar_event_mappings "
                     "ORDER BY created_at, id")


def check_once(stack, answer=None, *, account=ACCOUNT, guests=GUESTS):
    """One event, told as the answer tells it, one row, one mail to each guest."""
    standing, kept = events(stack, account), rows(stack)
    assert len(standing) == 1, [one["id"] for one in standing]
    assert [row["state"] for row in kept] == ["placed"], kept
    assert kept[0]["provider_event_id"] == standing[0]["id"]
    assert mails(stack, account=account) == Counter(guests)
    if answer is not None:
        assert answer.status == 200, (answer.status, answer.text)
        told = answer.json
        assert told["calendarEventId"] == standing[0]["id"]
        assert told["eventId"] == kept[0]["event_ref"]


def check_nothing(stack):
    """No intent, and not a word to the provider's calendar API."""
    assert rows(stack) == []
    assert calls(stack) == []


def settle(stack):
    """One run of calbridge-sync, for which everything unfinished is due."""
    stack.sql("UPDATE calendar_event_mappings SET settle_at = UTC_TIMESTAMP(3) "
              "WHERE state IN ('intended', 'unsure')")
    done = subprocess.run(
        stack.account.command([str(stack.build / "calbridge-sync"), "--config",
                               str(stack.settings.path), "--once"]),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=clean_environment(), cwd="/", timeout=120, check=False)
    assert done.returncode == 0, done.stdout
    assert not re.search(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:",
                         done.stdout), done.stdout


def sign_in(stack, token):
    """Opens a session with a user token: the headers of its requests, writes included."""
    opened = stack.request("POST", "/api/session", data={}, headers={
        "Origin": stack.public.url, "Authorization": f"Bearer {token}"})
    assert opened.status in (200, 201), opened.text
    return {"Cookie": cookies(opened), "Origin": stack.public.url,
            "X-CSRF-Token": opened.json["csrfToken"]}


def new_key(stack, tenant="default", scope="events", name=None):
    """An API key made by the command line, as a header; each of a name of its own."""
    name = name or f"test {uuid.uuid4()}"
    printed = stack.cli("key", "create", "--tenant", tenant, "--scope", scope, "--name", name)
    return {"x-instructorops-key": printed.split()[-1]}
