"""The roads as a graph of places, with the seconds between them.

A place is a node of the map, or a point on a link that is longer than `spacing`. Rows
number the places; an edge is a drive from one to the next, along a lane or into the
lane beside it. The seconds are those of the lanes' limits, unless better ones are
given.
"""

from dataclasses import dataclass
from functools import cached_property
from math import ceil, cos, inf
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph
from scipy.spatial import KDTree

from roadblock.roadmap import RoadMap

REACH = 4.0  # metres: a car across a lane also blocks the lane beside it
SNAP = 6.0  # metres beside the nearest lane in which others may be the one meant
LEAST_SECONDS = 1e-6
AGAINST_TRAFFIC = 1.5  # times the seconds that the same way takes with the traffic


class Start(NamedTuple):
    """A car on the roads: the places it may reach next, and the seconds to each."""

    places: np.ndarray
    seconds: np.ndarray


@dataclass(frozen=True, eq=False)
class RoadGraph:
    """Places (n) and edges (e), sorted by tail and then head, no pair of them twice.

    names (n,) text; points (n, 2) metres; tails, heads (e,) rows of places; seconds
    (e,); arriving (e,) the direction of travel at the edge's end, radians counter-
    clockwise from east; spans (e, 3) row of the link, metres along it at tail and head;
    exits (x,) rows of the border's places; abreast, csr (n, n) of bool, True where a
    car that stands across the road at one place blocks the other.
    """

    roads: RoadMap
    names: tuple[str, ...]
    points: np.ndarray
    tails: np.ndarray
    heads: np.ndarray
    seconds: np.ndarray
    arriving: np.ndarray
    spans: np.ndarray
    exits: np.ndarray
    abreast: sparse.csr_array
    chains: dict[str, np.ndarray]  # link: the places along it, both ends included
    link_seconds: dict[str, float]

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of each place by its name."""
        return {name: row for row, name in enumerate(self.names)}

    @property
    def size(self) -> int:
        return len(self.names)

    def edges(self, tails, heads):
        """Return the rows of the edges between these places, -1 where there is none."""
        keys = self.tails.astype(np.int64) * self.size + self.heads
        wanted = np.asarray(tails, dtype=np.int64) * self.size + heads
        rows = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where(keys[rows] == wanted, rows, -1)

    def locate(
        self,
        x: float,
        y: float,
        heading: float | None = None,
        *,
        both_ways: bool = False,
    ) -> Start:
        """Put a car on the roads: on the lane below it that best suits its heading.

        Without a heading (radians) it is on the nearest lane. It may go on along its
        lane or into a lane beside it; `both_ways`, back along its lane as well. Raises
        ValueError for coordinates not finite.
        """
        link, _, along = self.roads.nearest(x, y)
        if heading is not None:
            near = self.roads.near(x, y, SNAP)

            def misfit(one):
                turn = self.roads.point_at(one.link, one.along).heading - heading
                return one.off + SNAP * (1 - cos(turn))

            link, _, along = min(near, key=misfit, default=(link, 0.0, along))
        part = along / max(self.roads.links[link].length, LEAST_SECONDS)
        ahead = [self._next_place(each, part) for each in lanes_from(self.roads, link)]
        if both_ways:
            ahead.append(self._last_place(link, part))
        return Start(
            np.array([place for place, _ in ahead]),
            np.array([seconds for _, seconds in ahead]),
        )

    def at(self, place: int) -> Start:
        """A car that stands on a place."""
        return Start(np.array([place]), np.zeros(1))

    def _next_place(self, link, part):
        chain = self.chains[link]
        pieces = len(chain) - 1
        step = min(int(part * pieces) + 1, pieces)
        return chain[step], (step / pieces - min(part, 1)) * self.link_seconds[link]

    def line(self, edge: int):
        """Return (k, 2) the points along which an edge is drawn."""
        if edge not in self._lines:
            self._lines[edge] = self._draw(edge)
        return self._lines[edge]

    @cached_property
    def _lines(self) -> dict:
        return {}

    def _draw(self, edge):
        row, start, end = self.spans[edge].tolist()
        link = self.roads.links[self.roads.ids[int(row)]]
        between = (link.stations > start) & (link.stations < end)
        ends = self.points[[self.tails[edge], self.heads[edge]]]
        return np.concatenate([ends[:1], link.points[between], ends[1:]])

    def _last_place(self, link, part):
        chain = self.chains[link]
        pieces = len(chain) - 1
        step = max(ceil(part * pieces) - 1, 0)
        seconds = (min(part, 1) - step / pieces) * self.link_seconds[link]
        return chain[step], seconds * AGAINST_TRAFFIC

    def with_starts(self, starts, factors=None, both_ways=False):
        """Return the csr (n + k, n + k) of seconds in which start i is the row n + i.

        `factors` (e,) multiply the edges' seconds. `both_ways`: edges also lead back.
        """
        rows = [np.full(len(s.places), self.size + i) for i, s in enumerate(starts)]
        tails, heads, seconds = self.tails, self.heads, self.seconds
        if factors is not None:
            seconds = seconds * factors
        if both_ways:
            tails, heads, seconds = self._both_ways
        size = self.size + len(starts)
        values = np.concatenate([seconds, *(start.seconds for start in starts)])
        return sparse.csr_array(
            (
                np.maximum(values, LEAST_SECONDS),
                (
                    np.concatenate([tails, *rows]),
                    np.concatenate([heads, *(start.places for start in starts)]),
                ),
            ),
            shape=(size, size),
        )

    @cached_property
    def _both_ways(self):
        """(tails, heads, seconds) of all edges, forwards and back, no pair twice."""
        tails = np.concatenate([self.tails, self.heads])
        heads = np.concatenate([self.heads, self.tails])
        seconds = np.concatenate([self.seconds, self.seconds * AGAINST_TRAFFIC])
        order = np.lexsort([seconds, heads, tails])
        keys = tails[order].astype(np.int64) * self.size + heads[order]
        order = order[np.unique(keys, return_index=True)[1]]
        return tails[order], heads[order], seconds[order]

    def arrivals(self, starts, limit: float = inf, both_ways: bool = False):
        """Return (starts, n) seconds from each start to every place; inf: not at all.

        No way longer than `limit` seconds is looked for. `both_ways` for cars that
        also drive against the traffic, more slowly.
        """
        if not starts:
            return np.empty((0, self.size))
        rows = np.arange(self.size, self.size + len(starts))
        graph = self.with_starts(starts, both_ways=both_ways)
        return csgraph.dijkstra(graph, indices=rows, limit=limit)[:, : self.size]


def build(
    roads: RoadMap,
    *,
    spacing: float = inf,
    lane_changes: bool = True,
    seconds: dict[str, float] | None = None,
    reach: float = REACH,
) -> RoadGraph:
    """Make the graph of a map.

    `spacing`: metres between places on a link, at most. `seconds`: {link: seconds to
    drive it}, where these are better known than by its limit. `reach`: how far beside a
    place, in metres, a car that stands there blocks others.
    """
    names, points = list(roads.nodes), list(roads.nodes.values())
    row_of = {name: row for row, name in enumerate(names)}
    link_seconds = {idx: link.seconds for idx, link in roads.links.items()}
    link_seconds |= seconds or {}
    chains, edges = {}, []
    for idx, link in roads.links.items():
        pieces = max(1, int(np.ceil(link.length / spacing)))
        metres = np.arange(1, pieces) * link.length / pieces
        chain = [row_of[link.from_node]]
        for each in metres.tolist():
            chain.append(len(names))
            names.append(f"{idx}@{each:.0f}")
            points.append(roads.point_at(idx, each)[:2])
        chain.append(row_of[link.to_node])
        chains[idx] = np.array(chain)
        edges += _pieces(roads, idx, chain, link_seconds[idx])
    if lane_changes:
        for idx in roads.links:
            for other in lanes_from(roads, idx)[1:]:
                edges += _changes(roads, chains, link_seconds, idx, other)
    tails, heads, times, arriving, *spans = (
        np.array(each) for each in zip(*edges, strict=True)
    )
    order = np.lexsort([times, heads, tails])
    keys = tails[order].astype(np.int64) * len(names) + heads[order]
    order = order[np.unique(keys, return_index=True)[1]]
    points = np.array(points, dtype=float)
    return RoadGraph(
        roads=roads,
        names=tuple(names),
        points=points,
        tails=tails[order],
        heads=heads[order],
        seconds=np.maximum(times[order], LEAST_SECONDS),
        arriving=arriving[order],
        spans=np.stack(spans, axis=1)[order],
        exits=np.array([row_of[name] for name in roads.exits()], dtype=int),
        abreast=_abreast(points, reach),
        chains=chains,
        link_seconds=link_seconds,
    )


def lanes_from(roads: RoadMap, link: str) -> list[str]:
    """The link, and all that one may change to from it, directly or over others."""
    lanes = [link]
    for lane in lanes:  # grows meanwhile
        lanes += [each for each in roads.links[lane].changes if each not in lanes]
    return lanes


def _pieces(roads, idx, chain, seconds):
    pieces = len(chain) - 1
    metres = np.linspace(0, roads.links[idx].length, len(chain)).tolist()
    for i in range(pieces):
        heading = roads.point_at(idx, metres[i + 1]).heading
        span = roads.index[idx], metres[i], metres[i + 1]
        yield chain[i], chain[i + 1], seconds / pieces, heading, *span


def _changes(roads, chains, link_seconds, idx, other):
    """Yield edges into the lane beside: from each place to the next one over there."""
    here, there = chains[idx], chains[other]
    steps, length = len(there) - 1, roads.links[other].length
    for i, place in enumerate(here[:-1].tolist()):
        part = i / (len(here) - 1)
        step = min(int(part * steps + 1e-9) + 1, steps)
        end = step / steps
        seconds = (end - part) * link_seconds[other]
        heading = roads.point_at(other, end * length).heading
        span = roads.index[other], part * length, end * length
        yield place, int(there[step]), seconds, heading, *span


def _abreast(points, reach):
    size = len(points)
    pairs = KDTree(points).query_pairs(reach, output_type="ndarray")
    alone = np.arange(size)
    rows = np.concatenate([alone, pairs[:, 0], pairs[:, 1]])
    columns = np.concatenate([alone, pairs[:, 1], pairs[:, 0]])
    values = np.ones(len(rows), dtype=bool)
    return sparse.csr_array((values, (rows, columns)), shape=(size, size))
