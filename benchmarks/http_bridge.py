"""Requests a second through three ways to serve Django in an ASGI server.

    python benchmarks/http_bridge.py --seconds 4

Django's own ASGI handler, a2wsgi (where it is installed) and our WSGIBridge each serve
a REST endpoint that checks a JSON body and inserts one row, by uvicorn in a process of
its own. Another process sends over 16 connections, each the next request as soon as
the last one is answered. The three take turns, and the best of their turns counts.
"""

import argparse
import asyncio
import contextlib
import importlib.util
import multiprocessing
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("SECRET_KEY", "for a benchmark, and never used beyond it")
os.environ.setdefault("HMAC_SECRET_KEY", "benchmark-key")
os.environ.setdefault("DATABASE_POOL_SIZE", "24")
os.environ.setdefault("LOG_LEVEL", "ERROR")  # a2wsgi tries requests of who has left

import django
import uvloop

django.setup()

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.urls import path
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from config import embedded
from config.bridge import WSGIBridge

CONNECTIONS = 16
TURNS = 3
BODY = b'{"name": "bay 7", "number": 7}'
REQUEST = (
    b"POST /notes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
)


class Note(serializers.Serializer):
    name = serializers.CharField(max_length=50)
    number = serializers.IntegerField(min_value=1)


class Notes(APIView):
    authentication_classes = permission_classes = throttle_classes = []

    def post(self, request):
        form = Note(data=request.data)
        form.is_valid(raise_exception=True)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO notes (name, number) VALUES (%(name)s, %(number)s)"
                " RETURNING id",
                form.validated_data,
            )
            return Response({"id": cursor.fetchone()[0], **form.data}, 201)


urlpatterns = [path("notes", Notes.as_view())]
settings.ROOT_URLCONF = __name__


def asgi():
    return get_asgi_application()


def a2wsgi():
    from a2wsgi import WSGIMiddleware

    return WSGIMiddleware(get_wsgi_application(), workers=settings.HTTP_THREADS)


def bridge():
    return WSGIBridge(
        get_wsgi_application(), settings.HTTP_THREADS, settings.HTTP_STREAM_THREADS
    )


WAYS = {"asgi": "Django's ASGI handler", "a2wsgi": "a2wsgi", "bridge": "WSGIBridge"}


@contextlib.contextmanager
def database():
    """Run a PostgreSQL with an empty table."""
    with tempfile.TemporaryDirectory(prefix="madang-bench-") as data:
        os.environ["DATA_DIR"] = data
        embedded.hold(data, durable=False)
        try:
            make = (
                "import django; django.setup(); from django.db import connection;"
                "connection.cursor().execute("
                "'CREATE TABLE notes (id bigserial, name text, number int)')"
            )
            subprocess.run([sys.executable, "-c", make], cwd=sys.path[0], check=True)
            yield
        finally:
            embedded.release()


@contextlib.contextmanager
def served(way):
    """Yield the port of a uvicorn that serves in one way."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "uvicorn", "--factory", f"http_bridge:{way}"),
            *("--http", "httptools", "--loop", "uvloop", "--lifespan", "off"),
            *("--port", str(port), "--log-level", "warning", "--no-access-log"),
        ],
        cwd=Path(__file__).resolve().parent,
    )
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.socket() as probe:
                probe.connect(("127.0.0.1", port))
                break
            time.sleep(0.05)
        yield port
    finally:
        server.terminate()
        server.wait(10)


class Caller(asyncio.Protocol):
    """Sends a request whenever the last one is answered, and counts the answers."""

    length = re.compile(rb"content-length: (\d+)", re.IGNORECASE)

    def __init__(self):
        self.buffer, self.answered = b"", 0

    def connection_made(self, transport):
        self.transport = transport
        transport.write(REQUEST)

    def data_received(self, data):
        self.buffer += data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if found and len(body) >= int(self.length.search(head)[1]):
            assert head.startswith(b"HTTP/1.1 201 "), self.buffer
            self.buffer = b""
            self.answered += 1
            self.transport.write(REQUEST)


async def load(port, seconds):
    loop = asyncio.get_running_loop()
    callers = [
        (await loop.create_connection(Caller, "127.0.0.1", port))[1]
        for _ in range(CONNECTIONS)
    ]
    await asyncio.sleep(0.5)
    before, start = sum(one.answered for one in callers), time.perf_counter()
    await asyncio.sleep(seconds)
    answered = sum(one.answered for one in callers) - before
    rate = answered / (time.perf_counter() - start)
    for one in callers:
        one.transport.abort()
    return rate


def measure(port, seconds):
    return uvloop.run(load(port, seconds))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=4)
    options = parser.parse_args()
    ways = [w for w in WAYS if w != "a2wsgi" or importlib.util.find_spec("a2wsgi")]
    rates = dict.fromkeys(ways, 0)
    with contextlib.ExitStack() as stack:
        stack.enter_context(database())
        ports = {way: stack.enter_context(served(way)) for way in ways}
        client = stack.enter_context(multiprocessing.get_context("spawn").Pool(1))
        for _ in range(TURNS):
            for way, port in ports.items():
                rate = client.apply(measure, (port, options.seconds))
                rates[way] = max(rates[way], rate)
    for way, rate in rates.items():
        ratio = rates["bridge"] / rate
        print(f"{WAYS[way]:24} {rate:8,.0f} requests/s   bridge / this: {ratio:.2f}")


if __name__ == "__main__":
    main()
