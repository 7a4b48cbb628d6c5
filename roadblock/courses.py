"""Where simulated cars may drive on a road map, and how fast at each place.

All links lie one after another in flat arrays, so that a fleet's places and speeds are
looked up in a few array operations. Links are rows here, numbered from 0.
"""

from functools import cached_property

import numpy as np
from scipy.sparse import csgraph
from scipy.spatial import KDTree

from roadblock.roadmap import Link, RoadMap

STEP = 4.0  # metres between places whose speed is known, at most
BRAKING = 3.0  # m/s², how cars slow down for what they see coming
SIDEWAYS = 3.0  # m/s², how hard they take a curve
JUNCTION_LENGTH = 40.0  # metres; a longer link between junctions is a road
JUNCTION_SPEED = 30 / 3.6
CRAWL = 2.0  # m/s, in the tightest of corners


class Course:
    """The links of a map on which one can drive for ever: from each to every other.

    Without dead ends a car never needs to turn round, wherever it goes. `ids` names the
    rows' links; `length` and `heading_out` (radians, where they end) are arrays
    (links,), `ends` (links, 2); `followers[row]` lists the rows that may come next.

    Raises ValueError for a map without any circle to drive.
    """

    def __init__(self, roads: RoadMap):
        graph = roads.graph("time")
        _, parts = csgraph.connected_components(graph, connection="strong")
        core = np.flatnonzero(parts == np.bincount(parts).argmax())
        self.ids = [roads.ids[row] for row in core]
        row_of = {idx: row for row, idx in enumerate(self.ids)}
        self.followers = [
            [row_of[idx] for idx in roads.successors(link) if idx in row_of]
            for link in self.ids
        ]
        if not all(self.followers):
            raise ValueError("The map has no roads on which to drive in a circle")
        self._backwards = graph[core][:, core].T.tocsr()

        links = [roads.links[idx] for idx in self.ids]
        stations = [_stations(link) for link in links]
        sizes = np.array([len(each) for each in stations])
        self.length = np.array([link.length for link in links])
        self._first = np.cumsum(sizes) - sizes
        self._last_leg = self._first + sizes - 2
        # One link's last metre is well apart from the next one's first.
        self._base = np.cumsum(self.length + 1.0) - self.length
        self._stations = np.concatenate(
            [base + each for base, each in zip(self._base, stations, strict=True)]
        )
        self._points = np.concatenate(
            [_points(link, each) for link, each in zip(links, stations, strict=True)]
        )
        self._legs = np.diff(self._points, axis=0, append=self._points[-1:])
        self._metres = np.diff(self._stations, append=self._stations[-1] + 1.0)
        self.ends = self._points[self._first + sizes - 1]
        self.heading_out = np.arctan2(*self._legs[self._last_leg].T[::-1])
        self._squares = self._speed_squares(links, stations)

    def places(self, rows, along):
        """Return (points (n, 2), heading (n,) radians, speed limit (n,) m/s).

        `rows` (n,) are links, `along` (n,) metres along them, within their length. The
        limit is what a careful driver keeps to, who brakes in time for corners.
        """
        at = self._base[rows] + along
        legs = np.searchsorted(self._stations, at, side="right") - 1
        legs = np.clip(legs, self._first[rows], self._last_leg[rows])
        part = (at - self._stations[legs]) / self._metres[legs]
        directions = self._legs[legs]
        points = self._points[legs] + part[:, None] * directions
        squares = self._squares[legs] * (1 - part) + self._squares[legs + 1] * part
        headings = np.arctan2(directions[:, 1], directions[:, 0])
        return points, headings, np.sqrt(squares)

    @cached_property
    def seconds(self):
        """(links,) seconds to drive along each link at its limits.

        Between two stations the square of the speed changes evenly with the way, so the
        mean speed is that of both ends.
        """
        speeds = np.sqrt(self._squares)
        legs = self._metres[:-1] / ((speeds[:-1] + speeds[1:]) / 2)
        until = np.concatenate([[0.0], np.cumsum(legs)])
        return until[self._last_leg + 1] - until[self._first]

    def seconds_to(self, goals, factors=None):
        """Return (goals, links) seconds from each link's start to the goals' starts.

        `factors` (links,) multiply the seconds of the links.
        """
        graph = self._backwards
        if factors is not None:
            graph = graph.copy()
            graph.data *= factors[graph.indices]
        return csgraph.dijkstra(graph, indices=goals)

    def nearest(self, x, y):
        """Return (row, metres along) of the place closest to a point.

        Where links meet it is the beginning of one: that can be reached from all that
        end there.
        """
        gaps, stations = self._tree.query([x, y], k=min(8, len(self._points)))
        close = stations[gaps <= gaps[0] + 0.5]
        rows = np.searchsorted(self._first, close, side="right") - 1
        along = self._stations[close] - self._base[rows]
        best = along.argmin()
        return int(rows[best]), float(along[best])

    @cached_property
    def _tree(self):
        return KDTree(self._points)

    def _speed_squares(self, links, stations):
        """Squares of the limit at all stations: between them, braking is linear."""
        ways_in = np.bincount([row for rows in self.followers for row in rows])
        branches = {row for rows in self.followers if len(rows) > 1 for row in rows}
        squares = []
        for row, (link, each) in enumerate(zip(links, stations, strict=True)):
            merges = ways_in[self.followers[row]].max() > 1
            speed = link.speed
            if (merges or row in branches) and link.length < JUNCTION_LENGTH:
                speed = min(speed, JUNCTION_SPEED)
            bends = SIDEWAYS / np.maximum(_curvature(link, each), 1e-9)
            squares.append(_braked(np.clip(bends, CRAWL**2, speed**2), each))

        # A car doesn't know yet which way it'll take: it is ready for the slowest.
        starts = np.array([each[0] for each in squares])
        braking_room = 2 * BRAKING * self.length
        while True:
            ends = np.array([starts[rows].min() for rows in self.followers])
            slower = np.minimum(starts, ends + braking_room)
            if np.array_equal(slower, starts):
                break
            starts = slower
        return np.concatenate(
            [
                np.minimum(own, end + 2 * BRAKING * (each[-1] - each))
                for own, end, each in zip(squares, ends, stations, strict=True)
            ]
        )


def driving_seconds(roads: RoadMap) -> dict[str, float]:
    """Return {link: seconds} at the speeds of a careful driver, who slows for corners.

    Links on which one cannot drive in a circle are left out; there may be none.
    """
    try:
        course = Course(roads)
    except ValueError:
        return {}
    return dict(zip(course.ids, course.seconds.tolist(), strict=True))


def _stations(link: Link):
    """Metres along the link at its own points and in between, each only once."""
    return np.union1d(link.stations, np.arange(0.0, link.length, STEP))


def _points(link: Link, stations):
    return np.column_stack(
        [np.interp(stations, link.stations, axis) for axis in link.points.T]
    )


def _curvature(link: Link, stations):
    """Return 1/m at each station, by the directions some metres before and after."""
    reach = min(STEP, link.length / 2)
    middle = np.clip(stations, reach, link.length - reach)
    here = _points(link, middle)
    x1, y1 = (here - _points(link, middle - reach)).T
    x2, y2 = (_points(link, middle + reach) - here).T
    angle = np.abs(np.arctan2(x1 * y2 - y1 * x2, x1 * x2 + y1 * y2))
    return angle / reach


def _braked(squares, stations):
    """Lower the squares of speeds to where one can brake in time for those ahead."""
    room = 2 * BRAKING * stations
    return np.minimum.accumulate((squares + room)[::-1])[::-1] - room
