"""Frames a second through one consumer: ours, and Channels' own as the peer.

    python benchmarks/consumer_dispatch.py --sockets 8 --seconds 4

Each is served by uvicorn in a process of its own and checks the signature of every
29-byte frame, as the vehicles' socket does. Another process keeps a window of frames
on the way on each socket; the answer to every hundredth one opens it again. The two
take turns, and the best of their turns counts.
"""

import argparse
import asyncio
import contextlib
import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("SECRET_KEY", "for a benchmark, and never used beyond it")
os.environ.setdefault("HMAC_SECRET_KEY", "benchmark-key")

import django
import uvloop

django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer
from sockets import connect, frame

from config import embedded
from config.consumers import Consumer
from roadblock import packets

KEY = b"benchmark-key"
WINDOW, EVERY = 400, 100
TURNS = 3


class Peer(AsyncWebsocketConsumer):
    count = 0

    async def receive(self, text_data=None, bytes_data=None):
        packets.parse(bytes_data, key_of)
        self.count += 1
        if self.count % EVERY == 0:
            await self.send(bytes_data=b"go on")


class Ours(Consumer):
    login_required = False
    count = 0

    async def receive(self, data):
        packets.parse(data, key_of)
        self.count += 1
        if self.count % EVERY == 0:
            self.send(b"go on")


def key_of(vehicle_id):
    return KEY


nobody = SimpleNamespace(is_authenticated=False)
CONSUMERS = {"Channels' AsyncWebsocketConsumer": Peer, "Madang's Consumer": Ours}


def application_of(consumer):
    inner = consumer.as_asgi()

    async def application(scope, receive, send):
        if scope["type"] == "websocket":
            await inner({**scope, "user": nobody}, receive, send)

    return application


peer, ours = map(application_of, (Peer, Ours))


@contextlib.contextmanager
def valkey():
    """Run a Valkey for the channel layer, where the peer registers every socket."""
    with tempfile.TemporaryDirectory(prefix="madang-bench-") as data:
        os.environ["DATA_DIR"] = data
        embedded.hold(data, postgres=False, durable=False)
        try:
            yield
        finally:
            embedded.release()


@contextlib.contextmanager
def served(consumer):
    """Yield the port of a uvicorn that serves one consumer."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "uvicorn", f"consumer_dispatch:{consumer}"),
            *("--ws", "websockets-sansio", "--loop", "uvloop", "--lifespan", "off"),
            *("--port", str(port), "--log-level", "warning"),
            *("--ws-per-message-deflate", "false", "--no-access-log"),
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


async def load(port, sockets, seconds):
    """Keep all sockets busy for some seconds; return the frames handled in one."""
    wire = frame(packets.signed(KEY, packets.POSITION_BODY.pack(0x13, 7, 1.5, 2.5)))
    assert len(wire) == 29 + 6
    handled = 0
    opened = []

    def on_answer(number):
        def more(payload):
            nonlocal handled
            handled += EVERY
            opened[number].transport.write(wire * EVERY)

        return more

    for number in range(sockets):
        opened.append(await connect(port, "/", on_answer(number)))
    for one in opened:
        one.transport.write(wire * WINDOW)
    await asyncio.sleep(0.5)
    before, start = handled, time.perf_counter()
    await asyncio.sleep(seconds)
    rate = (handled - before) / (time.perf_counter() - start)
    for one in opened:
        one.transport.abort()
    return rate


def measure(port, sockets, seconds):
    return uvloop.run(load(port, sockets, seconds))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sockets", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=4)
    options = parser.parse_args()
    rates = dict.fromkeys(CONSUMERS, 0)
    with (
        valkey(),
        served("peer") as first,
        served("ours") as second,
        multiprocessing.get_context("spawn").Pool(1) as client,
    ):
        for _ in range(TURNS):
            for name, port in zip(CONSUMERS, (first, second), strict=True):
                turn = port, options.sockets, options.seconds
                rates[name] = max(rates[name], client.apply(measure, turn))
    for name, rate in rates.items():
        print(f"{name:36} {rate:10,.0f} frames/s")
    base, our = rates.values()
    print(f"{'ratio':36} {our / base:10.1f}")


if __name__ == "__main__":
    main()
