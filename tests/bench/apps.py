"""The programs under test: how each is started, asked and found in /proc.

App is what the measuring knows of a program. Hello and Floor are the hand-written
floors; Calbridge is the product.
"""

import base64
import hashlib
import hmac
import json
import re
import time
from urllib.parse import urlsplit

from stack.processes import wait_for

WORKERS = 2
PATIENCE_S = 30


class App:
    """One program under test, behind the place's nginx."""

    name = ""
    sends_event = True  # whether a request makes an event at the provider
    path = "/api/calendar/invite"

    def __init__(self, place):
        self.place = place
        self.service = None

    def prepare(self):
        """Once: schema, owners, whatever a first start needs."""

    def launch(self, threads):
        """Starts the program with this many threads a worker; waits for nothing."""
        raise NotImplementedError

    def headers(self):
        """Lines of the event request's header."""
        return ["Content-Type: application/json"]

    def body(self):
        """The event request's body; {n} becomes a number of its own in each request."""
        return json.dumps({
            "slot": "2031-12-02T10:00:00-05:00", "title": "Coffee {n}", "durationMinutes": 45,
            "inviteeEmails": ["guest@example.com"], "location": "Cafe"})

    @property
    def url(self):
        return f"https://localhost:{self.place.front_port}{self.path}"

    def start(self, threads):
        """Starts the program; returns the seconds until it has answered its first event."""
        connection = self.place.kept_connection()
        begin = time.monotonic()
        self.launch(threads)
        wait_for(lambda: self._answers(connection), PATIENCE_S, f"{self.name}: the first answer",
                 0.0005)
        taken = time.monotonic() - begin
        connection.close()
        return taken

    def _answers(self, connection):
        """Whether an event request, like no other, is answered; not yet is a 502."""
        number = f"{time.monotonic_ns() % 10**12:012d}"
        headers = dict(line.split(": ", 1) for line in self.headers())
        connection.request("POST", self.path, self.body().replace("{n}", number), headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.status not in (200, 502) or not self.service.running():
            raise RuntimeError(f"{self.name}: {answer.status} {text}\n{self.service.last_lines()}")
        return answer.status == 200

    def stop(self):
        if self.service:
            self.service.stop()

    def pids(self):
        """Every process of the program."""
        return self.place.members(self.service)


class Hello(App):
    """libfcgi and nothing else."""

    name, sends_event = "hello", False

    def launch(self, threads):
        self.service = self.place.service(self.name, [
            self.place.program("floor_hello"), "-s", self.place.socket,
            "-w", WORKERS, "-t", threads])
        self.service.start()


class Floor(App):
    """SELECT + INSERT + one kept-alive HTTPS POST, written by hand, without a check."""

    name = "floor"

    SCHEMA = (
        "CREATE DATABASE floor",
        """CREATE TABLE floor.floor_owner (
            id VARCHAR(64) CHARACTER SET ascii NOT NULL PRIMARY KEY,
            token VARBINARY(512) NOT NULL,
            zone VARCHAR(64) NOT NULL) ENGINE=InnoDB""",
        """CREATE TABLE floor.floor_event (
            id CHAR(32) CHARACTER SET ascii NOT NULL PRIMARY KEY,
            owner VARCHAR(64) CHARACTER SET ascii NOT NULL,
            body TEXT NOT NULL,
            created DATETIME(3) NOT NULL) ENGINE=InnoDB""",
        """INSERT INTO floor.floor_owner
           VALUES ('bench-owner', 'ya29.0.0.4102444800000', 'America/New_York')""")

    def prepare(self):
        for statement in self.SCHEMA:
            self.place.stack.mariadb.sql(statement)

    def launch(self, threads):
        place = self.place
        self.service = place.service(self.name, [
            place.program("floor_event"), "-s", place.socket,
            "-d", place.stack.mariadb.socket, "-U", place.stack.account.name, "-D", "floor",
            "-u", f"{place.provider.url}/calendar/v3/calendars/primary/events?sendUpdates=all",
            "-a", place.ca, "-o", "bench-owner", "-w", WORKERS, "-t", threads, "-p", 16])
        self.service.start()


class Calbridge(App):
    """The product, asked by a coach's user token, or by an API key with hostId."""

    name = "calbridge"

    def __init__(self, place, by_key=False):
        super().__init__(place)
        self.by_key = by_key
        self.host = "bench-host"
        self.service = place.stack.fcgi
        self.key = None
        self.token = None

    def prepare(self):
        """Migrates, and connects the host to the stub's Google by the real flow."""
        stack = self.place.stack
        stack.migrate()
        made = stack.cli("key", "create", "--tenant", "default", "--scope", "events",
                         "--name", "bench")
        self.key = made.split()[-1]
        self.token = self.user_token(self.host)
        self.launch(threads=16)
        self.connect(self.host)
        self.stop()

    def launch(self, threads):
        self.place.stack.reconfigure(restart=False, THREADS=str(threads), WORKERS=str(WORKERS))
        self.service.start()

    def headers(self):
        who = f"x-api-key: {self.key}" if self.by_key else f"Authorization: Bearer {self.token}"
        return super().headers() + [who]

    def body(self):
        members = json.loads(super().body())
        return json.dumps({**members, "hostId": self.host} if self.by_key else members)

    def user_token(self, owner):
        """A JWT as the client application would sign it, good for an hour."""
        def part(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

        now = int(time.time())
        claims = {"sub": owner, "iat": now, "exp": now + 3600}
        text = ".".join(part(json.dumps(piece).encode())
                        for piece in ({"alg": "HS256", "typ": "JWT"}, claims))
        secret = self.place.stack.settings["JWT_SECRET"].encode()
        return f"{text}.{part(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"

    def connect(self, owner):
        """Makes the owner, signs in by a link and connects Google, as a browser would."""
        stack = self.place.stack
        stack.cli("owner", "put", "--tenant", "default", "--id", owner, "--email",
                  f"{owner}@example.com", "--name", "Bench Host", "--zone", "America/New_York")
        wait_for(stack.is_ready, PATIENCE_S, "calbridge: /readyz")
        printed = stack.cli("sign-in-link", "--tenant", "default", owner)
        link = re.search(r"#sign-in=([A-Za-z0-9_-]+)", printed).group(1)
        jar = {}
        self._visit(jar, "POST", "/api/session", 200, {"signInToken": link})
        ask = self._visit(jar, "GET", f"/api/calendar-integration/connect/google/{owner}", 302)
        answer = self.place.provider.follow(ask)
        if answer.status != 302:
            raise RuntimeError(f"provider stub: consent: {answer.status} {answer.text}")
        end = self._visit(jar, "GET", self._target(answer.headers["Location"]), 302)
        if "calendar=connected" not in end:
            raise RuntimeError(f"calbridge: the consent ended at {end}")

    def _visit(self, jar, method, path, wanted, data=None):
        """One request of a browser with these cookies; returns where it is sent on to."""
        headers = {"Accept": "text/html"}
        if jar:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
        if data:
            headers["Origin"] = self.place.stack.public.url
        answer = self.place.stack.request(method, path, data=data, headers=headers)
        if answer.status != wanted:
            raise RuntimeError(f"calbridge: {method} {path.split('?')[0]}: {answer.status} "
                               f"{answer.text}")
        for line in answer.headers.get_all("Set-Cookie", []):
            name, _, value = line.split(";", 1)[0].partition("=")
            jar[name] = value
        return answer.headers.get("Location", "")

    @staticmethod
    def _target(url):
        parts = urlsplit(url)
        return f"{parts.path}?{parts.query}"
