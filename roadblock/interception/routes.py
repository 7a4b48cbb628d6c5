"""Where a runner may go: routes with the seconds at which it passes each place.

Models of a runner, each a function (graph, start, horizon, count, dice) -> Routes:
shortest ways to exits it prefers by chance, shortest ways on roads it misjudges (the
perturbed k-shortest paths), and a walk that never turns back. A recorded drive is the
fourth kind.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csgraph
from scipy.spatial import KDTree

from roadblock.interception.graph import REACH, RoadGraph, Start

HASTE = 3.0  # how much likelier a near exit is than one at the horizon: e to the third
MISJUDGING = 0.5  # spread of the logarithm of a road's judged seconds
VARIANTS = 16  # differently misjudged networks
BACKWARDS = np.cos(np.radians(150))  # a sharper turn is turning back
MOST_STEPS = 4000


class Routes(NamedTuple):
    """Routes (r) of at most k places each.

    nodes (r, k) rows of places, -1 after the end; seconds (r, k) from now, inf after
    the end; weights (r,) probabilities, which add up to 1; models (r,) numbers of the
    models that the routes come from.
    """

    nodes: np.ndarray
    seconds: np.ndarray
    weights: np.ndarray
    models: np.ndarray


def shortest(graph, start, horizon, count, dice):
    """Quickest ways to exits; nearer ones are preferred, by chance."""
    return _to_goals(graph, start, horizon, count, dice, np.ones((1, len(graph.tails))))


def perturbed(graph, start, horizon, count, dice):
    """Ways to exits that look quickest to one who misjudges how long roads take."""
    shape = min(VARIANTS, count), len(graph.tails)
    factors = np.exp(MISJUDGING * dice.standard_normal(shape))
    return _to_goals(graph, start, horizon, count, dice, factors)


def walk(graph, start, horizon, count, dice):
    """At each place any way on is equally likely, except back."""
    out = _ways_out(graph)
    turns = np.stack([np.cos(graph.arriving), np.sin(graph.arriving)], axis=1)
    first = dice.integers(len(start.places), size=count)
    node, time = start.places[first], start.seconds[first].astype(float)
    nodes, seconds = [node], [time]
    edge = np.full(count, -1)
    alive = np.ones(count, dtype=bool)
    for _ in range(MOST_STEPS):
        options = out[node]
        open_to = options >= 0
        direction = np.where(edge[:, None] >= 0, turns[edge], 0.0)
        ahead = np.einsum("rdk,rk->rd", turns[options], direction) > BACKWARDS
        onward = open_to & ahead
        onward = np.where(onward.any(axis=1)[:, None], onward, open_to)
        pick = np.where(onward, dice.random(options.shape), -1.0).argmax(axis=1)
        alive &= onward.any(axis=1)
        edge = np.where(alive, options[np.arange(count), pick], edge)
        time = np.where(alive, time + graph.seconds[edge], np.inf)
        alive &= time <= horizon
        if not alive.any():
            break
        node = np.where(alive, graph.heads[edge], node)
        nodes.append(np.where(alive, node, -1))
        seconds.append(np.where(alive, time, np.inf))
    return _within(np.stack(nodes, 1), np.stack(seconds, 1), horizon)


MODELS = {"shortest": shortest, "perturbed": perturbed, "walk": walk}


def sample(
    graph: RoadGraph,
    start: Start,
    *,
    horizon: float,
    count: int,
    seed: int,
    models: dict[str, float] | None = None,
    pace: float = 1.0,
) -> Routes:
    """Draw routes by several models, {name: share of the probability}.

    `pace`: how fast the runner is, as a multiple of what the graph's seconds suppose.
    Equal seeds give equal routes.
    """
    models = models or dict.fromkeys(MODELS, 1.0)
    dice = np.random.default_rng(seed)
    # As many routes of each model as its share says: so all routes weigh the same.
    ends = np.cumsum(list(models.values())) / sum(models.values()) * count
    sizes = np.diff(np.round(ends).astype(int), prepend=0).tolist()
    parts = []
    for number, (name, size) in enumerate(zip(models, sizes, strict=True)):
        if not size:
            continue
        # At another pace it is the clock that runs differently.
        part = MODELS[name](graph, start, horizon * pace, size, dice)
        numbers = np.full(size, number)
        parts.append(part._replace(seconds=part.seconds / pace, models=numbers))
    every = joined(parts)
    return every._replace(weights=np.full(count, 1 / count))


def recorded(graph: RoadGraph, track, *, horizon: float) -> Routes:
    """The one route that a recorded drive took: track (m, 3) of x, y, seconds.

    Seconds are counted from the drive's first row. It passes the places that it came
    within REACH of, each when it left it for the last time.
    """
    track = np.asarray(track, dtype=float)
    metres = np.cumsum(
        np.hypot(*np.diff(track[:, :2], axis=0, prepend=track[:1, :2]).T)
    )
    steps = np.union1d(metres, np.arange(0.0, metres[-1], 1.0))
    x, y, seconds = (np.interp(steps, metres, column) for column in track.T)
    near = KDTree(graph.points).query_ball_point(np.column_stack([x, y]), REACH)
    left = {}
    for moment, places in zip((seconds - track[0, 2]).tolist(), near, strict=True):
        left |= dict.fromkeys(places, moment)
    if not left:
        raise ValueError("The drive comes by no place of this map")
    passed = sorted(left.items(), key=lambda each: each[1])
    nodes, times = (np.array(column)[None] for column in zip(*passed, strict=True))
    return _within(nodes, times, horizon)


def joined(parts: list[Routes]) -> Routes:
    """All routes as one set."""
    width = max(part.nodes.shape[1] for part in parts)

    def wide(array, filling):
        room = (0, 0), (0, width - array.shape[1])
        return np.pad(array, room, constant_values=filling)

    return Routes(
        np.concatenate([wide(part.nodes, -1) for part in parts]),
        np.concatenate([wide(part.seconds, np.inf) for part in parts]),
        np.concatenate([part.weights for part in parts]),
        np.concatenate([part.models for part in parts]),
    )


def goals(graph: RoadGraph, distances, horizon: float):
    """Return the places a runner may want to reach: exits; without any, the farthest.

    `distances` (n,) seconds from the runner. The farthest are those from which a way
    leads on beyond the horizon; where there is none either, all that it can reach, and
    the next place, however far.
    """
    reached = distances <= horizon
    exits = graph.exits[reached[graph.exits]]
    if len(exits):
        return exits
    beyond = reached[graph.tails] & (distances[graph.tails] + graph.seconds > horizon)
    rim = np.unique(graph.tails[beyond])
    if not len(rim):
        rim = np.flatnonzero(reached)
    return rim if len(rim) else distances.argmin(keepdims=True)


def _to_goals(graph, start, horizon, count, dice, factors):
    origin = graph.size
    found = [
        csgraph.dijkstra(
            graph.with_starts([start], each), indices=origin, return_predecessors=True
        )
        for each in factors
    ]
    distances = np.stack([each[0] for each in found])[:, : graph.size]
    before = np.stack([each[1] for each in found])
    true = distances[0] if np.all(factors[0] == 1) else graph.arrivals([start])[0]
    aims = goals(graph, true, horizon)
    # Gumbel's noise makes the best of these a choice in proportion to its exponential.
    appeal = -HASTE * true[aims] / horizon + dice.gumbel(size=(count, len(aims)))
    node = aims[appeal.argmax(axis=1)]
    variant = np.arange(count) % len(factors)
    backwards = []
    while (node != origin).any():
        backwards.append(np.where(node != origin, node, -1))
        node = np.where(node != origin, before[variant, node], origin)
    return _timed(graph, start, np.stack(backwards[::-1], axis=1), horizon)


def _timed(graph, start, nodes, horizon):
    """Move routes, padded with -1 in front, to the left; add when they pass."""
    width = nodes.shape[1]
    lengths = (nodes >= 0).sum(axis=1)
    shift = (np.arange(width) + (width - lengths)[:, None]) % width
    nodes = np.where(
        np.arange(width) < lengths[:, None],
        np.take_along_axis(nodes, shift, axis=1),
        -1,
    )
    first = dict(zip(start.places.tolist(), start.seconds.tolist(), strict=True))
    steps = np.zeros(nodes.shape)
    steps[:, 0] = [first[node] for node in nodes[:, 0].tolist()]
    edges = graph.edges(nodes[:, :-1], nodes[:, 1:])
    steps[:, 1:] = np.where(nodes[:, 1:] >= 0, graph.seconds[edges], np.inf)
    return _within(nodes, np.cumsum(steps, axis=1), horizon)


def _within(nodes, seconds, horizon):
    """Cut routes off at the horizon; the first place stays, however far."""
    late = ~(seconds <= horizon)
    late[:, 0] = False
    nodes = np.where(late, -1, nodes).astype(np.int32)
    seconds = np.where(nodes >= 0, seconds, np.inf)
    width = max(1, int((nodes >= 0).sum(axis=1).max()))
    count = len(nodes)
    return Routes(
        nodes[:, :width],
        seconds[:, :width],
        np.full(count, 1 / count),
        np.zeros(count, dtype=int),
    )


def _ways_out(graph):
    """Return (n, d) rows of the edges that leave each place, -1 for none."""
    counts = np.bincount(graph.tails, minlength=graph.size)
    out = np.full((graph.size, max(1, int(counts.max()))), -1)
    column = np.arange(len(graph.tails)) - np.repeat(np.cumsum(counts) - counts, counts)
    out[graph.tails, column] = np.arange(len(graph.tails))
    return out
