"""How many positions a second reach the dashboards, how late, and are all stored.

    python benchmarks/roadblock_fleet.py --cars 1000 --hz 10 --seconds 10

Starts the server, lets cars register over the wire, then every car sends a numbered
position `hz` times a second while dashboards note when each number arrives. Peer: the
replaced system, which on two shared cores saturates at about 150 positions a second.
"""

import argparse
import asyncio
import struct
import subprocess
import sys
import time

import numpy as np
import server
import uvloop
from server import PROJECT, VEHICLE_KEY
from sockets import connect, frame

sys.path.insert(0, str(PROJECT))
from roadblock import packets

PEER_POSITIONS = 150
PEER_CONNECTIONS = 120, 190  # one after another, ten at once
RECORD = np.dtype([("id", "<u4"), ("x", "<f4"), ("y", "<f4")])
BODY = struct.Struct("<BIff")


class Dashboard:
    """Counts records, and keeps the newest number and the lags of each car."""

    def __init__(self, sent):
        self.sent = sent
        self.newest = np.zeros(len(sent), int)
        self.lags = []
        self.records = 0

    def on_frame(self, payload):
        if payload[0] != packets.POSITIONS:
            return
        now = time.perf_counter()
        records = np.frombuffer(
            payload, RECORD, offset=9, count=(len(payload) - 25) // 12
        )
        numbers = records["x"].astype(int)
        cars = records["y"].astype(int)
        moving = numbers > 0
        self.records += len(records)
        self.newest[cars[moving]] = numbers[moving]
        self.lags.append(now - self.sent[cars[moving], numbers[moving]])


async def register(port, cars, runners):
    """Open a socket for every car and register it; return the sockets."""
    accepted = asyncio.Event()
    count = 0

    def on_frame(payload):
        nonlocal count
        if payload[0] == packets.ACCEPTED:
            count += 1
            if count == cars:
                accepted.set()

    sockets = []
    for number in range(cars):
        car = await connect(port, "/roadblock/ws/vehicles", on_frame)
        kind = packets.RUNNER if number < runners else packets.POLICE
        name = f"C{number}".encode().ljust(10, b"\0")
        body = struct.pack("<BIB10s", packets.REGISTRATION, number, kind, name)
        car.send(packets.signed(VEHICLE_KEY, body))
        sockets.append(car)
    await asyncio.wait_for(accepted.wait(), 60)
    return sockets


async def drive(sockets, hz, seconds, sent):
    """Send every car's positions, spread evenly over each period."""
    rounds = int(hz * seconds)
    period = 1 / hz
    slices = 20
    start = time.perf_counter()
    for number in range(1, rounds + 1):
        for part in range(slices):
            due = start + (number - 1 + part / slices) * period
            pause = due - time.perf_counter()
            await asyncio.sleep(max(0, pause))
            for car in range(part, len(sockets), slices):
                body = BODY.pack(packets.POSITION_REPORT, car, number, car)
                sent[car, number] = time.perf_counter()
                sockets[car].transport.write(frame(packets.signed(VEHICLE_KEY, body)))
    return rounds, time.perf_counter() - start


async def fleet(port, token, options):
    sockets = await register(port, options.cars, options.runners)
    rounds = int(options.hz * options.seconds)
    sent = np.zeros((options.cars, rounds + 1))
    boards = [Dashboard(sent) for _ in range(options.dashboards)]
    for board in boards:
        await connect(
            port,
            "/roadblock/ws/front/vehicles",
            board.on_frame,
            f"Authorization: Bearer {token}\r\n",
        )
    await asyncio.sleep(1)
    rounds, took = await drive(sockets, options.hz, options.seconds, sent)
    end = time.perf_counter()
    while not all((board.newest == rounds).all() for board in boards):
        if time.perf_counter() - end > 30:
            break
        await asyncio.sleep(0.01)
    complete = time.perf_counter() - end
    lags = np.concatenate([lag for board in boards for lag in board.lags]) * 1000
    total = options.cars * rounds
    rate = total / took
    print(
        f"{options.cars} cars at {options.hz} Hz, {options.dashboards} dashboards, "
        f"{options.runners} runners: {rate:,.0f} positions/s in "
        f"({rate / PEER_POSITIONS:.0f} times the replaced system)"
    )
    print(
        f"lag p50 {np.percentile(lags, 50):.0f} ms,"
        f" p99 {np.percentile(lags, 99):.0f} ms, max {lags.max():.0f} ms;"
        f" dashboards complete {complete:.2f} s after the end"
    )
    lost = sum(int((board.newest != rounds).sum()) for board in boards)
    print(f"cars whose last position a dashboard lacks: {lost}")
    return total


async def one_frame_connections(port, seconds, at_once):
    """Return how many connections that send a single position fit into a second."""
    deadline = time.perf_counter() + seconds
    done = 0

    async def client():
        nonlocal done
        number = 0
        while time.perf_counter() < deadline:
            number += 1
            car = await connect(port, "/roadblock/ws/vehicles")
            body = BODY.pack(packets.POSITION_REPORT, 0, number, 0)
            car.send(packets.signed(VEHICLE_KEY, body))
            car.transport.write(frame(b"\x03\xe8", 8))  # close, as a client does
            await car.closed
            done += 1

    await asyncio.gather(*(client() for _ in range(at_once)))
    return done / seconds


def stored(environ):
    code = "from roadblock.models import Position; print(Position.objects.count())"
    result = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", code],
        cwd=PROJECT,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(result.stdout.strip().splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cars", type=int, default=1000)
    parser.add_argument("--runners", type=int, default=0)
    parser.add_argument("--hz", type=float, default=10)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--dashboards", type=int, default=20)
    parser.add_argument("--web-processes", default="2")
    options = parser.parse_args()
    with server.running(WEB_PROCESSES=options.web_processes) as running:
        token = server.token(running.port)
        total = uvloop.run(fleet(running.port, token, options))
        time.sleep(2)
        count = stored(running.environ)
        print(f"stored {count:,} of {total:,} positions, lost {total - count:,}")
        for at_once, peer in zip((1, 10), PEER_CONNECTIONS, strict=True):
            rate = uvloop.run(one_frame_connections(running.port, 5, at_once))
            print(
                f"one-frame connections, {at_once} at once: {rate:,.0f}/s"
                f" ({rate / peer:.1f} times the replaced system's {peer}/s)"
            )


if __name__ == "__main__":
    main()
