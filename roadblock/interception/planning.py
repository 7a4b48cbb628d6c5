"""A runner, some units, and what the units should do: the planner's front door."""

import time
from dataclasses import dataclass, replace
from functools import cached_property
from math import pi

import numpy as np

from roadblock.interception import containment, robust, solver
from roadblock.interception.columns import columns, passes
from roadblock.interception.graph import RoadGraph, Start
from roadblock.interception.routes import Routes, goals

MARGIN = 3.0  # seconds that a unit is in place before the runner, at least
EXPECTED, WORST = "expected", "worst"


@dataclass(frozen=True)
class Unit:
    """A police car: `pace` multiplies the graph's speeds, `holds` is its post."""

    id: int
    start: Start
    pace: float = 1.0
    holds: int | None = None


@dataclass(frozen=True)
class Placement:
    """A unit's post: place (row) and its name, metres, and what it is good for.

    heading: of the car that stands across the road, radians counter-clockwise from
    east; eta: seconds until it is there; slack: seconds from then to the first runner
    it catches, None if it catches none; share: probability of the routes that come by
    it in time; loss: how much the whole plan would lose without it.
    """

    unit: int
    place: int
    node: str
    x: float
    y: float
    heading: float
    eta: float
    slack: float | None
    share: float
    loss: float


@dataclass(frozen=True)
class Plan:
    """Placements, and the share of the runner's probability that they catch.

    No choice of posts for these units catches more than `bound` of the same sampled
    routes; gap is the part of it that may be missing; `proven` says that none is.
    """

    goal: str
    placements: tuple[Placement, ...]
    share: float
    bound: float
    gap: float
    proven: bool
    seconds: float


class Situation:
    """All that a plan depends on; what takes time is computed once and kept."""

    def __init__(
        self, graph: RoadGraph, routes: Routes, units, *, margin=MARGIN, both_ways=False
    ):
        self.both_ways = both_ways  # units drive against the traffic, too
        self.graph = graph
        self.routes = routes
        self.units = tuple(units)
        self.margin = margin

    @cached_property
    def arrivals(self):
        """(units, n) seconds until each unit is at each place."""
        starts = [unit.start for unit in self.units]
        arrivals = self.graph.arrivals(starts, both_ways=self.both_ways)
        for row, unit in enumerate(self.units):
            arrivals[row] /= unit.pace
            if unit.holds is not None:
                arrivals[row, unit.holds] = 0.0
        return arrivals

    @cached_property
    def passes(self):
        return passes(self.graph, self.routes)

    @cached_property
    def columns(self):
        return columns(self.routes, self.passes, self.arrivals, self.margin)

    def plan(self, goal: str = EXPECTED, seconds: float = 1.0) -> Plan:
        """Return the best plan that so many seconds allow; 0 gives a quick one."""
        began = time.monotonic()
        solution = solver.quick(self.columns)
        if seconds > 0:
            solution = solver.exact(self.columns, solution, seconds)
        if goal == WORST:
            by_model = robust.weights_by_model(self.columns, self.routes)
            starts = [solution.chosen]
            solution = robust.worst_case(self.columns, by_model, starts, seconds)
        posts = {
            self.units[row].id: int(self.columns.places[column])
            for row, column in enumerate(solution.chosen.tolist())
            if column >= 0
        }
        return Plan(
            goal,
            self._placements(self._needed(posts, goal), goal),
            solution.share,
            solution.bound,
            solution.gap,
            solution.proven,
            time.monotonic() - began,
        )

    def judge(self, posts: dict[int, int], goal: str = EXPECTED) -> Plan:
        """Return what posts {unit id: place} are worth, with the bound of the best.

        The same measure as for plan(); units that come too late catch nothing.
        """
        began = time.monotonic()
        best = solver.quick(self.columns)
        share, bound = self.share(posts, goal), best.bound
        if goal == WORST:
            bound = 1.0
        bound = max(bound, share)
        gap = (bound - share) / bound if bound > 0 else 0.0
        took = time.monotonic() - began
        placements = self._placements(posts, goal)
        return Plan(goal, placements, share, bound, gap, gap == 0, took)

    def share(self, posts: dict[int, int], goal: str = EXPECTED) -> float:
        """Return the share of the probability that these posts catch."""
        caught = np.zeros(len(self.routes.weights), dtype=bool)
        for unit, place in posts.items():
            caught |= self._caught_by(unit, place)[0]
        weights = self.routes.weights
        if goal == EXPECTED:
            return float(weights[caught].sum())
        models = self.routes.models
        totals = np.bincount(models, weights)
        parts = np.bincount(models, weights * caught)
        return float((parts[totals > 0] / totals[totals > 0]).min())

    def contain(self, runner: Start, horizon: float, *, pace=1.0, seconds=2.0):
        """Return the Containment of the runner, with the ids of its units."""
        distances = self.graph.arrivals([runner], horizon * pace)[0]
        exits = goals(self.graph, distances, horizon * pace)
        found = containment.contain(
            self.graph,
            runner,
            self.arrivals,
            exits,
            margin=self.margin,
            pace=pace,
            seconds=seconds,
        )
        posts = {self.units[row].id: place for row, place in found.posts.items()}
        return replace(found, posts=posts)

    @cached_property
    def _row_of(self):
        return {unit.id: row for row, unit in enumerate(self.units)}

    def _caught_by(self, unit, place):
        """Return (routes,) bool: caught, and (routes,) seconds to spare."""
        sites, last = self.passes
        column = np.searchsorted(sites, place)
        if column == len(sites) or sites[column] != place:
            return np.zeros(len(last), dtype=bool), np.full(len(last), -np.inf)
        spare = last[:, column] - self.arrivals[self._row_of[unit], place]
        return spare >= self.margin, spare

    def _needed(self, posts, goal):
        """Leave out units without which as much is caught."""
        share, kept = self.share(posts, goal), dict(posts)
        for unit in posts:
            fewer = {one: place for one, place in kept.items() if one != unit}
            if self.share(fewer, goal) > share - solver.EXACT:
                kept = fewer
        return kept

    def _placements(self, posts, goal):
        share = self.share(posts, goal)
        placements = []
        for unit, place in posts.items():
            caught, spare = self._caught_by(unit, place)
            fewer = {one: post for one, post in posts.items() if one != unit}
            x, y = self.graph.points[place].tolist()
            placements.append(
                Placement(
                    unit=unit,
                    place=place,
                    node=self.graph.names[place],
                    x=x,
                    y=y,
                    heading=self._across(place, caught),
                    eta=float(self.arrivals[self._row_of[unit], place]),
                    slack=float(spare[caught].min()) if caught.any() else None,
                    share=float(self.routes.weights[caught].sum()),
                    loss=share - self.share(fewer, goal),
                )
            )
        return tuple(placements)

    def _across(self, place, caught):
        """Return the heading across the road on which the caught routes come by."""
        graph, nodes = self.graph, self.routes.nodes[caught]
        rows, steps = np.nonzero(nodes[:, 1:] == place)
        into = graph.edges(nodes[rows, steps], np.full(len(rows), place))
        weights = self.routes.weights[caught][rows]
        if not len(into):
            into = np.flatnonzero(graph.heads == place)
            weights = np.ones(len(into))
        if not len(into):
            into, weights = np.flatnonzero(graph.tails == place)[:1], np.ones(1)
        directions = np.exp(1j * graph.arriving[into])
        along = float(np.angle((weights * directions).sum())) if len(into) else 0.0
        return (along + pi / 2 + pi) % (2 * pi) - pi


def heat(graph: RoadGraph, routes: Routes):
    """Return (edges (h,), probability (h,)) that the runner drives along an edge."""
    here, there = routes.nodes[:, :-1], routes.nodes[:, 1:]
    rows, steps = np.nonzero(there >= 0)
    edges = graph.edges(here[rows, steps], there[rows, steps])
    known = edges >= 0
    once = np.unique(np.stack([edges[known], rows[known]], axis=1), axis=0)
    totals = np.bincount(once[:, 0], routes.weights[once[:, 1]])
    used = np.flatnonzero(totals)
    return used, np.minimum(totals[used], 1.0)
