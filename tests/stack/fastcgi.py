"""A scripted FastCGI application: stands in for calbridge where nginx itself is tested."""

import os
import socket
import struct
import threading
from dataclasses import dataclass

BEGIN, END, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6
HEADER = struct.Struct("!BBHHBx")


@dataclass
class Received:
    """One request as it arrived: parameters in order, repetitions included, and the body."""

    params: list
    body: bytes

    def all(self, name):
        return [value for key, value in self.params if key == name]

    def __getitem__(self, name):
        return self.all(name)[0]


def _length(data, at):
    if data[at] < 128:
        return data[at], at + 1
    return struct.unpack_from("!I", data, at)[0] & 0x7FFFFFFF, at + 4


def _pairs(data):
    at, pairs = 0, []
    while at < len(data):
        name_length, at = _length(data, at)
        value_length, at = _length(data, at)
        name = data[at:at + name_length].decode("latin-1")
        value = data[at + name_length:at + name_length + value_length].decode("latin-1")
        pairs.append((name, value))
        at += name_length + value_length
    return pairs


class FastCgiStub:
    """Listens on a unix socket; answer(received) gives a CGI reply as bytes, None to hang up.

    received holds every request so far. Used as a context manager.
    """

    def __init__(self, path, account, answer=None):
        self.path, self.account = str(path), account
        self.answer = answer or (lambda _: b"Content-Type: application/json\r\n\r\n{}")
        self.received = []

    def __enter__(self):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.account.own(self.path, 0o660)
        self.listener.listen(512)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        os.unlink(self.path)

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, connection.makefile("rb") as stream:
            request = self._read(stream)
            if request is None:
                return
            self.received.append(request)
            reply = self.answer(request)
            try:
                if reply is not None:
                    self._send(connection, reply)
            except OSError:
                pass

    @staticmethod
    def _read(stream):
        parts = {PARAMS: b"", STDIN: b""}
        while True:
            head = stream.read(HEADER.size)
            if len(head) < HEADER.size:
                return None
            _, kind, _, length, padding = HEADER.unpack(head)
            content = stream.read(length + padding)[:length]
            if kind == STDIN and not content:
                return Received(_pairs(parts[PARAMS]), parts[STDIN])
            if kind in parts:
                parts[kind] += content

    @staticmethod
    def _send(connection, reply):
        for at in range(0, len(reply), 65535):
            piece = reply[at:at + 65535]
            connection.sendall(HEADER.pack(1, STDOUT, 1, len(piece), 0) + piece)
        end = HEADER.pack(1, STDOUT, 1, 0, 0) + HEADER.pack(1, END, 1, 8, 0) + bytes(8)
        connection.sendall(end)
