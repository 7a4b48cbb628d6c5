"""What the planner is told of a chase: where all are, how fast, and on which roads."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise
from math import atan2, ceil, hypot

from django.conf import settings

from config.errors import Conflict
from roadblock import maps, tracks
from roadblock.courses import driving_seconds
from roadblock.interception import graph as graphs
from roadblock.interception import routes
from roadblock.interception.planning import Situation, Unit
from roadblock.models import Chase, PoliceCar, Position, Roadblock, Vehicle

SPACING = 60.0  # metres between places on a long road
ROUTES = 500
MARGIN = 3.0  # seconds that a car should be in place before the runner
RECENT_SECONDS = 6.0  # of a car's track, from which its heading and pace are read
TURN_METRES = 2.0  # a shorter way says nothing of the heading
PACES = 0.5, 1.5  # of the runner, as a multiple of what the roads allow
REFUSAL_SECONDS = 30.0  # how long a car is left alone that could not take its post
MOST_CARS = 20  # in one chase; the nearest ones
LOYALTY = 0.5  # how much nearer a chase looks to a car that has a post in it


class NoMap(Conflict):
    """The runner's map is not installed, so no ways on it are known."""

    code = "no_map"


class NobodyKnowsWhere(Conflict):
    """The runner has not told where it is."""

    code = "no_position"


@dataclass(frozen=True)
class Place:
    """Where a car is: metres, Unix time; heading and m/s where its track tells them."""

    x: float
    y: float
    heard: float
    heading: float | None = None
    speed: float | None = None


@dataclass(frozen=True)
class View:
    """A chase as the planner sees it; `cars` are the vehicles of its units by id.

    The runner is at `start` on the roads, and as fast as `pace` times what they allow.
    """

    situation: Situation
    runner: Place
    start: graphs.Start
    pace: float
    cars: dict[int, Vehicle]

    def contain(self, seconds):
        """Return the Containment of the runner, as far as the horizon reaches."""
        return self.situation.contain(
            self.start,
            settings.ROADBLOCK_HORIZON_SECONDS,
            pace=self.pace,
            seconds=seconds,
        )


def view(chase, *, runner=None, units=(), without=(), wanted=()):
    """Return the View of a chase as it is now.

    `runner` (x, y) and `units` {id: (x, y)} put cars where they are not, for a "what
    if"; cars in `without` are left out, and those `wanted` are this chase's even when
    they are nearer to another. Raises NoMap, NobodyKnowsWhere.
    """
    map_id = chase.runner.map_id or settings.ROADBLOCK_DEFAULT_MAP_ID
    graph = graph_of(map_id)
    units = dict(units)
    cars = _fit_cars(map_id)
    places = _places([chase.runner_id, *cars])
    moved = {pk: Place(*at, time.time()) for pk, at in units.items() if pk in cars}
    if runner is not None:
        moved[chase.runner_id] = Place(*runner, time.time())
    places |= moved
    if chase.runner_id not in places:
        raise NobodyKnowsWhere
    oldest = time.time() - settings.ROADBLOCK_SILENT_SECONDS
    heard = {pk for pk, place in places.items() if place.heard >= oldest}
    posts = {one.unit_id: one for one in _posts_in_force()}
    at_hand = set(cars) & heard - set(without) - _unwilling(chase) | set(units)
    ours = at_hand & set(cars) & set(wanted)
    ours |= _share_out(chase, map_id, places, at_hand & set(cars) - ours, posts)
    # Only of those that count: the tracks of a whole fleet would be many rows.
    places |= _in_motion({pk: places[pk] for pk in {chase.runner_id, *ours}})
    places |= moved
    where = places[chase.runner_id]
    start = graph.locate(where.x, where.y, where.heading)
    pace = _pace(graph, where)
    drawn = routes.sample(
        graph,
        start,
        horizon=settings.ROADBLOCK_HORIZON_SECONDS,
        count=ROUTES,
        seed=chase.pk,  # always the same, so that plans differ by what happened alone
        pace=pace,
    )
    police = [_unit(graph, pk, places[pk], posts.get(pk)) for pk in sorted(ours)]
    situation = Situation(graph, drawn, police, margin=MARGIN)
    return View(situation, where, start, pace, {pk: cars[pk] for pk in ours})


def graph_of(map_id):
    """Return the graph of an installed map; raise NoMap."""
    for info in maps.installed(settings.ROADBLOCK_MAPS_DIR):
        if info.id == map_id:
            return _graph(maps.load(info.folder))
    raise NoMap


@lru_cache(maxsize=8)
def _graph(roads):
    return graphs.build(roads, spacing=SPACING, seconds=driving_seconds(roads))


def _fit_cars(map_id):
    """Return {id: police car in service on this map that can still drive}."""
    cars = Vehicle.objects.live().filter(vehicle_type="police", details__fuel__gt=0)
    cars = cars.exclude(details__status=PoliceCar.Status.COMPLETE_DESTROYED)
    default = settings.ROADBLOCK_DEFAULT_MAP_ID
    return {car.pk: car for car in cars if (car.map_id or default) == map_id}


def _unwilling(chase):
    since = datetime.fromtimestamp(time.time() - REFUSAL_SECONDS, UTC)
    failed = Roadblock.objects.filter(
        plan__chase=chase, state=Roadblock.State.FAILED, changed_at__gte=since
    )
    return set(failed.values_list("unit_id", flat=True))


def _posts_in_force():
    states = Roadblock.State
    return Roadblock.objects.filter(
        plan__replaced_at=None,
        plan__is_trial=False,
        plan__chase__ended_at=None,
        state__in=[states.QUEUED, states.SENT, states.ACKNOWLEDGED],
    ).select_related("plan")


def _places(ids):
    """Return {id: Place} of all these cars that ever told where they are."""
    last = tracks.last_positions(ids)
    return {pk: Place(*at) for pk, at in last.items()}


def _in_motion(places):
    """Return places with the headings and speeds that the cars' tracks tell."""
    since = datetime.fromtimestamp(time.time() - RECENT_SECONDS, UTC)
    rows = Position.objects.filter(vehicle__in=list(places), created_at__gte=since)
    tracks_of = {}
    for pk, x, y, moment in rows.order_by("created_at").values_list(
        "vehicle_id", "x", "y", "created_at"
    ):
        tracks_of.setdefault(pk, []).append((x, y, moment.timestamp()))
    moving = {}
    for pk, place in places.items():
        at = place.x, place.y, place.heard
        moving[pk] = Place(*at, *_motion([*tracks_of.get(pk, []), at]))
    return moving


def _motion(track):
    """Return (heading, metres a second) at a track's end, None where it tells none."""
    x, y, now = track[-1]
    before = next(
        (p for p in reversed(track) if hypot(x - p[0], y - p[1]) >= TURN_METRES), None
    )
    heading = before and atan2(y - before[1], x - before[0])
    seconds = now - track[0][2]
    if seconds < RECENT_SECONDS / 3:
        return heading, None
    steps = pairwise(track)
    return heading, sum(hypot(b[0] - a[0], b[1] - a[1]) for a, b in steps) / seconds


def _pace(graph, place):
    if place.speed is None:
        return 1.0
    link = graph.roads.nearest(place.x, place.y).link
    usual = graph.roads.links[link].length / graph.link_seconds[link]
    return min(max(place.speed / usual, PACES[0]), PACES[1])


def _share_out(chase, map_id, places, cars, posts):
    """Return the cars for this chase: each open one gets those near it, equally many.

    A car that has a post stays with its chase unless another runner is far nearer.
    """
    default = settings.ROADBLOCK_DEFAULT_MAP_ID
    others = Chase.objects.filter(ended_at=None).exclude(pk=chase.pk)
    runners = {
        one.pk: one.runner_id
        for one in others.select_related("runner")
        if (one.runner.map_id or default) == map_id
    }
    oldest = time.time() - settings.ROADBLOCK_SILENT_SECONDS
    there = _places(runners.values())
    targets = {
        pk: there[runner]
        for pk, runner in runners.items()
        if runner in there and there[runner].heard >= oldest
    }
    targets[chase.pk] = places[chase.runner_id]

    def distance(pair):
        car, target = places[pair[0]], targets[pair[1]]
        loyal = pair[0] in posts and posts[pair[0]].plan.chase_id == pair[1]
        gap = hypot(car.x - target.x, car.y - target.y)
        return gap * (LOYALTY if loyal else 1), pair

    equally = ceil(len(cars) / len(targets))
    room = dict.fromkeys(targets, min(equally, MOST_CARS))
    taken = {}
    pairs = [(car, target) for car in cars for target in targets]
    for car, target in sorted(pairs, key=distance):
        if car not in taken and room[target]:
            taken[car] = target
            room[target] -= 1
    return {car for car, target in taken.items() if target == chase.pk}


def _unit(graph, pk, place, post):
    holds = None
    if post is not None and post.state == Roadblock.State.ACKNOWLEDGED:
        is_there = hypot(place.x - post.x, place.y - post.y) <= tracks.ARRIVED
        holds = graph.rows.get(post.node) if is_there else None
    return Unit(pk, graph.locate(place.x, place.y, place.heading), holds=holds)
