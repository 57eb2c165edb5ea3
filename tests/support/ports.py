"""Ports that nobody else is given: those that the kernel chooses may go to another test as soon as they are free."""

import os
import socket
from itertools import count

FIRST, PORTS = 20_000, 10_000
"""The ports below those that Linux gives to whoever asks for any (32768 and above, ip(7))."""
_turns = count()


def own_port() -> int:
    """Return a free port of 127.0.0.1 that no other process of the tests takes."""
    for _ in range(PORTS):
        port = FIRST + (os.getpid() * 17 + next(_turns)) % PORTS
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise OSError("no port is free")
