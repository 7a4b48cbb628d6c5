"""Ways to command police in a chase: each car for itself, by greed, or by the plan.

A strategy is called with the moment, the runner's (x, y, heading) and the cars' places,
and answers {number of a car: its new Drive}.
"""

from itertools import pairwise
from math import hypot

import numpy as np
from scipy.sparse import csgraph

from roadblock.interception import routes, solver
from roadblock.interception.planning import Situation, Unit
from roadblock.interception.world import BothWays, Drive

CHASE_SECONDS = 0.5  # between two looks of a car that chases
LEAD = 1.2  # of the replaced cars' lead before the runner


class Pursuit:
    """The replaced cars: each drives for the runner's current link, by itself.

    To a point v · d / max(u, 1) · 1.2 metres ahead of it on that link (v its speed, d
    the distance, u the car's own speed), clamped to the link's end; shortest in metres,
    wrong ways included.
    """

    def __init__(self, graph, *, pace=1.0, runner_pace=1.0, both_ways=None):
        self.graph, self.pace, self.runner_pace = graph, pace, runner_pace
        self.ways = both_ways or BothWays(graph)
        self.due = 0.0

    def __call__(self, moment, runner, places):
        if moment < self.due:
            return {}
        self.due = moment + CHASE_SECONDS
        return self.drives(moment, runner, dict(enumerate(places)))

    def drives(self, moment, runner, places):
        """Return the Drives of cars {number: place} that all chase the runner."""
        edge, metres = self._edge_of(*runner)
        speed = self._speed(edge) * self.runner_pace
        return {
            number: self._drive(moment, place, runner, edge, metres, speed)
            for number, place in places.items()
        }

    def _edge_of(self, x, y, heading=None):
        """Return (edge, metres along it) of the lane below a car."""
        start = self.graph.locate(x, y, heading)
        head = int(start.places[0])
        into = np.flatnonzero(self.graph.heads == head)
        gaps = [self._off(edge, x, y) for edge in into.tolist()]
        best = min(range(len(into)), key=lambda i: gaps[i][0])
        return int(into[best]), gaps[best][1]

    def _off(self, edge, x, y):
        """Return (metres beside, metres along) of a point at an edge's line."""
        line = self.graph.line(edge)
        legs = np.diff(line, axis=0)
        lengths = np.maximum(np.hypot(*legs.T), 1e-9)
        part = ((line[:-1] * -1 + (x, y)) * legs).sum(axis=1) / lengths**2
        part = np.clip(part, 0, 1)
        off = np.hypot(*(line[:-1] + part[:, None] * legs - (x, y)).T)
        best = int(off.argmin())
        return float(off[best]), float(
            lengths[:best].sum() + part[best] * lengths[best]
        )

    def _speed(self, edge):
        return self.ways.metres[edge] / self.graph.seconds[edge]

    def _drive(self, moment, place, runner, edge, metres, speed):
        x, y, heading = place
        own, own_metres = self._edge_of(x, y, heading)
        car_speed = self._speed(own) * self.pace
        gap = hypot(x - runner[0], y - runner[1])
        length = self.ways.metres[edge]
        target = min(metres + speed * gap / max(car_speed, 1.0) * LEAD, length)
        if own == edge:
            line = self._between(edge, own_metres, target)
            return self._timed(moment, [(line, car_speed)])
        tails, heads = self.graph.tails, self.graph.heads
        options = []
        for here, first in (
            (tails[own], own_metres),
            (heads[own], self.ways.metres[own] - own_metres),
        ):
            for there, last in ((tails[edge], target), (heads[edge], length - target)):
                total = first + self.ways.distances[here, there] + last
                options.append((total, int(here), int(there)))
        total, here, there = min(options)
        if not np.isfinite(total):
            return Drive([(x, y)] * 2, [moment, moment])
        goal = 0.0 if here == tails[own] else self.ways.metres[own]
        pieces = [(self._between(own, own_metres, goal), car_speed)]
        way = self.ways.way(here, there)
        for one, other in pairwise(way):
            between = self.ways.edge[one, other]
            line = self.graph.line(between)
            if self.graph.tails[between] != one:
                line = line[::-1]
            pieces.append((line, self._speed(between) * self.pace))
        begin = 0.0 if there == tails[edge] else length
        pieces.append(
            (self._between(edge, begin, target), speed / self.runner_pace * self.pace)
        )
        return self._timed(moment, pieces)

    def _between(self, edge, start, end):
        """Return the points of an edge's line between two stations, either way."""
        line = self.graph.line(edge)
        stations = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
        low, high = min(start, end), max(start, end)
        inner = stations[(stations > low) & (stations < high)]
        steps = np.concatenate([[low], inner, [high]])
        points = np.column_stack([np.interp(steps, stations, axis) for axis in line.T])
        return points if start <= end else points[::-1]

    @staticmethod
    def _timed(moment, pieces):
        points = np.concatenate([pieces[0][0][:1], *(line[1:] for line, _ in pieces)])
        took = [np.hypot(*np.diff(line, axis=0).T) / speed for line, speed in pieces]
        seconds = moment + np.concatenate([[0.0], *took]).cumsum()
        if len(points) == 1:
            points, seconds = points.repeat(2, axis=0), seconds.repeat(2)
        return Drive(points, seconds)


class Planned:
    """Posts by the planner, or by greed alone; cars without a post chase the runner."""

    def __init__(
        self,
        graph,
        chasing,
        *,
        greedy=False,
        every=3.0,
        horizon=90.0,
        count=300,
        gain=0.05,
        seconds=0.3,
        seed=1,
        pace=1.0,
        runner_pace=1.0,
    ):
        self.graph, self.chasing, self.greedy = graph, chasing, greedy
        self.every, self.horizon, self.count = every, horizon, count
        self.gain, self.seconds, self.seed = gain, seconds, seed
        self.pace, self.runner_pace = pace, runner_pace
        self.posts = {}
        self.due = self.chase_due = 0.0

    def __call__(self, moment, runner, places):
        drives = {}
        if moment >= self.due:
            self.due = moment + self.every
            drives |= self._plan(moment, runner, places)
        if moment >= self.chase_due:
            self.chase_due = moment + CHASE_SECONDS
            free = {i: at for i, at in enumerate(places) if i not in self.posts}
            drives |= self.chasing.drives(moment, runner, free)
        return drives

    def _plan(self, moment, runner, places):
        graph = self.graph
        drawn = routes.sample(
            graph,
            graph.locate(*runner),
            horizon=self.horizon,
            count=self.count,
            seed=self.seed,
            pace=self.runner_pace,
        )
        units = []
        for number, (x, y, heading) in enumerate(places):
            post = self.posts.get(number)
            holds = None
            if post is not None and hypot(*(graph.points[post] - (x, y))) < 1.0:
                holds = post
            start = graph.locate(x, y, heading, both_ways=True)
            units.append(Unit(number, start, self.pace, holds))
        situation = Situation(graph, drawn, units, both_ways=True)
        posts = self._chosen(situation)
        kept = situation.share(self.posts)
        if self.posts and situation.share(posts) - kept < self.gain:
            return {}
        new = {car: at for car, at in posts.items() if self.posts.get(car) != at}
        self.posts = posts
        return {
            car: self._way(moment, places[car], units[car].start, place)
            for car, place in new.items()
            if units[car].holds != place
        }

    def _chosen(self, situation):
        if self.greedy:
            columns = situation.columns
            return {
                row: int(columns.places[column])
                for row, column in enumerate(solver.greedy(columns).tolist())
                if column >= 0
            }
        plan = situation.plan(seconds=self.seconds)
        return {each.unit: each.place for each in plan.placements}

    def _way(self, moment, place, start, goal):
        graph = self.graph
        seconds, before = csgraph.dijkstra(
            graph.with_starts([start], both_ways=True),
            indices=graph.size,
            return_predecessors=True,
        )
        way = [goal]
        while way[-1] != graph.size:
            way.append(int(before[way[-1]]))
        way = way[-2::-1]
        points, moments = [place[:2]], [moment]
        for one, other in pairwise([None, *way]):
            end = moment + seconds[other] / self.pace
            line = graph.points[[other]]
            if one is not None:
                line = self._line(one, other)[1:]
            steps = np.hypot(*np.diff(line, axis=0, prepend=[points[-1]]).T)
            parts = np.cumsum(steps) / max(steps.sum(), 1e-9)
            begin = moments[-1]
            points += list(line)
            moments += list(begin + parts * (end - begin))
        return Drive(points, moments)

    def _line(self, one, other):
        forward, back = self.graph.edges([one, other], [other, one]).tolist()
        if forward >= 0:
            return self.graph.line(forward)
        return self.graph.line(back)[::-1]
