"""Simulated vehicles on the wire: a fleet that speaks to a server as real cars do.

An external client: it knows the protocol, the key and the map, and nothing else of the
server. How the cars drive is in driving.py.
"""

import asyncio
import random
import time
from collections import Counter
from contextlib import suppress
from urllib.parse import urlsplit

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from roadblock import client_packets, packets
from roadblock.driving import TICK, Fleet
from roadblock.packets import POLICE, RUNNER, Refused

REST_SECONDS = 10.0  # from a catch to the runner's next start
REPORT_SECONDS = 10.0
FIRST_DELAY, LONGEST_DELAY = 0.25, 10.0  # seconds until the next try to connect
CONNECTIONS_A_SECOND = 200  # at the start, so that a server's backlog doesn't overflow
HEAD_START = 1.0  # seconds from the runners' connections to those of the others


class Simulator:
    """A fleet's sockets: one on /ws/vehicles for each car, one on /ws/events for all.

    `url` is the mount of the server (ws:// or wss://, a query string is kept); `key`
    (bytes) signs. Cars are numbered from `first_id` and named "<prefix> P1", "<prefix>
    R1" and so on; positions go out `hz` times a second. `report(text)` is given a line
    every REPORT_SECONDS and at the end.
    """

    def __init__(self, fleet: Fleet, *, url, key, hz, first_id, prefix, report):
        self.fleet = fleet
        self.sent = 0
        self.catches = 0
        self.nacks = Counter()
        self.connected = 0
        self._url = urlsplit(url)
        self._key = key
        self._interval = 1 / hz
        self._first_id = first_id
        self._prefix = prefix
        self._report = report
        self._places = fleet.points.tolist()
        self._rested: dict[int, float] = {}  # halted runner: when it starts again
        self._restarted = set()  # runners whose registration is due
        self._catch_reports = asyncio.Queue()
        self._confirmations = {}  # car -> the frame that confirms its order
        self._trouble = None
        self._stopped = asyncio.Event()

    def stop(self):
        """Make run() return soon; to be called from the event loop."""
        self._stopped.set()

    async def run(self, seconds=None):
        """Drive and talk for so many seconds (None: until stop())."""
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(work)
                for work in (self._drive(), self._report_often(), *self._sockets())
            ]
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._stopped.wait()
            summary = self.summary()
            for task in tasks:
                task.cancel()
        self._report(summary)

    def summary(self):
        refused = ", ".join(f"{n} of code {code}" for code, n in self.nacks.items())
        trouble = f"; last trouble: {self._trouble}" if self._trouble else ""
        return (
            f"{self.sent} frames sent, {self.nacks.total()} NACKs"
            f"{f' ({refused})' if refused else ''}, {self.catches} catches, "
            f"{self.connected} of {self.fleet.size + 1} sockets connected{trouble}"
        )

    def name(self, car):
        """Return the car's name on the wire, which may be too long for it."""
        if car < self.fleet.police:
            return f"{self._prefix} P{car + 1}"
        return f"{self._prefix} R{car - self.fleet.police + 1}"

    # The world

    async def _drive(self):
        seconds = min(self._interval, TICK)
        async for _ in _beats(seconds):
            self.fleet.step(seconds)
            self._places = self.fleet.points.tolist()
            for police, runner in self.fleet.contacts():
                ids = self._first_id + police, self._first_id + runner
                self._catch_reports.put_nowait(
                    client_packets.catch_report(self._key, *ids)
                )
                self._halt(runner)
            for runner, when in list(self._rested.items()):
                if when <= time.monotonic():
                    del self._rested[runner]
                    self.fleet.restart(runner)
                    self._restarted.add(runner)

    def _halt(self, runner):
        self.fleet.halt(runner)
        self._rested.setdefault(runner, time.monotonic() + REST_SECONDS)

    async def _report_often(self):
        while True:
            await asyncio.sleep(REPORT_SECONDS)
            self._report(self.summary())

    # The sockets

    def _sockets(self):
        """Yield the work on each socket.

        Runners come first: a server that already has them on the run, from before this
        start, announces an open chase only to those who connect after the runner.
        """
        late = HEAD_START
        for i, car in enumerate(self.fleet.runners):
            wait = i / CONNECTIONS_A_SECOND
            yield self._stay_connected(wait, "vehicles", self._announce, car)
            late = HEAD_START + wait
        yield self._stay_connected(late, "events", self._report_catches)
        for car in range(self.fleet.police):
            wait = late + car / CONNECTIONS_A_SECOND
            yield self._stay_connected(wait, "vehicles", self._announce, car)

    async def _stay_connected(self, wait, channel, speak, *arguments):
        """Connect in so many seconds, and again each time the connection ends.

        Each time, speak(socket, *arguments) is what goes out.
        """
        await asyncio.sleep(wait)
        path = f"{self._url.path.rstrip('/')}/ws/{channel}"
        url = self._url._replace(path=path).geturl()
        delay = FIRST_DELAY
        while True:
            try:
                async with connect(
                    url, compression=None, proxy=None, close_timeout=1
                ) as socket:
                    delay = FIRST_DELAY
                    await self._converse(socket, speak(socket, *arguments), *arguments)
            except (OSError, WebSocketException) as error:
                self._trouble = error
            await asyncio.sleep(delay * random.uniform(0.5, 1))
            delay = min(delay * 2, LONGEST_DELAY)

    async def _converse(self, socket, speech, car=None):
        """Listen until the socket, of one car or of all, closes; speak meanwhile."""
        self.connected += 1
        try:
            async with asyncio.TaskGroup() as group:
                speaking = group.create_task(speech)
                with suppress(ConnectionClosed):
                    async for frame in socket:
                        self._hear(frame, car)
                speaking.cancel()
        finally:
            self.connected -= 1

    async def _announce(self, socket, car):
        vehicle_id = self._first_id + car
        is_police = car < self.fleet.police
        registration = client_packets.registration(
            self._key, vehicle_id, POLICE if is_police else RUNNER, self.name(car)
        )
        told = None
        with suppress(ConnectionClosed):
            await self._send(socket, registration)
            async for _ in _beats(self._interval):
                if car in self._restarted:
                    self._restarted.discard(car)
                    await self._send(socket, registration)
                if confirmation := self._confirmations.pop(car, None):
                    await self._send(socket, confirmation)
                position = client_packets.position(
                    self._key, vehicle_id, *self._places[car]
                )
                await self._send(socket, position)
                if is_police and told != (condition := self.fleet.condition(car)):
                    told = condition
                    status = client_packets.status(self._key, vehicle_id, *condition)
                    await self._send(socket, status)

    async def _report_catches(self, socket):
        while True:
            frame = await self._catch_reports.get()
            try:
                await self._send(socket, frame)
            except ConnectionClosed:
                self._catch_reports.put_nowait(frame)  # for the next connection
                return

    async def _send(self, socket, frame):
        await socket.send(frame)
        self.sent += 1

    def _hear(self, frame, car):
        # Where runners are (0x14), the fleet knows; it is most of what comes in.
        if isinstance(frame, str) or frame[:1] == _RUNNER_POSITION:
            return
        try:
            said = client_packets.decode(frame, self._key)
        except Refused:
            return
        match said.type:
            case packets.NACK:
                self.nacks[said.code] += 1
            case packets.CHASE_STARTED_FOR_VEHICLES:
                runner = said.id - self._first_id
                if runner in self.fleet.runners:
                    self.fleet.chase(runner)
            case packets.PLACEMENT if said.police_vehicle_id - self._first_id == car:
                runner = said.runner_vehicle_id - self._first_id
                if runner in self.fleet.runners:
                    self.fleet.block(car, runner, said.x, said.y)
                    self._confirmations[car] = client_packets.order_report(
                        self._key, said.police_vehicle_id, packets.command_of(frame)
                    )
            case packets.CAUGHT:
                runner = said.runner - self._first_id
                if runner in self.fleet.runners:
                    self.catches += 1
                    self.fleet.call_off(runner)
                    self._halt(runner)


_RUNNER_POSITION = bytes([packets.RUNNER_POSITION])


async def _beats(seconds):
    """Yield every so many seconds; beats that come too late are left out."""
    clock = asyncio.get_running_loop().time
    due = clock()
    while True:
        yield
        due = max(due + seconds, clock() - seconds)
        await asyncio.sleep(due - clock())
