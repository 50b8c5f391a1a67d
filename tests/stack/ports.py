"""Free ports on 127.0.0.1 that two test runs at once do not both take."""

import random
import socket

# Below the ports that the kernel hands out for outgoing connections.
LOWEST, HIGHEST = 20000, 32000


class Ports:
    """A block of neighbouring ports, held by abstract sockets (no file, gone with us)."""

    def __init__(self, count, first=None):
        self.count = count
        self.holds = []
        self.taken = None
        self.first = self._take(first) if first else None
        if self.first is None:
            self.taken = first
            self.first = self._search()

    def __getitem__(self, index):
        return self.first + range(self.count)[index]

    def _search(self):
        for _ in range(1000):
            first = self._take(random.randrange(LOWEST, HIGHEST, 8))
            if first:
                return first
        raise OSError(f"no {self.count} free ports between {LOWEST} and {HIGHEST}")

    def _take(self, first):
        """first when all ports from there are free and now held, else None."""
        for port in range(first, first + self.count):
            if not self._hold(port):
                self.release()
                return None
        return first

    def _hold(self, port):
        hold = socket.socket(socket.AF_UNIX)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                hold.bind(f"\0calbridge-port-{port}")
                probe.bind(("127.0.0.1", port))
                probe.listen()
            except OSError:
                hold.close()
                return False
        self.holds.append(hold)
        return True

    def release(self):
        while self.holds:
            self.holds.pop().close()
