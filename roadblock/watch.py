"""Looks at the whole fleet once a second: who is in which zone, silent, near a runner.

One server process does so for all; a lease in Valkey says which. It reads the last
positions that the processes keep there anyway, works on arrays in a thread, and so
costs the path of positions nothing. What it saw last is kept in Valkey too: whoever
takes the watch over goes on from there.
"""

import asyncio
import json
import logging
import time
import uuid

import numpy as np
from django.conf import settings
from kombu.exceptions import OperationalError
from scipy.spatial import KDTree

from config.errors import DatabaseUnavailable
from config.realtime import in_thread
from config.valkey import valkey
from roadblock import tasks, tracks
from roadblock.alerts import Sighting, raise_alerts
from roadblock.models import Alert, Zone
from roadblock.zones import Grounds

log = logging.getLogger(__name__)

LEASE_KEY, STATE_KEY = "roadblock:watch:lease", "roadblock:watch:state"
LEASE_MS = 5000
SECONDS = 1
REST_SECONDS = 10  # after a failure
# Takes the lease, or prolongs one's own.
LEASE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
NEWS_SECONDS = 60  # who has been silent for longer than this fell silent before us
MOST_ALERTS = 200  # of one look: a flood tells nobody anything
PARTING = 1.5  # times the distance of proximity at which two have parted
RECORD = np.dtype([("x", "<f4"), ("y", "<f4"), ("heard", "<f8")])  # tracks.LAST


class Fleet:
    """The cars in service that were ever heard, as arrays of one order."""

    def __init__(self, cars, last):
        known = [(int(id), value) for id, value in last.items() if int(id) in cars]
        self.ids = np.array([id for id, _value in known], np.int64)
        values = np.frombuffer(b"".join(value for _id, value in known), RECORD)
        self.x, self.y = values["x"].astype(float), values["y"].astype(float)
        self.heard = values["heard"]
        mine = [cars[id] for id, _value in known]
        self.maps = np.array([car.map_id for car in mine], np.int64)
        self.police = np.array([car.is_police for car in mine], bool)
        self.chased = np.array([car.chased for car in mine], bool)

    def places(self, ids):
        """Return {id: (x, y)} of those that are in the fleet."""
        rows = np.flatnonzero(np.isin(self.ids, list(ids)))
        return {int(self.ids[row]): (self.x[row], self.y[row]) for row in rows}

    def rows(self, map_id, watches):
        """Return which cars are on a map and of a kind."""
        rows = self.maps == map_id
        if watches == Zone.Watches.POLICE:
            rows = rows & self.police
        elif watches == Zone.Watches.RUNNER:
            rows = rows & ~self.police
        return np.flatnonzero(rows)

    def silent(self, now, seconds):
        """Return (ids of silent cars, of those the ones that fell silent just now)."""
        age = now - self.heard
        silent = age > seconds
        fresh = silent & (age <= seconds + NEWS_SECONDS)
        return set(self.ids[silent].tolist()), set(self.ids[fresh].tolist())

    def near(self, metres, fresh_since):
        """Return the set of (police id, id of a chased runner) within some metres."""
        pairs = set()
        lately = self.heard >= fresh_since
        for map_id in np.unique(self.maps[self.chased & lately]).tolist():
            here = (self.maps == map_id) & lately
            police = np.flatnonzero(here & self.police)
            runners = np.flatnonzero(here & self.chased & ~self.police)
            if not len(police) or not len(runners):
                continue
            tree = KDTree(np.column_stack([self.x[police], self.y[police]]))
            at = np.column_stack([self.x[runners], self.y[runners]])
            hits = tree.query_ball_point(at, metres)
            for runner, found in zip(runners, hits, strict=True):
                id = int(self.ids[runner])
                pairs |= {(int(self.ids[police[row]]), id) for row in found}
        return pairs


async def watch_for_ever(tracker):
    """Watch the cars that a tracker knows, whenever it is this process's turn."""
    watch = Watch(uuid.uuid4().hex)
    while True:
        await asyncio.sleep(SECONDS)
        try:
            async with tracker.watching:
                await in_thread(watch.look, dict(tracker.by_id))
        except DatabaseUnavailable:
            await asyncio.sleep(REST_SECONDS)  # the outage is told elsewhere
        except Exception as error:
            log.error("Zones are not watched: %s", error)
            await asyncio.sleep(REST_SECONDS)


def nudge():
    """Have alerts delivered now; without a broker, the beat will see to them."""
    try:
        tasks.deliver_alerts.apply_async(retry=False)
    except OperationalError as error:
        log.warning("Alerts are delivered later: %s", error)


class Watch:
    """One process's turn at watching; `name` tells it from the others."""

    def __init__(self, name):
        self.name = name
        self.lease = valkey().register_script(LEASE)

    def look(self, cars):
        """Compare the fleet with what was seen last; return the new alerts.

        `cars` is {id: Car} of those in service. Does nothing without the lease.
        """
        if not self.lease([LEASE_KEY], [self.name, LEASE_MS]):
            return []
        fleet = Fleet(cars, valkey().hgetall(tracks.LAST_KEY))
        kept = valkey().get(STATE_KEY)
        before = State.read(kept)
        zones = list(Zone.objects.filter(active=True))
        now = State.of(fleet, zones, before)
        # First: who dies in between has told less, rather than the same again.
        if (text := now.written()) != kept:
            valkey().set(STATE_KEY, text)
        sightings = list(now.news(before, zones))
        if len(sightings) > MOST_ALERTS:
            log.warning("Alerts left out, too many: %d", len(sightings) - MOST_ALERTS)
        places = fleet.places({sighting.vehicle for sighting in sightings})
        seen = [sighting for sighting in sightings if sighting.vehicle in places]
        alerts = raise_alerts(seen[:MOST_ALERTS], places)
        if any(alert.webhook for alert in alerts):
            nudge()
        return alerts


class State:
    """Who was inside, silent and near at one look."""

    def __init__(self, inside=None, silent=(), near=()):
        self.inside = inside or {}
        self.silent, self.near = set(silent), set(near)
        self.fresh = set()

    @classmethod
    def read(cls, text):
        if text is None:
            return cls()
        inside, silent, near = json.loads(text)
        return cls(
            {int(zone): set(ids) for zone, ids in inside.items()},
            silent,
            map(tuple, near),
        )

    def written(self):
        inside = {zone: sorted(ids) for zone, ids in sorted(self.inside.items())}
        return json.dumps([inside, sorted(self.silent), sorted(self.near)]).encode()

    @classmethod
    def of(cls, fleet, zones, before):
        now = time.time()
        state = cls(Grounds(zones).holders(fleet, before.inside))
        quiet = settings.ROADBLOCK_ALERT_SILENCE_SECONDS
        if quiet > 0:
            state.silent, state.fresh = fleet.silent(now, quiet)
        metres = settings.ROADBLOCK_ALERT_PROXIMITY_METRES
        if metres > 0:
            since = now - (quiet or NEWS_SECONDS)
            state.near = fleet.near(metres, since)
            if before.near - state.near:
                state.near |= before.near & fleet.near(metres * PARTING, since)
        return state

    def news(self, before, zones):
        """Yield a Sighting for all that was not so before.

        Of a zone that is new nothing is told: who is inside did not enter now.
        """
        kinds = Alert.Kind
        for zone in zones:
            if zone.pk not in before.inside:
                continue
            was, is_ = before.inside[zone.pk], self.inside[zone.pk]
            if zone.on_enter:
                yield from (Sighting(kinds.ENTER, id, zone) for id in sorted(is_ - was))
            if zone.on_leave:
                yield from (Sighting(kinds.LEAVE, id, zone) for id in sorted(was - is_))
        for id in sorted(self.fresh - before.silent):
            yield Sighting(kinds.SILENCE, id)
        for police, runner in sorted(self.near - before.near):
            yield Sighting(kinds.PROXIMITY, police, runner=runner)
