"""Secrets stay where they belong: planted ones are looked for in everything that comes out.

A stack of its own logs at level debug while all flows run, good and bad ones; then logs, error
bodies, tables, command lines and environments are searched for every secret in every form.
"""

import base64
import json
import os
import re
import secrets
import signal
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, quote

import pytest
from conftest import running
from consent import (ACCOUNT, CALLBACK, CONNECT, HOST, OAUTH_COOKIE, OTHER_ACCOUNT, SESSION,
                     SESSION_COOKIE, Browser, Form, expire, living, parameters, token_calls)
from flows import INVITE, invite, new_key, settle, sign_in
from stack.guard import session_members, start_tick
from stack.processes import clean_environment, wait_for

SHORTEST = 12       # bytes; anything shorter could stand there by chance
TOKEN = {"path": "^/google/token$"}
# What an invite says, and to whom.
TITLE, NOTES, PLACE = (f"canary-{word}-{secrets.token_hex(8)}" for word in ("title", "notes",
    "place"))
GUEST = f"guest-{secrets.token_hex(8)}@guests.example.org"


def parts_in_base64(secret):
    """What any base64 of a longer text would show of the secret, wherever it begins."""
    for before in range(3):
        text = base64.b64encode(b"\0" * before + secret).rstrip(b"=")
        first = -(-before * 8 // 6)
        last = (before + len(secret)) * 8 // 6
        for one in (text, text.translate(bytes.maketrans(b"+/", b"-_"))):
            yield one[first:last]


def forms(secret):
    """The secret as it is, and in the forms that a log or a table might give it."""
    plain = {secret}
    try:
        raw = base64.urlsafe_b64decode(secret + b"=" * (-len(secret) % 4))
        if base64.urlsafe_b64encode(raw).rstrip(b"=") == secret:
            plain.add(raw)      # ours are 32 bytes in base64url
    except ValueError:
        pass
    for one in plain:
        if len(one) < SHORTEST:
            continue
        yield one
        yield one[::-1]
        yield from parts_in_base64(one)
        yield one.hex().encode()
        yield one.hex().upper().encode()
        for safe in ("", "/"):
            encoded = quote(one, safe=safe).encode()
            yield encoded
            yield re.sub(rb"%..", lambda found: found[0].lower(), encoded)


class Kept:
    """The secrets of a run by name, and every answer that was given meanwhile."""

    def __init__(self, stack):
        self.stack, self.known, self.answers = stack, {}, []
        self.ask, stack.public.request = stack.public.request, self.request

    def request(self, *args, **options):
        answer = self.ask(*args, **options)
        self.answers.append(answer)
        return answer

    def plant(self, name, secret):
        secret = secret.encode() if isinstance(secret, str) else secret
        assert len(secret) >= SHORTEST, name
        self.known.setdefault(name, set()).add(secret)

    def gather(self):
        """What settings, provider and browsers hold by now."""
        for name in ("JWT_SECRET", "DATABASE_PASSWORD", "DATABASE_MIGRATE_PASSWORD",
                     "GOOGLE_CLIENT_SECRET", "INSTRUCTOROPS_API_KEY", "METRICS_TOKEN"):
            self.plant(name, self.stack.settings[name])
        self.plant("master key", base64.b64decode(self.stack.key_ring.read_text().split()[1]))
        grants = self.stack.sandbox.grants()
        for kind in ("access", "refresh"):
            for one in grants[kind]:
                self.plant(f"{kind} token", one["token"])
        for call in token_calls(self.stack):
            form = parse_qs(call["body"])
            for name in ("code", "code_verifier", "refresh_token"):
                for value in form.get(name, ()):
                    self.plant(name, value)

    def found_in(self, text, *, but=()):
        """The names of the secrets that stand in a text, in any form."""
        return sorted(name for name, values in self.known.items() if name not in but
                      and any(form in text for value in values for form in forms(value)))


def a_session(stack, kept, jwt):
    """Signed in by link and by token, out again; what is shown for it is planted."""
    stack.cli("owner", "put", "--tenant", "default", "--id", HOST, "--email", ACCOUNT, "--name",
              "Demo Host", "--zone", "America/New_York")
    link = stack.cli("sign-in-link", "--tenant", "default",
                     HOST).partition("#sign-in=")[2]
    kept.plant("sign-in link", link)
    browser = Browser(stack, {"Origin": stack.public.url})
    for sent, credential in (({"signInToken": link}, {}), ({}, {"Authorization": f"Bearer {jwt}"}),
                             ({"signInToken": link}, {}), ({}, {"Authorization": f"Bearer {jwt}x"}),
                             ({"signInToken": jwt[:100], "other": link}, {})):
        answer = browser.request("POST", SESSION, data=sent, headers=credential)
        if answer.status == 200:
            kept.plant("csrf token", answer.json["csrfToken"])
            kept.plant("session cookie", browser.cookies[SESSION_COOKIE])
    token = browser.request("GET", SESSION).json["csrfToken"]
    browser.request("DELETE", SESSION, headers={"X-CSRF-Token": token[:-1] + "x"})
    browser.request("DELETE", SESSION, headers={"X-CSRF-Token": token})


def consents(stack, kept, headers):
    """Flows of every end."""
    browser = Browser(stack, headers)

    def begin():
        url = browser.begin()
        kept.plant("state", parameters(url)["state"])
        kept.plant("oauth cookie", browser.cookies[OAUTH_COOKIE])
        return url
    url = begin()
    back = stack.sandbox.approve(url, ACCOUNT)
    Browser(stack).come_back(back)                          # another browser
    browser.come_back(back + "&iss=https%3A%2F%2Fevil.example")
    browser.come_back(back)
    browser.come_back(back)
    browser.come_back(stack.sandbox.approve(begin(), ACCOUNT, allow=False))
    browser.come_back(stack.sandbox.approve(begin(), ACCOUNT, calendar=False))
    for kind in ("invalid_grant", "html", "truncate", "reset"):
        url = begin()
        stack.sandbox.fault(kind, match=TOKEN)
        browser.come_back(stack.sandbox.approve(url, ACCOUNT))
    for word in ("no", "yes"):
        page = browser.come_back(stack.sandbox.approve(begin(), OTHER_ACCOUNT))
        kept.plant("consent token", dict(Form(page).fields)["token"])
        Browser(stack).decide(page, word)
        browser.decide(page, word)
    answer = stack.request("GET", CONNECT + HOST, headers={**headers, "Accept": "application/json"})
    kept.plant("state", parameters(answer.json["authUrl"])["state"])
    Browser(stack).come_back(stack.sandbox.approve(answer.json["authUrl"], ACCOUNT))
    state = parameters(begin())["state"]
    for query in (f"state={state}&state={state}&code=x", f"state={state[:-1]}&code=x",
                  f"state={state}&code={state}&error=x"):
        browser.request("GET", f"{CALLBACK}?{query}")


def invites(stack, kept, headers):
    """Events that stand, are refused, and are not understood; tokens refreshed and refused."""
    said = {"title": TITLE, "description": NOTES, "location": PLACE, "inviteeEmails": [GUEST]}
    key = new_key(stack)
    kept.plant("API key", key["x-instructorops-key"])
    for credential in (headers, key, sign_in(stack, headers["Authorization"].split()[1])):
        invite(stack, credential, key=secrets.token_hex(8), **said)
    refresh, access = living(stack)
    echo = {"error": {"code": 400, "message": f"bad token {access} {refresh}", "status": access,
                      "errors": [{"reason": refresh, "message": TITLE}]}}
    for fault in ({"status": 400, "body": echo}, {"status": 500, "body": echo},
                  {"status": 403, "body": json.dumps(echo)},
                  {"status": 302, "body": access, "headers": {"Location": f"https://x/?{access}"}}):
        stack.sandbox.fault("error", match={"path": "/events$"}, **fault)
        invite(stack, headers, **said)
        stack.sandbox.clear_faults()
    for body in ({"error": refresh}, {"error": "server_error", "error_description": refresh},
                 {"access_token": access, "token_type": refresh},
                 {"access_token": access + "\n", "refresh_token": refresh}):
        expire(stack)
        stack.sandbox.fault("error", match={**TOKEN, "count": 2}, status=400, body=body)
        invite(stack, headers, **said)
        stack.sandbox.clear_faults()
        stack.sql("UPDATE coach_calendar_connections SET refresh_retry_at = NULL")
    invite(stack, headers, **said)
    for credential in ({"x-api-key": key["x-instructorops-key"] + "x"},
                       {"Authorization": headers["Authorization"] + "x"},
                       {"Authorization": "Basic " + headers["Authorization"][7:]},
                       {"Cookie": f"{SESSION_COOKIE}={secrets.token_urlsafe(32)}"}):
        invite(stack, credential, **said)
    token = headers["Authorization"].split()[1]
    for body in (f'{{"title": "{TITLE}", "{access}": ', f'{{"slot": "{token}"}}',
                 json.dumps({"title": TITLE, "slot": NOTES, "durationMinutes": PLACE,
                             "inviteeEmails": [GUEST + ">"], "timeZone": token[:40]})):
        stack.request("POST", INVITE, body=body.encode(),
                      headers={**headers, "Content-Type": "application/json"})
    stack.request("GET", f"/api/nope?token={token}&key={key['x-instructorops-key']}",
                  headers={**headers, "Referer": f"{stack.public.url}/?code={token}"})


def lose_the_database(stack, headers):
    stack.mariadb.kill()
    try:
        for method, path in (("POST", INVITE), ("GET", CONNECT + HOST), ("GET", "/readyz"),
                             ("GET", f"{CALLBACK}?code=x&state={'A' * 43}")):
            stack.request(method, path, headers=headers, **(
                {"data": {"title": TITLE}} if method == "POST" else {}))
    finally:
        stack.mariadb.start()
    wait_for(stack.is_ready, what="the database to be back")


@pytest.fixture(scope="module")
def ran():
    """Everything has happened; the secrets and answers of it. The programs still run."""
    settings = {"DEMO_HOST_ID": HOST, "THREADS": "16", "LOG_LEVEL": "debug", "INTENT_LEASE_S": "1",
                "INTENT_SETTLE_S": "1", "REFRESH_HOLDOFF_S": "1", "RATE_FAILURES_PER_10MIN": "1000",
                "INSTRUCTOROPS_API_KEY": "canary-" + secrets.token_urlsafe(24),
                "METRICS_TOKEN": "canary-" + secrets.token_urlsafe(24)}
    for stack in running(settings=settings):
        kept = Kept(stack)
        token = sign_token(stack)
        kept.plant("user token", token)
        kept.plant("signature of it", token.split(".")[2])
        for name, text in (("title", TITLE), ("notes", NOTES), ("place", PLACE), ("guest", GUEST)):
            kept.plant(f"invite's {name}", text)
        headers = {"Authorization": f"Bearer {token}"}
        a_session(stack, kept, token)
        consents(stack, kept, headers)
        invites(stack, kept, headers)
        kept.gather()
        lose_the_database(stack, headers)
        settle(stack)
        os.kill(stack.worker_pids()[0], signal.SIGABRT)
        wait_for(lambda: len(stack.worker_pids()) == 2 and stack.is_ready(), what="a new worker")
        stack.fcgi.kill(signal.SIGHUP)
        wait_for(stack.is_ready, what="the reloaded service")
        yield kept
        assert stack.sanitizer_reports() == []


def sign_token(stack):
    import time

    from conftest import make_jwt
    return make_jwt(stack.settings["JWT_SECRET"], {"sub": HOST, "exp": int(time.time()) + 3600})


EVENT_TEXTS = ("invite's title", "invite's notes", "invite's place", "invite's guest")


def test_at_least_25_secrets_of_many_kinds_were_planted(ran):
    assert len(ran.known) >= 20
    assert sum(len(values) for values in ran.known.values()) >= 25
    statuses = {answer.status for answer in ran.answers}
    assert {200, 204, 302, 400, 401, 403, 404, 500, 503} <= statuses


def test_a_secret_would_be_found_in_each_of_its_forms(ran):
    for name, values in ran.known.items():
        for value in values:
            for text in (value, value.hex().encode(), base64.b64encode(b"x" + value + b"yz"),
                         base64.urlsafe_b64encode(b"Bearer " + value), quote(value).encode()):
                assert name in ran.found_in(b"<" + text + b">")
    assert ran.found_in(b"nothing of it") == []


def log_files(stack):
    return [*stack.logs.iterdir(), stack.nginx.access_log, stack.nginx.error_log]


def test_no_log_holds_one_even_at_level_debug(ran):
    files = log_files(ran.stack)
    assert {path.name for path in files} >= {"calbridge-fcgi.log", "calbridge-sync.log",
                                             "access.log", "error.log", "mariadbd.log"}
    hits = {path.name: ran.found_in(path.read_bytes()) for path in files if path.exists()}
    assert {name: found for name, found in hits.items() if found} == {}


def test_the_log_says_something_of_all_that_happened(ran):
    lines = ran.stack.log_lines()
    assert {"invite_create", "coaching_connect", "coaching_callback", "coaching_confirm",
            "session_create", "session_remove"} <= {line.get("route") for line in lines}
    assert any(line.get("level") == "debug" for line in lines) or len(lines) > 50
    for line in lines:
        assert "text" not in line, "a line that is no JSON"


def test_no_log_of_ours_holds_an_address_unmasked(ran):
    for name in ("calbridge-fcgi", "calbridge-sync", "access"):
        text = json.dumps(ran.stack.log_lines(name))
        for address in (ACCOUNT, OTHER_ACCOUNT, "ana@example.org", "milan@example.org"):
            assert address not in text, name


def test_no_error_answer_holds_one(ran):
    bad = [answer for answer in ran.answers if answer.status >= 400]
    assert len(bad) > 20
    for answer in bad:
        assert ran.found_in(answer.body) == [], answer.text
        kept = [line for line in map(": ".join, answer.headers.items())
                if not line.lower().startswith("set-cookie: __host-cb_session=;")]
        assert ran.found_in("\n".join(kept).encode()) == [], kept


def test_no_answer_holds_a_token_of_the_provider_or_a_key_of_ours(ran):
    theirs_to_see = ("state", "oauth cookie", "session cookie", "csrf token", "consent token")
    for answer in ran.answers:
        text = answer.body + str(answer.headers).encode()
        assert ran.found_in(text, but=(*theirs_to_see, *EVENT_TEXTS)) == [], text


def dump(stack):
    """Every value of every table, one after the other."""
    values = [value for table in stack.schema.tables()
              for row in stack.sql(f"SELECT * FROM `{table}`") for value in row.values()]
    return b"\n".join(value if isinstance(value, bytes) else str(value).encode() for value
                      in values)


def test_no_table_holds_one(ran):
    text = dump(ran.stack)
    assert ACCOUNT.encode() in text and len(text) > 5000
    assert ran.found_in(text, but=EVENT_TEXTS) == []


def test_what_an_event_said_is_forgotten_when_it_stands(ran):
    ran.stack.sql("UPDATE calendar_event_mappings SET settle_at = UTC_TIMESTAMP(3), "
                  "placed_at = placed_at - INTERVAL 25 HOUR, "
                  "created_at = created_at - INTERVAL 25 HOUR")
    settle(ran.stack)
    settle(ran.stack)
    left = ran.stack.sql("SELECT state FROM calendar_event_mappings WHERE event IS NOT NULL")
    assert left == [] and ran.found_in(dump(ran.stack)) == []


def processes(stack):
    """Every process of the stack, by the service that it belongs to."""
    for service in stack.services:
        for pid in session_members(service.pid, start_tick(service.pid)):
            yield service.name, pid


def test_no_command_line_and_no_environment_holds_one(ran):
    seen = set()
    for name, pid in processes(ran.stack):
        for file in ("cmdline", "environ"):
            try:
                text = Path(f"/proc/{pid}/{file}").read_bytes()
            except PermissionError:     # not even ours to read: the process cannot be dumped
                continue
            except (FileNotFoundError, ProcessLookupError):     # it has ended since
                continue
            assert ran.found_in(text) == [], (name, file)
        seen.add(name)
    assert {"calbridge-fcgi", "calbridge-sync", "nginx", "mariadbd"} <= seen


def is_sanitized(stack):
    program = (stack.build / "calbridge-fcgi").read_bytes()
    return b"__asan_init" in program or b"__tsan_init" in program


def test_no_process_of_ours_leaves_a_core_or_lets_itself_be_looked_into(ran):
    if is_sanitized(ran.stack):
        pytest.skip("sanitizers look into their process")
    for name, pid in processes(ran.stack):
        if name.startswith("calbridge"):
            limits = Path(f"/proc/{pid}/limits").read_text()
            assert re.search(r"Max core file size +0 +0 ", limits), name
            assert os.stat(f"/proc/{pid}/mem").st_uid == 0, f"{name} can be dumped"


@pytest.mark.parametrize("argv", [("status",), ("key", "list"), ("doctor",), ("nonsense",)])
def test_the_command_line_shows_none(ran, argv):
    done = ran.stack.cli(*argv, check=False)
    assert ran.found_in((done.stdout + done.stderr).encode()) == []


def test_a_secret_in_the_environment_is_taken_with_a_warning_that_does_not_show_it(ran):
    canary = "canary-" + secrets.token_urlsafe(24)
    ran.plant("environment's secret", canary)
    done = subprocess.run(
        ran.stack.account.command([str(ran.stack.build / "calbridge"), "--config",
                                   str(ran.stack.settings.path), "key", "list"]),
        env=clean_environment(INSTRUCTOROPS_API_KEY=canary), cwd="/", timeout=60, check=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert b"INSTRUCTOROPS_API_KEY" in done.stderr
    assert ran.found_in(done.stdout + done.stderr) == []
