"""The fewest units that leave the runner no way out, whatever it does.

Not a sample of routes but all of them count. A runner gains nothing by dawdling, since
blocks only appear: so it escapes if and only if, always passing places before their
unit is there, it reaches an exit by quickest ways. Each way out that is found must be
cut by one pair of unit and place; such rows are added to a mixed-integer programme
until no way is left (these are the fewest units) or no choice cuts all ways found (it
cannot be done: the ways are the proof).
"""

import time
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

WAYS_A_ROUND = 20


@dataclass(frozen=True)
class Containment:
    """`possible` is None while neither is proven in time; then `fewest` is a bound.

    posts {row of a unit: place}, empty unless possible; ways: the routes out that had
    to be cut, lists of (place, seconds).
    """

    possible: bool | None
    fewest: int
    posts: dict[int, int]
    ways: list[list[tuple[int, float]]]


def contain(graph, start, arrivals, exits, *, margin, pace=1.0, seconds=2.0):
    """Return the Containment of a runner at `start`, with arrivals (units, n) seconds.

    `exits` are the rows of places at which it would be gone; `pace` is the runner's.
    """
    deadline = time.monotonic() + seconds
    followers = _followers(graph, pace)
    is_exit = np.zeros(graph.size, dtype=bool)
    is_exit[exits] = True
    pairs, rows = {}, []  # (unit, place) -> its column; each row the columns that cut
    ways, fewest, posts = [], 0, {}
    while True:
        ready = _ready(graph, arrivals, posts, margin)
        found = _ways_out(start, followers, ready, is_exit, pace)
        if not found:
            return Containment(True, len(posts), posts, ways)
        for way in found:
            ways.append(way)
            cutters = _cutters(graph, way, arrivals, margin)
            if not cutters:
                return Containment(False, fewest, {}, [way])
            rows.append([pairs.setdefault(pair, len(pairs)) for pair in cutters])
        left = deadline - time.monotonic()
        if left <= 0:
            return Containment(None, fewest, {}, ways)
        status, posts, least = _fewest(pairs, rows, left)
        fewest = max(fewest, least)
        if status is not True:
            return Containment(status, fewest, {}, ways)


def _followers(graph, pace):
    followers = [[] for _ in range(graph.size)]
    edges = zip(graph.tails.tolist(), graph.heads.tolist(), graph.seconds, strict=True)
    for tail, head, cost in edges:
        followers[tail].append((head, float(cost) / pace))
    return followers


def _ready(graph, arrivals, posts, margin):
    """Return (n,) when each place is blocked, inf for never."""
    ready = np.full(graph.size, np.inf)
    for unit, place in posts.items():
        blocked = graph.abreast[[place]].indices
        ready[blocked] = np.minimum(ready[blocked], arrivals[unit, place] + margin)
    return ready


def _ways_out(start, followers, ready, is_exit, pace):
    """Return quickest ways to open exits that pass every place before it is blocked."""
    before, when, queue = {}, {}, []
    for place, cost in zip(start.places.tolist(), start.seconds.tolist(), strict=True):
        heappush(queue, (cost / pace, place, -1))
    out = []
    while queue and len(out) < WAYS_A_ROUND:
        moment, place, previous = heappop(queue)
        if place in when or moment >= ready[place]:
            continue
        when[place], before[place] = moment, previous
        if is_exit[place]:
            out.append(place)
            continue
        for head, cost in followers[place]:
            if head not in when:
                heappush(queue, (moment + cost, head, place))
    return [_way_to(place, before, when) for place in out]


def _way_to(place, before, when):
    way = []
    while place >= 0:
        way.append((place, when[place]))
        place = before[place]
    return way[::-1]


def _cutters(graph, way, arrivals, margin):
    """Return the pairs (unit, place) that catch a runner on this very way."""
    pairs = set()
    for place, moment in way:
        posts = graph.abreast[[place]].indices
        units, columns = np.nonzero(arrivals[:, posts] + margin <= moment)
        pairs.update(zip(units.tolist(), posts[columns].tolist(), strict=True))
    return pairs


def _fewest(pairs, rows, seconds):
    """Return (possible, {unit: place}, lower bound) for the ways found so far."""
    wide = len(pairs)
    units = np.array([unit for unit, _ in pairs])
    cuts = sparse.csr_array(
        (
            np.ones(sum(map(len, rows))),
            (
                np.repeat(np.arange(len(rows)), [len(row) for row in rows]),
                np.concatenate(rows),
            ),
        ),
        shape=(len(rows), wide),
    )
    once = sparse.csr_array((np.ones(wide), (units, np.arange(wide))))
    result = milp(
        np.ones(wide),
        integrality=np.ones(wide),
        bounds=Bounds(0, 1),
        constraints=[LinearConstraint(cuts, 1, np.inf), LinearConstraint(once, 0, 1)],
        options={"time_limit": seconds},
    )
    if result.status == 2:
        return False, {}, 0
    bound = result.mip_dual_bound
    least = 0 if bound is None or not np.isfinite(bound) else int(np.ceil(bound - 1e-6))
    if result.status != 0:
        return None, {}, least
    used = np.flatnonzero(result.x > 0.5)
    every = list(pairs)
    return True, dict(every[row] for row in used.tolist()), least
