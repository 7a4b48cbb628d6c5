"""Where every car is: one picture of the fleet in the memory of each server process.

A position costs one look-up in a dict. A tick, ten times a second, builds one frame for
all cars that moved, publishes it once, and leaves their rows to a storing task of its
own: nobody waits for the database. The picture is filled from the database once and
kept true by events.
"""

import asyncio
import logging
import time
from collections import deque
from itertools import islice

import redis.asyncio
from django.conf import settings

from config.errors import DatabaseUnavailable
from config.realtime import EVERYBODY, hub, in_thread, publish_now
from roadblock import counters, packets, tracks, watch
from roadblock.cars import Car, read_car, read_fleet, read_keys
from roadblock.dispatch import Dispatch
from roadblock.wire import (
    CARS_ON_EVENTS,
    CARS_ON_VEHICLES,
    DASHBOARD_VEHICLES,
    SHARED_KEY,
    TRACKERS,
)

log = logging.getLogger(__name__)

# The cars' groups too, although only their sockets have use for the frames: a process
# that is subscribed already gives a newcomer the start of a chase either from the
# picture or as it happens, with no gap between.
GROUPS = (TRACKERS, CARS_ON_VEHICLES, CARS_ON_EVENTS, EVERYBODY)
TICK = settings.ROADBLOCK_TICK_MS / 1000
STORE_SECONDS = 0.5
STORE_ROWS = 50_000
COMPLAINT_SECONDS = 10
LAST_TRIES = 2  # at the end of the process, which a supervisor will not await for long
HEARD_SECONDS = 10  # how fresh a runner must be for its chase to be announced anew
UNKNOWN_SECONDS = 1  # how long an unknown number is not looked up again
UNKNOWN_LIMIT = 10_000


class Tracker:
    """The picture of one event loop."""

    def __init__(self):
        self.cars = {}  # by vehicle number
        self.by_id = {}
        self.gone = set()  # ids of retired cars; none of them ever comes back
        self.keys = {}  # vehicle number -> (key, counter required)
        self.unknown = {}  # vehicle number -> when it may be looked up again
        self.moved_cars = {}
        self.runner_moves = []
        self.rows = deque()
        self.lost_rows = 0
        self.over_rate = 0
        self.reports_second, self.reports = 0, {}  # number -> frames in that second
        self.dispatch = Dispatch()
        self.refused = 0  # frames of bad form, signature or coordinates
        self.started = False
        self.starting = asyncio.Lock()
        self.moved_event = asyncio.Event()
        self.rows_event = asyncio.Event()
        self.storing, self.ticking = asyncio.Lock(), asyncio.Lock()
        self.watching = asyncio.Lock()
        self.tasks = []
        self.valkey = redis.asyncio.from_url(settings.REDIS_URL)

    async def start(self):
        """Fill the picture, once; listen before reading, so that nothing is missed."""
        async with self.starting:
            if self.started:
                return
            early = []
            for group in GROUPS:
                await hub().join(group, early.append)
            await self.load()
            for group in GROUPS:
                await hub().join(group, self.heard_of)
                await hub().leave(group, early.append)
            for event in early:  # they may be newer than what was read
                self.heard_of(event)
            self.started = True
            self.tasks = [
                asyncio.create_task(self.tick_for_ever()),
                asyncio.create_task(self.store_for_ever()),
                asyncio.create_task(self.complain_for_ever()),
                asyncio.create_task(self.dispatch.store_for_ever()),
                asyncio.create_task(watch.watch_for_ever(self)),
            ]

    async def load(self):
        fleet, chased, keys, last, ordered = await in_thread(read_fleet)
        for id, vehicle_id, kind, map_id in fleet:
            self.know(id, vehicle_id, kind == "police", map_id)
        for id, (x, y, moment) in last.items():
            if car := self.by_id.get(id):
                car.x, car.y, car.heard = x, y, moment
        for id, started_at in chased:
            if car := self.by_id.get(id):
                car.chased = True
                car.heard = max(car.heard, started_at.timestamp())
        self.keys = keys
        for chase in {order["chase"] for order in ordered}:
            its_orders = [order for order in ordered if order["chase"] == chase]
            self.dispatch.replace(chase, its_orders)

    async def stop(self):
        """Publish and store what is left."""
        # Neither is cancelled half-way: a batch would be stored twice, and the Valkey
        # client may swallow the cancellation, which leaves a task that never ends.
        async with self.storing, self.ticking, self.dispatch.storing, self.watching:
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)
        failures = 0
        while self.rows and failures < LAST_TRIES:
            failures += not await self.store_some()
        if self.rows:
            log.error("Positions lost at the end: %d", len(self.rows))
        if self.moved_cars:
            await self.try_to_tick()
        if self.dispatch.news:
            await self.dispatch.store()
        for group in GROUPS:
            await hub().leave(group, self.heard_of)
        await self.valkey.aclose()

    # What is known

    def know(self, id, vehicle_id, is_police, map_id):
        """Take a car in and return it, or None: late news of a retired one."""
        if id in self.gone:
            return None
        car = self.by_id.get(id)
        if car is None:
            car = self.by_id[id] = Car(id, vehicle_id, is_police, map_id)
        car.map_id = map_id or settings.ROADBLOCK_DEFAULT_MAP_ID
        self.cars[vehicle_id] = car
        self.unknown.pop(vehicle_id, None)
        return car

    def key_of(self, vehicle_id):
        """Return the key that a vehicle signs with."""
        own = self.keys.get(vehicle_id)
        return own[0] if own else SHARED_KEY

    async def find(self, vehicle_id):
        """Return the car, or None; asks the database about a number not seen yet.

        Another process may have registered it a moment ago.
        """
        car = self.cars.get(vehicle_id)
        now = time.monotonic()
        if car is not None or self.unknown.get(vehicle_id, 0) > now:
            return car
        found = await in_thread(read_car, vehicle_id)
        if found is not None:
            return self.know(*found)
        while len(self.unknown) >= UNKNOWN_LIMIT:
            del self.unknown[next(iter(self.unknown))]
        self.unknown[vehicle_id] = now + UNKNOWN_SECONDS
        return self.cars.get(vehicle_id)  # it may have registered meanwhile

    async def is_fresh(self, report, vehicle_id):
        """Tell whether a frame's counter is as the vehicle's key demands."""
        key, required = self.keys.get(vehicle_id, (None, False))
        return not required or await counters.rises(
            self.valkey, vehicle_id, key, report
        )

    def open_runners(self):
        """Return the numbers of the chased runners that were heard just now."""
        oldest = time.time() - HEARD_SECONDS
        return [
            car.vehicle_id
            for car in self.by_id.values()
            if car.chased and car.heard >= oldest
        ]

    def heard_of(self, event):
        """Keep the picture true (the hub calls this)."""
        kind = event["type"]
        if kind == "car.known":
            car = self.know(
                event["id"], event["vehicle_id"], event["is_police"], event["map_id"]
            )
            if car is not None:
                car.heard = max(car.heard, event["heard"])
        elif kind == "car.gone":
            self.gone.add(event["id"])
            self.by_id.pop(event["id"], None)
            self.moved_cars.pop(event["id"], None)
            car = self.cars.get(event["vehicle_id"])
            if car is not None and car.id == event["id"]:
                del self.cars[event["vehicle_id"]]
        elif kind == "runners.heard":
            for id in event["ids"]:
                if car := self.by_id.get(id):
                    car.heard = max(car.heard, event["at"])
        elif kind in ("chase.opened", "chase.ended"):
            if car := self.by_id.get(event["id"]):
                car.chased = kind == "chase.opened"
                car.heard = time.time() if car.chased else car.heard
        elif kind == "orders.changed":
            self.dispatch.replace(event["chase"], event["orders"])
        elif kind == "keys.changed":
            self.soon(self.read_keys())
        elif kind == "database.restored":
            self.soon(self.start_over())

    def soon(self, work):
        task = asyncio.ensure_future(work)
        self.tasks.append(task)
        task.add_done_callback(self.tasks.remove)

    async def read_keys(self):
        self.keys = await in_thread(read_keys)

    async def start_over(self):
        """Forget the fleet of another database, and what was to go into that."""
        async with self.storing, self.ticking, self.dispatch.storing:
            self.dispatch.forget()
            for known in (self.cars, self.by_id, self.gone, self.unknown):
                known.clear()
            for waiting in (self.moved_cars, self.runner_moves, self.rows):
                waiting.clear()
            while True:
                try:
                    await self.load()
                except DatabaseUnavailable:
                    await asyncio.sleep(1)  # its doors open in a moment
                else:
                    return

    # The hot path

    def moved(self, car, x, y):
        """Take a position in; it is published at the next tick, and stored."""
        now = time.time()
        second = int(now)
        car.x, car.y, car.heard = x, y, now
        self.moved_cars[car.id] = car
        self.moved_event.set()
        if car.vehicle_id in self.dispatch.by_vehicle:
            self.dispatch.moved(car.vehicle_id, x, y)
        if car.second == second:
            car.taken += 1
            if car.taken > settings.ROADBLOCK_VEHICLE_RATE:
                # Too many to store and to pass on; where it is now is shown anyway.
                self.over_rate += 1
                return
        else:
            car.second, car.taken = second, 1
        if not car.is_police:
            self.runner_moves.append((car.vehicle_id, x, y))
        if now - car.stored >= settings.ROADBLOCK_TRACK_INTERVAL:
            car.stored = now
            if len(self.rows) >= settings.ROADBLOCK_TRACK_QUEUE:
                self.rows.popleft()
                self.lost_rows += 1
            self.rows.append(tracks.row(car.id, x, y, now))

    def may_report(self, number):
        """Tell whether a vehicle has not said too much in this second.

        For frames that go to the database, each with a transaction of its own.
        """
        second = int(time.time())
        if second != self.reports_second:
            self.reports_second, self.reports = second, {}
        told = self.reports[number] = self.reports.get(number, 0) + 1
        if told > settings.ROADBLOCK_REPORT_RATE:
            self.over_rate += 1
            return False
        return True

    # Ticks

    async def tick_for_ever(self):
        last = 0.0
        while True:
            await self.moved_event.wait()
            # The first position after a pause goes out at once, the others together.
            await asyncio.sleep(max(0, last + TICK - time.monotonic()))
            last = time.monotonic()
            if not await self.try_to_tick():
                await asyncio.sleep(1)

    async def try_to_tick(self):
        """Tell whether the moved cars were shown; if not, they wait for the next tick.

        Runners' steps do not: what vehicles are told of them is of this moment only.
        """
        cars = self.moved_cars
        try:
            async with self.ticking:
                await self.tick()
        except Exception as error:
            log.error("Positions are not shown yet: %s", error)
            waiting = {id: car for id, car in cars.items() if id in self.by_id}
            self.moved_cars = waiting | self.moved_cars
            self.moved_event.set()
            return False
        return True

    async def tick(self):
        self.moved_event.clear()
        self.rows_event.set()
        cars, self.moved_cars = self.moved_cars, {}
        runner_moves, self.runner_moves = self.runner_moves, []
        # First, so that a dashboard which comes now finds what it has not been told.
        await self.valkey.hset(
            tracks.LAST_KEY,
            mapping={
                id: tracks.LAST.pack(car.x, car.y, car.heard)
                for id, car in cars.items()
            },
        )
        maps = {}
        for id, car in cars.items():
            record = packets.POSITION_RECORD.pack(id, car.x, car.y)
            maps.setdefault(car.map_id, []).append(record)
        for map_id, records in maps.items():
            joined = b"".join(records)
            frame = packets.positions(SHARED_KEY, map_id, joined)
            await publish_now(
                DASHBOARD_VEHICLES, "vehicles.moved", map_id=map_id, frame=frame
            )
        if runner_moves:
            frames = [
                packets.runner_position(SHARED_KEY, *move) for move in runner_moves
            ]
            await publish_now(CARS_ON_VEHICLES, "frames", frames=frames)
            heard = [id for id, car in cars.items() if not car.is_police]
            await publish_now(TRACKERS, "runners.heard", ids=heard, at=time.time())

    # Storing

    async def store_for_ever(self):
        while True:
            await self.rows_event.wait()
            await asyncio.sleep(STORE_SECONDS)
            self.rows_event.clear()
            while self.rows and await self.store_some():
                pass

    async def store_some(self):
        """Store the oldest rows; on failure they wait, and a pause follows."""
        async with self.storing:
            rows = list(islice(self.rows, STORE_ROWS))
            lost = self.lost_rows
            try:
                await in_thread(tracks.store, rows)
            except DatabaseUnavailable:
                self.rows_event.set()
            except Exception as error:
                log.error("Positions are not stored yet: %s", error)
                self.rows_event.set()
            else:
                # Meanwhile a full queue may have dropped some of these very rows.
                for _ in range(len(rows) - (self.lost_rows - lost)):
                    self.rows.popleft()
                return True
        await asyncio.sleep(1)
        return False

    # Complaints, at a rate that floods no log

    async def complain_for_ever(self):
        told = 0, 0, 0
        while True:
            await asyncio.sleep(COMPLAINT_SECONDS)
            counts = self.lost_rows, self.over_rate, self.refused
            if counts != told:
                log.warning(
                    "Since the start: %d positions lost to a full queue, "
                    "%d over a car's rate, %d frames refused",
                    *counts,
                )
            told = counts


_trackers = {}


async def tracker():
    """Return the running event loop's tracker, started."""
    loop = asyncio.get_running_loop()
    own = _trackers.get(loop)
    if own is None:
        for stale in [other for other in _trackers if other.is_closed()]:
            del _trackers[stale]
        own = _trackers[loop] = Tracker()
    if not own.started:
        await own.start()
    return own


async def stop():
    """Store what the running loop's tracker holds, and let it go."""
    own = _trackers.pop(asyncio.get_running_loop(), None)
    if own is not None:
        await own.stop()
