"""Lanes for the demo town's streets, and the turns and roundabouts that join them.

Traffic keeps to the right. Lanes stop short of a junction's middle; turning links lead
from each of them into the streets it serves. Roundabouts are one-way rings.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from roadblock.town_streets import Kind, Plan

LANE_WIDTH = 3.5
STEP = 2.0  # between a lane's points
TURN_STEP = 1.0  # between a turn's
JUNCTION_SPEED = 30
CORNER = 5.0  # from where two streets' kerbs meet back to their lanes' ends
FARTHEST_CORNER = 19.0
RING_RADIUS = 17.0
RING_APPROACH = 13.0
RING_GATE = np.radians(26)  # between a street's middle and its ways on and off the ring
STRAIGHT_ON = np.radians(40)
BEHIND = np.radians(150)


@dataclass(frozen=True, eq=False)
class Lane:
    """One link to be: points (n, 2) between two nodes; km/h."""

    start: int
    end: int
    points: np.ndarray
    speed: int
    turn: str | None = None  # straight, left or right, within a junction
    ego_lane: int | None = None  # 1 is next to the street's middle
    left: int | None = None  # the lanes one may change to
    right: int | None = None
    enters: bool = False  # from outside the map
    leaves: bool = False


@dataclass(frozen=True, eq=False)
class Arm:
    """A street as one of its junctions sees it; its lanes from the middle outwards."""

    angle: float  # of the way from the junction
    kind: Kind
    incoming: list[int]
    outgoing: list[int]


@dataclass(frozen=True, eq=False)
class Network:
    """Nodes (x, y) and the lanes between them."""

    nodes: list[np.ndarray] = field(default_factory=list)
    lanes: list[Lane] = field(default_factory=list)

    def add_node(self, place: np.ndarray) -> int:
        self.nodes.append(place)
        return len(self.nodes) - 1

    def add_lane(self, start: int, end: int, points: np.ndarray, speed: int, **more):
        self.lanes.append(Lane(start, end, points, speed, **more))

    def add_street(self, middle: np.ndarray, kind: Kind, **border: bool) -> list[int]:
        """The lanes of one direction, from the middle outwards."""
        first = len(self.lanes)
        rows = [first + i for i in range(kind.lanes)]
        for i, row in enumerate(rows):
            points = _aside(middle, (i + 0.5) * LANE_WIDTH)
            self.add_lane(
                self.add_node(points[0]),
                self.add_node(points[-1]),
                points,
                kind.speed,
                ego_lane=i + 1,
                left=row - 1 if i > 0 else None,
                right=row + 1 if row < rows[-1] else None,
                **border,
            )
        return rows

    def add_turn(self, lane: int, onto: int, turn: str) -> None:
        """A curve from the end of one lane to the start of another."""
        before, after = self.lanes[lane], self.lanes[onto]
        points = _curve(before.points[-2:], after.points[:2])
        self.add_lane(before.end, after.start, points, JUNCTION_SPEED, turn=turn)


def network(plan: Plan) -> Network:
    """All lanes of the town: its streets', its turns' and its roundabouts'."""
    town = Network()
    reaches = _reaches(plan)
    arms = [[] for _ in plan.junctions]
    for street in plan.streets:
        start, end = street.start, street.end
        from_border, to_border = reaches[start] == 0, reaches[end] == 0
        middle = _trimmed(street.line, reaches[start], reaches[end])
        there = town.add_street(
            middle, street.kind, enters=from_border, leaves=to_border
        )
        back = town.add_street(
            middle[::-1], street.kind, enters=to_border, leaves=from_border
        )
        first, last = middle[0] - street.line[0], middle[-1] - street.line[-1]
        arms[start].append(Arm(_angle(first), street.kind, back, there))
        arms[end].append(Arm(_angle(last), street.kind, there, back))
    for row, meeting in enumerate(arms):
        if row in plan.roundabouts:
            _join_by_ring(town, plan.junctions[row], meeting)
        elif len(meeting) > 1:
            _join_by_turns(town, meeting)
    return town


def _reaches(plan: Plan) -> list[float]:
    """How far from each junction's middle its lanes end; 0 on the map's border."""
    directions = [[] for _ in plan.junctions]
    for street in plan.streets:
        half = street.kind.lanes * LANE_WIDTH
        directions[street.start].append(
            (_angle(street.line[12] - street.line[0]), half)
        )
        directions[street.end].append(
            (_angle(street.line[-13] - street.line[-1]), half)
        )
    return [
        RING_RADIUS + RING_APPROACH if row in plan.roundabouts else _reach(around)
        for row, around in enumerate(directions)
    ]


def _reach(around: list[tuple[float, float]]) -> float:
    """Where the kerbs of neighbouring streets have met, and a corner's radius more."""
    if len(around) == 1:
        return 0.0
    around = sorted(around)
    meetings = []
    for (angle, half), (other, other_half) in pairwise([*around, around[0]]):
        gap = (other - angle) % (2 * np.pi)
        if gap < BEHIND:
            for one, two in ((half, other_half), (other_half, half)):
                meetings.append((two + one * np.cos(gap)) / np.sin(gap))
    return float(min(max(meetings, default=0.0) + CORNER, FARTHEST_CORNER))


def _join_by_turns(town: Network, arms: list[Arm]) -> None:
    """Turns from each lane: left from the inner, right from the outer, all ahead."""
    pairs = {}
    for arm in arms:
        for other in arms:
            if other is not arm:
                pairs |= _turns(arm, other)
    for arm in arms:  # no lane may end here, or begin with no way onto it
        left_over = [lane for lane in arm.incoming if lane not in {a for a, _ in pairs}]
        ahead = min(
            (other for other in arms if other is not arm),
            key=lambda other: abs(_turned(arm.angle + np.pi, other.angle)),
        )
        pairs |= {(lane, ahead.outgoing[-1]): "straight" for lane in left_over}
        unreached = [lane for lane in arm.outgoing if lane not in {b for _, b in pairs}]
        pairs |= {(ahead.incoming[-1], lane): "straight" for lane in unreached}
    for (lane, onto), turn in pairs.items():
        town.add_turn(lane, onto, turn)


def _turns(arm: Arm, other: Arm) -> dict[tuple[int, int], str]:
    """The lanes of one street that lead into another's, and which way one turns."""
    angle = _turned(arm.angle + np.pi, other.angle)
    if angle > STRAIGHT_ON:
        return {(arm.incoming[0], other.outgoing[0]): "left"}
    if angle < -STRAIGHT_ON:
        return {(arm.incoming[-1], other.outgoing[-1]): "right"}
    return dict.fromkeys(_side_by_side(arm.incoming, other.outgoing), "straight")


def _side_by_side(lanes: list[int], onto: list[int]) -> list[tuple[int, int]]:
    """Pairs of lanes straight across a junction, from the middle outwards."""
    count = max(len(lanes), len(onto))
    return [
        (lanes[min(i, len(lanes) - 1)], onto[min(i, len(onto) - 1)])
        for i in range(count)
    ]


def _join_by_ring(town: Network, centre: np.ndarray, arms: list[Arm]) -> None:
    """A ring driven counter-clockwise; a street's way off comes before its way on."""
    gates = []
    for arm in sorted(arms, key=lambda arm: arm.angle % (2 * np.pi)):
        for angle, lanes in (
            (arm.angle - RING_GATE, arm.outgoing),
            (arm.angle + RING_GATE, arm.incoming),
        ):
            place = centre + RING_RADIUS * _unit(angle)
            node = town.add_node(place)
            onward = place + STEP * _unit(angle + np.pi / 2)
            tangent = np.array([place, onward])
            gates.append((angle, node))
            for row in lanes:
                lane = town.lanes[row]
                if lanes is arm.outgoing:
                    points = _curve([2 * place - onward, place], lane.points[:2])
                    town.add_lane(
                        node, lane.start, points, JUNCTION_SPEED, turn="right"
                    )
                else:
                    points = _curve(lane.points[-2:], tangent)
                    town.add_lane(lane.end, node, points, JUNCTION_SPEED, turn="right")
    for (angle, node), (next_angle, next_node) in pairwise([*gates, gates[0]]):
        sweep = (next_angle - angle) % (2 * np.pi)
        steps = angle + np.linspace(0, sweep, int(RING_RADIUS * sweep / STEP) + 2)
        points = centre + RING_RADIUS * np.column_stack([np.cos(steps), np.sin(steps)])
        town.add_lane(node, next_node, points, JUNCTION_SPEED)


def _trimmed(line: np.ndarray, head: float, tail: float) -> np.ndarray:
    """The line without so many metres at its ends, points about STEP apart."""
    stations = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    length = stations[-1] - head - tail
    wanted = np.linspace(head, head + length, int(length / STEP) + 2)
    return np.column_stack([np.interp(wanted, stations, axis) for axis in line.T])


def _aside(line: np.ndarray, metres: float) -> np.ndarray:
    """The line moved to its right."""
    dx, dy = np.gradient(line, axis=0).T
    return line + metres * np.column_stack([dy, -dx]) / np.hypot(dx, dy)[:, None]


def _curve(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """A Bézier curve from the last of two points to the first of two others."""
    start, end = before[1], after[0]
    handle = 0.4 * np.hypot(*(end - start))
    one = start + handle * _unit(_angle(before[1] - before[0]))
    two = end - handle * _unit(_angle(after[1] - after[0]))
    t = np.linspace(0, 1, int(np.hypot(*(end - start)) / TURN_STEP) + 3)[:, None]
    return (
        (1 - t) ** 3 * start
        + 3 * (1 - t) ** 2 * t * one
        + 3 * (1 - t) * t**2 * two
        + t**3 * end
    )


def _angle(vector: np.ndarray) -> float:
    return float(np.arctan2(vector[1], vector[0]))


def _unit(angle: float) -> np.ndarray:
    return np.array([np.cos(angle), np.sin(angle)])


def _turned(heading: float, new_heading: float) -> float:
    """How far one turns, to the left if positive, -pi to pi."""
    return (new_heading - heading + np.pi) % (2 * np.pi) - np.pi
