"""The private stack: MariaDB, nginx, the sandbox and calbridge, on this machine alone.

    with Stack(folder, build, settings={"THREADS": "16"}) as stack:
        answer = stack.request("GET", "/readyz")

Everything is in one folder, owned by an ordinary user even when root starts it, and
reachable only through 127.0.0.1 and unix sockets. A process that dies, by whatever
signal, takes its stack with it (guard.py).
"""

import base64
import json
import os
import re
import secrets
import signal
import subprocess
import tempfile
from pathlib import Path

from sandbox.client import Sandbox

from .client import Client
from .mariadb import SOCKET_PATH_BYTES, MariaDb, Schema
from .nginx import Nginx
from .ports import Ports
from .processes import (Account, Service, StackError, clean_environment, raise_open_files,
                        remove_folder, temporary_folder, wait_for)
from .settings import Settings
from .tls import Authority

SOURCE = Path(__file__).resolve().parents[2]
PARTS = ("mariadb", "sandbox", "nginx", "fcgi", "sync")
CALLBACK = "/api/calendar-integration/callback"
CLIENT_ID = "calbridge.apps.googleusercontent.com"
MICROSOFT_CLIENT_ID = "b7c1c0f2-3d6a-4a86-9a0b-6a3d5f0e91c4"
# The people who have calendars in the sandbox: e-mail address, zone, name, and the kind of
# their Microsoft account.
PEOPLE = ("host@example.com,America/New_York,Demo Host",
          "other@example.com,Europe/Berlin,Other Host",
          "person@outlook.example,Europe/London,A Person,personal")
LONGEST_SOCKET_NAME = len("/mariadb.sock")

SANITIZER_REPORT = re.compile(r"ERROR: (Address|Leak|Thread)Sanitizer|WARNING: ThreadSanitizer"
                              r"|runtime error:|SUMMARY: \w+Sanitizer")


class Stack:
    """All parts, or those named.

    mariadb, nginx.service, fcgi, sync and sandbox_service are the parts, each with start, stop,
    restart and kill; public, plain and sandbox_front are clients of nginx's three ports; sandbox
    has the sandbox's controls as methods.
    """

    def __init__(self, folder, build, *, parts=PARTS, port=None, settings=None, site=None):
        """settings are lines of the settings file, site are values of nginx's site template.

        port is the first of three wanted (TLS, sandbox, plain HTTP); free ones are taken
        without it or when one of them is in use, which ports.taken then says.
        """
        raise_open_files()
        self.build, self.parts = Path(build).resolve(), parts
        self.account = Account(SOURCE)
        self.folder = Path(folder).resolve()
        self.own_settings, self.site = dict(settings or {}), dict(site or {})
        self.folder.mkdir(exist_ok=True)
        self.account.own(self.folder, 0o755)
        self.account.reach(SOURCE, self.folder, *([self.build] if "fcgi" in parts else []))
        self.sockets, self.short_sockets = self._socket_folder()
        self.logs = self.account.folder(self.folder / "log", 0o755)
        self.ports = Ports(3, port)
        self.authority = Authority(self._plain_folder("tls"), self.account)
        self.public = Client(self.ports[0], self.authority.certificate)
        # Another site than "localhost" to a browser, as a real provider is.
        self.sandbox_front = Client(self.ports[1], self.authority.certificate, "127.0.0.1")
        self.sandbox = Sandbox(self.sandbox_front.url, str(self.authority.certificate))
        self.plain = Client(self.ports[2])
        self.settings = Settings(self.folder / "calbridge.env", self.account)
        self.key_ring = self.folder / "keys"
        self.mariadb = MariaDb(self.folder / "mariadb", self.sockets, self.account,
                               self.logs / "mariadbd.log")
        self.schema = Schema(self.mariadb)
        self.nginx = Nginx(self.folder / "nginx", self.account, self.logs / "nginx.log")
        self.fcgi_socket = self.sockets / "fcgi.sock"
        self.sandbox_socket = self.sockets / "sandbox.sock"
        self._declare_services()

    def _plain_folder(self, name):
        """A folder of the one who starts the stack, readable for the services."""
        path = self.folder / name
        path.mkdir(mode=0o755, exist_ok=True)
        return path

    def _socket_folder(self):
        """Where the sockets are: below our folder, or where a path is short enough."""
        wanted = self.folder / "sockets"
        if len(os.fsencode(wanted)) + LONGEST_SOCKET_NAME <= SOCKET_PATH_BYTES:
            return self.account.folder(wanted, 0o750), False
        base = os.environ.get("XDG_RUNTIME_DIR") or "/tmp"
        short = temporary_folder(Path(base) / f"calbridge-{secrets.token_hex(6)}")
        self.account.own(short, 0o750)
        return short, True

    def _declare_services(self):
        def program(name):
            return Service(f"calbridge-{name}",
                           [str(self.build / f"calbridge-{name}"), "--config",
                            str(self.settings.path)],
                           self.account, self.logs / f"calbridge-{name}.log", stop_seconds=45.0)
        self.fcgi, self.sync = program("fcgi"), program("sync")
        self.sandbox_secret = self.folder / "sandbox.secret"
        self.microsoft_secret = self.folder / "microsoft.secret"
        self.sandbox_service = Service(
            "sandbox", ["/usr/bin/python3", "-m", "sandbox", "--socket", str(self.sandbox_socket),
                        "--state", str(self.folder / "sandbox"),
                        "--base", self.sandbox_front.url,
                        *(f"--account={one}" for one in PEOPLE),
                        f"--client=google,{CLIENT_ID},{self.sandbox_secret},"
                        f"{self.public.url}{CALLBACK}",
                        f"--client=microsoft,{MICROSOFT_CLIENT_ID},{self.microsoft_secret},"
                        f"{self.public.url}{CALLBACK}"],
            self.account, self.logs / "sandbox.log", folder=SOURCE / "tests",
            environment=clean_environment(PYTHONDONTWRITEBYTECODE="1", PYTHONUNBUFFERED="1"))

        self.services = (self.sync, self.fcgi, self.nginx.service, self.sandbox_service,
                         self.mariadb.service)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Starts the parts in order; each is ready before the next begins."""
        self.trim_logs()
        self.configure()
        for part in self.parts:
            if part != "sandbox" or self.sandboxed:
                getattr(self, f"start_{part}")()

    @property
    def sandboxed(self):
        """False when the user's part of the settings file names a real provider."""
        return "GOOGLE_API_URL" in self.settings.ours

    def check_alive(self):
        """Fails when a part that was started has ended by itself."""
        for service in self.services:
            if service.process is not None and not service.running():
                raise StackError(f"{service.name} has ended; the end of {service.log}:\n"
                                 + service.last_lines())

    def stop(self):
        """Stops everything in the opposite order; what was acknowledged is on disk."""
        self.mariadb.disconnect()
        for service in self.services:
            service.stop()
        if self.short_sockets and self.sockets.exists():
            remove_folder(self.sockets)
        self.ports.release()

    def configure(self):
        """Writes certificates, key ring, settings and nginx's configuration."""
        self.settings.write({**self.default_settings(), **self.own_settings})
        if not self.key_ring.exists():
            key = base64.b64encode(secrets.token_bytes(32)).decode()
            self.account.file(self.key_ring, f"1 {key} active\n", 0o400)
        certificate, key = self.authority.issue("site")
        site = {"PUBLIC_URL": self.public.url, "FASTCGI_SOCKET": self.fcgi_socket,
                "CERTIFICATE": certificate, "CERTIFICATE_KEY": key,
                "LISTEN_TLS": f"listen 127.0.0.1:{self.ports[0]} ssl http2 backlog=4096;",
                "LISTEN_HTTP": f"listen 127.0.0.1:{self.ports[2]};"}
        certificate, key = self.authority.issue("sandbox")
        self.nginx.configure(SOURCE, {**site, **self.site}, {
            "PORT": self.ports[1], "SOCKET": self.sandbox_socket,
            "CERTIFICATE": certificate, "CERTIFICATE_KEY": key})

    def default_settings(self):
        """Settings of every private stack; secrets that the file holds already are kept."""
        google = f"{self.sandbox_front.url}/google"
        microsoft = f"{self.sandbox_front.url}/microsoft"
        return {
            "PUBLIC_URL": self.public.url,
            "DATABASE_HOSTS": f"unix:{self.mariadb.socket}",
            "DATABASE_PASSWORD": self.settings.kept("DATABASE_PASSWORD"),
            "DATABASE_MIGRATE_PASSWORD": self.settings.kept("DATABASE_MIGRATE_PASSWORD"),
            "JWT_SECRET": self.settings.kept("JWT_SECRET"),
            "CALBRIDGE_MASTER_KEY_FILE": str(self.key_ring),
            "FASTCGI_SOCKET": str(self.fcgi_socket),
            "WORKERS": "2",
            "HTTPS_CA_FILE": str(self.authority.certificate),
            "GOOGLE_CLIENT_ID": CLIENT_ID,
            "GOOGLE_CLIENT_SECRET": self.settings.kept("GOOGLE_CLIENT_SECRET"),
            "GOOGLE_AUTH_URL": f"{google}/o/oauth2/v2/auth",
            "GOOGLE_TOKEN_URL": f"{google}/token",
            "GOOGLE_REVOKE_URL": f"{google}/revoke",
            "GOOGLE_USERINFO_URL": f"{google}/oauth2/v2/userinfo",
            "GOOGLE_API_URL": f"{google}/calendar/v3",
            "MICROSOFT_CLIENT_ID": MICROSOFT_CLIENT_ID,
            "MICROSOFT_CLIENT_SECRET": self.settings.kept("MICROSOFT_CLIENT_SECRET"),
            "MICROSOFT_AUTH_URL": f"{microsoft}/common/oauth2/v2.0/authorize",
            "MICROSOFT_TOKEN_URL": f"{microsoft}/common/oauth2/v2.0/token",
            "MICROSOFT_API_URL": f"{microsoft}/v1.0",
            "MICROSOFT_ISSUER": f"{microsoft}/{{tenantid}}/v2.0",
        }

    def start_mariadb(self):
        self.mariadb.start()
        self.schema.create(("calbridge", self.settings["DATABASE_PASSWORD"]),
                           ("calbridge_migrate", self.settings["DATABASE_MIGRATE_PASSWORD"]))

    def start_sandbox(self):
        self.account.folder(self.folder / "sandbox")
        self.account.file(self.sandbox_secret, self.settings["GOOGLE_CLIENT_SECRET"], 0o400)
        self.account.file(self.microsoft_secret, self.settings["MICROSOFT_CLIENT_SECRET"], 0o400)
        self.sandbox_service.start(self.sandbox_answers)

    def sandbox_answers(self):
        try:
            straight = Sandbox("http://sandbox", socket_path=str(self.sandbox_socket))
            return straight.request("GET", "/control/status").status == 200
        except OSError:
            return False

    def reset_sandbox(self):
        """The sandbox without grants, events, mails, records, faults and switches; people stay."""
        answer = self.sandbox.request("POST", "/control/reset", json.dumps({"state": True}),
                                      {"Content-Type": "application/json"})
        if answer.status != 200:
            raise StackError(f"the sandbox refuses to be reset: {answer.body!r}")

    def start_nginx(self):
        self.nginx.start(lambda: self._connects(self.public) and self._connects(self.plain))

    def start_fcgi(self):
        """Brings the schema up to date, then starts the application and waits for /readyz."""
        self.migrate()
        self.fcgi.start(self.is_ready)

    def start_sync(self):
        self.sync.start()

    def migrate(self):
        self.cli("migrate", "--sql", SOURCE / "sql")
        self.schema.grant("calbridge")

    @staticmethod
    def _connects(client):
        try:
            client.open(timeout=2).close()
        except OSError:
            return False
        return True

    def is_ready(self):
        try:
            return self.request("GET", "/readyz", timeout=5).status == 200
        except OSError:
            return False

    def request(self, method, path, **options):
        """One request to calbridge through nginx; see Client.request."""
        return self.public.request(method, path, **options)

    def cli(self, *argv, check=True, **options):
        """Runs `calbridge` with the stack's settings; what it printed, without the last newline."""
        argv = [self.build / "calbridge", "--config", self.settings.path, *argv]
        done = subprocess.run(self.account.command(map(str, argv)), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=clean_environment(), cwd="/", timeout=60, check=False, **options)
        if check and done.returncode:
            raise StackError(f"{' '.join(map(str, argv))}: status {done.returncode}\n"
                             f"{done.stdout}{done.stderr}")
        return done.stdout.rstrip("\n") if check else done

    def sql(self, query, values=None):
        """One statement on calbridge's schema as MariaDB's all-powerful account."""
        return self.mariadb.sql(query, values, database=self.schema.name)

    def worker_pids(self):
        """The workers of calbridge-fcgi, oldest first."""
        return self.fcgi.children()

    def kill_worker(self, pid=None, number=signal.SIGKILL):
        """Sends a signal to one worker, the oldest by default; returns its number."""
        pid = pid or wait_for(self.worker_pids, what="a worker to kill")[0]
        os.kill(pid, number)
        return pid

    def reconfigure(self, restart=True, **settings):
        """Changes settings (None removes one) and restarts the application."""
        self.own_settings.update(settings)
        self.settings.write({**self.default_settings(), **self.own_settings})
        if restart:
            self.fcgi.restart(self.is_ready)
            if self.sync.running():
                self.sync.restart()

    def log_lines(self, name="calbridge-fcgi"):
        """The log of a program as dicts; lines that are no JSON are {"text": line}."""
        path = self.nginx.access_log if name == "access" else self.logs / f"{name}.log"
        lines = []
        for line in path.read_text(errors="replace").splitlines() if path.exists() else ():
            try:
                value = json.loads(line)
            except ValueError:
                value = None
            lines.append(value if isinstance(value, dict) else {"text": line})
        return lines

    def sanitizer_reports(self):
        """Lines of sanitizer reports in any log; a run is good when there is none."""
        return [f"{path.name}: {line}" for path in sorted(self.logs.glob("*.log"))
                for line in path.read_text(errors="replace").splitlines()
                if SANITIZER_REPORT.search(line)]

    def trim_logs(self, ceiling=10_000_000):
        """Sets aside a log that has grown long (make run appends for ever)."""
        for path in (*self.logs.glob("*.log"), self.nginx.access_log, self.nginx.error_log):
            if path.exists() and path.stat().st_size > ceiling:
                path.replace(path.with_suffix(".log.old"))


def temporary_stack(build, **options):
    """A stack in a folder below the build folder that is removed with this process."""
    path = Path(tempfile.mktemp(prefix="stack-", dir=build))
    return Stack(temporary_folder(path), build, **options)
