"""The graph of a road map: its lanes, and what can be asked of them.

Coordinates are metres in the map's own system, x east and y north; one link is one
lane in its direction of travel.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import atan2, fsum, isfinite
from typing import Literal, NamedTuple

import numpy as np
import shapely
from scipy import sparse
from scipy.sparse import csgraph

from roadblock import mgeo, utm

Bbox = tuple[float, float, float, float]
Cost = Literal["length", "time"]


class Nearest(NamedTuple):
    """Where on the roads a point lies: metres beside the link, metres along it."""

    link: str
    off: float
    along: float


class Pose(NamedTuple):
    """A place on a link; heading in radians, counter-clockwise from east."""

    x: float
    y: float
    heading: float


class Route(NamedTuple):
    """A way over links, both ends included, and what it costs."""

    links: list[str]
    metres: float
    seconds: float


class Components(NamedTuple):
    """Sizes of a graph's connected parts, largest first."""

    weak: list[int]
    strong: list[int]


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """One lane: points (n, 2) and stations (n,), the metres along at each point."""

    idx: str
    from_node: str
    to_node: str
    points: np.ndarray
    stations: np.ndarray
    speed: float  # metres per second
    is_entrance: bool
    is_exit: bool
    left: str | None  # the lanes one may change to
    right: str | None

    @property
    def length(self) -> float:
        return float(self.stations[-1])

    @property
    def seconds(self) -> float:
        return self.length / self.speed

    @property
    def changes(self) -> tuple[str, ...]:
        return tuple(idx for idx in (self.left, self.right) if idx is not None)


class RoadMap:
    """Nodes {idx: (x, y)} and links {idx: Link}, and what can be asked of them.

    `index` gives the row of each link in the graph's matrices; `ids` is its inverse.
    """

    def __init__(
        self,
        nodes: dict[str, tuple[float, float]],
        links: dict[str, Link],
        origin: mgeo.Origin | None = None,
    ):
        self.nodes = nodes
        self.links = links
        self.origin = origin
        self.ids = tuple(links)
        self.index = {idx: row for row, idx in enumerate(links)}
        self._leaving = {node: [] for node in nodes}
        for link in links.values():
            self._leaving[link.from_node].append(link.idx)
        self._graphs = {}

    @cached_property
    def bbox(self) -> Bbox:
        """minx, miny, maxx, maxy of all nodes and links."""
        points = [link.points for link in self.links.values()]
        every = np.concatenate([*points, np.array(list(self.nodes.values()))])
        return (*every.min(axis=0).tolist(), *every.max(axis=0).tolist())

    def nearest(self, x: float, y: float) -> Nearest:
        """The link closest to a point, by 2D distance to its segments.

        Where links share the closest point, one of them is given, always the same.
        Raises ValueError for a coordinate that isn't finite.
        """
        if not (isfinite(x) and isfinite(y)):
            raise ValueError(f"No place has the coordinates {x}, {y}")
        tree, _, owners = self._segments
        row = tree.nearest(shapely.points(x, y))
        off, along = self._feet(row, x, y)
        return Nearest(self.ids[owners[row]], float(off), float(along))

    def near(self, x: float, y: float, within: float) -> list[Nearest]:
        """All links that come so close to a finite point, each with its closest place.

        Every link counts that is at most `within` metres farther than the nearest one.
        """
        tree, _, owners = self._segments
        reach = self.nearest(x, y).off + within
        rows = tree.query(shapely.points(x, y), predicate="dwithin", distance=reach)
        off, along = self._feet(rows, x, y)
        order = np.lexsort([off, owners[rows]])
        first = np.unique(owners[rows][order], return_index=True)[1]
        return [
            Nearest(self.ids[owner], off, along)
            for owner, off, along in zip(
                owners[rows[order[first]]].tolist(),
                off[order[first]].tolist(),
                along[order[first]].tolist(),
                strict=True,
            )
        ]

    def _feet(self, rows, x, y):
        """Return metres beside and along, where these segments are closest."""
        x1, y1, dx, dy, length, station = self._segments[1][rows].T
        square = np.where(length > 0, length, 1.0) ** 2
        part = np.clip(((x - x1) * dx + (y - y1) * dy) / square, 0.0, 1.0)
        off = np.hypot(x1 + part * dx - x, y1 + part * dy - y)
        return off, station + part * length

    @cached_property
    def _segments(self) -> tuple[shapely.STRtree, np.ndarray, np.ndarray]:
        """A tree of all segments; (k, 6) start, extent, length, station; (k,) links."""
        links = self.links.values()
        starts = np.concatenate([link.points[:-1] for link in links])
        ends = np.concatenate([link.points[1:] for link in links])
        stations = np.concatenate([link.stations[:-1] for link in links])
        extents = ends - starts
        lengths = np.hypot(*extents.T)
        owners = np.repeat(np.arange(len(links)), [len(x.points) - 1 for x in links])
        tree = shapely.STRtree(shapely.linestrings(np.stack([starts, ends], axis=1)))
        return tree, np.column_stack([starts, extents, lengths, stations]), owners

    def point_at(self, link: str, metres: float) -> Pose:
        """The place so far along a link; beyond its ends, the end.

        Raises KeyError for an unknown link.
        """
        points, stations = self.links[link].points, self.links[link].stations
        metres = min(max(metres, 0.0), float(stations[-1]))
        i = int(np.searchsorted(stations[1:-1], metres, side="right"))
        (x1, y1), (x2, y2) = points[i].tolist(), points[i + 1].tolist()
        length = float(stations[i + 1] - stations[i])
        part = (metres - float(stations[i])) / length if length else 0.0
        return Pose(
            x1 + part * (x2 - x1), y1 + part * (y2 - y1), atan2(y2 - y1, x2 - x1)
        )

    def successors(self, link: str) -> tuple[str, ...]:
        """The links that start where this one ends; raise KeyError if it's unknown."""
        return tuple(self._leaving[self.links[link].to_node])

    def exits(self) -> list[str]:
        """The border's nodes: those an exit link leads to, or that nothing leaves."""
        ends = {
            link.to_node
            for link in self.links.values()
            if link.is_exit or not self._leaving[link.to_node]
        }
        return [node for node in self.nodes if node in ends]

    def graph(self, by: Cost = "length", lane_changes: bool = False):
        """The link graph as csr_array (links, links) of metres or seconds.

        Entry (a, b): the cost of link a, driven to its end, where b follows it; a
        stored 0 where b is the lane beside a and `lane_changes` are wanted. Shared:
        treat it as read-only.
        """
        key = by, lane_changes
        if key not in self._graphs:
            self._graphs[key] = self._build_graph(by, lane_changes)
        return self._graphs[key]

    def _build_graph(self, by: Cost, lane_changes: bool):
        attribute = {"length": "length", "time": "seconds"}[by]
        costs = {}
        for link in self.links.values():
            a, cost = self.index[link.idx], getattr(link, attribute)
            costs |= {(a, self.index[b]): cost for b in self.successors(link.idx)}
            if lane_changes:
                costs |= {(a, self.index[b]): 0.0 for b in link.changes}
        rows, columns = np.array(list(costs), dtype=np.int32).reshape(-1, 2).T
        size = len(self.links)
        return sparse.csr_array(
            (np.array(list(costs.values()), dtype=np.float64), (rows, columns)),
            shape=(size, size),
        )

    def route(
        self,
        from_link: str,
        to_link: str,
        *,
        lane_changes: bool = False,
        by: Cost = "length",
    ) -> Route | None:
        """The cheapest way from one link's start to another's start, forward only.

        The last link's own length doesn't count. A lane change costs nothing, but leads
        only to the lane beside. None when there is no way; KeyError for unknown links.
        """
        start, goal = self.index[from_link], self.index[to_link]
        graph = self.graph(by, lane_changes)
        _, before = csgraph.dijkstra(graph, indices=start, return_predecessors=True)
        rows = [goal]
        while rows[-1] != start:
            if before[rows[-1]] < 0:
                return None
            rows.append(int(before[rows[-1]]))
        way = [self.ids[row] for row in reversed(rows)]
        driven = [
            self.links[a]
            for a, b in pairwise(way)
            if not (lane_changes and b in self.links[a].changes)
        ]
        return Route(
            way,
            fsum(link.length for link in driven),
            fsum(link.seconds for link in driven),
        )

    def node_components(self) -> Components:
        """How the nodes hang together by links."""
        rows = {node: row for row, node in enumerate(self.nodes)}
        ends = [(rows[x.from_node], rows[x.to_node]) for x in self.links.values()]
        size, ends = len(rows), np.array(ends).T
        return _components(
            sparse.csr_array((np.ones(ends.shape[1]), ends), (size,) * 2)
        )

    def link_components(self, lane_changes: bool = True) -> Components:
        """How the links hang together by succession and, if wanted, lane changes."""
        graph = self.graph(lane_changes=lane_changes).copy()
        graph.data[:] = 1
        return _components(graph)

    def to_wgs84(self, x: float, y: float) -> tuple[float, float]:
        """Latitude and longitude in degrees; MapError where the origin is unknown."""
        if self.origin is None:
            raise mgeo.MapError("The map doesn't tell where on Earth it lies")
        zone, south, easting, northing = self.origin
        return utm.to_wgs84(easting + x, northing + y, zone, south)


def _components(graph) -> Components:
    sizes = []
    for connection in ("weak", "strong"):
        _, labels = csgraph.connected_components(graph, connection=connection)
        sizes.append(sorted(np.bincount(labels).tolist(), reverse=True))
    return Components(*sizes)
