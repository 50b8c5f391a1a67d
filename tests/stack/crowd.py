"""A thousand clients at once: each keeps a connection of its own, all speak in the same moment."""

import asyncio
import json
import time
from dataclasses import dataclass

SIZE = 1000
OPENING = 50        # handshakes at a time
ANSWER_S = 60.0


@dataclass
class Reply:
    """Status, headers by lower-case name (the last of each), body, and how long it took."""

    status: int
    headers: dict
    body: bytes
    seconds: float

    @property
    def json(self):
        return json.loads(self.body)


def request(method, path, headers=None, data=None):
    """The bytes of one request on a kept connection."""
    body = b"" if data is None else json.dumps(data).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost",
             *(f"{name}: {value}" for name, value in (headers or {}).items())]
    if data is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Crowd:
    """Clients of the site. Closed by the with statement."""

    def __init__(self, stack, size=SIZE):
        self.stack, self.pairs = stack, [None] * size
        self.loop = asyncio.new_event_loop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pair in self.pairs:
            if pair:
                pair[1].transport.abort()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()

    def ask(self, requests, meanwhile=None):
        """Sends all requests at once, one a client; their replies in order.

        meanwhile is called (in a thread) when everything has been sent.
        """
        return self.loop.run_until_complete(self._ask(requests, meanwhile))

    def hold(self):
        """Opens every connection and says nothing on it."""
        self.loop.run_until_complete(self._open(len(self.pairs)))

    def count_open(self):
        """How many of the connections the site has left open."""
        self.loop.run_until_complete(self._notice())
        return sum(not pair[0].at_eof() for pair in self.pairs)

    async def _notice(self):
        """Lets the loop see what has come on any connection: TLS takes it in two turns."""
        for _ in range(4):
            await asyncio.sleep(0)

    async def _open(self, n):
        gate = asyncio.Semaphore(OPENING)
        await asyncio.gather(*(self._connect(i, gate) for i in range(n)))

    async def _ask(self, requests, meanwhile):
        await self._open(len(requests))
        begun = time.monotonic()
        for (_, writer), one in zip(self.pairs, requests):
            writer.write(one)
        replies = asyncio.gather(*(self._read(i, begun) for i in range(len(requests))))
        if meanwhile:
            await asyncio.to_thread(meanwhile)
        return await asyncio.wait_for(replies, ANSWER_S)

    async def _connect(self, i, gate):
        pair = self.pairs[i]
        if pair and not pair[0].at_eof() and not pair[1].is_closing():
            return
        async with gate:
            self.pairs[i] = await asyncio.open_connection(
                "127.0.0.1", self.stack.public.port, ssl=self.stack.public.context,
                server_hostname="localhost")

    async def _read(self, i, begun):
        reader, writer = self.pairs[i]
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in
                   (line.partition(":") for line in head[1:] if line)}
        body = await self._body(reader, headers)
        if headers.get("connection") == "close":
            writer.close()
        return Reply(int(head[0].split()[1]), headers, body, time.monotonic() - begun)

    @staticmethod
    async def _body(reader, headers):
        if headers.get("transfer-encoding") != "chunked":
            return await reader.readexactly(int(headers.get("content-length", 0)))
        body = b""
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
        return body
