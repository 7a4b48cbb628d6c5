"""The street plan of the demo town: where its streets run, before they have lanes.

Main roads are drawn by hand (a river with its quays and bridges, avenues, a bypass) and
moved a little by the seed; the blocks between them are cut in two again and again,
across their longer side, until they are as small as their quarter's blocks should be.
"""

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import shapely
from scipy.interpolate import CubicSpline
from shapely import LineString, Point, Polygon
from shapely.ops import linemerge, polygonize, split

WIDTH, HEIGHT = 1200.0, 1000.0
RIVER_HALF_WIDTH = 34.0
JUNCTION_SPACING = 36.0
ROUNDABOUT_SPACING = 66.0
SHARPEST_CORNER = np.radians(52)
ARM = 14.0  # a street's direction at a junction is taken so far away from it
TRIES = 50

Place = tuple[float, float]


class Kind(NamedTuple):
    """What a street is like: lanes in each direction, km/h."""

    lanes: int
    speed: int


EXPRESSWAY = Kind(2, 80)
AVENUE = Kind(2, 60)
COLLECTOR = Kind(1, 60)
STREET = Kind(1, 50)
LANE = Kind(1, 30)

# Main roads by control points. Those that reach 0, WIDTH or HEIGHT leave the map; the
# others overshoot the road they end on, and what sticks out is cut off.
BYPASS = (
    (EXPRESSWAY, [(0, 128), (300, 92), (650, 84), (950, 108), (1200, 92)]),
    (COLLECTOR, [(134, 80), (84, 260), (72, 450), (86, 640), (130, 762), (220, 868),
                 (370, 924), (540, 918), (700, 930), (900, 908), (1030, 820),
                 (1084, 656), (1120, 470), (1118, 270), (1058, 75)]),
)  # fmt: skip
MAINS = (
    (AVENUE, [(548, 1000), (522, 860), (512, 720), (552, 560), (566, 440), (520, 262),
              (486, 90), (470, 0)]),
    (AVENUE, [(0, 790), (130, 762), (300, 716), (512, 720), (700, 738), (850, 708),
              (1070, 660), (1200, 640)]),
    (COLLECTOR, [(886, 945), (856, 800), (850, 708), (852, 560), (846, 400),
                 (838, 250), (872, 70)]),
    (STREET, [(50, 345), (220, 372), (360, 318), (520, 262), (700, 226), (838, 250),
              (980, 286), (1150, 262)]),
    (STREET, [(596, 700), (622, 838), (700, 868), (780, 838), (875, 806)]),
    (STREET, [(306, 690), (262, 800), (290, 945)]),
)  # fmt: skip
RIVER = [(-60, 690), (84, 588), (240, 532), (400, 486), (560, 466), (720, 440),
         (850, 392), (980, 380), (1130, 420), (1260, 440)]  # fmt: skip
PARK = (700, 330)
OLD_TOWN = (330, 640)
OLD_TOWN_RADIUS = 210
ROUNDABOUTS = [(512, 720), (850, 708), (838, 250), (130, 762), (520, 262)]


@dataclass(frozen=True, eq=False)
class Street:
    """A middle line (n, 2) between the junctions `start` and `end`."""

    start: int
    end: int
    line: np.ndarray
    kind: Kind


@dataclass(frozen=True, eq=False)
class Plan:
    """Junctions (n, 2), the rows of those with a roundabout, and the streets."""

    junctions: np.ndarray
    roundabouts: frozenset[int]
    streets: list[Street]


def plan(seed: int) -> Plan:
    """The town's streets; equal seeds give equal plans."""
    rng = np.random.default_rng(seed)
    while True:  # now and then a wobble brings two junctions too close together
        drawing = _Drawing(rng)
        drawing.draw_mains()
        drawing.cut_blocks()
        town = drawing.plan()
        if min(len(street.line) for street in town.streets) > JUNCTION_SPACING * 0.8:
            return town


class _Drawing:
    """Lines with their kinds, and the junctions new lines must keep away from."""

    def __init__(self, rng: np.random.Generator):
        self.rng = rng
        self.lines: list[LineString] = []
        self.kinds: list[Kind] = []
        self.junctions: list[Place] = []
        self.roundabouts: list[Place] = []
        self.river = Polygon()

    def draw_mains(self) -> None:
        """Draw the hand-made roads and the quays, and note where they cross."""
        moved = {}

        def wobble(place: Place) -> np.ndarray:
            if place not in moved:  # once, for all roads that pass here
                at_border = place[0] in (0, WIDTH) or place[1] in (0, HEIGHT)
                shift = self.rng.uniform(-9, 9, 2) * (not at_border)
                moved[place] = np.array(place) + shift
            return moved[place]

        for kind, places in BYPASS:
            self._draw(_curve([wobble(place) for place in places]), kind)
        town = max(polygonize(self._streets()), key=lambda face: face.area)
        river = _curve([wobble(place) for place in RIVER])
        self.river = river.buffer(RIVER_HALF_WIDTH - 1)
        for side in (RIVER_HALF_WIDTH, -RIVER_HALF_WIDTH):
            self._draw(river.offset_curve(side).intersection(town.buffer(8)), STREET)
        for kind, places in MAINS:
            self._draw(_curve([wobble(place) for place in places]), kind)

        self.junctions = list(_degrees(self._streets()))
        for wish in ROUNDABOUTS:
            distances = np.hypot(*(np.array(self.junctions) - moved[wish]).T)
            self.roundabouts.append(self.junctions[int(distances.argmin())])

    def cut_blocks(self) -> None:
        """Cut every block that is to be built on down to its quarter's size."""
        blocks = sorted(polygonize(self._streets()), key=lambda block: block.bounds)
        while blocks:
            block = blocks.pop()
            if block.contains(Point(PARK)) or self.river.contains(
                block.representative_point()
            ):
                continue
            old = block.centroid.distance(Point(OLD_TOWN)) < OLD_TOWN_RADIUS
            if block.area < (5_000 if old else 12_000):
                continue
            cut = self._best_cut(block)
            if cut is not None:
                for place in _ends(cut):
                    self._tie(place)
                self._draw(cut, LANE if old else STREET)
                self.junctions += _ends(cut)
                blocks += _halves(block, cut)

    def plan(self) -> Plan:
        """The drawing as a graph of junctions and streets."""
        lines = self._streets()
        rows = {place: row for row, place in enumerate(_degrees(lines))}
        streets = []
        for line in lines:
            middle = line.interpolate(0.5, normalized=True)
            kind = self.kinds[int(shapely.distance(self.lines, middle).argmin())]
            start, end = (rows[place] for place in _ends(line))
            streets.append(Street(start, end, _resample(line), kind))
        junctions = np.array(list(rows))
        rings = [
            int(np.hypot(*(junctions - place).T).argmin()) for place in self.roundabouts
        ]
        return Plan(junctions, frozenset(rings), streets)

    def _draw(self, line: LineString, kind: Kind) -> None:
        self.lines.append(line)
        self.kinds.append(kind)

    def _tie(self, place: Place) -> None:
        """Give the lines at a place a point there, so that they meet for certain."""
        for row, line in enumerate(self.lines):
            if line.dwithin(Point(place), 0.02):
                station = line.project(Point(place))
                coords = np.array(line.coords)
                steps = np.hypot(*np.diff(coords, axis=0).T)
                cut = int(np.searchsorted(np.cumsum(steps), station)) + 1
                self.lines[row] = LineString(np.insert(coords, cut, place, axis=0))

    def _streets(self) -> list[LineString]:
        """The lines from junction to junction, without what sticks out inside."""
        # The grid makes lines meet in one point that should, but for rounding, do so.
        parts = shapely.union_all(self.lines, grid_size=0.01)
        for _ in range(2):
            lines = list(linemerge(parts).geoms)
            degrees = _degrees(lines)
            parts = [
                line
                for line in lines
                if all(degrees[x] > 1 or _at_border(x) for x in _ends(line))
            ]
        return sorted(parts, key=lambda line: line.coords[:])

    def _best_cut(self, block: Polygon) -> LineString | None:
        """The cut into the most equal halves, with a bonus for meeting a street."""
        corners = np.array(block.minimum_rotated_rectangle.exterior.coords)
        long, across = corners[1] - corners[0], corners[2] - corners[1]
        if np.hypot(*across) > np.hypot(*long):
            corners, long, across = corners[1:], across, -long
        best, best_score = None, -np.inf
        for _ in range(TRIES):
            part, tilt, bow = self.rng.uniform([0.3, -0.15, -0.08], [0.7, 0.15, 0.08])
            foot = corners[0] + long * (part - tilt / 2) - across * 0.1
            head = corners[0] + long * (part + tilt / 2) + across * 1.1
            line = self._fit(block, _bowed(foot, head, bow), bow)
            if line is None:
                continue
            halves = [half.area for half in _halves(block, line)]
            if len(halves) != 2 or min(halves) < 1_800:
                continue
            score = min(halves) / sum(halves) - line.length / 1000
            score += 0.1 * sum(x in self.junctions for x in _ends(line))
            if score > best_score:
                best, best_score = line, score
        return best

    def _fit(self, block: Polygon, line: LineString, bow: float) -> LineString | None:
        """The line from edge to edge of the block, moved to junctions nearby."""
        inside = line.intersection(block)
        if inside.geom_type != "LineString" or inside.length < JUNCTION_SPACING:
            return None
        foot, head = (self._landing(place) for place in _ends(inside))
        if foot is None or head is None or np.hypot(*np.subtract(foot, head)) < 45:
            return None
        fitted = _bowed(np.array(foot), np.array(head), bow)
        points = shapely.points(np.array(fitted.coords)[6:-6])
        clear = shapely.distance(points, block.exterior).min() > 16
        if not (clear and shapely.contains(block, points).all()):
            return None
        ahead, behind = fitted.coords[5], fitted.coords[-6]
        if not (self._has_room(foot, ahead) and self._has_room(head, behind)):
            return None
        return fitted

    def _landing(self, place: Place) -> Place | None:
        """Where a street that comes here may end: here, or at a junction nearby."""
        ring_distances = np.hypot(*(np.array(self.roundabouts) - place).T)
        if ring_distances.min() < ROUNDABOUT_SPACING:
            return None
        distances = np.hypot(*(np.array(self.junctions) - place).T)
        nearest = int(distances.argmin())
        return (
            self.junctions[nearest] if distances[nearest] < JUNCTION_SPACING else place
        )

    def _has_room(self, place: Place, towards: Place) -> bool:
        """Whether a new street fits between those that meet here, at most three."""
        circle = Point(place).buffer(ARM).exterior
        arms = shapely.get_coordinates(shapely.intersection(self.lines, circle))
        angles = [_bearing(place, arm) - _bearing(place, towards) for arm in arms]
        gaps = np.abs((np.array(angles) + np.pi) % (2 * np.pi) - np.pi)
        return len(arms) <= 3 and bool(gaps.min() > SHARPEST_CORNER)


def _curve(places: list[np.ndarray]) -> LineString:
    """A smooth line through the places, with a point about every two metres."""
    steps = np.hypot(*np.diff(places, axis=0).T)
    stations = np.concatenate([[0], np.cumsum(steps)])
    spline = CubicSpline(stations, places)
    return LineString(spline(np.linspace(0, stations[-1], int(stations[-1] / 2))))


def _bowed(foot: np.ndarray, head: np.ndarray, bow: float) -> LineString:
    """A line from foot to head in 40 steps, bent aside by `bow` of its length."""
    part = np.linspace(0, 1, 41)[:, None]
    (dx, dy) = head - foot
    aside = np.array([-dy, dx]) * bow
    return LineString(foot + part * (head - foot) + 4 * part * (1 - part) * aside)


def _halves(block: Polygon, cut: LineString) -> list[Polygon]:
    """The block's two sides of a line from edge to edge."""
    coords = np.array(cut.coords)
    over = coords[[0, -1]] - coords[[1, -2]]  # to be sure that it reaches the edge
    line = LineString([coords[0] + over[0] / 99, *coords, coords[-1] + over[1] / 99])
    return list(split(block, line).geoms)


def _resample(line: LineString) -> np.ndarray:
    """The line's points one metre apart, (n, 2)."""
    parts = np.linspace(0, 1, max(int(line.length), 2))
    return shapely.get_coordinates(line.interpolate(parts, normalized=True))


def _degrees(lines: list[LineString]) -> Counter[Place]:
    """How many lines end at each place where one does."""
    return Counter(place for line in lines for place in _ends(line))


def _ends(line: LineString) -> tuple[Place, Place]:
    return line.coords[0], line.coords[-1]


def _at_border(place: Place) -> bool:
    return place[0] in (0, WIDTH) or place[1] in (0, HEIGHT)


def _bearing(place: Place, other: Place) -> float:
    return np.arctan2(other[1] - place[1], other[0] - place[0])
