"""One process of the web server: `python -m config.web`, at HOST and PORT.

Several may share the port, each with a listening socket of its own, among which the
kernel deals out the connections evenly. uvicorn's own --workers all listen at one: the
first to wake takes whatever waits there, which left one with 3 of 64 clients.
"""

import os
import socket

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import uvicorn
from django.conf import settings

OPTIONS = {
    "loop": "uvloop",
    "http": "httptools",
    "ws": "websockets-sansio",
    "ws_ping_interval": 3.5,
    "ws_ping_timeout": 20,
    "ws_max_size": 1 << 25,
    "ws_per_message_deflate": False,
    "backlog": 4096,
    "timeout_graceful_shutdown": 2,
    "server_header": False,
    "access_log": False,
    "log_level": "warning",
}


def listening(host, port):
    """Return a socket bound to an address that other processes may bind, too."""
    [(family, *_, address), *_] = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(address)
    return listener


def main():
    host = os.environ.get("HOST") or "127.0.0.1"
    port = int(os.environ.get("PORT") or 8000)
    configuration = uvicorn.Config(
        "config.asgi:application",
        forwarded_allow_ips=settings.FORWARDED_ALLOW_IPS,
        **OPTIONS,
    )
    server = uvicorn.Server(configuration)
    server.run(sockets=[listening(host, port)])


if __name__ == "__main__":
    main()
