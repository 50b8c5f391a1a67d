"""The place where the benchmark runs: the private stack's MariaDB and nginx, and a provider stub.

The programs under test take turns on the same FastCGI socket, so all of them stand
behind exactly the site of production, and all call the same stub. Nothing listens
beyond loopback, and everything is gone when the benchmark has ended, however it
ended.
"""

import http.client
import os
from pathlib import Path

from stack import Client, Stack, guard
from stack.processes import Service, temporary_folder, wait_for

# The stack's MariaDB is small; under load it gets what a plain installation has.
DATABASE_SIZES = ("SET GLOBAL innodb_log_file_size = 96 * 1048576",
                  "SET GLOBAL innodb_buffer_pool_size = 128 * 1048576")


class Place:
    """Starts what the programs under test need."""

    def __init__(self, build):
        self.build = Path(build).resolve()
        folder = temporary_folder(f"/tmp/calbridge-bench.{os.getpid()}")
        self.stack = Stack(folder, build, parts=("mariadb", "nginx"))
        self.stack.account.reach(self.build)
        self.ca = self.stack.authority.certificate
        self.provider = None  # a Client of the stub
        self.services = {"nginx": self.stack.nginx.service,
                         "mariadbd": self.stack.mariadb.service}

    @property
    def front_port(self):
        return self.stack.public.port

    @property
    def socket(self):
        """Where the program under test listens, for nginx."""
        return self.stack.fcgi_socket

    def start(self):
        self._start_stub()
        google = self.provider.url
        self.stack.own_settings.update({
            "GOOGLE_AUTH_URL": f"{google}/o/oauth2/v2/auth",
            "GOOGLE_TOKEN_URL": f"{google}/token",
            "GOOGLE_REVOKE_URL": f"{google}/revoke",
            "GOOGLE_USERINFO_URL": f"{google}/oauth2/v2/userinfo",
            "GOOGLE_API_URL": f"{google}/calendar/v3",
            "RATE_KEY_PER_MIN": "100000000",
            "RATE_GOOGLE_PER_MIN": "0",
        })
        self.stack.start()
        for statement in DATABASE_SIZES:
            self.stack.mariadb.sql(statement)

    def stop(self):
        if "provider_stub" in self.services:
            self.services["provider_stub"].stop()
        self.stack.stop()

    def program(self, name):
        """The path of a program of the benchmark."""
        nested = self.build / "tests/bench" / name
        return nested if nested.exists() else self.build / name

    def service(self, name, argv):
        """A program that runs as the stack's account; its output goes to a log of the stack."""
        return Service(name, list(map(str, argv)), self.stack.account,
                       self.stack.logs / f"{name}.log")

    def members(self, service):
        """Every process of a service."""
        return guard.session_members(service.pid, service.start_tick)

    def stub(self, path, method="POST"):
        """Asks the stub about itself (/stats, /reset, /set?...): its counts."""
        answer = self.provider.request(method, path)
        if answer.status != 200:
            raise RuntimeError(f"provider stub: {path}: {answer.status} {answer.text}")
        return answer.json

    def kept_connection(self):
        """A connection to nginx that stays: for polling without a handshake each time."""
        connection = http.client.HTTPSConnection("localhost", self.front_port, timeout=60,
                                                 context=self.stack.public.context)
        connection.connect()
        return connection

    def _start_stub(self):
        certificate, key = self.stack.authority.issue("stub")
        service = self.services["provider_stub"] = self.service("provider_stub", [
            self.program("provider_stub"), "--port", 0, "--cert", certificate, "--key", key])
        service.start(lambda: service.last_lines(1).startswith("ready "))
        self.provider = Client(int(service.last_lines(1).split()[1]), self.ca)
        wait_for(lambda: self.stub("/stats", "GET"), what="the provider stub")
