"""The web processes' listening sockets: one port, shared fairly."""

import contextlib
import socket

from config import web


def accepted(listener):
    """Return how many connections wait at a socket; accept them all."""
    listener.setblocking(False)
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            listener.accept()[0].close()
            count += 1
    return count


def test_two_processes_share_the_connections_of_a_port():
    with contextlib.ExitStack() as opened:
        one = opened.enter_context(web.listening("127.0.0.1", 0))
        port = one.getsockname()[1]
        other = opened.enter_context(web.listening("127.0.0.1", port))
        for listener in (one, other):
            listener.listen(128)
        for _ in range(100):
            client = socket.create_connection(("127.0.0.1", port), 5)
            opened.enter_context(client)

        counts = accepted(one), accepted(other)

    assert sum(counts) == 100
    assert min(counts) >= 25  # a fair coin gives fewer once in five million
