"""A chase without a server: a runner, police cars, and who catches whom.

Cars drive along the graph's edges in the graph's seconds, as a multiple of their pace;
they neither speed up nor brake. Police see where the runner is, and not where it means
to go. Pure and seeded: equal seeds make equal chases.
"""

from dataclasses import dataclass
from math import hypot

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from roadblock.interception import routes
from roadblock.interception.graph import RoadGraph

STEP = 0.2  # seconds
REACH = 6.0  # metres at which a runner is caught
EVADE = "evade"
MODELS = (*routes.MODELS, EVADE)
DISLIKE = 0.8  # of a place's safety, where the runner has been just now
REMEMBERED = 8  # places


class Drive:
    """A way in time: points (k, 2) and the seconds (k,) at which they are passed."""

    def __init__(self, points, seconds):
        self.points = np.asarray(points, dtype=float)
        self.seconds = np.asarray(seconds, dtype=float)

    def at(self, moment):
        """Return (x, y, heading); the heading is that of the last piece driven."""
        row = int(np.searchsorted(self.seconds, moment, side="right"))
        row = min(max(row, 1), len(self.seconds) - 1)
        (x1, y1), (x2, y2) = self.points[row - 1], self.points[row]
        begin, end = self.seconds[row - 1], self.seconds[row]
        part = (
            min(max((moment - begin) / (end - begin), 0.0), 1.0) if end > begin else 1
        )
        heading = float(np.arctan2(y2 - y1, x2 - x1))
        return x1 + part * (x2 - x1), y1 + part * (y2 - y1), heading

    @property
    def end(self):
        return float(self.seconds[-1])


def along(graph: RoadGraph, edge, begin, pace):
    """Return the Drive along an edge from moment `begin`."""
    line = graph.line(edge)
    steps = np.hypot(*np.diff(line, axis=0).T)
    parts = np.concatenate([[0.0], np.cumsum(steps) / max(steps.sum(), 1e-9)])
    return Drive(line, begin + parts * graph.seconds[edge] / pace)


class Runner:
    """Drives to an exit by one of MODELS; where that leads no farther, it evades."""

    def __init__(self, graph, place, model, pace, horizon, dice):
        self.graph, self.model, self.pace, self.dice = graph, model, pace, dice
        self.exits = set(graph.exits.tolist())
        self.out = [[] for _ in range(graph.size)]
        for edge, tail in enumerate(graph.tails.tolist()):
            self.out[tail].append(edge)
        self.place, self.memory = place, [place]
        self.drive = Drive([graph.points[place]] * 2, [0.0, 0.0])
        self.edges = []
        if model != EVADE:
            drawn = routes.sample(
                graph,
                graph.at(place),
                horizon=horizon,
                count=1,
                seed=int(dice.integers(2**32)),
                models={model: 1},
                pace=pace,
            )
            nodes = drawn.nodes[0][drawn.nodes[0] >= 0]
            self.edges = graph.edges(nodes[:-1], nodes[1:]).tolist()

    @property
    def has_escaped(self):
        return self.place in self.exits

    def go_on(self, moment, police):
        """Take the next edge if the last one is driven; False where none leads on."""
        while moment >= self.drive.end:
            if self.has_escaped:
                return False
            edge = self.edges.pop(0) if self.edges else self._choose(police)
            if edge is None:
                return True
            self.drive = along(self.graph, edge, self.drive.end, self.pace)
            self.place = int(self.graph.heads[edge])
            self.memory = [*self.memory[-REMEMBERED:], self.place]
        return True

    def _choose(self, police):
        """Away from police, out if possible, rather not back to where it was."""
        options = self.out[self.place]
        if not options:
            return None

        def appeal(edge):
            place = int(self.graph.heads[edge])
            gaps = np.hypot(*(police - self.graph.points[place]).T)
            safety = float(gaps.min(initial=np.inf)) + 1e3 * (place in self.exits)
            if place in self.memory:
                safety *= DISLIKE
            return safety * self.dice.uniform(0.9, 1.1)

        return max(options, key=appeal)


class BothWays:
    """The roads for those who also drive against the traffic: ways between places."""

    def __init__(self, graph: RoadGraph):
        self.graph = graph
        metres = np.array([self._metres(edge) for edge in range(len(graph.tails))])
        self.metres = metres
        tails = np.concatenate([graph.tails, graph.heads])
        heads = np.concatenate([graph.heads, graph.tails])
        edges = np.tile(np.arange(len(graph.tails)), 2)
        order = np.lexsort([np.tile(metres, 2), heads, tails])
        keys = tails[order].astype(np.int64) * graph.size + heads[order]
        order = order[np.unique(keys, return_index=True)[1]]
        self.edge = dict(
            zip(
                zip(tails[order].tolist(), heads[order].tolist(), strict=True),
                edges[order].tolist(),
                strict=True,
            )
        )
        matrix = sparse.csr_array(
            (np.maximum(metres[edges[order]], 1e-6), (tails[order], heads[order])),
            shape=(graph.size, graph.size),
        )
        self.distances, self.before = csgraph.dijkstra(matrix, return_predecessors=True)

    def _metres(self, edge):
        return float(np.hypot(*np.diff(self.graph.line(edge), axis=0).T).sum())

    def way(self, start, goal):
        """Return the places from start to goal, both included; [] for no way."""
        if not np.isfinite(self.distances[start, goal]):
            return []
        places = [goal]
        while places[-1] != start:
            places.append(int(self.before[start, places[-1]]))
        return places[::-1]


@dataclass(frozen=True)
class Outcome:
    """How a chase ended: "caught", "escaped" or "open" at the limit; after seconds."""

    ending: str
    seconds: float


def play(graph, runner, cars, strategy, limit) -> Outcome:
    """Play one chase; cars are Drives, `strategy` orders them about.

    strategy(moment, runner (x, y, heading), places of the cars) gives the new Drives,
    {number: Drive}, of those that shall go elsewhere.
    """
    cars = list(cars)
    moment = 0.0
    while moment < limit:
        places = [car.at(moment) for car in cars]
        here = np.array([place[:2] for place in places]).reshape(-1, 2)
        if not runner.go_on(moment, here):
            return Outcome("escaped", moment)
        x, y, heading = runner.drive.at(moment)
        if any(hypot(x - each[0], y - each[1]) <= REACH for each in places):
            return Outcome("caught", moment)
        orders = strategy(moment, (x, y, heading), places)
        for number, drive in orders.items():
            cars[number] = drive
        moment += STEP
    return Outcome("open", limit)
