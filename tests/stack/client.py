"""A plain client of the stack: one request a connection, certificates verified."""

import http.client
import itertools
import json
import socket
import ssl
import time
from dataclasses import dataclass
from urllib.parse import urlsplit


# Addresses below 127.0.0.0/8 that tests call from: limits and failures are counted by address,
# and one test's guesses must not block another.
_addresses = itertools.count(1 << 16)


def fresh_address():
    """An address of this machine that nobody has called from."""
    number = next(_addresses)
    return f"127.{number >> 16}.{number >> 8 & 255}.{number & 255}"


@dataclass
class Answer:
    """What came back. headers is an email.message.Message: get_all() shows repetitions."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    seconds: float

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def text(self):
        return self.body.decode()

    def count(self, name):
        """How often a header stands in the answer."""
        return len(self.headers.get_all(name, []))


class Client:
    """Requests to one server of the stack, over TLS verified against the stack's authority."""

    def __init__(self, port, authority=None, host="localhost"):
        self.port, self.host = port, host
        self.context = ssl.create_default_context(cafile=authority) if authority else None

    @property
    def url(self):
        return f"{'https' if self.context else 'http'}://{self.host}:{self.port}"

    def request(self, method, path, *, body=None, data=None, headers=None, source=None,
                timeout=60.0):
        """One exchange. data is sent as JSON; source is an address of ours (127.x.y.z)."""
        sent = dict(headers or {})
        if data is not None:
            body = json.dumps(data).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = self._connection(source, timeout)
        begun = time.monotonic()
        try:
            connection.request(method, path, body=body, headers=sent)
            reply = connection.getresponse()
            return Answer(reply.status, reply.headers, reply.read(), time.monotonic() - begun)
        finally:
            connection.close()

    def _connection(self, source, timeout):
        kind = http.client.HTTPSConnection if self.context else http.client.HTTPConnection
        options = {"context": self.context} if self.context else {}
        connection = kind(self.host, self.port, timeout=timeout, **options)
        # The server listens on 127.0.0.1 alone, whatever the name leads to.
        connection._create_connection = lambda address, timeout, _source: socket.create_connection(
            ("127.0.0.1", address[1]), timeout, (source, 0) if source else None)
        return connection

    def open(self, source=None, timeout=60.0):
        """A connected socket, TLS done, for what http.client would never send."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout,
                                         (source, 0) if source else None)
        if not self.context:
            return plain
        return self.context.wrap_socket(plain, server_hostname=self.host)

    def raw(self, request, source=None, timeout=60.0):
        """Sends these bytes; the Answer, or None if the connection was closed without one."""
        begun = time.monotonic()
        with self.open(source, timeout) as connection:
            try:
                connection.sendall(request)
            except OSError:
                pass  # refused before all of it was sent: the answer may be there all the same
            reply = http.client.HTTPResponse(connection)
            try:
                reply.begin()
                return Answer(reply.status, reply.headers, reply.read(),
                              time.monotonic() - begun)
            except (http.client.BadStatusLine, ConnectionError, ssl.SSLError):
                return None

    def follow(self, url, **options):
        """GET of a whole URL of this server."""
        parts = urlsplit(url)
        return self.request("GET", parts.path + ("?" + parts.query if parts.query else ""),
                            **options)
